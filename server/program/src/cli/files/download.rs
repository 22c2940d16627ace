//! `belfry files get`: fetched in blocks, verified, and only then given its name; never over anything that is there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use belfry_core::chat::{Block, ContentHash, FileName, SharedFile};
use belfry_core::client::Command;
use belfry_core::client::transfer::{DownloadStep, FileDownload};
use belfry_core::disk::{FetchedPart, FileTrouble, PartPlace};
use belfry_core::net::Clock;
use belfry_server::files;
use serde::Serialize;

use super::progress::TransferProgress;
use super::until;
use crate::cli::session::{Session, Wake};
use crate::ending::{Ending, Outcome};
use crate::output;

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
            Some(out) if out.symlink_metadata().is_ok() => Err(FileTrouble::Taken(out).into()),
            Some(out) => Ok(Self::File(out)),
        }
    }
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
    let place = match to {
        Destination::Output => {
            let mut hasher = blake3::Hasher::new();
            blocks(session, file, 0, json, |block| {
                hasher.update(block.bytes());
                output::exactly(block.bytes())
            })?;
            return verify(&hasher, file.attachment.hash);
        }
        Destination::Folder(folder) => PartPlace::Near { folder: folder.clone(), name: FileName::nearest(file.attachment.name.as_str()) },
        Destination::File(path) => PartPlace::Exactly(path.clone()),
    };
    let mut part = FetchedPart::open(place, &file.attachment, |path| files::lock(path, Duration::ZERO))?;
    let from = part.length();
    blocks(session, file, from, json, |block| Ok(part.append(block)?)).inspect_err(|_| part.leave_nothing_empty())?;
    let path = part.finish()?;
    if json {
        let (bytes, blake3) = (file.attachment.bytes, file.attachment.hash.to_string());
        let name = file.attachment.name.as_str();
        output::json(&FetchedObject { event: "fetched", path: path.display().to_string(), name, bytes, blake3 })
    } else {
        output::line(path.display())
    }
}

fn verify(hasher: &blake3::Hasher, hash: ContentHash) -> Outcome {
    if *hasher.finalize().as_bytes() == hash.0 { Ok(()) } else { Err(FileTrouble::Differs.into()) }
}

/// Hands on the blocks of a file in their order.
fn blocks(session: &mut Session, file: &SharedFile, from: u64, json: bool, mut take: impl FnMut(&Block) -> Outcome) -> Outcome {
    let bytes = file.attachment.bytes;
    let mut progress = TransferProgress::of(&file.attachment.name, bytes, json);
    progress.at(from)?;
    let mut download = FileDownload::new(file.attachment.file, bytes, from);
    let clock = Clock::start();
    loop {
        let (now, ticket) = (clock.now().instant, session.ticket());
        match download.poll(now, ticket) {
            DownloadStep::Ask(request) => session.send(Command::Ask { ticket, request })?,
            DownloadStep::Take(block) => {
                take(&block)?;
                progress.at(download.upto())?;
            }
            DownloadStep::Wait(wait) => match session.next(Some(until(session, now, wait)))? {
                Some(Wake::Update(update)) => drop(download.handle_update(clock.now().instant, update)),
                Some(Wake::Interrupted) => return Err(Ending::unreachable("Interrupted; fetched again, the file goes on where it was.")),
                None if wait.is_none() => {
                    return Err(Ending::unreachable("Nothing more comes of the file; fetched again, it goes on where it was."));
                }
                _ => {}
            },
            DownloadStep::Done => return Ok(()),
            DownloadStep::Failed(refusal) => return Err(refusal.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_no_place_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let mine = here.join("mine");
        std::fs::write(&mine, "precious").unwrap();
        let understood = |path: &Path| Destination::understand(Some(path.to_owned()), false);
        assert_eq!(understood(&mine), Err(FileTrouble::Taken(mine.clone()).into()));
        assert_eq!(understood(here), Ok(Destination::Folder(here.to_owned())));
        assert_eq!(understood(&here.join("new")), Ok(Destination::File(here.join("new"))));
    }
}
