//! What a file is called: a name and nothing else, wherever it is saved.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::characters::{JOINERS, has_too_many_marks, is_joiner_in_place};
use super::hidden::{is_base, is_blank};
use crate::limits::FILE_NAME_BYTES_MAX;

/// Why a file cannot be called so; each displays as a sentence for whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidFileName {
    /// Nothing, or nothing that could be seen.
    Empty,
    /// More than [`FILE_NAME_BYTES_MAX`] bytes, which no file system takes.
    TooLong,
    /// A character that means something to a file system or a terminal, or that is not seen.
    Character(char),
    /// A name that Windows keeps for a device, or the folder itself or the one above it.
    Reserved,
    /// A space before it, or a space or a dot behind it, which Windows leaves out.
    Edge,
}

impl fmt::Display for InvalidFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("A file's name cannot be empty."),
            Self::TooLong => write!(f, "A file's name has at most {FILE_NAME_BYTES_MAX} bytes."),
            Self::Character(c) => write!(f, "A file's name cannot contain the character U+{:04X}.", u32::from(*c)),
            Self::Reserved => f.write_str("A file cannot be called that: the name means a device or a folder."),
            Self::Edge => f.write_str("A file's name cannot begin with a space, nor end with a space or a dot."),
        }
    }
}

impl core::error::Error for InvalidFileName {}

/// A file's name in NFC, 1 to [`FILE_NAME_BYTES_MAX`] bytes of UTF-8. It has no folder in it, so that it can be put behind one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

impl FileName {
    /// A name that a file may be given today.
    ///
    /// # Errors
    /// [`InvalidFileName`], which says what to change.
    pub fn new(written: &str) -> Result<Self, InvalidFileName> {
        let name = Self::known(written)?;
        check_given(&name.0)?;
        Ok(name)
    }

    /// A name that was given already, perhaps by another program's milder rules: it cannot lead out of a folder all the same.
    ///
    /// # Errors
    /// [`InvalidFileName`].
    pub fn known(written: &str) -> Result<Self, InvalidFileName> {
        let name: String = written.nfc().collect();
        if name.is_empty() {
            return Err(InvalidFileName::Empty);
        }
        if name.len() > FILE_NAME_BYTES_MAX {
            return Err(InvalidFileName::TooLong);
        }
        if name == "." || name == ".." {
            return Err(InvalidFileName::Reserved);
        }
        match name.chars().find(|&c| c.is_control() || matches!(c, '/' | '\\')) {
            Some(c) => Err(InvalidFileName::Character(c)),
            None => Ok(Self(name)),
        }
    }

    /// The nearest name that a file may be given, for whatever it is called where it is: what means something elsewhere becomes `_`, what is
    /// not seen is left out, and a long one is cut before its ending.
    pub fn nearest(written: &str) -> Self {
        let mut name = String::new();
        for (at, c) in written.char_indices() {
            let after = written.get(at + c.len_utf8()..).unwrap_or_default();
            match c {
                _ if c.is_control() || has_a_meaning(c) => name.push('_'),
                _ if is_hidden(&name, c, after) => {}
                _ => name.push(c),
            }
        }
        name = name.trim().trim_end_matches([' ', '.']).nfc().collect();
        if name.is_empty() || !name.chars().any(is_base) {
            name = String::from("file");
        }
        if is_reserved(&name) {
            name.insert(0, '_');
        }
        let name = shortened(&name);
        Self::new(&name).unwrap_or_else(|_| Self(String::from("file")))
    }

    /// Whether a file may be given this name today.
    pub fn is_as_written(&self) -> bool {
        check_given(&self.0).is_ok()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same name with a number before its ending: `plan (2).pdf`.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let (stem, ending) = self.parts();
        let behind = alloc::format!(" ({number}){ending}");
        Self(alloc::format!("{}{behind}", cut(stem, FILE_NAME_BYTES_MAX.saturating_sub(behind.len()))))
    }

    /// What stands before the last dot, and the ending with it; a dot at the beginning is none.
    fn parts(&self) -> (&str, &str) {
        parts(&self.0)
    }
}

fn parts(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// At most so many bytes, in whole characters.
fn cut(name: &str, bytes: usize) -> &str {
    let mut end = bytes.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}

/// As long as a name may be, with its ending if that is one that anybody would call so.
fn shortened(name: &str) -> String {
    if name.len() <= FILE_NAME_BYTES_MAX {
        return String::from(name);
    }
    let (stem, ending) = match parts(name) {
        (stem, ending) if ending.len() <= 32 => (stem, ending),
        _ => (name, ""),
    };
    let stem = cut(stem, FILE_NAME_BYTES_MAX - ending.len()).trim_end_matches([' ', '.']);
    alloc::format!("{stem}{ending}")
}

/// What separates folders, drives and streams, stands for other names, or is taken by Windows' shell.
const fn has_a_meaning(c: char) -> bool {
    matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

/// What shows nothing, or turns the order of what follows; joiners are letters' business where a script needs them.
fn is_hidden(before: &str, c: char, after: &str) -> bool {
    c != ' ' && is_blank(c) && !(JOINERS.contains(&c) && is_joiner_in_place(before, c, after))
}

/// Whether Windows takes it for a device, whatever stands behind its first dot.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].iter().any(|device| stem.eq_ignore_ascii_case(device)) {
        return true;
    }
    let mut chars = stem.chars();
    let number = chars.next_back();
    let port = chars.as_str();
    (port.eq_ignore_ascii_case("COM") || port.eq_ignore_ascii_case("LPT"))
        && number.is_some_and(|number| number.is_ascii_digit() || matches!(number, '¹' | '²' | '³'))
}

fn check_given(name: &str) -> Result<(), InvalidFileName> {
    for (at, c) in name.char_indices() {
        let (before, after) = (name.get(..at).unwrap_or_default(), name.get(at + c.len_utf8()..).unwrap_or_default());
        if has_a_meaning(c) || is_hidden(before, c, after) {
            return Err(InvalidFileName::Character(c));
        }
    }
    if !name.chars().any(is_base) {
        return Err(InvalidFileName::Empty);
    }
    if name.starts_with(' ') || name.ends_with([' ', '.']) {
        return Err(InvalidFileName::Edge);
    }
    if is_reserved(name) {
        return Err(InvalidFileName::Reserved);
    }
    match name.chars().find(|c| !is_base(*c)) {
        Some(mark) if has_too_many_marks(name) => Err(InvalidFileName::Character(mark)),
        _ => Ok(()),
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for FileName {
    type Error = InvalidFileName;

    /// A name that exists, stored or told.
    fn try_from(name: String) -> Result<Self, InvalidFileName> {
        Self::known(&name)
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_name_and_no_way_to_anywhere() {
        for good in ["plan.pdf", ".profile", "Angebot März (2).docx", "王.txt", "می\u{200c}خواهم.txt", "a.b.c", "console.log", "COM10", "x"]
        {
            assert_eq!(FileName::new(good).map(String::from).as_deref(), Ok(good));
        }
        for (bad, why) in [
            ("", InvalidFileName::Empty),
            (".", InvalidFileName::Reserved),
            ("..", InvalidFileName::Reserved),
            ("../x", InvalidFileName::Character('/')),
            ("a\\b", InvalidFileName::Character('\\')),
            ("c:x", InvalidFileName::Character(':')),
            ("a\u{7}b", InvalidFileName::Character('\u{7}')),
            ("a\nb", InvalidFileName::Character('\n')),
            ("invoice\u{202e}fdp.exe", InvalidFileName::Character('\u{202e}')),
            ("a\u{200b}b", InvalidFileName::Character('\u{200b}')),
            ("a\u{200d}b", InvalidFileName::Character('\u{200d}')),
            (" x", InvalidFileName::Edge),
            ("x ", InvalidFileName::Edge),
            ("x.exe.", InvalidFileName::Edge),
            ("con", InvalidFileName::Reserved),
            ("NUL.txt", InvalidFileName::Reserved),
            ("com1.tar.gz", InvalidFileName::Reserved),
            ("lpt³", InvalidFileName::Reserved),
            ("conout$", InvalidFileName::Reserved),
            ("\u{301}", InvalidFileName::Empty),
        ] {
            assert_eq!(FileName::new(bad), Err(why), "{bad:?}");
        }
        let longest = "ä".repeat(127) + "x";
        assert!(FileName::new(&longest).is_ok());
        assert_eq!(FileName::new(&(longest + "x")), Err(InvalidFileName::TooLong));
    }

    #[test]
    fn a_name_has_one_spelling() {
        assert_eq!(FileName::new("Ma\u{308}rz"), FileName::new("März"));
    }

    #[test]
    fn what_another_program_has_named_leads_nowhere_all_the_same() {
        assert!(FileName::known("NUL").is_ok() && !FileName::known("NUL").unwrap().is_as_written());
        for bad in ["..", "a/b", "a\\b", "a\0b", ""] {
            assert!(FileName::known(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_nearest_name_can_be_given_and_is_the_name_itself_where_that_can() {
        for (written, nearest) in [
            ("plan.pdf", "plan.pdf"),
            ("a:b?.txt", "a_b_.txt"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("nul.txt", "_nul.txt"),
            ("x. . ", "x"),
            ("  x", "x"),
            ("..", "file"),
            ("\u{200b}", "file"),
            ("a\nb", "a_b"),
            ("", "file"),
        ] {
            assert_eq!(FileName::nearest(written).as_str(), nearest, "{written:?}");
        }
        let long = FileName::nearest(&("ä".repeat(300) + ".pdf"));
        assert_eq!((long.as_str().len(), long.as_str().ends_with("ä.pdf")), (254, true));
        for seed in 0..0x3000u32 {
            let odd: String = [seed, seed * 7 % 0x2100, seed * 31 % 0x10000].iter().filter_map(|&c| char::from_u32(c)).collect();
            assert!(FileName::nearest(&odd).is_as_written(), "{odd:?}");
        }
    }

    #[test]
    fn a_number_goes_before_the_ending() {
        let numbered = |name: &str| String::from(FileName::new(name).unwrap().numbered(2));
        assert_eq!(numbered("plan.pdf"), "plan (2).pdf");
        assert_eq!(numbered(".profile"), ".profile (2)");
        assert_eq!(numbered("readme"), "readme (2)");
        assert_eq!(numbered(&("ä".repeat(125) + ".pdf")).len(), 255 - 1);
    }
}
