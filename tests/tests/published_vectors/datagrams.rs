//! Unprotected datagrams, and the heads of protected ones.

use belfry_core::wire::CloseCode;
use belfry_core::wire::datagram::{ConnectionId, Datagram, Hello, Hello0, NoSession, ProtectedHead, Reject, Response, Retry, decode};
use belfry_core::wire::discover::{Discover, Here};
use serde_json::{Value, json};

use crate::{hex, noise, publish};

/// What a datagram means, in the words of the files.
pub(crate) fn meaning(datagram: &Datagram<'_>) -> Value {
    match datagram {
        Datagram::Protected(head) => json!({"type": "PROTECTED", "to": head.to.0, "epoch": head.epoch, "number": head.number}),
        Datagram::Hello0(body) => {
            json!({"type": "HELLO0", "nonce": hex(&body.nonce), "send_key": body.send_key, "versions": body.versions})
        }
        Datagram::Retry(body) => json!({
            "type": "RETRY", "nonce": hex(&body.nonce), "cookie": hex(&body.cookie),
            "key_ids": body.key_ids.iter().map(|id| hex(id)).collect::<Vec<_>>(),
            "key": body.key.map(|key| hex(&key)), "versions": body.versions,
        }),
        Datagram::Hello(body) => json!({
            "type": "HELLO", "from": body.from.0, "nonce": hex(&body.nonce), "cookie": hex(&body.cookie), "noise": hex(body.noise),
        }),
        Datagram::Response(body) => json!({"type": "RESPONSE", "to": body.to.0, "noise": hex(body.noise)}),
        Datagram::Reject(body) => json!({
            "type": "REJECT", "to": body.to.0, "nonce": hex(&body.nonce), "code": body.code.0,
            "retry_after": body.retry_after_millis, "jitter": body.jitter_millis,
        }),
        Datagram::NoSession(body) => json!({"type": "NO_SESSION", "to": body.to.0, "token": hex(&body.token)}),
        Datagram::Discover(body) => json!({"type": "DISCOVER", "nonce": hex(&body.nonce)}),
        Datagram::Here(body) => json!({
            "type": "HERE", "nonce": hex(&body.nonce), "key": hex(&body.key), "versions": body.versions, "name": body.name,
            "program": body.program,
        }),
    }
}

pub(crate) fn encoded(datagram: &Datagram<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    match datagram {
        // The rest of a protected datagram says nothing before it is opened.
        Datagram::Protected(head) => {
            head.encode(&mut out);
            out.extend([0; 17]);
        }
        Datagram::Hello0(body) => body.encode(&mut out),
        Datagram::Retry(body) => body.encode(&mut out),
        Datagram::Hello(body) => body.encode(&mut out),
        Datagram::Response(body) => body.encode(&mut out),
        Datagram::Reject(body) => body.encode(&mut out),
        Datagram::NoSession(body) => body.encode(&mut out),
        Datagram::Discover(body) => body.encode(&mut out),
        Datagram::Here(body) => body.encode(&mut out),
    }
    out
}

/// With the checksum of what it has become.
pub(crate) fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[12..16].copy_from_slice(b"BLF1");
    let crc = crc32fast::hash(&bytes);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// A case that is written again as it was read.
fn case(datagram: &Datagram<'_>) -> Value {
    let bytes = encoded(datagram);
    let read = decode(&bytes).expect("what is written can be read");
    assert_eq!(&read, datagram);
    json!({"bytes": hex(&bytes), "meaning": meaning(&read)})
}

/// A case that is read although it would be written otherwise.
fn other_spelling(what: &str, bytes: &[u8]) -> Value {
    let read = decode(bytes).expect("it can be read");
    assert_ne!(encoded(&read), bytes, "{what}");
    json!({"what": what, "bytes": hex(bytes), "meaning": meaning(&read), "canonical": false})
}

fn array<const N: usize>(seed: u8) -> [u8; N] {
    noise(N, seed).try_into().expect("so many bytes")
}

fn hello0(send_key: bool, versions: &[u16]) -> Datagram<'static> {
    Datagram::Hello0(Hello0 { nonce: array(versions.len() as u8), send_key, versions: versions.to_vec() })
}

fn retry(keys: u8, key: bool, versions: &[u16]) -> Datagram<'static> {
    let key_ids = (0..keys).map(array).collect();
    Datagram::Retry(Retry { nonce: array(1), cookie: array(keys), key_ids, key: key.then(|| array(0)), versions: versions.to_vec() })
}

#[test]
fn datagrams_are_as_published() {
    let noises: Vec<_> = [96, 107, 113, 119, 160].map(|length| noise(length, length as u8)).into();
    let seconds: Vec<_> = [48, 79, 80, 90, 200].map(|length| noise(length, length as u8)).into();
    let mut cases = Vec::new();
    for (to, epoch, number) in
        [(1, false, 0), (0x0403_0201, true, 0x0807_0605), (u32::MAX, true, u32::MAX), (256, false, 1), (7, true, 0x8000_0000)]
    {
        cases.push(case(&Datagram::Protected(ProtectedHead { to: ConnectionId(to), epoch, number })));
    }
    for (send_key, versions) in [(true, &[1][..]), (false, &[1]), (true, &[1, 2]), (false, &[]), (true, &[1, 2, 3, 4, 5, 6, 7, u16::MAX])] {
        cases.push(case(&hello0(send_key, versions)));
    }
    for (keys, key, versions) in [(1, true, &[1][..]), (1, false, &[1]), (2, true, &[1, 7]), (4, true, &[1]), (0, false, &[])] {
        cases.push(case(&retry(keys, key, versions)));
    }
    for (from, noise) in [1, 2, 0x0403_0201, u32::MAX, 0x8000_0000].into_iter().zip(&noises) {
        cases.push(case(&Datagram::Hello(Hello { from: ConnectionId(from), nonce: array(5), cookie: array(6), noise })));
    }
    for (to, noise) in [1, 2, 0x0403_0201, u32::MAX, 0x8000_0000].into_iter().zip(&seconds) {
        cases.push(case(&Datagram::Response(Response { to: ConnectionId(to), noise })));
    }
    for (code, retry_after_millis, jitter_millis) in [
        (CloseCode::SERVER_FULL, 2000, 2000),
        (CloseCode::RATE_LIMITED, 0, 0),
        (CloseCode::VERSION, 1, u32::MAX),
        (CloseCode::GOING_AWAY, u32::MAX, 1),
        (CloseCode(0x1234), 500, 30_000),
    ] {
        let to = ConnectionId(u32::from(code.0) + 1);
        cases.push(case(&Datagram::Reject(Reject { to, nonce: array(8), code, retry_after_millis, jitter_millis })));
    }
    for to in [1, 0x0403_0201, u32::MAX, 256, 0x8000_0000] {
        cases.push(case(&Datagram::NoSession(NoSession { to: ConnectionId(to), token: array(to as u8) })));
    }
    for seed in 0..5 {
        cases.push(case(&Datagram::Discover(Discover { nonce: array(seed) })));
    }
    let long = "tower ".repeat(10) + "top";
    for (name, program, versions) in [
        ("tower", "0.1.0", &[1][..]),
        ("", "", &[]),
        ("Kirchturm Süd 塔", "1.0.0-rc.1+linux", &[1, 2]),
        (&long, "01234567890123456789012345678901", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("a", "b", &[0]),
    ] {
        cases.push(case(&Datagram::Here(Here { nonce: array(3), key: array(4), versions: versions.to_vec(), name, program })));
    }

    let mut padded = encoded(&hello0(true, &[1]));
    padded.resize(1472, 0);
    cases.push(other_spelling("more padding", &with_checksum(padded)));
    let mut later = encoded(&hello0(true, &[1, 2]));
    (later[2], later[600], later[4]) = (3, 9, 1);
    cases.push(other_spelling("a HELLO0 of version 3 that says more", &with_checksum(later)));
    let mut later = encoded(&retry(1, true, &[1, 2]));
    later[2] = 3;
    later.extend(b"and more");
    cases.push(other_spelling("a RETRY of version 3 that says more", &with_checksum(later)));
    let mut later = encoded(&Datagram::Discover(Discover { nonce: array(9) }));
    (later[2], later[255]) = (3, 3);
    cases.push(other_spelling("a DISCOVER of version 3 that says more", &with_checksum(later)));
    publish("datagrams.json", &cases);
}
