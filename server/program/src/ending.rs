//! How a command ends: an exit code of the contract and, unless all went well, one sentence for standard error.

use belfry_core::disk::FileTrouble;
use belfry_core::net::InWords;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use belfry_core::chat::Refusal;

use crate::sentence;

/// The exit codes that scripts depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It is done.
    Done = 0,
    /// The server, or this computer, refused.
    Refused = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Time ran out, or the server cannot be reached.
    Unreachable = 3,
    /// The server's identity is not the pinned one.
    Identity = 4,
}

/// Why a command ends before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What is said on standard error; `None` when everything has been said or nothing is to be said.
    pub(crate) sentence: Option<String>,
}

/// What a command or a part of it comes to.
pub(crate) type Outcome<T = ()> = Result<T, Ending>;

impl Ending {
    /// The server or this computer said no.
    pub(crate) fn refused(sentence: impl Display) -> Self {
        Self { exit: Exit::Refused, sentence: Some(sentence.to_string()) }
    }

    /// The person who typed can put it right.
    pub(crate) fn usage(sentence: impl Display) -> Self {
        Self { exit: Exit::Usage, sentence: Some(sentence.to_string()) }
    }

    /// The server is not there, or not in time.
    pub(crate) fn unreachable(sentence: impl Display) -> Self {
        Self { exit: Exit::Unreachable, sentence: Some(sentence.to_string()) }
    }

    /// The server is not who it should be.
    pub(crate) fn identity(sentence: impl Display) -> Self {
        Self { exit: Exit::Identity, sentence: Some(sentence.to_string()) }
    }

    /// The server answered something else than what was asked for.
    pub(crate) fn unexpected() -> Self {
        Refusal::BadRequest.into()
    }

    /// Everything has been said.
    pub(crate) const fn quiet(exit: Exit) -> Self {
        Self { exit, sentence: None }
    }

    /// Standard output could not be written. A reader that has seen enough (`belfry history | head`) is no failure.
    pub(crate) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::quiet(Exit::Done)
        } else {
            Self::refused(format_args!("Standard output cannot be written: {}.", InWords(&error)))
        }
    }

    /// Where it was refused, the sentence with the file in front that it is about: there may be several.
    pub(crate) fn of_file(self, path: &Path) -> Self {
        match self.sentence {
            Some(sentence) if self.exit == Exit::Refused => Self::refused(format_args!("{}: {sentence}", path.display())),
            sentence => Self { sentence, ..self },
        }
    }

    /// Says the sentence on standard error and turns into what `main` returns.
    pub(crate) fn report(self) -> ExitCode {
        if let Some(sentence) = &self.sentence {
            sentence::complain(sentence);
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<Refusal> for Ending {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal)
    }
}

impl From<FileTrouble> for Ending {
    fn from(trouble: FileTrouble) -> Self {
        match trouble {
            FileTrouble::Folder(_) | FileTrouble::NoFile(_) => Self::usage(trouble),
            _ => Self::refused(trouble),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        assert_eq!(Ending::output(io::ErrorKind::BrokenPipe.into()), Ending::quiet(Exit::Done));
    }

    #[test]
    fn a_full_disk_behind_standard_output_is_a_failure() {
        assert_eq!(Ending::output(io::ErrorKind::StorageFull.into()).exit, Exit::Refused);
    }

    #[test]
    fn a_refusal_exits_1_in_its_own_words() {
        assert_eq!(Ending::from(Refusal::UnknownRoom), Ending::refused("There is no room of that name."));
    }

    #[test]
    fn the_exit_codes_are_those_of_the_contract() {
        let codes = [Exit::Done, Exit::Refused, Exit::Usage, Exit::Unreachable, Exit::Identity].map(|exit| exit as u8);
        assert_eq!(codes, [0, 1, 2, 3, 4]);
    }
}
