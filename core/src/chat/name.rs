//! Names of accounts and rooms.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::limits::{NAME_BYTES_MAX, NAME_CHARS_MAX};

/// Why a name cannot be used; each displays as a sentence for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidName {
    /// Nothing, or nothing but spaces.
    Empty,
    /// More than [`NAME_CHARS_MAX`] characters or [`NAME_BYTES_MAX`] bytes.
    TooLong,
    /// A character that does not belong into a name.
    Character(char),
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("A name cannot be empty."),
            Self::TooLong => write!(f, "A name has at most {NAME_CHARS_MAX} characters."),
            // As it was typed, where it can be seen: an escaped backslash would be two.
            Self::Character(c) if c.is_control() || c.is_whitespace() || super::text::is_invisible(*c) => {
                write!(f, "A name cannot contain the invisible character U+{:04X}.", u32::from(*c))
            }
            Self::Character(c) => write!(f, "A name cannot contain '{c}'."),
        }
    }
}

impl core::error::Error for InvalidName {}

/// The form a name is kept in: NFC, no spaces around it, one space between words.
fn normalize(typed: &str) -> Result<String, InvalidName> {
    let mut name = String::new();
    for word in typed.split_whitespace() {
        if !name.is_empty() {
            name.push(' ');
        }
        // Most names are plain letters, and a server with many accounts looks at all of them when it starts.
        if word.is_ascii() {
            name.push_str(word);
        } else {
            name.extend(word.nfc());
        }
    }
    if name.is_empty() {
        return Err(InvalidName::Empty);
    }
    if name.len() > NAME_BYTES_MAX || name.chars().count() > NAME_CHARS_MAX {
        return Err(InvalidName::TooLong);
    }
    match name.chars().find(|&c| !belongs_into_a_name(c)) {
        Some(c) => Err(InvalidName::Character(c)),
        None => Ok(name),
    }
}

/// Marks that have a meaning in commands, links and lists, and everything invisible, stay out.
fn belongs_into_a_name(c: char) -> bool {
    !(c.is_control()
        || super::text::is_invisible(c)
        || matches!(c, '@' | '#' | '/' | '\\' | ':' | ',' | ';' | '"' | '<' | '>' | '|' | '*' | '?'))
}

/// Two names with the same key are the same name to a person: compatibility forms and letter case do not tell people apart.
fn key(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // By way of capitals: a letter may have several small forms, as the Greek sigma has one for the ends of words.
    name.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Normalizes and checks what a person typed.
            ///
            /// # Errors
            /// [`InvalidName`], which says what to change.
            pub fn new(typed: &str) -> Result<Self, InvalidName> {
                normalize(typed).map(Self)
            }

            /// The name as people see it, in NFC.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// What the name is unique by: NFKC, lower case.
            pub fn key(&self) -> String {
                key(&self.0)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(typed: String) -> Result<Self, InvalidName> {
                Self::new(&typed)
            }
        }

        impl core::str::FromStr for $type {
            type Err = InvalidName;

            fn from_str(typed: &str) -> Result<Self, InvalidName> {
                Self::new(typed)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    };
}

name! {
    /// What a person is called: 1 to 32 characters in NFC, unique by [`AccountName::key`].
    AccountName
}
name! {
    /// What a room is called: 1 to 32 characters in NFC, unique by [`RoomName::key`].
    RoomName
}
name! {
    /// What a group of accounts is called: 1 to 32 characters in NFC, unique by [`GroupName::key`].
    GroupName
}
name! {
    /// What a template is called: 1 to 32 characters in NFC, unique by [`TemplateName::key`].
    TemplateName
}

impl AccountName {
    /// The administrator that a server's first start makes.
    pub fn first_admin() -> Self {
        Self(String::from("admin"))
    }
}

impl RoomName {
    /// The room everyone is in.
    pub fn lobby() -> Self {
        Self(String::from("lobby"))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn spaces_around_and_between_words_are_tidied() {
        assert_eq!(AccountName::new("  Anna   Berg ").unwrap().as_str(), "Anna Berg");
    }

    #[test]
    fn composed_and_decomposed_letters_are_one_name() {
        assert_eq!(AccountName::new("Andre\u{301}").unwrap(), AccountName::new("André").unwrap());
    }

    #[test]
    fn case_and_width_do_not_tell_people_apart() {
        assert_eq!(AccountName::new("ALICE").unwrap().key(), AccountName::new("ａｌｉｃｅ").unwrap().key());
    }

    #[test]
    fn letters_with_several_small_forms_do_not_tell_people_apart() {
        for (capitals, small) in [("ΓΙΩΡΓΟΣ", "γιωργος"), ("STRAUSS", "strauß")] {
            assert_eq!(AccountName::new(capitals).unwrap().key(), AccountName::new(small).unwrap().key());
        }
    }

    #[test]
    fn names_with_marks_of_the_command_line_or_invisible_letters_are_refused() {
        for typed in ["@bob", "a/b", "a\u{7}b", "a\u{202e}b", "a\u{200b}b"] {
            assert!(matches!(AccountName::new(typed), Err(InvalidName::Character(_))), "{typed:?}");
        }
    }

    #[test]
    fn empty_and_overlong_names_are_refused() {
        assert_eq!(AccountName::new("   "), Err(InvalidName::Empty));
        assert_eq!(AccountName::new(&"x".repeat(NAME_CHARS_MAX + 1)), Err(InvalidName::TooLong));
        assert!(AccountName::new(&"王".repeat(NAME_CHARS_MAX)).is_ok());
    }

    #[test]
    fn a_refused_name_is_explained() {
        for (refused, said) in [
            ('@', "A name cannot contain '@'."),
            ('\\', "A name cannot contain '\\'."),
            ('"', "A name cannot contain '\"'."),
            ('\u{7}', "A name cannot contain the invisible character U+0007."),
            ('\u{202e}', "A name cannot contain the invisible character U+202E."),
        ] {
            assert_eq!(format!("{}", InvalidName::Character(refused)), said);
        }
    }
}
