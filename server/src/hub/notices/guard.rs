//! How many notices one author may send: a guard against mistakes and scripts that run wild.

use std::collections::{BTreeMap, VecDeque};

use belfry_core::chat::{AccountId, PostId, Refusal};
use belfry_core::time::Instant;

use crate::limits::{CRITICAL_NOTICES_PER_AUTHOR_MAX, NOTICES_PER_AUTHOR_MAX, NOTICES_WINDOW};

/// The notices that each author has sent within the last window, with whether they were critical.
#[derive(Debug, Default)]
pub(in crate::hub) struct Guard {
    recent: BTreeMap<AccountId, VecDeque<(Instant, Option<PostId>, bool)>>,
}

impl Guard {
    /// Counts one more, unless that is too many. The same post again is not counted again.
    pub(in crate::hub) fn admit(&mut self, now: Instant, author: AccountId, post: Option<PostId>, critical: bool) -> Result<(), Refusal> {
        self.recent.retain(|_, sent| {
            sent.retain(|&(at, ..)| now.since(at) < NOTICES_WINDOW);
            !sent.is_empty()
        });
        let sent = self.recent.entry(author).or_default();
        if post.is_some() && sent.iter().any(|&(_, known, _)| known == post) {
            return Ok(());
        }
        let critical_ones = sent.iter().filter(|&&(.., critical)| critical).count();
        if sent.len() >= NOTICES_PER_AUTHOR_MAX || (critical && critical_ones >= CRITICAL_NOTICES_PER_AUTHOR_MAX) {
            return Err(Refusal::TooManyNotices);
        }
        sent.push_back((now, post, critical));
        Ok(())
    }

    /// One that was refused after all does not count.
    pub(in crate::hub) fn take_back(&mut self, author: AccountId, post: PostId) {
        if let Some(sent) = self.recent.get_mut(&author) {
            sent.retain(|&(_, known, _)| known != Some(post));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: AccountId = AccountId(1);

    fn post(counter: u64) -> Option<PostId> {
        Some(PostId { outbox: 1, counter })
    }

    #[test]
    fn an_author_may_send_so_many_within_the_window_and_then_waits() {
        let mut guard = Guard::default();
        let now = Instant::START;
        for counter in 0..NOTICES_PER_AUTHOR_MAX as u64 {
            assert_eq!(guard.admit(now, ROOT, post(counter), false), Ok(()));
        }
        assert_eq!(guard.admit(now, ROOT, post(999), false), Err(Refusal::TooManyNotices));
        assert_eq!(guard.admit(now, AccountId(2), post(999), false), Ok(()));
        assert_eq!(guard.admit(now + NOTICES_WINDOW, ROOT, post(999), false), Ok(()));
    }

    #[test]
    fn fewer_of_them_may_be_critical() {
        let mut guard = Guard::default();
        for counter in 0..CRITICAL_NOTICES_PER_AUTHOR_MAX as u64 {
            assert_eq!(guard.admit(Instant::START, ROOT, post(counter), true), Ok(()));
        }
        assert_eq!(guard.admit(Instant::START, ROOT, post(999), true), Err(Refusal::TooManyNotices));
        assert_eq!(guard.admit(Instant::START, ROOT, post(999), false), Ok(()));
    }

    #[test]
    fn what_was_refused_after_all_does_not_count() {
        let mut guard = Guard::default();
        for counter in 0..2 * NOTICES_PER_AUTHOR_MAX as u64 {
            assert_eq!(guard.admit(Instant::START, ROOT, post(counter), true), Ok(()));
            guard.take_back(ROOT, PostId { outbox: 1, counter });
        }
    }

    #[test]
    fn a_repeated_post_counts_once() {
        let mut guard = Guard::default();
        for _ in 0..2 * NOTICES_PER_AUTHOR_MAX {
            assert_eq!(guard.admit(Instant::START, ROOT, post(1), true), Ok(()));
        }
    }
}
