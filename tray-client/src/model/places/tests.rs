use belfry_core::chat::{Alteration, Answer, Page, Role, Text};
use belfry_core::client::{Command, Update};
use belfry_core::time::{Instant, UnixMillis};

use super::*;
use crate::model::tests::{answered, conversation, nothing_remembered, paged};
use crate::model::{Intent, Unsent};

fn now(seconds: u64) -> Now {
    Now { instant: Instant::START + Duration::from_secs(seconds), wall: UnixMillis(0) }
}

fn name(typed: &str) -> AccountName {
    AccountName::new(typed).unwrap()
}

fn attic() -> Place {
    Place::Room(RoomName::new("attic").unwrap())
}

fn message(seq: u64, from: &str) -> Message {
    Message::new(ConversationId(1), Seq(seq), name(from), Text::new(format!("m{seq}")).unwrap(), UnixMillis(seq))
}

fn model() -> Model {
    let mut model = Model::new("lan-host");
    model.apply(now(0), Update::SignedIn { account: name("me"), role: Role::Member });
    model
}

fn hear(model: &mut Model, seq: u64, from: &str) -> Vec<Effect> {
    model.apply(now(1), Update::Message { place: attic(), message: message(seq, from) })
}

fn unread(model: &Model) -> u64 {
    model.conversation(&attic()).map_or(0, |attic| attic.unread())
}

fn told(effects: &[Effect]) -> Option<Seq> {
    effects.iter().find_map(|effect| match effect {
        Effect::Tell(Command::Ask { request: Request::MarkRead { upto, .. }, .. }) => Some(*upto),
        _ => None,
    })
}

#[test]
fn the_servers_count_is_shown_and_what_it_has_counted_is_not_counted_again() {
    let mut model = model();
    model.apply(now(0), Update::Conversation(ConversationInfo { read: Seq(3), unread: 4, ..conversation(1, attic(), 7) }));
    assert_eq!(unread(&model), 4);
    hear(&mut model, 6, "anna");
    hear(&mut model, 7, "anna");
    assert_eq!(unread(&model), 4);
    hear(&mut model, 8, "anna");
    assert_eq!(unread(&model), 5);
}

#[test]
fn reading_on_another_device_clears_what_it_has_read() {
    let mut model = model();
    for seq in 1..=5 {
        hear(&mut model, seq, "anna");
    }
    model.apply(now(1), Update::Read { place: attic(), read: Seq(4), unread: 1 });
    assert_eq!(unread(&model), 1);
    model.apply(now(1), Update::Read { place: attic(), read: Seq(5), unread: 0 });
    assert_eq!(unread(&model), 0);
}

fn taken_back(seq: u64, number: u64) -> Update {
    let altered = Some(Alteration::deleted(number, UnixMillis(9)));
    Update::Altered { place: attic(), message: Message { text: Text::deleted(), altered, ..message(seq, "anna") } }
}

#[test]
fn what_was_taken_back_is_not_unread() {
    let mut model = model();
    for seq in 1..=5 {
        hear(&mut model, seq, "anna");
    }
    for _ in 0..2 {
        model.apply(now(1), taken_back(3, 1));
    }
    assert_eq!(unread(&model), 4, "once, however often it is told");
    model.apply(now(1), Update::Read { place: attic(), read: Seq(2), unread: 2 });
    assert_eq!(unread(&model), 2);
    model.apply(now(1), taken_back(1, 2));
    assert_eq!(unread(&model), 2, "that one was read");
    for (seq, number) in [(4, 3), (5, 4)] {
        model.apply(now(1), taken_back(seq, number));
    }
    assert_eq!((unread(&model), model.summary()), (0, crate::model::Summary::Connected));
}

#[test]
fn what_was_taken_back_while_one_was_away_is_not_taken_out_of_the_servers_count_again() {
    let mut model = model();
    // Ten are newer than the third, of which two do not stand any more.
    let id = ConversationId(1);
    model.apply(
        now(0),
        Update::Conversation(ConversationInfo { read: Seq(3), unread: 8, alterations: 2, ..conversation(id.0, attic(), 13) }),
    );
    for (seq, number) in [(5, 1), (6, 2)] {
        model.apply(now(1), taken_back(seq, number));
    }
    assert_eq!(unread(&model), 8);
    model.apply(now(1), taken_back(7, 3));
    assert_eq!(unread(&model), 7);
}

#[test]
fn the_server_is_told_once_what_the_person_has_read_here() {
    let mut model = model();
    hear(&mut model, 1, "anna");
    assert_eq!(told(&model.act(now(1), Intent::Open(attic()))), None, "nobody looks yet");
    assert_eq!(told(&model.act(now(1), Intent::Attend(true))), Some(Seq(1)));
    assert_eq!(told(&model.act(now(1), Intent::Attend(true))), None);
    assert_eq!(told(&hear(&mut model, 2, "anna")), Some(Seq(2)));
    assert_eq!(told(&hear(&mut model, 3, "me")), None, "one's own words the server knows to be read");
    // An older word of the server does not make unread what was read here.
    model.apply(now(1), Update::Conversation(ConversationInfo { read: Seq(1), unread: 2, ..conversation(1, attic(), 3) }));
    assert_eq!(unread(&model), 0);
}

#[test]
fn an_altered_message_is_shown_as_it_is_now() {
    let mut model = model();
    hear(&mut model, 1, "anna");
    let altered = Some(Alteration::edited(1, UnixMillis(9)));
    let edited = Message { text: Text::new("better").unwrap(), altered, ..message(1, "anna") };
    let effects = model.apply(now(1), Update::Altered { place: attic(), message: edited });
    assert!(effects.contains(&Effect::Redraw(ScreenPart::Lines(attic()))));
    let lines: Vec<_> = model.lines(&attic()).map(|line| (line.text.to_string(), line.altered)).collect();
    assert_eq!(lines, [("better".to_owned(), altered)]);
    assert_eq!(model.conversation(&attic()).unwrap().last().unwrap().text.as_str(), "better");
}

#[test]
fn a_room_that_was_left_is_gone_also_from_the_window() {
    let mut model = model();
    hear(&mut model, 1, "anna");
    model.act(now(1), Intent::Open(attic()));
    model.apply(now(1), Update::Left { place: attic() });
    assert!(model.conversation(&attic()).is_none() && model.shown().is_none());
}

#[test]
fn a_room_of_another_name_keeps_its_messages_and_its_place_in_the_window() {
    let loft = || Place::Room(RoomName::new("loft").unwrap());
    let told = Update::Renamed { from: attic(), to: loft() };
    let found = Update::Conversation(ConversationInfo { unread: 1, ..conversation(1, loft(), 1) });
    for news in [told, found] {
        let mut model = model();
        hear(&mut model, 1, "anna");
        model.act(now(1), Intent::Open(attic()));
        model.apply(now(1), news);
        assert!(model.conversation(&attic()).is_none());
        assert_eq!(model.shown().map(|shown| shown.place().clone()), Some(loft()));
        assert_eq!(model.lines(&loft()).count(), 1);
    }
}

#[test]
fn typing_is_believed_for_a_while_or_until_the_message_is_there() {
    let mut model = model();
    let typing = |model: &Model, seconds| model.conversation(&attic()).unwrap().typing(now(seconds).instant).count();
    model.apply(now(1), Update::Typing { place: attic(), account: name("anna") });
    assert_eq!((typing(&model, 2), typing(&model, 8)), (1, 0));
    hear(&mut model, 1, "anna");
    assert_eq!(typing(&model, 2), 0);
}

#[test]
fn an_invitation_stays_until_it_is_taken_or_declined() {
    let mut model = model();
    let room = RoomName::new("attic").unwrap();
    for _ in 0..2 {
        model.apply(now(1), Update::Invited { room: room.clone(), by: name("anna") });
    }
    assert_eq!(model.rooms().invitations(), [(room.clone(), name("anna"))]);
    assert!(matches!(
        &model.act(now(1), Intent::Join(room.clone()))[..],
        [Effect::Tell(Command::Ask { request: Request::JoinRoom { .. }, .. })]
    ));
    model.apply(now(1), Update::Conversation(conversation(1, attic(), 0)));
    assert_eq!(model.rooms().invitations(), []);
    model.apply(now(1), Update::Invited { room: room.clone(), by: name("anna") });
    model.act(now(1), Intent::Decline(room));
    assert_eq!(model.rooms().invitations(), []);
}

#[test]
fn what_one_says_names_the_room_and_is_settled_there_under_its_new_name() {
    let mut model = model();
    model.apply(now(0), Update::Conversation(conversation(1, attic(), 0)));
    let said = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Tell(Command::PostAs { ticket, to, room, .. }) => Some((ticket, to, room)),
            _ => None,
        })
    };
    let say = |model: &mut Model, to| said(model.act(now(1), Intent::Say { to, text: Text::new("hi").unwrap(), reply_to: None })).unwrap();
    let (own, to, room) = say(&mut model, attic());
    assert_eq!((to, room), (attic(), Some(ConversationId(1))));
    assert_eq!(say(&mut model, Place::Direct(name("anna"))).2, None);
    let loft = Place::Room(RoomName::new("loft").unwrap());
    model.apply(now(1), Update::Renamed { from: attic(), to: loft.clone() });
    model.apply(now(1), Update::Conversation(conversation(2, attic(), 0)));
    model.apply(now(1), Update::Posted { ticket: own, conversation: ConversationId(1), seq: Seq(1) });
    let (waiting, attic_now) = (|model: &Model, place: &Place| model.conversation(place).unwrap().waiting(), attic());
    assert_eq!((waiting(&model, &loft), waiting(&model, &attic_now)), (0, 0));
    let (to, room, text) = (attic(), Some(ConversationId(1)), Text::new("of an earlier run").unwrap());
    model.recall_own(Unsent { ticket: Ticket(90), to, room, text, reply_to: None, at: UnixMillis(0), file: None });
    assert_eq!((waiting(&model, &loft), waiting(&model, &attic_now)), (1, 0));
    let ask = |effects: Vec<Effect>| match &effects[..] {
        [Effect::Tell(Command::Ask { request: Request::Edit { room, .. } | Request::Delete { room, .. }, .. })] => *room,
        other => panic!("{other:?}"),
    };
    let edit = Intent::Edit { place: loft.clone(), seq: Seq(1), text: Text::new("ho").unwrap() };
    assert_eq!(ask(model.act(now(1), edit)), Some(ConversationId(1)));
    assert_eq!(ask(model.act(now(1), Intent::Delete { place: loft, seq: Seq(1) })), Some(ConversationId(1)));
}

#[test]
fn what_is_refused_is_said_and_what_is_done_is_not() {
    let mut model = model();
    let ask = |effects: Vec<Effect>| match &effects[..] {
        [Effect::Tell(Command::Ask { ticket: ask, request: Request::Delete { .. } })] => *ask,
        other => panic!("{other:?}"),
    };
    let first = ask(model.act(now(1), Intent::Delete { place: attic(), seq: Seq(1) }));
    let refusal = Refusal::UnknownMessage;
    assert_eq!(model.apply(now(1), Update::Refused { ticket: first, refusal }), [Effect::Refused(Some(refusal))]);
    let second = ask(model.act(now(1), Intent::Delete { place: attic(), seq: Seq(1) }));
    assert_eq!(model.apply(now(1), answered(second, Answer::Done)), []);
}

#[test]
fn the_list_of_rooms_is_asked_for_to_its_end_and_a_search_is_answered_once() {
    let mut model = model();
    let effects = model.act(now(1), Intent::ListRooms);
    let [.., Effect::Tell(Command::Ask { ticket: ask, request: Request::ListRooms { after: None } })] = effects[..] else {
        panic!("{effects:?}")
    };
    let room = |typed| belfry_core::chat::Room {
        owner: None,
        keep: belfry_core::chat::Keep::default(),
        name: RoomName::new(typed).unwrap(),
        private: false,
        members: 1,
        standing: belfry_core::chat::Standing::Outside,
    };
    let effects = model.apply(now(1), answered(ask, Answer::Rooms(Page { entries: vec![room("attic")], more: true })));
    assert!(matches!(&effects[..], [Effect::Tell(Command::Ask { request: Request::ListRooms { after: Some(_), .. }, .. })]));
    model.apply(now(1), answered(ask, Answer::Rooms(Page { entries: vec![room("board")], more: false })));
    assert_eq!(model.rooms().all().len(), 2);
    let effects = model.act(now(1), Intent::Search { text: SearchText::new("x").unwrap(), place: None });
    let Effect::Tell(Command::Ask { ticket: ask, request: Request::Search { .. } }) = effects[0] else { panic!("{effects:?}") };
    let found = belfry_core::chat::Found { hits: vec![], more: false, cut: true };
    model.apply(now(1), answered(ask, Answer::Found(found.clone())));
    assert_eq!(model.search().unwrap().found, Some(Ok(found)));
    model.act(now(1), Intent::EndSearch);
    assert!(model.search().is_none());
}

/// The messages from `first` to `last`, as a page of the server.
fn page(first: u64, last: u64) -> Vec<Message> {
    (first..=last).map(|seq| message(seq, "anna")).collect()
}

fn shown(model: &Model) -> Option<(u64, u64)> {
    let seqs: Vec<_> = model.lines(&attic()).filter_map(|line| line.seq).collect();
    Some((seqs.first()?.0, seqs.last()?.0))
}

/// A model with the messages 491 to 500, in whose conversation message 100 is sought and was found.
fn seeking() -> Model {
    let mut model = model();
    for seq in 491..=500 {
        hear(&mut model, seq, "anna");
    }
    let effects = model.act(now(1), Intent::Seek { place: attic(), seq: Seq(100) });
    let effects = nothing_remembered(&mut model, effects);
    let [Effect::Tell(Command::Ask { ticket: ask, request: Request::FetchBefore { before: Some(Seq(101)), .. } }), ..] = effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((shown(&model), model.sought()), (Some((491, 500)), Some(Seq(100))), "until it has come");
    let effects = model.apply(now(1), paged(ask, page(1, 100)));
    let effects = nothing_remembered(&mut model, effects);
    let Effect::Tell(Command::Ask { ticket: ask, request: Request::FetchAfter { after: Seq(100), .. } }) = effects[0] else {
        panic!("{effects:?}")
    };
    model.apply(now(1), paged(ask, page(101, 200)));
    model
}

#[test]
fn a_message_that_was_found_is_shown_with_what_stands_before_and_behind_it() {
    let model = seeking();
    let attic = model.conversation(&attic()).unwrap();
    assert_eq!((shown(&model), attic.is_at_end(), attic.has_older()), (Some((1, 200)), false, false));
    assert_eq!(attic.last().unwrap().seq, Seq(500), "the newest is known all the same");
}

#[test]
fn reading_on_leads_back_to_the_newest_message_and_to_what_comes() {
    let mut model = seeking();
    for (first, last) in [(201, 300), (301, 400), (401, 500)] {
        let effects = model.act(now(1), Intent::ReadOn(attic()));
        let effects = nothing_remembered(&mut model, effects);
        let [Effect::Tell(Command::Ask { ticket: ask, request: Request::FetchAfter { after, .. } })] = effects[..] else {
            panic!("{effects:?}")
        };
        assert_eq!(after, Seq(first - 1));
        assert_eq!(model.act(now(1), Intent::ReadOn(attic())), [], "once at a time");
        model.apply(now(1), paged(ask, page(first, last)));
    }
    assert!(model.conversation(&attic()).unwrap().is_at_end());
    assert_eq!(model.act(now(1), Intent::ReadOn(attic())), []);
    hear(&mut model, 501, "anna");
    assert_eq!(shown(&model), Some((1, 501)));
}

#[test]
fn what_comes_while_reading_far_back_is_news_and_shown_at_the_end() {
    let mut model = seeking();
    hear(&mut model, 501, "anna");
    assert_eq!((shown(&model), unread(&model)), (Some((1, 200)), 11));
    let effects = model.act(now(1), Intent::ToEnd(attic()));
    let effects = nothing_remembered(&mut model, effects);
    let ask = effects.iter().find_map(|effect| match effect {
        Effect::Tell(Command::Ask { ticket: ask, request: Request::FetchBefore { before: Some(Seq(502)), .. } }) => Some(*ask),
        _ => None,
    });
    model.apply(now(1), paged(ask.unwrap(), page(402, 501)));
    assert_eq!((shown(&model), model.sought()), (Some((402, 501)), None));
}

#[test]
fn a_message_that_is_held_is_only_marked() {
    let mut model = model();
    hear(&mut model, 1, "anna");
    let effects = model.act(now(1), Intent::Seek { place: attic(), seq: Seq(1) });
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Tell(_))), "{effects:?}");
    assert_eq!(model.sought(), Some(Seq(1)));
    model.act(now(1), Intent::Open(attic()));
    assert_eq!(model.sought(), None);
}

#[test]
fn what_cannot_be_fetched_leaves_what_is_shown() {
    let mut model = model();
    hear(&mut model, 400, "anna");
    let effects = model.act(now(1), Intent::Seek { place: attic(), seq: Seq(100) });
    let effects = nothing_remembered(&mut model, effects);
    let [Effect::Tell(Command::Ask { ticket: ask, request: Request::FetchBefore { .. } }), ..] = effects[..] else { panic!("{effects:?}") };
    model.apply(now(1), Update::Lost { ticket: ask });
    assert_eq!(shown(&model), Some((400, 400)));
    assert!(model.conversation(&attic()).unwrap().is_at_end());
    let effects = model.act(now(1), Intent::ReadBack(attic()));
    assert_eq!(told_asks(&nothing_remembered(&mut model, effects)), 1, "and can be read on as before");
}

fn told_asks(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Tell(Command::Ask { request: Request::FetchBefore { .. }, .. }))).count()
}

#[test]
fn whoever_writes_after_reading_far_back_sees_it() {
    let mut model = seeking();
    let effects = model.act(now(1), Intent::Say { to: attic(), text: Text::new("hi").unwrap(), reply_to: None });
    let effects = nothing_remembered(&mut model, effects);
    assert_eq!(told_asks(&effects), 1);
    assert!(model.conversation(&attic()).unwrap().is_at_end());
}

#[test]
fn a_room_that_was_made_or_joined_is_shown_as_soon_as_one_is_in_it() {
    let mut model = model();
    let entered = Update::Conversation(conversation(1, attic(), 0));
    assert!(!model.apply(now(1), entered.clone()).contains(&Effect::GoTo(attic())), "another device has joined");
    model.act(now(1), Intent::CreateRoom { room: RoomName::new("Attic").unwrap(), private: true });
    assert!(model.apply(now(1), entered.clone()).contains(&Effect::GoTo(attic())));
    let effects = model.act(now(1), Intent::Join(RoomName::new("attic").unwrap()));
    let [Effect::Tell(Command::Ask { ticket: ask, request: Request::JoinRoom { .. } })] = effects[..] else { panic!("{effects:?}") };
    model.apply(now(1), Update::Refused { ticket: ask, refusal: Refusal::UnknownRoom });
    assert!(!model.apply(now(1), entered).contains(&Effect::GoTo(attic())), "it was refused");
}

#[test]
fn who_leaves_the_room_that_is_shown_is_in_the_lobby() {
    let mut model = model();
    model.act(now(1), Intent::Open(attic()));
    let effects = model.apply(now(1), Update::Left { place: attic() });
    let at = |effect: &Effect| effects.iter().position(|each| each == effect).unwrap();
    assert!(at(&Effect::PutOut(attic())) < at(&Effect::GoTo(Place::lobby())), "what was being written is put away first");
}

fn listed(id: u64, place: &str, last: u64) -> Update {
    let place = place.parse().unwrap();
    Update::Conversation(conversation(id, place, last))
}

/// A model that has been in the lobby (1), two rooms and a direct conversation, and was off since.
fn back_again() -> Model {
    let mut model = model();
    for (id, place) in [(1, "lobby"), (2, "attic"), (3, "board"), (4, "@bob")] {
        model.apply(now(0), listed(id, place, 9));
        let said = Message { conversation: ConversationId(id), text: Text::new(format!("in {place}")).unwrap(), ..message(9, "anna") };
        model.apply(now(0), Update::Message { place: place.parse().unwrap(), message: said });
    }
    model.apply(now(0), Update::CaughtUp);
    model.take_news();
    model.apply(now(1), Update::SignedIn { account: name("me"), role: Role::Member });
    model
}

/// Each conversation by its name, with what was said there last.
fn list(model: &Model) -> Vec<(String, String)> {
    let said = |known: &&Conversation| known.last().map_or_else(String::new, |last| last.text.to_string());
    let mut list: Vec<_> = model.conversations().iter().map(|known| (known.place().to_string(), said(known))).collect();
    list.sort();
    list
}

fn forgotten(model: &mut Model) -> Vec<u64> {
    model.take_news().iter().filter_map(|keep| if let MemoryChange::Forget(id) = keep { Some(id.0) } else { None }).collect()
}

#[test]
fn a_room_that_was_left_or_closed_while_one_was_away_is_not_in_the_list_and_direct_conversations_stay() {
    let mut model = back_again();
    model.act(now(1), Intent::Open(attic()));
    for (id, place) in [(1, "lobby"), (3, "board")] {
        model.apply(now(1), listed(id, place, 9));
    }
    let effects = model.apply(now(1), Update::CaughtUp);
    assert!(effects.contains(&Effect::GoTo(Place::lobby())), "{effects:?}");
    let places: Vec<_> = list(&model).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["@bob", "board", "lobby"]);
    assert_eq!(forgotten(&mut model), [2], "nothing of it stays on this computer");
}

#[test]
fn rooms_that_have_exchanged_their_names_are_told_apart_by_their_numbers() {
    for order in [[(2, "board"), (3, "attic")], [(3, "attic"), (2, "board")]] {
        let mut model = back_again();
        for (id, place) in [(1, "lobby"), (4, "@bob")].into_iter().chain(order) {
            model.apply(now(1), listed(id, place, 9));
        }
        model.apply(now(1), Update::CaughtUp);
        let said = list(&model);
        // Of one of the two the newest message is looked up when it is opened.
        for (place, not) in [("attic", "in attic"), ("board", "in board")] {
            assert!(said.iter().any(|(known, last)| known == place && last != not), "{said:?}");
        }
        assert_eq!((said.len(), forgotten(&mut model)), (4, vec![]));
    }
}

#[test]
fn a_new_room_with_the_name_of_one_that_was_closed_shows_nothing_of_it() {
    let mut model = back_again();
    for (id, place) in [(1, "lobby"), (3, "board"), (4, "@bob"), (5, "attic")] {
        model.apply(now(1), listed(id, place, 0));
    }
    model.apply(now(1), Update::CaughtUp);
    assert!(list(&model).contains(&("attic".to_owned(), String::new())), "{:?}", list(&model));
    assert!(forgotten(&mut model).contains(&2));
}

#[test]
fn a_server_that_went_back_to_a_backup_is_believed() {
    let mut model = back_again();
    model.apply(now(1), listed(2, "attic", 4));
    assert_eq!(model.conversation(&attic()).unwrap().last(), None);
    assert_eq!(forgotten(&mut model), [2]);
    let said = Message { conversation: ConversationId(2), ..message(5, "anna") };
    model.apply(now(1), Update::Message { place: attic(), message: said });
    assert_eq!(model.conversation(&attic()).unwrap().last().unwrap().seq, Seq(5));
}
