//! The ledger of a notice: what happened to it at each person and on each of their screens.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{AccountName, DeviceId, DisplayName, GroupName, Label, NoticeState, NoticeSummary, Page, ProfileLine};
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
    /// What people call them.
    pub display: Option<DisplayName>,
    /// Where in the house they belong.
    pub department: Option<ProfileLine>,
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

/// How far somebody has come with a notice, as a part of its ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LedgerPart {
    /// Everybody.
    #[default]
    Everybody,
    /// It has reached no screen of theirs.
    NotReached,
    /// It has reached them, whatever they have done with it.
    Reached,
    /// It was visible to them, whatever they have done with it.
    Visible,
    /// They have answered.
    Answered,
    /// They have not answered, wherever the notice is.
    Unanswered,
    /// They have given this answer (an index into the notice's answers).
    Answer(u8),
}

/// In which order the people of a ledger are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LedgerOrder {
    /// By name: whoever reads it to the end has read everybody once.
    #[default]
    Name,
    /// By how much they need somebody to look after them, then by name: whoever gave another answer than the first, the last answer first;
    /// whoever has not answered; whom it has not reached; whoever gave the first answer; whoever has never been here. Whoever answers
    /// while it is read moves.
    Need,
}

/// What is read of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerView {
    /// Only those who are that far.
    pub part: LedgerPart,
    /// Only those who are in this group now.
    pub group: Option<GroupName>,
    /// In which order.
    pub order: LedgerOrder,
}

/// How many lines of a ledger are in each of its parts: all that are in it, those who joined later with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerTally {
    /// All of them.
    pub people: u64,
    /// Those of [`LedgerPart::Reached`].
    pub reached: u64,
    /// Those of [`LedgerPart::Visible`].
    pub visible: u64,
    /// Those who have given each of the notice's answers, in the answers' order.
    pub answers: Vec<u64>,
    /// Those of the whole ledger who have not answered, whichever group was asked for: whom a reminder tells again.
    pub waiting: u64,
}

impl LedgerTally {
    /// How many have answered.
    pub fn answered(&self) -> u64 {
        self.answers.iter().sum()
    }

    /// How many lines a part has.
    pub fn of(&self, part: LedgerPart) -> u64 {
        match part {
            LedgerPart::Everybody => self.people,
            LedgerPart::NotReached => self.people.saturating_sub(self.reached),
            LedgerPart::Reached => self.reached,
            LedgerPart::Visible => self.visible,
            LedgerPart::Answered => self.answered(),
            LedgerPart::Unanswered => self.people.saturating_sub(self.answered()),
            LedgerPart::Answer(answer) => self.answers.get(usize::from(answer)).copied().unwrap_or(0),
        }
    }
}

/// A run of the ledger, in the order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPage {
    /// The notice and its totals.
    pub summary: NoticeSummary,
    /// How many are in each part, of everybody or of the group that was asked for; only with the first run, for it is the same for all.
    pub tally: Option<LedgerTally>,
    /// Those of the part that was asked for.
    pub people: Page<LedgerEntry>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_tally_add_up() {
        let tally = LedgerTally { people: 49, reached: 46, visible: 40, answers: [6, 2].to_vec(), waiting: 41 };
        let of = |part| tally.of(part);
        assert_eq!(of(LedgerPart::NotReached) + of(LedgerPart::Reached), of(LedgerPart::Everybody));
        assert_eq!(of(LedgerPart::Unanswered) + of(LedgerPart::Answered), of(LedgerPart::Everybody));
        assert_eq!([0, 1, 2].map(|answer| of(LedgerPart::Answer(answer))), [6, 2, 0]);
        assert_eq!((of(LedgerPart::Visible), of(LedgerPart::Answered)), (40, 8));
    }
}
