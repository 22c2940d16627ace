//! Who is here.

use std::time::Duration;

use belfry_core::chat::{
    Answer, Event, FromServer, Page, Place, PostId, Presence, PresenceChange, Presentity, Refusal, Request, RoomName, Text,
};
use belfry_core::endpoint::PeerId;
use belfry_core::limits::WATCHED_MAX;

use super::world::{World, name};
use crate::limits::PRESENCES_PER_EVENT;

const LONG: Duration = Duration::from_secs(1);

/// The changes in each of the presence events that a client has heard.
fn presences(world: &mut World, peer: PeerId) -> Vec<Vec<(String, Presence)>> {
    let flat = |change: PresenceChange| (change.account.to_string(), change.presence);
    let changes = |event| match event {
        Event::Presence { changes, .. } => Some(changes.into_iter().map(flat).collect()),
        _ => None,
    };
    world.events(peer).into_iter().filter_map(changes).collect()
}

/// A client shows these, and knows of everyone up to this version: from which version on it is told, and who of those it has named is here.
fn watch(world: &mut World, peer: PeerId, whom: &[Presentity], since: u64) -> (u64, Vec<(String, Presence)>) {
    match world.ask(peer, Request::Watch { whom: whom.to_vec(), since }) {
        Ok(Answer::Watching { since, here, .. }) => {
            (since, here.into_iter().map(|change| (change.account.to_string(), change.presence)).collect())
        }
        other => panic!("{other:?}"),
    }
}

const EVERYONE: &[Presentity] = &[Presentity::Everyone];

#[test]
fn nobody_is_told_who_comes_and_goes_but_who_looks_and_only_while_they_do() {
    let mut world = World::new();
    let (alice, carol, bob) = (world.register("alice"), world.register("carol"), world.register("bob"));
    world.gone(bob);
    for (looks, told) in [(None, 0), (Some(EVERYONE), 2), (Some(&[][..]), 0)] {
        looks.into_iter().for_each(|whom| drop(watch(&mut world, alice, whom, 0)));
        let bob = world.sign_in("bob");
        world.pass(LONG);
        world.gone(bob);
        world.pass(LONG);
        assert_eq!(presences(&mut world, alice).len(), told, "{looks:?}");
        assert_eq!(presences(&mut world, carol).len(), 0);
    }
}

#[test]
fn whoever_looks_at_somebody_is_told_of_them_and_of_nobody_else() {
    let mut world = World::new();
    let (alice, _) = (world.register("alice"), world.register("carol"));
    let account = |typed| Presentity::Account(name(typed));
    let (_, here) = watch(&mut world, alice, &[account("CAROL"), account("bob"), account("nobody")], 0);
    assert_eq!(here, [("carol".into(), Presence::Online)]);
    world.pass(LONG);
    let (bob, dora) = (world.register("bob"), world.register("dora"));
    world.pass(LONG);
    assert_eq!(presences(&mut world, alice), [[("bob".into(), Presence::Online)]]);
    world.gone(dora);
    world.gone(bob);
    world.pass(LONG);
    assert_eq!(presences(&mut world, alice), [[("bob".into(), Presence::Offline)]]);
}

#[test]
fn whoever_looks_at_a_room_is_told_of_those_who_are_in_it_as_long_as_they_are_themselves() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob, carol) = (world.register("alice"), world.register("bob"), world.register("carol"));
    let attic = || RoomName::new("attic").unwrap();
    world.ask(alice, Request::CreateRoom { room: attic(), private: false }).unwrap();
    world.ask(bob, Request::JoinRoom { room: attic() }).unwrap();
    watch(&mut world, alice, &[Presentity::Room(attic())], 0);
    let away = |world: &mut World, peer, away| {
        world.ask(peer, Request::Away { away }).unwrap();
        world.pass(LONG);
    };
    away(&mut world, bob, true);
    away(&mut world, carol, true);
    assert_eq!(presences(&mut world, alice), [[("bob".into(), Presence::Away)]]);
    world.ask(admin, Request::RemoveFromRoom { room: attic(), account: name("alice"), confirmed: true }).unwrap();
    away(&mut world, bob, false);
    assert_eq!(presences(&mut world, alice).len(), 0);
    // Everybody is in the lobby.
    watch(&mut world, alice, &[Presentity::Room(RoomName::lobby())], 0);
    away(&mut world, carol, false);
    assert_eq!(presences(&mut world, alice), [[("carol".into(), Presence::Online)]]);
}

#[test]
fn whoever_looks_again_is_told_what_has_changed_unless_that_is_very_much() {
    let mut world = World::new();
    let alice = world.register("alice");
    let (first, _) = watch(&mut world, alice, EVERYONE, 0);
    watch(&mut world, alice, &[], first);
    for n in 0..PRESENCES_PER_EVENT {
        world.register(&format!("person {n}"));
    }
    world.pass(LONG);
    world.heard(alice);
    assert_eq!(watch(&mut world, alice, EVERYONE, first).0, first);
    world.pass(LONG);
    assert_eq!(presences(&mut world, alice).concat().len(), PRESENCES_PER_EVENT);
    watch(&mut world, alice, &[], first);
    world.register("one more");
    let (now, _) = watch(&mut world, alice, EVERYONE, first);
    assert!(now > first, "the list is read anew");
    world.pass(LONG);
    assert!(presences(&mut world, alice).is_empty());
    assert_eq!(watch(&mut world, alice, EVERYONE, now + 1).0, now, "what has not been is not known");
}

#[test]
fn whoever_looks_at_too_many_is_told_so() {
    let mut world = World::new();
    let alice = world.register("alice");
    let many = |count| (0..count).map(|n| Presentity::Account(name(&format!("person {n}")))).collect::<Vec<_>>();
    assert_eq!(watch(&mut world, alice, &many(WATCHED_MAX), 0).1, []);
    assert_eq!(world.ask(alice, Request::Watch { whom: many(WATCHED_MAX + 1), since: 0 }), Err(Refusal::TooMany));
}

#[test]
fn somebody_who_comes_or_goes_is_told_at_once() {
    let mut world = World::new();
    let alice = world.register("alice");
    watch(&mut world, alice, EVERYONE, 0);
    world.pass(LONG);
    world.heard(alice);
    let bob = world.register("bob");
    assert_eq!(presences(&mut world, alice), [[("bob".into(), Presence::Online)]]);
    world.pass(LONG);
    world.gone(bob);
    assert_eq!(presences(&mut world, alice), [[("bob".into(), Presence::Offline)]]);
}

#[test]
fn presence_changes_of_a_burst_are_collected() {
    let mut world = World::new();
    let alice = world.register("alice");
    watch(&mut world, alice, EVERYONE, 0);
    world.pass(LONG);
    world.heard(alice);
    for n in 0..1000 {
        world.register(&format!("person {n}"));
    }
    let seconds = 1000 / PRESENCES_PER_EVENT + 1;
    for _ in 0..seconds {
        world.pass(LONG);
    }
    let told = presences(&mut world, alice);
    assert_eq!(told.concat().len(), 1000);
    assert!(told.len() <= 1 + seconds, "{} events", told.len());
}

#[test]
fn somebody_with_two_sessions_is_here_until_both_end() {
    let mut world = World::new();
    let (watcher, one) = (world.register("watcher"), world.register("alice"));
    watch(&mut world, watcher, EVERYONE, 0);
    let other = world.sign_in("alice");
    world.pass(LONG);
    world.heard(watcher);
    world.gone(one);
    world.pass(LONG);
    assert!(presences(&mut world, watcher).is_empty());
    world.gone(other);
    assert_eq!(presences(&mut world, watcher), [[("alice".into(), Presence::Offline)]]);
}

#[test]
fn both_sessions_of_one_person_hear_everything() {
    let mut world = World::new();
    let (bob, one) = (world.register("bob"), world.register("alice"));
    let other = world.sign_in("alice");
    let post = world.post(belfry_core::chat::Place::Direct(name("alice")), "hello");
    world.ask(bob, post).unwrap();
    for peer in [one, other] {
        assert!(world.events(peer).iter().any(|event| matches!(event, Event::Message(_))));
    }
}

#[test]
fn the_list_of_people_says_who_is_here_and_since_when_the_others_are_not() {
    let mut world = World::new();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    world.pass(Duration::from_secs(90));
    let left_at = world.now.wall;
    world.gone(bob);
    world.pass(LONG);
    match world.ask(alice, Request::Who { after: None }) {
        Ok(Answer::People(Page { entries: people, more: false })) => {
            assert_eq!(
                people.iter().map(|p| (p.account.as_str(), p.presence)).collect::<Vec<_>>(),
                [("alice", Presence::Online), ("bob", Presence::Offline)]
            );
            assert_eq!(people[1].last_seen, Some(left_at));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_of_people_too_long_for_one_page_is_complete_over_several() {
    let mut world = World::new();
    let alice = world.register("alice");
    for n in 0..600 {
        let peer = world.register(&format!("{n:03} {}", "王".repeat(28)));
        world.gone(peer);
    }
    let (mut names, mut pages) = (Vec::new(), 0);
    loop {
        match world.ask(alice, Request::Who { after: names.last().cloned() }) {
            Ok(Answer::People(Page { entries: people, more })) => {
                names.extend(people.into_iter().map(|person| person.account));
                pages += 1;
                if !more {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(names.len(), 601);
    assert!(pages > 1);
    assert!(names.is_sorted_by(|a, b| a.key() < b.key()));
}

#[test]
fn a_client_that_asks_to_be_told_again_is_told_what_signing_in_told() {
    let mut world = World::new();
    let alice = world.connect();
    world.send(alice, Request::Register { account: name("alice"), password: super::world::password("x"), remember: false });
    let events = |world: &mut World| -> Vec<Event> {
        let heard = world.heard(alice).into_iter();
        let state = |message| match message {
            FromServer::Event(event @ Event::Conversations(_)) => Some(event),
            _ => None,
        };
        heard.filter_map(|heard| state(heard.message)).collect()
    };
    let first = events(&mut world);
    assert_eq!(first.len(), 1);
    assert_eq!(world.ask(alice, Request::Sync), Ok(Answer::Done));
    assert_eq!(events(&mut world), first);
}

#[test]
fn who_was_here_when_the_server_stopped_was_last_seen_then() {
    let mut world = World::new();
    world.register("bob");
    world.pass(Duration::from_secs(3600));
    let stopped_at = world.now.wall;
    world.restart();
    world.pass(LONG);
    let alice = world.register("alice");
    match world.ask(alice, Request::Who { after: None }) {
        Ok(Answer::People(Page { entries: people, .. })) => assert_eq!(people[1].last_seen, Some(stopped_at)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_list_that_is_read_before_the_store_has_noted_who_left_shows_it_all_the_same() {
    let (mut world, admin) = World::with_admin();
    let bob = world.register("bob");
    world.pass(Duration::from_secs(90));
    world.slow_store = Some(Default::default());
    let left_at = world.now.wall;
    world.gone(bob);
    let asked = [Request::Who { after: None }, Request::ListUsers { after: None }].map(|list| {
        let asked = world.send(admin, list);
        // On the thread that reads lists it is done first.
        world.slow_store.as_mut().unwrap().rotate_right(1);
        assert!(world.waiting_work().unwrap().starts_with("List"));
        world.store_one();
        world.answer(admin, asked)
    });
    match asked {
        [Some(Ok(Answer::People(people))), Some(Ok(Answer::Users(users)))] => {
            assert_eq!((people.entries[1].presence, people.entries[1].last_seen), (Presence::Offline, Some(left_at)));
            assert_eq!(users.entries[1].last_seen, Some(left_at));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_comes_is_acknowledged_at_leisure_by_all_who_look_and_what_is_said_at_once() {
    let mut world = World::new();
    let (alice, carol) = (world.register("alice"), world.register("carol"));
    watch(&mut world, alice, EVERYONE, 0);
    watch(&mut world, carol, &[Presentity::Account(name("bob"))], 0);
    world.hear_all();
    let bob = world.register("bob");
    let post = PostId { outbox: 1, counter: 1 };
    world
        .ask(bob, Request::Post { post, to: Place::lobby(), room: None, text: Text::new("good morning").unwrap(), reply_to: None })
        .unwrap();
    world.pass(LONG);
    for peer in [alice, carol] {
        let heard = world.heard(peer).into_iter().map(|heard| match heard.message {
            FromServer::Event(Event::Presence { .. }) => (true, heard.is_unhurried),
            _ => (false, heard.is_unhurried),
        });
        let heard: Vec<_> = heard.collect();
        assert!(heard.contains(&(true, true)) && heard.contains(&(false, false)), "{heard:?}");
        assert!(heard.iter().all(|(is_presence, is_unhurried)| is_presence == is_unhurried), "{heard:?}");
    }
}
