//! `belfry files`: what was sent with messages: listed, fetched, taken back; and `belfry send --file`.

mod download;
mod progress;
mod upload;

use std::time::Instant;

use belfry_core::chat::{Answer, FileId, Request, SharedFile, spelled_bytes};
use belfry_core::client::Command as ClientCommand;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::session::{self, Session};
use super::zone;
use crate::config::{self, ConnectionArgs, PlaceArgs};
use crate::ending::{Ending, Outcome};
use crate::output::{self, Paint};
use crate::sentence::visible;

pub(super) use upload::{Chosen, choose, offer, send};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// List the files that were sent in a place, newest first
    List {
        #[command(flatten)]
        place: PlaceArgs,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Fetch a file; nothing that is there is ever overwritten
    Get {
        /// The file's number, as files list prints it
        #[arg(value_parser = config::file, allow_negative_numbers = true)]
        id: FileId,
        /// A new file or the folder for it, or - for standard output [default: the file's own name, here]
        #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
        out: Option<std::path::PathBuf>,
        /// How far it has come, and where it is in the end, as JSON objects; not with --out -
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Take back a message of one's own that brought a file, and the file with it
    Remove {
        /// The file's number, as files list prints it
        #[arg(value_parser = config::file, allow_negative_numbers = true)]
        id: FileId,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::List { place, json, connection } => list(&connection, place, json),
        Command::Get { id, out, json, connection } => {
            let to = download::Destination::understand(out, json)?;
            session::with(&connection, |session| {
                let file = find(session, id)?;
                download::fetch(session, &file, &to, json)
            })
        }
        Command::Remove { id, connection } => session::with(&connection, |session| {
            let SharedFile { place, conversation, seq, .. } = find(session, id)?;
            session.ask_done(Request::Delete { place, room: Some(conversation), seq })
        }),
    }
}

fn find(session: &mut Session, file: FileId) -> Outcome<SharedFile> {
    match session.ask(Request::FetchFile { file })? {
        Answer::File(found) => Ok(found),
        _ => Err(Ending::unexpected()),
    }
}

fn list(connection: &ConnectionArgs, place: PlaceArgs, json: bool) -> Outcome {
    let place = place.place();
    session::with(connection, |session| {
        let (zone, paint) = (zone::local(), Paint::for_stdout());
        let mut pages =
            session.pages(|page: &[SharedFile]| Request::ListFiles { place: place.clone(), before: page.last().map(|file| file.seq) });
        while let Some(files) = pages.next()? {
            for file in &files {
                if json { output::json(&object(file))? } else { output::line(line(file, &zone, paint))? }
            }
        }
        Ok(())
    })
}

#[derive(Serialize)]
struct FileObject<'a> {
    id: u64,
    name: &'a str,
    bytes: u64,
    blake3: String,
    room: String,
    from: &'a str,
    sent_at: String,
}

fn object(file: &SharedFile) -> FileObject<'_> {
    let SharedFile { attachment, place, from, sent_at, .. } = file;
    FileObject {
        id: attachment.file.0,
        name: attachment.name.as_str(),
        bytes: attachment.bytes,
        blake3: attachment.hash.to_string(),
        room: place.to_string(),
        from: from.as_str(),
        sent_at: sent_at.rfc3339(),
    }
}

/// `12 [2026-11-21 10:02] alice: plan.pdf, 1.4 MiB`.
fn line(file: &SharedFile, zone: &TimeZone, paint: Paint) -> String {
    format!(
        "{} {} {}: {}, {}",
        file.attachment.file.0,
        paint.dim(&format!("[{}]", output::minute(file.sent_at, zone))),
        paint.name(&visible(file.from.as_str())),
        visible(file.attachment.name.as_str()),
        spelled_bytes(file.attachment.bytes)
    )
}

/// When a transfer that waits for answers, or until then, is looked after again.
fn until(session: &Session, now: belfry_core::time::Instant, wait: Option<belfry_core::time::Instant>) -> Instant {
    Instant::now() + wait.map_or_else(|| session.answers_within(), |until| until.since(now))
}

/// Says a message with a file whose content is on the server.
fn post(session: &mut Session, command: impl FnOnce(belfry_core::client::Ticket) -> ClientCommand) -> Outcome<belfry_core::chat::Seq> {
    let ticket = session.ticket();
    session.send(command(ticket))?;
    session.posted(ticket)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, Attachment, ContentHash, ConversationId, FileName, Place, Seq};
    use belfry_core::time::UnixMillis;

    use super::*;

    #[test]
    fn a_file_is_a_line_for_people_and_an_object_of_the_contract_for_scripts() {
        let attachment =
            Attachment { file: FileId(12), name: FileName::new("plan.pdf").unwrap(), bytes: 1_500_000, hash: ContentHash([0xab; 32]) };
        let file = SharedFile {
            attachment,
            place: Place::lobby(),
            conversation: ConversationId(1),
            seq: Seq(7),
            from: AccountName::new("alice").unwrap(),
            sent_at: UnixMillis(1_795_255_323_123),
        };
        assert_eq!(line(&file, &TimeZone::UTC, Paint::default()), "12 [2026-11-21 10:02] alice: plan.pdf, 1.4 MiB");
        let blake3 = "ab".repeat(32);
        assert_eq!(
            output::json_text(&object(&file)).unwrap(),
            format!(
                r#"{{"id":12,"name":"plan.pdf","bytes":1500000,"blake3":"{blake3}","room":"lobby","from":"alice","sent_at":"2026-11-21T10:02:03.123Z"}}"#
            )
        );
    }
}
