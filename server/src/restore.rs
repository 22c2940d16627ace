//! A backup put back: checked before anything is touched, and nothing that is there is lost.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use belfry_core::chat::Timeline;

use crate::contents::copy_contents;
use crate::files;
use crate::identity::{DataError, DataFolder};
use crate::serve::ServeError;
use crate::store::{Lock, Store, StoreError, contents_in, is_ours};

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Accounts in it.
    pub accounts: u64,
    /// Where what was there before has gone, if there was anything.
    pub before: Option<PathBuf>,
}

/// Puts the database `backup`, and the identity `backup.key`, into the data folder, which is made if it is not there. What is there
/// already is moved into a folder `before-restore-STAMP` in it. The backup may be a data folder's database, too, with the folder's identity.
///
/// # Errors
/// [`ServeError::Data`], [`ServeError::Store`]: the backup is not whole, or a server uses the folder; then nothing was changed.
pub fn restore(backup: &Path, data: &Path, stamp: &str) -> Result<Restored, ServeError> {
    File::open(backup).map_err(|error| DataError::BackupUnread { path: backup.to_owned(), error })?;
    let (key, in_use) = identity_of(backup)?;
    DataFolder::check_identity(&key)?;
    if !is_ours(backup) {
        // What is damaged, and how; a file with nothing in it is no backup either.
        crate::store::accounts_in(backup).map_err(|error| of_backup(backup, error))?;
        return Err(of_backup(backup, StoreError::NotBelfry { file: backup.to_owned() }));
    }
    let folder = DataFolder::open(data)?;
    let lock = Lock::take(&folder.database())?;
    let staging = data.join("restoring");
    remove_folder(&staging).map_err(|error| in_folder(&staging, error))?;
    let restored = DataFolder::open(&staging)?;
    let accounts = stage(backup, &restored, &key, &folder.database())
        .and_then(|accounts| stage_contents(backup, &restored).map(|()| accounts))
        .inspect_err(|_| drop(remove_folder(&staging)))?;
    drop(in_use);
    let before = put_aside(&folder, &data.join(format!("before-restore-{stamp}")))?;
    let parts =
        [(restored.contents(), folder.contents()), (restored.database(), folder.database()), (restored.identity(), folder.identity())];
    for (from, to) in parts.into_iter().filter(|(from, _)| from.exists()) {
        fs::rename(&from, &to).and_then(|()| files::sync_folder_of(&to)).map_err(|error| in_folder(&to, error))?;
    }
    // What is left in it is a lock.
    let _ = remove_folder(&staging);
    drop(lock);
    Ok(Restored { accounts, before })
}

/// Where the backup's identity is: beside it, or in the same data folder, which no server may use meanwhile.
fn identity_of(backup: &Path) -> Result<(PathBuf, Option<Lock>), ServeError> {
    let beside = files::beside(backup, ".key");
    let folder = DataFolder::existing(files::folder_of(backup))?;
    if beside.exists() || backup.file_name() != folder.database().file_name() || !folder.identity().exists() {
        return Ok((beside, None));
    }
    match Lock::take(backup) {
        Err(error @ StoreError::InUse { .. }) => Err(error.into()),
        // Where nothing can be written no server runs.
        lock => Ok((folder.identity(), lock.ok())),
    }
}

/// What is wrong with a backup, or with the copy of it that was opened, said of the backup.
fn of_backup(backup: &Path, error: StoreError) -> ServeError {
    let path = backup.to_owned();
    match error {
        StoreError::Damaged { what, .. } => DataError::BackupDamaged { path, what }.into(),
        StoreError::NotBelfry { .. } => DataError::BackupDamaged { path, what: "it is not a Belfry database".to_owned() }.into(),
        StoreError::Newer { found, known, .. } => StoreError::Newer { file: path, found, known }.into(),
        other => other.into(),
    }
}

/// Copies a backup and opens it as a server would, to go on from there in a timeline of its own.
fn stage(backup: &Path, to: &DataFolder, key: &Path, replaced: &Path) -> Result<u64, ServeError> {
    let database = to.database();
    copy(backup, &database).map_err(|error| in_folder(&database, error))?;
    // Of a database that was copied while it was open, the newest part lies beside it.
    let log = files::beside(backup, "-wal");
    if log.exists() {
        let copied = files::beside(&database, "-wal");
        copy(&log, &copied).map_err(|error| in_folder(&copied, error))?;
    }
    to.restore_identity(key)?;
    let random = getrandom::u64().map_err(|error| in_folder(&database, io::Error::other(error)))?;
    // SQLite's numbers have a sign. The first one is no new one.
    let timeline = Timeline((random >> 1).max(Timeline::FIRST.0 + 1));
    let opened = Store::open(&database).and_then(|mut store| {
        let accounts = store.opening()?.accounts;
        store.begin_timeline(timeline, Some(replaced).filter(|path| is_ours(path)))?;
        store.close()?;
        Ok(accounts)
    });
    opened.map_err(|error| of_backup(backup, error))
}

/// Copies what files hold: from beside the backup, or from the data folder that it is the database of.
fn stage_contents(backup: &Path, to: &DataFolder) -> Result<(), ServeError> {
    let beside = files::beside(backup, ".files");
    let own = DataFolder::existing(files::folder_of(backup))?;
    let from = match beside.is_dir() {
        true => beside,
        false if backup.file_name() == own.database().file_name() => own.contents(),
        false => return Ok(()),
    };
    let hashes = contents_in(&to.database())?;
    copy_contents(&from, &to.contents(), &hashes).map(drop).map_err(|error| in_folder(&to.contents(), error))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut made = files::create(to)?;
    io::copy(&mut File::open(from)?, &mut made)?;
    made.sync_all()
}

/// Moves what there is of a house into a new folder; gives it if there was anything.
fn put_aside(folder: &DataFolder, aside: &Path) -> Result<Option<PathBuf>, ServeError> {
    let database = folder.database();
    let parts = ["", "-wal", "-shm"].map(|ending| files::beside(&database, ending));
    let there: Vec<_> =
        parts.into_iter().chain([folder.identity(), folder.contents()]).filter(|part| part.symlink_metadata().is_ok()).collect();
    if there.is_empty() {
        return Ok(None);
    }
    if aside.symlink_metadata().is_ok() {
        return Err(in_folder(aside, io::ErrorKind::AlreadyExists.into()));
    }
    files::create_folder(aside).map_err(|error| in_folder(aside, error))?;
    for part in there {
        let to = aside.join(part.file_name().unwrap_or_default());
        fs::rename(&part, to).map_err(|error| in_folder(&part, error))?;
    }
    Ok(Some(aside.to_owned()))
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn in_folder(path: &Path, error: io::Error) -> ServeError {
    ServeError::Data(DataError::Folder { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use belfry_core::rng::from_seed;
    use belfry_core::time::UnixMillis;

    use super::*;
    use crate::store;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn house(at: &Path, seed: u8) -> belfry_core::crypto::PublicKey {
        let folder = DataFolder::open(at).unwrap();
        Store::open(&folder.database()).unwrap().close().unwrap();
        folder.make_identity(&mut from_seed([seed; 32]), NOW).unwrap().present.public()
    }

    fn key_of(data: &Path) -> belfry_core::crypto::PublicKey {
        DataFolder::open(data).unwrap().begin(NOW).unwrap().unwrap().present.public()
    }

    fn backed_up(temporary: &Path) -> (PathBuf, belfry_core::crypto::PublicKey) {
        let (data, backup) = (temporary.join("first"), temporary.join("monday"));
        let key = house(&data, 1);
        for part in back_up(&data, &backup) {
            part.finish().unwrap();
        }
        (backup, key)
    }

    /// Both parts, which have no names yet.
    fn back_up(data: &Path, to: &Path) -> [files::UnnamedFile; 2] {
        let folder = DataFolder::open(data).unwrap();
        [store::copy(&folder.database(), to).unwrap(), folder.copy_identity(&files::beside(to, ".key")).unwrap()]
    }

    #[test]
    fn what_a_killed_backup_leaves_is_none_and_keeps_no_other_from_being_made() {
        let temporary = tempfile::tempdir().unwrap();
        let (data, backup) = (temporary.path().join("data"), temporary.path().join("monday"));
        let key = house(&data, 1);
        std::mem::forget(back_up(&data, &backup));
        let left: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        assert!(left.len() == 3 && left.iter().all(|name| name == "data" || name.contains(".unfinished-")), "{left:?}");
        let new = temporary.path().join("new");
        assert!(restore(&backup, &new, "now").unwrap_err().to_string().contains("monday cannot be read: there is no such file"));
        for part in back_up(&data, &backup) {
            part.finish().unwrap();
        }
        restore(&backup, &new, "now").unwrap();
        assert_eq!(key_of(&new), key);
    }

    #[test]
    fn what_was_put_aside_is_put_back_and_a_data_folder_in_use_is_no_backup() {
        let temporary = tempfile::tempdir().unwrap();
        let (backup, restored) = backed_up(temporary.path());
        let data = temporary.path().join("data");
        let key = house(&data, 2);
        let before = restore(&backup, &data, "now").unwrap().before.unwrap();
        assert_eq!(key_of(&data), restored);
        let server = Lock::take(&before.join("belfry.db")).unwrap();
        assert!(restore(&before.join("belfry.db"), &data, "later").unwrap_err().to_string().contains("Another Belfry server"));
        drop(server);
        restore(&before.join("belfry.db"), &data, "later").unwrap();
        assert_eq!(key_of(&data), key);
    }

    #[test]
    fn a_backup_is_put_into_a_new_folder_and_what_was_in_an_old_one_is_kept() {
        let temporary = tempfile::tempdir().unwrap();
        let (backup, key) = backed_up(temporary.path());
        let (new, old) = (temporary.path().join("new"), temporary.path().join("old"));
        assert_eq!(restore(&backup, &new, "now").unwrap(), Restored { accounts: 0, before: None });
        assert_eq!(key_of(&new), key);
        let other = house(&old, 2);
        let before = restore(&backup, &old, "now").unwrap().before.unwrap();
        assert_eq!(before, old.join("before-restore-now"));
        assert_eq!((key_of(&old), key_of(&before)), (key, other));
        assert!(!old.join("restoring").exists() && before.join("belfry.db").exists());
        let timeline = |data: &Path| Store::open(&data.join("belfry.db")).unwrap().opening().unwrap().timeline;
        let (first, one, two) = (timeline(&before), timeline(&new), timeline(&old));
        assert!(first == Timeline::FIRST && one != first && two != first && one != two, "each goes on in its own way");
    }

    #[test]
    fn what_is_no_whole_backup_is_refused_and_nothing_is_touched() {
        let temporary = tempfile::tempdir().unwrap();
        let (backup, _) = backed_up(temporary.path());
        let data = temporary.path().join("data");
        let key = house(&data, 2);
        let good = fs::read(&backup).unwrap();
        for content in [&b""[..], b"nonsense", &good[..good.len() / 2]] {
            fs::write(&backup, content).unwrap();
            let said = restore(&backup, &data, "now").unwrap_err().to_string();
            assert!(said.contains("monday is damaged: ") && said.contains("restore another one"), "{said}");
        }
        fs::write(&backup, good).unwrap();
        fs::remove_file(files::beside(&backup, ".key")).unwrap();
        let said = restore(&backup, &data, "now").unwrap_err().to_string();
        assert!(said.contains("The backup ") && said.contains("monday.key cannot be read") && said.contains("`belfry backup`"), "{said}");
        assert_eq!(key_of(&data), key);
        assert!(!data.join("restoring").exists() && !data.join("before-restore-now").exists());
    }

    #[test]
    fn a_folder_that_a_server_uses_is_left_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let (backup, _) = backed_up(temporary.path());
        let data = temporary.path().join("first");
        let _server = Lock::take(&data.join("belfry.db")).unwrap();
        let said = restore(&backup, &data, "now").unwrap_err().to_string();
        assert!(said.starts_with("Another Belfry server is using this data folder"), "{said}");
    }
}
