//! `chat` on a terminal, as a person sees it.

use belfry_tests::process::{PROMPT, Person, Process, Server};

/// A person's chat, with the history shown and the prompt open.
fn chat(person: &Person) -> Process {
    let mut chat = Process::start_on_terminal(&mut person.command(&["chat"]));
    chat.line_with(PROMPT);
    chat
}

#[test]
fn the_chat_begins_with_what_was_said_before() {
    let server = Server::start();
    server.person("bob").say("earlier");
    let mut chat = Process::start_on_terminal(&mut server.person("alice").command(&["chat"]));
    chat.line_with("earlier");
    chat.line_with("/help lists the commands");
}

#[test]
fn a_line_that_is_interrupted_by_a_message_is_said_whole() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut chat = chat(&alice);
    chat.write("half a ");
    bob.say("interrupting you");
    chat.line_with("interrupting you");
    let mut listener = bob.listen();
    chat.write("sentence\r");
    listener.events_until_message("half a sentence");
}

#[test]
fn a_notice_on_the_screen_is_visible_and_can_be_answered() {
    let server = Server::start();
    let mut chat = chat(&server.person("alice"));
    let notice = ["notice", "send", "--to", "user:alice", "--answers", "Safe,Need help", "--timeout", "30s", "--wait"];
    server.admin().run(&[&notice[..], &["visible", "Fire drill."]].concat()).done();
    chat.line_with("Fire drill.");
    chat.write("/answer 1 1\r");
    chat.line_with("answered notice 1: Need help");
}

#[test]
fn own_messages_are_edited_and_deleted_by_their_number_or_the_last_one() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut listener = bob.listen();
    let mut chat = chat(&alice);
    chat.write("/delete\r");
    chat.line_with("None of your messages here has been on this screen");
    for text in ["first", "see you at five", "third"] {
        chat.write(&format!("{text}\r"));
        listener.events_until_message(text);
    }
    chat.write("/edit #2 see you at six\r");
    chat.line_with("lobby 2 is now");
    listener.line_with(r#""event":"edited","seq":2"#);
    for seq in [3, 2] {
        chat.write("/delete\r");
        listener.line_with(&format!(r#""event":"deleted","seq":{seq}"#));
    }
    chat.write("/edit only this stays\r");
    listener.line_with("only this stays");
    bob.say("bob's own");
    chat.line_with("bob's own");
    chat.write("/edit #4 not mine\r");
    chat.line_with("Only the person who wrote a message may change it.");
    chat.write("/quit\r");
    assert_eq!(chat.finish().code, Some(0));
    assert_eq!(alice.history(10), ["only this stays", "(deleted)", "(deleted)", "bob's own"]);
}

#[test]
fn who_says_that_they_are_away_is_shown_so_until_their_next_line() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut listener = bob.listen();
    let mut chat = chat(&alice);
    chat.write("/away\r");
    chat.line_with("You are shown as away until your next line.");
    listener.line_with(r#""account":"alice","presence":"away""#);
    chat.write("\r");
    listener.line_with(r#""account":"alice","presence":"online""#);
}

#[test]
fn quitting_ends_the_chat_with_0() {
    let server = Server::start();
    let mut chat = chat(&server.person("alice"));
    chat.write("/quit\r");
    assert_eq!(chat.finish().code, Some(0));
}

#[test]
fn end_of_input_and_interrupts_end_the_chat_with_0() {
    let server = Server::start();
    let alice = server.person("alice");
    for key in ["\x04", "\x03"] {
        let mut chat = chat(&alice);
        chat.write(key);
        assert_eq!(chat.finish().code, Some(0), "{key:?}");
    }
}

#[test]
fn a_line_that_is_interrupted_is_neither_sent_nor_lost() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut listener = bob.listen();
    let mut chat = chat(&alice);
    chat.write("half a thought\x03");
    chat.line_with("Arrow up brings the line back");
    chat.line_with(PROMPT);
    chat.write("\x1b[A and the rest\r");
    listener.events_until_message("half a thought and the rest");
    chat.write("another\x03");
    chat.line_with("Arrow up brings the line back");
    chat.line_with(PROMPT);
    chat.write("\x03");
    assert_eq!(chat.finish().code, Some(0));
    assert_eq!(bob.history(10), ["half a thought and the rest"]);
}

#[test]
fn a_disabled_account_leaves_the_chat_with_the_reason() {
    let server = Server::start();
    let chat = chat(&server.person("alice"));
    server.admin().run(&["user", "disable", "alice"]).done();
    let finished = chat.finish();
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.out.contains("An administrator has disabled this account."), "{finished:#?}");
}
