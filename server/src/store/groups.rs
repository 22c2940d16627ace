//! Groups of accounts.

use belfry_core::chat::{AccountId, GroupName, Refusal};
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{clamped, number, words};
use super::error::Trouble;
use super::notices::unknown_account;
use super::{Outcome, StoreError, StoredGroup};

const ALL: &str = "SELECT id, name FROM account_groups ORDER BY id";
const MEMBERS: &str = "SELECT account FROM group_members WHERE account_group = ?1 ORDER BY account";
const FIND: &str = "SELECT id FROM account_groups WHERE name_key = ?1";
const ADD: &str = "INSERT INTO account_groups (name, name_key) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const ADD_MEMBER: &str = "INSERT INTO group_members (account_group, account) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const REMOVE: &str = "DELETE FROM account_groups WHERE id = ?1";
const REMOVE_MEMBER: &str = "DELETE FROM group_members WHERE account_group = ?1 AND account = ?2";

pub(super) fn all(connection: &Connection) -> Result<Vec<StoredGroup>, StoreError> {
    let mut groups = Vec::new();
    let mut statement = connection.prepare_cached(ALL)?;
    let mut members = connection.prepare_cached(MEMBERS)?;
    for row in statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, words(row, 1)?)))? {
        let (id, name) = row?;
        let members = members.query_map([id], |row| number(row, 0).map(AccountId))?.collect::<Result<_, _>>()?;
        groups.push(StoredGroup { name, members });
    }
    Ok(groups)
}

pub(super) fn add(connection: &Connection, group: &GroupName, members: &[AccountId]) -> Result<Outcome, Trouble> {
    connection.prepare_cached(ADD)?.execute(params![group.as_str(), group.key()])?;
    let id = find(connection, group)?;
    let mut statement = connection.prepare_cached(ADD_MEMBER)?;
    for member in members {
        statement.execute([id, clamped(member.0)]).map_err(unknown_account)?;
    }
    Ok(Outcome::Changed)
}

pub(super) fn remove(connection: &Connection, group: &GroupName, members: Option<&[AccountId]>) -> Result<Outcome, Trouble> {
    let id = find(connection, group)?;
    match members {
        None => {
            connection.prepare_cached(REMOVE)?.execute([id])?;
        }
        Some(members) => {
            let mut statement = connection.prepare_cached(REMOVE_MEMBER)?;
            for member in members {
                statement.execute([id, clamped(member.0)])?;
            }
        }
    }
    Ok(Outcome::Changed)
}

fn find(connection: &Connection, group: &GroupName) -> Result<i64, Trouble> {
    let found = connection.prepare_cached(FIND)?.query_row([group.key()], |row| row.get(0)).optional()?;
    found.ok_or(Refusal::UnknownGroup.into())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{add as add_account, ask, each_store};
    use super::super::{Store, Work};
    use super::*;

    fn nurses() -> GroupName {
        GroupName::new("Nurses").unwrap()
    }

    fn groups(store: &mut Store) -> Vec<(String, Vec<AccountId>)> {
        store.opening().unwrap().groups.into_iter().map(|group| (group.name.to_string(), group.members)).collect()
    }

    #[test]
    fn a_group_is_made_with_its_first_members_and_joined_by_others() {
        each_store(|store| {
            let (anna, bob) = (add_account(store, "anna"), add_account(store, "bob"));
            ask(store, 1, Work::AddToGroup { group: nurses(), members: vec![anna] }).unwrap();
            let again = GroupName::new("NURSES").unwrap();
            ask(store, 1, Work::AddToGroup { group: again, members: vec![bob, anna] }).unwrap();
            assert_eq!(groups(store), [("Nurses".to_owned(), vec![anna, bob])]);
        });
    }

    #[test]
    fn members_leave_a_group_and_a_removed_group_is_gone() {
        each_store(|store| {
            let (anna, bob) = (add_account(store, "anna"), add_account(store, "bob"));
            ask(store, 1, Work::AddToGroup { group: nurses(), members: vec![anna, bob] }).unwrap();
            ask(store, 1, Work::RemoveFromGroup { group: nurses(), members: Some(vec![anna]) }).unwrap();
            assert_eq!(groups(store), [("Nurses".to_owned(), vec![bob])]);
            ask(store, 1, Work::RemoveFromGroup { group: nurses(), members: None }).unwrap();
            assert_eq!(groups(store), []);
            assert_eq!(ask(store, 1, Work::RemoveFromGroup { group: nurses(), members: None }), Err(Refusal::UnknownGroup));
        });
    }

    #[test]
    fn a_group_with_somebody_unknown_is_not_made() {
        each_store(|store| {
            let work = Work::AddToGroup { group: nurses(), members: vec![AccountId(99)] };
            assert_eq!(ask(store, 1, work), Err(Refusal::UnknownAccount));
            assert_eq!(groups(store), []);
        });
    }
}
