//! QUIC by quinn: a relay that passes every message on to everybody else, and its clients. TLS 1.3, one stream in both directions a
//! connection, one write a message.
//!
//! The benchmark `peers` makes its endpoints here, too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Error};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, ExitCode, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream, ServerConfig, TransportConfig};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::LocalSet;

use super::crowd::{Crowd, CrowdThread, Kind, Order, Talk, Talks};
use super::heard::Heard;
use super::server::{Server, folder};

/// The name in the relay's certificate.
pub const NAME: &str = "localhost";

/// What this program is told to be the relay.
pub(super) const RELAY: &str = "quinn-relay";

/// As other clients here do.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A runtime of one thread.
///
/// # Errors
/// The operating system's.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Idle connections stay, as they do elsewhere; who keeps them alive says something this often.
fn transport(keep_alive: Option<Duration>) -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport.max_idle_timeout(None).keep_alive_interval(keep_alive);
    Arc::new(transport)
}

/// A server on the loopback interface and its certificate in hexadecimal digits; inside a runtime.
///
/// # Errors
/// The operating system's.
pub fn server() -> io::Result<(Endpoint, String)> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).map_err(Error::other)?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut config = ServerConfig::with_single_cert(vec![certificate.clone()], key).map_err(Error::other)?;
    config.transport_config(transport(None));
    let endpoint = Endpoint::server(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    Ok((endpoint, certificate.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// A client's endpoint that knows this certificate; inside a runtime.
///
/// # Errors
/// The operating system's, and [`io::ErrorKind::Other`] for what is no certificate.
pub fn client(certificate: &str, keep_alive: Option<Duration>) -> io::Result<Endpoint> {
    let digits = |at: usize| certificate.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let bytes: Option<Vec<u8>> = (0..certificate.len()).step_by(2).map(digits).collect();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(bytes.unwrap_or_default())).map_err(Error::other)?;
    let mut config = ClientConfig::with_root_certificates(Arc::new(roots)).map_err(Error::other)?;
    config.transport_config(transport(keep_alive));
    let mut endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    endpoint.set_default_client_config(config);
    Ok(endpoint)
}

/// A message on a stream: its length and it. One without a word says that another one was taken, or opens the stream.
fn framed(body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), body].concat()
}

/// What has come on a stream and is not taken yet.
#[derive(Default)]
struct Incoming(Vec<u8>);

impl Incoming {
    /// The next message; `None` when the stream is over.
    async fn next(&mut self, stream: &mut RecvStream) -> Option<Vec<u8>> {
        loop {
            if let [high, low, rest @ ..] = self.0.as_slice() {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if let Some(body) = rest.get(..length) {
                    let body = body.to_vec();
                    self.0.drain(..2 + length);
                    return Some(body);
                }
            }
            let chunk = stream.read_chunk(64 * 1024, true).await.ok()??;
            self.0.extend_from_slice(&chunk.bytes);
        }
    }
}

type Everybody = Rc<RefCell<Vec<Rc<Mutex<SendStream>>>>>;

/// Is the relay, until it is ended from outside.
pub(super) fn relay() -> ExitCode {
    let served = runtime().and_then(|runtime| {
        LocalSet::new().block_on(&runtime, async move {
            let (endpoint, certificate) = server()?;
            println!("{} {certificate}", endpoint.local_addr()?);
            let everybody: Everybody = Rc::default();
            while let Some(incoming) = endpoint.accept().await {
                let everybody = Rc::clone(&everybody);
                tokio::task::spawn_local(async move {
                    // Whoever breaks off has only themselves to tell.
                    let Ok(connection) = incoming.await else { return };
                    let Ok((send, receive)) = connection.accept_bi().await else { return };
                    pass_on(Rc::new(Mutex::new(send)), receive, everybody).await;
                });
            }
            Ok(())
        })
    });
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn pass_on(own: Rc<Mutex<SendStream>>, mut receive: RecvStream, everybody: Everybody) {
    let mut incoming = Incoming::default();
    // It opens the stream; that it is answered says that one is in.
    if incoming.next(&mut receive).await.is_none() {
        return;
    }
    everybody.borrow_mut().push(Rc::clone(&own));
    let taken = framed(b"");
    loop {
        if own.lock().await.write_all(&taken).await.is_err() {
            return everybody.borrow_mut().retain(|one| !Rc::ptr_eq(one, &own));
        }
        let Some(body) = incoming.next(&mut receive).await else { return };
        let message = framed(&body);
        let others: Vec<_> = everybody.borrow().iter().filter(|one| !Rc::ptr_eq(one, &own)).cloned().collect();
        for other in others {
            let _ = other.lock().await.write_all(&message).await;
        }
    }
}

/// Starts the relay as a process of its own; its certificate.
pub(super) fn start(log: Stdio) -> io::Result<(Server, String)> {
    let folder = folder()?;
    let said = folder.path().join("said");
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(RELAY).stdin(Stdio::null()).stdout(std::fs::File::create(&said)?).stderr(log);
    let mut server = Server::start(command, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), folder)?;
    let first_line = || {
        let mut line = String::new();
        BufReader::new(std::fs::File::open(&said).ok()?).read_line(&mut line).ok()?;
        let (address, certificate) = line.strip_suffix('\n')?.split_once(' ')?;
        Some((address.parse().ok()?, certificate.to_owned()))
    };
    let (address, certificate) = super::server::wait_until(|| server.is_running(), first_line)?;
    server.address = address;
    Ok((server, certificate))
}

/// Clients on a thread.
struct Clients {
    runtime: Runtime,
    tasks: LocalSet,
    endpoint: Endpoint,
    server: SocketAddr,
    notify: Arc<Notify>,
    /// One for each client that may be about to connect.
    places: Rc<Semaphore>,
    shared: Rc<Shared>,
}

/// What their tasks share.
struct Shared {
    heard: Arc<Heard>,
    /// To whoever writes a client's stream.
    writers: RefCell<BTreeMap<usize, UnboundedSender<Vec<u8>>>>,
    talks: RefCell<Talks>,
}

/// Starts a thread with clients.
pub(super) fn clients(heard: Arc<Heard>, connecting_max: usize, server: SocketAddr, certificate: String) -> io::Result<CrowdThread> {
    let notify = Arc::new(Notify::new());
    let awake = Arc::clone(&notify);
    CrowdThread::start(Arc::new(move || awake.notify_one()), move || {
        let runtime = runtime().expect("there was a runtime for others");
        let endpoint = {
            let _inside = runtime.enter();
            client(&certificate, Some(KEEP_ALIVE)).expect("the relay has a certificate, and there is a socket")
        };
        let shared = Shared { heard, writers: RefCell::default(), talks: RefCell::default() };
        Clients {
            runtime,
            tasks: LocalSet::new(),
            endpoint,
            server,
            notify,
            places: Rc::new(Semaphore::new(connecting_max.min(Semaphore::MAX_PERMITS))),
            shared: Rc::new(shared),
        }
    })
}

impl Shared {
    fn say(&self, who: usize, messages: u64, bytes: usize) {
        let writers = self.writers.borrow();
        let Some(writer) = writers.get(&who) else { return };
        for _ in 0..messages {
            let _ = writer.send(framed(self.heard.stamped(bytes).as_bytes()));
        }
    }

    fn talk(&self, who: usize, next: Option<(Talk, u64)>) {
        if let Some((talk, messages)) = next {
            self.say(who, messages, talk.bytes);
        }
    }

    /// Connects and listens until the connection is over.
    async fn live(self: Rc<Self>, who: usize, endpoint: Endpoint, server: SocketAddr, places: Rc<Semaphore>) {
        let place = places.acquire().await;
        let Ok((_connection, send, mut receive)) = connect(&endpoint, server).await else {
            return self.heard.complain(format!("client {who} cannot connect"));
        };
        let (writer, to_write) = unbounded_channel();
        let _ = writer.send(framed(b""));
        self.writers.borrow_mut().insert(who, writer);
        tokio::task::spawn_local(write(send, to_write));
        let mut incoming = Incoming::default();
        let opened = incoming.next(&mut receive).await.is_some();
        drop(place);
        if opened {
            self.heard.connected.fetch_add(1, Ordering::Release);
            while let Some(body) = incoming.next(&mut receive).await {
                if !body.is_empty() {
                    self.heard.deliver(&body);
                    continue;
                }
                self.heard.acknowledged.fetch_add(1, Ordering::Release);
                let next = self.talks.borrow_mut().go_on(who, 1, self.heard.now());
                self.talk(who, next);
            }
        }
        self.heard.lost.fetch_add(1, Ordering::Relaxed);
    }
}

async fn connect(endpoint: &Endpoint, server: SocketAddr) -> io::Result<(Connection, SendStream, RecvStream)> {
    let connection = endpoint.connect(server, NAME).map_err(Error::other)?.await?;
    let (send, receive) = connection.open_bi().await?;
    Ok((connection, send, receive))
}

async fn write(mut stream: SendStream, mut messages: UnboundedReceiver<Vec<u8>>) {
    while let Some(message) = messages.recv().await {
        if stream.write_all(&message).await.is_err() {
            return;
        }
    }
}

impl Crowd for Clients {
    fn obey(&mut self, order: Order) {
        match order {
            Order::Connect { first, end, step } => {
                for who in (first..end).step_by(step) {
                    let (shared, places) = (Rc::clone(&self.shared), Rc::clone(&self.places));
                    self.tasks.spawn_local(shared.live(who, self.endpoint.clone(), self.server, places));
                }
            }
            Order::Say { kind: Kind::Notice, .. } => self.shared.heard.complain("this server knows no notices".to_owned()),
            Order::Say { who, bytes, .. } => self.shared.say(who, 1, bytes),
            Order::Talk { who, talk } => {
                let first = self.shared.talks.borrow_mut().begin(who, talk);
                self.shared.talk(who, first);
            }
            Order::Search { .. } => self.shared.heard.complain("a relay keeps nothing that could be looked for".to_owned()),
        }
    }

    fn turn(&mut self, at_most: Duration) {
        let notify = Arc::clone(&self.notify);
        // Ended by an order or by the time: meanwhile every client is attended to.
        let _ = self.tasks.block_on(&self.runtime, async move { tokio::time::timeout(at_most, notify.notified()).await });
    }
}
