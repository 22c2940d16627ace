//! `belfry room keep`: how long the messages of one room are kept.

use std::fmt::Write as _;
use std::time::Duration;

use belfry_core::chat::{Answer, Bound, Keep, KeepChange, Length, Refusal, Request, Room, RoomName};
use belfry_server::hub::spelled;

use crate::cli::question;
use crate::cli::session::{self, Session};
use crate::config::ConnectionArgs;
use crate::ending::{Ending, Outcome};
use crate::{output, sentence};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The room
    room: RoomName,
    /// Messages that are older go: a length of time such as 30d, "forever", or "default" for as on the whole server
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    age: Option<Bound>,
    /// Only the newest so many stay: a number, "all", or "default" for as on the whole server
    #[arg(long, value_name = "N", value_parser = parse_messages)]
    messages: Option<Bound>,
    /// Also when that deletes messages at once, or keeps them for less than a day
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// More than this cannot be stored.
const MESSAGES_MAX: u64 = i64::MAX as u64;

fn parse_age(typed: &str) -> Result<Bound, String> {
    match typed {
        "default" => Ok(Bound::AsOnServer),
        "forever" => Ok(Bound::Own(0)),
        _ => {
            let Length(age) = typed.parse().map_err(|error| format!("{error} Or write forever or default."))?;
            Ok(Bound::Own(age))
        }
    }
}

fn parse_messages(typed: &str) -> Result<Bound, String> {
    match typed {
        "default" => Ok(Bound::AsOnServer),
        "all" => Ok(Bound::Own(0)),
        _ => match typed.parse() {
            Ok(count @ 1..=MESSAGES_MAX) => Ok(Bound::Own(count)),
            Ok(1..) => Err(format!("A server counts to {MESSAGES_MAX}; give a smaller number, all or default.")),
            _ => Err("Give a whole number of at least 1, all or default.".to_owned()),
        },
    }
}

pub(super) fn run(args: Args) -> Outcome {
    session::with(&args.connection, |session| {
        let change = KeepChange { age_ms: args.age.unwrap_or_default(), messages: args.messages.unwrap_or_default() };
        let request = |number, confirmed| Request::KeepRoom { room: args.room.clone(), number, change, confirmed };
        if change == KeepChange::default() {
            // Who is no administrator sees what the list of rooms tells them.
            let kept = match session.ask_or(request(None, false), Refusal::AdminOnly)? {
                Some(Answer::Kept(keep)) => keep,
                Some(_) => return Err(Ending::unexpected()),
                None => find(session, &args.room)?.keep,
            };
            return output::line(line(kept));
        }
        match session.ask(request(None, args.yes))? {
            Answer::Done => Ok(()),
            Answer::WouldDelete { room, messages, of } => {
                confirm(&warning(&args.room, change, messages, of))?;
                // The name may be another room's by now.
                session.ask_done(request(Some(room), true))
            }
            _ => Err(Ending::unexpected()),
        }
    })
}

/// Asks on a terminal; a script says `--yes`.
fn confirm(warning: &str) -> Outcome {
    if !question::can_be_asked() {
        return Err(Ending::usage(format_args!("{warning} Nothing was changed; confirm it with --yes.")));
    }
    question::ask(&format!("{warning} Go on?"), "Nothing was changed.")
}

/// What it means, and what was read.
fn warning(room: &RoomName, change: KeepChange, messages: u64, of: u64) -> String {
    let mut said = match change.age_ms {
        Bound::Unchanged | Bound::AsOnServer | Bound::Own(0) => String::new(),
        Bound::Own(age) => format!("The age is {}. ", spelled(Duration::from_millis(age))),
    };
    let _ = write!(
        said,
        "This deletes {messages} of the {of} messages in {} at once, and they cannot be had back.",
        sentence::visible(room.as_str())
    );
    if matches!(change.age_ms, Bound::Own(age) if age > 0 && age < belfry_server::limits::KEPT_UNASKED_MIN.as_millis() as u64) {
        said.push_str(" Months are written as days, such as 900d.");
    }
    said
}

/// The room as the list has it.
fn find(session: &mut Session, wanted: &RoomName) -> Outcome<Room> {
    let mut pages = session.pages(super::following);
    while let Some(rooms) = pages.next()? {
        if let Some(room) = rooms.into_iter().find(|room| room.name.key() == wanted.key()) {
            return Ok(room);
        }
    }
    Err(Ending::from(Refusal::UnknownRoom))
}

/// An age as it is typed.
pub(super) fn age(millis: u64) -> String {
    if millis == 0 { "forever".to_owned() } else { Length(millis).to_string() }
}

/// `age 30d, messages default`.
fn line(keep: Keep) -> String {
    let messages = match keep.messages {
        None => "default".to_owned(),
        Some(0) => "all".to_owned(),
        Some(count) => count.to_string(),
    };
    format!("age {}, messages {messages}", keep.age_ms.map_or_else(|| "default".to_owned(), age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_shown() {
        for (typed, shown) in [("30d", "30d"), ("forever", "forever"), ("default", "default"), ("1h 30m", "1h 30m")] {
            let keep = Keep { age_ms: parse_age(typed).unwrap().after(None), messages: None };
            assert_eq!(line(keep), format!("age {shown}, messages default"));
        }
        for typed in ["500", "all", "default"] {
            let keep = Keep { age_ms: None, messages: parse_messages(typed).unwrap().after(None) };
            assert_eq!(line(keep), format!("age default, messages {typed}"));
        }
    }

    #[test]
    fn what_goes_is_said_with_what_was_read() {
        let lobby = RoomName::lobby();
        let minutes = KeepChange { age_ms: parse_age("30m").unwrap(), messages: Bound::Unchanged };
        let said = warning(&lobby, minutes, 412, 900);
        assert!(
            said.starts_with("The age is 30 minutes. This deletes 412 of the 900 messages in lobby at once") && said.contains("900d"),
            "{said}"
        );
        let newest = warning(&lobby, KeepChange { age_ms: Bound::Unchanged, messages: Bound::Own(5) }, 4, 9);
        assert_eq!(newest, "This deletes 4 of the 9 messages in lobby at once, and they cannot be had back.");
    }

    #[test]
    fn what_makes_no_sense_is_explained() {
        for typed in ["", "soon", "0s", "-1d"] {
            assert!(parse_age(typed).unwrap_err().contains("forever"), "{typed}");
        }
        for typed in ["", "0", "-3", "many"] {
            assert!(parse_messages(typed).unwrap_err().contains("at least 1"), "{typed}");
        }
        assert_eq!(parse_messages("9223372036854775807"), Ok(Bound::Own(MESSAGES_MAX)));
        for typed in ["9223372036854775808", "18446744073709551615"] {
            assert!(parse_messages(typed).unwrap_err().contains("a smaller number"), "{typed}");
        }
    }
}
