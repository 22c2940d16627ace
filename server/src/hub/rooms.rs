//! Rooms: who is in which, who is asked to join, who hears what is said there. The lobby is the one that everyone is in.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use belfry_core::chat::{
    AccountId, AccountName, Answer, ConversationId, ConversationInfo, Event, Keep, Person, Refusal, Role, Room, RoomName, Standing,
};
use belfry_core::time::Now;

use super::done::misplaced;
use super::{Hub, ReplyTo, SessionId, Waiting, page};
use crate::limits::ROOMS_MAX;
use crate::session::SignedIn;
use crate::store::{Keeper, Outcome, RoomJob, StoredRoom, Work};

/// Every room by what its name is unique by.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    by_key: BTreeMap<String, ConversationId>,
    by_id: BTreeMap<ConversationId, OneRoom>,
}

/// One room.
#[derive(Debug)]
pub(super) struct OneRoom {
    pub(super) name: RoomName,
    /// Everybody is in it.
    pub(super) everyone: bool,
    pub(super) private: bool,
    owner: Option<AccountId>,
    keep: Keep,
    pub(super) members: BTreeSet<AccountId>,
    invited: BTreeSet<AccountId>,
}

impl OneRoom {
    fn standing(&self, account: AccountId) -> Standing {
        if self.everyone || self.members.contains(&account) {
            Standing::Inside
        } else if self.invited.contains(&account) {
            Standing::Invited
        } else {
            Standing::Outside
        }
    }

    /// Whether somebody may know who is in it.
    fn is_open_to(&self, account: AccountId) -> Result<(), Refusal> {
        match self.standing(account) {
            Standing::Outside if self.private => Err(Refusal::InvitationNeeded),
            Standing::Invited if self.private => Err(Refusal::NotInRoom),
            _ => Ok(()),
        }
    }
}

/// What becomes of a room once the store has done it.
#[derive(Clone, Debug)]
pub(super) enum RoomChange {
    Create { name: RoomName, private: bool },
    Join,
    Leave(ConversationId),
    Invite { room: ConversationId, account: AccountId },
    Remove { room: ConversationId, account: AccountId },
    Rename { room: ConversationId, name: RoomName },
    Delete(ConversationId),
    Keep { room: ConversationId, keep: Keep },
}

impl Rooms {
    pub(super) fn new(rooms: Vec<StoredRoom>) -> Self {
        let mut known = Self::default();
        for StoredRoom { conversation, name, everyone, private, owner, keep, members, invited } in rooms {
            let (members, invited) = (members.into_iter().collect(), invited.into_iter().collect());
            known.add(conversation, OneRoom { name, everyone, private, owner, keep, members, invited });
        }
        known
    }

    fn add(&mut self, conversation: ConversationId, room: OneRoom) {
        self.by_key.insert(room.name.key(), conversation);
        self.by_id.insert(conversation, room);
    }

    /// The room that a person means by `name`.
    pub(super) fn find(&self, name: &RoomName) -> Option<ConversationId> {
        self.by_key.get(&name.key()).copied()
    }

    pub(super) fn get(&self, room: ConversationId) -> Option<&OneRoom> {
        self.by_id.get(&room)
    }

    /// Whether a room says for itself how long its messages are kept.
    pub(super) fn differ(&self) -> bool {
        self.by_id.values().any(|room| room.keep != Keep::default())
    }

    fn named(&self, name: &RoomName) -> Result<(ConversationId, &OneRoom), Refusal> {
        let id = self.find(name).ok_or(Refusal::UnknownRoom)?;
        Ok((id, self.get(id).ok_or(Refusal::UnknownRoom)?))
    }
}

fn keeper(from: &SignedIn) -> Keeper {
    Keeper { account: from.account(), any: from.role() == Role::Admin }
}

impl Hub {
    pub(super) fn create_room(&mut self, now: Now, from: &SignedIn, to: ReplyTo, name: RoomName, private: bool) -> Result<(), Refusal> {
        if self.rooms.by_id.len() >= ROOMS_MAX {
            return Err(Refusal::TooMany);
        }
        let account = from.account();
        let work = Work::Room(RoomJob::Create { account, name: name.clone(), private });
        self.submit(now, work, Waiting::Room { to, account, change: RoomChange::Create { name, private } })
    }

    pub(super) fn join_room(&mut self, now: Now, account: AccountId, to: ReplyTo, name: &RoomName) -> Result<(), Refusal> {
        let (room, _) = self.rooms.named(name)?;
        self.submit(now, Work::Room(RoomJob::Join { account, room }), Waiting::Room { to, account, change: RoomChange::Join })
    }

    pub(super) fn leave_room(&mut self, now: Now, account: AccountId, to: ReplyTo, name: &RoomName) -> Result<(), Refusal> {
        let (room, _) = self.rooms.named(name)?;
        self.submit(now, Work::Room(RoomJob::Leave { account, room }), Waiting::Room { to, account, change: RoomChange::Leave(room) })
    }

    pub(super) fn invite(&mut self, now: Now, from: &SignedIn, to: ReplyTo, name: &RoomName, invited: &AccountName) -> Result<(), Refusal> {
        let (room, _) = self.rooms.named(name)?;
        let account = self.directory.find(invited).ok_or(Refusal::UnknownAccount)?.id;
        let work = RoomJob::Invite { by: from.account(), any: from.role() == Role::Admin, account, room };
        let change = RoomChange::Invite { room, account };
        self.submit(now, Work::Room(work), Waiting::Room { to, account: from.account(), change })
    }

    /// Puts somebody out; of a room that one owns, or as an administrator of any.
    pub(super) fn remove_from_room(
        &mut self,
        now: Now,
        from: &SignedIn,
        to: ReplyTo,
        name: &RoomName,
        removed: &AccountName,
    ) -> Result<(), Refusal> {
        let (room, _) = self.rooms.named(name)?;
        let account = self.directory.find(removed).ok_or(Refusal::UnknownAccount)?.id;
        let work = RoomJob::Remove { by: keeper(from), account, room };
        let change = RoomChange::Remove { room, account };
        self.submit(now, Work::Room(work), Waiting::Room { to, account: from.account(), change })
    }

    pub(super) fn rename_room(&mut self, now: Now, from: &SignedIn, to: ReplyTo, name: &RoomName, new: RoomName) -> Result<(), Refusal> {
        let (room, _) = self.rooms.named(name)?;
        let work = RoomJob::Rename { by: keeper(from), room, name: new.clone() };
        let change = RoomChange::Rename { room, name: new };
        self.submit(now, Work::Room(work), Waiting::Room { to, account: from.account(), change })
    }

    pub(super) fn delete_room(&mut self, now: Now, from: &SignedIn, to: ReplyTo, name: &RoomName) -> Result<(), Refusal> {
        let (room, _) = self.rooms.named(name)?;
        let work = RoomJob::Delete { by: keeper(from), room };
        self.submit(now, Work::Room(work), Waiting::Room { to, account: from.account(), change: RoomChange::Delete(room) })
    }

    pub(super) fn keep_room(&mut self, now: Now, from: &SignedIn, to: ReplyTo, name: &RoomName, keep: Keep) -> Result<(), Refusal> {
        let (room, _) = self.rooms.named(name)?;
        let change = RoomChange::Keep { room, keep };
        self.submit(now, Work::Room(RoomJob::Keep { room, keep }), Waiting::Room { to, account: from.account(), change })
    }

    /// Whether somebody is in the room that they mean by `name`.
    pub(super) fn is_in_room(&self, account: AccountId, name: &RoomName) -> bool {
        self.rooms.named(name).is_ok_and(|(_, room)| room.standing(account) == Standing::Inside)
    }

    /// Whether somebody looks after the room that they mean by `name` because they made it.
    pub(super) fn owns_room(&self, account: AccountId, name: &RoomName) -> bool {
        self.rooms.named(name).is_ok_and(|(_, room)| room.owner == Some(account) && room.members.contains(&account))
    }

    pub(super) fn list_rooms(&mut self, account: AccountId, to: ReplyTo, after: Option<&RoomName>) {
        let start = after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.key()));
        let everybody = self.directory.len() as u64;
        let line = |room: &OneRoom| Room {
            name: room.name.clone(),
            private: room.private,
            members: if room.everyone { everybody } else { room.members.len() as u64 },
            standing: room.standing(account),
            owner: room.owner.and_then(|owner| self.directory.get(owner)).map(|owner| owner.name.clone()),
            keep: room.keep,
        };
        let rooms = self.rooms.by_key.range((start, Bound::Unbounded)).filter_map(|(_, id)| self.rooms.get(*id));
        let (rooms, more) = page(rooms.filter(|room| !room.private || room.standing(account) != Standing::Outside).map(line));
        self.reply(to, Ok(Answer::Rooms { rooms, more }));
    }

    pub(super) fn room_members(
        &mut self,
        account: AccountId,
        to: ReplyTo,
        name: &RoomName,
        after: Option<&AccountName>,
    ) -> Result<(), Refusal> {
        let (_, room) = self.rooms.named(name)?;
        room.is_open_to(account)?;
        let person = |account: &crate::store::StoredAccount| Person {
            account: account.name.clone(),
            presence: self.attendance.presence(account.id),
            last_seen: account.last_seen,
        };
        let members = self.directory.after(after).filter(|account| room.everyone || room.members.contains(&account.id));
        let (people, more) = page(members.filter(|account| !account.disabled).map(person));
        self.reply(to, Ok(Answer::People { people, more }));
        Ok(())
    }

    /// The store has changed who is in a room: the person hears where they are now, and then that it is done.
    pub(super) fn room_changed(
        &mut self,
        now: Now,
        to: ReplyTo,
        account: AccountId,
        change: RoomChange,
        outcome: Outcome,
    ) -> Result<(), Refusal> {
        match (change, outcome) {
            (RoomChange::Create { name, private }, Outcome::Entered(info)) => {
                let members = BTreeSet::from([account]);
                let (owner, keep) = (Some(account), Keep::default());
                self.rooms.add(info.id, OneRoom { name, everyone: false, private, owner, keep, members, invited: BTreeSet::new() });
                self.push_to_account(account, Event::Conversation(info));
            }
            (RoomChange::Join, Outcome::Entered(info)) => self.joined(account, info),
            (RoomChange::Leave(room), Outcome::Changed) => self.left(account, room),
            (RoomChange::Remove { room, account: removed }, Outcome::Changed) => self.left(removed, room),
            (RoomChange::Rename { room, name }, Outcome::Changed) => self.renamed(room, name),
            (RoomChange::Delete(room), Outcome::Changed) => self.deleted(room),
            (RoomChange::Keep { room, keep }, Outcome::Changed) => {
                if let Some(known) = self.rooms.by_id.get_mut(&room) {
                    known.keep = keep;
                }
                self.begin_tidying(now);
            }
            (RoomChange::Invite { room, account: invited }, Outcome::Changed) => self.invited(account, invited, room),
            (_, other) => return Err(misplaced(&other)),
        }
        self.reply(to, Ok(Answer::Done));
        Ok(())
    }

    /// Somebody is not in a room any more, or was never to come.
    fn left(&mut self, account: AccountId, room: ConversationId) {
        let Some(known) = self.rooms.by_id.get_mut(&room) else { return };
        known.invited.remove(&account);
        if known.members.remove(&account) {
            self.push_to_account(account, Event::Left(room));
        }
    }

    fn renamed(&mut self, room: ConversationId, name: RoomName) {
        let Some(known) = self.rooms.by_id.get_mut(&room) else { return };
        let old = core::mem::replace(&mut known.name, name.clone());
        self.rooms.by_key.remove(&old.key());
        self.rooms.by_key.insert(name.key(), room);
        self.schedules.rename_room(&old, &name);
        self.templates.rename_room(&old, &name);
        self.push(self.sessions_in(room), Event::Renamed { conversation: room, room: name });
    }

    fn deleted(&mut self, room: ConversationId) {
        let sessions = self.sessions_in(room);
        if let Some(known) = self.rooms.by_id.remove(&room) {
            self.rooms.by_key.remove(&known.name.key());
        }
        self.push(sessions, Event::Left(room));
    }

    fn joined(&mut self, account: AccountId, info: ConversationInfo) {
        let Some(room) = self.rooms.by_id.get_mut(&info.id) else { return };
        room.invited.remove(&account);
        if !room.everyone && room.members.insert(account) {
            self.push_to_account(account, Event::Conversation(info));
        }
    }

    fn invited(&mut self, by: AccountId, account: AccountId, room: ConversationId) {
        let Some(known) = self.rooms.by_id.get_mut(&room) else { return };
        if known.standing(account) != Standing::Outside {
            return;
        }
        known.invited.insert(account);
        let name = known.name.clone();
        if let Some(by) = self.directory.get(by).map(|by| by.name.clone()) {
            self.push_to_account(account, Event::Invited { room: name, by });
        }
    }

    /// The sessions of everybody in a room.
    pub(super) fn sessions_in(&self, room: ConversationId) -> Vec<SessionId> {
        match self.rooms.get(room) {
            Some(room) if !room.everyone => room.members.iter().flat_map(|&member| self.attendance.sessions_of(member)).collect(),
            Some(_) => self.attendance.sessions().map(|(session, _)| session).collect(),
            None => Vec::new(),
        }
    }
}
