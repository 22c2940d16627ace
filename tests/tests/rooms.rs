//! Rooms and what becomes of messages, over a network that misbehaves by seed.

use std::time::Duration;

use belfry_core::chat::{Answer, Arrangement, ArrangementFlag, Message, Page, Place, Presence, Request, RoomName, Seq};
use belfry_core::client::{Command, Start, Ticket, Update};
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, name, text};

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(300);

fn attic() -> RoomName {
    RoomName::new("attic").unwrap()
}

/// A world in which these people have registered and caught up.
fn world(weather: Weather, seed: u64, accounts: &[&str]) -> World {
    let mut world = World::new(weather, seed);
    for account in accounts {
        world.join(account, true, Start::Now);
    }
    assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.caught_up() == 1)), "seed {seed}");
    world
}

fn ask(world: &mut World, person: usize, request: Request) -> Ticket {
    let ticket = world.ticket(person);
    world.command(person, Command::Ask { ticket, request });
    ticket
}

/// Asks, and waits until it is done.
fn done(world: &mut World, person: usize, request: Request) {
    let ticket = ask(world, person, request.clone());
    let answered = world.run_until(PATIENCE, |world| world.people[person].answer(ticket).is_some());
    assert!(answered, "{request:?}: {:?}", world.people[person].updates.last());
    assert_eq!(world.people[person].answer(ticket), Some(&Answer::Done));
}

fn post(world: &mut World, person: usize, to: Place, words: &str) {
    let ticket = world.ticket(person);
    world.command(person, Command::Post { ticket, to, text: text(words), reply_to: None });
    assert!(world.run_until(PATIENCE, |world| world.people[person].posted().contains_key(&ticket)));
}

/// What a window that has drawn every update shows of a place now: the newest state of each message, in order.
fn shown(world: &World, person: usize, place: &Place) -> Vec<(u64, String)> {
    let mut lines = std::collections::BTreeMap::new();
    for update in &world.people[person].updates {
        match update {
            Update::Message { place: at, message } | Update::Altered { place: at, message } if at == place => {
                lines.insert(message.seq.0, message.text.to_string());
            }
            Update::Left { place: at } if at == place => lines.clear(),
            _ => {}
        }
    }
    lines.into_iter().collect()
}

fn heard(world: &World, person: usize, place: &Place) -> Vec<String> {
    let text = |update: &Update| match update {
        Update::Message { place: at, message: Message { text, .. } } if at == place => Some(text.to_string()),
        _ => None,
    };
    world.people[person].updates.iter().filter_map(text).collect()
}

#[test]
fn a_room_that_is_joined_is_heard_from_there_on_and_one_that_is_left_is_not() {
    for seed in 0..5 {
        let mut world = world(Weather::storm(), seed, &["alice", "bob"]);
        let place = Place::Room(attic());
        done(&mut world, 0, Request::CreateRoom { room: attic(), private: false });
        post(&mut world, 0, place.clone(), "before");
        done(&mut world, 1, Request::JoinRoom { room: attic() });
        post(&mut world, 0, place.clone(), "inside");
        assert!(world.run_until(PATIENCE, |world| heard(world, 1, &place) == ["inside"]), "seed {seed}");
        done(&mut world, 1, Request::LeaveRoom { room: attic(), confirmed: false });
        let left = |world: &World| world.people[1].updates.iter().any(|update| matches!(update, Update::Left { .. }));
        assert!(world.run_until(PATIENCE, left), "seed {seed}");
        post(&mut world, 0, place.clone(), "after");
        world.run_for(5 * SECOND);
        assert_eq!(heard(&world, 1, &place), ["inside"], "seed {seed}");
    }
}

/// What is written while one is cut off, at which point the private room that it is meant for is given another name and, where `taken`, its old
/// one to a room that everybody may join, the writer's other program too.
fn written_while_cut_off(seed: u64, cut_off: Duration, taken: bool) {
    let mut world = world(Weather::office(), seed, &["alice", "bob", "carol"]);
    let other = world.join("bob", false, Start::Now);
    let fen = || RoomName::new("fen").unwrap();
    let (old, new) = (Place::Room(fen()), Place::Room(RoomName::new("fen-old").unwrap()));
    done(&mut world, 0, Request::CreateRoom { room: fen(), private: true });
    done(&mut world, 0, Request::Invite { room: fen(), account: name("bob") });
    done(&mut world, 1, Request::JoinRoom { room: fen() });
    post(&mut world, 1, old.clone(), "mine");
    world.set_weather_of(1, Weather { loss: 1.0, ..Weather::office() });
    done(&mut world, 0, Request::RenameRoom { room: fen(), name: RoomName::new("fen-old").unwrap() });
    if taken {
        done(&mut world, 0, Request::CreateRoom { room: fen(), private: false });
        done(&mut world, 2, Request::JoinRoom { room: fen() });
        done(&mut world, other, Request::JoinRoom { room: fen() });
        post(&mut world, 2, old.clone(), "hello");
    }
    world.run_for(cut_off);
    let tickets = ["one", "two"].map(|words| {
        let ticket = world.ticket(1);
        world.command(1, Command::Post { ticket, to: old.clone(), text: text(words), reply_to: None });
        ticket
    });
    let edit = ask(&mut world, 1, Request::Edit { place: old.clone(), room: None, seq: Seq(1), text: text("mine, anew") });
    ask(&mut world, 1, Request::MarkRead { place: old.clone(), room: None, upto: Seq(1) });
    world.run_for(SECOND);
    world.set_weather_of(1, Weather::office());
    let is_posted = |world: &World| tickets.iter().all(|ticket| world.people[1].posted().contains_key(ticket));
    assert!(world.run_until(PATIENCE, is_posted), "seed {seed}: {:?}", world.people[1].updates.last());
    assert!(world.run_until(PATIENCE, |world| world.people[1].answer(edit).is_some()), "seed {seed}");
    let there = [(1, "mine, anew".to_owned()), (2, "one".to_owned()), (3, "two".to_owned())];
    assert!(world.run_until(PATIENCE, |world| shown(world, other, &new) == there), "seed {seed}: {:?}", shown(&world, other, &new));
    let others = if taken { &["hello"][..] } else { &[] };
    assert_eq!(heard(&world, 2, &old), others, "seed {seed}: what was meant for few is heard by few");
}

#[test]
fn what_is_written_without_a_connection_goes_where_it_was_meant_whatever_that_is_called_by_then() {
    for seed in 0..3 {
        // A connection that comes back, and one that was given up.
        for cut_off in [SECOND, 120 * SECOND] {
            written_while_cut_off(seed, cut_off, false);
            written_while_cut_off(seed, cut_off, true);
        }
    }
}

#[test]
fn what_happens_to_rooms_while_a_laptop_sleeps_it_learns_when_it_wakes() {
    for seed in 0..5 {
        let mut world = world(Weather::office(), seed, &["alice", "bob"]);
        let laptop = world.join("bob", false, Start::Now);
        assert!(world.run_until(PATIENCE, |world| world.people[laptop].caught_up() == 1));
        let (old, new) = (Place::Room(RoomName::new("old").unwrap()), Place::Room(attic()));
        done(&mut world, 1, Request::CreateRoom { room: RoomName::new("old").unwrap(), private: false });
        let knows = |world: &World, place: &Place| {
            world.people[laptop].updates.iter().any(|update| matches!(update, Update::Conversation(info) if info.place == *place))
        };
        assert!(world.run_until(PATIENCE, |world| knows(world, &old)), "seed {seed}");
        world.suspend(laptop);
        done(&mut world, 0, Request::CreateRoom { room: attic(), private: false });
        post(&mut world, 0, new.clone(), "before");
        done(&mut world, 1, Request::JoinRoom { room: attic() });
        done(&mut world, 1, Request::LeaveRoom { room: RoomName::new("old").unwrap(), confirmed: false });
        post(&mut world, 0, new.clone(), "missed");
        world.run_for(300 * SECOND);
        world.resume(laptop, false, true);
        let left = |world: &World| world.people[laptop].updates.contains(&Update::Left { place: old.clone() });
        assert!(world.run_until(PATIENCE, |world| left(world) && heard(world, laptop, &new) == ["missed"]), "seed {seed}");
    }
}

#[test]
fn an_edit_reaches_everybody_also_who_was_away_and_over_a_crash_of_the_server() {
    for seed in 0..8 {
        let mut world = world(Weather::storm(), seed, &["alice", "bob", "carol"]);
        let lobby = Place::lobby();
        for n in 1..=20 {
            post(&mut world, 0, lobby.clone(), &format!("line {n}"));
        }
        assert!(world.run_until(PATIENCE, |world| (1..3).all(|who| heard(world, who, &lobby).len() == 20)), "seed {seed}");
        // Bob's computer sleeps while an old message, and one that he has not heard, are altered; in between the server dies.
        world.suspend(1);
        post(&mut world, 0, lobby.clone(), "line 21");
        let edit = |seq, words: &str| Request::Edit { place: Place::lobby(), room: None, seq: Seq(seq), text: text(words) };
        done(&mut world, 0, edit(3, "three"));
        world.kill_server();
        world.run_for(SECOND);
        world.start_server();
        done(&mut world, 0, edit(21, "twenty-one"));
        done(&mut world, 0, Request::Delete { place: Place::lobby(), room: None, seq: Seq(5) });
        done(&mut world, 0, edit(3, "three again"));
        world.run_for(200 * SECOND);
        world.resume(1, false, true);
        let mut expected: Vec<_> = (1..=21).map(|n| (n, format!("line {n}"))).collect();
        expected[2].1 = "three again".into();
        expected[4].1 = "(deleted)".into();
        expected[20].1 = "twenty-one".into();
        let all = |world: &World| (0..3).all(|who| shown(world, who, &lobby) == expected);
        assert!(world.run_until(PATIENCE, all), "seed {seed}: {:?}", shown(&world, 1, &lobby));
        world.run_for(60 * SECOND);
        assert!(all(&world), "seed {seed}");
        for who in 0..3 {
            assert_eq!(heard(&world, who, &lobby).len(), 21, "seed {seed}: every message comes once");
        }
    }
}

#[test]
fn edits_and_messages_in_a_storm_leave_everybody_with_the_same_conversation() {
    for seed in 0..10 {
        let mut world = world(Weather::storm(), seed, &["alice", "bob", "carol"]);
        for n in 1..=40_u64 {
            world.say(0, format!("line {n}"));
            if n % 3 == 0 {
                let seq = Seq(1 + n * 7 % n);
                ask(&mut world, 0, Request::Edit { place: Place::lobby(), room: None, seq, text: text(format!("edit {n}")) });
            }
            if n == 20 {
                world.suspend(2);
            }
            world.run_for(Duration::from_millis(40));
        }
        world.resume(2, false, true);
        assert!(world.run_until(PATIENCE, |world| world.people[0].posted().len() == 40), "seed {seed}");
        world.run_for(200 * SECOND);
        // Somebody who reads it only now shows what is stored.
        let late = world.join("dora", true, Start::After(Default::default()));
        assert!(world.run_until(PATIENCE, |world| world.people[late].caught_up() == 1), "seed {seed}");
        let stored = shown(&world, late, &Place::lobby());
        assert_eq!(stored.len(), 40, "seed {seed}");
        for who in 0..3 {
            assert_eq!(shown(&world, who, &Place::lobby()), stored, "seed {seed}, person {who}");
        }
    }
}

#[test]
fn reading_on_one_device_clears_the_other_also_after_an_absence() {
    let mut world = world(Weather::office(), 1, &["alice", "bob"]);
    let laptop = world.join("bob", false, Start::Now);
    assert!(world.run_until(PATIENCE, |world| world.people[laptop].caught_up() == 1));
    world.suspend(laptop);
    for _ in 0..5 {
        post(&mut world, 0, Place::lobby(), "news");
    }
    done(&mut world, 1, Request::MarkRead { place: Place::lobby(), room: None, upto: Seq(4) });
    world.run_for(200 * SECOND);
    world.resume(laptop, false, true);
    let unread = |world: &World| {
        world.people[laptop].updates.iter().rev().find_map(|update| match update {
            Update::Conversation(info) if info.place == Place::lobby() => Some(info.unread),
            _ => None,
        })
    };
    assert!(world.run_until(PATIENCE, |world| unread(world) == Some(1)));
    done(&mut world, 1, Request::MarkRead { place: Place::lobby(), room: None, upto: Seq(5) });
    let cleared =
        |world: &World| world.people[laptop].updates.iter().any(|update| matches!(update, Update::Read { read: Seq(5), unread: 0, .. }));
    assert!(world.run_until(PATIENCE, cleared));
}

#[test]
fn typing_is_told_now_or_never_and_being_away_outlives_the_connection() {
    let mut world = world(Weather::clear(), 1, &["alice", "bob"]);
    let typed = |world: &World| world.people[1].updates.iter().filter(|update| matches!(update, Update::Typing { .. })).count();
    for _ in 0..20 {
        world.command(0, Command::Typing { to: Place::Direct(name("bob")) });
        world.run_for(SECOND / 2);
    }
    assert!((3..=4).contains(&typed(&world)), "{}", typed(&world));
    let before = typed(&world);
    world.kill_server();
    world.run_for(120 * SECOND);
    world.command(0, Command::Typing { to: Place::Direct(name("bob")) });
    world.command(0, Command::Away(true));
    world.start_server();
    assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.caught_up() == 2)));
    world.run_for(SECOND);
    let who = ask(&mut world, 1, Request::Who { after: None });
    assert!(world.run_until(PATIENCE, |world| world.people[1].answer(who).is_some()));
    let Some(Answer::People(Page { entries: people, .. })) = world.people[1].answer(who) else { panic!("no list") };
    let presences: Vec<_> = people.iter().map(|person| (person.account.as_str(), person.presence)).collect();
    assert_eq!(presences[1..], [("alice", Presence::Away), ("bob", Presence::Online)]);
    assert_eq!(typed(&world), before);
}

#[test]
fn a_conversation_is_arranged_on_all_devices_of_a_person_for_good_and_for_nobody_else() {
    for seed in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::in_folder(folder.path(), Weather::storm(), seed);
        for account in ["alice", "bob"] {
            world.join(account, true, Start::Now);
        }
        assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.caught_up() == 1)), "seed {seed}");
        let laptop = world.join("bob", false, Start::Now);
        assert!(world.run_until(PATIENCE, |world| world.people[laptop].caught_up() > 0), "seed {seed}");
        let arrange = |flag, on| Request::Arrange { place: Place::lobby(), room: None, flag, on };
        done(&mut world, 1, arrange(ArrangementFlag::Muted, true));
        done(&mut world, 1, arrange(ArrangementFlag::Pinned, true));
        done(&mut world, 1, arrange(ArrangementFlag::Muted, false));
        let pinned = Arrangement { pinned: true, ..Arrangement::default() };
        let last = |world: &World, person: usize| {
            world.people[person].updates.iter().rev().find_map(|update| match update {
                Update::Arranged { arrangement, .. } => Some(*arrangement),
                Update::Conversation(info) => Some(info.arrangement),
                _ => None,
            })
        };
        let both = |world: &World| [1, laptop].iter().all(|&person| last(world, person) == Some(pinned));
        assert!(world.run_until(PATIENCE, both), "seed {seed}: {:?}", last(&world, laptop));
        assert_eq!(last(&world, 0), Some(Arrangement::default()), "seed {seed}: nobody else hears of it");
        world.kill_server();
        world.start_server();
        world.people.iter_mut().for_each(|person| person.updates.clear());
        assert!(world.run_until(PATIENCE, both), "seed {seed}: after a restart");
    }
}
