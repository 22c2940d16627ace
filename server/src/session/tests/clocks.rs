//! The server's clock is set a year ahead and back again: what was planned, told and judged by it.

use std::time::Duration;

use belfry_core::chat::{
    Account, Answer, Audience, Notice, NoticeDraft, NoticeState, Person, Place, PostId, Receipt, Refusal, Reminding, Request,
};
use belfry_core::endpoint::PeerId;
use belfry_core::time::UnixMillis;

use super::notices::{draft, notices};
use super::world::{World, name};
use crate::hub::{Registration, Retention, Rules};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const YEAR_MS: u64 = 365 * 86_400_000;

fn to_everyone(counter: u64) -> NoticeDraft {
    NoticeDraft { post: PostId { outbox: 5, counter }, ..draft(vec![Audience::Everyone]) }
}

fn with_alice() -> (World, PeerId, PeerId) {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.pass(MINUTE);
    world.heard(alice);
    (world, admin, alice)
}

/// The clock is set ahead, and back again when somebody has noticed. Whatever comes next is by the right one.
fn a_year_ahead_for(world: &mut World, time: Duration) {
    world.now.wall.0 += YEAR_MS;
    world.pass(time);
    world.now.wall.0 -= YEAR_MS;
}

fn state(notice: &Notice) -> NoticeState {
    notice.state
}

#[test]
fn reminders_go_on_after_a_clock_that_was_a_year_ahead() {
    let remind = Some(Reminding { every_ms: 600_000, limit: 9 });
    for restarted in [false, true] {
        let (mut world, admin, mut alice) = with_alice();
        world.ask(admin, Request::SendNotice(NoticeDraft { remind, ..to_everyone(1) })).unwrap();
        a_year_ahead_for(&mut world, 5 * MINUTE);
        let ahead = notices(&mut world, alice);
        assert_eq!(ahead.last().unwrap().reminder, 1, "it was due by that clock");
        if restarted {
            world.restart();
            alice = world.sign_in("alice");
        }
        world.pass(2 * MINUTE);
        notices(&mut world, alice);
        world.pass(20 * MINUTE);
        let reminded: Vec<_> = notices(&mut world, alice).iter().map(|notice| notice.reminder).collect();
        assert_eq!(reminded, [2, 3], "restarted: {restarted}");
    }
}

#[test]
fn a_notice_that_was_over_by_the_wrong_clock_is_told_again_and_ends_at_its_time() {
    let (mut world, admin, alice) = with_alice();
    let bob = world.register("bob");
    world.ask(admin, Request::SendNotice(NoticeDraft { expires_after_ms: Some(3_600_000), ..to_everyone(1) })).unwrap();
    let sent = notices(&mut world, alice).remove(0);
    world.ask(bob, Request::Receipt { notice: sent.id, revision: 1, receipt: Receipt::Answered(0) }).unwrap();
    a_year_ahead_for(&mut world, 5 * MINUTE);
    assert_eq!(notices(&mut world, alice).iter().map(state).collect::<Vec<_>>(), [NoticeState::Expired]);
    world.pass(2 * MINUTE);
    assert_eq!(notices(&mut world, alice), [sent], "as it was, once");
    world.pass(HOUR);
    assert_eq!(notices(&mut world, alice).iter().map(state).collect::<Vec<_>>(), [NoticeState::Expired]);
}

#[test]
fn a_notice_that_was_sent_by_the_wrong_clock_lasts_as_long_as_it_was_to_last() {
    let (mut world, admin, alice) = with_alice();
    world.now.wall.0 += YEAR_MS;
    world.pass(MINUTE);
    world.ask(admin, Request::SendNotice(NoticeDraft { expires_after_ms: Some(3_600_000), ..to_everyone(1) })).unwrap();
    world.pass(MINUTE);
    world.now.wall.0 -= YEAR_MS;
    world.pass(2 * MINUTE);
    let ends = notices(&mut world, alice).last().unwrap().expires_at.unwrap();
    assert!(ends.0 <= world.now.wall.0 + 3_600_000, "its people are told when it ends");
    world.pass(HOUR);
    assert_eq!(notices(&mut world, alice).last().map(state), Some(NoticeState::Expired));
}

#[test]
fn nobody_was_last_here_next_year() {
    let (mut world, admin, alice) = with_alice();
    world.now.wall.0 += YEAR_MS;
    world.pass(MINUTE);
    world.gone(alice);
    world.pass(MINUTE);
    world.now.wall.0 -= YEAR_MS;
    world.pass(2 * MINUTE);
    let now = world.now.wall;
    let Ok(Answer::People(people)) = world.ask(admin, Request::Who { after: None }) else { panic!() };
    let Ok(Answer::Users(users)) = world.ask(admin, Request::ListUsers { after: None }) else { panic!() };
    let of_person = |person: &Person| (person.account == name("alice")).then_some(person.last_seen.unwrap());
    let of_account = |account: &Account| (account.name == name("alice")).then_some(account.last_seen.unwrap());
    let seen: Vec<_> = people.entries.iter().filter_map(of_person).chain(users.entries.iter().filter_map(of_account)).collect();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|at| at.0 <= now.0), "{seen:?} and now {now:?}");
}

/// A world in which messages are kept for thirty days, and one was said a minute ago.
fn kept_for_a_month() -> (World, PeerId) {
    let (mut world, _, alice) = with_alice();
    let message = world.post(Place::lobby(), "hello");
    world.ask(alice, message).unwrap();
    world.pass(MINUTE);
    keep_for_a_month(&mut world);
    (world, alice)
}

fn keep_for_a_month(world: &mut World) {
    let retention = Retention { message_age: Some(30 * 24 * HOUR), ..Retention::default() };
    world.sessions.set_rules(world.now, Rules { retention, ..Rules::with_registration(Registration::Open) });
    world.settle();
}

fn said(world: &mut World, reader: PeerId) -> usize {
    match world.ask(reader, Request::FetchBefore { place: Place::lobby(), before: None, limit: 9 }) {
        Ok(Answer::Page(page)) => page.messages.len(),
        Err(Refusal::SignInFirst) => panic!("sign in first"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_is_deleted_for_its_age_by_a_clock_that_has_leapt_ahead_and_comes_back() {
    let (mut world, alice) = kept_for_a_month();
    a_year_ahead_for(&mut world, 20 * HOUR);
    assert_eq!(said(&mut world, alice), 1);
    world.pass(48 * HOUR);
    assert_eq!(said(&mut world, alice), 1, "it is two days old");
    world.pass(29 * 24 * HOUR);
    assert_eq!(said(&mut world, alice), 0, "and is kept no longer than it should");
}

#[test]
fn a_clock_that_stays_where_it_has_leapt_to_is_believed_after_a_day() {
    let (mut world, alice) = kept_for_a_month();
    world.now.wall.0 += YEAR_MS;
    world.pass(23 * HOUR);
    assert_eq!(said(&mut world, alice), 1);
    world.pass(3 * HOUR);
    assert_eq!(said(&mut world, alice), 0);
}

#[test]
fn a_server_that_starts_with_a_clock_a_year_ahead_deletes_nothing_at_once() {
    let (mut world, _) = kept_for_a_month();
    world.restart();
    world.now.wall.0 += YEAR_MS;
    keep_for_a_month(&mut world);
    world.pass(20 * HOUR);
    let alice = world.sign_in("alice");
    assert_eq!(said(&mut world, alice), 1);
    assert!(world.now.wall > UnixMillis(YEAR_MS));
}
