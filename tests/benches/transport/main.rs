//! What the transport costs in CPU time, without sockets: `cargo bench -p belfry-tests --bench transport`. A word behind `--` runs only
//! the parts whose name contains it.
//!
//! Real machines face each other in one thread; the clock is virtual. What each side uses is measured apart, over many connections
//! at a time, so that reading the clock does not show.

mod connection;
mod endpoint;
mod pieces;

fn main() {
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let parts: [(&str, fn()); 9] = [
        ("seal", pieces::seal_and_open),
        ("frames", pieces::frames),
        ("cookies", pieces::cookies),
        ("round trip", connection::round_trip),
        ("stream", connection::stream),
        ("bulk", connection::bulk),
        ("handshake", endpoint::handshake),
        ("fan-out", endpoint::fan_out),
        ("garbage", endpoint::garbage),
    ];
    for (_, part) in parts.iter().filter(|(name, _)| name.contains(&wanted)) {
        part();
    }
}
