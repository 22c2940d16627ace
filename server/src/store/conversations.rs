//! Conversations: rooms and pairs of people, and how each reader sees them.

use belfry_core::chat::{AccountId, ConversationId, ConversationInfo, Place, Refusal, Seq};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::column::{clamped, invalid, number, optional_number, optional_words, words};
use super::error::Trouble;
use super::{StoreError, StoredPlace, StoredRoom, accounts};

macro_rules! conversation_where {
    ($condition:literal) => {
        concat!("SELECT id, last_seq, room_name, low, high FROM conversations WHERE ", $condition)
    };
}

const ROOMS: &str = "SELECT id, room_name FROM conversations WHERE room_key IS NOT NULL ORDER BY id";
const BY_ID: &str = conversation_where!("id = ?1");
const BY_PAIR: &str = conversation_where!("low = ?1 AND high = ?2");
const BEGIN_DIRECT: &str = "INSERT INTO conversations (low, high) VALUES (?1, ?2)";
const SET_LAST: &str = "UPDATE conversations SET last_seq = ?2 WHERE id = ?1";
const OF_ACCOUNT: &str = "SELECT id, last_seq, room_name, NULL FROM conversations WHERE room_key IS NOT NULL
    UNION ALL SELECT c.id, c.last_seq, NULL, a.name FROM conversations c CROSS JOIN accounts a ON a.id = c.high WHERE c.low = ?1
    UNION ALL SELECT c.id, c.last_seq, NULL, a.name FROM conversations c CROSS JOIN accounts a ON a.id = c.low WHERE c.high = ?1
    ORDER BY 1";

/// A conversation as nobody in particular sees it.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) id: ConversationId,
    pub(super) place: StoredPlace,
    pub(super) last: Seq,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    let place = match (optional_words(row, 2)?, optional_number(row, 3)?, optional_number(row, 4)?) {
        (Some(room), None, None) => StoredPlace::Room(room),
        (None, Some(a), Some(b)) => StoredPlace::Direct { a: AccountId(a), b: AccountId(b) },
        _ => return Err(invalid(2, "neither a room nor a pair of people")),
    };
    Ok(Conversation { id: ConversationId(number(row, 0)?), last: Seq(number(row, 1)?), place })
}

pub(super) fn rooms(connection: &Connection) -> Result<Vec<StoredRoom>, StoreError> {
    let mut statement = connection.prepare_cached(ROOMS)?;
    let rooms = statement.query_map([], |row| Ok(StoredRoom { conversation: ConversationId(number(row, 0)?), name: words(row, 1)? }))?;
    Ok(rooms.collect::<Result<_, _>>()?)
}

pub(super) fn find(connection: &Connection, id: ConversationId) -> Result<Conversation, Trouble> {
    let found = connection.prepare_cached(BY_ID)?.query_row([clamped(id.0)], read).optional()?;
    found.ok_or(Refusal::UnknownConversation.into())
}

/// A room; a direct conversation is not found this way, so that its number opens it to nobody.
pub(super) fn find_room(connection: &Connection, id: ConversationId) -> Result<Conversation, Trouble> {
    let found = find(connection, id)?;
    match found.place {
        StoredPlace::Room(_) => Ok(found),
        StoredPlace::Direct { .. } => Err(Refusal::UnknownConversation.into()),
    }
}

/// The direct conversation of two people; `None` before it has begun.
pub(super) fn find_direct(connection: &Connection, one: AccountId, other: AccountId) -> Result<Option<Conversation>, Trouble> {
    if one == other {
        return Err(Refusal::DirectToSelf.into());
    }
    let pair = [clamped(one.min(other).0), clamped(one.max(other).0)];
    let found = connection.prepare_cached(BY_PAIR)?.query_row(pair, read).optional()?;
    if found.is_none() {
        accounts::name(connection, other)?;
    }
    Ok(found)
}

/// Begins the direct conversation of two different people who exist.
pub(super) fn begin_direct(connection: &Connection, one: AccountId, other: AccountId) -> Result<Conversation, Trouble> {
    let (a, b) = (one.min(other), one.max(other));
    connection.prepare_cached(BEGIN_DIRECT)?.execute([clamped(a.0), clamped(b.0)])?;
    let id =
        u64::try_from(connection.last_insert_rowid()).map_err(|_| StoreError::contradiction("a conversation has a negative number"))?;
    Ok(Conversation { id: ConversationId(id), place: StoredPlace::Direct { a, b }, last: Seq(0) })
}

pub(super) fn set_last(connection: &Connection, id: ConversationId, last: Seq) -> Result<(), Trouble> {
    connection.prepare_cached(SET_LAST)?.execute([clamped(id.0), clamped(last.0)])?;
    Ok(())
}

/// A conversation as `reader` sees it; refused to those who are not in it.
pub(super) fn seen_by(connection: &Connection, conversation: &Conversation, reader: AccountId) -> Result<ConversationInfo, Trouble> {
    let place = match conversation.place {
        StoredPlace::Room(ref room) => Place::Room(room.clone()),
        StoredPlace::Direct { a, b } if reader == a => Place::Direct(accounts::name(connection, b)?),
        StoredPlace::Direct { a, b } if reader == b => Place::Direct(accounts::name(connection, a)?),
        StoredPlace::Direct { .. } => return Err(Refusal::UnknownConversation.into()),
    };
    Ok(ConversationInfo { id: conversation.id, place, last: conversation.last })
}

/// Every room, and every direct conversation that `account` is in.
pub(super) fn of(connection: &Connection, account: AccountId) -> Result<Vec<ConversationInfo>, Trouble> {
    let mut statement = connection.prepare_cached(OF_ACCOUNT)?;
    let infos = statement.query_map(params![clamped(account.0)], |row| {
        let place = match optional_words(row, 2)? {
            Some(room) => Place::Room(room),
            None => Place::Direct(words(row, 3)?),
        };
        Ok(ConversationInfo { id: ConversationId(number(row, 0)?), place, last: Seq(number(row, 1)?) })
    })?;
    Ok(infos.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::RoomName;

    use super::super::Target;
    use super::super::fixture::{add, each_store, overview, post_to, posted};
    use super::*;

    #[test]
    fn a_new_database_has_the_lobby_and_no_other_room() {
        each_store(|store| {
            let rooms = store.opening().unwrap().rooms;
            assert_eq!(rooms, [StoredRoom { conversation: ConversationId(1), name: RoomName::lobby() }]);
            let key: String = store.connection.query_row("SELECT room_key FROM conversations WHERE id = 1", [], |row| row.get(0)).unwrap();
            assert_eq!(key, RoomName::lobby().key());
        });
    }

    #[test]
    fn each_of_a_pair_sees_the_other_and_a_third_sees_neither() {
        each_store(|store| {
            let (anna, bob, eve) = (add(store, "anna"), add(store, "bob"), add(store, "eve"));
            let message = posted(post_to(store, bob, 1, Target::Direct(anna))).0;
            let places = |infos: Vec<ConversationInfo>| infos.iter().map(|info| info.place.to_string()).collect::<Vec<_>>();
            assert_eq!(places(overview(store, 9, anna).0), ["lobby", "@bob"]);
            assert_eq!(places(overview(store, 9, bob).0), ["lobby", "@anna"]);
            assert_eq!(places(overview(store, 9, eve).0), ["lobby"]);
            assert_eq!(overview(store, 9, anna).0[1].last, message.seq);
        });
    }

    #[test]
    fn what_is_neither_room_nor_pair_cannot_be_stored() {
        each_store(|store| {
            let anna = clamped(add(store, "anna").0);
            let insert = "INSERT INTO conversations (room_name, room_key, low, high) VALUES (?1, ?1, ?2, ?3)";
            for row in [params!["x", anna, anna + 1], params![None::<&str>, anna, anna], params![None::<&str>, anna, None::<i64>]] {
                assert!(store.connection.execute(insert, row).is_err());
            }
        });
    }
}
