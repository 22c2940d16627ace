//! What administrators do with accounts.

use belfry_core::chat::{Account, AccountId, AccountName, Answer, Page, Password, ProfileChange, Refusal, Role};
use belfry_core::limits::PROFILE_CHANGES_MAX;
use belfry_core::time::Now;

use super::pending::{Ends, HashedFor, PendingHash};
use super::{Context, Effect, Hub, JobTicket, PendingJob, Profiles, page, unless_it_stops_notices};
use crate::store::{List, Remembered, Work};

impl Hub {
    pub(super) fn list_users(&mut self, context: Context<'_>, after: Option<AccountName>) -> Result<(), Refusal> {
        self.submit_for(context, Work::List(List::Accounts { after }), PendingJob::Accounts { to: context.to })
    }

    pub(super) fn accounts_read(&self, accounts: Page<(AccountId, Account)>) -> Answer {
        let line = |(id, account): (AccountId, Account)| Account { last_seen: self.directory.last_seen(id, account.last_seen), ..account };
        page(accounts.entries.into_iter().map(line), accounts.more).into()
    }

    pub(super) fn add_user(&mut self, context: Context<'_>, name: AccountName, password: Password, role: Role) {
        self.hash(context, HashedFor::AddUser { name, role }, password);
    }

    pub(super) fn set_password(
        &mut self,
        context: Context<'_>,
        account: AccountName,
        password: Password,
        keep_sessions: bool,
    ) -> Result<(), Refusal> {
        let is_own = self.is_own(context.from, &account);
        if context.from.role() != Role::Admin && !is_own {
            return Err(Refusal::AdminOnly);
        }
        let ends = match keep_sessions {
            true => Ends::None,
            false if is_own => Ends::Others,
            false => Ends::All,
        };
        self.hash(context, HashedFor::SetPassword { account, ends }, password);
        Ok(())
    }

    /// A person says for themselves what they are doing, and where profiles are open also the rest.
    pub(super) fn set_profile(&mut self, context: Context<'_>, account: AccountName, changes: Vec<ProfileChange>) -> Result<(), Refusal> {
        if changes.len() > PROFILE_CHANGES_MAX {
            return Err(Refusal::TooMany);
        }
        let is_own = self.is_own(context.from, &account);
        let is_own_to_say = |change: &ProfileChange| match change {
            ProfileChange::Status(_) => true,
            ProfileChange::Display(_) | ProfileChange::Department(_) | ProfileChange::Telephone(_) => self.rules.profiles == Profiles::Open,
        };
        if context.from.role() != Role::Admin && !(is_own && changes.iter().all(is_own_to_say)) {
            return Err(Refusal::AdminOnly);
        }
        self.submit_for(context, Work::SetProfile { account, changes }, PendingJob::SetProfile { to: context.to })
    }

    pub(super) fn set_role(&mut self, context: Context<'_>, account: AccountName, role: Role, confirmed: bool) -> Result<(), Refusal> {
        let work = unless_it_stops_notices(confirmed, Work::SetRole { account, role });
        self.submit_for(context, work, PendingJob::SetRole { to: context.to, role })
    }

    pub(super) fn set_disabled(
        &mut self,
        context: Context<'_>,
        account: AccountName,
        disabled: bool,
        confirmed: bool,
    ) -> Result<(), Refusal> {
        let work = unless_it_stops_notices(confirmed, Work::SetDisabled { account, disabled });
        self.submit_for(context, work, PendingJob::SetDisabled { to: context.to, disabled })
    }

    fn hash(&mut self, context: Context<'_>, then: HashedFor, password: Password) {
        let Context { to, note, .. } = context;
        let ticket = self.waiting.enter_hash(PendingHash { to, note: note.cloned(), then });
        self.effects.push_back(Effect::Hash { ticket, session: to.session, password });
    }

    /// A hash that the hub asked for with [`Effect::Hash`] is made, or could not be.
    pub(crate) fn handle_hashed(&mut self, now: Now, ticket: JobTicket, result: Result<String, Refusal>) {
        let Some(PendingHash { to, note, then }) = self.waiting.leave_hash(ticket) else { return };
        let submitted = result.and_then(|password_hash| match then {
            HashedFor::AddUser { name, role } => {
                let work = Work::AddAccount { name, password_hash, role };
                self.submit(now, work.noted_as(note), PendingJob::AddUser { to })
            }
            HashedFor::SetPassword { account, ends } => {
                let remembered = match ends {
                    Ends::None => Remembered::All,
                    Ends::Others => Remembered::Only(self.devices.device_of(to.session)),
                    Ends::All => Remembered::Only(None),
                };
                let work = Work::SetPassword { account: account.clone(), password_hash, remembered };
                self.submit(now, work.noted_as(note), PendingJob::SetPassword { to, account, ends })
            }
        });
        if let Err(refusal) = submitted {
            self.reply(to, Err(refusal));
        }
    }
}
