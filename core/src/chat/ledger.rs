//! The ledger of a notice: what happened to it at each person and on each of their screens.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{AccountName, DeviceId, Label, NoticeState, NoticeSummary, Page};
use crate::time::UnixMillis;

/// What keeps a notice from getting further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Gap {
    /// They have never connected: there is no screen to show it on.
    NeverConnected,
    /// Not connected since then.
    Offline {
        /// When it was last here.
        since: UnixMillis,
    },
    /// Connected, and it has not confirmed that it has the notice.
    OnItsWay,
    /// It has the notice; its screen is locked.
    Locked {
        /// When it said so.
        since: UnixMillis,
    },
    /// It has the notice and is connected: the person has not looked or not answered.
    Unanswered,
    /// The person has answered on another device.
    AnsweredElsewhere,
    /// The notice was over first.
    Over {
        /// In which way.
        state: NoticeState,
        /// Since when it was not connected at that time, if that is why.
        offline_since: Option<UnixMillis>,
    },
}

impl Gap {
    /// The same without the times and what else belongs to it.
    pub const fn reason(self) -> GapReason {
        match self {
            Self::NeverConnected => GapReason::NeverConnected,
            Self::Offline { .. } => GapReason::Offline,
            Self::OnItsWay => GapReason::OnItsWay,
            Self::Locked { .. } => GapReason::Locked,
            Self::Unanswered => GapReason::Unanswered,
            Self::AnsweredElsewhere => GapReason::AnsweredElsewhere,
            Self::Over { state, .. } => GapReason::Over(state),
        }
    }
}

/// A [`Gap`] as JSON and tables name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// Of [`Gap::NeverConnected`].
    NeverConnected,
    /// Of [`Gap::Offline`].
    Offline,
    /// Of [`Gap::OnItsWay`].
    OnItsWay,
    /// Of [`Gap::Locked`].
    Locked,
    /// Of [`Gap::Unanswered`].
    Unanswered,
    /// Of [`Gap::AnsweredElsewhere`].
    AnsweredElsewhere,
    /// Of [`Gap::Over`]: the notice's own word.
    Over(NoticeState),
}

words! {
    GapReason {
        NeverConnected => "never_connected",
        Offline => "offline",
        OnItsWay => "on_its_way",
        Locked => "locked",
        Unanswered => "unanswered",
        AnsweredElsewhere => "answered_elsewhere",
        Over(NoticeState::Open) => "open",
        Over(NoticeState::Expired) => "expired",
        Over(NoticeState::Withdrawn) => "withdrawn",
        Over(NoticeState::AllClear) => "all-clear",
    }
}

/// What the ledger says of one device of a person, or of their other programs together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceEntry {
    /// Which; `None` for all programs together that need the password: every call of a script would be a device of its own.
    pub device: Option<DeviceId>,
    /// When the server first had it on its way there; `None` while the device has not been here since.
    pub queued_at: Option<UnixMillis>,
    /// When it confirmed that it has it.
    pub reached_at: Option<UnixMillis>,
    /// When it was first visible on its unlocked screen.
    pub visible_at: Option<UnixMillis>,
    /// The answer that was given here, and when.
    pub answered: Option<(Label, UnixMillis)>,
    /// The newest revision that it has confirmed; 0 for none.
    pub revision: u32,
    /// Since when it has not been here; `None` while it is connected.
    pub offline_since: Option<UnixMillis>,
    /// It is connected now.
    pub online: bool,
    /// Why it has not been answered here.
    pub gap: Option<Gap>,
}

/// What the ledger says of one person: the furthest that it came on any of their devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// By the name that it was given, as it was spelled then.
    pub account: AccountName,
    /// When it reached them.
    pub reached_at: Option<UnixMillis>,
    /// When it was first visible.
    pub visible_at: Option<UnixMillis>,
    /// Which answer, and when.
    pub answered: Option<(Label, UnixMillis)>,
    /// The newest revision that has reached them; 0 for none.
    pub revision: u32,
    /// Since when they have not been here; `None` while they are online or when they never were.
    pub offline_since: Option<UnixMillis>,
    /// Whether they are connected now.
    pub online: bool,
    /// Why they have not answered.
    pub gap: Option<Gap>,
    /// They were not meant when it was sent: an account that was made later, or let in again. They have the notice, and are in no total.
    pub later: bool,
    /// Their devices, those that may sign in without the password, and behind them their other programs.
    pub devices: Vec<DeviceEntry>,
}

/// A run of the ledger, in order of name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPage {
    /// The notice and its totals.
    pub summary: NoticeSummary,
    /// In order of name.
    pub people: Page<LedgerEntry>,
}
