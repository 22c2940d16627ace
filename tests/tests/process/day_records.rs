//! What is kept of a server's day: the audit log, exports, backups and what is made of them.

use std::fs;

use belfry_tests::process::{ADMIN_PASSWORD, Process, Server, belfry, texts};
use serde_json::Value;

fn fields(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_audit_log_says_who_did_what_on_whom() {
    let server = Server::start();
    let admin = server.admin();
    server.person("bob");
    admin.run(&["user", "role", "bob", "admin"]).done();
    admin.run(&["user", "disable", "bob"]).done();
    admin.run(&["user", "enable", "bob"]).done();
    assert_eq!(admin.run(&["user", "disable", "nobody"]).refused(1), "There is no account of that name.");
    admin.run(&["notice", "send", "--severity", "info", "--to", "user:bob", "hello"]).done();
    let lines = admin.run(&["audit", "--json"]).objects();
    assert!(lines.iter().all(|line| fields(line) == ["act", "at", "detail", "id", "object", "who"]), "{lines:?}");
    let said: Vec<_> = lines
        .iter()
        .map(|line| [&line["who"], &line["act"], &line["object"], &line["detail"]].map(|field| field.as_str().unwrap()).join("|"))
        .collect();
    assert_eq!(
        said,
        ["admin|user.role|bob|admin", "admin|user.disable|bob|", "admin|user.enable|bob|", "admin|notice.send|notice 1|info to user:bob"]
    );
    let newest = admin.run(&["audit", "--limit", "1"]).done();
    assert!(newest.ends_with(" admin: notice.send notice 1 info to user:bob\n") && newest.lines().count() == 1, "{newest}");
}

#[test]
fn the_audit_log_is_for_administrators() {
    let server = Server::start();
    assert_eq!(server.person("alice").run(&["audit"]).refused(1), "Only an administrator may do that.");
}

#[test]
fn an_export_has_what_one_may_read_in_three_forms() {
    let server = Server::start();
    let (alice, bob, carol) = (server.person("alice"), server.person("bob"), server.person("carol"));
    alice.say("hello, \"all\"");
    bob.run(&["send", "--to", "alice", "between\nus"]).done();
    let all = |who: &belfry_tests::process::Person| who.run(&["export", "--all", "--format", "jsonl"]).objects();
    assert_eq!(texts(&all(&carol)), ["hello, \"all\""]);
    assert_eq!(texts(&all(&alice)), ["hello, \"all\"", "between\nus"]);
    let everything = all(&server.admin());
    assert_eq!(texts(&everything), ["hello, \"all\"", "between\nus"]);
    assert!(everything.iter().all(|line| fields(line) == ["from", "room", "sent_at", "seq", "text"]), "{everything:?}");
    assert_eq!(everything[1]["room"], "@alice @bob");
    let csv = alice.run(&["export", "--room", "lobby", "--format", "csv"]).done();
    let mut rows = csv.lines();
    let columns = "room,seq,from,sent_at,text,edited_at,deleted_at,reply_to,file_id,file_name,file_bytes,file_blake3,reactions";
    assert_eq!(rows.next(), Some(columns));
    let alone = format!(",\"hello, \"\"all\"\"\"{}", behind_text(columns));
    assert!(rows.next().is_some_and(|row| row.starts_with("lobby,1,alice,2") && row.ends_with(&alone)), "{csv}");
    let txt = alice.run(&["export", "--all", "--format", "txt"]).done();
    assert!(txt.starts_with("== lobby ==\n[") && txt.ends_with("] bob: between\n    us\n"), "{txt}");
    assert_eq!(alice.run(&["export", "--room", "attic", "--format", "txt"]).refused(1), "There is no room of that name.");
    assert!(alice.run(&["export", "--format", "txt"]).refused(2).contains("--room"));
}

/// How a row ends of a message of which there is nothing to tell but its text.
fn behind_text(columns: &str) -> String {
    ",".repeat(columns.split(',').skip_while(|column| *column != "text").skip(1).count())
}

#[test]
fn a_table_holds_nothing_that_a_spreadsheet_runs_and_one_kind_of_line_end() {
    let server = Server::start();
    let alice = server.person("alice");
    for text in ["=cmd|' /C calc'!A0", "two\nlines", "(deleted)", "soon gone"] {
        alice.run(&["send", "--room", "lobby", "--", text]).done();
    }
    alice.run(&["delete", "--room", "lobby", "4"]).done();
    let csv = alice.run(&["export", "--room", "lobby", "--format", "csv"]);
    let out = alice.command(&["export", "--room", "lobby", "--format", "csv"]).output().unwrap().stdout;
    let out = String::from_utf8(out).unwrap();
    assert_eq!(csv.code, Some(0));
    assert!(out.ends_with("\r\n") && out.matches('\n').count() == out.matches("\r\n").count(), "{out:?}");
    let alone = behind_text(out.lines().next().unwrap());
    for text in ["'=cmd|' /C calc'!A0", "\"two\r\nlines\""] {
        assert!(out.contains(&format!(",{text}{alone}\r\n")), "{out:?}");
    }
    let deleted: Vec<bool> = out.lines().filter(|line| line.contains("(deleted)")).map(|line| !line.ends_with(&alone)).collect();
    assert_eq!(deleted, [false, true], "{out:?}");
    let number = server.admin().run(&["notice", "send", "--title", "=1+1", "--to", "user:alice", "Drill."]).done();
    let ledger = server.admin().command(&["notice", "status", number.trim(), "--csv"]).output().unwrap().stdout;
    let ledger = String::from_utf8(ledger).unwrap();
    assert!(ledger.ends_with("\r\n") && ledger.matches('\n').count() == ledger.matches("\r\n").count(), "{ledger:?}");
}

#[test]
fn an_export_is_the_history_from_the_first_message_on() {
    let server = Server::start();
    let alice = server.person("alice");
    let mut chat = alice.start(&["chat"]);
    for n in 0..1200 {
        chat.write(&format!("line {n}\n"));
    }
    chat.end_input();
    chat.finish().done();
    let lines: Vec<_> = (0..1200).map(|n| format!("line {n}")).collect();
    assert_eq!(texts(&alice.run(&["export", "--room", "lobby", "--format", "jsonl"]).objects()), lines);
}

#[test]
fn a_backup_made_while_people_write_is_restored_with_identity_and_history() {
    let server = Server::start();
    let (alice, admin) = (server.person("alice"), server.admin());
    alice.say("before");
    let backup = server.data().with_file_name("backup.db");
    let mut chat = alice.start(&["chat"]);
    chat.write("during\n");
    let mut command = belfry(["backup"]);
    Process::run(command.arg(&backup).arg("--data").arg(server.data())).done();
    chat.write("after\n");
    chat.end_input();
    chat.finish().done();
    let again = Process::run(belfry(["backup"]).arg(&backup).arg("--data").arg(server.data()));
    assert!(again.refused(1).contains("exists already"));
    assert_eq!(alice.history(9), ["before", "during", "after"]);
    admin.run(&["user", "disable", "alice"]).done();

    let restored = server.data().with_file_name("restored");
    fs::create_dir(&restored).unwrap();
    fs::copy(&backup, restored.join("belfry.db")).unwrap();
    fs::copy(backup.with_file_name("backup.db.key"), restored.join("identity.key")).unwrap();
    let mut command = belfry(["serve", "--listen", "127.0.0.1:0", "--data"]);
    let mut second = Process::start(command.arg(&restored).env("BELFRY_ADMIN_PASSWORD", ADMIN_PASSWORD));
    let address = second.line_with("listening on ")["listening on ".len()..].parse().unwrap();
    let link = second.line_with("join ");
    let key = |link: &str| link.split('#').nth(1).map(ToOwned::to_owned);
    assert_eq!(key(&link), key(&server.link));
    let alice = server.person_at(address, "alice");
    let history = alice.history(9);
    assert!(history.first().is_some_and(|text| text == "before") && history.len() <= 2, "{history:?}");
    assert_eq!(alice.say("on the restored one"), history.len() as u64 + 1);
}

#[test]
fn a_backup_of_nothing_is_refused_and_makes_nothing() {
    let folder = tempfile::TempDir::new().unwrap();
    let (nowhere, file) = (folder.path().join("nowhere"), folder.path().join("backup.db"));
    let said = Process::run(belfry(["backup"]).arg(&file).arg("--data").arg(&nowhere)).refused(1);
    assert!(said.contains("nowhere"), "{said}");
    assert!(!nowhere.exists() && !file.exists());
}
