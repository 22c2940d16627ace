//! X25519 (RFC 7748), as the handshake needs it.

use curve25519_dalek::montgomery::MontgomeryPoint;
use snow::types::{Dh, Random};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The public half of an X25519 private key.
pub(super) fn public_of(private: &[u8; 32]) -> [u8; 32] {
    MontgomeryPoint::mul_base_clamped(*private).to_bytes()
}

/// The product of a point and a clamped scalar (RFC 7748 §5): what two sides agree on.
fn product(public: [u8; 32], private: &[u8; 32]) -> [u8; 32] {
    let point = MontgomeryPoint(public);
    // The same group in its other form, where the processor's vectors multiply: a quarter to a third of the time less, there and back
    // included. A point of the twist is not in it; whether one is, its sender knows.
    let edwards = if cfg!(target_arch = "x86_64") { point.to_edwards(0) } else { None };
    match edwards {
        Some(point) => point.mul_clamped(*private).to_montgomery(),
        None => point.mul_clamped(*private),
    }
    .to_bytes()
}

/// X25519 (RFC 7748) that refuses secrets of zeros and wipes its private key.
pub(super) struct X25519 {
    private: Zeroizing<[u8; 32]>,
    public: [u8; 32],
    /// The public half of the private key that is going to be set.
    own: [u8; 32],
}

impl X25519 {
    /// One that is either to generate a private key or to be given the one of which this is the public half.
    pub(super) fn with(own: [u8; 32]) -> Self {
        Self { private: Zeroizing::default(), public: [0; 32], own }
    }
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, private: &[u8]) {
        self.private.copy_from_slice(private);
        self.public = self.own;
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), snow::Error> {
        rng.try_fill_bytes(self.private.as_mut_slice())?;
        self.public = public_of(&self.private);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        self.private.as_slice()
    }

    fn dh(&self, public: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        let public = *public.first_chunk().ok_or(snow::Error::Dh)?;
        let shared = Zeroizing::new(product(public, &self.private));
        if shared.ct_eq(&[0; 32]).into() {
            return Err(snow::Error::Dh);
        }
        *out.first_chunk_mut().ok_or(snow::Error::Dh)? = *shared;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Random, from_seed};

    fn hex(written: &str) -> [u8; 32] {
        data_encoding::HEXLOWER.decode(written.as_bytes()).unwrap().try_into().unwrap()
    }

    #[test]
    fn public_keys_are_those_of_rfc_7748_section_6_1() {
        let alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        assert_eq!(public_of(&alice), hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
        let bob = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        assert_eq!(public_of(&bob), hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
    }

    fn with(private: &[u8; 32]) -> X25519 {
        let mut dh = X25519::with(public_of(private));
        dh.set(private);
        dh
    }

    #[test]
    fn both_forms_of_the_curve_agree_whatever_is_multiplied() {
        let mut rng = from_seed([9; 32]);
        let mut draw = || {
            let mut bytes = [0; 32];
            rng.fill_bytes(&mut bytes);
            bytes
        };
        let (mut on_curve, mut on_twist) = (0, 0);
        for _ in 0..100 {
            let (public, private) = (draw(), draw());
            assert_eq!(product(public, &private), MontgomeryPoint(public).mul_clamped(private).to_bytes());
            let other = if MontgomeryPoint(public).to_edwards(0).is_some() { &mut on_curve } else { &mut on_twist };
            *other += 1;
        }
        assert!(on_curve > 20 && on_twist > 20, "every other point is on the twist");
    }

    #[test]
    fn the_shared_secret_is_that_of_rfc_7748_section_6_1() {
        let alice = with(&hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
        let mut shared = [0; 32];
        alice.dh(&hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"), &mut shared).unwrap();
        assert_eq!(shared, hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
    }

    #[test]
    fn public_keys_of_low_order_agree_on_nothing() {
        let alice = with(&hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
        for weak in [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ] {
            assert_eq!(alice.dh(&hex(weak), &mut [0; 32]), Err(snow::Error::Dh), "{weak}");
        }
    }

    #[test]
    fn the_handshake_is_told_the_sizes_of_what_it_is_handed() {
        let alice = with(&[7; 32]);
        assert_eq!((alice.name(), alice.privkey()), ("25519", &[7; 32][..]));
        assert_eq!((alice.priv_len(), alice.pub_len()), (alice.privkey().len(), alice.pubkey().len()));
    }
}
