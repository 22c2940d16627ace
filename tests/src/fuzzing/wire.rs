//! Parsers: whatever they accept has one spelling, and is what encoding makes of it again.

use std::time::Duration;

use belfry_core::chat::{
    AccountName, FromClient, FromServer, Label, Password, RoomName, Text, Title, decode_from_client, decode_from_server, encode,
};
use belfry_core::crypto::PublicKey;
use belfry_core::limits::{ACK_RANGES_ACCEPTED_MAX, DATAGRAM_BYTES, DISCOVER_BYTES, NAME_BYTES_MAX, NAME_CHARS_MAX};
use belfry_core::wire::datagram::{self, ConnectionId, Datagram, Hello, Hello0, NoSession, Reject, Response, Retry, VERSION};
use belfry_core::wire::discover::{Discover, Here};
use belfry_core::wire::frame::{self, Data, Frame, Part};
use belfry_core::wire::parameters::{ClientParameters, ServerParameters};
use belfry_core::wire::{Channel, CloseCode};

use crate::anything::anything;
use crate::pair::seeded;
use crate::stranger::repair_checksum;

/// Heads of datagrams, as they are and with the checksum made right.
pub fn datagram_heads(data: &[u8]) {
    check_datagram(data);
    let mut repaired = data.to_vec();
    repair_checksum(&mut repaired);
    check_datagram(&repaired);
    // Padded ones are 256 or 1200 bytes long, which no fuzzer guesses.
    for length in [DISCOVER_BYTES, DATAGRAM_BYTES] {
        repaired.resize(repaired.len().max(length), 0);
        repair_checksum(&mut repaired);
        check_datagram(&repaired);
    }
}

fn check_datagram(bytes: &[u8]) {
    let Ok(decoded) = datagram::decode(bytes) else { return };
    let mut again = Vec::new();
    match &decoded {
        Datagram::Protected(head) => {
            head.encode(&mut again);
            assert_eq!(again, bytes[..again.len()]);
            return;
        }
        Datagram::Hello0(body) => body.encode(&mut again),
        Datagram::Retry(body) => body.encode(&mut again),
        Datagram::Hello(body) => body.encode(&mut again),
        Datagram::Response(body) => body.encode(&mut again),
        Datagram::Reject(body) => body.encode(&mut again),
        Datagram::NoSession(body) => body.encode(&mut again),
        Datagram::Discover(body) => body.encode(&mut again),
        Datagram::Here(body) => body.encode(&mut again),
    }
    assert_eq!(datagram::decode(&again).as_ref(), Ok(&decoded), "what was read is written");
    let version = u16::from_le_bytes([bytes[2], bytes[3]]);
    // Padding may be longer than ours.
    let longest = if matches!(decoded, Datagram::Discover(_)) { DISCOVER_BYTES } else { DATAGRAM_BYTES };
    if bytes.len() <= longest && version == VERSION {
        assert_eq!(again, bytes, "one meaning, one spelling");
    }
}

/// Real ones of every kind, without their padding.
pub fn datagrams() -> Vec<Vec<u8>> {
    let noise = [7; 120];
    let (nonce, cookie) = ([1; 8], [2; 16]);
    let mut all = vec![Vec::new(); 10];
    let [hello0, retry, keyless, hello, response, reject, no_session, protected, discover, here] = all.as_mut_slice() else {
        unreachable!("ten of them")
    };
    Hello0 { nonce, send_key: true, versions: vec![1, 2] }.encode(hello0);
    Retry { nonce, cookie, key_ids: vec![[3; 8]; 4], key: Some([4; 32]), versions: vec![1] }.encode(retry);
    Retry { nonce, cookie, key_ids: vec![[3; 8]], key: None, versions: vec![1, 2, 3] }.encode(keyless);
    Hello { from: ConnectionId(5), nonce, cookie, noise: &noise }.encode(hello);
    Response { to: ConnectionId(5), noise: &noise }.encode(response);
    Reject { to: ConnectionId(5), nonce, code: CloseCode::SERVER_FULL, retry_after_millis: 9, jitter_millis: 10 }.encode(reject);
    NoSession { to: ConnectionId(5), token: [6; 16] }.encode(no_session);
    datagram::ProtectedHead { to: ConnectionId(5), epoch: false, number: 6 }.encode(protected);
    protected.resize(40, 0);
    Discover { nonce }.encode(discover);
    Here { nonce, key: [4; 32], versions: vec![1], name: "bell tower", program: "0.1.0" }.encode(here);
    // Without their padding: the target adds it.
    hello0.truncate(60);
    discover.truncate(24);
    hello.truncate(200);
    all
}

/// The inside of a datagram.
pub fn frames(data: &[u8]) {
    let mut again = Vec::new();
    for frame in frame::decode(data) {
        let Ok(frame) = frame else { return assert!(data.starts_with(&again), "one meaning, one spelling") };
        encode_frame(&frame, &mut again);
    }
    assert_eq!(again, data, "one meaning, one spelling");
}

/// Appends a frame in its one spelling.
pub fn encode_frame(frame: &Frame<'_>, out: &mut Vec<u8>) {
    match *frame {
        Frame::Padding => frame::encode_padding(1, out),
        Frame::Ping => frame::encode_ping(out),
        Frame::Ack(ref ack) => frame::encode_ack(ack.ranges().collect::<Vec<_>>().into_iter(), ack.delay, out),
        Frame::Data(ref data) => frame::encode_data(data, out),
        Frame::MaxData { channel, bytes } => frame::encode_max_data(channel, bytes, out),
        Frame::Blocked { channel } => frame::encode_blocked(channel, out),
        Frame::AckSpread { millis } => frame::encode_ack_spread(millis, out),
        Frame::PathChallenge(challenge) => frame::encode_path_challenge(challenge, out),
        Frame::PathResponse(challenge) => frame::encode_path_response(challenge, out),
        Frame::Resync { channel, next, bytes } => frame::encode_resync(channel, next, bytes, out),
        Frame::Close { code, reason } => frame::encode_close(code, reason, out),
        Frame::GoAway { retry_after_millis, jitter_millis } => frame::encode_go_away(retry_after_millis, jitter_millis, out),
        Frame::KeyAnnounce(key) => frame::encode_key_announce(key, out),
        Frame::Extension { number, bytes } => {
            varint(number, out);
            varint(bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
    }
}

/// A variable-length integer (RFC 9000 §16), written once more by somebody else.
pub fn varint(value: u64, out: &mut Vec<u8>) {
    match value {
        0..=0x3f => out.push(value as u8),
        0x40..=0x3fff => out.extend_from_slice(&(value as u16 | 0x4000).to_be_bytes()),
        0x4000..=0x3fff_ffff => out.extend_from_slice(&(value as u32 | 0x8000_0000).to_be_bytes()),
        _ => out.extend_from_slice(&(value | 0xc000_0000_0000_0000).to_be_bytes()),
    }
}

/// Real ones, one frame each and all in a row.
pub(super) fn payloads() -> Vec<Vec<u8>> {
    let ranges = [(90, 100), (50, 50), (0, 48)];
    let mut ack = Vec::new();
    frame::encode_ack(ranges.into_iter(), Duration::from_micros(800), &mut ack);
    let fragment = |last| Part::Fragment { offset: 600, last };
    let data = |message, part| Frame::Data(Data { channel: Channel::Chat, message, part, bytes: b"ring the bell" });
    let others = [
        Frame::Ping,
        data(3, Part::Whole),
        data(400, fragment(None)),
        data(400, fragment(Some(0x1234_5678))),
        Frame::MaxData { channel: Channel::Notice, bytes: 1 << 40 },
        Frame::Blocked { channel: Channel::History },
        Frame::AckSpread { millis: 200 },
        Frame::PathChallenge(*b"whoareyo"),
        Frame::PathResponse(*b"whoareyo"),
        Frame::Resync { channel: Channel::Chat, next: 70, bytes: 20_000 },
        Frame::Close { code: CloseCode::IDLE, reason: "nobody there" },
        Frame::GoAway { retry_after_millis: 500, jitter_millis: 1000 },
        Frame::Extension { number: 0x41, bytes: b"later" },
        Frame::Padding,
    ];
    let mut all: Vec<Vec<u8>> = others
        .iter()
        .map(|frame| {
            let mut out = Vec::new();
            encode_frame(frame, &mut out);
            out
        })
        .collect();
    all.insert(0, ack);
    all.push(all.concat());
    all
}

/// Acknowledgements: descending, apart from each other, few.
pub fn ack_ranges(data: &[u8]) {
    let bytes = [&[2], data].concat();
    let Some(Ok(Frame::Ack(ack))) = frame::decode(&bytes).next() else { return };
    let ranges: Vec<_> = ack.ranges().collect();
    assert!(!ranges.is_empty() && ranges.len() <= ACK_RANGES_ACCEPTED_MAX);
    assert_eq!(ranges[0].1, ack.largest);
    assert!(ranges.iter().all(|(smallest, largest)| smallest <= largest));
    assert!(ranges.windows(2).all(|pair| pair[0].0 > pair[1].1 + 1), "{ranges:?}");
    let mut again = Vec::new();
    frame::encode_ack(ranges.into_iter(), ack.delay, &mut again);
    assert!(bytes.starts_with(&again), "one meaning, one spelling");
}

pub(super) fn acknowledgements() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for count in [1, 2, 31, 32, 63, 64, 65] {
        let mut out = Vec::new();
        let ranges: Vec<_> = (0..count).rev().map(|i| (1000 * i, 1000 * i + i)).collect();
        frame::encode_ack(ranges.into_iter(), Duration::from_millis(25), &mut out);
        all.push(out.split_off(1));
    }
    all
}

/// What both sides say inside the handshake.
pub fn parameters(data: &[u8]) {
    if let Ok(client) = ClientParameters::decode(data) {
        let again = client.encode();
        assert!(again.len() <= data.len());
        assert_eq!(ClientParameters::decode(&again), Ok(client));
        assert!(again == data || again.len() < data.len(), "only what is skipped may be left out");
    }
    if let Ok(server) = ServerParameters::decode(data) {
        let again = server.encode();
        assert_eq!(ServerParameters::decode(&again), Ok(server));
        assert!(again == data || again.len() < data.len(), "only what is skipped may be left out");
    }
}

pub(super) fn handshake_parameters() -> Vec<Vec<u8>> {
    let client =
        ClientParameters { connection_id: ConnectionId(7), suites: vec![1, 2], previous: Some((ConnectionId(8), [5; 16])) }.encode();
    let server = ServerParameters { connection_id: ConnectionId(7), suite: 1, reset_token: [9; 16], renewal_secret: [5; 16] }.encode();
    let later = [&client[..], &[20, 2, 1, 1], &[21, 0]].concat();
    vec![client, server, later]
}

/// The words of the conversation from both sides.
pub fn codec(data: &[u8]) {
    // The schema's number, so that not every second input dies on it.
    for bytes in [data.to_vec(), [&[2], data].concat()] {
        if let Ok(message) = decode_from_client(&bytes) {
            let again = encode(&message).expect("what fitted fits");
            assert_eq!(decode_from_client(&again), Ok(message));
        }
        if let Ok(message) = decode_from_server(&bytes) {
            let again = encode(&message).expect("what fitted fits");
            assert_eq!(decode_from_server(&again), Ok(message));
        }
    }
}

pub(super) fn messages() -> Vec<Vec<u8>> {
    let mut rng = seeded(1);
    let asked = (0..100).map(|_| encode(&anything::<FromClient>(&mut seeded(belfry_core::rng::below(&mut rng, 1 << 32)))));
    let asked: Vec<_> = asked.collect();
    let told = (0..100).map(|_| encode(&anything::<FromServer>(&mut rng)));
    asked.into_iter().chain(told).map(|bytes| bytes.expect("it fits")).collect()
}

/// Names, texts, written keys.
pub fn texts(data: &[u8]) {
    let typed = String::from_utf8_lossy(data);
    if let Ok(name) = AccountName::new(&typed) {
        assert_eq!(AccountName::new(name.as_str()).as_ref(), Ok(&name), "a name that is good stays as it is");
        assert!(name.as_str().chars().count() <= NAME_CHARS_MAX && name.as_str().len() <= NAME_BYTES_MAX);
        assert!(!name.key().is_empty());
        if let Ok(small) = AccountName::new(&name.as_str().to_lowercase()) {
            assert_eq!(small.key(), name.key(), "case tells nobody apart");
        }
    }
    let _ = RoomName::new(&typed);
    if let Ok(text) = Text::new(typed.clone()) {
        assert_eq!(Text::new(text.as_str()).as_ref(), Ok(&text), "a text that is good stays as it is");
        assert!(text.as_str().len() <= typed.len() && text.is_as_written());
    }
    let folded = belfry_core::chat::fold(&typed);
    assert_eq!(belfry_core::chat::fold(&folded), folded, "what is folded stays as it is");
    let _ = (Title::new(typed.clone()), Label::new(typed.clone()), Password::new(typed.clone()));
    if let Ok(key) = typed.parse::<PublicKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
}

pub(super) fn words() -> Vec<Vec<u8>> {
    let key = PublicKey([0x5a; 32]).to_string();
    [
        "alice",
        "  Anna   Berg ",
        "Andre\u{301}",
        "ａｌｉｃｅ",
        "İstanbul",
        "ﬃ ß ſ",
        "王小明",
        "a\u{202e}b",
        "x\ny\tz",
        &"王".repeat(32),
        &key,
    ]
    .map(|word| word.as_bytes().to_vec())
    .to_vec()
}
