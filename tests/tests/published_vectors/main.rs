//! The vectors of `tests/interop/vectors`: what this program writes and how it reads it, for whoever writes another one.
//!
//! Each test makes its file anew and compares. `BELFRY_WRITE_VECTORS=1` rewrites the files: only where the protocol is meant to change,
//! because others rely on them. `tests/interop/check_vectors.py` reads the same files and knows nothing of this program.

mod datagrams;
mod frames;
mod handshakes;
mod limits;
mod messages;
mod rejects;

use std::path::Path;

use serde_json::Value;

/// Compares with the published file, or writes it.
fn publish(name: &str, cases: &[Value]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/vectors").join(name);
    // A line for each case, so that a change shows as the lines that changed.
    let lines: Vec<_> = cases.iter().map(ToString::to_string).collect();
    if std::env::var_os("BELFRY_WRITE_VECTORS").is_some_and(|write| write == "1") {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder can be made");
        std::fs::write(&file, format!("[\n{}\n]\n", lines.join(",\n"))).expect("the file can be written");
    }
    let published = std::fs::read_to_string(&file).unwrap_or_default();
    let published: Vec<_> = published.lines().filter(|line| line.len() > 1).map(|line| line.trim_end_matches(',')).collect();
    let differs = (0..lines.len().max(published.len())).find(|&at| lines.get(at).map(String::as_str) != published.get(at).copied());
    if let Some(at) = differs {
        panic!(
            "case {at} of {name} is not as published: if the protocol is meant to change, run this test with BELFRY_WRITE_VECTORS=1\n\
             published: {:?}\n     made: {:?}",
            published.get(at),
            lines.get(at)
        );
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A varint of RFC 9000, written apart from the program.
fn varint(value: u64) -> Vec<u8> {
    match value {
        0..0x40 => vec![value as u8],
        0x40..0x4000 => (value as u16 | 0x4000).to_be_bytes().to_vec(),
        0x4000..0x4000_0000 => (value as u32 | 0x8000_0000).to_be_bytes().to_vec(),
        _ => (value | 0xc000_0000_0000_0000).to_be_bytes().to_vec(),
    }
}

/// So many bytes that look like nothing.
fn noise(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|at| (at as u8).wrapping_mul(37).wrapping_add(seed)).collect()
}
