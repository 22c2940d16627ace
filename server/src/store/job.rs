//! What the store is asked: plain data across the thread border.

use std::net::SocketAddr;

use belfry_core::chat::{
    AccountId, AccountName, Audience, ConversationId, DeviceId, GroupName, LedgerView, NoticeChange, NoticeDraft, NoticeId, PostId,
    ProfileChange, Receipt, Role, RoomName, ScheduleId, Seq, Template, TemplateName, Text,
};
use belfry_core::source::Source;
use belfry_core::time::UnixMillis;

use super::{FileJob, List, MessageJob, RoomJob, Target};

#[cfg(doc)]
use super::Outcome;
#[cfg(doc)]
use belfry_core::chat::{Answer, Refusal};

/// The hub's number for a job; the answer carries the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobTicket(pub u64);

/// One thing to do. Jobs are done in the order they were handed in; those of one batch share one transaction and one sync to disk.
#[derive(Clone, Debug)]
pub struct Job {
    /// Whose answer it is.
    pub ticket: JobTicket,
    /// The wall clock when it was asked for; every time the job stores is this one.
    pub at: UnixMillis,
    /// What to do.
    pub work: Work,
}

/// Which notice is on its way to whom on which device.
pub type QueuedNotice = (NoticeId, AccountId, DeviceId);

/// A notice that has come to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoticeDelivery {
    /// Which notice.
    pub notice: NoticeId,
    /// Which wording of it.
    pub revision: u32,
    /// Whose device.
    pub account: AccountId,
    /// Which of theirs.
    pub device: DeviceId,
    /// When it was sent there, where that is not noted yet.
    pub queued_at: Option<UnixMillis>,
}

/// What a person's screen reports of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenReport {
    /// Which notice.
    pub notice: NoticeId,
    /// Which wording of it.
    pub revision: u32,
    /// Whose screen.
    pub account: AccountId,
    /// The device that it belongs to.
    pub device: DeviceId,
    /// The notice was visible on it; otherwise it is locked, and the notice waits behind that.
    pub visible: bool,
}

/// What to do.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "a variant says what is to be done; a field is explained where its name does not say it all")]
pub enum Work {
    /// Read what is known of somebody who wants to sign in. Outcome: [`Outcome::LookedUp`].
    LookUp {
        name: AccountName,
        /// The device that they come with.
        device: DeviceId,
        /// Where that is.
        source: Source,
    },
    /// Keep another hash of the same password in place of this one, unless the account has a new password by now. Outcome:
    /// [`Outcome::Changed`].
    RenewHash {
        account: AccountId,
        /// The hash that it has.
        from: String,
        /// The one that it gets.
        to: String,
    },
    /// Make an account. Outcome: [`Outcome::AccountAdded`]; refused with [`Refusal::NameTaken`].
    AddAccount {
        /// Its name, unique by its key.
        name: AccountName,
        /// Its argon2id hash in PHC form.
        password_hash: String,
        role: Role,
    },
    /// Replace a password hash. Outcome: [`Outcome::NamedAccount`]; refused with [`Refusal::UnknownAccount`].
    SetPassword {
        account: AccountName,
        /// Its argon2id hash in PHC form.
        password_hash: String,
        /// Which devices do not need it.
        remembered: Remembered,
    },
    /// Change a role. Outcome: [`Outcome::NamedAccount`]; refused with [`Refusal::UnknownAccount`], [`Refusal::LastAdmin`].
    SetRole { account: AccountName, role: Role },
    /// Shut an account out or let it in again. Outcome: [`Outcome::NamedAccount`]; refused with [`Refusal::UnknownAccount`],
    /// [`Refusal::LastAdmin`].
    SetDisabled {
        account: AccountName,
        /// Whether it is shut out.
        disabled: bool,
    },
    /// Say something else of somebody. Outcome: [`Outcome::ProfileSet`]; refused with [`Refusal::UnknownAccount`], [`Refusal::NameTaken`].
    SetProfile { account: AccountName, changes: Vec<ProfileChange> },
    /// Find an account by its name. Outcome: [`Outcome::NamedAccount`]; refused with [`Refusal::UnknownAccount`].
    Find { name: AccountName },
    /// Somebody has proven who they are: note it, also what they have missed, and read what they come back to. Outcome:
    /// [`Outcome::Overview`]; refused with [`Refusal::AccountDisabled`], [`Refusal::UnknownDevice`].
    SignIn {
        account: AccountId,
        /// On which device, from where.
        visitor: Visitor,
    },
    /// Read the same as signing in does, and note nothing. Outcome: [`Outcome::Overview`].
    Overview { account: AccountId },
    /// Somebody left, or at least one of their devices: note when they were last here. Outcome: [`Outcome::Changed`].
    Seen { account: AccountId, device: DeviceId },
    /// Store a message unless `post` is stored already. Outcome: [`Outcome::Posted`].
    Post {
        account: AccountId,
        /// Recognises a repetition.
        post: PostId,
        to: Target,
        text: Text,
        /// The message of that conversation that it replies to.
        reply_to: Option<Seq>,
    },
    /// Read the messages after `after`. Outcome: [`Answer::Page`]; refused with [`Refusal::UnknownConversation`].
    FetchAfter {
        /// Who asks: a direct conversation is read only by its two people.
        account: AccountId,
        conversation: ConversationId,
        after: Seq,
        limit: u32,
    },
    /// Read the newest messages before `before`. Outcome: [`Answer::Page`], empty for a direct conversation that has not begun.
    FetchBefore {
        account: AccountId,
        of: Target,
        /// Only messages before this one; `None` for the newest.
        before: Option<Seq>,
        limit: u32,
    },
    /// Store a notice and its audience unless `draft.post` is stored already. Outcome: [`Outcome::NoticeSent`]; refused with
    /// [`Refusal::UnknownAccount`], [`Refusal::UnknownRoom`], [`Refusal::UnknownGroup`], [`Refusal::EmptyAudience`],
    /// [`Refusal::ConfirmationNeeded`].
    SendNotice {
        author: AccountId,
        /// What; if it offers no answer, it offers the default one.
        draft: NoticeDraft,
    },
    /// A scheduled notice's time has come: send it if it is not over, its author still may and it is for anybody, and note when it is
    /// sent next in any case. Outcome: [`Outcome::NoticeSent`], or [`Outcome::NotSent`] when that is noted with the reason; refused with
    /// [`Refusal::UnknownSchedule`].
    Occur(Occurrence),
    /// Find whom an audience would reach now. Outcome: [`Outcome::Reachable`]; refused as [`Work::SendNotice`].
    Preview {
        /// Who would send it.
        author: AccountId,
        audience: Vec<Audience>,
    },
    /// Note a receipt: reached, visible and answered are each kept from the first time, and each implies those before it.
    /// Outcome: [`Outcome::ReceiptNoted`]; refused with [`Refusal::UnknownNotice`], [`Refusal::UnknownAnswer`], [`Refusal::NoticeClosed`] (answers only).
    Receipt {
        account: AccountId,
        /// From which device.
        device: DeviceId,
        notice: NoticeId,
        /// Which of its wordings.
        revision: u32,
        receipt: Receipt,
    },
    /// List notices, newest first. Outcome: [`Answer::Notices`].
    ListNotices {
        /// Continue before this one.
        before: Option<NoticeId>,
        limit: u32,
    },
    /// Read a notice's ledger. Outcome: [`Outcome::Ledger`]; refused with [`Refusal::UnknownNotice`], [`Refusal::UnknownGroup`].
    Ledger { notice: NoticeId, view: LedgerView, after: Option<AccountName>, limit: u32 },
    /// Measure the database. Outcome: [`Outcome::Size`].
    Size,
    // --- Notices, groups, devices ---
    /// Change an open notice. Outcome: [`Outcome::NoticeNow`]; refused with [`Refusal::UnknownNotice`], [`Refusal::NoticeClosed`].
    ChangeNotice { notice: NoticeId, change: NoticeChange },
    /// Read a notice with everybody it is for. Outcome: [`Outcome::NoticeNow`].
    ReadNotice { notice: NoticeId },
    /// Read a notice as one of its people sees it. Outcome: [`Answer::Notice`].
    FetchNotice { account: AccountId, notice: NoticeId },
    /// Notices have reached programs that show them. What is for nobody there, or not there any more, is left out. Outcome:
    /// [`Outcome::Reached`].
    Reached {
        /// What and where.
        deliveries: Vec<NoticeDelivery>,
    },
    /// Screens have shown notices, or are locked. What is for nobody there, or not there any more, is left out. Outcome:
    /// [`Outcome::Reached`].
    Screens {
        /// What and where; of one person in the order in which it happened.
        reports: Vec<ScreenReport>,
    },
    /// Notices are on their way to devices. Outcome: [`Outcome::Changed`].
    Queued {
        /// What and where to.
        deliveries: Vec<QueuedNotice>,
    },
    /// Keep a notice to be sent later unless `draft.post` is kept already. Outcome: [`Outcome::Scheduled`]; refused as
    /// [`Work::SendNotice`].
    AddSchedule {
        author: AccountId,
        /// When it is sent.
        next_at: UnixMillis,
        draft: NoticeDraft,
    },
    /// Forget a scheduled notice. Outcome: [`Outcome::Changed`]; refused with [`Refusal::UnknownSchedule`].
    Unschedule(ScheduleId),
    /// Keep a template. Outcome: [`Outcome::Changed`].
    SaveTemplate(Template),
    /// Forget a template. Outcome: [`Outcome::Changed`].
    RemoveTemplate { name: TemplateName },
    /// Add accounts to a group, which is made if it is not there. Outcome: [`Outcome::Changed`]; refused with
    /// [`Refusal::UnknownAccount`], [`Refusal::TooMany`].
    AddToGroup { group: GroupName, members: Vec<AccountName> },
    /// Take accounts out of a group, or remove it. Outcome: [`Outcome::Changed`]; refused with [`Refusal::UnknownAccount`],
    /// [`Refusal::UnknownGroup`].
    RemoveFromGroup {
        group: GroupName,
        /// Whom; nobody stands for everybody and the group itself.
        members: Vec<AccountName>,
    },
    /// Do something unless a scheduled notice could then not be sent any more. Outcome: that of the work; refused with
    /// [`Refusal::StopsSchedules`].
    UnlessItStopsNotices(Box<Work>),
    /// List an account's devices. Outcome: [`Outcome::Devices`]; refused with [`Refusal::UnknownAccount`].
    ListDevices { account: AccountName, after: Option<DeviceId> },
    /// Shut a device out. Outcome: [`Outcome::NamedAccount`]; refused with [`Refusal::UnknownAccount`], [`Refusal::NoSuchDevice`].
    RevokeDevice { account: AccountName, device: DeviceId },
    /// Do something that administrators do, and note it in the same transaction. Outcome: that of `work`; what is refused is not noted.
    Audited { entry: AuditRecord, work: Box<Work> },
    /// Read the audit log, newest first. Outcome: [`Answer::Audit`].
    ReadAudit {
        /// Only entries before this one.
        before: Option<u64>,
        limit: u32,
    },
    /// The clock was ahead until now, and showed this time: what was noted by it and decides what is yet to come is put right. Outcome:
    /// [`Outcome::ClockSetBack`].
    SetClockBack {
        /// What it would show had nobody set it.
        from: UnixMillis,
    },
    /// Take out one bite of what is kept no longer. Outcome: [`Outcome::Tidied`].
    Tidy {
        /// Messages that were sent earlier go, from the beginning of each conversation.
        messages_before: Option<UnixMillis>,
        /// Of each conversation only the newest so many stay.
        messages_kept: Option<u64>,
        /// There are rooms that say for themselves how long their messages are kept.
        rooms_differ: bool,
        /// Notices that were sent earlier go, unless their expiry is to come.
        notices_before: Option<UnixMillis>,
        /// Entries of the audit log that are older go.
        audit_before: Option<UnixMillis>,
        /// Where to go on.
        bite: Bite,
    },
    /// List the conversations that somebody may export. Outcome: [`Answer::Exportable`]; refused with [`Refusal::UnknownRoom`].
    Exportable {
        account: AccountId,
        /// Not only those they are in.
        all: bool,
        /// Only this room.
        room: Option<RoomName>,
        after: Option<ConversationId>,
    },
    /// Read messages for an export. Outcome: [`Answer::Exported`]; refused with [`Refusal::UnknownConversation`].
    ExportPage {
        account: AccountId,
        /// Also if they are not in it.
        all: bool,
        conversation: ConversationId,
        after: Seq,
        limit: u32,
    },
    /// Something about who is in which room.
    Room(RoomJob),
    /// Something about messages that are there already.
    Message(MessageJob),
    /// A page of a list.
    List(List),
    /// Something about files.
    File(FileJob),
}

/// What a job does to the database, and so where it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkKind {
    /// It changes something: the one connection that writes, in a transaction.
    Writes,
    /// It reads what it takes no time to read: the same, in its turn.
    Reads,
    /// It may take so long that what is said meanwhile must not wait for it.
    ReadsAside(Aside),
}

/// A thread that only reads. A list takes a millisecond or two and must not wait for somebody's search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aside {
    /// Lists and previews.
    Lists,
    /// Searches.
    Searches,
}

impl Work {
    /// The same, noted in the audit log when it is done if `record` says as what.
    pub fn noted_as(self, record: Option<AuditRecord>) -> Self {
        match record {
            Some(entry) => Self::Audited { entry, work: Box::new(self) },
            None => self,
        }
    }

    /// What it does to the database.
    pub(super) const fn kind(&self) -> WorkKind {
        match self {
            Self::AddAccount { .. }
            | Self::RenewHash { .. }
            | Self::SetPassword { .. }
            | Self::SetRole { .. }
            | Self::SetProfile { .. }
            | Self::SetDisabled { .. }
            | Self::SignIn { .. }
            | Self::Seen { .. }
            | Self::Post { .. }
            | Self::SendNotice { .. }
            | Self::Occur(_)
            | Self::Receipt { .. }
            | Self::ChangeNotice { .. }
            | Self::Reached { .. }
            | Self::Screens { .. }
            | Self::Queued { .. }
            | Self::AddSchedule { .. }
            | Self::Unschedule(_)
            | Self::SaveTemplate(_)
            | Self::RemoveTemplate { .. }
            | Self::AddToGroup { .. }
            | Self::RemoveFromGroup { .. }
            | Self::RevokeDevice { .. }
            | Self::Audited { .. }
            | Self::UnlessItStopsNotices(_)
            | Self::Room(_)
            | Self::Message(
                MessageJob::Alter { .. } | MessageJob::MarkRead { .. } | MessageJob::Arrange { .. } | MessageJob::React { .. },
            )
            | Self::SetClockBack { .. }
            | Self::File(FileJob::Uploaded { .. } | FileJob::Post { .. } | FileJob::Sweep { .. } | FileJob::Forget { .. })
            | Self::Tidy { .. } => WorkKind::Writes,
            Self::LookUp { .. }
            | Self::Find { .. }
            | Self::Overview { .. }
            | Self::FetchAfter { .. }
            | Self::FetchBefore { .. }
            | Self::ListNotices { .. }
            | Self::Ledger { .. }
            | Self::ReadNotice { .. }
            | Self::FetchNotice { .. }
            | Self::ListDevices { .. }
            | Self::Size
            | Self::ReadAudit { .. }
            | Self::Exportable { .. }
            | Self::ExportPage { .. }
            | Self::File(FileJob::Find { .. })
            | Self::Message(MessageJob::AlteredSince { .. } | MessageJob::Originals { .. } | MessageJob::Reactors { .. }) => {
                WorkKind::Reads
            }
            Self::List(_) | Self::Preview { .. } | Self::File(FileJob::Offer { .. } | FileJob::Content { .. } | FileJob::List { .. }) => {
                WorkKind::ReadsAside(Aside::Lists)
            }
            Self::Message(MessageJob::Search { .. }) => WorkKind::ReadsAside(Aside::Searches),
        }
    }
}

/// Which of an account's devices go on signing in without the password once it is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// All that did.
    All,
    /// This one if it did, and no other.
    Only(Option<DeviceId>),
}

/// A scheduled notice's time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The scheduled notice.
    pub schedule: ScheduleId,
    /// The time that has come.
    pub at: UnixMillis,
    /// When it is sent next; `None` for never again.
    pub next_at: Option<UnixMillis>,
}

/// What signs in: the device that the handshake has proven, where it is, and how it is to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The key that the handshake has proven.
    pub device: DeviceId,
    /// Its address and port.
    pub address: SocketAddr,
    /// What that address counts as.
    pub source: Source,
    /// It may sign in without the password from now on.
    pub remember: bool,
    /// How the person behind it has shown who they are.
    pub proven_by: ProvenBy,
}

/// By what somebody has shown that an account is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvenBy {
    /// The password, or having just made the account.
    Password,
    /// Nothing but the device, which must be one that may do without.
    Device,
}

/// A line for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Who did it.
    pub account: AccountId,
    /// What: one word of the list in `docs/COMMANDS.md`.
    pub act: &'static str,
    /// On whom or what; empty for a notice that is about to get its number.
    pub object: String,
    /// Whatever else is worth knowing.
    pub detail: String,
}

/// A part of tidying that is small enough for others not to wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bite {
    /// Messages, from this conversation on.
    Messages(ConversationId),
    /// Notices, the audit log, and the room in the file.
    Rest,
}
