//! Notices that are sent later, again, or from a template.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{AccountName, Audience, Label, NoticeDraft, Reminding, Severity, TemplateName, Text, Title, ZoneName};
use crate::time::UnixMillis;

/// The server's number for a notice that is to be sent later; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScheduleId(pub u64);

/// A notice that is to be sent later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// The server's number for it.
    pub id: ScheduleId,
    /// Who scheduled it.
    pub author: AccountName,
    /// When it is sent next; `None` for one that was not sent when its time came, and does not repeat.
    pub next_at: Option<UnixMillis>,
    /// Whose clocks are meant.
    pub zone: ZoneName,
    /// What is sent.
    pub draft: NoticeDraft,
    /// Why it was not sent when its time came last.
    pub missed: Option<Missed>,
    /// Why it would not be sent as things are now.
    pub obstacle: Option<Obstacle>,
}

/// A scheduled notice was not sent when its time came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// When that was.
    pub at: UnixMillis,
    /// What stood in its way then.
    pub why: Obstacle,
}

/// What keeps a scheduled notice from being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Obstacle {
    /// Its author may not sign in any more.
    AuthorDisabled,
    /// Its author is no administrator any more.
    AuthorNoAdmin,
    /// A room that it is for is closed.
    NoRoom,
    /// A group that it is for is removed.
    NoGroup,
    /// An account that it is for is not there.
    NoAccount,
    /// Nobody is left whom it is for.
    Nobody,
    /// It would have ended before it was sent: the server was not running.
    Over,
}

impl Obstacle {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::AuthorDisabled, Self::AuthorNoAdmin, Self::NoRoom, Self::NoGroup, Self::NoAccount, Self::Nobody, Self::Over];

    /// The words for it, as they stand behind "not sent:".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorDisabled => "its author is disabled",
            Self::AuthorNoAdmin => "its author is no administrator any more",
            Self::NoRoom => "its room is closed",
            Self::NoGroup => "its group is removed",
            Self::NoAccount => "its account is not there any more",
            Self::Nobody => "nobody is left whom it is for",
            Self::Over => "it would have been over before it was sent",
        }
    }
}

/// A notice to start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// What it is called.
    pub name: TemplateName,
    /// How much the notice insists.
    pub severity: Severity,
    /// Its heading, if any.
    pub title: Option<Title>,
    /// What it says.
    pub body: Text,
    /// Whom it is for; empty for whom the sender names.
    pub audience: Vec<Audience>,
    /// The answers it offers; empty for the default one.
    pub answers: Vec<Label>,
    /// How long it matters, in milliseconds.
    pub expires_after_ms: Option<u64>,
    /// `None` for a notice that is told once.
    pub remind: Option<Reminding>,
}

/// Whom an audience would reach now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// People, each once.
    pub people: u64,
    /// Those who are connected.
    pub online: u64,
    /// Those who are not, and were before.
    pub offline: u64,
    /// Those who have never connected.
    pub never: u64,
    /// Everyone is among the audiences: sending a critical notice has to be confirmed.
    pub everyone: bool,
}
