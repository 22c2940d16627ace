//! Messages, where they are said, and the numbers that keep them in order.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{AccountName, Arrangement, Attachment, Excerpt, InvalidName, ReactionEmoji, RoomName, Text};
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

impl FromStr for Place {
    type Err = InvalidName;

    /// Reads what [`Display`](fmt::Display) writes, also names that only older servers have given.
    fn from_str(written: &str) -> Result<Self, InvalidName> {
        match written.strip_prefix('@') {
            Some(account) => AccountName::known(account).map(Self::Direct),
            None => RoomName::known(written).map(Self::Room),
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
    /// That it was altered since, or that somebody reacted to it; `None` while neither has ever been.
    pub altered: Option<Alteration>,
    /// The message that it replies to.
    pub reply_to: Option<Box<Quote>>,
    /// A file that came with it, until it was taken back. Its text is what was written beside it, or else the file's name.
    pub attachment: Option<Box<Attachment>>,
    /// How people have reacted to it, in the order in which each sign came first; at most [`REACTIONS_MAX`](crate::limits::REACTIONS_MAX).
    pub reactions: Vec<Reaction>,
}

/// People who have reacted to a message with the same sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The sign.
    pub emoji: ReactionEmoji,
    /// How many they are.
    pub count: u64,
    /// Some of them; all, where they are few ([`REACTORS_NAMED_MAX`](crate::limits::REACTORS_NAMED_MAX)).
    pub by: Vec<AccountName>,
}

/// Somebody who has reacted to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reactor {
    /// With which sign.
    pub emoji: ReactionEmoji,
    /// Who.
    pub account: AccountName,
    /// By the server's clock.
    pub at: UnixMillis,
}

impl Message {
    /// A message as it was just said, in reply to none and without a file.
    pub const fn new(conversation: ConversationId, seq: Seq, from: AccountName, text: Text, sent_at: UnixMillis) -> Self {
        Self { conversation, seq, from, text, sent_at, altered: None, reply_to: None, attachment: None, reactions: Vec::new() }
    }

    /// What was written beside its file, or all that it says where it has none; nothing where it says but the file's name.
    pub fn caption(&self) -> Option<&Text> {
        let is_name = |attachment: &Attachment| attachment.name.as_str() == self.text.as_str();
        (!self.attachment.as_deref().is_some_and(is_name)).then_some(&self.text)
    }

    /// How many times something was altered in its conversation when it was altered last; 0 while it is as it was sent.
    pub const fn alteration(&self) -> u64 {
        match self.altered {
            Some(Alteration { number, .. }) => number,
            None => 0,
        }
    }

    /// When its author wrote it anew last.
    pub fn edited_at(&self) -> Option<UnixMillis> {
        self.altered.and_then(|altered| altered.edited_at)
    }

    /// When its author took it back.
    pub fn deleted_at(&self) -> Option<UnixMillis> {
        self.altered.filter(|altered| altered.deleted).map(|altered| altered.at)
    }

    /// Whether its author took it back. Then its text is [`Text::deleted`].
    pub const fn is_deleted(&self) -> bool {
        matches!(self.altered, Some(Alteration { deleted: true, .. }))
    }
}

/// The message that another one of its conversation replies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Its place in the conversation.
    pub seq: Seq,
    /// As it stands when the reply is told; `None` where it is kept no longer.
    pub quoted: Option<Quoted>,
}

/// As much of a message as stands above what replies to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    /// Who wrote it.
    pub from: AccountName,
    /// Its first line that shows something; `None` where its author took it back.
    pub line: Option<Excerpt>,
}

impl Quote {
    /// As this message stands.
    pub fn of(message: &Message) -> Self {
        let line = (!message.is_deleted()).then(|| Excerpt::of(message.text.as_str()));
        Self { seq: message.seq, quoted: Some(Quoted { from: message.from.clone(), line }) }
    }
}

/// That a message is not as it was sent, or is not taken as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alteration {
    /// Its place among the alterations of its conversation: 1 for the first, given by the server, larger for later ones. An altered
    /// message has the number of its last alteration only, so the numbers of a conversation's messages have gaps.
    pub number: u64,
    /// By the server's clock.
    pub at: UnixMillis,
    /// Its author took it back.
    pub deleted: bool,
    /// When its author wrote it anew last. Where that is not `at`, and it was not taken back, it was reacted to since.
    pub edited_at: Option<UnixMillis>,
}

impl Alteration {
    /// Its author has written it anew.
    pub const fn edited(number: u64, at: UnixMillis) -> Self {
        Self { number, at, deleted: false, edited_at: Some(at) }
    }

    /// Its author has taken it back.
    pub const fn deleted(number: u64, at: UnixMillis) -> Self {
        Self { number, at, deleted: true, edited_at: None }
    }

    /// Whether this last alteration is none of the author's: somebody has reacted, or taken a reaction back.
    pub fn is_reaction(&self) -> bool {
        !self.deleted && self.edited_at != Some(self.at)
    }
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
    /// The newest message when the reader came into it: what follows is news to them. 0 for the lobby and for direct conversations.
    pub since: Seq,
    /// The last message that the reader has read, on whichever device.
    pub read: Seq,
    /// How many messages are newer than that.
    pub unread: u64,
    /// The number of its last alteration; 0 when it has none.
    pub alterations: u64,
    /// How the reader has arranged it.
    pub arrangement: Arrangement,
}

impl ConversationInfo {
    /// One of which somebody has read nothing, that was always theirs to read, and that they have left as it is.
    pub const fn new(id: ConversationId, place: Place, last: Seq) -> Self {
        let arrangement = Arrangement { pinned: false, muted: false, marked_unread: false };
        Self { id, place, last, since: Seq(0), read: Seq(0), unread: 0, alterations: 0, arrangement }
    }
}

/// A run of messages of one conversation, oldest first, without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePage {
    /// The conversation and its newest message at the time of reading.
    pub conversation: ConversationInfo,
    /// Oldest first.
    pub messages: Vec<Message>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_quoted_by_its_first_line_and_one_that_was_taken_back_by_none() {
        let (from, text) = (AccountName::new("anna").unwrap(), Text::new("hello\nthere").unwrap());
        let message = Message::new(ConversationId(1), Seq(7), from.clone(), text, UnixMillis(0));
        let quote = |line| Quote { seq: Seq(7), quoted: Some(Quoted { from: from.clone(), line }) };
        assert_eq!(Quote::of(&message), quote(Some(Excerpt::of("hello"))));
        let altered = Some(Alteration::deleted(1, UnixMillis(0)));
        assert_eq!(Quote::of(&Message { altered, ..message }), quote(None));
    }

    #[test]
    fn a_message_is_deleted_when_its_author_took_it_back_and_not_when_they_wrote_it_anew() {
        let (edited, deleted) = (Alteration::edited(1, UnixMillis(0)), Alteration::deleted(1, UnixMillis(0)));
        for (altered, is_deleted) in [(None, false), (Some(edited), false), (Some(deleted), true)] {
            let (from, text) = (AccountName::new("anna").unwrap(), Text::new("x").unwrap());
            let message = Message { altered, ..Message::new(ConversationId(1), Seq(1), from, text, UnixMillis(0)) };
            assert_eq!(message.is_deleted(), is_deleted, "{altered:?}");
        }
    }
}
