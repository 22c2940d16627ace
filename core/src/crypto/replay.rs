//! Which packet numbers have been seen, and what a packet number is of which only the low 32 bits travelled.
//!
//! Windows of this kind have failed near the ends of the number range, where a sum overflows and a difference does not. So
//! nothing is added here that could: the compiler forbids it.
#![deny(clippy::arithmetic_side_effects)]

use alloc::boxed::Box;

/// Numbers that a resting window looks back.
const NARROW_BITS: u64 = 128;

/// Numbers that a widened window looks back.
const WIDE_BITS: u64 = 2048;

/// The packet numbers seen of late: each is accepted once. What is too old to be remembered counts as seen.
#[derive(Clone, Debug)]
pub struct ReplayWindow {
    /// One more than the highest number seen. All from here on are new, and the window ends just before it.
    next: u64,
    seen: Bits,
}

/// A bit for each number, at the place of the number modulo the width. Those outside the window mean nothing.
#[derive(Clone, Debug)]
enum Bits {
    Narrow([u64; (NARROW_BITS / 64) as usize]),
    Wide(Box<[u64; (WIDE_BITS / 64) as usize]>),
}

impl Bits {
    const NARROW_ALL: Self = Self::Narrow([u64::MAX; (NARROW_BITS / 64) as usize]);

    fn wide_all() -> Self {
        Self::Wide(Box::new([u64::MAX; (WIDE_BITS / 64) as usize]))
    }

    const fn width(&self) -> u64 {
        match self {
            Self::Narrow(_) => NARROW_BITS,
            Self::Wide(_) => WIDE_BITS,
        }
    }

    fn get(&self, number: u64) -> bool {
        let word = match self {
            Self::Narrow(words) => words.get(place(number, NARROW_BITS)),
            Self::Wide(words) => words.get(place(number, WIDE_BITS)),
        };
        word.is_none_or(|word| word & bit(number) != 0)
    }

    fn set(&mut self, number: u64, seen: bool) {
        let word = match self {
            Self::Narrow(words) => words.get_mut(place(number, NARROW_BITS)),
            Self::Wide(words) => words.get_mut(place(number, WIDE_BITS)),
        };
        if let Some(word) = word {
            *word = if seen { *word | bit(number) } else { *word & !bit(number) };
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Narrow(words) => words.fill(0),
            Self::Wide(words) => words.fill(0),
        }
    }
}

/// Which word of a window of `width` numbers, a power of two, holds the number.
fn place(number: u64, width: u64) -> usize {
    ((number & width.saturating_sub(1)) >> 6) as usize
}

/// The number's bit in its word.
const fn bit(number: u64) -> u64 {
    1u64.rotate_left((number & 63) as u32)
}

impl ReplayWindow {
    /// A resting window for a sender whose first packet has the number `first`; all before it count as seen.
    pub const fn new(first: u64) -> Self {
        Self { next: first, seen: Bits::NARROW_ALL }
    }

    /// Whether this number may still be accepted. The last number of all, which no sender uses, never is.
    pub fn is_new(&self, number: u64) -> bool {
        match self.next.checked_sub(number) {
            None | Some(0) => number != u64::MAX,
            Some(behind) => behind <= self.seen.width() && !self.seen.get(number),
        }
    }

    /// One more than the highest number that was seen.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Whether no number as high as this has been seen.
    pub const fn is_newest(&self, number: u64) -> bool {
        number >= self.next
    }

    /// Takes note that a packet with this number has proven genuine. Must not be called for one that has not: a forged number
    /// would shut the true ones out.
    pub fn mark(&mut self, number: u64) {
        let Some(next) = number.checked_add(1) else { return };
        match number.checked_sub(self.next) {
            Some(skipped) => {
                if skipped >= self.seen.width() {
                    self.seen.clear();
                } else {
                    (self.next..number).for_each(|unseen| self.seen.set(unseen, false));
                }
                self.seen.set(number, true);
                self.next = next;
            }
            None if self.is_new(number) => self.seen.set(number, true),
            None => {}
        }
    }

    /// Remembers 2048 numbers from now on, so that a fast peer's packets may overtake each other by so many.
    pub fn widen(&mut self) {
        self.change_to(Bits::wide_all());
    }

    /// Remembers 128 numbers from now on, which is all that an idle peer needs.
    pub fn rest(&mut self) {
        self.change_to(Bits::NARROW_ALL);
    }

    /// Carries over what both widths remember; everything older stays seen.
    fn change_to(&mut self, mut bits: Bits) {
        let width = bits.width();
        if width != self.seen.width() {
            (self.next.saturating_sub(width.min(self.seen.width()))..self.next).for_each(|number| bits.set(number, self.seen.get(number)));
            self.seen = bits;
        }
    }

    /// The whole packet number of which only the low 32 bits travelled: the one nearest to the next expected number
    /// (RFC 9000 appendix A.3). That the guess is right shows when the datagram opens.
    pub const fn expand(&self, truncated: u32) -> u64 {
        const CYCLE: i64 = 1 << 32;
        // How far the low bits are from the expected ones, the shorter way round.
        let distance = truncated.wrapping_sub(self.next as u32).cast_signed();
        // Exactly half a cycle away, RFC 9000 takes the higher number.
        let distance = if distance == i32::MIN { CYCLE / 2 } else { distance as i64 };
        match self.next.checked_add_signed(distance) {
            Some(number) => number,
            // Nearest lies beyond an end of the range; the other way round it exists.
            None if distance < 0 => self.next.wrapping_add_signed(distance.wrapping_add(CYCLE)),
            None => self.next.wrapping_add_signed(distance.wrapping_sub(CYCLE)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "an overflow in a test stops it, and should")]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;
    use crate::rng::{below, from_seed};

    /// Where counters are prone to go wrong.
    const BASES: [u64; 5] = [5000, (1 << 32) - 40, 1 << 32, 1 << 63, u64::MAX - 5000];

    fn seen(numbers: impl IntoIterator<Item = u64>) -> ReplayWindow {
        let mut window = ReplayWindow::new(0);
        numbers.into_iter().for_each(|number| window.mark(number));
        window
    }

    #[test]
    fn a_number_is_new_until_it_is_marked() {
        let mut window = ReplayWindow::new(0);
        for number in 0..5000 {
            assert!(window.is_new(number));
            window.mark(number);
            assert!(!window.is_new(number));
        }
    }

    #[test]
    fn asking_changes_nothing() {
        let window = ReplayWindow::new(0);
        assert!(window.is_new(u64::MAX - 1) && window.is_new(0));
    }

    #[test]
    fn numbers_before_the_first_count_as_seen() {
        for base in BASES {
            let mut window = ReplayWindow::new(base);
            assert!((0..3000).all(|back| !window.is_new(base - 1 - back)));
            window.widen();
            assert!((0..3000).all(|back| !window.is_new(base - 1 - back)));
            assert!(window.is_new(base));
        }
    }

    #[test]
    fn a_late_number_is_accepted_up_to_the_edge_of_the_window() {
        for base in BASES {
            let narrow = seen([base]);
            assert!(narrow.is_new(base - 127) && !narrow.is_new(base - 128), "{base}");
            let mut wide = ReplayWindow::new(0);
            wide.widen();
            wide.mark(base);
            assert!(wide.is_new(base - 2047) && !wide.is_new(base - 2048), "{base}");
        }
    }

    #[test]
    fn a_late_number_is_accepted_once() {
        for base in BASES {
            let mut window = seen([base]);
            for number in base - 127..base {
                assert!(window.is_new(number), "{number}");
                window.mark(number);
                assert!(!window.is_new(number), "{number}");
            }
        }
    }

    #[test]
    fn what_is_behind_the_window_cannot_be_marked_into_it() {
        let mut window = seen([5000]);
        (5000 - 400..=5000 - 128).for_each(|number| window.mark(number));
        assert!((5000 - 127..5000).all(|number| window.is_new(number)));
        assert!(!window.is_new(5000));
    }

    #[test]
    fn a_jump_forgets_exactly_what_it_leaves_behind() {
        for jump in [1, 63, 64, 65, 127, 128, 129, 2047, 2048, 2049, 1 << 20] {
            let mut window = ReplayWindow::new(0);
            window.widen();
            (0..5000).for_each(|number| window.mark(number));
            let highest = 4999 + jump;
            window.mark(highest);
            for number in highest - 2047..highest {
                assert_eq!(window.is_new(number), number >= 5000, "{number} after a jump of {jump}");
            }
            assert!(!window.is_new(highest) && !window.is_new(highest - 2048));
        }
    }

    #[test]
    fn the_last_usable_number_is_accepted_once_and_the_very_last_never() {
        let mut window = seen([u64::MAX - 2]);
        assert!(window.is_new(u64::MAX - 1));
        window.mark(u64::MAX - 1);
        window.mark(u64::MAX);
        assert!(!window.is_new(u64::MAX - 1) && !window.is_new(u64::MAX) && !window.is_new(u64::MAX - 2));
        assert!(window.is_new(u64::MAX - 3));
    }

    #[test]
    fn widening_keeps_what_is_known_and_takes_the_rest_for_seen() {
        for base in BASES {
            let mut window = seen([base, base - 3]);
            window.widen();
            for number in base - 2100..base {
                assert_eq!(window.is_new(number), number > base - 128 && number != base - 3, "{number}");
            }
        }
    }

    #[test]
    fn narrowing_takes_what_falls_out_for_seen() {
        for base in BASES {
            let mut window = ReplayWindow::new(0);
            window.widen();
            window.mark(base);
            window.mark(base - 3);
            window.rest();
            window.widen();
            for number in base - 2100..base {
                assert_eq!(window.is_new(number), number > base - 128 && number != base - 3, "{number}");
            }
        }
    }

    #[test]
    fn widening_twice_or_resting_twice_forgets_nothing() {
        let mut window = ReplayWindow::new(0);
        window.rest();
        window.widen();
        window.mark(3000);
        window.widen();
        assert!(window.is_new(1000) && !window.is_new(3000));
    }

    #[test]
    fn it_agrees_with_a_set_of_all_numbers_under_random_traffic() {
        let mut rng = from_seed([9; 32]);
        for base in [0].into_iter().chain(BASES) {
            let (mut window, mut marked, mut highest, mut floor) = (ReplayWindow::new(base), BTreeSet::new(), base, base);
            let mut width = 128;
            for _ in 0..4000 {
                match below(&mut rng, 50) {
                    0 => {
                        window.widen();
                        width = 2048;
                    }
                    1 => {
                        window.rest();
                        width = 128;
                    }
                    _ => {}
                }
                if width == 128 {
                    // What a narrow window has passed is forgotten for good, even if it is widened later.
                    floor = floor.max((highest + 1).saturating_sub(128));
                }
                let number = (highest + below(&mut rng, 4)).saturating_sub(below(&mut rng, 200)).min(u64::MAX - 1);
                let reach = if marked.is_empty() { base } else { (highest + 1).saturating_sub(width).max(floor) };
                assert_eq!(window.is_new(number), number >= reach && !marked.contains(&number), "{number} of {highest}");
                if window.is_new(number) {
                    window.mark(number);
                    marked.insert(number);
                    highest = highest.max(number);
                }
            }
        }
    }

    #[test]
    fn a_resting_window_is_small() {
        assert!(size_of::<ReplayWindow>() <= 32);
    }

    #[test]
    fn the_low_bits_of_a_number_near_the_expected_one_give_the_number() {
        for base in BASES {
            let window = ReplayWindow::new(base);
            for near in (base - 3000)..=(base + 3000).min(u64::MAX - 1) {
                assert_eq!(window.expand(near as u32), near, "expecting {base}");
            }
        }
    }

    #[test]
    fn the_low_bits_reach_half_a_cycle_to_each_side() {
        let expected = (7 << 32) + 5;
        let window = ReplayWindow::new(expected);
        let half = 1 << 31;
        for number in [expected - half + 1, expected - 1, expected, expected + 1, expected + half] {
            assert_eq!(window.expand(number as u32), number);
        }
        assert_eq!(window.expand((expected - half) as u32), expected + half, "the tie goes up");
    }

    #[test]
    fn expanding_stays_within_the_range_at_both_ends() {
        assert_eq!(ReplayWindow::new(0).expand(u32::MAX), u64::from(u32::MAX));
        assert_eq!(ReplayWindow::new(3).expand(0xffff_fff0), 0xffff_fff0);
        assert_eq!(seen([u64::MAX - 1]).expand(u32::MAX - 1), u64::MAX - 1);
        assert_eq!(seen([u64::MAX - 1]).expand(5), u64::MAX - (1 << 32) + 6);
    }

    #[test]
    fn expanding_keeps_the_low_bits() {
        let mut rng = from_seed([4; 32]);
        for base in [0].into_iter().chain(BASES) {
            let window = ReplayWindow::new(base);
            for _ in 0..1000 {
                let low = below(&mut rng, 1 << 32) as u32;
                assert_eq!(window.expand(low) as u32, low);
            }
        }
    }

    #[test]
    fn the_newest_number_is_one_beyond_all_that_were_seen() {
        for base in BASES {
            let mut window = ReplayWindow::new(base);
            window.mark(base + 7);
            for (number, newest) in [(0, false), (base + 6, false), (base + 7, false), (base + 8, true), (u64::MAX, true)] {
                assert_eq!(window.is_newest(number), newest, "{number} after {base} + 7");
            }
        }
    }
}
