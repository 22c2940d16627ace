//! The example scripts, run as a monitoring system and a lamp would run them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use belfry_tests::process::{Process, Server, program, soon};
use tempfile::TempDir;

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/examples").join(name)
}

/// A command with what a person of this server has in their environment, and `belfry` on its path.
fn surrounded(mut command: Command, belfry: &Command) -> Command {
    for (name, value) in belfry.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let beside = program().parent().unwrap().display().to_string();
    command.env("PATH", format!("{beside}:{path}"));
    command
}

/// Starts it as a monitoring system does: nobody reads what it says, and it is the first of its process group.
fn start(command: &mut Command) -> Child {
    use std::os::unix::process::CommandExt as _;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().expect("it starts")
}

/// Kills the script alone, as a monitoring system does whose patience is over; what it had started goes on.
fn kill(script: &mut Child) {
    script.kill().expect("it runs");
    script.wait().expect("it has ended");
}

/// Ends what a killed script had started.
fn end_rest(script: &Child) {
    let group = nix::unistd::Pid::from_raw(i32::try_from(script.id()).expect("a number"));
    // Where it started nothing, or that has ended, there is no such group.
    let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
}

#[test]
fn an_alert_is_sent_again_after_a_notice_that_is_over_and_after_a_run_that_was_killed() {
    let server = Server::start();
    server.person("bob");
    let admin = server.admin();
    let state = TempDir::new().unwrap();
    let alert = |arguments: &[&str]| {
        let mut command = surrounded(Command::new("sh"), &admin.command(&[]));
        command.env("ALERT_STATE", state.path()).env("ALERT_TIMEOUT", "1s").arg(script("alert")).args(arguments);
        command
    };
    let raise = |check: &str| Process::run(&mut alert(&["raise", check, "critical", "11 °C"]));
    let first = raise("Cold room");
    assert_eq!((first.code, first.out.as_str()), (Some(3), "1\n"), "nobody has seen it in time");
    assert_eq!(raise("Cold room").done(), "", "it is open");
    let memory = std::fs::read_dir(state.path()).unwrap().map(|file| file.unwrap().path());
    let memory = memory.into_iter().find(|file| file.extension().is_none_or(|ending| ending != "lock")).unwrap();
    let known = std::fs::read_to_string(&memory).unwrap();
    admin.run(&["notice", "withdraw", "1"]).done();
    assert_eq!(raise("Cold room").out, "2\n", "the one that was withdrawn keeps nothing back");
    assert_eq!(raise("Cold_room").out, "3\n", "another check is another alert");
    assert_eq!((raise("温度").out.as_str(), raise("湿度").out.as_str()), ("4\n", "5\n"));

    // Another notice of that number, as there is after a backup was restored, is not this check's.
    std::fs::write(&memory, known.replacen("1 ", "3 ", 1)).unwrap();
    assert_eq!(raise("Cold room").out, "6\n");
    std::fs::write(&memory, "6\n").unwrap();
    let unsure = Process::run(&mut alert(&["clear", "Cold room", "4 °C"]));
    assert!(unsure.code == Some(1) && unsure.err.contains("notice 6 may be this check's"), "{unsure:?}");
    std::fs::write(&memory, known.replacen("1 ", "999 ", 1)).unwrap();
    assert_eq!(raise("Cold room").out, "7\n", "the server knows no such notice");

    let mut killed = start(alert(&["raise", "Killed", "info", "x"]).env("ALERT_TIMEOUT", "60s"));
    let sent = || admin.run(&["notice", "list", "--json"]).objects().iter().any(|notice| notice["title"] == "Killed");
    soon("the alert is sent", sent);
    kill(&mut killed);
    let again = raise("Killed");
    end_rest(&killed);
    assert!(again.code == Some(0) || !again.out.is_empty(), "{again:?}: the first one is known, or it is sent again");

    Process::run(&mut alert(&["clear", "Cold room", "4 °C"])).done();
    assert_eq!(raise("Cold room").out.trim().parse::<u32>().ok().map(|number| number > 7), Some(true));
    drop(server);
    let unreachable = raise("Cold room");
    assert_eq!((unreachable.code, unreachable.out.as_str()), (Some(3), ""));
}

#[test]
fn an_alert_is_found_again_however_its_check_is_called_and_its_notice_worded() {
    let server = Server::start();
    server.person("bob");
    let admin = server.admin();
    let state = TempDir::new().unwrap();
    let alert = |arguments: &[&str]| {
        let mut command = surrounded(Command::new("sh"), &admin.command(&[]));
        command.env("ALERT_STATE", state.path()).env("ALERT_TIMEOUT", "1s").arg(script("alert")).args(arguments);
        Process::run(&mut command)
    };
    for (check, number) in
        ["Cold room", "-5 degrees", "two\nlines", "soft\u{ad}hyphen", "\u{5d0}\u{200f}", "say \"x\""].into_iter().zip(1..)
    {
        let first = alert(&["raise", check, "info", "x"]);
        assert_eq!((first.code, first.out), (Some(3), format!("{number}\n")), "{check:?}");
        assert_eq!(alert(&["raise", check, "info", "x"]).done(), "", "{check:?} is open");
        let number = number.to_string();
        admin.run(&["notice", "update", &number, "--title", "another title", "with \",\"state\":\"withdrawn\","]).done();
        assert_eq!(alert(&["raise", check, "info", "x"]).done(), "", "{check:?} is open under another title");
        alert(&["clear", check, "well again"]).done();
        let notice = admin.run(&["notice", "status", &number, "--json"]).objects().swap_remove(0);
        assert_eq!((notice["state"].as_str(), notice["body"].as_str()), (Some("all-clear"), Some("well again")), "{check:?}");
    }
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 6, "nothing but the locks is left");
}

#[test]
fn a_command_is_run_once_for_each_notice_also_in_letters_of_other_languages_and_over_a_restart() {
    let server = Server::start();
    let (admin, bob) = (server.admin(), server.person("bob"));
    let folder = TempDir::new().unwrap();
    let (heard, lamp) = (folder.path().join("heard"), folder.path().join("lamp"));
    let write = format!("#!/bin/sh\nprintf '%s %s\\n' \"$NOTICE_STATE\" \"$NOTICE_BODY\" >> {}\n", heard.display());
    std::fs::write(&lamp, write).unwrap();
    std::fs::set_permissions(&lamp, std::fs::Permissions::from_mode(0o700)).unwrap();
    let watch = || {
        let mut command = surrounded(Command::new("python3"), &bob.command(&[]));
        command.env("LC_ALL", "C").env("PYTHONUTF8", "0").env("PYTHONCOERCECLOCALE", "0").env("ON_NOTICE_STATE", folder.path());
        start(command.arg(script("on-notice")).arg(&lamp))
    };
    let said = |expected: &str| soon(expected, || std::fs::read_to_string(&heard).unwrap_or_default() == expected);
    // The one that asks is connected, too.
    let listeners =
        || bob.run(&["user", "sessions", "bob", "--json"]).objects().iter().filter(|device| device["connected"] == true).count() - 1;
    let mut first = watch();
    admin.run(&["notice", "send", "Tür zu 王"]).done();
    said("open Tür zu 王\n");
    // Killed before that it would run the command once more rather than not at all.
    let remembered =
        || std::fs::read_dir(folder.path()).unwrap().any(|file| file.unwrap().path().extension().is_some_and(|kind| kind == "json"));
    soon("it is remembered", remembered);
    kill(&mut first);
    soon("no listener is left behind", || listeners() == 0);
    let mut second = watch();
    soon("another one listens", || listeners() == 1);
    admin.run(&["notice", "withdraw", "1"]).done();
    said("open Tür zu 王\nwithdrawn Tür zu 王\n");
    kill(&mut second);
    soon("nor by this one", || listeners() == 0);
}
