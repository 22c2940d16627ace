//! That there is something else to be listed: told to whoever shows lists, gathered, and to nobody else.
//!
//! What it is now, each asks for itself: what they may see of it differs, and most changes come many at a time.

use core::time::Duration;
use std::collections::BTreeSet;

use belfry_core::chat::{AccountId, Event, ListVersions, NamedProfile, Role};
use belfry_core::limits::{LISTS_WITHIN_MAX, PAGE_ENTRIES_MAX};
use belfry_core::time::{Instant, Now};

use super::{Hub, SessionId};
use crate::limits::{LIST_PAGES_PER_SECOND, LISTS_INTERVAL, PROFILES_PER_EVENT};

/// What kind of list something else stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListKind {
    Accounts,
    Rooms,
    Groups,
    Notices,
}

/// How often what is listed has changed, and who hears of it.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Up to now.
    now: ListVersions,
    /// As it was told last.
    told: ListVersions,
    shown_by: BTreeSet<SessionId>,
    /// What has changed of accounts since, as long as that is nothing but few profiles.
    profiles: Vec<NamedProfile>,
    quiet_until: Instant,
}

impl Lists {
    fn changed(&mut self, kind: ListKind) {
        let version = match kind {
            ListKind::Accounts => &mut self.now.accounts,
            ListKind::Rooms => &mut self.now.rooms,
            ListKind::Groups => &mut self.now.groups,
            ListKind::Notices => &mut self.now.notices,
        };
        *version += 1;
    }

    /// A session shows no lists any more.
    pub(super) fn leave(&mut self, session: SessionId) {
        self.shown_by.remove(&session);
    }

    fn are_behind(&self) -> bool {
        self.now != self.told && !self.shown_by.is_empty()
    }

    /// When those who show lists are to be told.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.are_behind().then_some(self.quiet_until)
    }
}

/// What somebody of this role may ask for.
fn seen_by(role: Role, versions: ListVersions) -> ListVersions {
    match role {
        Role::Admin => versions,
        Role::Member => ListVersions { groups: 0, notices: 0, ..versions },
    }
}

/// Within which time so many who show lists are to ask for what has changed since `told`.
fn within(now: ListVersions, told: ListVersions, accounts: u64, shown_by: u64) -> Duration {
    let pages = if now.accounts == told.accounts { 1 } else { 1 + accounts / u64::from(PAGE_ENTRIES_MAX) };
    Duration::from_secs(shown_by.saturating_mul(pages) / LIST_PAGES_PER_SECOND).clamp(Duration::from_secs(1), LISTS_WITHIN_MAX)
}

impl Hub {
    /// Something else is to be listed from now on.
    pub(super) fn list_changed(&mut self, now: Now, kind: ListKind) {
        self.lists.changed(kind);
        self.announce_lists(now);
    }

    /// Something else is said of somebody: few of those are told as they are, since people say often what they are doing.
    pub(super) fn profile_changed(&mut self, now: Now, profile: NamedProfile) {
        if !self.lists.shown_by.is_empty() && self.lists.profiles.len() < PROFILES_PER_EVENT {
            self.lists.profiles.push(profile);
        }
        self.list_changed(now, ListKind::Accounts);
    }

    /// A session shows lists: how often they have changed up to now.
    pub(super) fn watch_lists(&mut self, session: SessionId, account: AccountId) -> ListVersions {
        if self.lists.shown_by.is_empty() {
            // Nobody has missed anything.
            self.lists.told = self.lists.now;
            self.lists.profiles.clear();
        }
        self.lists.shown_by.insert(session);
        seen_by(self.role(account), self.lists.now)
    }

    fn role(&self, account: AccountId) -> Role {
        self.directory.get(account).map_or(Role::Member, |known| known.role)
    }

    /// Tells those who show lists that there is something else, unless it is better to wait for more.
    pub(super) fn announce_lists(&mut self, now: Now) {
        if !self.lists.are_behind() || self.lists.quiet_until > now.instant {
            return;
        }
        self.lists.quiet_until = now.instant + LISTS_INTERVAL;
        let changes = std::mem::take(&mut self.lists.profiles);
        if changes.len() as u64 == self.lists.now.accounts - self.lists.told.accounts && !changes.is_empty() {
            let (since, upto) = (self.lists.told.accounts, self.lists.now.accounts);
            self.lists.told.accounts = upto;
            self.push(self.lists.shown_by.iter().copied().collect(), Event::Profiles { since, changes, upto });
        }
        let (versions, told) = (self.lists.now, std::mem::replace(&mut self.lists.told, self.lists.now));
        for role in [Role::Admin, Role::Member] {
            let versions = seen_by(role, versions);
            if versions == seen_by(role, told) {
                continue;
            }
            let is_told = |session: &SessionId| self.presences.account_of(*session).is_some_and(|account| self.role(account) == role);
            let sessions: Vec<_> = self.lists.shown_by.iter().copied().filter(is_told).collect();
            let within = within(versions, told, self.accounts, sessions.len() as u64);
            let within_ms = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
            self.push(sessions, Event::Lists { versions, within_ms });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_there_is_to_be_read_the_longer_everybody_has_for_it() {
        let (before, rooms) = (ListVersions::default(), ListVersions { rooms: 1, ..ListVersions::default() });
        let accounts = ListVersions { accounts: 1, ..ListVersions::default() };
        assert_eq!(within(accounts, before, 300, 300), Duration::from_secs(1));
        assert_eq!(within(rooms, before, 10_000, 10_000), Duration::from_secs(5));
        let pages = 1 + 5_000 / u64::from(PAGE_ENTRIES_MAX);
        assert_eq!(within(accounts, before, 5_000, 1_000), Duration::from_secs(1_000 * pages / LIST_PAGES_PER_SECOND));
        assert_eq!(within(accounts, before, u64::MAX, u64::MAX), LISTS_WITHIN_MAX);
    }
}
