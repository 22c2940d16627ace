//! What a line typed into the chat means.

use belfry_core::chat::{ArrangementFlag, NoticeId, Place, Seq, Text};
use belfry_core::limits::PAGE_ENTRIES_MAX;

/// Messages that `/history` shows unless told otherwise.
const HISTORY_DEFAULT: u32 = 50;

/// What `/help` says.
pub(super) const HELP: &str = "\
/who              who is here
/history [N]      the newest messages again, with their numbers
/to NAME          go to the direct conversation with somebody
/room [NAME]      go to a room, or back to the lobby
/answer ID N      answer a notice with its answer number N
/reply #N TEXT    say something in reply to the message with the number N
/edit [#N] TEXT   write one's last message here anew, or the one with the number N
/delete [#N]      take one's last message here back, or the one with the number N
/list             one's conversations, those that are pinned first
/pin, /unpin      let this conversation stand before the others, or not
/mute, /unmute    let this conversation pop nothing up and make no sound on the desktop, or not
/unread           mark this conversation as unread, until it is opened again
/away             be shown as away until the next line
/quit             leave (also Ctrl+D or Ctrl+C on an empty line)
//text            say something that begins with a /";

/// What a typed line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// An empty line.
    Nothing,
    Say(Text),
    /// In reply to the message of this number.
    Reply(Seq, Text),
    Help,
    Who,
    History(u32),
    Go(Place),
    Answer(NoticeId, u8),
    /// One's last message, or the one of this number.
    Edit(Option<Seq>, Text),
    Delete(Option<Seq>),
    /// One's conversations.
    List,
    /// Of the conversation that one is in.
    Arrange(ArrangementFlag, bool),
    Away,
    Quit,
}

/// Understands a line.
///
/// # Errors
/// A sentence for the person who typed it.
pub(super) fn understand(line: &str) -> Result<Entry, String> {
    let Some(command) = line.strip_prefix('/') else {
        return say(line);
    };
    if command.starts_with('/') {
        return say(command);
    }
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    match (word, rest) {
        ("help", _) => Ok(Entry::Help),
        ("who", "") => Ok(Entry::Who),
        ("away", "") => Ok(Entry::Away),
        ("list", "") => Ok(Entry::List),
        ("pin" | "unpin", "") => Ok(Entry::Arrange(ArrangementFlag::Pinned, word == "pin")),
        ("mute" | "unmute", "") => Ok(Entry::Arrange(ArrangementFlag::Muted, word == "mute")),
        ("unread", "") => Ok(Entry::Arrange(ArrangementFlag::MarkedUnread, true)),
        ("quit" | "exit", "") => Ok(Entry::Quit),
        ("history", "") => Ok(Entry::History(HISTORY_DEFAULT)),
        ("history", count) => match count.parse() {
            Ok(count @ 1..=PAGE_ENTRIES_MAX) => Ok(Entry::History(count)),
            _ => Err(format!("/history takes a number from 1 to {PAGE_ENTRIES_MAX}.")),
        },
        ("to", "") => Err("/to takes a name: /to bob".to_owned()),
        ("to", name) => name.parse().map(|account| Entry::Go(Place::Direct(account))).map_err(|error| format!("{error}")),
        ("room", "") => Ok(Entry::Go(Place::lobby())),
        ("room", name) => name.parse().map(|room| Entry::Go(Place::Room(room))).map_err(|error| format!("{error}")),
        ("answer", numbers) => answer(numbers).ok_or_else(|| "/answer takes the notice's number and the answer's: /answer 7 0".to_owned()),
        ("reply", rest) => reply(rest),
        ("edit", rest) => edit(rest),
        ("delete", "") => Ok(Entry::Delete(None)),
        ("delete", rest) => match numbered(rest) {
            Some((seq, "")) => Ok(Entry::Delete(Some(seq))),
            _ => Err("/delete takes nothing for one's last message, or a message's number: /delete #7".to_owned()),
        },
        ("who" | "away" | "list" | "pin" | "unpin" | "mute" | "unmute" | "unread" | "quit" | "exit", _) => {
            Err(format!("/{word} stands alone, with nothing behind it."))
        }
        _ => Err(format!("There is no command /{word}; /help lists them, and // says a text that begins with a /.")),
    }
}

fn say(text: &str) -> Result<Entry, String> {
    if text.trim().is_empty() {
        return Ok(Entry::Nothing);
    }
    Text::new(text).map(Entry::Say).map_err(|error| error.to_string())
}

fn reply(rest: &str) -> Result<Entry, String> {
    match numbered(rest) {
        Some((seq, text)) if !text.is_empty() => Text::new(text).map(|text| Entry::Reply(seq, text)).map_err(|error| error.to_string()),
        _ => Err("/reply takes a message's number and what to say to it: /reply #7 see you at six".to_owned()),
    }
}

fn edit(rest: &str) -> Result<Entry, String> {
    let (seq, text) = numbered(rest).map_or((None, rest), |(seq, text)| (Some(seq), text));
    if text.is_empty() {
        return Err("/edit takes what one's last message shall say, or a number before it: /edit #7 see you at six".to_owned());
    }
    Text::new(text).map(|text| Entry::Edit(seq, text)).map_err(|error| error.to_string())
}

/// `#7 and what follows`.
fn numbered(rest: &str) -> Option<(Seq, &str)> {
    let (number, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let number = number.strip_prefix('#')?.parse().ok()?;
    Some((Seq(number), rest.trim_start()))
}

fn answer(numbers: &str) -> Option<Entry> {
    let (notice, answer) = numbers.split_once(char::is_whitespace)?;
    let notice = notice.strip_prefix('#').unwrap_or(notice);
    Some(Entry::Answer(NoticeId(notice.parse().ok()?), answer.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<Entry, String> {
        Ok(Entry::Say(Text::new(text).unwrap()))
    }

    #[test]
    fn what_is_no_command_is_said() {
        assert_eq!(understand("hello / there"), said("hello / there"));
        assert_eq!(understand("//etc/hosts"), said("/etc/hosts"));
        assert_eq!(understand("   "), Ok(Entry::Nothing));
    }

    #[test]
    fn commands_are_understood() {
        assert_eq!(understand("/who"), Ok(Entry::Who));
        assert_eq!((understand("/away"), understand("/quit")), (Ok(Entry::Away), Ok(Entry::Quit)));
        assert_eq!(understand("/history"), Ok(Entry::History(50)));
        assert_eq!(understand("/history 7 "), Ok(Entry::History(7)));
        assert_eq!(understand("/to Anna Berg"), Ok(Entry::Go(Place::Direct("Anna Berg".parse().unwrap()))));
        assert_eq!(understand("/room"), Ok(Entry::Go(Place::lobby())));
        assert_eq!(understand("/reply #7  at six"), Ok(Entry::Reply(Seq(7), Text::new("at six").unwrap())));
        for typed in ["/reply", "/reply at six", "/reply #7 "] {
            assert!(understand(typed).unwrap_err().contains("/reply #7 see you at six"), "{typed}");
        }
        for typed in ["/answer 7 1", "/answer #7  1"] {
            assert_eq!(understand(typed), Ok(Entry::Answer(NoticeId(7), 1)));
        }
        assert_eq!(understand("/list"), Ok(Entry::List));
        assert_eq!(understand("/mute"), Ok(Entry::Arrange(ArrangementFlag::Muted, true)));
        assert_eq!(understand("/unpin"), Ok(Entry::Arrange(ArrangementFlag::Pinned, false)));
        assert_eq!(understand("/unread"), Ok(Entry::Arrange(ArrangementFlag::MarkedUnread, true)));
        let text = |text| Text::new(text).unwrap();
        assert_eq!(understand("/edit 5 o'clock"), Ok(Entry::Edit(None, text("5 o'clock"))));
        assert_eq!(understand("/edit #7  five"), Ok(Entry::Edit(Some(Seq(7)), text("five"))));
        assert_eq!(understand("/edit #seven"), Ok(Entry::Edit(None, text("#seven"))));
        assert_eq!((understand("/delete"), understand("/delete #7")), (Ok(Entry::Delete(None)), Ok(Entry::Delete(Some(Seq(7))))));
    }

    #[test]
    fn a_command_typed_wrongly_is_explained_and_never_said() {
        for typed in [
            "/whoo",
            "/history many",
            "/history 0",
            "/to",
            "/to a/b",
            "/answer 7",
            "/answer x y",
            "/edit",
            "/edit #7",
            "/delete 7",
            "/delete #7 x",
            "/",
        ] {
            assert!(understand(typed).is_err(), "{typed}");
        }
        for (typed, word) in
            [("/who x", "/who"), ("/quit now", "/quit"), ("/exit 1", "/exit"), ("/away for lunch", "/away"), ("/mute lobby", "/mute")]
        {
            assert_eq!(understand(typed), Err(format!("{word} stands alone, with nothing behind it.")));
        }
    }
}
