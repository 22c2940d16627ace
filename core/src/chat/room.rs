//! Rooms as a list shows them, what a search finds, and what stood where something was altered.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{AccountName, Message, Place, RoomName, Text};
use crate::time::UnixMillis;

/// One line of the list of rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// As it was spelled when it was given; unique by its key.
    pub name: RoomName,
    /// Only those who are invited may join, and only they see it in a list.
    pub private: bool,
    /// How many people are in it.
    pub members: u64,
    /// What the reader is to it.
    pub standing: Standing,
    /// Who looks after it: whoever made it. Nobody but administrators looks after the lobby.
    pub owner: Option<AccountName>,
    /// How long its messages are kept.
    pub keep: Keep,
}

/// How long the messages of a room are kept, where that is not as on the whole server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// Those that are older go; 0 for however old they are, `None` for as on the whole server.
    pub age_ms: Option<u64>,
    /// Only the newest so many stay; 0 for all, `None` for as on the whole server.
    pub messages: Option<u64>,
}

/// What becomes of one of the two bounds of a [`Keep`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    /// It stays as it is.
    #[default]
    Unchanged,
    /// It is the server's from now on.
    AsOnServer,
    /// It is this from now on; 0 for no bound.
    Own(u64),
}

impl Bound {
    /// The bound that was `before` as it is from now on.
    pub const fn after(self, before: Option<u64>) -> Option<u64> {
        match self {
            Self::Unchanged => before,
            Self::AsOnServer => None,
            Self::Own(bound) => Some(bound),
        }
    }
}

/// What becomes of how long the messages of a room are kept. What is not said stays as it is when this is done, whoever changes it meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepChange {
    /// Of their age.
    pub age_ms: Bound,
    /// Of their number.
    pub messages: Bound,
}

impl KeepChange {
    /// What was `before` as it is from now on.
    pub const fn after(self, before: Keep) -> Keep {
        Keep { age_ms: self.age_ms.after(before.age_ms), messages: self.messages.after(before.messages) }
    }
}

impl From<Keep> for KeepChange {
    /// Both bounds as they are here.
    fn from(keep: Keep) -> Self {
        let bound = |bound: Option<u64>| bound.map_or(Bound::AsOnServer, Bound::Own);
        Self { age_ms: bound(keep.age_ms), messages: bound(keep.messages) }
    }
}

/// What somebody is to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// Not in it.
    Outside,
    /// Not in it, and asked to join.
    Invited,
    /// In it.
    Inside,
}

words! {
    Standing {
        Outside => "outside",
        Invited => "invited",
        Inside => "inside",
    }
}

/// A message that a search has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Where it was said.
    pub place: Place,
    /// As it is now: what was altered or taken back since says so.
    pub message: Message,
}

/// What a search has found, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Newest first.
    pub hits: Vec<Hit>,
    /// There are older ones.
    pub more: bool,
    /// Messages that lie further back were not looked at: for a text that is too short for the index that would take too long.
    pub cut: bool,
}

/// What a message said before it was altered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// Who wrote it.
    pub from: AccountName,
    /// What stood there.
    pub text: Text,
    /// Until when.
    pub until: UnixMillis,
}
