//! The operating system's store of credentials, for the private half of the device's key. On Windows it is the Credential Manager, which
//! ciphers what it keeps with the person's own log-on.
//!
//! Linux has none here: the one that desktops share asks for a password when it is locked, and the first minute of a working day is to
//! pass without a question. There the key stays in a file that only its owner may read.

use std::path::Path;

use zeroize::Zeroizing;

/// Keeps the device's key of a profile. Whether it is kept: a store that is forbidden by policy or full is none.
pub fn keep(profile: &Path, key: &[u8; 32]) -> bool {
    system::keep(profile, key)
}

/// The device's key of a profile; `None` if the store has none, or is not to be asked.
pub fn recall(profile: &Path) -> Option<Zeroizing<[u8; 32]>> {
    system::recall(profile)
}

#[cfg(windows)]
mod system {
    use std::collections::HashMap;
    use std::path::Path;

    use keyring_core::Entry;
    use keyring_core::api::CredentialStoreApi as _;
    use windows_native_keyring_store::Store;
    use zeroize::Zeroizing;

    /// One entry for each profile. It does not roam: the key is this computer's.
    fn entry(profile: &Path) -> keyring_core::Result<Entry> {
        Store::new()?.build("Belfry", &profile.display().to_string(), Some(&HashMap::from([("persistence", "Local")])))
    }

    pub(super) fn keep(profile: &Path, key: &[u8; 32]) -> bool {
        entry(profile).and_then(|entry| entry.set_secret(key)).is_ok()
    }

    pub(super) fn recall(profile: &Path) -> Option<Zeroizing<[u8; 32]>> {
        let secret = Zeroizing::new(entry(profile).and_then(|entry| entry.get_secret()).ok()?);
        let mut key = Zeroizing::new([0; 32]);
        if secret.len() != key.len() {
            return None;
        }
        key.copy_from_slice(&secret);
        Some(key)
    }
}

#[cfg(not(windows))]
mod system {
    use std::path::Path;

    use zeroize::Zeroizing;

    pub(super) const fn keep(_profile: &Path, _key: &[u8; 32]) -> bool {
        false
    }

    pub(super) const fn recall(_profile: &Path) -> Option<Zeroizing<[u8; 32]>> {
        None
    }
}
