//! A part of a list.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// A part of a list, in the list's order. Whoever wants the rest asks again with the last entry as the place to go on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// At most [`PAGE_ENTRIES_MAX`](crate::limits::PAGE_ENTRIES_MAX), and at least one while there are any.
    pub entries: Vec<T>,
    /// More follow behind the last one of these.
    pub more: bool,
}

impl<T> Page<T> {
    /// Nothing is listed.
    pub const EMPTY: Self = Self { entries: Vec::new(), more: false };

    /// The same page of what `each` makes of its entries.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page { entries: self.entries.into_iter().map(each).collect(), more: self.more }
    }
}
