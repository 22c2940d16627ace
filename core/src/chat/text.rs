//! Texts that people write.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::limits::{LABEL_BYTES_MAX, PASSWORD_BYTES_MAX, SEARCH_BYTES_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX};

/// Why a text cannot be sent; each displays as a sentence for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidText {
    /// Nothing, or nothing but white space.
    Empty,
    /// More bytes of UTF-8 than the named limit.
    TooLong {
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// A control character other than a line break or a tab.
    Control(char),
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("The text is empty."),
            Self::TooLong { bytes_max } => write!(f, "The text is too long: at most {bytes_max} bytes of UTF-8 fit."),
            Self::Control(c) => write!(f, "The text contains the control character U+{:04X}; remove it and try again.", u32::from(*c)),
        }
    }
}

impl core::error::Error for InvalidText {}

/// Characters that show nothing or change the direction of what follows.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn check(text: String, bytes_max: usize, may_contain: fn(char) -> bool) -> Result<String, InvalidText> {
    if text.len() > bytes_max {
        return Err(InvalidText::TooLong { bytes_max });
    }
    if let Some(c) = text.chars().find(|&c| c.is_control() && !may_contain(c)) {
        return Err(InvalidText::Control(c));
    }
    if text.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        return Err(InvalidText::Empty);
    }
    Ok(text)
}

macro_rules! text {
    ($(#[$doc:meta])* $type:ident, $bytes_max:expr, $may_contain:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Checks what a person typed.
            ///
            /// # Errors
            /// [`InvalidText`], which says what to change.
            pub fn new(typed: impl Into<String>) -> Result<Self, InvalidText> {
                check(typed.into(), $bytes_max, $may_contain).map(Self)
            }

            /// The text.
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

            fn try_from(typed: String) -> Result<Self, InvalidText> {
                Self::new(typed)
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
    Text, TEXT_BYTES_MAX, |c| matches!(c, '\n' | '\t')
}
text! {
    /// What to search for, up to [`SEARCH_BYTES_MAX`] bytes in one line.
    SearchText, SEARCH_BYTES_MAX, |_| false
}
text! {
    /// The one-line heading of a notice, up to [`TITLE_BYTES_MAX`] bytes.
    Title, TITLE_BYTES_MAX, |_| false
}
text! {
    /// One of the answers a notice offers, up to [`LABEL_BYTES_MAX`] bytes: what its button says.
    Label, LABEL_BYTES_MAX, |_| false
}

impl Text {
    /// What stands in place of a message that was taken back.
    pub fn deleted() -> Self {
        Self(String::from("(deleted)"))
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

    /// The password, for hashing it.
    pub fn as_str(&self) -> &str {
        &self.0
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
    fn a_message_may_have_lines_and_tabs_but_a_title_is_one_line() {
        assert!(Text::new("first\n\tsecond").is_ok());
        assert_eq!(Title::new("first\nsecond"), Err(InvalidText::Control('\n')));
    }

    #[test]
    fn what_shows_nothing_is_empty() {
        for typed in ["", " \n\t ", "\u{200b}\u{2060}"] {
            assert_eq!(Text::new(typed), Err(InvalidText::Empty), "{typed:?}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for typed in ["a\u{0}b", "a\u{1b}[2Jb", "a\rb", "a\u{85}b"] {
            assert!(matches!(Text::new(typed), Err(InvalidText::Control(_))), "{typed:?}");
        }
    }

    #[test]
    fn the_limit_is_exact() {
        assert!(Text::new("x".repeat(TEXT_BYTES_MAX)).is_ok());
        assert_eq!(Text::new("x".repeat(TEXT_BYTES_MAX + 1)), Err(InvalidText::TooLong { bytes_max: TEXT_BYTES_MAX }));
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(format!("{:?}", Password::new("hunter2").unwrap()), "Password(…)");
    }
}
