//! Opening the file: ours, of this form and nobody else's while it is open; anything else is begun anew.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Counts the forms of the file. Another one, older or newer, is not read: the server has everything.
const FORM: u32 = 6;

/// What was added since without another form: a program that does not know of it leaves it alone.
const LATER_TABLES: &str = "
CREATE TABLE IF NOT EXISTS witness (owner INTEGER PRIMARY KEY, witness BLOB NOT NULL) STRICT;
";

/// Says that the file is ours: "Blfc".
const APPLICATION_ID: u32 = 0x426c_6663;

/// What SQLite lays beside it.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Kept statements: all that there are.
const STATEMENTS_MAX: usize = 32;

/// Pages in memory: what a screen is filled from, and no more of a program that waits all day.
const PAGES_KIB: i64 = 1024;

/// The tables. Texts of several accounts and servers lie in one file, each under its own number.
const TABLES: &str = "
CREATE TABLE owners (
    id INTEGER PRIMARY KEY, server TEXT NOT NULL, account TEXT NOT NULL, server_key TEXT, name TEXT, role BLOB,
    timeline INTEGER,
    UNIQUE (server, account)
) STRICT;
CREATE TABLE conversations (
    owner INTEGER NOT NULL, id INTEGER NOT NULL, place TEXT NOT NULL, read INTEGER NOT NULL, unread INTEGER NOT NULL, delivered INTEGER,
    alteration INTEGER NOT NULL,
    PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    owner INTEGER NOT NULL, conversation INTEGER NOT NULL, seq INTEGER NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL,
    sent_at INTEGER NOT NULL, alteration INTEGER NOT NULL, altered_at INTEGER NOT NULL, deleted INTEGER NOT NULL,
    reply_to INTEGER, quoted BLOB, attachment BLOB, edited_at INTEGER, reactions BLOB,
    PRIMARY KEY (owner, conversation, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX replies ON messages (owner, conversation, reply_to) WHERE reply_to IS NOT NULL;
CREATE TABLE people (owner INTEGER NOT NULL, name TEXT NOT NULL, person BLOB NOT NULL, PRIMARY KEY (owner, name)) STRICT, WITHOUT ROWID;
CREATE TABLE notices (owner INTEGER NOT NULL, number INTEGER NOT NULL, notice BLOB NOT NULL, PRIMARY KEY (owner, number)) STRICT, WITHOUT ROWID;
-- About how many messages there are: counted exactly when some have to go.
CREATE TABLE count (messages INTEGER NOT NULL) STRICT;
INSERT INTO count VALUES (0);
";

/// Why there is no cache; the program does without.
#[derive(Debug)]
pub(super) enum CacheError {
    /// Another computer has the same folder and uses it now.
    InUse,
    /// It is no database, or one that contradicts itself, or one of another form.
    Damaged,
    /// The system or the database said no.
    Other,
}

impl From<rusqlite::Error> for CacheError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged,
            _ => Self::Other,
        }
    }
}

impl From<io::Error> for CacheError {
    fn from(_: io::Error) -> Self {
        Self::Other
    }
}

/// Opens the file, or begins a new one where it cannot be read. A damaged one is not laid aside: nobody would ever read it again, and what
/// people take back must not stay in it.
pub(super) fn open(path: &Path) -> Result<Connection, CacheError> {
    match begin(path) {
        Err(CacheError::Damaged | CacheError::Other) => {
            remove(path)?;
            begin(path)
        }
        done => done,
    }
}

/// Takes the file away, with what lies beside it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    for each in std::iter::once(path.to_owned()).chain(BESIDE.map(|ending| beside(path, ending))) {
        match fs::remove_file(&each) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn begin(path: &Path) -> Result<Connection, CacheError> {
    private(path)?;
    // No SQLITE_OPEN_URI, and a folder in front: a path is a path, whatever it is called.
    let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A plan depends on no value: otherwise a statement that is kept is prepared again at its next use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(std::time::Duration::ZERO)?;
    // One program has it, and needs no memory that is shared with others: so it works where the home folder is on the network, too.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    // What is taken back is overwritten, not only left behind.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "cache_size", -PAGES_KIB)?;
    // It is a cache: a power cut may cost the last seconds, never the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if objects == 0 {
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {TABLES} COMMIT;"))?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", FORM)?;
    }
    let said = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    if (said("application_id")?, said("user_version")?) != (APPLICATION_ID, FORM) {
        return Err(CacheError::Damaged);
    }
    connection.execute_batch(LATER_TABLES)?;
    Ok(connection)
}

/// For nobody else on the computer, whoever made it; SQLite gives the files beside it the same permissions. On Windows the folder of the
/// person is theirs alone.
fn private(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
}
