//! The one form in which texts are compared when somebody looks for something.
//!
//! What is stored in the server's index, what is read from the newest messages and what is asked for go through it, and so do the lists of the
//! tray: there is no second opinion on what is the same. `docs/decisions/0021-one-fold.md` says what is and why.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use icu_casemap::CaseMapper;
use icu_properties::CodePointMapData;
use icu_properties::props::{CanonicalCombiningClass, Script};
use unicode_normalization::UnicodeNormalization;

use super::characters::{combining_class, is_ignorable};

/// The text without regard to case, width and form, without marks that only say how a letter is spoken, and without what shows nothing:
/// NFKC after full case folding. White space is one space. What is folded stays as it is when it is folded again.
///
/// It may be longer than the text (`ß` is `ss`, and one Arabic character is eighteen), and empty where the text is of marks only.
pub fn fold(text: &str) -> String {
    let folded: String = if text.is_ascii() {
        text.chars().map(|c| c.to_ascii_lowercase()).collect()
    } else {
        // Marks go first: a capital I with its dot would keep it.
        let bare: String = without_marks(text.nfkd()).collect();
        let small = CaseMapper::new().fold_string(&bare);
        // Folding takes some letters apart again.
        without_marks(small.nfkd()).map(with_dot).nfc().collect()
    };
    with_single_spaces(folded)
}

/// Where in a text something stands that is looked for, in bytes; nothing where only the two as wholes are alike.
pub fn find_folded(text: &str, sought: &str) -> Option<Range<usize>> {
    let wanted = fold(sought);
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return None;
    }
    // What each letter with its marks has become, and where it stood.
    let (mut folded, mut places) = (String::new(), Vec::new());
    let mut letters = text.char_indices().peekable();
    while let Some((begin, _)) = letters.next() {
        while letters.next_if(|&(_, c)| belongs_to_the_letter_before(c)).is_some() {}
        let end = letters.peek().map_or(text.len(), |&(at, _)| at);
        let letter = fold(text.get(begin..end).unwrap_or_default());
        places.push((folded.len(), begin));
        if letter != " " || !folded.ends_with(' ') {
            folded.push_str(&letter);
        }
    }
    let found = folded.find(wanted)?;
    let begin = places.iter().rev().find(|&&(at, _)| at <= found).map_or(0, |&(_, place)| place);
    let end = places.iter().find(|&&(at, _)| at >= found + wanted.len()).map_or(text.len(), |&(_, place)| place);
    Some(begin..end)
}

/// Marks, what shows nothing, and the later parts of a Hangul syllable.
fn belongs_to_the_letter_before(c: char) -> bool {
    !c.is_ascii()
        && (matches!(c, '\u{1160}'..='\u{11ff}') || is_ignorable(c) || combining_class(c) != CanonicalCombiningClass::NotReordered)
}

/// The letters of a text in NFKD, and the marks that make another letter of the one that they stand on.
fn without_marks(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let mut base = None;
    text.filter(move |&c| {
        if c.is_ascii() {
            base = Some(c);
            return true;
        }
        if is_ignorable(c) {
            return false;
        }
        let class = combining_class(c);
        if class == CanonicalCombiningClass::NotReordered {
            base = Some(c);
            return true;
        }
        !says_how_it_is_spoken(class) || base.is_some_and(|base| is_another_letter(base, c))
    })
}

/// The points of Hebrew, Arabic and Syriac (10 to 36) and the marks that stand above, below and beside letters of any script (200 to 234). What
/// has a class of its own (nuktas, voicing marks, viramas, vowels and tones of South and South East Asia) and what is laid over a letter
/// makes another one.
fn says_how_it_is_spoken(class: CanonicalCombiningClass) -> bool {
    matches!(class.0, 10..=36 | 200..=234)
}

/// In Cyrillic a letter with a mark is one of its own (й is no и), but for ё, which is written е as often, and for accents.
fn is_another_letter(base: char, mark: char) -> bool {
    CodePointMapData::<Script>::new().get(base) == Script::Cyrillic
        && !matches!((base, mark), ('е' | 'Е', '\u{308}') | (_, '\u{300}'))
        && unicode_normalization::char::compose(base, mark).is_some()
}

/// The Turkish i without a dot is an i without its mark.
const fn with_dot(c: char) -> char {
    if c == 'ı' { 'i' } else { c }
}

fn with_single_spaces(text: String) -> String {
    let is_plain = |text: &str| !text.contains("  ") && text.chars().all(|c| c == ' ' || !c.is_whitespace());
    if is_plain(&text) {
        return text;
    }
    let mut spaced = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_whitespace() {
            true if spaced.ends_with(' ') => {}
            true => spaced.push(' '),
            false => spaced.push(c),
        }
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(one: &str, other: &str) {
        assert_eq!(fold(one), fold(other), "{one} {other}");
    }

    #[track_caller]
    fn different(one: &str, other: &str) {
        assert_ne!(fold(one), fold(other), "{one} {other}");
    }

    #[test]
    fn case_width_and_form_are_all_one() {
        same("ΟΔΟΣ", "οδος");
        same("ΟΔΌΣ", "οδός");
        same("ὈΔΥΣΣΕΎΣ", "οδυσσευσ");
        same("fe\u{301}", "fé");
        same("ＡＢＣ１２３", "abc123");
        same("ﬁne", "FINE");
        same("STRASSE", "Straße");
        same("ẞ", "ss");
        same("İstanbul", "istanbul");
        same("ISPARTA", "ısparta");
        same("ᾳ", "ΑΙ");
        same("ſ", "S");
        same("가", "\u{1100}\u{1161}");
        same("㎏", "kg");
        same("Ꭰ", "ꭰ");
    }

    #[test]
    fn marks_that_say_how_a_letter_is_spoken_are_all_one() {
        same("Nguyễn", "nguyen");
        same("Köln", "koln");
        same("Ёлка", "елка");
        same("за\u{301}мок", "замок");
        same("שָׁלוֹם", "שלום");
        same("مُحَمَّد", "محمد");
        same("أحمد", "احمد");
    }

    #[test]
    fn marks_that_make_another_letter_stay() {
        different("мой", "мои");
        same("мой", "мои\u{306}");
        different("ї", "і");
        different("が", "か");
        same("が", "か\u{3099}");
        same("ｶﾞ", "ガ");
        same("ﾊﾟ", "パ");
        different("क", "क\u{93c}");
        different("กา", "กำ");
        different("ที่", "ที");
    }

    #[test]
    fn what_is_looked_for_is_pointed_at_as_it_was_written() {
        for (text, sought, expected) in [
            ("Die Straße hinab", "STRASSE", Some("Straße")),
            ("an Nguyễn Thị", "nguyen", Some("Nguyễn")),
            ("un cafe\u{301} fe\u{301}", "FÉ f", Some("fe\u{301} f")),
            ("η ΟΔΟΣ", "οδος", Some("ΟΔΟΣ")),
            ("one \n  two", "one two", Some("one \n  two")),
            ("か\u{3099}き", "が", Some("か\u{3099}")),
            ("か\u{3099}き", "か", None),
            ("ｶﾀｶﾅ", "タカ", Some("ﾀｶ")),
            ("\u{1112}\u{1161}\u{11ab}국", "한국", Some("\u{1112}\u{1161}\u{11ab}국")),
            ("abc", "\u{301}", None),
            ("", "x", None),
        ] {
            assert_eq!(find_folded(text, sought).map(|range| &text[range]), expected, "{sought} in {text}");
        }
    }

    #[test]
    fn what_shows_nothing_and_kinds_of_spaces_are_all_one() {
        same("pass\u{ad}word", "password");
        same("می\u{200c}خواهم", "میخواهم");
        same("❤\u{fe0f}", "❤");
        same("one\u{a0}two\n three", "one two three");
        same("one  two", "one two");
        assert_eq!(fold("\u{301}\u{200d}"), "");
    }
}
