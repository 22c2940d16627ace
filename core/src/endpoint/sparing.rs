//! Rates of answers to addresses that have proven nothing, in memory of a fixed size.

use alloc::vec;
use alloc::vec::Vec;

use crate::time::Instant;
use crate::token_bucket::{Rate, TokenBucket};

/// The places in each row of a [`Sparing`].
pub(super) const PLACES: usize = 1024;

/// Answers to addresses that have proven nothing: so many a second and at once to each; fixed in size. Each address has a place in two
/// rows and is answered while there is something left in either: a hundred that ask without end take one in a hundred of the others along,
/// where one row would take one in ten.
#[derive(Debug)]
pub(super) struct Sparing {
    rate: Rate,
    rows: [Vec<TokenBucket>; 2],
}

impl Sparing {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, rows: [(); 2].map(|()| vec![TokenBucket::full(now); PLACES]) }
    }

    /// Whether the address with these places may be answered now.
    pub(super) fn take(&mut self, now: Instant, places: [usize; 2]) -> bool {
        let rows = self.rows.iter_mut().zip(places);
        // From both, or one address would get twice as many.
        rows.fold(false, |any, (row, place)| row.get_mut(place).is_some_and(|bucket| bucket.take(now, self.rate)) || any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shares_a_place_in_one_row_is_answered_out_of_the_other() {
        let start = Instant::START;
        let mut sparing = Sparing::new(Rate { per_second: 10, burst: 5 }, start);
        assert_eq!((0..50).filter(|_| sparing.take(start, [3, 4])).count(), 5);
        assert!(sparing.take(start, [3, 5]) && sparing.take(start, [6, 4]) && !sparing.take(start, [3, 4]));
    }
}
