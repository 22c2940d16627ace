//! Rooms: who comes in, who hears what is said there, who is told what.

use belfry_core::chat::{
    Answer, Audience, Bound, ConversationId, Event, Keep, KeepChange, Page, Place, PostId, Refusal, Request, Room, RoomName, Seq, Standing,
    Text,
};
use belfry_core::endpoint::PeerId;

use super::notices::{draft, notices, send};
use super::world::{World, name, password};

pub(super) fn room(typed: &str) -> RoomName {
    RoomName::new(typed).unwrap()
}

pub(super) fn create(world: &mut World, peer: PeerId, typed: &str, private: bool) {
    assert_eq!(world.ask(peer, Request::CreateRoom { room: room(typed), private }), Ok(Answer::Done));
}

pub(super) fn join(world: &mut World, peer: PeerId, typed: &str) -> Result<Answer, Refusal> {
    world.ask(peer, Request::JoinRoom { room: room(typed) })
}

fn invite(world: &mut World, peer: PeerId, typed: &str, whom: &str) -> Result<Answer, Refusal> {
    world.ask(peer, Request::Invite { room: room(typed), account: name(whom) })
}

fn rooms(world: &mut World, peer: PeerId) -> Vec<(String, bool, u64, Standing)> {
    match world.ask(peer, Request::ListRooms { after: None }) {
        Ok(Answer::Rooms(Page { entries: rooms, more: false })) => {
            rooms.into_iter().map(|Room { name, private, members, standing, .. }| (name.to_string(), private, members, standing)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn members(world: &mut World, peer: PeerId, typed: &str) -> Result<Vec<String>, Refusal> {
    match world.ask(peer, Request::RoomMembers { room: room(typed), after: None })? {
        Answer::People(Page { entries: people, more: false }) => Ok(people.iter().map(|person| person.account.to_string()).collect()),
        other => panic!("{other:?}"),
    }
}

fn say(world: &mut World, peer: PeerId, typed: &str, text: &str) -> Result<Answer, Refusal> {
    let post = world.post(Place::Room(room(typed)), text);
    world.ask(peer, post)
}

/// The room that somebody has come into last.
fn entered(world: &mut World, peer: PeerId) -> ConversationId {
    let entered = |event: &Event| if let Event::Conversation(info) = event { Some(info.id) } else { None };
    world.events(peer).iter().rev().find_map(entered).unwrap()
}

fn texts(events: Vec<Event>) -> Vec<String> {
    events.into_iter().filter_map(|event| if let Event::Message(message) = event { Some(message.text.to_string()) } else { None }).collect()
}

#[test]
fn what_is_said_in_a_room_is_told_to_its_members_on_all_their_devices_and_to_nobody_else() {
    let mut world = World::new();
    let (alice, bob, eve) = (world.register("alice"), world.register("bob"), world.register("eve"));
    let again = world.sign_in("bob");
    create(&mut world, alice, "attic", false);
    assert_eq!(join(&mut world, bob, "Attic"), Ok(Answer::Done));
    let _ = [alice, bob, again, eve].map(|peer| world.heard(peer));
    say(&mut world, alice, "attic", "mind the step").unwrap();
    for (peer, expected) in [(alice, 1), (bob, 1), (again, 1), (eve, 0)] {
        assert_eq!(texts(world.events(peer)).len(), expected);
    }
    assert_eq!(say(&mut world, eve, "attic", "hello"), Err(Refusal::NotInRoom));
    let history = Request::FetchBefore { place: Place::Room(room("attic")), before: None, limit: 10 };
    assert_eq!(world.ask(eve, history), Err(Refusal::NotInRoom));
}

#[test]
fn what_is_said_to_a_room_by_its_number_goes_there_and_not_to_the_one_that_has_its_name_now() {
    let mut world = World::new();
    let (alice, bob, carol) = (world.register("alice"), world.register("bob"), world.register("carol"));
    create(&mut world, alice, "fen", true);
    invite(&mut world, alice, "fen", "bob").unwrap();
    join(&mut world, bob, "fen").unwrap();
    let private = entered(&mut world, bob);
    say(&mut world, bob, "fen", "my own").unwrap();
    world.ask(alice, Request::RenameRoom { room: room("fen"), name: room("fen-old") }).unwrap();
    create(&mut world, alice, "fen", false);
    for peer in [bob, carol] {
        join(&mut world, peer, "fen").unwrap();
    }
    let _ = [alice, bob, carol].map(|peer| world.heard(peer));
    let place = Place::Room(room("fen"));
    let mut number = 100;
    let mut post = |world: &mut World, room| {
        number += 1;
        let (post, text) = (PostId { outbox: 1, counter: number }, Text::new("for the board").unwrap());
        world.ask(bob, Request::Post { post, to: place.clone(), room, text, reply_to: None })
    };
    assert_eq!(post(&mut world, Some(private)), Ok(Answer::Posted { conversation: private, seq: Seq(2) }));
    assert_eq!((texts(world.events(alice)).len(), texts(world.events(carol)).len()), (1, 0));
    let (place, text) = (place.clone(), Text::new("my own, written anew").unwrap());
    for request in [
        Request::Edit { place: place.clone(), room: Some(private), seq: Seq(1), text },
        Request::MarkRead { place: place.clone(), room: Some(private), upto: Seq(2) },
        Request::Delete { place: place.clone(), room: Some(private), seq: Seq(1) },
    ] {
        assert_eq!(world.ask(bob, request), Ok(Answer::Done));
    }
    assert_eq!(world.heard(carol), [], "nobody hears of it in the room of the name");
    world.ask(bob, Request::LeaveRoom { room: room("fen-old"), confirmed: false }).unwrap();
    assert_eq!(post(&mut world, Some(private)), Err(Refusal::InvitationNeeded));
    world.ask(alice, Request::DeleteRoom { room: room("fen-old"), confirmed: true }).unwrap();
    assert_eq!(post(&mut world, Some(private)), Err(Refusal::UnknownRoom));
    assert_eq!(texts(world.events(carol)), [""; 0]);
}

#[test]
fn coming_in_and_going_out_is_told_to_each_device_of_the_person() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "attic", false);
    say(&mut world, alice, "attic", "one").unwrap();
    let laptop = world.sign_in("bob");
    let _ = [bob, laptop].map(|peer| world.heard(peer));
    join(&mut world, bob, "attic").unwrap();
    join(&mut world, bob, "attic").unwrap();
    for peer in [bob, laptop] {
        match &world.events(peer)[..] {
            [Event::Conversation(info)] => {
                assert_eq!((info.place.to_string(), info.last, info.since, info.unread), ("attic".to_owned(), Seq(1), Seq(1), 0));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.ask(laptop, Request::LeaveRoom { room: room("attic"), confirmed: false }), Ok(Answer::Done));
    assert!(matches!(&world.events(bob)[..], [Event::Left(_)]));
    say(&mut world, alice, "attic", "two").unwrap();
    assert_eq!(texts(world.events(bob)).len(), 0);
    assert_eq!(world.ask(bob, Request::LeaveRoom { room: room("attic"), confirmed: false }), Err(Refusal::NotInRoom));
}

#[test]
fn a_private_room_is_seen_and_joined_by_invitation_only() {
    let mut world = World::new();
    let (alice, bob, eve) = (world.register("alice"), world.register("bob"), world.register("eve"));
    create(&mut world, alice, "board", true);
    let _ = [alice, bob, eve].map(|peer| world.heard(peer));
    assert_eq!(rooms(&mut world, bob).len(), 1);
    assert_eq!(join(&mut world, bob, "board"), Err(Refusal::InvitationNeeded));
    assert_eq!(members(&mut world, bob, "board"), Err(Refusal::InvitationNeeded));
    assert_eq!(invite(&mut world, eve, "board", "bob"), Err(Refusal::InvitationNeeded));
    assert_eq!(invite(&mut world, alice, "board", "bob"), Ok(Answer::Done));
    assert_eq!(invite(&mut world, alice, "board", "bob"), Ok(Answer::Done));
    assert_eq!(world.events(bob), [Event::Invited { room: room("board"), by: name("alice") }], "once");
    assert_eq!(rooms(&mut world, bob)[0], ("board".into(), true, 1, Standing::Invited));
    assert_eq!(members(&mut world, bob, "board"), Err(Refusal::NotInRoom));
    assert_eq!(join(&mut world, bob, "board"), Ok(Answer::Done));
    assert_eq!(members(&mut world, bob, "board"), Ok(vec!["alice".into(), "bob".into()]));
    assert_eq!(rooms(&mut world, eve).len(), 1);
}

#[test]
fn an_administrator_invites_into_every_room_and_that_is_noted() {
    let (mut world, admin) = World::with_admin();
    let (alice, _bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "board", true);
    assert_eq!(invite(&mut world, admin, "board", "bob"), Ok(Answer::Done));
    create(&mut world, admin, "own", true);
    assert_eq!(invite(&mut world, admin, "own", "bob"), Ok(Answer::Done));
    let Ok(Answer::Audit(Page { entries, .. })) = world.ask(admin, Request::ReadAudit { before: None }) else { panic!() };
    let acts: Vec<_> = entries.iter().map(|entry| format!("{} {} {}", entry.act, entry.object, entry.detail)).collect();
    assert_eq!(acts, ["room.invite board bob"], "in one's own room one invites as everybody does");
}

#[test]
fn a_room_is_refused_with_the_reason() {
    let mut world = World::new();
    let alice = world.register("alice");
    create(&mut world, alice, "attic", false);
    for typed in ["ATTIC", "аttic", "Lobby", "l0bby", "1obby"] {
        let again = Request::CreateRoom { room: room(typed), private: false };
        assert_eq!(world.ask(alice, again), Err(Refusal::RoomExists), "{typed}");
    }
    assert_eq!(join(&mut world, alice, "cellar"), Err(Refusal::UnknownRoom));
    assert_eq!(join(&mut world, alice, "lobby"), Ok(Answer::Done));
    assert_eq!(world.ask(alice, Request::LeaveRoom { room: room("lobby"), confirmed: false }), Err(Refusal::LobbyIsEverybodys));
    assert_eq!(invite(&mut world, alice, "lobby", "alice"), Err(Refusal::LobbyIsEverybodys));
    assert_eq!(invite(&mut world, alice, "attic", "nobody"), Err(Refusal::UnknownAccount));
    assert_eq!(members(&mut world, alice, "cellar"), Err(Refusal::UnknownRoom));
}

#[test]
fn rooms_outlive_a_restart_and_catching_up_needs_membership() {
    let mut world = World::new();
    let (alice, _bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "board", true);
    invite(&mut world, alice, "board", "bob").unwrap();
    let Ok(Answer::Posted { conversation, .. }) = say(&mut world, alice, "board", "x") else { panic!() };
    world.restart();
    let (alice, bob) = (world.sign_in("alice"), world.sign_in("bob"));
    let fetch = Request::FetchAfter { conversation, after: Seq(0), limit: 9 };
    assert!(world.ask(alice, fetch.clone()).is_ok());
    assert_eq!(world.ask(bob, fetch.clone()), Err(Refusal::NotInRoom));
    join(&mut world, bob, "board").unwrap();
    assert!(world.ask(bob, fetch).is_ok());
}

#[test]
fn a_notice_to_a_room_reaches_its_members() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "attic", false);
    send(&mut world, admin, draft(vec![Audience::Room(room("attic"))]));
    assert_eq!([alice, bob].map(|peer| notices(&mut world, peer).len()), [1, 0]);
}

#[test]
fn a_name_that_looks_like_anothers_is_taken() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    for typed in ["ALICE", "а\u{142}ice", "аlice", "a1ice", "AIice", "adrnin"] {
        let peer = world.connect();
        let register = Request::Register { account: name(typed), password: password("x"), remember: false };
        let expected = if typed == "а\u{142}ice" { None } else { Some(Refusal::NameTaken) };
        assert_eq!(world.ask(peer, register).err(), expected, "{typed}");
    }
    let add = Request::AddUser { account: name("a1ice"), password: password("x"), role: belfry_core::chat::Role::Member };
    assert_eq!(world.ask(admin, add), Err(Refusal::NameTaken));
}

#[test]
fn of_two_names_that_look_the_same_and_come_together_one_is_taken() {
    let mut world = World::new();
    let (one, other) = (world.connect(), world.connect());
    world.slow_store = Some(Default::default());
    let register = |typed| Request::Register { account: name(typed), password: password("x"), remember: false };
    let asked = [(one, "carol"), (other, "саrol")].map(|(peer, typed)| (peer, world.send(peer, register(typed))));
    while world.store_one() {}
    assert!(matches!(world.answer(asked[0].0, asked[0].1), Some(Ok(Answer::Welcome { .. }))));
    assert_eq!(world.answer(asked[1].0, asked[1].1), Some(Err(Refusal::NameTaken)));
}

#[test]
fn of_two_rooms_that_look_the_same_and_come_together_one_is_made() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    world.slow_store = Some(Default::default());
    let make = |typed| Request::CreateRoom { room: room(typed), private: false };
    let asked = [(alice, "hall"), (bob, "ha11")].map(|(peer, typed)| (peer, world.send(peer, make(typed))));
    while world.store_one() {}
    assert_eq!(asked.map(|(peer, id)| world.answer(peer, id)), [Some(Ok(Answer::Done)), Some(Err(Refusal::RoomExists))]);
    world.slow_store = None;
    assert_eq!(rooms(&mut world, bob).len(), 2);
}

/// The rooms that somebody is told of when they come.
fn told(events: &[Event]) -> Vec<String> {
    let places = |event: &Event| match event {
        Event::Conversations(page) => page.entries.iter().map(|info| info.place.to_string()).collect(),
        _ => Vec::new(),
    };
    events.iter().flat_map(places).collect()
}

#[test]
fn who_is_put_out_while_they_sign_in_hears_nothing_more_whichever_came_first() {
    for removed_first in [false, true] {
        let mut world = World::new();
        let (alice, bob) = (world.register("alice"), world.register("bob"));
        create(&mut world, alice, "attic", false);
        join(&mut world, bob, "attic").unwrap();
        world.gone(bob);
        let (laptop, remove) = (world.connect(), Request::RemoveFromRoom { room: room("attic"), account: name("bob"), confirmed: false });
        world.slow_store = Some(Default::default());
        if removed_first {
            world.send(alice, remove.clone());
        }
        world.send(laptop, Request::SignIn { account: name("bob"), password: password("bob"), remember: false });
        // As far as the job that signs in; the one that puts out comes behind it or has been done.
        while world.waiting_work().is_none_or(|work| !work.starts_with("SignIn")) {
            assert!(world.store_one());
        }
        if !removed_first {
            world.send(alice, remove);
        }
        while world.store_one() {}
        world.slow_store = None;
        let events = world.events(laptop);
        assert_eq!(told(&events), if removed_first { vec!["lobby"] } else { vec!["lobby", "attic"] });
        assert_eq!(events.iter().any(|event| matches!(event, Event::Left(_))), !removed_first);
        say(&mut world, alice, "attic", "among us").unwrap();
        assert_eq!(texts(world.events(laptop)).len(), 0);
    }
}

#[test]
fn who_comes_into_a_room_and_leaves_before_that_is_stored_is_in_it_when_they_come_again() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "attic", false);
    world.slow_store = Some(Default::default());
    world.send(bob, Request::JoinRoom { room: room("attic") });
    world.gone(bob);
    while world.store_one() {}
    world.slow_store = None;
    say(&mut world, alice, "attic", "anybody there?").unwrap();
    let laptop = world.sign_in("bob");
    assert_eq!(told(&world.events(laptop)), ["lobby", "attic"]);
    say(&mut world, alice, "attic", "hello").unwrap();
    assert_eq!(texts(world.events(laptop)), ["hello"]);
    assert_eq!(members(&mut world, alice, "attic"), Ok(vec!["alice".into(), "bob".into()]));
}

#[test]
fn whoever_has_one_session_left_goes_on_hearing_what_is_said_in_their_rooms() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "attic", false);
    join(&mut world, bob, "attic").unwrap();
    let laptop = world.sign_in("bob");
    world.gone(bob);
    world.heard(laptop);
    say(&mut world, alice, "attic", "hello").unwrap();
    assert_eq!(texts(world.events(laptop)), ["hello"]);
}

#[test]
fn who_is_put_out_of_a_room_hears_it_and_hears_nothing_more() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "attic", false);
    join(&mut world, bob, "attic").unwrap();
    let remove = |account| Request::RemoveFromRoom { room: room("attic"), account: name(account), confirmed: false };
    assert_eq!(world.ask(bob, remove("alice")), Err(Refusal::NotYourRoom));
    assert_eq!(world.ask(alice, remove("nobody")), Err(Refusal::UnknownAccount));
    world.heard(bob);
    assert_eq!(world.ask(alice, remove("bob")), Ok(Answer::Done));
    assert!(matches!(world.events(bob)[..], [Event::Left(_)]));
    say(&mut world, alice, "attic", "among us").unwrap();
    assert_eq!(world.events(bob), []);
    assert_eq!(world.ask(alice, remove("bob")), Err(Refusal::NobodyThere));
    assert_eq!(members(&mut world, alice, "attic"), Ok(vec!["alice".into()]));
}

#[test]
fn a_room_of_another_name_is_found_by_it_and_no_longer_by_the_old_one() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "attic", false);
    join(&mut world, bob, "attic").unwrap();
    say(&mut world, alice, "attic", "mind the step").unwrap();
    world.heard(bob);
    let rename = |from, to| Request::RenameRoom { room: room(from), name: room(to) };
    assert_eq!(world.ask(bob, rename("attic", "mine")), Err(Refusal::NotYourRoom));
    assert_eq!(world.ask(alice, rename("attic", "l0bby")), Err(Refusal::RoomExists));
    assert_eq!(world.ask(alice, rename("attic", "loft")), Ok(Answer::Done));
    assert!(matches!(&world.events(bob)[..], [Event::Renamed { room: named, .. }] if *named == room("loft")));
    assert_eq!(say(&mut world, bob, "attic", "x"), Err(Refusal::UnknownRoom));
    assert!(say(&mut world, bob, "loft", "x").is_ok());
    create(&mut world, bob, "attic", false);
    world.restart();
    let alice = world.sign_in("alice");
    assert!(say(&mut world, alice, "loft", "x").is_ok());
    assert_eq!(world.ask(alice, rename("lobby", "hall")), Err(Refusal::LobbyStays));
}

#[test]
fn a_closed_room_is_left_by_all_and_its_name_is_free() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "attic", false);
    join(&mut world, bob, "attic").unwrap();
    say(&mut world, bob, "attic", "a secret").unwrap();
    world.heard(bob);
    let close = || Request::DeleteRoom { room: room("attic"), confirmed: false };
    assert_eq!(world.ask(bob, close()), Err(Refusal::NotYourRoom));
    assert_eq!(world.ask(alice, close()), Ok(Answer::Done));
    assert!(matches!(world.events(bob)[..], [Event::Left(_)]));
    assert_eq!(world.ask(alice, close()), Err(Refusal::UnknownRoom));
    create(&mut world, bob, "attic", false);
    assert_eq!(world.ask(admin, close()), Ok(Answer::Done), "an administrator closes any");
    world.restart();
    let admin = world.sign_in("admin");
    assert_eq!(rooms(&mut world, admin).len(), 1);
    let Ok(Answer::Audit(Page { entries, .. })) = world.ask(admin, Request::ReadAudit { before: None }) else { panic!() };
    assert_eq!(entries.iter().map(|entry| entry.act.as_str()).collect::<Vec<_>>(), ["room.delete"]);
}

#[test]
fn an_administrator_says_how_long_a_rooms_messages_are_kept() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    create(&mut world, alice, "attic", false);
    for n in 0..5 {
        say(&mut world, alice, "attic", &format!("m{n}")).unwrap();
    }
    let keep = Keep { age_ms: None, messages: Some(2) };
    let request = |named| Request::KeepRoom { room: room(named), number: None, change: keep.into(), confirmed: true };
    assert_eq!(world.ask(alice, request("attic")), Err(Refusal::AdminOnly));
    assert_eq!(world.ask(admin, request("attic")), Ok(Answer::Done));
    world.pass(std::time::Duration::from_secs(5));
    let fetch = Request::FetchBefore { place: Place::Room(room("attic")), before: None, limit: 9 };
    let Ok(Answer::Page(page)) = world.ask(alice, fetch) else { panic!() };
    assert_eq!(page.messages.len(), 2);
    let Ok(Answer::Rooms(Page { entries: rooms, .. })) = world.ask(alice, Request::ListRooms { after: None }) else { panic!() };
    assert_eq!((rooms[0].owner.clone(), rooms[0].keep, rooms[1].owner.clone()), (Some(name("alice")), keep, None));
    assert_eq!(world.ask(admin, request("lobby")), Ok(Answer::Done), "also for the lobby");
}

#[test]
fn what_a_room_would_lose_is_said_before_it_is_lost_and_noted_only_when_it_is_done() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    create(&mut world, alice, "attic", false);
    for n in 0..5 {
        say(&mut world, alice, "attic", &format!("m{n}")).unwrap();
    }
    let ask = |age_ms, messages, confirmed| {
        let change = Keep { age_ms, messages }.into();
        Request::KeepRoom { room: room("attic"), number: None, change, confirmed }
    };
    let attic = entered(&mut world, alice);
    let would_delete = |messages| Ok(Answer::WouldDelete { room: attic, messages, of: 5 });
    let acts = |world: &mut World| {
        let Ok(Answer::Audit(Page { entries, .. })) = world.ask(admin, Request::ReadAudit { before: None }) else { panic!() };
        entries.len()
    };
    let kept = |world: &mut World| {
        let Ok(Answer::Rooms(Page { entries: rooms, .. })) = world.ask(alice, Request::ListRooms { after: None }) else { panic!() };
        rooms[0].keep
    };
    assert_eq!(world.ask(admin, ask(None, Some(2), false)), would_delete(3));
    assert_eq!(world.ask(admin, ask(Some(30 * 60_000), None, false)), would_delete(0), "half an hour");
    assert_eq!((acts(&mut world), kept(&mut world)), (0, Keep::default()));
    assert_eq!(world.ask(admin, ask(Some(86_400_000), Some(5), false)), Ok(Answer::Done), "nothing goes");
    assert_eq!((acts(&mut world), kept(&mut world).messages), (1, Some(5)));
    assert_eq!(world.ask(admin, ask(Some(0), Some(5), false)), Ok(Answer::Done), "no age is short enough to be asked about");
    assert_eq!(world.ask(admin, ask(None, Some(2), true)), Ok(Answer::Done));
    assert_eq!((acts(&mut world), kept(&mut world).messages), (3, Some(2)));
}

#[test]
fn what_is_not_said_of_how_long_a_room_is_kept_stays_as_somebody_else_has_made_it_meanwhile() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    create(&mut world, alice, "attic", true);
    let ask = |age_ms, messages, confirmed| {
        let change = KeepChange { age_ms, messages };
        Request::KeepRoom { room: room("attic"), number: None, change, confirmed }
    };
    let kept = |world: &mut World| world.ask(admin, ask(Bound::Unchanged, Bound::Unchanged, true));
    assert_eq!(kept(&mut world), Ok(Answer::Kept(Keep::default())), "an administrator who is not in it");
    let asked = world.ask(admin, ask(Bound::Own(3_600_000), Bound::Unchanged, false));
    assert!(matches!(asked, Ok(Answer::WouldDelete { .. })), "less than a day");
    world.ask(admin, ask(Bound::Unchanged, Bound::Own(1000), false)).unwrap();
    world.ask(admin, ask(Bound::Own(3_600_000), Bound::Unchanged, true)).unwrap();
    let both = Keep { age_ms: Some(3_600_000), messages: Some(1000) };
    assert_eq!(kept(&mut world), Ok(Answer::Kept(both)));
    assert_eq!(world.ask(admin, ask(Bound::Unchanged, Bound::Own(500), false)), Ok(Answer::Done), "the age is not asked about again");
    world.ask(admin, ask(Bound::AsOnServer, Bound::Unchanged, false)).unwrap();
    assert_eq!(kept(&mut world), Ok(Answer::Kept(Keep { age_ms: None, messages: Some(500) })));
    let endless = ask(Bound::Unchanged, Bound::Own(u64::MAX), true);
    assert_eq!(world.ask(admin, endless), Err(Refusal::BadRequest), "what cannot be stored is stored as nothing else");
    let Ok(Answer::Audit(Page { entries, .. })) = world.ask(admin, Request::ReadAudit { before: None }) else { panic!() };
    let noted: Vec<_> = entries.iter().map(|entry| entry.detail.as_str()).collect();
    let said = ["kept as long as on the whole server", "kept the newest 500", "kept for 1 hour", "kept the newest 1000"];
    assert_eq!(noted, said, "what was asked only, and what was refused, is nobody's act");
}

#[test]
fn what_is_confirmed_of_a_room_is_done_to_that_room_and_not_to_another_that_has_its_name_now() {
    let (mut world, admin) = World::with_admin();
    create(&mut world, admin, "sandbox", false);
    for text in ["one", "two"] {
        say(&mut world, admin, "sandbox", text).unwrap();
    }
    let change = KeepChange { messages: Bound::Own(1), ..KeepChange::default() };
    let keep = |number, change, confirmed| Request::KeepRoom { room: room("sandbox"), number, change, confirmed };
    let Ok(Answer::WouldDelete { room: asked, messages: 1, of: 2 }) = world.ask(admin, keep(None, change, false)) else { panic!() };
    world.ask(admin, Request::RenameRoom { room: room("sandbox"), name: room("beach") }).unwrap();
    create(&mut world, admin, "sandbox", false);
    assert_eq!(world.ask(admin, keep(Some(asked), change, true)), Ok(Answer::Done));
    let kept = |world: &mut World, number| world.ask(admin, keep(number, KeepChange::default(), false));
    assert_eq!(kept(&mut world, Some(asked)), Ok(Answer::Kept(Keep { age_ms: None, messages: Some(1) })));
    assert_eq!(kept(&mut world, None), Ok(Answer::Kept(Keep::default())));
    let Ok(Answer::Audit(Page { entries, .. })) = world.ask(admin, Request::ReadAudit { before: None }) else { panic!() };
    assert_eq!((entries[0].act.as_str(), entries[0].object.as_str()), ("room.keep", "beach"));
    world.ask(admin, Request::DeleteRoom { room: room("beach"), confirmed: true }).unwrap();
    assert_eq!(world.ask(admin, keep(Some(asked), change, true)), Err(Refusal::UnknownRoom));
}
