//! What the store answers.

use belfry_core::chat::{
    Account, AccountId, AccountName, AuditEntry, ConversationId, ConversationInfo, Device, Exportable, Found, Group, Message, Notice,
    NoticeSummary, Obstacle, Original, Progress, Refusal, Room, Seq,
};

use super::{Bite, Part, StoredAccount, StoredEntry, StoredLogin, StoredNotice, StoredPerson, StoredPlace, StoredSchedule, Ticket};

/// What became of a job. Nothing is answered before the commit that holds it.
#[derive(Clone, Debug)]
pub struct Done {
    /// The job's ticket.
    pub ticket: Ticket,
    /// What came of it. An `Err` has changed nothing.
    pub result: Result<Outcome, Refusal>,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What is known of somebody at the door; `None` for nobody.
    LookedUp(Option<Box<StoredLogin>>),
    /// The account exists now.
    AccountAdded {
        /// Its number.
        account: AccountId,
    },
    /// It is changed.
    Changed,
    /// A scheduled notice was not sent; why is noted.
    NotSent,
    /// What is planned, each with what keeps it from being sent as things are.
    Schedules {
        /// Scheduled notices in the order of their numbers.
        schedules: Vec<(StoredSchedule, Option<Obstacle>)>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// It is done for the account of the name that was asked for.
    Account {
        /// Its number.
        account: AccountId,
    },
    /// What somebody comes back to.
    SignedIn {
        /// Who they are.
        account: StoredAccount,
        /// Every conversation they are in, with its newest message.
        conversations: Vec<ConversationInfo>,
        /// Open notices they have not answered, oldest first.
        notices: Vec<Notice>,
    },
    /// The message is stored, now or before.
    Posted {
        /// The message.
        message: Message,
        /// Whom to tell.
        place: StoredPlace,
        /// It was stored by an earlier job: tell the author, nobody else.
        repeated: bool,
        /// This message began the direct conversation: those in it have not heard of it. Their names, in the order of their numbers.
        began: Option<[AccountName; 2]>,
    },
    /// Messages, oldest first.
    Page {
        /// The conversation as the asker sees it; `None` for a direct conversation that has not begun.
        conversation: Option<ConversationInfo>,
        /// The messages, ending when [`PAGE_BYTES_MAX`](belfry_core::limits::PAGE_BYTES_MAX) or the limit is reached.
        messages: Vec<Message>,
    },
    /// The notice is stored, now or before.
    NoticeSent {
        /// The notice.
        sent: Box<StoredNotice>,
        /// It was stored by an earlier job: tell the author, nobody else.
        repeated: bool,
    },
    /// Whom an audience would reach.
    Preview {
        /// Everyone is among the audiences.
        everyone: bool,
        /// The people in order of their numbers, and whether they have ever been here.
        people: Vec<(AccountId, bool)>,
    },
    /// The receipt is noted.
    Receipt {
        /// Who sent the notice.
        author: AccountId,
        /// Where it stands.
        progress: Progress,
        /// The receipt said something new.
        changed: bool,
        /// It was the person's answer: the notice with it.
        answered: Option<Box<Notice>>,
    },
    /// Notices, newest first.
    Notices {
        /// The notices.
        notices: Vec<NoticeSummary>,
        /// More follow.
        more: bool,
    },
    /// A part of a ledger.
    Ledger {
        /// The notice and its totals.
        summary: NoticeSummary,
        /// Its people.
        entries: Vec<StoredEntry>,
        /// More follow.
        more: bool,
    },
    /// What the database holds.
    Size {
        /// Stored messages.
        messages: u64,
        /// Bytes of the database.
        bytes: u64,
    },
    // --- Notices, groups, devices ---
    /// A notice with everybody it is for.
    NoticeNow(Box<StoredNotice>),
    /// A notice as the asker sees it.
    Notice(Box<Notice>),
    /// The notice is kept until its time comes.
    Scheduled(Box<StoredSchedule>),
    /// An account's devices, those seen last first. `connected` is the hub's to fill in.
    Devices {
        /// Whose they are.
        account: AccountId,
        /// They.
        devices: Vec<Device>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// Lines of the audit log, newest first.
    Audit {
        /// The lines.
        entries: Vec<AuditEntry>,
        /// More follow.
        more: bool,
    },
    /// A bite is done.
    Tidied {
        /// Rows that were taken out.
        removed: u64,
        /// Where to go on; `None` when everything has been looked at.
        next: Option<Bite>,
    },
    /// Conversations in order of their numbers.
    Exportable {
        /// The conversations.
        conversations: Vec<Exportable>,
        /// More follow.
        more: bool,
    },
    /// Messages in order.
    Exported {
        /// The messages.
        messages: Vec<Message>,
        /// More follow.
        more: bool,
    },
    // --- Rooms, and what becomes of messages ---
    /// People in order of names. Who is here is the hub's to fill in.
    People {
        /// The people.
        people: Vec<StoredPerson>,
        /// More follow.
        more: bool,
    },
    /// Accounts in order of names.
    Accounts {
        /// The accounts.
        accounts: Vec<(AccountId, Account)>,
        /// More follow.
        more: bool,
    },
    /// What would go.
    WouldGo {
        /// Messages.
        messages: Part,
        /// Notices.
        notices: Part,
        /// Lines of the audit log.
        audit: Part,
    },
    /// Groups in order of names.
    Groups {
        /// The groups.
        groups: Vec<Group>,
        /// More follow.
        more: bool,
    },
    /// Rooms in order of names.
    Rooms {
        /// The rooms.
        rooms: Vec<Room>,
        /// More follow.
        more: bool,
    },
    /// Somebody may join a room.
    Invited {
        /// Who.
        account: AccountId,
        /// Who asks them.
        by: AccountName,
        /// They neither were in it nor had been asked before.
        news: bool,
    },
    /// A conversation as the one who came into it sees it.
    Entered(ConversationInfo),
    /// A message as it is now.
    Altered {
        /// It.
        message: Message,
        /// Whom to tell.
        place: StoredPlace,
        /// It was so before.
        repeated: bool,
    },
    /// Altered messages in the order of their last alterations.
    AlteredSince {
        /// The messages.
        messages: Vec<Message>,
        /// More follow.
        more: bool,
        /// The number of the conversation's last alteration.
        last: u64,
    },
    /// Somebody has read so far.
    Read {
        /// Which conversation.
        conversation: ConversationId,
        /// The last message that they have read.
        read: Seq,
        /// How many are newer.
        unread: u64,
        /// They had not before.
        moved: bool,
    },
    /// What a search has found.
    Found(Found),
    /// What stood where a message was altered, the oldest first.
    Originals {
        /// The texts.
        originals: Vec<Original>,
        /// More follow.
        more: bool,
    },
}
