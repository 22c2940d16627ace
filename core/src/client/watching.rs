//! Whom the owner shows, and how far the server has told of them.

use alloc::vec::Vec;

use core::time::Duration;

use crate::chat::{ListVersions, Presentity, Request};
use crate::limits::{LISTS_WITHIN_MAX, WATCHED_MAX};
use crate::rng::{self, Rng};
use crate::time::Instant;

/// What the server is to tell of.
#[derive(Debug, Default)]
pub(super) struct Watching {
    whom: Vec<Presentity>,
    /// The server is to hear whom.
    due: bool,
    /// The server has said that it tells of everyone from here on.
    everyone: bool,
    /// The version up to which it has told of everyone on this connection.
    told: u64,
    /// What is to be listed has changed, and when the owner is to hear of it.
    lists: Option<(Instant, ListVersions)>,
}

impl Watching {
    /// The owner shows these and no others.
    pub(super) fn set(&mut self, mut whom: Vec<Presentity>) {
        whom.truncate(WATCHED_MAX);
        self.due |= self.whom != whom;
        self.whom = whom;
        // Whoever looks again is told how it is then.
        self.lists = self.lists.filter(|_| self.shows_lists());
    }

    /// A session begins, which is told of nobody.
    pub(super) fn begin(&mut self) {
        *self = Self { due: !self.whom.is_empty(), whom: core::mem::take(&mut self.whom), everyone: false, told: 0, lists: None };
    }

    /// A session is over, and with it what it has told.
    pub(super) const fn end(&mut self) {
        self.lists = None;
    }

    fn shows_lists(&self) -> bool {
        self.whom.contains(&Presentity::Lists)
    }

    /// What is to be listed has changed. Whoever hears it is to ask at a random moment within so many milliseconds.
    pub(super) fn on_lists(&mut self, now: Instant, versions: ListVersions, within_ms: u32, rng: &mut Rng) {
        if !self.shows_lists() {
            return;
        }
        let within = Duration::from_millis(within_ms.into()).min(LISTS_WITHIN_MAX);
        // The moment stays: one that moved with each change would never come.
        let at = self.lists.map_or_else(|| now + rng::up_to(rng, within), |(at, _)| at);
        self.lists = Some((at, versions));
    }

    /// What is said of some people has changed; with these changes accounts are listed up to this version. Whether the owner is to hear of it now:
    /// otherwise it is about to read them anew.
    pub(super) fn on_profiles(&mut self, upto: u64) -> bool {
        if let Some((_, versions)) = &mut self.lists {
            versions.accounts = upto;
            return false;
        }
        self.shows_lists()
    }

    /// When the owner is to hear that what is to be listed has changed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lists.map(|(at, _)| at)
    }

    /// What the owner is to hear of that now.
    pub(super) fn due_lists(&mut self, now: Instant) -> Option<ListVersions> {
        self.lists.take_if(|(at, _)| *at <= now).map(|(_, versions)| versions)
    }

    /// The server was too busy to hear whom.
    pub(super) fn ask_again(&mut self) {
        self.due = true;
    }

    /// The server has given up telling something. It goes on where it was before that: what it told behind the gap says nothing of the gap.
    pub(super) fn on_gap(&mut self) {
        self.due |= !self.whom.is_empty();
        self.everyone = false;
    }

    /// What is to be asked.
    pub(super) fn next_request(&mut self) -> Option<Request> {
        core::mem::take(&mut self.due).then(|| Request::Watch { whom: self.whom.clone(), since: self.told })
    }

    /// The server tells of these from now on, and of everyone after this version. Whether the owner has to read its lists anew; `None` when
    /// it shows others by now.
    pub(super) fn on_answer(&mut self, whom: &[Presentity], since: u64) -> Option<bool> {
        if self.whom != whom {
            return None;
        }
        // The answer itself says how it is.
        self.lists = None;
        self.everyone = whom.contains(&Presentity::Everyone);
        if !self.everyone {
            return Some(whom.iter().any(|watched| matches!(watched, Presentity::Room(_))));
        }
        let anew = since > self.told;
        self.told = self.told.max(since);
        Some(anew)
    }

    /// The server has told of all changes up to this version of those whom it was asked to tell of.
    pub(super) fn on_told(&mut self, version: u64) {
        if self.everyone {
            self.told = self.told.max(version);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::chat::AccountName;

    fn everyone() -> Vec<Presentity> {
        vec![Presentity::Everyone]
    }

    fn one() -> Vec<Presentity> {
        vec![Presentity::Account(AccountName::new("anna").unwrap())]
    }

    fn asks(watching: &mut Watching) -> Option<(Vec<Presentity>, u64)> {
        watching.next_request().map(|request| match request {
            Request::Watch { whom, since } => (whom, since),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_server_is_asked_when_the_owner_shows_others_and_not_again() {
        let mut watching = Watching::default();
        assert_eq!(asks(&mut watching), None);
        watching.set(everyone());
        assert_eq!(asks(&mut watching), Some((everyone(), 0)));
        watching.set(everyone());
        assert_eq!(asks(&mut watching), None);
        watching.set(vec![]);
        assert_eq!(asks(&mut watching), Some((vec![], 0)));
    }

    #[test]
    fn whoever_looks_again_is_told_what_changed_meanwhile_and_on_another_connection_reads_anew() {
        let mut watching = Watching::default();
        watching.set(everyone());
        asks(&mut watching);
        assert_eq!(watching.on_answer(&everyone(), 7), Some(true));
        watching.on_told(9);
        watching.set(vec![]);
        asks(&mut watching);
        assert_eq!(watching.on_answer(&[], 20), Some(false));
        // Told on the way here, or of those who were watched only then.
        watching.on_told(21);
        watching.set(everyone());
        assert_eq!(asks(&mut watching), Some((everyone(), 9)));
        assert_eq!(watching.on_answer(&everyone(), 9), Some(false));
        assert_eq!(watching.on_answer(&everyone(), 900), Some(true), "too much has changed");
        watching.begin();
        assert_eq!(asks(&mut watching), Some((everyone(), 0)));
    }

    #[test]
    fn an_answer_about_those_who_were_shown_before_says_nothing() {
        let mut watching = Watching::default();
        watching.set(one());
        asks(&mut watching);
        watching.set(everyone());
        assert_eq!(watching.on_answer(&one(), 7), None);
        watching.on_told(8);
        assert_eq!(asks(&mut watching), Some((everyone(), 0)), "nobody has told of everyone");
    }

    #[test]
    fn what_the_server_gave_up_is_told_again_from_where_it_was() {
        let mut watching = Watching::default();
        watching.set(everyone());
        asks(&mut watching);
        watching.on_answer(&everyone(), 7);
        watching.on_told(9);
        watching.on_gap();
        watching.on_told(12);
        assert_eq!(asks(&mut watching), Some((everyone(), 9)));
    }

    fn lists(accounts: u64) -> ListVersions {
        ListVersions { accounts, ..ListVersions::default() }
    }

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    #[test]
    fn lists_are_asked_for_again_at_a_random_moment_and_no_later_than_the_server_says() {
        let mut moments = alloc::collections::BTreeSet::new();
        for seed in 0..20 {
            let mut rng = rng::from_seed([seed; 32]);
            let mut watching = Watching::default();
            watching.set(vec![Presentity::Lists]);
            watching.on_lists(at(0), lists(1), 1000, &mut rng);
            let moment = watching.deadline().unwrap();
            assert!(moment <= at(1000));
            watching.on_lists(at(1), lists(2), 1000, &mut rng);
            assert_eq!(watching.deadline(), Some(moment), "more changes do not put it off");
            assert_eq!(watching.due_lists(moment), Some(lists(2)));
            assert_eq!((watching.deadline(), watching.due_lists(at(5000))), (None, None));
            watching.on_lists(at(0), lists(1), u32::MAX, &mut rng);
            assert!(watching.deadline().unwrap() <= at(0) + LISTS_WITHIN_MAX);
            moments.insert(moment);
        }
        assert!(moments.len() > 15, "{moments:?}");
    }

    #[test]
    fn who_does_not_show_lists_any_more_hears_nothing_of_them() {
        let mut rng = rng::from_seed([1; 32]);
        let mut watching = Watching::default();
        watching.on_lists(at(0), lists(1), 1000, &mut rng);
        assert_eq!(watching.deadline(), None);
        let looks_away = |watching: &mut Watching| watching.set(vec![]);
        let answered = |watching: &mut Watching| {
            let _ = watching.on_answer(&[Presentity::Lists], 0);
        };
        for end in [looks_away, Watching::end, answered] {
            watching.set(vec![Presentity::Lists]);
            watching.on_lists(at(0), lists(1), 1000, &mut rng);
            end(&mut watching);
            assert_eq!(watching.deadline(), None);
        }
    }
}
