//! What has arrived, what is lost, when to probe (RFC 9002, with a reorder threshold that learns as RACK's does, RFC 8985).

use core::time::Duration;

use super::active::Active;
use super::sent::{Content, Landed};
use super::timer::Timer;
use super::{Event, Side};
use crate::limits::{
    ACK_DELAY_MAX, COLD_AFTER, PROBE_TIMEOUT_CLIENT_MAX, PROBE_TIMEOUT_COLD_MIN, PROBE_TIMEOUT_MAX, REORDER_THRESHOLD_MAX,
    REORDER_THRESHOLD_MIN, TIMER_GRANULARITY, UNREACHABLE_AFTER,
};
use crate::time::Instant;
use crate::wire::CloseCode;
use crate::wire::frame::Ack;

/// How losses are told from delays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recovery {
    /// The newest packet known to have arrived.
    largest: Option<u64>,
    /// A packet this far behind the newest counts as lost.
    threshold: u64,
    /// A packet is given so much longer than a round trip: what late ones have needed.
    patience: Duration,
    /// When the threshold or the patience last changed: they sink again with time.
    threshold_at: Instant,
    /// Probe timeouts in a row without an answer.
    timeouts: u32,
    /// When the packet left that the first of them waited for; `None` once that has been told.
    unanswered_since: Option<Instant>,
    /// Packets that may leave beyond the congestion window, each with something that asks for an answer.
    pub(super) probes: u32,
    last: LastSent,
}

/// The newest packet that asks for an acknowledgement.
#[derive(Clone, Copy, Debug)]
struct LastSent {
    at: Instant,
    /// The peer had been silent for so long that it may be dozing.
    cold: bool,
    spread: Duration,
}

/// Packets that leave when a probe timeout expires (RFC 9002 §6.2.4 allows two), all with the same contents: where every fifth datagram is
/// lost, one would leave every hundredth notice to a second timeout of twice the length.
const PROBES: u32 = 2;

/// The reorder threshold sinks by one in this many round-trip times.
const ROUND_TRIPS_PER_STEP: u32 = 16;

impl Recovery {
    pub(super) const fn new() -> Self {
        Self {
            largest: None,
            threshold: REORDER_THRESHOLD_MIN,
            patience: Duration::ZERO,
            threshold_at: Instant::START,
            timeouts: 0,
            unanswered_since: None,
            probes: 0,
            last: LastSent { at: Instant::START, cold: false, spread: Duration::ZERO },
        }
    }
}

impl Active {
    /// An acknowledgement has arrived.
    pub(super) fn on_ack(&mut self, now: Instant, ack: &Ack<'_>) -> Result<(), CloseCode> {
        if ack.ranges().any(|(smallest, largest)| self.sent.never_sent(smallest, largest)) {
            return Err(CloseCode::PROTOCOL_VIOLATION);
        }
        let in_flight = self.sent.in_flight_bytes();
        self.recovery.largest = self.recovery.largest.max(Some(ack.largest));
        if let Some((at, spread)) = self.sent.outstanding(ack.largest)
            && (spread.is_zero() || ack.delay <= ACK_DELAY_MAX)
        {
            let took = self.rtt.sample(now.since(at), ack.delay);
            self.congestion.on_round_trip(took);
        }
        for (smallest, largest) in ack.ranges() {
            let mut next = smallest;
            while let Some(packet) = self.sent.take_arrived(next, largest) {
                next = packet.number.saturating_add(1);
                self.on_landed(now, packet, ack.largest, in_flight);
            }
        }
        self.detect_losses(now);
        self.arm_recovery();
        Ok(())
    }

    /// A packet has arrived; so many bytes were in flight before the acknowledgement that says so, and `largest` is the newest that it names.
    fn on_landed(&mut self, now: Instant, packet: Landed, largest: u64, in_flight: u64) {
        if packet.was_lost {
            self.on_late(now, packet.at, largest.saturating_sub(packet.number));
        } else {
            self.congestion.on_acknowledged(packet.bytes, packet.at, in_flight);
        }
        for &content in &packet.contents {
            self.on_arrived(content);
        }
        self.sent.give_list_back(packet.contents);
        self.recovery.timeouts = 0;
        self.recovery.probes = 0;
    }

    /// A packet that was declared lost has arrived after all, `distance` numbers behind the newest.
    fn on_late(&mut self, now: Instant, sent: Instant, distance: u64) {
        self.stats.spurious_losses += 1;
        self.stats.congestions -= u64::from(self.congestion.on_spurious(sent));
        self.recovery.threshold = self.recovery.threshold.max(distance.saturating_add(1)).min(REORDER_THRESHOLD_MAX);
        // As RACK's window of reordering, never more than a round trip (RFC 8985 §6.2): a real loss must not wait for ever.
        let overdue = now.since(sent).saturating_sub(self.rtt.longest());
        self.recovery.patience = self.recovery.patience.max(overdue).min(self.rtt.smoothed().unwrap_or_default());
        self.recovery.threshold_at = now;
    }

    /// How long after it was sent a packet counts as lost when a later one was acknowledged.
    fn loss_delay(&self) -> Duration {
        self.rtt.loss_delay().max(self.rtt.longest() + self.recovery.patience)
    }

    fn detect_losses(&mut self, now: Instant) {
        let Some(largest) = self.recovery.largest else { return };
        let step = self.rtt.smoothed().unwrap_or_default() * ROUND_TRIPS_PER_STEP;
        if now.since(self.recovery.threshold_at) > step {
            self.recovery.threshold = (self.recovery.threshold - 1).max(REORDER_THRESHOLD_MIN);
            // Below a timer's step it makes no difference any more.
            self.recovery.patience = (self.recovery.patience * 7 / 8).saturating_sub(TIMER_GRANULARITY);
            self.recovery.threshold_at = now;
        }
        let lost = self.sent.take_lost(now, largest, self.recovery.threshold, now - self.loss_delay());
        for packet in lost {
            self.stats.packets_lost += 1;
            self.stats.congestions += u64::from(self.congestion.on_lost(now, packet.at));
            for content in packet.contents {
                self.on_lost(content);
            }
        }
        self.sent.forget(now - 3 * self.probe_timeout());
    }

    fn on_arrived(&mut self, content: Content) {
        match content {
            Content::Data(channel, sent) => {
                // Borrowed apart, because what is delivered is told in `events`.
                let mut events = core::mem::take(&mut self.events);
                self.outgoing_mut(channel).on_acknowledged(sent, |tag| events.push_back(Event::Delivered(tag)));
                self.events = events;
            }
            Content::Ack(largest) => self.acks.forget_through(largest),
            Content::Resync(channel, next) => self.outgoing_mut(channel).on_resync_acknowledged(next),
            Content::KeyAnnounce => self.announcement = None,
            Content::MaxData(_) => {}
        }
    }

    fn on_lost(&mut self, content: Content) {
        match content {
            Content::Data(channel, sent) => self.outgoing_mut(channel).on_lost(sent),
            Content::Resync(channel, next) => self.outgoing_mut(channel).on_resync_lost(next),
            Content::MaxData(channel) => self.grants_pending.insert(channel),
            Content::KeyAnnounce => self.announcement_pending = self.announcement.is_some(),
            // The next acknowledgement says everything this one said.
            Content::Ack(_) => {}
        }
    }

    /// A packet that asks for an acknowledgement leaves.
    pub(super) fn note_eliciting_sent(&mut self, now: Instant, spread: Duration) {
        let cold = now.since(self.last_heard) >= COLD_AFTER;
        self.recovery.last = LastSent { at: now, cold, spread };
        if self.recovery.probes > 0 {
            self.recovery.probes -= 1;
            if self.recovery.probes > 0 {
                self.repeat_oldest();
            }
        }
        self.arm_recovery();
    }

    /// The time to wait for an acknowledgement of the newest packet, with back-off.
    fn probe_timeout(&self) -> Duration {
        let floor = if self.recovery.last.cold { PROBE_TIMEOUT_COLD_MIN } else { Duration::ZERO };
        let once = self.rtt.probe_timeout().max(floor) + self.recovery.last.spread;
        let longest = match self.side {
            Side::Client => PROBE_TIMEOUT_CLIENT_MAX,
            Side::Server => PROBE_TIMEOUT_MAX,
        };
        // The bound is one on the doubling: before a round trip has passed there is nothing to ask again for.
        once.saturating_mul(1 << self.recovery.timeouts.saturating_sub(1).min(16)).min(longest.max(once))
    }

    pub(super) fn arm_recovery(&mut self) {
        let at = if self.sent.has_in_flight() {
            let early = self.recovery.largest.and_then(|largest| self.sent.oldest_below(largest));
            Some(early.map_or_else(|| self.recovery.last.at + self.probe_timeout(), |sent| sent + self.loss_delay()))
        } else {
            None
        };
        self.timers.put(Timer::Recovery, at);
    }

    /// The recovery timer fired: either an older packet has had its time, or nothing at all was answered.
    pub(super) fn on_recovery_timer(&mut self, now: Instant) {
        let lost_before = self.stats.packets_lost;
        self.detect_losses(now);
        if self.stats.packets_lost == lost_before && self.sent.has_in_flight() {
            self.on_probe_timeout(now);
        }
        self.arm_recovery();
    }

    fn on_probe_timeout(&mut self, now: Instant) {
        self.stats.probe_timeouts += 1;
        if self.recovery.timeouts == 0 {
            self.recovery.unanswered_since = Some(self.recovery.last.at);
        }
        self.recovery.timeouts += 1;
        if self.side == Side::Client && self.recovery.unanswered_since.is_some_and(|since| now.since(since) >= UNREACHABLE_AFTER) {
            self.recovery.unanswered_since = None;
            self.events.push_back(Event::Silent);
        }
        self.recovery.probes = PROBES;
        self.recovery.last.at = now;
        self.repeat_oldest();
    }

    /// What the oldest packet in flight carried is to leave once more.
    fn repeat_oldest(&mut self) {
        for content in self.sent.probe() {
            self.on_lost(content);
        }
    }
}

#[cfg(test)]
mod tests;
