//! Groups of accounts.

use belfry_core::chat::{AccountId, AccountName, GroupName, Refusal};
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{clamped, number};
use super::error::Trouble;
use super::{Changed, Outcome, accounts};
use crate::limits::GROUPS_MAX;

const FIND: &str = "SELECT id FROM account_groups WHERE name_key = ?1";
const COUNT: &str = "SELECT count(*) FROM account_groups";
const ADD: &str = "INSERT INTO account_groups (name, name_key) VALUES (?1, ?2)";
const ADD_MEMBER: &str = "INSERT INTO group_members (account_group, account) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const REMOVE: &str = "DELETE FROM account_groups WHERE id = ?1";
const REMOVE_MEMBER: &str = "DELETE FROM group_members WHERE account_group = ?1 AND account = ?2";

pub(super) fn add(connection: &Connection, group: &GroupName, members: &[AccountName]) -> Result<Outcome, Trouble> {
    let members = accounts_named(connection, members)?;
    let id = match find(connection, group)? {
        Some(id) => id,
        None if connection.prepare_cached(COUNT)?.query_row([], |row| number(row, 0))? >= GROUPS_MAX as u64 => {
            return Err(Refusal::TooMany.into());
        }
        None if !group.is_as_written() => return Err(Refusal::NameNotGiven.into()),
        None => {
            connection.prepare_cached(ADD)?.execute(params![group.as_str(), group.key()])?;
            connection.last_insert_rowid()
        }
    };
    let mut statement = connection.prepare_cached(ADD_MEMBER)?;
    for member in members {
        statement.execute([id, clamped(member.0)])?;
    }
    Ok(Changed.into())
}

/// Nobody in `members` stands for everybody and the group itself.
pub(super) fn remove(connection: &Connection, group: &GroupName, members: &[AccountName]) -> Result<Outcome, Trouble> {
    let gone = accounts_named(connection, members)?;
    let id = find(connection, group)?.ok_or(Refusal::UnknownGroup)?;
    if gone.is_empty() {
        connection.prepare_cached(REMOVE)?.execute([id])?;
    }
    let mut statement = connection.prepare_cached(REMOVE_MEMBER)?;
    for member in gone {
        statement.execute([id, clamped(member.0)])?;
    }
    Ok(Changed.into())
}

fn accounts_named(connection: &Connection, names: &[AccountName]) -> Result<Vec<AccountId>, Trouble> {
    names.iter().map(|name| accounts::find(connection, name)).collect()
}

/// The group that a person means by its name.
pub(super) fn find(connection: &Connection, group: &GroupName) -> Result<Option<i64>, Trouble> {
    Ok(connection.prepare_cached(FIND)?.query_row([group.key()], |row| row.get(0)).optional()?)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{add as add_account, ask, each_store, named};
    use super::super::{Changed, List, Store, Work};
    use super::*;
    use belfry_core::chat::Page;

    fn nurses() -> GroupName {
        GroupName::new("Nurses").unwrap()
    }

    fn names(names: &[&str]) -> Vec<AccountName> {
        names.iter().map(|name| named(name)).collect()
    }

    fn members(store: &mut Store) -> Result<Vec<String>, Refusal> {
        match ask(store, 1, Work::List(List::GroupMembers { group: nurses(), after: None }))? {
            Outcome::People(Page { entries: people, .. }) => Ok(people.into_iter().map(|person| person.name.to_string()).collect()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_group_is_made_with_its_first_members_and_joined_by_others() {
        each_store(|store| {
            let _ = ["anna", "bob"].map(|name| add_account(store, name));
            ask(store, 1, Work::AddToGroup { group: nurses(), members: names(&["anna"]) }).unwrap();
            let again = GroupName::new("NURSES").unwrap();
            ask(store, 1, Work::AddToGroup { group: again, members: names(&["BOB", "anna"]) }).unwrap();
            assert_eq!(members(store).unwrap(), ["anna", "bob"]);
        });
    }

    #[test]
    fn members_leave_a_group_and_a_removed_group_is_gone() {
        each_store(|store| {
            let _ = ["anna", "bob"].map(|name| add_account(store, name));
            ask(store, 1, Work::AddToGroup { group: nurses(), members: names(&["anna", "bob"]) }).unwrap();
            ask(store, 1, Work::RemoveFromGroup { group: nurses(), members: names(&["anna"]) }).unwrap();
            assert_eq!(members(store).unwrap(), ["bob"]);
            ask(store, 1, Work::RemoveFromGroup { group: nurses(), members: vec![] }).unwrap();
            assert_eq!(members(store), Err(Refusal::UnknownGroup));
            assert_eq!(ask(store, 1, Work::RemoveFromGroup { group: nurses(), members: vec![] }), Err(Refusal::UnknownGroup));
        });
    }

    #[test]
    fn a_group_with_somebody_unknown_is_not_made() {
        each_store(|store| {
            add_account(store, "anna");
            let work = Work::AddToGroup { group: nurses(), members: names(&["anna", "nobody"]) };
            assert_eq!(ask(store, 1, work), Err(Refusal::UnknownAccount));
            assert_eq!(members(store), Err(Refusal::UnknownGroup));
        });
    }

    #[test]
    fn there_are_so_many_groups_and_those_that_are_there_grow() {
        let mut store = Store::open_in_memory().unwrap();
        add_account(&mut store, "anna");
        let fill = "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO account_groups (name, name_key) SELECT 'group ' || i, 'group ' || i FROM n";
        store.connection.execute(fill, [clamped(GROUPS_MAX as u64) - 1]).unwrap();
        let add = |group: &str| Work::AddToGroup { group: group.parse().unwrap(), members: names(&["anna"]) };
        assert_eq!(ask(&mut store, 1, add("nurses")), Ok(Changed.into()));
        assert_eq!(ask(&mut store, 1, add("drivers")), Err(Refusal::TooMany));
        assert_eq!(ask(&mut store, 1, add("NURSES")), Ok(Changed.into()));
    }

    #[test]
    fn a_name_that_nobody_writes_today_is_given_to_no_new_group() {
        each_store(|store| {
            let group = GroupName::known("nurses\u{2800}").unwrap();
            assert_eq!(ask(store, 1, Work::AddToGroup { group, members: Vec::new() }), Err(Refusal::NameNotGiven));
        });
    }
}
