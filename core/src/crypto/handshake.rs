//! The Noise handshake, `IKpsk2`: the client knows the server's key and proves its own in the first message; two messages, and
//! both sides hold keys for the data.
//!
//! Noise runs through snow. Two things are ours: the ephemeral key comes from the generator that is handed in, so that a
//! handshake replays from a seed, and X25519 refuses public keys of low order, which snow does not.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random as NoiseRandom};
use snow::{Builder, HandshakeState};
use zeroize::Zeroizing;

use super::keys::{KeyPair, PublicKey};
use super::seal::{DataKey, ToWhom};
use super::suite::Suite;
use super::x25519::X25519;
use crate::rng::{Random, Rng};

/// The pattern, its primitives and the name that is hashed into every handshake.
const PROTOCOL: &str = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

/// The pre-shared key of a site that has none: the pattern mixes one in, and no setting gives a site one.
pub const NO_SITE_KEY: [u8; 32] = [0; 32];

/// Where the pattern mixes in the pre-shared key.
const SITE_KEY_PLACE: u8 = 2;

/// Bytes of the first message beyond its payload: the ephemeral key, the device key with its tag, the payload's tag.
pub const FIRST_MESSAGE_OVERHEAD: usize = 32 + 48 + 16;

/// Bytes of the second message beyond its payload: the ephemeral key and the payload's tag.
pub const SECOND_MESSAGE_OVERHEAD: usize = 32 + 16;

/// Why a handshake did not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// The message is damaged or forged, or was made for other keys or another prologue.
    Forged,
    /// A public key has low order: the shared secret would be zeros, whatever the private key (RFC 7748 §6.1).
    WeakKey,
    /// The payload does not fit a Noise message of 65,535 bytes.
    TooLong,
    /// The handshake has already succeeded.
    Finished,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forged => "the handshake message is damaged, forged or made for other keys",
            Self::WeakKey => "the handshake names a public key that protects nothing",
            Self::TooLong => "the handshake's payload is too long",
            Self::Finished => "the handshake is already finished",
        })
    }
}

impl core::error::Error for HandshakeError {}

/// The client's side, waiting for the second message.
pub struct Initiator(HandshakeState);

impl Initiator {
    /// Writes the first message. `payload` is encrypted to the server, but a copy of the message can be replayed and whoever
    /// steals the server's key later can read it: nothing of the conversation belongs there.
    ///
    /// # Errors
    /// [`HandshakeError::WeakKey`] for an unusable server key, [`HandshakeError::TooLong`].
    pub fn start(
        rng: &mut Rng,
        device: &KeyPair,
        server: &PublicKey,
        site_key: &[u8; 32],
        prologue: &[u8],
        payload: &[u8],
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        Self::start_with(Ephemeral::draw(rng), device, server, site_key, prologue, payload)
    }

    fn start_with(
        ephemeral: Ephemeral,
        device: &KeyPair,
        server: &PublicKey,
        site_key: &[u8; 32],
        prologue: &[u8],
        payload: &[u8],
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        let mut state = configure(ephemeral, device, site_key, prologue)
            .and_then(|builder| builder.remote_public_key(&server.0)?.build_initiator())
            .unwrap_or_else(misconfigured);
        let message = write(&mut state, payload, FIRST_MESSAGE_OVERHEAD)?;
        Ok((Self(state), message))
    }

    /// Reads the second message and returns its payload with the secrets of the connection. After an error the handshake still
    /// waits for the true message: anybody can send a false one.
    ///
    /// # Errors
    /// [`HandshakeError::Forged`], [`HandshakeError::WeakKey`], and [`HandshakeError::Finished`] after it has succeeded once.
    pub fn finish(&mut self, message: &[u8]) -> Result<(Vec<u8>, Split), HandshakeError> {
        let payload = read(&mut self.0, message, SECOND_MESSAGE_OVERHEAD)?;
        Ok((payload, Split::of(&mut self.0)))
    }
}

impl fmt::Debug for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initiator").finish_non_exhaustive()
    }
}

/// The server's side, having read the first message.
pub struct Responder(HandshakeState);

impl Responder {
    /// Reads the first message and returns the device key that it proves and its payload. The key is proven to have made the
    /// message once; that it is here now shows only when the client uses the connection's keys.
    ///
    /// # Errors
    /// [`HandshakeError::Forged`], [`HandshakeError::WeakKey`].
    pub fn read(
        rng: &mut Rng,
        identity: &KeyPair,
        site_key: &[u8; 32],
        prologue: &[u8],
        message: &[u8],
    ) -> Result<(Self, PublicKey, Vec<u8>), HandshakeError> {
        Self::read_with(Ephemeral::draw(rng), identity, site_key, prologue, message)
    }

    fn read_with(
        ephemeral: Ephemeral,
        identity: &KeyPair,
        site_key: &[u8; 32],
        prologue: &[u8],
        message: &[u8],
    ) -> Result<(Self, PublicKey, Vec<u8>), HandshakeError> {
        let mut state = configure(ephemeral, identity, site_key, prologue).and_then(Builder::build_responder).unwrap_or_else(misconfigured);
        let payload = read(&mut state, message, FIRST_MESSAGE_OVERHEAD)?;
        let device = state.get_remote_static().and_then(|key| key.try_into().ok()).ok_or(HandshakeError::Forged)?;
        Ok((Self(state), PublicKey(device), payload))
    }

    /// Writes the second message and returns it with the secrets of the connection.
    ///
    /// # Errors
    /// [`HandshakeError::WeakKey`] when the client's ephemeral key is unusable, [`HandshakeError::TooLong`].
    pub fn respond(mut self, payload: &[u8]) -> Result<(Vec<u8>, Split), HandshakeError> {
        let message = write(&mut self.0, payload, SECOND_MESSAGE_OVERHEAD)?;
        Ok((message, Split::of(&mut self.0)))
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").finish_non_exhaustive()
    }
}

/// What a finished handshake leaves: one secret for each direction, the same on both sides. Wiped when dropped.
pub struct Split {
    to_server: Zeroizing<[u8; 32]>,
    to_client: Zeroizing<[u8; 32]>,
}

impl Split {
    fn of(state: &mut HandshakeState) -> Self {
        let (to_server, to_client) = state.dangerously_get_raw_split();
        Self { to_server: Zeroizing::new(to_server), to_client: Zeroizing::new(to_client) }
    }

    /// The keys for the chosen cipher: first the one towards the server, then the one towards the client. The secrets are used
    /// up, because a key that could be made twice could be counted from the start twice.
    pub fn keys(self, suite: Suite) -> (DataKey, DataKey) {
        (DataKey::derive(&*self.to_server, suite, ToWhom::Server), DataKey::derive(&*self.to_client, suite, ToWhom::Client))
    }
}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").finish_non_exhaustive()
    }
}

fn configure<'a>(ephemeral: Ephemeral, own: &'a KeyPair, site_key: &'a [u8; 32], prologue: &'a [u8]) -> Result<Builder<'a>, snow::Error> {
    Builder::with_resolver(PROTOCOL.parse()?, Box::new(Resolver { ephemeral, own: own.public() }))
        .local_private_key(own.private())?
        .psk(SITE_KEY_PLACE, site_key)?
        .prologue(prologue)
}

/// Everything that could be missing is fixed above, so this is a fault of the program and not of a peer.
fn misconfigured(error: snow::Error) -> HandshakeState {
    unreachable!("the handshake is fully configured, yet: {error}")
}

fn write(state: &mut HandshakeState, payload: &[u8], overhead: usize) -> Result<Vec<u8>, HandshakeError> {
    let mut message = vec![0; payload.len().saturating_add(overhead)];
    match state.write_message(payload, &mut message) {
        Ok(_) => Ok(message),
        Err(snow::Error::Dh) => Err(HandshakeError::WeakKey),
        Err(snow::Error::State(_)) => Err(HandshakeError::Finished),
        Err(_) => Err(HandshakeError::TooLong),
    }
}

fn read(state: &mut HandshakeState, message: &[u8], overhead: usize) -> Result<Vec<u8>, HandshakeError> {
    let mut payload = vec![0; message.len().saturating_sub(overhead)];
    match state.read_message(message, &mut payload) {
        Ok(_) => Ok(payload),
        Err(snow::Error::Dh) => Err(HandshakeError::WeakKey),
        Err(snow::Error::State(_)) => Err(HandshakeError::Finished),
        Err(_) => Err(HandshakeError::Forged),
    }
}

/// The private key of one handshake. Taken once: a second handshake with it would repeat the first one's secrets.
struct Ephemeral(core::cell::Cell<Option<Zeroizing<[u8; 32]>>>);

impl Ephemeral {
    fn draw(rng: &mut Rng) -> Self {
        let mut private = Zeroizing::new([0; 32]);
        rng.fill_bytes(private.as_mut_slice());
        Self::fixed(private)
    }

    fn fixed(private: Zeroizing<[u8; 32]>) -> Self {
        Self(core::cell::Cell::new(Some(private)))
    }
}

/// What snow takes for a random generator: it knows the ephemeral key and nothing else.
struct OneKey(Option<Zeroizing<[u8; 32]>>);

impl NoiseRandom for OneKey {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), snow::Error> {
        let key = self.0.take().ok_or(snow::Error::Rng)?;
        if dest.len() != key.len() {
            return Err(snow::Error::Rng);
        }
        dest.copy_from_slice(key.as_slice());
        Ok(())
    }
}

struct Resolver {
    ephemeral: Ephemeral,
    own: PublicKey,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn NoiseRandom>> {
        Some(Box::new(OneKey(Some(self.ephemeral.0.take()?))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519).then(|| Box::new(X25519::with(self.own.0)) as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

#[cfg(test)]
mod tests {
    use super::super::seal::{Opener, Sealer};
    use super::*;
    use crate::rng::from_seed;

    const PROLOGUE: &[u8] = b"belfry 1";

    /// A device and a server with a site key of their own.
    struct Pair {
        device: KeyPair,
        server: KeyPair,
        site_key: [u8; 32],
    }

    impl Pair {
        fn new() -> Self {
            let mut rng = from_seed([7; 32]);
            Self { device: KeyPair::generate(&mut rng), server: KeyPair::generate(&mut rng), site_key: [3; 32] }
        }

        fn start(&self, seed: u8) -> (Initiator, Vec<u8>) {
            let rng = &mut from_seed([seed; 32]);
            Initiator::start(rng, &self.device, &self.server.public(), &self.site_key, PROLOGUE, b"offer").unwrap()
        }

        fn read(&self, message: &[u8]) -> Result<(Responder, PublicKey, Vec<u8>), HandshakeError> {
            Responder::read(&mut from_seed([200; 32]), &self.server, &self.site_key, PROLOGUE, message)
        }
    }

    fn hex<const N: usize>(written: &str) -> [u8; N] {
        data_encoding::HEXLOWER.decode(written.as_bytes()).unwrap().try_into().unwrap()
    }

    #[test]
    fn both_payloads_and_the_device_key_are_delivered() {
        let pair = Pair::new();
        let (mut initiator, first) = pair.start(1);
        let (responder, device, offer) = pair.read(&first).unwrap();
        assert_eq!((device, offer.as_slice()), (pair.device.public(), &b"offer"[..]));
        let (second, _) = responder.respond(b"choice").unwrap();
        assert_eq!(initiator.finish(&second).unwrap().0, b"choice");
    }

    #[test]
    fn both_sides_hold_the_same_two_keys_and_the_two_differ() {
        let pair = Pair::new();
        let (mut initiator, first) = pair.start(1);
        let (second, servers) = pair.read(&first).unwrap().0.respond(b"").unwrap();
        let (_, clients) = initiator.finish(&second).unwrap();
        assert_eq!(servers.to_server, clients.to_server);
        assert_eq!(servers.to_client, clients.to_client);
        assert_ne!(servers.to_server, servers.to_client);
    }

    #[test]
    fn what_one_side_seals_with_its_key_only_the_other_opens() {
        let pair = Pair::new();
        for suite in [Suite::ChaCha20Poly1305, Suite::Aes256Gcm] {
            let (mut initiator, first) = pair.start(1);
            let (second, servers) = pair.read(&first).unwrap().0.respond(b"").unwrap();
            let (_, clients) = initiator.finish(&second).unwrap();
            let (servers, clients) = (servers.keys(suite), clients.keys(suite));
            let ends = [(Sealer::new(clients.0, 0), Opener::new(clients.1)), (Sealer::new(servers.1, 0), Opener::new(servers.0))];
            let [(mut client, client_opener), (mut server, server_opener)] = ends;
            for (sealer, theirs, own) in [(&mut client, &server_opener, &client_opener), (&mut server, &client_opener, &server_opener)] {
                let mut datagram = b"hello".to_vec();
                let number = sealer.seal(&mut datagram, 0).unwrap();
                assert!(own.open(number, &[], &mut datagram.clone()).is_err());
                assert_eq!(theirs.open(number, &[], &mut datagram).unwrap(), b"hello");
            }
        }
    }

    /// Computed apart from this program, from the definition: HKDF-SHA256(secret, "belfry1 data" ‖ suite ‖ direction).
    #[test]
    fn data_keys_are_derived_as_specified() {
        for (suite, to_server, to_client) in [
            (
                Suite::ChaCha20Poly1305,
                "76fca3fe6f6479ea0db58dcaa6ea154a6424bc154990a21384b55f57d584a35a",
                "150e60277715e4ada5e59925efd1d9d100b4d37c4c7691b45aa868622eb32000",
            ),
            (
                Suite::Aes256Gcm,
                "d9f12381fefa692e6bda6f26a8bb8d57693c6c87acdf1c779fadb5bcf4b68609",
                "29c7e7e6040679dab50a506b677a67e9819e0cdb28aac1b4b20d40fa218e918c",
            ),
        ] {
            let keys = Split { to_server: Zeroizing::new([1; 32]), to_client: Zeroizing::new([2; 32]) }.keys(suite);
            for (key, expected) in [(keys.0, to_server), (keys.1, to_client)] {
                let mut datagram = b"hello".to_vec();
                Sealer::new(key, 0).seal(&mut datagram, 0).unwrap();
                let expected = Opener::new(DataKey::of_raw(Zeroizing::new(hex(expected)), suite));
                assert!(expected.open(0, &[], &mut datagram).is_ok());
            }
        }
    }

    #[test]
    fn messages_have_the_sizes_that_the_datagrams_reckon_with() {
        let pair = Pair::new();
        let (_, first) = pair.start(1);
        let (second, _) = pair.read(&first).unwrap().0.respond(b"choice").unwrap();
        assert_eq!(first.len(), b"offer".len() + FIRST_MESSAGE_OVERHEAD);
        assert_eq!(second.len(), b"choice".len() + SECOND_MESSAGE_OVERHEAD);
    }

    #[test]
    fn one_seed_makes_the_same_bytes_again() {
        let pair = Pair::new();
        let run = |seed| {
            let (_, first) = pair.start(seed);
            let (second, _) = pair.read(&first).unwrap().0.respond(b"").unwrap();
            (first, second)
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn two_handshakes_from_one_generator_use_different_keys() {
        let pair = Pair::new();
        let mut rng = from_seed([1; 32]);
        let mut first = || Initiator::start(&mut rng, &pair.device, &pair.server.public(), &pair.site_key, PROLOGUE, b"").unwrap().1;
        assert_ne!(first()[..32], first()[..32]);
    }

    #[test]
    fn another_server_key_is_not_answered() {
        let pair = Pair::new();
        let (_, first) = pair.start(1);
        let other = KeyPair::generate(&mut from_seed([8; 32]));
        let result = Responder::read(&mut from_seed([2; 32]), &other, &pair.site_key, PROLOGUE, &first);
        assert_eq!(result.unwrap_err(), HandshakeError::Forged);
    }

    #[test]
    fn another_prologue_is_not_answered() {
        let pair = Pair::new();
        let (_, first) = pair.start(1);
        let result = Responder::read(&mut from_seed([2; 32]), &pair.server, &pair.site_key, b"belfry 2", &first);
        assert_eq!(result.unwrap_err(), HandshakeError::Forged);
    }

    #[test]
    fn another_site_key_does_not_finish() {
        // The pattern mixes the site key into the second message, so the server cannot see the difference in the first.
        let pair = Pair::new();
        let (mut initiator, first) = pair.start(1);
        let (responder, ..) = Responder::read(&mut from_seed([2; 32]), &pair.server, &[4; 32], PROLOGUE, &first).unwrap();
        let (second, _) = responder.respond(b"").unwrap();
        assert_eq!(initiator.finish(&second).unwrap_err(), HandshakeError::Forged);
    }

    #[test]
    fn a_first_message_with_any_byte_changed_is_refused() {
        let pair = Pair::new();
        let (_, first) = pair.start(1);
        for at in 0..first.len() {
            let mut forged = first.clone();
            forged[at] ^= 1;
            assert!(pair.read(&forged).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_first_message_of_any_other_length_is_refused() {
        let pair = Pair::new();
        let (_, mut first) = pair.start(1);
        for length in 0..first.len() {
            assert_eq!(pair.read(&first[..length]).unwrap_err(), HandshakeError::Forged, "length {length}");
        }
        first.push(0);
        assert_eq!(pair.read(&first).unwrap_err(), HandshakeError::Forged);
    }

    #[test]
    fn forged_answers_leave_the_client_able_to_take_the_true_one() {
        let pair = Pair::new();
        let (mut initiator, first) = pair.start(1);
        let (second, servers) = pair.read(&first).unwrap().0.respond(b"choice").unwrap();
        for at in 0..second.len() {
            let mut forged = second.clone();
            forged[at] ^= 0x20;
            assert!(initiator.finish(&forged).is_err(), "byte {at}");
            assert!(initiator.finish(&second[..at]).is_err(), "length {at}");
        }
        let mut weak = second.clone();
        weak[..32].fill(0);
        assert_eq!(initiator.finish(&weak).unwrap_err(), HandshakeError::WeakKey);

        let (payload, clients) = initiator.finish(&second).unwrap();
        assert_eq!(payload, b"choice");
        assert_eq!(clients.to_server, servers.to_server);
    }

    #[test]
    fn a_finished_handshake_does_not_finish_again() {
        let pair = Pair::new();
        let (mut initiator, first) = pair.start(1);
        let (second, _) = pair.read(&first).unwrap().0.respond(b"").unwrap();
        initiator.finish(&second).unwrap();
        assert_eq!(initiator.finish(&second).unwrap_err(), HandshakeError::Finished);
    }

    #[test]
    fn a_server_key_of_low_order_is_refused() {
        let pair = Pair::new();
        let result = Initiator::start(&mut from_seed([1; 32]), &pair.device, &PublicKey([0; 32]), &pair.site_key, PROLOGUE, b"");
        assert_eq!(result.unwrap_err(), HandshakeError::WeakKey);
    }

    #[test]
    fn a_first_message_with_an_ephemeral_key_of_low_order_is_refused() {
        let pair = Pair::new();
        let (_, mut first) = pair.start(1);
        first[..32].fill(0);
        assert_eq!(pair.read(&first).unwrap_err(), HandshakeError::WeakKey);
    }

    #[test]
    fn a_payload_that_fits_no_noise_message_is_refused() {
        let pair = Pair::new();
        let payload = vec![0; 65_535 - FIRST_MESSAGE_OVERHEAD + 1];
        let start = |payload: &[u8]| {
            Initiator::start(&mut from_seed([1; 32]), &pair.device, &pair.server.public(), &pair.site_key, PROLOGUE, payload)
        };
        assert_eq!(start(&payload).unwrap_err(), HandshakeError::TooLong);
        assert!(start(&payload[1..]).is_ok());
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let pair = Pair::new();
        let (initiator, first) = pair.start(1);
        let (responder, ..) = pair.read(&first).unwrap();
        assert_eq!(alloc::format!("{initiator:?} {responder:?}"), "Initiator { .. } Responder { .. }");
        let (_, split) = responder.respond(b"").unwrap();
        assert_eq!(alloc::format!("{split:?}"), "Split { .. }");
    }

    /// The vector of the Cacophony set for this pattern, with the two transport messages of each direction through our own
    /// sealing: an empty head, numbers from zero and no derivation make a Sealer the cipher that Noise means.
    #[test]
    fn the_handshake_makes_the_published_bytes() {
        let device = KeyPair::from_private(Zeroizing::new(hex("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1")));
        let server = KeyPair::from_private(Zeroizing::new(hex("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893")));
        let site_key = hex("54686973206973206d7920417573747269616e20706572737065637469766521");
        let ours = Ephemeral::fixed(Zeroizing::new(hex("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a")));
        let theirs = Ephemeral::fixed(Zeroizing::new(hex("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b")));
        let prologue = b"John Galt";

        let (mut initiator, first) =
            Initiator::start_with(ours, &device, &server.public(), &site_key, prologue, b"Ludwig von Mises").unwrap();
        assert_eq!(
            first,
            hex::<112>(
                "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944001e21de9f98ddd8e2ad57527207feb5\
                 6253c9c94a9e496782ecfcb2a75fbcaf1b52948cc48daefe660c62119ab5000980c84831215f2441eba616548e832985\
                 464cf17e51ee93109008399a21f7e13f"
            )
        );
        let (responder, ..) = Responder::read_with(theirs, &server, &site_key, prologue, &first).unwrap();
        let (second, _) = responder.respond(b"Murray Rothbard").unwrap();
        assert_eq!(
            second,
            hex::<63>(
                "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843cb765f2caef0751b8f007572dab03222\
                 17755c0632f365717edbf34d33e87a"
            )
        );

        let (_, split) = initiator.finish(&second).unwrap();
        let mut sealer = Sealer::new(DataKey::of_raw(split.to_server, Suite::ChaCha20Poly1305), 0);
        let mut sealed = b"F. A. Hayek".to_vec();
        sealer.seal(&mut sealed, 0).unwrap();
        assert_eq!(sealed, hex::<27>("8153ca9833bc3c1b91a7e66e5f4d4f5b59bf9e64c2f20d15f0bba7"));
        let mut sealed = b"Jean-Baptiste Say".to_vec();
        sealer.seal(&mut sealed, 0).unwrap();
        assert_eq!(sealed, hex::<33>("6ab1467c0448cc78394494abaaf23afce0e234315d6e2624dcbfa8a21c1c4d073d"));

        let opener = Opener::new(DataKey::of_raw(split.to_client, Suite::ChaCha20Poly1305));
        let mut answer = hex::<27>("07af0c9c86e1b4e80f36b04ff7688d51141af3debd0332f0a705ef");
        assert_eq!(opener.open(0, &[], &mut answer).unwrap(), b"Carl Menger");
    }
}
