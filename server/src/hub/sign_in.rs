//! Coming and going: looking up credentials, making one's own account, signing in, leaving.

use belfry_core::chat::{AccountId, AccountName, Answer, ConversationInfo, DeviceId, Refusal, Role};
use belfry_core::source::Source;
use belfry_core::time::Now;
use belfry_core::wire::CloseCode;

use super::{Effect, Hub, PendingJob, ReplyTo, SessionId};
use crate::limits::SESSIONS_PER_ACCOUNT_MAX;
use crate::session::SignedIn;
use crate::store::{StoredAccount, Visitor, Work};

impl Hub {
    /// Reads what is known of whoever says to be `name`; [`Effect::LookedUp`] follows.
    ///
    /// # Errors
    /// [`Refusal::Busy`].
    pub(crate) fn look_up(
        &mut self,
        now: Now,
        session: SessionId,
        name: AccountName,
        device: DeviceId,
        source: Source,
    ) -> Result<(), Refusal> {
        self.submit(now, Work::LookUp { name, device, source }, PendingJob::LookUp { session })
    }

    /// Stores a new member; [`Effect::Registered`] follows.
    ///
    /// # Errors
    /// [`Refusal::Busy`].
    pub(crate) fn register(&mut self, now: Now, session: SessionId, name: AccountName, password_hash: String) -> Result<(), Refusal> {
        self.submit(now, Work::AddAccount { name, password_hash, role: Role::Member }, PendingJob::Register { session })
    }

    /// Somebody's password was right by a hash of an older kind: the account gets one of today's. Where there is no room for that now, it is
    /// done the next time.
    pub(crate) fn renew_hash(&mut self, now: Now, account: AccountId, from: String, to: String) {
        let _ = self.submit(now, Work::RenewHash { account, from, to }, PendingJob::Nobody);
    }

    /// Somebody has proven who they are, and now hears of everything: [`Effect::Entered`] and the answer follow.
    ///
    /// # Errors
    /// [`Refusal::Busy`].
    pub(crate) fn sign_in(&mut self, now: Now, from: &SignedIn, name: &AccountName, visitor: Visitor, to: ReplyTo) -> Result<(), Refusal> {
        let account = from.account();
        // What would be stored behind the new password was proven by the old one.
        if self.waiting.is_changing_password(name) {
            return Err(Refusal::Busy);
        }
        if self.presences.sessions_of(account).count() >= SESSIONS_PER_ACCOUNT_MAX {
            return Err(Refusal::TooManySessions);
        }
        self.note_arrivals_of(now, account);
        self.submit(now, Work::SignIn { account, visitor }, PendingJob::SignIn { to, visitor })?;
        self.entering.insert(to.session);
        Ok(())
    }

    /// A session is over, signed in or not.
    pub(crate) fn ended(&mut self, now: Now, session: SessionId) {
        self.leave(now, session);
        self.announce(now);
    }

    /// Ends an account's sessions, all but one.
    pub(super) fn expel(&mut self, now: Now, account: AccountId, stays: Option<SessionId>, code: CloseCode) {
        for session in self.presences.sessions_of(account).filter(|&session| Some(session) != stays).collect::<Vec<_>>() {
            self.end_session(now, session, code);
        }
        self.announce(now);
    }

    pub(super) fn end_session(&mut self, now: Now, session: SessionId, code: CloseCode) {
        self.leave(now, session);
        self.effects.push_back(Effect::Expel { session, code });
    }

    /// An account has a new password. Whoever has signed in with the old one, or by a device that had, is out, but for the session that has
    /// set it. Nobody is about to: what was handed in before is answered before, and behind the change nobody was let through.
    pub(super) fn password_changed(&mut self, now: Now, account: AccountId, stays: Option<SessionId>) {
        self.expel(now, account, stays, CloseCode::PASSWORD_CHANGED);
        self.effects.push_back(Effect::PasswordChanged { account });
    }

    fn leave(&mut self, now: Now, session: SessionId) {
        self.stop_uploads(now, session);
        self.entering.remove(&session);
        self.exports.remove(&session);
        let device = self.devices.leave(session);
        self.watchers.leave(session);
        self.lists.leave(session);
        let before = self.presences.version();
        let Some((account, is_offline)) = self.presences.leave(now, session) else { return };
        if self.presences.version() > before {
            self.stir(account);
        }
        if is_offline {
            self.rooms.leave(account);
        }
        if let Some(device) = device {
            self.note_seen(now, account, device);
        }
        if is_offline {
            self.directory.leave(account);
        }
    }

    /// Notes that an account and its device were here until now. When the store is too busy, the directory still knows for a while.
    pub(super) fn note_seen(&mut self, now: Now, account: AccountId, device: DeviceId) {
        self.directory.seen(account, now.wall);
        let _ = self.submit(now, Work::Seen { account, device }, PendingJob::Nobody);
    }

    /// The store has let somebody in: from here on they are told what happens.
    pub(super) fn enter(&mut self, now: Now, to: ReplyTo, account: StoredAccount, visitor: Visitor, conversations: &[ConversationInfo]) {
        let id = account.id;
        let welcome = Answer::Welcome { account: account.name.clone(), role: account.role, now: now.wall, timeline: self.timeline };
        self.directory.arrive(account);
        self.rooms.arrive(id, conversations);
        if self.presences.arrive(now, to.session, id) {
            self.stir(id);
        }
        self.devices.arrive(to.session, visitor.device);
        self.effects.push_back(Effect::Entered { session: to.session });
        self.reply(to, Ok(welcome));
    }
}
