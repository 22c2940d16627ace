//! Reading away from the newest messages: back, to one that was found with what stands around it, and on from there.

use belfry_core::chat::{Message, Seq};
use belfry_core::client::Ticket;

use super::{Conversation, MESSAGES_MAX};
use crate::model::exchange::Stretch;

/// What older messages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Older {
    /// Perhaps some.
    Unknown,
    /// They have been asked for.
    Asked(Ticket),
    /// Perhaps some, but none on this computer, and the server cannot be asked.
    Ended,
    /// None: what is held begins with the first message.
    None,
}

/// What was asked for besides older messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seeking {
    /// A message that is not among those held, and what stands before it.
    Found(Ticket, Seq),
    /// What stands behind the newest one that is held.
    Newer(Ticket),
}

impl Seeking {
    fn asked(self, ticket: Ticket) -> bool {
        let (Self::Found(asked, _) | Self::Newer(asked)) = self;
        asked == ticket
    }
}

impl Conversation {
    /// What to ask for when somebody reads back. `None` when it is on its way or there is nothing.
    pub(in crate::model) fn ask_older(&mut self, ticket: Ticket) -> Option<Stretch> {
        if self.older != Older::Unknown {
            return None;
        }
        self.older = Older::Asked(ticket);
        Some(self.older_stretch())
    }

    fn older_stretch(&self) -> Stretch {
        let newest = self.last.as_ref().filter(|last| last.seq >= self.newest).map(|last| last.seq.next());
        let oldest = self.messages.first_key_value().map(|(&oldest, _)| oldest);
        oldest.or(newest).map_or(Stretch::Newest, Stretch::Before)
    }

    /// A message is to be seen where it was said. What to ask for; `None` when it is among those held.
    pub(in crate::model) fn seek(&mut self, ticket: Ticket, seq: Seq) -> Option<Stretch> {
        if self.messages.contains_key(&seq) {
            return None;
        }
        // What is on its way belongs to what is held now.
        if matches!(self.older, Older::Asked(_)) {
            self.older = Older::Unknown;
        }
        self.seeking = Some(Seeking::Found(ticket, seq));
        Some(Stretch::Before(seq.next()))
    }

    /// What to ask for when somebody reads on. `None` when it is on its way or there is nothing.
    pub(in crate::model) fn ask_newer(&mut self, ticket: Ticket) -> Option<Stretch> {
        if self.at_end || self.seeking.is_some() {
            return None;
        }
        let newest = self.messages.last_key_value().map(|(&newest, _)| newest)?;
        self.seeking = Some(Seeking::Newer(ticket));
        Some(Stretch::After(newest))
    }

    /// Whether this question is ours.
    pub(in crate::model) fn asked(&self, ticket: Ticket) -> bool {
        self.older == Older::Asked(ticket) || self.seeking.is_some_and(|seeking| seeking.asked(ticket))
    }

    /// What was asked under this number.
    pub(in crate::model) fn question(&self, ticket: Ticket) -> Option<Stretch> {
        match self.seeking.filter(|seeking| seeking.asked(ticket)) {
            Some(Seeking::Found(_, seq)) => Some(Stretch::Before(seq.next())),
            Some(Seeking::Newer(_)) => self.messages.last_key_value().map(|(&newest, _)| Stretch::After(newest)),
            None => (self.older == Older::Asked(ticket)).then(|| self.older_stretch()),
        }
    }

    /// A question for messages has come to nothing; it may be asked again.
    pub(in crate::model) fn ask_failed(&mut self, ticket: Ticket) {
        if self.older == Older::Asked(ticket) {
            self.older = Older::Unknown;
        }
        self.seeking.take_if(|seeking| seeking.asked(ticket));
        self.forget_meanwhile();
    }

    /// This computer has no more, and the server cannot be asked for now.
    pub(in crate::model) fn end_here(&mut self, ticket: Ticket) {
        let is_older = self.older == Older::Asked(ticket);
        self.ask_failed(ticket);
        if is_older {
            self.older = Older::Ended;
        }
    }

    /// The server can be asked again.
    pub(in crate::model) fn go_on(&mut self) {
        if self.older == Older::Ended {
            self.older = Older::Unknown;
        }
    }

    /// Whether there is nothing to show and nobody has looked yet whether there is.
    pub(in crate::model) fn is_bare(&self) -> bool {
        self.messages.is_empty() && self.older == Older::Unknown
    }

    /// Back from far above: holds nothing, and the newest messages are to be asked for. Whether there was anything to do.
    pub(in crate::model) fn return_to_end(&mut self) -> bool {
        if self.at_end {
            return false;
        }
        self.messages.clear();
        self.at_end = true;
        self.older = Older::Unknown;
        self.seeking = None;
        true
    }

    /// Messages that were asked for have come. Whether those behind them are to be asked for at once.
    pub(in crate::model) fn page(&mut self, ticket: Ticket, mut page: Vec<Message>) -> bool {
        for message in &mut page {
            // The page may have been read before they were altered.
            if let Some(newer) = self.altered_meanwhile.get(&message.seq).filter(|newer| newer.alteration() > message.alteration()) {
                *message = newer.clone();
            }
        }
        self.requote_page(&mut page);
        let goes_on = match self.seeking.take_if(|seeking| seeking.asked(ticket)) {
            None => {
                self.prepend(ticket, page);
                false
            }
            Some(Seeking::Found(..)) => self.replace(page),
            Some(Seeking::Newer(_)) => {
                self.append(page);
                false
            }
        };
        self.forget_meanwhile();
        goes_on
    }

    /// Older messages have come: oldest first, without gaps.
    fn prepend(&mut self, ticket: Ticket, page: Vec<Message>) {
        if self.older != Older::Asked(ticket) {
            return;
        }
        let begins = page.first().is_none_or(|first| first.seq <= Seq(1));
        self.older = if begins { Older::None } else { Older::Unknown };
        let Some(newest) = page.last().cloned() else { return };
        self.id = Some(newest.conversation);
        if let Some((&oldest, _)) = self.messages.first_key_value()
            && newest.seq.next() < oldest
        {
            // A hole between the page and what is held: not ours to bridge, the next question asks for what is missing.
            self.older = Older::Unknown;
            return;
        }
        let was_empty = self.messages.is_empty();
        if self.last.as_ref().is_none_or(|last| last.seq < newest.seq) {
            self.last = Some(newest.clone());
            if self.unread == 0 {
                // History that is read for the first time is not news.
                self.read = self.read.max(newest.seq);
            }
        }
        for message in page {
            self.messages.entry(message.seq).or_insert(message);
        }
        if was_empty {
            self.see_whether_at_end();
        }
        while self.messages.len() > MESSAGES_MAX {
            self.messages.pop_last();
            self.at_end = false;
        }
    }

    /// What was looked for has come, with what stands before it. Whether there is more behind it.
    fn replace(&mut self, page: Vec<Message>) -> bool {
        // It is not there any more: what is held stays.
        let Some(first) = page.first() else { return false };
        self.id = Some(first.conversation);
        self.older = if first.seq <= Seq(1) { Older::None } else { Older::Unknown };
        self.messages = page.into_iter().map(|message| (message.seq, message)).collect();
        self.see_whether_at_end();
        !self.at_end
    }

    fn append(&mut self, page: Vec<Message>) {
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

    fn see_whether_at_end(&mut self) {
        let Some((_, newest)) = self.messages.last_key_value() else { return };
        self.at_end = newest.seq >= self.newest;
        if self.last.as_ref().is_none_or(|last| last.seq <= newest.seq) {
            self.last = Some(newest.clone());
        }
        self.newest = self.newest.max(newest.seq);
    }

    /// A message was altered, which the page on its way may have, or quote.
    pub(super) fn remember_meanwhile(&mut self, message: &Message) {
        if matches!(self.older, Older::Asked(_)) || self.seeking.is_some() {
            self.altered_meanwhile.insert(message.seq, message.clone());
        }
    }

    fn forget_meanwhile(&mut self) {
        if !matches!(self.older, Older::Asked(_)) && self.seeking.is_none() {
            self.altered_meanwhile.clear();
        }
    }
}
