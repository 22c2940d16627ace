//! Devices: which is behind each session. Which may sign in without the password and which may not connect any more, the store knows.

use std::collections::BTreeMap;

use belfry_core::chat::{AccountId, AccountName, Answer, Device, DeviceId, Refusal, Role};
use belfry_core::time::Now;
use belfry_core::wire::CloseCode;

use super::{Context, Hub, PendingJob, SessionId, page};
use crate::session::SignedIn;
use crate::store::{StoredDevices, Work};

/// The device behind each signed-in session.
#[derive(Debug, Default)]
pub(super) struct Devices {
    /// Boxed, because a map whose keys only grow is half empty.
    here: BTreeMap<SessionId, Box<DeviceHere>>,
}

#[derive(Debug)]
struct DeviceHere {
    device: DeviceId,
    /// Its acknowledgement of a notice says that it has reached a program that shows notices.
    shows_notices: bool,
}

impl Devices {
    /// The device behind a signed-in session.
    pub(super) fn device_of(&self, session: SessionId) -> Option<DeviceId> {
        self.here.get(&session).map(|here| here.device)
    }

    /// What this session acknowledges of notices has reached a program that shows them, from here on.
    pub(super) fn shows_notices(&mut self, session: SessionId) {
        if let Some(here) = self.here.get_mut(&session) {
            here.shows_notices = true;
        }
    }

    /// Whether what this session acknowledges of notices has reached a program that shows them.
    pub(super) fn is_showing(&self, session: SessionId) -> bool {
        self.here.get(&session).is_some_and(|here| here.shows_notices)
    }

    /// A device has signed in.
    pub(super) fn arrive(&mut self, session: SessionId, device: DeviceId) {
        self.here.insert(session, Box::new(DeviceHere { device, shows_notices: false }));
    }

    /// A session has ended; which device was behind it.
    pub(super) fn leave(&mut self, session: SessionId) -> Option<DeviceId> {
        self.here.remove(&session).map(|here| here.device)
    }
}

impl Hub {
    /// The account and the device behind a signed-in session.
    pub(super) fn behind(&self, session: SessionId) -> Option<(AccountId, DeviceId)> {
        Some((self.presences.account_of(session)?, self.devices.device_of(session)?))
    }

    /// The devices of an account that are here.
    pub(super) fn devices_of(&self, account: AccountId) -> impl Iterator<Item = DeviceId> {
        self.presences.sessions_of(account).filter_map(|session| self.devices.device_of(session))
    }

    /// Whether a device of an account is here.
    pub(super) fn is_device_here(&self, account: AccountId, device: DeviceId) -> bool {
        self.devices_of(account).any(|here| here == device)
    }

    /// Whether somebody may see and revoke the devices of `name`: their own, or as an administrator anybody's.
    fn may_see_devices(&self, from: &SignedIn, name: &AccountName) -> Result<(), Refusal> {
        if from.role() == Role::Admin || self.is_own(from, name) { Ok(()) } else { Err(Refusal::AdminOnly) }
    }

    pub(super) fn list_devices(&mut self, context: Context<'_>, account: AccountName, after: Option<DeviceId>) -> Result<(), Refusal> {
        self.may_see_devices(context.from, &account)?;
        self.submit_for(context, Work::ListDevices { account, after }, PendingJob::Devices { to: context.to })
    }

    pub(super) fn devices_read(&self, now: Now, listed: StoredDevices) -> Answer {
        let StoredDevices { account, devices } = listed;
        let complete = devices.entries.into_iter().map(|device| match self.is_device_here(account, device.device) {
            true => Device { connected: true, last_seen: now.wall, ..device },
            false => device,
        });
        page(complete, devices.more).into()
    }

    pub(super) fn revoke_device(&mut self, context: Context<'_>, account: AccountName, device: DeviceId) -> Result<(), Refusal> {
        self.may_see_devices(context.from, &account)?;
        self.submit_for(context, Work::RevokeDevice { account, device }, PendingJob::RevokeDevice { to: context.to, device })
    }

    /// The store knows: from here on the device is shut out.
    pub(super) fn device_revoked(&mut self, now: Now, account: AccountId, device: DeviceId) {
        let on_it: Vec<_> =
            self.presences.sessions_of(account).filter(|&session| self.devices.device_of(session) == Some(device)).collect();
        for session in on_it {
            self.end_session(now, session, CloseCode::DEVICE_REVOKED);
        }
        self.announce(now);
    }
}
