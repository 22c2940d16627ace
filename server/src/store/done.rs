//! What the store answers.

use belfry_core::chat::{
    Account, AccountId, AccountName, Answer, Arrangement, ConversationId, ConversationInfo, Device, Keep, LedgerTally, Message,
    NamedProfile, Notice, NoticeId, NoticeSummary, Obstacle, Page, Progress, Refusal, Seq,
};
use belfry_core::time::UnixMillis;

use super::{
    Bite, JobTicket, Offered, Proportion, StoredAccount, StoredContent, StoredEntry, StoredLogin, StoredNotice, StoredPerson, StoredPlace,
    StoredSchedule, Unreferenced,
};

/// What became of a job. Nothing is answered before the commit that holds it.
#[derive(Clone, Debug)]
pub struct Done {
    /// The job's ticket.
    pub ticket: JobTicket,
    /// What came of it. An `Err` has changed nothing.
    pub result: Result<Outcome, Refusal>,
}

macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident($held:ty),)*) => {
        /// What came of a job.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Outcome {
            $($(#[$doc])* $name($held),)*
        }

        $(
            impl From<$held> for Outcome {
                fn from(held: $held) -> Self {
                    Self::$name(held)
                }
            }

            impl TryFrom<Outcome> for $held {
                type Error = Outcome;

                fn try_from(outcome: Outcome) -> Result<Self, Outcome> {
                    match outcome {
                        Outcome::$name(held) => Ok(held),
                        other => Err(other),
                    }
                }
            }
        )*
    };
}

outcomes! {
    /// What was to be read, as it is answered.
    Read(Answer),
    /// It is changed.
    Changed(Changed),
    /// What is known of somebody who wants to sign in; `None` for nobody.
    LookedUp(Option<Box<StoredLogin>>),
    /// An account exists now.
    AccountAdded(AccountAdded),
    /// It is done for the account of the name that was asked for.
    NamedAccount(NamedAccount),
    /// What is said of somebody now.
    ProfileSet(NamedProfile),
    /// What somebody comes back to.
    Overview(Overview),
    /// A message is stored, now or before.
    Posted(Posted),
    /// A message as its author has changed it.
    MessageAltered(MessageAltered),
    /// Somebody has read so far.
    ReadUpTo(ReadUpTo),
    /// How somebody has arranged a conversation.
    Arranged(Arranged),
    /// A conversation as the one who came into it sees it.
    Entered(ConversationInfo),
    /// Somebody may join a room.
    Invited(Invitation),
    /// A notice is stored, now or before.
    NoticeSent(NoticeSent),
    /// A scheduled notice was not sent; why is noted.
    NotSent(NotSent),
    /// A notice with everybody it is for.
    NoticeNow(Box<StoredNotice>),
    /// A notice is kept until its time comes.
    Scheduled(Box<StoredSchedule>),
    /// What has reached programs is noted.
    Reached(Reached),
    /// A receipt is noted.
    ReceiptNoted(ReceiptNoted),
    /// Whom an audience would reach.
    Reachable(Reachable),
    /// A part of a ledger. Who is here is the hub's to fill in.
    Ledger(StoredLedger),
    /// People in order of names. Who is here is the hub's to fill in.
    People(Page<StoredPerson>),
    /// Accounts in order of names. Who is here is the hub's to fill in.
    Accounts(Page<(AccountId, Account)>),
    /// What is planned in the order of its numbers, each with what keeps it from being sent as things are.
    Schedules(Page<(StoredSchedule, Option<Obstacle>)>),
    /// An account's devices.
    Devices(StoredDevices),
    /// What the database holds.
    Size(DatabaseSize),
    /// How long a room's messages are kept now.
    RoomKept(Keep),
    /// What would go.
    WouldGo(WouldGo),
    /// A bite is done.
    Tidied(Tidied),
    /// What was noted by a clock that was ahead is put right.
    ClockSetBack(ClockSetBack),
    /// Whether somebody who wants to send a content need not.
    Offered(Offered),
    /// What a file holds.
    StoredContent(StoredContent),
    /// Contents that nobody refers to.
    Unreferenced(Unreferenced),
}

impl Outcome {
    /// What came of the job, which must be of the kind that the job says.
    ///
    /// # Errors
    /// [`Refusal::StoreFailed`] for another kind: a fault of ours. Its words are people's, so the log has only its kind.
    pub fn expect<T: TryFrom<Self, Error = Self>>(self) -> Result<T, Refusal> {
        T::try_from(self).map_err(|other| {
            tracing::error!(kind = ?core::mem::discriminant(&other), "a database job has an answer of another kind than it should");
            Refusal::StoreFailed
        })
    }
}

/// Something is changed, and there is nothing more to say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed;

/// An account exists now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountAdded {
    /// Its number.
    pub account: AccountId,
}

/// The account of a name that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedAccount {
    /// Its number.
    pub account: AccountId,
}

/// What somebody comes back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Who they are.
    pub account: StoredAccount,
    /// Every conversation they are in, with its newest message.
    pub conversations: Vec<ConversationInfo>,
    /// Open notices they have not answered, oldest first.
    pub notices: Vec<Notice>,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The message.
    pub message: Message,
    /// Whom to tell.
    pub place: StoredPlace,
    /// It was stored by an earlier job: tell the author, nobody else.
    pub repeated: bool,
    /// This message began the direct conversation: those in it have not heard of it. Their names, in the order of their numbers.
    pub began: Option<[AccountName; 2]>,
}

/// A message as its author has changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageAltered {
    /// The message.
    pub message: Message,
    /// Whom to tell.
    pub place: StoredPlace,
    /// It was so before.
    pub repeated: bool,
}

/// How far somebody has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadUpTo {
    /// Which conversation.
    pub conversation: ConversationId,
    /// The last message that they have read.
    pub read: Seq,
    /// How many are newer.
    pub unread: u64,
    /// They had not before.
    pub moved: bool,
}

/// How somebody has arranged a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arranged {
    /// Which conversation.
    pub conversation: ConversationId,
    /// As it is now.
    pub arrangement: Arrangement,
    /// It was so before.
    pub repeated: bool,
}

/// Somebody may join a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Who may.
    pub account: AccountId,
    /// Who asks them.
    pub by: AccountName,
    /// They neither were in it nor had been asked before.
    pub news: bool,
}

/// A stored notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeSent {
    /// The notice.
    pub sent: Box<StoredNotice>,
    /// It was stored by an earlier job: tell the author, nobody else.
    pub repeated: bool,
}

/// A scheduled notice was not sent; why is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSent;

/// What deliveries or the reports of screens have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The notices that came further by that.
    pub progress: Vec<NoticeProgress>,
}

/// How far a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeProgress {
    /// Which notice.
    pub notice: NoticeId,
    /// Who sent it.
    pub author: AccountId,
    /// Where it stands.
    pub progress: Progress,
}

/// What a receipt has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptNoted {
    /// Who sent the notice.
    pub author: AccountId,
    /// Where it stands.
    pub progress: Progress,
    /// The receipt said something new.
    pub changed: bool,
    /// It was the person's answer: the notice with it.
    pub answered: Option<Box<Notice>>,
}

/// Whom an audience would reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachable {
    /// Everyone is among the audiences.
    pub everyone: bool,
    /// The people in order of their numbers, and whether they have ever been here.
    pub people: Vec<(AccountId, bool)>,
}

/// A part of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLedger {
    /// The notice and its totals.
    pub summary: NoticeSummary,
    /// How many are in each part; with the first part of the ledger only.
    pub tally: Option<LedgerTally>,
    /// Its people.
    pub people: Page<StoredEntry>,
}

/// An account's devices, those seen last first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDevices {
    /// Whose they are.
    pub account: AccountId,
    /// They; `connected` is the hub's to fill in.
    pub devices: Page<Device>,
}

/// What the database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseSize {
    /// Stored messages.
    pub messages: u64,
    /// Bytes of the database.
    pub bytes: u64,
}

/// What would go if things were kept as long as was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WouldGo {
    /// Messages.
    pub messages: Proportion,
    /// Notices.
    pub notices: Proportion,
    /// Lines of the audit log.
    pub audit: Proportion,
}

/// A bite is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tidied {
    /// Rows that were taken out.
    pub removed: u64,
    /// Where to go on; `None` when everything has been looked at.
    pub next: Option<Bite>,
}

/// What was noted by a clock that was ahead is put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockSetBack {
    /// Notices that are open, but were not by that clock, or end at another time now.
    pub open: Vec<StoredNotice>,
    /// When open notices are to be told again.
    pub reminders: Vec<(UnixMillis, NoticeId)>,
}
