//! The house rules: what an administrator may change while the server runs.

use core::fmt;
use core::time::Duration;

use belfry_core::time::UnixMillis;

use super::Registration;
use crate::limits::{
    ACTS_PER_SECOND, BYTES_A_DAY, DISK_RESERVE_BYTES, FILE_BYTES_A_DAY, FILE_BYTES_MAX, FILES_BYTES_MAX, POSTS_PER_SECOND,
    READS_PER_SECOND, REGISTRATIONS_PER_HOUR, ROOMS_PER_HOUR, ROOMS_PER_PERSON, SIGN_IN_FAILURES_PER_ADDRESS,
};
use crate::store::Kept;

/// Who says what a person is called, where they belong and where they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profiles {
    /// The person, and administrators.
    Open,
    /// Only administrators.
    Closed,
}

/// What may change while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether people may make their own accounts.
    pub registration: Registration,
    /// Whether people may say for themselves what they are called, where they belong and where they are reached.
    pub profiles: Profiles,
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
    /// Whether something that `other` keeps is kept no longer.
    pub(super) fn is_shorter_than(&self, other: &Self) -> bool {
        fn shorter<T: PartialOrd>(new: Option<T>, old: Option<T>) -> bool {
            new.is_some_and(|new| old.is_none_or(|old| new < old))
        }
        shorter(self.message_age, other.message_age)
            || shorter(self.messages_per_conversation, other.messages_per_conversation)
            || shorter(self.notice_age, other.notice_age)
            || shorter(self.audit_age, other.audit_age)
    }

    /// What is kept at this moment.
    pub(super) fn kept(&self, now: UnixMillis) -> Kept {
        let from = |age: Duration| UnixMillis(now.0.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX)));
        Kept {
            messages_from: self.message_age.map(from),
            messages: self.messages_per_conversation,
            notices_from: self.notice_age.map(from),
            audit_from: self.audit_age.map(from),
        }
    }

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
    /// Accounts that people at one address make for themselves.
    pub registrations_per_hour: u64,
    /// Rooms that one member makes.
    pub rooms_per_hour: u64,
    /// Rooms that one member has.
    pub rooms_per_person: u64,
    /// Bytes that one member writes.
    pub bytes_a_day: u64,
    /// Bytes of one file.
    pub file_bytes_max: u64,
    /// Bytes of files that one member sends.
    pub file_bytes_a_day: u64,
    /// Bytes of all files.
    pub files_bytes_max: u64,
    /// With less of the disk free, members' messages are not taken.
    pub disk_reserve_bytes: u64,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            posts_per_second: POSTS_PER_SECOND,
            reads_per_second: READS_PER_SECOND,
            acts_per_second: ACTS_PER_SECOND,
            sign_in_failures_per_address: SIGN_IN_FAILURES_PER_ADDRESS,
            registrations_per_hour: REGISTRATIONS_PER_HOUR,
            rooms_per_hour: ROOMS_PER_HOUR,
            rooms_per_person: ROOMS_PER_PERSON,
            bytes_a_day: BYTES_A_DAY,
            file_bytes_max: FILE_BYTES_MAX,
            file_bytes_a_day: FILE_BYTES_A_DAY,
            files_bytes_max: FILES_BYTES_MAX,
            disk_reserve_bytes: DISK_RESERVE_BYTES,
        }
    }
}

impl Rules {
    /// The rules of a server that nobody has told otherwise.
    pub fn with_registration(registration: Registration) -> Self {
        Self { registration, profiles: Profiles::Open, retention: Retention::default(), rates: Rates::default() }
    }
}

impl fmt::Display for Rules {
    /// One line for whoever reads the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registration, profiles, retention, rates } = self;
        let registration = match registration {
            Registration::Open => "open",
            Registration::Closed => "closed",
        };
        let profiles = match profiles {
            Profiles::Open => "open",
            Profiles::Closed => "closed",
        };
        write!(f, "registration {registration}; profiles {profiles}; {retention}; {rates}")
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message_age, messages_per_conversation, notice_age, audit_age } = self;
        let kept = |age: &Option<Duration>| age.map_or_else(|| "forever".to_owned(), |age| format!("for {}", spelled(age)));
        let count = messages_per_conversation.map_or_else(String::new, |count| format!(", the newest {count} of each conversation"));
        let (messages, notices, audit) = (kept(message_age), kept(notice_age), kept(audit_age));
        write!(f, "messages kept {messages}{count}; notices kept {notices}; the audit log kept {audit}")
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { posts_per_second, reads_per_second, acts_per_second, sign_in_failures_per_address, .. } = self;
        let Self { registrations_per_hour, rooms_per_hour, rooms_per_person, bytes_a_day, disk_reserve_bytes, .. } = self;
        let Self { file_bytes_max, file_bytes_a_day, files_bytes_max, .. } = self;
        let (written, kept) = (mebibytes(*bytes_a_day), mebibytes(*disk_reserve_bytes));
        let [one, sent, all] = [file_bytes_max, file_bytes_a_day, files_bytes_max].map(|bytes| mebibytes(*bytes));
        write!(
            f,
            "{posts_per_second} posts, {reads_per_second} pages and {acts_per_second} other acts in a second, {sign_in_failures_per_address} \
             failed sign-ins in a minute; {registrations_per_hour} registrations from an address and {rooms_per_hour} rooms of a person in an \
             hour, {rooms_per_person} rooms of a person; {written} MiB written by a person in a day; files of {one} MiB, \
             {sent} MiB of them from a person in a day and {all} MiB in all; {kept} MiB of the disk kept free"
        )
    }
}

/// Of so many bytes those that fill a MiB.
pub(super) const fn mebibytes(bytes: u64) -> u64 {
    bytes >> 20
}

/// A length of time in words, to the second: `365 days`, `1 hour 30 minutes`.
pub fn spelled(length: Duration) -> String {
    let seconds = length.as_secs();
    let parts = [(seconds / 86_400, "day"), (seconds / 3600 % 24, "hour"), (seconds / 60 % 60, "minute"), (seconds % 60, "second")];
    let words: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    if words.is_empty() { "less than a second".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_spelled_out() {
        let spelled = |seconds| spelled(Duration::from_secs(seconds));
        assert_eq!([60, 5400, 365 * 86_400, 86_401].map(spelled), ["1 minute", "1 hour 30 minutes", "365 days", "1 day 1 second"]);
        assert_eq!(spelled(0), "less than a second");
    }

    #[test]
    fn the_rules_are_one_line_without_the_programs_own_notation() {
        let mut rules = Rules::with_registration(Registration::Closed);
        rules.retention =
            Retention { message_age: Some(Duration::from_secs(86_400)), messages_per_conversation: Some(7), ..Retention::default() };
        rules.rates = Rates {
            posts_per_second: 1,
            reads_per_second: 2,
            acts_per_second: 3,
            sign_in_failures_per_address: 4,
            registrations_per_hour: 5,
            rooms_per_hour: 6,
            rooms_per_person: 7,
            bytes_a_day: 8 << 20,
            file_bytes_max: 11 << 20,
            file_bytes_a_day: 12 << 20,
            files_bytes_max: 13 << 20,
            disk_reserve_bytes: (10 << 20) - 1,
        };
        assert_eq!(
            rules.to_string(),
            "registration closed; profiles open; messages kept for 1 day, the newest 7 of each conversation; notices kept forever; the audit \
             log kept forever; 1 posts, 2 pages and 3 other acts in a second, 4 failed sign-ins in a minute; 5 registrations from an address and 6 rooms of a \
             person in an hour, 7 rooms of a person; 8 MiB written by a person in a day; files of 11 MiB, 12 MiB of them \
             from a person in a day and 13 MiB in all; 9 MiB of the disk kept free"
        );
    }

    #[test]
    fn a_retention_is_shorter_where_one_thing_is_kept_less_long() {
        let forever = Retention::default();
        let each = |n: u64| {
            let age = Some(Duration::from_secs(n));
            [
                Retention { message_age: age, ..forever },
                Retention { messages_per_conversation: Some(n), ..forever },
                Retention { notice_age: age, ..forever },
                Retention { audit_age: age, ..forever },
            ]
        };
        for ((less, old), more) in each(1).into_iter().zip(each(2)).zip(each(3)) {
            assert!(less.is_shorter_than(&old) && old.is_shorter_than(&forever), "{less:?} {old:?}");
            assert!([old, more, forever].iter().all(|new| !new.is_shorter_than(&old)), "{old:?} {more:?}");
        }
    }
}
