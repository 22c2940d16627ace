//! What crosses the border between the two threads: plain values, nothing shared.

use belfry_core::chat::{
    AccountName, ConversationId, Found, Message, Notice, NoticeId, Person, Place, PresenceChange, Progress, Refusal, Role, Room, RoomName,
    SearchText, Seq, Text,
};
use belfry_core::client::{Failure, Interruption};
use belfry_core::crypto::PublicKey;
use std::time::Duration;

use super::desk::{DeskAsk, DeskNews};

/// The model's number for one of its own messages, from when it was written until it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnId(pub u64);

/// The model's number for something it asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// To the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Down {
    /// Say something. Waits while there is no connection. Answered by [`Up::Stored`] or [`Up::PostRefused`].
    Post {
        /// The model's number for it.
        own: OwnId,
        /// Where.
        to: Place,
        /// What.
        text: Text,
    },
    /// The person chose an answer. Kept until the server has it.
    Answer {
        /// Of which notice.
        notice: NoticeId,
        /// Which: an index into its answers.
        answer: u8,
    },
    /// A notice is visible on an unlocked screen. Kept until the server knows.
    MarkVisible(NoticeId),
    /// A notice is there, and the screen is locked.
    MarkLocked(NoticeId),
    /// Read older messages. Answered by [`Up::Page`] or [`Up::AskFailed`].
    AskOlder {
        /// The model's number for the question.
        ask: AskId,
        /// Where.
        place: Place,
        /// Only messages before this one; `None` for the newest.
        before: Option<Seq>,
    },
    /// Read the messages behind this one. Answered by [`Up::Page`] or [`Up::AskFailed`].
    AskNewer {
        /// The model's number for the question.
        ask: AskId,
        /// Which conversation.
        conversation: ConversationId,
        /// Only messages after this one.
        after: Seq,
    },
    /// Read the first message that the server keeps of a conversation. Answered by [`Up::Page`] or [`Up::AskFailed`].
    AskFirst {
        /// The model's number for the question.
        ask: AskId,
        /// Which conversation.
        conversation: ConversationId,
    },
    /// Read a part of the list of people. Answered by [`Up::People`] or [`Up::AskFailed`].
    AskPeople {
        /// The model's number for the question.
        ask: AskId,
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// What has become of a notice. Answered by [`Up::Notice`] or [`Up::AskFailed`].
    AskNotice {
        /// The model's number for the question.
        ask: AskId,
        /// Which notice.
        notice: NoticeId,
    },
    /// What an administrator does at the desk. Answered by [`Up::Desk`] or [`Up::AskFailed`].
    Desk {
        /// The model's number for the question.
        ask: AskId,
        /// What is asked.
        what: DeskAsk,
    },
    /// The person has read so far. Kept until the server knows. Answered by [`Up::Done`] or [`Up::AskFailed`].
    MarkRead {
        /// The model's number for the question.
        ask: AskId,
        /// Where.
        place: Place,
        /// The last message that was read.
        upto: Seq,
    },
    /// The person is writing. Told now or never.
    Typing(Place),
    /// Nobody is at this computer, or somebody is again.
    Away(bool),
    /// Write an own message anew. Answered by [`Up::Done`] or [`Up::AskFailed`].
    Edit {
        /// The model's number for the question.
        ask: AskId,
        /// Where it was said.
        place: Place,
        /// Which.
        seq: Seq,
        /// What it says from now on.
        text: Text,
    },
    /// Take an own message back. Answered by [`Up::Done`] or [`Up::AskFailed`].
    Delete {
        /// The model's number for the question.
        ask: AskId,
        /// Where it was said.
        place: Place,
        /// Which.
        seq: Seq,
    },
    /// Read a part of the list of rooms. Answered by [`Up::Rooms`] or [`Up::AskFailed`].
    AskRooms {
        /// The model's number for the question.
        ask: AskId,
        /// Continue after this name.
        after: Option<RoomName>,
    },
    /// Read a part of the list of people in a room. Answered by [`Up::People`] or [`Up::AskFailed`].
    AskMembers {
        /// The model's number for the question.
        ask: AskId,
        /// Which room.
        room: RoomName,
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// Make a room. Answered by [`Up::Done`] or [`Up::AskFailed`].
    CreateRoom {
        /// The model's number for the question.
        ask: AskId,
        /// Its name.
        room: RoomName,
        /// Only those who are invited may join.
        private: bool,
    },
    /// Come into a room. Answered by [`Up::Done`] or [`Up::AskFailed`].
    JoinRoom {
        /// The model's number for the question.
        ask: AskId,
        /// Which.
        room: RoomName,
    },
    /// Leave a room. Answered by [`Up::Done`] or [`Up::AskFailed`].
    LeaveRoom {
        /// The model's number for the question.
        ask: AskId,
        /// Which.
        room: RoomName,
    },
    /// Ask somebody to join a room. Answered by [`Up::Done`] or [`Up::AskFailed`].
    Invite {
        /// The model's number for the question.
        ask: AskId,
        /// Which.
        room: RoomName,
        /// Whom.
        account: AccountName,
    },
    /// Look for a text. Answered by [`Up::Found`] or [`Up::AskFailed`].
    Search {
        /// The model's number for the question.
        ask: AskId,
        /// The text.
        text: SearchText,
        /// Only here.
        place: Option<Place>,
    },
    /// The computer woke, its addresses changed, or the person does not want to wait: see at once whether the server is there.
    Wake,
    /// Say goodbye. [`Up::Closed`] follows.
    Quit,
}

/// From the server, in the order it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Up {
    /// The server has proven this key.
    Identity {
        /// Its key.
        key: PublicKey,
        /// It is trusted only because it is the first one seen.
        first_use: bool,
    },
    /// Signed in.
    SignedIn {
        /// The account as the server writes its name.
        account: AccountName,
        /// What it may do.
        role: Role,
    },
    /// What follows is new.
    CaughtUp,
    /// A message: each once, in the order of its conversation.
    Message {
        /// Where it was said.
        place: Place,
        /// The message.
        message: Message,
    },
    /// A notice in its current state.
    Notice(Notice),
    /// People came or went.
    Presence(Vec<PresenceChange>),
    /// A part of the list of people.
    People {
        /// Which question this answers.
        ask: AskId,
        /// Some of them, by name.
        people: Vec<Person>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// The messages that were asked for, oldest first, without gaps; none when there are no such messages.
    Page {
        /// Which question this answers.
        ask: AskId,
        /// The messages.
        messages: Vec<Message>,
    },
    /// A notice that one has sent has come further.
    Progress {
        /// Which notice.
        notice: NoticeId,
        /// How far.
        progress: Progress,
    },
    /// Something for the administrator's desk.
    Desk {
        /// Which question this answers.
        ask: AskId,
        /// What.
        news: DeskNews,
    },
    /// A conversation one is in, as the server has it.
    Conversation {
        /// The server's number for it, whatever it is called.
        id: ConversationId,
        /// Where.
        place: Place,
        /// Its newest message.
        last: Seq,
        /// The last message that the person has read, on whichever device.
        read: Seq,
        /// How many are newer than that.
        unread: u64,
        /// The number of its last alteration.
        alterations: u64,
    },
    /// A room one is in has another name.
    Renamed {
        /// What it was called.
        from: Place,
        /// What it is called now.
        to: Place,
    },
    /// One is not in a conversation any more.
    Left(Place),
    /// A message was altered.
    Altered {
        /// Where it was said.
        place: Place,
        /// As it is now.
        message: Message,
    },
    /// The person has read so far, here or on another device.
    Read {
        /// Where.
        place: Place,
        /// The last message that was read.
        read: Seq,
        /// How many were newer when the server counted.
        unread: u64,
    },
    /// Somebody asks one to join a room.
    Invited {
        /// Which.
        room: RoomName,
        /// Who.
        by: AccountName,
    },
    /// Somebody is writing something just now.
    Typing {
        /// Where.
        place: Place,
        /// Who.
        account: AccountName,
    },
    /// A part of the list of rooms.
    Rooms {
        /// Which question this answers.
        ask: AskId,
        /// Some of them, by name.
        rooms: Vec<Room>,
        /// More follow after the last one of these.
        more: bool,
    },
    /// What a search has found.
    Found {
        /// Which question this answers.
        ask: AskId,
        /// It.
        found: Found,
    },
    /// What was asked is done.
    Done(AskId),
    /// A question has come to nothing.
    AskFailed {
        /// Which.
        ask: AskId,
        /// Why, where the server said so; `None` when the connection was lost.
        refusal: Option<Refusal>,
    },
    /// An own message is on the server's disk.
    Stored {
        /// Which.
        own: OwnId,
        /// Its place in its conversation.
        seq: Seq,
    },
    /// An own message is not stored and is not tried again.
    PostRefused {
        /// Which.
        own: OwnId,
        /// Why.
        refusal: Refusal,
    },
    /// No connection for now; it is tried again without being asked.
    Interrupted {
        /// What happened.
        why: Interruption,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// It makes no sense to go on without the person doing something.
    Failed(Failure),
    /// The goodbye is said.
    Closed,
}
