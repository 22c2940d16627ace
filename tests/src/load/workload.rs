//! The workloads, and what a run of one says.
//!
//! W1: everybody is signed in and nothing is said. W2: one author, everybody hears it, once a second. W3: a tenth of a room says five
//! messages a second each. W4: one says as much as fits into a window. W5: some say one thing after the other, each in a room of their own.
//! Beside these five, Belfry alone is searched, and has windows that look at everybody (in W2's manner).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use belfry_core::time::Instant;
use serde_json::{Map, Value, json};

use super::accounting::{dropped_at, kernel_kib, load_average, processor_of, resident_kib};
use super::crowd::{CrowdThread, Kind, Order, Talk};
use super::heard::Heard;
use super::history::SOUGHT;
use super::server::Server;

/// Bytes of what is said to everybody in W2.
const NOTICE_BYTES: usize = 200;
/// Bytes of a message in W3 to W5.
const MESSAGE_BYTES: usize = 120;
/// Between two messages to everybody.
const ROUND: Duration = Duration::from_secs(1);
/// After the last delivery the server still has acknowledgements to take: that is part of what it costs.
const AFTERMATH: Duration = Duration::from_millis(300);
/// A round that is not complete by then counts as it is.
const ROUND_MAX: Duration = Duration::from_secs(20);

/// Clients rest when fewer than one in so many hears something within a second, and those who do not rest by then are measured as they are.
const QUIET_SHARE: u64 = 5;
const QUIET_MAX: Duration = Duration::from_secs(120);

/// Speakers in W3, and deliveries that they ask for in a second, all of them together.
const SPEAKERS: usize = 20;
const CHATTER_PER_SECOND: f64 = 20_000.0;

/// Senders in W5, each in a room of their own.
const SENDERS_MAX: usize = 50;

/// Between two searches: slower than a session may ask.
const SEARCH_PACE: Duration = Duration::from_millis(250);
/// A search that has not been answered by then is not waited for.
const SEARCH_MAX: Duration = Duration::from_secs(20);

/// Messages in W4, and how many may be unacknowledged.
const SATURATION_MESSAGES: u64 = 20_000;
const SATURATION_WINDOW: u64 = 100;
const SATURATION_MAX: Duration = Duration::from_secs(120);

/// What is done with the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workload {
    /// Everybody comes in the same moment, and that is all.
    Storm,
    /// W1.
    Idle,
    /// W2 by a notice: it reaches every program.
    Notice,
    /// W2 by a notice that is shown on every screen.
    Shown,
    /// W2 by a chat message.
    Broadcast,
    /// W2 by somebody who goes away or comes back, while every window is shown.
    Presence,
    /// W3.
    Chatter,
    /// W4.
    Saturation,
    /// W5 with so many senders.
    Durable(usize),
    /// One person looks for texts, one after the other.
    Search,
}

/// Every workload by its name.
pub(super) const WORKLOADS: [(&str, Workload); 11] = [
    ("storm", Workload::Storm),
    ("w1", Workload::Idle),
    ("w2-notice", Workload::Notice),
    ("w2-shown", Workload::Shown),
    ("w2-chat", Workload::Broadcast),
    ("w2-presence", Workload::Presence),
    ("w3", Workload::Chatter),
    ("w4", Workload::Saturation),
    ("w5-1", Workload::Durable(1)),
    ("w5-50", Workload::Durable(SENDERS_MAX)),
    ("search", Workload::Search),
];

/// Who takes part. Workloads that agree about this share a server and its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Population {
    pub(super) clients: usize,
    /// Rooms beside the one that everybody is in: client `n` alone is in room `n`.
    pub(super) rooms: usize,
    /// Notices are shown.
    pub(super) shown: bool,
    /// Windows are shown: their people look at everybody.
    pub(super) looks: bool,
    /// All come in the same moment, not some after the others.
    pub(super) at_once: bool,
}

impl Workload {
    /// Who takes part when `receivers` hear what is said to everybody, and so many are in the room of W3.
    pub(super) fn population(self, receivers: usize, chatting: usize) -> Population {
        let (clients, rooms, shown) = match self {
            Self::Storm | Self::Idle | Self::Notice | Self::Broadcast | Self::Presence => (receivers + 1, 0, false),
            Self::Shown => (receivers + 1, 0, true),
            Self::Chatter => (chatting.max(SPEAKERS), 0, false),
            Self::Saturation => (101, 0, false),
            // One sender beside others who say nothing: all three find the same house.
            Self::Durable(_) | Self::Search => (SENDERS_MAX + 1, SENDERS_MAX, false),
        };
        Population { clients, rooms, shown, looks: self == Self::Presence, at_once: self == Self::Storm }
    }
}

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// Messages to everybody in W2.
    pub(super) rounds: usize,
    /// How long W1 listens to nothing.
    pub(super) idle: Duration,
    /// How long W3 and W5 talk.
    pub(super) talking: Duration,
    /// How long all clients may take to connect.
    pub(super) connecting: Duration,
    /// How long they rest then.
    pub(super) rest: Duration,
}

/// A server with its clients.
pub(super) struct Scene {
    pub(super) server: Server,
    pub(super) heard: Arc<Heard>,
    /// Client `n` is on thread `n` modulo their number.
    pub(super) crowds: Vec<CrowdThread>,
    pub(super) population: Population,
    /// Whoever says something to a room hears it, too.
    pub(super) echoes: bool,
    pub(super) lengths: Lengths,
}

/// What a workload has come to, one line of JSON.
pub(super) type Record = Map<String, Value>;

/// What was used until a moment.
#[derive(Clone, Copy)]
struct Used {
    at: Instant,
    server: Duration,
    clients: Duration,
}

impl Scene {
    fn used(&self) -> Used {
        Used { at: self.heard.now(), server: processor_of(self.server.process), clients: processor_of(std::process::id()) }
    }

    fn tell(&self, who: usize, order: Order) {
        self.crowds[who % self.crowds.len()].tell(order);
    }

    /// Connects everybody and lets them rest; what that took is part of every record of this scene.
    pub(super) fn connect(&self) -> Record {
        let (memory, kernel, before) = (resident_kib(self.server.process), kernel_kib(), self.used());
        let clients = self.population.clients;
        for (first, crowd) in self.crowds.iter().enumerate() {
            crowd.tell(Order::Connect { first, end: clients, step: self.crowds.len() });
        }
        let all = self.heard.wait_for(self.lengths.connecting, |heard| heard.connected.load(Ordering::Acquire) >= clients as u64);
        let after = self.used();
        let quiet = self.rest();
        let rested = self.used();
        let each = |kib: f64| rounded(kib / clients as f64);
        record(json!({
            "clients": clients,
            "threads": self.crowds.len(),
            "connected": self.heard.connected.load(Ordering::Acquire),
            "connected_all": all,
            "connect_s": rounded(after.at.since(before.at).as_secs_f64()),
            "rest_s": rounded(rested.at.since(after.at).as_secs_f64()),
            "rested": quiet,
            "connect_cpu_ms": rounded(millis(rested.server - before.server) / clients as f64),
            "server_kib_before": memory,
            "server_kib_per_client": each(resident_kib(self.server.process) - memory),
            "kernel_kib_per_client": each(kernel_kib() - kernel),
        }))
    }

    /// Lets time pass until what connecting led to is over, where clients can tell; says whether it is.
    fn rest(&self) -> bool {
        thread::sleep(self.lengths.rest);
        let until = self.heard.now() + QUIET_MAX;
        let received = || self.heard.received.load(Ordering::Relaxed);
        let mut before = received();
        while self.heard.now() < until {
            thread::sleep(ROUND);
            let now = received();
            if now - before <= self.population.clients as u64 / QUIET_SHARE {
                return true;
            }
            before = now;
        }
        false
    }

    /// Does it, and says what came of it beside what connecting took.
    pub(super) fn run(&self, workload: Workload) -> Record {
        let mut record = match workload {
            Workload::Storm => Record::new(),
            Workload::Idle => self.idle(),
            Workload::Notice | Workload::Shown => self.rounds(said(Kind::Notice), self.hearers(Kind::Notice), true),
            Workload::Broadcast => self.rounds(said(Kind::Chat { room: 0 }), self.hearers(Kind::Chat { room: 0 }), false),
            Workload::Presence => self.rounds(Order::Stir { who: 0 }, self.population.clients as u64 - 1, false),
            Workload::Chatter => self.chatter(),
            Workload::Saturation => self.saturation(),
            Workload::Durable(senders) => self.durable(senders),
            Workload::Search => self.search(),
        };
        record.insert("dropped_at_socket".to_owned(), json!(dropped_at(self.server.address)));
        record.insert("sessions_lost".to_owned(), json!(self.heard.lost.load(Ordering::Relaxed)));
        record.insert("server_kib_after".to_owned(), json!(resident_kib(self.server.process)));
        record.insert("load_average".to_owned(), json!(load_average()));
        if let Some(trouble) = self.heard.trouble() {
            record.insert("trouble".to_owned(), json!(trouble));
        }
        record
    }

    /// W1. A client that says nothing sends a datagram to be heard of and to acknowledge the answer's; over UDP both are counted.
    fn idle(&self) -> Record {
        let counted = || [&self.heard.sent, &self.heard.received].map(|count| count.load(Ordering::Relaxed));
        let ([sent, received], before) = (counted(), self.used());
        thread::sleep(self.lengths.idle);
        let ([sent_now, received_now], after) = (counted(), self.used());
        let seconds = after.at.since(before.at).as_secs_f64();
        let (cpu, pings) = (after.server - before.server, received_now - received);
        record(json!({
            "idle_s": rounded(seconds),
            "idle_cpu_ms_per_s": rounded(millis(cpu) / seconds),
            "sent_per_s": rounded((sent_now - sent) as f64 / seconds),
            "received_per_s": rounded(pings as f64 / seconds),
            "cpu_us_per_answer": if pings > 0 { json!(rounded(micros(cpu) / pings as f64)) } else { Value::Null },
        }))
    }

    /// Deliveries that one message to the common room makes.
    fn hearers(&self, kind: Kind) -> u64 {
        let own = kind != Kind::Notice && self.echoes;
        self.population.clients as u64 - u64::from(!own)
    }

    /// W2: so many hear of what one does, and a ledger is told where it has one. The first round does not count: it wakes whoever rests.
    fn rounds(&self, order: Order, hearers: u64, has_ledger: bool) -> Record {
        let (mut last, mut ledger, mut server, mut clients) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut delivered = 0;
        for round in 0..=self.lengths.rounds {
            self.heard.begin_round();
            let before = self.used();
            self.tell(0, order);
            self.heard.wait_for(ROUND_MAX, |heard| heard.delivered.load(Ordering::Acquire) >= hearers);
            if has_ledger {
                self.heard.wait_for(ROUND_MAX, |heard| heard.ledger().0 >= hearers);
            }
            let heard = self.heard.delivered.load(Ordering::Acquire);
            let quiet = self.heard.last_delivery() + AFTERMATH;
            thread::sleep(quiet.since(self.heard.now()));
            let after = self.used();
            if round > 0 {
                delivered += heard;
                last.push(millis(self.heard.last_delivery().since(before.at)));
                let (people, at) = self.heard.ledger();
                ledger.extend((people >= hearers).then(|| millis(at.since(before.at))));
                server.push(micros(after.server - before.server) / heard.max(1) as f64);
                clients.push(micros(after.clients - before.clients) / heard.max(1) as f64);
            }
            thread::sleep((before.at + ROUND).since(self.heard.now()));
        }
        let mut record = record(json!({
            "rounds": self.lengths.rounds,
            "delivered": delivered,
            "expected": hearers * self.lengths.rounds as u64,
            "server_cpu_us": mean(&server),
            "clients_cpu_us": mean(&clients),
            "last_ms": middle(&mut last),
            "last_ms_p99": late(&mut last),
        }));
        if has_ledger {
            record.insert("ledgers_complete".to_owned(), json!(ledger.len()));
            record.insert("ledger_ms".to_owned(), json!(middle(&mut ledger)));
            record.insert("ledger_ms_p99".to_owned(), json!(late(&mut ledger)));
        }
        record
    }

    /// W3.
    fn chatter(&self) -> Record {
        let pace = Duration::from_secs_f64(self.population.clients as f64 / CHATTER_PER_SECOND);
        let messages = (self.lengths.talking.as_micros() / pace.as_micros()) as u32;
        self.heard.begin_round();
        let before = self.used();
        for number in 0..messages {
            let who = number as usize % SPEAKERS;
            thread::sleep((before.at + pace * number).since(self.heard.now()));
            self.tell(who, Order::Say { who, kind: Kind::Chat { room: 0 }, bytes: MESSAGE_BYTES });
        }
        let expected = u64::from(messages) * self.hearers(Kind::Chat { room: 0 });
        self.finish(before, expected, ROUND_MAX)
    }

    /// Each kind of text in turn, so that what the machine does meanwhile meets all of them.
    fn search(&self) -> Record {
        let each = (self.lengths.talking.as_micros() / SEARCH_PACE.as_micros()) as usize / SOUGHT.len();
        let mut took = SOUGHT.map(|_| (Vec::new(), Duration::ZERO));
        for _ in 0..each.max(1) {
            for ((_, sought), (latencies, cpu)) in SOUGHT.iter().zip(&mut took) {
                self.heard.begin_round();
                let before = self.used();
                self.tell(1, Order::Search { who: 1, sought: *sought });
                self.heard.wait_for(SEARCH_MAX, |heard| !heard.latencies().is_empty());
                latencies.extend(self.heard.latencies().into_iter().map(|micros| f64::from(micros) / 1e3));
                *cpu += self.used().server - before.server;
                thread::sleep((before.at + SEARCH_PACE).since(self.heard.now()));
            }
        }
        let mut measured = Record::new();
        for ((name, _), (mut latencies, cpu)) in SOUGHT.into_iter().zip(took) {
            measured.insert(format!("{name}_answered"), json!(latencies.len()));
            measured.insert(format!("{name}_cpu_ms"), json!(rounded(millis(cpu) / latencies.len().max(1) as f64)));
            measured.insert(format!("{name}_ms"), json!(middle(&mut latencies)));
            measured.insert(format!("{name}_ms_p99"), json!(late(&mut latencies)));
        }
        measured
    }

    /// W4.
    fn saturation(&self) -> Record {
        let kind = Kind::Chat { room: 0 };
        self.heard.begin_round();
        let before = self.used();
        let until = before.at + SATURATION_MAX;
        let talk = Talk { kind, bytes: MESSAGE_BYTES, window: SATURATION_WINDOW, left: SATURATION_MESSAGES, until };
        self.tell(0, Order::Talk { who: 0, talk });
        self.finish(before, SATURATION_MESSAGES * self.hearers(kind), SATURATION_MAX)
    }

    /// Waits for the last delivery and what comes after it.
    fn finish(&self, before: Used, expected: u64, at_most: Duration) -> Record {
        self.heard.wait_for(at_most, |heard| heard.delivered.load(Ordering::Acquire) >= expected);
        thread::sleep((self.heard.last_delivery() + AFTERMATH).since(self.heard.now()));
        let after = self.used();
        let delivered = self.heard.delivered.load(Ordering::Acquire);
        let seconds = self.heard.last_delivery().since(before.at).as_secs_f64();
        let latencies = self.heard.latencies();
        let cpu = after.server - before.server;
        record(json!({
            "delivered": delivered,
            "expected": expected,
            "server_cpu_us": rounded(micros(cpu) / delivered.max(1) as f64),
            "clients_cpu_us": rounded(micros(after.clients - before.clients) / delivered.max(1) as f64),
            "deliveries_per_s": rounded(delivered as f64 / seconds),
            "p50_ms": percentile(&latencies, 50),
            "p99_ms": percentile(&latencies, 99),
        }))
    }

    /// W5. The client with the number 0 has no room of its own and says nothing.
    fn durable(&self, senders: usize) -> Record {
        self.heard.begin_round();
        let before = self.used();
        for who in 1..=senders {
            let until = before.at + self.lengths.talking;
            let talk = Talk { kind: Kind::Chat { room: who }, bytes: MESSAGE_BYTES, window: 1, left: u64::MAX, until };
            self.tell(who, Order::Talk { who, talk });
        }
        thread::sleep(self.lengths.talking);
        let after = self.used();
        let acknowledged = self.heard.acknowledged.load(Ordering::Acquire);
        let seconds = after.at.since(before.at).as_secs_f64();
        record(json!({
            "senders": senders,
            "acknowledged_per_s": rounded(acknowledged as f64 / seconds),
            "server_cpu_us": rounded(micros(after.server - before.server) / acknowledged.max(1) as f64),
        }))
    }
}

/// The fields of an object.
/// What the author of W2 says.
fn said(kind: Kind) -> Order {
    Order::Say { who: 0, kind, bytes: NOTICE_BYTES }
}

fn record(value: Value) -> Record {
    match value {
        Value::Object(fields) => fields,
        _ => Record::new(),
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// To three digits behind the point: no measurement here is better.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

fn mean(measured: &[f64]) -> f64 {
    rounded(measured.iter().sum::<f64>() / measured.len().max(1) as f64)
}

/// The median; nothing where nothing was measured.
fn middle(measured: &mut [f64]) -> Option<f64> {
    measured.sort_by(f64::total_cmp);
    measured.get(measured.len() / 2).copied().map(rounded)
}

/// The value that one in a hundred exceeds: of fewer, the largest.
fn late(measured: &mut [f64]) -> Option<f64> {
    measured.sort_by(f64::total_cmp);
    measured.get(measured.len() * 99 / 100).copied().map(rounded)
}

/// In milliseconds, of sorted microseconds.
fn percentile(latencies: &[u32], percent: usize) -> Option<f64> {
    latencies.get(latencies.len() * percent / 100).map(|&micros| rounded(f64::from(micros) / 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_late_one_of_few_are_among_them() {
        let mut measured = vec![3.0, 1.0, 2.0];
        assert_eq!((middle(&mut measured), late(&mut measured)), (Some(2.0), Some(3.0)));
        assert_eq!((middle(&mut []), mean(&[])), (None, 0.0));
        assert_eq!((percentile(&[1000, 2000, 9000], 50), percentile(&[], 99)), (Some(2.0), None));
    }

    #[test]
    fn workloads_with_the_same_people_share_them() {
        let of = |workload: Workload| workload.population(1000, 200);
        assert_eq!(of(Workload::Idle), of(Workload::Broadcast));
        assert_ne!(of(Workload::Notice), of(Workload::Shown));
        assert_ne!(of(Workload::Storm), of(Workload::Idle));
        assert_eq!(of(Workload::Durable(1)), of(Workload::Search));
        assert_ne!(of(Workload::Durable(50)), of(Workload::Chatter));
    }
}
