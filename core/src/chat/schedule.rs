//! When a notice is sent, and when those who have not answered are told again.

use serde::{Deserialize, Serialize};

use super::{First, ZoneName};

/// When a notice is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// For the first time.
    pub first: First,
    /// Whose clocks and days are meant: the author's; `None` for where the server is.
    pub zone: Option<ZoneName>,
    /// And how it repeats; `None` for once.
    pub every: Option<Every>,
}

/// How a scheduled notice repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Every {
    /// Each so many days, when the clocks of the schedule's zone show the same as the first time.
    Days(u32),
    /// After so many milliseconds.
    Millis(u64),
}

const DAY_MS: u64 = 24 * 3600 * 1000;

impl Every {
    /// How long that is, in milliseconds; of days, those of 24 hours.
    pub const fn about_ms(self) -> u64 {
        match self {
            Self::Days(days) => days as u64 * DAY_MS,
            Self::Millis(millis) => millis,
        }
    }
}

/// When those who have not answered are told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reminding {
    /// After so many milliseconds each time.
    pub every_ms: u64,
    /// How often at most.
    pub limit: u16,
}
