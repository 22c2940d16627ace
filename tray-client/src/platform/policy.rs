//! What an administrator has settled: by group policy for the computer or the person, or by the installer's properties.
//!
//! The computer's policy is stronger than the person's, that one stronger than the installer's choice, and each of them stronger than the
//! person's own settings file. What is settled is greyed in the settings window.

use crate::alerts::{AlertKind, ForEachAlert};
use crate::quiet_hours::QuietHours;
use crate::settings::{Language, Theme, UserSettings};

/// Where a value can stand, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Group policy for the computer.
    Machine,
    /// Group policy for the person.
    Person,
    /// What the installer was told.
    Installer,
}

const LAYERS: [Layer; 3] = [Layer::Machine, Layer::Person, Layer::Installer];

/// A value as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyValue {
    /// A text.
    Text(String),
    /// A number.
    Number(u32),
}

/// What is settled; `None` is left to the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The server, with its key if that is settled, too.
    pub server: Option<String>,
    /// Who has no account yet makes one under the system's own name, without a question.
    pub register: bool,
    /// Hold popups back until further notice.
    pub do_not_disturb: Option<bool>,
    /// Hours in which popups are held back; `Some(None)` for never.
    pub quiet_hours: Option<Option<QuietHours>>,
    /// Popups show what messages say.
    pub show_texts: Option<bool>,
    /// What is heard.
    pub sounds: ForEachAlert<Option<bool>>,
    /// What flashes in the taskbar.
    pub flashes: ForEachAlert<Option<bool>>,
    /// Light or dark windows.
    pub theme: Option<Theme>,
    /// In which the windows speak.
    pub language: Option<Language>,
    /// The program starts with the system for everybody who uses this computer.
    pub autostart: bool,
}

impl Policy {
    /// What is settled on this computer for this person.
    pub fn here() -> Self {
        let mut policy = Self::read(system::look);
        policy.autostart = system::starts_for_everybody();
        policy
    }

    /// Reads each value where it stands strongest. What cannot be meant (a number for a text, hours that are none) is left to the person.
    pub fn read(look: impl Fn(Layer, &str) -> Option<PolicyValue>) -> Self {
        let strongest = |name: &str| LAYERS.into_iter().find_map(|layer| look(layer, name));
        let text = |name: &str| match strongest(name) {
            Some(PolicyValue::Text(text)) => Some(text.trim().to_owned()),
            _ => None,
        };
        let switch = |name: &str| match strongest(name) {
            Some(PolicyValue::Number(number)) => Some(number != 0),
            _ => None,
        };
        let server = text("Server").filter(|server| !server.is_empty()).map(|server| match text("ServerKey") {
            Some(key) if !key.is_empty() && !server.contains('#') => format!("{server}#{key}"),
            _ => server,
        });
        Self {
            register: server.is_some() && switch("AutoRegister").unwrap_or(true),
            server,
            do_not_disturb: switch("DoNotDisturb"),
            quiet_hours: text("QuietHours").and_then(|hours| if hours.is_empty() { Some(None) } else { hours.parse().ok().map(Some) }),
            show_texts: switch("ShowTexts"),
            sounds: ForEachAlert::from_fn(|kind| switch(sound_value(kind))),
            flashes: ForEachAlert::from_fn(|kind| switch(flash_value(kind))),
            theme: text("Theme").and_then(|theme| match theme.as_str() {
                "system" => Some(Theme::System),
                "light" => Some(Theme::Light),
                "dark" => Some(Theme::Dark),
                _ => None,
            }),
            language: text("Language").and_then(|language| match language.as_str() {
                "system" => Some(Language::System),
                "en" => Some(Language::English),
                "zh" => Some(Language::Chinese),
                _ => None,
            }),
            autostart: false,
        }
    }

    /// Puts what is settled in the place of what the person has set.
    pub fn lay_over(&self, settings: &mut UserSettings) {
        fn settle<T: Clone>(to: &mut T, settled: Option<&T>) {
            if let Some(settled) = settled {
                to.clone_from(settled);
            }
        }
        if let Some(server) = &self.server {
            // Another server does not know this device.
            settings.device_known &= *server == settings.server;
            settings.server.clone_from(server);
        }
        settle(&mut settings.do_not_disturb, self.do_not_disturb.as_ref());
        settle(&mut settings.quiet_hours, self.quiet_hours.as_ref());
        settle(&mut settings.show_texts, self.show_texts.as_ref());
        settings.sounds = self.sounds.over(settings.sounds);
        settings.flashes = self.flashes.over(settings.flashes);
        settle(&mut settings.theme, self.theme.as_ref());
        settle(&mut settings.language, self.language.as_ref());
    }
}

/// The registry's name for whether this is heard.
const fn sound_value(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Message => "MessageSounds",
        AlertKind::Info => "InfoSounds",
        AlertKind::Important => "ImportantSounds",
        // From when there was one alone.
        AlertKind::Critical => "Sounds",
    }
}

/// The registry's name for whether this flashes.
const fn flash_value(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Message => "MessageFlashes",
        AlertKind::Info => "InfoFlashes",
        AlertKind::Important => "ImportantFlashes",
        AlertKind::Critical => "CriticalFlashes",
    }
}

/// The name under which the person is signed in to the system, without its domain.
pub fn account_name() -> Option<String> {
    std::env::var(if cfg!(windows) { "USERNAME" } else { "USER" }).ok()
}

#[cfg(windows)]
mod system {
    use windows_sys::Win32::System::Registry::{HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE};

    use super::super::registry;
    use super::{Layer, PolicyValue};

    const POLICIES: &str = r"SOFTWARE\Policies\Belfry";
    const INSTALLED: &str = r"SOFTWARE\Belfry";
    const RUN: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Run";

    pub(super) fn look(layer: Layer, name: &str) -> Option<PolicyValue> {
        let (root, key) = match layer {
            Layer::Machine => (HKEY_LOCAL_MACHINE, POLICIES),
            Layer::Person => (HKEY_CURRENT_USER, POLICIES),
            Layer::Installer => (HKEY_LOCAL_MACHINE, INSTALLED),
        };
        registry::value(root, key, name)
    }

    /// The installer has put the program into the list of all users.
    pub(super) fn starts_for_everybody() -> bool {
        registry::value(HKEY_LOCAL_MACHINE, RUN, "Belfry").is_some()
    }
}

#[cfg(not(windows))]
mod system {
    use super::{Layer, PolicyValue};

    pub(super) const fn look(_layer: Layer, _name: &str) -> Option<PolicyValue> {
        None
    }

    pub(super) const fn starts_for_everybody() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::AlertSwitches;

    fn read(written: &[(Layer, &str, PolicyValue)]) -> Policy {
        Policy::read(|layer, name| written.iter().find(|(at, of, _)| *at == layer && *of == name).map(|(_, _, value)| value.clone()))
    }

    fn text(text: &str) -> PolicyValue {
        PolicyValue::Text(text.into())
    }

    #[test]
    fn without_a_policy_everything_is_the_persons_own() {
        let own = UserSettings { server: "tower".into(), device_known: true, show_texts: false, ..UserSettings::default() };
        let mut settings = own.clone();
        let policy = read(&[]);
        policy.lay_over(&mut settings);
        assert_eq!((settings, policy), (own, Policy::default()));
    }

    #[test]
    fn the_computers_policy_is_stronger_than_the_persons_and_that_than_the_installers() {
        let all = [
            (Layer::Installer, "Server", text("installed")),
            (Layer::Person, "Server", text("of-the-person")),
            (Layer::Machine, "Server", text("of-the-computer")),
        ];
        assert_eq!(read(&all).server.as_deref(), Some("of-the-computer"));
        assert_eq!(read(&all[..2]).server.as_deref(), Some("of-the-person"));
        assert_eq!(read(&all[..1]).server.as_deref(), Some("installed"));
    }

    #[test]
    fn a_server_and_its_key_can_come_from_two_places() {
        let policy = read(&[(Layer::Installer, "Server", text("tower:7411")), (Layer::Machine, "ServerKey", text("abc"))]);
        assert_eq!(policy.server.as_deref(), Some("tower:7411#abc"));
        let policy = read(&[(Layer::Installer, "Server", text("belfry://tower/#own")), (Layer::Machine, "ServerKey", text("abc"))]);
        assert_eq!(policy.server.as_deref(), Some("belfry://tower/#own"));
    }

    #[test]
    fn another_server_does_not_know_the_device() {
        let settings = |server: &str| {
            let mut settings = UserSettings { server: "tower".into(), device_known: true, ..UserSettings::default() };
            read(&[(Layer::Machine, "Server", text(server))]).lay_over(&mut settings);
            settings
        };
        assert!(settings("tower").device_known);
        assert_eq!(settings("castle"), UserSettings { server: "castle".into(), ..UserSettings::default() });
    }

    #[test]
    fn an_account_is_made_without_a_question_only_where_the_server_is_settled_and_nobody_forbids_it() {
        let server = (Layer::Installer, "Server", text("tower"));
        assert!(read(std::slice::from_ref(&server)).register);
        assert!(!read(&[server, (Layer::Machine, "AutoRegister", PolicyValue::Number(0))]).register);
        assert!(!read(&[(Layer::Machine, "AutoRegister", PolicyValue::Number(1))]).register);
    }

    #[test]
    fn every_setting_that_can_be_settled_is() {
        let policy = read(&[
            (Layer::Machine, "DoNotDisturb", PolicyValue::Number(1)),
            (Layer::Machine, "QuietHours", text("22:00-06:30")),
            (Layer::Machine, "ShowTexts", PolicyValue::Number(0)),
            (Layer::Person, "MessageSounds", PolicyValue::Number(0)),
            (Layer::Person, "InfoSounds", PolicyValue::Number(1)),
            (Layer::Person, "ImportantSounds", PolicyValue::Number(0)),
            (Layer::Person, "Sounds", PolicyValue::Number(0)),
            (Layer::Person, "MessageFlashes", PolicyValue::Number(0)),
            (Layer::Person, "InfoFlashes", PolicyValue::Number(1)),
            (Layer::Person, "ImportantFlashes", PolicyValue::Number(0)),
            (Layer::Person, "CriticalFlashes", PolicyValue::Number(0)),
            (Layer::Person, "Theme", text("dark")),
            (Layer::Person, "Language", text("zh")),
        ]);
        /// None is as it is where nobody has said anything.
        const OTHERS: AlertSwitches = AlertSwitches { messages: false, info: true, important: false, critical: false };
        let mut settings = UserSettings::default();
        policy.lay_over(&mut settings);
        let settled = UserSettings {
            do_not_disturb: true,
            quiet_hours: Some("22:00-06:30".parse().unwrap()),
            show_texts: false,
            sounds: OTHERS,
            flashes: OTHERS,
            theme: Theme::Dark,
            language: Language::Chinese,
            ..UserSettings::default()
        };
        assert_eq!(settings, settled);
        assert_eq!(read(&[(Layer::Machine, "QuietHours", text(""))]).quiet_hours, Some(None));
    }

    /// What stands in the template for group policy after `before`, up to the next quote.
    fn named<'a>(file: &'a str, before: &'a str) -> std::collections::BTreeSet<&'a str> {
        file.split(before).skip(1).filter_map(|rest| rest.split(['"', ')']).next()).collect()
    }

    #[test]
    fn the_templates_for_group_policy_offer_exactly_what_is_read() {
        let template = include_str!("../../../packaging/windows/policy/belfry.admx");
        let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
        Policy::read(|_, name| {
            asked.borrow_mut().insert(name.to_owned());
            // A server must be there for its key to be looked for.
            (name == "Server").then(|| text("tower"))
        });
        let offered: std::collections::BTreeSet<String> = named(template, "valueName=\"").into_iter().map(str::to_owned).collect();
        assert_eq!(asked.into_inner(), offered);
        for words in [
            include_str!("../../../packaging/windows/policy/en-US/belfry.adml"),
            include_str!("../../../packaging/windows/policy/zh-CN/belfry.adml"),
        ] {
            assert_eq!(named(words, "<string id=\""), named(template, "$(string."));
            assert_eq!(named(words, "<presentation id=\""), named(template, "$(presentation."));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_left_to_the_person() {
        let policy = read(&[
            (Layer::Machine, "Server", PolicyValue::Number(5)),
            (Layer::Machine, "QuietHours", text("all day")),
            (Layer::Machine, "Sounds", text("yes")),
            (Layer::Machine, "Theme", text("pink")),
            (Layer::Machine, "Language", text("tlh")),
        ]);
        assert_eq!(policy, Policy::default());
    }
}
