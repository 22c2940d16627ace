//! The limits table at its edges: one below passes, one above is refused, dropped or counted. docs/TESTING.md says which test holds which
//! row; those that only show from inside are beside the code.

use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::connection::{Connection, Event, SendError, Side};
use belfry_core::crypto::KeyPair;
use belfry_core::endpoint::{self, Endpoint};
use belfry_core::limits::{
    ACK_RANGES_ACCEPTED_MAX, CLIENT_DATAGRAM_BYTES_MIN, DATAGRAM_BYTES, DATAGRAM_BYTES_MAX, FRAGMENT_BYTES_MIN, FRAMES_PER_DATAGRAM_MAX,
    IDENTITIES_MAX, MESSAGES_IN_FLIGHT_MAX, MOVES_APART_MIN, PATH_CHALLENGE_BYTES, PATH_CHALLENGES_MAX, PROVISIONAL_LIFE, QUEUED_BYTES_MAX,
    REASON_BYTES_MAX, REASSEMBLY_BYTES_MAX,
};
use belfry_core::rng::Rng;
use belfry_core::time::Instant;
use belfry_core::wire::datagram::{self, Datagram};
use belfry_core::wire::frame::{self, Data, Frame, Part};
use belfry_core::wire::{Channel, CloseCode};
use belfry_tests::line::Line;
use belfry_tests::pair::{Pair, seeded};
use belfry_tests::stranger::{Session, Stranger, drain, repair_checksum};
use belfry_tests::weather::Weather;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

const fn now() -> Instant {
    Instant::from_micros(1_000_000_000)
}

fn near() -> Weather {
    Weather { delay: MS, ..Weather::clear() }
}

/// A real connection that faces a peer who says what it likes.
struct Facing {
    stranger: Session,
    connection: Connection,
    rng: Rng,
}

impl Facing {
    fn new(side: Side) -> Self {
        let (stranger, connection) = Session::facing(side, now(), 1);
        Self { stranger, connection, rng: seeded(1) }
    }

    /// What the connection tells when it is told these frames.
    fn say(&mut self, frames: &[u8]) -> Option<Event> {
        self.stranger.say(&mut self.connection, now(), frames, &mut self.rng);
        self.connection.poll_event()
    }

    fn data(&mut self, channel: Channel, message: u64, part: Part, bytes: &[u8]) -> Option<Event> {
        let mut frames = Vec::new();
        frame::encode_data(&Data { channel, message, part, bytes }, &mut frames);
        self.say(&frames)
    }
}

fn closed(code: CloseCode) -> Option<Event> {
    Some(Event::Closed(code))
}

fn endpoint(retired: Vec<KeyPair>) -> Endpoint {
    let config = endpoint::Config { identity: KeyPair::generate(&mut seeded(1)), retired };
    Endpoint::new(config, seeded(2), now())
}

/// A session tells an endpoint a whole message.
fn tell(endpoint: &mut Endpoint, at: Instant, from: SocketAddr, session: &mut Session, message: u64, bytes: &[u8]) {
    let mut frames = Vec::new();
    frame::encode_data(&Data { channel: Channel::Chat, message, part: Part::Whole, bytes }, &mut frames);
    endpoint.handle_datagram(at, from, &mut session.seal(&frames));
}

#[test]
fn a_datagram_of_the_largest_size_is_looked_at_and_a_larger_one_is_not() {
    for (bytes, answers) in [(DATAGRAM_BYTES_MAX, 1), (DATAGRAM_BYTES_MAX + 1, 0)] {
        let mut endpoint = endpoint(Vec::new());
        let mut hello0 = Stranger::new(1).hello0();
        hello0.resize(bytes, 0);
        repair_checksum(&mut hello0);
        endpoint.handle_datagram(now(), ([10, 0, 0, 1], 1).into(), &mut hello0);
        assert_eq!(drain(&mut endpoint, now()).0.len(), answers, "{bytes} bytes");
        assert_eq!(endpoint.stats().datagrams_dropped, 1 - answers as u64);
    }
}

#[test]
fn every_datagram_of_a_client_is_padded_and_none_of_anybody_is_too_large() {
    let mut pair = Pair::new(Weather { loss: 0.1, ..near() }, 1);
    pair.tape = Some(Vec::new());
    for size in (1..3000).step_by(37) {
        pair.send(Side::Client, Channel::Chat, vec![7; size]);
        pair.send(Side::Server, Channel::Chat, vec![7; size]);
        pair.run_for(30 * MS);
    }
    pair.run_for(60 * SECOND);
    for (to, bytes) in pair.tape.iter().flatten() {
        let least = if *to == Side::Server { CLIENT_DATAGRAM_BYTES_MIN } else { 26 };
        assert!((least..=DATAGRAM_BYTES).contains(&bytes.len()), "{} bytes to {to:?}", bytes.len());
    }
}

#[test]
fn so_many_frames_fit_a_datagram_and_padding_does_not_count() {
    for (count, told) in [(FRAMES_PER_DATAGRAM_MAX, None), (FRAMES_PER_DATAGRAM_MAX + 1, closed(CloseCode::LIMIT_EXCEEDED))] {
        let mut frames = vec![1; count];
        frames.resize(1000, 0);
        assert_eq!(Facing::new(Side::Server).say(&frames), told, "{count}");
    }
}

#[test]
fn so_many_ranges_are_read_in_an_acknowledgement() {
    for (count, told) in [(ACK_RANGES_ACCEPTED_MAX as u64, None), (ACK_RANGES_ACCEPTED_MAX as u64 + 1, closed(CloseCode::FRAME_ENCODING))] {
        let mut facing = Facing::new(Side::Server);
        let mut at = now();
        for _ in 0..3 * count {
            facing.connection.ping();
            facing.stranger.hear(&mut facing.connection, at, &mut facing.rng);
            let mut frames = Vec::new();
            frame::encode_ack(facing.stranger.heard_ranges().into_iter(), Duration::ZERO, &mut frames);
            assert_eq!(facing.say(&frames), None);
            at = at + SECOND;
        }
        // Every second one that was sent: one may have been left out on purpose.
        let skipped = |number: u64| facing.stranger.heard_ranges().iter().all(|&(smallest, largest)| number < smallest || largest < number);
        let numbers = (0..3 * count).rev().filter(|number| number % 2 == 0 && !skipped(*number)).take(count as usize);
        let ranges: Vec<_> = numbers.map(|number| (number, number)).collect();
        assert_eq!(ranges.len() as u64, count);
        let mut frames = Vec::new();
        frame::encode_ack(ranges.into_iter(), Duration::ZERO, &mut frames);
        assert_eq!(facing.say(&frames), told, "{count} ranges");
    }
}

#[test]
fn a_reason_is_so_long_and_no_longer() {
    for (length, code) in [(REASON_BYTES_MAX, CloseCode::IDLE), (REASON_BYTES_MAX + 1, CloseCode::FRAME_ENCODING)] {
        // The length by hand: our own encoder leaves out what is too long.
        let mut frames = Vec::new();
        frame::encode_close(CloseCode::IDLE, "x", &mut frames);
        let at = frames.len() - 2;
        frames.truncate(at);
        match length {
            0..64 => frames.push(length as u8),
            _ => frames.extend_from_slice(&(0x4000 | length as u16).to_be_bytes()),
        }
        frames.resize(frames.len() + length, b'x');
        assert_eq!(Facing::new(Side::Server).say(&frames), closed(code), "{length} bytes");
    }
}

#[test]
fn a_message_may_be_so_large_on_its_channel() {
    for channel in Channel::ALL {
        let mut facing = Facing::new(Side::Server);
        let most = channel.message_bytes_to_client_max();
        assert_eq!(facing.connection.send(channel, vec![1; most].into()), Ok(()));
        assert_eq!(facing.connection.send(channel, vec![1; most + 1].into()), Err(SendError::Size));
        assert_eq!(facing.connection.send(channel, vec![].into()), Err(SendError::Size));
    }
    // And what arrives: the last piece of one that would be a byte too long.
    let most = Channel::Control.message_bytes_to_server_max() as u32;
    for (offset, told) in [(most - 600, None), (most - 599, closed(CloseCode::LIMIT_EXCEEDED))] {
        let part = Part::Fragment { offset, last: Some(0) };
        assert_eq!(Facing::new(Side::Server).data(Channel::Control, 0, part, &[1; 600]), told);
    }
}

#[test]
fn a_piece_that_is_not_the_last_has_a_least_size() {
    let part = Part::Fragment { offset: 0, last: None };
    for (length, told) in [(FRAGMENT_BYTES_MIN, None), (FRAGMENT_BYTES_MIN - 1, closed(CloseCode::PROTOCOL_VIOLATION))] {
        assert_eq!(Facing::new(Side::Server).data(Channel::Chat, 0, part, &vec![1; length]), told, "{length}");
    }
}

#[test]
fn so_many_messages_of_a_channel_are_on_their_way() {
    for (message, told) in [(MESSAGES_IN_FLIGHT_MAX - 1, None), (MESSAGES_IN_FLIGHT_MAX, closed(CloseCode::FLOW_CONTROL))] {
        assert_eq!(Facing::new(Side::Server).data(Channel::Chat, message, Part::Whole, b"x"), told, "{message}");
    }
    // And no more are sent, however much credit there is.
    let mut facing = Facing::new(Side::Client);
    for _ in 0..MESSAGES_IN_FLIGHT_MAX + 100 {
        facing.connection.send(Channel::Chat, vec![1].into()).expect("it is open");
    }
    let (mut sent, mut at) = (Vec::new(), now());
    for _ in 0..200 {
        at = at + 10 * MS;
        facing.connection.handle_timeout(at);
        for datagram in facing.stranger.hear(&mut facing.connection, at, &mut facing.rng) {
            sent.extend(frame::decode(&datagram).filter_map(|frame| match frame {
                Ok(Frame::Data(data)) => Some(data.message),
                _ => None,
            }));
        }
    }
    assert_eq!(sent.iter().max(), Some(&(MESSAGES_IN_FLIGHT_MAX - 1)));
}

#[test]
fn one_path_challenge_is_answered_the_newest() {
    let mut facing = Facing::new(Side::Server);
    let mut frames = Vec::new();
    for number in 1..=20 {
        frame::encode_path_challenge([number; 8], &mut frames);
    }
    facing.say(&frames);
    let heard = facing.stranger.hear(&mut facing.connection, now(), &mut facing.rng);
    let answers: Vec<_> = heard
        .iter()
        .flat_map(|datagram| frame::decode(datagram))
        .filter_map(|frame| if let Ok(Frame::PathResponse(proof)) = frame { Some(proof) } else { None })
        .collect();
    assert_eq!(answers, [[20; 8]]);
}

#[test]
fn a_connection_moves_once_a_second() {
    let elsewhere = |number: u8| SocketAddr::from(([198, 51, 100, number], 5000));
    for (pause, moves) in [(MOVES_APART_MIN - 50 * MS, 1), (MOVES_APART_MIN + 50 * MS, 2)] {
        let (mut line, _) = Line::connected(near(), 1);
        line.address = elsewhere(1);
        line.caller.connection().expect("it is connected").ping();
        assert!(line.run_until(SECOND, |line| line.endpoint.stats().moves == 1));
        line.run_for(pause - 5 * MS);
        line.address = elsewhere(2);
        line.caller.connection().expect("it is connected").ping();
        line.run_for(20 * MS);
        assert_eq!(line.endpoint.stats().moves, moves, "after {pause:?}");
    }
}

#[test]
fn a_new_address_is_challenged_so_often_and_never_with_more_than_came_from_it() {
    for heard in 1..=10 {
        let (mut line, _) = Line::connected(near(), 1);
        line.address = ([198, 51, 100, 1], 5000).into();
        line.caller.connection().expect("it is connected").ping();
        line.down.set_weather(Weather { loss: 1.0, ..near() });
        // So many datagrams from there arrive: the ping and what the client tries again.
        line.up.set_weather(Weather { lose: Some((line.up.counters().offered + 1 + heard, u64::MAX)), ..near() });
        line.run_for(900 * MS);
        let there: Vec<_> = line.tape.iter().filter(|(up, to, _)| !up && *to == line.address).map(|(_, _, bytes)| bytes.len()).collect();
        assert_eq!(there.len() as u64, heard.min(u64::from(PATH_CHALLENGES_MAX)), "{heard} datagrams from there");
        assert!(there.iter().all(|&bytes| bytes == PATH_CHALLENGE_BYTES && bytes <= CLIENT_DATAGRAM_BYTES_MIN), "{there:?}");
    }
}

#[test]
fn an_address_that_proves_nothing_keeps_no_other_from_being_asked() {
    let (mut line, _) = Line::connected(near(), 1);
    let home = line.address;
    // One datagram seems to come from elsewhere, as when somebody passes a captured one on.
    line.address = ([198, 51, 100, 1], 5000).into();
    line.down.set_weather(Weather { loss: 1.0, ..near() });
    line.caller.connection().expect("it is connected").ping();
    line.run_for(100 * MS);
    line.address = home;
    line.down.set_weather(near());
    line.run_for(2 * SECOND);
    line.address = ([198, 51, 100, 2], 5000).into();
    line.caller.connection().expect("it is connected").ping();
    assert!(line.run_until(SECOND, |line| line.endpoint.stats().moves == 1), "{:?}", line.endpoint.stats());
}

#[test]
fn an_unconfirmed_connection_lives_so_long() {
    for (age, there) in [(PROVISIONAL_LIFE - Duration::from_micros(1), true), (PROVISIONAL_LIFE, false)] {
        let mut endpoint = endpoint(Vec::new());
        let mut session = Stranger::new(1).shake_hands(&mut endpoint, now(), ([10, 0, 0, 1], 1).into());
        endpoint.handle_timeout(now() + age);
        assert_eq!(endpoint.is_empty(), !there, "{age:?}");
        endpoint.handle_datagram(now() + age, ([10, 0, 0, 1], 1).into(), &mut session.seal(&[1]));
        assert_eq!(endpoint.stats().handshakes, u64::from(there), "{age:?}");
    }
}

#[test]
fn so_many_identities_are_accepted() {
    let mut rng = seeded(5);
    let retired: Vec<_> = (0..IDENTITIES_MAX).map(|_| KeyPair::generate(&mut rng)).collect();
    let mut endpoint = endpoint(retired.clone());
    endpoint.handle_datagram(now(), ([10, 0, 0, 1], 1).into(), &mut Stranger::new(1).hello0());
    let retry = drain(&mut endpoint, now()).0.remove(0).1;
    let Ok(Datagram::Retry(retry)) = datagram::decode(&retry) else { panic!("a RETRY") };
    assert_eq!(retry.key_ids.len(), IDENTITIES_MAX);
    assert!(retry.key_ids.contains(&retired[IDENTITIES_MAX - 2].public().id()), "the last that there is room for");
    assert!(!retry.key_ids.contains(&retired[IDENTITIES_MAX - 1].public().id()), "one more");
}

#[test]
fn all_together_may_hold_so_much_unfinished_and_the_oldest_goes() {
    let mut endpoint = endpoint(Vec::new());
    // The bound itself would take a minute to reach.
    let bound = REASSEMBLY_BYTES_MAX / 256;
    endpoint.limit_reassembly(bound);
    let (mut at, mut sessions) = (now(), Vec::new());
    // What each may hold, less a message that is missing before it.
    let body = vec![7; 1400];
    let most = Channel::Chat.credit_to_server() / body.len() as u64 - 1;
    // What one message costs is known once there is one.
    let (mut held, mut cost) = (0, 0);
    while held + cost <= bound {
        at = at + MS;
        let from = SocketAddr::from((0x0a00_0000u32.wrapping_add(sessions.len() as u32).to_be_bytes(), 5000));
        let mut session = Stranger::new(sessions.len() as u64).shake_hands(&mut endpoint, at, from);
        for message in 1..=most {
            if held + cost <= bound {
                tell(&mut endpoint, at, from, &mut session, message, &body);
                cost = if cost == 0 { endpoint.stats().reassembling_bytes } else { cost };
                held += cost;
            }
        }
        drain(&mut endpoint, at);
        sessions.push((from, session));
    }
    let stats = endpoint.stats();
    assert_eq!((stats.reassembling_bytes, stats.reassemblies_ended), (held, 0));
    let (from, last) = sessions.last_mut().expect("many");
    tell(&mut endpoint, at, *from, last, most + 1, &body);
    let stats = endpoint.stats();
    assert_eq!(stats.reassemblies_ended, 1);
    assert_eq!(stats.reassembling_bytes, held + cost - most * cost);
    let gone = drain(&mut endpoint, at).1;
    let (oldest, why) = (endpoint::PeerId(sessions[0].1.remote.0), CloseCode::LIMIT_EXCEEDED);
    assert!(gone.contains(&endpoint::Event::Gone { peer: oldest, why }), "{gone:?}");
    // The others go on: what was missing comes, and all of it is told.
    let (from, second) = &mut sessions[1];
    tell(&mut endpoint, at, *from, second, 0, &body);
    assert_eq!(drain(&mut endpoint, at).1.len() as u64, 1 + most);
}

#[test]
fn all_together_may_have_so_much_queued_and_the_heaviest_gives_it_up() {
    let mut endpoint = endpoint(Vec::new());
    let bound = QUEUED_BYTES_MAX / 256;
    endpoint.limit_queues(bound);
    let mut sessions: Vec<_> = (0..20u32)
        .map(|number| {
            let from = SocketAddr::from(((0x0a00_0000 + number).to_be_bytes(), 5000));
            let mut session = Stranger::new(u64::from(number)).shake_hands(&mut endpoint, now(), from);
            endpoint.handle_datagram(now(), from, &mut session.seal(&[1]));
            (from, session)
        })
        .collect();
    drain(&mut endpoint, now());
    let (tally, peer) = (endpoint.tally(), |session: &Session| endpoint::PeerId(session.remote.0));
    let send = |endpoint: &mut Endpoint, to, body| endpoint.send(to, Channel::History, body).expect("it is open");
    // To everybody the same, which is there once; then one after the other a page, and the first of them three.
    let shared = tally.body(vec![7; 10_000]);
    for (_, session) in &sessions {
        send(&mut endpoint, peer(session), shared.clone());
    }
    drop(shared);
    assert!(endpoint.stats().queued_bytes < 20_000, "{}", endpoint.stats().queued_bytes);
    let mut rounds = (0..3).map(|_| peer(&sessions[0].1)).chain(sessions[1..].iter().map(|(_, session)| peer(session)));
    while endpoint.stats().queued_bytes + 41_000 <= bound {
        send(&mut endpoint, rounds.next().expect("enough"), tally.body(vec![7; 40_000]));
    }
    assert_eq!(endpoint.stats().queues_dropped, 0);
    send(&mut endpoint, rounds.next().expect("enough"), tally.body(vec![7; 40_000]));
    let stats = endpoint.stats();
    assert_eq!((stats.queues_dropped, endpoint.queued_bytes(peer(&sessions[0].1))), (1, 0));
    assert!(stats.queued_bytes <= bound - 3 * 40_000 + 41_000, "{}", stats.queued_bytes);
    // Whoever it was hears of it.
    let (from, first) = &mut sessions[0];
    let mut heard = 0;
    for second in 1..20 {
        endpoint.handle_timeout(now() + second * SECOND);
        for (_, datagram) in drain(&mut endpoint, now() + second * SECOND).0.into_iter().filter(|(to, _)| to == from) {
            let frames = first.open(datagram).expect("its own");
            heard += frame::decode(&frames).filter(|frame| matches!(frame, Ok(Frame::Resync { .. }))).count();
        }
    }
    assert!(heard > 0);
    for (_, session) in &sessions {
        endpoint.close(now(), peer(session), CloseCode::REPLACED);
    }
    assert_eq!(endpoint.stats().queued_bytes, 0, "who is sent away waits for nothing");
}

#[test]
fn a_full_queue_is_dropped_as_a_whole_and_the_peer_told() {
    let mut facing = Facing::new(Side::Server);
    // Each costs what is kept beside it, too.
    while facing.connection.waiting_bytes(Channel::Chat) + 61_000 <= Channel::Chat.queue_bytes_max() {
        facing.connection.send(Channel::Chat, vec![1; 60_000].into()).expect("it is open");
    }
    let resyncs = |facing: &mut Facing| {
        let heard = facing.stranger.hear(&mut facing.connection, now(), &mut facing.rng);
        heard.iter().flat_map(|datagram| frame::decode(datagram)).filter(|frame| matches!(frame, Ok(Frame::Resync { .. }))).count()
    };
    assert_eq!(resyncs(&mut facing), 0);
    facing.connection.send(Channel::Chat, vec![1; 60_000].into()).expect("it is open");
    assert!(facing.connection.waiting_bytes(Channel::Chat) < 61_000, "only the newest is left");
    facing.connection.handle_timeout(now() + SECOND);
    let mut told = 0;
    for wait in 0..20 {
        let at = now() + SECOND + 300 * MS * wait;
        facing.connection.handle_timeout(at);
        let heard = facing.stranger.hear(&mut facing.connection, at, &mut facing.rng);
        told += heard.iter().flat_map(|datagram| frame::decode(datagram)).filter(|frame| matches!(frame, Ok(Frame::Resync { .. }))).count();
    }
    assert!(told > 0);
}
