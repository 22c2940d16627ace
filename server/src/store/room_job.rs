//! What the store is asked about rooms.

#[cfg(doc)]
use belfry_core::chat::Refusal;
use belfry_core::chat::{AccountId, AccountName, ConversationId, KeepChange, RoomName};

#[cfg(doc)]
use super::Outcome;

/// Who is in which room.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "a variant says what is to be done; a field is explained where its name does not say it all")]
pub enum RoomJob {
    /// Make a room with one member. Outcome: [`Outcome::Entered`]; refused with [`Refusal::RoomExists`].
    Create {
        account: AccountId,
        name: RoomName,
        /// Only those who are invited may join.
        private: bool,
    },
    /// Put somebody into a room, if they are not in it yet. Outcome: [`Outcome::Entered`]; refused with [`Refusal::InvitationNeeded`].
    Join { account: AccountId, room: ConversationId },
    /// Take somebody out of a room. Outcome: [`Outcome::Changed`]; refused with [`Refusal::NotInRoom`], [`Refusal::LobbyIsEverybodys`].
    Leave { account: AccountId, room: ConversationId },
    /// Let somebody join a room. Outcome: [`Outcome::Invited`]; refused with [`Refusal::UnknownAccount`], [`Refusal::NotInRoom`],
    /// [`Refusal::LobbyIsEverybodys`].
    Invite {
        /// Who asks them.
        by: AccountId,
        /// … and may without being in it.
        any: bool,
        account: AccountName,
        room: ConversationId,
    },
    /// Put somebody out of a room, or take their invitation back. Outcome: [`Outcome::NamedAccount`]; refused with
    /// [`Refusal::UnknownAccount`], [`Refusal::NotYourRoom`], [`Refusal::LobbyStays`], [`Refusal::NobodyThere`].
    Remove { by: Keeper, account: AccountName, room: ConversationId },
    /// Give a room another name. Outcome: [`Outcome::Changed`]; refused with [`Refusal::NotYourRoom`], [`Refusal::LobbyStays`],
    /// [`Refusal::RoomExists`].
    Rename {
        by: Keeper,
        room: ConversationId,
        /// What it is called from now on.
        name: RoomName,
    },
    /// Close a room: its messages stay, nobody is in it any more, and its name is free. Outcome: [`Outcome::Changed`]; refused with
    /// [`Refusal::NotYourRoom`], [`Refusal::LobbyStays`].
    Delete { by: Keeper, room: ConversationId },
    /// Say how long a room's messages are kept. Outcome: [`Outcome::RoomKept`].
    Keep { room: ConversationId, change: KeepChange },
}

/// Who looks after a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeper {
    /// Who does it.
    pub account: AccountId,
    /// They may without owning it.
    pub any: bool,
}
