//! What the fuzzers run: each target takes any bytes at all and panics when a promise is broken.
//!
//! `scripts/fuzz` runs them under libFuzzer; an ordinary test runs each over its seeds and some thousand changed ones. Bytes are
//! either what a stranger would send, or the plan of what two machines do and what happens to them on the way.

mod peers;
mod session;
mod wire;

pub use peers::{client, endpoint, reassembly};
pub use session::session_pair;
pub use wire::{ack_ranges, codec, datagram_heads, datagrams, encode_frame, frames, parameters, texts, varint};

use std::collections::BTreeSet;

use belfry_core::rng::{Random, Rng, below};

/// Something to run with any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Bytes that get far, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many changed inputs an ordinary test has time for.
    pub inputs: usize,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "datagram_heads", run: datagram_heads, seeds: wire::datagrams, inputs: 20_000 },
    Target { name: "frames", run: frames, seeds: wire::payloads, inputs: 20_000 },
    Target { name: "ack_ranges", run: ack_ranges, seeds: wire::acknowledgements, inputs: 20_000 },
    Target { name: "parameters", run: parameters, seeds: wire::handshake_parameters, inputs: 20_000 },
    Target { name: "codec", run: codec, seeds: wire::messages, inputs: 20_000 },
    Target { name: "texts", run: texts, seeds: wire::words, inputs: 10_000 },
    Target { name: "reassembly", run: reassembly, seeds: peers::plans, inputs: 500 },
    Target { name: "endpoint", run: endpoint, seeds: peers::plans, inputs: 600 },
    Target { name: "client", run: client, seeds: peers::plans, inputs: 600 },
    Target { name: "session_pair", run: session_pair, seeds: session::plans, inputs: 200 },
];

impl Target {
    /// What to begin with: what the code makes, which follows the protocol, and what is kept in `tests/fuzz/seeds`, which stays.
    ///
    /// # Panics
    /// When nothing is kept, or it is not in hexadecimal.
    pub fn corpus(&self) -> Vec<Vec<u8>> {
        let path = format!("{}/fuzz/seeds/{}.hex", env!("CARGO_MANIFEST_DIR"), self.name);
        let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let inputs =
            kept.lines().filter(|line| !line.starts_with('#')).map(|line| hexadecimal(line).unwrap_or_else(|| panic!("{path}: {line}")));
        let corpus: BTreeSet<_> = (self.seeds)().into_iter().chain(inputs).collect();
        corpus.into_iter().collect()
    }
}

fn hexadecimal(line: &str) -> Option<Vec<u8>> {
    (0..line.len()).step_by(2).map(|at| u8::from_str_radix(line.get(at..at + 2)?, 16).ok()).collect()
}

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Changes an input a little, as fuzzers do.
pub fn mutate(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let pick = |rng: &mut Rng| seeds.get(below(rng, seeds.len() as u64) as usize).cloned().unwrap_or_default();
    let mut bytes = pick(rng);
    for _ in 0..=below(rng, 6) {
        let at = below(rng, bytes.len() as u64 + 1) as usize;
        let until = at + below(rng, (bytes.len() - at) as u64 + 1).min(32) as usize;
        match below(rng, 8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..until)),
            2 => bytes.insert(at, rng.next_u32() as u8),
            3 => bytes.extend_from_within(at..until),
            4 => {
                let other = pick(rng);
                let from = below(rng, other.len() as u64 + 1) as usize;
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            5 => {
                // Numbers at the edges of what they can be.
                let edge = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff][below(rng, 8) as usize];
                bytes.get_mut(at..until).unwrap_or_default().fill(edge);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << below(rng, 8);
                }
            }
        }
    }
    bytes
}

/// Reads decisions from bytes; when they are used up everything is zero.
#[derive(Debug)]
struct Plan<'a>(&'a [u8]);

impl<'a> Plan<'a> {
    fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    fn number(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}

/// Plans without any meaning.
fn noise(count: u64, length: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|seed| {
            let mut bytes = vec![0; length];
            crate::pair::seeded(seed).fill_bytes(&mut bytes);
            bytes
        })
        .collect()
}
