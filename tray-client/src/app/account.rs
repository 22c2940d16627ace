//! The page of one's own account: what is done there, and what it shows.

use belfry_core::chat::{DeviceId, PersonProfile};

use super::App;
use crate::model::{AccountIntent, Intent};
use crate::scene::{self, ProfileForm};
use crate::view::AccountGesture;
use crate::view::account::AccountView;

/// What the page does not keep by itself.
#[derive(Default)]
pub(super) struct AccountPlace {
    view: Option<AccountView>,
    /// What was typed cannot be taken: why.
    mistake: Option<String>,
}

impl AccountPlace {
    /// Colours and sizes have changed.
    pub(super) fn dress(&self) {
        if let Some(view) = &self.view {
            view.dress();
        }
    }
}

impl App {
    pub(super) fn at_the_account(&mut self, gesture: AccountGesture) {
        self.account.mistake = None;
        match gesture {
            AccountGesture::Open => {
                let shown = match &mut self.account.view {
                    Some(view) => view.raise(),
                    None => AccountView::show(&self.sink).map(|view| self.account.view = Some(view)),
                };
                if let Err(error) = shown {
                    self.complain(&error);
                }
                self.act(Intent::Account(AccountIntent::Open));
            }
            AccountGesture::Save(form) => {
                let known = self.model.own_profile().cloned().unwrap_or_default();
                match form.changes(&known) {
                    Ok(changes) => self.act(Intent::Account(AccountIntent::Describe(changes))),
                    Err(mistake) => self.account.mistake = Some(mistake),
                }
            }
            AccountGesture::SignOut(key) => {
                let device = self.model.account().devices().iter().map(|device| device.device).find(|device| device.to_string() == key);
                device.into_iter().for_each(|device| self.act(Intent::Account(AccountIntent::SignOut(device))));
            }
        }
        self.draw_account();
    }

    pub(super) fn draw_account(&mut self) {
        let own = DeviceId::from(self.keys.device().public());
        let devices = scene::devices(&self.model, own, self.moment());
        let (sentence, wrong) = match &self.account.mistake {
            Some(mistake) => (mistake.clone(), true),
            None => scene::account_outcome(&self.model),
        };
        let profile = self.model.own_profile().map_or_else(|| ProfileForm::of(&PersonProfile::default()), ProfileForm::of);
        let me = self.model.me().map(ToString::to_string).unwrap_or_default();
        let Some(view) = &mut self.account.view else { return };
        view.set_profile(&me, profile);
        view.set_devices(devices);
        view.set_outcome(&sentence, wrong);
    }
}
