//! Belfry: the real endpoint behind a socket as the server drives it, and bare connections as clients.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use belfry_core::connection::{Body, Event};
use belfry_core::crypto::KeyPair;
use belfry_core::endpoint::{self, Config, Endpoint, Output, PeerId};
use belfry_core::net::{Clock, ReceiveBatch, SendBatch, UdpSocket};
use belfry_core::rng::Rng;
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_tests::caller::Caller;
use belfry_tests::pair::seeded;
use mio::{Events, Interest, Poll, Token};

use crate::{Ask, Clients, fan_out_body, ready, window};

/// What a peer is still owed.
struct Delivery {
    channel: Channel,
    body: Body,
    left: u32,
    /// What may follow before the peer says that more has arrived.
    open: u32,
}

pub(crate) fn serve() {
    let mut socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let mut poll = Poll::new().unwrap();
    poll.registry().register(&mut socket, Token(0), Interest::READABLE).unwrap();
    let clock = Clock::start();
    let mut rng = seeded(1);
    let config = Config { identity: KeyPair::generate(&mut rng), retired: Vec::new() };
    let mut endpoint = Endpoint::new(config, rng, clock.now().instant);
    let (mut inbox, mut outbox) = (ReceiveBatch::new(), SendBatch::new());
    let mut datagram = Vec::with_capacity(1500);
    let mut events = Events::with_capacity(8);
    let mut peers: BTreeMap<PeerId, Option<Delivery>> = BTreeMap::new();
    let notice: Body = fan_out_body().into();
    let mut deadline: Option<Instant> = None;
    let mut readable = true;
    ready(socket.local_addr().unwrap(), "-");
    loop {
        let wait = if readable { Some(Duration::ZERO) } else { deadline.map(|at| at.since(clock.now().instant)) };
        poll.poll(&mut events, wait).unwrap();
        let now = clock.now().instant;
        if readable || !events.is_empty() {
            readable = !inbox.receive(&socket).unwrap().drained;
            for (from, bytes) in inbox.iter_mut() {
                endpoint.handle_datagram(now, from, bytes);
            }
        }
        if deadline.is_some_and(|at| at <= now) {
            endpoint.handle_timeout(now);
        }
        deadline = loop {
            match endpoint.poll(now, &mut datagram) {
                Output::Transmit { to } => {
                    outbox.push(to, &datagram);
                    if outbox.is_full() {
                        outbox.flush(&socket);
                    }
                }
                Output::Event(endpoint::Event::Connected { peer, .. }) => {
                    peers.insert(peer, None);
                }
                Output::Event(endpoint::Event::Message { peer, body, .. }) => match Ask::decode(&body) {
                    Ask::Echo => endpoint.send(peer, Channel::Chat, body.into()).unwrap(),
                    Ask::Deliver { count, bytes } => {
                        let channel = if bytes > 1000 { Channel::History } else { Channel::Chat };
                        let body = Body::from(vec![7; bytes as usize]);
                        let delivery = peers.get_mut(&peer).unwrap().insert(Delivery { channel, body, left: count, open: window(bytes) });
                        deliver(&mut endpoint, peer, delivery);
                    }
                    Ask::Arrived { count } => {
                        let delivery = peers.get_mut(&peer).unwrap().as_mut().unwrap();
                        delivery.open += count;
                        deliver(&mut endpoint, peer, delivery);
                    }
                    Ask::FanOut => {
                        for &peer in peers.keys() {
                            endpoint.send(peer, Channel::Notice, notice.clone()).unwrap();
                        }
                    }
                },
                Output::Event(endpoint::Event::Delivered { .. } | endpoint::Event::Room { .. }) => {}
                Output::Event(gone @ endpoint::Event::Gone { .. }) => panic!("nobody leaves: {gone:?}"),
                Output::Wait(until) => break until,
            }
        };
        outbox.flush(&socket);
    }
}

fn deliver(endpoint: &mut Endpoint, peer: PeerId, delivery: &mut Delivery) {
    let now = delivery.left.min(delivery.open);
    for _ in 0..now {
        endpoint.send(peer, delivery.channel, delivery.body.clone()).unwrap();
    }
    delivery.left -= now;
    delivery.open -= now;
}

struct Line {
    socket: UdpSocket,
    caller: Caller,
    received: usize,
    /// While something is delivered: after how many messages the server is told.
    tell_every: Option<u32>,
    untold: u32,
}

struct Lines {
    server: SocketAddr,
    poll: Poll,
    events: Events,
    clock: Clock,
    lines: Vec<Line>,
    inbox: ReceiveBatch,
    outbox: SendBatch,
    rng: Rng,
}

pub(crate) fn clients(server: SocketAddr, _: &str) -> Box<dyn Clients> {
    Box::new(Lines {
        server,
        poll: Poll::new().unwrap(),
        events: Events::with_capacity(1024),
        clock: Clock::start(),
        lines: Vec::new(),
        inbox: ReceiveBatch::new(),
        outbox: SendBatch::new(),
        rng: seeded(2),
    })
}

impl Lines {
    /// Sends what a line has to say.
    fn transmit(&mut self, who: usize) {
        let now = self.clock.now().instant;
        let line = &mut self.lines[who];
        let mut datagram = Vec::with_capacity(1500);
        while line.caller.poll_transmit(now, &mut self.rng, &mut datagram) {
            self.outbox.push(self.server, &datagram);
        }
        self.outbox.flush(&line.socket);
    }

    /// Takes what has arrived for a line, and answers.
    fn receive_now(&mut self, who: usize) {
        let now = self.clock.now().instant;
        let line = &mut self.lines[who];
        let mut drained = false;
        while !drained {
            drained = self.inbox.receive(&line.socket).unwrap().drained;
            for (_, bytes) in self.inbox.iter_mut() {
                line.caller.handle_datagram(now, bytes, &mut self.rng);
            }
        }
        if let Some(connection) = line.caller.connection() {
            while let Some(event) = connection.poll_event() {
                let Event::Message { body, .. } = event else { panic!("{event:?}") };
                line.received += body.len();
                line.untold += 1;
                if let Some(count) = line.tell_every.filter(|&every| line.untold == every) {
                    line.untold = 0;
                    connection.send(Channel::Chat, Body::from(Ask::Arrived { count }.encode().to_vec())).unwrap();
                }
            }
        }
        self.transmit(who);
    }

    /// Sleeps until something comes or somebody's time has come, at most so long, and deals with it.
    fn turn(&mut self, at_most: Duration) {
        let now = self.clock.now().instant;
        // With many, whoever has a deadline is looked for only when nothing else is to be done.
        let due = |line: &mut Line| line.caller.connection().and_then(|connection| connection.next_timeout()).map(|(at, _)| at);
        let soonest = self.lines.iter_mut().filter_map(due).min();
        let wait = soonest.map_or(at_most, |at| at.since(now).min(at_most));
        self.poll.poll(&mut self.events, Some(wait)).unwrap();
        let woken: Vec<_> = self.events.iter().map(|event| event.token().0).collect();
        for who in woken {
            self.receive_now(who);
        }
        let now = self.clock.now().instant;
        if soonest.is_some_and(|at| at <= now) {
            for who in 0..self.lines.len() {
                if due(&mut self.lines[who]).is_some_and(|at| at <= now) {
                    if let Some(connection) = self.lines[who].caller.connection() {
                        connection.handle_timeout(now);
                    }
                    self.transmit(who);
                }
            }
        }
    }
}

impl Clients for Lines {
    fn connect(&mut self) {
        let who = self.lines.len();
        // An address each: admission lets only so many in from one.
        let [_, _, a, b] = (who as u32 + 1).to_be_bytes();
        let mut socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::new(127, 1, a, b), 0))).unwrap();
        self.poll.registry().register(&mut socket, Token(who), Interest::READABLE).unwrap();
        let caller = Caller::new(&mut self.rng);
        self.lines.push(Line { socket, caller, received: 0, tell_every: None, untold: 0 });
        self.transmit(who);
        while self.lines[who].caller.connection().is_none() {
            self.turn(Duration::from_secs(1));
        }
    }

    fn ask(&mut self, who: usize, ask: Ask) {
        let line = &mut self.lines[who];
        line.untold = 0;
        line.tell_every = if let Ask::Deliver { bytes, .. } = ask { Some(window(bytes) / 2) } else { None };
        line.caller.connection().unwrap().send(Channel::Chat, Body::from(ask.encode().to_vec())).unwrap();
        self.transmit(who);
    }

    fn receive(&mut self, who: usize, bytes: usize) {
        while self.lines[who].received < bytes {
            self.turn(Duration::from_secs(1));
        }
        self.lines[who].received -= bytes;
    }

    fn rest(&mut self, time: Duration) {
        let end = self.clock.now().instant + time;
        while self.clock.now().instant < end {
            let left = end.since(self.clock.now().instant);
            self.turn(left);
        }
    }
}
