//! Machines that face a stranger: one that has shaken hands and may say anything, and one that has not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::chat::{AccountName, FromServer, Password, encode};
use belfry_core::client::{Client, Config, Credentials, Output, Proof, Start, Trust};
use belfry_core::connection::{Event, Side};
use belfry_core::crypto::KeyPair;
use belfry_core::endpoint::{self, Endpoint};
use belfry_core::limits::MESSAGE_BYTES_MAX;
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_core::wire::frame::{self, Data, Part};

use super::{Plan, noise};
use crate::anything::anything;
use crate::pair::seeded;
use crate::stranger::{Session, Stranger, drain, repair_checksum};

/// The byte that a message of the reassembly target has at a place.
fn byte_of(message: u64, at: usize) -> u8 {
    (message as usize * 31 + at * 7 + at / 251) as u8
}

/// A stranger cuts messages as it likes; what is delivered is whole, in order and what was sent.
pub fn reassembly(data: &[u8]) {
    let mut plan = Plan(data);
    let mut rng = seeded(1);
    let now = Instant::from_micros(1_000_000);
    let (mut stranger, mut connection) = Session::facing(Side::Client, now, 1);
    let mut next = BTreeMap::new();
    while !plan.is_over() {
        let mut frames = Vec::new();
        for _ in 0..=plan.byte() % 4 {
            let how = plan.byte();
            let channel = Channel::ALL[usize::from(how) % Channel::COUNT];
            let message = u64::from(plan.byte() % 16) * if how & 0x80 == 0 { 1 } else { 100 };
            // Every message has one true length, so that the last piece can be told.
            let total = 1 + (message as usize * 7919) % 6000;
            let offset = usize::from(plan.number()) % (total + 100);
            let length = usize::from(plan.number()) % 1100;
            let bytes: Vec<u8> = (offset..offset + length).map(|at| byte_of(message, at)).collect();
            let whole: Vec<u8> = (0..total).map(|at| byte_of(message, at)).collect();
            match how >> 4 & 7 {
                0 => frame::encode_resync(channel, message, u64::from(plan.number()), &mut frames),
                1 if total < 1100 => frame::encode_data(&Data { channel, message, part: Part::Whole, bytes: &whole }, &mut frames),
                2 => {
                    let part = Part::Fragment { offset: offset as u32, last: Some(plan.number().into()) };
                    frame::encode_data(&Data { channel, message, part, bytes: &bytes }, &mut frames);
                }
                _ => {
                    let end = (offset + length).min(total);
                    let part = Part::Fragment { offset: offset as u32, last: (end == total).then(|| crc32fast::hash(&whole)) };
                    let bytes = bytes.get(..end.saturating_sub(offset)).unwrap_or_default();
                    frame::encode_data(&Data { channel, message, part, bytes }, &mut frames);
                }
            }
        }
        stranger.say(&mut connection, now, &frames, &mut rng);
        while let Some(event) = connection.poll_event() {
            let Event::Message { channel, body, .. } = event else { continue };
            assert!(body.len() <= MESSAGE_BYTES_MAX);
            // Messages are told apart by their true length and bytes.
            let from = *next.get(&channel).unwrap_or(&0);
            let found = (from..from + 2000).find(|&message| {
                1 + (message as usize * 7919) % 6000 == body.len()
                    && body.iter().enumerate().all(|(at, &byte)| byte == byte_of(message, at))
            });
            let message = found.unwrap_or_else(|| panic!("{channel:?} delivered {} bytes that nobody sent", body.len()));
            next.insert(channel, message + 1);
        }
        stranger.hear(&mut connection, now, &mut rng);
    }
}

/// An endpoint with one good client and everything that a stranger can think of.
pub fn endpoint(data: &[u8]) {
    let mut plan = Plan(data);
    let mut now = Instant::from_micros(5_000_000);
    let config = endpoint::Config { identity: KeyPair::generate(&mut seeded(2)), retired: vec![] };
    let mut endpoint = Endpoint::new(config, seeded(3), now);
    let address = |number: u8| SocketAddr::from(([10, 0, 0, number], 4000));
    let mut good = Stranger::new(4).shake_hands(&mut endpoint, now, address(1));
    // Those whose datagrams the fuzzer seals, at the same place or another.
    let mut insider = Stranger::new(5).shake_hands(&mut endpoint, now, address(2));
    let mut recorded: Vec<Vec<u8>> = vec![Stranger::new(6).hello0()];
    // What came from and went to addresses that have proven nothing.
    let mut balance: BTreeMap<SocketAddr, i64> = BTreeMap::new();
    let mut proven = vec![address(1), address(2)];
    let (mut said, mut heard) = (0u64, 0u64);
    while !plan.is_over() {
        let from = address(3 + plan.byte() % 4);
        let mut datagram = match plan.byte() % 8 {
            0 => {
                let length = usize::from(plan.number()) % 1500;
                let mut bytes = plan.bytes(length.min(64)).to_vec();
                bytes.resize(length, 0);
                bytes
            }
            1 | 2 => {
                let at = usize::from(plan.byte()) % recorded.len();
                let mut bytes = recorded[at].clone();
                let bit = usize::from(plan.number()) % (bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
                if plan.byte() & 1 == 0 {
                    repair_checksum(&mut bytes);
                }
                bytes
            }
            3 => recorded[usize::from(plan.byte()) % recorded.len()].clone(),
            4 => {
                let mut stranger = Stranger::new(u64::from(plan.byte()));
                endpoint.handle_datagram(now, from, &mut stranger.hello0());
                *balance.entry(from).or_default() += 1200;
                let (sent, _) = drain(&mut endpoint, now);
                for (to, bytes) in &sent {
                    *balance.entry(*to).or_default() -= bytes.len() as i64;
                }
                // Whoever holds a cookie has proven the address.
                match sent.first().and_then(|(_, retry)| stranger.hello(retry)) {
                    Some((hello, _)) => {
                        proven.push(from);
                        hello
                    }
                    None => continue,
                }
            }
            5 => {
                let frames = plan.bytes(60);
                // Whoever has keys may be moving: three times as much may go there to find out.
                *balance.entry(from).or_default() += 2 * 40;
                insider.seal(if frames.is_empty() { &[0] } else { frames })
            }
            6 => {
                now = now + Duration::from_millis(plan.number().into());
                endpoint.handle_datagram(now, address(1), &mut good.seal(&[1]));
                endpoint.handle_timeout(now);
                Vec::new()
            }
            _ => {
                // The good client goes on as if nothing had happened.
                let mut frames = Vec::new();
                let bytes = said.to_le_bytes();
                frame::encode_data(&Data { channel: Channel::Chat, message: said, part: Part::Whole, bytes: &bytes }, &mut frames);
                let mut datagram = good.seal(&frames);
                recorded.push(datagram.clone());
                endpoint.handle_datagram(now, address(1), &mut datagram);
                said += 1;
                Vec::new()
            }
        };
        recorded.push(if datagram.is_empty() { vec![0] } else { datagram.clone() });
        *balance.entry(from).or_default() += datagram.len() as i64;
        endpoint.handle_datagram(now, from, &mut datagram);
        let (sent, told) = drain(&mut endpoint, now);
        for (to, bytes) in sent {
            *balance.entry(to).or_default() -= bytes.len() as i64;
            recorded.push(bytes);
        }
        for (address, balance) in &balance {
            assert!(proven.contains(address) || *balance >= 0, "{address} has proven nothing and was sent more than it sent");
        }
        for event in told {
            match event {
                endpoint::Event::Message { peer, body, .. } if peer.0 == good.remote.0 => {
                    assert_eq!(body, heard.to_le_bytes(), "once and in order");
                    heard += 1;
                }
                endpoint::Event::Gone { peer, .. } => assert_ne!(peer.0, good.remote.0, "the good client was sent away"),
                _ => {}
            }
        }
        assert_eq!(heard, said);
        recorded.truncate(200);
    }
    let stats = endpoint.stats();
    assert!(stats.datagrams_dropped <= stats.datagrams_received);
}

/// A client whose server has lost its mind: any messages on any channels, forged datagrams between them.
pub fn client(data: &[u8]) {
    let mut plan = Plan(data);
    let mut now = Instant::from_micros(5_000_000);
    let (here, there) = (SocketAddr::from(([10, 0, 0, 1], 4000)), SocketAddr::from(([10, 0, 0, 9], 7411)));
    let mut rng = seeded(7);
    let config = endpoint::Config { identity: KeyPair::generate(&mut rng), retired: vec![] };
    let mut server = Endpoint::new(config, seeded(3), now);
    let credentials = Credentials {
        account: AccountName::new("alice").expect("a good name"),
        proof: Proof::Password { password: Password::new("secret").expect("a good password"), register: false, remember: false },
    };
    let config = Config {
        servers: vec![there],
        trust: Trust::FirstUse,
        device: KeyPair::generate(&mut rng),
        credentials,
        start: Start::Now,
        shows_notices: true,
    };
    let mut client = Client::new(config, seeded(8), now);
    let mut peers = Vec::new();
    let mut recorded = vec![vec![0]];
    exchange(&mut client, &mut server, now, (here, there), &mut peers, &mut recorded);
    while !plan.is_over() {
        match plan.byte() % 6 {
            0 | 1 => {
                let body = encode(&anything::<FromServer>(&mut seeded(plan.number().into()))).expect("it fits");
                tell(&mut server, &peers, &mut plan, body);
            }
            2 => {
                let mut body = encode(&anything::<FromServer>(&mut seeded(plan.number().into()))).expect("it fits");
                let bit = usize::from(plan.number()) % (body.len() * 8);
                body[bit / 8] ^= 1 << (bit % 8);
                tell(&mut server, &peers, &mut plan, body);
            }
            3 => {
                let length = 1 + usize::from(plan.number()) % MESSAGE_BYTES_MAX;
                let mut body = plan.bytes(40).to_vec();
                body.resize(length, 1);
                tell(&mut server, &peers, &mut plan, body);
            }
            4 => {
                let mut bytes = recorded[usize::from(plan.byte()) % recorded.len()].clone();
                let bit = usize::from(plan.number()) % (bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
                repair_checksum(&mut bytes);
                client.handle_datagram(now, there, &mut bytes);
            }
            _ => {
                now = now + Duration::from_millis(plan.number().into());
                client.handle_timeout(now);
                server.handle_timeout(now);
            }
        }
        exchange(&mut client, &mut server, now, (here, there), &mut peers, &mut recorded);
    }
}

fn tell(server: &mut Endpoint, peers: &[endpoint::PeerId], plan: &mut Plan<'_>, body: Vec<u8>) {
    let channel = Channel::ALL[usize::from(plan.byte()) % Channel::COUNT];
    if let Some(&peer) = peers.last() {
        let _ = server.send(peer, channel, body.into());
    }
}

/// Carries datagrams both ways until nobody has more to say.
fn exchange(
    client: &mut Client,
    server: &mut Endpoint,
    now: Instant,
    (here, there): (SocketAddr, SocketAddr),
    peers: &mut Vec<endpoint::PeerId>,
    recorded: &mut Vec<Vec<u8>>,
) {
    let mut out = Vec::new();
    for turn in 0.. {
        assert!(turn < 10_000, "they never stop talking at one instant");
        let mut quiet = true;
        loop {
            match client.poll(now, &mut out) {
                Output::Transmit { .. } => {
                    quiet = false;
                    recorded.push(out.clone());
                    server.handle_datagram(now, here, &mut out);
                }
                Output::Update(_) => {}
                Output::Wait(_) => break,
            }
        }
        let (sent, told) = drain(server, now);
        for (_, mut bytes) in sent {
            quiet = false;
            recorded.push(bytes.clone());
            client.handle_datagram(now, there, &mut bytes);
        }
        for event in told {
            match event {
                endpoint::Event::Connected { peer, .. } => peers.push(peer),
                endpoint::Event::Gone { peer, .. } => peers.retain(|&known| known != peer),
                endpoint::Event::Message { .. } | endpoint::Event::Delivered { .. } | endpoint::Event::Room { .. } => {}
            }
        }
        recorded.truncate(100);
        if quiet {
            return;
        }
    }
}

pub(super) fn plans() -> Vec<Vec<u8>> {
    noise(20, 300)
}
