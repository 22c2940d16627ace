//! A connection on which nothing happens is kept small: most connections, most of the time.

use super::acks::Acks;
use super::active::{Active, Channels, State};
use super::congestion::Congestion;
use super::epoch::{Epochs, RestingEpochs};
use super::incoming::{Incoming, RestingIncoming};
use super::outgoing::{Outgoing, RestingOutgoing};
use super::pacer::Pacer;
use super::recovery::Recovery;
use super::rtt::{RestingRtt, Rtt};
use super::sent::SentPackets;
use super::timer::{Timer, Timers};
use super::{Side, Stats, depart};
use crate::crypto::{ReplayWindow, Sealer};
use crate::time::Instant;
use crate::wire::Channel;
use crate::wire::datagram::ConnectionId;

/// What it takes to go on as if the connection had never rested: keys, counters, what is known of the path.
#[derive(Debug)]
pub(super) struct Parked {
    side: Side,
    remote: ConnectionId,
    sealer: Sealer,
    epochs: RestingEpochs,
    window: ReplayWindow,
    last_heard: Instant,
    last_active: Instant,
    rtt: RestingRtt,
    outgoing: [RestingOutgoing; Channel::COUNT],
    incoming: [RestingIncoming; Channel::COUNT],
    skipped: Option<u64>,
    skip: depart::Skip,
    /// A client keeps the path alive, a server waits for signs of life; neither waits for anything else.
    wakes: Option<(Instant, Timer)>,
    pub(super) stats: Stats,
}

// Ten thousand people are at their desks and say nothing.
const _: () = assert!(size_of::<Parked>() <= 512);

impl Parked {
    pub(super) const fn wakes(&self) -> Option<(Instant, Timer)> {
        self.wakes
    }

    pub(super) fn round_trip(&self) -> Option<core::time::Duration> {
        Rtt::resume(self.rtt).smoothed()
    }

    /// Wakes it up.
    pub(super) fn resume(self) -> Active {
        let mut timers = Timers::default();
        if let Some((at, timer)) = self.wakes {
            timers.set(timer, at);
        }
        let mut channels = Channel::ALL.into_iter();
        let outgoing = self.outgoing.map(|resting| Outgoing::resume(channels.next().unwrap_or(Channel::Control), resting));
        let mut channels = Channel::ALL.into_iter();
        let incoming = self.incoming.map(|resting| {
            let channel = channels.next().unwrap_or(Channel::Control);
            Incoming::resume(Active::message_bytes_max(self.side, channel), Active::credit(self.side, channel), resting)
        });
        Active {
            side: self.side,
            remote: self.remote,
            state: State::Open,
            sent: SentPackets::resume(self.sealer.next_number(), self.skipped),
            sealer: self.sealer,
            epochs: Epochs::resume(self.epochs),
            window: self.window,
            last_heard: self.last_heard,
            last_active: self.last_active,
            acks: Acks::default(),
            rtt: Rtt::resume(self.rtt),
            recovery: Recovery::new(),
            congestion: Congestion::new(),
            pacer: Pacer::new(self.last_active),
            outgoing,
            incoming,
            grants_pending: Channels::default(),
            ping_pending: false,
            path_response: None,
            path_proof: None,
            go_away: None,
            announcement: None,
            announcement_pending: false,
            skip: self.skip,
            timers,
            events: alloc::collections::VecDeque::new(),
            is_resting: false,
            stats: self.stats,
        }
    }
}

impl Active {
    /// Nothing is on its way in either direction and nothing waits: all that is left are numbers.
    pub(super) fn can_park(&self) -> bool {
        self.state == State::Open
            && self.outgoing.iter().all(Outgoing::is_idle)
            && self.incoming.iter().all(Incoming::is_idle)
            && !self.sent.has_in_flight()
            && !self.acks.is_waiting()
            && self.grants_pending.is_empty()
            && !self.ping_pending
            && self.path_response.is_none()
            && self.announcement.is_none()
            && self.events.is_empty()
            && self.epochs.can_rest()
    }

    /// Keeps the numbers.
    pub(super) fn park(mut self) -> Parked {
        self.sealer.rest();
        self.window.rest();
        Parked {
            side: self.side,
            remote: self.remote,
            skipped: self.sent.skipped(),
            sealer: self.sealer,
            epochs: self.epochs.park(),
            window: self.window,
            last_heard: self.last_heard,
            last_active: self.last_active,
            rtt: self.rtt.park(),
            outgoing: self.outgoing.map(|outgoing| outgoing.park()),
            incoming: self.incoming.map(|incoming| incoming.park()),
            skip: self.skip,
            wakes: self.timers.next(),
            stats: self.stats,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use core::time::Duration;

    use super::*;
    use crate::connection::peer::Peer;
    use crate::connection::{Event, Verdict, tests};
    use crate::crypto::PublicKey;
    use crate::rng::from_seed;
    use crate::wire::CloseCode;
    use crate::wire::frame::{self, Data, Frame, Part};

    const MS: Duration = Duration::from_millis(1);

    type Deed = fn(&mut Peer);

    fn whole(message: u64, bytes: &[u8]) -> Data<'_> {
        Data { channel: Channel::Chat, message, part: Part::Whole, bytes }
    }

    /// Whether a connection that would rest may, after this.
    fn may_rest(after: impl FnOnce(&mut Peer)) -> bool {
        let mut peer = Peer::facing(Side::Server);
        peer.is_so_far_away(20 * MS);
        after(&mut peer);
        peer.connection.go_back_to_rest();
        peer.connection.is_parked()
    }

    #[test]
    fn nothing_that_is_under_way_is_lost_to_a_rest() {
        assert!(may_rest(|_| ()));
        let under_way: [(&str, Deed); 11] = [
            ("a message waits", |peer| peer.connection.send(Channel::History, vec![1].into()).unwrap()),
            ("a message is half here", |peer| {
                peer.says(|out| frame::encode_data(&whole(1, b"the second"), out));
                peer.waits(25 * MS);
            }),
            ("a packet is in flight", |peer| {
                peer.connection.ping();
                peer.hears();
            }),
            ("an acknowledgement waits", |peer| {
                peer.says(frame::encode_ping);
            }),
            ("a grant waits", |peer| peer.active().grants_pending.insert(Channel::Chat)),
            ("a sign of life is asked for", |peer| peer.connection.ping()),
            ("a challenge waits", |peer| peer.active().path_response = Some([6; 8])),
            ("a key is announced", |peer| peer.active().announcement = Some(PublicKey([5; 32]))),
            ("an event waits", |peer| {
                peer.says(|out| frame::encode_data(&whole(0, b"the first"), out));
                peer.waits(25 * MS);
            }),
            ("keys are prepared", |peer| {
                let [_, new] = tests::established(&mut from_seed([8; 32]));
                peer.connection.prepare_keys(new.sealing, new.opening);
            }),
            ("a goodbye is under way", |peer| peer.connection.close(peer.now, CloseCode::NO_ERROR)),
        ];
        for (what, after) in under_way {
            assert!(!may_rest(after), "{what}");
        }
    }

    #[test]
    fn a_rest_does_not_show() {
        let mut peer = Peer::facing(Side::Server);
        peer.is_so_far_away(20 * MS);
        for turn in 0..3 {
            let number = peer.active().sealer.next_number();
            peer.says(|out| frame::encode_data(&whole(turn, b"hello"), out));
            assert_eq!(peer.events(), [Event::Message { channel: Channel::Chat, body: b"hello".to_vec(), spread: Duration::ZERO }]);
            peer.connection.send(Channel::Chat, (*b"hello yourself").into()).unwrap();
            let heard = peer.hears();
            assert_eq!(heard[0].number, number);
            assert!(heard[0].frames().contains(&Frame::Data(whole(turn, b"hello yourself"))), "{heard:?}");
            peer.now = peer.now + 20 * MS;
            peer.acknowledges(&[(number, number)]);
            let (stats, round_trip, heard_at) = (peer.connection.stats(), peer.connection.round_trip(), peer.now);
            assert_eq!(round_trip, Some(20 * MS));

            assert_eq!(peer.waits(10_000 * MS).len(), 0);
            assert!(peer.connection.is_parked());
            assert_eq!((peer.connection.stats(), peer.connection.round_trip()), (stats, round_trip));
            // The timer is not moved by what arrives; it looks when it fires.
            let Some((at, Timer::Heartbeat)) = peer.connection.next_timeout() else { panic!("no heartbeat") };
            assert!(at <= heard_at + crate::limits::HEARTBEAT_TIMEOUT && at > peer.now);
            // What was acknowledged before may be acknowledged again, what was never sent may not.
            peer.acknowledges(&[(0, number)]);
            assert_eq!(peer.events(), []);
        }
        let next = peer.active().sealer.next_number();
        peer.acknowledges(&[(next, next)]);
        assert_eq!(peer.events(), [Event::Closed(CloseCode::PROTOCOL_VIOLATION)]);
    }

    #[test]
    fn a_connection_that_never_measured_a_round_trip_does_not_know_one_when_it_rests() {
        let mut peer = Peer::facing(Side::Server);
        peer.connection.go_back_to_rest();
        assert!(peer.connection.is_parked());
        assert_eq!(peer.connection.round_trip(), None);
    }

    #[test]
    fn a_stranger_neither_wakes_a_connection_nor_puts_it_to_rest() {
        let mut peer = Peer::facing(Side::Server);
        let damaged = |peer: &mut Peer| {
            let (head, mut datagram) = peer.seals(frame::encode_ping);
            datagram.iter_mut().last().into_iter().for_each(|byte| *byte ^= 1);
            peer.hands((head, datagram))
        };
        assert_eq!(damaged(&mut peer), Verdict::Forged);
        assert!(!peer.connection.is_parked(), "it was awake");
        peer.connection.go_back_to_rest();
        assert_eq!(damaged(&mut peer), Verdict::Forged);
        assert!(peer.connection.is_parked());
        // Whatever is the peer's own does, also what wants no answer.
        peer.says(|out| frame::encode_padding(1, out));
        assert!(!peer.connection.is_parked());
        assert_eq!(peer.connection.stats().forged, 2);
    }
}
