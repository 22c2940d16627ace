//! How often somebody may ask: a session's allowances.

use belfry_core::chat::RateClass;
use belfry_core::time::Instant;

use crate::hub::Rates;
use crate::limits::{ACTS_BURST, POSTS_BURST, READS_BURST, SEARCHES_BURST, SEARCHES_PER_SECOND, TYPING_BURST, TYPING_PER_SECOND};

/// An allowance that refills with time.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// In millionths of a request, so that a microsecond adds exactly the rate per second.
    millionths: u64,
    filled_at: Instant,
}

impl Allowance {
    fn take(&mut self, now: Instant, per_second: u64, burst: u64) -> bool {
        let micros = u64::try_from(now.since(self.filled_at).as_micros()).unwrap_or(u64::MAX);
        let full = burst.saturating_mul(1_000_000);
        self.millionths = self.millionths.saturating_add(micros.saturating_mul(per_second)).min(full);
        self.filled_at = now;
        match self.millionths.checked_sub(1_000_000) {
            Some(rest) => {
                self.millionths = rest;
                true
            }
            None => false,
        }
    }
}

/// A session's allowances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowances {
    posts: Allowance,
    reads: Allowance,
    acts: Allowance,
    searches: Allowance,
    typing: Allowance,
}

impl Allowances {
    /// Full ones.
    pub(super) fn new(now: Instant) -> Self {
        let full = Allowance { millionths: u64::MAX, filled_at: now };
        Self { posts: full, reads: full, acts: full, searches: full, typing: full }
    }

    /// Whether one more request is within the rate.
    pub(super) fn take(&mut self, now: Instant, rate: RateClass, rates: &Rates) -> bool {
        match rate {
            RateClass::Post => self.posts.take(now, rates.posts_per_second, POSTS_BURST),
            RateClass::Read => self.reads.take(now, rates.reads_per_second, READS_BURST),
            RateClass::Search => self.searches.take(now, SEARCHES_PER_SECOND, SEARCHES_BURST),
            RateClass::Typing => self.typing.take(now, TYPING_PER_SECOND, TYPING_BURST),
            RateClass::Act => self.acts.take(now, rates.acts_per_second, ACTS_BURST),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn an_allowance_lasts_for_its_burst_and_then_for_its_rate() {
        let rates = Rates::default();
        for (rate, burst, per_second) in [
            (RateClass::Post, POSTS_BURST, rates.posts_per_second),
            (RateClass::Read, READS_BURST, rates.reads_per_second),
            (RateClass::Act, ACTS_BURST, rates.acts_per_second),
        ] {
            let mut allowances = Allowances::new(Instant::START);
            let mut passed = |now| (0..burst * 2).filter(|_| allowances.take(now, rate, &rates)).count() as u64;
            assert_eq!(passed(Instant::START), burst);
            assert_eq!(passed(Instant::START + Duration::from_secs(2)), 2 * per_second);
            for other in [RateClass::Post, RateClass::Read, RateClass::Act] {
                assert_eq!(allowances.take(Instant::START + Duration::from_secs(2), other, &rates), other != rate);
            }
        }
    }
}
