//! The model remembers: what it says is worth keeping, and what it makes of it when the program starts again.

use std::collections::BTreeMap;

use belfry_core::chat::{Person, Presence, Timeline};
use belfry_core::client::Knowledge;
use belfry_core::time::UnixMillis;

use super::conversation::Conversation;
use super::memory::{Memory, MemoryChange};
use super::{Model, PlaceKey, Witness};

impl Model {
    /// What is to be remembered since this was last asked, in its order.
    pub fn take_news(&mut self) -> Vec<MemoryChange> {
        let mut news = std::mem::take(&mut self.news);
        // Behind the messages: what is said of a conversation is true only once they are there.
        news.extend(self.conversations.values_mut().filter_map(Conversation::unremembered).map(MemoryChange::Standing));
        news.extend(self.people.take_news());
        news.extend(self.notices.take_news().map(MemoryChange::Notices));
        news
    }

    /// What could not be remembered now is to be taken again.
    pub fn put_back(&mut self, mut news: Vec<MemoryChange>) {
        news.append(&mut self.news);
        self.news = news;
    }

    /// How much was said, altered or taken back since, which is to be remembered soon; the rest can wait.
    pub const fn news(&self) -> usize {
        self.news.len()
    }

    /// Remembers: the window shows what it showed when the program ended. Who is here is not known until the server says.
    pub fn recall(&mut self, memory: Memory) {
        self.me = Some((memory.account, memory.role));
        self.timeline = memory.timeline;
        for remembered in memory.conversations {
            let conversation = Conversation::recalled(remembered);
            self.conversations.insert(PlaceKey::of(conversation.place()), conversation);
        }
        let absent = memory.people.into_iter().map(|person| Person { presence: Presence::Offline, ..person });
        self.people.recall(absent.collect());
        self.notices.recall(memory.notices);
    }

    /// When notices could be seen on this computer.
    pub const fn witness(&self) -> &Witness {
        &self.witness
    }

    /// What is to be remembered of it, where it has changed since this was last asked or that is long ago.
    pub fn take_witness(&mut self, now: UnixMillis) -> Option<MemoryChange> {
        self.witness.is_due(now).then(|| self.last_witness(now))
    }

    /// The same at the end of the program, whether or not anything has changed.
    pub fn last_witness(&mut self, now: UnixMillis) -> MemoryChange {
        MemoryChange::Witness(self.witness.written(now))
    }

    /// What was remembered of it. The program has begun anew.
    pub fn recall_witness(&mut self, remembered: Witness, now: UnixMillis) {
        self.witness.recall(remembered, now);
    }

    /// In which timeline the server's database was when it was last heard.
    pub const fn timeline(&self) -> Option<Timeline> {
        self.timeline
    }

    /// Up to where each conversation was heard: what was said and altered after it is news. When there is none, everything that is said
    /// from now on is.
    pub fn known(&mut self) -> Knowledge {
        let marks: BTreeMap<_, _> = self.conversations.values().filter_map(Conversation::mark).collect();
        self.afresh = marks.is_empty();
        Knowledge { timeline: self.timeline, marks }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{
        AccountName, ConversationId, Message, Notice, NoticeId, NoticeState, PersonProfile, Place, Receipt, Refusal, Request, Role, Seq,
        Severity, Text, Timeline,
    };
    use belfry_core::client::{Command, Mark, Ticket, Update};
    use belfry_core::time::{Instant, Now, UnixMillis};

    use super::super::notices::tests::notice;
    use super::*;
    use crate::model::tests::lists_people;
    use crate::model::{ConversationMemory, Unsent};
    use crate::model::{Effect, Intent};

    const RECALLED: usize = 500;

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(1000) };

    fn message(seq: u64) -> Message {
        Message::new(ConversationId(1), Seq(seq), AccountName::new("anna").unwrap(), Text::new(format!("m{seq}")).unwrap(), UnixMillis(seq))
    }

    fn used() -> Model {
        let mut model = Model::new("lan-host");
        model.apply(NOW, Update::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        model.apply(NOW, Update::CaughtUp);
        for seq in 1..=600 {
            model.apply(NOW, Update::Message { place: Place::lobby(), message: message(seq) });
        }
        model.apply(NOW, Update::Notice(notice(1, Severity::Critical)));
        model.apply(NOW, Update::Notice(notice(2, Severity::Important)));
        model.act(NOW, Intent::Answer { notice: NoticeId(2), answer: 1 });
        model
    }

    /// What a memory makes of what it was told.
    fn again(model: &mut Model) -> Model {
        let mut memory = Memory {
            account: AccountName::new("me").unwrap(),
            role: Role::Member,
            timeline: None,
            conversations: vec![],
            people: vec![],
            notices: vec![],
            witness: crate::model::Witness::default(),
        };
        let mut messages = vec![];
        for keep in model.take_news() {
            match keep {
                MemoryChange::Timeline(timeline) => memory.timeline = Some(timeline),
                MemoryChange::Message(message) => messages.push(message),
                MemoryChange::Standing(standing) => {
                    let of = |message: &&Message| message.conversation == standing.id;
                    let held: Vec<_> = messages.iter().filter(of).cloned().collect();
                    let messages = held[held.len().saturating_sub(RECALLED)..].to_vec();
                    memory.conversations.push(ConversationMemory { standing, messages });
                }
                MemoryChange::People(people) => memory.people = people,
                MemoryChange::Notices(notices) => memory.notices = notices,
                _ => {}
            }
        }
        let mut fresh = Model::new("lan-host");
        fresh.recall(memory);
        fresh
    }

    #[test]
    fn the_window_is_as_full_as_it_was() {
        let model = again(&mut used());
        assert_eq!(model.me().unwrap().as_str(), "me");
        let lobby = model.conversation(&Place::lobby()).unwrap();
        assert_eq!((lobby.unread(), lobby.last().unwrap().seq), (600, Seq(600)));
        assert_eq!(model.lines(&Place::lobby()).count(), RECALLED);
        assert!(lobby.has_older(), "further back the server is asked");
        assert_eq!(model.notices().open().len(), 1);
        assert_eq!(model.notices().past()[0].answer_label(), Some("Need help"));
        assert!(!model.connection().is_up());
    }

    #[test]
    fn only_what_was_said_since_is_asked_for() {
        assert_eq!(again(&mut used()).known().marks, BTreeMap::from([(ConversationId(1), Mark::from(Seq(600)))]));
    }

    #[test]
    fn of_what_was_remembered_nothing_is_shown_for_something_else_after_a_backup_was_put_back() {
        let mut before = used();
        before.apply(NOW, Update::Timeline(Timeline::FIRST));
        let text = Text::new("not sent yet").unwrap();
        before.act(NOW, Intent::Say { to: Place::lobby(), text, reply_to: None });
        let mut model = again(&mut before);
        assert_eq!(model.known().timeline, Some(Timeline::FIRST));
        let (to, text) = (Place::lobby(), Text::new("not sent yet").unwrap());
        model.recall_own(Unsent { ticket: Ticket(700), to, room: None, text, reply_to: Some(Seq(3)), at: UnixMillis(9), file: None });
        model.take_news();
        let effects = model.apply(NOW, Update::Timeline(Timeline(77)));
        assert!(effects.contains(&Effect::EndPopUp(NoticeId(1))), "{effects:?}");
        let shown: Vec<_> = model.lines(&Place::lobby()).map(|line| line.text.to_string()).collect();
        assert_eq!(shown, ["not sent yet"]);
        let new = Message { text: Text::new("another").unwrap(), ..message(600) };
        model.apply(NOW, Update::Message { place: Place::lobby(), message: new.clone() });
        let effects = model.apply(NOW, Update::Notice(Notice { sent_at: UnixMillis(99), ..notice(2, Severity::Important) }));
        assert!(effects.contains(&Effect::PopUpNotice(NoticeId(2))), "the answer was to another one: {effects:?}");
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Tell(Command::Receipt { receipt: Receipt::Answered(_), .. }))));
        let news = model.take_news();
        assert_eq!(news[..2], [MemoryChange::Timeline(Timeline(77)), MemoryChange::Message(new)]);
        assert_eq!(
            model.known(),
            Knowledge { timeline: Some(Timeline(77)), marks: BTreeMap::from([(ConversationId(1), Mark::from(Seq(600)))]) }
        );
        assert_eq!(model.notices().past().len(), 0);
    }

    #[test]
    fn the_same_life_of_the_server_leaves_everything_as_it_is() {
        let mut model = used();
        for _ in 0..2 {
            model.apply(NOW, Update::Timeline(Timeline::FIRST));
            assert_eq!((model.lines(&Place::lobby()).count(), model.notices().open().len()), (200, 1));
        }
    }

    #[test]
    fn what_comes_again_is_shown_once() {
        let mut model = again(&mut used());
        model.apply(NOW, Update::Message { place: Place::lobby(), message: message(600) });
        model.apply(NOW, Update::Message { place: Place::lobby(), message: message(601) });
        assert_eq!(model.conversation(&Place::lobby()).unwrap().last().unwrap().seq, Seq(601));
        assert_eq!(model.lines(&Place::lobby()).filter(|line| line.seq == Some(Seq(600))).count(), 1);
    }

    #[test]
    fn a_notice_that_still_waits_rises_again_at_the_next_start() {
        let mut model = again(&mut used());
        let effects = model.act(NOW, Intent::DoNotDisturb(false));
        assert!(effects.contains(&Effect::PopUpNotice(NoticeId(1))), "{effects:?}");
    }

    /// What the server is told when it has listed everything.
    fn told(effects: &[Effect]) -> Vec<Command> {
        let told = effects.iter().filter_map(|effect| if let Effect::Tell(down) = effect { Some(down.clone()) } else { None });
        told.filter(|down| !matches!(down, Command::Ask { request: Request::ListRooms { .. }, .. })).collect()
    }

    #[test]
    fn the_server_is_asked_what_became_of_a_notice_that_it_does_not_speak_of() {
        let mut model = again(&mut used());
        let asked = told(&model.apply(NOW, Update::CaughtUp));
        let [Command::Ask { ticket: ask, request: Request::FetchNotice { notice: NoticeId(1) } }] = asked[..] else { panic!("{asked:?}") };
        let effects = model.apply(NOW, Update::Refused { ticket: ask, refusal: Refusal::UnknownNotice });
        assert!(effects.contains(&Effect::EndPopUp(NoticeId(1))));
        assert_eq!(model.notices().open().len(), 0);
        let mut model = again(&mut used());
        model.apply(NOW, Update::Notice(notice(1, Severity::Critical)));
        assert_eq!(told(&model.apply(NOW, Update::CaughtUp)), [], "it has spoken");
    }

    #[test]
    fn an_answer_that_never_reached_the_server_is_said_again() {
        let mut model = again(&mut used());
        let answer = Command::Receipt { notice: NoticeId(2), receipt: Receipt::Answered(1) };
        assert_eq!(told(&model.apply(NOW, Update::Notice(notice(2, Severity::Important)))), [answer]);
        assert_eq!(told(&model.apply(NOW, Update::Notice(notice(2, Severity::Important)))), []);
        let over = Notice { state: NoticeState::Withdrawn, ..notice(2, Severity::Important) };
        assert_eq!(told(&again(&mut used()).apply(NOW, Update::Notice(over))), []);
    }

    #[test]
    fn nobody_is_taken_for_here_before_the_server_says_so() {
        let mut model = used();
        let anna = Person {
            account: AccountName::new("anna").unwrap(),
            presence: Presence::Online,
            last_seen: None,
            profile: PersonProfile::default(),
        };
        model.apply(NOW, Update::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        lists_people(&mut model, vec![anna]);
        let again = again(&mut model);
        assert_eq!((model.people().here(), again.people().here()), (1, 0));
        assert!(again.people().find(&AccountName::new("anna").unwrap()).is_some());
    }
}
