//! The endpoint's books and counters, as bare connections that have shaken hands with it make them move.

mod admission;

use alloc::vec;
use core::net::IpAddr;

use super::*;
use crate::connection::{Connection, Established, Side};
use crate::crypto::{Initiator, Suite};
use crate::limits::{HANDSHAKES_AT_ONCE, HANDSHAKES_PER_ADDRESS_BURST, PROVISIONAL_MAX, RETRIES_PER_ADDRESS_PER_SECOND};
use crate::rng::from_seed;
use crate::wire::datagram::{ConnectionId, Hello, Hello0, VERSION};
use crate::wire::parameters::{ClientParameters, ServerParameters, prologue};

/// A client that neither signs in nor says anything of its own accord.
pub(super) struct Guest {
    address: SocketAddr,
    pub(super) peer: PeerId,
    connection: Connection,
    heard: Vec<connection::Event>,
    /// Datagrams to it that are lost from now on.
    lost: usize,
}

/// An endpoint and its guests, between whom datagrams take no time.
pub(super) struct House {
    now: Instant,
    pub(super) endpoint: Endpoint,
    rng: Rng,
    pub(super) guests: Vec<Guest>,
    told: Vec<Event>,
    handed_out: u64,
    /// The round trip of a connection as it was known just after it had moved.
    after_moves: Vec<Option<Duration>>,
}

fn at(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

impl House {
    pub(super) fn new() -> Self {
        let mut rng = from_seed([1; 32]);
        let now = Instant::from_micros(1_000_000_000);
        let config = Config { identity: KeyPair::generate(&mut rng), retired: Vec::new() };
        let endpoint = Endpoint::new(config, from_seed([2; 32]), now);
        Self { now, endpoint, rng, guests: Vec::new(), told: Vec::new(), handed_out: 0, after_moves: Vec::new() }
    }

    /// A house with so many guests.
    pub(super) fn with(guests: u8) -> Self {
        let mut house = Self::new();
        for host in 0..guests {
            house.welcome(host);
        }
        house.run_for(Duration::from_secs(1));
        house.told.clear();
        house
    }

    /// Hands a datagram in; what comes back at once.
    fn ask(&mut self, from: SocketAddr, mut datagram: Vec<u8>) -> Option<Vec<u8>> {
        // It was looked before whether anything else has come.
        self.endpoint.hellos.look_up();
        self.endpoint.handle_datagram(self.now, from, &mut datagram);
        let mut out = Vec::new();
        match self.endpoint.poll(self.now, &mut out) {
            Output::Transmit { to } => {
                assert_eq!(to, from);
                self.handed_out += 1;
                Some(out)
            }
            Output::Event(event) => panic!("{event:?}"),
            Output::Wait(_) => None,
        }
    }

    fn ask_for_a_cookie(&mut self, from: SocketAddr, nonce: [u8; 8]) -> Option<Vec<u8>> {
        let mut hello0 = Vec::new();
        Hello0 { nonce, send_key: true, versions: vec![VERSION] }.encode(&mut hello0);
        self.ask(from, hello0)
    }

    /// The first message of somebody there, and what waits for its answer.
    fn first_message(&mut self, device: &KeyPair, address: SocketAddr) -> (Initiator, Vec<u8>) {
        let mut nonce = [0; 8];
        self.rng.fill_bytes(&mut nonce);
        let retry = self.ask_for_a_cookie(address, nonce).unwrap();
        let Ok(Datagram::Retry(retry)) = datagram::decode(&retry) else { panic!("{retry:?}") };
        let connection_id = ConnectionId(1 + self.guests.len() as u32);
        let parameters = ClientParameters { connection_id, suites: vec![Suite::ChaCha20Poly1305.number()], previous: None };
        let prologue = prologue(VERSION, &retry.versions, nonce);
        let server = PublicKey(retry.key.unwrap());
        let (initiator, noise) = Initiator::start(&mut self.rng, device, &server, &[0; 32], &prologue, &parameters.encode()).unwrap();
        let mut hello = Vec::new();
        Hello { from: connection_id, nonce, cookie: retry.cookie, noise: &noise }.encode(&mut hello);
        (initiator, hello)
    }

    /// Shakes hands from an address, without using the keys.
    fn shake_hands(&mut self, device: &KeyPair, address: SocketAddr) -> &mut Guest {
        let (mut initiator, hello) = self.first_message(device, address);
        let response = self.ask(address, hello).unwrap();
        let Ok(Datagram::Response(response)) = datagram::decode(&response) else { panic!("{response:?}") };
        let (payload, split) = initiator.finish(response.noise).unwrap();
        let remote = ServerParameters::decode(&payload).unwrap().connection_id;
        let (sealing, opening) = split.keys(Suite::ChaCha20Poly1305);
        let connection = Connection::new(Established { side: Side::Client, remote, sealing, opening }, self.now, &mut self.rng);
        self.guests.push(Guest { address, peer: PeerId(remote.0), connection, heard: Vec::new(), lost: 0 });
        self.guests.last_mut().unwrap()
    }

    /// Shakes hands and says hello under the new keys, as somebody with a device of their own.
    fn welcome(&mut self, host: u8) {
        let device = KeyPair::generate(&mut self.rng);
        self.shake_hands(&device, at(host, 5000)).connection.ping();
    }

    /// Everything that is under way arrives.
    fn settle(&mut self) -> [Option<Instant>; 2] {
        let mut out = Vec::new();
        loop {
            let mut quiet = true;
            for guest in &mut self.guests {
                while guest.connection.poll_transmit(self.now, &mut self.rng, &mut out) {
                    quiet = false;
                    let moves = self.endpoint.stats.moves;
                    self.endpoint.handle_datagram(self.now, guest.address, &mut out);
                    if self.endpoint.stats.moves > moves {
                        self.after_moves.push(self.endpoint.peers.get(guest.peer).unwrap().connection.round_trip());
                    }
                }
                guest.heard.extend(core::iter::from_fn(|| guest.connection.poll_event()));
            }
            let endpoint = loop {
                match self.endpoint.poll(self.now, &mut out) {
                    Output::Transmit { to } => {
                        quiet = false;
                        self.handed_out += 1;
                        let Some(guest) = self.guests.iter_mut().find(|guest| guest.address == to) else { continue };
                        if guest.lost > 0 {
                            guest.lost -= 1;
                        } else if let Ok(Datagram::Protected(head)) = datagram::decode(&out) {
                            guest.connection.handle_datagram(self.now, head, &mut out, &mut self.rng);
                        }
                    }
                    Output::Event(event) => self.told.push(event),
                    Output::Wait(at) => break at,
                }
            };
            if quiet {
                let guests = self.guests.iter().filter_map(|guest| guest.connection.next_timeout()).map(|(at, _)| at).min();
                return [endpoint, guests];
            }
        }
    }

    fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            match self.settle().into_iter().flatten().min().filter(|&at| at <= until) {
                Some(at) => self.now = self.now.max(at),
                None => break self.now = until,
            }
            self.endpoint.handle_timeout(self.now);
            self.guests.iter_mut().for_each(|guest| guest.connection.handle_timeout(self.now));
        }
    }

    fn send(&mut self, guest: usize, channel: Channel, bytes: usize) {
        let body = self.endpoint.tally().body(vec![7; bytes]);
        self.endpoint.send(self.guests[guest].peer, channel, body).unwrap();
    }

    /// The messages that a guest has heard: channel, length, and the time to spread reactions over.
    fn messages(&self, guest: usize) -> Vec<(Channel, usize, Duration)> {
        let heard = self.guests[guest].heard.iter();
        heard
            .filter_map(|event| match event {
                connection::Event::Message { channel, body, spread } => Some((*channel, body.len(), *spread)),
                _ => None,
            })
            .collect()
    }
}

#[test]
fn one_address_that_asks_and_asks_takes_no_more_places_among_those_who_wait_than_it_may_have_handshakes() {
    let mut house = House::new();
    let device = KeyPair::generate(&mut house.rng);
    let (_, hello) = house.first_message(&device, at(2, 5000));
    let (_, first) = house.first_message(&device, at(1, 5000));
    let Ok(Datagram::Hello(first)) = datagram::decode(&first) else { panic!("a first message") };
    for number in 0..HANDSHAKES_PER_ADDRESS_BURST + 40 {
        // One cookie is good for as many as bring it.
        let noise = [first.noise, &number.to_le_bytes()].concat();
        let mut hello = Vec::new();
        Hello { noise: &noise, ..first }.encode(&mut hello);
        house.endpoint.handle_datagram(house.now, at(1, 5000), &mut hello);
    }
    let waiting = HANDSHAKES_PER_ADDRESS_BURST as usize - HANDSHAKES_AT_ONCE;
    assert_eq!(house.endpoint.hellos.len(), waiting);
    house.endpoint.handle_datagram(house.now, at(2, 5000), &mut hello.clone());
    assert_eq!(house.endpoint.hellos.len(), waiting + 1, "there is room for somebody else");
}

#[test]
fn of_a_house_that_comes_at_once_everybody_is_answered_and_between_some_and_the_next_it_is_looked_what_else_has_come() {
    let mut house = House::new();
    let hosts = 2 * HANDSHAKES_AT_ONCE as u8 + 1;
    let hellos: Vec<_> = (0..hosts)
        .map(|host| {
            let device = KeyPair::generate(&mut house.rng);
            (at(host, 5000), house.first_message(&device, at(host, 5000)).1)
        })
        .collect();
    // Each has said it twice before anybody was answered.
    for (from, hello) in hellos.iter().chain(&hellos) {
        house.endpoint.handle_datagram(house.now, *from, &mut hello.clone());
    }
    let mut answered = Vec::new();
    let mut turns = Vec::new();
    loop {
        let before = answered.len();
        let wait = loop {
            match house.endpoint.poll(house.now, &mut Vec::new()) {
                Output::Transmit { to } => answered.push(to),
                Output::Event(event) => panic!("{event:?}"),
                Output::Wait(until) => break until,
            }
        };
        turns.push(answered.len() - before);
        if wait.is_none_or(|until| until > house.now) {
            break;
        }
        house.endpoint.handle_timeout(house.now);
    }
    // Those who pass at once are answered again, because their answer may have been lost.
    assert_eq!(turns, [2 * HANDSHAKES_AT_ONCE, HANDSHAKES_AT_ONCE, 1]);
    answered.sort();
    answered.dedup();
    assert_eq!(answered.len(), hosts.into());
}

#[test]
fn every_datagram_that_is_handed_out_is_counted() {
    let mut house = House::with(2);
    house.send(0, Channel::Chat, 5000);
    house.run_for(Duration::from_secs(2));
    // Somewhere else, where it is asked for a proof.
    house.guests[1].address = at(1, 6000);
    house.guests[1].connection.ping();
    house.run_for(Duration::from_secs(2));
    assert_eq!(house.endpoint.stats().moves, 1);
    assert_eq!(house.endpoint.stats().datagrams_sent, house.handed_out);
}

#[test]
fn a_connection_counts_as_provisional_until_its_client_has_used_the_keys() {
    let mut house = House::new();
    house.welcome(1);
    let counted = |house: &House| (house.endpoint.stats().provisional, house.endpoint.stats().connections);
    assert_eq!(counted(&house), (1, 0));
    house.run_for(Duration::from_secs(1));
    assert_eq!(counted(&house), (0, 1));
}

#[test]
fn a_provisional_connection_that_had_to_go_for_another_is_counted() {
    let mut house = House::new();
    let (stranger, links) = (IpAddr::from([198, 51, 100, 1]), Links::default());
    for waiting in 0..PROVISIONAL_MAX as u32 {
        house.endpoint.provisional.add(house.now, PeerId(u32::MAX - waiting), [0; 16], &links, stranger);
    }
    house.welcome(1);
    let full = PROVISIONAL_MAX;
    assert_eq!((house.endpoint.stats().provisional_ended, house.endpoint.provisional.len()), (1, full));
}

#[test]
fn a_device_that_comes_again_takes_the_place_of_its_connection_before() {
    let mut house = House::new();
    let device = KeyPair::generate(&mut from_seed([3; 32]));
    for port in [5000, 5001] {
        house.shake_hands(&device, at(1, port)).connection.ping();
        house.run_for(Duration::from_secs(1));
    }
    house.run_for(Duration::from_secs(60));
    let [first, second] = [0, 1].map(|guest| house.guests[guest].peer);
    let connected = |peer, port| Event::Connected { peer, device: device.public(), address: at(1, port) };
    assert_eq!(house.told, [connected(first, 5000), Event::Gone { peer: first, why: CloseCode::REPLACED }, connected(second, 5001)]);
    assert!(house.guests[0].heard.contains(&connection::Event::Closed(CloseCode::REPLACED)));
    assert_eq!(house.endpoint.peers.len(), 1);
    house.send(1, Channel::Chat, 10);
    house.run_for(Duration::from_secs(1));
    assert_eq!(house.messages(1).len(), 1);
}

#[test]
fn what_waits_for_a_peer_is_known_until_it_is_acknowledged() {
    let mut house = House::with(1);
    let peer = house.guests[0].peer;
    house.send(0, Channel::Chat, 1000);
    assert!((1000..1500).contains(&house.endpoint.queued_bytes(peer)), "{}", house.endpoint.queued_bytes(peer));
    house.run_for(Duration::from_secs(2));
    assert_eq!(house.endpoint.queued_bytes(peer), 0);
    assert_eq!(house.endpoint.queued_bytes(PeerId(u32::MAX)), 0, "for nobody nothing waits");
}

#[test]
fn whoever_watches_a_peer_is_told_once_when_there_is_room() {
    let mut house = House::with(1);
    let peer = house.guests[0].peer;
    let page = 60_000;
    for _ in 0..=QUEUED_BYTES_LOW / page {
        house.send(0, Channel::History, page as usize);
    }
    house.endpoint.watch(peer);
    let mut out = Vec::new();
    assert!(matches!(house.endpoint.poll(house.now, &mut out), Output::Transmit { .. }), "there is no room yet");
    house.handed_out += 1;
    house.run_for(Duration::from_secs(10));
    assert_eq!(house.endpoint.queued_bytes(peer), 0);
    assert_eq!(house.told, [Event::Room { peer }]);
    house.endpoint.watch(peer);
    house.settle();
    assert_eq!(house.told.len(), 2, "at once where nothing waits");
}

#[test]
fn only_a_notice_and_what_nobody_waits_for_ask_their_receivers_to_take_their_time_the_more_the_more_they_are() {
    let many = 2 * SPREAD_RECEIVERS_PER_MILLI as u8 + 49;
    let mut house = House::with(many);
    house.send(0, Channel::Notice, 10);
    house.send(1, Channel::Chat, 10);
    let unhurried = house.endpoint.tally().unhurried(vec![7; 10]);
    house.endpoint.send(house.guests[2].peer, Channel::Chat, unhurried).unwrap();
    house.run_for(Duration::from_secs(2));
    assert_eq!(house.messages(0), [(Channel::Notice, 10, Duration::from_millis(2))]);
    assert_eq!(house.messages(1), [(Channel::Chat, 10, Duration::ZERO)]);
    assert_eq!(house.messages(2), [(Channel::Chat, 10, Duration::from_millis(2))]);
}

#[test]
fn lost_packets_are_counted_while_a_connection_lasts_and_after() {
    let mut house = House::with(2);
    for guest in [0, 1] {
        house.guests[guest].lost = 1;
        for _ in 0..8 {
            house.send(guest, Channel::Chat, 1000);
        }
        house.run_for(Duration::from_secs(5));
        assert_eq!(house.messages(guest).len(), 8);
    }
    assert_eq!(house.endpoint.stats().packets_lost, 2);
    for over in [1, 2] {
        let peer = house.guests[over - 1].peer;
        house.endpoint.close(house.now, peer, CloseCode::IDLE);
        house.run_for(Duration::from_secs(30));
        assert_eq!((house.endpoint.stats().connections, house.endpoint.peers.len()), (2 - over as u64, 2 - over));
        assert_eq!(house.endpoint.stats().packets_lost, 2);
    }
}

#[test]
fn a_path_is_measured_anew_from_another_address_and_not_from_another_port() {
    let mut house = House::with(1);
    house.send(0, Channel::Chat, 10);
    house.run_for(Duration::from_secs(5));
    for address in [at(0, 6000), at(7, 6000)] {
        house.guests[0].address = address;
        house.guests[0].connection.ping();
        house.run_for(Duration::from_secs(5));
    }
    let known: Vec<_> = house.after_moves.iter().map(Option::is_some).collect();
    assert_eq!(known, [true, false]);
}

#[test]
fn a_storm_leaves_no_memory_behind() {
    let mut house = House::with(1);
    let (events, replies) = (10_000, 10_000);
    house.endpoint.events.extend((0..events).map(|_| Event::Room { peer: PeerId(1) }));
    house.endpoint.replies.extend((0..replies).map(|_| (at(9, 9), Vec::new())));
    house.endpoint.ready.reserve(10_000);
    house.settle();
    let endpoint = &house.endpoint;
    let kept = [endpoint.events.capacity(), endpoint.replies.capacity(), endpoint.ready.capacity()];
    assert!(kept.iter().all(|&entries| entries <= 2 * IDLE_ENTRIES), "{kept:?}");
}

#[test]
fn computers_on_a_link_of_the_server_do_not_use_up_each_others_answers() {
    let [near, beside] = [1, 2].map(|host| SocketAddr::from(([0x2001, 0xdb8, 0, 1, 0, 0, 0, host], 5000)));
    for on_the_link in [true, false] {
        let mut house = House::new();
        if on_the_link {
            house.endpoint.set_links(Links::new([(near.ip(), 64)]));
        }
        let mut answered = |from| (0..1000).filter(|_| house.ask_for_a_cookie(from, [1; 8]).is_some()).count() as u64;
        assert_eq!(answered(near), RETRIES_PER_ADDRESS_PER_SECOND);
        assert_eq!(answered(beside), if on_the_link { RETRIES_PER_ADDRESS_PER_SECOND } else { 0 });
    }
}
