//! A configuration file's bytes as text: editors and shells save it in more ways than one.

/// How to save it otherwise.
const SAVE: &str = "Save it as UTF-8; in PowerShell: belfry serve --print-config | Set-Content -Encoding utf8 FILE.";

/// Reads UTF-8, with a byte order mark or without, and UTF-16 with one, which PowerShell's `>` writes.
///
/// # Errors
/// A sentence that says what is wrong and how to save the file.
pub(super) fn read(bytes: &[u8]) -> Result<String, String> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf_8(rest),
        _ => utf_8(bytes),
    }
}

fn utf_8(bytes: &[u8]) -> Result<String, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => Err(format!("is no text: it has a zero byte in it, as UTF-16 without its mark has. {SAVE}")),
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|&&byte| byte == b'\n').count();
            Err(format!("is not UTF-8 in line {line}. {SAVE}"))
        }
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&pairs.iter().map(|&pair| unit(pair)).collect::<Vec<_>>());
    text.ok().filter(|text| rest.is_empty() && !text.contains('\0')).ok_or_else(|| format!("begins as UTF-16 does and is none. {SAVE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Bärbels Haus 🏠\r\nlog = \"warn\"\r\n";

    fn utf_16(bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(TEXT.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn a_file_reads_the_same_however_it_was_saved() {
        let marked = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
        for bytes in [TEXT.as_bytes().to_vec(), marked, utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes)] {
            assert_eq!(read(&bytes).unwrap(), TEXT);
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_with_how_to_save_it() {
        let mut odd = utf_16(u16::to_le_bytes);
        odd.pop();
        let without_mark = utf_16(u16::to_le_bytes)[2..].to_vec();
        let plain: Vec<u8> = "log = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [odd, b"log = 1\n# B\xe4rbel".to_vec(), without_mark, plain, vec![0xff, 0xfe, 0, 0xd8], vec![0xff, 0xfe, 0, 0]] {
            assert!(read(&bytes).unwrap_err().contains("Save it as UTF-8"), "{bytes:?}");
        }
        assert!(read(b"log = 1\n# B\xe4rbel").unwrap_err().contains("line 2"));
    }
}
