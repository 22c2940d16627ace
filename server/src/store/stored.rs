//! What is stored, as the hub knows it.

use belfry_core::chat::{
    AccountId, AccountName, ConversationId, DeviceEntry, GivenAnswer, Keep, LedgerEntry, Missed, Notice, NoticeDraft, NoticeId,
    PersonProfile, Progress, Role, RoomName, ScheduleId, Template, Timeline,
};
use belfry_core::time::UnixMillis;

/// A notice with everybody it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotice {
    /// The notice, as somebody sees it who has not answered.
    pub notice: Notice,
    /// Where it stands.
    pub progress: Progress,
    /// Everybody it is for, with the answer of those who have answered.
    pub people: Vec<(AccountId, Option<GivenAnswer>)>,
    /// When those who have not answered are to be told again.
    pub remind_at: Option<UnixMillis>,
}

/// A person's line of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// The person's.
    pub account: AccountId,
    /// What is noted. Who is connected, and what keeps the notice from getting further, is the hub's to fill in, also `devices`;
    /// `offline_since` is when they were last seen.
    pub entry: LedgerEntry,
    /// They came back after the notice was over, and had been away since then.
    pub missed: Option<UnixMillis>,
    /// Their devices.
    pub screens: Vec<StoredScreen>,
}

/// A device's line of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredScreen {
    /// What is noted, with the same left to the hub.
    pub entry: DeviceEntry,
    /// It was locked then and has not shown the notice since.
    pub locked_at: Option<UnixMillis>,
    /// It came back after the notice was over, and had been away since then.
    pub missed: Option<UnixMillis>,
}

/// A notice that is to be sent later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSchedule {
    /// Its number.
    pub id: ScheduleId,
    /// Who scheduled it.
    pub author: AccountId,
    /// Their name.
    pub author_name: AccountName,
    /// When it is sent next; `None` for one that was not sent when its time came, and does not repeat.
    pub next_at: Option<UnixMillis>,
    /// What is sent, and to whom.
    pub draft: NoticeDraft,
    /// Why it was not sent when its time came last.
    pub missed: Option<Missed>,
    /// A room that it is for was closed: a room that has its name now is another one.
    pub room_closed: bool,
}

/// What is known of somebody who wants to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLogin {
    /// Whose account it is.
    pub account: StoredAccount,
    /// Its password hash in PHC form.
    pub password_hash: String,
    /// What the device is to it.
    pub device: KnownDevice,
    /// How they are known to the account.
    pub familiar: Familiar,
}

/// What a device is to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownDevice {
    /// It needs the password.
    No,
    /// It may sign in without it.
    Remembered,
    /// It may not connect any more.
    Revoked,
}

/// Whether whoever wants to sign in has done so before. It proves nothing, but whoever guesses has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Familiar {
    /// The account has been signed in to on this very device, and it was not shut out since.
    Device,
    /// It has been on another device at this address, one of the latest.
    Address,
    /// Neither.
    No,
}

/// Where a message went, from nobody's point of view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredPlace {
    /// A room.
    Room(RoomName),
    /// The direct conversation of two people.
    Direct {
        /// The one with the smaller number.
        a: AccountId,
        /// The one with the larger number.
        b: AccountId,
    },
}

/// What the hub knows from the start: nothing of which there is one for each person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// How many accounts there are.
    pub accounts: u64,
    /// Every room.
    pub rooms: Vec<StoredRoom>,
    /// A room that was closed says for itself how long its messages are kept.
    pub closed_rooms_differ: bool,
    /// Every template.
    pub templates: Vec<Template>,
    /// Every notice that is to be sent later.
    pub schedules: Vec<StoredSchedule>,
    /// When open notices are to be told again.
    pub reminders: Vec<(UnixMillis, NoticeId)>,
    /// The latest time at which anybody was here or has said something; 0 for never.
    pub newest: UnixMillis,
    /// The life of the database that this is.
    pub timeline: Timeline,
}

/// An account as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAccount {
    /// Its number.
    pub id: AccountId,
    /// Its name.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// Whether it is shut out.
    pub disabled: bool,
    /// When it was last here.
    pub last_seen: Option<UnixMillis>,
}

/// Somebody in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPerson {
    /// Their account.
    pub id: AccountId,
    /// Its name.
    pub name: AccountName,
    /// When they were last here.
    pub last_seen: Option<UnixMillis>,
    /// What is said of them.
    pub profile: PersonProfile,
}

/// A room as it is stored: who is in it is read when somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRoom {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its name.
    pub name: RoomName,
    /// Everybody is in it, and nobody leaves it.
    pub everyone: bool,
    /// Who made it.
    pub owner: Option<AccountId>,
    /// How long its messages are kept.
    pub keep: Keep,
}
