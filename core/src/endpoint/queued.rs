//! What waits to be acknowledged by all peers together. Each connection bounds its own by its channels' queues; here is the bound of the sum,
//! which is less than all of that together.

use alloc::collections::BTreeSet;

use super::PeerId;
use crate::connection::{Queued, Tally};

/// Peers for whom less waits are not in the books of the heavy ones: a message or two.
const LIGHT_BYTES: u64 = 512;

#[derive(Debug, Default)]
pub(super) struct Queues {
    /// The messages' bytes, each once for however many it waits for.
    tally: Tally,
    /// What is kept beside them.
    beside: u64,
    /// Peers for whom more waits, by how often it doubles [`LIGHT_BYTES`]: to move them with every message would cost more than it tells.
    heavy: BTreeSet<(u32, PeerId)>,
}

impl Queues {
    /// What waits for a peer has changed.
    pub(super) fn note(&mut self, id: PeerId, before: Queued, after: Queued) {
        self.beside = self.beside + after.beside - before.beside;
        let (was, is) = (weight(before), weight(after));
        if was != is {
            self.heavy.remove(&(was, id));
            if is > 0 {
                self.heavy.insert((is, id));
            }
        }
    }

    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// All that waits.
    pub(super) fn bytes(&self) -> u64 {
        self.tally.bytes() + self.beside
    }

    /// Who has to give something up while more than `max` waits: one of those for whom the most does. Others wait for the same bytes where
    /// many are told the same, so that it may take several.
    pub(super) fn beyond(&self, max: u64) -> Option<PeerId> {
        self.heavy.last().filter(|_| self.bytes() > max).map(|&(_, id)| id)
    }
}

fn weight(queued: Queued) -> u32 {
    (queued.bytes / LIGHT_BYTES).checked_ilog2().map_or(0, |doubled| doubled + 1)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn waits(queues: &Queues, bytes: usize) -> (crate::connection::Body, Queued) {
        (queues.tally().body(vec![0; bytes]), Queued { bytes: bytes as u64 + 10, beside: 10 })
    }

    #[test]
    fn nobody_gives_up_at_the_bound_and_the_heaviest_one_byte_beyond() {
        let mut queues = Queues::default();
        let (light, heavy) = (waits(&queues, 2000), waits(&queues, 5000));
        queues.note(PeerId(1), Queued::default(), light.1);
        queues.note(PeerId(2), Queued::default(), heavy.1);
        assert_eq!((queues.bytes(), queues.beyond(7020), queues.beyond(7019)), (7020, None, Some(PeerId(2))));
        queues.note(PeerId(2), heavy.1, Queued::default());
        drop(heavy);
        assert_eq!((queues.bytes(), queues.beyond(2009)), (2010, Some(PeerId(1))));
        queues.note(PeerId(1), light.1, Queued::default());
        drop(light);
        assert_eq!((queues.bytes(), queues.beyond(0)), (0, None));
    }

    #[test]
    fn what_many_wait_for_counts_once() {
        let mut queues = Queues::default();
        let (body, each) = waits(&queues, 5000);
        for peer in 0..1000 {
            queues.note(PeerId(peer), Queued::default(), each);
        }
        assert_eq!(queues.bytes(), 5000 + 1000 * 10);
        drop(body);
    }

    #[test]
    fn a_message_or_two_is_not_heavy() {
        let mut queues = Queues::default();
        let (_body, light) = waits(&queues, 400);
        queues.note(PeerId(1), Queued::default(), light);
        assert_eq!(queues.beyond(0), None);
    }

    #[test]
    fn who_was_heavy_is_so_no_longer_when_little_is_left() {
        let mut queues = Queues::default();
        let queued = |bytes| Queued { bytes, beside: 10 };
        queues.note(PeerId(1), Queued::default(), queued(LIGHT_BYTES));
        assert_eq!(queues.beyond(9), Some(PeerId(1)), "from the first byte beyond the light ones on");
        queues.note(PeerId(1), queued(LIGHT_BYTES), queued(LIGHT_BYTES - 1));
        assert_eq!((queues.bytes(), queues.beyond(9)), (10, None));
    }
}
