//! `chat` on a terminal, as a person sees it.

use belfry_tests::process::{PROMPT, Person, Process, Server, soon};

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
fn of_lines_that_are_pasted_at_once_none_is_lost() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut chat = chat(&alice);
    // More than the terminal and the editor hold, by a terminal that does not say that it pastes, from Windows and from elsewhere.
    let lines: Vec<String> = (0..80).map(|n| format!("line {n} of what was pasted: {}", "and so on ".repeat(1 + n % 20))).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    chat.write(&lines.iter().enumerate().map(|(n, line)| format!("{line}{}", ["\r", "\r\n", "\n"][n % 3])).collect::<String>());
    bob.say("interrupting the paste");
    chat.write("/quit\r");
    assert_eq!(chat.finish().code, Some(0));
    let said = alice.history(100);
    assert_eq!(said.iter().filter(|text| text.starts_with("line")).collect::<Vec<_>>(), lines.iter().collect::<Vec<_>>());
    assert_eq!(said.len(), lines.len() + 1);
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_is_chatted_on_line_by_line() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut chat = Process::start_on_terminal_called(&mut alice.command(&["chat"]), "dumb");
    chat.line_with("/help lists the commands");
    bob.say("are you there?");
    let line = chat.line_with("are you there?");
    assert!(!line.contains('\x1b'), "{line:?}");
    chat.write("yes\nin Emacs\n/quit\n");
    assert_eq!(chat.finish().code, Some(0));
    assert_eq!(alice.history(10), ["are you there?", "yes", "in Emacs"]);
}

#[test]
fn what_is_typed_in_another_encoding_is_said_to_be_and_neither_sent_nor_the_end_of_the_chat() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut chat = chat(&alice);
    // Latin-1, as it comes from a keyboard: what follows the letter is typed later.
    chat.write_bytes(b"gr\xfc");
    chat.line_with("stands for what is not UTF-8");
    chat.line_with(PROMPT);
    chat.write("sse\r");
    chat.line_with("not sent: The text is not UTF-8");
    chat.write("Grüße\r/quit\r");
    assert_eq!(chat.finish().code, Some(0));
    let mut plain = Process::start_on_terminal_called(&mut bob.command(&["chat"]), "dumb");
    plain.line_with("/help lists the commands");
    plain.write_bytes(b"gr\xfc\xdfe\n");
    plain.line_with("not sent: The text is not UTF-8");
    plain.write("/quit\n");
    assert_eq!(plain.finish().code, Some(0));
    assert_eq!(alice.history(10), ["Grüße"]);
}

#[test]
fn a_terminal_is_given_back_as_it_was_found() {
    use nix::sys::termios::tcgetattr;

    let server = Server::start();
    let alice = server.person("alice");
    let terminal = nix::pty::openpty(None, None).unwrap();
    let side = || std::process::Stdio::from(terminal.slave.try_clone().unwrap());
    let found = tcgetattr(&terminal.slave).unwrap();
    let mut command = alice.command(&["chat"]);
    let mut chat = command.env("TERM", "xterm").stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
    let is_raw = |wanted: bool| tcgetattr(&terminal.slave).unwrap().local_flags.contains(nix::sys::termios::LocalFlags::ICANON) != wanted;
    soon("the prompt is open", || is_raw(true));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(chat.id() as i32), nix::sys::signal::Signal::SIGTERM).unwrap();
    soon("it has ended", || chat.try_wait().unwrap().is_some());
    assert_eq!(tcgetattr(&terminal.slave).unwrap(), found);
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
    let mut listener = bob.listen_with(&["--presence"]);
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
