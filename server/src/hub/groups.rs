//! Groups of accounts, for addressing. Who is in them, the store knows.

use belfry_core::chat::{AccountName, GroupName, Refusal};

use super::{Context, Hub, PendingJob, unless_it_stops_notices};
use crate::limits::GROUP_MEMBERS_PER_REQUEST_MAX;
use crate::store::{List, Work};

impl Hub {
    pub(super) fn add_to_group(&mut self, context: Context<'_>, group: GroupName, members: Vec<AccountName>) -> Result<(), Refusal> {
        check_count(&members)?;
        self.submit_for(context, Work::AddToGroup { group, members }, PendingJob::Group { to: context.to })
    }

    pub(super) fn remove_from_group(
        &mut self,
        context: Context<'_>,
        group: GroupName,
        members: Vec<AccountName>,
        confirmed: bool,
    ) -> Result<(), Refusal> {
        check_count(&members)?;
        let work = unless_it_stops_notices(confirmed, Work::RemoveFromGroup { group, members });
        self.submit_for(context, work, PendingJob::Group { to: context.to })
    }

    pub(super) fn list_groups(&mut self, context: Context<'_>, after: Option<GroupName>) -> Result<(), Refusal> {
        self.submit_for(context, Work::List(List::Groups { after }), PendingJob::Read { to: context.to })
    }

    pub(super) fn group_members(&mut self, context: Context<'_>, group: GroupName, after: Option<AccountName>) -> Result<(), Refusal> {
        self.submit_for(context, Work::List(List::GroupMembers { group, after }), PendingJob::People { to: context.to })
    }
}

fn check_count(members: &[AccountName]) -> Result<(), Refusal> {
    if members.len() > GROUP_MEMBERS_PER_REQUEST_MAX { Err(Refusal::TooMany) } else { Ok(()) }
}
