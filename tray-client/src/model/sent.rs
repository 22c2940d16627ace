//! A notice that was sent from here, and the ledger of who has it.

use belfry_core::chat::{LedgerEntry, LedgerPage, NoticeId, Progress, Refusal};

use crate::link::{AskId, Down, Draft};

/// People of the ledger that are kept; beyond them the totals have to do, and the command line lists everybody.
const PEOPLE_MAX: usize = 5_000;

/// What has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits for the server.
    Waiting,
    /// It is stored and on its way.
    Stored {
        /// Its number.
        notice: NoticeId,
        /// How far it has come.
        progress: Progress,
    },
    /// The server refused it, or the connection was lost before it said why.
    Refused(Option<Refusal>),
}

/// A notice that was sent from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    draft: Draft,
    outcome: Outcome,
    people: Vec<LedgerEntry>,
    ask: AskId,
    reading: Option<Reading>,
}

/// A ledger that is arriving in parts; the old one is shown until it is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading {
    ask: AskId,
    gathered: Vec<LedgerEntry>,
    /// It has come further since it was asked for: it is read once more.
    again: bool,
}

/// Whether there is something to draw, and what is to be asked next.
type Next = (bool, Option<Down>);

impl Sent {
    pub(super) const fn new(ask: AskId, draft: Draft) -> Self {
        Self { draft, outcome: Outcome::Waiting, people: Vec::new(), ask, reading: None }
    }

    /// What was written.
    pub const fn draft(&self) -> &Draft {
        &self.draft
    }

    /// What has become of it.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The ledger, by name, as it was last read.
    pub fn people(&self) -> &[LedgerEntry] {
        &self.people
    }

    pub(super) fn stored(&mut self, ask: AskId, notice: NoticeId, progress: Progress, fresh: AskId) -> Next {
        if ask != self.ask {
            return (false, None);
        }
        self.outcome = Outcome::Stored { notice, progress };
        (true, self.read(fresh))
    }

    pub(super) fn progressed(&mut self, of: NoticeId, to: Progress, fresh: AskId) -> Next {
        match &mut self.outcome {
            Outcome::Stored { notice, progress } if *notice == of => *progress = to,
            _ => return (false, None),
        }
        if let Some(reading) = &mut self.reading {
            reading.again = true;
            return (true, None);
        }
        (true, self.read(fresh))
    }

    pub(super) fn page(&mut self, ask: AskId, page: LedgerPage, fresh: AskId) -> Next {
        let Some(mut reading) = self.reading.take_if(|reading| reading.ask == ask) else { return (false, None) };
        let notice = page.summary.notice.id;
        let last = page.entries.last().map(|entry| entry.account.clone());
        reading.gathered.extend(page.entries);
        match last {
            Some(after) if page.more && reading.gathered.len() < PEOPLE_MAX => {
                self.reading = Some(reading);
                (false, Some(Down::AskLedger { ask, notice, after: Some(after) }))
            }
            _ => {
                self.people = reading.gathered;
                (true, if reading.again { self.read(fresh) } else { None })
            }
        }
    }

    /// A question has come to nothing. Whether there is something to draw.
    pub(super) fn failed(&mut self, ask: AskId, refusal: Option<Refusal>) -> bool {
        // The next progress reads the ledger again.
        self.reading.take_if(|reading| reading.ask == ask);
        let mine = ask == self.ask && self.outcome == Outcome::Waiting;
        if mine {
            self.outcome = Outcome::Refused(refusal);
        }
        mine
    }

    fn read(&mut self, ask: AskId) -> Option<Down> {
        let Outcome::Stored { notice, .. } = self.outcome else { return None };
        self.reading = Some(Reading { ask, gathered: Vec::new(), again: false });
        Some(Down::AskLedger { ask, notice, after: None })
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, Audience, NoticeSummary, Severity, Text};

    use super::super::notices::tests::notice;
    use super::*;

    fn sent() -> Sent {
        let draft = Draft {
            severity: Severity::Critical,
            title: None,
            body: Text::new("Leave.").unwrap(),
            audience: vec![Audience::Everyone],
            answers: vec![],
            expires_at: None,
        };
        Sent::new(AskId(1), draft)
    }

    fn page(names: &[&str], more: bool) -> LedgerPage {
        let entry = |name: &&str| LedgerEntry {
            account: AccountName::new(name).unwrap(),
            reached_at: None,
            visible_at: None,
            answered: None,
            revision: 1,
            offline_since: None,
            online: true,
            gap: None,
            devices: vec![],
        };
        let summary = NoticeSummary { notice: notice(7, Severity::Critical), progress: Progress::default() };
        LedgerPage { summary, entries: names.iter().map(entry).collect(), more }
    }

    fn names(sent: &Sent) -> Vec<&str> {
        sent.people().iter().map(|entry| entry.account.as_str()).collect()
    }

    const fn ask(ask: u64, after: Option<AccountName>) -> Option<Down> {
        Some(Down::AskLedger { ask: AskId(ask), notice: NoticeId(7), after })
    }

    #[test]
    fn a_stored_notice_has_its_ledger_read_to_the_end_and_shown_whole() {
        let mut sent = sent();
        assert_eq!(sent.stored(AskId(1), NoticeId(7), Progress::default(), AskId(2)), (true, ask(2, None)));
        let ben = AccountName::new("ben").unwrap();
        assert_eq!(sent.page(AskId(2), page(&["anna", "ben"], true), AskId(3)), (false, ask(2, Some(ben))));
        assert_eq!(names(&sent), [""; 0]);
        assert_eq!(sent.page(AskId(2), page(&["carl"], false), AskId(3)), (true, None));
        assert_eq!(names(&sent), ["anna", "ben", "carl"]);
    }

    #[test]
    fn progress_while_the_ledger_is_read_reads_it_once_more() {
        let mut sent = sent();
        sent.stored(AskId(1), NoticeId(7), Progress::default(), AskId(2));
        for _ in 0..5 {
            assert_eq!(sent.progressed(NoticeId(7), Progress { answered: 1, ..Progress::default() }, AskId(3)), (true, None));
        }
        assert_eq!(sent.page(AskId(2), page(&["anna"], false), AskId(4)), (true, ask(4, None)));
        assert_eq!(sent.page(AskId(4), page(&["anna"], false), AskId(5)), (true, None));
    }

    #[test]
    fn the_progress_of_another_notice_changes_nothing() {
        let mut sent = sent();
        sent.stored(AskId(1), NoticeId(7), Progress::default(), AskId(2));
        assert_eq!(sent.progressed(NoticeId(8), Progress::default(), AskId(3)), (false, None));
    }

    #[test]
    fn a_refused_notice_says_why() {
        let mut sent = sent();
        assert!(sent.failed(AskId(1), Some(Refusal::EmptyAudience)));
        assert_eq!(*sent.outcome(), Outcome::Refused(Some(Refusal::EmptyAudience)));
    }

    #[test]
    fn a_ledger_that_cannot_be_read_does_not_unsend_the_notice() {
        let mut sent = sent();
        sent.stored(AskId(1), NoticeId(7), Progress::default(), AskId(2));
        assert!(!sent.failed(AskId(2), None));
        assert_eq!(sent.progressed(NoticeId(7), Progress::default(), AskId(3)), (true, ask(3, None)));
    }
}
