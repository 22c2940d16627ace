//! Two real connections, a plan of what they do, and a network that does its worst.

use std::collections::BTreeMap;
use std::time::Duration;

use belfry_core::connection::{Event, Side, Verdict};
use belfry_core::limits::{FILE_WINDOW_BYTES, HEARTBEAT_TIMEOUT};
use belfry_core::wire::{Channel, CloseCode};

use super::{Plan, noise};
use crate::pair::Pair;
use crate::weather::{Burst, Weather};

/// What one side has been given to send and the other has told, channel by channel.
#[derive(Debug, Default)]
struct Way {
    sent: [Vec<u32>; Channel::COUNT],
    delivered: [Vec<u32>; Channel::COUNT],
    resynced: [bool; Channel::COUNT],
    /// Bytes sent since everything had arrived.
    queued: [u64; Channel::COUNT],
}

/// Bytes → what two machines do and what happens to them; then everything that is promised of a connection.
pub fn session_pair(data: &[u8]) {
    Story::new(data).run(data);
}

/// What is allowed to happen in a story: a fuzzer that knows of a weakness looks elsewhere for the next.
struct Story {
    pair: Pair,
    /// To the server, to the client.
    ways: [Way; 2],
    closed_by_plan: bool,
    jumped: bool,
}

fn index(to: Side) -> usize {
    usize::from(to == Side::Client)
}

/// A message that says which it is and has bytes that follow from that.
fn body(number: u32, length: usize) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend((4..length).map(|at| (number as usize * 31 + at * 7) as u8));
    body
}

impl Story {
    fn new(data: &[u8]) -> Self {
        let near = Weather { delay: Duration::from_millis(1), ..Weather::clear() };
        let mut pair = Pair::new(near, u64::from(crc32fast::hash(data)));
        pair.tape = Some(Vec::new());
        for side in [Side::Client, Side::Server] {
            pair.end_mut(side).connection.set_file_window(FILE_WINDOW_BYTES);
        }
        Self { pair, ways: Default::default(), closed_by_plan: false, jumped: false }
    }

    fn run(&mut self, data: &[u8]) {
        let mut plan = Plan(data);
        let mut acts = 0;
        while !plan.is_over() && acts < 200 {
            acts += 1;
            self.act(&mut plan);
            self.listen();
        }
        // The weather clears; whatever can still arrive does.
        self.pair.set_weather(Weather { delay: Duration::from_millis(1), ..Weather::clear() }, 7);
        for _ in 0..120 {
            self.pair.run_for(Duration::from_secs(1));
            self.listen();
        }
        self.judge();
    }

    fn act(&mut self, plan: &mut Plan<'_>) {
        let what = plan.byte();
        let side = if what & 0x80 == 0 { Side::Client } else { Side::Server };
        match what & 0x0f {
            0..=2 => self.send(side, plan, 1),
            3 => {
                let many = 1 + usize::from(plan.byte());
                self.send(side, plan, many);
            }
            4..=7 => self.pair.run_for(Duration::from_micros(u64::from(plan.number()) * 50)),
            8 => self.pair.run_for(Duration::from_millis(plan.number().into())),
            9 | 10 => self.pair.set_weather(weather(plan), u64::from(plan.byte())),
            11 => self.replay(side, plan, false),
            12 => self.replay(side, plan, true),
            13 if what & 0x40 == 0 => self.pair.end_mut(side).connection.ping(),
            13 => {
                // A client makes a handshake for new keys only when the last ones are in use on both sides.
                let [client, server] = [&self.pair.client, &self.pair.server].map(|end| end.connection.stats().key_changes);
                if client == server && !self.closed_by_plan {
                    self.pair.change_keys();
                }
            }
            14 => {
                // The computer slept, or the clock was set; never for so long that the other side must give it up.
                self.jumped = true;
                let span = HEARTBEAT_TIMEOUT / 4 * u32::from(plan.byte()) / 256;
                self.pair.now = if what & 0x40 == 0 { self.pair.now + span } else { self.pair.now };
            }
            _ => {
                if plan.byte() == 0xff {
                    self.closed_by_plan = true;
                    let now = self.pair.now;
                    self.pair.end_mut(side).connection.close(now, CloseCode::NO_ERROR);
                }
            }
        }
    }

    fn send(&mut self, from: Side, plan: &mut Plan<'_>, count: usize) {
        let to = from.other();
        let channel = Channel::ALL[usize::from(plan.byte()) % Channel::COUNT];
        let size = usize::from(plan.number());
        let longest = match to {
            Side::Server => channel.message_bytes_to_server_max(),
            Side::Client => channel.message_bytes_to_client_max(),
        };
        if self.pair.end_mut(from).connection.is_idle() {
            self.ways[index(to)].queued = Default::default();
        }
        for _ in 0..count {
            let way = &mut self.ways[index(to)];
            let sent = &mut way.sent[usize::from(channel.number())];
            let number = sent.len() as u32;
            let length = if count == 1 { size } else { size % 2000 };
            let body = body(number, length.min(longest).max(4));
            // What happens when a queue is full has scenarios of its own.
            let queued = &mut way.queued[usize::from(channel.number())];
            if *queued + body.len() as u64 > channel.queue_bytes_max() {
                return;
            }
            *queued += body.len() as u64;
            if self.pair.end_mut(from).connection.send(channel, body.into()).is_ok() {
                sent.push(number);
            }
        }
    }

    /// Something from the tape again, as it was or damaged: nothing happens.
    fn replay(&mut self, to: Side, plan: &mut Plan<'_>, damaged: bool) {
        self.pair.run_for(Duration::from_micros(1));
        self.listen();
        let at = usize::from(plan.number());
        let tape: Vec<_> = self.pair.tape.iter().flatten().filter(|(whom, _)| *whom == to || damaged).collect();
        let Some((_, bytes)) = tape.get(at % tape.len().max(1)) else { return };
        let mut bytes = bytes.clone();
        if damaged {
            let bit = usize::from(plan.number()) % (bytes.len() * 8);
            match plan.byte() % 3 {
                0 => bytes[bit / 8] ^= 1 << (bit % 8),
                1 => bytes.truncate(bit / 8),
                _ => bytes.push(bit as u8),
            }
            let verdict = self.pair.deliver(to, bytes);
            assert!(!matches!(verdict, Some(Verdict::Authentic { .. })), "a damaged datagram was taken for a true one");
        } else {
            // The first copy may have been lost: then this one is simply late.
            self.pair.deliver(to, bytes);
        }
    }

    fn listen(&mut self) {
        for to in [Side::Client, Side::Server] {
            let way = &mut self.ways[index(to)];
            for event in std::mem::take(&mut self.pair.end_mut(to).events) {
                match event {
                    Event::Message { channel, body: heard, .. } => {
                        let at = usize::from(channel.number());
                        let number = u32::from_le_bytes(heard[..4].try_into().expect("four bytes"));
                        let delivered = &mut way.delivered[at];
                        let expected = delivered.last().map_or(0, |last| last + 1);
                        if way.resynced[at] {
                            assert!(number >= expected, "{channel:?}: {number} again, or out of order");
                        } else {
                            assert_eq!(number, expected, "{channel:?}: once and in order");
                        }
                        assert!((number as usize) < way.sent[at].len(), "{channel:?}: {number} was never sent");
                        assert!(heard == body(number, heard.len()), "{channel:?}: {number} is not as it was sent");
                        delivered.push(number);
                    }
                    Event::Resync(channel) => way.resynced[usize::from(channel.number())] = true,
                    Event::Closed(code) => {
                        assert!(self.closed_by_plan && code == CloseCode::NO_ERROR, "{to:?}: an honest peer was closed with {code:?}");
                    }
                    Event::Ended => assert!(self.closed_by_plan, "{to:?}: it ended by itself"),
                    // A client says so and goes on; a server is over with it.
                    Event::Silent => assert!(to == Side::Client || self.closed_by_plan, "the server gave up a client that was there"),
                    Event::Delivered(_) | Event::GoAway { .. } | Event::KeyAnnounced(_) => panic!("nobody said that"),
                }
            }
        }
    }

    fn judge(&self) {
        // One number never protects two datagrams under one key: the numbers on the wire are the nonces.
        let mut sealed: BTreeMap<(usize, [u8; 4]), &[u8]> = BTreeMap::new();
        for (to, bytes) in self.pair.tape.iter().flatten() {
            let number = bytes[5..9].try_into().expect("a head");
            let before = sealed.insert((index(*to), number), bytes);
            assert!(before.is_none_or(|before| before == bytes), "a packet number was used twice");
        }
        if self.closed_by_plan {
            assert!(
                self.pair.client.connection.is_over() || self.pair.server.connection.is_over(),
                "nobody is over two minutes after a goodbye"
            );
            return;
        }
        for to in [Side::Client, Side::Server] {
            let way = &self.ways[index(to)];
            for channel in Channel::ALL {
                let at = usize::from(channel.number());
                let (sent, delivered) = (&way.sent[at], &way.delivered[at]);
                // A client has no notices to send: it has no credit for them.
                if channel == Channel::Notice && to == Side::Server {
                    continue;
                }
                assert_eq!(delivered.last(), sent.last(), "to {to:?} on {channel:?}: {} of {} arrived", delivered.len(), sent.len());
            }
        }
    }
}

fn weather(plan: &mut Plan<'_>) -> Weather {
    let mut share = |most: f64| f64::from(plan.byte()) / 255.0 * most;
    let (loss, duplicate, reorder, corrupt, truncate) = (share(0.5), share(0.3), share(0.5), share(0.2), share(0.1));
    let kind = plan.byte();
    Weather {
        loss,
        duplicate,
        reorder,
        corrupt,
        truncate,
        burst: (kind & 1 != 0).then_some(Burst { good: 50.0, bad: 5.0 }),
        reorder_delay: Duration::from_millis(u64::from(plan.byte())),
        delay: Duration::from_millis(u64::from(plan.byte()) / 4),
        jitter: Duration::from_millis(u64::from(plan.byte()) / 8),
        ..Weather::clear()
    }
}

pub(super) fn plans() -> Vec<Vec<u8>> {
    noise(40, 160)
}
