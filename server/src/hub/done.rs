//! What the hub does with each answer of the store, in the order of the commits.

use belfry_core::chat::{
    AccountId, AccountName, Answer, ConversationInfo, Event, Message, Notice, Page, Place, PostId, Refusal, Seq, ServerStatus,
};
use belfry_core::time::Now;
use belfry_core::wire::CloseCode;

use super::pending::Ends;
use super::{Effect, Hub, PendingJob, ReplyTo, SessionId};
use crate::limits::CONVERSATIONS_PER_EVENT;
use crate::store::{AccountAdded, Changed, DatabaseSize, Done, NamedAccount, Outcome, Overview, Posted, Reached, StoredPlace, Visitor};

impl Hub {
    /// The store has answered: what it says is on the disk.
    pub(crate) fn handle_done(&mut self, now: Now, done: Done) {
        let Done { ticket, result } = done;
        let Some(waiting) = self.waiting.leave(ticket) else { return };
        let changes = result.as_ref().ok().and(waiting.changes());
        match waiting {
            PendingJob::LookUp { session } => {
                let result = result.and_then(Outcome::expect);
                self.effects.push_back(Effect::LookedUp { session, result });
            }
            PendingJob::Register { session } => {
                let result = self.account_added(result);
                self.effects.push_back(Effect::Registered { session, result });
            }
            PendingJob::SignIn { to, visitor } => self.signed_in(now, to, visitor, result),
            PendingJob::Nobody => {}
            PendingJob::Read { to } => self.reply_read(to, result, |_, answer| answer),
            PendingJob::Post { to, .. } => self.answer(to, result, |hub, posted| hub.posted(to, posted)),
            PendingJob::SendNotice { to, author, post } => {
                self.guarded(author, post, &result);
                self.answer(to, result, |hub, sent| hub.notice_sent(now, Some(to), sent));
            }
            PendingJob::Preview { to } => self.reply_read(to, result, Self::preview_read),
            PendingJob::Receipt { to, account, notice } => {
                self.answer(to, result, |hub, noted| hub.receipt_noted(now, to, account, notice, noted));
            }
            PendingJob::Reached { to } => self.answer(to, result, |hub, Reached { progress }| {
                hub.reply(to, Ok(Answer::Done));
                hub.note_progress(now, progress);
            }),
            PendingJob::Screens { reported } => self.screens_noted(now, reported, result),
            PendingJob::Delivered { deliveries } => self.delivered_noted(now, deliveries, result),
            PendingJob::Sync { to, account } => self.answer(to, result, |hub, Overview { conversations, notices, .. }| {
                hub.tell_state(now, to.session, account, conversations, notices);
                hub.reply(to, Ok(Answer::Done));
            }),
            PendingJob::AddUser { to } => {
                let result = self.account_added(result);
                self.reply(to, result.map(|_| Answer::Done));
            }
            PendingJob::SetPassword { to, ends, .. } => self.changed_of(to, result, |hub, account| match ends {
                Ends::None => {}
                Ends::Others => hub.password_changed(now, account, Some(to.session)),
                Ends::All => hub.password_changed(now, account, None),
            }),
            PendingJob::SetRole { to, role } => self.changed_of(to, result, |hub, account| hub.directory.set_role(account, role)),
            PendingJob::SetDisabled { to, disabled } => self.changed_of(to, result, |hub, account| {
                if disabled {
                    hub.expel(now, account, None, CloseCode::USER_LOCKED);
                }
            }),
            PendingJob::SetProfile { to } => self.answer(to, result, |hub, profile| {
                hub.reply(to, Ok(Answer::Done));
                hub.profile_changed(now, profile);
            }),
            PendingJob::Typing { to, account } => self.answer(to, result, |hub, other| hub.typed(to, account, other)),
            PendingJob::Accounts { to } => self.reply_read(to, result, Self::accounts_read),
            PendingJob::People { to } => self.reply_read(to, result, Self::people_read),
            PendingJob::Ledger { to } => self.reply_read(to, result, Self::ledger_read),
            PendingJob::Size { to } => self.reply_read(to, result, Self::status_read),
            PendingJob::NoticeNow { to, notice, told_to } => self.notice_now(now, to, notice, told_to, result),
            PendingJob::AddSchedule { to, author, post } => {
                self.guarded(author, post, &result);
                let scheduled = result.and_then(|outcome| self.scheduled(outcome.expect()?));
                self.reply(to, scheduled);
            }
            PendingJob::Occurrence(occurrence) => self.occurred(now, occurrence, result),
            PendingJob::Schedules { to } => self.reply_read(to, result, Self::schedules_read),
            PendingJob::Unschedule { to, schedule } => self.changed(to, result, |hub| hub.unscheduled(schedule)),
            PendingJob::SaveTemplate { to, template } => self.changed(to, result, |hub| hub.templates.save(*template)),
            PendingJob::RemoveTemplate { to, name } => self.changed(to, result, |hub| hub.templates.remove(&name)),
            PendingJob::Group { to } => self.changed(to, result, |_| {}),
            PendingJob::Devices { to } => self.reply_read(to, result, |hub, devices| hub.devices_read(now, devices)),
            PendingJob::RevokeDevice { to, device } => {
                self.changed_of(to, result, |hub, account| hub.device_revoked(now, account, device));
            }
            PendingJob::Room { to, account, change } => {
                let changed = result.and_then(|outcome| self.room_changed(now, account, change, outcome));
                self.reply(to, changed.map(|()| Answer::Done));
            }
            PendingJob::Alter { to, .. } => self.answer(to, result, |hub, altered| hub.altered(to, altered)),
            PendingJob::MarkRead { to, account } => self.answer(to, result, |hub, read| hub.marked_read(to, account, read)),
            PendingJob::Arrange { to, account } => self.answer(to, result, |hub, arranged| hub.arranged(to, account, arranged)),
            PendingJob::Tidy => self.tidied(now, result),
            PendingJob::ClockSetBack { from } => self.clock_set_back(now, from, result),
            PendingJob::Reload(retention) => self.reload_counted(now, retention, result),
            PendingJob::Keep(wish) => {
                let to = wish.to;
                let counted = result.and_then(|outcome| self.keep_counted(now, wish, outcome.expect()?));
                if let Err(refusal) = counted {
                    self.reply(to, Err(refusal));
                }
            }
            PendingJob::OfferFile { to, upload, is_admin } => {
                let offered = result.and_then(|outcome| self.offered(now, to, upload, is_admin, outcome.expect()?));
                if let Err(refusal) = offered {
                    self.reply(to, Err(refusal));
                }
            }
            PendingJob::Uploaded { to, upload } => self.uploaded(now, to, upload, result),
            PendingJob::FileContent { to, offset } => self.answer(to, result, |hub, content| hub.content_found(to, offset, content)),
            PendingJob::Sweep => self.swept(now, result),
            PendingJob::Search { to, account } => self.searched(now, account, to, result),
        }
        if let Some(kind) = changes {
            self.list_changed(now, kind);
        }
    }

    /// A notice that was refused does not count for how many its author may send.
    fn guarded(&mut self, author: AccountId, post: PostId, result: &Result<Outcome, Refusal>) {
        if result.is_err() {
            self.guard.take_back(author, post);
        }
    }

    /// Acts on an outcome, or says why there is none.
    fn answer<T>(&mut self, to: ReplyTo, result: Result<Outcome, Refusal>, act: impl FnOnce(&mut Self, T))
    where
        T: TryFrom<Outcome, Error = Outcome>,
    {
        match result.and_then(Outcome::expect) {
            Ok(outcome) => act(self, outcome),
            Err(refusal) => self.reply(to, Err(refusal)),
        }
    }

    /// Answers with what was read.
    fn reply_read<T>(&mut self, to: ReplyTo, result: Result<Outcome, Refusal>, read: impl FnOnce(&Self, T) -> Answer)
    where
        T: TryFrom<Outcome, Error = Outcome>,
    {
        let answer = result.and_then(Outcome::expect).map(|outcome| read(self, outcome));
        self.reply(to, answer);
    }

    /// Answers that it is done, and then lets the change take effect: somebody who shuts themselves out still hears that.
    fn changed(&mut self, to: ReplyTo, result: Result<Outcome, Refusal>, act: impl FnOnce(&mut Self)) {
        self.answer(to, result, |hub, Changed| {
            hub.reply(to, Ok(Answer::Done));
            act(hub);
        });
    }

    /// The same for a change of one account.
    fn changed_of(&mut self, to: ReplyTo, result: Result<Outcome, Refusal>, act: impl FnOnce(&mut Self, AccountId)) {
        self.answer(to, result, |hub, NamedAccount { account }| {
            hub.reply(to, Ok(Answer::Done));
            act(hub, account);
        });
    }

    fn account_added(&mut self, result: Result<Outcome, Refusal>) -> Result<AccountId, Refusal> {
        let AccountAdded { account } = result?.expect()?;
        self.accounts += 1;
        Ok(account)
    }

    fn signed_in(&mut self, now: Now, to: ReplyTo, visitor: Visitor, result: Result<Outcome, Refusal>) {
        if !self.entering.remove(&to.session) {
            return;
        }
        self.answer(to, result, |hub, Overview { account, conversations, notices }| {
            let id = account.id;
            hub.enter(now, to, account, visitor, &conversations);
            hub.tell_state(now, to.session, id, conversations, notices);
            hub.announce(now);
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

    fn posted(&mut self, to: ReplyTo, posted: Posted) {
        let Posted { message, place, repeated, began } = posted;
        self.reply(to, Ok(Answer::Posted { conversation: message.conversation, seq: message.seq }));
        if repeated {
            return;
        }
        if let (StoredPlace::Direct { a: one, b: other }, Some([one_name, other_name])) = (&place, began) {
            self.tell_beginning(&message, *one, other_name);
            self.tell_beginning(&message, *other, one_name);
        }
        let sessions = self.sessions_at(&place, &message);
        self.push(sessions, Event::Message(message));
    }

    /// Tells `reader` of the conversation with `other` as it was before its first message, which follows.
    fn tell_beginning(&mut self, first: &Message, reader: AccountId, other: AccountName) {
        let last = Seq(first.seq.0 - 1);
        let place = Place::Direct(other);
        let info = ConversationInfo { read: last, ..ConversationInfo::new(first.conversation, place, last) };
        self.push_to_account(reader, Event::Conversation(info));
    }

    fn status_read(&self, size: DatabaseSize) -> Answer {
        Answer::Status(ServerStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            started_at: self.config.started_at,
            sessions: self.presences.sessions_count() as u64,
            people_online: self.presences.people_count() as u64,
            accounts: self.accounts,
            messages: size.messages,
            database_bytes: size.bytes,
            ..self.transport_status.clone()
        })
    }
}
