//! What people's screens report of notices, before it is in the ledger: it is noted together, and each is answered once it is.

use belfry_core::chat::{AccountId, Answer, NoticeId, Receipt, Refusal};
use belfry_core::time::{Instant, Now};

use super::gathering::Gathering;
use crate::hub::requests::Context;
use crate::hub::{Hub, PendingJob, ReplyTo};
use crate::limits::REPORTS_WITHIN;
use crate::store::{Outcome, Reached, ScreenReport, Work};

/// A report, and who waits for its being noted.
pub(in crate::hub) type Reported = (ReplyTo, ScreenReport);

/// Reports that are not noted.
#[derive(Debug, Default)]
pub(in crate::hub) struct ScreenReports(Gathering<Reported>);

impl ScreenReports {
    /// When to note what waits, if nothing happens before.
    pub(in crate::hub) fn deadline(&self) -> Option<Instant> {
        self.0.deadline()
    }

    /// Reports of this account wait.
    pub(super) fn wait_for(&self, account: AccountId) -> bool {
        self.0.waiting().any(|(_, report)| report.account == account)
    }
}

impl Hub {
    /// A receipt. What a person has answered is noted at once, because they wait to be told so.
    pub(in crate::hub) fn receipt(
        &mut self,
        context: Context<'_>,
        notice: NoticeId,
        revision: u32,
        receipt: Receipt,
    ) -> Result<(), Refusal> {
        let (account, to) = (context.account(), context.to);
        let device = self.devices.device_of(to.session).ok_or(Refusal::SignInFirst)?;
        let visible = match receipt {
            Receipt::Visible => true,
            Receipt::Locked => false,
            Receipt::Reached | Receipt::Answered(_) => {
                // Whoever has answered has a screen that is not locked.
                if self.screens.0.waiting().any(|(_, report)| report.account == account && !report.visible) {
                    self.hand_in_all_reports(context.now);
                }
                let work = Work::Receipt { account, device, notice, revision, receipt };
                return self.submit_for(context, work, PendingJob::Receipt { to, account, notice });
            }
        };
        if self.screens.0.is_full() {
            return Err(Refusal::Busy);
        }
        self.screens.0.add(context.now.instant + REPORTS_WITHIN, (to, ScreenReport { notice, revision, account, device, visible }));
        self.note_screens(context.now);
        Ok(())
    }

    /// Hands to the store what has waited for long enough, or is enough for one job, unless some is there already.
    pub(in crate::hub) fn note_screens(&mut self, now: Now) {
        if self.screens.0.is_due(now.instant) {
            // What is seen has arrived before.
            self.hand_in_all_arrivals(now);
            self.hand_in_reports(now);
        }
    }

    /// Hands all reports to the store.
    pub(super) fn hand_in_all_reports(&mut self, now: Now) {
        self.hand_in_all_arrivals(now);
        while !self.screens.0.is_empty() && self.hand_in_reports(now) {}
    }

    /// Hands reports to the store; whether there was room for them.
    fn hand_in_reports(&mut self, now: Now) -> bool {
        if !self.waiting.has_room() {
            self.screens.0.put_off(now.instant);
            return false;
        }
        let reported = self.screens.0.take();
        let reports = reported.iter().map(|&(_, report)| report).collect();
        self.submit(now, Work::Screens { reports }, PendingJob::Screens { reported }).is_ok()
    }

    /// What screens have reported is in the ledger, or could not be noted.
    pub(in crate::hub) fn screens_noted(&mut self, now: Now, mut reported: Vec<Reported>, result: Result<Outcome, Refusal>) {
        match result.and_then(Outcome::expect) {
            Ok(Reached { progress }) => {
                self.screens.0.noted();
                // What one client is told leaves together.
                reported.sort_by_key(|(to, _)| to.session);
                reported.into_iter().for_each(|(to, _)| self.reply(to, Ok(Answer::Done)));
                self.note_progress(now, progress);
                self.note_screens(now);
            }
            Err(_) => self.screens.0.put_back(now.instant, reported),
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::DeviceId;
    use belfry_core::wire::Channel;

    use super::*;
    use crate::hub::tests::hub;
    use crate::hub::{Effect, SessionId};

    #[test]
    fn what_one_client_is_told_of_its_reports_comes_in_one_piece() {
        let (mut hub, now) = (hub(), Now::default());
        for (session, id) in [(1, 1), (2, 7), (1, 2), (2, 8), (1, 3)] {
            let to = ReplyTo { session: SessionId(session), id, channel: Channel::Chat };
            let (notice, account, device) = (NoticeId(id.into()), AccountId(session), DeviceId([1; 32]));
            hub.screens.0.add(now.instant, (to, ScreenReport { notice, revision: 1, account, device, visible: true }));
        }
        let reported = hub.screens.0.take();
        hub.screens_noted(now, reported, Ok(Reached { progress: Vec::new() }.into()));
        let answers = std::iter::from_fn(|| hub.poll()).filter_map(|effect| match effect {
            Effect::Reply { to, result: Ok(Answer::Done) } => Some((to.session.0, to.id)),
            _ => None,
        });
        assert_eq!(answers.collect::<Vec<_>>(), [(1, 1), (1, 2), (1, 3), (2, 7), (2, 8)]);
    }
}
