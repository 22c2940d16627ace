//! When an acknowledgement leaves.

use belfry_core::connection::{Connection, Side};
use belfry_core::limits::ACK_DELAY_MAX;
use belfry_core::rng::Rng;
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_core::wire::frame::{self, Frame};
use belfry_tests::pair::{Pair, seeded};
use belfry_tests::stranger::Session;

use crate::{MS, SECOND, near, warm};

/// A real connection, and a peer whose every datagram is ours to make.
struct Facing {
    stranger: Session,
    connection: Connection,
    rng: Rng,
    now: Instant,
}

impl Facing {
    fn new() -> Self {
        let now = Instant::from_micros(1_000_000);
        let (stranger, connection) = Session::facing(Side::Server, now, 1);
        Self { stranger, connection, rng: seeded(1), now }
    }

    fn say(&mut self, frames: &[u8]) {
        self.stranger.say(&mut self.connection, self.now, frames, &mut self.rng);
    }

    /// The ranges that are acknowledged now, if any are.
    fn acknowledged(&mut self) -> Option<Vec<(u64, u64)>> {
        self.connection.handle_timeout(self.now);
        let heard = self.stranger.hear(&mut self.connection, self.now, &mut self.rng);
        heard.iter().flat_map(|datagram| frame::decode(datagram)).find_map(|frame| match frame {
            Ok(Frame::Ack(ack)) => Some(ack.ranges().collect()),
            _ => None,
        })
    }

    /// One that is sealed and never arrives.
    fn lose(&mut self) {
        self.stranger.seal(&[1]);
    }
}

const PING: &[u8] = &[1];

#[test]
fn single_ack_eliciting_packet_triggers_ack_after_delay() {
    let mut facing = Facing::new();
    facing.say(PING);
    assert_eq!(facing.acknowledged(), None);
    facing.now = facing.now + ACK_DELAY_MAX - MS;
    assert_eq!(facing.acknowledged(), None);
    facing.now = facing.now + MS;
    assert_eq!(facing.acknowledged(), Some(vec![(0, 0)]));
}

#[test]
fn out_of_order_ack_eliciting_packet_triggers_ack() {
    let mut facing = Facing::new();
    facing.say(PING);
    facing.lose();
    facing.say(PING);
    assert_eq!(facing.acknowledged(), Some(vec![(2, 2), (0, 0)]), "at once");
}

#[test]
fn immediate_ack_triggers_ack_at_the_second_full_packet() {
    let mut facing = Facing::new();
    let full = [PING, &[0; 1100]].concat();
    facing.say(&full);
    assert_eq!(facing.acknowledged(), None);
    facing.say(&full);
    assert_eq!(facing.acknowledged(), Some(vec![(0, 1)]));
}

#[test]
fn an_ack_is_not_acknowledged() {
    let mut facing = Facing::new();
    facing.connection.ping();
    facing.stranger.hear(&mut facing.connection, facing.now, &mut facing.rng);
    for _ in 0..100 {
        let mut frames = Vec::new();
        frame::encode_ack([(0, 0)].into_iter(), MS, &mut frames);
        facing.say(&frames);
        facing.now = facing.now + ACK_DELAY_MAX;
        assert_eq!(facing.acknowledged(), None);
    }
}

#[test]
fn pure_sender_voluntarily_acks() {
    // A receiver that only acknowledges asks for an acknowledgement now and then, or it could never forget.
    let mut pair = Pair::new(near(), 1);
    pair.run_for(SECOND);
    let before = (pair.client.sent, pair.server.sent);
    for _ in 0..320 {
        pair.send(Side::Server, Channel::Chat, [7; 100]);
        pair.run_for(50 * MS);
    }
    let (client, server) = (pair.client.sent - before.0, pair.server.sent - before.1);
    assert_eq!(pair.client.messages(Channel::Chat).len(), 320);
    assert!((318..=330).contains(&client), "{client} acknowledgements for 320 messages");
    // Each asking one is answered with a message that travels anyway or, rarely, alone.
    assert!(server <= 335, "{server}");
}

#[test]
fn loss_probe_is_acknowledged_within_the_delay() {
    let mut pair = warm();
    let sent = pair.server.link.counters().offered;
    pair.server.link.set_weather(belfry_tests::weather::Weather { lose: Some((sent + 1, sent + 1)), ..near() });
    pair.send(Side::Server, Channel::Chat, *b"lost at first");
    let asked = pair.now;
    assert!(pair.run_until(asked + 5 * SECOND, |pair| pair.server.connection.is_idle()));
    // A probe timeout of 20 + 25 and a little, a round trip, the delay of the acknowledgement.
    assert!(pair.now.since(asked) < 200 * MS, "{:?}", pair.now.since(asked));
    assert_eq!(pair.client.messages(Channel::Chat), [b"lost at first".to_vec()]);
}

#[test]
fn ack_spread_is_within_what_was_asked_for() {
    let mut facing = Facing::new();
    let mut frames = Vec::new();
    frame::encode_ack_spread(500, &mut frames);
    frames.extend_from_slice(PING);
    facing.say(&frames);
    let until = facing.now + 500 * MS;
    let mut told = None;
    while facing.now <= until && told.is_none() {
        told = facing.acknowledged();
        facing.now = facing.now + MS;
    }
    assert_eq!(told, Some(vec![(0, 0)]));
}
