//! `belfry export`: whole conversations on standard output, as far as one may read them; administrators all of them.

use belfry_core::chat::{Answer, Exportable, Message, Parties, Request, RoomName, Seq};
use clap::ValueEnum;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::output::{self, Paint};
use super::session::{self, Session};
use super::{Ending, Outcome, unexpected, zone};
use crate::config::ConnectionArgs;

/// What `belfry export` can be told.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// One room
    #[arg(long, group = "what")]
    room: Option<RoomName>,
    /// Every conversation that one may read; for administrators all there are
    #[arg(long, group = "what")]
    all: bool,
    /// In what form
    #[arg(long, value_enum)]
    format: Format,
}

/// The forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line
    Jsonl,
    /// A table with a header line
    Csv,
    /// For people
    Txt,
}

pub(crate) fn run(args: Args) -> Outcome {
    session::with(&args.connection, |session| {
        let conversations = list(session, args.room)?;
        let mut out = Writer { format: args.format, zone: zone::local() };
        out.header()?;
        conversations.iter().try_for_each(|conversation| export(session, conversation, &mut out))
    })
}

fn list(session: &mut Session, room: Option<RoomName>) -> Outcome<Vec<Exportable>> {
    let mut all: Vec<Exportable> = Vec::new();
    loop {
        let after = all.last().map(|last| last.conversation);
        let Answer::Exportable { conversations, more } = session.ask(Request::Exportable { room: room.clone(), after })? else {
            return Err(unexpected());
        };
        let more = more && conversations.last().is_some_and(|last| after.is_none_or(|after| last.conversation > after));
        all.extend(conversations);
        if !more {
            return Ok(all);
        }
    }
}

/// Writes one conversation, page by page: nobody's memory has to hold ten million messages.
fn export(session: &mut Session, conversation: &Exportable, out: &mut Writer) -> Outcome {
    out.heading(&conversation.parties)?;
    let mut after = Seq(0);
    loop {
        let Answer::Exported { messages, more } = session.ask(Request::ExportPage { conversation: conversation.conversation, after })?
        else {
            return Err(unexpected());
        };
        messages.iter().try_for_each(|message| out.message(&conversation.parties, message))?;
        match messages.last() {
            Some(last) if more && last.seq > after => after = last.seq,
            Some(_) if more => return Err(unexpected()),
            _ => return Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    room: String,
    seq: u64,
    from: &'a str,
    sent_at: String,
    text: &'a str,
}

fn row<'a>(parties: &Parties, message: &'a Message) -> Row<'a> {
    Row {
        room: parties.to_string(),
        seq: message.seq.0,
        from: message.from.as_str(),
        sent_at: output::rfc3339(message.sent_at),
        text: message.text.as_str(),
    }
}

struct Writer {
    format: Format,
    zone: TimeZone,
}

impl Writer {
    fn header(&self) -> Outcome {
        if self.format == Format::Csv { output::line("room,seq,from,sent_at,text\r") } else { Ok(()) }
    }

    fn heading(&self, parties: &Parties) -> Outcome {
        if self.format == Format::Txt { output::line(format_args!("== {} ==", output::visible(&parties.to_string()))) } else { Ok(()) }
    }

    fn message(&self, parties: &Parties, message: &Message) -> Outcome {
        match self.format {
            Format::Jsonl => output::json(&row(parties, message)),
            Format::Csv => output::line(csv_line(&row(parties, message))?),
            Format::Txt => output::line(output::message_line(message, &self.zone, Paint::default())),
        }
    }
}

/// RFC 4180; without the line feed, which printing a line adds.
fn csv_line(row: &Row<'_>) -> Outcome<String> {
    let unwritten = |error: &dyn std::fmt::Display| Ending::refused(format_args!("The export cannot be written as CSV: {error}."));
    let mut writer = csv::WriterBuilder::new().has_headers(false).terminator(csv::Terminator::Any(b'\r')).from_writer(Vec::new());
    writer.serialize(row).map_err(|error| unwritten(&error))?;
    let bytes = writer.into_inner().map_err(|error| unwritten(&error))?;
    String::from_utf8(bytes).map_err(|error| unwritten(&error))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::AccountName;

    use super::*;

    #[test]
    fn a_line_of_the_table_quotes_what_needs_it_and_ends_as_the_standard_says() {
        let message = output::tests::message("one, \"two\"\nthree");
        let direct = Parties::Direct(AccountName::new("alice").unwrap(), AccountName::new("bob").unwrap());
        assert_eq!(
            csv_line(&row(&direct, &message)).unwrap(),
            "@alice @bob,7,alice,2026-11-21T10:02:03.123Z,\"one, \"\"two\"\"\nthree\"\r"
        );
    }

    #[test]
    fn a_script_reads_a_message_as_one_object() {
        let message = output::tests::message("hi");
        assert_eq!(
            output::json_text(&row(&Parties::Room(RoomName::lobby()), &message)).unwrap(),
            r#"{"room":"lobby","seq":7,"from":"alice","sent_at":"2026-11-21T10:02:03.123Z","text":"hi"}"#
        );
    }
}
