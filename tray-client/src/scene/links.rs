//! Links in what people write.

/// Marks that end a sentence around a link rather than the link.
const AFTER: [char; 14] = ['.', ',', ';', ':', '!', '?', ')', ']', '}', '"', '\'', '。', '，', '）'];

/// The web addresses in a text, in order, each once.
///
/// Only `http` and `https`: nothing that a click could start on this computer.
pub fn links(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '|')) {
        let Some(start) = ["https://", "http://"].iter().filter_map(|scheme| word.find(scheme)).min() else { continue };
        let link = trimmed(word.get(start..).unwrap_or_default());
        let host = link.split_once("://").map_or("", |(_, rest)| rest);
        if host.starts_with(|c: char| c.is_alphanumeric() || c == '[') && !found.contains(&link) {
            found.push(link);
        }
    }
    found
}

/// Without the marks behind it; a closing bracket stays if the link has opened it.
fn trimmed(mut link: &str) -> &str {
    while let Some(last) = link.chars().next_back().filter(|last| AFTER.contains(last)) {
        let opened = match last {
            ')' => link.matches('(').count() >= link.matches(')').count(),
            ']' => link.matches('[').count() >= link.matches(']').count(),
            _ => false,
        };
        if opened {
            break;
        }
        link = link.strip_suffix(last).unwrap_or(link);
    }
    link
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
        check("见https://example.org/页。", &["https://example.org/页"]);
    }

    #[test]
    fn brackets_that_belong_to_a_link_stay() {
        check("https://example.org/Bell_(instrument)", &["https://example.org/Bell_(instrument)"]);
        check("http://[fe80::1]", &["http://[fe80::1]"]);
    }

    #[test]
    fn what_could_start_a_program_is_no_link() {
        check("file:///etc/passwd javascript:alert(1) ms-word:x https:// http://. ftp://a", &[]);
    }

    #[test]
    fn the_same_link_is_there_once() {
        check("https://a.b https://a.b", &["https://a.b"]);
    }
}
