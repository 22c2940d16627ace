//! Every account, in memory: the hub decides nothing by asking the disk.

use std::collections::BTreeMap;
use std::ops::Bound;

use belfry_core::chat::{AccountId, AccountName};

use crate::store::StoredAccount;

/// Every account by its number and by what its name is unique by.
#[derive(Debug, Default)]
pub(super) struct Directory {
    accounts: BTreeMap<AccountId, StoredAccount>,
    by_key: BTreeMap<String, AccountId>,
}

impl Directory {
    pub(super) fn new(accounts: Vec<StoredAccount>) -> Self {
        let mut directory = Self::default();
        for account in accounts {
            directory.add(account);
        }
        directory
    }

    pub(super) fn add(&mut self, account: StoredAccount) {
        self.by_key.insert(account.name.key(), account.id);
        self.accounts.insert(account.id, account);
    }

    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }

    pub(super) fn get(&self, id: AccountId) -> Option<&StoredAccount> {
        self.accounts.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: AccountId) -> Option<&mut StoredAccount> {
        self.accounts.get_mut(&id)
    }

    /// The account that a person means by `name`, in whatever case they typed it.
    pub(super) fn find(&self, name: &AccountName) -> Option<&StoredAccount> {
        self.get(*self.by_key.get(&name.key())?)
    }

    /// Everybody, in the order they were made.
    pub(super) fn all(&self) -> impl Iterator<Item = &StoredAccount> {
        self.accounts.values()
    }

    /// Everybody after `name`, in order of names.
    pub(super) fn after(&self, name: Option<&AccountName>) -> impl Iterator<Item = &StoredAccount> {
        let start = name.map_or(Bound::Unbounded, |name| Bound::Excluded(name.key()));
        self.by_key.range((start, Bound::Unbounded)).filter_map(|(_, &id)| self.get(id))
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::Role;
    use belfry_core::time::UnixMillis;

    use super::*;

    fn directory(names: &[&str]) -> Directory {
        let account = |(id, name): (u64, &&str)| StoredAccount {
            id: AccountId(id),
            name: AccountName::new(name).unwrap(),
            role: Role::Member,
            disabled: false,
            created_at: UnixMillis(0),
            last_seen: None,
        };
        Directory::new((1..).zip(names).map(account).collect())
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        assert_eq!(directory(&["Alice"]).find(&AccountName::new("ALICE").unwrap()).map(|a| a.id), Some(AccountId(1)));
    }

    #[test]
    fn names_come_in_order_and_continue_after_any_of_them() {
        let directory = directory(&["carol", "Alice", "bob"]);
        let names = |after: Option<&str>| -> Vec<String> {
            let after = after.map(|name| AccountName::new(name).unwrap());
            directory.after(after.as_ref()).map(|account| account.name.to_string()).collect()
        };
        assert_eq!(names(None), ["Alice", "bob", "carol"]);
        assert_eq!(names(Some("ALICE")), ["bob", "carol"]);
        assert_eq!(names(Some("carol")), [""; 0]);
    }
}
