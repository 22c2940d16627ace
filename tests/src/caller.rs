//! The least that can call a server: shakes hands and then is a bare connection, without signing in, retrying or any conversation.

use belfry_core::connection::{Connection, Established, Side};
use belfry_core::crypto::{Initiator, KeyPair, PublicKey, Suite};
use belfry_core::rng::{Random, Rng};
use belfry_core::time::Instant;
use belfry_core::wire::datagram::{self, ConnectionId, Datagram, Hello, Hello0, Response, Retry, VERSION};
use belfry_core::wire::parameters::{ClientParameters, ServerParameters, prologue};

/// One caller.
#[derive(Debug)]
pub struct Caller {
    connection_id: ConnectionId,
    nonce: [u8; 8],
    device: KeyPair,
    stage: Stage,
    /// The handshake's datagram to send now.
    due: Option<Vec<u8>>,
}

#[derive(Debug)]
enum Stage {
    Asking,
    Greeting(Box<Initiator>),
    Connected(Box<Connection>),
}

impl Caller {
    /// A caller who wants to be connected, with a device key of its own.
    pub fn new(rng: &mut Rng) -> Self {
        let connection_id = ConnectionId(rng.next_u32().max(1));
        let mut nonce = [0; 8];
        rng.fill_bytes(&mut nonce);
        let mut hello0 = Vec::new();
        Hello0 { nonce, send_key: true, versions: vec![VERSION] }.encode(&mut hello0);
        Self { connection_id, nonce, device: KeyPair::generate(rng), stage: Stage::Asking, due: Some(hello0) }
    }

    /// The connection, once there is one.
    pub fn connection(&mut self) -> Option<&mut Connection> {
        match &mut self.stage {
            Stage::Connected(connection) => Some(connection),
            _ => None,
        }
    }

    /// A datagram from the server has arrived.
    pub fn handle_datagram(&mut self, now: Instant, bytes: &mut [u8], rng: &mut Rng) {
        match datagram::decode(bytes) {
            Ok(Datagram::Protected(head)) if head.to == self.connection_id => {
                if let Stage::Connected(connection) = &mut self.stage {
                    connection.handle_datagram(now, head, bytes, rng);
                }
            }
            Ok(Datagram::Retry(retry)) => self.on_retry(&retry, rng),
            Ok(Datagram::Response(response)) => self.on_response(now, &response, rng),
            _ => {}
        }
    }

    fn on_retry(&mut self, retry: &Retry, rng: &mut Rng) {
        let key = PublicKey(retry.key.expect("it was asked for"));
        let parameters =
            ClientParameters { connection_id: self.connection_id, suites: vec![Suite::ChaCha20Poly1305.number()], previous: None };
        let prologue = prologue(VERSION, &retry.versions, self.nonce);
        let (initiator, noise) =
            Initiator::start(rng, &self.device, &key, &[0; 32], &prologue, &parameters.encode()).expect("a first message");
        let mut hello = Vec::new();
        Hello { from: self.connection_id, nonce: self.nonce, cookie: retry.cookie, noise: &noise }.encode(&mut hello);
        self.stage = Stage::Greeting(Box::new(initiator));
        self.due = Some(hello);
    }

    fn on_response(&mut self, now: Instant, response: &Response<'_>, rng: &mut Rng) {
        let Stage::Greeting(initiator) = &mut self.stage else { return };
        let (payload, split) = initiator.finish(response.noise).expect("the server's second message");
        let parameters = ServerParameters::decode(&payload).expect("the server's parameters");
        let (sealing, opening) = split.keys(Suite::from_number(parameters.suite).expect("the suite that was offered"));
        let established = Established { side: Side::Client, remote: parameters.connection_id, sealing, opening };
        self.stage = Stage::Connected(Box::new(Connection::new(established, now, rng)));
    }

    /// Writes the next datagram for the server; `false` when there is nothing to send now.
    pub fn poll_transmit(&mut self, now: Instant, rng: &mut Rng, out: &mut Vec<u8>) -> bool {
        if let Some(due) = self.due.take() {
            *out = due;
            return true;
        }
        self.connection().is_some_and(|connection| connection.poll_transmit(now, rng, out))
    }
}
