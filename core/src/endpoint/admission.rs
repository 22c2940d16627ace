//! Who may come in: rates, caps, and the memory of first messages that were seen.

use alloc::collections::{BTreeMap, VecDeque};
use core::net::{IpAddr, Ipv6Addr};

use super::PeerId;
use super::bucket::{Bucket, PLACES, Sparing};
use crate::connection::CloseCode;
use crate::crypto::AddressProven;
use crate::limits::{
    HANDSHAKES_BURST, HANDSHAKES_PER_ADDRESS_BURST, HANDSHAKES_PER_ADDRESS_PER_SECOND, HANDSHAKES_PER_SECOND, HELLO_MEMORY,
    HERES_PER_ADDRESS_PER_SECOND, HERES_PER_SECOND, NO_SESSIONS_PER_ADDRESS_PER_SECOND, NO_SESSIONS_PER_SECOND, PEERS_MAX,
    PEERS_PER_ADDRESS_MAX, PROVISIONAL_MAX, RETRIES_PER_ADDRESS_PER_SECOND, RETRIES_PER_NETWORK_PER_SECOND, RETRIES_PER_SECOND,
};
use crate::rng::{Random, Rng};
use crate::time::Instant;

/// Addresses that are remembered before those without connections and with full buckets are forgotten, at least. Beyond it twice as many
/// as were left the last time: looking through all of them must not be the price of each handshake where thousands are connected.
const ADDRESSES_RESTING_MAX: usize = 4096;

/// The first bytes of a first message's SHA-256: enough to recognise it.
pub(super) type HelloHash = [u8; 16];

/// Rates, caps and memories.
#[derive(Debug)]
pub(super) struct Admission {
    retries: Bucket,
    retries_to_network: Sparing,
    retries_to_address: Sparing,
    handshakes: Bucket,
    no_sessions: Bucket,
    no_sessions_to_address: Sparing,
    heres: Bucket,
    heres_to_address: Sparing,
    place_secret: u64,
    /// Every proven address with connections or a recent handshake.
    addresses: BTreeMap<IpAddr, Address>,
    /// With more addresses than that the resting ones are forgotten.
    addresses_max: usize,
    hellos: BTreeMap<HelloHash, PeerId>,
    hellos_in_order: VecDeque<(Instant, HelloHash)>,
}

#[derive(Debug)]
struct Address {
    peers: usize,
    handshakes: Bucket,
}

/// A first message that has been let in.
#[derive(Debug)]
pub(super) enum Admitted {
    /// It is new: do the handshake.
    New,
    /// It was here before and made this connection.
    Repeated(PeerId),
}

impl Admission {
    pub(super) fn new(now: Instant, rng: &mut Rng) -> Self {
        Self {
            retries: Bucket::new(RETRIES_PER_SECOND, RETRIES_PER_SECOND / 10, now),
            retries_to_network: Sparing::new(RETRIES_PER_NETWORK_PER_SECOND, RETRIES_PER_NETWORK_PER_SECOND, now),
            retries_to_address: Sparing::new(RETRIES_PER_ADDRESS_PER_SECOND, RETRIES_PER_ADDRESS_PER_SECOND, now),
            handshakes: Bucket::new(HANDSHAKES_PER_SECOND, HANDSHAKES_BURST, now),
            no_sessions: Bucket::new(NO_SESSIONS_PER_SECOND, NO_SESSIONS_PER_SECOND, now),
            no_sessions_to_address: Sparing::new(NO_SESSIONS_PER_ADDRESS_PER_SECOND, 1, now),
            heres: Bucket::new(HERES_PER_SECOND, HERES_PER_SECOND, now),
            heres_to_address: Sparing::new(HERES_PER_ADDRESS_PER_SECOND, 1, now),
            place_secret: rng.next_u64(),
            addresses: BTreeMap::new(),
            addresses_max: ADDRESSES_RESTING_MAX,
            hellos: BTreeMap::new(),
            hellos_in_order: VecDeque::new(),
        }
    }

    /// Whether a HELLO0 may be answered.
    pub(super) fn retry(&mut self, now: Instant, from: IpAddr) -> bool {
        // The narrowest first: who asks too often uses up nobody else's share.
        let (address, network) = (self.place(from), self.place(IpAddr::V6(shortened(from, 24, 48))));
        self.retries_to_address.take(now, address) && self.retries_to_network.take(now, network) && self.retries.take(now)
    }

    /// Whether a datagram for an unknown session may be answered.
    pub(super) fn no_session(&mut self, now: Instant, from: IpAddr) -> bool {
        let place = self.place(from);
        self.no_sessions_to_address.take(now, place) && self.no_sessions.take(now)
    }

    /// Whether somebody who looks for servers may be answered.
    pub(super) fn here(&mut self, now: Instant, from: IpAddr) -> bool {
        let place = self.place(from);
        self.heres_to_address.take(now, place) && self.heres.take(now)
    }

    /// Mixes the address with a secret, so that nobody can choose whom to share a place with (the finaliser of SplitMix64).
    fn place(&self, from: IpAddr) -> usize {
        let address = shortened(from, 32, 64).to_bits();
        let mut mixed = (address as u64) ^ ((address >> 64) as u64).rotate_left(32) ^ self.place_secret;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % PLACES
    }

    /// Whether a first message behind a valid cookie may cost a handshake.
    ///
    /// # Errors
    /// The code to refuse it with.
    pub(super) fn hello(
        &mut self,
        now: Instant,
        proven: &AddressProven,
        hash: &HelloHash,
        peers: usize,
        provisional: usize,
    ) -> Result<Admitted, CloseCode> {
        self.forget(now);
        if let Some(&peer) = self.hellos.get(hash) {
            return Ok(Admitted::Repeated(peer));
        }
        let address =
            self.addresses.entry(network(proven.address().ip())).or_insert_with(|| Address { peers: 0, handshakes: per_address(now) });
        if peers >= PEERS_MAX || provisional >= PROVISIONAL_MAX || address.peers >= PEERS_PER_ADDRESS_MAX {
            return Err(CloseCode::SERVER_FULL);
        }
        if !address.handshakes.take(now) || !self.handshakes.take(now) {
            return Err(CloseCode::RATE_LIMITED);
        }
        Ok(Admitted::New)
    }

    /// The handshake of a first message made this connection.
    pub(super) fn note_hello(&mut self, now: Instant, hash: HelloHash, peer: PeerId) {
        self.hellos.insert(hash, peer);
        self.hellos_in_order.push_back((now, hash));
    }

    fn forget(&mut self, now: Instant) {
        while let Some((_, hash)) = self.hellos_in_order.pop_front_if(|(at, _)| now.since(*at) > HELLO_MEMORY) {
            self.hellos.remove(&hash);
        }
        if self.addresses.len() > self.addresses_max {
            self.addresses.retain(|_, address| address.peers > 0 || !address.handshakes.is_full(now));
            self.addresses_max = ADDRESSES_RESTING_MAX.max(2 * self.addresses.len());
        }
    }

    /// A connection from this address exists now.
    pub(super) fn add_peer(&mut self, now: Instant, from: IpAddr) {
        // Also an address that a connection has moved to without a handshake from there.
        let address = self.addresses.entry(network(from)).or_insert_with(|| Address { peers: 0, handshakes: per_address(now) });
        address.peers = address.peers.saturating_add(1);
    }

    /// A connection from this address is over.
    pub(super) fn remove_peer(&mut self, from: IpAddr) {
        if let Some(address) = self.addresses.get_mut(&network(from)) {
            address.peers = address.peers.saturating_sub(1);
        }
    }
}

const fn per_address(now: Instant) -> Bucket {
    Bucket::new(HANDSHAKES_PER_ADDRESS_PER_SECOND, HANDSHAKES_PER_ADDRESS_BURST, now)
}

/// What counts as one address: an IPv4 address, or an IPv6 /64, within which one machine may use any.
fn network(address: IpAddr) -> IpAddr {
    IpAddr::V6(shortened(address, 32, 64))
}

/// An address's first `v4` or `v6` bits, the rest zeros; IPv4 in its IPv6 form.
fn shortened(address: IpAddr, v4: u32, v6: u32) -> Ipv6Addr {
    let (bits, kept) = match address.to_canonical() {
        IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), 96 + v4),
        IpAddr::V6(address) => (address.to_bits(), v6),
    };
    Ipv6Addr::from_bits(bits & u128::MAX.checked_shl(128 - kept).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use crate::rng::from_seed;

    use super::*;

    fn nth(n: usize) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + u32::try_from(n).unwrap()).into())
    }

    #[test]
    fn addresses_are_looked_through_seldom_and_forgotten_all_the_same() {
        let mut admission = Admission::new(Instant::START, &mut from_seed([1; 32]));
        let connected = 2 * ADDRESSES_RESTING_MAX;
        for n in 0..connected {
            admission.add_peer(Instant::START, nth(n));
        }
        admission.forget(Instant::START);
        assert_eq!((admission.addresses.len(), admission.addresses_max), (connected, 2 * connected), "the next look is far away");
        for n in 0..connected {
            admission.remove_peer(nth(n));
        }
        for n in connected..=2 * connected {
            admission.add_peer(Instant::START, nth(n));
            admission.remove_peer(nth(n));
        }
        admission.forget(Instant::START + Duration::from_secs(3600));
        assert_eq!((admission.addresses.len(), admission.addresses_max), (0, ADDRESSES_RESTING_MAX));
    }
}
