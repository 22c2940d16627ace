//! The limits of a client that only show from inside, at their edges.

use core::net::SocketAddr;

use super::*;
use crate::chat::{AccountName, Password};
use crate::crypto::KeyPair;
use crate::endpoint::{self, Endpoint};
use crate::limits::{KEEPALIVE, KEEPALIVE_JITTER};
use crate::rng::from_seed;

/// A client and a server's end, without anybody behind that who answers.
struct Wire {
    now: Instant,
    client: Client,
    endpoint: Endpoint,
}

const SERVER: ([u8; 4], u16) = ([192, 0, 2, 1], 7411);
const HOME: ([u8; 4], u16) = ([192, 0, 2, 7], 5000);

impl Wire {
    fn new() -> Self {
        let mut rng = from_seed([3; 32]);
        let now = Instant::from_micros(1_000_000_000);
        let identity = KeyPair::generate(&mut rng);
        let proof = Proof::Password { password: Password::new("secret enough").unwrap(), register: false, remember: false };
        let config = Config {
            servers: [SERVER.into()].to_vec(),
            trust: Trust::FirstUse,
            device: KeyPair::generate(&mut rng),
            site_key: [0; 32],
            credentials: Credentials { account: AccountName::new("anna").unwrap(), proof },
            start: Start::Now,
            shows_notices: true,
        };
        let endpoint = endpoint::Config { identity, retired: Vec::new(), site_key: [0; 32] };
        Self { now, client: Client::new(config, from_seed([4; 32]), now), endpoint: Endpoint::new(endpoint, from_seed([5; 32]), now) }
    }

    fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        let mut out = Vec::new();
        loop {
            let mut quiet = true;
            let client = loop {
                match self.client.poll(self.now, &mut out) {
                    Output::Update(_) => {}
                    Output::Transmit { to } => {
                        assert_eq!(to, SocketAddr::from(SERVER));
                        quiet = false;
                        self.endpoint.handle_datagram(self.now, HOME.into(), &mut out);
                    }
                    Output::Wait(at) => break at,
                }
            };
            let endpoint = loop {
                match self.endpoint.poll(self.now, &mut out) {
                    endpoint::Output::Event(_) => {}
                    endpoint::Output::Transmit { .. } => {
                        quiet = false;
                        self.client.handle_datagram(self.now, SERVER.into(), &mut out);
                    }
                    endpoint::Output::Wait(at) => break at,
                }
            };
            if quiet {
                match [client, endpoint].into_iter().flatten().min().filter(|&at| at <= until) {
                    Some(at) => self.now = self.now.max(at),
                    None => break self.now = until,
                }
                self.endpoint.handle_timeout(self.now);
                self.client.handle_timeout(self.now);
            }
        }
    }

    fn wear_keys(&mut self, left: u64) {
        self.client.link.as_mut().unwrap().connection.wear_keys(left);
    }
}

#[test]
fn keys_that_have_protected_so_much_are_changed_at_once_and_not_at_the_next_hour() {
    let mut wire = Wire::new();
    wire.run_for(Duration::from_secs(1));
    wire.wear_keys(1000);
    wire.run_for(Duration::from_secs(60));
    assert_eq!(wire.endpoint.stats().key_changes, 0, "there is some left");
    for changes in [1, 2] {
        wire.wear_keys(0);
        wire.run_for(Duration::from_secs(60));
        assert_eq!(wire.endpoint.stats().key_changes, changes);
    }
    assert_eq!(wire.endpoint.stats().handshakes, 1, "the session goes on");
}

#[test]
fn new_keys_that_cannot_be_had_are_asked_for_again_after_a_pause() {
    let mut wire = Wire::new();
    wire.run_for(Duration::from_secs(1));
    wire.wear_keys(0);
    wire.client.link.as_mut().unwrap().renewal_tried_at = Some(wire.now);
    wire.run_for(KEY_RETRY - Duration::from_secs(1));
    assert_eq!(wire.endpoint.stats().key_changes, 0);
    wire.run_for(Duration::from_secs(30));
    assert_eq!(wire.endpoint.stats().key_changes, 1);
}

#[test]
fn who_waits_for_an_answer_asks_for_a_sign_of_life_long_before_the_next_keepalive() {
    let mut wire = Wire::new();
    // Signing in has been asked for and acknowledged, and nobody answers: a server that was killed and restarted knows nothing of it.
    wire.run_for(Duration::from_secs(1));
    let connection = |wire: &Wire| wire.client.link.as_ref().map(|link| link.connection.is_idle());
    assert_eq!(connection(&wire), Some(true), "all that was sent has arrived");
    let mut heard = wire.endpoint.stats().datagrams_received;
    let quiet = KEEPALIVE - KEEPALIVE_JITTER - Duration::from_secs(1);
    let mut waited = Duration::ZERO;
    while waited + ANSWER_PATIENCE < quiet {
        wire.run_for(ANSWER_PATIENCE + Duration::from_millis(100));
        waited += ANSWER_PATIENCE + Duration::from_millis(100);
        let now = wire.endpoint.stats().datagrams_received;
        assert!(now > heard, "silent after {waited:?}");
        heard = now;
    }
}
