//! Rooms: who is in which, who is asked to join, who hears what is said there. The lobby is the one that everyone is in.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountId, AccountName, ConversationId, ConversationInfo, Event, Keep, Refusal, Role, RoomName};
use belfry_core::time::Now;

use super::{Context, Hub, PendingJob, SessionId, unless_it_stops_notices};
use crate::session::SignedIn;
use crate::store::{Changed, Invitation, Keeper, List, NamedAccount, Outcome, RoomJob, StoredRoom, Work};

/// Every room by what its name is unique by. Who is in them, the store knows; here is only who is here.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    by_key: BTreeMap<String, ConversationId>,
    by_id: BTreeMap<ConversationId, OneRoom>,
    /// The same as the rooms' `here`, by person.
    of: BTreeMap<AccountId, BTreeSet<ConversationId>>,
    /// A room that is closed by now says for itself how long its messages are kept.
    closed_differ: bool,
}

/// One room.
#[derive(Debug)]
struct OneRoom {
    name: RoomName,
    /// Everybody is in it.
    everyone: bool,
    owner: Option<AccountId>,
    keep: Keep,
    /// Who is in it and is here; empty where everybody is in it.
    here: BTreeSet<AccountId>,
}

/// What becomes of a room once the store has done it.
#[derive(Clone, Debug)]
pub(super) enum RoomChange {
    Create(RoomName),
    Join,
    Leave(ConversationId),
    Invite(ConversationId),
    Remove(ConversationId),
    Rename { room: ConversationId, name: RoomName },
    Delete(ConversationId),
    Keep(ConversationId),
}

impl Rooms {
    pub(super) fn new(rooms: Vec<StoredRoom>, closed_differ: bool) -> Self {
        let mut known = Self { closed_differ, ..Self::default() };
        for StoredRoom { conversation, name, everyone, owner, keep } in rooms {
            known.add(conversation, OneRoom { name, everyone, owner, keep, here: BTreeSet::new() });
        }
        known
    }

    fn add(&mut self, conversation: ConversationId, room: OneRoom) {
        self.by_key.insert(room.name.key(), conversation);
        self.by_id.insert(conversation, room);
    }

    /// The room that a person means by `name`.
    pub(super) fn find(&self, name: &RoomName) -> Result<ConversationId, Refusal> {
        self.by_key.get(&name.key()).copied().ok_or(Refusal::UnknownRoom)
    }

    /// How long the messages of a room are kept.
    pub(super) fn keep(&self, room: ConversationId) -> Result<Keep, Refusal> {
        self.by_id.get(&room).map(|room| room.keep).ok_or(Refusal::UnknownRoom)
    }

    /// What a room is called now.
    pub(super) fn name(&self, room: ConversationId) -> Option<&RoomName> {
        self.by_id.get(&room).map(|room| &room.name)
    }

    /// Whether everybody is in a room.
    pub(super) fn is_everyones(&self, room: ConversationId) -> bool {
        self.by_id.get(&room).is_some_and(|room| room.everyone)
    }

    /// The rooms in which somebody who is here is, but for those that everybody is in.
    pub(super) fn of(&self, account: AccountId) -> impl Iterator<Item = ConversationId> {
        self.of.get(&account).into_iter().flatten().copied()
    }

    /// Whether somebody who is here is in such a room.
    pub(super) fn is_in(&self, account: AccountId, room: ConversationId) -> bool {
        self.by_id.get(&room).is_some_and(|room| room.here.contains(&account))
    }

    fn named(&self, name: &RoomName) -> Option<&OneRoom> {
        self.by_id.get(self.by_key.get(&name.key())?)
    }

    pub(super) fn count(&self) -> usize {
        self.by_id.len()
    }

    /// The rooms that somebody has made.
    pub(super) fn count_of(&self, owner: AccountId) -> usize {
        self.by_id.values().filter(|room| room.owner == Some(owner)).count()
    }

    /// Whether a room says for itself how long its messages are kept; closed ones go by what was said for them.
    pub(super) fn differ(&self) -> bool {
        self.closed_differ || self.by_id.values().any(|room| room.keep != Keep::default())
    }

    /// Somebody is here who is in these conversations, as the store has just said.
    pub(super) fn arrive(&mut self, account: AccountId, conversations: &[ConversationInfo]) {
        self.leave(account);
        for info in conversations {
            self.enter(account, info.id);
        }
    }

    /// Somebody is not here any more.
    pub(super) fn leave(&mut self, account: AccountId) {
        for room in self.of.remove(&account).into_iter().flatten() {
            if let Some(room) = self.by_id.get_mut(&room) {
                room.here.remove(&account);
            }
        }
    }

    /// Somebody who is here is in a room from now on. Whether they were not.
    fn enter(&mut self, account: AccountId, room: ConversationId) -> bool {
        let entered = self.by_id.get_mut(&room).is_some_and(|room| !room.everyone && room.here.insert(account));
        if entered {
            self.of.entry(account).or_default().insert(room);
        }
        entered
    }

    /// Somebody is in a room no more. Whether they were, and are here.
    fn quit(&mut self, account: AccountId, room: ConversationId) -> bool {
        let left = self.by_id.get_mut(&room).is_some_and(|room| room.here.remove(&account));
        if left && let Some(rooms) = self.of.get_mut(&account) {
            rooms.remove(&room);
        }
        left
    }

    fn close(&mut self, room: ConversationId) {
        let Some(closed) = self.by_id.remove(&room) else { return };
        self.by_key.remove(&closed.name.key());
        self.closed_differ |= closed.keep != Keep::default();
        for account in closed.here {
            if let Some(rooms) = self.of.get_mut(&account) {
                rooms.remove(&room);
            }
        }
    }
}

fn keeper(from: &SignedIn) -> Keeper {
    Keeper { account: from.account(), any: from.role() == Role::Admin }
}

impl Hub {
    pub(super) fn create_room(&mut self, context: Context<'_>, name: RoomName, private: bool) -> Result<(), Refusal> {
        let account = context.account();
        let work = Work::Room(RoomJob::Create { account, name: name.clone(), private });
        self.submit_for(context, work, PendingJob::Room { to: context.to, account, change: RoomChange::Create(name) })
    }

    pub(super) fn join_room(&mut self, context: Context<'_>, name: &RoomName) -> Result<(), Refusal> {
        let room = self.rooms.find(name)?;
        let (to, account) = (context.to, context.account());
        self.submit_for(context, Work::Room(RoomJob::Join { account, room }), PendingJob::Room { to, account, change: RoomChange::Join })
    }

    /// Somebody goes out of a room. What is planned for it is only an administrator's to know of.
    pub(super) fn leave_room(&mut self, context: Context<'_>, name: &RoomName, confirmed: bool) -> Result<(), Refusal> {
        let room = self.rooms.find(name)?;
        let (to, account) = (context.to, context.account());
        let is_asked = context.from.role() == Role::Admin && !confirmed;
        let work = unless_it_stops_notices(!is_asked, Work::Room(RoomJob::Leave { account, room }));
        self.submit_for(context, work, PendingJob::Room { to, account, change: RoomChange::Leave(room) })
    }

    pub(super) fn invite(&mut self, context: Context<'_>, name: &RoomName, invited: AccountName) -> Result<(), Refusal> {
        let room = self.rooms.find(name)?;
        let work = RoomJob::Invite { by: context.account(), any: context.from.role() == Role::Admin, account: invited, room };
        self.submit_for(
            context,
            Work::Room(work),
            PendingJob::Room { to: context.to, account: context.account(), change: RoomChange::Invite(room) },
        )
    }

    /// Puts somebody out; of a room that one owns, or as an administrator of any.
    pub(super) fn remove_from_room(
        &mut self,
        context: Context<'_>,
        name: &RoomName,
        removed: AccountName,
        confirmed: bool,
    ) -> Result<(), Refusal> {
        let room = self.rooms.find(name)?;
        let work = Work::Room(RoomJob::Remove { by: keeper(context.from), account: removed, room });
        let work = unless_it_stops_notices(confirmed, work);
        self.submit_for(context, work, PendingJob::Room { to: context.to, account: context.account(), change: RoomChange::Remove(room) })
    }

    pub(super) fn rename_room(&mut self, context: Context<'_>, name: &RoomName, new: RoomName) -> Result<(), Refusal> {
        let room = self.rooms.find(name)?;
        let work = RoomJob::Rename { by: keeper(context.from), room, name: new.clone() };
        let change = RoomChange::Rename { room, name: new };
        self.submit_for(context, Work::Room(work), PendingJob::Room { to: context.to, account: context.account(), change })
    }

    pub(super) fn delete_room(&mut self, context: Context<'_>, name: &RoomName, confirmed: bool) -> Result<(), Refusal> {
        let room = self.rooms.find(name)?;
        let work = unless_it_stops_notices(confirmed, Work::Room(RoomJob::Delete { by: keeper(context.from), room }));
        self.submit_for(context, work, PendingJob::Room { to: context.to, account: context.account(), change: RoomChange::Delete(room) })
    }

    /// Whether somebody who is here is in the room that they mean by `name`.
    pub(super) fn is_in_room(&self, account: AccountId, name: &RoomName) -> bool {
        self.rooms.named(name).is_some_and(|room| room.everyone || room.here.contains(&account))
    }

    /// Whether somebody who is here looks after the room that they mean by `name` because they made it.
    pub(super) fn owns_room(&self, account: AccountId, name: &RoomName) -> bool {
        self.rooms.named(name).is_some_and(|room| room.owner == Some(account) && room.here.contains(&account))
    }

    pub(super) fn list_rooms(&mut self, context: Context<'_>, after: Option<RoomName>) -> Result<(), Refusal> {
        self.submit_for(context, Work::List(List::Rooms { account: context.account(), after }), PendingJob::Read { to: context.to })
    }

    pub(super) fn room_members(&mut self, context: Context<'_>, name: &RoomName, after: Option<AccountName>) -> Result<(), Refusal> {
        let room = self.rooms.find(name)?;
        self.submit_for(
            context,
            Work::List(List::Members { account: context.account(), room, after }),
            PendingJob::People { to: context.to },
        )
    }

    /// The store has changed who is in a room: the person hears where they are now, and then that it is done.
    pub(super) fn room_changed(&mut self, now: Now, account: AccountId, change: RoomChange, outcome: Outcome) -> Result<(), Refusal> {
        match change {
            RoomChange::Create(name) => {
                let info: ConversationInfo = outcome.expect()?;
                let (owner, keep) = (Some(account), Keep::default());
                self.rooms.add(info.id, OneRoom { name, everyone: false, owner, keep, here: BTreeSet::new() });
                self.joined(account, info);
            }
            RoomChange::Join => self.joined(account, outcome.expect()?),
            RoomChange::Invite(room) => {
                let Invitation { account: invited, by, news } = outcome.expect()?;
                if let Some(known) = self.rooms.by_id.get(&room).filter(|_| news) {
                    self.push_to_account(invited, Event::Invited { room: known.name.clone(), by });
                }
            }
            RoomChange::Remove(room) => {
                let removed: NamedAccount = outcome.expect()?;
                self.left(removed.account, room);
            }
            RoomChange::Leave(room) => {
                outcome.expect::<Changed>()?;
                self.left(account, room);
            }
            RoomChange::Rename { room, name } => {
                outcome.expect::<Changed>()?;
                self.renamed(room, name);
            }
            RoomChange::Delete(room) => {
                outcome.expect::<Changed>()?;
                self.deleted(room);
            }
            RoomChange::Keep(room) => {
                let keep: Keep = outcome.expect()?;
                if let Some(known) = self.rooms.by_id.get_mut(&room) {
                    known.keep = keep;
                }
                self.begin_tidying(now);
            }
        }
        Ok(())
    }

    /// Somebody is not in a room any more, or was never to come.
    fn left(&mut self, account: AccountId, room: ConversationId) {
        if self.rooms.quit(account, room) {
            self.push_to_account(account, Event::Left(room));
        }
    }

    fn renamed(&mut self, room: ConversationId, name: RoomName) {
        let Some(known) = self.rooms.by_id.get_mut(&room) else { return };
        let old = core::mem::replace(&mut known.name, name.clone());
        self.rooms.by_key.remove(&old.key());
        self.rooms.by_key.insert(name.key(), room);
        self.templates.rename_room(&old, &name);
        self.push(self.sessions_in(room), Event::Renamed { conversation: room, room: name });
    }

    fn deleted(&mut self, room: ConversationId) {
        let sessions = self.sessions_in(room);
        if let Some(name) = self.rooms.name(room) {
            self.templates.close_room(name);
        }
        self.rooms.close(room);
        self.push(sessions, Event::Left(room));
    }

    /// Whoever has left meanwhile hears of it when they come again.
    fn joined(&mut self, account: AccountId, info: ConversationInfo) {
        if self.presences.is_here(account) && self.rooms.enter(account, info.id) {
            self.push_to_account(account, Event::Conversation(info));
        }
    }

    /// The sessions of everybody in a room.
    pub(super) fn sessions_in(&self, room: ConversationId) -> Vec<SessionId> {
        match self.rooms.by_id.get(&room) {
            Some(room) if !room.everyone => room.here.iter().flat_map(|&member| self.presences.sessions_of(member)).collect(),
            Some(_) => self.presences.sessions().map(|(session, _)| session).collect(),
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Place, Seq};

    use super::*;
    use crate::hub::tests::hub;

    #[test]
    fn who_has_gone_is_in_no_rooms_list_of_who_is_here() {
        let (attic, anna, name) = (ConversationId(2), AccountId(1), RoomName::new("attic").unwrap());
        let stored = StoredRoom { conversation: attic, name: name.clone(), everyone: false, owner: None, keep: Keep::default() };
        let mut rooms = Rooms::new(vec![stored], false);
        let zero = Seq(0);
        let info = ConversationInfo::new(attic, Place::Room(name), zero);
        rooms.arrive(anna, std::slice::from_ref(&info));
        assert!(rooms.by_id[&attic].here.contains(&anna));
        rooms.leave(anna);
        assert!(rooms.by_id[&attic].here.is_empty() && rooms.of.is_empty());
        let mut hub = hub();
        hub.rooms = rooms;
        hub.joined(anna, info);
        assert!(hub.rooms.of.is_empty(), "nor who has gone before it is stored that they are in it");
    }
}
