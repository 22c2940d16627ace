//! Files that people edit: whatever an editor has made of the encoding, the file is read as what it says or refused, and never half understood.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str;

/// Why a file is no text; displays as the end of a sentence, behind the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotText {
    /// Two bytes a letter, and no mark in front that says so or letters that are none.
    Utf16,
    /// A line has bytes that are no UTF-8.
    Line(usize),
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf16 => f.write_str("is no text: it is like UTF-16, and is damaged or has no mark in front"),
            Self::Line(line) => write!(f, "is not UTF-8 in line {line}"),
        }
    }
}

impl core::error::Error for NotText {}

/// The text of a file: UTF-8 with a byte order mark or without, or UTF-16 with one, as Windows PowerShell writes what goes into a file.
///
/// # Errors
/// [`NotText`]: nothing of the file is to be believed.
pub fn read(bytes: &[u8]) -> Result<String, NotText> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf_8(rest),
        _ => utf_8(bytes),
    }
}

fn utf_8(bytes: &[u8]) -> Result<String, NotText> {
    match str::from_utf8(bytes) {
        // UTF-16 has every second byte empty where it writes Latin letters; no text has an empty one.
        Ok(text) if text.contains('\0') => Err(NotText::Utf16),
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Err(NotText::Line(1 + before.iter().filter(|&&byte| byte == b'\n').count()))
        }
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, NotText> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&pairs.iter().map(|&pair| unit(pair)).collect::<Vec<_>>());
    text.ok().filter(|text| rest.is_empty() && !text.contains('\0')).ok_or(NotText::Utf16)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    const TEXT: &str = "# Bärbels Haus 🏠\r\nlog = \"warn\"\r\n";

    fn in_utf_16(bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(TEXT.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn a_file_reads_the_same_however_it_was_saved() {
        let marked = [&b"\xef\xbb\xbf"[..], TEXT.as_bytes()].concat();
        for bytes in [TEXT.as_bytes().to_vec(), marked, in_utf_16(u16::to_le_bytes), in_utf_16(u16::to_be_bytes)] {
            assert_eq!(read(&bytes).as_deref(), Ok(TEXT));
        }
        assert_eq!(read(b"").as_deref(), Ok(""));
    }

    #[test]
    fn what_is_half_understood_is_not_read() {
        let mut odd = in_utf_16(u16::to_le_bytes);
        odd.pop();
        let without_mark = in_utf_16(u16::to_le_bytes)[2..].to_vec();
        let plain: Vec<u8> = "log = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [odd, plain, vec![0xff, 0xfe, 0, 0xd8]] {
            assert_eq!(read(&bytes), Err(NotText::Utf16), "{bytes:?}");
        }
        assert!(read(&without_mark).is_err());
        assert_eq!(read(b"one\ntwo\nGr\xfc\xdfe"), Err(NotText::Line(3)));
    }

    #[test]
    fn why_a_file_is_no_text_ends_a_sentence_that_begins_with_its_name() {
        assert_eq!(NotText::Line(3).to_string(), "is not UTF-8 in line 3");
        assert!(NotText::Utf16.to_string().starts_with("is no text: "));
    }
}
