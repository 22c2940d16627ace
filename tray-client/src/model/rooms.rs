//! Rooms: the list of them, who asks one to join, and who is in one of them. And what a search has found.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountName, Found, Page, Person, Place, Refusal, Request, Room, RoomName, SearchText, Standing};
use belfry_core::client::{Command, Ticket};

use super::listing::{Listed, Listing};
use super::numbers::Numbers;

impl Listed for Room {
    type Of = ();

    /// All of them: the list is what rooms are joined from.
    const MAX: usize = usize::MAX;

    fn request((): &(), after: Option<&Self>) -> Request {
        Request::ListRooms { after: after.map(|room| room.name.clone()) }
    }
}

impl Listed for Person {
    type Of = RoomName;

    fn request(room: &RoomName, after: Option<&Self>) -> Request {
        Request::RoomMembers { room: room.clone(), after: after.map(|last| last.account.clone()) }
    }
}

/// A room and somebody, however they are spelled.
type Invited = (String, String);

/// The list of rooms as it was last read.
#[derive(Clone, Debug, Default)]
pub struct RoomDirectory {
    all: Listing<Room>,
    invitations: Vec<(RoomName, AccountName)>,
    /// Who is in the room that was asked about.
    members: Option<Listing<Person>>,
    /// Whom this person has asked to join what: before and after the server has said that it is done.
    inviting: BTreeMap<Ticket, Invited>,
    invited: BTreeSet<Invited>,
    /// Rooms that this person has been asked to join and does not want to.
    declined: BTreeSet<String>,
}

impl RoomDirectory {
    /// Every room that one may see, by name.
    pub fn all(&self) -> &[Room] {
        self.all.shown()
    }

    /// Who asks one to join which room.
    pub fn invitations(&self) -> &[(RoomName, AccountName)] {
        &self.invitations
    }

    /// The room that was asked about last, and who is in it, by name.
    pub fn members(&self) -> Option<(&RoomName, &[Person])> {
        self.members.as_ref().map(|members| (members.whose(), members.shown()))
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
        for known in self.all.shown_mut().iter_mut().filter(|known| known.name.key() == room.key()) {
            known.standing = standing;
        }
    }

    /// Who is in a room is to be listed. What to ask for; nothing while it is asked already.
    pub(super) fn list_members(&mut self, room: RoomName, numbers: &mut Numbers) -> Option<Command> {
        let members = self.members.take().filter(|members| *members.whose() == room);
        self.members.insert(members.unwrap_or_else(|| Listing::of(room))).begin(numbers)
    }

    /// Whether somebody is not on the list of this room, as it was last read.
    pub(super) fn misses(&self, room: &RoomName, account: &AccountName) -> bool {
        self.members.as_ref().is_some_and(|members| {
            members.whose().key() == room.key()
                && !members.is_read()
                && members.shown().len() < Person::MAX
                && !members.shown().iter().any(|person| person.account.key() == account.key())
        })
    }

    /// Whether this was asked to list the people of a room.
    pub(super) fn asks_members(&self, ticket: Ticket) -> bool {
        self.members.as_ref().is_some_and(|members| members.asks(ticket))
    }

    /// A part of the list of people. Whether the list is complete, and what to ask for next.
    pub(super) fn hear_members(&mut self, ticket: Ticket, page: Page<Person>, numbers: &mut Numbers) -> (bool, Option<Command>) {
        self.members.as_mut().map_or((false, None), |members| members.part(ticket, page, numbers))
    }

    /// Somebody is being asked to join.
    pub(super) fn inviting(&mut self, ticket: Ticket, room: &RoomName, account: &AccountName) {
        self.inviting.insert(ticket, (room.key(), account.key()));
    }

    /// What has become of asking somebody to join. Whether it was that.
    pub(super) fn invitation_settled(&mut self, ticket: Ticket, done: bool) -> bool {
        let Some(invited) = self.inviting.remove(&ticket) else { return false };
        if done {
            self.invited.insert(invited);
        }
        true
    }

    /// The list of rooms is to be read, as it is from now on.
    pub(super) fn list(&mut self, numbers: &mut Numbers) -> Option<Command> {
        self.all.begin_anew(numbers)
    }

    /// There are other rooms, or other people in them: what is shown of that is read once more.
    pub(super) fn read_again(&mut self, numbers: &mut Numbers) -> Vec<Command> {
        self.all.begin(numbers).into_iter().chain(self.read_members_again(numbers)).collect()
    }

    /// The people of the room that was asked about may be others.
    pub(super) fn read_members_again(&mut self, numbers: &mut Numbers) -> Option<Command> {
        self.members.as_mut().and_then(|members| members.begin(numbers))
    }

    /// A part of the list of rooms. Whether the list is complete, and what to ask for next.
    pub(super) fn hear_rooms(&mut self, ticket: Ticket, page: Page<Room>, numbers: &mut Numbers) -> (bool, Option<Command>) {
        self.all.part(ticket, page, numbers)
    }

    /// The list will not be completed; the old one stays.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        self.all.abandon(ticket);
        if let Some(members) = &mut self.members {
            members.abandon(ticket);
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
    ticket: Ticket,
    /// What messages are to say.
    pub text: SearchText,
    /// In this conversation only; `None` for all of the person's.
    pub place: Option<Place>,
    /// What came of it; `None` while it is looked for, and inside why nothing could be found.
    pub found: Option<Result<Found, Option<Refusal>>>,
}

impl Search {
    pub(super) const fn new(ticket: Ticket, text: SearchText, place: Option<Place>) -> Self {
        Self { ticket, text, place, found: None }
    }

    /// Whether this was an answer to it.
    pub(super) fn answer(&mut self, ticket: Ticket, found: Result<Found, Option<Refusal>>) -> bool {
        if self.ticket != ticket {
            return false;
        }
        self.found = Some(found);
        true
    }
}
