//! Notices are answered by whoever meant to, and nothing is said to have been seen that was not.

use std::time::Duration;

use i_slint_backend_testing::mock_elapsed_time;
use slint::platform::{Key, WindowEvent};
use slint::{ComponentHandle as _, LogicalSize, SharedString};

use super::clicks::{begin, chat, find, is_there, key};
use super::desk::click;
use super::*;
use crate::popup::window::Popup;
use crate::view::chat::ChatView;
use crate::view::look::{CALM, READ_AFTER};
use crate::view::ui::Pane;

const INSTANT: Duration = Duration::from_millis(20);

fn open(key: &str, answers: &[&str]) -> NoticeRow {
    NoticeRow { key: key.into(), title: format!("Notice {key}"), unseen: true, ..notice(SeverityLevel::Important, answers) }
}

fn answer(notice: &str, answer: u8) -> Gesture {
    Gesture::Answer { notice: notice.into(), answer }
}

/// A chat window with these open notices, which have been there for a while.
fn with(open: Vec<NoticeRow>) -> (Heard, ChatView) {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.window().window().set_size(LogicalSize::new(1000.0, 700.0));
    view.set_notices(open, vec![]);
    mock_elapsed_time(Duration::from_secs(1));
    heard.take();
    (heard, view)
}

fn summon(view: &ChatView) {
    view.focus_notice();
    mock_elapsed_time(Duration::from_secs(1));
}

fn write(view: &ChatView, text: &str) {
    text.chars().for_each(|letter| key(view.window().window(), letter));
}

fn hold(view: &ChatView, text: impl Into<SharedString>) {
    view.window().window().dispatch_event(WindowEvent::KeyPressRepeated { text: text.into() });
}

/// What was done but for writing.
fn done(heard: &Heard) -> Vec<Gesture> {
    let writing = Gesture::Place(crate::view::PlaceGesture::Type);
    heard.take().into_iter().filter(|gesture| *gesture != writing).collect()
}

#[test]
fn after_an_answer_by_a_key_the_next_words_are_written_where_one_was() {
    let (heard, mut view) = with(vec![open("8", &["Yes", "No"]), open("7", &["Yes", "No"])]);
    summon(&view);
    key(view.window().window(), Key::Return);
    assert_eq!(done(&heard), [answer("8", 0)]);
    view.set_notices(vec![open("7", &["Yes", "No"])], vec![]);
    mock_elapsed_time(Duration::from_secs(2));
    write(&view, "hello world");
    assert_eq!(done(&heard), [], "nobody has answered the other one");
    assert_eq!(view.draft(), "hello world");
}

#[test]
fn the_keyboard_goes_back_to_the_search_that_it_came_from() {
    let (heard, view) = with(vec![open("8", &["Yes", "No"])]);
    view.window().window().dispatch_event(WindowEvent::KeyPressed { text: Key::Control.into() });
    key(view.window().window(), "f");
    view.window().window().dispatch_event(WindowEvent::KeyReleased { text: Key::Control.into() });
    mock_elapsed_time(INSTANT);
    summon(&view);
    key(view.window().window(), Key::Return);
    heard.take();
    write(&view, "a b");
    assert_eq!(done(&heard).last(), Some(&Gesture::Search("a b".into())));
    assert_eq!(view.draft(), "");
}

#[test]
fn a_notice_that_moves_up_takes_no_key_for_half_a_second() {
    let (heard, mut view) = with(vec![open("8", &["Yes", "No"]), open("7", &["Yes", "No"])]);
    summon(&view);
    // To the second notice's first answer.
    key(view.window().window(), Key::Tab);
    key(view.window().window(), Key::Tab);
    // The first one is answered on another device.
    view.set_notices(vec![open("7", &["Yes", "No"])], vec![]);
    for wait in [Duration::ZERO, INSTANT, CALM / 2] {
        mock_elapsed_time(wait);
        key(view.window().window(), Key::Return);
        key(view.window().window(), " ");
        assert_eq!(done(&heard), [], "{wait:?} after it has moved");
    }
    mock_elapsed_time(CALM);
    key(view.window().window(), Key::Return);
    assert_eq!(done(&heard), [answer("7", 0)]);
}

#[test]
fn a_notice_that_comes_up_takes_no_key_for_half_a_second_and_none_that_is_held_down() {
    let (heard, mut view) = with(vec![]);
    view.set_notices(vec![open("8", &["Yes", "No"])], vec![]);
    assert!(is_there(view.window(), "Yes"));
    view.window().invoke_focus_notice();
    mock_elapsed_time(INSTANT);
    key(view.window().window(), Key::Return);
    assert_eq!(done(&heard), []);
    mock_elapsed_time(CALM);
    hold(&view, Key::Return);
    hold(&view, " ");
    assert_eq!(done(&heard), []);
    key(view.window().window(), " ");
    assert_eq!(done(&heard), [answer("8", 0)]);
}

#[test]
fn new_words_are_not_answered_by_a_key_that_was_for_the_old_ones() {
    let (heard, mut view) = with(vec![open("8", &["Yes", "No"])]);
    summon(&view);
    view.set_notices(vec![NoticeRow { body: "Stay where you are.".into(), ..open("8", &["Yes", "No"]) }], vec![]);
    key(view.window().window(), Key::Return);
    assert_eq!(done(&heard), []);
}

#[test]
fn who_writes_while_the_keyboard_is_at_a_notice_does_not_answer_it() {
    let (heard, view) = with(vec![open("8", &["Yes", "No"])]);
    summon(&view);
    write(&view, "hello world");
    assert_eq!(done(&heard), []);
}

#[test]
fn where_the_notice_goes_at_which_the_keyboard_is_the_keyboard_goes_back() {
    let (heard, mut view) = with(vec![open("8", &["Yes", "No"])]);
    summon(&view);
    view.set_notices(vec![open("9", &["Yes", "No"])], vec![]);
    mock_elapsed_time(Duration::from_secs(1));
    write(&view, "hello world");
    assert_eq!((done(&heard), view.draft().as_str()), (vec![], "hello world"));
}

#[test]
fn more_answers_than_a_line_has_room_for_are_given_in_the_list_and_the_way_leads_back() {
    let (heard, view) = with(vec![open("8", &["A", "B", "C", "D"]), open("7", &["Yes"])]);
    assert!(!is_there(view.window(), "B"));
    summon(&view);
    key(view.window().window(), Key::Return);
    for _ in 0..20 {
        mock_elapsed_time(INSTANT);
    }
    assert_eq!(view.window().get_pane(), Pane::Notices);
    key(view.window().window(), Key::Return);
    assert_eq!(done(&heard), [], "the same key, pressed twice, is no answer");
    mock_elapsed_time(CALM);
    key(view.window().window(), Key::Tab);
    key(view.window().window(), Key::Tab);
    key(view.window().window(), Key::Return);
    assert_eq!(done(&heard), [answer("8", 2)]);
    assert_eq!(view.window().get_pane(), Pane::Talk);
    write(&view, "hello world");
    assert_eq!((done(&heard), view.draft().as_str()), (vec![], "hello world"));
}

fn the_answers_of_a_long_notice_are_led_to_behind(others: usize) {
    let long = |key: &str, answers| NoticeRow {
        body: "Leave by the nearest exit, and take nobody's word that it is a drill. ".repeat(30),
        ..open(key, answers)
    };
    let others: Vec<NoticeRow> = (0..others).map(|number| long(&format!("9{number}"), &["Yes"])).collect();
    let tabs = others.len();
    let (heard, view) = with(others.into_iter().chain([long("8", &["A", "B", "C", "D"])]).collect());
    view.window().window().set_size(LogicalSize::new(720.0, 560.0));
    summon(&view);
    (0..tabs).for_each(|_| key(view.window().window(), Key::Tab));
    key(view.window().window(), Key::Return);
    (0..80).for_each(|_| mock_elapsed_time(INSTANT));
    key(view.window().window(), Key::Tab);
    key(view.window().window(), Key::Return);
    assert_eq!(done(&heard), [answer("8", 1)]);
}

#[test]
fn the_answers_of_a_long_notice_are_led_to_at_the_top_of_the_list() {
    the_answers_of_a_long_notice_are_led_to_behind(0);
}

#[test]
fn the_answers_of_a_long_notice_are_led_to_behind_another_long_one() {
    the_answers_of_a_long_notice_are_led_to_behind(1);
}

#[test]
fn after_an_answer_in_the_list_of_notices_no_key_answers_the_next_one() {
    let (heard, mut view) = with(vec![open("8", &["Yes", "No"]), open("7", &["Yes", "No"])]);
    view.show_notices();
    assert!(is_there(view.window(), "Notices"));
    mock_elapsed_time(Duration::from_secs(1));
    // Past what can be selected, to the first answer.
    key(view.window().window(), Key::Tab);
    key(view.window().window(), Key::Tab);
    key(view.window().window(), Key::Return);
    assert_eq!(done(&heard), [answer("8", 0)]);
    let past = NoticeRow { ended: "Answered: Yes".into(), answers: vec![], unseen: false, ..open("8", &[]) };
    view.set_notices(vec![open("7", &["Yes", "No"])], vec![past]);
    mock_elapsed_time(Duration::from_secs(1));
    write(&view, "hello world");
    key(view.window().window(), Key::Return);
    assert_eq!(done(&heard), []);
}

#[test]
fn a_double_click_answers_one_popup_and_not_the_one_that_moves_into_its_place() {
    let (heard, sink) = begin();
    let popup = Popup::notice(&sink, "notice 7", open("7", &["Yes", "No"])).unwrap();
    let Popup::Notice(window) = &popup else { panic!("a notice") };
    window.window().set_size(LogicalSize::new(360.0, 200.0));
    popup.place(Some((900, 300)), true);
    mock_elapsed_time(Duration::from_secs(1));
    let yes = find(window, "Yes");
    // The popup below is answered, and this one comes down to where the pointer is.
    popup.place(Some((900, 500)), true);
    click(window, &yes);
    mock_elapsed_time(INSTANT);
    click(window, &yes);
    assert_eq!(heard.take(), []);
    mock_elapsed_time(CALM);
    click(window, &yes);
    assert_eq!(heard.take(), [answer("7", 0)]);
}

fn popup(sink: &Sink) -> Popup {
    Popup::notice(sink, "notice 7", open("7", &["Yes", "No"])).unwrap()
}

#[test]
fn what_was_before_the_eyes_long_enough_is_visible_once() {
    let (heard, sink) = begin();
    let popup = popup(&sink);
    popup.place(Some((900, 500)), true);
    mock_elapsed_time(INSTANT);
    mock_elapsed_time(READ_AFTER - INSTANT);
    assert_eq!(heard.take(), []);
    mock_elapsed_time(2 * INSTANT);
    assert_eq!(heard.take(), [Gesture::Read("7".into())]);
    mock_elapsed_time(10 * READ_AFTER);
    assert_eq!(heard.take(), [], "once");
}

#[test]
fn what_nobody_could_have_read_is_not_visible() {
    let (heard, sink) = begin();
    let popup = popup(&sink);
    // There is no room for it; then nobody is there; then both, but not long enough.
    popup.place(None, true);
    mock_elapsed_time(INSTANT);
    mock_elapsed_time(10 * READ_AFTER);
    popup.place(Some((900, 500)), false);
    mock_elapsed_time(INSTANT);
    mock_elapsed_time(10 * READ_AFTER);
    for _ in 0..5 {
        popup.place(Some((900, 500)), true);
        mock_elapsed_time(INSTANT);
        mock_elapsed_time(READ_AFTER / 2);
        popup.place(Some((900, 500)), false);
        mock_elapsed_time(INSTANT);
    }
    assert_eq!(heard.take(), []);
}

#[test]
fn new_words_are_read_anew() {
    let (heard, sink) = begin();
    let popup = popup(&sink);
    popup.place(Some((900, 500)), true);
    mock_elapsed_time(INSTANT);
    mock_elapsed_time(READ_AFTER - INSTANT);
    popup.renew(NoticeRow { body: "Stay where you are.".into(), ..open("7", &["Yes", "No"]) });
    mock_elapsed_time(INSTANT);
    mock_elapsed_time(READ_AFTER - 2 * INSTANT);
    assert_eq!(heard.take(), []);
    mock_elapsed_time(3 * INSTANT);
    assert_eq!(heard.take(), [Gesture::Read("7".into())]);
}

fn read(heard: &Heard) -> Vec<String> {
    heard.take().into_iter().filter_map(|gesture| if let Gesture::Read(key) = gesture { Some(key) } else { None }).collect()
}

#[test]
fn notices_in_the_window_are_visible_while_somebody_is_at_it_and_not_where_they_are_cut_off() {
    let short = NoticeRow { body: "Leave.".into(), gist: "Leave.".into(), ..open("8", &["Yes"]) };
    let long = "Leave by the nearest exit; do not use the lifts. ".repeat(40);
    let long = NoticeRow { body: long.clone(), gist: long, ..open("7", &["Yes"]) };
    let (heard, mut view) = with(vec![short.clone(), long.clone()]);
    mock_elapsed_time(10 * READ_AFTER);
    assert_eq!(read(&heard), [""; 0], "nobody is at the window");
    view.set_watched(true);
    mock_elapsed_time(INSTANT);
    mock_elapsed_time(READ_AFTER);
    assert_eq!(read(&heard), ["8"]);
    let seen = NoticeRow { unseen: false, ..short };
    view.set_notices(vec![seen, long], vec![]);
    view.show_notices();
    mock_elapsed_time(INSTANT);
    mock_elapsed_time(READ_AFTER + INSTANT);
    assert_eq!(read(&heard), ["7"], "in the list it is there as a whole");
}

#[test]
fn a_newest_line_that_is_not_in_view_is_said_not_to_be() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.window().window().set_size(LogicalSize::new(720.0, 560.0));
    let rows =
        |count: usize| (0..count).map(|number| said("Anna Berg", "10:00", &format!("Message {number}"), DeliveryMark::None)).collect();
    let head = |unread: &str| crate::view::chat::ChatHead {
        key: "lobby".into(),
        name: "Lobby".into(),
        unread: unread.into(),
        ..crate::view::chat::ChatHead::default()
    };
    view.set_lines(head(""), rows(200), true);
    let wait = || (0..10).for_each(|_| mock_elapsed_time(INSTANT));
    wait();
    let seen = |heard: &Heard| {
        heard.0.take().into_iter().filter_map(|gesture| if let Gesture::SeeEnd(on) = gesture { Some(on) } else { None }).collect::<Vec<_>>()
    };
    seen(&heard);
    let wheel = |delta_y: f32| {
        view.window().window().dispatch_event(WindowEvent::PointerScrolled {
            position: slint::LogicalPosition::new(450.0, 250.0),
            delta_x: 0.0,
            delta_y,
        })
    };
    wheel(2000.0);
    wait();
    assert_eq!(seen(&heard), [false]);
    view.set_lines(head("3"), rows(203), false);
    wait();
    assert!(is_there(view.window(), "Go to the newest message, 3 unread"));
    super::clicks::press(view.window(), "Go to the newest message, 3 unread");
    wait();
    assert_eq!(seen(&heard), [true]);
    // Behind another pane nothing is in view.
    view.show_notices();
    wait();
    assert_eq!(seen(&heard), [false]);
}

#[test]
fn notices_that_nobody_has_seen_are_counted_beside_the_search() {
    let (_, mut view) = with(vec![open("8", &["Yes"]), open("7", &["Yes"])]);
    assert!(is_there(view.window(), "Notices, 2 unread"));
    let folded = NoticeRow { ended: "Closed".into(), ..open("6", &["Yes"]) };
    view.set_notices(vec![NoticeRow { unseen: false, ..open("8", &["Yes"]) }], vec![folded]);
    assert!(is_there(view.window(), "Notices, 1 unread"), "an info notice that has gone by itself waits still");
    super::clicks::press(view.window(), "Notices, 1 unread");
    assert_eq!(view.window().get_pane(), Pane::Notices);
}
