//! `belfry send`: one message, or files with one; prints the number of each once the server has stored it: a message's in its place, or a file's.

use std::path::PathBuf;

use belfry_core::chat::Seq;
use belfry_core::client::Command;

use super::text::TypedText;
use super::{files, session};
use crate::config::{self, ConnectionArgs, PlaceArgs};
use crate::ending::{Ending, Outcome};
use crate::output;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// The number of the message there that this one replies to
    #[arg(long, value_name = "SEQ", value_parser = config::seq, allow_negative_numbers = true, conflicts_with = "files")]
    reply: Option<Seq>,
    /// A file to send; once for each, a message for each
    #[arg(long = "file", value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// How far the files have come, and their messages, as JSON objects
    #[arg(long, requires = "files")]
    json: bool,
    /// What to say, or - for what stands on standard input; put -- before a text that begins with a dash. With files it is said with the
    /// first one
    #[arg(required_unless_present = "files")]
    text: Option<TypedText>,
}

pub(crate) fn run(args: Args) -> Outcome {
    let Args { connection, place, reply, files: paths, json, text } = args;
    let to = place.place();
    session::with_input(
        &connection,
        || {
            let text = text.map(TypedText::read).transpose()?;
            // All of them, before the first is sent: a mistyped path is found at once.
            let chosen = paths.iter().map(|path| files::choose(path)).collect::<Outcome<Vec<files::Chosen>>>()?;
            Ok((text, chosen))
        },
        |session, (mut text, chosen)| {
            if chosen.is_empty() {
                let ticket = session.ticket();
                let text = text.ok_or_else(|| Ending::usage("Say something, or name a file."))?;
                session.send(Command::Post { ticket, to, text, reply_to: reply })?;
                let seq = session.posted(ticket)?;
                return output::line(seq.0);
            }
            if chosen.len() > 1 {
                files::offer(session, &chosen, &to)?;
            }
            for file in chosen {
                files::send(session, file, to.clone(), text.take(), json)?;
            }
            Ok(())
        },
    )
}
