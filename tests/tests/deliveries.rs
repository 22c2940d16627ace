//! What a message to somebody costs the endpoint while the connection is at work: no memory, and no more datagrams than it takes.

use std::time::Duration;

use belfry_core::connection::Body;
use belfry_core::endpoint::Output;
use belfry_core::wire::Channel;
use belfry_tests::crowd::{Crowd, address_of};
use belfry_tests::pair::seeded;

const CALLERS: usize = 3;

/// Everybody hears something twice a second, as in a room where people talk.
fn at_work() -> Crowd {
    let mut crowd = Crowd::connected(CALLERS, 1);
    for _ in 0..8 {
        for peer in crowd.peers.clone() {
            crowd.endpoint.send(peer, Channel::Chat, said(1)).expect("there is room");
        }
        crowd.run_for(Duration::from_millis(500));
    }
    crowd
}

fn said(what: u8) -> Body {
    vec![what; 200].into()
}

#[test]
fn a_message_and_its_acknowledgement_take_no_memory() {
    let mut crowd = at_work();
    let mut out = Vec::with_capacity(2048);
    let body = said(2);
    for caller in 0..CALLERS {
        let peer = crowd.peers[caller];
        let now = crowd.now;
        let sent = allocation_counter::measure(|| {
            crowd.endpoint.send(peer, Channel::Chat, body.clone()).expect("there is room");
            assert_eq!(crowd.endpoint.poll(now, &mut out), Output::Transmit { to: address_of(caller) });
        });
        crowd.callers[caller].handle_datagram(now, &mut out, &mut seeded(7));
        let connection = crowd.callers[caller].connection().expect("it is connected");
        let (at, _) = connection.next_timeout().expect("its acknowledgement waits for company");
        connection.handle_timeout(at);
        let mut acknowledgement = Vec::new();
        assert!(crowd.callers[caller].poll_transmit(at, &mut seeded(8), &mut acknowledgement));
        let acknowledged = allocation_counter::measure(|| {
            crowd.endpoint.handle_datagram(at, address_of(caller), &mut acknowledgement);
            assert!(matches!(crowd.endpoint.poll(at, &mut out), Output::Wait(_)));
        });
        assert_eq!((sent.count_total, acknowledged.count_total), (0, 0), "caller {caller}");
        assert_eq!(crowd.endpoint.queued_bytes(peer), 0);
        crowd.now = at;
    }
}

#[test]
fn what_is_said_to_somebody_before_the_next_datagram_leaves_goes_in_one() {
    let mut crowd = at_work();
    let mut out = Vec::new();
    for what in 0..5 {
        for peer in crowd.peers.clone() {
            crowd.endpoint.send(peer, Channel::Chat, said(what)).expect("there is room");
        }
    }
    let now = crowd.now;
    let mut left = Vec::new();
    while let Output::Transmit { to } = crowd.endpoint.poll(now, &mut out) {
        left.push(to);
    }
    assert_eq!(left, (0..CALLERS).map(address_of).collect::<Vec<_>>());
}

#[test]
fn whoever_is_sent_much_has_a_turn_of_sixteen_kilobytes_before_the_next() {
    let mut crowd = at_work();
    let mut out = Vec::new();
    // A window that lets more than a turn leave at once: it opens with what is acknowledged.
    for _ in 0..30 {
        crowd.endpoint.send(crowd.peers[0], Channel::History, vec![3; 20_000].into()).expect("there is room");
        crowd.run_for(Duration::from_millis(500));
    }
    crowd.endpoint.send(crowd.peers[0], Channel::History, vec![3; 60_000].into()).expect("there is room");
    crowd.endpoint.send(crowd.peers[1], Channel::Chat, said(4)).expect("there is room");
    let now = crowd.now;
    let mut before = 0;
    while let Output::Transmit { to } = crowd.endpoint.poll(now, &mut out) {
        if to == address_of(1) {
            break;
        }
        before += out.len();
    }
    assert!((1200..16 * 1024 + 1200).contains(&before), "{before} bytes to the one before the other's message");
}
