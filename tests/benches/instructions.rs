//! Fixed runs of the server without sockets, whose instructions `scripts/count-instructions` counts under callgrind.
//!
//! `instructions NAME` does one run and prints how many operations it had. Only what the server does in them is counted, its database
//! included: neither the clients nor how everybody came to be there.

use std::time::Duration;

use belfry_core::chat::{Audience, NoticeDraft, Progress, Receipt, Severity};
use belfry_core::client::{Command, Proof, Start, Update};
use belfry_core::connection::Body;
use belfry_core::wire::Channel;
use belfry_tests::crowd::Crowd;
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, password, text};

const PEOPLE: usize = 100;
const NOTICES: usize = 5;
const MESSAGES: usize = 5;
/// Messages where people talk, and between two of them.
const TALK: usize = 10;
const PAUSE: Duration = Duration::from_secs(1);
/// Long enough for each client to show some twenty times that it is there.
const IDLE: Duration = Duration::from_secs(600);
/// Long enough for everything to be acknowledged and for connections to rest.
const QUIET: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);

/// Does a run, and says how many operations it had.
type Run = fn() -> usize;

/// Every run by its name.
const RUNS: [(&str, Run); 7] = [
    ("notice", notice),
    ("shown", shown),
    ("acknowledgement", acknowledgement),
    ("chat", chat),
    ("talk", talk),
    ("ping", ping),
    ("login", login),
];

fn main() {
    let asked = std::env::args().nth(1).unwrap_or_default();
    match RUNS.iter().find(|(name, _)| *name == asked) {
        Some((_, run)) => println!("operations {}", run()),
        // `cargo test` and `cargo bench` call it without a name.
        None => println!("{}", RUNS.map(|(name, _)| name).join(" ")),
    }
}

/// Everybody is signed in on a device that is remembered, and rests.
fn house() -> World {
    let mut world = World::new(Weather::clear(), 11);
    let admin = world.join("admin", false, Start::Now);
    assert_eq!(admin, 0);
    for number in 0..PEOPLE {
        let account = format!("person {number}");
        let device = world.device();
        let proof = Proof::Password { password: password(&account), register: true, remember: true };
        world.join_with(&account, device, proof, Start::Now);
    }
    assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.is_caught_up())), "everybody signs in");
    world.run_for(QUIET);
    world
}

/// A notice to a hundred people and its ledger, for each of them.
fn notice() -> usize {
    send_notices(|_| {}, |progress| progress.reached)
}

/// The same where everybody's screen shows it as soon as it is there, and reports that.
fn shown() -> usize {
    let show = |world: &mut World| {
        let notice = world.people[1].notices().last().expect("it has reached them").id;
        (1..=PEOPLE).for_each(|person| world.command(person, Command::Receipt { notice, receipt: Receipt::Visible }));
    };
    send_notices(show, |progress| progress.visible)
}

/// Sends notices, one after the other was dealt with, and waits until so many are told to be as far as that.
fn send_notices(deal: impl Fn(&mut World), how_far: impl Fn(&Progress) -> u64) -> usize {
    let mut world = house();
    world.is_counted = true;
    for number in 0..NOTICES {
        let ticket = world.ticket(0);
        let draft = NoticeDraft::new(Severity::Info, text(format!("{number} {}", "x".repeat(198))), vec![Audience::Everyone]);
        world.command(0, Command::SendNotice { ticket, draft });
        let all = |of: &dyn Fn(&Progress) -> u64, world: &World| {
            let is_all = |update: &Update| matches!(update, Update::Progress { progress, .. } if of(progress) == PEOPLE as u64);
            world.people[0].updates.iter().any(is_all)
        };
        assert!(world.run_until(PATIENCE, |world| all(&|progress| progress.reached, world)), "it has reached everybody");
        deal(&mut world);
        assert!(world.run_until(PATIENCE, |world| all(&how_far, world)), "the ledger is complete");
        world.people[0].updates.clear();
        world.run_for(QUIET);
    }
    NOTICES * PEOPLE
}

/// The acknowledgement of what a hundred peers were sent, at the endpoint, for each of them.
fn acknowledgement() -> usize {
    let mut crowd = Crowd::connected(PEOPLE, 5);
    crowd.run_for(QUIET);
    let body: Body = vec![7; 100].into();
    crowd.is_counted = true;
    for _ in 0..NOTICES {
        for &peer in &crowd.peers {
            crowd.endpoint.send(peer, Channel::Notice, body.clone()).expect("there is room");
        }
        crowd.run_for(Duration::from_secs(2));
    }
    crowd.counted
}

/// A message to a room of a hundred people, for each of them.
fn chat() -> usize {
    let mut world = house();
    world.is_counted = true;
    for number in 0..MESSAGES {
        world.say(0, format!("{number} {}", "x".repeat(198)));
        world.run_for(QUIET);
    }
    let heard = world.people.iter().skip(1).map(|person| person.messages().len()).sum();
    assert_eq!(heard, MESSAGES * PEOPLE, "everybody hears everything");
    heard
}

/// The same where one message comes soon after the other, so that nobody rests.
fn talk() -> usize {
    let mut world = house();
    let said = |world: &mut World, messages: usize| {
        for number in 0..messages {
            world.say(0, format!("{number} {}", "x".repeat(198)));
            world.run_for(PAUSE);
        }
    };
    said(&mut world, MESSAGES);
    world.is_counted = true;
    said(&mut world, TALK);
    TALK * PEOPLE
}

/// A datagram of a client that only shows that it is there, and its answer.
fn ping() -> usize {
    let mut world = house();
    world.is_counted = true;
    let received = |world: &World| world.server().map_or(0, |server| server.transport().datagrams_received);
    let before = received(&world);
    world.run_for(IDLE);
    usize::try_from(received(&world) - before).expect("they can be counted")
}

/// Somebody comes back on a device that is known: handshake, signing in, catching up.
fn login() -> usize {
    let mut world = World::new(Weather::clear(), 12);
    let accounts: Vec<_> = (0..PEOPLE).map(|number| format!("person {number}")).collect();
    let devices: Vec<_> = accounts.iter().map(|_| world.device()).collect();
    for (account, device) in accounts.iter().zip(&devices) {
        let proof = Proof::Password { password: password(account), register: true, remember: true };
        world.join_with(account, device.clone(), proof, Start::Now);
    }
    assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.is_caught_up())), "everybody signs in");
    (0..PEOPLE).for_each(|person| world.command(person, Command::Close));
    world.run_for(QUIET);
    world.is_counted = true;
    for (account, device) in accounts.iter().zip(devices) {
        let person = world.join_with(account, device, Proof::Device, Start::Now);
        assert!(world.run_until(PATIENCE, |world| world.people[person].is_caught_up()), "{account} signs in again");
    }
    world.run_for(QUIET);
    PEOPLE
}
