//! `belfry edit`, `delete` and `originals`: what becomes of messages after they were sent.

use belfry_core::chat::{AccountName, Original, Parties, Request, RoomName, Seq};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::text::TypedText;
use super::{session, zone};
use crate::config::{self, ConnectionArgs, PlaceArgs};
use crate::ending::{Ending, Outcome};
use crate::{output, sentence};

#[derive(clap::Args, Debug)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// The message's number, as send and history --numbers print it
    #[arg(value_parser = config::seq, allow_negative_numbers = true)]
    seq: Seq,
    /// What it says from now on, or - for what stands on standard input; put -- before a text that begins with a dash
    text: TypedText,
}

#[derive(clap::Args, Debug)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// The message's number, as send and history --numbers print it
    #[arg(value_parser = config::seq, allow_negative_numbers = true)]
    seq: Seq,
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
    #[arg(long, num_args = 2, value_names = ["USER", "USER"], allow_hyphen_values = true)]
    between: Option<Vec<AccountName>>,
    /// The message's number
    #[arg(value_parser = config::seq, allow_negative_numbers = true)]
    seq: Seq,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn edit(args: EditArgs) -> Outcome {
    let place = args.place.place();
    session::with_input(
        &args.connection,
        || args.text.read(),
        |session, text| session.ask_done(Request::Edit { place, room: None, seq: args.seq, text }),
    )
}

pub(crate) fn delete(args: DeleteArgs) -> Outcome {
    let place = args.place.place();
    session::with(&args.connection, |session| session.ask_done(Request::Delete { place, room: None, seq: args.seq }))
}

pub(crate) fn originals(args: OriginalsArgs) -> Outcome {
    let of = match (args.room, args.between.as_deref()) {
        (Some(room), _) => Parties::Room(room),
        (None, Some([one, other])) => Parties::Direct(one.clone(), other.clone()),
        _ => return Err(Ending::usage("Name a room, or two people.")),
    };
    session::with(&args.connection, |session| {
        let zone = zone::local();
        let mut after = 0;
        let mut pages = session.pages(|page: &[Original]| {
            after += u32::try_from(page.len()).unwrap_or(u32::MAX);
            Request::Originals { of: of.clone(), seq: args.seq, after }
        });
        while let Some(originals) = pages.next()? {
            for original in &originals {
                if args.json { output::json(&object(original))? } else { output::line(line(original, &zone))? }
            }
        }
        Ok(())
    })
}

#[derive(Serialize)]
struct OriginalObject<'a> {
    from: &'a str,
    text: &'a str,
    until: String,
}

fn object(original: &Original) -> OriginalObject<'_> {
    OriginalObject { from: original.from.as_str(), text: original.text.as_str(), until: original.until.rfc3339() }
}

/// `until 2026-11-21 10:02 alice: text`.
fn line(original: &Original, zone: &TimeZone) -> String {
    let (until, from) = (output::minute(original.until, zone), sentence::visible(original.from.as_str()));
    format!("until {until} {from}: {}", sentence::indented(original.text.as_str()))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::Text;
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
