//! A text on the command line: what was typed, or `-` for what stands on standard input.

use std::io::{self, Read};
use std::str::FromStr;

use belfry_core::chat::{InvalidText, Text, is_line_break};
use belfry_core::limits::TEXT_BYTES_MAX;
use belfry_core::net::InWords;
use belfry_core::text_file;

use crate::ending::{Ending, Outcome};

/// What stands for a text that is on standard input.
const INPUT: &str = "-";

/// A text that was typed, or where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TypedText {
    /// This one.
    Here(Text),
    /// Everything on standard input.
    Input,
}

impl FromStr for TypedText {
    type Err = InvalidText;

    fn from_str(typed: &str) -> Result<Self, InvalidText> {
        if typed == INPUT { Ok(Self::Input) } else { Text::new(typed).map(Self::Here) }
    }
}

impl TypedText {
    /// The text.
    ///
    /// # Errors
    /// Wrong usage when what stands on standard input cannot be a text; refused when it cannot be read.
    pub(super) fn read(self) -> Outcome<Text> {
        match self {
            Self::Here(text) => Ok(text),
            Self::Input => from_input(&mut io::stdin().lock()),
        }
    }
}

/// Everything up to the end, without the line breaks there, which whatever printed it has added.
fn from_input(input: &mut impl Read) -> Outcome<Text> {
    let mut bytes = Vec::new();
    // A text that is too long need not be read to its end; line breaks behind the longest one are let off.
    let read = input.take(TEXT_BYTES_MAX as u64 + 64).read_to_end(&mut bytes);
    read.map_err(|error| Ending::refused(format_args!("Standard input cannot be read: {}.", InWords(&error))))?;
    let wrong = |why: String| Ending::usage(format_args!("The text on standard input cannot be sent. {why}"));
    let text = if bytes.len() > TEXT_BYTES_MAX + 2 {
        // Cut off, perhaps within a letter: its length is what is wrong with it.
        "x".repeat(bytes.len())
    } else {
        text_file::read(&bytes).map_err(|why| wrong(format!("It {why}.")))?
    };
    Text::new(text.trim_end_matches(is_line_break)).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ending::Exit;

    #[test]
    fn a_dash_is_standard_input_and_everything_else_is_said() {
        assert_eq!("-".parse(), Ok(TypedText::Input));
        assert_eq!("- one".parse(), Ok(TypedText::Here(Text::new("- one").unwrap())));
        assert_eq!("".parse::<TypedText>(), Err(InvalidText::Empty));
    }

    #[test]
    fn what_stands_on_standard_input_is_one_text_without_its_last_line_breaks() {
        assert_eq!(from_input(&mut &b"one\n  two\n\n"[..]).unwrap().as_str(), "one\n  two");
        assert_eq!(from_input(&mut &b"\xef\xbb\xbfone\r\ntwo\r\n\r\n"[..]).unwrap().as_str(), "one\ntwo");
        assert_eq!(from_input(&mut &b"-\n"[..]).unwrap().as_str(), "-");
        let longest = [vec![b'x'; TEXT_BYTES_MAX], b"\n".to_vec()].concat();
        assert_eq!(from_input(&mut longest.as_slice()).unwrap().as_str().len(), TEXT_BYTES_MAX);
    }

    #[test]
    fn what_cannot_be_a_text_is_wrong_usage_and_says_where_it_stood() {
        for (bytes, why) in [(vec![], "empty"), (vec![0xff], "UTF-8"), (vec![b'x'; 5 * TEXT_BYTES_MAX], "too long"), (vec![7], "U+0007")] {
            let ending = from_input(&mut bytes.as_slice()).unwrap_err();
            let sentence = ending.sentence.unwrap();
            assert_eq!(ending.exit, Exit::Usage);
            assert!(sentence.starts_with("The text on standard input") && sentence.contains(why), "{sentence}");
        }
    }
}
