//! The server's end of many connections.

use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::connection::Body;
use belfry_core::crypto::KeyPair;
use belfry_core::endpoint::{Config, Endpoint, Output};
use belfry_core::limits::SPREAD_MAX;
use belfry_core::rng::{Random, Rng};
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_core::wire::datagram::{ConnectionId, Hello, Hello0, ProtectedHead, VERSION};
use belfry_tests::caller::Caller;
use belfry_tests::crowd::{Crowd, address_of, caller_at};
use belfry_tests::measure::{cpu_of, heading, row, table};
use belfry_tests::pair::seeded;

/// Datagrams on their way, one behind the other as a driver keeps them.
#[derive(Default)]
struct Flight {
    bytes: Vec<u8>,
    ends: Vec<(SocketAddr, usize)>,
}

impl Flight {
    fn push(&mut self, address: SocketAddr, datagram: &[u8]) {
        self.bytes.extend_from_slice(datagram);
        self.ends.push((address, self.bytes.len()));
    }

    fn for_each(&mut self, mut each: impl FnMut(SocketAddr, &mut [u8])) {
        let mut begin = 0;
        for &(address, end) in &self.ends {
            each(address, &mut self.bytes[begin..end]);
            begin = end;
        }
        self.bytes.clear();
        self.ends.clear();
    }
}

/// The endpoint takes what has arrived, then says what it has to say.
fn serve(endpoint: &mut Endpoint, now: Instant, arrived: &mut Flight, departed: &mut Flight) {
    let mut datagram = Vec::with_capacity(1500);
    arrived.for_each(|from, bytes| endpoint.handle_datagram(now, from, bytes));
    loop {
        match endpoint.poll(now, &mut datagram) {
            Output::Transmit { to } => departed.push(to, &datagram),
            Output::Event(_) => {}
            Output::Wait(_) => break,
        }
    }
}

/// The callers take what has arrived, then say what they have to say.
fn call(callers: &mut [Caller], now: Instant, rng: &mut Rng, arrived: &mut Flight, departed: &mut Flight) {
    let mut datagram = Vec::with_capacity(1500);
    arrived.for_each(|to, bytes| callers[caller_at(to)].handle_datagram(now, bytes, rng));
    for (number, caller) in callers.iter_mut().enumerate() {
        if let Some(connection) = caller.connection() {
            connection.handle_timeout(now);
            while connection.poll_event().is_some() {}
        }
        while caller.poll_transmit(now, rng, &mut datagram) {
            departed.push(address_of(number), &datagram);
        }
    }
}

pub(crate) fn handshake() {
    const CALLERS: usize = 300;
    heading("one handshake");
    let mut rng = seeded(3);
    let now = Instant::from_micros(1_000_000);
    let names =
        ["server, HELLO0 to RETRY", "server, HELLO to RESPONSE", "server, first packet to its answer", "server, all", "client, all"];
    table(names, CALLERS, || {
        let config = Config { identity: KeyPair::generate(&mut rng), retired: vec![] };
        let mut endpoint = Endpoint::new(config, seeded(4), now);
        let mut callers: Vec<_> = (0..CALLERS).map(|_| Caller::new(&mut rng)).collect();
        let (mut to_server, mut to_clients) = (Flight::default(), Flight::default());
        let mut server = [Duration::ZERO; 3];
        let mut client = Duration::ZERO;
        for server in &mut server {
            client += cpu_of(|| call(&mut callers, now, &mut rng, &mut to_clients, &mut to_server)).0;
            *server += cpu_of(|| serve(&mut endpoint, now, &mut to_server, &mut to_clients)).0;
        }
        assert_eq!(endpoint.stats().handshakes, CALLERS as u64);
        [server[0], server[1], server[2], server.iter().sum(), client]
    });
}

pub(crate) fn fan_out() {
    for peers in [1_000, 10_000] {
        heading(&format!("a notice of 100 bytes to {peers} peers, for one of them"));
        let mut crowd = Crowd::connected(peers, 5);
        crowd.run_for(Duration::from_secs(5));
        let mut rng = seeded(6);
        let body: Body = vec![7; 100].into();
        let (mut to_server, mut to_clients) = (Flight::default(), Flight::default());
        table(["server, sending", "server, acknowledgement", "client, both"], peers, || {
            crowd.now = crowd.now + Duration::from_secs(2);
            let now = crowd.now;
            let (sending, ()) = cpu_of(|| {
                for &peer in &crowd.peers {
                    crowd.endpoint.send(peer, Channel::Notice, body.clone()).unwrap();
                }
                serve(&mut crowd.endpoint, now, &mut to_server, &mut to_clients);
            });
            assert!(to_clients.ends.len() >= peers, "everybody is sent to");
            // Acknowledgements of what many get are spread over a time of up to this.
            let later = now + SPREAD_MAX;
            let (client, ()) = cpu_of(|| {
                // Whoever has a keepalive to send acknowledges at once.
                call(&mut crowd.callers, now, &mut rng, &mut to_clients, &mut to_server);
                call(&mut crowd.callers, later, &mut rng, &mut to_clients, &mut to_server);
            });
            assert!(to_server.ends.len() >= peers, "everybody acknowledges");
            let (acknowledgement, ()) = cpu_of(|| serve(&mut crowd.endpoint, later, &mut to_server, &mut to_clients));
            crowd.now = later;
            [sending, acknowledgement, client]
        });
    }
}

pub(crate) fn garbage() {
    const DATAGRAMS: usize = 20_000;
    heading("one datagram that is refused, at an endpoint with 1000 peers");
    let mut crowd = Crowd::connected(1_000, 7);
    let mut rng = seeded(8);
    let from = SocketAddr::from(([192, 0, 2, 7], 5000));
    let mut random = |bytes: usize| {
        let mut garbage = vec![0; bytes];
        rng.fill_bytes(&mut garbage);
        garbage
    };
    let protected = |to: u32, body: &[u8]| {
        let mut datagram = Vec::new();
        ProtectedHead { to: ConnectionId(to), epoch: false, number: 5 }.encode(&mut datagram);
        datagram.extend_from_slice(body);
        datagram
    };
    let mut hello0 = Vec::new();
    Hello0 { nonce: *b"a client", send_key: true, versions: vec![VERSION] }.encode(&mut hello0);
    let mut damaged = hello0.clone();
    damaged[700] ^= 1;
    let mut hello = Vec::new();
    Hello { from: ConnectionId(1), nonce: *b"a client", cookie: [0; 16], noise: &random(200) }.encode(&mut hello);
    let somebody = crowd.peers[500].0;
    let cases = [
        ("random bytes, 64", random(64)),
        ("random bytes, 1200", random(1200)),
        ("for a session that nobody has", protected(!somebody, &random(64))),
        ("for somebody's session, forged, 64 bytes", protected(somebody, &random(64))),
        ("for somebody's session, forged, 1200 bytes", protected(somebody, &random(1191))),
        ("a HELLO0 that was damaged", damaged),
        ("a HELLO with a forged cookie", hello),
        ("not refused: a HELLO0, with its RETRY", hello0),
    ];
    for (name, datagram) in cases {
        let (mut arrived, mut departed) = (Flight::default(), Flight::default());
        row(name, DATAGRAMS, || {
            for _ in 0..DATAGRAMS / 100 {
                // 100 a millisecond, so that the limits of rates are met as they would be.
                crowd.now = crowd.now + Duration::from_millis(1);
                for _ in 0..100 {
                    arrived.push(from, &datagram);
                }
                serve(&mut crowd.endpoint, crowd.now, &mut arrived, &mut departed);
                departed.for_each(|_, _| {});
            }
        });
    }
}
