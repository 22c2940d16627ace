//! The invariants of the transport, over stories drawn at random. Those of damaged and forged datagrams are in `hostile.rs`.

use std::time::Duration;

use belfry_core::chat::{FromClient, FromServer, decode_from_client, decode_from_server, encode};
use belfry_core::connection::{Connection, Event, Side, Timer};
use belfry_core::limits::{DATAGRAM_BYTES, HEARTBEAT_TIMEOUT, KEEPALIVE, KEEPALIVE_JITTER, PROBE_TIMEOUT_CLIENT_MAX, PROBE_TIMEOUT_MAX};
use belfry_core::rng::{Rng, below};
use belfry_core::time::Instant;
use belfry_core::wire::frame::{self, Data, Frame, Part};
use belfry_core::wire::{Channel, CloseCode};
use belfry_tests::anything::anything;
use belfry_tests::fuzzing::{encode_frame, session_pair};
use belfry_tests::pair::{Pair, seeded};
use belfry_tests::stranger::Session;
use belfry_tests::weather::Weather;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// Where two in five datagrams are lost, and the probes are as far apart as they come to be, somebody's question is answered within this.
///
/// A probe is two datagrams and is answered by one at least: it comes to nothing when both are lost or the answer is, which is in
/// 0.4² + 0.6 · 1.4 · 0.4 = 0.496 of all cases. Seventy times in a row, and it has to be in a row, that is once in 10²¹. Simulated time
/// costs nothing while nothing happens.
const SURELY_ANSWERED: Duration = PROBE_TIMEOUT_MAX.saturating_mul(70);

/// The most that one end may hold for its peer, in bytes: what it granted on its channels, twice over for the keeping of the books,
/// and what a machine is by itself.
fn held_bytes_max(of: Side) -> i64 {
    let granted = |channel: Channel| match of {
        Side::Client => channel.credit_to_client(),
        Side::Server => channel.credit_to_server(),
    };
    2 * Channel::ALL.into_iter().map(granted).sum::<u64>() as i64 + 64 * 1024
}

fn near() -> Weather {
    Weather { delay: Duration::from_millis(1), ..Weather::clear() }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Client), Just(Side::Server)]
}

fn channel() -> impl Strategy<Value = Channel> {
    (0..Channel::COUNT).prop_map(|number| Channel::ALL[number])
}

/// A frame that owns its bytes, so that it can be drawn.
#[derive(Clone, Debug)]
enum Drawn {
    Plain(Frame<'static>),
    Ack(Vec<(u64, u64)>, u64),
    Data(Channel, u64, Option<(u32, Option<u32>)>, Vec<u8>),
    Close(u16, String),
    Extension(u64, Vec<u8>),
}

/// Numbers at all sizes that a varint has.
fn varint() -> impl Strategy<Value = u64> {
    prop_oneof![0..64u64, 0..0x4000u64, 0..0x4000_0000u64, 0..1u64 << 62]
}

fn ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((2..1000u64, 0..1000u64), 1..33).prop_map(|steps| {
        let mut next = 0;
        let mut ranges = Vec::new();
        for (gap, length) in steps {
            ranges.push((next + gap, next + gap + length));
            next += gap + length;
        }
        ranges.reverse();
        ranges
    })
}

fn any_frame() -> impl Strategy<Value = Drawn> {
    let bytes = || prop::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        Just(Drawn::Plain(Frame::Padding)),
        Just(Drawn::Plain(Frame::Ping)),
        (ranges(), 0..1u64 << 40).prop_map(|(ranges, delay)| Drawn::Ack(ranges, delay)),
        (channel(), varint(), prop::option::of((0..1u32 << 30, prop::option::of(any::<u32>()))), bytes())
            .prop_map(|(channel, message, part, bytes)| Drawn::Data(channel, message, part, bytes)),
        (channel(), varint()).prop_map(|(channel, bytes)| Drawn::Plain(Frame::MaxData { channel, bytes })),
        channel().prop_map(|channel| Drawn::Plain(Frame::Blocked { channel })),
        any::<u16>().prop_map(|millis| Drawn::Plain(Frame::AckSpread { millis })),
        any::<[u8; 8]>().prop_map(|challenge| Drawn::Plain(Frame::PathChallenge(challenge))),
        any::<[u8; 8]>().prop_map(|challenge| Drawn::Plain(Frame::PathResponse(challenge))),
        (channel(), varint(), varint()).prop_map(|(channel, next, bytes)| Drawn::Plain(Frame::Resync { channel, next, bytes })),
        (any::<u16>(), "[a-zé]{0,30}").prop_map(|(code, reason)| Drawn::Close(code, reason)),
        any::<(u32, u32)>()
            .prop_map(|(retry_after_millis, jitter_millis)| Drawn::Plain(Frame::GoAway { retry_after_millis, jitter_millis })),
        (64..1u64 << 40, bytes()).prop_map(|(number, bytes)| Drawn::Extension(number, bytes)),
    ]
}

/// What does not end a connection at once: pieces of messages that are near their turn, before they have one.
fn plausible_data() -> impl Strategy<Value = Drawn> {
    let piece = (0..60u32, 512..1100usize).prop_map(|(at, length)| (Some((at * 1000, None)), vec![7; length]));
    let whole = (1..1100usize).prop_map(|length| (None, vec![7; length]));
    let part = prop_oneof![piece, whole];
    (channel(), 1..200u64, part).prop_map(|(channel, message, (part, bytes))| {
        // Four messages of a channel may be in pieces.
        let message = if part.is_some() { message % 4 + 1 } else { message + 4 };
        Drawn::Data(channel, message, part, bytes)
    })
}

fn write(drawn: &Drawn, out: &mut Vec<u8>) {
    match drawn {
        Drawn::Plain(frame) => encode_frame(frame, out),
        Drawn::Ack(ranges, micros) => frame::encode_ack(ranges.iter().copied(), Duration::from_micros(*micros), out),
        Drawn::Data(channel, message, part, bytes) => {
            let part = part.map_or(Part::Whole, |(offset, last)| Part::Fragment { offset, last });
            encode_frame(&Frame::Data(Data { channel: *channel, message: *message, part, bytes }), out);
        }
        Drawn::Close(code, reason) => encode_frame(&Frame::Close { code: CloseCode(*code), reason }, out),
        Drawn::Extension(number, bytes) => encode_frame(&Frame::Extension { number: *number, bytes }, out),
    }
}

fn is(drawn: &Drawn, frame: &Frame<'_>) -> bool {
    match (drawn, frame) {
        (Drawn::Plain(drawn), frame) => drawn == frame,
        (Drawn::Ack(ranges, micros), Frame::Ack(ack)) => {
            ack.ranges().eq(ranges.iter().copied()) && ack.delay == Duration::from_micros(micros / 8 * 8)
        }
        (Drawn::Data(channel, message, part, bytes), Frame::Data(data)) => {
            let whole = part.map_or(Part::Whole, |(offset, last)| Part::Fragment { offset, last });
            (data.channel, data.message, data.part, data.bytes) == (*channel, *message, whole, &bytes[..])
        }
        (Drawn::Close(code, reason), Frame::Close { code: read, reason: why }) => code == &read.0 && reason == why,
        (Drawn::Extension(number, bytes), Frame::Extension { number: read, bytes: rest }) => number == read && bytes == rest,
        _ => false,
    }
}

/// Whatever a peer that has keys may say: good frames, made for this connection, in any order and of any size.
fn tell(connection: &mut Connection, stranger: &mut Session, rng: &mut Rng, now: Instant, frames: &[u8]) {
    stranger.say(connection, now, frames, rng);
    stranger.hear(connection, now, rng);
    while connection.poll_event().is_some() {}
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// I1, I2, I6, I7, I9, I10, I16 in one story: see the target.
    #[test]
    fn a_connection_keeps_its_promises_in_every_story(plan in prop::collection::vec(any::<u8>(), 0..200)) {
        session_pair(&plan);
    }

    /// I17.
    #[test]
    fn frames_are_read_as_they_were_written(drawn in prop::collection::vec(any_frame(), 1..20)) {
        let mut bytes = Vec::new();
        drawn.iter().for_each(|frame| write(frame, &mut bytes));
        let read: Vec<_> = frame::decode(&bytes).collect::<Result<_, _>>().expect("they are good");
        prop_assert_eq!(read.len(), drawn.len());
        for (drawn, read) in drawn.iter().zip(&read) {
            prop_assert!(is(drawn, read), "{:?} became {:?}", drawn, read);
        }
        let mut again = Vec::new();
        read.iter().for_each(|frame| encode_frame(frame, &mut again));
        prop_assert_eq!(again, bytes);
    }

    /// I17 for the words of the conversation.
    #[test]
    fn words_are_read_as_they_were_written(seed in any::<u64>()) {
        let mut rng = seeded(seed);
        for _ in 0..20 {
            let asked: FromClient = anything(&mut rng);
            let bytes = encode(&asked).expect("it fits");
            prop_assert_eq!(decode_from_client(&bytes), Ok(asked));
            prop_assert_eq!(encode(&decode_from_client(&bytes).expect("just read")), Ok(bytes));
            let told: FromServer = anything(&mut rng);
            let bytes = encode(&told).expect("it fits");
            prop_assert_eq!(decode_from_server(&bytes), Ok(told));
            prop_assert_eq!(encode(&decode_from_server(&bytes).expect("just read")), Ok(bytes));
        }
    }

    /// I5: whatever a peer says that has keys, what is held for it has a bound.
    #[test]
    fn no_peer_makes_its_connection_hold_more_than_it_granted(
        frames in prop::collection::vec(prop_oneof![1 => any_frame(), 20 => plausible_data()], 1..400), seed in any::<u64>(), of in side(),
    ) {
        let now = Instant::from_micros(1_000_000);
        let mut rng = seeded(seed);
        let held = allocation_counter::measure(|| {
            let (mut stranger, mut connection) = Session::facing(of, now, seed);
            for frame in &frames {
                let mut bytes = Vec::new();
                write(frame, &mut bytes);
                tell(&mut connection, &mut stranger, &mut rng, now, &bytes);
            }
        });
        prop_assert!(held.bytes_max as i64 <= held_bytes_max(of), "{:?}", held);
    }

    /// I7: nothing that was recorded does anything a second time.
    #[test]
    fn a_replayed_datagram_changes_nothing_but_counters(seed in any::<u64>(), count in 1..60u32) {
        let mut pair = Pair::new(Weather { loss: 0.1, reorder: 0.1, reorder_delay: Duration::from_millis(3), ..near() }, seed);
        pair.tape = Some(Vec::new());
        for number in 0..count {
            pair.send(Side::Client, Channel::Chat, number.to_le_bytes());
            pair.send(Side::Server, Channel::Chat, vec![number as u8; 1 + number as usize * 40]);
            pair.run_for(Duration::from_millis(2));
        }
        pair.set_weather(near(), seed);
        pair.run_for(5 * SECOND);
        let told = (pair.server.messages(Channel::Chat).len(), pair.client.messages(Channel::Chat).len());
        prop_assert_eq!(told, (count as usize, count as usize));
        // Lost ones would be late rather than replayed, so everything is told once before.
        for (to, bytes) in pair.tape.take().expect("it ran") {
            pair.deliver(to, bytes);
        }
        let before = (pair.client.sent, pair.server.sent);
        pair.run_for(Duration::from_millis(500));
        prop_assert!(pair.client.events.is_empty() && pair.server.events.is_empty());
        let answered = (pair.client.sent - before.0, pair.server.sent - before.1);
        prop_assert!(answered.0 <= 2 && answered.1 <= 2, "{:?} datagrams for those that were late", answered);
    }

    /// I8.
    #[test]
    fn a_quiet_pair_sends_nothing_but_keepalives(seed in any::<u64>(), count in 0..40u32) {
        let mut pair = Pair::new(Weather { loss: 0.2, ..near() }, seed);
        for number in 0..count {
            pair.send(Side::Server, Channel::Chat, vec![1; 1 + number as usize * 100]);
        }
        pair.run_for(10 * SECOND);
        pair.set_weather(near(), seed);
        pair.run_for(30 * SECOND);
        let (sent, wakes) = ([pair.client.sent, pair.server.sent], pair.wakes);
        let minutes = 10;
        pair.run_for(minutes * 60 * SECOND);
        let pings = (minutes * 60) as u64 / (KEEPALIVE - KEEPALIVE_JITTER).as_secs() + 1;
        prop_assert!(pair.client.sent - sent[0] <= pings && pair.server.sent - sent[1] <= pings);
        // Each keepalive wakes the client for itself and both to rest; the server for the answer and, rarely, to see who is there.
        prop_assert!(pair.wakes - wakes <= 6 * pings, "{} wake-ups", pair.wakes - wakes);
    }

    /// I12: probes come less and less often while nobody answers, and at their old pace as soon as somebody does.
    #[test]
    fn probes_back_off_and_start_afresh_with_an_answer(seed in any::<u64>(), of in side()) {
        let mut pair = Pair::new(near(), seed);
        pair.run_for(5 * SECOND);
        pair.set_weather(Weather { loss: 1.0, ..near() }, seed);
        pair.send(of, Channel::Chat, *b"anybody there?");
        let longest = if of == Side::Client { PROBE_TIMEOUT_CLIENT_MAX } else { PROBE_TIMEOUT_MAX };
        let probes = |pair: &mut Pair| pair.end_mut(of).connection.stats().probe_timeouts;
        let (mut last, mut pause, first) = (pair.now, Duration::ZERO, probes(&mut pair));
        for count in 1..8 {
            while probes(&mut pair) < first + count {
                prop_assert!(pair.step());
            }
            let waited = pair.now.since(last);
            prop_assert!(waited >= pause && waited <= longest, "{:?} after {:?}", waited, pause);
            (last, pause) = (pair.now, waited);
        }
        pair.set_weather(near(), seed);
        let healed = pair.now;
        prop_assert!(pair.run_until(healed + longest + SECOND, |pair| pair.client.connection.is_idle() && pair.server.connection.is_idle()));
        pair.run_for(SECOND / 2);
        pair.set_weather(Weather { loss: 1.0, ..near() }, seed);
        let before = probes(&mut pair);
        pair.send(of, Channel::Chat, *b"and now?");
        let asked = pair.now;
        while probes(&mut pair) == before {
            prop_assert!(pair.step());
        }
        prop_assert!(pair.now.since(asked) <= SECOND / 2, "{:?}", pair.now.since(asked));
    }

    /// I13: whoever acknowledges what was never sent has not received what it says.
    #[test]
    fn an_acknowledgement_of_what_was_never_sent_closes(beyond in 0..1u64 << 50, length in 0..1u64 << 40, of in side(), seed in any::<u64>()) {
        let now = Instant::from_micros(1_000_000);
        let mut rng = seeded(seed);
        let (mut stranger, mut connection) = Session::facing(of, now, seed);
        connection.ping();
        let sent = stranger.hear(&mut connection, now, &mut rng).len() as u64;
        // One number may have been left out on purpose.
        let largest = sent + 1 + beyond;
        let mut frames = Vec::new();
        frame::encode_ack([(largest.saturating_sub(length), largest)].into_iter(), Duration::ZERO, &mut frames);
        stranger.say(&mut connection, now, &frames, &mut rng);
        prop_assert_eq!(connection.poll_event(), Some(Event::Closed(CloseCode::PROTOCOL_VIOLATION)));
    }

    /// I15: a clock that jumps ahead ends what has been silent for so long, and nothing else; one that falls back ends nothing.
    #[test]
    fn a_jumping_clock_does_what_time_does(seed in any::<u64>(), ahead in 0..30 * 86_400u64, back in 0..3600u64) {
        let mut pair = Pair::new(near(), seed);
        pair.run_for(7200 * SECOND);
        let before = pair.now;
        pair.now = before - back as u32 * SECOND;
        pair.client.connection.handle_timeout(pair.now);
        pair.server.connection.handle_timeout(pair.now);
        prop_assert!(!pair.client.connection.is_over() && !pair.server.connection.is_over());
        pair.send(Side::Client, Channel::Chat, *b"back");
        let now = pair.now;
        prop_assert!(pair.run_until(now + 3700 * SECOND, |pair| !pair.server.events.is_empty()));
        prop_assert_eq!(pair.server.messages(Channel::Chat).len(), 1);
        pair.now = pair.now.max(before) + ahead as u32 * SECOND;
        pair.server.connection.handle_timeout(pair.now);
        prop_assert_eq!(pair.server.connection.is_over(), ahead >= HEARTBEAT_TIMEOUT.as_secs(), "{} s", ahead);
    }

    /// I2 where it is hardest: the queue overflows while nothing gets through, and then the datagram with the RESYNC is lost or late.
    #[test]
    fn what_is_sent_behind_a_resync_arrives_whatever_becomes_of_the_resync(
        seed in any::<u64>(), loss in 0..40u32, size in prop_oneof![4..150usize, 4..3000usize], count in 1..200u32,
        (reorder, cut) in any::<(bool, bool)>(),
    ) {
        let mut pair = Pair::new(near(), seed);
        pair.run_for(SECOND);
        let reorder = if reorder { 0.3 } else { 0.0 };
        let weather = Weather { loss: f64::from(loss) / 100.0, reorder, reorder_delay: Duration::from_millis(20), ..near() };
        // Either nothing gets through for a while, or everything is said at once: then the window is still open.
        pair.set_weather(if cut { Weather { loss: 1.0, ..near() } } else { weather }, seed);
        let mut number = 0u32;
        let mut say = |pair: &mut Pair| {
            let mut body = vec![7; size];
            body[..4].copy_from_slice(&number.to_le_bytes());
            pair.send(Side::Server, Channel::Chat, body);
            number += 1;
            number - 1
        };
        // Whether so much waits that this one has made room for itself.
        let overflows = |pair: &mut Pair, say: &mut dyn FnMut(&mut Pair) -> u32| {
            let before = pair.server.connection.waiting_bytes(Channel::Chat);
            let number = say(pair);
            (pair.server.connection.waiting_bytes(Channel::Chat) < before).then_some(number)
        };
        let kept_from = loop {
            if let Some(number) = overflows(&mut pair, &mut say) {
                break number;
            }
            if cut && pair.server.connection.waiting_bytes(Channel::Chat).is_multiple_of(7) {
                pair.run_for(Duration::from_millis(1));
            }
        };
        pair.set_weather(weather, seed ^ 1);
        let room = pair.server.connection.waiting_bytes(Channel::Chat);
        let mut last = kept_from;
        while last - kept_from < count && pair.server.connection.waiting_bytes(Channel::Chat) + room < Channel::Chat.queue_bytes_max() {
            last = say(&mut pair);
        }
        let until = pair.now + SURELY_ANSWERED;
        prop_assert!(pair.run_until(until, |pair| pair.server.connection.is_idle()), "{} bytes wait", pair.server.connection.waiting_bytes(Channel::Chat));
        prop_assert!(pair.client.events.contains(&Event::Resync(Channel::Chat)), "{:?}", pair.client.events.last());
        prop_assert!(!pair.client.events.iter().any(|event| matches!(event, Event::Closed(_))), "{:?}", pair.client.events.last());
        let heard: Vec<_> = pair.client.messages(Channel::Chat).iter().map(|body| u32::from_le_bytes([body[0], body[1], body[2], body[3]])).collect();
        prop_assert!(heard.ends_with(&(kept_from..=last).collect::<Vec<_>>()), "{:?} to {} of {:?}", kept_from, last, heard.last());
        prop_assert!(heard.is_sorted_by(|one, other| one < other), "{:?}", heard);
    }

    /// No datagram is larger than every path carries.
    #[test]
    fn no_datagram_is_too_large(seed in any::<u64>(), sizes in prop::collection::vec((channel(), 1..4000usize), 1..30)) {
        let mut pair = Pair::new(Weather { loss: 0.2, ..near() }, seed);
        pair.tape = Some(Vec::new());
        for (channel, size) in sizes {
            pair.send(Side::Server, channel, vec![3; size]);
            pair.run_for(Duration::from_millis(below(&mut seeded(seed), 5)));
        }
        pair.run_for(5 * SECOND);
        let largest = pair.tape.iter().flatten().map(|(_, bytes)| bytes.len()).max();
        prop_assert!(largest <= Some(DATAGRAM_BYTES), "{:?}", largest);
    }
}

/// I9, for a machine that nobody drains: waking it again at once would change nothing.
#[test]
fn a_machine_that_was_woken_does_not_want_to_be_woken_at_once_again() {
    for side in [Side::Client, Side::Server] {
        let mut now = Instant::from_micros(1_000_000);
        let (mut stranger, mut connection) = Session::facing(side, now, 1);
        let mut rng = seeded(1);
        connection.send(Channel::Chat, vec![1; 5000].into()).expect("it is open");
        for turn in 0..2000 {
            let Some((at, _)) = connection.next_timeout() else { break };
            now = now.max(at);
            connection.handle_timeout(now);
            let next: Option<(Instant, Timer)> = connection.next_timeout();
            assert!(next.is_none_or(|(at, _)| at > now), "{side:?}, turn {turn}: {next:?} at {now:?}");
            if turn % 3 == 0 {
                stranger.hear(&mut connection, now, &mut rng);
            }
        }
    }
}
