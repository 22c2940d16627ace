//! What an acknowledgement of a notice means, and how many are noted together.

use std::collections::VecDeque;

use belfry_core::chat::{Answer, Audience, Event, NoticeId, Refusal, Request};
use belfry_core::connection::DeliveryTag;
use belfry_core::endpoint::PeerId;

use super::notices::{draft, send};
use super::world::World;
use crate::limits::STORE_RETRY;
use crate::store::{Done, Job};

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

fn house() -> (World, PeerId, [PeerId; 3], NoticeId) {
    let (mut world, admin) = World::with_admin();
    let people = ["alice", "bob", "carol"].map(|name| world.register(name));
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
    assert_eq!(told(&mut world, admin), [2]);
    world.pass(STORE_RETRY);
    world.gone(bob);
    acknowledges(&mut world, bob, notice);
    assert_eq!(told(&mut world, admin), [0; 0]);
}

#[test]
fn acknowledgements_that_come_while_some_are_noted_are_noted_together() {
    let (mut world, admin, people, notice) = house();
    for peer in people {
        shows_notices(&mut world, peer, Vec::new());
    }
    world.slow_store = Some(VecDeque::new());
    for peer in people {
        acknowledges(&mut world, peer, notice);
    }
    let of_one_job = |world: &World| world.waiting_work().map_or(0, |work| work.matches("NoticeDelivery {").count());
    assert_eq!(of_one_job(&world), 1);
    assert!(world.store_one());
    assert_eq!((of_one_job(&world), told(&mut world, admin)), (2, vec![1]), "nobody hears of what is not committed");
    assert!(world.store_one() && !world.store_one());
    world.pass(STORE_RETRY);
    assert_eq!(told(&mut world, admin), [3]);
}

#[test]
fn what_the_store_could_not_note_is_noted_later() {
    let (mut world, admin, [alice, bob, _], notice) = house();
    for peer in [alice, bob] {
        shows_notices(&mut world, peer, Vec::new());
    }
    world.slow_store = Some(VecDeque::new());
    acknowledges(&mut world, alice, notice);
    let Some(Job { ticket, .. }) = world.slow_store.as_mut().and_then(VecDeque::pop_front) else { panic!() };
    world.sessions.handle_done(world.now, Done { ticket, result: Err(Refusal::StoreFailed) });
    acknowledges(&mut world, bob, notice);
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
