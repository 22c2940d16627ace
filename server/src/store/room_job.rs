//! What the store is asked about rooms, and about messages that are there already.

use belfry_core::chat::{AccountId, AccountName, ConversationId, Keep, Parties, RoomName, SearchText, Seq, Text};

use super::Target;
#[cfg(doc)]
use super::{Outcome, Work};
#[cfg(doc)]
use belfry_core::chat::{Answer, Refusal};

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

/// Messages that are there already.
#[derive(Clone, Debug)]
pub enum Talk {
    /// Write a message anew, or take it back. Outcome: [`Outcome::MessageAltered`]; refused with [`Refusal::UnknownMessage`],
    /// [`Refusal::NotYourMessage`].
    Alter {
        /// Who.
        account: AccountId,
        /// Where it was said.
        of: Target,
        /// Which.
        seq: Seq,
        /// What it says from now on; `None` to take it back.
        text: Option<Text>,
    },
    /// Read what was altered after the alteration of this number. Outcome: [`Answer::Altered`].
    AlteredSince {
        /// Who asks.
        account: AccountId,
        /// Which conversation.
        conversation: ConversationId,
        /// The last alteration known.
        after: u64,
    },
    /// Note that somebody has read so far. Outcome: [`Outcome::ReadUpTo`].
    MarkRead {
        /// Who.
        account: AccountId,
        /// Where.
        of: Target,
        /// The last message that was read.
        upto: Seq,
    },
    /// Look for a text. Outcome: [`Answer::Found`].
    Search {
        /// Who asks: only where they are is looked.
        account: AccountId,
        /// The text.
        text: SearchText,
        /// Only here.
        within: Option<Target>,
        /// Only messages before this one of that conversation.
        before: Option<Seq>,
        /// How many at most.
        limit: u32,
    },
    /// Read what stood where a message was altered. Outcome: [`Answer::Originals`]; refused with [`Refusal::UnknownMessage`].
    Originals {
        /// Where it was said.
        of: Parties,
        /// Which.
        seq: Seq,
        /// How many to skip.
        after: u32,
    },
}
