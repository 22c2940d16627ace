//! What a person does becomes a gesture.

use std::time::Duration;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementRoot};
use slint::platform::{Key, WindowEvent};
use slint::{ComponentHandle, SharedString};

use super::*;
use crate::alerts::AlertSwitches;
use crate::platform::policy::Policy;
use crate::popup::window::{MessageRow, Popup};
use crate::scene::AudienceRow;
use crate::settings::UserSettings;
use crate::view::chat::{ChatHead, ChatView};
use crate::view::desk::DeskView;
use crate::view::dialog::{PathUse, PathView};
use crate::view::settings::SettingsView;
use crate::view::sign_in::SignInView;
use crate::view::{Change, DeskGesture, PlaceGesture};

pub(super) fn begin() -> (Heard, Sink) {
    i_slint_backend_testing::init_no_event_loop();
    let heard = Heard::default();
    let sink = heard.sink();
    (heard, sink)
}

/// The element that a screen reader calls so.
#[track_caller]
pub(super) fn find(window: &(impl ElementRoot + 'static), label: &str) -> ElementHandle {
    ElementHandle::find_by_accessible_label(window, label).next().unwrap_or_else(|| panic!("there is no {label:?}"))
}

/// The field that a screen reader calls so; a word beside it may be called the same.
#[track_caller]
pub(super) fn field(window: &(impl ElementRoot + 'static), label: &str) -> ElementHandle {
    let is_field = |element: &ElementHandle| element.accessible_role() == Some(AccessibleRole::TextInput);
    ElementHandle::find_by_accessible_label(window, label).find(is_field).unwrap_or_else(|| panic!("there is no field {label:?}"))
}

pub(super) fn is_there(window: &(impl ElementRoot + 'static), label: &str) -> bool {
    ElementHandle::find_by_accessible_label(window, label).next().is_some()
}

#[track_caller]
pub(super) fn press(window: &(impl ElementRoot + 'static), label: &str) {
    find(window, label).invoke_accessible_default_action();
}

#[test]
fn without_a_dialog_of_the_desktops_a_path_is_asked_for_and_no_file_is_replaced_unasked() {
    let _ = begin();
    let folder = tempfile::tempdir().unwrap();
    let (there, chosen) = (folder.path().join("Lobby.txt"), Rc::new(RefCell::new(Vec::new())));
    std::fs::write(&there, "old").unwrap();
    let hear = Rc::clone(&chosen);
    let view = PathView::show(&there, PathUse::Replace, move |path| hear.borrow_mut().push(path)).unwrap();
    press(view.window(), "Save");
    i_slint_backend_testing::mock_elapsed_time(Duration::from_millis(20));
    assert_eq!(*chosen.borrow(), Vec::<std::path::PathBuf>::new());
    assert_eq!(view.window().get_complaint(), "There is a file of that name already. Save again to replace it.");
    press(view.window(), "Save");
    assert_eq!(*chosen.borrow(), [there]);
    assert!(!view.window().window().is_visible());
}

#[test]
fn whoever_makes_an_account_types_the_password_twice() {
    let (heard, sink) = begin();
    let view = SignInView::show(&sink, "lan-host", "anna").unwrap();
    view.window().set_register(true);
    i_slint_backend_testing::mock_elapsed_time(Duration::from_millis(20));
    field(view.window(), "Password").set_accessible_value("secret");
    for (again, taken) in [("", false), ("secrte", false), ("secret", true)] {
        field(view.window(), "The same password again").set_accessible_value(again);
        i_slint_backend_testing::mock_elapsed_time(Duration::from_millis(20));
        assert_eq!(is_there(view.window(), "The two passwords are not the same."), again == "secrte");
        key(view.window().window(), Key::Return);
        press(view.window(), "Register");
        assert_eq!(!heard.take().is_empty(), taken, "{again:?}");
    }
}

pub(super) fn key(window: &slint::Window, text: impl Into<SharedString>) {
    let text = text.into();
    window.dispatch_event(WindowEvent::KeyPressed { text: text.clone() });
    window.dispatch_event(WindowEvent::KeyReleased { text });
}

pub(super) fn chat(sink: &Sink) -> ChatView {
    let mut view = ChatView::new(sink).unwrap();
    view.show().unwrap();
    view.window().window().dispatch_event(WindowEvent::WindowActiveChanged(true));
    view.set_conversations(conversations());
    view.set_people(people());
    let head = ChatHead { key: "lobby".into(), name: "Lobby".into(), note: "3 here".into(), has_older: true, ..ChatHead::default() };
    view.set_lines(head, lines(), true);
    view
}

#[test]
fn what_was_typed_to_sign_in_is_handed_over() {
    let (heard, sink) = begin();
    let view = SignInView::show(&sink, "", "").unwrap();
    press(view.window(), "Sign in");
    assert_eq!(heard.take(), [], "nothing is typed yet");
    for (field, typed) in [("Server", "lan-host"), ("Your name", "anna"), ("Password", "secret")] {
        self::field(view.window(), field).set_accessible_value(typed);
    }
    press(view.window(), "Sign in");
    let (server, account, password) = ("lan-host".into(), "anna".into(), "secret".into());
    assert_eq!(heard.take(), [Gesture::SignIn { server, account, password, register: false }]);
    view.set_complaint("The account name or the password is wrong.");
    assert!(is_there(view.window(), "The account name or the password is wrong."));
}

#[test]
fn enter_sends_and_shift_enter_breaks_the_line() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    let window = view.window().window();
    for letter in ["h", "i"] {
        key(window, letter);
    }
    window.dispatch_event(WindowEvent::KeyPressed { text: Key::Shift.into() });
    key(window, Key::Return);
    window.dispatch_event(WindowEvent::KeyReleased { text: Key::Shift.into() });
    key(window, "x");
    assert_eq!(view.draft(), "hi\nx");
    assert!(heard.take().iter().all(|gesture| *gesture == Gesture::Place(PlaceGesture::Type)), "nothing is sent yet");
    key(window, Key::Return);
    assert_eq!(heard.take(), [Gesture::Say("hi\nx".into())]);
}

#[test]
fn a_conversation_opens_by_a_click_and_says_how_much_is_unread() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    press(view.window(), "Ward 4, 3 unread, pinned, muted");
    assert_eq!(heard.take(), [Gesture::Open("Ward 4".into())]);
    press(view.window(), "Anna Berg, online");
    assert_eq!(heard.take(), [Gesture::Open("@Anna Berg".into())]);
    press(view.window(), "me, online");
    assert_eq!(heard.take(), [], "nobody talks to themselves");
}

#[test]
fn an_administrator_writes_a_notice_by_a_key_and_nobody_else_does() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    let press = || {
        for modifier in [Key::Control, Key::Shift] {
            view.window().window().dispatch_event(WindowEvent::KeyPressed { text: modifier.into() });
        }
        key(view.window().window(), "N");
        for modifier in [Key::Control, Key::Shift] {
            view.window().window().dispatch_event(WindowEvent::KeyReleased { text: modifier.into() });
        }
    };
    press();
    assert_eq!(heard.take(), []);
    view.set_admin(true);
    press();
    assert_eq!(heard.take(), [Gesture::Choose("notice".into())]);
}

#[test]
fn an_open_notice_at_the_top_of_the_window_is_answered_there() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.set_notices(vec![notice(SeverityLevel::Important, &["Safe", "Need help"])], vec![]);
    press(view.window(), "Need help");
    assert_eq!(heard.take(), [Gesture::Answer { notice: "7".into(), answer: 1 }]);
    view.set_notices(vec![], vec![]);
    assert!(!is_there(view.window(), "Need help"));
}

#[test]
fn the_keyboard_can_be_put_on_the_newest_notices_first_answer() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    let newest = NoticeRow { key: "8".into(), ..notice(SeverityLevel::Critical, &["Safe", "Need help"]) };
    view.set_notices(vec![newest, notice(SeverityLevel::Important, &["I know"])], vec![]);
    assert!(is_there(view.window(), "Need help"));
    view.focus_notice();
    i_slint_backend_testing::mock_elapsed_time(Duration::from_secs(1));
    key(view.window().window(), Key::Return);
    assert_eq!(heard.take(), [Gesture::Answer { notice: "8".into(), answer: 0 }]);
}

#[test]
fn a_server_that_was_found_is_taken_by_a_click_and_a_single_one_without() {
    let (_heard, sink) = begin();
    let view = SignInView::show(&sink, "", "").unwrap();
    view.set_looking();
    assert!(is_there(view.window(), "Looking for servers on this network…"));
    view.set_found(&[("tower".into(), "192.0.2.5:7411".into()), (String::new(), "192.0.2.6:7411".into())]);
    assert_eq!(view.window().get_server(), "");
    press(view.window(), "tower · 192.0.2.5:7411");
    assert_eq!(view.window().get_server(), "192.0.2.5:7411");

    let view = SignInView::show(&sink, "", "").unwrap();
    view.set_found(&[("tower".into(), "192.0.2.5:7411".into())]);
    assert_eq!(view.window().get_server(), "192.0.2.5:7411");
    view.window().set_server("my-own".into());
    view.set_found(&[("tower".into(), "192.0.2.5:7411".into())]);
    assert_eq!(view.window().get_server(), "my-own");
}

#[test]
fn past_notices_are_found_again() {
    let (_, sink) = begin();
    let mut view = chat(&sink);
    let past = NoticeRow { ended: "Answered: Safe".into(), answers: vec![], ..notice(SeverityLevel::Critical, &[]) };
    view.set_notices(vec![], vec![past]);
    view.show_notices();
    let shown = ElementHandle::query_descendants_of(view.window());
    assert!(shown.contains(&"Answered: Safe".to_owned()), "{shown:?}");
}

#[test]
fn what_is_wrong_stands_in_a_strip_that_is_read_aloud() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    view.set_trouble("Server unreachable since 10:02.".into(), true);
    let strip = find(view.window(), "Server unreachable since 10:02.");
    assert_eq!(strip.accessible_live_region(), Some(i_slint_backend_testing::AccessibleLiveness::Polite));
    press(view.window(), "Try now");
    press(view.window(), "Why?");
    assert_eq!(heard.take(), [Gesture::TryNow, Gesture::Why]);
}

#[test]
fn a_popup_offers_its_answers_and_only_an_info_one_can_be_closed() {
    let (heard, sink) = begin();
    for (level, closable) in [(SeverityLevel::Info, true), (SeverityLevel::Important, false), (SeverityLevel::Critical, false)] {
        let Popup::Notice(window) = &Popup::notice(&sink, "notice 7", notice(level, &["Safe", "Need help"])).unwrap() else {
            panic!("a notice")
        };
        assert_eq!(is_there(window, "Close"), closable, "{level:?}");
        press(window, "Need help");
        assert_eq!(heard.take(), [Gesture::Answer { notice: "7".into(), answer: 1 }]);
    }
}

#[test]
fn a_notice_that_is_over_has_no_answers_on_the_screen() {
    let (heard, sink) = begin();
    let popup = Popup::notice(&sink, "notice 7", notice(SeverityLevel::Critical, &["Safe"])).unwrap();
    popup.renew(NoticeRow { ended: "All clear, says admin".into(), clear: true, answers: vec![], ..notice(SeverityLevel::Critical, &[]) });
    let Popup::Notice(window) = &popup else { panic!("a notice") };
    assert!(!is_there(window, "Safe"));
    press(window, "Close");
    assert_eq!(heard.take(), [Gesture::Dismiss("7".into())]);
}

#[test]
fn a_notice_is_written_aimed_confirmed_and_sent() {
    let (heard, sink) = begin();
    let mut view = DeskView::show(&sink).unwrap();
    view.window().window().set_size(slint::LogicalSize::new(1000.0, 1200.0));
    let everyone = AudienceRow { key: "everyone".into(), name: "Everyone".into(), ..AudienceRow::default() };
    view.set_audiences(vec![everyone], vec![], "Reaches 12 people · 8 online".into());
    for (field, typed) in [("Title", "Drill"), ("Text", "Leave."), ("Answers", "Safe, Need help"), ("Until", "1h")] {
        self::field(view.window(), field).set_accessible_value(typed);
    }
    view.set_author(
        "admin",
        crate::compose::times_ahead(belfry_core::time::UnixMillis(0), &crate::when::Wall::new(jiff::tz::TimeZone::UTC)),
        crate::compose::reminders(),
    );
    view.set_choices(3, 2);
    press(view.window(), "Critical");
    press(view.window(), "Everyone");
    press(view.window(), "Until: Tomorrow 8:00");
    press(view.window(), "Remind every: 15 minutes");
    press(view.window(), "Choose all 3 that are found");
    press(view.window(), "Leave out 2 who have never been here");
    press(view.window(), "Send notice");
    let mut gestures = heard.take();
    let chosen = gestures.drain(1..3).collect::<Vec<_>>();
    assert_eq!(chosen, [DeskGesture::ChooseFound, DeskGesture::LeaveOutNeverHere].map(Gesture::Desk));
    let [Gesture::Desk(DeskGesture::Choose(key)), Gesture::Desk(DeskGesture::Send(form))] = &gestures[..] else { panic!("{gestures:?}") };
    assert_eq!((key.as_str(), form.title.as_str(), form.body.as_str(), form.severity), ("everyone", "Drill", "Leave.", 2));
    assert_eq!((form.answers.as_str(), form.expires.as_str()), ("Safe, Need help", "1970-01-02 08:00"));
    assert_eq!(form.remind, "15m");
    view.set_to_confirm(true);
    press(view.window(), "Back");
    press(view.window(), "Send to everyone");
    assert_eq!(heard.take(), [Gesture::Desk(DeskGesture::Confirm(false)), Gesture::Desk(DeskGesture::Confirm(true))]);
}

#[test]
fn a_notice_that_was_sent_is_watched_filtered_changed_and_exported() {
    let (heard, sink) = begin();
    let mut view = DeskView::show(&sink).unwrap();
    view.set_sent(sent(), vec![]);
    let (head, rows) = ledger();
    view.set_ledger(head, rows);
    view.set_parts(parts(), groups(), 0);
    press(view.window(), "Critical: Evacuate now, 1 of 4 answered");
    press(view.window(), "Not reached: 1");
    press(view.window(), "Need help: 0");
    press(view.window(), "Remind 3 without an answer");
    press(view.window(), "Withdraw…");
    press(view.window(), "Withdraw");
    press(view.window(), "All clear…");
    field(view.window(), "Text of the all-clear").set_accessible_value("It was steam.");
    press(view.window(), "Give the all-clear");
    field(view.window(), "Search sent notices").set_accessible_value("drill");
    press(view.window(), "Copy as new notice");
    press(view.window(), "Export CSV…");
    let change = |change: Change| DeskGesture::Change { notice: "7".into(), change };
    let expected = [
        DeskGesture::Watch("7".into()),
        DeskGesture::LookAt(4),
        DeskGesture::LookAt(1),
        change(Change::Remind),
        change(Change::Withdraw),
        change(Change::AllClear("It was steam.".into())),
        DeskGesture::SearchSent("drill".into()),
        DeskGesture::Copy,
        DeskGesture::Export,
    ];
    assert_eq!(heard.take(), expected.map(Gesture::Desk));
}

#[test]
fn a_setting_that_is_changed_is_handed_over_with_the_others() {
    let (heard, sink) = begin();
    let settings = UserSettings { quiet_hours: "22:00-06:30".parse().ok(), ..UserSettings::default() };
    let view = SettingsView::show(&sink, &settings, false, None, &Policy::default()).unwrap();
    press(view.window(), "Hold popups back until further notice");
    let gestures = heard.take();
    let [Gesture::Set(form)] = &gestures[..] else { panic!("{gestures:?}") };
    assert!(form.do_not_disturb && form.show_texts && form.quiet_hours == "22:00-06:30" && form.text_percent == 100);
}

#[test]
fn each_kind_has_a_sound_and_a_flash_of_its_own() {
    let (heard, sink) = begin();
    let view = SettingsView::show(&sink, &UserSettings::default(), false, Some("14:30".into()), &Policy::default()).unwrap();
    press(view.window(), "Sound: Critical notices");
    press(view.window(), "Flash in the taskbar: Notices for information");
    let gestures = heard.take();
    let [.., Gesture::Set(form)] = &gestures[..] else { panic!("{gestures:?}") };
    assert_eq!(form.sounds, AlertSwitches { critical: false, ..AlertSwitches::SOUNDS });
    assert_eq!(form.flashes, AlertSwitches { info: true, ..AlertSwitches::FLASHES });
    press(view.window(), "Show them again");
    assert_eq!(heard.take(), [Gesture::Choose("quiet".into())]);
}

#[test]
fn a_message_is_answered_in_its_popup_which_stays_meanwhile() {
    let (heard, sink) = begin();
    let row = MessageRow { key: "@anna".into(), who: "anna".into(), place: String::new(), text: "Tea?".into() };
    let popup = Popup::message(&sink, "message @anna", &row).unwrap();
    let Popup::Message(window, _) = &popup else { panic!("a message") };
    press(window, "Reply");
    i_slint_backend_testing::mock_elapsed_time(Duration::from_millis(20));
    assert!(heard.take().contains(&Gesture::Hover { popup: "message @anna".into(), on: true }));
    field(window, "Reply to anna").set_accessible_value("With milk.");
    press(window, "Send");
    assert_eq!(heard.take(), [Gesture::ReplyInPopup { place: "@anna".into(), text: "With milk.".into() }]);
    popup.complain("Sign in first.");
    assert!(is_there(window, "Sign in first."));
    assert_eq!((popup.take_written(), popup.take_written()), ("With milk.".to_owned(), String::new()));
}

#[test]
fn a_hundred_thousand_lines_make_only_as_many_elements_as_are_seen() {
    let (_, sink) = begin();
    let mut view = chat(&sink);
    let many: Vec<_> = (0..100_000).map(|number| said("anna", "10:00", &format!("message {number}"), DeliveryMark::None)).collect();
    view.set_lines(ChatHead::default(), many, true);
    let made = ElementHandle::query_descendants_of(view.window()).iter().filter(|text| text.starts_with("message ")).count();
    assert!((1..400).contains(&made), "{made} lines were made");
}

/// Every text that a screen reader finds.
trait Texts {
    fn query_descendants_of(window: &(impl ElementRoot + ComponentHandle + 'static)) -> Vec<String>;
}

impl Texts for ElementHandle {
    fn query_descendants_of(window: &(impl ElementRoot + ComponentHandle + 'static)) -> Vec<String> {
        let elements = i_slint_backend_testing::ElementQuery::from_root(window).match_descendants().find_all();
        elements.iter().filter_map(|element| element.accessible_label().or_else(|| element.accessible_value())).map(Into::into).collect()
    }
}
