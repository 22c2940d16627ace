//! The windows. Each has one adapter, which is told what to show and never asks; what a person does comes back as a [`Gesture`].
//!
//! Nothing here knows the protocol: rows come from [`crate::scene`], and keys go back as they came.

pub mod about;
pub mod account;
pub mod chat;
pub mod desk;
pub mod dialog;
pub mod look;
pub mod run;
pub mod settings;
pub mod sign_in;

mod files;
mod fonts;
mod keyboard;
mod rows;
#[cfg(test)]
#[cfg(feature = "window-tests")]
mod tests;

pub(crate) mod ui {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::all,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::todo,
        clippy::allow_attributes_without_reason,
        reason = "written by Slint's compiler"
    )]
    slint::include_modules!();
}

use std::path::PathBuf;
use std::rc::Rc;

use crate::alerts::AlertSwitches;
use crate::compose;
use crate::scene::{FileAction, ProfileForm};
use crate::settings::{Language, Theme};

/// What a person did in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gesture {
    /// Chose a conversation by its key.
    Open(String),
    /// Typed into the search field.
    Search(String),
    /// Sent what stands in the composer.
    Say(String),
    /// Scrolled to the upper end.
    ReadBack,
    /// Wants an own message tried again.
    Retry(String),
    /// Wants an own message forgotten.
    Discard(String),
    /// Clicked a link.
    Follow(String),
    /// Answered a notice.
    Answer {
        /// The notice's number, in digits.
        notice: String,
        /// Which of its answers.
        answer: u8,
    },
    /// Has had a notice before their eyes for as long as it takes to read.
    Read(String),
    /// Closed an info notice, or one that is over.
    Dismiss(String),
    /// Closed the popup of a conversation.
    DismissMessage(String),
    /// Wrote something in the popup of a conversation.
    ReplyInPopup {
        /// The conversation's key.
        place: String,
        /// What.
        text: String,
    },
    /// The pointer rests on a popup, or has left it.
    Hover {
        /// The popup's key: `notice 7`, `message lobby`.
        popup: String,
        /// Whether it rests there.
        on: bool,
    },
    /// Nothing, but a popup has another size now.
    PopupResized,
    /// Wants to see every open notice.
    AllNotices,
    /// Does not want to wait for the next try, or wants to sign in again.
    TryNow,
    /// Asks how it stands.
    Why,
    /// Asks the same again.
    WhyAgain,
    /// Asks why they did not see a notice.
    WhyUnseen(String),
    /// Has read the remark.
    CloseRemark,
    /// Chose from the window's menu.
    Choose(String),
    /// Wants the conversation in a file.
    Save,
    /// The chat window is in front and in use, or not any more.
    Attend(bool),
    /// The newest line of the shown conversation has come into view, or has left it.
    SeeEnd(bool),
    /// Moved the line between conversations and people, or folded the people away.
    ArrangeSide {
        /// How much of the lists the people have, in percent.
        people_percent: u8,
        /// They are folded away.
        people_folded: bool,
    },
    /// Chose an emoji for what they are writing.
    PickEmoji(String),
    /// Closed the chat window.
    CloseChat,
    /// Wants to sign in, or to make an account.
    SignIn {
        /// The server as typed.
        server: String,
        /// The name as typed.
        account: String,
        /// The password.
        password: String,
        /// Make the account first.
        register: bool,
    },
    /// Does not want to sign in after all.
    CancelSignIn,
    /// Changed a setting.
    Set(SettingsForm),
    /// Wants to sign in elsewhere.
    OtherServer,
    /// Did something in the administrator's window.
    Desk(DeskGesture),
    /// Did something about messages and rooms beside reading and writing.
    Place(PlaceGesture),
    /// Did something about files.
    File(FileGesture),
    /// Did something about their account.
    Account(AccountGesture),
}

/// What a person did about their account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountGesture {
    /// Wants to see it.
    Open,
    /// Has written what is to be said of them.
    Save(ProfileForm),
    /// Wants a device to be signed out, by its key as it is written.
    SignOut(String),
}

/// What a person did about files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileGesture {
    /// Wants something done with the file of a message.
    Act {
        /// The file's key.
        key: String,
        /// What.
        action: FileAction,
    },
    /// Wants to choose files to send.
    Choose,
    /// Has dropped a file on the window, to send it.
    Drop(PathBuf),
    /// Does not want to send a file that was chosen, by its place among them.
    Detach(usize),
}

/// What of a conversation a person arranges for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arranging {
    /// It stands before the others.
    Pinned,
    /// It pops nothing up.
    Muted,
    /// It is as if something in it were unread.
    Unread,
}

/// What a person did about messages and rooms beside reading and writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceGesture {
    /// Looks for messages.
    Find {
        /// What was typed into the search field.
        words: String,
        /// Only in the shown conversation.
        only_here: bool,
    },
    /// Has done with what was found.
    EndFind,
    /// Wants to see a message that was found, by its key.
    Jump(String),
    /// Scrolled to the lower end, behind which there is more.
    ReadOn,
    /// Wants to see the newest message.
    ToEnd,
    /// Is writing.
    Type,
    /// Wants to write an own message anew, by its number.
    Edit(String),
    /// The same for the newest own message, or the one before the one that is being edited.
    EditBefore,
    /// Leaves a message as it was.
    EndEdit,
    /// Pins a conversation, mutes it or marks it; or takes that back.
    Arrange {
        /// The conversation's key.
        key: String,
        /// What of it.
        what: Arranging,
        /// It is to be so.
        on: bool,
    },
    /// Wants to reply to a message of the shown conversation, by its number.
    Reply(String),
    /// The same for the newest message, or the one before the one that is being replied to.
    ReplyBefore,
    /// The same for the one behind it; behind the newest there is none.
    ReplyBehind,
    /// Replies to none after all.
    EndReply,
    /// Reacts to a message of the shown conversation, or takes that back.
    React {
        /// The message's number.
        seq: String,
        /// The sign.
        emoji: String,
        /// It is to be there.
        set: bool,
    },
    /// Wants to see who has reacted to a message of the shown conversation, by its number.
    ListReactors(String),
    /// Wants to see the message of the shown conversation that another one replies to, by its number.
    Lead(String),
    /// Takes an own message back.
    Delete(String),
    /// Wants to take the one back that is being edited.
    DeleteEdited,
    /// Wants to see rooms.
    ListRooms,
    /// Typed into the search field of the rooms.
    FilterRooms(String),
    /// Makes a room.
    CreateRoom {
        /// Its name as typed.
        name: String,
        /// Only those who are invited may join.
        private: bool,
    },
    /// Comes into a room.
    Join(String),
    /// Does not want to come into a room.
    Decline(String),
    /// Leaves the shown room.
    Leave,
    /// Wants to see who is in the shown room.
    ListMembers,
    /// Typed into the search field of the people in a room.
    FilterMembers(String),
    /// Asks somebody to join the shown room.
    Invite(String),
}

/// What an administrator did in the window for notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskGesture {
    /// Begins a new notice.
    New,
    /// Chose an audience, or took it back, by its key.
    Choose(String),
    /// Typed into the search field of the audiences.
    Search(String),
    /// Chooses all audiences that are found.
    ChooseFound,
    /// Takes those out of the audience who have never been here.
    LeaveOutNeverHere,
    /// Wants this sent.
    Send(compose::NoticeForm),
    /// Yes or no to a notice that has to be confirmed.
    Confirm(bool),
    /// Starts from this template; `None` for an empty form.
    UseTemplate(Option<usize>),
    /// Wants the form kept as a template.
    SaveTemplate {
        /// The template's name as typed.
        name: String,
        /// The form.
        form: compose::NoticeForm,
    },
    /// Wants the template forgotten that the form was begun from.
    RemoveTemplate,
    /// Does not want a scheduled notice sent.
    Unschedule(String),
    /// Wants to see who has had a notice.
    Watch(String),
    /// Typed into the search field of the sent notices.
    SearchSent(String),
    /// Wants to write a notice that says what the shown one says.
    Copy,
    /// Wants to see only those of one part of the ledger, by its place among the parts.
    LookAt(usize),
    /// Wants to see only those of a group, by its place in the list; `None` for everybody.
    LookAtGroup(Option<usize>),
    /// Changes a notice that was sent.
    Change {
        /// Which, by its key: the one that stood there when the person decided.
        notice: String,
        /// What is to become of it.
        change: Change,
    },
    /// Wants the ledger read again.
    Refresh,
    /// Wants the ledger in a file.
    Export,
}

/// What is to become of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Those who have not answered are told again.
    Remind,
    /// It is taken back.
    Withdraw,
    /// It says something else.
    Update {
        /// The heading as typed.
        title: String,
        /// The text as typed.
        body: String,
    },
    /// What it was about is over; what the screens say instead, or nothing.
    AllClear(String),
}

/// The settings as the window has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsForm {
    /// Start with the system.
    pub autostart: bool,
    /// Hold popups back.
    pub do_not_disturb: bool,
    /// Hours as typed; empty for none.
    pub quiet_hours: String,
    /// Show what messages say.
    pub show_texts: bool,
    /// What is heard.
    pub sounds: AlertSwitches,
    /// What flashes in the taskbar.
    pub flashes: AlertSwitches,
    /// Who touches nothing for so many minutes is away; 0 for never.
    pub away_after_minutes: u16,
    /// Light or dark windows.
    pub theme: Theme,
    /// The size of text in percent.
    pub text_percent: u16,
    /// In which the windows speak.
    pub language: Language,
}

/// Where gestures go.
pub type Sink = Rc<dyn Fn(Gesture)>;

/// A window cannot be made or shown: there is no display, or it is gone.
pub type NoDisplay = slint::PlatformError;
