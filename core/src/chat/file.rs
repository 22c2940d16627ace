//! Files: what they are called, what they hold, and how they are spoken of.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::FILE_BLOCK_BYTES;

pub use super::file_name::{FileName, InvalidFileName};

/// The server's number for a file that came with a message; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u64);

/// What a file holds, by its BLAKE3: the same content has the same hash, and nobody can make another content with it. It is no secret and
/// opens nothing: who may have a content is asked of the messages that it came with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    /// 64 hexadecimal digits, as `b3sum` writes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}

/// That is no hash of 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHash;

impl FromStr for ContentHash {
    type Err = InvalidHash;

    /// Reads what [`Display`](fmt::Display) writes, and nothing else: one hash has one spelling.
    fn from_str(written: &str) -> Result<Self, InvalidHash> {
        let mut hash = [0; 32];
        let digit = |c: &u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(InvalidHash),
        };
        if written.len() != 64 {
            return Err(InvalidHash);
        }
        for (byte, digits) in hash.iter_mut().zip(written.as_bytes().chunks(2)) {
            let [high, low] = digits else { return Err(InvalidHash) };
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Ok(Self(hash))
    }
}

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The server's number for it.
    pub file: FileId,
    /// As its sender called it. What kind of file it is, its ending says and nothing else: a second claim could contradict it.
    pub name: FileName,
    /// How long it is; at least 1.
    pub bytes: u64,
    /// What it holds.
    pub hash: ContentHash,
}

/// A piece of a file on its way: 1 to [`FILE_BLOCK_BYTES`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Block(Vec<u8>);

impl Block {
    /// A piece; `None` for nothing and for more than one holds.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (1..=FILE_BLOCK_BYTES).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many there are.
    pub fn length(&self) -> u64 {
        self.0.len() as u64
    }
}

impl fmt::Debug for Block {
    /// How many bytes it has: what they are is nobody's business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} bytes)", self.0.len())
    }
}

// As bytes and not as a list of numbers: a list is read one after the other, fifty thousand times a block.
impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Block;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "1 to {FILE_BLOCK_BYTES} bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Block, E> {
                self.visit_byte_buf(bytes.to_vec())
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Block, E> {
                let length = bytes.len();
                Block::new(bytes).ok_or_else(|| E::invalid_length(length, &self))
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// How long a block at `offset` of a file of so many bytes is: as long as a block can be, but for the last.
pub const fn block_length_at(offset: u64, bytes: u64) -> u64 {
    let rest = bytes.saturating_sub(offset);
    if rest < FILE_BLOCK_BYTES as u64 { rest } else { FILE_BLOCK_BYTES as u64 }
}

/// How many bytes a person reads of: `742 bytes`, `1.4 MiB`.
pub fn spelled_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return alloc::format!("{bytes} bytes");
    }
    // In tenths, so that no unit ever shows 1024.0 of the one below it.
    let (mut tenths, mut unit) = (bytes.saturating_mul(10) / 1024, 0);
    while tenths >= 10_235 && unit + 1 < UNITS.len() {
        tenths = (tenths + 512) / 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if tenths < 1000 { alloc::format!("{}.{} {name}", tenths / 10, tenths % 10) } else { alloc::format!("{} {name}", tenths / 10) }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;
    use crate::chat::{FromClient, Request, decode_from_client, encode};

    #[test]
    fn a_hash_has_one_spelling() {
        let mut hash = ContentHash([0xab; 32]);
        hash.0[31] = 0x01;
        let written = hash.to_string();
        assert_eq!(written, "ab".repeat(31) + "01");
        assert_eq!(written.parse(), Ok(hash));
        for other in [written.to_uppercase(), written[1..].into(), written.clone() + "0", "g".repeat(64), "ä".repeat(32)] {
            assert_eq!(other.parse::<ContentHash>(), Err(InvalidHash), "{other}");
        }
    }

    #[test]
    fn a_block_has_at_least_one_byte_and_at_most_so_many() {
        assert_eq!(Block::new(vec![]), None);
        assert_eq!(Block::new(vec![0; FILE_BLOCK_BYTES + 1]), None);
        let block = Block::new(vec![7; FILE_BLOCK_BYTES]).unwrap();
        let message = FromClient { id: u32::MAX, request: Request::SendBlock { hash: ContentHash([255; 32]), offset: u64::MAX, block } };
        assert_eq!(decode_from_client(&encode(&message).unwrap()), Ok(message), "the largest fits a message");
    }

    #[test]
    fn the_last_block_is_what_is_left() {
        let full = FILE_BLOCK_BYTES as u64;
        for (offset, bytes, length) in [(0, 1, 1), (0, full, full), (0, full + 1, full), (full, full + 1, 1), (full, full, 0), (9, 3, 0)] {
            assert_eq!(block_length_at(offset, bytes), length, "{offset} of {bytes}");
        }
    }

    #[test]
    fn lengths_read_like_lengths() {
        for (bytes, spelled) in [
            (1, "1 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (150 * 1024, "150 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (50 * 1024 * 1024, "50.0 MiB"),
            (300 * 1024 * 1024, "300 MiB"),
            (5 << 40, "5.0 TiB"),
        ] {
            assert_eq!(spelled_bytes(bytes), spelled, "{bytes}");
        }
    }
}
