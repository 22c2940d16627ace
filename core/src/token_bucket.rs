//! Token buckets: so many a second, so many at once.

use crate::time::{Instant, micros};

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that a bucket gains in a second.
    pub per_second: u64,
    /// Tokens that it holds when it is full: what may happen at once.
    pub burst: u64,
}

impl Rate {
    const fn full(self) -> u64 {
        self.burst.saturating_mul(TOKEN)
    }
}

/// Fills at a steady rate until it is full. The rate is handed in each time: it may change, and many buckets have one.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    /// Millionths of a token, so that a microsecond adds exactly the rate.
    millionths: u64,
    filled_at: Instant,
}

const TOKEN: u64 = 1_000_000;

impl TokenBucket {
    /// One that is full at whatever rate.
    pub const fn full(now: Instant) -> Self {
        Self { millionths: u64::MAX, filled_at: now }
    }

    fn fill(&mut self, now: Instant, rate: Rate) {
        let gained = micros(now.since(self.filled_at)).saturating_mul(rate.per_second);
        self.millionths = self.millionths.saturating_add(gained).min(rate.full());
        self.filled_at = self.filled_at.max(now);
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Instant, rate: Rate) -> bool {
        self.take_beyond(now, rate, 0)
    }

    /// Takes a token, if there is one besides `reserved` others.
    pub fn take_beyond(&mut self, now: Instant, rate: Rate, reserved: u64) -> bool {
        self.fill(now, rate);
        let Some(left) = self.millionths.checked_sub(TOKEN).filter(|&left| left >= reserved.saturating_mul(TOKEN)) else { return false };
        self.millionths = left;
        true
    }

    /// A token was taken that was not needed. It cannot make more than a full bucket: what is too much is cut off when the next is taken.
    pub const fn give_back(&mut self) {
        self.millionths = self.millionths.saturating_add(TOKEN);
    }

    /// Nothing has been taken for so long that nothing needs to be remembered.
    pub fn is_full(&mut self, now: Instant, rate: Rate) -> bool {
        self.fill(now, rate);
        self.millionths == rate.full()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use rand_core::Rng as _;

    use super::*;
    use crate::rng::from_seed;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let start = Instant::START;
        let mut bucket = TokenBucket::full(start);
        assert_eq!([(); 4].map(|()| bucket.take(start, RATE)), [true, true, true, false]);
        assert!(!bucket.take(start + Duration::from_millis(99), RATE));
        assert!(bucket.take(start + Duration::from_millis(100), RATE));
    }

    #[test]
    fn whoever_asks_whenever_gets_the_burst_and_the_rate_and_nothing_beyond() {
        for seed in 0..50 {
            let mut rng = from_seed([seed; 32]);
            let rate = Rate { per_second: 1 + rng.next_u64() % 1000, burst: 1 + rng.next_u64() % 100 };
            let (mut now, mut bucket) = (Instant::START, TokenBucket::full(Instant::START));
            let (mut taken, mut refused_since) = (0, None);
            for _ in 0..2000 {
                now = now + Duration::from_micros(rng.next_u64() % (3_000_000 / rate.per_second));
                if bucket.take(now, rate) {
                    taken += 1;
                    refused_since = None;
                } else {
                    let since = *refused_since.get_or_insert(now);
                    assert!(micros(now.since(since)) * rate.per_second < TOKEN, "{rate:?}: a token has come since {since:?}");
                }
                let allowed = rate.burst * TOKEN + now.as_micros() * rate.per_second;
                assert!(taken * TOKEN <= allowed, "{rate:?}: {taken} after {now:?}");
            }
        }
    }

    #[test]
    fn another_rate_holds_from_the_next_token_on() {
        let start = Instant::START;
        let mut bucket = TokenBucket::full(start);
        assert!(bucket.take(start, Rate { per_second: 1, burst: 100 }));
        assert_eq!((0..9).filter(|_| bucket.take(start, RATE)).count(), 3, "what was gathered is cut to the smaller burst");
        assert_eq!((0..9).filter(|_| bucket.take(start + Duration::from_secs(1), Rate { per_second: 2, burst: 8 })).count(), 2);
    }

    #[test]
    fn what_is_reserved_is_not_taken_and_what_is_given_back_is_there_again() {
        let start = Instant::START;
        let mut bucket = TokenBucket::full(start);
        assert_eq!([bucket.take_beyond(start, RATE, 2), bucket.take_beyond(start, RATE, 2), bucket.take(start, RATE)], [true, false, true]);
        bucket.give_back();
        assert!(bucket.take_beyond(start, RATE, 1) && !bucket.take_beyond(start, RATE, 1));
        for _ in 0..9 {
            bucket.give_back();
        }
        assert_eq!((0..9).filter(|_| bucket.take(start, RATE)).count(), 3, "never more than its burst");
    }

    #[test]
    fn a_bucket_is_full_once_all_that_was_taken_is_there_again() {
        let start = Instant::START;
        let mut bucket = TokenBucket::full(start);
        assert!(bucket.is_full(start, RATE));
        assert!(bucket.take(start, RATE) && bucket.take(start, RATE));
        let full = [0, 199, 200, 900].map(|millis| bucket.is_full(start + Duration::from_millis(millis), RATE));
        assert_eq!(full, [false, false, true, true]);
    }

    #[test]
    fn a_clock_that_goes_backwards_gives_nothing_away() {
        let start = Instant::from_micros(10_000_000);
        let rate = Rate { per_second: 1, burst: 1 };
        let mut bucket = TokenBucket::full(start);
        assert!(bucket.take(start, rate));
        assert!(!bucket.take(Instant::START, rate));
        assert!(!bucket.take(start, rate));
    }
}
