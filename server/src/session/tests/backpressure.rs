//! Answers count before they are made, and questions wait where there is no room for them.

use belfry_core::chat::{Answer, ConversationId, FromClient, Place, Refusal, Request, Seq, encode};
use belfry_core::connection::Tally;
use belfry_core::endpoint::PeerId;
use belfry_core::wire::CloseCode;

use super::world::World;
use crate::limits::{
    ANSWER_BYTES_PER_SESSION_MAX, ANSWERS_TO_A_STRANGER_MAX, LARGE_ANSWER_BYTES, LARGE_ANSWERS_AT_ONCE, PARKED_MAX, PARKED_PER_SESSION_MAX,
};
use crate::session::Output;

/// As many answers as are made for one session before it has acknowledged any.
const AT_ONCE: usize = (ANSWER_BYTES_PER_SESSION_MAX / LARGE_ANSWER_BYTES) as usize;

fn page() -> Request {
    Request::FetchAfter { conversation: ConversationId(1), after: Seq(0), limit: 500 }
}

/// A world with a page of the lobby that is as large as pages are.
fn world() -> (World, PeerId) {
    let mut world = World::new();
    let alice = world.register("alice");
    for _ in 0..5 {
        let post = world.post(Place::lobby(), &"a".repeat(16_000));
        world.ask(alice, post).unwrap();
    }
    world.heard(alice);
    (world, alice)
}

fn answered(world: &mut World, peer: PeerId, ids: &[u32]) -> usize {
    ids.iter().filter(|&&id| world.answer(peer, id).is_some()).count()
}

#[test]
fn only_so_many_answers_are_made_before_any_is_acknowledged_and_none_is_forgotten() {
    let (mut world, alice) = world();
    world.unacknowledged = Some(Vec::new());
    world.slow_store = Some(Default::default());
    let asked: Vec<_> = (0..100).map(|_| world.send(alice, page())).collect();
    assert_eq!(world.slow_store.as_ref().unwrap().len(), AT_ONCE, "the others have not reached the store");
    assert_eq!(world.sessions.backlog.parked, asked.len() - AT_ONCE);
    while world.store_one() {}
    let mut answers = answered(&mut world, alice, &asked);
    assert!((AT_ONCE..2 * AT_ONCE).contains(&answers), "{answers} before any is acknowledged");
    while world.acknowledge() {
        while world.store_one() {}
        let more = answered(&mut world, alice, &asked);
        assert!((1..2 * AT_ONCE).contains(&more), "{more} more");
        answers += more;
    }
    assert_eq!(answers, asked.len(), "each is answered once");
    assert_eq!(world.sessions.backlog.parked, 0);
}

#[test]
fn a_small_request_passes_those_that_wait() {
    let (mut world, alice) = world();
    world.unacknowledged = Some(Vec::new());
    for _ in 0..50 {
        world.send(alice, page());
    }
    let post = world.post(Place::lobby(), "in between");
    assert!(matches!(world.ask(alice, post), Ok(Answer::Posted { .. })));
}

#[test]
fn whoever_acknowledges_nothing_keeps_nobody_else_from_an_answer() {
    let (mut world, alice) = world();
    let bob = world.register("bob");
    world.unacknowledged = Some(Vec::new());
    for _ in 0..500 {
        world.send(alice, page());
    }
    assert!(matches!(world.ask(bob, page()), Ok(Answer::Page { .. })));
}

#[test]
fn so_many_questions_of_one_session_wait_and_the_next_is_told_to_come_back() {
    let (mut world, alice) = world();
    world.unacknowledged = Some(Vec::new());
    let asked: Vec<_> = (0..PARKED_PER_SESSION_MAX + 2 * AT_ONCE).map(|_| world.send(alice, page())).collect();
    assert_eq!(world.answer(alice, *asked.last().unwrap()), Some(Err(Refusal::Busy)));
    let answers: Vec<_> = asked.iter().filter_map(|&id| world.answer(alice, id)).collect();
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(Refusal::Busy))) && answers.len() < 4 * AT_ONCE, "{}", answers.len());
}

#[test]
fn so_many_large_answers_are_made_at_a_time_and_a_gone_session_makes_room() {
    let (mut world, _) = world();
    let people: Vec<_> = (0..LARGE_ANSWERS_AT_ONCE / AT_ONCE + 10).map(|number| world.register(&format!("person {number}"))).collect();
    world.slow_store = Some(Default::default());
    for &peer in &people {
        for _ in 0..2 * AT_ONCE {
            world.send(peer, page());
        }
    }
    let at_the_store = |world: &World| world.slow_store.as_ref().unwrap().len();
    assert_eq!(at_the_store(&world), LARGE_ANSWERS_AT_ONCE);
    world.gone(people[0]);
    world.gone(people[1]);
    world.pass(std::time::Duration::from_millis(1));
    assert!(at_the_store(&world) >= LARGE_ANSWERS_AT_ONCE + AT_ONCE, "what they left is for others");
    while world.store_one() {}
    for &peer in &people[2..] {
        assert_eq!(world.heard(peer).iter().filter(|heard| heard.is_answer()).count(), 2 * AT_ONCE);
    }
}

#[test]
fn a_stranger_who_asks_and_asks_is_sent_away() {
    let mut world = World::new();
    let stranger = world.connect();
    for _ in 0..ANSWERS_TO_A_STRANGER_MAX {
        assert_eq!(world.ask(stranger, page()), Err(Refusal::SignInFirst));
    }
    assert_eq!(world.closed.get(&stranger), None);
    world.send(stranger, page());
    assert_eq!(world.closed.get(&stranger), Some(&CloseCode::RATE_LIMITED));
}

#[test]
fn where_as_many_questions_wait_as_may_who_has_room_is_answered_all_the_same() {
    let (mut world, alice) = world();
    let bob = world.register("bob");
    world.unacknowledged = Some(Vec::new());
    for _ in 0..2 * AT_ONCE {
        world.send(alice, page());
    }
    world.sessions.backlog.parked = PARKED_MAX;
    assert_eq!(world.ask(alice, page()), Err(Refusal::Busy));
    assert!(matches!(world.ask(bob, page()), Ok(Answer::Page { .. })));
}

#[test]
fn a_session_that_waits_for_nothing_is_not_watched() {
    let (mut world, alice) = world();
    world.unacknowledged = Some(Vec::new());
    loop {
        let id = world.send(alice, page());
        let is_answered = world.answer(alice, id).is_some();
        assert_eq!(world.unacknowledged.as_ref().map(Vec::len), Some(usize::from(!is_answered)));
        if !is_answered {
            break;
        }
    }
}

#[test]
fn what_is_sent_counts_in_the_servers_tally_until_nobody_holds_it() {
    let (mut world, alice) = world();
    let tally = Tally::default();
    world.sessions.set_tally(tally.clone());
    let bytes = encode(&FromClient { id: 7, request: page() }).unwrap();
    world.sessions.handle_message(world.now, alice, page().channel(), &bytes, 0);
    world.slow_store = Some(Default::default());
    world.settle();
    let job = world.slow_store.as_mut().and_then(|jobs| jobs.pop_front()).unwrap();
    let done = world.apply(job);
    world.sessions.handle_done(world.now, done);
    let Some(Output::Send { body, .. }) = world.sessions.poll() else { panic!() };
    assert_eq!(tally.bytes(), body.len() as u64);
    drop(body);
    assert_eq!(tally.bytes(), 0);
}
