//! What an acknowledgement of a notice means, and how many are noted together.

use std::collections::VecDeque;

use belfry_core::chat::{Answer, Audience, Event, LedgerView, NoticeId, Refusal, Request};
use belfry_core::connection::DeliveryTag;
use belfry_core::endpoint::PeerId;

use super::notices::{draft, send};
use super::world::{World, name, password};
use crate::limits::{ARRIVALS_PER_JOB, ARRIVALS_WITHIN, QUEUED_AFTER, STORE_RETRY};
use crate::store::{Done, Job, Work};

/// A transport's word that a client has got the notice.
fn acknowledges(world: &mut World, peer: PeerId, notice: NoticeId) {
    world.sessions.handle_delivered(world.now, peer, DeliveryTag { id: notice.0, version: 1 });
    world.settle();
}

fn shows_notices(world: &mut World, peer: PeerId, notices: Vec<(NoticeId, u32)>) {
    assert_eq!(world.ask(peer, Request::Reached { notices }), Ok(Answer::Done));
}

/// How many it has reached, each time that its author is told.
fn told(world: &mut World, admin: PeerId) -> Vec<u64> {
    let reached = |event| if let Event::Progress { progress, .. } = event { Some(progress.reached) } else { None };
    world.events(admin).into_iter().filter_map(reached).collect()
}

fn residents() -> (World, PeerId, [PeerId; 3]) {
    let (mut world, admin) = World::with_admin();
    let people = ["alice", "bob", "carol"].map(|name| world.register(name));
    (world, admin, people)
}

fn house() -> (World, PeerId, [PeerId; 3], NoticeId) {
    let (mut world, admin, people) = residents();
    let notice = send(&mut world, admin, draft(vec![Audience::Everyone]));
    world.events(admin);
    (world, admin, people, notice)
}

#[test]
fn an_acknowledgement_counts_once_its_program_has_said_that_it_shows_notices() {
    let (mut world, admin, [alice, bob, _], notice) = house();
    acknowledges(&mut world, alice, notice);
    assert_eq!(told(&mut world, admin), [0; 0]);
    shows_notices(&mut world, alice, vec![(notice, 1), (NoticeId(99), 1)]);
    assert_eq!(told(&mut world, admin), [1], "what it says of itself counts, and what there is none of is left out");
    shows_notices(&mut world, bob, Vec::new());
    world.pass(STORE_RETRY);
    assert_eq!(told(&mut world, admin), [0; 0]);
    acknowledges(&mut world, bob, notice);
    acknowledges(&mut world, bob, notice);
    world.pass(ARRIVALS_WITHIN);
    assert_eq!(told(&mut world, admin), [2]);
    world.pass(STORE_RETRY);
    world.gone(bob);
    acknowledges(&mut world, bob, notice);
    world.pass(ARRIVALS_WITHIN);
    assert_eq!(told(&mut world, admin), [0; 0]);
}

/// Everybody's program shows notices, and the store answers one job at a time.
fn slow_house() -> (World, PeerId, [PeerId; 3], NoticeId) {
    let (mut world, admin, people, notice) = house();
    for peer in people {
        shows_notices(&mut world, peer, Vec::new());
    }
    world.pass(2 * QUEUED_AFTER);
    world.slow_store = Some(VecDeque::new());
    (world, admin, people, notice)
}

/// How many acknowledgements are in the job that is the store's next.
fn of_one_job(world: &World) -> usize {
    world.waiting_work().map_or(0, |work| work.matches("NoticeDelivery {").count())
}

#[test]
fn acknowledgements_that_come_within_a_moment_or_while_some_are_noted_are_noted_together() {
    let (mut world, admin, [alice, bob, carol], notice) = slow_house();
    acknowledges(&mut world, alice, notice);
    world.pass(ARRIVALS_WITHIN / 2);
    acknowledges(&mut world, bob, notice);
    assert_eq!(of_one_job(&world), 0, "others may come");
    world.pass(ARRIVALS_WITHIN / 2);
    assert_eq!(of_one_job(&world), 2);
    acknowledges(&mut world, carol, notice);
    world.pass(ARRIVALS_WITHIN);
    assert_eq!(told(&mut world, admin), [0; 0], "nobody hears of what is not committed");
    assert!(world.store_one());
    assert_eq!((of_one_job(&world), told(&mut world, admin)), (1, vec![2]));
    assert!(world.store_one() && !world.store_one());
    world.pass(STORE_RETRY);
    assert_eq!(told(&mut world, admin), [3]);
}

#[test]
fn as_many_acknowledgements_as_one_job_notes_wait_for_no_others() {
    let (mut world, _, [alice, ..], notice) = slow_house();
    for _ in 1..ARRIVALS_PER_JOB {
        acknowledges(&mut world, alice, notice);
    }
    assert_eq!(of_one_job(&world), 0);
    acknowledges(&mut world, alice, notice);
    assert_eq!(of_one_job(&world), ARRIVALS_PER_JOB);
}

/// When it was noted that the notice was sent to somebody and has reached them, in each of their programs' lines.
fn lines(world: &mut World, admin: PeerId, notice: NoticeId) -> Vec<(Option<u64>, Option<u64>)> {
    let Ok(Answer::Ledger(page)) = world.ask(admin, Request::NoticeStatus { notice, view: LedgerView::default(), after: None }) else {
        panic!()
    };
    let devices = page.people.entries.iter().flat_map(|entry| &entry.devices);
    devices.map(|device| (device.queued_at.map(|at| at.0), device.reached_at.map(|at| at.0))).collect()
}

#[test]
fn whoever_reads_the_ledger_finds_what_is_on_its_way_and_what_was_acknowledged_a_moment_ago() {
    let (mut world, admin, [alice, bob, _]) = residents();
    for peer in [alice, bob] {
        shows_notices(&mut world, peer, Vec::new());
    }
    let notice = send(&mut world, admin, draft(vec![Audience::Everyone]));
    let sent = world.now.wall.0;
    world.pass(ARRIVALS_WITHIN / 5);
    acknowledges(&mut world, alice, notice);
    let reached = world.now.wall.0;
    assert!(reached > sent);
    let on_its_way = (Some(sent), None);
    assert_eq!(lines(&mut world, admin, notice), [(Some(sent), Some(reached)), on_its_way, on_its_way]);
    acknowledges(&mut world, bob, notice);
    let later = world.now.wall.0;
    assert_eq!(lines(&mut world, admin, notice), [(Some(sent), Some(reached)), (Some(sent), Some(later)), on_its_way]);
}

#[test]
fn that_a_notice_is_on_its_way_is_written_where_it_is_not_acknowledged_soon_and_nowhere_else() {
    let (mut world, admin, [alice, bob, _]) = residents();
    shows_notices(&mut world, alice, Vec::new());
    world.pass(STORE_RETRY);
    let notice = send(&mut world, admin, draft(vec![Audience::Everyone]));
    world.slow_store = Some(VecDeque::new());
    acknowledges(&mut world, alice, notice);
    world.pass(QUEUED_AFTER / 2);
    let work = world.waiting_work().unwrap();
    assert!(work.starts_with("Reached") && world.store_one() && !world.store_one(), "{work}");
    shows_notices_later(&mut world, bob, notice);
    world.pass(QUEUED_AFTER / 2);
    let Some(Job { work: Work::Queued { deliveries }, .. }) = world.slow_store.as_mut().and_then(VecDeque::pop_front) else { panic!() };
    assert_eq!(deliveries.len(), 1, "carol's");
    world.pass(QUEUED_AFTER * 2);
    assert!(!world.store_one());
}

/// A program says in a request of its own what has reached it.
fn shows_notices_later(world: &mut World, peer: PeerId, notice: NoticeId) {
    world.send(peer, Request::Reached { notices: vec![(notice, 1)] });
    assert!(world.store_one());
}

#[test]
fn a_server_that_stops_notes_what_it_knows_of() {
    let (mut world, admin, [alice, ..]) = residents();
    shows_notices(&mut world, alice, Vec::new());
    let notice = send(&mut world, admin, draft(vec![Audience::Everyone]));
    world.slow_store = Some(VecDeque::new());
    acknowledges(&mut world, alice, notice);
    world.sessions.stop(world.now);
    world.settle();
    let jobs: Vec<_> = world.slow_store.take().into_iter().flatten().map(|job| job.work).collect();
    assert!(
        matches!(&jobs[..2], [Work::Reached { deliveries: one }, Work::Queued { deliveries: two }] if one.len() == 1 && two.len() == 2)
    );
}

#[test]
fn whoever_comes_back_has_not_missed_what_they_have_just_acknowledged() {
    let (mut world, _, [alice, ..], notice) = slow_house();
    acknowledges(&mut world, alice, notice);
    let mut jobs = Vec::new();
    for who in ["bob", "alice"] {
        let peer = world.connect();
        world.send(peer, Request::SignIn { account: name(who), password: password(who), remember: false });
        while let Some(work) = world.waiting_work() {
            jobs.extend(work.split_whitespace().next().map(str::to_owned));
            world.store_one();
        }
    }
    assert_eq!(jobs, ["LookUp", "SignIn", "LookUp", "Reached", "SignIn"]);
}

#[test]
fn what_the_store_could_not_note_is_noted_later() {
    let (mut world, admin, [alice, bob, _], notice) = house();
    for peer in [alice, bob] {
        shows_notices(&mut world, peer, Vec::new());
    }
    world.pass(2 * QUEUED_AFTER);
    world.slow_store = Some(VecDeque::new());
    acknowledges(&mut world, alice, notice);
    world.pass(ARRIVALS_WITHIN);
    let Some(Job { ticket, .. }) = world.slow_store.as_mut().and_then(VecDeque::pop_front) else { panic!() };
    world.sessions.handle_done(world.now, Done { ticket, result: Err(Refusal::StoreFailed) });
    acknowledges(&mut world, bob, notice);
    world.pass(ARRIVALS_WITHIN);
    assert!(!world.store_one(), "it is given time");
    world.pass(STORE_RETRY);
    while world.store_one() {}
    assert_eq!(told(&mut world, admin), [2]);
}

#[test]
fn a_report_of_more_than_there_may_be_is_refused() {
    let (mut world, _, [alice, ..], notice) = house();
    let notices = vec![(notice, 1); belfry_core::limits::REACHED_PER_REQUEST_MAX + 1];
    assert_eq!(world.ask(alice, Request::Reached { notices }), Err(Refusal::TooMany));
}
