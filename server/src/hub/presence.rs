//! Who is here: which sessions belong to whom, and who must be told that somebody came or went.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountId, Presence};
use belfry_core::time::{Instant, Now, UnixMillis};

use super::SessionId;
use crate::limits::PRESENCE_INTERVAL;

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

/// Signed-in sessions, and the changes that have not been announced.
#[derive(Debug, Default)]
pub(super) struct Presences {
    sessions: BTreeMap<SessionId, AccountId>,
    people: BTreeMap<AccountId, BTreeSet<SessionId>>,
    /// Sessions at which nobody is.
    away: BTreeSet<SessionId>,
    /// What everybody has been told; who is not in it is offline.
    announced: BTreeMap<AccountId, Presence>,
    /// Who is something else now, and since when.
    unannounced: BTreeMap<AccountId, UnixMillis>,
    quiet_until: Instant,
}

impl Presences {
    /// A session signed in.
    pub(super) fn arrive(&mut self, now: Now, session: SessionId, account: AccountId) {
        self.sessions.insert(session, account);
        self.people.entry(account).or_default().insert(session);
        self.note(account, now.wall);
    }

    /// A session ended. Says whose it was, if it was signed in, and whether that was their last one.
    pub(super) fn leave(&mut self, now: Now, session: SessionId) -> Option<(AccountId, bool)> {
        self.away.remove(&session);
        let account = self.sessions.remove(&session)?;
        let theirs = self.people.get_mut(&account)?;
        theirs.remove(&session);
        let is_offline = theirs.is_empty();
        if is_offline {
            self.people.remove(&account);
        }
        self.note(account, now.wall);
        Some((account, is_offline))
    }

    /// Whether a session is signed in.
    pub(super) fn is_signed_in(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Nobody is at a session, or somebody is again.
    pub(super) fn set_away(&mut self, now: Now, session: SessionId, away: bool) {
        let Some(&account) = self.sessions.get(&session) else { return };
        let changed = if away { self.away.insert(session) } else { self.away.remove(&session) };
        if changed {
            self.note(account, now.wall);
        }
    }

    /// A change that leads back to what everybody knows is none.
    fn note(&mut self, account: AccountId, at: UnixMillis) {
        if self.presence(account) == self.announced.get(&account).copied().unwrap_or(Presence::Offline) {
            self.unannounced.remove(&account);
        } else {
            self.unannounced.insert(account, at);
        }
    }

    /// The changes to announce now, in order of account; empty while it is better to wait for company.
    pub(super) fn announce(&mut self, now: Instant) -> Vec<(AccountId, Presence, UnixMillis)> {
        if self.unannounced.is_empty() || now < self.quiet_until {
            return Vec::new();
        }
        self.quiet_until = now + PRESENCE_INTERVAL;
        let changed = std::mem::take(&mut self.unannounced);
        let changes: Vec<_> = changed.into_iter().map(|(account, at)| (account, self.presence(account), at)).collect();
        for &(account, presence, _) in &changes {
            if presence == Presence::Offline {
                self.announced.remove(&account);
            } else {
                self.announced.insert(account, presence);
            }
        }
        changes
    }

    /// When [`announce`](Self::announce) has something to say.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.unannounced.is_empty()).then_some(self.quiet_until)
    }

    /// Whether somebody is here, by those of their sessions that are in use.
    pub(super) fn presence(&self, account: AccountId) -> Presence {
        match self.people.get(&account) {
            None => Presence::Offline,
            Some(theirs) if theirs.iter().all(|session| self.away.contains(session)) => Presence::Away,
            Some(_) => Presence::Online,
        }
    }

    /// Whether somebody has a session.
    pub(super) fn is_here(&self, account: AccountId) -> bool {
        self.people.contains_key(&account)
    }

    pub(super) fn sessions_of(&self, account: AccountId) -> impl Iterator<Item = SessionId> {
        self.people.get(&account).into_iter().flatten().copied()
    }

    /// Every signed-in session with its account.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (SessionId, AccountId)> {
        self.sessions.iter().map(|(&session, &account)| (session, account))
    }

    /// Everybody who is online.
    pub(super) fn people(&self) -> impl ExactSizeIterator<Item = AccountId> {
        self.people.keys().copied()
    }

    pub(super) fn sessions_count(&self) -> usize {
        self.sessions.len()
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const ALICE: AccountId = AccountId(1);

    fn at(millis: u64) -> Now {
        Now { instant: Instant::START + Duration::from_millis(millis), wall: UnixMillis(millis) }
    }

    #[test]
    fn an_account_is_online_until_its_last_session_ends() {
        let mut presences = Presences::default();
        presences.arrive(at(0), SessionId(1), ALICE);
        presences.arrive(at(1), SessionId(2), ALICE);
        assert_eq!(presences.leave(at(2), SessionId(1)), Some((ALICE, false)));
        assert_eq!(presences.presence(ALICE), Presence::Online);
        assert_eq!(presences.leave(at(3), SessionId(2)), Some((ALICE, true)));
        assert_eq!(presences.presence(ALICE), Presence::Offline);
    }

    #[test]
    fn somebody_is_away_when_nobody_is_at_any_of_their_sessions() {
        let mut presences = Presences::default();
        presences.arrive(at(0), SessionId(1), ALICE);
        presences.arrive(at(0), SessionId(2), ALICE);
        presences.announce(at(0).instant);
        presences.set_away(at(1), SessionId(1), true);
        assert_eq!((presences.presence(ALICE), presences.deadline()), (Presence::Online, None));
        presences.set_away(at(2), SessionId(2), true);
        assert_eq!(presences.announce(at(300).instant), [(ALICE, Presence::Away, UnixMillis(2))]);
        presences.leave(at(400), SessionId(2));
        assert_eq!(presences.presence(ALICE), Presence::Away);
        presences.set_away(at(500), SessionId(1), false);
        assert_eq!(presences.announce(at(600).instant), [(ALICE, Presence::Online, UnixMillis(500))]);
    }

    #[test]
    fn the_first_change_is_announced_at_once_and_a_burst_is_collected() {
        let mut presences = Presences::default();
        presences.arrive(at(0), SessionId(1), ALICE);
        assert_eq!(presences.announce(at(0).instant).len(), 1);
        for n in 2..=50 {
            presences.arrive(at(n), SessionId(n), AccountId(n));
            assert!(presences.announce(at(n).instant).is_empty());
        }
        assert_eq!(presences.deadline(), Some(at(200).instant));
        assert_eq!(presences.announce(at(200).instant).len(), 49);
        assert_eq!(presences.deadline(), None);
    }

    #[test]
    fn somebody_who_is_back_before_anybody_was_told_has_never_left() {
        let mut presences = Presences::default();
        presences.arrive(at(0), SessionId(1), ALICE);
        presences.announce(at(0).instant);
        presences.leave(at(10), SessionId(1));
        presences.arrive(at(20), SessionId(2), ALICE);
        assert_eq!(presences.deadline(), None);
    }
}
