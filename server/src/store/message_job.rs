//! What the store is asked about messages that are there already.

use belfry_core::chat::{AccountId, ConversationId, Parties, SearchText, Seq, Text};
#[cfg(doc)]
use belfry_core::chat::{Answer, Refusal};

#[cfg(doc)]
use super::Outcome;
use super::Target;

/// Messages that are there already.
#[derive(Clone, Debug)]
pub enum MessageJob {
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
