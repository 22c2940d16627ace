//! Files as they are listed and fetched: with the messages that they came with.

use serde::{Deserialize, Serialize};

use super::{AccountName, Attachment, ConversationId, Place, Seq};
use crate::time::UnixMillis;

/// A file in a list, with the message that it came with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedFile {
    /// The file.
    pub attachment: Attachment,
    /// Where it was sent, from the point of view of whoever asks.
    pub place: Place,
    /// That conversation's number …
    pub conversation: ConversationId,
    /// … and the message's in it.
    pub seq: Seq,
    /// Who sent it.
    pub from: AccountName,
    /// When the server took the message.
    pub sent_at: UnixMillis,
}
