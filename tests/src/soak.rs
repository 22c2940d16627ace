//! Random lives in the whole of Belfry: a seed draws people, weather, accidents; then everything heals, and judges who know nothing of
//! the machines look at what every screen has shown.
//!
//! First any fault may happen and no answer may be wrong; then the faults stop and everything must arrive within a time.

mod judges;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use belfry_core::chat::{Audience, ConversationId, NoticeDraft, NoticeId, Receipt, Refusal, Seq, Severity};
use belfry_core::client::{Command, Failure, Knowledge, Start, Ticket, Update};
use belfry_core::rng::{self, Rng};
use belfry_core::time::UnixMillis;

use crate::courier::Courier;
use crate::pair::seeded;
use crate::weather::{Bottleneck, Burst, Weather};
use crate::world::{World, text};

/// After the last fault everything has arrived within this time: the longest pause between two tries of a client, and a handshake.
const HEALED_WITHIN: Duration = Duration::from_secs(120);

/// … and files that were on their way, in seconds: each may have to find anew where it is, one connection after the other.
const FILES_WITHIN: u32 = 300;

/// A moment that is waited for comes within this time, or is not waited for.
const LONG_ENOUGH: Duration = Duration::from_millis(200);

/// Which accidents a life knows: each seed switches on some of them, so that none hides another.
#[derive(Clone, Copy, Debug)]
struct Faults {
    weather: bool,
    crashes: bool,
    restarts: bool,
    client_deaths: bool,
    moves: bool,
    partitions: bool,
    notices: bool,
    bulk: bool,
    /// Computers sleep, with clocks that go on or stand still.
    sleep: bool,
    /// Clocks are set.
    clocks: bool,
    /// What is large is lost for a while.
    narrow: bool,
    /// A slow link with a short queue for a while.
    queues: bool,
    /// A router gives people another port.
    rebinding: bool,
    /// People send files.
    files: bool,
}

/// One account's programs over a life, the last one running.
#[derive(Debug)]
struct Inhabitant {
    name: String,
    programs: Vec<usize>,
    alive: bool,
    /// Texts that were posted, with the ticket and the program that did.
    said: Vec<(usize, Ticket, String)>,
}

/// Whether a program was told that the name it wants to register is taken.
fn is_turned_away(world: &World, program: usize) -> bool {
    world.people[program].updates.iter().any(|update| matches!(update, Update::Failed(Failure::SignIn(Refusal::NameTaken))))
}

/// Lives through one seed.
///
/// # Errors
/// What the judges found, in words.
pub fn live(seed: u64) -> Result<Outcome, String> {
    // A broken assumption of a machine ends its life, and only that; the panic itself has said where.
    std::panic::catch_unwind(|| Life::new(seed).live()).unwrap_or_else(|_| Err(format!("seed {seed}: a machine panicked")))
}

/// What can be compared between two lives of one seed, and what happened in it.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// Everything that every program told, in order.
    pub told: Vec<Vec<Update>>,
    /// Datagrams that the last server process saw.
    pub datagrams: u64,
    /// Messages in the lobby's log.
    pub messages: usize,
    /// Accidents that happened.
    pub accidents: usize,
}

struct Life {
    seed: u64,
    rng: Rng,
    world: World,
    faults: Faults,
    people: Vec<Inhabitant>,
    server_up: bool,
    accidents: usize,
    notices: BTreeSet<NoticeId>,
    /// Who has answered what, with which program.
    answered: BTreeSet<(usize, usize, NoticeId)>,
    /// Programs whose computers sleep.
    asleep: BTreeSet<usize>,
    /// Files on their way or there, each with who sends it.
    couriers: Vec<(usize, Courier)>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut rng = seeded(seed ^ 0x5eed_0f11_fe00);
        let bits = rng::below(&mut rng, 1 << 14);
        let on = |bit: u64| bits & (1 << bit) != 0;
        let faults = Faults {
            weather: on(0),
            crashes: on(1),
            restarts: on(2),
            client_deaths: on(3),
            moves: on(4),
            partitions: on(5),
            notices: on(6),
            bulk: on(7),
            sleep: on(8),
            clocks: on(9),
            narrow: on(10),
            queues: on(11),
            rebinding: on(12),
            files: on(13),
        };
        let weather = if faults.weather { draw_weather(&mut rng) } else { Weather::clear() };
        Self {
            seed,
            world: World::new(weather, seed),
            rng,
            faults,
            people: Vec::new(),
            server_up: true,
            accidents: 0,
            notices: BTreeSet::new(),
            answered: BTreeSet::new(),
            asleep: BTreeSet::new(),
            couriers: Vec::new(),
        }
    }

    fn live(mut self) -> Result<Outcome, String> {
        let admin = self.world.join("admin", false, Start::Now);
        self.people.push(Inhabitant { name: "admin".into(), programs: vec![admin], alive: true, said: Vec::new() });
        for i in 0..1 + self.draw(4) {
            let name = format!("person {i}");
            let program = self.world.join(&name, true, beginning());
            self.people.push(Inhabitant { name, programs: vec![program], alive: true, said: Vec::new() });
        }
        for _ in 0..20 + self.draw(60) {
            self.something_happens();
            let pause = Duration::from_millis(self.draw(1500));
            self.world.run_for(pause);
            self.carry();
        }
        self.heal()?;
        self.judge()
    }

    fn draw(&mut self, below: u64) -> u64 {
        rng::below(&mut self.rng, below)
    }

    fn somebody(&mut self) -> usize {
        let count = self.people.len() as u64;
        self.draw(count) as usize
    }

    fn something_happens(&mut self) {
        let who = self.somebody();
        match self.draw(26) {
            0..=9 => self.speak(who),
            10 if self.faults.crashes => {
                self.accidents += 1;
                if self.server_up {
                    self.crash_while_somebody_acts(who);
                } else {
                    self.world.start_server()
                }
                self.server_up = !self.server_up;
            }
            11 if self.faults.restarts && self.server_up => {
                self.accidents += 1;
                self.world.stop_server();
                self.server_up = !self.world.run_until(Duration::from_secs(2), World::is_stopped);
            }
            12 if !self.server_up => {
                self.world.start_server();
                self.server_up = true;
            }
            13 if self.faults.client_deaths && who > 0 => self.die_or_return(who),
            14 if self.faults.moves => {
                self.accidents += 1;
                let program = self.program(who);
                let (host, port) = (self.draw(250) as u8 + 1, 10_000 + self.draw(50_000) as u16);
                // Also from one family of addresses to the other.
                let v6 = self.draw(2) == 0;
                let address =
                    if v6 { ([0x2001, 0xdb8, 1, host.into(), 0, 0, 0, 1], port).into() } else { ([198, 51, 100, host], port).into() };
                self.world.relocate(program, address);
            }
            15 if self.faults.partitions => {
                self.accidents += 1;
                let weather = if self.draw(2) == 0 { Weather { loss: 1.0, ..Weather::clear() } } else { self.usual_weather() };
                self.world.set_weather(weather);
            }
            16 if self.faults.notices => self.send_notice(),
            17 => self.world.command(self.program(who), Command::Wake),
            18 if self.faults.bulk => (0..30).for_each(|_| self.speak(who)),
            19 if self.faults.sleep => self.sleep_or_wake(who),
            20 if self.faults.clocks => self.set_a_clock(who),
            21 if self.faults.narrow => {
                self.accidents += 1;
                let mtu = Some(500 + self.draw(1000) as usize);
                let weather = Weather { mtu, ..self.usual_weather() };
                self.world.set_weather(weather);
            }
            22 if self.faults.queues => {
                self.accidents += 1;
                let bottleneck = Some(Bottleneck { bytes_per_second: 20_000 + self.draw(500_000), queue_bytes: 3000 + self.draw(30_000) });
                let weather = Weather { bottleneck, ..self.usual_weather() };
                self.world.set_weather(weather);
            }
            23 if self.faults.rebinding => {
                self.accidents += 1;
                let program = self.program(who);
                let (host, port) = (self.world.address(program).ip(), 10_000 + self.draw(50_000) as u16);
                self.world.relocate(program, (host, port).into());
            }
            24 if self.faults.notices => self.answer(who),
            25 if self.faults.files => self.send_file(who),
            _ => {}
        }
    }

    /// At the worst moments: before a commit, after it and before the server hears of it, and once somebody has seen what came of it.
    fn crash_while_somebody_acts(&mut self, who: usize) {
        if self.faults.notices && self.draw(2) == 0 {
            // Everybody answers at once.
            self.send_notice();
            self.world.run_for(LONG_ENOUGH);
            (0..self.people.len()).for_each(|who| self.answer(who));
        }
        let program = self.program(who);
        let told = self.world.people[program].updates.len();
        self.speak(who);
        match self.draw(4) {
            0 => {
                let moment = Duration::from_micros(self.draw(6000));
                self.world.run_for(moment);
            }
            1 => _ = self.world.run_until(LONG_ENOUGH, World::is_before_commit),
            2 => _ = self.world.run_until(LONG_ENOUGH, World::is_after_commit),
            _ => _ = self.world.run_until(LONG_ENOUGH, |world| world.people[program].updates.len() > told),
        }
        self.world.kill_server();
    }

    fn sleep_or_wake(&mut self, who: usize) {
        self.accidents += 1;
        let program = self.program(who);
        if self.asleep.remove(&program) {
            let (clock_stood_still, told) = (self.draw(2) == 0, self.draw(2) == 0);
            self.world.resume(program, clock_stood_still, told);
        } else {
            self.asleep.insert(program);
            self.world.suspend(program);
        }
    }

    /// A person's clock, or the wall clock of the server: half an hour to either side.
    fn set_a_clock(&mut self, who: usize) {
        self.accidents += 1;
        if self.draw(2) == 0 {
            let ahead = Duration::from_millis(self.draw(300_000));
            self.world.jump(self.program(who), ahead);
        } else {
            let beginning = 1_799_998_200_000 + self.draw(3_600_000);
            self.world.set_wall_clock(UnixMillis(beginning));
        }
    }

    fn usual_weather(&mut self) -> Weather {
        if self.faults.weather { draw_weather(&mut self.rng) } else { Weather::clear() }
    }

    fn program(&self, who: usize) -> usize {
        self.people[who].programs.last().copied().unwrap_or_default()
    }

    /// Whether a person has a computer before them that is awake.
    fn is_about(&self, who: usize) -> bool {
        self.people[who].alive && !self.asleep.contains(&self.program(who))
    }

    fn speak(&mut self, who: usize) {
        if self.is_about(who) {
            let person = &mut self.people[who];
            let program = person.programs.last().copied().unwrap_or_default();
            // Every text is said once in a life, so that a text tells which post it was.
            let mut words = format!("{} {} ", person.name, person.said.len());
            if self.faults.bulk && rng::below(&mut self.rng, 10) == 0 {
                let _ = write!(words, "{}", "x".repeat(rng::below(&mut self.rng, 12_000) as usize));
            }
            let words = words.trim().to_owned();
            let ticket = self.world.say(program, words.clone());
            person.said.push((program, ticket, words));
        }
    }

    /// Somebody sends a file of up to a few hundred kilobytes, now and then one that was sent before.
    fn send_file(&mut self, who: usize) {
        if !self.is_about(who) {
            return;
        }
        let again = self.draw(4) == 0;
        let content = match self.couriers.last().filter(|_| again) {
            Some((_, courier)) => courier.content.clone(),
            None => {
                let (length, of) = (1 + self.draw(300_000) as usize, self.draw(256) as u8);
                (0..length).map(|at| (at % 251) as u8 ^ of).collect()
            }
        };
        let words = format!("{} file {}", self.people[who].name, self.couriers.len());
        let program = self.program(who);
        let courier = Courier::send(&mut self.world, program, words, content);
        self.couriers.push((who, courier));
    }

    /// Those who send files go on. Whether anybody is still at it who can be.
    fn carry(&mut self) -> bool {
        let mut any = false;
        for (who, courier) in &mut self.couriers {
            let person = &mut self.people[*who];
            let runs = person.programs.last() == Some(&courier.program) && person.alive;
            if courier.is_done() || !runs || is_turned_away(&self.world, courier.program) {
                continue;
            }
            if let Some((ticket, words)) = courier.step(&mut self.world) {
                person.said.push((courier.program, ticket, words));
            }
            any |= !courier.is_done();
        }
        any
    }

    /// Somebody answers the newest notice that their program shows them.
    fn answer(&mut self, who: usize) {
        let program = self.program(who);
        let shown = self.world.people[program].notices().last().map(|notice| notice.id);
        if let Some(notice) = shown.filter(|_| who > 0 && self.is_about(who)) {
            self.world.command(program, Command::Receipt { notice, receipt: Receipt::Answered(0) });
            self.answered.insert((who, program, notice));
        }
    }

    /// A program dies; later another one of the same person goes on from what the first has shown, as a tray with a cache does.
    fn die_or_return(&mut self, who: usize) {
        self.accidents += 1;
        if self.people[who].alive {
            self.world.kill(self.program(who));
            self.people[who].alive = false;
        } else {
            self.come_back(who);
        }
    }

    fn come_back(&mut self, who: usize) {
        let marks = self
            .shown(who)
            .into_iter()
            .map(|(conversation, seqs)| (conversation, seqs.last().copied().unwrap_or_default().into()))
            .collect();
        let person = &self.people[who];
        // Whether registering got through is not known to somebody who died: who has not signed in yet tries it again, and signs in
        // when told that the name is taken.
        let has_account = person.programs.iter().any(|&program| {
            let updates = &self.world.people[program].updates;
            updates.iter().any(|update| matches!(update, Update::SignedIn { .. })) || is_turned_away(&self.world, program)
        });
        let program = self.world.join(&person.name.clone(), !has_account, Start::After(Knowledge { timeline: None, marks }));
        self.people[who].programs.push(program);
        self.people[who].alive = true;
    }

    fn send_notice(&mut self) {
        let program = self.program(0);
        let ticket = self.world.ticket(program);
        self.accidents += 1;
        let body = text(format!("notice {}", self.accidents));
        let draft = NoticeDraft { confirmed: true, ..NoticeDraft::new(Severity::Important, body, vec![Audience::Everyone]) };
        self.world.command(program, Command::SendNotice { ticket, draft });
    }

    /// What this person's programs have shown, by conversation, in order.
    fn shown(&self, who: usize) -> BTreeMap<ConversationId, Vec<Seq>> {
        let mut shown: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for &program in &self.people[who].programs {
            for message in self.world.people[program].messages() {
                shown.entry(message.conversation).or_default().push(message.seq);
            }
        }
        shown
    }

    fn heal(&mut self) -> Result<(), String> {
        self.world.set_weather(Weather::clear());
        for program in std::mem::take(&mut self.asleep) {
            self.world.resume(program, program % 2 == 0, true);
        }
        if !self.server_up {
            self.world.start_server();
        }
        for who in 1..self.people.len() {
            if !self.people[who].alive {
                self.die_or_return(who);
            }
        }
        let mut seconds = 0;
        while self.carry() {
            seconds += 1;
            if seconds > FILES_WITHIN {
                return Err(format!(
                    "seed {}: a file is not there after {FILES_WITHIN} s ({:?}): {:?}",
                    self.seed, self.faults, self.couriers
                ));
            }
            self.world.run_for(Duration::from_secs(1));
        }
        let expected = |world: &World, people: &[Inhabitant]| {
            people.iter().all(|person| {
                let answered = |&(program, ticket, _): &(usize, Ticket, String)| {
                    program != person.programs.last().copied().unwrap_or_default() || world.people[program].posted().contains_key(&ticket)
                };
                person.said.iter().all(answered)
            })
        };
        // Nobody is turned away twice, so this ends.
        let healed = loop {
            let people = std::mem::take(&mut self.people);
            let programs: Vec<_> = people.iter().filter_map(|person| person.programs.last().copied()).collect();
            let is_healed =
                |world: &World| programs.iter().all(|&program| world.people[program].is_caught_up()) && expected(world, &people);
            let has_turned_away = |world: &World| programs.iter().any(|&program| is_turned_away(world, program));
            let settled = self.world.run_until(HEALED_WITHIN, |world| is_healed(world) || has_turned_away(world));
            self.people = people;
            if !settled || !has_turned_away(&self.world) {
                break settled;
            }
            for (who, program) in programs.into_iter().enumerate() {
                if is_turned_away(&self.world, program) {
                    self.come_back(who);
                }
            }
        };
        if !healed {
            let waiting: Vec<_> = self.people.iter().map(|person| (&person.name, self.last_words(person))).collect();
            return Err(format!("seed {}: not healed after {HEALED_WITHIN:?} ({:?}): {waiting:?}", self.seed, self.faults));
        }
        // A client that was idle when the server crashed notices at its next keepalive.
        self.world.run_for(Duration::from_secs(45));
        Ok(())
    }

    fn last_words(&self, person: &Inhabitant) -> Vec<Update> {
        let program = person.programs.last().copied().unwrap_or_default();
        self.world.people[program].updates.iter().rev().take(3).cloned().collect()
    }
}

fn beginning() -> Start {
    Start::After(Knowledge::default())
}

fn draw_weather(rng: &mut Rng) -> Weather {
    let mut upto = |most: f64| most * rng::below(rng, 1001) as f64 / 1000.0;
    let (loss, duplicate, reorder, corrupt, truncate) = (upto(0.25), upto(0.1), upto(0.3), upto(0.02), upto(0.01));
    let delay = Duration::from_secs_f64(upto(0.06));
    let jitter = Duration::from_secs_f64(upto(0.03));
    let reorder_delay = Duration::from_secs_f64(upto(0.08));
    let burst = (upto(1.0) < 0.3).then(|| Burst { good: 20.0 + upto(200.0), bad: 1.0 + upto(3.0) });
    Weather {
        loss: if burst.is_some() { 0.0 } else { loss },
        burst,
        duplicate,
        reorder,
        reorder_delay,
        corrupt,
        truncate,
        delay,
        jitter,
        ..Weather::clear()
    }
}
