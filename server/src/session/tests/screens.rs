//! What people's screens report of notices: noted together, answered once it is, and lost by nobody.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use belfry_core::chat::{
    Answer, Audience, DeviceId, Event, LedgerEntry, LedgerView, NoticeChange, NoticeDraft, NoticeId, NoticeState, PostId, Receipt, Refusal,
    Request,
};
use belfry_core::endpoint::PeerId;

use super::notices::{draft, send};
use super::world::{World, name, password};
use crate::limits::{ARRIVALS_MAX, ARRIVALS_PER_JOB, REPORTS_WITHIN, STORE_RETRY};
use crate::store::{Done, Job, Work};

const VISIBLE: Receipt = Receipt::Visible;
const LOCKED: Receipt = Receipt::Locked;

/// Four people, one of whom has sent the three others a notice, in a house whose store answers one job at a time.
fn house() -> (World, PeerId, [PeerId; 3], NoticeId) {
    let (mut world, admin) = World::with_admin();
    let people = ["alice", "bob", "carol"].map(|name| world.register(name));
    let notice = send(&mut world, admin, draft(vec![Audience::Everyone]));
    world.pass(STORE_RETRY);
    world.hear_all();
    world.slow_store = Some(VecDeque::new());
    (world, admin, people, notice)
}

fn reports(world: &mut World, peer: PeerId, notice: NoticeId, receipt: Receipt) -> u32 {
    world.send(peer, Request::Receipt { notice, revision: 1, receipt })
}

/// The store does everything that waits for it.
fn store_all(world: &mut World) {
    while world.store_one() {}
}

/// How many have seen it, each time that its author is told.
fn told(world: &mut World, admin: PeerId) -> Vec<u64> {
    let visible = |event| if let Event::Progress { progress, .. } = event { Some(progress.visible) } else { None };
    world.events(admin).into_iter().filter_map(visible).collect()
}

/// How many reports are in the job that is the store's next.
fn of_one_job(world: &World) -> usize {
    world.waiting_work().map_or(0, |work| work.matches("ScreenReport {").count())
}

fn ledger(world: &mut World, admin: PeerId, notice: NoticeId) -> Vec<LedgerEntry> {
    let request = world.send(admin, Request::NoticeStatus { notice, view: LedgerView::default(), after: None });
    store_all(world);
    match world.answer(admin, request) {
        Some(Ok(Answer::Ledger(page))) => page.people.entries,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reports_that_come_within_a_moment_or_while_some_are_noted_are_noted_together_and_answered_then() {
    let (mut world, admin, [alice, bob, carol], notice) = house();
    let first = reports(&mut world, alice, notice, VISIBLE);
    world.pass(REPORTS_WITHIN / 2);
    let second = reports(&mut world, bob, notice, LOCKED);
    assert_eq!(of_one_job(&world), 0, "others may come");
    world.pass(REPORTS_WITHIN / 2);
    assert_eq!(of_one_job(&world), 2);
    let third = reports(&mut world, carol, notice, VISIBLE);
    world.pass(STORE_RETRY);
    assert_eq!((world.answer(alice, first), told(&mut world, admin)), (None, vec![]), "nobody hears of what is not committed");
    assert!(world.store_one());
    assert_eq!((of_one_job(&world), told(&mut world, admin)), (1, vec![1]));
    assert_eq!([world.answer(alice, first), world.answer(bob, second)], [const { Some(Ok(Answer::Done)) }; 2]);
    assert_eq!(world.answer(carol, third), None);
    assert!(world.store_one() && !world.store_one());
    world.pass(STORE_RETRY);
    assert_eq!((world.answer(carol, third), told(&mut world, admin)), (Some(Ok(Answer::Done)), vec![2]));
}

#[test]
fn as_many_reports_as_one_job_notes_wait_for_no_others_and_beyond_a_bound_they_are_to_be_said_again() {
    let (mut world, admin, _, notice) = house();
    let people: Vec<_> = (0..64).map(|_| world.connect()).collect();
    world.slow_store = None;
    for &peer in &people {
        world.ask(peer, Request::SignIn { account: name("alice"), password: password("alice"), remember: false }).unwrap();
    }
    world.slow_store = Some(VecDeque::new());
    for (sent, &peer) in people.iter().cycle().take(ARRIVALS_PER_JOB).enumerate() {
        assert_eq!(of_one_job(&world), 0, "{sent}");
        reports(&mut world, peer, notice, VISIBLE);
    }
    assert_eq!(of_one_job(&world), ARRIVALS_PER_JOB);
    for &peer in people.iter().cycle().take(ARRIVALS_MAX) {
        reports(&mut world, peer, notice, VISIBLE);
    }
    world.hear_all();
    let one_more = reports(&mut world, people[0], notice, VISIBLE);
    assert_eq!(world.answer(people[0], one_more), Some(Err(Refusal::Busy)));
    store_all(&mut world);
    assert_eq!(told(&mut world, admin), [1]);
}

#[test]
fn what_the_store_could_not_note_is_noted_later_and_answered_then() {
    let (mut world, admin, [alice, bob, _], notice) = house();
    let first = reports(&mut world, alice, notice, VISIBLE);
    world.pass(REPORTS_WITHIN);
    let Some(Job { ticket, .. }) = world.slow_store.as_mut().and_then(VecDeque::pop_front) else { panic!() };
    world.sessions.handle_done(world.now, Done { ticket, result: Err(Refusal::DiskFull) });
    let second = reports(&mut world, bob, notice, VISIBLE);
    world.pass(REPORTS_WITHIN);
    assert!(!world.store_one(), "it is given time");
    assert_eq!(world.answer(alice, first), None, "it need not be said again");
    world.pass(STORE_RETRY);
    store_all(&mut world);
    assert_eq!([world.answer(alice, first), world.answer(bob, second)], [const { Some(Ok(Answer::Done)) }; 2]);
    assert_eq!(told(&mut world, admin), [2]);
}

#[test]
fn whoever_reads_the_ledger_finds_what_was_reported_a_moment_ago_behind_what_was_acknowledged() {
    let (mut world, admin, [alice, ..], notice) = house();
    reports(&mut world, alice, notice, VISIBLE);
    let entry = &ledger(&mut world, admin, notice)[0];
    assert_eq!((entry.account.as_str(), entry.visible_at), ("alice", Some(world.now.wall)));
}

#[test]
fn a_server_that_stops_and_a_client_that_leaves_have_their_reports_noted() {
    let (mut world, admin, [alice, bob, _], notice) = house();
    reports(&mut world, alice, notice, VISIBLE);
    world.gone(alice);
    reports(&mut world, bob, notice, VISIBLE);
    world.sessions.stop(world.now);
    world.settle();
    store_all(&mut world);
    let seen: Vec<_> = ledger(&mut world, admin, notice).iter().map(|entry| entry.visible_at.is_some()).collect();
    assert_eq!(seen, [true, true, false]);
}

#[test]
fn whoever_comes_back_has_not_missed_what_they_have_just_seen() {
    let (mut world, _, [alice, ..], notice) = house();
    reports(&mut world, alice, notice, VISIBLE);
    let mut jobs = Vec::new();
    for who in ["bob", "alice"] {
        let peer = world.connect();
        world.send(peer, Request::SignIn { account: name(who), password: password(who), remember: false });
        while let Some(work) = world.waiting_work() {
            jobs.extend(work.split_whitespace().next().map(str::to_owned));
            world.store_one();
        }
    }
    assert_eq!(jobs, ["LookUp", "SignIn", "LookUp", "Screens", "SignIn"]);
}

#[test]
fn a_screen_that_was_locked_a_moment_before_its_person_answered_is_not_locked() {
    let (mut world, admin, [alice, bob, _], notice) = house();
    reports(&mut world, alice, notice, LOCKED);
    reports(&mut world, bob, notice, VISIBLE);
    let answered = reports(&mut world, bob, notice, Receipt::Answered(0));
    let jobs = |world: &World| world.slow_store.as_ref().map_or(0, VecDeque::len);
    assert_eq!(jobs(&world), 1, "what was seen need not be noted before it is answered");
    let locked = reports(&mut world, alice, notice, Receipt::Answered(0));
    assert_eq!(jobs(&world), 3, "first that it was locked");
    store_all(&mut world);
    assert_eq!([world.answer(bob, answered), world.answer(alice, locked)], [const { Some(Ok(Answer::Done)) }; 2]);
    world.pass(REPORTS_WITHIN);
    let gaps: Vec<_> = ledger(&mut world, admin, notice).iter().map(|entry| (entry.visible_at.is_some(), entry.gap)).collect();
    assert_eq!(gaps[..2], [(true, None), (true, None)]);
}

#[test]
fn somebody_sees_on_one_device_what_waits_behind_the_lock_of_another() {
    let (mut world, admin, _, notice) = house();
    world.slow_store = None;
    let [desk, laptop] = [1, 2].map(|device| {
        let peer = world.connect_with(DeviceId([device; 32]), Ipv4Addr::LOCALHOST.into());
        world.ask(peer, Request::SignIn { account: name("alice"), password: password("alice"), remember: true }).unwrap();
        peer
    });
    reports(&mut world, desk, notice, LOCKED);
    reports(&mut world, laptop, notice, LOCKED);
    reports(&mut world, laptop, notice, VISIBLE);
    let entries = ledger(&mut world, admin, notice);
    let devices: Vec<_> = entries[0].devices.iter().map(|device| (device.device, device.visible_at.is_some())).collect();
    assert!(devices.starts_with(&[(Some(DeviceId([1; 32])), false), (Some(DeviceId([2; 32])), true)]), "{devices:?}");
    assert_eq!(told(&mut world, admin), [1], "one person, however many devices");
}

#[test]
fn a_notice_that_ends_meanwhile_was_seen_all_the_same() {
    let (mut world, admin, [alice, ..], notice) = house();
    reports(&mut world, alice, notice, VISIBLE);
    world.send(admin, Request::ChangeNotice { notice, change: NoticeChange::Withdraw });
    store_all(&mut world);
    world.pass(REPORTS_WITHIN);
    store_all(&mut world);
    let request = world.send(admin, Request::ListNotices { before: None, text: None });
    store_all(&mut world);
    let Some(Ok(Answer::Notices(page))) = world.answer(admin, request) else { panic!() };
    assert_eq!((page.entries[0].notice.state, page.entries[0].progress.visible), (NoticeState::Withdrawn, 1));
}

#[test]
fn what_is_reported_of_somebody_elses_notice_or_of_none_is_answered_and_noted_nowhere() {
    let (mut world, admin, [alice, ..], _) = house();
    world.slow_store = None;
    let post = PostId { outbox: 9, counter: 9 };
    let private = send(&mut world, admin, NoticeDraft { post, ..draft(vec![Audience::Account(name("bob"))]) });
    world.slow_store = Some(VecDeque::new());
    let requests = [private, NoticeId(99)].map(|notice| reports(&mut world, alice, notice, VISIBLE));
    world.pass(REPORTS_WITHIN);
    assert!(matches!(world.slow_store.as_ref().and_then(VecDeque::back), Some(Job { work: Work::Screens { .. }, .. })));
    store_all(&mut world);
    assert_eq!(requests.map(|request| world.answer(alice, request)), [const { Some(Ok(Answer::Done)) }; 2]);
    let seen: Vec<_> = ledger(&mut world, admin, private).iter().map(|entry| (entry.account.to_string(), entry.visible_at)).collect();
    assert_eq!(seen, [("bob".to_owned(), None)]);
}
