//! A file that is sent: offered, sent in blocks, and offered again where that breaks off, to go on where the server has it.

use alloc::collections::BTreeMap;

use super::super::api::{Ticket, Update};
use super::{TRIES_MAX, TRY_EVERY};
use crate::chat::{Answer, ContentHash, ConversationId, Place, Refusal, Request, block_length_at};
use crate::limits::FRAGMENTED_MESSAGES_MAX;
use crate::time::Instant;

/// What an upload wants next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadStep {
    /// Ask this.
    Ask(Request),
    /// Read this block, and ask [`Request::SendBlock`] with it.
    Send {
        /// Where in the file it begins.
        offset: u64,
        /// How long it is, in bytes.
        length: u64,
    },
    /// Nothing until an answer comes, or until then.
    Wait(Option<Instant>),
    /// All of it is on the server's disk and verified: its message can be said.
    Done,
    /// What the server has is not what was announced; [`FileUpload::try_anew`] may help.
    Differs,
    /// It goes no further; an answer to another question counts as [`Refusal::BadRequest`].
    Failed(Refusal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UploadState {
    /// To be offered then.
    Offer(Instant),
    Offered(Ticket),
    Sending,
    Done,
    Differs,
    Failed(Refusal),
}

/// A content on its way to the server.
#[derive(Clone, Debug)]
pub struct FileUpload {
    to: Place,
    room: Option<ConversationId>,
    hash: ContentHash,
    bytes: u64,
    state: UploadState,
    /// Where the blocks end that have no answer yet.
    on_their_way: BTreeMap<Ticket, u64>,
    next: u64,
    upto: u64,
    /// What was there when it was offered last.
    began_at: u64,
    began_anew: bool,
    /// The most that ever was there.
    best: u64,
    tries: u32,
}

impl FileUpload {
    /// A content of so many bytes, for a message at this place; `room` is its number, where it is known.
    pub const fn new(to: Place, room: Option<ConversationId>, hash: ContentHash, bytes: u64) -> Self {
        Self {
            to,
            room,
            hash,
            bytes,
            state: UploadState::Offer(Instant::START),
            on_their_way: BTreeMap::new(),
            next: 0,
            upto: 0,
            began_at: 0,
            began_anew: false,
            best: 0,
            tries: 0,
        }
    }

    /// Bytes that the server has.
    pub const fn upto(&self) -> u64 {
        self.upto
    }

    /// What is to be done next. What is asked is asked under `ticket`.
    pub fn poll(&mut self, now: Instant, ticket: Ticket) -> UploadStep {
        match self.state {
            UploadState::Offer(at) if at > now => UploadStep::Wait(Some(at)),
            UploadState::Offer(_) => {
                self.state = UploadState::Offered(ticket);
                UploadStep::Ask(Request::OfferFile { to: self.to.clone(), room: self.room, bytes: self.bytes, hash: self.hash })
            }
            UploadState::Sending if self.on_their_way.len() < FRAGMENTED_MESSAGES_MAX && self.next < self.bytes => {
                let (offset, length) = (self.next, block_length_at(self.next, self.bytes));
                self.next += length;
                self.on_their_way.insert(ticket, self.next);
                UploadStep::Send { offset, length }
            }
            UploadState::Offered(_) | UploadState::Sending => UploadStep::Wait(None),
            UploadState::Done => UploadStep::Done,
            UploadState::Differs => UploadStep::Differs,
            UploadState::Failed(why) => UploadStep::Failed(why),
        }
    }

    /// The client has told its owner something. Whether it was about this.
    pub fn handle_update(&mut self, now: Instant, update: &Update) -> bool {
        let (Update::Answered { ticket, .. } | Update::Refused { ticket, .. } | Update::Lost { ticket }) = update else { return false };
        let offered = self.state == UploadState::Offered(*ticket);
        if !offered && self.on_their_way.remove(ticket).is_none() {
            return false;
        }
        match update {
            Update::Answered { answer: Answer::Upload { from }, .. } if offered => self.go_on_from(*from),
            Update::Answered { answer: Answer::Received { upto }, .. } if !offered => {
                self.upto = self.upto.max(*upto);
                if self.upto >= self.bytes {
                    self.state = UploadState::Done;
                }
            }
            Update::Refused { refusal, .. } => self.refused(now, *refusal, offered),
            Update::Lost { .. } => self.offer_again(now),
            _ => self.state = UploadState::Failed(Refusal::BadRequest),
        }
        true
    }

    /// After [`UploadStep::Differs`], for a file that is as it was: what was there from before a power cut may be what is wrong with it, and is
    /// gone now. Once; whether it is tried.
    pub fn try_anew(&mut self, now: Instant) -> bool {
        let helps = self.state == UploadState::Differs && self.began_at > 0 && !self.began_anew;
        if helps {
            self.began_anew = true;
            self.on_their_way.clear();
            self.state = UploadState::Offer(now);
        }
        helps
    }

    fn go_on_from(&mut self, from: u64) {
        (self.next, self.upto, self.began_at) = (from, from, from);
        self.state = if from >= self.bytes { UploadState::Done } else { UploadState::Sending };
    }

    fn refused(&mut self, now: Instant, refusal: Refusal, offered: bool) {
        match refusal {
            Refusal::ContentDiffers if !offered => self.state = UploadState::Differs,
            Refusal::Busy | Refusal::TooManyRequests => self.offer_again(now),
            // The offer is forgotten: another one finds out where it stands.
            Refusal::BadRequest if !offered => self.offer_again(now),
            _ => self.state = UploadState::Failed(refusal),
        }
    }

    fn offer_again(&mut self, now: Instant) {
        self.tries = if self.upto > self.best { 0 } else { self.tries + 1 };
        self.best = self.best.max(self.upto);
        self.on_their_way.clear();
        self.state = if self.tries < TRIES_MAX { UploadState::Offer(now + TRY_EVERY) } else { UploadState::Failed(Refusal::Busy) };
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::limits::FILE_BLOCK_BYTES;

    const BLOCK: u64 = FILE_BLOCK_BYTES as u64;
    const LATER: Instant = Instant::from_micros(TRY_EVERY.as_micros() as u64);

    /// An upload with a number for each question.
    struct Sender {
        upload: FileUpload,
        tickets: u64,
    }

    impl Sender {
        fn of(bytes: u64) -> Self {
            Self { upload: FileUpload::new(Place::lobby(), None, ContentHash([7; 32]), bytes), tickets: 0 }
        }

        fn poll(&mut self, now: Instant) -> UploadStep {
            self.tickets += 1;
            self.upload.poll(now, Ticket(self.tickets))
        }

        /// Where the blocks begin that are sent before it waits.
        fn sends(&mut self) -> Vec<u64> {
            core::iter::from_fn(|| if let UploadStep::Send { offset, .. } = self.poll(LATER) { Some(offset) } else { None }).collect()
        }

        fn answer(&mut self, ticket: u64, answer: Answer) -> bool {
            self.upload.handle_update(Instant::START, &Update::Answered { ticket: Ticket(ticket), answer })
        }

        fn refuse(&mut self, ticket: u64, refusal: Refusal) {
            assert!(self.upload.handle_update(Instant::START, &Update::Refused { ticket: Ticket(ticket), refusal }));
        }

        /// Offers it, and hears that so much is there; says the ticket of the first block.
        fn begin(&mut self, from: u64) -> u64 {
            assert!(matches!(self.poll(LATER), UploadStep::Ask(Request::OfferFile { .. })));
            assert!(self.answer(self.tickets, Answer::Upload { from }));
            self.tickets + 1
        }
    }

    #[test]
    fn as_many_blocks_are_on_their_way_as_are_granted_and_each_answer_makes_room_for_one() {
        let mut sender = Sender::of(100 * BLOCK + 5);
        let first = sender.begin(0);
        assert_eq!(sender.sends(), (0..FRAGMENTED_MESSAGES_MAX as u64).map(|block| block * BLOCK).collect::<Vec<_>>());
        assert!(sender.answer(first, Answer::Received { upto: BLOCK }));
        assert_eq!(sender.sends(), [FRAGMENTED_MESSAGES_MAX as u64 * BLOCK]);
        assert!(!sender.answer(first, Answer::Received { upto: BLOCK }), "a stranger's answer is nobody's");
    }

    #[test]
    fn what_the_server_has_is_not_sent_again() {
        let mut sender = Sender::of(BLOCK + 5);
        let first = sender.begin(BLOCK);
        assert_eq!(sender.poll(LATER), UploadStep::Send { offset: BLOCK, length: 5 });
        assert!(sender.answer(first, Answer::Received { upto: BLOCK + 5 }));
        assert_eq!(sender.poll(LATER), UploadStep::Done);
        let mut sender = Sender::of(BLOCK);
        sender.begin(BLOCK);
        assert_eq!(sender.poll(LATER), UploadStep::Done);
    }

    #[test]
    fn after_a_break_it_is_offered_again_a_little_later_and_goes_on_where_the_server_has_it() {
        for lost in [true, false] {
            let mut sender = Sender::of(3 * BLOCK);
            let first = sender.begin(0);
            sender.sends();
            let ticket = Ticket(first);
            let update = if lost { Update::Lost { ticket } } else { Update::Refused { ticket, refusal: Refusal::Busy } };
            assert!(sender.upload.handle_update(Instant::START, &update));
            assert_eq!(sender.poll(Instant::START), UploadStep::Wait(Some(LATER)));
            assert!(!sender.answer(first + 1, Answer::Received { upto: 2 * BLOCK }), "what was sent before is forgotten");
            sender.begin(2 * BLOCK);
            assert_eq!(sender.sends(), [2 * BLOCK]);
        }
    }

    #[test]
    fn a_server_that_stays_busy_is_given_up_and_one_that_takes_something_is_not() {
        let busy = UploadStep::Failed(Refusal::Busy);
        for progress in [0, BLOCK] {
            let mut sender = Sender::of(1000 * BLOCK);
            for round in 0..u64::from(TRIES_MAX) {
                let first = sender.begin(round * progress);
                sender.poll(LATER);
                sender.refuse(first, Refusal::Busy);
            }
            assert_eq!(sender.poll(LATER) == busy, progress == 0);
        }
    }

    #[test]
    fn a_content_that_differs_is_tried_once_more_only_where_it_went_on_from_something() {
        for (from, again) in [(BLOCK, true), (0, false)] {
            let mut sender = Sender::of(2 * BLOCK);
            let first = sender.begin(from);
            sender.poll(LATER);
            sender.refuse(first, Refusal::ContentDiffers);
            assert_eq!(sender.poll(LATER), UploadStep::Differs);
            assert_eq!(sender.upload.try_anew(LATER), again);
        }
    }

    #[test]
    fn what_the_server_does_not_take_is_told() {
        for refusal in [Refusal::FileTooLarge, Refusal::FileQuotaUsedUp, Refusal::UnknownRoom] {
            let mut sender = Sender::of(9);
            sender.poll(LATER);
            sender.refuse(1, refusal);
            assert_eq!(sender.poll(LATER), UploadStep::Failed(refusal));
        }
        let mut sender = Sender::of(9);
        sender.poll(LATER);
        sender.answer(1, Answer::Done);
        assert_eq!(sender.poll(LATER), UploadStep::Failed(Refusal::BadRequest));
    }
}
