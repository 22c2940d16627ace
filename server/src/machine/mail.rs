//! What is to be sent, gathered until it is known, and then handed over one receiver after the other.
//!
//! What was committed together goes to the same people: one after the other, everything that one of them gets leaves in one datagram, and their
//! connection is fetched from memory once, not once for each message and again for the datagram. At a thousand receivers they do not fit the caches.

use std::collections::VecDeque;

use belfry_core::connection::Body;
use belfry_core::endpoint::PeerId;
use belfry_core::wire::Channel;

/// Letters that there is room for while there are none.
const IDLE_LETTERS: usize = 1024;

/// A message to one connection.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) to: PeerId,
    pub(super) channel: Channel,
    pub(super) body: Body,
    /// The number of the request that it answers.
    pub(super) answers: Option<u32>,
}

/// Letters, those to one receiver in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Mail {
    letters: VecDeque<Letter>,
    /// Something has come since it was last sorted.
    unsorted: bool,
}

impl Mail {
    pub(super) fn add(&mut self, letter: Letter) {
        self.letters.push_back(letter);
        self.unsorted = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// The next letter, whoever it goes to.
    pub(super) fn next(&mut self) -> Option<Letter> {
        if self.unsorted {
            self.letters.make_contiguous().sort_by_key(|letter| letter.to);
            self.unsorted = false;
        }
        let letter = self.letters.pop_front();
        if self.letters.is_empty() {
            // A storm's room is given back.
            self.letters.shrink_to(IDLE_LETTERS);
        }
        letter
    }

    /// The next one, if it goes to the same as the one before.
    pub(super) fn next_to(&mut self, to: PeerId) -> Option<Letter> {
        if self.letters.front().is_some_and(|letter| letter.to == to) { self.next() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(to: u32, what: u8) -> Letter {
        Letter { to: PeerId(to), channel: Channel::Chat, body: [what].into(), answers: None }
    }

    #[test]
    fn everybody_gets_theirs_together_and_in_order_also_what_comes_in_between() {
        let mut mail = Mail::default();
        for what in 0..3 {
            [7, 3, 5].into_iter().for_each(|to| mail.add(letter(to, what)));
        }
        let mut handed = Vec::new();
        while let Some(first) = mail.next() {
            let to = first.to;
            let rest = std::iter::from_fn(|| mail.next_to(to)).map(|letter| letter.body[0]).collect::<Vec<_>>();
            handed.push((to.0, first.body[0], rest));
            if to.0 == 3 {
                mail.add(letter(7, 9));
                mail.add(letter(2, 8));
            }
        }
        assert_eq!(handed, [(3, 0, vec![1, 2]), (2, 8, vec![]), (5, 0, vec![1, 2]), (7, 0, vec![1, 2, 9])]);
    }
}
