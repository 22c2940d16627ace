//! The adapter of the page of one's own account.

use slint::{ComponentHandle as _, ModelRc, VecModel};

use super::{AccountGesture, Gesture, NoDisplay, Sink, keyboard, look, ui};
use crate::scene::{DeviceRow, ProfileForm};
use crate::words::say;

/// The page.
pub struct AccountView {
    window: ui::AccountWindow,
    /// What stood in the fields before the person wrote anything.
    filled: Option<ProfileForm>,
}

impl AccountView {
    /// The window itself, for tests.
    #[cfg(test)]
    #[cfg(feature = "window-tests")]
    pub(super) const fn window(&self) -> &ui::AccountWindow {
        &self.window
    }

    /// The window, shown.
    ///
    /// # Errors
    /// There is no display.
    pub fn show(sink: &Sink) -> Result<Self, NoDisplay> {
        let window = ui::AccountWindow::new()?;
        look::dress(&window);
        let (weak, saved) = (window.as_weak(), sink.clone());
        window.on_save(move || {
            if let Some(window) = weak.upgrade() {
                saved(Gesture::Account(AccountGesture::Save(form(&window))));
            }
        });
        let signed_out = sink.clone();
        window.on_sign_out(move |device| signed_out(Gesture::Account(AccountGesture::SignOut(device.into()))));
        keyboard::keep(&window, ui::AccountWindow::invoke_take_keyboard);
        let weak = window.as_weak();
        window.on_closed(move || keyboard::leave(&weak));
        window.show()?;
        window.invoke_take_keyboard();
        Ok(Self { window, filled: None })
    }

    /// Brings it to the front, as it is on the server.
    ///
    /// # Errors
    /// There is no display.
    pub fn raise(&mut self) -> Result<(), NoDisplay> {
        self.filled = None;
        self.window.show()?;
        self.window.invoke_take_keyboard();
        Ok(())
    }

    /// Whose it is, and what is said of them. What is being written stays, unless something else was said meanwhile.
    pub fn set_profile(&mut self, account: &str, profile: ProfileForm) {
        self.window.set_account(account.into());
        if self.filled.as_ref() != Some(&profile) {
            self.window.set_display(profile.display.as_str().into());
            self.window.set_department(profile.department.as_str().into());
            self.window.set_telephone(profile.telephone.as_str().into());
            self.window.set_status(profile.status.as_str().into());
            self.filled = Some(profile);
        }
    }

    /// Where one is signed in.
    pub fn set_devices(&self, devices: Vec<DeviceRow>) {
        let line =
            |row: DeviceRow| ui::DeviceLine { key: row.key.into(), name: row.name.into(), note: say(&row.note).into(), own: row.own };
        self.window.set_devices(ModelRc::new(VecModel::from_iter(devices.into_iter().map(line))));
    }

    /// What has become of what was wanted last, and whether it went wrong.
    pub fn set_outcome(&self, sentence: &str, wrong: bool) {
        self.window.set_sentence(say(sentence).into());
        self.window.set_wrong(wrong);
    }

    /// Colours, sizes or the language have changed.
    pub fn dress(&self) {
        look::dress(&self.window);
    }
}

fn form(window: &ui::AccountWindow) -> ProfileForm {
    ProfileForm {
        display: window.get_display().into(),
        department: window.get_department().into(),
        telephone: window.get_telephone().into(),
        status: window.get_status().into(),
    }
}
