//! Who is here.

use std::time::Duration;

use belfry_core::chat::{Answer, Event, FromServer, Page, Presence, PresenceChange, Request};
use belfry_core::endpoint::PeerId;

use super::world::{World, name};

const LONG: Duration = Duration::from_secs(1);

/// The changes in each of the presence events that a client has heard.
fn presences(world: &mut World, peer: PeerId) -> Vec<Vec<(String, Presence)>> {
    let flat = |change: PresenceChange| (change.account.to_string(), change.presence);
    let changes = |event| match event {
        Event::Presence(changes) => Some(changes.into_iter().map(flat).collect()),
        _ => None,
    };
    world.events(peer).into_iter().filter_map(changes).collect()
}

#[test]
fn somebody_who_comes_or_goes_is_told_at_once() {
    let mut world = World::new();
    let alice = world.register("alice");
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
    world.pass(LONG);
    world.heard(alice);
    for n in 0..1000 {
        world.register(&format!("person {n}"));
    }
    world.pass(LONG);
    let told = presences(&mut world, alice);
    assert_eq!(told.iter().map(Vec::len).sum::<usize>(), 1000);
    assert!(told.len() <= 1 + 1000 / crate::limits::PRESENCES_PER_EVENT + 1, "{} events", told.len());
}

#[test]
fn somebody_with_two_sessions_is_here_until_both_end() {
    let mut world = World::new();
    let (watcher, one) = (world.register("watcher"), world.register("alice"));
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
