//! Notices: who may send them, whom they reach, what their author hears.

use std::time::Duration;

use belfry_core::chat::{
    Answer, Audience, Event, Label, LedgerView, Notice, NoticeDraft, NoticeId, NoticeState, PostId, Progress, Receipt, Refusal, Request,
    RoomName, Severity, Text,
};
use belfry_core::endpoint::PeerId;
use belfry_core::limits::{ANSWERS_MAX, AUDIENCES_MAX};
use belfry_core::wire::Channel;

use super::world::{World, name};

pub(super) fn draft(audience: Vec<Audience>) -> NoticeDraft {
    NoticeDraft {
        post: PostId { outbox: 5, counter: 1 },
        ..NoticeDraft::new(Severity::Important, Text::new("Water is off at noon.").unwrap(), audience)
    }
}

pub(super) fn send(world: &mut World, author: PeerId, draft: NoticeDraft) -> NoticeId {
    match world.ask(author, Request::SendNotice(draft)) {
        Ok(Answer::NoticeSent { notice, .. }) => notice,
        other => panic!("{other:?}"),
    }
}

pub(super) fn notices(world: &mut World, peer: PeerId) -> Vec<Notice> {
    let notice = |event| match event {
        Event::Notice(notice) => Some(notice),
        _ => None,
    };
    world.events(peer).into_iter().filter_map(notice).collect()
}

fn progress(world: &mut World, peer: PeerId) -> Vec<Progress> {
    let progress = |event| match event {
        Event::Progress { progress, .. } => Some(progress),
        _ => None,
    };
    world.events(peer).into_iter().filter_map(progress).collect()
}

#[test]
fn a_members_notice_is_refused() {
    let mut world = World::new();
    let alice = world.register("alice");
    assert_eq!(world.ask(alice, Request::SendNotice(draft(vec![Audience::Everyone]))), Err(Refusal::AdminOnly));
}

#[test]
fn a_notice_to_everyone_reaches_everyone_else_on_its_own_channel() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    send(&mut world, admin, draft(vec![Audience::Everyone]));
    for peer in [alice, bob] {
        let heard = world.heard(peer);
        let channels: Vec<_> = heard
            .iter()
            .filter(|heard| matches!(heard.message, belfry_core::chat::FromServer::Event(Event::Notice(_))))
            .map(|heard| heard.channel)
            .collect();
        assert_eq!(channels, [Channel::Notice]);
    }
    assert_eq!(notices(&mut world, admin), []);
}

#[test]
fn a_notice_reaches_the_named_once_and_nobody_else() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    send(
        &mut world,
        admin,
        draft(vec![Audience::Account(name("alice")), Audience::Account(name("Alice")), Audience::Account(name("admin"))]),
    );
    assert_eq!(notices(&mut world, alice).len(), 1);
    assert_eq!(notices(&mut world, admin).len(), 1);
    assert_eq!(notices(&mut world, bob), []);
}

#[test]
fn a_notice_to_the_lobby_is_one_to_everyone() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    send(&mut world, admin, draft(vec![Audience::Room(RoomName::lobby())]));
    assert_eq!(notices(&mut world, alice).len(), 1);
}

#[test]
fn somebody_who_was_away_gets_an_open_notice_when_they_come_until_they_answer() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.gone(alice);
    let notice = send(&mut world, admin, draft(vec![Audience::Everyone]));
    let alice = world.sign_in("alice");
    assert_eq!(notices(&mut world, alice).iter().map(|notice| notice.id).collect::<Vec<_>>(), [notice]);
    world.ask(alice, Request::Receipt { notice, revision: 1, receipt: Receipt::Answered(0) }).unwrap();
    let again = world.sign_in("alice");
    assert_eq!(notices(&mut world, again), []);
}

#[test]
fn somebody_who_registers_while_it_is_open_gets_a_notice_to_everyone() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let notice = send(&mut world, admin, draft(vec![Audience::Everyone]));
    let bob = world.register("bob");
    assert_eq!(notices(&mut world, bob).iter().map(|notice| notice.id).collect::<Vec<_>>(), [notice]);
}

#[test]
fn a_notice_without_answers_offers_the_default_one() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    send(&mut world, admin, draft(vec![Audience::Everyone]));
    assert_eq!(notices(&mut world, alice)[0].answers, [Label::acknowledge()]);
}

#[test]
fn the_author_hears_of_progress_at_once_and_then_collected() {
    let (mut world, admin) = World::with_admin();
    let people: Vec<_> = (0..20).map(|n| world.register(&format!("person {n}"))).collect();
    let notice = send(&mut world, admin, draft(vec![Audience::Everyone]));
    world.pass(Duration::from_secs(1));
    world.heard(admin);
    for &peer in &people {
        assert_eq!(world.ask(peer, Request::Receipt { notice, revision: 1, receipt: Receipt::Answered(0) }), Ok(Answer::Done));
    }
    world.pass(Duration::from_secs(1));
    let told = progress(&mut world, admin);
    assert_eq!(told.iter().map(|progress| progress.answered).collect::<Vec<_>>(), [1, 20]);
}

#[test]
fn the_ledger_says_who_is_here_and_since_when_the_others_are_not() {
    let (mut world, admin) = World::with_admin();
    let (_alice, bob) = (world.register("alice"), world.register("bob"));
    let notice = send(&mut world, admin, draft(vec![Audience::Everyone]));
    world.pass(Duration::from_secs(5));
    let left_at = world.now.wall;
    world.gone(bob);
    match world.ask(admin, Request::NoticeStatus { notice, view: LedgerView::default(), after: None }) {
        Ok(Answer::Ledger(page)) => {
            let lines: Vec<_> =
                page.people.entries.iter().map(|entry| (entry.account.as_str(), entry.online, entry.offline_since)).collect();
            assert_eq!(lines, [("alice", true, None), ("bob", false, Some(left_at))]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn when_a_notice_expires_every_screen_is_told() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    world.gone(bob);
    send(&mut world, admin, NoticeDraft { expires_after_ms: Some(60_000), ..draft(vec![Audience::Everyone]) });
    let bob = world.sign_in("bob");
    world.pass(Duration::from_secs(59));
    for peer in [alice, bob] {
        assert_eq!(notices(&mut world, peer).iter().map(|notice| notice.state).collect::<Vec<_>>(), [NoticeState::Open]);
    }
    world.pass(Duration::from_secs(2));
    for peer in [alice, bob] {
        assert_eq!(notices(&mut world, peer).iter().map(|notice| notice.state).collect::<Vec<_>>(), [NoticeState::Expired]);
    }
}

#[test]
fn a_notice_still_expires_on_screens_after_a_restart() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    send(&mut world, admin, NoticeDraft { expires_after_ms: Some(60_000), ..draft(vec![Audience::Everyone]) });
    world.restart();
    let alice = world.sign_in("alice");
    world.pass(Duration::from_secs(61));
    let states: Vec<_> = notices(&mut world, alice).iter().map(|notice| notice.state).collect();
    assert_eq!(states, [NoticeState::Open, NoticeState::Expired]);
}

#[test]
fn a_draft_that_makes_no_sense_is_refused_with_the_reason() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let label = |n: usize| Label::new(format!("answer {n}")).unwrap();
    let everyone = || draft(vec![Audience::Everyone]);
    for (draft, refusal) in [
        (draft(vec![]), Refusal::EmptyAudience),
        (draft(vec![Audience::Account(name("nobody"))]), Refusal::UnknownAccount),
        (draft(vec![Audience::Group("nurses".parse().unwrap())]), Refusal::UnknownGroup),
        (draft(vec![Audience::Room(RoomName::new("attic").unwrap())]), Refusal::UnknownRoom),
        (draft(vec![Audience::Everyone; AUDIENCES_MAX + 1]), Refusal::TooManyAudiences),
        (NoticeDraft { answers: (0..=ANSWERS_MAX).map(label).collect(), ..everyone() }, Refusal::TooManyAnswers),
        (NoticeDraft { answers: vec![label(1), Label::new("ANSWER  1").unwrap()], ..everyone() }, Refusal::AnswerTwice),
        (NoticeDraft { expires_after_ms: Some(0), ..everyone() }, Refusal::ExpiryOutOfBounds),
        (NoticeDraft { expires_after_ms: Some(u64::MAX), ..everyone() }, Refusal::ExpiryOutOfBounds),
    ] {
        assert_eq!(world.ask(admin, Request::SendNotice(draft.clone())), Err(refusal), "{draft:?}");
    }
}

#[test]
fn a_draft_sent_twice_is_one_notice() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    let first = send(&mut world, admin, draft(vec![Audience::Everyone]));
    assert_eq!(send(&mut world, admin, draft(vec![Audience::Everyone])), first);
    assert_eq!(notices(&mut world, alice).len(), 1);
}

#[test]
fn notices_that_were_refused_for_their_audience_do_not_count_for_how_many_one_may_send() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let post = |counter| PostId { outbox: 5, counter };
    for counter in 0..2 * crate::limits::NOTICES_PER_AUTHOR_MAX as u64 {
        let unknown = NoticeDraft { post: post(counter), ..draft(vec![Audience::Group("nurses".parse().unwrap())]) };
        assert_eq!(world.ask(admin, Request::SendNotice(unknown)), Err(Refusal::UnknownGroup));
    }
    send(&mut world, admin, NoticeDraft { post: post(9999), ..draft(vec![Audience::Account(name("alice"))]) });
}

#[test]
fn a_critical_notice_to_everyone_waits_to_be_confirmed_also_by_way_of_the_lobby() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    for audience in [Audience::Everyone, Audience::Room(RoomName::lobby())] {
        let draft = NoticeDraft { severity: Severity::Critical, ..draft(vec![Audience::Account(name("alice")), audience]) };
        assert_eq!(world.ask(admin, Request::SendNotice(draft)), Err(Refusal::ConfirmationNeeded));
    }
}
