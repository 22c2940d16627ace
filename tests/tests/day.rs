//! The server's day, in virtual time: what is kept no longer, and how clients go on.

use std::time::Duration;

use belfry_core::client::{Knowledge, Start};
use belfry_server::hub::{Registration, Retention, Rules};
use belfry_tests::weather::Weather;
use belfry_tests::world::World;

const SECOND: Duration = Duration::from_secs(1);

fn keeping(messages: u64) -> Rules {
    let retention = Retention { messages_per_conversation: Some(messages), ..Retention::default() };
    Rules { retention, ..Rules::with_registration(Registration::Open) }
}

#[test]
fn whoever_was_away_while_the_log_was_shortened_goes_on_with_the_first_message_kept() {
    for seed in 0..5 {
        let mut world = World::new(Weather::office(), seed);
        let alice = world.join("alice", true, Start::Now);
        let bob = world.join("bob", true, Start::Now);
        assert!(world.run_until(30 * SECOND, |world| world.people.iter().all(|person| person.caught_up() == 1)), "seed {seed}");
        world.say(alice, "before");
        assert!(world.run_until(30 * SECOND, |world| world.people[bob].texts() == ["before"]), "seed {seed}");
        world.kill(bob);
        for i in 0..1500 {
            world.say(alice, format!("line {i}"));
        }
        assert!(world.run_until(120 * SECOND, |world| world.people[alice].posted().len() == 1501), "seed {seed}");
        world.set_rules(keeping(10));
        world.run_for(60 * SECOND);
        // A program that knows the first message, as bob's did.
        let known = world.people[bob].messages()[0].clone();
        let bob =
            world.join("bob", false, Start::After(Knowledge { timeline: None, marks: [(known.conversation, known.seq.into())].into() }));
        assert!(world.run_until(60 * SECOND, |world| world.people[bob].caught_up() == 1), "seed {seed}");
        let lines: Vec<_> = (1490..1500).map(|i| format!("line {i}")).collect();
        assert_eq!(world.people[bob].texts(), lines, "seed {seed}");
        world.say(alice, "after");
        assert!(world.run_until(30 * SECOND, |world| world.people[bob].texts().last() == Some(&"after")), "seed {seed}");
        assert_eq!(world.people[bob].messages().last().map(|message| message.seq.0), Some(1502), "seed {seed}");
    }
}
