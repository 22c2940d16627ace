//! Who looks sees who is there, whatever the network and the programs have been through; and who does not look costs nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use belfry_core::chat::{AccountName, Answer, Page, Presence, Presentity, Request};
use belfry_core::client::{Command, Proof, Start, Ticket, Update};
use belfry_core::limits::HEARTBEAT_TIMEOUT;
use belfry_core::rng::{self, Rng};
use belfry_tests::pair::seeded;
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, password};

const SECOND: Duration = Duration::from_secs(1);

/// A window: it shows everybody or nobody, and keeps its list as the protocol says.
struct Window {
    person: usize,
    shown: bool,
    /// Updates that it has seen to.
    heard: usize,
    list: BTreeMap<String, Presence>,
    /// Nothing of it is missing.
    complete: bool,
    asked: Option<Reading>,
}

/// A list that is being read, and what was told since it was asked for, which goes before what it says.
struct Reading {
    ticket: Ticket,
    list: BTreeMap<String, Presence>,
    told: BTreeMap<String, Presence>,
}

impl Window {
    fn of(person: usize) -> Self {
        Self { person, shown: false, heard: 0, list: BTreeMap::new(), complete: false, asked: None }
    }

    fn show(&mut self, world: &mut World, shown: bool) {
        self.shown = shown;
        world.command(self.person, Command::Watch(if shown { vec![Presentity::Everyone] } else { vec![] }));
    }

    /// Sees to what was told since the last time.
    fn settle(&mut self, world: &mut World) {
        while let Some(update) = world.people[self.person].updates.get(self.heard).cloned() {
            self.heard += 1;
            match update {
                Update::Watching { whom, anew, .. } => {
                    if anew {
                        (self.complete, self.asked) = (false, None);
                    }
                    if !self.complete && self.asked.is_none() && !whom.is_empty() {
                        let ticket = world.ticket(self.person);
                        self.asked = Some(Reading { ticket, list: BTreeMap::new(), told: BTreeMap::new() });
                        self.ask(world, ticket, None);
                    }
                }
                Update::Presence(changes) => {
                    for change in changes {
                        self.list.insert(change.account.to_string(), change.presence);
                        if let Some(reading) = &mut self.asked {
                            reading.told.insert(change.account.to_string(), change.presence);
                        }
                    }
                }
                Update::Answered { ticket, answer: Answer::People(Page { entries, more }) } => {
                    let Some(reading) = self.asked.as_mut().filter(|reading| reading.ticket == ticket) else { continue };
                    let last = entries.last().map(|person| person.account.clone());
                    reading.list.extend(entries.into_iter().map(|person| (person.account.to_string(), person.presence)));
                    if more {
                        self.ask(world, ticket, last);
                    } else if let Some(mut reading) = self.asked.take() {
                        reading.list.append(&mut reading.told);
                        self.list = reading.list;
                        self.complete = true;
                    }
                }
                _ => {}
            }
        }
    }

    fn ask(&self, world: &mut World, ticket: Ticket, after: Option<AccountName>) {
        world.command(self.person, Command::Ask { ticket, request: Request::Who { after } });
    }
}

fn people(n: usize) -> String {
    format!("person {n}")
}

/// Somebody is at their computer, or nobody is, or it is dead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stands {
    Here(usize),
    Away(usize),
    Gone,
}

/// People who come, go, crash and are away while others look, do not look, and look again.
struct Coming {
    world: World,
    rng: Rng,
    others: Vec<Stands>,
    windows: Vec<Window>,
}

impl Coming {
    const OTHERS: usize = 12;
    const WINDOWS: usize = 3;

    fn new(weather: Weather, seed: u64) -> Self {
        let mut world = World::new(weather, seed);
        let windows: Vec<_> = (0..Self::WINDOWS).map(|n| Window::of(world.join(&format!("window {n}"), true, Start::Now))).collect();
        let others: Vec<_> = (0..Self::OTHERS).map(|n| Stands::Here(world.join(&people(n), true, Start::Now))).collect();
        let all_in = |world: &World| world.people.iter().all(|person| person.caught_up() > 0);
        assert!(world.run_until(300 * SECOND, all_in), "seed {seed}: everybody signs in");
        Self { world, rng: seeded(seed ^ 0x5eed), others, windows }
    }

    fn settle(&mut self) {
        for window in &mut self.windows {
            window.settle(&mut self.world);
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now + time;
        while self.world.now < until {
            self.world.run_for(Duration::from_millis(50));
            self.settle();
        }
    }

    /// Something happens to somebody.
    fn turn(&mut self) {
        let who = rng::below(&mut self.rng, Self::OTHERS as u64) as usize;
        match (self.others[who], rng::below(&mut self.rng, 8)) {
            (Stands::Gone, _) => self.others[who] = Stands::Here(self.world.join(&people(who), false, Start::Now)),
            (Stands::Here(program) | Stands::Away(program), 0) => {
                self.world.kill(program);
                self.others[who] = Stands::Gone;
            }
            (Stands::Here(program) | Stands::Away(program), 1 | 2) => {
                self.world.command(program, Command::Close);
                self.others[who] = Stands::Gone;
            }
            (Stands::Here(program), 3 | 4) => {
                self.world.command(program, Command::Away(true));
                self.others[who] = Stands::Away(program);
            }
            (Stands::Away(program), 3 | 4) => {
                self.world.command(program, Command::Away(false));
                self.others[who] = Stands::Here(program);
            }
            (_, 5) => {
                let window = rng::below(&mut self.rng, Self::WINDOWS as u64) as usize;
                let shown = !self.windows[window].shown;
                self.windows[window].show(&mut self.world, shown);
            }
            (_, 6) if rng::below(&mut self.rng, 6) == 0 => {
                self.world.kill_server();
                let down = Duration::from_millis(rng::below(&mut self.rng, 3000));
                self.pass(down);
                self.world.start_server();
            }
            _ => {}
        }
        let pause = Duration::from_millis(rng::below(&mut self.rng, 900));
        self.pass(pause);
    }

    /// Who is to be seen.
    fn expected(&self) -> BTreeMap<String, Presence> {
        let others = self.others.iter().enumerate().map(|(n, stands)| {
            let presence = match stands {
                Stands::Here(_) => Presence::Online,
                Stands::Away(_) => Presence::Away,
                Stands::Gone => Presence::Offline,
            };
            (people(n), presence)
        });
        let windows = (0..Self::WINDOWS).map(|n| (format!("window {n}"), Presence::Online));
        others.chain(windows).chain([("admin".to_owned(), Presence::Offline)]).collect()
    }
}

#[test]
fn whoever_looks_sees_who_is_there_once_the_storm_is_over() {
    for seed in 0..12 {
        let weather = if seed % 2 == 0 { Weather::storm() } else { Weather::office() };
        let mut coming = Coming::new(weather, seed);
        for _ in 0..60 {
            coming.turn();
        }
        coming.world.set_weather(Weather::clear());
        // Who has crashed is given up after so long, and a client that waits tries again by then.
        coming.pass(HEARTBEAT_TIMEOUT + 60 * SECOND);
        let expected = coming.expected();
        for n in 0..Coming::WINDOWS {
            // One that is shown all the time, one that is shown again, one that was hidden in between.
            for shown in [true, false, true] {
                coming.windows[n].show(&mut coming.world, shown);
                coming.pass(3 * SECOND);
            }
            assert_eq!(coming.windows[n].list, expected, "seed {seed}, window {n}");
        }
    }
}

#[test]
fn who_looks_hears_within_a_second_and_nobody_else_does() {
    let mut coming = Coming::new(Weather::clear(), 1);
    coming.windows[0].show(&mut coming.world, true);
    coming.pass(3 * SECOND);
    assert_eq!(coming.windows[0].list, coming.expected());
    let told = |coming: &Coming, window: usize| {
        coming.world.people[window].updates.iter().filter(|update| matches!(update, Update::Presence(_))).count()
    };
    assert_eq!([1, 2].map(|hidden| told(&coming, hidden)), [0, 0], "nothing since they signed in");
    for who in 0..Coming::OTHERS {
        let Stands::Here(program) = coming.others[who] else { panic!("everybody is here") };
        let before = told(&coming, 0);
        (coming.others[who], _) = match who % 2 {
            0 => (Stands::Away(program), coming.world.command(program, Command::Away(true))),
            _ => (Stands::Gone, coming.world.command(program, Command::Close)),
        };
        coming.pass(SECOND + Duration::from_millis(100));
        assert_eq!(coming.windows[0].list, coming.expected());
        assert_eq!(told(&coming, 0), before + 1);
    }
    assert_eq!([1, 2].map(|hidden| told(&coming, hidden)), [0, 0]);
}

#[test]
fn a_window_that_is_shown_again_is_told_what_changed_and_asks_for_no_list() {
    let mut coming = Coming::new(Weather::clear(), 2);
    coming.windows[0].show(&mut coming.world, true);
    coming.pass(3 * SECOND);
    coming.windows[0].show(&mut coming.world, false);
    coming.pass(SECOND);
    let Stands::Here(program) = coming.others[0] else { panic!("everybody is here") };
    coming.world.command(program, Command::Close);
    coming.others[0] = Stands::Gone;
    coming.pass(3 * SECOND);
    let asked = |coming: &Coming| {
        let answers = coming.world.people[0].updates.iter();
        answers.filter(|update| matches!(update, Update::Answered { answer: Answer::People(_), .. })).count()
    };
    let before = asked(&coming);
    coming.windows[0].show(&mut coming.world, true);
    coming.pass(SECOND);
    assert_eq!(coming.windows[0].list, coming.expected());
    assert_eq!(asked(&coming), before);
}

/// Datagrams for each of so many people who come back within seconds after the server was started anew.
fn datagrams_of_coming_back(count: usize) -> f64 {
    let mut world = World::new(Weather::clear(), 7);
    for n in 0..count {
        let device = world.device();
        let proof = Proof::Password { password: password(&people(n)), register: true, remember: true };
        world.join_with(&people(n), device, proof, Start::Now);
        if n % 10 == 9 {
            world.run_for(SECOND);
        }
    }
    let times = |world: &World, times: usize| world.people.iter().all(|person| person.caught_up() >= times);
    assert!(world.run_until(300 * SECOND, |world| times(world, 1)), "everybody signs in");
    world.run_for(30 * SECOND);
    world.stop_server();
    assert!(world.run_until(SECOND, World::is_stopped));
    world.start_server();
    assert!(world.run_until(60 * SECOND, |world| times(world, 2)), "everybody is back");
    world.run_for(SECOND);
    let stats = world.server().expect("it runs").transport();
    (stats.datagrams_received + stats.datagrams_sent) as f64 / count as f64
}

#[test]
fn a_house_that_comes_back_costs_no_more_datagrams_for_each_than_a_tenth_of_it() {
    let [few, many] = [100, 1000].map(datagrams_of_coming_back);
    println!("datagrams for each who comes back: {few} of 100, {many} of 1,000");
    assert!((many / few - 1.0).abs() < 0.05, "{few} of 100, {many} of 1,000");
}
