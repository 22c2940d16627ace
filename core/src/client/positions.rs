//! Up to where each conversation has been delivered, and what must be fetched to go on.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::link::Start;
use crate::chat::{ConversationId, ConversationInfo, Message, Page, Place, Seq};

/// One conversation.
#[derive(Debug)]
struct Position {
    place: Place,
    /// The last message delivered.
    delivered: Seq,
    /// The newest message known to exist.
    newest: Seq,
    /// A page is on its way.
    fetching: bool,
}

/// All conversations.
#[derive(Debug)]
pub(super) struct Positions {
    start: Start,
    conversations: BTreeMap<ConversationId, Position>,
    /// The server has listed all conversations on this connection.
    listed: bool,
    /// … and it had done so on a connection before.
    listed_before: bool,
}

impl Positions {
    pub(super) const fn new(start: Start) -> Self {
        Self { start, conversations: BTreeMap::new(), listed: false, listed_before: false }
    }

    /// The connection is lost: nothing is on its way any more.
    pub(super) fn on_disconnected(&mut self) {
        self.listed = false;
        for position in self.conversations.values_mut() {
            position.fetching = false;
        }
    }

    /// Part of the server's list of conversations.
    pub(super) fn on_list(&mut self, conversations: Vec<ConversationInfo>, more: bool) {
        for info in conversations {
            let from = match &self.start {
                Start::Now if !self.listed_before => info.last,
                Start::Now => Seq(0),
                Start::After(known) => known.get(&info.id).copied().unwrap_or_default(),
            };
            self.note(info, from);
        }
        self.listed = !more;
        self.listed_before |= self.listed;
    }

    /// A conversation that one was not in before.
    pub(super) fn on_conversation(&mut self, info: ConversationInfo) {
        self.note(info, Seq(0));
    }

    fn note(&mut self, info: ConversationInfo, delivered: Seq) {
        let ConversationInfo { id, place, last } = info;
        let position =
            self.conversations.entry(id).or_insert_with(|| Position { place: place.clone(), delivered, newest: last, fetching: false });
        position.place = place;
        position.newest = position.newest.max(last);
    }

    /// A message has come unasked; what is to be delivered now. `Err` when its conversation is unknown.
    pub(super) fn on_message(&mut self, message: Message) -> Result<Option<(Place, Message)>, UnknownConversation> {
        let position = self.conversations.get_mut(&message.conversation).ok_or(UnknownConversation)?;
        position.newest = position.newest.max(message.seq);
        if message.seq != position.delivered.next() {
            // Known already, or others before it are missing: those are fetched, and it comes again with them.
            return Ok(None);
        }
        position.delivered = message.seq;
        Ok(Some((position.place.clone(), message)))
    }

    /// A page that was asked for has come; what is to be delivered of it.
    pub(super) fn on_page(&mut self, page: Page) -> Vec<(Place, Message)> {
        let Some(position) = self.conversations.get_mut(&page.conversation.id) else { return Vec::new() };
        position.fetching = false;
        position.newest = position.newest.max(page.conversation.last);
        let before = position.delivered;
        let mut deliver = Vec::new();
        for message in page.messages {
            // A log that was shortened from below starts later: what is gone is not waited for.
            if message.seq > position.delivered {
                position.delivered = message.seq;
                deliver.push((position.place.clone(), message));
            }
        }
        if position.delivered == before {
            // The server has nothing after all; asking again would be asking for ever.
            position.newest = before;
        }
        deliver
    }

    /// A page could not be had: the conversation is not ours any more.
    pub(super) fn on_refused(&mut self, conversation: ConversationId) {
        self.conversations.remove(&conversation);
    }

    /// The next page to ask for.
    pub(super) fn next_fetch(&mut self) -> Option<(ConversationId, Seq)> {
        let (&id, position) = self.conversations.iter_mut().find(|(_, position)| position.is_behind() && !position.fetching)?;
        position.fetching = true;
        Some((id, position.delivered))
    }

    /// Everything that the server has listed has been delivered.
    pub(super) fn is_caught_up(&self) -> bool {
        self.listed && !self.conversations.values().any(Position::is_behind)
    }
}

impl Position {
    fn is_behind(&self) -> bool {
        self.delivered < self.newest
    }
}

/// A message of a conversation that the server has not told about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownConversation;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::chat::{AccountName, Text};
    use crate::time::UnixMillis;

    const ID: ConversationId = ConversationId(1);

    fn info(last: u64) -> ConversationInfo {
        ConversationInfo { id: ID, place: Place::lobby(), last: Seq(last) }
    }

    fn message(seq: u64) -> Message {
        Message {
            conversation: ID,
            seq: Seq(seq),
            from: AccountName::new("alice").unwrap(),
            text: Text::new("hello").unwrap(),
            sent_at: UnixMillis(0),
        }
    }

    fn page(last: u64, seqs: impl Iterator<Item = u64>) -> Page {
        Page { conversation: info(last), messages: seqs.map(message).collect() }
    }

    fn seqs(delivered: Vec<(Place, Message)>) -> Vec<u64> {
        delivered.into_iter().map(|(_, message)| message.seq.0).collect()
    }

    fn after(seq: u64, last: u64) -> Positions {
        let mut positions = Positions::new(Start::After([(ID, Seq(seq))].into()));
        positions.on_list(vec![info(last)], false);
        positions
    }

    #[test]
    fn starting_now_skips_what_was_said_before() {
        let mut positions = Positions::new(Start::Now);
        positions.on_list(vec![info(7)], false);
        assert!(positions.is_caught_up());
        assert!(positions.on_message(message(8)).unwrap().is_some());
    }

    #[test]
    fn what_was_missed_is_fetched_from_the_last_message_delivered() {
        let mut positions = after(3, 7);
        assert!(!positions.is_caught_up());
        assert_eq!(positions.next_fetch(), Some((ID, Seq(3))));
        assert_eq!(positions.next_fetch(), None, "one page at a time");
        assert_eq!(seqs(positions.on_page(page(7, 4..=5))), [4, 5]);
        assert_eq!(positions.next_fetch(), Some((ID, Seq(5))));
        assert_eq!(seqs(positions.on_page(page(7, 6..=7))), [6, 7]);
        assert!(positions.is_caught_up());
    }

    #[test]
    fn a_gap_is_fetched_and_nothing_is_delivered_twice() {
        let mut positions = after(3, 3);
        assert_eq!(positions.on_message(message(5)), Ok(None));
        assert_eq!(positions.next_fetch(), Some((ID, Seq(3))));
        assert_eq!(seqs(positions.on_page(page(5, 4..=5))), [4, 5]);
        assert_eq!(positions.on_message(message(5)), Ok(None));
        assert!(positions.is_caught_up());
    }

    #[test]
    fn a_message_that_arrives_while_its_page_is_on_the_way_comes_once() {
        let mut positions = after(3, 5);
        positions.next_fetch();
        assert_eq!(positions.on_message(message(6)), Ok(None));
        assert_eq!(seqs(positions.on_page(page(5, 4..=5))), [4, 5]);
        assert_eq!(positions.next_fetch(), Some((ID, Seq(5))));
        assert_eq!(seqs(positions.on_page(page(6, 6..=6))), [6]);
    }

    #[test]
    fn a_lost_connection_asks_again_where_it_was() {
        let mut positions = after(3, 7);
        positions.next_fetch();
        positions.on_disconnected();
        positions.on_list(vec![info(9)], false);
        assert_eq!(positions.next_fetch(), Some((ID, Seq(3))));
    }

    #[test]
    fn an_empty_page_ends_the_asking() {
        let mut positions = after(3, 7);
        positions.next_fetch();
        positions.on_page(page(3, 0..0));
        assert!(positions.is_caught_up());
    }

    #[test]
    fn a_log_that_was_shortened_from_below_goes_on_with_the_first_message_kept() {
        let mut positions = after(3, 9);
        assert_eq!(positions.next_fetch(), Some((ID, Seq(3))));
        assert_eq!(seqs(positions.on_page(page(9, 7..=8))), [7, 8]);
        assert_eq!(positions.next_fetch(), Some((ID, Seq(8))));
        assert_eq!(seqs(positions.on_page(page(9, 9..=9))), [9]);
        assert!(positions.is_caught_up());
    }

    #[test]
    fn a_log_of_which_nothing_is_kept_goes_on_with_what_is_said_next() {
        let mut positions = after(3, 9);
        positions.next_fetch();
        assert_eq!(seqs(positions.on_page(page(9, 0..0))), [0; 0]);
        assert!(positions.is_caught_up());
        assert_eq!(positions.on_message(message(10)), Ok(None));
        assert_eq!(positions.next_fetch(), Some((ID, Seq(3))));
        assert_eq!(seqs(positions.on_page(page(10, 10..=10))), [10]);
        assert!(positions.on_message(message(11)).unwrap().is_some());
    }

    #[test]
    fn a_conversation_that_began_meanwhile_is_delivered_from_its_beginning() {
        let mut positions = Positions::new(Start::Now);
        positions.on_list(vec![], false);
        positions.on_disconnected();
        positions.on_list(vec![info(2)], false);
        assert_eq!(positions.next_fetch(), Some((ID, Seq(0))));
    }

    #[test]
    fn a_message_of_an_unknown_conversation_is_reported() {
        assert_eq!(Positions::new(Start::Now).on_message(message(1)), Err(UnknownConversation));
    }
}
