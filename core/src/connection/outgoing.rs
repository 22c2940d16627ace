//! One channel's departing messages: kept until acknowledged, sent again when lost, never more than was granted.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::{Body, DeliveryTag};
use crate::limits::{DATAGRAM_BYTES, FRAGMENT_BYTES_MIN, FRAGMENTED_MESSAGES_MAX, MESSAGES_IN_FLIGHT_MAX};
use crate::wire::Channel;
use crate::wire::datagram::{PROTECTED_HEAD_BYTES, TAG_BYTES};
use crate::wire::frame::{self, Data, Part};

/// A message up to this size is never cut: it fits a datagram of its own, whatever the numbers in its head.
const WHOLE_BYTES_MAX: usize = DATAGRAM_BYTES - PROTECTED_HEAD_BYTES - TAG_BYTES - 32;

/// Messages that an empty queue keeps room for.
const IDLE_MESSAGES: usize = 16;

/// Which bytes of which message a packet carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    message: u64,
    offset: u32,
    length: u32,
}

/// The departing half of a channel.
#[derive(Debug)]
pub(super) struct Outgoing {
    channel: Channel,
    /// Messages from the oldest that is not wholly acknowledged on.
    queue: VecDeque<QueuedMessage>,
    /// The number of the queue's front.
    first: u64,
    /// How many at the queue's front have been sent completely, at least once.
    begun: usize,
    /// Bytes that the messages in the queue [`cost`].
    queued: u64,
    /// Parts to send again, oldest loss first.
    lost: VecDeque<Sent>,
    /// Bytes sent, each counted once, since the connection's start; never more than `granted`.
    used: u64,
    granted: u64,
    /// The peer has been told that the grant is used up.
    blocked_at: Option<u64>,
    resync: Option<Resync>,
}

/// What a resting connection keeps of a departing channel on which nothing waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct RestingOutgoing {
    pub(super) first: u64,
    pub(super) used: u64,
    pub(super) granted: u64,
}

#[derive(Debug)]
struct QueuedMessage {
    body: Body,
    sent: u32,
    /// Its receivers may spread their acknowledgements over this time.
    spread_millis: u16,
    acknowledged: Acknowledged,
}

#[derive(Debug)]
enum Acknowledged {
    Nothing,
    /// Disjoint ranges (from, to).
    Parts(Vec<(u32, u32)>),
    All,
}

/// What a queued message costs: its bytes, and what is kept beside them, or a queue of tiny messages would be no bound.
fn cost(body: &[u8]) -> u64 {
    (body.len() + size_of::<QueuedMessage>()) as u64
}

#[derive(Clone, Copy, Debug)]
struct Resync {
    next: u64,
    bytes: u64,
    /// Not on its way.
    pending: bool,
}

impl Outgoing {
    pub(super) const fn new(channel: Channel, granted: u64) -> Self {
        Self {
            channel,
            queue: VecDeque::new(),
            first: 0,
            begun: 0,
            queued: 0,
            lost: VecDeque::new(),
            used: 0,
            granted,
            blocked_at: None,
            resync: None,
        }
    }

    /// Only for one that [is idle](Self::is_idle).
    pub(super) fn park(&self) -> RestingOutgoing {
        RestingOutgoing { first: self.first, used: self.used, granted: self.granted }
    }

    pub(super) fn resume(channel: Channel, resting: RestingOutgoing) -> Self {
        Self { first: resting.first, used: resting.used, ..Self::new(channel, resting.granted) }
    }

    /// Queues a message. When the queue is full everything in it is dropped first, and the peer told to fetch it from the log.
    pub(super) fn push(&mut self, body: Body, spread_millis: u16) {
        if self.queued + cost(&body) > self.channel.queue_bytes_max() && !self.queue.is_empty() {
            self.drop_queue();
        }
        self.queued += cost(&body);
        self.queue.push_back(QueuedMessage { body, sent: 0, spread_millis, acknowledged: Acknowledged::Nothing });
    }

    /// Gives up what waits, if anything does.
    pub(super) fn shed(&mut self) {
        if !self.queue.is_empty() {
            self.drop_queue();
        }
    }

    /// The connection is closing: nothing of this leaves any more.
    pub(super) fn give_up(&mut self) {
        self.drop_queue();
        self.resync = None;
    }

    fn drop_queue(&mut self) {
        self.first += self.queue.len() as u64;
        // Their memory, too: it may be what they are given up for.
        self.queue = VecDeque::new();
        self.lost = VecDeque::new();
        self.begun = 0;
        self.queued = 0;
        self.resync = Some(Resync { next: self.first, bytes: self.used, pending: true });
    }

    /// Everything that was queued is acknowledged.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.resync.is_none()
    }

    /// What the messages in the queue [`cost`].
    pub(super) const fn waiting_bytes(&self) -> u64 {
        self.queued
    }

    /// What is kept beside the messages' bytes.
    pub(super) fn beside_bytes(&self) -> u64 {
        (self.queue.len() * size_of::<QueuedMessage>()) as u64
    }

    /// Whether [`Outgoing::write`] could write something into an empty datagram.
    pub(super) fn has_something(&self) -> bool {
        self.resync.is_some_and(|resync| resync.pending) || !self.lost.is_empty() || self.fresh().is_some()
    }

    /// The next message with bytes that were never sent, and how many of them may be sent now.
    fn fresh(&self) -> Option<(&QueuedMessage, usize)> {
        // Until the peer knows where to go on, it would take what follows for more than it can hold.
        if self.resync.is_some() {
            return None;
        }
        let message = self.queue.get(self.begun)?;
        let rest = message.body.len() - message.sent as usize;
        let credit = usize::try_from(self.granted.saturating_sub(self.used)).unwrap_or(usize::MAX);
        let in_flight = self.begun as u64;
        if in_flight >= MESSAGES_IN_FLIGHT_MAX {
            return None;
        }
        let is_cut = message.body.len() > WHOLE_BYTES_MAX;
        if is_cut && message.sent == 0 && self.open_fragmented() >= FRAGMENTED_MESSAGES_MAX {
            return None;
        }
        let may = rest.min(credit);
        // A cut that is not the last must not be tiny; a message that is not cut needs all its credit.
        (may == rest || (is_cut && may >= FRAGMENT_BYTES_MIN)).then_some((message, may))
    }

    fn open_fragmented(&self) -> usize {
        self.queue.iter().take(self.begun + 1).filter(|message| message.sent > 0 && message.is_open_fragmented()).count()
    }

    /// Over what time the acknowledgement of the next new message may be spread.
    pub(super) fn next_spread_millis(&self) -> u16 {
        self.queue.get(self.begun).map_or(0, |message| message.spread_millis)
    }

    /// Whether the peer should be told that its grant holds something back.
    pub(super) fn wants_blocked(&self) -> bool {
        if self.blocked_at == Some(self.granted) || self.resync.is_some() {
            return false;
        }
        let Some(message) = self.queue.get(self.begun) else { return false };
        let rest = (message.body.len() - message.sent as usize) as u64;
        let credit = self.granted.saturating_sub(self.used);
        let is_cut = message.body.len() > WHOLE_BYTES_MAX;
        credit < rest && (!is_cut || credit < FRAGMENT_BYTES_MIN as u64)
    }

    /// The same, once for each grant.
    pub(super) fn take_blocked(&mut self) -> bool {
        let wants = self.wants_blocked();
        if wants {
            self.blocked_at = Some(self.granted);
        }
        wants
    }

    /// Writes one frame into at most `room` bytes: first what was lost, then what is new. What it carried, or `None` when nothing fits.
    pub(super) fn write(&mut self, room: usize, out: &mut Vec<u8>) -> Option<Sent> {
        self.write_lost(room, out).or_else(|| self.write_fresh(room, out))
    }

    fn write_lost(&mut self, room: usize, out: &mut Vec<u8>) -> Option<Sent> {
        while let Some(&sent) = self.lost.front() {
            let Some(message) = self.message(sent.message).filter(|message| !message.has(sent)) else {
                self.lost.pop_front();
                continue;
            };
            if (sent.length as usize).saturating_add(Data::overhead(sent.message, sent.offset, sent.length as usize)) > room {
                return None;
            }
            message.encode(self.channel, sent, out);
            self.lost.pop_front();
            return Some(sent);
        }
        None
    }

    fn write_fresh(&mut self, room: usize, out: &mut Vec<u8>) -> Option<Sent> {
        let (message, may) = self.fresh()?;
        let number = self.first + self.begun as u64;
        let offset = message.sent;
        let rest = message.body.len().saturating_sub(offset as usize);
        let fits = room.checked_sub(Data::overhead(number, offset, rest))?;
        let length = if message.body.len() <= WHOLE_BYTES_MAX {
            Some(rest).filter(|&rest| rest <= fits)
        } else {
            let length = may.min(fits);
            Some(length).filter(|&length| length == rest || length >= FRAGMENT_BYTES_MIN)
        }?;
        let sent = Sent { message: number, offset, length: u32::try_from(length).ok()? };
        message.encode(self.channel, sent, out);
        self.used += length as u64;
        let message = self.queue.get_mut(self.begun)?;
        message.sent += sent.length;
        if length == rest {
            self.begun += 1;
        }
        Some(sent)
    }

    /// Writes RESYNC if it is not on its way.
    pub(super) fn write_resync(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(resync) = self.resync.as_mut().filter(|resync| resync.pending) else { return false };
        resync.pending = false;
        frame::encode_resync(self.channel, resync.next, resync.bytes, out);
        true
    }

    fn message(&self, number: u64) -> Option<&QueuedMessage> {
        self.queue.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// A packet that carried this has arrived. Tells of messages that are delivered by that: acknowledged as a whole, and everything before
    /// them. What was given up is none of them.
    pub(super) fn on_acknowledged(&mut self, sent: Sent, mut delivered: impl FnMut(DeliveryTag)) {
        let Some(index) = sent.message.checked_sub(self.first).and_then(|index| usize::try_from(index).ok()) else { return };
        let Some(message) = self.queue.get_mut(index) else { return };
        message.acknowledge(sent);
        while let Some(message) = self.queue.pop_front_if(|message| matches!(message.acknowledged, Acknowledged::All)) {
            self.queued -= cost(&message.body);
            self.first += 1;
            self.begun -= 1;
            if let Some(tag) = message.body.tag() {
                delivered(tag);
            }
        }
        if self.queue.is_empty() {
            self.queue.shrink_to(IDLE_MESSAGES);
        }
        if !self.lost.is_empty() {
            let mut lost = core::mem::take(&mut self.lost);
            lost.retain(|&sent| self.message(sent.message).is_some_and(|message| !message.has(sent)));
            self.lost = lost;
        }
    }

    /// A packet that carried this has not arrived, or may not have: send it again.
    pub(super) fn on_lost(&mut self, sent: Sent) {
        if self.message(sent.message).is_some_and(|message| !message.has(sent)) && !self.lost.contains(&sent) {
            self.lost.push_back(sent);
        }
    }

    pub(super) fn on_resync_acknowledged(&mut self, next: u64) {
        if self.resync.is_some_and(|resync| resync.next == next) {
            self.resync = None;
        }
    }

    pub(super) fn on_resync_lost(&mut self, next: u64) {
        if let Some(resync) = self.resync.as_mut().filter(|resync| resync.next == next) {
            resync.pending = true;
        }
    }

    /// The next message after the one a RESYNC names; identifies the RESYNC that is on its way.
    pub(super) fn resync_next(&self) -> Option<u64> {
        self.resync.map(|resync| resync.next)
    }

    /// The peer grants more.
    pub(super) fn on_granted(&mut self, bytes: u64) {
        self.granted = self.granted.max(bytes);
    }
}

impl QueuedMessage {
    fn encode(&self, channel: Channel, sent: Sent, out: &mut Vec<u8>) {
        let end = (sent.offset + sent.length) as usize;
        let part = if self.body.len() <= WHOLE_BYTES_MAX {
            Part::Whole
        } else {
            Part::Fragment { offset: sent.offset, last: (end == self.body.len()).then(|| crc32fast::hash(&self.body)) }
        };
        let bytes = self.body.get(sent.offset as usize..end).unwrap_or_default();
        frame::encode_data(&Data { channel, message: sent.message, part, bytes }, out);
    }

    fn is_open_fragmented(&self) -> bool {
        self.body.len() > WHOLE_BYTES_MAX && !matches!(self.acknowledged, Acknowledged::All)
    }

    fn has(&self, sent: Sent) -> bool {
        match &self.acknowledged {
            Acknowledged::Nothing => false,
            Acknowledged::All => true,
            Acknowledged::Parts(parts) => {
                let end = sent.offset + sent.length;
                parts.iter().any(|&(from, to)| from <= sent.offset && end <= to)
            }
        }
    }

    fn acknowledge(&mut self, sent: Sent) {
        let mut new = (sent.offset, sent.offset + sent.length);
        let mut parts = match core::mem::replace(&mut self.acknowledged, Acknowledged::All) {
            Acknowledged::All => return,
            Acknowledged::Nothing => Vec::new(),
            Acknowledged::Parts(parts) => parts,
        };
        parts.retain(|&(from, to)| {
            let apart = to < new.0 || new.1 < from;
            if !apart {
                new = (new.0.min(from), new.1.max(to));
            }
            apart
        });
        if new != (0, self.body.len() as u32) {
            parts.push(new);
            self.acknowledged = Acknowledged::Parts(parts);
        }
    }
}

#[cfg(test)]
mod tests;
