//! Two connections facing each other.

use std::time::Duration;

use belfry_core::connection::{Body, Connection, Event};
use belfry_core::crypto::Suite;
use belfry_core::limits::ACK_DELAY_MAX;
use belfry_core::rng::Rng;
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_core::wire::datagram::{self, Datagram};
use belfry_tests::measure::{cpu_of, heading, table};
use belfry_tests::pair::{connect, seeded};

/// Pairs that take the same step at once, between two readings of the clock.
const PAIRS: usize = 64;

/// One end with the datagrams that wait for the other.
struct End {
    connection: Connection,
    departed: Vec<Vec<u8>>,
    /// Buffers that can be used again, as a driver's are.
    spare: Vec<Vec<u8>>,
    delivered: usize,
    rng: Rng,
}

impl End {
    fn pair(suite: Suite, now: Instant, seed: u64) -> [Self; 2] {
        let mut rng = seeded(seed);
        connect(suite, now, &mut rng).map(|connection| Self {
            connection,
            departed: Vec::new(),
            spare: Vec::new(),
            delivered: 0,
            rng: seeded(seed + 1),
        })
    }

    /// One turn as a driver takes it: datagrams in, time, events out, datagrams out.
    fn turn(&mut self, now: Instant, other: &mut Self) {
        for mut bytes in other.departed.drain(..) {
            let Ok(Datagram::Protected(head)) = datagram::decode(&bytes) else { panic!("a datagram of a connection") };
            self.connection.handle_datagram(now, head, &mut bytes, &mut self.rng);
            other.spare.push(bytes);
        }
        if self.connection.next_timeout().is_some_and(|(at, _)| at <= now) {
            self.connection.handle_timeout(now);
        }
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Message { .. } => self.delivered += 1,
                other => panic!("{other:?}"),
            }
        }
        self.transmit(now);
    }

    fn transmit(&mut self, now: Instant) {
        loop {
            let mut bytes = self.spare.pop().unwrap_or_default();
            if !self.connection.poll_transmit(now, &mut self.rng, &mut bytes) {
                self.spare.push(bytes);
                return;
            }
            self.departed.push(bytes);
        }
    }

    fn say(&mut self, channel: Channel, body: Body) {
        self.connection.send(channel, body).unwrap();
    }
}

fn pairs(suite: Suite) -> (Instant, Vec<[End; 2]>) {
    let now = Instant::from_micros(1_000_000);
    let mut pairs: Vec<_> = (0..PAIRS as u64).map(|seed| End::pair(suite, now, seed)).collect();
    // The first packets, which confirm the keys, are no part of what is measured.
    for [client, server] in &mut pairs {
        client.transmit(now);
        server.turn(now, client);
        client.turn(now, server);
    }
    (now, pairs)
}

pub(crate) fn round_trip() {
    const ROUNDS: usize = 300;
    heading("one request and its answer, 64 bytes each");
    for suite in [Suite::ChaCha20Poly1305, Suite::Aes256Gcm] {
        let (mut now, mut pairs) = pairs(suite);
        let names = [format!("client, {suite:?}"), format!("server, {suite:?}")];
        table(names.each_ref().map(String::as_str), PAIRS * ROUNDS, || {
            let mut used = [Duration::ZERO; 2];
            for _ in 0..ROUNDS {
                now = now + Duration::from_micros(100);
                used[0] += cpu_of(|| {
                    for [client, _] in &mut pairs {
                        client.say(Channel::Chat, [7; 64].into());
                        client.transmit(now);
                    }
                })
                .0;
                used[1] += cpu_of(|| {
                    for [client, server] in &mut pairs {
                        server.say(Channel::Chat, [7; 64].into());
                        server.turn(now, client);
                    }
                })
                .0;
                used[0] += cpu_of(|| {
                    for [client, server] in &mut pairs {
                        client.turn(now, server);
                    }
                })
                .0;
            }
            used
        });
    }
}

pub(crate) fn stream() {
    heading("one message of 64 bytes, one way, on one channel");
    for (at_once, what) in [(1, "each in a datagram of its own"), (64, "64 queued at a time")] {
        let messages = 40 * 64 * PAIRS;
        let (mut now, mut pairs) = pairs(Suite::ChaCha20Poly1305);
        let names = [format!("sender, {what}"), format!("receiver, {what}")];
        let mut datagrams = 0;
        table(names.each_ref().map(String::as_str), messages, || {
            one_way(&mut now, &mut pairs, Channel::Chat, 64, at_once, messages, &mut datagrams)
        });
        println!("  {:.1} messages in a datagram", (messages * 8) as f64 / datagrams as f64);
    }
}

pub(crate) fn bulk() {
    heading("one message of 60 KiB, one way");
    for suite in [Suite::ChaCha20Poly1305, Suite::Aes256Gcm] {
        let messages = 20 * PAIRS;
        let (mut now, mut pairs) = pairs(suite);
        let names = [format!("sender, {suite:?}"), format!("receiver, {suite:?}")];
        let mut datagrams = 0;
        let figures = table(names.each_ref().map(String::as_str), messages, || {
            one_way(&mut now, &mut pairs, Channel::History, 60 * 1024, 1, messages, &mut datagrams)
        });
        let [sending, receiving] = figures.map(|figure| 60.0 * 1024.0 * 8.0 / figure.median);
        println!("  {sending:.2} Gbit/s a core sending, {receiving:.2} receiving; a kilobyte costs {:.0} ns", figures[0].median / 60.0);
    }
}

/// Every server sends its share of `messages` to its client, `at_once` at a time; what senders and receivers used.
fn one_way(
    now: &mut Instant,
    pairs: &mut [[End; 2]],
    channel: Channel,
    bytes: usize,
    at_once: usize,
    messages: usize,
    datagrams: &mut usize,
) -> [Duration; 2] {
    let mut used = [Duration::ZERO; 2];
    let body: Body = vec![7; bytes].into();
    let before: usize = pairs.iter().map(|[client, _]| client.delivered).sum();
    for _ in 0..messages / pairs.len() / at_once {
        used[0] += cpu_of(|| {
            for [_, server] in &mut *pairs {
                for _ in 0..at_once {
                    server.say(channel, body.clone());
                }
            }
        })
        .0;
        let share = at_once + pairs[0][0].delivered;
        // A small window needs several turns.
        while pairs.iter().any(|[client, _]| client.delivered < share) {
            used[0] += cpu_of(|| {
                for [client, server] in &mut *pairs {
                    server.turn(*now, client);
                }
            })
            .0;
            let moved = pairs.iter().map(|[_, server]| server.departed.len()).sum::<usize>();
            *datagrams += moved;
            *now = *now + if moved > 0 { Duration::from_micros(200) } else { ACK_DELAY_MAX };
            used[1] += cpu_of(|| {
                for [client, server] in &mut *pairs {
                    client.turn(*now, server);
                }
            })
            .0;
            *now = *now + Duration::from_micros(200);
        }
    }
    let after: usize = pairs.iter().map(|[client, _]| client.delivered).sum();
    assert_eq!(after - before, messages, "everything arrives");
    used
}
