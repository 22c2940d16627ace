//! The signs that people put to a message.

use alloc::string::String;
use core::fmt;

use icu_properties::CodePointSetData;
use icu_properties::props::{EmojiModifier, EmojiPresentation, ExtendedPictographic};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::limits::EMOJI_BYTES_MAX;

const JOINER: char = '\u{200d}';
/// Asks for the picture of a sign that is a letter otherwise.
const PICTURE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// A single emoji as people count them, which may be made of many characters: at most [`EMOJI_BYTES_MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReactionEmoji(String);

/// It is no emoji, or more than one; displays as a sentence for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOneEmoji;

impl fmt::Display for NotOneEmoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("A reaction is one emoji, and nothing else.")
    }
}

impl core::error::Error for NotOneEmoji {}

impl ReactionEmoji {
    /// Takes what a person typed. The same sign with and without the request for its picture is one: `❤` is `❤️`, and `👍` has none.
    ///
    /// # Errors
    /// [`NotOneEmoji`].
    pub fn new(typed: &str) -> Result<Self, NotOneEmoji> {
        let typed = typed.trim();
        let mut letters = typed.graphemes(true);
        let (Some(letter), None) = (letters.next(), letters.next()) else { return Err(NotOneEmoji) };
        if letter.len() > EMOJI_BYTES_MAX || !is_emoji(letter) {
            return Err(NotOneEmoji);
        }
        let mut chars = letter.chars();
        let written = match (chars.next(), chars.next(), chars.next()) {
            (Some(sign), None, _) if !shows_a_picture(sign) => String::from_iter([sign, PICTURE]),
            (Some(sign), Some(PICTURE), None) if shows_a_picture(sign) => String::from(sign),
            _ => String::from(letter),
        };
        Ok(Self(written))
    }

    /// Whether [`new`](Self::new) makes exactly this one. Another program's Unicode may be older or newer.
    pub fn is_as_written(&self) -> bool {
        Self::new(&self.0).is_ok_and(|written| written == *self)
    }

    /// As it is stored and sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn shows_a_picture(sign: char) -> bool {
    CodePointSetData::new::<EmojiPresentation>().contains(sign)
}

fn is_flag_letter(c: char) -> bool {
    ('\u{1f1e6}'..='\u{1f1ff}').contains(&c)
}

/// Whether one grapheme cluster is an emoji, from its first character to its last: what is drawn over it or beside it is none.
fn is_emoji(letter: &str) -> bool {
    let first = letter.chars().next().unwrap_or_default();
    if is_flag_letter(first) {
        return letter.chars().count() == 2 && letter.chars().all(is_flag_letter);
    }
    if first.is_ascii() {
        let mut rest = letter.chars().skip(1);
        let is_key = first.is_ascii_digit() || matches!(first, '#' | '*');
        return is_key && rest.next() == Some(PICTURE) && rest.next() == Some(KEYCAP) && rest.next().is_none();
    }
    let pictographic = |c| CodePointSetData::new::<ExtendedPictographic>().contains(c);
    let modifies = |c| CodePointSetData::new::<EmojiModifier>().contains(c);
    let is_part = |c| pictographic(c) || modifies(c) || matches!(c, JOINER | PICTURE | '\u{e0020}'..='\u{e007f}');
    (pictographic(first) || modifies(first)) && letter.chars().all(is_part) && !letter.ends_with(JOINER)
}

impl fmt::Display for ReactionEmoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::str::FromStr for ReactionEmoji {
    type Err = NotOneEmoji;

    fn from_str(typed: &str) -> Result<Self, NotOneEmoji> {
        Self::new(typed)
    }
}

impl TryFrom<String> for ReactionEmoji {
    type Error = NotOneEmoji;

    /// One that exists, stored or told: it has the shape of one, and is not judged by the Unicode of this program.
    fn try_from(told: String) -> Result<Self, NotOneEmoji> {
        let has_shape = (1..=EMOJI_BYTES_MAX).contains(&told.len()) && !told.chars().any(char::is_control);
        if has_shape { Ok(Self(told)) } else { Err(NotOneEmoji) }
    }
}

impl From<ReactionEmoji> for String {
    fn from(emoji: ReactionEmoji) -> Self {
        emoji.0
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn one_emoji_of_however_many_characters_is_a_reaction() {
        for typed in [
            "👍",
            "🎉",
            "❤\u{fe0f}",
            "👍🏽",
            "🏳\u{fe0f}\u{200d}🌈",
            "👩\u{200d}👩\u{200d}👧\u{200d}👦",
            "🇩🇪",
            "1\u{fe0f}\u{20e3}",
            "©\u{fe0f}",
        ] {
            assert_eq!(ReactionEmoji::new(typed).map(|emoji| emoji.to_string()), Ok(typed.to_string()), "{typed:?}");
        }
        let england = "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        assert_eq!(ReactionEmoji::new(england).unwrap().as_str(), england);
    }

    #[test]
    fn the_same_sign_is_one_reaction_however_it_was_typed() {
        assert_eq!(ReactionEmoji::new("❤"), ReactionEmoji::new(" ❤\u{fe0f} "));
        assert_eq!(ReactionEmoji::new("👍\u{fe0f}"), ReactionEmoji::new("👍"));
    }

    #[test]
    fn what_is_no_emoji_or_more_than_one_or_has_something_laid_over_it_is_refused() {
        let heaped = "👍".to_string() + &"\u{336}".repeat(9);
        let long = "👩\u{200d}".repeat(40) + "👩";
        for typed in ["", " ", "a", "1", "#", "é", "👍👍", "👍a", "👍\u{200d}", "🇩", "🇩🇪🇫🇷", "\u{200d}", "\u{fe0f}", "中", &heaped, &long]
        {
            assert_eq!(ReactionEmoji::new(typed), Err(NotOneEmoji), "{typed:?}");
        }
        assert_eq!(NotOneEmoji.to_string(), "A reaction is one emoji, and nothing else.");
    }

    #[test]
    fn what_is_told_has_the_shape_of_one() {
        assert!(ReactionEmoji::try_from(String::from("x")).is_ok_and(|told| !told.is_as_written()));
        for told in ["", "\u{7}", &"x".repeat(EMOJI_BYTES_MAX + 1)] {
            assert_eq!(ReactionEmoji::try_from(String::from(told)), Err(NotOneEmoji), "{told:?}");
        }
    }
}
