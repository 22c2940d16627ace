//! Searching, altering, rooms: what a person does becomes a gesture.

use super::clicks::{begin, chat, field, find, is_there, key, press};
use super::*;
use crate::scene::{FoundHead, HitRow, InvitationRow, MemberRow, MissingQuote, QuoteRow, RoomRow};
use crate::view::PlaceGesture;
use crate::view::chat::{ChatHead, ChatView};
use slint::ComponentHandle as _;
use slint::platform::{Key, WindowEvent};

pub(super) fn own(seq: &str, text: &str) -> LineRow {
    let mut row = said("You", "10:04", text, DeliveryMark::Stored);
    if let LineRow::Message(message) = &mut row {
        (message.key, message.seq) = (seq.into(), seq.into());
    }
    row
}

pub(super) fn altered(mut row: LineRow, how: AlterationMark) -> LineRow {
    if let LineRow::Message(message) = &mut row {
        message.altered = how;
        if how == AlterationMark::Deleted {
            message.key.clear();
        }
    }
    row
}

pub(super) fn hits() -> Vec<HitRow> {
    let row = |key: &str, name: &str, who: &str, before: &str, after: &str| HitRow {
        key: key.into(),
        place: name.to_lowercase(),
        name: name.into(),
        who: who.into(),
        time: "17 Nov".into(),
        before: before.into(),
        hit: "printer".into(),
        after: after.into(),
    };
    vec![
        row("9 lobby", "Lobby", "王伟", "The ", " on floor 2 is back."),
        row("4 Ward 4", "Ward 4", "Anna Berg", "…keys lie beside the ", ", on the left, where they have always been"),
        row("2 lobby", "Lobby", "Ben Ode", "", " is broken again"),
    ]
}

pub(super) fn rooms() -> Vec<RoomRow> {
    let row = |name: &str, note: &str, private: bool, inside: bool| RoomRow {
        key: name.into(),
        name: name.into(),
        note: note.into(),
        private,
        inside,
        ..RoomRow::default()
    };
    vec![
        RoomRow { invited: true, ..row("Board", "3 people · you are asked to join", true, false) },
        row("Cooking", "12 people", false, false),
        row("Ward 4", "8 people", false, true),
        RoomRow {
            key: "@Anna Berg".into(),
            name: "Anna Berg".into(),
            direct: true,
            here: PresenceDot::Online,
            inside: true,
            ..RoomRow::default()
        },
    ]
}

pub(super) fn members() -> Vec<MemberRow> {
    let row = |name: &str, here: PresenceDot, inside: bool, invited: bool| MemberRow {
        key: format!("@{name}"),
        name: name.into(),
        here,
        me: name == "me",
        inside,
        invited,
    };
    vec![
        row("Anna Berg", PresenceDot::Online, true, false),
        row("me", PresenceDot::Online, true, false),
        row("王伟", PresenceDot::Away, false, true),
        row("Ben Ode", PresenceDot::No, false, false),
    ]
}

fn place(gesture: PlaceGesture) -> Gesture {
    Gesture::Place(gesture)
}

fn hold(view: &ChatView, letter: &str) {
    let window = view.window().window();
    window.dispatch_event(WindowEvent::KeyPressed { text: Key::Control.into() });
    key(window, letter);
    window.dispatch_event(WindowEvent::KeyReleased { text: Key::Control.into() });
}

fn found(view: &mut ChatView) {
    view.set_found(
        FoundHead {
            words: "printer".into(),
            sentence: "3 messages found.".into(),
            name: "Lobby".into(),
            place: "lobby".into(),
            ..FoundHead::default()
        },
        hits(),
    );
}

#[test]
fn messages_are_looked_for_by_keys_alone() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    hold(&view, "f");
    for letter in ["k", "e", "y"] {
        key(view.window().window(), letter);
    }
    assert_eq!(heard.take().last(), Some(&Gesture::Search("key".into())), "names are looked for while one types");
    key(view.window().window(), Key::Return);
    let find = place(PlaceGesture::Find { words: "key".into(), only_here: false });
    assert_eq!(heard.take(), [Gesture::Search(String::new()), find], "and all names are there again");
    found(&mut view);
    assert!(is_there(view.window(), "Ward 4, Anna Berg, 17 Nov: …keys lie beside the printer, on the left, where they have always been"));
    key(view.window().window(), Key::DownArrow);
    key(view.window().window(), Key::Return);
    assert_eq!(heard.take(), [place(PlaceGesture::Jump("4 Ward 4".into()))]);
}

#[test]
fn a_hit_is_gone_to_by_a_click_and_the_others_are_found_again() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    field(view.window(), "Search conversations and people").set_accessible_value("printer");
    press(view.window(), "Search all messages for printer");
    found(&mut view);
    press(view.window(), "Only in Lobby");
    press(view.window(), "Lobby, Ben Ode, 17 Nov: printer is broken again");
    press(view.window(), "Back to what was found");
    press(view.window(), "Close");
    let find = |only_here| place(PlaceGesture::Find { words: "printer".into(), only_here });
    let mut done = heard.take();
    done.retain(|gesture| matches!(gesture, Gesture::Place(_)));
    assert_eq!(done, [find(false), find(true), place(PlaceGesture::Jump("2 lobby".into())), place(PlaceGesture::EndFind)]);
}

#[test]
fn older_messages_come_above_what_is_read_and_it_stays_where_it_is() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    let rows =
        |from: u64, to: u64| (from..=to).map(|seq| said("", "10:05", &format!("number {seq}."), DeliveryMark::None)).collect::<Vec<_>>();
    let head = |from: u64, to: u64| ChatHead { key: "lobby".into(), has_older: true, span: Some((from, to)), ..ChatHead::default() };
    view.set_lines(head(101, 200), rows(101, 200), true);
    slint::platform::update_timers_and_animations();
    let position = slint::LogicalPosition::new(450.0, 250.0);
    for _ in 0..60 {
        view.window().window().dispatch_event(WindowEvent::PointerScrolled { position, delta_x: 0.0, delta_y: 60.0 });
    }
    assert!(heard.take().contains(&Gesture::ReadBack));
    assert!(is_there(view.window(), "number 101."), "the first line is seen");
    view.set_lines(head(1, 200), rows(1, 200), false);
    assert!(is_there(view.window(), "number 101."), "and still is");
    assert!(!is_there(view.window(), "number 1.") && !is_there(view.window(), "number 50."));
    // And it goes on: the list has not come to its upper end.
    for _ in 0..120 {
        view.window().window().dispatch_event(WindowEvent::PointerScrolled { position, delta_x: 0.0, delta_y: 60.0 });
    }
    assert!(is_there(view.window(), "number 1."));
    assert!(heard.take().contains(&Gesture::ReadBack));
}

#[test]
fn a_narrow_search_names_the_conversation_it_was_made_in_whatever_is_shown_now() {
    let (_heard, sink) = begin();
    let mut view = chat(&sink);
    field(view.window(), "Search conversations and people").set_accessible_value("printer");
    press(view.window(), "Search all messages for printer");
    let head =
        FoundHead { words: "printer".into(), only_here: true, place: "Ward 4".into(), name: "Ward 4".into(), ..FoundHead::default() };
    view.set_found(head, hits());
    assert!(is_there(view.window(), "Only in Ward 4") && !is_there(view.window(), "Only in Lobby"));
}

#[test]
fn what_is_typed_goes_behind_the_message_that_is_edited() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    for original in ["Thnaks", "谢谢大家"] {
        view.window().invoke_focus_composer();
        view.set_editing(Some(original));
        view.set_draft(original.to_owned());
        for letter in ["!", "!"] {
            key(view.window().window(), letter);
        }
        key(view.window().window(), Key::Return);
        assert_eq!(heard.take(), [Gesture::Say(format!("{original}!!"))]);
    }
}

#[test]
fn an_own_message_is_edited_by_its_button_and_the_others_have_none() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.set_lines(ChatHead::default(), vec![own("7", "Thnaks!"), said("Anna Berg", "10:05", "Hello", DeliveryMark::None)], true);
    assert!(!is_there(view.window(), "Edit: Hello"));
    press(view.window(), "Edit: Thnaks!");
    assert_eq!(heard.take(), [place(PlaceGesture::Edit("7".into()))]);
    view.set_editing(Some("Thnaks!"));
    view.set_draft("Thnaks!".into());
    assert!(is_there(view.window(), "Edit your message"));
    assert!(is_there(view.window(), "Save"));
    key(view.window().window(), Key::Return);
    assert_eq!(heard.take(), [Gesture::Say("Thnaks!".into())]);
    press(view.window(), "Leave as it was");
    press(view.window(), "Delete…");
    assert_eq!(heard.take(), [place(PlaceGesture::EndEdit), place(PlaceGesture::DeleteEdited)]);
}

#[test]
fn the_arrow_up_edits_the_message_before_and_escape_leaves_it() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    let window = view.window().window();
    key(window, Key::UpArrow);
    assert_eq!(heard.take(), [place(PlaceGesture::EditBefore)]);
    view.set_editing(Some("Thanks!"));
    view.set_draft("Thanks!".into());
    key(window, Key::UpArrow);
    assert_eq!(heard.take(), [place(PlaceGesture::EditBefore)], "nothing is changed yet");
    view.set_draft("Thanks, Bob!".into());
    key(window, Key::UpArrow);
    assert_eq!(heard.take(), [], "the cursor moves in what was typed");
    key(window, Key::Escape);
    assert_eq!(heard.take(), [place(PlaceGesture::EndEdit)]);
}

#[test]
fn an_own_message_is_deleted_only_after_a_question() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.set_lines(ChatHead::default(), vec![own("7", "Wrong window")], true);
    press(view.window(), "Delete: Wrong window");
    press(view.window(), "Keep");
    assert_eq!(heard.take(), []);
    press(view.window(), "Delete: Wrong window");
    press(view.window(), "Delete");
    assert_eq!(heard.take(), [place(PlaceGesture::Delete("7".into()))]);
    press(view.window(), "Delete: Wrong window");
    key(view.window().window(), Key::Escape);
    assert!(!is_there(view.window(), "Delete this message for everybody?") && heard.take().is_empty());
}

#[test]
fn an_altered_message_says_so_also_to_who_does_not_see_it() {
    let (_, sink) = begin();
    let mut view = chat(&sink);
    let rows = vec![
        altered(said("Anna Berg", "10:05", "Hello", DeliveryMark::None), AlterationMark::Edited),
        altered(own("8", "(deleted)"), AlterationMark::Deleted),
    ];
    view.set_lines(ChatHead::default(), rows, true);
    assert!(is_there(view.window(), "Anna Berg, 10:05, edited: Hello"));
    assert!(is_there(view.window(), "You, 10:04: This message was deleted.") && !is_there(view.window(), "(deleted)"));
}

#[test]
fn who_types_is_said_and_who_is_typing_is_shown() {
    let (heard, sink) = begin();
    let view = chat(&sink);
    key(view.window().window(), "h");
    assert_eq!(heard.take(), [place(PlaceGesture::Type)]);
    view.set_editing(Some("hi"));
    key(view.window().window(), "i");
    assert_eq!(heard.take(), [], "nothing new is being said");
    view.set_typing("Anna Berg is typing…".into());
    assert!(is_there(view.window(), "Anna Berg is typing…"));
}

#[test]
fn return_in_the_field_goes_to_the_first_that_was_found_or_to_the_one_that_the_arrows_mark() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    for (downs, wanted) in [(0, place(PlaceGesture::Join("Board".into()))), (2, Gesture::Open("Ward 4".into()))] {
        hold(&view, "k");
        view.set_rooms(rooms());
        key(view.window().window(), "w");
        (0..downs).for_each(|_| key(view.window().window(), Key::DownArrow));
        heard.take();
        key(view.window().window(), Key::Return);
        assert_eq!(heard.take(), [wanted]);
    }
}

#[test]
fn a_room_is_found_made_and_joined() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    hold(&view, "k");
    view.set_rooms(rooms());
    field(view.window(), "Find a room or a person").set_accessible_value("o");
    press(view.window(), "Join Cooking, 12 people");
    press(view.window(), "Open Ward 4, 8 people");
    press(view.window(), "New conversation");
    field(view.window(), "Name of the new room").set_accessible_value("Night shift");
    press(view.window(), "Private: only who is invited may join");
    press(view.window(), "Create room");
    let done: Vec<_> = heard.take().into_iter().filter(|gesture| *gesture != place(PlaceGesture::FilterRooms("o".into()))).collect();
    let expected = [
        place(PlaceGesture::ListRooms),
        place(PlaceGesture::Join("Cooking".into())),
        Gesture::Open("Ward 4".into()),
        place(PlaceGesture::ListRooms),
        place(PlaceGesture::CreateRoom { name: "Night shift".into(), private: true }),
    ];
    assert_eq!(done, expected);
    view.set_rooms_complaint("A name cannot be empty.".into());
    assert!(is_there(view.window(), "A name cannot be empty."));
}

#[test]
fn an_invitation_is_taken_or_declined_in_the_list() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.set_invitations(vec![InvitationRow { room: "Board".into(), by: "Anna Berg".into() }]);
    let line = find(view.window(), "Anna Berg asks you to join Board.");
    assert_eq!(line.accessible_live_region(), Some(i_slint_backend_testing::AccessibleLiveness::Polite));
    press(view.window(), "Join Board");
    press(view.window(), "Decline Board");
    assert_eq!(heard.take(), [place(PlaceGesture::Join("Board".into())), place(PlaceGesture::Decline("Board".into()))]);
}

#[test]
fn people_are_asked_into_a_room_and_one_leaves_it_after_a_question() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    view.set_lines(ChatHead { key: "Ward 4".into(), name: "Ward 4".into(), is_room: true, ..ChatHead::default() }, lines(), true);
    view.window().set_pane(crate::view::ui::Pane::Members);
    view.set_members(members());
    press(view.window(), "Invite Ben Ode");
    press(view.window(), "王伟, asked to join");
    press(view.window(), "me, in this room");
    press(view.window(), "Leave room…");
    press(view.window(), "Stay");
    press(view.window(), "Leave room…");
    press(view.window(), "Leave room");
    let expected = [place(PlaceGesture::Invite("Ben Ode".into())), place(PlaceGesture::Leave)];
    assert_eq!(heard.take(), expected);
}

pub(super) fn quoting(mut row: LineRow, quoted: QuoteRow) -> LineRow {
    if let LineRow::Message(message) = &mut row {
        message.quote = Some(quoted);
    }
    row
}

pub(super) fn printer() -> QuoteRow {
    QuoteRow { seq: "3".into(), who: "王伟".into(), text: "The printer on floor 2 is back.".into(), ..QuoteRow::default() }
}

#[test]
fn a_quote_leads_to_what_it_quotes_and_says_who_said_it_also_to_who_does_not_see_it() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    let gone = QuoteRow { seq: "1".into(), missing: MissingQuote::Gone, ..QuoteRow::default() };
    let rows = vec![
        quoting(said("Anna Berg", "10:05", "Great", DeliveryMark::None), printer()),
        quoting(said("Ben Ode", "10:06", "Yes", DeliveryMark::None), gone),
    ];
    view.set_lines(ChatHead::default(), rows, true);
    assert!(is_there(view.window(), "Anna Berg, 10:05, In reply to 王伟: The printer on floor 2 is back.: Great"));
    press(view.window(), "In reply to 王伟: The printer on floor 2 is back.");
    assert_eq!(heard.take(), [place(PlaceGesture::Lead("3".into()))]);
    press(view.window(), "In reply to This message is kept no longer.");
    assert_eq!(heard.take(), [], "there is nothing to lead to");
}

#[test]
fn a_reply_is_begun_at_a_message_or_by_a_key_and_escape_replies_to_none() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    let mut row = said("Anna Berg", "10:05", "Great", DeliveryMark::None);
    if let LineRow::Message(message) = &mut row {
        message.seq = "7".into();
    }
    view.set_lines(ChatHead::default(), vec![row], true);
    press(view.window(), "Reply: Great");
    assert_eq!(heard.take(), [place(PlaceGesture::Reply("7".into()))]);
    let held = |text: slint::SharedString| {
        let window = view.window().window();
        window.dispatch_event(WindowEvent::KeyPressed { text: Key::Control.into() });
        key(window, text);
        window.dispatch_event(WindowEvent::KeyReleased { text: Key::Control.into() });
    };
    view.window().invoke_focus_composer();
    held(Key::UpArrow.into());
    assert_eq!(heard.take(), [place(PlaceGesture::ReplyBefore)]);
    view.set_reply(Some(printer()));
    assert!(is_there(view.window(), "In reply to 王伟: The printer on floor 2 is back."));
    held(Key::DownArrow.into());
    assert_eq!(heard.take(), [place(PlaceGesture::ReplyBehind)]);
    key(view.window().window(), Key::Escape);
    assert_eq!(heard.take(), [place(PlaceGesture::EndReply)]);
    view.set_editing(Some("hi"));
    assert!(!is_there(view.window(), "Do not reply"), "what is edited replies to what it did");
}

#[test]
fn a_sign_is_put_to_a_message_and_taken_back_by_a_click_and_the_list_of_who_is_one_away() {
    let (heard, sink) = begin();
    let mut view = chat(&sink);
    let mut row = said("Anna Berg", "10:05", "Great", DeliveryMark::None);
    if let LineRow::Message(message) = &mut row {
        let sign = |emoji: &str, own| ReactionRow { emoji: emoji.into(), count: "2".into(), who: "ben".into(), own };
        message.seq = "7".into();
        message.reactions = vec![sign("👍", true), sign("🎉", false)];
    }
    view.set_lines(ChatHead::default(), vec![row], true);
    let react = |emoji: &str, set| place(PlaceGesture::React { seq: "7".into(), emoji: emoji.into(), set });
    press(view.window(), "👍 2: ben");
    press(view.window(), "🎉 2: ben");
    assert_eq!(heard.take(), [react("👍", false), react("🎉", true)]);
    assert!(is_there(view.window(), "React: Great"));
    view.window().invoke_list_reactors("7".into());
    assert_eq!(heard.take(), [place(PlaceGesture::ListReactors("7".into()))]);
}
