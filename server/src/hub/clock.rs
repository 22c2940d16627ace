//! The wall clock may be set. What was planned or judged by one that was ahead is put right when it comes back; and one that has jumped
//! ahead has to go on for a while before anything is deleted by it, because that does not come back.

use belfry_core::chat::Refusal;
use belfry_core::time::{Instant, Now, UnixMillis};

use super::notices::{Due, ToldTo, later};
use super::{Hub, PendingJob, spelled};
use crate::limits::{CLOCK_BELIEVED_AFTER, CLOCK_LEAP, CLOCK_LOOK_EVERY};
use crate::store::{ClockSetBack, Outcome, Work};

/// What is known of the wall clock.
#[derive(Debug)]
pub(super) struct WallClock {
    /// Both clocks when it was last looked.
    looked: Option<Now>,
    /// The latest time that is believed; 0 where nothing is known.
    known: UnixMillis,
    /// It has leapt beyond that, and is believed from here on if it stays there.
    doubted_until: Option<Instant>,
    /// It was set back from here, and that has not been put right yet.
    unsettled: Option<UnixMillis>,
}

impl WallClock {
    /// A clock at which nobody has looked, in a house that has seen this time.
    pub(super) const fn new(known: UnixMillis) -> Self {
        Self { looked: None, known, doubted_until: None, unsettled: None }
    }

    /// Looks at it. Where it was set back, what it would show had nobody done so; the same at the first look, when it may have been set
    /// while the server was away.
    fn look(&mut self, now: Now) -> Option<UnixMillis> {
        let before = self.looked.replace(now);
        let expected = before.map(|before| later(before, now.instant.since(before.instant)));
        let back = match expected {
            None => Some(now.wall),
            // What is behind by less has drifted, or was set right by a little.
            Some(expected) => (later(now, CLOCK_LOOK_EVERY) < expected).then_some(expected),
        };
        if let Some(from) = back.filter(|&from| from > now.wall) {
            self.known = now.wall;
            let by = core::time::Duration::from_millis(from.0 - now.wall.0);
            tracing::warn!("the clock was set back by {}; schedules and expiry times are worked out anew", spelled(by));
        }
        self.doubt(now);
        [self.unsettled.take(), back].into_iter().flatten().max()
    }

    /// Whether it is where it may be.
    fn doubt(&mut self, now: Now) {
        let leapt = self.known.0 > 0 && now.wall > later(Now { wall: self.known, ..now }, CLOCK_LEAP);
        match self.doubted_until {
            None if leapt => {
                let by = core::time::Duration::from_millis(now.wall.0 - self.known.0);
                tracing::warn!(
                    "the clock is {} ahead of everything in the database; nothing is deleted for its age until it has gone on for {}",
                    spelled(by),
                    spelled(CLOCK_BELIEVED_AFTER)
                );
                self.doubted_until = Some(now.instant + CLOCK_BELIEVED_AFTER);
            }
            Some(until) if leapt && now.instant < until => {}
            _ => {
                self.doubted_until = None;
                self.known = self.known.max(now.wall);
            }
        }
    }

    /// While it is not believed: until when.
    pub(super) const fn doubted_until(&self) -> Option<Instant> {
        self.doubted_until
    }

    /// When to look again.
    pub(super) fn deadline(&self) -> Instant {
        self.looked.map_or(Instant::START, |looked| looked.instant + CLOCK_LOOK_EVERY)
    }
}

impl Hub {
    /// Somebody may have set the clock: what was planned by another one is planned anew.
    pub(super) fn check_clock(&mut self, now: Now) {
        let Some(from) = self.clock.look(now) else { return };
        for (schedule, at) in self.schedules.catch_up(now.wall, &self.config.time_zone) {
            tracing::warn!(schedule = schedule.0, "the clock was ahead; the next time of a scheduled notice is worked out anew");
            self.agenda.set(Due::Occurrence(schedule), Some(at));
        }
        self.directory.seen_no_later_than(now.wall);
        // It may have waited until the clock is believed.
        self.begin_tidying(now);
        if self.submit(now, Work::SetClockBack { from }, PendingJob::ClockSetBack { from }).is_err() {
            self.clock.unsettled = Some(from);
        }
    }

    /// What was noted by the clock as it was is put right: whoever was told that a notice is over hears that it is not.
    pub(super) fn clock_set_back(&mut self, now: Now, from: UnixMillis, result: Result<Outcome, Refusal>) {
        let Ok(ClockSetBack { open, reminders }) = result.and_then(Outcome::expect) else {
            // The log has the reason already.
            self.clock.unsettled = Some(from);
            return;
        };
        for (at, notice) in reminders {
            self.agenda.set(Due::Reminder(notice), Some(at));
        }
        for stored in &open {
            self.tell(now, stored, ToldTo::All);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const YEAR_MS: u64 = 365 * 86_400_000;
    const TODAY: u64 = 1_800_000_000_000;

    fn at(minutes: u64, wall: u64) -> Now {
        Now { instant: Instant::START + Duration::from_secs(60 * minutes), wall: UnixMillis(wall) }
    }

    #[test]
    fn a_clock_that_goes_on_was_not_set_and_one_that_is_behind_was() {
        let mut clock = WallClock::new(UnixMillis(TODAY));
        assert_eq!(clock.look(at(0, TODAY)), Some(UnixMillis(TODAY)), "it may have been set while nobody looked");
        assert_eq!(clock.look(at(1, TODAY + 60_000)), None);
        assert_eq!(clock.look(at(2, TODAY + 60_000)), None, "behind by no more than a minute");
        assert_eq!(clock.look(at(3, TODAY + 59_999)), Some(UnixMillis(TODAY + 120_000)), "and by more");
    }

    #[test]
    fn one_that_leaps_ahead_is_doubted_for_a_day_and_one_that_comes_back_is_not() {
        let mut clock = WallClock::new(UnixMillis(TODAY));
        clock.look(at(0, TODAY));
        clock.look(at(1, TODAY + YEAR_MS));
        assert!(clock.doubted_until().is_some());
        clock.look(at(24 * 60, TODAY + YEAR_MS + 86_340_000));
        assert!(clock.doubted_until().is_some());
        let mut right = WallClock { ..clock };
        right.look(at(24 * 60 + 1, TODAY + YEAR_MS + 86_400_000));
        assert_eq!(right.doubted_until(), None, "it has gone on for a day");
        let mut clock = WallClock::new(UnixMillis(TODAY));
        clock.look(at(0, TODAY + YEAR_MS));
        assert!(clock.doubted_until().is_some(), "also when the server starts with it");
        clock.look(at(1, TODAY));
        assert_eq!(clock.doubted_until(), None);
        clock.look(at(2, TODAY + YEAR_MS));
        assert!(clock.doubted_until().is_some(), "and again");
    }

    #[test]
    fn a_house_that_was_shut_over_night_or_whose_computer_forgets_the_time_doubts_nothing() {
        let mut clock = WallClock::new(UnixMillis(TODAY));
        clock.look(at(0, TODAY + 80_000_000));
        assert_eq!(clock.doubted_until(), None);
        let mut forgetful = WallClock::new(UnixMillis(TODAY));
        forgetful.look(at(0, 1_262_304_000_000));
        forgetful.look(at(1, TODAY + 80_000_000));
        assert_eq!(forgetful.doubted_until(), None, "it was asked what time it is, and it is tomorrow");
        let leap = u64::try_from(CLOCK_LEAP.as_millis()).unwrap();
        let doubts = |by| {
            let mut clock = WallClock::new(UnixMillis(TODAY));
            clock.look(at(0, TODAY + by));
            clock.doubted_until().is_some()
        };
        assert_eq!([leap, leap + 1].map(doubts), [false, true]);
        let mut new = WallClock::new(UnixMillis(0));
        new.look(at(0, TODAY));
        assert_eq!(new.doubted_until(), None, "a new house has seen nothing");
    }

    #[test]
    fn what_was_seen_by_a_clock_that_was_set_back_is_seen_no_more() {
        let leap = u64::try_from(CLOCK_LEAP.as_millis()).unwrap();
        let mut clock = WallClock::new(UnixMillis(TODAY));
        clock.look(at(0, TODAY));
        clock.look(at(1, TODAY + leap));
        assert_eq!(clock.doubted_until(), None);
        clock.look(at(2, TODAY));
        clock.look(at(3, TODAY + 2 * leap));
        assert!(clock.doubted_until().is_some());
    }
}
