//! The way between: addresses that change, datagrams that are too large, sessions that are forgotten.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use belfry_core::client::{Start, Update};
use belfry_core::connection::{Event, Side};
use belfry_core::endpoint::PeerId;
use belfry_core::limits::DATAGRAM_BYTES;
use belfry_core::wire::{Channel, CloseCode};
use belfry_tests::crowd::Crowd;
use belfry_tests::line::Line;
use belfry_tests::stranger::Stranger;
use belfry_tests::weather::Weather;
use belfry_tests::world::World;

use crate::{MS, SECOND, near, warm};

const ELSEWHERE: ([u8; 4], u16) = ([198, 51, 100, 9], 6000);

#[test]
fn migration() {
    let (mut line, peer) = Line::connected(near(), 1);
    let old = line.address;
    line.address = ELSEWHERE.into();
    line.caller.connection().expect("it is connected").ping();
    line.run_for(SECOND);
    assert_eq!(line.endpoint.stats().moves, 1);
    line.tape.clear();
    line.endpoint.send(peer, Channel::Chat, (*b"here you are").into()).expect("it is there");
    line.run_for(SECOND);
    assert!(matches!(&line.heard[..], [Event::Message { body, .. }] if body == b"here you are"));
    assert!(line.tape.iter().filter(|(up, _, _)| !up).all(|(_, to, _)| *to == SocketAddr::from(ELSEWHERE)), "nothing goes to {old}");
}

#[test]
fn migration_needs_proof() {
    // Somebody on the way sends the client's newest datagram from an address of his own: he is asked, and cannot answer.
    let (mut line, peer) = Line::connected(near(), 1);
    line.up.set_weather(Weather { loss: 1.0, ..near() });
    line.caller.connection().expect("it is connected").ping();
    line.run_for(MS);
    let (_, _, stolen) = line.tape.iter().rev().find(|(up, _, _)| *up).expect("a PING").clone();
    line.up.set_weather(near());
    line.tape.clear();
    line.endpoint.handle_datagram(line.now, ELSEWHERE.into(), &mut stolen.clone());
    line.run_for(5 * SECOND);
    assert_eq!(line.endpoint.stats().moves, 0);
    let sent: usize = line.tape.iter().filter(|(_, to, _)| *to == SocketAddr::from(ELSEWHERE)).map(|(_, _, bytes)| bytes.len()).sum();
    assert!(sent > 0 && sent <= 3 * stolen.len(), "{sent} bytes for {}", stolen.len());
    line.endpoint.send(peer, Channel::Chat, (*b"still here").into()).expect("it is there");
    line.run_for(SECOND);
    assert!(line.heard.iter().any(|event| matches!(event, Event::Message { body, .. } if body == b"still here")));
}

#[test]
fn migration_does_not_follow_an_older_packet() {
    let (mut line, _) = Line::connected(near(), 1);
    let first = line.caller.connection().expect("it is connected");
    first.ping();
    line.up.set_weather(Weather { loss: 1.0, ..near() });
    line.run_for(MS);
    let late = line.tape.iter().rev().find(|(up, _, _)| *up).expect("a PING").2.clone();
    line.up.set_weather(near());
    line.caller.connection().expect("it is connected").ping();
    line.run_for(SECOND);
    line.tape.clear();
    line.endpoint.handle_datagram(line.now, ELSEWHERE.into(), &mut late.clone());
    line.run_for(SECOND);
    assert!(line.tape.iter().all(|(_, to, _)| *to != SocketAddr::from(ELSEWHERE)), "where the peer was is not where it is");
}

#[test]
fn connect_too_low_mtu() {
    // The handshake is padded to what data will need, so a path that is too narrow shows at once.
    let mut world = World::new(Weather { mtu: Some(DATAGRAM_BYTES - 1), ..near() }, 1);
    world.join("alice", true, Start::Now);
    world.run_for(30 * SECOND);
    assert!(world.people[0].updates.iter().all(|update| matches!(update, Update::Disconnected { .. })), "{:?}", world.people[0].updates);
    assert_eq!(world.server().expect("it runs").transport().handshakes, 0);
    let mut world = World::new(Weather { mtu: Some(DATAGRAM_BYTES), ..near() }, 1);
    world.join("alice", true, Start::Now);
    assert!(world.run_until(5 * SECOND, |world| world.people[0].caught_up() == 1));
}

#[test]
fn blackhole_after_mtu_change_repairs_itself() {
    let mut pair = warm();
    // To the least that every path must carry: nothing is lost, because nothing was ever larger.
    pair.set_weather(Weather { mtu: Some(DATAGRAM_BYTES), ..near() }, 1);
    pair.send(Side::Server, Channel::Chat, vec![7; 60_000]);
    pair.run_for(5 * SECOND);
    assert_eq!(pair.client.messages(Channel::Chat).len(), 1);
    assert_eq!(pair.server.link.counters().too_large, 0);
    // Below it what fills a datagram is lost. Nobody is given up, and when the path is whole again everything arrives.
    pair.set_weather(Weather { mtu: Some(1000), ..near() }, 2);
    pair.send(Side::Server, Channel::Chat, vec![8; 60_000]);
    pair.run_for(100 * SECOND);
    assert_eq!(pair.client.messages(Channel::Chat).len(), 0);
    assert!(pair.server.link.counters().too_large > 0);
    pair.set_weather(near(), 3);
    assert!(pair.run_until(pair.now + 20 * SECOND, |pair| pair.server.connection.is_idle()));
    assert_eq!(pair.client.messages(Channel::Chat).len(), 1);
    assert!(pair.client.events.is_empty() && pair.server.events.is_empty());
}

#[test]
fn cid_retirement() {
    // A number is not given out again while a late datagram could mean the one before.
    let mut seen = BTreeSet::new();
    let mut crowd = Crowd::connected(100, 1);
    seen.extend(crowd.peers.iter().copied());
    assert_eq!(seen.len(), 100);
    let now = crowd.now;
    for peer in crowd.peers.clone() {
        crowd.endpoint.close(now, peer, CloseCode::NO_ERROR);
    }
    crowd.run_for(5 * SECOND);
    assert!(crowd.endpoint.is_empty());
    for &peer in &seen {
        assert!(crowd.endpoint.send(peer, Channel::Chat, (*b"nobody").into()).is_err());
    }
    for number in 0..100u8 {
        let later = now + 10 * SECOND + u32::from(number) * SECOND;
        let session = Stranger::new(1000 + u64::from(number)).shake_hands(&mut crowd.endpoint, later, ([10, 9, 9, number], 5000).into());
        assert!(!seen.contains(&PeerId(session.remote.0)), "{session:?}");
    }
}
