//! `belfry notice scheduled|unschedule`: notices that are to be sent later.

use belfry_core::chat::{Answer, Request, ScheduleId, Scheduled};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::when;
use crate::cli::{Outcome, output, session, unexpected, user};
use crate::config::{self, ConnectionArgs};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args, Debug)]
pub(crate) struct UnscheduleArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Its number, as `notice scheduled` shows it
    #[arg(value_parser = config::id, allow_negative_numbers = true)]
    id: u64,
}

pub(crate) fn list(args: &Args) -> Outcome {
    session::with(&args.connection, |session| {
        let zone = TimeZone::system();
        let mut after = None;
        loop {
            let Answer::Schedules { schedules, more } = session.ask(Request::ListSchedules { after })? else {
                return Err(unexpected());
            };
            for scheduled in &schedules {
                if args.json { output::json(&object(scheduled))? } else { output::line(line(scheduled, &zone))? }
            }
            after = schedules.last().map(|scheduled| scheduled.id);
            if !more || after.is_none() {
                return Ok(());
            }
        }
    })
}

pub(crate) fn unschedule(args: &UnscheduleArgs) -> Outcome {
    session::with(&args.connection, |session| user::done(session, Request::Unschedule { schedule: ScheduleId(args.id) }))
}

#[derive(Serialize)]
struct ScheduledObject<'a> {
    id: u64,
    next_at: String,
    every: Option<String>,
    severity: &'static str,
    title: Option<&'a str>,
    body: &'a str,
    author: &'a str,
}

fn every(scheduled: &Scheduled) -> Option<String> {
    scheduled.draft.schedule.and_then(|schedule| schedule.every).map(when::every_words)
}

fn object(scheduled: &Scheduled) -> ScheduledObject<'_> {
    ScheduledObject {
        id: scheduled.id.0,
        next_at: output::rfc3339(scheduled.next_at),
        every: every(scheduled),
        severity: scheduled.draft.severity.as_str(),
        title: scheduled.draft.title.as_ref().map(|title| title.as_str()),
        body: scheduled.draft.body.as_str(),
        author: scheduled.author.as_str(),
    }
}

/// `2 [2026-11-21 10:02, every day] important: Drill`.
fn line(scheduled: &Scheduled, zone: &TimeZone) -> String {
    let draft = &scheduled.draft;
    let heading = draft.title.as_ref().map_or_else(|| draft.body.as_str().lines().next().unwrap_or_default(), |title| title.as_str());
    let every = every(scheduled).map(|every| format!(", {every}")).unwrap_or_default();
    let at = output::minute(scheduled.next_at, zone);
    format!("{} [{at}{every}] {}: {}", scheduled.id.0, draft.severity.as_str(), output::visible(heading))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, Every, NoticeDraft, PostId, Schedule, Severity, Text};
    use belfry_core::time::UnixMillis;

    use super::*;

    #[test]
    fn a_scheduled_notice_says_when_and_how_often() {
        let draft = NoticeDraft {
            post: PostId { outbox: 1, counter: 1 },
            severity: Severity::Important,
            title: None,
            body: Text::new("Drill\nat noon").unwrap(),
            audience: Vec::new(),
            answers: Vec::new(),
            expires_at: None,
            schedule: Some(Schedule { at: UnixMillis(0), every: Some(Every::Days(1)) }),
            remind: None,
            confirmed: false,
        };
        let scheduled = Scheduled { id: ScheduleId(2), author: AccountName::first_admin(), next_at: UnixMillis(0), draft };
        assert_eq!(line(&scheduled, &TimeZone::UTC), "2 [1970-01-01 00:00, every day] important: Drill");
        assert_eq!(
            output::json_text(&object(&scheduled)).unwrap(),
            concat!(
                r#"{"id":2,"next_at":"1970-01-01T00:00:00.000Z","every":"every day","severity":"important","title":null,"#,
                r#""body":"Drill\nat noon","author":"admin"}"#
            )
        );
    }
}
