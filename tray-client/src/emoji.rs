//! Every emoji with its names in English and Chinese, and how one is found.
//!
//! The table is made of emojibase-data 17.0.0 (MIT), whose names are those of Unicode's CLDR.

use std::sync::LazyLock;

/// Group, emoji, and its names and words in English and in Chinese, with bars between them.
const TABLE: &str = include_str!("../emoji/table.tsv");

/// Those that somebody chose last stand first; so many are remembered.
pub const RECENT_MAX: usize = 24;

/// What stands first for whoever has chosen none yet.
const USUAL: [&str; 8] = ["👍", "❤️", "😂", "😮", "😢", "🙏", "🎉", "👀"];

/// An emoji of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emoji {
    /// As it is written.
    pub text: &'static str,
    english: &'static str,
    chinese: &'static str,
}

impl Emoji {
    /// What it is called.
    pub fn name(self, chinese: bool) -> &'static str {
        let words = if chinese { self.chinese } else { self.english };
        words.split('|').next().unwrap_or_default()
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        self.english.split(['|', ' ', '-']).chain(self.chinese.split(['|', ' ']))
    }
}

static ALL: LazyLock<Vec<Emoji>> = LazyLock::new(|| TABLE.lines().filter_map(read).collect());

fn read(line: &'static str) -> Option<Emoji> {
    let mut columns = line.split('\t').skip(1);
    Some(Emoji { text: columns.next()?, english: columns.next()?, chinese: columns.next()? })
}

/// Those that every word of `typed` is the beginning of a word of, in either language, or stands in a Chinese one; those whose own name begins
/// so come first. For nothing typed the recent ones, newest first, and then all of them.
pub fn find(typed: &str, recent: &[String]) -> Vec<Emoji> {
    let typed = typed.to_lowercase();
    let wanted: Vec<&str> = typed.split_whitespace().collect();
    if wanted.is_empty() {
        let first = recent.iter().map(String::as_str).chain(USUAL.into_iter().filter(|usual| !recent.iter().any(|each| each == usual)));
        let known = |text: &str| ALL.iter().find(|emoji| emoji.text == text).copied();
        return first.take(RECENT_MAX.max(USUAL.len())).filter_map(known).chain(ALL.iter().copied()).collect();
    }
    let fits = |emoji: &&Emoji| wanted.iter().all(|word| emoji.words().any(|known| begins(known, word)));
    let mut found: Vec<Emoji> = ALL.iter().filter(fits).copied().collect();
    let named = |emoji: &Emoji| emoji.name(false).to_lowercase().starts_with(&typed) || emoji.name(true).starts_with(&typed);
    found.sort_by_key(|emoji| !named(emoji));
    found
}

/// Chinese has no spaces: there a word within a word counts as well.
fn begins(known: &str, typed: &str) -> bool {
    if typed.is_ascii() { known.len() >= typed.len() && known.to_lowercase().starts_with(typed) } else { known.contains(typed) }
}

/// Somebody chose this one: it is the newest of the recent ones.
pub fn chosen(recent: &mut Vec<String>, text: &str) {
    recent.retain(|each| each != text);
    recent.insert(0, text.to_owned());
    recent.truncate(RECENT_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(typed: &str) -> Vec<&'static str> {
        find(typed, &[]).into_iter().map(|emoji| emoji.text).collect()
    }

    #[test]
    fn an_emoji_is_found_by_its_words_in_both_languages() {
        for (typed, wanted) in
            [("thumbs up", "👍"), ("THUMB", "👍"), ("fire eng", "🚒"), ("笑", "😄"), ("消防车", "🚒"), ("flag germ", "🇩🇪"), ("德国", "🇩🇪")]
        {
            assert!(found(typed).contains(&wanted), "{typed}");
        }
        assert_eq!(found("rocket").first(), Some(&"🚀"), "whose name it is comes first");
        assert_eq!(found("nothing is called so"), Vec::<&str>::new());
    }

    #[test]
    fn the_recent_ones_stand_first_and_the_newest_before_them() {
        let mut recent = Vec::new();
        for text in ["🚀", "🎂", "🚀"] {
            chosen(&mut recent, text);
        }
        assert_eq!(recent, ["🚀", "🎂"]);
        let all = find("", &recent);
        assert_eq!(all[..3].iter().map(|emoji| emoji.text).collect::<Vec<_>>(), ["🚀", "🎂", "👍"]);
        assert!(all.len() > 1900);
        (0..100).for_each(|number| chosen(&mut recent, &number.to_string()));
        assert_eq!(recent.len(), RECENT_MAX);
    }

    #[test]
    fn every_line_of_the_table_is_an_emoji_with_two_names() {
        assert_eq!(ALL.len(), TABLE.lines().count());
        for emoji in ALL.iter() {
            assert!(!emoji.text.is_empty() && !emoji.name(false).is_empty() && !emoji.name(true).is_empty(), "{emoji:?}");
            assert_eq!(crate::letters::first(emoji.text, 1), emoji.text, "one letter");
        }
        assert!(USUAL.iter().all(|usual| ALL.iter().any(|emoji| emoji.text == *usual)));
    }
}
