//! Room for answers: a large one counts before it is made, and while there is no room for it its question waits here, in a few bytes.

use std::collections::VecDeque;

use belfry_core::chat::{Refusal, Request, RequestKind};
use belfry_core::endpoint::PeerId;
use belfry_core::time::Now;

use super::request_loads::RequestLoad;
use super::{Output, Sessions};
use crate::hub::{ReplyTo, SessionId};
use crate::limits::{LARGE_ANSWERS_AT_ONCE, PARKED_MAX, PARKED_PER_SESSION_MAX};

/// What all sessions share.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// Large answers that are being made.
    making: usize,
    /// Questions that wait.
    pub(super) parked: usize,
    /// Sessions with a question and room for its answer, in turn.
    sessions: VecDeque<SessionId>,
}

impl Sessions {
    /// Hands a request of somebody who is signed in to the hub, or keeps it while there is no room for its answer.
    pub(super) fn pass_or_park(&mut self, now: Now, to: ReplyTo, request: Request) -> Result<(), Refusal> {
        if request.rule().kind != RequestKind::ReadsPages {
            return self.pass(now, to, request);
        }
        // Behind those that wait already, or somebody's first question would be answered last.
        let answers = &mut self.loads.of(now.instant, to.session).answers;
        if answers.parked.is_empty() && answers.has_room() && self.backlog.making < LARGE_ANSWERS_AT_ONCE {
            return self.pass_large(now, to, request);
        }
        if answers.parked.len() >= PARKED_PER_SESSION_MAX || self.backlog.parked >= PARKED_MAX {
            return Err(Refusal::Busy);
        }
        answers.parked.push_back((to, request));
        self.backlog.parked += 1;
        self.join_backlog(to.session);
        Ok(())
    }

    fn pass_large(&mut self, now: Now, to: ReplyTo, request: Request) -> Result<(), Refusal> {
        self.loads.of(now.instant, to.session).answers.making.push(to.id);
        self.backlog.making += 1;
        let passed = self.pass(now, to, request);
        if passed.is_err() {
            self.made(to);
        }
        passed
    }

    /// An answer has been made. Those who wait for room go on at the next [`serve_backlog`](Self::serve_backlog).
    pub(super) fn made(&mut self, to: ReplyTo) {
        let Some(load) = self.loads.known(to.session) else { return };
        if let Some(index) = load.answers.making.iter().position(|&making| making == to.id) {
            load.answers.making.swap_remove(index);
            self.backlog.making -= 1;
            self.join_backlog(to.session);
        }
    }

    /// The transport says how much waits to be acknowledged.
    pub(super) fn note_queued(&mut self, now: Now, session: SessionId, queued: u64) {
        self.loads.of(now.instant, session).answers.queued = queued;
    }

    /// A connection that was watched has room again.
    pub(crate) fn handle_room(&mut self, now: Now, peer: PeerId, queued: u64) {
        let Some(&session) = self.by_peer.get(&peer) else { return };
        if let Some(load) = self.loads.known(session) {
            load.answers.watched = false;
        }
        self.note_queued(now, session, queued);
        self.join_backlog(session);
        self.drain(now);
    }

    /// A session that waits for something stands in the backlog if it has room for it, and is watched if it has none.
    fn join_backlog(&mut self, session: SessionId) {
        let (Some(known), Some(load)) = (self.sessions.get(&session), self.loads.known(session)) else { return };
        let answers = &mut load.answers;
        if answers.parked.is_empty() || answers.in_backlog {
            return;
        }
        if answers.has_room() {
            answers.in_backlog = true;
            self.backlog.sessions.push_back(session);
        } else if answers.making.is_empty() && !answers.watched {
            answers.watched = true;
            self.outputs.push_back(Output::Watch { peer: known.peer });
        }
    }

    /// Lets those who wait go on, one question each in turn, while there is room for all. Whether anybody did.
    pub(super) fn serve_backlog(&mut self, now: Now) -> bool {
        let mut any = false;
        while self.backlog.making < LARGE_ANSWERS_AT_ONCE
            && let Some(session) = self.backlog.sessions.pop_front()
        {
            let Some(load) = self.loads.known(session) else { continue };
            load.answers.in_backlog = false;
            if !load.answers.has_room() {
                self.join_backlog(session);
                continue;
            }
            let Some((to, request)) = load.answers.parked.pop_front() else { continue };
            self.backlog.parked -= 1;
            any = true;
            if let Err(refusal) = self.pass_large(now, to, request) {
                self.reply(to, Err(refusal));
            }
            self.join_backlog(session);
        }
        any
    }

    /// A session has gone with what it waited for.
    pub(super) fn leave_backlog(&mut self, session: SessionId) {
        let Some(RequestLoad { answers, .. }) = self.loads.remove(session) else { return };
        self.backlog.making -= answers.making.len();
        self.backlog.parked -= answers.parked.len();
    }
}
