//! `belfry notice`: send notices and follow who has had them, for administrators.

use belfry_core::chat::{Answer, LedgerEntry, LedgerView, NoticeId, NoticeSummary, Request};
use belfry_core::client::Update;
use belfry_core::time::UnixMillis;

use super::session::Session;
use crate::ending::{Ending, Outcome};

mod change;
mod draft;
mod list;
mod preview;
mod scheduled;
mod send;
mod status;
mod template;
mod when;
mod words;

pub(super) use scheduled::{fetch as planned, heading};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Send a notice; prints its number
    Send(send::Args),
    /// List notices, newest first
    List(list::Args),
    /// Show how far a notice has come, person by person and device by device
    Status(status::Args),
    /// Show whom an audience would reach
    Preview(preview::Args),
    /// Change an open notice: its text, severity, heading or end; every screen follows at once
    Update(change::UpdateArgs),
    /// Take an open notice back
    Withdraw(change::Args),
    /// Say that what an open notice was about is over
    AllClear(change::AllClearArgs),
    /// Tell those who have not answered again
    Remind(change::Args),
    /// List notices that are to be sent later
    Scheduled(scheduled::Args),
    /// Do not send a scheduled notice
    Unschedule(scheduled::UnscheduleArgs),
    /// Keep notices to start from
    #[command(subcommand)]
    Template(template::Command),
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::Send(args) => send::run(args),
        Command::List(args) => list::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Preview(args) => preview::run(args),
        Command::Update(args) => change::update(args),
        Command::Withdraw(args) => change::withdraw(&args),
        Command::AllClear(args) => change::all_clear(args),
        Command::Remind(args) => change::remind(&args),
        Command::Scheduled(args) => scheduled::list(&args),
        Command::Unschedule(args) => scheduled::unschedule(&args),
        Command::Template(command) => template::run(command),
    }
}

/// A notice with its whole ledger; what else comes in the meantime goes to `other`.
fn ledger(session: &mut Session, notice: NoticeId, other: impl FnMut(Update)) -> Outcome<(NoticeSummary, Vec<LedgerEntry>)> {
    let mut summary = None;
    let after = |page: &[LedgerEntry]| page.last().map(|entry| entry.account.clone());
    let read = |answer| match answer {
        Answer::Ledger(page) => {
            summary = Some(page.summary);
            Some(page.people)
        }
        _ => None,
    };
    let people = session
        .pages_read_by(|page| Request::NoticeStatus { notice, view: LedgerView::default(), after: after(page) }, read)
        .all_meanwhile(other)?;
    Ok((summary.ok_or_else(Ending::unexpected)?, people))
}

#[derive(serde::Serialize)]
struct SummaryObject<'a> {
    id: u64,
    severity: &'static str,
    title: Option<&'a str>,
    body: &'a str,
    state: &'static str,
    author: &'a str,
    audience: u64,
    reached: u64,
    visible: u64,
    answered: u64,
    sent_at: String,
    expires_at: Option<String>,
    revision: u32,
    reminders: u32,
}

fn object(summary: &NoticeSummary) -> SummaryObject<'_> {
    let (notice, progress) = (&summary.notice, &summary.progress);
    SummaryObject {
        id: notice.id.0,
        severity: notice.severity.as_str(),
        title: notice.title.as_ref().map(|title| title.as_str()),
        body: notice.body.as_str(),
        state: notice.state.as_str(),
        author: notice.author.as_str(),
        audience: progress.audience,
        reached: progress.reached,
        visible: progress.visible,
        answered: progress.answered,
        sent_at: notice.sent_at.rfc3339(),
        expires_at: notice.expires_at.map(UnixMillis::rfc3339),
        revision: notice.revision,
        reminders: notice.reminder,
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::Progress;

    use super::*;
    use crate::output;
    use crate::output::tests::notice;

    #[test]
    fn a_script_reads_a_notice_with_its_totals() {
        let progress = Progress { audience: 3, reached: 2, visible: 1, answered: 0 };
        assert_eq!(
            output::json_text(&object(&NoticeSummary { notice: notice(), progress })).unwrap(),
            concat!(
                r#"{"id":3,"severity":"important","title":"Drill","body":"Leave now.","state":"open","author":"admin","#,
                r#""audience":3,"reached":2,"visible":1,"answered":0,"sent_at":"2026-11-21T10:02:03.123Z","expires_at":null,"#,
                r#""revision":1,"reminders":0}"#
            )
        );
    }
}
