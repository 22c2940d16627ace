//! What a client asks, what the server answers, and what it tells unasked.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{
    Account, AccountName, Audience, AuditEntry, ConversationId, ConversationInfo, Device, DeviceId, Exportable, Group, GroupName,
    LedgerPage, Message, Notice, NoticeChange, NoticeDraft, NoticeId, NoticeSummary, Page, Password, Person, Place, PostId, PresenceChange,
    Preview, Progress, Receipt, Refusal, Role, RoomName, ScheduleId, Scheduled, Seq, Template, TemplateName, Text,
};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::time::UnixMillis;
use crate::wire::Channel;
use crate::wire::codec::{self, CodecError};

/// Something a client asks of the server. Every request is answered by one [`FromServer::Reply`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Sign in to an account. Answer: [`Answer::Welcome`].
    SignIn {
        /// Whose account.
        account: AccountName,
        /// Its password.
        password: Password,
        /// From now on this device may sign in without it.
        remember: bool,
    },
    /// Make an account and sign in to it. Answer: [`Answer::Welcome`].
    Register {
        /// The new account's name.
        account: AccountName,
        /// Its password.
        password: Password,
        /// From now on this device may sign in without it.
        remember: bool,
    },
    /// Tell again what signing in told: [`Event::Conversations`] and open notices. For a client whose queue overflowed. Answer: [`Answer::Done`].
    Sync,
    /// Say something. Answered with [`Answer::Posted`] only once it is stored; the same `post` again is answered the same and stored once.
    Post {
        /// Recognises a repetition.
        post: PostId,
        /// Where.
        to: Place,
        /// What.
        text: Text,
    },
    /// The messages after `after`, oldest first, at most `limit`. Answer: [`Answer::Page`].
    FetchAfter {
        /// Which conversation.
        conversation: ConversationId,
        /// The last one known.
        after: Seq,
        /// How many at most; the server may send fewer.
        limit: u32,
    },
    /// The newest messages before `before` (or the newest of all), at most `limit`. Answer: [`Answer::Page`].
    FetchBefore {
        /// Where.
        place: Place,
        /// Only messages before this one.
        before: Option<Seq>,
        /// How many at most; the server may send fewer.
        limit: u32,
    },
    /// People by name, after `after`. Answer: [`Answer::People`].
    Who {
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// A notice's receipt. Answer: [`Answer::Done`].
    Receipt {
        /// Which notice.
        notice: NoticeId,
        /// Which of its wordings.
        revision: u32,
        /// What to note.
        receipt: Receipt,
    },
    /// Send a notice (administrators). Answer: [`Answer::NoticeSent`], or [`Answer::NoticeScheduled`] for one that is sent later.
    SendNotice(NoticeDraft),
    /// Notices, newest first, before `before` (administrators). Answer: [`Answer::Notices`].
    ListNotices {
        /// Continue before this one.
        before: Option<NoticeId>,
    },
    /// A notice's ledger after `after` (administrators). Answer: [`Answer::Ledger`].
    NoticeStatus {
        /// Which notice.
        notice: NoticeId,
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// Make an account (administrators). Answer: [`Answer::Done`].
    AddUser {
        /// Its name.
        account: AccountName,
        /// Its password.
        password: Password,
        /// What it may do.
        role: Role,
    },
    /// Accounts by name, after `after` (administrators). Answer: [`Answer::Users`].
    ListUsers {
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// Give an account a new password: one's own, or any (administrators). Answer: [`Answer::Done`].
    SetPassword {
        /// Whose.
        account: AccountName,
        /// The new one.
        password: Password,
    },
    /// Change what an account may do (administrators). Answer: [`Answer::Done`].
    SetRole {
        /// Whose.
        account: AccountName,
        /// The new role.
        role: Role,
    },
    /// Let an account sign in or not (administrators). Disabling ends its sessions at once. Answer: [`Answer::Done`].
    SetDisabled {
        /// Whose.
        account: AccountName,
        /// Whether it is shut out.
        disabled: bool,
    },
    /// How the server is doing (administrators). Answer: [`Answer::Status`].
    Status,
    // --- Notices, groups, devices ---
    /// Sign in to an account from a device that it knows, without its password. Answer: [`Answer::Welcome`].
    SignInByDevice {
        /// Whose account.
        account: AccountName,
    },
    /// A notice that one is or was shown, as it is now. Answer: [`Answer::Notice`].
    FetchNotice {
        /// Which.
        notice: NoticeId,
    },
    /// Change a notice that was sent (administrators). Answer: [`Answer::NoticeChanged`].
    ChangeNotice {
        /// Which.
        notice: NoticeId,
        /// How.
        change: NoticeChange,
    },
    /// Whom an audience would reach (administrators). Answer: [`Answer::Preview`].
    PreviewNotice {
        /// The audiences, joined.
        audience: Vec<Audience>,
    },
    /// Notices that are to be sent later, after `after` (administrators). Answer: [`Answer::Schedules`].
    ListSchedules {
        /// Continue after this one.
        after: Option<ScheduleId>,
    },
    /// Do not send a scheduled notice (administrators). Answer: [`Answer::Done`].
    Unschedule {
        /// Which.
        schedule: ScheduleId,
    },
    /// Keep a template, in place of one of the same name (administrators). Answer: [`Answer::Done`].
    SaveTemplate(Template),
    /// Forget a template (administrators). Answer: [`Answer::Done`].
    RemoveTemplate {
        /// Which.
        name: TemplateName,
    },
    /// Templates by name, after `after` (administrators). Answer: [`Answer::Templates`].
    ListTemplates {
        /// Continue after this name.
        after: Option<TemplateName>,
    },
    /// Add accounts to a group, which is made if it is not there (administrators). Answer: [`Answer::Done`].
    AddToGroup {
        /// Which.
        group: GroupName,
        /// Whom.
        members: Vec<AccountName>,
    },
    /// Take accounts out of a group, or for an empty list remove the group (administrators). Answer: [`Answer::Done`].
    RemoveFromGroup {
        /// Which.
        group: GroupName,
        /// Whom.
        members: Vec<AccountName>,
    },
    /// Groups by name, after `after` (administrators). Answer: [`Answer::Groups`].
    ListGroups {
        /// Continue after this name.
        after: Option<GroupName>,
    },
    /// The accounts in a group by name, after `after` (administrators). Answer: [`Answer::People`].
    GroupMembers {
        /// Which.
        group: GroupName,
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// An account's devices: one's own, or anybody's (administrators). Answer: [`Answer::Devices`].
    ListDevices {
        /// Whose.
        account: AccountName,
    },
    /// End a device's sessions and let it not connect again: one's own, or anybody's (administrators). Answer: [`Answer::Done`].
    RevokeDevice {
        /// Whose.
        account: AccountName,
        /// Which.
        device: DeviceId,
    },
    /// Who did what on whom, newest first (administrators). Answer: [`Answer::Audit`].
    ReadAudit {
        /// Only entries before this one.
        before: Option<u64>,
    },
    /// The conversations that one may export: one's own, or for administrators all. Answer: [`Answer::Exportable`].
    Exportable {
        /// Only this room.
        room: Option<RoomName>,
        /// Continue after this one.
        after: Option<ConversationId>,
    },
    /// Messages for an export, from the first that is kept; one has asked for [`Request::Exportable`] before. Answer: [`Answer::Exported`].
    ExportPage {
        /// Which conversation.
        conversation: ConversationId,
        /// The last message known.
        after: Seq,
    },
}

impl Request {
    /// The channel a request travels on: short acts on control, what people write and lists of names on chat, pages on history.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Post { .. }
            | Self::Receipt { .. }
            | Self::SendNotice(_)
            | Self::ChangeNotice { .. }
            | Self::PreviewNotice { .. }
            | Self::SaveTemplate(_)
            | Self::AddToGroup { .. }
            | Self::RemoveFromGroup { .. } => Channel::Chat,
            Self::FetchAfter { .. }
            | Self::FetchBefore { .. }
            | Self::Who { .. }
            | Self::ListNotices { .. }
            | Self::NoticeStatus { .. }
            | Self::ListUsers { .. }
            | Self::ListSchedules { .. }
            | Self::ListTemplates { .. }
            | Self::ListGroups { .. }
            | Self::GroupMembers { .. }
            | Self::ListDevices { .. }
            | Self::ReadAudit { .. }
            | Self::Exportable { .. }
            | Self::ExportPage { .. } => Channel::History,
            Self::FetchNotice { .. }
            | Self::SignIn { .. }
            | Self::Register { .. }
            | Self::AddUser { .. }
            | Self::SetPassword { .. }
            | Self::SetRole { .. }
            | Self::SetDisabled { .. }
            | Self::Sync
            | Self::Status
            | Self::SignInByDevice { .. }
            | Self::Unschedule { .. }
            | Self::RemoveTemplate { .. }
            | Self::RevokeDevice { .. } => Channel::Control,
        }
    }

    /// The channel of its answer: the request's own, but for what a screen shows as a notice, which comes on that channel and no other.
    pub const fn answer_channel(&self) -> Channel {
        match self {
            Self::FetchNotice { .. } => Channel::Notice,
            asked => asked.channel(),
        }
    }

    /// Whether asking twice does no more than asking once, so that a client may ask again after a lost connection.
    pub const fn is_repeatable(&self) -> bool {
        !matches!(
            self,
            // Twice taken back is refused the second time, and twice reminded is once too often.
            Self::Register { .. }
                | Self::AddUser { .. }
                | Self::ChangeNotice { .. }
                | Self::Unschedule { .. }
                | Self::RemoveTemplate { .. }
                | Self::RemoveFromGroup { .. }
        )
    }
}

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
    },
    /// The message is stored.
    Posted {
        /// The conversation it went to.
        conversation: ConversationId,
        /// Its place there.
        seq: Seq,
    },
    /// Messages.
    Page(Page),
    /// People by name.
    People {
        /// The people.
        people: Vec<Person>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// The notice is stored and on its way.
    NoticeSent {
        /// Its number.
        notice: NoticeId,
        /// Where it stands.
        progress: Progress,
    },
    /// Notices, newest first.
    Notices {
        /// The notices.
        notices: Vec<NoticeSummary>,
        /// More follow before the last one of these.
        more: bool,
    },
    /// A part of a notice's ledger.
    Ledger(Box<LedgerPage>),
    /// Accounts by name.
    Users {
        /// The accounts.
        users: Vec<Account>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// How the server is doing.
    Status(ServerStatus),
    // --- Notices, groups, devices ---
    /// The notice is to be sent later.
    NoticeScheduled {
        /// The server's number for that.
        schedule: ScheduleId,
        /// When.
        at: UnixMillis,
    },
    /// The notice as it is now. Only believed when it comes on the notice channel.
    Notice(Notice),
    /// The notice is changed: as it is now, and how far it has come.
    NoticeChanged(Box<NoticeSummary>),
    /// Whom it would reach.
    Preview(Preview),
    /// Notices that are to be sent later, in the order they were scheduled.
    Schedules {
        /// The notices.
        schedules: Vec<Scheduled>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// Templates by name.
    Templates {
        /// The templates.
        templates: Vec<Template>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// Groups by name.
    Groups {
        /// The groups.
        groups: Vec<Group>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// An account's devices, those seen last first.
    Devices(Vec<Device>),
    /// Lines of the audit log, newest first.
    Audit {
        /// The lines.
        entries: Vec<AuditEntry>,
        /// More follow before the last one of these.
        more: bool,
    },
    /// Conversations that can be exported.
    Exportable {
        /// The conversations.
        conversations: Vec<Exportable>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// Messages of a conversation in their order.
    Exported {
        /// The messages.
        messages: Vec<Message>,
        /// More follow after the last one of these.
        more: bool,
    },
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

/// Something the server tells unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The conversations one is in, in several parts; the first of them begins a new list.
    Conversations {
        /// Some of them.
        conversations: Vec<ConversationInfo>,
        /// More parts follow.
        more: bool,
    },
    /// A conversation one was not in before.
    Conversation(ConversationInfo),
    /// A message has been stored.
    Message(Message),
    /// People came or went.
    Presence(Vec<PresenceChange>),
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

/// One message of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FromClient {
    /// The client's number for the request; its answer carries the same.
    pub id: u32,
    /// What is asked.
    pub request: Request,
}

/// One message of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromServer {
    /// The answer to a request.
    Reply {
        /// The request's number.
        id: u32,
        /// What came of it.
        result: Result<Answer, Refusal>,
    },
    /// Something unasked.
    Event(Event),
}

/// The bytes of a message for the transport.
///
/// # Errors
/// [`CodecError::TooLarge`] beyond [`MESSAGE_BYTES_MAX`].
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    codec::encode::<MESSAGE_BYTES_MAX>(message)
}

/// Reads what a client sent.
///
/// # Errors
/// [`CodecError`] for anything that is not exactly one message.
pub fn decode_from_client(bytes: &[u8]) -> Result<FromClient, CodecError> {
    codec::decode::<MESSAGE_BYTES_MAX, _>(bytes)
}

/// Reads what the server sent.
///
/// # Errors
/// [`CodecError`] for anything that is not exactly one message.
pub fn decode_from_server(bytes: &[u8]) -> Result<FromServer, CodecError> {
    codec::decode::<MESSAGE_BYTES_MAX, _>(bytes)
}
