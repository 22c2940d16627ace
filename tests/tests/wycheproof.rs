//! The ciphers and the curve over the vectors of Wycheproof. Those of Noise are with the handshake, in the core.

use belfry_core::crypto::{HandshakeError, Initiator, KeyPair, PublicKey, Responder};
use belfry_tests::pair::seeded;
use ring::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use wycheproof::TestResult;
use wycheproof::aead::{self, TestSet};
use wycheproof::xdh::{self, TestFlag};

/// Opens and seals every vector whose key, nonce and tag have the sizes that datagrams have.
fn check(name: aead::TestName, algorithm: &'static Algorithm, at_least: usize) {
    let set = TestSet::load(name).expect("the vectors can be read");
    let (mut count, mut failures) = (0, Vec::new());
    for group in set.test_groups.iter().filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128)) {
        for test in &group.tests {
            count += 1;
            let key = LessSafeKey::new(UnboundKey::new(algorithm, &test.key).expect("32 bytes"));
            let nonce = || Nonce::try_assume_unique_for_key(&test.nonce).expect("12 bytes");
            let mut sealed = [&test.ct[..], &test.tag[..]].concat();
            let opened = key.open_in_place(nonce(), Aad::from(&test.aad), &mut sealed).ok().map(|opened| opened.to_vec());
            let expected = (test.result != TestResult::Invalid).then(|| test.pt.to_vec());
            if opened != expected {
                failures.push(format!("{}: opening: {}", test.tc_id, test.comment));
            }
            if test.result == TestResult::Valid {
                let mut bytes = test.pt.to_vec();
                key.seal_in_place_append_tag(nonce(), Aad::from(&test.aad), &mut bytes).expect("it can be sealed");
                if bytes != [&test.ct[..], &test.tag[..]].concat() {
                    failures.push(format!("{}: sealing: {}", test.tc_id, test.comment));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(count >= at_least, "only {count} vectors");
}

#[test]
fn chacha20_poly1305_seals_and_opens_as_it_should() {
    check(aead::TestName::ChaCha20Poly1305, &CHACHA20_POLY1305, 200);
}

#[test]
fn aes_256_gcm_seals_and_opens_as_it_should() {
    check(aead::TestName::AesGcm, &AES_256_GCM, 60);
}

fn key(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().expect("32 bytes")
}

#[test]
fn a_handshake_refuses_the_public_keys_of_low_order_and_no_others() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).expect("the vectors can be read");
    let (mut weak, mut failures) = (0, Vec::new());
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let device = KeyPair::from_private(key(&test.private_key).into());
        let server = PublicKey(key(&test.public_key));
        let started = Initiator::start(&mut seeded(1), &device, &server, &[0; 32], b"", b"").map(|_| ());
        let expected = if test.flags.contains(&TestFlag::ZeroSharedSecret) { Err(HandshakeError::WeakKey) } else { Ok(()) };
        weak += usize::from(expected.is_err());
        if started != expected {
            failures.push(format!("{}: {started:?}: {}", test.tc_id, test.comment));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(weak >= 10, "only {weak} weak keys");
}

#[test]
fn unusual_private_keys_shake_hands_like_others() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).expect("the vectors can be read");
    let device = KeyPair::generate(&mut seeded(2));
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let identity = KeyPair::from_private(key(&test.private_key).into());
        let mut rng = seeded(3);
        let (mut initiator, first) = Initiator::start(&mut rng, &device, &identity.public(), &[0; 32], b"", b"hello").expect("a good key");
        let (responder, whose, payload) = Responder::read(&mut rng, &identity, &[0; 32], b"", &first).expect("it is read");
        assert_eq!((whose, &payload[..]), (device.public(), &b"hello"[..]), "{}", test.tc_id);
        let (second, _) = responder.respond(b"welcome").expect("a second message");
        assert_eq!(initiator.finish(&second).expect("it is read").0, b"welcome", "{}", test.tc_id);
    }
}
