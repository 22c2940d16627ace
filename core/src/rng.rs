//! The one source of randomness, handed in at construction so that a seed replays a run.

use core::time::Duration;

pub use rand_core::Rng as Random;
use rand_core::SeedableRng;

/// A ChaCha20 generator: cryptographically strong, seeded by the operating system in production and by a test in a test.
pub type Rng = rand_chacha::ChaCha20Rng;

/// The generator that `seed` starts.
pub fn from_seed(seed: [u8; 32]) -> Rng {
    Rng::from_seed(seed)
}

/// A generator of its own for one part of the program, drawn from `parent`.
pub fn fork(parent: &mut Rng) -> Rng {
    let mut seed = [0; 32];
    parent.fill_bytes(&mut seed);
    Rng::from_seed(seed)
}

/// A number in `0..bound`, without the bias of a plain remainder mattering for any bound used here (all below 2^43).
/// Zero when `bound` is zero.
pub fn below(rng: &mut impl Random, bound: u64) -> u64 {
    rng.next_u64().checked_rem(bound).unwrap_or(0)
}

/// A time from none to `longest`, either included.
pub fn up_to(rng: &mut impl Random, longest: Duration) -> Duration {
    let longest = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(below(rng, longest.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_random_time_is_any_up_to_the_longest() {
        let mut rng = from_seed([1; 32]);
        let mut times = |longest| (0..200).map(|_| up_to(&mut rng, Duration::from_micros(longest)).as_micros()).collect::<BTreeSet<_>>();
        for longest in 0..4 {
            assert_eq!(times(longest), (0..=u128::from(longest)).collect());
        }
    }
}
