//! How much may be on its way (RFC 9002 §7, NewReno): for the few who send much at once; everybody else never reaches it.

use crate::limits::{DATAGRAM_BYTES, WINDOW_INITIAL_BYTES, WINDOW_MAX_BYTES, WINDOW_MIN_BYTES};
use crate::time::Instant;

/// The congestion window, in bytes of datagrams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Congestion {
    window: u64,
    slow_start_until: u64,
    /// Packets sent before this have had their say about the window.
    reduced_at: Option<Instant>,
    /// What to go back to if the loss turns out to be none.
    before: Option<Before>,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    window: u64,
    slow_start_until: u64,
    reduced_at: Option<Instant>,
}

impl Congestion {
    pub(super) const fn new() -> Self {
        Self { window: WINDOW_INITIAL_BYTES, slow_start_until: u64::MAX, reduced_at: None, before: None }
    }

    /// Bytes that may be on their way.
    pub(super) const fn window(&self) -> u64 {
        self.window
    }

    /// Whether another full datagram may follow `in_flight` bytes.
    pub(super) const fn allows(&self, in_flight: u64) -> bool {
        in_flight.saturating_add(DATAGRAM_BYTES as u64) <= self.window
    }

    /// `bytes` sent at `sent` have arrived; before that, `in_flight` bytes were on their way.
    pub(super) fn on_acknowledged(&mut self, bytes: u64, sent: Instant, in_flight: u64) {
        // A window that was not used proves nothing about a larger one.
        if in_flight.saturating_mul(2) < self.window || self.reduced_at.is_some_and(|reduced| sent <= reduced) {
            return;
        }
        let growth =
            if self.window < self.slow_start_until { bytes } else { bytes.saturating_mul(DATAGRAM_BYTES as u64) / self.window.max(1) };
        self.window = self.window.saturating_add(growth).min(WINDOW_MAX_BYTES);
    }

    /// A packet sent at `sent` is lost: once for each window's worth, the window shrinks to seven tenths.
    pub(super) fn on_lost(&mut self, now: Instant, sent: Instant) {
        if self.reduced_at.is_some_and(|reduced| sent <= reduced) {
            return;
        }
        self.before = Some(Before { window: self.window, slow_start_until: self.slow_start_until, reduced_at: self.reduced_at });
        self.reduced_at = Some(now);
        self.window = (self.window.saturating_mul(7) / 10).max(WINDOW_MIN_BYTES);
        self.slow_start_until = self.window;
    }

    /// The packet that made the window shrink, sent at `sent`, has arrived after all: a delay, not a loss.
    pub(super) fn on_spurious(&mut self, sent: Instant) {
        if let Some(before) = self.before
            && self.reduced_at.is_some_and(|reduced| sent <= reduced)
        {
            self.window = self.window.max(before.window);
            self.slow_start_until = before.slow_start_until;
            self.reduced_at = before.reduced_at;
            self.before = None;
        }
    }

    /// Nothing was sent for a while: what the window was says little about the path now.
    pub(super) fn on_idle(&mut self) {
        self.window = self.window.min(WINDOW_INITIAL_BYTES);
        self.before = None;
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

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
    fn a_loss_that_was_none_is_undone() {
        let mut congestion = Congestion::new();
        congestion.on_lost(at(10), at(1));
        congestion.on_spurious(at(1));
        assert_eq!(congestion.window, WINDOW_INITIAL_BYTES);
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
}
