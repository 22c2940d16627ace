//! Reading away from the newest messages: to one that was found, with what stands around it, and on from there.

use belfry_core::chat::{ConversationId, Message, Seq};

use super::{Conversation, MESSAGES_MAX, Older};
use crate::link::AskId;

/// What was asked for besides older messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seeking {
    /// A message that is not among those held, and what stands before it.
    Found(AskId),
    /// What stands behind the newest one that is held.
    Newer(AskId),
}

impl Seeking {
    pub(super) fn asked(self, ask: AskId) -> bool {
        let (Self::Found(asked) | Self::Newer(asked)) = self;
        asked == ask
    }
}

impl Conversation {
    /// A message is to be seen where it was said. What to ask for: messages before this one; `None` when it is among those held.
    pub(in crate::model) fn seek(&mut self, ask: AskId, seq: Seq) -> Option<Seq> {
        if self.messages.contains_key(&seq) {
            return None;
        }
        // What is on its way belongs to what is held now.
        if matches!(self.older, Older::Asked(_)) {
            self.older = Older::Unknown;
        }
        self.seeking = Some(Seeking::Found(ask));
        Some(seq.next())
    }

    /// What to ask for when somebody reads on: messages of this conversation after this one. `None` when it is on its way or there is nothing.
    pub(in crate::model) fn ask_newer(&mut self, ask: AskId) -> Option<(ConversationId, Seq)> {
        if self.at_end || self.seeking.is_some() {
            return None;
        }
        let newest = self.messages.values().next_back()?;
        self.seeking = Some(Seeking::Newer(ask));
        Some((newest.conversation, newest.seq))
    }

    /// Messages that were asked for have come. Whether those behind them are to be asked for at once.
    pub(in crate::model) fn page(&mut self, ask: AskId, page: Vec<Message>) -> bool {
        match self.seeking.take_if(|seeking| seeking.asked(ask)) {
            None => self.prepend(ask, page),
            Some(Seeking::Found(_)) => {
                // It is not there any more: what is held stays.
                let Some(first) = page.first() else { return false };
                self.older = if first.seq <= Seq(1) { Older::None } else { Older::Unknown };
                self.messages = page.into_iter().map(|message| (message.seq, message)).collect();
                self.see_whether_at_end();
                return !self.at_end;
            }
            Some(Seeking::Newer(_)) => {
                // The server has no more than these, whatever was heard of.
                let ends = page.is_empty();
                self.messages.extend(page.into_iter().map(|message| (message.seq, message)));
                while self.messages.len() > MESSAGES_MAX {
                    self.messages.pop_first();
                    self.older = Older::Unknown;
                }
                self.see_whether_at_end();
                self.at_end |= ends;
            }
        }
        false
    }

    fn see_whether_at_end(&mut self) {
        let Some((_, newest)) = self.messages.last_key_value() else { return };
        if self.last.as_ref().is_none_or(|last| last.seq <= newest.seq) {
            self.last = Some(newest.clone());
        }
        self.at_end = self.last.as_ref().is_some_and(|last| last.seq == newest.seq);
    }
}
