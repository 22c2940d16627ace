//! How commands end that run until something ends them.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use belfry_tests::process::{Server, soon};

#[test]
fn a_polite_kill_ends_listen_with_0() {
    let server = Server::start();
    let listener = server.person("bob").listen();
    listener.terminate();
    assert_eq!(listener.finish().done(), "{\"event\":\"connected\"}\n");
}

#[test]
fn a_reader_that_has_seen_enough_ends_listen_quietly() {
    let server = Server::start();
    let bob = server.person("bob");
    let mut command = bob.command(&["listen", "--json"]);
    let mut listener = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(listener.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    let alice = server.person("alice");
    // Each message makes it write once more.
    soon("it ends without a reader", || {
        alice.say("anybody there?");
        listener.try_wait().unwrap().is_some()
    });
    let finished = listener.wait_with_output().unwrap();
    assert_eq!((finished.status.code(), finished.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_listener_is_polite_also_while_the_server_is_away() {
    let server = Server::start();
    let mut listener = server.person("bob").listen();
    let (..) = server.stop();
    listener.event(|event| event["event"] == "disconnected");
    listener.terminate();
    assert_eq!(listener.finish().code, Some(0));
}
