//! A connection on which something happens.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::acks::Acks;
use super::body::Body;
use super::congestion::Congestion;
use super::depart;
use super::epoch::Epochs;
use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::pacer::Pacer;
use super::recovery::Recovery;
use super::rtt::Rtt;
use super::sent::SentPackets;
use super::timer::{Timer, Timers, gone_at};
use super::{Established, Event, SendError, Side, Stats};
use crate::crypto::{PublicKey, ReplayWindow, Sealer};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::datagram::ConnectionId;
use crate::wire::{Channel, CloseCode};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Messages flow.
    Open,
    /// We have said goodbye and wait for the answer.
    Closing { code: CloseCode, tries: u32, due: bool },
    /// The peer has said goodbye; one answer, and that is it.
    Answering,
    /// Over.
    Closed,
}

/// A connection with everything that one on which something happens needs.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) side: Side,
    pub(super) remote: ConnectionId,
    pub(super) state: State,
    pub(super) sealer: Sealer,
    pub(super) epochs: Epochs,
    pub(super) window: ReplayWindow,
    /// When something authentic last arrived.
    pub(super) last_heard: Instant,
    /// When something last arrived or left.
    pub(super) last_active: Instant,
    pub(super) acks: Acks,
    pub(super) sent: SentPackets,
    pub(super) rtt: Rtt,
    pub(super) recovery: Recovery,
    pub(super) congestion: Congestion,
    pub(super) pacer: Pacer,
    pub(super) outgoing: [Outgoing; Channel::COUNT],
    pub(super) incoming: [Incoming; Channel::COUNT],
    pub(super) grants_pending: Channels,
    pub(super) ping_pending: bool,
    /// The newest challenge to answer; an older one is forgotten.
    pub(super) path_response: Option<[u8; 8]>,
    /// The newest answer to a challenge of ours, for the owner to compare.
    pub(super) path_proof: Option<[u8; 8]>,
    pub(super) go_away: Option<(u32, u32)>,
    /// Datagrams of history since the last of files, while both wait.
    pub(super) history_turns: u8,
    /// The server's new public key, until the client has acknowledged it; and whether it is to be sent.
    pub(super) announcement: Option<PublicKey>,
    pub(super) announcement_pending: bool,
    pub(super) skip: depart::Skip,
    pub(super) timers: Timers,
    pub(super) events: VecDeque<Event>,
    /// Nothing has happened for a while.
    pub(super) is_resting: bool,
    /// It has not rested yet.
    pub(super) is_new: bool,
    pub(super) stats: Stats,
}

/// A set of channels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Channels(u8);

impl Channels {
    pub(super) fn insert(&mut self, channel: Channel) {
        self.0 |= 1 << channel.number();
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn take(&mut self) -> impl Iterator<Item = Channel> + use<> {
        let set = core::mem::take(&mut self.0);
        Channel::ALL.into_iter().filter(move |channel| set & (1 << channel.number()) != 0)
    }
}

impl Active {
    /// A connection whose handshake is done.
    pub(super) fn new(established: Established, now: Instant, rng: &mut Rng) -> Self {
        Self::numbered_from(0, established, now, rng)
    }

    /// The same; the first packet in either direction has this number.
    pub(super) fn numbered_from(first: u64, established: Established, now: Instant, rng: &mut Rng) -> Self {
        let Established { side, remote, sealing, opening } = established;
        let peer = side.other();
        let mut connection = Self {
            side,
            remote,
            state: State::Open,
            sealer: Sealer::new(sealing, first),
            epochs: Epochs::new(opening),
            window: ReplayWindow::new(first),
            last_heard: now,
            last_active: now,
            acks: Acks::default(),
            sent: SentPackets::resume(first, None),
            rtt: Rtt::default(),
            recovery: Recovery::new(),
            congestion: Congestion::new(),
            pacer: Pacer::new(now),
            outgoing: Channel::ALL.map(|channel| Outgoing::new(channel, Self::credit(peer, channel))),
            incoming: Channel::ALL.map(|channel| Incoming::new(Self::message_bytes_max(side, channel), Self::credit(side, channel))),
            grants_pending: Channels::default(),
            ping_pending: false,
            path_response: None,
            path_proof: None,
            go_away: None,
            history_turns: 0,
            announcement: None,
            announcement_pending: false,
            skip: depart::Skip::new(rng),
            timers: Timers::default(),
            events: VecDeque::new(),
            is_resting: false,
            is_new: true,
            stats: Stats::default(),
        };
        match side {
            // The first packet confirms the keys to the server.
            Side::Client => connection.ping_pending = true,
            Side::Server => connection.timers.set(Timer::Heartbeat, gone_at(now)),
        }
        connection
    }

    /// What a side lets its peer send on a channel at the beginning.
    pub(super) const fn credit(to: Side, channel: Channel) -> u64 {
        match to {
            Side::Client => channel.credit_to_client(),
            Side::Server => channel.credit_to_server(),
        }
    }

    /// The largest message that a channel carries to a side.
    pub(super) const fn message_bytes_max(to: Side, channel: Channel) -> usize {
        match to {
            Side::Client => channel.message_bytes_to_client_max(),
            Side::Server => channel.message_bytes_to_server_max(),
        }
    }

    pub(super) fn send_spread(&mut self, channel: Channel, body: Body, spread: Duration) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::Gone);
        }
        if body.is_empty() || body.len() > Self::message_bytes_max(self.side.other(), channel) {
            return Err(SendError::Size);
        }
        let millis = u16::try_from(spread.as_millis()).unwrap_or(u16::MAX);
        self.outgoing_mut(channel).push(body, millis);
        Ok(())
    }

    /// How many bytes of files the peer may have on their way from now on. What was granted before stays granted.
    pub(super) fn set_file_window(&mut self, bytes: u64) {
        if self.state == State::Open && self.incoming_mut(Channel::File).set_window(bytes) {
            self.grants_pending.insert(Channel::File);
        }
    }

    /// Asks the peer for a sign of life at once: the computer woke, or its network changed.
    pub(super) fn ping(&mut self) {
        self.ping_pending = true;
    }

    /// Tells a client that knows an older one the server's present public key.
    pub(super) fn announce_key(&mut self, key: PublicKey) {
        self.announcement = Some(key);
        self.announcement_pending = true;
    }

    /// The peer has proven that it is somewhere else now; `far` when that is more than another port of the same address.
    pub(super) fn on_moved(&mut self, far: bool) {
        if far {
            self.rtt.forget();
            self.congestion = Congestion::new();
        }
        // Whatever was on its way to the old place may be lost; a probe finds out.
        self.ping_pending = true;
    }

    /// Says goodbye. [`Event::Ended`] follows when it is heard or was said often enough.
    pub(super) fn close(&mut self, now: Instant, code: CloseCode) {
        if self.state == State::Open {
            self.state = State::Closing { code, tries: 0, due: true };
            self.stop_timers(now);
            self.incoming.iter_mut().for_each(Incoming::give_up);
            self.outgoing.iter_mut().for_each(Outgoing::give_up);
        }
    }

    /// Says goodbye because the server stops.
    pub(super) fn go_away(&mut self, now: Instant, retry_after: Duration, jitter: Duration) {
        let millis = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        self.go_away = Some((millis(retry_after), millis(jitter)));
        self.close(now, CloseCode::GOING_AWAY);
    }

    pub(super) fn stop_timers(&mut self, now: Instant) {
        self.timers = Timers::default();
        self.timers.set(Timer::Close, now);
    }

    // The arrays have one entry a channel, in order of number, so these cannot miss.
    pub(super) fn outgoing_mut(&mut self, channel: Channel) -> &mut Outgoing {
        let [control, notice, chat, history, file] = &mut self.outgoing;
        match channel {
            Channel::Control => control,
            Channel::Notice => notice,
            Channel::Chat => chat,
            Channel::History => history,
            Channel::File => file,
        }
    }

    pub(super) fn incoming_mut(&mut self, channel: Channel) -> &mut Incoming {
        let [control, notice, chat, history, file] = &mut self.incoming;
        match channel {
            Channel::Control => control,
            Channel::Notice => notice,
            Channel::Chat => chat,
            Channel::History => history,
            Channel::File => file,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::connection::Queued;
    use crate::connection::peer::Peer;
    use crate::limits::WINDOW_INITIAL_BYTES;
    use crate::wire::frame::Frame;

    #[test]
    fn a_move_to_another_address_starts_round_trip_and_window_anew_and_one_to_another_port_does_not() {
        let round_trip = Duration::from_millis(80);
        for far in [false, true] {
            let mut peer = Peer::facing(Side::Server);
            peer.is_so_far_away(round_trip);
            let now = peer.now;
            peer.active().congestion.on_acknowledged(50_000, now, WINDOW_INITIAL_BYTES);
            peer.connection.on_moved(far);
            assert_eq!(peer.connection.round_trip(), (!far).then_some(round_trip));
            assert_eq!(peer.active().congestion.window() == WINDOW_INITIAL_BYTES, far);
            let heard = peer.hears();
            assert_eq!(heard[0].frames(), [Frame::Ping], "what was on its way to the old place may be lost");
        }
    }

    #[test]
    fn a_message_has_at_least_one_byte_and_no_more_than_its_channel_takes() {
        for (side, channel, longest) in [
            (Side::Client, Channel::Control, 4096),
            (Side::Client, Channel::History, 8192),
            (Side::Server, Channel::History, 65_536),
            (Side::Server, Channel::Notice, 65_536),
        ] {
            let mut peer = Peer::facing(side);
            for (length, taken) in [(0, Err(SendError::Size)), (1, Ok(())), (longest, Ok(())), (longest + 1, Err(SendError::Size))] {
                assert_eq!(peer.connection.send(channel, vec![1; length].into()), taken, "{side:?} {channel:?} {length}");
            }
        }
        let mut peer = Peer::facing(Side::Client);
        assert_eq!(peer.connection.send(Channel::Notice, [1].into()), Err(SendError::Size), "nobody sends notices to a server");
        peer.connection.close(peer.now, CloseCode::NO_ERROR);
        assert_eq!(peer.connection.send(Channel::Chat, [1].into()), Err(SendError::Gone));
    }

    #[test]
    fn what_waits_is_summed_over_the_channels_and_the_fullest_is_given_up() {
        let mut peer = Peer::facing(Side::Server);
        assert!(peer.connection.is_idle());
        for (channel, length) in [(Channel::Notice, 100), (Channel::Chat, 3000), (Channel::Chat, 200), (Channel::History, 3000)] {
            peer.connection.send(channel, vec![1; length].into()).unwrap();
        }
        assert!(!peer.connection.is_idle());
        let queued = peer.connection.queued();
        let beside = queued.beside / 4;
        assert_eq!(queued.bytes, 6300 + 4 * beside);
        let waiting = |peer: &Peer| Channel::ALL.map(|channel| peer.connection.waiting_bytes(channel));
        assert_eq!(waiting(&peer), [0, 100 + beside, 3200 + 2 * beside, 3000 + beside, 0]);
        peer.connection.shed();
        assert_eq!(waiting(&peer), [0, 100 + beside, 0, 3000 + beside, 0]);
        assert_eq!(peer.connection.queued(), Queued { bytes: 3100 + 2 * beside, beside: 2 * beside });
    }
}
