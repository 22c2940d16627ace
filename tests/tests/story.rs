//! A day in a hospital of fifty, with a roll call in it: the ledger says exactly what happened to each screen.

use std::collections::BTreeMap;
use std::time::Duration;

use belfry_core::chat::{
    Answer, Audience, DeviceEntry, Gap, GroupName, Label, LedgerEntry, LedgerView, NoticeChange, NoticeDraft, NoticeId, NoticeState,
    Receipt, Request, Severity, Title,
};
use belfry_core::client::{Command, Proof, Start};
use belfry_core::crypto::{KeyPair, PublicKey};
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, name, password, text};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

const SAFE: u8 = 0;
const NEED_HELP: u8 = 1;

/// Whoever works early has two screens.
const EARLY: usize = 20;
const LATE: usize = 20;
const OFFICE: usize = 9;

fn label(typed: &str) -> Label {
    Label::new(typed).expect("a good label")
}

/// A computer of somebody's: the key that it has on every day, and the program that runs on it, if one does.
struct Screen {
    device: KeyPair,
    program: Option<usize>,
}

struct Hospital {
    world: World,
    admin: usize,
    /// By name and by which of the person's screens.
    screens: BTreeMap<(String, usize), Screen>,
}

fn nurse(shift: &str, number: usize) -> String {
    format!("{shift} {number:02}")
}

impl Hospital {
    fn new() -> Self {
        let mut world = World::new(Weather::office(), 50);
        let admin = world.join("admin", false, Start::Now);
        let mut hospital = Self { world, admin, screens: BTreeMap::new() };
        for (shift, count, screens) in [("early", EARLY, 2), ("late", LATE, 1), ("office", OFFICE, 1)] {
            for who in (0..count).map(|number| nurse(shift, number)) {
                for screen in 0..screens {
                    let device = hospital.world.device();
                    hospital.screens.insert((who.clone(), screen), Screen { device, program: None });
                    hospital.switch_on(&who, screen, screen == 0);
                }
            }
            let members = (0..count).map(|number| name(&nurse(shift, number))).collect();
            hospital.ask(Request::AddToGroup { group: group(shift), members });
        }
        hospital
    }

    fn switch_on(&mut self, who: &str, screen: usize, register: bool) {
        let device = self.screens[&(who.to_owned(), screen)].device.clone();
        let proof = Proof::Password { password: password(who), register, remember: true };
        let program = self.world.join_with(who, device, proof, Start::Now);
        assert!(self.world.run_until(30 * SECOND, |world| world.people[program].caught_up() == 1), "{who}");
        self.screens.get_mut(&(who.to_owned(), screen)).expect("it is known").program = Some(program);
    }

    fn switch_off(&mut self, who: &str, screen: usize) {
        let program = self.program(who, screen);
        self.world.command(program, Command::Close);
        self.world.run_for(SECOND / 2);
        self.screens.get_mut(&(who.to_owned(), screen)).expect("it is known").program = None;
    }

    fn program(&self, who: &str, screen: usize) -> usize {
        self.screens[&(who.to_owned(), screen)].program.expect("it runs")
    }

    fn ask(&mut self, request: Request) -> Answer {
        let ticket = self.world.ticket(self.admin);
        self.world.command(self.admin, Command::Ask { ticket, request });
        let admin = self.admin;
        assert!(self.world.run_until(30 * SECOND, |world| world.people[admin].answer(ticket).is_some()));
        self.world.people[admin].answer(ticket).cloned().expect("it was answered")
    }

    fn report(&mut self, who: &str, screen: usize, notice: NoticeId, receipt: Receipt) {
        let program = self.program(who, screen);
        self.world.command(program, Command::Receipt { notice, receipt });
    }

    /// The notices that a screen was told, by revision and state.
    fn told(&self, who: &str, screen: usize) -> Vec<(u32, NoticeState)> {
        self.world.people[self.program(who, screen)].notices().iter().map(|notice| (notice.revision, notice.state)).collect()
    }

    fn ledger(&mut self, notice: NoticeId) -> BTreeMap<String, LedgerEntry> {
        let Answer::Ledger(page) = self.ask(Request::NoticeStatus { notice, view: LedgerView::default(), after: None }) else {
            panic!("no ledger")
        };
        assert!(!page.people.more);
        page.people.entries.into_iter().map(|entry| (entry.account.as_str().to_owned(), entry)).collect()
    }

    fn key(&self, who: &str, screen: usize) -> PublicKey {
        self.screens[&(who.to_owned(), screen)].device.public()
    }
}

fn group(shift: &str) -> GroupName {
    shift.parse().expect("a good name")
}

/// What is remarkable about one screen, without the times.
#[derive(Debug, PartialEq)]
struct Seen {
    queued: bool,
    reached: bool,
    visible: bool,
    answer: Option<Label>,
    revision: u32,
    gap: &'static str,
}

const fn word(gap: Option<Gap>) -> &'static str {
    match gap {
        None => "answered",
        Some(Gap::NeverConnected) => "never connected",
        Some(Gap::Offline { .. }) => "offline",
        Some(Gap::OnItsWay) => "on its way",
        Some(Gap::Locked { .. }) => "locked",
        Some(Gap::Unanswered) => "unanswered",
        Some(Gap::AnsweredElsewhere) => "answered elsewhere",
        Some(Gap::Over { state: NoticeState::AllClear, offline_since: None }) => "all clear",
        Some(Gap::Over { state: NoticeState::AllClear, offline_since: Some(_) }) => "all clear while offline",
        Some(Gap::Over { .. }) => "over otherwise",
    }
}

fn seen(device: &DeviceEntry) -> Seen {
    Seen {
        queued: device.queued_at.is_some(),
        reached: device.reached_at.is_some(),
        visible: device.visible_at.is_some(),
        answer: device.answered.as_ref().map(|(answer, _)| answer.clone()),
        revision: device.revision,
        gap: word(device.gap),
    }
}

#[test]
fn the_ledger_of_a_roll_call_says_what_happened_to_each_screen() {
    let mut hospital = Hospital::new();
    let early = |number| nurse("early", number);
    // The late shift is at home; one laptop sleeps, and everything of one person is switched off.
    for number in 0..LATE {
        hospital.switch_off(&nurse("late", number), 0);
    }
    let asleep = hospital.program(&early(3), 1);
    hospital.world.suspend(asleep);
    hospital.world.run_for(2 * MINUTE);
    hospital.switch_off(&early(7), 0);
    hospital.switch_off(&early(7), 1);

    let Answer::Preview(preview) = hospital.ask(Request::PreviewNotice { audience: vec![Audience::Group(group("early"))] }) else {
        panic!("no preview")
    };
    assert_eq!((preview.people, preview.online, preview.offline, preview.never), (20, 19, 1, 0));

    let ticket = hospital.world.ticket(hospital.admin);
    let audience = vec![Audience::Group(group("early")), Audience::Account(name(&early(0)))];
    let draft = NoticeDraft {
        title: Some(Title::new("Fire in the east wing").expect("a good title")),
        answers: vec![label("Safe"), label("Need help")],
        expires_after_ms: Some(30 * 60 * 1000),
        ..NoticeDraft::new(Severity::Critical, text("Where are you?"), audience)
    };
    hospital.world.command(hospital.admin, Command::SendNotice { ticket, draft });
    hospital.world.run_for(5 * SECOND);
    let Some(Answer::NoticeSent { notice, progress }) = hospital.world.people[hospital.admin].answer(ticket).cloned() else {
        panic!("it was not sent")
    };
    assert_eq!(progress.audience, EARLY as u64, "one copy for each person");

    // Every desk shows it but a locked one; 00 to 14 answer there, 15 and 16 from their laptops; 17 reads it, 18 does not look.
    for number in (0..EARLY).filter(|&number| number != 7) {
        let who = early(number);
        match number {
            5 => hospital.report(&who, 0, notice, Receipt::Locked),
            18 => {}
            19 => hospital.report(&who, 1, notice, Receipt::Visible),
            _ => hospital.report(&who, 0, notice, Receipt::Visible),
        }
        match number {
            0..=4 | 6..=14 => hospital.report(&who, 0, notice, Receipt::Answered(SAFE)),
            15 | 16 => {
                hospital.report(&who, 1, notice, Receipt::Visible);
                hospital.report(&who, 1, notice, Receipt::Answered(NEED_HELP));
            }
            _ => {}
        }
    }
    hospital.world.run_for(MINUTE);
    let now = hospital.ledger(notice);
    let desk = now[&early(5)].devices.iter().find(|device| device.device == Some(hospital.key(&early(5), 0).into()));
    assert_eq!(desk.map(|desk| word(desk.gap)), Some("locked"), "the laptop beside it is not");
    assert_eq!(word(now[&early(7)].gap), "offline");
    assert_eq!(word(now[&early(17)].gap), "unanswered");

    // Five minutes later the meeting point changes, and the locked screen is unlocked.
    hospital.world.run_for(5 * MINUTE);
    let change = NoticeChange::Update { severity: None, title: None, body: Some(text("Meet at the north gate.")), expires_after_ms: None };
    hospital.ask(Request::ChangeNotice { notice, change });
    hospital.world.run_for(5 * SECOND);
    hospital.report(&early(5), 0, notice, Receipt::Visible);
    hospital.report(&early(5), 0, notice, Receipt::Answered(SAFE));
    hospital.world.run_for(5 * SECOND);
    assert_eq!(hospital.told(&early(17), 0), [(1, NoticeState::Open), (2, NoticeState::Open)]);

    // The shift changes: ten go home, the others come. It is none of the late shift's business.
    for number in 8..18 {
        hospital.switch_off(&early(number), 0);
    }
    for number in 0..LATE {
        hospital.switch_on(&nurse("late", number), 0, false);
    }

    hospital.ask(Request::ChangeNotice { notice, change: NoticeChange::AllClear { body: Some(text("It was a drill.")) } });
    hospital.world.run_for(5 * SECOND);
    assert_eq!(hospital.told(&early(18), 0), [(1, NoticeState::Open), (2, NoticeState::Open), (3, NoticeState::AllClear)]);

    // The laptop wakes, and the computer that was off comes back after the notice would have expired: nothing pops up.
    hospital.world.resume(asleep, false, true);
    hospital.world.run_for(30 * MINUTE);
    hospital.switch_on(&early(7), 0, false);
    hospital.world.run_for(MINUTE);
    assert_eq!(hospital.told(&early(3), 1), []);
    assert_eq!(hospital.told(&early(7), 0), []);
    for number in 0..LATE {
        assert_eq!(hospital.told(&nurse("late", number), 0), []);
    }
    for number in 0..OFFICE {
        assert_eq!(hospital.told(&nurse("office", number), 0), []);
    }

    let ledger = hospital.ledger(notice);
    assert_eq!(ledger.keys().cloned().collect::<Vec<_>>(), (0..EARLY).map(early).collect::<Vec<_>>());
    for number in 0..EARLY {
        let who = early(number);
        let entry = &ledger[&who];
        let screen = |screen: usize| entry.devices.iter().find(|device| device.device == Some(hospital.key(&who, screen).into())).map(seen);
        let shown = |revision, gap| Some(Seen { queued: true, reached: true, visible: true, answer: None, revision, gap });
        let unseen = |revision, gap| Some(Seen { queued: true, reached: true, visible: false, answer: None, revision, gap });
        let never = |gap| Some(Seen { queued: false, reached: false, visible: false, answer: None, revision: 0, gap });
        let answered = |revision, said: &str| {
            Some(Seen { queued: true, reached: true, visible: true, answer: Some(label(said)), revision, gap: "answered" })
        };
        let (desk, laptop) = match number {
            3 => (answered(2, "Safe"), never("answered elsewhere")),
            0..=6 | 8..=14 => (answered(2, "Safe"), unseen(2, "answered elsewhere")),
            7 => (never("all clear while offline"), never("all clear while offline")),
            15 | 16 => (shown(2, "answered elsewhere"), answered(2, "Need help")),
            17 => (shown(2, "all clear"), unseen(2, "all clear")),
            18 => (unseen(2, "all clear"), unseen(2, "all clear")),
            _ => (unseen(2, "all clear"), shown(2, "all clear")),
        };
        assert_eq!((screen(0), screen(1)), (desk, laptop), "{who}: {entry:?}");
        let expected = match number {
            7 => "all clear while offline",
            17..=19 => "all clear",
            _ => "answered",
        };
        assert_eq!(word(entry.gap), expected, "{who}: {entry:?}");
    }
    let answers =
        |said: &str| ledger.values().filter(|entry| entry.answered.as_ref().is_some_and(|(answer, _)| answer.as_str() == said)).count();
    assert_eq!((answers("Safe"), answers("Need help")), (14, 2));
}
