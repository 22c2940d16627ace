//! Groups of accounts, for addressing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use belfry_core::chat::{AccountId, AccountName, Answer, Group, GroupName, Person, Refusal};
use belfry_core::time::Now;

use super::{Hub, ReplyTo, Waiting, page};
use crate::limits::{GROUP_MEMBERS_PER_REQUEST_MAX, GROUPS_MAX};
use crate::store::{StoredGroup, Work};

/// Every group by what its name is unique by.
#[derive(Debug, Default)]
pub(super) struct Groups {
    by_key: BTreeMap<String, (GroupName, BTreeSet<AccountId>)>,
}

/// What becomes of a group once the store has done it.
#[derive(Clone, Debug)]
pub(super) enum GroupChange {
    Add(Vec<AccountId>),
    Remove(Vec<AccountId>),
    Dissolve,
}

impl Groups {
    pub(super) fn new(groups: Vec<StoredGroup>) -> Self {
        let by_key = groups.into_iter().map(|group| (group.name.key(), (group.name, group.members.into_iter().collect())));
        Self { by_key: by_key.collect() }
    }

    /// The members of the group that a person means by `name`.
    pub(super) fn members(&self, name: &GroupName) -> Option<&BTreeSet<AccountId>> {
        self.by_key.get(&name.key()).map(|(_, members)| members)
    }

    pub(super) fn change(&mut self, name: GroupName, change: GroupChange) {
        match change {
            GroupChange::Add(accounts) => {
                self.by_key.entry(name.key()).or_insert_with(|| (name, BTreeSet::new())).1.extend(accounts);
            }
            GroupChange::Remove(accounts) => {
                if let Some((_, members)) = self.by_key.get_mut(&name.key()) {
                    members.retain(|member| !accounts.contains(member));
                }
            }
            GroupChange::Dissolve => {
                self.by_key.remove(&name.key());
            }
        }
    }
}

impl Hub {
    pub(super) fn add_to_group(&mut self, now: Now, to: ReplyTo, group: GroupName, members: &[AccountName]) -> Result<(), Refusal> {
        let members = self.accounts_named(members)?;
        if self.groups.members(&group).is_none() && self.groups.by_key.len() >= GROUPS_MAX {
            return Err(Refusal::TooMany);
        }
        let work = Work::AddToGroup { group: group.clone(), members: members.clone() };
        self.submit(now, work, Waiting::Group { to, group, change: GroupChange::Add(members) })
    }

    pub(super) fn remove_from_group(&mut self, now: Now, to: ReplyTo, group: GroupName, members: &[AccountName]) -> Result<(), Refusal> {
        if members.is_empty() {
            let work = Work::RemoveFromGroup { group: group.clone(), members: None };
            return self.submit(now, work, Waiting::Group { to, group, change: GroupChange::Dissolve });
        }
        let members = self.accounts_named(members)?;
        let work = Work::RemoveFromGroup { group: group.clone(), members: Some(members.clone()) };
        self.submit(now, work, Waiting::Group { to, group, change: GroupChange::Remove(members) })
    }

    fn accounts_named(&self, names: &[AccountName]) -> Result<Vec<AccountId>, Refusal> {
        if names.len() > GROUP_MEMBERS_PER_REQUEST_MAX {
            return Err(Refusal::TooMany);
        }
        names.iter().map(|name| self.directory.find(name).map(|account| account.id).ok_or(Refusal::UnknownAccount)).collect()
    }

    pub(super) fn list_groups(&mut self, to: ReplyTo, after: Option<&GroupName>) {
        let start = after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.key()));
        let line = |(name, members): &(GroupName, BTreeSet<AccountId>)| Group { name: name.clone(), members: members.len() as u64 };
        let (groups, more) = page(self.groups.by_key.range((start, Bound::Unbounded)).map(|(_, group)| line(group)));
        self.reply(to, Ok(Answer::Groups { groups, more }));
    }

    pub(super) fn group_members(&mut self, to: ReplyTo, group: &GroupName, after: Option<&AccountName>) -> Result<(), Refusal> {
        let members = self.groups.members(group).ok_or(Refusal::UnknownGroup)?;
        let person = |account: &crate::store::StoredAccount| Person {
            account: account.name.clone(),
            presence: self.attendance.presence(account.id),
            last_seen: account.last_seen,
        };
        let (people, more) = page(self.directory.after(after).filter(|account| members.contains(&account.id)).map(person));
        self.reply(to, Ok(Answer::People { people, more }));
        Ok(())
    }
}
