//! What administrators do with accounts.

use belfry_core::chat::{Account, AccountId, AccountName, Answer, Page, Password, Refusal, Role};
use belfry_core::time::Now;

use super::waiting::Ends;
use super::{Effect, Hashing, Hub, ReplyTo, Ticket, Waiting, page};
use crate::session::SignedIn;
use crate::store::{List, Remembered, Work};

impl Hub {
    pub(super) fn list_users(&mut self, now: Now, to: ReplyTo, after: Option<AccountName>) -> Result<(), Refusal> {
        self.submit(now, Work::List(List::Accounts { after }), Waiting::Accounts { to })
    }

    pub(super) fn accounts_read(&self, accounts: Page<(AccountId, Account)>) -> Answer {
        let line = |(id, account): (AccountId, Account)| Account { last_seen: self.directory.last_seen(id, account.last_seen), ..account };
        page(accounts.entries.into_iter().map(line), accounts.more).into()
    }

    pub(super) fn add_user(&mut self, to: ReplyTo, name: AccountName, password: Password, role: Role) {
        self.hash(Hashing::AddUser { to, name, role }, password);
    }

    pub(super) fn set_password(
        &mut self,
        from: &SignedIn,
        to: ReplyTo,
        account: AccountName,
        password: Password,
        keep_sessions: bool,
    ) -> Result<(), Refusal> {
        let is_own = self.is_own(from, &account);
        if from.role() != Role::Admin && !is_own {
            return Err(Refusal::AdminOnly);
        }
        let ends = match keep_sessions {
            true => Ends::None,
            false if is_own => Ends::Others,
            false => Ends::All,
        };
        self.hash(Hashing::SetPassword { to, account, ends }, password);
        Ok(())
    }

    pub(super) fn set_role(&mut self, now: Now, to: ReplyTo, account: AccountName, role: Role, confirmed: bool) -> Result<(), Refusal> {
        let work = self.unless_it_stops_notices(confirmed, Work::SetRole { account, role });
        self.submit(now, work, Waiting::SetRole { to, role })
    }

    pub(super) fn set_disabled(
        &mut self,
        now: Now,
        to: ReplyTo,
        account: AccountName,
        disabled: bool,
        confirmed: bool,
    ) -> Result<(), Refusal> {
        let work = self.unless_it_stops_notices(confirmed, Work::SetDisabled { account, disabled });
        self.submit(now, work, Waiting::SetDisabled { to, disabled })
    }

    fn hash(&mut self, hashing: Hashing, password: Password) {
        let (Hashing::AddUser { to, .. } | Hashing::SetPassword { to, .. }) = &hashing;
        let session = to.session;
        let ticket = self.waiting.enter_hash(hashing);
        if let Some(entry) = self.act.take() {
            self.acts.insert(ticket, entry);
        }
        self.effects.push_back(Effect::Hash { ticket, session, password });
    }

    /// A hash that the hub asked for with [`Effect::Hash`] is made, or could not be.
    pub fn handle_hashed(&mut self, now: Now, ticket: Ticket, result: Result<String, Refusal>) {
        self.seen = now;
        let Some(hashing) = self.waiting.leave_hash(ticket) else { return };
        self.act = self.acts.remove(&ticket);
        let (Hashing::AddUser { to, .. } | Hashing::SetPassword { to, .. }) = hashing;
        let submitted = result.and_then(|password_hash| match hashing {
            Hashing::AddUser { to, name, role } => {
                self.submit(now, Work::AddAccount { name, password_hash, role }, Waiting::AddUser { to })
            }
            Hashing::SetPassword { to, account, ends } => {
                let remembered = match ends {
                    Ends::None => Remembered::All,
                    Ends::Others => Remembered::Only(self.devices.device_of(to.session)),
                    Ends::All => Remembered::Only(None),
                };
                let work = Work::SetPassword { account: account.clone(), password_hash, remembered };
                self.submit(now, work, Waiting::SetPassword { to, account, ends })
            }
        });
        self.act = None;
        if let Err(refusal) = submitted {
            self.reply(to, Err(refusal));
        }
    }
}
