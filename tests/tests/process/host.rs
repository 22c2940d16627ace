//! What an administrator does on the server's computer: keys, backups, folders, the files in them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use belfry_tests::process::{Finished, Process, Server, belfry, contents};
use tempfile::TempDir;

/// Of no account.
const SOMEBODY: u32 = 64_123;

fn on(data: &Path, command: &str, arguments: &[&str]) -> Finished {
    Process::run(belfry([&[command], arguments].concat()).arg("--data").arg(data))
}

fn serve(data: &Path) -> Finished {
    on(data, "serve", &["--listen", "127.0.0.1:0"])
}

/// The data folder of a server that was used and has stopped.
fn used() -> (TempDir, PathBuf) {
    let server = Server::start();
    server.admin().say("hello");
    let (_, folder) = server.stop();
    let data = folder.path().join("data");
    (folder, data)
}

/// A server refuses this folder and leaves every file in it as it is.
fn refused(data: &Path) -> String {
    let before = contents(data);
    let said = serve(data).refused(1);
    for (path, content) in before {
        assert!(fs::read(&path).unwrap() == content, "{} has changed", path.display());
    }
    said
}

#[test]
fn a_key_that_was_never_used_is_dropped_by_name_and_clients_follow_the_last_one() {
    let server = Server::start();
    let alice = server.person("alice");
    alice.say("before");
    let data = server.data();
    let mut last = String::new();
    for n in 0..6 {
        let rotated = on(&data, "rotate-key", &[]);
        assert_eq!(rotated.code, Some(0), "{rotated:?}");
        assert_eq!(n > 0, rotated.err.contains(&format!("the key {last} was dropped")), "{rotated:?}");
        last = rotated.out.trim().to_owned();
    }
    let server = server.restart();
    assert!(server.link.ends_with(&last), "{}", server.link);
    assert_eq!(alice.history(1), ["before"], "she knew the old key only");
}

#[test]
fn half_a_house_is_not_begun_anew() {
    let (_folder, data) = used();
    let house = contents(&data);
    let put_back = || house.iter().for_each(|(path, content)| fs::write(path, content).unwrap());
    let (database, key) = (data.join("belfry.db"), data.join("identity.key"));

    fs::remove_file(&database).unwrap();
    let said = refused(&data);
    assert!(
        said.contains("identity.key is there, but ") && said.contains("belfry.db is not: ") && said.contains("belfry restore"),
        "{said}"
    );
    fs::write(&database, "").unwrap();
    assert!(refused(&data).contains("belfry.db is empty: "));
    fs::write(data.join("belfry.db-wal"), "changes").unwrap();
    assert!(refused(&data).contains("the newest changes without the database"));
    fs::remove_file(&key).unwrap();
    fs::remove_file(&database).unwrap();
    assert!(refused(&data).contains("the newest changes without the database"));
    fs::remove_file(data.join("belfry.db-wal")).unwrap();

    put_back();
    fs::remove_file(&key).unwrap();
    let said = refused(&data);
    assert!(said.contains("identity.key is not: ") && said.contains("rotate-key --lost"), "{said}");
    assert!(!key.exists());

    put_back();
    fs::rename(&database, data.join("monday.db")).unwrap();
    fs::remove_file(&key).unwrap();
    assert!(refused(&data).contains("monday.db, which is of a Belfry server"));
}

#[test]
fn a_lost_identity_is_made_anew_only_by_who_says_so() {
    let (folder, data) = used();
    assert!(on(&data, "rotate-key", &["--lost"]).refused(1).contains("leave --lost out"));
    fs::remove_file(data.join("identity.key")).unwrap();
    assert!(on(&data, "rotate-key", &[]).refused(1).contains("There is no server's identity in "));
    let made = on(&data, "rotate-key", &["--lost"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let server = Server::start_in(folder, |_| {});
    assert!(server.link.ends_with(made.out.trim()));
    assert_eq!(server.admin().history(1), ["hello"]);
}

#[test]
fn a_folder_with_a_lock_only_or_with_other_things_is_a_new_house() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    for name in ["belfry.lock", "identity.lock", "belfry.toml", "identity.key.new"] {
        fs::write(data.join(name), "").unwrap();
    }
    fs::create_dir(data.join("lost+found")).unwrap();
    Server::start_in(folder, |_| {}).admin().say("hello");
}

#[test]
fn a_backup_is_restored_over_a_house_whose_parts_are_kept() {
    let (folder, data) = used();
    let backup = folder.path().join("file:monday?x=%41");
    let name = backup.to_str().unwrap();
    assert_eq!(on(&data, "backup", &[name]).code, Some(0));
    let server = Server::start_in(folder, |_| {});
    server.admin().say("after the backup");
    assert!(on(&server.data(), "restore", &[name]).refused(1).contains("Another Belfry server"));
    let (_, folder) = server.stop();
    let restored = on(&data, "restore", &[name]).done();
    assert!(restored.starts_with("1 account and the identity from ") && restored.contains("what was there before is in "), "{restored}");
    let server = Server::start_in(folder, |_| {});
    assert_eq!(server.admin().history(9), ["hello"]);
}

/// Makes all of it somebody else's, where that is possible.
fn give_away(folder: &TempDir, data: &Path) -> bool {
    fs::remove_dir_all(folder.path().join("profile of admin")).unwrap();
    let all = [folder.path().to_owned(), data.to_owned()].into_iter().chain(contents(data).into_iter().map(|(path, _)| path));
    let given = all.into_iter().all(|path| chown(&path, Some(SOMEBODY), Some(SOMEBODY)).is_ok());
    if !given {
        println!("SKIPPED: only root can give files away");
    }
    given
}

#[test]
fn what_root_does_in_somebodys_folder_stays_theirs() {
    let (folder, data) = used();
    if !give_away(&folder, &data) {
        return;
    }
    // As root, with the server stopped and running.
    let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert_eq!(on(&data, "rotate-key", &[]).code, Some(0));
    assert_eq!(on(&data, "backup", &[&name("monday")]).code, Some(0));
    assert_eq!(on(&data, "restore", &[&name("monday")]).code, Some(0));
    assert_eq!(on(&folder.path().join("new"), "restore", &[&name("monday")]).code, Some(0));
    let server = Server::start_in(folder, |_| {});
    assert_eq!(on(&data, "rotate-key", &[]).code, Some(0));
    let profile = server.data().with_file_name("profile of root");
    let who = Process::run(server.admin().command(&["who"]).env("BELFRY_PROFILE", profile.join("deep")));
    assert_eq!(who.code, Some(0), "{who:?}");
    server.admin().say("hello");
    let everything = |folder: &Path| {
        let found = Command::new("find").arg(folder).args(["!", "-uid", &SOMEBODY.to_string()]).output().unwrap();
        String::from_utf8(found.stdout).unwrap()
    };
    assert_eq!(everything(data.parent().unwrap()), "");
    let (_, folder) = server.stop();
    // And its own user can start it again.
    let server = Server::start_in(folder, |command| {
        command.uid(SOMEBODY).gid(SOMEBODY);
    });
    server.admin().say("hello again");
}

#[test]
fn data_that_others_may_read_is_reported_at_the_start() {
    let (folder, data) = used();
    fs::set_permissions(data.join("identity.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let (finished, _folder) = Server::start_in(folder, |_| {}).stop();
    assert!(finished.err.contains("identity.key mode=644") && finished.err.contains("chmod go-rwx"), "{}", finished.err);
}

#[test]
fn a_backup_follows_no_link_and_is_for_its_owner_alone() {
    let (folder, data) = used();
    let (backup, precious) = (folder.path().join("monday"), folder.path().join("precious"));
    fs::write(&precious, "precious").unwrap();
    symlink(&precious, folder.path().join("monday.unfinished")).unwrap();
    assert_eq!(on(&data, "backup", &[backup.to_str().unwrap()]).code, Some(0));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert_eq!(fs::metadata(&backup).unwrap().mode() & 0o777, 0o600);
    let link = folder.path().join("link");
    symlink(folder.path().join("nowhere"), &link).unwrap();
    assert!(on(&data, "backup", &[link.to_str().unwrap()]).refused(1).contains("exists already"));
}

#[test]
fn the_servers_memory_is_dumped_nowhere() {
    let server = Server::start();
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let core: Vec<_> = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"]);
    // Only what can be dumped shows itself to its own user; root runs this test, so it looks whose it is.
    let (folder, data) = used();
    if !give_away(&folder, &data) {
        return;
    }
    let server = Server::start_in(folder, |command| {
        command.uid(SOMEBODY).gid(SOMEBODY);
    });
    assert_eq!(fs::metadata(format!("/proc/{}/environ", server.id())).unwrap().uid(), 0);
}
