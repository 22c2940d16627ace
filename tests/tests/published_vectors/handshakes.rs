//! Whole handshakes with fixed keys, and sealed datagrams under what they agree on.

use belfry_core::crypto::{DataKey, Initiator, KeyPair, Opener, Responder, Sealer, Split, Suite, reset_key, reset_token};
use belfry_core::rng::{Random, Rng};
use belfry_core::wire::datagram::{ConnectionId, Datagram, Hello, Hello0, ProtectedHead, Response, Retry, VERSION, decode};
use belfry_core::wire::frame;
use belfry_core::wire::parameters::{ClientParameters, ServerParameters, prologue};
use belfry_tests::pair::seeded;
use serde_json::{Value, json};

use crate::datagrams::encoded;
use crate::{hex, publish, varint};

/// What makes a handshake what it is.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) what: &'static str,
    pub(crate) seed: u64,
    pub(crate) with_site_key: bool,
    pub(crate) send_key: bool,
    /// How many identities the server has, and with which of them, counted from the present one, the client greets.
    pub(crate) identities: usize,
    pub(crate) greeted: usize,
    pub(crate) server_versions: &'static [u16],
    /// The ciphers that the client offers.
    pub(crate) suites: &'static [u8],
    pub(crate) previous: Option<u32>,
    /// An even parameter that nobody knows follows in the client's.
    pub(crate) unknown: bool,
}

const PLAIN: Plan = Plan {
    what: "the first use of a server without a site key",
    seed: 1,
    with_site_key: false,
    send_key: true,
    identities: 1,
    greeted: 0,
    server_versions: &[1],
    suites: &[1, 2],
    previous: None,
    unknown: false,
};

fn plans() -> [Plan; 10] {
    [
        PLAIN,
        Plan { what: "a known server", seed: 2, send_key: false, ..PLAIN },
        Plan { what: "a site key", seed: 3, with_site_key: true, ..PLAIN },
        Plan { what: "AES-256-GCM", seed: 4, suites: &[2], ..PLAIN },
        Plan { what: "AES-256-GCM, wanted most", seed: 5, suites: &[2, 1], ..PLAIN },
        Plan { what: "ciphers that the server does not know, wanted more", seed: 6, suites: &[9, 0, 1], ..PLAIN },
        Plan { what: "a server of two versions", seed: 7, server_versions: &[1, 2], ..PLAIN },
        Plan { what: "a retired identity", seed: 8, identities: 3, greeted: 2, send_key: false, ..PLAIN },
        Plan { what: "new keys for a session", seed: 9, previous: Some(0x0002_0117), with_site_key: true, ..PLAIN },
        Plan { what: "a parameter of a later version", seed: 10, unknown: true, suites: &[2, 1], ..PLAIN },
    ]
}

/// A handshake that has taken place.
pub(crate) struct Shaken {
    /// Has not seen the second message.
    pub(crate) initiator: Initiator,
    pub(crate) identity: KeyPair,
    pub(crate) prologue: Vec<u8>,
    pub(crate) first: Vec<u8>,
    pub(crate) second: Vec<u8>,
    pub(crate) client: Split,
    pub(crate) server: Split,
    pub(crate) suite: Suite,
    pub(crate) client_session: u32,
    pub(crate) server_session: u32,
    case: Value,
}

fn drawn<const N: usize>(rng: &mut Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// The ephemeral key that the program is about to draw from a generator of this seed.
fn ephemeral(seed: u64) -> String {
    hex(&drawn::<32>(&mut seeded(seed)))
}

pub(crate) fn shake_hands(plan: &Plan) -> Shaken {
    let rng = &mut seeded(plan.seed);
    let device = KeyPair::generate(rng);
    let identities: Vec<_> = (0..plan.identities).map(|_| KeyPair::generate(rng)).collect();
    let (present, greeted) = (&identities[0], &identities[plan.greeted]);
    let site_key = if plan.with_site_key { drawn(rng) } else { [0; 32] };
    let (nonce, cookie) = (drawn(rng), drawn(rng));
    let client_session = rng.next_u32();
    let server_session = plan.previous.unwrap_or_else(|| rng.next_u32());
    let [client_seed, server_seed] = [1000, 2000].map(|more| plan.seed + more);

    let hello0 = Hello0 { nonce, send_key: plan.send_key, versions: vec![VERSION] };
    let retry = Retry {
        nonce,
        cookie,
        key_ids: identities.iter().map(|identity| identity.public().id()).collect(),
        key: plan.send_key.then(|| present.public().0),
        versions: plan.server_versions.to_vec(),
    };
    let prologue = prologue(VERSION, plan.server_versions, nonce);
    let previous = plan.previous.map(|session| (ConnectionId(session), drawn(rng)));
    let renewal_secret = drawn(rng);
    let mut offer = ClientParameters { connection_id: ConnectionId(client_session), suites: plan.suites.to_vec(), previous }.encode();
    if plan.unknown {
        offer.extend([varint(20), varint(5), b"later".to_vec()].concat());
    }
    let start = || Initiator::start(&mut seeded(client_seed), &device, &greeted.public(), &site_key, &prologue, &offer).expect("a message");
    let (mut finishing, first) = start();

    let (responder, whose, read) =
        Responder::read(&mut seeded(server_seed), greeted, &site_key, &prologue, &first).expect("the first message is read");
    assert_eq!((whose, &read), (device.public(), &offer));
    let read = ClientParameters::decode(&read).expect("the parameters are read");
    let suite = read.suites.iter().find_map(|&number| Suite::from_number(number)).expect("one that both know");
    let token = reset_token(&reset_key(present), server_session);
    let choice =
        ServerParameters { connection_id: ConnectionId(server_session), suite: suite.number(), reset_token: token, renewal_secret };
    let (second, server) = responder.respond(&choice.encode()).expect("a second message");
    let (read, client) = finishing.finish(&second).expect("the second message is read");
    assert_eq!(ServerParameters::decode(&read), Ok(choice));

    let hello = Hello { from: ConnectionId(client_session), nonce, cookie, noise: &first };
    let response = Response { to: ConnectionId(client_session), noise: &second };
    let datagrams = [
        encoded(&Datagram::Hello0(hello0)),
        encoded(&Datagram::Retry(retry)),
        encoded(&Datagram::Hello(hello)),
        encoded(&Datagram::Response(response)),
    ];
    let case = json!({
        "what": plan.what,
        "device": hex(device.private()),
        "identities": identities.iter().map(|identity| hex(identity.private())).collect::<Vec<_>>(),
        "greeted": plan.greeted,
        "site_key": hex(&site_key),
        "client_ephemeral": ephemeral(client_seed),
        "server_ephemeral": ephemeral(server_seed),
        "nonce": hex(&nonce),
        "cookie": hex(&cookie),
        "send_key": plan.send_key,
        "server_versions": plan.server_versions,
        "renewal_secret": hex(&renewal_secret),
        "client_session": client_session,
        "server_session": server_session,
        "client_parameters": hex(&offer),
        "server_parameters": hex(&choice.encode()),
        "cipher": suite.number(),
        "hello0": hex(&datagrams[0]),
        "retry": hex(&datagrams[1]),
        "hello": hex(&datagrams[2]),
        "response": hex(&datagrams[3]),
    });
    let (initiator, identity) = (start().0, greeted.clone());
    Shaken { initiator, identity, prologue, first, second, client, server, suite, client_session, server_session, case }
}

/// The inside of a datagram: a PING, or an acknowledgement and padding.
fn inside(number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    if number.is_multiple_of(2) {
        frame::encode_ping(&mut out);
    } else {
        frame::encode_ack([(0, 0)].into_iter(), core::time::Duration::ZERO, &mut out);
    }
    frame::encode_padding(40 - 25 - out.len(), &mut out);
    out
}

/// Whether it opens: with this number, by the one to whom it was sent.
pub(crate) fn opens(opener: &Opener, number: u64, datagram: &[u8]) -> bool {
    let mut datagram = datagram.to_vec();
    let (head, sealed) = datagram.split_at_mut(9);
    opener.open(number, head, sealed).is_ok()
}

pub(crate) fn sealed(sealer: &mut Sealer, to: u32, epoch: bool, inside: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    ProtectedHead { to: ConnectionId(to), epoch, number: sealer.next_number() as u32 }.encode(&mut datagram);
    datagram.extend_from_slice(inside);
    sealer.seal(&mut datagram, 9).expect("it can be sealed");
    datagram
}

/// First numbers, of which 32 bits travel, with what their receiver expects next.
const NUMBERS: [(u64, u64); 5] =
    [(0, 0), (3, 0), ((1 << 32) - 2, (1 << 32) - 9), ((1 << 32) + 7, (1 << 32) - 1), (7 << 40, (7 << 40) + 900)];

/// Datagrams in one direction.
fn packets(plan: &Plan, direction: &str, to: u32, sealing: DataKey, opening: DataKey) -> Vec<Value> {
    let (first, mut expected) = NUMBERS[plan.seed as usize % NUMBERS.len()];
    let (mut sealer, opener, epoch) = (Sealer::new(sealing, first), Opener::new(opening), plan.previous.is_some());
    let one = |number: u64| {
        let inside = inside(number);
        let datagram = sealed(&mut sealer, to, epoch, &inside);
        assert!(opens(&opener, number, &datagram));
        assert!(matches!(decode(&datagram), Ok(Datagram::Protected(head)) if head.epoch == epoch && head.to.0 == to));
        let expected = core::mem::replace(&mut expected, number + 1);
        json!({
            "direction": direction, "number": number, "expected": expected, "epoch": epoch, "frames": hex(&inside), "datagram": hex(&datagram),
        })
    };
    (first..first + 3).map(one).collect()
}

#[test]
fn handshakes_are_as_published() {
    let mut cases = Vec::new();
    for plan in plans() {
        let Shaken { client, server, suite, client_session, server_session, mut case, .. } = shake_hands(&plan);
        let (client, server) = (client.keys(suite), server.keys(suite));
        let to_server = packets(&plan, "to_server", server_session, client.0, server.0);
        let to_client = packets(&plan, "to_client", client_session, server.1, client.1);
        case["packets"] = [to_server, to_client].concat().into();
        cases.push(case);
    }
    publish("handshakes.json", &cases);
}

/// What the must-reject cases that need keys are made from.
pub(crate) fn plain() -> Shaken {
    shake_hands(&PLAIN)
}
