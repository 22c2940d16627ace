//! `belfry react` and `reactions`: signs that people put to a message.

use belfry_core::chat::{ReactionEmoji, Reactor, Request, Seq};
use serde::Serialize;

use super::session;
use crate::config::{self, ConnectionArgs, PlaceArgs};
use crate::ending::Outcome;
use crate::{output, sentence};

#[derive(clap::Args, Debug)]
pub(crate) struct ReactArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// The message's number, as send and history --numbers print it
    #[arg(value_parser = config::seq, allow_negative_numbers = true)]
    seq: Seq,
    /// One emoji
    emoji: ReactionEmoji,
    /// Take the reaction back
    #[arg(long)]
    remove: bool,
}

#[derive(clap::Args, Debug)]
pub(crate) struct ReactionsArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// The message's number, as send and history --numbers print it
    #[arg(value_parser = config::seq, allow_negative_numbers = true)]
    seq: Seq,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn react(args: ReactArgs) -> Outcome {
    let place = args.place.place();
    session::with(&args.connection, |session| {
        session.ask_done(Request::React { place, room: None, seq: args.seq, emoji: args.emoji, set: !args.remove })
    })
}

pub(crate) fn reactions(args: ReactionsArgs) -> Outcome {
    let place = args.place.place();
    session::with(&args.connection, |session| {
        let mut after = 0;
        let mut pages = session.pages(|page: &[Reactor]| {
            after += u32::try_from(page.len()).unwrap_or(u32::MAX);
            Request::FetchReactors { place: place.clone(), seq: args.seq, after }
        });
        while let Some(reactors) = pages.next()? {
            for reactor in &reactors {
                if args.json { output::json(&object(reactor))? } else { output::line(line(reactor))? }
            }
        }
        Ok(())
    })
}

#[derive(Serialize)]
struct ReactorObject<'a> {
    emoji: &'a str,
    account: &'a str,
    at: String,
}

fn object(reactor: &Reactor) -> ReactorObject<'_> {
    ReactorObject { emoji: reactor.emoji.as_str(), account: reactor.account.as_str(), at: reactor.at.rfc3339() }
}

/// `👍 alice`.
fn line(reactor: &Reactor) -> String {
    format!("{} {}", sentence::visible(reactor.emoji.as_str()), sentence::visible(reactor.account.as_str()))
}

#[cfg(test)]
mod tests {
    use belfry_core::time::UnixMillis;

    use super::*;

    #[test]
    fn who_has_reacted_is_a_line_or_an_object() {
        let reactor = Reactor { emoji: "👍".parse().unwrap(), account: "alice".parse().unwrap(), at: UnixMillis(0) };
        assert_eq!(line(&reactor), "👍 alice");
        assert_eq!(output::json_text(&object(&reactor)).unwrap(), r#"{"emoji":"👍","account":"alice","at":"1970-01-01T00:00:00.000Z"}"#);
    }
}
