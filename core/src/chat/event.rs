//! What the server tells unasked.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{
    AccountName, Arrangement, ConversationId, ConversationInfo, ListVersions, Message, NamedProfile, Notice, NoticeId, Page, Place,
    PresenceChange, Progress, RoomName, Seq,
};
use crate::wire::Channel;

/// Something the server tells unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The conversations one is in, in several parts; the first of them begins a new list.
    Conversations(Page<ConversationInfo>),
    /// A conversation one was not in before.
    Conversation(ConversationInfo),
    /// A message has been stored.
    Message(Message),
    /// People whom one [watches](super::Request::Watch) came or went.
    Presence {
        /// With this one has heard of all changes up to this version.
        version: u64,
        /// What they are now, those first who have been it for longest.
        changes: Vec<PresenceChange>,
    },
    /// A notice, in its current state and with the answer that the reader has given. Only believed when it comes on the notice channel.
    Notice(Notice),
    /// All notices that wait for the reader's answer, after each signing in: what else a screen still shows has ended or was answered
    /// meanwhile. Only believed when it comes on the notice channel.
    OpenNotices(Vec<NoticeId>),
    /// A notice one has sent has come further.
    Progress {
        /// Which notice.
        notice: NoticeId,
        /// How far.
        progress: Progress,
    },
    // --- Rooms, and what becomes of messages ---
    /// One is not in this conversation any more.
    Left(ConversationId),
    /// Somebody asks one to join a room.
    Invited {
        /// By the name that it has now.
        room: RoomName,
        /// The account that did it.
        by: AccountName,
    },
    /// A message was altered: as it is now.
    Altered(Message),
    /// One has read so far, here or on another device.
    Read {
        /// Which conversation.
        conversation: ConversationId,
        /// The last message that was read.
        read: Seq,
        /// How many are newer.
        unread: u64,
    },
    /// Somebody is writing something just now.
    Typing {
        /// Where, from the point of view of who hears it.
        place: Place,
        /// By the name that it was given, as it was spelled then.
        account: AccountName,
    },
    /// A room one is in has another name.
    Renamed {
        /// By the server's number.
        conversation: ConversationId,
        /// What it is called from now on.
        room: RoomName,
    },
    /// What is to be listed has changed, for whoever [watches](super::Request::Watch) that.
    Lists {
        /// How often, up to now.
        versions: ListVersions,
        /// Whoever shows such a list asks for it again at a random moment within so many milliseconds, so that not everybody asks at once.
        within_ms: u32,
    },
    /// What is said of some people has changed: for whoever watches what is to be listed, in place of [`Event::Lists`].
    Profiles {
        /// Whoever has listed [`ListVersions::accounts`] of this number …
        since: u64,
        /// … and puts these into their list …
        changes: Vec<NamedProfile>,
        /// … has it of that number.
        upto: u64,
    },
    /// One has arranged a conversation, here or on another device.
    Arranged {
        /// By the server's number.
        conversation: ConversationId,
        /// As it is from now on.
        arrangement: Arrangement,
    },
}

impl Event {
    /// The channel an event travels on.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Notice(_) | Self::OpenNotices(_) => Channel::Notice,
            _ => Channel::Chat,
        }
    }
}
