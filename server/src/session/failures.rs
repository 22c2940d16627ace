//! Which addresses have lately failed to sign in, and how often.

use std::collections::BTreeMap;
use std::net::IpAddr;

use belfry_core::time::Instant;

use crate::limits::{FAILING_ADDRESSES_MAX, SIGN_IN_FAILURE_WINDOW};

/// Failed tries by IPv4 address or IPv6 /64: whoever has one address of a /64 has all of them.
#[derive(Debug, Default)]
pub(super) struct Failures {
    by_source: BTreeMap<u64, Window>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    count: u32,
}

impl Failures {
    /// Whether further tries from there are refused unseen.
    pub(super) fn are_too_many(&self, now: Instant, from: IpAddr, max: u32) -> bool {
        let window = self.by_source.get(&source(from));
        window.is_some_and(|window| !window.is_over(now) && window.count >= max)
    }

    /// A try from there has failed.
    pub(super) fn note(&mut self, now: Instant, from: IpAddr) {
        let source = source(from);
        if self.by_source.len() >= FAILING_ADDRESSES_MAX && !self.by_source.contains_key(&source) {
            self.make_room(now);
        }
        let window = self.by_source.entry(source).or_insert(Window { began: now, count: 0 });
        if window.is_over(now) {
            *window = Window { began: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
    }

    fn make_room(&mut self, now: Instant) {
        self.by_source.retain(|_, window| !window.is_over(now));
        if self.by_source.len() >= FAILING_ADDRESSES_MAX {
            let oldest = self.by_source.iter().min_by_key(|(_, window)| window.began).map(|(&source, _)| source);
            oldest.and_then(|source| self.by_source.remove(&source));
        }
    }
}

impl Window {
    fn is_over(&self, now: Instant) -> bool {
        now.since(self.began) >= SIGN_IN_FAILURE_WINDOW
    }
}

/// IPv4 addresses are taken as the IPv6 addresses that a socket of both families shows, so that they never look like a real /64.
fn source(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(v4) => 0xffff_0000_0000 | u64::from(v4.to_bits()),
        IpAddr::V6(v6) => (v6.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u32 = 30;

    fn failing(from: &str) -> Failures {
        let mut failures = Failures::default();
        for _ in 0..MAX {
            failures.note(Instant::START, from.parse().unwrap());
        }
        failures
    }

    fn refuses(failures: &Failures, now: Instant, from: &str) -> bool {
        failures.are_too_many(now, from.parse().unwrap(), MAX)
    }

    #[test]
    fn an_address_that_fails_too_often_is_refused_until_the_window_is_over() {
        let failures = failing("192.0.2.1");
        assert!(refuses(&failures, Instant::START, "192.0.2.1"));
        assert!(refuses(&failures, Instant::START, "::ffff:192.0.2.1"));
        assert!(!refuses(&failures, Instant::START, "192.0.2.2"));
        assert!(!refuses(&failures, Instant::START + SIGN_IN_FAILURE_WINDOW, "192.0.2.1"));
    }

    #[test]
    fn neighbours_in_an_ipv6_network_are_one() {
        let failures = failing("2001:db8::1");
        assert!(refuses(&failures, Instant::START, "2001:db8::2"));
        assert!(!refuses(&failures, Instant::START, "2001:db8:0:1::1"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut failures = Failures::default();
        for n in 0..=FAILING_ADDRESSES_MAX as u32 {
            failures.note(Instant::from_micros(u64::from(n)), IpAddr::V4(n.into()));
        }
        assert_eq!(failures.by_source.len(), FAILING_ADDRESSES_MAX);
    }
}
