//! Files on their way from this computer and to it: a thread of its own reads and writes the disk, and speaks to the client under tickets of
//! its own, so that neither the windows nor the network wait for a disk, and no block of a file passes through the windows' thread.

mod worker;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use belfry_core::chat::{Attachment, ContentHash, ConversationId, FileId, FileName, Place};
use belfry_core::client::{Command, Ticket, Update};

use worker::TransferWorker;

/// Jobs that wait for the thread. What comes from the network is bounded by what it has asked for, which is less.
const JOBS_MAX: usize = 512;

/// The thread's first ticket: far beyond what the windows ask in a lifetime.
const FIRST_TICKET: u64 = 1 << 62;

/// Which transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransferKey {
    /// Of the own message with this ticket.
    Sent(Ticket),
    /// Of this file.
    Fetched(FileId),
}

/// How far a transfer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferState {
    /// It waits for the server, or for its turn.
    Waiting {
        /// Bytes that are there already.
        done: u64,
    },
    /// The file is read, to know what it holds.
    Reading,
    /// Blocks come and go.
    Running {
        /// Bytes that are there.
        done: u64,
        /// Bytes a second.
        rate: u64,
    },
    /// The person has stopped it for now.
    Paused {
        /// Bytes that are there.
        done: u64,
    },
    /// The server has all of it, and its message can be said.
    Stored(ContentHash),
    /// It is whole, verified and here.
    Saved(PathBuf),
    /// It goes no further; the sentence says why.
    Failed(String),
}

/// A file that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendOrder {
    /// The ticket of its message.
    pub ticket: Ticket,
    /// Where that is to be said.
    pub to: Place,
    /// The room's number, where it is known.
    pub room: Option<ConversationId>,
    /// The file.
    pub path: PathBuf,
    /// What it held when an earlier run read it.
    pub hash: Option<ContentHash>,
}

/// A file that is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchOrder {
    /// Which.
    pub attachment: Attachment,
    /// The folder it goes to.
    pub folder: PathBuf,
    /// Its name there, or the one that the next free one is like.
    pub name: FileName,
    /// Not before the person says so.
    pub paused: bool,
}

/// How a connection is told something; whether it is there still.
pub type Line = Box<dyn Fn(Command) -> bool + Send>;

/// What the thread is to do.
pub enum TransferJob {
    /// This is the connection from now on, or there is none.
    Connect(Option<Line>),
    /// The connection has answered.
    Heard(Update),
    /// Look at files that somebody wants to send here.
    Look {
        /// The place at which they stand in the composer.
        place: String,
        /// The files.
        paths: Vec<PathBuf>,
    },
    /// Send a file. One that is on its way already is sent once.
    Send(SendOrder),
    /// Fetch a file.
    Fetch(FetchOrder),
    /// Stop for now.
    Pause(TransferKey),
    /// Go on.
    Resume(TransferKey),
    /// Nobody wants it any more: nothing is left of it here.
    Cancel(TransferKey),
    /// All of this was somebody else's.
    Forget,
}

/// A file that was looked at, as it would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// As it will be called.
    pub name: FileName,
    /// How long it is.
    pub bytes: u64,
}

/// A file that an own message brings, from when it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingFile {
    /// As it was chosen.
    pub found: FoundFile,
    /// What it holds, since it was read.
    pub hash: Option<ContentHash>,
}

/// What the thread says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferEvent {
    /// A transfer is so far.
    State(TransferKey, TransferState),
    /// What a file that is sent holds.
    Hashed(Ticket, ContentHash),
    /// A file that somebody wants to send at this place, or the sentence that says why it cannot be.
    Looked {
        /// As it was asked.
        place: String,
        /// What was found.
        found: Result<FoundFile, String>,
    },
}

/// Whether an update is about a question of the thread's.
pub const fn is_about_transfers(update: &Update) -> bool {
    match update {
        Update::Answered { ticket, .. } | Update::Refused { ticket, .. } | Update::Lost { ticket } => ticket.0 >= FIRST_TICKET,
        _ => false,
    }
}

/// The thread, as others see it. It ends with the last of these.
#[derive(Clone, Debug)]
pub struct Transfers {
    jobs: SyncSender<TransferJob>,
}

impl Transfers {
    /// Starts the thread; `tell` is called on it, no more often than somebody can read.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(tell: impl Fn(TransferEvent) + Send + 'static) -> io::Result<Self> {
        let (jobs, waiting) = sync_channel(JOBS_MAX);
        thread::Builder::new().name("transfers".into()).spawn(move || TransferWorker::new(tell).run(&waiting))?;
        Ok(Self { jobs })
    }

    /// Hands over a job, from the windows' thread, which does not wait: whether there was room for it.
    pub fn order(&self, job: TransferJob) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    /// Hands over what was heard, from the thread that listens. Whether anybody is there to hear it.
    pub fn hear(&self, update: Update) -> bool {
        self.jobs.send(TransferJob::Heard(update)).is_ok()
    }
}
