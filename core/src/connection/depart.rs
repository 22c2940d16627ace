//! What departs: fills one datagram, most urgent first.

use alloc::vec::Vec;
use core::time::Duration;

use super::Side;
use super::active::{Active, State};
use super::outgoing::Outgoing;
use super::sent::{Content, Fate, Packet};
use super::timer::Timer;
use crate::limits::{
    CLIENT_DATAGRAM_BYTES_MIN, CLOSE_TRIES_MAX, COLD_AFTER, DATAGRAM_BYTES, FRAMES_PER_DATAGRAM_MAX, HISTORY_WEIGHT, KEEPALIVE,
    KEEPALIVE_JITTER,
};
use crate::rng::{self, Rng};
use crate::time::{Instant, micros};
use crate::wire::datagram::{PROTECTED_HEAD_BYTES, ProtectedHead, TAG_BYTES};
use crate::wire::frame;
use crate::wire::{Channel, CloseCode};

/// Frames other than DATA never need more than this together: an acknowledgement of 32 ranges apart, all of them are small.
const CONTROL_ROOM: usize = 200;

/// Leaves a packet number out now and then: a peer that acknowledges it has not received what it says (RFC 9000 §21.4).
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip {
    /// Packets before the next one.
    pub(super) left: u64,
    /// Between two of them, on average; doubles.
    pub(super) gap: u64,
}

const SKIP_GAP_MIN: u64 = 256;
const SKIP_GAP_MAX: u64 = 64 * 1024;

impl Skip {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { left: rng::below(rng, 2 * SKIP_GAP_MIN), gap: SKIP_GAP_MIN }
    }

    fn is_now(&mut self, rng: &mut Rng) -> bool {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return false;
        }
        self.gap = (self.gap * 2).min(SKIP_GAP_MAX);
        self.left = rng::below(rng, 2 * self.gap);
        true
    }
}

impl Active {
    /// Writes the next datagram into `out`; `false` when there is nothing to send now.
    pub(super) fn poll_transmit(&mut self, now: Instant, rng: &mut Rng, out: &mut Vec<u8>) -> bool {
        match self.state {
            State::Open => self.transmit_open(now, rng, out),
            State::Closing { code, tries, due: true } => {
                self.state = State::Closing { code, tries: tries + 1, due: false };
                self.timers.set(Timer::Close, now + self.rtt.probe_timeout().saturating_mul(1 << tries.min(CLOSE_TRIES_MAX)));
                self.transmit_close(code, out)
            }
            State::Answering => {
                self.state = State::Closed;
                self.transmit_close(CloseCode::NO_ERROR, out)
            }
            State::Closing { .. } | State::Closed => false,
        }
    }

    fn transmit_open(&mut self, now: Instant, rng: &mut Rng, out: &mut Vec<u8>) -> bool {
        if now.since(self.last_active) >= COLD_AFTER && !self.sent.has_in_flight() {
            self.congestion.on_idle();
        }
        let elicits = self.has_eliciting_frames() && self.may_elicit(now);
        let acknowledges = self.acks.due().is_some_and(|due| due <= now);
        if !elicits && !acknowledges {
            return false;
        }
        if elicits && self.skip.is_now(rng) {
            self.sent.note_skipped(self.sealer.next_number());
            self.sealer.skip_number();
        }
        let number = self.sealer.next_number();
        out.clear();
        ProtectedHead { to: self.remote, epoch: self.epochs.parity(), number: number as u32 }.encode(out);
        let mut contents = self.sent.take_list();
        if self.acks.is_waiting()
            && let Some(largest) = self.acks.encode(now, out)
        {
            contents.push(Content::Ack(largest));
            self.timers.stop(Timer::Acknowledge);
        }
        let mut spread = Duration::ZERO;
        let eliciting = if elicits {
            spread = self.write_eliciting(&mut contents, out);
            true
        } else if self.acks.wants_ping() && self.may_elicit(now) {
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
        } else {
            self.sent.give_list_back(contents);
        }
        true
    }

    /// Whether another packet that asks for an acknowledgement may be on its way.
    fn may_elicit(&mut self, now: Instant) -> bool {
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

    fn has_eliciting_frames(&self) -> bool {
        self.ping_pending
            || self.recovery.probes > 0
            || !self.grants_pending.is_empty()
            || self.path_response.is_some()
            || self.announcement_pending
            || self.outgoing.iter().any(|outgoing| outgoing.has_something() || outgoing.wants_blocked())
    }

    /// Writes whatever asks for an acknowledgement; at least a PING. Over what time the acknowledgement may be spread.
    fn write_eliciting(&mut self, contents: &mut Vec<Content>, out: &mut Vec<u8>) -> Duration {
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
        for channel in self.departure_order() {
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

    /// Who goes first in the next datagram: what people wait for, then what is read and what is carried, which take turns by their weights.
    fn departure_order(&mut self) -> [Channel; Channel::COUNT] {
        let [.., history, file] = &self.outgoing;
        if !history.has_something() || !file.has_something() {
            return Channel::ALL;
        }
        if self.history_turns < HISTORY_WEIGHT {
            self.history_turns += 1;
            return Channel::ALL;
        }
        self.history_turns = 0;
        [Channel::Control, Channel::Notice, Channel::Chat, Channel::File, Channel::History]
    }

    /// Writes a datagram of its own that asks whoever is at another address to prove that it is the peer.
    pub(super) fn write_challenge(&mut self, challenge: [u8; 8], out: &mut Vec<u8>) -> bool {
        out.clear();
        ProtectedHead { to: self.remote, epoch: self.epochs.parity(), number: self.sealer.next_number() as u32 }.encode(out);
        frame::encode_path_challenge(challenge, out);
        self.seal(out)
    }

    fn transmit_close(&mut self, code: CloseCode, out: &mut Vec<u8>) -> bool {
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
        pad(self.side, out);
        let sealed = self.sealer.seal(out, PROTECTED_HEAD_BYTES).is_ok();
        self.sent.note_number(self.sealer.next_number());
        if !sealed {
            self.end();
        }
        sealed
    }
}

/// Fills up what a client sends: an answer must not be longer.
pub(super) fn pad(side: Side, out: &mut Vec<u8>) {
    if side == Side::Client {
        let short = CLIENT_DATAGRAM_BYTES_MIN.saturating_sub(TAG_BYTES).saturating_sub(out.len());
        frame::encode_padding(short, out);
    }
}

/// When a silent client next shows that it is there.
fn keepalive(rng: &mut Rng) -> Duration {
    (KEEPALIVE - KEEPALIVE_JITTER) + Duration::from_micros(rng::below(rng, 2 * micros(KEEPALIVE_JITTER)))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::connection::Event;
    use crate::connection::peer::Peer;
    use crate::crypto::PublicKey;
    use crate::limits::WINDOW_INITIAL_BYTES;
    use crate::rng::from_seed;
    use crate::wire::CloseCode;
    use crate::wire::frame::Frame;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_number_is_left_out_ever_more_seldom() {
        let mut rng = from_seed([3; 32]);
        let mut skip = Skip::new(&mut rng);
        let mut distances = vec![];
        for draw in 0..60 {
            let gap = SKIP_GAP_MIN << 8.min(draw);
            let distance = (1..=2 * gap).find(|_| skip.is_now(&mut rng)).expect("never more than twice the gap");
            distances.push(distance as f64 / gap as f64);
        }
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        assert!((0.8..1.2).contains(&mean), "{mean} of the gap");
    }

    #[test]
    fn the_numbers_that_leave_have_holes_now_and_then() {
        let mut peer = Peer::facing(Side::Server);
        peer.is_so_far_away(MS);
        let mut holes = 0;
        let mut before = None;
        for _ in 0..2000 {
            peer.connection.ping();
            for heard in peer.hears() {
                holes += before.map_or(0, |before| heard.number - before - 1);
                before = Some(heard.number);
                peer.acknowledges(&[(heard.number, heard.number)]);
            }
        }
        assert!((1..=6).contains(&holes), "{holes}");
        let skipped = peer.active().sent.skipped().unwrap();
        peer.acknowledges(&[(skipped, skipped)]);
        assert_eq!(peer.events(), [Event::Closed(CloseCode::PROTOCOL_VIOLATION)]);
    }

    #[test]
    fn a_goodbye_is_repeated_after_each_probe_timeout_doubling() {
        let mut peer = Peer::facing(Side::Server);
        let since = peer.now;
        peer.connection.go_away(peer.now, 3 * MS, 4 * MS);
        let heard = peer.waits(2100 * MS - Duration::from_micros(1));
        assert_eq!(heard.iter().map(|heard| heard.after(since)).collect::<Vec<_>>(), [0, 300, 900].map(|millis| millis * MS));
        let goodbye = [Frame::GoAway { retry_after_millis: 3, jitter_millis: 4 }, Frame::Close { code: CloseCode::GOING_AWAY, reason: "" }];
        assert!(heard.iter().all(|heard| heard.frames() == goodbye), "{heard:?}");
        assert_eq!(peer.events(), []);
        peer.waits(Duration::from_micros(1));
        assert_eq!(peer.events(), [Event::Ended]);
    }

    #[test]
    fn a_window_shrinks_to_the_first_one_after_a_second_without_anything_on_its_way() {
        for (pause, in_flight, kept) in [(999, false, true), (1000, false, false), (1000, true, true)] {
            let mut peer = Peer::facing(Side::Server);
            peer.is_so_far_away(80 * MS);
            let now = peer.now;
            peer.active().congestion.on_acknowledged(50_000, now, WINDOW_INITIAL_BYTES);
            if in_flight {
                peer.connection.ping();
                peer.hears();
            }
            peer.now = peer.now + pause * MS;
            peer.hears();
            assert_eq!(peer.active().congestion.window() > WINDOW_INITIAL_BYTES, kept, "{pause} {in_flight}");
        }
    }

    #[test]
    fn no_more_leaves_than_the_window_allows_but_for_two_probes() {
        let mut peer = Peer::facing(Side::Server);
        for message in 0..30 {
            peer.connection.send(Channel::Chat, vec![message; 1100].into()).unwrap();
        }
        let first = peer.hears();
        assert!(first.iter().map(|heard| heard.bytes as u64).sum::<u64>() <= WINDOW_INITIAL_BYTES);
        assert_eq!(first.iter().map(|heard| heard.data()[0][0]).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        assert_eq!(first.iter().map(|heard| heard.number).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        let probes = peer.waits(300 * MS);
        assert_eq!(probes.iter().map(|heard| heard.data()[0][0]).collect::<Vec<_>>(), [0, 0]);
        assert_eq!(peer.hears().len(), 0);
        peer.acknowledges(&[(0, 0)]);
        assert_eq!(peer.hears().iter().map(|heard| heard.data()[0][0]).collect::<Vec<_>>(), [], "the probes are on their way, too");
        peer.acknowledges(&[(0, 3)]);
        assert!(!peer.hears().is_empty());
    }

    #[test]
    fn tiny_messages_share_datagrams_of_no_more_frames_than_are_taken() {
        let mut peer = Peer::facing(Side::Server);
        for message in 0..200 {
            peer.connection.send(Channel::Chat, vec![message].into()).unwrap();
        }
        peer.says(frame::encode_ping);
        let heard = peer.hears();
        assert_eq!(heard.iter().flat_map(|heard| heard.data().concat()).collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
        assert!(heard.iter().all(|heard| heard.frames().len() <= FRAMES_PER_DATAGRAM_MAX));
        assert_eq!(heard.len(), 5, "48 in each");
    }

    #[test]
    fn whatever_asks_for_an_answer_leaves_by_itself() {
        let mut peer = Peer::facing(Side::Server);
        peer.connection.ping();
        assert_eq!(peer.hears()[0].frames(), [Frame::Ping]);
        peer.connection.announce_key(PublicKey([5; 32]));
        assert_eq!(peer.hears()[0].frames(), [Frame::KeyAnnounce([5; 32])]);
        peer.connection.send_spread(Channel::Notice, vec![1].into(), 200 * MS).unwrap();
        let heard = peer.hears();
        assert!(matches!(heard[0].frames()[..], [Frame::AckSpread { millis: 200 }, Frame::Data(_)]), "{heard:?}");
        peer.connection.send(Channel::Chat, vec![1].into()).unwrap();
        peer.connection.ping();
        let heard = peer.hears();
        assert!(matches!(heard[0].frames()[..], [Frame::Data(_), Frame::Ping]), "{heard:?}");
        peer.says(|out| frame::encode_path_challenge([6; 8], out));
        let heard = peer.hears();
        assert!(matches!(heard[0].frames()[..], [Frame::Ack(_), Frame::PathResponse(proof)] if proof == [6; 8]), "{heard:?}");
        assert_eq!(peer.hears().len(), 0);
    }

    #[test]
    fn a_challenge_leaves_in_a_datagram_of_its_own() {
        let mut peer = Peer::facing(Side::Server);
        peer.connection.ping();
        let mut out = vec![1, 2, 3];
        assert!(peer.connection.write_challenge([6; 8], &mut out));
        assert_eq!(peer.reads(&mut out).frames(), [Frame::PathChallenge([6; 8])]);
        assert_eq!(out.len(), crate::limits::PATH_CHALLENGE_BYTES);
    }

    #[test]
    fn a_client_pads_and_a_server_does_not() {
        for (side, asks, answers) in [(Side::Client, 40, 40), (Side::Server, 26, 31)] {
            let mut peer = Peer::facing(side);
            peer.connection.ping();
            assert_eq!(peer.hears()[0].bytes, asks);
            peer.acknowledges(&[(0, 0)]);
            peer.says(frame::encode_ping);
            let heard = peer.waits(25 * MS);
            assert!(matches!(heard[0].frames()[..], [Frame::Ack(_)]), "{heard:?}");
            assert!((answers - 1..=answers).contains(&heard[0].bytes), "{heard:?}");
        }
    }

    #[test]
    fn a_silent_client_shows_itself_after_24_seconds_more_or_less_a_fifth() {
        let mut rng = from_seed([3; 32]);
        let mut drawn: Vec<_> = (0..1000).map(|_| keepalive(&mut rng)).collect();
        drawn.sort();
        assert!((19_200 * MS..19_300 * MS).contains(&drawn[0]), "{drawn:?}");
        assert!((28_700 * MS..28_800 * MS).contains(&drawn[999]), "{drawn:?}");
    }

    #[test]
    fn a_silent_server_does_not() {
        for (side, pings) in [(Side::Client, 2..=4), (Side::Server, 0..=0)] {
            let mut peer = Peer::facing(side);
            peer.is_so_far_away(MS);
            let mut heard = 0;
            for _ in 0..800 {
                for datagram in peer.waits(100 * MS) {
                    assert_eq!(datagram.frames(), [Frame::Ping]);
                    peer.acknowledges(&[(datagram.number, datagram.number)]);
                    heard += 1;
                }
            }
            assert!(pings.contains(&heard), "{side:?}: {heard}");
        }
    }

    #[test]
    fn after_32_datagrams_with_nothing_but_an_acknowledgement_the_next_asks_for_one_itself() {
        let mut peer = Peer::facing(Side::Server);
        let elicits: Vec<_> = (0..100)
            .map(|_| {
                peer.says(frame::encode_ping);
                let heard = peer.waits(25 * MS);
                assert!(matches!(heard[0].frames()[..], [Frame::Ack(_)] | [Frame::Ack(_), Frame::Ping]), "{heard:?}");
                let elicits = heard[0].frames().len() == 2;
                if elicits {
                    peer.acknowledges(&[(heard[0].number, heard[0].number)]);
                }
                elicits
            })
            .collect();
        assert_eq!((0..100).filter(|&nth| elicits[nth]).collect::<Vec<_>>(), [32, 65, 98]);
    }
}
