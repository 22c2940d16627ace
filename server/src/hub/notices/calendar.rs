//! What moment a schedule means: the rules of the time zones are known here and nowhere else.

use belfry_core::chat::{Day, Every, First, Refusal, Schedule, TimeOfDay, ZoneName};
use belfry_core::time::UnixMillis;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

const DAY_MS: u64 = 24 * 3600 * 1000;
const DAY_SECONDS: u32 = 24 * 3600;

/// The zone that a schedule names, or that of the server.
///
/// # Errors
/// [`Refusal::UnknownTimeZone`].
pub(super) fn zone(schedule: &Schedule, here: &TimeZone) -> Result<TimeZone, Refusal> {
    match &schedule.zone {
        Some(name) => TimeZone::get(name.as_str()).map_err(|_| Refusal::UnknownTimeZone),
        None => Ok(here.clone()),
    }
}

/// The name of the zone that a schedule is in, for people.
pub(super) fn zone_name(schedule: Option<&Schedule>, here: &TimeZone) -> ZoneName {
    let named = schedule.and_then(|schedule| schedule.zone.clone());
    named.or_else(|| ZoneName::new(here.iana_name()?).ok()).unwrap_or_else(ZoneName::utc)
}

/// The schedule with its day, and when it is due first.
///
/// # Errors
/// [`Refusal::ScheduleInThePast`], [`Refusal::UnknownTimeZone`], [`Refusal::ScheduleOutOfBounds`] for a day that no calendar has.
pub(super) fn begin(schedule: Schedule, now: UnixMillis, here: &TimeZone) -> Result<(Schedule, UnixMillis), Refusal> {
    let zone = zone(&schedule, here)?;
    let (first, at) = match schedule.first {
        First::At(at) => (schedule.first, moment_of(at).map(|_| at)),
        First::Clock { day: Some(day), time } => (schedule.first, clock(day, time).and_then(|shown| when(shown, &zone))),
        First::Clock { day: None, time } => {
            let today = moment_of(now).and_then(|now| day_number(now.to_zoned(zone.clone()).date()));
            // Where today's has been, it is tomorrow's.
            let days = today.into_iter().flat_map(|today| [today, Day(today.0.saturating_add(1))]);
            let mut times = days.filter_map(|day| Some((day, clock(day, time).and_then(|shown| when(shown, &zone))?)));
            match times.find(|&(_, at)| at > now) {
                Some((day, at)) => (First::Clock { day: Some(day), time }, Some(at)),
                None => (schedule.first, None),
            }
        }
    };
    let at = at.ok_or(Refusal::ScheduleOutOfBounds)?;
    if at <= now { Err(Refusal::ScheduleInThePast) } else { Ok((Schedule { first, ..schedule }, at)) }
}

/// The first time after `after` that a schedule which has begun is due; `None` when it is not due any more.
///
/// It is worked out from the first time, never from the last one: what the clocks do on one day, and a clock that was wrong once, moves
/// nothing for ever.
pub(super) fn next(schedule: &Schedule, after: UnixMillis, here: &TimeZone) -> Option<UnixMillis> {
    let zone = zone(schedule, here).unwrap_or_else(|_| here.clone());
    let shown = match schedule.first {
        First::At(at) => moment_of(at)?.to_zoned(zone.clone()).datetime(),
        First::Clock { day, time } => clock(day?, time)?,
    };
    let first = match schedule.first {
        First::At(at) => at,
        First::Clock { .. } => when(shown, &zone)?,
    };
    if first > after {
        return Some(first);
    }
    match schedule.every? {
        Every::Millis(step) => {
            let behind = after.0.saturating_sub(first.0) / step.max(1);
            first.0.checked_add(step.checked_mul(behind + 1)?).map(UnixMillis)
        }
        Every::Days(days) => {
            // Close from below, so that few steps are left.
            let mut steps = (after.0.saturating_sub(first.0) / (DAY_MS * u64::from(days.max(1)))).saturating_sub(1);
            loop {
                let passed = i64::try_from(steps.checked_mul(u64::from(days.max(1)))?).ok()?;
                let then = when(shown.checked_add(Span::new().try_days(passed).ok()?).ok()?, &zone)?;
                if then > after {
                    return Some(then);
                }
                steps += 1;
            }
        }
    }
}

fn moment_of(at: UnixMillis) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()
}

/// What a clock shows on a day.
fn clock(Day(day): Day, TimeOfDay(seconds): TimeOfDay) -> Option<DateTime> {
    if seconds >= DAY_SECONDS {
        return None;
    }
    let midnight = Date::constant(1970, 1, 1).to_datetime(Time::midnight());
    midnight.checked_add(Span::new().try_days(day).ok()?.try_seconds(seconds).ok()?).ok()
}

fn day_number(date: Date) -> Option<Day> {
    let days = Date::constant(1970, 1, 1).until(date).ok()?.get_days();
    u32::try_from(days).ok().map(Day)
}

/// When clocks show that: over an hour that is left out, so much later; of an hour that comes twice, the first.
fn when(shown: DateTime, zone: &TimeZone) -> Option<UnixMillis> {
    let at: Zoned = shown.to_zoned(zone.clone()).ok()?;
    u64::try_from(at.timestamp().as_millisecond()).ok().map(UnixMillis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn at(written: &str) -> UnixMillis {
        UnixMillis(written.parse::<Timestamp>().unwrap().as_millisecond() as u64)
    }

    fn berlin() -> Option<ZoneName> {
        Some(ZoneName::new("Europe/Berlin").unwrap())
    }

    /// Every day, or so often, at what was written.
    fn every(typed: &str, every: Every) -> Schedule {
        let written: belfry_core::chat::WrittenTime = typed.parse().unwrap();
        Schedule { first: written.first, zone: written.zone, every: Some(every) }
    }

    /// The times that follow `after`, as UTC writes them.
    fn times(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
        let mut after = at(after);
        let mut written = Vec::new();
        for _ in 0..count {
            after = next(schedule, after, &TimeZone::UTC).unwrap();
            written.push(moment_of(after).unwrap().to_string());
        }
        written
    }

    #[test]
    fn a_time_that_the_clocks_leave_out_is_later_on_that_day_only() {
        let daily = every("2027-03-26 02:30[Europe/Berlin]", Every::Days(1));
        let expected = ["2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z", "2027-03-30T00:30:00Z"];
        assert_eq!(times(&daily, "2027-03-26T01:30:00Z", 4), expected);
        let begun_on_that_day = every("2027-03-28 02:30[Europe/Berlin]", Every::Days(1));
        let (begun, first) = begin(begun_on_that_day, at("2027-03-27T12:00:00Z"), &TimeZone::UTC).unwrap();
        assert_eq!(first, at("2027-03-28T01:30:00Z"));
        assert_eq!(times(&begun, "2027-03-28T01:30:00Z", 1), ["2027-03-29T00:30:00Z"]);
    }

    #[test]
    fn a_time_that_comes_twice_is_the_first_of_the_two() {
        let daily = every("2027-10-30 02:30[Europe/Berlin]", Every::Days(1));
        assert_eq!(times(&daily, "2027-10-29T00:00:00Z", 3), ["2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]);
    }

    #[test]
    fn a_schedule_of_the_southern_summer_and_of_half_hours_keeps_its_time_of_day() {
        let daily = every("2026-10-03 08:00[Australia/Lord_Howe]", Every::Days(1));
        assert_eq!(times(&daily, "2026-10-01T00:00:00Z", 3), ["2026-10-02T21:30:00Z", "2026-10-03T21:00:00Z", "2026-10-04T21:00:00Z"]);
    }

    #[test]
    fn a_week_has_seven_days_also_when_one_has_an_hour_less() {
        let weekly = every("2027-03-27 08:00[Europe/Berlin]", Every::Days(7));
        assert_eq!(times(&weekly, "2027-03-27T07:00:00Z", 1), ["2027-04-03T06:00:00Z"]);
    }

    #[test]
    fn a_moment_repeats_by_the_days_of_its_zone() {
        let first = First::At(at("2027-03-27T07:00:00Z"));
        let daily = Schedule { first, zone: berlin(), every: Some(Every::Days(1)) };
        assert_eq!(times(&daily, "2027-03-27T07:00:00Z", 1), ["2027-03-28T06:00:00Z"]);
        let here = Schedule { zone: None, ..daily };
        assert_eq!(next(&here, at("2027-03-27T07:00:00Z"), &TimeZone::get("Europe/Berlin").unwrap()), Some(at("2027-03-28T06:00:00Z")));
    }

    #[test]
    fn a_length_keeps_its_beat_also_when_some_were_missed() {
        let hourly = Schedule { first: First::At(UnixMillis(1000)), zone: None, every: Some(Every::Millis(HOUR)) };
        let after = |after| next(&hourly, UnixMillis(after), &TimeZone::UTC).map(|at| at.0);
        assert_eq!(after(0), Some(1000));
        assert_eq!(after(1000), Some(1000 + HOUR));
        assert_eq!(after(999 + HOUR), Some(1000 + HOUR));
        assert_eq!(after(1000 + 5 * HOUR), Some(1000 + 6 * HOUR));
        let once = Schedule { every: None, ..hourly };
        assert_eq!(next(&once, UnixMillis(1000), &TimeZone::UTC), None);
    }

    #[test]
    fn a_time_of_day_is_the_next_one_where_its_author_is() {
        let begin = |typed: &str, now: &str| {
            let written: belfry_core::chat::WrittenTime = typed.parse().unwrap();
            let schedule = Schedule { first: written.first, zone: written.zone, every: None };
            begin(schedule, at(now), &TimeZone::UTC).map(|(_, at)| moment_of(at).unwrap().to_string())
        };
        assert_eq!(begin("14:30[Europe/Berlin]", "2026-11-21T12:00:00Z"), Ok("2026-11-21T13:30:00Z".into()));
        assert_eq!(begin("14:30[Europe/Berlin]", "2026-11-21T13:30:00Z"), Ok("2026-11-22T13:30:00Z".into()));
        assert_eq!(begin("00:30[Asia/Tokyo]", "2026-11-21T16:00:00Z"), Ok("2026-11-22T15:30:00Z".into()));
        assert_eq!(begin("2026-12-01 08:00[America/New_York]", "2026-11-21T16:00:00Z"), Ok("2026-12-01T13:00:00Z".into()));
        assert_eq!(begin("2026-11-21 08:00", "2026-11-21T16:00:00Z"), Err(Refusal::ScheduleInThePast));
        assert_eq!(begin("08:00[Mars/Base]", "2026-11-21T16:00:00Z"), Err(Refusal::UnknownTimeZone));
    }

    #[test]
    fn what_no_calendar_has_is_refused() {
        let begin = |first| begin(Schedule { first, zone: None, every: None }, UnixMillis(0), &TimeZone::UTC).map(|(_, at)| at);
        assert_eq!(begin(First::At(UnixMillis(u64::MAX))), Err(Refusal::ScheduleOutOfBounds));
        assert_eq!(begin(First::Clock { day: Some(Day(u32::MAX)), time: TimeOfDay(0) }), Err(Refusal::ScheduleOutOfBounds));
        assert_eq!(begin(First::Clock { day: None, time: TimeOfDay(DAY_SECONDS) }), Err(Refusal::ScheduleOutOfBounds));
    }

    #[test]
    fn a_week_has_seven_days_also_ten_weeks_later() {
        let weekly = every("2027-01-04 08:00", Every::Days(7));
        assert_eq!(times(&weekly, "2027-03-17T12:00:00Z", 1), ["2027-03-22T08:00:00Z"]);
    }
}
