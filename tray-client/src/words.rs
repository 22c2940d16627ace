//! The sentences that the program puts into its windows, in the person's language.
//!
//! Everything inside speaks English; the windows' edge asks here for the same sentence in the language that was chosen. The sentences
//! stand in the file that Slint bundles for the windows' own words: one file a language, for both. In it `{}` stands for what is put
//! in. A sentence that nobody has translated is said in English: understood by some is better than by nobody.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::settings::Language;

/// The windows' words in Chinese.
const CHINESE_FILE: &str = include_str!("../translations/zh/LC_MESSAGES/belfry-tray.po");

static CHINESE: LazyLock<Dictionary> = LazyLock::new(|| Dictionary::read(CHINESE_FILE));

/// The one language of the process: there is one person before it.
static SPEAKS_CHINESE: AtomicBool = AtomicBool::new(false);

/// What sentences become.
#[derive(Debug, Default)]
struct Dictionary {
    whole: BTreeMap<String, String>,
    /// Sentences with something put in: the pieces around it, the longest pieces first.
    patterns: Vec<(Vec<String>, Vec<String>)>,
}

/// From now on sentences are said in this language. Answers the name that Slint has for it; empty for English.
pub fn speak(language: Language) -> &'static str {
    let chinese = match language {
        Language::English => false,
        Language::Chinese => true,
        Language::System => sys_locale::get_locale().is_some_and(|locale| locale.to_lowercase().starts_with("zh")),
    };
    SPEAKS_CHINESE.store(chinese, Ordering::Relaxed);
    if chinese { "zh" } else { "" }
}

#[cfg(test)]
#[cfg(feature = "window-tests")]
thread_local! {
    /// Tests run beside each other in one process: a window of one of them speaks for itself.
    static SPEAKS_CHINESE_HERE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// The windows of this test speak Chinese, or English.
#[cfg(test)]
#[cfg(feature = "window-tests")]
pub(crate) fn speak_here(chinese: bool) {
    SPEAKS_CHINESE_HERE.set(chinese);
}

/// Whether the windows speak Chinese.
pub fn is_chinese() -> bool {
    #[cfg(test)]
    #[cfg(feature = "window-tests")]
    if SPEAKS_CHINESE_HERE.get() {
        return true;
    }
    SPEAKS_CHINESE.load(Ordering::Relaxed)
}

/// The sentence, or several, or parts between dots, in the person's language.
pub fn say(english: &str) -> String {
    if is_chinese() { CHINESE.say(english) } else { english.to_owned() }
}

/// The same for a list between commas.
pub fn say_list(english: &str) -> String {
    if !is_chinese() {
        return english.to_owned();
    }
    english.split(", ").map(|part| CHINESE.say(part)).collect::<Vec<_>>().join("，")
}

impl Dictionary {
    fn read(file: &str) -> Self {
        let mut dictionary = Self::default();
        let mut key = String::new();
        for line in file.lines() {
            if let Some(written) = line.strip_prefix("msgid ") {
                key = unquoted(written);
            } else if let Some(written) = line.strip_prefix("msgstr ") {
                dictionary.add(std::mem::take(&mut key), unquoted(written));
            }
        }
        dictionary.patterns.sort_by_key(|(pieces, _)| std::cmp::Reverse(pieces.iter().map(String::len).sum::<usize>()));
        dictionary
    }

    fn add(&mut self, english: String, other: String) {
        if english.is_empty() || other.is_empty() {
            return;
        }
        if english.contains("{}") {
            let pieces = |sentence: &str| sentence.split("{}").map(str::to_owned).collect::<Vec<_>>();
            self.patterns.push((pieces(&english), pieces(&other)));
        } else {
            self.whole.insert(english, other);
        }
    }

    fn say(&self, english: &str) -> String {
        self.one(english).unwrap_or_else(|| {
            if english.contains(" · ") {
                let parts = english.split(" · ").map(|part| self.say(part));
                return parts.collect::<Vec<_>>().join(" · ");
            }
            // Several sentences, one behind the other.
            match english.split_once(". ") {
                Some((first, rest)) => match self.one(&format!("{first}.")) {
                    Some(first) => first + &self.say(rest),
                    None => english.to_owned(),
                },
                None => english.to_owned(),
            }
        })
    }

    fn one(&self, english: &str) -> Option<String> {
        self.whole.get(english).cloned().or_else(|| {
            self.patterns.iter().find_map(|(pieces, other)| {
                let put_in = matched(pieces, english)?;
                let mut said = String::new();
                for (index, piece) in other.iter().enumerate() {
                    said.push_str(piece);
                    said.push_str(put_in.get(index).copied().unwrap_or_default());
                }
                Some(said)
            })
        })
    }
}

/// What stands between the pieces of a pattern; `None` when the sentence is another one.
fn matched<'a>(pieces: &[String], sentence: &'a str) -> Option<Vec<&'a str>> {
    let (first, rest) = pieces.split_first()?;
    let mut left = sentence.strip_prefix(first.as_str())?;
    let mut put_in = Vec::new();
    for (index, piece) in rest.iter().enumerate() {
        let is_last = index + 1 == rest.len();
        let at = match (piece.is_empty(), is_last) {
            (true, true) => left.len(),
            (_, true) => left.len().checked_sub(piece.len()).filter(|_| left.ends_with(piece.as_str()))?,
            _ => left.find(piece.as_str())?,
        };
        let (between, after) = left.split_at_checked(at)?;
        // Nothing that is put in has an end of a sentence in it: that would be two sentences taken for one.
        if between.is_empty() || between.contains(". ") {
            return None;
        }
        put_in.push(between);
        left = after.get(piece.len()..)?;
    }
    Some(put_in)
}

fn unquoted(written: &str) -> String {
    let inner = written.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let mut text = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n') => text.push('\n'),
                Some(other) => text.push(other),
                None => {}
            },
            (letter, false) => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use belfry_core::chat::Refusal;

    use super::*;

    #[track_caller]
    fn check(english: &str, chinese: &str) {
        assert_eq!(CHINESE.say(english), chinese);
    }

    #[test]
    fn a_sentence_is_said_in_chinese() {
        check("Answered: Safe", "已答复：Safe");
        check("Expired", "已过期");
    }

    #[test]
    fn what_is_put_in_stays_as_it_is() {
        check("Withdrawn by Seen", "已由 Seen 撤回");
        check(
            "First connection to tower. Its identity is abc. Compare it with what your administrator gave you.",
            "首次连接 tower。其身份为 abc。请与管理员提供的核对。",
        );
    }

    #[test]
    fn several_sentences_are_said_one_after_the_other() {
        check("Server unreachable since 10:02. Trying again in 8 s.", "自 10:02 起无法连接服务器。8 秒后重试。");
    }

    #[test]
    fn what_nobody_has_translated_is_said_in_english() {
        check("Something new. And more.", "Something new. And more.");
    }

    #[test]
    fn every_refusal_of_the_server_is_known() {
        for number in 0..=1000u16 {
            let sentence = Refusal::from(number).to_string();
            assert_ne!(CHINESE.say(&sentence), sentence);
        }
    }

    /// The sentences that the windows' descriptions hold.
    fn of_the_windows() -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
        let mut found = BTreeSet::new();
        for file in fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "slint") {
                let text = fs::read_to_string(path).unwrap();
                for part in text.split("@tr(").skip(1) {
                    let end = part.char_indices().skip(1).find(|&(at, c)| c == '"' && !part[..at].ends_with('\\')).unwrap().0;
                    found.insert(unquoted(&part[..=end]));
                }
            }
        }
        found
    }

    #[test]
    fn every_sentence_of_the_windows_is_in_chinese() {
        let file = CHINESE_FILE;
        let known: BTreeSet<_> = file.lines().filter_map(|line| line.strip_prefix("msgid ")).map(unquoted).collect();
        let windows = of_the_windows();
        assert!(windows.len() > 100, "the windows hold {} sentences", windows.len());
        let missing: Vec<_> = windows.difference(&known).collect();
        assert!(missing.is_empty(), "not in Chinese: {missing:#?}");
        let empty = file.lines().skip(3).filter(|line| matches!(*line, "msgstr \"\"" | "msgstr[0] \"\"")).count();
        assert_eq!(empty, 0, "sentences without their translation");
    }

    /// What a source file says outside its tests: everything between quotes that reads like a sentence.
    fn sentences(source: &str) -> Vec<String> {
        let program = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let program = program.split("#[cfg(test)]\npub").next().unwrap_or_default();
        let is_said =
            |line: &&str| !line.starts_with("//") && !["reason =", "#[", ".expect(", "eprintln!"].iter().any(|no| line.contains(no));
        let mut found = Vec::new();
        for line in program.lines().map(str::trim).filter(is_said) {
            let mut rest = line;
            while let Some((_, from)) = rest.split_once('"') {
                let end = from.char_indices().find(|&(at, c)| c == '"' && !from[..at].ends_with('\\'));
                let Some((end, _)) = end else { break };
                found.push(from[..end].to_owned());
                rest = &from[end + 1..];
            }
        }
        found.retain(|text| {
            let ends = text.ends_with(['.', '…']);
            let is_of_windows = text.ends_with("(TrueType)") || text.starts_with("SOFTWARE");
            !is_of_windows
                && text.contains(' ')
                && (ends || text.starts_with(|first: char| first.is_ascii_uppercase()))
                && !text.contains(": {}\\n")
        });
        found
    }

    /// The sentence with something put in, as it reaches the windows.
    fn filled(text: &str) -> String {
        let mut pieces = text.split('{');
        let mut said = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            said.push_str("Xyz");
            said.push_str(piece.split_once('}').map_or(piece, |(_, after)| after));
        }
        // Another sentence stands before it.
        said.strip_prefix("Xyz Trying").map_or_else(|| said.trim().to_owned(), |rest| format!("Trying{rest}"))
    }

    #[test]
    fn every_sentence_that_the_program_says_is_in_chinese() {
        // Put together of parts that are known, a file's head, the name of a window.
        let exempt = ["Reaches {people} · {}", "You: ", "{people} people"];
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![root.join("app"), root.join("scene"), root.join("model"), root.join("view"), root.join("platform")];
        let mut files: Vec<_> = ["compose.rs", "quiet_hours.rs", "settings.rs", "outbox.rs"].map(|name| root.join(name)).into();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.file_name().and_then(|name| name.to_str()) {
                    Some("tests" | "tests.rs") => {}
                    _ if path.is_dir() => folders.push(path),
                    _ => files.push(path),
                }
            }
        }
        let said: BTreeSet<_> = files.iter().flat_map(|file| sentences(&fs::read_to_string(file).unwrap())).collect();
        assert!(said.len() > 60, "the program says {} sentences", said.len());
        let missing: Vec<_> =
            said.iter().filter(|text| !exempt.contains(&text.as_str()) && CHINESE.say(&filled(text)).is_ascii()).collect();
        assert!(missing.is_empty(), "not in Chinese: {missing:#?}");
    }

    #[test]
    fn a_translation_puts_in_as_much_as_its_sentence() {
        let mut english = String::new();
        for line in CHINESE_FILE.lines() {
            if let Some(written) = line.strip_prefix("msgid ") {
                english = unquoted(written);
            } else if let Some(written) = line.strip_prefix("msgstr ") {
                assert_eq!(english.matches("{}").count(), unquoted(written).matches("{}").count(), "{english}");
            }
        }
    }
}
