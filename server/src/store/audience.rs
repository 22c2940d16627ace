//! Whom a notice is for: read in the transaction that sends it, so that it reaches whoever is in a room or a group at that moment.

use std::collections::BTreeSet;

use belfry_core::chat::{AccountId, Audience, ConversationId, Refusal};
use rusqlite::{Connection, OptionalExtension, Row};

use super::column::{clamped, number};
use super::error::Trouble;
use super::{Outcome, Reachable, conversations, groups};

const ONE: &str = "SELECT id, disabled FROM accounts WHERE name_key = ?1";
const IN_ROOM: &str = "SELECT a.id FROM members m CROSS JOIN accounts a ON a.id = m.account WHERE m.conversation = ?1 AND a.disabled = 0";
const IN_GROUP: &str =
    "SELECT a.id FROM group_members m CROSS JOIN accounts a ON a.id = m.account WHERE m.account_group = ?1 AND a.disabled = 0";
const EVERYBODY_ELSE: &str = "SELECT id, last_seen IS NOT NULL FROM accounts WHERE disabled = 0 AND id <> ?1 ORDER BY id";
const OTHERS: &str = "SELECT 1 FROM members m CROSS JOIN accounts a ON a.id = m.account
    WHERE m.conversation = ?1 AND m.account <> ?2 AND a.disabled = 0";
const WAS_HERE: &str = "SELECT id, last_seen IS NOT NULL FROM accounts WHERE id = ?1";

/// The people of several audiences, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recipients {
    /// All but the author, also those who are made while the notice is open.
    pub(super) everyone: bool,
    /// The people; with `everyone`, those who are not among them: the author, if named.
    pub(super) accounts: BTreeSet<AccountId>,
}

fn account(row: &Row<'_>) -> rusqlite::Result<AccountId> {
    Ok(AccountId(number(row, 0)?))
}

/// Finds the people of an audience. Disabled accounts are not among them: they could never answer. Neither is the author, unless named:
/// everyone else is to be told.
pub(super) fn reach(connection: &Connection, author: AccountId, audience: &[Audience]) -> Result<Recipients, Trouble> {
    let mut reach = Recipients::default();
    for audience in audience {
        match audience {
            Audience::Everyone => reach.everyone = true,
            Audience::Account(name) => {
                let one = connection
                    .prepare_cached(ONE)?
                    .query_row([name.key()], |row| Ok((account(row)?, row.get::<_, bool>(1)?)))
                    .optional()?;
                let (id, disabled) = one.ok_or(Refusal::UnknownAccount)?;
                reach.accounts.extend(Some(id).filter(|_| !disabled));
            }
            Audience::Room(name) => {
                let room = conversations::find_named(connection, name)?;
                reach.everyone |= room.everyone;
                reach.extend(connection, IN_ROOM, clamped(room.id.0))?;
            }
            Audience::Group(name) => {
                let group = groups::find(connection, name)?.ok_or(Refusal::UnknownGroup)?;
                reach.extend(connection, IN_GROUP, group)?;
            }
        }
    }
    if reach.everyone {
        reach.accounts.retain(|&account| account == author);
    }
    let is_empty =
        reach.accounts.is_empty() && !(reach.everyone && connection.prepare_cached(EVERYBODY_ELSE)?.exists([clamped(author.0)])?);
    if is_empty { Err(Refusal::EmptyAudience.into()) } else { Ok(reach) }
}

/// Whether anybody but this person is in a room whom a notice would reach there.
pub(super) fn is_for_others(connection: &Connection, room: ConversationId, person: AccountId) -> Result<bool, Trouble> {
    Ok(connection.prepare_cached(OTHERS)?.exists([clamped(room.0), clamped(person.0)])?)
}

impl Recipients {
    fn extend(&mut self, connection: &Connection, query: &str, of: i64) -> Result<(), Trouble> {
        let mut statement = connection.prepare_cached(query)?;
        for member in statement.query_map([of], account)? {
            self.accounts.insert(member?);
        }
        Ok(())
    }
}

/// Whom an audience would reach now, each with whether they have ever been here.
pub(super) fn preview(connection: &Connection, author: AccountId, audience: &[Audience]) -> Result<Outcome, Trouble> {
    let Recipients { everyone, accounts } = reach(connection, author, audience)?;
    let mut people = Vec::new();
    let mut add = |query: &str, of: AccountId| -> Result<(), Trouble> {
        let mut statement = connection.prepare_cached(query)?;
        for person in statement.query_map([clamped(of.0)], |row| Ok((account(row)?, row.get(1)?)))? {
            people.push(person?);
        }
        Ok(())
    };
    if everyone {
        add(EVERYBODY_ELSE, author)?;
    }
    for account in accounts {
        add(WAS_HERE, account)?;
    }
    people.sort_unstable();
    Ok(Reachable { everyone, people }.into())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{DEVICE, add, arrive, ask, create, each_store, named};
    use super::super::{RoomJob, Store, Work};
    use super::*;

    /// The numbers of those that `author` would reach.
    fn reached(store: &mut Store, author: AccountId, audience: &[Audience]) -> Result<(bool, Vec<u64>), Refusal> {
        match ask(store, 9, Work::Preview { author, audience: audience.to_vec() })? {
            Outcome::Reachable(Reachable { everyone, people }) => Ok((everyone, people.iter().map(|(account, _)| account.0).collect())),
            other => panic!("{other:?}"),
        }
    }

    fn one(typed: &str) -> Audience {
        Audience::Account(named(typed))
    }

    fn room(typed: &str) -> Audience {
        Audience::Room(typed.parse().unwrap())
    }

    #[test]
    fn audiences_are_joined_and_nobody_who_is_shut_out_is_among_them() {
        each_store(|store| {
            let [root, anna, bob, _] = ["root", "anna", "bob", "eve"].map(|name| add(store, name));
            let attic = create(store, anna, "attic");
            ask(store, 1, Work::Room(RoomJob::Join { account: bob, room: attic })).unwrap();
            ask(store, 1, Work::AddToGroup { group: "nurses".parse().unwrap(), members: vec![named("bob"), named("eve")] }).unwrap();
            let nurses = Audience::Group("NURSES".parse().unwrap());
            assert_eq!(reached(store, root, &[room("ATTIC")]), Ok((false, vec![2, 3])));
            assert_eq!(reached(store, root, &[nurses.clone(), one("Root"), room("attic")]), Ok((false, vec![1, 2, 3, 4])));
            assert_eq!(reached(store, root, &[Audience::Everyone, nurses.clone()]), Ok((true, vec![2, 3, 4])));
            assert_eq!(reached(store, root, &[room("lobby"), one("root")]), Ok((true, vec![1, 2, 3, 4])));
            ask(store, 2, Work::SetDisabled { account: named("bob"), disabled: true }).unwrap();
            assert_eq!(reached(store, root, &[nurses, room("attic")]), Ok((false, vec![2, 4])));
            assert_eq!(reached(store, root, &[one("bob")]), Err(Refusal::EmptyAudience));
            assert_eq!(reached(store, root, &[Audience::Everyone]), Ok((true, vec![2, 4])));
        });
    }

    #[test]
    fn what_is_not_there_is_refused_by_its_kind_in_the_order_of_the_audiences() {
        each_store(|store| {
            let root = add(store, "root");
            let group = Audience::Group("nurses".parse().unwrap());
            assert_eq!(reached(store, root, &[one("root"), room("attic"), group.clone()]), Err(Refusal::UnknownRoom));
            assert_eq!(reached(store, root, &[group, room("attic")]), Err(Refusal::UnknownGroup));
            assert_eq!(reached(store, root, &[Audience::Everyone, one("nobody")]), Err(Refusal::UnknownAccount));
            assert_eq!(reached(store, root, &[Audience::Everyone]), Err(Refusal::EmptyAudience));
            assert_eq!(reached(store, root, &[]), Err(Refusal::EmptyAudience));
        });
    }

    #[test]
    fn a_preview_says_who_was_ever_here() {
        each_store(|store| {
            let [root, anna, bob] = ["root", "anna", "bob"].map(|name| add(store, name));
            ask(store, 5, arrive(anna, DEVICE, false)).unwrap();
            let expected = Outcome::Reachable(Reachable { everyone: true, people: vec![(anna, true), (bob, false)] });
            assert_eq!(ask(store, 9, Work::Preview { author: root, audience: vec![Audience::Everyone] }), Ok(expected));
        });
    }

    #[test]
    fn a_room_is_for_others_while_somebody_else_is_in_it_who_is_not_shut_out() {
        each_store(|store| {
            let [root, anna, bob] = ["root", "anna", "bob"].map(|name| add(store, name));
            let attic = create(store, anna, "attic");
            create(store, bob, "cellar");
            let for_others = |store: &mut Store| is_for_others(&store.connection, attic, anna).unwrap();
            assert!(!for_others(store), "she is alone in it");
            ask(store, 1, Work::Room(RoomJob::Join { account: bob, room: attic })).unwrap();
            assert!(for_others(store));
            assert!(is_for_others(&store.connection, attic, root).unwrap());
            ask(store, 2, Work::SetDisabled { account: named("bob"), disabled: true }).unwrap();
            assert!(!for_others(store), "a notice would not reach him");
        });
    }
}
