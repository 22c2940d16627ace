//! Files that people edit: whatever an editor has made of the encoding, the file is read as what it says or refused, and never half understood.

use core::fmt;
use core::str;

/// What some editors put in front of UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Why a file is no text; displays as the end of a sentence, behind the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotText {
    /// Two bytes a letter, as Windows PowerShell writes what goes into a file.
    Utf16,
    /// A line has bytes that are no UTF-8.
    Line(usize),
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf16 => f.write_str("is in UTF-16; save it as UTF-8 and try again"),
            Self::Line(line) => write!(f, "is not in UTF-8, beginning with line {line}; save it as UTF-8 and try again"),
        }
    }
}

impl core::error::Error for NotText {}

/// The text of a file, without a byte order mark.
///
/// # Errors
/// [`NotText`]: nothing of the file is to be believed.
pub fn read(bytes: &[u8]) -> Result<&str, NotText> {
    // Either order has a mark, or has every second byte empty where it writes Latin letters; no text has an empty one.
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
        return Err(NotText::Utf16);
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        NotText::Line(1 + before.iter().filter(|&&byte| byte == b'\n').count())
    })?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(read("\u{feff}one\r\ntwo".as_bytes()), Ok("one\r\ntwo"));
        assert_eq!(read(b""), Ok(""));
    }

    #[test]
    fn another_encoding_is_named_with_what_to_do() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        assert_eq!(read(&utf16("\u{feff}tower:7411")), Err(NotText::Utf16));
        assert_eq!(read(&utf16("tower:7411")), Err(NotText::Utf16));
        assert_eq!(read(b"one\ntwo\nGr\xfc\xdfe"), Err(NotText::Line(3)));
    }
}
