//! What is due and when: by the wall clock, because that is what people were told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use belfry_core::chat::{NoticeId, ScheduleId};
use belfry_core::time::{Instant, Now, UnixMillis};

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::hub) enum Due {
    /// A notice's time has passed.
    Expiry(NoticeId),
    /// Those who have not answered are to be told again.
    Reminder(NoticeId),
    /// A scheduled notice is to be sent.
    Occurrence(ScheduleId),
}

/// Everything that is due once.
#[derive(Debug, Default)]
pub(in crate::hub) struct Agenda {
    times: BTreeMap<Due, UnixMillis>,
    in_order: BTreeSet<(UnixMillis, Due)>,
}

impl Agenda {
    /// It is due then, and not at whatever time was set before; `None` for never.
    pub(in crate::hub) fn set(&mut self, due: Due, at: Option<UnixMillis>) {
        if let Some(before) = self.times.remove(&due) {
            self.in_order.remove(&(before, due));
        }
        if let Some(at) = at {
            self.times.insert(due, at);
            self.in_order.insert((at, due));
        }
    }

    /// The next thing that is due.
    pub(in crate::hub) fn pop(&mut self, now: UnixMillis) -> Option<Due> {
        let &(_, due) = self.in_order.first().filter(|(at, _)| *at <= now)?;
        self.set(due, None);
        Some(due)
    }

    /// When [`pop`](Self::pop) has something, unless somebody sets the clock before.
    pub(in crate::hub) fn deadline(&self, now: Now) -> Option<Instant> {
        let &(at, _) = self.in_order.first()?;
        Some(now.instant + Duration::from_millis(at.0.saturating_sub(now.wall.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Due = Due::Expiry(NoticeId(1));
    const SECOND: Due = Due::Reminder(NoticeId(1));

    #[test]
    fn what_is_due_comes_in_order_and_once() {
        let mut agenda = Agenda::default();
        agenda.set(SECOND, Some(UnixMillis(20)));
        agenda.set(FIRST, Some(UnixMillis(10)));
        assert_eq!(agenda.pop(UnixMillis(9)), None);
        assert_eq!(agenda.pop(UnixMillis(30)), Some(FIRST));
        assert_eq!(agenda.pop(UnixMillis(30)), Some(SECOND));
        assert_eq!(agenda.pop(UnixMillis(30)), None);
    }

    #[test]
    fn a_moved_time_replaces_the_one_before() {
        let mut agenda = Agenda::default();
        agenda.set(FIRST, Some(UnixMillis(10)));
        agenda.set(FIRST, Some(UnixMillis(50)));
        assert_eq!(agenda.pop(UnixMillis(40)), None);
        assert_eq!(agenda.deadline(Now::default()), Some(Instant::from_micros(50_000)));
        agenda.set(FIRST, None);
        assert_eq!(agenda.deadline(Now::default()), None);
    }
}
