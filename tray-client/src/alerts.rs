//! What calls for attention beside its popup: a sound, a flash in the taskbar. Both can be switched for each kind.

use std::time::Duration;

use belfry_core::chat::Severity;
use belfry_core::time::Instant;
use serde::{Deserialize, Deserializer, Serialize};

/// Whoever has just been called is not called again for as little or less within this time: ten messages in a row are one sound.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What calls, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKind {
    /// A message that has a popup.
    Message,
    /// A notice for information.
    Info,
    /// An important notice.
    Important,
    /// A critical notice.
    Critical,
}

impl AlertKind {
    /// Every one, the least first.
    pub const ALL: [Self; 4] = [Self::Message, Self::Info, Self::Important, Self::Critical];
}

impl From<Severity> for AlertKind {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Important => Self::Important,
            Severity::Critical => Self::Critical,
        }
    }
}

/// One value for each kind: a person's switches, or what an administrator has settled of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ForEachAlert<T> {
    /// For messages.
    pub messages: T,
    /// For notices for information.
    pub info: T,
    /// For important notices.
    pub important: T,
    /// For critical notices.
    pub critical: T,
}

impl<T> ForEachAlert<T> {
    /// Makes each from its kind.
    pub fn from_fn(mut make: impl FnMut(AlertKind) -> T) -> Self {
        let [messages, info, important, critical] = AlertKind::ALL.map(&mut make);
        Self { messages, info, important, critical }
    }
}

impl<T: Copy> ForEachAlert<T> {
    /// The one of this kind.
    pub const fn of(self, kind: AlertKind) -> T {
        match kind {
            AlertKind::Message => self.messages,
            AlertKind::Info => self.info,
            AlertKind::Important => self.important,
            AlertKind::Critical => self.critical,
        }
    }
}

/// Whether each kind is heard, or flashes.
pub type AlertSwitches = ForEachAlert<bool>;

impl AlertSwitches {
    /// What is heard where nobody has said otherwise: information can wait for a glance.
    pub const SOUNDS: Self = Self { messages: true, info: false, important: true, critical: true };
    /// What flashes then.
    pub const FLASHES: Self = Self { messages: true, info: false, important: true, critical: true };
}

/// Reads the switches of sounds from a settings file. One word alone, as files had it when critical notices alone were heard, is theirs.
///
/// # Errors
/// It is neither.
pub(crate) fn read_sounds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AlertSwitches, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Critical(bool),
        Each(EachWritten),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Critical(critical) => AlertSwitches { critical, ..AlertSwitches::SOUNDS },
        Written::Each(each) => each.over(AlertSwitches::SOUNDS),
    })
}

/// Reads the switches of the taskbar from a settings file.
///
/// # Errors
/// It has something else there.
pub(crate) fn read_flashes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AlertSwitches, D::Error> {
    EachWritten::deserialize(deserializer).map(|each| each.over(AlertSwitches::FLASHES))
}

/// As a file has them: what it does not say is as usual.
#[derive(Deserialize)]
struct EachWritten {
    messages: Option<bool>,
    info: Option<bool>,
    important: Option<bool>,
    critical: Option<bool>,
}

impl EachWritten {
    fn over(&self, usual: AlertSwitches) -> AlertSwitches {
        let settled = ForEachAlert { messages: self.messages, info: self.info, important: self.important, critical: self.critical };
        settled.over(usual)
    }
}

impl ForEachAlert<Option<bool>> {
    /// These where they are settled, and the others elsewhere.
    pub fn over(self, others: AlertSwitches) -> AlertSwitches {
        ForEachAlert::from_fn(|kind| self.of(kind).unwrap_or(others.of(kind)))
    }
}

/// Who has been called last.
#[derive(Debug, Default)]
pub struct Alerts {
    last: Option<(AlertKind, Instant)>,
}

impl Alerts {
    /// Something calls now. Whether it is to be heard: not if as much or more was just before.
    pub fn call(&mut self, now: Instant, kind: AlertKind) -> bool {
        let just_called = self.last.is_some_and(|(before, at)| kind <= before && now.since(at) < AGAIN_AFTER);
        if !just_called {
            self.last = Some((kind, now));
        }
        !just_called
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Instant = Instant::from_micros(1_000_000);

    #[test]
    fn ten_messages_in_a_row_are_one_sound_and_the_next_is_heard_after_a_pause() {
        let mut alerts = Alerts::default();
        let heard = (0..10).filter(|number| alerts.call(BEGIN + Duration::from_millis(100) * *number, AlertKind::Message)).count();
        assert_eq!(heard, 1);
        assert!(alerts.call(BEGIN + AGAIN_AFTER, AlertKind::Message));
    }

    #[test]
    fn what_is_more_urgent_is_heard_although_something_else_just_was() {
        let mut alerts = Alerts::default();
        assert!(alerts.call(BEGIN, AlertKind::Message));
        assert!(alerts.call(BEGIN, AlertKind::Important));
        assert!(!alerts.call(BEGIN, AlertKind::Info));
        assert!(!alerts.call(BEGIN, AlertKind::Important));
        assert!(alerts.call(BEGIN, AlertKind::Critical));
    }

    #[test]
    fn what_is_settled_stands_above_what_the_person_has_set() {
        let settled = ForEachAlert { messages: Some(false), critical: Some(true), ..ForEachAlert::default() };
        let own = ForEachAlert { messages: true, info: true, important: false, critical: false };
        assert_eq!(settled.over(own), ForEachAlert { messages: false, info: true, important: false, critical: true });
    }
}
