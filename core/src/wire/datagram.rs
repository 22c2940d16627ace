//! The heads of datagrams: what can be read before anything is proven.
//!
//! Protected datagrams have a clear head of nine bytes, all of it authenticated. Unprotected ones have sixteen bytes that will stay
//! the same in every version, and a CRC32 of the whole datagram: no key exists yet, and it tells noise from attack for 31 ns. It
//! protects against nobody.

use alloc::vec::Vec;

use super::discover::{Discover, Here};
use super::reader::{Malformed, Reader};
use crate::limits::{DATAGRAM_BYTES, IDENTITIES_MAX};
use crate::wire::CloseCode;

/// The protocol version spoken by this program.
pub const VERSION: u16 = 2;

/// The head of a protected datagram.
pub const PROTECTED_HEAD_BYTES: usize = 9;

/// The tag behind a protected datagram.
pub const TAG_BYTES: usize = 16;

/// The smallest protected datagram: one byte of frames.
const PROTECTED_BYTES_MIN: usize = PROTECTED_HEAD_BYTES + 1 + TAG_BYTES;

const UNPROTECTED: u8 = 0x80;
const FIXED: u8 = 0x40;
const EPOCH: u8 = 0x20;

/// The layout of the unprotected head.
const HEAD_LAYOUT: u8 = 1;
const HEAD_BYTES: usize = 16;
const CRC_OFFSET: usize = 12;
/// Stands in the checksum's place while it is computed.
const CRC_SALT: [u8; 4] = *b"BLF1";

const HELLO0: u8 = 0;
const RETRY: u8 = 1;
const HELLO: u8 = 2;
const RESPONSE: u8 = 3;
const REJECT: u8 = 4;
const NO_SESSION: u8 = 6;
pub(super) const DISCOVER: u8 = 7;
pub(super) const HERE: u8 = 8;

/// Versions that a HELLO0 or RETRY may list.
pub(super) const VERSIONS_MAX: usize = 8;

/// The number by which a side wants to be addressed (a connection ID, RFC 9000 §5.1; `docs/protocol` calls it session number): an index and
/// not a secret. 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

/// The clear head of a protected datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtectedHead {
    /// Whom it is for, in the receiver's own numbers.
    pub to: ConnectionId,
    /// The parity of the key epoch.
    pub epoch: bool,
    /// The low 32 bits of the packet number.
    pub number: u32,
}

impl ProtectedHead {
    /// Appends the head.
    pub fn encode(self, out: &mut Vec<u8>) {
        out.push(FIXED | if self.epoch { EPOCH } else { 0 });
        out.extend_from_slice(&self.to.0.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
    }
}

/// What a datagram is, as far as it says so itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datagram<'a> {
    /// Frames under a session's key, from byte [`PROTECTED_HEAD_BYTES`] on.
    Protected(ProtectedHead),
    /// A client asks for a cookie.
    Hello0(Hello0),
    /// The cookie, and which key the server has.
    Retry(Retry),
    /// The first Noise message behind a cookie.
    Hello(Hello<'a>),
    /// The second Noise message.
    Response(Response<'a>),
    /// No, with a reason.
    Reject(Reject),
    /// The server does not know that session.
    NoSession(NoSession),
    /// Somebody looks for servers.
    Discover(Discover),
    /// A server says that it is here.
    Here(Here<'a>),
}

/// A client asks for a cookie. Padded to [`DATAGRAM_BYTES`], so that the answer is always smaller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello0 {
    /// Drawn by the client; everything of this handshake carries it.
    pub nonce: [u8; 8],
    /// The client does not know the server's key and wants to be told.
    pub send_key: bool,
    /// The versions that the client speaks.
    pub versions: Vec<u16>,
}

/// The server's stateless answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The client's.
    pub nonce: [u8; 8],
    /// To be sent back.
    pub cookie: [u8; 16],
    /// The first bytes of the server's public keys, the present one first; at most [`IDENTITIES_MAX`].
    pub key_ids: Vec<[u8; 8]>,
    /// All of the present one, if asked for.
    pub key: Option<[u8; 32]>,
    /// The versions that the server speaks.
    pub versions: Vec<u16>,
}

/// The first Noise message behind a cookie. Padded to [`DATAGRAM_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// By which number the client wants to be addressed.
    pub from: ConnectionId,
    /// The client's.
    pub nonce: [u8; 8],
    /// The server's.
    pub cookie: [u8; 16],
    /// `e, es, s, ss` and the client's parameters.
    pub noise: &'a [u8],
}

/// The second Noise message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// The client's number.
    pub to: ConnectionId,
    /// `e, ee, se, psk` and the server's parameters.
    pub noise: &'a [u8],
}

/// No, with a reason. Sent only behind a valid cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The client's number.
    pub to: ConnectionId,
    /// The client's.
    pub nonce: [u8; 8],
    /// By the number of docs/protocol; one that is not known here is kept.
    pub code: CloseCode,
    /// Come back no earlier, in milliseconds,
    pub retry_after_millis: u32,
    /// plus a random time up to this.
    pub jitter_millis: u32,
}

/// The server does not know that session: it was restarted, or forgot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSession {
    /// The server's number that the client used.
    pub to: ConnectionId,
    /// Only this server can have made it.
    pub token: [u8; 16],
}

/// Reads the head, and for unprotected datagrams checks the checksum and reads the rest.
///
/// # Errors
/// [`Malformed`]: drop it.
pub fn decode(datagram: &[u8]) -> Result<Datagram<'_>, Malformed> {
    let mut reader = Reader::new(datagram);
    let flags = reader.u8()?;
    if flags & UNPROTECTED == 0 {
        if flags & !EPOCH != FIXED || datagram.len() < PROTECTED_BYTES_MIN {
            return Err(Malformed);
        }
        return Ok(Datagram::Protected(ProtectedHead {
            to: ConnectionId(reader.u32()?),
            epoch: flags & EPOCH != 0,
            number: reader.u32()?,
        }));
    }
    let layout = reader.u8()?;
    let version = reader.u16()?;
    let to = ConnectionId(reader.u32()?);
    let from = ConnectionId(reader.u32()?);
    let crc = reader.u32()?;
    if flags & FIXED == 0 || layout != HEAD_LAYOUT || crc != checksum(datagram) {
        return Err(Malformed);
    }
    let kind = flags & !(UNPROTECTED | FIXED);
    // HELLO0 and RETRY negotiate the version, DISCOVER and HERE come before that; everything else speaks the one that was found.
    if version != VERSION && !matches!(kind, HELLO0 | RETRY | DISCOVER | HERE) {
        return Err(Malformed);
    }
    let whom = (to.0 != 0, from.0 != 0);
    let (addressed, decoded) = match kind {
        HELLO0 => {
            padded(datagram)?;
            let nonce = reader.array()?;
            let send_key = flag(&mut reader)?;
            ((false, false), Datagram::Hello0(Hello0 { nonce, send_key, versions: decode_versions(&mut reader)? }))
        }
        RETRY => {
            let (nonce, cookie) = (reader.array()?, reader.array()?);
            let keys = usize::from(reader.u8()?);
            if keys > IDENTITIES_MAX {
                return Err(Malformed);
            }
            let key_ids = (0..keys).map(|_| reader.array()).collect::<Result<_, _>>()?;
            let key = if flag(&mut reader)? { Some(reader.array()?) } else { None };
            ((false, false), Datagram::Retry(Retry { nonce, cookie, key_ids, key, versions: decode_versions(&mut reader)? }))
        }
        HELLO => {
            padded(datagram)?;
            let (nonce, cookie) = (reader.array()?, reader.array()?);
            ((false, whom.1), Datagram::Hello(Hello { from, nonce, cookie, noise: noise(&mut reader)? }))
        }
        RESPONSE => ((whom.0, false), Datagram::Response(Response { to, noise: noise(&mut reader)? })),
        REJECT => {
            let (nonce, code) = (reader.array()?, CloseCode(reader.u16()?));
            let (retry_after_millis, jitter_millis) = (reader.u32()?, reader.u32()?);
            ((whom.0, false), Datagram::Reject(Reject { to, nonce, code, retry_after_millis, jitter_millis }))
        }
        DISCOVER => ((false, false), Datagram::Discover(Discover::read(datagram.len(), &mut reader)?)),
        HERE => ((false, false), Datagram::Here(Here::read(&mut reader)?)),
        NO_SESSION => ((whom.0, false), Datagram::NoSession(NoSession { to, token: reader.array()? })),
        _ => return Err(Malformed),
    };
    // One meaning, one spelling, but for the length of the padding. A later version may have more to say where the version is found out.
    let rest = match kind {
        HELLO0 | HELLO | DISCOVER => reader.rest().iter().fold(0, |bits, byte| bits | byte) == 0,
        _ => reader.is_empty(),
    };
    let canonical = whom == addressed && rest;
    if canonical || version != VERSION { Ok(decoded) } else { Err(Malformed) }
}

fn padded(datagram: &[u8]) -> Result<(), Malformed> {
    if datagram.len() >= DATAGRAM_BYTES { Ok(()) } else { Err(Malformed) }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}

pub(super) fn decode_versions(reader: &mut Reader<'_>) -> Result<Vec<u16>, Malformed> {
    let count = usize::from(reader.u8()?);
    if count > VERSIONS_MAX {
        return Err(Malformed);
    }
    (0..count).map(|_| reader.u16()).collect()
}

fn noise<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let length = reader.u16()?;
    reader.bytes(usize::from(length))
}

/// CRC32 of the datagram with [`CRC_SALT`] in the checksum's place.
fn checksum(datagram: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let (before, rest) = datagram.split_at(CRC_OFFSET.min(datagram.len()));
    hasher.update(before);
    hasher.update(&CRC_SALT);
    hasher.update(rest.get(CRC_SALT.len()..).unwrap_or_default());
    hasher.finalize()
}

/// Writes head and body into `out`, pads to `bytes` in all, and signs with the checksum.
pub(super) fn encode(kind: u8, to: ConnectionId, from: ConnectionId, bytes: usize, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    out.clear();
    out.extend_from_slice(&[UNPROTECTED | FIXED | kind, HEAD_LAYOUT]);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&to.0.to_le_bytes());
    out.extend_from_slice(&from.0.to_le_bytes());
    out.extend_from_slice(&CRC_SALT);
    debug_assert_eq!(out.len(), HEAD_BYTES);
    body(out);
    if out.len() < bytes {
        out.resize(bytes, 0);
    }
    let crc = checksum(out).to_le_bytes();
    if let Some(field) = out.get_mut(CRC_OFFSET..HEAD_BYTES) {
        field.copy_from_slice(&crc);
    }
}

pub(super) fn encode_versions(versions: &[u16], out: &mut Vec<u8>) {
    out.push(u8::try_from(versions.len()).unwrap_or(u8::MAX));
    for version in versions {
        out.extend_from_slice(&version.to_le_bytes());
    }
}

fn encode_noise(noise: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u16::try_from(noise.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(noise);
}

impl Hello0 {
    /// Writes the whole datagram into `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(HELLO0, ConnectionId(0), ConnectionId(0), DATAGRAM_BYTES, out, |out| {
            out.extend_from_slice(&self.nonce);
            out.push(u8::from(self.send_key));
            encode_versions(&self.versions, out);
        });
    }
}

impl Retry {
    /// Writes the whole datagram into `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(RETRY, ConnectionId(0), ConnectionId(0), 0, out, |out| {
            out.extend_from_slice(&self.nonce);
            out.extend_from_slice(&self.cookie);
            out.push(u8::try_from(self.key_ids.len()).unwrap_or(u8::MAX));
            for key_id in &self.key_ids {
                out.extend_from_slice(key_id);
            }
            out.push(u8::from(self.key.is_some()));
            out.extend_from_slice(self.key.as_ref().map_or(&[][..], |key| key));
            encode_versions(&self.versions, out);
        });
    }
}

impl Hello<'_> {
    /// Writes the whole datagram into `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(HELLO, ConnectionId(0), self.from, DATAGRAM_BYTES, out, |out| {
            out.extend_from_slice(&self.nonce);
            out.extend_from_slice(&self.cookie);
            encode_noise(self.noise, out);
        });
    }
}

impl Response<'_> {
    /// Writes the whole datagram into `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(RESPONSE, self.to, ConnectionId(0), 0, out, |out| encode_noise(self.noise, out));
    }
}

impl Reject {
    /// Writes the whole datagram into `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(REJECT, self.to, ConnectionId(0), 0, out, |out| {
            out.extend_from_slice(&self.nonce);
            out.extend_from_slice(&self.code.0.to_le_bytes());
            out.extend_from_slice(&self.retry_after_millis.to_le_bytes());
            out.extend_from_slice(&self.jitter_millis.to_le_bytes());
        });
    }
}

impl NoSession {
    /// Writes the whole datagram into `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(NO_SESSION, self.to, ConnectionId(0), 0, out, |out| out.extend_from_slice(&self.token));
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::limits::{CLIENT_DATAGRAM_BYTES_MIN, DISCOVER_BYTES};

    fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = vec![0xaa; 7];
        encode(&mut out);
        out
    }

    fn samples() -> Vec<Vec<u8>> {
        let noise = [7; 120];
        vec![
            encoded(|out| Hello0 { nonce: [1; 8], send_key: true, versions: vec![1, 2] }.encode(out)),
            encoded(|out| {
                Retry { nonce: [1; 8], cookie: [2; 16], key_ids: vec![[3; 8]; IDENTITIES_MAX], key: Some([4; 32]), versions: vec![1] }
                    .encode(out)
            }),
            encoded(|out| Retry { nonce: [1; 8], cookie: [2; 16], key_ids: vec![[3; 8]], key: None, versions: vec![1] }.encode(out)),
            encoded(|out| Hello { from: ConnectionId(5), nonce: [1; 8], cookie: [2; 16], noise: &noise }.encode(out)),
            encoded(|out| Response { to: ConnectionId(5), noise: &noise }.encode(out)),
            encoded(|out| {
                Reject { to: ConnectionId(5), nonce: [1; 8], code: CloseCode::SERVER_FULL, retry_after_millis: 9, jitter_millis: 10 }
                    .encode(out);
            }),
            encoded(|out| NoSession { to: ConnectionId(5), token: [6; 16] }.encode(out)),
            encoded(|out| Discover { nonce: [1; 8] }.encode(out)),
            encoded(|out| Here { nonce: [1; 8], key: [4; 32], versions: vec![1], name: "tower", program: "0.1.0" }.encode(out)),
        ]
    }

    fn encode_again(datagram: &Datagram<'_>) -> Vec<u8> {
        encoded(|out| match datagram {
            Datagram::Protected(head) => head.encode(out),
            Datagram::Hello0(body) => body.encode(out),
            Datagram::Retry(body) => body.encode(out),
            Datagram::Hello(body) => body.encode(out),
            Datagram::Response(body) => body.encode(out),
            Datagram::Reject(body) => body.encode(out),
            Datagram::NoSession(body) => body.encode(out),
            Datagram::Discover(body) => body.encode(out),
            Datagram::Here(body) => body.encode(out),
        })
    }

    #[test]
    fn what_is_written_is_read() {
        for bytes in samples() {
            let datagram = decode(&bytes).unwrap();
            assert_eq!(encode_again(&datagram), bytes, "{datagram:?}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_noticed() {
        for bytes in samples() {
            for bit in 0..bytes.len() * 8 {
                let mut damaged = bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                // A flip of the topmost bit makes it claim to be protected; the tag is what refuses it then.
                let refused = matches!(decode(&damaged), Err(Malformed) | Ok(Datagram::Protected(_)));
                assert!(refused, "bit {bit} of {bytes:?}");
            }
            for length in 0..bytes.len() {
                assert_eq!(decode(&bytes[..length]), Err(Malformed), "{length} bytes of {bytes:?}");
            }
        }
    }

    fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes[CRC_OFFSET..HEAD_BYTES].fill(0);
        let crc = checksum(&bytes).to_le_bytes();
        bytes[CRC_OFFSET..HEAD_BYTES].copy_from_slice(&crc);
        bytes
    }

    #[test]
    fn what_is_left_over_is_refused_unless_it_is_padding() {
        for bytes in samples() {
            let padded = [DATAGRAM_BYTES, DISCOVER_BYTES].contains(&bytes.len());
            let [mut zero, mut other] = [bytes.clone(), bytes];
            zero.push(0);
            other.push(1);
            assert_eq!(decode(&with_checksum(zero)).is_ok(), padded);
            assert_eq!(decode(&with_checksum(other)), Err(Malformed));
        }
    }

    #[test]
    fn padding_is_zeros_and_nothing_else_even_where_it_would_cancel_out() {
        for mut bytes in samples() {
            bytes.extend([1, 1]);
            assert_eq!(decode(&with_checksum(bytes)), Err(Malformed));
        }
    }

    #[test]
    fn a_question_with_less_padding_than_its_answer_needs_is_refused() {
        let [hello0, _, _, hello, ..] = <[Vec<u8>; 9]>::try_from(samples()).unwrap();
        for mut bytes in [hello0, hello] {
            bytes.pop();
            assert_eq!(decode(&with_checksum(bytes)), Err(Malformed));
        }
    }

    #[test]
    fn a_head_without_its_fixed_bit_or_of_another_layout_is_refused_whatever_its_checksum() {
        for bytes in samples() {
            let [mut unfixed, mut other] = [bytes.clone(), bytes];
            unfixed[0] &= !FIXED;
            other[1] = HEAD_LAYOUT + 1;
            assert_eq!([unfixed, other].map(|bytes| decode(&with_checksum(bytes)).is_ok()), [false; 2]);
        }
    }

    #[test]
    fn a_number_in_the_head_that_means_nothing_there_is_refused() {
        for (bytes, unused) in
            samples().into_iter().zip([vec![4, 8], vec![4, 8], vec![4, 8], vec![4], vec![8], vec![8], vec![8], vec![4, 8], vec![4, 8]])
        {
            for at in unused {
                let mut used = bytes.clone();
                used[at] = 1;
                assert_eq!(decode(&with_checksum(used)), Err(Malformed), "byte {at} of {bytes:?}");
            }
        }
    }

    #[test]
    fn a_later_version_may_say_more_where_the_version_is_found_out() {
        for (bytes, understood) in samples().into_iter().zip([true, true, true, false, false, false, false]) {
            let mut later = bytes.clone();
            later[2] = VERSION as u8 + 1;
            later.push(7);
            assert_eq!(decode(&with_checksum(later)).is_ok(), understood, "{bytes:?}");
        }
    }

    #[test]
    fn answers_are_smaller_than_what_they_answer() {
        let [hello0, retry, _, hello, response, reject, no_session, discover, here] = <[Vec<u8>; 9]>::try_from(samples()).unwrap();
        assert_eq!((hello0.len(), hello.len()), (DATAGRAM_BYTES, DATAGRAM_BYTES));
        assert!(retry.len() <= 112 && response.len() < hello.len() && reject.len() < hello.len());
        assert!(no_session.len() < CLIENT_DATAGRAM_BYTES_MIN);
        assert!(here.len() < discover.len());
    }

    #[test]
    fn a_no_session_has_golden_bytes() {
        let bytes = encoded(|out| NoSession { to: ConnectionId(0x0403_0201), token: [6; 16] }.encode(out));
        assert_eq!(bytes[..12], [0xc6, 1, 2, 0, 1, 2, 3, 4, 0, 0, 0, 0]);
        assert_eq!(bytes[16..], [6; 16]);
    }

    #[test]
    fn a_protected_head_has_golden_bytes() {
        let head = ProtectedHead { to: ConnectionId(0x0403_0201), epoch: true, number: 0x0807_0605 };
        let mut bytes = Vec::new();
        head.encode(&mut bytes);
        assert_eq!(bytes, [0x60, 1, 2, 3, 4, 5, 6, 7, 8]);
        bytes.resize(PROTECTED_BYTES_MIN, 0);
        assert_eq!(decode(&bytes), Ok(Datagram::Protected(head)));
    }

    #[test]
    fn reserved_flags_and_datagrams_too_small_for_a_tag_are_refused() {
        let mut bytes = vec![0; PROTECTED_BYTES_MIN];
        for flags in [0x00, 0x41, 0x48, 0x50, 0x20] {
            bytes[0] = flags;
            assert_eq!(decode(&bytes), Err(Malformed), "{flags:#x}");
        }
        bytes[0] = 0x40;
        assert!(decode(&bytes).is_ok());
        bytes.pop();
        assert_eq!(decode(&bytes), Err(Malformed));
    }
}
