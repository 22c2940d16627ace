//! What a person takes for one letter, and which way letters run.
//!
//! An emoji of several joined ones, a flag, a letter with its marks: each is one, and whoever shortens a text takes it whole.

use unicode_segmentation::UnicodeSegmentation as _;

/// So many characters make up one letter at most when a text is shortened: an emoji of a family has eleven. Somebody who heaps a thousand
/// marks on one letter does not get a longer line for it.
const CHARS_OF_A_LETTER_MAX: usize = 16;

/// The first letters of a text, as many as there are wanted; the whole of it where it has no more.
pub fn first(text: &str, letters: usize) -> &str {
    let most = text.char_indices().nth(letters.saturating_mul(CHARS_OF_A_LETTER_MAX)).map_or(text.len(), |(end, _)| end);
    let end = text.grapheme_indices(true).nth(letters).map_or(text.len(), |(end, _)| end);
    text.get(..end.min(most)).unwrap_or_default()
}

/// The last letters of a text, as many as there are wanted; the whole of it where it has no more.
pub fn last(text: &str, letters: usize) -> &str {
    let most = text.char_indices().rev().take(letters.saturating_mul(CHARS_OF_A_LETTER_MAX)).last().map_or(0, |(begin, _)| begin);
    let begin = text.grapheme_indices(true).rev().take(letters).last().map_or(text.len(), |(begin, _)| begin);
    text.get(begin.max(most)..).unwrap_or_default()
}

/// The letters that stand for somebody: of the first and of the last word of a name. Of a name that runs from the right the first alone: two of
/// its letters would join.
pub fn initials(name: &str) -> String {
    let begin = |word: &str| {
        let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
        first(if bare.is_empty() { word } else { bare }, 1).to_uppercase()
    };
    let mut words = name.split_whitespace();
    let one = words.next().map(begin).unwrap_or_default();
    let other = words.next_back().filter(|_| !runs_from_the_right(name)).map(begin).unwrap_or_default();
    one + &other
}

/// Which of so many colours stands for a name: always the same one, as evenly as names are many (FNV-1a).
pub fn tint(name: &str, colours: u32) -> u32 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % colours.max(1)
}

/// Whether some of a text runs from right to left, as Arabic and Hebrew do.
pub fn runs_from_the_right(text: &str) -> bool {
    // The blocks that Unicode keeps for scripts that run so, with their forms for presentation.
    text.chars().any(|c| {
        matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    })
}

/// Whether the font of a window has every letter of a text: whichever it is, it has Latin, Greek and Cyrillic ones.
pub fn in_one_font(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\0'..='\u{52f}' | '\u{1e00}'..='\u{206f}' | '\u{20a0}'..='\u{20cf}'))
}

/// The beginning of a text that is not in one font, with "…" where that is not all: about so much as stands in so many lines of this width,
/// in heights of a letter. What is in one font is left to those who can measure it.
pub fn beginning(text: &str, width: f32, lines: usize) -> String {
    if in_one_font(text) {
        return text.to_owned();
    }
    let (mut line, mut at, mut end) = (1, 0.0, 0);
    for (start, letter) in text.grapheme_indices(true) {
        // Han, kana, hangul and emoji are as wide as they are high; most others are half as wide.
        let wide = if letter.starts_with(|c| c >= '\u{1100}' && !matches!(c, '\u{1e00}'..='\u{206f}')) { 1.0 } else { 0.55 };
        at += wide;
        if letter == "\n" || letter == "\r\n" {
            (line, at) = (line + 1, 0.0);
        } else if at > width {
            (line, at) = (line + 1, wide);
        }
        if line > lines {
            return format!("{}…", text.get(..end).unwrap_or_default().trim_end());
        }
        if line < lines || at + 1.5 <= width {
            end = start + letter.len();
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: &str = "👨‍👩‍👧‍👦";

    #[test]
    fn a_joined_emoji_is_one_letter() {
        for letter in [FAMILY, "🇩🇪", "1️⃣", "👍🏿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "e\u{301}\u{323}", "क्षि"] {
            let text = format!("{letter}{letter}{letter}");
            assert_eq!(first(&text, 2), format!("{letter}{letter}"), "{letter}");
            assert_eq!(last(&text, 1), letter);
        }
    }

    #[test]
    fn a_short_text_is_whole() {
        assert_eq!((first("ab", 2), last("ab", 2)), ("ab", "ab"));
        assert_eq!((first("", 2), last("", 2), first("ab", 0), last("ab", 0)), ("", "", "", ""));
    }

    #[test]
    fn a_letter_with_a_thousand_marks_is_cut() {
        let heap = format!("z{}", "\u{301}".repeat(1000));
        assert_eq!(first(&heap, 2).chars().count(), 2 * CHARS_OF_A_LETTER_MAX);
        assert_eq!(last(&heap, 2).chars().count(), 2 * CHARS_OF_A_LETTER_MAX);
    }

    #[test]
    fn a_name_is_a_letter_or_two() {
        for (name, letters) in [
            ("anna berg", "AB"),
            ("Anna", "A"),
            ("Anna van der Berg", "AB"),
            ("王伟", "王"),
            ("نورة عبد", "ن"),
            ("(admin) -x-", "AX"),
            ("--- 👩🏽‍🚒", "-👩🏽‍🚒"),
            ("ß", "SS"),
            ("", ""),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }

    #[test]
    fn a_house_uses_all_colours_and_a_name_keeps_its_own() {
        let tints: std::collections::BTreeSet<u32> = (0..200).map(|number| tint(&format!("person {number}"), 12)).collect();
        assert_eq!(tints, (0..12).collect());
        assert_eq!((tint("anna", 12), tint("anna", 0)), (tint("anna", 12), 0));
    }

    #[test]
    fn what_one_font_has_is_whole_and_of_what_it_has_not_the_lines_that_have_room() {
        let latin = "Größe и λ — “ok” €".repeat(20);
        assert_eq!(beginning(&latin, 10.0, 1), latin);
        let han = "国".repeat(40);
        assert_eq!(beginning(&han, 10.0, 4), han);
        assert_eq!(beginning(&han, 10.0, 2), format!("{}…", "国".repeat(18)));
        assert_eq!(beginning("国\n国\n国", 10.0, 2), "国\n国…", "a line that is broken takes a whole one");
        let families = beginning(&FAMILY.repeat(40), 10.0, 1);
        assert_eq!(families, format!("{}…", FAMILY.repeat(8)), "no letter is cut in two");
        assert!(beginning(&han, 0.0, 2).chars().count() <= 3, "without room hardly anything");
    }

    #[test]
    fn arabic_and_hebrew_run_from_the_right() {
        assert!(["Anna: مرحبا", "שלום", "ߒߞߏ", "𞤀𞤣𞤤𞤢𞤥"].into_iter().all(runs_from_the_right));
        assert!(!["", "Anna", "王伟", "สมชาย", "अनिता", FAMILY].into_iter().any(runs_from_the_right));
    }
}
