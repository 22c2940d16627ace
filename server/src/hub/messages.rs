//! Messages that are there already: altered, read, searched; and that somebody is writing one.

use belfry_core::chat::{AccountId, Answer, ConversationId, Event, Message, Place, Refusal, RoomName, Seq, Text};

use super::{Context, Hub, PendingJob, ReplyTo, SessionId};
use crate::limits::TYPING_AUDIENCE_MAX;
use crate::store::{Arranged, MessageAltered, MessageJob, NamedAccount, ReadUpTo, StoredPlace, Target, Work};

impl Hub {
    pub(super) fn alter(&mut self, context: Context<'_>, of: Target, seq: Seq, text: Option<Text>) -> Result<(), Refusal> {
        let bytes = text.as_ref().map_or(0, |text| text.as_str().len());
        self.submit_for(
            context,
            Work::Message(MessageJob::Alter { account: context.account(), of, seq, text }),
            PendingJob::Alter { to: context.to, bytes },
        )
    }

    pub(super) fn altered(&mut self, to: ReplyTo, altered: MessageAltered) {
        let MessageAltered { message, place, repeated } = altered;
        self.reply(to, Ok(Answer::Done));
        if !repeated {
            let sessions = self.sessions_at(&place, &message);
            self.push(sessions, Event::Altered(message));
        }
    }

    /// The sessions of everybody who may read what is said in a place.
    pub(super) fn sessions_at(&self, place: &StoredPlace, message: &Message) -> Vec<SessionId> {
        match *place {
            StoredPlace::Room(_) => self.sessions_in(message.conversation),
            StoredPlace::Direct { a: one, b: other } => self.presences.sessions_of(one).chain(self.presences.sessions_of(other)).collect(),
        }
    }

    pub(super) fn mark_read(&mut self, context: Context<'_>, of: Target, upto: Seq) -> Result<(), Refusal> {
        let account = context.account();
        self.submit_for(
            context,
            Work::Message(MessageJob::MarkRead { account, of, upto }),
            PendingJob::MarkRead { to: context.to, account },
        )
    }

    pub(super) fn marked_read(&mut self, to: ReplyTo, account: AccountId, noted: ReadUpTo) {
        let ReadUpTo { conversation, read, unread, moved } = noted;
        if moved {
            self.push_to_account(account, Event::Read { conversation, read, unread });
        }
        self.reply(to, Ok(Answer::Done));
    }

    pub(super) fn arranged(&mut self, to: ReplyTo, account: AccountId, arranged: Arranged) {
        let Arranged { conversation, arrangement, repeated } = arranged;
        if !repeated {
            self.push_to_account(account, Event::Arranged { conversation, arrangement });
        }
        self.reply(to, Ok(Answer::Done));
    }

    /// Told only where few enough are to hear it that it is no burden to the network.
    pub(super) fn typing(&mut self, context: Context<'_>, place: Place) -> Result<(), Refusal> {
        let account = context.account();
        match place {
            Place::Room(room) => {
                let id = self.rooms.find(&room)?;
                if !self.is_in_room(account, &room) {
                    return Err(Refusal::NotInRoom);
                }
                self.reply(context.to, Ok(Answer::Done));
                self.tell_typing(account, self.sessions_in(id), Some(room));
            }
            Place::Direct(name) if self.is_own(context.from, &name) => return Err(Refusal::DirectToSelf),
            Place::Direct(name) => match self.directory.find(&name) {
                Some(other) => {
                    self.reply(context.to, Ok(Answer::Done));
                    self.tell_typing(account, self.presences.sessions_of(other).collect(), None);
                }
                None => return self.submit_for(context, Work::Find { name }, PendingJob::Typing { to: context.to, account }),
            },
        }
        Ok(())
    }

    /// There is somebody of that name; they may have come meanwhile.
    pub(super) fn typed(&mut self, to: ReplyTo, account: AccountId, other: NamedAccount) {
        self.reply(to, Ok(Answer::Done));
        self.tell_typing(account, self.presences.sessions_of(other.account).collect(), None);
    }

    /// In a room, or to one other person.
    fn tell_typing(&mut self, account: AccountId, sessions: Vec<SessionId>, room: Option<RoomName>) {
        let Some(name) = self.directory.get(account).map(|known| known.name.clone()) else { return };
        if sessions.len() <= TYPING_AUDIENCE_MAX {
            let own: Vec<_> = self.presences.sessions_of(account).collect();
            let others = sessions.into_iter().filter(|session| !own.contains(session)).collect();
            let place = room.map_or_else(|| Place::Direct(name.clone()), Place::Room);
            self.push(others, Event::Typing { place, account: name });
        }
    }

    pub(super) fn fetch_altered(&mut self, context: Context<'_>, conversation: ConversationId, after: u64) -> Result<(), Refusal> {
        self.submit_for(
            context,
            Work::Message(MessageJob::AlteredSince { account: context.account(), conversation, after }),
            PendingJob::Read { to: context.to },
        )
    }
}
