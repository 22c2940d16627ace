//! Times as people read them.

use belfry_core::chat::{Day, Every, First, Schedule, TimeOfDay, WrittenTime, ZoneName};
use belfry_core::time::UnixMillis;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::quiet_hours::Minute;
use crate::words;

/// The clock on the wall of this place.
#[derive(Clone, Debug)]
pub struct Wall {
    zone: TimeZone,
}

impl Wall {
    /// In this time zone.
    pub const fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// In the system's time zone.
    pub fn here() -> Self {
        Self::new(TimeZone::system())
    }

    /// Whether what was written by this clock at `then` says something else now, by that one: the computer has come to another time zone,
    /// or another day has begun.
    pub fn is_overtaken(&self, then: UnixMillis, by: &Self, now: UnixMillis) -> bool {
        self.zone != by.zone || self.day(then) != by.day(now)
    }

    fn zoned(&self, at: UnixMillis) -> Zoned {
        // A time that no calendar has comes from a broken clock; the beginning of time says so.
        let at = i64::try_from(at.0).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone())
    }

    /// The day, for telling days apart.
    pub fn day(&self, at: UnixMillis) -> Date {
        self.zoned(at).date()
    }

    /// Such as `10:02`.
    pub fn time(&self, at: UnixMillis) -> String {
        self.zoned(at).strftime("%H:%M").to_string()
    }

    /// The minute of the day.
    pub fn minute(&self, at: UnixMillis) -> Option<Minute> {
        let time = self.zoned(at).time();
        Minute::new(time.hour().unsigned_abs().into(), time.minute().unsigned_abs().into())
    }

    /// A moment to come: `2026-11-21 14:30`.
    pub fn moment(&self, at: UnixMillis) -> String {
        self.zoned(at).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// A moment to come by the clocks that were meant: `2026-11-21 14:30`, and whose they are where those are not these.
    pub fn planned(&self, at: UnixMillis, zone: &ZoneName) -> String {
        match TimeZone::get(zone.as_str()) {
            Ok(theirs) if self.zone.iana_name() != theirs.iana_name() => {
                format!("{} ({})", Self::new(theirs).zoned(at).strftime("%Y-%m-%d %H:%M %:z"), zone.as_str())
            }
            _ => self.moment(at),
        }
    }

    /// Today, when the clock shows this hour, be it over. `None` where no clock ever does.
    pub fn today(&self, hour: u32, now: UnixMillis) -> Option<UnixMillis> {
        on(self.zoned(now).date(), TimeOfDay(hour * 3600), &self.zone)
    }

    /// The next morning, when the clock shows this hour. `None` where no clock ever does.
    pub fn tomorrow(&self, hour: u32, now: UnixMillis) -> Option<UnixMillis> {
        on(self.zoned(now).date().tomorrow().ok()?, TimeOfDay(hour * 3600), &self.zone)
    }

    /// Reads when something is to happen, by this clock unless it says by which: `14:30` (the next one), `2026-11-21 14:30` or
    /// `14:30[Europe/Berlin]`. With the schedule, when that is first.
    pub fn read(&self, typed: &str, every: Option<Every>, now: UnixMillis) -> Option<(Schedule, UnixMillis)> {
        let WrittenTime { first, zone } = typed.parse().ok()?;
        let (clock, name) = match zone {
            Some(name) => (TimeZone::get(name.as_str()).ok()?, Some(name)),
            None => (self.zone.clone(), self.zone.iana_name().and_then(|name| ZoneName::new(name).ok())),
        };
        let at = match first {
            First::At(at) => at,
            First::Clock { day: Some(Day(day)), time } => {
                on(Date::constant(1970, 1, 1).checked_add(i64::from(day).days()).ok()?, time, &clock)?
            }
            First::Clock { day: None, time } => {
                let today = Self::new(clock.clone()).zoned(now).date();
                on(today, time, &clock).filter(|&at| at > now).or_else(|| on(today.tomorrow().ok()?, time, &clock))?
            }
        };
        // Nobody else knows the rules of a zone without a name: then the moment is meant.
        let first = if name.is_some() { first } else { First::At(at) };
        Some((Schedule { first, zone: name, every }, at))
    }

    /// The line between two days: `Today`, `Yesterday`, `Tuesday 17 November`, and the year where it is another one.
    pub fn day_line(&self, at: UnixMillis, now: UnixMillis) -> String {
        let (then, today) = (self.zoned(at), self.zoned(now));
        if then.date() == today.date() {
            return "Today".into();
        }
        if today.date().yesterday().is_ok_and(|yesterday| then.date() == yesterday) {
            return "Yesterday".into();
        }
        if words::is_chinese() {
            let day = ["一", "二", "三", "四", "五", "六", "日"].get(usize::from(then.weekday().to_monday_zero_offset().unsigned_abs()));
            let form = if then.year() == today.year() { "%-m月%-d日" } else { "%Y年%-m月%-d日" };
            return format!("{} 星期{}", then.strftime(form), day.copied().unwrap_or_default());
        }
        let form = if then.year() == today.year() { "%A %-d %B" } else { "%A %-d %B %Y" };
        then.strftime(form).to_string()
    }

    /// Beside one line of a list: `10:02` today, `17 Nov` before, `2024-11-17` in another year.
    pub fn short(&self, at: UnixMillis, now: UnixMillis) -> String {
        let (then, today) = (self.zoned(at), self.zoned(now));
        let form = match (then.date() == today.date(), then.year() == today.year()) {
            (true, _) => "%H:%M",
            (false, true) if words::is_chinese() => "%-m月%-d日",
            (false, true) => "%-d %b",
            (false, false) => "%Y-%m-%d",
        };
        then.strftime(form).to_string()
    }
}

/// When the clocks of `zone` show that.
fn on(date: Date, TimeOfDay(seconds): TimeOfDay, zone: &TimeZone) -> Option<UnixMillis> {
    let shown = date.to_datetime(Time::midnight()).checked_add(i64::from(seconds).seconds()).ok()?;
    u64::try_from(shown.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()).ok().map(UnixMillis)
}

/// How long ago, in one unit: `now`, `5 min`, `3 h`, `2 d`.
pub fn ago(at: UnixMillis, now: UnixMillis) -> String {
    let minutes = now.0.saturating_sub(at.0) / 60_000;
    match minutes {
        0 => "now".into(),
        1..60 => format!("{minutes} min"),
        60..1440 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tomorrow_morning_is_by_the_clock_on_the_wall() {
        let hour = |hour: u64| UnixMillis(hour * 3_600_000);
        let berlin = Wall::new(TimeZone::fixed(jiff::tz::offset(1)));
        assert_eq!(berlin.tomorrow(8, hour(1)), Some(hour(24 + 7)));
        assert_eq!(berlin.tomorrow(8, hour(23)), Some(hour(48 + 7)), "after midnight there");
    }

    #[test]
    fn another_time_zone_and_another_day_overtake_what_was_written() {
        let (berlin, utc) = (Wall::new(TimeZone::fixed(jiff::tz::offset(1))), Wall::new(TimeZone::UTC));
        let hour = |hour: u64| UnixMillis(hour * 3_600_000);
        assert!(!utc.is_overtaken(hour(1), &utc.clone(), hour(23)));
        assert!(utc.is_overtaken(hour(1), &berlin, hour(1)), "the computer has travelled");
        assert!(utc.is_overtaken(hour(23), &utc.clone(), hour(25)), "midnight");
        assert!(!utc.is_overtaken(hour(22), &utc.clone(), hour(23)));
        assert!(berlin.is_overtaken(hour(22), &berlin.clone(), hour(23)), "midnight is earlier there");
    }

    #[test]
    fn a_time_of_day_is_the_next_one() {
        let now = at("2026-11-21T12:00");
        let read = |typed| wall().read(typed, None, now).map(|(_, at)| at);
        assert_eq!(read("14:30"), Some(at("2026-11-21T14:30")));
        assert_eq!(read("08:00"), Some(at("2026-11-22T08:00")));
        assert_eq!(read(" 2026-12-24 18:00 "), Some(at("2026-12-24T18:00")));
        assert_eq!(read("2026-12-24 18:00[America/New_York]"), Some(at("2026-12-25T00:00")));
        for typed in ["noon", "2026", "2026-12-24", "18:00[Mars/Base]"] {
            assert_eq!(read(typed), None, "{typed}");
        }
        assert_eq!(wall().moment(at("2026-12-24T18:00")), "2026-12-24 18:00");
    }

    #[test]
    fn what_is_planned_is_meant_by_the_clock_on_the_wall_and_says_whose_clock_it_is() {
        let berlin = Wall::new(TimeZone::get("Europe/Berlin").unwrap());
        let now = at("2026-11-21T12:00");
        let (schedule, first) = berlin.read("14:30", Some(Every::Days(1)), now).unwrap();
        assert_eq!((schedule.zone.as_ref().map(ZoneName::as_str), first), (Some("Europe/Berlin"), at("2026-11-21T14:30")));
        assert_eq!(berlin.planned(first, &ZoneName::new("Europe/Berlin").unwrap()), "2026-11-21 14:30");
        assert_eq!(berlin.planned(first, &ZoneName::new("Asia/Tokyo").unwrap()), "2026-11-21 22:30 +09:00 (Asia/Tokyo)");
        let (nameless, first) = wall().read("14:30", None, now).unwrap();
        assert_eq!(nameless, Schedule { first: First::At(first), zone: None, every: None });
    }

    /// Of the year 2026 in a place one hour ahead of UTC.
    fn at(written: &str) -> UnixMillis {
        let at: Timestamp = format!("{written}:00+01:00").parse().unwrap();
        UnixMillis(at.as_millisecond().unsigned_abs())
    }

    fn wall() -> Wall {
        Wall::new(TimeZone::fixed(jiff::tz::offset(1)))
    }

    #[test]
    fn a_time_is_shown_by_the_clock_on_the_wall() {
        assert_eq!(wall().time(at("2026-11-17T10:02")), "10:02");
        assert_eq!(wall().minute(at("2026-11-17T10:02")), Minute::new(10, 2));
    }

    #[test]
    fn a_day_is_named_by_how_far_it_is() {
        let now = at("2026-11-21T00:01");
        let line = |written| wall().day_line(at(written), now);
        assert_eq!(line("2026-11-21T00:00"), "Today");
        assert_eq!(line("2026-11-20T23:59"), "Yesterday");
        assert_eq!(line("2026-11-17T10:02"), "Tuesday 17 November");
        assert_eq!(line("2025-11-17T10:02"), "Monday 17 November 2025");
    }

    #[test]
    fn a_list_shows_the_time_of_today_and_the_date_of_before() {
        let now = at("2026-11-21T12:00");
        let short = |written| wall().short(at(written), now);
        assert_eq!(short("2026-11-21T10:02"), "10:02");
        assert_eq!(short("2026-11-17T10:02"), "17 Nov");
        assert_eq!(short("2025-11-17T10:02"), "2025-11-17");
    }

    #[test]
    fn how_long_ago_has_one_unit() {
        let now = UnixMillis(10 * 86_400_000);
        let before = |millis| ago(UnixMillis(now.0 - millis), now);
        assert_eq!(before(59_999), "now");
        assert_eq!(before(60_000), "1 min");
        assert_eq!(before(3_600_000), "1 h");
        assert_eq!(before(2 * 86_400_000), "2 d");
        assert_eq!(ago(UnixMillis(5), UnixMillis(0)), "now");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_shown_all_the_same() {
        assert_eq!(wall().time(UnixMillis(u64::MAX)), "01:00");
    }
}
