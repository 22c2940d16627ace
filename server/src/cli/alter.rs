//! `belfry edit`, `delete` and `originals`: what becomes of messages after they were sent.

use belfry_core::chat::{AccountName, Answer, Original, Parties, Request, RoomName, Seq, Text};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Ending, Outcome, output, session, unexpected, user};
use crate::config::{ConnectionArgs, PlaceArgs};

#[derive(clap::Args, Debug)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// The message's number, as send and history print it
    seq: u64,
    /// What it says from now on; put -- before a text that begins with a dash
    text: String,
}

#[derive(clap::Args, Debug)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// The message's number, as send and history print it
    seq: u64,
}

#[derive(clap::Args, Debug)]
#[group(id = "parties", required = true, multiple = false, args = ["room", "between"])]
pub(crate) struct OriginalsArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// A room
    #[arg(long)]
    room: Option<RoomName>,
    /// The direct conversation of two people
    #[arg(long, num_args = 2, value_names = ["USER", "USER"])]
    between: Option<Vec<AccountName>>,
    /// The message's number
    seq: u64,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn edit(args: EditArgs) -> Outcome {
    let text = Text::new(args.text).map_err(Ending::usage)?;
    let place = args.place.place();
    session::with(&args.connection, |session| user::done(session, Request::Edit { place, seq: Seq(args.seq), text }))
}

pub(crate) fn delete(args: DeleteArgs) -> Outcome {
    let place = args.place.place();
    session::with(&args.connection, |session| user::done(session, Request::Delete { place, seq: Seq(args.seq) }))
}

pub(crate) fn originals(args: OriginalsArgs) -> Outcome {
    let of = match (args.room, args.between.as_deref()) {
        (Some(room), _) => Parties::Room(room),
        (None, Some([one, other])) => Parties::Direct(one.clone(), other.clone()),
        _ => return Err(Ending::usage("Name a room, or two people.")),
    };
    session::with(&args.connection, |session| {
        let zone = TimeZone::system();
        let mut after = 0;
        loop {
            let request = Request::Originals { of: of.clone(), seq: Seq(args.seq), after };
            let Answer::Originals { originals, more } = session.ask(request)? else {
                return Err(unexpected());
            };
            for original in &originals {
                if args.json { output::json(&object(original))? } else { output::line(line(original, &zone))? }
            }
            after += u32::try_from(originals.len()).unwrap_or(u32::MAX);
            if !more || originals.is_empty() {
                return Ok(());
            }
        }
    })
}

#[derive(Serialize)]
struct OriginalObject<'a> {
    from: &'a str,
    text: &'a str,
    until: String,
}

fn object(original: &Original) -> OriginalObject<'_> {
    OriginalObject { from: original.from.as_str(), text: original.text.as_str(), until: output::rfc3339(original.until) }
}

/// `until 2026-11-21 10:02 alice: text`.
fn line(original: &Original, zone: &TimeZone) -> String {
    let (until, from) = (output::minute(original.until, zone), output::visible(original.from.as_str()));
    format!("until {until} {from}: {}", output::indented(original.text.as_str()))
}

#[cfg(test)]
mod tests {
    use belfry_core::time::UnixMillis;

    use super::*;

    #[test]
    fn what_stood_there_is_shown_with_the_time_it_stood_until() {
        let original = Original { from: AccountName::new("alice").unwrap(), text: Text::new("rude\nwords").unwrap(), until: UnixMillis(0) };
        assert_eq!(line(&original, &TimeZone::UTC), "until 1970-01-01 00:00 alice: rude\n    words");
        assert_eq!(
            output::json_text(&object(&original)).unwrap(),
            r#"{"from":"alice","text":"rude\nwords","until":"1970-01-01T00:00:00.000Z"}"#
        );
    }
}
