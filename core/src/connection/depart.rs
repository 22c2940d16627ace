//! What departs: fills one datagram, most urgent first.

use alloc::vec::Vec;
use core::time::Duration;

use super::Side;
use super::active::{Active, State};
use super::outgoing::Outgoing;
use super::sent::{Content, Fate, Packet};
use super::timer::Timer;
use crate::limits::{
    CLIENT_DATAGRAM_BYTES_MIN, CLOSE_TRIES_MAX, COLD_AFTER, DATAGRAM_BYTES, FRAMES_PER_DATAGRAM_MAX, KEEPALIVE, KEEPALIVE_JITTER,
};
use crate::rng::{self, Rng};
use crate::time::{Instant, micros};
use crate::wire::Channel;
use crate::wire::datagram::{PROTECTED_HEAD_BYTES, ProtectedHead, TAG_BYTES};
use crate::wire::frame;

/// Frames other than DATA never need more than this together: an acknowledgement of 32 ranges apart, all of them are small.
const CONTROL_ROOM: usize = 200;

/// Leaves a packet number out now and then: a peer that acknowledges it has not received what it says (RFC 9000 §21.4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip {
    /// Packets until the next one.
    left: u64,
    /// Between two of them, on average; doubles.
    gap: u64,
}

const SKIP_GAP_MIN: u64 = 256;
const SKIP_GAP_MAX: u64 = 64 * 1024;

impl Skip {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { left: 1 + rng::below(rng, 2 * SKIP_GAP_MIN), gap: SKIP_GAP_MIN }
    }

    fn is_now(&mut self, rng: &mut Rng) -> bool {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return false;
        }
        self.gap = (self.gap * 2).min(SKIP_GAP_MAX);
        self.left = 1 + rng::below(rng, 2 * self.gap);
        true
    }
}

impl Active {
    /// Writes the next datagram into `out`; `false` when there is nothing to send now.
    pub(super) fn poll_transmit(&mut self, now: Instant, rng: &mut Rng, out: &mut Vec<u8>) -> bool {
        match self.state {
            State::Open => self.transmit_open(now, rng, out),
            State::Closing { code, tries, due: true } => {
                self.state = State::Closing { code, tries: tries.saturating_add(1), due: false };
                self.timers.set(Timer::Close, now + self.rtt.probe_timeout().saturating_mul(1 << tries.min(CLOSE_TRIES_MAX)));
                self.transmit_close(code, out)
            }
            State::Answering => {
                self.state = State::Closed;
                self.transmit_close(super::CloseCode::NO_ERROR, out)
            }
            State::Closing { .. } | State::Closed => false,
        }
    }

    fn transmit_open(&mut self, now: Instant, rng: &mut Rng, out: &mut Vec<u8>) -> bool {
        if now.since(self.last_active) >= COLD_AFTER && !self.sent.has_in_flight() {
            self.congestion.on_idle();
        }
        let asks = self.has_something_to_ask() && self.may_ask(now);
        let acknowledges = self.acks.due().is_some_and(|due| due <= now);
        if !asks && !acknowledges {
            return false;
        }
        if asks && self.skip.is_now(rng) {
            self.sent.note_skipped(self.sealer.next_number());
            self.sealer.skip_number();
        }
        let number = self.sealer.next_number();
        out.clear();
        ProtectedHead { to: self.remote, epoch: self.epochs.parity(), number: number as u32 }.encode(out);
        let mut contents = Vec::new();
        if self.acks.is_waiting()
            && let Some(largest) = self.acks.encode(now, out)
        {
            contents.push(Content::Ack(largest));
            self.timers.stop(Timer::Acknowledge);
        }
        let mut spread = Duration::ZERO;
        let eliciting = if asks {
            spread = self.write_asking(&mut contents, out);
            true
        } else if self.acks.wants_ping() && self.may_ask(now) {
            frame::encode_ping(out);
            true
        } else {
            self.acks.on_ack_only_sent();
            false
        };
        if !self.seal(out) {
            return false;
        }
        self.note_activity(now);
        if eliciting {
            self.acks.on_eliciting_sent();
            let bytes = out.len() as u64;
            self.pacer.spend(bytes);
            self.sent.push(Packet { number, at: now, bytes, spread, contents, fate: Fate::InFlight });
            self.note_eliciting_sent(now, spread);
            if self.side == Side::Client {
                self.timers.set(Timer::KeepAlive, now + keepalive(rng));
            }
        }
        true
    }

    /// Whether another packet that asks for an acknowledgement may be on its way.
    fn may_ask(&mut self, now: Instant) -> bool {
        if self.recovery.probes > 0 {
            return true;
        }
        if !self.congestion.allows(self.sent.in_flight_bytes()) || self.sent.is_full() {
            return false;
        }
        match self.pacer.allows(now, self.congestion.window(), self.rtt.smoothed()) {
            Ok(()) => true,
            Err(at) => {
                self.timers.set(Timer::Pace, at);
                false
            }
        }
    }

    fn has_something_to_ask(&self) -> bool {
        self.ping_pending
            || self.recovery.probes > 0
            || !self.grants_pending.is_empty()
            || self.path_response.is_some()
            || self.announcement_pending
            || self.outgoing.iter().any(|outgoing| outgoing.has_something() || outgoing.wants_blocked())
    }

    /// Writes whatever asks for an acknowledgement; at least a PING. Over what time the acknowledgement may be spread.
    fn write_asking(&mut self, contents: &mut Vec<Content>, out: &mut Vec<u8>) -> Duration {
        let before = out.len();
        // Goes before the messages that it is meant for.
        let spread = self.outgoing.iter().map(Outgoing::next_spread_millis).max().unwrap_or(0);
        if spread > 0 {
            frame::encode_ack_spread(spread, out);
        }
        if let Some(challenge) = self.path_response.take() {
            frame::encode_path_response(challenge, out);
        }
        if let Some(key) = self.announcement.filter(|_| core::mem::take(&mut self.announcement_pending)) {
            frame::encode_key_announce(key.0, out);
            contents.push(Content::KeyAnnounce);
        }
        for channel in self.grants_pending.take() {
            let granted = self.incoming_mut(channel).granted();
            frame::encode_max_data(channel, granted, out);
            contents.push(Content::MaxData(channel));
        }
        for channel in Channel::ALL {
            let outgoing = self.outgoing_mut(channel);
            if outgoing.write_resync(out)
                && let Some(next) = outgoing.resync_next()
            {
                contents.push(Content::Resync(channel, next));
            }
            if outgoing.take_blocked() {
                frame::encode_blocked(channel, out);
            }
        }
        debug_assert!(out.len() - before <= CONTROL_ROOM);
        for channel in Channel::ALL {
            loop {
                let room = DATAGRAM_BYTES.saturating_sub(TAG_BYTES).saturating_sub(out.len());
                // The acknowledgement and the frames above count, too; sixteen are more than they ever are.
                if contents.len() >= FRAMES_PER_DATAGRAM_MAX - 16 {
                    break;
                }
                let Some(sent) = self.outgoing_mut(channel).write(room, out) else { break };
                contents.push(Content::Data(channel, sent));
            }
        }
        if self.ping_pending || out.len() == before {
            self.ping_pending = false;
            frame::encode_ping(out);
        }
        Duration::from_millis(spread.into())
    }

    /// Writes a datagram of its own that asks whoever is at another address to prove that it is the peer.
    pub(super) fn write_challenge(&mut self, challenge: [u8; 8], out: &mut Vec<u8>) -> bool {
        out.clear();
        ProtectedHead { to: self.remote, epoch: self.epochs.parity(), number: self.sealer.next_number() as u32 }.encode(out);
        frame::encode_path_challenge(challenge, out);
        self.seal(out)
    }

    fn transmit_close(&mut self, code: super::CloseCode, out: &mut Vec<u8>) -> bool {
        out.clear();
        ProtectedHead { to: self.remote, epoch: self.epochs.parity(), number: self.sealer.next_number() as u32 }.encode(out);
        if let Some((retry_after, jitter)) = self.go_away {
            frame::encode_go_away(retry_after, jitter, out);
        }
        frame::encode_close(code, "", out);
        self.seal(out)
    }

    /// Pads and seals the datagram; `false` when the key has protected all it may, which ends the connection.
    fn seal(&mut self, out: &mut Vec<u8>) -> bool {
        if self.side == Side::Client {
            let short = CLIENT_DATAGRAM_BYTES_MIN.saturating_sub(TAG_BYTES).saturating_sub(out.len());
            frame::encode_padding(short, out);
        }
        let sealed = self.sealer.seal(out, PROTECTED_HEAD_BYTES).is_ok();
        self.sent.note_number(self.sealer.next_number());
        if !sealed {
            self.end();
        }
        sealed
    }
}

/// When a silent client next shows that it is there.
fn keepalive(rng: &mut Rng) -> Duration {
    (KEEPALIVE - KEEPALIVE_JITTER) + Duration::from_micros(rng::below(rng, 2 * micros(KEEPALIVE_JITTER)))
}
