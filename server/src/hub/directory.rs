//! The accounts of those who are here, and of those who left lately. Everybody else is in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use belfry_core::chat::{AccountId, AccountName, Role};
use belfry_core::time::UnixMillis;

use crate::limits::LEFT_LATELY_MAX;
use crate::store::StoredAccount;

/// Accounts by their numbers and by what their names are unique by.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// Boxed, because a map whose keys mostly grow is half empty.
    accounts: BTreeMap<AccountId, Box<StoredAccount>>,
    /// By a hash of what their names are unique by, which would be as long again; different ones may share it.
    by_hash: BTreeSet<(u64, AccountId)>,
    /// Those of them who are not here, the one who left longest ago first.
    left: BTreeSet<(Option<UnixMillis>, AccountId)>,
}

impl Directory {
    /// Somebody is here, as the store has just said.
    pub(super) fn arrive(&mut self, account: StoredAccount) {
        self.by_hash.insert((hash_of(&account.name.key()), account.id));
        if let Some(before) = self.accounts.insert(account.id, Box::new(account)) {
            self.left.remove(&(before.last_seen, before.id));
        }
    }

    /// Somebody's last session has ended.
    pub(super) fn leave(&mut self, id: AccountId) {
        if let Some(account) = self.get(id) {
            self.left.insert((account.last_seen, id));
        }
    }

    /// Forgets those who left too long ago, and says whom. Only once whoever looks was told that they left: their names are needed for that.
    pub(super) fn forget(&mut self) -> Vec<AccountId> {
        let mut forgotten = Vec::new();
        while self.left.len() > LEFT_LATELY_MAX
            && let Some((_, id)) = self.left.pop_first()
        {
            if let Some(account) = self.accounts.remove(&id) {
                self.by_hash.remove(&(hash_of(&account.name.key()), id));
                forgotten.push(id);
            }
        }
        forgotten
    }

    /// Somebody who is here was here at this moment.
    pub(super) fn seen(&mut self, id: AccountId, at: UnixMillis) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.last_seen = Some(at);
        }
    }

    /// The clock was set back: nobody was here later than now.
    pub(super) fn seen_no_later_than(&mut self, now: UnixMillis) {
        for account in self.accounts.values_mut() {
            let seen = account.last_seen.min(Some(now));
            if self.left.remove(&(account.last_seen, account.id)) {
                self.left.insert((seen, account.id));
            }
            account.last_seen = seen;
        }
    }

    /// An account may do something else now.
    pub(super) fn set_role(&mut self, id: AccountId, role: Role) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.role = role;
        }
    }

    pub(super) fn get(&self, id: AccountId) -> Option<&StoredAccount> {
        self.accounts.get(&id).map(|account| &**account)
    }

    /// The account that a person means by `name`, in whatever case they typed it.
    pub(super) fn find(&self, name: &AccountName) -> Option<AccountId> {
        let key = name.key();
        let hash = hash_of(&key);
        let mut alike = self.by_hash.range((hash, AccountId(0))..=(hash, AccountId(u64::MAX))).map(|&(_, id)| id);
        alike.find(|&id| self.get(id).is_some_and(|account| account.name.key() == key))
    }

    /// When somebody was last here, as far as it is known here and at the store: the store may not have heard it yet.
    pub(super) fn last_seen(&self, id: AccountId, stored: Option<UnixMillis>) -> Option<UnixMillis> {
        self.get(id).and_then(|known| known.last_seen).max(stored)
    }
}

fn hash_of(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: u64, typed: &str) -> StoredAccount {
        let name = AccountName::new(typed).unwrap();
        StoredAccount { id: AccountId(id), name, role: Role::Member, disabled: false, last_seen: Some(UnixMillis(id)) }
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        let mut directory = Directory::default();
        directory.arrive(account(1, "Alice"));
        assert_eq!(directory.find(&AccountName::new("ALICE").unwrap()), Some(AccountId(1)));
        assert_eq!(directory.find(&AccountName::new("bob").unwrap()), None);
    }

    #[test]
    fn of_those_who_left_the_latest_are_known_and_of_those_who_are_here_everybody() {
        let mut directory = Directory::default();
        let many = LEFT_LATELY_MAX as u64 + 10;
        for id in 1..=many {
            directory.arrive(account(id, &format!("person {id}")));
        }
        directory.forget();
        assert_eq!(directory.accounts.len() as u64, many, "nobody who is here is forgotten");
        for id in (2..=many).map(AccountId) {
            directory.leave(id);
        }
        directory.forget();
        assert_eq!((directory.accounts.len(), directory.by_hash.len()), (LEFT_LATELY_MAX + 1, LEFT_LATELY_MAX + 1));
        assert!(directory.get(AccountId(1)).is_some() && directory.get(AccountId(2)).is_none());
        assert!(directory.get(AccountId(many)).is_some());
    }

    #[test]
    fn whoever_comes_back_is_here_and_not_forgotten_with_those_who_left() {
        let mut directory = Directory::default();
        directory.arrive(account(1, "alice"));
        directory.seen(AccountId(1), UnixMillis(50));
        directory.leave(AccountId(1));
        directory.arrive(account(1, "alice"));
        assert!(directory.left.is_empty());
        directory.set_role(AccountId(1), Role::Admin);
        assert_eq!(directory.get(AccountId(1)).map(|known| known.role), Some(Role::Admin));
    }

    #[test]
    fn the_later_time_is_when_somebody_was_last_here() {
        let mut directory = Directory::default();
        directory.arrive(account(7, "alice"));
        let last_seen = |id, stored: Option<u64>| directory.last_seen(AccountId(id), stored.map(UnixMillis));
        assert_eq!(
            (last_seen(7, Some(5)), last_seen(7, Some(9)), last_seen(7, None)),
            (Some(UnixMillis(7)), Some(UnixMillis(9)), Some(UnixMillis(7)))
        );
        assert_eq!((last_seen(8, Some(5)), last_seen(8, None)), (Some(UnixMillis(5)), None));
    }
}
