//! What must be refused, each for one reason.

use belfry_core::chat::{decode_from_client, decode_from_server};
use belfry_core::crypto::{Opener, Responder, Sealer};
use belfry_core::limits::{ACK_RANGES_ACCEPTED_MAX, TEXT_BYTES_MAX};
use belfry_core::wire::datagram::{ConnectionId, Datagram, Hello, Hello0, NoSession, Reject, Response, Retry, decode};
use belfry_core::wire::discover::{Discover, Here};
use belfry_core::wire::frame;
use belfry_core::wire::parameters::{ClientParameters, ServerParameters};
use belfry_tests::pair::seeded;
use serde_json::{Value, json};

use crate::datagrams::{encoded, with_checksum};
use crate::handshakes::{opens, plain, sealed};
use crate::{hex, noise, publish, varint};

#[derive(Default)]
struct Rejects(Vec<Value>);

impl Rejects {
    fn datagram(&mut self, what: &str, bytes: &[u8]) {
        assert!(decode(bytes).is_err(), "{what}");
        self.0.push(json!({"kind": "datagram", "what": what, "bytes": hex(bytes)}));
    }

    /// A datagram of ours that was changed and has the checksum of what it has become.
    fn changed(&mut self, what: &str, datagram: &Datagram<'_>, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = encoded(datagram);
        change(&mut bytes);
        self.datagram(what, &with_checksum(bytes));
    }

    fn frames(&mut self, what: &str, bytes: &[u8]) {
        assert!(frame::decode(bytes).any(|frame| frame.is_err()), "{what}");
        self.0.push(json!({"kind": "frames", "what": what, "bytes": hex(bytes)}));
    }

    fn client_parameters(&mut self, what: &str, bytes: &[u8]) {
        assert!(ClientParameters::decode(bytes).is_err(), "{what}");
        self.0.push(json!({"kind": "client_parameters", "what": what, "bytes": hex(bytes)}));
    }

    fn server_parameters(&mut self, what: &str, bytes: &[u8]) {
        assert!(ServerParameters::decode(bytes).is_err(), "{what}");
        self.0.push(json!({"kind": "server_parameters", "what": what, "bytes": hex(bytes)}));
    }

    fn asked(&mut self, what: &str, bytes: &[u8]) {
        assert!(decode_from_client(bytes).is_err(), "{what}");
        self.0.push(json!({"kind": "from_client", "what": what, "bytes": hex(bytes)}));
    }

    fn told(&mut self, what: &str, bytes: &[u8]) {
        assert!(decode_from_server(bytes).is_err(), "{what}");
        self.0.push(json!({"kind": "from_server", "what": what, "bytes": hex(bytes)}));
    }
}

fn datagrams(rejects: &mut Rejects) {
    let hello0 = Datagram::Hello0(Hello0 { nonce: [1; 8], send_key: true, versions: vec![1] });
    let retry = Datagram::Retry(Retry { nonce: [1; 8], cookie: [2; 16], key_ids: vec![[3; 8]], key: None, versions: vec![1] });
    let hello = Datagram::Hello(Hello { from: ConnectionId(5), nonce: [1; 8], cookie: [2; 16], noise: &[7; 113] });
    let response = Datagram::Response(Response { to: ConnectionId(5), noise: &[7; 80] });
    let reject =
        Reject { to: ConnectionId(5), nonce: [1; 8], code: belfry_core::wire::CloseCode(4), retry_after_millis: 1, jitter_millis: 2 };
    let (reject, no_session) = (Datagram::Reject(reject), Datagram::NoSession(NoSession { to: ConnectionId(5), token: [6; 16] }));
    let discover = Datagram::Discover(Discover { nonce: [1; 8] });
    let here = Datagram::Here(Here { nonce: [1; 8], key: [2; 32], versions: vec![1], name: "tower", program: "1" });

    rejects.datagram("no bytes", &[]);
    let mut damaged = encoded(&retry);
    damaged[20] ^= 1;
    rejects.datagram("a checksum of something else", &damaged);
    rejects.changed("another layout of the head", &retry, |bytes| bytes[1] = 2);
    rejects.changed("bit 6 of the first byte is 0", &retry, |bytes| bytes[0] = 0x81);
    for kind in [5, 9, 0x3f] {
        rejects.changed("no such type", &retry, |bytes| bytes[0] = 0xc0 | kind);
    }
    for datagram in [&hello, &response, &reject, &no_session] {
        rejects.changed("another version where that is known", datagram, |bytes| bytes[2] = 1);
    }
    for (datagram, bytes) in [(&hello0, 1199), (&hello, 1199), (&discover, 255)] {
        rejects.changed("a byte too short", datagram, |out| out.truncate(bytes));
    }
    for datagram in [&hello0, &hello, &discover] {
        rejects.changed("padding that is not zeros", datagram, |bytes| *bytes.last_mut().expect("a byte") = 1);
    }
    for datagram in [&retry, &response, &reject, &no_session, &here] {
        rejects.changed("a byte behind the end", datagram, |bytes| bytes.push(0));
        rejects.changed("the last byte is missing", datagram, |bytes| bytes.truncate(bytes.len() - 1));
    }
    for (datagram, at) in [
        (&hello0, 4),
        (&hello0, 8),
        (&retry, 4),
        (&retry, 8),
        (&hello, 4),
        (&response, 8),
        (&reject, 8),
        (&no_session, 8),
        (&discover, 4),
        (&here, 8),
    ] {
        rejects.changed("a session number where there is none", datagram, |bytes| bytes[at] = 1);
    }
    rejects.changed("neither yes nor no", &hello0, |bytes| bytes[24] = 2);
    rejects.changed("nine versions", &hello0, |bytes| bytes[25] = 9);
    rejects.changed("five keys", &retry, |bytes| {
        bytes[40] = 5;
        bytes.splice(49..49, [3; 32]);
    });
    rejects.changed("a message longer than the datagram", &hello, |bytes| bytes[41] = 5);
    rejects.changed("a name of 64 bytes", &here, |bytes| drop(bytes.splice(59..65, [&[64][..], &[b'x'; 64]].concat())));
    rejects.changed("a program of 33 bytes", &here, |bytes| drop(bytes.splice(65..67, [&[33][..], &[b'1'; 33]].concat())));
    rejects.changed("a name that is no text", &here, |bytes| bytes[61] = 0xff);
    for flags in [0x00, 0x20, 0x41, 0x48, 0x50] {
        rejects.datagram("flags of a later version", &[&[flags][..], &[0; 30]].concat());
    }
    rejects.datagram("too short for a tag and a byte", &[&[0x40][..], &[0; 24]].concat());
}

fn frames(rejects: &mut Rejects) {
    for bytes in [&[3][..], &[5], &[0x0f], &[0x20], &[0x3f]] {
        rejects.frames("a number that must be known", bytes);
    }
    rejects.frames("a number in a longer form", &[0x40, 1]);
    rejects.frames("behind good ones, a bad one", &[1, 1, 0, 3]);
    rejects.frames("a message of no bytes", &[4, 2, 7, 0]);
    rejects.frames("a message on a channel that is not there", &[4, 5, 7, 1, 0]);
    rejects.frames("a last piece that is no piece", &[4, 0x22, 7, 1, 0, 0, 0, 0, 0]);
    rejects.frames("flags of a message that are not there", &[4, 0x42, 7, 1, 0]);
    rejects.frames("an offset of 33 bits", &[&[4, 0x12, 7][..], &varint(1 << 32), &[1, 0]].concat());
    rejects.frames("a length in a longer form", &[4, 2, 7, 0x40, 1, 0]);
    rejects.frames("fewer bytes than the length says", &[4, 2, 7, 2, 0]);
    rejects.frames("the checksum of a last piece is cut", &[4, 0x32, 7, 0, 1, 0, 9, 9, 9]);
    rejects.frames("acknowledges below the first packet", &[2, 5, 0, 0, 6]);
    rejects.frames("a second range below the first packet", &[2, 5, 0, 1, 0, 4, 0]);
    let mut many = [&[2][..], &varint(16_000), &[0, ACK_RANGES_ACCEPTED_MAX as u8, 0]].concat();
    many.extend(core::iter::repeat_n([0, 0], ACK_RANGES_ACCEPTED_MAX).flatten());
    rejects.frames("65 ranges", &many);
    rejects.frames("a delay that no clock can tell", &[&[2, 5][..], &varint(1 << 61), &[0, 0]].concat());
    rejects.frames("a grant for a channel that is not there", &[6, 5, 1]);
    rejects.frames("a reason of 65 bytes", &[&[0x0c, 0, 0][..], &varint(65), &[b'x'; 65]].concat());
    rejects.frames("a reason that is no text", &[0x0c, 0, 0, 1, 0xff]);
    rejects.frames("a challenge of seven bytes", &[9, 1, 2, 3, 4, 5, 6, 7]);
    rejects.frames("an extension without its length", &[0x40, 0x40]);
}

fn parameters(rejects: &mut Rejects) {
    let one = |number: u64, value: &[u8]| [varint(number), varint(value.len() as u64), value.to_vec()].concat();
    let (session, suites, token, secret) = (one(1, &[7, 0, 0, 0]), one(3, &[1]), one(4, &[9; 16]), one(8, &[8; 16]));
    let good = [&session[..], &suites].concat();
    assert!(ClientParameters::decode(&good).is_ok() && ServerParameters::decode(&[&good[..], &token, &secret].concat()).is_ok());
    rejects.client_parameters("none", &[]);
    rejects.client_parameters("no ciphers", &session);
    rejects.client_parameters("out of order", &[&suites[..], &session].concat());
    rejects.client_parameters("said twice", &[&session[..], &session, &suites].concat());
    rejects.client_parameters("an unknown one that must be known", &[&good[..], &one(21, b"later")].concat());
    rejects.client_parameters("a session number of five bytes", &[&one(1, &[7, 0, 0, 0, 0])[..], &suites].concat());
    rejects.client_parameters("a session without its secret", &[&good[..], &one(6, &[1, 2, 3, 4])].concat());
    rejects.client_parameters("cut", &good[..good.len() - 1]);
    rejects.server_parameters("no token", &[&good[..], &secret].concat());
    rejects.server_parameters("no secret for the next keys", &[&good[..], &token].concat());
    rejects.server_parameters("two ciphers", &[&session[..], &one(3, &[1, 2]), &token, &secret].concat());
    rejects.server_parameters("a token of 15 bytes", &[&good[..], &one(4, &[9; 15]), &secret].concat());
}

fn messages(rejects: &mut Rejects) {
    // Post in the lobby: schema, id, variant, outbox, counter, room, its name, no number of it, the text, in reply to none.
    let post = |name: &[u8], text: &[u8]| {
        let long = if text.len() > 250 { [&[251][..], &(text.len() as u16).to_le_bytes()].concat() } else { vec![text.len() as u8] };
        [&[4, 1, 3, 9, 9, 0, name.len() as u8][..], name, &[0], &long, text, &[0]].concat()
    };
    assert!(decode_from_client(&post(b"lobby", b"hello")).is_ok());
    rejects.asked("no bytes", &[]);
    rejects.asked("another schema", &[&[1][..], &post(b"lobby", b"hello")[1..]].concat());
    rejects.asked("a byte behind the end", &[&post(b"lobby", b"hello")[..], &[0]].concat());
    rejects.asked("cut", &post(b"lobby", b"hello")[..12]);
    rejects.asked("no such request", &[4, 1, 250]);
    rejects.asked("a number that is too wide", &[4, 253, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
    rejects.asked("a name that is empty", &post(b"", b"hello"));
    rejects.asked("a name of white space", &post(b"  ", b"hello"));
    rejects.asked("a name of 33 letters", &post(&[b'x'; 33], b"hello"));
    for name in ["a@b", "a/b", "a\u{7}b", "a:b"] {
        rejects.asked("a letter that is in no name", &post(name.as_bytes(), b"hello"));
    }
    rejects.asked("a name that is no text", &post(&[0xff], b"hello"));
    rejects.asked("a text that is empty", &post(b"lobby", b""));
    for text in ["a\x1b[2Jb", "a\r\nb", "a\u{85}b"] {
        rejects.asked("a text with a control character", &post(b"lobby", text.as_bytes()));
    }
    rejects.asked("a text of 16385 bytes", &post(b"lobby", &vec![b'x'; TEXT_BYTES_MAX + 1]));
    rejects.asked("neither yes nor no", &[3, 1, 0, 1, b'a', 1, b'p', 2]);
    rejects.asked("an empty password", &[3, 1, 0, 1, b'a', 0, 0]);
    rejects.asked("a list longer than its bytes", &[3, 1, 20, 250, 0]);
    rejects.asked("something or nothing, and neither", &[3, 1, 6, 2]);
    rejects.told("neither answer nor event", &[3, 2, 0]);
    rejects.told("neither Ok nor Err", &[3, 0, 1, 2, 0]);
    rejects.told("no such event", &[3, 1, 250]);
    rejects.told("a refusal that is too wide", &[3, 0, 1, 1, 252, 1, 0, 1, 0]);
}

type Change = fn(Vec<u8>) -> Vec<u8>;

const MESSAGES_CHANGED: [(&str, Change); 5] = [
    ("an ephemeral key of low order", |bytes| [&[0; 32], &bytes[32..]].concat()),
    ("another ephemeral key", |bytes| [&[9; 32], &bytes[32..]].concat()),
    ("a bit is changed", |mut bytes| {
        bytes[40] ^= 1;
        bytes
    }),
    ("cut", |bytes| bytes[..47].to_vec()),
    ("a byte behind the end", |bytes| [&bytes[..], &[0]].concat()),
];

/// What only keys can tell: those of the first handshake that is published.
fn keys(rejects: &mut Rejects) {
    let mut shaken = plain();
    let mut second = |what: &str, bytes: &[u8]| {
        assert!(shaken.initiator.finish(bytes).is_err(), "{what}");
        rejects.0.push(json!({"kind": "second_message", "what": what, "handshake": 0, "bytes": hex(bytes)}));
    };
    for (what, change) in MESSAGES_CHANGED {
        second(what, &change(shaken.second.clone()));
    }
    assert!(shaken.initiator.finish(&shaken.second).is_ok(), "forged ones change nothing");
    for (what, change) in MESSAGES_CHANGED {
        let bytes = change(shaken.first.clone());
        let read = Responder::read(&mut seeded(1), &shaken.identity, &[0; 32], &shaken.prologue, &bytes);
        assert!(read.is_err(), "{what}");
        rejects.0.push(json!({"kind": "first_message", "what": what, "handshake": 0, "bytes": hex(&bytes)}));
    }

    let (client, server) = (shaken.client.keys(shaken.suite), shaken.server.keys(shaken.suite));
    let (mut sealer, mut other, opener) = (Sealer::new(client.0, 0), Sealer::new(server.1, 0), Opener::new(server.0));
    let good = sealed(&mut sealer, shaken.server_session, false, &[1; 20]);
    assert!(opens(&opener, 0, &good));
    let mut packet = |what: &str, number: u64, bytes: &[u8]| {
        assert!(!opens(&opener, number, bytes), "{what}");
        rejects.0.push(json!({"kind": "packet", "what": what, "handshake": 0, "number": number, "bytes": hex(bytes)}));
    };
    for (what, at) in [("the head is changed", 0), ("another session number", 2), ("the number is changed", 5), ("a bit is changed", 12)] {
        let mut forged = good.clone();
        forged[at] ^= 0x20;
        packet(what, 0, &forged);
    }
    packet("another number", 1, &good);
    packet("the same low bits, another cycle", 1 << 32, &good);
    packet("the tag is cut", 0, &good[..good.len() - 1]);
    packet("nothing but noise", 0, &[&good[..9], &noise(40, 1)].concat());
    packet("the other direction's", 0, &sealed(&mut other, shaken.server_session, false, &[1; 20]));
}

#[test]
fn what_must_be_refused_is_as_published() {
    let mut rejects = Rejects::default();
    datagrams(&mut rejects);
    frames(&mut rejects);
    parameters(&mut rejects);
    messages(&mut rejects);
    keys(&mut rejects);
    publish("rejects.json", &rejects.0);
}
