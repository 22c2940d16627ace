//! The load generator: as many clients as asked for on a few threads, over real sockets, against a server of its own making; what that
//! costs the server is read from the system. The same workloads against other servers, by the smallest clients of their protocols.
//!
//! `scripts/bench-peers` runs it, one server at a time, and makes tables of what it says.

mod accounting;
mod belfry;
mod crowd;
mod floor;
mod heard;
mod history;
mod house;
mod peers;
#[cfg(feature = "peers")]
pub mod quic;
mod server;
mod workload;

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, stdout};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Parser, ValueEnum};
use serde_json::json;

use belfry::Screen;
use crowd::{CrowdThread, Lines};
use heard::Heard;
use peers::stream::{self, Dialect};
use peers::{irc, mqtt, nats, xmpp};
use server::Server;
use workload::{Lengths, Population, Record, Scene, WORKLOADS, Workload};

/// Makes load, and says what it costs the server: one line of JSON for each workload.
#[derive(Parser)]
#[command(name = "belfry-load")]
struct Arguments {
    /// The server.
    peer: Peer,
    /// What is done: storm (all come at once), w1 (idle), w2-notice, w2-shown, w2-chat, w2-presence (one to all), w3 (chatter), w4 (saturation), w5-1,
    /// w5-50 (stored), search.
    #[arg(required = true, value_parser = PossibleValuesParser::new(WORKLOADS.map(|(name, _)| name)))]
    workloads: Vec<String>,
    /// Who hears what is said to everybody in w1 and w2; the others have numbers of their own.
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    /// Who is in the room of w3. Of more people a tenth of 200 says less, so that as much is delivered.
    #[arg(long, default_value_t = 200)]
    chatting: usize,
    /// Messages that are in the lobby before anybody comes (Belfry alone).
    #[arg(long, default_value_t = 0)]
    messages: u64,
    /// Threads for the clients; by default one less than there are processors, and at least one.
    #[arg(long)]
    threads: Option<usize>,
    /// Clients that connect at one time: more than a server's queue of TCP connections holds would wait for a second and more. In the storm
    /// all do.
    #[arg(long, default_value_t = 64)]
    connecting: usize,
    /// Messages to everybody in w2.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Seconds that w1 listens to nothing.
    #[arg(long, default_value_t = 48)]
    idle: u64,
    /// Seconds that w3 and w5 talk and search searches; by default 15, 10 and 15.
    #[arg(long)]
    talking: Option<u64>,
    /// Seconds that everybody rests after connecting, at least: until hardly anybody hears anything any more.
    #[arg(long, default_value_t = 10)]
    rest: u64,
    /// Seconds after which the whole run is ended, wherever it is.
    #[arg(long, default_value_t = 600)]
    limit: u64,
    /// Belfry's program; by default the one beside this one.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where the server writes its log; by default nowhere.
    #[arg(long)]
    log: Option<PathBuf>,
}

/// A server that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Peer {
    /// Ours.
    Belfry,
    /// MQTT.
    Mosquitto,
    /// IRC.
    Ngircd,
    /// NATS.
    Nats,
    /// XMPP.
    Prosody,
    /// A relay over QUIC, in this program where it is built with the feature `peers`.
    #[cfg(feature = "peers")]
    Quinn,
    /// No server: one thread that sends a datagram to everybody, which is all that w2-chat measures of it.
    Floor,
}

/// What `belfry-load` does with these arguments.
pub fn main() -> ExitCode {
    #[cfg(feature = "peers")]
    if std::env::args().nth(1).as_deref() == Some(quic::RELAY) {
        return quic::relay();
    }
    let arguments = Arguments::parse();
    server::end_after(Duration::from_secs(arguments.limit));
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("belfry-load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let is_ours = arguments.workloads.iter().any(|name| name == "search" || name == "w2-presence");
    if arguments.peer != Peer::Belfry && (is_ours || arguments.messages > 0) {
        return Err(
            "only Belfry's house can have messages in it before anybody comes, be searched, and have windows that look at everybody".into(),
        );
    }
    let mut scene: Option<(Scene, Record)> = None;
    for name in &arguments.workloads {
        let Some((_, workload)) = WORKLOADS.iter().find(|(known, _)| known == name) else { continue };
        if (arguments.peer, *workload) == (Peer::Floor, Workload::Broadcast) {
            print(arguments, name, floor::measure(arguments.clients, arguments.rounds)?)?;
            continue;
        }
        let population = workload.population(arguments.clients, arguments.chatting);
        if scene.as_ref().is_none_or(|(scene, _)| scene.population != population) {
            // The one before has ended when the next one begins.
            drop(scene.take());
            scene = Some(arrive(arguments, *workload, population)?);
        }
        let Some((scene, connected)) = &mut scene else { continue };
        scene.lengths = lengths(arguments, *workload);
        let mut record = connected.clone();
        record.extend(scene.run(*workload));
        print(arguments, name, record)?;
        if !scene.server.is_running() {
            return Err("the server has ended".into());
        }
    }
    Ok(())
}

fn print(arguments: &Arguments, workload: &str, measured: Record) -> Result<(), Box<dyn Error>> {
    let mut record = Record::new();
    record.insert("peer".to_owned(), json!(format!("{:?}", arguments.peer).to_lowercase()));
    record.insert("workload".to_owned(), json!(workload));
    record.extend(measured);
    serde_json::to_writer(stdout().lock(), &record)?;
    println!();
    Ok(())
}

fn lengths(arguments: &Arguments, workload: Workload) -> Lengths {
    let talking = if matches!(workload, Workload::Durable(_)) { 10 } else { 15 };
    Lengths {
        rounds: arguments.rounds,
        idle: Duration::from_secs(arguments.idle),
        talking: Duration::from_secs(arguments.talking.unwrap_or(talking)),
        connecting: Duration::from_secs(120),
        rest: Duration::from_secs(arguments.rest),
    }
}

/// Starts the server and connects everybody.
fn arrive(arguments: &Arguments, workload: Workload, population: Population) -> Result<(Scene, Record), Box<dyn Error>> {
    let heard = Arc::new(Heard::new());
    let log = || log(arguments);
    let (server, crowds) = match arguments.peer {
        Peer::Belfry => at_belfry(arguments, population, &heard)?,
        Peer::Mosquitto => over_tcp(arguments, population, &heard, mqtt::mosquitto(log()?)?, mqtt::client)?,
        Peer::Ngircd => over_tcp(arguments, population, &heard, irc::ngircd(log()?)?, irc::client)?,
        Peer::Nats => over_tcp(arguments, population, &heard, nats::nats_server(log()?)?, nats::client)?,
        Peer::Prosody => over_tcp(arguments, population, &heard, xmpp::prosody(log()?)?, xmpp::client)?,
        #[cfg(feature = "peers")]
        Peer::Quinn => {
            let (server, certificate) = quic::start(log()?)?;
            let connecting = connecting(arguments, population);
            let start = |_| quic::clients(Arc::clone(&heard), connecting, server.address, certificate.clone());
            let crowds = (0..threads(arguments)).map(start).collect::<Result<_, _>>()?;
            (server, crowds)
        }
        Peer::Floor => return Err("the floor has no server; it knows w2-chat alone".into()),
    };
    let echoes = arguments.peer == Peer::Mosquitto;
    let scene = Scene { server, heard, crowds, population, echoes, lengths: lengths(arguments, workload) };
    let connected = scene.connect();
    Ok((scene, connected))
}

/// Threads for the clients.
fn threads(arguments: &Arguments) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    arguments.threads.unwrap_or(processors.saturating_sub(1)).max(1)
}

/// Clients that connect at one time on one thread.
fn connecting(arguments: &Arguments, population: Population) -> usize {
    if population.at_once { usize::MAX } else { arguments.connecting.div_ceil(threads(arguments)) }
}

type Started = Result<(Server, Vec<CrowdThread>), Box<dyn Error>>;

fn over_tcp<D: Dialect + Send + 'static>(
    arguments: &Arguments,
    population: Population,
    heard: &Arc<Heard>,
    server: Server,
    client: fn(usize, usize) -> D,
) -> Started {
    let connecting = connecting(arguments, population);
    let start = |_| stream::start(Arc::clone(heard), connecting, server.address, client, population.rooms > 0);
    let crowds = (0..threads(arguments)).map(start).collect::<Result<_, _>>()?;
    Ok((server, crowds))
}

fn at_belfry(arguments: &Arguments, population: Population, heard: &Arc<Heard>) -> Started {
    let folder = server::folder()?;
    let devices = house::furnish(&folder.path().join("data"), population.clients, population.rooms, arguments.messages)?;
    let devices = Arc::new(Mutex::new(devices.into_iter().map(Some).collect::<Vec<_>>()));
    let server = serve(arguments, folder)?;
    let (address, screen) = (server.address, if population.shown { Screen::Lit } else { Screen::Dark });
    let start = |_| {
        let (devices, clock) = (Arc::clone(&devices), Arc::clone(heard));
        let open = move |number: usize| {
            let device = devices.lock().unwrap_or_else(PoisonError::into_inner)[number].take();
            belfry::open(address, number, device.expect("everybody connects once"), screen, population.looks, clock.now())
        };
        Lines::start(Arc::clone(heard), connecting(arguments, population), Box::new(open))
    };
    let crowds = (0..threads(arguments)).map(start).collect::<Result<_, _>>()?;
    Ok((server, crowds))
}

/// Starts `belfry serve` in a folder that has people in it already.
fn serve(arguments: &Arguments, folder: tempfile::TempDir) -> Result<Server, Box<dyn Error>> {
    let beside = || Ok::<_, std::io::Error>(std::env::current_exe()?.with_file_name("belfry"));
    let program = arguments.program.clone().map_or_else(beside, Ok)?;
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BELFRY_") {
            command.env_remove(name);
        }
    }
    let data = folder.path().join("data");
    // One person of W4 and W5 says more than any person does.
    command.args(["serve", "--listen", "127.0.0.1:0", "--posts-per-second", "1000000", "--data"]).arg(&data);
    command.stdin(Stdio::null()).stdout(Stdio::from(File::create(folder.path().join("said"))?)).stderr(log(arguments)?);
    let said = folder.path().join("said");
    let mut server = Server::start(command, SocketAddr::from(([127, 0, 0, 1], 0)), folder)?;
    server.address = server::wait_until(|| server.is_running(), || listening(&said))?;
    Ok(server)
}

/// Where it says that it listens.
fn listening(said: &Path) -> Option<SocketAddr> {
    let lines = BufReader::new(File::open(said).ok()?).lines();
    lines.map_while(Result::ok).find_map(|line| line.strip_prefix("listening on ")?.parse().ok())
}

/// Where what a server complains of goes.
fn log(arguments: &Arguments) -> std::io::Result<Stdio> {
    arguments.log.as_ref().map_or_else(|| Ok(Stdio::null()), |path| File::options().create(true).append(true).open(path).map(Stdio::from))
}
