//! A copy of the database while a server writes to it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::backup::{Backup, StepResult};

use super::StoreError;
use super::open::{BUSY_TIMEOUT, check_header, connect};
use crate::files;

/// Pages of 4 KiB that are copied in one step, and the pause between two: 40 MB in a second at most, so that the server's own writing
/// keeps the better part of a slow disk.
const STEP_PAGES: i32 = 1024;
/// See [`STEP_PAGES`].
const STEP_PAUSE: Duration = Duration::from_millis(100);

/// Copies the database at `from`, which a server may be using, to the new file `to`: everything that was committed when the copying
/// began, and nothing else. Says how many bytes that was. The server writes on meanwhile; only its log of changes grows until the end.
///
/// The copy appears under its name when it is complete and on the disk. Until then it has another one, which nobody else uses; a process that
/// is killed leaves it behind.
///
/// # Errors
/// [`StoreError`]: there is something at `to` already, `from` is no database of ours, or the operating system says no.
pub fn copy(from: &Path, to: &Path) -> Result<u64, StoreError> {
    let unusable = |reason| StoreError::Unusable { file: to.to_owned(), reason };
    if fs::symlink_metadata(to).is_ok() {
        return Err(unusable(io::Error::new(io::ErrorKind::AlreadyExists, "it exists already")));
    }
    check_header(from)?;
    let unfinished =
        files::beside(&in_real_folder(to).map_err(unusable)?, &format!(".unfinished-{:08x}", getrandom::u32().unwrap_or_default()));
    files::create(&unfinished).map_err(unusable)?;
    let copied = copy_pages(from, &unfinished).and_then(|()| finish(&unfinished, to).map_err(unusable));
    if copied.is_err() {
        // What is left of it is of no use to anybody.
        let _ = fs::remove_file(&unfinished);
    }
    copied
}

/// The path with the links before its last part followed: SQLite is told not to follow any.
fn in_real_folder(path: &Path) -> io::Result<PathBuf> {
    Ok(files::folder_of(path).canonicalize()?.join(path.file_name().unwrap_or_default()))
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
    let mut copy = connect(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW).map_err(in_copy)?;
    {
        let backup = Backup::new(&source, &mut copy).map_err(in_copy)?;
        while backup.step(STEP_PAGES).map_err(in_copy)? != StepResult::Done {
            std::thread::sleep(STEP_PAUSE);
        }
    }
    copy.close().map_err(|(_, error)| in_copy(error))
}

fn finish(unfinished: &Path, to: &Path) -> io::Result<u64> {
    // Windows waits for the disk only where one may write.
    let file = File::options().read(true).write(true).open(unfinished)?;
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    drop(file);
    // Not `rename`, which would replace what somebody has put there meanwhile.
    fs::hard_link(unfinished, to)
        .or_else(|_| if to.exists() { Err(io::ErrorKind::AlreadyExists.into()) } else { fs::rename(unfinished, to) })?;
    let _ = fs::remove_file(unfinished);
    files::sync_folder_of(to)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{LOBBY, add, job, overview, post, post_to};
    use super::super::{Store, Target};
    use super::*;

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
            move || copy(&from, &to)
        });
        let mut counter = 600;
        while !copying.is_finished() {
            counter += 1;
            post_to(&mut store, anna, counter, Target::Room(LOBBY)).unwrap();
        }
        assert!(copying.join().unwrap().unwrap() > 2 * 4096 * STEP_PAGES as u64);
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
    fn a_database_that_no_server_uses_is_copied_too() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("belfry.db"), folder.path().join("copy"));
        Store::open(&from).unwrap().close().unwrap();
        copy(&from, &to).unwrap();
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
            let bytes = copy(&from, &to).unwrap();
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
        copy(&from, &to).unwrap();
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
        copy(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
