//! Notices that are sent later, once or again and again.

use std::collections::BTreeMap;
use std::ops::Bound;

use belfry_core::chat::{AccountId, Answer, Audience, Every, NoticeDraft, Refusal, RoomName, Schedule, ScheduleId, Scheduled};
use belfry_core::time::{Now, UnixMillis};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::{Due, later};
use crate::hub::done::misplaced;
use crate::hub::{Hub, ReplyTo, Waiting, page};
use crate::limits::{REPEAT_MAX, REPEAT_MIN, SCHEDULES_MAX, STORE_RETRY};
use crate::store::{Occurrence, Outcome, StoredSchedule, Work};

const DAY_MS: u64 = 24 * 3600 * 1000;

/// Every notice that waits for its time.
#[derive(Debug, Default)]
pub(in crate::hub) struct Schedules {
    waiting: BTreeMap<ScheduleId, StoredSchedule>,
}

impl Schedules {
    pub(in crate::hub) fn new(schedules: Vec<StoredSchedule>) -> Self {
        Self { waiting: schedules.into_iter().map(|schedule| (schedule.id, schedule)).collect() }
    }

    /// When each is due.
    pub(in crate::hub) fn times(&self) -> impl Iterator<Item = (ScheduleId, UnixMillis)> {
        self.waiting.values().map(|schedule| (schedule.id, schedule.next_at))
    }

    /// A room has another name, also in the store.
    pub(in crate::hub) fn rename_room(&mut self, old: &RoomName, new: &RoomName) {
        for schedule in self.waiting.values_mut() {
            Audience::rename_room(&mut schedule.draft.audience, old, new);
        }
    }
}

/// The first time after `now` that a repetition of something at `at` falls on. A day is one of the calendar in `zone`: eight o'clock
/// stays eight o'clock when the clocks change.
fn next(at: UnixMillis, every: Every, now: UnixMillis, zone: &TimeZone) -> Option<UnixMillis> {
    match every {
        Every::Millis(step) => {
            let behind = now.0.saturating_sub(at.0) / step.max(1);
            at.0.checked_add(step.checked_mul(behind + 1)?).map(UnixMillis)
        }
        Every::Days(days) => {
            let first = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?.to_zoned(zone.clone());
            // Close from below, so that few steps are left.
            let mut steps = (now.0.saturating_sub(at.0) / (DAY_MS * u64::from(days.max(1)))).saturating_sub(1);
            loop {
                let passed = i64::try_from(steps.checked_mul(u64::from(days))?).ok()?;
                let then = first.checked_add(Span::new().try_days(passed).ok()?).ok()?.timestamp().as_millisecond();
                let then = UnixMillis(u64::try_from(then).ok()?);
                if then > now && then > at {
                    return Some(then);
                }
                steps += 1;
            }
        }
    }
}

fn check_repetition(every: Option<Every>) -> Result<(), Refusal> {
    let step = match every {
        None => return Ok(()),
        Some(Every::Millis(step)) => u128::from(step),
        Some(Every::Days(days)) => u128::from(days) * u128::from(DAY_MS),
    };
    if (REPEAT_MIN.as_millis()..=REPEAT_MAX.as_millis()).contains(&step) { Ok(()) } else { Err(Refusal::ScheduleOutOfBounds) }
}

impl Hub {
    pub(super) fn schedule_notice(
        &mut self,
        now: Now,
        author: AccountId,
        to: ReplyTo,
        schedule: Schedule,
        draft: NoticeDraft,
    ) -> Result<(), Refusal> {
        if schedule.at <= now.wall {
            return Err(Refusal::ScheduleInThePast);
        }
        check_repetition(schedule.every)?;
        if draft.expires_at.is_some_and(|end| end <= schedule.at) {
            return Err(Refusal::ExpiryInThePast);
        }
        if self.schedules.waiting.len() >= SCHEDULES_MAX {
            return Err(Refusal::TooMany);
        }
        let waiting = Waiting::AddSchedule { to, author, post: draft.post };
        self.submit(now, Work::AddSchedule { author, next_at: schedule.at, draft }, waiting)
    }

    pub(in crate::hub) fn scheduled(&mut self, to: ReplyTo, outcome: Outcome) -> Result<(), Refusal> {
        let schedule = match outcome {
            Outcome::Scheduled(schedule) => *schedule,
            other => return Err(misplaced(&other)),
        };
        self.reply(to, Ok(Answer::NoticeScheduled { schedule: schedule.id, at: schedule.next_at }));
        self.agenda.set(Due::Occurrence(schedule.id), Some(schedule.next_at));
        self.schedules.waiting.insert(schedule.id, schedule);
        Ok(())
    }

    /// Its time has come. One that came while the server was away is sent late, unless it has ended meanwhile.
    pub(super) fn occur(&mut self, now: Now, id: ScheduleId) -> Result<(), Refusal> {
        let Some(schedule) = self.schedules.waiting.get(&id) else { return Ok(()) };
        let every = schedule.draft.schedule.and_then(|schedule| schedule.every);
        let next_at = every.and_then(|every| next(schedule.next_at, every, now.wall, &self.settings.time_zone));
        let occurrence = Occurrence { schedule: id, next_at };
        self.submit(now, Work::Occur(occurrence), Waiting::Occurrence(occurrence))
    }

    /// The store has sent an occurrence or passed it over.
    pub(in crate::hub) fn occurred(&mut self, now: Now, occurrence: Occurrence, result: Result<Outcome, Refusal>) {
        match result {
            Ok(outcome) => {
                self.reschedule(occurrence);
                if matches!(outcome, Outcome::NoticeSent { .. }) {
                    // There is nobody to refuse it to.
                    let _ = self.notice_sent(now, None, outcome);
                }
            }
            Err(Refusal::UnknownSchedule) => self.reschedule(Occurrence { next_at: None, ..occurrence }),
            Err(_) => self.agenda.set(Due::Occurrence(occurrence.schedule), Some(later(now, STORE_RETRY))),
        }
    }

    fn reschedule(&mut self, occurrence: Occurrence) {
        self.agenda.set(Due::Occurrence(occurrence.schedule), occurrence.next_at);
        match (occurrence.next_at, self.schedules.waiting.get_mut(&occurrence.schedule)) {
            (Some(next_at), Some(schedule)) => schedule.next_at = next_at,
            _ => {
                self.schedules.waiting.remove(&occurrence.schedule);
            }
        }
    }

    pub(in crate::hub) fn unschedule(&mut self, now: Now, to: ReplyTo, schedule: ScheduleId) -> Result<(), Refusal> {
        self.submit(now, Work::Unschedule(schedule), Waiting::Unschedule { to, schedule })
    }

    pub(in crate::hub) fn unscheduled(&mut self, schedule: ScheduleId) {
        self.reschedule(Occurrence { schedule, next_at: None });
    }

    pub(in crate::hub) fn list_schedules(&mut self, to: ReplyTo, after: Option<ScheduleId>) {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let named = |schedule: &StoredSchedule| {
            let StoredSchedule { id, author_name, next_at, draft, .. } = schedule.clone();
            Scheduled { id, author: author_name, next_at, draft }
        };
        let all = self.schedules.waiting.range((start, Bound::Unbounded)).map(|(_, schedule)| named(schedule));
        let (schedules, more) = page(all);
        self.reply(to, Ok(Answer::Schedules { schedules, more }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn at(written: &str) -> UnixMillis {
        UnixMillis(written.parse::<Timestamp>().unwrap().as_millisecond() as u64)
    }

    #[test]
    fn a_repetition_keeps_its_beat_also_when_some_were_missed() {
        let every = Every::Millis(HOUR);
        assert_eq!(next(UnixMillis(1000), every, UnixMillis(1000), &TimeZone::UTC), Some(UnixMillis(1000 + HOUR)));
        assert_eq!(next(UnixMillis(1000), every, UnixMillis(999 + HOUR), &TimeZone::UTC), Some(UnixMillis(1000 + HOUR)));
        assert_eq!(next(UnixMillis(1000), every, UnixMillis(1000 + 5 * HOUR), &TimeZone::UTC), Some(UnixMillis(1000 + 6 * HOUR)));
    }

    #[test]
    fn eight_o_clock_stays_eight_o_clock_when_the_clocks_change() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        // The night of 2027-03-28 has an hour less.
        let (before, after) = (at("2027-03-27T08:00:00+01:00"), at("2027-03-28T08:00:00+02:00"));
        assert_eq!(next(before, Every::Days(1), before, &berlin), Some(after));
        assert_eq!(next(before, Every::Days(7), after, &berlin), Some(at("2027-04-03T08:00:00+02:00")));
        assert_eq!(next(before, Every::Days(1), at("2027-10-31T08:00:00+01:00"), &berlin), Some(at("2027-11-01T08:00:00+01:00")));
    }

    #[test]
    fn repetitions_are_neither_too_often_nor_too_seldom() {
        assert_eq!(check_repetition(Some(Every::Millis(1000))), Err(Refusal::ScheduleOutOfBounds));
        assert_eq!(check_repetition(Some(Every::Days(0))), Err(Refusal::ScheduleOutOfBounds));
        assert_eq!(check_repetition(Some(Every::Days(400))), Err(Refusal::ScheduleOutOfBounds));
        assert_eq!(check_repetition(Some(Every::Days(7))), Ok(()));
    }
}
