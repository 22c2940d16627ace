//! Accounts: who may sign in, and when they were last here.

use belfry_core::chat::{AccountId, AccountName, Refusal, Role};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::column::{clamped, invalid, number, optional_time, words};
use super::confusables::{self, NameKind};
use super::error::Trouble;
use super::{AccountAdded, Changed, NamedAccount, Outcome, Remembered, StoreError, StoredAccount, devices};

const ADD: &str = "INSERT INTO accounts (name, name_key, role, password_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (name_key) DO NOTHING";
// Whoever is new has not missed what was said before them.
const HAS_READ: &str = "INSERT INTO readings (account, conversation, upto) SELECT ?1, id, last_seq FROM conversations WHERE everyone = 1";
const COUNT: &str = "SELECT count(*) FROM accounts";
const FIND: &str = "SELECT id FROM accounts WHERE name_key = ?1";
const IS_DISABLED: &str = "SELECT 1 FROM accounts WHERE id = ?1 AND disabled = 1";
const IS_ADMIN: &str = "SELECT 1 FROM accounts WHERE id = ?1 AND role = 1";
const ANOTHER_ADMIN: &str = "SELECT 1 FROM accounts WHERE role = 1 AND disabled = 0 AND id <> ?1";
const NAME: &str = "SELECT name FROM accounts WHERE id = ?1";
const ONE: &str = "SELECT id, name, role, disabled, last_seen FROM accounts WHERE id = ?1";
const RENEW_HASH: &str = "UPDATE accounts SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";
const SET_PASSWORD: &str = "UPDATE accounts SET password_hash = ?2 WHERE id = ?1";
const SET_ROLE: &str = "UPDATE accounts SET role = ?2 WHERE id = ?1";
const SET_DISABLED: &str = "UPDATE accounts SET disabled = ?2 WHERE id = ?1";
const WAS_HERE: &str = "SELECT 1 FROM accounts WHERE name_key = ?1 AND last_seen IS NOT NULL";
const SEEN: &str = "UPDATE accounts SET last_seen = ?2 WHERE id = ?1";

const MEMBER: i64 = 0;
const ADMIN: i64 = 1;

fn stored_role(role: Role) -> i64 {
    match role {
        Role::Member => MEMBER,
        Role::Admin => ADMIN,
    }
}

/// A role from its column.
pub(super) fn role(row: &Row<'_>, column: usize) -> rusqlite::Result<Role> {
    match row.get(column)? {
        MEMBER => Ok(Role::Member),
        ADMIN => Ok(Role::Admin),
        _ => Err(invalid(column, "no such role")),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredAccount> {
    Ok(StoredAccount {
        id: AccountId(number(row, 0)?),
        name: words(row, 1)?,
        role: role(row, 2)?,
        disabled: row.get(3)?,
        last_seen: optional_time(row, 4)?,
    })
}

/// How many accounts there are.
pub(super) fn count(connection: &Connection) -> Result<u64, StoreError> {
    Ok(connection.prepare_cached(COUNT)?.query_row([], |row| number(row, 0))?)
}

pub(super) fn add(
    connection: &Connection,
    at: UnixMillis,
    name: &AccountName,
    password_hash: &str,
    role: Role,
) -> Result<Outcome, Trouble> {
    let row = params![name.as_str(), name.key(), stored_role(role), password_hash, clamped(at.0)];
    if connection.prepare_cached(ADD)?.execute(row)? == 0 {
        return Err(Refusal::NameTaken.into());
    }
    let account =
        u64::try_from(connection.last_insert_rowid()).map_err(|_| StoreError::contradiction("an account has a negative number"))?;
    if !confusables::take(connection, NameKind::Account, clamped(account), name.as_str(), &name.key())? {
        return Err(Refusal::NameTaken.into());
    }
    connection.prepare_cached(HAS_READ)?.execute([clamped(account)])?;
    Ok(AccountAdded { account: AccountId(account) }.into())
}

/// The account that a person means by `name`, in whatever case they typed it; refused where there is none.
pub(super) fn find(connection: &Connection, name: &AccountName) -> Result<AccountId, Trouble> {
    let found = connection.prepare_cached(FIND)?.query_row([name.key()], |row| number(row, 0)).optional()?;
    Ok(AccountId(found.ok_or(Refusal::UnknownAccount)?))
}

/// Whether somebody has ever signed in to the account of that name.
pub(super) fn was_here(connection: &Connection, name: &AccountName) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached(WAS_HERE)?.exists([name.key()])?)
}

/// An account; refused where there is none of that number.
pub(super) fn stored(connection: &Connection, account: AccountId) -> Result<StoredAccount, Trouble> {
    let found = connection.prepare_cached(ONE)?.query_row([clamped(account.0)], read).optional()?;
    found.ok_or(Refusal::UnknownAccount.into())
}

/// An account's name; refused where there is no such account.
pub(super) fn name(connection: &Connection, account: AccountId) -> Result<AccountName, Trouble> {
    let name = connection.prepare_cached(NAME)?.query_row([clamped(account.0)], |row| words(row, 0)).optional()?;
    name.ok_or(Refusal::UnknownAccount.into())
}

/// Whether an account is an administrator's, shut out or not.
pub(super) fn is_admin(connection: &Connection, account: AccountId) -> Result<bool, Trouble> {
    Ok(connection.prepare_cached(IS_ADMIN)?.exists([clamped(account.0)])?)
}

/// Whether an account is shut out.
pub(super) fn is_disabled(connection: &Connection, account: AccountId) -> Result<bool, Trouble> {
    Ok(connection.prepare_cached(IS_DISABLED)?.exists([clamped(account.0)])?)
}

pub(super) fn set_password(
    connection: &Connection,
    account: &AccountName,
    password_hash: &str,
    remembered: Remembered,
) -> Result<Outcome, Trouble> {
    let account = find(connection, account)?;
    devices::forget_but(connection, account, remembered)?;
    connection.prepare_cached(SET_PASSWORD)?.execute(params![clamped(account.0), password_hash])?;
    Ok(NamedAccount { account }.into())
}

pub(super) fn renew_hash(connection: &Connection, account: AccountId, from: &str, to: &str) -> Result<Outcome, Trouble> {
    connection.prepare_cached(RENEW_HASH)?.execute(params![clamped(account.0), from, to])?;
    Ok(Changed.into())
}

pub(super) fn set_role(connection: &Connection, account: &AccountName, role: Role) -> Result<Outcome, Trouble> {
    let account = find(connection, account)?;
    if role != Role::Admin {
        another_admin_than(connection, account)?;
    }
    connection.prepare_cached(SET_ROLE)?.execute(params![clamped(account.0), stored_role(role)])?;
    Ok(NamedAccount { account }.into())
}

pub(super) fn set_disabled(connection: &Connection, account: &AccountName, disabled: bool) -> Result<Outcome, Trouble> {
    let account = find(connection, account)?;
    if disabled {
        another_admin_than(connection, account)?;
    }
    connection.prepare_cached(SET_DISABLED)?.execute(params![clamped(account.0), disabled])?;
    Ok(NamedAccount { account }.into())
}

/// Somebody must remain who can let the others in again. An account that is no administrator's may go in any case.
fn another_admin_than(connection: &Connection, account: AccountId) -> Result<(), Trouble> {
    let matters = is_admin(connection, account)?;
    let another = connection.prepare_cached(ANOTHER_ADMIN)?.exists([clamped(account.0)])?;
    if matters && !another { Err(Refusal::LastAdmin.into()) } else { Ok(()) }
}

pub(super) fn seen(connection: &Connection, at: UnixMillis, account: AccountId) -> Result<Outcome, Trouble> {
    changed(connection.prepare_cached(SEEN)?.execute([clamped(account.0), clamped(at.0)])?)
}

fn changed(rows: usize) -> Result<Outcome, Trouble> {
    if rows == 0 { Err(Refusal::UnknownAccount.into()) } else { Ok(Changed.into()) }
}

#[cfg(test)]
mod tests {
    use super::super::Work;
    use super::super::fixture::{DEVICE, add, arrive, ask, each_store, named};
    use super::*;

    const NOBODY: AccountId = AccountId(99);

    fn account(store: &mut super::super::Store, id: AccountId) -> StoredAccount {
        stored(&store.connection, id).unwrap()
    }

    fn hash(store: &mut super::super::Store, typed: &str) -> String {
        match ask(store, 8, Work::LookUp { name: named(typed), device: DEVICE, source: super::super::fixture::home(77) }) {
            Ok(Outcome::LookedUp(Some(login))) => login.password_hash,
            other => panic!("{other:?}"),
        }
    }

    fn add_admin(store: &mut super::super::Store, typed: &str) {
        let work = Work::AddAccount { name: named(typed), password_hash: "hash".into(), role: Role::Admin };
        ask(store, 0, work).unwrap();
    }

    #[test]
    fn of_administrators_who_go_at_the_same_moment_one_stays() {
        each_store(|store| {
            for typed in ["root", "anna"] {
                add_admin(store, typed);
            }
            add(store, "bob");
            let demote = |typed| Work::SetRole { account: named(typed), role: Role::Member };
            let disable = |typed| Work::SetDisabled { account: named(typed), disabled: true };
            let job = super::super::fixture::job;
            let done = store.apply(vec![job(1, 1, demote("anna")), job(2, 1, disable("root")), job(3, 1, disable("bob"))]);
            let done: Vec<_> = done.into_iter().map(|done| done.result).collect();
            assert!(matches!(done[..], [Ok(_), Err(Refusal::LastAdmin), Ok(_)]), "{done:?}");
            ask(store, 2, Work::SetRole { account: named("bob"), role: Role::Admin }).unwrap();
            assert_eq!(ask(store, 2, demote("root")), Err(Refusal::LastAdmin), "a disabled one does not count");
        });
    }

    #[test]
    fn an_account_is_there_with_what_it_was_made_with() {
        each_store(|store| {
            let name = AccountName::new("Änna").unwrap();
            let work = Work::AddAccount { name: name.clone(), password_hash: "$argon2id$x".into(), role: Role::Admin };
            let Ok(Outcome::AccountAdded(AccountAdded { account: id })) = ask(store, 7, work) else { panic!() };
            let expected = StoredAccount { id, name, role: Role::Admin, disabled: false, last_seen: None };
            assert_eq!(account(store, id), expected);
            assert_eq!(hash(store, "änna"), "$argon2id$x");
        });
    }

    #[test]
    fn whoever_has_signed_in_once_was_here_and_nobody_else() {
        each_store(|store| {
            let anna = add(store, "anna");
            add(store, "bob");
            assert!(!store.was_here(&named("anna")).unwrap());
            ask(store, 5, arrive(anna, DEVICE, false)).unwrap();
            assert_eq!(["ANNA", "bob", "nobody"].map(|typed| store.was_here(&named(typed)).unwrap()), [true, false, false]);
        });
    }

    #[test]
    fn a_name_that_looks_the_same_is_taken() {
        each_store(|store| {
            add(store, "Anna");
            let work =
                Work::AddAccount { name: AccountName::new("ａＮＮＡ").unwrap(), password_hash: String::new(), role: Role::Member };
            assert_eq!(ask(store, 1, work), Err(Refusal::NameTaken));
        });
    }

    #[test]
    fn role_password_and_shutting_out_are_changed() {
        each_store(|store| {
            let anna = add(store, "anna");
            add_admin(store, "root");
            for work in [
                Work::SetRole { account: named("Anna"), role: Role::Admin },
                Work::SetPassword { account: named("anna"), password_hash: "new".into(), remembered: Remembered::All },
                Work::SetDisabled { account: named("ANNA"), disabled: true },
            ] {
                assert_eq!(ask(store, 50, work), Ok(Outcome::NamedAccount(NamedAccount { account: anna })));
            }
            assert_eq!(ask(store, 50, Work::Seen { account: anna, device: DEVICE }), Ok(Changed.into()));
            let anna_now = account(store, anna);
            assert_eq!((anna_now.role, anna_now.disabled, anna_now.last_seen), (Role::Admin, true, Some(UnixMillis(50))));
            assert_eq!(hash(store, "anna"), "new");
        });
    }

    #[test]
    fn a_hash_is_renewed_unless_there_is_a_new_password_by_now() {
        each_store(|store| {
            let anna = add(store, "anna");
            let before = hash(store, "anna");
            let renew = |to: &str| Work::RenewHash { account: anna, from: before.clone(), to: to.into() };
            assert_eq!(ask(store, 1, renew("renewed")), Ok(Changed.into()));
            assert_eq!(hash(store, "anna"), "renewed");
            assert_eq!(ask(store, 2, renew("late")), Ok(Changed.into()));
            assert_eq!(hash(store, "anna"), "renewed");
        });
    }

    #[test]
    fn nothing_is_done_to_an_account_that_does_not_exist() {
        each_store(|store| {
            for work in [
                Work::SetRole { account: named("nobody"), role: Role::Admin },
                Work::SetPassword { account: named("nobody"), password_hash: "new".into(), remembered: Remembered::All },
                Work::SetDisabled { account: named("nobody"), disabled: true },
                Work::Find { name: named("nobody") },
                Work::Seen { account: NOBODY, device: DEVICE },
                arrive(NOBODY, DEVICE, false),
                Work::Overview { account: AccountId(u64::MAX) },
            ] {
                assert_eq!(ask(store, 1, work), Err(Refusal::UnknownAccount));
            }
        });
    }

    #[test]
    fn a_stored_name_that_is_none_is_damage_and_no_panic() {
        each_store(|store| {
            let anna = add(store, "anna");
            store.connection.execute("UPDATE accounts SET name = 'a@b' WHERE id = ?1", [clamped(anna.0)]).unwrap();
            assert_eq!(ask(store, 1, Work::Overview { account: anna }), Err(Refusal::StoreFailed));
        });
    }
}
