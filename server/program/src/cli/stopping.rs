//! What would keep scheduled notices from being sent is not done before somebody has seen which.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use belfry_core::chat::{Answer, Refusal, Request, Scheduled};
use belfry_core::net::InWords;

use super::notice;
use super::session::Session;
use crate::ending::{Ending, Outcome};
use crate::sentence;

/// Asks for something that the server does only when it is confirmed, if scheduled notices could then not be sent any more: `request` is
/// told whether it is. `concerns` finds those notices; who may not read the list is told that there are some.
pub(super) fn ask(session: &mut Session, yes: bool, request: impl Fn(bool) -> Request, concerns: impl Fn(&Scheduled) -> bool) -> Outcome {
    match session.ask_or(request(yes), Refusal::StopsSchedules)? {
        Some(Answer::Done) => return Ok(()),
        Some(_) => return Err(Ending::unexpected()),
        None => {}
    }
    let planned = notice::planned(session).unwrap_or_default();
    let stopped: Vec<_> = planned.iter().filter(|scheduled| concerns(scheduled)).collect();
    let said = words(&stopped);
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Ending::usage(format_args!("{said} Confirm it with --yes.")));
    }
    // Nothing depends on these being read.
    let _ = write!(io::stderr(), "{said} Do it? [y/N] ");
    let mut typed = String::new();
    io::stdin()
        .lock()
        .read_line(&mut typed)
        .map_err(|error| Ending::usage(format_args!("No answer could be read: {}.", InWords(&error))))?;
    if !matches!(typed.trim().to_lowercase().as_str(), "y" | "yes") {
        return Err(Ending::usage("Nothing was changed."));
    }
    session.ask_done(request(true))
}

/// `This stops 2 scheduled notices: 3 (Fire drill), 5 (Tea).`
fn words(stopped: &[&Scheduled]) -> String {
    const SHOWN: usize = 5;
    if stopped.is_empty() {
        return "Scheduled notices would not be sent any more.".to_owned();
    }
    let shown: Vec<_> =
        stopped.iter().take(SHOWN).map(|one| format!("{} ({})", one.id.0, sentence::visible(notice::heading(one)))).collect();
    let more = stopped.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let notices = if stopped.len() == 1 { "1 scheduled notice".to_owned() } else { format!("{} scheduled notices", stopped.len()) };
    format!("This stops {notices}: {}{more}.", shown.join(", "))
}
