//! Characters that are not seen, and what they do to the text around them: the one list of what could deceive whoever reads.
//!
//! | | a new name | a text, stored | a name shown, and all that a terminal shows | a text in a window |
//! |---|---|---|---|---|
//! | [`Control`](Hidden::Control) | refused | refused | spelled out | spelled out |
//! | [`LineBreak`](Hidden::LineBreak) | a space | a line feed | spelled out | spelled out |
//! | [`Direction`](Hidden::Direction) | refused | kept | spelled out | spelled out |
//! | [`Shaping`](Hidden::Shaping) | refused, but for joiners in their place | kept | shown | shown |
//! | [`Invisible`](Hidden::Invisible) | refused | kept | spelled out | shown |
//!
//! Why a window shows what a terminal does not get: `docs/decisions/0025-what-hides-is-spelled-out.md`.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt::Write as _;

use icu_properties::props::{BidiClass, GeneralCategory, GeneralCategoryGroup, PrependedConcatenationMark, VariationSelector};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::characters::{BLANK_SYMBOLS, JOINERS, category, is_ignorable};
use super::line_break::is_line_break;

/// What a character does that is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// Moves a cursor, rings, or ends what stands before it (Cc, but for the line feed and the tab).
    Control,
    /// Ends a line where nobody expects one (UAX 14: BK, CR, NL; but for the line feed).
    LineBreak,
    /// Turns the order of all that follows, up to its end (UAX 9: embeddings, overrides and isolates).
    Direction,
    /// Is part of how a letter or an emoji is written: joiners and selectors of a variant.
    Shaping,
    /// Shows nothing and does nothing that goes beyond its place: a space without width, a mark of direction for the sign beside it, a
    /// filler, a tag, a symbol that is drawn as nothing.
    Invisible,
}

impl Hidden {
    /// What `c` is; `None` for what can be seen, for spaces, the line feed and the tab, and for what has no meaning yet.
    pub fn of(c: char) -> Option<Self> {
        if c == '\n' || c == '\t' || c == ' ' || c.is_ascii_graphic() {
            return None;
        }
        if is_line_break(c) {
            return Some(Self::LineBreak);
        }
        if c.is_whitespace() {
            return None;
        }
        if c.is_control() {
            return Some(Self::Control);
        }
        if let BidiClass::LeftToRightEmbedding
        | BidiClass::RightToLeftEmbedding
        | BidiClass::LeftToRightOverride
        | BidiClass::RightToLeftOverride
        | BidiClass::PopDirectionalFormat
        | BidiClass::LeftToRightIsolate
        | BidiClass::RightToLeftIsolate
        | BidiClass::FirstStrongIsolate
        | BidiClass::PopDirectionalIsolate = CodePointMapData::<BidiClass>::new().get(c)
        {
            return Some(Self::Direction);
        }
        if JOINERS.contains(&c) || CodePointSetData::new::<VariationSelector>().contains(c) {
            return Some(Self::Shaping);
        }
        // Of the formats only those that are written around what follows, as the Arabic sign of a year, are drawn.
        let is_format = category(c) == GeneralCategory::Format && !CodePointSetData::new::<PrependedConcatenationMark>().contains(c);
        (is_format || is_ignorable(c) || BLANK_SYMBOLS.contains(&c)).then_some(Self::Invisible)
    }
}

/// A name, or any text for a terminal, with what hides in it spelled out: `·U+202E·`. What letters and emoji are written with stays.
pub fn visible(text: &str) -> String {
    spelled_out(text, |hidden| hidden != Hidden::Shaping)
}

/// A text for a window, with what would move its letters elsewhere spelled out: `·U+202E·`.
pub fn visible_in_window(text: &str) -> String {
    spelled_out(text, |hidden| !matches!(hidden, Hidden::Shaping | Hidden::Invisible))
}

fn spelled_out(text: &str, deceives: fn(Hidden) -> bool) -> String {
    let deceives = |c: char| Hidden::of(c).is_some_and(deceives);
    if !text.contains(deceives) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if deceives(c) {
            // A `String` takes everything.
            let _ = write!(shown, "·U+{:04X}·", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a character leaves its place empty: spaces and what hides.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || Hidden::of(c).is_some()
}

/// Whether a character can be seen by itself: it is not blank, and no mark that needs a letter to stand on.
pub(super) fn is_base(c: char) -> bool {
    c.is_ascii_graphic() || !(is_blank(c) || GeneralCategoryGroup::Mark.contains(category(c)))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint};

    use super::super::{AccountName, InvalidName, InvalidText, Text, Title};
    use super::*;

    /// Every character of Unicode with what it is.
    fn everything() -> impl Iterator<Item = (char, Option<Hidden>)> {
        (char::MIN..=char::MAX).map(|c| (c, Hidden::of(c)))
    }

    #[test]
    fn blanks_are_blank_and_what_shows_is_not() {
        for c in " \u{a0}\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{180e}\u{200b}\u{200d}\u{2028}\u{202e}\u{2800}\u{3000}\u{3164}\u{fe0f}\u{feff}\u{ffa0}\u{e0041}\u{1d159}\u{80}\u{9f}\u{fff9}\u{13430}"
            .chars()
        {
            assert!(is_blank(c) && !is_base(c), "U+{:04X}", u32::from(c));
        }
        for c in "a0-.王あ한ب×€👍⠁½\u{601}\u{6dd}".chars() {
            assert!(!is_blank(c) && is_base(c), "U+{:04X}", u32::from(c));
        }
        for c in "\u{301}\u{5b0}\u{3099}\u{20dd}".chars() {
            assert!(!is_base(c), "U+{:04X}: a mark needs a letter", u32::from(c));
        }
    }

    #[test]
    fn whatever_unicode_counts_among_the_unseen_hides_and_spaces_do_not() {
        let has = |c: char| {
            CodePointSetData::new::<BidiControl>().contains(c)
                || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
                || CodePointSetData::new::<VariationSelector>().contains(c)
                || matches!(category(c), GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator)
        };
        for (c, hidden) in everything().filter(|(c, _)| category(*c) != GeneralCategory::PrivateUse) {
            if matches!(c, '\n' | '\t') || category(c) == GeneralCategory::SpaceSeparator {
                assert_eq!(hidden, None, "U+{:04X}", u32::from(c));
            } else if has(c) {
                assert!(hidden.is_some(), "U+{:04X}", u32::from(c));
            }
            assert_eq!(is_blank(c), hidden.is_some() || c.is_whitespace(), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn the_unseen_are_told_apart_by_what_they_do() {
        for (hidden, chars) in [
            (Hidden::Control, "\u{0}\u{7}\u{1b}\u{7f}\u{9f}"),
            (Hidden::LineBreak, "\r\u{b}\u{c}\u{85}\u{2028}\u{2029}"),
            (Hidden::Direction, "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"),
            (Hidden::Shaping, "\u{200c}\u{200d}\u{180b}\u{fe00}\u{fe0f}\u{e0100}\u{e01ef}"),
            (
                Hidden::Invisible,
                "\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180e}\u{200b}\u{200e}\u{200f}\u{2060}\u{2065}\u{2800}\u{3164}\u{feff}",
            ),
            (Hidden::Invisible, "\u{ffa0}\u{fff9}\u{13430}\u{1d159}\u{e0001}\u{e0041}\u{e0fff}"),
        ] {
            for c in chars.chars() {
                assert_eq!(Hidden::of(c), Some(hidden), "U+{:04X}", u32::from(c));
            }
        }
        for c in "\n\t \u{a0}\u{3000}a王あ한👍⠁\u{301}\u{601}\u{e000}\u{378}\u{fffd}".chars() {
            assert_eq!(Hidden::of(c), None, "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn what_hides_is_given_in_no_name_and_is_spelled_out_wherever_it_is_shown() {
        for (c, hidden) in everything().filter_map(|(c, hidden)| Some((c, hidden?))) {
            let (text, spelled) = (format!("a{c}b"), format!("a·U+{:04X}·b", u32::from(c)));
            let of_letters = hidden == Hidden::Shaping;
            let in_place = matches!(hidden, Hidden::Shaping | Hidden::Invisible);
            assert_eq!(visible(&text), if of_letters { text.as_str() } else { &spelled }, "{spelled}");
            assert_eq!(visible_in_window(&text), if in_place { text.as_str() } else { &spelled }, "{spelled}");
            match hidden {
                Hidden::LineBreak => {
                    assert_eq!(AccountName::new(&text).unwrap().as_str(), "a b", "{spelled}");
                    assert_eq!(Text::new(text.as_str()).unwrap().as_str(), "a\nb", "{spelled}");
                    assert_eq!(Title::new(text).unwrap().as_str(), "a b", "{spelled}");
                }
                Hidden::Control => {
                    assert_eq!(AccountName::known(&text), Err(InvalidName::Character(c)), "{spelled}");
                    assert_eq!(Text::try_from(text), Err(InvalidText::Control(c)), "{spelled}");
                }
                Hidden::Direction | Hidden::Shaping | Hidden::Invisible => {
                    // Between Latin letters no joiner is in its place. Normal forms know some of the others only as something else.
                    assert!(AccountName::new(&text).is_err(), "{spelled}");
                    assert_eq!(Text::new(text.as_str()).unwrap().as_str(), text, "{spelled}");
                }
            }
        }
    }

    #[test]
    fn what_can_be_seen_and_what_parts_words_is_shown_as_it_is() {
        let shown: String = everything().filter(|(_, hidden)| hidden.is_none()).map(|(c, _)| c).collect();
        assert_eq!(visible(&shown), shown);
        assert_eq!(visible_in_window(&shown), shown);
        for text in ["👩\u{200d}🔬", "می\u{200c}خواهم", "❤\u{fe0f}", "ᠠ\u{180b}", "שלום, עולם", "one\n\ttwo"] {
            assert_eq!((visible(text), visible_in_window(text)), (text.to_owned(), text.to_owned()));
        }
    }
}
