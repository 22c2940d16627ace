//! Looking after rooms: putting people out, another name, closing one, how long its messages are kept.

use belfry_tests::process::{Person, Process, Server, soon};

const NOT_YOURS: &str = "Only the person who made a room, while they are in it, or an administrator may do that.";

fn rooms(person: &Person) -> Vec<String> {
    let rooms = person.run(&["room", "list", "--json"]).objects();
    rooms.iter().map(|room| room["room"].as_str().unwrap().to_owned()).collect()
}

fn acts(server: &Server) -> Vec<String> {
    let audit = server.admin().run(&["audit", "--json"]).objects();
    audit.iter().map(|line| format!("{} {} {}", line["act"], line["object"], line["detail"]).replace('"', "")).collect()
}

#[test]
fn who_is_put_out_of_a_room_hears_it_and_reads_nothing_more() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    alice.run(&["room", "create", "attic"]).done();
    bob.run(&["room", "join", "attic"]).done();
    assert_eq!(bob.run(&["room", "remove", "attic", "alice"]).refused(1), NOT_YOURS);
    let mut listener = bob.listen();
    alice.run(&["room", "remove", "attic", "bob"]).done();
    listener.line_with(r#"{"event":"left","room":"attic"}"#);
    assert_eq!(bob.run(&["history", "--room", "attic"]).refused(1), "You are not in that room; join it first.");
    let said = alice.run(&["room", "remove", "attic", "bob"]).refused(1);
    assert_eq!(said, "That person is not in the room, and not invited to it.");
    let said = server.admin().run(&["room", "remove", "lobby", "bob"]).refused(1);
    assert_eq!(said, "The lobby stays as it is; only how long its messages are kept can be changed.");
    alice.run(&["room", "remove", "attic"]).refused(2);
    server.admin().run(&["room", "remove", "attic", "alice"]).done();
    assert_eq!(acts(&server), ["room.remove attic alice"], "what an owner does is no administrator's act");
}

#[test]
fn a_room_gets_another_name_and_keeps_what_was_said() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    alice.run(&["room", "create", "attic"]).done();
    bob.run(&["room", "join", "attic"]).done();
    alice.run(&["send", "--room", "attic", "mind the step"]).done();
    assert_eq!(bob.run(&["room", "rename", "attic", "loft"]).refused(1), NOT_YOURS);
    let said = alice.run(&["room", "rename", "attic", "l0bby"]).refused(1);
    assert_eq!(said, "There is a room of that name, or of one that looks the same; choose another.");
    let mut listener = bob.listen();
    alice.run(&["room", "rename", "attic", "loft"]).done();
    listener.line_with(r#"{"event":"renamed","room":"attic","to":"loft"}"#);
    alice.run(&["send", "--room", "loft", "and the beam"]).done();
    listener.line_with(r#""room":"loft","from":"alice","text":"and the beam""#);
    assert_eq!(bob.run(&["history", "--room", "loft", "--json"]).objects().len(), 2);
    assert_eq!(bob.run(&["history", "--room", "attic"]).refused(1), "There is no room of that name.");
    bob.run(&["room", "create", "attic"]).done();
    assert_eq!(rooms(&bob), ["attic", "lobby", "loft"]);
}

#[test]
fn a_closed_room_is_gone_for_everybody_and_administrators_still_export_it() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    alice.run(&["room", "create", "attic"]).done();
    bob.run(&["room", "join", "attic"]).done();
    alice.run(&["send", "--room", "attic", "mind the step"]).done();
    assert_eq!(bob.run(&["room", "delete", "attic"]).refused(1), NOT_YOURS);
    server.admin().run(&["room", "delete", "lobby"]).refused(1);
    let mut listener = bob.listen();
    alice.run(&["room", "delete", "attic"]).done();
    listener.line_with(r#"{"event":"left","room":"attic"}"#);
    assert_eq!(alice.run(&["room", "delete", "attic"]).refused(1), "There is no room of that name.");
    assert_eq!(rooms(&alice), ["lobby"]);
    assert!(alice.run(&["search", "--json", "step"]).objects().is_empty());
    assert!(alice.run(&["export", "--all", "--format", "jsonl"]).objects().is_empty());
    let exported = server.admin().run(&["export", "--all", "--format", "jsonl"]).objects();
    assert_eq!((exported[0]["room"].as_str(), exported[0]["text"].as_str()), (Some("attic"), Some("mind the step")));
    bob.run(&["room", "create", "attic"]).done();
    assert!(bob.run(&["history", "--room", "attic", "--json"]).objects().is_empty());
    server.admin().run(&["room", "delete", "attic"]).done();
    assert_eq!(acts(&server), ["export everything ", "room.delete attic "]);
}

#[test]
fn a_rooms_own_retention_goes_over_the_servers_also_after_a_restart() {
    let mut server = Server::start_with(|command| {
        command.args(["--messages-per-conversation", "4"]);
    });
    let (admin, alice) = (server.admin(), server.person("alice"));
    for room in ["short", "whole"] {
        alice.run(&["room", "create", room]).done();
        let mut chat = Process::start(&mut alice.command(&["chat", "--room", room]));
        chat.write("one\ntwo\nthree\nfour\nfive\nsix\n");
        chat.end_input();
        chat.finish().done();
    }
    assert_eq!(alice.run(&["room", "keep", "short", "--messages", "2"]).refused(1), "Only an administrator may do that.");
    assert_eq!(admin.run(&["room", "keep", "cellar", "--messages", "2"]).refused(1), "There is no room of that name.");
    admin.run(&["room", "keep", "short", "--messages", "0"]).refused(2);
    admin.run(&["room", "keep", "short", "--age", "soon"]).refused(2);
    assert_eq!(admin.run(&["room", "keep", "whole"]).done(), "age default, messages default\n");
    admin.run(&["room", "keep", "whole", "--messages", "all", "--age", "forever"]).done();
    let said = admin.run(&["room", "keep", "short", "--messages", "2"]).refused(2);
    assert!(said.starts_with("This deletes ") && said.contains(" messages in short at once") && said.contains("--yes"), "{said}");
    assert!(admin.run(&["room", "keep", "short", "--age", "30m"]).refused(2).starts_with("The age is 30 minutes. This deletes 0 of the "));
    admin.run(&["room", "keep", "short", "--messages", "2", "--yes"]).done();
    let count = |room: &str| alice.run(&["history", "--room", room, "--json"]).objects().len();
    soon("two messages are kept", || count("short") == 2);
    assert_eq!(count("whole"), 6);
    server.crash_and_restart();
    let listed = alice.run(&["room", "list", "--json"]).objects();
    let kept: Vec<_> = listed.iter().map(|room| (room["room"].as_str().unwrap(), &room["message_age"], &room["messages_kept"])).collect();
    let (none, forever) = (serde_json::Value::Null, "forever".into());
    assert_eq!(kept, [("lobby", &none, &none), ("short", &none, &2.into()), ("whole", &forever, &0.into())]);
    assert_eq!(acts(&server)[1], "room.keep short kept the newest 2");
}

#[test]
fn an_administrator_keeps_a_private_room_that_they_are_not_in() {
    let server = Server::start();
    let (admin, alice) = (server.admin(), server.person("alice"));
    alice.run(&["room", "create", "board", "--private"]).done();
    assert_eq!(admin.run(&["room", "keep", "board"]).done(), "age default, messages default\n");
    admin.run(&["room", "keep", "board", "--messages", "9223372036854775807"]).done();
    admin.run(&["room", "keep", "board", "--age", "30d"]).done();
    let kept = "age 30d, messages 9223372036854775807\n";
    assert_eq!(admin.run(&["room", "keep", "board"]).done(), kept);
    assert_eq!(alice.run(&["room", "keep", "board"]).done(), kept, "who is in it sees it");
    assert!(admin.run(&["room", "keep", "board", "--messages", "9223372036854775808"]).refused(2).contains("give a smaller number"));
    assert_eq!(acts(&server).len(), 2, "and asking is no act");
}

#[test]
fn what_is_planned_for_a_room_is_not_left_with_nobody_without_a_word() {
    let server = Server::start();
    let (admin, carol) = (server.admin(), server.person("carol"));
    carol.run(&["room", "create", "solo"]).done();
    admin.run(&["notice", "send", "--at", "2099-01-01T08:00:00Z", "--to", "room:solo", "--title", "Tea", "At four."]).done();
    let said = admin.run(&["room", "remove", "solo", "carol"]).refused(2);
    assert_eq!(said, "This stops 1 scheduled notice: 1 (Tea). Confirm it with --yes.");
    carol.run(&["room", "leave", "solo"]).done();
    carol.run(&["room", "join", "solo"]).done();
    admin.run(&["room", "remove", "solo", "carol", "--yes"]).done();
    let stopped = "notice.stopped schedule 1 solo: nobody is left whom it is for";
    assert_eq!(acts(&server).iter().filter(|act| *act == stopped).count(), 2);
}
