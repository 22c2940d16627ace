//! Why the store could not do something, in sentences that a person can act on.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use belfry_core::chat::Refusal;
use rusqlite::ErrorCode;

use crate::files::InWords;

/// Why the database cannot be used. Displays as what happened and what to do about it; never holds what anybody wrote.
#[derive(Debug)]
pub enum StoreError {
    /// The operating system does not let the server read and write the file or its folder.
    Unusable {
        /// The database, or the lock beside it.
        file: PathBuf,
        /// The operating system's word.
        reason: io::Error,
    },
    /// Another server has the data folder.
    InUse {
        /// The lock that it holds.
        file: PathBuf,
    },
    /// A good file of somebody else.
    NotBelfry {
        /// The file.
        file: PathBuf,
    },
    /// A newer server has used the file.
    Newer {
        /// The file.
        file: PathBuf,
        /// The version of its schema.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// What is in the file cannot be right.
    Damaged {
        /// The file, where it is known.
        file: Option<PathBuf>,
        /// What is wrong.
        what: String,
    },
    /// No space is left for the database.
    DiskFull,
    /// Anything else that the database reports.
    Database(rusqlite::Error),
}

impl StoreError {
    /// Adds which file it is about.
    pub(super) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Damaged { file: None, what } => Self::Damaged { file: Some(path.to_owned()), what },
            Self::Database(error)
                if matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)) =>
            {
                Self::Unusable { file: path.to_owned(), reason: io::Error::new(io::ErrorKind::PermissionDenied, error) }
            }
            other => other,
        }
    }

    /// What whoever asked is told; the log has the rest.
    pub(super) const fn refusal(&self) -> Refusal {
        match self {
            Self::DiskFull => Refusal::DiskFull,
            _ => Refusal::StoreFailed,
        }
    }

    /// Something stored contradicts something else that is stored.
    pub(super) fn contradiction(what: &str) -> Self {
        Self::Damaged { file: None, what: what.to_owned() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable { file, reason } if matches!(reason.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                write!(f, "{} cannot be written: {}. Free some space there, or name another place.", file.display(), InWords(reason))
            }
            Self::Unusable { file, reason } => write!(
                f,
                "{} cannot be read and written: {}. Check that the folder exists and that this user may write there.",
                file.display(),
                InWords(reason)
            ),
            Self::InUse { file } => write!(
                f,
                "Another Belfry server is using this data folder ({} is locked). Stop it first, or start this one with a folder of its own.",
                file.display()
            ),
            Self::NotBelfry { file } => write!(
                f,
                "{} is not a Belfry database. It was left as it is; move it away, or start with another data folder.",
                file.display()
            ),
            Self::Newer { file, found, known } => write!(
                f,
                "{} has schema version {found}, and this program knows versions up to {known}: a newer Belfry has used it. It was left as it is; \
                 start that newer version, or restore a backup from before the update.",
                file.display()
            ),
            Self::Damaged { file: Some(file), what } => write!(
                f,
                "{} is damaged: {what}. Nothing was repaired or removed; keep a copy of the data folder and restore a backup.",
                file.display()
            ),
            Self::Damaged { file: None, what } => {
                write!(f, "The database is damaged: {what}. Keep a copy of the data folder and restore a backup.")
            }
            Self::DiskFull => f.write_str("The disk is full: free some space on the disk of the data folder."),
            Self::Database(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    f.write_str("Another program is using the database; end it first.")
                }
                Some(ErrorCode::SystemIoFailure) => {
                    f.write_str("The disk of the database does not work as it should; look at the system's log.")
                }
                Some(ErrorCode::OutOfMemory) => f.write_str("This computer has no memory left for the database."),
                _ => write!(f, "The database reports: {error}."),
            },
        }
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
        let unreadable = matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..));
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { file: None, what: error.to_string() },
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            _ if unreadable => Self::Damaged { file: None, what: error.to_string() },
            _ => Self::Database(error),
        }
    }
}

/// Why one job came to nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It asked for something that cannot be.
    Refused(Refusal),
    /// The database could not do it.
    Failed(StoreError),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_a_sentence_and_names_its_file() {
        let file = PathBuf::from("belfry.db");
        for error in [
            StoreError::Unusable { file: file.clone(), reason: io::ErrorKind::PermissionDenied.into() },
            StoreError::InUse { file: file.clone() },
            StoreError::NotBelfry { file: file.clone() },
            StoreError::Newer { file: file.clone(), found: 9, known: 1 },
            StoreError::contradiction("a hole").in_file(&file),
        ] {
            let sentence = error.to_string();
            assert!(sentence.contains("belfry.db") && sentence.ends_with('.'), "{sentence}");
        }
    }

    #[test]
    fn a_newer_file_names_both_versions() {
        let sentence = StoreError::Newer { file: "belfry.db".into(), found: 9, known: 1 }.to_string();
        assert!(sentence.contains("version 9") && sentence.contains("up to 1"), "{sentence}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_counts_as_damage() {
        assert!(matches!(rusqlite::Error::IntegralValueOutOfRange(0, -1).into(), StoreError::Damaged { .. }));
    }

    fn reported(code: i32) -> StoreError {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None).into()
    }

    #[test]
    fn what_the_database_reports_is_said_as_what_is_to_be_done() {
        use rusqlite::ffi;
        for (code, said) in [
            (ffi::SQLITE_BUSY, "Another program is using the database"),
            (ffi::SQLITE_LOCKED, "Another program is using the database"),
            (ffi::SQLITE_IOERR, "The disk of the database does not work"),
            (ffi::SQLITE_NOMEM, "This computer has no memory left"),
            (ffi::SQLITE_FULL, "The disk is full"),
            (ffi::SQLITE_CORRUPT, "The database is damaged"),
            (ffi::SQLITE_CONSTRAINT, "The database reports: "),
        ] {
            let sentence = reported(code).to_string();
            assert!(sentence.starts_with(said) && sentence.ends_with('.'), "{sentence}");
        }
        let unusable = |kind: io::ErrorKind| StoreError::Unusable { file: "belfry.db".into(), reason: kind.into() }.to_string();
        assert!(unusable(io::ErrorKind::StorageFull).contains("Free some space"));
        assert!(unusable(io::ErrorKind::PermissionDenied).contains("this user may write there"));
    }

    #[test]
    fn a_file_that_may_not_be_written_is_named_and_another_fault_stays_what_it_is() {
        use rusqlite::ffi;
        let in_file = |code| reported(code).in_file(Path::new("belfry.db"));
        for code in [ffi::SQLITE_READONLY, ffi::SQLITE_CANTOPEN, ffi::SQLITE_PERM] {
            assert!(matches!(in_file(code), StoreError::Unusable { reason, .. } if reason.kind() == io::ErrorKind::PermissionDenied));
        }
        assert!(matches!(in_file(ffi::SQLITE_BUSY), StoreError::Database(_)));
    }
}
