//! A backup is put back while clients run on, over networks that misbehave by seed.

use std::time::Duration;

use belfry_core::chat::{Audience, Notice, NoticeDraft, NoticeState, Severity, Timeline};
use belfry_core::client::{Command, Knowledge, Mark, Start, Update};
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, text};

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(300);
const ADMIN: usize = 0;
const ALICE: usize = 1;
const BOB: usize = 2;

fn send_notice(world: &mut World, body: &str) {
    let ticket = world.ticket(ADMIN);
    let draft = NoticeDraft { confirmed: true, ..NoticeDraft::new(Severity::Critical, text(body), vec![Audience::Everyone]) };
    world.command(ADMIN, Command::SendNotice { ticket, draft });
}

fn told(world: &World, person: usize) -> Vec<&Notice> {
    world.people[person].notices()
}

#[test]
fn what_is_new_after_a_restore_comes_once_and_in_order_to_those_who_ran_on_and_those_who_come_back() {
    for seed in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let backup = folder.path().join("monday");
        let mut world = World::in_folder(folder.path(), if seed % 2 == 0 { Weather::office() } else { Weather::storm() }, seed);
        for (account, register) in [("admin", false), ("alice", true), ("bob", true)] {
            world.join(account, register, Start::Now);
        }
        assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.caught_up() > 0)), "seed {seed}");
        world.say(BOB, "m1");
        assert!(world.run_until(PATIENCE, |world| world.people[ALICE].texts() == ["m1"]), "seed {seed}");
        world.back_up(&backup);
        world.say(BOB, "m2");
        world.say(BOB, "m3");
        send_notice(&mut world, "the old one");
        let all = |world: &World| {
            world.people[ALICE].texts().len() == 3
                && world.people[BOB].texts().last().is_some_and(|last| *last == "m3")
                && [ALICE, BOB].iter().all(|&person| told(world, person).len() == 1)
        };
        assert!(world.run_until(PATIENCE, all), "seed {seed}");
        world.kill(BOB);

        world.restore(&backup, Timeline(77));
        assert!(
            world.run_until(PATIENCE, |world| world.people[ADMIN].caught_up() > 1 && world.people[ADMIN].is_caught_up()),
            "seed {seed}"
        );
        for line in ["new2", "new3", "new4"] {
            world.say(ADMIN, line);
        }
        send_notice(&mut world, "the new one");
        // What bob's program has kept of the time before.
        let last = world.people[BOB].messages().last().map(|message| (message.conversation, Mark::from(message.seq))).unwrap();
        let known = Knowledge { timeline: Some(Timeline::FIRST), marks: [last].into() };
        let again = world.join("bob", false, Start::After(known));
        let heard = |world: &World| {
            world.people[ALICE].texts() == ["m1", "m2", "m3", "new2", "new3", "new4"]
                && world.people[again].texts() == ["new2", "new3", "new4"]
                && [ALICE, again].iter().all(|&person| told(world, person).last().is_some_and(|last| last.body == text("the new one")))
        };
        assert!(world.run_until(PATIENCE, heard), "seed {seed}: {:?}", world.people[ALICE].updates);
        world.run_for(60 * SECOND);
        assert!(heard(&world), "seed {seed}: nothing comes twice");
        assert!([ALICE, again].iter().all(|&person| told(&world, person).iter().all(|notice| notice.state == NoticeState::Open)));
        let progress = world.people[ADMIN].updates.iter().rev().find_map(|update| match update {
            Update::Progress { progress, .. } => Some(progress.reached),
            _ => None,
        });
        assert_eq!(progress, Some(2), "seed {seed}: it has reached both");
    }
}
