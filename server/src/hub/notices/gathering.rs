//! What comes in bursts and is noted together: it waits for a moment for others, while one job with such is at the store.

use std::mem;

use belfry_core::time::Instant;

use crate::limits::{ARRIVALS_MAX, ARRIVALS_PER_JOB, STORE_RETRY};

/// Of one kind, in the order in which it came.
#[derive(Debug)]
pub(super) struct Gathering<T> {
    waiting: Vec<T>,
    /// When to note it.
    due: Option<Instant>,
    /// The store could not note it: not before this.
    retry_at: Option<Instant>,
    /// So many jobs with it are at the store.
    in_work: usize,
}

impl<T> Default for Gathering<T> {
    fn default() -> Self {
        Self { waiting: Vec::new(), due: None, retry_at: None, in_work: 0 }
    }
}

impl<T> Gathering<T> {
    /// When to note what waits, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due.filter(|_| self.in_work == 0).map(|due| self.retry_at.map_or(due, |retry| retry.max(due)))
    }

    /// There is no room for more.
    pub(super) const fn is_full(&self) -> bool {
        self.waiting.len() >= ARRIVALS_MAX
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter()
    }

    /// One more waits to be noted, the first of them until then.
    pub(super) fn add(&mut self, until: Instant, one: T) {
        self.waiting.push(one);
        self.due.get_or_insert(until);
    }

    /// What waits has waited for long enough, or is enough for one job, and none is at the store.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let is_enough = self.waiting.len() >= ARRIVALS_PER_JOB || self.due.is_some_and(|due| due <= now);
        self.in_work == 0 && is_enough && self.retry_at.is_none_or(|retry| retry <= now)
    }

    /// As much as one job notes, the oldest first; to be told afterwards what became of it.
    pub(super) fn take(&mut self) -> Vec<T> {
        self.retry_at = None;
        let rest = self.waiting.split_off(self.waiting.len().min(ARRIVALS_PER_JOB));
        self.due = self.due.filter(|_| !rest.is_empty());
        self.in_work += 1;
        mem::replace(&mut self.waiting, rest)
    }

    /// The store has no room for a job.
    pub(super) fn put_off(&mut self, now: Instant) {
        self.retry_at = Some(now + STORE_RETRY);
    }

    /// What was taken is noted.
    pub(super) const fn noted(&mut self) {
        self.in_work -= 1;
    }

    /// What was taken could not be noted, and is tried again before anything else.
    pub(super) fn put_back(&mut self, now: Instant, mut taken: Vec<T>) {
        self.in_work -= 1;
        taken.append(&mut self.waiting);
        self.waiting = taken;
        self.due.get_or_insert(now);
        self.put_off(now);
    }
}
