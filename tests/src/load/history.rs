//! What was said in a house before a run: as many messages as asked for, in words that are spread as those of a language are, a few common
//! and most of them rare (Zipf, "Human Behavior and the Principle of Least Effort", 1949).
//!
//! Nothing in it is random: message `n` is the same in every house.

use belfry_core::chat::{AccountId, ConversationId, PostId, Text};
use belfry_core::time::UnixMillis;
use belfry_server::store::{Job, JobTicket, Store, Target, Work};

/// Words there are.
const WORDS: u64 = 20_000;
/// Words of a message: about 80 bytes.
const WORDS_A_MESSAGE: u64 = 12;
/// What words are made of. Every three letters of one are in many others, too.
const SYLLABLES: [&str; 16] = ["ka", "re", "mi", "to", "lan", "ser", "ve", "in", "du", "pol", "ne", "ga", "shi", "ben", "ro", "tal"];
/// Stands in one message of so many.
const NEEDLE: &str = "zwieback";
const NEEDLE_EVERY: u64 = 100_000;
/// Messages that are handed to the store at a time.
const AT_ONCE: u64 = 512;
/// Between two messages; the newest is of the moment when the run begins.
const APART_MS: u64 = 1000;

/// A text to look for, by how much of it there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    /// In about every fifth message.
    Common,
    /// In one of a hundred thousand.
    Rare,
    /// In none, although each three letters of it in a row are common.
    Absent,
}

/// All of them, with what they are called.
pub(super) const SOUGHT: [(&str, Sought); 3] = [("common", Sought::Common), ("rare", Sought::Rare), ("absent", Sought::Absent)];

impl Sought {
    pub(super) fn text(self) -> String {
        match self {
            Self::Common => word(3),
            Self::Rare => NEEDLE.to_owned(),
            Self::Absent => format!("{0} {0} {0}", word(0)),
        }
    }
}

/// Puts messages into the lobby, as if these people had said them one after the other.
pub(super) fn write(store: &mut Store, people: &[AccountId], messages: u64, now: UnixMillis) -> Result<(), String> {
    for first in (0..messages).step_by(AT_ONCE as usize) {
        let post = |number: u64| {
            let who = usize::try_from(number).unwrap_or(usize::MAX) % people.len();
            let text = Text::new(said(number)).expect("letters and spaces are text");
            let to = Target::Room(ConversationId(1));
            let post = PostId { outbox: 1, counter: number / people.len() as u64 + 1 };
            let at = UnixMillis(now.0.saturating_sub((messages - number) * APART_MS));
            Job { ticket: JobTicket(number), at, work: Work::Post { account: people[who], post, to, text, reply_to: None } }
        };
        let done = store.apply((first..messages.min(first + AT_ONCE)).map(post).collect());
        if let Some(refusal) = done.into_iter().find_map(|done| done.result.err()) {
            return Err(format!("a message of the past was refused: {refusal}"));
        }
    }
    Ok(())
}

/// What message `number` says.
fn said(number: u64) -> String {
    let commonest = word(0);
    let mut text = String::new();
    for place in 0..WORDS_A_MESSAGE {
        let next = word(rank(mixed(number * WORDS_A_MESSAGE + place)));
        // It never follows itself, nor a word that ends with it: that is the text which is absent.
        let next = if next == commonest && text.ends_with(&commonest) { word(1) } else { next };
        if place > 0 {
            text.push(' ');
        }
        text.push_str(&next);
    }
    if number % NEEDLE_EVERY == NEEDLE_EVERY / 2 {
        text.push(' ');
        text.push_str(NEEDLE);
    }
    text
}

/// A word's place among all by how common it is, from evenly spread bits: the chance of each falls with its place.
fn rank(bits: u64) -> u64 {
    let even = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    ((WORDS as f64).powf(even) as u64).saturating_sub(1)
}

/// The word of this place; common ones are short.
fn word(rank: u64) -> String {
    let base = SYLLABLES.len() as u64;
    let mut rest = rank + base;
    let mut word = String::new();
    while rest > 0 {
        word.push_str(SYLLABLES[usize::try_from(rest % base).unwrap_or_default()]);
        rest /= base;
    }
    word
}

/// The finisher of `SplitMix64` (Steele, Lea and Flood, 2014): neighbours come far apart.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_text_is_in_many_messages_a_rare_one_in_few_and_an_absent_one_in_none() {
        let messages: Vec<_> = (0..100_000).map(said).collect();
        let with = |sought: Sought| messages.iter().filter(|said| said.contains(&sought.text())).count();
        assert!((5_000..50_000).contains(&with(Sought::Common)), "{}", with(Sought::Common));
        assert_eq!((with(Sought::Rare), with(Sought::Absent)), (1, 0));
    }

    #[test]
    fn no_two_words_are_spelled_alike() {
        let words: std::collections::BTreeSet<_> = (0..WORDS).map(word).collect();
        assert_eq!(words.len() as u64, WORDS);
    }
}
