//! Two real connections over a network that misbehaves by seed.

use std::time::Duration;

use belfry_core::connection::{Event, Side};
use belfry_core::limits::{FILE_WINDOW_BYTES, HEARTBEAT_TIMEOUT, MESSAGE_BYTES_MAX};
use belfry_core::wire::{Channel, CloseCode};
use belfry_tests::pair::Pair;
use belfry_tests::weather::{Bottleneck, Weather};

const SECOND: Duration = Duration::from_secs(1);

/// A quiet network of a millisecond.
fn near() -> Weather {
    Weather { delay: Duration::from_millis(1), ..Weather::clear() }
}

fn body(number: u32, length: usize) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.resize(length.max(4), number as u8);
    body
}

/// Sends `count` messages of changing lengths each way and sees that each arrives once, in order.
fn check_delivery(weather: Weather, seed: u64, count: u32, length: impl Fn(u32) -> usize) {
    let mut pair = Pair::new(weather, seed);
    let sent: Vec<_> = (0..count).map(|i| body(i, length(i))).collect();
    let mut received = (Vec::new(), Vec::new());
    let mut next = 0;
    let deadline = pair.now + 600 * SECOND;
    while received.0.len() < sent.len() || received.1.len() < sent.len() {
        // As an application does: not more at once than the queue takes.
        while next < sent.len() && next < received.0.len().min(received.1.len()) + 3 {
            pair.send(Side::Client, Channel::Chat, sent[next].clone());
            pair.send(Side::Server, Channel::Chat, sent[next].clone());
            next += 1;
        }
        assert!(pair.step() && pair.now < deadline, "seed {seed}: stuck with {} and {} of {count}", received.0.len(), received.1.len());
        received.0.extend(pair.server.messages(Channel::Chat));
        received.1.extend(pair.client.messages(Channel::Chat));
        // Nine probes in a row may be lost in a storm; the client says so and goes on.
        pair.client.events.retain(|event| *event != Event::Silent);
        assert!(
            pair.client.events.is_empty() && pair.server.events.is_empty(),
            "seed {seed}: {:?} {:?}",
            pair.client.events,
            pair.server.events
        );
    }
    assert!(received.0 == sent && received.1 == sent, "seed {seed}: something else arrived");
}

#[test]
fn a_message_arrives_in_one_trip() {
    let mut pair = Pair::new(near(), 1);
    pair.run_for(SECOND);
    let before = pair.now;
    pair.send(Side::Client, Channel::Chat, *b"hello");
    assert!(pair.run_until(before + SECOND, |pair| !pair.server.events.is_empty()));
    assert_eq!(pair.server.messages(Channel::Chat), [b"hello".to_vec()]);
    assert_eq!(pair.now.since(before), Duration::from_millis(1));
}

#[test]
fn small_messages_arrive_once_and_in_order_in_a_storm() {
    for seed in 0..50 {
        check_delivery(Weather::storm(), seed, 200, |_| 40);
    }
}

#[test]
fn large_messages_arrive_whole_in_a_storm() {
    for seed in 0..20 {
        check_delivery(Weather::storm(), seed, 20, |i| if i % 2 == 0 { MESSAGE_BYTES_MAX / (1 + i as usize) } else { 10 });
    }
}

#[test]
fn a_quiet_pair_falls_silent_but_for_the_keepalive() {
    let mut pair = Pair::new(near(), 1);
    pair.send(Side::Client, Channel::Chat, *b"hello");
    pair.run_for(SECOND);
    let (sent, wakes) = (pair.client.sent + pair.server.sent, pair.wakes);
    pair.run_for(300 * SECOND);
    let (sent, wakes) = (pair.client.sent + pair.server.sent - sent, pair.wakes - wakes);
    assert!((20..=32).contains(&sent), "ten to sixteen pings and their answers, not {sent}");
    assert!(wakes <= 60, "{wakes} wake-ups in five minutes");
}

#[test]
fn a_server_gives_up_a_silent_client_at_the_heartbeat_timeout() {
    let mut pair = Pair::new(near(), 1);
    pair.run_for(SECOND);
    let heard = pair.now;
    pair.set_weather(Weather { loss: 1.0, ..near() }, 2);
    assert!(pair.run_until(heard + 2 * HEARTBEAT_TIMEOUT, |pair| pair.server.events.contains(&Event::Silent)));
    assert!(pair.now.since(heard) <= HEARTBEAT_TIMEOUT);
    assert!(pair.server.connection.is_over());
}

#[test]
fn a_client_notices_a_dead_server_within_five_seconds_of_asking() {
    let mut pair = Pair::new(near(), 1);
    pair.run_for(SECOND);
    pair.set_weather(Weather { loss: 1.0, ..near() }, 2);
    pair.send(Side::Client, Channel::Chat, *b"anybody there?");
    let asked = pair.now;
    assert!(pair.run_until(asked + 20 * SECOND, |pair| pair.client.events.contains(&Event::Silent)));
    assert!(pair.now.since(asked) <= 5 * SECOND, "{:?}", pair.now.since(asked));
}

#[test]
fn a_goodbye_is_heard_and_answered() {
    for seed in 0..50 {
        let mut pair = Pair::new(near(), seed);
        pair.run_for(SECOND);
        let now = pair.now;
        pair.client.connection.close(now, CloseCode::NO_ERROR);
        pair.run_for(SECOND);
        assert_eq!(pair.server.events, [Event::Closed(CloseCode::NO_ERROR)]);
        assert_eq!(pair.client.events, [Event::Ended]);
        assert!(pair.client.connection.is_over() && pair.server.connection.is_over());
    }
}

#[test]
fn a_goodbye_into_the_void_ends_within_a_second() {
    let mut pair = Pair::new(near(), 1);
    pair.run_for(SECOND);
    pair.set_weather(Weather { loss: 1.0, ..near() }, 2);
    let now = pair.now;
    pair.client.connection.close(now, CloseCode::NO_ERROR);
    assert!(pair.run_until(now + 5 * SECOND, |pair| pair.client.connection.is_over()));
    assert!(pair.now.since(now) <= SECOND);
}

#[test]
fn urgent_channels_leave_before_the_others() {
    let mut pair = Pair::new(near(), 1);
    pair.run_for(SECOND);
    for i in 0..3 {
        pair.send(Side::Server, Channel::History, body(i, 60_000));
    }
    pair.run_for(Duration::from_millis(2));
    pair.send(Side::Server, Channel::Notice, *b"fire");
    let asked = pair.now;
    assert!(pair.run_until(asked + SECOND, |pair| {
        pair.client.events.iter().any(|event| matches!(event, Event::Message { channel: Channel::Notice, .. }))
    }));
    assert!(pair.now.since(asked) <= Duration::from_millis(5), "{:?}", pair.now.since(asked));
}

/// Blocks of files that fill the server's queue, on their way to a client that lets so much of them come.
fn carrying(window: u64) -> Pair {
    let mut pair = Pair::new(near(), 1);
    pair.client.connection.set_file_window(window);
    pair.run_for(SECOND);
    let block = Channel::File.message_bytes_to_client_max();
    for number in 0..127 {
        pair.send(Side::Server, Channel::File, body(number, block));
    }
    assert!(pair.server.connection.waiting_bytes(Channel::File) > Channel::File.queue_bytes_max() - 2 * block as u64);
    pair
}

#[test]
fn a_notice_leaves_in_the_next_datagram_while_eight_mebibytes_of_files_wait() {
    let mut pair = carrying(FILE_WINDOW_BYTES);
    pair.run_for(Duration::from_millis(20));
    assert!(pair.client.messages(Channel::File).len() > 1, "the transfer runs");
    let before = pair.server.sent;
    pair.send(Side::Server, Channel::Notice, *b"fire");
    pair.run_until(pair.now + SECOND, |pair| pair.server.sent > before);
    let left = pair.now;
    let is_here = |pair: &Pair| pair.client.events.iter().any(|event| matches!(event, Event::Message { channel: Channel::Notice, .. }));
    assert!(pair.run_until(left + SECOND, is_here));
    assert!(pair.now.since(left) <= Duration::from_millis(1), "one way on that path: {:?}", pair.now.since(left));
}

#[test]
fn nothing_of_a_file_comes_before_it_is_let_come_and_no_more_than_that() {
    let mut pair = carrying(0);
    pair.run_for(10 * SECOND);
    assert_eq!(pair.client.messages(Channel::File).len(), 0);
    let block = Channel::File.message_bytes_to_client_max() as u64;
    pair.client.connection.set_file_window(3 * block);
    pair.client.connection.set_file_window(0);
    pair.run_for(10 * SECOND);
    assert_eq!(pair.client.messages(Channel::File).len(), 3, "what was granted stays granted, and no more is");
    pair.client.connection.set_file_window(FILE_WINDOW_BYTES);
    assert!(pair.run_until(pair.now + 60 * SECOND, |pair| pair.server.connection.is_idle()));
    assert_eq!(pair.client.messages(Channel::File).len(), 124);
}

#[test]
fn a_page_that_is_read_beside_a_file_has_three_of_four_datagrams() {
    let mut pair = carrying(FILE_WINDOW_BYTES);
    // A link that is full all the time: what leaves is what fits.
    let bottleneck = Some(Bottleneck { bytes_per_second: 5_000_000, queue_bytes: 64 * 1024 });
    pair.set_weather(Weather { bottleneck, ..near() }, 1);
    let arrived = |pair: &mut Pair, channel| pair.client.messages(channel).iter().map(Vec::len).sum::<usize>();
    for number in 0..10 {
        pair.send(Side::Server, Channel::History, body(number, 60_000));
    }
    assert!(pair.run_until(pair.now + SECOND, |pair| pair.server.connection.waiting_bytes(Channel::History) == 0));
    let (page, file) = (arrived(&mut pair, Channel::History), arrived(&mut pair, Channel::File));
    assert_eq!(page, 600_000);
    // Blocks are told when they are whole, so that one more or less may be.
    assert!((100_000..=300_000).contains(&file), "{file} bytes of the file beside {page} of pages");
}

#[test]
fn a_clean_path_loses_nothing_and_repeats_nothing() {
    let mut pair = Pair::new(near(), 1);
    for i in 0..100 {
        pair.send(Side::Server, Channel::Chat, body(i, 1000));
        pair.run_for(Duration::from_millis(3));
    }
    pair.run_for(SECOND);
    assert_eq!(pair.client.messages(Channel::Chat).len(), 100);
    let stats = pair.server.connection.stats();
    assert_eq!((stats.packets_lost, stats.probe_timeouts), (0, 0));
}

#[test]
fn a_notice_leaves_before_megabytes_that_wait() {
    let mut pair = Pair::new(near(), 1);
    pair.run_for(SECOND);
    for i in 0..4 {
        pair.send(Side::Server, Channel::History, body(i, 60_000));
    }
    pair.send(Side::Server, Channel::Chat, body(9, 60_000));
    pair.send(Side::Server, Channel::Notice, *b"fire");
    pair.run_until(pair.now + Duration::from_millis(1), |pair| pair.server.sent > 0);
    assert!(pair.run_until(pair.now + SECOND, |pair| !pair.client.events.is_empty()));
    assert_eq!(pair.client.messages(Channel::Notice), [b"fire".to_vec()], "it was not the first to arrive: {:?}", pair.client.events.len());
}

#[test]
fn spread_acknowledgements_cause_no_retransmission() {
    for seed in 0..50 {
        let mut pair = Pair::new(near(), seed);
        pair.run_for(SECOND);
        let before = (pair.server.sent, pair.server.connection.stats());
        let body: belfry_core::connection::Body = (*b"everybody out").into();
        pair.server.connection.send_spread(Channel::Notice, body, 2 * SECOND).expect("the connection is open");
        pair.run_for(5 * SECOND);
        assert_eq!(pair.client.messages(Channel::Notice).len(), 1);
        assert_eq!(pair.server.sent - before.0, 1, "seed {seed}");
        assert_eq!(pair.server.connection.stats(), before.1, "seed {seed}");
    }
}

#[test]
fn old_and_new_keys_live_side_by_side_while_the_network_reorders() {
    for seed in 0..20 {
        let weather = Weather { reorder: 0.3, reorder_delay: Duration::from_millis(30), ..near() };
        let mut pair = Pair::new(weather, seed);
        pair.run_for(SECOND);
        for i in 0..100 {
            if i % 25 == 24 {
                pair.change_keys();
            }
            pair.send(Side::Client, Channel::Chat, body(i, 100));
            pair.send(Side::Server, Channel::Chat, body(i, 100));
            pair.run_for(Duration::from_millis(10));
        }
        pair.run_for(5 * SECOND);
        assert_eq!((pair.client.messages(Channel::Chat).len(), pair.server.messages(Channel::Chat).len()), (100, 100), "seed {seed}");
        assert_eq!(pair.server.connection.stats().key_changes, 4, "seed {seed}");
    }
}

#[test]
fn a_connection_that_rests_is_parked_and_goes_on_as_if_it_had_not() {
    for seed in 0..20 {
        let mut pair = Pair::new(Weather { loss: 0.1, ..near() }, seed);
        for i in 0..50 {
            pair.send(Side::Client, Channel::Chat, body(i, 3000));
            pair.send(Side::Server, Channel::Notice, body(i, 200));
            pair.run_for(10 * SECOND);
        }
        let both = |pair: &Pair| pair.client.connection.is_parked() && pair.server.connection.is_parked();
        assert!(pair.run_until(pair.now + 30 * SECOND, both), "seed {seed}: nobody rests");
        assert_eq!((pair.server.messages(Channel::Chat).len(), pair.client.messages(Channel::Notice).len()), (50, 50), "seed {seed}");
    }
}

#[test]
fn what_is_not_the_peers_does_not_wake_a_parked_connection() {
    let mut pair = Pair::new(near(), 1);
    pair.run_for(10 * SECOND);
    assert!(pair.server.connection.is_parked());
    let mut forged = vec![0x40];
    forged.extend_from_slice(&9u32.to_le_bytes());
    forged.resize(60, 7);
    pair.deliver(Side::Server, forged);
    assert!(pair.server.connection.is_parked());
    assert_eq!(pair.server.connection.stats().forged, 1);
}
