//! Whom a notice would reach: who that is, the store knows; who of them is here, the hub.

use belfry_core::chat::{Answer, Audience, Preview, Refusal, check_audience};

use crate::hub::{Context, Hub, PendingJob};
use crate::store::{Reachable, Work};

impl Hub {
    pub(in crate::hub) fn preview(&mut self, context: Context<'_>, audience: Vec<Audience>) -> Result<(), Refusal> {
        check_audience(&audience)?;
        self.submit_for(context, Work::Preview { author: context.account(), audience }, PendingJob::Preview { to: context.to })
    }

    pub(in crate::hub) fn preview_read(&self, reachable: Reachable) -> Answer {
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

#[cfg(test)]
mod tests {
    use belfry_core::chat::AccountId;
    use belfry_core::time::Now;

    use super::*;
    use crate::hub::SessionId;
    use crate::hub::tests::hub;

    #[test]
    fn who_has_come_for_the_first_time_since_it_was_read_is_online_and_was_never_here() {
        let mut hub = hub();
        for here in [1, 4, 9] {
            hub.presences.arrive(Now::default(), SessionId(here), AccountId(here));
        }
        let reachable = |people: &[(u64, bool)]| Reachable {
            everyone: false,
            people: people.iter().map(|&(id, ever)| (AccountId(id), ever)).collect(),
        };
        let of_six = reachable(&[(1, true), (2, true), (3, false), (4, false), (5, false), (6, false)]);
        let expected = Preview { people: 6, online: 2, offline: 1, never: 3, everyone: false };
        assert_eq!(hub.preview_read(of_six), Answer::Preview(expected));
    }
}
