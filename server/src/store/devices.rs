//! Devices: which have signed in to an account, which may do so without the password, which may not connect any more.

use std::net::SocketAddr;

use belfry_core::chat::{AccountId, AccountName, Device, DeviceId, Refusal};
use belfry_core::limits::PAGE_ENTRIES_MAX;
use belfry_core::source::Source;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{clamped, device as read_device, optional_time, time};
use super::error::Trouble;
use super::page::{Limit, taken};
use super::{Familiar, KnownDevice, NamedAccount, Outcome, Remembered, StoredDevices, accounts};
use crate::limits::{ADDRESSES_KNOWN_MAX, DEVICES_REMEMBERED_MAX, DEVICES_SEEN_MAX};

const ARRIVE: &str = "INSERT INTO devices (account, device, first_seen, last_seen, remembered, address) VALUES (?1, ?2, ?3, ?3, ?4, ?5)
    ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen, remembered = max(remembered, excluded.remembered), address = excluded.address";
const FORGET_SURPLUS: &str = "DELETE FROM devices WHERE account = ?1 AND remembered = 0 AND revoked_at IS NULL AND device NOT IN
    (SELECT device FROM devices WHERE account = ?1 AND remembered = 0 AND revoked_at IS NULL ORDER BY last_seen DESC, device LIMIT ?2)";
const FORGET_OLDEST: &str = "UPDATE devices SET remembered = 0 WHERE account = ?1 AND remembered = 1 AND device NOT IN
    (SELECT device FROM devices WHERE account = ?1 AND remembered = 1 ORDER BY device = ?2 DESC, last_seen DESC, device LIMIT ?3)";
const FORGET_BUT: &str = "UPDATE devices SET remembered = 0 WHERE account = ?1 AND remembered = 1 AND device IS NOT ?2";
const SEEN: &str = "UPDATE devices SET last_seen = ?3 WHERE account = ?1 AND device = ?2";
const LAST_SEEN: &str = "SELECT last_seen FROM devices WHERE account = ?1 AND device = ?2";
const OF: &str = "SELECT device, first_seen, last_seen, remembered, revoked_at, address FROM devices
    WHERE account = ?1 AND device > ?2 ORDER BY device LIMIT ?3";
const STANDING: &str = "SELECT remembered, revoked_at IS NOT NULL FROM devices WHERE account = ?1 AND device = ?2";
const KNOWN_ADDRESS: &str = "INSERT INTO known_addresses (account, address, last_seen) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen";
const FORGET_ADDRESSES: &str = "DELETE FROM known_addresses WHERE account = ?1 AND address NOT IN
    (SELECT address FROM known_addresses WHERE account = ?1 ORDER BY last_seen DESC, address LIMIT ?2)";
const FAMILIAR: &str = "SELECT EXISTS (SELECT 1 FROM devices WHERE account = ?1 AND device = ?2 AND revoked_at IS NULL),
    EXISTS (SELECT 1 FROM known_addresses WHERE account = ?1 AND address = ?3)";
const REVOKE: &str = "UPDATE devices SET revoked_at = coalesce(revoked_at, ?3), remembered = 0 WHERE account = ?1 AND device = ?2";

pub(super) fn arrive(
    connection: &Connection,
    at: UnixMillis,
    account: AccountId,
    device: DeviceId,
    address: SocketAddr,
    remember: bool,
) -> Result<(), Trouble> {
    let row = params![clamped(account.0), device.0, clamped(at.0), remember, address.to_string()];
    connection.prepare_cached(ARRIVE)?.execute(row)?;
    if remember {
        let row = params![clamped(account.0), device.0, DEVICES_REMEMBERED_MAX];
        connection.prepare_cached(FORGET_OLDEST)?.execute(row)?;
    }
    // A script's every call is a device of its own; the latest are enough to see what is going on.
    connection.prepare_cached(FORGET_SURPLUS)?.execute(params![clamped(account.0), DEVICES_SEEN_MAX])?;
    Ok(())
}

/// An account has a new password: which of its devices need it, too.
pub(super) fn forget_but(connection: &Connection, account: AccountId, remembered: Remembered) -> Result<(), Trouble> {
    let stays = match remembered {
        Remembered::All => return Ok(()),
        Remembered::Only(device) => device.map(|device| device.0),
    };
    connection.prepare_cached(FORGET_BUT)?.execute(params![clamped(account.0), stays])?;
    Ok(())
}

pub(super) fn seen(connection: &Connection, at: UnixMillis, account: AccountId, device: DeviceId) -> Result<(), Trouble> {
    connection.prepare_cached(SEEN)?.execute(params![clamped(account.0), device.0, clamped(at.0)])?;
    Ok(())
}

pub(super) fn last_seen(connection: &Connection, account: AccountId, device: DeviceId) -> Result<Option<UnixMillis>, Trouble> {
    let key = params![clamped(account.0), device.0];
    Ok(connection.prepare_cached(LAST_SEEN)?.query_row(key, |row| time(row, 0)).optional()?)
}

pub(super) fn of(connection: &Connection, account: &AccountName, after: Option<DeviceId>) -> Result<Outcome, Trouble> {
    let account = accounts::find(connection, account)?;
    let mut statement = connection.prepare_cached(OF)?;
    let limit = Limit::new(PAGE_ENTRIES_MAX);
    let after = after.map_or_else(Vec::new, |device| device.0.to_vec());
    let rows = statement.query_map(params![clamped(account.0), after, limit.rows()], |row| {
        Ok(Device {
            device: read_device(row, 0)?,
            first_seen: time(row, 1)?,
            last_seen: time(row, 2)?,
            connected: false,
            // An address that cannot be read is none: nothing depends on it.
            address: row.get::<_, Option<String>>(5)?.and_then(|address| address.parse().ok()),
            remembered: row.get(3)?,
            revoked_at: optional_time(row, 4)?,
        })
    })?;
    Ok(StoredDevices { account, devices: limit.fill(rows, taken)? }.into())
}

/// What a device is to an account.
pub(super) fn standing(connection: &Connection, account: AccountId, device: DeviceId) -> Result<KnownDevice, Trouble> {
    let found = connection.prepare_cached(STANDING)?.query_row(params![clamped(account.0), device.0], |row| {
        Ok(match (row.get(1)?, row.get(0)?) {
            (true, _) => KnownDevice::Revoked,
            (false, true) => KnownDevice::Remembered,
            (false, false) => KnownDevice::No,
        })
    });
    Ok(found.optional()?.unwrap_or(KnownDevice::No))
}

/// Whether an account has been signed in to on a device, or on any at its address.
pub(super) fn familiar(connection: &Connection, account: AccountId, device: DeviceId, source: Source) -> Result<Familiar, Trouble> {
    let key = params![clamped(account.0), device.0, source.to_bits().to_be_bytes()];
    Ok(connection.prepare_cached(FAMILIAR)?.query_row(key, |row| {
        Ok(match (row.get(0)?, row.get(1)?) {
            (true, _) => Familiar::Device,
            (false, true) => Familiar::Address,
            (false, false) => Familiar::No,
        })
    })?)
}

/// An account has been signed in to from there.
pub(super) fn note_address(connection: &Connection, at: UnixMillis, account: AccountId, source: Source) -> Result<(), Trouble> {
    let row = params![clamped(account.0), source.to_bits().to_be_bytes(), clamped(at.0)];
    connection.prepare_cached(KNOWN_ADDRESS)?.execute(row)?;
    connection.prepare_cached(FORGET_ADDRESSES)?.execute(params![clamped(account.0), ADDRESSES_KNOWN_MAX])?;
    Ok(())
}

pub(super) fn revoke(connection: &Connection, at: UnixMillis, account: &AccountName, device: DeviceId) -> Result<Outcome, Trouble> {
    let account = accounts::find(connection, account)?;
    let rows = connection.prepare_cached(REVOKE)?.execute(params![clamped(account.0), device.0, clamped(at.0)])?;
    if rows == 0 { Err(Refusal::NoSuchDevice.into()) } else { Ok(NamedAccount { account }.into()) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{DEVICE, add, arrive, ask, each_store, named};
    use super::super::{ProvenBy, Store, StoredDevices, Visitor, Work};
    use super::*;
    use belfry_core::chat::Page;

    fn devices(store: &mut Store, typed: &str) -> Vec<Device> {
        match ask(store, 999, Work::ListDevices { account: named(typed), after: None }) {
            Ok(Outcome::Devices(StoredDevices { devices: Page { entries: devices, .. }, .. })) => devices,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_device_is_listed_with_when_it_was_first_and_last_here() {
        each_store(|store| {
            let anna = add(store, "anna");
            ask(store, 5, arrive(anna, DEVICE, true)).unwrap();
            ask(store, 9, Work::Seen { account: anna, device: DEVICE }).unwrap();
            let listed = devices(store, "anna");
            assert_eq!((listed.len(), listed[0].device, listed[0].remembered), (1, DEVICE, true));
            assert_eq!((listed[0].first_seen, listed[0].last_seen), (UnixMillis(5), UnixMillis(9)));
            assert_eq!(listed[0].address, Some(([192, 0, 2, 9], 40_000).into()));
        });
    }

    #[test]
    fn only_the_latest_devices_that_are_not_remembered_are_kept() {
        each_store(|store| {
            let anna = add(store, "anna");
            ask(store, 1, arrive(anna, DEVICE, true)).unwrap();
            for n in 0..=DEVICES_SEEN_MAX {
                let device = DeviceId([100 + n as u8; 32]);
                ask(store, 10 + u64::from(n), arrive(anna, device, false)).unwrap();
            }
            let listed = devices(store, "anna");
            assert_eq!(listed.len(), DEVICES_SEEN_MAX as usize + 1);
            assert!(listed.iter().any(|device| device.device == DEVICE));
            assert!(!listed.iter().any(|device| device.device == DeviceId([100; 32])));
        });
    }

    #[test]
    fn the_device_that_was_here_longest_ago_makes_room_for_one_that_is_to_be_remembered() {
        each_store(|store| {
            let anna = add(store, "anna");
            let device = |n: u64| DeviceId([n as u8; 32]);
            let most = DEVICES_REMEMBERED_MAX as u64;
            for n in 1..=most {
                ask(store, n, arrive(anna, device(n), true)).unwrap();
            }
            ask(store, 100, Work::Seen { account: anna, device: device(1) }).unwrap();
            ask(store, 101, arrive(anna, device(200), false)).unwrap();
            let remembered = |store: &mut Store| -> Vec<_> {
                devices(store, "anna").into_iter().filter(|device| device.remembered).map(|device| device.device).collect()
            };
            assert_eq!(remembered(store).len() as u64, most, "one that is not to be remembered takes nobody's place");
            // At an earlier time, as after the clock was set: it is the one that is here.
            ask(store, 0, arrive(anna, device(201), true)).unwrap();
            let now = remembered(store);
            assert_eq!((now.len() as u64, now.contains(&device(2))), (most, false));
            assert!(now.contains(&device(1)) && now.contains(&device(201)));
            ask(store, 102, arrive(anna, device(201), true)).unwrap();
            assert_eq!(remembered(store).len() as u64, most);
        });
    }

    #[test]
    fn a_device_that_is_remembered_stays_so_and_another_becomes_so_once_that_is_asked_for() {
        each_store(|store| {
            let anna = add(store, "anna");
            for (at, remember, expected) in [(1, false, false), (2, true, true), (3, false, true)] {
                ask(store, at, arrive(anna, DEVICE, remember)).unwrap();
                assert_eq!(devices(store, "anna")[0].remembered, expected);
            }
        });
    }

    #[test]
    fn what_one_account_has_too_many_of_takes_nothing_from_another() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            let arrives = |store: &mut Store, at: u64, account: AccountId, device: u8, host: u8, remember: bool| {
                let (device, address) = (DeviceId([device; 32]), ([192, 0, 2, host], 40_000).into());
                let source = super::super::fixture::home(host);
                let visitor = Visitor { device, address, source, remember, proven_by: ProvenBy::Password };
                let work = Work::SignIn { account, visitor };
                ask(store, at, work).unwrap();
            };
            arrives(store, 1, bob, 1, 201, true);
            arrives(store, 2, bob, 2, 202, false);
            let before = devices(store, "bob");
            let most = DEVICES_SEEN_MAX.max(DEVICES_REMEMBERED_MAX).max(ADDRESSES_KNOWN_MAX) as u8;
            for n in 0..=most {
                arrives(store, 100, anna, 100 + n, n, true);
                arrives(store, 100, anna, 150 + n, n, false);
            }
            assert_eq!(devices(store, "bob"), before);
            // They have been here longer ago than any of hers, and another one comes.
            arrives(store, 3, bob, 3, 203, true);
            arrives(store, 3, bob, 4, 203, false);
            let remembered: Vec<_> = devices(store, "bob").iter().map(|device| device.remembered).collect();
            assert_eq!(remembered, [true, false, true, false]);
            for host in [201, 202] {
                let work = Work::LookUp { name: named("bob"), device: DeviceId([9; 32]), source: super::super::fixture::home(host) };
                let Ok(Outcome::LookedUp(Some(login))) = ask(store, 4, work) else { panic!() };
                assert_eq!(login.familiar, Familiar::Address);
            }
        });
    }

    #[test]
    fn devices_that_are_remembered_or_revoked_take_no_place_from_those_that_are_not() {
        each_store(|store| {
            let anna = add(store, "anna");
            let most = DEVICES_SEEN_MAX as u8;
            for n in 1..=most {
                ask(store, 1, arrive(anna, DeviceId([n; 32]), false)).unwrap();
            }
            ask(store, 2, arrive(anna, DeviceId([101; 32]), true)).unwrap();
            ask(store, 2, arrive(anna, DeviceId([102; 32]), true)).unwrap();
            ask(store, 2, Work::RevokeDevice { account: named("anna"), device: DeviceId([102; 32]) }).unwrap();
            ask(store, 3, arrive(anna, DeviceId([101; 32]), false)).unwrap();
            assert_eq!(devices(store, "anna").len(), usize::from(most) + 2);
        });
    }

    #[test]
    fn devices_are_listed_of_one_account_and_after_one_that_is_known() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            let device = |n: u8| DeviceId([n; 32]);
            for (account, n) in [(anna, 1), (bob, 2), (anna, 3), (bob, 4), (anna, 5)] {
                ask(store, 1, arrive(account, device(n), true)).unwrap();
            }
            let mut listed = |after| match ask(store, 9, Work::ListDevices { account: named("anna"), after }) {
                Ok(Outcome::Devices(StoredDevices { devices: Page { entries: devices, .. }, .. })) => {
                    devices.into_iter().map(|device| device.device).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            };
            assert_eq!((listed(None), listed(Some(device(3)))), (vec![device(1), device(3), device(5)], vec![device(5)]));
        });
    }

    #[test]
    fn a_revoked_device_stays_listed() {
        each_store(|store| {
            let anna = add(store, "anna");
            ask(store, 1, arrive(anna, DEVICE, true)).unwrap();
            ask(store, 7, Work::RevokeDevice { account: named("Anna"), device: DEVICE }).unwrap();
            let listed = devices(store, "anna");
            assert_eq!((listed[0].revoked_at, listed[0].remembered), (Some(UnixMillis(7)), false));
            ask(store, 8, Work::RevokeDevice { account: named("anna"), device: DEVICE }).unwrap();
            assert_eq!(devices(store, "anna"), listed, "twice is once");
            let unknown = |typed, device| Work::RevokeDevice { account: named(typed), device };
            assert_eq!(ask(store, 7, unknown("anna", DeviceId([9; 32]))), Err(Refusal::NoSuchDevice));
            assert_eq!(ask(store, 7, unknown("nobody", DEVICE)), Err(Refusal::UnknownAccount));
        });
    }

    #[test]
    fn a_revocation_outlives_every_signing_in_from_whatever_device() {
        each_store(|store| {
            let anna = add(store, "anna");
            ask(store, 1, arrive(anna, DEVICE, true)).unwrap();
            ask(store, 2, Work::RevokeDevice { account: named("anna"), device: DEVICE }).unwrap();
            let is_revoked = |store: &mut Store| {
                let listed = devices(store, "anna");
                listed.iter().any(|device| device.device == DEVICE && device.revoked_at == Some(UnixMillis(2)) && !device.remembered)
            };
            // One that is to be remembered, one that is not, and more of either than are kept.
            for n in 0..=2 * u64::from(DEVICES_SEEN_MAX.max(DEVICES_REMEMBERED_MAX)) {
                let mut device = [7; 32];
                device[..8].copy_from_slice(&n.to_be_bytes());
                ask(store, 10 + n, arrive(anna, DeviceId(device), n % 2 == 0)).unwrap();
                assert!(is_revoked(store), "after {} others", n + 1);
            }
            assert_eq!(ask(store, 999, arrive(anna, DEVICE, true)), Err(Refusal::UnknownDevice));
            assert!(is_revoked(store));
        });
    }
}
