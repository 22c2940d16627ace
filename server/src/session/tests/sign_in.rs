//! Signing in and registering.

use std::time::Duration;

use belfry_core::chat::{Answer, Event, FromServer, Page, Place, Refusal, Request, Role, Timeline};
use belfry_core::wire::{Channel, CloseCode};

use super::world::{World, name, password};
use crate::hub::Registration;
use crate::limits::{SIGN_IN_FAILURE_WINDOW, SIGN_IN_FAILURES_PER_ADDRESS, SIGN_IN_FAILURES_PER_SESSION, SIGN_IN_WITHIN};
use crate::passwords::{PasswordDone, PasswordOutcome, PasswordWork};

#[test]
fn who_registers_is_welcomed_and_told_of_the_lobby() {
    let mut world = World::new();
    let alice = world.connect();
    let request = Request::Register { account: name("Alice"), password: password("x"), remember: false };
    world.send(alice, request);
    let heard = world.heard(alice);
    let welcome = Answer::Welcome { account: name("Alice"), role: Role::Member, now: world.now.wall, timeline: Timeline::FIRST };
    assert_eq!(heard[0].channel, Channel::Control);
    assert!(matches!(&heard[0].message, FromServer::Reply { result: Ok(answer), .. } if *answer == welcome), "{heard:?}");
    match &heard[1].message {
        FromServer::Event(Event::Conversations(Page { entries: conversations, more: false })) => {
            assert_eq!(conversations.iter().map(|known| known.place.clone()).collect::<Vec<_>>(), [Place::lobby()]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_registered_account_signs_in_again_in_any_case_of_its_name() {
    let mut world = World::new();
    world.register("alice");
    let again = world.connect();
    assert!(matches!(world.try_sign_in(again, "ALICE", "alice"), Ok(Answer::Welcome { account, .. }) if account == name("alice")));
}

#[test]
fn an_unknown_account_and_a_wrong_password_look_the_same() {
    let mut world = World::new();
    world.register("alice");
    let steps = |world: &mut World, who| {
        world.slow_store = Some(Default::default());
        let before = world.verified;
        let peer = world.connect();
        let id = world.send(peer, Request::SignIn { account: name(who), password: password("guess"), remember: false });
        assert_eq!(world.answer(peer, id), None, "nothing before the store has been asked");
        let mut jobs = 0;
        while world.store_one() {
            jobs += 1;
        }
        world.slow_store = None;
        (world.answer(peer, id), jobs, world.verified - before)
    };
    assert_eq!(steps(&mut world, "alice"), (Some(Err(Refusal::WrongCredentials)), 1, 1));
    assert_eq!(steps(&mut world, "nobody"), (Some(Err(Refusal::WrongCredentials)), 1, 1));
}

#[test]
fn nothing_but_signing_in_is_possible_before_signing_in() {
    let mut world = World::new();
    let stranger = world.connect();
    let post = world.post(Place::lobby(), "hello");
    for request in [post, Request::Who { after: None }, Request::Status, Request::Sync] {
        assert_eq!(world.ask(stranger, request), Err(Refusal::SignInFirst));
    }
}

#[test]
fn a_second_sign_in_on_one_session_is_a_fault_of_the_client() {
    let mut world = World::new();
    let alice = world.register("alice");
    assert_eq!(world.try_sign_in(alice, "alice", "alice"), Err(Refusal::AlreadySignedIn));
}

#[test]
fn a_taken_name_is_refused_before_it_is_hashed() {
    let mut world = World::new();
    world.register("alice");
    let other = world.connect();
    assert_eq!(
        world.ask(other, Request::Register { account: name("ALICE"), password: password("x"), remember: false }),
        Err(Refusal::NameTaken)
    );
}

#[test]
fn of_two_who_register_one_name_at_once_one_gets_it() {
    let mut world = World::new();
    let (one, other) = (world.connect(), world.connect());
    world.slow_store = Some(Default::default());
    let first = world.send(one, Request::Register { account: name("alice"), password: password("x"), remember: false });
    let second = world.send(other, Request::Register { account: name("Alice"), password: password("y"), remember: false });
    while world.store_one() {}
    assert!(matches!(world.answer(one, first), Some(Ok(Answer::Welcome { .. }))));
    assert_eq!(world.answer(other, second), Some(Err(Refusal::NameTaken)));
}

#[test]
fn closed_registration_is_closed() {
    let mut world = World::with_registration(Registration::Closed);
    let stranger = world.connect();
    let request = Request::Register { account: name("alice"), password: password("x"), remember: false };
    assert_eq!(world.ask(stranger, request), Err(Refusal::RegistrationClosed));
}

#[test]
fn after_five_wrong_passwords_the_connection_is_closed() {
    let mut world = World::new();
    let stranger = world.connect();
    for _ in 0..SIGN_IN_FAILURES_PER_SESSION {
        assert_eq!(world.closed.get(&stranger), None);
        assert_eq!(world.try_sign_in(stranger, "alice", "guess"), Err(Refusal::WrongCredentials));
    }
    assert_eq!(world.closed.get(&stranger), Some(&CloseCode::RATE_LIMITED));
}

#[test]
fn an_address_that_guesses_is_refused_for_a_minute_even_the_right_password() {
    let mut world = World::new();
    world.register("alice");
    let guesser = "192.0.2.7".parse().unwrap();
    for number in 0..SIGN_IN_FAILURES_PER_ADDRESS {
        let peer = world.connect_from(guesser);
        assert_eq!(world.try_sign_in(peer, &format!("account {number}"), "guess"), Err(Refusal::WrongCredentials));
    }
    let peer = world.connect_from(guesser);
    assert_eq!(world.try_sign_in(peer, "alice", "alice"), Err(Refusal::TooManyRequests));
    let elsewhere = world.connect_from("192.0.2.8".parse().unwrap());
    assert!(world.try_sign_in(elsewhere, "alice", "alice").is_ok());
    world.pass(SIGN_IN_FAILURE_WINDOW);
    let peer = world.connect_from(guesser);
    assert!(world.try_sign_in(peer, "alice", "alice").is_ok());
}

#[test]
fn a_connection_on_which_nobody_signs_in_is_closed() {
    let mut world = World::new();
    let (stranger, alice) = (world.connect(), world.register("alice"));
    world.pass(SIGN_IN_WITHIN - Duration::from_millis(1));
    assert_eq!(world.closed.get(&stranger), None);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.closed.get(&stranger), Some(&CloseCode::AUTH_REQUIRED));
    assert_eq!(world.closed.get(&alice), None);
}

#[test]
fn who_waits_for_a_slow_server_at_the_door_is_not_sent_away() {
    let mut world = World::new();
    world.register("alice");
    world.slow_store = Some(Default::default());
    let alice = world.connect();
    let id = world.send(alice, Request::SignIn { account: name("alice"), password: password("alice"), remember: false });
    world.pass(SIGN_IN_WITHIN + Duration::from_secs(1));
    while world.store_one() {}
    assert!(matches!(world.answer(alice, id), Some(Ok(Answer::Welcome { .. }))));
    assert_eq!(world.closed.get(&alice), None);
}

#[test]
fn what_is_no_message_ends_the_connection_and_is_counted() {
    let mut world = World::new();
    let alice = world.register("alice");
    world.sessions.handle_message(world.now, alice, Channel::Chat, b"\x01nonsense", 0);
    world.settle();
    assert_eq!(world.closed.get(&alice), Some(&CloseCode::PROTOCOL_VIOLATION));
    assert_eq!(world.sessions.observed().undecodable, 1);
}

#[test]
fn a_client_that_leaves_while_it_signs_in_is_never_here() {
    let mut world = World::new();
    let bob = world.register("bob");
    let alice = world.register("alice");
    world.gone(alice);
    world.pass(Duration::from_secs(1));
    world.heard(bob);
    world.slow_store = Some(Default::default());
    let alice = world.connect();
    world.send(alice, Request::SignIn { account: name("alice"), password: password("alice"), remember: false });
    assert!(world.store_one());
    world.gone(alice);
    while world.store_one() {}
    world.pass(Duration::from_secs(1));
    assert_eq!(world.events(bob), []);
}

#[test]
fn who_is_shut_out_while_they_sign_in_is_refused_and_may_try_again_later() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    world.slow_store = Some(Default::default());
    let alice = world.connect();
    let sign_in = || Request::SignIn { account: name("alice"), password: password("alice"), remember: false };
    let set_disabled = |disabled| Request::SetDisabled { account: name("alice"), disabled, confirmed: true };
    let refused = world.send(alice, sign_in());
    world.send(admin, set_disabled(true));
    while world.store_one() {}
    assert_eq!(world.answer(alice, refused), Some(Err(Refusal::AccountDisabled)));
    world.slow_store = None;
    world.ask(admin, set_disabled(false)).unwrap();
    assert!(matches!(world.ask(alice, sign_in()), Ok(Answer::Welcome { .. })));
}

#[test]
fn who_asks_twice_while_they_sign_in_is_told_to_wait() {
    let mut world = World::new();
    world.register("alice");
    world.slow_store = Some(Default::default());
    let alice = world.connect();
    let [first, second] =
        [(); 2].map(|()| world.send(alice, Request::SignIn { account: name("alice"), password: password("alice"), remember: false }));
    assert_eq!((world.answer(alice, first), world.answer(alice, second)), (None, Some(Err(Refusal::Busy))));
    assert_eq!(world.ask(alice, Request::Who { after: None }), Err(Refusal::SignInFirst), "and with anything else to sign in");
    while world.store_one() {}
    assert!(matches!(world.answer(alice, first), Some(Ok(Answer::Welcome { .. }))));
}

#[test]
fn who_signs_in_while_somebody_elses_password_changes_does_not_notice() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    world.register("bob");
    // So far bob has come when the change is handed in, and whether it is committed before what he waits for.
    for (steps, overtakes) in [(0, false), (0, true), (1, false), (1, true)] {
        world.slow_store = Some(Default::default());
        let bob = world.connect();
        let asked = world.send(bob, Request::SignIn { account: name("bob"), password: password("bob"), remember: false });
        for _ in 0..steps {
            world.store_one();
        }
        world.send(admin, Request::SetPassword { account: name("alice"), password: password("new"), keep_sessions: false });
        world.slow_store.as_mut().unwrap().rotate_right(usize::from(overtakes));
        while world.store_one() {}
        world.slow_store = None;
        assert!(matches!(world.answer(bob, asked), Some(Ok(Answer::Welcome { .. }))), "{steps}, {overtakes}");
        assert_eq!(world.closed.get(&bob), None);
    }
    world.slow_passwords = Some(Default::default());
    let bob = world.connect();
    let asked = world.send(bob, Request::SignIn { account: name("bob"), password: password("bob"), remember: false });
    world.send(admin, Request::SetPassword { account: name("alice"), password: password("newer"), keep_sessions: false });
    world.slow_passwords.as_mut().unwrap().rotate_right(1);
    while world.look_at_one() {}
    assert!(matches!(world.answer(bob, asked), Some(Ok(Answer::Welcome { .. }))), "while it is compared");
}

#[test]
fn so_many_passwords_are_handed_out_at_a_time_as_there_are_threads() {
    let mut world = World::new();
    world.register("alice");
    world.sessions.set_hashes_at_once(1);
    world.slow_passwords = Some(Default::default());
    let asked = [(); 2].map(|()| {
        let peer = world.connect();
        (peer, world.send(peer, Request::SignIn { account: name("alice"), password: password("alice"), remember: false }))
    });
    for (peer, id) in asked {
        assert_eq!(world.slow_passwords.as_ref().map(|jobs| jobs.len()), Some(1));
        world.look_at_one();
        assert!(matches!(world.answer(peer, id), Some(Ok(Answer::Welcome { .. }))));
    }
}

#[test]
fn a_password_that_is_right_as_it_was_typed_lets_in_and_its_hash_is_renewed() {
    let mut world = World::new();
    world.register("alice");
    world.slow_passwords = Some(Default::default());
    let hash_for = |world: &mut World| {
        let peer = world.connect();
        let id = world.send(peer, Request::SignIn { account: name("alice"), password: password("alice"), remember: false });
        let job = world.slow_passwords.as_mut().and_then(|jobs| jobs.pop_front()).unwrap();
        let PasswordWork::Verify { hash, .. } = job.work else { panic!() };
        (peer, id, job.ticket, hash)
    };
    let (peer, id, ticket, _) = hash_for(&mut world);
    let result = Ok(PasswordOutcome::RightAsTyped("renewed".into()));
    world.sessions.handle_password(world.now, PasswordDone { ticket, result });
    world.settle();
    assert!(matches!(world.answer(peer, id), Some(Ok(Answer::Welcome { .. }))));
    assert_eq!(hash_for(&mut world).3, Some("renewed".into()));
}
