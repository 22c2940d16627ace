//! What goes into the model beside what was heard, and what comes out.

use belfry_core::chat::{
    AccountName, ArrangementFlag, Audience, ConversationId, DeviceId, FileId, Message, NoticeChange, NoticeDraft, NoticeId, Place, PostId,
    ProfileChange, Quote, ReactionEmoji, Receipt, Refusal, Request, RoomName, ScheduleId, SearchText, Seq, Template, TemplateName, Text,
};
use belfry_core::client::{Command, Ticket};

use super::{Hindrance, LedgerWish};
use crate::transfer::FoundFile;

/// What the person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// See this conversation.
    Open(Place),
    /// The window is in front and in use, or is not any more: only then has somebody read what it shows.
    Attend(bool),
    /// The end of what is said in the shown conversation is in view, or is not: what is below the visible part is not read.
    SeeEnd(bool),
    /// Say something.
    Say {
        /// The room or the person it is said to.
        to: Place,
        /// The message's text, as it is stored.
        text: Text,
        /// The message there that it replies to.
        reply_to: Option<Quote>,
    },
    /// Say something with a file, which is sent first.
    SayWithFile {
        /// The room or the person it is said to.
        to: Place,
        /// What stands beside the file; the file's name where that is nothing.
        text: Text,
        /// The file.
        file: FoundFile,
    },
    /// Do not send a file after all.
    Abandon(Ticket),
    /// Ask the person whether a file that could run is to be saved; or about none any more.
    AskAboutFile(Option<FileId>),
    /// Try a refused message again.
    Retry(Ticket),
    /// Forget a refused message.
    Discard(Ticket),
    /// Read further back.
    ReadBack(Place),
    /// Go on reading, after having read far back.
    ReadOn(Place),
    /// Go to the newest message.
    ToEnd(Place),
    /// See a message where it was said, with what stands around it.
    Seek {
        /// Where it was said.
        place: Place,
        /// The message's place in the conversation.
        seq: Seq,
    },
    /// A notice is visible on an unlocked screen.
    Seen(NoticeId),
    /// A notice is on the screen, and nobody can see it: the screen is locked.
    Locked(NoticeId),
    /// Answer a notice.
    Answer {
        /// The server's number for the notice.
        notice: NoticeId,
        /// With which of its answers.
        answer: u8,
    },
    /// An info notice has left the screen by itself or was closed. The others stay until they are answered.
    Dismiss(NoticeId),
    /// Sit down at the administrator's desk.
    OpenDesk,
    /// Get up from it: its window shows nothing any more.
    CloseDesk,
    /// Choose an audience for the notice that is being written, or take it back; whom all of them reach is asked.
    Choose(Audience),
    /// Name the whole audience at once.
    Aim(Vec<Audience>),
    /// Send a notice, and watch who has it.
    SendNotice(NoticeDraft),
    /// The person is writing something here.
    Type(Place),
    /// Nobody is at this computer, or somebody is again.
    Away(bool),
    /// The window is on the screen, or is not: who is here is asked only for somebody who could see it.
    Show(bool),
    /// Write an own message anew.
    Edit {
        /// Where it was said.
        place: Place,
        /// The message's place in the conversation.
        seq: Seq,
        /// What it says from now on.
        text: Text,
    },
    /// Take an own message back.
    Delete {
        /// Where it was said.
        place: Place,
        /// The message's place in the conversation.
        seq: Seq,
    },
    /// React to a message, or take that back.
    React {
        /// Where it was said.
        place: Place,
        /// The message's place in the conversation.
        seq: Seq,
        /// With which sign.
        emoji: ReactionEmoji,
        /// It is to be there.
        set: bool,
    },
    /// See who has reacted to a message.
    ListReactors {
        /// Where it was said.
        place: Place,
        /// The message's place in the conversation.
        seq: Seq,
    },
    /// Pin a conversation, mute it or mark it as unread, or take that back; on every device.
    Arrange {
        /// The room, or the person it is with.
        place: Place,
        /// What of it.
        flag: ArrangementFlag,
        /// It is to be so.
        on: bool,
    },
    /// Everything that was said here is read, and nothing marks it as unread.
    MarkRead(Place),
    /// See the list of rooms as it is now.
    ListRooms,
    /// See who is in a room.
    ListMembers(RoomName),
    /// Make a room.
    CreateRoom {
        /// The new room's name.
        room: RoomName,
        /// Only those who are invited may join.
        private: bool,
    },
    /// Come into a room.
    Join(RoomName),
    /// Do not come into a room that somebody has asked one to join.
    Decline(RoomName),
    /// Leave a room.
    Leave(RoomName),
    /// Ask somebody to join a room.
    Invite {
        /// The room, in which one is oneself.
        room: RoomName,
        /// The person to be asked.
        account: AccountName,
    },
    /// Look for a text.
    Search {
        /// What messages are to say.
        text: SearchText,
        /// In this conversation only; `None` for all of the person's.
        place: Option<Place>,
    },
    /// Close what a search has found.
    EndSearch,
    /// Yes or no to a notice that has to be confirmed.
    ConfirmNotice(bool),
    /// See who has had a notice.
    WatchNotice(NoticeId),
    /// See only the sent notices that have this; `None` for all.
    SearchSent(Option<SearchText>),
    /// See another part of the watched ledger, or have it written.
    Ledger(LedgerWish),
    /// Change a notice that was sent.
    ChangeNotice {
        /// The server's number for the notice.
        notice: NoticeId,
        /// What is to be different.
        change: NoticeChange,
    },
    /// Keep a template.
    SaveTemplate(Template),
    /// Forget a template.
    RemoveTemplate(TemplateName),
    /// Do not send a scheduled notice.
    Unschedule(ScheduleId),
    /// Hold popups back, except critical notices; or not any more.
    DoNotDisturb(bool),
    /// Something of one's own account.
    Account(AccountIntent),
    /// Something begins to stand between notices and the person, or does not any more.
    Hindered(Hindrance, bool),
    /// The popups of these notices are on the screen, and no others.
    OnScreen(Vec<NoticeId>),
    /// Do not wait for the next try to connect. Also for a computer that woke.
    TryNow,
    /// End the program.
    Quit,
}

/// What the person wants of their account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountIntent {
    /// See it as it is now.
    Open,
    /// Say something else of oneself.
    Describe(Vec<ProfileChange>),
    /// A device is not to sign in any more; the one that is used is signed out by it.
    SignOut(DeviceId),
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell the server.
    Tell(Command),
    /// Send a file, and tell the model how far it is ([`super::Model::transferred`]); until its message is stored it waits like one.
    SendFile {
        /// The number of its message.
        ticket: Ticket,
        /// By what the server recognises that.
        post: PostId,
        /// Where it is to be said.
        to: Place,
        /// The room's number, where it is known.
        room: Option<ConversationId>,
        /// The message's text.
        text: Text,
        /// The file.
        found: FoundFile,
    },
    /// Do not send the file of this message any more.
    GiveUpFile(Ticket),
    /// Look among the messages that are remembered, and tell the model what was found ([`super::Model::looked_up`]).
    LookUp(Lookup),
    /// Draw this part again.
    Redraw(ScreenPart),
    /// Show a notice in a popup, or show its new words in the one it has.
    PopUpNotice(NoticeId),
    /// The popup of a notice is to say that it is over, and to go.
    EndPopUp(NoticeId),
    /// Show a message in a quiet popup.
    PopUpMessage {
        /// Where it was said.
        place: Place,
        /// The message.
        message: Message,
    },
    /// The person has come into the place that they made or wanted to join: show it.
    GoTo(Place),
    /// One is not in the conversation any more that was shown; what was being written there is not for the next one.
    PutOut(Place),
    /// Something that the person asked for was refused, or the connection was lost meanwhile (`None`): tell them.
    Refused(Option<Refusal>),
    /// The goodbye is said: end the program.
    Exit,
}

impl Effect {
    pub(super) const fn ask(ticket: Ticket, request: Request) -> Self {
        Self::Tell(Command::Ask { ticket, request })
    }

    pub(super) const fn receipt(notice: NoticeId, receipt: Receipt) -> Self {
        Self::Tell(Command::Receipt { notice, receipt })
    }
}

/// A question for remembered messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The model's number for the question.
    pub ticket: Ticket,
    /// Of which conversation.
    pub conversation: ConversationId,
    /// From where, and in which direction.
    pub stretch: Stretch,
}

/// Messages of a conversation, as many as fit a page, without a hole between them or to the one they are asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// The newest.
    Newest,
    /// Those that stand directly before this one.
    Before(Seq),
    /// Those that stand directly behind this one.
    After(Seq),
}

/// What can be drawn on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScreenPart {
    /// The icon and the strip that says what is wrong.
    Connection,
    /// The list of conversations.
    Conversations,
    /// The lines of one conversation.
    Lines(Place),
    /// The list of people.
    People,
    /// The strip of open notices, and the list of past ones.
    Notices,
    /// The list of rooms, the invitations, and who is in the room that was asked about.
    Rooms,
    /// What a search has found.
    Search,
    /// Who has reacted to a message.
    Reactors,
    /// The administrator's desk.
    Desk,
    /// The page of one's own account.
    Account,
}
