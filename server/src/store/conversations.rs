//! Conversations: rooms and pairs of people, and how each reader sees them.

use belfry_core::chat::{AccountId, ConversationId, ConversationInfo, Parties, Place, Refusal, RoomName, Seq};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::column::{clamped, invalid, number, optional_number, optional_words, words};
use super::error::Trouble;
use super::{StoreError, StoredPlace, Target, accounts, arranged};

macro_rules! conversation_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, last_seq, room_name, low, high, everyone, private, kept_from, alterations, owner, deleted_at IS NOT NULL
                FROM conversations WHERE ",
            $condition
        )
    };
}

const COUNT_ALTERATIONS: &str = "UPDATE conversations SET alterations = ?2 WHERE id = ?1";
const BY_ID: &str = conversation_where!("id = ?1");
const BY_KEY: &str = conversation_where!("room_key = ?1");
const BY_PAIR: &str = conversation_where!("low = ?1 AND high = ?2");
const BEGIN_DIRECT: &str = "INSERT INTO conversations (low, high) VALUES (?1, ?2)";
const SET_LAST: &str = "UPDATE conversations SET last_seq = ?2 WHERE id = ?1";
const MEMBER_SINCE: &str = "SELECT since FROM members WHERE account = ?1 AND conversation = ?2";
const IS_INVITED: &str = "SELECT 1 FROM invitations WHERE account = ?1 AND conversation = ?2";

/// What ?1 has read of the conversation c: of their own messages, the newest are not noted yet.
macro_rules! read {
    ($upto:literal) => {
        concat!(
            "max(coalesce(",
            $upto,
            ", 0), coalesce((SELECT max(o.seq) FROM messages o WHERE o.conversation = c.id AND o.seq > c.settled AND o.author = ?1), 0))"
        )
    };
}

const READ: &str = concat!(
    "SELECT ",
    read!("(SELECT upto FROM readings WHERE account = ?1 AND conversation = ?2)"),
    " FROM conversations c WHERE c.id = ?2"
);
const TAKEN_BACK: &str = "SELECT count(*) FROM messages WHERE conversation = ?1 AND seq > ?2 AND deleted = 1";
const OF_ACCOUNT: &str = concat!(
    "SELECT c.id, c.last_seq, c.room_name, NULL, 0, c.kept_from, c.alterations, ",
    read!("r.upto"),
    ", r.arrangement FROM conversations c LEFT JOIN readings r ON r.account = ?1 AND r.conversation = c.id WHERE c.everyone = 1
    UNION ALL SELECT c.id, c.last_seq, c.room_name, NULL, m.since, c.kept_from, c.alterations, ",
    read!("r.upto"),
    ", r.arrangement FROM members m CROSS JOIN conversations c ON c.id = m.conversation
        LEFT JOIN readings r ON r.account = ?1 AND r.conversation = c.id WHERE m.account = ?1
    UNION ALL SELECT c.id, c.last_seq, NULL, a.name, 0, c.kept_from, c.alterations, ",
    read!("r.upto"),
    ", r.arrangement FROM conversations c CROSS JOIN accounts a ON a.id = c.high
        LEFT JOIN readings r ON r.account = ?1 AND r.conversation = c.id WHERE c.low = ?1
    UNION ALL SELECT c.id, c.last_seq, NULL, a.name, 0, c.kept_from, c.alterations, ",
    read!("r.upto"),
    ", r.arrangement FROM conversations c CROSS JOIN accounts a ON a.id = c.low
        LEFT JOIN readings r ON r.account = ?1 AND r.conversation = c.id WHERE c.high = ?1
    ORDER BY 1"
);

/// A conversation as nobody in particular sees it.
#[derive(Clone, Debug)]
pub(super) struct StoredConversation {
    pub(super) id: ConversationId,
    pub(super) place: StoredPlace,
    pub(super) last: Seq,
    /// Everybody is in it.
    pub(super) everyone: bool,
    /// Only those who are invited may join.
    pub(super) private: bool,
    /// The first message that is kept.
    pub(super) kept_from: Seq,
    /// The number of its last alteration.
    pub(super) alterations: u64,
    /// Who made it, if it is a room.
    pub(super) owner: Option<AccountId>,
    /// It is a room that was closed.
    pub(super) deleted: bool,
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredConversation> {
    let place = match (optional_words(row, 2)?, optional_number(row, 3)?, optional_number(row, 4)?) {
        (Some(room), None, None) => StoredPlace::Room(room),
        (None, Some(a), Some(b)) => StoredPlace::Direct { a: AccountId(a), b: AccountId(b) },
        _ => return Err(invalid(2, "neither a room nor a pair of people")),
    };
    Ok(StoredConversation {
        id: ConversationId(number(row, 0)?),
        last: Seq(number(row, 1)?),
        place,
        everyone: row.get(5)?,
        private: row.get(6)?,
        kept_from: Seq(number(row, 7)?),
        alterations: number(row, 8)?,
        owner: optional_number(row, 9)?.map(AccountId),
        deleted: row.get(10)?,
    })
}

pub(super) fn find(connection: &Connection, id: ConversationId) -> Result<StoredConversation, Trouble> {
    let found = connection.prepare_cached(BY_ID)?.query_row([clamped(id.0)], read).optional()?;
    found.ok_or(Refusal::UnknownConversation.into())
}

/// A room; a direct conversation is not found this way, so that its number opens it to nobody.
pub(super) fn find_room(connection: &Connection, id: ConversationId) -> Result<StoredConversation, Trouble> {
    let found = find(connection, id)?;
    match found.place {
        StoredPlace::Room(_) if found.deleted => Err(Refusal::UnknownRoom.into()),
        StoredPlace::Room(_) => Ok(found),
        StoredPlace::Direct { .. } => Err(Refusal::UnknownConversation.into()),
    }
}

/// The direct conversation of two people; `None` before it has begun.
pub(super) fn find_direct(connection: &Connection, one: AccountId, other: AccountId) -> Result<Option<StoredConversation>, Trouble> {
    if one == other {
        return Err(Refusal::DirectToSelf.into());
    }
    let pair = [clamped(one.min(other).0), clamped(one.max(other).0)];
    Ok(connection.prepare_cached(BY_PAIR)?.query_row(pair, read).optional()?)
}

/// What `account` means by `target`, whether they are in it or not; `None` for a direct conversation that has not begun.
pub(super) fn find_target(connection: &Connection, account: AccountId, target: &Target) -> Result<Option<StoredConversation>, Trouble> {
    match target {
        Target::Room(room) => find_room(connection, *room).map(Some),
        Target::Direct(other) => find_direct(connection, account, accounts::find(connection, other)?),
    }
}

/// The room that a person means by `name`.
pub(super) fn find_named(connection: &Connection, name: &RoomName) -> Result<StoredConversation, Trouble> {
    let found = connection.prepare_cached(BY_KEY)?.query_row([name.key()], read).optional()?;
    found.ok_or(Refusal::UnknownRoom.into())
}

/// The conversation of these parties; `None` for a direct one that has not begun.
pub(super) fn of_parties(connection: &Connection, parties: &Parties) -> Result<Option<StoredConversation>, Trouble> {
    match parties {
        Parties::Room(room) => find_named(connection, room).map(Some),
        Parties::Direct(one, other) => {
            let one = accounts::find(connection, one)?;
            find_direct(connection, one, accounts::find(connection, other)?)
        }
    }
}

/// Begins the direct conversation of two different people who exist.
pub(super) fn begin_direct(connection: &Connection, one: AccountId, other: AccountId) -> Result<StoredConversation, Trouble> {
    let (a, b) = (one.min(other), one.max(other));
    connection.prepare_cached(BEGIN_DIRECT)?.execute([clamped(a.0), clamped(b.0)])?;
    let id =
        u64::try_from(connection.last_insert_rowid()).map_err(|_| StoreError::contradiction("a conversation has a negative number"))?;
    find(connection, ConversationId(id))
}

pub(super) fn set_last(connection: &Connection, id: ConversationId, last: Seq) -> Result<(), Trouble> {
    connection.prepare_cached(SET_LAST)?.execute([clamped(id.0), clamped(last.0)])?;
    Ok(())
}

/// Since which message somebody is in a conversation; refused to those who are not.
pub(super) fn since(connection: &Connection, conversation: &StoredConversation, reader: AccountId) -> Result<Seq, Trouble> {
    match conversation.place {
        StoredPlace::Direct { a, b } if reader == a || reader == b => Ok(Seq(0)),
        StoredPlace::Direct { .. } => Err(Refusal::UnknownConversation.into()),
        StoredPlace::Room(_) if conversation.everyone => Ok(Seq(0)),
        // Nobody can invite into it any more.
        StoredPlace::Room(_) if conversation.deleted => Err(Refusal::UnknownConversation.into()),
        StoredPlace::Room(_) => {
            let key = [clamped(reader.0), clamped(conversation.id.0)];
            let since = connection.prepare_cached(MEMBER_SINCE)?.query_row(key, |row| number(row, 0)).optional()?;
            match since {
                Some(since) => Ok(Seq(since)),
                None if conversation.private && !is_invited(connection, conversation.id, reader)? => Err(Refusal::InvitationNeeded.into()),
                None => Err(Refusal::NotInRoom.into()),
            }
        }
    }
}

/// Whether somebody has been asked to join a room.
pub(super) fn is_invited(connection: &Connection, room: ConversationId, account: AccountId) -> Result<bool, Trouble> {
    Ok(connection.prepare_cached(IS_INVITED)?.exists([clamped(account.0), clamped(room.0)])?)
}

/// Up to where somebody has read.
pub(super) fn read_upto(connection: &Connection, conversation: ConversationId, reader: AccountId) -> Result<Seq, Trouble> {
    let key = [clamped(reader.0), clamped(conversation.0)];
    Ok(Seq(connection.prepare_cached(READ)?.query_row(key, |row| number(row, 0)).optional()?.unwrap_or(0)))
}

/// How many messages are newer than what somebody has read, has come after, and could read: those that stand, because what was taken back
/// waits for nobody.
pub(super) fn unread(
    connection: &Connection,
    conversation: ConversationId,
    last: Seq,
    read: Seq,
    since: Seq,
    kept_from: Seq,
) -> Result<u64, Trouble> {
    let from = read.0.max(since.0).max(kept_from.0.saturating_sub(1));
    let newer = last.0.saturating_sub(from);
    if newer == 0 {
        return Ok(0);
    }
    let key = [clamped(conversation.0), clamped(from)];
    let gone: u64 = connection.prepare_cached(TAKEN_BACK)?.query_row(key, |row| number(row, 0))?;
    Ok(newer.saturating_sub(gone))
}

/// A conversation that has begun.
pub(super) fn begun(connection: &Connection, account: AccountId, of: &Target) -> Result<StoredConversation, Trouble> {
    find_target(connection, account, of)?.ok_or(Refusal::UnknownMessage.into())
}

/// So much was altered in a conversation.
pub(super) fn count_alterations(connection: &Connection, conversation: ConversationId, number: u64) -> Result<(), Trouble> {
    connection.prepare_cached(COUNT_ALTERATIONS)?.execute([clamped(conversation.0), clamped(number)])?;
    Ok(())
}

/// A conversation as `reader` sees it; refused to those who are not in it.
pub(super) fn seen_by(connection: &Connection, conversation: &StoredConversation, reader: AccountId) -> Result<ConversationInfo, Trouble> {
    let &StoredConversation { id, last, kept_from, alterations, .. } = conversation;
    let since = since(connection, conversation, reader)?;
    let place = match conversation.place {
        StoredPlace::Room(ref room) => Place::Room(room.clone()),
        StoredPlace::Direct { a, b } => Place::Direct(accounts::name(connection, if reader == a { b } else { a })?),
    };
    let read = read_upto(connection, id, reader)?;
    let unread = unread(connection, id, last, read, since, kept_from)?;
    let arrangement = arranged::of(connection, id, reader)?;
    Ok(ConversationInfo { id, place, last, since, read, unread, alterations, arrangement })
}

/// Every conversation that `account` is in.
pub(super) fn of(connection: &Connection, account: AccountId) -> Result<Vec<ConversationInfo>, Trouble> {
    let mut statement = connection.prepare_cached(OF_ACCOUNT)?;
    let infos = statement.query_map(params![clamped(account.0)], |row| {
        let place = match optional_words(row, 2)? {
            Some(room) => Place::Room(room),
            None => Place::Direct(words(row, 3)?),
        };
        let (last, since, read) = (Seq(number(row, 1)?), Seq(number(row, 4)?), Seq(number(row, 7)?));
        let (alterations, arrangement) = (number(row, 6)?, arranged::read(row, 8)?);
        let info = ConversationInfo { id: ConversationId(number(row, 0)?), place, last, since, read, unread: 0, alterations, arrangement };
        Ok((info, Seq(number(row, 5)?)))
    })?;
    let infos: Vec<(ConversationInfo, Seq)> = infos.collect::<Result<_, _>>()?;
    let counted = infos.into_iter().map(|(info, kept_from)| {
        let unread = unread(connection, info.id, info.last, info.read, info.since, kept_from)?;
        Ok(ConversationInfo { unread, ..info })
    });
    counted.collect()
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::Keep;

    use super::super::StoredRoom;
    use super::super::fixture::{add, direct, each_store, overview, post_to, posted};
    use super::*;

    #[test]
    fn a_new_database_has_the_lobby_and_no_other_room() {
        each_store(|store| {
            let rooms = store.opening().unwrap().rooms;
            let lobby =
                StoredRoom { conversation: ConversationId(1), name: RoomName::lobby(), everyone: true, owner: None, keep: Keep::default() };
            assert_eq!(rooms, [lobby]);
            let key: String = store.connection.query_row("SELECT room_key FROM conversations WHERE id = 1", [], |row| row.get(0)).unwrap();
            assert_eq!(key, RoomName::lobby().key());
        });
    }

    #[test]
    fn each_of_a_pair_sees_the_other_and_a_third_sees_neither() {
        each_store(|store| {
            let (anna, bob, eve) = (add(store, "anna"), add(store, "bob"), add(store, "eve"));
            let message = posted(post_to(store, bob, 1, direct("anna"))).0;
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
