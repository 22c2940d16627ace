//! Files of this computer that are sent, and those that are fetched: read in blocks, written in blocks, verified, and never over anything
//! that is there.
//!
//! Beside [`net`](crate::net) the only part of this package that knows the operating system. How files travel is not known here.

mod names;
mod part;
mod sent;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};

pub use names::{beside, folder_of, put_in_place, sync_folder_of};
pub use part::{FetchedPart, PartPlace, lock_own};
pub use sent::SentFile;

use crate::chat::Refusal;
use crate::net::InWords;

/// Bytes that are read at a time to hash a file.
const READ_BYTES: usize = 256 * 1024;

/// What keeps a file from being sent or fetched; displays as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileTrouble {
    /// It is a folder.
    Folder(PathBuf),
    /// It is a device, a pipe or something else that has no length.
    NoFile(PathBuf),
    /// It has no bytes.
    Empty(PathBuf),
    /// It cannot be read.
    Unread {
        /// The file.
        path: PathBuf,
        /// In the operating system's words.
        why: String,
    },
    /// It is not what it was when it was chosen.
    Changed(PathBuf),
    /// It cannot be written.
    Unwritten {
        /// The file.
        path: PathBuf,
        /// In the operating system's words.
        why: String,
    },
    /// There is something of that name.
    Taken(PathBuf),
    /// Another program fetches it, or this one a second time.
    BeingFetched(PathBuf),
    /// It has another hash than what was sent.
    Differs,
}

impl FileTrouble {
    /// The same, for somebody who has just chosen the file: by its name, without the folders that it lies in.
    pub fn by_name(mut self) -> Self {
        let path = match &mut self {
            Self::Folder(path)
            | Self::NoFile(path)
            | Self::Empty(path)
            | Self::Unread { path, .. }
            | Self::Changed(path)
            | Self::Unwritten { path, .. }
            | Self::Taken(path)
            | Self::BeingFetched(path) => path,
            Self::Differs => return self,
        };
        if let Some(name) = path.file_name() {
            *path = PathBuf::from(name);
        }
        self
    }

    fn unread(path: &Path, error: &io::Error) -> Self {
        Self::Unread { path: path.to_path_buf(), why: InWords(error).to_string() }
    }

    fn unwritten(path: &Path, error: &io::Error) -> Self {
        Self::Unwritten { path: path.to_path_buf(), why: InWords(error).to_string() }
    }
}

impl fmt::Display for FileTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => {
                write!(f, "{} is a folder: send the files in it, or pack it into one file first.", path.display())
            }
            Self::NoFile(path) => write!(f, "{} is no file that could be sent.", path.display()),
            Self::Empty(path) => write!(f, "{}: {}", path.display(), Refusal::FileEmpty),
            Self::Unread { path, why } => write!(f, "{} cannot be read: {why}.", path.display()),
            Self::Changed(path) => {
                write!(f, "{} has changed while it was sent; send it again when nobody writes to it.", path.display())
            }
            Self::Unwritten { path, why } => write!(f, "{} cannot be written: {why}.", path.display()),
            Self::Taken(path) => write!(f, "{} exists already: name a new file.", path.display()),
            Self::BeingFetched(path) => write!(f, "{} is being fetched already.", path.display()),
            Self::Differs => f.write_str("What has come is not what was sent: its hash is another one. Fetch it again."),
        }
    }
}

impl std::error::Error for FileTrouble {}
