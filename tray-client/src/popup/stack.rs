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
    /// By itself, after a while.
    Not,
    /// When it is answered.
    UntilAnswered,
    /// When it is answered, and it goes before all others.
    AboveAll,
}

/// What is left of the time of a popup that leaves by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Off,
    Runs { until: Instant },
    Stopped { left: Duration },
}

#[derive(Clone, Debug)]
struct Slot<K> {
    key: K,
    insists: Insists,
    clock: Clock,
    hovered: bool,
}

/// The popups. `K` tells them apart.
#[derive(Clone, Debug)]
pub struct Stack<K> {
    /// In the order in which they came.
    slots: Vec<Slot<K>>,
    locked: bool,
}

impl<K> Default for Stack<K> {
    fn default() -> Self {
        Self { slots: Vec::new(), locked: false }
    }
}

impl<K: Clone + PartialEq> Stack<K> {
    /// A popup comes, or comes again with new words.
    pub fn show(&mut self, now: Instant, key: K, insists: Insists) {
        let clock = if insists == Insists::Not { self.clock(now, STAYS, &key) } else { Clock::Off };
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.key == key) {
            *slot = Slot { clock, insists, ..slot.clone() };
            return;
        }
        self.slots.push(Slot { key, insists, clock, hovered: false });
    }

    /// The notice is over: its popup says so for a while and goes. Whether there is one.
    pub fn part(&mut self, now: Instant, key: &K) -> bool {
        let clock = self.clock(now, PARTING, key);
        let slot = self.slots.iter_mut().find(|slot| slot.key == *key);
        slot.map(|slot| *slot = Slot { clock, insists: Insists::Not, ..slot.clone() }).is_some()
    }

    /// What the notice was about is over: its popup says so until it is closed. Whether there is one.
    pub fn settle(&mut self, key: &K) -> bool {
        let slot = self.slots.iter_mut().find(|slot| slot.key == *key);
        slot.map(|slot| *slot = Slot { clock: Clock::Off, insists: Insists::UntilAnswered, ..slot.clone() }).is_some()
    }

    /// A popup is answered or closed.
    pub fn remove(&mut self, key: &K) {
        self.slots.retain(|slot| slot.key != *key);
    }

    /// The pointer rests on a popup, or has left it.
    pub fn hover(&mut self, now: Instant, key: &K, hovered: bool) {
        let locked = self.locked;
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.key == *key) {
            slot.hovered = hovered;
            slot.clock = if hovered || locked { slot.clock.stop(now) } else { slot.clock.go_on(now) };
        }
    }

    /// The screen is locked, or open again. Nobody sees a popup behind the lock, so no time passes for it.
    pub fn lock(&mut self, now: Instant, locked: bool) {
        self.locked = locked;
        for slot in &mut self.slots {
            slot.clock = if locked || slot.hovered { slot.clock.stop(now) } else { slot.clock.go_on(now) };
        }
    }

    /// Takes out those whose time is over.
    pub fn expire(&mut self, now: Instant) -> Vec<K> {
        let over = |slot: &Slot<K>| matches!(slot.clock, Clock::Runs { until } if until <= now);
        let gone = self.slots.iter().filter(|slot| over(slot)).map(|slot| slot.key.clone()).collect();
        self.slots.retain(|slot| !over(slot));
        gone
    }

    /// When the next one leaves by itself.
    pub fn next(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| if let Clock::Runs { until } = slot.clock { Some(until) } else { None }).min()
    }

    /// How long one that leaves by itself still stays; `None` for the others, also while the pointer rests on it.
    pub fn left(&self, now: Instant, key: &K) -> Option<Duration> {
        let slot = self.slots.iter().find(|slot| slot.key == *key)?;
        if let Clock::Runs { until } = slot.clock { Some(until.since(now)) } else { None }
    }

    /// Those to be seen, the lowest first: the most insistent, and of equals the one that has waited longest.
    pub fn seen(&self) -> Vec<&K> {
        let mut order: Vec<_> = self.slots.iter().collect();
        order.sort_by_key(|slot| std::cmp::Reverse(slot.insists));
        if order.len() > SEEN_MAX {
            // Of the light ones the newest are seen: they go soon anyway, and who looks wants to know what is new.
            let heavy = order.iter().filter(|slot| slot.insists != Insists::Not).count();
            let light = order.len() - heavy;
            let room = SEEN_MAX.saturating_sub(heavy);
            order.drain(heavy..heavy + light.saturating_sub(room));
            order.truncate(SEEN_MAX);
        }
        order.into_iter().map(|slot| &slot.key).collect()
    }

    /// How many are behind "+n more".
    pub fn folded(&self) -> usize {
        self.slots.len().saturating_sub(SEEN_MAX)
    }

    fn clock(&self, now: Instant, length: Duration, key: &K) -> Clock {
        if self.locked || self.slots.iter().any(|slot| slot.key == *key && slot.hovered) {
            Clock::Stopped { left: length }
        } else {
            Clock::Runs { until: now + length }
        }
    }
}

impl Clock {
    fn stop(self, now: Instant) -> Self {
        match self {
            Self::Runs { until } => Self::Stopped { left: until.since(now) },
            other => other,
        }
    }

    fn go_on(self, now: Instant) -> Self {
        match self {
            Self::Stopped { left } => Self::Runs { until: now + left },
            other => other,
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
        stack.lock(at(2), true);
        stack.show(at(50), 2, Insists::Not);
        assert_eq!(stack.expire(at(60)), []);
        stack.lock(at(100), false);
        assert_eq!(stack.expire(at(106)), [1]);
        assert_eq!(stack.expire(at(108)), [2]);
    }

    #[test]
    fn leaving_the_pointer_behind_the_lock_does_not_start_the_clock() {
        let mut stack = showing(&[(1, Insists::Not)]);
        stack.hover(at(1), &1, true);
        stack.lock(at(2), true);
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
        assert!(stack.settle(&1) && stack.settle(&2) && !stack.settle(&3));
        assert_eq!((stack.next(), stack.expire(at(100))), (None, vec![]));
        stack.remove(&1);
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
    fn a_hundred_heavy_ones_do_not_bury_the_screen() {
        let popups: Vec<_> = (0..100).map(|key| (key, Insists::UntilAnswered)).chain([(100, Insists::AboveAll)]).collect();
        let stack = showing(&popups);
        assert_eq!(stack.seen(), [&100, &0, &1, &2]);
        assert_eq!(stack.folded(), 97);
    }
}
