//! A server that cannot start says why in one sentence, exits 1, and leaves everything as it was.

use std::fs;
use std::path::Path;

use belfry_tests::process::{Finished, Process, Server, belfry, contents};
use tempfile::TempDir;

fn serve(data: &Path, listen: &str) -> Finished {
    Process::run(belfry(["serve", "--listen", listen, "--data"]).arg(data))
}

/// The data folder of a server that was used and has stopped.
fn used() -> TempDir {
    let server = Server::start();
    server.admin().say("hello");
    server.stop().1
}

/// A server refuses this folder and leaves every file in it as it is.
fn refused(data: &Path) -> String {
    let before = contents(data);
    let said = serve(data, "127.0.0.1:0").refused(1);
    for (path, content) in before {
        assert!(fs::read(&path).unwrap() == content, "{} has changed", path.display());
    }
    said
}

#[test]
fn a_port_in_use_is_refused_before_anything_is_touched() {
    let server = Server::start();
    let data = server.data().with_file_name("another");
    let said = serve(&data, &server.address.to_string()).refused(1);
    assert!(said.starts_with(&format!("Port {} is already in use", server.address.port())), "{said}");
    assert!(!data.exists());
}

#[test]
fn a_data_folder_in_use_is_refused() {
    let server = Server::start();
    let said = serve(&server.data(), "127.0.0.1:0").refused(1);
    assert!(said.starts_with("Another Belfry server is using this data folder"), "{said}");
}

#[test]
fn a_data_folder_that_cannot_be_made_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let said = serve(&file.join("data"), "127.0.0.1:0").refused(1);
    assert!(said.contains("file/data cannot be used: ") && said.contains("--data"), "{said}");
}

#[test]
fn a_database_of_a_newer_program_is_refused_and_unchanged() {
    let folder = used();
    let data = folder.path().join("data");
    let database = data.join("belfry.db");
    let mut bytes = fs::read(&database).unwrap();
    // The schema's version in the header of an SQLite file.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&database, bytes).unwrap();
    let said = refused(&data);
    assert!(said.contains("has schema version 99") && said.contains("newer"), "{said}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_unchanged() {
    let folder = used();
    let data = folder.path().join("data");
    fs::write(data.join("belfry.db"), "garbage ".repeat(1000)).unwrap();
    let said = refused(&data);
    assert!(said.contains("belfry.db is damaged: "), "{said}");
}

#[test]
fn a_database_with_damaged_pages_is_refused_and_unchanged() {
    let folder = used();
    let data = folder.path().join("data");
    let database = data.join("belfry.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[100..].fill(0xa5);
    fs::write(&database, bytes).unwrap();
    let said = refused(&data);
    assert!(said.contains("belfry.db is damaged: "), "{said}");
}

#[test]
fn a_damaged_identity_is_refused_and_unchanged() {
    let folder = used();
    let data = folder.path().join("data");
    fs::write(data.join("identity.key"), "not a key").unwrap();
    let said = refused(&data);
    assert!(said.contains("identity.key is damaged"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_data_folder_that_is_a_link_to_nothing_is_told_as_one() {
    let folder = TempDir::new().unwrap();
    let link = folder.path().join("data");
    std::os::unix::fs::symlink("/nowhere/at/all", &link).unwrap();
    let said = serve(&link, "127.0.0.1:0").refused(1);
    assert!(said.contains("data is a link to /nowhere/at/all, which is not there.") && said.contains("--data"), "{said}");
    for command in [&["rotate-key", "--data"][..], &["backup", "/nowhere/backup.db", "--data"]] {
        assert_eq!(Process::run(belfry(command.iter().copied()).arg(&link)).refused(1), said);
    }
}

#[test]
fn a_folder_below_a_file_is_told_as_none() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for data in [file.join("data"), file] {
        let said = serve(&data, "127.0.0.1:0").refused(1);
        assert!(said.ends_with(" is a file, not a folder. Choose another folder with --data."), "{said}");
    }
}

#[test]
fn a_new_key_for_no_server_and_a_backup_to_no_folder_say_so() {
    let folder = TempDir::new().unwrap();
    let said = Process::run(belfry(["rotate-key", "--data"]).arg(folder.path())).refused(1);
    assert!(said.starts_with("There is no server's identity in ") && said.contains("--data"), "{said}");
    assert_eq!(
        fs::read_dir(folder.path())
            .unwrap()
            .filter(|entry| !entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".lock"))
            .count(),
        0
    );
    let used = used();
    let target = folder.path().join("missing").join("backup.db");
    let said = Process::run(belfry(["backup"]).arg(&target).arg("--data").arg(used.path().join("data"))).refused(1);
    assert!(said.starts_with(&format!("The backup {}.key cannot be written: ", target.display())), "{said}");
    assert!(said.contains("a folder that is there"), "{said}");
    assert_eq!(Process::run(&mut belfry(["backup", ""])).refused(2), "FILE cannot be empty: belfry backup --help explains.");
}

#[test]
fn a_key_that_a_killed_backup_has_left_is_named_and_a_backup_that_is_none_is_told_as_one() {
    let used = used();
    let data = used.path().join("data");
    let file = |name: &str| used.path().join(name);
    let run = |command: &str, name: &str| Process::run(belfry([command]).arg(file(name)).arg("--data").arg(&data));
    fs::write(file("monday.db.key"), "half").unwrap();
    let said = run("backup", "monday.db").refused(1);
    assert!(said.contains("monday.db.key exists already, without ") && said.contains("remove it"), "{said}");
    assert!(!file("monday.db").exists());
    run("backup", "tuesday.db").done();
    fs::remove_file(file("tuesday.db.key")).unwrap();
    for (name, missing) in [("nothing.db", "nothing.db cannot be read"), ("tuesday.db", "tuesday.db.key cannot be read")] {
        let said = run("restore", name).refused(1);
        assert!(said.contains("The backup ") && said.contains(missing) && !said.contains("--data"), "{said}");
    }
    assert!(!data.join("restoring").exists(), "nothing was touched");
}

/// Every write to /dev/full fails as on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_told_as_one() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = belfry(["serve", "--print-config"]);
    let finished = command.stdout(full).output().unwrap();
    assert_eq!(finished.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&finished.stderr), "belfry: Standard output cannot be written: the disk is full.\n");
}
