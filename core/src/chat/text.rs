//! Texts that people write.

use alloc::string::String;
use core::fmt;

use icu_properties::props::GeneralCategory;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::characters::{category, has_too_many_marks};
use super::fold::fold;
use super::hidden::is_base;
use super::line_break::{in_one_line, with_plain_line_breaks};
use super::name::first_hidden;
use crate::limits::{
    EXCERPT_BYTES_MAX, LABEL_BYTES_MAX, MARKS_PER_LETTER_MAX, PASSWORD_BYTES_MAX, PROFILE_LINE_BYTES_MAX, SEARCH_BYTES_MAX,
    STATUS_BYTES_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX,
};

/// Why a text cannot be sent; each displays as a sentence for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidText {
    /// Nothing, or nothing that could be seen.
    Empty,
    /// More bytes of UTF-8 than the named limit.
    TooLong {
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// A control character other than a line break or a tab.
    Control(char),
    /// A character that shows nothing, where all are to be seen.
    Hidden(char),
    /// More than [`MARKS_PER_LETTER_MAX`] marks on one letter.
    Marks,
    /// A search for marks and characters that show nothing: every message has those.
    NothingToFind,
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("The text is empty."),
            Self::TooLong { bytes_max } => write!(f, "The text is too long: at most {bytes_max} bytes of UTF-8 fit."),
            Self::Control(c) => write!(f, "The text contains the control character U+{:04X}; remove it and try again.", u32::from(*c)),
            Self::Hidden(c) => write!(f, "The text contains the invisible character U+{:04X}; remove it and try again.", u32::from(*c)),
            Self::Marks => write!(f, "The text has more than {MARKS_PER_LETTER_MAX} marks on one letter; remove some and try again."),
            Self::NothingToFind => f.write_str("There is nothing in that to search for; type a letter, a digit or a sign."),
        }
    }
}

impl core::error::Error for InvalidText {}

/// What every text that exists keeps to, wherever it comes from: what is stored or told is not judged again by younger rules.
fn check(text: &str, bytes_max: usize, may_contain: fn(char) -> bool) -> Result<(), InvalidText> {
    if text.is_empty() {
        return Err(InvalidText::Empty);
    }
    if text.len() > bytes_max {
        return Err(InvalidText::TooLong { bytes_max });
    }
    match text.chars().find(|&c| c.is_control() && !may_contain(c)) {
        Some(c) => Err(InvalidText::Control(c)),
        None => Ok(()),
    }
}

/// What a text is that somebody writes today: it can be seen, and it stays within its line.
fn check_written(text: &str) -> Result<(), InvalidText> {
    if !text.chars().any(is_base) {
        return Err(InvalidText::Empty);
    }
    if has_too_many_marks(text) { Err(InvalidText::Marks) } else { Ok(()) }
}

/// What a text is that somebody looks for: what every message has is nothing to look for.
fn check_sought(text: &str) -> Result<(), InvalidText> {
    if text.chars().all(char::is_whitespace) {
        return Err(InvalidText::Empty);
    }
    if fold(text).trim().is_empty() { Err(InvalidText::NothingToFind) } else { Ok(()) }
}

/// The same in one line of words with one space between them, in NFC.
fn tidied(text: String) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.nfc());
    }
    line
}

/// What stands in a list beside a name: it can be seen, all of it.
fn check_shown(text: &str) -> Result<(), InvalidText> {
    match first_hidden(text) {
        Some(c) => Err(InvalidText::Hidden(c)),
        None => check_written(text),
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $type:ident, $bytes_max:expr, $may_contain:expr, $line_breaks:expr, $check_written:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Takes what a person typed or pasted, and checks it. Line breaks of every kind are understood.
            ///
            /// # Errors
            /// [`InvalidText`], which says what to change.
            pub fn new(typed: impl Into<String>) -> Result<Self, InvalidText> {
                let text = $line_breaks(typed.into());
                check(&text, $bytes_max, $may_contain)?;
                $check_written(&text)?;
                Ok(Self(text))
            }

            /// Whether [`new`](Self::new) makes exactly this text. One that was stored by an older program or told by another need not
            /// be such a text.
            pub fn is_as_written(&self) -> bool {
                Self::new(self.0.as_str()).is_ok_and(|written| written == *self)
            }

            /// As it is stored and sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidText;

            /// A text that exists, stored or told.
            fn try_from(text: String) -> Result<Self, InvalidText> {
                check(&text, $bytes_max, $may_contain)?;
                Ok(Self(text))
            }
        }

        impl core::str::FromStr for $type {
            type Err = InvalidText;

            fn from_str(typed: &str) -> Result<Self, InvalidText> {
                Self::new(typed)
            }
        }

        impl From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        }
    };
}

text! {
    /// What a message or a notice says: up to [`TEXT_BYTES_MAX`] bytes, may have several lines.
    Text, TEXT_BYTES_MAX, |c| matches!(c, '\n' | '\t'), with_plain_line_breaks, check_written
}
text! {
    /// The one-line heading of a notice, up to [`TITLE_BYTES_MAX`] bytes.
    Title, TITLE_BYTES_MAX, |_| false, in_one_line, check_written
}
text! {
    /// One of the answers a notice offers, up to [`LABEL_BYTES_MAX`] bytes: what its button says.
    Label, LABEL_BYTES_MAX, |_| false, in_one_line, check_written
}

text! {
    /// A line of a message, up to [`EXCERPT_BYTES_MAX`] bytes, for where there is no room for all of it.
    Excerpt, EXCERPT_BYTES_MAX, |_| false, in_one_line, check_written
}

text! {
    /// What to search for, up to [`SEARCH_BYTES_MAX`] bytes in one line; when it is written something is left of it after [`fold`].
    SearchText, SEARCH_BYTES_MAX, |_| false, in_one_line, check_sought
}

text! {
    /// A line of a profile, up to [`PROFILE_LINE_BYTES_MAX`] bytes in NFC without spaces around it; nothing in it is hidden, as in a name.
    ProfileLine, PROFILE_LINE_BYTES_MAX, |_| false, tidied, check_shown
}
text! {
    /// What somebody says of what they are doing, up to [`STATUS_BYTES_MAX`] bytes in one line.
    StatusText, STATUS_BYTES_MAX, |_| false, tidied, check_written
}

impl Text {
    /// What stands in place of a message that was taken back.
    pub fn deleted() -> Self {
        Self(String::from("(deleted)"))
    }
}

impl Excerpt {
    /// What stands for a line of which nothing can be shown.
    pub(super) fn goes_on() -> Self {
        Self(String::from("…"))
    }
}

impl Label {
    /// The answer of a notice that names none.
    pub fn acknowledge() -> Self {
        Self(String::from("Acknowledge"))
    }
}

/// A password on its way to the server: not empty, at most [`PASSWORD_BYTES_MAX`] bytes, wiped from memory, never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what a person typed.
    ///
    /// # Errors
    /// [`InvalidText::Empty`] and [`InvalidText::TooLong`].
    pub fn new(typed: impl Into<String>) -> Result<Self, InvalidText> {
        let typed = Zeroizing::new(typed.into());
        if typed.is_empty() {
            return Err(InvalidText::Empty);
        }
        if typed.len() > PASSWORD_BYTES_MAX {
            return Err(InvalidText::TooLong { bytes_max: PASSWORD_BYTES_MAX });
        }
        Ok(Self(typed))
    }

    /// The password as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The password as it is compared: the same whether a keyboard composes its letters or not, and whichever space it has. The mapping
    /// of RFC 8265's OpaqueString (§4.2.2): a space of another script is a space, then NFC. What that profile forbids is not refused:
    /// nobody is kept out by an older password.
    pub fn prepared(&self) -> Zeroizing<String> {
        if self.0.is_ascii() {
            return self.0.clone();
        }
        let is_space = |c: char| category(c) == GeneralCategory::SpaceSeparator;
        // Room for the longest form of each letter: the text is not moved while it grows, and nothing of it stays behind.
        let mut prepared = Zeroizing::new(String::with_capacity(self.0.len() * 3));
        prepared.extend(self.0.chars().map(|c| if is_space(c) { ' ' } else { c }).nfc());
        prepared
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl TryFrom<String> for Password {
    type Error = InvalidText;

    fn try_from(typed: String) -> Result<Self, InvalidText> {
        Self::new(typed)
    }
}

impl From<Password> for String {
    fn from(mut password: Password) -> Self {
        core::mem::take(&mut *password.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_message_may_have_lines_and_tabs_and_a_title_is_one_line() {
        assert_eq!(Text::new("first\n\tsecond").unwrap().as_str(), "first\n\tsecond");
        assert_eq!(Title::new("first\nsecond").unwrap().as_str(), "first second");
        assert_eq!(Title::new("first\tsecond"), Err(InvalidText::Control('\t')));
    }

    #[test]
    fn foreign_line_breaks_are_understood_wherever_text_is_typed() {
        for foreign in ["\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
            let typed = ["one", foreign, "two", foreign].concat();
            assert_eq!(Text::new(typed.as_str()).unwrap().as_str(), "one\ntwo\n", "{foreign:?}");
            assert_eq!(Title::new(typed.as_str()).unwrap().as_str(), "one two", "{foreign:?}");
            assert_eq!(Label::new(typed.as_str()).unwrap().as_str(), "one two", "{foreign:?}");
            assert_eq!(SearchText::new(typed.as_str()).unwrap().as_str(), "one two", "{foreign:?}");
        }
    }

    #[test]
    fn what_shows_nothing_is_empty() {
        for typed in [
            "",
            " \n\t ",
            "\r\n",
            "\u{200b}\u{2060}",
            "\u{3164}",
            "\u{2800}\u{2800}",
            "\u{115f}\u{1160}",
            "\u{ffa0}",
            "\u{301}",
            "\u{e0041}",
        ] {
            assert_eq!(Text::new(typed), Err(InvalidText::Empty), "{typed:?}");
            assert_eq!(Title::new(typed), Err(InvalidText::Empty), "{typed:?}");
            assert_eq!(Label::new(typed), Err(InvalidText::Empty), "{typed:?}");
        }
        for typed in ["👍", "?", "👩\u{200d}🔬", "\u{3164}a", "می\u{200c}خواهم"] {
            assert_eq!(Text::new(typed).unwrap().as_str(), typed, "what shows something is sent as it is");
        }
    }

    #[test]
    fn a_letter_under_a_heap_of_marks_is_refused() {
        let heap = String::from("z") + &"\u{30d}".repeat(MARKS_PER_LETTER_MAX + 1);
        assert_eq!(Text::new(heap.as_str()), Err(InvalidText::Marks));
        assert_eq!(Title::new(heap.as_str()), Err(InvalidText::Marks));
    }

    #[test]
    fn a_search_for_nothing_is_no_search() {
        for typed in ["\u{301}", "\u{200d}", "\u{5b0}\u{300} ", "\u{fe0f}", "´"] {
            assert_eq!(SearchText::new(typed), Err(InvalidText::NothingToFind), "{typed:?}");
        }
        for typed in ["fe\u{301}", "?", "が", "\u{3099}か"] {
            assert!(SearchText::new(typed).is_ok(), "{typed:?}");
        }
    }

    #[test]
    fn what_was_stored_by_an_older_program_is_still_a_text() {
        for stored in ["\u{3164}", "a\u{2028}b", "z\u{30d}\u{30d}\u{30d}\u{30d}\u{30d}\u{30d}\u{30d}"] {
            let text = Text::try_from(String::from(stored)).unwrap();
            assert_eq!(text.as_str(), stored);
            assert!(!text.is_as_written(), "{stored:?}: nobody writes that today");
        }
        assert!(Text::new("a\r\nb").unwrap().is_as_written());
    }

    #[test]
    fn control_characters_are_refused() {
        for typed in ["a\u{0}b", "a\u{1b}[2Jb", "a\u{9f}b"] {
            assert!(matches!(Text::new(typed), Err(InvalidText::Control(_))), "{typed:?}");
        }
        for told in ["a\rb", "a\u{85}b"] {
            assert!(matches!(Text::try_from(String::from(told)), Err(InvalidText::Control(_))), "{told:?}");
        }
    }

    #[test]
    fn the_limit_is_exact() {
        assert!(Text::new("x".repeat(TEXT_BYTES_MAX)).is_ok());
        assert_eq!(Text::new("x".repeat(TEXT_BYTES_MAX + 1)), Err(InvalidText::TooLong { bytes_max: TEXT_BYTES_MAX }));
    }

    #[test]
    fn a_refused_text_is_explained() {
        for (refused, said) in [
            (InvalidText::Empty, "is empty"),
            (InvalidText::TooLong { bytes_max: 1234 }, "1234 bytes"),
            (InvalidText::Control('\u{7}'), "U+0007"),
            (InvalidText::Marks, "marks on one letter"),
            (InvalidText::NothingToFind, "nothing in that to search for"),
        ] {
            let sentence = format!("{refused}");
            assert!(sentence.contains(said) && sentence.ends_with('.'), "{sentence}");
        }
    }

    #[test]
    fn a_password_is_the_same_from_every_keyboard() {
        let prepared = |typed: &str| Password::new(typed).unwrap().prepared();
        for (one, other) in [("Zoe\u{308} 1", "Zoë 1"), ("a\u{a0}b", "a b"), ("密\u{3000}码", "密 码"), ("\u{212b}", "\u{c5}")] {
            assert_eq!(*prepared(one), *prepared(other), "{one:?}");
        }
        for (one, other) in [("Zoë", "zoë"), ("ａ", "a"), ("a ", "a"), ("ß", "ss"), ("①", "1")] {
            assert_ne!(*prepared(one), *prepared(other), "{one:?}: a password is no name");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let password = Password::new("hunter2").unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
        assert_eq!(password.as_str(), "hunter2", "but to who asks for it");
    }
}
