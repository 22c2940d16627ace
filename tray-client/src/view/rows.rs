//! Rows of the scene as Slint has them, in lists that change only where they differ.

use std::rc::Rc;

use slint::{Model as _, ModelRc, SharedString, VecModel};

use super::ui;
use crate::scene::{ConversationRow, Here, Level, LineRow, Mark, NoticeRow, PersonRow};
use crate::words::say;

/// A list that a window shows, with the rows it was made of.
pub(super) struct List<P, S> {
    plain: Vec<P>,
    shown: Rc<VecModel<S>>,
}

impl<P: Clone + PartialEq, S: Clone + From<P> + 'static> List<P, S> {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self { plain: Vec::new(), shown: Rc::default() }
    }

    /// For the window's property.
    pub(super) fn model(&self) -> ModelRc<S> {
        ModelRc::from(Rc::clone(&self.shown))
    }

    /// Shows these rows by changing only what lies between the equal beginning and the equal end: what is scrolled to stays.
    pub(super) fn set(&mut self, new: Vec<P>) {
        let old = &self.plain;
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
        self.plain = new;
    }
}

fn strings(texts: Vec<String>) -> ModelRc<SharedString> {
    ModelRc::from(Rc::new(VecModel::from_iter(texts.into_iter().map(SharedString::from))))
}

/// What people call a place: only the lobby's name is a word of ours.
pub(super) fn place_name(key: &str, name: String) -> String {
    if key == "lobby" { say(&name) } else { name }
}

impl From<Here> for ui::Here {
    fn from(here: Here) -> Self {
        match here {
            Here::No => Self::No,
            Here::Away => Self::Away,
            Here::Online => Self::Online,
        }
    }
}

impl From<Level> for ui::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Self::Info,
            Level::Important => Self::Important,
            Level::Critical => Self::Critical,
        }
    }
}

impl From<ConversationRow> for ui::Conversation {
    fn from(row: ConversationRow) -> Self {
        Self {
            name: place_name(&row.key, row.name).into(),
            key: row.key.into(),
            direct: row.direct,
            here: row.here.into(),
            // What others have written is theirs; only the word for oneself is ours.
            last: if row.last.starts_with("You: ") { say(&row.last) } else { row.last }.into(),
            time: row.time.into(),
            unread: row.unread.into(),
            shown: row.shown,
        }
    }
}

impl From<PersonRow> for ui::Person {
    fn from(row: PersonRow) -> Self {
        Self { key: row.key.into(), name: row.name.into(), here: row.here.into(), note: say(&row.note).into(), me: row.me }
    }
}

impl From<LineRow> for ui::Line {
    fn from(row: LineRow) -> Self {
        match row {
            LineRow::Day(day) => Self { kind: ui::LineKind::Day, text: say(&day).into(), ..Self::default() },
            LineRow::Further => Self { kind: ui::LineKind::Further, ..Self::default() },
            LineRow::New => Self { kind: ui::LineKind::New, ..Self::default() },
            LineRow::Message { who, by, own, time, text, links, mark, why, own_key, key, edited, deleted, sought } => Self {
                kind: ui::LineKind::Message,
                who: who.into(),
                by: by.into(),
                own,
                time: time.into(),
                text: text.into(),
                links: if links.is_empty() { ModelRc::default() } else { strings(links) },
                mark: match mark {
                    Mark::None => ui::Mark::None,
                    Mark::Waiting => ui::Mark::Waiting,
                    Mark::Stored => ui::Mark::Stored,
                    Mark::Failed => ui::Mark::Failed,
                },
                why: say(&why).into(),
                own_key: own_key.into(),
                key: key.into(),
                edited,
                deleted,
                sought,
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
            links: strings(row.links),
            answers: strings(row.answers),
            ended: say(&row.ended).into(),
            clear: row.clear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Row(u32);

    impl From<u32> for Row {
        fn from(plain: u32) -> Self {
            Self(plain)
        }
    }

    #[track_caller]
    fn check(before: &[u32], after: &[u32]) {
        let mut list: List<u32, Row> = List::new();
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
