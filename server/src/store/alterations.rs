//! What becomes of messages after they were sent: written anew, taken back, read.

use belfry_core::chat::{AccountId, Answer, ConversationId, Original, Parties, Refusal, Seq, Text};
use belfry_core::limits::PAGE_ENTRIES_MAX;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{clamped, number, time, words};
use super::conversations;
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{MessageAltered, MessageJob, Outcome, ReadUpTo, StoreError, Target, arranging, files, messages, reactions, search};

const STANDS: &str = "SELECT author, text, deleted FROM messages WHERE conversation = ?1 AND seq = ?2";
const KEEP: &str = "INSERT INTO originals (conversation, seq, version, until, text)
    SELECT ?1, ?2, 1 + coalesce(max(version), 0), ?3, ?4 FROM originals WHERE conversation = ?1 AND seq = ?2";
const ALTER: &str =
    "UPDATE messages SET text = ?3, deleted = ?4, alteration = ?5, altered_at = ?6, edited_at = ?7 WHERE conversation = ?1 AND seq = ?2";
const ORIGINALS: &str = "SELECT a.name, o.text, o.until FROM originals o
    CROSS JOIN messages m ON m.conversation = o.conversation AND m.seq = o.seq CROSS JOIN accounts a ON a.id = m.author
    WHERE o.conversation = ?1 AND o.seq = ?2 AND o.version > ?3 ORDER BY o.version LIMIT ?4";
const MARK_READ: &str = "INSERT INTO readings (account, conversation, upto) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET upto = excluded.upto";

pub(super) fn perform(connection: &Connection, at: UnixMillis, talk: MessageJob) -> Result<Outcome, Trouble> {
    match talk {
        MessageJob::Alter { account, of, seq, text } => alter(connection, at, account, &of, seq, text),
        MessageJob::AlteredSince { account, conversation, after } => altered_since(connection, account, conversation, after),
        MessageJob::MarkRead { account, of, upto } => mark_read(connection, account, &of, upto),
        MessageJob::Arrange { account, of, flag, on } => arranging::arrange(connection, account, &of, flag, on),
        MessageJob::React { account, of, seq, emoji, set } => reactions::react(connection, at, account, (&of, seq), &emoji, set),
        MessageJob::Reactors { account, of, seq, after } => reactions::reactors(connection, account, &of, seq, after),
        MessageJob::Search { account, text, within, before, limit } => {
            search::find(connection, account, &text, within.as_ref(), before, limit)
        }
        MessageJob::Originals { of, seq, after } => originals(connection, &of, seq, after),
    }
}

fn alter(
    connection: &Connection,
    at: UnixMillis,
    account: AccountId,
    of: &Target,
    seq: Seq,
    text: Option<Text>,
) -> Result<Outcome, Trouble> {
    let conversation = conversations::begun(connection, account, of)?;
    conversations::since(connection, &conversation, account)?;
    let key = [clamped(conversation.id.0), clamped(seq.0)];
    let stands = connection
        .prepare_cached(STANDS)?
        .query_row(key, |row| Ok((AccountId(number(row, 0)?), words::<Text>(row, 1)?, row.get::<_, bool>(2)?)))
        .optional()?;
    let (author, stood, deleted) = stands.ok_or(Refusal::UnknownMessage)?;
    if author != account {
        return Err(Refusal::NotYourMessage.into());
    }
    let repeated = match &text {
        None => deleted,
        // What was taken back is not there to be written anew.
        Some(_) if deleted => return Err(Refusal::UnknownMessage.into()),
        Some(text) => *text == stood,
    };
    if !repeated {
        let number = conversation.alterations + 1;
        let (id, seq) = (clamped(conversation.id.0), clamped(seq.0));
        connection.prepare_cached(KEEP)?.execute(params![id, seq, clamped(at.0), stood.as_str()])?;
        let (deletes, edited_at) = (text.is_none(), text.as_ref().map(|_| clamped(at.0)));
        if deletes {
            files::take_back(connection, conversation.id, Seq(seq.unsigned_abs()))?;
        }
        let text = text.unwrap_or_else(Text::deleted);
        connection.prepare_cached(ALTER)?.execute(params![id, seq, text.as_str(), deletes, clamped(number), clamped(at.0), edited_at])?;
        if deletes {
            reactions::forget(connection, id, seq)?;
        }
        conversations::count_alterations(connection, conversation.id, number)?;
    }
    let message = messages::one(connection, conversation.id, seq)?.ok_or(StoreError::contradiction("an altered message is gone"))?;
    Ok(MessageAltered { message, place: conversation.place, repeated }.into())
}

fn altered_since(connection: &Connection, account: AccountId, conversation: ConversationId, after: u64) -> Result<Outcome, Trouble> {
    let conversation = conversations::find(connection, conversation)?;
    conversations::since(connection, &conversation, account)?;
    let page = messages::altered_since(connection, conversation.id, after)?;
    Ok(Outcome::Read(Answer::Altered { page, last: conversation.alterations }))
}

fn mark_read(connection: &Connection, account: AccountId, of: &Target, upto: Seq) -> Result<Outcome, Trouble> {
    let conversation = conversations::begun(connection, account, of)?;
    let since = conversations::since(connection, &conversation, account)?;
    let (upto, before) = (upto.min(conversation.last), conversations::read_upto(connection, conversation.id, account)?);
    let moved = upto > before;
    if moved {
        connection.prepare_cached(MARK_READ)?.execute([clamped(account.0), clamped(conversation.id.0), clamped(upto.0)])?;
    }
    let read = upto.max(before);
    let unread = conversations::unread(connection, conversation.id, conversation.last, read, since, conversation.kept_from)?;
    Ok(ReadUpTo { conversation: conversation.id, read, unread, moved }.into())
}

fn originals(connection: &Connection, of: &Parties, seq: Seq, after: u32) -> Result<Outcome, Trouble> {
    let conversation = conversations::of_parties(connection, of)?.ok_or(Refusal::UnknownMessage)?;
    messages::one(connection, conversation.id, seq)?.ok_or(Refusal::UnknownMessage)?;
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    let mut statement = connection.prepare_cached(ORIGINALS)?;
    let row = [clamped(conversation.id.0), clamped(seq.0), i64::from(after), i64::from(limit.rows())];
    let rows = statement.query_map(row, |row| Ok(Original { from: words(row, 0)?, text: words(row, 1)?, until: time(row, 2)? }))?;
    Ok(Outcome::Read(limit.fill(rows, taken)?.into()))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Alteration, Message, Page, RoomName};

    use super::super::fixture::{LOBBY, add, ask, create, direct, each_store, found, overview, post, post_to, say};
    use super::super::{ReadUpTo, Store, Work};
    use super::*;

    fn alter(store: &mut Store, at: u64, account: AccountId, seq: u64, text: Option<&str>) -> Result<Message, Refusal> {
        let text = text.map(|text| Text::new(text).unwrap());
        match ask(store, at, Work::Message(MessageJob::Alter { account, of: Target::Room(LOBBY), seq: Seq(seq), text }))? {
            Outcome::MessageAltered(MessageAltered { message, .. }) => Ok(message),
            other => panic!("{other:?}"),
        }
    }

    fn altered_since(store: &mut Store, account: AccountId, after: u64) -> Vec<(u64, String)> {
        match ask(store, 9, Work::Message(MessageJob::AlteredSince { account, conversation: LOBBY, after })).unwrap() {
            Outcome::Read(Answer::Altered { page: Page { entries: messages, more: false }, .. }) => {
                messages.iter().map(|m| (m.seq.0, m.text.to_string())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn originals(store: &mut Store, seq: u64) -> Result<Vec<(String, u64)>, Refusal> {
        match ask(store, 9, Work::Message(MessageJob::Originals { of: Parties::Room(RoomName::lobby()), seq: Seq(seq), after: 0 }))? {
            Outcome::Read(Answer::Originals(Page { entries: originals, more: false })) => {
                Ok(originals.iter().map(|o| (o.text.to_string(), o.until.0)).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    fn read(store: &mut Store, account: AccountId, of: Target, upto: u64) -> Result<(u64, u64, bool), Refusal> {
        match ask(store, 9, Work::Message(MessageJob::MarkRead { account, of, upto: Seq(upto) }))? {
            Outcome::ReadUpTo(ReadUpTo { read, unread, moved, .. }) => Ok((read.0, unread, moved)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_is_written_anew_and_its_original_is_kept() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 2);
            let altered = alter(store, 5, anna, 1, Some("hello, world")).unwrap();
            assert_eq!(altered.altered, Some(Alteration::edited(1, UnixMillis(5))));
            alter(store, 6, anna, 1, Some("good morning")).unwrap();
            assert_eq!(originals(store, 1).unwrap(), [("hello".to_owned(), 5), ("hello, world".to_owned(), 6)]);
            assert_eq!(originals(store, 2).unwrap(), []);
            assert_eq!(found(store, anna, "morning"), [1]);
            assert_eq!(found(store, anna, "world"), [0; 0]);
        });
    }

    #[test]
    fn a_message_that_is_taken_back_keeps_its_place_and_is_found_no_more() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 3);
            let gone = alter(store, 5, anna, 2, None).unwrap();
            assert_eq!((gone.text.as_str(), gone.is_deleted(), gone.seq), ("(deleted)", true, Seq(2)));
            assert_eq!(found(store, anna, "hello"), [3, 1]);
            assert_eq!(found(store, anna, "deleted"), [0; 0]);
            assert_eq!(originals(store, 2).unwrap(), [("hello".to_owned(), 5)]);
            assert_eq!(alter(store, 6, anna, 2, None).unwrap(), gone, "twice is once");
            assert_eq!(alter(store, 6, anna, 2, Some("back")), Err(Refusal::UnknownMessage));
        });
    }

    #[test]
    fn only_its_author_may_and_only_what_is_there() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            say(store, anna, 1);
            assert_eq!(alter(store, 5, bob, 1, Some("x")), Err(Refusal::NotYourMessage));
            assert_eq!(alter(store, 5, anna, 2, None), Err(Refusal::UnknownMessage));
            assert_eq!(originals(store, 7), Err(Refusal::UnknownMessage));
            let direct = MessageJob::Alter { account: anna, of: direct("bob"), seq: Seq(1), text: None };
            assert_eq!(ask(store, 5, Work::Message(direct)), Err(Refusal::UnknownMessage));
        });
    }

    #[test]
    fn who_was_away_learns_of_each_altered_message_once() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 4);
            alter(store, 5, anna, 3, Some("three")).unwrap();
            alter(store, 5, anna, 1, Some("one")).unwrap();
            alter(store, 5, anna, 3, None).unwrap();
            alter(store, 5, anna, 1, Some("one")).unwrap();
            assert_eq!(altered_since(store, anna, 0), [(1, "one".to_owned()), (3, "(deleted)".to_owned())]);
            assert_eq!(altered_since(store, anna, 2), [(3, "(deleted)".to_owned())]);
            assert_eq!(altered_since(store, anna, 3), []);
            assert_eq!(overview(store, 9, anna).0[0].alterations, 3);
        });
    }

    #[test]
    fn what_was_taken_back_is_not_unread() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            say(store, anna, 6);
            read(store, bob, Target::Room(LOBBY), 2).unwrap();
            for seq in [1, 4, 6] {
                alter(store, 9, anna, seq, None).unwrap();
            }
            alter(store, 9, anna, 5, Some("better")).unwrap();
            assert_eq!(overview(store, 9, bob).0[0].unread, 2, "the third and the fifth: the first was read before it was taken back");
            assert_eq!(read(store, bob, Target::Room(LOBBY), 4), Ok((4, 1, true)));
            alter(store, 9, anna, 5, None).unwrap();
            assert_eq!(overview(store, 9, bob).0[0].unread, 0);
            assert_eq!(read(store, bob, Target::Room(LOBBY), 5), Ok((5, 0, true)));
        });
    }

    #[test]
    fn what_is_read_goes_forwards_and_is_counted_from_there() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            say(store, anna, 5);
            assert_eq!(overview(store, 9, bob).0[0].unread, 5);
            assert_eq!(overview(store, 9, anna).0[0].unread, 0, "one's own words are read");
            assert_eq!(read(store, bob, Target::Room(LOBBY), 3), Ok((3, 2, true)));
            assert_eq!(read(store, bob, Target::Room(LOBBY), 2), Ok((3, 2, false)));
            assert_eq!(read(store, bob, Target::Room(LOBBY), 99), Ok((5, 0, true)));
            assert_eq!(overview(store, 9, bob).0[0].unread, 0);
            let carol = add(store, "carol");
            assert_eq!(overview(store, 9, carol).0[0].unread, 0, "what was said before one came is no news");
            let attic = create(store, anna, "attic");
            assert_eq!(read(store, bob, Target::Room(attic), 1), Err(Refusal::NotInRoom));
            post_to(store, anna, 9, direct("bob")).unwrap();
            assert_eq!(read(store, bob, direct("anna"), 0), Ok((0, 1, false)));
        });
    }

    #[test]
    fn what_is_kept_no_longer_has_no_originals_either_and_what_is_kept_has() {
        each_store(|store| {
            let anna = add(store, "anna");
            ask(store, 1, post(anna, 1, Target::Room(LOBBY), "first")).unwrap();
            ask(store, 1, post(anna, 2, Target::Room(LOBBY), "second")).unwrap();
            alter(store, 5, anna, 1, None).unwrap();
            alter(store, 5, anna, 2, Some("better")).unwrap();
            let tidy = Work::Tidy {
                messages_before: None,
                rooms_differ: false,
                messages_kept: Some(1),
                notices_before: None,
                audit_before: None,
                bite: super::super::Bite::Messages(ConversationId(0)),
            };
            ask(store, 9, tidy).unwrap();
            let left: i64 = store.connection.query_row("SELECT count(*) FROM originals", [], |row| row.get(0)).unwrap();
            assert_eq!((left, originals(store, 2).unwrap()), (1, vec![("second".to_owned(), 5)]));
            assert_eq!(found(store, anna, "better"), [2]);
        });
    }
}
