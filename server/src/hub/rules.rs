//! The house rules: what an administrator may change while the server runs.

use core::time::Duration;

use super::Registration;
use crate::limits::{ACTS_PER_SECOND, POSTS_PER_SECOND, READS_PER_SECOND, SIGN_IN_FAILURES_PER_ADDRESS};

/// What may change while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether people may make their own accounts.
    pub registration: Registration,
    /// How long things are kept.
    pub retention: Retention,
    /// How much one person may ask.
    pub rates: Rates,
}

/// How long things are kept; `None` for as long as there is room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Messages that are older go.
    pub message_age: Option<Duration>,
    /// Of each conversation only the newest so many are kept; at least 1.
    pub messages_per_conversation: Option<u64>,
    /// Notices that were sent longer ago go with their ledgers, unless their expiry is still to come.
    pub notice_age: Option<Duration>,
    /// Lines of the audit log that are older go.
    pub audit_age: Option<Duration>,
}

impl Retention {
    /// Nothing is ever taken out.
    pub const fn is_forever(&self) -> bool {
        self.message_age.is_none() && self.messages_per_conversation.is_none() && self.notice_age.is_none() && self.audit_age.is_none()
    }
}

/// How much may be asked; what is beyond is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Posts and receipts of one session.
    pub posts_per_second: u64,
    /// Pages that one session reads.
    pub reads_per_second: u64,
    /// Other acts of one session.
    pub acts_per_second: u64,
    /// Failed tries to sign in from one address within [`SIGN_IN_FAILURE_WINDOW`](crate::limits::SIGN_IN_FAILURE_WINDOW).
    pub sign_in_failures_per_address: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            posts_per_second: POSTS_PER_SECOND,
            reads_per_second: READS_PER_SECOND,
            acts_per_second: ACTS_PER_SECOND,
            sign_in_failures_per_address: SIGN_IN_FAILURES_PER_ADDRESS,
        }
    }
}

impl Rules {
    /// The rules of a server that nobody has told otherwise.
    pub fn with_registration(registration: Registration) -> Self {
        Self { registration, retention: Retention::default(), rates: Rates::default() }
    }
}
