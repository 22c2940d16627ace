//! What can be typed for one argument: each kind of value is read here, and says in a sentence of its own what it wants.
//!
//! A sentence stands behind the name of the argument and what was typed: `--limit cannot be "0": give a whole number of at least 1.`

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use belfry_core::chat::{FileId, Label, Length, Role, Seq, Severity};
use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};

/// What a flag or its variable says; one that is empty says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given<T>(pub(crate) Option<T>);

impl<T: FromStr> FromStr for Given<T>
where
    T::Err: Display,
{
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let typed = typed.trim();
        if typed.is_empty() {
            Ok(Self(None))
        } else {
            typed.parse().map(|value| Self(Some(value))).map_err(|error: T::Err| error.to_string())
        }
    }
}

/// A file or a folder; one that is empty is not given.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// A whole number of at least 1. One that is larger than what it counts can be means as many as there are.
pub(crate) fn count(typed: &str) -> Result<u32, String> {
    number(typed)
        .map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        .filter(|&number| number > 0)
        .ok_or_else(|| AT_LEAST_ONE.to_owned())
}

/// The number of a notice or of a scheduled one.
pub(crate) fn id(typed: &str) -> Result<u64, String> {
    numbered(typed).ok_or_else(|| AT_LEAST_ONE.to_owned())
}

/// A message's number, as `send` prints it, or with a `#` before it, as `history --numbers` and the chat write it.
pub(crate) fn seq(typed: &str) -> Result<Seq, String> {
    numbered(typed)
        .map(Seq)
        .ok_or_else(|| "Give a message's number, a whole number of at least 1; history --numbers shows them.".to_owned())
}

/// A file's number, as `files list` prints it.
pub(crate) fn file(typed: &str) -> Result<FileId, String> {
    numbered(typed).map(FileId).ok_or_else(|| "Give a file's number, a whole number of at least 1; files list shows them.".to_owned())
}

/// A whole number within bounds.
pub(crate) fn between<T: TryFrom<u64>>(bounds: RangeInclusive<u64>) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |typed| {
        let number = number(typed).filter(|number| bounds.contains(number)).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("Give a whole number from {} to {}.", bounds.start(), bounds.end()))
    }
}

const AT_LEAST_ONE: &str = "Give a whole number of at least 1.";

fn numbered(typed: &str) -> Option<u64> {
    let typed = typed.trim();
    number(typed.strip_prefix('#').unwrap_or(typed)).filter(|&number| number > 0)
}

/// Digits and nothing else; more than fit are the largest number.
fn number(typed: &str) -> Option<u64> {
    let typed = typed.trim();
    let digits = !typed.is_empty() && typed.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| typed.parse().unwrap_or(u64::MAX))
}

/// How long to go without a connection: a length of time from a second to an hour; a number alone is seconds.
pub(crate) fn patience(typed: &str) -> Result<Duration, String> {
    let explain = || "Give a length of time from 1s to 1h, such as 30s.".to_owned();
    let length = match number(typed) {
        Some(seconds) => Duration::from_secs(seconds),
        None => typed.parse::<Length>().map_err(|_| explain())?.into(),
    };
    if (Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&length) { Ok(length) } else { Err(explain()) }
}

/// How much a notice insists: clap offers the words.
pub(crate) fn severity() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(Severity::ALL.map(Severity::as_str)).try_map(|word| word.parse::<Severity>())
}

/// What an account may do: clap offers the words.
pub(crate) fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|word| word.parse::<Role>())
}

/// One of the answers of a notice.
pub(crate) fn label(typed: &str) -> Result<Label, String> {
    Label::new(typed.trim()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patience_is_a_length_of_time_or_seconds() {
        for (typed, seconds) in [("30s", 30), ("1h", 3600), ("1m 30s", 90), ("10", 10)] {
            assert_eq!(patience(typed), Ok(Duration::from_secs(seconds)), "{typed}");
        }
        for wrong in ["", "0", "0s", "2h", "3601", "soon", "-1", "500ms"] {
            assert!(patience(wrong).unwrap_err().contains("from 1s to 1h"), "{wrong:?}");
        }
    }

    #[test]
    fn numbers_are_digits_and_more_than_fit_is_as_many_as_there_are() {
        assert_eq!((count("7"), count(" 50 "), count("99999999999")), (Ok(7), Ok(50), Ok(u32::MAX)));
        assert_eq!((id("7"), id("#7"), id("99999999999999999999999")), (Ok(7), Ok(7), Ok(u64::MAX)));
        assert_eq!(seq("#12"), Ok(Seq(12)));
        for wrong in ["", "0", "-1", "+1", "1.5", "x", "１", "##1", "0x10"] {
            assert!(count(wrong).is_err() && id(wrong).is_err() && seq(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(between::<u16>(1..=100)("100"), Ok(100));
        assert_eq!(between::<u16>(1..=100)("101"), Err("Give a whole number from 1 to 100.".to_owned()));
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        assert_eq!("  ".parse::<Given<u8>>(), Ok(Given(None)));
        assert_eq!(" 7 ".parse::<Given<u8>>(), Ok(Given(Some(7))));
    }
}
