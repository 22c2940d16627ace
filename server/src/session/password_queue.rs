//! Passwords that wait to be checked, and who is next: a fair queue. Whoever floods it waits behind themselves.
//!
//! By start-time fair queueing (Goyal, Vin, Cheng 1996) with a tag for the address and one for the account: who asks while others have had
//! turns starts where the queue is now, and each further one of the same address or account one turn later. Five hundred guesses from one
//! address, or at one account from five hundred, so stand one behind the other, and everybody else beside the first of them.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::source::Source;

use super::PasswordOf;
use super::failures::Blame;
use crate::limits::{FAMILIAR_TURNS_IN_A_ROW, HASHES_AT_ONCE, PASSWORDS_WAITING_MAX};
use crate::passwords::{PasswordTicket, PasswordWork};

/// Addresses, and accounts, of which a queue remembers where they stand: more than can wait in it.
const ENDS_MAX: usize = 4 * PASSWORDS_WAITING_MAX;

/// Which queue somebody stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// They have signed in to that account before on that device or from there, or are signed in.
    Familiar,
    /// All others.
    Stranger,
}

/// A password that is to be checked.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) whose: PasswordOf,
    pub(super) lane: Lane,
    /// What the account's name is unique by.
    pub(super) account: String,
    pub(super) source: Source,
    /// With whom it counts if it turns out to be the wrong one.
    pub(super) blames: Vec<Blame>,
    pub(super) work: PasswordWork,
}

/// What becomes of the next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is checked.
    Go,
    /// It stays where it is, and the next may go.
    Wait,
    /// It is refused.
    Refuse,
}

/// All that wait, and all that are checked.
#[derive(Debug)]
pub(super) struct PasswordQueue {
    familiar: Queue,
    strangers: Queue,
    familiar_in_a_row: u32,
    at_work: BTreeMap<PasswordTicket, (Option<PasswordOf>, Vec<Blame>)>,
    at_once: usize,
    last_ticket: u64,
    arrivals: u64,
}

/// One lane.
#[derive(Debug, Default)]
struct Queue {
    /// By when they start and when they came.
    turns: BTreeMap<(u64, u64), Turn>,
    /// When what is next started.
    now: u64,
    /// Where the next turn of each starts, while the queue is not empty.
    sources: BTreeMap<Source, u64>,
    accounts: BTreeMap<String, u64>,
}

impl Default for PasswordQueue {
    fn default() -> Self {
        Self {
            familiar: Queue::default(),
            strangers: Queue::default(),
            familiar_in_a_row: 0,
            at_work: BTreeMap::new(),
            at_once: HASHES_AT_ONCE,
            last_ticket: 0,
            arrivals: 0,
        }
    }
}

impl PasswordQueue {
    /// So many are handed out at a time.
    pub(super) const fn set_at_once(&mut self, at_once: usize) {
        self.at_once = at_once;
    }

    /// Lines somebody up. When there is no more room, whose place was taken for them: the last of those who have the most strangers
    /// waiting from one address, which may be themselves.
    pub(super) fn join(&mut self, turn: Turn) -> Option<PasswordOf> {
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.lane(turn.lane).join(turn, arrival);
        if self.familiar.turns.len() + self.strangers.turns.len() <= PASSWORDS_WAITING_MAX {
            return None;
        }
        let crowded = if self.strangers.turns.is_empty() { &mut self.familiar } else { &mut self.strangers };
        crowded.drop_surplus().map(|turn| turn.whose)
    }

    const fn lane(&mut self, lane: Lane) -> &mut Queue {
        match lane {
            Lane::Familiar => &mut self.familiar,
            Lane::Stranger => &mut self.strangers,
        }
    }

    /// Whose turn it is, if a thread is free: with its ticket, or with `None` where `judge` has refused it.
    pub(super) fn next(&mut self, mut judge: impl FnMut(&Turn) -> Decision) -> Option<(Option<PasswordTicket>, Turn)> {
        if self.at_work.len() >= self.at_once {
            return None;
        }
        let strangers_first = self.familiar_in_a_row >= FAMILIAR_TURNS_IN_A_ROW;
        let order = if strangers_first { [Lane::Stranger, Lane::Familiar] } else { [Lane::Familiar, Lane::Stranger] };
        for lane in order {
            if let Some((goes, turn)) = self.lane(lane).next(&mut judge) {
                if !goes {
                    return Some((None, turn));
                }
                self.familiar_in_a_row = if lane == Lane::Familiar { self.familiar_in_a_row + 1 } else { 0 };
                self.last_ticket += 1;
                let ticket = PasswordTicket(self.last_ticket);
                self.at_work.insert(ticket, (Some(turn.whose), turn.blames.clone()));
                return Some((Some(ticket), turn));
            }
        }
        None
    }

    /// One was checked: whose it was, unless they have gone, and with whom it counts.
    pub(super) fn done(&mut self, ticket: PasswordTicket) -> Option<(Option<PasswordOf>, Vec<Blame>)> {
        self.at_work.remove(&ticket)
    }

    /// Nobody waits for what these are for. What is being checked is, and counts.
    pub(super) fn forget(&mut self, is_gone: impl Fn(PasswordOf) -> bool) {
        for queue in [&mut self.familiar, &mut self.strangers] {
            queue.turns.retain(|_, turn| !is_gone(turn.whose));
        }
        for (whose, _) in self.at_work.values_mut() {
            *whose = whose.filter(|&whose| !is_gone(whose));
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.familiar.turns.len() + self.strangers.turns.len()
    }
}

impl Queue {
    fn join(&mut self, turn: Turn, arrival: u64) {
        if self.turns.is_empty() {
            self.sources.clear();
            self.accounts.clear();
        }
        let ends = [self.sources.get(&turn.source), self.accounts.get(&turn.account)];
        let start = ends.into_iter().flatten().copied().max().unwrap_or(0).max(self.now);
        self.sources.insert(turn.source, start + 1);
        self.accounts.insert(turn.account.clone(), start + 1);
        self.turns.insert((start, arrival), turn);
        if self.sources.len().max(self.accounts.len()) > ENDS_MAX {
            self.forget_ends();
        }
    }

    /// Whoever has nothing waiting starts where the queue is now.
    fn forget_ends(&mut self) {
        let sources: BTreeSet<_> = self.turns.values().map(|turn| turn.source).collect();
        let accounts: BTreeSet<_> = self.turns.values().map(|turn| turn.account.as_str()).collect();
        self.sources.retain(|source, _| sources.contains(source));
        self.accounts.retain(|account, _| accounts.contains(account.as_str()));
    }

    fn next(&mut self, judge: &mut impl FnMut(&Turn) -> Decision) -> Option<(bool, Turn)> {
        let (key, goes) = self.turns.iter().find_map(|(&key, turn)| match judge(turn) {
            Decision::Go => Some((key, true)),
            Decision::Refuse => Some((key, false)),
            Decision::Wait => None,
        })?;
        self.now = self.now.max(if goes { key.0 } else { 0 });
        Some((goes, self.turns.remove(&key)?))
    }

    fn drop_surplus(&mut self) -> Option<Turn> {
        let mut counts: BTreeMap<Source, usize> = BTreeMap::new();
        for turn in self.turns.values() {
            *counts.entry(turn.source).or_default() += 1;
        }
        let most = counts.values().copied().max()?;
        let last = self.turns.iter().rev().find(|(_, turn)| counts.get(&turn.source) == Some(&most)).map(|(&key, _)| key)?;
        self.turns.remove(&last)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use belfry_core::source::Links;

    use super::*;
    use crate::hub::SessionId;

    fn turn(number: u64, lane: Lane, account: &str, host: u32) -> Turn {
        let source = Links::default().source(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host)));
        let work = PasswordWork::Verify { password: belfry_core::chat::Password::new("x").unwrap(), hash: None };
        Turn { whose: PasswordOf::Session(SessionId(number)), lane, account: account.into(), source, blames: Vec::new(), work }
    }

    /// Who is checked, one after the other.
    fn order(hashing: &mut PasswordQueue) -> Vec<u64> {
        let mut order = Vec::new();
        while let Some((Some(ticket), turn)) = hashing.next(|_| Decision::Go) {
            hashing.done(ticket);
            let PasswordOf::Session(session) = turn.whose else { panic!("{turn:?}") };
            order.push(session.0);
        }
        order
    }

    fn place(order: &[u64], number: u64) -> usize {
        order.iter().position(|&other| other == number).unwrap()
    }

    #[test]
    fn who_comes_behind_five_hundred_guesses_from_one_address_is_next() {
        let mut hashing = PasswordQueue::default();
        for number in 0..500 {
            hashing.join(turn(number, Lane::Stranger, &format!("victim {number}"), 1));
        }
        let served = hashing.next(|_| Decision::Go).unwrap();
        hashing.done(served.0.unwrap());
        hashing.join(turn(1000, Lane::Stranger, "anna", 2));
        assert!(place(&order(&mut hashing), 1000) <= 1);
    }

    #[test]
    fn guesses_at_one_account_from_everywhere_wait_behind_each_other() {
        let mut hashing = PasswordQueue::default();
        for number in 0..500 {
            hashing.join(turn(number, Lane::Stranger, "victim", number as u32));
        }
        hashing.join(turn(1000, Lane::Stranger, "anna", 1000));
        hashing.join(turn(1001, Lane::Familiar, "victim", 1001));
        let order = order(&mut hashing);
        assert!(place(&order, 1000) <= 2 && place(&order, 1001) == 0, "{order:?}");
    }

    #[test]
    fn who_has_had_many_turns_begins_with_the_others_again() {
        let mut hashing = PasswordQueue::default();
        for number in 0..100 {
            hashing.join(turn(number, Lane::Stranger, &number.to_string(), 1));
        }
        assert_eq!(order(&mut hashing).len(), 100);
        for number in 0..3 {
            hashing.join(turn(number, Lane::Stranger, &number.to_string(), 2));
        }
        hashing.join(turn(9, Lane::Stranger, "anna", 1));
        assert!(place(&order(&mut hashing), 9) <= 1);
    }

    #[test]
    fn strangers_have_a_turn_among_many_who_are_known() {
        let mut hashing = PasswordQueue::default();
        for number in 0..100 {
            hashing.join(turn(number, Lane::Familiar, &number.to_string(), number as u32));
        }
        hashing.join(turn(1000, Lane::Stranger, "anna", 1000));
        assert_eq!(place(&order(&mut hashing), 1000), FAMILIAR_TURNS_IN_A_ROW as usize);
    }

    #[test]
    fn no_more_are_looked_at_than_there_are_threads() {
        let mut hashing = PasswordQueue::default();
        hashing.set_at_once(2);
        for number in 0..3 {
            hashing.join(turn(number, Lane::Stranger, "x", 1));
        }
        let first = hashing.next(|_| Decision::Go).unwrap().0.unwrap();
        assert!(hashing.next(|_| Decision::Go).is_some());
        assert!(hashing.next(|_| Decision::Go).is_none());
        assert!(hashing.done(first).is_some() && hashing.done(first).is_none());
        assert!(hashing.next(|_| Decision::Go).is_some());
    }

    #[test]
    fn a_turn_that_has_to_wait_lets_the_next_go() {
        let mut hashing = PasswordQueue::default();
        hashing.join(turn(1, Lane::Stranger, "x", 1));
        hashing.join(turn(2, Lane::Stranger, "y", 2));
        let next = hashing.next(|turn| if turn.account == "x" { Decision::Wait } else { Decision::Go });
        assert!(matches!(next, Some((Some(_), turn)) if turn.account == "y"));
        assert!(matches!(hashing.next(|_| Decision::Refuse), Some((None, turn)) if turn.account == "x"));
    }

    #[test]
    fn when_it_is_full_the_most_numerous_make_room() {
        let mut hashing = PasswordQueue::default();
        for number in 0..PASSWORDS_WAITING_MAX as u64 {
            assert!(hashing.join(turn(number, Lane::Stranger, &number.to_string(), (number % 10) as u32)).is_none());
        }
        assert!(whose(hashing.join(turn(5000, Lane::Stranger, "anna", 99))) < 5000);
        assert!(whose(hashing.join(turn(5001, Lane::Familiar, "bob", 98))) < 5000);
        assert_eq!(hashing.waiting(), PASSWORDS_WAITING_MAX);
        assert!([5000, 5001].iter().all(|&number| order_holds(&mut hashing, number)));
    }

    #[test]
    fn the_most_numerous_are_those_of_one_address_and_not_those_at_one_account() {
        let mut hashing = PasswordQueue::default();
        let crowd = 2 * PASSWORDS_WAITING_MAX as u64 / 3;
        for number in 0..PASSWORDS_WAITING_MAX as u64 {
            // Many addresses at one account stand far behind; few hundred of one address at as many accounts before them.
            let (account, host) = if number < crowd { ("victim".to_owned(), number as u32 + 9) } else { (number.to_string(), 1) };
            assert!(hashing.join(turn(number, Lane::Stranger, &account, host)).is_none());
        }
        assert_eq!(whose(hashing.join(turn(5000, Lane::Stranger, "anna", 2))), PASSWORDS_WAITING_MAX as u64 - 1);
    }

    fn whose(dropped: Option<PasswordOf>) -> u64 {
        match dropped {
            Some(PasswordOf::Session(session)) => session.0,
            other => panic!("{other:?}"),
        }
    }

    fn order_holds(hashing: &mut PasswordQueue, number: u64) -> bool {
        let whose = PasswordOf::Session(SessionId(number));
        hashing.familiar.turns.values().chain(hashing.strangers.turns.values()).any(|turn| turn.whose == whose)
    }

    #[test]
    fn who_has_gone_is_not_looked_at_and_not_told() {
        let mut hashing = PasswordQueue::default();
        hashing.join(turn(1, Lane::Stranger, "x", 1));
        hashing.join(turn(2, Lane::Stranger, "y", 2));
        let at_work = hashing.next(|_| Decision::Go).unwrap().0.unwrap();
        hashing.forget(|_| true);
        assert!(hashing.next(|_| Decision::Go).is_none());
        assert_eq!(hashing.done(at_work), Some((None, Vec::new())));
    }

    #[test]
    fn however_many_names_are_tried_only_so_many_are_remembered_and_those_that_wait() {
        let mut hashing = PasswordQueue::default();
        hashing.set_at_once(1);
        let at_work = hashing.join(turn(0, Lane::Stranger, "bob", 1)).map(drop);
        assert!(at_work.is_none() && hashing.next(|_| Decision::Go).is_some());
        for number in 1..=3 {
            hashing.join(turn(number, Lane::Stranger, "victim", 1));
        }
        for name in 1..ENDS_MAX {
            hashing.join(turn(9, Lane::Stranger, &name.to_string(), 2));
            hashing.forget(|whose| whose == PasswordOf::Session(SessionId(9)));
        }
        assert_eq!(hashing.strangers.accounts.len(), ENDS_MAX, "no name was forgotten before");
        hashing.join(turn(9, Lane::Stranger, "one more", 2));
        let waiting = hashing.strangers.turns.values().map(|turn| turn.account.clone()).collect::<BTreeSet<_>>();
        assert!(hashing.strangers.accounts.keys().eq(&waiting));
        hashing.join(turn(10, Lane::Stranger, "victim", 3));
        let starts = hashing.strangers.turns.iter().filter(|(_, turn)| turn.account == "victim").map(|(key, _)| key.0);
        assert_eq!(starts.collect::<Vec<_>>(), [0, 1, 2, 3], "the next at one account still stands behind the others");
    }
}
