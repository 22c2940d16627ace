//! What the server answers.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{
    Account, AccountName, AuditEntry, Block, CommonPast, ConversationId, Device, Exportable, Found, Group, Keep, LedgerPage, ListVersions,
    Message, MessagePage, Notice, NoticeId, NoticeSummary, Original, Page, Person, PresenceChange, Preview, Progress, Reactor, Role, Room,
    ScheduleId, Scheduled, Seq, SharedFile, Template, Timeline, ZoneName,
};
#[cfg(doc)]
use super::{Event, Request};
use crate::time::UnixMillis;

/// The server's answer to one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done.
    Done,
    /// Signed in. [`Event::Conversations`] follow.
    Welcome {
        /// The account's name as the server writes it.
        account: AccountName,
        /// What it may do.
        role: Role,
        /// The server's clock, for display.
        now: UnixMillis,
        /// In which all numbers are given that this session hears. A client that knows of another one asks [`Request::FetchShared`].
        timeline: Timeline,
    },
    /// The message is stored.
    Posted {
        /// The conversation it went to.
        conversation: ConversationId,
        /// Its place there.
        seq: Seq,
    },
    /// Messages of one conversation.
    Page(MessagePage),
    /// People by name.
    People(Page<Person>),
    /// The notice is stored and on its way.
    NoticeSent {
        /// By the server's number.
        notice: NoticeId,
        /// Where it stands.
        progress: Progress,
    },
    /// Notices, newest first.
    Notices(Page<NoticeSummary>),
    /// A part of a notice's ledger.
    Ledger(Box<LedgerPage>),
    /// Accounts by name.
    Users(Page<Account>),
    /// How the server is doing.
    Status(ServerStatus),
    // --- Notices, groups, devices ---
    /// The notice is to be sent later.
    NoticeScheduled {
        /// The server's number for that.
        schedule: ScheduleId,
        /// By the server's clock.
        at: UnixMillis,
        /// Whose clocks were meant.
        zone: ZoneName,
    },
    /// The notice as it is now. Only believed when it comes on the notice channel.
    Notice(Notice),
    /// The notice is changed: as it is now, and how far it has come.
    NoticeChanged(Box<NoticeSummary>),
    /// Whom it would reach.
    Preview(Preview),
    /// Notices that are to be sent later, in the order they were scheduled.
    Schedules(Page<Scheduled>),
    /// Templates by name.
    Templates(Page<Template>),
    /// Groups by name.
    Groups(Page<Group>),
    /// An account's devices by their keys.
    Devices(Page<Device>),
    /// Lines of the audit log, newest first.
    Audit(Page<AuditEntry>),
    /// Conversations that can be exported.
    Exportable(Page<Exportable>),
    /// Messages of a conversation in their order.
    Exported(Page<Message>),
    // --- Rooms, and what becomes of messages ---
    /// Rooms by name.
    Rooms(Page<Room>),
    /// Altered messages as they are now, in the order of their last alterations.
    Altered {
        /// Oldest first.
        page: Page<Message>,
        /// The number of the conversation's last alteration.
        last: u64,
    },
    /// What a search has found.
    Found(Found),
    /// What stood where a message was altered, the oldest first.
    Originals(Page<Original>),
    /// Nothing is changed yet, because messages would be deleted at once: it has to be confirmed.
    WouldDelete {
        /// Of which room.
        room: ConversationId,
        /// So many messages …
        messages: u64,
        /// … of so many.
        of: u64,
    },
    /// How long the messages of a room are kept.
    Kept(Keep),
    // --- After a backup was put back ---
    /// Conversations by number, each with how far it is the same in two timelines.
    Shared(Page<CommonPast>),
    // --- Who looks at whom ---
    /// One hears from now on of whom one watches.
    Watching {
        /// All changes after this version follow as [`Event::Presence`]. A later one than was asked for says that there are too many: who is
        /// in a list has to be read anew.
        since: u64,
        /// Who of the accounts that were named is here; the others are not.
        here: Vec<PresenceChange>,
        /// What there is to be listed, where that was asked for: it is as it was then.
        lists: ListVersions,
    },
    // --- Files ---
    /// The file may come, from here on: what is before is there already. Where that is all of it, the server has the content and it may be
    /// posted.
    Upload {
        /// Bytes that are there.
        from: u64,
    },
    /// The file is there so far.
    Received {
        /// Bytes that are there.
        upto: u64,
    },
    /// A file, with the message that it came with.
    File(SharedFile),
    /// A block of a file.
    Block(Block),
    /// Files, newest first.
    Files(Page<SharedFile>),
    // --- Reactions ---
    /// People who have reacted to a message, by sign.
    Reactors(Page<Reactor>),
}

/// Each list has an answer of its own, which is nothing but a page of it. What is none is given back.
macro_rules! pages {
    ($($variant:ident: $entry:ty),* $(,)?) => {$(
        impl TryFrom<Answer> for Page<$entry> {
            type Error = Answer;

            fn try_from(answer: Answer) -> Result<Self, Answer> {
                match answer {
                    Answer::$variant(page) => Ok(page),
                    other => Err(other),
                }
            }
        }

        impl From<Page<$entry>> for Answer {
            fn from(page: Page<$entry>) -> Self {
                Self::$variant(page)
            }
        }
    )*};
}

pages! {
    People: Person, Notices: NoticeSummary, Users: Account, Schedules: Scheduled, Templates: Template, Groups: Group, Devices: Device,
    Audit: AuditEntry, Exportable: Exportable, Exported: Message, Rooms: Room, Originals: Original, Shared: CommonPast,
    Files: SharedFile, Reactors: Reactor,
}

/// How the server is doing. Counters count from its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// The program's version.
    pub version: alloc::string::String,
    /// Since when it runs.
    pub started_at: UnixMillis,
    /// Connections with proven keys.
    pub connections: u64,
    /// Signed-in sessions.
    pub sessions: u64,
    /// Accounts with at least one session.
    pub people_online: u64,
    /// Accounts.
    pub accounts: u64,
    /// Stored messages.
    pub messages: u64,
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Datagrams dropped, for whatever reason.
    pub datagrams_dropped: u64,
    /// Packets declared lost and sent again.
    pub packets_retransmitted: u64,
    /// Handshakes completed.
    pub handshakes: u64,
    /// Median smoothed round-trip time over connections, in microseconds; 0 without connections.
    pub rtt_median_micros: u64,
    /// Median time from a job's arrival at the store to its commit over the last batches, in microseconds.
    pub store_latency_median_micros: u64,
    /// Size of the database in bytes.
    pub database_bytes: u64,
    /// Effective size of the socket's receive buffer in bytes.
    pub receive_buffer_bytes: u64,
}
