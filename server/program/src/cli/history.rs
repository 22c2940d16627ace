//! `belfry history`: what was said, oldest first, fetched in pages from the newest backwards.

use belfry_core::chat::{Answer, Message, Place, Request, Seq};
use belfry_core::limits::PAGE_ENTRIES_MAX;

use super::session::{self, Session};
use super::zone;
use crate::config::{self, ConnectionArgs, PlaceArgs};
use crate::ending::{Ending, Outcome};
use crate::output::{self, MessageObject, Paint};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// The newest so many
    #[arg(long, value_name = "N", default_value = "50", value_parser = config::count, allow_negative_numbers = true)]
    limit: u32,
    /// Only messages before this sequence number
    #[arg(long, value_name = "SEQ", value_parser = config::seq, allow_negative_numbers = true)]
    before: Option<Seq>,
    /// Each message's number before it, as edit, delete and --before take it
    #[arg(long, conflicts_with = "json")]
    numbers: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Outcome {
    let place = args.place.place();
    session::with(&args.connection, |session| {
        let pages = fetch(session, &place, args.before, args.limit)?;
        let (zone, paint) = (zone::local(), Paint::for_stdout());
        for message in pages.iter().rev().flatten() {
            if args.json {
                output::json(&MessageObject::stored(&place, message))?;
            } else {
                let number = if args.numbers { output::number(message, paint) } else { String::new() };
                output::line(format_args!("{number}{}", output::message_line(message, &zone, paint)))?;
            }
        }
        Ok(())
    })
}

/// The newest `limit` messages before `before`, in pages: the newest page first, each oldest first.
fn fetch(session: &mut Session, place: &Place, mut before: Option<Seq>, limit: u32) -> Outcome<Vec<Vec<Message>>> {
    let mut pages = Vec::new();
    let mut wanted = limit;
    while wanted > 0 {
        let request = Request::FetchBefore { place: place.clone(), before, limit: wanted.min(PAGE_ENTRIES_MAX) };
        let Answer::Page(page) = session.ask(request)? else {
            return Err(Ending::unexpected());
        };
        let Some(oldest) = page.messages.first().map(|message| message.seq) else {
            break;
        };
        // A server that does not go back would be asked for ever.
        if before.is_some_and(|before| oldest >= before) {
            return Err(Ending::unexpected());
        }
        before = Some(oldest);
        wanted = wanted.saturating_sub(u32::try_from(page.messages.len()).unwrap_or(u32::MAX));
        pages.push(page.messages);
        if oldest <= Seq(1) {
            break;
        }
    }
    Ok(pages)
}
