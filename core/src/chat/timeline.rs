//! The lives of a server's database.

use serde::{Deserialize, Serialize};

use super::{ConversationId, Seq};

/// One life of the server's database: a backup that is put back goes on under another number, because from there on numbers of messages,
/// conversations and notices are given a second time, for other things. (PostgreSQL's word for the same.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timeline(pub u64);

impl Timeline {
    /// The one that every database begins with; the others are drawn at random.
    pub const FIRST: Self = Self(1);
}

impl Default for Timeline {
    fn default() -> Self {
        Self::FIRST
    }
}

/// How far a conversation went the same way in two timelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommonPast {
    /// Which conversation.
    pub conversation: ConversationId,
    /// The last message that is the same in both.
    pub seq: Seq,
    /// The last alteration that is.
    pub alteration: u64,
}
