//! Whole conversations, from their first message on, for those who may have them.

use belfry_core::chat::{AccountId, Answer, ConversationId, Exportable, Page, Parties, Place, Refusal, RoomName, Seq};
use belfry_core::limits::PAGE_ENTRIES_MAX;
use rusqlite::{Connection, Row, params};

use super::column::{clamped, invalid, number, optional_words};
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{Outcome, accounts, conversations, messages};

const ALL: &str = "SELECT c.id, c.room_name, a.name, b.name
    FROM conversations c LEFT JOIN accounts a ON a.id = c.low LEFT JOIN accounts b ON b.id = c.high
    WHERE c.id > ?1 ORDER BY c.id LIMIT ?2";
const ROOM: &str = "SELECT id, room_name, NULL, NULL FROM conversations WHERE room_key = ?1";

/// The conversations that `account` may export.
pub(super) fn list(
    connection: &Connection,
    account: AccountId,
    all: bool,
    room: Option<&RoomName>,
    after: Option<ConversationId>,
) -> Result<Outcome, Trouble> {
    let after = after.unwrap_or(ConversationId(0));
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    let found = match (all, room) {
        (true, Some(room)) => {
            let mut statement = connection.prepare_cached(ROOM)?;
            limit.fill(statement.query_map([room.key()], read)?, taken)?
        }
        (true, None) => {
            let mut statement = connection.prepare_cached(ALL)?;
            limit.fill(statement.query_map(params![clamped(after.0), limit.rows()], read)?, taken)?
        }
        (false, room) => {
            let own = accounts::name(connection, account)?;
            let wanted = |place: &Place| room.is_none_or(|room| matches!(place, Place::Room(name) if name.key() == room.key()));
            let seen = conversations::of(connection, account)?.into_iter().filter(|info| info.id > after && wanted(&info.place));
            let entries = seen.map(|info| {
                let parties = match info.place {
                    Place::Room(name) => Parties::Room(name),
                    Place::Direct(other) => Parties::Direct(own.clone(), other),
                };
                Ok::<_, Trouble>(Exportable { conversation: info.id, parties })
            });
            limit.fill(entries, taken)?
        }
    };
    if room.is_some() && found.entries.is_empty() {
        return Err(Refusal::UnknownRoom.into());
    }
    Ok(Outcome::Read(found.into()))
}

/// The messages after `after`, if `account` may have them.
pub(super) fn page(
    connection: &Connection,
    account: AccountId,
    all: bool,
    conversation: ConversationId,
    after: Seq,
    limit: u32,
) -> Result<Outcome, Trouble> {
    let found = conversations::find(connection, conversation)?;
    if !all {
        conversations::seen_by(connection, &found, account)?;
    }
    let messages = messages::following(connection, conversation, after, limit)?;
    let more = messages.last().is_some_and(|message| message.seq < found.last);
    Ok(Outcome::Read(Answer::Exported(Page { entries: messages, more })))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Exportable> {
    let parties = match (optional_words(row, 1)?, optional_words(row, 2)?, optional_words(row, 3)?) {
        (Some(room), None, None) => Parties::Room(room),
        (None, Some(one), Some(other)) => Parties::Direct(one, other),
        _ => return Err(invalid(1, "neither a room nor a pair of people")),
    };
    Ok(Exportable { conversation: ConversationId(number(row, 0)?), parties })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{LOBBY, add, ask, direct, each_store, post_to, say};
    use super::super::{Store, Work};
    use super::*;
    use belfry_core::chat::{Answer, Page};

    fn listed(store: &mut Store, account: AccountId, all: bool, room: Option<&str>) -> Result<Vec<String>, Refusal> {
        let room = room.map(|name| RoomName::new(name).unwrap());
        match ask(store, 1, Work::Exportable { account, all, room, after: None })? {
            Outcome::Read(Answer::Exportable(Page { entries: conversations, more: false })) => {
                Ok(conversations.iter().map(|found| found.parties.to_string()).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_member_exports_what_they_are_in_and_an_administrator_everything() {
        each_store(|store| {
            let (_anna, bob, carol) = (add(store, "anna"), add(store, "bob"), add(store, "carol"));
            post_to(store, bob, 1, direct("anna")).unwrap();
            assert_eq!(listed(store, bob, false, None).unwrap(), ["lobby", "@bob @anna"]);
            assert_eq!(listed(store, carol, false, None).unwrap(), ["lobby"]);
            assert_eq!(listed(store, carol, true, None).unwrap(), ["lobby", "@anna @bob"]);
            let after_the_first = |all| match ask(store, 1, Work::Exportable { account: bob, all, room: None, after: Some(LOBBY) }) {
                Ok(Outcome::Read(Answer::Exportable(page))) => page.entries.iter().map(|found| found.conversation).collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            };
            assert_eq!([false, true].map(after_the_first), [[ConversationId(2)], [ConversationId(2)]]);
            let page = |all| Work::ExportPage { account: carol, all, conversation: ConversationId(2), after: Seq(0), limit: 9 };
            assert_eq!(ask(store, 1, page(false)), Err(Refusal::UnknownConversation));
            assert!(
                matches!(ask(store, 1, page(true)), Ok(Outcome::Read(Answer::Exported(Page { entries: messages, more: false }))) if messages.len() == 1)
            );
        });
    }

    #[test]
    fn one_room_is_found_by_its_name_and_an_unknown_one_is_said_to_be() {
        each_store(|store| {
            let anna = add(store, "anna");
            for all in [false, true] {
                assert_eq!(listed(store, anna, all, Some("Lobby")).unwrap(), ["lobby"]);
                assert_eq!(listed(store, anna, all, Some("attic")), Err(Refusal::UnknownRoom));
            }
        });
    }

    #[test]
    fn messages_come_in_pages_from_the_first_on() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 5);
            let page = |after| Work::ExportPage { account: anna, all: false, conversation: LOBBY, after: Seq(after), limit: 2 };
            for (after, expected, last) in [(0, vec![1, 2], false), (2, vec![3, 4], false), (4, vec![5], true)] {
                let Ok(Outcome::Read(Answer::Exported(Page { entries: messages, more }))) = ask(store, 1, page(after)) else { panic!() };
                assert_eq!((messages.iter().map(|m| m.seq.0).collect::<Vec<_>>(), more), (expected, !last));
            }
        });
    }
}
