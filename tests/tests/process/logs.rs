//! What the server says of itself, to whom, and what it is told about that: logs, levels, variables, files as editors save them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use belfry_tests::process::{Process, Server, belfry};
use nix::sys::signal::{Signal, kill};
use tempfile::TempDir;

fn serve(data: &Path) -> std::process::Command {
    let mut command = belfry(["serve", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(data);
    command
}

/// A pipe that has no room left, because its reader stands still.
fn full_pipe() -> (UnixStream, OwnedFd) {
    let (reader, mut writer) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    while writer.write(&[b'.'; 1024]).is_ok() {}
    while writer.write(b".").is_ok() {}
    writer.set_nonblocking(false).unwrap();
    (reader, writer.into())
}

/// Ends its process with the test.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ends_within(process: &mut Started, limit: Duration) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Some(status) = process.0.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it does not end");
}

#[test]
fn a_reader_of_the_log_that_stands_still_keeps_neither_people_nor_the_end_waiting() {
    let folder = TempDir::new().unwrap();
    let (_reader, log) = full_pipe();
    let mut command = serve(&folder.path().join("data"));
    command.args(["--log", "trace"]).stdout(Stdio::piped()).stderr(log);
    let mut server = Started(command.spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address: SocketAddr = lines.next().unwrap().strip_prefix("listening on ").unwrap().parse().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = belfry(arguments.iter().copied());
        command.env("BELFRY_SERVER", address.to_string()).env("BELFRY_USER", "alice").env("BELFRY_PASSWORD", "alice's secret");
        Process::run(command.env("BELFRY_PROFILE", folder.path().join("profile")))
    };
    assert_eq!(run(&["register"]).code, Some(0));
    assert_eq!(run(&["send", "--room", "lobby", "hello"]).done(), "1\n");
    let id = nix::unistd::Pid::from_raw(i32::try_from(server.0.id()).unwrap());
    kill(id, Signal::SIGHUP).unwrap();
    kill(id, Signal::SIGTERM).unwrap();
    assert_eq!(ends_within(&mut server, Duration::from_secs(20)), Some(0));
}

#[test]
fn a_reader_of_the_first_lines_that_stands_still_does_not_keep_the_server_from_serving() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_reader, out) = full_pipe();
    let mut command = belfry(["serve", "--listen", &port.to_string(), "--data"]);
    command.arg(&data).env("BELFRY_ADMIN_PASSWORD", "secret").stdout(out).stderr(Stdio::null());
    let mut server = Started(command.spawn().unwrap());
    let mut command = belfry(["who", "--user", "admin", "--server", &port.to_string()]);
    let who = Process::run(command.env("BELFRY_PASSWORD", "secret").env("BELFRY_PROFILE", folder.path().join("profile")));
    assert_eq!(who.code, Some(0), "{who:?}");
    kill(nix::unistd::Pid::from_raw(i32::try_from(server.0.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(ends_within(&mut server, Duration::from_secs(20)), Some(0));
}

#[test]
fn a_server_that_cannot_start_ends_although_nobody_takes_its_reason() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let (_reader, log) = full_pipe();
    let mut server = Started(serve(&folder.path().join("file/data")).stderr(log).stdout(Stdio::null()).spawn().unwrap());
    assert_eq!(ends_within(&mut server, Duration::from_secs(20)), Some(1));
}

#[test]
fn who_is_refused_again_and_again_is_named_once_and_then_counted() {
    let server = Server::start();
    let mut stranger = server.person("mallory");
    stranger.password = "wrong".into();
    for _ in 0..4 {
        stranger.run(&["who"]).refused(1);
    }
    let said = server.stop().0.err;
    assert_eq!(said.matches("sign-in refused").count(), 1, "{said}");
}

#[test]
fn a_mistyped_level_starts_no_server_and_names_the_nearest_word() {
    let folder = TempDir::new().unwrap();
    for (typed, near) in [("warning", "warn"), ("inof", "info"), ("info,belfry_sever=debug", "belfry_server")] {
        let said = Process::run(serve(folder.path()).args(["--log", typed])).refused(2);
        assert!(said.contains(&format!("\"{near}\"")), "{said}");
        assert!(Process::run(serve(folder.path()).env("BELFRY_LOG", typed)).refused(2).contains("BELFRY_LOG"));
    }
    let said = Process::run(serve(folder.path()).env("BELFRY_REGISTRATON", "closed")).refused(2);
    assert!(said.contains("the nearest one is BELFRY_REGISTRATION"), "{said}");
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn a_mistyped_level_that_is_read_again_leaves_the_old_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("belfry.toml");
    fs::write(&path, "log = \"info\"\n").unwrap();
    let server = Server::start_with(|command| {
        command.arg("--config").arg(&path);
    });
    fs::write(&path, "log = \"warning\"\n").unwrap();
    server.reload();
    server.person("alice").say("hello");
    let said = server.stop().0.err;
    assert!(said.contains("nothing was reloaded: ") && said.contains("\"warn\""), "{said}");
    assert!(said.contains("signed in") && said.contains("stopped"), "{said}");
}

#[test]
fn a_configuration_is_read_as_powershell_and_editors_save_it() {
    let printed = Process::run(&mut belfry(["serve", "--print-config"])).done().replace("\"open\"", "\"closed\"").replace('\n', "\r\n");
    let utf_16 = |mark: bool| {
        let units = mark.then_some(0xfeff).into_iter().chain(printed.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<_>>()
    };
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("belfry.toml");
    for content in [utf_16(true), [b"\xef\xbb\xbf", printed.as_bytes()].concat()] {
        fs::write(&path, content).unwrap();
        let server = Server::start_with(|command| {
            command.arg("--config").arg(&path);
        });
        assert_eq!(server.stranger("alice").run(&["register"]).code, Some(1), "registration is closed there");
    }
    fs::write(&path, utf_16(false)).unwrap();
    let said = Process::run(serve(&folder.path().join("data")).arg("--config").arg(&path)).refused(2);
    assert!(said.contains("Save it as UTF-8"), "{said}");
}

#[test]
fn whoever_wants_no_colours_has_none_in_the_log() {
    let started = |no_color: &str| {
        let folder = TempDir::new().unwrap();
        Process::start_on_terminal(serve(folder.path()).env("NO_COLOR", no_color)).line_with("started")
    };
    assert!(started("").contains('\x1b'));
    assert!(!started("1").contains('\x1b'));
}

#[test]
fn a_server_is_reached_by_its_ipv4_address_in_ipv6_clothes_and_listens_there() {
    let server = Server::start_at("[::ffff:127.0.0.1]:0", |_| {});
    assert_eq!(server.address.ip().to_string(), "127.0.0.1");
    let mut alice = server.stranger("alice");
    alice.server = format!("[::ffff:127.0.0.1]:{}", server.address.port());
    alice.register();
    assert_eq!(alice.say("hello"), 1);
}
