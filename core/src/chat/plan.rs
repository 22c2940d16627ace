//! Notices that are sent later, again, or from a template.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{AccountName, Audience, Label, NoticeDraft, Severity, TemplateName, Text, Title};
use crate::time::UnixMillis;

/// The server's number for a notice that is to be sent later; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScheduleId(pub u64);

/// How a scheduled notice repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Every {
    /// At the same time of day where the server is, each so many days.
    Days(u32),
    /// After so many milliseconds.
    Millis(u64),
}

/// When a notice is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// For the first time.
    pub at: UnixMillis,
    /// And how it repeats; `None` for once.
    pub every: Option<Every>,
}

/// A notice that is to be sent later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// The server's number for it.
    pub id: ScheduleId,
    /// Who scheduled it.
    pub author: AccountName,
    /// When it is sent next.
    pub next_at: UnixMillis,
    /// What is sent. `expires_at` belongs to the first time and moves along with the others.
    pub draft: NoticeDraft,
}

/// When those who have not answered are told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reminding {
    /// After so many milliseconds each time.
    pub every_ms: u64,
    /// How often at most.
    pub limit: u16,
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
    /// Its reminders.
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
