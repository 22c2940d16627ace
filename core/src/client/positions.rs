//! Up to where each conversation has been delivered, and what must be fetched to go on.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::api::{Mark, Start, Update};
use crate::chat::{CommonPast, ConversationId, ConversationInfo, Message, MessagePage, Page, Place, RoomName, Seq};

/// One conversation.
#[derive(Debug)]
struct Position {
    place: Place,
    /// The last message delivered.
    delivered: Seq,
    /// The newest message known to exist.
    newest: Seq,
    /// The last alteration delivered.
    altered: u64,
    /// The newest alteration known to exist.
    newest_altered: u64,
    /// A page is on its way, of messages or of alterations.
    fetching: bool,
}

/// A conversation that has another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Renaming {
    pub(super) from: Place,
    pub(super) to: Place,
}

impl From<Renaming> for Update {
    fn from(Renaming { from, to }: Renaming) -> Self {
        Self::Renamed { from, to }
    }
}

/// A page to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetch {
    /// The messages after this one.
    Messages(ConversationId, Seq),
    /// What was altered after this alteration.
    Altered(ConversationId, u64),
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
    /// What the list has named so far.
    listing: Option<BTreeSet<ConversationId>>,
    /// Where one was in another timeline, in a conversation that is none in this one.
    forgotten: Vec<Place>,
}

impl Positions {
    pub(super) const fn new(start: Start) -> Self {
        Self { start, conversations: BTreeMap::new(), listed: false, listed_before: false, listing: None, forgotten: Vec::new() }
    }

    /// The connection is lost: nothing is on its way any more.
    pub(super) fn on_disconnected(&mut self) {
        self.listed = false;
        self.listing = None;
        for position in self.conversations.values_mut() {
            position.fetching = false;
        }
    }

    /// The server has gone back to a backup, and of what was known only this is the same now: what goes beyond it is to come anew, and a
    /// conversation that is not among it is another one, whatever its number says.
    pub(super) fn on_other_timeline(&mut self, shared: &[CommonPast]) {
        let shared: BTreeMap<_, _> = shared.iter().map(|shared| (shared.conversation, shared)).collect();
        if let Start::After(known) = &mut self.start {
            known.marks.retain(|id, _| shared.contains_key(id));
            for (id, mark) in &mut known.marks {
                if let Some(shared) = shared.get(id) {
                    *mark = Mark { seq: mark.seq.min(shared.seq), alteration: mark.alteration.min(shared.alteration) };
                }
            }
        }
        if shared.is_empty() {
            // Not even the lobby: nobody can say what was missed, and everything that was ever said is no news.
            (self.start, self.listed_before) = (Start::Now, false);
        }
        for (id, mut position) in core::mem::take(&mut self.conversations) {
            let Some(shared) = shared.get(&id) else {
                self.forgotten.push(position.place);
                continue;
            };
            position.delivered = position.delivered.min(shared.seq);
            position.altered = position.altered.min(shared.alteration);
            (position.newest, position.newest_altered) = (position.delivered, position.altered);
            self.conversations.insert(id, position);
        }
    }

    /// Part of the server's list of conversations: what has another name than before, and with the last part, those that one has left
    /// since the list before.
    pub(super) fn on_list(&mut self, page: Page<ConversationInfo>) -> (Vec<Renaming>, Vec<Place>) {
        let mut renamed = Vec::new();
        let mut named = self.listing.take().unwrap_or_default();
        for info in page.entries {
            let news = Mark { seq: info.since, alteration: info.alterations };
            let from = match &self.start {
                Start::Now if !self.listed_before => Mark { seq: info.last, ..news },
                Start::Now => news,
                Start::After(known) => known.marks.get(&info.id).copied().unwrap_or(news),
            };
            named.insert(info.id);
            renamed.extend(self.note(info, from));
        }
        self.listed = !page.more;
        self.listed_before |= self.listed;
        if page.more {
            self.listing = Some(named);
            return (renamed, Vec::new());
        }
        let left: Vec<_> = self.conversations.keys().filter(|id| !named.contains(id)).copied().collect();
        let left = left.into_iter().filter_map(|id| self.on_left(id)).collect::<Vec<_>>();
        // Another conversation may have taken the place.
        let is_nowhere = |place: &Place| !self.conversations.values().any(|position| position.place == *place);
        let forgotten = core::mem::take(&mut self.forgotten).into_iter().filter(is_nowhere);
        (renamed, left.into_iter().chain(forgotten).collect())
    }

    /// A conversation that one was not in before.
    pub(super) fn on_conversation(&mut self, info: ConversationInfo) {
        if let Some(named) = &mut self.listing {
            named.insert(info.id);
        }
        let news = Mark { seq: info.since, alteration: info.alterations };
        self.note(info, news);
    }

    /// One is not in a conversation any more; where that was.
    pub(super) fn on_left(&mut self, conversation: ConversationId) -> Option<Place> {
        if let Some(named) = &mut self.listing {
            named.remove(&conversation);
        }
        self.conversations.remove(&conversation).map(|position| position.place)
    }

    /// A room has another name.
    pub(super) fn on_renamed(&mut self, conversation: ConversationId, room: RoomName) -> Option<Renaming> {
        let position = self.conversations.get_mut(&conversation)?;
        position.rename(Place::Room(room))
    }

    /// What a conversation is called here.
    pub(super) fn place(&self, conversation: ConversationId) -> Option<Place> {
        self.conversations.get(&conversation).map(|position| position.place.clone())
    }

    /// The number of the room that somebody means by a name; the newest, while it is still to be heard what an older one is called now.
    pub(super) fn room_at(&self, place: &Place) -> Option<ConversationId> {
        self.conversation_at(place).filter(|_| matches!(place, Place::Room(_)))
    }

    /// The number of the conversation that somebody means by a place, as far as it was heard of.
    pub(super) fn conversation_at(&self, place: &Place) -> Option<ConversationId> {
        let is_it = |known: &Place| match (known, place) {
            (Place::Room(known), Place::Room(wanted)) => known.key() == wanted.key(),
            (Place::Direct(known), Place::Direct(wanted)) => known.key() == wanted.key(),
            _ => false,
        };
        self.conversations.iter().rev().find(|(_, position)| is_it(&position.place)).map(|(&id, _)| id)
    }

    fn note(&mut self, info: ConversationInfo, from: Mark) -> Option<Renaming> {
        let ConversationInfo { id, place, last, alterations, .. } = info;
        // A server whose files were put back by hand counts again from there, and cannot say so.
        let (delivered, altered) = (from.seq.min(last), from.alteration.min(alterations));
        let position = self.conversations.entry(id).or_insert_with(|| Position {
            place: place.clone(),
            delivered,
            newest: last,
            altered,
            newest_altered: alterations,
            fetching: false,
        });
        position.newest = position.newest.max(last);
        position.newest_altered = position.newest_altered.max(alterations);
        position.rename(place)
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
    pub(super) fn on_page(&mut self, page: MessagePage) -> Vec<(Place, Message)> {
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

    /// A message was altered; what is to be delivered now. `Err` when its conversation is unknown.
    ///
    /// The next alteration in order is delivered if its message was; what else comes is fetched, once no message is missing: pages and
    /// events travel on different channels, and a page shows messages as they are when it is read.
    pub(super) fn on_altered(&mut self, message: Message) -> Result<Option<(Place, Message)>, UnknownConversation> {
        let position = self.conversations.get_mut(&message.conversation).ok_or(UnknownConversation)?;
        let Some(number) = message.altered.map(|altered| altered.number) else { return Ok(None) };
        position.newest = position.newest.max(message.seq);
        position.newest_altered = position.newest_altered.max(number);
        if position.is_behind() || position.fetching || number != position.altered.saturating_add(1) {
            return Ok(None);
        }
        position.altered = number;
        Ok(Some((position.place.clone(), message)))
    }

    /// A page of altered messages that was asked for has come; what is to be delivered of it.
    pub(super) fn on_altered_page(&mut self, conversation: ConversationId, page: Page<Message>, last: u64) -> Vec<(Place, Message)> {
        let Some(position) = self.conversations.get_mut(&conversation) else { return Vec::new() };
        position.fetching = false;
        position.newest_altered = position.newest_altered.max(last);
        let goes_on = page.more && !page.entries.is_empty();
        let mut deliver = Vec::new();
        for message in page.entries {
            let Some(number) = message.altered.map(|altered| altered.number) else { continue };
            if message.seq > position.delivered {
                // It is fetched first, and what is altered from here on once more behind it.
                position.newest = position.newest.max(message.seq);
                return deliver;
            }
            position.altered = position.altered.max(number);
            deliver.push((position.place.clone(), message));
        }
        if !goes_on {
            position.altered = position.altered.max(last);
            // The server has nothing after all; asking again would be asking for ever.
            position.newest_altered = position.altered;
        }
        deliver
    }

    /// A page could not be had just now.
    pub(super) fn on_put_off(&mut self, conversation: ConversationId) {
        if let Some(position) = self.conversations.get_mut(&conversation) {
            position.fetching = false;
        }
    }

    /// The next page to ask for.
    pub(super) fn next_fetch(&mut self) -> Option<Fetch> {
        let is_wanted = |position: &Position| !position.fetching && (position.is_behind() || position.has_altered());
        let (&id, position) = self.conversations.iter_mut().find(|(_, position)| is_wanted(position))?;
        position.fetching = true;
        Some(if position.is_behind() { Fetch::Messages(id, position.delivered) } else { Fetch::Altered(id, position.altered) })
    }

    /// Everything that the server has listed has been delivered.
    pub(super) fn is_caught_up(&self) -> bool {
        self.listed && !self.conversations.values().any(|position| position.is_behind() || position.has_altered())
    }
}

impl Position {
    fn rename(&mut self, to: Place) -> Option<Renaming> {
        let from = core::mem::replace(&mut self.place, to.clone());
        (from != to).then_some(Renaming { from, to })
    }

    fn is_behind(&self) -> bool {
        self.delivered < self.newest
    }

    fn has_altered(&self) -> bool {
        self.altered < self.newest_altered
    }
}

/// A message of a conversation that the server has not told about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownConversation;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::chat::{AccountName, Alteration, Text};
    use crate::client::Knowledge;
    use crate::time::UnixMillis;

    const ID: ConversationId = ConversationId(1);

    fn info(last: u64) -> ConversationInfo {
        ConversationInfo::new(ID, Place::lobby(), Seq(last))
    }

    fn known(mark: Mark) -> Knowledge {
        Knowledge { timeline: None, marks: [(ID, mark)].into() }
    }

    fn altered(seq: u64, number: u64) -> Message {
        Message { altered: Some(Alteration::edited(number, UnixMillis(0))), ..message(seq) }
    }

    #[test]
    fn a_room_of_another_name_is_the_same_room_also_when_that_was_done_while_one_was_away() {
        let mut positions = Positions::new(Start::Now);
        let place = |typed| Place::Room(RoomName::new(typed).unwrap());
        let listed = |typed| ConversationInfo { place: place(typed), ..info(3) };
        assert_eq!(positions.on_list(Page { entries: vec![listed("attic")], more: false }), (vec![], vec![]));
        let renaming = |from, to| Renaming { from: place(from), to: place(to) };
        assert_eq!(positions.on_renamed(ID, RoomName::new("loft").unwrap()), Some(renaming("attic", "loft")));
        assert_eq!(positions.on_renamed(ID, RoomName::new("loft").unwrap()), None, "told twice");
        assert_eq!(positions.on_message(message(4)).unwrap().unwrap().0, place("loft"));
        positions.on_disconnected();
        assert_eq!(positions.on_list(Page { entries: vec![listed("roof")], more: false }), (vec![renaming("loft", "roof")], vec![]));
        assert_eq!(positions.on_renamed(ConversationId(9), RoomName::new("x").unwrap()), None);
    }

    fn message(seq: u64) -> Message {
        Message::new(ID, Seq(seq), AccountName::new("alice").unwrap(), Text::new("hello").unwrap(), UnixMillis(0))
    }

    fn page(last: u64, seqs: impl Iterator<Item = u64>) -> MessagePage {
        MessagePage { conversation: info(last), messages: seqs.map(message).collect() }
    }

    fn seqs(delivered: Vec<(Place, Message)>) -> Vec<u64> {
        delivered.into_iter().map(|(_, message)| message.seq.0).collect()
    }

    fn after(seq: u64, last: u64) -> Positions {
        let mut positions = Positions::new(Start::After(known(Mark { seq: Seq(seq), alteration: 0 })));
        positions.on_list(Page { entries: vec![info(last)], more: false });
        positions
    }

    #[test]
    fn starting_now_skips_what_was_said_before() {
        let mut positions = Positions::new(Start::Now);
        positions.on_list(Page { entries: vec![info(7)], more: false });
        assert!(positions.is_caught_up());
        assert!(positions.on_message(message(8)).unwrap().is_some());
    }

    #[test]
    fn what_was_missed_is_fetched_from_the_last_message_delivered() {
        let mut positions = after(3, 7);
        assert!(!positions.is_caught_up());
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(3))));
        assert_eq!(positions.next_fetch(), None, "one page at a time");
        assert_eq!(seqs(positions.on_page(page(7, 4..=5))), [4, 5]);
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(5))));
        assert_eq!(seqs(positions.on_page(page(7, 6..=7))), [6, 7]);
        assert!(positions.is_caught_up());
    }

    #[test]
    fn a_mark_beyond_the_log_is_none_after_the_server_went_back_to_a_backup() {
        let mark = Mark { seq: Seq(9), alteration: 5 };
        let mut positions = Positions::new(Start::After(known(mark)));
        positions.on_list(Page { entries: vec![ConversationInfo { alterations: 2, ..info(4) }], more: false });
        assert!(positions.is_caught_up());
        assert!(positions.on_message(message(5)).unwrap().is_some());
        assert!(positions.on_altered(altered(1, 3)).unwrap().is_some());
    }

    fn shared(conversation: ConversationId, seq: u64, alteration: u64) -> CommonPast {
        CommonPast { conversation, seq: Seq(seq), alteration }
    }

    #[test]
    fn after_a_restore_everything_that_is_not_the_same_any_more_comes_anew() {
        let mut positions = after(3, 3);
        for seq in 4..=6 {
            assert!(positions.on_message(message(seq)).unwrap().is_some());
        }
        assert!(positions.on_altered(altered(1, 1)).unwrap().is_some());
        positions.on_disconnected();
        positions.on_other_timeline(&[shared(ID, 4, 0)]);
        positions.on_list(Page { entries: vec![ConversationInfo { alterations: 1, ..info(7) }], more: false });
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(4))));
        assert_eq!(seqs(positions.on_page(page(7, 5..=7))), [5, 6, 7], "the fifth and the sixth are other ones");
        assert_eq!(positions.next_fetch(), Some(Fetch::Altered(ID, 0)));
        assert_eq!(seqs(positions.on_altered_page(ID, Page { entries: vec![altered(2, 1)], more: false }, 1)), [2]);
        assert!(positions.is_caught_up());
    }

    #[test]
    fn another_room_under_the_number_of_one_that_is_no_more_is_no_renamed_one() {
        let (lobby, second) = (ConversationId(9), ConversationId(2));
        let place = |typed| Place::Room(RoomName::new(typed).unwrap());
        let room = |typed, last| ConversationInfo { id: second, place: place(typed), ..info(last) };
        let mut positions = Positions::new(Start::Now);
        let elsewhere = || ConversationInfo { id: lobby, ..info(1) };
        positions.on_list(Page { entries: vec![elsewhere(), room("oldroom", 5)], more: false });
        positions.on_disconnected();
        positions.on_other_timeline(&[shared(lobby, 1, 0)]);
        let told = positions.on_list(Page { entries: vec![elsewhere(), room("board", 2)], more: false });
        assert_eq!(told, (vec![], vec![place("oldroom")]));
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(second, Seq(0))), "its first message, too");
        positions.on_disconnected();
        positions.on_other_timeline(&[shared(lobby, 1, 0)]);
        let again = positions.on_list(Page { entries: vec![elsewhere(), room("board", 2)], more: false });
        assert_eq!(again, (vec![], vec![]), "a room of the same name is there");
    }

    #[test]
    fn in_a_timeline_that_has_nothing_in_common_with_what_was_known_one_begins_as_the_first_time() {
        let mut positions = after(3, 3);
        positions.on_disconnected();
        positions.on_other_timeline(&[]);
        assert_eq!(positions.on_list(Page { entries: vec![info(500)], more: false }), (vec![], vec![]));
        assert!(positions.is_caught_up());
        assert!(positions.on_message(message(501)).unwrap().is_some());
    }

    #[test]
    fn a_gap_is_fetched_and_nothing_is_delivered_twice() {
        let mut positions = after(3, 3);
        assert_eq!(positions.on_message(message(5)), Ok(None));
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(3))));
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
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(5))));
        assert_eq!(seqs(positions.on_page(page(6, 6..=6))), [6]);
    }

    #[test]
    fn a_page_that_repeats_what_was_delivered_delivers_it_no_second_time() {
        let mut positions = after(3, 5);
        positions.next_fetch();
        assert_eq!(seqs(positions.on_page(page(5, 2..=5))), [4, 5]);
    }

    #[test]
    fn the_last_page_of_what_was_altered_ends_the_asking_and_so_does_an_empty_one() {
        for (entries, more) in [(vec![altered(1, 2)], false), (vec![], false), (vec![], true)] {
            let mut positions = after(3, 3);
            assert_eq!(positions.on_altered(altered(1, 9)), Ok(None));
            assert_eq!(positions.next_fetch(), Some(Fetch::Altered(ID, 0)));
            positions.on_altered_page(ID, Page { entries, more }, 9);
            assert!(positions.is_caught_up());
            assert!(positions.on_altered(altered(2, 10)).unwrap().is_some(), "it goes on behind the last");
        }
    }

    #[test]
    fn a_lost_connection_asks_again_where_it_was() {
        let mut positions = after(3, 7);
        positions.next_fetch();
        positions.on_disconnected();
        positions.on_list(Page { entries: vec![info(9)], more: false });
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(3))));
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
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(3))));
        assert_eq!(seqs(positions.on_page(page(9, 7..=8))), [7, 8]);
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(8))));
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
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(3))));
        assert_eq!(seqs(positions.on_page(page(10, 10..=10))), [10]);
        assert!(positions.on_message(message(11)).unwrap().is_some());
    }

    #[test]
    fn a_conversation_that_began_meanwhile_is_delivered_from_its_beginning() {
        let mut positions = Positions::new(Start::Now);
        positions.on_list(Page { entries: vec![], more: false });
        positions.on_disconnected();
        positions.on_list(Page { entries: vec![info(2)], more: false });
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(0))));
    }

    #[test]
    fn a_room_that_is_joined_is_delivered_from_there_on() {
        let mut positions = after(3, 3);
        let joined = ConversationInfo { id: ConversationId(2), since: Seq(70), last: Seq(72), ..info(0) };
        positions.on_conversation(joined);
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ConversationId(2), Seq(70))));
    }

    #[test]
    fn a_conversation_that_the_list_does_not_name_any_more_is_left() {
        let mut positions = after(3, 3);
        positions.on_conversation(ConversationInfo { id: ConversationId(2), ..info(0) });
        positions.on_disconnected();
        assert_eq!(positions.on_list(Page { entries: vec![info(3)], more: true }).1, []);
        assert_eq!(positions.on_list(Page { entries: vec![], more: false }).1, [Place::lobby()]);
        assert!(positions.place(ConversationId(2)).is_none() && positions.place(ID).is_some());
        assert_eq!(positions.on_left(ID), Some(Place::lobby()));
        assert_eq!(positions.on_message(message(4)), Err(UnknownConversation));
    }

    #[test]
    fn an_alteration_is_delivered_in_order_and_once() {
        let mut positions = after(3, 3);
        assert!(positions.on_altered(altered(2, 1)).unwrap().is_some());
        assert_eq!(positions.on_altered(altered(2, 1)), Ok(None));
        assert_eq!(positions.on_altered(altered(1, 3)), Ok(None), "the second is missing");
        assert_eq!(positions.next_fetch(), Some(Fetch::Altered(ID, 1)));
        let page = vec![altered(2, 2), altered(1, 3)];
        assert_eq!(seqs(positions.on_altered_page(ID, Page { entries: page, more: false }, 3)), [2, 1]);
        assert!(positions.is_caught_up());
    }

    #[test]
    fn what_was_altered_meanwhile_is_fetched_behind_the_messages() {
        let mut positions = after(3, 3);
        positions.on_disconnected();
        positions.on_list(Page { entries: vec![ConversationInfo { alterations: 2, ..info(5) }], more: false });
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(3))));
        assert_eq!(seqs(positions.on_page(page(5, 4..=5))), [4, 5]);
        assert_eq!(positions.next_fetch(), Some(Fetch::Altered(ID, 0)));
        assert_eq!(seqs(positions.on_altered_page(ID, Page { entries: vec![altered(1, 1)], more: true }, 2)), [1]);
        assert_eq!(positions.next_fetch(), Some(Fetch::Altered(ID, 1)));
        assert_eq!(seqs(positions.on_altered_page(ID, Page { entries: vec![altered(4, 2)], more: false }, 2)), [4]);
        assert!(positions.is_caught_up());
    }

    #[test]
    fn an_alteration_that_overtakes_its_message_is_not_lost() {
        let mut positions = after(3, 3);
        assert_eq!(positions.on_altered(altered(4, 1)), Ok(None));
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(3))));
        // The page was read before the alteration.
        assert_eq!(seqs(positions.on_page(page(4, 4..=4))), [4]);
        assert_eq!(positions.next_fetch(), Some(Fetch::Altered(ID, 0)));
        assert_eq!(seqs(positions.on_altered_page(ID, Page { entries: vec![altered(4, 1), altered(5, 2)], more: false }, 2)), [4]);
        // The fifth message has not come yet: first it, then what became of it.
        assert_eq!(positions.next_fetch(), Some(Fetch::Messages(ID, Seq(4))));
        assert_eq!(seqs(positions.on_page(page(5, 5..=5))), [5]);
        assert_eq!(positions.next_fetch(), Some(Fetch::Altered(ID, 1)));
        assert_eq!(seqs(positions.on_altered_page(ID, Page { entries: vec![altered(5, 2)], more: false }, 2)), [5]);
        assert!(positions.is_caught_up());
    }

    #[test]
    fn a_message_of_an_unknown_conversation_is_reported() {
        assert_eq!(Positions::new(Start::Now).on_message(message(1)), Err(UnknownConversation));
    }
}
