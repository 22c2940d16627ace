//! What the store is asked to list. A list is as long as there are people, so it is read in pages, beside what is stored meanwhile.

use belfry_core::chat::{
    AccountId, AccountName, ConversationId, GroupName, KeepChange, NoticeId, RoomName, ScheduleId, SearchText, Timeline,
};
use belfry_core::time::UnixMillis;

#[cfg(doc)]
use super::Outcome;
#[cfg(doc)]
use belfry_core::chat::{Answer, Refusal};

/// A page of something in the order of its statement; `after` is the last of the page before, `None` for the first page.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "a variant says what is to be done; a field is explained where its name does not say it all")]
pub enum List {
    /// Everybody who is not shut out. Outcome: [`Outcome::People`].
    Everybody { after: Option<AccountName> },
    /// Every account. Outcome: [`Outcome::Accounts`].
    Accounts { after: Option<AccountName> },
    /// The people in a room who are not shut out. Outcome: [`Outcome::People`]; refused with [`Refusal::InvitationNeeded`],
    /// [`Refusal::NotInRoom`] where the room is private.
    Members { account: AccountId, room: ConversationId, after: Option<AccountName> },
    /// The accounts in a group, also those that are shut out. Outcome: [`Outcome::People`]; refused with [`Refusal::UnknownGroup`].
    GroupMembers { group: GroupName, after: Option<AccountName> },
    /// The groups. Outcome: [`Answer::Groups`].
    Groups { after: Option<GroupName> },
    /// What is planned. Outcome: [`Outcome::Schedules`].
    Schedules { after: Option<ScheduleId> },
    /// The rooms that somebody may know of. Outcome: [`Answer::Rooms`].
    Rooms { account: AccountId, after: Option<RoomName> },
    /// The notices whose heading or text has this, newest first, before `before`. Outcome: [`Answer::Notices`].
    Notices { before: Option<NoticeId>, text: SearchText, limit: u32 },
    /// How far the conversations that somebody is in went the same way in another timeline; `after` is the last of the page before.
    /// Outcome: [`Answer::Shared`].
    Shared { account: AccountId, timeline: Timeline, after: Option<ConversationId> },
    /// What would go if things were kept so. Counting takes as long as there is much. Outcome: [`Outcome::WouldGo`].
    WouldGo {
        /// How long things are kept on the whole server.
        kept: Kept,
        /// Only this room's messages, if they were kept so.
        room: Option<(ConversationId, KeepChange)>,
    },
}

/// What is kept from when on; `None` for everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Messages from then on …
    pub messages_from: Option<UnixMillis>,
    /// … and of each conversation only the newest so many.
    pub messages: Option<u64>,
    /// Notices that were sent from then on.
    pub notices_from: Option<UnixMillis>,
    /// Lines of the audit log from then on.
    pub audit_from: Option<UnixMillis>,
}

/// How much would go, and of how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proportion {
    /// So much goes.
    pub goes: u64,
    /// So much there is.
    pub of: u64,
}
