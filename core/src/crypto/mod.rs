//! Identity and secrecy: keys and fingerprints, the Noise handshake, cookies, sealing, the replay window.
//!
//! The way of a connection through here: [`Cookies`] prove that a client is where it says, a handshake ([`Initiator`],
//! [`Responder`]) proves both keys and leaves a [`Split`], and its two [`DataKey`]s become a [`Sealer`] on one side and an
//! [`Opener`] with a [`ReplayWindow`] on the other. Nothing here knows a connection, a frame or a socket.
//!
//! What a check proves is a value that only the check can make ([`AddressProven`]), and what must not happen twice uses its
//! argument up ([`Split::keys`], [`Sealer::new`]): a number never protects two datagrams under one key.

mod cookie;
mod handshake;
mod keys;
mod replay;
mod reset;
mod seal;
mod suite;
mod x25519;

pub use cookie::{AddressProven, COOKIE_BYTES, Cookies};
pub use handshake::{FIRST_MESSAGE_OVERHEAD, HandshakeError, Initiator, NO_SITE_KEY, Responder, SECOND_MESSAGE_OVERHEAD, Split};
pub use keys::{InvalidKey, KeyPair, PublicKey};
pub use replay::ReplayWindow;
pub use reset::{RESET_TOKEN_BYTES, is_same_token, reset_key, reset_token};
pub use seal::{DataKey, Forged, Opener, SealError, Sealer, TAG_BYTES};
pub use suite::Suite;

/// The first half of a message's SHA-256: enough to recognise it when it comes again.
pub fn short_hash(message: &[u8]) -> [u8; 16] {
    let digest = ring::digest::digest(&ring::digest::SHA256, message);
    let mut hash = [0; 16];
    hash.copy_from_slice(digest.as_ref().first_chunk::<16>().unwrap_or(&[0; 16]));
    hash
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_short_hash_is_how_sha_256_begins() {
        // FIPS 180-4's example of one block.
        assert_eq!(data_encoding::HEXLOWER.encode(&short_hash(b"abc")), "ba7816bf8f01cfea414140de5dae2223");
    }

    #[test]
    fn what_went_wrong_is_told_apart() {
        let handshake = [HandshakeError::Forged, HandshakeError::WeakKey, HandshakeError::TooLong, HandshakeError::Finished];
        let told =
            handshake.iter().map(ToString::to_string).chain([SealError::Exhausted, SealError::Length].map(|error| error.to_string()));
        let told: BTreeSet<_> = told.chain([Forged.to_string()]).collect();
        assert_eq!(told.len(), 7, "{told:?}");
        assert!(told.iter().all(|words| words.contains(' ')), "{told:?}");
    }
}
