//! Notices that wait for an answer, and those that are over.
//!
//! Whether a notice has expired is the server's word: a wrong clock on this computer must not hide one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use belfry_core::chat::{Notice, NoticeId, NoticeState, Severity};

use super::memory::NoticeMemory;

/// Notices that are kept. The oldest that is over goes first; when none is over, the oldest of the least severity.
const NOTICES_MAX: usize = 500;

/// A notice and what became of it on this screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeEntry {
    /// The notice in its current state.
    pub notice: Notice,
    /// The chosen answer, an index into the notice's.
    pub answer: Option<u8>,
    visible: bool,
    /// The server knows that it waits behind a lock.
    locked: bool,
    dismissed: bool,
    popped_up: bool,
    /// Known from an earlier run; the server has not spoken of it since.
    recalled: bool,
}

impl NoticeEntry {
    /// Whether it still wants something of the person.
    pub fn is_open(&self) -> bool {
        self.is_answerable() && !self.dismissed
    }

    /// Whether an answer still counts: also after the popup of a light one has gone.
    pub fn is_answerable(&self) -> bool {
        self.notice.state == NoticeState::Open && self.answer.is_none()
    }

    /// Whether it still waits to be before the person's eyes.
    pub fn is_unseen(&self) -> bool {
        self.is_answerable() && !self.visible
    }

    /// Whether it was before the person's eyes for as long as it takes to read.
    pub const fn is_seen(&self) -> bool {
        self.visible
    }

    /// What the chosen answer says.
    pub fn answer_label(&self) -> Option<&str> {
        self.notice.answers.get(usize::from(self.answer?)).map(belfry_core::chat::Label::as_str)
    }
}

/// Every notice this program has heard of, up to a bound.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    entries: BTreeMap<NoticeId, NoticeEntry>,
    /// They are others than are remembered.
    changed: bool,
}

/// What a notice that arrived means for the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoticeArrival {
    /// It was known, and as it is.
    Known,
    /// It is to be shown, or shown with its new words.
    Open,
    /// It is over, and may be on the screen.
    Over,
}

impl Notices {
    /// The open ones, most severe first, then newest first.
    pub fn open(&self) -> Vec<&NoticeEntry> {
        let mut open: Vec<_> = self.entries.values().filter(|entry| entry.is_open()).collect();
        open.sort_by_key(|entry| Reverse((entry.notice.severity, entry.notice.sent_at, entry.notice.id)));
        open
    }

    /// The others, newest first.
    pub fn past(&self) -> Vec<&NoticeEntry> {
        let mut past: Vec<_> = self.entries.values().filter(|entry| !entry.is_open()).collect();
        past.sort_by_key(|entry| Reverse((entry.notice.sent_at, entry.notice.id)));
        past
    }

    /// The notice of this number, open or past; `None` where it was never heard of, or is forgotten.
    pub fn get(&self, id: NoticeId) -> Option<&NoticeEntry> {
        self.entries.get(&id)
    }

    /// The greatest severity that is open.
    pub fn waiting(&self) -> Option<Severity> {
        self.entries.values().filter(|entry| entry.is_open()).map(|entry| entry.notice.severity).max()
    }

    pub(super) fn arrive(&mut self, notice: Notice) -> NoticeArrival {
        let id = notice.id;
        let Some(entry) = self.entries.get_mut(&id) else {
            let answer = notice.answered.map(|given| given.answer);
            let entry = NoticeEntry { notice, answer, visible: false, locked: false, dismissed: false, popped_up: false, recalled: false };
            let open = entry.is_open();
            self.entries.insert(id, entry);
            self.forget_surplus();
            self.changed = true;
            return if open { NoticeArrival::Open } else { NoticeArrival::Over };
        };
        entry.recalled = false;
        if entry.notice == notice {
            return NoticeArrival::Known;
        }
        self.changed = true;
        let reworded = entry.notice.revision < notice.revision;
        if reworded || entry.notice.reminder < notice.reminder {
            entry.dismissed = false;
        }
        // What was seen were the words before these.
        entry.visible &= !reworded;
        entry.locked &= !reworded;
        // Answered on another device: the server's word goes over what was chosen here at the same moment.
        entry.answer = notice.answered.map(|given| given.answer).or(entry.answer);
        entry.notice = notice;
        if entry.is_open() {
            // New words: the person has not seen these.
            entry.popped_up = false;
            NoticeArrival::Open
        } else {
            NoticeArrival::Over
        }
    }

    /// An answer that was given here in an earlier run and never reached the server, which still waits for one.
    pub(super) fn unsaid(&self, notice: &Notice) -> Option<u8> {
        let entry = self.entries.get(&notice.id).filter(|entry| entry.recalled && notice.state == NoticeState::Open)?;
        if notice.answered.is_none() { entry.answer } else { None }
    }

    /// Open ones of an earlier run of which the server has not said that they still are.
    pub(super) fn doubtful(&self) -> Vec<NoticeId> {
        self.entries.values().filter(|entry| entry.recalled && entry.is_open()).map(|entry| entry.notice.id).collect()
    }

    /// The server knows it no more, or not for this person. Whether it was there.
    pub(super) fn forget(&mut self, id: NoticeId) -> bool {
        self.changed = true;
        self.entries.remove(&id).is_some()
    }

    /// All of them are of another time. Which they were.
    pub(super) fn clear(&mut self) -> Vec<NoticeId> {
        self.changed = true;
        core::mem::take(&mut self.entries).into_keys().collect()
    }

    /// What is to be remembered, where that has changed since this was last asked.
    pub(super) fn take_news(&mut self) -> Option<Vec<NoticeMemory>> {
        std::mem::take(&mut self.changed).then(|| self.memory())
    }

    fn memory(&self) -> Vec<NoticeMemory> {
        let remembered = |entry: &NoticeEntry| NoticeMemory {
            notice: entry.notice.clone(),
            answer: entry.answer,
            visible: entry.visible,
            dismissed: entry.dismissed,
        };
        self.entries.values().map(remembered).collect()
    }

    /// What was remembered.
    pub(super) fn recall(&mut self, remembered: Vec<NoticeMemory>) {
        for NoticeMemory { notice, answer, visible, dismissed } in remembered {
            let entry = NoticeEntry { notice, answer, visible, locked: false, dismissed, popped_up: false, recalled: true };
            self.entries.insert(entry.notice.id, entry);
        }
        self.forget_surplus();
    }

    fn forget_surplus(&mut self) {
        while self.entries.len() > NOTICES_MAX {
            // Of those that are over only their age counts.
            let least = |entry: &&NoticeEntry| {
                let severity = Some(entry.notice.severity).filter(|_| entry.is_open());
                (severity, entry.notice.sent_at, entry.notice.id)
            };
            let Some(id) = self.entries.values().min_by_key(least).map(|entry| entry.notice.id) else { return };
            self.entries.remove(&id);
        }
    }

    /// Those that may pop up now and have not; each is said once.
    pub(super) fn pop_up(&mut self, may: impl Fn(Severity) -> bool) -> Vec<NoticeId> {
        let due = self.entries.values_mut().filter(|entry| entry.is_open() && !entry.popped_up && may(entry.notice.severity));
        due.map(|entry| {
            entry.popped_up = true;
            entry.notice.id
        })
        .collect()
    }

    /// It has been before the person's eyes for as long as it takes to read. Whether that is news.
    pub(super) fn seen(&mut self, id: NoticeId) -> bool {
        let news = self.entries.get_mut(&id).is_some_and(|entry| entry.is_unseen() && !std::mem::replace(&mut entry.visible, true));
        self.changed |= news;
        news
    }

    /// It is there behind a lock. Whether that is news: what was seen stays seen.
    pub(super) fn locked(&mut self, id: NoticeId) -> bool {
        self.entries.get_mut(&id).is_some_and(|entry| entry.is_open() && !entry.visible && !std::mem::replace(&mut entry.locked, true))
    }

    /// The person chose. Whether the notice can be answered and offers that answer.
    pub(super) fn answer(&mut self, id: NoticeId, answer: u8) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        let offered = entry.is_answerable() && usize::from(answer) < entry.notice.answers.len();
        if offered {
            entry.answer = Some(answer);
        }
        self.changed |= offered;
        offered
    }

    /// It leaves the screen without an answer, which only the lightest kind may, and one that offers none. Whether it did.
    pub(super) fn dismiss(&mut self, id: NoticeId) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return false };
        let may = entry.is_open() && (entry.notice.severity == Severity::Info || entry.notice.answers.is_empty());
        entry.dismissed |= may;
        self.changed |= may;
        may
    }
}

#[cfg(test)]
pub(super) mod tests {
    use belfry_core::chat::{AccountName, Label, Text};
    use belfry_core::time::UnixMillis;

    use super::*;

    pub(in crate::model) fn notice(id: u64, severity: Severity) -> Notice {
        Notice {
            answers: vec![Label::new("Safe").unwrap(), Label::new("Need help").unwrap()],
            ..Notice::new(
                NoticeId(id),
                AccountName::new("admin").unwrap(),
                UnixMillis(id),
                severity,
                Text::new("Leave by the nearest exit.").unwrap(),
            )
        }
    }

    fn ids(entries: &[&NoticeEntry]) -> Vec<u64> {
        entries.iter().map(|entry| entry.notice.id.0).collect()
    }

    fn holding(notices: impl IntoIterator<Item = Notice>) -> Notices {
        let mut held = Notices::default();
        for notice in notices {
            held.arrive(notice);
        }
        held
    }

    #[test]
    fn the_most_severe_comes_first_and_the_newest_of_equals() {
        let held = holding([
            notice(1, Severity::Critical),
            notice(2, Severity::Info),
            notice(3, Severity::Important),
            notice(4, Severity::Important),
        ]);
        assert_eq!(ids(&held.open()), [1, 4, 3, 2]);
        assert_eq!(held.waiting(), Some(Severity::Critical));
    }

    #[test]
    fn an_answered_notice_is_past_and_stays_so_when_it_comes_again() {
        let mut held = holding([notice(1, Severity::Critical)]);
        assert!(held.answer(NoticeId(1), 1));
        assert_eq!(held.arrive(notice(1, Severity::Critical)), NoticeArrival::Known);
        assert_eq!((ids(&held.open()), ids(&held.past())), (vec![], vec![1]));
        assert_eq!(held.get(NoticeId(1)).unwrap().answer_label(), Some("Need help"));
    }

    #[test]
    fn an_answer_that_is_not_offered_is_none() {
        let mut held = holding([notice(1, Severity::Critical)]);
        assert!(!held.answer(NoticeId(1), 2));
        assert_eq!(ids(&held.open()), [1]);
    }

    #[test]
    fn the_first_answer_counts() {
        let mut held = holding([notice(1, Severity::Critical)]);
        assert!(held.answer(NoticeId(1), 0));
        assert!(!held.answer(NoticeId(1), 1));
    }

    #[test]
    fn only_an_info_notice_can_be_dismissed() {
        let mut held = holding([notice(1, Severity::Info), notice(2, Severity::Important)]);
        assert!(held.dismiss(NoticeId(1)));
        assert!(!held.dismiss(NoticeId(2)));
        assert_eq!(ids(&held.open()), [2]);
    }

    #[test]
    fn new_words_pop_up_again_and_the_same_words_do_not() {
        let mut held = holding([notice(1, Severity::Important)]);
        assert_eq!(held.pop_up(|_| true), [NoticeId(1)]);
        held.arrive(notice(1, Severity::Important));
        assert_eq!(held.pop_up(|_| true), []);
        held.arrive(Notice { body: Text::new("Leave by the north exit.").unwrap(), ..notice(1, Severity::Important) });
        assert_eq!(held.pop_up(|_| true), [NoticeId(1)]);
    }

    #[test]
    fn a_withdrawn_notice_leaves_the_screen() {
        let mut held = holding([notice(1, Severity::Critical)]);
        assert_eq!(held.arrive(Notice { state: NoticeState::Withdrawn, ..notice(1, Severity::Critical) }), NoticeArrival::Over);
        assert_eq!((held.open().len(), ids(&held.past())), (0, vec![1]));
    }

    #[test]
    fn an_answer_on_another_device_ends_the_popup_here() {
        let mut held = holding([notice(1, Severity::Critical)]);
        let answered = Some(belfry_core::chat::GivenAnswer { answer: 1, at: UnixMillis(9) });
        assert_eq!(held.arrive(Notice { answered, ..notice(1, Severity::Critical) }), NoticeArrival::Over);
        assert_eq!(held.get(NoticeId(1)).unwrap().answer_label(), Some("Need help"));
        assert_eq!(held.pop_up(|_| true), []);
    }

    #[test]
    fn a_reminder_pops_up_again_also_what_was_dismissed() {
        let mut held = holding([notice(1, Severity::Info)]);
        held.pop_up(|_| true);
        held.dismiss(NoticeId(1));
        assert_eq!(held.arrive(Notice { reminder: 1, ..notice(1, Severity::Info) }), NoticeArrival::Open);
        assert_eq!(held.pop_up(|_| true), [NoticeId(1)]);
    }

    #[test]
    fn an_all_clear_leaves_the_screen() {
        let mut held = holding([notice(1, Severity::Critical)]);
        let clear = Notice { state: NoticeState::AllClear, revision: 2, ..notice(1, Severity::Critical) };
        assert_eq!(held.arrive(clear), NoticeArrival::Over);
        assert_eq!(held.waiting(), None);
    }

    #[test]
    fn new_words_are_seen_anew() {
        let mut held = holding([notice(1, Severity::Important)]);
        assert!(held.seen(NoticeId(1)) && !held.seen(NoticeId(1)));
        assert!(!held.locked(NoticeId(1)));
        held.arrive(Notice { revision: 2, ..notice(1, Severity::Important) });
        assert!(held.locked(NoticeId(1)) && !held.locked(NoticeId(1)), "said once");
        assert!(held.seen(NoticeId(1)));
    }

    #[test]
    fn a_flood_of_notices_pushes_out_the_past_and_then_the_least_severe() {
        let mut held = holding([notice(1, Severity::Critical), notice(2, Severity::Critical)]);
        held.answer(NoticeId(1), 0);
        for id in 3..=(NOTICES_MAX as u64 + 2) {
            held.arrive(notice(id, Severity::Info));
        }
        assert!(held.get(NoticeId(1)).is_none(), "the past one goes first");
        assert!(held.get(NoticeId(2)).is_some() && held.get(NoticeId(3)).is_none(), "then the oldest of the least severity");
        assert_eq!(held.open().len(), NOTICES_MAX);
    }
}
