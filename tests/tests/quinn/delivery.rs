//! What is sent arrives, once and in order, whatever is lost; and never more than was granted.

use std::time::Duration;

use belfry_core::connection::{Connection, Event, Side};
use belfry_core::limits::WINDOW_MIN_BYTES;
use belfry_core::rng::Rng;
use belfry_core::time::Instant;
use belfry_core::wire::frame::{self, Data, Frame, Part};
use belfry_core::wire::{Channel, CloseCode};
use belfry_tests::pair::{Pair, seeded};
use belfry_tests::stranger::Session;
use belfry_tests::weather::Weather;

use crate::{MS, SECOND, dark, near, warm};

#[test]
fn tail_loss() {
    let mut pair = warm();
    for number in 0..20u8 {
        pair.send(Side::Server, Channel::Chat, vec![number; 1000]);
    }
    // The last three of them, behind which nothing comes that could tell of the gap.
    let sent = pair.server.link.counters().offered;
    pair.server.link.set_weather(Weather { lose: Some((sent + 18, sent + 20)), ..near() });
    let start = pair.now;
    assert!(pair.run_until(start + 5 * SECOND, |pair| pair.server.connection.is_idle()));
    assert_eq!(pair.server.link.counters().lost, 3);
    assert_eq!(pair.client.messages(Channel::Chat).len(), 20);
    assert!(pair.server.connection.stats().probe_timeouts >= 1);
    assert!(pair.now.since(start) < 500 * MS, "{:?}", pair.now.since(start));
}

#[test]
fn congested_tail_loss() {
    // As much as the window takes, and all of it is lost.
    let mut pair = warm();
    pair.server.link.set_weather(dark());
    for number in 0..4u8 {
        pair.send(Side::Server, Channel::History, vec![number; 50_000]);
    }
    pair.run_for(30 * MS);
    assert!(pair.server.link.counters().lost >= WINDOW_MIN_BYTES / 1200);
    pair.server.link.set_weather(near());
    let start = pair.now;
    assert!(pair.run_until(start + 10 * SECOND, |pair| pair.server.connection.is_idle()));
    assert_eq!(pair.client.messages(Channel::History).iter().map(|body| body[0]).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(pair.now.since(start) < 2 * SECOND, "{:?}", pair.now.since(start));
}

#[test]
fn congestion() {
    let mut pair = warm();
    pair.set_weather(Weather { loss: 0.5, ..near() }, 7);
    for number in 0..3u8 {
        pair.send(Side::Server, Channel::History, vec![number; 60_000]);
    }
    assert!(pair.run_until(pair.now + 120 * SECOND, |pair| pair.server.connection.is_idle()), "half is lost, and it goes on");
    assert!(pair.server.connection.stats().congestions > 0, "so many losses are taken for a path that is full");
}

#[test]
fn finish_acked() {
    let mut pair = warm();
    pair.send(Side::Client, Channel::Chat, *b"hello");
    let sent = pair.now;
    assert!(pair.run_until(sent + SECOND, |pair| !pair.server.events.is_empty()));
    assert!(!pair.client.connection.is_idle(), "arrived, but nobody here knows");
    assert!(pair.run_until(sent + SECOND, |pair| pair.client.connection.is_idle()));
    assert!(pair.now.since(sent) >= 20 * MS);
}

#[test]
fn finish_retransmit() {
    let mut pair = warm();
    let sent = pair.client.link.counters().offered;
    pair.client.link.set_weather(Weather { lose: Some((sent + 1, sent + 1)), ..near() });
    pair.send(Side::Client, Channel::Chat, *b"lost");
    pair.run_for(MS);
    pair.send(Side::Client, Channel::Chat, *b"arrives");
    pair.run_for(21 * MS);
    assert!(pair.server.events.is_empty(), "the second waits for the first");
    assert!(!pair.client.connection.is_idle(), "an acknowledgement of the second is none of the first");
    assert!(pair.run_until(pair.now + SECOND, |pair| pair.client.connection.is_idle()));
    assert_eq!(pair.server.messages(Channel::Chat), [b"lost".to_vec(), b"arrives".to_vec()]);
}

#[test]
fn finish_stream_flow_control_reordered() {
    // The last piece first, and the grant that makes room for it late.
    let weather = Weather { reorder: 0.5, reorder_delay: 100 * MS, ..near() };
    for seed in 0..10 {
        let mut pair = Pair::new(weather, seed);
        for number in 0..4u8 {
            pair.send(Side::Client, Channel::Chat, vec![number; 60_000]);
        }
        assert!(pair.run_until(pair.now + 60 * SECOND, |pair| pair.client.connection.is_idle()), "seed {seed}");
        assert_eq!(pair.server.messages(Channel::Chat).iter().map(|body| body[0]).collect::<Vec<_>>(), [0, 1, 2, 3], "seed {seed}");
    }
}

#[test]
fn repeated_request_response() {
    let mut pair = warm();
    for round in 0..3u8 {
        pair.send(Side::Client, Channel::Control, [round]);
        assert!(pair.run_until(pair.now + SECOND, |pair| !pair.server.events.is_empty()));
        assert_eq!(pair.server.messages(Channel::Control), [vec![round]]);
        pair.send(Side::Server, Channel::Control, [round + 10]);
        assert!(pair.run_until(pair.now + SECOND, |pair| !pair.client.events.is_empty()));
        assert_eq!(pair.client.messages(Channel::Control), [vec![round + 10]]);
    }
}

#[test]
fn out_of_order_delivery() {
    let now = Instant::from_micros(1_000_000);
    let (mut stranger, mut connection) = Session::facing(Side::Server, now, 1);
    let mut rng = seeded(1);
    for message in (0..100u64).rev() {
        assert_eq!(connection.poll_event(), None, "nothing before the first");
        let mut frames = Vec::new();
        frame::encode_data(&Data { channel: Channel::Chat, message, part: Part::Whole, bytes: &message.to_le_bytes() }, &mut frames);
        stranger.say(&mut connection, now, &frames, &mut rng);
    }
    let told: Vec<_> = core::iter::from_fn(|| connection.poll_event()).collect();
    let numbers: Vec<_> = told
        .iter()
        .map(|event| if let Event::Message { body, .. } = event { u64::from_le_bytes(body[..].try_into().unwrap()) } else { u64::MAX })
        .collect();
    assert!(numbers.into_iter().eq(0..100));
}

/// A client whose server acknowledges everything and grants nothing more.
struct Miser {
    stranger: Session,
    connection: Connection,
    rng: Rng,
    now: Instant,
    sent: [usize; Channel::COUNT],
    blocked: usize,
}

impl Miser {
    fn new() -> Self {
        let now = Instant::from_micros(1_000_000);
        let (stranger, connection) = Session::facing(Side::Client, now, 1);
        Self { stranger, connection, rng: seeded(1), now, sent: [0; Channel::COUNT], blocked: 0 }
    }

    fn go_on(&mut self) {
        for _ in 0..1000 {
            self.now = self.now + MS;
            self.connection.handle_timeout(self.now);
            for datagram in self.stranger.hear(&mut self.connection, self.now, &mut self.rng) {
                for frame in frame::decode(&datagram) {
                    match frame.expect("it is ours") {
                        Frame::Data(data) => self.sent[usize::from(data.channel.number())] += data.bytes.len(),
                        Frame::Blocked { .. } => self.blocked += 1,
                        _ => {}
                    }
                }
            }
            let mut frames = Vec::new();
            frame::encode_ack(self.stranger.heard_ranges().into_iter(), Duration::ZERO, &mut frames);
            self.stranger.say(&mut self.connection, self.now, &frames, &mut self.rng);
            assert_eq!(self.connection.poll_event(), None);
        }
    }
}

#[test]
fn flow_control() {
    let mut miser = Miser::new();
    for _ in 0..4 {
        miser.connection.send(Channel::Chat, vec![7; 60_000].into()).expect("it is open");
    }
    miser.go_on();
    let (sent, granted) = (miser.sent[usize::from(Channel::Chat.number())] as u64, Channel::Chat.credit_to_server());
    assert!(sent <= granted && sent + 1200 > granted, "{sent} of {granted}");
    assert_eq!(miser.blocked, 1, "said once for each grant");
}

#[test]
fn conn_flow_control() {
    // There is none of the whole connection: what one channel lacks holds up no other.
    let mut miser = Miser::new();
    for _ in 0..4 {
        miser.connection.send(Channel::Chat, vec![7; 60_000].into()).expect("it is open");
    }
    miser.go_on();
    miser.connection.send(Channel::Control, vec![7; 3000].into()).expect("it is open");
    miser.go_on();
    assert_eq!(miser.sent[usize::from(Channel::Control.number())], 3000);
}

#[test]
fn flow_control_violation() {
    let now = Instant::from_micros(1_000_000);
    let (mut stranger, mut connection) = Session::facing(Side::Server, now, 1);
    let mut rng = seeded(1);
    let grant = Channel::Chat.credit_to_server() as usize;
    let mut sent = 0;
    for message in 1.. {
        let bytes = vec![7; 1000];
        let mut frames = Vec::new();
        frame::encode_data(&Data { channel: Channel::Chat, message, part: Part::Whole, bytes: &bytes }, &mut frames);
        stranger.say(&mut connection, now, &frames, &mut rng);
        sent += bytes.len();
        if sent <= grant {
            assert_eq!(connection.poll_event(), None, "within the grant");
        } else {
            assert_eq!(connection.poll_event(), Some(Event::Closed(CloseCode::FLOW_CONTROL)));
            return;
        }
    }
}

#[test]
fn key_update_simple() {
    let mut pair = warm();
    pair.change_keys();
    pair.send(Side::Client, Channel::Chat, *b"new");
    pair.send(Side::Server, Channel::Chat, *b"keys");
    pair.run_for(SECOND);
    assert_eq!((pair.server.messages(Channel::Chat).len(), pair.client.messages(Channel::Chat).len()), (1, 1));
    assert_eq!(pair.server.connection.stats().key_changes, 1);
}

#[test]
fn key_update_reordered() {
    let mut pair = warm();
    // Under the old keys, held back; then new keys and a message under them, which overtakes.
    pair.client.link.set_weather(Weather { delay: 40 * MS, ..Weather::clear() });
    pair.send(Side::Client, Channel::Chat, *b"old");
    pair.run_for(MS);
    pair.client.link = belfry_tests::weather::Link::new(near(), 5);
    pair.change_keys();
    pair.send(Side::Client, Channel::Chat, *b"new");
    pair.run_for(SECOND);
    assert_eq!(pair.server.messages(Channel::Chat), [b"old".to_vec(), b"new".to_vec()]);
    let stats = pair.server.connection.stats();
    assert_eq!((stats.key_changes, stats.forged), (1, 0), "the old key still opens what is late");
}

#[test]
fn keep_alive() {
    let mut pair = warm();
    pair.run_for(600 * SECOND);
    assert!(!pair.client.connection.is_over() && !pair.server.connection.is_over());
    assert!(pair.client.events.is_empty() && pair.server.events.is_empty());
}

#[test]
fn idle_timeout() {
    let mut pair = warm();
    pair.set_weather(dark(), 1);
    let start = pair.now;
    assert!(pair.run_until(start + 100 * SECOND, |pair| pair.server.connection.is_over()));
    assert_eq!(pair.server.events, [Event::Silent]);
    assert!((88 * SECOND..=90 * SECOND).contains(&pair.now.since(start)), "{:?}", pair.now.since(start));
    assert!(pair.client.events.contains(&Event::Silent), "the client found out by its keepalive");
}

#[test]
fn connection_close_is_answered_and_ends_both() {
    let mut pair = warm();
    pair.send(Side::Server, Channel::Chat, *b"never acknowledged");
    let now = pair.now;
    pair.server.connection.close(now, CloseCode::GOING_AWAY);
    pair.run_for(SECOND);
    assert_eq!(pair.client.events, [Event::Closed(CloseCode::GOING_AWAY)]);
    assert_eq!(pair.server.events, [Event::Ended]);
    assert!(pair.client.connection.is_over() && pair.server.connection.is_over());
    assert_eq!(pair.client.connection.next_timeout(), None, "nothing is left to wait for");
}
