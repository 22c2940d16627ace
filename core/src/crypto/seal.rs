//! Sealing and opening datagrams.
//!
//! The nonce is the packet number, so a number must never seal twice under one key. Therefore key and counter live in one type
//! that takes its key by value, and the counter only ever goes up.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::fmt;

use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use super::suite::Suite;

/// Bytes by which sealing makes a datagram longer.
pub const TAG_BYTES: usize = 16;

/// What the derivation of data keys is tied to, so that no other use of the same secret gives the same key.
const PURPOSE: &[u8] = b"belfry1 data";

/// Which way a key protects; part of what the key is derived from.
#[derive(Clone, Copy)]
pub(super) enum ToWhom {
    Server = 1,
    Client = 2,
}

/// The key of one direction of a connection. Neither copied nor shown; wiped when dropped.
pub struct DataKey {
    raw: Zeroizing<[u8; 32]>,
    suite: Suite,
    /// Packets that it may still seal.
    left: u32,
}

impl DataKey {
    pub(super) fn derive(secret: &[u8], suite: Suite, to: ToWhom) -> Self {
        Self::of_raw(expand(secret, &[PURPOSE, &[suite.number()], &[to as u8]]), suite)
    }

    pub(super) const fn of_raw(raw: Zeroizing<[u8; 32]>, suite: Suite) -> Self {
        Self { raw, suite, left: suite.packets_per_key_max() }
    }

    fn expanded(&self) -> LessSafeKey {
        match UnboundKey::new(self.suite.algorithm(), self.raw.as_slice()) {
            Ok(key) => LessSafeKey::new(key),
            Err(_) => unreachable!("both ciphers take keys of 32 bytes"),
        }
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// HKDF-SHA256 without a salt (RFC 5869): `secret` is uniformly random already.
fn expand(secret: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    let filled = Salt::new(HKDF_SHA256, &[]).extract(secret).expand(info, HKDF_SHA256).and_then(|okm| okm.fill(key.as_mut_slice()));
    match filled {
        Ok(()) => key,
        Err(_) => unreachable!("HKDF-SHA256 gives 32 bytes"),
    }
}

/// A key with what the cipher prepares from it: over half a kilobyte, so a resting peer keeps only the 32 bytes it is made from.
#[derive(Debug)]
struct Cipher {
    key: DataKey,
    prepared: OnceCell<Box<LessSafeKey>>,
}

impl Cipher {
    const fn new(key: DataKey) -> Self {
        Self { key, prepared: OnceCell::new() }
    }
}

/// Why a datagram was not sealed. It is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The key has sealed all that it may, or all 2^64 - 1 numbers are used up; the connection needs to start again.
    Exhausted,
    /// The head is longer than the datagram, or the datagram longer than the cipher can protect (64 GiB).
    Length,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exhausted => "the key has protected all that it may",
            Self::Length => "the datagram is shorter than its head or longer than the cipher allows",
        })
    }
}

impl core::error::Error for SealError {}

/// Seals what one direction of a connection sends: its key, and the only counter that numbers its packets.
#[derive(Debug)]
pub struct Sealer {
    cipher: Cipher,
    next: u64,
}

impl Sealer {
    /// A sealer whose first packet has the number `first`.
    pub const fn new(key: DataKey, first: u64) -> Self {
        Self { cipher: Cipher::new(key), next: first }
    }

    /// The number that the next sealed datagram will have.
    pub const fn next_number(&self) -> u64 {
        self.next
    }

    /// Leaves one number out. Whoever acknowledges it has not seen it and is lying.
    pub const fn skip_number(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    /// Seals everything behind the first `head` bytes in place, appends the tag, and returns the packet number that was used:
    /// the one [`Self::next_number`] gave. The head stays readable; opening fails when it was changed.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&mut self, datagram: &mut Vec<u8>, head: usize) -> Result<u64, SealError> {
        self.cipher.prepared.get_or_init(|| Box::new(self.cipher.key.expanded()));
        self.seal_resting(datagram, head)
    }

    /// The same; nothing is kept of what the cipher prepares.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal_resting(&mut self, datagram: &mut Vec<u8>, head: usize) -> Result<u64, SealError> {
        let (head, body) = datagram.split_at_mut_checked(head).ok_or(SealError::Length)?;
        let number = self.next;
        let left = self.cipher.key.left.checked_sub(1).ok_or(SealError::Exhausted)?;
        // Before the number is used, so that there is no way out of here that would use it again.
        self.next = number.checked_add(1).ok_or(SealError::Exhausted)?;
        self.cipher.key.left = left;
        let mut seal = |cipher: &LessSafeKey| cipher.seal_in_place_separate_tag(nonce(number), Aad::from(&*head), body);
        let sealed = match self.cipher.prepared.get() {
            Some(cipher) => seal(cipher),
            None => seal(&self.cipher.key.expanded()),
        };
        datagram.extend_from_slice(sealed.map_err(|_| SealError::Length)?.as_ref());
        Ok(number)
    }

    /// Goes on with another key. The numbers go on where they are.
    pub fn replace_key(&mut self, key: DataKey) {
        self.cipher = Cipher::new(key);
    }

    /// Frees what the cipher prepared; the next datagram prepares it again (40 ns).
    pub fn rest(&mut self) {
        self.cipher.prepared.take();
    }
}

/// The datagram was not sealed with this key, number and head, or was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged;

impl fmt::Display for Forged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the datagram is damaged or forged")
    }
}

impl core::error::Error for Forged {}

/// Opens what the other side sealed. Whether a number has been opened before is for the [`super::ReplayWindow`] to say.
#[derive(Debug)]
pub struct Opener(Cipher);

impl Opener {
    /// An opener for one direction.
    pub const fn new(key: DataKey) -> Self {
        Self(Cipher::new(key))
    }

    /// Opens `sealed`, the bytes behind `head`, in place and returns them without the tag. After an error they are of no use.
    ///
    /// # Errors
    /// [`Forged`].
    pub fn open<'a>(&self, number: u64, head: &[u8], sealed: &'a mut [u8]) -> Result<&'a mut [u8], Forged> {
        let (nonce, head) = (nonce(number), Aad::from(head));
        if let Some(cipher) = self.0.prepared.get() {
            return cipher.open_in_place(nonce, head, sealed).map_err(|_| Forged);
        }
        // Only a true datagram wakes a resting peer: strangers must not be able to make all of them large.
        let cipher = self.0.key.expanded();
        let opened = cipher.open_in_place(nonce, head, sealed).map_err(|_| Forged)?;
        self.0.prepared.get_or_init(|| Box::new(cipher));
        Ok(opened)
    }

    /// The same; nothing is kept of what the cipher prepares.
    ///
    /// # Errors
    /// [`Forged`].
    pub fn open_resting<'a>(&self, number: u64, head: &[u8], sealed: &'a mut [u8]) -> Result<&'a mut [u8], Forged> {
        self.0.key.expanded().open_in_place(nonce(number), Aad::from(head), sealed).map_err(|_| Forged)
    }

    /// Frees what the cipher prepared; the next true datagram prepares it again (40 ns).
    pub fn rest(&mut self) {
        self.0.prepared.take();
    }
}

/// Four zero bytes and the packet number, little-endian, for both ciphers. The two directions have keys of their own.
fn nonce(number: u64) -> Nonce {
    let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
    Nonce::assume_unique_for_key([0, 0, 0, 0, a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const SUITES: [Suite; 2] = [Suite::ChaCha20Poly1305, Suite::Aes256Gcm];
    const HEAD: usize = 9;

    fn key(suite: Suite) -> DataKey {
        DataKey::derive(&[5; 32], suite, ToWhom::Server)
    }

    fn hex(written: &str) -> Vec<u8> {
        data_encoding::HEXLOWER.decode(written.as_bytes()).unwrap()
    }

    fn raw(written: &str, suite: Suite) -> DataKey {
        DataKey::of_raw(Zeroizing::new(hex(written).try_into().unwrap()), suite)
    }

    fn sealed(sealer: &mut Sealer) -> (u64, Vec<u8>) {
        let mut datagram = b"some head and then a secret".to_vec();
        let number = sealer.seal(&mut datagram, HEAD).unwrap();
        (number, datagram)
    }

    fn open(opener: &Opener, number: u64, datagram: &[u8]) -> Result<Vec<u8>, Forged> {
        let mut datagram = datagram.to_vec();
        let (head, body) = datagram.split_at_mut(HEAD);
        opener.open(number, head, body).map(|opened| opened.to_vec())
    }

    #[test]
    fn what_is_sealed_opens_and_its_head_stays_readable() {
        for suite in SUITES {
            let (number, datagram) = sealed(&mut Sealer::new(key(suite), 41));
            assert_eq!(number, 41);
            assert_eq!(&datagram[..HEAD], b"some head");
            assert!(!datagram.windows(6).any(|window| window == b"secret"));
            assert_eq!(open(&Opener::new(key(suite)), 41, &datagram).unwrap(), b" and then a secret");
        }
    }

    #[test]
    fn sealing_adds_the_tag_and_nothing_else() {
        for suite in SUITES {
            let mut datagram = b"123456789".to_vec();
            Sealer::new(key(suite), 0).seal(&mut datagram, HEAD).unwrap();
            assert_eq!(datagram.len(), HEAD + TAG_BYTES);
        }
    }

    #[test]
    fn a_datagram_with_any_bit_changed_is_forged() {
        for suite in SUITES {
            let (number, datagram) = sealed(&mut Sealer::new(key(suite), 0));
            let opener = Opener::new(key(suite));
            for bit in 0..datagram.len() * 8 {
                let mut forged = datagram.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(open(&opener, number, &forged), Err(Forged), "bit {bit} with {suite:?}");
            }
        }
    }

    #[test]
    fn a_datagram_of_any_other_length_is_forged() {
        for suite in SUITES {
            let (number, datagram) = sealed(&mut Sealer::new(key(suite), 0));
            let opener = Opener::new(key(suite));
            for length in HEAD..datagram.len() {
                assert_eq!(open(&opener, number, &datagram[..length]), Err(Forged), "length {length} with {suite:?}");
            }
            assert_eq!(open(&opener, number, &[datagram, [0].to_vec()].concat()), Err(Forged));
        }
    }

    #[test]
    fn a_datagram_with_any_other_number_is_forged() {
        let (number, datagram) = sealed(&mut Sealer::new(key(Suite::ChaCha20Poly1305), 7));
        let opener = Opener::new(key(Suite::ChaCha20Poly1305));
        for bit in 0..64 {
            assert_eq!(open(&opener, number ^ (1 << bit), &datagram), Err(Forged), "bit {bit}");
        }
    }

    #[test]
    fn the_border_between_head_and_body_is_protected() {
        let (number, mut datagram) = sealed(&mut Sealer::new(key(Suite::ChaCha20Poly1305), 0));
        let (head, body) = datagram.split_at_mut(HEAD - 1);
        assert_eq!(Opener::new(key(Suite::ChaCha20Poly1305)).open(number, head, body), Err(Forged));
    }

    #[test]
    fn a_key_of_the_other_direction_suite_or_secret_does_not_open() {
        let (number, datagram) = sealed(&mut Sealer::new(key(Suite::ChaCha20Poly1305), 0));
        for other in [
            DataKey::derive(&[5; 32], Suite::ChaCha20Poly1305, ToWhom::Client),
            DataKey::derive(&[5; 32], Suite::Aes256Gcm, ToWhom::Server),
            DataKey::derive(&[6; 32], Suite::ChaCha20Poly1305, ToWhom::Server),
        ] {
            assert_eq!(open(&Opener::new(other), number, &datagram), Err(Forged));
        }
    }

    #[test]
    fn keys_of_the_same_secret_differ_by_suite_and_direction() {
        let made = SUITES.map(|suite| [ToWhom::Server, ToWhom::Client].map(|to| *DataKey::derive(&[5; 32], suite, to).raw));
        let mut made: Vec<_> = made.into_iter().flatten().collect();
        made.sort();
        made.dedup();
        assert_eq!(made.len(), 4);
    }

    #[test]
    fn every_datagram_has_the_next_number() {
        let mut sealer = Sealer::new(key(Suite::ChaCha20Poly1305), 0);
        for expected in 0..100 {
            assert_eq!(sealer.next_number(), expected);
            assert_eq!(sealed(&mut sealer).0, expected);
        }
    }

    #[test]
    fn a_skipped_number_is_never_used() {
        let mut sealer = Sealer::new(key(Suite::ChaCha20Poly1305), 10);
        sealer.skip_number();
        assert_eq!((sealed(&mut sealer).0, sealed(&mut sealer).0), (11, 12));
    }

    #[test]
    fn numbers_go_on_across_a_change_of_keys() {
        let mut sealer = Sealer::new(key(Suite::ChaCha20Poly1305), 10);
        sealed(&mut sealer);
        sealer.replace_key(key(Suite::Aes256Gcm));
        let (number, datagram) = sealed(&mut sealer);
        assert_eq!(number, 11);
        assert!(open(&Opener::new(key(Suite::Aes256Gcm)), number, &datagram).is_ok());
        assert_eq!(open(&Opener::new(key(Suite::ChaCha20Poly1305)), number, &datagram), Err(Forged));
    }

    #[test]
    fn an_exhausted_counter_seals_nothing_more_and_touches_nothing() {
        let mut sealer = Sealer::new(key(Suite::ChaCha20Poly1305), u64::MAX - 1);
        assert_eq!(sealed(&mut sealer).0, u64::MAX - 1);
        sealer.skip_number();
        sealer.replace_key(key(Suite::Aes256Gcm));
        let mut datagram = b"some head and then a secret".to_vec();
        assert_eq!(sealer.seal(&mut datagram, HEAD), Err(SealError::Exhausted));
        assert_eq!(datagram, b"some head and then a secret");
    }

    #[test]
    fn a_key_seals_no_more_than_its_cipher_may_protect_and_the_next_one_goes_on() {
        let mut sealer = Sealer::new(key(Suite::Aes256Gcm), 5);
        assert_eq!(sealer.cipher.key.left, 1 << 23);
        sealer.cipher.key.left = 2;
        assert_eq!([sealed(&mut sealer).0, sealed(&mut sealer).0], [5, 6]);
        let mut datagram = b"some head and then a secret".to_vec();
        for _ in 0..2 {
            assert_eq!(sealer.seal(&mut datagram, HEAD), Err(SealError::Exhausted));
        }
        assert_eq!((&datagram[..], sealer.next_number()), (&b"some head and then a secret"[..], 7));
        sealer.replace_key(key(Suite::Aes256Gcm));
        assert_eq!(sealed(&mut sealer).0, 7);
    }

    #[test]
    fn a_head_longer_than_the_datagram_uses_no_number() {
        let mut sealer = Sealer::new(key(Suite::ChaCha20Poly1305), 3);
        assert_eq!(sealer.seal(&mut b"123".to_vec(), 4), Err(SealError::Length));
        assert_eq!(sealer.next_number(), 3);
    }

    #[test]
    fn rest_changes_nothing_but_memory() {
        for suite in SUITES {
            let (mut sealer, mut opener) = (Sealer::new(key(suite), 0), Opener::new(key(suite)));
            for expected in 0..3 {
                let (number, datagram) = sealed(&mut sealer);
                assert_eq!(number, expected);
                assert!(open(&opener, number, &datagram).is_ok());
                sealer.rest();
                opener.rest();
                assert!(sealer.cipher.prepared.get().is_none() && opener.0.prepared.get().is_none());
            }
        }
    }

    #[test]
    fn a_forged_datagram_does_not_wake_a_resting_opener() {
        let (number, datagram) = sealed(&mut Sealer::new(key(Suite::ChaCha20Poly1305), 0));
        let opener = Opener::new(key(Suite::ChaCha20Poly1305));
        assert!(open(&opener, number + 1, &datagram).is_err());
        assert!(opener.0.prepared.get().is_none());
        assert!(open(&opener, number, &datagram).is_ok());
        assert!(opener.0.prepared.get().is_some());
    }

    #[test]
    fn resting_peers_are_small() {
        assert!(size_of::<Sealer>() <= 56 && size_of::<Opener>() <= 48);
    }

    #[test]
    fn suites_have_their_numbers_and_no_others_exist() {
        for number in 0..=u8::MAX {
            let suite = Suite::from_number(number);
            assert_eq!(suite.is_some(), matches!(number, 1 | 2));
            assert!(suite.is_none_or(|suite| suite.number() == number));
        }
    }

    #[test]
    fn keys_do_not_show_in_debug_output() {
        let shown = format!("{:?}", Sealer::new(raw(&"ab".repeat(32), Suite::Aes256Gcm), 0));
        assert!(shown.contains("DataKey { suite: Aes256Gcm, .. }"), "{shown}");
        assert!(!shown.contains("171") && !shown.contains("ab, "), "{shown}");
    }

    #[test]
    fn derivation_is_that_of_rfc_5869_appendix_a_3() {
        let expected = hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
        assert_eq!(expand(&[0x0b; 22], &[]).as_slice(), expected);
    }

    #[test]
    fn chacha20_poly1305_is_that_of_rfc_8439_appendix_a_5() {
        const KEY: &str = "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0";
        // The vector's nonce has the form of ours: four zeros and the bytes 1 to 8.
        const NUMBER: u64 = u64::from_le_bytes([1, 2, 3, 4, 5, 6, 7, 8]);
        let published = hex(concat!(
            "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0",
            "bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855",
            "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e9",
            "9040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a",
            "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130",
            "305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38",
        ));
        let head = hex("f33388860000000000004e91");

        let opener = Opener::new(raw(KEY, Suite::ChaCha20Poly1305));
        let mut body = published.clone();
        let text = opener.open(NUMBER, &head, &mut body).unwrap();
        assert!(text.starts_with(b"Internet-Drafts are draft documents valid for a maximum of six months"));

        let mut datagram = [&head, &*text].concat();
        Sealer::new(raw(KEY, Suite::ChaCha20Poly1305), NUMBER).seal(&mut datagram, head.len()).unwrap();
        assert_eq!(datagram[head.len()..], published);
    }

    #[test]
    fn aes_256_gcm_is_that_of_its_specification_test_cases_13_and_14() {
        for (text, published) in [
            ("", "530f8afbc74536b9a963b4f1c4cb738b"),
            ("00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
        ] {
            let mut datagram = hex(text);
            Sealer::new(raw(&"00".repeat(32), Suite::Aes256Gcm), 0).seal(&mut datagram, 0).unwrap();
            assert_eq!(datagram, hex(published));
        }
    }
}
