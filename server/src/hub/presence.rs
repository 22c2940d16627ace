//! Who is here: which sessions belong to whom, and what has changed of that in which order.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountId, Presence};
use belfry_core::time::{Now, UnixMillis};

use super::SessionId;

/// How many are here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headcount {
    /// Signed-in sessions.
    pub sessions: u64,
    /// Accounts with at least one session.
    pub people_online: u64,
    /// Accounts.
    pub accounts: u64,
}

/// Signed-in sessions, and when who came, went or was away.
#[derive(Debug, Default)]
pub(super) struct Presences {
    sessions: BTreeMap<SessionId, AccountId>,
    /// The same by account.
    of: BTreeSet<(AccountId, SessionId)>,
    /// How many accounts there are in it.
    people: usize,
    /// Sessions at which nobody is.
    away: BTreeSet<SessionId>,
    /// Changes are counted; this is the last one.
    version: u64,
    /// The last change of each account by its version, and when it was.
    changed: BTreeMap<u64, (AccountId, UnixMillis)>,
    /// The other way about.
    versions: BTreeMap<AccountId, u64>,
    /// Changes up to this one may have been forgotten.
    forgotten: u64,
}

impl Presences {
    /// A session signed in. Whether its account is something else now.
    pub(super) fn arrive(&mut self, now: Now, session: SessionId, account: AccountId) -> bool {
        self.change(now, account, |known| {
            known.people += usize::from(!known.is_here(account));
            known.sessions.insert(session, account);
            known.of.insert((account, session));
        })
    }

    /// A session ended. Says whose it was, if it was signed in, and whether that was their last one.
    pub(super) fn leave(&mut self, now: Now, session: SessionId) -> Option<(AccountId, bool)> {
        let account = self.sessions.remove(&session)?;
        self.change(now, account, |known| {
            known.away.remove(&session);
            known.of.remove(&(account, session));
        });
        let is_offline = !self.is_here(account);
        self.people -= usize::from(is_offline);
        Some((account, is_offline))
    }

    /// Whether a session is signed in.
    pub(super) fn is_signed_in(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Whose a session is.
    pub(super) fn account_of(&self, session: SessionId) -> Option<AccountId> {
        self.sessions.get(&session).copied()
    }

    /// Nobody is at a session, or somebody is again. Whose it is, if they are something else now.
    pub(super) fn set_away(&mut self, now: Now, session: SessionId, away: bool) -> Option<AccountId> {
        let account = self.account_of(session)?;
        let changed = self.change(now, account, |known| {
            if away {
                known.away.insert(session)
            } else {
                known.away.remove(&session)
            };
        });
        changed.then_some(account)
    }

    /// Does something to an account's sessions; whether that makes it something else, which is a change of its own.
    fn change(&mut self, now: Now, account: AccountId, act: impl FnOnce(&mut Self)) -> bool {
        let before = self.presence(account);
        act(self);
        if self.presence(account) == before {
            return false;
        }
        self.version += 1;
        if let Some(last) = self.versions.insert(account, self.version) {
            self.changed.remove(&last);
        }
        self.changed.insert(self.version, (account, now.wall));
        true
    }

    /// The last change.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// The changes after this one, each account once, with what it is now: at the version of its last change.
    pub(super) fn since(&self, version: u64) -> impl Iterator<Item = (u64, AccountId)> {
        self.changed.range(version.saturating_add(1)..).map(|(&version, &(account, _))| (version, account))
    }

    /// Whether all changes after this one are known.
    pub(super) const fn knows_since(&self, version: u64) -> bool {
        self.forgotten <= version && version <= self.version
    }

    /// What an account is, and since when as far as that is known.
    pub(super) fn state(&self, account: AccountId) -> Option<(Presence, UnixMillis)> {
        let &(_, at) = self.changed.get(self.versions.get(&account)?)?;
        Some((self.presence(account), at))
    }

    /// Whoever this is left long ago.
    pub(super) fn forget(&mut self, account: AccountId) {
        if let Some(version) = self.versions.remove(&account) {
            self.changed.remove(&version);
            self.forgotten = self.forgotten.max(version);
        }
    }

    /// Whether somebody is here, by those of their sessions that are in use.
    pub(super) fn presence(&self, account: AccountId) -> Presence {
        if !self.is_here(account) {
            return Presence::Offline;
        }
        if self.sessions_of(account).all(|session| self.away.contains(&session)) { Presence::Away } else { Presence::Online }
    }

    /// Whether somebody has a session.
    pub(super) fn is_here(&self, account: AccountId) -> bool {
        self.sessions_of(account).next().is_some()
    }

    pub(super) fn sessions_of(&self, account: AccountId) -> impl Iterator<Item = SessionId> {
        self.of.range((account, SessionId(0))..=(account, SessionId(u64::MAX))).map(|&(_, session)| session)
    }

    /// Every signed-in session with its account.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (SessionId, AccountId)> {
        self.sessions.iter().map(|(&session, &account)| (session, account))
    }

    /// Everybody who is online.
    pub(super) fn people(&self) -> impl Iterator<Item = AccountId> {
        let mut last = None;
        self.of.iter().filter_map(move |&(account, _)| (last.replace(account) != Some(account)).then_some(account))
    }

    pub(super) const fn people_count(&self) -> usize {
        self.people
    }

    pub(super) fn sessions_count(&self) -> usize {
        self.sessions.len()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use belfry_core::time::Instant;

    use super::*;

    const ALICE: AccountId = AccountId(1);

    fn at(millis: u64) -> Now {
        Now { instant: Instant::START + Duration::from_millis(millis), wall: UnixMillis(millis) }
    }

    fn changes(presences: &Presences, since: u64) -> Vec<(u64, AccountId)> {
        presences.since(since).collect()
    }

    #[test]
    fn an_account_is_online_until_its_last_session_ends() {
        let mut presences = Presences::default();
        assert!(presences.arrive(at(0), SessionId(1), ALICE));
        assert!(!presences.arrive(at(1), SessionId(2), ALICE));
        assert_eq!((presences.people_count(), presences.people().collect::<Vec<_>>()), (1, vec![ALICE]));
        assert_eq!(presences.leave(at(2), SessionId(1)), Some((ALICE, false)));
        assert_eq!(presences.presence(ALICE), Presence::Online);
        assert_eq!(presences.leave(at(3), SessionId(2)), Some((ALICE, true)));
        assert_eq!(presences.presence(ALICE), Presence::Offline);
        assert_eq!((presences.people_count(), presences.people().count()), (0, 0));
    }

    #[test]
    fn somebody_is_away_when_nobody_is_at_any_of_their_sessions() {
        let mut presences = Presences::default();
        presences.arrive(at(0), SessionId(1), ALICE);
        presences.arrive(at(0), SessionId(2), ALICE);
        assert_eq!(presences.set_away(at(1), SessionId(1), true), None);
        assert_eq!(presences.state(ALICE), Some((Presence::Online, UnixMillis(0))));
        assert_eq!(presences.set_away(at(2), SessionId(2), true), Some(ALICE));
        assert_eq!(presences.state(ALICE), Some((Presence::Away, UnixMillis(2))));
        presences.leave(at(400), SessionId(2));
        assert_eq!(presences.state(ALICE), Some((Presence::Away, UnixMillis(2))));
        assert_eq!(presences.set_away(at(500), SessionId(1), false), Some(ALICE));
        assert_eq!(presences.state(ALICE), Some((Presence::Online, UnixMillis(500))));
    }

    #[test]
    fn each_account_is_among_the_changes_once_at_its_last() {
        let mut presences = Presences::default();
        for n in 1..=3 {
            presences.arrive(at(n), SessionId(n), AccountId(n));
        }
        assert_eq!(changes(&presences, 0), [(1, AccountId(1)), (2, AccountId(2)), (3, AccountId(3))]);
        presences.leave(at(4), SessionId(1));
        assert_eq!(changes(&presences, 0), [(2, AccountId(2)), (3, AccountId(3)), (4, AccountId(1))]);
        assert_eq!(changes(&presences, 3), [(4, AccountId(1))]);
        assert_eq!(changes(&presences, 4), []);
    }

    #[test]
    fn what_may_have_been_forgotten_is_not_said_to_be_known() {
        let mut presences = Presences::default();
        for n in 1..=3 {
            presences.arrive(at(n), SessionId(n), AccountId(n));
        }
        presences.leave(at(4), SessionId(2));
        assert!((0..=4).all(|version| presences.knows_since(version)) && !presences.knows_since(5));
        presences.forget(AccountId(2));
        assert!((0..4).all(|version| !presences.knows_since(version)) && presences.knows_since(4));
        assert_eq!(presences.state(AccountId(2)), None);
    }
}
