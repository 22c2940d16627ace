//! Opening the database: one server to a folder, our own files only, never a newer one, and what was refused is left as it was.

use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::schema::{self, APPLICATION_ID, MIGRATIONS};
use crate::files;

/// How long a statement waits for somebody else, an administrator's `sqlite3` for instance, to let go of the file.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Kept statements: all that there are.
const STATEMENTS_MAX: usize = 256;

/// The pages of the last days of every busy conversation stay in memory.
const CACHE_KIB: i64 = 32 * 1024;

/// A checkpoint comes after this many pages of 4 KiB. When it is through, the next commit writes from the front of the log again.
const CHECKPOINT_PAGES: u32 = 1000;

/// The first bytes of every SQLite file, and where its header keeps what we look at (<https://sqlite.org/fileformat.html> §1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER_BYTES: usize = 100;
const USER_VERSION_AT: usize = 60;
const APPLICATION_ID_AT: usize = 68;

/// How many accounts there are.
const ACCOUNTS: &str = "SELECT count(*) FROM accounts";

/// Whether there are tables.
const OBJECTS: &str = "SELECT count(*) FROM sqlite_schema";

/// A data folder that no other server has: it lies beside the database, rather than being SQLite's exclusive mode. So a backup may read
/// through a connection of its own while the server runs, and the operating system lets go of it however the server ends.
#[derive(Debug)]
pub struct Lock {
    database: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock beside the database at this path, which need not be there.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Unusable`].
    pub fn take(database: &Path) -> Result<Self, StoreError> {
        let path = database.with_extension("lock");
        let unusable = |reason| StoreError::Unusable { file: path.clone(), reason };
        let file = files::open_or_create(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { database: database.to_owned(), _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { file: path }),
            Err(TryLockError::Error(reason)) => Err(unusable(reason)),
        }
    }

    /// The database that is locked.
    pub(super) fn database(&self) -> &Path {
        &self.database
    }
}

/// Opens or makes the database; as long as the lock is held, nobody else does.
pub(super) fn on_disk(path: &Path) -> Result<Connection, StoreError> {
    // SQLite gives the files beside it the same owner and permissions.
    files::open_or_create(path).map_err(|reason| StoreError::Unusable { file: path.to_owned(), reason })?;
    check_header(path)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| StoreError::from(error).in_file(path))?;
    prepare_file(connection, path).map_err(|error| error.in_file(path))
}

/// Opens a database that is open already a second time, for reading only: with a write-ahead log, neither waits for the other.
pub(super) fn for_reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    configure(&connection)?;
    // Not SQLITE_OPEN_READ_ONLY: whoever closes last has to be able to clear the log away.
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Opens a file that is there. A path is a path, whatever it is called: no SQLITE_OPEN_URI, and because the library may have been built to
/// read URIs all the same, always with a folder in front.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(files::for_sqlite(path), flags.union(OpenFlags::SQLITE_OPEN_NO_MUTEX))
}

/// How many accounts there are in a database that nobody has open; what is in it stays as it is. 0 in one that nothing was done to yet.
///
/// # Errors
/// [`StoreError`] when it is none of ours or cannot be read.
pub fn accounts_in(path: &Path) -> Result<u64, StoreError> {
    check_header(path)?;
    if !is_ours(path) {
        return Ok(0);
    }
    let count = || {
        // Not SQLITE_OPEN_READ_ONLY: what a power cut has left of a transaction has to be taken back first.
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let ask = |question| connection.query_row(question, [], |row| super::column::number(row, 0));
        if ask(OBJECTS)? == 0 { Ok(0) } else { ask(ACCOUNTS) }
    };
    count().map_err(|error: rusqlite::Error| StoreError::from(error).in_file(path))
}

/// Whether this file is a database of a Belfry server, of whatever age. One that cannot be read is none.
pub fn is_ours(path: &Path) -> bool {
    matches!(header(path), Ok(header) if header.starts_with(MAGIC) && word(&header, APPLICATION_ID_AT) == Some(APPLICATION_ID))
}

/// Makes a database that is gone when it is closed.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    prepare_memory(Connection::open_in_memory()?)
}

/// Opens a database in memory that everybody in this process who says `name` shares, gone when the last of them has closed it.
pub(super) fn in_shared_memory(name: &str) -> Result<Connection, StoreError> {
    prepare_memory(Connection::open(format!("file:/{name}?vfs=memdb"))?)
}

fn prepare_memory(mut connection: Connection) -> Result<Connection, StoreError> {
    configure(&connection)?;
    give_room_back(&connection)?;
    schema::migrate(&mut connection, MIGRATIONS)?;
    Ok(connection)
}

/// Looks at the first bytes before SQLite does: opening a file with SQLite may already change what lies beside it.
pub(super) fn check_header(path: &Path) -> Result<(), StoreError> {
    let unusable = |reason| StoreError::Unusable { file: path.to_owned(), reason };
    let header = header(path).map_err(unusable)?;
    if header.is_empty() {
        return Ok(());
    }
    if !header.starts_with(MAGIC) {
        return Err(StoreError::contradiction("it does not begin as a database does").in_file(path));
    }
    let (Some(version), Some(application)) = (word(&header, USER_VERSION_AT), word(&header, APPLICATION_ID_AT)) else {
        return Err(StoreError::contradiction("it ends within its first bytes").in_file(path));
    };
    check_origin(path, application, version)
}

fn header(path: &Path) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    File::open(path)?.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    Ok(header)
}

fn word(header: &[u8], at: usize) -> Option<u32> {
    header.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// Zero for both is a file that nothing was done to yet.
fn check_origin(path: &Path, application: u32, version: u32) -> Result<(), StoreError> {
    let known = schema::known_version();
    match (application, version) {
        (0, 0) => Ok(()),
        (APPLICATION_ID, version) if version > known => Err(StoreError::Newer { file: path.to_owned(), found: version, known }),
        (APPLICATION_ID, _) => Ok(()),
        _ => Err(StoreError::NotBelfry { file: path.to_owned() }),
    }
}

fn prepare_file(mut connection: Connection, path: &Path) -> Result<Connection, StoreError> {
    // Until the file is known to be ours, closing it must not carry over what lies in its log.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Reading the schema replays the log and reads the first pages; SQLite compares the length of the file with its header. Looking at
    // every page (`quick_check`) takes minutes with ten million messages: what is damaged further in is reported when it is read.
    let objects: u64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| super::column::number(row, 0))?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let application = u32::try_from(application).unwrap_or(u32::MAX);
    if application == 0 && objects > 0 {
        return Err(StoreError::NotBelfry { file: path.to_owned() });
    }
    check_origin(path, application, schema::version(&connection)?)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;

    configure(&connection)?;
    if objects == 0 {
        give_room_back(&connection)?;
    }
    schema::migrate(&mut connection, MIGRATIONS)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let reason = io::Error::new(io::ErrorKind::Unsupported, "its file system cannot hold a write-ahead log");
        return Err(StoreError::Unusable { file: path.to_owned(), reason });
    }
    Ok(connection)
}

/// Lets what old messages leave behind be given back to the disk in small bites. Only a file without tables takes it; one with tables
/// would be written to without need.
fn give_room_back(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?)
}

fn configure(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A plan depends on no value. Otherwise SQLite prepares a statement whose plan may depend on one again after each use, because keeping
    // it clears its values: that was half of what a receipt cost.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // FULL: a commit has reached the disk before it is answered. That is what "sent" means.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // The log keeps its length after a checkpoint and is written over from the front: syncing a block that the file already has takes a
    // small part of the time of syncing one that makes the file longer (0.05 ms against 2 to 4 ms, measured).
    connection.pragma_update_and_check(None, "journal_size_limit", -1, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, MessagePage};
    use std::fs;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::super::Store;
    use super::super::fixture::{add, post_to};
    use super::*;

    fn folder() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        (folder, path)
    }

    /// Opening `path` is refused, and not a byte of it changes.
    fn refused(path: &Path) -> StoreError {
        let before = fs::read(path).unwrap();
        let error = Store::open(path).err().unwrap();
        assert!(fs::read(path).unwrap() == before, "{error}");
        error
    }

    fn with_pragma(path: &Path, pragma: &str, value: u32) {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, pragma, value).unwrap();
        connection.close().unwrap();
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_left_as_it_was() {
        let (_folder, path) = folder();
        Store::open(&path).unwrap().close().unwrap();
        with_pragma(&path, "user_version", 99);
        assert!(matches!(refused(&path), StoreError::Newer { found: 99, known, .. } if known == schema::known_version()));
    }

    #[test]
    fn a_newer_version_that_is_only_in_the_log_is_refused_too() {
        let (_folder, path) = folder();
        Store::open(&path).unwrap().close().unwrap();
        let connection = Connection::open(&path).unwrap();
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        connection.close().unwrap();
        let log = fs::read(path.with_extension("db-wal")).unwrap();
        assert!(!log.is_empty());
        assert!(matches!(refused(&path), StoreError::Newer { found: 99, .. }));
        assert!(fs::read(path.with_extension("db-wal")).unwrap() == log);
    }

    #[test]
    fn a_database_of_another_program_is_refused_and_left_as_it_was() {
        let (_folder, path) = folder();
        with_pragma(&path, "application_id", 77);
        assert!(matches!(refused(&path), StoreError::NotBelfry { .. }));
    }

    #[test]
    fn a_database_that_says_nothing_of_its_origin_is_refused_unless_it_is_empty() {
        let (_folder, path) = folder();
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE things (thing)").unwrap();
        connection.close().unwrap();
        assert!(matches!(refused(&path), StoreError::NotBelfry { .. }));

        fs::write(&path, b"").unwrap();
        Store::open(&path).unwrap();
    }

    #[test]
    fn what_is_no_database_is_refused_and_left_as_it_was() {
        let (_folder, path) = folder();
        for content in [&b"x"[..], &[0; 5000], b"SQLite format 3\0 and then nothing"] {
            fs::write(&path, content).unwrap();
            assert!(matches!(refused(&path), StoreError::Damaged { file: Some(_), .. }));
        }
    }

    #[test]
    fn a_damaged_database_is_refused_and_left_as_it_was() {
        let (_folder, path) = folder();
        Store::open(&path).unwrap().close().unwrap();
        let good = fs::read(&path).unwrap();
        let truncated = good[..good.len() / 2].to_vec();
        let mut overwritten = good;
        overwritten[HEADER_BYTES..4096].fill(0xa5);
        for content in [truncated, overwritten] {
            fs::write(&path, content).unwrap();
            let error = refused(&path);
            assert!(matches!(error, StoreError::Damaged { file: Some(_), .. }), "{error}");
        }
    }

    #[test]
    fn a_second_server_on_the_same_folder_is_refused_until_the_first_has_gone() {
        let (_folder, path) = folder();
        let first = Store::open(&path).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
        first.close().unwrap();
        Store::open(&path).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let (_folder, path) = folder();
        let error = Store::open(&path.join("nowhere").join("belfry.db")).err().unwrap();
        assert!(matches!(&error, StoreError::Unusable { .. }) && error.to_string().contains("nowhere"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_on_the_machine_may_read_the_database() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        add(&mut store, "anna");
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
        }
    }

    /// I20: what a power cut leaves of the log is the commits up to somewhere, whole, and never the later ones without the earlier.
    #[test]
    fn a_log_that_was_cut_anywhere_holds_the_commits_before_the_cut() {
        use super::super::fixture::{LOBBY, ask, post};
        use super::super::{Outcome, Target, Work};
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let anna = add(&mut store, "anna");
        store.close().unwrap();
        let mut store = Store::open(&path).unwrap();
        for n in 1..=6 {
            ask(&mut store, n, post(anna, n, Target::Room(LOBBY), &"x".repeat(400 * n as usize))).unwrap();
        }
        let (file, log) = (fs::read(&path).unwrap(), fs::read(path.with_extension("db-wal")).unwrap());
        drop(store);
        let (_folder, path) = self::folder();
        let mut last = 0;
        for cut in (0..log.len()).step_by(1021).chain([log.len() - 1, log.len()]) {
            fs::write(&path, &file).unwrap();
            fs::write(path.with_extension("db-wal"), &log[..cut]).unwrap();
            let _ = fs::remove_file(path.with_extension("db-shm"));
            let mut store = Store::open(&path).unwrap();
            let page = Work::FetchAfter { account: anna, conversation: LOBBY, after: belfry_core::chat::Seq(0), limit: 100 };
            let Ok(Outcome::Read(Answer::Page(MessagePage { messages, .. }))) = ask(&mut store, 1, page) else { panic!("a page") };
            let seqs: Vec<_> = messages.iter().map(|message| (message.seq.0, message.text.as_str().len() as u64)).collect();
            assert_eq!(seqs, (1..=seqs.len() as u64).map(|n| (n, 400 * n)).collect::<Vec<_>>(), "cut at {cut} of {}", log.len());
            assert!(seqs.len() >= last, "cut at {cut} of {}", log.len());
            last = seqs.len();
        }
        assert_eq!(last, 6);
    }

    #[test]
    fn commits_reach_the_disk_and_the_log_keeps_its_length() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let pragma = |store: &Store, name| store.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((pragma(&store, "synchronous"), pragma(&store, "foreign_keys")), (2, 1));
        let anna = add(&mut store, "anna");
        post_to(&mut store, anna, 1, super::super::Target::Room(super::super::fixture::LOBBY)).unwrap();
        let length = || fs::metadata(path.with_extension("db-wal")).unwrap().len();
        let before = length();
        store.connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
        post_to(&mut store, anna, 2, super::super::Target::Room(super::super::fixture::LOBBY)).unwrap();
        assert!(before > 0);
        assert_eq!(length(), before);
    }

    #[test]
    fn each_connection_is_set_as_it_should_be() {
        let (_folder, path) = folder();
        let store = Store::open(&path).unwrap();
        for connection in [&for_reading(&path).unwrap(), &in_memory().unwrap(), &store.connection] {
            let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
            let safety = ["synchronous", "foreign_keys", "trusted_schema", "cell_size_check"].map(pragma);
            assert_eq!(safety, [2, 1, 0, 1]);
            let room = ["temp_store", "cache_size", "journal_size_limit", "wal_autocheckpoint"].map(pragma);
            assert_eq!(room, [2, -CACHE_KIB, -1, i64::from(CHECKPOINT_PAGES)]);
            assert!(connection.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG).unwrap());
        }
    }

    #[test]
    fn the_accounts_of_a_house_are_counted_while_nobody_has_it_open() {
        let (_folder, path) = folder();
        fs::write(&path, b"").unwrap();
        assert_eq!(accounts_in(&path).unwrap(), 0, "nothing was done to it yet");
        with_pragma(&path, "application_id", APPLICATION_ID);
        assert_eq!(accounts_in(&path).unwrap(), 0, "a start that was cut short has made no tables");
        let mut store = Store::open(&path).unwrap();
        for name in ["anna", "bob", "carol"] {
            add(&mut store, name);
        }
        store.close().unwrap();
        assert_eq!(accounts_in(&path).unwrap(), 3);
        with_pragma(&path, "application_id", 77);
        assert!(matches!(accounts_in(&path), Err(StoreError::NotBelfry { .. })));
    }
}
