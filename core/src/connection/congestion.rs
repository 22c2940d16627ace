//! How much may be on its way (RFC 9002 §7, NewReno): for the few who send much at once; everybody else never reaches it.
//!
//! A loss counts as congestion when the round-trip times around it show a queue, or when there are very many of them. A radio that
//! loses every hundredth datagram would otherwise hold a sender to a fraction of what the way carries; docs/decisions has the numbers.

use core::time::Duration;

use crate::limits::{DATAGRAM_BYTES, LOSSES_IN_TEN_MAX, QUEUE_DELAY_MIN, WINDOW_INITIAL_BYTES, WINDOW_MAX_BYTES, WINDOW_MIN_BYTES};
use crate::time::Instant;

/// The congestion window, in bytes of datagrams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Congestion {
    window: u64,
    slow_start_until: u64,
    /// Packets sent before this have had their say about the window.
    reduced_at: Option<Instant>,
    /// The last reductions, oldest first: what to go back to if a loss turns out to be none.
    reductions: [Option<Reduction>; REDUCTIONS],
    /// The newest round-trip times, in a ring: one that is long by itself is no queue.
    recent: [Duration; RECENT],
    samples: usize,
    /// The shortest that the path has shown.
    shortest: Duration,
    /// Packets that have had their fate, of late, and those of them that were lost.
    fates: u32,
    losses: u32,
}

/// Round-trip times that must all be long to show a queue.
const RECENT: usize = 4;

/// Fates after which old ones count half, and before which nothing is said about their share of losses.
const FATES_MAX: u32 = 256;
const FATES_MIN: u32 = 64;

/// A time that the window shrank, and what it was before.
#[derive(Clone, Copy, Debug)]
struct Reduction {
    at: Instant,
    window: u64,
    slow_start_until: u64,
}

/// Reductions that may still turn out to have been mistakes.
const REDUCTIONS: usize = 4;

impl Congestion {
    pub(super) const fn new() -> Self {
        Self {
            window: WINDOW_INITIAL_BYTES,
            slow_start_until: u64::MAX,
            reduced_at: None,
            reductions: [None; REDUCTIONS],
            recent: [Duration::ZERO; RECENT],
            samples: 0,
            shortest: Duration::MAX,
            fates: 0,
            losses: 0,
        }
    }

    /// A round trip took so long, without what the peer kept its acknowledgement for.
    pub(super) fn on_round_trip(&mut self, took: Duration) {
        self.shortest = self.shortest.min(took);
        if let Some(slot) = self.recent.get_mut(self.samples % RECENT) {
            *slot = took;
        }
        self.samples = self.samples.wrapping_add(1);
    }

    /// Whether datagrams have lately had to wait on their way. Unless it is known that they have not, they have.
    fn is_queueing(&self) -> bool {
        let least = self.recent.iter().take(self.samples).min();
        least.is_none_or(|&least| least > self.shortest + self.shortest / 8 + QUEUE_DELAY_MIN)
    }

    /// Whether so many are lost that something must be full, although no round-trip time shows it.
    const fn is_drowning(&self) -> bool {
        self.fates >= FATES_MIN && self.losses * 10 > self.fates * LOSSES_IN_TEN_MAX
    }

    fn note_fate(&mut self, is_loss: bool) {
        if self.fates >= FATES_MAX {
            self.fates /= 2;
            self.losses /= 2;
        }
        self.fates += 1;
        self.losses += u32::from(is_loss);
    }

    /// Bytes that may be on their way.
    pub(super) const fn window(&self) -> u64 {
        self.window
    }

    /// Whether another full datagram may follow `in_flight` bytes.
    pub(super) const fn allows(&self, in_flight: u64) -> bool {
        in_flight + DATAGRAM_BYTES as u64 <= self.window
    }

    /// `bytes` sent at `sent` have arrived; before that, `in_flight` bytes were on their way.
    pub(super) fn on_acknowledged(&mut self, bytes: u64, sent: Instant, in_flight: u64) {
        self.note_fate(false);
        // A window that was not used proves nothing about a larger one.
        if in_flight * 2 < self.window || self.reduced_at.is_some_and(|reduced| sent <= reduced) {
            return;
        }
        let growth =
            if self.window < self.slow_start_until { bytes } else { bytes.saturating_mul(DATAGRAM_BYTES as u64) / self.window.max(1) };
        self.window = (self.window + growth).min(WINDOW_MAX_BYTES);
    }

    /// A packet sent at `sent` is lost: if the path is full, once for each window's worth the window shrinks to seven tenths. Whether it
    /// has.
    pub(super) fn on_lost(&mut self, now: Instant, sent: Instant) -> bool {
        self.note_fate(true);
        let has_had_its_say = self.reduced_at.is_some_and(|reduced| sent <= reduced);
        if has_had_its_say || !(self.is_queueing() || self.is_drowning()) {
            return false;
        }
        self.reductions.rotate_left(1);
        if let Some(last) = self.reductions.last_mut() {
            *last = Some(Reduction { at: now, window: self.window, slow_start_until: self.slow_start_until });
        }
        self.reduced_at = Some(now);
        self.window = shrunk(self.window);
        self.slow_start_until = self.window;
        true
    }

    /// A packet that may have made the window shrink, sent at `sent`, has arrived after all: a delay, not a loss. Whether it had.
    pub(super) fn on_spurious(&mut self, sent: Instant) -> bool {
        self.losses = self.losses.saturating_sub(1);
        let mut mistake: Option<Reduction> = None;
        for slot in &mut self.reductions {
            match (&mut mistake, slot.as_mut()) {
                (None, Some(reduction)) if sent <= reduction.at => mistake = slot.take(),
                // Those after it, which may have been none, began from too little.
                (Some(mistake), Some(later)) => {
                    later.window = later.window.max(mistake.window);
                    later.slow_start_until = later.slow_start_until.max(mistake.slow_start_until);
                    *mistake = Reduction { at: later.at, window: shrunk(later.window), slow_start_until: shrunk(later.window) };
                }
                _ => {}
            }
        }
        if let Some(restored) = mistake {
            self.window = self.window.max(restored.window);
            self.slow_start_until = self.slow_start_until.max(restored.slow_start_until);
        }
        mistake.is_some()
    }

    /// Nothing was sent for a while: what the window was says little about the path now.
    pub(super) fn on_idle(&mut self) {
        self.window = self.window.min(WINDOW_INITIAL_BYTES);
        self.reductions = [None; REDUCTIONS];
    }
}

/// Seven tenths, but never less than what it takes to notice a loss.
fn shrunk(window: u64) -> u64 {
    (window * 7 / 10).max(WINDOW_MIN_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    #[test]
    fn slow_start_grows_by_what_arrives() {
        let mut congestion = Congestion::new();
        congestion.on_acknowledged(1200, at(1), WINDOW_INITIAL_BYTES);
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES + 1200);
    }

    #[test]
    fn a_window_that_was_not_used_does_not_grow() {
        let mut congestion = Congestion::new();
        congestion.on_acknowledged(1200, at(1), 1200);
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES);
    }

    #[test]
    fn the_losses_of_one_window_shrink_it_once() {
        let mut congestion = Congestion::new();
        congestion.on_lost(at(10), at(1));
        congestion.on_lost(at(11), at(2));
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES * 7 / 10);
        congestion.on_lost(at(30), at(20));
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES * 49 / 100);
    }

    #[test]
    fn a_loss_on_a_path_without_a_queue_does_not_shrink_it() {
        let mut congestion = Congestion::new();
        for _ in 0..RECENT {
            congestion.on_round_trip(Duration::from_millis(50));
        }
        congestion.on_lost(at(10), at(1));
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES);
        // One that is long by itself shows no queue, all of them do.
        for i in 0..RECENT as u64 {
            assert_eq!(congestion.window, WINDOW_INITIAL_BYTES);
            congestion.on_round_trip(Duration::from_millis(70));
            congestion.on_lost(at(20 + i), at(2 + i));
        }
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES * 7 / 10);
    }

    #[test]
    fn very_many_losses_shrink_it_even_without_a_queue() {
        for (in_ten, shrinks) in [(2, false), (5, true)] {
            let mut congestion = Congestion::new();
            (0..RECENT).for_each(|_| congestion.on_round_trip(Duration::from_millis(1)));
            for i in 0..200 {
                if i % 10 < in_ten {
                    congestion.on_lost(at(i), at(i));
                } else {
                    congestion.on_acknowledged(0, at(i), WINDOW_INITIAL_BYTES);
                }
            }
            assert_eq!(congestion.window < WINDOW_INITIAL_BYTES, shrinks, "{in_ten} of ten");
        }
    }

    #[test]
    fn a_loss_that_was_none_is_undone() {
        let mut congestion = Congestion::new();
        congestion.on_lost(at(10), at(1));
        congestion.on_spurious(at(1));
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES);
        assert_eq!(congestion.slow_start_until, u64::MAX);
    }

    #[test]
    fn one_mistake_among_several_reductions_is_undone_alone() {
        let mut congestion = Congestion::new();
        congestion.on_lost(at(10), at(1));
        congestion.on_lost(at(30), at(20));
        congestion.on_spurious(at(1));
        assert_eq!((congestion.window, congestion.slow_start_until), (WINDOW_INITIAL_BYTES * 7 / 10, WINDOW_INITIAL_BYTES * 7 / 10));
        congestion.on_spurious(at(1));
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES, "a packet of the first window says that of the second, too");
        assert_eq!(congestion.slow_start_until, u64::MAX);
    }

    #[test]
    fn the_window_keeps_its_floor() {
        let mut congestion = Congestion::new();
        for i in 0..50 {
            congestion.on_lost(at(10 * i + 5), at(10 * i));
        }
        assert_eq!(congestion.window, WINDOW_MIN_BYTES);
        assert!(congestion.allows(WINDOW_MIN_BYTES - DATAGRAM_BYTES as u64));
    }

    #[test]
    fn a_window_grows_once_half_of_it_is_used() {
        for (used, grows) in [(WINDOW_INITIAL_BYTES / 2 - 1, false), (WINDOW_INITIAL_BYTES / 2, true)] {
            let mut congestion = Congestion::new();
            congestion.on_acknowledged(1200, at(1), used);
            assert_eq!(congestion.window > WINDOW_INITIAL_BYTES, grows, "{used}");
        }
    }

    #[test]
    fn a_queue_shows_in_an_eighth_more_than_the_shortest_round_trip_and_two_milliseconds() {
        let limit = Duration::from_millis(16) + Duration::from_millis(2) + QUEUE_DELAY_MIN;
        for (took, shrinks) in [(limit, false), (limit + Duration::from_micros(1), true)] {
            let mut congestion = Congestion::new();
            congestion.on_round_trip(Duration::from_millis(16));
            (0..RECENT).for_each(|_| congestion.on_round_trip(took));
            assert_eq!(congestion.on_lost(at(10), at(1)), shrinks, "{took:?}");
        }
    }

    /// On a path whose round trips show no queue: so many arrive, then so many are lost, each after the window's last reduction. How many
    /// of the losses made it shrink.
    fn reductions(arrive: u64, lost: u64) -> usize {
        let mut congestion = Congestion::new();
        (0..RECENT).for_each(|_| congestion.on_round_trip(Duration::from_millis(1)));
        (0..arrive).for_each(|i| congestion.on_acknowledged(0, at(i), WINDOW_INITIAL_BYTES));
        (0..lost).filter(|i| congestion.on_lost(at(arrive + i), at(arrive + i))).count()
    }

    #[test]
    fn three_lost_in_ten_are_a_bad_radio_and_more_are_a_full_path() {
        assert_eq!((reductions(70, 30), reductions(70, 31)), (0, 1));
        assert_eq!((reductions(0, 63), reductions(0, 64)), (0, 1), "of fewer nothing is said");
    }

    #[test]
    fn old_fates_count_half_but_keep_their_share() {
        // Of 1000 that arrived 232 count. 24 losses later they are halved: 128, of which 12 were lost, and 38 more make 50 of 166.
        assert_eq!((reductions(1000, 61), reductions(1000, 62)), (0, 1));
    }

    #[test]
    fn a_late_packet_that_was_sent_after_the_last_reduction_undoes_none() {
        let mut congestion = Congestion::new();
        assert!(congestion.on_lost(at(10), at(1)));
        assert!(!congestion.on_spurious(at(11)));
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES * 7 / 10);
        assert!(congestion.on_spurious(at(10)), "what left at that very moment may have been the reason");
    }

    #[test]
    fn after_a_pause_the_window_is_no_larger_than_at_first_and_old_mistakes_are_forgotten() {
        let mut congestion = Congestion::new();
        congestion.on_acknowledged(50_000, at(1), WINDOW_INITIAL_BYTES);
        assert!(congestion.on_lost(at(10), at(1)));
        congestion.on_idle();
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES);
        assert!(!congestion.on_spurious(at(1)));
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES);
        congestion.on_lost(at(30), at(20));
        congestion.on_idle();
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES * 7 / 10, "nor larger than it was");
    }

    #[test]
    fn after_a_loss_the_window_grows_by_a_datagram_in_a_round_trip_and_not_by_what_was_sent_before() {
        let mut congestion = Congestion::new();
        congestion.on_lost(at(10), at(1));
        let shrunk = congestion.window;
        congestion.on_acknowledged(1200, at(10), shrunk);
        assert_eq!(congestion.window, shrunk, "it left before anything was known of the loss");
        congestion.on_acknowledged(1200, at(11), shrunk);
        assert_eq!(congestion.window, shrunk + 1200 * 1200 / shrunk);
    }
}
