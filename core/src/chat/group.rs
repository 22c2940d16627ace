//! Groups of accounts, for addressing notices.

use serde::{Deserialize, Serialize};

use super::GroupName;

/// One line of the list of groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// As it was spelled when it was given; unique by its key.
    pub name: GroupName,
    /// How many accounts are in it.
    pub members: u64,
}
