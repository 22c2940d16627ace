//! A page of anything: so many entries, so many bytes, and whether more follow.

use belfry_core::chat::{Page, encoded_bytes};
use belfry_core::limits::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use serde::Serialize;

/// What a page may hold. The query asks for one entry more than that, which tells whether more follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit(u32);

impl Limit {
    /// What was asked for, within reason: at least one entry, so that asking again always gets further.
    pub(super) fn new(asked: u32) -> Self {
        Self(asked.clamp(1, PAGE_ENTRIES_MAX))
    }

    /// For the query.
    pub(super) fn rows(self) -> u32 {
        self.0 + 1
    }

    /// Takes entries while they fit; the first one always does. `bytes` is what an entry takes in a message: [`taken`], and nothing that is
    /// only estimated. What is completed later is cut again when it is.
    pub(super) fn fill<T, E>(self, rows: impl Iterator<Item = Result<T, E>>, bytes: impl Fn(&T) -> usize) -> Result<Page<T>, E> {
        let mut entries = Vec::new();
        let mut room = PAGE_BYTES_MAX;
        for row in rows {
            if entries.len() >= self.0 as usize {
                return Ok(Page { entries, more: true });
            }
            let entry = row?;
            let needed = bytes(&entry);
            if needed > room && !entries.is_empty() {
                return Ok(Page { entries, more: true });
            }
            room = room.saturating_sub(needed);
            entries.push(entry);
        }
        Ok(Page { entries, more: false })
    }
}

/// What an entry takes in a message.
pub(super) fn taken(entry: &impl Serialize) -> usize {
    encoded_bytes(entry).unwrap_or(PAGE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn fill(asked: u32, sizes: &[usize]) -> (usize, bool) {
        let rows = sizes.iter().map(|&size| Ok::<_, Infallible>(size));
        let Page { entries, more } = Limit::new(asked).fill(rows, |&size| size).unwrap();
        (entries.len(), more)
    }

    #[test]
    fn a_page_ends_at_its_limit_and_knows_whether_more_follow() {
        assert_eq!(fill(2, &[1, 1, 1]), (2, true));
        assert_eq!(fill(3, &[1, 1, 1]), (3, false));
    }

    #[test]
    fn a_page_ends_before_the_entry_that_is_too_much() {
        assert_eq!(fill(9, &[PAGE_BYTES_MAX - 1, 1, 1]), (2, true));
    }

    #[test]
    fn the_first_entry_always_fits() {
        assert_eq!(fill(9, &[PAGE_BYTES_MAX + 1, 1]), (1, true));
    }

    #[test]
    fn asking_for_nothing_or_for_everything_gets_a_page() {
        assert_eq!(Limit::new(0).rows(), 2);
        assert_eq!(Limit::new(u32::MAX).rows(), PAGE_ENTRIES_MAX + 1);
    }
}
