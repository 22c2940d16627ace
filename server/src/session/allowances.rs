//! How often somebody may ask: a session's allowances.

use belfry_core::chat::RateClass;
use belfry_core::time::Instant;
use belfry_core::token_bucket::{Rate, TokenBucket};

use crate::hub::Rates;
use crate::limits::{
    ACTS_BURST, BLOCKS_BURST, BLOCKS_PER_SECOND, POSTS_BURST, READS_BURST, SEARCHES_BURST, SEARCHES_PER_SECOND, TYPING_BURST,
    TYPING_PER_SECOND,
};

/// A session's allowances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowances {
    posts: TokenBucket,
    reads: TokenBucket,
    acts: TokenBucket,
    searches: TokenBucket,
    blocks: TokenBucket,
    typing: TokenBucket,
}

impl Allowances {
    /// Full ones.
    pub(super) fn new(now: Instant) -> Self {
        let full = TokenBucket::full(now);
        Self { posts: full, reads: full, acts: full, searches: full, blocks: full, typing: full }
    }

    /// Whether one more request is within the rate.
    pub(super) fn take(&mut self, now: Instant, rate: RateClass, rates: &Rates) -> bool {
        let (bucket, rate) = self.bucket(rate, rates);
        bucket.take(now, rate)
    }

    /// Whether all that was taken is there again.
    pub(super) fn are_full(&mut self, now: Instant, rates: &Rates) -> bool {
        [RateClass::Post, RateClass::Read, RateClass::Search, RateClass::Block, RateClass::Typing, RateClass::Act].into_iter().all(|rate| {
            let (bucket, rate) = self.bucket(rate, rates);
            bucket.is_full(now, rate)
        })
    }

    fn bucket(&mut self, rate: RateClass, rates: &Rates) -> (&mut TokenBucket, Rate) {
        let (bucket, per_second, burst) = match rate {
            RateClass::Post => (&mut self.posts, rates.posts_per_second, POSTS_BURST),
            RateClass::Read => (&mut self.reads, rates.reads_per_second, READS_BURST),
            RateClass::Search => (&mut self.searches, SEARCHES_PER_SECOND, SEARCHES_BURST),
            RateClass::Block => (&mut self.blocks, BLOCKS_PER_SECOND, BLOCKS_BURST),
            RateClass::Typing => (&mut self.typing, TYPING_PER_SECOND, TYPING_BURST),
            RateClass::Act => (&mut self.acts, rates.acts_per_second, ACTS_BURST),
        };
        (bucket, Rate { per_second, burst })
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
