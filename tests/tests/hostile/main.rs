//! The hostile stranger: whatever the network brings, it is dropped and counted, and the conversation goes on.

mod conversation;
mod door;

use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::crypto::KeyPair;
use belfry_core::rng::{Random, Rng};
use belfry_core::wire::CloseCode;
use belfry_core::wire::datagram::{self, ConnectionId, Datagram, NoSession, Reject, Response, Retry};
use belfry_tests::world::Taped;

const SECOND: Duration = Duration::from_secs(1);

fn address(number: u32) -> SocketAddr {
    let [_, a, b, c] = number.to_be_bytes();
    SocketAddr::from(([10, a, b, c], 5000))
}

/// Its kind, and which way it went.
fn kind(datagram: &Taped, server: SocketAddr) -> (&'static str, bool, bool) {
    let kind = match datagram::decode(&datagram.bytes).expect("machines send nothing else") {
        Datagram::Protected(_) => "protected",
        Datagram::Hello0(_) => "HELLO0",
        Datagram::Retry(_) => "RETRY",
        Datagram::Hello(_) => "HELLO",
        Datagram::Response(_) => "RESPONSE",
        Datagram::Reject(_) => "REJECT",
        Datagram::NoSession(_) => "NO_SESSION",
        Datagram::Discover(_) => "DISCOVER",
        Datagram::Here(_) => "HERE",
    };
    (kind, datagram.to == server, datagram.bytes.len() > 200)
}

/// What a forger who cannot see the handshake can send a client.
fn forged(rng: &mut Rng, to: ConnectionId) -> Vec<Vec<u8>> {
    let mut nonce = [0; 8];
    rng.fill_bytes(&mut nonce);
    let mut all = vec![Vec::new(); 5];
    let [retry, response, reject, version, no_session] = all.as_mut_slice() else { unreachable!("five of them") };
    let key = KeyPair::generate(rng).public().0;
    let key_id = *key.first_chunk().expect("eight bytes");
    Retry { nonce, cookie: [1; 16], key_ids: vec![key_id], key: Some(key), versions: vec![1] }.encode(retry);
    Response { to, noise: &[9; 120] }.encode(response);
    Reject { to, nonce, code: CloseCode::SERVER_FULL, retry_after_millis: u32::MAX, jitter_millis: u32::MAX }.encode(reject);
    Reject { to, nonce, code: CloseCode::VERSION, retry_after_millis: 0, jitter_millis: 0 }.encode(version);
    NoSession { to, token: [7; 16] }.encode(no_session);
    all
}
