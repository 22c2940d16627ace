//! The reasons of the ledger, audiences and answers, for scripts and for people.

use belfry_core::chat::{Audience, DeviceId, Gap, Label};
use jiff::tz::TimeZone;

use crate::{output, sentence};

/// Letters of a device's key that people tell it by.
const SHORT_LETTERS: usize = 8;

/// What keeps a notice from getting further, for people.
pub(super) fn sentence(gap: Gap, zone: &TimeZone) -> String {
    match gap {
        Gap::NeverConnected => "has never been here".to_owned(),
        Gap::Offline { since } => format!("offline since {}", output::minute(since, zone)),
        Gap::OnItsWay => "on its way".to_owned(),
        Gap::Locked { since } => format!("its screen is locked since {}", output::minute(since, zone)),
        Gap::Unanswered => "online".to_owned(),
        Gap::AnsweredElsewhere => "answered on another device".to_owned(),
        Gap::Over { state, offline_since: None } => state.to_string(),
        Gap::Over { state, offline_since: Some(since) } => {
            format!("{state} while offline since {}", output::minute(since, zone))
        }
    }
}

/// Audiences as they are typed: `everyone`, `group:nurses`.
pub(super) fn audiences(to: &[Audience]) -> Vec<String> {
    let to = if to.is_empty() { &[Audience::Everyone] } else { to };
    to.iter().map(ToString::to_string).collect()
}

/// What stands behind a notice that is not sent yet: ` (to group:nurses; answers: Safe, Need help)`.
pub(super) fn to_whom(to: &[Audience], answers: &[Label]) -> String {
    let offered: Vec<_> = answers.iter().map(Label::as_str).collect();
    let offered = if offered.is_empty() { Label::acknowledge().as_str().to_owned() } else { offered.join(", ") };
    sentence::visible(&format!(" (to {}; answers: {offered})", audiences(to).join(", ")))
}

/// The first letters of a device's key: enough to tell one person's devices apart.
pub(in crate::cli) fn short(device: &DeviceId) -> String {
    device.to_string().chars().take(SHORT_LETTERS).collect()
}
