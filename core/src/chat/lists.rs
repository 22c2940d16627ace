//! How often what people are shown in lists has changed.

use serde::{Deserialize, Serialize};

/// How often what a list shows has changed since the server started, for each kind of list; 0 where one may not ask for it, or has not been
/// told. Whoever shows a list and hears of another number asks for it again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListVersions {
    /// Accounts were made, shut out or let in again ([`Request::Who`]).
    pub accounts: u64,
    /// Rooms were made, renamed or removed, or somebody came into one or left it ([`Request::ListRooms`], [`Request::RoomMembers`]).
    pub rooms: u64,
    /// Groups were made or removed, or somebody was put into one or taken out ([`Request::ListGroups`]).
    pub groups: u64,
    /// Notices were sent, changed, planned or given up, or templates were ([`Request::ListNotices`], [`Request::ListSchedules`],
    /// [`Request::ListTemplates`]).
    pub notices: u64,
}

#[cfg(doc)]
use super::Request;
