//! Menus: opened by the pointer or by a key, gone through by keys alone, and left without a trace.

use std::time::Duration;

use i_slint_backend_testing::mock_elapsed_time;
use slint::platform::{Key, PointerEventButton, WindowEvent};
use slint::{ComponentHandle as _, LogicalPosition, SharedString};

use super::clicks::{begin, chat, find, is_there, key, press};
use super::pictures::Easel;
use super::*;
use crate::settings::Theme;
use crate::view::chat::ChatView;
use crate::view::{Arranging, PlaceGesture};

fn strike(view: &ChatView, text: impl Into<SharedString>) {
    ChatView::mind_keyboard(view.window());
    key(view.window().window(), text);
    mock_elapsed_time(Duration::from_millis(20));
}

fn right_click(view: &ChatView, label: &str) {
    let element = find(view.window(), label);
    let (at, size) = (element.absolute_position(), element.size());
    let position = LogicalPosition::new(at.x + size.width / 2.0, at.y + size.height / 2.0);
    let window = view.window().window();
    window.dispatch_event(WindowEvent::PointerMoved { position });
    window.dispatch_event(WindowEvent::PointerPressed { position, button: PointerEventButton::Right });
    window.dispatch_event(WindowEvent::PointerReleased { position, button: PointerEventButton::Right });
    mock_elapsed_time(Duration::from_millis(20));
}

fn arranged(heard: &Heard) -> Vec<(String, Arranging, bool)> {
    let done = heard.take().into_iter().filter_map(|gesture| match gesture {
        Gesture::Place(PlaceGesture::Arrange { key, what, on }) => Some((key, what, on)),
        _ => None,
    });
    done.collect()
}

#[test]
fn a_conversation_has_a_menu_under_the_right_button() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.set_conversations(conversations());
    mock_elapsed_time(Duration::from_millis(20));
    heard.take();
    let ward = "Ward 4, 3 unread, pinned, muted";
    right_click(&view, ward);
    assert!(is_there(view.window(), "Pin") && is_there(view.window(), "Mark as read"));
    press(view.window(), "Mute");
    assert_eq!(arranged(&heard), [("Ward 4".to_owned(), Arranging::Muted, false)], "it was muted");
    assert!(!is_there(view.window(), "Pin"), "the menu is closed");
    right_click(&view, ward);
    press(view.window(), "Mark as read");
    assert_eq!(arranged(&heard), [("Ward 4".to_owned(), Arranging::Unread, false)]);
    right_click(&view, "Lobby");
    press(view.window(), "Mark as unread");
    assert_eq!(arranged(&heard), [("lobby".to_owned(), Arranging::Unread, true)]);
}

#[test]
fn the_menu_key_opens_it_at_the_row_and_the_keyboard_comes_back_to_the_list() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.set_conversations(conversations());
    mock_elapsed_time(Duration::from_millis(20));
    let window = view.window().window();
    window.dispatch_event(WindowEvent::KeyPressed { text: Key::Control.into() });
    strike(&view, "f");
    window.dispatch_event(WindowEvent::KeyReleased { text: Key::Control.into() });
    // Search, notices, new conversation, menu, conversations.
    (0..4).for_each(|_| strike(&view, Key::Tab));
    strike(&view, Key::DownArrow);
    heard.take();
    strike(&view, Key::Menu);
    assert!(is_there(view.window(), "Mute"));
    strike(&view, Key::Escape);
    assert!(!is_there(view.window(), "Mute"));
    strike(&view, Key::Menu);
    strike(&view, Key::End);
    strike(&view, Key::UpArrow);
    strike(&view, Key::Return);
    assert_eq!(arranged(&heard), [("Ward 4".to_owned(), Arranging::Muted, false)]);
    strike(&view, Key::Menu);
    strike(&view, Key::DownArrow);
    strike(&view, " ");
    assert_eq!(arranged(&heard), [("Ward 4".to_owned(), Arranging::Pinned, false)], "the list had the keyboard again");
}

#[test]
fn the_dots_above_a_conversation_open_its_menu_and_the_others_that_of_the_window() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    press(view.window(), "This conversation");
    mock_elapsed_time(Duration::from_millis(20));
    heard.take();
    press(view.window(), "Pin");
    assert_eq!(arranged(&heard).len(), 1);
    press(view.window(), "Menu");
    mock_elapsed_time(Duration::from_millis(20));
    press(view.window(), "Do not disturb");
    assert_eq!(heard.take(), [Gesture::Choose("quiet".into())]);
    press(view.window(), "Menu");
    mock_elapsed_time(Duration::from_millis(20));
    press(view.window(), "Send notice…");
    assert_eq!(heard.take(), [], "only administrators send notices");
    strike(&view, Key::Escape);
    strike(&view, "q");
    assert!(view.draft().ends_with('q'), "and whoever leaves a menu writes on");
}

#[track_caller]
fn drawn(theme: Theme, percent: u16, language: &'static str, (x, y): (f32, f32), name: &str) {
    let easel = Easel::new(theme, percent, language);
    let _view = pictures::chat();
    easel.settle(720, 560);
    easel.settle(720, 560);
    let position = LogicalPosition::new(x, y);
    easel.window.dispatch_event(WindowEvent::PointerPressed { position, button: PointerEventButton::Right });
    easel.window.dispatch_event(WindowEvent::PointerReleased { position, button: PointerEventButton::Right });
    easel.check(name, 720, 560);
}

#[test]
fn the_menu_of_a_conversation_in_light_colours() {
    drawn(Theme::Light, 100, "", (90.0, 230.0), "menu-conversation");
}

#[test]
fn the_menu_of_a_conversation_in_chinese_dark_and_twice_as_large() {
    drawn(Theme::Dark, 200, "zh", (90.0, 300.0), "menu-conversation-chinese-dark-large");
}
