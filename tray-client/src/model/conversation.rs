//! One conversation: the messages that are shown, the own ones that wait, and what has not been read.

mod files;
mod pages;
mod replies;

use std::collections::BTreeMap;

use belfry_core::chat::{
    AccountName, Alteration, Arrangement, Attachment, ConversationId, Message, Place, Quote, Reaction, Refusal, Seq, Text,
};
use belfry_core::client::{Mark, Ticket};
use belfry_core::time::{Instant, UnixMillis};

use super::memory::{ConversationMemory, ConversationStanding};
use pages::{Older, Seeking};

use crate::transfer::OutgoingFile;

/// Messages that are kept of one conversation. Beyond it the ones farthest from the reader go; the server has them.
const MESSAGES_MAX: usize = 2_000;

/// Of one that nobody sees: a screen full or two. What is further back is looked up when somebody does.
const UNSEEN_MAX: usize = 200;

/// What has become of an own message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It waits for the server.
    Waiting,
    /// It is on the server's disk.
    Stored,
    /// The server refused it; it can be tried again.
    Failed(Refusal),
    /// Its file could not be sent; it can be tried again.
    FileFailed,
}

/// One line of a conversation, as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageLine<'a> {
    /// Its place in the conversation; `None` while it waits.
    pub seq: Option<Seq>,
    /// Of an own message that waits or has failed.
    pub own: Option<Ticket>,
    /// Who wrote it; `None` for oneself.
    pub from: Option<&'a AccountName>,
    /// As it was written; [`Text::deleted`] where it was taken back.
    pub text: &'a Text,
    /// When it was stored, or written while it waits.
    pub at: UnixMillis,
    /// What has become of it; only of own ones.
    pub delivery: Option<Delivery>,
    /// Its author has written it anew, or taken it back.
    pub altered: Option<Alteration>,
    /// The message that it replies to; of an own one that waits, as far as it is known here.
    pub reply_to: Option<&'a Quote>,
    /// The file that came with it.
    pub attachment: Option<&'a Attachment>,
    /// The file that an own message brings which is not stored.
    pub outgoing: Option<&'a OwnFile>,
    /// How people have reacted to it.
    pub reactions: &'a [Reaction],
}

/// The file that an own message brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFile {
    /// As it was chosen.
    pub file: OutgoingFile,
    /// Why it could not be sent; empty while it can.
    pub why: String,
}

/// An own message from when it was written until it is seen among the stored ones.
#[derive(Clone, Debug)]
pub(super) struct Own {
    ticket: Ticket,
    pub(super) text: Text,
    pub(super) reply_to: Option<Quote>,
    pub(super) file: Option<Box<OwnFile>>,
    at: UnixMillis,
    state: OwnState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OwnState {
    /// `seen` is the stored message that it will probably turn out to be: shown once, not twice, until the answer is there.
    Waiting {
        seen: Option<Seq>,
    },
    Stored(Seq),
    Failed(Refusal),
    FileFailed,
}

/// A conversation of the person's: what is held of it, what waits, and how far it is read.
#[derive(Clone, Debug)]
pub struct Conversation {
    place: Place,
    /// The server's number for it, as soon as that is known.
    id: Option<ConversationId>,
    /// Without a hole between them.
    messages: BTreeMap<Seq, Message>,
    /// The newest messages are among those held. Not so after reading far back.
    at_end: bool,
    older: Older,
    /// What was asked for besides older messages.
    seeking: Option<Seeking>,
    own: Vec<Own>,
    last: Option<Message>,
    /// The newest message that is known to exist.
    newest: Seq,
    /// Up to where every message was heard as it was said.
    delivered: Option<Seq>,
    /// The last alteration that was heard of: whatever is remembered is as it was after it, or later.
    alteration: Option<u64>,
    /// Alterations of messages that are not held, while a page is on its way that may show them as they were before.
    altered_meanwhile: BTreeMap<Seq, Message>,
    /// What is remembered of it beside its messages.
    remembered: Option<ConversationStanding>,
    /// The newest that the person has had before them.
    read: Seq,
    /// What was read before somebody began to look at what was not: the line that says "new" stays until they leave.
    read_before: Option<Seq>,
    unread: u64,
    /// The newest message that is counted in `unread`.
    counted: Seq,
    /// The last alteration that the server's count knew of: what was taken back by then is not in `unread`.
    counted_alterations: u64,
    /// Up to where the server knows that it was read.
    told: Seq,
    /// How the person has arranged it, as the server says.
    arrangement: Arrangement,
    /// Who is writing, and until when that is believed.
    typing: BTreeMap<AccountName, Instant>,
}

impl Conversation {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            id: None,
            messages: BTreeMap::new(),
            at_end: true,
            older: Older::Unknown,
            seeking: None,
            own: Vec::new(),
            last: None,
            newest: Seq(0),
            delivered: None,
            alteration: None,
            altered_meanwhile: BTreeMap::new(),
            remembered: None,
            read: Seq(0),
            read_before: None,
            unread: 0,
            counted: Seq(0),
            counted_alterations: 0,
            told: Seq(0),
            arrangement: Arrangement::default(),
            typing: BTreeMap::new(),
        }
    }

    /// What was heard of it was of another log. What waits to be said, and what could not be, stays.
    pub(super) fn begin_anew(&mut self) {
        let mut own = core::mem::take(&mut self.own);
        // Its number is another message's now. What is on its way replies to it all the same where it is not, and comes with its quote.
        own.iter_mut().for_each(|own| own.reply_to = None);
        own.retain_mut(|own| match &mut own.state {
            OwnState::Waiting { seen } => {
                *seen = None;
                true
            }
            OwnState::Stored(_) => false,
            OwnState::Failed(_) | OwnState::FileFailed => true,
        });
        *self = Self { own, ..Self::new(self.place.clone()) };
    }

    /// Something of one's own waits in it, or could not be said.
    pub(super) const fn has_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// As it was remembered.
    pub(super) fn recalled(memory: ConversationMemory) -> Self {
        let ConversationMemory { standing, messages } = memory;
        let delivered = standing.delivered.unwrap_or_default();
        // An island in the middle is not where a conversation goes on.
        let messages = if messages.last().is_some_and(|last| last.seq >= delivered) { messages } else { Vec::new() };
        let last = messages.last().cloned();
        Self {
            id: Some(standing.id),
            newest: last.as_ref().map_or(delivered, |last| last.seq),
            messages: messages.into_iter().map(|message| (message.seq, message)).collect(),
            last,
            delivered: standing.delivered,
            alteration: Some(standing.alteration),
            read: standing.read,
            unread: standing.unread,
            ..Self::new(standing.place.clone())
        }
        .remembered_as(standing)
    }

    fn remembered_as(self, standing: ConversationStanding) -> Self {
        Self { remembered: Some(standing), ..self }
    }

    /// What is to be remembered of it beside its messages, where that is not what is remembered.
    pub(super) fn unremembered(&mut self) -> Option<ConversationStanding> {
        let standing = ConversationStanding {
            id: self.id?,
            place: self.place.clone(),
            read: self.read,
            unread: self.unread,
            delivered: self.delivered,
            alteration: self.alteration.unwrap_or_default(),
        };
        let news = self.remembered.as_ref() != Some(&standing);
        self.remembered = Some(standing.clone());
        news.then_some(standing)
    }

    /// From where on messages and alterations are news; `None` while nothing was heard.
    pub(super) fn mark(&self) -> Option<(ConversationId, Mark)> {
        let seq = self.delivered.or(self.last.as_ref().map(|last| last.seq))?;
        Some((self.id?, Mark { seq, alteration: self.alteration.unwrap_or_default() }))
    }

    /// The room, or the person it is with.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn rename(&mut self, to: Place) {
        self.place = to;
    }

    /// The server's number for it, if that is known.
    pub(super) const fn id(&self) -> Option<ConversationId> {
        self.id
    }

    /// The server names it in its list, with its newest message and its last alteration. `afresh` says that this program has never heard
    /// anything of any conversation, and hears only what is said from now on.
    pub(super) fn listed(&mut self, id: ConversationId, last: Seq, alterations: u64, afresh: bool) {
        self.id = Some(id);
        self.newest = self.newest.max(last);
        if afresh {
            self.delivered.get_or_insert(last);
        }
        self.alteration.get_or_insert(alterations);
    }

    /// Whether the server's newest message is older than what was delivered: then it is another log, after a backup was put back.
    pub(super) fn is_beyond(&self, last: Seq) -> bool {
        self.delivered.is_some_and(|delivered| delivered > last)
    }

    /// What the server keeps begins with this message: what stands before it is gone.
    pub(super) fn begins_with(&mut self, first: Seq) {
        self.messages = self.messages.split_off(&first);
        self.forget_quoted(first);
        self.last.take_if(|last| last.seq < first);
        if self.messages.contains_key(&first) {
            self.older = Older::None;
        }
    }

    /// Its newest message.
    pub const fn last(&self) -> Option<&Message> {
        self.last.as_ref()
    }

    /// How many messages of others have not been read.
    pub const fn unread(&self) -> u64 {
        self.unread
    }

    /// How the person has arranged it.
    pub const fn arrangement(&self) -> Arrangement {
        self.arrangement
    }

    pub(super) const fn arrange(&mut self, arrangement: Arrangement) {
        self.arrangement = arrangement;
    }

    /// Where the line that says "new" goes: behind this message. It stays there while it is being read; `None` when nothing was new.
    pub fn read_until(&self) -> Option<Seq> {
        self.read_before.or(Some(self.read).filter(|_| self.unread > 0))
    }

    /// Whether scrolling up finds more.
    pub fn has_older(&self) -> bool {
        !matches!(self.older, Older::None | Older::Ended)
    }

    /// Whether there may be more that is not on this computer, and the server cannot be asked.
    pub fn ends_here(&self) -> bool {
        self.older == Older::Ended
    }

    /// Whether the newest messages are among the lines; if not, reading has gone far back.
    pub const fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// The numbers of the first and the last stored message that is shown.
    pub fn span(&self) -> Option<(u64, u64)> {
        Some((self.messages.first_key_value()?.0.0, self.messages.last_key_value()?.0.0))
    }

    /// Own messages that wait for the server.
    pub fn waiting(&self) -> usize {
        self.own.iter().filter(|own| matches!(own.state, OwnState::Waiting { .. })).count()
    }

    /// Everything that is shown, oldest first: the stored messages in their order, then the own ones in the order they were written.
    pub fn lines<'a>(&'a self, me: Option<&'a AccountName>) -> impl Iterator<Item = MessageLine<'a>> {
        let stored = self.messages.values().map(move |message| {
            let own = me == Some(&message.from);
            MessageLine {
                seq: Some(message.seq),
                own: None,
                from: Some(&message.from).filter(|_| !own),
                text: &message.text,
                at: message.sent_at,
                delivery: own.then_some(Delivery::Stored),
                altered: message.altered,
                reply_to: message.reply_to.as_deref(),
                attachment: message.attachment.as_deref(),
                outgoing: None,
                reactions: &message.reactions,
            }
        });
        let own = self.own.iter().filter(|_| self.at_end).filter_map(|own| {
            let (seq, delivery) = match own.state {
                OwnState::Waiting { seen: Some(_) } => return None,
                OwnState::Waiting { seen: None } => (None, Delivery::Waiting),
                OwnState::Stored(seq) => (Some(seq), Delivery::Stored),
                OwnState::Failed(refusal) => (None, Delivery::Failed(refusal)),
                OwnState::FileFailed => (None, Delivery::FileFailed),
            };
            Some(MessageLine {
                seq,
                own: Some(own.ticket),
                from: None,
                text: &own.text,
                at: own.at,
                delivery: Some(delivery),
                altered: None,
                reply_to: own.reply_to.as_ref(),
                attachment: None,
                outgoing: own.file.as_deref(),
                reactions: &[],
            })
        });
        stored.chain(own)
    }

    /// A new message. `looking` says that the person has it before them.
    pub(super) fn arrive(&mut self, message: Message, me: Option<&AccountName>, looking: bool) {
        self.id = Some(message.conversation);
        self.delivered = self.delivered.max(Some(message.seq));
        if self.last.as_ref().is_some_and(|last| message.seq <= last.seq) {
            return;
        }
        let own = me == Some(&message.from);
        if own {
            self.recognise(&message);
        }
        self.typing.remove(&message.from);
        if own {
            // Whoever writes has read what stands above; the server knows that too.
            self.told = self.told.max(message.seq);
        }
        if own || (looking && self.at_end) {
            self.read_up_to(message.seq);
        } else if message.seq > self.counted && message.seq > self.read && !message.is_deleted() {
            if self.unread == 0 {
                // Nobody looks any more: what is new begins here.
                self.read_before = None;
            }
            self.unread = self.unread.saturating_add(1);
        }
        self.counted = self.counted.max(message.seq);
        self.newest = self.newest.max(message.seq);
        self.last = Some(message.clone());
        if !self.at_end {
            return;
        }
        if self.messages.last_key_value().is_some_and(|(newest, _)| newest.next() != message.seq) {
            // What is shown has no hole: the earlier ones are asked for again when somebody reads back.
            self.messages.clear();
            self.older = Older::Unknown;
        }
        self.messages.insert(message.seq, message);
        while self.messages.len() > MESSAGES_MAX {
            self.messages.pop_first();
            if self.older == Older::None {
                self.older = Older::Unknown;
            }
        }
    }

    /// Nobody sees it: the oldest go, and come again when somebody reads back.
    pub(super) fn go_unseen(&mut self) {
        self.read_before = None;
        if !self.at_end || self.messages.len() <= UNSEEN_MAX {
            return;
        }
        while self.messages.len() > UNSEEN_MAX {
            self.messages.pop_first();
        }
        if self.older == Older::None {
            self.older = Older::Unknown;
        }
    }

    /// An own message arrives among the others, before or after the answer to it.
    fn recognise(&mut self, message: &Message) {
        let before = self.own.len();
        self.own.retain(|own| own.state != OwnState::Stored(message.seq));
        if self.own.len() < before {
            return;
        }
        let waiting = self.own.iter_mut().find(|own| own.state == OwnState::Waiting { seen: None } && own.text == message.text);
        if let Some(own) = waiting {
            own.state = OwnState::Waiting { seen: Some(message.seq) };
        }
    }

    /// The person has everything before them. Whether that is news.
    pub(super) fn read(&mut self) -> bool {
        let newest = self.last.as_ref().map(|last| last.seq).filter(|_| self.at_end && self.unread > 0);
        if let Some(newest) = newest {
            self.read_before = self.read_until();
            self.read_up_to(newest);
        }
        newest.is_some()
    }

    /// The server says up to where the person has read, on whichever device, and how many messages are newer and stand: up to `counted`
    /// and after so many `alterations`, or, where it does not say, after everything that was heard, because it tells in its order.
    pub(super) fn server_says(&mut self, read: Seq, unread: u64, counted: Option<(Seq, u64)>) {
        self.told = self.told.max(read);
        let (counted, alterations) = counted.unwrap_or((self.counted, self.counted_alterations));
        let knows_all = counted >= self.counted;
        self.counted = self.counted.max(counted);
        self.counted_alterations = self.counted_alterations.max(alterations);
        // What was read here and not told yet is read all the same; what has come since the server counted is counted here.
        if read >= self.read && knows_all {
            self.unread = unread;
        } else {
            let from = self.read.max(read);
            let gone = self.messages.range(from.next()..).filter(|(_, message)| message.is_deleted()).count();
            self.unread = self.counted.0.saturating_sub(from.0).saturating_sub(gone as u64);
        }
        self.read = self.read.max(read);
    }

    /// Up to where the person has read, if the server does not know it yet.
    pub(super) fn untold(&mut self) -> Option<Seq> {
        let read = Some(self.read).filter(|read| *read > self.told)?;
        self.told = read;
        Some(read)
    }

    /// A message was altered. Whether it is shown here.
    pub(super) fn alter(&mut self, message: Message) -> bool {
        let known = self.alteration.unwrap_or_default().max(self.counted_alterations);
        let is_news = message.altered.is_some_and(|altered| altered.number > known);
        // What was taken back waits for nobody any more.
        if is_news && message.is_deleted() && message.seq > self.read && message.seq <= self.counted {
            self.unread = self.unread.saturating_sub(1);
        }
        self.alteration = self.alteration.max(message.altered.map(|altered| altered.number));
        if let Some(last) = self.last.as_mut().filter(|last| last.seq == message.seq) {
            *last = message.clone();
        }
        let quoted = self.requote(&message);
        self.remember_meanwhile(&message);
        match self.messages.get_mut(&message.seq) {
            Some(shown) => {
                *shown = message;
                true
            }
            None => quoted,
        }
    }

    /// Somebody is writing, which is believed until `until`.
    pub(super) fn hear_typing(&mut self, account: AccountName, until: Instant) {
        self.typing.insert(account, until);
    }

    /// Those who are writing.
    pub fn typing(&self, now: Instant) -> impl Iterator<Item = &AccountName> {
        self.typing.iter().filter(move |(_, until)| **until > now).map(|(account, _)| account)
    }

    /// When somebody who is writing is not believed to be any more.
    pub(super) fn typing_until(&self, now: Instant) -> Option<Instant> {
        self.typing.values().copied().filter(|until| *until > now).min()
    }

    fn read_up_to(&mut self, seq: Seq) {
        self.read = self.read.max(seq);
        self.unread = 0;
    }

    pub(super) fn say(&mut self, ticket: Ticket, text: Text, reply_to: Option<Quote>, at: UnixMillis) {
        self.own.push(Own { ticket, text, reply_to, file: None, at, state: OwnState::Waiting { seen: None } });
    }

    pub(super) fn stored(&mut self, ticket: Ticket, seq: Seq) {
        let Some(at) = self.own.iter().position(|own| own.ticket == ticket) else { return };
        let own = self.own.remove(at);
        // The likeness of another own message was mistaken for this one: that message is shown again.
        if let Some(other) = self.own.iter_mut().find(|other| other.state == OwnState::Waiting { seen: Some(seq) }) {
            other.state = OwnState::Waiting { seen: None };
        }
        let arrived = self.last.as_ref().is_some_and(|last| seq <= last.seq);
        if !arrived {
            self.own.insert(at, Own { state: OwnState::Stored(seq), ..own });
        }
    }

    pub(super) fn refused(&mut self, ticket: Ticket, refusal: Refusal) {
        if let Some(own) = self.own.iter_mut().find(|own| own.ticket == ticket) {
            own.state = OwnState::Failed(refusal);
        }
    }

    /// Takes a failed message out, to try it again or to forget it.
    pub(super) fn take_failed(&mut self, ticket: Ticket) -> Option<Own> {
        let failed = |own: &Own| matches!(own.state, OwnState::Failed(_) | OwnState::FileFailed);
        let at = self.own.iter().position(|own| own.ticket == ticket && failed(own))?;
        Some(self.own.remove(at))
    }
}

#[cfg(test)]
mod tests;
