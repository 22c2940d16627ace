//! What a window shows and what is to be done about it: conversations, people, notices, the connection.
//!
//! Pure: it is told what was heard ([`Model::apply`]) and what the person wants ([`Model::act`]), both with the time, and answers with
//! [`Effect`]s. It has no socket, clock, thread or pixel, so every story of the window can be told in a test.

mod account;
mod answers;
mod arranging;
mod connection;
mod conversation;
mod desk;
mod exchange;
mod files;
mod listing;
mod memory;
mod notices;
mod numbers;
mod people;
mod places;
mod reactions;
mod reading;
mod recall;
mod rooms;
mod saying;
mod tidying;
mod tray;
mod witness;

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{
    AccountName, ConversationId, ListVersions, Message, Notice, NoticeId, Place, PostId, Receipt, Request, Role, Seq, Severity, Timeline,
};
use belfry_core::client::{Command, Ticket, Update};
use belfry_core::time::{Instant, Now};

pub use account::{AccountOutcome, OwnAccount};
pub use connection::ConnectionState;
pub use conversation::{Conversation, Delivery, MessageLine, OwnFile};
pub use desk::{Desk, DeskOutcome, LedgerExport, LedgerWish, Watched};
pub use exchange::{AccountIntent, Effect, Intent, Lookup, ScreenPart, Stretch};
pub use memory::{ConversationMemory, ConversationStanding, Memory, MemoryChange, NoticeMemory};
pub use notices::{NoticeEntry, Notices};
pub use people::People;
pub use rooms::{RoomDirectory, Search};
pub use saying::Unsent;
pub use tray::Summary;
pub use witness::{Hindrance, Span, Witness};

use files::FileStates;
use notices::NoticeArrival;
use numbers::Numbers;
use reactions::ReactorList;
use tidying::RetentionCheck;

/// A place however its name is spelled; rooms go before people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PlaceKey {
    Room(String),
    Direct(String),
}

impl PlaceKey {
    fn of(place: &Place) -> Self {
        match place {
            Place::Room(room) => Self::Room(room.key()),
            Place::Direct(account) => Self::Direct(account.key()),
        }
    }
}

/// Everything a window shows.
#[derive(Clone, Debug)]
pub struct Model {
    server: String,
    me: Option<(AccountName, Role)>,
    /// What life of the server's database all numbers here are from.
    timeline: Option<Timeline>,
    connection: ConnectionState,
    caught_up: bool,
    conversations: BTreeMap<PlaceKey, Conversation>,
    shown: Option<PlaceKey>,
    attended: bool,
    /// The newest line of the shown conversation is in view.
    sees_end: bool,
    /// The window is on the screen.
    on_screen: bool,
    people: People,
    notices: Notices,
    witness: Witness,
    desk: Desk,
    do_not_disturb: bool,
    rooms: RoomDirectory,
    account: OwnAccount,
    search: Option<Search>,
    /// The message that was found last, where the window shows it.
    sought: Option<(PlaceKey, Seq)>,
    /// Who has reacted to the message that was asked about.
    reactors: Option<ReactorList>,
    /// Where the person wants to be as soon as they may.
    going: Option<PlaceKey>,
    /// What was asked of which only a failure is news.
    acts: BTreeSet<Ticket>,
    /// Where own messages went that have no answer yet, or were refused.
    own: BTreeMap<Ticket, PlaceKey>,
    files: FileStates,
    numbers: Numbers,
    /// Questions about notices that were open when the program ended.
    doubts: BTreeMap<Ticket, NoticeId>,
    /// What is to be remembered, in its order.
    news: Vec<MemoryChange>,
    /// This program has never heard of any conversation, and hears from now on.
    afresh: bool,
    /// What the server has named since the last signing in, and what had to make room for something else of the same name.
    named: BTreeSet<ConversationId>,
    displaced: BTreeSet<ConversationId>,
    tidying: RetentionCheck,
    /// How often what is listed had changed when it was read last, on this connection.
    lists: ListVersions,
}

impl Model {
    /// Nothing but the lobby. `server` is what people call the server.
    pub fn new(server: impl Into<String>) -> Self {
        let lobby = Place::lobby();
        Self {
            server: server.into(),
            me: None,
            timeline: None,
            connection: ConnectionState::Connecting,
            caught_up: false,
            conversations: BTreeMap::from([(PlaceKey::of(&lobby), Conversation::new(lobby))]),
            shown: None,
            attended: false,
            sees_end: true,
            on_screen: false,
            people: People::default(),
            notices: Notices::default(),
            witness: Witness::default(),
            desk: Desk::default(),
            do_not_disturb: false,
            rooms: RoomDirectory::default(),
            account: OwnAccount::default(),
            search: None,
            sought: None,
            reactors: None,
            going: None,
            acts: BTreeSet::new(),
            own: BTreeMap::new(),
            files: FileStates::default(),
            numbers: Numbers::default(),
            doubts: BTreeMap::new(),
            news: Vec::new(),
            afresh: false,
            named: BTreeSet::new(),
            displaced: BTreeSet::new(),
            tidying: RetentionCheck::default(),
            lists: ListVersions::default(),
        }
    }

    /// The same, whose own messages are numbered from this one on.
    #[must_use]
    pub fn numbered_from(self, first: PostId) -> Self {
        Self { numbers: Numbers::from(first), ..self }
    }

    /// The number of the room that is called so here.
    fn room_at(&self, place: &Place) -> Option<ConversationId> {
        let is_room = matches!(place, Place::Room(_));
        self.conversations.get(&PlaceKey::of(place)).filter(|_| is_room).and_then(Conversation::id)
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
    pub const fn connection(&self) -> &ConnectionState {
        &self.connection
    }

    /// The conversation at this place; `None` where nothing was ever said or opened.
    pub fn conversation(&self, place: &Place) -> Option<&Conversation> {
        self.conversations.get(&PlaceKey::of(place))
    }

    /// The one that the window shows.
    pub fn shown(&self) -> Option<&Conversation> {
        self.shown.as_ref().and_then(|key| self.conversations.get(key))
    }

    /// The lines of a conversation.
    pub fn lines<'a>(&'a self, place: &Place) -> impl Iterator<Item = MessageLine<'a>> {
        self.conversation(place).into_iter().flat_map(|conversation| conversation.lines(self.me()))
    }

    /// Everybody who has an account, and who of them is here.
    pub const fn people(&self) -> &People {
        &self.people
    }

    /// The notices that were heard of, open and past.
    pub const fn notices(&self) -> &Notices {
        &self.notices
    }

    /// The administrator's desk.
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Rooms, also those one is not in, and who asks one to join them.
    pub const fn rooms(&self) -> &RoomDirectory {
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

    /// Own messages that wait for the server.
    pub fn waiting(&self) -> usize {
        self.conversations.values().map(Conversation::waiting).sum()
    }

    /// Whether popups are held back.
    pub const fn do_not_disturb(&self) -> bool {
        self.do_not_disturb
    }

    /// Something was heard.
    pub fn apply(&mut self, now: Now, update: Update) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.witness.live(now.wall);
        let was_up = self.connection.is_up();
        match update {
            // Which key to trust is decided before there is a model.
            Update::ServerKey { .. } | Update::NewServerKey { .. } => {}
            Update::Timeline(timeline) => self.hear_timeline(timeline, &mut effects),
            Update::SignedIn { account, role } => self.hear_signed_in(account, role, &mut effects),
            Update::CaughtUp => self.hear_caught_up(&mut effects),
            Update::Message { place, message } => self.hear(place, message, &mut effects),
            Update::Conversation(info) => self.hear_conversation(info, &mut effects),
            Update::Left { place } => self.leave(&place, &mut effects),
            Update::Renamed { from, to } => self.rename(&from, to, &mut effects),
            Update::Altered { place, message } => self.hear_altered(place, message, &mut effects),
            Update::Read { place, read, unread } => {
                self.conversation_mut(&place).server_says(read, unread, None);
                effects.push(Effect::Redraw(ScreenPart::Lines(place)));
                effects.push(Effect::Redraw(ScreenPart::Conversations));
            }
            Update::Arranged { place, arrangement } => self.hear_arranged(&place, arrangement, &mut effects),
            Update::Invited { room, by } => {
                self.rooms.invited(room, by);
                effects.push(Effect::Redraw(ScreenPart::Rooms));
            }
            Update::Typing { place, account } => self.hear_typing(now, place, account, &mut effects),
            Update::Notice(notice) => self.hear_notice(notice, &mut effects),
            Update::Watching { whom, anew, lists, .. } => self.hear_watching(&whom, anew, lists, &mut effects),
            Update::Profiles { since, changes, upto } => self.hear_profiles(since, changes, upto, &mut effects),
            Update::Lists(versions) => self.hear_lists(versions, &mut effects),
            Update::Presence(changes) => {
                self.people.change(changes);
                effects.push(Effect::Redraw(ScreenPart::People));
            }
            Update::Progress { notice, progress } => {
                self.hear_at_the_desk(&mut effects, |desk, numbers| desk.progressed(notice, progress, numbers));
            }
            Update::Posted { ticket, seq, .. } => {
                let place = self.own.remove(&ticket);
                self.files.forget_sent(ticket);
                effects.extend(self.settle(place, |conversation| conversation.stored(ticket, seq)));
            }
            Update::Answered { ticket, answer } => self.hear_answer(ticket, answer, &mut effects),
            Update::Refused { ticket, refusal } => match self.own.get(&ticket).cloned() {
                Some(place) => effects.extend(self.settle(Some(place), |conversation| conversation.refused(ticket, refusal))),
                None => self.ask_failed(ticket, Some(refusal), &mut effects),
            },
            // Only questions are lost: the client keeps posts until they are stored or refused.
            Update::Lost { ticket } => self.ask_failed(ticket, None, &mut effects),
            Update::Disconnected { why, retry_in } => {
                self.connection = self.connection.interrupted(now, why, retry_in);
                effects.push(Effect::Redraw(ScreenPart::Connection));
            }
            Update::Failed(failure) => {
                self.connection = ConnectionState::Stopped(failure);
                effects.push(Effect::Redraw(ScreenPart::Connection));
            }
            Update::Closed => {
                self.connection = ConnectionState::Closed;
                effects.push(Effect::Exit);
            }
        }
        if was_up && !self.connection.is_up() && self.connection != ConnectionState::Closed {
            // Nobody is known to be here, oneself included.
            effects.extend([ScreenPart::People, ScreenPart::Conversations, ScreenPart::Rooms].map(Effect::Redraw));
        }
        self.witness.hinder(now.wall, Hindrance::Offline, !self.connection.is_up());
        self.tidy(now, &mut effects);
        effects
    }

    /// The person wants something.
    pub fn act(&mut self, now: Now, intent: Intent) -> Vec<Effect> {
        let mut effects = Vec::new();
        match intent {
            Intent::Open(place) => {
                self.conversation_mut(&place);
                self.turn_to(&place);
                self.sought = None;
                self.unmark(&place, &mut effects);
                effects.push(Effect::Redraw(ScreenPart::Lines(place)));
                effects.extend(self.fill_shown());
                effects.extend(self.read_shown());
            }
            Intent::Attend(attended) => {
                self.attended = attended;
                effects.extend(self.read_shown());
            }
            Intent::SeeEnd(sees) => {
                self.sees_end = sees;
                effects.extend(self.read_shown());
            }
            Intent::Say { to, text, reply_to } => effects.extend(self.say(now, to, text, reply_to)),
            Intent::SayWithFile { to, text, file } => effects.extend(self.say_with_file(now, to, text, file)),
            Intent::Retry(ticket) => effects.extend(self.say_again(now, ticket)),
            Intent::Discard(ticket) => {
                effects.extend(self.take_failed(ticket).map(|(place, _)| Effect::Redraw(ScreenPart::Lines(place))));
            }
            Intent::Abandon(ticket) => self.abandon_file(ticket, &mut effects),
            Intent::AskAboutFile(file) => self.ask_about(file, &mut effects),
            Intent::ReadBack(place) => effects.extend(self.ask_older(&place)),
            Intent::ReadOn(place) => effects.extend(self.ask_newer(&place)),
            Intent::ToEnd(place) => self.go_to_end(&place, &mut effects),
            Intent::Seek { place, seq } => self.seek(place, seq, &mut effects),
            Intent::Seen(id) => {
                if self.notices.seen(id) {
                    effects.push(Effect::receipt(id, Receipt::Visible));
                    effects.push(Effect::Redraw(ScreenPart::Notices));
                }
            }
            Intent::Locked(id) => {
                if self.notices.locked(id) {
                    effects.push(Effect::receipt(id, Receipt::Locked));
                }
            }
            Intent::Answer { notice, answer } => {
                if self.notices.answer(notice, answer) {
                    effects.push(Effect::receipt(notice, Receipt::Answered(answer)));
                    effects.push(Effect::EndPopUp(notice));
                    effects.push(Effect::Redraw(ScreenPart::Notices));
                }
            }
            Intent::Dismiss(id) => {
                if self.notices.dismiss(id) {
                    effects.push(Effect::EndPopUp(id));
                    effects.push(Effect::Redraw(ScreenPart::Notices));
                }
            }
            Intent::OpenDesk => {
                self.at_the_desk(&mut effects, Desk::open);
                // Whom it can be for: also who and what has been made since these were read last.
                effects.extend(self.list_people());
                self.list_rooms(&mut effects);
                effects.push(self.watch());
            }
            Intent::CloseDesk => {
                self.desk.close();
                effects.push(self.watch());
            }
            Intent::Choose(audience) => self.at_the_desk(&mut effects, |desk, numbers| desk.choose(&audience, numbers)),
            Intent::Aim(audience) => self.at_the_desk(&mut effects, |desk, numbers| desk.aim(audience, numbers)),
            Intent::SendNotice(draft) => self.at_the_desk(&mut effects, |desk, numbers| desk.send(draft, numbers)),
            Intent::ConfirmNotice(yes) => self.at_the_desk(&mut effects, |desk, numbers| desk.confirm(yes, numbers)),
            Intent::WatchNotice(notice) => {
                self.at_the_desk(&mut effects, |desk, numbers| desk.watch(notice, numbers).into_iter().collect());
            }
            Intent::SearchSent(text) => self.at_the_desk(&mut effects, |desk, numbers| desk.search(text, numbers)),
            Intent::Ledger(wish) => self.at_the_desk(&mut effects, |desk, numbers| desk.look(wish, numbers)),
            Intent::ChangeNotice { notice, change } => {
                self.at_the_desk(&mut effects, |desk, numbers| desk.change(notice, change, numbers));
            }
            Intent::SaveTemplate(template) => self.at_the_desk(&mut effects, |desk, numbers| desk.save_template(template, numbers)),
            Intent::RemoveTemplate(name) => self.at_the_desk(&mut effects, |desk, numbers| desk.remove_template(name, numbers)),
            Intent::Unschedule(schedule) => self.at_the_desk(&mut effects, |desk, numbers| desk.unschedule(schedule, numbers)),
            Intent::Type(to) => effects.push(Effect::Tell(Command::Typing { to })),
            Intent::Show(on_screen) => effects.push(self.show(on_screen)),
            Intent::Away(away) => effects.push(Effect::Tell(Command::Away(away))),
            Intent::Edit { place, seq, text } => {
                let room = self.room_at(&place);
                self.request(Request::Edit { place, room, seq, text }, &mut effects);
            }
            Intent::Delete { place, seq } => {
                let room = self.room_at(&place);
                self.request(Request::Delete { place, room, seq }, &mut effects);
            }
            Intent::React { place, seq, emoji, set } => {
                let room = self.room_at(&place);
                self.request(Request::React { place, room, seq, emoji, set }, &mut effects);
            }
            Intent::ListReactors { place, seq } => self.list_reactors(place, seq, &mut effects),
            Intent::Arrange { place, flag, on } => self.ask_to_arrange(place, flag, on, &mut effects),
            Intent::MarkRead(place) => self.mark_all_read(&place, &mut effects),
            Intent::CreateRoom { room, private } => {
                self.going = Some(PlaceKey::of(&Place::Room(room.clone())));
                self.request(Request::CreateRoom { room, private }, &mut effects);
            }
            Intent::Join(room) => {
                self.going = Some(PlaceKey::of(&Place::Room(room.clone())));
                self.request(Request::JoinRoom { room }, &mut effects);
            }
            Intent::Leave(room) => self.request(Request::LeaveRoom { room, confirmed: false }, &mut effects),
            Intent::Invite { room, account } => self.invite(room, account, &mut effects),
            Intent::Decline(room) => self.decline(&room, &mut effects),
            Intent::ListRooms => {
                effects.extend(self.list_people());
                self.list_rooms(&mut effects);
            }
            Intent::ListMembers(room) => {
                effects.extend(self.list_people());
                effects.extend(self.rooms.list_members(room, &mut self.numbers).map(Effect::Tell));
                effects.push(Effect::Redraw(ScreenPart::Rooms));
            }
            Intent::Search { text, place } => self.look_for(text, place, &mut effects),
            Intent::EndSearch => self.end_search(&mut effects),
            Intent::DoNotDisturb(held_back) => {
                self.do_not_disturb = held_back;
                self.witness.hinder(now.wall, Hindrance::DoNotDisturb, held_back);
                effects.push(Effect::Redraw(ScreenPart::Connection));
                self.pop_up(&mut effects);
            }
            Intent::Account(intent) => self.at_the_account(intent, &mut effects),
            Intent::Hindered(what, on) => self.witness.hinder(now.wall, what, on),
            Intent::OnScreen(notices) => self.witness.show(now.wall, &notices),
            Intent::TryNow => effects.push(Effect::Tell(Command::Wake)),
            Intent::Quit => effects.push(Effect::Tell(Command::Close)),
        }
        effects
    }

    fn conversation_mut(&mut self, place: &Place) -> &mut Conversation {
        self.conversations.entry(PlaceKey::of(place)).or_insert_with(|| Conversation::new(place.clone()))
    }

    fn at_the_desk(&mut self, effects: &mut Vec<Effect>, act: impl FnOnce(&mut Desk, &mut Numbers) -> Vec<Command>) {
        effects.extend(act(&mut self.desk, &mut self.numbers).into_iter().map(Effect::Tell));
        effects.push(Effect::Redraw(ScreenPart::Desk));
    }

    /// The server has gone back to a backup: a number from before may be of something else now. All that was heard goes, and is heard anew;
    /// what the person has written and is not stored stays.
    fn hear_timeline(&mut self, timeline: Timeline, effects: &mut Vec<Effect>) {
        self.news.push(MemoryChange::Timeline(timeline));
        if self.timeline.replace(timeline).is_none_or(|known| known == timeline) {
            return;
        }
        self.news = vec![MemoryChange::Timeline(timeline)];
        let lobby = PlaceKey::of(&Place::lobby());
        self.conversations.retain(|key, conversation| {
            conversation.begin_anew();
            *key == lobby || self.shown.as_ref() == Some(key) || conversation.has_own()
        });
        self.afresh = true;
        (self.named, self.displaced) = (BTreeSet::new(), BTreeSet::new());
        self.witness.forget_notices();
        effects.extend(self.notices.clear().into_iter().map(Effect::EndPopUp));
        self.doubts.clear();
        self.desk.forget_numbers();
        (self.search, self.sought, self.reactors) = (None, None, None);
        effects.extend(self.shown().map(|shown| Effect::Redraw(ScreenPart::Lines(shown.place().clone()))));
        let parts = [ScreenPart::Conversations, ScreenPart::Notices, ScreenPart::Search, ScreenPart::Desk];
        effects.extend(parts.map(Effect::Redraw));
    }

    fn hear_signed_in(&mut self, account: AccountName, role: Role, effects: &mut Vec<Effect>) {
        self.news.push(MemoryChange::Me(account.clone(), role));
        self.me = Some((account, role));
        self.connection = ConnectionState::Connected;
        self.caught_up = false;
        self.lists = ListVersions::default();
        self.named.clear();
        self.conversations.values_mut().for_each(Conversation::go_on);
        effects.extend(self.shown().map(|shown| Effect::Redraw(ScreenPart::Lines(shown.place().clone()))));
        effects.push(Effect::Redraw(ScreenPart::Connection));
        effects.push(self.watch());
        effects.extend(self.fill_shown());
        if role == Role::Admin {
            effects.extend(self.desk.reopen(&mut self.numbers).into_iter().map(Effect::Tell));
            effects.push(Effect::Redraw(ScreenPart::Desk));
        }
    }

    fn hear_caught_up(&mut self, effects: &mut Vec<Effect>) {
        self.caught_up = true;
        self.afresh = false;
        self.leave_unnamed(effects);
        effects.extend(self.fill_shown());
        // Who was invited meanwhile finds it there.
        self.list_rooms(effects);
        effects.extend(self.rooms.read_members_again(&mut self.numbers).map(Effect::Tell));
        for notice in self.notices.doubtful() {
            let ticket = self.numbers.ticket();
            self.doubts.insert(ticket, notice);
            effects.push(Effect::ask(ticket, Request::FetchNotice { notice }));
        }
    }

    fn hear(&mut self, place: Place, message: Message, effects: &mut Vec<Effect>) {
        self.news.push(MemoryChange::Message(message.clone()));
        self.see_in(&place, &message.from, effects);
        let me = self.me().cloned();
        let shown = self.shown.as_ref() == Some(&PlaceKey::of(&place));
        let looking = shown && self.is_looking();
        let conversation = self.conversation_mut(&place);
        let (before, muted) = (conversation.unread(), conversation.arrangement().muted);
        conversation.arrive(message.clone(), me.as_ref(), looking);
        if !shown {
            conversation.go_unseen();
        }
        let news = conversation.unread() > before;
        if looking {
            effects.extend(self.tell_read(&place));
        }
        effects.push(Effect::Redraw(ScreenPart::Lines(place.clone())));
        effects.push(Effect::Redraw(ScreenPart::Conversations));
        // After an absence the count says enough; a popup a message would bury the screen.
        if news && self.caught_up && !self.do_not_disturb && !muted {
            effects.push(Effect::PopUpMessage { place, message });
        }
    }

    fn hear_notice(&mut self, notice: Notice, effects: &mut Vec<Effect>) {
        let (id, state) = (notice.id, notice.state);
        self.witness.hear(id);
        effects.extend(self.desk.heard_of(id, state).then_some(Effect::Redraw(ScreenPart::Desk)));
        if let Some(answer) = self.notices.unsaid(&notice) {
            effects.push(Effect::receipt(id, Receipt::Answered(answer)));
        }
        match self.notices.arrive(notice) {
            NoticeArrival::Known => return,
            NoticeArrival::Open => self.pop_up(effects),
            NoticeArrival::Over => effects.push(Effect::EndPopUp(id)),
        }
        effects.push(Effect::Redraw(ScreenPart::Notices));
    }

    /// Whatever may pop up and has not yet, also what was held back before.
    fn pop_up(&mut self, effects: &mut Vec<Effect>) {
        let held_back = self.do_not_disturb;
        let due = self.notices.pop_up(|severity| !held_back || severity == Severity::Critical);
        effects.extend(due.into_iter().map(Effect::PopUpNotice));
    }
}

#[cfg(test)]
pub(crate) mod tests;
