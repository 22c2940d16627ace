//! Where passwords are read; [`config`](crate::config) has decided from where.

use belfry_core::net::InWords;
use std::io::{self, BufRead};

use belfry_core::chat::Password;
use belfry_core::limits::PASSWORD_BYTES_MAX;
use zeroize::Zeroizing;

use crate::config::PasswordSource;
use crate::ending::{Ending, Outcome};

/// The password of whoever signs in.
pub(crate) fn own(source: PasswordSource, account: &str) -> Outcome<Password> {
    match source {
        PasswordSource::Given(password) => Ok(password),
        PasswordSource::Stdin => from_line(&mut io::stdin().lock()),
        PasswordSource::Prompt => checked(ask(&format!("Password of {account}: "))?),
    }
}

/// The password of an account that is being made or changed: a person types it twice.
pub(crate) fn new(source: PasswordSource, account: &str) -> Outcome<Password> {
    match source {
        PasswordSource::Prompt => {
            let first = ask(&format!("New password of {account}: "))?;
            let second = ask("The same again: ")?;
            if *first == *second { checked(first) } else { Err(Ending::usage("The two passwords differ; nothing was changed.")) }
        }
        given => own(given, account),
    }
}

fn ask(prompt: &str) -> Outcome<Zeroizing<String>> {
    rpassword::prompt_password(prompt)
        .map(Zeroizing::new)
        .map_err(|error| Ending::usage(format_args!("No password could be read from the terminal: {}.", InWords(&error))))
}

/// The next line of the input, without its line break.
fn from_line(input: &mut impl BufRead) -> Outcome<Password> {
    // Longer than the longest password and its line break: what is cut off here is refused as too long below.
    let mut line = Zeroizing::new(String::with_capacity(PASSWORD_BYTES_MAX + 3));
    io::Read::take(input, PASSWORD_BYTES_MAX as u64 + 3)
        .read_line(&mut line)
        .map_err(|error| Ending::usage(format_args!("No password could be read from standard input: {}.", InWords(&error))))?;
    // What some shells put in front of what they pipe is nobody's password.
    let typed = line.strip_prefix('\u{feff}').unwrap_or(&line);
    let typed = typed.strip_suffix('\n').unwrap_or(typed);
    checked(Zeroizing::new(typed.strip_suffix('\r').unwrap_or(typed).to_owned()))
}

fn checked(typed: Zeroizing<String>) -> Outcome<Password> {
    if typed.is_empty() {
        return Err(Ending::usage("The password is empty."));
    }
    Password::new(typed.as_str())
        .map_err(|_| Ending::usage(format_args!("The password is too long: at most {PASSWORD_BYTES_MAX} bytes fit.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_read_a_line_each() {
        let mut input = "first\r\nsecond".as_bytes();
        assert_eq!(from_line(&mut input).unwrap().as_str(), "first");
        assert_eq!(from_line(&mut input).unwrap().as_str(), "second");
        assert_eq!(from_line(&mut input), Err(Ending::usage("The password is empty.")));
    }

    #[test]
    fn spaces_belong_to_a_password() {
        assert_eq!(from_line(&mut " a b \n".as_bytes()).unwrap().as_str(), " a b ");
    }

    #[test]
    fn the_longest_password_fits_and_a_longer_one_is_refused() {
        let longest = "x".repeat(PASSWORD_BYTES_MAX);
        assert_eq!(from_line(&mut format!("{longest}\r\n").as_bytes()).unwrap().as_str(), longest);
        assert!(from_line(&mut format!("{longest}y\n").as_bytes()).is_err());
    }
}
