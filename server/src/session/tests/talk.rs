//! What becomes of messages: altered, read, searched; typing and being away.

use std::time::Duration;

use belfry_core::chat::{Answer, Event, Found, Page, Parties, Place, Presence, Presentity, Refusal, Request, SearchText, Seq, Text};
use belfry_core::endpoint::PeerId;

use super::rooms::{create, join, room};
use super::world::{World, name};
use crate::limits::{SEARCHES_BURST, TYPING_AUDIENCE_MAX, TYPING_BURST};

fn say(world: &mut World, peer: PeerId, place: Place, text: &str) -> Seq {
    let post = world.post(place, text);
    match world.ask(peer, post) {
        Ok(Answer::Posted { seq, .. }) => seq,
        other => panic!("{other:?}"),
    }
}

fn edit(place: Place, seq: Seq, text: &str) -> Request {
    Request::Edit { place, room: None, seq, text: Text::new(text).unwrap() }
}

fn altered(world: &mut World, peer: PeerId) -> Vec<(u64, String, bool)> {
    let altered = |event| match event {
        Event::Altered(message) => Some((message.seq.0, message.text.to_string(), message.is_deleted())),
        _ => None,
    };
    world.events(peer).into_iter().filter_map(altered).collect()
}

fn search(world: &mut World, peer: PeerId, text: &str) -> Result<Found, Refusal> {
    match world.ask(peer, Request::Search { text: SearchText::new(text).unwrap(), place: None, before: None, limit: 10 })? {
        Answer::Found(found) => Ok(found),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_that_is_altered_is_told_to_everybody_who_can_read_it() {
    let mut world = World::new();
    let (alice, bob, eve) = (world.register("alice"), world.register("bob"), world.register("eve"));
    let direct = Place::Direct(name("bob"));
    let seq = say(&mut world, alice, direct.clone(), "at five");
    let _ = [alice, bob, eve].map(|peer| world.heard(peer));
    assert_eq!(world.ask(alice, edit(direct.clone(), seq, "at six")), Ok(Answer::Done));
    assert_eq!(world.ask(alice, edit(direct.clone(), seq, "at six")), Ok(Answer::Done));
    assert_eq!(world.ask(alice, Request::Delete { place: direct, room: None, seq }), Ok(Answer::Done));
    let told = [(1, "at six".to_owned(), false), (1, "(deleted)".to_owned(), true)];
    assert_eq!(altered(&mut world, alice), told);
    assert_eq!(altered(&mut world, bob), told);
    assert_eq!(altered(&mut world, eve), []);
}

#[test]
fn only_the_author_alters_a_message_also_where_administrators_are() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    let seq = say(&mut world, alice, Place::lobby(), "mine");
    assert_eq!(world.ask(admin, edit(Place::lobby(), seq, "ours")), Err(Refusal::NotYourMessage));
    assert_eq!(world.ask(admin, Request::Delete { place: Place::lobby(), room: None, seq }), Err(Refusal::NotYourMessage));
    assert_eq!(world.ask(alice, edit(Place::lobby(), Seq(9), "x")), Err(Refusal::UnknownMessage));
    create(&mut world, alice, "attic", false);
    let attic = Place::Room(room("attic"));
    let seq = say(&mut world, alice, attic.clone(), "mine");
    world.ask(alice, Request::LeaveRoom { room: room("attic"), confirmed: false }).unwrap();
    assert_eq!(world.ask(alice, edit(attic, seq, "x")), Err(Refusal::NotInRoom));
}

#[test]
fn originals_are_for_administrators_and_each_look_is_noted() {
    let (mut world, admin) = World::with_admin();
    let (alice, _bob) = (world.register("alice"), world.register("bob"));
    let seq = say(&mut world, alice, Place::Direct(name("bob")), "rude");
    world.ask(alice, Request::Delete { place: Place::Direct(name("bob")), room: None, seq }).unwrap();
    let look = Request::Originals { of: Parties::Direct(name("bob"), name("alice")), seq, after: 0 };
    assert_eq!(world.ask(alice, look.clone()), Err(Refusal::AdminOnly));
    match world.ask(admin, look) {
        Ok(Answer::Originals(Page { entries: originals, more: false })) => {
            assert_eq!(originals.iter().map(|o| (o.from.as_str(), o.text.as_str())).collect::<Vec<_>>(), [("alice", "rude")]);
        }
        other => panic!("{other:?}"),
    }
    let unknown = Request::Originals { of: Parties::Room(room("lobby")), seq: Seq(9), after: 0 };
    assert_eq!(world.ask(admin, unknown), Err(Refusal::UnknownMessage));
    let Ok(Answer::Audit(Page { entries, .. })) = world.ask(admin, Request::ReadAudit { before: None }) else { panic!() };
    let acts: Vec<_> = entries.iter().map(|entry| format!("{} {} {}", entry.act, entry.object, entry.detail)).collect();
    assert_eq!(acts, ["message.originals @bob @alice message 1"]);
}

#[test]
fn reading_on_one_device_is_told_to_the_others() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    for _ in 0..3 {
        say(&mut world, alice, Place::lobby(), "news");
    }
    let laptop = world.sign_in("bob");
    let unread = |events: Vec<Event>| match &events[..] {
        [Event::Conversations(page), ..] => page.entries[0].unread,
        other => panic!("{other:?}"),
    };
    assert_eq!(unread(world.events(laptop)), 3);
    world.heard(bob);
    let read = Request::MarkRead { place: Place::lobby(), room: None, upto: Seq(2) };
    assert_eq!(world.ask(laptop, read.clone()), Ok(Answer::Done));
    assert_eq!(world.ask(laptop, read), Ok(Answer::Done));
    for peer in [bob, laptop] {
        assert!(matches!(&world.events(peer)[..], [Event::Read { read: Seq(2), unread: 1, .. }]), "once");
    }
    assert!(!world.events(alice).iter().any(|event| matches!(event, Event::Read { .. })), "it is nobody else's business");
    let phone = world.sign_in("bob");
    assert_eq!(unread(world.events(phone)), 1);
}

#[test]
fn a_search_finds_what_one_may_read_and_is_bounded_in_rate() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    create(&mut world, alice, "board", true);
    say(&mut world, alice, Place::Room(room("board")), "the ladder is sold");
    say(&mut world, alice, Place::lobby(), "where is the ladder?");
    assert_eq!(search(&mut world, alice, "LADDER").unwrap().hits.len(), 2);
    let found = search(&mut world, bob, "ladder").unwrap();
    assert_eq!(found.hits.iter().map(|hit| hit.place.to_string()).collect::<Vec<_>>(), ["lobby"]);
    let inside =
        Request::Search { text: SearchText::new("ladder").unwrap(), place: Some(Place::Room(room("board"))), before: None, limit: 10 };
    assert_eq!(world.ask(bob, inside), Err(Refusal::InvitationNeeded));
    let refused = (0..SEARCHES_BURST).filter(|_| search(&mut world, bob, "x") == Err(Refusal::TooManyRequests)).count();
    assert_eq!(refused, 2);
}

#[test]
fn typing_is_told_to_the_others_from_their_point_of_view_and_is_bounded() {
    let mut world = World::new();
    let (alice, bob, eve) = (world.register("alice"), world.register("bob"), world.register("eve"));
    create(&mut world, alice, "attic", false);
    join(&mut world, bob, "attic").unwrap();
    let desk = world.sign_in("alice");
    let _ = [alice, desk, bob, eve].map(|peer| world.heard(peer));
    let attic = Place::Room(room("attic"));
    assert_eq!(world.ask(alice, Request::Typing { place: attic.clone() }), Ok(Answer::Done));
    assert_eq!(world.ask(alice, Request::Typing { place: Place::Direct(name("bob")) }), Ok(Answer::Done));
    let typing = |place| Event::Typing { place, account: name("alice") };
    assert_eq!(world.events(bob), [typing(attic.clone()), typing(Place::Direct(name("alice")))]);
    assert_eq!((world.events(alice), world.events(desk), world.events(eve)), (vec![], vec![], vec![]));
    assert_eq!(world.ask(eve, Request::Typing { place: attic }), Err(Refusal::NotInRoom));
    let again = Request::Typing { place: Place::lobby() };
    let refused = (0..TYPING_BURST).filter(|_| world.ask(alice, again.clone()) == Err(Refusal::TooManyRequests)).count();
    assert_eq!(refused, 2);
    for _ in 0..TYPING_AUDIENCE_MAX {
        world.sign_in("bob");
    }
    let _ = world.heard(bob);
    assert_eq!(world.ask(eve, Request::Typing { place: Place::lobby() }), Ok(Answer::Done));
    assert_eq!(world.events(bob), [], "too many would have to hear it");
}

#[test]
fn somebody_is_away_when_nobody_is_at_any_of_their_computers() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    world.ask(alice, Request::Watch { whom: vec![Presentity::Everyone], since: 0 }).unwrap();
    world.pass(Duration::from_secs(1));
    world.heard(alice);
    let presences = |events: Vec<Event>| {
        let presence = |event| if let Event::Presence { changes, .. } = event { Some(changes) } else { None };
        events.into_iter().filter_map(presence).flatten().map(|change| (change.account.to_string(), change.presence)).collect::<Vec<_>>()
    };
    assert_eq!(world.ask(bob, Request::Away { away: true }), Ok(Answer::Done));
    world.pass(Duration::from_secs(1));
    assert_eq!(presences(world.events(alice)), [("bob".to_owned(), Presence::Away)]);
    let laptop = world.sign_in("bob");
    world.pass(Duration::from_secs(1));
    assert_eq!(presences(world.events(alice)), [("bob".to_owned(), Presence::Online)]);
    world.ask(bob, Request::Away { away: false }).unwrap();
    world.gone(laptop);
    world.pass(Duration::from_secs(1));
    assert_eq!(presences(world.events(alice)), []);
}

#[test]
fn writing_to_somebody_who_is_not_here_is_no_fault_and_to_nobody_it_is() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    world.gone(bob);
    // Another start: bob is not among those who left lately either.
    world.restart();
    let (alice, _) = (world.sign_in("alice"), alice);
    world.slow_store = Some(Default::default());
    let typing = |typed| Request::Typing { place: Place::Direct(name(typed)) };
    let asked = ["bob", "nobody", "NOBODY", "Bob"].map(|typed| world.send(alice, typing(typed)));
    assert!(asked.iter().all(|&id| world.answer(alice, id).is_none()), "the store knows whether there is anybody of that name");
    while world.store_one() {}
    let unknown = Some(Err(Refusal::UnknownAccount));
    assert_eq!(asked.map(|id| world.answer(alice, id)), [Some(Ok(Answer::Done)), unknown.clone(), unknown, Some(Ok(Answer::Done))]);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.ask(alice, typing("ALICE")), Err(Refusal::DirectToSelf));
}

#[test]
fn whoever_comes_while_it_is_found_out_who_they_are_hears_that_somebody_writes_to_them() {
    let mut world = World::new();
    world.register("alice");
    world.register("bob");
    world.restart();
    let alice = world.sign_in("alice");
    world.slow_store = Some(Default::default());
    let bob = world.connect();
    world.send(bob, Request::SignIn { account: name("bob"), password: super::world::password("bob"), remember: false });
    assert!(world.store_one(), "who he is");
    world.send(alice, Request::Typing { place: Place::Direct(name("bob")) });
    while world.store_one() {}
    let heard = Event::Typing { place: Place::Direct(name("alice")), account: name("alice") };
    assert!(world.events(bob).contains(&heard));
}
