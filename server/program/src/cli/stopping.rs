//! What would keep scheduled notices from being sent is not done before somebody has seen which.

use belfry_core::chat::{Answer, Refusal, Request, Scheduled};

use super::session::Session;
use super::{notice, question};
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
    if !question::can_be_asked() {
        return Err(Ending::usage(format_args!("{said} Confirm it with --yes.")));
    }
    question::ask(&format!("{said} Do it?"), "Nothing was changed.")?;
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
