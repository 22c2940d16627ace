//! Times and repetitions as people type them.

use belfry_core::chat::Every;
use belfry_core::time::UnixMillis;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::config;

/// Reads `14:30` (the next one), `2026-11-21 14:30` (here) or RFC 3339.
///
/// # Errors
/// A sentence, for clap to put behind the name of the option.
pub(super) fn time(typed: &str) -> Result<UnixMillis, String> {
    read(typed.trim(), &Timestamp::now().to_zoned(TimeZone::system()))
}

fn read(typed: &str, now: &Zoned) -> Result<UnixMillis, String> {
    let explain = || "A time is written like 14:30, \"2026-11-21 14:30\" or 2026-11-21T14:30:00Z.".to_owned();
    let zone = now.time_zone().clone();
    let at = if let Ok(timestamp) = typed.parse::<Timestamp>() {
        timestamp
    } else if let Ok(here) = typed.parse::<DateTime>() {
        here.to_zoned(zone).map_err(|_| explain())?.timestamp()
    } else {
        let time: Time = typed.parse().map_err(|_| explain())?;
        let today = now.date().to_datetime(time);
        let today_at = today.to_zoned(zone.clone()).map_err(|_| explain())?;
        if today_at > *now { today_at.timestamp() } else { (today + 1.day()).to_zoned(zone).map_err(|_| explain())?.timestamp() }
    };
    u64::try_from(at.as_millisecond()).map(UnixMillis).map_err(|_| explain())
}

/// Reads `day`, `week` or a length of time.
///
/// # Errors
/// A sentence, for clap to put behind the name of the option.
pub(super) fn every(typed: &str) -> Result<Every, String> {
    match typed.trim() {
        "day" => Ok(Every::Days(1)),
        "week" => Ok(Every::Days(7)),
        other => {
            let length = config::duration(other).map_err(|_| "It repeats every day, week, or so long as 30m, 2h or 1d.".to_owned())?;
            Ok(Every::Millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)))
        }
    }
}

/// The same for people.
pub(super) fn every_words(every: Every) -> String {
    match every {
        Every::Days(1) => "every day".to_owned(),
        Every::Days(7) => "every week".to_owned(),
        Every::Days(days) => format!("every {days} days"),
        Every::Millis(millis) => format!("every {}", length(millis)),
    }
}

/// A length of time as it is typed, to the second: `1h 30m`.
pub(in crate::cli) fn length(millis: u64) -> String {
    let seconds = millis / 1000;
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let words: Vec<_> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(typed: &str) -> String {
        let now: Zoned = "2026-11-21T12:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let millis = read(typed, &now).unwrap().0;
        Timestamp::from_millisecond(millis as i64).unwrap().to_string()
    }

    #[test]
    fn a_time_of_day_is_the_next_one() {
        assert_eq!(at("14:30"), "2026-11-21T13:30:00Z");
        assert_eq!(at("08:00"), "2026-11-22T07:00:00Z");
    }

    #[test]
    fn a_date_and_time_is_meant_here_unless_it_says_where() {
        assert_eq!(at("2026-12-24 18:00"), "2026-12-24T17:00:00Z");
        assert_eq!(at("2026-12-24T18:00:00Z"), "2026-12-24T18:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_explained() {
        assert!(time("tomorrow").unwrap_err().contains("14:30"));
        assert!(every("often").unwrap_err().contains("week"));
    }

    #[test]
    fn repetitions_are_read_and_written() {
        assert_eq!(every("week"), Ok(Every::Days(7)));
        assert_eq!(every_words(every("90m").unwrap()), "every 1h 30m");
    }
}
