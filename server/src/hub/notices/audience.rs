//! Whom a notice is for.

use std::collections::BTreeSet;

use belfry_core::chat::{AccountId, Audience, Preview, Refusal};
use belfry_core::limits::AUDIENCES_MAX;

use crate::hub::Hub;

/// The people of several audiences, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::hub) struct Reach {
    /// All but the author, also those who are made while the notice is open.
    pub(in crate::hub) everyone: bool,
    /// The people. With `everyone`, they are all there are now.
    pub(in crate::hub) accounts: BTreeSet<AccountId>,
}

impl Hub {
    /// Finds the people of an audience. Disabled accounts are not among them: they could never answer. Neither is the author, unless
    /// named: everyone else is to be told.
    pub(in crate::hub) fn reach(&self, author: AccountId, audience: &[Audience]) -> Result<Reach, Refusal> {
        if audience.len() > AUDIENCES_MAX {
            return Err(Refusal::TooMany);
        }
        let mut reach = Reach::default();
        let is_here = |id: &AccountId| self.directory.get(*id).is_some_and(|account| !account.disabled);
        for audience in audience {
            match audience {
                Audience::Everyone => reach.everyone = true,
                Audience::Account(name) => {
                    let account = self.directory.find(name).ok_or(Refusal::UnknownAccount)?.id;
                    reach.accounts.extend(Some(account).filter(is_here));
                }
                Audience::Room(name) => {
                    let room = self.rooms.find(name).and_then(|room| self.rooms.get(room)).ok_or(Refusal::UnknownRoom)?;
                    reach.everyone |= room.everyone;
                    reach.accounts.extend(room.members.iter().copied().filter(is_here));
                }
                Audience::Group(name) => {
                    let members = self.groups.members(name).ok_or(Refusal::UnknownGroup)?;
                    reach.accounts.extend(members.iter().copied().filter(is_here));
                }
            }
        }
        if reach.everyone {
            reach
                .accounts
                .extend(self.directory.all().filter(|account| !account.disabled && account.id != author).map(|account| account.id));
        }
        if reach.accounts.is_empty() { Err(Refusal::EmptyAudience) } else { Ok(reach) }
    }

    /// Whom an audience would reach now.
    pub(in crate::hub) fn preview(&self, author: AccountId, audience: &[Audience]) -> Result<Preview, Refusal> {
        let reach = self.reach(author, audience)?;
        let mut preview = Preview { people: reach.accounts.len() as u64, everyone: reach.everyone, ..Preview::default() };
        for account in reach.accounts {
            if self.attendance.sessions_of(account).next().is_some() {
                preview.online += 1;
            } else if self.directory.get(account).is_some_and(|account| account.last_seen.is_some()) {
                preview.offline += 1;
            } else {
                preview.never += 1;
            }
        }
        Ok(preview)
    }
}
