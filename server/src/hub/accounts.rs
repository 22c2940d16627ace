//! What administrators do with accounts.

use belfry_core::chat::{Account, AccountId, AccountName, Answer, Password, Refusal, Role};
use belfry_core::time::Now;

use super::waiting::Ends;
use super::{Effect, Hashing, Hub, ReplyTo, Ticket, Waiting, page};
use crate::session::SignedIn;
use crate::store::{Remembered, StoredAccount, Work};

impl Hub {
    pub(super) fn list_users(&mut self, to: ReplyTo, after: Option<&AccountName>) {
        let line = |account: &StoredAccount| Account {
            name: account.name.clone(),
            role: account.role,
            disabled: account.disabled,
            created_at: account.created_at,
            last_seen: account.last_seen,
        };
        let (users, more) = page(self.directory.after(after).map(line));
        self.reply(to, Ok(Answer::Users { users, more }));
    }

    pub(super) fn add_user(&mut self, to: ReplyTo, name: AccountName, password: Password, role: Role) -> Result<(), Refusal> {
        if self.is_taken(&name) {
            return Err(Refusal::NameTaken);
        }
        self.hash(Hashing::AddUser { to, name, role }, password);
        Ok(())
    }

    pub(super) fn set_password(
        &mut self,
        from: &SignedIn,
        to: ReplyTo,
        name: &AccountName,
        password: Password,
        keep_sessions: bool,
    ) -> Result<(), Refusal> {
        let account = self.directory.find(name).map(|account| account.id);
        if from.role() != Role::Admin && account != Some(from.account()) {
            return Err(Refusal::AdminOnly);
        }
        let account = account.ok_or(Refusal::UnknownAccount)?;
        let ends = match keep_sessions {
            true => Ends::None,
            false if account == from.account() => Ends::Others,
            false => Ends::All,
        };
        self.hash(Hashing::SetPassword { to, account, ends }, password);
        Ok(())
    }

    pub(super) fn set_role(&mut self, now: Now, to: ReplyTo, name: &AccountName, role: Role) -> Result<(), Refusal> {
        let account = self.directory.find(name).ok_or(Refusal::UnknownAccount)?.id;
        if role != Role::Admin {
            self.another_admin_than(account)?;
        }
        self.submit(now, Work::SetRole { account, role }, Waiting::SetRole { to, account, role })
    }

    pub(super) fn set_disabled(&mut self, now: Now, to: ReplyTo, name: &AccountName, disabled: bool) -> Result<(), Refusal> {
        let account = self.directory.find(name).ok_or(Refusal::UnknownAccount)?.id;
        if disabled {
            self.another_admin_than(account)?;
        }
        self.submit(now, Work::SetDisabled { account, disabled }, Waiting::SetDisabled { to, account, disabled })
    }

    /// Somebody must remain who can let the others in again: not `account`, and nobody whose own end as an administrator is
    /// already on its way to the store. An account that is no administrator's may go in any case.
    fn another_admin_than(&self, account: AccountId) -> Result<(), Refusal> {
        let is_admin = |account: &StoredAccount| account.role == Role::Admin && !account.disabled;
        let is_going = |id: AccountId| {
            self.waiting.jobs().any(|waiting| match *waiting {
                Waiting::SetRole { account, role, .. } => account == id && role != Role::Admin,
                Waiting::SetDisabled { account, disabled, .. } => account == id && disabled,
                _ => false,
            })
        };
        let matters = self.directory.get(account).is_some_and(is_admin);
        let another = self.directory.all().any(|other| other.id != account && is_admin(other) && !is_going(other.id));
        if matters && !another { Err(Refusal::LastAdmin) } else { Ok(()) }
    }

    fn hash(&mut self, hashing: Hashing, password: Password) {
        let ticket = self.waiting.enter_hash(hashing);
        if let Some(entry) = self.act.take() {
            self.acts.insert(ticket, entry);
        }
        self.effects.push_back(Effect::Hash { ticket, password });
    }

    /// A hash that the hub asked for with [`Effect::Hash`] is made, or could not be.
    pub fn handle_hashed(&mut self, now: Now, ticket: Ticket, result: Result<String, Refusal>) {
        self.seen = now;
        let Some(hashing) = self.waiting.leave_hash(ticket) else { return };
        self.act = self.acts.remove(&ticket);
        let (Hashing::AddUser { to, .. } | Hashing::SetPassword { to, .. }) = hashing;
        let submitted = result.and_then(|password_hash| match hashing {
            Hashing::AddUser { name, .. } if self.is_taken(&name) => Err(Refusal::NameTaken),
            Hashing::AddUser { to, name, role } => {
                let work = Work::AddAccount { name: name.clone(), password_hash, role };
                self.submit(now, work, Waiting::AddUser { to, name, role })
            }
            Hashing::SetPassword { to, account, ends } => {
                let remembered = match ends {
                    Ends::None => Remembered::All,
                    Ends::Others => Remembered::Only(self.devices.device_of(to.session)),
                    Ends::All => Remembered::Only(None),
                };
                let work = Work::SetPassword { account, password_hash, remembered };
                self.submit(now, work, Waiting::SetPassword { to, account, ends })
            }
        });
        self.act = None;
        if let Err(refusal) = submitted {
            self.reply(to, Err(refusal));
        }
    }
}
