//! The server's limits at their edges: the last that passes, and the first that is refused.

use std::time::Duration;

use belfry_core::chat::{
    Answer, Audience, Every, First, GroupName, NoticeDraft, PostId, Refusal, Reminding, Request, Schedule, ScheduleId, SearchText,
    Severity, Template, Text,
};
use belfry_core::limits::{REMIND_EVERY_MIN, REMINDERS_MAX, REPEAT_MAX, REPEAT_MIN};
use belfry_core::time::UnixMillis;

use super::notices::draft;
use super::world::{World, name};
use crate::limits::{GROUP_MEMBERS_PER_REQUEST_MAX, GROUPS_MAX, SCHEDULES_MAX, SEARCHES_WAITING_PER_ACCOUNT, TEMPLATES_MAX};

const SECOND: Duration = Duration::from_secs(1);

fn everyone(counter: u64) -> NoticeDraft {
    NoticeDraft { post: PostId { outbox: 9, counter }, ..draft(vec![Audience::Everyone]) }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

#[test]
fn so_many_notices_wait_for_their_time() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let at = UnixMillis(world.now.wall.0 + 30 * 86_400_000);
    let planned = |counter| {
        Request::SendNotice(NoticeDraft { schedule: Some(Schedule { first: First::At(at), zone: None, every: None }), ..everyone(counter) })
    };
    for counter in 0..SCHEDULES_MAX as u64 {
        assert!(world.ask(admin, planned(counter)).is_ok(), "{counter}");
        world.pass(2 * SECOND);
    }
    assert_eq!(world.ask(admin, planned(SCHEDULES_MAX as u64)), Err(Refusal::TooMany));
    world.ask(admin, Request::Unschedule { schedule: ScheduleId(7) }).unwrap();
    assert!(world.ask(admin, planned(SCHEDULES_MAX as u64)).is_ok(), "one that is given up makes room");
}

#[test]
fn so_many_templates_are_kept_and_a_known_one_may_still_change() {
    let (mut world, admin) = World::with_admin();
    let template = |number: usize| {
        Request::SaveTemplate(Template {
            name: format!("template {number}").parse().unwrap(),
            severity: Severity::Info,
            title: None,
            body: Text::new("Leave now.").unwrap(),
            audience: vec![Audience::Everyone],
            answers: Vec::new(),
            expires_after_ms: None,
            remind: None,
        })
    };
    for number in 0..TEMPLATES_MAX {
        assert!(world.ask(admin, template(number)).is_ok(), "{number}");
        world.pass(SECOND / 10);
    }
    assert_eq!(world.ask(admin, template(TEMPLATES_MAX)), Err(Refusal::TooMany));
    assert!(world.ask(admin, template(7)).is_ok());
}

#[test]
fn so_many_groups_are_kept_and_a_known_one_may_still_grow() {
    let (mut world, admin) = World::with_admin();
    let add = |number: usize| {
        let group: GroupName = format!("group {number}").parse().unwrap();
        Request::AddToGroup { group, members: vec![name("admin")] }
    };
    for number in 0..GROUPS_MAX {
        assert!(world.ask(admin, add(number)).is_ok(), "{number}");
        world.pass(SECOND / 10);
    }
    assert_eq!(world.ask(admin, add(GROUPS_MAX)), Err(Refusal::TooMany));
    assert!(world.ask(admin, add(7)).is_ok());
}

#[test]
fn so_many_accounts_are_added_to_a_group_at_once() {
    let (mut world, admin) = World::with_admin();
    let add = |count: usize| Request::AddToGroup { group: "nurses".parse().unwrap(), members: vec![name("admin"); count] };
    assert!(world.ask(admin, add(GROUP_MEMBERS_PER_REQUEST_MAX)).is_ok());
    assert_eq!(world.ask(admin, add(GROUP_MEMBERS_PER_REQUEST_MAX + 1)), Err(Refusal::TooMany));
}

#[test]
fn reminders_are_so_far_apart_and_so_many() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let least = millis(REMIND_EVERY_MIN);
    for (counter, (every_ms, limit, passes)) in
        [(least, 1, true), (least - 1, 1, false), (least, REMINDERS_MAX, true), (least, REMINDERS_MAX + 1, false), (least, 0, false)]
            .into_iter()
            .enumerate()
    {
        let asked = Request::SendNotice(NoticeDraft { remind: Some(Reminding { every_ms, limit }), ..everyone(counter as u64) });
        let answer = world.ask(admin, asked);
        assert_eq!(answer.is_ok(), passes, "{every_ms} ms, {limit} times: {answer:?}");
    }
}

#[test]
fn a_repeated_notice_comes_neither_too_often_nor_too_seldom() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let at = UnixMillis(world.now.wall.0 + 60_000);
    for (counter, (step, passes)) in
        [(millis(REPEAT_MIN), true), (millis(REPEAT_MIN) - 1, false), (millis(REPEAT_MAX), true), (millis(REPEAT_MAX) + 1, false)]
            .into_iter()
            .enumerate()
    {
        let schedule = Some(Schedule { first: First::At(at), zone: None, every: Some(Every::Millis(step)) });
        let answer = world.ask(admin, Request::SendNotice(NoticeDraft { schedule, ..everyone(counter as u64) }));
        assert_eq!(answer.is_ok(), passes, "every {step} ms: {answer:?}");
    }
}

#[test]
fn one_account_has_one_search_under_way_and_so_many_wait_for_it() {
    let (mut world, _) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    let also_alice = world.sign_in("alice");
    let search = || Request::Search { text: SearchText::new("word").unwrap(), place: None, before: None, limit: 10 };
    world.slow_store = Some(Default::default());
    // No more than a session may ask at once, and the answers of two are one account's.
    let asked: Vec<_> = (0..SEARCHES_WAITING_PER_ACCOUNT + 1)
        .map(|n| {
            let peer = if n % 2 == 0 { alice } else { also_alice };
            (peer, world.send(peer, search()))
        })
        .collect();
    world.send(bob, search());
    assert_eq!(world.slow_store.as_ref().unwrap().len(), 2, "one of each account");
    world.acknowledge();
    while world.store_one() {}
    assert!(asked.iter().all(|&(peer, id)| matches!(world.answer(peer, id), Some(Ok(Answer::Found(_))))), "each is answered");

    for n in 0..2 * SEARCHES_WAITING_PER_ACCOUNT {
        world.pass(SECOND / 4);
        let peer = if n % 2 == 0 { alice } else { also_alice };
        world.send(peer, search());
    }
    world.gone(alice);
    world.gone(also_alice);
    let mut searches = 0;
    while let Some(work) = world.waiting_work() {
        searches += usize::from(work.contains("Search"));
        world.store_one();
    }
    assert_eq!(searches, 1, "the one that was under way");
    world.slow_store = None;
    let again = world.sign_in("alice");
    world.slow_store = Some(Default::default());
    let id = world.send(again, search());
    while world.store_one() {}
    assert!(world.answer(again, id).unwrap().is_ok(), "those who have gone hold nobody up");
}

#[test]
fn so_many_searches_of_an_account_wait_and_the_next_is_refused() {
    let mut world = World::new();
    let mut sessions = vec![world.register("alice")];
    sessions.extend((0..SEARCHES_WAITING_PER_ACCOUNT + 1).map(|_| world.sign_in("alice")));
    world.slow_store = Some(Default::default());
    let search = Request::Search { text: SearchText::new("word").unwrap(), place: None, before: None, limit: 10 };
    let answers = sessions.iter().map(|&peer| {
        let id = world.send(peer, search.clone());
        world.answer(peer, id)
    });
    let answers: Vec<_> = answers.collect();
    let (last, others) = answers.split_last().unwrap();
    assert!(*last == Some(Err(Refusal::TooManyRequests)) && others.iter().all(Option::is_none), "{answers:?}");
}
