//! The whole of Belfry in one process: the real server machine with the real store in memory, real clients, and a network and a clock
//! that only the seed and the test move.

mod desk;
mod people;
mod person;
mod server;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use belfry_core::chat::{AccountName, Password, Role, Text};
use belfry_core::client::{Client, Command, Output as ClientOutput, Update};
use belfry_core::crypto::KeyPair;
use belfry_core::rng::Rng;
use belfry_core::time::{Instant, Now, UnixMillis};
use belfry_server::contents::ContentJob;
use belfry_server::machine::{Input, Machine, Output};
use belfry_server::passwords::{Cost, Hasher, PasswordJob, PasswordTicket, PasswordWork};
use belfry_server::store::{self, Done, Job, Work};

use desk::Desk;

use crate::arrivals::Arrivals;
use crate::measure::metered;
use crate::nonces::Nonces;
use crate::pair::seeded;
use crate::weather::{Link, Weather};

/// The wall clock when a world begins.
const BEGINNING: UnixMillis = UnixMillis(1_800_000_000_000);

/// How long the store waits for company of a job, and works on the batch.
const WORK: Duration = Duration::from_micros(500);

/// How long the disk takes for a commit.
const SYNC: Duration = Duration::from_micros(1500);

/// How long it takes until the server hears that a batch is stored.
const ANSWER: Duration = Duration::from_millis(1);

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
    /// What its program is told while it sleeps, and hears when it wakes up.
    put_off: Vec<Command>,
    /// What its clock said when its program last ran.
    last_ran: Instant,
    /// Its clock is ahead of the world's by this; each computer has begun to count at another time.
    ahead: Duration,
    address: SocketAddr,
    /// A second network card, if any: what leaves takes turns, and what arrives at either is heard.
    second_card: Option<SocketAddr>,
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
    /// For a thread of the server's process; one that has died meanwhile never hears of it.
    OfServer {
        incarnation: u64,
        what: Within,
    },
}

/// What happens between the threads of the server's process.
#[derive(Debug)]
enum Within {
    /// The store takes what waits into a batch.
    Begin,
    /// It commits its batch: what is on its way when the process dies is stored or not as a whole.
    Commit,
    /// It says so.
    Stored(Vec<Done>),
    /// A password is to be looked at.
    Password(PasswordJob),
    /// The folder of contents is asked.
    Content(ContentJob),
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
    desk: Desk,
    hasher: Hasher,
    identity: KeyPair,
    retired: Vec<KeyPair>,
    server_address: SocketAddr,
    arrivals: Arrivals<Arrival>,
    weather: Weather,
    rng: Rng,
    seed: u64,
    /// The server's wall clock at the world's beginning, or what it would have been.
    beginning: UnixMillis,
    finished: bool,
    /// People whose programs may have something to say.
    ready: BTreeSet<usize>,
    /// When which person's program wants to be woken, and what of it still holds.
    deadlines: BTreeSet<(Instant, usize)>,
    armed: Vec<Option<Instant>>,
    /// The packet numbers that were used.
    pub nonces: Nonces,
    /// Every datagram that left, if a test wants to know.
    pub tape: Option<Vec<Taped>>,
    /// What the server does is counted ([`metered`]).
    pub is_counted: bool,
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

impl World {
    /// A server with the account `admin`, and nobody else.
    pub fn new(weather: Weather, seed: u64) -> Self {
        Self::with_desk(weather, seed, Desk::new)
    }

    /// The same with a database in a file of this folder, so that a backup can be made and put back.
    pub fn in_folder(folder: &Path, weather: Weather, seed: u64) -> Self {
        Self::with_desk(weather, seed, |first| Desk::in_file(folder.join("belfry.db"), first))
    }

    fn with_desk(weather: Weather, seed: u64, desk: impl FnOnce(Job) -> Desk) -> Self {
        let mut rng = seeded(seed);
        // The cheapest hash there is: what it costs is not the subject here.
        let mut hasher = Hasher::new(Cost::new(8, 1).expect("a valid cost"));
        let hashed =
            hasher.run(PasswordJob { ticket: PasswordTicket(0), work: PasswordWork::Hash { password: password("admin"), salt: [1; 16] } });
        let Ok(belfry_server::passwords::PasswordOutcome::Hashed(password_hash)) = hashed.result else { panic!("{hashed:?}") };
        let work = Work::AddAccount { name: name("admin"), password_hash, role: Role::Admin };
        let desk = desk(Job { ticket: store::JobTicket(0), at: BEGINNING, work });
        let mut world = Self {
            now: Instant::from_micros(1),
            people: Vec::new(),
            machine: None,
            incarnation: 0,
            desk,
            hasher,
            identity: KeyPair::generate(&mut rng),
            retired: Vec::new(),
            server_address: SocketAddr::from(([192, 0, 2, 1], 7411)),
            arrivals: Arrivals::default(),
            weather,
            rng,
            seed,
            beginning: BEGINNING,
            finished: false,
            ready: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            armed: Vec::new(),
            nonces: Nonces::default(),
            tape: None,
            is_counted: false,
        };
        world.start_server();
        world
    }

    /// Both clocks.
    pub fn clock(&self) -> Now {
        Now { instant: self.now, wall: UnixMillis(self.beginning.0 + self.now.as_micros() / 1000) }
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
        self.arrivals.add(self.now, at, arrival);
    }

    fn arrive_within(&mut self, at: Instant, what: Within) {
        self.arrive(at, Arrival::OfServer { incarnation: self.incarnation, what });
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
        while let Some(number) = self.ready.pop_first() {
            loop {
                let now = self.now;
                let Some(person) = self.people.get_mut(number) else { break };
                let Some((client, local)) = person.running(now) else { break };
                match client.poll(local, &mut datagram) {
                    ClientOutput::Update(update) => {
                        person.connections += u64::from(matches!(update, Update::ServerKey { .. }));
                        person.updates.push(update);
                    }
                    ClientOutput::Transmit { to } => {
                        assert_eq!(to, self.server_address);
                        let from = person.next_card();
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
            match metered(self.is_counted, || machine.poll(clock, &mut datagram)) {
                Output::Transmit { to } => {
                    let from = self.server_address;
                    self.nonces.note(false, self.incarnation, &datagram);
                    if let Some(tape) = &mut self.tape {
                        tape.push(Taped { from, to, bytes: datagram.clone() });
                    }
                    if let Some(person) = self.people.iter().position(|person| person.is_at(to)) {
                        for (at, bytes) in self.people[person].to_client.carry(now, &datagram) {
                            self.arrive(at, Arrival::AtClient { person, from, bytes });
                        }
                    }
                }
                Output::Store(job) => {
                    if self.desk.take(job) {
                        self.arrive_within(now + WORK, Within::Begin);
                    }
                }
                Output::Content(job) => self.arrive_within(now + WORK, Within::Content(job)),
                Output::Password(job) => self.arrive_within(now + HASHING, Within::Password(job)),
                Output::Wait(at) => {
                    note(at);
                    break;
                }
                Output::Finished => {
                    self.machine = None;
                    self.finished = true;
                    self.desk.close();
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
            let Some(next) = [deadline, self.arrivals.next_at()].into_iter().flatten().min().filter(|&next| next <= until) else {
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
        while let Some(arrival) = self.arrivals.take(now) {
            match arrival {
                Arrival::AtServer { from, mut bytes } => self.tell_server(Input::Datagram { from, bytes: &mut bytes }),
                Arrival::AtClient { person: number, from, mut bytes } => {
                    if let Some((client, local)) = self.people.get_mut(number).and_then(|person| person.running(now)) {
                        client.handle_datagram(local, from, &mut bytes);
                        self.ready.insert(number);
                    }
                }
                Arrival::OfServer { incarnation, what } if incarnation == self.incarnation && self.machine.is_some() => {
                    self.happen_in_server(what);
                }
                Arrival::OfServer { .. } => {}
            }
        }
        while let Some(&(at, number)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            self.deadlines.remove(&(at, number));
            self.armed[number] = None;
            if let Some((client, local)) = self.people.get_mut(number).and_then(|person| person.running(now)) {
                client.handle_timeout(local);
                self.ready.insert(number);
            }
        }
        self.tell_server(Input::Timeout);
    }

    fn happen_in_server(&mut self, what: Within) {
        let now = self.now;
        match what {
            Within::Begin => {
                metered(self.is_counted, || self.desk.begin());
                self.arrive_within(now + SYNC, Within::Commit);
            }
            Within::Commit => {
                let done = metered(self.is_counted, || self.desk.commit());
                self.arrive_within(now + ANSWER, Within::Stored(done));
                if self.desk.has_more() {
                    self.arrive_within(now + WORK, Within::Begin);
                }
            }
            Within::Stored(done) => {
                self.desk.heard();
                done.into_iter().for_each(|done| self.tell_server(Input::Stored(done)));
            }
            Within::Content(job) => {
                let done = self.desk.contents().answer(job);
                self.tell_server(Input::Content(done));
            }
            Within::Password(job) => {
                let done = self.hasher.run(job);
                self.tell_server(Input::Password(done));
            }
        }
    }

    fn tell_server(&mut self, input: Input<'_>) {
        let clock = self.clock();
        if let Some(machine) = &mut self.machine {
            metered(self.is_counted, || machine.handle(clock, input));
        }
        self.drain();
    }

    /// A datagram from anywhere arrives at a person's program.
    pub fn inject_at(&mut self, person: usize, from: SocketAddr, mut bytes: Vec<u8>) {
        if let Some((client, local)) = self.people[person].running(self.now) {
            client.handle_datagram(local, from, &mut bytes);
        }
        self.ready.insert(person);
        self.drain();
    }

    /// A datagram from nowhere in particular arrives at the server.
    pub fn inject(&mut self, from: SocketAddr, mut bytes: Vec<u8>) {
        self.tell_server(Input::Datagram { from, bytes: &mut bytes });
    }
}
