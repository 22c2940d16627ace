//! Sentences for whoever types: safe for a terminal, short, and said on standard error.

use std::borrow::Cow;
use std::io::{self, Write as _};

pub(crate) use belfry_core::chat::visible;

/// One sentence on standard error. Nobody can be told when even that is closed.
pub(crate) fn complain(sentence: &str) {
    let _ = writeln!(io::stderr().lock(), "belfry: {}", visible(&bounded(sentence)));
}

/// Letters of one word of a sentence, such as a path, that are shown whole; of a longer one the two ends are.
const WORD_LETTERS_MAX: usize = 400;
/// See [`WORD_LETTERS_MAX`].
const WORD_ENDS: usize = 40;

/// The sentence without the middle of words that nobody would read to their end.
fn bounded(sentence: &str) -> Cow<'_, str> {
    let is_long = |word: &str| word.chars().nth(WORD_LETTERS_MAX).is_some();
    if !sentence.split(' ').any(is_long) {
        return Cow::Borrowed(sentence);
    }
    let short = |word: &str| {
        let letters: Vec<char> = word.chars().collect();
        let ends = (letters.first_chunk::<WORD_ENDS>(), letters.last_chunk::<WORD_ENDS>());
        match ends {
            (Some(first), Some(last)) if is_long(word) => format!("{}…{}", String::from_iter(first), String::from_iter(last)),
            _ => word.to_owned(),
        }
    };
    Cow::Owned(sentence.split(' ').map(short).collect::<Vec<_>>().join(" "))
}

/// Letters of a value that a sentence repeats: enough to know it again.
const QUOTED_LETTERS_MAX: usize = 40;

/// What somebody typed, within a sentence about it: short, on one line, and with everything that would mislead spelled out.
pub(crate) fn quoted(typed: &str) -> String {
    let mut letters = typed.chars();
    let start: String = letters.by_ref().take(QUOTED_LETTERS_MAX).collect();
    let more = if letters.next().is_some() { "…" } else { "" };
    format!("\"{}{more}\"", visible(&start).replace(['\n', '\t'], " "))
}

/// The text with every line but the first indented, so that nobody can write a line that looks like another person's.
pub(crate) fn indented(text: &str) -> String {
    visible(text).replace('\n', "\n    ")
}

/// That an argument has a value that it cannot have, as a sentence: `--limit cannot be "0": give a whole number of at least 1.`
pub(crate) fn cannot_be(argument: &str, value: &str, why: &str) -> String {
    format!("{argument} cannot be {}: {}", quoted(value), continued(why))
}

/// A sentence as it goes on behind a colon.
fn continued(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() && !second.is_ascii_digit() => first.to_lowercase().chain(letters).collect(),
        _ => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_nobody_reads_to_its_end_is_cut() {
        let path = format!("/tmp/{}/belfry.toml", "x".repeat(90_000));
        let said = bounded(&format!("The configuration {path} cannot be read.")).into_owned();
        assert!(
            said.starts_with("The configuration /tmp/xxx") && said.ends_with("x/belfry.toml cannot be read.") && said.len() < 200,
            "{said}"
        );
        let usual = format!("The configuration /srv/{} cannot be read.", "x".repeat(200));
        assert_eq!(bounded(&usual), usual);
    }

    #[test]
    fn marks_that_turn_or_hide_text_are_spelled_out() {
        assert_eq!(visible("a\u{202e}b\u{1b}[2J"), "a·U+202E·b·U+001B·[2J");
    }

    #[test]
    fn joiners_of_scripts_and_emoji_stay() {
        assert_eq!(visible("👩\u{200d}🔬"), "👩\u{200d}🔬");
    }
}
