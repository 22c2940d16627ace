//! Which cipher a connection uses, and how two sides come to agree on it.

use ring::aead::{AES_256_GCM, Algorithm, CHACHA20_POLY1305};

/// The cipher of a connection, chosen in the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// RFC 8439. Quick on every processor.
    #[default]
    ChaCha20Poly1305 = 1,
    /// NIST SP 800-38D. Where a processor knows AES it takes half the time for a short datagram and a third for a full one; where it does
    /// not, many times as long.
    Aes256Gcm = 2,
}

impl Suite {
    const ALL: [Self; 2] = [Self::ChaCha20Poly1305, Self::Aes256Gcm];

    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The suite with this number on the wire, if there is one.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.number() == number)
    }

    /// What a client offers on whose computer `quickest` is quickest: that first.
    pub fn offer(quickest: Self) -> [Self; 2] {
        match quickest {
            Self::ChaCha20Poly1305 => Self::ALL,
            Self::Aes256Gcm => [Self::Aes256Gcm, Self::ChaCha20Poly1305],
        }
    }

    /// What a server takes of the numbers that a client offers, most wanted first, when `quickest` is quickest on the server's computer:
    /// what both want most, otherwise the one that is quick everywhere, otherwise the client's first. `None` when it knows none of them.
    pub fn agree(offered: &[u8], quickest: Self) -> Option<Self> {
        let known = || offered.iter().filter_map(|&number| Self::from_number(number));
        let wanted = known().next()?;
        if wanted == quickest { Some(wanted) } else { known().find(|&suite| suite == Self::ChaCha20Poly1305).or(Some(wanted)) }
    }

    pub(super) fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::ChaCha20Poly1305 => &CHACHA20_POLY1305,
            Self::Aes256Gcm => &AES_256_GCM,
        }
    }

    /// Packets that one key may seal (RFC 9001 §6.6, which sets ChaCha20-Poly1305 no limit). Keys are renewed long before either.
    pub(super) const fn packets_per_key_max(self) -> u32 {
        match self {
            Self::ChaCha20Poly1305 => u32::MAX,
            Self::Aes256Gcm => 1 << 23,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Suite::{Aes256Gcm, ChaCha20Poly1305};
    use super::*;

    #[test]
    fn aes_is_used_where_both_computers_are_quick_at_it() {
        for (client, server, agreed) in [
            (Aes256Gcm, Aes256Gcm, Aes256Gcm),
            (Aes256Gcm, ChaCha20Poly1305, ChaCha20Poly1305),
            (ChaCha20Poly1305, Aes256Gcm, ChaCha20Poly1305),
            (ChaCha20Poly1305, ChaCha20Poly1305, ChaCha20Poly1305),
        ] {
            let offered = Suite::offer(client).map(Suite::number);
            assert_eq!(Suite::agree(&offered, server), Some(agreed), "{client:?} {server:?}");
        }
    }

    #[test]
    fn a_client_that_offers_one_gets_that() {
        for suite in Suite::ALL {
            for quickest in Suite::ALL {
                assert_eq!(Suite::agree(&[suite.number()], quickest), Some(suite), "{suite:?} {quickest:?}");
            }
        }
    }

    #[test]
    fn numbers_that_nobody_knows_are_passed_over() {
        assert_eq!(Suite::agree(&[9, 0, 2, 1], Aes256Gcm), Some(Aes256Gcm));
        assert_eq!(Suite::agree(&[9, 0], Aes256Gcm), None);
        assert_eq!(Suite::agree(&[], Aes256Gcm), None);
    }
}
