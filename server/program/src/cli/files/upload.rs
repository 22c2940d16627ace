//! `belfry send --file`: hashed, offered, sent in blocks, verified by the server, and then said.
//!
//! After a break the file is offered again, and goes on where the server has it.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use belfry_core::chat::{Answer, Block, ContentHash, FileName, Place, Refusal, Request, Text, block_length_at};
use belfry_core::client::{Command, Ticket, Update};
use belfry_core::limits::FRAGMENTED_MESSAGES_MAX;
use belfry_core::net::InWords;
use serde::Serialize;

use super::progress::TransferProgress;
use crate::cli::session::{Session, Wake};
use crate::ending::{Ending, Outcome};
use crate::output;

/// Bytes that are read at a time to hash a file.
const READ_BYTES: usize = 256 * 1024;

/// Times that a file is offered again without anything having come of it in between.
const TRIES_MAX: u32 = 20;

/// Between two of them.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// A file to be sent, as it was when it was looked at.
#[derive(Debug)]
pub(in crate::cli) struct Chosen {
    path: PathBuf,
    file: File,
    name: FileName,
    bytes: u64,
    modified: Option<SystemTime>,
    hash: ContentHash,
}

/// Looks at a file before anybody is asked to take it.
///
/// # Errors
/// It is none, or empty, or cannot be read.
pub(in crate::cli) fn choose(path: &Path) -> Outcome<Chosen> {
    let shown = path.display();
    let unread = |error: std::io::Error| Ending::refused(format_args!("{shown} cannot be read: {}.", InWords(&error)));
    // A pipe would be waited for, and has no length.
    let found = std::fs::metadata(path).map_err(unread)?;
    if found.is_dir() {
        return Err(Ending::usage(format_args!("{shown} is a folder: send the files in it, or pack it into one file first.")));
    }
    if !found.is_file() {
        return Err(Ending::usage(format_args!("{shown} is no file that could be sent.")));
    }
    let mut file = File::open(path).map_err(unread)?;
    let Looks { bytes, modified } = looks(&file.metadata().map_err(unread)?);
    if bytes == 0 {
        return Err(Ending::from(Refusal::FileEmpty).of_file(path));
    }
    let name = FileName::nearest(&path.file_name().unwrap_or_default().to_string_lossy());
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut read_bytes = 0;
    loop {
        let read = file.read(&mut buffer).map_err(unread)?;
        if read == 0 {
            break;
        }
        read_bytes += read as u64;
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
    if read_bytes != bytes {
        return Err(changed(path));
    }
    Ok(Chosen { path: path.to_owned(), file, name, bytes, modified, hash: ContentHash(*hasher.finalize().as_bytes()) })
}

/// What tells that a file is not as it was.
#[derive(PartialEq, Eq)]
struct Looks {
    bytes: u64,
    modified: Option<SystemTime>,
}

fn looks(found: &Metadata) -> Looks {
    Looks { bytes: found.len(), modified: found.modified().ok() }
}

fn changed(path: &Path) -> Ending {
    Ending::refused(format_args!("{} has changed while it was sent; send it again when nobody writes to it.", path.display()))
}

#[derive(Serialize)]
struct SentObject<'a> {
    event: &'static str,
    seq: u64,
    name: &'a str,
    bytes: u64,
    blake3: String,
}

/// Sends a file and says it; prints the message's number once it is stored.
///
/// # Errors
/// The server refuses it, or is not there for too long; the file cannot be read or has changed.
pub(in crate::cli) fn send(session: &mut Session, mut chosen: Chosen, to: Place, text: Option<Text>, json: bool) -> Outcome {
    upload(session, &mut chosen, &to, json)?;
    let Chosen { name, hash, bytes, .. } = chosen;
    let text = match text {
        Some(text) => text,
        None => Text::new(name.as_str()).map_err(Ending::usage)?,
    };
    let called = name.clone();
    let seq = super::post(session, |ticket| Command::PostFile { ticket, to, text, name: called, hash })?;
    if json {
        output::json(&SentObject { event: "sent", seq: seq.0, name: name.as_str(), bytes, blake3: hash.to_string() })
    } else {
        output::line(seq.0)
    }
}

/// Brings the content to the server.
fn upload(session: &mut Session, chosen: &mut Chosen, to: &Place, json: bool) -> Outcome {
    let name = chosen.name.clone();
    let mut progress = TransferProgress::of(&name, chosen.bytes, json);
    let (mut tries, mut best, mut began_anew) = (0, 0, false);
    loop {
        let offer = Request::OfferFile { to: to.clone(), room: None, bytes: chosen.bytes, hash: chosen.hash };
        let Answer::Upload { from } = session.ask(offer).map_err(|ending| ending.of_file(&chosen.path))? else {
            return Err(Ending::unexpected());
        };
        progress.at(from)?;
        if from >= chosen.bytes {
            return Ok(());
        }
        match send_from(session, chosen, from, &mut progress)? {
            Came::All => return Ok(()),
            // What was there from before a power cut may be what is wrong with it.
            Came::Wrong if from > 0 && !began_anew && is_as_it_was(chosen) => began_anew = true,
            Came::Wrong if is_as_it_was(chosen) => return Err(Refusal::ContentDiffers.into()),
            Came::Wrong => return Err(changed(&chosen.path)),
            Came::Upto(upto) => {
                tries = if upto > best { 0 } else { tries + 1 };
                best = best.max(upto);
                if tries >= TRIES_MAX {
                    return Err(Refusal::Busy.into());
                }
                pause(session, TRY_EVERY)?;
            }
        }
    }
}

fn is_as_it_was(chosen: &Chosen) -> bool {
    let was = Looks { bytes: chosen.bytes, modified: chosen.modified };
    std::fs::metadata(&chosen.path).is_ok_and(|now| looks(&now) == was)
}

/// What came of sending.
enum Came {
    /// It is there and verified.
    All,
    /// It is not what it should be, and gone.
    Wrong,
    /// So much is there; it has to be offered again.
    Upto(u64),
}

/// Sends blocks, several at a time, until one is not taken.
fn send_from(session: &mut Session, chosen: &mut Chosen, from: u64, progress: &mut TransferProgress<'_>) -> Outcome<Came> {
    let (mut next, mut upto) = (from, from);
    let mut on_their_way: BTreeMap<Ticket, u64> = BTreeMap::new();
    loop {
        while on_their_way.len() < FRAGMENTED_MESSAGES_MAX && next < chosen.bytes {
            let block = read_block(chosen, next)?;
            let (ticket, length) = (session.ticket(), block.length());
            session.send(Command::Ask { ticket, request: Request::SendBlock { hash: chosen.hash, offset: next, block } })?;
            on_their_way.insert(ticket, next + length);
            next += length;
        }
        match next_answer(session, |ticket| on_their_way.remove(&ticket))? {
            Answered::Received(there) => {
                upto = upto.max(there);
                progress.at(upto)?;
                if upto >= chosen.bytes {
                    return Ok(Came::All);
                }
            }
            Answered::Refused(Refusal::ContentDiffers) => return Ok(Came::Wrong),
            // Busy, or the offer is forgotten: another one finds out where it stands.
            Answered::Refused(Refusal::Busy | Refusal::TooManyRequests | Refusal::BadRequest) | Answered::Lost => {
                return Ok(Came::Upto(upto));
            }
            Answered::Refused(refusal) => return Err(refusal.into()),
        }
    }
}

enum Answered {
    Received(u64),
    Refused(Refusal),
    Lost,
}

/// The next answer to one of these blocks.
fn next_answer(session: &mut Session, mut is_own: impl FnMut(Ticket) -> Option<u64>) -> Outcome<Answered> {
    let until = Instant::now() + session.answers_within();
    loop {
        match session.next(Some(until))? {
            Some(Wake::Update(Update::Answered { ticket, answer: Answer::Received { upto } })) if is_own(ticket).is_some() => {
                return Ok(Answered::Received(upto));
            }
            Some(Wake::Update(Update::Answered { ticket, .. })) if is_own(ticket).is_some() => return Err(Ending::unexpected()),
            Some(Wake::Update(Update::Refused { ticket, refusal })) if is_own(ticket).is_some() => return Ok(Answered::Refused(refusal)),
            Some(Wake::Update(Update::Lost { ticket })) if is_own(ticket).is_some() => return Ok(Answered::Lost),
            Some(Wake::Interrupted) => return Err(Ending::unreachable("Interrupted; sent again, the file goes on where it was.")),
            Some(_) => {}
            None => return Err(Ending::unreachable("The server takes nothing more of the file; sent again, it goes on where it was.")),
        }
    }
}

/// Lets time pass; what happens meanwhile is taken note of.
pub(super) fn pause(session: &mut Session, time: Duration) -> Outcome {
    let until = Instant::now() + time;
    while Instant::now() < until {
        session.next(Some(until))?;
    }
    Ok(())
}

fn read_block(chosen: &mut Chosen, offset: u64) -> Outcome<Block> {
    let mut bytes = vec![0; usize::try_from(block_length_at(offset, chosen.bytes)).unwrap_or(0)];
    let read = chosen.file.seek(SeekFrom::Start(offset)).and_then(|_| chosen.file.read_exact(&mut bytes));
    match read {
        Ok(()) => Block::new(bytes).ok_or_else(|| changed(&chosen.path)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(changed(&chosen.path)),
        Err(error) => Err(Ending::refused(format_args!("{} cannot be read: {}.", chosen.path.display(), InWords(&error)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Exit;

    #[test]
    fn only_a_file_with_something_in_it_can_be_sent() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan:1.pdf");
        std::fs::write(&file, "something").unwrap();
        let chosen = choose(&file).unwrap();
        assert_eq!((chosen.bytes, chosen.name.as_str()), (9, "plan_1.pdf"));
        assert_eq!(chosen.hash.0, *blake3::hash(b"something").as_bytes());
        let said = |path: &Path| {
            let ending = choose(path).unwrap_err();
            (ending.exit, ending.sentence.unwrap())
        };
        let (exit, sentence) = said(folder.path());
        assert!(exit == Exit::Usage && sentence.contains("is a folder"), "{sentence}");
        let (exit, sentence) = said(&folder.path().join("nothing"));
        assert!(exit == Exit::Refused && sentence.contains("cannot be read"), "{sentence}");
        std::fs::write(&file, "").unwrap();
        assert_eq!(said(&file), (Exit::Refused, format!("{}: {}", file.display(), Refusal::FileEmpty)));
    }

    #[test]
    fn a_file_that_has_become_shorter_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        std::fs::write(&file, vec![7; 1000]).unwrap();
        let mut chosen = choose(&file).unwrap();
        assert!(is_as_it_was(&chosen));
        std::fs::write(&file, vec![7; 10]).unwrap();
        assert!(!is_as_it_was(&chosen));
        assert!(read_block(&mut chosen, 0).unwrap_err().sentence.unwrap().contains("has changed"));
    }
}
