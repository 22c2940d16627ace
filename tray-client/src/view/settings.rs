//! The adapters of the settings and of the page that says how it stands.

use slint::ComponentHandle as _;

use super::{AccountGesture, Gesture, NoDisplay, SettingsForm, Sink, keyboard, look, ui};
use crate::alerts::{AlertSwitches, ForEachAlert};
use crate::platform::policy::Policy;
use crate::settings::{Language, Theme, UserSettings};
use crate::words::say;

/// The settings window.
pub struct SettingsView {
    window: ui::SettingsWindow,
}

impl SettingsView {
    /// The window itself, for tests.
    #[cfg(test)]
    #[cfg(feature = "window-tests")]
    pub(super) const fn window(&self) -> &ui::SettingsWindow {
        &self.window
    }

    /// The window, shown.
    ///
    /// # Errors
    /// There is no display.
    pub fn show(
        sink: &Sink,
        settings: &UserSettings,
        autostart: bool,
        held_until: Option<String>,
        policy: &Policy,
    ) -> Result<Self, NoDisplay> {
        let window = ui::SettingsWindow::new()?;
        look::dress(&window);
        window.set_settled(settled(policy));
        window.set_server(settings.server.as_str().into());
        window.set_account(settings.account.as_str().into());
        window.set_quiet_hours(settings.quiet_hours.map(|hours| hours.to_string()).unwrap_or_default().into());
        let (weak, changed) = (window.as_weak(), sink.clone());
        window.on_changed_by_person(move || {
            if let Some(window) = weak.upgrade() {
                changed(Gesture::Set(form(&window)));
            }
        });
        let stop = sink.clone();
        window.on_stop_holding(move || stop(Gesture::Choose("quiet".into())));
        let other = sink.clone();
        window.on_other_server(move || other(Gesture::OtherServer));
        let account = sink.clone();
        window.on_own_account(move || account(Gesture::Account(AccountGesture::Open)));
        let why = sink.clone();
        window.on_why(move || why(Gesture::Why));
        keyboard::keep(&window, ui::SettingsWindow::invoke_take_keyboard);
        let weak = window.as_weak();
        window.on_closed(move || keyboard::leave(&weak));
        let view = Self { window };
        view.tell(settings, autostart, held_until);
        view.window.show()?;
        Ok(view)
    }

    /// What is set now, which may be something else than what was clicked: an administrator has settled it, or the system refused. Hours
    /// stay as they are being typed. And until when popups are held back, where that is for a time.
    pub fn tell(&self, settings: &UserSettings, autostart: bool, held_until: Option<String>) {
        self.window.set_held_until(held_until.unwrap_or_default().into());
        self.window.set_autostart(autostart);
        self.window.set_do_not_disturb(settings.do_not_disturb);
        self.window.set_show_texts(settings.show_texts);
        self.window.set_sounds(settings.sounds.into());
        self.window.set_flashes(settings.flashes.into());
        self.window.set_away_after(settings.away_after_minutes.into());
        self.window.set_theme(settings.theme as i32);
        self.window.set_text_percent(f32::from(settings.text_percent));
        self.window.set_language(settings.language as i32);
    }

    /// The hours cannot be read: why; empty when they can.
    pub fn set_hours_complaint(&self, sentence: String) {
        self.window.set_hours_complaint(say(&sentence).into());
    }

    /// A setting could not be kept: why; empty when all could.
    pub fn set_complaint(&self, sentence: String) {
        self.window.set_complaint(say(&sentence).into());
    }

    /// Colours and sizes have changed.
    pub fn dress(&self) {
        look::dress(&self.window);
    }
}

/// What the person cannot change here.
fn settled(policy: &Policy) -> ui::Settled {
    let nothing = Policy { register: policy.register, ..Policy::default() };
    ui::Settled {
        any: *policy != nothing,
        server: policy.server.is_some(),
        autostart: policy.autostart,
        do_not_disturb: policy.do_not_disturb.is_some(),
        quiet_hours: policy.quiet_hours.is_some(),
        show_texts: policy.show_texts.is_some(),
        sounds: ForEachAlert::from_fn(|kind| policy.sounds.of(kind).is_some()).into(),
        flashes: ForEachAlert::from_fn(|kind| policy.flashes.of(kind).is_some()).into(),
        theme: policy.theme.is_some(),
        language: policy.language.is_some(),
    }
}

impl From<AlertSwitches> for ui::Alerts {
    fn from(switches: AlertSwitches) -> Self {
        let ForEachAlert { messages, info, important, critical } = switches;
        Self { messages, info, important, critical }
    }
}

impl From<ui::Alerts> for AlertSwitches {
    fn from(ui::Alerts { messages, info, important, critical }: ui::Alerts) -> Self {
        Self { messages, info, important, critical }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the slider goes from 80 to 200")]
fn form(window: &ui::SettingsWindow) -> SettingsForm {
    SettingsForm {
        autostart: window.get_autostart(),
        do_not_disturb: window.get_do_not_disturb(),
        quiet_hours: window.get_quiet_hours().trim().into(),
        show_texts: window.get_show_texts(),
        sounds: window.get_sounds().into(),
        flashes: window.get_flashes().into(),
        away_after_minutes: u16::try_from(window.get_away_after()).unwrap_or(0),
        theme: [Theme::System, Theme::Light, Theme::Dark].into_iter().find(|theme| *theme as i32 == window.get_theme()).unwrap_or_default(),
        text_percent: window.get_text_percent().round() as u16,
        language: [Language::System, Language::English, Language::Chinese]
            .into_iter()
            .find(|language| *language as i32 == window.get_language())
            .unwrap_or_default(),
    }
}

/// The page that answers "why did I not see it?".
pub struct WhyView {
    window: ui::WhyWindow,
}

impl WhyView {
    /// The window itself, for tests.
    #[cfg(test)]
    #[cfg(feature = "window-tests")]
    pub(super) const fn window(&self) -> &ui::WhyWindow {
        &self.window
    }

    /// The window, shown.
    ///
    /// # Errors
    /// There is no display.
    pub fn show(sink: &Sink, report: String) -> Result<Self, NoDisplay> {
        let window = ui::WhyWindow::new()?;
        look::dress(&window);
        window.set_report(report.into());
        let refresh = sink.clone();
        window.on_refresh(move || refresh(Gesture::WhyAgain));
        keyboard::keep(&window, ui::WhyWindow::invoke_take_keyboard);
        let weak = window.as_weak();
        window.on_closed(move || keyboard::leave(&weak));
        window.show()?;
        Ok(Self { window })
    }

    /// Shows a new report.
    ///
    /// # Errors
    /// There is no display.
    pub fn renew(&self, report: String) -> Result<(), NoDisplay> {
        self.window.set_report(report.into());
        self.window.show()
    }

    /// Says the same in other words, without coming to the front.
    pub fn reword(&self, report: String) {
        self.window.set_report(report.into());
    }
    /// Colours, sizes or the language have changed.
    pub fn dress(&self) {
        look::dress(&self.window);
    }
}
