//! Times and repetitions as people type them.

use belfry_core::chat::{Every, First, Length, Schedule, TimeOfDay, WrittenTime, ZoneName};
use belfry_core::time::UnixMillis;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::cli::zone;
use crate::ending::{Ending, Outcome};
use crate::{output, sentence};

/// Reads `14:30` (the next one), `2026-11-21 14:30` or RFC 3339, each with a zone behind it or without: `14:30[Europe/Berlin]`.
///
/// # Errors
/// A sentence, for clap to put behind the name of the option.
pub(super) fn time(typed: &str) -> Result<WrittenTime, String> {
    let written: WrittenTime = typed.parse().map_err(|error| format!("{error}"))?;
    if let Some(name) = &written.zone {
        let zone = zone::named(name)?;
        // A moment may be written in a zone: then both have to say the same.
        if matches!(written.first, First::At(_)) && typed.trim().parse::<Zoned>().is_err() {
            let shown = offset(&written, &zone).unwrap_or_default();
            return Err(format!("Clocks in {name} are {shown} from UTC then, not as it is written; leave one of the two out."));
        }
    }
    Ok(written)
}

fn offset(written: &WrittenTime, zone: &TimeZone) -> Option<String> {
    let First::At(at) = written.first else { return None };
    let at = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
    Some(at.to_zoned(zone.clone()).strftime("%:z").to_string())
}

/// When a notice is to be sent that was written to be sent then, here.
///
/// # Errors
/// Wrong usage where the days of this computer's zone are meant and it has no name that the server could know it by.
pub(super) fn schedule(written: WrittenTime, every: Option<Every>) -> Outcome<Schedule> {
    if written.zone.is_some() {
        return Ok(Schedule { first: written.first, zone: written.zone, every });
    }
    let (here, name) = zone::home()?;
    planned(written.first, every, &Timestamp::now().to_zoned(here), name)
}

fn planned(first: First, every: Option<Every>, now: &Zoned, name: Option<ZoneName>) -> Outcome<Schedule> {
    if name.is_none() && matches!(every, Some(Every::Days(_))) {
        return Err(Ending::usage("The time zone of this computer has no name; write one behind the time, as in 14:30[Europe/Berlin]."));
    }
    let first = match (&name, first) {
        // Nobody else knows the rules of this zone.
        (None, First::Clock { day: None, time }) => First::At(next(time, now).ok_or_else(no_such_time)?),
        (None, First::Clock { day: Some(day), time }) => {
            let date = jiff::civil::date(1970, 1, 1).checked_add(i64::from(day.0).days()).map_err(|_| no_such_time())?;
            First::At(on(date, time, now.time_zone()).ok_or_else(no_such_time)?)
        }
        (_, first) => first,
    };
    Ok(Schedule { first, zone: name, every })
}

fn no_such_time() -> Ending {
    Ending::usage("No calendar has that time.")
}

fn next(time: TimeOfDay, now: &Zoned) -> Option<UnixMillis> {
    let moment = u64::try_from(now.timestamp().as_millisecond()).ok()?;
    let today = on(now.date(), time, now.time_zone())?;
    if today.0 > moment { Some(today) } else { on(now.date().tomorrow().ok()?, time, now.time_zone()) }
}

fn on(date: jiff::civil::Date, time: TimeOfDay, zone: &TimeZone) -> Option<UnixMillis> {
    let shown = date.to_datetime(jiff::civil::Time::midnight()).checked_add(i64::from(time.0).seconds()).ok()?;
    u64::try_from(shown.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond()).ok().map(UnixMillis)
}

/// A time to come, with how its clocks are set and whose they are: `2026-11-21 14:30 +01:00 (Europe/Berlin)`.
pub(super) fn moment(at: UnixMillis, name: &ZoneName) -> String {
    match zone::named(name) {
        Ok(zone) => format!("{} ({})", output::minute_with_offset(at, &zone), sentence::visible(name.as_str())),
        // Told by a server that knows more zones than this computer.
        Err(_) => output::minute_with_offset(at, &TimeZone::UTC),
    }
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
            let length = other.parse().map_err(|_| "It repeats every day, week, or so long as 30m, 2h or 1d.".to_owned());
            length.map(|Length(millis)| Every::Millis(millis))
        }
    }
}

/// The same for people.
pub(super) fn every_words(every: Every) -> String {
    match every {
        Every::Days(1) => "every day".to_owned(),
        Every::Days(7) => "every week".to_owned(),
        Every::Days(days) => format!("every {days} days"),
        Every::Millis(millis) => format!("every {}", Length(millis)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-21T12:00:00+01:00[Europe/Berlin]".parse().unwrap()
    }

    fn first(typed: &str) -> First {
        time(typed).unwrap().first
    }

    #[test]
    fn a_zone_behind_a_time_is_its_zone() {
        let written = time("2026-12-01 08:00[America/New_York]").unwrap();
        let planned = schedule(written, Some(Every::Days(1))).unwrap();
        assert_eq!(planned.zone, ZoneName::new("America/New_York").ok());
        assert!(time("08:00[Mars/Base]").unwrap_err().contains("Mars/Base"));
    }

    #[test]
    fn an_offset_that_is_not_its_zones_is_refused() {
        assert!(time("2026-12-01T08:00:00-05:00[America/New_York]").is_ok());
        let said = time("2026-12-01T08:00:00+05:00[America/New_York]").unwrap_err();
        assert!(said.contains("-05:00"), "{said}");
    }

    #[test]
    fn what_is_no_time_is_explained() {
        for typed in ["tomorrow", "2026", "14", "2026-11-21"] {
            assert!(time(typed).unwrap_err().contains("14:30"), "{typed}");
        }
        assert!(every("often").unwrap_err().contains("week"));
    }

    #[test]
    fn a_zone_of_this_computer_goes_along_by_its_name() {
        let berlin = ZoneName::new("Europe/Berlin").ok();
        let planned = planned(first("14:30"), Some(Every::Days(1)), &now(), berlin.clone()).unwrap();
        assert_eq!(planned, Schedule { first: first("14:30"), zone: berlin, every: Some(Every::Days(1)) });
    }

    #[test]
    fn a_zone_without_a_name_is_worked_out_here_and_has_no_days_elsewhere() {
        let at = |typed: &str| match planned(first(typed), None, &now(), None).unwrap() {
            Schedule { first: First::At(at), zone: None, .. } => Timestamp::from_millisecond(at.0 as i64).unwrap().to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(at("14:30"), "2026-11-21T13:30:00Z");
        assert_eq!(at("08:00"), "2026-11-22T07:00:00Z");
        assert_eq!(at("2026-12-24 18:00"), "2026-12-24T17:00:00Z");
        assert_eq!(at("2026-12-24T18:00:00Z"), "2026-12-24T18:00:00Z");
        let daily = planned(first("14:30"), Some(Every::Days(1)), &now(), None);
        assert!(daily.unwrap_err().sentence.unwrap().contains("[Europe/Berlin]"));
    }

    #[test]
    fn a_moment_says_how_the_clocks_are_set_and_whose() {
        let name = |typed| ZoneName::new(typed).unwrap();
        let at = UnixMillis(1_795_271_400_000);
        assert_eq!(moment(at, &name("Europe/Berlin")), "2026-11-21 15:30 +01:00 (Europe/Berlin)");
        assert_eq!(moment(at, &name("Mars/Base")), "2026-11-21 14:30 +00:00");
    }

    #[test]
    fn repetitions_are_read_and_written() {
        assert_eq!(every("week"), Ok(Every::Days(7)));
        assert_eq!(every_words(every("90m").unwrap()), "every 1h 30m");
    }
}
