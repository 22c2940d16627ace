//! Times of day and days as people write them, and the zones whose clocks show them. What moment that is, only the server works out:
//! it has the rules of the zones.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::ZONE_BYTES_MAX;
use crate::time::UnixMillis;

/// The name of a time zone, such as `Europe/Berlin`. Whether there is one of that name, the rules of the zones know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(String);

impl ZoneName {
    /// Checks that it can be a name: 1 to [`ZONE_BYTES_MAX`] bytes in one word.
    ///
    /// # Errors
    /// [`InvalidTime::Zone`].
    pub fn new(typed: impl Into<String>) -> Result<Self, InvalidTime> {
        let typed = typed.into();
        let belongs = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '[' | ']');
        let is_one = !typed.is_empty() && typed.len() <= ZONE_BYTES_MAX && typed.chars().all(belongs);
        if is_one { Ok(Self(typed)) } else { Err(InvalidTime::Zone) }
    }

    /// The one that has no other name.
    pub fn utc() -> Self {
        Self(String::from("UTC"))
    }

    /// Such as `Europe/Berlin`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ZoneName {
    type Error = InvalidTime;

    fn try_from(typed: String) -> Result<Self, InvalidTime> {
        Self::new(typed)
    }
}

impl From<ZoneName> for String {
    fn from(zone: ZoneName) -> Self {
        zone.0
    }
}

/// A day of the calendar: how many have passed since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(pub u32);

/// A time of day: how many seconds a clock shows since midnight, fewer than 86,400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimeOfDay(pub u32);

/// The first time that a notice is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum First {
    /// At this moment.
    At(UnixMillis),
    /// When the clocks of the zone show this. Where they are set forward over it, so much later; where they are set back to it, the first
    /// of the two times.
    Clock {
        /// On this day; `None` for the next time that they show it.
        day: Option<Day>,
        /// What they show.
        time: TimeOfDay,
    },
}

/// A time as it was written: `14:30`, `2026-11-21 14:30` or RFC 3339, each with a zone in brackets behind it or without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenTime {
    /// The moment, or what the clock shows.
    pub first: First,
    /// Whose clock; `None` for the writer's own.
    pub zone: Option<ZoneName>,
}

/// Why a text is no time; each displays as a sentence for the person who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidTime {
    /// It has another form.
    Form,
    /// The calendar has no such day.
    Day,
    /// No clock shows that.
    Clock,
    /// What stands in the brackets cannot be the name of a zone.
    Zone,
}

impl fmt::Display for InvalidTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => {
                "A time is written like 14:30, \"2026-11-21 14:30\" or 2026-11-21T14:30:00Z; another zone's like 14:30[Europe/Berlin]."
            }
            Self::Day => "The calendar has no such day between 1970 and 9999.",
            Self::Clock => "No clock shows that: hours go from 00 to 23, minutes and seconds from 00 to 59.",
            Self::Zone => "A time zone is named like [Europe/Berlin].",
        })
    }
}

impl core::error::Error for InvalidTime {}

impl FromStr for WrittenTime {
    type Err = InvalidTime;

    fn from_str(typed: &str) -> Result<Self, InvalidTime> {
        let typed = typed.trim();
        let (written, zone) = match typed.strip_suffix(']') {
            Some(rest) => {
                let (written, zone) = rest.split_once('[').ok_or(InvalidTime::Form)?;
                (written.trim_end(), Some(ZoneName::new(zone.trim())?))
            }
            None => (typed, None),
        };
        let (day, clock) = match written.split_once(['T', 't', ' ']) {
            Some((day, clock)) => (Some(day_of(day)?), clock.trim_start()),
            None => (None, written),
        };
        let (clock, offset) = split_offset(clock)?;
        let (time, millis) = time_of(clock)?;
        let first = match (day, offset) {
            (Some(day), Some(offset)) => First::At(moment(day, time, millis, offset)?),
            // A moment needs a day.
            (None, Some(_)) => return Err(InvalidTime::Form),
            (day, None) => First::Clock { day, time },
        };
        Ok(Self { first, zone })
    }
}

/// A number of so many digits.
fn digits(written: &str, counts: core::ops::RangeInclusive<usize>) -> Result<u32, InvalidTime> {
    let is_number = counts.contains(&written.len()) && written.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { written.parse().map_err(|_| InvalidTime::Form) } else { Err(InvalidTime::Form) }
}

/// `2026-11-21`.
fn day_of(written: &str) -> Result<Day, InvalidTime> {
    let (year, rest) = written.split_once('-').ok_or(InvalidTime::Form)?;
    let (month, day) = rest.split_once('-').ok_or(InvalidTime::Form)?;
    let (year, month, day) = (digits(year, 4..=4)?, digits(month, 2..=2)?, digits(day, 2..=2)?);
    let leaps = |year: u32| year / 4 - year / 100 + year / 400;
    let is_leap = leaps(year) > leaps(year.saturating_sub(1));
    let lengths = [31, 28 + u32::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = month.checked_sub(1).map(|before| before as usize).ok_or(InvalidTime::Day)?;
    let length = *lengths.get(before).ok_or(InvalidTime::Day)?;
    if year < 1970 || !(1..=length).contains(&day) {
        return Err(InvalidTime::Day);
    }
    let years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    Ok(Day(years + lengths.iter().take(before).sum::<u32>() + day - 1))
}

/// `14:30` or `14:30:05`, with a fraction of a second or without; and the milliseconds of the fraction.
fn time_of(written: &str) -> Result<(TimeOfDay, u32), InvalidTime> {
    let (hour, rest) = written.split_once(':').ok_or(InvalidTime::Form)?;
    let (minute, second) = rest.split_once(':').map_or((rest, None), |(minute, second)| (minute, Some(second)));
    let (second, fraction) = match second {
        Some(second) => second.split_once('.').map_or((second, None), |(second, fraction)| (second, Some(fraction))),
        None => ("00", None),
    };
    let (hour, minute, second) = (digits(hour, 1..=2)?, digits(minute, 2..=2)?, digits(second, 2..=2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return Err(InvalidTime::Clock);
    }
    let millis = match fraction {
        Some(fraction) => {
            digits(fraction, 1..=9)?;
            fraction.bytes().chain(core::iter::repeat(b'0')).take(3).fold(0, |millis, digit| millis * 10 + u32::from(digit - b'0'))
        }
        None => 0,
    };
    Ok((TimeOfDay(hour * 3600 + minute * 60 + second), millis))
}

/// Takes `Z` or `+01:00` from the end: seconds east of Greenwich.
fn split_offset(written: &str) -> Result<(&str, Option<i64>), InvalidTime> {
    if let Some(clock) = written.strip_suffix(['Z', 'z']) {
        return Ok((clock, Some(0)));
    }
    let Some(at) = written.find(['+', '-']) else { return Ok((written, None)) };
    let (clock, offset) = written.split_at(at);
    let (sign, offset) = if let Some(east) = offset.strip_prefix('+') { (1, east) } else { (-1, offset.trim_start_matches('-')) };
    let (TimeOfDay(seconds), _) = time_of(offset)?;
    Ok((clock, Some(sign * i64::from(seconds))))
}

fn moment(day: Day, time: TimeOfDay, millis: u32, offset: i64) -> Result<UnixMillis, InvalidTime> {
    let seconds = i64::from(day.0) * 86_400 + i64::from(time.0) - offset;
    let seconds = u64::try_from(seconds).map_err(|_| InvalidTime::Day)?;
    Ok(UnixMillis(seconds * 1000 + u64::from(millis)))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn read(typed: &str) -> Result<WrittenTime, InvalidTime> {
        typed.parse()
    }

    fn clock(day: Option<u32>, hour: u32, minute: u32, zone: Option<&str>) -> Result<WrittenTime, InvalidTime> {
        let first = First::Clock { day: day.map(Day), time: TimeOfDay(hour * 3600 + minute * 60) };
        Ok(WrittenTime { first, zone: zone.map(|zone| ZoneName::new(zone).unwrap()) })
    }

    #[test]
    fn a_clock_is_read_with_and_without_a_day_and_a_zone() {
        assert_eq!(read("14:30"), clock(None, 14, 30, None));
        assert_eq!(read(" 8:05 "), clock(None, 8, 5, None));
        assert_eq!(read("02:30[Europe/Berlin]"), clock(None, 2, 30, Some("Europe/Berlin")));
        assert_eq!(read("1970-01-02 00:00"), clock(Some(1), 0, 0, None));
        assert_eq!(read("2026-12-01 08:00[America/New_York]"), clock(Some(20_788), 8, 0, Some("America/New_York")));
        assert_eq!(read("2026-12-01T08:00 [America/New_York]"), clock(Some(20_788), 8, 0, Some("America/New_York")));
        assert_eq!(read("2000-02-29 00:00"), clock(Some(11_016), 0, 0, None));
        assert_eq!(read("9999-12-31 23:59"), clock(Some(2_932_896), 23, 59, None));
        let to_the_second = |typed| read(typed).map(|written| written.first);
        assert_eq!(to_the_second("08:05:09"), Ok(First::Clock { day: None, time: TimeOfDay(29_109) }));
        assert_eq!(to_the_second("23:59:59"), Ok(First::Clock { day: None, time: TimeOfDay(86_399) }));
    }

    #[test]
    fn a_moment_is_read_with_its_offset() {
        let at = |millis| Ok(WrittenTime { first: First::At(UnixMillis(millis)), zone: None });
        assert_eq!(read("1970-01-01T00:00:00Z"), at(0));
        assert_eq!(read("2026-11-21T14:30:00Z"), at(1_795_271_400_000));
        assert_eq!(read("2026-11-21T15:30:00+01:00"), at(1_795_271_400_000));
        assert_eq!(read("2026-11-21 09:00-05:30"), at(1_795_271_400_000));
        assert_eq!(read("2026-11-21t14:30:00.5z"), at(1_795_271_400_500));
        let zoned = read("2026-11-21T15:30:00+01:00[Europe/Berlin]").unwrap();
        let zone = zoned.zone.unwrap();
        assert_eq!((zone.as_str(), format!("{zone}")), ("Europe/Berlin", "Europe/Berlin".into()));
    }

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        for (millis, written) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_255_323_123, "2026-11-21T10:02:03.123Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(UnixMillis(millis).rfc3339(), written);
        }
        assert_eq!(UnixMillis(u64::MAX).rfc3339(), "9999-12-31T23:59:59.999Z", "no clock that is right shows more");
        // Days of every kind: eleven goes into no year.
        for day in (0..=2_932_896).step_by(11) {
            let at = UnixMillis(day * 86_400_000 + day % 86_400_000);
            assert_eq!(read(&at.rfc3339()), Ok(WrittenTime { first: First::At(at), zone: None }));
        }
    }

    #[test]
    fn what_is_no_time_is_refused_and_not_guessed() {
        for typed in ["", "2026", "20:3", "1430", "14", "T14:30", "noon", "2026-11-21", "20261121T1430", "14:30Z", "14:30+01:00", "14.30"] {
            assert_eq!(read(typed), Err(InvalidTime::Form), "{typed:?}");
        }
        for typed in ["2026-02-29 08:00", "2026-13-01 08:00", "2026-00-01 08:00", "2026-04-31 08:00", "1969-12-31 08:00"] {
            assert_eq!(read(typed), Err(InvalidTime::Day), "{typed:?}");
        }
        for typed in ["24:00", "08:60", "08:00:60"] {
            assert_eq!(read(typed), Err(InvalidTime::Clock), "{typed:?}");
        }
        for typed in ["08:00[]", "08:00[two words]"] {
            assert_eq!(read(typed), Err(InvalidTime::Zone), "{typed:?}");
        }
        assert_eq!(read("08:00]"), Err(InvalidTime::Form));
        assert!(format!("{}", InvalidTime::Form).contains("14:30"));
    }
}
