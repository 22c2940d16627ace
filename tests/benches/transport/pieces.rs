//! The pieces by themselves: sealing, frames, cookies.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::crypto::{Cookies, Initiator, KeyPair, Opener, Responder, Sealer, Suite};
use belfry_core::time::Instant;
use belfry_core::wire::Channel;
use belfry_core::wire::datagram::PROTECTED_HEAD_BYTES;
use belfry_core::wire::frame::{self, Data, Part};
use belfry_tests::measure::{cpu_of, heading, row, table};
use belfry_tests::pair::seeded;

const OPERATIONS: usize = 100_000;

pub(crate) fn seal_and_open() {
    heading("one datagram");
    for suite in [Suite::ChaCha20Poly1305, Suite::Aes256Gcm] {
        for bytes in [64, 1200] {
            let names = [format!("seal {bytes} bytes, {suite:?}"), format!("open {bytes} bytes, {suite:?}")];
            table(names.each_ref().map(String::as_str), OPERATIONS, || seal_and_open_all(suite, bytes));
        }
    }
}

fn seal_and_open_all(suite: Suite, bytes: usize) -> [Duration; 2] {
    const AT_ONCE: usize = 100;
    let (mut sealer, opener) = keys(suite);
    let plain = vec![7_u8; PROTECTED_HEAD_BYTES + bytes];
    let mut datagrams: Vec<_> = (0..AT_ONCE).map(|_| Vec::with_capacity(2000)).collect();
    let mut used = [Duration::ZERO; 2];
    for first in (0..OPERATIONS as u64).step_by(AT_ONCE) {
        for datagram in &mut datagrams {
            datagram.clear();
            datagram.extend_from_slice(&plain);
        }
        used[0] += cpu_of(|| {
            for datagram in &mut datagrams {
                sealer.seal(datagram, PROTECTED_HEAD_BYTES).unwrap();
            }
        })
        .0;
        used[1] += cpu_of(|| {
            for (number, datagram) in (first..).zip(&mut datagrams) {
                let (head, sealed) = datagram.split_at_mut(PROTECTED_HEAD_BYTES);
                black_box(opener.open(number, head, sealed).unwrap());
            }
        })
        .0;
    }
    used
}

fn keys(suite: Suite) -> (Sealer, Opener) {
    let mut rng = seeded(1);
    let (device, identity) = (KeyPair::generate(&mut rng), KeyPair::generate(&mut rng));
    let (mut initiator, first) = Initiator::start(&mut rng, &device, &identity.public(), &[0; 32], b"", b"").unwrap();
    let (responder, _, _) = Responder::read(&mut rng, &identity, &[0; 32], b"", &first).unwrap();
    let (second, server) = responder.respond(b"").unwrap();
    let (_, client) = initiator.finish(&second).unwrap();
    (Sealer::new(client.keys(suite).0, 0), Opener::new(server.keys(suite).0))
}

pub(crate) fn frames() {
    heading("the inside of one datagram");
    let body = [7_u8; 64];
    let message = Data { channel: Channel::Chat, message: 1000, part: Part::Whole, bytes: &body };
    let ranges = [(900, 1000), (700, 898), (650, 690)];
    let acknowledgement = |out: &mut Vec<u8>| frame::encode_ack(ranges.iter().copied(), Duration::from_millis(3), out);
    let mut out = Vec::with_capacity(2000);

    row("encode an acknowledgement and a message of 64 bytes", OPERATIONS, || {
        for _ in 0..OPERATIONS {
            out.clear();
            acknowledgement(&mut out);
            frame::encode_data(black_box(&message), &mut out);
            black_box(&out);
        }
    });
    row("decode them", OPERATIONS, || {
        for _ in 0..OPERATIONS {
            for frame in frame::decode(black_box(&out)) {
                black_box(frame.unwrap());
            }
        }
    });

    let mut full = Vec::with_capacity(2000);
    row("encode 16 messages of 64 bytes", OPERATIONS, || {
        for _ in 0..OPERATIONS {
            full.clear();
            for _ in 0..16 {
                frame::encode_data(black_box(&message), &mut full);
            }
            black_box(&full);
        }
    });
    row("decode them", OPERATIONS, || {
        for _ in 0..OPERATIONS {
            for frame in frame::decode(black_box(&full)) {
                black_box(frame.unwrap());
            }
        }
    });
}

pub(crate) fn cookies() {
    heading("one cookie");
    let now = Instant::from_micros(1_000_000_000);
    let mut cookies = Cookies::new(&mut seeded(1), now);
    let from = SocketAddr::from(([192, 0, 2, 7], 5000));
    let nonce = *b"a client";
    let good = cookies.mint(now, from, nonce);
    row("mint", OPERATIONS, || {
        for _ in 0..OPERATIONS {
            black_box(cookies.mint(now, black_box(from), nonce));
        }
    });
    row("check a good one", OPERATIONS, || {
        for _ in 0..OPERATIONS {
            assert!(cookies.check(now, black_box(from), nonce, &good).is_some());
        }
    });
    row("check a forged one", OPERATIONS, || {
        for _ in 0..OPERATIONS {
            assert!(cookies.check(now, black_box(from), nonce, &[0; 16]).is_none());
        }
    });
}
