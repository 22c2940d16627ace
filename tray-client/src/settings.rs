//! What the person has set, as a file that a person can read and mend.

use std::time::Duration;

use belfry_core::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::alerts::{self, AlertSwitches};
use crate::geometry::Rect;
use crate::quiet_hours::QuietHours;

/// Text may be this large, in percent of the usual.
pub const TEXT_PERCENT: std::ops::RangeInclusive<u16> = 80..=200;

/// Everything that is remembered from one start to the next, except keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct UserSettings {
    /// The server: `HOST`, `HOST:PORT` or a link; empty before the first time.
    pub server: String,
    /// The account that signed in last.
    pub account: String,
    /// The account knows this device's key: no password is needed.
    pub device_known: bool,
    /// Hold popups back until further notice.
    pub do_not_disturb: bool,
    /// Hold popups back until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub do_not_disturb_until: Option<UnixMillis>,
    /// Hours of every day in which popups are held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// A popup of a message shows what it says, not only who wrote it.
    pub show_texts: bool,
    /// Who touches neither keyboard nor mouse for so long is away; 0 for never, as long as the screen is open.
    pub away_after_minutes: u16,
    /// Light or dark windows.
    pub theme: Theme,
    /// The size of text in percent, within [`TEXT_PERCENT`].
    pub text_percent: u16,
    /// The language of the windows.
    pub language: Language,
    /// The keys that bring up the newest notice wherever the keyboard is; empty for none.
    pub hotkey: String,
    /// The emoji that were chosen last, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recent_emoji: Vec<String>,
    /// How much of the chat window's lists the people have, in percent; the conversations have the rest.
    pub people_percent: u8,
    /// The people are folded away there.
    pub people_folded: bool,
    /// What is heard.
    #[serde(deserialize_with = "alerts::read_sounds")]
    pub sounds: AlertSwitches,
    /// What flashes in the taskbar while the window is open and not in front.
    #[serde(deserialize_with = "alerts::read_flashes")]
    pub flashes: AlertSwitches,
    /// Where the chat window was, in physical pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Rect>,
}

/// Colours of the windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// As the system has them.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Languages of the windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// As the system speaks.
    #[default]
    #[serde(rename = "system")]
    System,
    /// English.
    #[serde(rename = "en")]
    English,
    /// 简体中文.
    #[serde(rename = "zh")]
    Chinese,
}

impl Default for UserSettings {
    fn default() -> Self {
        Self {
            server: String::new(),
            account: String::new(),
            device_known: false,
            do_not_disturb: false,
            do_not_disturb_until: None,
            quiet_hours: None,
            show_texts: true,
            away_after_minutes: 10,
            theme: Theme::default(),
            text_percent: 100,
            language: Language::default(),
            // Not a plain AltGr letter of the usual layouts.
            hotkey: "Ctrl+Alt+B".into(),
            recent_emoji: Vec::new(),
            people_percent: 40,
            people_folded: false,
            sounds: AlertSwitches::SOUNDS,
            flashes: AlertSwitches::FLASHES,
            window: None,
        }
    }
}

impl UserSettings {
    /// Reads a settings file. What it does not say is as in a new one, and what it says and nobody knows is passed over.
    ///
    /// # Errors
    /// The sentence that says which line is wrong.
    pub fn read(file: &str) -> Result<Self, String> {
        let mut settings: Self =
            toml::from_str(file).map_err(|error| format!("The settings file is damaged: {}", error.to_string().trim()))?;
        settings.text_percent = settings.text_percent.clamp(*TEXT_PERCENT.start(), *TEXT_PERCENT.end());
        Ok(settings)
    }

    /// How long somebody touches nothing until they are away.
    pub fn away_after(&self) -> Option<Duration> {
        (self.away_after_minutes > 0).then(|| Duration::from_mins(self.away_after_minutes.into()))
    }

    /// The settings as a file.
    pub fn write(&self) -> String {
        // A plain structure of texts, numbers and one table always has a form in TOML.
        toml::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let settings = UserSettings {
            server: "belfry://lan-host:7411/".into(),
            account: "王伟".into(),
            device_known: true,
            do_not_disturb: true,
            do_not_disturb_until: Some(UnixMillis(1_795_000_000_000)),
            quiet_hours: Some("22:00-06:30".parse().unwrap()),
            show_texts: false,
            away_after_minutes: 30,
            theme: Theme::Dark,
            text_percent: 150,
            language: Language::Chinese,
            hotkey: String::new(),
            recent_emoji: vec!["👍🏿".into()],
            people_percent: 55,
            people_folded: true,
            sounds: AlertSwitches { messages: false, info: true, important: false, critical: false },
            flashes: AlertSwitches { messages: false, info: true, important: false, critical: false },
            window: Some(Rect { x: -5, y: 6, width: 720, height: 560 }),
        };
        assert_eq!(UserSettings::read(&settings.write()), Ok(settings));
        assert_eq!(UserSettings::read(&UserSettings::default().write()), Ok(UserSettings::default()));
    }

    #[test]
    fn what_a_file_does_not_say_is_as_in_a_new_one() {
        let settings = UserSettings::read("server = \"lan-host\"\nfrom-the-future = 1\n").unwrap();
        assert_eq!(settings, UserSettings { server: "lan-host".into(), ..UserSettings::default() });
    }

    #[test]
    fn a_file_from_when_critical_notices_alone_were_heard_is_of_them() {
        let settings = UserSettings::read("sounds = false\n[flashes]\nmessages = false\n").unwrap();
        assert_eq!(settings.sounds, AlertSwitches { critical: false, ..AlertSwitches::SOUNDS });
        assert_eq!(settings.flashes, AlertSwitches { messages: false, ..AlertSwitches::FLASHES });
    }

    #[test]
    fn a_damaged_file_is_refused_with_the_line() {
        let sentence = UserSettings::read("server = \"a\"\nquiet-hours = \"25:00-01:00\"\n").unwrap_err();
        assert!(sentence.contains("line 2") && sentence.contains("22:00-06:30"), "{sentence}");
    }

    #[test]
    fn nobody_is_away_after_no_time_at_all() {
        assert_eq!(UserSettings::default().away_after(), Some(Duration::from_mins(10)));
        assert_eq!(UserSettings::read("away-after-minutes = 0").unwrap().away_after(), None);
    }

    #[test]
    fn text_is_never_too_small_or_too_large_to_change_it_back() {
        assert_eq!(UserSettings::read("text-percent = 1").unwrap().text_percent, 80);
        assert_eq!(UserSettings::read("text-percent = 9000").unwrap().text_percent, 200);
    }
}
