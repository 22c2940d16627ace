//! People react to messages, and take that back; and the list of who has.
//!
//! A reaction is an alteration of its message, so whoever was away learns of it as of any other. Each sign of a message is counted beside
//! its rows: a message to which ten thousand have reacted is told as quickly as one to which three have.

use belfry_core::chat::{AccountId, ReactionEmoji, Reactor, Refusal, Seq};
use belfry_core::limits::{PAGE_ENTRIES_MAX, REACTIONS_MAX, REACTIONS_PER_PERSON_MAX};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{clamped, number, time, words};
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{MessageAltered, Outcome, StoreError, Target, conversations, messages};

const STANDS: &str = "SELECT deleted FROM messages WHERE conversation = ?1 AND seq = ?2";
const IS_SET: &str = "SELECT count(*) FROM reactions WHERE conversation = ?1 AND seq = ?2 AND emoji = ?3 AND account = ?4";
const SIGNS: &str = "SELECT count(*), coalesce(sum(emoji = ?3), 0) FROM reaction_counts WHERE conversation = ?1 AND seq = ?2";
const OF_ONE: &str = "SELECT count(*) FROM reaction_counts c WHERE c.conversation = ?1 AND c.seq = ?2 AND EXISTS
    (SELECT 1 FROM reactions r WHERE r.conversation = ?1 AND r.seq = ?2 AND r.emoji = c.emoji AND r.account = ?3)";
const SET: &str = "INSERT INTO reactions (conversation, seq, emoji, account, at) VALUES (?1, ?2, ?3, ?4, ?5)";
const COUNT: &str = "INSERT INTO reaction_counts (conversation, seq, emoji, count, first_at) VALUES (?1, ?2, ?3, 1, ?4)
    ON CONFLICT DO UPDATE SET count = count + 1";
const TAKE_BACK: &str = "DELETE FROM reactions WHERE conversation = ?1 AND seq = ?2 AND emoji = ?3 AND account = ?4";
const LAST_OF_A_SIGN: &str = "DELETE FROM reaction_counts WHERE conversation = ?1 AND seq = ?2 AND emoji = ?3 AND count = 1";
const COUNT_BACK: &str = "UPDATE reaction_counts SET count = count - 1 WHERE conversation = ?1 AND seq = ?2 AND emoji = ?3";
// Later than its last edit, by which the two are told apart.
const NOTE: &str = "UPDATE messages SET alteration = ?3, altered_at = max(?4, coalesce(edited_at + 1, 0)),
    reacted = EXISTS (SELECT 1 FROM reaction_counts c WHERE c.conversation = ?1 AND c.seq = ?2)
    WHERE conversation = ?1 AND seq = ?2";
const REACTORS: &str = "SELECT r.emoji, a.name, r.at FROM reactions r CROSS JOIN accounts a ON a.id = r.account
    WHERE r.conversation = ?1 AND r.seq = ?2 ORDER BY r.emoji, r.account LIMIT ?4 OFFSET ?3";

/// Sets a reaction, or takes it back.
pub(super) fn react(
    connection: &Connection,
    at: UnixMillis,
    account: AccountId,
    (of, seq): (&Target, Seq),
    emoji: &ReactionEmoji,
    set: bool,
) -> Result<Outcome, Trouble> {
    let conversation = conversations::begun(connection, account, of)?;
    conversations::since(connection, &conversation, account)?;
    let (id, number_of) = (clamped(conversation.id.0), clamped(seq.0));
    let deleted: Option<bool> = connection.prepare_cached(STANDS)?.query_row([id, number_of], |row| row.get(0)).optional()?;
    if deleted.is_none_or(|deleted| deleted) {
        return Err(Refusal::UnknownMessage.into());
    }
    let whose = params![id, number_of, emoji.as_str(), clamped(account.0)];
    let is_set = connection.prepare_cached(IS_SET)?.query_row(whose, |row| number(row, 0))? > 0;
    if is_set != set {
        if set {
            check_bounds(connection, [id, number_of], account, emoji)?;
            connection.prepare_cached(SET)?.execute(params![id, number_of, emoji.as_str(), clamped(account.0), clamped(at.0)])?;
            connection.prepare_cached(COUNT)?.execute(params![id, number_of, emoji.as_str(), clamped(at.0)])?;
        } else {
            connection.prepare_cached(TAKE_BACK)?.execute(whose)?;
            let sign = params![id, number_of, emoji.as_str()];
            if connection.prepare_cached(LAST_OF_A_SIGN)?.execute(sign)? == 0 {
                connection.prepare_cached(COUNT_BACK)?.execute(sign)?;
            }
        }
        let alteration = conversation.alterations + 1;
        connection.prepare_cached(NOTE)?.execute(params![id, number_of, clamped(alteration), clamped(at.0)])?;
        conversations::count_alterations(connection, conversation.id, alteration)?;
    }
    let message = messages::one(connection, conversation.id, seq)?.ok_or(StoreError::contradiction("a message is gone"))?;
    Ok(MessageAltered { message, place: conversation.place, repeated: is_set == set }.into())
}

fn check_bounds(connection: &Connection, message: [i64; 2], account: AccountId, emoji: &ReactionEmoji) -> Result<(), Trouble> {
    let [id, seq] = message;
    let count = |row: &rusqlite::Row<'_>| Ok((number(row, 0)?, number(row, 1)?));
    let (signs, is_there) = connection.prepare_cached(SIGNS)?.query_row(params![id, seq, emoji.as_str()], count)?;
    let own = connection.prepare_cached(OF_ONE)?.query_row([id, seq, clamped(account.0)], |row| number(row, 0))?;
    let is_new = is_there == 0;
    if (is_new && signs >= REACTIONS_MAX as u64) || own >= REACTIONS_PER_PERSON_MAX as u64 {
        return Err(Refusal::TooManyReactions.into());
    }
    Ok(())
}

/// What was taken back has no reactions any more.
pub(super) fn forget(connection: &Connection, conversation: i64, seq: i64) -> Result<(), Trouble> {
    for gone in [
        "DELETE FROM reactions WHERE conversation = ?1 AND seq = ?2",
        "DELETE FROM reaction_counts WHERE conversation = ?1 AND seq = ?2",
        "UPDATE messages SET reacted = 0 WHERE conversation = ?1 AND seq = ?2",
    ] {
        connection.prepare_cached(gone)?.execute([conversation, seq])?;
    }
    Ok(())
}

/// Everybody who has reacted to a message, by sign.
pub(super) fn reactors(connection: &Connection, account: AccountId, of: &Target, seq: Seq, after: u32) -> Result<Outcome, Trouble> {
    let conversation = conversations::begun(connection, account, of)?;
    conversations::since(connection, &conversation, account)?;
    messages::one(connection, conversation.id, seq)?.ok_or(Refusal::UnknownMessage)?;
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    let mut statement = connection.prepare_cached(REACTORS)?;
    let which = [clamped(conversation.id.0), clamped(seq.0), i64::from(after), i64::from(limit.rows())];
    let rows = statement.query_map(which, |row| Ok(Reactor { emoji: words(row, 0)?, account: words(row, 1)?, at: time(row, 2)? }))?;
    Ok(Outcome::Read(limit.fill(rows, taken)?.into()))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, Message, Page, Reaction, Text};
    use belfry_core::limits::{REACTORS_NAMED_IN_ALL_MAX, REACTORS_NAMED_MAX};

    use super::super::fixture::{LOBBY, add, ask, create, direct, each_store, newest, overview, post_to, posted, say};
    use super::super::{Bite, MessageJob, Store, Work};
    use super::*;

    fn lobby() -> Target {
        Target::Room(LOBBY)
    }

    fn react(store: &mut Store, at: u64, account: AccountId, seq: u64, emoji: &str, set: bool) -> Result<(Message, bool), Refusal> {
        let (of, emoji) = (lobby(), emoji.parse().unwrap());
        match ask(store, at, Work::Message(MessageJob::React { account, of, seq: Seq(seq), emoji, set }))? {
            Outcome::MessageAltered(MessageAltered { message, repeated, .. }) => Ok((message, repeated)),
            other => panic!("{other:?}"),
        }
    }

    fn alter(store: &mut Store, at: u64, account: AccountId, text: Option<&str>) -> Message {
        let text = text.map(|text| Text::new(text).unwrap());
        match ask(store, at, Work::Message(MessageJob::Alter { account, of: lobby(), seq: Seq(1), text })).unwrap() {
            Outcome::MessageAltered(MessageAltered { message, .. }) => message,
            other => panic!("{other:?}"),
        }
    }

    /// Each sign with how many there are, and who of them is named.
    fn told(message: &Message) -> Vec<(String, u64, Vec<String>)> {
        let one = |r: &Reaction| (r.emoji.to_string(), r.count, r.by.iter().map(ToString::to_string).collect());
        message.reactions.iter().map(one).collect()
    }

    fn sign(emoji: &str, by: &[&str]) -> (String, u64, Vec<String>) {
        (emoji.to_owned(), by.len() as u64, by.iter().map(|name| (*name).to_owned()).collect())
    }

    fn who(store: &mut Store, account: AccountId, seq: u64, after: u32) -> Result<Vec<(String, String, u64)>, Refusal> {
        match ask(store, 99, Work::Message(MessageJob::Reactors { account, of: lobby(), seq: Seq(seq), after }))? {
            Outcome::Read(Answer::Reactors(Page { entries, .. })) => {
                Ok(entries.into_iter().map(|r| (r.emoji.to_string(), r.account.to_string(), r.at.0)).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reaction_is_set_once_and_taken_back_once_and_each_is_an_alteration() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            say(store, anna, 2);
            let (message, repeated) = react(store, 5, bob, 1, "👍", true).unwrap();
            assert_eq!((told(&message), repeated), (vec![sign("👍", &["bob"])], false));
            assert!(message.altered.is_some_and(|altered| altered.is_reaction() && (altered.number, altered.at.0) == (1, 5)));
            assert_eq!(message.edited_at(), None, "its author has done nothing");
            assert!(react(store, 6, bob, 1, "👍", true).unwrap().1, "twice is once");
            let (message, _) = react(store, 7, anna, 1, "👍", true).unwrap();
            assert_eq!((told(&message), message.alteration()), (vec![sign("👍", &["anna", "bob"])], 2));
            react(store, 8, bob, 1, "❤", true).unwrap();
            assert_eq!(who(store, anna, 1, 0).unwrap().len(), 3);
            assert_eq!(who(store, anna, 1, 2).unwrap(), [("👍".to_owned(), "bob".to_owned(), 5)]);
            let (message, _) = react(store, 9, anna, 1, "👍", false).unwrap();
            assert_eq!(told(&message), [sign("👍", &["bob"]), sign("❤\u{fe0f}", &["bob"])], "in the order in which they came");
            assert!(react(store, 9, anna, 1, "👍", false).unwrap().1);
            let (message, _) = react(store, 10, bob, 1, "👍", false).unwrap();
            assert_eq!((told(&message), message.alteration()), (vec![sign("❤\u{fe0f}", &["bob"])], 5));
            let pages: Vec<_> = newest(store, anna, lobby()).unwrap().iter().map(told).collect();
            assert_eq!(pages, [vec![sign("❤\u{fe0f}", &["bob"])], vec![]], "as whoever reads it later hears it");
            assert_eq!(overview(store, 9, anna).0[0].unread, 0, "nothing of that is unread");
        });
    }

    #[test]
    fn an_edit_and_a_reaction_in_one_millisecond_are_told_apart_and_what_is_taken_back_has_none() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 1);
            alter(store, 5, anna, Some("better"));
            let (message, _) = react(store, 5, anna, 1, "👍", true).unwrap();
            assert!(message.altered.is_some_and(|altered| altered.is_reaction()));
            assert_eq!(message.edited_at(), Some(UnixMillis(5)));
            let message = alter(store, 7, anna, Some("best"));
            assert!(message.altered.is_some_and(|altered| !altered.is_reaction()) && message.reactions.len() == 1);
            let message = alter(store, 8, anna, None);
            assert_eq!((told(&message), message.deleted_at()), (vec![], Some(UnixMillis(8))));
            for set in [true, false] {
                assert_eq!(react(store, 9, anna, 1, "👍", set), Err(Refusal::UnknownMessage));
            }
            assert_eq!(who(store, anna, 1, 0), Ok(vec![]));
        });
    }

    #[test]
    fn a_message_takes_so_many_different_reactions_and_of_one_person_fewer() {
        each_store(|store| {
            let people: Vec<_> = (0..12).map(|n| add(store, &format!("person {n}"))).collect();
            say(store, people[0], 1);
            let signs: Vec<_> = (0x1f600..).filter_map(char::from_u32).take(REACTIONS_MAX + 1).map(String::from).collect();
            for (n, emoji) in signs.iter().take(REACTIONS_MAX).enumerate() {
                react(store, 5, people[n / REACTIONS_PER_PERSON_MAX], 1, emoji, true).unwrap();
            }
            assert_eq!(react(store, 6, people[0], 1, &signs[6], true), Err(Refusal::TooManyReactions), "of one person");
            assert_eq!(react(store, 6, people[9], 1, &signs[REACTIONS_MAX], true), Err(Refusal::TooManyReactions), "of all");
            for &other in &people[4..] {
                react(store, 7, other, 1, &signs[0], true).unwrap();
            }
            let message = newest(store, people[0], lobby()).unwrap().remove(0);
            assert_eq!((message.reactions[0].count, message.reactions[0].by.len()), (9, REACTORS_NAMED_MAX), "the others are counted");
            assert!(message.reactions.iter().map(|reaction| reaction.by.len()).sum::<usize>() <= REACTORS_NAMED_IN_ALL_MAX);
            react(store, 8, people[0], 1, &signs[1], false).unwrap();
            react(store, 8, people[0], 1, &signs[REACTIONS_MAX], true).unwrap();
        });
    }

    #[test]
    fn only_who_reads_a_conversation_reacts_in_it_and_sees_who_has() {
        each_store(|store| {
            let (anna, bob, eve) = (add(store, "anna"), add(store, "bob"), add(store, "eve"));
            let attic = create(store, anna, "attic");
            posted(post_to(store, anna, 1, Target::Room(attic)));
            posted(post_to(store, anna, 2, direct("bob")));
            let both = |store: &mut Store, account, of: Target| {
                let react = MessageJob::React { account, of: of.clone(), seq: Seq(1), emoji: "👍".parse().unwrap(), set: true };
                let reactors = MessageJob::Reactors { account, of, seq: Seq(1), after: 0 };
                [react, reactors].map(|job| ask(store, 5, Work::Message(job)).map(drop))
            };
            assert_eq!(both(store, bob, Target::Room(attic)), [Err(Refusal::NotInRoom); 2]);
            assert_eq!(both(store, eve, direct("anna")), [Err(Refusal::UnknownMessage); 2], "theirs has not begun");
            assert_eq!(both(store, bob, direct("anna")), [Ok(()), Ok(())]);
            say(store, anna, 1);
            assert_eq!(react(store, 5, anna, 9, "👍", true), Err(Refusal::UnknownMessage));
            assert_eq!(who(store, anna, 9, 0), Err(Refusal::UnknownMessage));
        });
    }

    #[test]
    fn reactions_go_with_their_message_and_none_is_left_for_what_comes_later() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 3);
            for seq in [1, 3] {
                react(store, 5, anna, seq, "👍", true).unwrap();
            }
            let (rooms_differ, bite) = (false, Bite::Messages(LOBBY));
            let (messages_kept, none) = (Some(2), None);
            ask(
                store,
                9,
                Work::Tidy { messages_before: None, messages_kept, rooms_differ, notices_before: none, audit_before: none, bite },
            )
            .unwrap();
            let left = |table: &str| -> i64 {
                store.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
            };
            assert_eq!((left("reactions"), left("reaction_counts")), (1, 1));
        });
    }
}
