//! Which packets have arrived, and when to say so (RFC 9000 §13.2).

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use crate::limits::{ACK_DELAY_MAX, ACK_RANGES_SENT_MAX};
use crate::time::Instant;
use crate::wire::frame;

/// After this many datagrams with nothing but an acknowledgement in them, one asks to be acknowledged itself, so that old ranges
/// can be forgotten.
const ACK_ONLY_MAX: u32 = 32;

/// The packets that have arrived and not yet been forgotten.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// (smallest, largest) from the newest downwards, disjoint, not touching.
    ranges: VecDeque<(u64, u64)>,
    /// The number that comes next if nothing is lost; unknown before the first packet.
    expected: Option<u64>,
    /// When the newest packet arrived.
    newest_at: Instant,
    /// Packets since the last acknowledgement that want one; and those of them that were full.
    waiting: u32,
    waiting_full: u32,
    /// The acknowledgement has waited long enough at this time.
    due: Option<Instant>,
    ack_only_sent: u32,
}

/// What arrived with a packet, as far as acknowledging it goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) eliciting: bool,
    pub(super) full: bool,
    /// The sender allows a delay up to this; drawn at random already.
    pub(super) spread: Option<Duration>,
}

impl Acks {
    /// Those of a connection that has rested: everything that had arrived is known to the peer, and this number comes next.
    pub(super) fn expecting(number: u64) -> Self {
        Self { expected: Some(number), ..Self::default() }
    }

    /// A packet has arrived for the first time.
    pub(super) fn on_packet(&mut self, now: Instant, number: u64, arrival: Arrival) {
        let out_of_order = self.expected.is_some_and(|expected| number != expected);
        if self.expected.is_none_or(|expected| number >= expected) {
            self.newest_at = now;
            self.expected = Some(number.saturating_add(1));
        }
        self.insert(number);
        if !arrival.eliciting {
            return;
        }
        self.waiting += 1;
        self.waiting_full += u32::from(arrival.full);
        let due = match arrival.spread {
            Some(spread) => now + spread,
            None if out_of_order || self.waiting_full >= 2 => now,
            None => now + ACK_DELAY_MAX,
        };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    fn insert(&mut self, number: u64) {
        // Nearly always the newest: extend the first range or put one before it.
        let at = self.ranges.iter().position(|&(smallest, _)| smallest <= number.saturating_add(1)).unwrap_or(self.ranges.len());
        match self.ranges.get_mut(at) {
            Some((smallest, _)) if *smallest == number.saturating_add(1) => {
                *smallest = number;
                // It may touch the one below now.
                if let Some(&(below_smallest, below_largest)) = self.ranges.get(at.saturating_add(1))
                    && below_largest.saturating_add(1) == number
                {
                    if let Some((smallest, _)) = self.ranges.get_mut(at) {
                        *smallest = below_smallest;
                    }
                    self.ranges.remove(at.saturating_add(1));
                }
            }
            Some((_, largest)) if *largest >= number => {}
            Some((_, largest)) if largest.saturating_add(1) == number => *largest = number,
            _ => self.ranges.insert(at, (number, number)),
        }
        self.ranges.truncate(ACK_RANGES_SENT_MAX);
    }

    /// Whether an acknowledgement should travel with whatever is sent next.
    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// When an acknowledgement must leave even alone.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Appends the ACK frame; returns the newest packet that it names.
    pub(super) fn encode(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<u64> {
        let &(_, largest) = self.ranges.front()?;
        frame::encode_ack(self.ranges.iter().copied(), now.since(self.newest_at), out);
        self.waiting = 0;
        self.waiting_full = 0;
        self.due = None;
        Some(largest)
    }

    /// A packet left that carried an acknowledgement and nothing that asks for one; whether the next should ask.
    pub(super) fn on_ack_only_sent(&mut self) {
        self.ack_only_sent += 1;
    }

    /// Whether an acknowledgement that leaves alone should ask to be acknowledged.
    pub(super) const fn wants_ping(&self) -> bool {
        self.ack_only_sent >= ACK_ONLY_MAX
    }

    /// A packet left that asks for an acknowledgement.
    pub(super) fn on_eliciting_sent(&mut self) {
        self.ack_only_sent = 0;
    }

    /// The peer knows that everything up to `largest` was acknowledged. The range with `largest` in it, or a newer one, stays.
    pub(super) fn forget_through(&mut self, largest: u64) {
        while self.ranges.pop_back_if(|&mut (_, range_largest)| range_largest < largest).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Arrival = Arrival { eliciting: true, full: false, spread: None };

    fn after(numbers: &[u64]) -> Acks {
        let mut acks = Acks::default();
        for &number in numbers {
            acks.on_packet(Instant::START, number, SMALL);
        }
        acks
    }

    #[test]
    fn that_one_is_missing_is_said_at_once_also_of_the_first_after_a_rest() {
        for (first, due) in [(7, ACK_DELAY_MAX), (8, Duration::ZERO), (6, Duration::ZERO)] {
            let mut acks = Acks::expecting(7);
            acks.on_packet(Instant::START, first, SMALL);
            assert_eq!(acks.due(), Some(Instant::START + due), "{first}");
        }
        assert_eq!(after(&[8]).due(), Some(Instant::START + ACK_DELAY_MAX), "nothing is known of what came before");
        assert_eq!(after(&[8, 10]).due(), Some(Instant::START));
    }

    #[test]
    fn packets_in_any_order_make_the_same_ranges() {
        for numbers in [[0, 1, 2, 5, 6], [6, 5, 2, 1, 0], [5, 0, 6, 2, 1], [2, 0, 5, 1, 6], [6, 0, 2, 1, 5], [0, 6, 1, 5, 2]] {
            assert_eq!(after(&numbers).ranges, [(5, 6), (0, 2)], "{numbers:?}");
        }
    }

    #[test]
    fn a_repeated_packet_changes_nothing() {
        assert_eq!(after(&[0, 1, 2, 1]).ranges, [(0, 2)]);
    }

    #[test]
    fn the_last_hole_joins_two_ranges() {
        assert_eq!(after(&[0, 1, 3, 4, 2]).ranges, [(0, 4)]);
    }

    #[test]
    fn only_the_newest_ranges_are_kept() {
        let acks = after(&(0..200).map(|i| i * 2).collect::<Vec<_>>());
        assert_eq!(acks.ranges.len(), ACK_RANGES_SENT_MAX);
        assert_eq!(acks.ranges.front(), Some(&(398, 398)));
    }

    #[test]
    fn a_single_packet_may_wait_for_company() {
        assert_eq!(after(&[0]).due(), Some(Instant::START + ACK_DELAY_MAX));
    }

    #[test]
    fn a_gap_and_its_closing_are_told_at_once() {
        assert_eq!(after(&[0, 2]).due(), Some(Instant::START));
        let mut acks = after(&[0, 2]);
        acks.encode(Instant::START, &mut Vec::new());
        acks.on_packet(Instant::START, 1, SMALL);
        assert_eq!(acks.due(), Some(Instant::START));
    }

    #[test]
    fn the_second_full_packet_is_told_at_once() {
        let mut acks = Acks::default();
        let full = Arrival { full: true, ..SMALL };
        acks.on_packet(Instant::START, 0, full);
        assert_eq!(acks.due(), Some(Instant::START + ACK_DELAY_MAX));
        acks.on_packet(Instant::START, 1, full);
        assert_eq!(acks.due(), Some(Instant::START));
    }

    #[test]
    fn what_does_not_ask_is_not_answered() {
        let mut acks = Acks::default();
        acks.on_packet(Instant::START, 0, Arrival { eliciting: false, ..SMALL });
        assert!(!acks.is_waiting());
        assert_eq!(acks.due(), None);
    }

    #[test]
    fn a_spread_acknowledgement_waits_its_random_time() {
        let mut acks = Acks::default();
        acks.on_packet(Instant::START, 0, Arrival { spread: Some(Duration::from_millis(150)), ..SMALL });
        assert_eq!(acks.due(), Some(Instant::START + Duration::from_millis(150)));
    }

    #[test]
    fn ranges_the_peer_knows_to_be_acknowledged_are_forgotten() {
        let mut acks = after(&[0, 2, 4, 6]);
        acks.forget_through(4);
        assert_eq!(acks.ranges, [(6, 6), (4, 4)]);
    }

    #[test]
    fn an_acknowledgement_says_how_long_it_was_kept_since_the_newest_packet_came() {
        let millis = |millis| Instant::START + Duration::from_millis(millis);
        for (arrived, kept) in [(&[(0, 0), (1, 10)][..], 20), (&[(0, 0), (2, 10), (1, 25)], 20), (&[(0, 0), (1, 10), (1, 20)], 20)] {
            let (mut acks, mut out) = (Acks::default(), Vec::new());
            for &(number, at) in arrived {
                acks.on_packet(millis(at), number, SMALL);
            }
            acks.encode(millis(30), &mut out);
            let Some(Ok(frame::Frame::Ack(ack))) = frame::decode(&out).next() else { panic!("no ACK") };
            assert_eq!(ack.delay, Duration::from_millis(kept), "{arrived:?}");
        }
    }
}
