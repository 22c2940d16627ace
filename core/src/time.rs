//! The caller's clock: instants handed in, never read.

use alloc::format;
use alloc::string::String;
use core::ops::{Add, Sub};
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since an arbitrary start that the caller chose; only differences mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The caller's start.
    pub const START: Self = Self(0);

    /// `micros` microseconds after the caller's start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds after the caller's start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The last whole multiple of `grain` after the caller's start that is not later than this.
    pub(crate) fn floor(self, grain: Duration) -> Self {
        Self(self.0 - self.0.checked_rem(micros(grain)).unwrap_or(0))
    }

    /// How long after `earlier` this is; zero when the clock went backwards.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(micros(later)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(micros(earlier)))
    }
}

/// Whole microseconds, saturating: a duration beyond 584,000 years is as good as for ever.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Wall-clock time in milliseconds since 1970-01-01T00:00:00Z, for people; never for deciding what happened first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnixMillis(pub u64);

/// The last millisecond of the year 9999: RFC 3339 has four digits for a year (§5.6).
const CALENDAR_END: UnixMillis = UnixMillis(253_402_300_799_999);

impl UnixMillis {
    /// The time in UTC with milliseconds, as RFC 3339 has it, for scripts: `2026-11-21T10:02:03.123Z`. What is beyond the year 9999 is its
    /// end.
    pub fn rfc3339(self) -> String {
        let millis = self.min(CALENDAR_END).0;
        let (days, of_day) = (millis / 86_400_000, millis % 86_400_000);
        // In years that begin in March the leap day is the last one; 719,468 days lie between the first of March of the year 0 and 1970.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        // Five months from March on have 153 days, and so the next five.
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (year, month) = if month < 10 { (400 * era + year, month + 3) } else { (400 * era + year + 1, month - 9) };
        let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", of_day % 1000)
    }
}

/// Both clocks, read together by the driver once a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock: everything that waits is measured by it.
    pub instant: Instant,
    /// The wall clock: what people are shown.
    pub wall: UnixMillis,
}
