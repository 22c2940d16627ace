//! Where this computer is: the time zone that people's times are shown in, and read in. One that cannot be found is never silently another.

use std::io::{self, IsTerminal as _};
use std::sync::Once;

use belfry_core::chat::ZoneName;
use jiff::tz::TimeZone;

use crate::ending::{Ending, Outcome};
use crate::sentence;

/// The time zone for showing times. Where the system names one that is not there, or none to a person who looks, that is said once.
pub(crate) fn local() -> TimeZone {
    static SAID: Once = Once::new();
    TimeZone::try_system().unwrap_or_else(|_| {
        let typed = std::env::var_os("TZ");
        SAID.call_once(|| match typed {
            Some(typed) => sentence::complain(&format!("{} Times are shown in UTC.", unknown(&typed.to_string_lossy()))),
            None if io::stderr().is_terminal() => sentence::complain("The time zone of this computer is not set. Times are shown in UTC."),
            None => {}
        });
        TimeZone::UTC
    })
}

/// The time zone for reading times, with its name where it has one.
///
/// # Errors
/// Wrong usage where the system names a zone that is not there: a time that is read wrongly is worse than none.
pub(crate) fn home() -> Outcome<(TimeZone, Option<ZoneName>)> {
    let zone = match (TimeZone::try_system(), std::env::var_os("TZ")) {
        (Ok(zone), _) => zone,
        (Err(_), Some(typed)) => return Err(Ending::usage(unknown(&typed.to_string_lossy()))),
        (Err(_), None) => {
            sentence::complain("The time zone of this computer is not set; the time is taken as UTC.");
            TimeZone::UTC
        }
    };
    let name = zone.iana_name().and_then(|name| ZoneName::new(name).ok());
    Ok((zone, name))
}

fn unknown(typed: &str) -> String {
    format!("There is no time zone {typed:?}, which TZ names.")
}

/// The zone of that name.
///
/// # Errors
/// A sentence, for clap to put behind the name of the option.
pub(crate) fn named(name: &ZoneName) -> Result<TimeZone, String> {
    TimeZone::get(name.as_str()).map_err(|_| format!("There is no time zone {:?}; one is named like Europe/Berlin.", name.as_str()))
}
