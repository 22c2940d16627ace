//! What those sessions that ask for something have under way and have used up. Most have not asked for anything for hours, and there is
//! nothing kept of them here.

use std::collections::{BTreeMap, VecDeque};

use belfry_core::chat::Request;
use belfry_core::time::Instant;

use super::allowances::Allowances;
use crate::hub::{Rates, ReplyTo, SessionId};
use crate::limits::{ANSWER_BYTES_PER_SESSION_MAX, LARGE_ANSWER_BYTES, REQUESTS_REST_EVERY};

/// One session's.
#[derive(Debug)]
pub(super) struct RequestLoad {
    pub(super) allowances: Allowances,
    /// Requests that the hub has not answered.
    pub(super) waiting: usize,
    pub(super) answers: AnswerBudget,
}

impl RequestLoad {
    fn new(now: Instant) -> Self {
        Self { allowances: Allowances::new(now), waiting: 0, answers: AnswerBudget::default() }
    }

    /// It is as if the session had never asked for anything.
    fn is_resting(&mut self, now: Instant, rates: &Rates) -> bool {
        self.waiting == 0 && self.answers.is_resting() && self.allowances.are_full(now, rates)
    }
}

/// A session's answers and questions.
#[derive(Debug, Default)]
pub(super) struct AnswerBudget {
    /// Requests whose large answers are being made.
    pub(super) making: Vec<u32>,
    /// Bytes that wait to be acknowledged, as the transport has last said, and what was sent since.
    pub(super) queued: u64,
    /// Questions that wait, in their order.
    pub(super) parked: VecDeque<(ReplyTo, Request)>,
    /// There is room for its next question, and it stands in the backlog with the others.
    pub(super) in_backlog: bool,
    /// The transport will tell when there is room.
    pub(super) watched: bool,
}

impl AnswerBudget {
    pub(super) fn has_room(&self) -> bool {
        let made_and_next = (self.making.len() as u64 + 1) * LARGE_ANSWER_BYTES;
        made_and_next + self.queued <= ANSWER_BYTES_PER_SESSION_MAX
    }

    /// Nothing is being made and nothing waits. What is sent meanwhile needs no counting: the transport says how much it is with the next
    /// question.
    pub(super) fn is_resting(&self) -> bool {
        self.making.is_empty() && self.parked.is_empty() && !self.in_backlog && !self.watched
    }

    /// What has been sent counts until the transport says otherwise.
    pub(super) const fn sent(&mut self, bytes: usize) {
        self.queued += bytes as u64;
    }
}

/// Those of all sessions, looked through together every so often while there are any.
#[derive(Debug, Default)]
pub(super) struct RequestLoads {
    of: BTreeMap<SessionId, RequestLoad>,
    look_at: Option<Instant>,
}

impl RequestLoads {
    /// What a session that asks now has under way.
    pub(super) fn of(&mut self, now: Instant, session: SessionId) -> &mut RequestLoad {
        self.look_at.get_or_insert(now + REQUESTS_REST_EVERY);
        self.of.entry(session).or_insert_with(|| RequestLoad::new(now))
    }

    /// The same of one that may not have asked lately.
    pub(super) fn known(&mut self, session: SessionId) -> Option<&mut RequestLoad> {
        self.of.get_mut(&session)
    }

    /// A session is over.
    pub(super) fn remove(&mut self, session: SessionId) -> Option<RequestLoad> {
        self.of.remove(&session)
    }

    /// When to look for those that rest again.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.look_at
    }

    /// Time passed: what rests again is forgotten.
    pub(super) fn forget_resting(&mut self, now: Instant, rates: &Rates) {
        if self.look_at.is_some_and(|at| at <= now) {
            self.of.retain(|_, load| !load.is_resting(now, rates));
            self.look_at = (!self.of.is_empty()).then_some(now + REQUESTS_REST_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::RateClass;

    use super::*;
    use crate::limits::READS_BURST;

    const ANNA: SessionId = SessionId(1);

    #[test]
    fn who_has_used_up_something_is_known_until_it_is_there_again_and_until_all_is_answered() {
        let (mut loads, rates, start) = (RequestLoads::default(), Rates::default(), Instant::START);
        assert_eq!(loads.deadline(), None, "nobody asks");
        while loads.of(start, ANNA).allowances.take(start, RateClass::Read, &rates) {}
        loads.of(start, ANNA).waiting = 1;
        let mut now = start;
        let mut look = |loads: &mut RequestLoads| {
            now = loads.deadline().unwrap();
            loads.forget_resting(now, &rates);
            now
        };
        let full_at = start + core::time::Duration::from_secs(READS_BURST.div_ceil(rates.reads_per_second));
        while look(&mut loads) < full_at {}
        assert!(loads.known(ANNA).is_some(), "one is not answered");
        loads.of(start, ANNA).waiting = 0;
        look(&mut loads);
        assert!(loads.known(ANNA).is_none());
        assert_eq!(loads.deadline(), None, "and nobody is waited for");
    }

    #[test]
    fn nothing_is_given_back_by_being_forgotten() {
        let (mut loads, rates, start) = (RequestLoads::default(), Rates::default(), Instant::START);
        while loads.of(start, ANNA).allowances.take(start, RateClass::Typing, &rates) {}
        let early = start + core::time::Duration::from_micros(1);
        loads.look_at = Some(early);
        loads.forget_resting(early, &rates);
        assert!(!loads.of(early, ANNA).allowances.take(early, RateClass::Typing, &rates));
    }
}
