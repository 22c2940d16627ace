//! The limits of a connection that only show from inside, at their edges.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::active::{Active, State};
use super::sent::{Fate, Packet, SentPackets};
use super::{CloseCode, Established, Event, Side, Verdict};
use crate::crypto::{Initiator, KeyPair, Responder, Suite};
use crate::limits::{CLOSE_TRIES_MAX, FORGERIES_MAX, SENT_PACKETS_MAX};
use crate::rng::{Rng, from_seed};
use crate::time::Instant;
use crate::wire::datagram::{ProtectedHead, SessionId};

fn server(now: Instant, rng: &mut Rng) -> Active {
    let (device, identity) = (KeyPair::generate(rng), KeyPair::generate(rng));
    let (_, first) = Initiator::start(rng, &device, &identity.public(), &[0; 32], b"edges", b"").unwrap();
    let (responder, ..) = Responder::read(rng, &identity, &[0; 32], b"edges", &first).unwrap();
    let (_, split) = responder.respond(b"").unwrap();
    let (opening, sealing) = split.keys(Suite::ChaCha20Poly1305);
    Active::new(Established { side: Side::Server, remote: SessionId(7), sealing, opening }, now, rng)
}

#[test]
fn a_key_is_given_up_after_so_many_forgeries() {
    let now = Instant::from_micros(1_000_000);
    let mut rng = from_seed([1; 32]);
    let mut connection = server(now, &mut rng);
    connection.stats.forged = FORGERIES_MAX - 2;
    for closes in [false, true] {
        let head = ProtectedHead { to: SessionId(9), epoch: false, number: 5 };
        assert_eq!(connection.handle_datagram(now, head, &mut [0x40; 60], &mut rng), Verdict::Forged);
        assert_eq!(matches!(connection.state, State::Closing { code: CloseCode::AEAD_LIMIT, .. }), closes);
    }
}

#[test]
fn a_goodbye_is_said_so_often_and_no_more() {
    let mut now = Instant::from_micros(1_000_000);
    let mut rng = from_seed([1; 32]);
    let mut connection = server(now, &mut rng);
    connection.close(now, CloseCode::NO_ERROR);
    let (mut said, mut out) = (0, Vec::new());
    while connection.state != State::Closed {
        while connection.poll_transmit(now, &mut rng, &mut out) {
            said += 1;
        }
        let Some((at, _)) = connection.timers.next() else { break };
        now = now.max(at);
        connection.handle_timeout(now);
    }
    assert_eq!(said, CLOSE_TRIES_MAX);
    assert_eq!(connection.events, [Event::Ended]);
}

#[test]
fn so_many_packets_are_remembered_and_the_oldest_memories_make_room() {
    let mut sent = SentPackets::default();
    let packet = |number| Packet { number, at: Instant::START, bytes: 40, spread: Duration::ZERO, contents: vec![], fate: Fate::InFlight };
    for number in 0..SENT_PACKETS_MAX as u64 {
        assert!(!sent.is_full(), "{number}");
        sent.push(packet(number));
    }
    assert!(sent.is_full());
    // Lost ones are remembered in case they are only late, but not at the price of a packet that could leave.
    let later = Instant::START + Duration::from_secs(1);
    assert_eq!(sent.take_lost(later, 10, 5, Instant::START).len(), 10);
    sent.forget(Instant::START);
    assert!(!sent.is_full());
}
