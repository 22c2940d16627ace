//! The whole of Belfry in one process: the real server machine with the real store in memory, real clients, and a network and a clock
//! that only the seed and the test move.

mod person;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use belfry_core::chat::{AccountName, Password, Place, Role, Text};
use belfry_core::client::{Client, Command, Config, Credentials, Output as ClientOutput, Proof, Start, Ticket, Trust, Update};
use belfry_core::crypto::KeyPair;
use belfry_core::endpoint;
use belfry_core::rng::{self, Rng};
use belfry_core::time::{Instant, Now, UnixMillis};
use belfry_server::hub::{Registration, Rules, Settings};
use belfry_server::machine::{self, Input, Machine, Output};
use belfry_server::passwords::{Cost, Hasher, PasswordJob, PasswordTicket, PasswordWork};
use belfry_server::store::{self, Job, Store, Work};
use jiff::tz::TimeZone;

use crate::nonces::Nonces;
use crate::pair::seeded;
use crate::weather::{Link, Weather};

/// The wall clock when a world begins.
const BEGINNING: UnixMillis = UnixMillis(1_800_000_000_000);

/// How long the store takes for a batch.
const COMMIT: Duration = Duration::from_millis(2);

/// How long the password thread takes for one.
const HASHING: Duration = Duration::from_millis(40);

/// One person's program and what it has told.
#[derive(Debug)]
pub struct Person {
    /// The machine; `None` once it was killed.
    pub client: Option<Client>,
    /// What it has told, in order.
    pub updates: Vec<Update>,
    /// The computer sleeps, and by its clock since then.
    asleep: Option<Instant>,
    /// Its clock is ahead of the world's by this; each computer has begun to count at another time.
    ahead: Duration,
    address: SocketAddr,
    to_server: Link,
    to_client: Link,
    next_ticket: u64,
    /// How often it has shaken hands with a server.
    connections: u64,
}

/// Something that will arrive.
#[derive(Debug)]
enum Arrival {
    AtServer {
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    AtClient {
        person: usize,
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    /// The store starts its batch, and answers it at once: what is on its way when the process dies is stored or not as a whole.
    Commit,
    Hashed {
        server: u64,
        job: PasswordJob,
    },
}

/// A server, people, the network between them.
pub struct World {
    /// The time, for everybody.
    pub now: Instant,
    /// The people, by number.
    pub people: Vec<Person>,
    machine: Option<Machine>,
    /// Counts restarts, so that what was meant for an earlier process finds nobody.
    incarnation: u64,
    /// The server process's own.
    store: Option<Store>,
    /// The name of what outlives the server, and what keeps it while no server runs.
    disk: String,
    _keeper: Store,
    jobs: VecDeque<Job>,
    committing: bool,
    hasher: Arc<Hasher>,
    identity: KeyPair,
    retired: Vec<KeyPair>,
    server_address: SocketAddr,
    arrivals: BTreeMap<(Instant, u64), Arrival>,
    departures: u64,
    weather: Weather,
    rng: Rng,
    seed: u64,
    /// The server's wall clock at the world's beginning, or what it would have been.
    beginning: UnixMillis,
    finished: bool,
    /// People whose programs may have something to say.
    stirred: BTreeSet<usize>,
    /// When which person's program wants to be woken, and what of it still holds.
    deadlines: BTreeSet<(Instant, usize)>,
    armed: Vec<Option<Instant>>,
    /// The packet numbers that were used.
    pub nonces: Nonces,
    /// Every datagram that left, if a test wants to know.
    pub tape: Option<Vec<Taped>>,
}

/// A datagram that somebody sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taped {
    /// Who sent it.
    pub from: SocketAddr,
    /// Whom it was for.
    pub to: SocketAddr,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A name that is known to be good.
pub fn name(typed: &str) -> AccountName {
    AccountName::new(typed).expect("a good name")
}

/// A text that is known to be good.
pub fn text(typed: impl Into<String>) -> Text {
    Text::new(typed).expect("a good text")
}

/// Everybody's password.
pub fn password(of: &str) -> Password {
    Password::new(format!("password of {of}")).expect("a good password")
}

/// A name for a disk that no other world in this process has.
fn disk() -> String {
    static DISKS: AtomicU64 = AtomicU64::new(0);
    format!("world-{}", DISKS.fetch_add(1, Ordering::Relaxed))
}

fn open(disk: &str) -> Store {
    Store::open_in_shared_memory(disk).expect("a database in memory")
}

impl World {
    /// A server with the account `admin`, and nobody else.
    pub fn new(weather: Weather, seed: u64) -> Self {
        let mut rng = seeded(seed);
        let disk = disk();
        let mut keeper = open(&disk);
        // The cheapest hash there is: what it costs is not the subject here.
        let hasher = Hasher::new(Cost::new(8, 1).expect("a valid cost"));
        let hashed =
            hasher.run(PasswordJob { ticket: PasswordTicket(0), work: PasswordWork::Hash { password: password("admin"), salt: [1; 16] } });
        let Ok(belfry_server::passwords::PasswordOutcome::Hashed(password_hash)) = hashed.result else { panic!("{hashed:?}") };
        let work = Work::AddAccount { name: name("admin"), password_hash, role: Role::Admin };
        keeper.apply(vec![Job { ticket: store::Ticket(0), at: BEGINNING, work }]);
        let mut world = Self {
            now: Instant::from_micros(1),
            people: Vec::new(),
            machine: None,
            incarnation: 0,
            store: None,
            disk,
            _keeper: keeper,
            jobs: VecDeque::new(),
            committing: false,
            hasher: Arc::new(hasher),
            identity: KeyPair::generate(&mut rng),
            retired: Vec::new(),
            server_address: SocketAddr::from(([192, 0, 2, 1], 7411)),
            arrivals: BTreeMap::new(),
            departures: 0,
            weather,
            rng,
            seed,
            beginning: BEGINNING,
            finished: false,
            stirred: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            armed: Vec::new(),
            nonces: Nonces::default(),
            tape: None,
        };
        world.start_server();
        world
    }

    /// Both clocks.
    pub fn clock(&self) -> Now {
        Now { instant: self.now, wall: UnixMillis(self.beginning.0 + self.now.as_micros() / 1000) }
    }

    /// Starts a server process on what is stored.
    pub fn start_server(&mut self) {
        self.incarnation += 1;
        let store = self.store.get_or_insert_with(|| open(&self.disk));
        let opening = store.opening().expect("what was stored can be read");
        let config = machine::Config {
            endpoint: endpoint::Config { identity: self.identity.clone(), retired: self.retired.clone(), site_key: [0; 32] },
            hub: Settings { registration: Registration::Open, started_at: self.clock().wall, time_zone: TimeZone::UTC },
        };
        self.machine = Some(Machine::new(config, opening, rng::fork(&mut self.rng), self.clock()));
        self.finished = false;
    }

    /// Kills the server process: what it had not handed to the disk is gone, also what its store had begun.
    pub fn kill_server(&mut self) {
        self.machine = None;
        self.jobs.clear();
        self.committing = false;
        self.store = None;
    }

    /// Gives the server a new identity from its next start on; the old one is retired.
    pub fn rotate_identity(&mut self) {
        let new = KeyPair::generate(&mut self.rng);
        self.retired.insert(0, core::mem::replace(&mut self.identity, new));
    }

    /// Removes what is left of earlier identities.
    pub fn forget_retired_identities(&mut self) {
        self.retired.clear();
    }

    /// The server's present public key.
    pub fn server_key(&self) -> belfry_core::crypto::PublicKey {
        self.identity.public()
    }

    /// Changes the server's rules as reading its configuration again does.
    pub fn set_rules(&mut self, rules: Rules) {
        self.tell_server(Input::Rules(rules));
    }

    /// Asks the server to stop as a service manager does.
    pub fn stop_server(&mut self) {
        let now = self.clock();
        if let Some(machine) = &mut self.machine {
            machine.handle(now, Input::Stop);
        }
    }

    /// The server has stopped after being asked to.
    pub fn is_stopped(&self) -> bool {
        self.finished
    }

    /// Someone starts a program and registers or signs in; says their number.
    pub fn join(&mut self, account: &str, register: bool, start: Start) -> usize {
        let device = self.device();
        self.join_with(account, device, Proof::Password { password: password(account), register, remember: false }, start)
    }

    /// The key of a new device.
    pub fn device(&mut self) -> KeyPair {
        KeyPair::generate(&mut self.rng)
    }

    /// Someone starts a program on a device of theirs; says their number.
    pub fn join_with(&mut self, account: &str, device: KeyPair, proof: Proof, start: Start) -> usize {
        let number = self.people.len();
        let config = Config {
            servers: vec![self.server_address],
            trust: Trust::FirstUse,
            device,
            site_key: [0; 32],
            credentials: Credentials { account: name(account), proof },
            start,
            shows_notices: true,
        };
        let ahead = Duration::from_secs(7200);
        let client = Client::new(config, rng::fork(&mut self.rng), self.now + ahead);
        let link_seed = self.seed.wrapping_mul(1_000_003).wrapping_add(2 * number as u64);
        let host = u8::try_from(number % 250).expect("below 250") + 1;
        self.people.push(Person {
            client: Some(client),
            updates: Vec::new(),
            asleep: None,
            ahead,
            address: SocketAddr::from((Ipv4Addr::new(192, 0, 2, host), 40_000 + number as u16)),
            to_server: Link::new(self.weather, link_seed),
            to_client: Link::new(self.weather, link_seed + 1),
            next_ticket: 1,
            connections: 0,
        });
        self.stirred.insert(number);
        number
    }

    /// Tells one person's program something.
    pub fn command(&mut self, person: usize, command: Command) {
        let now = self.local(person);
        if let Some(client) = &mut self.people[person].client {
            client.handle_command(now, command);
        }
        self.stirred.insert(person);
    }

    /// What a person's computer takes for now.
    fn local(&self, person: usize) -> Instant {
        self.now + self.people.get(person).map_or(Duration::ZERO, |person| person.ahead)
    }

    /// A person's computer falls asleep: nothing goes out, and what comes in is lost.
    pub fn suspend(&mut self, person: usize) {
        let local = self.local(person);
        self.people[person].asleep.get_or_insert(local);
    }

    /// It wakes up. Its clock has gone on or stood still, and its system says so to the program or does not.
    pub fn resume(&mut self, person: usize, clock_stood_still: bool, told: bool) {
        let local = self.local(person);
        let Some(since) = self.people[person].asleep.take() else { return };
        if clock_stood_still {
            self.people[person].ahead = self.people[person].ahead.saturating_sub(local.since(since));
        }
        self.arm(person, Some(self.now));
        if told {
            self.command(person, Command::Wake);
        }
    }

    /// A person's clock is set forward.
    pub fn jump(&mut self, person: usize, ahead: Duration) {
        self.people[person].ahead += ahead;
        self.arm(person, Some(self.now));
    }

    /// The server's wall clock is set, forward or back.
    pub fn set_wall_clock(&mut self, beginning: UnixMillis) {
        self.beginning = beginning;
    }

    /// A person says something in the lobby; the ticket of it.
    pub fn say(&mut self, person: usize, words: impl Into<String>) -> Ticket {
        let ticket = self.ticket(person);
        self.command(person, Command::Post { ticket, to: Place::lobby(), text: text(words) });
        ticket
    }

    /// A fresh ticket of a person.
    pub fn ticket(&mut self, person: usize) -> Ticket {
        let ticket = Ticket(self.people[person].next_ticket);
        self.people[person].next_ticket += 1;
        ticket
    }

    /// A person's computer has another address from now on.
    pub fn relocate(&mut self, person: usize, address: SocketAddr) {
        self.people[person].address = address;
    }

    /// Where a person's computer is.
    pub fn address(&self, person: usize) -> SocketAddr {
        self.people[person].address
    }

    /// Ends a person's program without a word.
    pub fn kill(&mut self, person: usize) {
        self.people[person].client = None;
    }

    /// Changes the weather for everybody from now on.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
        for (number, person) in self.people.iter_mut().enumerate() {
            let seed = self.seed.wrapping_add(self.now.as_micros()).wrapping_add(2 * number as u64);
            person.to_server = Link::new(weather, seed);
            person.to_client = Link::new(weather, seed + 1);
        }
    }

    /// Changes the weather of one person from now on, both ways.
    pub fn set_weather_of(&mut self, person: usize, weather: Weather) {
        self.people[person].to_server.set_weather(weather);
        self.people[person].to_client.set_weather(weather);
    }

    /// Changes the weather from one person to the server from now on.
    pub fn set_weather_up(&mut self, person: usize, weather: Weather) {
        self.people[person].to_server.set_weather(weather);
    }

    fn arrive(&mut self, at: Instant, arrival: Arrival) {
        self.departures += 1;
        self.arrivals.insert((at.max(self.now), self.departures), arrival);
    }

    /// Remembers when a person's program wants to be woken.
    fn arm(&mut self, person: usize, at: Option<Instant>) {
        if self.armed.len() <= person {
            self.armed.resize(person + 1, None);
        }
        if let Some(before) = std::mem::replace(&mut self.armed[person], at) {
            self.deadlines.remove(&(before, person));
        }
        if let Some(at) = at {
            self.deadlines.insert((at, person));
        }
    }

    fn drain(&mut self) -> Option<Instant> {
        let mut datagram = Vec::new();
        while let Some(number) = self.stirred.pop_first() {
            loop {
                let now = self.now;
                let Some(person) = self.people.get_mut(number).filter(|person| person.asleep.is_none()) else { break };
                let Some(client) = &mut person.client else { break };
                match client.poll(now + person.ahead, &mut datagram) {
                    ClientOutput::Update(update) => {
                        person.connections += u64::from(matches!(update, Update::ServerKey { .. }));
                        person.updates.push(update);
                    }
                    ClientOutput::Transmit { to } => {
                        assert_eq!(to, self.server_address);
                        let from = person.address;
                        self.nonces.note(true, (number as u64) << 32 | person.connections, &datagram);
                        if let Some(tape) = &mut self.tape {
                            tape.push(Taped { from, to, bytes: datagram.clone() });
                        }
                        for (at, bytes) in person.to_server.carry(now, &datagram) {
                            self.arrive(at, Arrival::AtServer { from, bytes });
                        }
                    }
                    ClientOutput::Wait(at) => {
                        let at = at.map(|at| at - person.ahead);
                        self.arm(number, at);
                        break;
                    }
                }
            }
        }
        let mut soonest = self.deadlines.first().map(|&(at, _)| at);
        let mut note = |at: Option<Instant>| soonest = [soonest, at].into_iter().flatten().min();
        loop {
            let (now, clock) = (self.now, self.clock());
            let Some(machine) = &mut self.machine else { break };
            match machine.poll(clock, &mut datagram) {
                Output::Transmit { to } => {
                    let from = self.server_address;
                    self.nonces.note(false, self.incarnation, &datagram);
                    if let Some(tape) = &mut self.tape {
                        tape.push(Taped { from, to, bytes: datagram.clone() });
                    }
                    if let Some(person) = self.people.iter().position(|person| person.address == to) {
                        for (at, bytes) in self.people[person].to_client.carry(now, &datagram) {
                            self.arrive(at, Arrival::AtClient { person, from, bytes });
                        }
                    }
                }
                Output::Store(job) => {
                    self.jobs.push_back(job);
                    if !self.committing {
                        self.committing = true;
                        self.arrive(now + COMMIT, Arrival::Commit);
                    }
                }
                Output::Password(job) => self.arrive(now + HASHING, Arrival::Hashed { server: self.incarnation, job }),
                Output::Wait(at) => {
                    note(at);
                    break;
                }
                Output::Finished => {
                    self.machine = None;
                    self.finished = true;
                    // What it had handed to the store is still done.
                    let jobs = self.jobs.drain(..).collect();
                    self.store.take().expect("a server runs on its store").apply(jobs);
                    self.committing = false;
                    break;
                }
            }
        }
        soonest
    }

    /// Runs until `done` holds or `within` has passed; whether it held.
    pub fn run_until(&mut self, within: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let until = self.now + within;
        loop {
            let deadline = self.drain();
            if done(self) {
                return true;
            }
            let arrival = self.arrivals.keys().next().map(|&(at, _)| at);
            let Some(next) = [deadline, arrival].into_iter().flatten().min().filter(|&next| next <= until) else {
                self.now = self.now.max(until);
                return done(self);
            };
            self.now = self.now.max(next);
            self.happen();
        }
    }

    /// Runs for `time`.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    fn happen(&mut self) {
        let now = self.now;
        while let Some(entry) = self.arrivals.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Arrival::AtServer { from, mut bytes } => self.tell_server(Input::Datagram { from, bytes: &mut bytes }),
                Arrival::AtClient { person: number, from, mut bytes } => {
                    let Some(person) = self.people.get_mut(number) else { continue };
                    let local = now + person.ahead;
                    if let Some(client) = person.client.as_mut().filter(|_| person.asleep.is_none()) {
                        client.handle_datagram(local, from, &mut bytes);
                        self.stirred.insert(number);
                    }
                }
                Arrival::Commit if self.committing => {
                    self.committing = false;
                    let jobs = self.jobs.drain(..).collect();
                    for done in self.store.as_mut().map(|store| store.apply(jobs)).unwrap_or_default() {
                        self.tell_server(Input::Stored(done));
                    }
                }
                Arrival::Commit => {}
                Arrival::Hashed { server, job } if server == self.incarnation => {
                    let done = self.hasher.run(job);
                    self.tell_server(Input::Password(done));
                }
                Arrival::Hashed { .. } => {}
            }
        }
        while let Some(&(at, number)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            self.deadlines.remove(&(at, number));
            self.armed[number] = None;
            let local = self.local(number);
            let person = self.people.get_mut(number).filter(|person| person.asleep.is_none());
            if let Some(client) = person.and_then(|person| person.client.as_mut()) {
                client.handle_timeout(local);
                self.stirred.insert(number);
            }
        }
        self.tell_server(Input::Timeout);
    }

    fn tell_server(&mut self, input: Input<'_>) {
        let clock = self.clock();
        if let Some(machine) = &mut self.machine {
            machine.handle(clock, input);
        }
        self.drain();
    }

    /// The server's counters.
    pub fn server(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    /// Where the server is.
    pub const fn server_address(&self) -> SocketAddr {
        self.server_address
    }

    /// A datagram from anywhere arrives at a person's program.
    pub fn inject_at(&mut self, person: usize, from: SocketAddr, mut bytes: Vec<u8>) {
        let now = self.local(person);
        if let Some(client) = &mut self.people[person].client {
            client.handle_datagram(now, from, &mut bytes);
        }
        self.stirred.insert(person);
        self.drain();
    }

    /// A datagram from nowhere in particular arrives at the server.
    pub fn inject(&mut self, from: SocketAddr, mut bytes: Vec<u8>) {
        self.tell_server(Input::Datagram { from, bytes: &mut bytes });
    }
}
