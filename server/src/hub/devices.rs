//! Devices: which is behind each session. Which may sign in without the password and which may not connect any more, the store knows.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{AccountId, AccountName, Answer, Device, DeviceId, Refusal, Role};
use belfry_core::time::Now;
use belfry_core::wire::CloseCode;

use super::{Context, Hub, PendingJob, SessionId, page};
use crate::session::SignedIn;
use crate::store::{StoredDevices, Visitor, Work};

/// The device behind each signed-in session.
#[derive(Debug, Default)]
pub(super) struct Devices {
    here: BTreeMap<SessionId, (AccountId, DeviceId)>,
    /// Those of them whose acknowledgement of a notice says that it has reached a program that shows notices.
    showing: BTreeSet<SessionId>,
}

impl Devices {
    /// The device behind a signed-in session.
    pub(super) fn device_of(&self, session: SessionId) -> Option<DeviceId> {
        self.here.get(&session).map(|&(_, device)| device)
    }

    /// The account and the device behind a signed-in session.
    pub(super) fn behind(&self, session: SessionId) -> Option<(AccountId, DeviceId)> {
        self.here.get(&session).copied()
    }

    /// What this session acknowledges of notices has reached a program that shows them, from here on.
    pub(super) fn shows_notices(&mut self, session: SessionId) {
        if self.here.contains_key(&session) {
            self.showing.insert(session);
        }
    }

    /// Who has acknowledged a notice, if that means that it has reached them.
    pub(super) fn shown_at(&self, session: SessionId) -> Option<(AccountId, DeviceId)> {
        self.showing.get(&session).and_then(|session| self.behind(*session))
    }

    /// Whether a device of an account is here.
    pub(super) fn is_here(&self, account: AccountId, device: DeviceId) -> bool {
        self.here.values().any(|&there| there == (account, device))
    }

    /// The devices of an account that are here.
    pub(super) fn of(&self, account: AccountId) -> impl Iterator<Item = DeviceId> {
        self.here.values().filter(move |there| there.0 == account).map(|there| there.1)
    }

    /// A device has signed in.
    pub(super) fn arrive(&mut self, session: SessionId, account: AccountId, visitor: Visitor) {
        self.here.insert(session, (account, visitor.device));
    }

    /// A session has ended; which device was behind it.
    pub(super) fn leave(&mut self, session: SessionId) -> Option<DeviceId> {
        self.showing.remove(&session);
        self.here.remove(&session).map(|(_, device)| device)
    }

    /// The sessions of an account on one of its devices.
    fn sessions_on(&self, account: AccountId, device: DeviceId) -> Vec<SessionId> {
        self.here.iter().filter(|&(_, &there)| there == (account, device)).map(|(&session, _)| session).collect()
    }
}

impl Hub {
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
        let complete = devices.entries.into_iter().map(|device| match self.devices.is_here(account, device.device) {
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
        for session in self.devices.sessions_on(account, device) {
            self.end_session(now, session, CloseCode::DEVICE_REVOKED);
        }
        self.announce(now);
    }
}
