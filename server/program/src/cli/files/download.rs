//! `belfry files get`: fetched in blocks, verified, and only then given its name; never over anything that is there.
//!
//! What has come lies beside it until then, under a name that says what it will be, and is gone on with when the same is fetched again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use belfry_core::chat::{Answer, Block, ContentHash, FileName, Refusal, Request, SharedFile, block_length_at};
use belfry_core::client::{Command, Ticket, Update};
use belfry_core::limits::FRAGMENTED_MESSAGES_MAX;
use belfry_core::net::InWords;
use belfry_server::files;
use serde::Serialize;

use super::progress::TransferProgress;
use super::upload::pause;
use crate::cli::session::{Session, Wake};
use crate::ending::{Ending, Outcome};
use crate::output;

/// Bytes of a file's name that the name of its part begins with.
const PART_NAME_BYTES_MAX: usize = 200;

/// Bytes that are read at a time to hash what is there.
const READ_BYTES: usize = 256 * 1024;

/// A name that is taken gets a number, up to this one.
const NUMBERED_MAX: u32 = 10_000;

/// When the server is busy.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// Where a file goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// Standard output.
    Output,
    /// This folder, under the file's own name or one like it.
    Folder(PathBuf),
    /// This file, which is not there.
    File(PathBuf),
}

impl Destination {
    /// What was typed.
    ///
    /// # Errors
    /// There is a file already; standard output cannot be both.
    pub(super) fn understand(out: Option<PathBuf>, json: bool) -> Outcome<Self> {
        match out {
            None => Ok(Self::Folder(PathBuf::from("."))),
            Some(out) if out == Path::new("-") && json => {
                Err(Ending::usage("--json and --out - cannot be used together: both write to standard output."))
            }
            Some(out) if out == Path::new("-") => Ok(Self::Output),
            Some(out) if out.is_dir() => Ok(Self::Folder(out)),
            Some(out) if out.symlink_metadata().is_ok() => Err(taken(&out)),
            Some(out) => Ok(Self::File(out)),
        }
    }
}

fn taken(path: &Path) -> Ending {
    Ending::refused(format_args!("{} exists already: name a new file.", path.display()))
}

fn unwritten(path: &Path, error: &io::Error) -> Ending {
    Ending::refused(format_args!("{} cannot be written: {}.", path.display(), InWords(error)))
}

#[derive(Serialize)]
struct FetchedObject<'a> {
    event: &'static str,
    path: String,
    name: &'a str,
    bytes: u64,
    blake3: String,
}

/// Fetches a file, and says where it is.
pub(super) fn fetch(session: &mut Session, file: &SharedFile, to: &Destination, json: bool) -> Outcome {
    let name = FileName::nearest(file.attachment.name.as_str());
    let (folder, wanted) = match to {
        Destination::Output => {
            let mut hasher = blake3::Hasher::new();
            blocks(session, file, 0, json, |block| {
                hasher.update(block.bytes());
                output::exactly(block.bytes())
            })?;
            return verify(&hasher, file.attachment.hash);
        }
        Destination::Folder(folder) => (folder.clone(), None),
        Destination::File(path) => (files::folder_of(path).to_owned(), Some(path)),
    };
    let mut part = FetchedPart::open(&folder, wanted, &name, file)?;
    if part.length < file.attachment.bytes {
        let from = part.length;
        blocks(session, file, from, json, |block| part.append(block)).inspect_err(|_| part.leave_nothing_empty())?;
    }
    let path = part.finish(&folder, wanted, &name, file.attachment.hash)?;
    if json {
        let (bytes, blake3) = (file.attachment.bytes, file.attachment.hash.to_string());
        let name = file.attachment.name.as_str();
        output::json(&FetchedObject { event: "fetched", path: path.display().to_string(), name, bytes, blake3 })
    } else {
        output::line(path.display())
    }
}

fn verify(hasher: &blake3::Hasher, hash: ContentHash) -> Outcome {
    if *hasher.finalize().as_bytes() == hash.0 {
        return Ok(());
    }
    Err(Ending::refused("What has come is not what was sent: its hash is another one. Fetch it again."))
}

/// Asks for the blocks of a file, several at a time, and hands them on in their order.
fn blocks(session: &mut Session, file: &SharedFile, from: u64, json: bool, mut take: impl FnMut(&Block) -> Outcome) -> Outcome {
    let bytes = file.attachment.bytes;
    let mut progress = TransferProgress::of(&file.attachment.name, bytes, json);
    progress.at(from)?;
    let mut wanted: BTreeSet<u64> = BTreeSet::new();
    let mut on_their_way: BTreeMap<Ticket, u64> = BTreeMap::new();
    let mut early: BTreeMap<u64, Block> = BTreeMap::new();
    let (mut next, mut asked) = (from, from);
    while next < bytes {
        while on_their_way.len() + early.len() < FRAGMENTED_MESSAGES_MAX {
            let Some(offset) = wanted.pop_first().or_else(|| (asked < bytes).then_some(asked)) else { break };
            if offset == asked {
                asked += block_length_at(offset, bytes);
            }
            let ticket = session.ticket();
            session.send(Command::Ask { ticket, request: Request::FetchBlock { file: file.attachment.file, offset } })?;
            on_their_way.insert(ticket, offset);
        }
        let until = Instant::now() + session.answers_within();
        match session.next(Some(until))? {
            Some(Wake::Update(Update::Answered { ticket, answer })) => {
                let Some(offset) = on_their_way.remove(&ticket) else { continue };
                match answer {
                    Answer::Block(block) if block.length() == block_length_at(offset, bytes) => drop(early.insert(offset, block)),
                    _ => return Err(Ending::unexpected()),
                }
            }
            Some(Wake::Update(Update::Refused { ticket, refusal })) => {
                let Some(offset) = on_their_way.remove(&ticket) else { continue };
                if !matches!(refusal, Refusal::Busy | Refusal::TooManyRequests) {
                    return Err(refusal.into());
                }
                wanted.insert(offset);
                if on_their_way.is_empty() {
                    pause(session, TRY_EVERY)?;
                }
            }
            Some(Wake::Update(Update::Lost { ticket })) => wanted.extend(on_their_way.remove(&ticket)),
            Some(Wake::Interrupted) => return Err(Ending::unreachable("Interrupted; fetched again, the file goes on where it was.")),
            Some(_) => {}
            None => return Err(Ending::unreachable("Nothing more comes of the file; fetched again, it goes on where it was.")),
        }
        while let Some(block) = early.remove(&next) {
            take(&block)?;
            next += block.length();
            progress.at(next)?;
        }
    }
    Ok(())
}

/// The beginning of a name that has at most so many bytes.
fn beginning(name: &str, bytes: usize) -> &str {
    name.get(..name.floor_char_boundary(bytes)).unwrap_or_default()
}

/// What has come of a file.
#[derive(Debug)]
struct FetchedPart {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    length: u64,
}

impl FetchedPart {
    /// Goes on with what an earlier run has left, or begins.
    fn open(folder: &Path, wanted: Option<&PathBuf>, name: &FileName, file: &SharedFile) -> Outcome<Self> {
        let hash = file.attachment.hash.to_string();
        let beside = wanted.cloned().unwrap_or_else(|| folder.join(name.as_str()));
        let part = format!(".{}.part", hash.get(..16).unwrap_or_default());
        // The file's own name may be as long as any may be; the hash tells the part from others.
        let path = match wanted {
            Some(wanted) => files::beside(wanted, &part),
            None => files::beside(&folder.join(beginning(name.as_str(), PART_NAME_BYTES_MAX)), &part),
        };
        let opened = files::lock(&path, Duration::ZERO).and_then(|mut file| {
            let (hasher, length) = hash_of(&mut file)?;
            Ok((file, hasher, length))
        });
        let (mut opened, hasher, length) = opened.map_err(|error| match error.kind() {
            io::ErrorKind::ResourceBusy => Ending::refused(format_args!("{} is being fetched already.", beside.display())),
            _ => unwritten(&path, &error),
        })?;
        if length > file.attachment.bytes {
            let emptied = opened.set_len(0).and_then(|()| opened.seek(SeekFrom::Start(0)));
            emptied.map_err(|error| unwritten(&path, &error))?;
            return Ok(Self { path, file: opened, hasher: blake3::Hasher::new(), length: 0 });
        }
        Ok(Self { path, file: opened, hasher, length })
    }

    /// Nothing has come: nothing is left of the try.
    fn leave_nothing_empty(&self) {
        if self.length == 0 {
            let _ = fs::remove_file(&self.path);
        }
    }

    fn append(&mut self, block: &Block) -> Outcome {
        self.file.write_all(block.bytes()).map_err(|error| unwritten(&self.path, &error))?;
        self.hasher.update(block.bytes());
        self.length += block.length();
        Ok(())
    }

    /// Gives it its name, or the next one that is free; says which.
    fn finish(self, folder: &Path, wanted: Option<&PathBuf>, name: &FileName, hash: ContentHash) -> Outcome<PathBuf> {
        if let Err(ending) = verify(&self.hasher, hash) {
            let _ = fs::remove_file(&self.path);
            return Err(ending);
        }
        self.file.sync_all().map_err(|error| unwritten(&self.path, &error))?;
        // Windows renames nothing that is open.
        let Self { path, file, .. } = self;
        drop(file);
        let candidates = (1..=NUMBERED_MAX).map(|number| match wanted {
            Some(wanted) => wanted.clone(),
            None if number == 1 => folder.join(name.as_str()),
            None => folder.join(name.numbered(number).as_str()),
        });
        for candidate in candidates {
            match files::put_in_place(&path, &candidate) {
                Ok(()) => return Ok(candidate),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && wanted.is_none() => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(taken(&candidate)),
                Err(error) => return Err(unwritten(&candidate, &error)),
            }
        }
        Err(taken(&folder.join(name.as_str())))
    }
}

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
    use belfry_core::chat::{AccountName, Attachment, ConversationId, FileId, Place, Seq};
    use belfry_core::time::UnixMillis;

    use super::*;

    fn shared(content: &[u8]) -> SharedFile {
        let hash = ContentHash(*blake3::hash(content).as_bytes());
        SharedFile {
            attachment: Attachment { file: FileId(1), name: FileName::new("plan.pdf").unwrap(), bytes: content.len() as u64, hash },
            place: Place::lobby(),
            conversation: ConversationId(1),
            seq: Seq(1),
            from: AccountName::new("alice").unwrap(),
            sent_at: UnixMillis(0),
        }
    }

    fn fetched(folder: &Path, wanted: Option<&PathBuf>, file: &SharedFile, blocks: &[&[u8]]) -> Outcome<PathBuf> {
        let mut part = FetchedPart::open(folder, wanted, &file.attachment.name, file)?;
        for block in blocks {
            part.append(&Block::new(block.to_vec()).unwrap())?;
        }
        part.finish(folder, wanted, &file.attachment.name, file.attachment.hash)
    }

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let file = shared(b"one two");
        for name in ["plan.pdf", "plan (2).pdf", "plan (3).pdf"] {
            assert_eq!(fetched(here, None, &file, &[b"one ", b"two"]), Ok(here.join(name)));
        }
        let mine = here.join("mine");
        fs::write(&mine, "precious").unwrap();
        assert_eq!(fetched(here, Some(&mine), &file, &[b"one two"]), Err(taken(&mine)));
        assert_eq!(fs::read(&mine).unwrap(), b"precious");
        assert_eq!(Destination::understand(Some(mine.clone()), false), Err(taken(&mine)));
        assert_eq!(Destination::understand(Some(here.to_owned()), false), Ok(Destination::Folder(here.to_owned())));
    }

    #[test]
    fn what_has_come_before_is_gone_on_with_and_what_is_wrong_is_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let file = shared(b"one two");
        let mut part = FetchedPart::open(here, None, &file.attachment.name, &file).unwrap();
        part.append(&Block::new(b"one ".to_vec()).unwrap()).unwrap();
        assert!(FetchedPart::open(here, None, &file.attachment.name, &file).unwrap_err().sentence.unwrap().contains("is being fetched"));
        drop(part);
        assert_eq!(FetchedPart::open(here, None, &file.attachment.name, &file).unwrap().length, 4);
        assert_eq!(fetched(here, None, &file, &[b"two"]), Ok(here.join("plan.pdf")));
        assert!(fetched(here, None, &file, &[b"one TWO"]).unwrap_err().sentence.unwrap().contains("not what was sent"));
        let names: Vec<_> = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["plan.pdf"], "nothing is left of it");
    }

    #[test]
    fn a_file_with_the_longest_name_is_fetched_under_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = shared(b"one two");
        file.attachment.name = FileName::new(&format!("{}.txt", "é".repeat(125))).unwrap();
        let name = folder.path().join(file.attachment.name.as_str());
        assert_eq!(fetched(folder.path(), None, &file, &[b"one two"]), Ok(name));
        let another = fetched(folder.path(), None, &file, &[b"one two"]).unwrap();
        assert!(another.to_str().unwrap().ends_with(" (2).txt"), "{another:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_fetched_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = fetched(folder.path(), None, &shared(b"x"), &[b"x"]).unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
