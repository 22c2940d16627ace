//! Which identity the server must prove: given for one command, remembered from an earlier one, or trusted on first use.

use belfry_core::client::{Failure, Trust};
use belfry_core::crypto::PublicKey;

use crate::config::{self, Login};
use crate::ending::{Ending, Outcome};
use crate::profile::Profile;
use crate::sentence;

/// `HOST:PORT`, as the profile and the sentences write it.
pub(super) fn server_name(connection: &Login) -> String {
    let host = &connection.server.host;
    if host.contains(':') { format!("[{host}]:{}", connection.server.port) } else { format!("{host}:{}", connection.server.port) }
}

/// Which identity the server must prove, and where that is known from.
#[derive(Debug)]
pub(super) struct Pin {
    profile: Profile,
    /// Typed or in the link: holds for this command, whatever is remembered.
    given: Option<PublicKey>,
    remembered: Option<PublicKey>,
}

impl Pin {
    /// What is given and, failing that, remembered.
    pub(super) fn read(connection: &Login) -> Outcome<Self> {
        let profile = Profile::new(config::profile_dir()?);
        let remembered = match connection.key {
            Some(_) => None,
            None => profile.known(&server_name(connection)).map_err(Ending::refused)?,
        };
        Ok(Self { profile, given: connection.key, remembered })
    }

    /// What the client's machine is to insist on.
    pub(super) fn trust(&self) -> Trust {
        self.given.or(self.remembered).map_or(Trust::FirstUse, |key| Trust::Pinned(vec![key]))
    }

    /// The server has proven this key.
    pub(super) fn proven(&mut self, server: &str, key: PublicKey) -> Outcome {
        if self.given.is_some() {
            // Remembering it is a service for later commands; this one has all it needs.
            let _ = self.profile.remember(server, key);
            return Ok(());
        }
        if self.remembered.is_none() {
            let known = self.profile.remember(server, key).map_err(Ending::refused)?;
            self.remembered = Some(known);
            if known == key {
                use std::io::IsTerminal as _;
                if std::io::stderr().is_terminal() {
                    sentence::complain(&format!("trusting {server} with key {key}, seen for the first time"));
                }
            }
        }
        // Another command may have remembered another key in the meantime.
        if self.remembered == Some(key) { Ok(()) } else { Err(self.failed(server, &Failure::KeyChanged { offered: Some(key) })) }
    }

    /// The server, whose identity is proven, has this key from now on.
    pub(super) fn announced(&mut self, server: &str, key: PublicKey) {
        // A profile that cannot be written keeps the old key, and the server says it again next time.
        if self.given.is_none() && self.profile.replace(server, key).is_ok() {
            self.remembered = Some(key);
        }
    }

    /// What the client's stopping means to the person.
    pub(super) fn failed(&self, server: &str, failure: &Failure) -> Ending {
        let Failure::KeyChanged { .. } = failure else {
            return Ending::refused(failure);
        };
        if self.given.is_some() {
            return Ending::identity(format_args!(
                "The server at {server} has another key than the given one. Check --server-key or the link; if they are right, do not continue."
            ));
        }
        Ending::identity(format_args!(
            "{failure} If it was announced, remove the line of {server} from {}, or give the new key with --server-key.",
            self.profile.path().display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::Refusal;

    use super::*;
    use crate::ending::Exit;

    fn pin(given: Option<u8>, remembered: Option<u8>) -> (tempfile::TempDir, Pin) {
        let dir = tempfile::tempdir().unwrap();
        let key = |byte| PublicKey([byte; 32]);
        let pin = Pin { profile: Profile::new(dir.path().to_owned()), given: given.map(key), remembered: remembered.map(key) };
        (dir, pin)
    }

    #[test]
    fn the_given_key_goes_over_the_remembered_one() {
        let (_dir, pin) = pin(Some(1), Some(2));
        assert!(matches!(pin.trust(), Trust::Pinned(keys) if keys == [PublicKey([1; 32])]));
    }

    #[test]
    fn the_first_key_is_remembered() {
        let (_dir, mut pin) = pin(None, None);
        assert!(matches!(pin.trust(), Trust::FirstUse));
        pin.proven("tower:7411", PublicKey([1; 32])).unwrap();
        assert_eq!(pin.profile.known("tower:7411").unwrap(), Some(PublicKey([1; 32])));
    }

    #[test]
    fn a_given_key_is_remembered_only_where_none_is() {
        let (_dir, mut pin) = pin(Some(1), None);
        pin.proven("tower:7411", PublicKey([1; 32])).unwrap();
        pin.proven("tower:7411", PublicKey([2; 32])).unwrap();
        assert_eq!(pin.profile.known("tower:7411").unwrap(), Some(PublicKey([1; 32])));
    }

    #[test]
    fn two_first_commands_that_see_two_keys_do_not_both_go_on() {
        let (_dir, mut pin) = pin(None, None);
        pin.profile.remember("tower:7411", PublicKey([1; 32])).unwrap();
        assert_eq!(pin.proven("tower:7411", PublicKey([2; 32])).unwrap_err().exit, Exit::Identity);
    }

    #[test]
    fn a_changed_key_exits_4_and_says_which_line_to_remove() {
        let (_dir, pin) = pin(None, Some(1));
        let ending = pin.failed("tower:7411", &Failure::KeyChanged { offered: None });
        assert_eq!(ending.exit, Exit::Identity);
        let sentence = ending.sentence.unwrap();
        assert!(sentence.contains("tower:7411") && sentence.contains("known_servers") && sentence.contains("--server-key"), "{sentence}");
    }

    #[test]
    fn a_refused_signing_in_exits_1_in_the_servers_words() {
        let (_dir, pin) = pin(None, None);
        assert_eq!(
            pin.failed("tower:7411", &Failure::SignIn(Refusal::AccountDisabled)),
            Ending::refused("This account is disabled; ask your administrator.")
        );
    }
}
