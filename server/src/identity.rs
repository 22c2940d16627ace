//! The data folder: what of a house is in it, the server's identity key, and the first administrator.

mod inventory;
mod keys;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use belfry_core::chat::{InvalidText, Password};
use belfry_core::crypto::PublicKey;
use belfry_core::net::InWords;
use belfry_core::rng::{self, Rng};
use belfry_core::time::UnixMillis;
use zeroize::Zeroizing;

pub use self::inventory::Half;
pub use self::keys::Identities;
use self::keys::Keys;
use crate::files::{self, UnnamedFile};
use crate::store::StoreError;

const IDENTITY_FILE: &str = "identity.key";
const DATABASE_FILE: &str = "belfry.db";
const CONTENTS_FOLDER: &str = "contents";
const FIRST_PASSWORD_FILE: &str = "first-start.txt";

/// Letters that look like no other, for passwords that are copied from one screen to another by hand.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Letters of a generated password: 20 of 31 are 99 bits.
const PASSWORD_LETTERS: usize = 20;

/// Why the data folder cannot be used; each displays as a sentence that says what to do.
#[derive(Debug)]
pub enum DataError {
    /// It cannot be made, read or written.
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// It is a link, and where that leads is nothing.
    LeadsNowhere {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// The identity file is a link, or behind one, and where that leads is nothing.
    IdentityLeadsNowhere {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// A copy of the identity cannot be made.
    Copy {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// A backup, or the key beside it, cannot be read.
    BackupUnread {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// It is none, or not a whole one.
    BackupDamaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The identity file is not one.
    Identity {
        /// Which file.
        path: PathBuf,
    },
    /// No server has ever used it.
    NoHouse {
        /// Which folder.
        path: PathBuf,
    },
    /// Something of a house is there, and something is missing.
    Half(Half),
    /// The database cannot be looked at.
    Store(StoreError),
    /// There is an identity, so it is not lost.
    NotLost {
        /// Which file.
        path: PathBuf,
    },
    /// A new key would push out one that clients may still know.
    PushesOut {
        /// The key that would go.
        key: PublicKey,
        /// Until when it is accepted.
        until: UnixMillis,
    },
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, error } => {
                let what = match error.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space on that disk, or choose",
                    io::ErrorKind::NotADirectory => "Choose",
                    io::ErrorKind::ResourceBusy => "End that, or choose",
                    _ => "Make it writable for this user, or choose",
                };
                write!(f, "{} cannot be used: {}. {what} another folder with --data.", path.display(), InWords(error))
            }
            Self::LeadsNowhere { link, to } => write!(
                f,
                "{} is a link to {}, which is not there. Make that folder, or choose another one with --data.",
                link.display(),
                to.display()
            ),
            Self::IdentityLeadsNowhere { link, to } => write!(
                f,
                "{} is a link to {}, which is not there. Bring back what it leads to, or remove the link and put the identity key in its place; \
                 from a backup it is FILE.key. Without it every client takes this server for an impostor.",
                link.display(),
                to.display()
            ),
            Self::Copy { path, error } => {
                write!(
                    f,
                    "The backup {} cannot be written: {}. Name a file in a folder that is there and has space for it.",
                    path.display(),
                    InWords(error)
                )
            }
            Self::BackupUnread { path, error } => write!(
                f,
                "The backup {} cannot be read: {}. Name a file that `belfry backup` has made, with its key beside it, as FILE.key.",
                path.display(),
                InWords(error)
            ),
            Self::BackupDamaged { path, what } => {
                write!(f, "The backup {} is damaged: {what}. Nothing was changed; restore another one.", path.display())
            }
            Self::Identity { path } => write!(
                f,
                "The identity key in {} is damaged. Restore it from a backup; without it every client takes this server for an impostor.",
                path.display()
            ),
            Self::NoHouse { path } => {
                write!(f, "There is no server's identity in {}: name the server's data folder with --data.", path.display())
            }
            Self::Half(half) => write!(f, "{half}"),
            Self::Store(error) => write!(f, "{error}"),
            Self::NotLost { path } => write!(f, "{} is there: leave --lost out.", path.display()),
            Self::PushesOut { key, until } => write!(
                f,
                "That would push out the key {key}, and clients that were here only while it was in use could not follow. It is told on until \
                 {}; wait for that, or give --yes.",
                until.rfc3339()
            ),
        }
    }
}

impl std::error::Error for DataError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder { error, .. } | Self::Copy { error, .. } | Self::BackupUnread { error, .. } => Some(error),
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

/// A key that was made for the next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The new key.
    pub key: PublicKey,
    /// The one that was to be it until now: no server has used it, and nobody knows it.
    pub replaced: Option<PublicKey>,
    /// The one that clients may still know, and that is not told on any more from the next start on.
    pub pushed_out: Option<PublicKey>,
}

/// Where the server keeps what must survive it. Two servers in one folder are kept apart by the store's lock.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// The folder at `path`, which is made if it is not there (on Unix for its owner only).
    ///
    /// # Errors
    /// [`DataError::Folder`].
    pub fn open(path: &Path) -> Result<Self, DataError> {
        files::create_folder(path).map_err(|error| folder_error(path, error))?;
        Ok(Self { path: path.to_owned() })
    }

    /// The folder of a server that there is.
    ///
    /// # Errors
    /// [`DataError::NoHouse`], [`DataError::Folder`].
    pub fn existing(path: &Path) -> Result<Self, DataError> {
        match std::fs::metadata(path) {
            Ok(folder) if folder.is_dir() => Ok(Self { path: path.to_owned() }),
            Ok(_) => Err(folder_error(path, io::ErrorKind::NotADirectory.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                Err(DataError::NoHouse { path: path.to_owned() })
            }
            Err(error) => Err(folder_error(path, error)),
        }
    }

    /// Where what files hold is kept.
    pub fn contents(&self) -> PathBuf {
        self.path.join(CONTENTS_FOLDER)
    }

    /// Where the database is.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// Where the identity is.
    pub fn identity(&self) -> PathBuf {
        self.path.join(IDENTITY_FILE)
    }

    /// Where the first administrator's password is until they have come.
    pub fn first_password(&self) -> PathBuf {
        self.path.join(FIRST_PASSWORD_FILE)
    }

    /// Writes down the password that the first administrator is about to have: whatever becomes of this start, nobody is locked out.
    ///
    /// # Errors
    /// [`DataError::Folder`].
    pub fn keep_first_password(&self, password: &Password) -> Result<(), DataError> {
        let path = self.first_password();
        let ending = if cfg!(windows) { "\r\n" } else { "\n" };
        let line = Zeroizing::new(format!("admin password: {} (shown once){ending}", password.as_str()));
        files::replace(&path, line.as_bytes()).map_err(|error| folder_error(&path, error))
    }

    /// Looks whether all of a house is here, or nothing of one, and changes nothing.
    ///
    /// # Errors
    /// [`DataError::Half`] when something is missing; [`DataError::IdentityLeadsNowhere`], [`DataError::Store`].
    pub fn look(&self) -> Result<(), DataError> {
        self.identity_leads_somewhere()?;
        match inventory::look(&self.path, &self.identity(), &self.database()) {
            Ok(None) => Ok(()),
            Ok(Some(half)) => Err(DataError::Half(half)),
            Err(error) => Err(DataError::Store(error)),
        }
    }

    /// What of it others than its owner may read, write or enter, with the permissions.
    pub fn open_to_others(&self) -> Vec<(PathBuf, u32)> {
        let database = self.database();
        let beside = ["", "-wal", "-shm"].map(|ending| files::beside(&database, ending));
        let all = [self.path.clone(), self.identity()].into_iter().chain(beside).collect::<Vec<_>>();
        files::open_to_others(all.iter().map(PathBuf::as_path)).into_iter().map(|(path, mode)| (path.to_owned(), mode)).collect()
    }

    /// The identities that a server begins with; `None` in a new house. A key that was made for this start is the present one from now on,
    /// so only whoever holds the store's lock may ask. A damaged file is left as it is.
    ///
    /// # Errors
    /// [`DataError::Folder`] and [`DataError::Identity`].
    pub fn begin(&self, now: UnixMillis) -> Result<Option<Identities>, DataError> {
        let lock = self.lock()?;
        let Some(mut keys) = self.read()? else { return Ok(None) };
        if keys.begin(now) {
            self.write(&keys)?;
        }
        drop(lock);
        Ok(Some(keys.accepted(now)))
    }

    /// Makes the identity of a new house.
    ///
    /// # Errors
    /// [`DataError::Folder`]; [`DataError::NotLost`] where there is one.
    pub fn make_identity(&self, rng: &mut Rng, now: UnixMillis) -> Result<Identities, DataError> {
        let lock = self.lock()?;
        if self.read()?.is_some() {
            return Err(DataError::NotLost { path: self.identity() });
        }
        let keys = Keys::first(rng);
        self.write(&keys)?;
        drop(lock);
        Ok(keys.accepted(now))
    }

    /// Gives the server a new identity from its next start on; clients that know the one until then are told the new one for 30 days
    /// from that start. A key that was made before and that no server has begun with is replaced.
    ///
    /// # Errors
    /// [`DataError::PushesOut`] unless `even_if_known`: there are as many keys as a door can show, and clients may know the oldest.
    /// [`DataError::NoHouse`], [`DataError::Folder`], [`DataError::Identity`].
    pub fn rotate_identity(&self, rng: &mut Rng, now: UnixMillis, even_if_known: bool) -> Result<Planned, DataError> {
        let lock = self.lock()?;
        let mut keys = self.read()?.ok_or_else(|| DataError::NoHouse { path: self.path.clone() })?;
        let pushed_out = keys.pushed_out(now);
        if let Some((key, until)) = pushed_out
            && !even_if_known
        {
            return Err(DataError::PushesOut { key, until });
        }
        let replaced = keys.plan(rng);
        self.write(&keys)?;
        drop(lock);
        Ok(Planned { key: keys.coming(), replaced, pushed_out: pushed_out.map(|(key, _)| key) })
    }

    /// Copies the identities to a new file that only its owner may read, and that has its name when it is finished.
    ///
    /// # Errors
    /// [`DataError::Copy`], also when there is something at `to` already, [`DataError::NoHouse`] and [`DataError::Identity`].
    pub fn copy_identity(&self, to: &Path) -> Result<UnnamedFile, DataError> {
        let keys = self.read()?.ok_or_else(|| DataError::NoHouse { path: self.path.clone() })?;
        let unwritten = |error| DataError::Copy { path: to.to_owned(), error };
        let unfinished = UnnamedFile::create(to).map_err(unwritten)?;
        std::fs::write(unfinished.path(), keys.written().as_bytes()).map_err(unwritten)?;
        Ok(unfinished)
    }

    /// Puts the identities of a backup into a folder that has none.
    ///
    /// # Errors
    /// [`DataError::BackupUnread`], [`DataError::BackupDamaged`], [`DataError::Folder`]; [`DataError::NotLost`] where there is one.
    pub fn restore_identity(&self, from: &Path) -> Result<(), DataError> {
        let keys = Self::backed_up(from)?;
        let lock = self.lock()?;
        if self.read()?.is_some() {
            return Err(DataError::NotLost { path: self.identity() });
        }
        self.write(&keys)?;
        drop(lock);
        Ok(())
    }

    /// Whether this file holds identities.
    ///
    /// # Errors
    /// [`DataError::BackupUnread`], [`DataError::BackupDamaged`].
    pub fn check_identity(from: &Path) -> Result<(), DataError> {
        Self::backed_up(from).map(drop)
    }

    fn backed_up(from: &Path) -> Result<Keys, DataError> {
        let keys = Keys::read(from).map_err(|error| DataError::BackupUnread { path: from.to_owned(), error })?;
        keys.ok_or_else(|| DataError::BackupDamaged { path: from.to_owned(), what: "there is no identity key in it".to_owned() })
    }

    /// `None` when there is no identity.
    fn read(&self) -> Result<Option<Keys>, DataError> {
        let path = self.identity();
        match Keys::read(&path) {
            Ok(Some(keys)) => Ok(Some(keys)),
            Ok(None) => Err(DataError::Identity { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.identity_leads_somewhere().map(|()| None),
            Err(error) => Err(folder_error(&path, error)),
        }
    }

    /// A link that leads nowhere is not an identity that there never was.
    fn identity_leads_somewhere(&self) -> Result<(), DataError> {
        files::leads_nowhere(&self.identity()).map_or(Ok(()), |(link, to)| Err(DataError::IdentityLeadsNowhere { link, to }))
    }

    /// Whatever happens meanwhile, the file is not there or it is whole.
    fn write(&self, keys: &Keys) -> Result<(), DataError> {
        let path = self.identity();
        files::replace(&path, keys.written().as_bytes()).map_err(|error| folder_error(&path, error))
    }

    /// Keeps a server that begins and a command that makes a key apart. The operating system lets go of it however they end.
    fn lock(&self) -> Result<File, DataError> {
        let path = self.path.join("identity.lock");
        files::lock(&path, files::LOCK_PATIENCE).map_err(|error| folder_error(&path, error))
    }
}

fn folder_error(path: &Path, error: io::Error) -> DataError {
    if let Some((link, to)) = files::leads_nowhere(path) {
        return DataError::LeadsNowhere { link, to };
    }
    // A folder is not made because a file has its name, or that of one above it.
    let error = if error.kind() == io::ErrorKind::AlreadyExists { io::ErrorKind::NotADirectory.into() } else { error };
    DataError::Folder { path: path.to_owned(), error }
}

/// A password for somebody who gave none: 20 letters in groups of five, none of which looks like another.
///
/// # Errors
/// None in fact: it is neither empty nor too long.
pub fn generate_password(rng: &mut Rng) -> Result<Password, InvalidText> {
    let mut password = Zeroizing::new(String::with_capacity(PASSWORD_LETTERS + PASSWORD_LETTERS / 5));
    for n in 0..PASSWORD_LETTERS {
        if n > 0 && n % 5 == 0 {
            password.push('-');
        }
        let index = usize::try_from(rng::below(rng, LETTERS.len() as u64)).unwrap_or(0);
        password.push(LETTERS.get(index).map_or('a', |&letter| char::from(letter)));
    }
    Password::new(password.as_str())
}

#[cfg(test)]
mod tests;
