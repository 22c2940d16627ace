//! What one person may use up of what everybody shares.

use std::time::Duration;

use belfry_core::chat::{Place, Refusal, Request, RoomName, Text};
use belfry_core::source::Links;

use super::world::{World, name, password};
use crate::hub::{Rates, Registration, Rules};
use crate::limits::{DISK_RESERVE_BYTES, MESSAGE_BESIDE_BYTES, REGISTRATIONS_IN_ALL, ROOMS_MAX, ROOMS_PER_HOUR, SESSIONS_PER_ACCOUNT_MAX};

const HOUR: Duration = Duration::from_secs(3600);

fn room(number: usize) -> Request {
    Request::CreateRoom { room: RoomName::new(&format!("room {number}")).unwrap(), private: false }
}

fn rule(world: &mut World, rates: Rates) {
    world.sessions.set_rules(world.now, Rules { rates, ..Rules::with_registration(Registration::Open) });
    world.settle();
}

#[test]
fn a_member_makes_so_many_rooms_in_an_hour_and_so_many_at_all() {
    let (mut world, admin) = World::with_admin();
    rule(&mut world, Rates { rooms_per_person: ROOMS_PER_HOUR + 3, ..Rates::default() });
    let alice = world.register("alice");
    for number in 0..ROOMS_PER_HOUR as usize {
        world.ask(alice, room(number)).unwrap();
    }
    assert_eq!(world.ask(alice, room(900)), Err(Refusal::TooManyRooms));
    assert!(world.ask(admin, room(901)).is_ok(), "an administrator may");
    world.pass(HOUR);
    for number in 100..103 {
        world.ask(alice, room(number)).unwrap();
    }
    assert_eq!(world.ask(alice, room(103)), Err(Refusal::TooManyRooms), "no more at all");
    world.ask(alice, Request::DeleteRoom { room: RoomName::new("room 1").unwrap(), confirmed: true }).unwrap();
    assert!(world.ask(alice, room(103)).is_ok(), "one that is closed makes room");
}

#[test]
fn there_are_never_more_rooms_than_there_may_be_however_many_are_asked_for_at_once() {
    let (mut world, _) = World::with_admin();
    rule(&mut world, Rates { rooms_per_person: u64::MAX, rooms_per_hour: u64::MAX, acts_per_second: 1_000_000, ..Rates::default() });
    let alice = world.register("alice");
    for number in 1..ROOMS_MAX - 10 {
        world.pass(Duration::from_millis(1));
        world.ask(alice, room(number)).unwrap();
    }
    world.slow_store = Some(Default::default());
    let asked: Vec<_> = (0..50).map(|number| world.send(alice, room(20_000 + number))).collect();
    while world.store_one() {}
    let answers: Vec<_> = asked.iter().map(|&id| world.answer(alice, id).unwrap()).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 10, "with the lobby all that there may be");
    assert_eq!(answers.iter().filter(|answer| **answer == Err(Refusal::NoMoreRooms)).count(), 40);
}

#[test]
fn people_at_one_address_make_so_many_accounts_in_an_hour_and_all_together_some_times_as_many() {
    let mut world = World::new();
    rule(&mut world, Rates { registrations_per_hour: 5, ..Rates::default() });
    let register = |world: &mut World, host: u8, number: u8| {
        let peer = world.connect_from([192, 0, 2, host].into());
        let request =
            Request::Register { account: name(&format!("host {host} number {number}")), password: password("x"), remember: false };
        world.ask(peer, request).map(drop)
    };
    for host in 0..REGISTRATIONS_IN_ALL as u8 {
        for number in 0..5 {
            assert_eq!(register(&mut world, host, number), Ok(()), "{host}, {number}");
        }
        assert_eq!(register(&mut world, host, 5), Err(Refusal::TooManyRegistrations));
    }
    assert_eq!(register(&mut world, 99, 0), Err(Refusal::TooManyRegistrations), "in all");
    world.pass(HOUR);
    assert_eq!(register(&mut world, 99, 0), Ok(()));
}

#[test]
fn four_hundred_people_register_on_one_morning_behind_one_address() {
    let mut world = World::new();
    for number in 0..400 {
        world.register(&format!("person {number}"));
    }
}

#[test]
fn a_member_writes_so_much_in_a_day_and_others_go_on() {
    let (mut world, admin) = World::with_admin();
    let text = "x".repeat(1000);
    rule(&mut world, Rates { bytes_a_day: 3 * (1000 + MESSAGE_BESIDE_BYTES), ..Rates::default() });
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    let say = |world: &mut World, peer| {
        let post = world.post(Place::lobby(), &text);
        world.ask(peer, post).map(drop)
    };
    assert_eq!([say(&mut world, alice), say(&mut world, alice)], [Ok(()), Ok(())]);
    let edit =
        Request::Edit { place: Place::lobby(), room: None, seq: belfry_core::chat::Seq(1), text: Text::new("y".repeat(1000)).unwrap() };
    assert!(world.ask(alice, edit.clone()).is_ok(), "to write anew is to write");
    assert_eq!((say(&mut world, alice), world.ask(alice, edit)), (Err(Refusal::QuotaUsedUp), Err(Refusal::QuotaUsedUp)));
    assert_eq!(say(&mut world, bob), Ok(()));
    for _ in 0..5 {
        assert_eq!(say(&mut world, admin), Ok(()));
    }
    rule(&mut world, Rates { bytes_a_day: 1000, ..Rates::default() });
    assert!(world.ask(alice, room(1)).is_ok(), "a room is not written");
    world.pass(24 * HOUR);
    rule(&mut world, Rates { bytes_a_day: 1000 + MESSAGE_BESIDE_BYTES, ..Rates::default() });
    assert_eq!(say(&mut world, alice), Ok(()));
}

#[test]
fn the_last_of_the_disk_is_kept_for_notices_and_administrators() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.sessions.set_surroundings(Links::default(), Some(DISK_RESERVE_BYTES));
    let post = world.post(Place::lobby(), "still");
    assert!(world.ask(alice, post).is_ok());
    world.sessions.set_surroundings(Links::default(), Some(DISK_RESERVE_BYTES - 1));
    let post = world.post(Place::lobby(), "no longer");
    assert_eq!(world.ask(alice, post.clone()), Err(Refusal::DiskAlmostFull));
    assert_eq!(world.ask(alice, room(1)), Err(Refusal::DiskAlmostFull));
    let stranger = world.connect();
    let register = Request::Register { account: name("carol"), password: password("x"), remember: false };
    assert_eq!(world.ask(stranger, register), Err(Refusal::DiskAlmostFull));
    // What has to go on goes on.
    let notice = super::notices::draft(vec![belfry_core::chat::Audience::Everyone]);
    assert!(world.ask(admin, Request::SendNotice(notice)).is_ok());
    let word = world.post(Place::lobby(), "an administrator's word");
    assert!(world.ask(admin, word).is_ok());
    let again = world.sign_in("alice");
    assert!(world.ask(again, Request::Who { after: None }).is_ok());
    world.sessions.set_surroundings(Links::default(), None);
    assert!(world.ask(alice, post).is_ok(), "where nobody knows, nobody is refused");
}

#[test]
fn an_account_has_so_many_sessions_at_once() {
    let mut world = World::new();
    let first = world.register("alice");
    for _ in 1..SESSIONS_PER_ACCOUNT_MAX {
        world.sign_in("alice");
    }
    let one_more = world.connect();
    assert_eq!(world.try_sign_in(one_more, "alice", "alice"), Err(Refusal::TooManySessions));
    world.gone(first);
    assert!(world.try_sign_in(one_more, "alice", "alice").is_ok());
}

#[test]
fn rooms_that_are_just_being_made_count_as_those_that_one_has() {
    let (mut world, _) = World::with_admin();
    rule(&mut world, Rates { rooms_per_person: 3, ..Rates::default() });
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    world.ask(alice, room(1)).unwrap();
    world.slow_store = Some(Default::default());
    let asked = [(bob, 20), (alice, 2), (alice, 3), (alice, 4)].map(|(who, number)| (who, world.send(who, room(number))));
    while world.store_one() {}
    let answers = asked.map(|(who, id)| world.answer(who, id).unwrap().map(drop));
    assert_eq!(answers, [Ok(()), Ok(()), Ok(()), Err(Refusal::TooManyRooms)]);
}
