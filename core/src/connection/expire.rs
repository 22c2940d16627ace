//! What time does: one arm a timer.

use core::time::Duration;

use super::Event;
use super::active::{Active, State};
use super::timer::{Timer, Timers, gone_at, together_after};
use crate::limits::CLOSE_TRIES_MAX;
use crate::time::Instant;

/// A connection on which nothing happened for this long gives back the memory that only a busy one needs.
const REST_AFTER: Duration = Duration::from_secs(2);

impl Active {
    /// Time has passed. All datagrams that arrived until `now` must have been handled before.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.expire(now) {
            match timer {
                Timer::Recovery => self.on_recovery_timer(now),
                // Being due is all it takes: the next transmit looks.
                Timer::Acknowledge | Timer::Pace => {}
                Timer::KeepAlive => self.ping_pending = true,
                Timer::Heartbeat => self.on_heartbeat_timer(now),
                Timer::Close => self.on_close_timer(),
                Timer::Rest => self.on_rest_timer(now),
            }
        }
    }

    /// The timer is not moved by what arrives; it looks when it fires.
    fn on_heartbeat_timer(&mut self, now: Instant) {
        let at = gone_at(self.last_heard);
        if now < at {
            self.timers.set(Timer::Heartbeat, at);
        } else {
            self.events.push_back(Event::Silent);
            self.state = State::Closed;
            self.timers = Timers::default();
        }
    }

    fn on_close_timer(&mut self) {
        match &mut self.state {
            State::Closing { tries, .. } if *tries >= CLOSE_TRIES_MAX => self.end(),
            State::Closing { due, .. } => *due = true,
            State::Open | State::Answering | State::Closed => {}
        }
    }

    fn on_rest_timer(&mut self, now: Instant) {
        let at = together_after(self.last_active + REST_AFTER);
        if now < at {
            self.timers.set(Timer::Rest, at);
            return;
        }
        self.epochs.rest(now);
        self.sent.forget(now);
        self.is_resting = true;
    }

    /// Something arrived or left.
    pub(super) fn note_activity(&mut self, now: Instant) {
        self.last_active = now;
        self.is_resting = false;
        if self.timers.get(Timer::Rest).is_none() && self.state == State::Open {
            self.window.widen();
            // Twice the time, so that it need not look again after each burst.
            self.timers.set(Timer::Rest, together_after(now + 2 * REST_AFTER));
        }
    }

    /// It is over without another word.
    pub(super) fn end(&mut self) {
        self.events.push_back(Event::Ended);
        self.state = State::Closed;
        self.timers = Timers::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Side;
    use crate::connection::peer::Peer;
    use crate::limits::HEARTBEAT_TIMEOUT;
    use crate::wire::frame;

    const TICK: Duration = Duration::from_micros(1);

    /// Something that wants no answer.
    fn something(out: &mut alloc::vec::Vec<u8>) {
        frame::encode_padding(1, out);
    }

    #[test]
    fn a_server_gives_a_client_up_90_seconds_after_it_last_heard_it() {
        let mut peer = Peer::facing(Side::Server);
        assert_eq!(peer.connection.next_timeout(), Some((peer.now + HEARTBEAT_TIMEOUT, Timer::Heartbeat)));
        peer.waits(HEARTBEAT_TIMEOUT / 2);
        peer.says(something);
        peer.waits(HEARTBEAT_TIMEOUT - TICK);
        assert_eq!(peer.events(), []);
        assert!(!peer.connection.is_over());
        peer.waits(TICK);
        assert_eq!(peer.events(), [Event::Silent]);
        assert!(peer.connection.is_over());
        assert_eq!(peer.connection.next_timeout(), None);
    }

    #[test]
    fn a_connection_rests_at_the_second_once_nothing_has_happened_for_two_and_looks_every_four() {
        for (happens, rests) in [(&[0][..], 4000), (&[0, 1000], 4000), (&[0, 2000], 4000), (&[0, 3000], 5000), (&[0, 3000, 4500], 7000)] {
            let mut peer = Peer::facing(Side::Server);
            let since = peer.now;
            for &at in happens {
                peer.waits((since + Duration::from_millis(at)).since(peer.now));
                peer.says(something);
            }
            let rests = since + Duration::from_millis(rests);
            peer.waits(rests.since(peer.now) - TICK);
            assert!(!peer.connection.is_parked(), "{happens:?}");
            peer.waits(TICK);
            assert!(peer.connection.is_parked(), "{happens:?}");
        }
    }
}
