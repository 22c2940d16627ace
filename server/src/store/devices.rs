//! Devices: which have signed in to an account, which may do so without the password, which may not connect any more.

use std::net::SocketAddr;

use belfry_core::chat::{AccountId, Device, DeviceId, Refusal};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension, params};

use super::column::{clamped, device as read_device, number, optional_time, time};
use super::error::Trouble;
use super::{Outcome, Remembered, StoreError, StoredDevice};
use crate::limits::DEVICES_SEEN_MAX;

const ARRIVE: &str = "INSERT INTO devices (account, device, first_seen, last_seen, remembered, address) VALUES (?1, ?2, ?3, ?3, ?4, ?5)
    ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen, remembered = max(remembered, excluded.remembered), address = excluded.address";
const FORGET_SURPLUS: &str = "DELETE FROM devices WHERE account = ?1 AND remembered = 0 AND revoked_at IS NULL AND device NOT IN
    (SELECT device FROM devices WHERE account = ?1 AND remembered = 0 AND revoked_at IS NULL ORDER BY last_seen DESC, device LIMIT ?2)";
const FORGET: &str = "UPDATE devices SET remembered = 0 WHERE account = ?1 AND device = ?2";
const FORGET_BUT: &str = "UPDATE devices SET remembered = 0 WHERE account = ?1 AND remembered = 1 AND device IS NOT ?2";
const SEEN: &str = "UPDATE devices SET last_seen = ?3 WHERE account = ?1 AND device = ?2";
const LAST_SEEN: &str = "SELECT last_seen FROM devices WHERE account = ?1 AND device = ?2";
const OF: &str = "SELECT device, first_seen, last_seen, remembered, revoked_at, address FROM devices
    WHERE account = ?1 ORDER BY last_seen DESC, device";
const THAT_MATTER: &str = "SELECT account, device, revoked_at IS NOT NULL FROM devices
    WHERE remembered = 1 OR revoked_at IS NOT NULL ORDER BY last_seen, account, device";
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

/// The device needs the password again.
pub(super) fn forget(connection: &Connection, account: AccountId, device: DeviceId) -> Result<(), Trouble> {
    connection.prepare_cached(FORGET)?.execute(params![clamped(account.0), device.0])?;
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

pub(super) fn of(connection: &Connection, account: AccountId) -> Result<Vec<Device>, Trouble> {
    let mut statement = connection.prepare_cached(OF)?;
    let rows = statement.query_map([clamped(account.0)], |row| {
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
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn that_matter(connection: &Connection) -> Result<Vec<StoredDevice>, StoreError> {
    let mut statement = connection.prepare_cached(THAT_MATTER)?;
    let rows = statement.query_map([], |row| {
        Ok(StoredDevice { account: AccountId(number(row, 0)?), device: read_device(row, 1)?, revoked: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn revoke(connection: &Connection, at: UnixMillis, account: AccountId, device: DeviceId) -> Result<Outcome, Trouble> {
    let rows = connection.prepare_cached(REVOKE)?.execute(params![clamped(account.0), device.0, clamped(at.0)])?;
    if rows == 0 { Err(Refusal::NoSuchDevice.into()) } else { Ok(Outcome::Changed) }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{DEVICE, add, arrive, ask, each_store};
    use super::super::{Store, Work};
    use super::*;

    fn devices(store: &mut Store, account: AccountId) -> Vec<Device> {
        match ask(store, 999, Work::ListDevices { account }) {
            Ok(Outcome::Devices(devices)) => devices,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_device_is_listed_with_when_it_was_first_and_last_here() {
        each_store(|store| {
            let anna = add(store, "anna");
            ask(store, 5, arrive(anna, DEVICE, true)).unwrap();
            ask(store, 9, Work::Seen { account: anna, device: DEVICE }).unwrap();
            let listed = devices(store, anna);
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
            let listed = devices(store, anna);
            assert_eq!(listed.len(), DEVICES_SEEN_MAX as usize + 1);
            assert_eq!(listed.last().unwrap().device, DEVICE);
            assert!(!listed.iter().any(|device| device.device == DeviceId([100; 32])));
        });
    }

    #[test]
    fn a_revoked_device_stays_listed_and_is_told_at_the_opening() {
        each_store(|store| {
            let anna = add(store, "anna");
            ask(store, 1, arrive(anna, DEVICE, true)).unwrap();
            assert_eq!(store.opening().unwrap().devices, [StoredDevice { account: anna, device: DEVICE, revoked: false }]);
            ask(store, 7, Work::RevokeDevice { account: anna, device: DEVICE }).unwrap();
            let listed = devices(store, anna);
            assert_eq!((listed[0].revoked_at, listed[0].remembered), (Some(UnixMillis(7)), false));
            assert_eq!(store.opening().unwrap().devices, [StoredDevice { account: anna, device: DEVICE, revoked: true }]);
            let unknown = Work::RevokeDevice { account: anna, device: DeviceId([9; 32]) };
            assert_eq!(ask(store, 7, unknown), Err(Refusal::NoSuchDevice));
        });
    }
}
