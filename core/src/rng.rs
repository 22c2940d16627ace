//! The one source of randomness, handed in at construction so that a seed replays a run.

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

/// A number in `0..bound`, without the bias of a plain remainder mattering for any bound used here (all below 2^32).
/// Zero when `bound` is zero.
pub fn below(rng: &mut impl Random, bound: u64) -> u64 {
    rng.next_u64().checked_rem(bound).unwrap_or(0)
}
