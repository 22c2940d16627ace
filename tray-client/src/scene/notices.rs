//! Notices, as popups and as lines of the window.

use belfry_core::chat::{NoticeState, Severity, visible, visible_in_window};

use super::{Moment, links};
use crate::model::{Model, NoticeEntry};

/// How much a notice insists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeverityLevel {
    /// It leaves by itself.
    #[default]
    Info,
    /// It stays until it is answered.
    Important,
    /// It stays, and overrides do not disturb.
    Critical,
}

impl From<Severity> for SeverityLevel {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Important => Self::Important,
            Severity::Critical => Self::Critical,
        }
    }
}

/// A notice as a screen shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeRow {
    /// The server's number for it, in digits.
    pub key: String,
    /// How much it insists.
    pub level: SeverityLevel,
    /// Who sent it.
    pub author: String,
    /// When it was sent: the time of day, or the day where that is not today.
    pub time: String,
    /// Its heading; the beginning of what it says where it has none.
    pub title: String,
    /// What it says; empty where the heading says it all.
    pub body: String,
    /// The same in one line.
    pub gist: String,
    /// The links in it.
    pub links: Vec<String>,
    /// What can be answered, also after its popup has gone; empty when it is answered or over.
    pub answers: Vec<String>,
    /// How it ended: the answer that was given, withdrawn, expired; empty while it is open.
    pub ended: String,
    /// It ended well: its author gave the all-clear.
    pub clear: bool,
    /// It is open, and has not been before anybody's eyes here.
    pub unseen: bool,
}

/// The open notices, most severe first.
pub fn open_notices(model: &Model, moment: Moment<'_>) -> Vec<NoticeRow> {
    model.notices().open().into_iter().map(|entry| notice(entry, moment)).collect()
}

/// The others, newest first.
pub fn past_notices(model: &Model, moment: Moment<'_>) -> Vec<NoticeRow> {
    model.notices().past().into_iter().map(|entry| notice(entry, moment)).collect()
}

/// One notice.
pub fn notice(entry: &NoticeEntry, moment: Moment<'_>) -> NoticeRow {
    let notice = &entry.notice;
    let said = &visible_in_window(notice.body.as_str());
    let (title, body) = match &notice.title {
        Some(title) => (visible_in_window(title.as_str()), said.to_owned()),
        // Without a heading a short text is the heading.
        None if !said.contains('\n') && said.chars().count() <= 60 => (said.to_owned(), String::new()),
        None => (String::new(), said.to_owned()),
    };
    let ended = match (entry.answer_label(), notice.state) {
        (Some(answer), _) => format!("Answered: {}", visible_in_window(answer)),
        (None, NoticeState::Withdrawn) => format!("Withdrawn by {}", visible(notice.author.as_str())),
        (None, NoticeState::Expired) => "Expired".into(),
        (None, NoticeState::AllClear) => format!("All clear, says {}", visible(notice.author.as_str())),
        (None, NoticeState::Open) => String::new(),
    };
    let answers =
        if entry.is_answerable() { notice.answers.iter().map(|answer| visible_in_window(answer.as_str())).collect() } else { Vec::new() };
    NoticeRow {
        key: notice.id.0.to_string(),
        level: notice.severity.into(),
        author: visible(notice.author.as_str()),
        time: moment.wall.short(notice.sent_at, moment.now),
        title,
        links: links(said).into_iter().map(str::to_owned).collect(),
        gist: body.split_whitespace().collect::<Vec<_>>().join(" "),
        body,
        answers,
        ended,
        clear: entry.answer.is_none() && notice.state == NoticeState::AllClear,
        unseen: entry.is_unseen(),
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Notice, NoticeId};
    use belfry_core::client::Update;
    use belfry_core::time::{Instant, Now};

    use super::super::tests::{moment, notice};
    use super::{Model, NoticeState, SeverityLevel, open_notices, past_notices};
    use crate::model::Intent;
    use belfry_core::chat::Severity;

    const NOW: Now = Now { instant: Instant::START, wall: belfry_core::time::UnixMillis(0) };

    fn model(notice: Notice) -> Model {
        let mut model = Model::new("lan-host");
        model.apply(NOW, Update::Notice(notice));
        model
    }

    #[test]
    fn an_open_notice_has_its_answers_and_a_past_one_how_it_ended() {
        let mut model = model(notice(Severity::Critical, Some("Fire drill"), "Leave."));
        let row = &open_notices(&model, moment(15, 0))[0];
        assert_eq!((row.time.as_str(), row.title.as_str(), row.level), ("14:52", "Fire drill", SeverityLevel::Critical));
        assert_eq!(row.answers, ["Safe", "Need help"]);
        model.act(NOW, Intent::Answer { notice: NoticeId(7), answer: 1 });
        let row = &past_notices(&model, moment(15, 0))[0];
        assert_eq!((row.ended.as_str(), row.answers.len()), ("Answered: Need help", 0));
    }

    #[test]
    fn a_short_notice_without_a_heading_is_its_own() {
        let row = |body| open_notices(&model(notice(Severity::Info, None, body)), moment(15, 0)).remove(0);
        let short = row("Coffee is ready.");
        assert_eq!((short.title.as_str(), short.body.as_str()), ("Coffee is ready.", ""));
        assert_eq!(row("Two\nlines").title, "");
    }

    #[test]
    fn a_withdrawn_notice_says_by_whom() {
        let model = model(Notice { state: NoticeState::Withdrawn, ..notice(Severity::Info, None, "x") });
        assert_eq!(past_notices(&model, moment(15, 0))[0].ended, "Withdrawn by admin");
    }
}
