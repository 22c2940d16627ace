//! Looking for servers on the local network: a question to everybody, and who answers it.
//!
//! An answer proves nothing. It says where to knock; who opens is proven by the handshake.

use alloc::vec::Vec;

use super::datagram::{ConnectionId, DISCOVER, HERE, decode_versions, encode, encode_versions};
use super::reader::{Malformed, Reader};
use crate::limits::{DISCOVER_BYTES, HERE_NAME_BYTES_MAX, HERE_PROGRAM_BYTES_MAX};

/// Somebody looks for servers. Padded to [`DISCOVER_BYTES`], so that the answer is always smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discover {
    /// Drawn by the one who looks; the answers carry it.
    pub nonce: [u8; 8],
}

/// A server says that it is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here<'a> {
    /// The question's.
    pub nonce: [u8; 8],
    /// Which public key the server says it has.
    pub key: [u8; 32],
    /// The versions that it speaks.
    pub versions: Vec<u16>,
    /// What it is called: the computer's name, at most [`HERE_NAME_BYTES_MAX`] bytes of UTF-8.
    pub name: &'a str,
    /// The version of its program, at most [`HERE_PROGRAM_BYTES_MAX`] bytes of UTF-8.
    pub program: &'a str,
}

impl Discover {
    pub(super) fn read(bytes: usize, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        if bytes < DISCOVER_BYTES {
            return Err(Malformed);
        }
        Ok(Self { nonce: reader.array()? })
    }

    /// Writes the whole datagram into `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(DISCOVER, ConnectionId(0), ConnectionId(0), DISCOVER_BYTES, out, |out| out.extend_from_slice(&self.nonce));
    }
}

impl<'a> Here<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            nonce: reader.array()?,
            key: reader.array()?,
            versions: decode_versions(reader)?,
            name: words(reader, HERE_NAME_BYTES_MAX)?,
            program: words(reader, HERE_PROGRAM_BYTES_MAX)?,
        })
    }

    /// Writes the whole datagram into `out`; words that are too long are cut.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(HERE, ConnectionId(0), ConnectionId(0), 0, out, |out| {
            out.extend_from_slice(&self.nonce);
            out.extend_from_slice(&self.key);
            encode_versions(&self.versions, out);
            for (words, bytes_max) in [(self.name, HERE_NAME_BYTES_MAX), (self.program, HERE_PROGRAM_BYTES_MAX)] {
                let words = words.get(..words.floor_char_boundary(bytes_max)).unwrap_or_default();
                out.push(u8::try_from(words.len()).unwrap_or(u8::MAX));
                out.extend_from_slice(words.as_bytes());
            }
        });
    }
}

fn words<'a>(reader: &mut Reader<'a>, bytes_max: usize) -> Result<&'a str, Malformed> {
    let bytes = usize::from(reader.u8()?);
    if bytes > bytes_max {
        return Err(Malformed);
    }
    core::str::from_utf8(reader.bytes(bytes)?).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;

    use super::super::datagram::{Datagram, VERSIONS_MAX, decode};
    use super::*;

    fn encoded(name: &str, program: &str) -> Vec<u8> {
        let mut out = vec![];
        Here { nonce: [1; 8], key: [2; 32], versions: vec![1; VERSIONS_MAX], name, program }.encode(&mut out);
        out
    }

    #[test]
    fn the_longest_answer_is_smaller_than_the_question() {
        let long = "x".repeat(300);
        let answer = encoded(&long, &long);
        assert!(answer.len() < DISCOVER_BYTES, "{}", answer.len());
        assert!(matches!(decode(&answer), Ok(Datagram::Here(here)) if here.name.len() == HERE_NAME_BYTES_MAX));
    }

    #[test]
    fn words_that_are_cut_are_cut_between_letters() {
        let long: String = core::iter::repeat_n('塔', 100).collect();
        assert!(matches!(decode(&encoded(&long, "")), Ok(Datagram::Here(here)) if here.name.chars().all(|c| c == '塔')));
    }

    #[test]
    fn a_question_that_is_too_short_is_not_answered() {
        let mut short = vec![];
        encode(DISCOVER, ConnectionId(0), ConnectionId(0), DISCOVER_BYTES - 1, &mut short, |out| out.extend_from_slice(&[1; 8]));
        assert_eq!(decode(&short), Err(Malformed));
    }

    #[test]
    fn words_that_are_no_text_are_refused() {
        let mut out = vec![];
        encode(HERE, ConnectionId(0), ConnectionId(0), 0, &mut out, |out| {
            out.extend_from_slice(&[0; 40]);
            out.extend_from_slice(&[0, 1, 0xff, 0]);
        });
        assert_eq!(decode(&out), Err(Malformed));
    }
}
