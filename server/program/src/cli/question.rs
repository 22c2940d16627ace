//! A question before something that cannot be taken back.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use belfry_core::net::InWords;

use crate::ending::{Ending, Outcome};

/// Whether somebody is there who can read a question and answer it; a script says `--yes` instead.
pub(super) fn can_be_asked() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on the terminal. Whoever does not say yes is told `otherwise`, and that is the end.
///
/// # Errors
/// No, nothing, or an answer that cannot be read.
pub(super) fn ask(question: &str, otherwise: &str) -> Outcome {
    // Nothing depends on this being read.
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut typed = String::new();
    io::stdin()
        .lock()
        .read_line(&mut typed)
        .map_err(|error| Ending::usage(format_args!("No answer could be read: {}.", InWords(&error))))?;
    match typed.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Ending::usage(otherwise)),
    }
}
