//! Which addresses and accounts have lately failed to sign in, and how often. A try counts from before its hash is made: however many come
//! at once, no more are checked than may fail.

use std::collections::BTreeMap;

use belfry_core::chat::DeviceId;
use belfry_core::source::Source;
use belfry_core::time::Instant;

use crate::limits::{FAILURES_REMEMBERED_MAX, SIGN_IN_FAILURE_WINDOW};

/// Whose failures are counted together. Accounts are meant by what their names are unique by, whether there are such or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Blame {
    /// Everybody at this address who was not known there.
    Source(Source),
    /// Everybody, wherever they are, who was not known to the account.
    Account(String),
    /// A device that has signed in to the account before. It has proven its key, so that nobody else can use up what it has.
    Device(String, DeviceId),
    /// Whoever tries this account from an address from which somebody has signed in to it before.
    Home(String, Source),
}

/// What has become of a try that wanted to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reserved {
    /// It counts. Its end is to be [told](Failures::settle).
    Yes,
    /// There may be room for it once those under way have ended.
    NotYet,
    /// Too many have failed.
    No,
}

/// Failed tries, and those under way.
#[derive(Debug, Default)]
pub(super) struct Failures {
    windows: BTreeMap<Blame, Window>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    failed: u32,
    trying: u32,
}

impl Failures {
    /// Counts a try that may fail with each of `blames`, of which none fails more often than `max` times in a window.
    pub(super) fn reserve(&mut self, now: Instant, blames: &[Blame], max: u32) -> Reserved {
        let mut not_yet = false;
        for window in blames.iter().filter_map(|blame| self.windows.get(blame)) {
            let failed = if window.is_over(now) { 0 } else { window.failed };
            if failed >= max {
                return Reserved::No;
            }
            not_yet |= failed + window.trying >= max;
        }
        if not_yet {
            return Reserved::NotYet;
        }
        for blame in blames {
            let window = self.window(now, blame);
            window.trying += 1;
        }
        Reserved::Yes
    }

    /// A try that was counted has ended.
    pub(super) fn settle(&mut self, now: Instant, blames: &[Blame], has_failed: bool) {
        for blame in blames {
            let window = self.window(now, blame);
            window.trying -= 1;
            window.failed += u32::from(has_failed);
            if (window.trying, window.failed) == (0, 0) {
                self.windows.remove(blame);
            }
        }
    }

    fn window(&mut self, now: Instant, blame: &Blame) -> &mut Window {
        if self.windows.len() >= FAILURES_REMEMBERED_MAX && !self.windows.contains_key(blame) {
            self.make_room(now);
        }
        let window = self.windows.entry(blame.clone()).or_insert(Window { began: now, failed: 0, trying: 0 });
        if window.is_over(now) {
            (window.began, window.failed) = (now, 0);
        }
        window
    }

    /// Tries under way stay: there are only as many as hashes are made at a time.
    fn make_room(&mut self, now: Instant) {
        self.windows.retain(|_, window| window.trying > 0 || !window.is_over(now));
        if self.windows.len() >= FAILURES_REMEMBERED_MAX {
            let resting = self.windows.iter().filter(|(_, window)| window.trying == 0);
            let oldest = resting.min_by_key(|(_, window)| window.began).map(|(blame, _)| blame.clone());
            oldest.and_then(|blame| self.windows.remove(&blame));
        }
    }
}

impl Window {
    fn is_over(&self, now: Instant) -> bool {
        now.since(self.began) >= SIGN_IN_FAILURE_WINDOW
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::source::Links;

    use super::*;

    const MAX: u32 = 30;

    fn at(from: &str) -> Blame {
        Blame::Source(Links::default().source(from.parse().unwrap()))
    }

    fn of(name: &str) -> Blame {
        Blame::Account(name.into())
    }

    fn fail(failures: &mut Failures, blames: &[Blame]) {
        assert_eq!(failures.reserve(Instant::START, blames, MAX), Reserved::Yes);
        failures.settle(Instant::START, blames, true);
    }

    #[test]
    fn what_fails_too_often_is_refused_until_the_window_is_over() {
        let mut failures = Failures::default();
        for _ in 0..MAX {
            fail(&mut failures, &[at("192.0.2.1"), of("anna")]);
        }
        let mut asked = |now, blames: &[Blame]| failures.reserve(now, blames, MAX);
        assert_eq!(asked(Instant::START, &[at("192.0.2.1"), of("bob")]), Reserved::No, "from there");
        assert_eq!(asked(Instant::START, &[at("192.0.2.2"), of("anna")]), Reserved::No, "that account");
        assert_eq!(asked(Instant::START, &[at("192.0.2.2"), of("bob")]), Reserved::Yes);
        assert_eq!(asked(Instant::START + SIGN_IN_FAILURE_WINDOW, &[at("192.0.2.1"), of("anna")]), Reserved::Yes);
    }

    #[test]
    fn a_try_counts_before_it_has_failed_and_no_longer_when_it_has_not() {
        let (mut failures, here) = (Failures::default(), [at("192.0.2.1")]);
        for _ in 0..MAX {
            assert_eq!(failures.reserve(Instant::START, &here, MAX), Reserved::Yes);
        }
        assert_eq!(failures.reserve(Instant::START, &here, MAX), Reserved::NotYet);
        failures.settle(Instant::START, &here, false);
        assert_eq!(failures.reserve(Instant::START, &here, MAX), Reserved::Yes);
        for _ in 0..MAX {
            failures.settle(Instant::START, &here, true);
        }
        assert_eq!(failures.reserve(Instant::START, &here, MAX), Reserved::No);
    }

    #[test]
    fn who_succeeds_is_not_remembered() {
        let (mut failures, here) = (Failures::default(), [at("192.0.2.1"), of("anna")]);
        for _ in 0..2 * MAX {
            assert_eq!(failures.reserve(Instant::START, &here, MAX), Reserved::Yes);
            failures.settle(Instant::START, &here, false);
        }
        assert!(failures.windows.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_under_way_stays() {
        let (mut failures, under_way) = (Failures::default(), [of("anna")]);
        assert_eq!(failures.reserve(Instant::START, &under_way, MAX), Reserved::Yes);
        for n in 0..=FAILURES_REMEMBERED_MAX as u32 {
            let (now, blames) = (Instant::from_micros(u64::from(n)), [of(&n.to_string())]);
            assert_eq!(failures.reserve(now, &blames, MAX), Reserved::Yes);
            failures.settle(now, &blames, true);
        }
        assert_eq!(failures.windows.len(), FAILURES_REMEMBERED_MAX);
        assert!(failures.windows.contains_key(&under_way[0]));
        let later = Instant::START + 2 * SIGN_IN_FAILURE_WINDOW;
        assert_eq!(failures.reserve(later, &[of("bob")], MAX), Reserved::Yes);
        assert!(failures.windows.keys().eq(&[under_way[0].clone(), of("bob")]), "what is over goes, and what is under way stays");
    }
}
