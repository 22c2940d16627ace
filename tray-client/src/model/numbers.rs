//! Numbers for what is asked and said, each once.

use crate::link::{AskId, OwnId};

/// The next number.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers(u64);

impl Numbers {
    /// Begins with this one.
    pub(super) const fn from(first: u64) -> Self {
        Self(first.saturating_sub(1))
    }

    /// For a question.
    pub(super) const fn ask(&mut self) -> AskId {
        self.0 += 1;
        AskId(self.0)
    }

    /// For an own message.
    pub(super) const fn own(&mut self) -> OwnId {
        self.0 += 1;
        OwnId(self.0)
    }
}
