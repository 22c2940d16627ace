//! `belfry search`: messages by what they say, newest first.

use belfry_core::chat::{AccountName, Answer, Found, Hit, Request, RoomName, SearchText, Seq, fold};
use belfry_core::limits::HITS_MAX;
use jiff::tz::TimeZone;

use super::{session, zone};
use crate::config::{self, ConnectionArgs};
use crate::ending::{Ending, Outcome};
use crate::output::{self, MessageObject, Paint};
use crate::sentence;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// What they say, anywhere in their text
    text: SearchText,
    /// Only in this room
    #[arg(long, conflicts_with = "to")]
    room: Option<RoomName>,
    /// Only in the direct conversation with this person
    #[arg(long, value_name = "USER")]
    to: Option<AccountName>,
    /// How many messages at most
    #[arg(long, value_name = "N", default_value = "50", value_parser = config::between::<u32>(1..=u64::from(HITS_MAX)), allow_negative_numbers = true)]
    limit: u32,
    /// Only messages before this one; with --room or --to
    #[arg(long, value_name = "SEQ", value_parser = config::seq, allow_negative_numbers = true)]
    before: Option<Seq>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    let place = (args.room.is_some() || args.to.is_some()).then(|| config::place(args.room, args.to));
    if args.before.is_some() && place.is_none() {
        return Err(Ending::usage("Numbers are given by each conversation: --before needs --room or --to."));
    }
    // As the server counts: those are not in its index.
    let is_short = fold(args.text.as_str()).chars().count() < 3;
    let request = Request::Search { text: args.text, place, before: args.before, limit: args.limit };
    session::with(&args.connection, |session| {
        let Answer::Found(found) = session.ask(request)? else {
            return Err(Ending::unexpected());
        };
        let (zone, paint) = (zone::local(), Paint::for_stdout());
        for hit in &found.hits {
            if args.json { output::json(&MessageObject::stored(&hit.place, &hit.message))? } else { output::line(line(hit, &zone, paint))? }
        }
        // A list that is not complete never looks as if it were.
        if let Some(remark) = remark(&found, is_short) {
            sentence::complain(remark);
        }
        Ok(())
    })
}

/// `lobby 7 [2026-11-21 10:02] alice: text`.
fn line(hit: &Hit, zone: &TimeZone, paint: Paint) -> String {
    let place = paint.dim(&format!("{} {}", sentence::visible(&hit.place.to_string()), hit.message.seq.0));
    format!("{place} {}", output::message_line(&hit.message, zone, paint))
}

fn remark(found: &Found, is_short: bool) -> Option<&'static str> {
    match found {
        Found { more: true, .. } => Some("There is more: name a place, search before a message, or say more of the text."),
        Found { cut: true, .. } if is_short => {
            Some("Only the newest messages were looked at: for the others the text needs three letters.")
        }
        Found { cut: true, .. } => Some(
            "The search was ended because it took too long: only some of the newest messages were looked at. Name a place, or say more of the text.",
        ),
        Found { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::Place;

    use super::*;
    use crate::output::tests::message;

    #[test]
    fn a_hit_says_where_it_stands() {
        let hit = Hit { place: Place::lobby(), message: message("hi") };
        assert_eq!(line(&hit, &TimeZone::UTC, Paint::default()), "lobby 7 [2026-11-21 10:02] alice: hi");
    }

    #[test]
    fn what_is_not_complete_is_said_to_be() {
        let found = |more, cut| Found { hits: vec![], more, cut };
        assert!(remark(&found(false, false), true).is_none());
        assert!(remark(&found(true, true), false).unwrap().starts_with("There is more"));
        assert!(remark(&found(false, true), true).unwrap().contains("three letters"));
        assert!(remark(&found(false, true), false).unwrap().contains("took too long"));
    }
}
