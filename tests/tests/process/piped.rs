//! `chat` without a terminal: each line is one message.

use belfry_tests::process::Server;

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
