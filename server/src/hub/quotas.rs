//! What one person or address may use up of what everybody shares: rooms, accounts, bytes in a day, and the last of the disk.

use std::collections::BTreeMap;
use std::time::Duration;

use belfry_core::chat::{AccountId, Refusal, Request, Role};
use belfry_core::source::Source;
use belfry_core::time::{Instant, Now};

use super::rooms::RoomChange;
use super::rules::mebibytes;
use super::{Hub, PendingJob};
use crate::contents::UploadKey;
use crate::limits::{MESSAGE_BESIDE_BYTES, QUOTAS_REMEMBERED_MAX, REGISTRATIONS_IN_ALL, ROOMS_MAX};
use crate::session::SignedIn;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What has been used up lately, and what is left of the disk.
#[derive(Debug)]
pub(super) struct Quotas {
    rooms: Spent<AccountId>,
    bytes: Spent<AccountId>,
    file_bytes: Spent<AccountId>,
    registrations: Spent<Option<Source>>,
    disk_free_bytes: Option<u64>,
    /// The log has said that members' messages are refused.
    is_below_reserve: bool,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            rooms: Spent::within(HOUR),
            bytes: Spent::within(DAY),
            file_bytes: Spent::within(DAY),
            registrations: Spent::within(HOUR),
            disk_free_bytes: None,
            is_below_reserve: false,
        }
    }
}

/// How much each has spent since their window began.
#[derive(Debug)]
struct Spent<K> {
    window: Duration,
    of: BTreeMap<K, (Instant, u64)>,
}

impl<K: Ord + Copy> Spent<K> {
    const fn within(window: Duration) -> Self {
        Self { window, of: BTreeMap::new() }
    }

    /// How much of it is spent.
    fn spent(&self, now: Instant, who: K) -> u64 {
        self.of.get(&who).filter(|(began, _)| now.since(*began) < self.window).map_or(0, |(_, spent)| *spent)
    }

    /// Spends so much, if that is not more than `max` in a window.
    fn spend(&mut self, now: Instant, who: K, amount: u64, max: u64) -> bool {
        if self.of.len() >= QUOTAS_REMEMBERED_MAX {
            self.of.retain(|_, (began, _)| now.since(*began) < self.window);
        }
        let spent = self.of.entry(who).or_insert((now, 0));
        if now.since(spent.0) >= self.window {
            *spent = (now, 0);
        }
        let sum = spent.1 + amount;
        let is_within = sum <= max;
        if is_within {
            spent.1 = sum;
        }
        is_within
    }
}

impl Hub {
    /// So much is free where the database is, as far as the operating system says.
    pub(crate) fn set_disk_free(&mut self, bytes: Option<u64>) {
        self.quotas.disk_free_bytes = bytes;
        self.check_disk_reserve();
    }

    /// Says in the log when the reserve is reached, and when there is room again.
    pub(super) fn check_disk_reserve(&mut self) {
        let is_kept = self.is_below_reserve();
        let was_kept = std::mem::replace(&mut self.quotas.is_below_reserve, is_kept);
        let (free, kept) = (mebibytes(self.quotas.disk_free_bytes.unwrap_or(0)), mebibytes(self.rules.rates.disk_reserve_bytes));
        match (was_kept, is_kept) {
            (false, true) => tracing::warn!(
                "{free} MiB of the disk are free, and {kept} MiB are kept for notices and administrators: members' messages, rooms and \
                 registrations are refused until there is more"
            ),
            (true, false) => tracing::info!("{free} MiB of the disk are free: members' messages are taken again"),
            _ => {}
        }
    }

    /// What is left is for notices, receipts and whoever looks after the server.
    fn is_below_reserve(&self) -> bool {
        self.quotas.disk_free_bytes.is_some_and(|free| free < self.rules.rates.disk_reserve_bytes)
    }

    /// Whether a member may use up what a request takes. Administrators may.
    pub(super) fn charge(&mut self, now: Now, from: &SignedIn, request: &Request) -> Result<(), Refusal> {
        let bytes = match request {
            Request::Post { text, .. } | Request::Edit { text, .. } | Request::PostFile { text, .. } => {
                text.as_str().len() as u64 + MESSAGE_BESIDE_BYTES
            }
            Request::React { set: true, .. } => MESSAGE_BESIDE_BYTES,
            Request::CreateRoom { .. } => {
                self.count_rooms(from)?;
                0
            }
            _ => return Ok(()),
        };
        if from.role() == Role::Admin {
            return Ok(());
        }
        if self.is_below_reserve() {
            return Err(Refusal::DiskAlmostFull);
        }
        let (account, rates) = (from.account(), &self.rules.rates);
        match request {
            Request::CreateRoom { .. } if !self.quotas.rooms.spend(now.instant, account, 1, rates.rooms_per_hour) => {
                Err(Refusal::TooManyRooms)
            }
            Request::CreateRoom { .. } => Ok(()),
            _ if !self.quotas.bytes.spend(now.instant, account, bytes, rates.bytes_a_day) => Err(Refusal::QuotaUsedUp),
            _ => Ok(()),
        }
    }

    /// Whether a file may come: beside what is coming already it leaves room on the disk, and is within what a member may send in a day.
    /// Administrators may use up what is kept for them, and no more than there is.
    pub(super) fn check_room_for(&self, now: Now, upload: UploadKey, is_admin: bool, coming: u64) -> Result<(), Refusal> {
        let kept = if is_admin { 0 } else { self.rules.rates.disk_reserve_bytes };
        let needed = kept.saturating_add(coming).saturating_add(upload.bytes);
        if self.quotas.disk_free_bytes.is_some_and(|free| free < needed) {
            return Err(if is_admin { Refusal::DiskFull } else { Refusal::DiskAlmostFull });
        }
        let left = self.rules.rates.file_bytes_a_day.saturating_sub(self.quotas.file_bytes.spent(now.instant, upload.account));
        if !is_admin && upload.bytes > left { Err(Refusal::FileQuotaUsedUp) } else { Ok(()) }
    }

    /// A block of a file counts when it comes: what is sent again after a break is little.
    pub(super) fn charge_block(&mut self, now: Now, from: &SignedIn, bytes: u64) -> Result<(), Refusal> {
        if from.role() == Role::Admin {
            return Ok(());
        }
        if self.is_below_reserve() {
            return Err(Refusal::DiskAlmostFull);
        }
        let within = self.quotas.file_bytes.spend(now.instant, from.account(), bytes, self.rules.rates.file_bytes_a_day);
        if within { Ok(()) } else { Err(Refusal::FileQuotaUsedUp) }
    }

    /// Rooms that are there and those that are just being made.
    fn count_rooms(&self, from: &SignedIn) -> Result<(), Refusal> {
        let making = |of: Option<AccountId>| {
            let is_one = |waiting: &&PendingJob| match waiting {
                PendingJob::Room { account, change: RoomChange::Create(_), .. } => of.is_none_or(|of| of == *account),
                _ => false,
            };
            self.waiting.jobs().filter(is_one).count()
        };
        if self.rooms.count() + making(None) >= ROOMS_MAX {
            return Err(Refusal::NoMoreRooms);
        }
        let own = self.rooms.count_of(from.account()) + making(Some(from.account()));
        let max = usize::try_from(self.rules.rates.rooms_per_person).unwrap_or(usize::MAX);
        if from.role() != Role::Admin && own >= max { Err(Refusal::TooManyRooms) } else { Ok(()) }
    }

    /// Whether somebody there may make an account now. It counts from here on, whatever becomes of it.
    ///
    /// # Errors
    /// [`Refusal::TooManyRegistrations`], [`Refusal::DiskAlmostFull`].
    pub(crate) fn charge_registration(&mut self, now: Now, from: Source) -> Result<(), Refusal> {
        if self.is_below_reserve() {
            return Err(Refusal::DiskAlmostFull);
        }
        let max = self.rules.rates.registrations_per_hour;
        let registrations = &mut self.quotas.registrations;
        // The narrower first: who is over their own share uses up nothing of the others'.
        let is_within = registrations.spend(now.instant, Some(from), 1, max)
            && registrations.spend(now.instant, None, 1, max.saturating_mul(REGISTRATIONS_IN_ALL));
        if is_within { Ok(()) } else { Err(Refusal::TooManyRegistrations) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::tests::hub;
    use crate::limits::DISK_RESERVE_BYTES;
    use crate::observe::tests::logged;

    #[test]
    fn so_much_is_spent_in_a_window_and_as_much_in_the_next() {
        let mut spent = Spent::within(HOUR);
        assert!(spent.spend(Instant::START, 1, 6, 10));
        assert!(!spent.spend(Instant::START, 1, 5, 10), "one too much");
        assert!(spent.spend(Instant::START, 1, 4, 10), "what was refused was not spent");
        assert!(spent.spend(Instant::START, 2, 10, 10), "others have theirs");
        assert!(!spent.spend(Instant::START + HOUR - Duration::from_micros(1), 1, 1, 10));
        assert!(spent.spend(Instant::START + HOUR, 1, 10, 10));
    }

    #[test]
    fn who_spent_something_long_ago_is_forgotten() {
        let mut spent = Spent::within(HOUR);
        for who in 0..QUOTAS_REMEMBERED_MAX {
            spent.spend(Instant::START, who, 1, 10);
        }
        let before = Instant::START + HOUR - Duration::from_micros(1);
        assert!(!spent.spend(before, 0, 10, 10), "not yet");
        assert!(!spent.spend(before, 1, 10, 10));
        spent.spend(Instant::START + HOUR, usize::MAX, 1, 10);
        assert_eq!(spent.of.len(), 1);
    }

    #[test]
    fn the_log_says_when_the_last_of_the_disk_is_reached_and_when_there_is_room_again() {
        let mut hub = hub();
        let lines = logged(|| {
            for free in [DISK_RESERVE_BYTES, DISK_RESERVE_BYTES - 1, DISK_RESERVE_BYTES - 2, DISK_RESERVE_BYTES] {
                hub.set_disk_free(Some(free));
            }
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("WARN 511 MiB of the disk are free, and 512 MiB are kept for notices"), "{lines:?}");
        assert_eq!(lines[1], "INFO 512 MiB of the disk are free: members' messages are taken again");
    }
}
