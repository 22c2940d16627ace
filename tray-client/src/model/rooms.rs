//! Rooms: the list of them, who asks one to join, and who is in one of them. And what a search has found.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountName, Found, Person, Place, Refusal, Room, RoomName, SearchText, Standing};

use super::listing::{Listing, Part};
use crate::link::{AskId, Down};

/// People of one room that are listed; beyond that the rest is left to the command line.
const MEMBERS_MAX: usize = 5_000;

/// A room and somebody, however they are spelled.
type Invited = (String, String);

/// The list of rooms as it was last read.
#[derive(Clone, Debug, Default)]
pub struct Rooms {
    known: Vec<Room>,
    asked: Option<AskId>,
    gathered: Vec<Room>,
    invitations: Vec<(RoomName, AccountName)>,
    /// The room that was asked about, and who is in it.
    members_of: Option<RoomName>,
    members: Listing<Person>,
    members_asked: Option<AskId>,
    /// Whom this person has asked to join what: before and after the server has said that it is done.
    inviting: BTreeMap<AskId, Invited>,
    invited: BTreeSet<Invited>,
    /// Rooms that this person has been asked to join and does not want to.
    declined: BTreeSet<String>,
}

impl Rooms {
    /// Every room that one may see, by name.
    pub fn all(&self) -> &[Room] {
        &self.known
    }

    /// Who asks one to join which room.
    pub fn invitations(&self) -> &[(RoomName, AccountName)] {
        &self.invitations
    }

    /// The room that was asked about last, and who is in it, by name.
    pub fn members(&self) -> Option<(&RoomName, &[Person])> {
        self.members_of.as_ref().map(|room| (room, self.members.shown()))
    }

    /// Whether this person has asked somebody to join a room.
    pub fn has_invited(&self, room: &RoomName, account: &AccountName) -> bool {
        self.invited.contains(&(room.key(), account.key()))
    }

    /// Whether this person does not want to join a room.
    pub fn has_declined(&self, room: &RoomName) -> bool {
        self.declined.contains(&room.key())
    }

    pub(super) fn decline(&mut self, room: &RoomName) {
        self.settle(room);
        self.declined.insert(room.key());
    }

    /// What the person is to a room has changed.
    pub(super) fn stand(&mut self, room: &RoomName, standing: Standing) {
        for known in self.known.iter_mut().filter(|known| known.name.key() == room.key()) {
            known.standing = standing;
        }
    }

    /// Who is in a room is to be listed. What to ask for; nothing while it is asked already.
    pub(super) fn list_members(&mut self, ask: AskId, room: RoomName) -> Option<Down> {
        if self.members_of.as_ref() != Some(&room) {
            self.members = Listing::default();
        }
        self.members_of = Some(room.clone());
        self.members.begin(ask).then(|| {
            self.members_asked = Some(ask);
            Down::AskMembers { ask, room, after: None }
        })
    }

    /// Whether somebody is not on the list of this room, as it was last read.
    pub(super) fn misses(&self, room: &RoomName, account: &AccountName) -> bool {
        let listed = self.members.shown();
        let is_it = self.members_of.as_ref().is_some_and(|listed| listed.key() == room.key());
        is_it
            && self.members_asked.is_none()
            && listed.len() < MEMBERS_MAX
            && !listed.iter().any(|person| person.account.key() == account.key())
    }

    /// Whether this was asked to list the people of a room.
    pub(super) fn asks_members(&self, ask: AskId) -> bool {
        self.members_asked == Some(ask)
    }

    /// A part of the list of people. What to ask for next, and whether the list is complete.
    pub(super) fn members_part(&mut self, ask: AskId, people: Vec<Person>, more: bool) -> (Option<Down>, bool) {
        let part = self.members.part(ask, people, more, MEMBERS_MAX);
        let Some(room) = self.members_of.clone() else { return (None, false) };
        match part {
            Part::Stale => (None, false),
            Part::More => {
                let after = self.members.last().map(|last| last.account.clone());
                (Some(Down::AskMembers { ask, room, after }), false)
            }
            Part::Complete { again: false } => {
                self.members_asked = None;
                (None, true)
            }
            Part::Complete { again: true } => (self.list_members(ask, room), true),
        }
    }

    /// Somebody is being asked to join.
    pub(super) fn inviting(&mut self, ask: AskId, room: &RoomName, account: &AccountName) {
        self.inviting.insert(ask, (room.key(), account.key()));
    }

    /// What has become of asking somebody to join. Whether it was that.
    pub(super) fn invitation_settled(&mut self, ask: AskId, done: bool) -> bool {
        let Some(invited) = self.inviting.remove(&ask) else { return false };
        if done {
            self.invited.insert(invited);
        }
        true
    }

    pub(super) fn begin(&mut self, ask: AskId) {
        self.asked = Some(ask);
        self.gathered.clear();
    }

    /// A part of the list. The name to go on after, or `None` when it is complete; an `Err` when nobody asked for it.
    pub(super) fn part(&mut self, ask: AskId, rooms: Vec<Room>, more: bool) -> Result<Option<RoomName>, ()> {
        if self.asked != Some(ask) {
            return Err(());
        }
        let last = rooms.last().map(|room| room.name.clone()).filter(|_| more);
        self.gathered.extend(rooms);
        if last.is_none() {
            self.asked = None;
            self.known = std::mem::take(&mut self.gathered);
        }
        Ok(last)
    }

    /// The list will not be completed; the old one stays.
    pub(super) fn abandon(&mut self, ask: AskId) {
        self.asked.take_if(|asked| *asked == ask);
        if self.members.abandon(ask) {
            self.members_asked = None;
        }
    }

    pub(super) fn invited(&mut self, room: RoomName, by: AccountName) {
        self.settle(&room);
        self.declined.remove(&room.key());
        self.invitations.push((room, by));
    }

    /// An invitation is taken or not wanted.
    pub(super) fn settle(&mut self, room: &RoomName) {
        self.invitations.retain(|(invited, _)| invited.key() != room.key());
    }
}

/// What was searched for last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    ask: AskId,
    /// The text.
    pub text: SearchText,
    /// Only here.
    pub place: Option<Place>,
    /// What came of it; `None` while it is looked for, and inside why nothing could be found.
    pub found: Option<Result<Found, Option<Refusal>>>,
}

impl Search {
    pub(super) const fn new(ask: AskId, text: SearchText, place: Option<Place>) -> Self {
        Self { ask, text, place, found: None }
    }

    /// Whether this was an answer to it.
    pub(super) fn answer(&mut self, ask: AskId, found: Result<Found, Option<Refusal>>) -> bool {
        if self.ask != ask {
            return false;
        }
        self.found = Some(found);
        true
    }
}
