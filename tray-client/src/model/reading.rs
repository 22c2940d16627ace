//! Going through a conversation: back, on, to a message that was found, to the end. What is remembered on this computer is looked up there;
//! the server is asked for what is not.

use belfry_core::chat::{Message, Place, Request, Seq};
use belfry_core::client::Ticket;
use belfry_core::limits::PAGE_ENTRIES_MAX;

use super::exchange::{Lookup, Stretch};
use super::memory::MemoryChange;
use super::{Conversation, Effect, Model, PlaceKey, ScreenPart};

/// Messages in one page: several screens full, and few enough to arrive while the scroll bar moves.
pub(super) const PAGE_MESSAGES: u32 = 100;

const _: () = assert!(PAGE_MESSAGES <= PAGE_ENTRIES_MAX);

impl Model {
    /// Whether what comes in the shown conversation comes before the person's eyes.
    pub const fn is_looking(&self) -> bool {
        self.attended && self.sees_end
    }

    /// This conversation is before the person's eyes instead of the one that was.
    pub(super) fn turn_to(&mut self, place: &Place) {
        let before = self.shown.replace(PlaceKey::of(place)).filter(|before| *before != PlaceKey::of(place));
        before.and_then(|before| self.conversations.get_mut(&before)).into_iter().for_each(Conversation::go_unseen);
    }

    /// Whoever looks has read.
    pub(super) fn read_shown(&mut self) -> Vec<Effect> {
        let Some(shown) = self.shown.as_ref().filter(|_| self.is_looking()) else { return Vec::new() };
        let Some(conversation) = self.conversations.get_mut(shown) else { return Vec::new() };
        if !conversation.read() {
            return Vec::new();
        }
        let place = conversation.place().clone();
        let told = self.tell_read(&place);
        [Effect::Redraw(ScreenPart::Conversations)].into_iter().chain(told).collect()
    }

    pub(super) fn ask_older(&mut self, place: &Place) -> Option<Effect> {
        let ticket = self.numbers.ticket();
        let stretch = self.conversation_mut(place).ask_older(ticket)?;
        self.ask_for(place, ticket, stretch)
    }

    pub(super) fn ask_newer(&mut self, place: &Place) -> Option<Effect> {
        let ticket = self.numbers.ticket();
        let stretch = self.conversation_mut(place).ask_newer(ticket)?;
        self.ask_for(place, ticket, stretch)
    }

    pub(super) fn go_to_end(&mut self, place: &Place, effects: &mut Vec<Effect>) {
        self.sought = None;
        if self.conversation_mut(place).return_to_end() {
            effects.push(Effect::Redraw(ScreenPart::Lines(place.clone())));
            effects.extend(self.ask_older(place));
            effects.extend(self.read_shown());
        }
    }

    /// Shows a message where it was said; what stands around it is asked for where it is not held.
    pub(super) fn seek(&mut self, place: Place, seq: Seq, effects: &mut Vec<Effect>) {
        let ticket = self.numbers.ticket();
        let stretch = self.conversation_mut(&place).seek(ticket, seq);
        self.turn_to(&place);
        self.sought = Some((PlaceKey::of(&place), seq));
        effects.extend(stretch.and_then(|stretch| self.ask_for(&place, ticket, stretch)));
        effects.push(Effect::Redraw(ScreenPart::Lines(place)));
        effects.push(Effect::Redraw(ScreenPart::Conversations));
    }

    /// The shown conversation has something to show, as soon as there is somebody to ask.
    pub(super) fn fill_shown(&mut self) -> Option<Effect> {
        let place = self.shown().filter(|shown| shown.is_bare() && (shown.id().is_some() || self.connection.is_up()))?.place().clone();
        self.ask_older(&place)
    }

    /// What is remembered, in answer to [`Effect::LookUp`]; nothing where it is not.
    pub fn looked_up(&mut self, ticket: Ticket, messages: Vec<Message>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(asking) = self.asking(ticket) else { return effects };
        let (place, question) = (asking.place().clone(), asking.question(ticket));
        match question.filter(|_| messages.is_empty()) {
            Some(stretch) => effects.extend(self.ask_the_server(&place, ticket, stretch)),
            None => self.turn_page(ticket, messages, &mut effects),
        }
        effects
    }

    /// The server's answer.
    pub(super) fn hear_page(&mut self, ticket: Ticket, messages: Vec<Message>, effects: &mut Vec<Effect>) {
        if self.hear_beginning(ticket, &messages, effects) {
            return;
        }
        let Some(asking) = self.asking(ticket) else { return };
        if messages.first().is_some_and(|first| asking.id().is_some_and(|id| id != first.conversation)) {
            // Another room has the name by now; the list of conversations will say so.
            return asking.ask_failed(ticket);
        }
        if let (Some(id), Some(Stretch::Before(seq)), true) = (asking.id(), asking.question(ticket), messages.is_empty()) {
            self.news.push(MemoryChange::BeginsWith(id, seq));
        }
        self.news.extend(messages.iter().cloned().map(MemoryChange::Message));
        self.turn_page(ticket, messages, effects);
    }

    /// A question is asked by one conversation only.
    fn asking(&mut self, ticket: Ticket) -> Option<&mut Conversation> {
        self.conversations.values_mut().find(|conversation| conversation.asked(ticket))
    }

    fn turn_page(&mut self, ticket: Ticket, messages: Vec<Message>, effects: &mut Vec<Effect>) {
        let Some(asking) = self.asking(ticket) else { return };
        let goes_on = asking.page(ticket, messages);
        let place = asking.place().clone();
        effects.extend(if goes_on { self.ask_newer(&place) } else { None });
        effects.push(Effect::Redraw(ScreenPart::Lines(place)));
        effects.push(Effect::Redraw(ScreenPart::Conversations));
    }

    fn ask_for(&mut self, place: &Place, ticket: Ticket, stretch: Stretch) -> Option<Effect> {
        // Which are the newest only the server knows.
        let remembered = stretch != Stretch::Newest || !self.connection.is_up();
        match self.conversation(place).and_then(Conversation::id).filter(|_| remembered) {
            Some(conversation) => Some(Effect::LookUp(Lookup { ticket, conversation, stretch })),
            None => self.ask_the_server(place, ticket, stretch),
        }
    }

    fn ask_the_server(&mut self, place: &Place, ticket: Ticket, stretch: Stretch) -> Option<Effect> {
        let place = place.clone();
        if !self.connection.is_up() {
            // Somebody who scrolls is told at once where it ends, not when the server is back.
            self.conversation_mut(&place).end_here(ticket);
            return Some(Effect::Redraw(ScreenPart::Lines(place)));
        }
        let limit = PAGE_MESSAGES;
        let request = match stretch {
            Stretch::Newest => Request::FetchBefore { place, before: None, limit },
            Stretch::Before(seq) => Request::FetchBefore { place, before: Some(seq), limit },
            Stretch::After(after) => Request::FetchAfter { conversation: self.conversation(&place)?.id()?, after, limit },
        };
        Some(Effect::ask(ticket, request))
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, Alteration, ConversationId, ConversationInfo, Role, Text};
    use belfry_core::client::{Command, Interruption, Mark, Update};
    use belfry_core::time::{Instant, Now, UnixMillis};
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::model::tests::{conversation, paged};
    use crate::model::{ConversationMemory, ConversationStanding, Intent, Memory};

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(0) };
    const ID: ConversationId = ConversationId(1);

    fn message(seq: u64) -> Message {
        Message::new(ID, Seq(seq), AccountName::new("anna").unwrap(), Text::new(format!("m{seq}")).unwrap(), UnixMillis(seq))
    }

    fn page(seqs: std::ops::RangeInclusive<u64>) -> Vec<Message> {
        seqs.map(message).collect()
    }

    fn me() -> AccountName {
        AccountName::new("me").unwrap()
    }

    /// A model of a second start without a server: messages 401 to 500 of the lobby are recalled and shown.
    fn recalled() -> Model {
        recalled_with(page(401..=500), Some(Seq(500)))
    }

    fn recalled_with(messages: Vec<Message>, delivered: Option<Seq>) -> Model {
        let standing = ConversationStanding { id: ID, place: Place::lobby(), read: Seq(500), unread: 0, delivered, alteration: 3 };
        let conversations = vec![ConversationMemory { standing, messages }];
        let mut model = Model::new("lan-host");
        model.recall(Memory {
            account: me(),
            role: Role::Member,
            timeline: None,
            conversations,
            people: vec![],
            notices: vec![],
            witness: crate::model::Witness::default(),
        });
        model.act(NOW, Intent::Open(Place::lobby()));
        model
    }

    fn sign_in(model: &mut Model) -> Vec<Effect> {
        model.apply(NOW, Update::SignedIn { account: me(), role: Role::Member })
    }

    fn shown(model: &Model) -> Vec<u64> {
        model.lines(&Place::lobby()).filter_map(|line| line.seq).map(|seq| seq.0).collect()
    }

    fn lookup(effects: &[Effect]) -> (Ticket, Stretch) {
        let looks = effects.iter().filter_map(|effect| if let Effect::LookUp(lookup) = effect { Some(*lookup) } else { None });
        let [Lookup { ticket: ask, conversation: ID, stretch }] = looks.collect::<Vec<_>>()[..] else { panic!("{effects:?}") };
        (ask, stretch)
    }

    fn read_back(model: &mut Model) -> (Ticket, Stretch) {
        lookup(&model.act(NOW, Intent::ReadBack(Place::lobby())))
    }

    #[test]
    fn reading_back_without_a_server_goes_on_through_what_is_remembered_and_says_where_that_ends() {
        let mut model = recalled();
        for (first, last) in [(301, 400), (201, 300)] {
            let (ask, stretch) = read_back(&mut model);
            assert_eq!(stretch, Stretch::Before(Seq(last + 1)));
            model.looked_up(ask, page(first..=last));
        }
        assert_eq!(shown(&model), (201..=500).collect::<Vec<_>>());
        let (ask, _) = read_back(&mut model);
        let effects = model.looked_up(ask, vec![]);
        assert_eq!(effects, [Effect::Redraw(ScreenPart::Lines(Place::lobby()))], "nobody is asked who is not there");
        let lobby = model.conversation(&Place::lobby()).unwrap();
        assert!(lobby.ends_here() && !lobby.has_older());
        assert_eq!(model.act(NOW, Intent::ReadBack(Place::lobby())), []);
        sign_in(&mut model);
        assert!(model.conversation(&Place::lobby()).unwrap().has_older(), "further back the server is asked");
        let (ask, _) = read_back(&mut model);
        let effects = model.looked_up(ask, vec![]);
        assert_eq!(
            effects,
            [Effect::Tell(Command::Ask {
                ticket: ask,
                request: Request::FetchBefore { place: Place::lobby(), before: Some(Seq(201)), limit: PAGE_MESSAGES }
            })]
        );
    }

    #[test]
    fn what_the_server_gave_is_remembered_and_what_was_remembered_is_not_again() {
        let mut model = recalled();
        sign_in(&mut model);
        model.take_news();
        let (ask, _) = read_back(&mut model);
        model.looked_up(ask, page(301..=400));
        assert_eq!(model.take_news(), []);
        let (ask, _) = read_back(&mut model);
        model.looked_up(ask, vec![]);
        model.apply(NOW, paged(ask, page(299..=300)));
        assert_eq!(model.take_news(), [MemoryChange::Message(message(299)), MemoryChange::Message(message(300))]);
        let (ask, _) = read_back(&mut model);
        model.looked_up(ask, vec![]);
        model.apply(NOW, paged(ask, vec![]));
        assert_eq!(model.take_news(), [MemoryChange::BeginsWith(ID, Seq(299))], "the server has nothing older, so nothing older stays");
    }

    #[test]
    fn a_page_of_another_room_that_has_the_name_by_now_is_not_mixed_in() {
        let mut model = recalled();
        sign_in(&mut model);
        let (ask, _) = read_back(&mut model);
        model.looked_up(ask, vec![]);
        model.take_news();
        let other = Message { conversation: ConversationId(9), ..message(400) };
        model.apply(NOW, paged(ask, vec![other]));
        assert_eq!((shown(&model).len(), model.take_news()), (100, vec![]));
    }

    #[test]
    fn an_alteration_that_overtakes_a_page_is_not_lost() {
        let edited = Message { altered: Some(Alteration::edited(4, UnixMillis(9))), text: Text::new("better").unwrap(), ..message(350) };
        for from_the_server in [false, true] {
            let mut model = recalled();
            sign_in(&mut model);
            let (ask, _) = read_back(&mut model);
            if from_the_server {
                model.looked_up(ask, vec![]);
            }
            model.apply(NOW, Update::Altered { place: Place::lobby(), message: edited.clone() });
            if from_the_server {
                model.apply(NOW, paged(ask, page(301..=400)));
            } else {
                model.looked_up(ask, page(301..=400));
            }
            let line = model.lines(&Place::lobby()).find(|line| line.seq == Some(Seq(350))).map(|line| line.text.to_string());
            assert_eq!(line.as_deref(), Some("better"));
            assert!(model.take_news().contains(&MemoryChange::Altered(edited.clone())));
            assert_eq!(model.known().marks, BTreeMap::from([(ID, Mark { seq: Seq(500), alteration: 4 })]));
        }
    }

    #[test]
    fn a_found_message_and_the_end_are_there_without_a_server() {
        let mut model = recalled();
        let effects = model.act(NOW, Intent::Seek { place: Place::lobby(), seq: Seq(100) });
        let (ask, stretch) = lookup(&effects);
        assert_eq!(stretch, Stretch::Before(Seq(101)));
        let (ask, stretch) = lookup(&model.looked_up(ask, page(1..=100)));
        assert_eq!(stretch, Stretch::After(Seq(100)));
        model.looked_up(ask, page(101..=200));
        assert_eq!((shown(&model), model.conversation(&Place::lobby()).unwrap().is_at_end()), ((1..=200).collect(), false));
        let (ask, stretch) = lookup(&model.act(NOW, Intent::ToEnd(Place::lobby())));
        assert_eq!(stretch, Stretch::Before(Seq(501)));
        model.looked_up(ask, page(401..=500));
        assert_eq!(shown(&model), (401..=500).collect::<Vec<_>>());
        assert!(model.conversation(&Place::lobby()).unwrap().is_at_end());
    }

    #[test]
    fn an_island_in_the_middle_is_not_taken_for_the_end() {
        // The person has looked at something far back once; the newest messages were never on this computer.
        let mut model = recalled_with(page(101..=200), Some(Seq(500)));
        assert_eq!(shown(&model), [0; 0]);
        let effects = sign_in(&mut model);
        let ask = effects.iter().find_map(|effect| match effect {
            Effect::Tell(Command::Ask { ticket: ask, request: Request::FetchBefore { before: None, .. } }) => Some(*ask),
            _ => None,
        });
        assert_eq!(ask, None, "it was looked up when it was opened");
        model.act(NOW, Intent::ReadBack(Place::lobby()));
        let mut offline = recalled_with(page(101..=200), Some(Seq(500)));
        let ask = offline.conversations.values().find_map(|lobby| (1..9).map(Ticket).find(|ask| lobby.asked(*ask)));
        offline.looked_up(ask.unwrap(), page(101..=200));
        assert!(!offline.conversation(&Place::lobby()).unwrap().is_at_end(), "better than nothing, and there is more");
        assert_eq!(shown(&offline).last(), Some(&200));
    }

    #[test]
    fn what_was_only_listed_is_not_delivered_from_its_beginning_at_the_next_start() {
        let mut model = Model::new("lan-host");
        assert!(model.known().marks.is_empty());
        sign_in(&mut model);
        let place = "@anna".parse().unwrap();
        model.apply(NOW, Update::Conversation(ConversationInfo { read: Seq(5000), alterations: 7, ..conversation(ID.0, place, 5000) }));
        assert_eq!(model.known().marks, BTreeMap::from([(ID, Mark { seq: Seq(5000), alteration: 7 })]));
        let standings = model.take_news();
        assert!(
            standings
                .iter()
                .any(|keep| matches!(keep, MemoryChange::Standing(ConversationStanding { delivered: Some(Seq(5000)), alteration: 7, .. })))
        );
        assert!(!model.take_news().iter().any(|keep| matches!(keep, MemoryChange::Standing(_))), "said once");
    }

    #[test]
    fn what_the_server_keeps_no_longer_goes_from_here_too() {
        let mut model = recalled();
        sign_in(&mut model);
        model.apply(
            NOW,
            Update::Conversation(ConversationInfo { read: Seq(500), alterations: 3, ..conversation(ID.0, Place::lobby(), 500) }),
        );
        assert_eq!(firsts(&model.apply(NOW, Update::CaughtUp)), [], "other things come first");
        let later = Now { instant: NOW.instant + Duration::from_secs(61), ..NOW };
        let [ask] = firsts(&model.apply(later, Update::Presence(vec![])))[..] else { panic!("one conversation is remembered") };
        assert_eq!(firsts(&model.apply(later, Update::Presence(vec![]))), [], "once");
        model.take_news();
        model.apply(later, paged(ask, page(450..=450)));
        assert_eq!(model.take_news(), [MemoryChange::BeginsWith(ID, Seq(450))]);
        assert_eq!(shown(&model), (450..=500).collect::<Vec<_>>());
        assert!(!model.conversation(&Place::lobby()).unwrap().has_older());
        let next_day = Now { instant: later.instant + Duration::from_secs(24 * 60 * 60), ..NOW };
        let [ask] = firsts(&model.apply(next_day, Update::Presence(vec![])))[..] else { panic!("and again") };
        model.apply(next_day, paged(ask, vec![]));
        assert_eq!((shown(&model), model.take_news()), (vec![], vec![MemoryChange::BeginsWith(ID, Seq(u64::MAX))]));
    }

    fn firsts(effects: &[Effect]) -> Vec<Ticket> {
        let asked = |effect: &Effect| match effect {
            Effect::Tell(Command::Ask { ticket, request: Request::FetchAfter { conversation: ID, after: Seq(0), limit: 1 } }) => {
                Some(*ticket)
            }
            _ => None,
        };
        effects.iter().filter_map(asked).collect()
    }

    #[test]
    fn of_a_conversation_that_nobody_sees_only_the_newest_are_held_and_the_others_are_looked_up() {
        let mut model = recalled();
        for (first, last) in [(301, 400), (201, 300), (101, 200)] {
            let (ask, _) = read_back(&mut model);
            model.looked_up(ask, page(first..=last));
        }
        assert_eq!(shown(&model).len(), 400, "all that somebody reads");
        model.act(NOW, Intent::Open("@anna".parse().unwrap()));
        assert_eq!(shown(&model), (301..=500).collect::<Vec<_>>());
        for seq in 501..=900 {
            model.apply(NOW, Update::Message { place: Place::lobby(), message: message(seq) });
        }
        assert_eq!(shown(&model), (701..=900).collect::<Vec<_>>());
        model.act(NOW, Intent::Open(Place::lobby()));
        assert_eq!(read_back(&mut model).1, Stretch::Before(Seq(701)));
    }

    #[test]
    fn a_lost_connection_lets_what_is_remembered_be_read_as_before() {
        let mut model = recalled();
        sign_in(&mut model);
        model.apply(NOW, Update::Disconnected { why: Interruption::Silent, retry_in: Duration::ZERO });
        let (ask, _) = read_back(&mut model);
        model.looked_up(ask, page(301..=400));
        assert_eq!(shown(&model).len(), 200);
    }
}
