//! The whole of Belfry over a network that misbehaves by seed.

use std::net::SocketAddr;
use std::time::Duration;

use belfry_core::chat::{
    Answer, Audience, DeviceId, GapReason, LedgerView, NoticeChange, NoticeDraft, NoticeState, Presence, Presentity, Receipt, Refusal,
    Request, Severity,
};
use belfry_core::client::{Command, Failure, Interruption, Proof, Start, Update};
use belfry_core::limits::HEARTBEAT_TIMEOUT;
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, name, password, text};

const SECOND: Duration = Duration::from_secs(1);

fn from_the_beginning() -> Start {
    Start::After(Default::default())
}

/// A world in which these people have registered and caught up.
fn world(weather: Weather, seed: u64, accounts: &[&str]) -> World {
    let mut world = World::new(weather, seed);
    for account in accounts {
        let register = *account != "admin";
        world.join(account, register, Start::Now);
    }
    let everybody = world.run_until(120 * SECOND, |world| world.people.iter().all(|person| person.caught_up() == 1));
    assert!(everybody, "seed {seed}: {:?}", world.people.iter().map(|person| &person.updates).collect::<Vec<_>>());
    world
}

/// Somebody looks at who is here.
fn look(world: &mut World, person: usize) {
    world.command(person, Command::Watch(vec![Presentity::Everyone]));
    world.run_for(SECOND);
}

fn went(world: &World, person: usize, account: &str, presence: Presence) -> bool {
    world.people[person].updates.iter().any(|update| {
        let Update::Presence(changes) = update else { return false };
        changes.iter().any(|change| change.account == name(account) && change.presence == presence)
    })
}

#[test]
fn what_one_says_everybody_hears() {
    let mut world = world(Weather::clear(), 1, &["alice", "bob"]);
    let ticket = world.say(0, "hello");
    assert!(world.run_until(SECOND, |world| world.people[0].posted().contains_key(&ticket) && world.people[1].texts() == ["hello"]));
    assert_eq!(world.people[0].texts(), ["hello"]);
}

#[test]
fn in_a_storm_everybody_hears_everything_once_in_one_order() {
    for seed in 0..10 {
        let mut world = world(Weather::storm(), seed, &["alice", "bob", "carol"]);
        for i in 0..100 {
            world.say(0, format!("alice {i}"));
            world.say(1, format!("bob {i}"));
            world.run_for(Duration::from_millis(20));
        }
        let all = |world: &World| world.people.iter().all(|person| person.messages().len() == 200);
        assert!(world.run_until(300 * SECOND, all), "seed {seed}");
        let heard = world.people[2].texts();
        for person in &world.people {
            assert!(person.messages().iter().zip(1..).all(|(message, seq)| message.seq.0 == seq), "seed {seed}");
            assert_eq!(person.texts(), heard, "seed {seed}");
        }
        let of_alice: Vec<_> = heard.iter().filter(|text| text.starts_with("alice")).collect();
        assert!(of_alice.iter().zip(0..).all(|(text, i)| **text == format!("alice {i}")), "seed {seed}: {of_alice:?}");
    }
}

#[test]
fn whoever_comes_later_receives_the_history() {
    let mut world = world(Weather::storm(), 1, &["alice"]);
    for i in 0..1500 {
        world.say(0, format!("line {i}"));
    }
    assert!(world.run_until(300 * SECOND, |world| world.people[0].posted().len() == 1500));
    let carol = world.join("carol", true, from_the_beginning());
    assert!(world.run_until(300 * SECOND, |world| world.people[carol].caught_up() == 1));
    let lines: Vec<_> = (0..1500).map(|i| format!("line {i}")).collect();
    assert_eq!(world.people[carol].texts(), lines);
}

#[test]
fn a_killed_client_is_offline_within_the_heartbeat_limit() {
    let mut world = world(Weather::clear(), 1, &["alice", "bob"]);
    look(&mut world, 0);
    world.kill(1);
    let killed = world.now;
    assert!(world.run_until(2 * HEARTBEAT_TIMEOUT, |world| went(world, 0, "bob", Presence::Offline)));
    assert!(world.now.since(killed) <= HEARTBEAT_TIMEOUT + SECOND);
}

#[test]
fn a_client_that_closes_is_offline_at_once() {
    let mut world = world(Weather::clear(), 1, &["alice", "bob"]);
    look(&mut world, 0);
    world.run_for(SECOND);
    world.command(1, Command::Close);
    assert!(world.run_until(SECOND / 2, |world| went(world, 0, "bob", Presence::Offline)));
    assert_eq!(world.people[1].updates.last(), Some(&Update::Closed));
}

#[test]
fn a_killed_server_loses_nothing_that_it_had_confirmed_and_stores_nothing_twice() {
    for seed in 0..30 {
        let mut world = world(Weather::office(), seed, &["alice", "bob"]);
        for i in 0..300 {
            world.say(0, format!("line {i}"));
            world.run_for(Duration::from_millis(3));
            if i == 100 + seed {
                world.kill_server();
                world.run_for(Duration::from_millis(700));
                world.start_server();
            }
        }
        let all = |world: &World| world.people.iter().all(|person| person.messages().len() >= 300) && world.people[0].posted().len() == 300;
        assert!(
            world.run_until(120 * SECOND, all),
            "seed {seed}: {:?}",
            world.people.iter().map(|p| p.messages().len()).collect::<Vec<_>>()
        );
        world.run_for(60 * SECOND);
        let lines: Vec<_> = (0..300).map(|i| format!("line {i}")).collect();
        for person in &world.people {
            assert_eq!(person.texts(), lines, "seed {seed}");
        }
        assert_eq!(world.people[0].posted().len(), 300, "seed {seed}");
    }
}

#[test]
fn idle_clients_are_back_within_45_seconds_of_a_crash() {
    let mut world = world(Weather::clear(), 1, &["alice", "bob"]);
    world.run_for(10 * SECOND);
    world.kill_server();
    world.run_for(SECOND);
    world.start_server();
    assert!(world.run_until(45 * SECOND, |world| world.people.iter().all(|person| person.caught_up() == 2)));
}

#[test]
fn a_server_that_stops_says_so_at_once_and_clients_come_back_when_it_does() {
    let mut world = world(Weather::clear(), 1, &["alice", "bob"]);
    world.run_for(SECOND);
    world.stop_server();
    assert!(world.run_until(SECOND, World::is_stopped));
    for person in &world.people {
        assert!(matches!(person.updates.last(), Some(Update::Disconnected { why: Interruption::GoingAway, .. })), "{:?}", person.updates);
    }
    world.start_server();
    assert!(world.run_until(15 * SECOND, |world| world.people.iter().all(|person| person.caught_up() == 2)));
}

#[test]
fn a_wrong_password_ends_the_attempt() {
    let mut world = world(Weather::clear(), 1, &["alice"]);
    let mallory = world.join("nobody of that name", false, Start::Now);
    assert!(world.run_until(5 * SECOND, |world| !world.people[mallory].updates.is_empty()));
    world.run_for(SECOND);
    assert_eq!(world.people[mallory].updates.last(), Some(&Update::Failed(Failure::SignIn(Refusal::WrongCredentials))));
}

/// The first person sends everybody a critical notice.
fn send_fire_drill(world: &mut World) {
    let ticket = world.ticket(0);
    let draft = NoticeDraft { confirmed: true, ..NoticeDraft::new(Severity::Critical, text("Fire drill"), vec![Audience::Everyone]) };
    world.command(0, Command::SendNotice { ticket, draft });
}

#[test]
fn a_notice_reaches_everybody_is_answered_and_waits_for_those_who_are_away() {
    for seed in 0..10 {
        let mut world = world(Weather::storm(), seed, &["admin", "alice", "bob"]);
        world.kill(2);
        send_fire_drill(&mut world);
        assert!(world.run_until(60 * SECOND, |world| world.people[1].notices().len() == 1), "seed {seed}");
        let notice = world.people[1].notices()[0].id;
        world.command(1, Command::Receipt { notice, receipt: Receipt::Answered(0) });
        let answered = |world: &World, count| {
            world.people[0].updates.iter().any(|update| matches!(update, Update::Progress { progress, .. } if progress.answered == count))
        };
        assert!(world.run_until(60 * SECOND, |world| answered(world, 1)), "seed {seed}");
        let bob = world.join("bob", false, Start::Now);
        assert!(world.run_until(60 * SECOND, |world| world.people[bob].notices().len() == 1), "seed {seed}");
        world.command(bob, Command::Receipt { notice, receipt: Receipt::Answered(0) });
        assert!(world.run_until(60 * SECOND, |world| answered(world, 2)), "seed {seed}");
        world.run_for(SECOND);
        let ask = world.ticket(0);
        world.command(0, Command::Ask { ticket: ask, request: Request::NoticeStatus { notice, view: LedgerView::default(), after: None } });
        assert!(world.run_until(60 * SECOND, |world| world.people[0].answer(ask).is_some()), "seed {seed}");
        let Some(Answer::Ledger(page)) = world.people[0].answer(ask) else { panic!("seed {seed}: no ledger") };
        let who: Vec<_> = page.people.entries.iter().map(|entry| (entry.account.as_str(), entry.answered.is_some())).collect();
        assert!(who.contains(&("alice", true)) && who.contains(&("bob", true)), "seed {seed}: {who:?}");
    }
}

/// An acknowledgement is a receipt, so nothing but the server's disk may forget one, and nothing but a program that has it may give one.
#[test]
fn whenever_the_server_is_killed_it_learns_whom_a_notice_has_reached_and_never_says_it_of_anybody_else() {
    for seed in 0..20 {
        let mut world = world(Weather::storm(), seed, &["admin", "alice", "bob", "carol"]);
        world.kill(3);
        send_fire_drill(&mut world);
        let reached = |world: &World| {
            let reached = |update: &Update| if let Update::Progress { progress, .. } = update { progress.reached } else { 0 };
            let reached = world.people[0].updates.iter().map(reached).max().unwrap_or(0);
            let have_it = world.people.iter().filter(|person| !person.notices().is_empty()).count() as u64;
            assert!(reached <= have_it, "seed {seed}: it has reached {reached} of {have_it} who have it");
            reached
        };
        // At another moment each time, before and after it is sent, acknowledged and noted.
        world.run_until(Duration::from_millis(20 * seed), |world| reached(world) > 2);
        world.kill_server();
        world.run_until(SECOND, |world| reached(world) > 2);
        world.start_server();
        world.run_until(60 * SECOND, |world| reached(world) == 2 && world.people[0].is_caught_up());
        world.run_for(SECOND);
        let notice = world.people[1].notices()[0].id;
        let ask = world.ticket(0);
        world.command(0, Command::Ask { ticket: ask, request: Request::NoticeStatus { notice, view: LedgerView::default(), after: None } });
        assert!(world.run_until(60 * SECOND, |world| world.people[0].answer(ask).is_some()), "seed {seed}");
        let Some(Answer::Ledger(page)) = world.people[0].answer(ask) else { panic!("seed {seed}: no ledger") };
        let who: Vec<_> = page.people.entries.iter().map(|entry| (entry.account.as_str(), entry.reached_at.is_some())).collect();
        assert_eq!(who, [("alice", true), ("bob", true), ("carol", false)], "seed {seed}");
    }
}

/// What somebody has seen is told to its author once it is on the disk, and a program says it until then.
#[test]
fn whenever_the_server_is_killed_it_learns_who_has_seen_a_notice() {
    for seed in 0..20 {
        let mut world = world(Weather::storm(), seed, &["admin", "alice", "bob", "carol"]);
        send_fire_drill(&mut world);
        let have_it = |world: &World| world.people[1..].iter().all(|person| !person.notices().is_empty());
        assert!(world.run_until(60 * SECOND, have_it), "seed {seed}");
        let notice = world.people[1].notices()[0].id;
        world.command(1, Command::Receipt { notice, receipt: Receipt::Visible });
        world.command(2, Command::Receipt { notice, receipt: Receipt::Locked });
        world.command(2, Command::Receipt { notice, receipt: Receipt::Visible });
        world.command(3, Command::Receipt { notice, receipt: Receipt::Locked });
        let seen = |world: &World| {
            let seen = |update: &Update| if let Update::Progress { progress, .. } = update { progress.visible } else { 0 };
            world.people[0].updates.iter().map(seen).max().unwrap_or(0)
        };
        // At another moment each time, before and after it is said, noted and answered.
        world.run_for(Duration::from_millis(8 * seed));
        let told = seen(&world);
        world.kill_server();
        world.start_server();
        let ask = world.ticket(0);
        world.command(0, Command::Ask { ticket: ask, request: Request::NoticeStatus { notice, view: LedgerView::default(), after: None } });
        assert!(world.run_until(60 * SECOND, |world| world.people[0].answer(ask).is_some()), "seed {seed}");
        let Some(Answer::Ledger(page)) = world.people[0].answer(ask) else { panic!("seed {seed}: no ledger") };
        assert!(
            page.summary.progress.visible >= told,
            "seed {seed}: it was told of {told}, and {} are noted",
            page.summary.progress.visible
        );
        world.run_for(60 * SECOND);
        let ask = world.ticket(0);
        world.command(0, Command::Ask { ticket: ask, request: Request::NoticeStatus { notice, view: LedgerView::default(), after: None } });
        assert!(world.run_until(60 * SECOND, |world| world.people[0].answer(ask).is_some()), "seed {seed}");
        let Some(Answer::Ledger(page)) = world.people[0].answer(ask) else { panic!("seed {seed}: no ledger") };
        assert_eq!(page.summary.progress.visible, 2, "seed {seed}: once each, whatever was said again");
        let gaps: Vec<_> =
            page.people.entries.iter().map(|entry| (entry.visible_at.is_some(), entry.gap.map(|gap| gap.reason()))).collect();
        let unanswered = Some(GapReason::Unanswered);
        assert_eq!(gaps, [(true, unanswered), (true, unanswered), (false, Some(GapReason::Locked))], "seed {seed}");
    }
}

#[test]
fn a_notice_that_is_withdrawn_while_a_computer_sleeps_leaves_its_screen_when_it_wakes() {
    let mut world = world(Weather::clear(), 1, &["admin", "alice"]);
    send_fire_drill(&mut world);
    assert!(world.run_until(SECOND, |world| world.people[1].notices().len() == 1));
    let notice = world.people[1].notices()[0].id;
    world.suspend(1);
    world.run_for(2 * HEARTBEAT_TIMEOUT);
    let ticket = world.ticket(0);
    world.command(0, Command::Ask { ticket, request: Request::ChangeNotice { notice, change: NoticeChange::Withdraw } });
    assert!(world.run_until(SECOND, |world| matches!(world.people[0].answer(ticket), Some(Answer::NoticeChanged(_)))));
    world.resume(1, false, true);
    let is_gone = |world: &World| world.people[1].notices().last().is_some_and(|notice| notice.state == NoticeState::Withdrawn);
    assert!(world.run_until(60 * SECOND, is_gone), "{:?}", world.people[1].notices());
}

#[test]
fn what_a_sleeping_computer_is_told_it_hears_when_it_wakes_and_its_clock_never_goes_back() {
    for (clock_stood_still, told) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut world = World::new(Weather::clear(), 1);
        let laptop = world.join("alice", true, from_the_beginning());
        world.kill_server();
        world.suspend(laptop);
        // Its clock is set, and then its program is asked to dial: one that did so now would wait for these five minutes by a clock that
        // has stood still.
        world.jump(laptop, 300 * SECOND);
        world.command(laptop, Command::Wake);
        world.say(laptop, "good morning");
        world.run_for(10 * SECOND);
        assert!(world.people[laptop].updates.is_empty(), "{:?}", world.people[laptop].updates);
        world.resume(laptop, clock_stood_still, told);
        world.run_for(SECOND);
        world.start_server();
        let is_heard = |world: &World| world.people[laptop].texts() == ["good morning"];
        assert!(world.run_until(60 * SECOND, is_heard), "stood still {clock_stood_still}, told {told}");
    }
}

#[test]
fn one_seed_is_one_story() {
    let story = |seed| {
        let mut world = world(Weather::storm(), seed, &["alice", "bob"]);
        for i in 0..50 {
            world.say(0, format!("line {i}"));
        }
        world.run_for(30 * SECOND);
        (world.now, world.people.into_iter().map(|person| person.updates).collect::<Vec<_>>())
    };
    assert_eq!(story(7), story(7));
}

#[test]
fn a_computer_that_moves_goes_on_where_it_was() {
    let news = [([192, 0, 2, 1], 50_000).into(), ([198, 51, 100, 7], 40_000).into(), ([0x2001, 0xdb8, 0, 9, 0, 0, 0, 1], 40_000).into()];
    for (seed, new) in news.into_iter().enumerate() {
        let (seed, new): (u64, SocketAddr) = (seed as u64 + 1, new);
        let mut world = world(Weather::office(), seed, &["alice", "bob"]);
        world.run_for(2 * SECOND);
        world.relocate(0, new);
        world.command(0, Command::Wake);
        world.run_for(2 * SECOND);
        world.say(1, "are you there?");
        assert!(world.run_until(SECOND, |world| world.people[0].texts() == ["are you there?"]), "{new:?}");
        world.say(0, "yes");
        assert!(world.run_until(SECOND, |world| world.people[1].texts().len() == 2), "{new:?}");
        assert_eq!(world.people[0].caught_up(), 1, "{new:?}: it had to sign in again");
        assert_eq!(world.server().map(|server| server.transport().moves), Some(1));
    }
}

#[test]
fn a_computer_with_two_network_cards_stays_one_whichever_its_system_uses() {
    for (seed, second) in [([198, 51, 100, 7], 40_000).into(), ([0x2001, 0xdb8, 0, 9, 0, 0, 0, 1], 40_000).into()].into_iter().enumerate() {
        let mut world = world(Weather::office(), seed as u64, &["alice", "bob"]);
        world.run_for(2 * SECOND);
        world.plug_in(0, second);
        for i in 0..100 {
            world.say(0, format!("alice {i}"));
            world.say(1, format!("bob {i}"));
            world.run_for(Duration::from_millis(100));
        }
        assert!(world.run_until(10 * SECOND, |world| world.people.iter().all(|person| person.messages().len() == 200)));
        world.pull_out(0);
        world.command(0, Command::Wake);
        world.say(1, "are you there?");
        assert!(world.run_until(5 * SECOND, |world| world.people[0].texts().contains(&"are you there?")));
        assert_eq!(world.people[0].caught_up(), 1, "{second}: it had to sign in again");
    }
}

#[test]
fn an_address_that_changes_often_costs_no_message() {
    let mut world = world(Weather::office(), 3, &["alice", "bob"]);
    for i in 0..200u16 {
        if i % 20 == 19 {
            world.relocate(0, ([198, 51, 100, (i / 20) as u8], 40_000 + i).into());
        }
        world.say(0, format!("alice {i}"));
        world.say(1, format!("bob {i}"));
        world.run_for(Duration::from_millis(100));
    }
    assert!(world.run_until(60 * SECOND, |world| world.people.iter().all(|person| person.messages().len() == 400)));
}

#[test]
fn whoever_sends_a_captured_datagram_from_elsewhere_gets_less_than_he_sent_and_nothing_else() {
    let mut world = world(Weather::clear(), 1, &["alice", "bob"]);
    world.run_for(2 * SECOND);
    world.tape = Some(Vec::new());
    let thief = ([203, 0, 113, 66], 6666).into();
    let home = world.address(0);
    // Alice's next datagrams never arrive; the thief has them first.
    world.set_weather(Weather { loss: 1.0, ..Weather::clear() });
    world.say(0, "mine");
    world.run_for(Duration::from_millis(1));
    let captured: Vec<_> = world.tape.take().into_iter().flatten().filter(|taped| taped.from == home).collect();
    world.tape = Some(Vec::new());
    let mut sent = 0;
    for taped in captured {
        sent += taped.bytes.len() as u64;
        world.inject(thief, taped.bytes);
    }
    world.set_weather(Weather::clear());
    world.run_for(10 * SECOND);
    let to_thief: u64 =
        world.tape.take().into_iter().flatten().filter(|taped| taped.to == thief).map(|taped| taped.bytes.len() as u64).sum();
    assert!(sent > 0 && to_thief <= sent * 3, "{to_thief} for {sent} bytes");
    world.say(1, "still here?");
    assert!(world.run_until(5 * SECOND, |world| world.people[0].texts().contains(&"still here?")));
    assert_eq!(world.server().map(|server| server.transport().moves), Some(0));
}

#[test]
fn keys_are_changed_every_hour_and_nobody_notices() {
    let mut world = world(Weather::storm(), 1, &["alice", "bob"]);
    for i in 0..720 {
        world.say(0, format!("line {i}"));
        world.run_for(15 * SECOND);
    }
    assert!(world.run_until(60 * SECOND, |world| world.people.iter().all(|person| person.messages().len() == 720)));
    let changes = world.server().map_or(0, |server| server.transport().key_changes);
    assert!((4..=8).contains(&changes), "{changes} key changes of two people in three hours");
    assert!(world.people.iter().all(|person| person.caught_up() == 1), "somebody had to connect again");
}

#[test]
fn a_server_with_a_new_identity_is_recognised_by_those_who_knew_the_old_one() {
    let mut world = world(Weather::storm(), 1, &["alice"]);
    world.run_for(SECOND);
    world.stop_server();
    assert!(world.run_until(SECOND, World::is_stopped));
    world.rotate_identity();
    world.start_server();
    assert!(world.run_until(60 * SECOND, |world| world.people[0].caught_up() == 2));
    let announced = Update::NewServerKey { key: world.server_key() };
    assert!(world.run_until(60 * SECOND, |world| world.people[0].updates.contains(&announced)));
    // From now on the new one is enough.
    world.forget_retired_identities();
    world.kill_server();
    world.start_server();
    assert!(world.run_until(60 * SECOND, |world| world.people[0].caught_up() == 3));
}

#[test]
fn a_server_with_another_identity_is_refused() {
    let mut world = world(Weather::clear(), 1, &["alice"]);
    world.kill_server();
    world.rotate_identity();
    world.forget_retired_identities();
    world.start_server();
    let refused = |world: &World| matches!(world.people[0].updates.last(), Some(Update::Failed(Failure::KeyChanged { .. })));
    assert!(world.run_until(60 * SECOND, refused), "{:?}", world.people[0].updates);
}

#[test]
fn an_answer_that_a_crash_swallowed_is_waited_for_seconds_and_not_for_the_keepalive() {
    for seed in 0..20 {
        let mut world = world(Weather::clear(), seed, &["alice"]);
        world.run_for(10 * SECOND);
        let ticket = world.say(0, "hello");
        // Acknowledged, but not stored.
        world.run_for(Duration::from_millis(1));
        world.kill_server();
        world.run_for(SECOND);
        world.start_server();
        assert!(world.run_until(10 * SECOND, |world| world.people[0].posted().contains_key(&ticket)), "seed {seed}");
    }
}

#[test]
fn a_program_whose_device_is_revoked_says_so_and_stops() {
    let mut world = world(Weather::office(), 1, &["admin"]);
    let device = world.device();
    let proof = Proof::Password { password: password("bob"), register: true, remember: true };
    let bob = world.join_with("bob", device.clone(), proof, Start::Now);
    assert!(world.run_until(30 * SECOND, |world| world.people[bob].is_caught_up()));
    let ticket = world.ticket(0);
    let request = Request::RevokeDevice { account: name("bob"), device: DeviceId::from(device.public()) };
    world.command(0, Command::Ask { ticket, request });
    let has_stopped = |world: &World| world.people[bob].updates.contains(&Update::Failed(Failure::Revoked));
    assert!(world.run_until(30 * SECOND, has_stopped), "{:?}", world.people[bob].updates.last());
}
