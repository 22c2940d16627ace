//! What a stranger throws at people who talk.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::client::{Command, Start, Update};
use belfry_core::limits::{HELLO_MEMORY, PROVISIONAL_LIFE};
use belfry_core::rng::{Random, below};
use belfry_core::wire::Channel;
use belfry_core::wire::datagram::{self, ConnectionId, Datagram, Hello};
use belfry_core::wire::frame::{self, Data, Part};
use belfry_tests::pair::seeded;
use belfry_tests::stranger::{Stranger, repair_checksum};
use belfry_tests::weather::Weather;
use belfry_tests::world::{Taped, World};

use crate::{SECOND, address, forged, kind};

/// Alice and bob are signed in and talk; everything that travels is taped.
struct Conversation {
    world: World,
    said: [usize; 2],
}

const PEOPLE: [&str; 2] = ["alice", "bob"];

impl Conversation {
    fn new() -> Self {
        let mut world = World::new(Weather { delay: Duration::from_millis(1), ..Weather::clear() }, 1);
        world.tape = Some(Vec::new());
        for account in PEOPLE {
            world.join(account, true, Start::Now);
        }
        assert!(world.run_until(30 * SECOND, |world| world.people.iter().all(|person| person.caught_up() == 1)));
        let mut conversation = Self { world, said: [0; 2] };
        conversation.go_on();
        conversation
    }

    /// Each says something.
    fn go_on(&mut self) {
        for (person, name) in PEOPLE.iter().enumerate() {
            self.world.say(person, format!("{name} {}", self.said[person]));
            self.said[person] += 1;
            self.world.run_for(Duration::from_millis(20));
        }
    }

    fn tape(&self) -> Vec<Taped> {
        self.world.tape.clone().expect("it runs")
    }

    /// Everybody has heard everything once and in order, and nobody was ever away.
    fn judge(&mut self, after: &str) {
        self.go_on();
        self.world.run_for(5 * SECOND);
        for (number, person) in self.world.people.iter().enumerate() {
            for (speaker, &said) in PEOPLE.iter().zip(&self.said) {
                let heard: Vec<_> = person.texts().into_iter().filter(|text| text.starts_with(speaker)).collect();
                let expected: Vec<_> = (0..said).map(|i| format!("{speaker} {i}")).collect();
                assert_eq!(heard, expected, "{after}: what {} heard of {speaker}", PEOPLE[number]);
            }
            let away =
                person.updates.iter().find(|update| matches!(update, Update::Disconnected { .. } | Update::Failed(_) | Update::Closed));
            assert_eq!(away, None, "{after}: {}", PEOPLE[number]);
        }
        assert_eq!(self.connections(), 2, "{after}");
    }

    fn connections(&self) -> u64 {
        self.world.server().expect("it runs").transport().connections
    }

    fn dropped(&self) -> u64 {
        self.world.server().expect("it runs").transport().datagrams_dropped
    }

    /// Hands a datagram to whom it was for.
    fn inject(&mut self, datagram: &Taped, bytes: Vec<u8>) {
        if datagram.to == self.world.server_address() {
            self.world.inject(datagram.from, bytes);
        } else if let Some(person) = self.world.people.iter().position(|person| person.address() == datagram.to) {
            self.world.inject_at(person, datagram.from, bytes);
        }
    }
}

/// One of each kind that a whole conversation needs, from the first HELLO0 to the last goodbye both ways; large and small ones.
fn one_of_each(conversation: &mut Conversation) -> Vec<Taped> {
    let server = conversation.world.server_address();
    let leaver = conversation.world.join("carol", true, Start::Now);
    conversation.world.run_for(2 * SECOND);
    conversation.world.say(leaver, "x".repeat(700));
    conversation.world.run_for(SECOND);
    let before = conversation.tape().len();
    conversation.world.command(leaver, Command::Close);
    conversation.world.run_for(SECOND);
    let tape = conversation.tape();
    // The others hear that she left; her goodbye and its answer are at her address.
    let hers = conversation.world.people[leaver].address();
    let goodbyes: Vec<_> = tape[before..].iter().filter(|datagram| datagram.from == hers || datagram.to == hers).cloned().collect();
    assert_eq!(goodbyes.len(), 2, "a goodbye and its answer");
    let mut of_each = BTreeMap::new();
    for datagram in &tape[..before] {
        of_each.entry(kind(datagram, server)).or_insert_with(|| datagram.clone());
    }
    assert_eq!(of_each.len(), 8, "{:?}", of_each.keys());
    // Carol was part of it and is no more: what is judged is the conversation of the others.
    conversation.world.people.truncate(2);
    for person in &mut conversation.world.people {
        person.updates.retain(|update| !matches!(update, Update::Message { message, .. } if message.text.as_str().starts_with('x')));
    }
    of_each.into_values().chain(goodbyes).collect()
}

#[test]
fn every_truncation_extension_and_flipped_bit_of_every_kind_of_datagram_is_dropped_and_counted() {
    let mut conversation = Conversation::new();
    let samples = one_of_each(&mut conversation);
    let server = conversation.world.server_address();
    let mut failures = Vec::new();
    for sample in &samples {
        let what = kind(sample, server);
        let mut damaged: Vec<(String, Vec<u8>)> = Vec::new();
        for length in 0..sample.bytes.len() {
            damaged.push((format!("cut to {length}"), sample.bytes[..length].to_vec()));
        }
        for more in [1, 2, 16, 200, 2000] {
            let mut bytes = sample.bytes.clone();
            bytes.resize(bytes.len() + more, 0x55);
            damaged.push((format!("{more} longer"), bytes));
        }
        for bit in 0..sample.bytes.len() * 8 {
            let mut bytes = sample.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            damaged.push((format!("bit {bit}"), bytes));
        }
        for (how, bytes) in damaged {
            let before = (conversation.dropped(), conversation.connections());
            conversation.inject(sample, bytes);
            let after = (conversation.dropped(), conversation.connections());
            let expected = (before.0 + u64::from(sample.to == server), before.1);
            if after != expected {
                failures.push(format!("{what:?} {how}: {after:?} instead of {expected:?}"));
            }
        }
        conversation.go_on();
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    conversation.judge("after damaged datagrams");
}

#[test]
fn a_checksum_that_is_made_right_again_opens_no_door() {
    let mut conversation = Conversation::new();
    let samples = one_of_each(&mut conversation);
    for sample in samples.iter().filter(|sample| sample.bytes[0] & 0x80 != 0) {
        for bit in 0..sample.bytes.len() * 8 {
            let mut bytes = sample.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            repair_checksum(&mut bytes);
            conversation.inject(sample, bytes);
        }
        conversation.go_on();
    }
    conversation.judge("after damaged datagrams with a good checksum");
}

#[test]
fn random_datagrams_of_all_sizes_are_dropped_and_counted() {
    let mut conversation = Conversation::new();
    let mut rng = seeded(3);
    let server = conversation.world.server_address();
    let (dropped, sessions) = (conversation.dropped(), conversation.tape());
    let mut count = 0;
    for length in 0..1600 {
        for first in [None, Some(0x40), Some(0xc0 | rng.next_u32() as u8 & 7)] {
            let mut bytes = vec![0; length];
            rng.fill_bytes(&mut bytes);
            if let (Some(first), Some(byte)) = (first, bytes.first_mut()) {
                *byte = first;
            }
            // Now and then with a good checksum, or for a session that exists.
            if length % 3 == 0 {
                repair_checksum(&mut bytes);
            } else if length % 3 == 1 && length > 9 {
                let real = &sessions[below(&mut rng, sessions.len() as u64) as usize].bytes;
                bytes[..5].copy_from_slice(&real[..5]);
            }
            let from = if length % 2 == 0 { address(length as u32) } else { conversation.world.people[0].address() };
            conversation.world.inject(from, bytes.clone());
            conversation.world.inject_at(length % 2, server, bytes);
            count += 1;
        }
    }
    assert_eq!(conversation.dropped() - dropped, count);
    conversation.judge("after noise");
}

#[test]
fn a_whole_conversation_played_again_changes_nothing() {
    let mut conversation = Conversation::new();
    for _ in 0..20 {
        conversation.go_on();
    }
    // At once, when cookies have expired, and when first messages are forgotten; from where it came and from elsewhere.
    for pause in [Duration::ZERO, 15 * SECOND, HELLO_MEMORY + SECOND] {
        conversation.world.run_for(pause);
        for datagram in conversation.tape() {
            conversation.inject(&datagram, datagram.bytes.clone());
            if datagram.to == conversation.world.server_address() {
                conversation.world.inject(address(99), datagram.bytes);
            }
        }
        conversation.world.run_for(SECOND);
        assert_eq!(conversation.connections(), 2, "after {pause:?}");
    }
    conversation.judge("after everything was played again");
}

#[test]
fn a_conversation_played_to_a_restarted_server_makes_no_session() {
    let mut conversation = Conversation::new();
    let tape = conversation.tape();
    for person in 0..2 {
        conversation.world.kill(person);
    }
    conversation.world.kill_server();
    conversation.world.start_server();
    let server = conversation.world.server_address();
    for datagram in tape.into_iter().filter(|datagram| datagram.to == server) {
        conversation.world.inject(datagram.from, datagram.bytes);
    }
    conversation.world.run_for(SECOND);
    let transport = conversation.world.server().expect("it runs").transport();
    assert_eq!((transport.connections, transport.handshakes), (0, 0));
}

#[test]
fn datagrams_of_one_session_say_nothing_in_another() {
    let mut conversation = Conversation::new();
    conversation.go_on();
    let protected: Vec<_> = conversation.tape().into_iter().filter(|datagram| datagram.bytes[0] & 0x80 == 0).collect();
    for datagram in &protected {
        for other in &protected {
            if (datagram.from, datagram.to) != (other.from, other.to) {
                // With the other's session number, and the other way round: at the other's place as it is.
                let mut bytes = datagram.bytes.clone();
                bytes[..5].copy_from_slice(&other.bytes[..5]);
                conversation.inject(other, bytes);
                conversation.inject(other, datagram.bytes.clone());
            }
        }
    }
    conversation.judge("after datagrams were swapped");
}

#[test]
fn forged_answers_keep_nobody_from_connecting_or_staying() {
    let mut world = World::new(Weather { delay: Duration::from_millis(1), ..Weather::clear() }, 1);
    world.tape = Some(Vec::new());
    let mut rng = seeded(4);
    for account in PEOPLE {
        world.join(account, true, Start::Now);
    }
    for _ in 0..300 {
        world.run_for(Duration::from_micros(300));
        // The session numbers can be overheard: they are in clear.
        let numbers: Vec<_> = world.tape.iter().flatten().map(|taped| u32::from_le_bytes(taped.bytes[1..5].try_into().unwrap())).collect();
        let from = [world.server_address(), address(66)][below(&mut rng, 2) as usize];
        for person in 0..2 {
            let to = ConnectionId(numbers.get(below(&mut rng, numbers.len() as u64) as usize).copied().unwrap_or(1));
            for bytes in forged(&mut rng, to) {
                world.inject_at(person, from, bytes);
            }
        }
    }
    assert!(world.run_until(5 * SECOND, |world| world.people.iter().all(|person| person.caught_up() == 1)));
    for (person, name) in PEOPLE.iter().enumerate() {
        world.say(person, format!("{name} 0"));
        world.run_for(Duration::from_millis(50));
    }
    Conversation { world, said: [1; 2] }.judge("after forged answers");
}

#[test]
fn a_first_message_played_again_from_elsewhere_does_not_disturb_its_session() {
    // The nonce is in clear, so a thief can have a cookie for it at an address of its own.
    let mut conversation = Conversation::new();
    let server = conversation.world.server_address();
    let hello = conversation.tape().into_iter().find(|datagram| kind(datagram, server).0 == "HELLO").expect("alice's");
    conversation.world.run_for(HELLO_MEMORY + SECOND);
    let Ok(Datagram::Hello(of_alice)) = datagram::decode(&hello.bytes) else { panic!("a HELLO") };
    let mut hello0 = Vec::new();
    datagram::Hello0 { nonce: of_alice.nonce, send_key: true, versions: vec![1] }.encode(&mut hello0);
    conversation.world.tape = Some(Vec::new());
    conversation.world.inject(address(66), hello0);
    let retry = conversation.tape().into_iter().find(|datagram| datagram.to == address(66)).expect("a RETRY");
    let Ok(Datagram::Retry(retry)) = datagram::decode(&retry.bytes) else { panic!("a RETRY") };
    let mut again = Vec::new();
    Hello { cookie: retry.cookie, ..of_alice }.encode(&mut again);
    conversation.world.inject(address(66), again);
    conversation.world.run_for(PROVISIONAL_LIFE + SECOND);
    conversation.judge("after a stolen first message");
}

#[test]
fn an_insider_who_speaks_nonsense_hurts_nobody_else() {
    let mut conversation = Conversation::new();
    let mut rng = seeded(12);
    for number in 0..60u64 {
        let mut stranger = Stranger::new(1000 + number);
        let from = address(500 + number as u32);
        conversation.world.tape = Some(Vec::new());
        conversation.world.inject(from, stranger.hello0());
        let retry = answer_to(&conversation, from);
        let (hello, mut initiator) = stranger.hello(&retry).expect("a RETRY");
        conversation.world.tape = Some(Vec::new());
        conversation.world.inject(from, hello);
        let mut session = Stranger::session(&mut initiator, &answer_to(&conversation, from)).expect("a RESPONSE");
        for message in 0..20 {
            let mut frames = Vec::new();
            let mut noise = vec![0; 1 + below(&mut rng, 900) as usize];
            rng.fill_bytes(&mut noise);
            match number % 3 {
                // Frames that are none, words that are none, and words of the conversation from one who has not signed in.
                0 => frames = noise,
                1 => frame::encode_data(
                    &Data { channel: Channel::ALL[number as usize % Channel::COUNT], message, part: Part::Whole, bytes: &noise },
                    &mut frames,
                ),
                _ => {
                    let words = belfry_tests::anything::anything::<belfry_core::chat::FromClient>(&mut rng);
                    let bytes = belfry_core::chat::encode(&words).expect("it fits");
                    frame::encode_data(&Data { channel: words.request.channel(), message, part: Part::Whole, bytes: &bytes }, &mut frames);
                }
            }
            frames.truncate(1100);
            conversation.world.inject(from, session.seal(&frames));
        }
        conversation.world.run_for(Duration::from_millis(100));
        if number % 10 == 0 {
            conversation.go_on();
        }
    }
    conversation.world.run_for(120 * SECOND);
    conversation.judge("after strangers inside");
}

fn answer_to(conversation: &Conversation, to: SocketAddr) -> Vec<u8> {
    conversation.tape().into_iter().find(|datagram| datagram.to == to).expect("an answer").bytes
}
