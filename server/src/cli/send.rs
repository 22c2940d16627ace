//! `belfry send`: one message; prints its sequence number once the server has stored it.

use belfry_core::chat::Text;
use belfry_core::client::Command;

use super::{Ending, Outcome, output, session};
use crate::config::{ConnectionArgs, PlaceArgs};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// What to say; put -- before a text that begins with a dash
    text: String,
}

pub(crate) fn run(args: Args) -> Outcome {
    let text = Text::new(args.text).map_err(Ending::usage)?;
    let to = args.place.place();
    session::with(&args.connection, |session| {
        let ticket = session.ticket();
        session.send(Command::Post { ticket, to, text })?;
        let seq = session.posted(ticket)?;
        output::line(seq.0)
    })
}
