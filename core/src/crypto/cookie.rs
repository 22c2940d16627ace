//! Cookies: a client proves that it receives what is sent to its address before anything is remembered or computed for it.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use ring::hmac;
use subtle::ConstantTimeEq;

use super::reset::truncated;
use crate::limits::{COOKIE_BUCKET, COOKIE_SECRET_LIFE};
use crate::rng::{self, Random, Rng};
use crate::time::{Instant, micros};

/// Bytes of a cookie.
pub const COOKIE_BYTES: usize = 16;

/// Buckets that share a secret.
const BUCKETS_PER_SECRET: u64 = COOKIE_SECRET_LIFE.as_secs() / COOKIE_BUCKET.as_secs();

const _: () = assert!(BUCKETS_PER_SECRET >= 2, "a cookie must not outlive the secret after its own");
const _: () = assert!(COOKIE_SECRET_LIFE.as_secs().is_multiple_of(COOKIE_BUCKET.as_secs()), "a bucket has one secret");

/// Somebody receives at this address what is sent there: only [`Cookies::check`] makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct AddressProven {
    address: SocketAddr,
}

impl AddressProven {
    /// The address, in the form in which the socket gave it.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Mints and checks cookies. Remembers two secrets and no client.
pub struct Cookies {
    rng: Rng,
    current: Secret,
    previous: Option<Secret>,
}

/// A key and the one span of time whose cookies it makes: that each bucket has a single secret saves trying two.
struct Secret {
    span: u64,
    key: hmac::Key,
}

impl Secret {
    fn new(span: u64, rng: &mut Rng) -> Self {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self { span, key: hmac::Key::new(hmac::HMAC_SHA256, bytes.as_slice()) }
    }
}

impl Cookies {
    /// Cookies with secrets that nobody has seen.
    pub fn new(rng: &mut Rng, now: Instant) -> Self {
        let mut rng = rng::fork(rng);
        let current = Secret::new(span_of(bucket_at(now)), &mut rng);
        Self { rng, current, previous: None }
    }

    /// A cookie for whoever receives at `from`, valid from now for one to two buckets, for this `nonce` only.
    pub fn mint(&mut self, now: Instant, from: SocketAddr, nonce: [u8; 8]) -> [u8; COOKIE_BYTES] {
        let bucket = bucket_at(now);
        let span = span_of(bucket);
        if self.key(span).is_none() {
            // Time has gone on, or jumped to anywhere: then older cookies are refused by their buckets, whatever is kept here.
            let fresh = Secret::new(span, &mut self.rng);
            self.previous = Some(core::mem::replace(&mut self.current, fresh));
        }
        cookie(self.key(span).unwrap_or(&self.current.key), bucket, from, nonce)
    }

    /// Whether `cookie` was minted lately for this address and nonce. Nothing is remembered: the same cookie proves the same
    /// until it expires.
    pub fn check(&self, now: Instant, from: SocketAddr, nonce: [u8; 8], cookie: &[u8; COOKIE_BYTES]) -> Option<AddressProven> {
        let bucket = bucket_at(now);
        [Some(bucket), bucket.checked_sub(1)]
            .into_iter()
            .flatten()
            .filter_map(|bucket| Some(self::cookie(self.key(span_of(bucket))?, bucket, from, nonce)))
            .any(|minted| minted.ct_eq(cookie).into())
            .then_some(AddressProven { address: from })
    }

    fn key(&self, span: u64) -> Option<&hmac::Key> {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|secret| secret.span == span).map(|secret| &secret.key)
    }
}

impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookies").finish_non_exhaustive()
    }
}

fn bucket_at(now: Instant) -> u64 {
    now.as_micros() / micros(COOKIE_BUCKET)
}

const fn span_of(bucket: u64) -> u64 {
    bucket / BUCKETS_PER_SECRET
}

fn cookie(key: &hmac::Key, bucket: u64, from: SocketAddr, nonce: [u8; 8]) -> [u8; COOKIE_BYTES] {
    // A dual-stack socket and an IPv4 one show the same client in two ways; here it has one.
    let ip = match from.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let mut mac = hmac::Context::with_key(key);
    mac.update(&ip.octets());
    mac.update(&from.port().to_le_bytes());
    mac.update(&nonce);
    mac.update(&bucket.to_le_bytes());
    truncated(&mac.sign())
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::*;
    use crate::rng::from_seed;

    const NONCE: [u8; 8] = *b"a client";
    const HOUR: Duration = Duration::from_secs(3600);

    fn cookies(now: Instant) -> Cookies {
        Cookies::new(&mut from_seed([1; 32]), now)
    }

    fn address(written: &str) -> SocketAddr {
        written.parse().unwrap()
    }

    fn client() -> SocketAddr {
        address("192.0.2.7:5000")
    }

    fn at(seconds: u64) -> Instant {
        Instant::START + Duration::from_secs(seconds)
    }

    fn is_good(cookies: &Cookies, now: Instant, cookie: &[u8; COOKIE_BYTES]) -> bool {
        cookies.check(now, client(), NONCE, cookie).is_some()
    }

    #[test]
    fn a_cookie_proves_the_address_it_was_minted_for() {
        let mut cookies = cookies(at(0));
        let cookie = cookies.mint(at(1), client(), NONCE);
        let proven = cookies.check(at(2), client(), NONCE, &cookie).unwrap();
        assert_eq!(proven.address(), client());
    }

    #[test]
    fn a_cookie_from_another_address_is_refused() {
        let mut cookies = cookies(at(0));
        let cookie = cookies.mint(at(0), client(), NONCE);
        assert_eq!(cookies.check(at(0), address("192.0.2.8:5000"), NONCE, &cookie), None);
        assert_eq!(cookies.check(at(0), address("[2001:db8::7]:5000"), NONCE, &cookie), None);
    }

    #[test]
    fn a_cookie_from_another_port_is_refused() {
        let mut cookies = cookies(at(0));
        let cookie = cookies.mint(at(0), client(), NONCE);
        assert_eq!(cookies.check(at(0), address("192.0.2.7:5001"), NONCE, &cookie), None);
    }

    #[test]
    fn a_cookie_with_another_nonce_is_refused() {
        let mut cookies = cookies(at(0));
        let cookie = cookies.mint(at(0), client(), NONCE);
        assert_eq!(cookies.check(at(0), client(), *b"b client", &cookie), None);
    }

    #[test]
    fn a_cookie_with_any_bit_changed_is_refused() {
        let mut cookies = cookies(at(0));
        let cookie = cookies.mint(at(0), client(), NONCE);
        for bit in 0..COOKIE_BYTES * 8 {
            let mut forged = cookie;
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_good(&cookies, at(0), &forged), "bit {bit}");
        }
    }

    #[test]
    fn a_cookie_of_another_server_is_refused() {
        let cookie = cookies(at(0)).mint(at(0), client(), NONCE);
        let other = Cookies::new(&mut from_seed([2; 32]), at(0));
        assert!(!is_good(&other, at(0), &cookie));
    }

    #[test]
    fn a_client_behind_a_dual_stack_socket_is_the_same_client() {
        let mut cookies = cookies(at(0));
        let mapped = address("[::ffff:192.0.2.7]:5000");
        let cookie = cookies.mint(at(0), client(), NONCE);
        assert_eq!(cookies.check(at(0), mapped, NONCE, &cookie).unwrap().address(), mapped);
        assert_eq!(cookies.mint(at(0), mapped, NONCE), cookie);
    }

    #[test]
    fn a_cookie_is_good_in_its_bucket_and_the_next_and_no_longer() {
        // Over several secrets, so that every kind of border is met.
        for minted in (0..200).map(|second| second * 1_000_000).chain([59_999_999, 119_999_999]) {
            let minted = Instant::from_micros(minted);
            let mut cookies = cookies(at(0));
            let cookie = cookies.mint(minted, client(), NONCE);
            let ends = at((bucket_at(minted) + 2) * 10);
            for later in [minted, ends - Duration::from_micros(1)] {
                // Others mint in the meantime and so change the secret.
                cookies.mint(later, address("192.0.2.9:1"), NONCE);
                assert!(is_good(&cookies, later, &cookie), "minted at {minted:?}, checked at {later:?}");
            }
            assert!(!is_good(&cookies, ends, &cookie), "minted at {minted:?}");
        }
    }

    #[test]
    fn a_cookie_of_the_previous_secret_is_good_before_anybody_mints_with_the_new_one() {
        let mut cookies = cookies(at(0));
        let cookie = cookies.mint(at(59), client(), NONCE);
        assert!(is_good(&cookies, at(61), &cookie));
    }

    #[test]
    fn the_secret_changes_every_minute() {
        let mut cookies = cookies(at(0));
        let mut tags = Vec::new();
        for second in (0..300).step_by(10) {
            cookies.mint(at(second), client(), NONCE);
            tags.push(cookie(&cookies.current.key, 0, client(), NONCE));
        }
        tags.dedup();
        assert_eq!(tags.len(), 5);
    }

    #[test]
    fn after_a_jump_forward_old_cookies_are_refused_and_new_ones_good() {
        for later in [at(0) + HOUR, Instant::from_micros(u64::MAX)] {
            let mut cookies = cookies(at(0));
            let old = cookies.mint(at(0), client(), NONCE);
            assert!(!is_good(&cookies, later, &old));
            let new = cookies.mint(later, client(), NONCE);
            assert!(is_good(&cookies, later, &new) && !is_good(&cookies, later, &old));
        }
    }

    #[test]
    fn after_a_jump_backward_old_cookies_are_refused_and_new_ones_good() {
        let mut cookies = cookies(at(0) + HOUR);
        let old = cookies.mint(at(0) + HOUR, client(), NONCE);
        assert!(!is_good(&cookies, at(5), &old));
        let new = cookies.mint(at(5), client(), NONCE);
        assert!(is_good(&cookies, at(5), &new) && !is_good(&cookies, at(5), &old));
        assert!(is_good(&cookies, at(15), &new) && !is_good(&cookies, at(20), &new));
    }

    #[test]
    fn a_clock_that_wavers_at_the_change_of_secrets_loses_no_cookie() {
        let mut cookies = cookies(at(0));
        let before = cookies.mint(at(59), client(), NONCE);
        let after = cookies.mint(at(60), client(), NONCE);
        cookies.mint(at(59), client(), NONCE);
        assert!(is_good(&cookies, at(60), &before) && is_good(&cookies, at(60), &after));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        assert_eq!(alloc::format!("{:?}", cookies(at(0))), "Cookies { .. }");
    }
}
