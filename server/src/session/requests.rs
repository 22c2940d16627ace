//! The table of requests: who may ask what, and how often.

use belfry_core::chat::{Refusal, Request, Role};
use belfry_core::time::Instant;

use crate::hub::Rates;
use crate::limits::{ACTS_BURST, POSTS_BURST, READS_BURST, SEARCHES_BURST, SEARCHES_PER_SECOND, TYPING_BURST, TYPING_PER_SECOND};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever has not signed in yet.
    Stranger,
    /// Everybody who has signed in.
    Member,
    /// Administrators.
    Admin,
}

/// Which allowance a request draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    /// What people and their screens say.
    Post,
    /// Pages.
    Read,
    /// Looking for a text.
    Search,
    /// That somebody is writing.
    Typing,
    /// Everything else.
    Act,
}

/// The line of the table for `request`.
pub(super) const fn rule(request: &Request) -> (Who, Rate) {
    match request {
        Request::SignIn { .. } | Request::Register { .. } | Request::SignInByDevice { .. } => (Who::Stranger, Rate::Act),
        Request::Post { .. } | Request::Receipt { .. } | Request::Edit { .. } | Request::Delete { .. } | Request::MarkRead { .. } => {
            (Who::Member, Rate::Post)
        }
        Request::Search { .. } => (Who::Member, Rate::Search),
        Request::Typing { .. } => (Who::Member, Rate::Typing),
        // Which room, the hub and the store know.
        Request::ListRooms { .. } | Request::RoomMembers { .. } | Request::FetchAltered { .. } => (Who::Member, Rate::Read),
        Request::CreateRoom { .. }
        | Request::JoinRoom { .. }
        | Request::LeaveRoom { .. }
        | Request::Invite { .. }
        | Request::RemoveFromRoom { .. }
        | Request::RenameRoom { .. }
        | Request::DeleteRoom { .. }
        | Request::Away { .. } => (Who::Member, Rate::Act),
        Request::FetchAfter { .. } | Request::FetchBefore { .. } | Request::Who { .. } | Request::FetchNotice { .. } => {
            (Who::Member, Rate::Read)
        }
        // Everybody for themselves; the hub lets only administrators do it for others.
        Request::ListDevices { .. } | Request::Exportable { .. } | Request::ExportPage { .. } => (Who::Member, Rate::Read),
        Request::Sync | Request::SetPassword { .. } | Request::RevokeDevice { .. } => (Who::Member, Rate::Act),
        Request::ListNotices { .. }
        | Request::NoticeStatus { .. }
        | Request::ListUsers { .. }
        | Request::PreviewNotice { .. }
        | Request::ListSchedules { .. }
        | Request::ListTemplates { .. }
        | Request::ListGroups { .. }
        | Request::GroupMembers { .. }
        | Request::ReadAudit { .. }
        | Request::Originals { .. } => (Who::Admin, Rate::Read),
        Request::SendNotice(_)
        | Request::AddUser { .. }
        | Request::SetRole { .. }
        | Request::KeepRoom { .. }
        | Request::SetDisabled { .. }
        | Request::Status
        | Request::ChangeNotice { .. }
        | Request::Unschedule { .. }
        | Request::SaveTemplate(_)
        | Request::RemoveTemplate { .. }
        | Request::AddToGroup { .. }
        | Request::RemoveFromGroup { .. } => (Who::Admin, Rate::Act),
    }
}

/// Whether somebody with this role (`None` before signing in) may ask.
pub(super) fn admit(who: Who, role: Option<Role>) -> Result<(), Refusal> {
    match (who, role) {
        (Who::Stranger, None) | (Who::Member, Some(_)) | (Who::Admin, Some(Role::Admin)) => Ok(()),
        (Who::Stranger, Some(_)) => Err(Refusal::AlreadySignedIn),
        (Who::Member | Who::Admin, None) => Err(Refusal::SignInFirst),
        (Who::Admin, Some(Role::Member)) => Err(Refusal::AdminOnly),
    }
}

/// An allowance that refills with time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// In millionths of a request, so that a microsecond adds exactly the rate per second.
    millionths: u64,
    filled_at: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant, per_second: u64, burst: u64) -> bool {
        let micros = u64::try_from(now.since(self.filled_at).as_micros()).unwrap_or(u64::MAX);
        let full = burst.saturating_mul(1_000_000);
        self.millionths = self.millionths.saturating_add(micros.saturating_mul(per_second)).min(full);
        self.filled_at = now;
        match self.millionths.checked_sub(1_000_000) {
            Some(rest) => {
                self.millionths = rest;
                true
            }
            None => false,
        }
    }
}

/// A session's allowances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowances {
    posts: Bucket,
    reads: Bucket,
    acts: Bucket,
    searches: Bucket,
    typing: Bucket,
}

impl Allowances {
    /// Full ones.
    pub(super) fn new(now: Instant) -> Self {
        let full = Bucket { millionths: u64::MAX, filled_at: now };
        Self { posts: full, reads: full, acts: full, searches: full, typing: full }
    }

    /// Whether one more request is within the rate.
    pub(super) fn take(&mut self, now: Instant, rate: Rate, rates: &Rates) -> bool {
        match rate {
            Rate::Post => self.posts.take(now, rates.posts_per_second, POSTS_BURST),
            Rate::Read => self.reads.take(now, rates.reads_per_second, READS_BURST),
            Rate::Search => self.searches.take(now, SEARCHES_PER_SECOND, SEARCHES_BURST),
            Rate::Typing => self.typing.take(now, TYPING_PER_SECOND, TYPING_BURST),
            Rate::Act => self.acts.take(now, rates.acts_per_second, ACTS_BURST),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn an_allowance_lasts_for_its_burst_and_then_for_its_rate() {
        let rates = Rates::default();
        for (rate, burst, per_second) in [
            (Rate::Post, POSTS_BURST, rates.posts_per_second),
            (Rate::Read, READS_BURST, rates.reads_per_second),
            (Rate::Act, ACTS_BURST, rates.acts_per_second),
        ] {
            let mut allowances = Allowances::new(Instant::START);
            let mut passed = |now| (0..burst * 2).filter(|_| allowances.take(now, rate, &rates)).count() as u64;
            assert_eq!(passed(Instant::START), burst);
            assert_eq!(passed(Instant::START + Duration::from_secs(2)), 2 * per_second);
            for other in [Rate::Post, Rate::Read, Rate::Act] {
                assert_eq!(allowances.take(Instant::START + Duration::from_secs(2), other, &rates), other != rate);
            }
        }
    }

    #[test]
    fn the_table_refuses_with_the_reason() {
        assert_eq!(admit(Who::Member, None), Err(Refusal::SignInFirst));
        assert_eq!(admit(Who::Admin, None), Err(Refusal::SignInFirst));
        assert_eq!(admit(Who::Admin, Some(Role::Member)), Err(Refusal::AdminOnly));
        assert_eq!(admit(Who::Stranger, Some(Role::Member)), Err(Refusal::AlreadySignedIn));
        assert_eq!(admit(Who::Admin, Some(Role::Admin)), Ok(()));
    }
}
