//! The frames inside a protected datagram.
//!
//! Written by hand and in one spelling each: decoding and encoding again gives the same bytes.

use alloc::vec::Vec;
use core::time::Duration;

pub use super::reader::Malformed;
use super::reader::Reader;
use super::{Channel, varint};
use crate::limits::{ACK_RANGES_ACCEPTED_MAX, REASON_BYTES_MAX};
use crate::wire::CloseCode;

const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const DATA: u64 = 0x04;
const MAX_DATA: u64 = 0x06;
const BLOCKED: u64 = 0x07;
const ACK_SPREAD: u64 = 0x08;
const PATH_CHALLENGE: u64 = 0x09;
const PATH_RESPONSE: u64 = 0x0a;
const RESYNC: u64 = 0x0b;
const CLOSE: u64 = 0x0c;
const GO_AWAY: u64 = 0x0d;
const KEY_ANNOUNCE: u64 = 0x0e;

/// Frames from here on may be skipped by who does not know them: number, length, bytes. Odd ones ask for an acknowledgement.
const EXTENSIONS: u64 = 0x40;

/// In DATA's first byte: this is a piece of a message.
const FRAGMENT: u8 = 0x10;
/// In DATA's first byte: it is the last piece; the whole message's CRC32 follows.
const LAST: u8 = 0x20;

/// The unit of the delay in an ACK.
const ACK_DELAY_UNIT_MICROS: u64 = 8;

/// One frame, borrowing from its datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Nothing: fills a datagram up.
    Padding,
    /// Asks for an acknowledgement and nothing else.
    Ping,
    /// Which packets have arrived.
    Ack(Ack<'a>),
    /// A message or a piece of one.
    Data(Data<'a>),
    /// How many bytes may be sent on a channel altogether.
    MaxData {
        /// Whose message numbers and credit are meant.
        channel: Channel,
        /// Counted from the connection's start.
        bytes: u64,
    },
    /// The sender would send more on this channel if it were allowed to.
    Blocked {
        /// Whose message numbers and credit are meant.
        channel: Channel,
    },
    /// Whoever gets this may delay the acknowledgement of its packet by a random time up to this.
    AckSpread {
        /// The longest delay, in milliseconds.
        millis: u16,
    },
    /// Prove that you receive at this address.
    PathChallenge([u8; 8]),
    /// The proof: the challenge's bytes.
    PathResponse([u8; 8]),
    /// Messages before `next` that have not arrived will not: fetch them from the log.
    Resync {
        /// Whose message numbers and credit are meant.
        channel: Channel,
        /// The next message that will arrive.
        next: u64,
        /// Bytes of the channel that the messages before `next` have used up of what was granted.
        bytes: u64,
    },
    /// The connection is over.
    Close {
        /// Why, for the program.
        code: CloseCode,
        /// Why, for a log.
        reason: &'a str,
    },
    /// The server is about to stop.
    GoAway {
        /// Come back no earlier, in milliseconds,
        retry_after_millis: u32,
        /// plus a random time up to this.
        jitter_millis: u32,
    },
    /// The server has this public key from now on; the one that the client knows will be retired.
    KeyAnnounce([u8; 32]),
    /// From a newer peer, not understood.
    Extension {
        /// Its number, from 0x40.
        number: u64,
        /// As many as the datagram had room for.
        bytes: &'a [u8],
    },
}

impl Frame<'_> {
    /// Whether the packet that carries it must be acknowledged.
    pub const fn is_ack_eliciting(&self) -> bool {
        match self {
            Self::Padding | Self::Ack(_) | Self::AckSpread { .. } | Self::Close { .. } => false,
            Self::Extension { number, .. } => *number & 1 == 1,
            _ => true,
        }
    }
}

/// A message or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// The channel it travels on.
    pub channel: Channel,
    /// The message's number in its channel and direction, from 0.
    pub message: u64,
    /// Whether `bytes` is all of it.
    pub part: Part,
    /// The bytes, at least one.
    pub bytes: &'a [u8],
}

/// Which part of a message a DATA frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// A piece.
    Fragment {
        /// Where the piece begins.
        offset: u32,
        /// The piece ends the message; this is the CRC32 of the whole message.
        last: Option<u32>,
    },
}

impl Data<'_> {
    /// The bytes of this frame beyond the message's own, at most.
    pub const fn overhead(message: u64, offset: u32, length: usize) -> usize {
        // Type, channel and flags, number, offset, length, CRC32.
        2 + varint::size(message) + varint::size(offset as u64) + varint::size(length as u64) + 4
    }
}

/// Which packets have arrived: ranges from the newest downwards (RFC 9000 §19.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The newest packet that has arrived.
    pub largest: u64,
    /// How long its receiver has kept this to itself.
    pub delay: Duration,
    first: u64,
    /// Pairs of (gap, length), checked when decoded.
    rest: &'a [u8],
}

impl<'a> Ack<'a> {
    /// The ranges as (smallest, largest), from the newest downwards, disjoint and not touching.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let mut smallest = self.largest.saturating_sub(self.first);
        let mut rest = Reader::new(self.rest);
        core::iter::once((smallest, self.largest)).chain(core::iter::from_fn(move || {
            let (low, high) = next_range(smallest, &mut rest).ok()?;
            smallest = low;
            Some((low, high))
        }))
    }
}

/// The range below one that starts at `above`: at least one packet is missing between them.
fn next_range(above: u64, rest: &mut Reader<'_>) -> Result<(u64, u64), Malformed> {
    let (gap, length) = (rest.varint()?, rest.varint()?);
    let high = above.checked_sub(gap).and_then(|n| n.checked_sub(2)).ok_or(Malformed)?;
    let low = high.checked_sub(length).ok_or(Malformed)?;
    Ok((low, high))
}

/// Splits the inside of a datagram into frames. After an error nothing more comes.
pub fn decode(payload: &[u8]) -> impl Iterator<Item = Result<Frame<'_>, Malformed>> {
    decode_by(payload, |_| ())
}

/// The same without padding, which is passed over and not read frame by frame: it may be half of a datagram.
pub fn decode_but_padding(payload: &[u8]) -> impl Iterator<Item = Result<Frame<'_>, Malformed>> {
    decode_by(payload, |reader| reader.pass_over(PADDING as u8))
}

fn decode_by<'a>(payload: &'a [u8], pass_over: impl Fn(&mut Reader<'a>)) -> impl Iterator<Item = Result<Frame<'a>, Malformed>> {
    let mut reader = Reader::new(payload);
    let mut broken = false;
    core::iter::from_fn(move || {
        pass_over(&mut reader);
        if broken || reader.is_empty() {
            return None;
        }
        let frame = decode_one(&mut reader);
        broken = frame.is_err();
        Some(frame)
    })
}

/// How many PINGs there are in the inside of a datagram that has nothing else in it but padding.
pub fn pings_alone(payload: &[u8]) -> Option<usize> {
    // Either is one byte, which is its number.
    let is_either = |&byte: &u8| u64::from(byte) == PING || u64::from(byte) == PADDING;
    payload.iter().all(is_either).then(|| payload.iter().filter(|&&byte| u64::from(byte) == PING).count())
}

fn decode_one<'a>(reader: &mut Reader<'a>) -> Result<Frame<'a>, Malformed> {
    Ok(match reader.varint()? {
        PADDING => Frame::Padding,
        PING => Frame::Ping,
        ACK => Frame::Ack(decode_ack(reader)?),
        DATA => Frame::Data(decode_data(reader)?),
        MAX_DATA => Frame::MaxData { channel: decode_channel(reader)?, bytes: reader.varint()? },
        BLOCKED => Frame::Blocked { channel: decode_channel(reader)? },
        ACK_SPREAD => Frame::AckSpread { millis: reader.u16()? },
        PATH_CHALLENGE => Frame::PathChallenge(reader.array()?),
        PATH_RESPONSE => Frame::PathResponse(reader.array()?),
        RESYNC => Frame::Resync { channel: decode_channel(reader)?, next: reader.varint()?, bytes: reader.varint()? },
        CLOSE => {
            let code = CloseCode(reader.u16()?);
            let reason = reader.counted()?;
            if reason.len() > REASON_BYTES_MAX {
                return Err(Malformed);
            }
            Frame::Close { code, reason: core::str::from_utf8(reason).map_err(|_| Malformed)? }
        }
        GO_AWAY => Frame::GoAway { retry_after_millis: reader.u32()?, jitter_millis: reader.u32()? },
        KEY_ANNOUNCE => Frame::KeyAnnounce(reader.array()?),
        number if number >= EXTENSIONS => Frame::Extension { number, bytes: reader.counted()? },
        _ => return Err(Malformed),
    })
}

fn decode_channel(reader: &mut Reader<'_>) -> Result<Channel, Malformed> {
    Channel::from_number(reader.u8()?).ok_or(Malformed)
}

fn decode_ack<'a>(reader: &mut Reader<'a>) -> Result<Ack<'a>, Malformed> {
    let largest = reader.varint()?;
    let delay = Duration::from_micros(reader.varint()?.checked_mul(ACK_DELAY_UNIT_MICROS).ok_or(Malformed)?);
    let more = reader.u8()?;
    let first = reader.varint()?;
    let mut smallest = largest.checked_sub(first).ok_or(Malformed)?;
    if usize::from(more) >= ACK_RANGES_ACCEPTED_MAX {
        return Err(Malformed);
    }
    let rest = reader.rest();
    for _ in 0..more {
        (smallest, _) = next_range(smallest, reader)?;
    }
    let read = rest.len().saturating_sub(reader.rest().len());
    Ok(Ack { largest, delay, first, rest: rest.get(..read).ok_or(Malformed)? })
}

fn decode_data<'a>(reader: &mut Reader<'a>) -> Result<Data<'a>, Malformed> {
    let head = reader.u8()?;
    let channel = Channel::from_number(head & 0x0f).ok_or(Malformed)?;
    let message = reader.varint()?;
    let (offset, last) = match head & !0x0f {
        0 => (None, false),
        FRAGMENT => (Some(reader.varint_u32()?), false),
        flags if flags == FRAGMENT | LAST => (Some(reader.varint_u32()?), true),
        _ => return Err(Malformed),
    };
    let bytes = reader.counted()?;
    if bytes.is_empty() {
        return Err(Malformed);
    }
    let part = match offset {
        None => Part::Whole,
        Some(offset) => Part::Fragment { offset, last: if last { Some(reader.u32()?) } else { None } },
    };
    Ok(Data { channel, message, part, bytes })
}

/// Appends PADDING frames, one byte each.
pub fn encode_padding(bytes: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + bytes, PADDING as u8);
}

/// Appends PING.
pub fn encode_ping(out: &mut Vec<u8>) {
    varint::write(PING, out);
}

/// Appends ACK for `ranges` as (smallest, largest) from the newest downwards; nothing when there are none.
pub fn encode_ack(mut ranges: impl ExactSizeIterator<Item = (u64, u64)>, delay: Duration, out: &mut Vec<u8>) {
    let Some((mut smallest, largest)) = ranges.next() else { return };
    varint::write(ACK, out);
    varint::write(largest, out);
    varint::write(crate::time::micros(delay) / ACK_DELAY_UNIT_MICROS, out);
    out.push(u8::try_from(ranges.len()).unwrap_or(u8::MAX));
    varint::write(largest.saturating_sub(smallest), out);
    for (low, high) in ranges {
        varint::write(smallest.saturating_sub(high).saturating_sub(2), out);
        varint::write(high.saturating_sub(low), out);
        smallest = low;
    }
}

/// Appends DATA.
pub fn encode_data(data: &Data<'_>, out: &mut Vec<u8>) {
    varint::write(DATA, out);
    let number = data.channel.number();
    match data.part {
        Part::Whole => {
            out.push(number);
            varint::write(data.message, out);
        }
        Part::Fragment { offset, last } => {
            out.push(number | FRAGMENT | if last.is_some() { LAST } else { 0 });
            varint::write(data.message, out);
            varint::write(u64::from(offset), out);
        }
    }
    varint::write(data.bytes.len() as u64, out);
    out.extend_from_slice(data.bytes);
    if let Part::Fragment { last: Some(crc), .. } = data.part {
        out.extend_from_slice(&crc.to_le_bytes());
    }
}

/// Appends MAX_DATA.
pub fn encode_max_data(channel: Channel, bytes: u64, out: &mut Vec<u8>) {
    varint::write(MAX_DATA, out);
    out.push(channel.number());
    varint::write(bytes, out);
}

/// Appends BLOCKED.
pub fn encode_blocked(channel: Channel, out: &mut Vec<u8>) {
    varint::write(BLOCKED, out);
    out.push(channel.number());
}

/// Appends ACK_SPREAD.
pub fn encode_ack_spread(millis: u16, out: &mut Vec<u8>) {
    varint::write(ACK_SPREAD, out);
    out.extend_from_slice(&millis.to_le_bytes());
}

/// Appends PATH_CHALLENGE.
pub fn encode_path_challenge(challenge: [u8; 8], out: &mut Vec<u8>) {
    varint::write(PATH_CHALLENGE, out);
    out.extend_from_slice(&challenge);
}

/// Appends PATH_RESPONSE.
pub fn encode_path_response(challenge: [u8; 8], out: &mut Vec<u8>) {
    varint::write(PATH_RESPONSE, out);
    out.extend_from_slice(&challenge);
}

/// Appends RESYNC.
pub fn encode_resync(channel: Channel, next: u64, bytes: u64, out: &mut Vec<u8>) {
    varint::write(RESYNC, out);
    out.push(channel.number());
    varint::write(next, out);
    varint::write(bytes, out);
}

/// Appends CLOSE; a reason beyond the limit is left out.
pub fn encode_close(code: CloseCode, reason: &str, out: &mut Vec<u8>) {
    let reason = if reason.len() > REASON_BYTES_MAX { "" } else { reason };
    varint::write(CLOSE, out);
    out.extend_from_slice(&code.0.to_le_bytes());
    varint::write(reason.len() as u64, out);
    out.extend_from_slice(reason.as_bytes());
}

/// Appends GOAWAY.
pub fn encode_go_away(retry_after_millis: u32, jitter_millis: u32, out: &mut Vec<u8>) {
    varint::write(GO_AWAY, out);
    out.extend_from_slice(&retry_after_millis.to_le_bytes());
    out.extend_from_slice(&jitter_millis.to_le_bytes());
}

/// Appends KEY_ANNOUNCE.
pub fn encode_key_announce(key: [u8; 32], out: &mut Vec<u8>) {
    varint::write(KEY_ANNOUNCE, out);
    out.extend_from_slice(&key);
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn check(encode: impl FnOnce(&mut Vec<u8>), bytes: &[u8], eliciting: bool) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out);
        assert_eq!(out, bytes, "encoded");
        let frames: Vec<_> = decode(bytes).collect();
        assert_eq!(frames.len(), 1, "{frames:?}");
        assert_eq!(frames[0].as_ref().unwrap().is_ack_eliciting(), eliciting);
        for length in 1..bytes.len() {
            assert!(decode(&bytes[..length]).any(|frame| frame.is_err()), "cut to {length} of {bytes:?}");
        }
        out
    }

    fn one(bytes: &[u8]) -> Frame<'_> {
        decode(bytes).next().unwrap().unwrap()
    }

    #[test]
    fn padding_is_passed_over_wherever_it_is_and_nothing_else() {
        let mut payload = vec![0, 0];
        encode_ack([(5, 7)].into_iter(), Duration::ZERO, &mut payload);
        payload.extend([0; 3]);
        // It ends in a zero that is not padding.
        encode_max_data(Channel::Chat, 0x4000, &mut payload);
        encode_ping(&mut payload);
        payload.extend([0; 9]);
        for payload in [&payload[..], &payload[..payload.len() - 9], &[0; 4], &[], &[0, 6, 2]] {
            let read: Vec<_> = decode(payload).filter(|frame| *frame != Ok(Frame::Padding)).collect();
            assert_eq!(decode_but_padding(payload).collect::<Vec<_>>(), read, "{payload:?}");
        }
    }

    #[test]
    fn frames_have_golden_bytes_and_every_truncation_is_refused() {
        check(encode_ping, &[1], true);
        check(|out| encode_max_data(Channel::Chat, 0x4000, out), &[6, 2, 0x80, 0, 0x40, 0], true);
        check(|out| encode_blocked(Channel::Notice, out), &[7, 1], true);
        check(|out| encode_ack_spread(200, out), &[8, 200, 0], false);
        check(|out| encode_path_challenge(*b"abcdefgh", out), b"\x09abcdefgh", true);
        check(|out| encode_path_response(*b"abcdefgh", out), b"\x0aabcdefgh", true);
        check(|out| encode_resync(Channel::Chat, 9, 10, out), &[11, 2, 9, 10], true);
        check(|out| encode_close(CloseCode::REPLACED, "twice", out), b"\x0c\x03\x00\x05twice", false);
        check(|out| encode_key_announce(*b"abcdefghabcdefghabcdefghabcdefgh", out), b"\x0eabcdefghabcdefghabcdefghabcdefgh", true);
        check(|out| encode_go_away(500, 1000, out), &[13, 0xf4, 1, 0, 0, 0xe8, 3, 0, 0], true);
    }

    #[test]
    fn a_whole_message_has_golden_bytes() {
        let data = Data { channel: Channel::Chat, message: 7, part: Part::Whole, bytes: b"bell" };
        let bytes = check(|out| encode_data(&data, out), b"\x04\x02\x07\x04bell", true);
        assert_eq!(one(&bytes), Frame::Data(data));
    }

    #[test]
    fn a_fragment_has_golden_bytes() {
        let part = Part::Fragment { offset: 100, last: Some(0x0403_0201) };
        let data = Data { channel: Channel::History, message: 64, part, bytes: b"end" };
        let bytes = check(|out| encode_data(&data, out), b"\x04\x33\x40\x40\x40\x64\x03end\x01\x02\x03\x04", true);
        assert_eq!(one(&bytes), Frame::Data(data));
    }

    #[test]
    fn the_most_that_stands_around_a_piece_is_counted_to_the_byte() {
        for (message, offset, length) in [(0, 0, 1), (7, 600, 1100), (64, 63, 64), (0x4000, 0x4000, 0x3f), (1 << 30, 64, 0x4000)] {
            let bytes = vec![7; length];
            let part = Part::Fragment { offset, last: Some(0) };
            let mut out = Vec::new();
            encode_data(&Data { channel: Channel::History, message, part, bytes: &bytes }, &mut out);
            assert_eq!(out.len() - length, Data::overhead(message, offset, length), "message {message}, {length} bytes at {offset}");
        }
    }

    #[test]
    fn padding_is_so_many_frames_of_a_zero_byte_that_ask_for_nothing() {
        let mut out = vec![1];
        encode_padding(3, &mut out);
        assert_eq!(out, [1, 0, 0, 0]);
        assert_eq!(decode(&out[1..]).collect::<Vec<_>>(), [const { Ok(Frame::Padding) }; 3]);
        assert!(!Frame::Padding.is_ack_eliciting());
    }

    #[test]
    fn a_reason_of_the_greatest_length_is_told_and_a_longer_one_neither_told_nor_heard() {
        let longest = "x".repeat(REASON_BYTES_MAX);
        let close = |reason: &str| {
            let mut out = Vec::new();
            encode_close(CloseCode::REPLACED, reason, &mut out);
            out
        };
        assert_eq!(one(&close(&longest)), Frame::Close { code: CloseCode::REPLACED, reason: &longest });
        for longer in [1, 2].map(|more| "x".repeat(REASON_BYTES_MAX + more)) {
            assert_eq!(one(&close(&longer)), Frame::Close { code: CloseCode::REPLACED, reason: "" });
            let forged = [&[12, 3, 0, 0x40, longer.len() as u8][..], longer.as_bytes()].concat();
            assert_eq!(decode(&forged).next(), Some(Err(Malformed)));
        }
    }

    #[test]
    fn acknowledged_ranges_are_read_back_from_the_newest_downwards() {
        let ranges = vec![(90, 100), (50, 50), (0, 48)];
        let mut out = Vec::new();
        encode_ack(ranges.iter().copied(), Duration::from_micros(80), &mut out);
        assert_eq!(out, [2, 0x40, 100, 10, 2, 10, 38, 0, 0, 48]);
        let Frame::Ack(ack) = one(&out) else { panic!("not an ACK") };
        assert_eq!((ack.largest, ack.delay), (100, Duration::from_micros(80)));
        assert_eq!(ack.ranges().collect::<Vec<_>>(), ranges);
    }

    #[test]
    fn an_acknowledgement_below_zero_is_refused() {
        assert_eq!(decode(&[2, 5, 0, 0, 6]).next(), Some(Err(Malformed)));
        assert_eq!(decode(&[2, 5, 0, 1, 0, 4, 0]).next(), Some(Err(Malformed)));
    }

    #[test]
    fn an_acknowledgement_that_waited_longer_than_time_lasts_is_refused() {
        let with_delay = |delay: u64| {
            let mut bytes = vec![2, 5];
            varint::write(delay, &mut bytes);
            bytes.extend_from_slice(&[0, 0]);
            decode(&bytes).next().unwrap().is_ok()
        };
        let longest = u64::MAX / ACK_DELAY_UNIT_MICROS;
        assert_eq!([longest, longest + 1].map(with_delay), [true, false]);
    }

    #[test]
    fn an_empty_message_an_unknown_channel_and_an_unknown_critical_frame_are_refused() {
        for bytes in [&[4, 2, 7, 0][..], &[4, 9, 7, 1, 0], &[4, 0x42, 7, 1, 0], &[0x20], &[0x20, 0], &[3]] {
            assert_eq!(decode(bytes).next(), Some(Err(Malformed)), "{bytes:?}");
        }
    }

    #[test]
    fn flags_of_a_message_that_nobody_has_given_a_meaning_are_refused() {
        for flags in (0..0x10).map(|flags| flags << 4) {
            let piece = [&[4, flags | 2, 7, 0, 1, 9][..], &[1, 2, 3, 4]].concat();
            let whole = [4, flags | 2, 7, 1, 9];
            let understood = decode(&whole).next().unwrap().is_ok() || decode(&piece).next().unwrap().is_ok();
            assert_eq!(understood, [0, FRAGMENT, FRAGMENT | LAST].contains(&flags), "{flags:#x}");
        }
    }

    #[test]
    fn an_unknown_extension_is_skipped_and_acknowledged_if_its_number_is_odd() {
        let frames: Vec<_> = decode(&[0x40, 0x41, 2, 9, 9, 0x40, 0x42, 0, 1]).collect();
        let [odd, even] = [Frame::Extension { number: 0x41, bytes: &[9, 9] }, Frame::Extension { number: 0x42, bytes: &[] }];
        assert!(odd.is_ack_eliciting() && !even.is_ack_eliciting());
        assert_eq!(frames, [Ok(odd), Ok(even), Ok(Frame::Ping)]);
    }

    #[test]
    fn nothing_follows_a_malformed_frame() {
        assert_eq!(decode(&[0x20, 1, 1]).count(), 1);
    }
}
