//! A file that is sent: looked at, hashed, read in blocks, and looked at again.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::vec;

use super::{FileTrouble, READ_BYTES};
use crate::chat::{Block, ContentHash, FileName};

/// What tells that a file is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looks {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Looks {
    fn of(found: &Metadata) -> Self {
        Self { bytes: found.len(), modified: found.modified().ok() }
    }
}

/// A file to be sent, as it was when it was looked at.
#[derive(Debug)]
pub struct SentFile {
    path: PathBuf,
    file: File,
    looks: Looks,
    hasher: blake3::Hasher,
    hashed: u64,
}

impl SentFile {
    /// Looks at a file, and opens it.
    ///
    /// # Errors
    /// It is none, or empty, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, FileTrouble> {
        let unread = |error: io::Error| FileTrouble::unread(path, &error);
        // A pipe would be waited for, and has no length.
        let found = fs::metadata(path).map_err(unread)?;
        if found.is_dir() {
            return Err(FileTrouble::Folder(path.to_path_buf()));
        }
        if !found.is_file() {
            return Err(FileTrouble::NoFile(path.to_path_buf()));
        }
        let file = File::open(path).map_err(unread)?;
        let looks = Looks::of(&file.metadata().map_err(unread)?);
        if looks.bytes == 0 {
            return Err(FileTrouble::Empty(path.to_path_buf()));
        }
        Ok(Self { path: path.to_path_buf(), file, looks, hasher: blake3::Hasher::new(), hashed: 0 })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The nearest name to its own that a file in a message may have.
    pub fn name(&self) -> FileName {
        FileName::nearest(&self.path.file_name().unwrap_or_default().to_string_lossy())
    }

    /// How long it is.
    pub const fn bytes(&self) -> u64 {
        self.looks.bytes
    }

    /// Reads on, a little at a time, until all of it is hashed.
    ///
    /// # Errors
    /// It cannot be read, or is not as long as it was.
    pub fn hash_on(&mut self) -> Result<Option<ContentHash>, FileTrouble> {
        let mut buffer = vec![0; READ_BYTES];
        let read = self.file.seek(SeekFrom::Start(self.hashed)).and_then(|_| self.file.read(&mut buffer));
        let read = read.map_err(|error| FileTrouble::unread(&self.path, &error))?;
        self.hashed += read as u64;
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        match (read, self.hashed.cmp(&self.looks.bytes)) {
            (0, core::cmp::Ordering::Equal) => Ok(Some(ContentHash(*self.hasher.finalize().as_bytes()))),
            (0, _) | (_, core::cmp::Ordering::Greater) => Err(FileTrouble::Changed(self.path.clone())),
            _ => Ok(None),
        }
    }

    /// Reads so many bytes from there on.
    ///
    /// # Errors
    /// It cannot be read, or has become shorter.
    pub fn block(&mut self, offset: u64, length: u64) -> Result<Block, FileTrouble> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let read = self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.read_exact(&mut bytes));
        match read {
            Ok(()) => Block::new(bytes).ok_or_else(|| FileTrouble::Changed(self.path.clone())),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(FileTrouble::Changed(self.path.clone())),
            Err(error) => Err(FileTrouble::unread(&self.path, &error)),
        }
    }

    /// Whether the file there looks as it did.
    pub fn is_as_it_was(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|now| Looks::of(&now) == self.looks)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    fn hash(file: &mut SentFile) -> ContentHash {
        loop {
            if let Some(hash) = file.hash_on().unwrap() {
                return hash;
            }
        }
    }

    #[test]
    fn only_a_file_with_something_in_it_can_be_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan:1.pdf");
        fs::write(&path, "something").unwrap();
        let mut file = SentFile::open(&path).unwrap();
        assert_eq!((file.bytes(), file.name().as_str()), (9, "plan_1.pdf"));
        assert_eq!(hash(&mut file).0, *blake3::hash(b"something").as_bytes());
        assert_eq!(file.block(4, 5).unwrap().bytes(), b"thing");
        fs::write(&path, "").unwrap();
        assert_eq!(SentFile::open(&path).unwrap_err(), FileTrouble::Empty(path));
        assert_eq!(SentFile::open(folder.path()).unwrap_err(), FileTrouble::Folder(folder.path().to_path_buf()));
        let nothing = SentFile::open(&folder.path().join("nothing")).unwrap_err().to_string();
        assert!(nothing.ends_with("nothing cannot be read: there is no such file or folder."), "{nothing}");
    }

    #[test]
    fn a_file_that_becomes_longer_or_shorter_meanwhile_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for bytes in [10, 1500] {
            fs::write(&path, vec![7; 1000]).unwrap();
            let mut file = SentFile::open(&path).unwrap();
            assert!(file.is_as_it_was());
            fs::write(&path, vec![7; bytes]).unwrap();
            assert!(!file.is_as_it_was());
            let changed = FileTrouble::Changed(path.clone());
            assert_eq!(file.hash_on().and_then(|_| file.hash_on()), Err(changed.clone()), "{bytes}");
            if bytes < 1000 {
                assert_eq!(file.block(0, 1000), Err(changed));
            }
        }
    }
}
