//! The long-lived X25519 keys of servers and devices.

use alloc::vec::Vec;
use core::fmt;

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use crate::rng::{Random, Rng};

/// Letters of a written key: 256 bits, five to a letter.
const WRITTEN_LETTERS: usize = 52;

/// An X25519 public key (RFC 7748). Written, it is its own fingerprint: 52 letters of RFC 4648's base 32 in lower case, which
/// survive being read aloud and typed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// The text is not a written key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A key is {WRITTEN_LETTERS} letters a-z and digits 2-7.")
    }
}

impl core::error::Error for InvalidKey {}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32_NOPAD.encode(&self.0).to_ascii_lowercase())
    }
}

impl PublicKey {
    /// Its first bytes: enough to tell which of a few known keys is meant.
    pub fn id(&self) -> [u8; 8] {
        self.0.first_chunk().copied().unwrap_or_default()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl core::str::FromStr for PublicKey {
    type Err = InvalidKey;

    /// Reads a written key; letter case, spaces and dashes between letters do not matter.
    fn from_str(written: &str) -> Result<Self, InvalidKey> {
        let letters = written.bytes().filter(|letter| !matches!(letter, b' ' | b'-'));
        // One letter too many is enough to know that there are too many.
        let letters: Vec<u8> = letters.map(|letter| letter.to_ascii_uppercase()).take(WRITTEN_LETTERS + 1).collect();
        let key = BASE32_NOPAD.decode(&letters).map_err(|_| InvalidKey)?;
        key.try_into().map(Self).map_err(|_| InvalidKey)
    }
}

/// A private key with its public half; the private half is wiped from memory and never shown.
#[derive(Clone)]
pub struct KeyPair {
    private: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl KeyPair {
    /// A new pair.
    pub fn generate(rng: &mut Rng) -> Self {
        let mut private = Zeroizing::new([0; 32]);
        rng.fill_bytes(private.as_mut_slice());
        Self::from_private(private)
    }

    /// The pair of a stored private key.
    pub fn from_private(private: Zeroizing<[u8; 32]>) -> Self {
        let public = PublicKey(super::x25519::public_of(&private));
        Self { private, public }
    }

    /// The half to show.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// The half to keep.
    pub fn private(&self) -> &[u8; 32] {
        &self.private
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({}, …)", self.public)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};

    use super::*;
    use crate::rng::from_seed;

    #[test]
    fn a_written_key_is_read_back_in_any_case_and_grouping() {
        let key = KeyPair::generate(&mut from_seed([1; 32])).public();
        let written = key.to_string();
        assert_eq!(written.len(), WRITTEN_LETTERS);
        assert_eq!(written.parse(), Ok(key));
        assert_eq!(written.to_uppercase().parse(), Ok(key));
        let grouped: String = written.chars().enumerate().flat_map(|(i, c)| (i % 4 == 0).then_some('-').into_iter().chain([c])).collect();
        assert_eq!(grouped.parse(), Ok(key));
        assert_eq!(grouped.replace('-', " ").parse(), Ok(key));
    }

    #[test]
    fn a_key_is_written_in_lower_case_base_32() {
        assert_eq!(PublicKey([0xff; 32]).to_string(), "7".repeat(51) + "q");
        assert_eq!(PublicKey([0; 32]).to_string(), "a".repeat(52));
    }

    #[test]
    fn a_key_with_letters_missing_added_or_wrong_is_refused() {
        let written = KeyPair::generate(&mut from_seed([1; 32])).public().to_string();
        assert_eq!(written[1..].parse::<PublicKey>(), Err(InvalidKey));
        assert_eq!((written.clone() + "a").parse::<PublicKey>(), Err(InvalidKey));
        assert_eq!((written.clone() + &written).parse::<PublicKey>(), Err(InvalidKey));
        assert_eq!("".parse::<PublicKey>(), Err(InvalidKey));
        assert_eq!(written.replacen(&written[..1], "1", 1).parse::<PublicKey>(), Err(InvalidKey));
    }

    #[test]
    fn a_key_has_one_spelling() {
        // The last letter carries one bit of the key; the other four must be zero.
        assert!(("a".repeat(51) + "b").parse::<PublicKey>().is_err());
        assert!(("a".repeat(51) + "q").parse::<PublicKey>().is_ok());
    }

    #[test]
    fn a_key_is_told_from_a_few_others_by_how_it_begins() {
        let key = PublicKey(core::array::from_fn(|at| at as u8));
        assert_eq!(key.id(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_pair_shows_its_public_half_only() {
        let pair = KeyPair::generate(&mut from_seed([1; 32]));
        let public = pair.public();
        assert_eq!(format!("{public:?}"), format!("PublicKey({public})"));
        assert_eq!(format!("{pair:?}"), format!("KeyPair({public}, …)"));
        assert!(InvalidKey.to_string().contains(&WRITTEN_LETTERS.to_string()));
    }
}
