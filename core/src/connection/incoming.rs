//! One channel's arriving messages: each delivered once, in order, whole.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::ReceiveBacklog;
use crate::limits::{FRAGMENT_BYTES_MIN, FRAGMENT_GAPS_MAX, FRAGMENTED_MESSAGES_MAX, MESSAGE_BYTES_MAX, MESSAGES_IN_FLIGHT_MAX};
use crate::wire::CloseCode;
use crate::wire::frame::{Data, Part};

// Pieces are at least FRAGMENT_BYTES_MIN long but for the last, so a message cannot have more holes than this.
const _: () = assert!(MESSAGE_BYTES_MAX / FRAGMENT_BYTES_MIN / 2 <= FRAGMENT_GAPS_MAX);

/// Pieces that one message may be in: honest ones are at least [`FRAGMENT_BYTES_MIN`] long and may be cut a second time where they
/// overlap.
const PIECES_MAX: usize = 2 * MESSAGE_BYTES_MAX / FRAGMENT_BYTES_MIN;

/// The arriving half of a channel.
#[derive(Debug)]
pub(super) struct Incoming {
    /// Bytes that a message may have.
    longest: usize,
    /// The number of the next message to deliver.
    next: u64,
    /// Messages that have arrived, in part or before their turn.
    pending: BTreeMap<u64, Assembly>,
    /// Bytes that have arrived, each counted once, since the connection's start; never more than `granted`.
    charged: u64,
    /// Of those, the bytes of messages that are delivered.
    consumed: u64,
    /// Bytes the peer may send since the connection's start, as last told.
    granted: u64,
    window: u64,
}

/// What a resting connection keeps of an arriving channel on which nothing is half here.
#[derive(Clone, Copy, Debug)]
pub(super) struct RestingIncoming {
    pub(super) next: u64,
    pub(super) consumed: u64,
    pub(super) granted: u64,
    pub(super) window: u64,
}

#[derive(Debug)]
enum Assembly {
    Whole(Vec<u8>),
    Pieces(Pieces),
}

#[derive(Debug, Default)]
struct Pieces {
    /// Offset to bytes, not overlapping.
    pieces: BTreeMap<u32, Vec<u8>>,
    received: usize,
    /// Length and CRC32 of the whole, known when the last piece is here.
    end: Option<(u32, u32)>,
}

impl Incoming {
    /// A channel on which the peer may have `window` bytes on their way, in messages of up to `longest`.
    pub(super) const fn new(longest: usize, window: u64) -> Self {
        Self { longest, next: 0, pending: BTreeMap::new(), charged: 0, consumed: 0, granted: window, window }
    }

    /// Nothing is half here.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// What has arrived and is not delivered, with what is kept beside it; and the bytes that were delivered.
    pub(super) fn backlog(&self) -> ReceiveBacklog {
        let beside = (self.pending.len() * size_of::<(u64, Assembly)>()) as u64;
        ReceiveBacklog { bytes: self.charged - self.consumed + beside, delivered: self.consumed }
    }

    /// Nothing more is wanted of what is half here.
    pub(super) fn give_up(&mut self) {
        self.pending.clear();
        self.charged = self.consumed;
    }

    /// Only for one that [is idle](Self::is_idle).
    pub(super) fn park(&self) -> RestingIncoming {
        RestingIncoming { next: self.next, consumed: self.consumed, granted: self.granted, window: self.window }
    }

    pub(super) fn resume(longest: usize, resting: RestingIncoming) -> Self {
        let RestingIncoming { next, consumed, granted, window } = resting;
        Self { next, consumed, charged: consumed, granted, ..Self::new(longest, window) }
    }

    /// A DATA frame has arrived; whatever can be delivered now goes to `deliver`.
    ///
    /// # Errors
    /// The code to close with, when the peer exceeds what it was granted or contradicts itself.
    pub(super) fn on_data(&mut self, data: &Data<'_>, mut deliver: impl FnMut(Vec<u8>)) -> Result<(), CloseCode> {
        if data.message < self.next {
            return Ok(());
        }
        if data.message.saturating_sub(self.next) >= MESSAGES_IN_FLIGHT_MAX {
            return Err(CloseCode::FLOW_CONTROL);
        }
        match data.part {
            Part::Whole => self.on_whole(data, &mut deliver)?,
            Part::Fragment { offset, last } => self.on_piece(data, offset, last)?,
        }
        self.deliver_ready(deliver)
    }

    fn on_whole(&mut self, data: &Data<'_>, deliver: &mut impl FnMut(Vec<u8>)) -> Result<(), CloseCode> {
        if data.bytes.len() > self.longest {
            return Err(CloseCode::LIMIT_EXCEEDED);
        }
        if let Some(assembly) = self.pending.get(&data.message) {
            // Whole now and in pieces before would be two ways of cutting one message: our peers do not.
            return if matches!(assembly, Assembly::Whole(_)) { Ok(()) } else { Err(CloseCode::PROTOCOL_VIOLATION) };
        }
        self.charge(data.bytes.len())?;
        if data.message == self.next {
            self.next += 1;
            self.consumed += data.bytes.len() as u64;
            deliver(data.bytes.to_vec());
        } else {
            self.pending.insert(data.message, Assembly::Whole(data.bytes.to_vec()));
        }
        Ok(())
    }

    fn on_piece(&mut self, data: &Data<'_>, offset: u32, last: Option<u32>) -> Result<(), CloseCode> {
        let length = u32::try_from(data.bytes.len()).map_err(|_| CloseCode::LIMIT_EXCEEDED)?;
        let end = offset.checked_add(length).ok_or(CloseCode::LIMIT_EXCEEDED)?;
        if end as usize > self.longest {
            return Err(CloseCode::LIMIT_EXCEEDED);
        }
        if last.is_none() && data.bytes.len() < FRAGMENT_BYTES_MIN {
            return Err(CloseCode::PROTOCOL_VIOLATION);
        }
        if !self.pending.contains_key(&data.message) {
            let open =
                self.pending.values().filter(|assembly| matches!(assembly, Assembly::Pieces(pieces) if !pieces.is_complete())).count();
            if open >= FRAGMENTED_MESSAGES_MAX {
                return Err(CloseCode::LIMIT_EXCEEDED);
            }
        }
        let assembly = self.pending.entry(data.message).or_insert_with(|| Assembly::Pieces(Pieces::default()));
        let Assembly::Pieces(pieces) = assembly else { return Err(CloseCode::PROTOCOL_VIOLATION) };
        if let Some(crc) = last
            && *pieces.end.get_or_insert((end, crc)) != (end, crc)
        {
            return Err(CloseCode::PROTOCOL_VIOLATION);
        }
        if pieces.end.is_some_and(|(total, _)| end > total || pieces.reach() > total) {
            return Err(CloseCode::PROTOCOL_VIOLATION);
        }
        let added = pieces.insert(offset, data.bytes);
        if pieces.pieces.len() > PIECES_MAX {
            return Err(CloseCode::LIMIT_EXCEEDED);
        }
        self.charge(added)
    }

    fn charge(&mut self, bytes: usize) -> Result<(), CloseCode> {
        self.charged += bytes as u64;
        if self.charged > self.granted { Err(CloseCode::FLOW_CONTROL) } else { Ok(()) }
    }

    fn deliver_ready(&mut self, mut deliver: impl FnMut(Vec<u8>)) -> Result<(), CloseCode> {
        while let Some(entry) = self.pending.first_entry() {
            let ready = match entry.get() {
                Assembly::Whole(_) => true,
                Assembly::Pieces(pieces) => pieces.is_complete(),
            };
            if *entry.key() != self.next || !ready {
                break;
            }
            let body = match entry.remove() {
                Assembly::Whole(body) => body,
                Assembly::Pieces(pieces) => pieces.join()?,
            };
            self.next += 1;
            self.consumed += body.len() as u64;
            deliver(body);
        }
        Ok(())
    }

    /// The peer has given up on messages before `next`, which used up `bytes` of what was granted. Whether anything is missing now.
    ///
    /// # Errors
    /// [`CloseCode::FLOW_CONTROL`] when the count contradicts what was granted.
    pub(super) fn on_resync(&mut self, next: u64, bytes: u64, deliver: impl FnMut(Vec<u8>)) -> Result<bool, CloseCode> {
        if next <= self.next {
            return Ok(false);
        }
        if bytes > self.granted || bytes < self.consumed {
            return Err(CloseCode::FLOW_CONTROL);
        }
        self.pending = self.pending.split_off(&next);
        let waiting: usize = self.pending.values().map(Assembly::received).sum();
        self.next = next;
        self.consumed = bytes;
        self.charged = bytes.saturating_add(waiting as u64);
        self.deliver_ready(deliver)?;
        Ok(true)
    }

    /// The new grant to tell the peer, once half of the window is used up.
    pub(super) fn grant(&mut self) -> Option<u64> {
        let grant = self.consumed + self.window;
        if grant.saturating_sub(self.granted) < self.window / 2 || self.window == 0 {
            return None;
        }
        self.granted = grant;
        Some(grant)
    }

    /// Another window from now on. Whether the peer is to be told of a larger grant.
    pub(super) fn set_window(&mut self, window: u64) -> bool {
        self.window = window;
        let grant = self.consumed + window;
        let grows = grant > self.granted;
        if grows {
            self.granted = grant;
        }
        grows
    }

    /// The grant as last told, to tell it again.
    pub(super) const fn granted(&self) -> u64 {
        self.granted
    }
}

impl Assembly {
    fn received(&self) -> usize {
        match self {
            Self::Whole(body) => body.len(),
            Self::Pieces(pieces) => pieces.received,
        }
    }
}

impl Pieces {
    /// Where the farthest piece ends.
    fn reach(&self) -> u32 {
        self.pieces.last_key_value().map_or(0, |(&offset, bytes)| offset.saturating_add(bytes.len() as u32))
    }

    /// Keeps what of `bytes` is new; returns how many bytes that is.
    fn insert(&mut self, offset: u32, bytes: &[u8]) -> usize {
        let end = offset.saturating_add(bytes.len() as u32);
        let mut from = match self.pieces.range(..=offset).next_back() {
            Some((&before, piece)) => offset.max(before.saturating_add(piece.len() as u32)),
            None => offset,
        };
        let mut added = 0;
        while from < end {
            let (until, resume) = match self.pieces.range(from..end).next() {
                Some((&next, piece)) => (next, next.saturating_add(piece.len() as u32)),
                None => (end, end),
            };
            let new = bytes.get(from.saturating_sub(offset) as usize..until.saturating_sub(offset) as usize).unwrap_or_default();
            if !new.is_empty() {
                added += new.len();
                self.pieces.insert(from, new.to_vec());
            }
            from = resume;
        }
        self.received += added;
        added
    }

    fn is_complete(&self) -> bool {
        self.end.is_some_and(|(total, _)| self.received == total as usize)
    }

    fn join(self) -> Result<Vec<u8>, CloseCode> {
        let mut body = Vec::with_capacity(self.received);
        for piece in self.pieces.into_values() {
            body.extend_from_slice(&piece);
        }
        // A tag protects each datagram; this one protects our own cutting and joining.
        match self.end {
            Some((_, crc)) if crc32fast::hash(&body) == crc => Ok(body),
            _ => Err(CloseCode::MESSAGE_CRC),
        }
    }
}

#[cfg(test)]
mod tests;
