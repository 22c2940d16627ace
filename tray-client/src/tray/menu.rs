//! The menu of the icon: what can be chosen, in which order.

use belfry_core::chat::Role;

/// What is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// Open the chat window.
    Open,
    /// Say how it stands.
    Status,
    /// Hold popups back, or not any more.
    DoNotDisturb,
    /// Hold them back for half an hour.
    QuietHalfHour,
    /// For an hour.
    QuietHour,
    /// Until the next morning.
    QuietUntilMorning,
    /// Write a notice.
    SendNotice,
    /// Open the window of settings.
    Settings,
    /// What this program is.
    About,
    /// End the program.
    Quit,
}

/// One line of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MenuEntry {
    /// Something to choose.
    Choice {
        /// What choosing it does.
        choice: Choice,
        /// Its words; the letter after `&` is its key.
        label: &'static str,
        /// With a check mark, and whether it is set.
        checked: Option<bool>,
    },
    /// A line between groups.
    Line,
}

/// The menu for this person.
pub fn entries(role: Option<Role>, do_not_disturb: bool) -> Vec<MenuEntry> {
    let choice = |choice, label| MenuEntry::Choice { choice, label, checked: None };
    let mut entries = vec![
        choice(Choice::Open, "&Open"),
        choice(Choice::Status, "S&tatus"),
        MenuEntry::Choice { choice: Choice::DoNotDisturb, label: "&Do not disturb", checked: Some(do_not_disturb) },
    ];
    if !do_not_disturb {
        entries.extend([
            choice(Choice::QuietHalfHour, "Do not disturb for &30 minutes"),
            choice(Choice::QuietHour, "Do not disturb for &1 hour"),
            choice(Choice::QuietUntilMorning, "Do not disturb until to&morrow, 8:00"),
        ]);
    }
    if role == Some(Role::Admin) {
        entries.push(choice(Choice::SendNotice, "Send &notice…"));
    }
    entries.extend([
        MenuEntry::Line,
        choice(Choice::Settings, "&Settings"),
        choice(Choice::About, "&About"),
        MenuEntry::Line,
        choice(Choice::Quit, "&Quit"),
    ]);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(role: Option<Role>, wanted: Choice) -> bool {
        entries(role, false).iter().any(|entry| matches!(entry, MenuEntry::Choice { choice, .. } if *choice == wanted))
    }

    #[test]
    fn only_an_administrator_is_offered_to_send_a_notice() {
        assert!(has(Some(Role::Admin), Choice::SendNotice));
        assert!(!has(Some(Role::Member), Choice::SendNotice) && !has(None, Choice::SendNotice));
    }

    #[test]
    fn the_check_mark_says_whether_popups_are_held_back() {
        let marks = |held_back| {
            entries(None, held_back)
                .into_iter()
                .find_map(|entry| if let MenuEntry::Choice { checked, .. } = entry { checked } else { None })
        };
        assert_eq!((marks(true), marks(false)), (Some(true), Some(false)));
    }

    #[test]
    fn for_how_long_is_offered_while_popups_come() {
        let offered = |held_back| {
            entries(None, held_back)
                .into_iter()
                .filter(|entry| {
                    matches!(entry, MenuEntry::Choice { choice: Choice::QuietHalfHour | Choice::QuietHour | Choice::QuietUntilMorning, .. })
                })
                .count()
        };
        assert_eq!((offered(false), offered(true)), (3, 0));
    }

    #[test]
    fn every_choice_has_a_key_of_its_own() {
        let keys: Vec<_> = entries(Some(Role::Admin), false)
            .into_iter()
            .filter_map(|entry| if let MenuEntry::Choice { label, .. } = entry { label.split_once('&')?.1.chars().next() } else { None })
            .map(|key| key.to_ascii_lowercase())
            .collect();
        assert!(keys.iter().enumerate().all(|(index, key)| !keys[..index].contains(key)), "{keys:?}");
    }
}
