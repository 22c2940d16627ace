//! Lists that the server gives in pages.

use belfry_core::chat::{Answer, Page, Request};
use belfry_core::client::Update;

use super::session::Session;
use crate::ending::{Ending, Outcome};

/// A list that is read a page at a time.
pub(crate) struct Pages<'a, T, F, R> {
    session: &'a mut Session,
    following: F,
    read: R,
    next: Option<Request>,
    _entries: std::marker::PhantomData<T>,
}

impl Session {
    /// A list whose pages `following` asks for: the first behind nothing, each other one behind the page before it.
    pub(crate) fn pages<T, F>(&mut self, following: F) -> Pages<'_, T, F, impl FnMut(Answer) -> Option<Page<T>>>
    where
        F: FnMut(&[T]) -> Request,
        Page<T>: TryFrom<Answer>,
    {
        self.pages_read_by(following, |answer| Page::try_from(answer).ok())
    }

    /// The same where the answer is more than a page: `read` takes the page out of it.
    pub(crate) fn pages_read_by<T, F, R>(&mut self, mut following: F, read: R) -> Pages<'_, T, F, R>
    where
        F: FnMut(&[T]) -> Request,
        R: FnMut(Answer) -> Option<Page<T>>,
    {
        let next = Some(following(&[]));
        Pages { session: self, following, read, next, _entries: std::marker::PhantomData }
    }
}

impl<T, F, R> Pages<'_, T, F, R>
where
    F: FnMut(&[T]) -> Request,
    R: FnMut(Answer) -> Option<Page<T>>,
{
    /// The entries of the next page; `None` behind the last one.
    pub(crate) fn next(&mut self) -> Outcome<Option<Vec<T>>> {
        self.next_meanwhile(|_| {})
    }

    /// All entries that are left.
    pub(crate) fn all(self) -> Outcome<Vec<T>> {
        self.all_meanwhile(|_| {})
    }

    /// The same; what else comes in the meantime goes to `other`.
    pub(crate) fn all_meanwhile(mut self, mut other: impl FnMut(Update)) -> Outcome<Vec<T>> {
        let mut all = Vec::new();
        while let Some(entries) = self.next_meanwhile(&mut other)? {
            all.extend(entries);
        }
        Ok(all)
    }

    fn next_meanwhile(&mut self, other: impl FnMut(Update)) -> Outcome<Option<Vec<T>>> {
        let Some(request) = self.next.take() else { return Ok(None) };
        let answer = self.session.ask_meanwhile(request.clone(), other)?;
        let Page { entries, more } = (self.read)(answer).ok_or_else(Ending::unexpected)?;
        if more {
            let next = (self.following)(&entries);
            // A server that does not get on would be asked for ever.
            if entries.is_empty() || next == request {
                return Err(Ending::unexpected());
            }
            self.next = Some(next);
        }
        Ok(Some(entries))
    }
}
