//! Rooms, search and altered messages, as people and scripts type them.

use belfry_tests::process::{Person, Server};

fn texts(person: &Person, room: &str) -> Vec<String> {
    let lines = person.run(&["history", "--room", room, "--json"]).objects();
    lines.iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_room_is_made_joined_talked_in_and_left() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    alice.run(&["room", "create", "attic"]).done();
    assert_eq!(alice.run(&["send", "--room", "attic", "mind the step"]).done().trim(), "1");
    assert_eq!(bob.run(&["send", "--room", "attic", "hello"]).refused(1), "You are not in that room; join it first.");
    assert_eq!(bob.run(&["history", "--room", "attic"]).refused(1), "You are not in that room; join it first.");
    bob.run(&["room", "join", "Attic"]).done();
    assert_eq!(texts(&bob, "attic"), ["mind the step"]);
    let members = bob.run(&["room", "members", "attic", "--json"]).objects();
    let names: Vec<_> = members.iter().map(|member| member["account"].as_str().unwrap()).collect();
    assert_eq!(names, ["alice", "bob"]);
    bob.run(&["room", "leave", "attic"]).done();
    assert_eq!(bob.run(&["room", "leave", "attic"]).refused(1), "You are not in that room; join it first.");
    assert_eq!(bob.run(&["room", "leave", "lobby"]).refused(1), "Everybody is in the lobby, always.");
    assert_eq!(bob.run(&["room", "join", "cellar"]).refused(1), "There is no room of that name.");
    let said = bob.run(&["room", "create", "ATTIC"]).refused(1);
    assert_eq!(said, "There is a room of that name, or of one that looks the same; choose another.");
}

#[test]
fn the_list_of_rooms_says_what_one_is_to_each() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    alice.run(&["room", "create", "attic"]).done();
    alice.run(&["room", "create", "board", "--private"]).done();
    let list = |person: &Person| -> Vec<String> {
        let rooms = person.run(&["room", "list", "--json"]).objects();
        rooms.iter().map(|room| format!("{} {} {} {}", room["room"], room["private"], room["members"], room["standing"])).collect()
    };
    let lobby = r#""lobby" false 3 "inside""#;
    assert_eq!(list(&alice), [r#""attic" false 1 "inside""#, r#""board" true 1 "inside""#, lobby]);
    assert_eq!(list(&bob), [r#""attic" false 1 "outside""#, lobby]);
    assert!(bob.run(&["room", "list"]).done().contains("outside  attic (1)"));
}

#[test]
fn a_private_room_is_joined_by_invitation() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut listener = bob.listen();
    alice.run(&["room", "create", "board", "--private"]).done();
    let said = bob.run(&["room", "join", "board"]).refused(1);
    assert_eq!(said, "That room is private; one of its members has to invite you.");
    assert_eq!(alice.run(&["room", "invite", "board", "nobody"]).refused(1), "There is no account of that name.");
    alice.run(&["room", "invite", "board", "bob"]).done();
    listener.line_with(r#"{"event":"invited","room":"board","by":"alice"}"#);
    bob.run(&["room", "join", "board"]).done();
    listener.line_with(r#"{"event":"joined","room":"board"}"#);
    alice.run(&["send", "--room", "board", "among us"]).done();
    listener.line_with("among us");
    bob.run(&["room", "leave", "board"]).done();
    listener.line_with(r#"{"event":"left","room":"board"}"#);
    bob.run(&["room", "join", "board"]).refused(1);
    server.admin().run(&["room", "invite", "board", "bob"]).done();
    bob.run(&["room", "join", "board"]).done();
    let audit = server.admin().run(&["audit", "--json"]).objects();
    assert_eq!((audit[0]["act"].as_str(), audit[0]["object"].as_str()), (Some("room.invite"), Some("board")));
}

#[test]
fn a_search_finds_what_one_may_read_in_any_script() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    alice.run(&["room", "create", "board", "--private"]).done();
    alice.run(&["send", "--room", "board", "the ladder is sold"]).done();
    alice.run(&["send", "--to", "bob", "Where is the LADDER?"]).done();
    alice.say("明天下午三点开会");
    let found = |person: &Person, arguments: &[&str]| -> Vec<String> {
        let hits = person.run(&[&["search", "--json"], arguments].concat()).objects();
        hits.iter().map(|hit| format!("{} {}", hit["room"].as_str().unwrap(), hit["text"].as_str().unwrap())).collect()
    };
    assert_eq!(found(&alice, &["ladder"]), ["@bob Where is the LADDER?", "board the ladder is sold"]);
    assert_eq!(found(&bob, &["ladder"]), ["@alice Where is the LADDER?"]);
    assert_eq!(found(&alice, &["ladder", "--room", "board"]), ["board the ladder is sold"]);
    assert_eq!(found(&bob, &["三点开"]), ["lobby 明天下午三点开会"]);
    assert_eq!(found(&bob, &["开会"]), ["lobby 明天下午三点开会"], "two letters");
    assert_eq!(found(&bob, &["no such thing"]), [""; 0]);
    let said = bob.run(&["search", "ladder", "--room", "board"]).refused(1);
    assert_eq!(said, "That room is private; one of its members has to invite you.");
    bob.run(&["search", " "]).refused(2);
    bob.run(&["search", "x", "--before", "3"]).refused(2);
    bob.run(&["search", "x", "--limit", "0"]).refused(2);
    assert!(alice.run(&["search", "ladder", "--limit", "1"]).err.contains("There is more"));
}

#[test]
fn a_message_is_edited_and_deleted_by_its_author_and_administrators_see_what_it_said() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let mut listener = bob.listen();
    alice.say("rude words");
    alice.say("see you at five");
    alice.run(&["edit", "--room", "lobby", "2", "see you at six"]).done();
    listener.line_with(r#""event":"edited","seq":2"#);
    alice.run(&["delete", "--room", "lobby", "1"]).done();
    listener.line_with(r#""event":"deleted","seq":1"#);
    let history = bob.run(&["history", "--room", "lobby", "--json"]).objects();
    assert_eq!(history[0]["text"], "(deleted)");
    assert!(history[0]["deleted_at"].is_string() && history[0]["edited_at"].is_null());
    assert_eq!(history[1]["text"], "see you at six");
    assert!(history[1]["edited_at"].is_string() && history[1]["deleted_at"].is_null());
    assert!(bob.run(&["history", "--room", "lobby"]).done().contains("see you at six (edited)"));
    assert_eq!(bob.run(&["edit", "--room", "lobby", "2", "never"]).refused(1), "Only the person who wrote a message may change it.");
    assert_eq!(bob.run(&["delete", "--room", "lobby", "9"]).refused(1), "There is no such message.");
    assert_eq!(alice.run(&["originals", "--room", "lobby", "1"]).refused(1), "Only an administrator may do that.");
    let originals = server.admin().run(&["originals", "--room", "lobby", "1", "--json"]).objects();
    assert_eq!((originals[0]["from"].as_str(), originals[0]["text"].as_str()), (Some("alice"), Some("rude words")));
    alice.run(&["send", "--to", "bob", "psst"]).done();
    alice.run(&["edit", "--to", "bob", "1", "hello"]).done();
    let between = server.admin().run(&["originals", "--between", "bob", "alice", "1"]).done();
    assert!(between.ends_with("alice: psst\n"), "{between}");
    let audit = server.admin().run(&["audit", "--json"]).objects();
    let acts: Vec<_> = audit.iter().map(|line| line["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["message.originals", "message.originals"]);
    server.admin().run(&["originals", "1"]).refused(2);
}

#[test]
fn a_name_that_looks_like_anothers_is_refused() {
    let server = Server::start();
    server.person("alice");
    for name in ["a1ice", "аlice", "AIice"] {
        assert_eq!(server.stranger(name).run(&["register"]).refused(1), "That name is taken; choose another.", "{name}");
    }
}

#[test]
fn a_member_exports_the_rooms_they_are_in_and_a_notice_to_a_room_reaches_its_members() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    alice.run(&["room", "create", "attic"]).done();
    alice.run(&["send", "--room", "attic", "mind the step"]).done();
    assert_eq!(alice.run(&["export", "--room", "attic", "--format", "jsonl"]).objects().len(), 1);
    bob.run(&["export", "--room", "attic", "--format", "jsonl"]).refused(1);
    let number = server.admin().run(&["notice", "send", "--to", "room:attic", "Sweep it."]).done();
    let ledger = server.admin().run(&["notice", "status", number.trim(), "--json"]).objects();
    assert_eq!((ledger[0]["audience"].as_u64(), ledger[1]["account"].as_str()), (Some(1), Some("alice")));
}
