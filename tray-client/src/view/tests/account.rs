//! The page of one's own account, and what is said of people where they stand in lists.

use std::cell::RefCell;
use std::rc::Rc;

use i_slint_backend_testing::ElementHandle;

use super::pictures::{Easel, sink};
use super::*;
use crate::scene::{DeviceRow, ProfileForm};
use crate::settings::Theme;
use crate::view::account::AccountView;
use crate::view::chat::{ChatHead, ChatView};
use crate::view::{AccountGesture, Gesture, Sink};

fn anna() -> ProfileForm {
    ProfileForm {
        display: "Anna Berg".into(),
        department: "Research".into(),
        telephone: "+49 30 1234-56".into(),
        status: "in the workshop until noon".into(),
    }
}

fn devices() -> Vec<DeviceRow> {
    let row = |key: &str, name: &str, note: &str, own| DeviceRow { key: key.into(), name: name.into(), note: note.into(), own };
    vec![
        row("a", "192.168.1.20", "Connected", true),
        row("b", "192.168.1.77", "Last here 10:02", false),
        row("c", "", "Last here 17 Nov", false),
    ]
}

fn filled(sink: &Sink) -> AccountView {
    let mut view = AccountView::show(sink).unwrap();
    view.set_profile("aberg", anna());
    view.set_devices(devices());
    view
}

#[test]
fn what_is_written_is_saved_and_stays_when_nothing_else_was_said() {
    i_slint_backend_testing::init_no_event_loop();
    let heard: Rc<RefCell<Vec<Gesture>>> = Rc::default();
    let hears = Rc::clone(&heard);
    let mut view = filled(&(Rc::new(move |gesture| hears.borrow_mut().push(gesture)) as Sink));
    view.window().set_status("at lunch".into());
    view.set_profile("aberg", anna());
    let save = ElementHandle::find_by_accessible_label(view.window(), "Save").next().unwrap();
    save.invoke_accessible_default_action();
    let form = ProfileForm { status: "at lunch".into(), ..anna() };
    assert_eq!(*heard.borrow(), [Gesture::Account(AccountGesture::Save(form))]);
}

#[test]
fn a_device_is_signed_out_only_when_the_person_has_said_so_twice() {
    i_slint_backend_testing::init_no_event_loop();
    let heard: Rc<RefCell<Vec<Gesture>>> = Rc::default();
    let hears = Rc::clone(&heard);
    let view = filled(&(Rc::new(move |gesture| hears.borrow_mut().push(gesture)) as Sink));
    let press = |label: &str| {
        let button = ElementHandle::find_by_accessible_label(view.window(), label).next().unwrap_or_else(|| panic!("no {label}"));
        button.invoke_accessible_default_action();
    };
    press("Sign out 192.168.1.77");
    press("Cancel");
    press("Sign out 192.168.1.77");
    assert_eq!(*heard.borrow(), []);
    press("Sign out");
    assert_eq!(*heard.borrow(), [Gesture::Account(AccountGesture::SignOut("b".into()))]);
}

#[test]
fn the_account() {
    let easel = Easel::new(Theme::Light, 100, "");
    let view = filled(&sink());
    view.set_outcome("Done.", false);
    easel.check("account", 460, 640);
}

#[test]
fn the_account_in_chinese_and_dark_while_this_computer_is_about_to_be_signed_out() {
    let easel = Easel::new(Theme::Dark, 100, "zh");
    let view = filled(&sink());
    view.set_outcome("Only an administrator may do that.", true);
    view.window().set_leaving("a".into());
    easel.check("account-chinese-dark", 460, 700);
}

/// People of whom something is said, in the list and above what they wrote.
fn described(theme: Theme, language: &'static str, name: &str) {
    let easel = Easel::new(theme, 100, language);
    let mut view = ChatView::new(&sink()).unwrap();
    view.show().unwrap();
    view.set_conversations(conversations());
    let status = |mut row: PersonRow, name: &str, status: &str| {
        (row.name, row.status) = (name.into(), status.into());
        row
    };
    let people =
        people().into_iter().zip([("Anna Berg @aberg", "in the workshop until noon"), ("me", ""), ("王伟 @wwei", "开会"), ("Ben Ode", "")]);
    view.set_people(people.map(|(row, (name, said))| status(row, name, said)).collect());
    let lines = vec![
        LineRow::Day("Tuesday 17 November".into()),
        said("Anna Berg @aberg", "10:02", "The printer on floor 2 is back.", DeliveryMark::None),
        said("王伟 @wwei", "10:03", "早上好，今天的会议在三楼。", DeliveryMark::None),
    ];
    let about = "in the workshop until noon · Research · 1234".into();
    view.set_lines(
        ChatHead { key: "@aberg".into(), name: "Anna Berg @aberg".into(), note: "online".into(), about, ..ChatHead::default() },
        lines,
        true,
    );
    easel.check(name, 900, 600);
}

#[test]
fn people_of_whom_something_is_said() {
    described(Theme::Light, "", "chat-described");
}

#[test]
fn people_of_whom_something_is_said_in_chinese_and_dark() {
    described(Theme::Dark, "zh", "chat-described-chinese-dark");
}
