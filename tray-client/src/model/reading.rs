//! Going through a conversation: back, on, to a message that was found, to the end.

use belfry_core::chat::{Place, Seq};

use super::{Effect, Model, Part, key};
use crate::link::Down;

impl Model {
    pub(super) fn ask_older(&mut self, place: &Place) -> Option<Effect> {
        let ask = self.numbers.ask();
        let before = self.conversation_mut(place).ask_older(ask)?;
        Some(Effect::Tell(Down::AskOlder { ask, place: place.clone(), before }))
    }

    pub(super) fn ask_newer(&mut self, place: &Place) -> Option<Effect> {
        let ask = self.numbers.ask();
        let (conversation, after) = self.conversation_mut(place).ask_newer(ask)?;
        Some(Effect::Tell(Down::AskNewer { ask, conversation, after }))
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
        let before = self.conversation_mut(&place).seek(ask, seq);
        self.shown = Some(key(&place));
        self.sought = Some((key(&place), seq));
        if let Some(before) = before {
            effects.push(Effect::Tell(Down::AskOlder { ask, place: place.clone(), before: Some(before) }));
        }
        effects.push(Effect::Redraw(Part::Lines(place)));
        effects.push(Effect::Redraw(Part::Conversations));
    }

    /// The shown conversation has something to show, as soon as there is somebody to ask.
    pub(super) fn fill_shown(&mut self) -> Option<Effect> {
        let place = self.shown().filter(|shown| shown.is_bare() && self.connection.is_up())?.place().clone();
        self.ask_older(&place)
    }
}
