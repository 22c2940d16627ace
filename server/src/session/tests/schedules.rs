//! Notices that are sent later: when that is, and what becomes of them when something is in the way.

use std::time::Duration;

use belfry_core::chat::{
    Answer, Audience, Event, Every, First, Notice, NoticeDraft, NoticeState, Obstacle, Page, PostId, Refusal, Request, Schedule,
    ScheduleId, Scheduled, WrittenTime, ZoneName,
};
use belfry_core::endpoint::PeerId;
use belfry_core::time::UnixMillis;

use super::notices::{draft, notices};
use super::rooms;
use super::world::{World, name};

const MINUTE: Duration = Duration::from_secs(60);

fn everyone() -> NoticeDraft {
    draft(vec![Audience::Everyone])
}

/// From that moment on, by the clocks of nowhere in particular.
pub(super) fn planned(at: UnixMillis, every: Option<Every>) -> Schedule {
    Schedule { first: First::At(at), zone: None, every }
}

/// What is to be sent later.
fn plans(world: &mut World, admin: PeerId) -> Vec<Scheduled> {
    match world.ask(admin, Request::ListSchedules { after: None }) {
        Ok(Answer::Schedules(Page { entries: schedules, more: false })) => schedules,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_would_stop_a_scheduled_notice_hears_that_before() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.ask(alice, Request::CreateRoom { room: rooms::room("attic"), private: false }).unwrap();
    let nurses = || "nurses".parse().unwrap();
    world.ask(admin, Request::AddToGroup { group: nurses(), members: vec![name("alice")] }).unwrap();
    let schedule = Some(planned(UnixMillis(world.now.wall.0 + 60_000), Some(Every::Days(1))));
    for (counter, audience) in
        [Audience::Room(rooms::room("attic")), Audience::Group(nurses()), Audience::Account(name("alice"))].into_iter().enumerate()
    {
        let post = PostId { outbox: 9, counter: counter as u64 };
        let draft = NoticeDraft { post, schedule: schedule.clone(), ..draft(vec![audience]) };
        world.ask(admin, Request::SendNotice(draft)).unwrap();
    }
    let close = |confirmed| Request::DeleteRoom { room: rooms::room("attic"), confirmed };
    let dissolve = |confirmed| Request::RemoveFromGroup { group: nurses(), members: vec![], confirmed };
    let empty = |confirmed| Request::RemoveFromGroup { group: nurses(), members: vec![name("alice")], confirmed };
    let disable = |confirmed| Request::SetDisabled { account: name("alice"), disabled: true, confirmed };
    for request in [close(false), dissolve(false), empty(false), disable(false)] {
        assert_eq!(world.ask(admin, request.clone()), Err(Refusal::StopsSchedules), "{request:?}");
        assert!(plans(&mut world, admin).iter().all(|plan| plan.obstacle.is_none()), "nothing was done");
    }
    for request in [close(true), empty(true), dissolve(true), disable(true)] {
        assert_eq!(world.ask(admin, request.clone()), Ok(Answer::Done), "{request:?}");
    }
    let obstacles: Vec<_> = plans(&mut world, admin).into_iter().map(|plan| plan.obstacle).collect();
    assert_eq!(obstacles, [Some(Obstacle::NoRoom), Some(Obstacle::NoGroup), Some(Obstacle::Nobody)]);
    world.register("bob");
    let bob = Request::SetDisabled { account: name("bob"), disabled: true, confirmed: false };
    assert_eq!(world.ask(admin, bob), Ok(Answer::Done), "what stops nothing more needs no confirmation");
    world.ask(admin, Request::SetDisabled { account: name("alice"), disabled: false, confirmed: false }).unwrap();
    world.pass(2 * MINUTE);
    let listed = plans(&mut world, admin);
    assert_eq!(listed.iter().map(|plan| plan.missed.is_some()).collect::<Vec<_>>(), [true, true, false]);
    assert!(listed.iter().all(|plan| plan.next_at.is_some()), "what repeats is tried again");
}

#[test]
fn what_is_planned_for_a_closed_room_never_goes_to_one_that_is_made_later_under_its_name() {
    let (mut world, admin) = World::with_admin();
    let (alice, carol) = (world.register("alice"), world.register("carol"));
    let sec = || rooms::room("sec");
    rooms::create(&mut world, admin, "sec", true);
    world.ask(admin, Request::Invite { room: sec(), account: name("carol") }).unwrap();
    rooms::join(&mut world, carol, "sec").unwrap();
    let schedule = Some(planned(UnixMillis(world.now.wall.0 + 60_000), Some(Every::Days(1))));
    world.ask(admin, Request::SendNotice(NoticeDraft { schedule, ..draft(vec![Audience::Room(sec())]) })).unwrap();
    world.ask(admin, Request::DeleteRoom { room: sec(), confirmed: true }).unwrap();
    rooms::create(&mut world, alice, "sec", false);
    for restarts in [false, true] {
        let mut admin = admin;
        if restarts {
            world.restart();
            admin = world.sign_in("admin");
        }
        assert_eq!(plans(&mut world, admin)[0].obstacle, Some(Obstacle::NoRoom), "restarted: {restarts}");
    }
    let (alice, admin) = (world.sign_in("alice"), world.sign_in("admin"));
    world.pass(2 * MINUTE);
    assert!(!world.events(alice).iter().any(|event| matches!(event, Event::Notice(_))));
    assert_eq!(plans(&mut world, admin)[0].missed.map(|missed| missed.why), Some(Obstacle::NoRoom));
}

#[test]
fn who_would_leave_a_scheduled_notice_with_nobody_hears_that_before_if_they_may_know_of_it() {
    let (mut world, admin) = World::with_admin();
    let carol = world.register("carol");
    let solo = || rooms::room("solo");
    rooms::create(&mut world, carol, "solo", false);
    let schedule = Some(planned(UnixMillis(world.now.wall.0 + 60_000), Some(Every::Days(1))));
    world.ask(admin, Request::SendNotice(NoticeDraft { schedule, ..draft(vec![Audience::Room(solo())]) })).unwrap();
    let remove = |confirmed| Request::RemoveFromRoom { room: solo(), account: name("carol"), confirmed };
    let leave = |confirmed| Request::LeaveRoom { room: solo(), confirmed };
    let obstacle = |world: &mut World| plans(world, admin)[0].obstacle;
    assert_eq!(world.ask(admin, remove(false)), Err(Refusal::StopsSchedules));
    rooms::join(&mut world, admin, "solo").unwrap();
    assert_eq!(world.ask(admin, remove(false)), Ok(Answer::Done), "the administrator is there");
    assert_eq!(world.ask(admin, leave(false)), Err(Refusal::StopsSchedules));
    assert_eq!(obstacle(&mut world), None);
    assert_eq!(world.ask(admin, leave(true)), Ok(Answer::Done));
    assert_eq!(obstacle(&mut world), Some(Obstacle::Nobody));
    rooms::join(&mut world, carol, "solo").unwrap();
    assert_eq!(world.ask(carol, leave(false)), Ok(Answer::Done), "what is planned is none of her business");
    let Ok(Answer::Audit(Page { entries, .. })) = world.ask(admin, Request::ReadAudit { before: None }) else { panic!() };
    let stopped: Vec<_> = entries.iter().filter(|entry| entry.act == "notice.stopped").map(|entry| entry.who.to_string()).collect();
    assert_eq!(stopped, ["carol", "admin"]);
    assert_eq!((entries[0].object.as_str(), entries[0].detail.as_str()), ("schedule 1", "solo: nobody is left whom it is for"));
}

#[test]
fn a_daily_notice_keeps_its_time_of_day_where_its_author_is() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    // 2027-03-26T12:00:00Z, two days before the clocks of Berlin go forward over half past two.
    world.now.wall = UnixMillis(1_806_062_400_000);
    let written: WrittenTime = "02:30[Europe/Berlin]".parse().unwrap();
    let schedule = Schedule { first: written.first, zone: written.zone, every: Some(Every::Days(1)) };
    let asked = world.ask(admin, Request::SendNotice(NoticeDraft { schedule: Some(schedule), ..everyone() }));
    let Ok(Answer::NoticeScheduled { zone, .. }) = asked else { panic!("{asked:?}") };
    assert_eq!(zone.as_str(), "Europe/Berlin");
    for _ in 0..4 * 24 * 6 {
        world.pass(10 * MINUTE);
    }
    let hours = |notice: &Notice| (notice.sent_at.0 - 1_806_062_400_000) as f64 / 3_600_000.0;
    let sent: Vec<_> = notices(&mut world, alice).iter().map(hours).collect();
    assert_eq!(sent, [13.5, 37.5, 60.5, 84.5], "half past two, half past three, and half past two again");
}

#[test]
fn a_repetition_comes_back_with_a_clock_that_was_a_year_ahead() {
    const YEAR: u64 = 365 * 86_400_000;
    for every in [Every::Millis(600_000), Every::Days(1)] {
        let (mut world, admin) = World::with_admin();
        let alice = world.register("alice");
        let schedule = Some(planned(UnixMillis(world.now.wall.0 + 600_000), Some(every)));
        world.ask(admin, Request::SendNotice(NoticeDraft { schedule, ..everyone() })).unwrap();
        let begun = world.now.wall;
        world.now.wall.0 += YEAR;
        for _ in 0..25 {
            world.pass(MINUTE);
        }
        let ahead = notices(&mut world, alice).len();
        assert!(ahead >= 1);
        world.now.wall.0 -= YEAR;
        let next_at = |world: &mut World| plans(world, admin)[0].next_at.unwrap();
        assert!(next_at(&mut world).0 > begun.0 + YEAR);
        for _ in 0..2 {
            world.pass(MINUTE);
        }
        let soon = next_at(&mut world).0 - world.now.wall.0;
        assert!(soon <= every.about_ms(), "{every:?}: {soon} ms");
        for _ in 0..11 {
            world.pass(Duration::from_millis(every.about_ms() / 10));
        }
        assert!(!notices(&mut world, alice).is_empty(), "{every:?}");
    }
}

#[test]
fn a_repetition_is_planned_anew_by_a_server_that_starts_with_the_right_clock() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let schedule = Some(planned(UnixMillis(world.now.wall.0 + 60_000), Some(Every::Days(1))));
    world.ask(admin, Request::SendNotice(NoticeDraft { schedule, ..everyone() })).unwrap();
    world.now.wall.0 += 365 * 86_400_000;
    world.pass(2 * MINUTE);
    world.now.wall.0 -= 365 * 86_400_000;
    world.restart();
    let admin = world.sign_in("admin");
    world.pass(MINUTE);
    assert!(plans(&mut world, admin)[0].next_at.unwrap().0 <= world.now.wall.0 + 86_400_000);
}

#[test]
fn a_clock_that_is_set_back_by_a_little_sends_nothing_twice() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    let schedule = Some(planned(UnixMillis(world.now.wall.0 + 600_000), Some(Every::Days(1))));
    world.ask(admin, Request::SendNotice(NoticeDraft { schedule, ..everyone() })).unwrap();
    world.pass(10 * MINUTE);
    world.now.wall.0 -= 300_000;
    let tomorrow = plans(&mut world, admin)[0].next_at;
    world.pass(2 * MINUTE);
    assert_eq!(plans(&mut world, admin)[0].next_at, tomorrow, "what was sent today is planned for tomorrow");
    for _ in 0..10 {
        world.pass(MINUTE);
    }
    assert_eq!(notices(&mut world, alice).len(), 1);
}

#[test]
fn a_scheduled_notice_is_sent_at_its_time_and_repeats() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    let at = UnixMillis(world.now.wall.0 + 60_000);
    let schedule = Some(planned(at, Some(Every::Millis(3_600_000))));
    let draft = NoticeDraft { schedule, expires_after_ms: Some(1000), ..everyone() };
    let asked = world.ask(admin, Request::SendNotice(draft));
    assert_eq!(asked, Ok(Answer::NoticeScheduled { schedule: ScheduleId(1), at, zone: ZoneName::utc() }));
    world.pass(Duration::from_secs(59));
    assert_eq!(notices(&mut world, alice), []);
    world.restart();
    let (admin, alice) = (world.sign_in("admin"), world.sign_in("alice"));
    world.pass(Duration::from_secs(3700));
    let open: Vec<_> = notices(&mut world, alice).into_iter().filter(|notice| notice.state == NoticeState::Open).collect();
    assert_eq!(open.iter().map(|notice| notice.sent_at.0 - at.0).collect::<Vec<_>>(), [0, 3_600_000]);
    assert_eq!(open[1].expires_at, Some(UnixMillis(at.0 + 3_601_000)));
    assert_eq!(world.ask(admin, Request::Unschedule { schedule: ScheduleId(1) }), Ok(Answer::Done));
    world.pass(Duration::from_secs(7200));
    assert_eq!(notices(&mut world, alice).iter().filter(|notice| notice.state == NoticeState::Open).count(), 0);
    assert_eq!(world.ask(admin, Request::Unschedule { schedule: ScheduleId(1) }), Err(Refusal::UnknownSchedule));
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let now = world.now.wall;
    let at = UnixMillis(now.0 + 1000);
    for (schedule, refusal) in [
        (planned(now, None), Refusal::ScheduleInThePast),
        (planned(at, Some(Every::Millis(10))), Refusal::ScheduleOutOfBounds),
        (planned(UnixMillis(u64::MAX), None), Refusal::ScheduleOutOfBounds),
        (Schedule { zone: ZoneName::new("Mars/Base").ok(), ..planned(at, None) }, Refusal::UnknownTimeZone),
    ] {
        let draft = NoticeDraft { schedule: Some(schedule.clone()), ..everyone() };
        assert_eq!(world.ask(admin, Request::SendNotice(draft)), Err(refusal), "{schedule:?}");
    }
}

#[test]
fn a_scheduled_notice_of_somebody_who_is_no_administrator_any_more_is_not_sent_and_the_list_and_the_log_say_so() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.register("root");
    world.ask(admin, Request::SetRole { account: name("root"), role: belfry_core::chat::Role::Admin, confirmed: false }).unwrap();
    let root = world.sign_in("root");
    let schedule = Some(planned(UnixMillis(world.now.wall.0 + 60_000), None));
    world.ask(root, Request::SendNotice(NoticeDraft { schedule, ..everyone() })).unwrap();
    let demote = |confirmed| Request::SetRole { account: name("root"), role: belfry_core::chat::Role::Member, confirmed };
    assert_eq!(world.ask(admin, demote(false)), Err(Refusal::StopsSchedules));
    world.ask(admin, demote(true)).unwrap();
    let not_yet = plans(&mut world, admin);
    assert_eq!((not_yet[0].next_at.is_some(), not_yet[0].obstacle), (true, Some(Obstacle::AuthorNoAdmin)));
    world.pass(2 * MINUTE);
    assert_eq!(notices(&mut world, alice), []);
    let stays = plans(&mut world, admin);
    assert_eq!((stays[0].next_at, stays[0].missed.map(|missed| missed.why)), (None, Some(Obstacle::AuthorNoAdmin)));
    world.restart();
    let admin = world.sign_in("admin");
    world.pass(2 * MINUTE);
    assert_eq!(plans(&mut world, admin), stays, "it is not tried again");
    let Ok(Answer::Audit(Page { entries, .. })) = world.ask(admin, Request::ReadAudit { before: None }) else { panic!() };
    let noted: Vec<_> = entries.iter().filter(|entry| entry.act == "notice.not-sent").collect();
    assert_eq!((noted.len(), noted[0].object.as_str(), noted[0].who.as_str()), (1, "schedule 1", "root"));
    assert_eq!(world.ask(admin, Request::Unschedule { schedule: ScheduleId(1) }), Ok(Answer::Done));
    assert_eq!(plans(&mut world, admin), []);
}
