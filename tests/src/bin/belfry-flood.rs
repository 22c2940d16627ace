//! Attacks on a real server on this computer, bounded in number and time: what they cost it is looked at from outside.
//!
//! `belfry-flood 127.0.0.1:PORT strangers COUNT` asks before signing in and acknowledges nothing;
//! `… member NAME PASSWORD COUNT REQUEST` signs in COUNT times and asks for the same (`notice:7`, `page`, `search:aaaa`, `sync`) again and
//! again, acknowledging nothing; `… guess NAME COUNT` says COUNT wrong passwords at once.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use belfry_core::chat::{AccountName, FromClient, FromServer, NoticeId, Password, Place, Request, SearchText, decode_from_server, encode};
use belfry_core::wire::Channel;
use belfry_core::wire::frame::{self, Data, Frame, Part};
use belfry_tests::stranger::{Session, Stranger};

/// Connections that one address may have, less some.
const PER_ADDRESS: usize = 90;

/// How long anything waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests that one connection pours out.
const POURED: usize = 4000;

/// The frame that confirms the keys.
const PING: u8 = 1;

/// One connection of the attacker.
struct Attacker {
    socket: UdpSocket,
    session: Session,
    sent: BTreeMap<Channel, u64>,
    requests: u32,
}

impl Attacker {
    fn connect(server: SocketAddr, number: usize) -> io::Result<Self> {
        let from = Ipv4Addr::new(127, 0, 1, 1 + (number / PER_ADDRESS) as u8);
        let socket = UdpSocket::bind((IpAddr::V4(from), 0))?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        let mut buffer = [0; 1500];
        for turn in 0..40u64 {
            let mut stranger = Stranger::new(std::process::id() as u64 * 1_000_000 + number as u64 * 100 + turn);
            socket.send(&stranger.hello0())?;
            let Ok(length) = socket.recv(&mut buffer) else { continue };
            let Some((hello, mut initiator)) = stranger.hello(&buffer[..length]) else { continue };
            socket.send(&hello)?;
            let Ok(length) = socket.recv(&mut buffer) else { continue };
            match Stranger::session(&mut initiator, &buffer[..length]) {
                Some(mut session) => {
                    socket.send(&session.seal(&[PING]))?;
                    return Ok(Self { socket, session, sent: BTreeMap::new(), requests: 0 });
                }
                None => std::thread::park_timeout(Duration::from_millis(200)),
            }
        }
        Err(io::Error::other("the server lets nobody more in"))
    }

    /// Sends requests, as many to a datagram as fit.
    fn pour(&mut self, request: &Request, times: usize) -> io::Result<()> {
        let channel = request.channel();
        let mut frames = Vec::new();
        for _ in 0..times {
            self.requests += 1;
            let body = encode(&FromClient { id: self.requests, request: request.clone() }).map_err(io::Error::other)?;
            let message = self.sent.entry(channel).or_default();
            frame::encode_data(&Data { channel, message: *message, part: Part::Whole, bytes: &body }, &mut frames);
            *message += 1;
            if frames.len() > 900 || message.is_multiple_of(40) {
                self.socket.send(&self.session.seal(&std::mem::take(&mut frames)))?;
            }
        }
        if !frames.is_empty() {
            self.socket.send(&self.session.seal(&frames))?;
        }
        Ok(())
    }

    /// The next answer on the control channel.
    fn answer(&mut self) -> Option<FromServer> {
        let (until, mut buffer) = (Instant::now() + PATIENCE, [0; 1500]);
        while Instant::now() < until {
            let Ok(length) = self.socket.recv(&mut buffer) else { continue };
            let Some(frames) = self.session.open(buffer[..length].to_vec()) else { continue };
            for frame in frame::decode(&frames).flatten() {
                if let Frame::Data(Data { channel: Channel::Control, part: Part::Whole, bytes, .. }) = frame
                    && let Ok(answer) = decode_from_server(bytes)
                {
                    return Some(answer);
                }
            }
        }
        None
    }
}

fn sign_in(name: &str, password: &str) -> io::Result<Request> {
    let account = AccountName::new(name).map_err(io::Error::other)?;
    let password = Password::new(password).map_err(io::Error::other)?;
    Ok(Request::SignIn { account, password, remember: false })
}

fn asked(what: &str) -> io::Result<Request> {
    Ok(match what.split_once(':').unwrap_or((what, "")) {
        ("notice", number) => Request::FetchNotice { notice: NoticeId(number.parse().map_err(io::Error::other)?) },
        ("search", text) => {
            Request::Search { text: SearchText::new(text).map_err(io::Error::other)?, place: None, before: None, limit: 100 }
        }
        ("sync", _) => Request::Sync,
        _ => Request::FetchBefore { place: Place::lobby(), before: None, limit: 500 },
    })
}

fn connect_all(server: SocketAddr, count: usize) -> io::Result<Vec<Attacker>> {
    let attackers = (0..count).map(|number| Attacker::connect(server, number)).collect::<io::Result<Vec<_>>>()?;
    println!("{count} connected");
    Ok(attackers)
}

fn attack(arguments: &[&str]) -> io::Result<()> {
    let [server, attack @ ..] = arguments else { return Err(io::Error::other("HOST:PORT and what to do are missing")) };
    let server: SocketAddr = server.parse().map_err(io::Error::other)?;
    let number = |typed: &str| typed.parse::<usize>().map(|count| count.min(4000)).map_err(io::Error::other);
    if !server.ip().is_loopback() {
        return Err(io::Error::other("only a server on this computer is attacked"));
    }
    match attack {
        ["strangers", count] => {
            let mut attackers = Vec::new();
            for number in 0..number(count)? {
                let mut attacker = Attacker::connect(server, number)?;
                attacker.pour(&asked("page")?, POURED / 4)?;
                attackers.push(attacker);
            }
            println!("{} requests before signing in", POURED / 4 * attackers.len());
            std::thread::park_timeout(Duration::from_secs(10));
        }
        ["member", name, password, count, what] => {
            let mut attackers = Vec::new();
            // One after the other: whoever waits for too long before signing in is sent away.
            for number in 0..number(count)? {
                let mut attacker = Attacker::connect(server, number)?;
                attacker.pour(&sign_in(name, password)?, 1)?;
                let answer = attacker.answer();
                if !matches!(answer, Some(FromServer::Reply { result: Ok(_), .. })) {
                    return Err(io::Error::other(format!("not signed in: {answer:?}")));
                }
                attackers.push(attacker);
            }
            println!("all signed in as {name}");
            for _ in 0..4 {
                for attacker in &mut attackers {
                    attacker.pour(&asked(what)?, POURED / 4)?;
                }
            }
            println!("{} requests", POURED * attackers.len());
            std::thread::park_timeout(Duration::from_secs(15));
        }
        ["guess", name, count] => {
            let mut attackers = connect_all(server, number(count)?)?;
            let begun = Instant::now();
            for attacker in &mut attackers {
                attacker.pour(&sign_in(name, "wrong")?, 1)?;
            }
            let mut answers: BTreeMap<String, usize> = BTreeMap::new();
            for attacker in &mut attackers {
                let said = match attacker.answer() {
                    Some(FromServer::Reply { result: Err(refusal), .. }) => refusal.to_string(),
                    other => format!("{other:?}"),
                };
                *answers.entry(said).or_default() += 1;
            }
            println!("after {:?}: {answers:#?}", begun.elapsed());
        }
        _ => return Err(io::Error::other("strangers COUNT, member NAME PASSWORD COUNT REQUEST or guess NAME COUNT")),
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match attack(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
