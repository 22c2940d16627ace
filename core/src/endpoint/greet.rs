//! The handshake's server side: nothing is kept before a cookie has proven the address.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::admission::{Admitted, HelloHash};
use super::peers::{Peer, PeerStage, Renewal};
use super::{Endpoint, PeerId};
use crate::connection::{Connection, Established, Queued, Side};
use crate::crypto::{self, AddressProven, KeyPair, NO_SITE_KEY, PublicKey, Responder, Suite};
use crate::limits::{HANDSHAKES_AT_ONCE, IDENTITIES_MAX, PROVISIONAL_MAX};
use crate::rng::Random;
use crate::time::Instant;
use crate::wire::CloseCode;
use crate::wire::datagram::{ConnectionId, Hello, Hello0, NoSession, Reject, Response, Retry, VERSION};
use crate::wire::parameters::{ClientParameters, RenewalSecret, ServerParameters, prologue};

/// The versions this server speaks.
pub(super) const VERSIONS: [u16; 1] = [VERSION];

/// The size of NO_SESSION, which must be shorter than what it answers.
const NO_SESSION_BYTES: usize = 32;

/// What a client that was turned away waits before it asks again, in milliseconds, plus as much at random.
const REJECTED_RETRY_MILLIS: u32 = 2000;

impl Endpoint {
    /// Somebody asks for a cookie: answered from thin air, with less than was asked with.
    pub(super) fn on_hello0(&mut self, now: Instant, from: SocketAddr, hello: &Hello0) -> bool {
        if !self.admission.retry(now, from.ip()) {
            return false;
        }
        let key_ids = self.identities().map(|identity| identity.public().id()).collect();
        let cookie = self.cookies.mint(now, from, hello.nonce);
        let key = hello.send_key.then_some(self.config.identity.public().0);
        let retry = Retry { nonce: hello.nonce, cookie, key_ids, key, versions: VERSIONS.to_vec() };
        self.reply(from, |out| retry.encode(out));
        true
    }

    /// Somebody brings a cookie and a first message.
    pub(super) fn on_hello(&mut self, now: Instant, from: SocketAddr, hello: &Hello<'_>) -> bool {
        let Some(proven) = self.cookies.check(now, from, hello.nonce, &hello.cookie) else { return false };
        let hash = crypto::short_hash(hello.noise);
        if self.hellos.is_waiting(&hash) {
            return true;
        }
        match self.admission.hello(now, &proven, &hash, self.peers.len() + self.hellos.len()) {
            Ok(Admitted::Repeated(peer)) => self.repeat_response(from, peer),
            Ok(Admitted::New) if self.hellos.may_pass() => match self.admission.handshake(now, &proven) {
                Ok(()) => self.shake_hands(now, &proven, hello, hash),
                Err(code) => self.refuse(&proven, hello, code),
            },
            Ok(Admitted::New) => self.hellos.join(now, proven, hash, hello),
            Err(code) => self.refuse(&proven, hello, code),
        }
    }

    /// Some of those that wait have their turn: so many as get a handshake, and all before them that are refused.
    pub(super) fn answer_waiting(&mut self, now: Instant) {
        let mut left = HANDSHAKES_AT_ONCE;
        while left > 0
            && let Some(waiting) = self.hellos.take()
        {
            match self.admission.handshake(now, &waiting.proven) {
                Ok(()) => {
                    self.shake_hands(now, &waiting.proven, &waiting.message(), waiting.hash);
                    left -= 1;
                }
                Err(code) => {
                    self.refuse(&waiting.proven, &waiting.message(), code);
                }
            }
        }
    }

    /// Answers a first message, and keeps the answer for when it comes again.
    fn shake_hands(&mut self, now: Instant, proven: &AddressProven, hello: &Hello<'_>, hash: HelloHash) -> bool {
        let greeted = self.greet(now, proven, hello, hash);
        if let Some(peer) = greeted {
            self.admission.note_hello(now, hash, peer);
        }
        greeted.is_some()
    }

    /// Says that it is not wanted now. It was a genuine one all the same.
    fn refuse(&mut self, proven: &AddressProven, hello: &Hello<'_>, code: CloseCode) -> bool {
        let reject = Reject {
            to: hello.from,
            nonce: hello.nonce,
            code,
            retry_after_millis: REJECTED_RETRY_MILLIS,
            jitter_millis: REJECTED_RETRY_MILLIS,
        };
        self.reply(proven.address(), |out| reject.encode(out));
        true
    }

    /// Does the handshake: the only place where a connection comes into being.
    fn greet(&mut self, now: Instant, proven: &AddressProven, hello: &Hello<'_>, hash: HelloHash) -> Option<PeerId> {
        let prologue = prologue(VERSION, &VERSIONS, hello.nonce);
        let (identity, responder, device, payload) = self.read_hello(&prologue, hello.noise)?;
        let client = ClientParameters::decode(&payload).ok()?;
        let suite = Suite::agree(&client.suites, self.quickest_suite)?;
        // New keys for a session that this device has already: the session goes on, only its keys change.
        let previous = client.previous.and_then(|(connection_id, secret)| {
            let peer = self.peers.get(PeerId(connection_id.0))?;
            (peer.device == device && peer.may_renew(&secret)).then_some(PeerId(connection_id.0))
        });
        let id = previous.or_else(|| self.peers.next_id())?;
        let reset_token = crypto::reset_token(&self.reset_key, id.0);
        let mut renewal_secret = RenewalSecret::default();
        self.rng.fill_bytes(&mut renewal_secret);
        let parameters = ServerParameters { connection_id: ConnectionId(id.0), suite: suite.number(), reset_token, renewal_secret };
        let (noise, split) = responder.respond(&parameters.encode()).ok()?;
        let (opening, sealing) = split.keys(suite);
        let mut response = vec![];
        Response { to: client.connection_id, noise: &noise }.encode(&mut response);
        let address = proven.address();
        self.replies.push_back((address, response.clone()));
        if let Some(peer) = previous.and_then(|id| self.peers.get_mut(id)) {
            self.stats.key_changes += 1;
            let source = self.admission.links().source(address.ip());
            self.admission.confirmed(source);
            peer.connection.prepare_keys(sealing, opening);
            peer.renewal = Some(Box::new(Renewal { response, secret: renewal_secret }));
            return Some(id);
        }
        if self.provisional.len() >= PROVISIONAL_MAX
            && let Some(surplus) = self.provisional.take_surplus()
        {
            self.admission.forget_hello(&surplus.hello);
            self.stats.provisional_ended += 1;
            self.remove(surplus.peer);
        }
        let source = self.admission.add_peer(address.ip());
        let established = Established { side: Side::Server, remote: client.connection_id, sealing, opening };
        self.peers.insert(Peer {
            connection: Connection::new(established, now, &mut self.rng),
            address,
            source,
            device,
            knows_retired: identity != self.config.identity.public(),
            stage: PeerStage::Provisional,
            roaming: None,
            renewal_secret,
            renewal: Some(Box::new(Renewal { response, secret: renewal_secret })),
            armed: None,
            ready: false,
            queued: Queued::default(),
            watched: false,
        });
        self.provisional.add(now, id, hash, self.admission.links(), address.ip());
        Some(id)
    }

    /// The present identity and the retired ones.
    fn identities(&self) -> impl Iterator<Item = &KeyPair> {
        core::iter::once(&self.config.identity).chain(&self.config.retired).take(IDENTITIES_MAX)
    }

    /// Reads a first message, which only the identity that it is meant for can; a client does not say which that is.
    fn read_hello(&mut self, prologue: &[u8], noise: &[u8]) -> Option<(PublicKey, Responder, PublicKey, Vec<u8>)> {
        let mut rng = crate::rng::fork(&mut self.rng);
        self.identities().find_map(|identity| {
            let (responder, device, payload) = Responder::read(&mut rng, identity, &NO_SITE_KEY, prologue, noise).ok()?;
            Some((identity.public(), responder, device, payload))
        })
    }

    /// A first message again: its answer was lost, or somebody replays it. Either way the answer goes where the cookie was proven.
    fn repeat_response(&mut self, from: SocketAddr, peer: PeerId) -> bool {
        let Some(peer) = self.peers.get(peer).filter(|peer| peer.address == from) else { return false };
        let Some(renewal) = &peer.renewal else { return false };
        self.replies.push_back((from, renewal.response.clone()));
        true
    }

    /// A protected datagram for no connection: if it could be from before a restart, say so in fewer bytes than it had.
    pub(super) fn on_unknown_session(&mut self, now: Instant, from: SocketAddr, to: ConnectionId, bytes: usize) -> bool {
        // Asked before the token is made: whoever floods us with these gets nothing and costs next to nothing.
        if bytes > NO_SESSION_BYTES && self.admission.no_session(now, from.ip()) {
            let token = crypto::reset_token(&self.reset_key, to.0);
            self.reply(from, |out| NoSession { to, token }.encode(out));
        }
        false
    }

    pub(super) fn reply(&mut self, to: SocketAddr, encode: impl FnOnce(&mut Vec<u8>)) {
        let mut reply = Vec::new();
        encode(&mut reply);
        self.replies.push_back((to, reply));
    }
}
