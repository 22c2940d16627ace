//! What is kept for those who look after a server: the log of administrators' acts, and whole conversations to take away.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use super::{AccountName, ConversationId, RoomName};
use crate::time::UnixMillis;

/// One line of the audit log: who did what on whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number; larger for later ones.
    pub id: u64,
    /// By the server's clock.
    pub at: UnixMillis,
    /// The account that did it.
    pub who: AccountName,
    /// What: one word of the list in `docs/COMMANDS.md`.
    pub act: String,
    /// On whom or what.
    pub object: String,
    /// Whatever else is worth knowing; may be empty.
    pub detail: String,
}

/// Who is in a conversation, from nobody's point of view.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Parties {
    /// A room.
    Room(RoomName),
    /// Two people.
    Direct(AccountName, AccountName),
}

impl fmt::Display for Parties {
    /// `lobby` for a room, `@alice @bob` for two people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(room) => write!(f, "{room}"),
            Self::Direct(one, other) => write!(f, "@{one} @{other}"),
        }
    }
}

/// A conversation that can be exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exportable {
    /// By the server's number.
    pub conversation: ConversationId,
    /// Who is in it.
    pub parties: Parties,
}
