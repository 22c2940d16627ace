//! What outlives the program: enough to fill the window at once, also while the server is away, and to go on where it stopped.
//!
//! The server has everything that is remembered here; a memory that cannot be read is no loss but of time. What has not reached the
//! server yet is kept elsewhere, with more care (`crate::outbox`).

use std::collections::BTreeMap;

use belfry_core::chat::{AccountName, ConversationId, Message, Notice, Person, Place, Presence, Role, Seq};
use serde::{Deserialize, Serialize};

use super::conversation::Conversation;
use super::{Model, key};

/// Messages of one conversation that are remembered: several screens full; further back the server is asked.
const MESSAGES_MAX: usize = 500;

/// Everything that is remembered of one account on one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    account: AccountName,
    role: Role,
    conversations: Vec<ConversationMemory>,
    people: Vec<Person>,
    notices: Vec<NoticeMemory>,
}

/// What is remembered of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ConversationMemory {
    pub(super) place: Place,
    pub(super) messages: Vec<Message>,
    pub(super) read: Seq,
    pub(super) unread: u64,
}

/// What is remembered of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NoticeMemory {
    pub(super) notice: Notice,
    pub(super) answer: Option<u8>,
    pub(super) visible: bool,
    pub(super) dismissed: bool,
}

impl Memory {
    /// Whose it is.
    pub const fn account(&self) -> &AccountName {
        &self.account
    }
}

impl Model {
    /// What is to be remembered; `None` before anybody was signed in.
    pub fn memory(&self) -> Option<Memory> {
        let (account, role) = self.me.clone()?;
        Some(Memory {
            account,
            role,
            conversations: self.conversations.values().filter_map(|conversation| conversation.memory(MESSAGES_MAX)).collect(),
            people: self.people.sorted().into_iter().cloned().collect(),
            notices: self.notices.memory(),
        })
    }

    /// Remembers: the window shows what it showed when the program ended. Who is here is not known until the server says.
    pub fn recall(&mut self, memory: Memory) {
        self.me = Some((memory.account, memory.role));
        for remembered in memory.conversations {
            let conversation = Conversation::recalled(remembered);
            self.conversations.insert(key(conversation.place()), conversation);
        }
        let absent = memory.people.into_iter().map(|person| Person { presence: Presence::Offline, ..person });
        self.people.recall(absent.collect());
        self.notices.recall(memory.notices);
    }

    /// The newest message that is held of each conversation: what was said after it is news.
    pub fn positions(&self) -> BTreeMap<ConversationId, Seq> {
        let newest = self.conversations.values().filter_map(Conversation::last);
        newest.map(|last| (last.conversation, last.seq)).collect()
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{NoticeId, NoticeState, Refusal, Severity, Text};
    use belfry_core::time::{Instant, Now, UnixMillis};

    use super::super::notices::tests::notice;
    use super::*;
    use crate::link::{Down, Up};
    use crate::model::{Effect, Intent};

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(1000) };

    fn message(seq: u64) -> Message {
        Message {
            conversation: ConversationId(1),
            seq: Seq(seq),
            from: AccountName::new("anna").unwrap(),
            text: Text::new(format!("m{seq}")).unwrap(),
            sent_at: UnixMillis(seq),
            altered: None,
        }
    }

    fn used() -> Model {
        let mut model = Model::new("lan-host");
        model.apply(NOW, Up::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        model.apply(NOW, Up::CaughtUp);
        for seq in 1..=600 {
            model.apply(NOW, Up::Message { place: Place::lobby(), message: message(seq) });
        }
        model.apply(NOW, Up::Notice(notice(1, Severity::Critical)));
        model.apply(NOW, Up::Notice(notice(2, Severity::Important)));
        model.act(NOW, Intent::Answer { notice: NoticeId(2), answer: 1 });
        model
    }

    fn again(model: &Model) -> Model {
        let mut fresh = Model::new("lan-host");
        fresh.recall(model.memory().unwrap());
        fresh
    }

    #[test]
    fn the_window_is_as_full_as_it_was() {
        let model = again(&used());
        assert_eq!(model.me().unwrap().as_str(), "me");
        let lobby = model.conversation(&Place::lobby()).unwrap();
        assert_eq!((lobby.unread(), lobby.last().unwrap().seq), (600, Seq(600)));
        assert_eq!(model.lines(&Place::lobby()).count(), MESSAGES_MAX);
        assert!(lobby.has_older(), "further back the server is asked");
        assert_eq!(model.notices().open().len(), 1);
        assert_eq!(model.notices().past()[0].answer_label(), Some("Need help"));
        assert!(!model.connection().is_up());
    }

    #[test]
    fn only_what_was_said_since_is_asked_for() {
        assert_eq!(again(&used()).positions(), BTreeMap::from([(ConversationId(1), Seq(600))]));
    }

    #[test]
    fn what_comes_again_is_shown_once() {
        let mut model = again(&used());
        model.apply(NOW, Up::Message { place: Place::lobby(), message: message(600) });
        model.apply(NOW, Up::Message { place: Place::lobby(), message: message(601) });
        assert_eq!(model.conversation(&Place::lobby()).unwrap().last().unwrap().seq, Seq(601));
        assert_eq!(model.lines(&Place::lobby()).filter(|line| line.seq == Some(Seq(600))).count(), 1);
    }

    #[test]
    fn a_notice_that_still_waits_rises_again_at_the_next_start() {
        let mut model = again(&used());
        let effects = model.act(NOW, Intent::DoNotDisturb(false));
        assert!(effects.contains(&Effect::PopUpNotice(NoticeId(1))), "{effects:?}");
    }

    /// What the server is told when it has listed everything.
    fn told(effects: &[Effect]) -> Vec<Down> {
        let told = effects.iter().filter_map(|effect| if let Effect::Tell(down) = effect { Some(down.clone()) } else { None });
        told.filter(|down| !matches!(down, Down::AskRooms { .. })).collect()
    }

    #[test]
    fn the_server_is_asked_what_became_of_a_notice_that_it_does_not_speak_of() {
        let mut model = again(&used());
        let asked = told(&model.apply(NOW, Up::CaughtUp));
        let [Down::AskNotice { ask, notice: NoticeId(1) }] = asked[..] else { panic!("{asked:?}") };
        let effects = model.apply(NOW, Up::AskFailed { ask, refusal: Some(Refusal::UnknownNotice) });
        assert!(effects.contains(&Effect::EndPopUp(NoticeId(1))));
        assert_eq!(model.notices().open().len(), 0);
        let mut model = again(&used());
        model.apply(NOW, Up::Notice(notice(1, Severity::Critical)));
        assert_eq!(told(&model.apply(NOW, Up::CaughtUp)), [], "it has spoken");
    }

    #[test]
    fn an_answer_that_never_reached_the_server_is_said_again() {
        let mut model = again(&used());
        let answer = Down::Answer { notice: NoticeId(2), answer: 1 };
        assert_eq!(told(&model.apply(NOW, Up::Notice(notice(2, Severity::Important)))), [answer]);
        assert_eq!(told(&model.apply(NOW, Up::Notice(notice(2, Severity::Important)))), []);
        let over = Notice { state: NoticeState::Withdrawn, ..notice(2, Severity::Important) };
        assert_eq!(told(&again(&used()).apply(NOW, Up::Notice(over))), []);
    }

    #[test]
    fn nobody_is_taken_for_here_before_the_server_says_so() {
        let mut model = used();
        let anna = Person { account: AccountName::new("anna").unwrap(), presence: Presence::Online, last_seen: None };
        let effects = model.apply(NOW, Up::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        let ask = effects.iter().find_map(|effect| match effect {
            Effect::Tell(Down::AskPeople { ask, .. }) => Some(*ask),
            _ => None,
        });
        model.apply(NOW, Up::People { ask: ask.unwrap(), people: vec![anna], more: false });
        assert_eq!((model.people().here(), again(&model).people().here()), (1, 0));
        assert!(again(&model).people().find(&AccountName::new("anna").unwrap()).is_some());
    }
}
