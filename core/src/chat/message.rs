//! Messages, where they are said, and the numbers that keep them in order.

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::{AccountName, RoomName, Text};
use crate::time::UnixMillis;

/// The server's number for a conversation; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationId(pub u64);

/// A message's place in its conversation: 1 for the first, without gaps, given by the server when the message is stored.
/// 0 stands before the first message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seq(pub u64);

impl Seq {
    /// The number of the message that follows.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Where something is said, from the point of view of one person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Place {
    /// A room.
    Room(RoomName),
    /// The direct conversation with this person.
    Direct(AccountName),
}

impl Place {
    /// The room everyone is in.
    pub fn lobby() -> Self {
        Self::Room(RoomName::lobby())
    }
}

impl fmt::Display for Place {
    /// `lobby` for a room, `@bob` for a direct conversation; no name contains an `@`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(room) => write!(f, "{room}"),
            Self::Direct(account) => write!(f, "@{account}"),
        }
    }
}

/// Recognises a message that is posted again because the answer to the first try was lost.
///
/// An outbox draws `outbox` at random when it is made and counts `counter` up from 1; (account, outbox, counter) is stored once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PostId {
    /// The outbox that the message was written into.
    pub outbox: u64,
    /// The message's number in that outbox.
    pub counter: u64,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// Its place there.
    pub seq: Seq,
    /// Who wrote it.
    pub from: AccountName,
    /// What it says.
    pub text: Text,
    /// When the server took it.
    pub sent_at: UnixMillis,
}

/// A conversation as its reader sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationInfo {
    /// The server's number for it.
    pub id: ConversationId,
    /// What the reader calls it.
    pub place: Place,
    /// Its newest message; 0 when it has none.
    pub last: Seq,
}

/// A run of messages of one conversation, oldest first, without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The conversation and its newest message at the time of reading.
    pub conversation: ConversationInfo,
    /// The messages.
    pub messages: Vec<Message>,
}
