//! The lines of a conversation.

use belfry_core::chat::{Alteration, Place, Quote, Quoted, table_line, visible_in_window};
use belfry_core::time::UnixMillis;

use super::files::{FileRow, file_row};
use super::reactions::{ReactionRow, reaction_row};
use super::{Moment, links, person_name};
use crate::model::{Delivery, MessageLine, Model};

/// After so long the same person's next message has their name above it again.
const RUN_MILLIS_MAX: u64 = 5 * 60 * 1000;

/// What has become of an own message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryMark {
    /// It is somebody else's.
    #[default]
    None,
    /// It waits for the server.
    Waiting,
    /// It is on the server's disk.
    Stored,
    /// The server refused it.
    Failed,
}

/// Whether a message is still as it was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlterationMark {
    /// It is.
    #[default]
    None,
    /// Its author has written it anew.
    Edited,
    /// Its author has taken it back.
    Deleted,
}

/// One row of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineRow {
    /// What stands before is on the server, which cannot be asked.
    Further,
    /// A new day begins.
    Day(String),
    /// What follows has not been read.
    New,
    /// A message.
    Message(Box<ChatRow>),
}

/// A message, as it is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatRow {
    /// Who wrote it, above the first of a run; empty for the others.
    pub who: String,
    /// Who wrote it, also where it is oneself: for the face before it, and for who hears one line at a time.
    pub by: String,
    /// By oneself.
    pub own: bool,
    /// The time of day at which it was stored, or written while it waits.
    pub time: String,
    /// The text, with marks that turn the direction of writing spelled out; empty where a file came with nothing beside it.
    pub text: String,
    /// The file that came with it.
    pub file: Option<FileRow>,
    /// The links in it.
    pub links: Vec<String>,
    /// What has become of it.
    pub mark: DeliveryMark,
    /// Why it was refused.
    pub why: String,
    /// The number of an own message that waits or has failed; empty otherwise.
    pub own_key: String,
    /// The number of an own message that can be written anew or taken back; empty otherwise.
    pub key: String,
    /// Whether it is still as it was said.
    pub altered: AlterationMark,
    /// It is the one that was looked for.
    pub sought: bool,
    /// What it replies to.
    pub quote: Option<QuoteRow>,
    /// Its number in the conversation, by which it can be replied to; empty while it waits, and where it was taken back.
    pub seq: String,
    /// How people have reacted to it.
    pub reactions: Vec<ReactionRow>,
}

/// What stands above a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuoteRow {
    /// The number of the message that is replied to.
    pub seq: String,
    /// Who wrote that; empty for oneself, and where it is kept no longer.
    pub who: String,
    /// By oneself.
    pub own: bool,
    /// Its first line; empty where there is none.
    pub text: String,
    /// What is said in place of that.
    pub missing: MissingQuote,
}

/// Why a quote has no words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingQuote {
    /// It has.
    #[default]
    None,
    /// Its author has taken the message back.
    Deleted,
    /// The message is kept no longer.
    Gone,
    /// It is not on this computer; the server will say.
    Unknown,
}

/// What stands above a reply to this message, which has no words because it is gone, or because the server has not been asked yet.
pub fn quote_row(model: &Model, quote: &Quote, waits: bool) -> QuoteRow {
    let seq = quote.seq.0.to_string();
    let Some(Quoted { from, line }) = &quote.quoted else {
        return QuoteRow { seq, missing: if waits { MissingQuote::Unknown } else { MissingQuote::Gone }, ..QuoteRow::default() };
    };
    let own = model.me() == Some(from);
    QuoteRow {
        seq,
        who: if own { String::new() } else { person_name(model, from) },
        own,
        text: line.as_ref().map(|line| visible_in_window(line.as_str())).unwrap_or_default(),
        missing: if line.is_none() { MissingQuote::Deleted } else { MissingQuote::None },
    }
}

impl QuoteRow {
    /// For a file: `ben “his first line”`.
    fn written(&self) -> String {
        let who = if self.own { "You" } else { &self.who };
        match self.missing {
            MissingQuote::None => format!("{who} “{}”", self.text),
            MissingQuote::Deleted => format!("{who} (deleted)"),
            MissingQuote::Gone | MissingQuote::Unknown => "an earlier message".to_owned(),
        }
    }
}

/// Everything that a conversation shows, oldest first.
pub fn lines(model: &Model, place: &Place, moment: Moment<'_>) -> Vec<LineRow> {
    let sought = model.sought();
    let read_until = model.conversation(place).and_then(|conversation| conversation.read_until());
    let mut rows = Vec::new();
    rows.extend(model.conversation(place).filter(|conversation| conversation.ends_here()).map(|_| LineRow::Further));
    let mut before: Option<(MessageLine<'_>, jiff::civil::Date)> = None;
    let mut new_is_marked = false;
    for line in model.lines(place) {
        let day = moment.wall.day(line.at);
        let same_day = before.as_ref().is_some_and(|(_, before)| *before == day);
        if !same_day {
            rows.push(LineRow::Day(moment.wall.day_line(line.at, moment.now)));
        }
        let unread = read_until.is_some_and(|read| line.seq.is_some_and(|seq| seq > read));
        let first_unread = unread && !new_is_marked && line.from.is_some();
        if first_unread {
            new_is_marked = true;
            rows.push(LineRow::New);
        }
        let goes_on = same_day && !first_unread && before.as_ref().is_some_and(|(before, _)| is_run(before, &line));
        rows.push(LineRow::Message(Box::new(message(model, &line, goes_on, sought.is_some() && line.seq == sought, moment))));
        before = Some((line, day));
    }
    rows
}

/// The rows as a text file: a line for each day, `10:02 anna: hi` for each message, further lines of it indented. `10:02 anna, edited: hi`
/// is what was written anew, and `10:02 anna, deleted` what was taken back, and a reply is `10:02 anna, replying to ben “his words”: hi`: no
/// name has a comma, so nobody can write that.
pub fn as_text(rows: &[LineRow]) -> String {
    let mut file = String::new();
    let mut author = "";
    for row in rows {
        match row {
            LineRow::Day(day) => file.push_str(&format!("{}{day}\n", if file.is_empty() { "" } else { "\n" })),
            LineRow::Further | LineRow::New => {}
            LineRow::Message(message) => {
                let ChatRow { who, time, altered, quote, .. } = &**message;
                let text = message.written();
                if !who.is_empty() {
                    author = who;
                }
                let reply = quote.as_ref().map(|quote| format!(", replying to {}", quote.written())).unwrap_or_default();
                file.push_str(&match altered {
                    AlterationMark::Deleted => format!("{time} {author}, deleted\n"),
                    AlterationMark::Edited => format!("{time} {author}, edited{reply}: {}\n", text.replace('\n', "\n    ")),
                    AlterationMark::None => format!("{time} {author}{reply}: {}\n", text.replace('\n', "\n    ")),
                });
            }
        }
    }
    file
}

/// The same as a table: day, time, who, what, whether that was edited or deleted, and what it replies to.
pub fn as_table(rows: &[LineRow]) -> String {
    let mut file = String::from("day,time,from,text,altered,reply_to\r\n");
    let (mut today, mut author) = ("", "");
    for row in rows {
        match row {
            LineRow::Day(day) => today = day,
            LineRow::Further | LineRow::New => {}
            LineRow::Message(message) => {
                let ChatRow { who, time, altered, quote, .. } = &**message;
                let text = message.written();
                if !who.is_empty() {
                    author = who;
                }
                let reply_to = quote.as_ref().map(|quote| quote.written()).unwrap_or_default();
                let (text, altered) = match altered {
                    AlterationMark::None => (&text[..], ""),
                    AlterationMark::Edited => (&text[..], "edited"),
                    AlterationMark::Deleted => ("", "deleted"),
                };
                file.push_str(&table_line([today, time, author, text, altered, &reply_to]));
            }
        }
    }
    file
}

impl ChatRow {
    /// What was said, for a file: the text, and below it the file that came with it.
    fn written(&self) -> String {
        let Some(FileRow { stem, ending, size, .. }) = &self.file else { return self.text.clone() };
        let with = format!("📎 {stem}{ending} · {size}");
        if self.text.is_empty() { with } else { format!("{}\n{with}", self.text) }
    }
}

/// What stands beside a file is its name where its sender has written nothing.
fn text(line: &MessageLine<'_>) -> String {
    let name = line.attachment.map(|attachment| &attachment.name).or(line.outgoing.map(|own| &own.file.found.name));
    match name {
        Some(name) if name.as_str() == line.text.as_str() => String::new(),
        _ => visible_in_window(line.text.as_str()),
    }
}

fn is_run(before: &MessageLine<'_>, line: &MessageLine<'_>) -> bool {
    let soon = |before: UnixMillis, after: UnixMillis| after.0.saturating_sub(before.0) < RUN_MILLIS_MAX;
    before.from == line.from && soon(before.at, line.at)
}

fn message(model: &Model, line: &MessageLine<'_>, goes_on: bool, sought: bool, moment: Moment<'_>) -> ChatRow {
    let (mark, why) = match line.delivery {
        None => (DeliveryMark::None, String::new()),
        Some(Delivery::Waiting) => (DeliveryMark::Waiting, String::new()),
        Some(Delivery::Stored) => (DeliveryMark::Stored, String::new()),
        Some(Delivery::Failed(refusal)) => (DeliveryMark::Failed, refusal.to_string()),
        Some(Delivery::FileFailed) => (DeliveryMark::Failed, line.outgoing.map(|own| own.why.clone()).unwrap_or_default()),
    };
    let altered = match line.altered {
        None => AlterationMark::None,
        Some(Alteration { deleted: true, .. }) => AlterationMark::Deleted,
        // Somebody has reacted; its author has done nothing.
        Some(Alteration { edited_at: None, .. }) => AlterationMark::None,
        Some(_) => AlterationMark::Edited,
    };
    let can_be_altered = line.from.is_none() && altered != AlterationMark::Deleted;
    ChatRow {
        who: if goes_on { String::new() } else { line.from.map_or_else(|| "You".into(), |from| person_name(model, from)) },
        by: line.from.or(model.me()).map(|from| person_name(model, from)).unwrap_or_default(),
        own: line.from.is_none(),
        time: moment.wall.time(line.at),
        text: text(line),
        file: file_row(model, line).filter(|_| altered != AlterationMark::Deleted),
        links: links(line.text.as_str()).into_iter().map(str::to_owned).collect(),
        mark,
        why,
        own_key: line.own.map(|own| own.0.to_string()).unwrap_or_default(),
        key: line.seq.filter(|_| can_be_altered).map(|seq| seq.0.to_string()).unwrap_or_default(),
        altered,
        sought,
        quote: line.reply_to.map(|quote| quote_row(model, quote, line.seq.is_none())),
        seq: line.seq.filter(|_| altered != AlterationMark::Deleted).map(|seq| seq.0.to_string()).unwrap_or_default(),
        reactions: line.reactions.iter().map(|reaction| reaction_row(reaction, model.me())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, ConversationId, Message, Refusal, Role, Seq, Text};
    use belfry_core::client::{Command, Update};
    use belfry_core::time::{Instant, Now};

    use super::super::tests::moment;
    use super::*;
    use crate::model::{Effect, Intent};

    fn at(hours: u64, minutes: u64) -> Now {
        Now { instant: Instant::START, wall: moment(hours, minutes).now }
    }

    fn model() -> Model {
        let mut model = Model::new("lan-host");
        model.apply(at(0, 0), Update::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        model
    }

    fn hear(model: &mut Model, seq: u64, from: &str, sent_at: UnixMillis) {
        let from = AccountName::new(from).unwrap();
        let message = Message::new(ConversationId(1), Seq(seq), from, Text::new(format!("m{seq}")).unwrap(), sent_at);
        model.apply(at(12, 0), Update::Message { place: Place::lobby(), message });
    }

    /// The rows in short: `-Day`, `-new`, `name text` and `+ text` where the name is not repeated.
    fn drawn(model: &Model) -> Vec<String> {
        let short = |row: LineRow| match row {
            LineRow::Further => "further".to_owned(),
            LineRow::Day(day) => format!("-{day}"),
            LineRow::New => "-new".into(),
            LineRow::Message(message) => {
                let text = message.written();
                let ChatRow { who, mark, .. } = *message;
                let mark = ["", " waits", "", " failed"][mark as usize];
                format!("{} {text}{mark}", if who.is_empty() { "+" } else { &who })
            }
        };
        lines(model, &Place::lobby(), moment(12, 0)).into_iter().map(short).collect()
    }

    /// A model in which nothing is unread.
    fn read() -> Model {
        let mut model = model();
        model.act(at(0, 0), Intent::Open(Place::lobby()));
        model.act(at(0, 0), Intent::Attend(true));
        model
    }

    #[test]
    fn what_was_new_when_a_conversation_was_opened_is_marked_until_it_is_left() {
        let mut model = read();
        hear(&mut model, 1, "anna", moment(10, 0).now);
        model.act(at(10, 0), Intent::Attend(false));
        hear(&mut model, 2, "ben", moment(10, 1).now);
        model.act(at(10, 2), Intent::Attend(true));
        assert_eq!(model.unread(), 0, "it is before somebody's eyes");
        assert_eq!(drawn(&model), ["-Today", "anna m1", "-new", "ben m2"]);
        model.act(at(10, 3), Intent::Open("@anna".parse().unwrap()));
        model.act(at(10, 3), Intent::Open(Place::lobby()));
        assert_eq!(drawn(&model), ["-Today", "anna m1", "ben m2"]);
        for (attended, seq) in [(false, 3), (true, 4), (false, 5)] {
            model.act(at(10, 4), Intent::Attend(attended));
            hear(&mut model, seq, "ben", moment(10, 1).now);
        }
        assert_eq!(drawn(&model), ["-Today", "anna m1", "ben m2", "+ m3", "+ m4", "-new", "ben m5"], "only what is new now");
    }

    #[test]
    fn a_run_of_messages_has_one_name() {
        let mut model = read();
        hear(&mut model, 1, "anna", moment(10, 0).now);
        hear(&mut model, 2, "anna", moment(10, 1).now);
        hear(&mut model, 3, "ben", moment(10, 2).now);
        hear(&mut model, 4, "anna", moment(10, 3).now);
        hear(&mut model, 5, "anna", moment(10, 30).now);
        assert_eq!(drawn(&model), ["-Today", "anna m1", "+ m2", "ben m3", "anna m4", "anna m5"]);
    }

    #[test]
    fn every_day_begins_with_its_name() {
        let mut model = read();
        hear(&mut model, 1, "anna", UnixMillis(moment(0, 0).now.0 - 60_000));
        hear(&mut model, 2, "anna", moment(0, 0).now);
        assert_eq!(drawn(&model), ["-Yesterday", "anna m1", "-Today", "anna m2"]);
    }

    #[test]
    fn a_line_stands_where_reading_stopped() {
        let mut model = read();
        hear(&mut model, 1, "anna", moment(10, 0).now);
        model.act(at(0, 0), Intent::Attend(false));
        hear(&mut model, 2, "anna", moment(10, 1).now);
        hear(&mut model, 3, "anna", moment(10, 1).now);
        assert_eq!(drawn(&model), ["-Today", "anna m1", "-new", "anna m2", "+ m3"]);
    }

    #[test]
    fn a_saved_conversation_names_who_wrote_each_message() {
        let mut model = read();
        hear(&mut model, 1, "anna", UnixMillis(moment(0, 0).now.0 - 60_000));
        hear(&mut model, 2, "anna", moment(10, 0).now);
        hear(&mut model, 3, "anna", moment(10, 1).now);
        let text = as_text(&lines(&model, &Place::lobby(), moment(12, 0)));
        assert_eq!(text, "Yesterday\n23:59 anna: m1\n\nToday\n10:00 anna: m2\n10:01 anna: m3\n");
    }

    #[test]
    fn a_conversation_saved_as_a_table_has_who_wrote_each_message_in_its_row() {
        let mut model = read();
        hear(&mut model, 1, "anna", moment(10, 0).now);
        hear(&mut model, 2, "anna", moment(10, 1).now);
        let table = as_table(&lines(&model, &Place::lobby(), moment(12, 0)));
        assert_eq!(table, "day,time,from,text,altered,reply_to\r\nToday,10:00,anna,m1,,\r\nToday,10:01,anna,m2,,\r\n");
    }

    #[test]
    fn only_own_messages_that_stand_can_be_altered_and_altered_ones_say_so() {
        let mut model = read();
        hear(&mut model, 1, "me", moment(10, 0).now);
        hear(&mut model, 2, "me", moment(10, 0).now);
        hear(&mut model, 3, "anna", moment(10, 0).now);
        let alter = |seq: u64, deleted: bool| {
            let (from, text) = (AccountName::new("me").unwrap(), if deleted { Text::deleted() } else { Text::new("better").unwrap() });
            let altered = Some(if deleted { Alteration::deleted(1, moment(11, 0).now) } else { Alteration::edited(1, moment(11, 0).now) });
            Message { altered, ..Message::new(ConversationId(1), Seq(seq), from, text, moment(10, 0).now) }
        };
        for message in [alter(1, false), alter(2, true)] {
            model.apply(at(11, 0), Update::Altered { place: Place::lobby(), message });
        }
        model.act(at(11, 0), Intent::Seek { place: Place::lobby(), seq: Seq(3) });
        let rows = lines(&model, &Place::lobby(), moment(12, 0));
        let marks: Vec<_> = rows
            .iter()
            .filter_map(|row| match row {
                LineRow::Message(row) => Some((row.key.as_str(), row.altered, row.sought)),
                _ => None,
            })
            .collect();
        assert_eq!(marks, [("1", AlterationMark::Edited, false), ("", AlterationMark::Deleted, false), ("", AlterationMark::None, true)]);
    }

    #[test]
    fn a_file_stands_below_what_was_written_beside_it_with_its_length_and_without_a_command() {
        let mut model = model();
        let attachment = |name: &str| {
            let (file, hash) = (belfry_core::chat::FileId(12), belfry_core::chat::ContentHash([7; 32]));
            Some(Box::new(belfry_core::chat::Attachment {
                file,
                name: belfry_core::chat::FileName::new(name).unwrap(),
                bytes: 1_500_000,
                hash,
            }))
        };
        for (seq, words) in [(1, "look"), (2, "plan.pdf")] {
            let (from, text) = (AccountName::new("anna").unwrap(), Text::new(words).unwrap());
            let message = Message::new(ConversationId(1), Seq(seq), from, text, moment(10, 0).now);
            let message = Message { attachment: attachment("plan.pdf"), ..message };
            model.apply(at(12, 0), Update::Message { place: Place::lobby(), message });
        }
        let shown = drawn(&model);
        assert!(shown.contains(&"anna look\n📎 plan.pdf · 1.4 MiB".to_owned()), "{shown:?}");
        assert!(shown.contains(&"+ 📎 plan.pdf · 1.4 MiB".to_owned()), "{shown:?}");
    }

    #[test]
    fn a_reply_stands_under_what_it_replies_to_as_far_as_that_is_there() {
        let quoted = |from: &str, line: Option<&str>| {
            let line = line.map(|line| line.parse().unwrap());
            Quote { seq: Seq(3), quoted: Some(Quoted { from: AccountName::new(from).unwrap(), line }) }
        };
        let gone = Quote { seq: Seq(3), quoted: None };
        let model = model();
        let row = |quote: &Quote, waits| quote_row(&model, quote, waits);
        let expected = QuoteRow { seq: "3".into(), who: "anna".into(), text: "shall we?".into(), ..QuoteRow::default() };
        assert_eq!(row(&quoted("anna", Some("shall we?")), false), expected);
        assert!(row(&quoted("me", Some("x")), false).own);
        let missing = [(quoted("anna", None), false), (gone.clone(), false), (gone, true)].map(|(quote, waits)| row(&quote, waits).missing);
        assert_eq!(missing, [MissingQuote::Deleted, MissingQuote::Gone, MissingQuote::Unknown]);
    }

    #[test]
    fn a_saved_conversation_tells_what_was_altered_from_what_was_typed_and_nothing_in_it_runs() {
        let row = |text: &str, altered: AlterationMark| {
            let reply = QuoteRow { who: "ben".into(), text: "shall we?".into(), ..QuoteRow::default() };
            LineRow::Message(Box::new(ChatRow {
                who: "anna".into(),
                by: "anna".into(),
                time: "10:00".into(),
                text: text.into(),
                altered,
                quote: (text == "one\ntwo").then_some(reply),
                ..ChatRow::default()
            }))
        };
        let rows = [
            LineRow::Day("Today".into()),
            row("(deleted)", AlterationMark::None),
            row("(deleted)", AlterationMark::Deleted),
            row("=cmd|' /c calc'!A1", AlterationMark::Edited),
            row("＠SUM(1)", AlterationMark::None),
            row("one\ntwo", AlterationMark::None),
        ];
        let table = as_table(&rows);
        let lines = [
            "day,time,from,text,altered,reply_to",
            "Today,10:00,anna,(deleted),,",
            "Today,10:00,anna,,deleted,",
            "Today,10:00,anna,'=cmd|' /c calc'!A1,edited,",
            "Today,10:00,anna,'＠SUM(1),,",
            "Today,10:00,anna,\"one",
            "two\",,ben “shall we?”",
        ];
        assert_eq!(table, lines.map(|line| format!("{line}\r\n")).concat(), "one kind of line end");
        let text = as_text(&rows);
        let lines: Vec<_> = text.lines().take(4).collect();
        assert_eq!(lines, ["Today", "10:00 anna: (deleted)", "10:00 anna, deleted", "10:00 anna, edited: =cmd|' /c calc'!A1"]);
        assert!(text.ends_with("10:00 anna, replying to ben “shall we?”: one\n    two\n"), "{text}");
    }

    #[test]
    fn an_own_message_says_what_has_become_of_it() {
        let mut model = read();
        let effects = model.act(at(10, 0), Intent::Say { to: Place::lobby(), text: Text::new("hello").unwrap(), reply_to: None });
        assert_eq!(drawn(&model), ["-Today", "You hello waits"]);
        let rows = lines(&model, &Place::lobby(), moment(10, 0));
        let faces: Vec<_> =
            rows.iter().filter_map(|row| if let LineRow::Message(row) = row { Some(row.by.as_str()) } else { None }).collect();
        assert_eq!(faces, [model.me().unwrap().as_str()], "one's own face has letters, too");
        let own = effects
            .iter()
            .find_map(|effect| if let Effect::Tell(Command::PostAs { ticket: own, .. }) = effect { Some(*own) } else { None });
        model.apply(at(10, 0), Update::Refused { ticket: own.unwrap(), refusal: Refusal::Busy });
        assert_eq!(drawn(&model), ["-Today", "You hello failed"]);
    }
}
