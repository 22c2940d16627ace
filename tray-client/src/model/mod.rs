//! What a window shows and what is to be done about it: conversations, people, notices, the connection.
//!
//! Pure: it is told what was heard ([`Model::apply`]) and what the person wants ([`Model::act`]), both with the time, and answers with
//! [`Effect`]s. It has no socket, clock, thread or pixel, so every story of the window can be told in a test.

mod connection;
mod conversation;
mod desk;
mod exchange;
mod listing;
mod memory;
mod notices;
mod numbers;
mod people;
mod places;
mod reading;
mod rooms;
mod tidying;
mod tray;

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountName, ConversationId, Message, Notice, NoticeId, Place, Refusal, Role, Seq, Severity, Text};
use belfry_core::time::{Instant, Now, UnixMillis};

pub use connection::Connection;
pub use conversation::{Conversation, Delivery, Line};
pub use desk::{Desk, Outcome, Watched};
pub use exchange::{Effect, Intent, Lookup, Part, Stretch};
pub use memory::{ConversationMemory, Keep, Memory, NoticeMemory, Standing};
pub use notices::{Entry, Notices};
pub use people::People;
pub use rooms::{Rooms, Search};
pub use tray::Summary;

use crate::link::{AskId, DeskNews, Down, OwnId, Up};
use notices::Arrival;
use numbers::Numbers;
use people::Next;
use tidying::Tidying;

/// A place however its name is spelled.
type Key = (bool, String);

fn key(place: &Place) -> Key {
    match place {
        Place::Room(room) => (false, room.key()),
        Place::Direct(account) => (true, account.key()),
    }
}

/// Everything a window shows.
#[derive(Clone, Debug)]
pub struct Model {
    server: String,
    me: Option<(AccountName, Role)>,
    connection: Connection,
    caught_up: bool,
    conversations: BTreeMap<Key, Conversation>,
    shown: Option<Key>,
    attended: bool,
    people: People,
    notices: Notices,
    desk: Desk,
    do_not_disturb: bool,
    rooms: Rooms,
    search: Option<Search>,
    /// The message that was found last, where the window shows it.
    sought: Option<(Key, Seq)>,
    /// Where the person wants to be as soon as they may.
    going: Option<Key>,
    /// What was asked of which only a failure is news.
    acts: BTreeSet<AskId>,
    /// Where own messages went that have no answer yet, or were refused.
    own: BTreeMap<OwnId, Key>,
    numbers: Numbers,
    /// Questions about notices that were open when the program ended.
    doubts: BTreeMap<AskId, NoticeId>,
    /// What is to be remembered, in its order.
    news: Vec<Keep>,
    /// This program has never heard of any conversation, and hears from now on.
    afresh: bool,
    /// What the server has named since the last signing in, and what had to make room for something else of the same name.
    named: BTreeSet<ConversationId>,
    displaced: BTreeSet<ConversationId>,
    tidying: Tidying,
}

impl Model {
    /// Nothing but the lobby. `server` is what people call the server.
    pub fn new(server: impl Into<String>) -> Self {
        let lobby = Place::lobby();
        Self {
            server: server.into(),
            me: None,
            connection: Connection::Connecting,
            caught_up: false,
            conversations: BTreeMap::from([(key(&lobby), Conversation::new(lobby))]),
            shown: None,
            attended: false,
            people: People::default(),
            notices: Notices::default(),
            desk: Desk::default(),
            do_not_disturb: false,
            rooms: Rooms::default(),
            search: None,
            sought: None,
            going: None,
            acts: BTreeSet::new(),
            own: BTreeMap::new(),
            numbers: Numbers::default(),
            doubts: BTreeMap::new(),
            news: Vec::new(),
            afresh: false,
            named: BTreeSet::new(),
            displaced: BTreeSet::new(),
            tidying: Tidying::default(),
        }
    }

    /// The same, whose own numbers begin with this one.
    #[must_use]
    pub fn numbered_from(self, first: u64) -> Self {
        Self { numbers: Numbers::from(first), ..self }
    }

    /// A message that an earlier run has written waits still.
    pub fn recall_own(&mut self, own: OwnId, to: &Place, text: Text, at: UnixMillis) {
        self.own.insert(own, key(to));
        self.conversation_mut(to).say(own, text, at);
    }

    /// Who is signed in, or was last.
    pub fn me(&self) -> Option<&AccountName> {
        self.me.as_ref().map(|(account, _)| account)
    }

    /// What they may do.
    pub fn role(&self) -> Option<Role> {
        self.me.as_ref().map(|&(_, role)| role)
    }

    /// Where the connection stands.
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The conversations: the lobby, then those with the newest message first.
    pub fn conversations(&self) -> Vec<&Conversation> {
        let lobby = key(&Place::lobby());
        let mut sorted: Vec<_> = self.conversations.iter().collect();
        sorted.sort_by_key(|&(key, conversation)| (*key != lobby, std::cmp::Reverse(conversation.last().map(|last| last.sent_at)), key));
        sorted.into_iter().map(|(_, conversation)| conversation).collect()
    }

    /// One conversation.
    pub fn conversation(&self, place: &Place) -> Option<&Conversation> {
        self.conversations.get(&key(place))
    }

    /// The one that the window shows.
    pub fn shown(&self) -> Option<&Conversation> {
        self.shown.as_ref().and_then(|key| self.conversations.get(key))
    }

    /// The lines of a conversation.
    pub fn lines<'a>(&'a self, place: &Place) -> impl Iterator<Item = Line<'a>> {
        self.conversation(place).into_iter().flat_map(|conversation| conversation.lines(self.me()))
    }

    /// Everybody.
    pub const fn people(&self) -> &People {
        &self.people
    }

    /// The notices.
    pub const fn notices(&self) -> &Notices {
        &self.notices
    }

    /// The administrator's desk.
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Rooms, also those one is not in, and who asks one to join them.
    pub const fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// What was searched for last.
    pub const fn search(&self) -> Option<&Search> {
        self.search.as_ref()
    }

    /// The message that the person wanted to see in the shown conversation.
    pub fn sought(&self) -> Option<Seq> {
        self.sought.as_ref().filter(|(place, _)| self.shown.as_ref() == Some(place)).map(|&(_, seq)| seq)
    }

    /// When somebody who is said to be writing in the shown conversation is not believed to be any more.
    pub fn typing_until(&self, now: Instant) -> Option<Instant> {
        self.shown()?.typing_until(now)
    }

    /// Messages of others that have not been read.
    pub fn unread(&self) -> u64 {
        self.conversations.values().map(Conversation::unread).sum()
    }

    /// Own messages that wait for the server.
    pub fn waiting(&self) -> usize {
        self.conversations.values().map(Conversation::waiting).sum()
    }

    /// Whether popups are held back.
    pub const fn do_not_disturb(&self) -> bool {
        self.do_not_disturb
    }

    /// What the icon says.
    pub fn summary(&self) -> Summary {
        self.facts().summary()
    }

    /// The same in words.
    pub fn tooltip(&self) -> String {
        self.facts().tooltip()
    }

    fn facts(&self) -> tray::Facts<'_> {
        tray::Facts {
            server: &self.server,
            connection: &self.connection,
            unread: self.unread(),
            notices: self.notices.open().len(),
            severity: self.notices.waiting(),
            do_not_disturb: self.do_not_disturb,
        }
    }

    /// Something was heard.
    pub fn apply(&mut self, now: Now, up: Up) -> Vec<Effect> {
        let mut effects = Vec::new();
        match up {
            // Which key to trust is decided before there is a model.
            Up::Identity { .. } => {}
            Up::SignedIn { account, role } => {
                self.news.push(Keep::Me(account.clone(), role));
                self.me = Some((account, role));
                self.connection = Connection::Connected;
                self.caught_up = false;
                self.named.clear();
                self.conversations.values_mut().for_each(Conversation::go_on);
                effects.extend(self.shown().map(|shown| Effect::Redraw(Part::Lines(shown.place().clone()))));
                effects.push(Effect::Redraw(Part::Connection));
                effects.push(self.ask_people());
                effects.extend(self.fill_shown());
                if role == Role::Admin {
                    effects.extend(self.desk.reopen(&mut self.numbers).into_iter().map(Effect::Tell));
                    effects.push(Effect::Redraw(Part::Desk));
                }
            }
            Up::CaughtUp => {
                self.caught_up = true;
                self.afresh = false;
                self.leave_unnamed(&mut effects);
                effects.extend(self.fill_shown());
                // Who was invited meanwhile finds it there.
                self.list_rooms(&mut effects);
                for notice in self.notices.doubtful() {
                    let ask = self.numbers.ask();
                    self.doubts.insert(ask, notice);
                    effects.push(Effect::Tell(Down::AskNotice { ask, notice }));
                }
            }
            Up::Message { place, message } => self.hear(place, message, &mut effects),
            Up::Notice(notice) => self.hear_notice(notice, &mut effects),
            Up::Presence(changes) => {
                self.people.change(changes);
                effects.push(Effect::Redraw(Part::People));
            }
            Up::People { ask, people, more } if self.rooms.asks_members(ask) => self.hear_members(ask, people, more, &mut effects),
            Up::People { ask, people, more } => match self.people.part(ask, people, more) {
                Next::After(name) => effects.push(Effect::Tell(Down::AskPeople { ask, after: Some(name) })),
                Next::Complete => effects.push(Effect::Redraw(Part::People)),
                Next::Stale => {}
            },
            Up::Page { ask, messages } => self.hear_page(ask, messages, &mut effects),
            Up::Desk { ask, news } => self.hear_at_the_desk(ask, news, &mut effects),
            // What was asked at a place is of no interest once it is done; the desk goes on.
            Up::Done(ask) if !self.act_done(ask, &mut effects) => self.hear_at_the_desk(ask, DeskNews::Done, &mut effects),
            Up::Progress { notice, progress } => {
                let (drawn, asks) = self.desk.progressed(notice, progress, &mut self.numbers);
                effects.extend(asks.into_iter().map(Effect::Tell));
                effects.extend(drawn.then_some(Effect::Redraw(Part::Desk)));
            }
            Up::AskFailed { ask, refusal } => {
                if let Some(notice) = self.doubts.remove(&ask)
                    && refusal == Some(Refusal::UnknownNotice)
                    && self.notices.forget(notice)
                {
                    effects.push(Effect::EndPopUp(notice));
                    effects.push(Effect::Redraw(Part::Notices));
                }
                if self.place_ask_failed(ask, refusal, &mut effects) || self.beginning_unknown(ask, &mut effects) {
                    return effects;
                }
                effects.extend(self.desk.failed(ask, refusal).then_some(Effect::Redraw(Part::Desk)));
                // Whoever scrolls asks again; the list of people is asked for at the next signing in.
                if !self.people.abandon(ask)
                    && let Some(conversation) = self.conversations.values_mut().find(|conversation| conversation.asked(ask))
                {
                    conversation.ask_failed(ask);
                    effects.push(Effect::Redraw(Part::Lines(conversation.place().clone())));
                }
            }
            Up::Stored { own, seq } => {
                let place = self.own.remove(&own);
                effects.extend(self.settle(place, |conversation| conversation.stored(own, seq)));
            }
            Up::PostRefused { own, refusal } => {
                let place = self.own.get(&own).cloned();
                effects.extend(self.settle(place, |conversation| conversation.refused(own, refusal)));
            }
            Up::Interrupted { why, retry_in } => {
                self.connection = self.connection.interrupted(now, why, retry_in);
                effects.push(Effect::Redraw(Part::Connection));
            }
            Up::Failed(failure) => {
                self.connection = Connection::Stopped(failure);
                effects.push(Effect::Redraw(Part::Connection));
            }
            Up::Closed => {
                self.connection = Connection::Closed;
                effects.push(Effect::Exit);
            }
            about_places => self.hear_of_places(now, about_places, &mut effects),
        }
        self.tidy(now, &mut effects);
        effects
    }

    /// The person wants something.
    pub fn act(&mut self, now: Now, intent: Intent) -> Vec<Effect> {
        let mut effects = Vec::new();
        match intent {
            Intent::Open(place) => {
                self.conversation_mut(&place);
                let before = self.shown.replace(key(&place)).filter(|before| *before != key(&place));
                before.and_then(|before| self.conversations.get_mut(&before)).into_iter().for_each(Conversation::go_unseen);
                self.sought = None;
                effects.push(Effect::Redraw(Part::Lines(place)));
                effects.extend(self.fill_shown());
                effects.extend(self.read_shown());
            }
            Intent::Attend(attended) => {
                self.attended = attended;
                effects.extend(self.read_shown());
            }
            Intent::Say { to, text } => effects.extend(self.say(now, to, text)),
            Intent::Retry(own) => {
                if let Some((place, text)) = self.take_failed(own) {
                    effects.extend(self.say(now, place, text));
                }
            }
            Intent::Discard(own) => {
                if let Some((place, _)) = self.take_failed(own) {
                    effects.push(Effect::Redraw(Part::Lines(place)));
                }
            }
            Intent::ReadBack(place) => effects.extend(self.ask_older(&place)),
            Intent::ReadOn(place) => effects.extend(self.ask_newer(&place)),
            Intent::ToEnd(place) => self.go_to_end(&place, &mut effects),
            Intent::Seek { place, seq } => self.seek(place, seq, &mut effects),
            Intent::Seen(id) => {
                if self.notices.seen(id) {
                    effects.push(Effect::Tell(Down::MarkVisible(id)));
                    effects.push(Effect::Redraw(Part::Notices));
                }
            }
            Intent::Locked(id) => {
                if self.notices.locked(id) {
                    effects.push(Effect::Tell(Down::MarkLocked(id)));
                }
            }
            Intent::Answer { notice, answer } => {
                if self.notices.answer(notice, answer) {
                    effects.push(Effect::Tell(Down::Answer { notice, answer }));
                    effects.push(Effect::EndPopUp(notice));
                    effects.push(Effect::Redraw(Part::Notices));
                }
            }
            Intent::Dismiss(id) => {
                if self.notices.dismiss(id) {
                    effects.push(Effect::EndPopUp(id));
                    effects.push(Effect::Redraw(Part::Notices));
                }
            }
            Intent::OpenDesk
            | Intent::Choose(_)
            | Intent::Aim(_)
            | Intent::SendNotice(_)
            | Intent::ConfirmNotice(_)
            | Intent::WatchNotice(_)
            | Intent::ChangeNotice { .. }
            | Intent::SaveTemplate(_)
            | Intent::RemoveTemplate(_)
            | Intent::Unschedule(_) => {
                effects.extend(self.at_the_desk(intent).into_iter().map(Effect::Tell));
                effects.push(Effect::Redraw(Part::Desk));
            }
            Intent::DoNotDisturb(held_back) => {
                self.do_not_disturb = held_back;
                effects.push(Effect::Redraw(Part::Connection));
                self.pop_up(&mut effects);
            }
            Intent::TryNow => effects.push(Effect::Tell(Down::Wake)),
            Intent::Quit => effects.push(Effect::Tell(Down::Quit)),
            about_places => self.act_on_places(about_places, &mut effects),
        }
        effects
    }

    fn conversation_mut(&mut self, place: &Place) -> &mut Conversation {
        self.conversations.entry(key(place)).or_insert_with(|| Conversation::new(place.clone()))
    }

    fn at_the_desk(&mut self, intent: Intent) -> Vec<Down> {
        let (desk, numbers) = (&mut self.desk, &mut self.numbers);
        match intent {
            Intent::OpenDesk => desk.open(numbers),
            Intent::Choose(audience) => desk.choose(&audience, numbers),
            Intent::Aim(audience) => desk.aim(audience, numbers),
            Intent::SendNotice(draft) => desk.send(draft, numbers),
            Intent::ConfirmNotice(yes) => desk.confirm(yes, numbers),
            Intent::WatchNotice(notice) => desk.watch(notice, numbers).into_iter().collect(),
            Intent::ChangeNotice { notice, change } => desk.change(notice, change, numbers),
            Intent::SaveTemplate(template) => desk.save_template(template, numbers),
            Intent::RemoveTemplate(name) => desk.remove_template(name, numbers),
            Intent::Unschedule(schedule) => desk.unschedule(schedule, numbers),
            _ => Vec::new(),
        }
    }

    fn hear_at_the_desk(&mut self, ask: AskId, news: DeskNews, effects: &mut Vec<Effect>) {
        let (drawn, asks) = self.desk.hear(ask, news, &mut self.numbers);
        effects.extend(asks.into_iter().map(Effect::Tell));
        effects.extend(drawn.then_some(Effect::Redraw(Part::Desk)));
    }

    fn hear(&mut self, place: Place, message: Message, effects: &mut Vec<Effect>) {
        self.news.push(Keep::Message(message.clone()));
        self.see_in(&place, &message.from, effects);
        let me = self.me().cloned();
        let shown = self.shown.as_ref() == Some(&key(&place));
        let looking = self.attended && shown;
        let conversation = self.conversation_mut(&place);
        let before = conversation.unread();
        conversation.arrive(message.clone(), me.as_ref(), looking);
        if !shown {
            conversation.go_unseen();
        }
        let news = conversation.unread() > before;
        if looking {
            effects.extend(self.tell_read(&place));
        }
        effects.push(Effect::Redraw(Part::Lines(place.clone())));
        effects.push(Effect::Redraw(Part::Conversations));
        // After an absence the count says enough; a popup a message would bury the screen.
        if news && self.caught_up && !self.do_not_disturb {
            effects.push(Effect::PopUpMessage { place, message });
        }
    }

    fn hear_notice(&mut self, notice: Notice, effects: &mut Vec<Effect>) {
        let (id, state) = (notice.id, notice.state);
        effects.extend(self.desk.heard_of(id, state).then_some(Effect::Redraw(Part::Desk)));
        if let Some(answer) = self.notices.unsaid(&notice) {
            effects.push(Effect::Tell(Down::Answer { notice: id, answer }));
        }
        match self.notices.arrive(notice) {
            Arrival::Known => return,
            Arrival::Open => self.pop_up(effects),
            Arrival::Over => effects.push(Effect::EndPopUp(id)),
        }
        effects.push(Effect::Redraw(Part::Notices));
    }

    /// Whatever may pop up and has not yet, also what was held back before.
    fn pop_up(&mut self, effects: &mut Vec<Effect>) {
        let held_back = self.do_not_disturb;
        let due = self.notices.pop_up(|severity| !held_back || severity == Severity::Critical);
        effects.extend(due.into_iter().map(Effect::PopUpNotice));
    }

    fn say(&mut self, now: Now, to: Place, text: Text) -> Vec<Effect> {
        let own = self.numbers.own();
        self.own.insert(own, key(&to));
        self.conversation_mut(&to).say(own, text.clone(), now.wall);
        let mut effects = vec![Effect::Tell(Down::Post { own, to: to.clone(), text }), Effect::Redraw(Part::Lines(to.clone()))];
        // Whoever writes after having read far back wants to see it.
        self.go_to_end(&to, &mut effects);
        effects
    }

    fn take_failed(&mut self, own: OwnId) -> Option<(Place, Text)> {
        let conversation = self.conversations.get_mut(self.own.get(&own)?)?;
        let text = conversation.take_failed(own)?;
        self.own.remove(&own);
        Some((conversation.place().clone(), text))
    }

    fn settle(&mut self, place: Option<Key>, settle: impl FnOnce(&mut Conversation)) -> Option<Effect> {
        let conversation = self.conversations.get_mut(&place?)?;
        settle(conversation);
        Some(Effect::Redraw(Part::Lines(conversation.place().clone())))
    }

    fn ask_people(&mut self) -> Effect {
        let ask = self.numbers.ask();
        self.people.begin(ask);
        Effect::Tell(Down::AskPeople { ask, after: None })
    }

    /// Whoever looks has read.
    fn read_shown(&mut self) -> Vec<Effect> {
        let Some(shown) = self.shown.as_ref().filter(|_| self.attended) else { return Vec::new() };
        let Some(conversation) = self.conversations.get_mut(shown) else { return Vec::new() };
        if !conversation.read() {
            return Vec::new();
        }
        let place = conversation.place().clone();
        let told = self.tell_read(&place);
        [Effect::Redraw(Part::Conversations)].into_iter().chain(told).collect()
    }
}

#[cfg(test)]
mod tests;
