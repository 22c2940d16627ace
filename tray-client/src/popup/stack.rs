//! Which popups are on the screen, in which order, and how long the light ones still stay.
//!
//! A machine without windows: it is told what happens with the time, and says what is to be seen.

use std::time::Duration;

use belfry_core::time::Instant;

/// Popups that are seen at once. More would bury the screen; the others are behind "+n more".
pub const SEEN_MAX: usize = 4;

/// How long an info popup stays: time to read two lines and to reach for the pointer.
pub const STAYS: Duration = Duration::from_secs(8);

/// How long a popup says that its notice is over.
pub const PARTING: Duration = Duration::from_secs(5);

/// How a popup leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Insists {
    /// By itself, after a while, whether or not anybody has seen it: a message, which is counted as unread.
    Passing,
    /// By itself, after it has been there for a while.
    Not,
    /// When it is answered.
    UntilAnswered,
    /// When it is answered, and it goes before all others.
    AboveAll,
}

#[derive(Clone, Debug)]
struct StackSlot<K> {
    key: K,
    insists: Insists,
    /// What was left of its time when its clock was started or stopped last; `None` for one that stays.
    left: Option<Duration>,
    /// Since when its clock runs.
    since: Option<Instant>,
    hovered: bool,
    /// There is no room for it on any screen.
    parked: bool,
}

impl<K> StackSlot<K> {
    fn until(&self) -> Option<Instant> {
        Some(self.since? + self.left?)
    }
}

/// The popups. `K` tells them apart.
#[derive(Clone, Debug)]
pub struct Stack<K> {
    /// In the order in which they came.
    slots: Vec<StackSlot<K>>,
    unwatched: bool,
}

impl<K> Default for Stack<K> {
    fn default() -> Self {
        Self { slots: Vec::new(), unwatched: false }
    }
}

impl<K: Clone + PartialEq> Stack<K> {
    /// A popup comes, or comes again with new words.
    pub fn show(&mut self, now: Instant, key: K, insists: Insists) {
        let left = (insists <= Insists::Not).then_some(STAYS);
        match self.slots.iter_mut().find(|slot| slot.key == key) {
            Some(slot) => (slot.insists, slot.left, slot.since) = (insists, left, None),
            None => self.slots.push(StackSlot { key, insists, left, since: None, hovered: false, parked: false }),
        }
        self.regulate(now);
    }

    /// The notice is over: its popup says so for a while and goes. Whether there is one.
    pub fn part(&mut self, now: Instant, key: &K) -> bool {
        let slot = self.slots.iter_mut().find(|slot| slot.key == *key);
        let there = slot.map(|slot| (slot.insists, slot.left, slot.since) = (Insists::Passing, Some(PARTING), None)).is_some();
        self.regulate(now);
        there
    }

    /// What the notice was about is over: its popup says so until it is closed. Whether there is one.
    pub fn settle(&mut self, now: Instant, key: &K) -> bool {
        let slot = self.slots.iter_mut().find(|slot| slot.key == *key);
        let there = slot.map(|slot| (slot.insists, slot.left, slot.since) = (Insists::UntilAnswered, None, None)).is_some();
        self.regulate(now);
        there
    }

    /// A popup is answered or closed.
    pub fn remove(&mut self, now: Instant, key: &K) {
        self.slots.retain(|slot| slot.key != *key);
        self.regulate(now);
    }

    /// The pointer rests on a popup, or has left it.
    pub fn hover(&mut self, now: Instant, key: &K, hovered: bool) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.key == *key) {
            slot.hovered = hovered;
        }
        self.regulate(now);
    }

    /// Whether somebody uses the screen. Nobody sees a popup behind a lock or before an empty chair, so no time passes for it.
    pub fn watch(&mut self, now: Instant, watched: bool) {
        self.unwatched = !watched;
        self.regulate(now);
    }

    /// Of those that are to be seen these have a place on a screen. No time passes for the others.
    pub fn fit(&mut self, now: Instant, placed: &[K]) {
        for slot in &mut self.slots {
            slot.parked = !placed.contains(&slot.key);
        }
        self.regulate(now);
    }

    /// Takes out those whose time is over.
    pub fn expire(&mut self, now: Instant) -> Vec<K> {
        let over = |slot: &StackSlot<K>| slot.until().is_some_and(|until| until <= now);
        let gone: Vec<K> = self.slots.iter().filter(|slot| over(slot)).map(|slot| slot.key.clone()).collect();
        if !gone.is_empty() {
            self.slots.retain(|slot| !over(slot));
            self.regulate(now);
        }
        gone
    }

    /// When the next one leaves by itself.
    pub fn next(&self) -> Option<Instant> {
        self.slots.iter().filter_map(StackSlot::until).min()
    }

    /// How long one that leaves by itself still stays; `None` for the others, also while no time passes for it.
    pub fn left(&self, now: Instant, key: &K) -> Option<Duration> {
        self.slots.iter().find(|slot| slot.key == *key)?.until().map(|until| until.since(now))
    }

    /// Those to be seen, the lowest first: the most insistent, and of equals the one that has waited longest.
    pub fn seen(&self) -> Vec<&K> {
        self.order().into_iter().filter_map(|at| self.slots.get(at)).map(|slot| &slot.key).collect()
    }

    fn order(&self) -> Vec<usize> {
        // Of the light ones none is lighter.
        let mut order: Vec<(usize, Insists)> = self.slots.iter().map(|slot| slot.insists.max(Insists::Not)).enumerate().collect();
        order.sort_by_key(|&(_, insists)| std::cmp::Reverse(insists));
        if order.len() > SEEN_MAX {
            // Of the light ones the newest are seen: who looks wants to know what is new.
            let heavy = order.iter().filter(|(_, insists)| *insists != Insists::Not).count();
            let light = order.len() - heavy;
            let room = SEEN_MAX.saturating_sub(heavy);
            order.drain(heavy..heavy + light.saturating_sub(room));
            order.truncate(SEEN_MAX);
        }
        order.into_iter().map(|(at, _)| at).collect()
    }

    /// How many are behind "+n more", besides those without a place.
    pub fn folded(&self) -> usize {
        self.slots.len().saturating_sub(SEEN_MAX)
    }

    /// The clock of a popup runs only while somebody may see it: nothing leaves that has never been there.
    fn regulate(&mut self, now: Instant) {
        let seen = self.order();
        for (at, slot) in self.slots.iter_mut().enumerate() {
            let there = slot.insists == Insists::Passing || (!slot.parked && seen.contains(&at));
            let runs = slot.left.is_some() && !self.unwatched && !slot.hovered && there;
            match slot.since {
                None if runs => slot.since = Some(now),
                Some(since) if !runs => {
                    slot.left = slot.left.map(|left| left.saturating_sub(now.since(since)));
                    slot.since = None;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn showing(popups: &[(u32, Insists)]) -> Stack<u32> {
        let mut stack = Stack::default();
        for &(key, insists) in popups {
            stack.show(at(0), key, insists);
        }
        stack
    }

    #[test]
    fn a_light_popup_leaves_by_itself_and_the_others_do_not() {
        let mut stack = showing(&[(1, Insists::Not), (2, Insists::UntilAnswered), (3, Insists::AboveAll)]);
        assert_eq!(stack.next(), Some(at(8)));
        assert_eq!((stack.left(at(6), &1), stack.left(at(6), &2)), (Some(Duration::from_secs(2)), None));
        assert_eq!(stack.expire(at(7)), []);
        assert_eq!(stack.expire(at(8)), [1]);
        assert_eq!(stack.next(), None);
        assert_eq!(stack.seen(), [&3, &2]);
    }

    #[test]
    fn no_time_passes_under_the_pointer() {
        let mut stack = showing(&[(1, Insists::Not)]);
        stack.hover(at(3), &1, true);
        assert_eq!(stack.next(), None);
        stack.hover(at(100), &1, false);
        assert_eq!(stack.next(), Some(at(105)));
    }

    #[test]
    fn no_time_passes_behind_the_lock_also_for_what_came_meanwhile() {
        let mut stack = showing(&[(1, Insists::Not)]);
        stack.watch(at(2), false);
        stack.show(at(50), 2, Insists::Not);
        assert_eq!(stack.expire(at(60)), []);
        stack.watch(at(100), true);
        assert_eq!(stack.expire(at(106)), [1]);
        assert_eq!(stack.expire(at(108)), [2]);
    }

    #[test]
    fn leaving_the_pointer_behind_the_lock_does_not_start_the_clock() {
        let mut stack = showing(&[(1, Insists::Not)]);
        stack.hover(at(1), &1, true);
        stack.watch(at(2), false);
        stack.hover(at(3), &1, false);
        assert_eq!(stack.next(), None);
    }

    #[test]
    fn a_notice_that_is_over_says_so_and_goes() {
        let mut stack = showing(&[(1, Insists::AboveAll)]);
        assert!(stack.part(at(10), &1));
        assert_eq!(stack.expire(at(15)), [1]);
        assert!(!stack.part(at(20), &1));
    }

    #[test]
    fn an_all_clear_stays_until_it_is_closed() {
        let mut stack = showing(&[(1, Insists::AboveAll), (2, Insists::Not)]);
        assert!(stack.settle(at(0), &1) && stack.settle(at(0), &2) && !stack.settle(at(0), &3));
        assert_eq!((stack.next(), stack.expire(at(100))), (None, vec![]));
        stack.remove(at(100), &1);
        assert_eq!(stack.seen(), [&2]);
    }

    #[test]
    fn new_words_start_the_time_again_and_keep_the_place() {
        let mut stack = showing(&[(1, Insists::Not), (2, Insists::Not)]);
        stack.show(at(5), 1, Insists::Not);
        assert_eq!(stack.seen(), [&1, &2]);
        assert_eq!(stack.expire(at(8)), [2]);
        assert_eq!(stack.expire(at(13)), [1]);
    }

    #[test]
    fn the_oldest_light_ones_fold_first() {
        let stack = showing(&[
            (1, Insists::Not),
            (2, Insists::Not),
            (3, Insists::Not),
            (4, Insists::UntilAnswered),
            (5, Insists::Not),
            (6, Insists::Not),
        ]);
        assert_eq!(stack.seen(), [&4, &3, &5, &6]);
        assert_eq!(stack.folded(), 2);
    }

    #[test]
    fn no_time_passes_for_what_is_folded_or_has_no_place() {
        let mut stack = showing(&[(1, Insists::Not), (2, Insists::Not), (3, Insists::Not), (4, Insists::Not), (5, Insists::Not)]);
        stack.fit(at(0), &[2, 3]);
        assert_eq!(stack.expire(at(8)), [2, 3]);
        assert_eq!(stack.next(), None, "the folded one is seen now, and has no place yet");
        stack.fit(at(20), &[4, 5, 1]);
        assert_eq!(stack.expire(at(27)), []);
        assert_eq!(stack.expire(at(28)), [1, 4, 5], "each has been there for its whole time");
    }

    #[test]
    fn messages_pass_also_where_they_are_folded_or_have_no_place() {
        let mut stack = showing(&(0..6).map(|key| (key, Insists::Passing)).collect::<Vec<_>>());
        stack.fit(at(0), &[]);
        assert_eq!(stack.expire(at(8)).len(), 6);
    }

    #[test]
    fn a_hundred_heavy_ones_do_not_bury_the_screen() {
        let popups: Vec<_> = (0..100).map(|key| (key, Insists::UntilAnswered)).chain([(100, Insists::AboveAll)]).collect();
        let stack = showing(&popups);
        assert_eq!(stack.seen(), [&100, &0, &1, &2]);
        assert_eq!(stack.folded(), 97);
    }
}
