//! The ledger of one notice as the administrator looks at it: a part of it, those who need somebody first, and no more than a person
//! reads. How many there are, the server counts.

use belfry_core::chat::{
    GroupName, LedgerEntry, LedgerOrder, LedgerPage, LedgerPart, LedgerTally, LedgerView, NoticeId, NoticeSummary, Page, Request,
};
use belfry_core::client::{Command, Ticket};

use super::super::listing::{Listed, Listing};
use super::super::numbers::Numbers;

/// People that are shown: more than anybody looks through, few enough to be read again with each answer.
const SHOWN_MAX: usize = 300;

/// People that are written into a file: of more, the command line writes one.
const WRITTEN_MAX: usize = 100_000;

/// What is wanted of the watched ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerWish {
    /// Only those who are that far.
    Part(LedgerPart),
    /// Only those who are in this group; `None` for everybody.
    Group(Option<GroupName>),
    /// The whole of it, to be written into a file.
    Write,
    /// It is written, or not wanted any more.
    Written,
}

/// Of which notice, what of it, and how much.
#[derive(Clone, Debug)]
pub(in crate::model) struct LedgerOf {
    notice: NoticeId,
    view: LedgerView,
    most: usize,
}

impl Listed for LedgerEntry {
    type Of = LedgerOf;

    fn most(of: &LedgerOf) -> usize {
        of.most
    }

    fn request(of: &LedgerOf, after: Option<&Self>) -> Request {
        Request::NoticeStatus { notice: of.notice, view: of.view.clone(), after: after.map(|entry| entry.account.clone()) }
    }
}

/// A part of a ledger that is read, again and again.
#[derive(Clone, Debug)]
pub(super) struct LedgerReading {
    people: Listing<LedgerEntry>,
    /// What the server has counted when it was asked last.
    counted: LedgerTally,
}

impl LedgerReading {
    pub(super) fn of(notice: NoticeId, view: LedgerView) -> Self {
        Self { people: Listing::of(LedgerOf { notice, view, most: SHOWN_MAX }), counted: LedgerTally::default() }
    }

    pub(super) const fn notice(&self) -> NoticeId {
        self.people.whose().notice
    }

    pub(super) fn begin(&mut self, numbers: &mut Numbers) -> Option<Command> {
        self.people.begin(numbers)
    }

    pub(super) fn abandon(&mut self, ticket: Ticket) -> bool {
        self.people.abandon(ticket)
    }

    /// A part of it has come. Whether it is complete with that, and what to ask next.
    pub(super) fn part(
        &mut self,
        ticket: Ticket,
        tally: Option<LedgerTally>,
        page: Page<LedgerEntry>,
        numbers: &mut Numbers,
    ) -> (bool, Option<Command>) {
        if let Some(tally) = tally.filter(|_| self.people.asks(ticket)) {
            self.counted = tally;
        }
        self.people.part(ticket, page, numbers)
    }
}

/// The notice whose ledger is watched.
#[derive(Clone, Debug)]
pub struct Watched {
    pub(super) summary: NoticeSummary,
    tally: LedgerTally,
    pub(super) reading: LedgerReading,
}

impl Watched {
    /// What has just been read to its end.
    pub(super) fn new(summary: NoticeSummary, reading: LedgerReading) -> Self {
        Self { summary, tally: reading.counted.clone(), reading }
    }

    /// The same, read once more.
    pub(super) fn renew(&mut self, summary: NoticeSummary) {
        self.summary = summary;
        self.tally.clone_from(&self.reading.counted);
    }

    /// The notice as it is now, and how far it has come.
    pub const fn summary(&self) -> &NoticeSummary {
        &self.summary
    }

    /// How many are in each part, of everybody or of the group that is looked at.
    pub const fn tally(&self) -> &LedgerTally {
        &self.tally
    }

    /// What of it is shown.
    pub const fn view(&self) -> &LedgerView {
        &self.reading.people.whose().view
    }

    /// Those of the part that is shown, as they were last read: those who need somebody first.
    pub fn people(&self) -> &[LedgerEntry] {
        self.reading.people.shown()
    }
}

/// A whole ledger that is to be written into a file.
#[derive(Clone, Debug, Default)]
pub enum LedgerExport {
    /// None is wanted.
    #[default]
    Idle,
    /// It is being read.
    Reading(LedgerToWrite),
    /// All of it, by name.
    Whole(Vec<LedgerEntry>),
    /// It could not be read to its end.
    Failed,
}

/// What has come of a whole ledger.
#[derive(Clone, Debug)]
pub struct LedgerToWrite(Listing<LedgerEntry>);

impl LedgerExport {
    pub(super) fn begin(&mut self, notice: NoticeId, numbers: &mut Numbers) -> Option<Command> {
        let view = LedgerView { order: LedgerOrder::Name, ..LedgerView::default() };
        let mut people = Listing::of(LedgerOf { notice, view, most: WRITTEN_MAX });
        let ask = people.begin(numbers);
        *self = Self::Reading(LedgerToWrite(people));
        ask
    }

    pub(super) fn asks(&self, ticket: Ticket) -> bool {
        matches!(self, Self::Reading(LedgerToWrite(people)) if people.asks(ticket))
    }

    /// A part of it has come.
    pub(super) fn part(&mut self, ticket: Ticket, page: LedgerPage, numbers: &mut Numbers) -> (bool, Option<Command>) {
        let Self::Reading(LedgerToWrite(people)) = self else { return (false, None) };
        let (complete, next) = people.part(ticket, page.people, numbers);
        if complete {
            *self = Self::Whole(people.shown().to_vec());
        }
        (complete, next)
    }

    /// The question has come to nothing.
    pub(super) fn abandon(&mut self, ticket: Ticket) -> bool {
        let failed = self.asks(ticket);
        if failed {
            *self = Self::Failed;
        }
        failed
    }
}
