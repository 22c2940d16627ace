//! What the person says, from when they have written it until the server has it.

use belfry_core::chat::{ConversationId, Place, Quote, Seq, Text};
use belfry_core::client::{Command, Ticket};
use belfry_core::time::{Now, UnixMillis};

use super::conversation::Own;
use super::{Conversation, Effect, Model, PlaceKey, ScreenPart};
use crate::transfer::OutgoingFile;

/// A message that an earlier run has written and the server has not got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// The number of its post, and of its ticket.
    pub ticket: Ticket,
    /// Where it is said, as that was called then.
    pub to: Place,
    /// The room's number, where it was known.
    pub room: Option<ConversationId>,
    /// Its text, as it is sent.
    pub text: Text,
    /// The message there that it replies to.
    pub reply_to: Option<Seq>,
    /// When it was written.
    pub at: UnixMillis,
    /// The file that it brings.
    pub file: Option<OutgoingFile>,
}

impl Model {
    /// A message that an earlier run has written waits still.
    pub fn recall_own(&mut self, unsent: Unsent) {
        let Unsent { ticket, to, room, text, reply_to, at, file } = unsent;
        // The room may have been given another name since.
        let known = room.and_then(|room| self.conversations.values().find(|known| known.id() == Some(room)));
        let to = known.map_or(to, |known| known.place().clone());
        self.own.insert(ticket, PlaceKey::of(&to));
        if let Some(file) = file {
            return self.conversation_mut(&to).say_with_file(ticket, text, file, at);
        }
        let reply_to = reply_to.map(|seq| self.quote(&to, seq).unwrap_or(Quote { seq, quoted: None }));
        self.conversation_mut(&to).say(ticket, text, reply_to, at);
    }

    /// A message as it is quoted; `None` where it is not held.
    pub fn quote(&self, place: &Place, seq: Seq) -> Option<Quote> {
        self.conversation(place).and_then(|conversation| conversation.quote(seq))
    }

    pub(super) fn say(&mut self, now: Now, to: Place, text: Text, reply_to: Option<Quote>) -> Vec<Effect> {
        let (ticket, post) = self.numbers.post();
        self.own.insert(ticket, PlaceKey::of(&to));
        let (room, replied) = (self.room_at(&to), reply_to.as_ref().map(|quote| quote.seq));
        self.conversation_mut(&to).say(ticket, text.clone(), reply_to, now.wall);
        let post = Command::PostAs { ticket, post, to: to.clone(), room, text, reply_to: replied };
        let mut effects = vec![Effect::Tell(post), Effect::Redraw(ScreenPart::Lines(to.clone()))];
        // Whoever writes after having read far back wants to see it.
        self.go_to_end(&to, &mut effects);
        effects
    }

    /// Something has become of an own message of this place.
    pub(super) fn settle(&mut self, place: Option<PlaceKey>, settle: impl FnOnce(&mut Conversation)) -> Option<Effect> {
        let conversation = self.conversations.get_mut(&place?)?;
        settle(conversation);
        Some(Effect::Redraw(ScreenPart::Lines(conversation.place().clone())))
    }

    /// What could not be said is said anew, as the newest.
    pub(super) fn say_again(&mut self, now: Now, ticket: Ticket) -> Vec<Effect> {
        match self.take_failed(ticket) {
            Some((place, Own { text, file: Some(own), .. })) => self.say_with_file(now, place, text, own.file.found),
            Some((place, Own { text, reply_to, .. })) => self.say(now, place, text, reply_to),
            None => Vec::new(),
        }
    }

    pub(super) fn take_failed(&mut self, ticket: Ticket) -> Option<(Place, Own)> {
        let conversation = self.conversations.get_mut(self.own.get(&ticket)?)?;
        let own = conversation.take_failed(ticket)?;
        self.own.remove(&ticket);
        self.files.forget_sent(ticket);
        Some((conversation.place().clone(), own))
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, Message, Refusal, Role, Timeline};
    use belfry_core::client::Update;
    use belfry_core::time::Instant;

    use super::*;
    use crate::model::{Delivery, Intent};

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(9) };

    fn anna(seq: u64, text: &str) -> Message {
        let (from, text) = (AccountName::new("anna").unwrap(), Text::new(text).unwrap());
        Message::new(ConversationId(1), Seq(seq), from, text, UnixMillis(seq))
    }

    /// Somebody to whom Anna has said something.
    fn spoken_to() -> Model {
        let mut model = Model::new("lan-host");
        model.apply(NOW, Update::Timeline(Timeline::FIRST));
        model.apply(NOW, Update::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        model.apply(NOW, Update::Message { place: Place::lobby(), message: anna(7, "shall we?") });
        model
    }

    fn yes(reply_to: Option<Quote>) -> Intent {
        Intent::Say { to: Place::lobby(), text: Text::new("yes").unwrap(), reply_to }
    }

    fn posted(effects: &[Effect]) -> Option<(Ticket, Option<Seq>)> {
        effects.iter().find_map(|effect| match effect {
            Effect::Tell(Command::PostAs { ticket, reply_to, .. }) => Some((*ticket, *reply_to)),
            _ => None,
        })
    }

    /// What has become of the newest line, and what it replies to.
    fn newest(model: &Model) -> (Option<Delivery>, Option<Quote>) {
        let lobby = Place::lobby();
        let line = model.lines(&lobby).last().unwrap();
        (line.delivery, line.reply_to.cloned())
    }

    #[test]
    fn a_reply_is_shown_with_its_quote_at_once_and_is_one_still_when_it_is_tried_again() {
        let mut model = spoken_to();
        let quote = model.quote(&Place::lobby(), Seq(7));
        assert_eq!(quote, Some(Quote::of(&anna(7, "shall we?"))));
        let effects = model.act(NOW, yes(quote.clone()));
        let (ticket, replied) = posted(&effects).unwrap();
        assert_eq!((replied, newest(&model)), (Some(Seq(7)), (Some(Delivery::Waiting), quote.clone())));
        model.apply(NOW, Update::Refused { ticket, refusal: Refusal::Busy });
        let effects = model.act(NOW, Intent::Retry(ticket));
        assert_eq!(posted(&effects).unwrap().1, Some(Seq(7)));
        assert_eq!(newest(&model), (Some(Delivery::Waiting), quote));
    }

    #[test]
    fn a_reply_of_an_earlier_run_is_one_still_as_far_as_what_it_replies_to_is_known_here() {
        let mut model = spoken_to();
        for (number, reply_to) in [(90, 7), (91, 3)] {
            let (to, text, reply_to) = (Place::lobby(), Text::new("yes").unwrap(), Some(Seq(reply_to)));
            model.recall_own(Unsent { ticket: Ticket(number), to, room: None, text, reply_to, at: UnixMillis(0), file: None });
        }
        let lobby = Place::lobby();
        let quotes: Vec<_> = model.lines(&lobby).filter_map(|line| line.reply_to.cloned()).collect();
        assert_eq!(quotes, [Quote::of(&anna(7, "shall we?")), Quote { seq: Seq(3), quoted: None }]);
    }

    #[test]
    fn after_a_backup_was_put_back_nothing_that_waits_is_shown_as_a_reply_to_what_has_the_number_now() {
        let mut model = spoken_to();
        let ticket = posted(&model.act(NOW, yes(model.quote(&Place::lobby(), Seq(7))))).unwrap().0;
        model.apply(NOW, Update::Timeline(Timeline(77)));
        model.apply(NOW, Update::Message { place: Place::lobby(), message: anna(7, "another") });
        assert_eq!(newest(&model), (Some(Delivery::Waiting), None));
        model.apply(NOW, Update::Refused { ticket, refusal: Refusal::Busy });
        assert_eq!(posted(&model.act(NOW, Intent::Retry(ticket))).unwrap().1, None);
    }
}
