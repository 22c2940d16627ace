//! Links in what people write, also where no space parts them from the words around: Chinese and Japanese have none.

use std::ops::ControlFlow;

use belfry_core::chat::{is_blank, is_ignorable};
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};

/// What a click may lead to; nothing that starts something on this computer.
const SCHEMES: [&str; 2] = ["https://", "http://"];

/// Marks that belong to the sentence around a link when the link would end with them.
const AFTER: [char; 9] = ['.', ',', ';', ':', '!', '?', '\'', '*', '-'];

/// Cyrillic letters that look like Latin ones: a host's label of these alone passes for another.
const LATIN_LOOKING: &str = "асԁеһіјӏорԛѕԝхуъьҽпгѵѡ";

/// The web addresses in a text, in order, each once.
///
/// Only `http` and `https`, and only where the host is what it looks like: no invisible characters, no name before an `@`, no label that mixes
/// scripts to pass for another.
pub fn links(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = text;
    let mut before = None;
    while let Some((at, scheme)) = next_scheme(rest) {
        let (skipped, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        before = skipped.chars().next_back().or(before);
        let link = if before.is_some_and(|c| c.is_ascii_alphanumeric()) { None } else { link(from, scheme) };
        if let Some(link) = link.filter(|link| !found.contains(link)) {
            found.push(link);
        }
        let used = link.map_or(scheme, str::len);
        before = from.get(..used).and_then(|used| used.chars().next_back());
        rest = from.get(used..).unwrap_or_default();
    }
    found
}

/// Where the next scheme begins, in capitals or not, and how long it is.
fn next_scheme(text: &str) -> Option<(usize, usize)> {
    let begins = |at: usize| SCHEMES.iter().find(|scheme| starts_with(text.get(at..).unwrap_or_default(), scheme));
    text.match_indices("://").find_map(|(colon, _)| {
        [4, 5].into_iter().filter_map(|letters| colon.checked_sub(letters)).find_map(|at| Some((at, begins(at)?.len())))
    })
}

fn starts_with(text: &str, scheme: &str) -> bool {
    text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
}

/// The link at the beginning of a text whose scheme is so long; nothing where its host is none.
fn link(text: &str, scheme: usize) -> Option<&str> {
    let end = trimmed(text.get(..end(text, scheme))?).len();
    let after = text.get(scheme..end)?;
    let host = after.get(..after.find(['/', '?', '#']).unwrap_or(after.len()))?;
    // What hides in a host is not where it ends.
    if host.len() == after.len() && text.get(end..)?.chars().next().is_some_and(is_ignorable) {
        return None;
    }
    let (host, end) = match begin_of_words(host) {
        Some(cut) => (host.get(..cut)?, scheme + cut),
        None => (host, end),
    };
    if is_host(host) { text.get(..end) } else { None }
}

/// Where what could belong to a link ends.
fn end(text: &str, scheme: usize) -> usize {
    let mut open = Vec::new();
    let mut step = |(at, c): (usize, char)| {
        let goes_on = match c {
            '(' | '[' | '{' => {
                open.push(c);
                true
            }
            // One that nothing in the link has opened closes what stands around it.
            ')' | ']' | '}' => open.pop().is_some_and(|opened| matches!((opened, c), ('(', ')') | ('[', ']') | ('{', '}'))),
            '<' | '>' | '"' | '|' | '`' | '\\' | '^' => false,
            // One link behind the other in a list.
            ',' | ';' => !SCHEMES.iter().any(|scheme| starts_with(text.get(at + 1..).unwrap_or_default(), scheme)),
            _ if is_blank(c) => false,
            _ => c.is_ascii() || c == '·' || is_written_with(c),
        };
        if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(at) }
    };
    match text.char_indices().skip_while(|(at, _)| *at < scheme).try_for_each(&mut step) {
        ControlFlow::Break(at) => at,
        ControlFlow::Continue(()) => text.len(),
    }
}

/// Letters, their marks and digits of any script; no punctuation, no symbols, no emoji.
fn is_written_with(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    [GeneralCategoryGroup::Letter, GeneralCategoryGroup::Mark, GeneralCategoryGroup::Number].iter().any(|group| group.contains(category))
}

/// Without the marks behind it.
fn trimmed(mut link: &str) -> &str {
    // An opening bracket at the end was opened for what comes after the link.
    while let Some(rest) = link.strip_suffix(|c: char| AFTER.contains(&c) || matches!(c, '(' | '[' | '{')) {
        link = rest;
    }
    link
}

/// Where in the last label of a host words begin that were written behind it without a space: `example.org详见`.
fn begin_of_words(host: &str) -> Option<usize> {
    let label = host.rfind('.').map_or(0, |dot| dot + 1);
    let is_cjk = |c: char| matches!(script(c), Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo);
    let last = host.get(label..)?;
    let cut = last.find(is_cjk)?;
    (cut > 0 && last.get(..cut)?.is_ascii()).then_some(label + cut)
}

/// Whether a link may lead to this host, with its port.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        let Some((address, port)) = address.split_once(']') else { return false };
        return address.parse::<std::net::Ipv6Addr>().is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let name = name.strip_suffix('.').unwrap_or(name);
    port.is_none_or(is_port) && !name.is_empty() && name.split('.').all(is_label)
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

fn is_label(label: &str) -> bool {
    let letters =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || (!c.is_ascii() && is_written_with(c) && !is_ignorable(c));
    !label.is_empty() && label.chars().all(letters) && is_of_one_script(label) && !passes_for_latin(label)
}

/// The scripts that are written together in one word (Unicode Technical Standard 39, "highly restrictive").
fn is_of_one_script(label: &str) -> bool {
    let scripts: Vec<Script> = label.chars().map(script).filter(|&script| !matches!(script, Script::Common | Script::Inherited)).collect();
    let within = |allowed: &[Script]| scripts.iter().all(|script| allowed.contains(script));
    scripts.windows(2).all(|pair| pair.first() == pair.last())
        || within(&[Script::Latin, Script::Han, Script::Hiragana, Script::Katakana])
        || within(&[Script::Latin, Script::Han, Script::Bopomofo])
        || within(&[Script::Latin, Script::Han, Script::Hangul])
}

fn passes_for_latin(label: &str) -> bool {
    let mut letters = label.chars().filter(|c| c.is_alphabetic()).peekable();
    letters.peek().is_some_and(|c| !c.is_ascii()) && letters.all(|c| c.to_lowercase().all(|c| LATIN_LOOKING.contains(c)))
}

fn script(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(links(text), expected, "{text:?}");
    }

    #[test]
    fn a_link_ends_where_its_sentence_goes_on() {
        check("See https://example.org/a?b=c#d, and http://lan-host:8080.", &["https://example.org/a?b=c#d", "http://lan-host:8080"]);
        check("(https://example.org)", &["https://example.org"]);
        check("(see https://example.org/x)and more", &["https://example.org/x"]);
        check("Is it https://example.org/x? Or 'http://a.b/c'!", &["https://example.org/x", "http://a.b/c"]);
        check("**https://example.org/x** <https://a.b/c>", &["https://example.org/x", "https://a.b/c"]);
        check("https://a.b/c,https://d.e/f;http://g.h", &["https://a.b/c", "https://d.e/f", "http://g.h"]);
        check("[text](https://example.org/x)", &["https://example.org/x"]);
        check("https://example.org…", &["https://example.org"]);
        check("https://example.org/x👍", &["https://example.org/x"]);
        check("1.https://example.org", &["https://example.org"]);
        check("https://example.org/a,b;c:d!e", &["https://example.org/a,b;c:d!e"]);
        check("https://example.org/x—and", &["https://example.org/x"]);
    }

    #[test]
    fn words_that_are_written_without_spaces_are_no_part_of_a_link() {
        check("请看https://example.org/guide，详见", &["https://example.org/guide"]);
        check("“https://example.org/x”", &["https://example.org/x"]);
        check("「https://example.org/x」を見て", &["https://example.org/x"]);
        check("（https://example.org/x）。", &["https://example.org/x"]);
        check("见https://example.org/页。", &["https://example.org/页"]);
        check("https://example.org/a、https://example.org/b；", &["https://example.org/a", "https://example.org/b"]);
        check("《http://a.b/c》『http://d.e』【http://f.g】", &["http://a.b/c", "http://d.e", "http://f.g"]);
        check("请看https://example.org详见", &["https://example.org"]);
        check("https://example.org！https://a.b？https://c.d：", &["https://example.org", "https://a.b", "https://c.d"]);
        check("https://example.org　次", &["https://example.org"]);
        check("https://example.org/x～", &["https://example.org/x"]);
    }

    #[test]
    fn capitals_are_links_and_other_schemes_are_none() {
        check("HTTP://EXAMPLE.ORG/X and Https://a.b", &["HTTP://EXAMPLE.ORG/X", "Https://a.b"]);
        check("xhttp://a.b shttps://a.b", &[]);
        check("file:///etc/passwd javascript:alert(1) ms-word:x https:// http://. ftp://a", &[]);
    }

    #[test]
    fn brackets_that_belong_to_a_link_stay() {
        check("https://example.org/Bell_(instrument)", &["https://example.org/Bell_(instrument)"]);
        check("(https://example.org/Bell_(instrument))", &["https://example.org/Bell_(instrument)"]);
        check("http://[fe80::1]", &["http://[fe80::1]"]);
        check("http://[fe80::1]:8080/x", &["http://[fe80::1]:8080/x"]);
        check("https://example.org (", &["https://example.org"]);
        check("https://example.org/a[1]", &["https://example.org/a[1]"]);
    }

    #[test]
    fn a_host_that_hides_something_is_no_host() {
        for text in [
            "https://exam\u{200b}ple.org",
            "https://exam\u{ad}ple.org/x",
            "https://example\u{202e}gro.live/",
            "https://exam\u{3164}ple.org",
            "https://example.org\u{2060}.evil.net",
            "https://bank.example@evil.net/login",
            "https://user:secret@evil.net",
            "https://example.org:99999",
            "https://example..org",
            "https://exa%6dple.org",
        ] {
            check(text, &[]);
        }
        check("https://example.org/\u{200b}x", &["https://example.org/"]);
        check("https://medium.example/@anna", &["https://medium.example/@anna"]);
        check("https://evil.example\\@bank.example", &["https://evil.example"]);
    }

    #[test]
    fn names_in_other_scripts_are_hosts_and_mixtures_are_none() {
        check(
            "https://münchen.example https://例え.jp/x http://пример.рф",
            &["https://münchen.example", "https://例え.jp/x", "http://пример.рф"],
        );
        for text in ["https://аpple.com", "https://gооgle.com/x", "https://аррӏе.com", "https://exαmple.org"] {
            check(text, &[]);
        }
    }

    #[test]
    fn the_same_link_is_there_once() {
        check("https://a.b https://a.b", &["https://a.b"]);
    }

    #[test]
    fn nothing_that_is_written_breaks_it() {
        for text in ["://", "http://", "https://[", "https://]", "https://(", "s://https://a", "é://http://é", "https://🎉", "https://a:"]
        {
            links(text);
        }
        check("https://a:", &["https://a"]);
    }
}
