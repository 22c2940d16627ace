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
use crate::wire::datagram::SessionId;

/// What it takes to go on as if the connection had never rested: keys, counters, what is known of the path.
#[derive(Debug)]
pub(super) struct Parked {
    side: Side,
    remote: SessionId,
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
