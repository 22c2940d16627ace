//! Spreads a bulk sender's datagrams over the round trip, so that a queue on the way is not asked to hold a whole window.

use core::time::Duration;

use crate::limits::{DATAGRAM_BYTES, PACING_QUANTUM};
use crate::time::{Instant, micros};

/// Datagrams that may always leave together: what anybody but a bulk sender ever sends at once.
const BURST_BYTES: u64 = 10 * DATAGRAM_BYTES as u64;

/// A token bucket that fills with five quarters of a window in each round trip.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pacer {
    bytes: u64,
    at: Instant,
}

impl Pacer {
    pub(super) const fn new(now: Instant) -> Self {
        Self { bytes: BURST_BYTES, at: now }
    }

    /// Whether a full datagram may leave now; otherwise when.
    pub(super) fn allows(&mut self, now: Instant, window: u64, round_trip: Option<Duration>) -> Result<(), Instant> {
        // Without a measured round trip nothing is known but that the first window may leave at once.
        let Some(round_trip) = round_trip.map(micros).filter(|&round_trip| round_trip > 0) else { return Ok(()) };
        let filled = |micros: u64| micros.saturating_mul(window).saturating_mul(5) / 4 / round_trip;
        let capacity = filled(micros(PACING_QUANTUM)).max(BURST_BYTES);
        let gained = filled(micros(now.since(self.at)));
        // Time that was too short for a whole byte is not lost.
        if gained > 0 {
            self.bytes = self.bytes.saturating_add(gained).min(capacity);
            self.at = now;
        }
        let missing = (DATAGRAM_BYTES as u64).saturating_sub(self.bytes);
        if missing == 0 {
            return Ok(());
        }
        let wait = missing.saturating_mul(round_trip).saturating_mul(4) / (window.saturating_mul(5)).max(1);
        // No timer is finer than that, and what gathers meanwhile may leave together.
        Err(now + Duration::from_micros(wait).max(PACING_QUANTUM))
    }

    pub(super) fn spend(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_burst_leaves_at_once_and_the_rest_over_the_round_trip() {
        let (window, round_trip) = (100 * DATAGRAM_BYTES as u64, 100 * MS);
        let mut now = Instant::START;
        let mut pacer = Pacer::new(now);
        let mut sent = 0;
        while now.since(Instant::START) < round_trip {
            match pacer.allows(now, window, Some(round_trip)) {
                Ok(()) => {
                    pacer.spend(DATAGRAM_BYTES as u64);
                    sent += 1;
                }
                Err(at) => {
                    assert!(at > now);
                    now = at;
                }
            }
        }
        assert!((120..=140).contains(&sent), "{sent}");
    }

    #[test]
    fn asking_often_does_not_keep_the_bucket_from_filling() {
        let (window, round_trip) = (4 * DATAGRAM_BYTES as u64, Duration::from_secs(10));
        let mut now = Instant::START;
        let mut pacer = Pacer::new(now);
        pacer.spend(BURST_BYTES - 1);
        for _ in 0..100_000 {
            if pacer.allows(now, window, Some(round_trip)).is_ok() {
                return;
            }
            now = now + Duration::from_micros(100);
        }
        panic!("nothing may leave after ten seconds");
    }

    #[test]
    fn nothing_is_held_back_before_a_round_trip_is_known() {
        let mut pacer = Pacer::new(Instant::START);
        pacer.spend(u64::MAX);
        assert_eq!(pacer.allows(Instant::START, 1, None), Ok(()));
    }

    #[test]
    fn what_is_held_back_may_leave_when_the_bucket_has_a_full_datagram_again() {
        // Ten datagrams' window in 100 ms fills with one in 8 ms.
        let window = 10 * DATAGRAM_BYTES as u64;
        for (left, wait) in [(0, 8 * MS), (DATAGRAM_BYTES as u64 / 2, 4 * MS), (DATAGRAM_BYTES as u64 - 1, PACING_QUANTUM)] {
            let mut pacer = Pacer::new(Instant::START);
            pacer.spend(BURST_BYTES - left);
            assert_eq!(pacer.allows(Instant::START, window, Some(100 * MS)), Err(Instant::START + wait), "{left}");
            assert_eq!(pacer.allows(Instant::START + wait, window, Some(100 * MS)), Ok(()), "{left}");
        }
    }

    #[test]
    fn ten_full_datagrams_may_always_leave_together() {
        let mut pacer = Pacer::new(Instant::START);
        let left = (0..100).take_while(|_| {
            let allowed = pacer.allows(Instant::START, 1, Some(MS)).is_ok();
            pacer.spend(DATAGRAM_BYTES as u64);
            allowed
        });
        assert_eq!(left.count(), 10);
    }
}
