//! The two clocks of the computer.

use std::time::{Instant as Monotonic, SystemTime, UNIX_EPOCH};

use crate::time::{Instant, Now, UnixMillis, micros};

/// Reads both clocks. Read it once a turn: everything that happens in one turn happens at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Monotonic,
}

impl Clock {
    /// A clock whose [`Instant::START`] is now.
    pub fn start() -> Self {
        Self { start: Monotonic::now() }
    }

    /// What both clocks say. A wall clock before 1970 counts as 1970.
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { instant: Instant::from_micros(micros(self.start.elapsed())), wall: UnixMillis(micros(wall) / 1000) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_begins_near_zero_and_never_goes_back() {
        let clock = Clock::start();
        let first = clock.now().instant;
        assert!(first < Instant::from_micros(60_000_000));
        assert!(clock.now().instant >= first);
    }

    #[test]
    fn the_wall_clock_is_in_this_century() {
        let wall = Clock::start().now().wall;
        assert!(wall > UnixMillis(1_577_836_800_000) && wall < UnixMillis(4_102_444_800_000), "{wall:?}");
    }
}
