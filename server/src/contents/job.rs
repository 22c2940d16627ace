//! What the folder of contents is asked and answers: plain data across the thread border.

use belfry_core::chat::{AccountId, Block, ContentHash, Refusal};

/// The hub's number for a job; the answer carries the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentTicket(pub u64);

/// One thing to do. Jobs are done in the order they were handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentJob {
    /// Whose answer it is.
    pub ticket: ContentTicket,
    /// What to do.
    pub work: ContentWork,
}

/// An upload: who sends what. Two people who send the same are two uploads, because neither may learn of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UploadKey {
    /// Who sends it.
    pub account: AccountId,
    /// What it is to hold.
    pub hash: ContentHash,
    /// How long it is to be.
    pub bytes: u64,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentWork {
    /// Begin an upload, or go on with it. Outcome: [`ContentOutcome::Begun`].
    Begin(UploadKey),
    /// Write a block behind what is there; one that is there already is left as it is. Outcome: [`ContentOutcome::Written`]; refused with
    /// [`Refusal::BadRequest`], [`Refusal::BeyondTheEnd`], and for the last block of what is not what it should be with
    /// [`Refusal::ContentDiffers`]: then nothing of it is left.
    Write {
        /// Which upload, which has begun.
        upload: UploadKey,
        /// So many bytes stand before the block.
        offset: u64,
        /// It.
        block: Block,
    },
    /// Nobody sends more of this for now: what is there stays for when it is begun again. Outcome: [`ContentOutcome::Done`].
    Pause(UploadKey),
    /// Read a block. Outcome: [`ContentOutcome::Read`]; refused with [`Refusal::FileGone`].
    Read {
        /// Of which content.
        hash: ContentHash,
        /// From where on.
        offset: u64,
        /// How many bytes: as many as a block has at most.
        length: u64,
    },
    /// Remove contents that nobody refers to, and uploads that nobody has gone on with for long. Outcome: [`ContentOutcome::Done`].
    Remove(Vec<ContentHash>),
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDone {
    /// The job's ticket.
    pub ticket: ContentTicket,
    /// What came of it.
    pub result: Result<ContentOutcome, Refusal>,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentOutcome {
    /// So many bytes are there.
    Begun {
        /// From where on the rest is wanted.
        from: u64,
    },
    /// So many bytes are there.
    Written {
        /// Up to where.
        upto: u64,
        /// All are: they are what they should be, and on the disk under their hash.
        complete: bool,
    },
    /// A block.
    Read(Block),
    /// It is done.
    Done,
}
