//! One caller at a real endpoint over a network that behaves as told: for what a connection alone cannot show, such as moving.

use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::connection::Event as CallerEvent;
use belfry_core::crypto::KeyPair;
use belfry_core::endpoint::{Config, Endpoint, Event, Output, PeerId};
use belfry_core::rng::{self, Rng};
use belfry_core::time::Instant;

use crate::arrivals::Arrivals;
use crate::caller::Caller;
use crate::pair::seeded;
use crate::weather::{Link, Weather};

/// A caller, an endpoint, the network between them.
#[derive(Debug)]
pub struct Line {
    /// The time, for everybody.
    pub now: Instant,
    /// The server's end.
    pub endpoint: Endpoint,
    /// The client's end.
    pub caller: Caller,
    /// Where the caller is.
    pub address: SocketAddr,
    /// What the endpoint has told, in order.
    pub told: Vec<Event>,
    /// What the caller's connection has told, in order.
    pub heard: Vec<CallerEvent>,
    /// The way to the endpoint.
    pub up: Link,
    /// The way to the caller.
    pub down: Link,
    /// Datagrams that left: whether for the endpoint, the caller's address, and the bytes.
    pub tape: Vec<(bool, SocketAddr, Vec<u8>)>,
    arrivals: Arrivals<(bool, SocketAddr, Vec<u8>)>,
    rng: Rng,
}

impl Line {
    /// A caller that has not called yet.
    pub fn new(weather: Weather, seed: u64) -> Self {
        let mut rng = seeded(seed);
        let now = Instant::from_micros(1_000_000_000);
        let config = Config { identity: KeyPair::generate(&mut rng), retired: vec![] };
        Self {
            now,
            endpoint: Endpoint::new(config, rng::fork(&mut rng), now),
            caller: Caller::new(&mut rng),
            address: SocketAddr::from(([192, 0, 2, 7], 5000)),
            told: Vec::new(),
            heard: Vec::new(),
            up: Link::new(weather, seed.wrapping_mul(2)),
            down: Link::new(weather, seed.wrapping_mul(2) + 1),
            tape: Vec::new(),
            arrivals: Arrivals::default(),
            rng,
        }
    }

    /// A caller that is connected, and by which name the endpoint knows it.
    pub fn connected(weather: Weather, seed: u64) -> (Self, PeerId) {
        let mut line = Self::new(Weather { delay: weather.delay, ..Weather::clear() }, seed);
        assert!(line.run_until(Duration::from_secs(30), |line| !line.told.is_empty()), "nobody connects");
        let peer = line.peer().expect("the first that is told");
        line.run_for(Duration::from_secs(1));
        line.up.set_weather(weather);
        line.down.set_weather(weather);
        line.tape.clear();
        (line, peer)
    }

    /// By which name the endpoint knows the caller.
    pub fn peer(&self) -> Option<PeerId> {
        self.told.iter().find_map(|event| if let Event::Connected { peer, .. } = event { Some(*peer) } else { None })
    }

    /// Bytes of messages that the caller has been told.
    pub fn heard_bytes(&self) -> usize {
        self.heard.iter().map(|event| if let CallerEvent::Message { body, .. } = event { body.len() } else { 0 }).sum()
    }

    /// Lets both ends say what they have; when either wants to be woken.
    fn drain(&mut self) -> Option<Instant> {
        let mut datagram = Vec::new();
        while self.caller.poll_transmit(self.now, &mut self.rng, &mut datagram) {
            self.tape.push((true, self.address, datagram.clone()));
            for (at, bytes) in self.up.carry(self.now, &datagram) {
                self.arrivals.add(self.now, at, (true, self.address, bytes));
            }
        }
        let mut soonest = None;
        if let Some(connection) = self.caller.connection() {
            while let Some(event) = connection.poll_event() {
                self.heard.push(event);
            }
            soonest = connection.next_timeout().map(|(at, _)| at);
        }
        loop {
            match self.endpoint.poll(self.now, &mut datagram) {
                Output::Transmit { to } => {
                    self.tape.push((false, to, datagram.clone()));
                    for (at, bytes) in self.down.carry(self.now, &datagram) {
                        self.arrivals.add(self.now, at, (false, to, bytes));
                    }
                }
                Output::Event(event) => self.told.push(event),
                Output::Wait(until) => return [soonest, until].into_iter().flatten().min(),
            }
        }
    }

    /// Runs until `done` holds or `within` has passed; whether it held.
    pub fn run_until(&mut self, within: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let until = self.now + within;
        loop {
            let deadline = self.drain();
            if done(self) {
                return true;
            }
            let Some(next) = [deadline, self.arrivals.next_at()].into_iter().flatten().min().filter(|&next| next <= until) else {
                self.now = self.now.max(until);
                return done(self);
            };
            self.now = self.now.max(next);
            while let Some((to_endpoint, address, mut bytes)) = self.arrivals.take(self.now) {
                if to_endpoint {
                    self.endpoint.handle_datagram(self.now, address, &mut bytes);
                } else if address == self.address {
                    self.caller.handle_datagram(self.now, &mut bytes, &mut self.rng);
                }
            }
            self.endpoint.handle_timeout(self.now);
            if let Some(connection) = self.caller.connection() {
                connection.handle_timeout(self.now);
            }
        }
    }

    /// Runs for `time`.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }
}
