//! Names of accounts and rooms.

use alloc::string::String;
use core::fmt;

use icu_properties::props::GeneralCategory;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::characters::{JOINERS, category, has_too_many_marks, is_joiner_in_place};
use super::hidden::{is_base, is_blank};
use crate::limits::{MARKS_PER_LETTER_MAX, NAME_CHARS_MAX};

/// Why a name cannot be used; each displays as a sentence for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidName {
    /// Nothing, or nothing that could be seen.
    Empty,
    /// More than [`NAME_CHARS_MAX`] characters; so it never has more than [`NAME_BYTES_MAX`](crate::limits::NAME_BYTES_MAX) bytes.
    TooLong,
    /// A character that does not belong into a name.
    Character(char),
    /// More than [`MARKS_PER_LETTER_MAX`] marks on one letter.
    Marks,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("A name cannot be empty."),
            Self::TooLong => write!(f, "A name has at most {NAME_CHARS_MAX} characters."),
            // As it was typed, where it can be seen: an escaped backslash would be two.
            Self::Character(c) if is_hidden(*c) || !is_base(*c) => {
                write!(f, "A name cannot contain the invisible character U+{:04X}.", u32::from(*c))
            }
            Self::Character(c) => write!(f, "A name cannot contain '{c}'."),
            Self::Marks => write!(f, "A name has at most {MARKS_PER_LETTER_MAX} marks on one letter."),
        }
    }
}

impl core::error::Error for InvalidName {}

/// The form a name is kept in: NFC, no spaces around it, one space between words. What every name that exists keeps to, wherever it comes
/// from: what is stored or told, or named because it is there, is not judged again by younger rules.
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
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(InvalidName::TooLong);
    }
    match name.chars().find(|&c| c.is_control() || has_a_meaning(c)) {
        Some(c) => Err(InvalidName::Character(c)),
        None => Ok(name),
    }
}

/// Marks that have a meaning in commands, links and lists stay out of names.
const fn has_a_meaning(c: char) -> bool {
    matches!(c, '@' | '#' | '/' | '\\' | ':' | ',' | ';' | '"' | '<' | '>' | '|' | '*' | '?')
}

/// What shows nothing, or nothing that is the same for everybody.
fn is_hidden(c: char) -> bool {
    is_blank(c) || matches!(category(c), GeneralCategory::PrivateUse | GeneralCategory::Unassigned)
}

/// The first character of a text that shows nothing where every character is to be seen, but for joiners that letters need.
pub(super) fn first_hidden(text: &str) -> Option<char> {
    if text.is_ascii() {
        return text.chars().find(char::is_ascii_control);
    }
    let is_hidden_at = |&(at, c): &(usize, char)| {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + c.len_utf8()..).unwrap_or_default());
        c != ' ' && is_hidden(c) && !(JOINERS.contains(&c) && is_joiner_in_place(before, c, after))
    };
    text.char_indices().find(is_hidden_at).map(|(_, c)| c)
}

/// What a name is that somebody is given today: it can be seen, nothing in it is hidden, and it stays within its line. Joiners are letters'
/// business where a script needs them.
fn check_given(name: &str) -> Result<(), InvalidName> {
    if name.is_ascii() {
        return Ok(());
    }
    if let Some(c) = first_hidden(name) {
        return Err(InvalidName::Character(c));
    }
    if !name.chars().any(is_base) {
        return Err(InvalidName::Empty);
    }
    if has_too_many_marks(name) { Err(InvalidName::Marks) } else { Ok(()) }
}

/// Two names with the same key are the same name to a person: compatibility forms, letter case and joiners do not tell people apart.
///
/// Nothing else is left out of it: names that 0.1.0 gave and that nobody is given today have the key under which they are kept.
pub(super) fn key(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // By way of capitals: a letter may have several small forms, as the Greek sigma has one for the ends of words.
    name.nfkc().filter(|c| !JOINERS.contains(c)).flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Normalizes and checks what a person typed: a name that may be given today.
            ///
            /// # Errors
            /// [`InvalidName`], which says what to change.
            pub fn new(typed: &str) -> Result<Self, InvalidName> {
                let name = normalize(typed)?;
                check_given(&name)?;
                Ok(Self(name))
            }

            /// Normalizes a name that is there already, or is not and will not be found: an older program may have given it by milder rules.
            ///
            /// # Errors
            /// [`InvalidName`], which says what to change.
            pub fn known(typed: &str) -> Result<Self, InvalidName> {
                normalize(typed).map(Self)
            }

            /// Whether the name may be given today.
            pub fn is_as_written(&self) -> bool {
                check_given(&self.0).is_ok()
            }

            /// The name as people see it, in NFC.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// What the name is unique by: NFKC, lower case, without joiners.
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

            /// A name that exists, stored or told.
            fn try_from(name: String) -> Result<Self, InvalidName> {
                Self::known(&name)
            }
        }

        impl core::str::FromStr for $type {
            type Err = InvalidName;

            /// A name that exists, as people type it to say whom or what they mean. A name to be given is made by `new`.
            fn from_str(typed: &str) -> Result<Self, InvalidName> {
                Self::known(typed)
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

name! {
    /// What people call a person: 1 to 32 characters in NFC. It need not be the only one of its kind.
    DisplayName
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
    fn names_that_show_nothing_or_hide_something_are_given_to_nobody() {
        for typed in [
            "bob\u{2800}",
            "bob\u{3164}",
            "lobby\u{fe0f}",
            "bob\u{34f}",
            "\u{3164}",
            "\u{2800}",
            "\u{115f}\u{1160}",
            "\u{ffa0}",
            "bo\u{200d}b",
            "bob\u{200c}",
            "bob\u{e000}",
            "bob\u{e0041}",
            "bob\u{378}",
        ] {
            assert!(matches!(AccountName::new(typed), Err(InvalidName::Character(_))), "{typed:?}");
            assert!(!AccountName::known(typed).unwrap().is_as_written(), "{typed:?}: one that is there is found");
        }
        assert_eq!(AccountName::new("\u{301}"), Err(InvalidName::Empty));
        assert_eq!(AccountName::new(&(String::from("bob") + &"\u{301}".repeat(MARKS_PER_LETTER_MAX + 1))), Err(InvalidName::Marks));
    }

    #[test]
    fn names_of_every_script_are_names() {
        for typed in [
            "علی\u{200c}رضا",
            "ශ\u{dca}\u{200d}රී ලංකා",
            "क्\u{200d}षितिज",
            "Nguyễn Thị Ngọc Ánh",
            "Ольга",
            "王小明",
            "山田 太郎",
            "김민수",
            "Žofie O'Hara-Müller",
            "שִׁירָה",
            "นันท์",
            "ဇော်မြွှာ",
            "👍 team",
        ] {
            let name = AccountName::new(typed).unwrap_or_else(|error| panic!("{typed}: {error}"));
            assert!(name.is_as_written() && AccountName::known(name.as_str()).as_ref() == Ok(&name));
        }
    }

    #[test]
    fn joiners_do_not_tell_people_apart() {
        assert_eq!(AccountName::new("علی\u{200c}رضا").unwrap().key(), AccountName::new("علیرضا").unwrap().key());
    }

    #[test]
    fn line_breaks_in_a_name_are_spaces() {
        for foreign in ["\r\n", "\u{b}", "\u{85}", "\u{2028}"] {
            assert_eq!(AccountName::new(&["Anna", foreign, "Berg", foreign].concat()).unwrap().as_str(), "Anna Berg");
        }
    }

    #[test]
    fn empty_and_overlong_names_are_refused() {
        assert_eq!(AccountName::new("   "), Err(InvalidName::Empty));
        assert_eq!(AccountName::new(&"x".repeat(NAME_CHARS_MAX + 1)), Err(InvalidName::TooLong));
        for c in ["x", "é", "王", "𠀀"] {
            assert!(AccountName::new(&c.repeat(NAME_CHARS_MAX)).is_ok_and(|name| name.as_str().len() <= crate::limits::NAME_BYTES_MAX));
            assert_eq!(AccountName::new(&c.repeat(NAME_CHARS_MAX + 1)), Err(InvalidName::TooLong), "{c}");
        }
    }

    #[test]
    fn a_refused_name_is_explained() {
        for (refused, said) in [
            ('@', "A name cannot contain '@'."),
            ('\\', "A name cannot contain '\\'."),
            ('"', "A name cannot contain '\"'."),
            ('\u{7}', "A name cannot contain the invisible character U+0007."),
            ('\u{202e}', "A name cannot contain the invisible character U+202E."),
            ('\u{e000}', "A name cannot contain the invisible character U+E000."),
        ] {
            assert_eq!(format!("{}", InvalidName::Character(refused)), said);
        }
    }
}
