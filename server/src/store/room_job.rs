//! What the store is asked about rooms.

#[cfg(doc)]
use belfry_core::chat::Refusal;
use belfry_core::chat::{AccountId, AccountName, ConversationId, Keep, RoomName};

#[cfg(doc)]
use super::Outcome;

/// Who is in which room.
#[derive(Clone, Debug)]
pub enum RoomJob {
    /// Make a room with one member. Outcome: [`Outcome::Entered`]; refused with [`Refusal::RoomExists`].
    Create {
        /// Who.
        account: AccountId,
        /// Its name.
        name: RoomName,
        /// Only those who are invited may join.
        private: bool,
    },
    /// Put somebody into a room, if they are not in it yet. Outcome: [`Outcome::Entered`]; refused with [`Refusal::InvitationNeeded`].
    Join {
        /// Whom.
        account: AccountId,
        /// Which.
        room: ConversationId,
    },
    /// Take somebody out of a room. Outcome: [`Outcome::Changed`]; refused with [`Refusal::NotInRoom`], [`Refusal::LobbyIsEverybodys`].
    Leave {
        /// Whom.
        account: AccountId,
        /// Which.
        room: ConversationId,
    },
    /// Let somebody join a room. Outcome: [`Outcome::Invited`]; refused with [`Refusal::UnknownAccount`], [`Refusal::NotInRoom`],
    /// [`Refusal::LobbyIsEverybodys`].
    Invite {
        /// Who asks them.
        by: AccountId,
        /// … and may without being in it.
        any: bool,
        /// Whom.
        account: AccountName,
        /// Which.
        room: ConversationId,
    },
    /// Put somebody out of a room, or take their invitation back. Outcome: [`Outcome::NamedAccount`]; refused with
    /// [`Refusal::UnknownAccount`], [`Refusal::NotYourRoom`], [`Refusal::LobbyStays`], [`Refusal::NobodyThere`].
    Remove {
        /// Who does it.
        by: Keeper,
        /// Whom.
        account: AccountName,
        /// Which.
        room: ConversationId,
    },
    /// Give a room another name. Outcome: [`Outcome::Changed`]; refused with [`Refusal::NotYourRoom`], [`Refusal::LobbyStays`],
    /// [`Refusal::RoomExists`].
    Rename {
        /// Who does it.
        by: Keeper,
        /// Which.
        room: ConversationId,
        /// What it is called from now on.
        name: RoomName,
    },
    /// Close a room: its messages stay, nobody is in it any more, and its name is free. Outcome: [`Outcome::Changed`]; refused with
    /// [`Refusal::NotYourRoom`], [`Refusal::LobbyStays`].
    Delete {
        /// Who does it.
        by: Keeper,
        /// Which.
        room: ConversationId,
    },
    /// Say how long a room's messages are kept. Outcome: [`Outcome::Changed`].
    Keep {
        /// Which.
        room: ConversationId,
        /// How long.
        keep: Keep,
    },
}

/// Who looks after a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeper {
    /// Who.
    pub account: AccountId,
    /// They may without owning it.
    pub any: bool,
}
