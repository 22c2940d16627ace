//! The table of connections: slots with generations, and the index by device.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::PeerId;
use super::roam::Roaming;
use crate::connection::{Connection, Queued};
use crate::crypto::{PublicKey, is_same_token};
use crate::source::Source;
use crate::time::Instant;
use crate::wire::parameters::RenewalSecret;

/// A connection ID is a slot and a generation; the four bits above the slot are kept for a shard.
const GENERATION_BITS: u32 = 8;
const SLOT_BITS: u32 = 20;

/// Slots that rest before they are used again, so that a late datagram of the last connection meets no other.
const RESTING_SLOTS: usize = 64;

/// One connection and where it stands.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) connection: Connection,
    /// Where it is.
    pub(super) address: SocketAddr,
    /// As what it is counted at the door.
    pub(super) source: Source,
    pub(super) device: PublicKey,
    /// The key that the client knows is one that the server had before.
    pub(super) knows_retired: bool,
    pub(super) stage: PeerStage,
    pub(super) roaming: Option<Box<Roaming>>,
    /// What its client has to show for new keys.
    pub(super) renewal_secret: RenewalSecret,
    /// The keys that its client has asked for and not used yet: its first ones, or new ones.
    pub(super) renewal: Option<Box<Renewal>>,
    /// When the endpoint's table of deadlines has it.
    pub(super) armed: Option<Instant>,
    /// It is in the endpoint's queue of those who may have something to send.
    pub(super) ready: bool,
    /// What waits to be acknowledged, as it is in the endpoint's books.
    pub(super) queued: Queued,
    /// The owner wants to know when that is little.
    pub(super) watched: bool,
}

// Ten thousand people are at their desks and say nothing.
const _: () = assert!(size_of::<Peer>() <= 168);

/// Keys on their way to a client.
#[derive(Debug)]
pub(super) struct Renewal {
    /// The whole RESPONSE datagram, which may have been lost.
    pub(super) response: Vec<u8>,
    /// What goes with these keys.
    pub(super) secret: RenewalSecret,
}

impl Peer {
    /// Whether this is the secret of the keys in use, or of those that the client may have taken into use without our knowing.
    pub(super) fn may_renew(&self, shown: &RenewalSecret) -> bool {
        let prepared = self.renewal.as_ref().is_some_and(|renewal| is_same_token(&renewal.secret, shown));
        matches!(self.stage, PeerStage::Confirmed) && (is_same_token(&self.renewal_secret, shown) || prepared)
    }
}

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum PeerStage {
    /// The client has not shown that it has the keys. If its first message comes again, the answer was lost.
    Provisional,
    /// The owner knows it.
    Confirmed,
    /// The owner has been told that it is gone, or has sent it away.
    Leaving,
}

#[derive(Debug)]
pub(super) struct Peers {
    slots: Vec<Slot>,
    /// Slots that are free, longest first.
    free: VecDeque<u32>,
    /// By the first bytes of their keys, which are in the slots already; different ones may begin alike.
    devices: BTreeSet<([u8; 8], PeerId)>,
    len: usize,
    /// Where generations start: after a restart the same slot has another number.
    first_generation: u8,
}

#[derive(Debug)]
struct Slot {
    generation: u8,
    peer: Option<Box<Peer>>,
}

const fn split(id: PeerId) -> (usize, u8) {
    ((id.0 >> GENERATION_BITS) as usize, id.0 as u8)
}

const fn join(slot: u32, generation: u8) -> PeerId {
    PeerId((slot << GENERATION_BITS) | generation as u32)
}

impl Peers {
    pub(super) const fn new(random: u32) -> Self {
        Self { slots: Vec::new(), free: VecDeque::new(), devices: BTreeSet::new(), len: 0, first_generation: random as u8 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The number that the next [`Peers::insert`] will use; `None` when the table is full.
    pub(super) fn next_id(&mut self) -> Option<PeerId> {
        if self.free.len() <= RESTING_SLOTS && self.slots.len() < 1 << SLOT_BITS {
            let slot = self.slots.len() as u32;
            // Never all zeros, which stands for no connection.
            self.slots.push(Slot { generation: self.first_generation | u8::from(slot == 0), peer: None });
            self.free.push_front(slot);
        }
        let &slot = self.free.front()?;
        Some(join(slot, self.slots.get(slot as usize)?.generation))
    }

    /// Puts a connection where [`Peers::next_id`] said.
    pub(super) fn insert(&mut self, peer: Peer) {
        if let Some(slot) = self.free.pop_front().and_then(|slot| self.slots.get_mut(slot as usize)) {
            slot.peer = Some(Box::new(peer));
            self.len += 1;
        }
    }

    pub(super) fn get(&self, id: PeerId) -> Option<&Peer> {
        let (slot, generation) = split(id);
        self.slots.get(slot).filter(|slot| slot.generation == generation)?.peer.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        let (slot, generation) = split(id);
        self.slots.get_mut(slot).filter(|slot| slot.generation == generation)?.peer.as_deref_mut()
    }

    pub(super) fn remove(&mut self, id: PeerId) -> Option<Box<Peer>> {
        let (index, generation) = split(id);
        let slot = self.slots.get_mut(index).filter(|slot| slot.generation == generation)?;
        let peer = slot.peer.take()?;
        slot.generation = slot.generation.wrapping_add(1).max(u8::from(index == 0));
        self.free.push_back(index as u32);
        self.len -= 1;
        self.devices.remove(&(peer.device.id(), id));
        Some(peer)
    }

    /// This device is here now; returns the connection it had before.
    pub(super) fn claim_device(&mut self, device: PublicKey, id: PeerId) -> Option<PeerId> {
        let begins = device.id();
        let alike = self.devices.range((begins, PeerId(0))..=(begins, PeerId(u32::MAX)));
        let before = alike.map(|&(_, known)| known).find(|&known| known != id && self.get(known).is_some_and(|peer| peer.device == device));
        if let Some(before) = before {
            self.devices.remove(&(begins, before));
        }
        self.devices.insert((begins, id));
        before
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.slots.iter().filter_map(|slot| slot.peer.as_deref())
    }

    /// Every connection's number.
    pub(super) fn ids(&self) -> Vec<PeerId> {
        let numbered = (0u32..).zip(&self.slots).filter(|(_, slot)| slot.peer.is_some());
        numbered.map(|(index, slot)| join(index, slot.generation)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::House;
    use super::*;

    /// One real connection, to be put anywhere.
    fn somebody() -> Peer {
        let mut house = House::with(1);
        *house.endpoint.peers.remove(house.guests[0].peer).unwrap()
    }

    fn table(first_generation: u8) -> Peers {
        Peers::new(0xffff_ff00 | u32::from(first_generation))
    }

    /// Puts a connection into the table and takes it out again; the number that it had.
    fn pass(peers: &mut Peers, peer: Peer) -> (PeerId, Peer) {
        let id = peers.next_id().unwrap();
        peers.insert(peer);
        (id, *peers.remove(id).unwrap())
    }

    #[test]
    fn every_table_begins_with_its_own_generation_and_no_number_is_zero() {
        for first in [0, 1, 2, 255] {
            let (mut peers, mut peer) = (table(first), somebody());
            let mut ids = Vec::new();
            for _ in 0..3 {
                ids.push(peers.next_id().unwrap());
                peers.insert(peer);
                peer = somebody();
            }
            assert_eq!(ids, [join(0, first | 1), join(1, first), join(2, first)]);
            assert!(!ids.contains(&PeerId(0)));
        }
    }

    #[test]
    fn a_slot_rests_and_then_has_another_generation_and_no_number_is_ever_zero() {
        let (mut peers, mut peer) = (table(254), somebody());
        let mut seen = Vec::new();
        for turn in 0..1000 {
            let (id, passed) = pass(&mut peers, peer);
            peer = passed;
            assert!(id != PeerId(0) && !seen.contains(&id), "{id:?}");
            seen.push(id);
            assert_eq!(split(id).0, turn % (RESTING_SLOTS + 1), "the one that has rested the longest");
        }
        assert_eq!(peers.slots.len(), RESTING_SLOTS + 1, "slots are used again");
        // From 255 a generation goes on with 0, but for the first slot's, of which that would be all zeros.
        for (slot, generation) in [(0, 1), (1, 0)] {
            let mut peers = table(255);
            peers.slots = (0..2).map(|_| Slot { generation: 255, peer: None }).collect();
            peers.free = [slot].into();
            peers.slots[slot as usize].peer = Some(Box::new(somebody()));
            peers.len = 1;
            peers.remove(join(slot, 255)).unwrap();
            assert_eq!(peers.slots[slot as usize].generation, generation);
        }
    }

    #[test]
    fn a_full_table_has_no_number_to_give() {
        let mut peers = table(7);
        peers.slots.resize_with(1 << SLOT_BITS, || Slot { generation: 7, peer: None });
        assert_eq!(peers.next_id(), None);
        peers.slots.pop();
        assert_eq!(peers.next_id(), Some(join((1 << SLOT_BITS) - 1, 7)));
    }

    #[test]
    fn a_device_is_at_its_newest_connection_until_that_is_over() {
        let (mut peers, device) = (table(7), somebody().device);
        let ids = [0, 1].map(|_| {
            let id = peers.next_id().unwrap();
            peers.insert(somebody());
            (id, peers.claim_device(device, id))
        });
        let [(first, _), (second, _)] = ids;
        assert_eq!(ids.map(|(_, before)| before), [None, Some(first)]);
        assert_eq!(peers.claim_device(device, second), None, "it is there already");
        peers.remove(first).unwrap();
        assert!(peers.devices.iter().eq(&[(device.id(), second)]));
        peers.remove(second).unwrap();
        assert_eq!((peers.devices.len(), peers.len()), (0, 0));
    }
}
