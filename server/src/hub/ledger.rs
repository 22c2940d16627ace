//! Reading the ledger: what the store has noted, completed with who is here now and what keeps the notice from getting further.

use belfry_core::chat::{AccountId, Answer, DeviceEntry, DeviceId, Gap, LedgerEntry, LedgerPage, NoticeState};
use belfry_core::time::UnixMillis;

use super::{Hub, page};
use crate::store::{StoredEntry, StoredLedger, StoredScreen};

/// How far a notice has come with a person or on a device.
#[derive(Clone, Copy, Debug)]
struct Facts {
    state: NoticeState,
    reached: bool,
    visible: bool,
    locked_at: Option<UnixMillis>,
    online: bool,
    /// Before now; `None` for never.
    last_seen: Option<UnixMillis>,
    missed: Option<UnixMillis>,
}

impl Facts {
    /// What keeps a notice without an answer from getting one.
    fn gap(self) -> Gap {
        if self.state != NoticeState::Open {
            // Whoever is still away was away then.
            let still_away = self.last_seen.filter(|_| !self.online && !self.reached);
            return Gap::Over { state: self.state, offline_since: self.missed.or(still_away) };
        }
        match (self.online, self.last_seen) {
            (false, None) => Gap::NeverConnected,
            (false, Some(since)) => Gap::Offline { since },
            (true, _) if !self.reached => Gap::OnItsWay,
            (true, _) => match self.locked_at.filter(|_| !self.visible) {
                Some(since) => Gap::Locked { since },
                None => Gap::Unanswered,
            },
        }
    }
}

impl Hub {
    pub(super) fn ledger_read(&self, read: StoredLedger) -> Answer {
        let StoredLedger { summary, tally, people } = read;
        let state = summary.notice.state;
        let complete = people.entries.into_iter().map(|stored| self.complete_entry(state, stored));
        let people = page(complete, people.more);
        Answer::Ledger(Box::new(LedgerPage { summary, tally, people }))
    }

    fn complete_entry(&self, state: NoticeState, stored: StoredEntry) -> LedgerEntry {
        let StoredEntry { account, mut entry, missed, screens } = stored;
        entry.online = self.presences.sessions_of(account).next().is_some();
        let last_seen = self.directory.last_seen(account, entry.offline_since);
        entry.offline_since = last_seen.filter(|_| !entry.online);
        let answered = entry.answered.is_some();
        // The person's screen is locked if every screen that has the notice is.
        let named: Vec<_> = screens.iter().filter_map(|screen| screen.entry.device).collect();
        let here = |screen: &&StoredScreen| screen.entry.reached_at.is_some() && self.is_here(account, screen, &named);
        let unlocked = screens.iter().filter(here).any(|screen| screen.locked_at.is_none());
        let locked_at = screens.iter().filter(here).filter_map(|screen| screen.locked_at).max().filter(|_| !unlocked);
        let facts = Facts {
            state,
            reached: entry.reached_at.is_some(),
            visible: entry.visible_at.is_some(),
            locked_at,
            online: entry.online,
            last_seen,
            missed,
        };
        entry.gap = (!answered).then(|| facts.gap());
        let online: Vec<_> = screens.iter().map(|screen| self.is_here(account, screen, &named)).collect();
        let completed = screens.into_iter().zip(online).map(|(mut screen, online)| {
            // Of the other programs it is not known which was here last.
            if screen.entry.device.is_none() {
                screen.entry.offline_since = last_seen.or(screen.entry.offline_since);
            }
            Self::complete_screen(state, online, answered, screen)
        });
        entry.devices = completed.collect();
        entry
    }

    /// Whether a device is here, or one of the programs that have no line of their own.
    fn is_here(&self, account: AccountId, screen: &StoredScreen, named: &[DeviceId]) -> bool {
        match screen.entry.device {
            Some(device) => self.is_device_here(account, device),
            None => self.devices_of(account).any(|device| !named.contains(&device)),
        }
    }

    fn complete_screen(state: NoticeState, online: bool, answered: bool, screen: StoredScreen) -> DeviceEntry {
        let StoredScreen { mut entry, locked_at, missed } = screen;
        let facts = Facts {
            state,
            reached: entry.reached_at.is_some(),
            visible: entry.visible_at.is_some(),
            locked_at,
            online,
            last_seen: entry.offline_since,
            missed,
        };
        entry.gap = match (&entry.answered, answered) {
            (Some(_), _) => None,
            (None, true) => Some(Gap::AnsweredElsewhere),
            (None, false) => Some(facts.gap()),
        };
        entry.online = online;
        entry.offline_since = entry.offline_since.filter(|_| !online);
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Facts = Facts {
        state: NoticeState::Open,
        reached: true,
        visible: false,
        locked_at: None,
        online: true,
        last_seen: Some(UnixMillis(5)),
        missed: None,
    };

    fn check(facts: Facts, expected: Gap) {
        assert_eq!(facts.gap(), expected, "{facts:?}");
    }

    #[test]
    fn whoever_is_here_has_it_on_its_way_locked_or_unanswered() {
        check(Facts { reached: false, ..HERE }, Gap::OnItsWay);
        check(HERE, Gap::Unanswered);
        let locked = Facts { locked_at: Some(UnixMillis(9)), ..HERE };
        check(locked, Gap::Locked { since: UnixMillis(9) });
        check(Facts { visible: true, ..locked }, Gap::Unanswered);
    }

    #[test]
    fn whoever_is_not_here_is_offline_since_then_or_has_never_connected() {
        check(Facts { online: false, ..HERE }, Gap::Offline { since: UnixMillis(5) });
        check(Facts { online: false, last_seen: None, reached: false, ..HERE }, Gap::NeverConnected);
    }

    #[test]
    fn what_is_over_says_how_and_whether_they_were_away_then() {
        let over = Facts { state: NoticeState::Expired, ..HERE };
        let expired = |offline_since| Gap::Over { state: NoticeState::Expired, offline_since };
        check(over, expired(None));
        check(Facts { reached: false, online: false, ..over }, expired(Some(UnixMillis(5))));
        check(Facts { online: false, ..over }, expired(None));
        check(Facts { reached: false, ..over }, expired(None));
        check(Facts { reached: false, missed: Some(UnixMillis(3)), ..over }, expired(Some(UnixMillis(3))));
    }
}
