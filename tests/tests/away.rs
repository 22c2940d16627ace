//! What a program learns of what became of things while it was away, over the real transport.

use std::time::Duration;

use belfry_core::chat::{Answer, Audience, DeviceId, NoticeChange, NoticeState, Request, Severity};
use belfry_core::client::{Command, Failure, Proof, Start, Update};
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, name, password, text};

const SECOND: Duration = Duration::from_secs(1);

/// The administrator and bob, who are here and shown a notice.
fn world_with_a_notice(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(Weather::office(), seed);
    let (admin, bob) = (world.join("admin", false, Start::Now), world.join("bob", true, Start::Now));
    assert!(world.run_until(30 * SECOND, |world| world.people.iter().all(|person| person.is_caught_up())), "seed {seed}");
    let ticket = world.ticket(admin);
    let (severity, audience) = (Severity::Important, vec![Audience::Account(name("bob"))]);
    world.command(
        admin,
        Command::SendNotice {
            ticket,
            severity,
            title: None,
            body: text("Leave by the nearest exit."),
            audience,
            answers: vec![],
            expires_at: None,
            schedule: None,
            remind: None,
            confirmed: false,
        },
    );
    assert!(world.run_until(30 * SECOND, |world| world.people[bob].notices().len() == 1), "seed {seed}");
    (world, admin, bob)
}

fn ask(world: &mut World, person: usize, request: Request) -> Answer {
    let ticket = world.ticket(person);
    world.command(person, Command::Ask { ticket, request });
    assert!(world.run_until(30 * SECOND, |world| world.people[person].answer(ticket).is_some()), "an answer");
    world.people[person].answer(ticket).cloned().expect("it is there")
}

#[test]
fn a_notice_that_was_taken_back_while_the_computer_slept_leaves_the_screen_when_it_wakes() {
    for seed in 0..3 {
        let (mut world, admin, bob) = world_with_a_notice(seed);
        world.people[bob].asleep = true;
        // Long enough for the server to have forgotten the connection, and what was to be sent on it.
        world.run_for(120 * SECOND);
        let notice = world.people[bob].notices()[0].id;
        ask(&mut world, admin, Request::ChangeNotice { notice, change: NoticeChange::Withdraw });
        world.people[bob].asleep = false;
        world.command(bob, Command::Wake);
        let withdrawn = |world: &World| world.people[bob].notices().last().is_some_and(|notice| notice.state == NoticeState::Withdrawn);
        assert!(world.run_until(60 * SECOND, withdrawn), "seed {seed}: {:?}", world.people[bob].notices());
    }
}

#[test]
fn a_program_whose_device_is_revoked_says_so_and_stops() {
    let mut world = World::new(Weather::office(), 1);
    let device = world.device();
    let admin = world.join("admin", false, Start::Now);
    let proof = Proof::Password { password: password("bob"), register: true, remember: true };
    let bob = world.join_with("bob", device.clone(), proof, Start::Now);
    assert!(world.run_until(30 * SECOND, |world| world.people.iter().all(|person| person.is_caught_up())));
    ask(&mut world, admin, Request::RevokeDevice { account: name("bob"), device: DeviceId::from(device.public()) });
    let stopped = |world: &World| world.people[bob].updates.contains(&Update::Failed(Failure::Revoked));
    assert!(world.run_until(30 * SECOND, stopped), "{:?}", world.people[bob].updates.last());
}
