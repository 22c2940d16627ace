//! A notice goes out, and the administrator sees who has had it.

use std::process::Stdio;

use belfry_tests::process::{Process, Server};

/// A server and three people who listen in this way.
fn three_listeners(more: &[&[&str]; 3]) -> (Server, Vec<Process>) {
    let server = Server::start();
    let names = ["alice", "bob", "carol"];
    let listeners = names.iter().zip(more).map(|(name, more)| server.person(name).listen_with(more)).collect();
    (server, listeners)
}

const ACKNOWLEDGES: &[&str] = &["--acknowledge"];

#[test]
fn a_notice_that_everybody_answers_ends_the_wait_and_its_status_says_who_and_when() {
    let (server, _listeners) = three_listeners(&[ACKNOWLEDGES; 3]);
    let sent = server.admin().run(&[
        "notice",
        "send",
        "--severity",
        "critical",
        "--yes",
        "--title",
        "Fire drill",
        "--to",
        "everyone",
        "--answers",
        "Safe,Need help",
        "--wait",
        "answered",
        "--timeout",
        "30s",
        "Leave by the nearest exit.",
    ]);
    let number = sent.done();
    let status = server.admin().run(&["notice", "status", number.trim(), "--json"]).objects();
    let totals = ["audience", "reached", "visible", "answered"].map(|count| status[0][count].as_u64());
    assert_eq!((status[0]["title"].as_str(), totals), (Some("Fire drill"), [Some(3); 4]));
    let people: Vec<_> = status[1..].iter().map(|person| (person["account"].as_str(), person["answer"].as_str())).collect();
    assert_eq!(people, ["alice", "bob", "carol"].map(|name| (Some(name), Some("Safe"))));
    for person in &status[1..] {
        let [reached, visible, answered] = ["reached_at", "visible_at", "answered_at"].map(|at| person[at].as_str().unwrap());
        assert!(reached <= visible && visible <= answered && answered.ends_with('Z'), "{person}");
    }
}

#[test]
fn a_notice_that_one_does_not_answer_exits_3_and_names_that_person() {
    let (server, _listeners) = three_listeners(&[ACKNOWLEDGES, &[], ACKNOWLEDGES]);
    let sent =
        server.admin().run(&["notice", "send", "--title", "Drill", "--to", "everyone", "--wait", "answered", "--timeout", "3s", "Leave."]);
    assert_eq!((sent.code, sent.out.as_str()), (Some(3), "1\n"), "{sent:#?}");
    let lines: Vec<_> = sent.err.lines().collect();
    assert_eq!(lines[0], "belfry: Time ran out: 1 of 3 people have not answered.");
    assert!(lines.len() == 2 && lines[1].starts_with("  bob: reached at "), "{lines:#?}");
}

#[test]
fn a_wait_goes_on_where_nobody_reads_the_notices_number_any_more() {
    let (server, _listeners) = three_listeners(&[ACKNOWLEDGES, &[], ACKNOWLEDGES]);
    let (reader, unread) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = server.admin().command(&["notice", "send", "--to", "everyone", "--wait", "answered", "--timeout", "2s", "Leave."]);
    let ended = command.stdin(Stdio::null()).stdout(unread).stderr(Stdio::null()).status().unwrap();
    assert_eq!(ended.code(), Some(3));
}

#[test]
fn whoever_was_offline_gets_the_notice_when_they_next_connect() {
    let server = Server::start();
    let bob = server.person("bob");
    let number = server.admin().run(&["notice", "send", "--to", "user:bob", "The printer is back."]).done();
    let notice = bob.listen_with(ACKNOWLEDGES).event(|event| event["event"] == "notice");
    assert_eq!((notice["id"].to_string(), notice["body"].as_str()), (number.trim().to_owned(), Some("The printer is back.")));
    assert_eq!(notice["answers"][0], "Acknowledge");
}

#[test]
fn the_list_of_notices_has_the_newest_first() {
    let server = Server::start();
    server.person("bob");
    for body in ["first", "second"] {
        server.admin().run(&["notice", "send", body]).done();
    }
    let list = server.admin().run(&["notice", "list", "--json"]).objects();
    let bodies: Vec<_> = list.iter().map(|notice| notice["body"].as_str()).collect();
    assert_eq!(bodies, [Some("second"), Some("first")]);
}

#[test]
fn a_member_may_not_send_a_notice() {
    let server = Server::start();
    let said = server.person("bob").run(&["notice", "send", "Listen to me."]).refused(1);
    assert_eq!(said, "Only an administrator may do that.");
    assert!(server.admin().run(&["notice", "list", "--json"]).objects().is_empty());
}
