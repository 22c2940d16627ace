//! Guessing passwords: what it costs the guesser, and nobody else.

use std::net::IpAddr;

use belfry_core::chat::{Answer, DeviceId, Refusal, Request};
use belfry_core::endpoint::PeerId;

use super::world::{World, name, password};
use crate::limits::SIGN_IN_FAILURES_PER_ADDRESS;

fn ip(typed: &str) -> IpAddr {
    typed.parse().unwrap()
}

/// Somebody asks to sign in, and does not wait for the answer.
fn try_at_once(world: &mut World, peer: PeerId, who: &str, typed: &str) -> u32 {
    world.send(peer, Request::SignIn { account: name(who), password: password(typed), remember: false })
}

/// Five hundred guesses at `who`, all at once, from the addresses that `from` says.
fn flood(world: &mut World, who: &str, from: impl Fn(u32) -> IpAddr) -> Vec<(PeerId, u32)> {
    world.slow_passwords = Some(Default::default());
    let guess = |number| {
        let peer = world.connect_from(from(number));
        (peer, try_at_once(world, peer, who, "guess"))
    };
    (0..500).map(guess).collect()
}

/// How many passwords are looked at until this request is answered, and how.
fn looked_at_until(world: &mut World, peer: PeerId, id: u32) -> (u32, Result<Answer, Refusal>) {
    for looked_at in 0.. {
        if let Some(answer) = world.answer(peer, id) {
            return (looked_at, answer);
        }
        assert!(world.look_at_one(), "nobody is left and it has no answer");
    }
    unreachable!()
}

fn let_everybody_be_looked_at(world: &mut World) {
    while world.look_at_one() {}
    world.slow_passwords = None;
}

#[test]
fn of_five_hundred_guesses_at_once_from_one_address_thirty_are_looked_at() {
    let mut world = World::new();
    world.register("alice");
    let before = world.verified;
    let guesses = flood(&mut world, "alice", |_| ip("192.0.2.66"));
    let_everybody_be_looked_at(&mut world);
    assert_eq!(world.verified - before, SIGN_IN_FAILURES_PER_ADDRESS);
    let answers: Vec<_> = guesses.into_iter().map(|(peer, id)| world.answer(peer, id).unwrap().unwrap_err()).collect();
    assert_eq!(answers.iter().filter(|refusal| **refusal == Refusal::WrongCredentials).count(), SIGN_IN_FAILURES_PER_ADDRESS as usize);
    assert_eq!(answers.iter().filter(|refusal| **refusal == Refusal::TooManyRequests).count(), 470);
}

#[test]
fn of_five_hundred_guesses_at_one_account_from_everywhere_thirty_are_looked_at() {
    let mut world = World::new();
    world.register("alice");
    let before = world.verified;
    flood(&mut world, "alice", |number| IpAddr::from((0x0a09_0000 + number).to_be_bytes()));
    let_everybody_be_looked_at(&mut world);
    assert_eq!(world.verified - before, SIGN_IN_FAILURES_PER_ADDRESS);
}

#[test]
fn a_guess_counts_also_when_the_guesser_does_not_wait_for_the_answer() {
    let mut world = World::new();
    world.register("alice");
    let before = world.verified;
    for _ in 0..100 {
        world.slow_passwords = Some(Default::default());
        let peer = world.connect_from(ip("192.0.2.66"));
        try_at_once(&mut world, peer, "alice", "guess");
        world.gone(peer);
        let_everybody_be_looked_at(&mut world);
    }
    assert_eq!(world.verified - before, SIGN_IN_FAILURES_PER_ADDRESS);
}

#[test]
fn whoever_is_guessed_at_comes_in_where_they_have_been_before_and_waits_for_few() {
    for from in [|_| ip("192.0.2.66"), |number: u32| IpAddr::from((0x0a09_0000 + number).to_be_bytes())] {
        let mut world = World::new();
        let (laptop, elsewhere) = (DeviceId([7; 32]), ip("203.0.113.5"));
        let peer = world.connect_with(laptop, elsewhere);
        world.ask(peer, Request::Register { account: name("alice"), password: password("alice"), remember: true }).unwrap();
        flood(&mut world, "alice", from);
        // Once while they are under way, and once after they have all failed.
        for _ in 0..2 {
            let by_device = world.connect_with(laptop, ip("192.0.2.66"));
            let id = world.send(by_device, Request::SignInByDevice { account: name("alice") });
            assert!(world.answer(by_device, id).unwrap().is_ok(), "a device that is remembered, even beside the guesser");
            for (device, at) in [(laptop, ip("198.51.100.9")), (DeviceId([8; 32]), elsewhere)] {
                let peer = world.connect_with(device, at);
                let id = try_at_once(&mut world, peer, "alice", "alice");
                let (waited, answer) = looked_at_until(&mut world, peer, id);
                assert!(answer.is_ok() && waited <= 4, "{answer:?} after {waited}");
            }
            while world.look_at_one() {}
        }
        let stranger = world.connect_from(ip("198.51.100.10"));
        world.slow_passwords = None;
        assert_eq!(world.try_sign_in(stranger, "alice", "alice"), Err(Refusal::TooManyRequests), "who was never there has to wait");
    }
}

#[test]
fn others_wait_for_a_few_hashes_while_five_hundred_guesses_wait() {
    let mut world = World::new();
    world.register("alice");
    world.register("bob");
    flood(&mut world, "alice", |_| ip("192.0.2.66"));
    let bob = world.connect_from(ip("198.51.100.10"));
    let id = try_at_once(&mut world, bob, "bob", "bob");
    let (waited, answer) = looked_at_until(&mut world, bob, id);
    assert!(answer.is_ok() && waited <= 4, "{answer:?} after {waited}");
}

#[test]
fn thirty_wrong_passwords_on_one_laptop_keep_nobody_else_on_the_link_out() {
    let mut world = World::new();
    let peer = world.connect_with(DeviceId([7; 32]), ip("fe80::7"));
    world.ask(peer, Request::Register { account: name("anna"), password: password("anna"), remember: true }).unwrap();
    for number in 0..SIGN_IN_FAILURES_PER_ADDRESS {
        let peer = world.connect_from(ip("fe80::66"));
        world.try_sign_in(peer, &format!("account {number}"), "guess").unwrap_err();
    }
    let laptop = world.connect_from(ip("fe80::66"));
    assert_eq!(world.try_sign_in(laptop, "anna", "anna"), Err(Refusal::TooManyRequests), "on the laptop itself");
    let neighbour = world.connect_from(ip("fe80::8"));
    assert!(world.try_sign_in(neighbour, "anna", "anna").is_ok());
    let remembered = world.connect_with(DeviceId([7; 32]), ip("fe80::66"));
    assert!(world.ask(remembered, Request::SignInByDevice { account: name("anna") }).is_ok());
}

#[test]
fn many_who_sign_in_at_once_from_one_address_all_come_in() {
    let mut world = World::new();
    for number in 0..100 {
        world.register(&format!("worker {number}"));
    }
    world.slow_passwords = Some(Default::default());
    let coming: Vec<_> = (0..100)
        .map(|number| {
            let (peer, who) = (world.connect_from(ip("198.51.100.20")), format!("worker {number}"));
            (peer, try_at_once(&mut world, peer, &who, &who))
        })
        .collect();
    let_everybody_be_looked_at(&mut world);
    assert!(coming.into_iter().all(|(peer, id)| world.answer(peer, id).unwrap().is_ok()));
}

#[test]
fn what_the_old_password_proved_lets_nobody_in_who_has_begun_anew() {
    let mut world = World::new();
    let alice = world.register("alice");
    let thief = world.connect();
    world.slow_passwords = Some(Default::default());
    try_at_once(&mut world, thief, "alice", "alice");
    world.send(alice, Request::SetPassword { account: name("alice"), password: password("new"), keep_sessions: false });
    // The new hash is made before the old password has been looked at.
    let jobs = world.slow_passwords.as_mut().unwrap();
    jobs.rotate_left(1);
    assert!(world.look_at_one());
    let again = try_at_once(&mut world, thief, "alice", "wrong");
    let_everybody_be_looked_at(&mut world);
    assert_eq!(world.answer(thief, again), Some(Err(Refusal::WrongCredentials)));
}
