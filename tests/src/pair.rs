//! Two real connections, a network between them that behaves as told, and a clock that only the test moves.

use std::time::Duration;

use belfry_core::connection::{Body, Connection, Established, Event, Side, Verdict};
use belfry_core::crypto::{DataKey, Initiator, KeyPair, Responder, Suite};
use belfry_core::rng::{self, Rng};
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_core::wire::datagram::{self, ConnectionId, Datagram};

use crate::arrivals::Arrivals;
use crate::weather::{Link, Weather};

/// One end and what came out of it.
#[derive(Debug)]
pub struct End {
    /// The machine.
    pub connection: Connection,
    /// What it has told, in order, and not been asked for yet.
    pub events: Vec<Event>,
    /// Datagrams it has sent.
    pub sent: u64,
    /// Bytes of them.
    pub sent_bytes: u64,
    /// The weather on the way to the other end.
    pub link: Link,
}

/// A client, a server, the network between them.
#[derive(Debug)]
pub struct Pair {
    /// The time, for everybody.
    pub now: Instant,
    /// The side that speaks first.
    pub client: End,
    /// The side that answers.
    pub server: End,
    /// Datagrams on their way, by arrival and then by departure.
    in_flight: Arrivals<(Side, Vec<u8>)>,
    rng: Rng,
    /// Times that a machine was woken by its own deadline.
    pub wakes: u64,
    /// Every datagram that left, and whom it was for, if a test wants to know.
    pub tape: Option<Vec<(Side, Vec<u8>)>>,
}

/// By which number the client wants to be addressed.
pub const CLIENT: ConnectionId = ConnectionId(7);
/// By which number the server wants to be addressed.
pub const SERVER: ConnectionId = ConnectionId(9);

/// The client's and the server's machine just after the handshake, addressed as [`CLIENT`] and [`SERVER`].
pub fn connect(suite: Suite, now: Instant, rng: &mut Rng) -> [Connection; 2] {
    let [(client_seals, client_opens), (server_seals, server_opens)] = shake_hands(suite, rng);
    let client = Established { side: Side::Client, remote: SERVER, sealing: client_seals, opening: client_opens };
    let server = Established { side: Side::Server, remote: CLIENT, sealing: server_seals, opening: server_opens };
    [client, server].map(|established| Connection::new(established, now, rng))
}

impl Pair {
    /// A pair that has just shaken hands, with this weather in both directions.
    pub fn new(weather: Weather, seed: u64) -> Self {
        let mut rng = seeded(seed);
        let now = Instant::from_micros(1_000_000);
        let [client, server] = connect(Suite::ChaCha20Poly1305, now, &mut rng);
        let end = |connection, seed| End { connection, events: Vec::new(), sent: 0, sent_bytes: 0, link: Link::new(weather, seed) };
        let (client, server) = (end(client, seed.wrapping_mul(2)), end(server, seed.wrapping_mul(2) + 1));
        Self { now, client, server, in_flight: Arrivals::default(), rng, wakes: 0, tape: None }
    }

    /// Both sides make new keys, the client first.
    pub fn change_keys(&mut self) {
        let [(client_seals, client_opens), (server_seals, server_opens)] = shake_hands(Suite::ChaCha20Poly1305, &mut self.rng);
        self.server.connection.prepare_keys(server_seals, server_opens);
        self.client.connection.change_keys(self.now, client_seals, client_opens);
    }

    /// The machine of one side.
    pub fn end_mut(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Queues a message at one side.
    pub fn send(&mut self, from: Side, channel: Channel, body: impl Into<Body>) {
        self.end_mut(from).connection.send(channel, body.into()).expect("the connection is open");
    }

    /// Lets both machines say and send what they have.
    fn drain(&mut self) {
        let mut datagram = Vec::new();
        for (side, other) in [(Side::Client, Side::Server), (Side::Server, Side::Client)] {
            loop {
                let now = self.now;
                let end = match side {
                    Side::Client => &mut self.client,
                    Side::Server => &mut self.server,
                };
                while let Some(event) = end.connection.poll_event() {
                    end.events.push(event);
                }
                if !end.connection.poll_transmit(now, &mut self.rng, &mut datagram) {
                    break;
                }
                end.sent += 1;
                end.sent_bytes += datagram.len() as u64;
                if let Some(tape) = &mut self.tape {
                    tape.push((other, datagram.clone()));
                }
                for (at, bytes) in end.link.carry(now, &datagram) {
                    self.in_flight.add(now, at, (other, bytes));
                }
            }
        }
    }

    /// Moves the clock to the next thing that happens and lets it happen; `false` when nothing ever will.
    pub fn step(&mut self) -> bool {
        self.drain();
        let deadlines = [&self.client, &self.server].map(|end| end.connection.next_timeout().map(|(at, _)| at));
        let arrival = self.in_flight.next_at();
        let Some(next) = deadlines.into_iter().chain([arrival]).flatten().min() else { return false };
        self.now = self.now.max(next);
        let now = self.now;
        while let Some((to, bytes)) = self.in_flight.take(now) {
            self.deliver(to, bytes);
        }
        for side in [Side::Client, Side::Server] {
            let end = self.end_mut(side);
            if end.connection.next_timeout().is_some_and(|(at, _)| at <= now) {
                end.connection.handle_timeout(now);
                let next = end.connection.next_timeout();
                // Otherwise a driver would spin.
                assert!(next.is_none_or(|(at, _)| at > now), "{side:?} wants to be woken for {next:?} again at {now:?}");
                self.wakes += 1;
            }
        }
        self.drain();
        true
    }

    /// Hands a datagram to one side, as if it had just arrived there; what it made of it, `None` if it was not even for that side.
    pub fn deliver(&mut self, to: Side, mut bytes: Vec<u8>) -> Option<Verdict> {
        let now = self.now;
        let addressee = match to {
            Side::Client => CLIENT,
            Side::Server => SERVER,
        };
        if let Ok(Datagram::Protected(head)) = datagram::decode(&bytes)
            && head.to == addressee
        {
            let end = match to {
                Side::Client => &mut self.client,
                Side::Server => &mut self.server,
            };
            return Some(end.connection.handle_datagram(now, head, &mut bytes, &mut self.rng));
        }
        None
    }

    /// Runs for `time`.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        self.run_until(until, |_| false);
    }

    /// Runs until `done` holds or `until` has come; whether it held.
    pub fn run_until(&mut self, until: Instant, mut done: impl FnMut(&Self) -> bool) -> bool {
        loop {
            self.drain();
            if done(self) {
                return true;
            }
            let deadlines = [&self.client, &self.server].map(|end| end.connection.next_timeout().map(|(at, _)| at));
            let arrival = self.in_flight.next_at();
            match deadlines.into_iter().chain([arrival]).flatten().min() {
                Some(next) if next <= until => {
                    self.step();
                }
                _ => {
                    self.now = self.now.max(until);
                    return done(self);
                }
            }
        }
    }

    /// Datagrams on their way now.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Changes the weather in both directions from now on.
    pub fn set_weather(&mut self, weather: Weather, seed: u64) {
        self.client.link = Link::new(weather, seed.wrapping_mul(2));
        self.server.link = Link::new(weather, seed.wrapping_mul(2) + 1);
    }
}

impl End {
    /// Takes the bodies of the messages of one channel that were delivered.
    pub fn messages(&mut self, of: Channel) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        self.events.retain_mut(|event| match event {
            Event::Message { channel, body, .. } if *channel == of => {
                bodies.push(core::mem::take(body));
                false
            }
            _ => true,
        });
        bodies
    }
}

/// The generator of a numbered run.
pub fn seeded(seed: u64) -> Rng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    rng::from_seed(bytes)
}

/// The keys of client and server after a handshake, each (sealing, opening).
fn shake_hands(suite: Suite, rng: &mut Rng) -> [(DataKey, DataKey); 2] {
    let (device, identity) = (KeyPair::generate(rng), KeyPair::generate(rng));
    let (mut initiator, first) = Initiator::start(rng, &device, &identity.public(), &[0; 32], b"pair", b"").expect("a first message");
    let (responder, _, _) = Responder::read(rng, &identity, &[0; 32], b"pair", &first).expect("it is read");
    let (second, server) = responder.respond(b"").expect("a second message");
    let (_, client) = initiator.finish(&second).expect("it is read");
    let (server_opens, server_seals) = server.keys(suite);
    [client.keys(suite), (server_seals, server_opens)]
}
