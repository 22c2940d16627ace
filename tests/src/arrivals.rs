//! What is on its way: by when it arrives, and in the order of departure what arrives together.

use std::collections::BTreeMap;

use belfry_core::time::Instant;

/// Things that will arrive.
#[derive(Debug)]
pub struct Arrivals<T> {
    underway: BTreeMap<(Instant, u64), T>,
    departures: u64,
}

impl<T> Default for Arrivals<T> {
    fn default() -> Self {
        Self { underway: BTreeMap::new(), departures: 0 }
    }
}

impl<T> Arrivals<T> {
    /// Something leaves now, and arrives then; nothing arrives before it has left.
    pub fn add(&mut self, now: Instant, at: Instant, what: T) {
        self.departures += 1;
        self.underway.insert((at.max(now), self.departures), what);
    }

    /// When the next one arrives.
    pub fn next_at(&self) -> Option<Instant> {
        self.underway.keys().next().map(|&(at, _)| at)
    }

    /// The next one that has arrived by now.
    pub fn take(&mut self, now: Instant) -> Option<T> {
        self.underway.first_entry().filter(|entry| entry.key().0 <= now).map(|entry| entry.remove())
    }

    /// How many are underway.
    pub fn len(&self) -> usize {
        self.underway.len()
    }

    /// Nothing is underway.
    pub fn is_empty(&self) -> bool {
        self.underway.is_empty()
    }
}
