//! `belfry chat`: a conversation in the terminal, or from a pipe one message a line.

use std::io::IsTerminal as _;

use belfry_core::chat::{AccountName, RoomName};

use super::session;
use crate::config::{self, ConnectionArgs};
use crate::ending::Outcome;

mod echo;
mod entry;
mod interactive;
mod lines;
mod piped;
mod prompt;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The room to begin in [default: lobby]
    #[arg(long, conflicts_with = "to")]
    room: Option<RoomName>,
    /// Begin in the direct conversation with this person
    #[arg(long, value_name = "USER")]
    to: Option<AccountName>,
}

pub(crate) fn run(args: Args) -> Outcome {
    let place = config::place(args.room, args.to);
    let typed = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    session::with_notices(&args.connection, |session| {
        session.catch_interrupts()?;
        if typed { interactive::run(session, place) } else { piped::run(session, place) }
    })
}
