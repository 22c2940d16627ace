//! Files in messages, as they are drawn: what they are called, how far they are, and what can be done with them.

use belfry_core::chat::{Attachment, spelled_bytes, visible};

use crate::model::{Delivery, MessageLine, Model};
use crate::transfer::{FoundFile, TransferState};

/// What a person can do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAction {
    /// Fetch it into the folder for what is fetched.
    Save,
    /// Fetch it to a place that is asked for.
    SaveAs,
    /// Fetch it although it could run.
    SaveAnyway,
    /// Leave it.
    DoNotSave,
    /// Stop for now.
    Pause,
    /// Go on.
    Resume,
    /// Give it up.
    Cancel,
    /// See where it is.
    Show,
}

/// A file in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRow {
    /// What comes back when something is done with it: [`file_key`].
    pub key: String,
    /// Its name before the ending.
    pub stem: String,
    /// The ending with its dot, which is always seen: by it the system decides what opens the file.
    pub ending: String,
    /// How long it is.
    pub size: String,
    /// The same, how far it is, and how fast it goes.
    pub note: String,
    /// Why it goes no further, or what is to be thought of before it is saved; empty for nothing.
    pub why: String,
    /// How much of it is there, in percent, while it is on its way.
    pub percent: Option<u8>,
    /// What can be done with it now, the first the usual.
    pub actions: Vec<FileAction>,
}

/// A file that is to be sent with what is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenRow {
    /// As it will be called.
    pub name: String,
    /// How long it is.
    pub size: String,
}

/// The files that are to be sent with what is being written.
pub fn chosen_rows(files: &[FoundFile]) -> Vec<ChosenRow> {
    files.iter().map(|file| ChosenRow { name: visible(file.name.as_str()), size: spelled_bytes(file.bytes) }).collect()
}

/// Endings of what a computer runs, or that tell it what to run, in small letters: of Windows, then of others.
const RUNNABLE: [&str; 64] = [
    "appinstaller",
    "application",
    "appref-ms",
    "appx",
    "appxbundle",
    "bat",
    "chm",
    "cmd",
    "com",
    "cpl",
    "diagcab",
    "dll",
    "exe",
    "gadget",
    "hta",
    "img",
    "inf",
    "iso",
    "jar",
    "js",
    "jse",
    "library-ms",
    "lnk",
    "msc",
    "msi",
    "msix",
    "msixbundle",
    "msp",
    "mst",
    "ocx",
    "pif",
    "ps1",
    "ps1xml",
    "psc1",
    "psd1",
    "psm1",
    "reg",
    "scf",
    "scr",
    "sct",
    "search-ms",
    "settingcontent-ms",
    "sys",
    "theme",
    "udl",
    "url",
    "vb",
    "vbe",
    "vbs",
    "vhd",
    "vhdx",
    "website",
    "ws",
    "wsc",
    "wsf",
    "wsh",
    "xll",
    "appimage",
    "deb",
    "desktop",
    "rpm",
    "run",
    "sh",
    "py",
];

/// The name's last part with its dot; empty for none.
fn ending(name: &str) -> &str {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name.get(dot..).unwrap_or_default(),
        _ => "",
    }
}

/// Whether a file of this name could run, or make something run, when somebody opens it.
pub fn could_run(name: &str) -> bool {
    let ending = ending(name).trim_start_matches('.').to_lowercase();
    RUNNABLE.contains(&ending.as_str())
}

/// By what a file in a message is meant: `file 12` for one that came with a message, `own 7` for one that an own message brings.
pub(super) fn file_key(line: &MessageLine<'_>) -> Option<String> {
    match (line.attachment, line.own.filter(|_| line.outgoing.is_some())) {
        (Some(attachment), _) => Some(format!("file {}", attachment.file.0)),
        (None, Some(own)) => Some(format!("own {}", own.0)),
        (None, None) => None,
    }
}

/// The file of a message; `None` where it has none.
pub(super) fn file_row(model: &Model, line: &MessageLine<'_>) -> Option<FileRow> {
    let key = file_key(line)?;
    let (name, bytes) = match (line.attachment, line.outgoing) {
        (Some(attachment), _) => (&attachment.name, attachment.bytes),
        (None, Some(own)) => (&own.file.found.name, own.file.found.bytes),
        (None, None) => return None,
    };
    let name = visible(name.as_str());
    let ending = ending(&name).to_owned();
    let stem = name.strip_suffix(&*ending).unwrap_or_default().to_owned();
    let row = FileRow { key, stem, ending, size: spelled_bytes(bytes), ..FileRow::default() };
    Some(match line.attachment {
        Some(attachment) => fetched(model, attachment, &name, row),
        None => sent(model, line, bytes, row),
    })
}

fn sent(model: &Model, line: &MessageLine<'_>, bytes: u64, row: FileRow) -> FileRow {
    let size = row.size.clone();
    if line.delivery != Some(Delivery::Waiting) {
        return FileRow { note: size, ..row };
    }
    match line.own.and_then(|own| model.sending(own)) {
        Some(TransferState::Stored(_)) => FileRow { note: size, percent: Some(100), ..row },
        Some(state) => on_its_way(model, state, bytes, row),
        None => FileRow { note: format!("{size} · Waiting"), actions: vec![FileAction::Cancel], ..row },
    }
}

fn fetched(model: &Model, attachment: &Attachment, name: &str, row: FileRow) -> FileRow {
    let size = row.size.clone();
    match model.fetching(attachment) {
        None if model.asks_about(attachment.file) => FileRow {
            note: size,
            why: "This file can run as a program. Save it only if you know why it was sent to you.".into(),
            actions: vec![FileAction::DoNotSave, FileAction::SaveAnyway],
            ..row
        },
        None => FileRow { note: size, actions: vec![FileAction::Save, FileAction::SaveAs], ..row },
        Some(TransferState::Saved(path)) => {
            let saved = path.file_name().map(|name| visible(&name.to_string_lossy())).unwrap_or_default();
            let note = if saved == name { format!("{size} · Saved") } else { format!("{size} · Saved as {saved}") };
            FileRow { note, actions: vec![FileAction::Show, FileAction::SaveAs], ..row }
        }
        Some(TransferState::Failed(why)) => {
            FileRow { note: size, why: why.clone(), actions: vec![FileAction::Save, FileAction::SaveAs], ..row }
        }
        Some(state) => on_its_way(model, state, attachment.bytes, row),
    }
}

/// Of one that is neither here nor given up.
fn on_its_way(model: &Model, state: &TransferState, bytes: u64, row: FileRow) -> FileRow {
    let size = row.size.clone();
    let so_far = |done: u64| if done == 0 { size.clone() } else { format!("{} / {size}", spelled_bytes(done)) };
    let going = vec![FileAction::Pause, FileAction::Cancel];
    let (note, done, actions) = match state {
        TransferState::Reading => (format!("{size} · Reading the file"), 0, vec![FileAction::Cancel]),
        TransferState::Paused { done } => (format!("{} · Paused", so_far(*done)), *done, vec![FileAction::Resume, FileAction::Cancel]),
        TransferState::Running { done, rate } if model.connection().is_up() => {
            let speed = if *rate == 0 { String::new() } else { format!(" · {}/s", spelled_bytes(*rate)) };
            (so_far(*done) + &speed, *done, going)
        }
        TransferState::Waiting { done } | TransferState::Running { done, .. } => (format!("{} · Waiting", so_far(*done)), *done, going),
        TransferState::Stored(_) | TransferState::Saved(_) | TransferState::Failed(_) => (size, bytes, Vec::new()),
    };
    let percent = u8::try_from(done.saturating_mul(100) / bytes.max(1)).unwrap_or(100).min(100);
    FileRow { note, percent: Some(percent), actions, ..row }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, ContentHash, ConversationId, FileId, FileName, Message, Place, Role, Seq, Text};
    use belfry_core::client::{Interruption, Update};
    use belfry_core::time::{Instant, Now, UnixMillis};

    use super::*;
    use crate::model::Intent;
    use crate::transfer::TransferKey;

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(9) };
    const MIB: u64 = 1024 * 1024;

    /// A lobby with one file of 300 MiB in it.
    fn with(name: &str) -> (Model, Attachment) {
        let mut model = Model::new("lan-host");
        model.apply(NOW, Update::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        model.act(NOW, Intent::Open(Place::lobby()));
        let attachment =
            Attachment { file: FileId(12), name: FileName::known(name).unwrap(), bytes: 300 * MIB, hash: ContentHash([7; 32]) };
        let (from, text) = (AccountName::new("anna").unwrap(), Text::new("look").unwrap());
        let mut message = Message::new(ConversationId(1), Seq(1), from, text, UnixMillis(1));
        message.attachment = Some(Box::new(attachment.clone()));
        model.apply(NOW, Update::Message { place: Place::lobby(), message });
        (model, attachment)
    }

    /// The newest line's file.
    fn row(model: &Model) -> FileRow {
        let lobby = Place::lobby();
        let line = model.lines(&lobby).last().unwrap();
        file_row(model, &line).unwrap()
    }

    #[track_caller]
    fn check(model: &Model, note: &str, percent: Option<u8>, actions: &[FileAction]) {
        let row = row(model);
        assert_eq!((row.note.as_str(), row.percent, &row.actions[..]), (note, percent, actions));
    }

    #[test]
    fn a_name_is_shown_with_its_real_ending() {
        for (name, stem, ending) in [
            ("plan.pdf", "plan", ".pdf"),
            ("photo.jpg.exe", "photo.jpg", ".exe"),
            ("Makefile", "Makefile", ""),
            (".profile", ".profile", ""),
            ("\u{202e}gpj.exe", "·U+202E·gpj", ".exe"),
        ] {
            let row = row(&with(name).0);
            assert_eq!((row.stem.as_str(), row.ending.as_str()), (stem, ending));
        }
    }

    #[test]
    fn what_could_run_is_known_by_its_ending_however_it_is_written() {
        for name in ["setup.exe", "Setup.EXE", "photo.jpg.scr", "a.ps1", "install.sh", "x.lnk", "y.Desktop"] {
            assert!(could_run(name), "{name}");
        }
        for name in ["plan.pdf", "exe", "photo.jpeg", "notes.txt", ".sh"] {
            assert!(!could_run(name), "{name}");
        }
    }

    #[test]
    fn a_file_says_how_far_it_is_and_what_can_be_done() {
        use FileAction::{Cancel, DoNotSave, Pause, Resume, Save, SaveAnyway, SaveAs, Show};
        let (mut model, attachment) = with("film.mkv");
        check(&model, "300 MiB", None, &[Save, SaveAs]);
        model.act(NOW, Intent::AskAboutFile(Some(FileId(12))));
        check(&model, "300 MiB", None, &[DoNotSave, SaveAnyway]);
        model.fetch(&attachment, TransferState::Waiting { done: 0 });
        check(&model, "300 MiB · Waiting", Some(0), &[Pause, Cancel]);
        let turn = |model: &mut Model, state| drop(model.transferred(TransferKey::Fetched(FileId(12)), state));
        turn(&mut model, TransferState::Running { done: 75 * MIB, rate: 11 * MIB });
        check(&model, "75.0 MiB / 300 MiB · 11.0 MiB/s", Some(25), &[Pause, Cancel]);
        turn(&mut model, TransferState::Paused { done: 75 * MIB });
        check(&model, "75.0 MiB / 300 MiB · Paused", Some(25), &[Resume, Cancel]);
        turn(&mut model, TransferState::Failed("The disk is full.".into()));
        check(&model, "300 MiB", None, &[Save, SaveAs]);
        assert_eq!(row(&model).why, "The disk is full.");
        turn(&mut model, TransferState::Saved("/tmp/film.mkv".into()));
        check(&model, "300 MiB · Saved", None, &[Show, SaveAs]);
        turn(&mut model, TransferState::Saved("/tmp/film (2).mkv".into()));
        check(&model, "300 MiB · Saved as film (2).mkv", None, &[Show, SaveAs]);
    }

    #[test]
    fn while_the_server_is_gone_nothing_is_said_to_go_on() {
        let (mut model, attachment) = with("film.mkv");
        model.fetch(&attachment, TransferState::Running { done: 75 * MIB, rate: 11 * MIB });
        model.apply(NOW, Update::Disconnected { why: Interruption::Silent, retry_in: std::time::Duration::ZERO });
        check(&model, "75.0 MiB / 300 MiB · Waiting", Some(25), &[FileAction::Pause, FileAction::Cancel]);
    }

    #[test]
    fn a_file_that_is_sent_says_the_same_until_its_message_is_stored() {
        let (mut model, _) = with("film.mkv");
        let found = FoundFile { path: "/tmp/plan.pdf".into(), name: FileName::new("plan.pdf").unwrap(), bytes: 4 * MIB };
        let text = Text::new("plan.pdf").unwrap();
        model.act(NOW, Intent::SayWithFile { to: Place::lobby(), text, file: found });
        check(&model, "4.0 MiB · Waiting", None, &[FileAction::Cancel]);
        let lobby = Place::lobby();
        let own = model.lines(&lobby).last().unwrap().own.unwrap();
        for (state, note, percent, actions) in [
            (TransferState::Reading, "4.0 MiB · Reading the file", Some(0), &[FileAction::Cancel][..]),
            (
                TransferState::Running { done: MIB, rate: MIB },
                "1.0 MiB / 4.0 MiB · 1.0 MiB/s",
                Some(25),
                &[FileAction::Pause, FileAction::Cancel],
            ),
            (TransferState::Stored(ContentHash([7; 32])), "4.0 MiB", Some(100), &[]),
            (TransferState::Failed("No.".into()), "4.0 MiB", None, &[]),
        ] {
            model.transferred(TransferKey::Sent(own), state);
            check(&model, note, percent, actions);
        }
    }
}
