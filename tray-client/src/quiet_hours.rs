//! Hours of the day in which popups are held back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A time of day, in minutes since midnight by the clock on the wall: 0 to 1439.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minute(u16);

/// A span of every day, which may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QuietHours {
    from: Minute,
    until: Minute,
}

/// The text is no span of hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidQuietHours;

impl fmt::Display for InvalidQuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hours are written as 22:00-06:30, with two different times.")
    }
}

impl std::error::Error for InvalidQuietHours {}

impl Minute {
    /// The minute of this hour and minute; `None` when no clock shows it.
    pub fn new(hour: u16, minute: u16) -> Option<Self> {
        (hour < 24 && minute < 60).then_some(Self(hour * 60 + minute))
    }
}

impl QuietHours {
    /// Whether the time lies in the span: its first minute does, its last one does not.
    pub fn contains(self, at: Minute) -> bool {
        let since = |earlier: Minute, later: Minute| (later.0 + DAY - earlier.0) % DAY;
        since(self.from, at) < since(self.from, self.until)
    }
}

impl FromStr for Minute {
    type Err = InvalidQuietHours;

    fn from_str(written: &str) -> Result<Self, InvalidQuietHours> {
        let (hour, minute) = written.trim().split_once(':').ok_or(InvalidQuietHours)?;
        let number = |digits: &str| digits.parse::<u16>().map_err(|_| InvalidQuietHours);
        Self::new(number(hour)?, number(minute)?).ok_or(InvalidQuietHours)
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for QuietHours {
    type Err = InvalidQuietHours;

    fn from_str(written: &str) -> Result<Self, InvalidQuietHours> {
        let (from, until) = written.split_once(['-', '–']).ok_or(InvalidQuietHours)?;
        let (from, until) = (from.parse()?, until.parse()?);
        if from == until { Err(InvalidQuietHours) } else { Ok(Self { from, until }) }
    }
}

impl TryFrom<String> for QuietHours {
    type Error = InvalidQuietHours;

    fn try_from(written: String) -> Result<Self, InvalidQuietHours> {
        written.parse()
    }
}

impl From<QuietHours> for String {
    fn from(hours: QuietHours) -> Self {
        hours.to_string()
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(hours: &str, at: &str, inside: bool) {
        assert_eq!(hours.parse::<QuietHours>().unwrap().contains(at.parse().unwrap()), inside, "{at} in {hours}");
    }

    #[test]
    fn hours_of_one_day_begin_with_their_first_minute_and_end_before_their_last() {
        check("12:00-13:00", "11:59", false);
        check("12:00-13:00", "12:00", true);
        check("12:00-13:00", "12:59", true);
        check("12:00-13:00", "13:00", false);
    }

    #[test]
    fn hours_go_over_midnight() {
        check("22:00-06:30", "21:59", false);
        check("22:00-06:30", "23:59", true);
        check("22:00-06:30", "00:00", true);
        check("22:00-06:30", "06:30", false);
    }

    #[test]
    fn what_no_clock_shows_is_refused() {
        for written in ["", "22-6", "24:00-06:00", "22:60-06:00", "22:00", "07:00-07:00", "a:b-c:d", "-1:00-02:00"] {
            assert_eq!(written.parse::<QuietHours>(), Err(InvalidQuietHours), "{written:?}");
        }
    }

    #[test]
    fn hours_are_written_with_two_digits() {
        assert_eq!("7:05 - 9:00".parse::<QuietHours>().unwrap().to_string(), "07:05-09:00");
    }
}
