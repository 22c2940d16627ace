//! The server's day: its configuration, reading it again, retention, logs, metrics, being found.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use belfry_tests::process::{Person, Process, Server, belfry, json, soon};
use tempfile::TempDir;

/// A server with this configuration file.
fn configured(folder: &TempDir, config: &str) -> Server {
    let path = folder.path().join("belfry.toml");
    fs::write(&path, config).unwrap();
    Server::start_with(|command| {
        command.arg("--config").arg(path);
    })
}

/// In one step, as editors do it: a server never reads half a file.
fn reconfigure(server: &Server, folder: &TempDir, config: &str) {
    let new = folder.path().join("new");
    fs::write(&new, config).unwrap();
    fs::rename(new, folder.path().join("belfry.toml")).unwrap();
    server.reload();
}

fn registers(person: &Person) -> bool {
    person.run(&["register"]).code == Some(0)
}

#[test]
fn a_printed_configuration_can_be_used_as_it_is() {
    let printed = Process::run(&mut belfry(["serve", "--print-config"])).done();
    for key in ["listen", "registration", "message_age", "posts_per_second"] {
        assert!(printed.contains(&format!("\n{key} = ")), "{printed}");
    }
    let server = configured(&TempDir::new().unwrap(), &printed);
    server.person("alice").say("hello");
}

#[test]
fn a_flag_goes_over_the_environment_and_that_over_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("belfry.toml");
    fs::write(&path, "registration = \"closed\"\n").unwrap();
    let with = |environment: &str, flag: Option<&str>| {
        let server = Server::start_with(|command| {
            command.env("BELFRY_CONFIG", &path).env("BELFRY_REGISTRATION", environment);
            if let Some(flag) = flag {
                command.args(["--registration", flag]);
            }
        });
        registers(&server.stranger("alice"))
    };
    assert_eq!([with("", None), with("open", None), with("open", Some("closed"))], [false, true, false]);
}

fn refused(config: &str) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("belfry.toml");
    fs::write(&path, config).unwrap();
    let mut command = belfry(["serve", "--listen", "127.0.0.1:0"]);
    Process::run(command.arg("--config").arg(&path).arg("--data").arg(folder.path().join("data"))).refused(2)
}

#[test]
fn a_mistake_in_the_file_is_named_and_nothing_is_started() {
    let said = refused("registraton = \"open\"\n");
    assert!(said.contains("\"registraton\"") && said.contains("the nearest one is \"registration\""), "{said}");
    assert!(refused("[retention]\nmessage_age = \"soon\"\n").contains("retention.message_age"));
    assert!(refused("metrics = \"0.0.0.0:9411\"\n").contains("loopback"));
    assert!(refused("listen = \n").starts_with("Line 1 of "));
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let mut command = belfry(["serve", "--listen", "127.0.0.1:0", "--config", "/nowhere/belfry.toml"]);
    assert!(Process::run(&mut command).refused(1).contains("/nowhere/belfry.toml"));
}

#[test]
fn registration_opens_and_closes_while_the_server_runs() {
    let folder = TempDir::new().unwrap();
    let server = configured(&folder, "registration = \"closed\"\n");
    let alice = server.stranger("alice");
    assert!(!registers(&alice));
    reconfigure(&server, &folder, "registration = \"open\"\n");
    soon("registration opens", || registers(&alice));
    reconfigure(&server, &folder, "registration = \"closed\"\n");
    let mut names = 0..;
    soon("registration closes", || !registers(&server.stranger(&format!("bob {}", names.next().unwrap()))));
}

/// What a server says of this configuration when it is read again.
fn reloaded(config: &str) -> String {
    let folder = TempDir::new().unwrap();
    let server = configured(&folder, "");
    reconfigure(&server, &folder, config);
    let (finished, _folder) = server.stop();
    assert_eq!(finished.code, Some(0));
    finished.err
}

#[test]
fn a_mistake_in_a_file_that_is_read_again_is_logged_and_changes_nothing() {
    let said = reloaded("registration = \"shut\"\n");
    assert!(said.contains("nothing was reloaded: registration in "), "{said}");
}

#[test]
fn what_cannot_change_while_the_server_runs_is_logged() {
    let said = reloaded("log_format = \"json\"\n");
    assert!(said.contains("takes effect at the next start setting=\"log_format\""), "{said}");
}

#[test]
fn old_messages_go_when_the_configuration_says_so_and_clients_go_on() {
    let folder = TempDir::new().unwrap();
    let server = configured(&folder, "");
    let alice = server.person("alice");
    for n in 1..=20 {
        alice.say(&n.to_string());
    }
    let mut listener = server.person("bob").listen();
    reconfigure(&server, &folder, "[retention]\nmessages_per_conversation = 18\n");
    soon("a tenth goes", || alice.history(99).len() == 18);
    assert_eq!(alice.say("five"), 21);
    listener.event(|event| event["text"] == "five");
    assert_eq!(alice.history(99).len(), 19, "the next round is an hour away");
}

#[test]
fn what_would_delete_much_waits_for_the_next_start_and_the_rest_is_taken_over() {
    let folder = TempDir::new().unwrap();
    let server = configured(&folder, "");
    let alice = server.person("alice");
    for text in ["one", "two", "three", "four"] {
        alice.say(text);
    }
    reconfigure(&server, &folder, "registration = \"closed\"\n[retention]\nmessages_per_conversation = 2\n");
    soon("registration closes", || !registers(&server.stranger("bob")));
    assert_eq!(alice.history(9).len(), 4);
    let (finished, data) = server.stop();
    let said = finished.err;
    assert!(
        said.contains("would delete more than a tenth, so it waits for the next start") && said.contains("messages=\"2 of 4\""),
        "{said}"
    );
    let server = Server::start_in(data, |command| {
        command.arg("--config").arg(folder.path().join("belfry.toml"));
    });
    let alice = server.stranger("alice");
    soon("only two messages are kept", || alice.history(9) == ["three", "four"]);
}

#[test]
fn minutes_that_may_be_months_are_not_taken_for_a_retention() {
    assert!(refused("[retention]\nmessage_age = \"30m\"\n").contains("hat is 30 minutes."));
    let said = reloaded("[retention]\nmessage_age = \"30m\"\n");
    assert!(said.contains("nothing was reloaded: ") && said.contains("hat is 30 minutes."), "{said}");
}

#[test]
fn a_log_in_json_is_an_object_a_line() {
    let server = Server::start_with(|command| {
        command.args(["--log-format", "json"]);
    });
    server.person("alice");
    let (finished, _folder) = server.stop();
    let lines: Vec<_> = finished.err.lines().map(json).collect();
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string() && line["target"].is_string()));
    assert!(lines.iter().any(|line| line["message"] == "signed in" && line["account"] == "alice"), "{lines:?}");
}

#[test]
fn a_quiet_log_has_nothing_of_an_ordinary_day() {
    let server = Server::start_with(|command| {
        command.args(["--log", "warn"]);
    });
    server.person("alice");
    assert_eq!(server.stop().0.err, "");
}

#[test]
fn metrics_are_read_over_http() {
    let mut server = Server::start_with(|command| {
        command.args(["--metrics", "127.0.0.1:0"]);
    });
    let line = server.says("metrics http://");
    let address = line.trim_start_matches("metrics http://").trim_end_matches("/metrics").to_owned();
    server.person("alice").say("hello");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok()).expect("a number");
    assert_eq!(value("belfry_accounts "), 2.0);
    assert_eq!(value("belfry_sign_ins_total "), 2.0);
    assert!(value("belfry_database_bytes ") > 4096.0 && value("belfry_store_latency_median_seconds ") > 0.0, "{said}");
}

fn discover(arguments: &[&str]) -> Process {
    Process::start(&mut belfry([&["discover"], arguments].concat()))
}

#[test]
fn a_server_is_found_where_it_is_asked_and_says_its_key() {
    let server = Server::start();
    let address = server.address.to_string();
    let found = discover(&["--json", "--timeout", "1500ms", &address]).finish().objects();
    assert_eq!(found.len(), 1);
    let fields: Vec<_> = found[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["addresses", "found_by", "key", "name", "version"]);
    assert_eq!(found[0]["addresses"][0], address.as_str());
    assert!(server.link.ends_with(found[0]["key"].as_str().unwrap()), "{found:?}");
    let said = discover(&["--timeout", "1500ms", &address]).finish().done();
    assert!(said.contains(" says its key is ") && said.contains("proves nothing"), "{said}");
}

#[test]
fn a_server_that_is_not_to_be_found_keeps_silent() {
    let server = Server::start_with(|command| {
        command.args(["--discovery", "false"]);
    });
    assert!(discover(&["--timeout", "300ms", &server.address.to_string()]).finish().refused(3).contains("No server has answered"));
}

#[test]
fn an_alert_and_its_all_clear_go_through_the_example() {
    let server = Server::start();
    let bob = server.person("bob");
    let mut screen = bob.listen_with(&["--acknowledge"]);
    let state = TempDir::new().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/examples/alert");
    let alert = |arguments: &[&str]| {
        let admin = server.admin().command(&[]);
        let mut command = std::process::Command::new("sh");
        for (name, value) in admin.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let beside = belfry_tests::process::program().parent().unwrap().display().to_string();
        command.env("PATH", format!("{beside}:{path}")).env("ALERT_STATE", state.path()).arg(&script).args(arguments);
        Process::run(&mut command)
    };
    assert_eq!(alert(&["raise", "Cold room", "critical", "11 °C"]).done(), "1\n");
    screen.event(|event| event["event"] == "notice" && event["title"] == "Cold room" && event["severity"] == "critical");
    assert_eq!(alert(&["raise", "Cold room", "critical", "12 °C"]).done(), "", "it is raised already");
    alert(&["clear", "Cold room", "4 °C"]).done();
    screen.event(|event| event["id"] == 1 && event["state"] == "all-clear" && event["body"] == "4 °C");
    assert_eq!(alert(&["clear", "Cold room", "4 °C"]).done(), "", "it was cleared already");
    assert_eq!(alert(&["raise"]).code, Some(2));
}

#[test]
fn the_last_of_the_disk_is_kept_for_the_house_and_who_is_refused_reads_why() {
    let folder = TempDir::new().unwrap();
    let server = configured(&folder, "");
    let (alice, bob, admin) = (server.person("alice"), server.person("bob"), server.admin());
    alice.say("while there is room");
    // More than any disk has.
    reconfigure(&server, &folder, "[limits]\ndisk_reserve_megabytes = 1000000000\n");
    let full = "The server's disk is almost full, so new messages, rooms and accounts are not taken; ask whoever looks after the server to \
                free some space on it.";
    soon("members are refused", || alice.run(&["send", "--room", "lobby", "too much"]).code == Some(1));
    assert_eq!(alice.run(&["send", "--room", "lobby", "too much"]).refused(1), full);
    assert_eq!(alice.run(&["room", "create", "attic"]).refused(1), full);
    assert_eq!(server.stranger("carol").run(&["register"]).refused(1), full);
    assert_eq!(bob.history(9).last().map(String::as_str), Some("while there is room"), "people sign in and read");
    admin.run(&["notice", "send", "--severity", "info", "--to", "user:bob", "Mind the disk."]).done();
    admin.run(&["room", "keep", "lobby", "--messages", "5", "--yes"]).done();
    reconfigure(&server, &folder, "[limits]\ndisk_reserve_megabytes = 0\n");
    soon("there is room again", || alice.run(&["send", "--room", "lobby", "again"]).code == Some(0));
    let log = server.stop().0.err;
    let said = |words| log.matches(words).count();
    assert_eq!(said("members' messages, rooms and registrations are refused until there is more"), 1, "{log}");
    assert_eq!(said("members' messages are taken again"), 1, "{log}");
}
