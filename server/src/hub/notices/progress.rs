//! How often the author of a notice hears of its progress.

use std::collections::BTreeMap;

use belfry_core::chat::{AccountId, NoticeId, Progress};
use belfry_core::time::Instant;

use crate::limits::PROGRESS_INTERVAL;

/// What the authors of notices have been told and what they are still to be told.
#[derive(Debug, Default)]
pub(in crate::hub) struct ProgressReports {
    recent: BTreeMap<NoticeId, Report>,
}

#[derive(Debug)]
struct Report {
    author: AccountId,
    quiet_until: Instant,
    unsaid: Option<Progress>,
}

impl ProgressReports {
    /// A notice came further.
    pub(in crate::hub) fn note(&mut self, now: Instant, notice: NoticeId, author: AccountId, progress: Progress) {
        self.recent.entry(notice).or_insert(Report { author, quiet_until: now, unsaid: None }).unsaid = Some(progress);
    }

    /// What to tell now: the author, the notice, how far it is.
    pub(in crate::hub) fn due(&mut self, now: Instant) -> Vec<(AccountId, NoticeId, Progress)> {
        let mut due = Vec::new();
        self.recent.retain(|&notice, report| {
            if now < report.quiet_until {
                return true;
            }
            report.quiet_until = now + PROGRESS_INTERVAL;
            match report.unsaid.take() {
                Some(progress) => {
                    due.push((report.author, notice, progress));
                    true
                }
                None => false,
            }
        });
        due
    }

    /// When [`due`](Self::due) has something to say.
    pub(in crate::hub) fn deadline(&self) -> Option<Instant> {
        self.recent.values().filter(|report| report.unsaid.is_some()).map(|report| report.quiet_until).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    fn answered(answered: u64) -> Progress {
        Progress { audience: 9, reached: 9, visible: 9, answered }
    }

    #[test]
    fn progress_is_told_at_once_and_then_at_most_every_interval() {
        let mut reports = ProgressReports::default();
        let (notice, author) = (NoticeId(1), AccountId(1));
        reports.note(at(0), notice, author, answered(1));
        assert_eq!(reports.due(at(0)), [(author, notice, answered(1))]);
        for n in 2..=5 {
            reports.note(at(n), notice, author, answered(n));
            assert_eq!(reports.due(at(n)), []);
        }
        assert_eq!(reports.deadline(), Some(at(100)));
        assert_eq!(reports.due(at(100)), [(author, notice, answered(5))]);
        assert_eq!(reports.deadline(), None);
        assert_eq!(reports.due(at(200)), []);
        assert!(reports.recent.is_empty());
    }
}
