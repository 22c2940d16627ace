//! Who may sign in: what is known of somebody who wants to, and what is noted and read when they do.

use belfry_core::chat::{AccountId, AccountName, DeviceId, Refusal};
use belfry_core::source::Source;
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OptionalExtension};

use super::column::clamped;
use super::error::Trouble;
use super::{KnownDevice, Outcome, Overview, ProvenBy, StoredLogin, Visitor, accounts, conversations, devices, ledger, notices};

const PASSWORD_HASH: &str = "SELECT password_hash FROM accounts WHERE id = ?1";

/// No account has this number: they are counted from 1.
const NOBODY: AccountId = AccountId(0);

/// Reads what is known of whoever says to be `name`. For nobody the same is asked, so that it takes the same time.
pub(super) fn look_up(connection: &Connection, name: &AccountName, device: DeviceId, source: Source) -> Result<Outcome, Trouble> {
    let account = match accounts::find(connection, name) {
        Ok(account) => account,
        Err(Trouble::Refused(_)) => NOBODY,
        Err(trouble) => return Err(trouble),
    };
    let familiar = devices::familiar(connection, account, device, source)?;
    let device = devices::standing(connection, account, device)?;
    let hash = connection.prepare_cached(PASSWORD_HASH)?.query_row([clamped(account.0)], |row| row.get(0)).optional()?;
    let Some(password_hash) = hash else { return Ok(Outcome::LookedUp(None)) };
    let account = accounts::stored(connection, account)?;
    Ok(Outcome::LookedUp(Some(Box::new(StoredLogin { account, password_hash, device, familiar }))))
}

/// Lets somebody in who has proven who they are, if they still may: what they have proven it by may be over since.
pub(super) fn enter(connection: &Connection, at: UnixMillis, account: AccountId, visitor: Visitor) -> Result<Outcome, Trouble> {
    let Visitor { device, address, source, remember, proven_by } = visitor;
    match devices::standing(connection, account, device)? {
        KnownDevice::Revoked => return Err(Refusal::UnknownDevice.into()),
        KnownDevice::No if proven_by == ProvenBy::Device => return Err(Refusal::UnknownDevice.into()),
        KnownDevice::No | KnownDevice::Remembered => {}
    }
    if accounts::stored(connection, account)?.disabled {
        return Err(Refusal::AccountDisabled.into());
    }
    ledger::note_missed(connection, at, account, device)?;
    accounts::seen(connection, at, account)?;
    devices::arrive(connection, at, account, device, address, remember)?;
    devices::note_address(connection, at, account, source)?;
    notices::join_those_to_everyone(connection, at, account)?;
    overview(connection, at, account)
}

/// What somebody comes back to.
pub(super) fn overview(connection: &Connection, at: UnixMillis, account: AccountId) -> Result<Outcome, Trouble> {
    let account = accounts::stored(connection, account)?;
    let conversations = conversations::of(connection, account.id)?;
    let notices = notices::waiting_for(connection, at, account.id)?;
    Ok(Overview { account, conversations, notices }.into())
}

#[cfg(test)]
mod tests {
    use crate::limits::ADDRESSES_KNOWN_MAX;

    use super::super::fixture::{DEVICE, add, arrive, ask, each_store, home, named};
    use super::super::{Familiar, Remembered, Store, Work};
    use super::*;

    fn looked_up(store: &mut Store, typed: &str) -> Option<StoredLogin> {
        match ask(store, 9, Work::LookUp { name: named(typed), device: DEVICE, source: home(77) }) {
            Ok(Outcome::LookedUp(login)) => login.map(|login| *login),
            other => panic!("{other:?}"),
        }
    }

    fn by_device(account: AccountId) -> Work {
        match arrive(account, DEVICE, false) {
            Work::SignIn { account, visitor } => Work::SignIn { account, visitor: Visitor { proven_by: ProvenBy::Device, ..visitor } },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whoever_is_at_the_door_is_known_by_name_with_their_device() {
        each_store(|store| {
            let anna = add(store, "Anna");
            let login = looked_up(store, "ANNA").unwrap();
            assert_eq!((login.account.id, login.account.name.as_str(), login.account.last_seen), (anna, "Anna", None));
            assert_eq!((login.password_hash.as_str(), login.device), ("hash", KnownDevice::No));
            assert_eq!(looked_up(store, "nobody"), None);
            ask(store, 5, arrive(anna, DEVICE, true)).unwrap();
            let login = looked_up(store, "anna").unwrap();
            assert_eq!((login.account.last_seen, login.device), (Some(UnixMillis(5)), KnownDevice::Remembered));
            ask(store, 6, Work::RevokeDevice { account: named("anna"), device: DEVICE }).unwrap();
            assert_eq!(looked_up(store, "anna").unwrap().device, KnownDevice::Revoked);
        });
    }

    #[test]
    fn an_account_knows_the_devices_and_the_latest_addresses_that_it_was_signed_in_from() {
        each_store(|store| {
            let anna = add(store, "anna");
            let mut arrives = |at: u64, device: u8, host: u8| {
                let address = ([192, 0, 2, host], 40_000).into();
                let device = DeviceId([device; 32]);
                let visitor = Visitor { device, address, source: home(host), remember: false, proven_by: ProvenBy::Password };
                let work = Work::SignIn { account: anna, visitor };
                ask(store, at, work).unwrap();
            };
            arrives(1, 1, 9);
            arrives(2, 1, 10);
            let mut familiar = |name: &str, device: u8, host: u8| {
                let work = Work::LookUp { name: named(name), device: DeviceId([device; 32]), source: home(host) };
                match ask(store, 9, work) {
                    Ok(Outcome::LookedUp(login)) => login.map_or(Familiar::No, |login| login.familiar),
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(
                [familiar("anna", 1, 99), familiar("anna", 2, 9), familiar("anna", 2, 10)],
                [Familiar::Device, Familiar::Address, Familiar::Address]
            );
            assert_eq!([familiar("anna", 2, 99), familiar("nobody", 1, 9)], [Familiar::No, Familiar::No]);
            ask(store, 10, Work::RevokeDevice { account: named("anna"), device: DeviceId([1; 32]) }).unwrap();
            let asked = ask(store, 11, Work::LookUp { name: named("anna"), device: DeviceId([1; 32]), source: home(99) });
            assert!(matches!(asked, Ok(Outcome::LookedUp(Some(login))) if login.familiar == Familiar::No));
        });
    }

    #[test]
    fn so_many_addresses_are_known() {
        each_store(|store| {
            let anna = add(store, "anna");
            for host in 0..=ADDRESSES_KNOWN_MAX as u8 {
                let (device, address) = (DEVICE, ([192, 0, 2, host], 40_000).into());
                let visitor = Visitor { device, address, source: home(host), remember: false, proven_by: ProvenBy::Password };
                let work = Work::SignIn { account: anna, visitor };
                ask(store, u64::from(host), work).unwrap();
            }
            let mut familiar =
                |host| match ask(store, 99, Work::LookUp { name: named("anna"), device: DeviceId([9; 32]), source: home(host) }) {
                    Ok(Outcome::LookedUp(Some(login))) => login.familiar,
                    other => panic!("{other:?}"),
                };
            assert_eq!((familiar(0), familiar(1)), (Familiar::No, Familiar::Address));
        });
    }

    #[test]
    fn a_device_enters_by_itself_for_as_long_as_it_is_remembered() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            assert_eq!(ask(store, 1, by_device(anna)), Err(Refusal::UnknownDevice));
            ask(store, 2, arrive(anna, DEVICE, true)).unwrap();
            assert!(matches!(ask(store, 3, by_device(anna)), Ok(Outcome::Overview(_))));
            assert_eq!(ask(store, 3, by_device(bob)), Err(Refusal::UnknownDevice));
            ask(store, 4, Work::SetPassword { account: named("anna"), password_hash: "new".into(), remembered: Remembered::Only(None) })
                .unwrap();
            assert_eq!(ask(store, 5, by_device(anna)), Err(Refusal::UnknownDevice));
        });
    }

    #[test]
    fn whoever_may_not_come_in_any_more_does_not_and_nothing_is_noted() {
        each_store(|store| {
            let anna = add(store, "anna");
            ask(store, 1, arrive(anna, DEVICE, true)).unwrap();
            ask(store, 2, Work::SetDisabled { account: named("anna"), disabled: true }).unwrap();
            assert_eq!(ask(store, 3, arrive(anna, DEVICE, false)), Err(Refusal::AccountDisabled));
            ask(store, 4, Work::SetDisabled { account: named("anna"), disabled: false }).unwrap();
            ask(store, 4, Work::RevokeDevice { account: named("anna"), device: DEVICE }).unwrap();
            assert_eq!(ask(store, 5, arrive(anna, DEVICE, true)), Err(Refusal::UnknownDevice));
            assert_eq!(looked_up(store, "anna").unwrap().account.last_seen, Some(UnixMillis(1)));
        });
    }
}
