//! A file that is fetched: what has come lies beside its place, under a name that says what it will be, is gone on with when the same is
//! fetched again, and has its name when all of it is there and verified.

use std::format;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::string::ToString as _;
use std::vec;

use super::{FileTrouble, READ_BYTES, beside, put_in_place};
use crate::chat::{Attachment, Block, ContentHash, FileName};

/// Bytes of a file's name that the name of its part begins with.
const PART_NAME_BYTES_MAX: usize = 200;

/// A name that is taken gets a number, up to this one.
const NUMBERED_MAX: u32 = 10_000;

/// Where a fetched file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartPlace {
    /// This file, which is not there.
    Exactly(PathBuf),
    /// This folder, under this name or, where that is taken, the next one like it.
    Near {
        /// The folder, which is there.
        folder: PathBuf,
        /// The name that it should have.
        name: FileName,
    },
}

impl PartPlace {
    /// The path that it would have if nothing were in its way.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Exactly(path) => path.clone(),
            Self::Near { folder, name } => folder.join(name.as_str()),
        }
    }

    /// Where its part lies. The file's own name may be as long as any may be; the hash tells the part from others.
    fn part(&self, hash: ContentHash) -> PathBuf {
        let hash = hash.to_string();
        let ending = format!(".{}.part", hash.get(..16).unwrap_or_default());
        match self {
            Self::Exactly(path) => beside(path, &ending),
            Self::Near { folder, name } => {
                let name = name.as_str();
                beside(&folder.join(name.get(..name.floor_char_boundary(PART_NAME_BYTES_MAX)).unwrap_or_default()), &ending)
            }
        }
    }

    fn candidate(&self, number: u32) -> Option<PathBuf> {
        match self {
            Self::Near { folder, name } if number > 1 => Some(folder.join(name.numbered(number).as_str())),
            _ => (number == 1).then(|| self.path()),
        }
    }
}

/// Opens a file, or makes it for its owner alone, and locks it: two must not write the same part.
///
/// # Errors
/// [`io::ErrorKind::ResourceBusy`]: somebody has it; the operating system's.
pub fn lock_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::ResourceBusy.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// What has come of a file.
#[derive(Debug)]
pub struct FetchedPart {
    place: PartPlace,
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    length: u64,
    hash: ContentHash,
}

impl FetchedPart {
    /// Goes on with what an earlier run has left, or begins. `lock` opens or makes the part's file, and locks it.
    ///
    /// # Errors
    /// Somebody else fetches it; it cannot be written.
    pub fn open(place: PartPlace, of: &Attachment, lock: impl FnOnce(&Path) -> io::Result<File>) -> Result<Self, FileTrouble> {
        let path = place.part(of.hash);
        let opened = lock(&path).and_then(|mut file| {
            let (hasher, length) = hash_of(&mut file)?;
            Ok((file, hasher, length))
        });
        let (mut file, hasher, length) = opened.map_err(|error| match error.kind() {
            io::ErrorKind::ResourceBusy => FileTrouble::BeingFetched(place.path()),
            _ => FileTrouble::unwritten(&path, &error),
        })?;
        if length <= of.bytes {
            return Ok(Self { place, path, file, hasher, length, hash: of.hash });
        }
        let emptied = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| FileTrouble::unwritten(&path, &error))?;
        Ok(Self { place, path, file, hasher: blake3::Hasher::new(), length: 0, hash: of.hash })
    }

    /// How many bytes are there.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Puts a block behind what is there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, block: &Block) -> Result<(), FileTrouble> {
        self.file.write_all(block.bytes()).map_err(|error| FileTrouble::unwritten(&self.path, &error))?;
        self.hasher.update(block.bytes());
        self.length += block.length();
        Ok(())
    }

    /// Nothing has come: nothing is left of the try.
    pub fn leave_nothing_empty(&self) {
        if self.length == 0 {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Nobody wants it any more.
    pub fn discard(self) {
        let Self { path, file, .. } = self;
        // Windows removes nothing that is open.
        drop(file);
        let _ = fs::remove_file(path);
    }

    /// Gives it its name, or the next one that is free; says which. On Windows it carries the mark of what came over a network, by which
    /// programs are asked about before they run.
    ///
    /// # Errors
    /// It is not what was sent, and is gone; its name is taken; it cannot be written.
    pub fn finish(self) -> Result<PathBuf, FileTrouble> {
        if *self.hasher.finalize().as_bytes() != self.hash.0 {
            self.discard();
            return Err(FileTrouble::Differs);
        }
        self.file.sync_all().map_err(|error| FileTrouble::unwritten(&self.path, &error))?;
        let Self { place, path, file, .. } = self;
        // Windows renames nothing that is open.
        drop(file);
        mark_as_foreign(&path);
        for candidate in (1..=NUMBERED_MAX).map_while(|number| place.candidate(number)) {
            match put_in_place(&path, &candidate) {
                Ok(()) => return Ok(candidate),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(FileTrouble::unwritten(&candidate, &error)),
            }
        }
        Err(FileTrouble::Taken(place.path()))
    }
}

/// The stream that Windows' shell, its mail program and its browsers write: zone 3 is the one that nothing is taken on trust from. A disk
/// without streams, a memory stick's, has no place for it.
#[cfg(windows)]
fn mark_as_foreign(path: &Path) {
    let _ = fs::write(beside(path, ":Zone.Identifier"), "[ZoneTransfer]\r\nZoneId=3\r\n");
}

/// Other systems let nothing run that was not said to be a program.
#[cfg(not(windows))]
const fn mark_as_foreign(_path: &Path) {}

fn hash_of(file: &mut File) -> io::Result<(blake3::Hasher, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut length = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hasher, length));
        }
        length += read as u64;
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use super::*;
    use crate::chat::FileId;

    fn of(content: &[u8]) -> Attachment {
        let hash = ContentHash(*blake3::hash(content).as_bytes());
        Attachment { file: FileId(1), name: FileName::new("plan.pdf").unwrap(), bytes: content.len() as u64, hash }
    }

    fn near(folder: &Path, name: &str) -> PartPlace {
        PartPlace::Near { folder: folder.to_path_buf(), name: FileName::new(name).unwrap() }
    }

    fn fetched(place: PartPlace, of: &Attachment, blocks: &[&[u8]]) -> Result<PathBuf, FileTrouble> {
        let mut part = FetchedPart::open(place, of, lock_own)?;
        for block in blocks {
            part.append(&Block::new(block.to_vec()).unwrap())?;
        }
        part.finish()
    }

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let file = of(b"one two");
        for name in ["plan.pdf", "plan (2).pdf", "plan (3).pdf"] {
            assert_eq!(fetched(near(here, "plan.pdf"), &file, &[b"one ", b"two"]), Ok(here.join(name)));
        }
        let mine = here.join("mine");
        fs::write(&mine, "precious").unwrap();
        assert_eq!(fetched(PartPlace::Exactly(mine.clone()), &file, &[b"one two"]), Err(FileTrouble::Taken(mine.clone())));
        assert_eq!(fs::read(&mine).unwrap(), b"precious");
    }

    #[test]
    fn what_has_come_before_is_gone_on_with_and_what_is_wrong_is_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let file = of(b"one two");
        let open = || FetchedPart::open(near(here, "plan.pdf"), &file, lock_own);
        let mut part = open().unwrap();
        part.append(&Block::new(b"one ".to_vec()).unwrap()).unwrap();
        assert_eq!(open().unwrap_err(), FileTrouble::BeingFetched(here.join("plan.pdf")));
        drop(part);
        assert_eq!(open().unwrap().length(), 4);
        assert_eq!(fetched(near(here, "plan.pdf"), &file, &[b"two"]), Ok(here.join("plan.pdf")));
        assert_eq!(fetched(near(here, "plan.pdf"), &file, &[b"one TWO"]), Err(FileTrouble::Differs));
        let names: Vec<_> = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["plan.pdf"], "nothing is left of it");
    }

    #[test]
    fn a_part_that_is_longer_than_the_file_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = of(b"one two");
        let mut part = FetchedPart::open(near(folder.path(), "plan.pdf"), &file, lock_own).unwrap();
        part.append(&Block::new(b"one two three".to_vec()).unwrap()).unwrap();
        drop(part);
        assert_eq!(fetched(near(folder.path(), "plan.pdf"), &file, &[b"one two"]), Ok(folder.path().join("plan.pdf")));
    }

    #[test]
    fn nothing_is_left_of_what_nobody_wants_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let open = || FetchedPart::open(near(folder.path(), "plan.pdf"), &of(b"one two"), lock_own).unwrap();
        open().leave_nothing_empty();
        let mut part = open();
        part.append(&Block::new(b"one ".to_vec()).unwrap()).unwrap();
        part.leave_nothing_empty();
        assert_eq!(part.length(), 4);
        part.discard();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_with_the_longest_name_is_fetched_under_it() {
        let folder = tempfile::tempdir().unwrap();
        let long: String = "é".repeat(125) + ".txt";
        let file = of(b"one two");
        assert_eq!(fetched(near(folder.path(), &long), &file, &[b"one two"]), Ok(folder.path().join(&long)));
        let another = fetched(near(folder.path(), &long), &file, &[b"one two"]).unwrap();
        assert!(another.to_str().unwrap().ends_with(" (2).txt"), "{another:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_fetched_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = fetched(near(folder.path(), "x"), &of(b"x"), &[b"x"]).unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
