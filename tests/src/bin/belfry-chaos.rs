//! A UDP relay that loses, repeats, reorders and damages datagrams on purpose, to be put between clients and a server.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, Write};

use belfry_tests::relay::Relay;
use belfry_tests::weather::{Bottleneck, Burst, Weather};
use clap::Parser;

/// Stands between clients and a server and makes the network bad. Clients connect to its address instead of the server's.
/// Probabilities are from 0 to 1 and hold for each direction. Runs until it is ended.
#[derive(Parser)]
#[command(name = "belfry-chaos", version)]
struct Arguments {
    /// The server's address.
    #[arg(long, value_name = "ADDR")]
    server: SocketAddr,
    /// Where clients find the relay; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The seed of all chance.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Datagrams that are lost.
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    loss: f64,
    /// Average length of a burst of losses, in datagrams; needs --burst-every.
    #[arg(long, value_name = "N", requires = "burst_every", value_parser = at_least_one)]
    burst: Option<f64>,
    /// Average number of datagrams between two bursts.
    #[arg(long, value_name = "N", requires = "burst", value_parser = at_least_one)]
    burst_every: Option<f64>,
    /// Datagrams that arrive twice.
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    duplicate: f64,
    /// Datagrams that are held back.
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    reorder: f64,
    /// How long they are held back, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 20)]
    reorder_ms: u32,
    /// Datagrams in which bits are flipped.
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    corrupt: f64,
    /// Datagrams that lose their end.
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    truncate: f64,
    /// How long every datagram is on its way, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    delay_ms: u32,
    /// Up to how much longer, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    jitter_ms: u32,
    /// Bytes per second that pass, for each client; no limit if not given.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// Bytes that may wait where --rate limits.
    #[arg(long, value_name = "BYTES", default_value_t = 200_000)]
    queue: u64,
    /// Larger datagrams vanish; no limit if not given.
    #[arg(long, value_name = "BYTES")]
    mtu: Option<usize>,
}

impl Arguments {
    fn weather(&self) -> Weather {
        let millis = |millis: u32| Duration::from_millis(millis.into());
        Weather {
            loss: self.loss,
            burst: self.burst.zip(self.burst_every).map(|(bad, good)| Burst { good, bad }),
            duplicate: self.duplicate,
            reorder: self.reorder,
            reorder_delay: millis(self.reorder_ms),
            corrupt: self.corrupt,
            truncate: self.truncate,
            delay: millis(self.delay_ms),
            jitter: millis(self.jitter_ms),
            bottleneck: self.rate.map(|bytes_per_second| Bottleneck { bytes_per_second, queue_bytes: self.queue }),
            mtu: self.mtu,
            ..Weather::clear()
        }
    }
}

fn probability(typed: &str) -> Result<f64, String> {
    match typed.parse() {
        Ok(p) if (0.0..=1.0).contains(&p) => Ok(p),
        _ => Err("give a probability from 0 to 1".to_owned()),
    }
}

fn at_least_one(typed: &str) -> Result<f64, String> {
    match typed.parse() {
        Ok(number) if (1.0..=1e9).contains(&number) => Ok(number),
        _ => Err("give a number of at least 1".to_owned()),
    }
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let relay = Relay::start_at(arguments.listen, arguments.server, arguments.weather(), arguments.seed)?;
    let mut out = io::stdout();
    writeln!(out, "listening on {}", relay.address())?;
    out.flush()?;
    loop {
        std::thread::park();
    }
}
