//! What a line typed into the chat means.

use belfry_core::chat::{NoticeId, Place, Text};
use belfry_core::limits::PAGE_ENTRIES_MAX;

/// Messages that `/history` shows unless told otherwise.
const HISTORY_DEFAULT: u32 = 50;

/// What `/help` says.
pub(super) const HELP: &str = "\
/who              who is here
/history [N]      the newest messages again
/to NAME          go to the direct conversation with somebody
/room [NAME]      go to a room, or back to the lobby
/answer ID N      answer a notice with its answer number N
/quit             leave (also Ctrl+D)
//text            say something that begins with a /";

/// What a typed line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// An empty line.
    Nothing,
    Say(Text),
    Help,
    Who,
    History(u32),
    Go(Place),
    Answer(NoticeId, u8),
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
        _ => Err(format!("There is no command /{word}; /help lists them, and // says a text that begins with a /.")),
    }
}

fn say(text: &str) -> Result<Entry, String> {
    if text.trim().is_empty() {
        return Ok(Entry::Nothing);
    }
    Text::new(text).map(Entry::Say).map_err(|error| error.to_string())
}

fn answer(numbers: &str) -> Option<Entry> {
    let (notice, answer) = numbers.split_once(char::is_whitespace)?;
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
        assert_eq!(understand("/quit"), Ok(Entry::Quit));
        assert_eq!(understand("/history"), Ok(Entry::History(50)));
        assert_eq!(understand("/history 7 "), Ok(Entry::History(7)));
        assert_eq!(understand("/to Anna Berg"), Ok(Entry::Go(Place::Direct("Anna Berg".parse().unwrap()))));
        assert_eq!(understand("/room"), Ok(Entry::Go(Place::lobby())));
        assert_eq!(understand("/answer 7 1"), Ok(Entry::Answer(NoticeId(7), 1)));
    }

    #[test]
    fn a_command_typed_wrongly_is_explained_and_never_said() {
        for typed in ["/whoo", "/history many", "/history 0", "/to", "/to a/b", "/answer 7", "/answer x y", "/"] {
            assert!(understand(typed).is_err(), "{typed}");
        }
    }
}
