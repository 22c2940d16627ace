//! The administrators' commands that no story tells: each does what it says, and refuses with its sentence and exit code.

use belfry_tests::process::Server;

const CLOSED: &str = "That notice is no longer open.";
const ADMIN_ONLY: &str = "Only an administrator may do that.";

#[test]
fn a_notice_is_changed_while_it_is_open_and_not_afterwards() {
    let server = Server::start();
    let (admin, bob) = (server.admin(), server.person("bob"));
    let mut screen = bob.listen();
    let number = admin.run(&["notice", "send", "--to", "user:bob", "The lift is out."]).done();
    let number = number.trim();
    screen.line_with("The lift is out.");
    admin.run(&["notice", "update", number, "--severity", "critical", "--expires", "2h", "Both lifts are out."]).done();
    let told = screen.event(|event| event["event"] == "notice" && event["revision"] == 2);
    assert_eq!((told["severity"].as_str(), told["body"].as_str()), (Some("critical"), Some("Both lifts are out.")));
    admin.run(&["notice", "remind", number]).done();
    assert_eq!(screen.event(|event| event["event"] == "notice")["reminder"], 1);
    assert_eq!(bob.run(&["notice", "withdraw", number]).refused(1), ADMIN_ONLY);
    admin.run(&["notice", "withdraw", number]).done();
    assert_eq!(screen.event(|event| event["event"] == "notice")["state"], "withdrawn");
    for change in [&["update", number, "x"][..], &["withdraw", number], &["all-clear", number], &["remind", number]] {
        assert_eq!(admin.run(&[&["notice"], change].concat()).refused(1), CLOSED, "{change:?}");
    }
    for change in [&["update", "99", "x"][..], &["withdraw", "99"], &["all-clear", "99"], &["remind", "99"], &["status", "99"]] {
        assert_eq!(admin.run(&[&["notice"], change].concat()).refused(1), "There is no notice of that number.", "{change:?}");
    }
    let csv = admin.run(&["notice", "status", number, "--csv"]).done();
    let mut lines = csv.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("account,")), "{csv}");
    assert!(lines.next().is_some_and(|line| line.starts_with("bob,") && line.contains(",withdrawn")), "{csv}");
}

#[test]
fn a_notice_is_planned_previewed_and_taken_from_the_plan() {
    let server = Server::start();
    let (admin, bob) = (server.admin(), server.person("bob"));
    let preview = admin.run(&["notice", "preview", "--to", "everyone", "--json"]).objects().remove(0);
    assert_eq!((preview["people"].as_u64(), preview["everyone"].as_bool()), (Some(1), Some(true)));
    let nobody = admin.run(&["notice", "preview", "--to", "group:nurses"]).refused(1);
    assert_eq!(nobody, "There is no group of that name.");
    admin.run(&["room", "create", "empty"]).done();
    admin.run(&["room", "leave", "empty"]).done();
    let nobody = admin.run(&["notice", "send", "--to", "room:empty", "hi"]).refused(1);
    assert_eq!(nobody, "That audience is empty: nobody would get the notice.");
    let planned = admin.run(&["notice", "send", "--at", "2099-01-01T08:00:00Z", "--every", "week", "--remind", "5m", "Bins out"]).done();
    assert!(planned.starts_with("scheduled 1 for "), "{planned}");
    let listed = admin.run(&["notice", "scheduled", "--json"]).objects();
    assert_eq!((listed.len(), listed[0]["every"].as_str()), (1, Some("every week")));
    let past = admin.run(&["notice", "send", "--at", "2020-01-01T08:00:00Z", "hi"]).refused(1);
    assert_eq!(past, "The time to send it lies in the past.");
    let often = admin.run(&["notice", "send", "--remind", "1s", "hi"]).refused(1);
    assert_eq!(often, "Reminders come every 10 seconds at most, every 49 days at least, and at most 100 times.");
    let often = admin.run(&["notice", "send", "--at", "2099-01-01T08:00:00Z", "--every", "1s", "hi"]).refused(1);
    assert_eq!(often, "A notice repeats every minute at most, every year at least, and not beyond the year 9999.");
    assert_eq!(bob.run(&["notice", "unschedule", "1"]).refused(1), ADMIN_ONLY);
    admin.run(&["notice", "unschedule", "1"]).done();
    assert_eq!(admin.run(&["notice", "unschedule", "1"]).refused(1), "There is no scheduled notice of that number.");
    assert!(admin.run(&["notice", "scheduled", "--json"]).objects().is_empty());
    assert!(admin.run(&["notice", "list", "--json"]).objects().is_empty(), "nothing was sent");
}

#[test]
fn a_template_is_kept_used_and_removed() {
    let server = Server::start();
    let (admin, bob) = (server.admin(), server.person("bob"));
    let add =
        ["notice", "template", "add", "drill", "--severity", "important", "--to", "user:bob", "--answers", "Safe,Need help", "Leave now"];
    admin.run(&add).done();
    let mut screen = bob.listen();
    admin.run(&["notice", "send", "--template", "Drill"]).done();
    let told = screen.event(|event| event["event"] == "notice");
    assert_eq!((told["body"].as_str(), told["answers"].as_array().map(Vec::len)), (Some("Leave now"), Some(2)));
    assert_eq!(bob.run(&["notice", "template", "remove", "drill"]).refused(1), ADMIN_ONLY);
    admin.run(&["notice", "template", "remove", "drill"]).done();
    assert_eq!(admin.run(&["notice", "template", "remove", "drill"]).refused(1), "There is no template of that name.");
    admin.run(&["notice", "send", "--template", "drill"]).refused(1);
}

#[test]
fn a_group_grows_shrinks_and_goes() {
    let server = Server::start();
    let (admin, bob) = (server.admin(), server.person("bob"));
    server.person("carol");
    assert_eq!(bob.run(&["group", "add", "nurses", "bob"]).refused(1), ADMIN_ONLY);
    assert_eq!(admin.run(&["group", "add", "nurses", "nobody"]).refused(1), "There is no account of that name.");
    admin.run(&["group", "add", "nurses", "bob", "carol"]).done();
    admin.run(&["group", "remove", "nurses", "carol"]).done();
    let members = admin.run(&["group", "list", "nurses", "--json"]).objects();
    assert_eq!(members.iter().map(|member| member["account"].as_str().unwrap()).collect::<Vec<_>>(), ["bob"]);
    admin.run(&["group", "remove", "nurses"]).done();
    for command in [&["group", "remove", "nurses"][..], &["group", "list", "nurses"], &["notice", "send", "--to", "group:nurses", "hi"]] {
        assert_eq!(admin.run(command).refused(1), "There is no group of that name.", "{command:?}");
    }
}

#[test]
fn a_device_is_listed_and_shut_out_by_its_person_or_an_administrator() {
    let server = Server::start();
    let (admin, alice, bob) = (server.admin(), server.person("alice"), server.person("bob"));
    let listener = alice.listen();
    let devices = admin.run(&["user", "sessions", "alice", "--json"]).objects();
    let here = devices.iter().find(|device| device["connected"] == true).unwrap();
    let key = here["device"].as_str().unwrap();
    assert_eq!(bob.run(&["user", "sessions", "alice"]).refused(1), ADMIN_ONLY);
    assert_eq!(bob.run(&["user", "revoke", "alice", &key[..8]]).refused(1), ADMIN_ONLY);
    assert_eq!(admin.run(&["user", "revoke", "alice", "aaaaaaaa"]).refused(1), "That account has no such device.");
    admin.run(&["user", "revoke", "alice", "abc"]).refused(2);
    alice.run(&["user", "revoke", "alice", &key[..8]]).done();
    let ended = listener.finish();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.err.contains("This device may not sign in to the account any more"), "{ended:#?}");
    alice.run(&["who"]).done();
}

#[test]
fn a_wait_for_a_share_of_the_people_ends_when_it_is_reached() {
    let server = Server::start();
    let (alice, bob) = (server.person("alice"), server.person("bob"));
    let (_alice, _bob) = (alice.listen_with(&["--acknowledge"]), bob.listen());
    let send =
        |wait| ["notice", "send", "--to", "user:alice", "--to", "user:bob", "--to", "user:bob", "--timeout", "15s", "--wait", wait, "hi"];
    server.admin().run(&send("answered:50%")).done();
    server.admin().run(&send("reached")).done();
    let mut late = send("answered");
    late[9] = "1s";
    let finished = server.admin().run(&late);
    assert_eq!((finished.code, finished.out.as_str()), (Some(3), "3\n"));
    assert!(finished.err.starts_with("belfry: Time ran out: 1 of 2 people have not answered.\n  bob: "), "{finished:#?}");
}
