//! What all clients of a run have heard, counted where they hear it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use belfry_core::net::Clock;
use belfry_core::time::Instant;

/// A message begins with the microsecond it was sent at, so that whoever gets it knows how long it took: so many digits.
const STAMP_DIGITS: usize = 16;

/// How often whoever waits for a count looks at it. What is measured was noted when it happened.
const LOOK_AGAIN: Duration = Duration::from_micros(500);

/// Counters that every thread of clients adds to.
pub(super) struct Heard {
    pub(super) clock: Clock,
    /// Clients that are signed in and have caught up.
    pub(super) connected: AtomicU64,
    /// Connections that ended before the run did.
    pub(super) lost: AtomicU64,
    /// Messages that have come to a client.
    pub(super) delivered: AtomicU64,
    /// Messages that their sender knows to be taken.
    pub(super) acknowledged: AtomicU64,
    /// Datagrams that clients have sent.
    pub(super) sent: AtomicU64,
    /// Datagrams that clients have received.
    pub(super) received: AtomicU64,
    /// When the last message came, in microseconds of the clock.
    last_delivery: AtomicU64,
    ledger: Mutex<Ledger>,
    /// Microseconds from sending to hearing.
    latencies: Mutex<Vec<u32>>,
    /// The first thing that went wrong.
    trouble: Mutex<Option<String>>,
}

/// What the author of notices knows.
#[derive(Clone, Copy, Default)]
struct Ledger {
    /// The number of the last notice of the round before.
    closed: u64,
    newest: u64,
    /// People whom the newest one has reached.
    people: u64,
    /// When that was said.
    at: Instant,
}

impl Heard {
    pub(super) fn new() -> Self {
        Self {
            clock: Clock::start(),
            connected: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            last_delivery: AtomicU64::new(0),
            ledger: Mutex::default(),
            latencies: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now().instant
    }

    /// A message of so many bytes, sent now.
    pub(super) fn stamped(&self, bytes: usize) -> String {
        let stamp = format!("{:0digits$} ", self.now().as_micros(), digits = STAMP_DIGITS);
        format!("{stamp:x<bytes$}")
    }

    /// A message has come to a client.
    pub(super) fn deliver(&self, body: &[u8]) {
        let now = self.now().as_micros();
        let digits = body.get(..STAMP_DIGITS).and_then(|digits| str::from_utf8(digits).ok());
        match digits.and_then(|digits| digits.parse::<u64>().ok()) {
            Some(stamp) => {
                let took = u32::try_from(now.saturating_sub(stamp)).unwrap_or(u32::MAX);
                self.latencies.lock().expect("nobody panics here").push(took);
                self.last_delivery.fetch_max(now, Ordering::Relaxed);
                self.delivered.fetch_add(1, Ordering::Release);
            }
            None => self.complain(format!("a message without a stamp: {}", String::from_utf8_lossy(body))),
        }
    }

    /// Something has come to a client that does not say when it was sent.
    pub(super) fn hear(&self) {
        self.last_delivery.fetch_max(self.now().as_micros(), Ordering::Relaxed);
        self.delivered.fetch_add(1, Ordering::Release);
    }

    /// Something that was asked at this moment is answered.
    pub(super) fn answer(&self, asked: Instant) {
        let took = u32::try_from(self.now().since(asked).as_micros()).unwrap_or(u32::MAX);
        self.latencies.lock().expect("nobody panics here").push(took);
    }

    /// A notice's author is told whom it has reached. What is told of one from an earlier round is late and counts for nothing.
    pub(super) fn progress(&self, notice: u64, people: u64) {
        let at = self.now();
        let mut ledger = self.ledger.lock().expect("nobody panics here");
        if notice > ledger.closed {
            *ledger = Ledger { newest: notice, people, at, ..*ledger };
        }
    }

    /// Whom the newest notice has reached, and when its author knew that.
    pub(super) fn ledger(&self) -> (u64, Instant) {
        let ledger = self.ledger.lock().expect("nobody panics here");
        (ledger.people, ledger.at)
    }

    /// A new round: nothing has come of it yet.
    pub(super) fn begin_round(&self) {
        self.delivered.store(0, Ordering::Release);
        self.acknowledged.store(0, Ordering::Release);
        let mut ledger = self.ledger.lock().expect("nobody panics here");
        *ledger = Ledger { closed: ledger.newest, people: 0, ..*ledger };
        drop(ledger);
        self.latencies.lock().expect("nobody panics here").clear();
    }

    /// When the last message came.
    pub(super) fn last_delivery(&self) -> Instant {
        Instant::from_micros(self.last_delivery.load(Ordering::Relaxed))
    }

    /// How long each message took that came since the round began, in microseconds, sorted.
    pub(super) fn latencies(&self) -> Vec<u32> {
        let mut latencies = self.latencies.lock().expect("nobody panics here").clone();
        latencies.sort_unstable();
        latencies
    }

    /// Keeps the first thing that went wrong.
    pub(super) fn complain(&self, what: String) {
        self.trouble.lock().expect("nobody panics here").get_or_insert(what);
    }

    /// The first thing that went wrong.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().expect("nobody panics here").clone()
    }

    /// Waits at most so long for something, and says whether it has come.
    pub(super) fn wait_for(&self, at_most: Duration, has_come: impl Fn(&Self) -> bool) -> bool {
        let until = self.now() + at_most;
        loop {
            if has_come(self) {
                return true;
            }
            if self.now() >= until {
                return false;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_when_it_was_sent_and_is_as_long_as_was_asked() {
        let heard = Heard::new();
        let message = heard.stamped(120);
        assert_eq!(message.len(), 120);
        heard.deliver(message.as_bytes());
        assert_eq!((heard.delivered.load(Ordering::Relaxed), heard.latencies().len(), heard.trouble()), (1, 1, None));
        assert!(heard.last_delivery() <= heard.now());
    }

    #[test]
    fn what_is_told_late_of_a_notice_before_is_not_taken_for_the_newest() {
        let heard = Heard::new();
        heard.progress(3, 10);
        assert_eq!(heard.ledger().0, 10);
        heard.begin_round();
        heard.progress(3, 10);
        assert_eq!(heard.ledger().0, 0);
        heard.progress(4, 7);
        assert_eq!(heard.ledger().0, 7);
    }

    #[test]
    fn a_message_that_no_client_of_the_run_has_sent_is_no_delivery() {
        let heard = Heard::new();
        heard.deliver(b"hello");
        assert_eq!(heard.delivered.load(Ordering::Relaxed), 0);
        assert!(heard.trouble().is_some_and(|trouble| trouble.contains("hello")));
    }
}
