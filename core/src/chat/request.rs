//! What a client asks.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{
    AccountName, ArrangementFlag, Audience, Block, ContentHash, ConversationId, DeviceId, FileId, FileName, GroupName, KeepChange,
    LedgerView, NoticeChange, NoticeDraft, NoticeId, Parties, Password, Place, PostId, Presentity, ProfileChange, ReactionEmoji, Receipt,
    Role, RoomName, ScheduleId, SearchText, Seq, Template, TemplateName, Text, Timeline,
};
#[cfg(doc)]
use super::{Answer, Event};

/// Something a client asks of the server. Every request is answered by one [`FromServer::Reply`](super::FromServer::Reply).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Sign in to an account. Answer: [`Answer::Welcome`].
    SignIn {
        /// Whose account.
        account: AccountName,
        /// As it was typed; what is compared is its prepared form.
        password: Password,
        /// From now on this device may sign in without it.
        remember: bool,
    },
    /// Make an account and sign in to it. Answer: [`Answer::Welcome`].
    Register {
        /// The new account's name.
        account: AccountName,
        /// As it was typed; what is compared is its prepared form.
        password: Password,
        /// From now on this device may sign in without it.
        remember: bool,
    },
    /// Tell again what signing in told: [`Event::Conversations`] and open notices. For a client whose queue overflowed. Answer: [`Answer::Done`].
    Sync,
    /// Say something. Answered with [`Answer::Posted`] only once it is stored; the same `post` again is answered the same and stored once.
    Post {
        /// Recognises a repetition.
        post: PostId,
        /// In a room, or to a person, from the point of view of this client.
        to: Place,
        /// A room's number, where whoever says it knows it: then it goes to that room and to no other, whatever either is called by the
        /// time the server reads this. A person's name is never another's.
        room: Option<ConversationId>,
        /// As its author wrote it.
        text: Text,
        /// The message of the same conversation that it replies to; one that is kept no longer, or was taken back, is as good as any.
        reply_to: Option<Seq>,
    },
    /// The messages after `after`, oldest first, at most `limit`. Answer: [`Answer::Page`].
    FetchAfter {
        /// Which conversation.
        conversation: ConversationId,
        /// The last one known.
        after: Seq,
        /// How many at most; the server may send fewer.
        limit: u32,
    },
    /// The newest messages before `before` (or the newest of all), at most `limit`. Answer: [`Answer::Page`].
    FetchBefore {
        /// A room, or the other person of a direct conversation.
        place: Place,
        /// Only messages before this one.
        before: Option<Seq>,
        /// How many at most; the server may send fewer.
        limit: u32,
    },
    /// People by name, after `after`. Answer: [`Answer::People`].
    Who {
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// A notice's receipt. Answer: [`Answer::Done`].
    Receipt {
        /// Which notice.
        notice: NoticeId,
        /// Which of its wordings.
        revision: u32,
        /// What to note.
        receipt: Receipt,
    },
    /// Send a notice (administrators). Answer: [`Answer::NoticeSent`], or [`Answer::NoticeScheduled`] for one that is sent later.
    SendNotice(NoticeDraft),
    /// Notices, newest first, before `before` (administrators). Answer: [`Answer::Notices`].
    ListNotices {
        /// Continue before this one.
        before: Option<NoticeId>,
        /// Only those whose heading or text has this.
        text: Option<SearchText>,
    },
    /// A notice's ledger, or a part of it, after `after` (administrators). Answer: [`Answer::Ledger`].
    NoticeStatus {
        /// Which notice.
        notice: NoticeId,
        /// What of it, in which order.
        view: LedgerView,
        /// Continue after this person.
        after: Option<AccountName>,
    },
    /// Make an account (administrators). Answer: [`Answer::Done`].
    AddUser {
        /// By its name, in whatever case it is typed.
        account: AccountName,
        /// As it was typed; what is compared is its prepared form.
        password: Password,
        /// What it may do.
        role: Role,
    },
    /// Accounts by name, after `after` (administrators). Answer: [`Answer::Users`].
    ListUsers {
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// Give an account a new password: one's own, or any (administrators). The account's other sessions end, and no other device of it
    /// is remembered any more. Answer: [`Answer::Done`].
    SetPassword {
        /// By its name, in whatever case it is typed.
        account: AccountName,
        /// The new one.
        password: Password,
        /// The sessions go on, and the devices stay known.
        keep_sessions: bool,
    },
    /// Change what an account may do (administrators). Answer: [`Answer::Done`].
    SetRole {
        /// By its name, in whatever case it is typed.
        account: AccountName,
        /// The new role.
        role: Role,
        /// Also when scheduled notices are then not sent any more; else that is refused with [`Refusal::StopsSchedules`](super::Refusal).
        confirmed: bool,
    },
    /// Let an account sign in or not (administrators). Disabling ends its sessions at once. Answer: [`Answer::Done`].
    SetDisabled {
        /// By its name, in whatever case it is typed.
        account: AccountName,
        /// Whether it is shut out.
        disabled: bool,
        /// As of [`Request::SetRole`].
        confirmed: bool,
    },
    /// How the server is doing (administrators). Answer: [`Answer::Status`].
    Status,
    // --- Notices, groups, devices ---
    /// Sign in to an account from a device that it knows, without its password. Answer: [`Answer::Welcome`].
    SignInByDevice {
        /// Whose account.
        account: AccountName,
    },
    /// A notice that one is or was shown, as it is now. Answer: [`Answer::Notice`].
    FetchNotice {
        /// By the server's number.
        notice: NoticeId,
    },
    /// Change a notice that was sent (administrators). Answer: [`Answer::NoticeChanged`].
    ChangeNotice {
        /// By the server's number.
        notice: NoticeId,
        /// What becomes of it.
        change: NoticeChange,
    },
    /// Whom an audience would reach (administrators). Answer: [`Answer::Preview`].
    PreviewNotice {
        /// The audiences, joined.
        audience: Vec<Audience>,
    },
    /// Notices that are to be sent later, after `after` (administrators). Answer: [`Answer::Schedules`].
    ListSchedules {
        /// Continue after this one.
        after: Option<ScheduleId>,
    },
    /// Do not send a scheduled notice (administrators). Answer: [`Answer::Done`].
    Unschedule {
        /// By the server's number.
        schedule: ScheduleId,
    },
    /// Keep a template, in place of one of the same name (administrators). Answer: [`Answer::Done`].
    SaveTemplate(Template),
    /// Forget a template (administrators). Answer: [`Answer::Done`].
    RemoveTemplate {
        /// By its name, in whatever case it is typed.
        name: TemplateName,
    },
    /// Templates by name, after `after` (administrators). Answer: [`Answer::Templates`].
    ListTemplates {
        /// Continue after this name.
        after: Option<TemplateName>,
    },
    /// Add accounts to a group, which is made if it is not there (administrators). Answer: [`Answer::Done`].
    AddToGroup {
        /// By its name, in whatever case it is typed.
        group: GroupName,
        /// Whom.
        members: Vec<AccountName>,
    },
    /// Take accounts out of a group, or for an empty list remove the group (administrators). Answer: [`Answer::Done`].
    RemoveFromGroup {
        /// By its name, in whatever case it is typed.
        group: GroupName,
        /// Whom.
        members: Vec<AccountName>,
        /// As of [`Request::SetRole`].
        confirmed: bool,
    },
    /// Groups by name, after `after` (administrators). Answer: [`Answer::Groups`].
    ListGroups {
        /// Continue after this name.
        after: Option<GroupName>,
    },
    /// The accounts in a group by name, after `after` (administrators). Answer: [`Answer::People`].
    GroupMembers {
        /// By its name, in whatever case it is typed.
        group: GroupName,
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// An account's devices: one's own, or anybody's (administrators). Answer: [`Answer::Devices`].
    ListDevices {
        /// By its name, in whatever case it is typed.
        account: AccountName,
        /// Continue after this one.
        after: Option<DeviceId>,
    },
    /// End a device's sessions and let it not connect again: one's own, or anybody's (administrators). Answer: [`Answer::Done`].
    RevokeDevice {
        /// By its name, in whatever case it is typed.
        account: AccountName,
        /// By its public key.
        device: DeviceId,
    },
    /// Who did what on whom, newest first (administrators). Answer: [`Answer::Audit`].
    ReadAudit {
        /// Only entries before this one.
        before: Option<u64>,
    },
    /// The conversations that one may export: one's own, or for administrators all. Answer: [`Answer::Exportable`].
    Exportable {
        /// Only this room.
        room: Option<RoomName>,
        /// Continue after this one.
        after: Option<ConversationId>,
    },
    /// Messages for an export, from the first that is kept; one has asked for [`Request::Exportable`] before. Answer: [`Answer::Exported`].
    ExportPage {
        /// Which conversation.
        conversation: ConversationId,
        /// The last message known.
        after: Seq,
    },
    // --- Rooms, and what becomes of messages ---
    /// Make a room and be its first member. Answer: [`Answer::Done`].
    CreateRoom {
        /// By its name, in whatever case it is typed.
        room: RoomName,
        /// Only those who are invited may join.
        private: bool,
    },
    /// Rooms by name, after `after`; private ones only for those who are in them or invited. Answer: [`Answer::Rooms`].
    ListRooms {
        /// Continue after this name.
        after: Option<RoomName>,
    },
    /// Come into a room. Answer: [`Answer::Done`], behind [`Event::Conversation`].
    JoinRoom {
        /// By its name, in whatever case it is typed.
        room: RoomName,
    },
    /// Leave a room. Answer: [`Answer::Done`], behind [`Event::Left`].
    LeaveRoom {
        /// By its name, in whatever case it is typed.
        room: RoomName,
        /// As of [`Request::SetRole`]; who is no administrator is not asked.
        confirmed: bool,
    },
    /// The people in a room by name, after `after`. Answer: [`Answer::People`].
    RoomMembers {
        /// By its name, in whatever case it is typed.
        room: RoomName,
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// Ask somebody to join a room one is in; administrators may for every room. Answer: [`Answer::Done`].
    Invite {
        /// Which room.
        room: RoomName,
        /// Whom.
        account: AccountName,
    },
    /// Write a message of one's own anew. Answer: [`Answer::Done`].
    Edit {
        /// Where it was said.
        place: Place,
        /// As of [`Request::Post`].
        room: Option<ConversationId>,
        /// By its number in the conversation.
        seq: Seq,
        /// What it says from now on.
        text: Text,
    },
    /// Take a message of one's own back. Its place in the conversation stays. Answer: [`Answer::Done`].
    Delete {
        /// Where it was said.
        place: Place,
        /// As of [`Request::Post`].
        room: Option<ConversationId>,
        /// By its number in the conversation.
        seq: Seq,
    },
    /// Messages that were altered after the alteration of this number, in the order of their last alterations. Answer:
    /// [`Answer::Altered`].
    FetchAltered {
        /// Which conversation.
        conversation: ConversationId,
        /// The last alteration known.
        after: u64,
    },
    /// One has read a conversation so far; all of one's devices hear it. Going back is no news. Answer: [`Answer::Done`].
    MarkRead {
        /// A room, or the other person of a direct conversation.
        place: Place,
        /// As of [`Request::Post`].
        room: Option<ConversationId>,
        /// The last message that was read.
        upto: Seq,
    },
    /// One is writing something just now. Never stored, and told only to those who are here. Answer: [`Answer::Done`].
    Typing {
        /// A room, or the other person of a direct conversation.
        place: Place,
    },
    /// This session is in use, or is not. Answer: [`Answer::Done`].
    Away {
        /// Nobody is at it.
        away: bool,
    },
    /// Messages that say something, in every conversation one is in or in one of them. Answer: [`Answer::Found`].
    Search {
        /// What they say, anywhere in their text, in capitals or not.
        text: SearchText,
        /// Only here.
        place: Option<Place>,
        /// Only messages before this one; only together with `place`.
        before: Option<Seq>,
        /// How many at most; the server may send fewer.
        limit: u32,
    },
    /// What a message said before it was altered, the oldest first (administrators). Answer: [`Answer::Originals`].
    Originals {
        /// Where it was said.
        of: Parties,
        /// By its number in the conversation.
        seq: Seq,
        /// How many to skip: those that are known.
        after: u32,
    },
    // --- Looking after rooms ---
    /// Put somebody out of a room, or take an invitation back (the room's owner, administrators). Answer: [`Answer::Done`].
    RemoveFromRoom {
        /// By its name, in whatever case it is typed.
        room: RoomName,
        /// Whom.
        account: AccountName,
        /// As of [`Request::SetRole`].
        confirmed: bool,
    },
    /// Give a room another name (its owner, administrators). Answer: [`Answer::Done`].
    RenameRoom {
        /// By its name, in whatever case it is typed.
        room: RoomName,
        /// What it is called from now on.
        name: RoomName,
    },
    /// Close a room for good: nobody is in it any more, its name is free, and only administrators can still export what was said (its
    /// owner, administrators). Answer: [`Answer::Done`].
    DeleteRoom {
        /// By its name, in whatever case it is typed.
        room: RoomName,
        /// As of [`Request::SetRole`].
        confirmed: bool,
    },
    /// How long a room's messages are kept (administrators). Answer: [`Answer::Done`]; [`Answer::WouldDelete`] where that has to be
    /// confirmed: it would delete messages, or keep them for less than a day; [`Answer::Kept`] where nothing is to be changed.
    KeepRoom {
        /// By its name, in whatever case it is typed.
        room: RoomName,
        /// Its number, where it is known from [`Answer::WouldDelete`]: what is confirmed there is meant for that room and no other.
        number: Option<ConversationId>,
        /// What becomes of how long, and how many.
        change: KeepChange,
        /// Whoever asks knows what goes.
        confirmed: bool,
    },
    // --- After a backup was put back ---
    /// What a client that was told of another timeline by [`Answer::Welcome`] may still believe: of each conversation that the asker is in
    /// how far it went the same way, by number, after `after`. Conversations that are not listed are others. Nothing at all is listed of a
    /// timeline that the server has never heard of. Answer: [`Answer::Shared`].
    FetchShared {
        /// The timeline that the client knows.
        timeline: Timeline,
        /// Continue after this one.
        after: Option<ConversationId>,
    },
    // --- Who looks at whom ---
    /// These are the people whose coming and going this session shows from now on, in place of those before; a session that has just signed
    /// in shows nobody's. Answer: [`Answer::Watching`].
    Watch {
        /// Nobody, where it is empty: the window is hidden.
        whom: Vec<Presentity>,
        /// The version up to which [`Event::Presence`] has told this session of everyone; 0 for none.
        since: u64,
    },
    /// These notices have reached this program, which shows notices to people; and from here on whatever notice its transport acknowledges
    /// has, too. Answer: [`Answer::Done`].
    Reached {
        /// Which, and which wording of each; at most [`REACHED_PER_REQUEST_MAX`](crate::limits::REACHED_PER_REQUEST_MAX).
        notices: Vec<(NoticeId, u32)>,
    },
    // --- Files ---
    /// Say that a file is to be sent, before its blocks. Answer: [`Answer::Upload`]. The blocks belong to the connection on which this was
    /// asked; on another one it is asked again, and goes on where it was.
    OfferFile {
        /// Where it goes.
        to: Place,
        /// As of [`Request::Post`].
        room: Option<ConversationId>,
        /// How long it is.
        bytes: u64,
        /// What it holds.
        hash: ContentHash,
    },
    /// The next block of a file that was offered. Answer: [`Answer::Received`]; for the last block once the whole is verified and on the
    /// server's disk.
    SendBlock {
        /// Of which content.
        hash: ContentHash,
        /// So many bytes of it stand before this block.
        offset: u64,
        /// It.
        block: Block,
    },
    /// Say something with a file whose content the server has from this person, or has shown them. Answer: [`Answer::Posted`], as of
    /// [`Request::Post`].
    PostFile {
        /// Recognises a repetition.
        post: PostId,
        /// In a room, or to a person, from the point of view of this client.
        to: Place,
        /// As of [`Request::Post`].
        room: Option<ConversationId>,
        /// What its sender writes beside it; where that is nothing, the file's name.
        text: Text,
        /// What the file is called.
        name: FileName,
        /// What it holds.
        hash: ContentHash,
    },
    /// A file that came with a message which one can read. Answer: [`Answer::File`].
    FetchFile {
        /// By the server's number.
        file: FileId,
    },
    /// A block of such a file. Answer: [`Answer::Block`].
    FetchBlock {
        /// By the server's number.
        file: FileId,
        /// From where on.
        offset: u64,
    },
    /// Files that came with the messages of a conversation, newest first, before `before`. Answer: [`Answer::Files`].
    ListFiles {
        /// A room, or the other person of a direct conversation.
        place: Place,
        /// Only files of messages before this one.
        before: Option<Seq>,
    },
    // --- Reactions ---
    /// React to a message with a sign, or take that back; doing it twice changes nothing. Answer: [`Answer::Done`].
    React {
        /// Where it was said.
        place: Place,
        /// As of [`Request::Post`].
        room: Option<ConversationId>,
        /// By its number in the conversation.
        seq: Seq,
        /// With which sign.
        emoji: ReactionEmoji,
        /// It is to be there; otherwise it is taken back.
        set: bool,
    },
    /// Who has reacted to a message, and how, by sign. Answer: [`Answer::Reactors`].
    FetchReactors {
        /// Where it was said.
        place: Place,
        /// By its number in the conversation.
        seq: Seq,
        /// How many to skip: those that are known.
        after: u32,
    },
    // --- Profiles ---
    /// Say something else of a person: one's own status, and where the server's `profiles` are open the rest of one's own profile; administrators
    /// of everybody's. Answer: [`Answer::Done`].
    SetProfile {
        /// Of whom.
        account: AccountName,
        /// What; at most [`PROFILE_CHANGES_MAX`](crate::limits::PROFILE_CHANGES_MAX), one after the other.
        changes: Vec<ProfileChange>,
    },
    // --- Conversations as one has arranged them ---
    /// Pin a conversation, mute it or mark it as unread, or take that back; doing it twice changes nothing. All of one's devices hear it.
    /// Answer: [`Answer::Done`].
    Arrange {
        /// A room, or the other person of a direct conversation.
        place: Place,
        /// As of [`Request::Post`].
        room: Option<ConversationId>,
        /// What of it.
        flag: ArrangementFlag,
        /// It is to be so.
        on: bool,
    },
}

impl Request {
    /// Whether it speaks of anything by a number that the server has given, be it to continue there: after a backup was put back that may be
    /// another thing's.
    pub(crate) const fn speaks_of_a_number(&self) -> bool {
        match self {
            Self::Receipt { .. }
            | Self::Reached { .. }
            | Self::FetchNotice { .. }
            | Self::ChangeNotice { .. }
            | Self::NoticeStatus { .. }
            | Self::Unschedule { .. }
            | Self::Edit { .. }
            | Self::Delete { .. }
            | Self::React { .. }
            | Self::FetchReactors { .. }
            | Self::MarkRead { .. }
            | Self::FetchAfter { .. }
            | Self::FetchAltered { .. }
            | Self::Originals { .. }
            | Self::ExportPage { .. }
            | Self::FetchFile { .. }
            | Self::FetchBlock { .. } => true,
            Self::FetchBefore { before, .. } | Self::Search { before, .. } => before.is_some(),
            Self::Post { room, reply_to, .. } => room.is_some() || reply_to.is_some(),
            Self::OfferFile { room: number, .. } | Self::PostFile { room: number, .. } | Self::KeepRoom { number, .. } => number.is_some(),
            Self::ListFiles { before, .. } => before.is_some(),
            Self::ListNotices { before, .. } => before.is_some(),
            Self::Arrange { room, .. } => room.is_some(),
            Self::ListSchedules { after } => after.is_some(),
            Self::ReadAudit { before } => before.is_some(),
            Self::Exportable { after, .. } => after.is_some(),
            // What a client asks when a backup was put back, it asks about numbers of the other timeline.
            Self::SignIn { .. }
            | Self::Register { .. }
            | Self::SignInByDevice { .. }
            | Self::Sync { .. }
            | Self::FetchShared { .. }
            | Self::Status { .. }
            | Self::Away { .. }
            | Self::Watch { .. }
            | Self::Who { .. }
            | Self::Typing { .. }
            | Self::CreateRoom { .. }
            | Self::ListRooms { .. }
            | Self::JoinRoom { .. }
            | Self::LeaveRoom { .. }
            | Self::RoomMembers { .. }
            | Self::Invite { .. }
            | Self::RemoveFromRoom { .. }
            | Self::RenameRoom { .. }
            | Self::DeleteRoom { .. }
            | Self::SendNotice { .. }
            | Self::PreviewNotice { .. }
            | Self::SaveTemplate { .. }
            | Self::RemoveTemplate { .. }
            | Self::ListTemplates { .. }
            | Self::AddToGroup { .. }
            | Self::RemoveFromGroup { .. }
            | Self::ListGroups { .. }
            | Self::GroupMembers { .. }
            | Self::AddUser { .. }
            | Self::ListUsers { .. }
            | Self::SetPassword { .. }
            | Self::SetProfile { .. }
            | Self::SetRole { .. }
            | Self::SetDisabled { .. }
            | Self::ListDevices { .. }
            | Self::RevokeDevice { .. }
            | Self::SendBlock { .. } => false,
        }
    }
}
