//! A connection on which nothing happens is kept small: most connections, most of the time.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use super::acks::{Acks, Arrival};
use super::active::{Active, Channels, State};
use super::arrive::{Verdict, is_full};
use super::congestion::Congestion;
use super::epoch::{Epochs, KeyWear, RestingEpochs};
use super::incoming::{Incoming, RestingIncoming};
use super::outgoing::{Outgoing, RestingOutgoing};
use super::pacer::Pacer;
use super::recovery::Recovery;
use super::rtt::{RestingRtt, Rtt};
use super::sent::SentPackets;
use super::timer::{Timer, Timers, gone_at};
use super::{Side, Stats, depart};
use crate::crypto::{ReplayWindow, Sealer};
use crate::limits::{FORGERIES_MAX, FRAMES_PER_DATAGRAM_MAX};
use crate::time::Instant;
use crate::wire::Channel;
use crate::wire::datagram::{ConnectionId, PROTECTED_HEAD_BYTES, ProtectedHead};
use crate::wire::frame;
use crate::wire::reader::Reader;
use crate::wire::varint;

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
    numbers: RestingNumbers,
    /// A client keeps the path alive, a server waits for signs of life; neither waits for anything else.
    wakes: Option<(Instant, Timer)>,
    /// One more than the number of the packet that arrived when something was last heard, while it is to be acknowledged.
    unanswered: Option<NonZeroU64>,
    /// So many packets were sent in its sleep.
    answers: u32,
    /// So many arrived a second time, or too late to tell, in its sleep.
    duplicates: u32,
    /// Datagrams that were not the peer's, since the connection's start.
    forged: u64,
}

/// What a datagram does to a connection at rest.
pub(super) enum Heard<'a> {
    /// Nothing that cannot be dealt with in its sleep.
    Asleep(Verdict),
    /// The peer has sent something else than a sign of life.
    Awake { number: u64, newest: bool, full: bool, payload: &'a [u8] },
    /// So many were not the peer's that the key should not be tried any longer.
    TooManyForgeries,
}

// Ten thousand people are at their desks and say nothing.
const _: () = assert!(size_of::<Parked>() <= 232);

/// What nobody looks at during a rest: variable-length integers, of which nearly all are small.
#[derive(Debug)]
struct RestingNumbers(Box<[u8]>);

/// What is kept before the numbers of the channels.
struct Measures {
    rtt: RestingRtt,
    wear: KeyWear,
    /// But for the forged ones.
    stats: Stats,
}

impl RestingNumbers {
    /// The rooms of grants are kept instead of their ends, and how far back a number is that was left out, because that is less.
    fn keep(active: &Active) -> Self {
        let mut out = Vec::with_capacity(128);
        let mut keep = |numbers: &[u64]| numbers.iter().for_each(|&number| varint::write(number, &mut out));
        let (RestingRtt { smoothed, variation, smallest }, KeyWear { opened, sealed_before }) = (active.rtt.park(), active.epochs.wear());
        keep(&[smoothed.into(), variation.into(), smallest.into(), opened, sealed_before]);
        let Stats { packets_lost, spurious_losses, congestions, probe_timeouts, duplicates, forged: _, key_changes } = active.stats;
        keep(&[packets_lost, spurious_losses, congestions, probe_timeouts, duplicates, key_changes]);
        let depart::Skip { left, gap } = active.skip;
        let skipped_before = active.sent.skipped().map_or(0, |skipped| active.sealer.next_number().saturating_sub(skipped));
        keep(&[left, gap, skipped_before]);
        for ((outgoing, incoming), channel) in active.outgoing.iter().zip(&active.incoming).zip(Channel::ALL) {
            let (RestingOutgoing { first, used, granted }, back) = (outgoing.park(), incoming.park());
            let room = back.granted.saturating_sub(back.consumed);
            let numbers = [first, used, granted.saturating_sub(used), back.next, back.consumed, room, back.window];
            match channel {
                // Nearly nobody has ever sent or got a file: what is not there reads as nothing.
                Channel::File if numbers == [0; 7] => {}
                Channel::File => keep(&numbers),
                // The others' windows are what they are.
                _ => keep(numbers.split_last().map_or(&[], |(_, numbers)| numbers)),
            }
        }
        Self(out.into_boxed_slice())
    }

    /// One after the other, in the order in which they were kept.
    fn read(&self) -> impl FnMut() -> u64 {
        let mut reader = Reader::new(&self.0);
        move || reader.varint().unwrap_or_default()
    }

    fn measures(&self) -> Measures {
        Self::read_measures(&mut self.read())
    }

    fn read_measures(next: &mut impl FnMut() -> u64) -> Measures {
        let [smoothed, variation, smallest] = [(); 3].map(|()| u32::try_from(next()).unwrap_or(u32::MAX));
        let (opened, sealed_before) = (next(), next());
        let [packets_lost, spurious_losses, congestions, probe_timeouts, duplicates, key_changes] = [(); 6].map(|()| next());
        Measures {
            rtt: RestingRtt { smoothed, variation, smallest },
            wear: KeyWear { opened, sealed_before },
            stats: Stats { packets_lost, spurious_losses, congestions, probe_timeouts, duplicates, forged: 0, key_changes },
        }
    }
}

impl Parked {
    pub(super) const fn wakes(&self) -> Option<(Instant, Timer)> {
        self.wakes
    }

    pub(super) fn stats(&self) -> Stats {
        self.complete(self.numbers.measures().stats)
    }

    /// With what was counted in its sleep.
    fn complete(&self, before: Stats) -> Stats {
        Stats { duplicates: before.duplicates + u64::from(self.duplicates), forged: self.forged, ..before }
    }

    pub(super) fn round_trip(&self) -> Option<core::time::Duration> {
        Rtt::resume(self.numbers.measures().rtt).smoothed()
    }

    /// A protected datagram for this connection has arrived. It is decrypted in place.
    ///
    /// A sign of life, which is nearly all that ever comes, is answered without waking up: at once, because nothing is on its way that the
    /// acknowledgement could travel with (RFC 9000 §13.2.1 sets only how late it may be), and from memory that is there.
    pub(super) fn handle_datagram<'a>(&mut self, now: Instant, head: ProtectedHead, datagram: &'a mut [u8]) -> Heard<'a> {
        let number = self.window.expand(head.number);
        if !self.window.is_new(number) {
            self.duplicates = self.duplicates.saturating_add(1);
            return Heard::Asleep(Verdict::Duplicate);
        }
        let full = is_full(datagram);
        let Some((clear, sealed)) = datagram.split_at_mut_checked(PROTECTED_HEAD_BYTES) else { return Heard::Asleep(Verdict::Forged) };
        let Some(payload) = self.epochs.open(head.epoch, number, clear, sealed) else {
            self.forged += 1;
            return if self.forged >= FORGERIES_MAX { Heard::TooManyForgeries } else { Heard::Asleep(Verdict::Forged) };
        };
        let newest = self.window.is_newest(number);
        let can_answer = self.unanswered.is_none() && self.sealer.next_number() < u64::MAX - 1;
        let unanswered = NonZeroU64::MIN.checked_add(number).filter(|_| can_answer && is_sign_of_life(payload));
        if unanswered.is_none() {
            return Heard::Awake { number, newest, full, payload };
        }
        self.window.mark(number);
        self.last_heard = now;
        self.last_active = now;
        self.unanswered = unanswered;
        Heard::Asleep(Verdict::Authentic { newest })
    }

    /// Writes the acknowledgement of a sign of life into `out`; `false` when there is nothing to send.
    pub(super) fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let Some(number) = self.take_unanswered() else { return false };
        out.clear();
        ProtectedHead { to: self.remote, epoch: self.epochs.parity(), number: self.sealer.next_number() as u32 }.encode(out);
        frame::encode_ack([(number, number)].into_iter(), now.since(self.last_heard), out);
        depart::pad(self.side, out);
        self.last_active = now;
        self.answers += 1;
        self.sealer.seal_resting(out, PROTECTED_HEAD_BYTES).is_ok()
    }

    fn take_unanswered(&mut self) -> Option<u64> {
        self.unanswered.take().map(|more| more.get() - 1)
    }

    /// Time has passed. Whether that is nothing to wake up for: the timer is not moved by what arrives; it looks when it fires.
    pub(super) fn sleeps_on(&mut self, now: Instant) -> bool {
        match self.wakes {
            Some((at, Timer::Heartbeat)) if at <= now => {
                let at = gone_at(self.last_heard);
                self.wakes = Some((at, Timer::Heartbeat));
                now < at
            }
            Some((at, _)) => now < at,
            None => true,
        }
    }

    /// Wakes it up.
    pub(super) fn resume(mut self) -> Active {
        let mut timers = Timers::default();
        let mut acks = Acks::expecting(self.window.next());
        if let Some(number) = self.take_unanswered() {
            acks = Acks::expecting(number);
            acks.on_packet(self.last_heard, number, Arrival { eliciting: true, full: false, spread: None });
            timers.put(Timer::Acknowledge, acks.due());
        }
        if let Some((at, timer)) = self.wakes {
            timers.set(timer, at);
        }
        let mut next = self.numbers.read();
        let Measures { rtt, wear, stats } = RestingNumbers::read_measures(&mut next);
        let stats = self.complete(stats);
        let skip = depart::Skip { left: next(), gap: next() };
        let skipped_before = next();
        let [control, notice, chat, history, file] = Channel::ALL.map(|channel| {
            let [first, used, room, of_message, consumed, back] = [(); 6].map(|()| next());
            let window = if channel == Channel::File { next() } else { Active::credit(self.side, channel) };
            let arriving = RestingIncoming { next: of_message, consumed, granted: consumed + back, window };
            let arriving = Incoming::resume(Active::message_bytes_max(self.side, channel), arriving);
            (Outgoing::resume(channel, RestingOutgoing { first, used, granted: used + room }), arriving)
        });
        // Counted from where the numbers were when it went to sleep.
        let parked_at = self.sealer.next_number() - u64::from(self.answers);
        let skipped = (skipped_before > 0).then(|| parked_at - skipped_before);
        Active {
            side: self.side,
            remote: self.remote,
            state: State::Open,
            sent: SentPackets::resume(self.sealer.next_number(), skipped),
            sealer: self.sealer,
            epochs: Epochs::resume(self.epochs, wear),
            window: self.window,
            last_heard: self.last_heard,
            last_active: self.last_active,
            acks,
            rtt: Rtt::resume(rtt),
            recovery: Recovery::new(),
            congestion: Congestion::new(),
            pacer: Pacer::new(self.last_active),
            outgoing: [control.0, notice.0, chat.0, history.0, file.0],
            incoming: [control.1, notice.1, chat.1, history.1, file.1],
            grants_pending: Channels::default(),
            ping_pending: false,
            path_response: None,
            path_proof: None,
            go_away: None,
            history_turns: 0,
            announcement: None,
            announcement_pending: false,
            skip,
            timers,
            events: alloc::collections::VecDeque::new(),
            is_resting: false,
            is_new: false,
            stats,
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
        let numbers = RestingNumbers::keep(&self);
        Parked {
            side: self.side,
            remote: self.remote,
            sealer: self.sealer,
            epochs: self.epochs.park(),
            window: self.window,
            last_heard: self.last_heard,
            last_active: self.last_active,
            numbers,
            wakes: self.timers.next(),
            unanswered: None,
            answers: 0,
            duplicates: 0,
            forged: self.stats.forged,
        }
    }
}

/// Whether all that was sent is that the peer is there.
fn is_sign_of_life(payload: &[u8]) -> bool {
    frame::pings_alone(payload).is_some_and(|pings| (1..=FRAMES_PER_DATAGRAM_MAX).contains(&pings))
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use core::time::Duration;

    use super::*;
    use crate::connection::peer::Peer;
    use crate::connection::{Event, Verdict, tests};
    use crate::crypto::PublicKey;
    use crate::limits::HEARTBEAT_TIMEOUT;
    use crate::rng::from_seed;
    use crate::wire::CloseCode;
    use crate::wire::frame::{self, Data, Frame, Part};

    const MS: Duration = Duration::from_millis(1);

    type Deed = fn(&mut Peer);

    type Frames = fn(&mut Vec<u8>);

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
        let under_way: [(&str, Deed); 12] = [
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
            ("files may come", |peer| peer.connection.set_file_window(1 << 20)),
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
    fn what_may_come_and_has_come_of_files_is_known_after_a_rest() {
        let mut peer = Peer::facing(Side::Server);
        peer.is_so_far_away(20 * MS);
        let rests = |peer: &mut Peer| {
            let last = peer.hears().last().map(|heard| heard.number);
            last.into_iter().for_each(|last| peer.acknowledges(&[(last, last)]));
            peer.connection.go_back_to_rest();
            assert!(peer.connection.is_parked());
        };
        let kept = |peer: &mut Peer| RestingNumbers::keep(peer.active()).0.len();
        let before = kept(&mut peer);
        peer.connection.set_file_window(2000);
        assert_eq!(kept(&mut peer) - before, 9, "who has never had to do with files keeps nothing about them");
        rests(&mut peer);
        let block = |message, bytes| Data { channel: Channel::File, message, part: Part::Whole, bytes };
        for message in 0..3 {
            peer.says(|out| frame::encode_data(&block(message, &[7; 1000]), out));
            peer.waits(25 * MS);
            peer.events();
            assert!(matches!(peer.active().incoming_mut(Channel::File).park(), RestingIncoming { window: 2000, .. }), "{message}");
            peer.connection.go_back_to_rest();
        }
        assert_eq!(peer.active().incoming_mut(Channel::File).granted(), 5000);
    }

    /// A connection of this side that rests and knows its round trip.
    fn resting(side: Side) -> Peer {
        let mut peer = Peer::facing(side);
        peer.is_so_far_away(20 * MS);
        peer.waits(10_000 * MS);
        assert!(peer.connection.is_parked());
        peer
    }

    #[test]
    fn a_sign_of_life_is_answered_at_once_without_waking_up_and_leaves_no_timer_behind() {
        let mut peer = resting(Side::Server);
        let wakes = peer.connection.next_timeout();
        for ping in 1..4 {
            peer.now = peer.now + 24_000 * MS;
            assert_eq!(peer.says(|out| (0..ping).for_each(|_| frame::encode_ping(out))), Verdict::Authentic { newest: true });
            assert!(peer.connection.is_parked());
            let heard = peer.hears();
            assert!(
                matches!(heard[0].frames()[..], [Frame::Ack(ack)] if ack.delay == Duration::ZERO && ack.ranges().count() == 1),
                "{heard:?}"
            );
            assert_eq!(heard.len(), 1);
            assert!(peer.connection.is_parked());
            assert_eq!((peer.connection.next_timeout(), peer.events()), (wakes, vec![]));
        }
    }

    #[test]
    fn the_number_that_was_left_out_is_the_same_whatever_is_answered_in_its_sleep() {
        let mut peer = Peer::facing(Side::Server);
        peer.is_so_far_away(20 * MS);
        let active = peer.active();
        let skipped = active.sealer.next_number();
        active.sent.note_skipped(skipped);
        active.sealer.skip_number();
        peer.waits(10_000 * MS);
        assert!(peer.connection.is_parked());
        let answers = [(); 3].map(|()| {
            peer.says(frame::encode_ping);
            peer.hears()[0].number
        });
        assert!(peer.connection.is_parked());
        peer.acknowledges(&[(skipped + 1, answers[2])]);
        assert_eq!(peer.events(), []);
        peer.acknowledges(&[(skipped, skipped)]);
        assert_eq!(peer.events(), [Event::Closed(CloseCode::PROTOCOL_VIOLATION)]);
    }

    #[test]
    fn a_resting_connection_knows_when_it_last_heard_something() {
        let mut peer = resting(Side::Server);
        let Some((looks, Timer::Heartbeat)) = peer.connection.next_timeout() else { panic!("no heartbeat") };
        peer.now = looks - 500 * MS;
        peer.says(frame::encode_ping);
        peer.hears();
        let heard = peer.now;
        assert_eq!(peer.waits(1000 * MS).len(), 0);
        assert!(peer.connection.is_parked(), "it looked in its sleep");
        let Some((looks, Timer::Heartbeat)) = peer.connection.next_timeout() else { panic!("no heartbeat") };
        assert!(looks <= heard + HEARTBEAT_TIMEOUT && looks > heard + HEARTBEAT_TIMEOUT - 1000 * MS, "at a whole second");
        assert_eq!(looks, looks.floor(1000 * MS));
        peer.waits(HEARTBEAT_TIMEOUT);
        assert_eq!(peer.events(), [Event::Silent]);
    }

    #[test]
    fn a_sign_of_life_with_anything_else_wakes_a_connection_up() {
        let besides: [(&str, Frames); 4] = [
            ("a message", |out| frame::encode_data(&whole(0, b"hello"), out)),
            ("an acknowledgement", |out| frame::encode_ack([(0, 0)].into_iter(), Duration::ZERO, out)),
            ("a challenge", |out| frame::encode_path_challenge([6; 8], out)),
            ("more frames than are taken", |out| (0..FRAMES_PER_DATAGRAM_MAX).for_each(|_| frame::encode_ping(out))),
        ];
        for (what, besides) in besides {
            let mut peer = resting(Side::Server);
            assert_eq!(
                peer.says(|out| {
                    frame::encode_ping(out);
                    besides(out);
                }),
                Verdict::Authentic { newest: true }
            );
            assert!(!peer.connection.is_parked(), "{what}");
        }
    }

    #[test]
    fn an_answer_that_has_not_left_is_not_lost_when_the_connection_wakes_up() {
        // The peer goes on at once: the second sign of life finds the first one unanswered.
        let mut peer = resting(Side::Server);
        peer.says(frame::encode_ping);
        peer.says(frame::encode_ping);
        let heard = peer.waits(25 * MS);
        assert!(matches!(heard[0].frames()[..], [Frame::Ack(ack)] if ack.ranges().collect::<Vec<_>>() == [(1, 2)]), "{heard:?}");
        // Its owner has something to say.
        let mut peer = resting(Side::Server);
        peer.says(frame::encode_ping);
        peer.connection.send(Channel::Chat, vec![1].into()).unwrap();
        let heard = peer.hears();
        assert!(matches!(heard[0].frames()[..], [Frame::Ack(_), Frame::Data(_)]), "{heard:?}");
        // Something else wakes it, and nothing takes the answer along.
        let mut peer = resting(Side::Server);
        peer.says(frame::encode_ping);
        peer.active();
        assert_eq!(peer.waits(25 * MS - Duration::from_micros(1)).len(), 0);
        assert_eq!(peer.waits(Duration::from_micros(1)).len(), 1);
    }

    #[test]
    fn a_resting_client_answers_in_its_sleep_and_fills_up_what_it_sends() {
        let mut peer = resting(Side::Client);
        peer.says(frame::encode_ping);
        assert_eq!(peer.hears()[0].bytes, 40);
        assert!(peer.connection.is_parked());
    }

    #[test]
    fn forgeries_and_repetitions_are_counted_in_its_sleep_and_too_many_end_it() {
        let mut peer = resting(Side::Server);
        let (head, datagram) = peer.seals(frame::encode_ping);
        for (times, verdict) in [(0, Verdict::Authentic { newest: true }), (1, Verdict::Duplicate), (2, Verdict::Duplicate)] {
            assert_eq!(peer.hands((head, datagram.clone())), verdict);
            peer.hears();
            assert_eq!(peer.connection.stats().duplicates, times);
        }
        let before = Stats { forged: FORGERIES_MAX - 2, ..peer.connection.stats() };
        peer.active().stats = before;
        peer.connection.go_back_to_rest();
        for rests in [true, false] {
            let (head, mut datagram) = peer.seals(frame::encode_ping);
            datagram.iter_mut().last().into_iter().for_each(|byte| *byte ^= 1);
            assert_eq!(peer.hands((head, datagram)), Verdict::Forged);
            assert_eq!(peer.connection.is_parked(), rests);
        }
        assert_eq!(peer.hears()[0].frames(), [Frame::Close { code: CloseCode::AEAD_LIMIT, reason: "" }]);
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
