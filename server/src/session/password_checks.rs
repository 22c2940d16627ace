//! Passwords on their way to the threads that look at them: whose turn it is, and with whom it counts when one is wrong.

use belfry_core::chat::{AccountName, Password, Refusal};
use belfry_core::rng::Random;
use belfry_core::time::Now;

use super::failures::{Blame, Reserved};
use super::password_queue::{Decision, Lane, Turn};
use super::{Output, PasswordOf, Sessions};
use crate::hub::SessionId;
use crate::passwords::{PasswordDone, PasswordJob, PasswordOutcome, PasswordWork};
use crate::store::{Familiar, JobTicket};

impl Sessions {
    /// Somebody who signs in says a password. Whoever has done so before stands in a queue of their own and counts for themselves:
    /// whatever strangers do to their account or at other addresses does not keep them out.
    pub(super) fn verify(&mut self, now: Now, session: SessionId, name: &AccountName, familiar: Familiar, work: PasswordWork) {
        let Some((known, newcomer)) = self.sessions.get(&session).and_then(|known| Some((known, known.newcomer.as_ref()?))) else { return };
        let (account, source) = (name.key(), self.links.source(known.address.ip()));
        let (lane, blames) = match familiar {
            Familiar::Device => (Lane::Familiar, vec![Blame::Device(account.clone(), newcomer.device)]),
            Familiar::Address => (Lane::Familiar, vec![Blame::Home(account.clone(), source)]),
            Familiar::No => (Lane::Stranger, vec![Blame::Source(source), Blame::Account(account.clone())]),
        };
        self.enqueue(now, Turn { whose: PasswordOf::Session(session), lane, account, source, blames, work });
    }

    /// Somebody who has not signed in makes an account.
    pub(super) fn hash_for_stranger(&mut self, now: Now, session: SessionId, name: &AccountName, password: Password) {
        let Some(known) = self.sessions.get(&session) else { return };
        let source = self.links.source(known.address.ip());
        let work = self.hash_of(password);
        let (whose, account) = (PasswordOf::Session(session), name.key());
        self.enqueue(now, Turn { whose, lane: Lane::Stranger, account, source, blames: Vec::new(), work });
    }

    /// Somebody who is signed in changes a password or makes an account.
    pub(super) fn hash_for_hub(&mut self, now: Now, ticket: JobTicket, session: SessionId, password: Password) {
        let whose = PasswordOf::Hub(ticket);
        let Some(known) = self.sessions.get(&session) else { return self.hub.handle_hashed(now, ticket, Err(Refusal::Busy)) };
        let account = match known.state {
            super::SignInState::Inside(account) => self.hub.account(account).map(|account| account.name.key()),
            super::SignInState::Stranger | super::SignInState::SigningIn(_) => None,
        };
        let source = self.links.source(known.address.ip());
        let work = self.hash_of(password);
        let account = account.unwrap_or_default();
        self.enqueue(now, Turn { whose, lane: Lane::Familiar, account, source, blames: Vec::new(), work });
    }

    fn hash_of(&mut self, password: Password) -> PasswordWork {
        let mut salt = [0; 16];
        self.rng.fill_bytes(&mut salt);
        PasswordWork::Hash { password, salt }
    }

    fn enqueue(&mut self, now: Now, turn: Turn) {
        if let Some(whose) = self.password_queue.join(turn) {
            self.check_done(now, whose, Err(Refusal::Busy));
        }
        self.dispatch_checks(now);
    }

    /// Hands out passwords while there are threads for them.
    fn dispatch_checks(&mut self, now: Now) {
        let max = self.hub.rules().rates.sign_in_failures_per_address;
        loop {
            let failures = &mut self.failures;
            let judge = |turn: &Turn| match failures.reserve(now.instant, &turn.blames, max) {
                Reserved::Yes => Decision::Go,
                Reserved::NotYet => Decision::Wait,
                Reserved::No => Decision::Refuse,
            };
            match self.password_queue.next(judge) {
                Some((Some(ticket), turn)) => self.outputs.push_back(Output::Password(PasswordJob { ticket, work: turn.work })),
                Some((None, turn)) => self.check_done(now, turn.whose, Err(Refusal::TooManyRequests)),
                None => return,
            }
        }
    }

    /// A password thread has answered.
    pub(crate) fn handle_password(&mut self, now: Now, done: PasswordDone) {
        if let Some((whose, blames)) = self.password_queue.done(done.ticket) {
            // Also of those who did not wait for it: a guess is a guess.
            self.failures.settle(now.instant, &blames, matches!(done.result, Ok(PasswordOutcome::Wrong)));
            if let Some(whose) = whose {
                self.check_done(now, whose, done.result);
            }
        }
        self.dispatch_checks(now);
        self.drain(now);
    }

    /// What has become of a password goes to whoever wanted to know.
    fn check_done(&mut self, now: Now, whose: PasswordOf, result: Result<PasswordOutcome, Refusal>) {
        match whose {
            PasswordOf::Hub(ticket) => {
                let hash = result.and_then(|outcome| match outcome {
                    PasswordOutcome::Hashed(hash) => Ok(hash),
                    PasswordOutcome::Right | PasswordOutcome::RightAsTyped(_) | PasswordOutcome::Wrong => Err(Refusal::Busy),
                });
                self.hub.handle_hashed(now, ticket, hash);
            }
            PasswordOf::Session(session) => {
                if let Some((to, step)) = self.take_step(session)
                    && let Err(refusal) = self.password_checked(now, to, step, result)
                {
                    self.refuse_sign_in(now, to, refusal);
                }
            }
        }
    }

    /// A session has gone, or begins anew: what was said before lets nobody in any more.
    pub(super) fn forget_password_of(&mut self, session: SessionId) {
        self.password_queue.forget(|whose| whose == PasswordOf::Session(session));
    }
}
