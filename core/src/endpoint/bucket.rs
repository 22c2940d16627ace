//! Token buckets: so many a second, so many at once.

use alloc::vec;
use alloc::vec::Vec;

use crate::time::Instant;

/// A full bucket holds a burst; it fills again at a steady rate. Counted in millionths of a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    per_second: u64,
    burst: u64,
    millionths: u64,
    at: Instant,
}

const TOKEN: u64 = 1_000_000;

impl Bucket {
    pub(super) const fn new(per_second: u64, burst: u64, now: Instant) -> Self {
        Self { per_second, burst, millionths: burst.saturating_mul(TOKEN), at: now }
    }

    fn refill(&mut self, now: Instant) {
        // A token a second is a millionth of one each microsecond.
        let since = crate::time::micros(now.since(self.at));
        self.millionths = self.millionths.saturating_add(since.saturating_mul(self.per_second)).min(self.burst.saturating_mul(TOKEN));
        self.at = self.at.max(now);
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.refill(now);
        let Some(left) = self.millionths.checked_sub(TOKEN) else { return false };
        self.millionths = left;
        true
    }

    /// Nothing has been taken for so long that nothing needs to be remembered.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.millionths == self.burst.saturating_mul(TOKEN)
    }
}

/// The addresses that a [`Sparing`] can tell apart; more share a place and are answered less often.
pub(super) const PLACES: usize = 1024;

/// Answers to addresses that have proven nothing: so many a second and at once to each; fixed in size.
#[derive(Debug)]
pub(super) struct Sparing(Vec<Bucket>);

impl Sparing {
    pub(super) fn new(per_second: u64, burst: u64, now: Instant) -> Self {
        Self(vec![Bucket::new(per_second, burst, now); PLACES])
    }

    /// Whether the address with this place may be answered now.
    pub(super) fn take(&mut self, now: Instant, place: usize) -> bool {
        self.0.get_mut(place).is_some_and(|bucket| bucket.take(now))
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::START;
        let mut bucket = Bucket::new(10, 3, start);
        assert_eq!([bucket.take(start), bucket.take(start), bucket.take(start), bucket.take(start)], [true, true, true, false]);
        assert!(!bucket.take(start + Duration::from_millis(99)));
        assert!(bucket.take(start + Duration::from_millis(100)));
    }

    #[test]
    fn a_clock_that_goes_backwards_gives_nothing_away() {
        let start = Instant::from_micros(10_000_000);
        let mut bucket = Bucket::new(1, 1, start);
        assert!(bucket.take(start));
        assert!(!bucket.take(Instant::START));
        assert!(!bucket.take(start));
    }
}
