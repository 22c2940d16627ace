//! Whether the server is there, and the sentence for the person when it is not.

use belfry_core::client::{Failure, Interruption};
use belfry_core::time::{Instant, Now, UnixMillis};
use std::time::Duration;

/// Where the connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// Not signed in yet, and nothing has gone wrong yet.
    Connecting,
    /// Signed in.
    Connected,
    /// Interrupted; it is tried again without being asked.
    Interrupted {
        /// What happened last.
        why: Interruption,
        /// Since when there is no connection: from the first interruption, however often it was tried since.
        since: UnixMillis,
        /// When it is tried again.
        retry_at: Instant,
    },
    /// Stopped until the person does something.
    Stopped(Failure),
    /// Ended by the person.
    Closed,
}

impl ConnectionState {
    pub(super) fn interrupted(&self, now: Now, why: Interruption, retry_in: Duration) -> Self {
        let since = if let Self::Interrupted { since, .. } = self { *since } else { now.wall };
        Self::Interrupted { why, since, retry_at: now.instant + retry_in }
    }

    /// Whether messages come and go.
    pub const fn is_up(&self) -> bool {
        matches!(self, Self::Connected)
    }

    /// The sentence for the errors strip; `None` while nothing is wrong. `time_of_day` writes a time as the system does.
    ///
    /// It changes each second while a new try is near.
    pub fn trouble(&self, now: Instant, time_of_day: impl Fn(UnixMillis) -> String) -> Option<String> {
        match self {
            Self::Connecting | Self::Connected | Self::Closed => None,
            Self::Stopped(failure) => Some(failure.to_string()),
            Self::Interrupted { why, since, retry_at } => {
                let since = time_of_day(*since);
                let what = match why {
                    Interruption::Unreachable => format!("Server unreachable since {since}."),
                    Interruption::Silent => format!("The server has not answered since {since}."),
                    Interruption::GoingAway => format!("The server stopped at {since}."),
                    Interruption::Restarted => format!("The server was restarted at {since}."),
                    Interruption::ClosedByServer(code) => format!("The server ended the connection at {since} (code {code})."),
                    Interruption::Version(outdated) => outdated.to_string(),
                };
                let wait = retry_at.since(now).as_millis().div_ceil(1000);
                Some(match wait {
                    0 => format!("{what} Trying again now."),
                    1..=99 => format!("{what} Trying again in {wait} s."),
                    _ => format!("{what} Trying again in {} min.", wait.div_ceil(60)),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::Refusal;
    use belfry_core::client::Outdated;

    use super::*;

    fn at(seconds: u64) -> Now {
        Now { instant: Instant::from_micros(seconds * 1_000_000), wall: UnixMillis(seconds * 1000) }
    }

    fn clock(wall: UnixMillis) -> String {
        format!("10:{:02}", wall.0 / 60_000)
    }

    #[test]
    fn an_unreachable_server_is_said_with_its_beginning_and_the_next_try() {
        let connection = ConnectionState::Connected.interrupted(at(120), Interruption::Unreachable, Duration::from_secs(8));
        assert_eq!(connection.trouble(at(120).instant, clock).unwrap(), "Server unreachable since 10:02. Trying again in 8 s.");
    }

    #[test]
    fn the_seconds_to_the_next_try_count_down_to_now() {
        let connection = ConnectionState::Connected.interrupted(at(120), Interruption::Unreachable, Duration::from_millis(1500));
        assert!(connection.trouble(at(120).instant, clock).unwrap().ends_with("in 2 s."));
        assert!(connection.trouble(at(121).instant, clock).unwrap().ends_with("in 1 s."));
        assert!(connection.trouble(at(130).instant, clock).unwrap().ends_with("Trying again now."));
    }

    #[test]
    fn a_second_failed_try_keeps_the_beginning_and_says_what_is_wrong_now() {
        let connection = ConnectionState::Connected.interrupted(at(120), Interruption::GoingAway, Duration::from_secs(1)).interrupted(
            at(300),
            Interruption::Unreachable,
            Duration::from_secs(4),
        );
        assert_eq!(connection.trouble(at(300).instant, clock).unwrap(), "Server unreachable since 10:02. Trying again in 4 s.");
    }

    #[test]
    fn whoever_waits_for_an_update_reads_of_which_program_and_no_seconds_of_minutes() {
        let connection =
            ConnectionState::Connecting.interrupted(at(120), Interruption::Version(Outdated::Server), Duration::from_secs(290));
        let said = connection.trouble(at(120).instant, clock).unwrap();
        assert_eq!(
            said,
            "The server is older than this program, and the two do not understand each other: update the server. Trying again in 5 min."
        );
        assert!(connection.trouble(at(320).instant, clock).unwrap().ends_with("in 90 s."));
    }

    #[test]
    fn a_stopped_client_says_what_to_do() {
        let connection = ConnectionState::Stopped(Failure::SignIn(Refusal::AccountDisabled));
        assert_eq!(connection.trouble(at(0).instant, clock).unwrap(), "This account is disabled; ask your administrator.");
    }

    #[test]
    fn nothing_is_said_while_nothing_is_wrong() {
        assert_eq!(ConnectionState::Connecting.trouble(at(0).instant, clock), None);
        assert_eq!(ConnectionState::Connected.trouble(at(0).instant, clock), None);
    }
}
