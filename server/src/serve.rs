//! From settings to a running server: sockets, data folder, database, identity, first administrator, and then the loop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;
use std::{fmt, io, thread};

use belfry_core::chat::{AccountName, Password, Role};
use belfry_core::crypto::PublicKey;
use belfry_core::endpoint::{self, Announcement};
use belfry_core::net::{Clock, InWords, UdpSocket, os_seed, quickest_suite};
use belfry_core::rng::from_seed;
use belfry_core::rng::{self, Random, Rng};
use belfry_core::time::UnixMillis;
use mio::Poll;

use crate::announce::Announcer;
use crate::contents::{ContentWorker, Contents};
use crate::drive::{Bell, DriveError, EventLoop, ORDERS_WAITING_MAX, Order, Workers};
use crate::hub::{self, Rules};
use crate::identity::{DataError, DataFolder, Half, Identities, generate_password};
use crate::machine::{Config, Input, Machine};
use crate::metrics::MetricsListener;
use crate::observe::{self, Snapshot};
use crate::passwords::{Cost, Hasher, PasswordJob, PasswordOutcome, PasswordTicket, PasswordWork, PasswordWorker};
use crate::store::{Job, JobTicket, Lock, Outcome, Store, StoreError, StoreWorker, Work};
use crate::surroundings::{Surroundings, Watch};

/// The loop answers within a turn; more than this is a server that cannot be helped by being asked.
const SNAPSHOT_PATIENCE: Duration = Duration::from_secs(1);

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen; at least one. Port 0 lets the operating system choose.
    pub listen: Vec<SocketAddr>,
    /// The folder for everything that must survive the server.
    pub data: PathBuf,
    /// The house rules to begin with.
    pub rules: Rules,
    /// The password of the administrator that the first start makes; `None` for a generated one.
    pub admin_password: Option<Password>,
    /// Where metrics are read over HTTP, if anywhere: a loopback address.
    pub metrics: Option<SocketAddr>,
    /// What the server is called on the local network, if it may be found there.
    pub announce: Option<String>,
    /// The program that looks at each new file before anybody can have it, if there is one.
    pub file_scanner: Option<PathBuf>,
}

/// What there is to tell once the server listens.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Where it really listens, in the order of [`Settings::listen`].
    pub addresses: Vec<SocketAddr>,
    /// Its identity.
    pub key: PublicKey,
    /// The password generated for the first administrator, to be shown once.
    pub first_password: Option<FirstPassword>,
    /// Where metrics are really read.
    pub metrics: Option<SocketAddr>,
}

/// A password that nobody has chosen.
#[derive(Clone, Debug)]
pub struct FirstPassword {
    /// What it is.
    pub password: Password,
    /// Where it is written down. Whoever has shown it to a person for certain removes the file; a later start does once they have signed in.
    pub file: PathBuf,
}

/// Why there is no server, or no longer one; each displays as a sentence that says what to do.
#[derive(Debug)]
pub enum ServeError {
    /// It cannot listen on this address.
    Listen {
        /// As it was configured, or found on this computer.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// The data folder cannot be used.
    Data(DataError),
    /// The database cannot be used.
    Store(StoreError),
    /// The first administrator could not be made.
    FirstAdmin(String),
    /// The operating system lacks something that every server needs.
    System(io::Error),
    /// It cannot serve metrics on this address.
    Metrics {
        /// As it was configured.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// A socket stopped working.
    SocketLost {
        /// Where it was bound.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// The thread that stores everything has ended.
    StoreEnded,
    /// The thread that keeps what files hold has ended.
    ContentsEnded,
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => match error.kind() {
                io::ErrorKind::AddrInUse => {
                    write!(f, "Port {} is already in use; is another Belfry server running? Choose another with --listen.", address.port())
                }
                io::ErrorKind::PermissionDenied => {
                    write!(f, "This user may not listen on port {}; choose one above 1023 with --listen.", address.port())
                }
                io::ErrorKind::AddrNotAvailable => {
                    write!(f, "{} is no address of this computer; choose another with --listen.", address.ip())
                }
                _ => write!(f, "The server cannot listen on {address}: {}. Choose another address with --listen.", InWords(error)),
            },
            Self::Data(error) => write!(f, "{error}"),
            Self::Store(error) => write!(f, "{error}"),
            Self::FirstAdmin(why) => write!(f, "The account admin could not be made: {why}"),
            Self::Metrics { address, error } => {
                write!(f, "Metrics cannot be offered on {address}: {}. Choose another address with --metrics.", InWords(error))
            }
            Self::System(error) => write!(f, "The operating system does not let the server run: {}.", InWords(error)),
            Self::SocketLost { address, error } => {
                write!(f, "The socket on {address} has stopped working: {}. Start the server again.", InWords(error))
            }
            Self::StoreEnded => f.write_str("The database's thread has ended by itself; the log says why. Start the server again."),
            Self::ContentsEnded => f.write_str("The files' thread has ended by itself; the log says why. Start the server again."),
        }
    }
}

impl std::error::Error for ServeError {}

impl From<DataError> for ServeError {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<DriveError> for ServeError {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Socket { address, error } => Self::SocketLost { address, error },
            DriveError::StoreEnded => Self::StoreEnded,
            DriveError::ContentsEnded => Self::ContentsEnded,
            DriveError::Wait(error) => Self::System(error),
        }
    }
}

/// Runs a server on this thread. `ready` is called once it listens; it ends cleanly when it is ordered to or no order
/// can come any more.
///
/// # Errors
/// [`ServeError`]. Before `ready` was called nothing was changed by a failure to listen.
pub fn serve(settings: Settings, ready: impl FnOnce(Ready), orders: Receiver<Order>) -> Result<(), ServeError> {
    // First of all the sockets: a server that is started twice by mistake must not have touched anything.
    let sockets = listen(&settings.listen)?;
    let metrics = settings.metrics.map(|address| MetricsListener::bind(address).map_err(|error| ServeError::Metrics { address, error }));
    let metrics = metrics.transpose()?;
    let addresses: Vec<_> = sockets.iter().map(|&(_, address)| address).collect();
    let buffers: Vec<_> = sockets.iter().map(|(socket, address)| (*address, socket.receive_buffer(), socket.send_buffer())).collect();
    let clock = Clock::start();
    let now = clock.now();
    let mut rng = from_seed(os_seed().map_err(ServeError::System)?);
    let folder = DataFolder::open(&settings.data)?;
    let lock = Lock::take(&folder.database())?;
    // Before the database, which opening it changes: a folder with a damaged key, or with half a house in it, is left as it is.
    folder.look()?;
    let known = folder.begin(now.wall)?;
    let mut store = Store::open_locked(lock)?;
    let mut opening = store.opening()?;
    let Identities { present: identity, retired } = match known {
        Some(known) => known,
        // After the database and before its first account: a first start that is broken off anywhere can be tried again.
        None if opening.accounts == 0 => folder.make_identity(&mut rng, now.wall)?,
        None => return Err(DataError::Half(Half::NoIdentity { database: folder.database(), identity: folder.identity() }).into()),
    };
    for (path, mode) in folder.open_to_others() {
        observe::open_to_others(&path, mode);
    }
    let key = identity.public();
    let mut hasher = Hasher::new(Cost::STANDARD);
    let poll = Poll::new().map_err(ServeError::System)?;
    let bell = Bell::new(&poll).map_err(ServeError::System)?;
    let mut first_password = None;
    if opening.accounts == 0 {
        first_password = make_first_admin(&folder, &mut store, &mut hasher, settings.admin_password, now.wall, &mut rng)?;
        opening = store.opening()?;
    } else {
        if settings.admin_password.is_some() {
            observe::admin_password_not_used();
        }
        look_after_first_password(&folder.first_password(), &store)?;
    }
    let contents = open_contents(&folder, &store)?;
    let (for_store, for_contents, for_passwords) = (bell.clone(), bell.clone(), bell.clone());
    let store = StoreWorker::spawn(store, move || for_store.ring()).map_err(ServeError::System)?;
    let contents =
        ContentWorker::spawn(contents, settings.file_scanner.clone(), move || for_contents.ring()).map_err(ServeError::System)?;
    let passwords = PasswordWorker::spawn(hasher, move || for_passwords.ring()).map_err(ServeError::System)?;
    let (to_driver, from_outside) = mpsc::sync_channel(ORDERS_WAITING_MAX);
    forward(orders, to_driver.clone(), bell.clone()).map_err(ServeError::System)?;
    let surroundings = Surroundings::look(&settings.data);
    let (to_loop, for_watch) = (to_driver.clone(), bell.clone());
    let watch = Watch::start(settings.data.clone(), surroundings.clone(), move |surroundings| {
        let told = to_loop.try_send(Order::Surroundings(surroundings)).is_ok();
        for_watch.ring();
        told
    });
    let watch = watch.map_err(ServeError::System)?;
    let metrics_address = metrics.as_ref().map(MetricsListener::address);
    let metrics = metrics.map(|listener| listener.serve(ask_driver(to_driver, bell), folder.database()));
    let metrics = metrics.transpose().map_err(ServeError::System)?;
    let hub = hub::Config { registration: settings.rules.registration, started_at: now.wall, time_zone: time_zone() };
    let config = Config { endpoint: endpoint::Config { identity, retired }, hub };
    let mut machine = Machine::new(config, opening, rng::fork(&mut rng), now);
    machine.set_hashes_at_once(passwords.at_once());
    machine.set_quickest_suite(quickest_suite());
    machine.handle(now, Input::Rules(settings.rules));
    machine.handle(now, Input::Surroundings(surroundings));
    let announcement = settings.announce.clone().map(|name| Announcement { name, program: env!("CARGO_PKG_VERSION").into() });
    machine.announce(announcement);
    let driver =
        EventLoop::new(poll, from_outside, clock, machine, sockets, Workers { store, contents, passwords }).map_err(ServeError::System)?;
    observe::started(&addresses, key);
    buffers.into_iter().for_each(|(address, receive, send)| observe::socket_buffers(address, receive, send));
    let addresses_announced = addresses.clone();
    ready(Ready { addresses, key, first_password, metrics: metrics_address });
    let announcer = settings.announce.and_then(|name| Announcer::start(&addresses_announced, &name, key));
    let ended = driver.run();
    drop(watch);
    if let Some(announcer) = announcer {
        announcer.stop();
    }
    if let Some(metrics) = metrics {
        metrics.stop();
    }
    ended?;
    observe::stopped();
    Ok(())
}

/// A way to ask the loop how things are; `None` when it does not answer in time, because it is stopping or has stopped.
fn ask_driver(to_driver: SyncSender<Order>, bell: Bell) -> impl Fn() -> Option<Snapshot> + Send + Sync + 'static {
    move || {
        let (reply, answer) = mpsc::sync_channel(1);
        to_driver.try_send(Order::Snapshot(reply)).ok()?;
        bell.ring();
        answer.recv_timeout(SNAPSHOT_PATIENCE).ok()
    }
}

/// Carries orders to the loop and wakes it.
fn forward(orders: Receiver<Order>, to_driver: SyncSender<Order>, bell: Bell) -> io::Result<()> {
    thread::Builder::new().name("orders".into()).spawn(move || {
        // An end of the other side means stop: nobody is left who could tell us to.
        for order in orders.into_iter().chain([Order::Stop]) {
            if to_driver.send(order).is_err() {
                return;
            }
            bell.ring();
        }
    })?;
    Ok(())
}

fn listen(addresses: &[SocketAddr]) -> Result<Vec<(UdpSocket, SocketAddr)>, ServeError> {
    let bind = |&address: &SocketAddr| {
        let bound = UdpSocket::bind(address).and_then(|socket| socket.local_addr().map(|real| (socket, real)));
        bound.map_err(|error| ServeError::Listen { address, error })
    };
    addresses.iter().map(bind).collect()
}

/// Makes the account `admin`; gives its password when it had to be generated, which is on the disk before the account is.
fn make_first_admin(
    folder: &DataFolder,
    store: &mut Store,
    hasher: &mut Hasher,
    given: Option<Password>,
    at: UnixMillis,
    rng: &mut Rng,
) -> Result<Option<FirstPassword>, ServeError> {
    let (password, first) = match given {
        Some(password) => {
            // What a first start that was broken off has left.
            let _ = std::fs::remove_file(folder.first_password());
            (password, None)
        }
        None => {
            let password = generate_password(rng).map_err(|error| ServeError::FirstAdmin(error.to_string()))?;
            folder.keep_first_password(&password)?;
            (password.clone(), Some(FirstPassword { password, file: folder.first_password() }))
        }
    };
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let hashed = hasher.run(PasswordJob { ticket: PasswordTicket(0), work: PasswordWork::Hash { password, salt } });
    let password_hash = match hashed.result {
        Ok(PasswordOutcome::Hashed(hash)) => hash,
        Ok(PasswordOutcome::Right | PasswordOutcome::RightAsTyped(_) | PasswordOutcome::Wrong) | Err(_) => {
            return Err(ServeError::FirstAdmin("its password cannot be hashed on this computer.".into()));
        }
    };
    let work = Work::AddAccount { name: AccountName::first_admin(), password_hash, role: Role::Admin };
    match store.apply(vec![Job { ticket: JobTicket(0), at, work }]).pop().map(|done| done.result) {
        Some(Ok(Outcome::AccountAdded { .. })) => Ok(first),
        Some(Err(refusal)) => Err(ServeError::FirstAdmin(refusal.to_string())),
        Some(Ok(_)) | None => Err(ServeError::FirstAdmin("the database gave no answer.".into())),
    }
}

/// The first administrator's password does not stay written down once they have signed in with it; until then it is said where it is.
fn look_after_first_password(file: &Path, store: &Store) -> Result<(), ServeError> {
    if !file.exists() {
        return Ok(());
    }
    if store.was_here(&AccountName::first_admin())? {
        return std::fs::remove_file(file).map_err(|error| DataError::Folder { path: file.to_owned(), error }.into());
    }
    observe::first_password_waits(file);
    Ok(())
}

/// The folder of contents, with nothing in it that a server which was killed has left.
fn open_contents(folder: &DataFolder, store: &Store) -> Result<Contents, ServeError> {
    let contents = Contents::at(&folder.contents());
    let swept = contents.sweep(&store.contents()?.into_iter().collect());
    if swept.removed > 0 {
        tracing::info!(contents = swept.removed, "removed what had come and was not noted when the server ended");
    }
    if swept.missing > 0 {
        tracing::error!(contents = swept.missing, "contents of files are missing in {}", folder.contents().display());
    }
    Ok(contents)
}

/// Where this computer is. One that is not known is said, and taken as UTC.
fn time_zone() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::try_system().unwrap_or_else(|error| {
        tracing::warn!("the time zone of this computer is not known, and taken as UTC: {error}");
        jiff::tz::TimeZone::UTC
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::path::Path;
    use std::sync::mpsc;

    use super::*;
    use crate::hub::Registration;

    fn settings(data: &Path) -> Settings {
        Settings {
            listen: vec![(Ipv4Addr::LOCALHOST, 0).into()],
            data: data.to_owned(),
            rules: Rules::with_registration(Registration::Open),
            admin_password: None,
            metrics: None,
            announce: None,
            file_scanner: None,
        }
    }

    /// Starts a server, does something while it runs, and stops it.
    fn while_serving(settings: Settings, act: impl FnOnce(&Ready)) {
        let (stop, stopped) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let server = thread::spawn(move || serve(settings, move |ready| tell.send(ready).unwrap(), stopped));
        act(&told.recv().unwrap());
        stop.send(Order::Stop).unwrap();
        server.join().unwrap().unwrap();
    }

    fn refused(settings: Settings) -> String {
        let (_stop, stopped) = mpsc::channel();
        serve(settings, |_| panic!("it must not start"), stopped).unwrap_err().to_string()
    }

    #[test]
    fn the_first_start_generates_a_password_and_the_second_keeps_identity_and_accounts() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = None;
        while_serving(settings(folder.path()), |ready| {
            let shown = ready.first_password.as_ref().unwrap();
            let written = std::fs::read_to_string(&shown.file).unwrap();
            assert!(written.starts_with(&format!("admin password: {} (", shown.password.as_str())), "{written}");
            assert_ne!(ready.addresses[0].port(), 0);
            first = Some(ready.key);
        });
        while_serving(settings(folder.path()), |ready| {
            assert!(ready.first_password.is_none());
            assert_eq!(Some(ready.key), first);
        });
    }

    #[test]
    fn a_given_admin_password_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { admin_password: Some(Password::new("given").unwrap()), ..settings(folder.path()) };
        while_serving(settings, |ready| assert!(ready.first_password.is_none()));
    }

    #[test]
    fn a_first_start_that_is_broken_off_before_the_account_is_made_gives_another_password() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("first-start.txt"), "admin password: of-a-start-that-died (shown once)\n").unwrap();
        while_serving(settings(folder.path()), |ready| {
            let shown = ready.first_password.as_ref().unwrap();
            assert!(std::fs::read_to_string(&shown.file).unwrap().contains(shown.password.as_str()));
        });
    }

    #[test]
    fn a_port_in_use_is_explained_and_nothing_is_touched() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        while_serving(settings(one.path()), |ready| {
            let said = refused(Settings { listen: ready.addresses.clone(), ..settings(&other.path().join("data")) });
            let port = ready.addresses[0].port();
            assert_eq!(said, format!("Port {port} is already in use; is another Belfry server running? Choose another with --listen."));
            assert!(!other.path().join("data").exists());
        });
    }

    #[test]
    fn a_data_folder_in_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        while_serving(settings(folder.path()), |_| {
            let said = refused(settings(folder.path()));
            assert!(said.ends_with('.'), "{said}");
        });
    }

    #[test]
    fn metrics_are_read_while_the_server_runs_and_the_port_is_free_afterwards() {
        use std::io::{Read as _, Write as _};
        let folder = tempfile::tempdir().unwrap();
        let mut at = None;
        while_serving(Settings { metrics: Some((Ipv4Addr::LOCALHOST, 0).into()), ..settings(folder.path()) }, |ready| {
            at = ready.metrics;
            let mut stream = std::net::TcpStream::connect(at.unwrap()).unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("\nbelfry_accounts 1\n"), "{said}");
        });
        std::net::TcpListener::bind(at.unwrap()).unwrap();
    }

    #[test]
    fn an_address_of_another_computer_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        let said = refused(Settings { listen: vec![([192, 0, 2, 1], 0).into()], ..settings(folder.path()) });
        assert_eq!(said, "192.0.2.1 is no address of this computer; choose another with --listen.");
    }

    #[test]
    fn a_server_stops_when_nobody_is_left_to_stop_it() {
        let folder = tempfile::tempdir().unwrap();
        let (stop, stopped) = mpsc::channel();
        drop(stop);
        assert!(serve(settings(folder.path()), |_| {}, stopped).is_ok());
    }
}
