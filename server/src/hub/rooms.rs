//! Rooms. The lobby is the one that everyone is in.

use std::collections::BTreeMap;

use belfry_core::chat::{ConversationId, RoomName};

use crate::store::StoredRoom;

/// Every room by what its name is unique by.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    by_key: BTreeMap<String, ConversationId>,
}

impl Rooms {
    pub(super) fn new(rooms: Vec<StoredRoom>) -> Self {
        Self { by_key: rooms.into_iter().map(|room| (room.name.key(), room.conversation)).collect() }
    }

    /// The room that a person means by `name`.
    pub(super) fn find(&self, name: &RoomName) -> Option<ConversationId> {
        self.by_key.get(&name.key()).copied()
    }
}
