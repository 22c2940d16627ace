//! What is said of a person beside the name of their account, which stays what they are known by.

use serde::{Deserialize, Serialize};

use super::{AccountName, DisplayName, ProfileLine, StatusText};

/// What is said of a person; of what is not, nothing is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonProfile {
    /// What people call them. Two may be called the same; no name of somebody else's account, and none that looks like one.
    pub display: Option<DisplayName>,
    /// Where in the house they belong.
    pub department: Option<ProfileLine>,
    /// Where they are reached otherwise.
    pub telephone: Option<ProfileLine>,
    /// What they are doing, in their own words.
    pub status: Option<StatusText>,
}

/// One thing that is different in a profile from now on; `None` where nothing is said of it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProfileChange {
    /// Of [`PersonProfile::display`].
    Display(Option<DisplayName>),
    /// Of [`PersonProfile::department`].
    Department(Option<ProfileLine>),
    /// Of [`PersonProfile::telephone`].
    Telephone(Option<ProfileLine>),
    /// Of [`PersonProfile::status`], which is always the person's own to say.
    Status(Option<StatusText>),
}

impl ProfileChange {
    /// Whether it is such as may be written today.
    pub(super) fn is_as_written(&self) -> bool {
        match self {
            Self::Display(name) => name.as_ref().is_none_or(DisplayName::is_as_written),
            Self::Department(line) | Self::Telephone(line) => line.as_ref().is_none_or(ProfileLine::is_as_written),
            Self::Status(status) => status.as_ref().is_none_or(StatusText::is_as_written),
        }
    }
}

impl PersonProfile {
    /// One thing is different.
    pub fn change(&mut self, change: ProfileChange) {
        match change {
            ProfileChange::Display(display) => self.display = display,
            ProfileChange::Department(department) => self.department = department,
            ProfileChange::Telephone(telephone) => self.telephone = telephone,
            ProfileChange::Status(status) => self.status = status,
        }
    }
}

/// Somebody's profile as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedProfile {
    /// By the name that it was given, as it was spelled then.
    pub account: AccountName,
    /// All of it.
    pub profile: PersonProfile,
}
