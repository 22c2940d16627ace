//! Line breaks: whatever breaks a line elsewhere is one `\n` here.
//!
//! A text from Windows' clipboard has CR LF, one from a word processor or a spreadsheet a vertical tab, one from a mainframe NEL, and Unicode
//! has a line and a paragraph separator of its own. All of them are what the person sees: a line that ends.

use alloc::string::String;

/// Whether a character ends a line, by Unicode's rules for breaking lines (UAX 14: BK, CR, LF and NL).
pub const fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The text with `\n` in place of every other line break; CR LF is one. It is never longer than before.
pub fn with_plain_line_breaks(text: String) -> String {
    if !text.chars().any(|c| c != '\n' && is_line_break(c)) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' && chars.peek() == Some(&'\n') {
            continue;
        }
        plain.push(if is_line_break(c) { '\n' } else { c });
    }
    plain
}

/// The text as one line: line breaks around it are left out, and those within it, with the spaces beside them, are one space.
pub fn in_one_line(text: String) -> String {
    if !text.contains(is_line_break) {
        return text;
    }
    let mut line = String::with_capacity(text.len());
    for part in text.split(is_line_break).map(str::trim).filter(|part| !part.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(part);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_foreign_line_break_becomes_one() {
        for foreign in ["\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert_eq!(with_plain_line_breaks(["one", foreign, "two", foreign].concat()), "one\ntwo\n", "{foreign:?}");
            assert_eq!(in_one_line([foreign, "one ", foreign, foreign, "two", foreign].concat()), "one two", "{foreign:?}");
        }
    }

    #[test]
    fn empty_lines_stay_as_many_as_they_were() {
        assert_eq!(with_plain_line_breaks("a\r\n\r\nb\r\rc\n\rd".into()), "a\n\nb\n\nc\n\nd");
    }

    #[test]
    fn what_is_plain_already_is_left_alone() {
        assert_eq!(with_plain_line_breaks(" a\n\tb ".into()), " a\n\tb ");
        assert_eq!(in_one_line(" a  b ".into()), " a  b ");
    }
}
