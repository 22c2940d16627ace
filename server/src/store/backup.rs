//! A copy of the database while a server writes to it.

use std::io;
use std::path::Path;
use std::time::Duration;

use belfry_core::chat::ContentHash;
use rusqlite::OpenFlags;
use rusqlite::backup::{Backup, StepResult};

use super::StoreError;
use super::open::{BUSY_TIMEOUT, check_header, connect};
use crate::files::UnnamedFile;

/// Pages of 4 KiB that are copied in one step, and the pause between two: 40 MB in a second at most, so that the server's own writing
/// keeps the better part of a slow disk.
const STEP_PAGES: i32 = 1024;
/// See [`STEP_PAGES`].
const STEP_PAUSE: Duration = Duration::from_millis(100);

/// Copies the database at `from`, which a server may be using, to the new file `to`: everything that was committed when the copying
/// began, and nothing else. The server writes on meanwhile; only its log of changes grows until the end. The copy is complete, and has its
/// name when it is [finished](UnnamedFile::finish).
///
/// # Errors
/// [`StoreError`]: there is something at `to` already, `from` is no database of ours, or the operating system says no.
pub fn copy(from: &Path, to: &Path) -> Result<UnnamedFile, StoreError> {
    check_header(from)?;
    let unfinished = UnnamedFile::create(to).map_err(|reason| StoreError::Unusable { file: to.to_owned(), reason })?;
    copy_pages(from, unfinished.path())?;
    Ok(unfinished)
}

/// The contents of files that a copy which is not finished yet speaks of; none where it is of a program that knew of no files.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub fn contents_in(copy: &Path) -> Result<Vec<ContentHash>, StoreError> {
    // Not SQLITE_OPEN_READ_ONLY: what only reads a database with a log cannot remove the files that SQLite makes beside it.
    let connection = connect(copy, OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NOFOLLOW))?;
    let knows = connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'contents'", [], |row| row.get::<_, u32>(0))?;
    let hashes = if knows == 0 { Vec::new() } else { super::files::all(&connection)? };
    connection.close().map_err(|(_, error)| error)?;
    Ok(hashes)
}

fn copy_pages(from: &Path, to: &Path) -> Result<(), StoreError> {
    let in_source = |error: rusqlite::Error| StoreError::from(error).in_file(from);
    // What is full is the copy's disk.
    let in_copy = |error: rusqlite::Error| match StoreError::from(error) {
        StoreError::DiskFull => StoreError::Unusable { file: to.to_owned(), reason: io::ErrorKind::StorageFull.into() },
        other => other.in_file(to),
    };
    let source = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(in_source)?;
    source.busy_timeout(BUSY_TIMEOUT).map_err(in_source)?;
    // The transaction holds on to one state: without it every write of the server would begin the copying anew.
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").map_err(in_source)?;
    let mut copy = connect(to, OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NOFOLLOW)).map_err(in_copy)?;
    {
        let backup = Backup::new(&source, &mut copy).map_err(in_copy)?;
        while backup.step(STEP_PAGES).map_err(in_copy)? != StepResult::Done {
            std::thread::sleep(STEP_PAUSE);
        }
    }
    copy.close().map_err(|(_, error)| in_copy(error))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{LOBBY, add, job, overview, post, post_to};
    use super::super::{Store, Target};
    use super::*;
    use std::fs;

    fn copied(from: &Path, to: &Path) -> u64 {
        copy(from, to).unwrap().finish().unwrap()
    }

    #[test]
    fn a_copy_made_while_the_server_writes_is_one_state_and_can_be_served() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("belfry.db"), folder.path().join("copy"));
        let mut store = Store::open(&from).unwrap();
        let anna = add(&mut store, "anna");
        // Long enough for several steps.
        let text = "x".repeat(16_000);
        store.apply((1..=600).map(|n| job(n, 0, post(anna, n, Target::Room(LOBBY), &text))).collect());
        let copying = std::thread::spawn({
            let (from, to) = (from.clone(), to.clone());
            move || copied(&from, &to)
        });
        let mut counter = 600;
        while !copying.is_finished() {
            counter += 1;
            post_to(&mut store, anna, counter, Target::Room(LOBBY)).unwrap();
        }
        assert!(copying.join().unwrap() > 2 * 4096 * STEP_PAGES as u64);
        assert!(counter > 601, "the server has written meanwhile");
        let restored = folder.path().join("restored.db");
        fs::copy(&to, &restored).unwrap();
        let mut restored = Store::open(&restored).unwrap();
        let last = overview(&mut restored, 1, anna).0[0].last.0;
        assert!((600..=counter).contains(&last), "{last}");
        let damage: String = restored.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(damage, "ok");
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().contains("unfinished")), "{names:?}");
    }

    #[test]
    fn a_copy_that_was_asked_for_its_contents_has_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("belfry.db"), folder.path().join("backup").join("copy"));
        fs::create_dir(folder.path().join("backup")).unwrap();
        drop(Store::open(&from).unwrap());
        let unfinished = copy(&from, &to).unwrap();
        assert_eq!(contents_in(unfinished.path()).unwrap(), []);
        unfinished.finish().unwrap();
        let names: Vec<_> = fs::read_dir(folder.path().join("backup")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["copy"]);
    }

    #[test]
    fn a_database_that_no_server_uses_is_copied_too() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("belfry.db"), folder.path().join("copy"));
        Store::open(&from).unwrap().close().unwrap();
        copied(&from, &to);
        Store::open(&to).unwrap();
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("belfry.db"), folder.path().join("copy"));
        Store::open(&from).unwrap().close().unwrap();
        fs::write(&to, "precious").unwrap();
        assert!(copy(&from, &to).unwrap_err().to_string().contains("something of that name already"));
        assert_eq!(fs::read_to_string(&to).unwrap(), "precious");
    }

    #[test]
    fn what_is_no_database_of_ours_is_not_copied_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("belfry.db"), folder.path().join("copy"));
        assert!(copy(&from, &to).unwrap_err().to_string().contains("belfry.db"));
        assert!(!from.exists());
        fs::write(&from, "something else entirely").unwrap();
        assert!(copy(&from, &to).is_err());
        assert!(!to.exists());
    }

    #[test]
    fn a_copy_whose_name_means_something_to_sqlite_is_a_file_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("belfry.db");
        Store::open(&from).unwrap().close().unwrap();
        for name in ["file:copy", ":memory:", "copy?mode=memory", "100%25"] {
            let to = folder.path().join(name);
            let bytes = copied(&from, &to);
            assert!(bytes > 4096 && fs::metadata(&to).unwrap().len() == bytes, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_others_have_put_beside_the_copy_is_neither_followed_nor_used() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (from, to, precious) = (folder.path().join("belfry.db"), folder.path().join("copy"), folder.path().join("precious"));
        Store::open(&from).unwrap().close().unwrap();
        fs::write(&precious, "precious").unwrap();
        symlink(&precious, folder.path().join("copy.unfinished")).unwrap();
        copied(&from, &to);
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        let dangling = folder.path().join("dangling");
        symlink(folder.path().join("elsewhere"), &dangling).unwrap();
        assert!(copy(&from, &dangling).is_err());
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        assert!(!folder.path().join("elsewhere").exists());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_on_the_machine_may_read_the_copy() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("belfry.db"), folder.path().join("copy"));
        Store::open(&from).unwrap().close().unwrap();
        copied(&from, &to);
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
