//! `belfry notice list`: every notice with its totals, newest first.

use belfry_core::chat::{NoticeSummary, Request, SearchText};
use jiff::tz::TimeZone;

use crate::cli::{session, zone};
use crate::config::ConnectionArgs;
use crate::ending::Outcome;
use crate::{output, sentence};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Only those whose heading or text has this
    #[arg(long, value_name = "TEXT")]
    search: Option<SearchText>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    session::with(&args.connection, |session| {
        let zone = zone::local();
        let before = |page: &[NoticeSummary]| page.last().map(|summary| summary.notice.id);
        let mut pages = session.pages(|page| Request::ListNotices { before: before(page), text: args.search.clone() });
        while let Some(notices) = pages.next()? {
            for summary in &notices {
                if args.json { output::json(&super::object(summary))? } else { output::line(line(summary, &zone))? }
            }
        }
        Ok(())
    })
}

/// `3 [2026-11-21 10:02] important, open, answered by 1 of 3: Drill`.
fn line(summary: &NoticeSummary, zone: &TimeZone) -> String {
    let (notice, progress) = (&summary.notice, &summary.progress);
    let heading = notice.title.as_ref().map_or_else(|| notice.body.as_str().lines().next().unwrap_or_default(), |title| title.as_str());
    format!(
        "{} [{}] {}, {}, answered by {} of {}: {}",
        notice.id.0,
        output::minute(notice.sent_at, zone),
        notice.severity,
        notice.state,
        progress.answered,
        progress.audience,
        sentence::visible(heading)
    )
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Progress, Text};

    use super::*;
    use crate::output::tests::notice;

    #[test]
    fn a_notice_is_one_line_headed_by_its_title_or_first_line() {
        let mut summary = NoticeSummary { notice: notice(), progress: Progress { audience: 3, reached: 2, visible: 1, answered: 1 } };
        assert_eq!(line(&summary, &TimeZone::UTC), "3 [2026-11-21 10:02] important, open, answered by 1 of 3: Drill");
        summary.notice.title = None;
        summary.notice.body = Text::new("first\nsecond").unwrap();
        assert!(line(&summary, &TimeZone::UTC).ends_with(": first"));
    }
}
