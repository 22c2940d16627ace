//! What a character is to the eye, by the properties that Unicode gives it.

use icu_properties::props::{CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, JoiningType};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;

use crate::limits::MARKS_PER_LETTER_MAX;

/// The zero width non-joiner and joiner: they show nothing, and the letters beside them look different for them.
pub(super) const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// What is drawn as nothing although Unicode counts it among the symbols: the braille pattern without a dot, and the musical note without a
/// head. No property tells them.
pub(super) const BLANK_SYMBOLS: [char; 2] = ['\u{2800}', '\u{1d159}'];

pub(super) fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

pub(super) fn combining_class(c: char) -> CanonicalCombiningClass {
    CodePointMapData::<CanonicalCombiningClass>::new().get(c)
}

/// Whether a character is one that shows nothing by itself, wherever it stands (Unicode's Default_Ignorable_Code_Point): joiners, fillers,
/// marks of direction, selectors of a variant.
pub fn is_ignorable(c: char) -> bool {
    !c.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether one letter of a text carries more than [`MARKS_PER_LETTER_MAX`] marks.
pub(super) fn has_too_many_marks(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let mut marks = 0;
    text.nfd().any(|c| {
        match category(c) {
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => marks += 1,
            // What shows nothing between two marks does not part them.
            _ if is_ignorable(c) => {}
            _ => marks = 0,
        }
        marks > MARKS_PER_LETTER_MAX
    })
}

/// Whether the joiner `c` between `before` and `after` is part of how a word is written, by the rules of RFC 5892, appendix A: behind a virama
/// (Sinhala, Hindi and their neighbours), and a non-joiner also between two letters that would join (Persian).
pub(super) fn is_joiner_in_place(before: &str, c: char, after: &str) -> bool {
    let Some(last) = before.chars().next_back() else { return false };
    if combining_class(last) == CanonicalCombiningClass::Virama {
        return true;
    }
    let joining = |c: char| CodePointMapData::<JoiningType>::new().get(c);
    let opaque = |c: &char| joining(*c) != JoiningType::Transparent || JOINERS.contains(c);
    let left = before.chars().rev().find(opaque).map(joining);
    let right = after.chars().find(opaque).map(joining);
    c == '\u{200c}'
        && matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn a_letter_carries_so_many_marks_and_no_more() {
        let with = |marks: usize| String::from("e") + &"\u{301}".repeat(marks);
        assert!(!has_too_many_marks(&with(MARKS_PER_LETTER_MAX)));
        assert!(has_too_many_marks(&with(MARKS_PER_LETTER_MAX + 1)));
        assert!(has_too_many_marks(&(String::from("é") + &"\u{301}".repeat(MARKS_PER_LETTER_MAX))), "the mark of a composed letter counts");
        assert!(has_too_many_marks(&(with(4) + "\u{200b}" + &"\u{301}".repeat(4))), "what shows nothing parts no marks");
        for written in [
            "Nguyễn Thị Ngọc",
            "שָׁלוֹם",
            "မြန်မာဘာသာ",
            "หนึ่งชั้น",
            "བསྒྲུབས",
            "\u{1f1e9}\u{1f1ea}👩\u{200d}👩\u{200d}👧\u{200d}👦",
            "5\u{fe0f}\u{20e3}",
        ] {
            assert!(!has_too_many_marks(written), "{written}");
            assert!(!has_too_many_marks(&written.repeat(10)), "{written}: as many as its letters need");
        }
    }

    #[test]
    fn joiners_belong_where_letters_need_them() {
        let in_place = |word: &str| {
            word.char_indices()
                .filter(|(_, c)| JOINERS.contains(c))
                .all(|(at, c)| is_joiner_in_place(&word[..at], c, &word[at + c.len_utf8()..]))
        };
        for word in ["می\u{200c}خواهم", "ශ\u{dca}\u{200d}රී", "क्\u{200d}ष", "न्\u{200c}न", "نامه\u{200c}ای"]
        {
            assert!(in_place(word), "{word:?}");
        }
        for word in [
            "bo\u{200c}b",
            "bo\u{200d}b",
            "bob\u{200c}",
            "\u{200c}bob",
            "می\u{200d}خواهم",
            "می\u{200c}",
            "王\u{200c}王",
            "می\u{200c}\u{200c}خ",
        ] {
            assert!(!in_place(word), "{word:?}");
        }
    }
}
