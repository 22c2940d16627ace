//! Belfry beside what else could carry it, in one run: `cargo bench -p belfry-tests --features peers --bench peers`. Linux only.
//!
//! Every transport gets the same layout: a server process with one thread, whose use of the processor and memory the system counts, and
//! the clients in this thread, on loopback. What the server does is said by 64-byte commands on the connection itself, so nothing else
//! wakes it. The transports take turns, so that the machine's moods meet all of them.

mod belfry;
mod enet;
mod quic;
mod tcp;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use belfry_tests::measure::{Figure, thread_cpu};

const REPETITIONS: usize = 3;
const ROUND_TRIPS: usize = 10_000;
const MESSAGES: u32 = 200_000;
const BULK_MESSAGES: u32 = 2_000;
const BULK_BYTES: u32 = 60 * 1024;
const HANDSHAKES: usize = 300;
const PEERS: usize = 1_000;
const FAN_OUTS: usize = 20;
const FAN_OUT_BYTES: usize = 100;

/// A command's bytes, and those of a request and its answer.
pub(crate) const COMMAND_BYTES: usize = 64;

/// What a client asks of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Send these 64 bytes back.
    Echo,
    /// Send me so many messages of so many bytes.
    Deliver { count: u32, bytes: u32 },
    /// So many of them have arrived: transports without back-pressure of their own are told.
    Arrived { count: u32 },
    /// Send a message to everybody.
    FanOut,
}

impl Ask {
    pub(crate) fn encode(self) -> [u8; COMMAND_BYTES] {
        let (kind, count, bytes) = match self {
            Self::Echo => (0, 0, 0),
            Self::Deliver { count, bytes } => (1, count, bytes),
            Self::Arrived { count } => (2, count, 0),
            Self::FanOut => (3, 0, 0),
        };
        let mut command = [0; COMMAND_BYTES];
        command[0] = kind;
        command[1..5].copy_from_slice(&count.to_le_bytes());
        command[5..9].copy_from_slice(&bytes.to_le_bytes());
        command
    }

    pub(crate) fn decode(command: &[u8]) -> Self {
        let number = |at: usize| u32::from_le_bytes(command[at..at + 4].try_into().unwrap());
        match command[0] {
            0 => Self::Echo,
            1 => Self::Deliver { count: number(1), bytes: number(5) },
            2 => Self::Arrived { count: number(1) },
            3 => Self::FanOut,
            other => panic!("no command has the number {other}"),
        }
    }
}

/// Messages that may be on their way where the transport leaves it to the program.
pub(crate) fn window(bytes: u32) -> u32 {
    (192 * 1024 / bytes).clamp(2, 512)
}

/// What is sent to everybody.
pub(crate) fn fan_out_body() -> Vec<u8> {
    vec![7; FAN_OUT_BYTES]
}

/// The client's ends of one transport, all in this thread.
pub(crate) trait Clients {
    /// One more connection, ready for commands.
    fn connect(&mut self);
    /// Tells the server something.
    fn ask(&mut self, who: usize, ask: Ask);
    /// Waits for messages with so many bytes together.
    fn receive(&mut self, who: usize, bytes: usize);
    /// Lets time pass: what is to be acknowledged later is.
    fn rest(&mut self, time: Duration);
}

struct Transport {
    name: &'static str,
    serve: fn(),
    clients: fn(SocketAddr, &str) -> Box<dyn Clients>,
}

const TRANSPORTS: [Transport; 4] = [
    Transport { name: "belfry", serve: belfry::serve, clients: belfry::clients },
    Transport { name: "quinn", serve: quic::serve, clients: quic::clients },
    Transport { name: "enet", serve: enet::serve, clients: enet::clients },
    Transport { name: "tcp", serve: tcp::serve, clients: tcp::clients },
];

/// Tells the process that started this server where it is, and what its clients or its measure have to know.
pub(crate) fn ready(at: SocketAddr, word: &str) {
    println!("{at} {word}");
}

fn main() {
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if let [serve, name] = &words[..]
        && serve == "serve"
    {
        return (TRANSPORTS.iter().find(|transport| transport.name == name).unwrap().serve)();
    }
    let transports = || TRANSPORTS.iter().filter(|transport| words.is_empty() || words.iter().any(|word| word == transport.name));
    let mut all: Vec<Vec<[f64; COLUMNS.len()]>> = transports().map(|_| Vec::new()).collect();
    for _ in 0..REPETITIONS {
        for (transport, measured) in transports().zip(&mut all) {
            measured.push(measure(transport));
        }
    }
    print!("{:<44}", "");
    transports().for_each(|transport| print!("{:>26}", transport.name));
    println!();
    for (column, name) in COLUMNS.iter().enumerate() {
        print!("{name:<44}");
        for measured in &all {
            let Figure { median, least, most } = Figure::of(measured.iter().map(|figures| figures[column]).collect());
            print!("{:>26}", format!("{median:.2} ({least:.2}-{most:.2})"));
        }
        println!();
    }
}

const COLUMNS: [&str; 13] = [
    "request/response, server, µs CPU",
    "request/response, client, µs CPU",
    "request/response, both ways, µs",
    "64-byte message, sender, µs CPU",
    "64-byte message, receiver, µs CPU",
    "64-byte messages a second, thousands",
    "60 KiB messages, Gbit/s a core, sender",
    "60 KiB messages, Gbit/s a core, receiver",
    "60 KiB messages, Gbit/s",
    "handshake and one echo, server, µs CPU",
    "handshake and one echo, client, µs CPU",
    "100 bytes to 1000 peers, server, µs CPU/peer",
    "resident memory an idle peer, KiB",
];

/// A server process, ended with its value.
struct Server(Child);

impl Server {
    /// What its only thread has used.
    fn cpu(&self) -> Duration {
        let statistics = fs::read_to_string(format!("/proc/{}/schedstat", self.0.id())).unwrap();
        Duration::from_nanos(statistics.split(' ').next().unwrap().parse().unwrap())
    }
}

/// The memory that a process has in use.
pub(crate) fn resident_kib(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What server and clients used, and how long it took.
fn used(server: &Server, work: impl FnOnce()) -> [f64; 3] {
    let (server_before, client_before, begun) = (server.cpu(), thread_cpu(), Instant::now());
    work();
    [server.cpu() - server_before, thread_cpu() - client_before, begun.elapsed()].map(|time| time.as_secs_f64())
}

fn measure(transport: &Transport) -> [f64; COLUMNS.len()] {
    let program = std::env::current_exe().unwrap();
    let mut server = Server(Command::new(program).args(["serve", transport.name]).stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (address, word) = line.trim_end().split_once(' ').unwrap();
    let mut clients = (transport.clients)(address.parse().unwrap(), word);

    let echo = |clients: &mut dyn Clients, who: usize| {
        clients.ask(who, Ask::Echo);
        clients.receive(who, COMMAND_BYTES);
    };
    clients.connect();
    (0..1000).for_each(|_| echo(&mut *clients, 0));
    let round_trips = used(&server, || (0..ROUND_TRIPS).for_each(|_| echo(&mut *clients, 0)));

    let mut deliver = |count: u32, bytes: u32| {
        used(&server, || {
            clients.ask(0, Ask::Deliver { count, bytes });
            clients.receive(0, count as usize * bytes as usize);
        })
    };
    deliver(MESSAGES / 10, COMMAND_BYTES as u32);
    let stream = deliver(MESSAGES, COMMAND_BYTES as u32);
    deliver(BULK_MESSAGES / 10, BULK_BYTES);
    let bulk = deliver(BULK_MESSAGES, BULK_BYTES);

    let resident = || resident_kib(server.0.id());
    // With one connection, except where the server says what it had before it had room for any.
    let before = word.parse().unwrap_or_else(|_| resident());
    let handshakes = used(&server, || {
        for who in 1..=HANDSHAKES {
            clients.connect();
            echo(&mut *clients, who);
        }
    });
    for who in HANDSHAKES + 1..PEERS {
        clients.connect();
        echo(&mut *clients, who);
    }
    clients.rest(Duration::from_secs(1));
    let resident = resident() - before;

    let mut fan_outs = 0.0;
    for _ in 0..FAN_OUTS {
        let [server, ..] = used(&server, || {
            clients.ask(0, Ask::FanOut);
            (0..PEERS).for_each(|who| clients.receive(who, FAN_OUT_BYTES));
            clients.rest(Duration::from_millis(100));
        });
        fan_outs += server;
    }

    let gigabits = f64::from(BULK_MESSAGES) * f64::from(BULK_BYTES) * 8e-9;
    [
        round_trips[0] * 1e6 / ROUND_TRIPS as f64,
        round_trips[1] * 1e6 / ROUND_TRIPS as f64,
        round_trips[2] * 1e6 / ROUND_TRIPS as f64,
        stream[0] * 1e6 / f64::from(MESSAGES),
        stream[1] * 1e6 / f64::from(MESSAGES),
        f64::from(MESSAGES) / stream[2] / 1e3,
        gigabits / bulk[0],
        gigabits / bulk[1],
        gigabits / bulk[2],
        handshakes[0] * 1e6 / HANDSHAKES as f64,
        handshakes[1] * 1e6 / HANDSHAKES as f64,
        fan_outs * 1e6 / (FAN_OUTS * PEERS) as f64,
        resident / (PEERS - 1) as f64,
    ]
}
