//! The way in: name and password, then the password's hash, then whether the two match, then what is stored of it. One step at a
//! time, each waiting for another thread; a failed try leads back to the start.

use belfry_core::chat::{AccountId, AccountName, Password, Refusal, Request, Role};
use belfry_core::time::Now;
use belfry_core::wire::CloseCode;

use super::{Sessions, SignInState, SignedIn};
use crate::hub::{Registration, ReplyTo, SessionId};
use crate::limits::SIGN_IN_FAILURES_PER_SESSION;
use crate::passwords::{PasswordOutcome, PasswordWork};
use crate::store::{Familiar, KnownDevice, ProvenBy, StoredLogin, Visitor};

/// How far a try has come. An account that does not exist goes all the way to the wrong password.
#[derive(Debug)]
pub(super) enum SignInStep {
    /// The store reads what is known of them.
    LookingUp(Attempt),
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
pub(super) enum Attempt {
    Password { name: AccountName, password: Password, remember: bool },
    Device,
    NewAccount { name: AccountName, password: Password, remember: bool },
}

impl Sessions {
    /// Somebody who has not signed in asks to.
    pub(super) fn begin_sign_in(&mut self, now: Now, to: ReplyTo, request: Request) {
        if let Err(refusal) = self.begin(now, to, request) {
            self.refuse_sign_in(now, to, refusal);
        }
    }

    fn begin(&mut self, now: Now, to: ReplyTo, request: Request) -> Result<(), Refusal> {
        let (name, attempt) = match request {
            Request::SignIn { account, password, remember } => (account.clone(), Attempt::Password { name: account, password, remember }),
            Request::SignInByDevice { account } => (account, Attempt::Device),
            Request::Register { .. } if self.hub.registration() == Registration::Closed => return Err(Refusal::RegistrationClosed),
            Request::Register { account, password, remember } => {
                (account.clone(), Attempt::NewAccount { name: account, password, remember })
            }
            _ => return Err(Refusal::SignInFirst),
        };
        let Some(known) = self.sessions.get(&to.session) else { return Ok(()) };
        let Some(newcomer) = &known.newcomer else { return Ok(()) };
        self.hub.look_up(now, to.session, name, newcomer.device, self.links.source(known.address.ip()))?;
        self.set_step(to, SignInStep::LookingUp(attempt));
        Ok(())
    }

    fn set_step(&mut self, to: ReplyTo, step: SignInStep) {
        if let Some(known) = self.sessions.get_mut(&to.session) {
            known.state = SignInState::SigningIn(Box::new((to, step)));
        }
    }

    /// What the try of this session was waiting for, with its request. The session is a stranger's again until the
    /// next step is set.
    pub(super) fn take_step(&mut self, session: SessionId) -> Option<(ReplyTo, SignInStep)> {
        let known = self.sessions.get_mut(&session)?;
        match std::mem::replace(&mut known.state, SignInState::Stranger) {
            SignInState::SigningIn(trying) => Some(*trying),
            other => {
                known.state = other;
                None
            }
        }
    }

    pub(super) fn looked_up(&mut self, now: Now, session: SessionId, result: Result<Option<Box<StoredLogin>>, Refusal>) {
        let Some((to, SignInStep::LookingUp(attempt))) = self.take_step(session) else { return };
        if let Err(refusal) = result.and_then(|login| self.credentials_read(now, to, attempt, login)) {
            self.refuse_sign_in(now, to, refusal);
        }
    }

    /// The store has said what is known of them.
    fn credentials_read(&mut self, now: Now, to: ReplyTo, attempt: Attempt, login: Option<Box<StoredLogin>>) -> Result<(), Refusal> {
        match (attempt, login) {
            (Attempt::Password { name, password, remember }, login) => {
                let hash = login.as_ref().map(|login| login.password_hash.clone());
                let familiar = login.as_ref().map_or(Familiar::No, |login| login.familiar);
                self.set_step(to, SignInStep::Verifying { login, remember });
                self.verify(now, to.session, &name, familiar, PasswordWork::Verify { password, hash });
                Ok(())
            }
            // An account that does not exist and one that does not know the device look the same. One that was revoked knows it.
            (Attempt::Device, Some(login)) if login.device != KnownDevice::No => self.admit_to(now, to, &login, false, ProvenBy::Device),
            (Attempt::Device, _) => Err(Refusal::UnknownDevice),
            (Attempt::NewAccount { .. }, Some(_)) => Err(Refusal::NameTaken),
            (Attempt::NewAccount { name, password, remember }, None) => {
                if let Some(known) = self.sessions.get(&to.session) {
                    self.hub.charge_registration(now, self.links.source(known.address.ip()))?;
                }
                self.set_step(to, SignInStep::Hashing { name: name.clone(), remember });
                self.hash_for_stranger(now, to.session, &name, password);
                Ok(())
            }
        }
    }

    pub(super) fn password_checked(
        &mut self,
        now: Now,
        to: ReplyTo,
        step: SignInStep,
        result: Result<PasswordOutcome, Refusal>,
    ) -> Result<(), Refusal> {
        match (result?, step) {
            (PasswordOutcome::Right, SignInStep::Verifying { login: Some(login), remember }) => {
                self.admit_to(now, to, &login, remember, ProvenBy::Password)
            }
            (PasswordOutcome::RightAsTyped(renewed), SignInStep::Verifying { login: Some(login), remember }) => {
                self.hub.renew_hash(now, login.account.id, login.password_hash.clone(), renewed);
                self.admit_to(now, to, &login, remember, ProvenBy::Password)
            }
            (PasswordOutcome::Hashed(hash), SignInStep::Hashing { name, remember }) => {
                self.hub.register(now, to.session, name.clone(), hash)?;
                self.set_step(to, SignInStep::Registering { name, remember });
                Ok(())
            }
            _ => Err(Refusal::WrongCredentials),
        }
    }

    pub(super) fn registered(&mut self, now: Now, session: SessionId, result: Result<AccountId, Refusal>) {
        let Some((to, SignInStep::Registering { name, remember })) = self.take_step(session) else { return };
        let visitor = self.visitor(session, remember, ProvenBy::Password);
        let proof = result.map(|account| SignedIn::new(account, Role::Member));
        if let Err(refusal) = proof.and_then(|proof| self.enter(now, to, &name, &proof, visitor)) {
            self.refuse_sign_in(now, to, refusal);
        }
    }

    /// The password was right, or the account knows the device. Whether that still holds when they enter, the store says again.
    fn admit_to(&mut self, now: Now, to: ReplyTo, login: &StoredLogin, remember: bool, proven_by: ProvenBy) -> Result<(), Refusal> {
        if login.account.disabled {
            return Err(Refusal::AccountDisabled);
        }
        if login.device == KnownDevice::Revoked {
            self.observed.expel(to.session, CloseCode::DEVICE_REVOKED);
            self.close(now, to.session, CloseCode::DEVICE_REVOKED);
            return Ok(());
        }
        let proof = SignedIn::new(login.account.id, login.account.role);
        let visitor = self.visitor(to.session, remember, proven_by);
        self.enter(now, to, &login.account.name, &proof, visitor)
    }

    fn visitor(&self, session: SessionId, remember: bool, proven_by: ProvenBy) -> Option<Visitor> {
        let known = self.sessions.get(&session)?;
        let source = self.links.source(known.address.ip());
        Some(Visitor { device: known.newcomer.as_ref()?.device, address: known.address, source, remember, proven_by })
    }

    /// Somebody has earned [`SignedIn`]: by the password, by a device that is known, or by having made the account.
    fn enter(&mut self, now: Now, to: ReplyTo, name: &AccountName, proof: &SignedIn, visitor: Option<Visitor>) -> Result<(), Refusal> {
        let Some(visitor) = visitor else { return Ok(()) };
        self.hub.sign_in(now, proof, name, visitor, to)?;
        self.set_step(to, SignInStep::Entering { account: proof.account() });
        Ok(())
    }

    /// The hub tells this session everything from here on.
    pub(super) fn entered(&mut self, session: SessionId) {
        let Some((_, SignInStep::Entering { account })) = self.take_step(session) else { return };
        if let Some(known) = self.sessions.get_mut(&session) {
            known.state = SignInState::Inside(account);
            known.newcomer = None;
        }
        if let Some(account) = self.hub.account(account) {
            self.observed.sign_in(session, &account.name);
        }
    }

    /// An account has a new password: what is being compared with the old one would let somebody in who does not know it.
    pub(super) fn password_changed(&mut self, now: Now, changed: AccountId) {
        // What is looked up from now on is compared with the new one.
        let compares = |step: &SignInStep| matches!(step, SignInStep::Verifying { login: Some(login), .. } if login.account.id == changed);
        let trying: Vec<_> = self
            .sessions
            .values()
            .filter_map(|known| match &known.state {
                SignInState::SigningIn(trying) if compares(&trying.1) => Some(trying.0),
                _ => None,
            })
            .collect();
        for to in trying {
            self.forget_password_of(to.session);
            self.refuse_sign_in(now, to, Refusal::Busy);
        }
    }

    /// A try has failed. The client hears why, and after too many tries nothing more.
    pub(super) fn refuse_sign_in(&mut self, now: Now, to: ReplyTo, refusal: Refusal) {
        self.reply(to, Err(refusal));
        let Some(known) = self.sessions.get_mut(&to.session) else { return };
        known.state = SignInState::Stranger;
        self.observed.sign_in_refused(to.session, known.address, refusal);
        // A busy or broken server is not the client's fault.
        if matches!(refusal, Refusal::Busy | Refusal::StoreFailed | Refusal::DiskFull) {
            return;
        }
        let Some(newcomer) = &mut known.newcomer else { return };
        newcomer.failures += 1;
        if newcomer.failures >= SIGN_IN_FAILURES_PER_SESSION {
            self.close(now, to.session, CloseCode::RATE_LIMITED);
        }
    }
}
