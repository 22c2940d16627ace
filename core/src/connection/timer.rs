//! What a connection waits for.

use core::time::Duration;

use crate::limits::HEARTBEAT_TIMEOUT;
use crate::time::Instant;

/// Timers that do not mind fire at whole seconds, with those of all other connections: one look at all of them and not one at each.
const TOGETHER: Duration = Duration::from_secs(1);

/// A connection on which nothing happened for this long gives back the memory that only a busy one needs.
pub(super) const REST_AFTER: Duration = Duration::from_secs(2);

/// The same of one that is new: most clients sign in, catch up and say nothing for hours, and of a house that comes back at once only those
/// should be awake that are just coming in.
pub(super) const FIRST_REST_AFTER: Duration = Duration::from_millis(500);

/// New connections look at every quarter of a second.
const NEW_TOGETHER: Duration = Duration::from_millis(250);

/// The whole second not earlier than this, for what may last longer.
pub(super) fn together_after(at: Instant) -> Instant {
    next_multiple(at, TOGETHER)
}

/// The same for new connections: a second is half of the time that they are awake.
pub(super) fn new_together_after(at: Instant) -> Instant {
    next_multiple(at, NEW_TOGETHER)
}

fn next_multiple(at: Instant, of: Duration) -> Instant {
    (at + (of - Duration::from_micros(1))).floor(of)
}

/// When a client counts as gone that was last heard then: at the whole second before it has been silent for longer.
pub(super) fn gone_at(last_heard: Instant) -> Instant {
    (last_heard + HEARTBEAT_TIMEOUT).floor(TOGETHER)
}

/// Every deadline of a connection. The order has no meaning; at one instant all that are due fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Timer {
    /// A packet has gone unacknowledged for too long: declare it lost, or probe.
    Recovery = 0,
    /// An acknowledgement has waited for company long enough.
    Acknowledge = 1,
    /// The client has sent nothing for so long that the server and what lies between might forget it.
    KeepAlive = 2,
    /// The server has heard nothing for so long that the client counts as gone.
    Heartbeat = 3,
    /// The goodbye has not been answered: say it again, or leave.
    Close = 4,
    /// Nothing has happened for a while: give memory back.
    Rest = 5,
    /// The next portion of bulk may leave.
    Pace = 6,
}

impl Timer {
    const ALL: [Self; 7] = [Self::Recovery, Self::Acknowledge, Self::KeepAlive, Self::Heartbeat, Self::Close, Self::Rest, Self::Pace];
}

/// When each timer fires.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timers([Option<Instant>; Timer::ALL.len()]);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.put(timer, Some(at));
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        self.put(timer, None);
    }

    pub(super) fn put(&mut self, timer: Timer, at: Option<Instant>) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = at;
        }
    }

    pub(super) fn get(&self, timer: Timer) -> Option<Instant> {
        self.0.get(timer as usize).copied().flatten()
    }

    /// The soonest deadline, and whose it is.
    pub(super) fn next(&self) -> Option<(Instant, Timer)> {
        Timer::ALL.into_iter().filter_map(|timer| Some((self.get(timer)?, timer))).min()
    }

    /// Takes one timer that is due.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Timer> {
        let (at, timer) = self.next()?;
        (at <= now).then(|| {
            self.stop(timer);
            timer
        })
    }
}
