//! `belfry export`: whole conversations on standard output, as far as one may read them; administrators all of them.

use std::borrow::Cow;

use belfry_core::chat::{Exportable, Message, Parties, Request, RoomName, Seq, table_line};
use belfry_core::time::UnixMillis;
use clap::ValueEnum;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::session::{self, Session};
use super::zone;
use crate::config::ConnectionArgs;
use crate::ending::Outcome;
use crate::output::{self, AttachmentObject, Paint};
use crate::sentence;

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
        let mut out = ExportWriter { format: args.format, zone: zone::local() };
        out.header()?;
        conversations.iter().try_for_each(|conversation| export(session, conversation, &mut out))
    })
}

fn list(session: &mut Session, room: Option<RoomName>) -> Outcome<Vec<Exportable>> {
    let following = |page: &[Exportable]| Request::Exportable { room: room.clone(), after: page.last().map(|last| last.conversation) };
    session.pages(following).all()
}

/// Writes one conversation, page by page: nobody's memory has to hold ten million messages.
fn export(session: &mut Session, conversation: &Exportable, out: &mut ExportWriter) -> Outcome {
    out.heading(&conversation.parties)?;
    let after = |page: &[Message]| page.last().map_or(Seq(0), |last| last.seq);
    let mut pages = session.pages(|page| Request::ExportPage { conversation: conversation.conversation, after: after(page) });
    while let Some(messages) = pages.next()? {
        messages.iter().try_for_each(|message| out.message(&conversation.parties, message))?;
    }
    Ok(())
}

/// What a script reads of a message; a table has all of it in every line, in this order.
#[derive(Serialize)]
struct ExportRow<'a> {
    room: String,
    seq: u64,
    from: &'a str,
    sent_at: String,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<output::ReactionObject<'a>>,
    /// The same in one cell.
    #[serde(skip)]
    counted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<AttachmentObject<'a>>,
}

const COLUMNS: [&str; 13] = [
    "room",
    "seq",
    "from",
    "sent_at",
    "text",
    "edited_at",
    "deleted_at",
    "reply_to",
    "file_id",
    "file_name",
    "file_bytes",
    "file_blake3",
    "reactions",
];

fn row<'a>(parties: &Parties, message: &'a Message) -> ExportRow<'a> {
    ExportRow {
        room: parties.to_string(),
        seq: message.seq.0,
        from: message.from.as_str(),
        sent_at: message.sent_at.rfc3339(),
        text: message.text.as_str(),
        edited_at: message.edited_at().map(UnixMillis::rfc3339),
        deleted_at: message.deleted_at().map(UnixMillis::rfc3339),
        reply_to: message.reply_to.as_ref().map(|quote| quote.seq.0),
        file: message.attachment.as_deref().map(AttachmentObject::from),
        reactions: output::reactions(message),
        counted: output::counted(message, "; "),
    }
}

impl ExportRow<'_> {
    fn cells(&self) -> [Cow<'_, str>; COLUMNS.len()] {
        let time = |at: &Option<String>| Cow::Owned(at.clone().unwrap_or_default());
        let file = self.file.as_ref();
        [
            Cow::Borrowed(self.room.as_str()),
            Cow::Owned(self.seq.to_string()),
            Cow::Borrowed(self.from),
            Cow::Borrowed(self.sent_at.as_str()),
            Cow::Borrowed(self.text),
            time(&self.edited_at),
            time(&self.deleted_at),
            Cow::Owned(self.reply_to.map(|seq| seq.to_string()).unwrap_or_default()),
            Cow::Owned(file.map(|file| file.id.to_string()).unwrap_or_default()),
            Cow::Borrowed(file.map_or("", |file| file.name)),
            Cow::Owned(file.map(|file| file.bytes.to_string()).unwrap_or_default()),
            Cow::Borrowed(file.map_or("", |file| &file.blake3)),
            Cow::Borrowed(self.counted.as_str()),
        ]
    }
}

struct ExportWriter {
    format: Format,
    zone: TimeZone,
}

impl ExportWriter {
    fn header(&self) -> Outcome {
        if self.format == Format::Csv { output::exactly(table_line(COLUMNS).as_bytes()) } else { Ok(()) }
    }

    fn heading(&self, parties: &Parties) -> Outcome {
        if self.format == Format::Txt { output::line(format_args!("== {} ==", sentence::visible(&parties.to_string()))) } else { Ok(()) }
    }

    fn message(&self, parties: &Parties, message: &Message) -> Outcome {
        match self.format {
            Format::Jsonl => output::json(&row(parties, message)),
            Format::Csv => output::exactly(table_line(row(parties, message).cells().iter().map(|cell| &**cell)).as_bytes()),
            // Anybody can write "(deleted)".
            Format::Txt if message.is_deleted() => {
                let (when, who) = (output::minute(message.sent_at, &self.zone), sentence::visible(message.from.as_str()));
                output::line(format_args!("[{when}] {who} has deleted what stood here"))
            }
            Format::Txt => output::line(output::message_line(message, &self.zone, Paint::default())),
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::AccountName;

    use super::*;

    #[test]
    fn what_was_edited_and_what_was_deleted_stands_in_columns_of_its_own() {
        let direct = Parties::Direct(AccountName::new("alice").unwrap(), AccountName::new("bob").unwrap());
        let altered = |deleted| {
            Some(if deleted {
                belfry_core::chat::Alteration::deleted(1, belfry_core::time::UnixMillis(0))
            } else {
                belfry_core::chat::Alteration::edited(1, belfry_core::time::UnixMillis(0))
            })
        };
        let typed = output::tests::message("(deleted)");
        let edited = Message { altered: altered(false), ..typed.clone() };
        let deleted = Message { altered: altered(true), ..typed.clone() };
        let last = |message: &Message| {
            let row = row(&direct, message);
            let cells = row.cells();
            cells[4..8].iter().chain(&cells[12..]).map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(last(&typed), ["(deleted)", "", "", "", ""]);
        assert_eq!(last(&edited), ["(deleted)", "1970-01-01T00:00:00.000Z", "", "", ""]);
        assert_eq!(last(&deleted), ["(deleted)", "", "1970-01-01T00:00:00.000Z", "", ""]);
        let quote = belfry_core::chat::Quote { seq: Seq(3), quoted: None };
        let reactions = vec![belfry_core::chat::Reaction { emoji: "👍".parse().unwrap(), count: 2, by: vec![] }];
        assert_eq!(last(&Message { reply_to: Some(Box::new(quote)), reactions, ..typed }), ["(deleted)", "", "", "3", "👍 2"]);
        assert!(output::json_text(&row(&direct, &deleted)).unwrap().ends_with(r#""deleted_at":"1970-01-01T00:00:00.000Z"}"#));
    }

    #[test]
    fn a_file_has_columns_of_its_own() {
        let room = Parties::Room(belfry_core::chat::RoomName::lobby());
        let (file, hash) = (belfry_core::chat::FileId(12), belfry_core::chat::ContentHash([0xab; 32]));
        let attachment =
            belfry_core::chat::Attachment { file, name: belfry_core::chat::FileName::new("plan.pdf").unwrap(), bytes: 9, hash };
        let message = Message { attachment: Some(Box::new(attachment)), ..output::tests::message("look") };
        let found = row(&room, &message);
        assert_eq!(found.cells()[8..12].iter().map(ToString::to_string).collect::<Vec<_>>(), ["12", "plan.pdf", "9", &"ab".repeat(32)]);
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
