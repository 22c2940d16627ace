//! The token by which a server that has lost a connection's keys can still say so.

use ring::hmac;
use subtle::ConstantTimeEq;

use super::KeyPair;

/// Bytes of a reset token.
pub const RESET_TOKEN_BYTES: usize = 16;

/// Keeps tokens apart from anything else that might ever be made with the same key.
const PURPOSE: &[u8] = b"belfry1 reset";

/// Keeps the static reset key apart from the identity it is drawn from.
const KEY_PURPOSE: &[u8] = b"belfry1 reset key";

/// The token of the connection that clients address as `id`: the client learns it inside the handshake, and a server that kept
/// only its static reset `key` can make it again.
pub fn reset_token(key: &[u8; 32], id: u32) -> [u8; RESET_TOKEN_BYTES] {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    mac.update(PURPOSE);
    mac.update(&id.to_le_bytes());
    truncated(&mac.sign())
}

/// The static key behind a server's reset tokens: drawn from its identity, so that it outlives a restart without being stored.
pub fn reset_key(identity: &KeyPair) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, identity.private()), KEY_PURPOSE);
    let mut key = [0; 32];
    key.copy_from_slice(tag.as_ref());
    key
}

/// Whether two tokens are the same, in a time that does not tell how much of them is.
pub fn is_same_token(one: &[u8; RESET_TOKEN_BYTES], other: &[u8; RESET_TOKEN_BYTES]) -> bool {
    one.ct_eq(other).into()
}

/// The first half of a tag: 128 bits, more than anybody can guess over a network (RFC 2104 §5).
pub(super) fn truncated(tag: &hmac::Tag) -> [u8; 16] {
    match tag.as_ref().first_chunk() {
        Some(first) => *first,
        None => unreachable!("an HMAC-SHA256 tag has 32 bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_the_same_key_makes_the_same_token_again() {
        assert!(is_same_token(&reset_token(&[1; 32], 77), &reset_token(&[1; 32], 77)));
    }

    #[test]
    fn every_connection_and_every_server_has_another_token() {
        let token = reset_token(&[1; 32], 77);
        assert!(!is_same_token(&token, &reset_token(&[1; 32], 78)));
        assert!(!is_same_token(&token, &reset_token(&[2; 32], 77)));
    }

    #[test]
    fn a_token_with_any_byte_changed_is_another() {
        let token = reset_token(&[1; 32], 77);
        for at in 0..RESET_TOKEN_BYTES {
            let mut forged = token;
            forged[at] ^= 0x80;
            assert!(!is_same_token(&token, &forged), "byte {at}");
        }
    }

    #[test]
    fn the_key_behind_the_tokens_outlives_a_restart_and_is_another_for_each_identity() {
        let key = |private: u8| reset_key(&KeyPair::from_private(zeroize::Zeroizing::new([private; 32])));
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
        let written = data_encoding::HEXLOWER.encode(&key(1));
        assert_eq!(
            written, "bdd52b935021ad8a767c8c04dbe1408f2d9ddf6775be49bc1c0f9cae70f41c7b",
            "HMAC-SHA256 of its purpose under the private key"
        );
    }
}
