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

#[test]
fn a_reader_that_stands_still_does_not_keep_listen_from_ending() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut command = bob.command(&["listen", "--json"]);
    let mut listener = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(listener.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    // More than the pipe and the queue before it hold.
    let mut chat = alice.start(&["chat"]);
    (0..1500).for_each(|n| chat.write(&format!("line {n} {}\n", "x".repeat(200))));
    chat.end_input();
    assert_eq!(chat.finish().code, Some(0));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(listener.id() as i32), nix::sys::signal::Signal::SIGTERM).unwrap();
    soon("it ends", || listener.try_wait().unwrap().is_some());
    assert_eq!(listener.wait().unwrap().code(), Some(0));
    let said: Vec<String> = reader.lines().map_while(Result::ok).collect();
    let numbers: Vec<u64> = said.iter().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()?["seq"].as_u64()).collect();
    assert!(numbers.len() > 50 && numbers.iter().copied().eq(1..=numbers.len() as u64), "what it has said is whole and in order");
}
