//! What 0.1.0 has left on the disks of a house: the data folder, the configuration and the keys that its clients remember.

use std::fs;
use std::path::{Path, PathBuf};

use belfry_tests::process::{Person, Server, texts};
use serde_json::json;
use tempfile::TempDir;

/// The files that 0.1.0 has made, and how.
fn left(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("house-0.1.0").join(name)
}

fn house() -> Server {
    Server::start_from(&left("data"), |_| {})
}

/// Somebody with the password that they had.
fn known(server: &Server, name: &str) -> Person {
    let password = if name == "admin" { "admin-password-1".to_owned() } else { format!("pw-{name}-1234") };
    let mut person = server.stranger(name);
    person.password = password;
    person
}

#[test]
fn its_people_sign_in_and_read_what_was_said() {
    let server = house();
    let alice = known(&server, "alice");
    assert_eq!(alice.history(10), ["Good morning", "ΟΔΟΣ and Nguyễn and fé", "打印机好了", "right word", "(deleted)"]);
    assert_eq!(texts(&alice.run(&["history", "--to", "bob", "--json"]).objects()), ["between us"]);
    assert_eq!(texts(&alice.run(&["history", "--room", "Secret", "--json"]).objects()), ["only us"]);
    assert_eq!(alice.run(&["search", "打印机", "--json"]).objects().len(), 1);
    assert_eq!(known(&server, "王伟").run(&["send", "--room", "lobby", "later"]).done(), "6\n");
    assert_eq!(known(&server, "carol").run(&["who"]).code, Some(1), "she was shut out and still is");
}

#[test]
fn its_notices_have_their_ledger_their_schedules_and_their_groups() {
    let server = house();
    let admin = known(&server, "admin");
    let people = admin.run(&["notice", "status", "1", "--json"]).objects();
    let of = |name: &str| people.iter().find(|line| line["account"] == name).unwrap_or_else(|| panic!("{name} in {people:?}")).clone();
    assert_eq!(of("alice")["answer"], json!("Safe"));
    assert_eq!(of("bob")["answer"], json!(null));
    assert_eq!(admin.run(&["notice", "list", "--json"]).objects().len(), 3);
    assert_eq!(admin.run(&["notice", "scheduled", "--json"]).objects().len(), 2);
    assert_eq!(admin.run(&["notice", "template", "list", "--json"]).objects().len(), 1);
    assert_eq!(admin.run(&["group", "list", "Wardens", "--json"]).objects().len(), 2);
    assert!(admin.run(&["audit", "--json"]).objects().iter().any(|act| act["act"] == "user.disable"));
}

#[test]
fn its_key_is_the_one_that_its_clients_remember() {
    let server = house();
    let profile = TempDir::new().unwrap();
    let remembered = fs::read_to_string(left("known_servers")).unwrap();
    let key = remembered.split_whitespace().nth(1).unwrap();
    assert!(server.link.ends_with(&format!("#{key}")), "{} and {remembered}", server.link);
    let its_port = format!("127.0.0.1:{}", remembered.split([':', ' ']).nth(1).unwrap());
    let moved = remembered.replace(&its_port, &server.address.to_string());
    fs::write(profile.path().join("known_servers"), &moved).unwrap();
    let alice = known(&server, "alice");
    let said = belfry_tests::process::Process::run(alice.command(&["who"]).env("BELFRY_PROFILE", profile.path()));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "nothing new is to be trusted");
    assert_eq!(fs::read_to_string(profile.path().join("known_servers")).unwrap(), moved);
}

#[test]
fn its_configuration_is_understood() {
    let server = Server::start_from(&left("data"), |command| {
        command.arg("--config").arg(left("belfry.toml"));
    });
    assert_eq!(known(&server, "alice").history(1), ["(deleted)"]);
}
