//! Whom a notice would reach: who that is, the store knows; who of them is here, the hub.

use belfry_core::chat::{Answer, Audience, Preview, Refusal, check_audience};

use crate::hub::{Context, Hub, PendingJob};
use crate::store::{Reachable, Work};

impl Hub {
    pub(in crate::hub) fn preview(&mut self, context: Context<'_>, audience: Vec<Audience>) -> Result<(), Refusal> {
        check_audience(&audience)?;
        self.submit_for(context, Work::Preview { author: context.account(), audience }, PendingJob::Preview { to: context.to })
    }

    pub(in crate::hub) fn previewed(&self, reachable: Reachable) -> Answer {
        let Reachable { everyone, people } = reachable;
        let ever = people.iter().filter(|(_, ever)| *ever).count() as u64;
        let mut preview = Preview { people: people.len() as u64, online: 0, offline: ever, never: people.len() as u64 - ever, everyone };
        for account in self.presences.people() {
            let Ok(found) = people.binary_search_by_key(&account, |&(account, _)| account) else { continue };
            preview.online += 1;
            // Whoever has come for the first time since it was read had never been here then.
            match people.get(found) {
                Some((_, true)) => preview.offline -= 1,
                _ => preview.never -= 1,
            }
        }
        Answer::Preview(preview)
    }
}
