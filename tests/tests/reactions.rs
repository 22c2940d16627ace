//! People react to messages, over a network that misbehaves by seed.

use std::collections::BTreeMap;
use std::time::Duration;

use belfry_core::chat::{Message, Place, Request, Seq};
use belfry_core::client::{Command, Start, Update};
use belfry_tests::weather::Weather;
use belfry_tests::world::World;

const PATIENCE: Duration = Duration::from_secs(300);
const ALICE: usize = 0;
const BOB: usize = 1;

fn react(world: &mut World, person: usize, seq: u64, emoji: &str, set: bool) {
    let ticket = world.ticket(person);
    let request = Request::React { place: Place::lobby(), room: None, seq: Seq(seq), emoji: emoji.parse().unwrap(), set };
    world.command(person, Command::Ask { ticket, request });
}

/// What a window shows below each message: `👍 alice bob`.
fn shown(world: &World, person: usize) -> BTreeMap<u64, Vec<String>> {
    let mut shown = BTreeMap::new();
    for update in &world.people[person].updates {
        let (Update::Message { message, .. } | Update::Altered { message, .. }) = update else { continue };
        shown.insert(message.seq.0, signs(message));
    }
    shown
}

fn signs(message: &Message) -> Vec<String> {
    let one = |reaction: &belfry_core::chat::Reaction| {
        let mut names: Vec<_> = reaction.by.iter().map(ToString::to_string).collect();
        names.sort();
        format!("{} {}", reaction.emoji, names.join(" "))
    };
    message.reactions.iter().map(one).collect()
}

#[test]
fn whoever_was_away_and_every_device_shows_in_the_end_the_reactions_that_stand_and_nothing_is_unread_by_them() {
    for seed in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::in_folder(folder.path(), Weather::storm(), seed);
        for account in ["alice", "bob"] {
            world.join(account, true, Start::Now);
        }
        assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.caught_up() == 1)), "seed {seed}");
        let other = world.join("bob", false, Start::Now);
        assert!(world.run_until(PATIENCE, |world| world.people[other].caught_up() > 0), "seed {seed}");
        world.say(ALICE, "one");
        world.say(ALICE, "two");
        assert!(world.run_until(PATIENCE, |world| shown(world, BOB).len() == 2 && shown(world, other).len() == 2), "seed {seed}");
        world.set_weather_of(other, Weather { loss: 1.0, ..Weather::office() });
        react(&mut world, BOB, 1, "👍", true);
        react(&mut world, ALICE, 1, "👍", true);
        react(&mut world, ALICE, 2, "🎉", true);
        react(&mut world, ALICE, 2, "🎉", false);
        react(&mut world, BOB, 2, "❤", true);
        let expected: BTreeMap<_, _> = [(1, vec!["👍 alice bob".to_owned()]), (2, vec!["❤\u{fe0f} bob".to_owned()])].into();
        assert!(world.run_until(PATIENCE, |world| shown(world, BOB) == expected), "seed {seed}: {:?}", shown(&world, BOB));
        world.kill_server();
        world.start_server();
        world.set_weather_of(other, Weather::office());
        let all = |world: &World| [ALICE, BOB, other].iter().all(|&who| shown(world, who) == expected);
        assert!(world.run_until(PATIENCE, all), "seed {seed}: {:?}", shown(&world, other));
        let told_again =
            |world: &World| world.people[other].updates.iter().filter(|update| matches!(update, Update::Message { .. })).count();
        assert_eq!(told_again(&world), 2, "seed {seed}: no reaction is a message");
    }
}
