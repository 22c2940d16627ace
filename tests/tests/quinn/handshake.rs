//! From the first datagram to the confirmed keys.

use belfry_core::client::{Client, Command, Failure, Interruption, Outdated, Start, Update};
use belfry_core::connection::{Connection, Event};
use belfry_core::crypto::KeyPair;
use belfry_core::endpoint::{self, Endpoint, Output};
use belfry_core::limits::{DATAGRAM_BYTES, IDENTITIES_MAX, PROVISIONAL_LIFE, VERSION_RETRY_MAX, VERSION_RETRY_MIN};
use belfry_core::time::Instant;
use belfry_core::wire::CloseCode;
use belfry_core::wire::datagram::{self, Datagram, Hello0, Retry};
use belfry_tests::line::Line;
use belfry_tests::pair::seeded;
use belfry_tests::stranger::{Stranger, drain, repair_checksum};
use belfry_tests::weather::Weather;
use belfry_tests::world::World;

use crate::{MS, SECOND, near};

fn alice(weather: Weather) -> World {
    let mut world = World::new(weather, 1);
    world.join("alice", true, Start::Now);
    world
}

fn is_in(world: &World) -> bool {
    world.people.iter().all(|person| person.caught_up() > 0)
}

fn endpoint(identities: usize) -> Endpoint {
    let mut rng = seeded(1);
    let mut keys = (0..identities).map(|_| KeyPair::generate(&mut rng));
    let config = endpoint::Config { identity: keys.next().expect("one at least"), retired: keys.collect() };
    Endpoint::new(config, seeded(2), start())
}

fn start() -> Instant {
    Instant::from_micros(1_000_000_000)
}

fn ask(endpoint: &mut Endpoint, from: [u8; 4], mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
    endpoint.handle_datagram(start(), (from, 5000).into(), &mut bytes);
    drain(endpoint, start()).0.into_iter().map(|(_, bytes)| bytes).collect()
}

#[test]
fn lifecycle() {
    let (mut line, _) = Line::connected(near(), 1);
    let now = line.now;
    assert!(!line.endpoint.is_empty() && line.heard.is_empty());
    line.caller.connection().expect("it is connected").close(now, CloseCode::NO_ERROR);
    line.run_for(SECOND);
    assert!(matches!(line.told.last(), Some(endpoint::Event::Gone { why: CloseCode::NO_ERROR, .. })), "{:?}", line.told);
    assert_eq!(line.heard, [Event::Ended]);
    assert!(line.endpoint.is_empty(), "nothing of it is left");
    line.run_for(PROVISIONAL_LIFE);
    assert_eq!(line.endpoint.poll(line.now, &mut Vec::new()), Output::Wait(None));
}

#[test]
fn version_negotiate_server() {
    let mut endpoint = endpoint(1);
    let mut hello0 = Vec::new();
    Hello0 { nonce: [7; 8], send_key: true, versions: vec![0x0a0a] }.encode(&mut hello0);
    let answers = ask(&mut endpoint, [10, 0, 0, 1], hello0);
    let Ok(Datagram::Retry(retry)) = datagram::decode(&answers[0]) else { panic!("a RETRY that lists what we speak") };
    assert_eq!(retry.versions, [datagram::VERSION]);
    assert!(endpoint.is_empty());
}

#[test]
fn version_negotiate_client() {
    let mut world = alice(near());
    world.tape = Some(Vec::new());
    world.run_for(MS);
    let asked = world.tape.take().expect("it runs").remove(0).bytes;
    let Ok(Datagram::Hello0(asked)) = datagram::decode(&asked) else { panic!("a HELLO0") };
    let mut retry = Vec::new();
    let key = world.server_key();
    Retry { nonce: asked.nonce, cookie: [0; 16], key_ids: vec![key.id()], key: Some(key.0), versions: vec![0x0a0a] }.encode(&mut retry);
    world.inject_at(0, world.server_address(), retry);
    world.run_for(MS);
    assert!(waits_for_an_update(&world.people[0].updates, Outdated::Client), "{:?}", world.people[0].updates);
}

/// Whether this is the last that a client has said, and how long it waits: minutes.
fn waits_for_an_update(updates: &[Update], of: Outdated) -> bool {
    let minutes = VERSION_RETRY_MIN..=VERSION_RETRY_MAX;
    let waits = |update: &Update| match update {
        Update::Disconnected { why: Interruption::Version(outdated), retry_in } => *outdated == of && minutes.contains(retry_in),
        _ => false,
    };
    updates.last().is_some_and(waits)
}

#[test]
fn a_client_that_was_updated_first_comes_in_by_itself_once_the_server_is_too_and_asks_rarely_until_then() {
    let mut world = alice(near());
    let (address, key) = (world.server_address(), world.server_key());
    let mut asked_at = Vec::new();
    let question = |world: &World| {
        let hello0 = |bytes: &[u8]| match datagram::decode(bytes) {
            Ok(Datagram::Hello0(hello0)) => Some(hello0.nonce),
            _ => None,
        };
        world.tape.iter().flatten().find_map(|sent| hello0(&sent.bytes))
    };
    // A server of another version, for the first three times.
    while asked_at.len() < 3 {
        world.tape = Some(Vec::new());
        assert!(world.run_until(VERSION_RETRY_MAX + SECOND, |world| question(world).is_some()), "it asks again");
        let nonce = question(&world).expect("it has asked");
        asked_at.push(world.clock().instant);
        let mut retry = Vec::new();
        Retry { nonce, cookie: [0; 16], key_ids: vec![key.id()], key: Some(key.0), versions: vec![1] }.encode(&mut retry);
        world.inject_at(0, address, retry);
        let told = world.run_until(MS, |world| waits_for_an_update(&world.people[0].updates, Outdated::Server));
        assert!(told, "its person is told each time: {:?}", world.people[0].updates);
    }
    let pauses: Vec<_> = asked_at.windows(2).map(|two| two[1].since(two[0])).collect();
    assert!(pauses.iter().all(|pause| (VERSION_RETRY_MIN..VERSION_RETRY_MAX + SECOND).contains(pause)), "{pauses:?}");
    assert_ne!(pauses[0], pauses[1], "a house does not ask all at once");
    assert!(world.run_until(VERSION_RETRY_MAX + SECOND, |world| world.people[0].updates.contains(&Update::CaughtUp)));
}

/// The first datagram of this type that 0.1.0 published.
fn of_0_1_0(kind: &str) -> Vec<u8> {
    let cases: Vec<serde_json::Value> = serde_json::from_str(include_str!("../../house-0.1.0/vectors/datagrams.json")).expect("JSON");
    let case = cases.iter().find(|case| case["meaning"]["type"] == kind).expect("it is among them");
    let digits = case["bytes"].as_str().expect("digits");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits")).collect()
}

#[test]
fn a_client_of_0_1_0_is_told_which_version_is_spoken() {
    let answers = ask(&mut endpoint(1), [10, 0, 0, 1], of_0_1_0("HELLO0"));
    let Ok(Datagram::Retry(retry)) = datagram::decode(&answers[0]) else { panic!("a RETRY that lists what we speak") };
    assert_eq!(retry.versions, [datagram::VERSION], "0.1.0 reads this in a RETRY of any version, and says what to do");
}

#[test]
fn a_server_of_0_1_0_is_the_one_to_be_updated() {
    let mut world = alice(near());
    world.tape = Some(Vec::new());
    world.run_for(MS);
    let asked = world.tape.take().expect("it runs").remove(0).bytes;
    let Ok(Datagram::Hello0(asked)) = datagram::decode(&asked) else { panic!("a HELLO0") };
    let mut retry = of_0_1_0("RETRY");
    retry[16..24].copy_from_slice(&asked.nonce);
    let key_id = retry[41..49].to_vec();
    assert_eq!(retry[40], 1, "one key's number behind nonce and cookie: {key_id:?}");
    retry[41..49].copy_from_slice(&world.server_key().id());
    repair_checksum(&mut retry);
    world.inject_at(0, world.server_address(), retry);
    world.run_for(MS);
    assert!(waits_for_an_update(&world.people[0].updates, Outdated::Server), "{:?}", world.people[0].updates);
}

#[test]
fn draft_version_compat() {
    // A newer client offers what we know among what we do not.
    let mut endpoint = endpoint(1);
    let mut hello0 = Vec::new();
    Hello0 { nonce: Stranger::new(3).nonce, send_key: true, versions: vec![9, 8, datagram::VERSION] }.encode(&mut hello0);
    let retry = ask(&mut endpoint, [10, 0, 0, 1], hello0).remove(0);
    let (hello, mut initiator) = Stranger::new(3).hello(&retry).expect("a RETRY");
    let response = ask(&mut endpoint, [10, 0, 0, 1], hello).remove(0);
    assert!(Stranger::session(&mut initiator, &response).is_some());
}

#[test]
fn stateless_retry() {
    let mut endpoint = endpoint(1);
    for number in 0..50 {
        assert_eq!(ask(&mut endpoint, [10, 0, 0, number], Stranger::new(u64::from(number)).hello0()).len(), 1);
    }
    assert!(endpoint.is_empty() && endpoint.poll(start(), &mut Vec::new()) == Output::Wait(None), "nothing is kept of them");
    Stranger::new(99).shake_hands(&mut endpoint, start(), ([10, 0, 0, 99], 5000).into());
    assert!(!endpoint.is_empty());
}

#[test]
fn initial_retransmit() {
    let mut world = alice(near());
    world.set_weather_up(0, Weather { lose: Some((1, 1)), ..near() });
    assert!(world.run_until(5 * SECOND, is_in));
    assert!(world.now.as_micros() >= 300_000, "the first was lost");
}

#[test]
fn server_hs_retransmit() {
    let mut line = Line::new(near(), 1);
    // The RETRY arrives, the RESPONSE does not.
    line.down.set_weather(Weather { lose: Some((2, 2)), ..near() });
    line.run_for(200 * MS);
    assert!(line.caller.connection().is_none());
    let hello = line.tape.iter().rev().find(|(up, _, _)| *up).expect("it was sent").2.clone();
    let from = line.address;
    line.endpoint.handle_datagram(line.now, from, &mut hello.clone());
    line.run_for(SECOND);
    assert!(line.caller.connection().is_some(), "the same answer again");
    assert_eq!(line.endpoint.stats().handshakes, 1, "and one connection");
    let responses: Vec<_> = line.tape.iter().filter(|(_, _, bytes)| matches!(datagram::decode(bytes), Ok(Datagram::Response(_)))).collect();
    assert!(responses.len() == 2 && responses[0].2 == responses[1].2);
}

#[test]
fn high_latency_handshake() {
    let mut world = alice(Weather { delay: 200 * MS, ..Weather::clear() });
    assert!(world.run_until(5 * SECOND, is_in));
    let transport = world.server().expect("it runs").transport();
    assert_eq!((transport.handshakes, transport.connections), (1, 1), "repeated datagrams make no second one");
}

#[test]
fn handshake_1rtt_handling() {
    // The first packet under the new keys is lost, the second confirms as well.
    let mut line = Line::new(near(), 1);
    line.up.set_weather(Weather { lose: Some((3, 3)), ..near() });
    assert!(line.run_until(5 * SECOND, |line| line.peer().is_some()));
    assert_eq!(line.up.counters().lost, 1);
}

#[test]
fn instant_close_1() {
    let mut world = alice(near());
    world.command(0, Command::Close);
    world.run_for(10 * SECOND);
    assert_eq!(world.people[0].updates, [Update::Closed]);
    assert_eq!(world.server().expect("it runs").transport().connections, 0);
}

#[test]
fn instant_close_2() {
    // After the HELLO has left: the server has a connection of which it never hears again.
    let mut world = alice(near());
    world.run_for(35 * MS);
    world.command(0, Command::Close);
    world.run_for(PROVISIONAL_LIFE + SECOND);
    let transport = world.server().expect("it runs").transport();
    assert_eq!((transport.connections, transport.provisional), (0, 0));
    assert_eq!(world.people[0].updates.last(), Some(&Update::Closed));
}

#[test]
fn close_during_handshake() {
    for millis in 0..80 {
        let mut world = alice(near());
        world.run_for(MS * millis);
        world.command(0, Command::Close);
        world.run_for(PROVISIONAL_LIFE + SECOND);
        let transport = world.server().expect("it runs").transport();
        assert_eq!((transport.connections, transport.provisional), (0, 0), "closed after {millis} ms");
        assert_eq!(world.people[0].updates.last(), Some(&Update::Closed), "closed after {millis} ms");
    }
}

#[test]
fn instant_server_close() {
    let mut line = Line::new(near(), 1);
    assert!(line.run_until(SECOND, |line| line.peer().is_some()));
    let (peer, now) = (line.peer().expect("it is there"), line.now);
    line.endpoint.close(now, peer, CloseCode::REPLACED);
    line.run_for(SECOND);
    assert_eq!(line.heard, [Event::Closed(CloseCode::REPLACED)]);
    assert!(line.endpoint.is_empty());
}

#[test]
fn reject_remotely() {
    // More from one address than it may in so short a time: told so, and tried again later.
    let mut world = World::new(near(), 1);
    for person in 0..250u16 {
        world.join(&format!("person {person}"), true, Start::Now);
        world.relocate(person.into(), ([192, 0, 2, 99], 10_000 + person).into());
    }
    assert!(world.run_until(60 * SECOND, is_in));
    let why = Interruption::ClosedByServer(CloseCode::RATE_LIMITED.0);
    let was_told = |update: &Update| matches!(update, Update::Disconnected { why: told, .. } if *told == why);
    let count = world.people.iter().filter(|person| person.updates.iter().any(was_told)).count();
    assert!(count > 0, "nobody was told to come later");
}

#[test]
fn reject_self_signed_server_cert() {
    // Another server than the one whose key is pinned.
    let mut world = alice(near());
    assert!(world.run_until(5 * SECOND, is_in));
    world.kill_server();
    world.rotate_identity();
    world.forget_retired_identities();
    world.start_server();
    world.run_for(60 * SECOND);
    assert!(world.people[0].updates.iter().any(|update| matches!(update, Update::Failed(Failure::KeyChanged { .. }))));
}

#[test]
fn server_stateless_reset() {
    let mut world = alice(near());
    assert!(world.run_until(5 * SECOND, is_in));
    world.run_for(5 * SECOND);
    world.kill_server();
    world.start_server();
    world.command(0, Command::Wake);
    let start = world.now;
    assert!(world.run_until(30 * SECOND, |world| world.people[0].caught_up() == 2), "told by the server, not by its silence");
    assert!(world.now.since(start) < SECOND, "{:?}", world.now.since(start));
}

#[test]
fn client_stateless_reset() {
    // A client has no such word: a server that speaks to one that is gone hears nothing and gives up at its heartbeat.
    let mut world = alice(near());
    assert!(world.run_until(5 * SECOND, is_in));
    world.kill(0);
    world.join("alice", false, Start::Now);
    let address = world.address(0);
    world.relocate(0, ([192, 0, 2, 250], 1).into());
    world.relocate(1, address);
    world.run_for(100 * SECOND);
    assert!(world.people[1].is_caught_up());
    assert_eq!(world.server().expect("it runs").transport().connections, 1);
}

#[test]
fn big_cert_and_key() {
    // As many identities as there may be: the answers still fit one datagram each, and are no larger than what asked.
    let mut endpoint = endpoint(IDENTITIES_MAX);
    let mut stranger = Stranger::new(5);
    let retry = ask(&mut endpoint, [10, 0, 0, 1], stranger.hello0());
    assert_eq!(retry.len(), 1);
    assert!(retry[0].len() * 5 < DATAGRAM_BYTES);
    let (hello, _) = stranger.hello(&retry[0]).expect("a RETRY");
    let response = ask(&mut endpoint, [10, 0, 0, 1], hello.clone());
    assert!(response.len() == 1 && response[0].len() <= hello.len());
}

#[test]
fn malformed_token_len() {
    let mut endpoint = endpoint(1);
    let mut stranger = Stranger::new(5);
    let retry = ask(&mut endpoint, [10, 0, 0, 1], stranger.hello0()).remove(0);
    let (hello, _) = stranger.hello(&retry).expect("a RETRY");
    for length in 0..hello.len() {
        let mut cut = hello[..length].to_vec();
        belfry_tests::stranger::repair_checksum(&mut cut);
        assert!(ask(&mut endpoint, [10, 0, 0, 1], cut).is_empty(), "cut to {length}");
    }
    assert!(endpoint.is_empty());
}

#[test]
fn endpoint_and_connection_impl_send() {
    // One thread owns each; nobody shares them, so they need not be Sync.
    fn is_send<T: Send>() {}
    is_send::<Endpoint>();
    is_send::<Connection>();
    is_send::<Client>();
}
