//! `belfry send --file`: hashed, offered, sent in blocks, verified by the server, and then said.

use std::path::Path;

use belfry_core::chat::{Answer, ContentHash, FileId, FileName, Place, Refusal, Request, Seq, Text};
use belfry_core::client::Command;
use belfry_core::client::transfer::{FileUpload, UploadStep};
use belfry_core::disk::{FileTrouble, SentFile};
use belfry_core::net::Clock;
use serde::Serialize;

use super::progress::TransferProgress;
use super::until;
use crate::cli::session::{Session, Wake};
use crate::ending::{Ending, Outcome};
use crate::output;

/// A file to be sent, and what it holds.
#[derive(Debug)]
pub(in crate::cli) struct Chosen {
    file: SentFile,
    name: FileName,
    hash: ContentHash,
}

/// Looks at a file before anybody is asked to take it.
///
/// # Errors
/// It is none, or empty, or cannot be read.
pub(in crate::cli) fn choose(path: &Path) -> Outcome<Chosen> {
    let mut file = SentFile::open(path)?;
    loop {
        if let Some(hash) = file.hash_on()? {
            return Ok(Chosen { name: file.name(), file, hash });
        }
    }
}

/// Asks whether the server takes all of these, before the first is on its way: what is too large, or has no room, is said at once.
///
/// # Errors
/// The server refuses one of them.
pub(in crate::cli) fn offer(session: &mut Session, files: &[Chosen], to: &Place) -> Outcome {
    for Chosen { file, hash, .. } in files {
        let offer = Request::OfferFile { to: to.clone(), room: None, bytes: file.bytes(), hash: *hash };
        // So many at a time are open: those behind them have their turn when these are there.
        if let Err(refused) = session.ask_or(offer, Refusal::TooManyUploads) {
            return Err(refused.of_file(file.path()));
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct SentObject<'a> {
    event: &'static str,
    seq: u64,
    file: u64,
    name: &'a str,
    bytes: u64,
    blake3: String,
}

/// Sends a file and says it; prints the file's number, as `files get` and `files remove` take it, once its message is stored.
///
/// # Errors
/// The server refuses it, or is not there for too long; the file cannot be read or has changed.
pub(in crate::cli) fn send(session: &mut Session, mut chosen: Chosen, to: Place, text: Option<Text>, json: bool) -> Outcome {
    upload(session, &mut chosen, &to, json)?;
    let Chosen { name, hash, file } = chosen;
    let text = match text {
        Some(text) => text,
        None => Text::new(name.as_str()).map_err(Ending::usage)?,
    };
    let (called, place) = (name.clone(), to.clone());
    let seq = super::post(session, |ticket| Command::PostFile { ticket, to, text, name: called, hash })?;
    let number = number_of(session, place, seq)?;
    if json {
        output::json(&SentObject {
            event: "sent",
            seq: seq.0,
            file: number.0,
            name: name.as_str(),
            bytes: file.bytes(),
            blake3: hash.to_string(),
        })
    } else {
        output::line(number.0)
    }
}

/// The number of the file that came with a message.
fn number_of(session: &mut Session, place: Place, seq: Seq) -> Outcome<FileId> {
    match session.ask(Request::ListFiles { place, before: Some(seq.next()) })? {
        Answer::Files(page) => match page.entries.first() {
            Some(file) if file.seq == seq => Ok(file.attachment.file),
            _ => Err(Refusal::UnknownFile.into()),
        },
        _ => Err(Ending::unexpected()),
    }
}

/// Brings the content to the server.
fn upload(session: &mut Session, Chosen { file, name, hash }: &mut Chosen, to: &Place, json: bool) -> Outcome {
    let mut progress = TransferProgress::of(name, file.bytes(), json);
    let mut upload = FileUpload::new(to.clone(), None, *hash, file.bytes());
    let clock = Clock::start();
    loop {
        let (now, ticket) = (clock.now().instant, session.ticket());
        match upload.poll(now, ticket) {
            UploadStep::Ask(request) => session.send(Command::Ask { ticket, request })?,
            UploadStep::Send { offset, length } => {
                let request = Request::SendBlock { hash: *hash, offset, block: file.block(offset, length)? };
                session.send(Command::Ask { ticket, request })?;
            }
            UploadStep::Wait(wait) => match session.next(Some(until(session, now, wait)))? {
                Some(Wake::Update(update)) if upload.handle_update(clock.now().instant, &update) => progress.at(upload.upto())?,
                Some(Wake::Interrupted) => return Err(Ending::unreachable("Interrupted; sent again, the file goes on where it was.")),
                None if wait.is_none() => {
                    return Err(Ending::unreachable("The server takes nothing more of the file; sent again, it goes on where it was."));
                }
                _ => {}
            },
            UploadStep::Done => return Ok(()),
            UploadStep::Differs if !file.is_as_it_was() => return Err(FileTrouble::Changed(file.path().to_owned()).into()),
            UploadStep::Differs if upload.try_anew(now) => {}
            UploadStep::Differs => return Err(Refusal::ContentDiffers.into()),
            UploadStep::Failed(refusal) => return Err(Ending::from(refusal).of_file(file.path())),
        }
    }
}
