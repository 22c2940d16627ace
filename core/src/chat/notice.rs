//! Notices and the ledger of who has had them.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{AccountName, GroupName, InvalidName, Label, PostId, Reminding, RoomName, Schedule, Text, Title};
use crate::time::UnixMillis;

/// The server's number for a notice; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NoticeId(pub u64);

/// How much a notice insists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Leaves the screen by itself.
    Info,
    /// Stays until answered.
    Important,
    /// Stays until answered and overrides do not disturb.
    Critical,
}

words! {
    Severity {
        Info => "info",
        Important => "important",
        Critical => "critical",
    }
}

/// Whom a notice is for. Several are joined; a person in several of them has the notice once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Audience {
    /// Every account but the author's, also those made while the notice is open; these are in no total.
    Everyone,
    /// One account.
    Account(AccountName),
    /// The members of a group of accounts.
    Group(GroupName),
    /// The members of a room.
    Room(RoomName),
}

impl Audience {
    /// Whether a room of this name is among them.
    pub fn names_room(audience: &[Self], name: &RoomName) -> bool {
        audience.iter().any(|one| matches!(one, Self::Room(room) if room.key() == name.key()))
    }

    /// Names a room that has another name now; whether it was among them.
    pub fn rename_room(audience: &mut [Self], old: &RoomName, new: &RoomName) -> bool {
        let mut is_named = false;
        for room in audience.iter_mut().filter_map(|one| if let Self::Room(room) = one { Some(room) } else { None }) {
            if room.key() == old.key() {
                *room = new.clone();
                is_named = true;
            }
        }
        is_named
    }
}

impl fmt::Display for Audience {
    /// `everyone`, `user:anna`, `group:nurses`, `room:ward 4`; no name contains a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str(EVERYONE),
            Self::Account(name) => write!(f, "user:{name}"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Room(name) => write!(f, "room:{name}"),
        }
    }
}

impl FromStr for Audience {
    type Err = InvalidAudience;

    /// Reads what [`Display`](fmt::Display) writes, also names that only older servers have given.
    fn from_str(typed: &str) -> Result<Self, InvalidAudience> {
        let audience = match typed.split_once(':') {
            None if typed == EVERYONE => return Ok(Self::Everyone),
            Some(("user", name)) => name.parse().map(Self::Account),
            Some(("group", name)) => name.parse().map(Self::Group),
            Some(("room", name)) => name.parse().map(Self::Room),
            _ => return Err(InvalidAudience::Form),
        };
        audience.map_err(InvalidAudience::Name)
    }
}

const EVERYONE: &str = "everyone";

/// Why a text names no audience; each displays as a sentence for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidAudience {
    /// It has another form.
    Form,
    /// What stands behind the colon cannot be a name.
    Name(InvalidName),
}

impl fmt::Display for InvalidAudience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("Write everyone, user:NAME, group:NAME or room:NAME."),
            Self::Name(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for InvalidAudience {}

/// A notice as its author writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeDraft {
    /// Recognises the same draft sent again after a lost answer; drawn when it is asked to be sent.
    pub post: PostId,
    /// How much it insists.
    pub severity: Severity,
    /// Its heading, if any.
    pub title: Option<Title>,
    /// What it says.
    pub body: Text,
    /// Whom it is for; joined. Never empty.
    pub audience: Vec<Audience>,
    /// The answers it offers, in order; empty stands for the default one, "Acknowledge".
    pub answers: Vec<Label>,
    /// How long it matters from when it is sent, by the server's clock, in milliseconds; `None` for ever.
    pub expires_after_ms: Option<u64>,
    /// When to send it; `None` for now.
    pub schedule: Option<Schedule>,
    /// When those who have not answered are told again.
    pub remind: Option<Reminding>,
    /// The author has seen whom it reaches; without that a critical notice to everyone is refused.
    pub confirmed: bool,
}

impl NoticeDraft {
    /// A notice of these words, at once, for ever, with the default answer. It has no number yet.
    pub const fn new(severity: Severity, body: Text, audience: Vec<Audience>) -> Self {
        Self {
            post: PostId { outbox: 0, counter: 0 },
            severity,
            title: None,
            body,
            audience,
            answers: Vec::new(),
            expires_after_ms: None,
            schedule: None,
            remind: None,
            confirmed: false,
        }
    }
}

/// Whether a notice still matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoticeState {
    /// Shown to whoever has not answered.
    Open,
    /// Its time has passed.
    Expired,
    /// Its author took it back.
    Withdrawn,
    /// What it was about is over, its author says.
    AllClear,
}

words! {
    NoticeState {
        Open => "open",
        Expired => "expired",
        Withdrawn => "withdrawn",
        AllClear => "all-clear",
    }
}

/// A notice as a screen shows it: always its current state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The server's number for it.
    pub id: NoticeId,
    /// How much it insists.
    pub severity: Severity,
    /// Its heading, if any.
    pub title: Option<Title>,
    /// What it says.
    pub body: Text,
    /// The answers it offers; at least one.
    pub answers: Vec<Label>,
    /// Who sent it.
    pub author: AccountName,
    /// By the server's clock.
    pub sent_at: UnixMillis,
    /// When it stops mattering.
    pub expires_at: Option<UnixMillis>,
    /// Whether it still matters.
    pub state: NoticeState,
    /// Counts its wordings, from 1.
    pub revision: u32,
    /// How often those who have not answered were reminded; a screen shows it anew when it grows.
    pub reminder: u32,
    /// How the reader has answered, on whichever device.
    pub answered: Option<GivenAnswer>,
}

impl Notice {
    /// A notice as it is when it has just been sent: without a heading, for ever, with the default answer, and nobody has answered.
    pub fn new(id: NoticeId, author: AccountName, sent_at: UnixMillis, severity: Severity, body: Text) -> Self {
        Self {
            id,
            severity,
            title: None,
            body,
            answers: [Label::acknowledge()].to_vec(),
            author,
            sent_at,
            expires_at: None,
            state: NoticeState::Open,
            revision: 1,
            reminder: 0,
            answered: None,
        }
    }
}

/// An answer that somebody has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenAnswer {
    /// An index into the notice's answers.
    pub answer: u8,
    /// By the server's clock.
    pub at: UnixMillis,
}

/// What becomes of a notice that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoticeChange {
    /// Other words, another severity, another end. Answers that were given stay. What is `None` stays as it is.
    Update {
        /// The new severity.
        severity: Option<Severity>,
        /// The new heading.
        title: Option<Title>,
        /// The new text.
        body: Option<Text>,
        /// How long it still matters from when the server has this, in milliseconds; `Some(None)` for ever.
        expires_after_ms: Option<Option<u64>>,
    },
    /// It is taken back.
    Withdraw,
    /// What it was about is over.
    AllClear {
        /// What the screens say instead.
        body: Option<Text>,
    },
    /// Those who have not answered are told again.
    Remind,
}

/// What a screen reports about a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Receipt {
    /// It has arrived at the program.
    Reached,
    /// It is there, and the screen is locked: nobody can see it.
    Locked,
    /// It is visible on an unlocked screen.
    Visible,
    /// The person chose this answer (an index into the notice's answers).
    Answered(u8),
}

/// How far a notice has come: how many people of its audience are at least that far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// People in the audience: those who were meant when it was sent.
    pub audience: u64,
    /// Whom it has reached.
    pub reached: u64,
    /// On whose screen it was visible.
    pub visible: u64,
    /// Who has answered.
    pub answered: u64,
}

/// One line of the list of notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeSummary {
    /// As it is now.
    pub notice: Notice,
    /// How far it has come.
    pub progress: Progress,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_that_is_called_otherwise_is_named_so_wherever_it_was_meant() {
        let room = |typed| RoomName::new(typed).unwrap();
        let anna = || Audience::Account(AccountName::new("attic").unwrap());
        let mut audience = [Audience::Room(room("attic")), anna(), Audience::Room(room("cellar")), Audience::Room(room("ATTIC"))];
        assert!(Audience::rename_room(&mut audience, &room("Attic"), &room("loft")));
        let loft = Audience::Room(room("loft"));
        assert_eq!(audience, [loft.clone(), anna(), Audience::Room(room("cellar")), loft]);
        let before = audience.clone();
        assert!(!Audience::rename_room(&mut audience, &room("attic"), &room("roof")));
        assert_eq!(audience, before);
    }
}
