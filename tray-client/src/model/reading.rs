//! Going through a conversation: back, on, to a message that was found, to the end. What is remembered on this computer is looked up there;
//! the server is asked for what is not.

use belfry_core::chat::{Message, Place, Seq};

use super::exchange::{Lookup, Stretch};
use super::memory::Keep;
use super::{Conversation, Effect, Model, Part, key};
use crate::link::{AskId, Down};

impl Model {
    pub(super) fn ask_older(&mut self, place: &Place) -> Option<Effect> {
        let ask = self.numbers.ask();
        let stretch = self.conversation_mut(place).ask_older(ask)?;
        self.ask_for(place, ask, stretch)
    }

    pub(super) fn ask_newer(&mut self, place: &Place) -> Option<Effect> {
        let ask = self.numbers.ask();
        let stretch = self.conversation_mut(place).ask_newer(ask)?;
        self.ask_for(place, ask, stretch)
    }

    pub(super) fn go_to_end(&mut self, place: &Place, effects: &mut Vec<Effect>) {
        self.sought = None;
        if self.conversation_mut(place).return_to_end() {
            effects.push(Effect::Redraw(Part::Lines(place.clone())));
            effects.extend(self.ask_older(place));
            effects.extend(self.read_shown());
        }
    }

    /// Shows a message where it was said; what stands around it is asked for where it is not held.
    pub(super) fn seek(&mut self, place: Place, seq: Seq, effects: &mut Vec<Effect>) {
        let ask = self.numbers.ask();
        let stretch = self.conversation_mut(&place).seek(ask, seq);
        self.shown = Some(key(&place));
        self.sought = Some((key(&place), seq));
        effects.extend(stretch.and_then(|stretch| self.ask_for(&place, ask, stretch)));
        effects.push(Effect::Redraw(Part::Lines(place)));
        effects.push(Effect::Redraw(Part::Conversations));
    }

    /// The shown conversation has something to show, as soon as there is somebody to ask.
    pub(super) fn fill_shown(&mut self) -> Option<Effect> {
        let place = self.shown().filter(|shown| shown.is_bare() && (shown.id().is_some() || self.connection.is_up()))?.place().clone();
        self.ask_older(&place)
    }

    /// What is remembered, in answer to [`Effect::LookUp`]; nothing where it is not.
    pub fn looked_up(&mut self, ask: AskId, messages: Vec<Message>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(asking) = self.asking(ask) else { return effects };
        let (place, question) = (asking.place().clone(), asking.question(ask));
        match question.filter(|_| messages.is_empty()) {
            Some(stretch) => effects.extend(self.ask_the_server(&place, ask, stretch)),
            None => self.turn_page(ask, messages, &mut effects),
        }
        effects
    }

    /// The server's answer.
    pub(super) fn hear_page(&mut self, ask: AskId, messages: Vec<Message>, effects: &mut Vec<Effect>) {
        if self.hear_beginning(ask, &messages, effects) {
            return;
        }
        let Some(asking) = self.asking(ask) else { return };
        if let (Some(id), Some(Stretch::Before(seq)), true) = (asking.id(), asking.question(ask), messages.is_empty()) {
            self.news.push(Keep::BeginsWith(id, seq));
        }
        self.news.extend(messages.iter().cloned().map(Keep::Message));
        self.turn_page(ask, messages, effects);
    }

    /// A question is asked by one conversation only.
    fn asking(&mut self, ask: AskId) -> Option<&mut Conversation> {
        self.conversations.values_mut().find(|conversation| conversation.asked(ask))
    }

    fn turn_page(&mut self, ask: AskId, messages: Vec<Message>, effects: &mut Vec<Effect>) {
        let Some(asking) = self.asking(ask) else { return };
        let goes_on = asking.page(ask, messages);
        let place = asking.place().clone();
        effects.extend(if goes_on { self.ask_newer(&place) } else { None });
        effects.push(Effect::Redraw(Part::Lines(place)));
        effects.push(Effect::Redraw(Part::Conversations));
    }

    fn ask_for(&mut self, place: &Place, ask: AskId, stretch: Stretch) -> Option<Effect> {
        // Which are the newest only the server knows.
        let remembered = stretch != Stretch::Newest || !self.connection.is_up();
        match self.conversation(place).and_then(Conversation::id).filter(|_| remembered) {
            Some(conversation) => Some(Effect::LookUp(Lookup { ask, conversation, stretch })),
            None => self.ask_the_server(place, ask, stretch),
        }
    }

    fn ask_the_server(&mut self, place: &Place, ask: AskId, stretch: Stretch) -> Option<Effect> {
        let place = place.clone();
        if !self.connection.is_up() {
            // Somebody who scrolls is told at once where it ends, not when the server is back.
            self.conversation_mut(&place).end_here(ask);
            return Some(Effect::Redraw(Part::Lines(place)));
        }
        Some(Effect::Tell(match stretch {
            Stretch::Newest => Down::AskOlder { ask, place, before: None },
            Stretch::Before(seq) => Down::AskOlder { ask, place, before: Some(seq) },
            Stretch::After(after) => Down::AskNewer { ask, conversation: self.conversation(&place)?.id()?, after },
        }))
    }
}
