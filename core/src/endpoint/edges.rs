//! The limits of the door at their edges: one below passes, one above is refused.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::admission::{Admission, Admitted};
use crate::connection::CloseCode;
use crate::crypto::{AddressProven, Cookies};
use crate::limits::{
    HANDSHAKES_BURST, HANDSHAKES_PER_ADDRESS_BURST, HANDSHAKES_PER_ADDRESS_PER_SECOND, HANDSHAKES_PER_SECOND, HANDSHAKES_RESERVED,
    PEERS_MAX, PEERS_PER_ADDRESS_MAX,
};
use crate::rng::from_seed;
use crate::time::Instant;

const START: Instant = Instant::from_micros(1_000_000_000);

struct Door {
    admission: Admission,
    cookies: Cookies,
    asked: u128,
}

impl Door {
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
    fn knock(&mut self, now: Instant, host: u32, peers: usize) -> Result<(), CloseCode> {
        self.asked += 1;
        let (proven, hash) = (self.proven(host), self.asked.to_le_bytes());
        let admitted = self.admission.hello(now, &proven, &hash, peers)?;
        assert!(matches!(admitted, Admitted::New));
        Ok(())
    }
}

#[test]
fn the_last_place_is_given_away_and_none_beyond_it() {
    let mut door = Door::new();
    assert_eq!(door.knock(START, 1, PEERS_MAX - 1), Ok(()));
    assert_eq!(door.knock(START, 2, PEERS_MAX), Err(CloseCode::SERVER_FULL));
}

#[test]
fn one_address_has_so_many_connections_and_no_more() {
    let mut door = Door::new();
    let (here, there) = (Door::new().proven(9).address().ip(), 10);
    for _ in 1..PEERS_PER_ADDRESS_MAX {
        door.admission.add_peer(START, here);
    }
    assert_eq!(door.knock(START, 9, PEERS_PER_ADDRESS_MAX - 1), Ok(()));
    door.admission.add_peer(START, here);
    assert_eq!(door.knock(START, 9, PEERS_PER_ADDRESS_MAX), Err(CloseCode::SERVER_FULL));
    assert_eq!(door.knock(START, there, PEERS_PER_ADDRESS_MAX), Ok(()), "others have not used theirs up");
    let counted = door.admission.links().source(here);
    door.admission.remove_peer(counted);
    assert_eq!(door.knock(START, 9, PEERS_PER_ADDRESS_MAX - 1), Ok(()));
}

#[test]
fn one_address_shakes_hands_in_a_burst_and_then_at_its_rate() {
    let mut door = Door::new();
    let passed = |door: &mut Door, now| (0..1000).filter(|_| door.knock(now, 9, 0).is_ok()).count() as u64;
    assert_eq!(passed(&mut door, START), HANDSHAKES_PER_ADDRESS_BURST);
    assert_eq!(door.knock(START, 9, 0), Err(CloseCode::RATE_LIMITED));
    assert_eq!(passed(&mut door, START + Duration::from_secs(1)), HANDSHAKES_PER_ADDRESS_PER_SECOND);
    let apart = Duration::from_secs(1) / HANDSHAKES_PER_ADDRESS_PER_SECOND as u32;
    assert_eq!(passed(&mut door, START + Duration::from_secs(1) + apart - Duration::from_micros(1)), 0);
    assert_eq!(passed(&mut door, START + Duration::from_secs(1) + apart), 1);
}

#[test]
fn all_addresses_together_shake_hands_in_a_burst_and_then_at_the_rate() {
    let mut door = Door::new();
    let mut host = 0;
    let mut passed = |now| {
        let before = host;
        host += 3000;
        (before..host).filter(|&host| door.knock(now, host, 0).is_ok()).count() as u64
    };
    assert_eq!(passed(START), HANDSHAKES_BURST);
    assert_eq!(passed(START + Duration::from_millis(100)), HANDSHAKES_PER_SECOND / 10);
}

#[test]
fn who_never_confirms_leaves_what_is_reserved_to_the_others() {
    let mut door = Door::new();
    let greedy = |door: &mut Door, now| (0..3000).filter(|turn| door.knock(now, 1 + turn % 100, 0).is_ok()).count() as u64;
    assert!(greedy(&mut door, START) <= HANDSHAKES_BURST);
    let (mut asked, mut refused) = (0, 0);
    for millis in 1..10_000 {
        let now = START + Duration::from_millis(millis);
        // Fifty times what they get.
        for turn in 0..10 {
            let _ = door.knock(now, 1 + (10 * millis as u32 + turn) % 100, 0);
        }
        if millis % 10 == 0 {
            let host = 1000 + millis as u32;
            asked += 1;
            refused += u32::from(door.knock(now, host, 0).is_err());
        }
    }
    assert_eq!((asked, refused), (999, 0));
    let left = greedy(&mut door, START + Duration::from_secs(60));
    assert!((HANDSHAKES_RESERVED..=HANDSHAKES_BURST).contains(&left), "{left}: what nobody else wants is theirs");
}

#[test]
fn whoever_confirms_is_never_taken_for_greedy() {
    let mut door = Door::new();
    for _ in 0..HANDSHAKES_PER_ADDRESS_BURST {
        assert_eq!(door.knock(START, 9, 0), Ok(()));
        let source = door.admission.links().source(IpAddr::from(9u32.to_be_bytes()));
        door.admission.confirmed(source);
    }
    while door.knock(START, 1 + door.asked as u32 % 50, 0).is_ok() {}
    let later = START + Duration::from_millis(50);
    assert_eq!(door.knock(later, 9, 0), Ok(()), "of what is reserved");
}
