//! What becomes of a notice after it was sent, and of one that is sent later; and that nobody forges one.

use std::time::Duration;

use belfry_core::chat::{
    Answer, Audience, DeviceId, Event, Every, FromClient, FromServer, Gap, LedgerEntry, LedgerView, NoticeChange, NoticeDraft, NoticeId,
    NoticeState, Page, PostId, Receipt, Refusal, Reminding, Request, ScheduleId, Severity, Template, Text, encode,
};
use belfry_core::endpoint::PeerId;
use belfry_core::time::UnixMillis;
use belfry_core::wire::{Channel, CloseCode};

use super::notices::{draft, notices, send};
use super::rooms;
use super::schedules::planned;
use super::world::{World, name, password};
use crate::limits::{CRITICAL_NOTICES_PER_AUTHOR_MAX, NOTICES_PER_AUTHOR_MAX, REPORTS_WITHIN};

const MINUTE: Duration = Duration::from_secs(60);

fn everyone() -> NoticeDraft {
    draft(vec![Audience::Everyone])
}

fn change(world: &mut World, author: PeerId, notice: NoticeId, change: NoticeChange) -> Result<Answer, Refusal> {
    world.ask(author, Request::ChangeNotice { notice, change })
}

fn words(body: &str) -> NoticeChange {
    NoticeChange::Update { severity: None, title: None, body: Some(Text::new(body).unwrap()), expires_after_ms: None }
}

fn answer(world: &mut World, peer: PeerId, notice: NoticeId) {
    world.ask(peer, Request::Receipt { notice, revision: 1, receipt: Receipt::Answered(0) }).unwrap();
}

/// Somebody's screen is locked, and that is in the ledger.
fn locked(world: &mut World, peer: PeerId, notice: NoticeId) {
    let request = world.send(peer, Request::Receipt { notice, revision: 1, receipt: Receipt::Locked });
    world.pass(REPORTS_WITHIN);
    assert_eq!(world.answer(peer, request), Some(Ok(Answer::Done)));
}

fn ledger(world: &mut World, admin: PeerId, notice: NoticeId) -> Vec<LedgerEntry> {
    match world.ask(admin, Request::NoticeStatus { notice, view: LedgerView::default(), after: None }) {
        Ok(Answer::Ledger(page)) => page.people.entries,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_screen_follows_an_update_and_whoever_comes_late_sees_only_the_newest() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    world.gone(bob);
    let notice = send(&mut world, admin, everyone());
    change(&mut world, admin, notice, words("North exit.")).unwrap();
    let told = notices(&mut world, alice);
    assert_eq!(told.iter().map(|notice| notice.revision).collect::<Vec<_>>(), [1, 2]);
    let bob = world.sign_in("bob");
    let late = notices(&mut world, bob);
    assert_eq!(late.iter().map(|notice| (notice.body.as_str(), notice.revision)).collect::<Vec<_>>(), [("North exit.", 2)]);
}

#[test]
fn whoever_has_answered_hears_of_an_update_with_their_answer() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    let notice = send(&mut world, admin, everyone());
    answer(&mut world, alice, notice);
    notices(&mut world, alice);
    change(&mut world, admin, notice, words("North exit.")).unwrap();
    assert_eq!(notices(&mut world, alice)[0].answered.map(|given| given.answer), Some(0));
}

#[test]
fn what_is_withdrawn_or_all_clear_is_told_to_screens_and_to_nobody_else() {
    for (end, state) in [(NoticeChange::Withdraw, NoticeState::Withdrawn), (NoticeChange::AllClear { body: None }, NoticeState::AllClear)] {
        let (mut world, admin) = World::with_admin();
        let (alice, bob) = (world.register("alice"), world.register("bob"));
        world.gone(bob);
        let notice = send(&mut world, admin, everyone());
        assert!(matches!(change(&mut world, admin, notice, end.clone()), Ok(Answer::NoticeChanged(_))));
        assert_eq!(notices(&mut world, alice).last().unwrap().state, state);
        let bob = world.sign_in("bob");
        assert_eq!(notices(&mut world, bob), []);
        assert_eq!(change(&mut world, admin, notice, end), Err(Refusal::NoticeClosed));
    }
}

#[test]
fn an_extended_notice_expires_at_its_new_end() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    let notice = send(&mut world, admin, NoticeDraft { expires_after_ms: Some(60_000), ..everyone() });
    let later = NoticeChange::Update { severity: None, title: None, body: None, expires_after_ms: Some(Some(120_000)) };
    change(&mut world, admin, notice, later).unwrap();
    world.pass(Duration::from_secs(61));
    assert!(notices(&mut world, alice).iter().all(|notice| notice.state == NoticeState::Open));
    world.pass(MINUTE);
    assert_eq!(notices(&mut world, alice).last().unwrap().state, NoticeState::Expired);
    let past = NoticeChange::Update { severity: None, title: None, body: None, expires_after_ms: Some(Some(0)) };
    assert_eq!(change(&mut world, admin, notice, past), Err(Refusal::ExpiryOutOfBounds));
}

#[test]
fn only_administrators_change_remind_and_plan_notices() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    let notice = send(&mut world, admin, everyone());
    for request in [
        Request::ChangeNotice { notice, change: NoticeChange::Withdraw },
        Request::PreviewNotice { audience: vec![Audience::Everyone] },
        Request::ListSchedules { after: None },
        Request::Unschedule { schedule: ScheduleId(1) },
        Request::ListTemplates { after: None },
        Request::ListGroups { after: None },
    ] {
        assert_eq!(world.ask(alice, request), Err(Refusal::AdminOnly));
    }
}

#[test]
fn an_answer_on_one_device_is_told_to_the_others_of_that_person() {
    let (mut world, admin) = World::with_admin();
    let (desk, bob) = (world.register("alice"), world.register("bob"));
    let laptop = world.sign_in("alice");
    let notice = send(&mut world, admin, everyone());
    for peer in [desk, laptop, bob] {
        notices(&mut world, peer);
    }
    answer(&mut world, laptop, notice);
    assert_eq!(notices(&mut world, desk)[0].answered.map(|given| given.answer), Some(0));
    assert_eq!((notices(&mut world, laptop), notices(&mut world, bob)), (vec![], vec![]));
}

#[test]
fn the_ledger_has_a_reason_for_each_gap() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob, carol) = (world.register("alice"), world.register("bob"), world.register("carol"));
    let gone_at = world.now.wall;
    world.gone(bob);
    world.pass(MINUTE);
    let notice = send(&mut world, admin, everyone());
    locked(&mut world, carol, notice);
    let locked_at = world.now.wall;
    answer(&mut world, alice, notice);
    let gaps: Vec<_> = ledger(&mut world, admin, notice).iter().map(|entry| entry.gap).collect();
    assert_eq!(gaps, [None, Some(Gap::Offline { since: gone_at }), Some(Gap::Locked { since: locked_at })]);
    change(&mut world, admin, notice, NoticeChange::Withdraw).unwrap();
    let entries = ledger(&mut world, admin, notice);
    let over = |offline_since| Some(Gap::Over { state: NoticeState::Withdrawn, offline_since });
    assert_eq!(entries.iter().map(|entry| entry.gap).collect::<Vec<_>>(), [None, over(Some(gone_at)), over(None)]);
}

#[test]
fn reminders_go_to_those_who_have_not_answered_until_the_limit() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    let remind = Some(Reminding { every_ms: 60_000, limit: 2 });
    let notice = send(&mut world, admin, NoticeDraft { remind, ..everyone() });
    answer(&mut world, alice, notice);
    for peer in [alice, bob] {
        notices(&mut world, peer);
    }
    world.pass(10 * MINUTE);
    assert_eq!(notices(&mut world, bob).iter().map(|notice| notice.reminder).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(notices(&mut world, alice), []);
    change(&mut world, admin, notice, NoticeChange::Remind).unwrap();
    assert_eq!(notices(&mut world, bob)[0].reminder, 3);
    let wild = NoticeDraft { remind: Some(Reminding { every_ms: 1, limit: 2 }), ..everyone() };
    assert_eq!(world.ask(admin, Request::SendNotice(wild)), Err(Refusal::RemindersOutOfBounds));
}

#[test]
fn reminders_go_on_after_a_restart() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    send(&mut world, admin, NoticeDraft { remind: Some(Reminding { every_ms: 60_000, limit: 2 }), ..everyone() });
    world.restart();
    let alice = world.sign_in("alice");
    notices(&mut world, alice);
    world.pass(MINUTE);
    assert_eq!(notices(&mut world, alice)[0].reminder, 1);
}

#[test]
fn a_critical_notice_to_everyone_must_be_confirmed() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let critical = NoticeDraft { severity: Severity::Critical, ..everyone() };
    assert_eq!(world.ask(admin, Request::SendNotice(critical.clone())), Err(Refusal::ConfirmationNeeded));
    let lobby = NoticeDraft { audience: vec![Audience::Room("lobby".parse().unwrap())], ..critical.clone() };
    assert_eq!(world.ask(admin, Request::SendNotice(lobby)), Err(Refusal::ConfirmationNeeded));
    let to_one = NoticeDraft { audience: vec![Audience::Account(name("alice"))], ..critical.clone() };
    assert!(world.ask(admin, Request::SendNotice(to_one)).is_ok());
    let confirmed = NoticeDraft { confirmed: true, post: PostId { outbox: 5, counter: 2 }, ..critical };
    assert!(world.ask(admin, Request::SendNotice(confirmed)).is_ok());
}

#[test]
fn an_author_who_sends_too_many_notices_is_refused_for_a_while() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let nth = |counter, severity| {
        Request::SendNotice(NoticeDraft { post: PostId { outbox: 5, counter }, severity, confirmed: true, ..everyone() })
    };
    for n in 0..CRITICAL_NOTICES_PER_AUTHOR_MAX as u64 {
        world.ask(admin, nth(n, Severity::Critical)).unwrap();
    }
    assert_eq!(world.ask(admin, nth(900, Severity::Critical)), Err(Refusal::TooManyNotices));
    for n in CRITICAL_NOTICES_PER_AUTHOR_MAX as u64..NOTICES_PER_AUTHOR_MAX as u64 {
        world.ask(admin, nth(n, Severity::Info)).unwrap();
    }
    assert_eq!(world.ask(admin, nth(901, Severity::Info)), Err(Refusal::TooManyNotices));
    world.pass(MINUTE);
    assert!(world.ask(admin, nth(902, Severity::Info)).is_ok());
}

#[test]
fn templates_are_kept_and_checked() {
    let (mut world, admin) = World::with_admin();
    let template = Template {
        name: "fire".parse().unwrap(),
        severity: Severity::Critical,
        title: None,
        body: Text::new("Leave now.").unwrap(),
        audience: vec![Audience::Everyone],
        answers: Vec::new(),
        expires_after_ms: Some(1000),
        remind: None,
    };
    assert_eq!(world.ask(admin, Request::SaveTemplate(template.clone())), Ok(Answer::Done));
    let wild = Template { remind: Some(Reminding { every_ms: 1, limit: 1 }), ..template.clone() };
    assert_eq!(world.ask(admin, Request::SaveTemplate(wild)), Err(Refusal::RemindersOutOfBounds));
    world.restart();
    let admin = world.sign_in("admin");
    let listed = world.ask(admin, Request::ListTemplates { after: None });
    assert_eq!(listed, Ok(Answer::Templates(Page { entries: vec![template], more: false })));
    let remove = || Request::RemoveTemplate { name: "FIRE".parse().unwrap() };
    assert_eq!(world.ask(admin, remove()), Ok(Answer::Done));
    assert_eq!(world.ask(admin, Request::ListTemplates { after: None }), Ok(Answer::Templates(Page::EMPTY)));
    assert_eq!(world.ask(admin, remove()), Err(Refusal::UnknownTemplate));
}

#[test]
fn what_waits_for_a_room_means_it_under_its_new_name_too() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    rooms::create(&mut world, alice, "attic", false);
    let to = |typed| vec![Audience::Account(name("admin")), Audience::Room(rooms::room(typed))];
    let template = |audience| Template {
        name: "fire".parse().unwrap(),
        severity: Severity::Info,
        title: None,
        body: Text::new("Leave now.").unwrap(),
        audience,
        answers: Vec::new(),
        expires_after_ms: None,
        remind: None,
    };
    world.ask(admin, Request::SaveTemplate(template(to("attic")))).unwrap();
    let every = Some(Every::Millis(3_600_000));
    let schedule = Some(planned(UnixMillis(world.now.wall.0 + 60_000), every));
    world.ask(admin, Request::SendNotice(NoticeDraft { schedule, ..draft(vec![Audience::Room(rooms::room("attic"))]) })).unwrap();
    world.ask(alice, Request::RenameRoom { room: rooms::room("attic"), name: rooms::room("loft") }).unwrap();
    let listed = |world: &mut World, admin| world.ask(admin, Request::ListTemplates { after: None });
    let renamed = || Ok(Answer::Templates(Page { entries: vec![template(to("loft"))], more: false }));
    assert_eq!(listed(&mut world, admin), renamed());
    world.pass(2 * MINUTE);
    assert_eq!(notices(&mut world, alice).len(), 1);
    world.restart();
    let (admin, alice) = (world.sign_in("admin"), world.sign_in("alice"));
    assert_eq!(listed(&mut world, admin), renamed());
    world.events(alice);
    world.pass(60 * MINUTE);
    assert_eq!(notices(&mut world, alice).len(), 1);
}

#[test]
fn somebody_who_comes_back_hears_which_notices_still_wait_and_may_look_at_the_others() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    let first = send(&mut world, admin, everyone());
    let second =
        send(&mut world, admin, NoticeDraft { post: PostId { outbox: 5, counter: 2 }, ..draft(vec![Audience::Account(name("alice"))]) });
    world.gone(alice);
    change(&mut world, admin, first, NoticeChange::Withdraw).unwrap();
    let alice = world.sign_in("alice");
    let open: Vec<_> = world.events(alice).into_iter().filter(|event| matches!(event, Event::OpenNotices(_))).collect();
    assert_eq!(open, [Event::OpenNotices(vec![second])]);
    match world.ask(alice, Request::FetchNotice { notice: first }) {
        Ok(Answer::Notice(notice)) => assert_eq!(notice.state, NoticeState::Withdrawn),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.ask(bob, Request::FetchNotice { notice: second }), Err(Refusal::UnknownNotice));
}

#[test]
fn a_member_cannot_forge_a_notice_over_any_channel() {
    let (mut world, _admin) = World::with_admin();
    let bob = world.register("bob");
    let lure = Text::new("Send me your password.").unwrap();
    let forged = belfry_core::chat::Notice::new(NoticeId(1), name("admin"), world.now.wall, Severity::Critical, lure);
    let event = encode(&FromServer::Event(Event::Notice(forged))).unwrap();
    let draft = FromClient { id: 9, request: Request::SendNotice(NoticeDraft { confirmed: true, ..everyone() }) };
    for channel in Channel::ALL {
        let mallory = world.register(&format!("mallory {}", channel.number()));
        // Asking for it, in the right words …
        world.sessions.handle_message(world.now, mallory, channel, &encode(&draft).unwrap(), 0);
        world.settle();
        assert_eq!(world.answer(mallory, 9), Some(Err(Refusal::AdminOnly)));
        // … and in the server's own.
        world.sessions.handle_message(world.now, mallory, channel, &event, 0);
        world.settle();
        let told = world.closed.get(&mallory);
        assert!(told.is_none() || told == Some(&CloseCode::PROTOCOL_VIOLATION));
    }
    assert_eq!(notices(&mut world, bob), []);
}

#[test]
fn a_ledger_is_read_however_often_somebodys_scripts_have_signed_in() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    let notice = send(&mut world, admin, draft(vec![Audience::Account(name("alice"))]));
    world.gone(alice);
    for _ in 0..300 {
        let script = world.sign_in("alice");
        world.ask(script, Request::Receipt { notice, revision: 1, receipt: Receipt::Reached }).unwrap();
        world.gone(script);
        world.pass(MINUTE);
    }
    let entries = ledger(&mut world, admin, notice);
    assert_eq!(entries.len(), 1);
    let devices = &entries[0].devices;
    assert_eq!((devices.len(), devices[0].device, devices[0].online), (1, None, false));
    assert!(matches!(devices[0].gap, Some(Gap::Offline { .. })), "{:?}: it has been here", devices[0].gap);
    let script = world.sign_in("alice");
    assert_eq!(ledger(&mut world, admin, notice)[0].devices[0].gap, Some(Gap::Unanswered));
    locked(&mut world, script, notice);
    assert!(matches!(ledger(&mut world, admin, notice)[0].gap, Some(Gap::Locked { .. })));
}

#[test]
fn the_ledger_says_of_a_device_since_when_a_notice_is_on_its_way_to_it_and_when_it_was_last_here() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let bob = world.register("bob");
    world.pass(MINUTE);
    let (notice, sent_at) = (send(&mut world, admin, everyone()), world.now.wall);
    world.pass(MINUTE);
    let left_at = world.now.wall;
    world.gone(bob);
    world.pass(MINUTE);
    let devices = |entry: &LedgerEntry| {
        entry.devices.iter().map(|device| (device.queued_at, device.reached_at, device.offline_since)).collect::<Vec<_>>()
    };
    let entries = ledger(&mut world, admin, notice);
    assert_eq!(devices(&entries[0]), [(Some(sent_at), None, None)]);
    assert_eq!(devices(&entries[1]), [(Some(sent_at), None, Some(left_at))]);
}

#[test]
fn a_screen_that_is_locked_counts_whatever_one_that_has_gone_has_shown() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let [desk, laptop] = [1, 2].map(|device| {
        let peer = world.connect_with(DeviceId([device; 32]), std::net::Ipv4Addr::LOCALHOST.into());
        world.ask(peer, Request::SignIn { account: name("alice"), password: password("alice"), remember: true }).unwrap();
        peer
    });
    let notice = send(&mut world, admin, draft(vec![Audience::Account(name("alice"))]));
    world.ask(desk, Request::Receipt { notice, revision: 1, receipt: Receipt::Reached }).unwrap();
    locked(&mut world, laptop, notice);
    assert_eq!(ledger(&mut world, admin, notice)[0].gap, Some(Gap::Unanswered));
    world.gone(desk);
    assert_eq!(ledger(&mut world, admin, notice)[0].gap, Some(Gap::Locked { since: world.now.wall }));
}
