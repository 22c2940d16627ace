//! The device's own key, in the system's store of credentials where there is one, and the keys of servers, in a file that only its owner
//! may read.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use belfry_core::chat::is_blank;
use belfry_core::crypto::{KeyPair, PublicKey};
use belfry_core::net::{InWords, ServerAddress, os_seed};
use belfry_core::rng;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::files::Folder;
use super::vault;

const FILE: &str = "keys.toml";

/// The file: keys in the form in which people read them.
#[derive(Serialize, Deserialize)]
struct KeysFile {
    /// The private half of the device's key; absent where the system's store has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    /// Servers by name, with the key that each has proven.
    #[serde(default)]
    servers: BTreeMap<String, String>,
}

impl Drop for KeysFile {
    fn drop(&mut self) {
        self.device.zeroize();
    }
}

/// The keys of this profile.
#[derive(Debug)]
pub struct Keyring {
    folder: Folder,
    device: KeyPair,
    /// The system's store has the device's key; the file has not.
    in_vault: bool,
    servers: BTreeMap<String, PublicKey>,
}

/// The keys cannot be used; displays as a sentence that says what to do.
#[derive(Debug)]
pub enum Unusable {
    /// The operating system said no.
    Io(io::Error),
    /// The file is not as it was written.
    Damaged,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "The keys in {FILE} of the profile folder cannot be read or written: {}.", InWords(error)),
            Self::Damaged => {
                write!(f, "The file {FILE} in the profile folder is damaged. Put back a copy of it, or remove it and sign in again.")
            }
        }
    }
}

impl std::error::Error for Unusable {}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Keyring {
    /// The keys of a profile; the first time, the device's key is made and written down.
    ///
    /// # Errors
    /// [`Unusable`]: nothing is overwritten, because a device key that is lost is gone for good.
    pub fn open(folder: &Folder) -> Result<Self, Unusable> {
        let content = folder.read(FILE)?.map(Zeroizing::new);
        let mut written = match &content {
            Some(content) => toml::from_str(content).map_err(|_| Unusable::Damaged)?,
            None => KeysFile { device: None, servers: BTreeMap::new() },
        };
        let mut servers = BTreeMap::new();
        for (server, key) in std::mem::take(&mut written.servers) {
            let key = key.parse().map_err(|_| Unusable::Damaged)?;
            // A name that is not found because of how somebody wrote it would be a server without a key.
            let name = as_asked(&server).ok_or(Unusable::Damaged)?;
            if servers.insert(name, key).is_some_and(|other| other != key) {
                return Err(Unusable::Damaged);
            }
        }
        let (device, in_vault) = match &written.device {
            Some(private) => {
                let private: PublicKey = private.parse().map_err(|_| Unusable::Damaged)?;
                let device = KeyPair::from_private(Zeroizing::new(private.0));
                let moved = vault::keep(folder.path(), device.private());
                (device, moved)
            }
            None => match vault::recall(folder.path()) {
                Some(private) => (KeyPair::from_private(private), true),
                // The first start, or a profile that was copied here: the key has stayed where it was made, so this is a new device.
                None => {
                    let device = KeyPair::generate(&mut rng::from_seed(os_seed()?));
                    let kept = vault::keep(folder.path(), device.private());
                    (device, kept)
                }
            },
        };
        let keys = Self { folder: folder.clone(), device, in_vault, servers };
        if content.is_none() || written.device.is_some() == in_vault {
            keys.write()?;
        }
        Ok(keys)
    }

    /// The device's key.
    pub const fn device(&self) -> &KeyPair {
        &self.device
    }

    /// Gives the device another key: the server lets the one it had sign in no more.
    ///
    /// # Errors
    /// [`Unusable::Io`]; then the device has the new one until the program ends.
    pub fn renew_device(&mut self) -> Result<(), Unusable> {
        self.device = KeyPair::generate(&mut rng::from_seed(os_seed()?));
        self.write()
    }

    /// The key that a server (`HOST:PORT`) has proven before.
    pub fn known(&self, server: &str) -> Option<PublicKey> {
        self.servers.get(&server.to_lowercase()).copied()
    }

    /// Remembers the key that a server has proven, unless one is remembered: a remembered key is never replaced.
    ///
    /// # Errors
    /// [`Unusable::Io`]; it is remembered until the program ends.
    pub fn remember(&mut self, server: &str, key: PublicKey) -> Result<(), Unusable> {
        if self.known(server).is_some() {
            return Ok(());
        }
        self.servers.insert(server.to_lowercase(), key);
        self.write()
    }

    fn write(&self) -> Result<(), Unusable> {
        let written = KeysFile {
            // Both halves of a key have 32 bytes, and the same spelling.
            device: (!self.in_vault).then(|| PublicKey(*self.device.private()).to_string()),
            servers: self.servers.iter().map(|(server, key)| (server.clone(), key.to_string())).collect(),
        };
        let content = Zeroizing::new(toml::to_string(&written).map_err(|_| Unusable::Damaged)?);
        Ok(self.folder.write(FILE, &content)?)
    }
}

/// The name of a server as it is asked for; nothing for what is no `HOST:PORT`.
fn as_asked(server: &str) -> Option<String> {
    if server.chars().any(is_blank) {
        return None;
    }
    let address: ServerAddress = server.parse().ok()?;
    let (open, close) = if address.host.contains(':') { ("[", "]") } else { ("", "") };
    Some(format!("{open}{}{close}:{}", address.host, address.port).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path().join("profile")).unwrap();
        (dir, folder)
    }

    #[test]
    fn a_device_has_the_same_key_at_every_start() {
        let (_dir, folder) = folder();
        let first = Keyring::open(&folder).unwrap().device().public();
        assert_eq!(Keyring::open(&folder).unwrap().device().public(), first);
    }

    /// Where the system has no store of its own.
    #[cfg(not(windows))]
    #[test]
    fn a_file_without_the_devices_key_gets_a_new_one() {
        let (_dir, folder) = folder();
        let mut keys = Keyring::open(&folder).unwrap();
        keys.remember("tower:7411", PublicKey([1; 32])).unwrap();
        let content = folder.read(FILE).unwrap().unwrap();
        let without: String = content.lines().filter(|line| !line.starts_with("device")).map(|line| format!("{line}\n")).collect();
        folder.write(FILE, without).unwrap();
        let again = Keyring::open(&folder).unwrap();
        assert_ne!(again.device().public(), keys.device().public());
        assert_eq!(again.known("tower:7411"), Some(PublicKey([1; 32])));
        assert_eq!(Keyring::open(&folder).unwrap().device().public(), again.device().public());
    }

    #[test]
    fn a_server_is_remembered_by_the_first_key_it_proved() {
        let (_dir, folder) = folder();
        let mut keys = Keyring::open(&folder).unwrap();
        keys.remember("Tower:7411", PublicKey([1; 32])).unwrap();
        keys.remember("tower:7411", PublicKey([2; 32])).unwrap();
        let keys = Keyring::open(&folder).unwrap();
        assert_eq!(keys.known("TOWER:7411"), Some(PublicKey([1; 32])));
        assert_eq!(keys.known("tower:7412"), None);
    }

    #[test]
    fn a_server_is_known_however_somebody_wrote_its_name() {
        let (_dir, folder) = folder();
        let key = PublicKey([1; 32]);
        let device = PublicKey(*Keyring::open(&folder).unwrap().device().private());
        let with = |server: &str| format!("\u{feff}device = \"{device}\"\r\n[servers]\r\n\"{server}\" = \"{key}\"\r\n");
        for written in ["TOWER:7411", "tower", " Tower:7411 ".trim()] {
            folder.write(FILE, with(written)).unwrap();
            assert_eq!(Keyring::open(&folder).unwrap().known("tower:7411"), Some(key), "{written:?}");
        }
        for written in ["tower:7411x", "tow\u{200b}er:7411", "to wer", ""] {
            folder.write(FILE, with(written)).unwrap();
            assert!(matches!(Keyring::open(&folder), Err(Unusable::Damaged)), "{written:?} is not a server without a key");
        }
    }

    #[test]
    fn a_damaged_file_is_kept() {
        let (_dir, folder) = folder();
        folder.write(FILE, "device = \"nonsense\"").unwrap();
        assert!(matches!(Keyring::open(&folder), Err(Unusable::Damaged)));
        assert_eq!(folder.read(FILE).unwrap().as_deref(), Some("device = \"nonsense\""));
    }
}
