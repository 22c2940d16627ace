//! What time does: one arm a timer.

use super::Event;
use super::active::{Active, State};
use super::timer::{FIRST_REST_AFTER, REST_AFTER, Timer, Timers, gone_at, new_together_after, together_after};
use crate::limits::CLOSE_TRIES_MAX;
use crate::time::Instant;

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
        let at = self.rests_at(self.last_active);
        if now < at {
            self.timers.set(Timer::Rest, at);
            return;
        }
        self.epochs.rest(now);
        self.sent.forget(now);
        self.is_resting = true;
        if let Some(until) = self.epochs.old_key_until() {
            self.timers.set(Timer::Rest, together_after(until));
        }
    }

    /// Something arrived or left.
    pub(super) fn note_activity(&mut self, now: Instant) {
        self.last_active = now;
        self.is_resting = false;
        if self.timers.get(Timer::Rest).is_none() && self.state == State::Open {
            self.window.widen();
            // Twice the time, so that it need not look again after each burst.
            let looks = if self.is_new { self.rests_at(now) } else { together_after(now + 2 * REST_AFTER) };
            self.timers.set(Timer::Rest, looks);
        }
    }

    /// When it rests if nothing happens any more.
    fn rests_at(&self, last_active: Instant) -> Instant {
        if self.is_new { new_together_after(last_active + FIRST_REST_AFTER) } else { together_after(last_active + REST_AFTER) }
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
    use core::time::Duration;

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
    fn a_new_connection_rests_at_the_quarter_of_a_second_once_nothing_has_happened_for_half_of_one() {
        for (happens, rests) in [(&[0][..], 500), (&[1], 750), (&[0, 250], 750), (&[0, 251], 1000), (&[0, 400, 800], 1500)] {
            assert_eq!(rests_after(&mut Peer::facing(Side::Server), happens), rests, "{happens:?}");
        }
    }

    /// Things happen after so many milliseconds; after how many it rests.
    fn rests_after(peer: &mut Peer, happens: &[u64]) -> u64 {
        let since = peer.now;
        for &at in happens {
            peer.waits((since + Duration::from_millis(at)).since(peer.now));
            peer.says(something);
        }
        assert!(!peer.connection.is_parked());
        while !peer.connection.is_parked() {
            let (next, _) = peer.connection.next_timeout().unwrap();
            peer.waits(next.since(peer.now));
        }
        crate::time::micros(peer.now.since(since)) / 1000
    }

    #[test]
    fn a_connection_rests_at_the_second_once_nothing_has_happened_for_two_and_looks_every_four() {
        for (happens, rests) in [(&[0][..], 4000), (&[0, 1000], 4000), (&[0, 2000], 4000), (&[0, 3000], 5000), (&[0, 3000, 4500], 7000)] {
            let mut peer = Peer::facing(Side::Server);
            peer.connection.go_back_to_rest();
            assert_eq!(rests_after(&mut peer, happens), rests, "{happens:?}");
        }
    }
}
