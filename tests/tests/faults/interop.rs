//! The cases of quic-interop-runner that apply, by their names: 10 Mbit/s with a queue of 25 datagrams, 15 ms each way.

use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::client::Start;
use belfry_core::connection::{Event, Side};
use belfry_core::wire::Channel;
use belfry_core::wire::datagram::{self, Datagram};
use belfry_tests::line::Line;
use belfry_tests::pair::Pair;
use belfry_tests::weather::{Bottleneck, Weather};
use belfry_tests::world::World;

use crate::seeds;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// 10 Mbit/s.
const RATE: u64 = 1_250_000;

const PAGE: usize = 60_000;

const fn simple(delay: Duration) -> Weather {
    let mut weather = Weather::clear();
    weather.delay = delay;
    weather.bottleneck = Some(Bottleneck { bytes_per_second: RATE, queue_bytes: 25 * 1500 });
    weather
}

/// Ships so many bytes from the server to the client, whatever `meanwhile` does to the pair; how many arrived a second.
fn ship(pair: &mut Pair, bytes: usize, mut meanwhile: impl FnMut(&mut Pair, Duration)) -> f64 {
    let (start, mut sent, mut received) = (pair.now, 0, 0);
    let messages = bytes / PAGE;
    while received < messages {
        while sent < messages && pair.server.connection.waiting_bytes(Channel::History) + (PAGE as u64) < 240_000 {
            pair.send(Side::Server, Channel::History, vec![sent as u8; PAGE]);
            sent += 1;
        }
        let elapsed = pair.now.since(start);
        assert!(elapsed < 300 * SECOND, "stuck with {received} of {messages}");
        meanwhile(pair, elapsed);
        pair.run_until(pair.now + 5 * MS, |pair| !pair.client.events.is_empty());
        for event in std::mem::take(&mut pair.client.events) {
            let Event::Message { body, .. } = event else { panic!("{event:?} after {:?}", pair.now.since(start)) };
            assert!(body.len() == PAGE && body.iter().all(|&byte| byte == received as u8), "something else than {received}");
            received += 1;
        }
    }
    (messages * PAGE) as f64 / pair.now.since(start).as_secs_f64()
}

fn tell(name: &str, goodput: f64) {
    println!("{name}: {:.2} Mbit/s of 10", goodput * 8.0 / 1_000_000.0);
}

#[test]
fn longrtt_750_ms_each_way() {
    let mut pair = Pair::new(simple(750 * MS), 1);
    // Neither knows the round trip before it has asked once.
    pair.send(Side::Client, Channel::Chat, *b"first");
    pair.send(Side::Server, Channel::Chat, *b"first");
    pair.run_for(30 * SECOND);
    pair.client.events.clear();
    pair.server.events.clear();
    let before = [&pair.client, &pair.server].map(|end| end.connection.stats());
    for round in 0..20 {
        for side in [Side::Client, Side::Server] {
            pair.send(side, Channel::Chat, vec![round; 1000]);
        }
        let asked = pair.now;
        assert!(pair.run_until(asked + 2 * SECOND, |pair| !pair.client.events.is_empty() && !pair.server.events.is_empty()));
        assert!(pair.now.since(asked) < 755 * MS, "{:?}", pair.now.since(asked));
        pair.client.messages(Channel::Chat);
        pair.server.messages(Channel::Chat);
        pair.run_for(5 * SECOND);
    }
    // Nobody asks again before an answer could have come.
    assert_eq!([&pair.client, &pair.server].map(|end| end.connection.stats()), before);
    let goodput = ship(&mut pair, 2_000_000, |_, _| {});
    tell("longrtt", goodput);
    // Most of it is the window's growth, by one datagram in each round trip of a second and a half.
    assert!(goodput > 80_000.0, "{goodput}");
}

#[test]
fn longrtt_handshake() {
    let mut world = World::new(Weather { delay: 750 * MS, ..Weather::clear() }, 1);
    let person = world.join("alice", true, Start::Now);
    let start = world.now;
    assert!(world.run_until(60 * SECOND, |world| world.people[person].caught_up() == 1));
    println!("longrtt: signed in after {:?}", world.now.since(start));
    assert!(world.now.since(start) < 10 * SECOND);
}

/// Fifty people connect at once; how long until the last has caught up.
fn fifty_connect(name: &str, weather: Weather) {
    for seed in 0..seeds(1) {
        let mut world = World::new(Weather { run_max: Some(3), delay: 15 * MS, ..weather }, seed);
        for person in 0..50 {
            world.join(&format!("person {person}"), true, Start::Now);
        }
        let start = world.now;
        let all = world.run_until(300 * SECOND, |world| world.people.iter().all(|person| person.caught_up() > 0));
        let there = world.people.iter().filter(|person| person.caught_up() > 0).count();
        println!("{name}, seed {seed}: {there} of 50 after {:?}", world.now.since(start));
        assert!(all, "{there} of 50");
    }
}

#[test]
fn handshakeloss_30_percent_in_runs_of_up_to_three() {
    fifty_connect("handshakeloss", Weather { loss: 0.3, ..Weather::clear() });
}

#[test]
fn handshakecorruption_30_percent_in_runs_of_up_to_three() {
    fifty_connect("handshakecorruption", Weather { corrupt: 0.3, ..Weather::clear() });
}

#[test]
fn transferloss_2_percent() {
    let mut pair = Pair::new(Weather { loss: 0.02, ..simple(15 * MS) }, 1);
    let goodput = ship(&mut pair, 2_000_000, |_, _| {});
    tell("transferloss", goodput);
    assert!(goodput >= 0.85 * RATE as f64);
}

#[test]
fn transfercorruption_2_percent() {
    let mut pair = Pair::new(Weather { corrupt: 0.02, ..simple(15 * MS) }, 1);
    let goodput = ship(&mut pair, 2_000_000, |_, _| {});
    tell("transfercorruption", goodput);
    assert!(goodput >= 0.85 * RATE as f64);
    assert!(pair.client.connection.stats().forged > 0);
}

#[test]
fn blackhole_5_s_on_and_2_s_off() {
    let mut pair = Pair::new(simple(15 * MS), 1);
    let mut was_dark = false;
    let goodput = ship(&mut pair, 10_000_000, |pair, elapsed| {
        let dark = elapsed.as_millis() % 7000 >= 5000;
        if dark != was_dark {
            was_dark = dark;
            let loss = if dark { 1.0 } else { 0.0 };
            pair.client.link.set_weather(Weather { loss, ..simple(15 * MS) });
            pair.server.link.set_weather(Weather { loss, ..simple(15 * MS) });
        }
    });
    tell("blackhole", goodput);
    // Five sevenths are light; after two seconds of darkness the next probe may be one away.
    assert!(goodput >= 0.4 * RATE as f64);
}

/// 10 MB to a caller whose address changes after a second and then every five.
fn rebind(name: &str, address: impl Fn(u16) -> SocketAddr) {
    const PAGES: usize = 10_000_000 / PAGE;
    let (mut line, peer) = Line::connected(simple(15 * MS), 1);
    let (start, mut sent, mut moves) = (line.now, 0, 0u16);
    while line.heard_bytes() < PAGES * PAGE {
        while sent < PAGES && line.heard_bytes() + 2 * PAGE > sent * PAGE {
            line.endpoint.send(peer, Channel::History, vec![sent as u8; PAGE].into()).expect("it is there");
            sent += 1;
        }
        let elapsed = line.now.since(start);
        assert!(elapsed < 120 * SECOND, "stuck after {moves} moves with {} bytes", line.heard_bytes());
        if elapsed >= SECOND + 5 * SECOND * u32::from(moves) {
            moves += 1;
            line.address = address(moves);
            // Its operating system says so; behind a router's new port nobody does, and the next datagram tells the server.
            line.caller.connection().expect("it is connected").ping();
        }
        let heard = line.heard.len();
        line.run_until(20 * MS, |line| line.heard.len() > heard);
    }
    let goodput = (PAGES * PAGE) as f64 / line.now.since(start).as_secs_f64();
    tell(name, goodput);
    assert!(line.heard.iter().all(|event| matches!(event, Event::Message { .. })), "once, in order, without a break");
    assert_eq!(line.endpoint.stats().moves, u64::from(moves));
    assert!(moves >= 2 && goodput >= 0.5 * RATE as f64, "{moves} moves, {goodput}");
}

#[test]
fn rebind_port() {
    rebind("rebind-port", |number| ([192, 0, 2, 7], 6000 + number).into());
}

#[test]
fn rebind_addr() {
    rebind("rebind-addr", |number| ([198, 51, 100, number as u8], 5000).into());
}

#[test]
fn amplification_limit_when_the_clients_second_to_seventh_datagrams_are_lost() {
    let lost = (2, 7);
    let mut world = World::new(Weather { delay: 15 * MS, ..Weather::clear() }, 1);
    let person = world.join("alice", true, Start::Now);
    world.set_weather_up(person, Weather { delay: 15 * MS, lose: Some(lost), ..Weather::clear() });
    world.tape = Some(Vec::new());
    assert!(world.run_until(60 * SECOND, |world| world.people[person].caught_up() == 1));
    let server = world.server_address();
    let (mut number, mut received, mut answered, mut proven) = (0, 0, 0, false);
    for taped in world.tape.iter().flatten() {
        if taped.to == server {
            number += 1;
            if !(lost.0..=lost.1).contains(&number) {
                received += taped.bytes.len();
                proven |= matches!(datagram::decode(&taped.bytes), Ok(Datagram::Hello(_)));
            }
        } else if !proven {
            answered += taped.bytes.len();
        }
        assert!(proven || answered <= received, "{answered} bytes for {received}");
    }
    println!("amplification: {answered} bytes to an address that had sent {received}, then proven");
    assert!(proven && number > 7);
}

#[test]
fn multiplexing_1999_messages_of_32_bytes() {
    let mut pair = Pair::new(simple(15 * MS), 1);
    pair.run_for(SECOND);
    let before = pair.client.sent;
    for number in 0..1999u32 {
        let mut body = number.to_le_bytes().to_vec();
        body.resize(32, 7);
        pair.send(Side::Client, Channel::Chat, body);
    }
    let start = pair.now;
    assert!(pair.run_until(start + 60 * SECOND, |pair| pair.server.events.len() == 1999));
    let numbers: Vec<_> =
        pair.server.messages(Channel::Chat).iter().map(|body| u32::from_le_bytes(body[..4].try_into().unwrap())).collect();
    assert!(numbers.into_iter().eq(0..1999));
    println!("multiplexing: {:?} and {} datagrams", pair.now.since(start), pair.client.sent - before);
    // 64 KB at 10 Mbit/s are 51 ms, and messages of one moment share datagrams.
    assert!(pair.now.since(start) < 500 * MS && pair.client.sent - before < 100);
}

#[test]
fn goodput_10_mb() {
    for seed in 0..seeds(3) {
        let mut pair = Pair::new(simple(15 * MS), seed);
        let goodput = ship(&mut pair, 10_000_000, |_, _| {});
        tell(&format!("goodput, seed {seed}"), goodput);
        assert!(goodput >= 0.85 * RATE as f64);
    }
}
