//! The chaos relay: a real UDP relay with real weather, between real clients and one real server.
//!
//! Clients speak to the relay's address instead of the server's. Each has a socket of its own towards the server, so that the server
//! sees as many addresses as there are clients. Either direction of each client is a [`Link`] of its own, all seeded from one seed in
//! the order in which clients appear. One thread does everything.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use belfry_core::net::{Clock, ReceiveBatch, UdpSocket};
use belfry_core::rng::{Random, Rng, from_seed};
use belfry_core::time::Instant;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::weather::{Counters, Link, Weather};

/// Clients at one time. One more makes the relay forget the one that has been silent for longest.
pub const CLIENTS_MAX: usize = 1024;

/// Datagrams on their way at one time. One more is lost.
pub const UNDERWAY_MAX: usize = 65_536;

const FRONT: Token = Token(0);
const WAKER: Token = Token(1);
/// Clients' tokens follow; each is used once.
const FIRST_CLIENT: usize = 2;

/// A running relay; stops when dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    orders: Sender<Order>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

/// What has happened so far, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From clients to the server.
    pub up: Counters,
    /// From the server to clients.
    pub down: Counters,
    /// Lost while partitioned.
    pub partitioned: u64,
    /// Lost because [`UNDERWAY_MAX`] datagrams were on their way.
    pub overflowed: u64,
    /// Clients seen, those forgotten included.
    pub clients: u64,
}

enum Order {
    SetWeather(Box<Weather>),
    Partition(bool),
    Count(Sender<Traffic>),
    Stop,
}

impl Relay {
    /// A relay at a port of the loopback interface that the system chooses.
    ///
    /// # Errors
    /// The system has no socket or thread to give.
    pub fn start(server: SocketAddr, weather: Weather, seed: u64) -> io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), server, weather, seed)
    }

    /// A relay at a given address.
    ///
    /// # Errors
    /// The address is in use, or the system has no socket or thread to give.
    pub fn start_at(listen: SocketAddr, server: SocketAddr, weather: Weather, seed: u64) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut front = UdpSocket::bind(listen)?;
        let address = front.local_addr()?;
        poll.registry().register(&mut front, FRONT, Interest::READABLE)?;
        let (orders, orders_out) = channel();
        let mut bytes = [0; 32];
        for (byte, part) in bytes.iter_mut().zip(seed.to_le_bytes()) {
            *byte = part;
        }
        let ground = Ground {
            server,
            weather,
            partition: false,
            rng: from_seed(bytes),
            clock: Clock::start(),
            front,
            inbox: ReceiveBatch::new(),
            clients: BTreeMap::new(),
            tokens: BTreeMap::new(),
            next_token: FIRST_CLIENT,
            underway: BTreeMap::new(),
            departures: 0,
            traffic: Traffic::default(),
        };
        // The thread holds the waker too: one that is gone before the thread has woken wakes nobody.
        let waker_held = Arc::clone(&waker);
        let thread = thread::Builder::new().name("chaos-relay".to_owned()).spawn(move || {
            ground.run(poll, &orders_out);
            drop(waker_held);
        })?;
        Ok(Self { address, orders, waker, thread: Some(thread) })
    }

    /// Where clients find the relay.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather for everybody. What is on its way arrives as it would have.
    pub fn set_weather(&self, weather: Weather) {
        self.order(Order::SetWeather(Box::new(weather)));
    }

    /// Cuts everybody off from the server, or heals it. What is on its way is lost at its arrival.
    pub fn partition(&self, partitioned: bool) {
        self.order(Order::Partition(partitioned));
    }

    /// What has happened so far; nothing when the relay's thread has ended.
    pub fn traffic(&self) -> Traffic {
        let (answer, answered) = channel();
        self.order(Order::Count(answer));
        answered.recv().unwrap_or_default()
    }

    fn order(&self, order: Order) {
        // A thread that has ended takes no orders, and the tests' own assertions say so loudly enough.
        let _ = self.orders.send(order);
        let _ = self.waker.wake();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct ClientSide {
    token: Token,
    back: UdpSocket,
    up: Link,
    down: Link,
    heard: Instant,
}

/// A datagram on its way.
struct Flight {
    client: SocketAddr,
    up: bool,
    datagram: Vec<u8>,
}

/// What the relay's thread works with.
struct Ground {
    server: SocketAddr,
    weather: Weather,
    partition: bool,
    rng: Rng,
    clock: Clock,
    front: UdpSocket,
    inbox: ReceiveBatch,
    clients: BTreeMap<SocketAddr, ClientSide>,
    tokens: BTreeMap<Token, SocketAddr>,
    next_token: usize,
    /// By arrival, then by departure.
    underway: BTreeMap<(Instant, u64), Flight>,
    departures: u64,
    /// What is not counted by the links of clients that are still here.
    traffic: Traffic,
}

impl Ground {
    fn run(mut self, mut poll: Poll, orders: &Receiver<Order>) {
        let mut events = Events::with_capacity(1024);
        // Readable sockets that have not been drained: mio reports each change once.
        let mut readable = vec![FRONT];
        loop {
            for order in orders.try_iter() {
                match order {
                    Order::SetWeather(weather) => self.set_weather(*weather),
                    Order::Partition(partition) => self.partition = partition,
                    Order::Count(answer) => {
                        let _ = answer.send(self.count());
                    }
                    Order::Stop => return,
                }
            }
            let now = self.clock.now().instant;
            readable.retain(|&token| !self.receive(now, token, &poll));
            self.deliver(now);
            let wait = if readable.is_empty() {
                self.underway.first_key_value().map(|(&(at, _), _)| at.since(self.clock.now().instant))
            } else {
                Some(Duration::ZERO)
            };
            match poll.poll(&mut events, wait) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
            for token in events.iter().map(mio::event::Event::token) {
                if token != WAKER && !readable.contains(&token) {
                    readable.push(token);
                }
            }
        }
    }

    /// Receives one batch from a socket, and says whether it is drained.
    fn receive(&mut self, now: Instant, token: Token, poll: &Poll) -> bool {
        let known = self.tokens.get(&token).copied();
        let socket = match known.and_then(|client| self.clients.get(&client)) {
            Some(client) => &client.back,
            None if token == FRONT => &self.front,
            None => return true,
        };
        // An error is about a datagram sent before; the socket goes on.
        let drained = self.inbox.receive(socket).is_ok_and(|received| received.drained);
        let batch: Vec<_> = self.inbox.iter_mut().map(|(from, datagram)| (from, datagram.to_vec())).collect();
        for (from, datagram) in batch {
            match known {
                Some(client) if from == self.server => self.carry(now, client, false, &datagram),
                Some(_) => {}
                None => {
                    if self.clients.contains_key(&from) || self.welcome(now, from, poll).is_ok() {
                        self.carry(now, from, true, &datagram);
                    }
                }
            }
        }
        drained
    }

    /// Gives a new client its socket and its links.
    fn welcome(&mut self, now: Instant, client: SocketAddr, poll: &Poll) -> io::Result<()> {
        if self.clients.len() >= CLIENTS_MAX {
            self.forget_the_most_silent();
        }
        let token = Token(self.next_token);
        let mut back = UdpSocket::bind_client()?;
        poll.registry().register(&mut back, token, Interest::READABLE)?;
        self.next_token += 1;
        self.traffic.clients += 1;
        self.tokens.insert(token, client);
        let (up, down) = (Link::new(self.weather, self.rng.next_u64()), Link::new(self.weather, self.rng.next_u64()));
        self.clients.insert(client, ClientSide { token, back, up, down, heard: now });
        Ok(())
    }

    fn forget_the_most_silent(&mut self) {
        let silent = self.clients.iter().min_by_key(|(_, side)| side.heard).map(|(&client, _)| client);
        if let Some(side) = silent.and_then(|client| self.clients.remove(&client)) {
            self.tokens.remove(&side.token);
            self.traffic.up += side.up.counters();
            self.traffic.down += side.down.counters();
        }
    }

    fn carry(&mut self, now: Instant, client: SocketAddr, up: bool, datagram: &[u8]) {
        if self.partition {
            self.traffic.partitioned += 1;
            return;
        }
        let Some(side) = self.clients.get_mut(&client) else { return };
        if up {
            side.heard = now;
        }
        let link = if up { &mut side.up } else { &mut side.down };
        for (at, datagram) in link.carry(now, datagram) {
            if self.underway.len() >= UNDERWAY_MAX {
                self.traffic.overflowed += 1;
                continue;
            }
            self.departures += 1;
            self.underway.insert((at, self.departures), Flight { client, up, datagram });
        }
    }

    /// Sends what has arrived by now. A datagram that the system refuses is lost.
    fn deliver(&mut self, now: Instant) {
        while let Some(first) = self.underway.first_entry().filter(|first| first.key().0 <= now) {
            let Flight { client, up, datagram } = first.remove();
            if self.partition {
                self.traffic.partitioned += 1;
            } else if !up {
                let _ = self.front.send_to(&datagram, client);
            } else if let Some(side) = self.clients.get(&client) {
                let _ = side.back.send_to(&datagram, self.server);
            }
        }
    }

    fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
        for side in self.clients.values_mut() {
            side.up.set_weather(weather);
            side.down.set_weather(weather);
        }
    }

    fn count(&self) -> Traffic {
        let mut traffic = self.traffic;
        for side in self.clients.values() {
            traffic.up += side.up.counters();
            traffic.down += side.down.counters();
        }
        traffic
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket as StdSocket;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A socket at the loopback interface that gives up waiting.
    fn socket() -> StdSocket {
        let socket = StdSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    fn receive(socket: &StdSocket) -> (Vec<u8>, SocketAddr) {
        let mut datagram = [0; 2048];
        let (bytes, from) = socket.recv_from(&mut datagram).unwrap();
        (datagram[..bytes].to_vec(), from)
    }

    /// Asks for the counters until they please.
    fn traffic_when(relay: &Relay, pleases: impl Fn(&Traffic) -> bool) -> Traffic {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let traffic = relay.traffic();
            if pleases(&traffic) || std::time::Instant::now() > deadline {
                return traffic;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn in_clear_weather_every_client_has_its_own_way_to_the_server_and_back() {
        let server = socket();
        let relay = Relay::start(server.local_addr().unwrap(), Weather::clear(), 1).unwrap();
        let clients = [socket(), socket()];
        let mut seen = Vec::new();
        for (number, client) in clients.iter().enumerate() {
            client.send_to(&[number as u8], relay.address()).unwrap();
            let (datagram, from) = receive(&server);
            assert_eq!(datagram, [number as u8]);
            seen.push(from);
        }
        assert_ne!(seen[0], seen[1]);
        for (number, (client, from)) in clients.iter().zip(&seen).enumerate() {
            server.send_to(&[number as u8 + 10], from).unwrap();
            assert_eq!(receive(client), (vec![number as u8 + 10], relay.address()));
        }
        let traffic = relay.traffic();
        assert_eq!((traffic.clients, traffic.up.delivered, traffic.down.delivered), (2, 2, 2));
    }

    #[test]
    fn a_storm_loses_about_a_fifth() {
        let server = socket();
        let relay = Relay::start(server.local_addr().unwrap(), Weather::storm(), 1).unwrap();
        let client = socket();
        let (mut offered, mut traffic) = (0, Traffic::default());
        while offered < 2000 {
            for _ in 0..100 {
                client.send_to(b"anybody there?", relay.address()).unwrap();
            }
            offered += 100;
            traffic = traffic_when(&relay, |traffic| traffic.up.offered == offered);
        }
        assert_eq!(traffic.up.offered, 2000);
        assert!((320..480).contains(&traffic.up.lost), "{traffic:?}");
        assert!(!receive(&server).0.is_empty());
    }

    #[test]
    fn a_partition_stops_everything_until_it_heals() {
        let server = socket();
        let relay = Relay::start(server.local_addr().unwrap(), Weather::clear(), 1).unwrap();
        let client = socket();
        relay.partition(true);
        client.send_to(b"lost", relay.address()).unwrap();
        assert_eq!(traffic_when(&relay, |traffic| traffic.partitioned == 1).partitioned, 1);
        relay.partition(false);
        client.send_to(b"arrives", relay.address()).unwrap();
        assert_eq!(receive(&server).0, b"arrives");
    }

    #[test]
    fn strangers_cannot_speak_in_the_servers_name() {
        let server = socket();
        let relay = Relay::start(server.local_addr().unwrap(), Weather::clear(), 1).unwrap();
        let client = socket();
        client.send_to(b"hello", relay.address()).unwrap();
        let (_, from) = receive(&server);
        socket().send_to(b"a lie", from).unwrap();
        server.send_to(b"the truth", from).unwrap();
        assert_eq!(receive(&client).0, b"the truth");
    }

    #[test]
    fn the_weather_can_change_for_everybody() {
        let server = socket();
        let relay = Relay::start(server.local_addr().unwrap(), Weather { loss: 1.0, ..Weather::clear() }, 1).unwrap();
        let client = socket();
        client.send_to(b"lost", relay.address()).unwrap();
        assert_eq!(traffic_when(&relay, |traffic| traffic.up.lost == 1).up.lost, 1);
        relay.set_weather(Weather::clear());
        client.send_to(b"arrives", relay.address()).unwrap();
        assert_eq!(receive(&server).0, b"arrives");
    }
}
