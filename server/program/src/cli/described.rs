//! What is said of a person, beside the account's name in lines and in objects of JSON.

use belfry_core::chat::{DisplayName, PersonProfile, ProfileLine, StatusText};
use serde::Serialize;

use crate::sentence;

/// A profile in an object of JSON: what is not said has no key.
#[derive(Debug, Serialize)]
pub(crate) struct ProfileObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) department: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) telephone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'a str>,
}

impl<'a> From<&'a PersonProfile> for ProfileObject<'a> {
    fn from(profile: &'a PersonProfile) -> Self {
        Self {
            display_name: profile.display.as_ref().map(DisplayName::as_str),
            department: profile.department.as_ref().map(ProfileLine::as_str),
            telephone: profile.telephone.as_ref().map(ProfileLine::as_str),
            status: profile.status.as_ref().map(StatusText::as_str),
        }
    }
}

/// ` [Anna Berg, Research, 1234, in the workshop]` for the line that has the account's name; nothing where nothing is said.
pub(crate) fn in_brackets(profile: &PersonProfile) -> String {
    let ProfileObject { display_name, department, telephone, status } = profile.into();
    let parts: Vec<_> = [display_name, department, telephone, status].into_iter().flatten().map(sentence::visible).collect();
    if parts.is_empty() { String::new() } else { format!(" [{}]", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_stands_in_brackets_behind_the_account_and_nothing_where_nothing_is() {
        let department = Some(ProfileLine::new("Research").unwrap());
        let display = Some(DisplayName::new("Anna Berg").unwrap());
        let anna = PersonProfile { display, department, ..PersonProfile::default() };
        assert_eq!([in_brackets(&anna), in_brackets(&PersonProfile::default())], [" [Anna Berg, Research]", ""]);
    }
}
