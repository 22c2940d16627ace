//! What a message replies to: kept as a number, and read as it stands when it is told.

use belfry_core::chat::{AccountName, Excerpt, Quote, Quoted, Refusal, Seq};
use rusqlite::Row;

use super::column::{optional_number, optional_words};
use super::conversations::StoredConversation;

/// The step of the schema: a column, since a message replies to one at most. What it names may be kept no longer.
pub(super) const STEP: &str = "
ALTER TABLE messages ADD COLUMN reply_to INTEGER CHECK (reply_to > 0);
";

/// Whether a message may reply to this one of the conversation that it goes to (`None` before that begins): it must have been said there.
/// That it was taken back, or is kept no longer, is no reason to lose what somebody wrote while they were away.
pub(super) fn check(reply_to: Option<Seq>, conversation: Option<&StoredConversation>) -> Result<(), Refusal> {
    let was_said = |seq: Seq| seq > Seq(0) && conversation.is_some_and(|conversation| seq <= conversation.last);
    if reply_to.is_none_or(was_said) { Ok(()) } else { Err(Refusal::UnknownMessage) }
}

/// Reads four columns from this one on: the number that is replied to, and of that message who wrote it, what it says, and whether it was
/// taken back.
pub(super) fn read(row: &Row<'_>, from: usize) -> rusqlite::Result<Option<Quote>> {
    let Some(seq) = optional_number(row, from)? else { return Ok(None) };
    let author: Option<AccountName> = optional_words(row, from + 1)?;
    let quoted = match author {
        Some(author) => {
            let deleted: bool = row.get(from + 3)?;
            let text = row.get_ref(from + 2)?.as_str()?;
            Some(Quoted { from: author, line: (!deleted).then(|| Excerpt::of(text)) })
        }
        None => None,
    };
    Ok(Some(Quote { seq: Seq(seq), quoted }))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountId, PostId, Text};

    use super::super::fixture::{LOBBY, add, ask, direct, each_store, found, newest, overview, posted, say};
    use super::super::{Bite, MessageJob, Outcome, Store, Target, Work};
    use super::*;

    fn reply(store: &mut Store, account: AccountId, counter: u64, to: Target, reply_to: u64) -> Result<Outcome, Refusal> {
        let (post, text) = (PostId { outbox: 9, counter }, Text::new("yes").unwrap());
        ask(store, 5, Work::Post { account, post, to, text, reply_to: Some(Seq(reply_to)) })
    }

    fn alter(store: &mut Store, account: AccountId, seq: u64, text: Option<&str>) {
        let text = text.map(|text| Text::new(text).unwrap());
        ask(store, 6, Work::Message(MessageJob::Alter { account, of: Target::Room(LOBBY), seq: Seq(seq), text })).unwrap();
    }

    /// What stands above the newest message of the lobby: the number, and who said what, or `None`.
    fn quoted(store: &mut Store, account: AccountId) -> (u64, Option<(String, Option<String>)>) {
        let quote = newest(store, account, Target::Room(LOBBY)).unwrap().pop().unwrap().reply_to.unwrap();
        (quote.seq.0, quote.quoted.map(|quoted| (quoted.from.to_string(), quoted.line.map(|line| line.to_string()))))
    }

    fn line(from: &str, line: &str) -> Option<(String, Option<String>)> {
        Some((from.to_owned(), Some(line.to_owned())))
    }

    #[test]
    fn a_reply_is_told_with_what_it_replies_to_as_that_stands_now() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            say(store, anna, 2);
            let (told, ..) = posted(reply(store, bob, 1, Target::Room(LOBBY), 2));
            assert_eq!(newest(store, anna, Target::Room(LOBBY)).unwrap().pop(), Some(told), "as it is told to everybody at once");
            assert_eq!(quoted(store, anna), (2, line("anna", "hello")));
            alter(store, anna, 2, Some("better\nand longer"));
            assert_eq!(quoted(store, anna), (2, line("anna", "better")));
            alter(store, anna, 2, None);
            assert_eq!(quoted(store, anna), (2, Some(("anna".to_owned(), None))));
        });
    }

    #[test]
    fn a_reply_that_is_edited_replies_to_the_same_message_and_is_found_by_its_own_words_alone() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 1);
            reply(store, anna, 1, Target::Room(LOBBY), 1).unwrap();
            alter(store, anna, 2, Some("after all"));
            assert_eq!(quoted(store, anna), (1, line("anna", "hello")));
            assert_eq!((found(store, anna, "hello"), found(store, anna, "after")), (vec![1], vec![2]));
        });
    }

    #[test]
    fn what_was_never_said_there_is_not_replied_to_and_nothing_begins_by_it() {
        each_store(|store| {
            let (anna, _bob) = (add(store, "anna"), add(store, "bob"));
            say(store, anna, 3);
            for seq in [0, 4, u64::MAX] {
                assert_eq!(reply(store, anna, 1, Target::Room(LOBBY), seq), Err(Refusal::UnknownMessage), "{seq}");
            }
            assert_eq!(reply(store, anna, 2, direct("bob"), 1), Err(Refusal::UnknownMessage), "its number is of another conversation");
            assert_eq!(overview(store, 9, anna).0.len(), 1, "the direct conversation has not begun");
            assert_eq!(newest(store, anna, Target::Room(LOBBY)).unwrap().len(), 3);
        });
    }

    #[test]
    fn a_message_that_is_kept_no_longer_can_be_replied_to_and_the_reply_says_so() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 3);
            reply(store, anna, 1, Target::Room(LOBBY), 1).unwrap();
            let (rooms_differ, bite) = (false, Bite::Messages(LOBBY));
            let tidy =
                Work::Tidy { messages_before: None, messages_kept: Some(2), rooms_differ, notices_before: None, audit_before: None, bite };
            ask(store, 50, tidy).unwrap();
            assert_eq!(quoted(store, anna), (1, None));
            posted(reply(store, anna, 2, Target::Room(LOBBY), 2));
            assert_eq!(quoted(store, anna), (2, None));
        });
    }

    #[test]
    fn a_reply_that_is_sent_again_is_the_first_one_whatever_has_become_of_what_it_replies_to() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 1);
            let (first, ..) = posted(reply(store, anna, 1, Target::Room(LOBBY), 1));
            alter(store, anna, 1, None);
            let (again, _, repeated, _) = posted(reply(store, anna, 1, Target::Room(LOBBY), 1));
            assert_eq!((again.seq, repeated), (first.seq, true));
        });
    }
}
