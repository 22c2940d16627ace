//! What arrives: one arm a frame.

use core::time::Duration;

use super::acks::Arrival;
use super::active::{Active, State};
use super::incoming::Incoming;
use super::timer::Timer;
use super::{Event, Side};
use crate::crypto::PublicKey;
use crate::limits::{DATAGRAM_BYTES, FORGERIES_MAX, FRAMES_PER_DATAGRAM_MAX};
use crate::rng::{self, Rng};
use crate::time::Instant;
use crate::wire::CloseCode;
use crate::wire::datagram::{PROTECTED_HEAD_BYTES, ProtectedHead};
use crate::wire::frame::{self, Frame};

/// Whether a datagram was the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was, and is dealt with. `newest`: none with a higher number has come before.
    Authentic {
        /// See above.
        newest: bool,
    },
    /// It was here before, or is too old to tell.
    Duplicate,
    /// It was not, or was damaged on the way.
    Forged,
}

/// Whether a datagram is as good as full: one of many small messages may lack a little.
pub(super) const fn is_full(datagram: &[u8]) -> bool {
    datagram.len() >= DATAGRAM_BYTES * 5 / 6
}

impl Active {
    /// A protected datagram for this connection has arrived. It is decrypted in place.
    pub(super) fn handle_datagram(&mut self, now: Instant, head: ProtectedHead, datagram: &mut [u8], rng: &mut Rng) -> Verdict {
        let number = self.window.expand(head.number);
        if !self.window.is_new(number) {
            self.stats.duplicates += 1;
            return Verdict::Duplicate;
        }
        let full = is_full(datagram);
        let Some((clear, sealed)) = datagram.split_at_mut_checked(PROTECTED_HEAD_BYTES) else { return Verdict::Forged };
        let Some(payload) = self.open(now, head.epoch, number, clear, sealed) else {
            self.stats.forged += 1;
            if self.stats.forged >= FORGERIES_MAX {
                self.close(now, CloseCode::AEAD_LIMIT);
            }
            return Verdict::Forged;
        };
        let newest = self.window.is_newest(number);
        self.window.mark(number);
        self.handle_payload(now, number, payload, full, rng);
        Verdict::Authentic { newest }
    }

    /// The peer has sent this.
    pub(super) fn handle_payload(&mut self, now: Instant, number: u64, payload: &[u8], full: bool, rng: &mut Rng) {
        self.last_heard = now;
        self.note_activity(now);
        let result = match self.state {
            State::Open => self.on_frames(now, number, payload, full, rng),
            State::Closing { .. } => {
                self.on_frames_while_closing(payload);
                Ok(())
            }
            State::Answering | State::Closed => Ok(()),
        };
        if let Err(code) = result {
            self.events.push_back(Event::Closed(code));
            self.close(now, code);
        }
    }

    fn on_frames(&mut self, now: Instant, number: u64, payload: &[u8], full: bool, rng: &mut Rng) -> Result<(), CloseCode> {
        let mut arrival = Arrival { eliciting: false, full, spread: None };
        let mut spread = Duration::ZERO;
        let mut frames = 0;
        // Padding is one byte a frame and costs nothing.
        for frame in frame::decode_but_padding(payload) {
            let frame = frame.map_err(|_| CloseCode::FRAME_ENCODING)?;
            frames += 1;
            if frames > FRAMES_PER_DATAGRAM_MAX {
                return Err(CloseCode::LIMIT_EXCEEDED);
            }
            arrival.eliciting |= frame.is_ack_eliciting();
            if let Frame::AckSpread { millis } = frame {
                arrival.spread = Some(Duration::from_millis(rng::below(rng, u64::from(millis) + 1)));
                spread = Duration::from_millis(millis.into());
            }
            self.on_frame(now, frame, spread)?;
        }
        self.acks.on_packet(now, number, arrival);
        self.timers.put(Timer::Acknowledge, self.acks.due());
        Ok(())
    }

    fn on_frame(&mut self, now: Instant, frame: Frame<'_>, spread: Duration) -> Result<(), CloseCode> {
        match frame {
            Frame::Padding | Frame::Ping | Frame::AckSpread { .. } | Frame::Blocked { .. } | Frame::Extension { .. } => {}
            Frame::Ack(ack) => self.on_ack(now, &ack)?,
            Frame::Data(data) => {
                let channel = data.channel;
                // Borrowed apart, because delivering writes into `events`.
                let mut events = core::mem::take(&mut self.events);
                let result = self.incoming_mut(channel).on_data(&data, |body| events.push_back(Event::Message { channel, body, spread }));
                self.events = events;
                result?;
                self.offer_grant(channel);
            }
            Frame::MaxData { channel, bytes } => self.outgoing_mut(channel).on_granted(bytes),
            Frame::Resync { channel, next, bytes } => {
                let mut after = alloc::vec::Vec::new();
                if self.incoming_mut(channel).on_resync(next, bytes, |body| after.push(Event::Message { channel, body, spread }))? {
                    self.events.push_back(Event::Resync(channel));
                }
                self.events.extend(after);
                self.offer_grant(channel);
            }
            Frame::PathChallenge(challenge) => self.path_response = Some(challenge),
            Frame::PathResponse(proof) => self.path_proof = Some(proof),
            Frame::GoAway { retry_after_millis, jitter_millis } => {
                if self.side == Side::Server {
                    return Err(CloseCode::PROTOCOL_VIOLATION);
                }
                self.events.push_back(Event::GoAway {
                    retry_after: Duration::from_millis(retry_after_millis.into()),
                    jitter: Duration::from_millis(jitter_millis.into()),
                });
            }
            Frame::KeyAnnounce(key) => {
                if self.side == Side::Server {
                    return Err(CloseCode::PROTOCOL_VIOLATION);
                }
                self.events.push_back(Event::KeyAnnounced(PublicKey(key)));
            }
            Frame::Close { code, .. } => {
                self.events.push_back(Event::Closed(code));
                self.state = State::Answering;
                self.stop_timers(now);
                self.incoming.iter_mut().for_each(Incoming::give_up);
            }
        }
        Ok(())
    }

    fn on_frames_while_closing(&mut self, payload: &[u8]) {
        if frame::decode(payload).any(|frame| matches!(frame, Ok(Frame::Close { .. }))) {
            self.end();
        }
    }

    fn offer_grant(&mut self, channel: crate::wire::Channel) {
        if self.incoming_mut(channel).grant().is_some() {
            self.grants_pending.insert(channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::connection::peer::Peer;

    const MS: Duration = Duration::from_millis(1);

    type Frames = fn(&mut Vec<u8>);

    /// Two packets of so many bytes arrive together: how long after that the acknowledgement leaves.
    fn acknowledged_after(bytes: usize, more: impl Fn(&mut Vec<u8>)) -> Duration {
        let mut peer = Peer::facing(Side::Server);
        for _ in 0..2 {
            peer.says(|out| {
                more(out);
                frame::encode_ping(out);
                frame::encode_padding((bytes - crate::wire::datagram::TAG_BYTES).saturating_sub(out.len()), out);
            });
        }
        let since = peer.now;
        peer.waits(100 * MS)[0].after(since)
    }

    #[test]
    fn the_second_packet_of_at_least_1000_bytes_is_acknowledged_at_once() {
        for (bytes, kept) in [(40, 25), (999, 25), (1000, 0), (1200, 0)] {
            assert_eq!(acknowledged_after(bytes, |_| ()), kept * MS, "{bytes}");
        }
    }

    #[test]
    fn an_acknowledgement_that_may_be_spread_waits_any_time_up_to_that() {
        for millis in [0u16, 1, 3] {
            let mut peer = Peer::facing(Side::Server);
            let mut kept = BTreeSet::new();
            for _ in 0..100 {
                peer.says(|out| {
                    frame::encode_ack_spread(millis, out);
                    frame::encode_ping(out);
                });
                let since = peer.now;
                kept.insert(peer.waits(10 * MS)[0].after(since));
            }
            assert_eq!(kept, (0..=millis).map(|millis| u32::from(millis) * MS).collect());
        }
    }

    #[test]
    fn what_comes_twice_is_taken_once_and_counted() {
        let mut peer = Peer::facing(Side::Server);
        let (head, datagram) = peer.seals(frame::encode_ping);
        assert_eq!(peer.hands((head, datagram.clone())), Verdict::Authentic { newest: true });
        for times in 1..3 {
            assert_eq!(peer.hands((head, datagram.clone())), Verdict::Duplicate);
            assert_eq!(peer.connection.stats().duplicates, times);
        }
    }

    #[test]
    fn a_datagram_may_have_64_frames_besides_padding() {
        for (frames, taken) in [(64, true), (65, false), (66, false)] {
            let mut peer = Peer::facing(Side::Server);
            peer.says(|out| {
                frame::encode_padding(500, out);
                (0..frames).for_each(|_| frame::encode_ping(out));
            });
            let expected = if taken { vec![] } else { vec![Event::Closed(CloseCode::LIMIT_EXCEEDED)] };
            assert_eq!(peer.events(), expected, "{frames}");
        }
    }

    #[test]
    fn only_a_server_says_that_it_stops_or_has_another_key() {
        for (side, taken) in [(Side::Client, true), (Side::Server, false)] {
            let says: [(Frames, Event); 2] = [
                (|out| frame::encode_go_away(3, 4, out), Event::GoAway { retry_after: 3 * MS, jitter: 4 * MS }),
                (|out| frame::encode_key_announce([5; 32], out), Event::KeyAnnounced(PublicKey([5; 32]))),
            ];
            for (frames, event) in says {
                let mut peer = Peer::facing(side);
                peer.says(frames);
                let expected = if taken { event } else { Event::Closed(CloseCode::PROTOCOL_VIOLATION) };
                assert_eq!(peer.events(), [expected], "{side:?}");
            }
        }
    }

    #[test]
    fn a_side_that_closes_hears_nothing_but_the_goodbye() {
        let mut peer = Peer::facing(Side::Server);
        peer.connection.close(peer.now, CloseCode::NO_ERROR);
        let goodbye = peer.hears();
        assert_eq!(goodbye[0].frames(), [Frame::Close { code: CloseCode::NO_ERROR, reason: "" }]);
        peer.says(frame::encode_ping);
        assert_eq!((peer.hears().len(), peer.events()), (0, vec![]));
        peer.says(|out| frame::encode_close(CloseCode::NO_ERROR, "", out));
        assert_eq!((peer.hears().len(), peer.events()), (0, vec![Event::Ended]));
        assert!(peer.connection.is_over());
    }

    #[test]
    fn the_newest_proof_of_a_path_is_taken_once() {
        let mut peer = Peer::facing(Side::Server);
        assert_eq!(peer.connection.take_path_proof(), None);
        peer.says(|out| frame::encode_path_response([5; 8], out));
        peer.says(|out| frame::encode_path_response([6; 8], out));
        assert_eq!(peer.connection.take_path_proof(), Some([6; 8]));
        assert_eq!(peer.connection.take_path_proof(), None);
    }
}
