//! The way in: name and password, then the password's hash, then whether the two match, then what is stored of it. One step at a
//! time, each waiting for another thread; a failed try leads back to the start.

use belfry_core::chat::{AccountId, AccountName, Password, Refusal, Request, Role};
use belfry_core::time::Now;
use belfry_core::wire::{Channel, CloseCode};

use super::{Sessions, SignedIn, State};
use crate::hub::{Registration, SessionId, Visitor};
use crate::limits::SIGN_IN_FAILURES_PER_SESSION;
use crate::passwords::{PasswordOutcome, PasswordWork};
use crate::store::{Familiar, KnownDevice, StoredLogin};

/// How far a try has come. An account that does not exist goes all the way to the wrong password.
#[derive(Debug)]
pub(super) enum Door {
    /// The store reads what is known of them.
    LookingUp(Try),
    /// The password thread compares.
    Verifying { login: Option<Box<StoredLogin>>, remember: bool },
    /// The password thread makes a new account's hash.
    Hashing { name: AccountName, remember: bool },
    /// The store makes the account.
    Registering { name: AccountName, remember: bool },
    /// The store notes who is here and reads what they come back to.
    Entering { account: AccountId },
}

/// How somebody tries to come in.
#[derive(Debug)]
pub(super) enum Try {
    Password { name: AccountName, password: Password, remember: bool },
    Device,
    NewAccount { name: AccountName, password: Password, remember: bool },
}

impl Sessions {
    /// Somebody who has not signed in asks to.
    pub(super) fn knock(&mut self, now: Now, session: SessionId, id: u32, request: Request) {
        if let Err(refusal) = self.begin(now, session, id, request) {
            self.turn_away(now, session, id, refusal);
        }
    }

    fn begin(&mut self, now: Now, session: SessionId, id: u32, request: Request) -> Result<(), Refusal> {
        let (name, attempt) = match request {
            Request::SignIn { account, password, remember } => (account.clone(), Try::Password { name: account, password, remember }),
            Request::SignInByDevice { account } => (account, Try::Device),
            Request::Register { .. } if self.hub.registration() == Registration::Closed => return Err(Refusal::RegistrationClosed),
            Request::Register { account, password, remember } => (account.clone(), Try::NewAccount { name: account, password, remember }),
            _ => return Err(Refusal::SignInFirst),
        };
        let Some(known) = self.sessions.get(&session) else { return Ok(()) };
        self.hub.look_up(now, session, name, known.device, self.links.source(known.address.ip()))?;
        self.set_door(session, id, Door::LookingUp(attempt));
        Ok(())
    }

    fn set_door(&mut self, session: SessionId, id: u32, door: Door) {
        if let Some(known) = self.sessions.get_mut(&session) {
            known.state = State::AtTheDoor { id, door };
        }
    }

    /// What the try of this session was waiting for, with the number of its request. The session is a stranger's again until the
    /// next step is set.
    pub(super) fn take_door(&mut self, session: SessionId) -> Option<(u32, Door)> {
        let known = self.sessions.get_mut(&session)?;
        match std::mem::replace(&mut known.state, State::Stranger) {
            State::AtTheDoor { id, door } => Some((id, door)),
            other => {
                known.state = other;
                None
            }
        }
    }

    pub(super) fn looked_up(&mut self, now: Now, session: SessionId, result: Result<Option<Box<StoredLogin>>, Refusal>) {
        let Some((id, Door::LookingUp(attempt))) = self.take_door(session) else { return };
        if let Err(refusal) = result.and_then(|login| self.go_on(now, session, id, attempt, login)) {
            self.turn_away(now, session, id, refusal);
        }
    }

    /// The store has said what is known of them.
    fn go_on(&mut self, now: Now, session: SessionId, id: u32, attempt: Try, login: Option<Box<StoredLogin>>) -> Result<(), Refusal> {
        match (attempt, login) {
            (Try::Password { name, password, remember }, login) => {
                let hash = login.as_ref().map(|login| login.password_hash.clone());
                let familiar = login.as_ref().map_or(Familiar::No, |login| login.familiar);
                self.set_door(session, id, Door::Verifying { login, remember });
                self.verify(now, session, &name, familiar, PasswordWork::Verify { password, hash });
                Ok(())
            }
            // An account that does not exist and one that does not know the device look the same. One that was revoked knows it.
            (Try::Device, Some(login)) if login.device != KnownDevice::No => self.admit_to(now, session, id, &login, false, true),
            (Try::Device, _) => Err(Refusal::UnknownDevice),
            (Try::NewAccount { .. }, Some(_)) => Err(Refusal::NameTaken),
            (Try::NewAccount { name, password, remember }, None) => {
                if let Some(known) = self.sessions.get(&session) {
                    self.hub.share_registration(now, self.links.source(known.address.ip()))?;
                }
                self.set_door(session, id, Door::Hashing { name: name.clone(), remember });
                self.hash_for_stranger(now, session, &name, password);
                Ok(())
            }
        }
    }

    pub(super) fn password_looked_at(
        &mut self,
        now: Now,
        session: SessionId,
        id: u32,
        door: Door,
        result: Result<PasswordOutcome, Refusal>,
    ) -> Result<(), Refusal> {
        match (result?, door) {
            (PasswordOutcome::Right, Door::Verifying { login: Some(login), remember }) => {
                self.admit_to(now, session, id, &login, remember, false)
            }
            (PasswordOutcome::RightAsTyped(renewed), Door::Verifying { login: Some(login), remember }) => {
                self.hub.renew_hash(now, login.account.id, login.password_hash.clone(), renewed);
                self.admit_to(now, session, id, &login, remember, false)
            }
            (PasswordOutcome::Hashed(hash), Door::Hashing { name, remember }) => {
                self.hub.register(now, session, name.clone(), hash)?;
                self.set_door(session, id, Door::Registering { name, remember });
                Ok(())
            }
            _ => Err(Refusal::WrongCredentials),
        }
    }

    pub(super) fn registered(&mut self, now: Now, session: SessionId, result: Result<AccountId, Refusal>) {
        let Some((id, Door::Registering { name, remember })) = self.take_door(session) else { return };
        let visitor = self.visitor(session, remember, false);
        let proof = result.map(|account| SignedIn::new(account, Role::Member));
        if let Err(refusal) = proof.and_then(|proof| self.let_in(now, session, id, &name, &proof, visitor)) {
            self.turn_away(now, session, id, refusal);
        }
    }

    /// The password was right, or the account knows the device. Whether that still holds when they enter, the store says again.
    fn admit_to(
        &mut self,
        now: Now,
        session: SessionId,
        id: u32,
        login: &StoredLogin,
        remember: bool,
        by_device: bool,
    ) -> Result<(), Refusal> {
        if login.account.disabled {
            return Err(Refusal::AccountDisabled);
        }
        if login.device == KnownDevice::Revoked {
            self.observed.expel(session, CloseCode::DEVICE_REVOKED);
            self.close(now, session, CloseCode::DEVICE_REVOKED);
            return Ok(());
        }
        let proof = SignedIn::new(login.account.id, login.account.role);
        let visitor = self.visitor(session, remember, by_device);
        self.let_in(now, session, id, &login.account.name, &proof, visitor)
    }

    fn visitor(&self, session: SessionId, remember: bool, by_device: bool) -> Option<Visitor> {
        let known = self.sessions.get(&session)?;
        let source = self.links.source(known.address.ip());
        Some(Visitor { device: known.device, address: known.address, source, remember, by_device })
    }

    /// Somebody has earned [`SignedIn`]: by the password, by a device that is known, or by having made the account.
    fn let_in(
        &mut self,
        now: Now,
        session: SessionId,
        id: u32,
        name: &AccountName,
        proof: &SignedIn,
        visitor: Option<Visitor>,
    ) -> Result<(), Refusal> {
        let Some(visitor) = visitor else { return Ok(()) };
        self.hub.sign_in(now, proof, name, visitor, session, id)?;
        self.set_door(session, id, Door::Entering { account: proof.account() });
        Ok(())
    }

    /// The hub tells this session everything from here on.
    pub(super) fn entered(&mut self, session: SessionId) {
        let Some((_, Door::Entering { account })) = self.take_door(session) else { return };
        if let Some(known) = self.sessions.get_mut(&session) {
            known.state = State::Inside(account);
        }
        if let Some(account) = self.hub.account(account) {
            self.observed.sign_in(session, &account.name);
        }
    }

    /// An account has a new password: what is being compared with the old one would let somebody in who does not know it.
    pub(super) fn password_changed(&mut self, now: Now, changed: AccountId) {
        // What is looked up from now on is compared with the new one.
        let compares = |door: &Door| matches!(door, Door::Verifying { login: Some(login), .. } if login.account.id == changed);
        let trying: Vec<_> = self
            .sessions
            .iter()
            .filter_map(|(&session, known)| match &known.state {
                State::AtTheDoor { id, door } if compares(door) => Some((session, *id)),
                _ => None,
            })
            .collect();
        for (session, id) in trying {
            self.forget_password_of(session);
            self.turn_away(now, session, id, Refusal::Busy);
        }
    }

    /// A try has failed. The client hears why, and after too many tries nothing more.
    pub(super) fn turn_away(&mut self, now: Now, session: SessionId, id: u32, refusal: Refusal) {
        self.reply(session, id, Channel::Control, Err(refusal));
        let Some(known) = self.sessions.get_mut(&session) else { return };
        known.state = State::Stranger;
        self.observed.sign_in_refused(session, known.address, refusal);
        // A busy or broken server is not the client's fault.
        if matches!(refusal, Refusal::Busy | Refusal::StoreFailed | Refusal::DiskFull) {
            return;
        }
        known.failures = known.failures.saturating_add(1);
        if known.failures >= SIGN_IN_FAILURES_PER_SESSION {
            self.close(now, session, CloseCode::RATE_LIMITED);
        }
    }
}
