//! While trays run, administrators make and shut out accounts and make, rename and remove groups and rooms: whoever looks at a list sees
//! what the server has, whatever the network was like meanwhile, and without looking away and back.

use std::collections::BTreeSet;
use std::time::Duration;

use belfry_core::chat::{
    AccountName, Answer, Audience, GroupName, Label, LedgerPart, NoticeDraft, PostId, Receipt, Request, Role, RoomName, Severity, Template,
    TemplateName, Text,
};
use belfry_core::client::{Command, Start, Ticket, Update};
use belfry_core::limits::HEARTBEAT_TIMEOUT;
use belfry_core::rng::{self, Rng};
use belfry_tests::pair::seeded;
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, name, password};
use belfry_tray::model::{Effect, Intent, LedgerWish, Model};
use belfry_tray::scene::{self, Moment, PresenceDot};
use belfry_tray::when::Wall;

const SECOND: Duration = Duration::from_secs(1);

/// A tray without its windows: the model between a client and a person.
struct Tray {
    person: usize,
    model: Model,
    /// Updates that it has seen to.
    heard: usize,
}

impl Tray {
    fn of(person: usize) -> Self {
        Self { person, model: Model::new("lan-host"), heard: 0 }
    }

    fn act(&mut self, world: &mut World, intent: Intent) {
        let effects = self.model.act(world.clock(), intent);
        self.perform(world, effects);
    }

    fn settle(&mut self, world: &mut World) {
        while let Some(update) = world.people[self.person].updates.get(self.heard).cloned() {
            self.heard += 1;
            let effects = self.model.apply(world.clock(), update);
            self.perform(world, effects);
        }
    }

    fn perform(&mut self, world: &mut World, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Tell(command) => world.command(self.person, command),
                // Nothing is remembered on this computer.
                Effect::LookUp(lookup) => {
                    let effects = self.model.looked_up(lookup.ticket, vec![]);
                    self.perform(world, effects);
                }
                _ => {}
            }
        }
    }
}

struct House {
    world: World,
    rng: Rng,
    /// The administrator at a command line.
    admin: usize,
    /// An administrator's tray with an open desk, and somebody else's.
    trays: [Tray; 2],
    asked: u64,
    made: u64,
}

impl House {
    fn new(weather: Weather, seed: u64) -> Self {
        let mut world = World::new(weather, seed);
        let admin = world.join("admin", false, Start::Now);
        let trays = [world.join("admin", false, Start::Now), world.join("anna", true, Start::Now)].map(Tray::of);
        assert!(world.run_until(300 * SECOND, |world| world.people.iter().all(|person| person.caught_up() > 0)), "seed {seed}");
        let mut house = Self { world, rng: seeded(seed ^ 0x1157), admin, trays, asked: 1 << 40, made: 0 };
        house.pass(SECOND);
        for tray in &mut house.trays {
            tray.act(&mut house.world, Intent::Show(true));
        }
        house.trays[0].act(&mut house.world, Intent::OpenDesk);
        house
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now + time;
        while self.world.now < until {
            self.world.run_for(Duration::from_millis(50));
            for tray in &mut self.trays {
                tray.settle(&mut self.world);
            }
        }
    }

    fn ask(&mut self, person: usize, request: Request) -> Ticket {
        self.asked += 1;
        let ticket = Ticket(self.asked);
        self.world.command(person, Command::Ask { ticket, request });
        ticket
    }

    fn answer(&mut self, person: usize, request: Request) -> Answer {
        let ticket = self.ask(person, request);
        self.pass(5 * SECOND);
        self.world.people[person].answer(ticket).cloned().expect("an answer")
    }

    /// One of the things that were made, if there are any.
    fn any(&mut self) -> u64 {
        rng::below(&mut self.rng, self.made.max(1))
    }

    fn turn(&mut self) {
        let account = |n: u64| name(&format!("person {n}"));
        let group = |n: u64| GroupName::new(&format!("group {}", n % 5)).unwrap();
        let room = |n: u64| RoomName::new(&format!("room {n}")).unwrap();
        let (one, other) = (self.any(), self.any());
        let request = match rng::below(&mut self.rng, 11) {
            0 | 1 => {
                self.made += 1;
                Request::AddUser { account: account(self.made), password: password("anybody"), role: Role::Member }
            }
            2 => Request::SetDisabled { account: account(one), disabled: one % 2 == 0, confirmed: true },
            3 | 4 => Request::AddToGroup { group: group(one), members: vec![account(other)] },
            5 => Request::RemoveFromGroup { group: group(one), members: vec![account(other)], confirmed: true },
            6 => {
                self.made += 1;
                Request::CreateRoom { room: room(self.made), private: false }
            }
            7 => {
                self.made += 1;
                Request::SendNotice(NoticeDraft {
                    post: PostId { outbox: 77, counter: self.made },
                    ..NoticeDraft::new(Severity::Info, Text::new("drill").unwrap(), vec![Audience::Account(name("anna"))])
                })
            }
            8 => Request::SaveTemplate(template(one)),
            9 => Request::RenameRoom { room: room(one), name: RoomName::new(&format!("hall {other}")).unwrap() },
            _ => Request::DeleteRoom { room: room(one), confirmed: true },
        };
        match request {
            Request::SendNotice(draft) => self.world.command(self.admin, Command::SendNotice { ticket: Ticket(self.made), draft }),
            other => drop(self.ask(self.admin, other)),
        }
        if rng::below(&mut self.rng, 15) == 0 {
            self.world.kill_server();
            self.pass(SECOND);
            self.world.start_server();
        }
        let pause = Duration::from_millis(rng::below(&mut self.rng, 1500));
        self.pass(pause);
    }

    /// Everybody and every room, as the server tells this person.
    fn truth(&mut self, person: usize) -> (BTreeSet<String>, BTreeSet<String>) {
        let Answer::People(people) = self.answer(person, Request::Who { after: None }) else { panic!("people") };
        let Answer::Rooms(rooms) = self.answer(person, Request::ListRooms { after: None }) else { panic!("rooms") };
        assert!(!people.more && !rooms.more, "one page is enough for this house");
        let people = people.entries.into_iter().map(|person| person.account.to_string()).collect();
        (people, rooms.entries.into_iter().map(|room| room.name.to_string()).collect())
    }
}

fn template(n: u64) -> Template {
    Template {
        name: TemplateName::new(&format!("template {n}")).unwrap(),
        severity: Severity::Info,
        title: None,
        body: Text::new("drill").unwrap(),
        audience: vec![],
        answers: vec![],
        expires_after_ms: None,
        remind: None,
    }
}

fn names<'a>(names: impl Iterator<Item = &'a AccountName>) -> BTreeSet<String> {
    names.map(ToString::to_string).collect()
}

#[test]
fn whoever_looks_at_a_list_sees_what_the_server_has() {
    for seed in 0..6 {
        let mut house = House::new(if seed % 2 == 0 { Weather::office() } else { Weather::storm() }, seed);
        for _ in 0..40 {
            house.turn();
        }
        house.world.set_weather(Weather::clear());
        house.pass(HEARTBEAT_TIMEOUT + 60 * SECOND);
        let [desk, other] = [house.trays[0].person, house.trays[1].person];
        for (tray, person) in [(0, desk), (1, other)] {
            let (people, rooms) = house.truth(person);
            let model = &house.trays[tray].model;
            assert_eq!(names(model.people().sorted().into_iter().map(|person| &person.account)), people, "seed {seed}, tray {tray}");
            assert_eq!(
                model.rooms().all().iter().map(|room| room.name.to_string()).collect::<BTreeSet<_>>(),
                rooms,
                "seed {seed}, tray {tray}"
            );
            let me = model.me().map(ToString::to_string);
            let offered: BTreeSet<String> = scene::rooms(model, "").into_iter().map(|row| row.key).collect();
            let all = rooms.iter().cloned().chain(people.iter().filter(|name| Some(*name) != me.as_ref()).map(|name| format!("@{name}")));
            assert_eq!(offered, all.collect(), "seed {seed}, tray {tray}");
        }
        let (people, rooms) = house.truth(desk);
        let Answer::Groups(groups) = house.answer(desk, Request::ListGroups { after: None }) else { panic!("groups") };
        let groups = groups.entries.into_iter().map(|group| format!("group:{}", group.name));
        let wanted: BTreeSet<String> = people
            .iter()
            .map(|name| format!("user:{name}"))
            .chain(rooms.iter().filter(|name| *name != "lobby").map(|name| format!("room:{name}")))
            .chain(groups)
            .collect();
        let Answer::Notices(sent) = house.answer(desk, Request::ListNotices { before: None, text: None }) else { panic!("notices") };
        let Answer::Templates(templates) = house.answer(desk, Request::ListTemplates { after: None }) else { panic!("templates") };
        assert_eq!(house.trays[0].model.desk().notices(), sent.entries, "seed {seed}: what was sent");
        assert_eq!(house.trays[0].model.desk().templates(), templates.entries, "seed {seed}: templates");
        let audiences = scene::audiences(&house.trays[0].model, "").into_iter().map(|row| row.key).filter(|key| key != "everyone");
        assert_eq!(audiences.collect::<BTreeSet<_>>(), wanted, "seed {seed}: the audience picker");
    }
}

#[test]
fn while_the_server_is_gone_no_tray_says_that_anybody_is_here() {
    let mut house = House::new(Weather::clear(), 1);
    house.pass(5 * SECOND);
    let here = |house: &House| {
        let now = house.world.clock().wall;
        let wall = Wall::new(jiff::tz::TimeZone::UTC);
        scene::people(&house.trays[1].model, "", Moment { now, wall: &wall }).into_iter().filter(|row| row.here != PresenceDot::No).count()
    };
    assert_eq!(here(&house), 2, "the administrator and anna");
    house.world.kill_server();
    house.pass(HEARTBEAT_TIMEOUT + 5 * SECOND);
    assert!(house.world.people[house.trays[1].person].updates.iter().any(|update| matches!(update, Update::Disconnected { .. })));
    assert_eq!(here(&house), 0);
    house.world.start_server();
    house.pass(HEARTBEAT_TIMEOUT + 30 * SECOND);
    assert_eq!(here(&house), 2);
}

#[test]
fn whoever_looks_into_a_room_sees_who_comes_and_who_is_put_out() {
    let mut house = House::new(Weather::clear(), 2);
    let (attic, anna) = (RoomName::new("attic").unwrap(), house.trays[1].person);
    house.ask(house.admin, Request::CreateRoom { room: attic.clone(), private: false });
    house.pass(5 * SECOND);
    house.trays[0].act(&mut house.world, Intent::ListMembers(attic.clone()));
    let listed = |house: &House| {
        let (_, people) = house.trays[0].model.rooms().members().expect("it was asked for");
        people.iter().map(|person| person.account.to_string()).collect::<Vec<_>>()
    };
    house.ask(anna, Request::JoinRoom { room: attic.clone() });
    house.pass(5 * SECOND);
    assert_eq!(listed(&house), ["admin", "anna"]);
    house.ask(house.admin, Request::RemoveFromRoom { room: attic, account: name("anna"), confirmed: true });
    house.pass(5 * SECOND);
    assert_eq!(listed(&house), ["admin"]);
}

#[test]
fn whoever_shows_nothing_hears_nothing_of_lists_and_finds_them_right_when_they_look_again() {
    let mut house = House::new(Weather::clear(), 3);
    house.pass(5 * SECOND);
    house.trays[1].act(&mut house.world, Intent::Show(false));
    house.pass(5 * SECOND);
    let heard = house.trays[1].heard;
    house.ask(house.admin, Request::AddUser { account: name("dora"), password: password("anybody"), role: Role::Member });
    house.pass(5 * SECOND);
    assert_eq!(house.trays[1].heard, heard, "{:?}", &house.world.people[house.trays[1].person].updates[heard..]);
    house.trays[1].act(&mut house.world, Intent::Show(true));
    house.pass(5 * SECOND);
    assert!(house.trays[1].model.people().find(&name("dora")).is_some());
}

#[test]
fn the_ledger_on_an_open_desk_counts_and_orders_what_people_have_answered() {
    for seed in 0..4 {
        let mut house = House::new(Weather::storm(), seed);
        let others: Vec<usize> = (0..5).map(|number| house.world.join(&format!("person {number}"), true, Start::Now)).collect();
        house.pass(60 * SECOND);
        let draft = NoticeDraft {
            answers: ["Safe", "Need help"].map(|answer| Label::new(answer).unwrap()).into(),
            ..NoticeDraft::new(Severity::Important, Text::new("Leave.").unwrap(), vec![Audience::Everyone])
        };
        house.trays[0].act(&mut house.world, Intent::SendNotice(draft));
        house.pass(60 * SECOND);
        for (number, &person) in others.iter().enumerate().take(4) {
            let notice = house.world.people[person].notices()[0].id;
            house.world.command(person, Command::Receipt { notice, receipt: Receipt::Answered(u8::from(number % 2 == 1)) });
            house.pass(SECOND);
        }
        house.world.set_weather(Weather::clear());
        house.pass(HEARTBEAT_TIMEOUT + 30 * SECOND);
        let names = |house: &House| -> Vec<String> {
            let people = house.trays[0].model.desk().watched().expect("it is watched since it was sent").people();
            people.iter().map(|entry| entry.account.to_string()).collect()
        };
        let shown = names(&house);
        assert_eq!(shown[..2], ["person 1", "person 3"], "seed {seed}: those who need help");
        assert_eq!(shown[4..], ["person 0", "person 2"], "seed {seed}: those who are safe");
        let tally = house.trays[0].model.desk().watched().unwrap().tally().clone();
        assert_eq!(
            (tally.people, &tally.answers[..], tally.waiting),
            (6, &[2, 2][..], 2),
            "seed {seed}: anna and person 4 have not answered"
        );
        house.trays[0].act(&mut house.world, Intent::Ledger(LedgerWish::Part(LedgerPart::Unanswered)));
        house.pass(5 * SECOND);
        assert_eq!(names(&house), ["anna", "person 4"], "seed {seed}");
    }
}
