//! Messages: stored once, numbered without gaps, read in pages.

use belfry_core::chat::{
    AccountId, Alteration, Answer, ContentHash, ConversationId, ConversationInfo, FileName, Message, MessagePage, Page, Place, PostId,
    Refusal, Seq, Text,
};
use belfry_core::limits::PAGE_ENTRIES_MAX;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::column::{bits, clamped, number, optional_number, optional_time, time, words};
use super::conversations::{self, StoredConversation};
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{Outcome, Posted, StoreError, Target, accounts, files, reacted, replies};

macro_rules! messages_where {
    ($condition:literal) => {
        concat!(
            "SELECT m.seq, a.name, m.sent_at, m.text, m.alteration, m.altered_at, m.deleted, m.reply_to, w.name, q.text, q.deleted,
                f.id, f.name, f.bytes, f.hash, m.edited_at, m.reacted
            FROM messages m CROSS JOIN accounts a ON a.id = m.author LEFT JOIN files f ON f.id = m.file
            LEFT JOIN messages q ON q.conversation = m.conversation AND q.seq = m.reply_to LEFT JOIN accounts w ON w.id = q.author
            WHERE m.conversation = ?1 AND ",
            $condition
        )
    };
}

const ONE: &str = messages_where!("m.seq = ?2");
const AFTER: &str = messages_where!("m.seq > ?2 ORDER BY m.seq LIMIT ?3");
const ALTERED: &str = messages_where!("m.alteration > ?2 ORDER BY m.alteration LIMIT ?3");
const BEFORE: &str = messages_where!("m.seq < ?2 ORDER BY m.seq DESC LIMIT ?3");
const ADD: &str = "INSERT INTO messages (conversation, seq, author, sent_at, text, reply_to) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const FIND_POST: &str = "SELECT conversation, seq, at FROM posts WHERE account = ?1 AND outbox = ?2 AND counter = ?3";
const ADD_POST: &str = "INSERT INTO posts (account, outbox, counter, conversation, seq, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const COUNT: &str = "SELECT coalesce(sum(last_seq + 1 - kept_from), 0) FROM conversations";

/// What somebody says, and to what.
pub(super) struct PostContent {
    pub(super) text: Text,
    /// The message of the same conversation that it replies to.
    pub(super) reply_to: Option<Seq>,
    /// The file that comes with it, by what it is called and what it holds.
    pub(super) file: Option<(FileName, ContentHash)>,
}

pub(super) fn post(
    connection: &Connection,
    at: UnixMillis,
    account: AccountId,
    post: PostId,
    to: Target,
    said: PostContent,
) -> Result<Outcome, Trouble> {
    let PostContent { text, reply_to, file } = said;
    let from = accounts::name(connection, account)?;
    if let Some((conversation, seq, sent_at)) = find_post(connection, account, post)? {
        let conversation = conversations::find(connection, conversation)?;
        let stored = connection
            .prepare_cached(ONE)?
            .query_row([clamped(conversation.id.0), clamped(seq.0)], |row| read(connection, row, conversation.id))
            .optional()?;
        // Retention may have taken it since: its author has not heard that it was stored, and that is what this answer says.
        let message = stored.unwrap_or(Message::new(conversation.id, seq, from, text, sent_at));
        return Ok(Posted { message, place: conversation.place, repeated: true, began: None }.into());
    }
    let (conversation, began) = match to {
        Target::Room(room) => {
            let room = conversations::find_room(connection, room)?;
            conversations::since(connection, &room, account)?;
            replies::check(reply_to, Some(&room))?;
            (room, None)
        }
        Target::Direct(other) => {
            let other = accounts::find(connection, &other)?;
            let direct = conversations::find_direct(connection, account, other)?;
            replies::check(reply_to, direct.as_ref())?;
            match direct {
                Some(direct) => (direct, None),
                None => {
                    let (low, high) = (account.min(other), account.max(other));
                    let names = [accounts::name(connection, low)?, accounts::name(connection, high)?];
                    (conversations::begin_direct(connection, account, other)?, Some(names))
                }
            }
        }
    };
    let StoredConversation { id, place, last, .. } = conversation;
    let seq = last.next();
    let row = params![clamped(id.0), clamped(seq.0), clamped(account.0), clamped(at.0), text.as_str(), reply_to.map(|seq| clamped(seq.0))];
    connection.prepare_cached(ADD)?.execute(row)?;
    conversations::set_last(connection, id, seq)?;
    let row = [clamped(account.0), bits(post.outbox), bits(post.counter), clamped(id.0), clamped(seq.0), clamped(at.0)];
    connection.prepare_cached(ADD_POST)?.execute(row)?;
    let attachment = file.map(|file| files::attach(connection, account, id, seq, file)).transpose()?;
    let message = match reply_to {
        None => Message { attachment, ..Message::new(id, seq, from, text, at) },
        Some(_) => one(connection, id, seq)?.ok_or(StoreError::contradiction("a message that was just stored is gone"))?,
    };
    Ok(Posted { message, place, repeated: false, began }.into())
}

pub(super) fn after(
    connection: &Connection,
    account: AccountId,
    conversation: ConversationId,
    after: Seq,
    limit: u32,
) -> Result<Outcome, Trouble> {
    let conversation = conversations::find(connection, conversation)?;
    let info = conversations::seen_by(connection, &conversation, account)?;
    let messages = page(connection, AFTER, info.id, after, limit)?;
    Ok(Outcome::Read(Answer::Page(MessagePage { conversation: info, messages })))
}

/// The messages after `after`, whoever asks.
pub(super) fn following(connection: &Connection, conversation: ConversationId, after: Seq, limit: u32) -> Result<Vec<Message>, Trouble> {
    page(connection, AFTER, conversation, after, limit)
}

pub(super) fn before(
    connection: &Connection,
    account: AccountId,
    of: &Target,
    before: Option<Seq>,
    limit: u32,
) -> Result<Outcome, Trouble> {
    let Some(conversation) = conversations::find_target(connection, account, of)? else {
        return Ok(Outcome::Read(Answer::Page(MessagePage { conversation: unbegun(of)?, messages: Vec::new() })));
    };
    let info = conversations::seen_by(connection, &conversation, account)?;
    let mut messages = page(connection, BEFORE, info.id, before.unwrap_or(Seq(u64::MAX)), limit)?;
    messages.reverse();
    Ok(Outcome::Read(Answer::Page(MessagePage { conversation: info, messages })))
}

/// A direct conversation before its first message: it has no number yet; 0 is nobody's.
fn unbegun(of: &Target) -> Result<ConversationInfo, Refusal> {
    let Target::Direct(other) = of else { return Err(Refusal::UnknownConversation) };
    let place = Place::Direct(other.clone());
    Ok(ConversationInfo::new(ConversationId(0), place, Seq(0)))
}

/// The messages that were altered after the alteration `after`, whoever asks.
pub(super) fn altered_since(connection: &Connection, conversation: ConversationId, after: u64) -> Result<Page<Message>, Trouble> {
    run(connection, ALTERED, conversation, after, PAGE_ENTRIES_MAX)
}

/// One message, whoever asks.
pub(super) fn one(connection: &Connection, conversation: ConversationId, seq: Seq) -> Result<Option<Message>, Trouble> {
    let key = [clamped(conversation.0), clamped(seq.0)];
    Ok(connection.prepare_cached(ONE)?.query_row(key, |row| read(connection, row, conversation)).optional()?)
}

/// How many messages are stored: their numbers have no gaps, so nobody needs to count ten million rows.
pub(super) fn count(connection: &Connection) -> Result<u64, Trouble> {
    Ok(connection.prepare_cached(COUNT)?.query_row([], |row| number(row, 0))?)
}

fn find_post(connection: &Connection, account: AccountId, post: PostId) -> Result<Option<(ConversationId, Seq, UnixMillis)>, Trouble> {
    let id = [clamped(account.0), bits(post.outbox), bits(post.counter)];
    let found = connection
        .prepare_cached(FIND_POST)?
        .query_row(id, |row| Ok((ConversationId(number(row, 0)?), Seq(number(row, 1)?), time(row, 2)?)));
    Ok(found.optional()?)
}

fn page(connection: &Connection, query: &str, conversation: ConversationId, bound: Seq, limit: u32) -> Result<Vec<Message>, Trouble> {
    Ok(run(connection, query, conversation, bound.0, limit)?.entries)
}

fn run(connection: &Connection, query: &str, conversation: ConversationId, bound: u64, limit: u32) -> Result<Page<Message>, Trouble> {
    let limit = Limit::new(limit);
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement
        .query_map([clamped(conversation.0), clamped(bound), i64::from(limit.rows())], |row| read(connection, row, conversation))?;
    Ok(limit.fill(rows, taken)?)
}

fn read(connection: &Connection, row: &Row<'_>, conversation: ConversationId) -> rusqlite::Result<Message> {
    let altered = match optional_number(row, 4)? {
        Some(number) => Some(Alteration { number, at: time(row, 5)?, deleted: row.get(6)?, edited_at: optional_time(row, 15)? }),
        None => None,
    };
    let message = Message::new(conversation, Seq(number(row, 0)?), words(row, 1)?, words(row, 3)?, time(row, 2)?);
    let reactions =
        if row.get(16)? { reacted::of_message(connection, clamped(conversation.0), clamped(message.seq.0))? } else { Vec::new() };
    Ok(Message { altered, reply_to: replies::read(row, 7)?.map(Box::new), attachment: files::attachment(row, 11)?, reactions, ..message })
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, MessagePage, Place, Refusal, RoomName};
    use belfry_core::limits::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, TEXT_BYTES_MAX};

    use super::super::fixture::{LOBBY, add, ask, direct, each_store, overview, post, post_to, posted, say};
    use super::super::{Store, StoredPlace, Work};
    use super::*;

    fn page_of(outcome: Result<Outcome, Refusal>) -> (ConversationInfo, Vec<u64>) {
        let Ok(Outcome::Read(Answer::Page(MessagePage { conversation, messages }))) = outcome else { panic!("{outcome:?}") };
        (conversation, messages.iter().map(|message| message.seq.0).collect())
    }

    fn newest(store: &mut Store, account: AccountId, of: Target, before: Option<u64>, limit: u32) -> Result<Outcome, Refusal> {
        ask(store, 99, Work::FetchBefore { account, of, before: before.map(Seq), limit })
    }

    fn following(store: &mut Store, account: AccountId, conversation: ConversationId, after: u64, limit: u32) -> Result<Outcome, Refusal> {
        ask(store, 99, Work::FetchAfter { account, conversation, after: Seq(after), limit })
    }

    #[test]
    fn a_message_is_stored_as_it_was_said() {
        each_store(|store| {
            let anna = add(store, "anna");
            let work = post(anna, 1, Target::Room(LOBBY), "grüß euch\nalle");
            let (message, place, repeated, began) = posted(ask(store, 1234, work));
            assert_eq!((message.conversation, message.seq, message.from.as_str()), (LOBBY, Seq(1), "anna"));
            assert_eq!((message.text.as_str(), message.sent_at), ("grüß euch\nalle", UnixMillis(1234)));
            assert_eq!((place, repeated, began), (StoredPlace::Room(RoomName::lobby()), false, false));
            let Ok(Outcome::Read(Answer::Page(MessagePage { messages, .. }))) = following(store, anna, LOBBY, 0, 9) else { panic!() };
            assert_eq!(messages, [message]);
        });
    }

    #[test]
    fn a_repeated_post_is_the_first_one_again() {
        each_store(|store| {
            let (anna, _bob) = (add(store, "anna"), add(store, "bob"));
            let first = posted(ask(store, 1, post(anna, 1, direct("bob"), "once")));
            let again = posted(ask(store, 2, post(anna, 1, direct("bob"), "once")));
            assert!(first.3 && !first.2);
            assert_eq!((again.0, again.1, again.2, again.3), (first.0, first.1, true, false));
            assert_eq!(overview(store, 3, anna).0[1].last, Seq(1));
        });
    }

    #[test]
    fn a_post_is_recognised_by_account_outbox_and_counter_together() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            let ids = [(anna, 1, 1), (anna, 1, u64::MAX), (anna, u64::MAX, 1), (bob, 1, 1)];
            for (account, outbox, counter) in ids {
                let text = Text::new("x").unwrap();
                let work = Work::Post { account, post: PostId { outbox, counter }, to: Target::Room(LOBBY), text, reply_to: None };
                assert!(!posted(ask(store, 1, work)).2);
            }
        });
    }

    #[test]
    fn a_direct_conversation_begins_with_its_first_message() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            let (unbegun, seqs) = page_of(newest(store, anna, direct("bob"), None, 9));
            assert_eq!((unbegun.id, unbegun.place.to_string(), unbegun.last, seqs), (ConversationId(0), "@bob".to_owned(), Seq(0), vec![]));
            let (_, place, _, began) = posted(post_to(store, bob, 1, direct("anna")));
            assert_eq!((place, began), (StoredPlace::Direct { a: anna, b: bob }, true));
            assert!(!posted(post_to(store, anna, 1, direct("bob"))).3);
            let (info, seqs) = page_of(newest(store, anna, direct("bob"), None, 9));
            assert_eq!((info.place.to_string(), seqs), ("@bob".to_owned(), vec![1, 2]));
        });
    }

    #[test]
    fn a_direct_conversation_needs_somebody_else_who_exists() {
        each_store(|store| {
            let anna = add(store, "anna");
            assert_eq!(post_to(store, anna, 1, direct("anna")), Err(Refusal::DirectToSelf));
            assert_eq!(post_to(store, anna, 1, direct("nobody")), Err(Refusal::UnknownAccount));
            assert_eq!(newest(store, anna, direct("nobody"), None, 9), Err(Refusal::UnknownAccount));
            assert_eq!(post_to(store, AccountId(77), 1, Target::Room(LOBBY)), Err(Refusal::UnknownAccount));
        });
    }

    #[test]
    fn a_direct_conversation_is_closed_to_everybody_else() {
        each_store(|store| {
            let (anna, bob, eve) = (add(store, "anna"), add(store, "bob"), add(store, "eve"));
            let id = posted(post_to(store, anna, 1, direct("bob"))).0.conversation;
            assert_eq!(following(store, eve, id, 0, 9), Err(Refusal::UnknownConversation));
            assert_eq!(newest(store, eve, Target::Room(id), None, 9), Err(Refusal::UnknownConversation));
            assert_eq!(newest(store, anna, Target::Room(id), None, 9), Err(Refusal::UnknownConversation));
            assert_eq!(post_to(store, eve, 1, Target::Room(id)), Err(Refusal::UnknownConversation));
            let info = page_of(following(store, bob, id, 0, 9)).0;
            assert_eq!(info.place, Place::Direct(belfry_core::chat::AccountName::new("anna").unwrap()));
        });
    }

    #[test]
    fn an_unknown_conversation_is_refused() {
        each_store(|store| {
            let anna = add(store, "anna");
            for id in [0, 2, u64::MAX] {
                assert_eq!(following(store, anna, ConversationId(id), 0, 9), Err(Refusal::UnknownConversation));
                assert_eq!(post_to(store, anna, 1, Target::Room(ConversationId(id))), Err(Refusal::UnknownConversation));
            }
        });
    }

    #[test]
    fn pages_run_forwards_and_backwards_oldest_first() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 10);
            assert_eq!(page_of(following(store, anna, LOBBY, 0, 3)).1, [1, 2, 3]);
            assert_eq!(page_of(following(store, anna, LOBBY, 8, 3)).1, [9, 10]);
            assert_eq!(page_of(following(store, anna, LOBBY, u64::MAX, 3)).1, [0; 0]);
            assert_eq!(page_of(newest(store, anna, Target::Room(LOBBY), None, 3)).1, [8, 9, 10]);
            assert_eq!(page_of(newest(store, anna, Target::Room(LOBBY), Some(3), 3)).1, [1, 2]);
            assert_eq!(page_of(newest(store, anna, Target::Room(LOBBY), Some(0), 3)).1, [0; 0]);
            assert_eq!(page_of(following(store, anna, LOBBY, 0, 3)).0.last, Seq(10));
        });
    }

    #[test]
    fn a_page_has_at_least_one_message_and_at_most_the_limit_of_the_protocol() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, u64::from(PAGE_ENTRIES_MAX) + 1);
            assert_eq!(page_of(following(store, anna, LOBBY, 0, 0)).1, [1]);
            assert_eq!(page_of(following(store, anna, LOBBY, 0, u32::MAX)).1.len(), PAGE_ENTRIES_MAX as usize);
        });
    }

    #[test]
    fn a_page_ends_when_its_bytes_are_used_up() {
        each_store(|store| {
            let anna = add(store, "anna");
            for counter in 1..=4 {
                ask(store, 1, post(anna, counter, Target::Room(LOBBY), &"x".repeat(TEXT_BYTES_MAX))).unwrap();
            }
            let fit = PAGE_BYTES_MAX / TEXT_BYTES_MAX;
            assert_eq!(page_of(following(store, anna, LOBBY, 0, 9)).1, (1..=fit as u64).collect::<Vec<_>>());
            assert_eq!(page_of(newest(store, anna, Target::Room(LOBBY), None, 9)).1, (5 - fit as u64..=4).collect::<Vec<_>>());
        });
    }

    #[test]
    fn a_stored_text_that_is_none_is_damage_and_no_panic() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 2);
            store.connection.execute("UPDATE messages SET text = char(7) WHERE seq = 2", []).unwrap();
            assert_eq!(following(store, anna, LOBBY, 0, 9), Err(Refusal::StoreFailed));
            assert_eq!(page_of(following(store, anna, LOBBY, 0, 1)).1, [1]);
        });
    }
}
