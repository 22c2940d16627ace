//! A peer made by hand: it speaks the wire itself, so that it can say what no honest machine would.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use belfry_core::connection::{Connection, Established, Side};
use belfry_core::crypto::{Initiator, KeyPair, Opener, ReplayWindow, Responder, Sealer, Suite};
use belfry_core::endpoint::{Endpoint, Event, Output};
use belfry_core::limits::{ACK_RANGES_SENT_MAX, CLIENT_DATAGRAM_BYTES_MIN};
use belfry_core::rng::{Random, Rng};
use belfry_core::time::Instant;
use belfry_core::wire::datagram::{self, ConnectionId, Datagram, Hello, Hello0, PROTECTED_HEAD_BYTES, ProtectedHead, TAG_BYTES, VERSION};
use belfry_core::wire::frame;
use belfry_core::wire::parameters::{ClientParameters, RenewalSecret, ServerParameters, prologue};

use crate::pair::seeded;

/// Where an unprotected datagram has its checksum, and what stands there while it is computed.
const CHECKSUM: core::ops::Range<usize> = 12..16;
const CHECKSUM_SALT: &[u8; 4] = b"BLF1";

/// Makes the checksum of a damaged unprotected datagram right again: it protects against nobody.
pub fn repair_checksum(datagram: &mut [u8]) {
    if datagram.len() >= CHECKSUM.end && datagram[0] & 0x80 != 0 {
        datagram[CHECKSUM].copy_from_slice(CHECKSUM_SALT);
        let checksum = crc32fast::hash(datagram).to_le_bytes();
        datagram[CHECKSUM].copy_from_slice(&checksum);
    }
}

/// Somebody who has not shaken hands yet.
#[derive(Debug)]
pub struct Stranger {
    /// What everything of the handshake carries.
    pub nonce: [u8; 8],
    /// The session that it claims to want new keys for, and the secret it shows.
    pub renews: Option<(ConnectionId, RenewalSecret)>,
    /// What it proves in the handshake.
    pub device: KeyPair,
    connection_id: ConnectionId,
    rng: Rng,
}

impl Stranger {
    /// A stranger of this number.
    pub fn new(seed: u64) -> Self {
        let mut rng = seeded(seed);
        let mut nonce = [0; 8];
        rng.fill_bytes(&mut nonce);
        Self { nonce, renews: None, connection_id: ConnectionId(rng.next_u32().max(1)), device: KeyPair::generate(&mut rng), rng }
    }

    /// Asks for a cookie.
    pub fn hello0(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Hello0 { nonce: self.nonce, send_key: true, versions: vec![VERSION] }.encode(&mut out);
        out
    }

    /// Brings the cookie of a RETRY back with a first Noise message; `None` if it is no RETRY with a key.
    pub fn hello(&mut self, retry: &[u8]) -> Option<(Vec<u8>, Initiator)> {
        let Ok(Datagram::Retry(retry)) = datagram::decode(retry) else { return None };
        let server = belfry_core::crypto::PublicKey(retry.key?);
        let parameters =
            ClientParameters { connection_id: self.connection_id, suites: vec![Suite::ChaCha20Poly1305.number()], previous: self.renews };
        let prologue = prologue(VERSION, &retry.versions, self.nonce);
        let (initiator, noise) = Initiator::start(&mut self.rng, &self.device, &server, &[0; 32], &prologue, &parameters.encode()).ok()?;
        let mut out = Vec::new();
        Hello { from: self.connection_id, nonce: self.nonce, cookie: retry.cookie, noise: &noise }.encode(&mut out);
        Some((out, initiator))
    }

    /// Reads the RESPONSE; `None` if it is none.
    pub fn session(initiator: &mut Initiator, response: &[u8]) -> Option<Session> {
        Self::session_after(None, initiator, response)
    }

    /// Reads the RESPONSE that gives a session new keys.
    pub fn session_after(before: Option<&Session>, initiator: &mut Initiator, response: &[u8]) -> Option<Session> {
        let Ok(Datagram::Response(response)) = datagram::decode(response) else { return None };
        let (payload, split) = initiator.finish(response.noise).ok()?;
        let parameters = ServerParameters::decode(&payload).ok()?;
        let (sealing, opening) = split.keys(Suite::from_number(parameters.suite)?);
        Some(Session {
            remote: parameters.connection_id,
            renewal_secret: parameters.renewal_secret,
            epoch: before.is_some_and(|before| !before.epoch),
            sealer: Sealer::new(sealing, before.map_or(0, |before| before.sealer.next_number())),
            opener: Opener::new(opening),
            window: ReplayWindow::new(0),
            heard: BTreeSet::new(),
        })
    }

    /// Shakes hands with an endpoint that refuses nobody.
    pub fn shake_hands(mut self, endpoint: &mut Endpoint, now: Instant, from: SocketAddr) -> Session {
        let mut ask = |mut datagram: Vec<u8>| {
            endpoint.handle_datagram(now, from, &mut datagram);
            let mut answers = drain(endpoint, now).0;
            assert_eq!(answers.len(), 1, "a handshake goes one to one");
            answers.remove(0).1
        };
        let retry = ask(self.hello0());
        let (hello, mut initiator) = self.hello(&retry).expect("a RETRY");
        let response = ask(hello);
        Self::session(&mut initiator, &response).expect("a RESPONSE")
    }
}

/// A stranger who has shaken hands and seals whatever it likes.
#[derive(Debug)]
pub struct Session {
    /// By which number the other side is addressed.
    pub remote: ConnectionId,
    /// What it would have to show for new keys.
    pub renewal_secret: RenewalSecret,
    epoch: bool,
    sealer: Sealer,
    opener: Opener,
    window: ReplayWindow,
    heard: BTreeSet<u64>,
}

impl Session {
    /// A stranger facing a real connection of the other side.
    pub fn facing(side: Side, now: Instant, seed: u64) -> (Self, Connection) {
        let mut rng = seeded(seed);
        let (device, identity) = (KeyPair::generate(&mut rng), KeyPair::generate(&mut rng));
        let (mut initiator, first) =
            Initiator::start(&mut rng, &device, &identity.public(), &[0; 32], b"stranger", b"").expect("a first message");
        let (responder, _, _) = Responder::read(&mut rng, &identity, &[0; 32], b"stranger", &first).expect("it is read");
        let (second, server_split) = responder.respond(b"").expect("a second message");
        let (_, client_split) = initiator.finish(&second).expect("it is read");
        let (of_client, of_server) = (client_split.keys(Suite::ChaCha20Poly1305), server_split.keys(Suite::ChaCha20Poly1305));
        // Both splits give (towards the server, towards the client).
        let (ours, theirs) = match side {
            Side::Server => ((of_client.0, of_client.1), (of_server.1, of_server.0)),
            Side::Client => ((of_server.1, of_server.0), (of_client.0, of_client.1)),
        };
        let (sealer, opener) = (Sealer::new(ours.0, 0), Opener::new(ours.1));
        let session = Self {
            remote: ConnectionId(9),
            renewal_secret: [0; 16],
            epoch: false,
            sealer,
            opener,
            window: ReplayWindow::new(0),
            heard: BTreeSet::new(),
        };
        let established = Established { side, remote: ConnectionId(7), sealing: theirs.0, opening: theirs.1 };
        (session, Connection::new(established, now, &mut rng))
    }

    /// Seals frames, at least one byte of them, padded as a client must.
    pub fn seal(&mut self, frames: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        ProtectedHead { to: self.remote, epoch: self.epoch, number: self.sealer.next_number() as u32 }.encode(&mut out);
        out.extend_from_slice(frames);
        let short = CLIENT_DATAGRAM_BYTES_MIN.saturating_sub(TAG_BYTES + out.len());
        frame::encode_padding(short, &mut out);
        self.sealer.seal(&mut out, PROTECTED_HEAD_BYTES).expect("numbers are left");
        out
    }

    /// Opens what the other side sealed.
    pub fn open(&mut self, mut datagram: Vec<u8>) -> Option<Vec<u8>> {
        let Ok(Datagram::Protected(head)) = datagram::decode(&datagram) else { return None };
        let number = self.window.expand(head.number);
        let (head, sealed) = datagram.split_at_mut(PROTECTED_HEAD_BYTES);
        let frames = self.opener.open(number, head, sealed).ok()?.to_vec();
        self.window.mark(number);
        self.heard.insert(number);
        Some(frames)
    }

    /// The packet numbers that were opened, as ranges for an ACK; the newest of them.
    pub fn heard_ranges(&self) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for &number in &self.heard {
            match ranges.last_mut() {
                Some((_, largest)) if *largest + 1 == number => *largest = number,
                _ => ranges.push((number, number)),
            }
        }
        ranges.reverse();
        ranges.truncate(ACK_RANGES_SENT_MAX);
        ranges
    }

    /// Hands frames to the real connection that this stranger faces.
    pub fn say(&mut self, connection: &mut Connection, now: Instant, frames: &[u8], rng: &mut Rng) {
        let mut datagram = self.seal(frames);
        let Ok(Datagram::Protected(head)) = datagram::decode(&datagram) else { panic!("a protected datagram") };
        connection.handle_datagram(now, head, &mut datagram, rng);
    }

    /// What the real connection sends now, opened.
    pub fn hear(&mut self, connection: &mut Connection, now: Instant, rng: &mut Rng) -> Vec<Vec<u8>> {
        let (mut heard, mut out) = (Vec::new(), Vec::new());
        while connection.poll_transmit(now, rng, &mut out) {
            heard.push(self.open(out.clone()).expect("its keys are ours"));
        }
        heard
    }
}

/// What an endpoint sends and tells now.
pub fn drain(endpoint: &mut Endpoint, now: Instant) -> (Vec<(SocketAddr, Vec<u8>)>, Vec<Event>) {
    let (mut sent, mut told, mut out) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        match endpoint.poll(now, &mut out) {
            Output::Transmit { to } => sent.push((to, out.clone())),
            Output::Event(event) => told.push(event),
            Output::Wait(_) => return (sent, told),
        }
    }
}
