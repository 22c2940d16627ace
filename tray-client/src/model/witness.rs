//! When this computer could not show a notice, and when it did: what somebody is told who asks why they did not see one.

use belfry_core::chat::NoticeId;
use belfry_core::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// Spans in which notices could not be shown: weeks of working days with a lunch. The oldest go.
const HINDRANCES_MAX: usize = 200;
/// Notices of which it is known when they came, and times that one of them was on the screen. The oldest go.
const HEARD_MAX: usize = 200;
const SHOWN_MAX: usize = 400;

/// That the program runs is written down this often at least, in milliseconds: after a power cut, or a session that
/// ended it without a word, so much is told wrongly.
const ALIVE_AGAIN_MS: u64 = 60 * 1000;

/// Why a notice does not come before somebody's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Hindrance {
    /// The program did not run, or the computer was off.
    NotRunning,
    /// There was no connection to the server.
    Offline,
    /// The screen was locked.
    Locked,
    /// The person did not want to be disturbed.
    DoNotDisturb,
}

/// From when to when, by this computer's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When it began.
    pub from: UnixMillis,
    /// When it ended; `None` where it has not.
    pub until: Option<UnixMillis>,
}

impl Span {
    fn ends(&mut self, now: UnixMillis) {
        // A clock that was put back makes no time pass.
        self.until = Some(now.max(self.from));
    }
}

/// What is known of when notices could be seen on this computer. It is remembered beside the notices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    hindrances: Vec<(Hindrance, Span)>,
    heard: Vec<(NoticeId, UnixMillis)>,
    shown: Vec<(NoticeId, Span)>,
    /// When the program was last seen to run.
    alive_at: Option<UnixMillis>,
    #[serde(skip)]
    written_at: Option<UnixMillis>,
    #[serde(skip)]
    changed: bool,
}

impl Witness {
    /// It begins to be so, or ends; what is so already stays as it is.
    pub(super) fn hinder(&mut self, now: UnixMillis, what: Hindrance, on: bool) {
        let open = self.hindrances.iter_mut().find(|(which, span)| *which == what && span.until.is_none());
        match (open, on) {
            (Some((_, span)), false) => span.ends(now),
            (None, true) => {
                self.hindrances.push((what, Span { from: now, until: None }));
                trim(&mut self.hindrances, HINDRANCES_MAX);
            }
            _ => return,
        }
        self.changed = true;
    }

    /// The program runs.
    pub(super) const fn live(&mut self, now: UnixMillis) {
        self.alive_at = Some(now);
    }

    /// A notice has come to this computer just now; only the first time counts.
    pub(super) fn hear(&mut self, notice: NoticeId) {
        if let (None, Some(now)) = (self.heard_at(notice), self.alive_at) {
            self.heard.push((notice, now));
            trim(&mut self.heard, HEARD_MAX);
            self.changed = true;
        }
    }

    /// These are on the screen, and no others.
    pub(super) fn show(&mut self, now: UnixMillis, notices: &[NoticeId]) {
        for (notice, span) in self.shown.iter_mut().filter(|(_, span)| span.until.is_none()) {
            if !notices.contains(notice) {
                span.ends(now);
                self.changed = true;
            }
        }
        for notice in notices {
            if !self.shown.iter().any(|(which, span)| which == notice && span.until.is_none()) {
                self.shown.push((*notice, Span { from: now, until: None }));
                trim(&mut self.shown, SHOWN_MAX);
                self.changed = true;
            }
        }
    }

    /// Notices have other numbers from now on.
    pub(super) fn forget_notices(&mut self) {
        self.heard.clear();
        self.shown.clear();
        self.changed = true;
    }

    /// Whether it is to be written down: it has changed, or that the program runs was written long ago.
    pub(super) fn is_due(&self, now: UnixMillis) -> bool {
        self.changed || self.written_at.is_none_or(|at| now.0.saturating_sub(at.0) >= ALIVE_AGAIN_MS)
    }

    /// What is to be written down, with the time, so that it is known when the program ended.
    pub(super) fn written(&mut self, now: UnixMillis) -> Self {
        self.live(now);
        self.changed = false;
        self.written_at = Some(now);
        Self { written_at: None, ..self.clone() }
    }

    /// What was remembered; the program has begun anew since, at `now`.
    pub(super) fn recall(&mut self, remembered: Self, now: UnixMillis) {
        *self = remembered;
        let Some(ended) = self.alive_at.replace(now) else { return };
        let open = self.hindrances.iter_mut().map(|(_, span)| span).chain(self.shown.iter_mut().map(|(_, span)| span));
        open.filter(|span| span.until.is_none()).for_each(|span| span.ends(ended));
        let span = Span { from: ended, until: Some(now.max(ended)) };
        self.hindrances.push((Hindrance::NotRunning, span));
        trim(&mut self.hindrances, HINDRANCES_MAX);
        self.changed = true;
    }

    /// When a notice came to this computer; `None` where that is not known any more.
    pub fn heard_at(&self, notice: NoticeId) -> Option<UnixMillis> {
        self.heard.iter().find(|(which, _)| *which == notice).map(|(_, at)| *at)
    }

    /// When a notice was on the screen, oldest first.
    pub fn shown(&self, notice: NoticeId) -> Vec<Span> {
        self.shown.iter().filter(|(which, _)| *which == notice).map(|(_, span)| *span).collect()
    }

    /// What stood in the way of a notice between these two times, in the order in which it began.
    pub fn hindrances(&self, from: UnixMillis, until: UnixMillis) -> Vec<(Hindrance, Span)> {
        let mut spans: Vec<_> =
            self.hindrances.iter().filter(|(_, span)| span.from <= until && span.until.is_none_or(|ended| ended > from)).copied().collect();
        spans.sort_by_key(|(what, span)| (span.from, *what));
        spans
    }
}

/// The oldest that are too many go.
fn trim<T>(entries: &mut Vec<T>, most: usize) {
    entries.drain(..entries.len().saturating_sub(most));
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRE: NoticeId = NoticeId(1);

    fn at(seconds: u64) -> UnixMillis {
        UnixMillis(seconds * 1000)
    }

    fn span(from: u64, until: u64) -> Span {
        Span { from: at(from), until: Some(at(until)) }
    }

    #[test]
    fn what_stood_in_the_way_is_what_lasted_into_the_time_asked_about() {
        let mut witness = Witness::default();
        witness.hinder(at(10), Hindrance::Offline, true);
        witness.hinder(at(15), Hindrance::Offline, true);
        witness.hinder(at(20), Hindrance::Offline, false);
        witness.hinder(at(18), Hindrance::Locked, true);
        assert_eq!(witness.hindrances(at(0), at(9)), []);
        assert_eq!(witness.hindrances(at(20), at(99)), [(Hindrance::Locked, Span { from: at(18), until: None })]);
        assert_eq!(witness.hindrances(at(12), at(13)), [(Hindrance::Offline, span(10, 20))]);
    }

    #[test]
    fn a_notice_is_on_the_screen_until_it_is_not() {
        let mut witness = Witness::default();
        witness.show(at(1), &[FIRE]);
        witness.show(at(2), &[FIRE, NoticeId(2)]);
        witness.show(at(5), &[NoticeId(2)]);
        witness.show(at(7), &[FIRE]);
        assert_eq!(witness.shown(FIRE), [span(1, 5), Span { from: at(7), until: None }]);
        assert_eq!(witness.shown(NoticeId(2)), [span(2, 7)]);
    }

    #[test]
    fn only_the_first_time_that_a_notice_came_counts() {
        let mut witness = Witness::default();
        for seconds in [3, 9] {
            witness.live(at(seconds));
            witness.hear(FIRE);
        }
        assert_eq!((witness.heard_at(FIRE), witness.heard_at(NoticeId(2))), (Some(at(3)), None));
    }

    #[test]
    fn between_two_runs_the_program_did_not_run_and_nothing_was_on_the_screen() {
        let mut before = Witness::default();
        before.hinder(at(5), Hindrance::Locked, true);
        before.show(at(6), &[FIRE]);
        let mut after = Witness::default();
        after.recall(before.written(at(10)), at(60));
        assert_eq!(after.shown(FIRE), [span(6, 10)]);
        assert_eq!(after.hindrances(at(0), at(99)), [(Hindrance::Locked, span(5, 10)), (Hindrance::NotRunning, span(10, 60))]);
    }

    #[test]
    fn the_oldest_is_forgotten_and_no_more_than_a_bound_is_kept() {
        let mut witness = Witness::default();
        for turn in 0..1000 {
            witness.hinder(at(turn * 10), Hindrance::Locked, true);
            witness.hinder(at(turn * 10 + 5), Hindrance::Locked, false);
            witness.live(at(turn));
            witness.hear(NoticeId(turn));
            witness.show(at(turn), &[NoticeId(turn)]);
        }
        assert_eq!(witness.hindrances(at(0), at(10_000)).len(), HINDRANCES_MAX);
        assert_eq!((witness.heard.len(), witness.shown.len()), (HEARD_MAX, SHOWN_MAX));
        assert!(witness.heard_at(NoticeId(0)).is_none() && witness.heard_at(NoticeId(999)).is_some());
    }

    #[test]
    fn a_clock_that_is_put_back_makes_no_time_pass() {
        let mut witness = Witness::default();
        witness.hinder(at(10), Hindrance::Offline, true);
        witness.hinder(at(4), Hindrance::Offline, false);
        assert_eq!(witness.hindrances(at(0), at(99)), [(Hindrance::Offline, span(10, 10))]);
    }

    #[test]
    fn what_has_not_changed_is_not_written_again() {
        let mut witness = Witness::default();
        assert!(witness.is_due(at(1)));
        witness.written(at(1));
        assert!(!witness.is_due(at(1)));
        witness.hear(FIRE);
        assert!(witness.is_due(at(2)));
        witness.written(at(2));
        assert!(!witness.is_due(at(61)) && witness.is_due(at(62)), "that it still runs");
    }
}
