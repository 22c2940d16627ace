//! Frames, one spelling each.

use core::time::Duration;

use belfry_core::wire::frame::{self, Data, Frame, Part, decode};
use belfry_core::wire::{Channel, CloseCode};
use serde_json::{Value, json};

use crate::{hex, noise, publish, varint};

fn meaning(frame: &Frame<'_>) -> Value {
    match frame {
        Frame::Padding => json!({"type": "PADDING"}),
        Frame::Ping => json!({"type": "PING"}),
        Frame::Ack(ack) => {
            let ranges: Vec<_> = ack.ranges().map(|(low, high)| [low, high]).collect();
            json!({"type": "ACK", "delay_micros": ack.delay.as_micros() as u64, "ranges": ranges})
        }
        Frame::Data(data) => {
            let mut meaning = json!({"type": "DATA", "channel": data.channel.number(), "message": data.message, "data": hex(data.bytes)});
            if let Part::Fragment { offset, last } = data.part {
                meaning["offset"] = offset.into();
                if let Some(crc) = last {
                    meaning["crc"] = crc.into();
                }
            }
            meaning
        }
        Frame::MaxData { channel, bytes } => json!({"type": "MAX_DATA", "channel": channel.number(), "bytes_granted": bytes}),
        Frame::Blocked { channel } => json!({"type": "BLOCKED", "channel": channel.number()}),
        Frame::AckSpread { millis } => json!({"type": "ACK_SPREAD", "millis": millis}),
        Frame::PathChallenge(data) => json!({"type": "PATH_CHALLENGE", "data": hex(data)}),
        Frame::PathResponse(data) => json!({"type": "PATH_RESPONSE", "data": hex(data)}),
        Frame::Resync { channel, next, bytes } => {
            json!({"type": "RESYNC", "channel": channel.number(), "next": next, "bytes_used": bytes})
        }
        Frame::Close { code, reason } => json!({"type": "CLOSE", "code": code.0, "reason": reason}),
        Frame::GoAway { retry_after_millis, jitter_millis } => {
            json!({"type": "GOAWAY", "retry_after": retry_after_millis, "jitter": jitter_millis})
        }
        Frame::KeyAnnounce(key) => json!({"type": "KEY_ANNOUNCE", "key": hex(key)}),
        Frame::Extension { number, bytes } => json!({"type": "EXTENSION", "number": number, "data": hex(bytes)}),
    }
}

/// The inside of a datagram and the frames in it.
fn case(bytes: &[u8]) -> Value {
    let frames: Vec<_> = decode(bytes).map(|frame| frame.expect("what is written can be read")).collect();
    let meanings: Vec<_> = frames.iter().map(meaning).collect();
    let asks = frames.iter().any(Frame::is_ack_eliciting);
    json!({"bytes": hex(bytes), "frames": meanings, "asks": asks})
}

#[derive(Default)]
struct Cases(Vec<Value>);

impl Cases {
    /// One frame of the program.
    fn add(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        encode(&mut out);
        self.add_bytes(&out);
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        self.0.push(case(bytes));
    }

    fn data(&mut self, channel: Channel, message: u64, part: Part, bytes: &[u8]) {
        self.add(|out| frame::encode_data(&Data { channel, message, part, bytes }, out));
    }
}

const LARGEST: u64 = (1 << 62) - 1;

#[test]
fn frames_are_as_published() {
    let mut cases = Cases::default();
    cases.add_bytes(&[]);
    for count in [1, 2, 15, 100] {
        cases.add(|out| frame::encode_padding(count, out));
    }
    cases.add(frame::encode_ping);
    for (ranges, delay) in [
        (vec![(0, 0)], 0),
        (vec![(0, 63)], 80),
        (vec![(90, 100), (50, 50), (0, 48)], 504),
        (vec![(LARGEST - 1, LARGEST)], 25_000),
        (vec![(16_384, 16_500), (16_000, 16_382), (64, 15_000)], 131_072),
        ((0..32).rev().map(|at| (at * 3, at * 3)).collect(), 8 * 16_384),
        ((0..64).rev().map(|at| (at * 1000, at * 1000 + 500)).collect(), 8),
    ] {
        cases.add(|out| frame::encode_ack(ranges.into_iter(), Duration::from_micros(delay), out));
    }
    let body = noise(1200, 3);
    cases.data(Channel::Chat, 7, Part::Whole, b"bell");
    cases.data(Channel::Control, 0, Part::Whole, &body[..1]);
    cases.data(Channel::Notice, 64, Part::Whole, &body[..64]);
    cases.data(Channel::History, LARGEST, Part::Whole, &body[..1143]);
    cases.data(Channel::Chat, 1, Part::Fragment { offset: 0, last: None }, &body[..512]);
    cases.data(Channel::History, 16_384, Part::Fragment { offset: 63, last: None }, &body[..1000]);
    cases.data(Channel::Notice, 2, Part::Fragment { offset: 1100, last: Some(crc32fast::hash(&body)) }, &body[1100..]);
    cases.data(Channel::Chat, 3, Part::Fragment { offset: 65_535, last: Some(0) }, &body[..1]);
    cases.data(Channel::Control, 4, Part::Fragment { offset: u32::MAX, last: Some(u32::MAX) }, &body[..2]);
    cases.data(Channel::File, 5, Part::Fragment { offset: 0, last: None }, &body[..1100]);
    for (channel, bytes) in Channel::ALL.into_iter().cycle().zip([0, 63, 64, 16_384, 1 << 30, LARGEST]) {
        cases.add(|out| frame::encode_max_data(channel, bytes, out));
    }
    for channel in Channel::ALL {
        cases.add(|out| frame::encode_blocked(channel, out));
    }
    for millis in [0, 1, 200, 2000, u16::MAX] {
        cases.add(|out| frame::encode_ack_spread(millis, out));
    }
    for seed in 0..5 {
        let data = noise(8, seed).try_into().expect("eight bytes");
        cases.add(|out| frame::encode_path_challenge(data, out));
        cases.add(|out| frame::encode_path_response(data, out));
    }
    for (channel, next, bytes) in [
        (Channel::Chat, 9, 10),
        (Channel::Notice, 0, 0),
        (Channel::History, 64, 16_384),
        (Channel::Control, 1, 63),
        (Channel::Chat, LARGEST, LARGEST),
    ] {
        cases.add(|out| frame::encode_resync(channel, next, bytes, out));
    }
    let longest = "ä".repeat(32);
    for (code, reason) in [
        (CloseCode::NO_ERROR, ""),
        (CloseCode::REPLACED, "twice"),
        (CloseCode::MESSAGE_CRC, "joined wrongly"),
        (CloseCode(u16::MAX), "塔"),
        (CloseCode::GOING_AWAY, &longest),
    ] {
        cases.add(|out| frame::encode_close(code, reason, out));
    }
    for (retry_after, jitter) in [(0, 0), (500, 1000), (1, u32::MAX), (u32::MAX, 1), (30_000, 4000)] {
        cases.add(|out| frame::encode_go_away(retry_after, jitter, out));
    }
    for seed in 0..5 {
        cases.add(|out| frame::encode_key_announce(noise(32, seed).try_into().expect("32 bytes"), out));
    }
    // Nobody sends them yet; whoever gets them skips them.
    for (number, length) in [(0x40, 0), (0x41, 2), (0x3fff, 64), (0x4000, 1), (LARGEST, 3)] {
        let mut bytes = varint(number);
        bytes.extend(varint(length));
        bytes.extend(noise(length as usize, 1));
        cases.add_bytes(&bytes);
    }
    // Several together.
    cases.add(|out| {
        frame::encode_ack([(5, 9)].into_iter(), Duration::from_micros(16), out);
        frame::encode_ack_spread(200, out);
        frame::encode_data(&Data { channel: Channel::Notice, message: 0, part: Part::Whole, bytes: b"fire drill" }, out);
        frame::encode_padding(3, out);
    });
    cases.add(|out| {
        frame::encode_ack([(5, 9)].into_iter(), Duration::ZERO, out);
        frame::encode_padding(20, out);
    });
    cases.add(|out| {
        frame::encode_go_away(1000, 4000, out);
        frame::encode_close(CloseCode::GOING_AWAY, "", out);
    });
    publish("frames.json", &cases.0);
}
