//! What is on its way to clients and what they have acknowledged, before it is in the ledger: thousands come together, and are noted together.

use std::collections::BTreeMap;

use belfry_core::chat::{AccountId, Answer, NoticeId, Refusal};
use belfry_core::limits::REACHED_PER_REQUEST_MAX;
use belfry_core::time::{Instant, Now, UnixMillis};

use super::gathering::Gathering;
use crate::hub::requests::Context;
use crate::hub::{Hub, PendingJob, SessionId};
use crate::limits::{ARRIVALS_MAX, ARRIVALS_PER_JOB, ARRIVALS_WITHIN, QUEUED_AFTER};
use crate::store::{NoticeDelivery, NoticeProgress, Outcome, QueuedNotice, Reached, Work};

/// What the ledger does not say yet: what comes within a moment shares one transaction, and most of what is on its way is acknowledged
/// before it has to be noted that it is.
#[derive(Debug, Default)]
pub(in crate::hub) struct Arrivals {
    /// What was handed to the network and is not acknowledged, and when that was.
    queued: BTreeMap<QueuedNotice, Now>,
    /// When to note what has been on its way for long.
    queued_due: Option<Instant>,
    /// Acknowledgements that are not noted.
    acknowledged: Gathering<NoticeDelivery>,
}

impl Arrivals {
    /// When to note what waits, if nothing happens before.
    pub(in crate::hub) fn deadline(&self) -> Option<Instant> {
        self.acknowledged.deadline().into_iter().chain(self.queued_due).min()
    }

    /// A client has it: when it was sent, if that is not noted.
    fn arrived(&mut self, delivery: QueuedNotice) -> Option<UnixMillis> {
        self.queued.remove(&delivery).map(|sent| sent.wall)
    }

    /// What has been on its way since `sent` or longer, by when it was sent.
    fn queued_since(&mut self, sent: Instant) -> Vec<(Now, Vec<QueuedNotice>)> {
        let mut found: Vec<_> = self.queued.extract_if(.., |_, since| since.instant <= sent).collect();
        self.queued_due = self.queued.values().map(|since| since.instant + QUEUED_AFTER).min();
        found.sort_by_key(|(_, since)| (since.instant, since.wall));
        let of_one_time = found.chunk_by(|(_, one), (_, next)| one == next).flat_map(|chunk| chunk.chunks(ARRIVALS_PER_JOB));
        of_one_time.filter_map(|part| Some((part.first()?.1, part.iter().map(|&(delivery, _)| delivery).collect()))).collect()
    }
}

impl Hub {
    /// Notices are on their way. It is noted where they are not acknowledged soon.
    pub(in crate::hub) fn note_queued(&mut self, now: Now, deliveries: Vec<QueuedNotice>) {
        for delivery in deliveries {
            self.arrivals.queued.entry(delivery).or_insert(now);
        }
        if !self.arrivals.queued.is_empty() {
            self.arrivals.queued_due.get_or_insert(now.instant + QUEUED_AFTER);
        }
        if self.arrivals.queued.len() >= ARRIVALS_MAX {
            self.hand_in_queued(now.instant);
        }
    }

    /// A client's machine has got this notice in this wording.
    pub(crate) fn delivered(&mut self, now: Now, session: SessionId, notice: NoticeId, revision: u32) {
        let Some((account, device)) = self.behind(session).filter(|_| self.devices.is_showing(session)) else { return };
        // Where there is no room for it, the program says it again when it comes back.
        if !self.arrivals.acknowledged.is_full() {
            let queued_at = self.arrivals.arrived((notice, account, device));
            self.arrivals.acknowledged.add(now.instant + ARRIVALS_WITHIN, NoticeDelivery { notice, revision, account, device, queued_at });
            self.note_acknowledged(now);
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
        let arrived = |(notice, revision)| {
            let queued_at = self.arrivals.arrived((notice, account, device));
            NoticeDelivery { notice, revision, account, device, queued_at }
        };
        let deliveries = notices.into_iter().map(arrived).collect();
        self.submit_for(context, Work::Reached { deliveries }, PendingJob::Reached { to: context.to })
    }

    /// Time passed: hands to the store what has waited for long enough.
    pub(in crate::hub) fn note_arrivals(&mut self, now: Now) {
        if self.arrivals.queued_due.is_some_and(|due| due <= now.instant) {
            self.hand_in_queued(now.instant - QUEUED_AFTER);
        }
        self.note_acknowledged(now);
    }

    /// Hands to the store what has waited for long enough, or is enough for one job, unless some is there already.
    fn note_acknowledged(&mut self, now: Now) {
        if self.arrivals.acknowledged.is_due(now.instant) {
            self.hand_in_arrivals(now);
        }
    }

    /// Hands everything to the store that the ledger does not say yet: somebody is about to read it, or the server stops.
    pub(in crate::hub) fn note_all(&mut self, now: Now) {
        self.hand_in_all_reports(now);
        self.hand_in_queued(now.instant);
    }

    /// Hands to the store what waits if it is of this account, too: it is about to be noted what they have missed.
    pub(in crate::hub) fn note_arrivals_of(&mut self, now: Now, account: AccountId) {
        if self.screens.wait_for(account) {
            self.hand_in_all_reports(now);
        }
        if self.arrivals.acknowledged.waiting().any(|delivery| delivery.account == account) {
            self.hand_in_all_arrivals(now);
        }
    }

    pub(super) fn hand_in_all_arrivals(&mut self, now: Now) {
        while !self.arrivals.acknowledged.is_empty() && self.hand_in_arrivals(now) {}
    }

    /// Hands acknowledgements to the store; whether there was room for them.
    fn hand_in_arrivals(&mut self, now: Now) -> bool {
        if !self.waiting.has_room() {
            self.arrivals.acknowledged.put_off(now.instant);
            return false;
        }
        let deliveries = self.arrivals.acknowledged.take();
        self.submit(now, Work::Reached { deliveries: deliveries.clone() }, PendingJob::Delivered { deliveries }).is_ok()
    }

    /// Notes what has been on its way since `sent` or longer. When the store is too busy for it, the acknowledgements will say it.
    fn hand_in_queued(&mut self, sent: Instant) {
        for (since, deliveries) in self.arrivals.queued_since(sent) {
            let _ = self.submit(since, Work::Queued { deliveries }, PendingJob::Nobody);
        }
    }

    /// What was acknowledged is in the ledger, or could not be noted.
    pub(in crate::hub) fn delivered_noted(&mut self, now: Now, deliveries: Vec<NoticeDelivery>, result: Result<Outcome, Refusal>) {
        match result.and_then(Outcome::expect) {
            Ok(Reached { progress }) => {
                self.arrivals.acknowledged.noted();
                self.note_progress(now, progress);
                self.note_acknowledged(now);
            }
            Err(_) => self.arrivals.acknowledged.put_back(now.instant, deliveries),
        }
    }

    /// Notices came further: tells their authors.
    pub(in crate::hub) fn note_progress(&mut self, now: Now, progress: Vec<NoticeProgress>) {
        for NoticeProgress { notice, author, progress } in progress {
            self.reports.note(now.instant, notice, author, progress);
        }
        self.report_progress(now);
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountId, DeviceId};

    use super::*;
    use crate::hub::Effect;
    use crate::hub::tests::hub;

    fn queued(hub: &mut Hub) -> Vec<(UnixMillis, usize)> {
        let jobs = std::iter::from_fn(|| hub.poll()).filter_map(|effect| match effect {
            Effect::Job(job) => Some(job),
            _ => None,
        });
        jobs.filter_map(|job| if let Work::Queued { deliveries } = job.work { Some((job.at, deliveries.len())) } else { None }).collect()
    }

    #[test]
    fn what_is_on_its_way_is_written_at_once_where_it_is_more_than_may_be_kept_and_with_the_time_when_it_was_sent() {
        let mut hub = hub();
        let at = |millis: u64| Now { instant: Instant::from_micros(millis * 1000), wall: UnixMillis(millis) };
        let sent = |from: usize, to: usize| (from..to).map(|id| (NoticeId(1), AccountId(id as u64), DeviceId([1; 32]))).collect();
        hub.note_queued(at(1), sent(0, 3));
        hub.note_queued(at(2), sent(0, ARRIVALS_MAX - 1));
        assert_eq!(queued(&mut hub), []);
        hub.note_queued(at(3), sent(0, ARRIVALS_MAX));
        let jobs = queued(&mut hub);
        assert_eq!(jobs.iter().map(|job| job.1).sum::<usize>(), ARRIVALS_MAX);
        assert!(jobs.iter().all(|job| job.1 <= ARRIVALS_PER_JOB));
        assert_eq!((jobs[0], jobs[1].0, jobs.last().copied()), ((UnixMillis(1), 3), UnixMillis(2), Some((UnixMillis(3), 1))));
        assert_eq!(hub.arrivals.deadline(), None);
    }
}
