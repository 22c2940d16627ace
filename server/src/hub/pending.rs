//! What the store and the password thread have been asked and have not answered: a number for each, and bounds for all.

use std::collections::BTreeMap;

use belfry_core::chat::{
    AccountId, AccountName, ConversationId, DeviceId, KeepChange, NoticeId, PostId, Refusal, Role, ScheduleId, Template, TemplateName,
};
use belfry_core::time::UnixMillis;

use super::lists::ListKind;
use super::notices::{Reported, ToldTo};
use super::rooms::RoomChange;
use super::rules::Retention;
use super::{ReplyTo, SessionId};
use crate::contents::UploadKey;
use crate::limits::{JOB_BYTES_WAITING_MAX, JOBS_WAITING_MAX};
use crate::store::{AuditRecord, JobTicket, NoticeDelivery, Occurrence, Visitor};

/// What a job was for.
#[derive(Debug)]
pub(super) enum PendingJob {
    /// What is known of somebody who wants to sign in.
    LookUp { session: SessionId },
    /// A person makes their own account.
    Register { session: SessionId },
    /// What somebody comes back to.
    SignIn { to: ReplyTo, visitor: Visitor },
    /// The same again.
    Sync { to: ReplyTo, account: AccountId },
    /// Something that was read and is passed on as it is.
    Read { to: ReplyTo },
    /// Something that only has to be noted.
    Nobody,
    /// A message with this much text.
    Post { to: ReplyTo, bytes: usize },
    /// What somebody has answered.
    Receipt { to: ReplyTo, account: AccountId, notice: NoticeId },
    /// What has reached a program, as it says.
    Reached { to: ReplyTo },
    /// What has been acknowledged meanwhile.
    Delivered { deliveries: Vec<NoticeDelivery> },
    /// What screens have reported.
    Screens { reported: Vec<Reported> },
    /// A notice that is sent now.
    SendNotice { to: ReplyTo, author: AccountId, post: PostId },
    /// Whom an audience would reach.
    Preview { to: ReplyTo },
    /// A notice's ledger.
    Ledger { to: ReplyTo },
    /// An administrator makes an account.
    AddUser { to: ReplyTo },
    /// A new password.
    SetPassword { to: ReplyTo, account: AccountName, ends: Ends },
    /// A new role.
    SetRole { to: ReplyTo, role: Role },
    /// Shut out, or let in again.
    SetDisabled { to: ReplyTo, disabled: bool },
    /// Something else is said of somebody.
    SetProfile { to: ReplyTo },
    /// The database's size, for the status.
    Size { to: ReplyTo },
    /// A notice that has changed or ended, or whose people are reminded; without `to` because it was time for that.
    NoticeNow { to: Option<ReplyTo>, notice: NoticeId, told_to: ToldTo },
    /// A notice that is sent later.
    AddSchedule { to: ReplyTo, author: AccountId, post: PostId },
    /// A page of what is planned is being read.
    Schedules { to: ReplyTo },
    /// A scheduled notice whose time has come.
    Occurrence(Occurrence),
    /// A scheduled notice that is given up.
    Unschedule { to: ReplyTo, schedule: ScheduleId },
    /// A template.
    SaveTemplate { to: ReplyTo, template: Box<Template> },
    /// A template that goes.
    RemoveTemplate { to: ReplyTo, name: TemplateName },
    /// Who is in a group.
    Group { to: ReplyTo },
    /// An account's devices.
    Devices { to: ReplyTo },
    /// A device that is shut out.
    RevokeDevice { to: ReplyTo, device: DeviceId },
    /// A bite of what is kept no longer. Nobody waits for it.
    Tidy,
    /// What was noted by a clock that was set back from here.
    ClockSetBack { from: UnixMillis },
    /// What would go if this were kept no longer, from a reload.
    Reload(Retention),
    /// What would go of a room if its messages were kept so, before that is done.
    Keep(KeepRoom),
    /// A change of who is in a room, by this account.
    Room { to: ReplyTo, account: AccountId, change: RoomChange },
    /// A message written anew with this much text, or taken back.
    Alter { to: ReplyTo, bytes: usize },
    /// How far somebody has read.
    MarkRead { to: ReplyTo, account: AccountId },
    /// A conversation that somebody arranges for themselves.
    Arrange { to: ReplyTo, account: AccountId },
    /// Accounts, before it is said who of them is here.
    Accounts { to: ReplyTo },
    /// Whether there is anybody of the name of whom this account writes to.
    Typing { to: ReplyTo, account: AccountId },
    /// People, before it is said who of them is here.
    People { to: ReplyTo },
    /// A search of this account.
    Search { to: ReplyTo, account: AccountId },
    /// Whether somebody who wants to send a content need not.
    OfferFile { to: ReplyTo, upload: UploadKey, is_admin: bool },
    /// A content that has come is this person's.
    Uploaded { to: ReplyTo, upload: UploadKey },
    /// What a file holds of which a block from here is wanted.
    FileContent { to: ReplyTo, offset: u64 },
    /// Which contents nobody refers to.
    Sweep,
}

impl PendingJob {
    const fn bytes(&self) -> usize {
        match self {
            Self::Post { bytes, .. } | Self::Alter { bytes, .. } => *bytes,
            _ => 0,
        }
    }

    /// What kind of list it changes, once it is done.
    pub(super) const fn changes(&self) -> Option<ListKind> {
        match self {
            Self::Register { .. } | Self::AddUser { .. } | Self::SetDisabled { .. } => Some(ListKind::Accounts),
            Self::Room { .. } => Some(ListKind::Rooms),
            Self::Group { .. } => Some(ListKind::Groups),
            Self::SendNotice { .. }
            | Self::NoticeNow { .. }
            | Self::AddSchedule { .. }
            | Self::Occurrence(_)
            | Self::Unschedule { .. }
            | Self::SaveTemplate { .. }
            | Self::RemoveTemplate { .. } => Some(ListKind::Notices),
            _ => None,
        }
    }

    const fn sets_password(&self) -> bool {
        matches!(self, Self::SetPassword { .. })
    }
}

/// A room's messages are to be kept so.
#[derive(Debug)]
pub(super) struct KeepRoom {
    pub(super) to: ReplyTo,
    /// Who says so.
    pub(super) account: AccountId,
    pub(super) room: ConversationId,
    pub(super) change: KeepChange,
    pub(super) note: Option<AuditRecord>,
}

/// A request that goes on once a password is hashed.
#[derive(Debug)]
pub(super) struct PendingHash {
    pub(super) to: ReplyTo,
    pub(super) note: Option<AuditRecord>,
    pub(super) then: HashedFor,
}

/// What a hash is for.
#[derive(Debug)]
pub(super) enum HashedFor {
    /// An administrator makes an account.
    AddUser { name: AccountName, role: Role },
    /// A new password.
    SetPassword { account: AccountName, ends: Ends },
}

/// Which sessions a new password ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    None,
    /// All but the one that has set it, which is the account's own.
    Others,
    All,
}

/// Everything that waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Pending {
    last: u64,
    jobs: BTreeMap<JobTicket, PendingJob>,
    job_bytes: usize,
    /// So many of them set a password.
    passwords: usize,
    hashes: BTreeMap<JobTicket, PendingHash>,
}

impl Pending {
    /// Whether there is room for a job that brings no text.
    pub(super) fn has_room(&self) -> bool {
        self.jobs.len() < JOBS_WAITING_MAX && self.job_bytes <= JOB_BYTES_WAITING_MAX
    }

    /// A number for a job, unless too much is waiting.
    pub(super) fn enter(&mut self, waiting: PendingJob) -> Result<JobTicket, Refusal> {
        if self.jobs.len() >= JOBS_WAITING_MAX || self.job_bytes + waiting.bytes() > JOB_BYTES_WAITING_MAX {
            return Err(Refusal::Busy);
        }
        let ticket = self.next();
        self.job_bytes += waiting.bytes();
        self.passwords += usize::from(waiting.sets_password());
        self.jobs.insert(ticket, waiting);
        Ok(ticket)
    }

    /// A job is answered: what was it for?
    pub(super) fn leave(&mut self, ticket: JobTicket) -> Option<PendingJob> {
        let waiting = self.jobs.remove(&ticket)?;
        self.job_bytes -= waiting.bytes();
        self.passwords -= usize::from(waiting.sets_password());
        Some(waiting)
    }

    /// An account's password is being changed for another, and what was proven by the old one does not count any more. Hardly ever is
    /// there such a job, while thousands sign in.
    pub(super) fn is_changing_password(&self, name: &AccountName) -> bool {
        let is_changing = |waiting: &PendingJob| match waiting {
            PendingJob::SetPassword { account, ends, .. } => *ends != Ends::None && account.key() == name.key(),
            _ => false,
        };
        self.passwords > 0 && self.jobs.values().any(is_changing)
    }

    /// A number for a password; how many may wait is for the sessions to say.
    pub(super) fn enter_hash(&mut self, pending: PendingHash) -> JobTicket {
        let ticket = self.next();
        self.hashes.insert(ticket, pending);
        ticket
    }

    /// A hash is made: what was it for?
    pub(super) fn leave_hash(&mut self, ticket: JobTicket) -> Option<PendingHash> {
        self.hashes.remove(&ticket)
    }

    /// Jobs on their way, oldest first.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &PendingJob> {
        self.jobs.values()
    }

    fn next(&mut self) -> JobTicket {
        self.last += 1;
        JobTicket(self.last)
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::wire::Channel;

    use super::*;

    fn post(bytes: usize) -> PendingJob {
        PendingJob::Post { to: ReplyTo { session: SessionId(1), id: 1, channel: Channel::Chat }, bytes }
    }

    #[test]
    fn so_many_jobs_wait_and_an_answer_makes_room() {
        let mut room = Pending::default();
        let tickets: Vec<_> = (0..JOBS_WAITING_MAX).map(|_| room.enter(PendingJob::Nobody).unwrap()).collect();
        assert_eq!((room.has_room(), room.enter(PendingJob::Nobody)), (false, Err(Refusal::Busy)));
        assert!(room.leave(tickets[7]).is_some());
        assert!(room.has_room());
        assert!(room.enter(PendingJob::Nobody).is_ok());
        assert_eq!(room.enter(PendingJob::Nobody), Err(Refusal::Busy));
    }

    #[test]
    fn a_password_is_being_changed_until_that_is_answered() {
        let mut room = Pending::default();
        let to = ReplyTo { session: SessionId(1), id: 1, channel: Channel::Chat };
        let name = |typed| AccountName::new(typed).unwrap();
        let [others, none] = [Ends::Others, Ends::None].map(|ends| {
            room.enter(PendingJob::SetPassword { to, account: name(if ends == Ends::None { "bob" } else { "anna" }), ends }).unwrap()
        });
        assert_eq!(["ANNA", "bob", "carol"].map(|typed| room.is_changing_password(&name(typed))), [true, false, false]);
        room.leave(none);
        assert!(room.is_changing_password(&name("anna")));
        room.leave(others);
        assert!(!room.is_changing_password(&name("anna")));
    }

    #[test]
    fn so_many_bytes_wait_and_an_answer_makes_room() {
        let mut room = Pending::default();
        let ticket = room.enter(post(JOB_BYTES_WAITING_MAX - 10)).unwrap();
        assert_eq!(room.enter(post(11)), Err(Refusal::Busy));
        assert!(room.enter(post(10)).is_ok());
        assert_eq!(room.enter(post(1)), Err(Refusal::Busy));
        assert!(room.enter(PendingJob::Nobody).is_ok(), "what has no text waits on");
        room.leave(ticket);
        assert!(room.enter(post(1)).is_ok());
    }
}
