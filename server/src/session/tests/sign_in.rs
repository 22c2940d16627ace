//! Signing in and registering.

use std::time::Duration;

use belfry_core::chat::{Answer, Event, FromServer, Page, Place, Refusal, Request, Role};
use belfry_core::wire::{Channel, CloseCode};

use super::world::{World, name, password};
use crate::hub::Registration;
use crate::limits::{SIGN_IN_FAILURE_WINDOW, SIGN_IN_FAILURES_PER_ADDRESS, SIGN_IN_FAILURES_PER_SESSION, SIGN_IN_WITHIN};

#[test]
fn who_registers_is_welcomed_and_told_of_the_lobby() {
    let mut world = World::new();
    let alice = world.connect();
    let request = Request::Register { account: name("Alice"), password: password("x"), remember: false };
    world.send(alice, request);
    let heard = world.heard(alice);
    let welcome = Answer::Welcome { account: name("Alice"), role: Role::Member, now: world.now.wall };
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
