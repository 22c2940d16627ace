//! How many notices one author may send: a guard against mistakes and scripts that run wild.

use std::collections::{BTreeMap, VecDeque};

use belfry_core::chat::{AccountId, PostId, Refusal, Severity};
use belfry_core::time::Instant;

use crate::limits::{CRITICAL_NOTICES_PER_AUTHOR_MAX, NOTICES_PER_AUTHOR_MAX, NOTICES_WINDOW};

/// What an author sends to others, as far as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    Notice(PostId, Severity),
    /// Those who have not answered are told again.
    Reminder,
}

/// What each author has sent within the last window, and when.
#[derive(Debug, Default)]
pub(in crate::hub) struct Guard {
    recent: BTreeMap<AccountId, VecDeque<(Instant, Sending)>>,
}

impl Sending {
    const fn is_critical(self) -> bool {
        matches!(self, Self::Notice(_, Severity::Critical))
    }

    /// The same post once more, whatever else is said of it.
    fn is_again(self, other: Self) -> bool {
        matches!((self, other), (Self::Notice(post, _), Self::Notice(again, _)) if post == again)
    }
}

impl Guard {
    /// Counts one more, unless that is too many. The same post again is not counted again.
    pub(super) fn admit(&mut self, now: Instant, author: AccountId, sending: Sending) -> Result<(), Refusal> {
        self.recent.retain(|_, sent| {
            sent.retain(|&(at, _)| now.since(at) < NOTICES_WINDOW);
            !sent.is_empty()
        });
        let sent = self.recent.entry(author).or_default();
        if sent.iter().any(|(_, known)| known.is_again(sending)) {
            return Ok(());
        }
        let critical_ones = sent.iter().filter(|(_, known)| known.is_critical()).count();
        if sent.len() >= NOTICES_PER_AUTHOR_MAX || (sending.is_critical() && critical_ones >= CRITICAL_NOTICES_PER_AUTHOR_MAX) {
            return Err(Refusal::TooManyNotices);
        }
        sent.push_back((now, sending));
        Ok(())
    }

    /// One that was refused after all does not count.
    pub(in crate::hub) fn take_back(&mut self, author: AccountId, post: PostId) {
        if let Some(sent) = self.recent.get_mut(&author) {
            sent.retain(|(_, known)| !matches!(known, Sending::Notice(of, _) if *of == post));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: AccountId = AccountId(1);

    fn info(counter: u64) -> Sending {
        Sending::Notice(PostId { outbox: 1, counter }, Severity::Info)
    }

    fn critical(counter: u64) -> Sending {
        Sending::Notice(PostId { outbox: 1, counter }, Severity::Critical)
    }

    #[test]
    fn an_author_may_send_so_many_within_the_window_and_then_waits() {
        let mut guard = Guard::default();
        let now = Instant::START;
        for counter in 0..NOTICES_PER_AUTHOR_MAX as u64 {
            assert_eq!(guard.admit(now, ROOT, info(counter)), Ok(()));
        }
        assert_eq!(guard.admit(now, ROOT, info(999)), Err(Refusal::TooManyNotices));
        assert_eq!(guard.admit(now, AccountId(2), info(999)), Ok(()));
        assert_eq!(guard.admit(now + NOTICES_WINDOW, ROOT, info(999)), Ok(()));
    }

    #[test]
    fn fewer_of_them_may_be_critical() {
        let mut guard = Guard::default();
        for counter in 0..CRITICAL_NOTICES_PER_AUTHOR_MAX as u64 {
            assert_eq!(guard.admit(Instant::START, ROOT, critical(counter)), Ok(()));
        }
        assert_eq!(guard.admit(Instant::START, ROOT, critical(999)), Err(Refusal::TooManyNotices));
        assert_eq!(guard.admit(Instant::START, ROOT, info(999)), Ok(()));
    }

    #[test]
    fn what_was_refused_after_all_does_not_count() {
        let mut guard = Guard::default();
        for counter in 0..2 * NOTICES_PER_AUTHOR_MAX as u64 {
            assert_eq!(guard.admit(Instant::START, ROOT, critical(counter)), Ok(()));
            guard.take_back(ROOT, PostId { outbox: 1, counter });
        }
        for counter in 0..NOTICES_PER_AUTHOR_MAX as u64 {
            assert_eq!(guard.admit(Instant::START, ROOT, info(counter)), Ok(()));
        }
        guard.take_back(ROOT, PostId { outbox: 1, counter: 3 });
        assert_eq!(guard.admit(Instant::START, ROOT, info(900)), Ok(()));
        assert_eq!(guard.admit(Instant::START, ROOT, info(901)), Err(Refusal::TooManyNotices), "the others still do");
    }

    #[test]
    fn a_repeated_post_counts_once() {
        let mut guard = Guard::default();
        for _ in 0..2 * NOTICES_PER_AUTHOR_MAX {
            assert_eq!(guard.admit(Instant::START, ROOT, critical(1)), Ok(()));
        }
    }
}
