//! `chat` without a terminal: each line is one message.

use belfry_tests::process::{Process, Server};

#[test]
fn a_thousand_lines_from_a_pipe_are_all_stored_in_order() {
    let server = Server::start();
    let alice = server.person("alice");
    let lines: Vec<_> = (0..1000).map(|number| format!("line {number}")).collect();
    let mut chat = alice.start(&["chat"]);
    chat.write(&lines.join("\n"));
    chat.end_input();
    assert_eq!(chat.finish().done(), "");
    assert_eq!(alice.history(2000), lines);
}

#[test]
fn a_line_that_cannot_be_a_message_is_named_and_the_others_are_sent() {
    let server = Server::start();
    let alice = server.person("alice");
    let mut chat = alice.start(&["chat"]);
    chat.write("one\n\nred\x1b[31m\ntwo\n");
    chat.end_input();
    let said = chat.finish().refused(2);
    assert!(said.starts_with("Line 3: "), "{said}");
    assert_eq!(alice.history(10), ["one", "two"]);
}

#[test]
fn direct_messages_are_for_two() {
    let server = Server::start();
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    let (mut at_bob, mut at_carol) = (bob.listen(), carol.listen());
    alice.run(&["send", "--to", "bob", "psst"]).done();
    alice.say("hello everybody");
    let heard = at_bob.events_until_message("psst").pop().unwrap();
    assert_eq!((heard["room"].as_str(), heard["from"].as_str()), (Some("@alice"), Some("alice")));
    let overheard = at_carol.events_until_message("hello everybody");
    assert!(overheard.iter().all(|event| event["text"] != "psst"), "{overheard:#?}");
}

#[test]
fn a_text_that_is_a_dash_stands_on_standard_input_behind_the_password() {
    let server = Server::start();
    let alice = server.person("alice");
    let send = |command: &mut std::process::Command, input: &str| {
        let mut process = Process::start(command);
        process.write(input);
        process.end_input();
        process.finish().done();
    };
    send(&mut alice.command(&["send", "--room", "lobby", "-"]), "one\n  two\n\n");
    let with_password = format!("{}\nthree\nfour\n", alice.password);
    send(alice.command(&["send", "--room", "lobby", "--password-stdin", "-"]).env_remove("BELFRY_PASSWORD"), &with_password);
    send(&mut alice.command(&["edit", "--room", "lobby", "#1", "-"]), "-\n");
    assert_eq!(alice.history(10), ["-", "three\nfour"]);
    let numbered = alice.run(&["history", "--room", "lobby", "--numbers"]).out;
    assert!(numbered.starts_with("#1 [") && numbered.contains("\n#2 ["), "{numbered}");
    let mut empty = Process::start(&mut alice.command(&["send", "--room", "lobby", "-"]));
    empty.end_input();
    assert!(empty.finish().refused(2).contains("on standard input cannot be sent. The text is empty."));
}
