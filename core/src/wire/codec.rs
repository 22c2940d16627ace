//! The one module that names bincode: whole, authenticated messages between bytes and the words of the conversation.
//!
//! An encoded message is one byte, the schema's number, and bincode's standard encoding. The number is there so that the encoding
//! can be replaced without touching the transport.

use alloc::vec::Vec;
use core::fmt;

use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The schema spoken by this program.
const SCHEMA: u8 = 4;

/// bincode's own limit counts each number as wide as its type, however short it is written: up to so many bytes for one.
const COUNTED_FOR_A_BYTE_MAX: usize = 8;

/// The largest message that is read here: what a program keeps on its own disk.
const BYTES_MAX: usize = 256 * 1024;

/// Why bytes and meaning did not come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// More bytes than the limit.
    TooLarge,
    /// Not the schema this program speaks.
    UnknownSchema,
    /// Truncated, malformed, or not valid as what it claims to be.
    Malformed,
    /// Bytes are left over.
    TrailingBytes,
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the message is too large",
            Self::UnknownSchema => "the message is of an unknown schema",
            Self::Malformed => "the message is malformed",
            Self::TrailingBytes => "the message has bytes left over",
        })
    }
}

impl core::error::Error for CodecError {}

/// Encodes `value`.
///
/// # Errors
/// [`CodecError::TooLarge`] when the result would exceed `LIMIT` bytes; [`CodecError::Malformed`] for a value serde cannot write.
pub fn encode<const LIMIT: usize>(value: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    let body = bincode::serde::encode_to_vec(value, bincode::config::standard()).map_err(|_| CodecError::Malformed)?;
    if body.len() >= LIMIT {
        return Err(CodecError::TooLarge);
    }
    let mut bytes = Vec::with_capacity(body.len() + 1);
    bytes.push(SCHEMA);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// How many bytes [`encode`] would make of `value`, without making them.
///
/// # Errors
/// [`CodecError::Malformed`] for a value serde cannot write.
pub fn length(value: &impl Serialize) -> Result<usize, CodecError> {
    let mut bytes = 1;
    bincode::serde::encode_into_writer(value, Counted(&mut bytes), bincode::config::standard()).map_err(|_| CodecError::Malformed)?;
    Ok(bytes)
}

/// Only counts what is written.
struct Counted<'a>(&'a mut usize);

impl Writer for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        *self.0 += bytes.len();
        Ok(())
    }
}

/// Decodes exactly one value from `bytes`; allocates no more than eight times the largest message on the word of a length inside.
///
/// # Errors
/// [`CodecError`] for anything else.
pub fn decode<const LIMIT: usize, T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    const { assert!(LIMIT <= BYTES_MAX) };
    if bytes.len() > LIMIT {
        return Err(CodecError::TooLarge);
    }
    let (&schema, body) = bytes.split_first().ok_or(CodecError::Malformed)?;
    if schema != SCHEMA {
        return Err(CodecError::UnknownSchema);
    }
    let limited = bincode::config::standard().with_limit::<{ COUNTED_FOR_A_BYTE_MAX * BYTES_MAX }>();
    let (value, read) = bincode::serde::decode_from_slice(body, limited).map_err(|_| CodecError::Malformed)?;
    if read == body.len() { Ok(value) } else { Err(CodecError::TrailingBytes) }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = encode::<64>(&(7u32, String::from("bell"))).unwrap();
        assert_eq!(decode::<64, (u32, String)>(&bytes), Ok((7, String::from("bell"))));
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = encode::<64>(&(7u32, String::from("bell"))).unwrap();
        for length in 0..bytes.len() {
            assert!(decode::<64, (u32, String)>(&bytes[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn leftovers_are_refused() {
        let mut bytes = encode::<64>(&7u32).unwrap();
        bytes.push(0);
        assert_eq!(decode::<64, u32>(&bytes), Err(CodecError::TrailingBytes));
    }

    #[test]
    fn a_claimed_length_beyond_the_limit_allocates_nothing() {
        // bincode writes a u64 length as 253 and eight bytes; this one claims 2^56 elements.
        let bytes = [SCHEMA, 253, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(decode::<64, Vec<u8>>(&bytes), Err(CodecError::Malformed));
        assert_eq!(decode::<64, String>(&bytes), Err(CodecError::Malformed));
    }

    #[test]
    fn a_message_of_the_greatest_length_is_read_whatever_it_is_made_of() {
        // Behind the schema's number and the list's length, three bytes: what is short for its type counts the most.
        const SHORT: usize = BYTES_MAX - 6;
        fn is_read<T: Serialize + DeserializeOwned + PartialEq>(value: T) -> bool {
            let bytes = encode::<BYTES_MAX>(&value).unwrap();
            assert!(bytes.len() > BYTES_MAX - 8);
            decode::<BYTES_MAX, T>(&bytes).as_ref() == Ok(&value)
        }
        assert!(is_read(vec![7u64; SHORT]));
        assert!(is_read(vec![7u8; SHORT]));
        assert!(is_read(vec![String::new(); SHORT]));
        assert!(is_read(vec![Some('x'); SHORT / 2]));
        assert!(is_read("x".repeat(SHORT)));
    }

    #[test]
    fn the_limit_counts_the_schema_byte() {
        assert_eq!(encode::<8>(&vec![0u8; 7]), Err(CodecError::TooLarge));
        assert_eq!(encode::<9>(&vec![0u8; 7]).map(|bytes| bytes.len()), Ok(9));
    }

    #[test]
    fn what_is_read_may_have_as_many_bytes_as_the_limit() {
        let bytes = encode::<9>(&vec![7u8; 7]).unwrap();
        assert_eq!(decode::<9, Vec<u8>>(&bytes), Ok(vec![7; 7]));
        for longer in [[&bytes[..], &[0]].concat(), [&bytes[..], &[0; 9]].concat()] {
            assert_eq!(decode::<9, Vec<u8>>(&longer), Err(CodecError::TooLarge));
        }
    }

    #[test]
    fn every_error_says_what_is_wrong_with_the_message() {
        use CodecError::{Malformed, TooLarge, TrailingBytes, UnknownSchema};
        let said = [TooLarge, UnknownSchema, Malformed, TrailingBytes].map(|error| alloc::string::ToString::to_string(&error));
        assert!(said.iter().all(|said| said.starts_with("the message ")), "{said:?}");
    }

    #[test]
    fn the_length_is_that_of_what_would_be_written() {
        for length in [0, 1, 250, 251, 70_000] {
            let value = (7u32, vec![7u8; length], String::from("bell"));
            assert_eq!(super::length(&value), encode::<100_000>(&value).map(|bytes| bytes.len()));
        }
    }

    #[test]
    fn another_schema_is_refused() {
        assert_eq!(decode::<64, u32>(&[9, 7]), Err(CodecError::UnknownSchema));
    }
}
