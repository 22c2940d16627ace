//! When memory that is free is given back to the system: after a flood the allocator keeps it.

use belfry_core::net::{give_memory_back, resident_bytes};

use crate::limits::{HEAP_GROWTH_BYTES, HEAP_LOOKS_MAX};

/// What is known from earlier looks.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    /// The least that was in memory.
    least: Option<u64>,
    /// What was left when memory was last given back.
    left: u64,
    /// Looks since then.
    looks: u32,
    /// So many are left out before it is given back again: twice as many each time that helps little, because then it is in use.
    pause: u32,
}

impl Heap {
    /// Looks, and gives back what may be free. Not on the loop's thread: it took 70 ms for a hundred megabytes after a flood, and one where
    /// there was nothing. Whoever wants memory from the same part of the heap meanwhile waits for it, once.
    pub(crate) fn look(&mut self) {
        if let Some(before) = resident_bytes()
            && self.is_due(before)
        {
            give_memory_back();
            self.given_back(before, resident_bytes().unwrap_or(before));
        }
    }

    /// Whether there is so much more in memory than before that some of it may be free.
    fn is_due(&mut self, resident: u64) -> bool {
        let least = *self.least.get_or_insert(resident);
        if resident < least.saturating_add(HEAP_GROWTH_BYTES) {
            self.least = Some(least.min(resident));
            (self.looks, self.pause) = (0, 0);
            return false;
        }
        if resident >= self.left.saturating_add(HEAP_GROWTH_BYTES) {
            self.pause = 0;
        }
        self.looks += 1;
        self.looks > self.pause
    }

    fn given_back(&mut self, before: u64, after: u64) {
        let helped = before.saturating_sub(after) >= HEAP_GROWTH_BYTES / 4;
        self.pause = if helped { 0 } else { (self.pause * 2).clamp(1, HEAP_LOOKS_MAX) };
        (self.looks, self.left) = (0, after);
        tracing::debug!(before, after, "freed memory was returned to the system");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1024 * 1024;

    #[test]
    fn nothing_is_given_back_while_there_is_little_more_than_before() {
        let mut heap = Heap::default();
        for resident in [40, 41, 35, 35 + HEAP_GROWTH_BYTES / MB - 1] {
            assert!(!heap.is_due(resident * MB));
        }
        assert!(heap.is_due(35 * MB + HEAP_GROWTH_BYTES), "counted from when there was least");
    }

    #[test]
    fn what_is_free_only_later_is_given_back_then() {
        let mut heap = Heap::default();
        heap.is_due(40 * MB);
        // A flood, whose connections are given up after a minute and a half.
        let (mut looks, mut given) = (0, 0);
        while looks < 60 {
            looks += 1;
            if heap.is_due(140 * MB) {
                given += 1;
                heap.given_back(140 * MB, if looks > 18 { 42 * MB } else { 139 * MB });
                if looks > 18 {
                    break;
                }
            }
        }
        assert!(looks <= 36, "within three minutes: {looks} looks");
        assert!(given <= 6, "and not at every look: {given} times");
        assert!(!heap.is_due(42 * MB));
    }

    #[test]
    fn what_is_in_use_is_tried_rarely() {
        let mut heap = Heap::default();
        heap.is_due(40 * MB);
        let mut given = 0;
        for _ in 0..1000 * HEAP_LOOKS_MAX {
            if heap.is_due(140 * MB) {
                given += 1;
                heap.given_back(140 * MB, 140 * MB);
            }
        }
        assert!((900..1100).contains(&given), "{given} times");
        assert!(heap.is_due(140 * MB + HEAP_GROWTH_BYTES), "what comes on top of it is looked at at once");
    }
}
