//! A list that the server hands out part by part. The old one is shown until the new one is complete: a list that is silently partial
//! is worse than one that is a moment old.

use crate::link::AskId;

/// A list, and the reading of a newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing<T> {
    shown: Vec<T>,
    reading: Option<Reading<T>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Reading<T> {
    ask: AskId,
    gathered: Vec<T>,
    /// Something has changed since it was asked for: it is read once more.
    again: bool,
}

/// What a part has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It answers no question of this list.
    Stale,
    /// The next part is to be asked for, after the last one that was gathered.
    More,
    /// The list is complete. `again` says that it is to be read once more.
    Complete { again: bool },
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { shown: Vec::new(), reading: None }
    }
}

impl<T> Listing<T> {
    /// The newest complete list.
    pub(super) fn shown(&self) -> &[T] {
        &self.shown
    }

    /// The same, to change one of its lines.
    pub(super) fn shown_mut(&mut self) -> &mut [T] {
        &mut self.shown
    }

    /// The list is to be read. Whether to ask for its first part; if not, it is being read, and will be once more.
    pub(super) fn begin(&mut self, ask: AskId) -> bool {
        if let Some(reading) = &mut self.reading {
            reading.again = true;
            return false;
        }
        self.reading = Some(Reading { ask, gathered: Vec::new(), again: false });
        true
    }

    /// A part has come; beyond `max` lines the rest is left to the command line.
    pub(super) fn part(&mut self, ask: AskId, part: Vec<T>, more: bool, max: usize) -> Part {
        let Some(mut reading) = self.reading.take_if(|reading| reading.ask == ask) else { return Part::Stale };
        let any = !part.is_empty();
        reading.gathered.extend(part);
        if more && any && reading.gathered.len() < max {
            self.reading = Some(reading);
            return Part::More;
        }
        self.shown = reading.gathered;
        Part::Complete { again: reading.again }
    }

    /// The last line that was gathered, after which the next part begins.
    pub(super) fn last(&self) -> Option<&T> {
        self.reading.as_ref()?.gathered.last()
    }

    /// The question has come to nothing; the old list stays. Whether it was this list's.
    pub(super) fn abandon(&mut self, ask: AskId) -> bool {
        self.reading.take_if(|reading| reading.ask == ask).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_shown_when_it_is_complete() {
        let mut list = Listing::default();
        assert!(list.begin(AskId(1)));
        assert_eq!(list.part(AskId(1), vec![1, 2], true, 100), Part::More);
        assert_eq!((list.shown(), list.last()), (&[][..], Some(&2)));
        assert_eq!(list.part(AskId(1), vec![3], false, 100), Part::Complete { again: false });
        assert_eq!(list.shown(), [1, 2, 3]);
    }

    #[test]
    fn what_changes_meanwhile_reads_it_once_more() {
        let mut list = Listing::default();
        list.begin(AskId(1));
        assert!(!list.begin(AskId(2)) && !list.begin(AskId(3)));
        assert_eq!(list.part(AskId(2), vec![9], false, 100), Part::Stale);
        assert_eq!(list.part(AskId(1), vec![1], false, 100), Part::Complete { again: true });
    }

    #[test]
    fn a_reading_that_came_to_nothing_leaves_the_old_list() {
        let mut list = Listing::default();
        list.begin(AskId(1));
        list.part(AskId(1), vec![1], false, 100);
        list.begin(AskId(2));
        assert!(list.abandon(AskId(2)) && !list.abandon(AskId(2)));
        assert_eq!(list.shown(), [1]);
        assert!(list.begin(AskId(3)));
    }

    #[test]
    fn a_server_that_never_ends_a_list_is_not_asked_for_ever() {
        let mut list = Listing::default();
        list.begin(AskId(1));
        assert_eq!(list.part(AskId(1), vec![1; 100], true, 100), Part::Complete { again: false });
        list.begin(AskId(2));
        assert_eq!(list.part(AskId(2), vec![], true, 100), Part::Complete { again: false });
    }
}
