//! What a stranger tries before it has proven anything, and what that may cost.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::crypto::KeyPair;
use belfry_core::endpoint::{self, Endpoint};
use belfry_core::limits::{
    DATAGRAM_BYTES, NO_SESSIONS_PER_ADDRESS_PER_SECOND, NO_SESSIONS_PER_SECOND, PROVISIONAL_LIFE, PROVISIONAL_MAX,
    RETRIES_PER_ADDRESS_PER_SECOND, RETRIES_PER_NETWORK_PER_SECOND, RETRIES_PER_SECOND,
};
use belfry_core::rng::{Random, below};
use belfry_core::source::Links;
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_core::wire::datagram::{self, ConnectionId, Datagram, Hello};
use belfry_core::wire::frame::{self, Data, Part};
use belfry_tests::fuzzing::datagrams;
use belfry_tests::pair::seeded;
use belfry_tests::stranger::{Session, Stranger, drain, repair_checksum};

use crate::{SECOND, address, forged};

fn start() -> Instant {
    Instant::from_micros(1_000_000_000)
}

fn endpoint() -> Endpoint {
    let config = endpoint::Config { identity: KeyPair::generate(&mut seeded(1)), retired: Vec::new() };
    Endpoint::new(config, seeded(2), start())
}

/// Hands a datagram to an endpoint; what it sends in return.
fn give(endpoint: &mut Endpoint, now: Instant, from: SocketAddr, mut bytes: Vec<u8>) -> Vec<(SocketAddr, Vec<u8>)> {
    endpoint.handle_datagram(now, from, &mut bytes);
    drain(endpoint, now).0
}

#[test]
fn wrong_cookies_from_everywhere_cost_nothing_that_stays() {
    let mut endpoint = endpoint();
    let mut rng = seeded(5);
    let (mut hello, _) = {
        let mut stranger = Stranger::new(6);
        let retry = give(&mut endpoint, start(), address(1), stranger.hello0()).remove(0).1;
        stranger.hello(&retry).expect("a RETRY")
    };
    let hello0 = Stranger::new(7).hello0();
    // Once, so that what is made once is there.
    give(&mut endpoint, start(), address(2), hello0.clone());
    let mut replies = 0;
    let mut buffer = Vec::with_capacity(2000);
    let mut datagrams: Vec<_> = (0..20_000u32).map(|number| (address(number), hello0.clone())).collect();
    for number in 0..20_000 {
        // The cookie of address 1, and later ones made up.
        if number > 100 {
            rng.fill_bytes(&mut hello[24..40]);
            repair_checksum(&mut hello);
        }
        datagrams.push((address(2 + number), hello.clone()));
    }
    let asked = allocation_counter::measure(|| {
        for (number, (from, datagram)) in datagrams.iter_mut().enumerate() {
            endpoint.handle_datagram(start() + Duration::from_micros(50 * number as u64), *from, datagram);
            while let endpoint::Output::Transmit { .. } = endpoint.poll(start(), &mut buffer) {
                replies += 1;
            }
        }
        buffer = Vec::new();
    });
    assert_eq!(replies, 20_000, "a RETRY for each HELLO0, nothing for a wrong cookie");
    assert!(asked.bytes_current <= 0, "{asked:?}");
    assert!(endpoint.is_empty());
    assert_eq!(endpoint.stats().datagrams_dropped, 20_000);
}

#[test]
fn a_wrong_cookie_is_not_even_allocated_for() {
    let mut endpoint = endpoint();
    let mut stranger = Stranger::new(6);
    let retry = give(&mut endpoint, start(), address(1), stranger.hello0()).remove(0).1;
    let (mut hello, _) = stranger.hello(&retry).expect("a RETRY");
    let asked = allocation_counter::measure(|| {
        for number in 2..1000 {
            endpoint.handle_datagram(start(), address(number), &mut hello);
        }
    });
    assert_eq!(asked.count_total, 0);
}

#[test]
fn retries_are_limited_and_smaller_than_what_asked() {
    let mut endpoint = endpoint();
    let hello0 = Stranger::new(7).hello0();
    let mut sent = 0;
    for number in 0..20_000 {
        for (_, bytes) in give(&mut endpoint, start(), address(number), hello0.clone()) {
            assert!(bytes.len() * 10 < hello0.len(), "{} bytes", bytes.len());
            sent += 1;
        }
    }
    assert_eq!(sent, RETRIES_PER_SECOND / 10, "the burst");
}

#[test]
fn who_asks_for_cookies_too_often_uses_up_nobody_elses() {
    let mut endpoint = endpoint();
    let hello0 = Stranger::new(7).hello0();
    let mut asked = |at: Duration, number: u32| give(&mut endpoint, start() + at, address(number), hello0.clone()).len() as u64;
    let at_once: u64 = (0..1000).map(|_| asked(Duration::ZERO, 1)).sum();
    assert_eq!(at_once, RETRIES_PER_ADDRESS_PER_SECOND, "at once to one address");
    let in_ten_seconds: u64 = (1..=10_000).map(|millis| asked(Duration::from_millis(millis), 1)).sum();
    assert_eq!(in_ten_seconds, 10 * RETRIES_PER_ADDRESS_PER_SECOND, "as time goes on");

    // A whole network asks, 64,000 times in two seconds.
    let later = Duration::from_secs(60);
    let network: u64 = (0..64_000).map(|turn| asked(later + Duration::from_micros(31) * turn, 0x100 + turn % 256)).sum();
    assert!(network <= 3 * RETRIES_PER_NETWORK_PER_SECOND, "{network} to one network in two seconds, after a burst");
    assert_eq!(asked(later + 2 * SECOND, 0x20_0000), 1, "a neighbour is answered");
}

#[test]
fn an_address_that_has_proven_nothing_is_never_sent_more_than_it_sent() {
    let mut endpoint = endpoint();
    let mut rng = seeded(8);
    let mut insider = Stranger::new(9).shake_hands(&mut endpoint, start(), address(1));
    let ping = insider.seal(&[1]);
    give(&mut endpoint, start(), address(1), ping.clone());
    let mut recorded = vec![Stranger::new(10).hello0(), ping];
    let mut balance: BTreeMap<SocketAddr, i64> = BTreeMap::new();
    let mut now = start();
    for turn in 0..30_000u32 {
        now = now + Duration::from_micros(below(&mut rng, 2000));
        let mut bytes = recorded[below(&mut rng, recorded.len() as u64) as usize].clone();
        match below(&mut rng, 4) {
            0 => bytes.truncate(below(&mut rng, bytes.len() as u64) as usize),
            1 => bytes.resize(bytes.len() + below(&mut rng, 300) as usize, 0),
            2 => {
                let bit = below(&mut rng, bytes.len() as u64 * 8) as usize;
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            _ => {}
        }
        repair_checksum(&mut bytes);
        let from = address(100 + turn % 50);
        *balance.entry(from).or_default() += bytes.len() as i64;
        for (to, answer) in give(&mut endpoint, now, from, bytes) {
            *balance.entry(to).or_default() -= answer.len() as i64;
            if recorded.len() < 500 {
                recorded.push(answer);
            }
        }
    }
    let generous: Vec<_> = balance.iter().filter(|(to, left)| **to != address(1) && **left < 0).collect();
    assert!(generous.is_empty(), "{generous:?}");
    assert_eq!(endpoint.stats().connections, 1, "only the insider is there");
}

#[test]
fn two_servers_cannot_be_made_to_talk_to_each_other() {
    let mut samples = forged(&mut seeded(11), ConnectionId(5));
    samples.extend(datagrams());
    // Padded as they must be.
    for sample in &mut samples {
        if sample.len() < DATAGRAM_BYTES && matches!(sample[0], 0xc0 | 0xc2) {
            sample.resize(DATAGRAM_BYTES, 0);
            repair_checksum(sample);
        }
    }
    let mut failures = Vec::new();
    for sample in samples {
        let mut servers = [endpoint(), endpoint()];
        let (mut bytes, mut said) = (sample.clone(), 0);
        while said < 10 {
            let [one, other] = [address(1 + said % 2), address(2 - said % 2)];
            let answers = give(&mut servers[(said % 2) as usize], start(), one, bytes);
            let Some((to, answer)) = answers.into_iter().next() else { break };
            assert_eq!(to, one, "not to {other}");
            bytes = answer;
            said += 1;
        }
        if said > 1 {
            failures.push(format!("{:02x}: {said} answers", sample[0]));
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn unknown_sessions_are_told_so_rarely_and_in_fewer_bytes() {
    let mut endpoint = endpoint();
    let protected = |bytes: usize| {
        let mut datagram = vec![0x40, 1, 2, 3, 4, 0, 0, 0, 0];
        datagram.resize(bytes, 7);
        datagram
    };
    assert!(give(&mut endpoint, start(), address(1), protected(32)).is_empty(), "an answer is shorter than its trigger");
    let mut of_one = 0;
    for millis in 0..10_000 {
        for (_, bytes) in give(&mut endpoint, start() + Duration::from_millis(millis), address(1), protected(40)) {
            assert!(bytes.len() < 40);
            of_one += 1;
        }
    }
    assert_eq!(of_one, 10 * NO_SESSIONS_PER_ADDRESS_PER_SECOND, "to one address");
    let mut of_all = 0;
    let begin = start() + 60 * SECOND;
    for number in 0..10_000 {
        of_all += give(&mut endpoint, begin + Duration::from_micros(100) * number, address(2 + number), protected(40)).len() as u64;
    }
    assert!(of_all <= 2 * NO_SESSIONS_PER_SECOND, "{of_all} in a second to everybody");
    assert!(endpoint.is_empty());
}

/// Asks for a handshake; whether the answer was a RESPONSE, and the session that it made.
fn knock(endpoint: &mut Endpoint, now: Instant, from: SocketAddr, seed: u64) -> Option<Session> {
    let mut stranger = Stranger::new(seed);
    let answer = |answers: Vec<(SocketAddr, Vec<u8>)>| answers.into_iter().find(|(to, _)| *to == from).map(|(_, bytes)| bytes);
    let retry = answer(give(endpoint, now, from, stranger.hello0()))?;
    let (hello, mut initiator) = stranger.hello(&retry).expect("a RETRY");
    let answer = answer(give(endpoint, now, from, hello))?;
    match datagram::decode(&answer) {
        Ok(Datagram::Response(_)) => Stranger::session(&mut initiator, &answer),
        Ok(Datagram::Reject(_)) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn half_open_sessions_are_few_and_short_lived() {
    let (mut endpoint, mut now) = (endpoint(), start());
    for number in 0..PROVISIONAL_MAX as u32 + 100 {
        now = now + Duration::from_millis(1);
        assert!(knock(&mut endpoint, now, address(number), u64::from(number)).is_some(), "the newest always has a place");
    }
    assert_eq!((endpoint.stats().provisional, endpoint.stats().provisional_ended), (PROVISIONAL_MAX as u64, 100));
    // A first message again is answered again, and makes no second session.
    let (from, mut stranger) = (address(1_000_000), Stranger::new(1_000_000));
    let retry = give(&mut endpoint, now, from, stranger.hello0()).remove(0).1;
    let (hello, _) = stranger.hello(&retry).expect("a RETRY");
    for _ in 0..2 {
        assert_eq!(give(&mut endpoint, now, from, hello.clone()).len(), 1);
    }
    assert_eq!((endpoint.stats().provisional, endpoint.stats().provisional_ended), (PROVISIONAL_MAX as u64, 101));
    endpoint.handle_timeout(now + PROVISIONAL_LIFE);
    assert!(endpoint.is_empty());
    let late = Stranger::new(9_999_999);
    late.shake_hands(&mut endpoint, now + PROVISIONAL_LIFE, address(77));
}

#[test]
fn a_hundred_addresses_that_never_confirm_keep_out_fewer_than_one_in_a_hundred() {
    let mut endpoint = endpoint();
    let (mut honest, mut kept_out) = (0, 0);
    for millis in 0..1500u64 {
        let now = start() + Duration::from_millis(millis);
        endpoint.handle_timeout(now);
        // A thousand a second and more than anybody gets at the beginning.
        for turn in 0..if millis < 10 { 100 } else { 1 } {
            knock(&mut endpoint, now, address(1 + (millis * 7 + turn) as u32 % 100), millis << 20 | turn);
        }
        if millis % 10 == 5 {
            // Somebody logs in, and confirms after a round trip of a slow network.
            honest += 1;
            let from = address(0x1_0000 + millis as u32);
            let before = endpoint.stats().handshakes;
            if let Some(mut session) = knock(&mut endpoint, now, from, millis << 20 | 0xf_ffff) {
                for turn in 0..10 {
                    knock(&mut endpoint, now, address(1 + (millis as u32 + turn) % 100), millis << 20 | 0x1000 | u64::from(turn));
                }
                give(&mut endpoint, now + Duration::from_millis(200), from, session.seal(&[1]));
            }
            kept_out += u32::from(endpoint.stats().handshakes == before);
        }
    }
    assert!(endpoint.stats().provisional_ended > 0, "the room was full: {:?}", endpoint.stats());
    assert!(kept_out * 100 < honest, "{kept_out} of {honest}");
}

#[test]
fn seven_hundred_computers_on_one_link_all_get_in() {
    for (links, prefix) in [(Links::default(), "fe80:"), (Links::new([("2001:db8::1".parse().expect("an address"), 64)]), "2001:db8:")] {
        let mut endpoint = endpoint();
        endpoint.set_links(links);
        let mut now = start();
        for number in 0..700u32 {
            now = now + Duration::from_millis(1);
            let from = SocketAddr::new(format!("{prefix}:{number:x}").parse().expect("an address"), 5000);
            let mut session = Stranger::new(u64::from(number)).shake_hands(&mut endpoint, now, from);
            give(&mut endpoint, now, from, session.seal(&[1]));
        }
        assert_eq!(endpoint.stats().connections, 700, "{prefix}");
    }
}

#[test]
fn whoever_claims_another_devices_session_gets_one_of_its_own() {
    let mut endpoint = endpoint();
    let mut victim = Stranger::new(1).shake_hands(&mut endpoint, start(), address(1));
    give(&mut endpoint, start(), address(1), victim.seal(&[1]));
    let mut thief = Stranger::new(2);
    thief.renews = Some((victim.remote, victim.renewal_secret));
    let theirs = thief.shake_hands(&mut endpoint, start(), address(2));
    assert_ne!(theirs.remote, victim.remote);
    let mut frames = Vec::new();
    frame::encode_data(&Data { channel: Channel::Chat, message: 0, part: Part::Whole, bytes: b"still me" }, &mut frames);
    endpoint.handle_datagram(start(), address(1), &mut victim.seal(&frames));
    let (_, told) = drain(&mut endpoint, start());
    assert!(matches!(&told[..], [endpoint::Event::Message { body, .. }] if body == b"still me"), "{told:?}");
}

#[test]
fn a_recorded_wish_for_new_keys_is_worth_nothing_once_they_are_used() {
    let mut endpoint = endpoint();
    let device = Stranger::new(1);
    let key = device.device.clone();
    let mut session = device.shake_hands(&mut endpoint, start(), address(1));
    give(&mut endpoint, start(), address(1), session.seal(&[1]));
    let mut renewing = Stranger::new(2);
    renewing.device = key;
    renewing.renews = Some((session.remote, session.renewal_secret));
    let (nonce, hello0) = (renewing.nonce, renewing.hello0());
    let retry = give(&mut endpoint, start(), address(1), hello0.clone()).remove(0).1;
    let (recorded, mut initiator) = renewing.hello(&retry).expect("a RETRY");
    let response = give(&mut endpoint, start(), address(1), recorded.clone()).remove(0).1;
    let mut renewed = Stranger::session_after(Some(&session), &mut initiator, &response).expect("a RESPONSE");
    assert_eq!(renewed.remote, session.remote);
    give(&mut endpoint, start(), address(1), renewed.seal(&[1]));

    // Long enough for the endpoint to have forgotten the message, from an address that gets a cookie of its own for the old nonce.
    let later = start() + Duration::from_secs(60);
    let retry = give(&mut endpoint, later, address(2), hello0).remove(0).1;
    let (Ok(Datagram::Retry(retry)), Ok(Datagram::Hello(old))) = (datagram::decode(&retry), datagram::decode(&recorded)) else {
        panic!("a RETRY and a HELLO")
    };
    let mut replayed = Vec::new();
    Hello { from: old.from, nonce, cookie: retry.cookie, noise: old.noise }.encode(&mut replayed);
    give(&mut endpoint, later, address(2), replayed);
    assert_eq!(endpoint.stats().key_changes, 1, "only the device itself has changed its keys");
}
