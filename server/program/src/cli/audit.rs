//! `belfry audit`: who did what on whom.

use belfry_core::chat::{AuditEntry, Request};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::session::{self, Session};
use super::zone;
use crate::config::{self, ConnectionArgs};
use crate::ending::Outcome;
use crate::{output, sentence};

/// What `belfry audit` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The newest so many
    #[arg(long, value_name = "N", default_value = "50", value_parser = config::count, allow_negative_numbers = true)]
    limit: u32,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    session::with(&args.connection, |session| {
        let entries = fetch(session, args.limit as usize)?;
        let zone = zone::local();
        entries.iter().rev().try_for_each(|entry| if args.json { output::json(&object(entry)) } else { output::line(line(entry, &zone)) })
    })
}

/// The newest `limit` entries, newest first.
fn fetch(session: &mut Session, limit: usize) -> Outcome<Vec<AuditEntry>> {
    let mut all = Vec::new();
    let mut pages = session.pages(|page: &[AuditEntry]| Request::ReadAudit { before: page.last().map(|entry| entry.id) });
    while all.len() < limit
        && let Some(entries) = pages.next()?
    {
        all.extend(entries);
    }
    all.truncate(limit);
    Ok(all)
}

#[derive(Serialize)]
struct AuditObject<'a> {
    id: u64,
    at: String,
    who: &'a str,
    act: &'a str,
    object: &'a str,
    detail: &'a str,
}

fn object(entry: &AuditEntry) -> AuditObject<'_> {
    AuditObject {
        id: entry.id,
        at: entry.at.rfc3339(),
        who: entry.who.as_str(),
        act: &entry.act,
        object: &entry.object,
        detail: &entry.detail,
    }
}

/// `2026-11-21 10:02 admin: user.role bob admin`.
fn line(entry: &AuditEntry, zone: &TimeZone) -> String {
    let words = format!("{}: {} {} {}", entry.who, entry.act, entry.object, entry.detail);
    format!("{} {}", output::minute(entry.at, zone), sentence::indented(words.trim_end()))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::AccountName;
    use belfry_core::time::UnixMillis;

    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry {
            id: 3,
            at: UnixMillis(0),
            who: AccountName::new("admin").unwrap(),
            act: "user.role".into(),
            object: "bob".into(),
            detail: "admin".into(),
        }
    }

    #[test]
    fn a_person_reads_a_line_and_a_script_an_object() {
        assert_eq!(line(&entry(), &TimeZone::UTC), "1970-01-01 00:00 admin: user.role bob admin");
        assert_eq!(
            output::json_text(&object(&entry())).unwrap(),
            r#"{"id":3,"at":"1970-01-01T00:00:00.000Z","who":"admin","act":"user.role","object":"bob","detail":"admin"}"#
        );
    }
}
