//! The packets that have left and are not done with.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::outgoing;
use crate::limits::SENT_PACKETS_MAX;
use crate::time::Instant;
use crate::wire::Channel;

/// What a packet carried that somebody must hear about when it arrives or is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Bytes of a message.
    Data(Channel, outgoing::Sent),
    /// An acknowledgement of everything up to this packet.
    Ack(u64),
    /// A grant for a channel: always the newest is told again.
    MaxData(Channel),
    /// The server's new public key.
    KeyAnnounce,
    /// A resynchronisation before this message.
    Resync(Channel, u64),
}

/// A packet that asks for an acknowledgement.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) number: u64,
    pub(super) at: Instant,
    pub(super) bytes: u64,
    /// The receiver may keep its acknowledgement to itself for this long.
    pub(super) spread: Duration,
    pub(super) contents: Vec<Content>,
    pub(super) fate: Fate,
}

/// A packet that is not in flight any more.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) number: u64,
    pub(super) at: Instant,
    pub(super) bytes: u64,
    pub(super) contents: Vec<Content>,
    /// It arrived after it had been declared lost.
    pub(super) was_lost: bool,
}

impl Packet {
    fn land(&mut self, was_lost: bool) -> Landed {
        // A lost packet keeps its list: should it turn out to be late, what it carried has arrived.
        let contents = if self.fate == Fate::Arrived { core::mem::take(&mut self.contents) } else { self.contents.clone() };
        Landed { number: self.number, at: self.at, bytes: self.bytes, contents, was_lost }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody knows yet.
    InFlight,
    /// Declared lost; remembered for a while, because it may only be late.
    Lost(Instant),
    /// It has arrived.
    Arrived,
}

/// The packets that have left, oldest first.
#[derive(Debug, Default)]
pub(super) struct SentPackets {
    packets: VecDeque<Packet>,
    in_flight_bytes: u64,
    in_flight_packets: u64,
    /// Lists of packets that have arrived, empty again: the next ones need not be allocated.
    spare: [Vec<Content>; 2],
    /// The next number to be used: acknowledging it or a later one is a lie.
    next: u64,
    /// A number that was left out on purpose: acknowledging it is a lie, too.
    skipped: Option<u64>,
}

impl SentPackets {
    /// After a rest: every number below `next` is done with.
    pub(super) fn resume(next: u64, skipped: Option<u64>) -> Self {
        Self { next, skipped, ..Self::default() }
    }

    /// The number that was left out.
    pub(super) const fn skipped(&self) -> Option<u64> {
        self.skipped
    }

    /// A packet leaves.
    pub(super) fn push(&mut self, packet: Packet) {
        self.in_flight_bytes += packet.bytes;
        self.in_flight_packets += 1;
        self.packets.push_back(packet);
    }

    /// Every packet with a number below `next` has left.
    pub(super) fn note_number(&mut self, next: u64) {
        self.next = next;
    }

    /// `number` was left out.
    pub(super) fn note_skipped(&mut self, number: u64) {
        self.skipped = Some(number);
    }

    /// Whether no honest peer could acknowledge any of `smallest..=largest`.
    pub(super) fn never_sent(&self, smallest: u64, largest: u64) -> bool {
        largest >= self.next || self.skipped.is_some_and(|skipped| smallest <= skipped && skipped <= largest)
    }

    pub(super) const fn in_flight_bytes(&self) -> u64 {
        self.in_flight_bytes
    }

    pub(super) const fn has_in_flight(&self) -> bool {
        self.in_flight_packets > 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.packets.len() >= SENT_PACKETS_MAX
    }

    /// An empty list for what a packet carries.
    pub(super) fn take_list(&mut self) -> Vec<Content> {
        self.spare.iter_mut().find(|list| list.capacity() > 0).map(core::mem::take).unwrap_or_default()
    }

    /// The list of a packet that has arrived is not needed any more.
    pub(super) fn give_list_back(&mut self, mut list: Vec<Content>) {
        if let Some(place) = self.spare.iter_mut().find(|list| list.capacity() == 0) {
            list.clear();
            *place = list;
        }
    }

    /// When this packet was sent and over what time its acknowledgement may be spread, if nobody knew until now that it has arrived.
    pub(super) fn outstanding(&self, number: u64) -> Option<(Instant, Duration)> {
        let at = self.packets.partition_point(|packet| packet.number < number);
        let packet = self.packets.get(at).filter(|packet| packet.number == number && packet.fate != Fate::Arrived)?;
        Some((packet.at, packet.spread))
    }

    /// The packets numbered `smallest..=largest` have arrived; the first of which that is news.
    pub(super) fn take_arrived(&mut self, smallest: u64, largest: u64) -> Option<Landed> {
        let from = self.packets.partition_point(|packet| packet.number < smallest);
        let mut packets = self.packets.range_mut(from..).take_while(|packet| packet.number <= largest);
        let packet = packets.find(|packet| packet.fate != Fate::Arrived)?;
        let was_lost = match core::mem::replace(&mut packet.fate, Fate::Arrived) {
            Fate::Arrived | Fate::Lost(_) => true,
            Fate::InFlight => {
                self.in_flight_bytes -= packet.bytes;
                self.in_flight_packets -= 1;
                false
            }
        };
        Some(packet.land(was_lost))
    }

    /// Declares lost what is in flight, older than `largest` and either `threshold` numbers behind it or sent before `sent_before`.
    pub(super) fn take_lost(&mut self, now: Instant, largest: u64, threshold: u64, sent_before: Instant) -> Vec<Landed> {
        let mut lost = Vec::new();
        for packet in self.packets.iter_mut().take_while(|packet| packet.number < largest).filter(|packet| packet.fate == Fate::InFlight) {
            if largest.saturating_sub(packet.number) >= threshold || packet.at <= sent_before {
                packet.fate = Fate::Lost(now);
                self.in_flight_bytes -= packet.bytes;
                self.in_flight_packets -= 1;
                lost.push(packet.land(false));
            }
        }
        lost
    }

    /// When the oldest packet in flight with a number below `largest` was sent.
    pub(super) fn oldest_below(&self, largest: u64) -> Option<Instant> {
        self.packets
            .iter()
            .take_while(|packet| packet.number < largest)
            .find(|packet| packet.fate == Fate::InFlight)
            .map(|packet| packet.at)
    }

    /// What the oldest packet in flight carried, to be sent once more as a probe. The packet itself may still arrive.
    pub(super) fn probe(&mut self) -> Vec<Content> {
        let oldest = self.packets.iter_mut().find(|packet| packet.fate == Fate::InFlight && !packet.contents.is_empty());
        oldest.map(|packet| packet.contents.clone()).unwrap_or_default()
    }

    /// Forgets packets that have arrived or were declared lost before `lost_before`; the oldest memories also when room is needed.
    pub(super) fn forget(&mut self, lost_before: Instant) {
        let full = self.is_full();
        while self
            .packets
            .pop_front_if(|packet| match packet.fate {
                Fate::InFlight => false,
                Fate::Lost(at) => full || at <= lost_before,
                Fate::Arrived => true,
            })
            .is_some()
        {}
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    /// Packets of 100 bytes, each sent in the millisecond of its number, with an acknowledgement of that number in it.
    fn sent(numbers: core::ops::Range<u64>) -> SentPackets {
        let mut sent = SentPackets::resume(numbers.start, None);
        for number in numbers {
            let contents = vec![Content::Ack(number)];
            sent.push(Packet { number, at: at(number), bytes: 100, spread: Duration::ZERO, contents, fate: Fate::InFlight });
            sent.note_number(number + 1);
        }
        sent
    }

    fn arrive(sent: &mut SentPackets, smallest: u64, largest: u64) -> Vec<(u64, bool)> {
        core::iter::from_fn(|| sent.take_arrived(smallest, largest)).map(|packet| (packet.number, packet.was_lost)).collect()
    }

    fn lose(sent: &mut SentPackets, largest: u64, threshold: u64, sent_before: Instant) -> Vec<u64> {
        sent.take_lost(at(50), largest, threshold, sent_before).into_iter().map(|packet| packet.number).collect()
    }

    #[test]
    fn only_what_was_sent_can_be_acknowledged() {
        let mut sent = sent(5..10);
        sent.note_skipped(7);
        for (smallest, largest, never) in [
            (0, 6, false),
            (5, 6, false),
            (6, 7, true),
            (7, 7, true),
            (7, 8, true),
            (5, 9, true),
            (8, 9, false),
            (9, 10, true),
            (10, 10, true),
            (11, 12, true),
        ] {
            assert_eq!(sent.never_sent(smallest, largest), never, "{smallest} to {largest}");
            let rested = SentPackets::resume(10, sent.skipped());
            assert_eq!(rested.never_sent(smallest, largest), never, "{smallest} to {largest} after a rest");
        }
        assert_eq!(SentPackets::resume(10, None).skipped(), None);
        assert!(!SentPackets::resume(10, None).never_sent(0, 9));
    }

    #[test]
    fn what_arrives_is_news_once_and_no_longer_in_flight() {
        let mut sent = sent(0..6);
        assert_eq!(sent.in_flight_bytes(), 600);
        assert_eq!(arrive(&mut sent, 2, 3), [(2, false), (3, false)]);
        assert_eq!(arrive(&mut sent, 1, 4), [(1, false), (4, false)]);
        assert_eq!(sent.in_flight_bytes(), 200);
        assert!(sent.has_in_flight());
        assert_eq!(arrive(&mut sent, 0, 5), [(0, false), (5, false)]);
        assert_eq!((sent.in_flight_bytes(), sent.has_in_flight()), (0, false));
    }

    #[test]
    fn when_a_packet_was_sent_is_known_until_it_is_known_to_have_arrived() {
        let mut sent = sent(1..4);
        lose(&mut sent, 3, 2, Instant::START);
        arrive(&mut sent, 2, 2);
        let outstanding = [0, 1, 2, 3, 4].map(|number| sent.outstanding(number).map(|(at, _)| at));
        assert_eq!(outstanding, [None, Some(at(1)), None, Some(at(3)), None]);
    }

    #[test]
    fn the_lists_of_two_packets_are_kept_for_the_next_ones() {
        let mut sent = SentPackets::default();
        assert_eq!(sent.take_list().capacity(), 0);
        for _ in 0..3 {
            sent.give_list_back(vec![Content::Ack(1)]);
        }
        let lists = [(); 3].map(|()| sent.take_list());
        assert!(lists.iter().all(Vec::is_empty));
        assert_eq!(lists.map(|list| list.capacity() > 0), [true, true, false]);
    }

    #[test]
    fn a_packet_is_lost_three_numbers_behind_or_when_its_time_is_over() {
        let never = Instant::START;
        let mut of_numbers = sent(1..9);
        arrive(&mut of_numbers, 6, 6);
        assert_eq!(lose(&mut of_numbers, 6, 3, never), [1, 2, 3], "4 and 5 may only be late, 7 and 8 are newer");
        assert_eq!(of_numbers.in_flight_bytes(), 400);
        assert_eq!(lose(&mut of_numbers, 6, 3, at(4)), [4], "sent at 4 ms");
        assert_eq!(lose(&mut of_numbers, 6, 3, at(60)), [5], "however old, only what is older than one that arrived");
        assert_eq!(of_numbers.in_flight_bytes(), 200);
    }

    #[test]
    fn a_packet_that_is_late_still_tells_what_it_carried() {
        let mut sent = sent(1..3);
        assert_eq!(lose(&mut sent, 2, 1, Instant::START), [1]);
        let late = sent.take_arrived(1, 1).unwrap();
        assert_eq!((late.was_lost, late.contents), (true, vec![Content::Ack(1)]));
        assert!(sent.take_arrived(1, 1).is_none());
    }

    #[test]
    fn time_runs_against_the_oldest_packet_in_flight_below_the_newest_that_arrived() {
        let mut sent = sent(1..6);
        assert_eq!(sent.oldest_below(1), None);
        assert_eq!(sent.oldest_below(2), Some(at(1)));
        arrive(&mut sent, 1, 1);
        lose(&mut sent, 3, 1, Instant::START);
        assert_eq!(sent.oldest_below(3), None, "2 is lost already");
        assert_eq!(sent.oldest_below(5), Some(at(3)));
    }

    #[test]
    fn a_probe_repeats_the_oldest_packet_in_flight_that_carried_anything() {
        let mut sent = SentPackets::default();
        assert_eq!(sent.probe(), []);
        for (number, contents) in [vec![Content::Ack(1)], vec![], vec![Content::KeyAnnounce], vec![Content::Ack(2)]].into_iter().enumerate()
        {
            let number = number as u64;
            sent.push(Packet { number, at: at(number), bytes: 40, spread: Duration::ZERO, contents, fate: Fate::InFlight });
        }
        assert_eq!(sent.probe(), [Content::Ack(1)]);
        arrive(&mut sent, 0, 0);
        assert_eq!(sent.probe(), [Content::KeyAnnounce]);
        assert_eq!(sent.probe(), [Content::KeyAnnounce], "the packet itself may still arrive");
    }

    #[test]
    fn lost_packets_are_remembered_for_a_while_in_case_they_are_only_late() {
        let mut sent = sent(0..4);
        assert_eq!(lose(&mut sent, 2, 1, Instant::START), [0, 1], "at 50 ms");
        sent.forget(at(49));
        assert_eq!(arrive(&mut sent, 0, 0), [(0, true)]);
        sent.forget(at(50));
        assert_eq!(arrive(&mut sent, 0, 3), [(2, false), (3, false)]);
    }
}
