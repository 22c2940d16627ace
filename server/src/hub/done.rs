//! What the hub does with each answer of the store, in the order of the commits.

use belfry_core::chat::{
    AccountId, AccountName, Answer, ConversationId, ConversationInfo, Event, Message, MessagePage, Notice, Page, Place, PostId, Refusal,
    Seq, ServerStatus,
};
use belfry_core::connection::CloseCode;
use belfry_core::time::Now;

use super::waiting::Ends;
use super::{Effect, Hub, ReplyTo, SessionId, Visitor, Waiting, page};
use crate::limits::CONVERSATIONS_PER_EVENT;
use crate::store::{Done, Outcome, StoredPlace};

/// The store has answered something else than it was asked: a fault of ours. Its words are people's, so the log has only its kind.
pub(super) fn misplaced(outcome: &Outcome) -> Refusal {
    tracing::error!(kind = ?core::mem::discriminant(outcome), "the store answered something that was not asked");
    Refusal::StoreFailed
}

impl Hub {
    /// The store has answered: what it says is on the disk.
    pub fn handle_done(&mut self, now: Now, done: Done) {
        self.seen = now;
        let Some(waiting) = self.waiting.leave(done.ticket) else { return };
        match waiting {
            Waiting::LookUp { session } => self.looked_up(session, done.result),
            Waiting::Register { session } => {
                let result = self.account_added(done.result);
                self.effects.push_back(Effect::Registered { session, result });
            }
            Waiting::SignIn { to, visitor, .. } => self.signed_in(now, to, visitor, done.result),
            Waiting::Nobody => {}
            Waiting::Post { to, .. } => self.answer(to, done.result, |hub, outcome| hub.posted(to, outcome)),
            Waiting::SendNotice { to, author, post } => {
                self.guarded(author, post, &done.result);
                self.answer(to, done.result, |hub, outcome| hub.notice_sent(now, Some(to), outcome));
            }
            Waiting::Preview { to } => self.look(to, done.result, Self::previewed),
            Waiting::Receipt { to, account, notice } => {
                self.answer(to, done.result, |hub, outcome| hub.receipt_noted(now, to, account, notice, outcome))
            }
            Waiting::Sync { to, account } => self.answer(to, done.result, |hub, outcome| match outcome {
                Outcome::SignedIn { conversations, notices, .. } => {
                    hub.tell_state(now, to.session, account, conversations, notices);
                    hub.reply(to, Ok(Answer::Done));
                    Ok(())
                }
                other => Err(misplaced(&other)),
            }),
            Waiting::AddUser { to } => {
                let result = self.account_added(done.result);
                self.reply(to, result.map(|_| Answer::Done));
            }
            Waiting::SetPassword { to, ends, .. } => self.changed_of(to, done.result, |hub, account| match ends {
                Ends::None => {}
                Ends::Others => hub.password_changed(now, account, Some(to.session)),
                Ends::All => hub.password_changed(now, account, None),
            }),
            Waiting::SetRole { to, role } => self.changed_of(to, done.result, |hub, account| hub.directory.set_role(account, role)),
            Waiting::SetDisabled { to, disabled } => self.changed_of(to, done.result, |hub, account| {
                if disabled {
                    hub.expel(now, account, None, CloseCode::USER_LOCKED);
                }
            }),
            Waiting::Typing { to, account } => self.answer(to, done.result, |hub, outcome| hub.typed(to, account, outcome)),
            Waiting::Accounts { to } => self.look(to, done.result, Self::accounts_read),
            Waiting::Page { to, place } => self.look(to, done.result, |_, outcome| Self::page_read(place, outcome)),
            Waiting::People { to } => self.look(to, done.result, Self::people_read),
            Waiting::Notices { to } => self.look(to, done.result, |_, outcome| match outcome {
                Outcome::Notices { notices, more } => {
                    let (notices, cut) = page(notices.into_iter());
                    Ok(Answer::Notices(Page { entries: notices, more: more || cut }))
                }
                other => Err(misplaced(&other)),
            }),
            Waiting::Ledger { to } => self.look(to, done.result, Self::ledger_read),
            Waiting::Size { to } => self.look(to, done.result, Self::measured),
            Waiting::NoticeNow { to, notice, reminds } => self.notice_now(now, to, notice, reminds, done.result),
            Waiting::FetchNotice { to } => self.look(to, done.result, |_, outcome| match outcome {
                Outcome::Notice(notice) => Ok(Answer::Notice(*notice)),
                other => Err(misplaced(&other)),
            }),
            Waiting::AddSchedule { to, author, post } => {
                self.guarded(author, post, &done.result);
                self.answer(to, done.result, |hub, outcome| hub.scheduled(to, outcome));
            }
            Waiting::Occurrence(occurrence) => self.occurred(now, occurrence, done.result),
            Waiting::Schedules { to } => self.look(to, done.result, Self::schedules_read),
            Waiting::Unschedule { to, schedule } => self.changed(to, done.result, |hub| hub.unscheduled(schedule)),
            Waiting::SaveTemplate { to, template } => self.changed(to, done.result, |hub| hub.templates.save(*template)),
            Waiting::RemoveTemplate { to, name } => self.changed(to, done.result, |hub| hub.templates.remove(&name)),
            Waiting::Change { to } => self.changed(to, done.result, |_| {}),
            Waiting::Devices { to } => self.look(to, done.result, |hub, outcome| hub.devices_listed(now, outcome)),
            Waiting::RevokeDevice { to, device } => {
                self.changed_of(to, done.result, |hub, account| hub.device_revoked(now, account, device));
            }
            Waiting::Room { to, account, change } => {
                self.answer(to, done.result, |hub, outcome| hub.room_changed(now, to, account, change, outcome));
            }
            Waiting::Alter { to, .. } => self.answer(to, done.result, |hub, outcome| hub.altered(to, outcome)),
            Waiting::MarkRead { to, account } => self.answer(to, done.result, |hub, outcome| hub.marked_read(to, account, outcome)),
            Waiting::Tidy => self.tidied(now, done.result),
            Waiting::Reload(retention) => self.reload_counted(now, retention, done.result),
            Waiting::Keep { to, account, room, keep, act } => {
                self.answer(to, done.result, |hub, outcome| hub.keep_counted(now, to, account, room, keep, act, outcome));
            }
            Waiting::Search { to, account } => self.searched(now, account, to, done.result),
            Waiting::Record { to } => self.look(to, done.result, |_, outcome| match outcome {
                Outcome::Groups { groups, more } => Ok(Answer::Groups(Page { entries: groups, more })),
                Outcome::Rooms { rooms, more } => Ok(Answer::Rooms(Page { entries: rooms, more })),
                Outcome::Audit { entries, more } => Ok(Answer::Audit(Page { entries, more })),
                Outcome::Exportable { conversations, more } => Ok(Answer::Exportable(Page { entries: conversations, more })),
                Outcome::Exported { messages, more } => Ok(Answer::Exported(Page { entries: messages, more })),
                Outcome::AlteredSince { messages, more, last } => Ok(Answer::Altered { page: Page { entries: messages, more }, last }),
                Outcome::Originals { originals, more } => Ok(Answer::Originals(Page { entries: originals, more })),
                other => Err(misplaced(&other)),
            }),
        }
    }

    /// A notice that was refused does not count for how many its author may send.
    fn guarded(&mut self, author: AccountId, post: PostId, result: &Result<Outcome, Refusal>) {
        if result.is_err() {
            self.guard.take_back(author, post);
        }
    }

    /// Acts on an outcome, or says why there is none.
    fn answer(&mut self, to: ReplyTo, result: Result<Outcome, Refusal>, act: impl FnOnce(&mut Self, Outcome) -> Result<(), Refusal>) {
        if let Err(refusal) = result.and_then(|outcome| act(self, outcome)) {
            self.reply(to, Err(refusal));
        }
    }

    /// Answers with what was read.
    fn look(&mut self, to: ReplyTo, result: Result<Outcome, Refusal>, read: impl FnOnce(&Self, Outcome) -> Result<Answer, Refusal>) {
        let answer = result.and_then(|outcome| read(self, outcome));
        self.reply(to, answer);
    }

    /// Answers that it is done, and then lets the change take effect: somebody who shuts themselves out still hears that.
    fn changed(&mut self, to: ReplyTo, result: Result<Outcome, Refusal>, act: impl FnOnce(&mut Self)) {
        self.answer(to, result, |hub, outcome| match outcome {
            Outcome::Changed => {
                hub.reply(to, Ok(Answer::Done));
                act(hub);
                Ok(())
            }
            other => Err(misplaced(&other)),
        });
    }

    /// The same for a change of one account.
    fn changed_of(&mut self, to: ReplyTo, result: Result<Outcome, Refusal>, act: impl FnOnce(&mut Self, AccountId)) {
        self.answer(to, result, |hub, outcome| match outcome {
            Outcome::Account { account } => {
                hub.reply(to, Ok(Answer::Done));
                act(hub, account);
                Ok(())
            }
            other => Err(misplaced(&other)),
        });
    }

    fn looked_up(&mut self, session: SessionId, result: Result<Outcome, Refusal>) {
        let result = result.and_then(|outcome| match outcome {
            Outcome::LookedUp(login) => Ok(login),
            other => Err(misplaced(&other)),
        });
        self.effects.push_back(Effect::LookedUp { session, result });
    }

    fn account_added(&mut self, result: Result<Outcome, Refusal>) -> Result<AccountId, Refusal> {
        match result? {
            Outcome::AccountAdded { account } => {
                self.accounts += 1;
                Ok(account)
            }
            other => Err(misplaced(&other)),
        }
    }

    fn signed_in(&mut self, now: Now, to: ReplyTo, visitor: Visitor, result: Result<Outcome, Refusal>) {
        if !self.entering.remove(&to.session) {
            return;
        }
        self.answer(to, result, |hub, outcome| match outcome {
            Outcome::SignedIn { account, conversations, notices } => {
                let id = account.id;
                hub.enter(now, to, account, visitor, &conversations);
                hub.tell_state(now, to.session, id, conversations, notices);
                hub.announce(now);
                Ok(())
            }
            other => Err(misplaced(&other)),
        });
    }

    fn tell_state(&mut self, now: Now, session: SessionId, account: AccountId, conversations: Vec<ConversationInfo>, notices: Vec<Notice>) {
        let mut parts = conversations.chunks(CONVERSATIONS_PER_EVENT).peekable();
        if parts.peek().is_none() {
            self.push(vec![session], Event::Conversations(Page::EMPTY));
        }
        while let Some(part) = parts.next() {
            self.push(vec![session], Event::Conversations(Page { entries: part.to_vec(), more: parts.peek().is_some() }));
        }
        self.tell_open_notices(now, session, account, notices);
    }

    fn posted(&mut self, to: ReplyTo, outcome: Outcome) -> Result<(), Refusal> {
        let (message, place, repeated, began) = match outcome {
            Outcome::Posted { message, place, repeated, began } => (message, place, repeated, began),
            other => return Err(misplaced(&other)),
        };
        self.reply(to, Ok(Answer::Posted { conversation: message.conversation, seq: message.seq }));
        if repeated {
            return Ok(());
        }
        if let (StoredPlace::Direct { a: one, b: other }, Some([one_name, other_name])) = (&place, began) {
            self.tell_beginning(&message, *one, other_name);
            self.tell_beginning(&message, *other, one_name);
        }
        let sessions = self.sessions_at(&place, &message);
        self.push(sessions, Event::Message(message));
        Ok(())
    }

    /// Tells `reader` of the conversation with `other` as it was before its first message, which follows.
    fn tell_beginning(&mut self, first: &Message, reader: AccountId, other: AccountName) {
        let last = Seq(first.seq.0.saturating_sub(1));
        let place = Place::Direct(other);
        let info = ConversationInfo { id: first.conversation, place, last, since: Seq(0), read: last, unread: 0, alterations: 0 };
        self.push_to_account(reader, Event::Conversation(info));
    }

    fn page_read(place: Option<Place>, outcome: Outcome) -> Result<Answer, Refusal> {
        let (conversation, messages) = match outcome {
            Outcome::Page { conversation, messages } => (conversation, messages),
            other => return Err(misplaced(&other)),
        };
        // A direct conversation that has not begun has no number yet; 0 is nobody's.
        let unbegun = || {
            let (id, last, since, read) = (ConversationId(0), Seq(0), Seq(0), Seq(0));
            place.map(|place| ConversationInfo { id, place, last, since, read, unread: 0, alterations: 0 })
        };
        let conversation = conversation.or_else(unbegun).ok_or(Refusal::UnknownConversation)?;
        Ok(Answer::Page(MessagePage { conversation, messages }))
    }

    fn measured(&self, outcome: Outcome) -> Result<Answer, Refusal> {
        match outcome {
            Outcome::Size { messages, bytes } => Ok(Answer::Status(ServerStatus {
                version: env!("CARGO_PKG_VERSION").into(),
                started_at: self.settings.started_at,
                sessions: self.attendance.sessions_count() as u64,
                people_online: self.attendance.people().len() as u64,
                accounts: self.accounts,
                messages,
                database_bytes: bytes,
                ..ServerStatus::default()
            })),
            other => Err(misplaced(&other)),
        }
    }
}
