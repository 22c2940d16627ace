//! Who is here: which sessions belong to whom, and who must be told that somebody came or went.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountId, Presence};
use belfry_core::time::{Instant, Now, UnixMillis};

use super::SessionId;
use crate::limits::PRESENCE_INTERVAL;

/// Signed-in sessions, and the changes that have not been announced.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    sessions: BTreeMap<SessionId, AccountId>,
    people: BTreeMap<AccountId, BTreeSet<SessionId>>,
    unannounced: BTreeMap<AccountId, (Presence, UnixMillis)>,
    quiet_until: Instant,
}

impl Attendance {
    /// A session signed in. Says whether its account was offline until now.
    pub(super) fn arrive(&mut self, now: Now, session: SessionId, account: AccountId) -> bool {
        self.sessions.insert(session, account);
        let theirs = self.people.entry(account).or_default();
        let was_offline = theirs.is_empty();
        theirs.insert(session);
        if was_offline {
            self.change(account, Presence::Online, now.wall);
        }
        was_offline
    }

    /// A session ended. Says whose it was, if it was signed in, and whether that was their last one.
    pub(super) fn leave(&mut self, now: Now, session: SessionId) -> Option<(AccountId, bool)> {
        let account = self.sessions.remove(&session)?;
        let theirs = self.people.get_mut(&account)?;
        theirs.remove(&session);
        let is_offline = theirs.is_empty();
        if is_offline {
            self.people.remove(&account);
            self.change(account, Presence::Offline, now.wall);
        }
        Some((account, is_offline))
    }

    /// Two changes that were not announced between them lead back to what everybody knows.
    fn change(&mut self, account: AccountId, presence: Presence, at: UnixMillis) {
        if self.unannounced.remove(&account).is_none() {
            self.unannounced.insert(account, (presence, at));
        }
    }

    /// The changes to announce now, in order of account; empty while it is better to wait for company.
    pub(super) fn announce(&mut self, now: Instant) -> Vec<(AccountId, Presence, UnixMillis)> {
        if self.unannounced.is_empty() || now < self.quiet_until {
            return Vec::new();
        }
        self.quiet_until = now + PRESENCE_INTERVAL;
        std::mem::take(&mut self.unannounced).into_iter().map(|(account, (presence, at))| (account, presence, at)).collect()
    }

    /// When [`announce`](Self::announce) has something to say.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (!self.unannounced.is_empty()).then_some(self.quiet_until)
    }

    pub(super) fn presence(&self, account: AccountId) -> Presence {
        if self.people.contains_key(&account) { Presence::Online } else { Presence::Offline }
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
        let mut attendance = Attendance::default();
        assert!(attendance.arrive(at(0), SessionId(1), ALICE));
        assert!(!attendance.arrive(at(1), SessionId(2), ALICE));
        assert_eq!(attendance.leave(at(2), SessionId(1)), Some((ALICE, false)));
        assert_eq!(attendance.presence(ALICE), Presence::Online);
        assert_eq!(attendance.leave(at(3), SessionId(2)), Some((ALICE, true)));
        assert_eq!(attendance.presence(ALICE), Presence::Offline);
    }

    #[test]
    fn the_first_change_is_announced_at_once_and_a_burst_is_collected() {
        let mut attendance = Attendance::default();
        attendance.arrive(at(0), SessionId(1), ALICE);
        assert_eq!(attendance.announce(at(0).instant).len(), 1);
        for n in 2..=50 {
            attendance.arrive(at(n), SessionId(n), AccountId(n));
            assert!(attendance.announce(at(n).instant).is_empty());
        }
        assert_eq!(attendance.deadline(), Some(at(200).instant));
        assert_eq!(attendance.announce(at(200).instant).len(), 49);
        assert_eq!(attendance.deadline(), None);
    }

    #[test]
    fn somebody_who_is_back_before_anybody_was_told_has_never_left() {
        let mut attendance = Attendance::default();
        attendance.arrive(at(0), SessionId(1), ALICE);
        attendance.announce(at(0).instant);
        attendance.leave(at(10), SessionId(1));
        attendance.arrive(at(20), SessionId(2), ALICE);
        assert_eq!(attendance.deadline(), None);
    }
}
