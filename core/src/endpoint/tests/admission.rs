//! The limits of admission at their edges: one below passes, one above is refused.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::crypto::{AddressProven, Cookies};
use crate::endpoint::PeerId;
use crate::endpoint::admission::{Admission, Admitted};
use crate::limits::{
    HANDSHAKES_BURST, HANDSHAKES_PER_ADDRESS_BURST, HANDSHAKES_PER_ADDRESS_PER_SECOND, HANDSHAKES_PER_SECOND, HANDSHAKES_RESERVED,
    HELLO_MEMORY, PEERS_MAX, PEERS_PER_ADDRESS_MAX, RETRIES_PER_ADDRESS_PER_SECOND, RETRIES_PER_NETWORK_PER_SECOND, RETRIES_PER_SECOND,
};
use crate::rng::from_seed;
use crate::time::Instant;
use crate::wire::CloseCode;

const START: Instant = Instant::from_micros(1_000_000_000);

struct Arrivals {
    admission: Admission,
    cookies: Cookies,
    asked: u128,
}

impl Arrivals {
    fn new() -> Self {
        let mut rng = from_seed([1; 32]);
        Self { cookies: Cookies::new(&mut rng, START), admission: Admission::new(START, &mut rng), asked: 0 }
    }

    fn proven(&mut self, host: u32) -> AddressProven {
        let from = SocketAddr::from((host.to_be_bytes(), 5000));
        let cookie = self.cookies.mint(START, from, [7; 8]);
        self.cookies.check(START, from, [7; 8], &cookie).unwrap()
    }

    /// A first message that nobody has seen, from this address, while there are so many connections.
    fn hello(&mut self, now: Instant, host: u32, peers: usize) -> Result<(), CloseCode> {
        self.asked += 1;
        let (proven, hash) = (self.proven(host), self.asked.to_le_bytes());
        let admitted = self.admission.hello(now, &proven, &hash, peers)?;
        assert!(matches!(admitted, Admitted::New));
        self.admission.handshake(now, &proven)
    }
}

#[test]
fn the_last_place_is_given_away_and_none_beyond_it() {
    let mut arrivals = Arrivals::new();
    assert_eq!(arrivals.hello(START, 1, PEERS_MAX - 1), Ok(()));
    assert_eq!(arrivals.hello(START, 2, PEERS_MAX), Err(CloseCode::SERVER_FULL));
}

#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let mut arrivals = Arrivals::new();
    let (here, there) = (Arrivals::new().proven(9).address().ip(), 10);
    for _ in 1..PEERS_PER_ADDRESS_MAX {
        arrivals.admission.add_peer(here);
    }
    assert_eq!(arrivals.hello(START, 9, PEERS_PER_ADDRESS_MAX - 1), Ok(()));
    arrivals.admission.add_peer(here);
    assert_eq!(arrivals.hello(START, 9, PEERS_PER_ADDRESS_MAX), Err(CloseCode::SERVER_FULL));
    assert_eq!(arrivals.hello(START, there, PEERS_PER_ADDRESS_MAX), Ok(()), "others have not used theirs up");
    let counted = arrivals.admission.links().source(here);
    arrivals.admission.remove_peer(counted);
    assert_eq!(arrivals.hello(START, 9, PEERS_PER_ADDRESS_MAX - 1), Ok(()));
}

#[test]
fn one_address_shakes_hands_in_a_burst_and_then_at_its_rate() {
    let mut arrivals = Arrivals::new();
    let passed = |arrivals: &mut Arrivals, now| (0..1000).filter(|_| arrivals.hello(now, 9, 0).is_ok()).count() as u64;
    assert_eq!(passed(&mut arrivals, START), HANDSHAKES_PER_ADDRESS_BURST);
    assert_eq!(arrivals.hello(START, 9, 0), Err(CloseCode::RATE_LIMITED));
    assert_eq!(passed(&mut arrivals, START + Duration::from_secs(1)), HANDSHAKES_PER_ADDRESS_PER_SECOND);
    let apart = Duration::from_secs(1) / HANDSHAKES_PER_ADDRESS_PER_SECOND as u32;
    assert_eq!(passed(&mut arrivals, START + Duration::from_secs(1) + apart - Duration::from_micros(1)), 0);
    assert_eq!(passed(&mut arrivals, START + Duration::from_secs(1) + apart), 1);
}

#[test]
fn all_addresses_together_shake_hands_in_a_burst_and_then_at_the_rate() {
    let mut arrivals = Arrivals::new();
    let mut host = 0;
    let mut passed = |now| {
        let before = host;
        host += 3000;
        (before..host).filter(|&host| arrivals.hello(now, host, 0).is_ok()).count() as u64
    };
    assert_eq!(passed(START), HANDSHAKES_BURST);
    assert_eq!(passed(START + Duration::from_millis(100)), HANDSHAKES_PER_SECOND / 10);
}

#[test]
fn who_never_confirms_leaves_what_is_reserved_to_the_others() {
    let mut arrivals = Arrivals::new();
    let greedy = |arrivals: &mut Arrivals, now| (0..3000).filter(|turn| arrivals.hello(now, 1 + turn % 100, 0).is_ok()).count() as u64;
    assert!(greedy(&mut arrivals, START) <= HANDSHAKES_BURST);
    let (mut asked, mut refused) = (0, 0);
    for millis in 1..10_000 {
        let now = START + Duration::from_millis(millis);
        // Fifty times what they get.
        for turn in 0..10 {
            let _ = arrivals.hello(now, 1 + (10 * millis as u32 + turn) % 100, 0);
        }
        if millis % 10 == 0 {
            let host = 1000 + millis as u32;
            asked += 1;
            refused += u32::from(arrivals.hello(now, host, 0).is_err());
        }
    }
    assert_eq!((asked, refused), (999, 0));
    let left = greedy(&mut arrivals, START + Duration::from_secs(60));
    assert!((HANDSHAKES_RESERVED..=HANDSHAKES_BURST).contains(&left), "{left}: what nobody else wants is theirs");
}

#[test]
fn whoever_confirms_is_never_taken_for_greedy() {
    let mut arrivals = Arrivals::new();
    for _ in 1..HANDSHAKES_PER_ADDRESS_BURST {
        assert_eq!(arrivals.hello(START, 9, 0), Ok(()));
        let source = arrivals.admission.links().source(IpAddr::from(9u32.to_be_bytes()));
        arrivals.admission.confirmed(source);
    }
    while arrivals.hello(START, 100 + arrivals.asked as u32 % 50, 0).is_ok() {}
    assert_eq!(arrivals.hello(START, 9, 0), Ok(()), "of what is reserved");
}

#[test]
fn a_first_message_is_remembered_so_long_and_no_longer() {
    let mut arrivals = Arrivals::new();
    let (proven, hash, peer) = (arrivals.proven(9), [7; 16], PeerId(5));
    arrivals.admission.note_hello(START, hash, peer);
    let mut is_repeated = |now| match arrivals.admission.hello(now, &proven, &hash, 0) {
        Ok(Admitted::Repeated(made)) => made == peer,
        Ok(Admitted::New) => false,
        Err(code) => panic!("{code:?}"),
    };
    let micro = Duration::from_micros(1);
    assert_eq!([HELLO_MEMORY - micro, HELLO_MEMORY, HELLO_MEMORY + micro].map(|later| is_repeated(START + later)), [true, true, false]);
}

#[test]
fn a_first_message_whose_connection_had_to_go_for_others_may_come_again() {
    let mut arrivals = Arrivals::new();
    let (proven, hash) = (arrivals.proven(9), [7; 16]);
    arrivals.admission.note_hello(START, hash, PeerId(5));
    arrivals.admission.forget_hello(&hash);
    assert!(matches!(arrivals.admission.hello(START, &proven, &hash, 0), Ok(Admitted::New)));
}

/// How many of the questions for a cookie are answered.
fn retried(arrivals: &mut Arrivals, now: Instant, askers: impl IntoIterator<Item = IpAddr>) -> u64 {
    askers.into_iter().filter(|&from| arrivals.admission.retry(now, from)).count() as u64
}

#[test]
fn one_address_is_sent_so_many_cookies_at_once_and_then_so_many_a_second() {
    let (mut arrivals, here) = (Arrivals::new(), IpAddr::from([192, 0, 2, 9]));
    for second in 0..3 {
        let now = START + Duration::from_secs(second);
        assert_eq!(retried(&mut arrivals, now, [here; 1000]), RETRIES_PER_ADDRESS_PER_SECOND);
    }
    assert_eq!(
        retried(&mut arrivals, START + Duration::from_secs(2), [IpAddr::from([192, 0, 2, 10])]),
        1,
        "others have not used theirs up"
    );
}

#[test]
fn one_network_is_sent_so_many_cookies_at_once_and_then_so_many_a_second() {
    let mut arrivals = Arrivals::new();
    let storm = |arrivals: &mut Arrivals, millis| {
        retried(arrivals, START + Duration::from_millis(millis), (0..=255).map(|n| [192, 0, 2, n].into()))
    };
    // All addresses of the network, each twice as often as it is answered by itself.
    let answered: u64 = (0..=100).map(|turn| storm(&mut arrivals, 10 * turn)).sum();
    assert_eq!(answered, 2 * RETRIES_PER_NETWORK_PER_SECOND);
    assert_eq!(
        retried(&mut arrivals, START + Duration::from_secs(1), [IpAddr::from([198, 51, 100, 1])]),
        1,
        "others have not used theirs up"
    );
}

#[test]
fn all_networks_together_are_sent_so_many_cookies_at_once_and_then_so_many_a_second() {
    let mut arrivals = Arrivals::new();
    let mut storm =
        |millis| retried(&mut arrivals, START + Duration::from_millis(millis), (0..30_000u32).map(|n| (n << 8).to_be_bytes().into()));
    assert_eq!([storm(0), storm(10)], [RETRIES_PER_SECOND / 10, RETRIES_PER_SECOND / 100]);
}
