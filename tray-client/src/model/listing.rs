//! A list that the server hands out part by part. The old one is shown until the new one is complete: a list that is silently partial
//! is worse than one that is a moment old.

use belfry_core::chat::{Page, Request};
use belfry_core::client::{Command, Ticket};

use super::numbers::Numbers;

/// What such a list is made of.
pub(super) trait Listed {
    /// Of what it is a list: a notice's people, a room's people; `()` where there is one list of these.
    type Of;

    /// Lines that are kept; beyond them the totals have to do, and the command line lists everything.
    const MAX: usize = 5_000;

    /// Lines that are kept of this one.
    fn most(_: &Self::Of) -> usize {
        Self::MAX
    }

    /// Asks for the part behind this line; for the first part without one.
    fn request(of: &Self::Of, after: Option<&Self>) -> Request;
}

/// A list, and the reading of a newer one.
#[derive(Clone, Debug)]
pub(super) struct Listing<T: Listed> {
    of: T::Of,
    shown: Vec<T>,
    reading: Option<ListReading<T>>,
}

#[derive(Clone, Debug)]
struct ListReading<T> {
    ticket: Ticket,
    gathered: Vec<T>,
    /// Something has changed since it was asked for: it is read once more.
    again: bool,
}

impl<T: Listed<Of: Default>> Default for Listing<T> {
    fn default() -> Self {
        Self::of(T::Of::default())
    }
}

impl<T: Listed> Listing<T> {
    /// An empty list.
    pub(super) const fn of(of: T::Of) -> Self {
        Self { of, shown: Vec::new(), reading: None }
    }

    /// Of what it is a list.
    pub(super) const fn whose(&self) -> &T::Of {
        &self.of
    }

    /// The newest complete list.
    pub(super) fn shown(&self) -> &[T] {
        &self.shown
    }

    /// The same, to change one of its lines.
    pub(super) fn shown_mut(&mut self) -> &mut [T] {
        &mut self.shown
    }

    /// The list is to be read. Asks for its first part; if it is being read, it will be once more.
    pub(super) fn begin(&mut self, numbers: &mut Numbers) -> Option<Command> {
        if let Some(reading) = &mut self.reading {
            reading.again = true;
            return None;
        }
        let ticket = numbers.ticket();
        self.reading = Some(ListReading { ticket, gathered: Vec::new(), again: false });
        Some(Command::Ask { ticket, request: T::request(&self.of, None) })
    }

    /// The same, whatever is being read: what has come of that is not believed any more.
    pub(super) fn begin_anew(&mut self, numbers: &mut Numbers) -> Option<Command> {
        self.reading = None;
        self.begin(numbers)
    }

    /// It is to be another list, which is read; until that is complete the old one is shown.
    pub(super) fn turn_to(&mut self, of: T::Of, numbers: &mut Numbers) -> Option<Command> {
        self.of = of;
        self.begin_anew(numbers)
    }

    /// A part has come. Whether the list is complete with it, and what to ask next; neither where it answers no question of this list.
    pub(super) fn part(&mut self, ticket: Ticket, page: Page<T>, numbers: &mut Numbers) -> (bool, Option<Command>) {
        let Some(mut reading) = self.reading.take_if(|reading| reading.ticket == ticket) else { return (false, None) };
        let goes_on = page.more && !page.entries.is_empty();
        reading.gathered.extend(page.entries);
        if goes_on && reading.gathered.len() < T::most(&self.of) {
            let request = T::request(&self.of, reading.gathered.last());
            self.reading = Some(reading);
            return (false, Some(Command::Ask { ticket, request }));
        }
        self.shown = reading.gathered;
        (true, if reading.again { self.begin(numbers) } else { None })
    }

    /// Whether it is being read, under this number.
    pub(super) fn asks(&self, ticket: Ticket) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.ticket == ticket)
    }

    /// Whether it is being read.
    pub(super) const fn is_read(&self) -> bool {
        self.reading.is_some()
    }

    /// The question has come to nothing; the old list stays. Whether it was this list's.
    pub(super) fn abandon(&mut self, ticket: Ticket) -> bool {
        self.reading.take_if(|reading| reading.ticket == ticket).is_some()
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::NoticeId;

    use super::*;

    /// A list of notices' numbers.
    impl Listed for NoticeId {
        type Of = ();

        const MAX: usize = 100;

        fn request((): &(), before: Option<&Self>) -> Request {
            Request::ListNotices { before: before.copied(), text: None }
        }
    }

    fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<NoticeId> {
        numbers.into_iter().map(NoticeId).collect()
    }

    fn page(numbers: impl IntoIterator<Item = u64>, more: bool) -> Page<NoticeId> {
        Page { entries: ids(numbers), more }
    }

    /// A list that is being read, and its question's number.
    fn begun() -> (Listing<NoticeId>, Numbers, Ticket) {
        let (mut list, mut numbers) = (Listing::default(), Numbers::default());
        let ticket = begin(&mut list, &mut numbers);
        (list, numbers, ticket)
    }

    fn begin(list: &mut Listing<NoticeId>, numbers: &mut Numbers) -> Ticket {
        match list.begin(numbers) {
            Some(Command::Ask { ticket, request: Request::ListNotices { before: None, text: None } }) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_is_shown_when_it_is_complete() {
        let (mut list, mut numbers, ticket) = begun();
        let next = Command::Ask { ticket, request: Request::ListNotices { before: Some(NoticeId(2)), text: None } };
        assert_eq!(list.part(ticket, page([1, 2], true), &mut numbers), (false, Some(next)));
        assert_eq!(list.shown(), []);
        assert_eq!(list.part(ticket, page([3], false), &mut numbers), (true, None));
        assert_eq!(list.shown(), ids([1, 2, 3]));
    }

    #[test]
    fn what_changes_meanwhile_reads_it_once_more() {
        let (mut list, mut numbers, ticket) = begun();
        assert_eq!((list.begin(&mut numbers), list.begin(&mut numbers)), (None, None));
        assert_eq!(list.part(Ticket(9), page([9], false), &mut numbers), (false, None));
        let (complete, again) = list.part(ticket, page([1], false), &mut numbers);
        assert!(complete && matches!(again, Some(Command::Ask { ticket: again, .. }) if again != ticket));
    }

    #[test]
    fn a_reading_that_came_to_nothing_leaves_the_old_list() {
        let (mut list, mut numbers, ticket) = begun();
        list.part(ticket, page([1], false), &mut numbers);
        let ticket = begin(&mut list, &mut numbers);
        assert!(list.abandon(ticket) && !list.abandon(ticket));
        assert_eq!(list.shown(), ids([1]));
        begin(&mut list, &mut numbers);
    }

    #[test]
    fn a_server_that_never_ends_a_list_is_not_asked_for_ever() {
        let (mut list, mut numbers, ticket) = begun();
        assert_eq!(list.part(ticket, page(0..100, true), &mut numbers), (true, None));
        let ticket = begin(&mut list, &mut numbers);
        assert_eq!(list.part(ticket, page([], true), &mut numbers), (true, None));
    }
}
