//! What was heard about conversations beside their messages, and what the person wants of them.

use std::time::Duration;

use belfry_core::chat::{AccountName, ConversationId, Person, Place, SearchText, Seq, Standing};
use belfry_core::limits::TYPING_INTERVAL;
use belfry_core::time::Now;

use super::memory::Keep;
use super::{Conversation, Effect, Intent, Model, Part, Search, key};
use crate::link::{AskId, Down, Up};

/// For how long somebody who was said to be writing is believed to be.
const TYPING_LASTS: Duration = TYPING_INTERVAL.saturating_mul(2);

impl Model {
    /// Something was heard that is about places and not a new message.
    pub(super) fn hear_of_places(&mut self, now: Now, up: Up, effects: &mut Vec<Effect>) {
        match up {
            Up::Conversation { id, place, last, read, unread, alterations } => {
                self.recognise(id, &place, last, effects);
                if let Place::Room(room) = &place {
                    self.rooms.settle(room);
                    self.rooms.stand(room, Standing::Inside);
                    effects.push(Effect::Redraw(Part::Rooms));
                }
                let afresh = self.afresh;
                let conversation = self.conversation_mut(&place);
                conversation.listed(id, last, alterations, afresh);
                conversation.server_says(read, unread, Some((last, alterations)));
                effects.push(Effect::Redraw(Part::Conversations));
                if self.going.take_if(|going| *going == key(&place)).is_some() {
                    effects.push(Effect::GoTo(place));
                    self.list_rooms(effects);
                }
            }
            Up::Renamed { from, to } => self.rename(&from, to, effects),
            Up::Left(place) => self.leave(&place, effects),
            Up::Altered { place, message } => {
                self.news.push(Keep::Altered(message.clone()));
                if self.conversation_mut(&place).alter(message) {
                    effects.push(Effect::Redraw(Part::Lines(place)));
                }
                effects.push(Effect::Redraw(Part::Conversations));
            }
            Up::Read { place, read, unread } => {
                self.conversation_mut(&place).server_says(read, unread, None);
                effects.push(Effect::Redraw(Part::Lines(place)));
                effects.push(Effect::Redraw(Part::Conversations));
            }
            Up::Typing { place, account } => {
                self.see_in(&place, &account, effects);
                self.conversation_mut(&place).hear_typing(account, now.instant + TYPING_LASTS);
                effects.push(Effect::Redraw(Part::Lines(place)));
            }
            Up::Invited { room, by } => {
                self.rooms.invited(room, by);
                effects.push(Effect::Redraw(Part::Rooms));
            }
            Up::Rooms { ask, rooms, more } => match self.rooms.part(ask, rooms, more) {
                Ok(Some(after)) => effects.push(Effect::Tell(Down::AskRooms { ask, after: Some(after) })),
                Ok(None) => effects.push(Effect::Redraw(Part::Rooms)),
                Err(()) => {}
            },
            Up::Found { ask, found } => {
                let answered = self.search.as_mut().is_some_and(|search| search.answer(ask, Ok(found)));
                effects.extend(answered.then_some(Effect::Redraw(Part::Search)));
            }
            _ => {}
        }
    }

    /// A conversation is known by its number, whatever it is called: a room may have been given another name while this program was away,
    /// and another room its old one.
    fn recognise(&mut self, id: ConversationId, place: &Place, last: Seq, effects: &mut Vec<Effect>) {
        self.named.insert(id);
        let is_it = |known: &&Conversation| known.id() == Some(id);
        let known = self.conversations.values().find(is_it).map(|known| (known.place().clone(), known.is_beyond(last)));
        self.make_room(id, place);
        let Some((from, is_beyond)) = known else { return };
        if from != *place {
            self.rename(&from, place.clone(), effects);
        }
        if is_beyond && !self.caught_up {
            // The server has gone back to a backup: what it says now is true.
            self.news.push(Keep::Forget(id));
            self.conversations.insert(key(place), Conversation::new(place.clone()));
            effects.push(Effect::Redraw(Part::Lines(place.clone())));
        }
    }

    /// What bears a name that belongs to another conversation by now has a new one that is still to be heard of, or is gone.
    fn make_room(&mut self, id: ConversationId, place: &Place) {
        let other = self.conversations.get(&key(place)).and_then(Conversation::id).filter(|other| *other != id);
        if let Some(other) = other {
            self.displaced.insert(other);
            self.conversations.remove(&key(place));
        }
    }

    /// The server has named every conversation one is in: a room that it has not named was left on another device, or is no more.
    pub(super) fn leave_unnamed(&mut self, effects: &mut Vec<Effect>) {
        for gone in std::mem::take(&mut self.displaced).difference(&self.named) {
            self.news.push(Keep::Forget(*gone));
        }
        let is_gone = |known: &&Conversation| {
            let is_room = matches!(known.place(), Place::Room(_)) && *known.place() != Place::lobby();
            is_room && known.id().is_some_and(|id| !self.named.contains(&id))
        };
        let gone: Vec<_> = self.conversations.values().filter(is_gone).map(|known| known.place().clone()).collect();
        for place in gone {
            self.leave(&place, effects);
        }
    }

    fn leave(&mut self, place: &Place, effects: &mut Vec<Effect>) {
        let left = self.conversations.remove(&key(place));
        self.news.extend(left.and_then(|left| left.id()).map(Keep::Forget));
        if self.shown.take_if(|shown| *shown == key(place)).is_some() {
            // There is always something to show.
            effects.push(Effect::GoTo(Place::lobby()));
        }
        if let Place::Room(room) = place {
            self.rooms.stand(room, Standing::Outside);
            effects.push(Effect::Redraw(Part::Rooms));
        }
        effects.push(Effect::Redraw(Part::Conversations));
    }

    fn rename(&mut self, from: &Place, to: Place, effects: &mut Vec<Effect>) {
        let Some(mut conversation) = self.conversations.remove(&key(from)) else { return };
        conversation.rename(to.clone());
        if self.shown.as_ref() == Some(&key(from)) {
            self.shown = Some(key(&to));
        }
        for searched in self.search.iter_mut().filter_map(|search| search.place.as_mut()).filter(|place| *place == from) {
            searched.clone_from(&to);
        }
        effects.push(Effect::Redraw(Part::Search));
        self.conversations.insert(key(&to), conversation);
        effects.push(Effect::Redraw(Part::Conversations));
        effects.push(Effect::Redraw(Part::Lines(to)));
    }

    /// A question about places has come to nothing. Whether it was one.
    pub(super) fn place_ask_failed(&mut self, ask: AskId, refusal: Option<belfry_core::chat::Refusal>, effects: &mut Vec<Effect>) -> bool {
        self.rooms.abandon(ask);
        self.rooms.invitation_settled(ask, false);
        if self.search.as_mut().is_some_and(|search| search.answer(ask, Err(refusal))) {
            effects.push(Effect::Redraw(Part::Search));
            return true;
        }
        let is_act = self.acts.remove(&ask);
        if is_act {
            self.going = None;
            effects.push(Effect::Refused(refusal));
        }
        is_act
    }

    /// Something is done that was asked at a place. Whether it was such a thing.
    pub(super) fn act_done(&mut self, ask: AskId, effects: &mut Vec<Effect>) -> bool {
        effects.extend(self.rooms.invitation_settled(ask, true).then_some(Effect::Redraw(Part::Rooms)));
        self.acts.remove(&ask)
    }

    pub(super) fn hear_members(&mut self, ask: AskId, people: Vec<Person>, more: bool, effects: &mut Vec<Effect>) {
        let (down, complete) = self.rooms.members_part(ask, people, more);
        effects.extend(down.map(Effect::Tell));
        effects.extend(complete.then_some(Effect::Redraw(Part::Rooms)));
    }

    /// Who says something in a room is in it: somebody who is not on its list has come since it was read.
    pub(super) fn see_in(&mut self, place: &Place, account: &AccountName, effects: &mut Vec<Effect>) {
        if let Place::Room(room) = place
            && self.rooms.misses(room, account)
        {
            let ask = self.numbers.ask();
            effects.extend(self.rooms.list_members(ask, room.clone()).map(Effect::Tell));
        }
    }

    pub(super) fn list_rooms(&mut self, effects: &mut Vec<Effect>) {
        let ask = self.numbers.ask();
        self.rooms.begin(ask);
        effects.push(Effect::Tell(Down::AskRooms { ask, after: None }));
    }

    /// The person wants something of a place.
    pub(super) fn act_on_places(&mut self, intent: Intent, effects: &mut Vec<Effect>) {
        match intent {
            Intent::Type(place) => effects.push(Effect::Tell(Down::Typing(place))),
            Intent::Away(away) => effects.push(Effect::Tell(Down::Away(away))),
            Intent::Edit { place, seq, text } => self.tell_act(effects, |ask| Down::Edit { ask, place, seq, text }),
            Intent::Delete { place, seq } => self.tell_act(effects, |ask| Down::Delete { ask, place, seq }),
            Intent::CreateRoom { room, private } => {
                self.going = Some(key(&Place::Room(room.clone())));
                self.tell_act(effects, |ask| Down::CreateRoom { ask, room, private });
            }
            Intent::Join(room) => {
                self.going = Some(key(&Place::Room(room.clone())));
                self.tell_act(effects, |ask| Down::JoinRoom { ask, room });
            }
            Intent::Leave(room) => self.tell_act(effects, |ask| Down::LeaveRoom { ask, room }),
            Intent::Invite { room, account } => {
                let ask = self.numbers.ask();
                self.acts.insert(ask);
                self.rooms.inviting(ask, &room, &account);
                effects.push(Effect::Tell(Down::Invite { ask, room, account }));
            }
            Intent::Decline(room) => {
                self.rooms.decline(&room);
                effects.push(Effect::Redraw(Part::Rooms));
            }
            Intent::ListRooms => self.list_rooms(effects),
            Intent::ListMembers(room) => {
                let ask = self.numbers.ask();
                effects.extend(self.rooms.list_members(ask, room).map(Effect::Tell));
                effects.push(Effect::Redraw(Part::Rooms));
            }
            Intent::Search { text, place } => self.look_for(text, place, effects),
            Intent::EndSearch => {
                self.search = None;
                effects.push(Effect::Redraw(Part::Search));
            }
            _ => {}
        }
    }

    fn look_for(&mut self, text: SearchText, place: Option<Place>, effects: &mut Vec<Effect>) {
        let ask = self.numbers.ask();
        self.search = Some(Search::new(ask, text.clone(), place.clone()));
        effects.push(Effect::Tell(Down::Search { ask, text, place }));
        effects.push(Effect::Redraw(Part::Search));
    }

    /// Asks for something of which the person hears only if it fails.
    fn tell_act(&mut self, effects: &mut Vec<Effect>, down: impl FnOnce(AskId) -> Down) {
        let ask = self.numbers.ask();
        self.acts.insert(ask);
        effects.push(Effect::Tell(down(ask)));
    }

    /// Tells the server how far the person has read, where it does not know.
    pub(super) fn tell_read(&mut self, place: &Place) -> Option<Effect> {
        let upto = self.conversations.get_mut(&key(place))?.untold()?;
        let ask = self.numbers.ask();
        Some(Effect::Tell(Down::MarkRead { ask, place: place.clone(), upto }))
    }
}

#[cfg(test)]
mod tests;
