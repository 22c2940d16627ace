//! When what is kept no longer is taken out: a round every so often, in bites with a pause between them.

use belfry_core::chat::{ConversationId, Refusal};
use belfry_core::time::{Instant, Now};

use super::{Hub, PendingJob};
use crate::limits::{TIDY_EVERY, TIDY_PAUSE};
use crate::store::{Bite, Outcome, Tidied, Work};

/// The first bite of a round: no conversation has a smaller number.
const BEGINNING: Bite = Bite::Messages(ConversationId(0));

/// Where the round is.
#[derive(Debug)]
pub(super) struct Tidying {
    /// When the next bite is due; `None` while one is at the store, or when everything is kept for ever.
    due: Option<Instant>,
    bite: Bite,
    at_the_store: bool,
    /// What is kept has changed while a bite was at the store: it went by what was kept before.
    begins_anew: bool,
    removed: u64,
}

impl Default for Tidying {
    fn default() -> Self {
        Self { due: None, bite: BEGINNING, at_the_store: false, begins_anew: false, removed: 0 }
    }
}

impl Tidying {
    /// A bite has taken out so many rows, and there it goes on. When the round is over: how many it has taken out, unless that was nothing.
    fn bitten(&mut self, removed: u64, next: Option<Bite>) -> Option<u64> {
        self.removed += removed;
        match next {
            Some(_) => None,
            None => Some(std::mem::take(&mut self.removed)).filter(|&removed| removed > 0),
        }
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.due
    }
}

impl Hub {
    /// What is kept has changed, on the server or in a room: a round begins, if there is anything to look for.
    pub(super) fn begin_tidying(&mut self, now: Now) {
        let begins = !self.keeps_all() && !self.tidying.at_the_store;
        self.tidying.bite = BEGINNING;
        self.tidying.begins_anew = self.tidying.at_the_store;
        self.tidying.due = begins.then_some(now.instant);
    }

    fn keeps_all(&self) -> bool {
        self.rules.retention.is_forever() && !self.rooms.differ()
    }

    /// Takes a bite if one is due.
    pub(super) fn tidy(&mut self, now: Now) {
        if self.tidying.due.is_none_or(|due| due > now.instant) {
            return;
        }
        if let Some(until) = self.clock.doubted_until() {
            self.tidying.due = Some(until);
            return;
        }
        let kept = self.rules.retention.kept(now.wall);
        let work = Work::Tidy {
            messages_before: kept.messages_from,
            messages_kept: kept.messages,
            rooms_differ: self.rooms.differ(),
            notices_before: kept.notices_from,
            audit_before: kept.audit_from,
            bite: self.tidying.bite,
        };
        self.tidying.at_the_store = self.submit(now, work, PendingJob::Tidy).is_ok();
        // A store that is too busy is left alone for a while.
        self.tidying.due = (!self.tidying.at_the_store).then_some(now.instant + TIDY_EVERY);
    }

    pub(super) fn tidied(&mut self, now: Now, result: Result<Outcome, Refusal>) {
        self.tidying.at_the_store = false;
        // Where there is none, the log has the reason already.
        let Tidied { removed, next } = result.and_then(Outcome::expect).unwrap_or(Tidied { removed: 0, next: None });
        let next = if std::mem::take(&mut self.tidying.begins_anew) { Some(BEGINNING) } else { next };
        self.tidying.bite = next.unwrap_or(BEGINNING);
        if let Some(rows) = self.tidying.bitten(removed, next) {
            tracing::info!(rows, "deleted by retention");
        }
        let pause = if next.is_some() { TIDY_PAUSE } else { TIDY_EVERY };
        self.tidying.due = (!self.keeps_all()).then_some(now.instant + pause);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use belfry_core::time::UnixMillis;

    use super::super::tests::hub;
    use super::*;
    use crate::hub::{Registration, Retention, Rules};
    use crate::limits::JOBS_WAITING_MAX;

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(1_800_000_000_000) };

    #[test]
    fn a_round_says_what_it_has_taken_out_when_it_is_over_and_only_if_there_was_anything() {
        let mut tidying = Tidying::default();
        assert_eq!(tidying.bitten(3, Some(Bite::Rest)), None);
        assert_eq!(tidying.bitten(2, None), Some(5));
        assert_eq!(tidying.bitten(0, None), None);
    }

    #[test]
    fn nobody_looks_where_everything_is_kept_for_ever() {
        let mut hub = hub();
        hub.set_rules(NOW, Rules::with_registration(Registration::Open));
        assert_eq!(hub.tidying.deadline(), None);
    }

    #[test]
    fn a_store_that_is_too_busy_to_tidy_is_left_alone_for_a_while() {
        let mut hub = hub();
        let retention = Retention { messages_per_conversation: Some(1), ..Retention::default() };
        hub.set_rules(NOW, Rules { retention, ..Rules::with_registration(Registration::Open) });
        while hub.submit(NOW, Work::Size, PendingJob::Nobody).is_ok() {}
        assert_eq!(hub.effects.len(), JOBS_WAITING_MAX);
        hub.tidy(NOW);
        assert_eq!((hub.effects.len(), hub.tidying.deadline()), (JOBS_WAITING_MAX, Some(NOW.instant + TIDY_EVERY)));
    }

    #[test]
    fn a_bite_is_taken_when_it_is_due_or_later_and_not_before() {
        for (early, taken) in [(1, 0), (0, 1)] {
            let mut hub = hub();
            hub.tidying.due = Some(NOW.instant + Duration::from_micros(early));
            hub.tidy(NOW);
            assert_eq!(hub.effects.len(), taken);
        }
        let mut hub = hub();
        hub.tidying.due = Some(NOW.instant);
        hub.tidy(Now { instant: NOW.instant + TIDY_EVERY, ..NOW });
        assert_eq!(hub.effects.len(), 1);
    }
}
