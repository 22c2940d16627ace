//! A line of a message, for where there is no room for all of it.

use alloc::string::String;

use unicode_segmentation::UnicodeSegmentation;

use super::{Excerpt, Text};
use crate::limits::EXCERPT_BYTES_MAX;

/// Stands where a line goes on.
const GOES_ON: &str = "…";

impl Excerpt {
    /// The first line of a text that shows something. One that is too long is cut between two letters as people count them, and what nothing
    /// can be seen of is an ellipsis.
    pub fn of(text: &str) -> Self {
        let line = text.lines().map(str::trim).find(|line| Text::new(*line).is_ok()).unwrap_or(GOES_ON);
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if line.len() <= EXCERPT_BYTES_MAX {
            return Self::known(line);
        }
        let mut cut = String::new();
        for letter in line.graphemes(true) {
            if cut.len() + letter.len() + GOES_ON.len() > EXCERPT_BYTES_MAX {
                break;
            }
            cut.push_str(letter);
        }
        Self::known(cut + GOES_ON)
    }

    /// What was made here is such a line.
    fn known(line: String) -> Self {
        Self::try_from(line).unwrap_or_else(|_| Self::goes_on())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[track_caller]
    fn check(text: &str, line: &str) {
        assert_eq!(Excerpt::of(text).as_str(), line, "{text:?}");
    }

    #[test]
    fn an_excerpt_is_the_first_line_that_shows_something() {
        check("hello", "hello");
        check("hello\nthere", "hello");
        check("\n  \n\u{200b}\n\tsee\tyou ", "see you");
        check("\u{2800}\n\n", "…");
    }

    #[test]
    fn a_long_line_is_cut_between_letters_also_where_one_is_made_of_many_characters() {
        let family = "👩\u{200d}👩\u{200d}👧\u{200d}👦";
        let many = family.repeat(20);
        let expected = format!("{}…", family.repeat((EXCERPT_BYTES_MAX - 3) / family.len()));
        check(&many, &expected);
        check(&"x".repeat(EXCERPT_BYTES_MAX), &"x".repeat(EXCERPT_BYTES_MAX));
        check(&"x".repeat(EXCERPT_BYTES_MAX + 1), &format!("{}…", "x".repeat(EXCERPT_BYTES_MAX - 3)));
    }
}
