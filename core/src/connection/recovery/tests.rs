use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::connection::peer::{Heard, Peer};
use crate::limits::WINDOW_INITIAL_BYTES;
use crate::wire::Channel;
use crate::wire::frame::Frame;

const MS: Duration = Duration::from_millis(1);
const TICK: Duration = Duration::from_micros(1);

/// A server's connection to a client so far away.
fn far_away(round_trip: Duration) -> Peer {
    let mut peer = Peer::facing(Side::Server);
    peer.is_so_far_away(round_trip);
    peer
}

/// The connection sends so many packets at once, each with a message that ends in its number; the numbers of the packets.
fn sends(peer: &mut Peer, messages: core::ops::Range<u8>) -> Vec<u64> {
    let sent = messages.flat_map(|message| {
        peer.connection.send(Channel::Chat, vec![message; 1000].into()).unwrap();
        peer.hears()
    });
    sent.map(|heard| heard.number).collect()
}

/// Which of those messages are in there.
fn messages(heard: &[Heard]) -> Vec<u8> {
    heard.iter().flat_map(Heard::data).map(|body| body[0]).collect()
}

#[test]
fn a_packet_is_given_nine_eighths_of_a_round_trip_once_a_later_one_has_arrived() {
    let mut peer = far_away(80 * MS);
    sends(&mut peer, 0..1);
    peer.waits(5 * MS);
    let [second, _] = sends(&mut peer, 1..3)[..] else { panic!("two packets") };
    peer.waits(80 * MS);
    peer.acknowledges(&[(second, second)]);
    assert_eq!(messages(&peer.waits(5 * MS - TICK)), []);
    assert_eq!(messages(&peer.waits(TICK)), [0], "90 ms after it left");
    let stats = peer.connection.stats();
    assert_eq!((stats.packets_lost, stats.spurious_losses, stats.probe_timeouts), (1, 0, 0), "nothing was probed for: {stats:?}");
}

#[test]
fn a_packet_three_numbers_behind_one_that_has_arrived_is_sent_again_at_once() {
    let mut peer = far_away(80 * MS);
    let sent = sends(&mut peer, 0..5);
    peer.now = peer.now + 80 * MS;
    peer.acknowledges(&[(sent[2], sent[2])]);
    assert_eq!(messages(&peer.hears()), []);
    peer.acknowledges(&[(sent[4], sent[4]), (sent[2], sent[2])]);
    assert_eq!(messages(&peer.hears()), [0, 1]);
    assert_eq!(peer.connection.stats().packets_lost, 2);
}

#[test]
fn a_loss_that_was_none_makes_more_patient_for_a_while() {
    let mut peer = far_away(80 * MS);
    let sent = sends(&mut peer, 0..4);
    peer.now = peer.now + 80 * MS;
    peer.acknowledges(&[(sent[3], sent[3])]);
    let again = peer.hears();
    assert_eq!(messages(&again), [0]);
    // It comes 30 ms later than a round trip takes, behind three others.
    peer.now = peer.now + 30 * MS;
    peer.acknowledges(&[(sent[0], sent[3])]);
    assert_eq!((peer.connection.stats().packets_lost, peer.connection.stats().spurious_losses), (1, 1));
    let learned = peer.now;
    peer.now = again[0].at + 80 * MS;
    peer.acknowledges(&[(again[0].number, again[0].number)]);

    let more = sends(&mut peer, 4..8);
    let left = peer.now;
    peer.now = peer.now + 80 * MS;
    peer.acknowledges(&[(more[3], more[3])]);
    assert_eq!(peer.connection.stats().packets_lost, 1, "three numbers behind are not enough any more");
    assert_eq!(peer.connection.next_timeout(), Some((left + 110 * MS, Timer::Recovery)), "a round trip and what the late one needed");
    peer.acknowledges(&[(more[0], more[3])]);

    let again = [(more[3], more[3])];
    peer.now = learned + 16 * 80 * MS;
    peer.acknowledges(&again);
    assert_eq!((peer.active().recovery.threshold, peer.active().recovery.patience), (4, 30 * MS));
    peer.now = peer.now + TICK;
    peer.acknowledges(&again);
    assert_eq!((peer.active().recovery.threshold, peer.active().recovery.patience), (3, 25 * MS + 250 * TICK));
    peer.now = peer.now + 16 * 80 * MS + TICK;
    peer.acknowledges(&again);
    assert_eq!(peer.active().recovery.threshold, REORDER_THRESHOLD_MIN, "as in the beginning");
}

#[test]
fn patience_is_never_more_than_a_round_trip() {
    let mut peer = far_away(80 * MS);
    let sent = sends(&mut peer, 0..4);
    peer.now = peer.now + 80 * MS;
    peer.acknowledges(&[(sent[3], sent[3])]);
    peer.now = peer.now + 300 * MS;
    peer.acknowledges(&[(sent[0], sent[3])]);
    assert_eq!(peer.active().recovery.patience, 80 * MS);
}

#[test]
fn a_lost_packet_is_remembered_for_three_probe_timeouts() {
    for (sooner, remembered) in [(TICK, true), (Duration::ZERO, false)] {
        let mut peer = far_away(80 * MS);
        let sent = sends(&mut peer, 0..4);
        peer.now = peer.now + 80 * MS;
        peer.acknowledges(&[(sent[1], sent[3])]);
        let lost = peer.now;
        let again = peer.hears()[0].number;
        peer.now = peer.now + 80 * MS;
        peer.acknowledges(&[(again, again)]);
        peer.now = lost + 3 * peer.active().rtt.probe_timeout() - sooner;
        // Whatever arrives makes the connection look what it may forget.
        peer.acknowledges(&[(again, again)]);
        peer.acknowledges(&[(sent[0], sent[3])]);
        assert_eq!(peer.connection.stats().spurious_losses, u64::from(remembered), "{sooner:?}");
    }
}

#[test]
fn a_congestion_that_was_none_is_taken_back() {
    let mut peer = far_away(80 * MS);
    // A queue: four round trips that take longer.
    for message in 0..4 {
        let sent = sends(&mut peer, message..message + 1)[0];
        peer.now = peer.now + 200 * MS;
        peer.acknowledges(&[(sent, sent)]);
    }
    let sent = sends(&mut peer, 4..8);
    peer.now = peer.now + 200 * MS;
    peer.acknowledges(&[(sent[3], sent[3])]);
    assert_eq!((peer.connection.stats().congestions, peer.connection.stats().packets_lost), (1, 1));
    assert!(peer.active().congestion.window() < WINDOW_INITIAL_BYTES);
    peer.acknowledges(&[(sent[0], sent[3])]);
    assert_eq!((peer.connection.stats().congestions, peer.connection.stats().spurious_losses), (0, 1));
    assert!(peer.active().congestion.window() >= WINDOW_INITIAL_BYTES);
}

#[test]
fn only_the_newest_packet_of_an_acknowledgement_tells_the_round_trip() {
    let mut peer = Peer::facing(Side::Server);
    let first = sends(&mut peer, 0..1)[0];
    peer.now = peer.now + 50 * MS;
    let second = sends(&mut peer, 1..2)[0];
    peer.now = peer.now + 10 * MS;
    peer.acknowledges(&[(first, second)]);
    assert_eq!(peer.connection.round_trip(), Some(10 * MS));
    peer.now = peer.now + 500 * MS;
    peer.acknowledges(&[(first, second)]);
    assert_eq!(peer.connection.round_trip(), Some(10 * MS), "what is no news tells nothing");
}

#[test]
fn an_acknowledgement_that_was_spread_tells_no_round_trip() {
    for (spread, kept, tells) in [(0, 30, true), (200, 25, true), (200, 26, false)] {
        let mut peer = Peer::facing(Side::Server);
        peer.connection.send_spread(Channel::Notice, vec![1].into(), spread * MS).unwrap();
        let sent = peer.hears()[0].number;
        peer.now = peer.now + 100 * MS;
        peer.acknowledges_after(&[(sent, sent)], kept * MS);
        assert_eq!(peer.connection.round_trip(), tells.then_some(100 * MS), "spread over {spread} ms, kept for {kept} ms");
    }
}

#[test]
fn a_server_probes_with_the_oldest_data_ever_more_seldom() {
    let mut peer = far_away(80 * MS);
    let since = peer.now;
    sends(&mut peer, 0..2);
    let heard = peer.waits(25_000 * MS);
    // 80 ms + 4 × 40 ms + 25 ms, doubled but for the first time, and never more than 8 s.
    let expected = [265, 530, 1060, 2120, 4240, 8480, 16_480, 24_480].map(|millis| millis * MS);
    assert_eq!(heard.iter().map(|heard| heard.after(since)).collect::<Vec<_>>(), expected.map(|at| [at; 2]).concat());
    assert!(heard.iter().all(|heard| heard.data().first().is_some_and(|body| body[0] == 0)), "{heard:?}");
    assert_eq!(peer.connection.stats().probe_timeouts, expected.len() as u64);
    assert_eq!(peer.events(), [], "that is for the heartbeat to say");
}

#[test]
fn a_client_says_once_that_nothing_was_answered_for_four_seconds_and_again_after_an_answer() {
    let mut peer = Peer::facing(Side::Client);
    for _ in 0..2 {
        let since = peer.now;
        peer.connection.ping();
        let asked = peer.hears();
        assert_eq!(asked.iter().map(Heard::frames).collect::<Vec<_>>(), [[Frame::Ping]]);
        // 300 ms, doubled but for the first time, and never more than a second.
        let expected = [300, 600, 1200, 2200, 3200, 4200].map(|millis| millis * MS);
        let heard = peer.waits(4200 * MS - TICK);
        assert_eq!(peer.events(), []);
        let heard: Vec<_> = heard.into_iter().chain(peer.waits(TICK)).collect();
        assert_eq!(peer.events(), [Event::Silent]);
        assert_eq!(heard.iter().map(|heard| heard.after(since)).collect::<Vec<_>>(), expected.map(|at| [at; 2]).concat());
        assert!(heard.iter().all(|heard| heard.frames() == [Frame::Ping]), "{heard:?}");
        let heard = peer.waits(10_000 * MS);
        assert_eq!(peer.events(), []);
        // Nothing that would tell a round trip: the newest came long ago.
        peer.acknowledges(&[(asked[0].number, heard.last().unwrap().number)]);
        peer.active().rtt.forget();
    }
}

#[test]
fn an_answer_ends_the_doubling() {
    let mut peer = far_away(80 * MS);
    sends(&mut peer, 0..1);
    let probes = peer.waits(2000 * MS);
    peer.acknowledges(&[(probes[0].number, probes.last().unwrap().number)]);
    let timeout = peer.active().rtt.probe_timeout();
    let since = peer.now;
    sends(&mut peer, 1..2);
    assert_eq!(peer.waits(timeout).iter().map(|heard| heard.after(since)).collect::<Vec<_>>(), [timeout; 2]);
}

#[test]
fn a_peer_that_may_be_dozing_or_may_spread_its_answer_is_given_time_for_it() {
    // 8 ms + 4 × 4 ms + 25 ms; at least 200 ms after a second of silence.
    for (silent, spread, probed) in
        [(1000 * MS - TICK, 0, 49), (1000 * MS, 0, 200), (2000 * MS, 0, 200), (TICK, 100, 149), (1000 * MS, 100, 300)]
    {
        let mut peer = far_away(8 * MS);
        peer.now = peer.now + silent;
        let since = peer.now;
        peer.connection.send_spread(Channel::Notice, vec![1].into(), spread * MS).unwrap();
        assert_eq!(peer.hears().len(), 1);
        let probes = peer.waits(probed * MS);
        assert_eq!(probes.iter().map(|heard| heard.after(since)).collect::<Vec<_>>(), [probed * MS; 2], "{silent:?} {spread}");
    }
}
