//! `belfry notice scheduled|unschedule`: notices that are to be sent later.

use belfry_core::chat::{Obstacle, Request, ScheduleId, Scheduled};
use belfry_core::time::UnixMillis;
use serde::Serialize;

use super::{when, words};
use crate::cli::session::{self, Session};
use crate::config::{self, ConnectionArgs};
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
        fetch(session)?
            .iter()
            .try_for_each(|scheduled| if args.json { output::json(&object(scheduled)) } else { output::line(line(scheduled)) })
    })
}

/// Everything that is planned.
pub(in crate::cli) fn fetch(session: &mut Session) -> Outcome<Vec<Scheduled>> {
    session.pages(|page: &[Scheduled]| Request::ListSchedules { after: page.last().map(|scheduled| scheduled.id) }).all()
}

/// What a scheduled notice is known by: its title, or the first line of its text.
pub(in crate::cli) fn heading(scheduled: &Scheduled) -> &str {
    let draft = &scheduled.draft;
    draft.title.as_ref().map_or_else(|| draft.body.as_str().lines().next().unwrap_or_default(), |title| title.as_str())
}

pub(crate) fn unschedule(args: &UnscheduleArgs) -> Outcome {
    session::with(&args.connection, |session| session.ask_done(Request::Unschedule { schedule: ScheduleId(args.id) }))
}

#[derive(Serialize)]
struct ScheduledObject<'a> {
    id: u64,
    next_at: Option<String>,
    every: Option<String>,
    severity: &'static str,
    title: Option<&'a str>,
    body: &'a str,
    author: &'a str,
    to: Vec<String>,
    answers: Vec<&'a str>,
    zone: &'a str,
    not_sent_at: Option<String>,
    not_sent: Option<&'static str>,
    obstacle: Option<&'static str>,
}

fn every(scheduled: &Scheduled) -> Option<String> {
    scheduled.draft.schedule.as_ref().and_then(|schedule| schedule.every).map(when::every_words)
}

fn object(scheduled: &Scheduled) -> ScheduledObject<'_> {
    ScheduledObject {
        id: scheduled.id.0,
        next_at: scheduled.next_at.map(UnixMillis::rfc3339),
        every: every(scheduled),
        severity: scheduled.draft.severity.as_str(),
        title: scheduled.draft.title.as_ref().map(|title| title.as_str()),
        body: scheduled.draft.body.as_str(),
        author: scheduled.author.as_str(),
        to: words::audiences(&scheduled.draft.audience),
        answers: scheduled.draft.answers.iter().map(|answer| answer.as_str()).collect(),
        zone: scheduled.zone.as_str(),
        not_sent_at: scheduled.missed.map(|missed| missed.at.rfc3339()),
        not_sent: scheduled.missed.map(|missed| missed.why.as_str()),
        obstacle: scheduled.obstacle.map(Obstacle::as_str),
    }
}

/// `2 [2026-11-21 10:02 +01:00 (Europe/Berlin), every day] important: Drill (to everyone; answers: Acknowledge)`, and why it was not sent or will not be.
fn line(scheduled: &Scheduled) -> String {
    let moment = |at| when::moment(at, &scheduled.zone);
    let mut parts: Vec<_> = scheduled.next_at.map(moment).into_iter().chain(every(scheduled)).collect();
    parts.extend(scheduled.missed.map(|missed| format!("not sent at {}: {}", moment(missed.at), missed.why.as_str())));
    // What has been said once is not said again.
    let coming = scheduled.obstacle.filter(|_| scheduled.next_at.is_some());
    parts.extend(coming.map(|obstacle| format!("will not be sent: {}", obstacle.as_str())));
    let (severity, heading) = (scheduled.draft.severity, sentence::visible(heading(scheduled)));
    let to_whom = words::to_whom(&scheduled.draft.audience, &scheduled.draft.answers);
    format!("{} [{}] {severity}: {heading}{to_whom}", scheduled.id.0, parts.join(", "))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, Every, First, Missed, NoticeDraft, PostId, Schedule, Severity, Text, ZoneName};
    use belfry_core::time::UnixMillis;

    use super::*;

    #[test]
    fn a_scheduled_notice_says_when_and_how_often() {
        let draft = NoticeDraft {
            post: PostId { outbox: 1, counter: 1 },
            schedule: Some(Schedule { first: First::At(UnixMillis(0)), zone: None, every: Some(Every::Days(1)) }),
            ..NoticeDraft::new(Severity::Important, Text::new("Drill\nat noon").unwrap(), Vec::new())
        };
        let zone = ZoneName::new("Europe/Berlin").unwrap();
        let (author, next_at) = (AccountName::first_admin(), Some(UnixMillis(0)));
        let scheduled = Scheduled { id: ScheduleId(2), author, next_at, zone, draft, missed: None, obstacle: None };
        assert_eq!(
            line(&scheduled),
            "2 [1970-01-01 01:00 +01:00 (Europe/Berlin), every day] important: Drill (to everyone; answers: Acknowledge)"
        );
        assert_eq!(
            output::json_text(&object(&scheduled)).unwrap(),
            concat!(
                r#"{"id":2,"next_at":"1970-01-01T00:00:00.000Z","every":"every day","severity":"important","title":null,"#,
                r#""body":"Drill\nat noon","author":"admin","to":["everyone"],"answers":[],"zone":"Europe/Berlin","not_sent_at":null,"not_sent":null,"obstacle":null}"#
            )
        );
        let missed = Some(Missed { at: UnixMillis(0), why: Obstacle::NoRoom });
        let stopped = Scheduled { missed, obstacle: Some(Obstacle::AuthorDisabled), ..scheduled };
        assert_eq!(
            line(&stopped),
            "2 [1970-01-01 01:00 +01:00 (Europe/Berlin), every day, not sent at 1970-01-01 01:00 +01:00 (Europe/Berlin): its room is closed, \
             will not be sent: its author is disabled] important: Drill (to everyone; answers: Acknowledge)"
        );
        let over = line(&Scheduled { next_at: None, ..stopped });
        assert!(over.starts_with("2 [every day, not sent at") && !over.contains("will not"), "{over}");
    }
}
