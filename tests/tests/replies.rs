//! Messages that reply to others, over a network that misbehaves by seed.

use std::collections::BTreeMap;
use std::time::Duration;

use belfry_core::chat::{Message, Place, Quote, Request, RoomName, Seq, Timeline};
use belfry_core::client::{Command, Start, Ticket, Update};
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, text};

const PATIENCE: Duration = Duration::from_secs(300);
const ALICE: usize = 0;
const BOB: usize = 1;

fn joined(world: &mut World, accounts: &[&str]) {
    for account in accounts {
        world.join(account, true, Start::Now);
    }
    assert!(world.run_until(PATIENCE, |world| world.people.iter().all(|person| person.caught_up() == 1)));
}

fn reply(world: &mut World, person: usize, to: Place, words: &str, reply_to: Option<u64>) -> Ticket {
    let ticket = world.ticket(person);
    world.command(person, Command::Post { ticket, to, text: text(words), reply_to: reply_to.map(Seq) });
    ticket
}

fn ask(world: &mut World, person: usize, request: Request) -> Ticket {
    let ticket = world.ticket(person);
    world.command(person, Command::Ask { ticket, request });
    ticket
}

/// What a window shows of the newest message: its text, and the line that stands above it (`-` where what it replies to is gone).
fn newest(world: &World, person: usize) -> (String, Option<String>) {
    let mut messages: BTreeMap<Seq, Message> = BTreeMap::new();
    for update in &world.people[person].updates {
        let (Update::Message { message, .. } | Update::Altered { message, .. }) = update else { continue };
        messages.insert(message.seq, message.clone());
        for quote in messages.values_mut().filter_map(|other| other.reply_to.as_deref_mut()).filter(|quote| quote.seq == message.seq) {
            *quote = Quote::of(message);
        }
    }
    let Some((_, last)) = messages.pop_last() else { return Default::default() };
    let line = |quote: Quote| quote.quoted.and_then(|quoted| quoted.line).map_or("-".to_owned(), |line| line.to_string());
    (last.text.to_string(), last.reply_to.map(|quote| line(*quote)))
}

fn shows(text: &str, quote: &str) -> (String, Option<String>) {
    (text.to_owned(), Some(quote.to_owned()))
}

#[test]
fn a_quote_follows_what_it_quotes_on_both_devices_of_a_person_and_for_who_was_away() {
    for seed in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::in_folder(folder.path(), Weather::storm(), seed);
        joined(&mut world, &["alice", "bob"]);
        let other = world.join("bob", false, Start::Now);
        assert!(world.run_until(PATIENCE, |world| world.people[other].caught_up() > 0), "seed {seed}");
        world.say(ALICE, "shall we?");
        assert!(world.run_until(PATIENCE, |world| world.people[other].texts().len() == 1), "seed {seed}");
        reply(&mut world, BOB, Place::lobby(), "yes", Some(1));
        let all_show =
            |world: &World, shown: &(String, Option<String>)| [ALICE, BOB, other].iter().all(|&who| newest(world, who) == *shown);
        assert!(world.run_until(PATIENCE, |world| all_show(world, &shows("yes", "shall we?"))), "seed {seed}");
        world.set_weather_of(other, Weather { loss: 1.0, ..Weather::office() });
        ask(&mut world, ALICE, Request::Edit { place: Place::lobby(), room: None, seq: Seq(1), text: text("shall we go?") });
        assert!(world.run_until(PATIENCE, |world| newest(world, BOB) == shows("yes", "shall we go?")), "seed {seed}");
        world.kill_server();
        world.start_server();
        world.set_weather_of(other, Weather::office());
        assert!(world.run_until(PATIENCE, |world| all_show(world, &shows("yes", "shall we go?"))), "seed {seed}");
        ask(&mut world, ALICE, Request::Delete { place: Place::lobby(), room: None, seq: Seq(1) });
        assert!(world.run_until(PATIENCE, |world| all_show(world, &shows("yes", "-"))), "seed {seed}");
    }
}

#[test]
fn a_reply_that_was_written_without_a_connection_replies_to_the_same_message_in_a_room_of_another_name() {
    for seed in 0..3 {
        let mut world = World::new(Weather::office(), seed);
        joined(&mut world, &["alice", "bob"]);
        let room = |typed| RoomName::new(typed).unwrap();
        let created = ask(&mut world, ALICE, Request::CreateRoom { room: room("attic"), private: false });
        assert!(world.run_until(PATIENCE, |world| world.people[ALICE].answer(created).is_some()), "seed {seed}");
        ask(&mut world, BOB, Request::JoinRoom { room: room("attic") });
        let inside = |world: &World| {
            world.people[BOB]
                .updates
                .iter()
                .any(|update| matches!(update, Update::Conversation(info) if info.place == Place::Room(room("attic"))))
        };
        assert!(world.run_until(PATIENCE, inside), "seed {seed}");
        reply(&mut world, ALICE, Place::Room(room("attic")), "shall we?", None);
        assert!(world.run_until(PATIENCE, |world| newest(world, BOB).0 == "shall we?"), "seed {seed}");
        world.set_weather_of(BOB, Weather { loss: 1.0, ..Weather::office() });
        ask(&mut world, ALICE, Request::RenameRoom { room: room("attic"), name: room("loft") });
        world.run_for(Duration::from_secs(60));
        let ticket = reply(&mut world, BOB, Place::Room(room("attic")), "yes", Some(1));
        world.set_weather_of(BOB, Weather::office());
        assert!(world.run_until(PATIENCE, |world| world.people[BOB].posted().contains_key(&ticket)), "seed {seed}");
        assert!(world.run_until(PATIENCE, |world| newest(world, ALICE) == shows("yes", "shall we?")), "seed {seed}");
    }
}

#[test]
fn after_a_backup_was_put_back_nothing_replies_to_a_message_that_has_the_number_of_another() {
    for seed in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let backup = folder.path().join("monday");
        let mut world = World::in_folder(folder.path(), Weather::office(), seed);
        joined(&mut world, &["alice", "bob"]);
        world.say(ALICE, "kept");
        assert!(world.run_until(PATIENCE, |world| world.people[BOB].texts() == ["kept"]), "seed {seed}");
        world.back_up(&backup);
        world.say(ALICE, "lost");
        assert!(world.run_until(PATIENCE, |world| world.people[BOB].texts() == ["kept", "lost"]), "seed {seed}");
        world.set_weather_of(BOB, Weather { loss: 1.0, ..Weather::office() });
        world.restore(&backup, Timeline(77));
        assert!(world.run_until(PATIENCE, |world| world.people[ALICE].caught_up() > 1), "seed {seed}");
        world.say(ALICE, "another");
        assert!(world.run_until(PATIENCE, |world| newest(world, ALICE).0 == "another"), "seed {seed}");
        let tickets =
            [(1, "to what is kept"), (2, "to what is lost")].map(|(seq, words)| reply(&mut world, BOB, Place::lobby(), words, Some(seq)));
        world.set_weather_of(BOB, Weather::office());
        let is_posted = |world: &World| tickets.iter().all(|ticket| world.people[BOB].posted().contains_key(ticket));
        assert!(world.run_until(PATIENCE, is_posted), "seed {seed}: {:?}", world.people[BOB].updates.last());
        let quotes = |world: &World| {
            let said = world.people[ALICE].messages().into_iter().filter(|message| message.text.as_str().starts_with("to what"));
            said.map(|message| (message.text.to_string(), message.reply_to.as_ref().map(|quote| quote.seq.0))).collect::<Vec<_>>()
        };
        let expected = [("to what is kept".to_owned(), Some(1)), ("to what is lost".to_owned(), None)];
        assert!(world.run_until(PATIENCE, |world| quotes(world) == expected), "seed {seed}: {:?}", quotes(&world));
    }
}
