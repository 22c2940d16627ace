//! ENet: ordered, reliable, not encrypted. Its host has no way to sleep until something comes, so it is given one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use rusty_enet::{EventNoRef, Host, HostSettings, Packet, PeerID};

use crate::{Ask, Clients, PEERS, fan_out_body, ready, resident_kib, window};

/// A host looks at its timers at least this often.
const TICK: Duration = Duration::from_millis(5);

/// A host and what wakes it.
struct Awake {
    host: Host<UdpSocket>,
    poll: Poll,
    events: Events,
    /// The host's socket a second time.
    _socket: mio::net::UdpSocket,
}

impl Awake {
    fn new() -> (Self, SocketAddr) {
        let socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = socket.local_addr().unwrap();
        let mut watched = mio::net::UdpSocket::from_std(socket.try_clone().unwrap());
        let host = Host::new(socket, HostSettings { peer_limit: PEERS + 1, channel_limit: 1, ..HostSettings::default() }).unwrap();
        let poll = Poll::new().unwrap();
        poll.registry().register(&mut watched, Token(0), Interest::READABLE).unwrap();
        (Self { host, poll, events: Events::with_capacity(8), _socket: watched }, address)
    }

    fn sleep(&mut self, at_most: Duration) {
        self.poll.poll(&mut self.events, Some(at_most.min(TICK))).unwrap();
    }

    fn next(&mut self) -> Option<EventNoRef> {
        self.host.service().unwrap().map(|event| event.no_ref())
    }

    fn send(&mut self, peer: PeerID, packet: &Packet) {
        self.host.peer_mut(peer).send(0, packet).unwrap();
    }
}

/// What a peer is still owed.
struct Delivery {
    packet: Packet,
    left: u32,
    open: u32,
}

pub(crate) fn serve() {
    // Its table of peers is made for all of them at once, so what they cost is counted from before it.
    let before = resident_kib(std::process::id());
    let (mut host, address) = Awake::new();
    ready(address, &before.to_string());
    let mut deliveries: BTreeMap<PeerID, Delivery> = BTreeMap::new();
    loop {
        host.sleep(TICK);
        while let Some(event) = host.next() {
            match event {
                EventNoRef::Connect { .. } => {}
                EventNoRef::Disconnect { .. } => panic!("nobody leaves"),
                EventNoRef::Receive { peer, packet, .. } => match Ask::decode(packet.data()) {
                    Ask::Echo => host.send(peer, &Packet::reliable(packet.data())),
                    Ask::Deliver { count, bytes } => {
                        let packet = Packet::reliable(vec![7_u8; bytes as usize].as_slice());
                        deliveries.insert(peer, Delivery { packet, left: count, open: window(bytes) });
                        deliver(&mut host, peer, deliveries.get_mut(&peer).unwrap());
                    }
                    Ask::Arrived { count } => {
                        let delivery = deliveries.get_mut(&peer).unwrap();
                        delivery.open += count;
                        deliver(&mut host, peer, delivery);
                    }
                    Ask::FanOut => host.host.broadcast(0, &Packet::reliable(fan_out_body().as_slice())),
                },
            }
        }
        host.host.flush();
    }
}

fn deliver(host: &mut Awake, peer: PeerID, delivery: &mut Delivery) {
    let now = delivery.left.min(delivery.open);
    for _ in 0..now {
        host.send(peer, &delivery.packet);
    }
    delivery.left -= now;
    delivery.open -= now;
}

#[derive(Default)]
struct Line {
    connected: bool,
    received: usize,
    tell_every: Option<u32>,
    untold: u32,
}

struct Lines {
    server: SocketAddr,
    host: Awake,
    lines: Vec<Line>,
}

pub(crate) fn clients(server: SocketAddr, _: &str) -> Box<dyn Clients> {
    Box::new(Lines { server, host: Awake::new().0, lines: Vec::new() })
}

impl Lines {
    fn turn(&mut self, at_most: Duration) {
        self.host.sleep(at_most);
        while let Some(event) = self.host.next() {
            match event {
                EventNoRef::Connect { peer, .. } => self.lines[peer.0].connected = true,
                EventNoRef::Disconnect { .. } => panic!("nobody leaves"),
                EventNoRef::Receive { peer, packet, .. } => {
                    let line = &mut self.lines[peer.0];
                    line.received += packet.data().len();
                    line.untold += 1;
                    if let Some(count) = line.tell_every.filter(|&every| line.untold == every) {
                        line.untold = 0;
                        self.host.send(peer, &Packet::reliable(Ask::Arrived { count }.encode().as_slice()));
                    }
                }
            }
        }
        self.host.host.flush();
    }
}

impl Clients for Lines {
    fn connect(&mut self) {
        let peer = self.host.host.connect(self.server, 1, 0).unwrap().id();
        assert_eq!(peer.0, self.lines.len());
        self.lines.push(Line::default());
        self.host.host.flush();
        while !self.lines[peer.0].connected {
            self.turn(TICK);
        }
    }

    fn ask(&mut self, who: usize, ask: Ask) {
        let line = &mut self.lines[who];
        line.untold = 0;
        line.tell_every = if let Ask::Deliver { bytes, .. } = ask { Some(window(bytes) / 2) } else { None };
        self.host.send(PeerID(who), &Packet::reliable(ask.encode().as_slice()));
        self.host.host.flush();
    }

    fn receive(&mut self, who: usize, bytes: usize) {
        while self.lines[who].received < bytes {
            self.turn(TICK);
        }
        self.lines[who].received -= bytes;
    }

    fn rest(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn(end.saturating_duration_since(Instant::now()));
        }
    }
}
