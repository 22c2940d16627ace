//! What outlives the program: enough to fill the window at once, also while the server is away, and to go on where it stopped.
//!
//! The model says by values what has become worth remembering ([`Model::take_news`](super::Model::take_news)), and asks by values for what it does not hold any more
//! ([`Lookup`](super::Lookup)). The server has everything that is remembered here; a memory that cannot be read is no loss but of time.
//! What has not reached the server yet is kept elsewhere, with more care (`crate::outbox`).

use belfry_core::chat::{AccountName, ConversationId, Message, Notice, Person, Place, Role, Seq, Timeline};
use serde::{Deserialize, Serialize};

use super::Witness;

/// Everything that is remembered of one account on one server, but for older messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The account, as the server wrote its name.
    pub account: AccountName,
    /// What they may do.
    pub role: Role,
    /// What life of the server's database everything is from; `None` when that was never heard.
    pub timeline: Option<Timeline>,
    /// The conversations, each with its newest messages.
    pub conversations: Vec<ConversationMemory>,
    /// Everybody who has an account, as they were last heard of.
    pub people: Vec<Person>,
    /// The notices that were heard of, open and past.
    pub notices: Vec<NoticeMemory>,
    /// When they could be seen on this computer.
    pub witness: Witness,
}

/// What is remembered of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationMemory {
    /// What there is beside messages.
    pub standing: ConversationStanding,
    /// The newest messages that are held, without a hole between them, oldest first.
    pub messages: Vec<Message>,
}

/// What is remembered of a conversation beside its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationStanding {
    /// The server's number for it.
    pub id: ConversationId,
    /// The room, or the person it is with.
    pub place: Place,
    /// The newest that the person has had before them.
    pub read: Seq,
    /// How many are newer.
    pub unread: u64,
    /// Up to where every message was heard as it was said; `None` where it was only looked into.
    pub delivered: Option<Seq>,
    /// The last alteration that was heard of: every message that is remembered is as it was after it, or later.
    pub alteration: u64,
}

/// What is remembered of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeMemory {
    pub(super) notice: Notice,
    pub(super) answer: Option<u8>,
    pub(super) visible: bool,
    pub(super) dismissed: bool,
}

/// Something that has become worth remembering, or is not to be remembered any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryChange {
    /// Who is signed in.
    Me(AccountName, Role),
    /// What life of the server's database everything is from that follows; what is remembered of another one goes.
    Timeline(Timeline),
    /// A message as it is now.
    Message(Message),
    /// A message was altered: as it is now, where it is remembered at all.
    Altered(Message),
    /// A conversation, beside its messages.
    Standing(ConversationStanding),
    /// One is not in this conversation any more, or it is another one: everything of it goes.
    Forget(ConversationId),
    /// What the server keeps of a conversation begins with this message: what stands before it goes.
    BeginsWith(ConversationId, Seq),
    /// The list of people is another one: it goes in place of what is remembered.
    People(Vec<Person>),
    /// Somebody new, or as they are now.
    Person(Person),
    /// All notices.
    Notices(Vec<NoticeMemory>),
    /// When they could be seen on this computer.
    Witness(Witness),
}
