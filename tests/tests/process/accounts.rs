//! Accounts as administrators keep them, and who is here.

use belfry_tests::process::{Finished, Person, Process, Server};

/// Runs a command that takes a new password.
fn with_new_password(person: &Person, arguments: &[&str], password: &str) -> Finished {
    Process::run(person.command(arguments).env("BELFRY_NEW_PASSWORD", password))
}

#[test]
fn an_added_account_can_sign_in_and_has_its_role() {
    let server = Server::start();
    with_new_password(&server.admin(), &["user", "add", "eve", "--role", "admin"], "eve's secret").done();
    let list = server.stranger("eve").run(&["user", "list", "--json"]).objects();
    let roles: Vec<_> = list.iter().map(|account| (account["account"].as_str().unwrap(), account["role"].as_str().unwrap())).collect();
    assert_eq!(roles, [("admin", "admin"), ("eve", "admin")]);
}

#[test]
fn a_new_password_replaces_the_old_one() {
    let server = Server::start();
    let mut alice = server.person("alice");
    with_new_password(&alice, &["user", "password", "alice"], "a better one").done();
    alice.run(&["who"]).refused(1);
    alice.password = "a better one".into();
    alice.run(&["who"]).done();
    with_new_password(&server.admin(), &["user", "password", "alice"], "from the administrator").done();
    alice.password = "from the administrator".into();
    alice.run(&["who"]).done();
}

#[test]
fn a_new_password_ends_the_accounts_sessions_unless_told_otherwise() {
    let server = Server::start();
    let mut alice = server.person("alice");
    let mut listener = alice.listen();
    with_new_password(&server.admin(), &["user", "password", "--keep-sessions", "alice"], "first").done();
    alice.password = "first".into();
    alice.say("still here");
    listener.line_with("still here");
    with_new_password(&alice, &["user", "password", "alice"], "second").done();
    let ended = |finished: Finished| (finished.code, finished.err);
    let expected = (Some(1), "belfry: The password of this account was changed; sign in with the new one.\n".to_owned());
    assert_eq!(ended(listener.finish()), expected);
    alice.password = "second".into();
    let listener = alice.listen();
    with_new_password(&server.admin(), &["user", "password", "alice"], "third").done();
    assert_eq!(ended(listener.finish()), expected);
    let audit = server.admin().run(&["audit", "--json"]).objects();
    let details: Vec<_> = audit.iter().map(|line| line["detail"].as_str().unwrap()).collect();
    assert_eq!(details, ["sessions go on", ""], "what alice did herself is her own affair");
}

#[test]
fn both_passwords_can_come_from_standard_input() {
    let server = Server::start();
    let alice = server.person("alice");
    let mut change = Process::start(alice.command(&["user", "password", "alice", "--password-stdin"]).env_remove("BELFRY_PASSWORD"));
    change.write("alice's secret\na better one\n");
    change.end_input();
    change.finish().done();
    alice.run(&["who"]).refused(1);
}

#[test]
fn a_role_given_and_taken_decides_at_once_what_one_may_do() {
    let server = Server::start();
    let alice = server.person("alice");
    server.admin().run(&["user", "role", "alice", "admin"]).done();
    alice.run(&["status"]).done();
    server.admin().run(&["user", "role", "alice", "member"]).done();
    alice.run(&["status"]).refused(1);
}

#[test]
fn a_disabled_accounts_session_ends_at_once_with_the_reason() {
    let server = Server::start();
    let alice = server.person("alice");
    let listener = alice.listen();
    server.admin().run(&["user", "disable", "alice"]).done();
    let finished = listener.finish();
    assert_eq!((finished.code, finished.err.as_str()), (Some(1), "belfry: An administrator has disabled this account.\n"));
    assert!(!finished.out.contains("disconnected"), "{finished:#?}");
}

#[test]
fn an_enabled_account_is_let_in_again_and_finds_its_history() {
    let server = Server::start();
    let alice = server.person("alice");
    alice.say("before");
    for (command, disabled) in [("disable", true), ("enable", false)] {
        server.admin().run(&["user", command, "alice"]).done();
        let list = server.admin().run(&["user", "list", "--json"]).objects();
        assert_eq!((list[1]["account"].as_str(), list[1]["disabled"].as_bool()), (Some("alice"), Some(disabled)));
    }
    assert_eq!(alice.history(10), ["before"]);
}

#[test]
fn the_last_administrator_stays_one() {
    let server = Server::start();
    for command in [&["user", "disable", "admin"][..], &["user", "role", "admin", "member"]] {
        let said = server.admin().run(command).refused(1);
        assert!(said.starts_with("That is the last administrator"), "{said}");
    }
}

#[test]
fn who_names_everybody_and_says_who_is_here() {
    let server = Server::start();
    let _listener = server.person("bob").listen();
    let who = server.person("alice").run(&["who", "--json"]).objects();
    let people: Vec<_> = who.iter().map(|person| (person["account"].as_str().unwrap(), person["presence"].as_str().unwrap())).collect();
    assert_eq!(people, [("admin", "offline"), ("alice", "online"), ("bob", "online")]);
}

#[test]
fn the_status_counts_what_has_happened() {
    let server = Server::start();
    let bob = server.person("bob");
    let _listener = bob.listen();
    bob.say("one");
    let status = server.admin().run(&["status", "--json"]).objects().remove(0);
    let counts = ["accounts", "messages", "people_online"].map(|count| status[count].as_u64());
    assert_eq!(counts, [Some(2), Some(1), Some(2)], "{status}");
    for count in ["datagrams_received", "datagrams_sent", "handshakes", "database_bytes", "receive_buffer_bytes"] {
        assert!(status[count].as_u64() > Some(0), "{count}: {status}");
    }
}

#[test]
fn the_lists_for_people_have_a_line_each() {
    let server = Server::start();
    server.person("alice");
    let admin = server.admin();
    assert_eq!(admin.run(&["user", "list"]).done().lines().count(), 2);
    assert_eq!(admin.run(&["who"]).done().lines().filter(|line| line.ends_with("admin") || line.contains("alice")).count(), 2);
    assert!(admin.run(&["status"]).done().contains("people online"));
}

#[test]
fn who_disables_their_own_account_is_told_that_it_is_done() {
    let server = Server::start();
    with_new_password(&server.admin(), &["user", "add", "eve", "--role", "admin"], "eve's secret").done();
    let mut eve = server.stranger("eve");
    eve.password = "eve's secret".into();
    let finished = eve.run(&["user", "disable", "EVE"]);
    assert_eq!((finished.code, finished.err.as_str()), (Some(0), ""));
    assert_eq!(eve.run(&["who"]).refused(1), "This account is disabled; ask your administrator.");
}
