//! What the operating system says, in words for whoever has to put it right.

use core::fmt;
use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::string::{String, ToString};

/// Shows an error of the operating system as the end of a sentence, without a stop: `the disk is full`. Never its number, nor the name
/// of the function that failed. What it does not know it shows in the system's own words.
#[derive(Debug)]
pub struct InWords<'a>(pub &'a io::Error);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words(self.0))
    }
}

fn words(error: &io::Error) -> Cow<'static, str> {
    Cow::Borrowed(match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder",
        ErrorKind::PermissionDenied => "this user may not do that",
        ErrorKind::AlreadyExists => "there is something of that name already",
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::QuotaExceeded => "this user has used up what they may have on the disk",
        ErrorKind::FileTooLarge => "the file would be larger than the disk or this user may have it",
        ErrorKind::ReadOnlyFilesystem => "the disk can only be read",
        ErrorKind::NotADirectory => "a part of that path is a file, not a folder",
        ErrorKind::IsADirectory => "that is a folder, not a file",
        ErrorKind::DirectoryNotEmpty => "the folder is not empty",
        ErrorKind::InvalidFilename => "the name is too long or has letters that no file may have",
        ErrorKind::InvalidData => "what stands there is no text in UTF-8",
        ErrorKind::CrossesDevices => "the two are on different disks",
        ErrorKind::ResourceBusy => "another program is using it",
        ErrorKind::BrokenPipe => "nobody reads it any more",
        ErrorKind::UnexpectedEof => "it ended too early",
        ErrorKind::AddrInUse => "another program is listening there",
        ErrorKind::AddrNotAvailable => "this computer has no such address",
        ErrorKind::ConnectionRefused => "nothing answers there",
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => "there is no way to it from this network",
        ErrorKind::NetworkDown => "this computer has no network",
        ErrorKind::TimedOut => "no answer came in time",
        ErrorKind::OutOfMemory => "this computer has no memory left",
        ErrorKind::Unsupported => "this system cannot do that",
        _ => return by_text(&error.to_string()),
    })
}

/// Errors that Rust has no stable kind for, by what the system's libraries write; the rest in those words.
fn by_text(text: &str) -> Cow<'static, str> {
    const KNOWN: [(&str, &str); 7] = [
        ("Temporary failure in name resolution", "the name servers of this network do not answer"),
        ("failed to lookup address information", "this network knows no host of that name"),
        ("Too many levels of symbolic links", "its links lead in a circle"),
        ("Too many open files", "this computer has too many files open"),
        ("Input/output error", "the disk does not work as it should"),
        ("No locks available", "this disk cannot lock files; use a local one"),
        ("Invalid argument", "the system does not take it"),
    ];
    match KNOWN.iter().find(|(written, _)| text.contains(written)) {
        Some((_, said)) => Cow::Borrowed(said),
        None => Cow::Owned(without_number(text)),
    }
}

/// `Something odd (os error 99)` without its number and its capital, to stand within a sentence.
fn without_number(text: &str) -> String {
    let text = text.split(" (os error ").next().unwrap_or(text).trim().trim_end_matches('.');
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn no_error_of_the_system_is_told_by_its_number() {
        for number in 1..=140 {
            let error = io::Error::from_raw_os_error(number);
            let said = format!("{}", InWords(&error));
            assert!(!said.contains("os error") && !said.ends_with('.') && !said.is_empty() && said.len() < 90, "{number}: {said}");
            assert!(
                said.chars().next().is_some_and(|first| first.is_lowercase() || !first.is_alphabetic()) || said.starts_with("RFS"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_a_person_can_put_right_is_said() {
        let by_number = [
            (2, "there is no such file or folder"),
            (12, "this computer has no memory left"),
            (13, "this user may not do that"),
            (16, "another program is using it"),
            (17, "there is something of that name already"),
            (18, "the two are on different disks"),
            (20, "a part of that path is a file, not a folder"),
            (21, "that is a folder, not a file"),
            (27, "the file would be larger than the disk or this user may have it"),
            (28, "the disk is full"),
            (30, "the disk can only be read"),
            (32, "nobody reads it any more"),
            (36, "the name is too long or has letters that no file may have"),
            (38, "this system cannot do that"),
            (39, "the folder is not empty"),
            (40, "its links lead in a circle"),
            (98, "another program is listening there"),
            (99, "this computer has no such address"),
            (100, "this computer has no network"),
            (101, "there is no way to it from this network"),
            (110, "no answer came in time"),
            (111, "nothing answers there"),
            (113, "there is no way to it from this network"),
            (122, "this user has used up what they may have on the disk"),
        ];
        for (number, said) in by_number {
            assert_eq!(format!("{}", InWords(&io::Error::from_raw_os_error(number))), said, "{number}");
        }
    }

    #[test]
    fn what_is_read_wrongly_is_said_as_well() {
        let read = |bytes: &[u8]| format!("{}", InWords(&io::read_to_string(bytes).unwrap_err()));
        assert_eq!(read(&[0xff]), "what stands there is no text in UTF-8");
        let cut = io::Read::read_exact(&mut &[1][..], &mut [0; 2]).unwrap_err();
        assert_eq!(format!("{}", InWords(&cut)), "it ended too early");
    }

    #[test]
    fn what_nobody_knows_is_said_in_the_systems_words_made_to_stand_within_a_sentence() {
        let said = |text: &str| format!("{}", InWords(&io::Error::other(text)));
        assert_eq!(said("Something odd (os error 99)"), "something odd");
        assert_eq!(said("RFS specific error (os error 5)"), "RFS specific error", "a name keeps its capitals");
        assert_eq!(said("It broke. "), "it broke");
    }

    #[test]
    fn a_host_that_nobody_knows_is_told_from_name_servers_that_are_silent() {
        let lookup = |text: &str| format!("{}", InWords(&io::Error::other(format!("failed to lookup address information: {text}"))));
        assert_eq!(lookup("Name or service not known"), "this network knows no host of that name");
        assert_eq!(lookup("Temporary failure in name resolution"), "the name servers of this network do not answer");
    }
}
