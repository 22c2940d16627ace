//! Taking conversations away: everybody their own, administrators all of them, and that is noted before the first message is read.

use std::collections::BTreeSet;

use belfry_core::chat::{ConversationId, Refusal, Role, RoomName, Seq};
use belfry_core::limits::PAGE_ENTRIES_MAX;
use belfry_core::time::Now;

use super::{Hub, ReplyTo, Waiting};
use crate::session::SignedIn;
use crate::store::Work;

/// What an administrator has said that they export, and what was noted.
#[derive(Debug)]
pub(super) enum Scope {
    /// Everything.
    All,
    /// These rooms.
    Rooms(BTreeSet<ConversationId>),
}

impl Scope {
    fn covers(&self, conversation: ConversationId) -> bool {
        match self {
            Self::All => true,
            Self::Rooms(rooms) => rooms.contains(&conversation),
        }
    }
}

impl Hub {
    pub(super) fn list_exportable(
        &mut self,
        now: Now,
        from: &SignedIn,
        to: ReplyTo,
        room: Option<RoomName>,
        after: Option<ConversationId>,
    ) -> Result<(), Refusal> {
        let all = from.role() == Role::Admin;
        let found = match &room {
            Some(room) => Some(self.rooms.find(room)?),
            None => None,
        };
        let account = from.account();
        self.submit(now, Work::Exportable { account, all, room, after }, Waiting::Read { to })?;
        // Only the first page is noted, so only it opens anything.
        if all && after.is_none() {
            let scope = self.exports.entry(to.session).or_insert_with(|| Scope::Rooms(BTreeSet::new()));
            match (found, scope) {
                (None, scope) => *scope = Scope::All,
                (Some(room), Scope::Rooms(rooms)) => drop(rooms.insert(room)),
                (Some(_), Scope::All) => {}
            }
        }
        Ok(())
    }

    pub(super) fn export_page(
        &mut self,
        now: Now,
        from: &SignedIn,
        to: ReplyTo,
        conversation: ConversationId,
        after: Seq,
    ) -> Result<(), Refusal> {
        let noted = self.exports.get(&to.session).is_some_and(|scope| scope.covers(conversation));
        let all = from.role() == Role::Admin && noted;
        let work = Work::ExportPage { account: from.account(), all, conversation, after, limit: PAGE_ENTRIES_MAX };
        self.submit(now, work, Waiting::Read { to })
    }
}
