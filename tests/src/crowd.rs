//! Many callers at one real endpoint, on a network that delivers at once and loses nothing: for what a peer costs.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use belfry_core::crypto::KeyPair;
use belfry_core::endpoint::{Config, Endpoint, Event, Output, PeerId};
use belfry_core::rng::{self, Rng};
use belfry_core::time::Instant;

use crate::caller::Caller;
use crate::measure::metered;
use crate::pair::seeded;

/// Callers that come in the same virtual second: fewer than admission lets in at once.
const WAVE: usize = 400;

/// An endpoint and those who call it.
#[derive(Debug)]
pub struct Crowd {
    /// The time, for everybody.
    pub now: Instant,
    /// The server's end.
    pub endpoint: Endpoint,
    /// The endpoint's names of those who have connected, in the order in which they did.
    pub peers: Vec<PeerId>,
    /// The callers, by number.
    pub callers: Vec<Caller>,
    /// Messages that the endpoint has delivered.
    pub delivered: usize,
    /// What the endpoint does with datagrams that arrive is counted ([`metered`]).
    pub is_counted: bool,
    /// Datagrams that have arrived while it was.
    pub counted: usize,
    /// When which caller wants to be woken; what is no longer true is found out then.
    deadlines: BTreeSet<(Instant, usize)>,
    endpoint_deadline: Option<Instant>,
    rng: Rng,
}

/// Where a caller is: each has an address of its own.
pub fn address_of(caller: usize) -> SocketAddr {
    let [_, a, b, c] = u32::try_from(caller).expect("fewer than 2^24 callers").to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(10, a, b, c), 5000))
}

/// The number of the caller at an address.
pub fn caller_at(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(v4) => (u32::from(*v4.ip()) & 0x00ff_ffff) as usize,
        SocketAddr::V6(_) => panic!("no caller is at {address}"),
    }
}

impl Crowd {
    /// An endpoint to which nobody is connected.
    pub fn new(seed: u64) -> Self {
        let mut rng = seeded(seed);
        let now = Instant::from_micros(1_000_000);
        let config = Config { identity: KeyPair::generate(&mut rng), retired: vec![] };
        Self {
            now,
            endpoint: Endpoint::new(config, rng::fork(&mut rng), now),
            peers: Vec::new(),
            callers: Vec::new(),
            delivered: 0,
            is_counted: false,
            counted: 0,
            deadlines: BTreeSet::new(),
            endpoint_deadline: None,
            rng,
        }
    }

    /// An endpoint to which `count` callers are connected.
    pub fn connected(count: usize, seed: u64) -> Self {
        let mut crowd = Self::new(seed);
        while crowd.callers.len() < count {
            for _ in 0..WAVE.min(count - crowd.callers.len()) {
                let caller = Caller::new(&mut crowd.rng);
                crowd.callers.push(caller);
                crowd.deadlines.insert((crowd.now, crowd.callers.len() - 1));
            }
            crowd.run_for(Duration::from_secs(1));
        }
        assert_eq!(crowd.peers.len(), count, "everybody is let in");
        crowd
    }

    /// Lets `time` pass for everybody.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.drain_endpoint();
            let caller = self.deadlines.first().map(|&(at, _)| at);
            let Some(next) = [caller, self.endpoint_deadline].into_iter().flatten().min().filter(|&next| next <= until) else { break };
            self.now = self.now.max(next);
            if self.endpoint_deadline.is_some_and(|at| at <= self.now) {
                self.endpoint.handle_timeout(self.now);
            }
            while let Some(&(at, caller)) = self.deadlines.first().filter(|(at, _)| *at <= self.now) {
                self.deadlines.remove(&(at, caller));
                if let Some(connection) = self.callers[caller].connection() {
                    connection.handle_timeout(self.now);
                }
                self.drain_caller(caller);
            }
        }
        self.now = until;
    }

    /// What one caller has to say goes to the endpoint.
    fn drain_caller(&mut self, caller: usize) {
        let mut datagram = Vec::new();
        while self.callers[caller].poll_transmit(self.now, &mut self.rng, &mut datagram) {
            let (endpoint, now) = (&mut self.endpoint, self.now);
            metered(self.is_counted, || endpoint.handle_datagram(now, address_of(caller), &mut datagram));
            self.counted += usize::from(self.is_counted);
        }
        self.settle_caller(caller);
    }

    /// A caller's events are nobody's, its deadline is noted.
    fn settle_caller(&mut self, caller: usize) {
        if let Some(connection) = self.callers[caller].connection() {
            while connection.poll_event().is_some() {}
            if let Some((at, _)) = connection.next_timeout() {
                self.deadlines.insert((at, caller));
            }
        }
    }

    /// What the endpoint has to say goes to the callers, and their answers back, until nobody says anything.
    fn drain_endpoint(&mut self) {
        let mut datagram = Vec::new();
        loop {
            match self.endpoint.poll(self.now, &mut datagram) {
                Output::Transmit { to } => {
                    let caller = caller_at(to);
                    self.callers[caller].handle_datagram(self.now, &mut datagram, &mut self.rng);
                    self.drain_caller(caller);
                }
                Output::Event(Event::Connected { peer, .. }) => self.peers.push(peer),
                Output::Event(Event::Message { .. }) => self.delivered += 1,
                Output::Event(other @ (Event::Gone { .. } | Event::Delivered { .. } | Event::Room { .. })) => {
                    panic!("nobody leaves or is watched: {other:?}")
                }
                Output::Wait(until) => {
                    self.endpoint_deadline = until;
                    break;
                }
            }
        }
    }
}
