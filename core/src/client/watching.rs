//! Whom the owner shows, and how far the server has told of them.

use alloc::vec::Vec;

use crate::chat::{Presentity, Request};
use crate::limits::WATCHED_MAX;

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
}

impl Watching {
    /// The owner shows these and no others.
    pub(super) fn set(&mut self, mut whom: Vec<Presentity>) {
        whom.truncate(WATCHED_MAX);
        self.due |= self.whom != whom;
        self.whom = whom;
    }

    /// A session begins, which is told of nobody.
    pub(super) fn begin(&mut self) {
        *self = Self { due: !self.whom.is_empty(), whom: core::mem::take(&mut self.whom), everyone: false, told: 0 };
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
}
