//! Bulk or a game's pattern over a bad link, with notices between, and what it came to.

use std::collections::VecDeque;
use std::time::Duration;

use belfry_core::connection::{Event, Side};
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_tests::pair::Pair;
use belfry_tests::weather::Weather;

/// What the application does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Pages of history, as many as the queue takes.
    Bulk,
    /// 4000 bytes of chat every 30 ms, unless much is waiting already.
    Game,
}

/// A transfer from the server to the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
    pub(crate) pattern: Pattern,
    pub(crate) weather: Weather,
    /// How long the application goes on.
    pub(crate) time: Duration,
    pub(crate) seed: u64,
}

/// What a transfer came to.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Bytes of messages a second, from the first to the last that arrived.
    pub(crate) goodput: f64,
    /// From submitting a notice to its delivery, shortest first.
    pub(crate) notices: Vec<Duration>,
    pub(crate) packets: u64,
    pub(crate) lost: u64,
    pub(crate) spurious: u64,
    pub(crate) probes: u64,
    /// Packets that the link really took.
    pub(crate) really_lost: u64,
}

const PAGE: usize = 60_000;
const GAME: usize = 4000;
const GAME_EVERY: Duration = Duration::from_millis(30);
const NOTICE_EVERY: Duration = Duration::from_millis(100);

/// A game does not pile up more than this.
const GAME_WAITING: u64 = 64_000;

fn body(number: u64, length: usize) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend((8..length).map(|at| (number as usize * 31 + at * 7) as u8));
    body
}

impl Transfer {
    /// Runs it, and sees that everything arrived once and in order, that the queues drained and that nobody was given up.
    pub(crate) fn run(self) -> Measured {
        let mut pair = Pair::new(self.weather, self.seed);
        pair.run_for(Duration::from_secs(1));
        let start = pair.now;
        let until = start + self.time;
        let (channel, length, waiting_max, every) = match self.pattern {
            // What does not fit the queue would be resynchronised.
            Pattern::Bulk => (Channel::History, PAGE, Channel::History.queue_bytes_max() - PAGE as u64 - 1000, Duration::ZERO),
            Pattern::Game => (Channel::Chat, GAME, GAME_WAITING, GAME_EVERY),
        };
        let (mut sent, mut received, mut last_at) = (0u64, 0u64, start);
        let (mut next_at, mut next_notice) = (start, start);
        let mut notices: VecDeque<Instant> = VecDeque::new();
        let mut measured = Measured::default();
        loop {
            while pair.now < until && pair.now >= next_at && pair.server.connection.waiting_bytes(channel) < waiting_max {
                pair.send(Side::Server, channel, body(sent, length));
                sent += 1;
                next_at = next_at.max(pair.now - every) + every;
                if every.is_zero() {
                    next_at = pair.now;
                }
            }
            if pair.now < until && pair.now >= next_notice {
                pair.send(Side::Server, Channel::Notice, body(notices.len() as u64, 100));
                notices.push_back(pair.now);
                next_notice = next_notice + NOTICE_EVERY;
            }
            if pair.now >= until && received == sent && notices.is_empty() {
                break;
            }
            assert!(pair.now < until + Duration::from_secs(300), "{self:?}: stuck with {received} of {sent}");
            // To whatever comes first: an arrival, a deadline, the application's turn.
            let turn = if every.is_zero() { pair.now + Duration::from_millis(5) } else { next_at.max(pair.now + Duration::from_millis(1)) };
            let turn = turn.min(next_notice);
            let turn = if pair.now < until { turn } else { pair.now + Duration::from_millis(10) };
            let heard = |pair: &Pair| !pair.client.events.is_empty();
            pair.run_until(turn, heard);
            for event in std::mem::take(&mut pair.client.events) {
                match event {
                    Event::Message { channel: Channel::Notice, .. } => {
                        let submitted = notices.pop_front().expect("no more than were sent");
                        measured.notices.push(pair.now.since(submitted));
                    }
                    Event::Message { body: heard, .. } => {
                        assert!(heard == body(received, length), "{self:?}: something else than {received}");
                        received += 1;
                        last_at = pair.now;
                    }
                    other => panic!("{self:?}: {other:?} at {:?}", pair.now.since(start)),
                }
            }
            assert!(pair.server.events.is_empty(), "{self:?}: {:?}", pair.server.events);
        }
        pair.run_for(Duration::from_secs(5));
        assert!(pair.server.connection.is_idle() && pair.client.connection.is_idle(), "{self:?}: the queues have not drained");
        let stats = pair.server.connection.stats();
        let counters = pair.server.link.counters();
        measured.goodput = received as f64 * length as f64 / last_at.since(start).as_secs_f64();
        measured.notices.sort_unstable();
        measured.packets = pair.server.sent;
        measured.lost = stats.packets_lost;
        measured.spurious = stats.spurious_losses;
        measured.probes = stats.probe_timeouts;
        measured.really_lost = counters.lost + counters.overflowed + counters.too_large;
        measured
    }
}

/// The value that all but `beyond` of a thousand of the sorted stay below.
pub(crate) fn percentile(sorted: &[Duration], beyond: usize) -> Duration {
    let at = sorted.len().saturating_sub(1).saturating_sub(sorted.len() * beyond / 1000);
    sorted.get(at).copied().unwrap_or_default()
}

impl Measured {
    pub(crate) fn p99(&self) -> Duration {
        percentile(&self.notices, 10)
    }

    /// One line for whoever reads along.
    pub(crate) fn tell(&self, name: &str, rate: u64) {
        println!(
            "{name}: {:.0} % of {rate} B/s, notices p99 {:?} worst {:?}; {} packets, {} lost, {} declared, {} spurious, {} probes",
            100.0 * self.goodput / rate as f64,
            self.p99(),
            self.notices.last().copied().unwrap_or_default(),
            self.packets,
            self.really_lost,
            self.lost,
            self.spurious,
            self.probes
        );
    }
}
