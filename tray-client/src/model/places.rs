//! What was heard about conversations beside their messages, and what the person wants of them.

use std::time::Duration;

use belfry_core::chat::{ConversationId, Place, SearchText};
use belfry_core::limits::TYPING_INTERVAL;
use belfry_core::time::Now;

use super::{Conversation, Effect, Intent, Model, Part, Search, key};
use crate::link::{AskId, Down, Up};

/// For how long somebody who was said to be writing is believed to be.
const TYPING_LASTS: Duration = TYPING_INTERVAL.saturating_mul(2);

impl Model {
    /// Something was heard that is about places and not a new message.
    pub(super) fn hear_of_places(&mut self, now: Now, up: Up, effects: &mut Vec<Effect>) {
        match up {
            Up::Conversation { id, place, last, read, unread } => {
                self.recognise(id, &place, effects);
                if let Place::Room(room) = &place {
                    self.rooms.settle(room);
                }
                self.conversation_mut(&place).server_says(read, unread, last);
                effects.push(Effect::Redraw(Part::Conversations));
            }
            Up::Renamed { from, to } => self.rename(&from, to, effects),
            Up::Left(place) => {
                self.conversations.remove(&key(&place));
                self.shown.take_if(|shown| *shown == key(&place));
                effects.push(Effect::Redraw(Part::Conversations));
            }
            Up::Altered { place, message } => {
                if self.conversation_mut(&place).alter(message) {
                    effects.push(Effect::Redraw(Part::Lines(place)));
                }
                effects.push(Effect::Redraw(Part::Conversations));
            }
            Up::Read { place, read, unread } => {
                let counted = belfry_core::chat::Seq(read.0.saturating_add(unread));
                self.conversation_mut(&place).server_says(read, unread, counted);
                effects.push(Effect::Redraw(Part::Lines(place)));
                effects.push(Effect::Redraw(Part::Conversations));
            }
            Up::Typing { place, account } => {
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

    /// A room that was given another name while this program was away is known by its number.
    fn recognise(&mut self, id: ConversationId, place: &Place, effects: &mut Vec<Effect>) {
        if self.conversations.contains_key(&key(place)) {
            return;
        }
        let is_it = |known: &&Conversation| known.last().is_some_and(|last| last.conversation == id);
        if let Some(from) = self.conversations.values().find(is_it).map(|known| known.place().clone()) {
            self.rename(&from, place.clone(), effects);
        }
    }

    fn rename(&mut self, from: &Place, to: Place, effects: &mut Vec<Effect>) {
        let Some(mut conversation) = self.conversations.remove(&key(from)) else { return };
        conversation.rename(to.clone());
        if self.shown.as_ref() == Some(&key(from)) {
            self.shown = Some(key(&to));
        }
        self.conversations.insert(key(&to), conversation);
        effects.push(Effect::Redraw(Part::Conversations));
        effects.push(Effect::Redraw(Part::Lines(to)));
    }

    /// A question about places has come to nothing. Whether it was one.
    pub(super) fn place_ask_failed(&mut self, ask: AskId, refusal: Option<belfry_core::chat::Refusal>, effects: &mut Vec<Effect>) -> bool {
        self.rooms.abandon(ask);
        if self.search.as_mut().is_some_and(|search| search.answer(ask, Err(refusal))) {
            effects.push(Effect::Redraw(Part::Search));
            return true;
        }
        let is_act = self.acts.remove(&ask);
        if is_act {
            effects.push(Effect::Refused(refusal));
        }
        is_act
    }

    /// The person wants something of a place.
    pub(super) fn act_on_places(&mut self, intent: Intent, effects: &mut Vec<Effect>) {
        match intent {
            Intent::Type(place) => effects.push(Effect::Tell(Down::Typing(place))),
            Intent::Away(away) => effects.push(Effect::Tell(Down::Away(away))),
            Intent::Edit { place, seq, text } => self.tell_act(effects, |ask| Down::Edit { ask, place, seq, text }),
            Intent::Delete { place, seq } => self.tell_act(effects, |ask| Down::Delete { ask, place, seq }),
            Intent::CreateRoom { room, private } => self.tell_act(effects, |ask| Down::CreateRoom { ask, room, private }),
            Intent::Join(room) => self.tell_act(effects, |ask| Down::JoinRoom { ask, room }),
            Intent::Leave(room) => self.tell_act(effects, |ask| Down::LeaveRoom { ask, room }),
            Intent::Invite { room, account } => self.tell_act(effects, |ask| Down::Invite { ask, room, account }),
            Intent::Decline(room) => {
                self.rooms.settle(&room);
                effects.push(Effect::Redraw(Part::Rooms));
            }
            Intent::ListRooms => {
                let ask = self.numbers.ask();
                self.rooms.begin(ask);
                effects.push(Effect::Tell(Down::AskRooms { ask, after: None }));
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
mod tests {
    use belfry_core::chat::{AccountName, Alteration, ConversationId, Message, Refusal, Role, RoomName, Seq, Text};
    use belfry_core::time::{Instant, UnixMillis};

    use super::*;

    fn now(seconds: u64) -> Now {
        Now { instant: Instant::START + Duration::from_secs(seconds), wall: UnixMillis(0) }
    }

    fn name(typed: &str) -> AccountName {
        AccountName::new(typed).unwrap()
    }

    fn attic() -> Place {
        Place::Room(RoomName::new("attic").unwrap())
    }

    fn message(seq: u64, from: &str) -> Message {
        Message {
            conversation: ConversationId(1),
            seq: Seq(seq),
            from: name(from),
            text: Text::new(format!("m{seq}")).unwrap(),
            sent_at: UnixMillis(seq),
            altered: None,
        }
    }

    fn model() -> Model {
        let mut model = Model::new("lan-host");
        model.apply(now(0), Up::SignedIn { account: name("me"), role: Role::Member });
        model
    }

    fn hear(model: &mut Model, seq: u64, from: &str) -> Vec<Effect> {
        model.apply(now(1), Up::Message { place: attic(), message: message(seq, from) })
    }

    fn unread(model: &Model) -> u64 {
        model.conversation(&attic()).map_or(0, |attic| attic.unread())
    }

    fn told(effects: &[Effect]) -> Option<Seq> {
        effects.iter().find_map(|effect| match effect {
            Effect::Tell(Down::MarkRead { upto, .. }) => Some(*upto),
            _ => None,
        })
    }

    #[test]
    fn the_servers_count_is_shown_and_what_it_has_counted_is_not_counted_again() {
        let mut model = model();
        model.apply(now(0), Up::Conversation { id: ConversationId(1), place: attic(), last: Seq(7), read: Seq(3), unread: 4 });
        assert_eq!(unread(&model), 4);
        hear(&mut model, 6, "anna");
        hear(&mut model, 7, "anna");
        assert_eq!(unread(&model), 4);
        hear(&mut model, 8, "anna");
        assert_eq!(unread(&model), 5);
    }

    #[test]
    fn reading_on_another_device_clears_what_it_has_read() {
        let mut model = model();
        for seq in 1..=5 {
            hear(&mut model, seq, "anna");
        }
        model.apply(now(1), Up::Read { place: attic(), read: Seq(4), unread: 0 });
        assert_eq!(unread(&model), 1, "the fifth came after the server had counted");
        model.apply(now(1), Up::Read { place: attic(), read: Seq(5), unread: 0 });
        assert_eq!(unread(&model), 0);
    }

    #[test]
    fn the_server_is_told_once_what_the_person_has_read_here() {
        let mut model = model();
        hear(&mut model, 1, "anna");
        assert_eq!(told(&model.act(now(1), Intent::Open(attic()))), None, "nobody looks yet");
        assert_eq!(told(&model.act(now(1), Intent::Attend(true))), Some(Seq(1)));
        assert_eq!(told(&model.act(now(1), Intent::Attend(true))), None);
        assert_eq!(told(&hear(&mut model, 2, "anna")), Some(Seq(2)));
        assert_eq!(told(&hear(&mut model, 3, "me")), None, "one's own words the server knows to be read");
        // An older word of the server does not make unread what was read here.
        model.apply(now(1), Up::Conversation { id: ConversationId(1), place: attic(), last: Seq(3), read: Seq(1), unread: 2 });
        assert_eq!(unread(&model), 0);
    }

    #[test]
    fn an_altered_message_is_shown_as_it_is_now() {
        let mut model = model();
        hear(&mut model, 1, "anna");
        let altered = Some(Alteration { number: 1, at: UnixMillis(9), deleted: false });
        let edited = Message { text: Text::new("better").unwrap(), altered, ..message(1, "anna") };
        let effects = model.apply(now(1), Up::Altered { place: attic(), message: edited });
        assert!(effects.contains(&Effect::Redraw(Part::Lines(attic()))));
        let lines: Vec<_> = model.lines(&attic()).map(|line| (line.text.to_string(), line.altered)).collect();
        assert_eq!(lines, [("better".to_owned(), altered)]);
        assert_eq!(model.conversation(&attic()).unwrap().last().unwrap().text.as_str(), "better");
    }

    #[test]
    fn a_room_that_was_left_is_gone_also_from_the_window() {
        let mut model = model();
        hear(&mut model, 1, "anna");
        model.act(now(1), Intent::Open(attic()));
        model.apply(now(1), Up::Left(attic()));
        assert!(model.conversation(&attic()).is_none() && model.shown().is_none());
    }

    #[test]
    fn a_room_of_another_name_keeps_its_messages_and_its_place_in_the_window() {
        let loft = || Place::Room(RoomName::new("loft").unwrap());
        let told = Up::Renamed { from: attic(), to: loft() };
        let found = Up::Conversation { id: ConversationId(1), place: loft(), last: Seq(1), read: Seq(0), unread: 1 };
        for news in [told, found] {
            let mut model = model();
            hear(&mut model, 1, "anna");
            model.act(now(1), Intent::Open(attic()));
            model.apply(now(1), news);
            assert!(model.conversation(&attic()).is_none());
            assert_eq!(model.shown().map(|shown| shown.place().clone()), Some(loft()));
            assert_eq!(model.lines(&loft()).count(), 1);
        }
    }

    #[test]
    fn typing_is_believed_for_a_while_or_until_the_message_is_there() {
        let mut model = model();
        let typing = |model: &Model, seconds| model.conversation(&attic()).unwrap().typing(now(seconds).instant).count();
        model.apply(now(1), Up::Typing { place: attic(), account: name("anna") });
        assert_eq!((typing(&model, 2), typing(&model, 8)), (1, 0));
        hear(&mut model, 1, "anna");
        assert_eq!(typing(&model, 2), 0);
    }

    #[test]
    fn an_invitation_stays_until_it_is_taken_or_declined() {
        let mut model = model();
        let room = RoomName::new("attic").unwrap();
        for _ in 0..2 {
            model.apply(now(1), Up::Invited { room: room.clone(), by: name("anna") });
        }
        assert_eq!(model.rooms().invitations(), [(room.clone(), name("anna"))]);
        assert!(matches!(&model.act(now(1), Intent::Join(room.clone()))[..], [Effect::Tell(Down::JoinRoom { .. })]));
        model.apply(now(1), Up::Conversation { id: ConversationId(1), place: attic(), last: Seq(0), read: Seq(0), unread: 0 });
        assert_eq!(model.rooms().invitations(), []);
        model.apply(now(1), Up::Invited { room: room.clone(), by: name("anna") });
        model.act(now(1), Intent::Decline(room));
        assert_eq!(model.rooms().invitations(), []);
    }

    #[test]
    fn what_is_refused_is_said_and_what_is_done_is_not() {
        let mut model = model();
        let ask = |effects: Vec<Effect>| match &effects[..] {
            [Effect::Tell(Down::Delete { ask, .. })] => *ask,
            other => panic!("{other:?}"),
        };
        let first = ask(model.act(now(1), Intent::Delete { place: attic(), seq: Seq(1) }));
        let refusal = Some(Refusal::UnknownMessage);
        assert_eq!(model.apply(now(1), Up::AskFailed { ask: first, refusal }), [Effect::Refused(refusal)]);
        let second = ask(model.act(now(1), Intent::Delete { place: attic(), seq: Seq(1) }));
        assert_eq!(model.apply(now(1), Up::Done(second)), []);
    }

    #[test]
    fn the_list_of_rooms_is_asked_for_to_its_end_and_a_search_is_answered_once() {
        let mut model = model();
        let effects = model.act(now(1), Intent::ListRooms);
        let [Effect::Tell(Down::AskRooms { ask, after: None })] = effects[..] else { panic!("{effects:?}") };
        let room = |typed| belfry_core::chat::Room {
            name: RoomName::new(typed).unwrap(),
            private: false,
            members: 1,
            standing: belfry_core::chat::Standing::Outside,
            owner: None,
            keep: belfry_core::chat::Keep::default(),
        };
        let effects = model.apply(now(1), Up::Rooms { ask, rooms: vec![room("attic")], more: true });
        assert!(matches!(&effects[..], [Effect::Tell(Down::AskRooms { after: Some(_), .. })]));
        model.apply(now(1), Up::Rooms { ask, rooms: vec![room("board")], more: false });
        assert_eq!(model.rooms().all().len(), 2);
        let effects = model.act(now(1), Intent::Search { text: SearchText::new("x").unwrap(), place: None });
        let Effect::Tell(Down::Search { ask, .. }) = effects[0] else { panic!("{effects:?}") };
        let found = belfry_core::chat::Found { hits: vec![], more: false, cut: true };
        model.apply(now(1), Up::Found { ask, found: found.clone() });
        assert_eq!(model.search().unwrap().found, Some(Ok(found)));
        model.act(now(1), Intent::EndSearch);
        assert!(model.search().is_none());
    }
}
