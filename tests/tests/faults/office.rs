//! A whole office at one server: floors without power, restarts, a switch that reboots, new addresses for everybody, a terminal server.
//!
//! The design names ten thousand people; here it is as many as the time of an ordinary test allows, and `BELFRY_FAULTS_OFFICE` says others.

use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::client::{Start, Update};
use belfry_core::limits::HEARTBEAT_TIMEOUT;
use belfry_core::time::Instant;
use belfry_tests::weather::Weather;
use belfry_tests::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn people() -> usize {
    std::env::var("BELFRY_FAULTS_OFFICE").ok().and_then(|typed| typed.parse().ok()).unwrap_or(120)
}

fn wire() -> Weather {
    Weather { delay: Duration::from_micros(300), ..Weather::clear() }
}

fn in_a_row(world: &World, persons: impl IntoIterator<Item = usize>) -> bool {
    persons.into_iter().all(|person| world.people[person].is_caught_up())
}

/// Everybody is in and has been for a while, so that their keepalives are not in step.
fn office(count: usize, seed: u64) -> World {
    let mut world = World::new(wire(), seed);
    for person in 0..count {
        world.join(&format!("person {person}"), true, Start::Now);
        world.run_for(SECOND / 25);
    }
    assert!(world.run_until(60 * SECOND, |world| in_a_row(world, 0..count)), "not everybody gets in");
    world.run_for(60 * SECOND);
    world
}

/// Lets time pass until all of them are connected and have caught up again; looks ten times a second, as people do.
fn until_back(world: &mut World, within: Duration, persons: &[usize]) -> Option<Duration> {
    let start = world.now;
    while world.now.since(start) <= within {
        if in_a_row(world, persons.iter().copied()) {
            return Some(world.now.since(start));
        }
        world.run_for(SECOND / 10);
    }
    None
}

fn tell(what: &str, took: Option<Duration>, line: Duration) {
    println!("{what}: all back after {took:?}, line {line:?}");
    assert!(took.is_some_and(|took| took <= line), "{what}: {took:?}");
}

/// Who has been told that the connection was lost since then.
fn disconnects(world: &World, person: usize) -> usize {
    world.people[person].updates.iter().filter(|update| matches!(update, Update::Disconnected { .. })).count()
}

fn online(world: &World) -> u64 {
    world.server().map_or(0, |server| server.headcount().people_online)
}

#[test]
fn a_floor_without_power_is_nowhere_online_after_ninety_seconds() {
    let count = people();
    let mut world = office(count, 1);
    let floor = count * 3 / 10;
    for person in 0..floor {
        world.kill(person);
    }
    let lost = world.now;
    world.run_for(HEARTBEAT_TIMEOUT + SECOND);
    assert_eq!(online(&world), (count - floor) as u64, "{:?} after the power went", world.now.since(lost));
    assert!(in_a_row(&world, floor..count), "the other floors have noticed nothing");
    // The power is back, and everybody switches on at once.
    let back: Vec<usize> = (0..floor).map(|person| world.join(&format!("person {person}"), false, Start::Now)).collect();
    tell("power off of a floor", until_back(&mut world, 60 * SECOND, &back), 10 * SECOND);
}

#[test]
fn an_announced_restart_has_everybody_back_within_fifteen_seconds() {
    let count = people();
    let mut world = office(count, 2);
    world.stop_server();
    assert!(world.run_until(2 * SECOND, World::is_stopped));
    world.run_for(SECOND);
    world.start_server();
    tell("announced restart", until_back(&mut world, 60 * SECOND, &(0..count).collect::<Vec<_>>()), 15 * SECOND);
}

#[test]
fn a_crash_has_everybody_back_within_forty_five_seconds() {
    let count = people();
    let mut world = office(count, 3);
    world.kill_server();
    world.run_for(3 * SECOND);
    world.start_server();
    // Whoever says nothing does not know yet; until its next keepalive its own screen shows it as connected.
    let start = world.now;
    let mut took = None;
    while took.is_none() && world.now.since(start) < 120 * SECOND {
        world.run_for(SECOND / 10);
        if online(&world) == count as u64 && in_a_row(&world, 0..count) {
            took = Some(world.now.since(start));
        }
    }
    tell("crash", took, 45 * SECOND);
}

#[test]
fn a_switch_that_reboots_for_ninety_seconds() {
    let count = people();
    let mut world = office(count, 4);
    world.set_weather(Weather { loss: 1.0, ..wire() });
    world.run_for(90 * SECOND);
    world.set_weather(wire());
    // Cables have been without a signal, so each computer hears from its system that the network is back.
    for person in 0..count {
        world.command(person, belfry_core::client::Command::Wake);
    }
    let everybody: Vec<_> = (0..count).collect();
    tell("switch rebooted, and the systems say so", until_back(&mut world, 60 * SECOND, &everybody), 10 * SECOND);
    // A switch farther away: nobody's cable is without a signal, and nobody hears of it.
    world.run_for(60 * SECOND);
    world.set_weather(Weather { loss: 1.0, ..wire() });
    world.run_for(90 * SECOND);
    world.set_weather(wire());
    tell("switch rebooted, and nobody says so", until_back(&mut world, 120 * SECOND, &everybody), 15 * SECOND);
}

#[test]
fn new_addresses_for_everybody_cost_nobody_the_connection() {
    let count = people();
    let mut world = office(count, 5);
    let before: Vec<_> = (0..count).map(|person| disconnects(&world, person)).collect();
    for person in 0..count {
        let [high, low] = u16::try_from(person).expect("fewer than 65,536").to_be_bytes();
        world.relocate(person, SocketAddr::from(([10, 20, high, low], 45_000)));
        world.command(person, belfry_core::client::Command::Wake);
    }
    world.run_for(2 * SECOND);
    let moves = world.server().expect("it runs").transport().moves;
    println!("new addresses: {moves} of {count} moved within 2 s");
    assert_eq!(moves, count as u64);
    world.say(0, "is everybody here?");
    assert!(world.run_until(5 * SECOND, |world| world.people.iter().all(|person| person.texts().contains(&"is everybody here?"))));
    assert!((0..count).all(|person| disconnects(&world, person) == before[person]), "somebody was disconnected");
}

#[test]
fn half_of_the_office_asleep_hears_everything_when_it_wakes() {
    let count = people();
    let mut world = office(count, 6);
    for person in (0..count).step_by(2) {
        world.suspend(person);
    }
    world.say(1, "before the heartbeat");
    world.run_for(60 * SECOND);
    // Half of those who sleep wake up while the server still counts them as here, the others long after.
    let early: Vec<_> = (0..count).step_by(4).collect();
    let late: Vec<_> = (2..count).step_by(4).collect();
    early.iter().for_each(|&person| world.resume(person, person % 8 == 0, true));
    let start = world.now;
    let heard = |world: &World, who: &[usize], text: &str| who.iter().all(|&person| world.people[person].texts().contains(&text));
    assert!(world.run_until(20 * SECOND, |world| heard(world, &early, "before the heartbeat")), "after a short sleep");
    println!("asleep for a minute: everything heard {:?} after waking", world.now.since(start));
    world.run_for(600 * SECOND);
    assert_eq!(online(&world), (count - late.len()) as u64, "who sleeps for long is not online");
    world.say(1, "after the heartbeat");
    world.run_for(SECOND);
    let woke: Instant = world.now;
    late.iter().for_each(|&person| world.resume(person, person % 8 == 0, true));
    assert!(
        world.run_until(30 * SECOND, |world| heard(world, &late, "after the heartbeat") && heard(world, &late, "before the heartbeat"))
    );
    println!("asleep for eleven minutes: everything heard {:?} after waking", world.now.since(woke));
}

#[test]
fn a_terminal_server_with_four_hundred_sessions_on_one_address() {
    const SESSIONS: usize = 400;
    let mut world = World::new(wire(), 7);
    for person in 0..SESSIONS {
        world.join(&format!("person {person}"), true, Start::Now);
        world.relocate(person, SocketAddr::from(([192, 0, 2, 200], 10_000 + person as u16)));
    }
    let everybody: Vec<_> = (0..SESSIONS).collect();
    // A hundred at once and twenty a second: the limit of one address, which lets nobody wait for long.
    tell("terminal server, first", until_back(&mut world, 120 * SECOND, &everybody), 40 * SECOND);
    world.run_for(60 * SECOND);
    world.stop_server();
    assert!(world.run_until(2 * SECOND, World::is_stopped));
    world.start_server();
    tell("terminal server, restart", until_back(&mut world, 120 * SECOND, &everybody), 40 * SECOND);
    assert_eq!(online(&world), SESSIONS as u64);
    world.say(7, "all of us");
    assert!(world.run_until(5 * SECOND, |world| world.people.iter().all(|person| person.texts().contains(&"all of us"))));
}
