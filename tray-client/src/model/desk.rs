//! The administrator's desk: what is written and whom it would reach, what was sent, and who has had it.

use belfry_core::chat::{
    Audience, Group, LedgerEntry, NoticeChange, NoticeDraft, NoticeId, NoticeState, NoticeSummary, Preview, Progress, Refusal, ScheduleId,
    Scheduled, Severity, Template, TemplateName,
};
use belfry_core::time::UnixMillis;

use super::listing::{Listing, Part};
use super::numbers::Numbers;
use crate::link::{AskId, DeskAsk, DeskNews, Down};

/// Lines of a list that are kept; beyond them the totals have to do, and the command line lists everything.
const LINES_MAX: usize = 5_000;

/// Notices that the desk lists: those of the last weeks.
const NOTICES_MAX: usize = 200;

/// What has become of what the administrator did last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was done.
    #[default]
    Idle,
    /// The author is to look at whom it reaches, and to say yes or no.
    ToConfirm,
    /// It waits for the server.
    Waiting,
    /// The notice is on its way.
    Sent(NoticeId),
    /// The notice is to be sent then.
    Scheduled(UnixMillis),
    /// The notice is changed.
    Changed(NoticeId),
    /// It is done.
    Done,
    /// The server refused it, or the connection was lost before it said why.
    Refused(Option<Refusal>),
}

/// The notice whose ledger is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    summary: NoticeSummary,
    people: Listing<LedgerEntry>,
}

impl Watched {
    /// The notice as it is now, and how far it has come.
    pub const fn summary(&self) -> &NoticeSummary {
        &self.summary
    }

    /// The ledger by name, as it was last read.
    pub fn people(&self) -> &[LedgerEntry] {
        self.people.shown()
    }
}

/// What the server was told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    Notice,
    Change(NoticeId),
    Templates,
    Schedules,
}

/// The desk.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    open: bool,
    /// Whom the notice that is being written is for, as chosen: what the window ticks, what the server is asked about and what is sent.
    audience: Vec<Audience>,
    preview: Option<Preview>,
    /// The question for a preview, and whether the audience has changed since.
    previewing: Option<(AskId, bool)>,
    to_confirm: Option<NoticeDraft>,
    order: Option<(AskId, Order)>,
    outcome: Outcome,
    watched: Option<Watched>,
    /// The notice to watch as soon as its ledger is there.
    wanted: Option<(NoticeId, Listing<LedgerEntry>)>,
    notices: Listing<NoticeSummary>,
    templates: Listing<Template>,
    groups: Listing<Group>,
    schedules: Listing<Scheduled>,
}

/// Whether there is something to draw, and what is to be asked.
type News = (bool, Vec<Down>);

/// Whether the author must see whom it reaches before it goes out.
fn needs_confirming(draft: &NoticeDraft) -> bool {
    draft.severity == Severity::Critical && draft.audience.contains(&Audience::Everyone) && !draft.confirmed
}

const fn ask(ask: AskId, what: DeskAsk) -> Down {
    Down::Desk { ask, what }
}

impl Desk {
    /// Whom the notice that is being written is for, in the order in which they were chosen.
    pub fn audience(&self) -> &[Audience] {
        &self.audience
    }

    /// Whom the audience that was named last would reach; `None` while the server has not said, and for nobody named.
    pub const fn preview(&self) -> Option<&Preview> {
        self.preview.as_ref()
    }

    /// What has become of what was done last.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The notice whose ledger is watched.
    pub const fn watched(&self) -> Option<&Watched> {
        self.watched.as_ref()
    }

    /// The notices, newest first.
    pub fn notices(&self) -> &[NoticeSummary] {
        self.notices.shown()
    }

    /// The templates by name.
    pub fn templates(&self) -> &[Template] {
        self.templates.shown()
    }

    /// The groups by name.
    pub fn groups(&self) -> &[Group] {
        self.groups.shown()
    }

    /// The notices that are to be sent later.
    pub fn schedules(&self) -> &[Scheduled] {
        self.schedules.shown()
    }

    /// The administrator sits down: everything is read.
    pub(super) fn open(&mut self, numbers: &mut Numbers) -> Vec<Down> {
        self.open = true;
        self.outcome = Outcome::Idle;
        let mut asks = vec![];
        asks.extend(self.list_notices(numbers));
        asks.extend(self.list_templates(numbers));
        asks.extend(self.list_groups(numbers));
        asks.extend(self.list_schedules(numbers));
        asks
    }

    /// The connection is there again: what was being read is read anew.
    pub(super) fn reopen(&mut self, numbers: &mut Numbers) -> Vec<Down> {
        if !self.open {
            return Vec::new();
        }
        let mut asks = vec![];
        asks.extend(self.list_notices(numbers));
        asks.extend(self.watched.as_ref().map(|watched| watched.summary.notice.id).and_then(|notice| self.watch(notice, numbers)));
        if !self.audience.is_empty() && self.preview.is_none() && self.previewing.is_none() {
            asks.extend(self.ask_preview(numbers));
        }
        asks
    }

    /// The administrator has chosen an audience, or taken it back.
    pub(super) fn choose(&mut self, audience: &Audience, numbers: &mut Numbers) -> Vec<Down> {
        // What is to be confirmed is for whom it was written.
        if self.to_confirm.is_some() {
            return Vec::new();
        }
        let mut chosen = self.audience.clone();
        match chosen.iter().position(|each| each == audience) {
            Some(at) => drop(chosen.remove(at)),
            None => chosen.push(audience.clone()),
        }
        self.aim(chosen, numbers)
    }

    /// The administrator has named the whole audience.
    pub(super) fn aim(&mut self, audience: Vec<Audience>, numbers: &mut Numbers) -> Vec<Down> {
        if audience == self.audience && (self.preview.is_some() || self.previewing.is_some()) {
            return Vec::new();
        }
        self.ask_anew(audience, numbers)
    }

    fn ask_anew(&mut self, audience: Vec<Audience>, numbers: &mut Numbers) -> Vec<Down> {
        self.audience = audience;
        self.preview = None;
        if let Some((_, changed)) = &mut self.previewing {
            *changed = true;
            return Vec::new();
        }
        if self.audience.is_empty() { Vec::new() } else { self.ask_preview(numbers) }
    }

    fn ask_preview(&mut self, numbers: &mut Numbers) -> Vec<Down> {
        let number = numbers.ask();
        self.previewing = Some((number, false));
        vec![ask(number, DeskAsk::Preview(self.audience.clone()))]
    }

    /// The notice is to go out, or first to be confirmed.
    pub(super) fn send(&mut self, draft: NoticeDraft, numbers: &mut Numbers) -> Vec<Down> {
        if self.outcome == Outcome::Waiting {
            return Vec::new();
        }
        if needs_confirming(&draft) {
            let audience = draft.audience.clone();
            self.to_confirm = Some(draft);
            self.outcome = Outcome::ToConfirm;
            // Whoever confirms sees how many it reaches now, not a while ago.
            return self.ask_anew(audience, numbers);
        }
        self.outcome = Outcome::Waiting;
        let number = numbers.ask();
        self.order = Some((number, Order::Notice));
        vec![ask(number, DeskAsk::Send(Box::new(draft)))]
    }

    /// Yes or no to what was to be confirmed.
    pub(super) fn confirm(&mut self, yes: bool, numbers: &mut Numbers) -> Vec<Down> {
        let Some(draft) = self.to_confirm.take() else { return Vec::new() };
        self.outcome = Outcome::Idle;
        if yes { self.send(NoticeDraft { confirmed: true, ..draft }, numbers) } else { Vec::new() }
    }

    /// Another notice is looked at.
    pub(super) fn watch(&mut self, notice: NoticeId, numbers: &mut Numbers) -> Option<Down> {
        let mut people = Listing::default();
        let number = numbers.ask();
        people.begin(number);
        self.wanted = Some((notice, people));
        Some(ask(number, DeskAsk::Ledger { notice, after: None }))
    }

    /// A notice that was sent is to be changed.
    pub(super) fn change(&mut self, notice: NoticeId, change: NoticeChange, numbers: &mut Numbers) -> Vec<Down> {
        self.order(Order::Change(notice), DeskAsk::Change { notice, change }, numbers)
    }

    /// A template is to be kept.
    pub(super) fn save_template(&mut self, template: Template, numbers: &mut Numbers) -> Vec<Down> {
        self.order(Order::Templates, DeskAsk::SaveTemplate(Box::new(template)), numbers)
    }

    /// A template is to be forgotten.
    pub(super) fn remove_template(&mut self, name: TemplateName, numbers: &mut Numbers) -> Vec<Down> {
        self.order(Order::Templates, DeskAsk::RemoveTemplate(name), numbers)
    }

    /// A scheduled notice is not to be sent.
    pub(super) fn unschedule(&mut self, schedule: ScheduleId, numbers: &mut Numbers) -> Vec<Down> {
        self.order(Order::Schedules, DeskAsk::Unschedule(schedule), numbers)
    }

    fn order(&mut self, order: Order, what: DeskAsk, numbers: &mut Numbers) -> Vec<Down> {
        if self.outcome == Outcome::Waiting {
            return Vec::new();
        }
        self.outcome = Outcome::Waiting;
        let number = numbers.ask();
        self.order = Some((number, order));
        vec![ask(number, what)]
    }

    fn list_notices(&mut self, numbers: &mut Numbers) -> Option<Down> {
        let number = numbers.ask();
        self.notices.begin(number).then_some(ask(number, DeskAsk::Notices { before: None }))
    }

    fn list_templates(&mut self, numbers: &mut Numbers) -> Option<Down> {
        let number = numbers.ask();
        self.templates.begin(number).then_some(ask(number, DeskAsk::Templates { after: None }))
    }

    fn list_groups(&mut self, numbers: &mut Numbers) -> Option<Down> {
        let number = numbers.ask();
        self.groups.begin(number).then_some(ask(number, DeskAsk::Groups { after: None }))
    }

    fn list_schedules(&mut self, numbers: &mut Numbers) -> Option<Down> {
        let number = numbers.ask();
        self.schedules.begin(number).then_some(ask(number, DeskAsk::Schedules { after: None }))
    }

    /// Something has come for the desk.
    pub(super) fn hear(&mut self, number: AskId, news: DeskNews, numbers: &mut Numbers) -> News {
        match news {
            DeskNews::Preview(preview) => self.hear_preview(number, preview, numbers),
            DeskNews::Ledger(page) => self.hear_ledger(number, page.summary, page.people.entries, page.people.more, numbers),
            DeskNews::Notices { notices, more } => match self.notices.part(number, notices, more, NOTICES_MAX) {
                Part::Stale => (false, Vec::new()),
                Part::More => {
                    let before = self.notices.last().map(|summary| summary.notice.id);
                    (false, vec![ask(number, DeskAsk::Notices { before })])
                }
                Part::Complete { again } => (true, if again { self.list_notices(numbers).into_iter().collect() } else { Vec::new() }),
            },
            DeskNews::Templates { templates, more } => match self.templates.part(number, templates, more, LINES_MAX) {
                Part::Stale => (false, Vec::new()),
                Part::More => {
                    let after = self.templates.last().map(|template| template.name.clone());
                    (false, vec![ask(number, DeskAsk::Templates { after })])
                }
                Part::Complete { again } => (true, if again { self.list_templates(numbers).into_iter().collect() } else { Vec::new() }),
            },
            DeskNews::Groups { groups, more } => match self.groups.part(number, groups, more, LINES_MAX) {
                Part::Stale => (false, Vec::new()),
                Part::More => {
                    let after = self.groups.last().map(|group| group.name.clone());
                    (false, vec![ask(number, DeskAsk::Groups { after })])
                }
                Part::Complete { again } => (true, if again { self.list_groups(numbers).into_iter().collect() } else { Vec::new() }),
            },
            DeskNews::Schedules { schedules, more } => match self.schedules.part(number, schedules, more, LINES_MAX) {
                Part::Stale => (false, Vec::new()),
                Part::More => {
                    let after = self.schedules.last().map(|schedule| schedule.id);
                    (false, vec![ask(number, DeskAsk::Schedules { after })])
                }
                Part::Complete { again } => (true, if again { self.list_schedules(numbers).into_iter().collect() } else { Vec::new() }),
            },
            DeskNews::Sent { .. } | DeskNews::Scheduled { .. } | DeskNews::Changed(_) | DeskNews::Done => {
                self.hear_done(number, news, numbers)
            }
        }
    }

    fn hear_preview(&mut self, number: AskId, preview: Preview, numbers: &mut Numbers) -> News {
        let Some((_, changed)) = self.previewing.take_if(|(asked, _)| *asked == number) else { return (false, Vec::new()) };
        if !changed {
            self.preview = Some(preview);
            return (true, Vec::new());
        }
        (false, if self.audience.is_empty() { Vec::new() } else { self.ask_preview(numbers) })
    }

    fn hear_ledger(&mut self, number: AskId, summary: NoticeSummary, entries: Vec<LedgerEntry>, more: bool, numbers: &mut Numbers) -> News {
        let notice = summary.notice.id;
        let people = match (&mut self.wanted, &mut self.watched) {
            (Some((wanted, people)), _) if *wanted == notice => people,
            (_, Some(watched)) if watched.summary.notice.id == notice => &mut watched.people,
            _ => return (false, Vec::new()),
        };
        match people.part(number, entries, more, LINES_MAX) {
            Part::Stale => (false, Vec::new()),
            Part::More => {
                let after = people.last().map(|entry| entry.account.clone());
                (false, vec![ask(number, DeskAsk::Ledger { notice, after })])
            }
            Part::Complete { again } => {
                self.note(&summary);
                if let Some((_, people)) = self.wanted.take_if(|(wanted, _)| *wanted == notice) {
                    self.watched = Some(Watched { summary, people });
                } else if let Some(watched) = &mut self.watched {
                    watched.summary = summary;
                }
                (true, if again { self.read_ledger(numbers) } else { Vec::new() })
            }
        }
    }

    /// The list of notices knows the newest of each.
    fn note(&mut self, summary: &NoticeSummary) {
        if let Some(listed) = self.notices.shown_mut().iter_mut().find(|listed| listed.notice.id == summary.notice.id) {
            listed.clone_from(summary);
        }
    }

    /// The watched ledger has gone on.
    fn read_ledger(&mut self, numbers: &mut Numbers) -> Vec<Down> {
        let Some(watched) = &mut self.watched else { return Vec::new() };
        let number = numbers.ask();
        let begun = watched.people.begin(number);
        let what = DeskAsk::Ledger { notice: watched.summary.notice.id, after: None };
        if begun { vec![ask(number, what)] } else { Vec::new() }
    }

    fn hear_done(&mut self, number: AskId, news: DeskNews, numbers: &mut Numbers) -> News {
        let Some((_, order)) = self.order.take_if(|(asked, _)| *asked == number) else { return (false, Vec::new()) };
        let mut asks = Vec::new();
        self.outcome = match (news, order) {
            (DeskNews::Sent { notice, .. }, _) => {
                asks.extend(self.aim(Vec::new(), numbers));
                asks.extend(self.list_notices(numbers));
                asks.extend(self.watch(notice, numbers));
                Outcome::Sent(notice)
            }
            (DeskNews::Scheduled { at }, _) => {
                asks.extend(self.aim(Vec::new(), numbers));
                asks.extend(self.list_schedules(numbers));
                Outcome::Scheduled(at)
            }
            (DeskNews::Changed(summary), Order::Change(notice)) => {
                self.note(&summary);
                if let Some(watched) = self.watched.as_mut().filter(|watched| watched.summary.notice.id == notice) {
                    watched.summary = *summary;
                    asks.extend(self.read_ledger(numbers));
                }
                Outcome::Changed(notice)
            }
            (_, Order::Templates) => {
                asks.extend(self.list_templates(numbers));
                Outcome::Done
            }
            (_, Order::Schedules) => {
                asks.extend(self.list_schedules(numbers));
                Outcome::Done
            }
            _ => Outcome::Done,
        };
        (true, asks)
    }

    /// A notice that one has sent has come further.
    pub(super) fn progressed(&mut self, of: NoticeId, to: Progress, numbers: &mut Numbers) -> News {
        let listed = self.notices.shown_mut().iter_mut().find(|listed| listed.notice.id == of);
        let known = listed.is_some();
        if let Some(listed) = listed {
            listed.progress = to;
        }
        let Some(watched) = self.watched.as_mut().filter(|watched| watched.summary.notice.id == of) else { return (known, Vec::new()) };
        watched.summary.progress = to;
        (true, self.read_ledger(numbers))
    }

    /// A notice has changed under everybody's eyes: the desk's lists know it, too.
    pub(super) fn heard_of(&mut self, notice: NoticeId, state: NoticeState) -> bool {
        let listed = self.notices.shown_mut().iter_mut().find(|listed| listed.notice.id == notice);
        let listed = listed.map(|listed| &mut listed.notice);
        let watched = self.watched.as_mut().map(|watched| &mut watched.summary.notice).filter(|watched| watched.id == notice);
        let mut news = false;
        for known in listed.into_iter().chain(watched) {
            news |= std::mem::replace(&mut known.state, state) != state;
        }
        news
    }

    /// A question has come to nothing. Whether there is something to draw.
    pub(super) fn failed(&mut self, number: AskId, refusal: Option<Refusal>) -> bool {
        if self.order.take_if(|(asked, _)| *asked == number).is_some() {
            self.outcome = Outcome::Refused(refusal);
            return true;
        }
        if self.previewing.take_if(|(asked, _)| *asked == number).is_some() {
            return true;
        }
        // Progress, and whoever looks again, reads them again.
        let ledger = self.watched.as_mut().is_some_and(|watched| watched.people.abandon(number));
        let wanted = self.wanted.take_if(|(_, people)| people.abandon(number)).is_some();
        ledger
            || wanted
            || self.notices.abandon(number)
            || self.templates.abandon(number)
            || self.groups.abandon(number)
            || self.schedules.abandon(number)
    }
}

#[cfg(test)]
mod tests;
