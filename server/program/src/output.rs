//! What people and scripts are shown on standard output: times, messages, notices, JSON lines, colours.

use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};
use std::time::Duration;

use belfry_core::chat::{AccountName, Attachment, Message, Notice, Place, Quote, Quoted, Reaction, spelled_bytes};
use belfry_core::time::UnixMillis;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::ending::{Ending, Outcome};
use crate::sentence::{indented, visible};

/// One line on standard output; standard output is flushed at each line's end, also into a pipe.
pub(crate) fn line(text: impl Display) -> Outcome {
    writeln!(io::stdout().lock(), "{text}").map_err(Ending::output)
}

/// These bytes on standard output, and no line's end behind them.
pub(crate) fn exactly(bytes: &[u8]) -> Outcome {
    io::stdout().lock().write_all(bytes).map_err(Ending::output)
}

/// One JSON object as one line on standard output.
pub(crate) fn json(object: &impl Serialize) -> Outcome {
    line(json_text(object)?)
}

/// One JSON object.
pub(crate) fn json_text(object: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(object).map_err(|error| Ending::refused(format_args!("The answer cannot be written as JSON: {error}.")))
}

/// Says something, but waits no longer than this: who reads it may stand still.
pub(crate) fn within(patience: Duration, say: impl FnOnce() + Send + 'static) {
    let (done, said) = std::sync::mpsc::channel();
    let speaker = std::thread::Builder::new().spawn(move || {
        say();
        drop(done);
    });
    if speaker.is_ok() {
        let _: Result<(), _> = said.recv_timeout(patience);
    }
}

/// Milliseconds that jiff can hold: it ends with the year 9999.
fn timestamp(at: UnixMillis) -> Timestamp {
    i64::try_from(at.0).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or(Timestamp::MAX)
}

/// Date and time to the minute in `zone`, for people.
pub(crate) fn minute(at: UnixMillis, zone: &TimeZone) -> String {
    timestamp(at).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The same with how the clocks are set there: where a time could be taken for another zone's.
pub(crate) fn minute_with_offset(at: UnixMillis, zone: &TimeZone) -> String {
    timestamp(at).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()
}

/// Whether and how to colour.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Paint {
    coloured: bool,
}

/// Whether colours are wanted there: on a terminal that can show them and whose owner has not declined them.
pub(crate) fn colours_are_wanted(stream: &impl io::IsTerminal) -> bool {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !declined && !dumb
}

impl Paint {
    /// Colours for a terminal whose owner has not declined them (<https://no-color.org>).
    pub(crate) fn for_stdout() -> Self {
        Self { coloured: colours_are_wanted(&io::stdout()) }
    }

    fn sgr(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    /// Somebody's name.
    pub(crate) fn name(self, text: &str) -> String {
        self.sgr("1;36", text)
    }

    /// What wants attention.
    pub(crate) fn alert(self, text: &str) -> String {
        self.sgr("1;33", text)
    }
}

/// A message as one object; the event of `listen` has the same fields.
#[derive(Debug, Serialize)]
pub(crate) struct MessageObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    seq: u64,
    room: String,
    from: &'a str,
    text: &'a str,
    sent_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<ReactionObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<AttachmentObject<'a>>,
}

/// The file that came with a message.
#[derive(Debug, Serialize)]
pub(crate) struct AttachmentObject<'a> {
    pub(crate) id: u64,
    pub(crate) name: &'a str,
    pub(crate) bytes: u64,
    pub(crate) blake3: String,
}

impl<'a> From<&'a Attachment> for AttachmentObject<'a> {
    fn from(attachment: &'a Attachment) -> Self {
        let Attachment { file, name, bytes, hash } = attachment;
        Self { id: file.0, name: name.as_str(), bytes: *bytes, blake3: hash.to_string() }
    }
}

/// People who have reacted to a message with the same sign; where they are many, some of them.
#[derive(Debug, Serialize)]
pub(crate) struct ReactionObject<'a> {
    emoji: &'a str,
    count: u64,
    by: Vec<&'a str>,
}

/// How people have reacted to a message.
pub(crate) fn reactions(message: &Message) -> Vec<ReactionObject<'_>> {
    let mut objects = Vec::new();
    for Reaction { emoji, count, by } in &message.reactions {
        objects.push(ReactionObject { emoji: emoji.as_str(), count: *count, by: by.iter().map(AccountName::as_str).collect() });
    }
    objects
}

impl<'a> MessageObject<'a> {
    /// A line of the history.
    pub(crate) fn stored(place: &Place, message: &'a Message) -> Self {
        Self {
            event: None,
            seq: message.seq.0,
            room: place.to_string(),
            from: message.from.as_str(),
            text: message.text.as_str(),
            sent_at: message.sent_at.rfc3339(),
            edited_at: message.edited_at().map(UnixMillis::rfc3339),
            deleted_at: message.deleted_at().map(UnixMillis::rfc3339),
            reply_to: message.reply_to.as_ref().map(|quote| quote.seq.0),
            file: message.attachment.as_deref().map(AttachmentObject::from),
            reactions: reactions(message),
        }
    }

    /// A line of `listen`.
    pub(crate) fn event(place: &Place, message: &'a Message) -> Self {
        Self { event: Some("message"), ..Self::stored(place, message) }
    }

    /// A line of `listen` about a message that was altered.
    pub(crate) fn altered(place: &Place, message: &'a Message) -> Self {
        let event = match message.altered {
            Some(altered) if altered.deleted => "deleted",
            Some(altered) if altered.is_reaction() => "reacted",
            _ => "edited",
        };
        Self { event: Some(event), ..Self::stored(place, message) }
    }
}

/// `[2026-11-21 10:02] alice: text`, further lines indented, behind it `(edited)` if it was and `(👍 2)` for reactions; `alice, replying to #7 bob “text”` where it
/// replies to another, and `alice, with file 12 (plan.pdf, 1.4 MiB)` where a file came with it: no name has a comma, so nobody can write that. Where
/// nothing was written beside the file, no text follows.
pub(crate) fn message_line(message: &Message, zone: &TimeZone, paint: Paint) -> String {
    let edited = if message.edited_at().is_some() { paint.dim(" (edited)") } else { String::new() };
    let reactions = if message.reactions.is_empty() { String::new() } else { paint.dim(&format!(" ({})", counted(message, ", "))) };
    let with = message.attachment.as_deref().map_or_else(String::new, |attachment| {
        let Attachment { file, name, bytes, .. } = attachment;
        paint.dim(&format!(", with file {} ({}, {})", file.0, visible(name.as_str()), spelled_bytes(*bytes)))
    });
    format!(
        "{} {}{}{with}{}{edited}{reactions}",
        paint.dim(&format!("[{}]", minute(message.sent_at, zone))),
        paint.name(&visible(message.from.as_str())),
        message.reply_to.as_ref().map(|quote| paint.dim(&replying(quote))).unwrap_or_default(),
        message.caption().map_or_else(String::new, |text| format!(": {}", indented(text.as_str())))
    )
}

/// `👍 2, 🎉 1`.
pub(crate) fn counted(message: &Message, between: &str) -> String {
    let one = |reaction: &Reaction| format!("{} {}", visible(reaction.emoji.as_str()), reaction.count);
    message.reactions.iter().map(one).collect::<Vec<_>>().join(between)
}

/// `, replying to #7 bob “text”`, for behind a name.
fn replying(quote: &Quote) -> String {
    let Quote { seq, quoted } = quote;
    match quoted {
        Some(Quoted { from, line }) => {
            let line = line.as_ref().map_or_else(|| "(deleted)".to_owned(), |line| format!("“{}”", visible(line.as_str())));
            format!(", replying to #{} {} {line}", seq.0, visible(from.as_str()))
        }
        None => format!(", replying to #{} (kept no longer)", seq.0),
    }
}

/// `#7 `, for before a message: how its number is written where one is wanted.
pub(crate) fn number(message: &Message, paint: Paint) -> String {
    format!("{} ", paint.dim(&format!("#{}", message.seq.0)))
}

/// `notice 7 [important] from admin: Title: body (answers: 0 Safe, 1 Need help)`, or that it is over.
pub(crate) fn notice_line(notice: &Notice, paint: Paint) -> String {
    let heading = paint.alert(&format!("notice {} [{}]", notice.id.0, notice.severity));
    let title = notice.title.as_ref().map(|title| format!("{}: ", visible(title.as_str()))).unwrap_or_default();
    let mut line = format!("{heading} from {}: {title}{}", visible(notice.author.as_str()), indented(notice.body.as_str()));
    let given = notice.answered.and_then(|given| notice.answers.get(usize::from(given.answer)));
    if notice.state != belfry_core::chat::NoticeState::Open {
        let _ = write!(line, " {}", paint.dim(&format!("({})", notice.state)));
    } else if let Some(label) = given {
        let _ = write!(line, " {}", paint.dim(&format!("(answered: {})", visible(label.as_str()))));
    } else {
        let answers: Vec<_> = notice.answers.iter().enumerate().map(|(n, answer)| format!("{n} {}", visible(answer.as_str()))).collect();
        let reminder = if notice.reminder == 0 { String::new() } else { format!("reminder {}; ", notice.reminder) };
        let _ = write!(line, " {}", paint.dim(&format!("({reminder}answers: {})", answers.join(", "))));
    }
    line
}

#[cfg(test)]
pub(crate) mod tests {
    use belfry_core::chat::{
        Alteration, ContentHash, ConversationId, FileId, FileName, Label, NoticeId, NoticeState, Seq, Severity, Text, Title,
    };

    use super::*;

    pub(crate) fn message(text: &str) -> Message {
        Message::new(ConversationId(1), Seq(7), AccountName::new("alice").unwrap(), Text::new(text).unwrap(), UnixMillis(1_795_255_323_123))
    }

    pub(crate) fn notice() -> Notice {
        Notice {
            title: Some(Title::new("Drill").unwrap()),
            answers: vec![Label::new("Safe").unwrap(), Label::new("Need help").unwrap()],
            ..Notice::new(
                NoticeId(3),
                AccountName::new("admin").unwrap(),
                UnixMillis(1_795_255_323_123),
                Severity::Important,
                Text::new("Leave now.").unwrap(),
            )
        }
    }

    #[test]
    fn further_lines_of_a_message_are_indented() {
        let line = message_line(&message("one\ntwo"), &TimeZone::UTC, Paint::default());
        assert_eq!(line, "[2026-11-21 10:02] alice: one\n    two");
    }

    #[test]
    fn a_message_is_one_json_object_with_the_fields_of_the_contract() {
        assert_eq!(
            json_text(&MessageObject::stored(&Place::lobby(), &message("hi\nthere"))).unwrap(),
            r#"{"seq":7,"room":"lobby","from":"alice","text":"hi\nthere","sent_at":"2026-11-21T10:02:03.123Z"}"#
        );
        let direct = Place::Direct(AccountName::new("bob").unwrap());
        assert!(
            json_text(&MessageObject::event(&direct, &message("x"))).unwrap().starts_with(r#"{"event":"message","seq":7,"room":"@bob","#)
        );
    }

    #[test]
    fn a_message_that_was_altered_says_so() {
        let altered = |deleted| Some(if deleted { Alteration::deleted(1, UnixMillis(0)) } else { Alteration::edited(1, UnixMillis(0)) });
        let edited = Message { altered: altered(false), ..message("hi") };
        assert!(message_line(&edited, &TimeZone::UTC, Paint::default()).ends_with("alice: hi (edited)"));
        let object = json_text(&MessageObject::altered(&Place::lobby(), &edited)).unwrap();
        assert!(
            object.starts_with(r#"{"event":"edited","seq":7"#) && object.ends_with(r#""edited_at":"1970-01-01T00:00:00.000Z"}"#),
            "{object}"
        );
        let deleted = Message { altered: altered(true), text: Text::deleted(), ..message("hi") };
        assert!(message_line(&deleted, &TimeZone::UTC, Paint::default()).ends_with("alice: (deleted)"));
        assert!(json_text(&MessageObject::altered(&Place::lobby(), &deleted)).unwrap().contains(r#""event":"deleted""#));
    }

    #[test]
    fn a_message_says_how_people_have_reacted_to_it_and_that_this_is_no_edit() {
        let by = ["alice", "bob"].map(|name| AccountName::new(name).unwrap()).to_vec();
        let altered = Some(Alteration { edited_at: None, ..Alteration::edited(1, UnixMillis(0)) });
        let reactions = vec![Reaction { emoji: "👍".parse().unwrap(), count: 2, by }];
        let reacted = Message { reactions, altered, ..message("hi") };
        assert_eq!(message_line(&reacted, &TimeZone::UTC, Paint::default()), "[2026-11-21 10:02] alice: hi (👍 2)");
        let object = json_text(&MessageObject::altered(&Place::lobby(), &reacted)).unwrap();
        assert!(object.starts_with(r#"{"event":"reacted","seq":7"#), "{object}");
        assert!(object.ends_with(r#""reactions":[{"emoji":"👍","count":2,"by":["alice","bob"]}]}"#), "{object}");
        assert!(!object.contains("edited_at"));
    }

    #[test]
    fn a_reply_says_what_it_replies_to_as_far_as_that_is_there() {
        let replies = |quote| Message { reply_to: Some(Box::new(quote)), ..message("yes") };
        let line = |message: &Message| message_line(message, &TimeZone::UTC, Paint::default());
        let quote = Quote { seq: Seq(3), ..Quote::of(&message("shall we?\nnow")) };
        assert_eq!(line(&replies(quote.clone())), "[2026-11-21 10:02] alice, replying to #3 alice “shall we?”: yes");
        assert!(json_text(&MessageObject::stored(&Place::lobby(), &replies(quote))).unwrap().ends_with(r#","reply_to":3}"#));
        let gone = Quote { seq: Seq(3), quoted: None };
        assert_eq!(line(&replies(gone)), "[2026-11-21 10:02] alice, replying to #3 (kept no longer): yes");
        let deleted = Quote { seq: Seq(3), quoted: Some(Quoted { from: AccountName::new("bob").unwrap(), line: None }) };
        assert_eq!(line(&replies(deleted)), "[2026-11-21 10:02] alice, replying to #3 bob (deleted): yes");
    }

    #[test]
    fn a_message_with_a_file_says_how_it_is_had() {
        let attachment = |name: &str| {
            let name = FileName::new(name).unwrap();
            Some(Box::new(Attachment { file: FileId(12), name, bytes: 1_500_000, hash: ContentHash([0xab; 32]) }))
        };
        let line = |message: &Message| message_line(message, &TimeZone::UTC, Paint::default());
        let with = Message { attachment: attachment("plan.pdf"), ..message("look") };
        assert_eq!(line(&with), "[2026-11-21 10:02] alice, with file 12 (plan.pdf, 1.4 MiB): look");
        let without_a_word = Message { attachment: attachment("plan.pdf"), ..message("plan.pdf") };
        assert_eq!(line(&without_a_word), "[2026-11-21 10:02] alice, with file 12 (plan.pdf, 1.4 MiB)");
        let object = json_text(&MessageObject::stored(&Place::lobby(), &with)).unwrap();
        let blake3 = "ab".repeat(32);
        assert!(object.ends_with(&format!(r#""file":{{"id":12,"name":"plan.pdf","bytes":1500000,"blake3":"{blake3}"}}}}"#)), "{object}");
    }

    #[test]
    fn an_open_notice_names_its_answers_and_a_closed_one_its_state() {
        let mut notice = notice();
        assert_eq!(
            notice_line(&notice, Paint::default()),
            "notice 3 [important] from admin: Drill: Leave now. (answers: 0 Safe, 1 Need help)"
        );
        notice.reminder = 2;
        assert!(notice_line(&notice, Paint::default()).ends_with("(reminder 2; answers: 0 Safe, 1 Need help)"));
        notice.answered = Some(belfry_core::chat::GivenAnswer { answer: 1, at: UnixMillis(0) });
        assert!(notice_line(&notice, Paint::default()).ends_with("Leave now. (answered: Need help)"));
        notice.state = NoticeState::Withdrawn;
        assert!(notice_line(&notice, Paint::default()).ends_with("Leave now. (withdrawn)"));
    }

    #[test]
    fn colours_are_only_for_those_who_want_them() {
        assert_eq!(Paint::default().name("alice"), "alice");
        assert_eq!(Paint { coloured: true }.dim("x"), "\x1b[2mx\x1b[0m");
    }
}
