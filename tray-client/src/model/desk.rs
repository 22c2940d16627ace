//! The administrator's desk: what is written and whom it would reach, what was sent, and who has had it.

use belfry_core::chat::{
    Audience, Group, LedgerOrder, LedgerPage, LedgerView, NoticeChange, NoticeDraft, NoticeId, NoticeState, NoticeSummary, Page, Preview,
    Progress, Refusal, Request, ScheduleId, Scheduled, SearchText, Severity, Template, TemplateName,
};
use belfry_core::client::{Command, Ticket};
use belfry_core::time::UnixMillis;

use super::listing::{Listed, Listing};
use super::numbers::Numbers;

mod ledger;

use ledger::LedgerReading;
pub use ledger::{LedgerExport, LedgerWish, Watched};

/// What has become of what the administrator did last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeskOutcome {
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

/// What the server was told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum DeskOrder {
    Notice,
    Change,
    Templates,
    Schedules,
}

/// What the administrator's window shows: the notice that is written, the lists, and one ledger.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    open: bool,
    /// Whom the notice that is being written is for, as chosen: what the window ticks, what the server is asked about and what is sent.
    audience: Vec<Audience>,
    preview: Option<Preview>,
    /// The question for a preview, and whether the audience has changed since.
    previewing: Option<(Ticket, bool)>,
    to_confirm: Option<NoticeDraft>,
    order: Option<(Ticket, DeskOrder)>,
    outcome: DeskOutcome,
    watched: Option<Watched>,
    /// The ledger of the notice to watch as soon as it is there.
    wanted: Option<LedgerReading>,
    /// What of the watched ledger is looked at.
    view: LedgerView,
    export: LedgerExport,
    notices: Listing<NoticeSummary>,
    templates: Listing<Template>,
    groups: Listing<Group>,
    schedules: Listing<Scheduled>,
}

/// Whether there is something to draw, and what is to be asked.
type News = (bool, Vec<Command>);

/// Whether the author must see whom it reaches before it goes out.
fn needs_confirming(draft: &NoticeDraft) -> bool {
    draft.severity == Severity::Critical && draft.audience.contains(&Audience::Everyone) && !draft.confirmed
}

impl Listed for NoticeSummary {
    /// What is looked for in them; `None` for all.
    type Of = Option<SearchText>;

    /// Those of the last weeks.
    const MAX: usize = 200;

    fn request(of: &Self::Of, after: Option<&Self>) -> Request {
        Request::ListNotices { before: after.map(|summary| summary.notice.id), text: of.clone() }
    }
}

impl Listed for Template {
    type Of = ();

    fn request((): &(), after: Option<&Self>) -> Request {
        Request::ListTemplates { after: after.map(|template| template.name.clone()) }
    }
}

impl Listed for Group {
    type Of = ();

    fn request((): &(), after: Option<&Self>) -> Request {
        Request::ListGroups { after: after.map(|group| group.name.clone()) }
    }
}

impl Listed for Scheduled {
    type Of = ();

    fn request((): &(), after: Option<&Self>) -> Request {
        Request::ListSchedules { after: after.map(|scheduled| scheduled.id) }
    }
}

fn news((drawn, ask): (bool, Option<Command>)) -> News {
    (drawn, ask.into_iter().collect())
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
    pub const fn outcome(&self) -> &DeskOutcome {
        &self.outcome
    }

    /// The notice whose ledger is watched.
    pub const fn watched(&self) -> Option<&Watched> {
        self.watched.as_ref()
    }

    /// What of the watched ledger is looked at: it may be on its way.
    pub const fn ledger_view(&self) -> &LedgerView {
        &self.view
    }

    /// The whole ledger that is to be written into a file.
    pub const fn export(&self) -> &LedgerExport {
        &self.export
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
    pub(super) fn open(&mut self, numbers: &mut Numbers) -> Vec<Command> {
        self.open = true;
        self.outcome = DeskOutcome::Idle;
        self.read_lists(numbers)
    }

    /// Whether the administrator sits there.
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// The administrator leaves: what is listed is read when they come back.
    pub(super) const fn close(&mut self) {
        self.open = false;
    }

    fn read_lists(&mut self, numbers: &mut Numbers) -> Vec<Command> {
        let lists = [self.notices.begin(numbers), self.templates.begin(numbers), self.groups.begin(numbers), self.schedules.begin(numbers)];
        lists.into_iter().flatten().collect()
    }

    /// Something else is to be listed: also whom a notice reaches, and what keeps a planned one from being sent, may be different.
    pub(super) fn read_again(&mut self, numbers: &mut Numbers) -> Vec<Command> {
        if !self.open {
            return Vec::new();
        }
        let mut asks = self.read_lists(numbers);
        match &mut self.previewing {
            Some((_, changed)) => *changed = true,
            None if self.audience.is_empty() => {}
            None => asks.extend(self.ask_preview(numbers)),
        }
        asks
    }

    /// The numbers of notices are of other ones now.
    pub(super) fn forget_numbers(&mut self) {
        (self.watched, self.wanted, self.notices) = (None, None, Listing::of(self.notices.whose().clone()));
        if matches!(self.outcome, DeskOutcome::Sent(_) | DeskOutcome::Changed(_)) {
            self.outcome = DeskOutcome::Idle;
        }
    }

    /// The connection is there again: what was being read is read anew.
    pub(super) fn reopen(&mut self, numbers: &mut Numbers) -> Vec<Command> {
        if !self.open {
            return Vec::new();
        }
        let mut asks = self.read_lists(numbers);
        asks.extend(self.watched.as_ref().map(|watched| watched.summary.notice.id).and_then(|notice| self.watch(notice, numbers)));
        if !self.audience.is_empty() && self.preview.is_none() && self.previewing.is_none() {
            asks.extend(self.ask_preview(numbers));
        }
        asks
    }

    /// The administrator has chosen an audience, or taken it back.
    pub(super) fn choose(&mut self, audience: &Audience, numbers: &mut Numbers) -> Vec<Command> {
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
    pub(super) fn aim(&mut self, audience: Vec<Audience>, numbers: &mut Numbers) -> Vec<Command> {
        if audience == self.audience && (self.preview.is_some() || self.previewing.is_some()) {
            return Vec::new();
        }
        self.ask_anew(audience, numbers)
    }

    fn ask_anew(&mut self, audience: Vec<Audience>, numbers: &mut Numbers) -> Vec<Command> {
        self.audience = audience;
        self.preview = None;
        if let Some((_, changed)) = &mut self.previewing {
            *changed = true;
            return Vec::new();
        }
        if self.audience.is_empty() { Vec::new() } else { self.ask_preview(numbers) }
    }

    fn ask_preview(&mut self, numbers: &mut Numbers) -> Vec<Command> {
        let ticket = numbers.ticket();
        self.previewing = Some((ticket, false));
        vec![Command::Ask { ticket, request: Request::PreviewNotice { audience: self.audience.clone() } }]
    }

    /// The notice is to go out, or first to be confirmed.
    pub(super) fn send(&mut self, draft: NoticeDraft, numbers: &mut Numbers) -> Vec<Command> {
        if self.outcome == DeskOutcome::Waiting {
            return Vec::new();
        }
        if needs_confirming(&draft) {
            let audience = draft.audience.clone();
            self.to_confirm = Some(draft);
            self.outcome = DeskOutcome::ToConfirm;
            // Whoever confirms sees how many it reaches now, not a while ago.
            return self.ask_anew(audience, numbers);
        }
        self.outcome = DeskOutcome::Waiting;
        let ticket = numbers.ticket();
        self.order = Some((ticket, DeskOrder::Notice));
        vec![Command::SendNotice { ticket, draft }]
    }

    /// Yes or no to what was to be confirmed.
    pub(super) fn confirm(&mut self, yes: bool, numbers: &mut Numbers) -> Vec<Command> {
        let Some(draft) = self.to_confirm.take() else { return Vec::new() };
        self.outcome = DeskOutcome::Idle;
        if yes { self.send(NoticeDraft { confirmed: true, ..draft }, numbers) } else { Vec::new() }
    }

    /// Something is looked for among the notices; `None` to see all again.
    pub(super) fn search(&mut self, text: Option<SearchText>, numbers: &mut Numbers) -> Vec<Command> {
        if *self.notices.whose() == text {
            return Vec::new();
        }
        self.notices.turn_to(text, numbers).into_iter().collect()
    }

    /// A notice is looked at; another one than before as a whole.
    pub(super) fn watch(&mut self, notice: NoticeId, numbers: &mut Numbers) -> Option<Command> {
        if self.looked_at() != Some(notice) {
            self.view = LedgerView { order: LedgerOrder::Need, ..LedgerView::default() };
        }
        self.wanted.insert(LedgerReading::of(notice, self.view.clone())).begin(numbers)
    }

    /// The notice whose ledger is watched, or will be as soon as it is there.
    fn looked_at(&self) -> Option<NoticeId> {
        self.wanted.as_ref().map(LedgerReading::notice).or_else(|| self.watched.as_ref().map(|watched| watched.summary.notice.id))
    }

    /// Something is wanted of the watched ledger.
    pub(super) fn look(&mut self, wish: LedgerWish, numbers: &mut Numbers) -> Vec<Command> {
        match wish {
            LedgerWish::Part(part) => self.view.part = part,
            LedgerWish::Group(group) => self.view.group = group,
            LedgerWish::Write => {
                let watched = self.watched.as_ref().map(|watched| watched.summary.notice.id);
                return watched.and_then(|notice| self.export.begin(notice, numbers)).into_iter().collect();
            }
            LedgerWish::Written => {
                self.export = LedgerExport::Idle;
                return Vec::new();
            }
        }
        self.looked_at().and_then(|notice| self.watch(notice, numbers)).into_iter().collect()
    }

    /// A notice that was sent is to be changed.
    pub(super) fn change(&mut self, notice: NoticeId, change: NoticeChange, numbers: &mut Numbers) -> Vec<Command> {
        self.order(DeskOrder::Change, Request::ChangeNotice { notice, change }, numbers)
    }

    /// A template is to be kept.
    pub(super) fn save_template(&mut self, template: Template, numbers: &mut Numbers) -> Vec<Command> {
        self.order(DeskOrder::Templates, Request::SaveTemplate(template), numbers)
    }

    /// A template is to be forgotten.
    pub(super) fn remove_template(&mut self, name: TemplateName, numbers: &mut Numbers) -> Vec<Command> {
        self.order(DeskOrder::Templates, Request::RemoveTemplate { name }, numbers)
    }

    /// A scheduled notice is not to be sent.
    pub(super) fn unschedule(&mut self, schedule: ScheduleId, numbers: &mut Numbers) -> Vec<Command> {
        self.order(DeskOrder::Schedules, Request::Unschedule { schedule }, numbers)
    }

    fn order(&mut self, order: DeskOrder, request: Request, numbers: &mut Numbers) -> Vec<Command> {
        if self.outcome == DeskOutcome::Waiting {
            return Vec::new();
        }
        self.outcome = DeskOutcome::Waiting;
        let ticket = numbers.ticket();
        self.order = Some((ticket, order));
        vec![Command::Ask { ticket, request }]
    }

    /// A part of the list of notices has come.
    pub(super) fn hear_notices(&mut self, ticket: Ticket, page: Page<NoticeSummary>, numbers: &mut Numbers) -> News {
        news(self.notices.part(ticket, page, numbers))
    }

    /// A part of the list of templates has come.
    pub(super) fn hear_templates(&mut self, ticket: Ticket, page: Page<Template>, numbers: &mut Numbers) -> News {
        news(self.templates.part(ticket, page, numbers))
    }

    /// A part of the list of groups has come.
    pub(super) fn hear_groups(&mut self, ticket: Ticket, page: Page<Group>, numbers: &mut Numbers) -> News {
        news(self.groups.part(ticket, page, numbers))
    }

    /// A part of the list of scheduled notices has come.
    pub(super) fn hear_schedules(&mut self, ticket: Ticket, page: Page<Scheduled>, numbers: &mut Numbers) -> News {
        news(self.schedules.part(ticket, page, numbers))
    }

    /// Whom the audience would reach.
    pub(super) fn hear_preview(&mut self, ticket: Ticket, preview: Preview, numbers: &mut Numbers) -> News {
        let Some((_, changed)) = self.previewing.take_if(|(asked, _)| *asked == ticket) else { return (false, Vec::new()) };
        if !changed {
            self.preview = Some(preview);
            return (true, Vec::new());
        }
        (false, if self.audience.is_empty() { Vec::new() } else { self.ask_preview(numbers) })
    }

    /// A part of a ledger has come.
    pub(super) fn hear_ledger(&mut self, ticket: Ticket, page: LedgerPage, numbers: &mut Numbers) -> News {
        if self.export.asks(ticket) {
            return news(self.export.part(ticket, page, numbers));
        }
        let LedgerPage { summary, tally, people: page } = page;
        let notice = summary.notice.id;
        let reading = match (&mut self.wanted, &mut self.watched) {
            (Some(wanted), _) if wanted.notice() == notice => wanted,
            (_, Some(watched)) if watched.summary.notice.id == notice => &mut watched.reading,
            _ => return (false, Vec::new()),
        };
        let (complete, next) = reading.part(ticket, tally, page, numbers);
        if complete {
            self.note(&summary);
            if let Some(reading) = self.wanted.take_if(|wanted| wanted.notice() == notice) {
                self.watched = Some(Watched::new(summary, reading));
            } else if let Some(watched) = &mut self.watched {
                watched.renew(summary);
            }
        }
        news((complete, next))
    }

    /// The list of notices knows the newest of each.
    fn note(&mut self, summary: &NoticeSummary) {
        if let Some(listed) = self.notices.shown_mut().iter_mut().find(|listed| listed.notice.id == summary.notice.id) {
            listed.clone_from(summary);
        }
    }

    /// The watched ledger has gone on.
    fn read_ledger(&mut self, numbers: &mut Numbers) -> Vec<Command> {
        self.watched.as_mut().and_then(|watched| watched.reading.begin(numbers)).into_iter().collect()
    }

    /// What the server was told to do, where this answers it.
    fn take_order(&mut self, ticket: Ticket) -> Option<DeskOrder> {
        self.order.take_if(|(asked, _)| *asked == ticket).map(|(_, order)| order)
    }

    /// The notice is stored and on its way.
    pub(super) fn hear_sent(&mut self, ticket: Ticket, notice: NoticeId, numbers: &mut Numbers) -> News {
        if self.take_order(ticket).is_none() {
            return (false, Vec::new());
        }
        self.outcome = DeskOutcome::Sent(notice);
        let mut asks = self.aim(Vec::new(), numbers);
        asks.extend(self.notices.begin(numbers));
        asks.extend(self.watch(notice, numbers));
        (true, asks)
    }

    /// The notice is to be sent later.
    pub(super) fn hear_scheduled(&mut self, ticket: Ticket, at: UnixMillis, numbers: &mut Numbers) -> News {
        if self.take_order(ticket).is_none() {
            return (false, Vec::new());
        }
        self.outcome = DeskOutcome::Scheduled(at);
        let mut asks = self.aim(Vec::new(), numbers);
        asks.extend(self.schedules.begin(numbers));
        (true, asks)
    }

    /// The notice is changed.
    pub(super) fn hear_changed(&mut self, ticket: Ticket, summary: NoticeSummary, numbers: &mut Numbers) -> News {
        if self.take_order(ticket).is_none() {
            return (false, Vec::new());
        }
        let notice = summary.notice.id;
        self.outcome = DeskOutcome::Changed(notice);
        self.note(&summary);
        let Some(watched) = self.watched.as_mut().filter(|watched| watched.summary.notice.id == notice) else { return (true, Vec::new()) };
        watched.summary = summary;
        (true, self.read_ledger(numbers))
    }

    /// What was asked is done.
    pub(super) fn hear_done(&mut self, ticket: Ticket, numbers: &mut Numbers) -> News {
        let Some(order) = self.take_order(ticket) else { return (false, Vec::new()) };
        self.outcome = DeskOutcome::Done;
        let list = match order {
            DeskOrder::Notice | DeskOrder::Change => None,
            DeskOrder::Templates => self.templates.begin(numbers),
            DeskOrder::Schedules => self.schedules.begin(numbers),
        };
        news((true, list))
    }

    /// A notice that one has sent has come further.
    pub(super) fn progressed(&mut self, of: NoticeId, to: Progress, numbers: &mut Numbers) -> News {
        let listed = self.notices.shown_mut().iter_mut().find(|listed| listed.notice.id == of);
        let known = listed.is_some();
        if let Some(listed) = listed {
            listed.progress = to;
        }
        // Newer than all that are listed: somebody else has sent it. Of those that are looked for that says nothing.
        let newest = self.notices.shown().first().map(|newest| newest.notice.id);
        if self.open && self.notices.whose().is_none() && newest.is_none_or(|newest| of > newest) {
            return (known, self.notices.begin(numbers).into_iter().collect());
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
    pub(super) fn failed(&mut self, ticket: Ticket, refusal: Option<Refusal>) -> bool {
        if self.order.take_if(|(asked, _)| *asked == ticket).is_some() {
            self.outcome = DeskOutcome::Refused(refusal);
            return true;
        }
        if self.previewing.take_if(|(asked, _)| *asked == ticket).is_some() {
            return true;
        }
        // Progress, and whoever looks again, reads them again.
        let ledger = self.watched.as_mut().is_some_and(|watched| watched.reading.abandon(ticket)) || self.export.abandon(ticket);
        let wanted = self.wanted.take_if(|reading| reading.abandon(ticket)).is_some();
        if wanted && let Some(watched) = &self.watched {
            // What is shown is what is looked at: a group that is gone, for example, is not.
            self.view.clone_from(watched.view());
        }
        ledger
            || wanted
            || self.notices.abandon(ticket)
            || self.templates.abandon(ticket)
            || self.groups.abandon(ticket)
            || self.schedules.abandon(ticket)
    }
}

#[cfg(test)]
mod tests;
