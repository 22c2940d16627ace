//! A second implementation, in Python and written from docs/PROTOCOL.md alone, and the real program understand each other.

use std::path::Path;

use belfry_tests::process::{Process, PythonPerson, Server, belfry, python, script, texts};
use belfry_tests::relay::{Relay, Traffic};
use belfry_tests::weather::Weather;

/// Every fifth datagram in either direction is lost.
fn every_fifth_is_lost() -> Weather {
    Weather { loss: 0.2, ..Weather::clear() }
}

fn lost(traffic: &Traffic) -> bool {
    traffic.up.lost > 0 && traffic.down.lost > 0
}

#[test]
fn what_the_python_peer_says_the_program_hears_and_finds_in_the_history() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let pia = PythonPerson::register(python, server.address, "pia");
    let bob = server.person("bob");
    let mut listener = bob.listen();
    // Three datagrams' worth: cut in pieces on the way there and on the way back.
    let long = "ding dong ".repeat(350);
    let posted = pia.run(&["say", "Grüße from Python", &long]).objects();
    assert_eq!([&posted[1]["seq"], &posted[2]["seq"]], [1, 2]);
    let heard = texts(&listener.events_until_message(&long));
    assert_eq!(heard, ["Grüße from Python", &long]);
    assert_eq!(bob.history(2), ["Grüße from Python", &long]);
    assert_eq!(texts(&pia.run(&["history"]).objects()), ["Grüße from Python", &long]);
}

#[test]
fn what_the_program_says_the_python_peer_hears_also_after_it_has_made_new_keys() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let pia = PythonPerson::register(python, server.address, "pia");
    let bob = server.person("bob");
    let mut listener = pia.listen(&["--renew", "0.3"], &[]);
    bob.say("under the first keys or the second");
    listener.event(|event| event["text"] == "under the first keys or the second");
    for round in ["one", "two", "three"] {
        listener.event(|event| event["event"] == "renewed");
        bob.say(round);
        listener.event(|event| event["text"] == round);
    }
    bob.run(&["send", "--to", "pia", "--", "only for you"]).done();
    let direct = listener.event(|event| event["text"] == "only for you");
    assert_eq!(direct["place"]["Direct"], "bob");
}

#[test]
fn a_python_peer_whose_device_is_remembered_signs_in_without_its_password() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let pia = PythonPerson::register(python, server.address, "pia");
    let device = server.data().with_file_name("pia's device");
    let device = ["--device", device.to_str().expect("a path")];
    pia.run_with(&[&device[..], &["--remember"]].concat(), &["say", "with the password"]).done();
    let address = server.address.to_string();
    let nameless = |device: &[&str], command: &[&str]| {
        let who = ["--server", &address, "--user", "pia"];
        Process::run(&mut script(python, "belfry_peer.py", &[&who, device, command].concat()))
    };
    assert_eq!(texts(&nameless(&device, &["history"]).objects()), ["with the password"]);
    let refused = nameless(&[], &["history"]);
    assert_eq!((refused.code, refused.err.as_str()), (Some(1), "belfry_peer: the server refused (reason 42)\n"));
}

/// Sends a notice to two people, waits until both have answered, and says what its status says of the one who is called pia.
fn notice_answered_by(server: &Server, pia: &mut Process) -> serde_json::Value {
    let to = ["--to", "user:pia", "--to", "user:bob", "--answers", "Safe,Need help"];
    let wait = ["--wait", "answered", "--timeout", "60s", "Leave by the nearest exit."];
    let number = server.admin().run(&[&["notice", "send"][..], &to, &wait].concat()).done();
    let number = number.trim();
    pia.event(|event| event["event"] == "receipt" && event["receipt"]["Answered"] == 1);
    let status = server.admin().run(&["notice", "status", number, "--json"]).objects();
    let totals = ["audience", "reached", "visible", "answered"].map(|count| status[0][count].as_u64());
    assert_eq!(totals, [Some(2); 4]);
    status.into_iter().find(|person| person["account"] == "pia").expect("pia is in the ledger")
}

fn check_answered(person: &serde_json::Value) {
    assert_eq!(person["answer"], "Need help");
    let [reached, visible, answered] = ["reached_at", "visible_at", "answered_at"].map(|at| person[at].as_str().expect("a time"));
    assert!(reached <= visible && visible <= answered, "{person}");
}

#[test]
fn a_notice_that_the_python_peer_answers_is_answered_in_the_ledger() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let pia = PythonPerson::register(python, server.address, "pia");
    let _bob = server.person("bob").listen_with(&["--acknowledge"]);
    let mut pia = pia.listen(&[], &["--answer", "1"]);
    check_answered(&notice_answered_by(&server, &mut pia));
}

#[test]
fn where_every_fifth_datagram_is_lost_the_python_peer_misses_nothing_and_says_everything_once() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let relay = Relay::start(server.address, every_fifth_is_lost(), 5).expect("a relay");
    let pia = PythonPerson::register(python, relay.address(), "pia");
    let bob = server.person_at(relay.address(), "bob");
    bob.register();
    let (mut hears_bob, mut hears_pia) = (pia.listen(&["--renew", "2"], &["--answer", "1"]), bob.listen_with(&["--acknowledge"]));

    let lines: Vec<_> = (0..60).map(|number| format!("{number} {}", "dong ".repeat(number * 10))).collect();
    let said: Vec<_> = lines.iter().map(|line| line.trim()).collect();
    let (first, second) = said.split_at(30);
    pia.run(&[&["say"][..], first].concat()).done();
    let mut chat = bob.start(&["chat", "--room", "lobby"]);
    chat.write(&format!("{}\n", second.join("\n")));
    chat.end_input();
    assert_eq!(chat.finish().done(), "");

    assert_eq!(texts(&hears_pia.events_until_message(said[59])), said, "what bob hears");
    assert_eq!(texts(&hears_bob.events_until_message(said[59])), said, "what pia hears");
    assert_eq!(texts(&pia.run(&["history", "--limit", "60"]).objects()), said, "what pia reads");
    check_answered(&notice_answered_by(&server, &mut hears_bob));
    assert!(lost(&relay.traffic()), "there was no loss: {:?}", relay.traffic());
}

#[test]
fn whoever_looks_for_servers_in_python_finds_one_that_wants_to_be_found() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let address = server.address.to_string();
    let found = Process::run(&mut script(python, "belfry_peer.py", &["--server", &address, "discover"])).objects();
    let key = server.link.rsplit('#').next();
    assert_eq!((found[0]["event"].as_str(), found[0]["key"].as_str()), (Some("here"), key));
}

#[test]
fn the_published_vectors_mean_the_same_in_python_and_come_back_byte_for_byte() {
    let Some(python) = python() else { return };
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/vectors");
    let said = Process::run(&mut script(python, "check_vectors.py", &[vectors.to_str().expect("a path")])).done();
    assert!(said.ends_with(" agree.\n"), "{said}");
}

#[test]
fn a_python_peer_that_was_cut_off_while_the_server_crashed_comes_back_and_misses_nothing() {
    let Some(python) = python() else { return };
    let mut server = Server::start();
    let relay = Relay::start(server.address, Weather::clear(), 1).expect("a relay");
    let pia = PythonPerson::register(python, relay.address(), "pia");
    let bob = server.person("bob");
    let mut listener = pia.listen(&["--renew", "1"], &[]);
    let number = server.admin().run(&["notice", "send", "--to", "user:pia", "Leave by the nearest exit."]).done();
    listener.event(|event| event["event"] == "notice" && event["state"] == "Open");
    bob.say("before");
    listener.event(|event| event["text"] == "before");

    relay.partition(true);
    server.crash_and_restart();
    bob.say("while you were away");
    server.admin().run(&["notice", "withdraw", number.trim()]).done();
    relay.partition(false);

    let (mut heard, mut withdrawn, mut again) = (Vec::new(), false, false);
    while !(withdrawn && again && !heard.is_empty()) {
        let event = listener.event(|_| true);
        withdrawn |= event["event"] == "notice" && event["state"] == "Withdrawn";
        again |= event["event"] == "connected";
        heard.extend(event["text"].as_str().map(ToOwned::to_owned));
    }
    bob.say("after");
    heard.extend(texts(&listener.events_until_message("after")));
    assert_eq!(heard, ["while you were away", "after"]);
}

#[test]
fn a_python_peer_that_knows_the_servers_old_key_is_told_the_new_one() {
    let Some(python) = python() else { return };
    let mut server = Server::start();
    let pia = PythonPerson::register(python, server.address, "pia");
    let old = server.link.rsplit('#').next().expect("a key").to_owned();
    let data = server.data();
    let rotated = Process::run(&mut belfry(["rotate-key", "--data", data.to_str().expect("a path")]));
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    server.crash_and_restart();
    let mut listener = pia.listen(&["--key", &old], &[]);
    // It comes when it comes: before the person is told that they are connected, or after.
    server.person("bob").say("ding");
    listener.event(|event| event["text"] == "ding");
    let told = listener.already().into_iter().find(|event| event["event"] == "new_server_key").expect("it is told");
    let new = told["key"].as_str().expect("a key");
    assert_eq!(new, rotated.out.trim());
    assert_ne!(new, old);
    // The new one alone is good, too, and another is none.
    pia.run_with(&["--key", new], &["history"]).done();
    let refused = pia.run_with(&["--key", &"a".repeat(52)], &["history"]);
    assert_eq!((refused.code, refused.err.as_str()), (Some(1), "belfry_peer: the server's identity has changed\n"));
}
