//! Files in messages and beside the composer: what is seen, heard and done.

use std::path::PathBuf;
use std::time::Duration;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery, mock_elapsed_time};
use slint::platform::{Key, WindowEvent};
use slint::{ComponentHandle as _, SharedString};

use super::clicks::{begin, chat, find, is_there, key, press};
use super::pictures::Easel;
use super::*;
use crate::scene::{ChosenRow, FileAction, FileRow};
use crate::settings::Theme;
use crate::view::FileGesture;
use crate::view::chat::{ChatHead, ChatView};

/// A file as it is seen in one of its states.
pub(super) fn row(state: &str) -> FileRow {
    use FileAction::{Cancel, DoNotSave, Pause, Resume, Save, SaveAnyway, SaveAs, Show};
    let file = |stem: &str, ending: &str, note: &str, percent, actions: &[FileAction]| FileRow {
        key: "file 12".into(),
        stem: stem.into(),
        ending: ending.into(),
        size: "300 MiB".into(),
        note: note.into(),
        percent,
        actions: actions.to_vec(),
        ..FileRow::default()
    };
    match state {
        "fetch" => file(
            "Minutes of the meeting on the third floor, with everything that was said before lunch",
            ".pdf",
            "1.4 MiB",
            None,
            &[Save, SaveAs],
        ),
        "asks" => FileRow {
            why: "This file can run as a program. Save it only if you know why it was sent to you.".into(),
            ..file("photo.jpg", ".exe", "742 bytes", None, &[DoNotSave, SaveAnyway])
        },
        "running" => file("film", ".mkv", "75.0 MiB / 300 MiB · 11.0 MiB/s", Some(25), &[Pause, Cancel]),
        "paused" => file("film", ".mkv", "75.0 MiB / 300 MiB · Paused", Some(25), &[Resume, Cancel]),
        "saved" => file("plan", ".pdf", "1.4 MiB · Saved as plan (2).pdf", None, &[Show, SaveAs]),
        "failed" => FileRow {
            why: "There is no such file, or its message is not there for you any more.".into(),
            ..file("plan", ".pdf", "1.4 MiB", None, &[Save, SaveAs])
        },
        _ => panic!("{state}"),
    }
}

pub(super) fn with_file(file: FileRow) -> LineRow {
    let mut line = said("Anna Berg", "10:05", "", DeliveryMark::None);
    if let LineRow::Message(message) = &mut line {
        message.file = Some(file);
        message.seq = "9".into();
    }
    line
}

pub(super) fn chosen() -> Vec<ChosenRow> {
    let row = |name: &str, size: &str| ChosenRow { name: name.into(), size: size.into() };
    vec![row("floor plan.pdf", "1.4 MiB"), row("photo.jpg", "2.1 MiB"), row("notes.txt", "742 bytes"), row("film.mkv", "300 MiB")]
}

fn head() -> ChatHead {
    ChatHead { key: "lobby".into(), name: "Lobby".into(), note: "3 here".into(), ..ChatHead::default() }
}

fn settle() {
    mock_elapsed_time(Duration::from_millis(100));
}

/// What was done about files.
fn done(heard: &Heard) -> Vec<FileGesture> {
    heard.take().into_iter().filter_map(|gesture| if let Gesture::File(gesture) = gesture { Some(gesture) } else { None }).collect()
}

fn act(action: FileAction) -> FileGesture {
    FileGesture::Act { key: "file 12".into(), action }
}

#[test]
fn every_button_of_a_file_says_of_which_it_is_and_does_what_it_says() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    for (state, label, action) in [
        ("running", "Pause: film.mkv", FileAction::Pause),
        ("running", "Cancel: film.mkv", FileAction::Cancel),
        ("paused", "Resume: film.mkv", FileAction::Resume),
        ("asks", "Do not save: photo.jpg.exe", FileAction::DoNotSave),
        ("asks", "Save it all the same: photo.jpg.exe", FileAction::SaveAnyway),
        ("saved", "Show in folder: plan.pdf", FileAction::Show),
        ("saved", "Save as…: plan.pdf", FileAction::SaveAs),
        ("failed", "Save: plan.pdf", FileAction::Save),
    ] {
        view.set_lines(head(), vec![with_file(row(state))], true);
        settle();
        press(view.window(), label);
        assert_eq!(done(&heard), [act(action)], "{label}");
    }
}

#[test]
fn whoever_listens_hears_of_a_file_its_name_its_length_and_how_far_it_is() {
    let (_heard, sink) = begin();
    let mut view = chat(&sink);
    view.set_lines(head(), vec![with_file(row("running"))], true);
    settle();
    assert!(is_there(view.window(), "Anna Berg, 10:05: File film.mkv, 75.0 MiB / 300 MiB · 11.0 MiB/s"));
    let bar = ElementQuery::from_root(view.window()).match_descendants().find_all();
    let bar: Vec<ElementHandle> =
        bar.into_iter().filter(|element| element.accessible_role() == Some(AccessibleRole::ProgressIndicator)).collect();
    assert_eq!(bar[0].accessible_value(), Some("25".into()));
}

#[test]
fn the_buttons_of_a_file_are_reached_and_pressed_by_keys() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.set_lines(head(), vec![with_file(row("fetch"))], true);
    settle();
    let window = view.window().window();
    for back in 1..=12 {
        key(window, SharedString::from(Key::Backtab));
        settle();
        key(window, " ");
        settle();
        if done(&heard).contains(&act(FileAction::Save)) {
            return;
        }
        assert!(back < 12, "no key leads there");
    }
}

#[test]
fn files_are_chosen_by_a_button_or_a_key_seen_above_what_is_written_and_taken_away_again() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    press(view.window(), "Attach files");
    let window = view.window().window();
    window.dispatch_event(WindowEvent::KeyPressed { text: Key::Control.into() });
    key(window, "o");
    window.dispatch_event(WindowEvent::KeyReleased { text: Key::Control.into() });
    assert_eq!(done(&heard), [FileGesture::Choose, FileGesture::Choose]);
    view.set_chosen(chosen());
    settle();
    assert!(is_there(view.window(), "File floor plan.pdf, 1.4 MiB"));
    press(view.window(), "Do not send photo.jpg");
    assert_eq!(done(&heard), [FileGesture::Detach(1)]);
}

#[test]
fn files_are_sent_also_without_a_word() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    press(view.window(), "Send");
    assert_eq!(heard.take(), [], "there is nothing to send");
    view.set_chosen(chosen());
    settle();
    press(view.window(), "Send");
    assert_eq!(heard.take(), [Gesture::Say(String::new())]);
    find(view.window(), "Message Lobby");
}

#[test]
fn a_file_that_is_dropped_is_handed_over_and_while_it_is_held_the_window_says_what_comes_of_it() {
    use winit::event::WindowEvent::{DroppedFile, HoveredFile, HoveredFileCancelled};
    let (heard, sink) = begin();
    let view = chat(&sink);
    let weak = view.window().as_weak();
    let says = || {
        settle();
        is_there(view.window(), "Drop files here to send them to Lobby")
    };
    let mind = |event| crate::view::chat::files::mind_files(&weak, &event, &sink);
    mind(HoveredFile("a.txt".into()));
    assert!(says());
    mind(HoveredFileCancelled);
    assert!(!says());
    mind(HoveredFile("a.txt".into()));
    mind(DroppedFile("a.txt".into()));
    mind(DroppedFile("b.txt".into()));
    assert!(!says());
    assert_eq!(done(&heard), ["a.txt", "b.txt"].map(|name| FileGesture::Drop(PathBuf::from(name))));
}

fn every_state() -> Vec<LineRow> {
    let mut lines: Vec<_> = ["fetch", "running", "asks", "saved"].map(|state| with_file(row(state))).into();
    let mut own = with_file(FileRow { note: "1.0 MiB / 4.0 MiB · 1.0 MiB/s".into(), ..row("running") });
    if let (LineRow::Message(first), LineRow::Message(own)) = (&mut lines[0], &mut own) {
        first.text = "Here is what we have agreed on.".into();
        (own.own, own.mark, own.who, own.text) = (true, DeliveryMark::Waiting, "You".into(), "The plan for tomorrow".into());
    }
    lines.push(own);
    lines
}

fn window() -> ChatView {
    let mut view = super::pictures::chat();
    view.set_notices(vec![], vec![]);
    view.set_lines(head(), every_state(), true);
    view
}

#[test]
fn a_picture_of_files_in_every_state() {
    let easel = Easel::new(Theme::Light, 100, "");
    let _view = window();
    easel.check("chat-files", 720, 760);
}

#[test]
fn a_picture_of_files_in_chinese_and_dark() {
    let easel = Easel::new(Theme::Dark, 100, "zh");
    let _view = window();
    easel.check("chat-files-chinese-dark", 720, 760);
}

#[test]
fn a_picture_of_files_that_are_to_be_sent() {
    let easel = Easel::new(Theme::Light, 100, "");
    let view = window();
    view.set_chosen(chosen());
    view.set_draft("The plan".into());
    easel.check("chat-files-chosen", 720, 560);
}

#[test]
fn a_picture_of_files_in_the_narrowest_window_with_text_twice_as_large_in_chinese() {
    let easel = Easel::new(Theme::Light, 200, "zh");
    let view = window();
    view.window().set_list_shown(false);
    view.set_chosen(chosen());
    easel.check("chat-files-narrow-large-chinese", 720, 690);
}

#[test]
fn a_picture_of_a_file_held_above_the_window_in_dark_colours() {
    let easel = Easel::new(Theme::Dark, 100, "");
    let view = window();
    view.window().set_dropping(true);
    easel.check("chat-files-dropping-dark", 720, 560);
}
