//! `belfry send`: one message; prints its sequence number once the server has stored it.

use belfry_core::chat::Seq;
use belfry_core::client::Command;

use super::session;
use super::text::TypedText;
use crate::config::{self, ConnectionArgs, PlaceArgs};
use crate::ending::Outcome;
use crate::output;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// The number of the message there that this one replies to
    #[arg(long, value_name = "SEQ", value_parser = config::seq, allow_negative_numbers = true)]
    reply: Option<Seq>,
    /// What to say, or - for what stands on standard input; put -- before a text that begins with a dash
    text: TypedText,
}

pub(crate) fn run(args: Args) -> Outcome {
    let to = args.place.place();
    session::with_input(
        &args.connection,
        || args.text.read(),
        |session, text| {
            let ticket = session.ticket();
            session.send(Command::Post { ticket, to, text, reply_to: args.reply })?;
            let seq = session.posted(ticket)?;
            output::line(seq.0)
        },
    )
}
