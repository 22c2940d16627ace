//! The page of one's own account.

use belfry_core::chat::{Device, DeviceId, DisplayName, PersonProfile, ProfileChange, ProfileLine, StatusText, visible};

use super::Moment;
use crate::model::{AccountOutcome, Model};

/// A profile as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileForm {
    /// What people call one.
    pub display: String,
    /// Where in the house one belongs.
    pub department: String,
    /// Where one is reached otherwise.
    pub telephone: String,
    /// What one is doing.
    pub status: String,
}

/// A device that has signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceRow {
    /// It, as it is written.
    pub key: String,
    /// Where it is, or was last; empty where that is not known.
    pub name: String,
    /// Whether it is here, or since when it is not.
    pub note: String,
    /// It is this one.
    pub own: bool,
}

impl ProfileForm {
    /// A profile in the form.
    pub fn of(profile: &PersonProfile) -> Self {
        Self {
            display: profile.display.as_ref().map(ToString::to_string).unwrap_or_default(),
            department: profile.department.as_ref().map(ToString::to_string).unwrap_or_default(),
            telephone: profile.telephone.as_ref().map(ToString::to_string).unwrap_or_default(),
            status: profile.status.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// What is different from what was said: only that is asked for, since not all of it need be the person's to say.
    ///
    /// # Errors
    /// What cannot be taken, as a sentence.
    pub fn changes(&self, before: &PersonProfile) -> Result<Vec<ProfileChange>, String> {
        let (mut changes, old) = (Vec::new(), Self::of(before));
        if self.display.trim() != old.display {
            changes.push(ProfileChange::Display(read(&self.display, DisplayName::new)?));
        }
        if self.department.trim() != old.department {
            changes.push(ProfileChange::Department(read(&self.department, ProfileLine::new)?));
        }
        if self.telephone.trim() != old.telephone {
            changes.push(ProfileChange::Telephone(read(&self.telephone, ProfileLine::new)?));
        }
        if self.status.trim() != old.status {
            changes.push(ProfileChange::Status(read(&self.status, StatusText::new)?));
        }
        Ok(changes)
    }
}

fn read<'a, T, E: ToString>(typed: &'a str, read: impl FnOnce(&'a str) -> Result<T, E>) -> Result<Option<T>, String> {
    if typed.trim().is_empty() { Ok(None) } else { read(typed.trim()).map(Some).map_err(|error| error.to_string()) }
}

/// The devices that may sign in without a password, and those that are here: each run of the command line is another one. The one that is used first, then those that are here, then those that were here last.
pub fn devices(model: &Model, own: DeviceId, moment: Moment<'_>) -> Vec<DeviceRow> {
    let mut devices: Vec<_> =
        model.account().devices().iter().filter(|device| device.revoked_at.is_none() && (device.remembered || device.connected)).collect();
    devices.sort_by_key(|device| (device.device != own, !device.connected, std::cmp::Reverse(device.last_seen)));
    devices.into_iter().map(|device| device_row(device, own, moment)).collect()
}

fn device_row(device: &Device, own: DeviceId, moment: Moment<'_>) -> DeviceRow {
    let seen = moment.wall.short(device.last_seen, moment.now);
    DeviceRow {
        key: device.device.to_string(),
        name: device.address.map(|address| visible(&address.ip().to_string())).unwrap_or_default(),
        note: if device.connected { "Connected".to_owned() } else { format!("Last here {seen}") },
        own: device.device == own,
    }
}

/// What has become of what was wanted last, and whether it went wrong; empty for nothing.
pub fn account_outcome(model: &Model) -> (String, bool) {
    match model.account().outcome() {
        AccountOutcome::Idle => (String::new(), false),
        AccountOutcome::Waiting if model.connection().is_up() => ("One moment…".into(), false),
        AccountOutcome::Waiting => ("Waits for the connection.".into(), false),
        AccountOutcome::Done => ("Done.".into(), false),
        AccountOutcome::Refused(Some(refusal)) => (refusal.to_string(), true),
        AccountOutcome::Refused(None) => ("The connection was lost before the server answered.".into(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_different_is_asked_for_and_what_cannot_be_is_told() {
        let before = PersonProfile { department: "Research".parse().ok(), ..PersonProfile::default() };
        let form = ProfileForm::of(&before);
        assert_eq!(form.changes(&before), Ok(vec![]));
        let lunch = ProfileForm { status: " at lunch ".into(), ..form.clone() };
        assert_eq!(lunch.changes(&before), Ok(vec![ProfileChange::Status("at lunch".parse().ok())]));
        let nowhere = ProfileForm { department: String::new(), ..form.clone() };
        assert_eq!(nowhere.changes(&before), Ok(vec![ProfileChange::Department(None)]));
        let wrong = ProfileForm { display: "a@b".into(), ..form };
        assert_eq!(wrong.changes(&before), Err("A name cannot contain '@'.".to_owned()));
    }
}
