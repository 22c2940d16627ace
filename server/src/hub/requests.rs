//! What is asked of the hub: one arm for each request.

use belfry_core::chat::{AccountId, Answer, Refusal, Request};
use belfry_core::limits::{HITS_MAX, PAGE_ENTRIES_MAX};
use belfry_core::time::Now;

use super::{Hub, PendingJob, ReplyTo};
use crate::limits::{LEDGER_ENTRIES_PER_PAGE, NOTICES_PER_PAGE};
use crate::session::SignedIn;
use crate::store::{AuditRecord, FileJob, List, MessageJob, Work};

/// What every handler of a request needs to know of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) now: Now,
    pub(super) from: &'a SignedIn,
    pub(super) to: ReplyTo,
    /// What the audit log says of it once it is done; `None` for what is noted nowhere.
    pub(super) note: Option<&'a AuditRecord>,
}

impl Context<'_> {
    /// Who asks.
    pub(super) const fn account(&self) -> AccountId {
        self.from.account()
    }
}

impl Hub {
    /// Somebody who is signed in asks something that their role allows. A reply follows, at once or after the store's answer.
    pub(crate) fn handle(&mut self, now: Now, from: &SignedIn, to: ReplyTo, request: Request) {
        let note = self.noted_as(from, &request);
        if let Err(refusal) = self.decide(Context { now, from, to, note: note.as_ref() }, request) {
            self.reply(to, Err(refusal));
        }
    }

    /// An `Err` is the answer; otherwise the answer has been given or will be.
    fn decide(&mut self, context: Context<'_>, request: Request) -> Result<(), Refusal> {
        self.charge(context.now, context.from, &request)?;
        let (account, to) = (context.account(), context.to);
        match request {
            Request::SignIn { .. } | Request::Register { .. } | Request::SignInByDevice { .. } => Err(Refusal::AlreadySignedIn),
            Request::Sync => self.submit_for(context, Work::Overview { account }, PendingJob::Sync { to, account }),
            Request::Post { post, to: place, room, text, reply_to } => {
                let target = self.target(place, room)?;
                let bytes = text.as_str().len();
                self.submit_for(context, Work::Post { account, post, to: target, text, reply_to }, PendingJob::Post { to, bytes })
            }
            Request::FetchAfter { conversation, after, limit } => {
                let limit = limit.min(PAGE_ENTRIES_MAX);
                self.submit_for(context, Work::FetchAfter { account, conversation, after, limit }, PendingJob::Read { to })
            }
            Request::FetchBefore { place, before, limit } => {
                let of = self.target(place, None)?;
                let limit = limit.min(PAGE_ENTRIES_MAX);
                self.submit_for(context, Work::FetchBefore { account, of, before, limit }, PendingJob::Read { to })
            }
            Request::FetchShared { timeline, after } => {
                self.submit_for(context, Work::List(List::Shared { account, timeline, after }), PendingJob::Read { to })
            }
            Request::Who { after } => self.submit_for(context, Work::List(List::Everybody { after }), PendingJob::People { to }),
            Request::Receipt { notice, revision, receipt } => self.receipt(context, notice, revision, receipt),
            Request::Reached { notices } => self.reached(context, notices),
            Request::SendNotice(draft) => self.send_notice(context, draft),
            Request::ListNotices { before, text } => {
                let work = match text {
                    None => Work::ListNotices { before, limit: NOTICES_PER_PAGE },
                    Some(text) => Work::List(List::Notices { before, text, limit: NOTICES_PER_PAGE }),
                };
                self.submit_for(context, work, PendingJob::Read { to })
            }
            Request::NoticeStatus { notice, view, after } => {
                self.note_all(context.now);
                self.submit_for(context, Work::Ledger { notice, view, after, limit: LEDGER_ENTRIES_PER_PAGE }, PendingJob::Ledger { to })
            }
            Request::AddUser { account, password, role } => {
                self.add_user(context, account, password, role);
                Ok(())
            }
            Request::ListUsers { after } => self.list_users(context, after),
            Request::SetPassword { account, password, keep_sessions } => self.set_password(context, account, password, keep_sessions),
            Request::SetProfile { account, changes } => self.set_profile(context, account, changes),
            Request::SetRole { account, role, confirmed } => self.set_role(context, account, role, confirmed),
            Request::SetDisabled { account, disabled, confirmed } => self.set_disabled(context, account, disabled, confirmed),
            Request::Status => self.submit_for(context, Work::Size, PendingJob::Size { to }),
            Request::FetchNotice { notice } => self.submit_for(context, Work::FetchNotice { account, notice }, PendingJob::Read { to }),
            Request::ChangeNotice { notice, change } => self.change_notice(context, notice, change),
            Request::PreviewNotice { audience } => self.preview(context, audience),
            Request::ListSchedules { after } => self.list_schedules(context, after),
            Request::Unschedule { schedule } => self.unschedule(context, schedule),
            Request::SaveTemplate(template) => self.save_template(context, template),
            Request::RemoveTemplate { name } => self.remove_template(context, name),
            Request::ListTemplates { after } => {
                self.list_templates(context, after.as_ref());
                Ok(())
            }
            Request::AddToGroup { group, members } => self.add_to_group(context, group, members),
            Request::RemoveFromGroup { group, members, confirmed } => self.remove_from_group(context, group, members, confirmed),
            Request::ListGroups { after } => self.list_groups(context, after),
            Request::GroupMembers { group, after } => self.group_members(context, group, after),
            Request::ListDevices { account, after } => self.list_devices(context, account, after),
            Request::RevokeDevice { account, device } => self.revoke_device(context, account, device),
            Request::ReadAudit { before } => {
                self.submit_for(context, Work::ReadAudit { before, limit: PAGE_ENTRIES_MAX }, PendingJob::Read { to })
            }
            Request::Exportable { room, after } => self.list_exportable(context, room, after),
            Request::ExportPage { conversation, after } => self.export_page(context, conversation, after),
            Request::CreateRoom { room, private } => self.create_room(context, room, private),
            Request::ListRooms { after } => self.list_rooms(context, after),
            Request::JoinRoom { room } => self.join_room(context, &room),
            Request::LeaveRoom { room, confirmed } => self.leave_room(context, &room, confirmed),
            Request::RoomMembers { room, after } => self.room_members(context, &room, after),
            Request::Invite { room, account: invited } => self.invite(context, &room, invited),
            Request::Edit { place, room, seq, text } => self.alter(context, self.target(place, room)?, seq, Some(text)),
            Request::Delete { place, room, seq } => self.alter(context, self.target(place, room)?, seq, None),
            Request::FetchAltered { conversation, after } => self.fetch_altered(context, conversation, after),
            Request::React { place, room, seq, emoji, set } => {
                let job = MessageJob::React { account, of: self.target(place, room)?, seq, emoji, set };
                self.submit_for(context, Work::Message(job), PendingJob::Alter { to, bytes: 0 })
            }
            Request::FetchReactors { place, seq, after } => {
                let job = MessageJob::Reactors { account, of: self.target(place, None)?, seq, after };
                self.submit_for(context, Work::Message(job), PendingJob::Read { to })
            }
            Request::MarkRead { place, room, upto } => self.mark_read(context, self.target(place, room)?, upto),
            Request::Arrange { place, room, flag, on } => {
                let job = MessageJob::Arrange { account, of: self.target(place, room)?, flag, on };
                self.submit_for(context, Work::Message(job), PendingJob::Arrange { to, account })
            }
            Request::Typing { place } => self.typing(context, place),
            Request::Away { away } => {
                if let Some(changed) = self.presences.set_away(context.now, to.session, away) {
                    self.stir(changed);
                    self.announce(context.now);
                }
                self.reply(to, Ok(Answer::Done));
                Ok(())
            }
            Request::Watch { whom, since } => self.watch(context, &whom, since),
            Request::Search { text, place, before, limit } => {
                let within = place.map(|place| self.target(place, None)).transpose()?;
                let talk = MessageJob::Search { account, text, within, before, limit: limit.min(HITS_MAX) };
                self.search(context, talk)
            }
            Request::Originals { of, seq, after } => {
                self.submit_for(context, Work::Message(MessageJob::Originals { of, seq, after }), PendingJob::Read { to })
            }
            Request::RemoveFromRoom { room, account, confirmed } => self.remove_from_room(context, &room, account, confirmed),
            Request::RenameRoom { room, name } => self.rename_room(context, &room, name),
            Request::DeleteRoom { room, confirmed } => self.delete_room(context, &room, confirmed),
            Request::OfferFile { to: place, room, bytes, hash } => self.offer_file(context, self.target(place, room)?, bytes, hash),
            Request::SendBlock { hash, offset, block } => self.send_block(context, hash, offset, block),
            Request::PostFile { post, to: place, room, text, name, hash } => {
                let target = self.target(place, room)?;
                let bytes = text.as_str().len();
                let job = FileJob::Post { account, post, to: target, text, name, hash };
                self.submit_for(context, Work::File(job), PendingJob::Post { to, bytes })
            }
            Request::FetchFile { file } => self.submit_for(context, Work::File(FileJob::Find { account, file }), PendingJob::Read { to }),
            Request::FetchBlock { file, offset } => self.fetch_block(context, file, offset),
            Request::ListFiles { place, before } => self.list_files(context, self.target(place, None)?, before),
            Request::KeepRoom { room, number, change, confirmed } => self.keep_room(context, &room, number, change, confirmed),
        }
    }

    /// Hands the job of a request to the store: it is done and noted, or neither.
    pub(super) fn submit_for(&mut self, context: Context<'_>, work: Work, waiting: PendingJob) -> Result<(), Refusal> {
        self.submit(context.now, work.noted_as(context.note.cloned()), waiting)
    }
}
