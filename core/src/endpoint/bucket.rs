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
        self.take_beyond(now, 0)
    }

    /// Takes a token, if there is one besides `reserved` others.
    pub(super) fn take_beyond(&mut self, now: Instant, reserved: u64) -> bool {
        self.refill(now);
        let Some(left) = self.millionths.checked_sub(TOKEN).filter(|&left| left >= reserved.saturating_mul(TOKEN)) else { return false };
        self.millionths = left;
        true
    }

    /// A token was taken that was not needed.
    pub(super) fn give_back(&mut self) {
        self.millionths = self.millionths.saturating_add(TOKEN).min(self.burst.saturating_mul(TOKEN));
    }

    /// Nothing has been taken for so long that nothing needs to be remembered.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.millionths == self.burst.saturating_mul(TOKEN)
    }
}

/// The places in each row of a [`Sparing`].
pub(super) const PLACES: usize = 1024;

/// Answers to addresses that have proven nothing: so many a second and at once to each; fixed in size. Each address has a place in two
/// rows and is answered while there is something left in either: a hundred that ask without end take one in a hundred of the others along,
/// where one row would take one in ten.
#[derive(Debug)]
pub(super) struct Sparing([Vec<Bucket>; 2]);

impl Sparing {
    pub(super) fn new(per_second: u64, burst: u64, now: Instant) -> Self {
        Self([(); 2].map(|()| vec![Bucket::new(per_second, burst, now); PLACES]))
    }

    /// Whether the address with these places may be answered now.
    pub(super) fn take(&mut self, now: Instant, places: [usize; 2]) -> bool {
        let rows = self.0.iter_mut().zip(places);
        // From both, or one address would get twice as many.
        rows.fold(false, |any, (row, place)| row.get_mut(place).is_some_and(|bucket| bucket.take(now)) || any)
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
    fn what_is_reserved_is_not_taken_and_what_is_given_back_is_there_again() {
        let start = Instant::START;
        let mut bucket = Bucket::new(10, 3, start);
        assert_eq!([bucket.take_beyond(start, 2), bucket.take_beyond(start, 2), bucket.take(start)], [true, false, true]);
        bucket.give_back();
        assert!(bucket.take_beyond(start, 1) && !bucket.take_beyond(start, 1));
        for _ in 0..9 {
            bucket.give_back();
        }
        assert_eq!((0..9).filter(|_| bucket.take(start)).count(), 3, "never more than its burst");
    }

    #[test]
    fn a_bucket_is_full_once_all_that_was_taken_is_there_again() {
        let start = Instant::START;
        let mut bucket = Bucket::new(10, 3, start);
        assert!(bucket.is_full(start));
        assert!(bucket.take(start) && bucket.take(start));
        let full = [0, 199, 200, 900].map(|millis| bucket.is_full(start + Duration::from_millis(millis)));
        assert_eq!(full, [false, false, true, true]);
    }

    #[test]
    fn who_shares_a_place_in_one_row_is_answered_out_of_the_other() {
        let start = Instant::START;
        let mut sparing = Sparing::new(10, 5, start);
        assert_eq!((0..50).filter(|_| sparing.take(start, [3, 4])).count(), 5);
        assert!(sparing.take(start, [3, 5]) && sparing.take(start, [6, 4]) && !sparing.take(start, [3, 4]));
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
