//! Lengths of time as people write them.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

/// Units in milliseconds, the largest first, with what else they are called; the first name is the one that is written.
const UNITS: [(u64, &[&str]); 6] = [
    (604_800_000, &["w", "wk", "wks", "week", "weeks"]),
    (86_400_000, &["d", "day", "days"]),
    (3_600_000, &["h", "hr", "hrs", "hour", "hours"]),
    (60_000, &["m", "min", "mins", "minute", "minutes"]),
    (1000, &["s", "sec", "secs", "second", "seconds"]),
    (1, &["ms", "msec", "msecs", "milli", "millis", "millisecond", "milliseconds"]),
];

/// A length of time in milliseconds, of days and weeks those of 24 hours: written `1h 30m`, never in weeks, and read also in longer
/// words. Nothing is written as nothing and not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub u64);

/// Why a text is no length of time; each displays as a sentence for the person who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidLength {
    /// It has another form.
    Form,
    /// It is longer than the database can hold.
    TooLong,
    /// It is no time at all.
    Nothing,
}

impl fmt::Display for InvalidLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "A length of time is written like 30s, 10m, 2h, 1d or 1h 30m.",
            Self::TooLong => "It is longer than can be counted.",
            Self::Nothing => "It must be longer than nothing.",
        })
    }
}

impl core::error::Error for InvalidLength {}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        let mut between = "";
        for (millis, names) in UNITS.iter().skip(1) {
            let count = left / millis;
            left %= millis;
            if let (1.., [name, ..]) = (count, names) {
                write!(f, "{between}{count}{name}")?;
                between = " ";
            }
        }
        Ok(())
    }
}

impl FromStr for Length {
    type Err = InvalidLength;

    /// Reads numbers with their units, in letters of either case: `90s`, `1h 30m`, `1h30m`, `1.5 hours`, `2 days, 4 hours`.
    fn from_str(typed: &str) -> Result<Self, InvalidLength> {
        let mut rest = typed.trim();
        let mut sum = None;
        while !rest.is_empty() {
            let (part, behind) = part(rest).ok_or(InvalidLength::Form)?;
            sum = Some(sum.unwrap_or(0_u64).saturating_add(part));
            rest = behind.trim_start();
            if let Some(next) = rest.strip_prefix(',') {
                rest = Some(next.trim_start()).filter(|next| !next.is_empty()).ok_or(InvalidLength::Form)?;
            }
        }
        match sum {
            None => Err(InvalidLength::Form),
            Some(0) => Err(InvalidLength::Nothing),
            Some(LONGEST..) => Err(InvalidLength::TooLong),
            Some(millis) => Ok(Self(millis)),
        }
    }
}

impl From<Length> for Duration {
    fn from(length: Length) -> Self {
        Self::from_millis(length.0)
    }
}

/// From here on it is longer than SQLite's numbers hold.
const LONGEST: u64 = 1 << 63;

/// A number with its unit from the start of the text, in milliseconds, and what stands behind. What is longer than fits is the longest.
fn part(text: &str) -> Option<(u64, &str)> {
    let (whole, behind) = split(text, |c| c.is_ascii_digit());
    let (fraction, behind) = match behind.strip_prefix('.') {
        Some(behind) => Some(split(behind, |c| c.is_ascii_digit())).filter(|(digits, _)| !digits.is_empty())?,
        None => ("", behind),
    };
    let (name, behind) = split(behind.trim_start(), char::is_alphabetic);
    let (millis, _) = UNITS.iter().find(|(_, names)| names.iter().any(|known| known.eq_ignore_ascii_case(name)))?;
    let whole = match whole {
        "" => return None,
        digits => digits.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(*millis),
    };
    // Each digit is worth a tenth of the one before it; what is less than a millisecond is dropped.
    let scale = |(sum, worth): (u64, u64), digit: u8| (sum + u64::from(digit - b'0') * worth, worth / 10);
    let (fraction, _) = fraction.bytes().fold((0, millis * 1000 / 10), scale);
    Some((whole.saturating_add(fraction / 1000), behind))
}

fn split(text: &str, belongs: fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn read(typed: &str) -> Result<u64, InvalidLength> {
        typed.parse().map(|Length(millis)| millis)
    }

    #[test]
    fn a_length_is_read_as_it_is_written() {
        for (millis, written) in
            [(30_000, "30s"), (600_000, "10m"), (7_200_000, "2h"), (86_400_000, "1d"), (5_400_000, "1h 30m"), (2_592_000_500, "30d 500ms")]
        {
            assert_eq!((read(written), Length(millis).to_string().as_str()), (Ok(millis), written));
        }
        let mut millis = 1_u64;
        while millis < LONGEST / 8 {
            assert_eq!(read(&Length(millis).to_string()), Ok(millis));
            millis = millis * 7 + 3;
        }
    }

    #[test]
    fn a_length_is_read_in_the_words_that_people_have_for_it() {
        for typed in ["90m", "90M", "1h30m", "1h, 30m", " 90 min ", "1 hour 30 minutes", "1.5h", "0.0625 days", "5400 secs", "30m 1h"] {
            assert_eq!(read(typed), Ok(5_400_000), "{typed:?}");
        }
        assert_eq!((read("2w"), read("500ms"), read("1.0019s")), (Ok(1_209_600_000), Ok(500), Ok(1001)));
    }

    #[test]
    fn what_is_no_length_is_refused_and_not_guessed() {
        for typed in [
            "",
            " ",
            "10",
            "h",
            "soon",
            "-5s",
            "+5s",
            "1 month",
            "1mo",
            "PT1H",
            "P1M",
            "1:30",
            "1h30",
            "1.h",
            ".5h",
            "1,5h",
            "1h,",
            ",1h",
            "1h,,1m",
            "5s ago",
            "１h",
            "1h\u{200b}",
        ] {
            assert_eq!(read(typed), Err(InvalidLength::Form), "{typed:?}");
        }
        for typed in ["0s", "0h 0m", "0.0001s"] {
            assert_eq!(read(typed), Err(InvalidLength::Nothing), "{typed:?}");
        }
        for typed in
            ["99999999999999999999d", "106751991168d", "9223372036854775808ms", "9223372036854775807ms 1ms", "1d 18446744073709551615d"]
        {
            assert_eq!(read(typed), Err(InvalidLength::TooLong), "{typed:?}");
        }
        assert_eq!(read("9223372036854775807ms"), Ok(LONGEST - 1));
    }
}
