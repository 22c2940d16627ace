//! Who may come in: rates, caps, and the memory of first messages that were seen.

use alloc::collections::{BTreeMap, VecDeque};
use core::net::IpAddr;

use super::PeerId;
use super::sparing::{PLACES, Sparing};
use crate::crypto::AddressProven;
use crate::limits::{
    HANDSHAKES_BURST, HANDSHAKES_PER_ADDRESS_BURST, HANDSHAKES_PER_ADDRESS_PER_SECOND, HANDSHAKES_PER_SECOND, HANDSHAKES_RESERVED,
    HANDSHAKES_UNPROVEN_BURST, HANDSHAKES_UNPROVEN_PER_SECOND, HELLO_MEMORY, HERES_PER_ADDRESS_PER_SECOND, HERES_PER_SECOND,
    NO_SESSIONS_PER_ADDRESS_PER_SECOND, NO_SESSIONS_PER_SECOND, PEERS_MAX, PEERS_PER_ADDRESS_MAX, RETRIES_PER_ADDRESS_PER_SECOND,
    RETRIES_PER_NETWORK_PER_SECOND, RETRIES_PER_SECOND,
};
use crate::rng::{Random, Rng};
use crate::source::{Links, Source};
use crate::time::Instant;
use crate::token_bucket::{Rate, TokenBucket};
use crate::wire::CloseCode;

const RETRIES: Rate = Rate { per_second: RETRIES_PER_SECOND, burst: RETRIES_PER_SECOND / 10 };
const RETRIES_TO_NETWORK: Rate = Rate { per_second: RETRIES_PER_NETWORK_PER_SECOND, burst: RETRIES_PER_NETWORK_PER_SECOND };
const RETRIES_TO_ADDRESS: Rate = Rate { per_second: RETRIES_PER_ADDRESS_PER_SECOND, burst: RETRIES_PER_ADDRESS_PER_SECOND };
const HANDSHAKES: Rate = Rate { per_second: HANDSHAKES_PER_SECOND, burst: HANDSHAKES_BURST };
const HANDSHAKES_OF_ADDRESS: Rate = Rate { per_second: HANDSHAKES_PER_ADDRESS_PER_SECOND, burst: HANDSHAKES_PER_ADDRESS_BURST };
const UNPROVEN_OF_ADDRESS: Rate = Rate { per_second: HANDSHAKES_UNPROVEN_PER_SECOND, burst: HANDSHAKES_UNPROVEN_BURST };
const NO_SESSIONS: Rate = Rate { per_second: NO_SESSIONS_PER_SECOND, burst: NO_SESSIONS_PER_SECOND };
const NO_SESSIONS_TO_ADDRESS: Rate = Rate { per_second: NO_SESSIONS_PER_ADDRESS_PER_SECOND, burst: 1 };
const HERES: Rate = Rate { per_second: HERES_PER_SECOND, burst: HERES_PER_SECOND };
const HERES_TO_ADDRESS: Rate = Rate { per_second: HERES_PER_ADDRESS_PER_SECOND, burst: 1 };

/// Addresses that are remembered before those without connections and with full buckets are forgotten, at least. Beyond it twice as many
/// as were left the last time: looking through all of them must not be the price of each handshake where thousands are connected.
const ADDRESSES_RESTING_MAX: usize = 4096;

/// The first bytes of a first message's SHA-256: enough to recognise it.
pub(super) type HelloHash = [u8; 16];

/// Rates, caps and memories.
#[derive(Debug)]
pub(super) struct Admission {
    retries: TokenBucket,
    retries_to_network: Sparing,
    retries_to_address: Sparing,
    handshakes: TokenBucket,
    no_sessions: TokenBucket,
    no_sessions_to_address: Sparing,
    heres: TokenBucket,
    heres_to_address: Sparing,
    place_secret: u64,
    links: Links,
    /// Connections by where they come from.
    connected: BTreeMap<Source, u32>,
    /// Every proven address with a recent handshake.
    lately: BTreeMap<Source, HandshakeAllowance>,
    /// With more addresses than that the resting ones are forgotten.
    lately_max: usize,
    hellos: BTreeMap<HelloHash, PeerId>,
    hellos_in_order: VecDeque<(Instant, HelloHash)>,
}

/// What an address may take at the door.
#[derive(Debug)]
struct HandshakeAllowance {
    handshakes: TokenBucket,
    /// Handshakes that it may leave unconfirmed before it counts as greedy.
    unproven: TokenBucket,
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
            retries: TokenBucket::full(now),
            retries_to_network: Sparing::new(RETRIES_TO_NETWORK, now),
            retries_to_address: Sparing::new(RETRIES_TO_ADDRESS, now),
            handshakes: TokenBucket::full(now),
            no_sessions: TokenBucket::full(now),
            no_sessions_to_address: Sparing::new(NO_SESSIONS_TO_ADDRESS, now),
            heres: TokenBucket::full(now),
            heres_to_address: Sparing::new(HERES_TO_ADDRESS, now),
            place_secret: rng.next_u64(),
            links: Links::default(),
            connected: BTreeMap::new(),
            lately: BTreeMap::new(),
            lately_max: ADDRESSES_RESTING_MAX,
            hellos: BTreeMap::new(),
            hellos_in_order: VecDeque::new(),
        }
    }

    /// Whether a HELLO0 may be answered.
    pub(super) fn retry(&mut self, now: Instant, from: IpAddr) -> bool {
        // The narrowest first: who asks too often uses up nobody else's share.
        let (source, network) = (self.links.source(from), self.links.network(from));
        let (address, network) = (self.places(source), network.map(|network| self.places(network)));
        self.retries_to_address.take(now, address)
            && network.is_none_or(|network| self.retries_to_network.take(now, network))
            && self.retries.take(now, RETRIES)
    }

    /// The networks on whose links the server is.
    pub(super) const fn links(&self) -> &Links {
        &self.links
    }

    /// The server is on these links from now on. What is counted already stays counted as it was.
    pub(super) fn set_links(&mut self, links: Links) {
        self.links = links;
    }

    /// Whether a datagram for an unknown session may be answered.
    pub(super) fn no_session(&mut self, now: Instant, from: IpAddr) -> bool {
        let place = self.places(self.links.source(from));
        self.no_sessions_to_address.take(now, place) && self.no_sessions.take(now, NO_SESSIONS)
    }

    /// Whether somebody who looks for servers may be answered.
    pub(super) fn here(&mut self, now: Instant, from: IpAddr) -> bool {
        let place = self.places(self.links.source(from));
        self.heres_to_address.take(now, place) && self.heres.take(now, HERES)
    }

    /// Mixes the address with a secret, so that nobody can choose whom to share a place with.
    fn places(&self, from: Source) -> [usize; 2] {
        let address = from.to_bits();
        let mixed = mixed((address as u64) ^ ((address >> 64) as u64).rotate_left(32) ^ self.place_secret);
        [mixed as usize % PLACES, (mixed >> 32) as usize % PLACES]
    }

    /// Whether a first message behind a valid cookie may ask for a handshake, as far as its address and the room for connections go. What does not
    /// pass here takes no place among those that wait.
    ///
    /// # Errors
    /// The code to refuse it with.
    pub(super) fn hello(&mut self, now: Instant, proven: &AddressProven, hash: &HelloHash, peers: usize) -> Result<Admitted, CloseCode> {
        self.forget(now);
        if let Some(&peer) = self.hellos.get(hash) {
            return Ok(Admitted::Repeated(peer));
        }
        let source = self.links.source(proven.address().ip());
        if peers >= PEERS_MAX || self.is_full(source) {
            return Err(CloseCode::SERVER_FULL);
        }
        let address = self.lately.entry(source).or_insert_with(|| HandshakeAllowance::new(now));
        if address.handshakes.take(now, HANDSHAKES_OF_ADDRESS) { Ok(Admitted::New) } else { Err(CloseCode::RATE_LIMITED) }
    }

    /// Whether one that has passed [`Self::hello`] may cost a handshake, now that it has its turn.
    ///
    /// # Errors
    /// The code to refuse it with.
    pub(super) fn handshake(&mut self, now: Instant, proven: &AddressProven) -> Result<(), CloseCode> {
        let source = self.links.source(proven.address().ip());
        if self.is_full(source) {
            return Err(CloseCode::SERVER_FULL);
        }
        let address = self.lately.entry(source).or_insert_with(|| HandshakeAllowance::new(now));
        // Whoever finishes what they begin goes before whoever does not.
        let reserved = if address.unproven.take(now, UNPROVEN_OF_ADDRESS) { 0 } else { HANDSHAKES_RESERVED };
        if self.handshakes.take_beyond(now, HANDSHAKES, reserved) { Ok(()) } else { Err(CloseCode::RATE_LIMITED) }
    }

    fn is_full(&self, source: Source) -> bool {
        self.connected.get(&source).is_some_and(|&there| there as usize >= PEERS_PER_ADDRESS_MAX)
    }

    /// A handshake from there was confirmed by its client.
    pub(super) fn confirmed(&mut self, from: Source) {
        if let Some(address) = self.lately.get_mut(&from) {
            address.unproven.give_back();
        }
    }

    /// The handshake of a first message made this connection.
    pub(super) fn note_hello(&mut self, now: Instant, hash: HelloHash, peer: PeerId) {
        self.hellos.insert(hash, peer);
        self.hellos_in_order.push_back((now, hash));
    }

    /// What it made was given up for others before its client could confirm it: if it comes again, it may try again.
    pub(super) fn forget_hello(&mut self, hash: &HelloHash) {
        self.hellos.remove(hash);
    }

    /// Forgets the first messages that cannot come again, and gives back what a house that came at once took: by the time that the last of
    /// them is forgotten, so much time has passed that its addresses rest.
    pub(super) fn forget_hellos(&mut self, now: Instant) {
        let before = self.hellos_in_order.len();
        while let Some((_, hash)) = self.hellos_in_order.pop_front_if(|(at, _)| now.since(*at) > HELLO_MEMORY) {
            self.hellos.remove(&hash);
        }
        if before > 0 && self.hellos_in_order.is_empty() {
            self.hellos_in_order.shrink_to_fit();
            self.forget_addresses(now);
        }
    }

    fn forget(&mut self, now: Instant) {
        self.forget_hellos(now);
        if self.lately.len() > self.lately_max {
            self.forget_addresses(now);
        }
    }

    fn forget_addresses(&mut self, now: Instant) {
        self.lately.retain(|_, address| !address.is_resting(now));
        self.lately_max = ADDRESSES_RESTING_MAX.max(2 * self.lately.len());
    }

    /// A connection from this address exists now; as what it is counted until it is [removed](Self::remove_peer).
    pub(super) fn add_peer(&mut self, from: IpAddr) -> Source {
        let source = self.links.source(from);
        *self.connected.entry(source).or_default() += 1;
        source
    }

    /// A connection that was counted as this is over.
    pub(super) fn remove_peer(&mut self, from: Source) {
        if let Some(connected) = self.connected.get_mut(&from) {
            *connected -= 1;
            if *connected == 0 {
                self.connected.remove(&from);
            }
        }
    }
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of what is mixed.
const fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl HandshakeAllowance {
    const fn new(now: Instant) -> Self {
        Self { handshakes: TokenBucket::full(now), unproven: TokenBucket::full(now) }
    }

    /// Nothing of it needs to be remembered.
    fn is_resting(&mut self, now: Instant) -> bool {
        self.handshakes.is_full(now, HANDSHAKES_OF_ADDRESS) && self.unproven.is_full(now, UNPROVEN_OF_ADDRESS)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use core::time::Duration;

    use crate::rng::from_seed;

    use super::*;

    fn nth(n: usize) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + u32::try_from(n).unwrap()).into())
    }

    /// Somebody there takes a handshake.
    fn greets(admission: &mut Admission, now: Instant, from: IpAddr) {
        let address = admission.lately.entry(admission.links.source(from)).or_insert_with(|| HandshakeAllowance::new(now));
        assert!(address.handshakes.take(now, HANDSHAKES_OF_ADDRESS) && address.unproven.take(now, UNPROVEN_OF_ADDRESS));
    }

    #[test]
    fn addresses_are_looked_through_seldom_and_forgotten_all_the_same() {
        let mut admission = Admission::new(Instant::START, &mut from_seed([1; 32]));
        let many = 2 * ADDRESSES_RESTING_MAX;
        (0..many).for_each(|n| greets(&mut admission, Instant::START, nth(n)));
        admission.forget(Instant::START);
        assert_eq!((admission.lately.len(), admission.lately_max), (many, 2 * many), "the next look is far away");
        (many..=2 * many).for_each(|n| greets(&mut admission, Instant::START, nth(n)));
        admission.forget(Instant::START + Duration::from_secs(3600));
        assert_eq!((admission.lately.len(), admission.lately_max), (0, ADDRESSES_RESTING_MAX));
    }

    #[test]
    fn of_a_house_that_came_at_once_only_how_many_are_where_is_known_half_a_minute_later() {
        let mut admission = Admission::new(Instant::START, &mut from_seed([1; 32]));
        for n in 0..100 {
            greets(&mut admission, Instant::START, nth(n));
            admission.note_hello(Instant::START, [n as u8; 16], PeerId(n as u32));
            admission.add_peer(nth(n));
        }
        admission.forget_hellos(Instant::START + HELLO_MEMORY);
        assert_eq!(admission.lately.len(), 100);
        admission.forget_hellos(Instant::START + HELLO_MEMORY + Duration::from_micros(1));
        assert_eq!((admission.lately.len(), admission.connected.len()), (0, 100));
    }

    #[test]
    fn where_nobody_is_connected_any_more_nothing_is_counted() {
        let mut admission = Admission::new(Instant::START, &mut from_seed([1; 32]));
        let sources = [0, 0, 1].map(|n| admission.add_peer(nth(n)));
        assert_eq!(admission.connected.values().collect::<Vec<_>>(), [&2, &1]);
        sources.into_iter().for_each(|source| admission.remove_peer(source));
        assert_eq!(admission.connected.len(), 0);
    }

    /// Where the sources of these addresses have their places for a server that is everywhere on the link, in either row.
    fn places(addresses: impl IntoIterator<Item = IpAddr>) -> Vec<[usize; 2]> {
        let mut admission = Admission::new(Instant::START, &mut from_seed([1; 32]));
        admission.set_links(Links::new([(IpAddr::from([0; 4]), 0), (IpAddr::from([0u16; 8]), 0)]));
        addresses.into_iter().map(|address| admission.places(admission.links.source(address))).collect()
    }

    #[test]
    fn addresses_are_spread_over_both_rows_whichever_of_their_bits_differ() {
        let many = 0..PLACES as u32;
        let hosts = places(many.clone().map(|n| IpAddr::from([10, 0, (n >> 8) as u8, n as u8])));
        let neighbours = places(many.clone().map(|n| IpAddr::from([0x2001, 0xffff, 0xffff, 0xffff, 0, 0, 0, n as u16])));
        let networks = places(many.map(|n| IpAddr::from([0x2001, 0xdb8, 0, n as u16, 0xffff, 0xffff, 0xffff, 0xffff])));
        for places in [hosts, neighbours, networks] {
            let rows = [0, 1].map(|row| places.iter().map(|place| place[row]).collect::<BTreeSet<_>>());
            for row in rows {
                assert!(row.last().is_some_and(|&last| last < PLACES));
                // Thrown at random, so many fill 63 in a hundred places.
                assert!((600..700).contains(&row.len()), "{} places of {PLACES} are taken", row.len());
            }
            assert!(places.iter().collect::<BTreeSet<_>>().len() > PLACES - 5, "hardly any two share both");
        }
    }

    #[test]
    fn mixing_gives_the_numbers_that_are_published_for_split_mix() {
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        let published = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f, 0xf88b_b8a8_724c_81ec];
        assert_eq!([1, 2, 3, 4].map(|n| mixed(step.wrapping_mul(n))), published);
    }

    #[test]
    fn no_address_is_forgotten_before_there_are_too_many_of_them() {
        let mut admission = Admission::new(Instant::START, &mut from_seed([1; 32]));
        for n in 0..=ADDRESSES_RESTING_MAX {
            assert_eq!(admission.lately.len(), n);
            greets(&mut admission, Instant::START, nth(n));
            if n < ADDRESSES_RESTING_MAX {
                admission.forget(Instant::START + Duration::from_secs(3600));
            }
        }
        admission.forget(Instant::START + Duration::from_secs(3600));
        assert_eq!(admission.lately.len(), 0);
    }

    #[test]
    fn an_address_is_remembered_until_all_that_it_took_is_there_again() {
        let mut admission = Admission::new(Instant::START, &mut from_seed([1; 32]));
        greets(&mut admission, Instant::START, nth(0));
        // The handshake is there again after a twentieth of a second, what it left unconfirmed after a whole one.
        for (millis, remembered) in [(0, 1), (49, 1), (50, 1), (999, 1), (1000, 0)] {
            admission.lately_max = 0;
            admission.forget(Instant::START + Duration::from_millis(millis));
            assert_eq!(admission.lately.len(), remembered, "after {millis} ms");
        }
    }
}
