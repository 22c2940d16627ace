//! The way back: the hub's effects become messages to clients and jobs for others.

use belfry_core::chat::{Answer, Event, FromServer, NoticeState, Refusal, encode};
use belfry_core::connection::{Body, DeliveryTag};
use belfry_core::time::Now;
use belfry_core::wire::Channel;

use super::{Output, Sessions, SignInState};
use crate::hub::{Effect, ReplyTo, SessionId};

impl Sessions {
    /// Carries out what the hub has decided, until it has nothing more.
    pub(super) fn drain(&mut self, now: Now) {
        loop {
            let Some(effect) = self.hub.poll() else {
                if self.serve_backlog(now) {
                    continue;
                }
                return;
            };
            match effect {
                Effect::Job(job) => self.outputs.push_back(Output::Store(job)),
                Effect::Content(job) => self.outputs.push_back(Output::Content(job)),
                Effect::FileWindow { session, bytes } => {
                    if let Some(known) = self.sessions.get(&session) {
                        self.outputs.push_back(Output::FileWindow { peer: known.peer, bytes });
                    }
                }
                Effect::Hash { ticket, session, password } => self.hash_for_hub(now, ticket, session, password),
                Effect::LookedUp { session, result } => self.looked_up(now, session, result),
                Effect::Registered { session, result } => self.registered(now, session, result),
                Effect::Entered { session } => self.entered(session),
                Effect::Reply { to, result } => self.answered(now, to, result),
                Effect::Push { to, event } => self.push(&to, event),
                Effect::Expel { session, code } => {
                    self.observed.expel(session, code);
                    self.forget(session, code);
                }
                Effect::PasswordChanged { account } => self.password_changed(now, account),
            }
        }
    }

    /// The hub answers a request that it was handed.
    fn answered(&mut self, now: Now, to: ReplyTo, result: Result<Answer, Refusal>) {
        let Some(known) = self.sessions.get(&to.session) else { return };
        match (&known.state, &result) {
            (SignInState::SigningIn(_), Err(refusal)) => return self.refuse_sign_in(now, to, *refusal),
            (_, Ok(Answer::Welcome { .. })) => {}
            _ => self.loads.of(now.instant, to.session).waiting -= 1,
        }
        self.reply(to, result);
        self.made(to);
    }

    /// Sends an answer.
    pub(super) fn reply(&mut self, to: ReplyTo, result: Result<Answer, Refusal>) {
        let ReplyTo { session, id, channel } = to;
        if !self.sessions.contains_key(&session) {
            return;
        }
        let body = encode(&FromServer::Reply { id, result }).or_else(|_| {
            self.observed.unsendable_message(Some(session));
            encode(&FromServer::Reply { id, result: Err(Refusal::TooMany) })
        });
        if let Ok(body) = body {
            self.send(session, channel, self.tally.body(body), Some(id));
        }
    }

    /// Tells several sessions the same: it is encoded once.
    fn push(&mut self, to: &[SessionId], event: Event) {
        let channel = event.channel();
        // Of an open notice it matters whom it has reached.
        let tag = match &event {
            Event::Notice(notice) if notice.state == NoticeState::Open => Some(DeliveryTag { id: notice.id.0, version: notice.revision }),
            _ => None,
        };
        // All who look are told in the same moment, whether or not they look at the same.
        let is_unhurried = matches!(event, Event::Presence { .. });
        let Ok(body) = encode(&FromServer::Event(event)) else {
            self.observed.unsendable_message(None);
            return;
        };
        let body = if is_unhurried { self.tally.unhurried(body) } else { self.tally.tagged(body, tag) };
        for &session in to {
            self.send(session, channel, body.clone(), None);
        }
    }

    fn send(&mut self, session: SessionId, channel: Channel, body: Body, answers: Option<u32>) {
        let Some(known) = self.sessions.get_mut(&session) else { return };
        if answers.is_some()
            && let Some(newcomer) = known.newcomer.as_mut()
        {
            newcomer.answered = newcomer.answered.saturating_add(1);
        }
        if let Some(load) = self.loads.known(session) {
            load.answers.sent(body.len());
        }
        self.outputs.push_back(Output::Send { peer: known.peer, channel, body, answers });
    }
}
