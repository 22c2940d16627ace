//! What the store is asked about messages that are there already.

use belfry_core::chat::{AccountId, AccountName, ArrangementFlag, ConversationId, Parties, ReactionEmoji, SearchText, Seq, Text};
#[cfg(doc)]
use belfry_core::chat::{Answer, Refusal};

#[cfg(doc)]
use super::Outcome;

/// Which conversation a message goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A room, by its conversation.
    Room(ConversationId),
    /// The direct conversation of the author with the account of this name; made with its first message.
    Direct(AccountName),
}

/// Messages that are there already.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "a variant says what is to be done; a field is explained where its name does not say it all")]
pub enum MessageJob {
    /// Write a message anew, or take it back. Outcome: [`Outcome::MessageAltered`]; refused with [`Refusal::UnknownMessage`],
    /// [`Refusal::NotYourMessage`].
    Alter {
        account: AccountId,
        of: Target,
        seq: Seq,
        /// What it says from now on; `None` to take it back.
        text: Option<Text>,
    },
    /// Read what was altered after the alteration of this number. Outcome: [`Answer::Altered`].
    AlteredSince {
        account: AccountId,
        conversation: ConversationId,
        /// The last alteration known.
        after: u64,
    },
    /// Note that somebody has read so far. Outcome: [`Outcome::ReadUpTo`].
    MarkRead {
        account: AccountId,
        of: Target,
        /// The last message that was read.
        upto: Seq,
    },
    /// Note how somebody has arranged a conversation. Outcome: [`Outcome::Arranged`].
    Arrange { account: AccountId, of: Target, flag: ArrangementFlag, on: bool },
    /// Set a reaction, or take it back. Outcome: [`Outcome::MessageAltered`]; refused with [`Refusal::UnknownMessage`],
    /// [`Refusal::TooManyReactions`].
    React { account: AccountId, of: Target, seq: Seq, emoji: ReactionEmoji, set: bool },
    /// Read who has reacted to a message. Outcome: [`Answer::Reactors`]; refused with [`Refusal::UnknownMessage`].
    Reactors {
        account: AccountId,
        of: Target,
        seq: Seq,
        /// How many to skip.
        after: u32,
    },
    /// Look for a text. Outcome: [`Answer::Found`].
    Search {
        /// Who asks: only where they are is looked.
        account: AccountId,
        text: SearchText,
        /// Only here.
        within: Option<Target>,
        /// Only messages before this one of that conversation.
        before: Option<Seq>,
        limit: u32,
    },
    /// Read what stood where a message was altered. Outcome: [`Answer::Originals`]; refused with [`Refusal::UnknownMessage`].
    Originals {
        of: Parties,
        seq: Seq,
        /// How many to skip.
        after: u32,
    },
}
