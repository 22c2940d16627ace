//! What a server says when it starts, and how it stops.

use std::net::UdpSocket;

use belfry_tests::process::{ADMIN_PASSWORD, Process, Server, belfry, program, soon};
use tempfile::TempDir;

/// The lines of a server's start, up to the hint of what to type.
fn first_lines(data: &TempDir, admin_password: Option<&str>) -> (Process, Vec<String>) {
    let mut command = belfry(["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(data.path());
    if let Some(password) = admin_password {
        command.env("BELFRY_ADMIN_PASSWORD", password);
    }
    let mut server = Process::start(&mut command);
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| !line.contains(" register ")) {
        lines.push(server.line().expect("a server says what to type next"));
    }
    (server, lines)
}

#[test]
fn the_first_start_says_where_it_listens_how_to_join_and_the_password_of_admin() {
    let data = TempDir::new().unwrap();
    let (_server, lines) = first_lines(&data, None);
    let port: u16 = lines[0].strip_prefix("listening on 127.0.0.1:").unwrap().parse().unwrap();
    assert_ne!(port, 0);
    let key = lines[1].strip_prefix(&format!("join belfry://127.0.0.1:{port}/#")).unwrap();
    assert_eq!(key.len(), 52, "{key}");
    assert!(lines[2].starts_with("admin password: ") && lines[2].ends_with(" (shown once)"), "{lines:#?}");
    let (again, said) = (&lines[3..], "a script finds each line once");
    assert!(again.iter().all(|line| !line.starts_with("listening on") && !line.starts_with("join")), "{said}: {lines:#?}");
}

#[test]
fn the_second_start_keeps_the_key_and_does_not_say_the_password_again() {
    let data = TempDir::new().unwrap();
    let key = |lines: &[String]| lines[1].split('#').nth(1).map(ToOwned::to_owned);
    let (mut server, first) = first_lines(&data, None);
    server.kill();
    let (_server, second) = first_lines(&data, None);
    assert_eq!(key(&first), key(&second));
    assert!(second.iter().all(|line| !line.contains("password")), "{second:#?}");
}

#[test]
fn the_generated_password_opens_the_door_for_admin() {
    let data = TempDir::new().unwrap();
    let (_server, lines) = first_lines(&data, None);
    let password = shown(&lines[2]);
    let profile = TempDir::new().unwrap();
    let mut command = belfry(["status", "--json", "--user", "admin", "--server", lines[1].strip_prefix("join ").unwrap()]);
    let status = Process::run(command.env("BELFRY_PASSWORD", password).env("BELFRY_PROFILE", profile.path())).objects();
    assert_eq!(status[0]["accounts"], 1);
}

/// The password in a line `admin password: … (shown once)`.
fn shown(line: &str) -> String {
    line.trim_end().strip_prefix("admin password: ").unwrap().strip_suffix(" (shown once)").unwrap().to_owned()
}

#[cfg(unix)]
#[test]
fn the_first_password_is_not_lost_with_an_output_that_nobody_reads() {
    use std::process::Command;

    let data = TempDir::new().unwrap();
    let written = data.path().join("first-start.txt");
    let mut unread = Command::new("sh");
    unread.args(["-c", "exec \"$0\" serve --listen 127.0.0.1:0 --data \"$1\" >/dev/full"]).arg(program()).arg(data.path());
    let mut server = Process::start(&mut unread);
    soon("the password is written down", || std::fs::read_to_string(&written).is_ok_and(|line| line.ends_with('\n')));
    // Whether the account is made by now or is made by the next start: the password that is written down is its.
    server.kill();
    let (mut server, lines) = first_lines(&data, None);
    let password = shown(&std::fs::read_to_string(&written).unwrap());
    let profile = TempDir::new().unwrap();
    let mut command = belfry(["who", "--user", "admin", "--server", lines[1].strip_prefix("join ").unwrap()]);
    Process::run(command.env("BELFRY_PASSWORD", password).env("BELFRY_PROFILE", profile.path())).done();
    server.kill();
    let (_server, _) = first_lines(&data, None);
    assert!(!written.exists(), "the first password lies about after admin has signed in");
}

#[test]
fn a_password_for_admin_from_the_environment_is_used_and_not_shown() {
    let data = TempDir::new().unwrap();
    let (server, lines) = first_lines(&data, Some(ADMIN_PASSWORD));
    assert!(lines.iter().all(|line| !line.contains("password")), "{lines:#?}");
    drop(server);
    let server = Server::start();
    assert_eq!(server.admin().run(&["who", "--json"]).objects()[0]["account"], "admin");
}

#[test]
fn a_polite_kill_ends_the_server_with_0() {
    let (finished, _folder) = Server::start().stop();
    assert_eq!(finished.code, Some(0), "{finished:#?}");
}

#[test]
fn a_server_that_stops_tells_those_who_listen() {
    let server = Server::start();
    let mut listener = server.person("bob").listen();
    let (..) = server.stop();
    let event = listener.event(|event| event["event"] == "disconnected");
    assert_eq!(event["reason"], "the server is stopping");
}

#[test]
fn people_meet_over_ipv6_and_with_those_who_come_over_ipv4() {
    if UdpSocket::bind("[::1]:0").is_err() {
        println!("SKIPPED: this machine has no IPv6");
        return;
    }
    let server = Server::start_at("[::]:0", |_| {});
    let at = |host: &str| format!("{host}:{}", server.address.port()).parse().unwrap();
    let (six, four) = (server.person_at(at("[::1]"), "six"), server.person_at(at("127.0.0.1"), "four"));
    six.register();
    four.register();
    let mut listeners = [six.listen(), four.listen()];
    four.say("from the old world");
    six.say("from the new one");
    for listener in &mut listeners {
        listener.event(|event| event["text"] == "from the old world");
        listener.event(|event| event["text"] == "from the new one");
    }
    assert_eq!(six.history(2), ["from the old world", "from the new one"]);
}
