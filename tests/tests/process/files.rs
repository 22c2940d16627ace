//! Files, from the command line to the server's disk and back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use belfry_tests::process::{Person, Process, PythonPerson, Server, belfry, python, soon};
use belfry_tests::relay::Relay;
use belfry_tests::weather::Weather;
use serde_json::Value;

/// A content that no two lengths share the beginning of.
fn content(bytes: usize) -> Vec<u8> {
    let mut state = bytes as u64;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()
    });
    words.flatten().take(bytes).collect()
}

/// A folder beside the server's, with a file of so many bytes in it.
fn file(server: &Server, name: &str, bytes: usize) -> PathBuf {
    let folder = server.data().with_file_name("home");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, content(bytes)).unwrap();
    path
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The files in a place, newest first.
fn files(person: &Person, place: &[&str]) -> Vec<Value> {
    let listed = person.run(&[&["files", "list", "--json"], place].concat());
    listed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is in the folder of contents: whole contents, and parts.
fn kept(server: &Server) -> (usize, usize) {
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let contents = server.data().join("contents");
    let whole = entries(&contents).iter().filter(|folder| !folder.ends_with("incoming")).map(|folder| entries(folder).len()).sum();
    (whole, entries(&contents.join("incoming")).len())
}

#[test]
fn a_file_comes_out_as_it_went_in_and_whoever_cannot_read_the_message_does_not_get_it() {
    let server = Server::start();
    let (alice, bob, eve) = (server.person("alice"), server.person("bob"), server.person("eve"));
    let plan = file(&server, "plan.pdf", 1_000_000);
    let mut listener = bob.listen();
    alice.run(&["send", "--to", "bob", "Where is it?"]).done();
    let number = alice.run(&["send", "--to", "bob", "--file", shown(&plan), "look here"]).done();
    let told = listener.event(|event| event["event"] == "message" && event["text"] == "look here");
    assert_eq!(
        (&told["text"], &told["file"]["name"], &told["file"]["bytes"]),
        (&"look here".into(), &"plan.pdf".into(), &1_000_000.into())
    );
    let listed = files(&bob, &["--to", "alice"]);
    assert_eq!((listed.len(), &listed[0]["from"], &listed[0]["room"]), (1, &"alice".into(), &"@alice".into()));
    let id = listed[0]["id"].to_string();
    assert_eq!((number.trim(), &told["seq"]), (id.as_str(), &2.into()), "what is printed is what files get takes");
    let fetched = plan.with_file_name("fetched.pdf");
    bob.run(&["files", "get", &id, "--out", shown(&fetched)]).done();
    assert!(fs::read(&fetched).unwrap() == fs::read(&plan).unwrap());
    assert!(bob.run(&["files", "get", &id, "--out", shown(&fetched)]).refused(1).contains("exists already"));
    let beside = bob.run(&["files", "get", &id, "--out", shown(fetched.parent().unwrap())]).done();
    assert!(beside.trim().ends_with("plan (2).pdf"), "{beside}");
    let unknown = "There is no such file, or its message is not there for you any more.";
    assert_eq!(eve.run(&["files", "get", &id]).refused(1), unknown);
    assert_eq!(eve.run(&["files", "remove", &id]).refused(1), unknown);
    assert_eq!(bob.run(&["files", "remove", &id]).refused(1), "Only the person who wrote a message may change it.");
    alice.run(&["files", "remove", &id]).done();
    assert_eq!(bob.run(&["files", "get", &id]).refused(1), unknown, "what was taken back is nobody's any more");
    assert_eq!(files(&bob, &["--to", "alice"]).len(), 0);
}

#[test]
fn a_content_is_kept_once_and_nobody_learns_from_that_who_has_it() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let plan = file(&server, "plan.pdf", 300_000);
    let from = |person: &Person, place: [&str; 2]| -> Vec<u64> {
        let sent = person.run(&["send", place[0], place[1], "--json", "--file", shown(&plan)]).objects();
        sent.iter().filter(|object| object["event"] == "progress").filter_map(|object| object["done"].as_u64()).collect()
    };
    alice.run(&["room", "create", "attic"]).done();
    assert_eq!(from(&alice, ["--room", "attic"])[0], 0);
    assert_eq!(from(&alice, ["--room", "lobby"])[0], 300_000, "what one has sent one need not send again");
    assert_eq!(from(&bob, ["--to", "alice"])[0], 300_000, "nor what one can read");
    alice.run(&["files", "remove", &files(&alice, &["--room", "lobby"])[0]["id"].to_string()]).done();
    let eve = server.person("eve");
    assert_eq!(from(&eve, ["--room", "lobby"])[0], 0, "it is there, and she is not told");
    assert_eq!(kept(&server), (1, 0));
}

#[test]
fn what_cannot_be_sent_is_refused_in_a_sentence() {
    let server = Server::start_with(|command| {
        command.env("BELFRY_FILE_MEGABYTES", "1").env("BELFRY_FILE_MEGABYTES_A_DAY", "1").env("BELFRY_FILES_MEGABYTES", "2");
    });
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let small = file(&server, "small", 700_000);
    let said = |person: &Person, path: &Path, code| person.run(&["send", "--room", "lobby", "--file", shown(path)]).refused(code);
    assert!(said(&alice, small.parent().unwrap(), 2).contains("is a folder"));
    assert!(said(&alice, &small.with_file_name("nothing"), 1).contains("cannot be read"));
    assert!(said(&alice, &file(&server, "empty", 0), 1).contains("is empty"));
    assert!(said(&alice, &file(&server, "large", 1_048_577), 1).contains("larger than this server takes"));
    alice.run(&["send", "--room", "lobby", "--file", shown(&small)]).done();
    assert!(said(&alice, &file(&server, "other", 700_001), 1).contains("as many bytes of files as one person may in a day"));
    bob.run(&["send", "--room", "lobby", "--file", shown(&file(&server, "third", 700_002))]).done();
    assert!(said(&server.admin(), &file(&server, "fourth", 700_003), 1).contains("keeps as many files as it may"));
    assert_eq!(alice.history(9), ["small", "third"]);
    assert_eq!(kept(&server), (2, 0));
}

#[test]
fn a_file_that_the_server_does_not_take_is_found_before_another_one_is_sent() {
    let server = Server::start_with(|command| {
        command.env("BELFRY_FILE_MEGABYTES", "1").env("BELFRY_FILES_MEGABYTES", "2");
    });
    let alice = server.person("alice");
    let (small, large) = (file(&server, "small", 700_000), file(&server, "large", 1_048_577));
    let send = |files: &[&Path]| {
        let files: Vec<_> = files.iter().flat_map(|file| ["--file", shown(file)]).collect();
        alice.run(&[&["send", "--room", "lobby"], &files[..]].concat())
    };
    assert!(send(&[&small, &large]).refused(1).contains("large: That file is larger than this server takes"));
    let (second, third) = (file(&server, "second", 700_001), file(&server, "third", 700_002));
    assert!(send(&[&small, &second, &third]).refused(1).contains("third: This server keeps as many files as it may"));
    assert_eq!(alice.history(9), Vec::<String>::new());
    send(&[&small, &second]).done();
    assert_eq!(alice.history(9), ["small", "second"]);
}

#[cfg(unix)]
#[test]
fn what_the_scanner_does_not_let_pass_is_nobodys_and_without_its_word_no_file_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let scanner = folder.path().join("scanner");
    let does = |does: &str| {
        fs::write(&scanner, format!("#!/bin/sh\n{does}\n")).unwrap();
        fs::set_permissions(&scanner, fs::Permissions::from_mode(0o755)).unwrap();
    };
    does("! grep -q virus \"$1\"");
    let server = Server::start_with(|command| {
        command.env("BELFRY_FILE_SCANNER", &scanner);
    });
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let send = |person: &Person, name: &str, holds: &str| {
        let path = file(&server, name, 0);
        fs::write(&path, holds).unwrap();
        person.run(&["send", "--room", "lobby", "--file", shown(&path)])
    };
    send(&alice, "good", "harmless").done();
    assert!(
        send(&alice, "bad", "a virus")
            .refused(1)
            .ends_with("bad: The server has looked into that file and does not take it; ask whoever looks after it.")
    );
    assert_eq!((alice.history(9), kept(&server)), (vec!["good".to_owned()], (1, 0)));
    does("exit 2");
    assert!(send(&bob, "new", "unknown").refused(1).contains("could not look into that file"));
    send(&alice, "again", "harmless").done();
    assert_eq!(kept(&server).0, 1, "what was looked at is not looked at again");
    does("exit 0");
    send(&bob, "new", "unknown").done();
    assert_eq!((bob.history(9).len(), kept(&server)), (3, (2, 0)));
}

#[test]
fn fifty_mebibytes_get_through_a_network_that_loses_a_twentieth_while_the_server_is_killed() {
    const BYTES: usize = 50 * 1024 * 1024;
    let mut server = Server::start();
    let relay = Relay::start(server.address, Weather { loss: 0.05, ..Weather::clear() }, 7).unwrap();
    let alice = server.person_at(relay.address(), "alice");
    alice.register();
    let film = file(&server, "film.mkv", BYTES);
    let mut sending = alice.start(&["send", "--room", "lobby", "--json", "--connect-timeout", "60", "--file", shown(&film)]);
    let half = |event: &Value| event["done"].as_u64().is_some_and(|done| done > BYTES as u64 / 3);
    sending.event_within(Duration::from_secs(120), half);
    assert_eq!(kept(&server), (0, 1));
    server.crash_and_restart();
    let sent = sending.event_within(Duration::from_secs(240), |event| event["event"] == "sent");
    assert_eq!(sending.finish().code, Some(0));
    assert_eq!(kept(&server), (1, 0));
    let listed = files(&alice, &["--room", "lobby"]);
    assert_eq!((listed.len(), &listed[0]["blake3"]), (1, &sent["blake3"]));
    let fetched = film.with_file_name("fetched.mkv");
    let mut fetching =
        alice.start(&["files", "get", &listed[0]["id"].to_string(), "--json", "--connect-timeout", "60", "--out", shown(&fetched)]);
    fetching.event_within(Duration::from_secs(120), half);
    server.crash_and_restart();
    fetching.event_within(Duration::from_secs(240), |event| event["event"] == "fetched");
    assert_eq!(fetching.finish().code, Some(0));
    assert!(fs::read(&fetched).unwrap() == fs::read(&film).unwrap());
}

#[test]
fn a_client_that_is_killed_goes_on_where_it_was_in_either_direction() {
    let server = Server::start();
    let alice = server.person("alice");
    let film = file(&server, "film.mkv", 30 * 1024 * 1024);
    let most = |event: &Value| event["done"].as_u64().is_some_and(|done| done > 10 * 1024 * 1024);
    // Slow enough to be killed on its way.
    let relay = Relay::start(server.address, Weather { delay: Duration::from_millis(20), ..Weather::clear() }, 7).unwrap();
    let far = server.person_at(relay.address(), "carl");
    far.register();
    let mut sending = far.start(&["send", "--room", "lobby", "--json", "--file", shown(&film)]);
    sending.event_within(Duration::from_secs(120), most);
    sending.kill();
    soon("the part stays", || kept(&server) == (0, 1));
    let again = far.run(&["send", "--room", "lobby", "--json", "--file", shown(&film)]).objects();
    assert!(again[0]["done"].as_u64().unwrap() >= 8 * 1024 * 1024, "it goes on from what is synced: {}", again[0]);
    let id = files(&alice, &["--room", "lobby"])[0]["id"].to_string();
    let fetched = film.with_file_name("fetched.mkv");
    let get = ["files", "get", &id, "--json", "--out", shown(&fetched)];
    let mut fetching = far.start(&get);
    fetching.event_within(Duration::from_secs(120), most);
    fetching.kill();
    let again = far.run(&get).objects();
    assert!(again[0]["done"].as_u64().unwrap() > 10 * 1024 * 1024, "{}", again[0]);
    assert!(fs::read(&fetched).unwrap() == fs::read(&film).unwrap());
}

#[test]
fn a_file_goes_to_standard_output_whole_or_not_at_all_as_a_success() {
    let server = Server::start();
    let alice = server.person("alice");
    let notes = server.data().with_file_name("notes.txt");
    fs::write(&notes, "one\ntwo\n").unwrap();
    alice.run(&["send", "--room", "lobby", "--file", shown(&notes)]).done();
    assert_eq!(alice.run(&["files", "get", "1", "--out", "-"]).done(), "one\ntwo\n");
    alice.run(&["files", "get", "1", "--out", "-", "--json"]).refused(2);
    alice.run(&["files", "get", "0"]).refused(2);
    // Its content is lost, as nobody means it to be.
    let folders = fs::read_dir(server.data().join("contents")).unwrap().map(|folder| folder.unwrap().path());
    folders.filter(|folder| !folder.ends_with("incoming")).for_each(|folder| fs::remove_dir_all(folder).unwrap());
    let out = notes.with_file_name("fetched");
    assert!(alice.run(&["files", "get", "1", "--out", shown(&out)]).refused(1).contains("does not have the content"));
    let left = fs::read_dir(out.parent().unwrap()).unwrap().any(|entry| entry.unwrap().path().to_string_lossy().contains("fetched"));
    assert!(!left, "nothing has come, and nothing is left of it");
}

#[test]
fn the_python_peer_sends_and_fetches_files_too() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let pia = PythonPerson::register(python, server.address, "pia");
    let alice = server.person("alice");
    let (plan, fetched) = (file(&server, "plan.pdf", 120_000), server.data().with_file_name("fetched"));
    pia.run(&["send-file", shown(&plan)]).done();
    alice.run(&["files", "get", "1", "--out", shown(&fetched)]).done();
    assert!(fs::read(&fetched).unwrap() == fs::read(&plan).unwrap());
    let film = file(&server, "film.mkv", 130_000);
    alice.run(&["send", "--room", "lobby", "--file", shown(&film)]).done();
    let fetched = fetched.with_extension("mkv");
    pia.run(&["get-file", "2", shown(&fetched)]).done();
    assert!(fs::read(&fetched).unwrap() == fs::read(&film).unwrap());
}

#[test]
fn a_backup_has_the_files_with_it_and_brings_them_back() {
    let server = Server::start();
    let alice = server.person("alice");
    let (plan, film) = (file(&server, "plan.pdf", 300_000), file(&server, "film.mkv", 400_000));
    alice.run(&["send", "--room", "lobby", "--file", shown(&plan)]).done();
    let data = server.data();
    let backup = data.with_file_name("monday.db");
    let offline = |arguments: &[&str]| Process::run(&mut belfry([arguments, &["--data", shown(&data)][..]].concat()));
    let said = offline(&["backup", shown(&backup)]).done();
    assert!(said.contains("what files hold, 300000 bytes, in ") && said.contains("monday.db.files"), "{said}");
    let again = offline(&["backup", shown(&backup.with_file_name("monday"))]).done();
    assert!(again.contains("monday.files"), "{again}");
    alice.run(&["send", "--room", "lobby", "--file", shown(&film)]).done();
    assert_eq!(kept(&server), (2, 0));
    let server = server.restart_after(|| drop(offline(&["restore", shown(&backup)]).done()));
    assert_eq!(kept(&server), (1, 0));
    let fetched = plan.with_file_name("fetched.pdf");
    server.person_at(server.address, "alice").run(&["files", "get", "1", "--out", shown(&fetched)]).done();
    assert!(fs::read(&fetched).unwrap() == fs::read(&plan).unwrap());
    let aside = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
    let aside = aside.into_iter().find(|path| shown(path).contains("before-restore")).unwrap();
    // What is put aside is called by the second.
    let again = || soon("it is restored", || offline(&["restore", shown(&aside.join("belfry.db"))]).code == Some(0));
    let server = server.restart_after(again);
    assert_eq!(kept(&server), (2, 0), "and what was put aside is whole, too");
}
