//! The programs that people sign in with, each known by its key.

use core::fmt;
use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::crypto::PublicKey;
use crate::time::UnixMillis;

/// A device's public key, which its handshake has proven: what the ledger, the list of devices and a revocation name it by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceId(pub [u8; 32]);

impl From<PublicKey> for DeviceId {
    fn from(key: PublicKey) -> Self {
        Self(key.0)
    }
}

impl fmt::Display for DeviceId {
    /// As keys are written: 52 letters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        PublicKey(self.0).fmt(f)
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({self})")
    }
}

/// One line of the list of an account's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// By its public key.
    pub device: DeviceId,
    /// When it first signed in.
    pub first_seen: UnixMillis,
    /// When it was last here; now, while it is connected.
    pub last_seen: UnixMillis,
    /// It is connected now.
    pub connected: bool,
    /// Where it is, or was last.
    pub address: Option<SocketAddr>,
    /// It may sign in without the password.
    pub remembered: bool,
    /// Since when it may not connect any more.
    pub revoked_at: Option<UnixMillis>,
}
