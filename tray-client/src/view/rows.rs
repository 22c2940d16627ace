//! Rows of the scene as Slint has them, in lists that change only where they differ.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use slint::{Model as _, ModelRc, SharedString, VecModel};

use super::{look, ui};
use crate::letters;
use crate::scene::{
    AlterationMark, AudienceRow, ChatRow, ConversationRow, DeliveryMark, LedgerRow, LineRow, MemberRow, MissingQuote, NoticeRow, PersonRow,
    PresenceDot, QuoteRow, ReactionRow, RoomRow, SentRow, SeverityLevel, parts_of_name,
};
use crate::words::say;

/// A row that is the same one wherever it stands.
pub(super) trait Keyed {
    /// What tells it from the others of its list; empty where nothing does.
    fn key(&self) -> &str;
}

/// A row that is found by what stands in it first.
pub(super) trait Findable {
    /// What people call it.
    fn name(&self) -> &str;
}

macro_rules! found_by_name {
    ($($row:ty),* $(,)?) => { $(impl Findable for $row {
        fn name(&self) -> &str {
            &self.name
        }
    })* };
}

found_by_name!(AudienceRow, ConversationRow, LedgerRow, MemberRow, PersonRow, RoomRow);

impl Findable for SentRow {
    fn name(&self) -> &str {
        &self.title
    }
}

/// The rows that a list was made of.
struct Plain<P> {
    rows: Vec<P>,
    /// Somebody aims at the list: what is there keeps its order.
    held: bool,
    /// The rows in the order they would have if nobody did.
    wanted: Option<Vec<P>>,
    /// The person has asked for other rows, which have their own order.
    others_asked: bool,
}

/// A list that a window shows. Clones are the same list.
pub(super) struct RowList<P, S> {
    plain: Rc<RefCell<Plain<P>>>,
    shown: Rc<VecModel<S>>,
}

impl<P, S> Clone for RowList<P, S> {
    fn clone(&self) -> Self {
        Self { plain: Rc::clone(&self.plain), shown: Rc::clone(&self.shown) }
    }
}

impl<P: Clone + PartialEq, S: Clone + From<P> + 'static> RowList<P, S> {
    /// A list without rows.
    pub(super) fn new() -> Self {
        Self {
            plain: Rc::new(RefCell::new(Plain { rows: Vec::new(), held: false, wanted: None, others_asked: false })),
            shown: Rc::default(),
        }
    }

    /// For the window's property.
    pub(super) fn model(&self) -> ModelRc<S> {
        ModelRc::from(Rc::clone(&self.shown))
    }

    /// Shows these rows by changing only what lies between the equal beginning and the equal end: what is scrolled to stays.
    pub(super) fn set(&self, new: Vec<P>) {
        let plain = &mut *self.plain.borrow_mut();
        let old = &plain.rows;
        let begin = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let rest = old.len().min(new.len()) - begin;
        let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
        let (remove, insert) = (old.len() - begin - end, new.len() - begin - end);
        for (at, row) in new.iter().enumerate().skip(begin).take(insert) {
            let row = S::from(row.clone());
            if at < begin + remove { self.shown.set_row_data(at, row) } else { self.shown.insert(at, row) }
        }
        for _ in insert..remove {
            self.shown.remove(begin + insert);
        }
        plain.rows = new;
    }
}

impl<P: Findable, S> RowList<P, S> {
    /// The first row whose name begins so, from this one on and round again; -1 where none does.
    pub(super) fn named(&self, typed: &str, from: i32) -> i32 {
        let rows = &self.plain.borrow().rows;
        let typed = typed.to_lowercase();
        let from = usize::try_from(from).unwrap_or(0);
        let found =
            (from..rows.len()).chain(0..from.min(rows.len())).find(|&at| rows.get(at).is_some_and(|row| begins(row.name(), &typed)));
        found.and_then(|at| i32::try_from(at).ok()).unwrap_or(-1)
    }
}

fn begins(name: &str, typed: &str) -> bool {
    name.to_lowercase().starts_with(typed)
}

impl<P: Clone + PartialEq + Keyed, S: Clone + From<P> + 'static> RowList<P, S> {
    /// The same, but nothing moves while the pointer is on the list: whoever aims at a row hits that row. What is new comes last then.
    pub(super) fn set_still(&self, new: Vec<P>) {
        self.set_unless_held(new, in_order_of);
    }

    /// The same for a list whose first row is the newest: what is new waits until the pointer has left, for it belongs above all others.
    pub(super) fn set_newest_first(&self, new: Vec<P>) {
        self.set_unless_held(new, |old, new| {
            let known: BTreeSet<&str> = old.iter().map(Keyed::key).collect();
            in_order_of(old, new.into_iter().filter(|row| known.contains(row.key())).collect())
        });
    }

    fn set_unless_held(&self, new: Vec<P>, held: impl FnOnce(&[P], Vec<P>) -> Vec<P>) {
        let rows = {
            let plain = &mut *self.plain.borrow_mut();
            if plain.held && !std::mem::take(&mut plain.others_asked) {
                let rows = held(&plain.rows, new.clone());
                plain.wanted = Some(new);
                rows
            } else {
                plain.wanted = None;
                new
            }
        };
        self.set(rows);
    }

    /// The pointer comes to the list, or leaves it.
    pub(super) fn hold(&self, held: bool) {
        let wanted = {
            let plain = &mut *self.plain.borrow_mut();
            plain.held = held;
            plain.wanted.take()
        };
        if let Some(rows) = wanted.filter(|_| !held) {
            self.set(rows);
        }
    }

    /// The person asks for other rows: the order in which they come is the one they want.
    pub(super) fn ask_for_others(&self) {
        self.plain.borrow_mut().others_asked = true;
    }
}

/// The new rows as the old ones stand, those that were not there behind them.
fn in_order_of<P: Keyed>(old: &[P], mut new: Vec<P>) -> Vec<P> {
    let places: BTreeMap<&str, usize> = old.iter().enumerate().map(|(at, row)| (row.key(), at)).collect();
    new.sort_by_key(|row| places.get(row.key()).copied().unwrap_or(usize::MAX));
    new
}

macro_rules! keyed {
    ($($row:ty),* $(,)?) => { $(impl Keyed for $row {
        fn key(&self) -> &str {
            &self.key
        }
    })* };
}

keyed!(AudienceRow, ConversationRow, MemberRow, PersonRow, RoomRow, SentRow);

fn strings(texts: Vec<String>) -> ModelRc<SharedString> {
    ModelRc::from(Rc::new(VecModel::from_iter(texts.into_iter().map(SharedString::from))))
}

/// What people call a place: only the lobby's name is a word of ours.
pub(super) fn place_name(key: &str, name: String) -> String {
    if key == "lobby" { say(&name) } else { name }
}

/// What oneself has written last. It stands where the sentence has a hole: no word of it is looked up.
fn own(text: &str) -> String {
    const HOLE: &str = "\u{fffc}";
    say(&format!("You: {HOLE}")).replace(HOLE, text)
}

impl From<PresenceDot> for ui::Here {
    fn from(here: PresenceDot) -> Self {
        match here {
            PresenceDot::No => Self::No,
            PresenceDot::Away => Self::Away,
            PresenceDot::Online => Self::Online,
        }
    }
}

impl From<SeverityLevel> for ui::Level {
    fn from(level: SeverityLevel) -> Self {
        match level {
            SeverityLevel::Info => Self::Info,
            SeverityLevel::Important => Self::Important,
            SeverityLevel::Critical => Self::Critical,
        }
    }
}

impl From<ConversationRow> for ui::Conversation {
    fn from(row: ConversationRow) -> Self {
        Self {
            initials: letters::initials(parts_of_name(&row.name).0).into(),
            tint: look::tint(parts_of_name(&row.name).1),
            name: place_name(&row.key, row.name).into(),
            key: row.key.into(),
            direct: row.direct,
            here: row.here.into(),
            // What others have written is theirs; only the word for oneself is ours.
            last: if row.last_own { own(&row.last) } else { row.last }.into(),
            time: row.time.into(),
            unread: row.unread.into(),
            pinned: row.pinned,
            muted: row.muted,
            marked: row.marked,
            shown: row.shown,
        }
    }
}

impl From<PersonRow> for ui::Person {
    fn from(row: PersonRow) -> Self {
        Self {
            key: row.key.into(),
            initials: letters::initials(parts_of_name(&row.name).0).into(),
            tint: look::tint(parts_of_name(&row.name).1),
            name: row.name.into(),
            here: row.here.into(),
            note: say(&row.note).into(),
            status: row.status.into(),
            about: row.about.into(),
            me: row.me,
        }
    }
}

impl From<LineRow> for ui::Line {
    fn from(row: LineRow) -> Self {
        match row {
            LineRow::Day(day) => Self { kind: ui::LineKind::Day, text: say(&day).into(), ..Self::default() },
            LineRow::Further => Self { kind: ui::LineKind::Further, ..Self::default() },
            LineRow::New => Self { kind: ui::LineKind::New, ..Self::default() },
            LineRow::Message(message) => Self::from(*message),
        }
    }
}

impl From<ChatRow> for ui::Line {
    fn from(row: ChatRow) -> Self {
        let ChatRow { who, by, own, time, text, file, links, mark, why, own_key, key, altered, sought, quote, seq, reactions } = row;
        Self {
            kind: ui::LineKind::Message,
            who: who.into(),
            initials: letters::initials(parts_of_name(&by).0).into(),
            tint: look::tint(parts_of_name(&by).1),
            by: by.into(),
            own,
            time: time.into(),
            text: text.into(),
            has_file: file.is_some(),
            file: file.unwrap_or_default().into(),
            links: if links.is_empty() { ModelRc::default() } else { strings(links) },
            mark: match mark {
                DeliveryMark::None => ui::Mark::None,
                DeliveryMark::Waiting => ui::Mark::Waiting,
                DeliveryMark::Stored => ui::Mark::Stored,
                DeliveryMark::Failed => ui::Mark::Failed,
            },
            why: say(&why).into(),
            own_key: own_key.into(),
            key: key.into(),
            edited: altered == AlterationMark::Edited,
            deleted: altered == AlterationMark::Deleted,
            sought,
            quoted: quote.is_some(),
            quote: quote.unwrap_or_default().into(),
            seq: seq.into(),
            reactions: if reactions.is_empty() {
                ModelRc::default()
            } else {
                ModelRc::from(Rc::new(VecModel::from_iter(reactions.into_iter().map(ui::Reaction::from))))
            },
        }
    }
}

impl From<ReactionRow> for ui::Reaction {
    fn from(row: ReactionRow) -> Self {
        Self { emoji: row.emoji.into(), count: row.count.into(), who: say_names(row.who).into(), own: row.own }
    }
}

/// Only the word for oneself is ours, at the beginning.
fn say_names(names: String) -> String {
    match names.strip_prefix("You") {
        Some(others) if others.is_empty() || others.starts_with(", ") => say("You") + others,
        _ => names,
    }
}

impl From<QuoteRow> for ui::Quote {
    fn from(row: QuoteRow) -> Self {
        Self {
            seq: row.seq.into(),
            who: row.who.into(),
            own: row.own,
            text: row.text.into(),
            missing: match row.missing {
                MissingQuote::None => ui::Missing::None,
                MissingQuote::Deleted => ui::Missing::Deleted,
                MissingQuote::Gone => ui::Missing::Gone,
                MissingQuote::Unknown => ui::Missing::Unknown,
            },
        }
    }
}

impl From<NoticeRow> for ui::Notice {
    fn from(row: NoticeRow) -> Self {
        Self {
            key: row.key.into(),
            level: row.level.into(),
            author: row.author.into(),
            time: row.time.into(),
            title: row.title.into(),
            body: row.body.into(),
            gist: row.gist.into(),
            links: strings(row.links),
            answers: strings(row.answers),
            ended: say(&row.ended).into(),
            clear: row.clear,
            unseen: row.unseen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Keyed for (&'static str, u32) {
        fn key(&self) -> &str {
            self.0
        }
    }

    #[derive(Clone, Debug, PartialEq)]
    struct Named(&'static str, u32);

    impl From<(&'static str, u32)> for Named {
        fn from((name, told): (&'static str, u32)) -> Self {
            Self(name, told)
        }
    }

    #[test]
    fn nothing_moves_under_the_pointer_and_what_it_says_is_new_all_the_same() {
        let list: RowList<(&'static str, u32), Named> = RowList::new();
        let names = || list.shown.iter().map(|row| format!("{}{}", row.0, row.1)).collect::<Vec<_>>();
        list.set_still(vec![("a", 1), ("b", 1), ("c", 1)]);
        list.hold(true);
        list.set_still(vec![("c", 2), ("new", 2), ("a", 2), ("b", 2)]);
        assert_eq!(names(), ["a2", "b2", "c2", "new2"]);
        list.set_still(vec![("c", 3), ("a", 3)]);
        assert_eq!(names(), ["a3", "c3"]);
        list.hold(false);
        assert_eq!(names(), ["c3", "a3"], "the order comes when the pointer has gone");
        list.hold(true);
        list.ask_for_others();
        list.set_still(vec![("d", 4), ("a", 4)]);
        assert_eq!(names(), ["d4", "a4"], "who searches wants what is found");
    }

    #[test]
    fn what_is_new_in_a_list_whose_newest_is_first_waits_for_the_pointer_to_leave() {
        let list: RowList<(&'static str, u32), Named> = RowList::new();
        let names = || list.shown.iter().map(|row| format!("{}{}", row.0, row.1)).collect::<Vec<_>>();
        list.set_newest_first(vec![("b", 1), ("a", 1)]);
        list.hold(true);
        list.set_newest_first(vec![("new", 2), ("b", 2), ("a", 2)]);
        assert_eq!(names(), ["b2", "a2"]);
        list.hold(false);
        assert_eq!(names(), ["new2", "b2", "a2"]);
    }

    #[derive(Clone, Debug, PartialEq)]
    struct Row(u32);

    impl From<u32> for Row {
        fn from(plain: u32) -> Self {
            Self(plain)
        }
    }

    #[track_caller]
    fn check(before: &[u32], after: &[u32]) {
        let list: RowList<u32, Row> = RowList::new();
        list.set(before.to_vec());
        list.set(after.to_vec());
        assert_eq!(list.shown.iter().map(|row| row.0).collect::<Vec<_>>(), after);
    }

    #[test]
    fn a_list_becomes_what_it_is_told() {
        for (before, after) in [
            (&[][..], &[1, 2][..]),
            (&[1, 2], &[]),
            (&[1, 2], &[1, 2, 3]),
            (&[2, 3], &[1, 2, 3]),
            (&[1, 2, 4], &[1, 2, 3, 4]),
            (&[1, 2, 3, 4], &[1, 4]),
            (&[1, 1, 1], &[1]),
            (&[1], &[1, 1, 1]),
            (&[1, 2, 3], &[4, 5]),
        ] {
            check(before, after);
        }
    }
}
