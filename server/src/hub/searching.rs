//! Searches: one of each account at a time, the others behind it.

use std::collections::{BTreeMap, VecDeque};

use belfry_core::chat::{AccountId, Refusal};
use belfry_core::time::Now;

use super::{Context, Hub, PendingJob, ReplyTo};
use crate::limits::SEARCHES_WAITING_PER_ACCOUNT;
use crate::store::{MessageJob, Outcome, Work};

/// Accounts that have a search under way, with those that wait for it.
#[derive(Debug, Default)]
pub(super) struct Searching {
    of: BTreeMap<AccountId, VecDeque<(ReplyTo, MessageJob)>>,
}

impl Hub {
    pub(super) fn search(&mut self, context: Context<'_>, talk: MessageJob) -> Result<(), Refusal> {
        let (to, account) = (context.to, context.account());
        match self.searching.of.get_mut(&account) {
            Some(waiting) if waiting.len() >= SEARCHES_WAITING_PER_ACCOUNT => Err(Refusal::TooManyRequests),
            Some(waiting) => {
                waiting.push_back((to, talk));
                Ok(())
            }
            None => {
                self.submit_for(context, Work::Message(talk), PendingJob::Search { to, account })?;
                self.searching.of.insert(account, VecDeque::new());
                Ok(())
            }
        }
    }

    /// One is done: the next begins. Whoever has gone meanwhile searches no more.
    pub(super) fn searched(&mut self, now: Now, account: AccountId, to: ReplyTo, result: Result<Outcome, Refusal>) {
        self.reply(to, result.and_then(Outcome::expect));
        let waiting = self.searching.of.remove(&account).unwrap_or_default();
        let mut rest = waiting.into_iter();
        while let Some((to, talk)) = rest.next() {
            if !self.presences.is_signed_in(to.session) {
                continue;
            }
            match self.submit(now, Work::Message(talk), PendingJob::Search { to, account }) {
                Ok(()) => {
                    self.searching.of.insert(account, rest.collect());
                    return;
                }
                Err(refusal) => self.reply(to, Err(refusal)),
            }
        }
    }
}
