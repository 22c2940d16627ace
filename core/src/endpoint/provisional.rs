//! Connections whose clients have not shown that they have the keys: few, short-lived, and shared out by where they come from.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::net::IpAddr;

use super::PeerId;
use super::admission::HelloHash;
use crate::limits::{PROVISIONAL_LIFE, PROVISIONAL_NETWORK_SHARE};
use crate::source::{Links, Source};
use crate::time::Instant;

/// All of them, oldest first. There are at most [`PROVISIONAL_MAX`](crate::limits::PROVISIONAL_MAX), each of which has cost a
/// handshake; to walk over them is little beside that.
#[derive(Debug, Default)]
pub(super) struct Provisional {
    waiting: VecDeque<Waiting>,
    by_source: BTreeMap<Source, usize>,
    by_network: BTreeMap<Source, usize>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) peer: PeerId,
    /// What made it.
    pub(super) hello: HelloHash,
    until: Instant,
    source: Source,
    network: Option<Source>,
}

impl Provisional {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When the oldest is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.until)
    }

    pub(super) fn add(&mut self, now: Instant, peer: PeerId, hello: HelloHash, links: &Links, from: IpAddr) {
        let (source, network) = (links.source(from), links.network(from));
        self.waiting.push_back(Waiting { peer, hello, until: now + PROVISIONAL_LIFE, source, network });
        *self.by_source.entry(source).or_default() += 1;
        if let Some(network) = network {
            *self.by_network.entry(network).or_default() += 1;
        }
    }

    /// It is confirmed or gone.
    pub(super) fn remove(&mut self, peer: PeerId) {
        if let Some(index) = self.waiting.iter().position(|waiting| waiting.peer == peer) {
            self.take(index);
        }
    }

    /// One whose time is over.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Option<PeerId> {
        let overdue = self.waiting.front().is_some_and(|waiting| waiting.until <= now);
        if overdue { self.take(0).map(|waiting| waiting.peer) } else { None }
    }

    /// Who has to go for somebody else: the oldest of whoever has the most. Who confirms does so within a round trip and is never old;
    /// who fills the room loses it to the others.
    pub(super) fn take_surplus(&mut self) -> Option<Waiting> {
        let loads: Vec<_> = self.waiting.iter().map(|waiting| self.load(waiting)).collect();
        let most = loads.iter().max()?;
        let index = loads.iter().position(|load| load == most)?;
        self.take(index)
    }

    /// How many there are of the same source; a whole network weighs as much as [`PROVISIONAL_NETWORK_SHARE`] sources.
    fn load(&self, waiting: &Waiting) -> usize {
        let of = |counts: &BTreeMap<Source, usize>, source| counts.get(source).copied().unwrap_or(0);
        let network = waiting.network.as_ref().map_or(0, |network| of(&self.by_network, network));
        of(&self.by_source, &waiting.source).max(network.div_ceil(PROVISIONAL_NETWORK_SHARE))
    }

    fn take(&mut self, index: usize) -> Option<Waiting> {
        let waiting = self.waiting.remove(index)?;
        let uncount = |counts: &mut BTreeMap<Source, usize>, source| {
            if let Some(count) = counts.get_mut(&source) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&source);
                }
            }
        };
        uncount(&mut self.by_source, waiting.source);
        if let Some(network) = waiting.network {
            uncount(&mut self.by_network, network);
        }
        Some(waiting)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;

    fn provisional(from: &[&str]) -> Provisional {
        let (mut provisional, links) = (Provisional::default(), Links::default());
        for (number, from) in (0..).zip(from) {
            let now = Instant::from_micros(u64::from(number));
            provisional.add(now, PeerId(number), [0; 16], &links, from.parse().unwrap());
        }
        provisional
    }

    fn surplus(provisional: &mut Provisional) -> Option<u32> {
        provisional.take_surplus().map(|waiting| waiting.peer.0)
    }

    #[test]
    fn the_oldest_of_the_most_numerous_goes() {
        let mut some = provisional(&["192.0.2.1", "198.51.100.1", "192.0.2.1", "198.51.100.1", "198.51.100.1"]);
        assert_eq!([surplus(&mut some), surplus(&mut some), surplus(&mut some)], [Some(1), Some(0), Some(3)]);
        some.remove(PeerId(2));
        assert_eq!([surplus(&mut some), surplus(&mut some)], [Some(4), None]);
        assert!(some.by_source.is_empty() && some.by_network.is_empty());
    }

    #[test]
    fn a_network_of_many_addresses_is_as_numerous_as_some_of_them() {
        let many: Vec<_> = (0..4 * PROVISIONAL_NETWORK_SHARE).map(|n| format!("2001:db8:0:{n:x}::1")).collect();
        let mut from = vec!["192.0.2.1", "192.0.2.1", "192.0.2.1"];
        from.extend(many.iter().map(|from| from.as_str()));
        assert_eq!(surplus(&mut provisional(&from)), Some(3), "four times as many as a share");
        let near: Vec<_> = many.iter().map(|from| from.replace("2001:db8", "fd00:db8")).collect();
        from.truncate(3);
        from.extend(near.iter().map(|from| from.as_str()));
        assert_eq!(surplus(&mut provisional(&from)), Some(0), "neighbours in the house are no network");
    }

    #[test]
    fn what_is_not_confirmed_in_time_is_overdue() {
        let mut one = provisional(&["192.0.2.1"]);
        let until = Instant::from_micros(0) + PROVISIONAL_LIFE;
        assert_eq!((one.len(), one.deadline(), one.take_overdue(Instant::from_micros(1))), (1, Some(until), None));
        assert_eq!((one.take_overdue(until), one.len()), (Some(PeerId(0)), 0));
    }
}
