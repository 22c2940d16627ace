//! The hospital's day again (tests/tests/story.rs), with fifty real programs: what `notice status` says of each screen.

use std::collections::BTreeMap;
use std::thread;

use belfry_tests::process::{PROMPT, Person, Process, Server};
use serde_json::Value;

const EARLY: usize = 20;
const LATE: usize = 20;
const OFFICE: usize = 9;

/// How many programs start at once: more would only wait for the processor.
const AT_ONCE: usize = 8;

/// Does the same for many, some at a time; the results in their order.
fn all<T: Sync, U: Send>(of: &[T], act: impl Fn(&T) -> U + Sync) -> Vec<U> {
    let at_once = |some: &[T]| -> Vec<U> {
        thread::scope(|scope| {
            let running: Vec<_> = some.iter().map(|one| scope.spawn(|| act(one))).collect();
            running.into_iter().map(|one| one.join().expect("it has not panicked")).collect()
        })
    };
    of.chunks(AT_ONCE).flat_map(at_once).collect()
}

fn shift(server: &Server, name: &str, count: usize) -> Vec<Person> {
    let people: Vec<_> = (0..count).map(|number| server.stranger(&format!("{name} {number:02}"))).collect();
    all(&people, Person::register);
    let names: Vec<_> = people.iter().map(|person| person.name.as_str()).collect();
    server.admin().run(&[&["group", "add", name], &names[..]].concat()).done();
    people
}

fn notice_at(screen: &mut Process, state: &str, revision: u64) -> Value {
    screen.event(|event| event["event"] == "notice" && event["state"] == state && event["revision"] == revision)
}

/// The ledger's line of each person.
fn ledger(admin: &Person, notice: &str) -> BTreeMap<String, Value> {
    let lines = admin.run(&["notice", "status", notice, "--json"]).objects();
    lines.into_iter().skip(1).map(|line| (line["account"].as_str().expect("a name").to_owned(), line)).collect()
}

/// What it says in short: whether it was reached and visible, the answer, and the reason if there is none.
fn short(line: &Value) -> (bool, bool, &str, &str) {
    fn word<'a>(line: &'a Value, field: &str) -> &'a str {
        line[field].as_str().unwrap_or_default()
    }
    (!line["reached_at"].is_null(), !line["visible_at"].is_null(), word(line, "answer"), word(line, "reason"))
}

#[test]
fn the_ledger_of_a_roll_call_says_what_happened_to_each_screen() {
    let server = Server::start();
    let admin = server.admin();
    let early = shift(&server, "early", EARLY);
    let late = shift(&server, "late", LATE);
    let office = shift(&server, "office", OFFICE);

    // Two screens for whoever works early; one person's are switched off. 00 to 14 answer with the first answer at once.
    let here: Vec<_> = (0..EARLY).filter(|&number| number != 7).collect();
    let mut desks: BTreeMap<usize, Process> = BTreeMap::new();
    desks.extend(all(&here, |&number| (number, early[number].listen_with(if number < 15 { &["--acknowledge"] } else { &[] }))));
    let mut laptops: BTreeMap<usize, Process> = BTreeMap::new();
    laptops.extend(all(&here, |&number| {
        let laptop = early[number].at("laptop");
        if number == 15 || number == 16 {
            let mut chat = Process::start_on_terminal(&mut laptop.command(&["chat"]));
            chat.line_with(PROMPT);
            (number, chat)
        } else {
            (number, laptop.listen())
        }
    }));
    let mut offices = all(&office, Person::listen);
    laptops[&3].suspend();

    let preview = &admin.run(&["notice", "preview", "--to", "group:early", "--to", "user:early 00", "--json"]).objects()[0];
    assert_eq!((&preview["people"], &preview["online"], &preview["offline"]), (&20.into(), &19.into(), &1.into()));
    let roll_call = ["notice", "send", "--severity", "critical", "--title", "Fire in the east wing", "--answers", "Safe,Need help"];
    let to = ["--to", "group:early", "--to", "user:early 00", "--expires", "30m", "Where are you?"];
    assert_eq!(admin.run(&[&roll_call[..], &to].concat()).done(), "1\n");
    for number in [15, 16] {
        let chat = laptops.get_mut(&number).expect("it runs");
        chat.line_with("Where are you?");
        chat.write("/answer 1 1\r");
        chat.line_with("answered notice 1: Need help");
    }
    admin.run(&["notice", "update", "1", "Meet at the north gate."]).done();
    for number in 17..EARLY {
        notice_at(desks.get_mut(&number).expect("it runs"), "open", 2);
    }

    // The shift changes; the others are told nothing of it.
    for number in 8..18 {
        let desk = desks.remove(&number).expect("it runs");
        desk.terminate();
        assert_eq!(desk.finish().code, Some(0));
    }
    let mut lates = all(&late, Person::listen);
    admin.run(&["notice", "all-clear", "1", "It was a drill."]).done();
    notice_at(desks.get_mut(&18).expect("it runs"), "all-clear", 3);

    // The laptop wakes, and what was off comes back: neither is told an open notice.
    admin.say("good morning");
    laptops[&3].resume();
    let mut back = early[7].listen();
    server.admin().say("welcome back");
    for screen in lates.iter_mut().chain(&mut offices).chain([&mut back]) {
        let told = screen.events_until_message("welcome back");
        assert!(told.iter().all(|event| event["event"] != "notice" || event["state"] != "open"), "{told:?}");
    }
    // A stopped process still has what its socket was sent; what it shows in the end is what counts.
    let told = laptops.get_mut(&3).expect("it runs").events_until_message("welcome back");
    let last = told.iter().rfind(|event| event["event"] == "notice");
    assert!(last.is_none_or(|event| event["state"] == "all-clear"), "{told:?}");

    let ledger = ledger(&admin, "1");
    assert_eq!(ledger.keys().cloned().collect::<Vec<_>>(), early.iter().map(|person| person.name.clone()).collect::<Vec<_>>());
    for (number, line) in ledger.values().enumerate() {
        let expected = match number {
            7 => (false, false, "", "all-clear"),
            0..=14 => (true, true, "Safe", ""),
            15 | 16 => (true, true, "Need help", ""),
            _ => (true, false, "", "all-clear"),
        };
        assert_eq!(short(line), expected, "{line}");
        // Both of their programs need the password: they share a line.
        let devices = line["devices"].as_array().expect("a list");
        let reached = devices.iter().filter(|device| !device["reached_at"].is_null()).count();
        assert_eq!(reached, usize::from(number != 7), "{line}");
    }
}

#[test]
fn who_is_back_only_after_a_notice_has_expired_is_not_shown_it_and_the_ledger_says_why() {
    let server = Server::start();
    let (admin, bob) = (server.admin(), server.person("bob"));
    admin.run(&["notice", "send", "--to", "user:bob", "--expires", "1s", "Soon over"]).done();
    let mut other = server.person("carol").listen();
    loop {
        if admin.run(&["notice", "status", "1", "--json"]).objects()[0]["state"] == "expired" {
            break;
        }
        admin.say("tick");
        other.events_until_message("tick");
    }
    let mut screen = bob.listen();
    admin.say("good morning");
    let told = screen.events_until_message("good morning");
    assert!(told.iter().all(|event| event["event"] != "notice"), "{told:?}");
    assert_eq!(short(&ledger(&admin, "1")["bob"]), (false, false, "", "expired"));
}
