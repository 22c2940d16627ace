//! Rooms that one is not in yet: the list of them, and who asks one to join. And what a search has found.

use belfry_core::chat::{AccountName, Found, Place, Refusal, Room, RoomName, SearchText};

use crate::link::AskId;

/// The list of rooms as it was last read.
#[derive(Clone, Debug, Default)]
pub struct Rooms {
    known: Vec<Room>,
    asked: Option<AskId>,
    gathered: Vec<Room>,
    invitations: Vec<(RoomName, AccountName)>,
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
    }

    pub(super) fn invited(&mut self, room: RoomName, by: AccountName) {
        self.settle(&room);
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
