//! What our bulk leaves to others on one link: to a TCP with CUBIC (RFC 9438) as far as its window goes.

use std::collections::BTreeMap;
use std::time::Duration;

use belfry_core::connection::{Event, Side};
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_tests::pair::Pair;
use belfry_tests::weather::{Bottleneck, Weather};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const PACKET: usize = 1200;
const PAGE: usize = 60_000;

/// A sender whose acknowledgements come back after `delay`; what is lost is only counted.
struct Cubic {
    window: f64,
    slow_start_until: f64,
    largest: f64,
    epoch: Option<Instant>,
    next: u64,
    /// On their way: when their acknowledgements are here, if they ever are.
    outstanding: BTreeMap<u64, Option<Instant>>,
    recovered_at: u64,
    heard_at: Instant,
    delivered: u64,
    delay: Duration,
}

impl Cubic {
    fn new(now: Instant, delay: Duration) -> Self {
        Self {
            window: 10.0,
            slow_start_until: f64::MAX,
            largest: 0.0,
            epoch: None,
            next: 0,
            outstanding: BTreeMap::new(),
            recovered_at: 0,
            heard_at: now,
            delivered: 0,
            delay,
        }
    }

    fn send(&mut self, pair: &mut Pair) {
        while (self.outstanding.len() as f64) < self.window {
            let arrival = pair.server.link.carry(pair.now, &[0; PACKET]).first().map(|&(at, _)| at + self.delay);
            self.outstanding.insert(self.next, arrival);
            self.next += 1;
        }
    }

    fn on_time(&mut self, now: Instant) {
        while let Some((&number, _)) = self.outstanding.iter().find(|(_, at)| at.is_some_and(|at| at <= now)) {
            self.outstanding.remove(&number);
            self.heard_at = now;
            self.delivered += 1;
            // Three behind one that arrived is lost.
            let lost: Vec<_> = self.outstanding.range(..number.saturating_sub(2)).map(|(&number, _)| number).collect();
            for number in lost {
                self.outstanding.remove(&number);
                if number >= self.recovered_at {
                    self.shrink(0.7);
                }
            }
            self.grow(now);
        }
        if now.since(self.heard_at) > SECOND / 2 {
            self.outstanding.clear();
            self.heard_at = now;
            self.shrink(0.1);
        }
    }

    fn shrink(&mut self, to: f64) {
        self.largest = self.window;
        self.window = (self.window * to).max(2.0);
        self.slow_start_until = self.window;
        self.epoch = None;
        self.recovered_at = self.next;
    }

    fn grow(&mut self, now: Instant) {
        if self.window < self.slow_start_until {
            self.window += 1.0;
            return;
        }
        let elapsed = now.since(*self.epoch.get_or_insert(now)).as_secs_f64();
        let back = (self.largest * 0.3 / 0.4).cbrt();
        let cubic = 0.4 * (elapsed - back).powi(3) + self.largest;
        let reno = self.largest * 0.7 + 3.0 * 0.3 / 1.7 * elapsed / (4 * self.delay).as_secs_f64();
        self.window += ((cubic.max(reno) - self.window) / self.window).max(0.01 / self.window);
    }
}

/// Our share of what both deliver in `time`, in percent, on a link of 10 Mbit/s.
fn share(delay: Duration, queue_bytes: u64, time: Duration) -> f64 {
    let bottleneck = Some(Bottleneck { bytes_per_second: 1_250_000, queue_bytes });
    let mut pair = Pair::new(Weather { delay, bottleneck, ..Weather::clear() }, 1);
    pair.run_for(SECOND);
    let (start, mut ours) = (pair.now, 0);
    let mut cubic = Cubic::new(start, delay);
    while pair.now.since(start) < time {
        while pair.server.connection.waiting_bytes(Channel::History) + (PAGE as u64) < 240_000 {
            pair.send(Side::Server, Channel::History, vec![7; PAGE]);
        }
        cubic.send(&mut pair);
        pair.run_until(pair.now + MS / 2, |_| false);
        cubic.on_time(pair.now);
        for event in std::mem::take(&mut pair.client.events) {
            assert!(matches!(event, Event::Message { .. }), "{event:?}");
            ours += PAGE;
        }
    }
    let theirs = cubic.delivered as f64 * PACKET as f64;
    let (all, link) = (ours as f64 + theirs, 1_250_000.0 * time.as_secs_f64());
    let share = 100.0 * ours as f64 / all;
    println!("beside CUBIC, {delay:?} each way, a queue of {queue_bytes}: {share:.0} % ours, both {:.0} % of the link", 100.0 * all / link);
    assert!(all > 0.8 * link, "the link is not full");
    share
}

#[test]
fn goodput_beside_a_tcp_with_cubic() {
    // quic-interop-runner's: 15 ms, 25 datagrams.
    let usual = share(15 * MS, 25 * 1500, 40 * SECOND);
    assert!((35.0..=65.0).contains(&usual), "{usual}");
    // Behind a deep queue, or far away, CUBIC takes what a straight line of growth leaves; never the other way round.
    for (delay, queue_bytes) in [(15 * MS, 250_000), (50 * MS, 25 * 1500)] {
        let share = share(delay, queue_bytes, 40 * SECOND);
        assert!((15.0..=65.0).contains(&share), "{share}");
    }
}
