//! What of a house lies in a data folder: all of it, nothing, or half.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::files::beside;
use crate::store;

/// Entries of a folder that are looked at for a house under other names.
const ENTRIES_MAX: usize = 1000;

/// What a data folder lacks that has something of a house in it. Displays as what is there, what is missing, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Half {
    /// The identity is there, and of the database nothing, or a file without anything in it.
    NoDatabase {
        /// The identity.
        identity: PathBuf,
        /// The database that should be there.
        database: PathBuf,
        /// It is there, and empty.
        empty: bool,
    },
    /// The log of the database's changes is there without the database.
    LogAlone {
        /// The log.
        log: PathBuf,
        /// The database that should be there.
        database: PathBuf,
    },
    /// The database is there, with accounts in it, and no identity.
    NoIdentity {
        /// The database.
        database: PathBuf,
        /// The identity that should be there.
        identity: PathBuf,
    },
    /// Neither is there under its name, and something that is one of them under another.
    OtherNames {
        /// The folder.
        folder: PathBuf,
        /// What is there.
        found: PathBuf,
    },
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let anew = "To begin a new house, which no client and nobody's password knows, choose an empty folder with --data.";
        match self {
            Self::NoDatabase { identity, database, empty } => write!(
                f,
                "{} is there, but {} is {}: accounts and messages are missing. Nothing was touched. Put the database back, or a backup with \
                 `belfry restore FILE --data DIR`. {anew}",
                identity.display(),
                database.display(),
                if *empty { "empty" } else { "not" }
            ),
            Self::LogAlone { log, database } => write!(
                f,
                "{} is there, but {} has nothing in it: the newest changes without the database they belong to. Nothing was touched. Put the \
                 database back, or a backup with `belfry restore FILE --data DIR`. {anew}",
                log.display(),
                database.display()
            ),
            Self::NoIdentity { database, identity } => write!(
                f,
                "{} is there, but {} is not: without the server's key every client takes this server for an impostor. Nothing was touched. Put \
                 the key back, from a backup it is FILE.key. If it is lost, `belfry rotate-key --lost` makes another one, and everybody has to \
                 be given the new link. {anew}",
                database.display(),
                identity.display()
            ),
            Self::OtherNames { folder, found } => write!(
                f,
                "{} has no belfry.db and no identity.key, but {}, which is of a Belfry server. Nothing was touched. If it is a backup, put it \
                 back with `belfry restore FILE --data DIR`; else give the files their names. {anew}",
                folder.display(),
                found.display()
            ),
        }
    }
}

/// Looks what is there, and changes nothing. `None` when it is a whole house or none at all; also one whose first start was broken off:
/// a database without accounts has nothing to lose.
///
/// # Errors
/// The database is there and cannot be read.
pub(super) fn look(folder: &Path, identity: &Path, database: &Path) -> Result<Option<Half>, store::StoreError> {
    let length = |path: &Path| fs::metadata(path).map(|file| file.len()).ok();
    let log = beside(database, "-wal");
    let (has_identity, database_bytes) = (length(identity).is_some(), length(database));
    let half = match database_bytes {
        None | Some(0) if length(&log).is_some_and(|bytes| bytes > 0) => Some(Half::LogAlone { log, database: database.to_owned() }),
        None | Some(0) if has_identity => {
            Some(Half::NoDatabase { identity: identity.to_owned(), database: database.to_owned(), empty: database_bytes.is_some() })
        }
        None | Some(0) => under_other_names(folder).map(|found| Half::OtherNames { folder: folder.to_owned(), found }),
        Some(_) if has_identity => None,
        Some(_) if store::accounts_in(database)? == 0 => None,
        Some(_) => Some(Half::NoIdentity { database: database.to_owned(), identity: identity.to_owned() }),
    };
    Ok(half)
}

/// A file here that is a database or an identity of a Belfry server.
fn under_other_names(folder: &Path) -> Option<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).ok()?.take(ENTRIES_MAX).filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    // A `belfry restore` that was broken off.
    files.push(folder.join("restoring").join("belfry.db"));
    let is_unfinished = |path: &Path| path.ends_with("identity.key.new");
    let is_identity = |path: &Path| matches!(super::keys::Keys::read(path), Ok(Some(_)));
    files.into_iter().find(|path| {
        let is_file = fs::symlink_metadata(path).is_ok_and(|file| file.is_file());
        is_file && !is_unfinished(path) && (store::is_ours(path) || is_identity(path))
    })
}
