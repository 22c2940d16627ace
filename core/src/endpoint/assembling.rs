//! What all peers together have sent that is not whole yet. Each connection bounds its own by what it granted; here is the bound of the
//! sum, which is less than all of that together.

use alloc::collections::{BTreeMap, BTreeSet};

use super::PeerId;
use crate::connection::ReceiveBacklog;
use crate::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Assembling {
    bytes: u64,
    /// Only of those who hold something.
    held: BTreeMap<PeerId, Unfinished>,
    /// The same, those first on which nothing has become whole for the longest time.
    oldest: BTreeSet<(Instant, PeerId)>,
}

#[derive(Clone, Copy, Debug)]
struct Unfinished {
    since: Instant,
    backlog: ReceiveBacklog,
}

impl Assembling {
    /// Something has arrived from a peer, and this is how things stand with it now.
    pub(super) fn note(&mut self, now: Instant, id: PeerId, backlog: ReceiveBacklog) {
        let before = self.forget(id);
        if backlog.bytes > 0 {
            // Whoever gets something finished is at work, however much of the next has come already.
            let since = before.filter(|before| before.backlog.delivered == backlog.delivered).map_or(now, |before| before.since);
            self.bytes += backlog.bytes;
            self.held.insert(id, Unfinished { since, backlog });
            self.oldest.insert((since, id));
        }
    }

    /// A peer holds nothing any more.
    pub(super) fn leave(&mut self, id: PeerId) {
        self.forget(id);
    }

    fn forget(&mut self, id: PeerId) -> Option<Unfinished> {
        let held = self.held.remove(&id)?;
        self.oldest.remove(&(held.since, id));
        self.bytes -= held.backlog.bytes;
        Some(held)
    }

    /// All that is held.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Who has to go while more than `max` is held: who has kept something unfinished for the longest time. People's messages are whole
    /// within seconds; what lies there longer is a peer that is gone or wants to use up the room.
    pub(super) fn beyond(&self, max: u64) -> Option<PeerId> {
        self.oldest.first().filter(|_| self.bytes > max).map(|&(_, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::limits::REASSEMBLY_BYTES_MAX;

    const START: Instant = Instant::from_micros(1_000_000);

    fn at(seconds: u64) -> Instant {
        START + Duration::from_secs(seconds)
    }

    fn backlog(bytes: u64, delivered: u64) -> ReceiveBacklog {
        ReceiveBacklog { bytes, delivered }
    }

    #[test]
    fn nobody_goes_at_the_bound_and_the_oldest_one_byte_beyond() {
        let mut assembling = Assembling::default();
        assembling.note(at(0), PeerId(1), backlog(REASSEMBLY_BYTES_MAX - 10, 0));
        assembling.note(at(1), PeerId(2), backlog(10, 0));
        assert_eq!(assembling.beyond(REASSEMBLY_BYTES_MAX), None);
        assembling.note(at(2), PeerId(2), backlog(11, 0));
        assert_eq!(assembling.beyond(REASSEMBLY_BYTES_MAX), Some(PeerId(1)));
        assembling.leave(PeerId(1));
        assert_eq!((assembling.bytes(), assembling.beyond(REASSEMBLY_BYTES_MAX)), (11, None));
    }

    #[test]
    fn whoever_holds_nothing_never_has_to_go() {
        let mut assembling = Assembling::default();
        assembling.note(at(0), PeerId(1), backlog(0, 0));
        assembling.note(at(1), PeerId(2), backlog(10, 0));
        assert_eq!(assembling.beyond(9), Some(PeerId(2)));
    }

    #[test]
    fn whoever_gets_something_finished_is_not_the_oldest() {
        let mut assembling = Assembling::default();
        assembling.note(at(0), PeerId(1), backlog(5, 0));
        assembling.note(at(1), PeerId(2), backlog(5, 0));
        assembling.note(at(2), PeerId(1), backlog(5, 700));
        assert_eq!(assembling.beyond(9), Some(PeerId(2)));
        assembling.note(at(3), PeerId(2), backlog(0, 5));
        assert_eq!((assembling.bytes(), assembling.beyond(4)), (5, Some(PeerId(1))));
    }
}
