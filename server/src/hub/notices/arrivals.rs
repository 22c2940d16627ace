//! What clients have acknowledged, on its way into the ledger: thousands come together, and are noted together.

use std::mem;

use belfry_core::chat::{Answer, NoticeId, Refusal};
use belfry_core::limits::REACHED_PER_REQUEST_MAX;
use belfry_core::time::{Instant, Now};

use crate::hub::requests::Context;
use crate::hub::{Hub, PendingJob, SessionId};
use crate::limits::{ARRIVALS_MAX, ARRIVALS_PER_JOB, STORE_RETRY};
use crate::store::{NoticeDelivery, NoticeProgress, Outcome, Reached, Work};

/// Acknowledgements that are not noted yet. While some are being noted, others gather: the more come, the more share one transaction.
#[derive(Debug, Default)]
pub(in crate::hub) struct Arrivals {
    waiting: Vec<NoticeDelivery>,
    /// Some are at the store.
    in_work: bool,
    /// The store could not note them: when to try again.
    retry_at: Option<Instant>,
}

impl Arrivals {
    /// When to note what waits, if nothing happens before.
    pub(in crate::hub) const fn deadline(&self) -> Option<Instant> {
        self.retry_at
    }
}

impl Hub {
    /// A client's machine has got this notice in this wording.
    pub(crate) fn delivered(&mut self, now: Now, session: SessionId, notice: NoticeId, revision: u32) {
        let Some((account, device)) = self.behind(session).filter(|_| self.devices.is_showing(session)) else { return };
        // Where there is no room for it, the program says it again when it comes back.
        if self.arrivals.waiting.len() < ARRIVALS_MAX {
            self.arrivals.waiting.push(NoticeDelivery { notice, account, device, revision });
        }
        if self.arrivals.retry_at.is_none() {
            self.note_arrivals(now);
        }
    }

    /// A program says what has reached it; from here on its acknowledgements do.
    pub(in crate::hub) fn reached(&mut self, context: Context<'_>, notices: Vec<(NoticeId, u32)>) -> Result<(), Refusal> {
        if notices.len() > REACHED_PER_REQUEST_MAX {
            return Err(Refusal::TooMany);
        }
        let session = context.to.session;
        let (account, device) = self.behind(session).ok_or(Refusal::SignInFirst)?;
        self.devices.shows_notices(session);
        if notices.is_empty() {
            self.reply(context.to, Ok(Answer::Done));
            return Ok(());
        }
        let deliveries = notices.into_iter().map(|(notice, revision)| NoticeDelivery { notice, account, device, revision }).collect();
        self.submit_for(context, Work::Reached { deliveries }, PendingJob::Reached { to: context.to })
    }

    /// Hands what waits to the store, unless some is there already.
    pub(in crate::hub) fn note_arrivals(&mut self, now: Now) {
        if self.arrivals.in_work || self.arrivals.waiting.is_empty() || self.arrivals.retry_at.is_some_and(|at| at > now.instant) {
            return;
        }
        self.arrivals.retry_at = None;
        let rest = self.arrivals.waiting.split_off(self.arrivals.waiting.len().min(ARRIVALS_PER_JOB));
        let deliveries = mem::replace(&mut self.arrivals.waiting, rest);
        match self.submit(now, Work::Reached { deliveries: deliveries.clone() }, PendingJob::Delivered { deliveries: deliveries.clone() }) {
            Ok(()) => self.arrivals.in_work = true,
            Err(_) => self.put_back(now, deliveries),
        }
    }

    /// What was acknowledged is in the ledger, or could not be noted.
    pub(in crate::hub) fn delivered_noted(&mut self, now: Now, deliveries: Vec<NoticeDelivery>, result: Result<Outcome, Refusal>) {
        self.arrivals.in_work = false;
        match result.and_then(Outcome::expect) {
            Ok(Reached { progress }) => {
                self.note_progress(now, progress);
                self.note_arrivals(now);
            }
            Err(_) => self.put_back(now, deliveries),
        }
    }

    fn put_back(&mut self, now: Now, mut deliveries: Vec<NoticeDelivery>) {
        deliveries.append(&mut self.arrivals.waiting);
        self.arrivals.waiting = deliveries;
        self.arrivals.retry_at = Some(now.instant + STORE_RETRY);
    }

    /// Notices came further: tells their authors.
    pub(in crate::hub) fn note_progress(&mut self, now: Now, progress: Vec<NoticeProgress>) {
        for NoticeProgress { notice, author, progress } in progress {
            self.reports.note(now.instant, notice, author, progress);
        }
        self.report_progress(now);
    }
}
