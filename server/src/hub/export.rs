//! Taking conversations away: everybody their own, administrators all of them, and that is noted before the first message is read.

use std::collections::BTreeSet;

use belfry_core::chat::{ConversationId, Refusal, Role, RoomName, Seq};
use belfry_core::limits::PAGE_ENTRIES_MAX;

use super::{Context, Hub, PendingJob};
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
        context: Context<'_>,
        room: Option<RoomName>,
        after: Option<ConversationId>,
    ) -> Result<(), Refusal> {
        let all = context.from.role() == Role::Admin;
        let found = match &room {
            Some(room) => Some(self.rooms.find(room)?),
            None => None,
        };
        let account = context.account();
        self.submit_for(context, Work::Exportable { account, all, room, after }, PendingJob::Read { to: context.to })?;
        // Only the first page is noted, so only it opens anything.
        if all && after.is_none() {
            let scope = self.exports.entry(context.to.session).or_insert_with(|| Scope::Rooms(BTreeSet::new()));
            match (found, scope) {
                (None, scope) => *scope = Scope::All,
                (Some(room), Scope::Rooms(rooms)) => drop(rooms.insert(room)),
                (Some(_), Scope::All) => {}
            }
        }
        Ok(())
    }

    pub(super) fn export_page(&mut self, context: Context<'_>, conversation: ConversationId, after: Seq) -> Result<(), Refusal> {
        let noted = self.exports.get(&context.to.session).is_some_and(|scope| scope.covers(conversation));
        let all = context.from.role() == Role::Admin && noted;
        let work = Work::ExportPage { account: context.account(), all, conversation, after, limit: PAGE_ENTRIES_MAX };
        self.submit_for(context, work, PendingJob::Read { to: context.to })
    }
}
