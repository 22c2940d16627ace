//! What the icon says, and the same in words.

use belfry_core::chat::Severity;
use belfry_core::client::Failure;

use unicode_segmentation::UnicodeSegmentation as _;

use super::{ConnectionState, Model};

/// The longest tooltip that Windows shows, in UTF-16 units.
const TOOLTIP_UNITS_MAX: usize = 127;

/// The one thing that the icon says: the most pressing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// No connection.
    Offline,
    /// Connected, and nothing waits.
    Connected,
    /// So many messages have not been read.
    Unread(u64),
    /// A notice waits, of this severity.
    NoticeWaiting(Severity),
    /// Popups are held back.
    DoNotDisturb,
}

/// Everything that the icon could say.
#[derive(Clone, Copy, Debug)]
pub(super) struct IconFacts<'a> {
    pub(super) server: &'a str,
    pub(super) connection: &'a ConnectionState,
    pub(super) unread: u64,
    pub(super) notices: usize,
    pub(super) severity: Option<Severity>,
    pub(super) do_not_disturb: bool,
}

impl Model {
    /// What the icon says.
    pub fn summary(&self) -> Summary {
        self.facts().summary()
    }

    /// The same in words.
    pub fn tooltip(&self) -> String {
        self.facts().tooltip()
    }

    fn facts(&self) -> IconFacts<'_> {
        IconFacts {
            server: &self.server,
            connection: &self.connection,
            unread: self.unread(),
            notices: self.notices.open().len(),
            severity: self.notices.waiting(),
            do_not_disturb: self.do_not_disturb,
        }
    }
}

impl IconFacts<'_> {
    /// A critical notice goes over everything: it is there whether or not the server still is. Do not disturb hides what it holds back.
    pub(super) fn summary(self) -> Summary {
        match self.severity {
            Some(Severity::Critical) => Summary::NoticeWaiting(Severity::Critical),
            _ if !self.connection.is_up() => Summary::Offline,
            _ if self.do_not_disturb => Summary::DoNotDisturb,
            Some(severity) => Summary::NoticeWaiting(severity),
            None if self.unread > 0 => Summary::Unread(self.unread),
            None => Summary::Connected,
        }
    }

    /// Such as "Belfry: connected to lan-host, 3 unread".
    pub(super) fn tooltip(self) -> String {
        let server = without_key(self.server);
        let mut words = match self.connection {
            ConnectionState::Connecting => format!("Belfry: connecting to {server}"),
            ConnectionState::Connected => format!("Belfry: connected to {server}"),
            ConnectionState::Interrupted { .. } => format!("Belfry: no connection to {server}"),
            ConnectionState::Stopped(Failure::SignIn(_)) => format!("Belfry: not signed in to {server}"),
            ConnectionState::Stopped(_) | ConnectionState::Closed => format!("Belfry: not connected to {server}"),
        };
        match self.notices {
            0 => {}
            1 => words.push_str(", 1 notice waiting"),
            more => words.push_str(&format!(", {more} notices waiting")),
        }
        if self.unread > 0 {
            words.push_str(&format!(", {} unread", self.unread));
        }
        if self.do_not_disturb {
            words.push_str(", do not disturb");
        }
        shortened(&words)
    }
}

/// Of the link `belfry://lan-host:7411/#…` what a person calls the server.
fn without_key(server: &str) -> &str {
    let server = server.strip_prefix("belfry://").unwrap_or(server);
    server.split(['/', '#']).next().unwrap_or(server)
}

fn shortened(words: &str) -> String {
    if words.encode_utf16().count() <= TOOLTIP_UNITS_MAX {
        return words.to_owned();
    }
    let mut units = 1;
    let mut short = String::new();
    for letter in words.graphemes(true) {
        units += letter.encode_utf16().count();
        if units > TOOLTIP_UNITS_MAX {
            break;
        }
        short.push_str(letter);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: IconFacts<'_> = IconFacts {
        server: "lan-host",
        connection: &ConnectionState::Connected,
        unread: 0,
        notices: 0,
        severity: None,
        do_not_disturb: false,
    };

    #[test]
    fn the_most_pressing_thing_is_shown() {
        let notice = |severity| IconFacts { notices: 1, severity: Some(severity), unread: 3, ..NOTHING };
        let offline = IconFacts { connection: &ConnectionState::Connecting, ..notice(Severity::Important) };
        assert_eq!(NOTHING.summary(), Summary::Connected);
        assert_eq!(IconFacts { unread: 3, ..NOTHING }.summary(), Summary::Unread(3));
        assert_eq!(notice(Severity::Info).summary(), Summary::NoticeWaiting(Severity::Info));
        assert_eq!(offline.summary(), Summary::Offline);
    }

    #[test]
    fn do_not_disturb_hides_everything_but_critical_notices() {
        let quiet = |severity| IconFacts { notices: 1, severity: Some(severity), unread: 3, do_not_disturb: true, ..NOTHING };
        assert_eq!(quiet(Severity::Important).summary(), Summary::DoNotDisturb);
        assert_eq!(quiet(Severity::Critical).summary(), Summary::NoticeWaiting(Severity::Critical));
    }

    #[test]
    fn a_critical_notice_is_shown_without_a_connection_too() {
        let facts = IconFacts { connection: &ConnectionState::Connecting, notices: 1, severity: Some(Severity::Critical), ..NOTHING };
        assert_eq!(facts.summary(), Summary::NoticeWaiting(Severity::Critical));
    }

    #[test]
    fn the_tooltip_says_it_in_words() {
        assert_eq!(NOTHING.tooltip(), "Belfry: connected to lan-host");
        assert_eq!(IconFacts { server: "belfry://lan-host:7411/#abc", ..NOTHING }.tooltip(), "Belfry: connected to lan-host:7411");
        assert_eq!(IconFacts { unread: 3, ..NOTHING }.tooltip(), "Belfry: connected to lan-host, 3 unread");
        assert_eq!(
            IconFacts { unread: 1, notices: 2, do_not_disturb: true, ..NOTHING }.tooltip(),
            "Belfry: connected to lan-host, 2 notices waiting, 1 unread, do not disturb"
        );
    }

    #[test]
    fn a_long_server_name_is_cut_at_a_whole_character() {
        let server = "塔".repeat(60) + &"🔔".repeat(60);
        let tooltip = IconFacts { server: &server, ..NOTHING }.tooltip();
        assert!(tooltip.encode_utf16().count() <= TOOLTIP_UNITS_MAX && tooltip.ends_with("🔔…"), "{tooltip}");
    }
}
