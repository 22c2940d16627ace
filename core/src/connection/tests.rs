//! The limits of a connection that only show from inside, at their edges.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::active::{Active, State};
use super::incoming::{Incoming, RestingIncoming};
use super::outgoing::{Outgoing, RestingOutgoing};
use super::sent::{Fate, Packet, SentPackets};
use super::{Established, Event, Side, Verdict};
use crate::crypto::{Initiator, KeyPair, Responder, Suite};
use crate::limits::{CLOSE_TRIES_MAX, FORGERIES_MAX, SENT_PACKETS_MAX};
use crate::rng::{Rng, from_seed};
use crate::time::Instant;
use crate::wire::datagram::{self, ConnectionId, Datagram, ProtectedHead};
use crate::wire::{Channel, CloseCode};

/// Client and server after a handshake.
pub(super) fn established(rng: &mut Rng) -> [Established; 2] {
    let (device, identity) = (KeyPair::generate(rng), KeyPair::generate(rng));
    let (mut initiator, first) = Initiator::start(rng, &device, &identity.public(), &[0; 32], b"edges", b"").unwrap();
    let (responder, ..) = Responder::read(rng, &identity, &[0; 32], b"edges", &first).unwrap();
    let (second, split) = responder.respond(b"").unwrap();
    let (opening, sealing) = split.keys(Suite::ChaCha20Poly1305);
    let server = Established { side: Side::Server, remote: ConnectionId(7), sealing, opening };
    let (sealing, opening) = initiator.finish(&second).unwrap().1.keys(Suite::ChaCha20Poly1305);
    [Established { side: Side::Client, remote: ConnectionId(9), sealing, opening }, server]
}

fn server(now: Instant, rng: &mut Rng) -> Active {
    let [_, server] = established(rng);
    Active::new(server, now, rng)
}

/// I18.
#[test]
fn numbers_near_their_edges_behave_like_those_at_the_beginning() {
    for packets in [0, 100, (1 << 31) - 50, (1 << 32) - 50, (1 << 48) - 50, (1 << 62) - 10_000] {
        for count in [0, (1 << 14) - 5, (1 << 30) - 5, (1 << 32) - 5, (1 << 61) - 5] {
            let mut now = Instant::from_micros(1_000_000);
            let mut rng = from_seed([1; 32]);
            let mut ends = established(&mut rng).map(|established| {
                let side = established.side;
                let mut end = Active::numbered_from(packets, established, now, &mut rng);
                let credit = |to| count + Active::credit(to, Channel::Chat);
                *end.outgoing_mut(Channel::Chat) =
                    Outgoing::resume(Channel::Chat, RestingOutgoing { first: count, used: count, granted: credit(side.other()) });
                let (longest, window) = (Active::message_bytes_max(side, Channel::Chat), Active::credit(side, Channel::Chat));
                let resting = RestingIncoming { next: count, consumed: count, granted: credit(side), window };
                *end.incoming_mut(Channel::Chat) = Incoming::resume(longest, resting);
                end
            });
            let bodies: Vec<Vec<u8>> = (0..200u8).map(|number| vec![number; 1 + 13 * number as usize]).collect();
            let (mut sent, mut out, mut heard) = (0u32, Vec::new(), [vec![], vec![]]);
            for turn in 0..4000 {
                if let Some(body) = bodies.get(turn) {
                    ends.iter_mut().for_each(|end| end.send_spread(Channel::Chat, body.clone().into(), Duration::ZERO).unwrap());
                }
                for from in [0, 1] {
                    while ends[from].poll_transmit(now, &mut rng, &mut out) {
                        sent += 1;
                        // Every seventh is lost.
                        if !sent.is_multiple_of(7) {
                            let Ok(Datagram::Protected(head)) = datagram::decode(&out) else { panic!("a protected datagram") };
                            let verdict = ends[1 - from].handle_datagram(now, head, &mut out, &mut rng);
                            assert!(matches!(verdict, Verdict::Authentic { .. }), "{packets} {count}: {verdict:?}");
                        }
                    }
                    heard[from].extend(ends[from].events.drain(..));
                }
                now = now + Duration::from_millis(1);
                ends.iter_mut().for_each(|end| end.handle_timeout(now));
            }
            for heard in heard {
                let told = heard.into_iter().map(|event| match event {
                    Event::Message { body, .. } => body,
                    other => panic!("{packets} {count}: {other:?}"),
                });
                assert!(told.eq(bodies.iter().cloned()), "{packets} {count}");
            }
        }
    }
}

#[test]
fn a_key_is_given_up_after_so_many_forgeries() {
    let now = Instant::from_micros(1_000_000);
    let mut rng = from_seed([1; 32]);
    let mut connection = server(now, &mut rng);
    connection.stats.forged = FORGERIES_MAX - 2;
    for closes in [false, true] {
        let head = ProtectedHead { to: ConnectionId(9), epoch: false, number: 5 };
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
