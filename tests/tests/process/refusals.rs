//! What cannot be done: one sentence on standard error, the exit code of the contract, and nothing has changed.

use std::net::UdpSocket;

use belfry_tests::process::{Process, Server};

#[test]
fn a_wrong_password_and_an_unknown_user_are_refused_in_the_same_words() {
    let server = Server::start();
    let mut alice = server.person("alice");
    alice.password = "a guess".into();
    let wrong = alice.run(&["who"]).refused(1);
    assert_eq!(wrong, "The account name or the password is wrong.");
    assert_eq!(server.stranger("nobody").run(&["who"]).refused(1), wrong);
}

#[test]
fn a_name_that_is_taken_is_refused_and_its_password_stays() {
    let server = Server::start();
    let alice = server.person("alice");
    for name in ["alice", "ALICE"] {
        let mut impostor = server.stranger(name);
        impostor.password = "another".into();
        assert_eq!(impostor.run(&["register"]).refused(1), "That name is taken; choose another.");
    }
    alice.say("still me");
}

#[test]
fn closed_registration_is_refused() {
    let server = Server::start_with(|command| {
        command.args(["--registration", "closed"]);
    });
    let said = server.stranger("alice").run(&["register"]).refused(1);
    assert_eq!(said, "Registration is closed on this server; ask your administrator for an account.");
    assert_eq!(server.admin().run(&["user", "list", "--json"]).objects().len(), 1);
}

#[test]
fn a_disabled_account_is_refused() {
    let server = Server::start();
    let alice = server.person("alice");
    server.admin().run(&["user", "disable", "alice"]).done();
    assert_eq!(alice.run(&["who"]).refused(1), "This account is disabled; ask your administrator.");
}

#[test]
fn an_unknown_room_or_person_is_refused() {
    let server = Server::start();
    let alice = server.person("alice");
    assert_eq!(alice.run(&["send", "--room", "attic", "hi"]).refused(1), "There is no room of that name.");
    assert_eq!(alice.run(&["history", "--room", "attic"]).refused(1), "There is no room of that name.");
    assert_eq!(alice.run(&["send", "--to", "nobody", "hi"]).refused(1), "There is no account of that name.");
}

#[test]
fn a_text_that_cannot_be_one_is_wrong_usage_and_is_not_stored() {
    let server = Server::start();
    let alice = server.person("alice");
    let oversized = "x".repeat(16 * 1024 + 1);
    for text in ["", " \n ", &oversized, "red\x1b[31m"] {
        let said = alice.run(&["send", "--room", "lobby", text]).refused(2);
        assert!(said.starts_with("TEXT cannot be ") && said.contains("the text ") && said.len() < 200, "{said}");
    }
    alice.say(&oversized[1..]);
    assert_eq!(alice.history(10), [&oversized[1..]]);
}

#[test]
fn a_member_may_not_do_what_administrators_do() {
    let server = Server::start();
    let alice = server.person("alice");
    server.person("bob");
    for command in [&["user", "list"][..], &["user", "disable", "bob"], &["user", "role", "alice", "admin"], &["status"]] {
        assert_eq!(alice.run(command).refused(1), "Only an administrator may do that.", "{command:?}");
    }
}

#[test]
fn a_server_with_another_identity_is_not_spoken_to() {
    let mut server = Server::start();
    let alice = server.person("alice");
    server.replace();
    let said = alice.run(&["register"]).refused(4);
    assert!(said.contains("identity has changed") && said.contains("known_servers"), "{said}");
    assert_eq!(server.admin().run(&["who", "--json"]).objects().len(), 1, "somebody has registered with the impostor");
}

#[test]
fn a_wrong_key_on_the_command_line_or_in_the_link_is_no_server_to_speak_to() {
    let server = Server::start();
    let mut alice = server.person("alice");
    let wrong = "a".repeat(52);
    let said = alice.run(&["who", "--server-key", &wrong]).refused(4);
    assert!(said.contains("has another key than the given one"), "{said}");
    alice.server = format!("belfry://{}/#{wrong}", server.address);
    alice.run(&["who"]).refused(4);
    alice.server = server.link.clone();
    alice.run(&["who"]).done();
}

#[test]
fn a_server_that_is_not_there_or_does_not_answer_is_given_up_in_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = Server::start();
    let mut alice = server.person("alice");
    alice.server = silent.local_addr().unwrap().to_string();
    let said = alice.run(&["who", "--connect-timeout", "1"]).refused(3);
    assert_eq!(said, format!("The server at {} cannot be reached: nothing answers there.", alice.server));
    drop(silent);
    alice.run(&["who", "--connect-timeout", "1"]).refused(3);
}

#[test]
fn a_host_that_does_not_exist_is_named() {
    let server = Server::start();
    let mut alice = server.stranger("alice");
    alice.server = "nowhere.invalid".into();
    let said = alice.run(&["who", "--connect-timeout", "1"]).refused(3);
    assert!(said.starts_with("The server at nowhere.invalid:7411 cannot be found: "), "{said}");
}

#[test]
fn without_a_password_and_a_terminal_the_three_ways_are_named() {
    let server = Server::start();
    let alice = server.stranger("alice");
    for command in ["register", "who", "chat"] {
        let said = Process::run(alice.command(&[command]).env_remove("BELFRY_PASSWORD")).refused(2);
        assert!(said.contains("BELFRY_PASSWORD") && said.contains("--password-stdin") && said.contains("terminal"), "{said}");
    }
}

#[test]
fn wrong_usage_is_explained_in_one_sentence() {
    let server = Server::start();
    let alice = server.stranger("alice");
    let wrong: &[&[&str]] = &[
        &["histroy"],
        &["send", "hi"],
        &["send", "--room", "lobby"],
        &["send", "--room", "lobby", "--to", "bob", "hi"],
        &["history", "--room", "lobby", "--limit", "0"],
        &["notice", "send", "--to", "all", "hi"],
        &["notice", "send", "--wait", "answered", "--timeout", "soon", "hi"],
        &["serve", "--listen", "localhost"],
        &["who", "--user", "a/b"],
        &["who", "--server", "a b"],
        &["who", "--server-key", "short"],
    ];
    for command in wrong {
        alice.run(command).refused(2);
    }
}

#[test]
fn of_several_names_the_unknown_one_is_named() {
    let server = Server::start();
    let (alice, _bob) = (server.person("alice"), server.person("bob"));
    let admin = server.admin();
    let unknown = "nobody: There is no account of that name.";
    assert_eq!(admin.run(&["group", "add", "nurses", "alice", "nobody", "bob"]).refused(1), unknown);
    admin.run(&["group", "add", "nurses", "alice", "bob"]).done();
    assert_eq!(admin.run(&["group", "remove", "nurses", "alice", "nobody"]).refused(1), unknown);
    let notice = ["notice", "send", "--to", "user:alice", "--to", "user:nobody", "--to", "group:nurses", "hi"];
    assert_eq!(admin.run(&notice).refused(1), unknown);
    let preview = ["notice", "preview", "--to", "user:alice", "--to", "group:surgeons"];
    assert_eq!(admin.run(&preview).refused(1), "surgeons: There is no group of that name.");
    alice.run(&["room", "create", "attic", "--private"]).done();
    assert_eq!(alice.run(&["room", "invite", "attic", "nobody", "bob", "carol"]).code, Some(1));
    server.person("bob2").run(&["room", "join", "attic"]).refused(1);
    let rooms = server.stranger("bob").run(&["room", "list"]).out;
    assert!(rooms.contains("invited  attic"), "{rooms}");
}
