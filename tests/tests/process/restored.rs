//! A backup is put back while people's programs run on: what has the numbers of something old is new all the same.

use std::path::Path;

use belfry_tests::process::{Finished, Process, Server, belfry, soon, texts};
use serde_json::Value;

/// A command on a data folder, run to its end.
fn on(data: &Path, command: &str, file: &Path) -> Finished {
    Process::run(belfry([command]).arg(file).arg("--data").arg(data))
}

/// Stops the server, puts the backup back and starts it at the same address.
fn go_back(server: Server, backup: &Path) -> Server {
    let data = server.data();
    server.restart_after(|| drop(on(&data, "restore", backup).done()))
}

fn of(kind: &str, events: &[Value]) -> Vec<Value> {
    events.iter().filter(|event| event["event"] == kind).cloned().collect()
}

#[test]
fn a_listener_hears_everything_that_is_said_and_told_after_a_restore() {
    let server = Server::start();
    let (admin, bob) = (server.admin(), server.person("bob"));
    let backup = server.data().with_file_name("monday");
    let mut listener = server.person("alice").listen();
    bob.say("m1");
    on(&server.data(), "backup", &backup).done();
    bob.say("m2");
    bob.say("m3");
    admin.run(&["notice", "send", "the old one"]).done();
    listener.event(|event| event["event"] == "notice");
    let server = go_back(server, &backup);
    for text in ["new2", "new3", "new4"] {
        bob.say(text);
    }
    admin.run(&["notice", "send", "the new one"]).done();
    listener.events_until_message("new4");
    let is_new = |event: &Value| event["event"] == "notice" && event["body"] == "the new one";
    if !listener.already().iter().any(is_new) {
        listener.event(is_new);
    }
    let events = listener.already();
    assert_eq!(texts(&of("message", &events)), ["m1", "m2", "m3", "new2", "new3", "new4"]);
    assert_eq!(of("notice", &events).iter().map(|event| &event["state"]).collect::<Vec<_>>(), ["open", "open"], "nobody has withdrawn any");
    soon("the ledger says that it has reached her", || {
        let ledger = admin.run(&["notice", "status", "1", "--json"]).objects();
        ledger.iter().any(|line| line["account"] == "alice" && !line["reached_at"].is_null())
    });
    drop(server);
}

#[test]
fn a_room_that_has_the_number_of_one_that_is_no_more_is_not_called_a_renamed_one() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let backup = server.data().with_file_name("monday");
    on(&server.data(), "backup", &backup).done();
    let mut listener = alice.listen();
    alice.run(&["room", "create", "oldroom"]).done();
    alice.run(&["send", "--room", "oldroom", "in the old one"]).done();
    listener.events_until_message("in the old one");
    let server = go_back(server, &backup);
    bob.run(&["room", "create", "board"]).done();
    alice.run(&["room", "join", "board"]).done();
    for text in ["first", "second"] {
        bob.run(&["send", "--room", "board", text]).done();
    }
    let events = listener.events_until_message("second");
    assert_eq!(texts(&of("message", &events)), ["first", "second"]);
    assert_eq!(of("renamed", &events), [Value::Null; 0]);
    drop(server);
}
