//! Sessions and hub with a real store in memory and real hashes, but no connections: clients speak messages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use belfry_core::chat::{
    AccountName, Answer, ContentHash, DeviceId, Event, FromClient, FromServer, Password, Place, PostId, Refusal, Request, Role, Text,
    decode_from_server, encode,
};
use belfry_core::endpoint::PeerId;
use belfry_core::rng::from_seed;
use belfry_core::time::{Now, UnixMillis};
use belfry_core::wire::{Channel, CloseCode};
use jiff::tz::TimeZone;

use crate::contents::{ContentDone, ContentJob, Contents};
use crate::hub::{Config, Hub, Registration};
use crate::passwords::{Cost, Hasher, PasswordJob, PasswordWork};
use crate::session::{Output, Sessions};
use crate::store::{Done, Job, Store};

/// A message of the server with the channel it came on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) channel: Channel,
    pub(super) message: FromServer,
    /// It may be acknowledged later than usual.
    pub(super) is_unhurried: bool,
}

impl Heard {
    /// It answers a request.
    pub(super) const fn is_answer(&self) -> bool {
        matches!(self.message, FromServer::Reply { .. })
    }
}

pub(super) struct World {
    pub(super) sessions: Sessions,
    pub(super) now: Now,
    store: Store,
    /// Made when something is first kept in it.
    contents: Option<(tempfile::TempDir, Contents)>,
    /// So much waits for the folder of contents that it takes nothing more.
    pub(super) contents_are_full: bool,
    hasher: Hasher,
    heard: BTreeMap<PeerId, Vec<Heard>>,
    pub(super) closed: BTreeMap<PeerId, CloseCode>,
    /// Jobs stay here instead of going to the store while it is slow.
    pub(super) slow_store: Option<VecDeque<Job>>,
    /// Passwords stay here instead of being looked at while the threads for it are slow.
    pub(super) slow_passwords: Option<VecDeque<PasswordJob>>,
    /// Nobody acknowledges anything; who waits for room.
    pub(super) unacknowledged: Option<Vec<PeerId>>,
    queued: BTreeMap<PeerId, u64>,
    pub(super) verified: u32,
    /// What each may have on its way of files.
    pub(super) file_windows: BTreeMap<PeerId, u64>,
    last_peer: u32,
    last_request: u32,
    last_post: u64,
}

pub(super) fn name(typed: &str) -> AccountName {
    AccountName::new(typed).unwrap()
}

pub(super) fn password(typed: &str) -> Password {
    Password::new(typed).unwrap()
}

impl World {
    pub(super) fn new() -> Self {
        Self::with_registration(Registration::Open)
    }

    pub(super) fn with_registration(registration: Registration) -> Self {
        let mut store = Store::open_in_memory().unwrap();
        let now = Now { wall: UnixMillis(1_800_000_000_000), ..Now::default() };
        let hub = Hub::new(store.opening().unwrap(), Config { registration, started_at: now.wall, time_zone: TimeZone::UTC });
        Self {
            sessions: Sessions::new(hub, from_seed([1; 32])),
            now,
            store,
            contents: None,
            contents_are_full: false,
            hasher: Hasher::new(Cost::new(8, 1).unwrap()),
            heard: BTreeMap::new(),
            closed: BTreeMap::new(),
            slow_store: None,
            slow_passwords: None,
            unacknowledged: None,
            queued: BTreeMap::new(),
            verified: 0,
            file_windows: BTreeMap::new(),
            last_peer: 0,
            last_request: 0,
            last_post: 0,
        }
    }

    /// A world where `admin` is an administrator and signed in. Their password is their name, like everybody's here.
    pub(super) fn with_admin() -> (Self, PeerId) {
        let mut world = Self::with_people(&["admin"]);
        let admin = world.sign_in("admin");
        (world, admin)
    }

    /// A world where these have accounts, `admin` an administrator's, and nobody is signed in.
    pub(super) fn with_people(names: &[&str]) -> Self {
        let mut world = Self::new();
        for &who in names {
            let hashed = world.hasher.run(PasswordJob {
                ticket: crate::passwords::PasswordTicket(0),
                work: PasswordWork::Hash { password: password(who), salt: [3; 16] },
            });
            let Ok(crate::passwords::PasswordOutcome::Hashed(password_hash)) = hashed.result else { panic!("{hashed:?}") };
            let role = if who == "admin" { Role::Admin } else { Role::Member };
            let work = crate::store::Work::AddAccount { name: name(who), password_hash, role };
            world.apply(Job { ticket: crate::store::JobTicket(0), at: world.now.wall, work });
        }
        world.restart();
        world
    }

    /// The server stops and starts again on the same store; nobody is connected.
    pub(super) fn restart(&mut self) {
        self.sessions.stop(self.now);
        self.settle();
        let settings = Config { registration: Registration::Open, started_at: self.now.wall, time_zone: TimeZone::UTC };
        self.sessions = Sessions::new(Hub::new(self.store.opening().unwrap(), settings), from_seed([2; 32]));
    }

    pub(super) fn apply(&mut self, job: Job) -> Done {
        self.store.apply(vec![job]).pop().unwrap()
    }

    pub(super) fn connect(&mut self) -> PeerId {
        self.connect_from(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    pub(super) fn connect_from(&mut self, address: IpAddr) -> PeerId {
        // A device of its own.
        let mut device = [0; 32];
        device[..4].copy_from_slice(&(self.last_peer + 1).to_be_bytes());
        self.connect_with(DeviceId(device), address)
    }

    pub(super) fn connect_with(&mut self, device: DeviceId, address: IpAddr) -> PeerId {
        self.last_peer += 1;
        let peer = PeerId(self.last_peer);
        self.sessions.handle_connected(self.now, peer, device, SocketAddr::new(address, 40_000));
        self.settle();
        peer
    }

    /// Everybody who waits for room has acknowledged everything; whether there was anybody.
    pub(super) fn acknowledge(&mut self) -> bool {
        self.queued.clear();
        let waiting = self.unacknowledged.as_mut().map(std::mem::take).unwrap_or_default();
        for &peer in &waiting {
            self.sessions.handle_room(self.now, peer, 0);
        }
        self.settle();
        !waiting.is_empty()
    }

    /// What lies in the folder of contents, whole.
    pub(super) fn kept(&self) -> BTreeSet<ContentHash> {
        let Some((folder, _)) = &self.contents else { return BTreeSet::new() };
        let folders = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()));
        files.filter_map(|name| name.to_str()?.parse().ok()).collect()
    }

    /// Sends a request and does not wait; says its number.
    pub(super) fn send(&mut self, peer: PeerId, request: Request) -> u32 {
        self.last_request += 1;
        let channel = request.channel();
        let body = encode(&FromClient { id: self.last_request, request }).unwrap();
        let queued = self.queued.get(&peer).copied().unwrap_or(0);
        self.sessions.handle_message(self.now, peer, channel, &body, queued);
        self.settle();
        self.last_request
    }

    /// Sends a request and takes its answer out of what the client hears.
    pub(super) fn ask(&mut self, peer: PeerId, request: Request) -> Result<Answer, Refusal> {
        let id = self.send(peer, request);
        self.answer(peer, id).expect("an answer")
    }

    pub(super) fn answer(&mut self, peer: PeerId, wanted: u32) -> Option<Result<Answer, Refusal>> {
        let heard = self.heard.get_mut(&peer)?;
        let is_it = |heard: &Heard| matches!(heard.message, FromServer::Reply { id, .. } if id == wanted);
        let index = heard.iter().position(is_it)?;
        match heard.remove(index).message {
            FromServer::Reply { result, .. } => Some(result),
            FromServer::Event(_) => None,
        }
    }

    /// Everything the client has heard since the last time, answers included.
    pub(super) fn heard(&mut self, peer: PeerId) -> Vec<Heard> {
        self.heard.remove(&peer).unwrap_or_default()
    }

    /// The same for everybody.
    pub(super) fn hear_all(&mut self) -> BTreeMap<PeerId, Vec<Heard>> {
        core::mem::take(&mut self.heard)
    }

    /// The events among it.
    pub(super) fn events(&mut self, peer: PeerId) -> Vec<Event> {
        let event = |heard: Heard| match heard.message {
            FromServer::Event(event) => Some(event),
            FromServer::Reply { .. } => None,
        };
        self.heard(peer).into_iter().filter_map(event).collect()
    }

    pub(super) fn register(&mut self, who: &str) -> PeerId {
        // Not all of them at one address: it would have had its share.
        let house = (self.last_peer / 400) as u8;
        let peer = self.connect_from(IpAddr::V4(Ipv4Addr::new(127, 0, house, 1)));
        self.ask(peer, Request::Register { account: name(who), password: password(who), remember: false }).unwrap();
        peer
    }

    pub(super) fn sign_in(&mut self, who: &str) -> PeerId {
        let peer = self.connect();
        self.try_sign_in(peer, who, who).unwrap();
        peer
    }

    pub(super) fn try_sign_in(&mut self, peer: PeerId, who: &str, typed: &str) -> Result<Answer, Refusal> {
        self.ask(peer, Request::SignIn { account: name(who), password: password(typed), remember: false })
    }

    pub(super) fn post(&mut self, to: Place, text: &str) -> Request {
        self.last_post += 1;
        Request::Post {
            post: PostId { outbox: 1, counter: self.last_post },
            to,
            room: None,
            text: Text::new(text).unwrap(),
            reply_to: None,
        }
    }

    pub(super) fn gone(&mut self, peer: PeerId) {
        self.sessions.handle_gone(self.now, peer);
        self.settle();
    }

    /// Lets time pass, stopping at each deadline on the way.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now.instant + time;
        while let Some(deadline) = self.sessions.deadline(self.now).filter(|&deadline| deadline <= end) {
            self.set_clock(deadline.max(self.now.instant));
            self.sessions.handle_timeout(self.now);
            self.settle();
        }
        self.set_clock(end);
    }

    fn set_clock(&mut self, instant: belfry_core::time::Instant) {
        let millis = instant.since(self.now.instant).as_millis() as u64;
        self.now = Now { instant, wall: UnixMillis(self.now.wall.0 + millis) };
    }

    /// What the slow store is to do next.
    pub(super) fn waiting_work(&self) -> Option<String> {
        self.slow_store.as_ref()?.front().map(|job| format!("{:?}", job.work))
    }

    /// The slow store does one of its jobs; says whether there was one.
    pub(super) fn store_one(&mut self) -> bool {
        let Some(job) = self.slow_store.as_mut().and_then(VecDeque::pop_front) else { return false };
        let done = self.apply(job);
        self.sessions.handle_done(self.now, done);
        self.settle();
        true
    }

    fn look_at(&mut self, job: PasswordJob) {
        self.verified += u32::from(matches!(job.work, PasswordWork::Verify { .. }));
        let done = self.hasher.run(job);
        self.sessions.handle_password(self.now, done);
    }

    /// The slow threads look at one password; says whether there was one.
    pub(super) fn look_at_one(&mut self) -> bool {
        let Some(job) = self.slow_passwords.as_mut().and_then(VecDeque::pop_front) else { return false };
        self.look_at(job);
        self.settle();
        true
    }

    pub(super) fn settle(&mut self) {
        while let Some(output) = self.sessions.poll() {
            match output {
                Output::Send { peer, channel, body, .. } => {
                    if self.unacknowledged.is_some() {
                        *self.queued.entry(peer).or_default() += body.len() as u64;
                    }
                    self.heard.entry(peer).or_default().push(Heard {
                        channel,
                        message: decode_from_server(&body).unwrap(),
                        is_unhurried: body.is_unhurried(),
                    });
                }
                // What is sent is acknowledged at once, unless the test says otherwise.
                Output::Watch { peer } => match &mut self.unacknowledged {
                    Some(watched) => watched.push(peer),
                    None => self.sessions.handle_room(self.now, peer, 0),
                },
                Output::Close { peer, why } => {
                    self.closed.insert(peer, why);
                }
                Output::Store(job) => match &mut self.slow_store {
                    Some(jobs) => jobs.push_back(job),
                    None => {
                        let done = self.apply(job);
                        self.sessions.handle_done(self.now, done);
                    }
                },
                Output::FileWindow { peer, bytes } => {
                    self.file_windows.insert(peer, bytes);
                }
                Output::Content(ContentJob { ticket, .. }) if self.contents_are_full => {
                    self.sessions.handle_content(self.now, ContentDone { ticket, result: Err(Refusal::Busy) });
                }
                Output::Content(job) => {
                    let (_, contents) = self.contents.get_or_insert_with(|| {
                        let folder = tempfile::tempdir().unwrap();
                        let contents = Contents::at(folder.path());
                        (folder, contents)
                    });
                    let done = contents.answer(job);
                    self.sessions.handle_content(self.now, done);
                }
                Output::Password(job) => match &mut self.slow_passwords {
                    Some(jobs) => jobs.push_back(job),
                    None => self.look_at(job),
                },
            }
        }
    }
}
