//! `belfry who`: everybody, and whether they are here.

use belfry_core::chat::{Person, Request};
use belfry_core::client::Update;
use belfry_core::time::UnixMillis;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::described::{ProfileObject, in_brackets};
use super::session::{self, Session};
use super::zone;
use crate::config::ConnectionArgs;
use crate::ending::Outcome;
use crate::{output, sentence};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    session::with(&args.connection, |session| {
        let people = fetch(session, |_| {})?;
        let zone = zone::local();
        for person in &people {
            if args.json { output::json(&object(person))? } else { output::line(line(person, &zone))? }
        }
        Ok(())
    })
}

/// Everybody by name; what else comes in the meantime goes to `other`.
pub(crate) fn fetch(session: &mut Session, other: impl FnMut(Update)) -> Outcome<Vec<Person>> {
    let after = |page: &[Person]| page.last().map(|person| person.account.clone());
    session.pages(|page| Request::Who { after: after(page) }).all_meanwhile(other)
}

#[derive(Serialize)]
struct PersonObject<'a> {
    account: &'a str,
    presence: &'static str,
    last_seen: Option<String>,
    #[serde(flatten)]
    profile: ProfileObject<'a>,
}

fn object(person: &Person) -> PersonObject<'_> {
    PersonObject {
        account: person.account.as_str(),
        presence: person.presence.as_str(),
        last_seen: person.last_seen.map(UnixMillis::rfc3339),
        profile: ProfileObject::from(&person.profile),
    }
}

/// `online   alice`, `offline  bob (last seen 2026-11-21 10:02)`.
pub(crate) fn line(person: &Person, zone: &TimeZone) -> String {
    use belfry_core::chat::Presence;
    let seen = match (person.presence, person.last_seen) {
        (Presence::Offline, Some(at)) => format!(" (last seen {})", output::minute(at, zone)),
        (Presence::Offline, None) => " (never seen)".to_owned(),
        _ => String::new(),
    };
    let profile = in_brackets(&person.profile);
    format!("{:<8} {}{profile}{seen}", person.presence, sentence::visible(person.account.as_str()))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, PersonProfile, Presence};
    use belfry_core::time::UnixMillis;

    use super::*;

    fn person(presence: Presence, last_seen: Option<u64>) -> Person {
        Person {
            account: AccountName::new("bob").unwrap(),
            presence,
            last_seen: last_seen.map(UnixMillis),
            profile: PersonProfile::default(),
        }
    }

    #[test]
    fn who_is_away_is_shown_with_the_time_they_left() {
        assert_eq!(line(&person(Presence::Online, Some(0)), &TimeZone::UTC), "online   bob");
        assert_eq!(line(&person(Presence::Offline, Some(0)), &TimeZone::UTC), "offline  bob (last seen 1970-01-01 00:00)");
        assert_eq!(line(&person(Presence::Offline, None), &TimeZone::UTC), "offline  bob (never seen)");
    }

    #[test]
    fn a_script_reads_a_person_as_one_object() {
        assert_eq!(
            output::json_text(&object(&person(Presence::Offline, None))).unwrap(),
            r#"{"account":"bob","presence":"offline","last_seen":null}"#
        );
    }
}
