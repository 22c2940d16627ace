//! How a person has arranged a conversation for themselves, on all of their devices.

use serde::{Deserialize, Serialize};

use super::words::words;

/// How a person has arranged a conversation; nobody else hears of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrangement {
    /// It stands before the others.
    pub pinned: bool,
    /// What is said there pops nothing up and makes no sound.
    pub muted: bool,
    /// They want to come back to it, as if something in it were unread.
    pub marked_unread: bool,
}

/// One thing of an [`Arrangement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ArrangementFlag {
    /// [`Arrangement::pinned`].
    Pinned,
    /// [`Arrangement::muted`].
    Muted,
    /// [`Arrangement::marked_unread`].
    MarkedUnread,
}

words! {
    ArrangementFlag {
        Pinned => "pinned",
        Muted => "muted",
        MarkedUnread => "marked-unread",
    }
}

impl Arrangement {
    /// The same with one thing as it is from now on.
    #[must_use]
    pub const fn with(self, flag: ArrangementFlag, on: bool) -> Self {
        match flag {
            ArrangementFlag::Pinned => Self { pinned: on, ..self },
            ArrangementFlag::Muted => Self { muted: on, ..self },
            ArrangementFlag::MarkedUnread => Self { marked_unread: on, ..self },
        }
    }
}
