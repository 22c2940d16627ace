//! What was heard about conversations beside their messages, and what the person wants of them.

use std::time::Duration;

use belfry_core::chat::{
    AccountName, ConversationId, ConversationInfo, Message, Place, Refusal, Request, RoomName, SearchText, Seq, Standing,
};
use belfry_core::client::Ticket;
use belfry_core::limits::{HITS_MAX, TYPING_INTERVAL};
use belfry_core::time::Now;

use super::memory::MemoryChange;
use super::{Conversation, Effect, Model, PlaceKey, ScreenPart, Search};

/// For how long somebody who was said to be writing is believed to be.
const TYPING_LASTS: Duration = TYPING_INTERVAL.saturating_mul(2);

impl Model {
    /// A conversation one is in, as the server has it.
    pub(super) fn hear_conversation(&mut self, info: ConversationInfo, effects: &mut Vec<Effect>) {
        let ConversationInfo { id, place, last, since: _, read, unread, alterations, arrangement } = info;
        self.recognise(id, &place, last, effects);
        if let Place::Room(room) = &place {
            self.rooms.settle(room);
            self.rooms.stand(room, Standing::Inside);
            effects.push(Effect::Redraw(ScreenPart::Rooms));
        }
        let afresh = self.afresh;
        let conversation = self.conversation_mut(&place);
        conversation.listed(id, last, alterations, afresh);
        conversation.server_says(read, unread, Some((last, alterations)));
        conversation.arrange(arrangement);
        effects.push(Effect::Redraw(ScreenPart::Conversations));
        if self.going.take_if(|going| *going == PlaceKey::of(&place)).is_some() {
            effects.push(Effect::GoTo(place));
            self.list_rooms(effects);
        }
    }

    pub(super) fn hear_altered(&mut self, place: Place, message: Message, effects: &mut Vec<Effect>) {
        self.news.push(MemoryChange::Altered(message.clone()));
        if self.conversation_mut(&place).alter(message) {
            effects.push(Effect::Redraw(ScreenPart::Lines(place)));
        }
        effects.push(Effect::Redraw(ScreenPart::Conversations));
    }

    pub(super) fn hear_typing(&mut self, now: Now, place: Place, account: AccountName, effects: &mut Vec<Effect>) {
        self.see_in(&place, &account, effects);
        self.conversation_mut(&place).hear_typing(account, now.instant + TYPING_LASTS);
        effects.push(Effect::Redraw(ScreenPart::Lines(place)));
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
            self.news.push(MemoryChange::Forget(id));
            self.conversations.insert(PlaceKey::of(place), Conversation::new(place.clone()));
            effects.push(Effect::Redraw(ScreenPart::Lines(place.clone())));
        }
    }

    /// What bears a name that belongs to another conversation by now has a new one that is still to be heard of, or is gone.
    fn make_room(&mut self, id: ConversationId, place: &Place) {
        let other = self.conversations.get(&PlaceKey::of(place)).and_then(Conversation::id).filter(|other| *other != id);
        if let Some(other) = other {
            self.displaced.insert(other);
            self.conversations.remove(&PlaceKey::of(place));
        }
    }

    /// The server has named every conversation one is in: a room that it has not named was left on another device, or is no more.
    pub(super) fn leave_unnamed(&mut self, effects: &mut Vec<Effect>) {
        for gone in std::mem::take(&mut self.displaced).difference(&self.named) {
            self.news.push(MemoryChange::Forget(*gone));
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

    pub(super) fn leave(&mut self, place: &Place, effects: &mut Vec<Effect>) {
        let left = self.conversations.remove(&PlaceKey::of(place));
        self.news.extend(left.and_then(|left| left.id()).map(MemoryChange::Forget));
        if self.shown.take_if(|shown| *shown == PlaceKey::of(place)).is_some() {
            effects.push(Effect::PutOut(place.clone()));
            // There is always something to show.
            effects.push(Effect::GoTo(Place::lobby()));
        }
        if let Place::Room(room) = place {
            self.rooms.stand(room, Standing::Outside);
            effects.push(Effect::Redraw(ScreenPart::Rooms));
        }
        effects.push(Effect::Redraw(ScreenPart::Conversations));
    }

    pub(super) fn rename(&mut self, from: &Place, to: Place, effects: &mut Vec<Effect>) {
        let Some(mut conversation) = self.conversations.remove(&PlaceKey::of(from)) else { return };
        conversation.rename(to.clone());
        if self.shown.as_ref() == Some(&PlaceKey::of(from)) {
            self.shown = Some(PlaceKey::of(&to));
        }
        for own in self.own.values_mut().filter(|own| **own == PlaceKey::of(from)) {
            *own = PlaceKey::of(&to);
        }
        for searched in self.search.iter_mut().filter_map(|search| search.place.as_mut()).filter(|place| *place == from) {
            searched.clone_from(&to);
        }
        effects.push(Effect::Redraw(ScreenPart::Search));
        self.conversations.insert(PlaceKey::of(&to), conversation);
        effects.push(Effect::Redraw(ScreenPart::Conversations));
        effects.push(Effect::Redraw(ScreenPart::Lines(to)));
    }

    /// A question about places has come to nothing. Whether it was one.
    pub(super) fn place_ask_failed(&mut self, ticket: Ticket, refusal: Option<Refusal>, effects: &mut Vec<Effect>) -> bool {
        self.rooms.abandon(ticket);
        self.rooms.invitation_settled(ticket, false);
        if self.search.as_mut().is_some_and(|search| search.answer(ticket, Err(refusal))) {
            effects.push(Effect::Redraw(ScreenPart::Search));
            return true;
        }
        let is_act = self.acts.remove(&ticket);
        if is_act {
            self.going = None;
            effects.push(Effect::Refused(refusal));
        }
        is_act
    }

    /// Something is done that was asked at a place. Whether it was such a thing.
    pub(super) fn act_done(&mut self, ticket: Ticket, effects: &mut Vec<Effect>) -> bool {
        effects.extend(self.rooms.invitation_settled(ticket, true).then_some(Effect::Redraw(ScreenPart::Rooms)));
        self.acts.remove(&ticket)
    }

    /// Who says something in a room is in it: somebody who is not on its list has come since it was read.
    pub(super) fn see_in(&mut self, place: &Place, account: &AccountName, effects: &mut Vec<Effect>) {
        if let Place::Room(room) = place
            && self.rooms.misses(room, account)
        {
            effects.extend(self.rooms.list_members(room.clone(), &mut self.numbers).map(Effect::Tell));
        }
    }

    pub(super) fn list_rooms(&mut self, effects: &mut Vec<Effect>) {
        effects.extend(self.rooms.list(&mut self.numbers).map(Effect::Tell));
    }

    pub(super) fn invite(&mut self, room: RoomName, account: AccountName, effects: &mut Vec<Effect>) {
        let ticket = self.numbers.ticket();
        self.acts.insert(ticket);
        self.rooms.inviting(ticket, &room, &account);
        effects.push(Effect::ask(ticket, Request::Invite { room, account }));
    }

    /// Whoever was asked into a room does not want to.
    pub(super) fn decline(&mut self, room: &RoomName, effects: &mut Vec<Effect>) {
        self.rooms.decline(room);
        effects.push(Effect::Redraw(ScreenPart::Rooms));
    }

    /// What was found is of no interest any more.
    pub(super) fn end_search(&mut self, effects: &mut Vec<Effect>) {
        self.search = None;
        effects.push(Effect::Redraw(ScreenPart::Search));
    }

    pub(super) fn look_for(&mut self, text: SearchText, place: Option<Place>, effects: &mut Vec<Effect>) {
        let ticket = self.numbers.ticket();
        self.search = Some(Search::new(ticket, text.clone(), place.clone()));
        effects.push(Effect::ask(ticket, Request::Search { text, place, before: None, limit: HITS_MAX }));
        effects.push(Effect::Redraw(ScreenPart::Search));
    }

    /// Asks for something of which the person hears only if it fails.
    pub(super) fn request(&mut self, request: Request, effects: &mut Vec<Effect>) {
        let ticket = self.numbers.ticket();
        self.acts.insert(ticket);
        effects.push(Effect::ask(ticket, request));
    }

    /// Tells the server how far the person has read, where it does not know.
    pub(super) fn tell_read(&mut self, place: &Place) -> Option<Effect> {
        let upto = self.conversations.get_mut(&PlaceKey::of(place))?.untold()?;
        Some(Effect::ask(self.numbers.ticket(), Request::MarkRead { place: place.clone(), room: self.room_at(place), upto }))
    }
}

#[cfg(test)]
mod tests;
