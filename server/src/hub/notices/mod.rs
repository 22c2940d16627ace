//! Notices: sending, changing, reminding, ending, and telling everybody whom it concerns.

mod agenda;
mod arrivals;
mod audience;
mod calendar;
mod gathering;
mod guard;
mod progress;
mod schedules;
mod screens;
mod templates;

use belfry_core::chat::{
    AccountId, Answer, Event, Notice, NoticeChange, NoticeDraft, NoticeId, NoticeState, NoticeSummary, Refusal, check_expiry,
};
use belfry_core::time::{Now, UnixMillis};

pub(super) use self::agenda::{Agenda, Due};
pub(super) use self::arrivals::Arrivals;
pub(super) use self::guard::Guard;
use self::guard::Sending;
pub(super) use self::progress::ProgressReports;
pub(super) use self::schedules::Schedules;
pub(super) use self::screens::{Reported, ScreenReports};
pub(super) use self::templates::Templates;

use super::{Context, Hub, PendingJob, ReplyTo, SessionId};
use crate::limits::{OPEN_NOTICES_PER_EVENT, STORE_RETRY};
use crate::store::{NoticeSent, Outcome, ReceiptNoted, StoredNotice, Work};

/// Whom of its audience a notice is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToldTo {
    /// Everybody, because it is another now.
    All,
    /// Those who have not answered: they are reminded.
    Unanswered,
}

/// A time after `now`.
pub(super) fn later(now: Now, after: core::time::Duration) -> UnixMillis {
    UnixMillis(now.wall.0.saturating_add(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)))
}

impl Hub {
    pub(super) fn send_notice(&mut self, context: Context<'_>, draft: NoticeDraft) -> Result<(), Refusal> {
        let (to, author) = (context.to, context.account());
        draft.check()?;
        self.guard.admit(context.now.instant, author, Sending::Notice(draft.post, draft.severity))?;
        match draft.schedule.clone() {
            Some(schedule) => self.schedule_notice(context, schedule, draft),
            None => {
                let waiting = PendingJob::SendNotice { to, author, post: draft.post };
                self.submit_for(context, Work::SendNotice { author, draft }, waiting)
            }
        }
    }

    /// A notice is stored: tells the author so and everybody else the notice.
    pub(super) fn notice_sent(&mut self, now: Now, to: Option<ReplyTo>, sent: NoticeSent) {
        let NoticeSent { sent, repeated } = sent;
        if let Some(to) = to {
            self.reply(to, Ok(Answer::NoticeSent { notice: sent.notice.id, progress: sent.progress }));
        }
        if !repeated {
            self.tell(now, &sent, ToldTo::All);
        }
    }

    pub(super) fn change_notice(&mut self, context: Context<'_>, notice: NoticeId, change: NoticeChange) -> Result<(), Refusal> {
        if let NoticeChange::Update { expires_after_ms: Some(after), .. } = change {
            check_expiry(after)?;
        }
        let told_to = match change {
            NoticeChange::Remind => {
                self.guard.admit(context.now.instant, context.account(), Sending::Reminder)?;
                ToldTo::Unanswered
            }
            _ => ToldTo::All,
        };
        self.submit_for(context, Work::ChangeNotice { notice, change }, PendingJob::NoticeNow { to: Some(context.to), notice, told_to })
    }

    /// A notice has changed or ended: tells whoever asked for that, and everybody whom it concerns.
    pub(super) fn notice_now(
        &mut self,
        now: Now,
        to: Option<ReplyTo>,
        notice: NoticeId,
        told_to: ToldTo,
        result: Result<Outcome, Refusal>,
    ) {
        match (result.and_then(Outcome::expect::<Box<StoredNotice>>), to) {
            (Ok(stored), to) => {
                if let Some(to) = to {
                    let summary = NoticeSummary { notice: stored.notice.clone(), progress: stored.progress };
                    self.reply(to, Ok(Answer::NoticeChanged(Box::new(summary))));
                }
                self.tell(now, &stored, told_to);
            }
            (Err(refusal), Some(to)) => self.reply(to, Err(refusal)),
            (Err(Refusal::Busy | Refusal::StoreFailed | Refusal::DiskFull), None) => {
                let due = match told_to {
                    ToldTo::All => Due::Expiry(notice),
                    ToldTo::Unanswered => Due::Reminder(notice),
                };
                self.agenda.set(due, Some(later(now, STORE_RETRY)));
            }
            // It ended at the same moment.
            (Err(_), None) => {}
        }
    }

    /// Tells a notice to everybody who is here and in its audience, or only to those who have not answered.
    pub(super) fn tell(&mut self, now: Now, stored: &StoredNotice, told_to: ToldTo) {
        self.follow(&stored.notice, stored.remind_at);
        let (mut waiting, mut deliveries) = (Vec::new(), Vec::new());
        for (account, answered) in &stored.people {
            let sessions: Vec<_> = self.presences.sessions_of(*account).collect();
            for session in &sessions {
                deliveries.extend(self.devices.device_of(*session).map(|device| (stored.notice.id, *account, device)));
            }
            match answered {
                None => waiting.extend(sessions),
                Some(_) if told_to == ToldTo::Unanswered => {}
                Some(_) => self.push(sessions, Event::Notice(Notice { answered: *answered, ..stored.notice.clone() })),
            }
        }
        self.push(waiting, Event::Notice(stored.notice.clone()));
        if stored.notice.state == NoticeState::Open {
            self.note_queued(now, deliveries);
        }
    }

    /// Remembers when a notice is to be looked at again.
    fn follow(&mut self, notice: &Notice, remind_at: Option<UnixMillis>) {
        let is_open = notice.state == NoticeState::Open;
        self.agenda.set(Due::Expiry(notice.id), notice.expires_at.filter(|_| is_open));
        self.agenda.set(Due::Reminder(notice.id), remind_at.filter(|_| is_open));
    }

    /// Tells somebody who has come, or has lost count, which notices wait for them.
    pub(super) fn tell_open_notices(&mut self, now: Now, session: SessionId, account: AccountId, notices: Vec<Notice>) {
        let from = notices.len().saturating_sub(OPEN_NOTICES_PER_EVENT);
        let open = notices.iter().skip(from).map(|notice| notice.id).collect();
        let device = self.devices.device_of(session);
        let deliveries = notices.iter().filter_map(|notice| Some((notice.id, account, device?))).collect();
        for notice in notices {
            // A server that has just started has not looked at it yet.
            self.agenda.set(Due::Expiry(notice.id), notice.expires_at);
            self.push(vec![session], Event::Notice(notice));
        }
        self.push(vec![session], Event::OpenNotices(open));
        self.note_queued(now, deliveries);
    }

    /// A receipt is noted: tells the author how far the notice is, and the person's other devices that it is answered.
    pub(super) fn receipt_noted(&mut self, now: Now, to: ReplyTo, account: AccountId, notice: NoticeId, noted: ReceiptNoted) {
        let ReceiptNoted { author, progress, changed, answered } = noted;
        self.reply(to, Ok(Answer::Done));
        if changed {
            self.reports.note(now.instant, notice, author, progress);
            self.report_progress(now);
        }
        if let Some(notice) = answered {
            let others = self.presences.sessions_of(account).filter(|&session| session != to.session).collect();
            self.push(others, Event::Notice(*notice));
        }
    }

    /// Time passed: whatever is due is done.
    pub(super) fn handle_agenda(&mut self, now: Now) {
        while let Some(due) = self.agenda.pop(now.wall) {
            let submitted = match due {
                Due::Expiry(notice) => {
                    self.submit(now, Work::ReadNotice { notice }, PendingJob::NoticeNow { to: None, notice, told_to: ToldTo::All })
                }
                Due::Reminder(notice) => {
                    let change = NoticeChange::Remind;
                    self.submit(
                        now,
                        Work::ChangeNotice { notice, change },
                        PendingJob::NoticeNow { to: None, notice, told_to: ToldTo::Unanswered },
                    )
                }
                Due::Occurrence(schedule) => self.occur(now, schedule),
            };
            if submitted.is_err() {
                self.agenda.set(due, Some(later(now, STORE_RETRY)));
            }
        }
    }

    /// Tells authors how far their notices are, those whose turn it is.
    pub(super) fn report_progress(&mut self, now: Now) {
        for (author, notice, progress) in self.reports.due(now.instant) {
            self.push_to_account(author, Event::Progress { notice, progress });
        }
    }
}
