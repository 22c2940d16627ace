//! Notices that are sent later, once or again and again.

use std::collections::BTreeMap;

use belfry_core::chat::{Answer, NoticeDraft, Obstacle, Page, Refusal, Schedule, ScheduleId, Scheduled};
use belfry_core::time::{Now, UnixMillis};
use jiff::tz::TimeZone;

use super::{Due, calendar, later};
use crate::hub::{Context, Hub, PendingJob, page};
use crate::limits::{SCHEDULES_MAX, STORE_RETRY};
use crate::store::{List, Occurrence, Outcome, StoredSchedule, Work};

/// Every notice that waits for its time.
#[derive(Debug, Default)]
pub(in crate::hub) struct Schedules {
    waiting: BTreeMap<ScheduleId, StoredSchedule>,
}

impl Schedules {
    pub(in crate::hub) fn new(schedules: Vec<StoredSchedule>) -> Self {
        Self { waiting: schedules.into_iter().map(|schedule| (schedule.id, schedule)).collect() }
    }

    /// When each is due; `None` for those whose time has passed.
    pub(in crate::hub) fn times(&self) -> impl Iterator<Item = (ScheduleId, Option<UnixMillis>)> {
        self.waiting.values().map(|schedule| (schedule.id, schedule.next_at))
    }

    /// Brings back what lies further ahead than it can by the clock as it is now: a repetition is never more than two of its steps away,
    /// unless the clock was ahead when it was worked out. Those that have moved.
    pub(in crate::hub) fn catch_up(&mut self, now: UnixMillis, here: &TimeZone) -> Vec<(ScheduleId, UnixMillis)> {
        let mut moved = Vec::new();
        for stored in self.waiting.values_mut() {
            let (Some(planned), Some(schedule)) = (stored.next_at, &stored.draft.schedule) else { continue };
            let Some(next) = calendar::next(schedule, now, here) else { continue };
            // A clock that was set back by a little sends nothing twice. What is sent once has no second time.
            if calendar::next(schedule, next, here).is_some_and(|one_more| planned > one_more) {
                stored.next_at = Some(next);
                moved.push((stored.id, next));
            }
        }
        moved
    }
}

impl Hub {
    pub(super) fn schedule_notice(&mut self, context: Context<'_>, schedule: Schedule, draft: NoticeDraft) -> Result<(), Refusal> {
        let (schedule, next_at) = calendar::begin(schedule, context.now.wall, &self.config.time_zone)?;
        if self.schedules.waiting.len() >= SCHEDULES_MAX {
            return Err(Refusal::TooMany);
        }
        let author = context.account();
        let waiting = PendingJob::AddSchedule { to: context.to, author, post: draft.post };
        let draft = NoticeDraft { schedule: Some(schedule), ..draft };
        self.submit_for(context, Work::AddSchedule { author, next_at, draft }, waiting)
    }

    #[allow(clippy::boxed_local, reason = "as the store hands it over")]
    pub(in crate::hub) fn scheduled(&mut self, schedule: Box<StoredSchedule>) -> Result<Answer, Refusal> {
        let zone = calendar::zone_name(schedule.draft.schedule.as_ref(), &self.config.time_zone);
        let at = schedule.next_at.ok_or(Refusal::ScheduleInThePast)?;
        let id = schedule.id;
        self.agenda.set(Due::Occurrence(id), Some(at));
        self.schedules.waiting.insert(id, *schedule);
        Ok(Answer::NoticeScheduled { schedule: id, at, zone })
    }

    /// Its time has come. One that came while the server was away is sent late, unless it has ended meanwhile.
    pub(super) fn occur(&mut self, now: Now, id: ScheduleId) -> Result<(), Refusal> {
        let Some(stored) = self.schedules.waiting.get(&id) else { return Ok(()) };
        let Some(at) = stored.next_at else { return Ok(()) };
        let next_at = stored.draft.schedule.as_ref().and_then(|schedule| calendar::next(schedule, now.wall, &self.config.time_zone));
        let occurrence = Occurrence { schedule: id, at, next_at };
        self.submit(now, Work::Occur(occurrence), PendingJob::Occurrence(occurrence))
    }

    /// The store has sent an occurrence or passed it over.
    pub(in crate::hub) fn occurred(&mut self, now: Now, occurrence: Occurrence, result: Result<Outcome, Refusal>) {
        match result {
            // It stays in the list, with the reason.
            Ok(Outcome::NotSent(_)) => {
                self.agenda.set(Due::Occurrence(occurrence.schedule), occurrence.next_at);
                if let Some(schedule) = self.schedules.waiting.get_mut(&occurrence.schedule) {
                    schedule.next_at = occurrence.next_at;
                }
            }
            Ok(outcome) => {
                self.reschedule(occurrence);
                // There is nobody to refuse it to.
                if let Ok(sent) = outcome.expect() {
                    self.notice_sent(now, None, sent);
                }
            }
            Err(Refusal::UnknownSchedule) => self.unscheduled(occurrence.schedule),
            Err(_) => self.agenda.set(Due::Occurrence(occurrence.schedule), Some(later(now, STORE_RETRY))),
        }
    }

    fn reschedule(&mut self, occurrence: Occurrence) {
        self.agenda.set(Due::Occurrence(occurrence.schedule), occurrence.next_at);
        match (occurrence.next_at, self.schedules.waiting.get_mut(&occurrence.schedule)) {
            (Some(next_at), Some(schedule)) => schedule.next_at = Some(next_at),
            _ => {
                self.schedules.waiting.remove(&occurrence.schedule);
            }
        }
    }

    pub(in crate::hub) fn unschedule(&mut self, context: Context<'_>, schedule: ScheduleId) -> Result<(), Refusal> {
        self.submit_for(context, Work::Unschedule(schedule), PendingJob::Unschedule { to: context.to, schedule })
    }

    pub(in crate::hub) fn unscheduled(&mut self, schedule: ScheduleId) {
        self.agenda.set(Due::Occurrence(schedule), None);
        self.schedules.waiting.remove(&schedule);
    }

    pub(in crate::hub) fn list_schedules(&mut self, context: Context<'_>, after: Option<ScheduleId>) -> Result<(), Refusal> {
        self.submit_for(context, Work::List(List::Schedules { after }), PendingJob::Schedules { to: context.to })
    }

    /// A page of what is planned: what the store says of it, at the times that hold by the clock as it is.
    pub(in crate::hub) fn schedules_read(&self, schedules: Page<(StoredSchedule, Option<Obstacle>)>) -> Answer {
        let complete = schedules.entries.into_iter().map(|(stored, obstacle)| {
            let next_at = self.schedules.waiting.get(&stored.id).map_or(stored.next_at, |planned| planned.next_at);
            let zone = calendar::zone_name(stored.draft.schedule.as_ref(), &self.config.time_zone);
            let StoredSchedule { id, author_name: author, draft, missed, .. } = stored;
            Scheduled { id, author, next_at, zone, draft, missed, obstacle }
        });
        page(complete, schedules.more).into()
    }
}
