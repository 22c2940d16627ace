//! What the server keeps no longer is not kept here either: now and then it is asked with which message each conversation begins.

use std::collections::VecDeque;
use std::time::Duration;

use belfry_core::chat::{ConversationId, Message, Place, Request, Seq};
use belfry_core::client::Ticket;
use belfry_core::time::{Instant, Now};

use super::memory::MemoryChange;
use super::{Conversation, Effect, Model, ScreenPart};

/// After signing in other things come first.
const FIRST_AFTER: Duration = Duration::from_secs(60);

/// The server tidies every hour by rules that speak of days.
const EVERY: Duration = Duration::from_secs(12 * 60 * 60);

/// Where the asking stands. One question at a time: nobody waits for the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct RetentionCheck {
    due: Option<Instant>,
    waiting: VecDeque<ConversationId>,
    asked: Option<(Ticket, ConversationId)>,
}

impl Model {
    /// Begins when it is time, at whatever is heard.
    pub(super) fn tidy(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if !self.caught_up || !self.connection.is_up() {
            return;
        }
        let due = *self.tidying.due.get_or_insert(now.instant + FIRST_AFTER);
        if due <= now.instant && self.tidying.asked.is_none() {
            self.tidying.due = Some(now.instant + EVERY);
            self.tidying.waiting = self.conversations.values().filter(|held| held.last().is_some()).filter_map(Conversation::id).collect();
            self.ask_where_the_next_begins(effects);
        }
    }

    fn ask_where_the_next_begins(&mut self, effects: &mut Vec<Effect>) {
        self.tidying.asked = None;
        if let Some(conversation) = self.tidying.waiting.pop_front() {
            let ticket = self.numbers.ticket();
            self.tidying.asked = Some((ticket, conversation));
            effects.push(Effect::ask(ticket, Request::FetchAfter { conversation, after: Seq(0), limit: 1 }));
        }
    }

    /// The first message of a conversation, or none at all. Whether that was asked.
    pub(super) fn hear_beginning(&mut self, ticket: Ticket, messages: &[Message], effects: &mut Vec<Effect>) -> bool {
        let Some((_, id)) = self.tidying.asked.take_if(|(asked, _)| *asked == ticket) else { return false };
        // A log without a message ends where it begins.
        let first = messages.first().map_or(Seq(u64::MAX), |first| first.seq);
        if first > Seq(1) {
            self.news.push(MemoryChange::BeginsWith(id, first));
            if let Some(conversation) = self.conversations.values_mut().find(|conversation| conversation.id() == Some(id)) {
                conversation.begins_with(first);
                let place: Place = conversation.place().clone();
                effects.push(Effect::Redraw(ScreenPart::Lines(place)));
                effects.push(Effect::Redraw(ScreenPart::Conversations));
            }
        }
        self.ask_where_the_next_begins(effects);
        true
    }

    /// The question has come to nothing. Whether it was one of these.
    pub(super) fn beginning_unknown(&mut self, ticket: Ticket, effects: &mut Vec<Effect>) -> bool {
        let asked = self.tidying.asked.take_if(|(asked, _)| *asked == ticket).is_some();
        if asked {
            self.ask_where_the_next_begins(effects);
        }
        asked
    }
}
