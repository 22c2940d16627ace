//! A file that is fetched: asked for in blocks, several at a time, and handed on in their order.

use alloc::collections::{BTreeMap, BTreeSet};

use super::super::api::{Ticket, Update};
use super::TRY_EVERY;
use crate::chat::{Answer, Block, FileId, Refusal, Request, block_length_at};
use crate::limits::FRAGMENTED_MESSAGES_MAX;
use crate::time::Instant;

/// What a download wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownloadStep {
    /// Ask this.
    Ask(Request),
    /// Put this behind what is there.
    Take(Block),
    /// Nothing until an answer comes, or until then.
    Wait(Option<Instant>),
    /// All of it has come; whether it is what was sent, its hash tells.
    Done,
    /// It goes no further; an answer to another question counts as [`Refusal::BadRequest`].
    Failed(Refusal),
}

/// A file on its way from the server.
#[derive(Clone, Debug)]
pub struct FileDownload {
    file: FileId,
    bytes: u64,
    /// Up to where it was handed on.
    upto: u64,
    /// Up to where it was asked for, but for what is in `again`.
    asked: u64,
    again: BTreeSet<u64>,
    on_their_way: BTreeMap<Ticket, u64>,
    /// What has come before its turn.
    early: BTreeMap<u64, Block>,
    rest_until: Instant,
    refusal: Option<Refusal>,
}

impl FileDownload {
    /// The rest of a file of so many bytes, of which those before `from` are there.
    pub const fn new(file: FileId, bytes: u64, from: u64) -> Self {
        Self {
            file,
            bytes,
            upto: from,
            asked: from,
            again: BTreeSet::new(),
            on_their_way: BTreeMap::new(),
            early: BTreeMap::new(),
            rest_until: Instant::START,
            refusal: None,
        }
    }

    /// Bytes that have been handed on.
    pub const fn upto(&self) -> u64 {
        self.upto
    }

    /// What is to be done next. What is asked is asked under `ticket`.
    pub fn poll(&mut self, now: Instant, ticket: Ticket) -> DownloadStep {
        if let Some(refusal) = self.refusal {
            return DownloadStep::Failed(refusal);
        }
        if let Some(block) = self.early.remove(&self.upto) {
            self.upto += block.length();
            return DownloadStep::Take(block);
        }
        if self.upto >= self.bytes {
            return DownloadStep::Done;
        }
        if self.rest_until > now {
            return DownloadStep::Wait(Some(self.rest_until));
        }
        let offset = if self.on_their_way.len() + self.early.len() < FRAGMENTED_MESSAGES_MAX { self.next_offset() } else { None };
        let Some(offset) = offset else { return DownloadStep::Wait(None) };
        self.on_their_way.insert(ticket, offset);
        DownloadStep::Ask(Request::FetchBlock { file: self.file, offset })
    }

    fn next_offset(&mut self) -> Option<u64> {
        if let Some(again) = self.again.pop_first() {
            return Some(again);
        }
        let offset = self.asked;
        self.asked += block_length_at(offset, self.bytes);
        (offset < self.bytes).then_some(offset)
    }

    /// The client has told its owner something; gives back what was not about this.
    pub fn handle_update(&mut self, now: Instant, update: Update) -> Option<Update> {
        let (Update::Answered { ticket, .. } | Update::Refused { ticket, .. } | Update::Lost { ticket }) = &update else {
            return Some(update);
        };
        let Some(offset) = self.on_their_way.remove(ticket) else { return Some(update) };
        match update {
            Update::Answered { answer: Answer::Block(block), .. } if block.length() == block_length_at(offset, self.bytes) => {
                self.early.insert(offset, block);
            }
            Update::Refused { refusal: Refusal::Busy | Refusal::TooManyRequests, .. } => {
                self.again.insert(offset);
                self.rest_until = now + TRY_EVERY;
            }
            Update::Lost { .. } => {
                self.again.insert(offset);
            }
            Update::Refused { refusal, .. } => self.refusal = Some(refusal),
            _ => self.refusal = Some(Refusal::BadRequest),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::limits::FILE_BLOCK_BYTES;

    const BLOCK: u64 = FILE_BLOCK_BYTES as u64;
    const LATER: Instant = Instant::from_micros(TRY_EVERY.as_micros() as u64);

    struct Receiver {
        download: FileDownload,
        tickets: u64,
    }

    impl Receiver {
        fn of(bytes: u64, from: u64) -> Self {
            Self { download: FileDownload::new(FileId(3), bytes, from), tickets: 0 }
        }

        fn poll(&mut self, now: Instant) -> DownloadStep {
            self.tickets += 1;
            self.download.poll(now, Ticket(self.tickets))
        }

        /// Which blocks it asks for before it waits.
        fn asks(&mut self) -> Vec<u64> {
            core::iter::from_fn(|| {
                if let DownloadStep::Ask(Request::FetchBlock { offset, .. }) = self.poll(LATER) { Some(offset) } else { None }
            })
            .collect()
        }

        fn answer(&mut self, ticket: u64, length: u64) -> bool {
            let block = Block::new(vec![7; usize::try_from(length).unwrap()]).unwrap();
            self.download.handle_update(Instant::START, Update::Answered { ticket: Ticket(ticket), answer: Answer::Block(block) }).is_none()
        }

        fn refuse(&mut self, ticket: u64, refusal: Refusal) {
            assert_eq!(self.download.handle_update(Instant::START, Update::Refused { ticket: Ticket(ticket), refusal }), None);
        }
    }

    fn takes(step: DownloadStep) -> u64 {
        if let DownloadStep::Take(block) = step { block.length() } else { panic!("{step:?}") }
    }

    #[test]
    fn blocks_are_handed_on_in_their_order_however_they_come() {
        let mut receiver = Receiver::of(2 * BLOCK + 5, BLOCK);
        assert_eq!(receiver.asks(), [BLOCK, 2 * BLOCK]);
        assert!(receiver.answer(2, 5));
        assert_eq!(receiver.poll(LATER), DownloadStep::Wait(None));
        assert!(receiver.answer(1, BLOCK));
        assert!(!receiver.answer(1, BLOCK), "an answer is one block's");
        assert_eq!((takes(receiver.poll(LATER)), takes(receiver.poll(LATER))), (BLOCK, 5));
        assert_eq!((receiver.poll(LATER), receiver.download.upto()), (DownloadStep::Done, 2 * BLOCK + 5));
    }

    #[test]
    fn what_has_come_early_counts_against_what_may_be_on_its_way() {
        let mut receiver = Receiver::of(100 * BLOCK, 0);
        assert_eq!(receiver.asks().len(), FRAGMENTED_MESSAGES_MAX);
        for ticket in 2..=FRAGMENTED_MESSAGES_MAX as u64 {
            receiver.answer(ticket, BLOCK);
        }
        assert_eq!(receiver.asks(), [], "the first block is slow, and nothing more is held than was granted");
    }

    #[test]
    fn what_is_lost_is_asked_for_again_and_a_busy_server_a_little_later() {
        let mut receiver = Receiver::of(3 * BLOCK, 0);
        assert_eq!(receiver.asks().len(), 3);
        assert_eq!(receiver.download.handle_update(Instant::START, Update::Lost { ticket: Ticket(2) }), None);
        assert_eq!(receiver.asks(), [BLOCK]);
        receiver.refuse(1, Refusal::Busy);
        assert_eq!(receiver.poll(Instant::START), DownloadStep::Wait(Some(LATER)));
        assert_eq!(receiver.asks(), [0]);
    }

    #[test]
    fn a_refusal_and_a_block_of_another_length_end_it() {
        let mut receiver = Receiver::of(9, 0);
        receiver.asks();
        receiver.refuse(1, Refusal::UnknownFile);
        assert_eq!(receiver.poll(LATER), DownloadStep::Failed(Refusal::UnknownFile));
        let mut receiver = Receiver::of(9, 0);
        receiver.asks();
        assert!(receiver.answer(1, 8));
        assert_eq!(receiver.poll(LATER), DownloadStep::Failed(Refusal::BadRequest));
    }
}
