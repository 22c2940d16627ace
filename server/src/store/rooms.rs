//! Who is in which room.

use belfry_core::chat::{AccountId, AccountName, ConversationId, Keep, KeepChange, Refusal, RoomName};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, Row, params};

use super::column::{clamped, number, optional_number, words};
use super::confusables::{self, NameKind};
use super::conversations::StoredConversation;
use super::error::Trouble;
use super::{
    Changed, Invitation, Keeper, NamedAccount, Outcome, RoomJob, StoreError, StoredPlace, StoredRoom, accounts, conversations, plans,
};

// By the index of their names: most conversations are no rooms.
const ALL: &str = "SELECT id, room_name, everyone, owner, keep_age, keep_messages FROM conversations
    WHERE room_key > '' AND deleted_at IS NULL ORDER BY room_key";
const CLOSED_DIFFER: &str =
    "SELECT 1 FROM conversations WHERE deleted_at IS NOT NULL AND (keep_age IS NOT NULL OR keep_messages IS NOT NULL)";
const CREATE: &str = "INSERT INTO conversations (room_name, room_key, private, owner) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (room_key) DO NOTHING";
const JOIN: &str = "INSERT INTO members (account, conversation, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
const LEAVE: &str = "DELETE FROM members WHERE account = ?1 AND conversation = ?2";
const INVITE: &str = "INSERT INTO invitations (account, conversation, invited_by, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
const UNINVITE: &str = "DELETE FROM invitations WHERE account = ?1 AND conversation = ?2";
const RENAME: &str = "UPDATE OR IGNORE conversations SET room_name = ?2, room_key = ?3 WHERE id = ?1";
// No name has a stroke in it.
const CLOSE: &str = "UPDATE conversations SET room_key = '/' || id, deleted_at = ?2 WHERE id = ?1";
const EMPTY: &str = "DELETE FROM members WHERE conversation = ?1";
const INVITE_NOBODY: &str = "DELETE FROM invitations WHERE conversation = ?1";
const KEPT: &str = "SELECT keep_age, keep_messages FROM conversations WHERE id = ?1";
const KEEP: &str = "UPDATE conversations SET keep_age = ?2, keep_messages = ?3 WHERE id = ?1";

/// Every room.
pub(super) fn all(connection: &Connection) -> Result<Vec<StoredRoom>, StoreError> {
    let mut statement = connection.prepare_cached(ALL)?;
    let rooms = statement.query_map([], |row| {
        Ok(StoredRoom {
            conversation: ConversationId(number(row, 0)?),
            name: words(row, 1)?,
            everyone: row.get(2)?,
            owner: optional_number(row, 3)?.map(AccountId),
            keep: Keep { age_ms: optional_number(row, 4)?, messages: optional_number(row, 5)? },
        })
    })?;
    Ok(rooms.collect::<Result<_, _>>()?)
}

/// Whether a room that was closed goes by bounds of its own.
pub(super) fn closed_differ(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached(CLOSED_DIFFER)?.exists([])?)
}

pub(super) fn perform(connection: &Connection, at: UnixMillis, job: RoomJob) -> Result<Outcome, Trouble> {
    match job {
        RoomJob::Create { account, name, private } => create(connection, account, &name, private),
        RoomJob::Join { account, room } => join(connection, account, room),
        RoomJob::Leave { account, room } => leave(connection, at, account, room),
        RoomJob::Invite { by, any, account, room } => invite(connection, at, by, any, &account, room),
        RoomJob::Remove { by, account, room } => remove(connection, at, by, &account, room),
        RoomJob::Rename { by, room, name } => rename(connection, by, room, &name),
        RoomJob::Delete { by, room } => delete(connection, at, by, room),
        RoomJob::Keep { room, change } => keep_messages(connection, room, change),
    }
}

fn create(connection: &Connection, account: AccountId, name: &RoomName, private: bool) -> Result<Outcome, Trouble> {
    if connection.prepare_cached(CREATE)?.execute(params![name.as_str(), name.key(), private, clamped(account.0)])? == 0 {
        return Err(Refusal::RoomExists.into());
    }
    let id =
        u64::try_from(connection.last_insert_rowid()).map_err(|_| StoreError::contradiction("a conversation has a negative number"))?;
    take_name(connection, ConversationId(id), name)?;
    connection.prepare_cached(JOIN)?.execute([clamped(account.0), clamped(id), 0])?;
    let room = conversations::find_room(connection, ConversationId(id))?;
    Ok(Outcome::Entered(conversations::seen_by(connection, &room, account)?))
}

fn join(connection: &Connection, account: AccountId, room: ConversationId) -> Result<Outcome, Trouble> {
    let room = conversations::find_room(connection, room)?;
    let inside = match conversations::since(connection, &room, account) {
        Ok(_) => true,
        Err(Trouble::Refused(Refusal::NotInRoom)) => false,
        Err(trouble) => return Err(trouble),
    };
    let key = [clamped(account.0), clamped(room.id.0)];
    if !inside {
        connection.prepare_cached(JOIN)?.execute([clamped(account.0), clamped(room.id.0), clamped(room.last.0)])?;
    }
    connection.prepare_cached(UNINVITE)?.execute(key)?;
    Ok(Outcome::Entered(conversations::seen_by(connection, &room, account)?))
}

fn leave(connection: &Connection, at: UnixMillis, account: AccountId, room: ConversationId) -> Result<Outcome, Trouble> {
    let room = conversations::find_room(connection, room)?;
    if room.everyone {
        return Err(Refusal::LobbyIsEverybodys.into());
    }
    plans::noting_what_it_stops(connection, at, account, &room, account, || {
        match connection.prepare_cached(LEAVE)?.execute([clamped(account.0), clamped(room.id.0)])? {
            0 => Err(Refusal::NotInRoom.into()),
            _ => Ok(Changed.into()),
        }
    })
}

fn invite(
    connection: &Connection,
    at: UnixMillis,
    by: AccountId,
    any: bool,
    account: &AccountName,
    room: ConversationId,
) -> Result<Outcome, Trouble> {
    let account = accounts::find(connection, account)?;
    let room = conversations::find_room(connection, room)?;
    if room.everyone {
        return Err(Refusal::LobbyIsEverybodys.into());
    }
    if !any {
        conversations::since(connection, &room, by)?;
    }
    let news = match conversations::since(connection, &room, account) {
        // Whoever is in it needs no invitation.
        Ok(_) => false,
        Err(Trouble::Refused(_)) => {
            let row = [clamped(account.0), clamped(room.id.0), clamped(by.0), clamped(at.0)];
            connection.prepare_cached(INVITE)?.execute(row)? > 0
        }
        Err(trouble) => return Err(trouble),
    };
    Ok(Invitation { account, by: accounts::name(connection, by)?, news }.into())
}

/// The room, if `by` looks after it.
fn looked_after(connection: &Connection, by: Keeper, room: ConversationId) -> Result<StoredConversation, Trouble> {
    let room = conversations::find_room(connection, room)?;
    if room.everyone {
        return Err(Refusal::LobbyStays.into());
    }
    let owns = room.owner == Some(by.account) && conversations::since(connection, &room, by.account).is_ok();
    if by.any || owns { Ok(room) } else { Err(Refusal::NotYourRoom.into()) }
}

fn remove(connection: &Connection, at: UnixMillis, by: Keeper, account: &AccountName, room: ConversationId) -> Result<Outcome, Trouble> {
    let account = accounts::find(connection, account)?;
    let room = looked_after(connection, by, room)?;
    let key = [clamped(account.0), clamped(room.id.0)];
    plans::noting_what_it_stops(connection, at, by.account, &room, account, || {
        let gone = connection.prepare_cached(LEAVE)?.execute(key)? + connection.prepare_cached(UNINVITE)?.execute(key)?;
        if gone == 0 { Err(Refusal::NobodyThere.into()) } else { Ok(NamedAccount { account }.into()) }
    })
}

fn rename(connection: &Connection, by: Keeper, room: ConversationId, name: &RoomName) -> Result<Outcome, Trouble> {
    let room = looked_after(connection, by, room)?;
    if connection.prepare_cached(RENAME)?.execute(params![clamped(room.id.0), name.as_str(), name.key()])? == 0 {
        return Err(Refusal::RoomExists.into());
    }
    confusables::give_back(connection, NameKind::Room, clamped(room.id.0))?;
    take_name(connection, room.id, name)?;
    if let StoredPlace::Room(old) = &room.place {
        plans::rename_room(connection, old, name)?;
    }
    Ok(Changed.into())
}

fn take_name(connection: &Connection, room: ConversationId, name: &RoomName) -> Result<(), Trouble> {
    let is_free = confusables::take(connection, NameKind::Room, clamped(room.0), name.as_str(), &name.key())?;
    if is_free { Ok(()) } else { Err(Refusal::RoomExists.into()) }
}

fn delete(connection: &Connection, at: UnixMillis, by: Keeper, room: ConversationId) -> Result<Outcome, Trouble> {
    let room = looked_after(connection, by, room)?;
    let id = clamped(room.id.0);
    if let StoredPlace::Room(name) = &room.place {
        plans::close_room(connection, name)?;
    }
    connection.prepare_cached(CLOSE)?.execute([id, clamped(at.0)])?;
    connection.prepare_cached(EMPTY)?.execute([id])?;
    connection.prepare_cached(INVITE_NOBODY)?.execute([id])?;
    confusables::give_back(connection, NameKind::Room, id)?;
    Ok(Changed.into())
}

fn keep_messages(connection: &Connection, room: ConversationId, change: KeepChange) -> Result<Outcome, Trouble> {
    let room = conversations::find_room(connection, room)?;
    let kept = |row: &Row<'_>| Ok(Keep { age_ms: optional_number(row, 0)?, messages: optional_number(row, 1)? });
    let keep = change.after(connection.prepare_cached(KEPT)?.query_row([clamped(room.id.0)], kept)?);
    let row = params![clamped(room.id.0), keep.age_ms.map(clamped), keep.messages.map(clamped)];
    connection.prepare_cached(KEEP)?.execute(row)?;
    Ok(keep.into())
}

#[cfg(test)]
mod tests {
    use super::super::{Changed, Invitation, NamedAccount, Store, Target, Work};
    use belfry_core::chat::{Answer, Page, Seq};

    use super::super::fixture::{LOBBY, add, ask, create, create_private, each_store, named, newest, overview, post_to, posted};
    use super::*;

    fn room(store: &mut Store, job: RoomJob) -> Result<Outcome, Refusal> {
        ask(store, 1, Work::Room(job))
    }

    fn rooms_of(store: &mut Store, account: AccountId) -> Vec<String> {
        overview(store, 1, account).0.iter().map(|info| info.place.to_string()).collect()
    }

    #[test]
    fn a_room_is_seen_read_and_written_by_its_members_only() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            let attic = create(store, anna, "attic");
            assert_eq!(rooms_of(store, anna), ["lobby", "attic"]);
            assert_eq!(rooms_of(store, bob), ["lobby"]);
            post_to(store, anna, 1, Target::Room(attic)).unwrap();
            assert_eq!(post_to(store, bob, 1, Target::Room(attic)), Err(Refusal::NotInRoom));
            assert_eq!(newest(store, bob, Target::Room(attic)), Err(Refusal::NotInRoom));
            assert!(matches!(room(store, RoomJob::Join { account: bob, room: attic }), Ok(Outcome::Entered(_))));
            assert_eq!(newest(store, bob, Target::Room(attic)).unwrap().len(), 1, "what was said before is there to be read");
            let info = overview(store, 1, bob).0.remove(1);
            assert_eq!((info.since, info.unread), (Seq(1), 0), "and it is no news");
            post_to(store, anna, 2, Target::Room(attic)).unwrap();
            assert_eq!(overview(store, 1, bob).0[1].unread, 1);
        });
    }

    #[test]
    fn whoever_leaves_a_room_is_out_of_it() {
        each_store(|store| {
            let anna = add(store, "anna");
            let attic = create(store, anna, "attic");
            assert_eq!(room(store, RoomJob::Leave { account: anna, room: attic }), Ok(Changed.into()));
            assert_eq!(room(store, RoomJob::Leave { account: anna, room: attic }), Err(Refusal::NotInRoom));
            assert_eq!(post_to(store, anna, 1, Target::Room(attic)), Err(Refusal::NotInRoom));
            assert_eq!(rooms_of(store, anna), ["lobby"]);
        });
    }

    #[test]
    fn a_private_room_is_joined_by_invitation_only() {
        each_store(|store| {
            let (anna, bob, eve) = (add(store, "anna"), add(store, "bob"), add(store, "eve"));
            let board = create_private(store, anna, "board");
            let invite = |by, any, whom: &str| RoomJob::Invite { by, any, account: named(whom), room: board };
            assert_eq!(room(store, RoomJob::Join { account: bob, room: board }), Err(Refusal::InvitationNeeded));
            assert_eq!(room(store, invite(eve, false, "bob")), Err(Refusal::InvitationNeeded));
            let invited = |by: &str, news| Ok(Outcome::Invited(Invitation { account: bob, by: named(by), news }));
            assert_eq!(room(store, invite(anna, false, "Bob")), invited("anna", true));
            assert_eq!(room(store, invite(anna, false, "bob")), invited("anna", false));
            assert_eq!(post_to(store, bob, 1, Target::Room(board)), Err(Refusal::NotInRoom));
            assert!(matches!(room(store, RoomJob::Join { account: bob, room: board }), Ok(Outcome::Entered(_))));
            posted(post_to(store, bob, 1, Target::Room(board)));
            // The invitation is used up.
            room(store, RoomJob::Leave { account: bob, room: board }).unwrap();
            assert_eq!(room(store, RoomJob::Join { account: bob, room: board }), Err(Refusal::InvitationNeeded));
            assert_eq!(room(store, invite(anna, true, "nobody")), Err(Refusal::UnknownAccount));
            assert_eq!(room(store, invite(eve, true, "bob")), invited("eve", true), "an administrator");
            assert_eq!(
                room(store, invite(eve, true, "anna")),
                Ok(Outcome::Invited(Invitation { account: anna, by: named("eve"), news: false }))
            );
        });
    }

    #[test]
    fn the_lobby_is_everybodys_and_a_name_is_one_rooms() {
        each_store(|store| {
            let anna = add(store, "anna");
            create(store, anna, "attic");
            let again = RoomJob::Create { account: anna, name: RoomName::new("ATTIC").unwrap(), private: true };
            assert_eq!(room(store, again), Err(Refusal::RoomExists));
            assert_eq!(room(store, RoomJob::Leave { account: anna, room: LOBBY }), Err(Refusal::LobbyIsEverybodys));
            let invite = RoomJob::Invite { by: anna, any: false, account: named("anna"), room: LOBBY };
            assert_eq!(room(store, invite), Err(Refusal::LobbyIsEverybodys));
            assert!(matches!(room(store, RoomJob::Join { account: anna, room: LOBBY }), Ok(Outcome::Entered(_))));
        });
    }

    const fn member(account: AccountId) -> Keeper {
        Keeper { account, any: false }
    }

    #[test]
    fn a_room_is_looked_after_by_who_made_it_while_they_are_in_it_and_by_administrators() {
        each_store(|store| {
            let (anna, bob, root) = (add(store, "anna"), add(store, "bob"), add(store, "root"));
            let attic = create(store, anna, "attic");
            room(store, RoomJob::Join { account: bob, room: attic }).unwrap();
            let remove = |by, whom: &str| RoomJob::Remove { by, account: named(whom), room: attic };
            assert_eq!(room(store, remove(member(bob), "anna")), Err(Refusal::NotYourRoom));
            assert_eq!(room(store, remove(member(anna), "bob")), Ok(Outcome::NamedAccount(NamedAccount { account: bob })));
            assert_eq!(room(store, remove(member(anna), "bob")), Err(Refusal::NobodyThere));
            assert_eq!(post_to(store, bob, 1, Target::Room(attic)), Err(Refusal::NotInRoom));
            room(store, RoomJob::Leave { account: anna, room: attic }).unwrap();
            let rename = |by| RoomJob::Rename { by, room: attic, name: RoomName::new("loft").unwrap() };
            assert_eq!(room(store, rename(member(anna))), Err(Refusal::NotYourRoom));
            assert_eq!(room(store, rename(Keeper { account: root, any: true })), Ok(Changed.into()));
            for job in [
                RoomJob::Delete { by: member(anna), room: LOBBY },
                RoomJob::Remove { by: member(anna), account: named("bob"), room: LOBBY },
            ] {
                assert_eq!(room(store, job), Err(Refusal::LobbyStays));
            }
        });
    }

    #[test]
    fn it_is_known_whether_a_closed_room_says_how_long_its_messages_are_kept() {
        let (age, newest) = (Keep { age_ms: Some(1), messages: None }, Keep { age_ms: None, messages: Some(1) });
        for (keep, closes, expected) in
            [(Keep::default(), true, false), (age, false, false), (newest, false, false), (age, true, true), (newest, true, true)]
        {
            each_store(|store| {
                let anna = add(store, "anna");
                let attic = create(store, anna, "attic");
                room(store, RoomJob::Keep { room: attic, change: keep.into() }).unwrap();
                if closes {
                    room(store, RoomJob::Delete { by: member(anna), room: attic }).unwrap();
                }
                assert_eq!(store.opening().unwrap().closed_rooms_differ, expected, "{keep:?}, closed: {closes}");
            });
        }
    }

    #[test]
    fn an_invitation_is_taken_back_by_removing_who_has_it() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            let board = create_private(store, anna, "board");
            room(store, RoomJob::Invite { by: anna, any: false, account: named("bob"), room: board }).unwrap();
            room(store, RoomJob::Remove { by: member(anna), account: named("bob"), room: board }).unwrap();
            assert_eq!(room(store, RoomJob::Join { account: bob, room: board }), Err(Refusal::InvitationNeeded));
        });
    }

    #[test]
    fn a_closed_room_is_nobodys_its_name_is_free_and_what_was_said_stays() {
        each_store(|store| {
            let anna = add(store, "anna");
            let attic = create(store, anna, "attic");
            post_to(store, anna, 1, Target::Room(attic)).unwrap();
            assert_eq!(room(store, RoomJob::Delete { by: member(anna), room: attic }), Ok(Changed.into()));
            assert_eq!(rooms_of(store, anna), ["lobby"]);
            assert_eq!(newest(store, anna, Target::Room(attic)), Err(Refusal::UnknownRoom));
            assert_eq!(room(store, RoomJob::Join { account: anna, room: attic }), Err(Refusal::UnknownRoom));
            assert_eq!(store.opening().unwrap().rooms.len(), 1);
            let second = create(store, anna, "attic");
            assert!(second > attic && newest(store, anna, Target::Room(second)).unwrap().is_empty());
            let page = Work::ExportPage { account: anna, all: true, conversation: attic, after: Seq(0), limit: 9 };
            assert!(
                matches!(ask(store, 1, page), Ok(Outcome::Read(Answer::Exported(Page { entries: messages, .. }))) if messages.len() == 1)
            );
        });
    }

    #[test]
    fn of_two_names_that_look_the_same_and_come_at_the_same_moment_one_is_taken() {
        each_store(|store| {
            let anna = add(store, "anna");
            let make = |ticket, typed| {
                let job = RoomJob::Create { account: anna, name: RoomName::new(typed).unwrap(), private: false };
                super::super::fixture::job(ticket, 1, Work::Room(job))
            };
            let done = store.apply(vec![make(1, "hall"), make(2, "ha11"), make(3, "HALL")]);
            assert!(matches!(done[0].result, Ok(Outcome::Entered(_))));
            assert!(done[1..].iter().all(|done| done.result == Err(Refusal::RoomExists)), "{done:?}");
            let person = |ticket, typed: &str| {
                let work =
                    Work::AddAccount { name: typed.parse().unwrap(), password_hash: "x".into(), role: belfry_core::chat::Role::Member };
                super::super::fixture::job(ticket, 1, work)
            };
            let done = store.apply(vec![person(1, "paul"), person(2, "pau1")]);
            assert!(done[0].result.is_ok());
            assert_eq!(done[1].result, Err(Refusal::NameTaken));
            assert_eq!(store.opening().unwrap().accounts, 2, "nothing of the second is left");
        });
    }

    #[test]
    fn a_new_name_is_no_other_rooms_and_the_old_one_is_free() {
        each_store(|store| {
            let anna = add(store, "anna");
            let (attic, cellar) = (create(store, anna, "attic"), create(store, anna, "cellar"));
            let rename = |room, typed| RoomJob::Rename { by: member(anna), room, name: RoomName::new(typed).unwrap() };
            for taken in ["CELLAR", "ce1lar", "lobby", "l0bby"] {
                assert_eq!(room(store, rename(attic, taken)), Err(Refusal::RoomExists), "{taken}");
            }
            assert_eq!(rooms_of(store, anna), ["lobby", "attic", "cellar"]);
            room(store, rename(attic, "Attic")).unwrap();
            room(store, rename(attic, "loft")).unwrap();
            room(store, rename(cellar, "attic")).unwrap();
            assert_eq!(rooms_of(store, anna), ["lobby", "loft", "attic"]);
        });
    }
}
