//! The keyboard is never lost: whatever was pressed and clicked and whatever has come and gone, what is typed is written somewhere that is
//! seen, and Escape leads back to the composer.
//!
//! `BELFRY_LAYOUT_SCENES` and `BELFRY_LAYOUT_SEED` choose how many stories there are (24) and which is the first (1), as for the layout.

use std::time::Duration;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery, mock_elapsed_time};
use slint::platform::{Key, WindowEvent};
use slint::{ComponentHandle as _, LogicalSize, SharedString};

use super::clicks::{begin, chat, field, find, is_there, key, press};
use super::desk::click;
use super::dice::Dice;
use super::layout::wish;
use super::*;
use crate::platform::policy::Policy;
use crate::settings::UserSettings;
use crate::view::DeskGesture;
use crate::view::account::AccountView;
use crate::view::chat::{ChatHead, ChatView};
use crate::view::desk::DeskView;
use crate::view::settings::{SettingsView, WhyView};
use crate::view::sign_in::SignInView;
use crate::view::ui::Pane;

const STEPS: usize = 30;
/// Out of a menu, a question, an edit and a pane.
const ESCAPES: usize = 4;

/// A key, as the program hands it over.
fn strike(view: &ChatView, text: impl Into<SharedString>) {
    ChatView::mind_keyboard(view.window());
    key(view.window().window(), text);
    mock_elapsed_time(Duration::from_millis(20));
}

fn with_control(view: &ChatView, letter: &str) {
    view.window().window().dispatch_event(WindowEvent::KeyPressed { text: Key::Control.into() });
    strike(view, letter);
    view.window().window().dispatch_event(WindowEvent::KeyReleased { text: Key::Control.into() });
}

fn elements(view: &ChatView, wanted: impl Fn(AccessibleRole) -> bool) -> Vec<ElementHandle> {
    let all = ElementQuery::from_root(view.window()).match_descendants().find_all();
    all.into_iter().filter(|element| element.accessible_role().is_some_and(&wanted) && element.size().width > 0.0).collect()
}

/// What stands in all fields that are seen.
fn written(view: &ChatView) -> Vec<String> {
    let fields = elements(view, |role| role == AccessibleRole::TextInput);
    fields
        .iter()
        .filter(|field| field.accessible_read_only() != Some(true))
        .filter_map(|field| field.accessible_value())
        .map(Into::into)
        .collect()
}

fn open(dice: &mut Dice) -> Vec<NoticeRow> {
    (0..dice.below(4)).map(|index| NoticeRow { key: index.to_string(), answers: dice.answers(), ..notice(dice.level(), &[]) }).collect()
}

/// Something that happens without the person.
fn something_comes(view: &mut ChatView, dice: &mut Dice) -> String {
    let what = dice.below(10);
    match what {
        0 => view.set_notices(open(dice), vec![]),
        1 => view.set_trouble(if dice.coin() { "Server unreachable.".into() } else { String::new() }, dice.coin()),
        2 => view.set_remark(if dice.coin() { "Saved.".into() } else { String::new() }),
        3 => view
            .set_invitations((0..dice.below(3)).map(|_| crate::scene::InvitationRow { room: "Board".into(), by: "Anna".into() }).collect()),
        4 => view.set_conversations(conversations().into_iter().take(dice.below(4)).collect()),
        5 => view.set_lines(
            ChatHead { key: dice.one_of(&["lobby", "Ward 4"]).into(), name: "Place".into(), is_room: true, ..ChatHead::default() },
            lines().into_iter().take(dice.below(7)).collect(),
            true,
        ),
        7 => {
            let mut rows = lines();
            rows.truncate(dice.below(7));
            rows.push(super::files::with_file(super::files::row(dice.one_of(&["fetch", "running", "saved"]))));
            view.set_lines(ChatHead { key: "lobby".into(), name: "Lobby".into(), ..ChatHead::default() }, rows, true);
        }
        8 => view.set_chosen(super::files::chosen().into_iter().take(dice.below(4)).collect()),
        6 => view.set_editing(dice.coin().then_some("as it was")),
        _ => view.set_people(people().into_iter().take(dice.below(4)).collect()),
    }
    format!("something comes: {what}")
}

/// Something that the person does, in words.
fn step(view: &mut ChatView, dice: &mut Dice) -> String {
    match dice.below(6) {
        0 => something_comes(view, dice),
        1 => {
            let text: SharedString = dice
                .one_of(&[
                    Key::Tab,
                    Key::Tab,
                    Key::Backtab,
                    Key::DownArrow,
                    Key::UpArrow,
                    Key::Home,
                    Key::End,
                    Key::PageDown,
                    Key::Return,
                    Key::Escape,
                ])
                .into();
            let said = format!("key {text:?}");
            strike(view, text);
            said
        }
        2 => {
            let letter = dice.one_of(&["k", "n", "f", "m", "e"]);
            with_control(view, letter);
            format!("Control and {letter}")
        }
        3 => {
            let letter = dice.one_of(&["a", " ", "王", "é"]);
            strike(view, letter);
            format!("typed {letter:?}")
        }
        4 => {
            let width = dice.one_of(&[360.0, 720.0]);
            view.window().window().set_size(LogicalSize::new(width, 560.0));
            format!("{width} wide")
        }
        _ => {
            // A menu has windows of its own to open, and is left by a click elsewhere.
            let shown = elements(view, |role| matches!(role, AccessibleRole::Button | AccessibleRole::ListItem | AccessibleRole::Checkbox));
            let shown: Vec<_> = shown
                .into_iter()
                .filter(|element| !element.accessible_label().is_some_and(|label| label == "Menu" || label == "This conversation"))
                .collect();
            if shown.is_empty() {
                return "nothing to click".into();
            }
            let element = &shown[dice.below(shown.len())];
            let said = format!("click on {:?}", element.accessible_label().unwrap_or_default());
            click(view.window(), element);
            said
        }
    }
}

/// Types a letter. Whether it was written in a field that is seen.
fn is_written(view: &ChatView) -> bool {
    let before = written(view);
    strike(view, "q");
    written(view) != before
}

#[test]
fn whatever_was_pressed_and_clicked_typing_is_written_and_escape_leads_back() {
    let (_, sink) = begin();
    let first = wish("BELFRY_LAYOUT_SEED").unwrap_or(1);
    for seed in first..first + wish("BELFRY_LAYOUT_SCENES").unwrap_or(24) {
        let mut dice = Dice::new(seed);
        let mut view = chat(&sink);
        view.window().window().set_size(LogicalSize::new(720.0, 560.0));
        let mut story = Vec::new();
        for _ in 0..STEPS {
            story.push(step(&mut view, &mut dice));
            mock_elapsed_time(Duration::from_millis(if dice.coin() { 20 } else { 1000 }));
        }
        let told = |story: &[String]| format!("story {seed}: {}", story.join(", "));
        for _ in 0..ESCAPES {
            strike(&view, Key::Escape);
        }
        mock_elapsed_time(Duration::from_secs(2));
        assert_eq!(view.window().get_pane(), Pane::Talk, "{}", told(&story));
        let draft = view.draft();
        strike(&view, "q");
        assert_ne!(view.draft(), draft, "Escape leads back to the composer; {}", told(&story));
        assert!(is_written(&view), "{}", told(&story));
    }
}

#[test]
fn whoever_types_at_a_button_writes_in_the_composer() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    for _ in 0..12 {
        strike(&view, Key::Tab);
        if is_written(&view) {
            continue;
        }
        // A list goes to the row that begins so.
        strike(&view, Key::Escape);
        assert!(is_written(&view));
    }
    heard.take();
}

#[test]
fn a_button_that_goes_with_what_it_has_done_leaves_the_keyboard_in_the_composer() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    view.set_remark("Saved.".into());
    // From the composer to the remark's cross.
    strike(&view, Key::Escape);
    // Past the buttons for files and for an emoji.
    (0..3).for_each(|_| strike(&view, Key::Tab));
    heard.take();
    strike(&view, Key::Return);
    assert_eq!(heard.take(), [Gesture::CloseRemark]);
    view.set_remark(String::new());
    mock_elapsed_time(Duration::from_millis(20));
    strike(&view, "h");
    assert!(view.draft().ends_with('h'), "{:?}", view.draft());
}

#[test]
fn a_list_is_one_stop_and_is_gone_through_by_arrows_ends_and_letters() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    let row = |name: &str| PersonRow { key: format!("@{name}"), name: name.into(), here: PresenceDot::Online, ..PersonRow::default() };
    view.set_people((0..300).map(|number| row(&format!("P{number:03}"))).chain([row("Zoë"), row("王伟")]).collect());
    view.set_conversations(conversations());
    mock_elapsed_time(Duration::from_millis(20));
    with_control(&view, "f");
    // Search, notices, new conversation, menu, conversations.
    for _ in 0..4 {
        strike(&view, Key::Tab);
    }
    heard.take();
    let opened =
        |heard: &Heard| heard.take().into_iter().find_map(|gesture| if let Gesture::Open(key) = gesture { Some(key) } else { None });
    let to_people = |view: &ChatView| {
        with_control(view, "f");
        (0..6).for_each(|_| strike(view, Key::Tab));
    };
    strike(&view, Key::DownArrow);
    strike(&view, Key::Return);
    assert_eq!(opened(&heard).as_deref(), Some("Ward 4"));
    for (keys, whom) in [
        (vec![SharedString::from(Key::End)], "@王伟"),
        (vec![Key::Home.into(), Key::DownArrow.into()], "@P001"),
        (vec!["z".into()], "@Zoë"),
        (vec!["p".into(), "2".into(), "5".into()], "@P250"),
    ] {
        to_people(&view);
        keys.iter().for_each(|text| strike(&view, text.clone()));
        strike(&view, Key::Return);
        assert_eq!(opened(&heard).as_deref(), Some(whom));
        mock_elapsed_time(Duration::from_secs(2));
    }
}

#[test]
fn the_lists_of_the_administrators_window_are_one_stop_each() {
    let (heard, sink) = begin();
    let mut desk = DeskView::show(&sink).unwrap();
    let audience =
        |name: &str| crate::scene::AudienceRow { key: format!("user:{name}"), name: name.into(), ..crate::scene::AudienceRow::default() };
    desk.set_audiences(
        (0..300).map(|number| audience(&format!("P{number:03}"))).chain([audience("王伟")]).collect(),
        vec![],
        String::new(),
    );
    desk.set_sent(
        (0..300).map(|number| SentRow { key: number.to_string(), title: format!("N{number:03}"), ..sent()[0].clone() }).collect(),
        vec![],
    );
    let row = |number: usize| LedgerRow { name: format!("L{number:03}"), ..ledger().1[0].clone() };
    desk.set_ledger(ledger().0, (0..300).map(row).collect());
    desk.set_parts(parts(), groups(), 0);
    mock_elapsed_time(Duration::from_millis(20));
    let strike = |text: SharedString| {
        key(desk.window().window(), text);
        mock_elapsed_time(Duration::from_millis(20));
    };
    let chosen = |heard: &Heard| {
        heard.take().into_iter().find_map(|gesture| match gesture {
            Gesture::Desk(DeskGesture::Choose(key) | DeskGesture::Watch(key)) => Some(key),
            _ => None,
        })
    };
    // From the field for searching to the list below it.
    click(desk.window(), &field(desk.window(), "Search people, groups and rooms"));
    strike(Key::Tab.into());
    heard.take();
    for (keys, whom) in [
        (vec![SharedString::from(Key::End)], "user:王伟"),
        (vec![Key::Home.into(), Key::DownArrow.into()], "user:P001"),
        (vec!["p".into(), "2".into(), "5".into()], "user:P250"),
    ] {
        keys.iter().for_each(|text| strike(text.clone()));
        strike(Key::Return.into());
        assert_eq!(chosen(&heard).as_deref(), Some(whom));
        mock_elapsed_time(Duration::from_secs(2));
    }
    // The list of what was sent: before the form, behind the button above it.
    desk.window().invoke_take_keyboard();
    (0..5).for_each(|_| strike(Key::Backtab.into()));
    strike(Key::End.into());
    strike(Key::Return.into());
    assert_eq!(chosen(&heard).as_deref(), Some("299"));
    // And from there past the answers and the groups to the ledger, and on to what is done with the notice.
    (0..3).for_each(|_| strike(Key::Tab.into()));
    strike(Key::PageDown.into());
    strike(Key::Tab.into());
    heard.take();
    strike(Key::Return.into());
    assert!(heard.take().iter().any(|gesture| matches!(gesture, Gesture::Desk(DeskGesture::Change { .. }))), "Remind");
}

#[test]
fn an_emoji_is_chosen_by_keys_alone_and_written_where_the_keyboard_was() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    view.set_recent_emoji(vec!["🚀".into()]);
    strike(&view, "a");
    strike(&view, "b");
    strike(&view, Key::LeftArrow);
    with_control(&view, "e");
    strike(&view, Key::Return);
    assert_eq!(view.draft(), "a🚀b", "the recent one first");
    with_control(&view, "e");
    for letter in ["f", "i", "r", "e", " ", "e", "n"] {
        strike(&view, letter);
    }
    strike(&view, Key::Return);
    assert_eq!(view.draft(), "a🚀🚒b");
    with_control(&view, "e");
    strike(&view, Key::RightArrow);
    strike(&view, Key::Return);
    assert_eq!(view.draft(), "a🚀🚒👍b", "the second of those that stand there");
    let picked: Vec<_> =
        heard.take().into_iter().filter_map(|gesture| if let Gesture::PickEmoji(text) = gesture { Some(text) } else { None }).collect();
    assert_eq!(picked, ["🚀", "🚒", "👍"]);
    with_control(&view, "e");
    strike(&view, Key::Escape);
    strike(&view, "c");
    assert_eq!(view.draft(), "a🚀🚒👍cb");
}

#[test]
fn escape_leaves_what_was_begun_and_then_the_window() {
    let (heard, sink) = begin();
    let mut desk = DeskView::show(&sink).unwrap();
    let escape = |window: &slint::Window| {
        key(window, Key::Escape);
        mock_elapsed_time(Duration::from_millis(20));
    };
    let (head, rows) = ledger();
    desk.set_ledger(head, rows);
    desk.show_ledger();
    mock_elapsed_time(Duration::from_millis(20));
    press(desk.window(), "Update…");
    mock_elapsed_time(Duration::from_millis(20));
    assert!(is_there(desk.window(), "New text"));
    escape(desk.window().window());
    assert!(!is_there(desk.window(), "New text") && desk.is_visible());
    escape(desk.window().window());
    assert!(!desk.is_visible());

    let desk = DeskView::show(&sink).unwrap();
    desk.set_to_confirm(true);
    mock_elapsed_time(Duration::from_millis(20));
    assert!(is_there(desk.window(), "Back"));
    heard.take();
    escape(desk.window().window());
    assert_eq!(heard.take(), [Gesture::Desk(crate::view::DeskGesture::Confirm(false))]);

    let sign_in = SignInView::show(&sink, "", "").unwrap();
    escape(sign_in.window().window());
    assert_eq!(heard.take(), [Gesture::CancelSignIn]);

    let account = AccountView::show(&sink).unwrap();
    account.window().set_leaving("x".into());
    escape(account.window().window());
    assert!(account.window().window().is_visible() && account.window().get_leaving().is_empty(), "first what was begun is left");
    escape(account.window().window());
    assert!(!account.window().window().is_visible());
    let settings = SettingsView::show(&sink, &UserSettings::default(), false, Some("08:00".into()), &Policy::default()).unwrap();
    settings.window().invoke_take_keyboard();
    escape(settings.window().window());
    assert!(!settings.window().window().is_visible());
    let why = WhyView::show(&sink, "Connected.".into()).unwrap();
    why.window().invoke_take_keyboard();
    escape(why.window().window());
    assert!(!why.window().window().is_visible());
}

#[test]
fn the_administrators_window_takes_what_is_typed_as_soon_as_it_is_there() {
    let (_, sink) = begin();
    let desk = DeskView::show(&sink).unwrap();
    mock_elapsed_time(Duration::from_millis(20));
    key(desk.window().window(), "D");
    assert_eq!(field(desk.window(), "Title").accessible_value().as_deref(), Some("D"));
    let _ = find(desk.window(), "New notice");
}

#[test]
fn what_is_looked_for_in_the_audience_begins_with_the_first_that_is_found() {
    let (heard, sink) = begin();
    let mut desk = DeskView::show(&sink).unwrap();
    let group =
        |name: &str| crate::scene::AudienceRow { key: format!("group:{name}"), name: name.into(), ..crate::scene::AudienceRow::default() };
    let strike = |desk: &DeskView, text: SharedString| {
        key(desk.window().window(), text);
        mock_elapsed_time(Duration::from_millis(20));
    };
    let chosen = |heard: &Heard| {
        heard.take().into_iter().find_map(|gesture| if let Gesture::Desk(DeskGesture::Choose(key)) = gesture { Some(key) } else { None })
    };
    desk.set_audiences(["Board", "IT", "Kitchen"].map(group).to_vec(), vec![], String::new());
    mock_elapsed_time(Duration::from_millis(20));
    let search = field(desk.window(), "Search people, groups and rooms");
    click(desk.window(), &search);
    strike(&desk, Key::Tab.into());
    strike(&desk, Key::End.into());
    // What is found is fewer, or others; the third row is gone or is somebody else.
    for (letter, found) in [("b", vec!["Board"]), ("i", vec!["IT", "Kitchen", "Reception"])] {
        click(desk.window(), &search);
        strike(&desk, letter.into());
        desk.set_audiences(found.iter().map(|name| group(name)).collect(), vec![], String::new());
        strike(&desk, Key::Tab.into());
        heard.take();
        strike(&desk, " ".into());
        assert_eq!(chosen(&heard), Some(format!("group:{}", found[0])));
        strike(&desk, Key::End.into());
    }
    // Without a search, too: the row that had the keyboard is gone.
    desk.set_audiences(vec![group("Board")], vec![], String::new());
    mock_elapsed_time(Duration::from_millis(20));
    strike(&desk, " ".into());
    assert_eq!(chosen(&heard).as_deref(), Some("group:Board"));
}
