//! Devices: which is behind each session, which may sign in without the password, which may not connect any more.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use belfry_core::chat::{AccountId, AccountName, Answer, Device, DeviceId, Refusal, Role};
use belfry_core::connection::CloseCode;
use belfry_core::time::Now;

use super::done::misplaced;
use super::{Hub, ReplyTo, SessionId, Waiting};
use crate::limits::DEVICES_REMEMBERED_MAX;
use crate::session::SignedIn;
use crate::store::{Outcome, StoredDevice, Work};

/// What signs in: the device that the handshake has proven, where it is, and whether it wants to be known from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// Which device.
    pub device: DeviceId,
    /// Where it is.
    pub address: SocketAddr,
    /// It is to be let in without the password from now on.
    pub remember: bool,
}

/// Every device that matters.
#[derive(Debug, Default)]
pub(super) struct Devices {
    here: BTreeMap<SessionId, (AccountId, Visitor)>,
    /// By account, the one that signed in longest ago first.
    remembered: BTreeMap<AccountId, Vec<DeviceId>>,
    /// By account: what somebody does with their own devices must not shut out anybody else who uses the same computer.
    revoked: BTreeSet<(AccountId, DeviceId)>,
}

impl Devices {
    pub(super) fn new(stored: Vec<StoredDevice>) -> Self {
        let mut devices = Self::default();
        for StoredDevice { account, device, revoked } in stored {
            if revoked {
                devices.revoked.insert((account, device));
            } else {
                devices.remembered.entry(account).or_default().push(device);
            }
        }
        devices
    }

    /// The device behind a signed-in session.
    pub(super) fn device_of(&self, session: SessionId) -> Option<DeviceId> {
        self.here.get(&session).map(|(_, visitor)| visitor.device)
    }

    /// Where a device of an account is, if it is here.
    pub(super) fn whereabouts(&self, account: AccountId, device: DeviceId) -> Option<SocketAddr> {
        let is_it = |(of, visitor): &&(AccountId, Visitor)| *of == account && visitor.device == device;
        self.here.values().find(is_it).map(|(_, visitor)| visitor.address)
    }

    fn is_remembered(&self, account: AccountId, device: DeviceId) -> bool {
        self.remembered.get(&account).is_some_and(|devices| devices.contains(&device))
    }

    /// Which device has to go for `visitor` to be remembered.
    pub(super) fn surplus(&self, account: AccountId, visitor: Visitor) -> Option<DeviceId> {
        let devices = self.remembered.get(&account).filter(|devices| visitor.remember && !devices.contains(&visitor.device))?;
        devices.first().copied().filter(|_| devices.len() >= DEVICES_REMEMBERED_MAX)
    }

    /// A device has signed in.
    pub(super) fn arrive(&mut self, session: SessionId, account: AccountId, visitor: Visitor, forgotten: Option<DeviceId>) {
        self.here.insert(session, (account, visitor));
        if visitor.remember || self.is_remembered(account, visitor.device) {
            let devices = self.remembered.entry(account).or_default();
            devices.retain(|&device| device != visitor.device && Some(device) != forgotten);
            devices.push(visitor.device);
        }
    }

    /// A session has ended; which device was behind it.
    pub(super) fn leave(&mut self, session: SessionId) -> Option<DeviceId> {
        self.here.remove(&session).map(|(_, visitor)| visitor.device)
    }

    fn revoke(&mut self, account: AccountId, device: DeviceId) {
        self.revoked.insert((account, device));
        if let Some(devices) = self.remembered.get_mut(&account) {
            devices.retain(|&known| known != device);
        }
    }

    /// The account has a new password: all its devices but this one need it.
    pub(super) fn forget_but(&mut self, account: AccountId, stays: Option<DeviceId>) {
        if let Some(devices) = self.remembered.get_mut(&account) {
            devices.retain(|&known| Some(known) == stays);
        }
    }

    /// The sessions of an account on one of its devices.
    fn sessions_on(&self, account: AccountId, device: DeviceId) -> Vec<SessionId> {
        let is_it = |(of, visitor): &(AccountId, Visitor)| *of == account && visitor.device == device;
        self.here.iter().filter(|(_, there)| is_it(there)).map(|(&session, _)| session).collect()
    }
}

impl Hub {
    /// Whether a device may sign in to an account without its password.
    pub fn is_remembered(&self, account: AccountId, device: DeviceId) -> bool {
        self.devices.is_remembered(account, device)
    }

    /// Whether a device may not sign in to an account any more.
    pub fn is_revoked(&self, account: AccountId, device: DeviceId) -> bool {
        self.devices.revoked.contains(&(account, device))
    }

    /// The account whose devices somebody may see and revoke: their own, or for an administrator any.
    fn whose_devices(&self, from: &SignedIn, name: &AccountName) -> Result<AccountId, Refusal> {
        let account = self.directory.find(name).map(|account| account.id);
        if from.role() != Role::Admin && account != Some(from.account()) {
            return Err(Refusal::AdminOnly);
        }
        account.ok_or(Refusal::UnknownAccount)
    }

    pub(super) fn list_devices(&mut self, now: Now, from: &SignedIn, to: ReplyTo, name: &AccountName) -> Result<(), Refusal> {
        let account = self.whose_devices(from, name)?;
        self.submit(now, Work::ListDevices { account }, Waiting::Devices { to, account })
    }

    pub(super) fn devices_listed(&self, now: Now, account: AccountId, outcome: Outcome) -> Result<Answer, Refusal> {
        let listed = match outcome {
            Outcome::Devices(devices) => devices,
            other => return Err(misplaced(&other)),
        };
        let filled_in = listed.into_iter().map(|device| match self.devices.whereabouts(account, device.device) {
            Some(address) => Device { connected: true, last_seen: now.wall, address: Some(address), ..device },
            None => device,
        });
        Ok(Answer::Devices(filled_in.collect()))
    }

    pub(super) fn revoke_device(
        &mut self,
        now: Now,
        from: &SignedIn,
        to: ReplyTo,
        name: &AccountName,
        device: DeviceId,
    ) -> Result<(), Refusal> {
        let account = self.whose_devices(from, name)?;
        self.submit(now, Work::RevokeDevice { account, device }, Waiting::RevokeDevice { to, account, device })
    }

    /// The store knows: from here on the device is shut out.
    pub(super) fn device_revoked(&mut self, now: Now, account: AccountId, device: DeviceId) {
        self.devices.revoke(account, device);
        for session in self.devices.sessions_on(account, device) {
            self.put_out(now, session, CloseCode::DEVICE_REVOKED);
        }
        self.announce(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: AccountId = AccountId(1);

    fn visitor(n: u8, remember: bool) -> Visitor {
        Visitor { device: DeviceId([n; 32]), address: ([192, 0, 2, n], 1).into(), remember }
    }

    #[test]
    fn a_device_is_remembered_if_it_asks_for_it_and_stays_so() {
        let mut devices = Devices::default();
        devices.arrive(SessionId(1), ANNA, visitor(1, true), None);
        devices.arrive(SessionId(2), ANNA, visitor(2, false), None);
        devices.arrive(SessionId(3), ANNA, visitor(1, false), None);
        assert!(devices.is_remembered(ANNA, DeviceId([1; 32])) && !devices.is_remembered(ANNA, DeviceId([2; 32])));
        assert!(!devices.is_remembered(AccountId(2), DeviceId([1; 32])));
    }

    #[test]
    fn the_device_that_was_here_longest_ago_makes_room() {
        let mut devices = Devices::default();
        for n in 1..=DEVICES_REMEMBERED_MAX as u8 {
            assert_eq!(devices.surplus(ANNA, visitor(n, true)), None);
            devices.arrive(SessionId(u64::from(n)), ANNA, visitor(n, true), None);
        }
        devices.arrive(SessionId(100), ANNA, visitor(1, true), None);
        let newcomer = visitor(200, true);
        assert_eq!(devices.surplus(ANNA, visitor(1, true)), None);
        assert_eq!(devices.surplus(ANNA, newcomer), Some(DeviceId([2; 32])));
        devices.arrive(SessionId(101), ANNA, newcomer, Some(DeviceId([2; 32])));
        assert!(!devices.is_remembered(ANNA, DeviceId([2; 32])));
        assert_eq!(devices.remembered[&ANNA].len(), DEVICES_REMEMBERED_MAX);
    }

    #[test]
    fn a_revoked_device_is_not_remembered() {
        let mut devices = Devices::default();
        devices.arrive(SessionId(1), ANNA, visitor(1, true), None);
        devices.arrive(SessionId(2), AccountId(2), visitor(1, true), None);
        devices.revoke(ANNA, DeviceId([1; 32]));
        assert!(!devices.is_remembered(ANNA, DeviceId([1; 32])));
        assert!(devices.is_remembered(AccountId(2), DeviceId([1; 32])), "somebody else on the same computer");
    }
}
