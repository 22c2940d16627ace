//! Devices: signing in without the password, the list, and revoking one.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use belfry_core::chat::{Answer, Device, DeviceId, Page, Refusal, Request};
use belfry_core::endpoint::PeerId;
use belfry_core::wire::CloseCode;

use super::world::{World, name, password};

const LAPTOP: DeviceId = DeviceId([77; 32]);
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// alice's laptop signs in with her password and asks to be remembered.
fn remembered(world: &mut World) -> PeerId {
    world.register("alice");
    let laptop = world.connect_with(LAPTOP, HOME);
    let request = Request::SignIn { account: name("alice"), password: password("alice"), remember: true };
    world.ask(laptop, request).unwrap();
    laptop
}

fn by_device(world: &mut World, peer: PeerId, account: &str) -> Result<Answer, Refusal> {
    world.ask(peer, Request::SignInByDevice { account: name(account) })
}

fn devices(world: &mut World, asker: PeerId, account: &str) -> Vec<Device> {
    match world.ask(asker, Request::ListDevices { account: name(account), after: None }) {
        Ok(Answer::Devices(Page { entries: devices, more: false })) => devices,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_remembered_device_signs_in_without_the_password_also_after_a_restart() {
    let mut world = World::new();
    let laptop = remembered(&mut world);
    world.gone(laptop);
    world.restart();
    let laptop = world.connect_with(LAPTOP, HOME);
    assert!(matches!(by_device(&mut world, laptop, "Alice"), Ok(Answer::Welcome { .. })));
    assert_eq!(world.verified, 1);
}

#[test]
fn a_device_that_is_not_remembered_or_another_accounts_is_refused_alike() {
    let mut world = World::new();
    remembered(&mut world);
    world.register("bob");
    let stranger = world.connect();
    assert_eq!(by_device(&mut world, stranger, "alice"), Err(Refusal::UnknownDevice));
    let laptop = world.connect_with(LAPTOP, HOME);
    assert_eq!(by_device(&mut world, laptop, "bob"), Err(Refusal::UnknownDevice));
    assert_eq!(by_device(&mut world, laptop, "nobody"), Err(Refusal::UnknownDevice));
}

#[test]
fn a_disabled_account_is_not_entered_by_device_either_and_only_a_device_that_it_knows_hears_so() {
    let (mut world, admin) = World::with_admin();
    remembered(&mut world);
    world.ask(admin, Request::SetDisabled { account: name("alice"), disabled: true, confirmed: false }).unwrap();
    let laptop = world.connect_with(LAPTOP, HOME);
    assert_eq!(by_device(&mut world, laptop, "alice"), Err(Refusal::AccountDisabled));
    let stranger = world.connect();
    assert_eq!(by_device(&mut world, stranger, "alice"), Err(Refusal::UnknownDevice));
}

#[test]
fn a_revoked_device_is_out_at_once_and_cannot_sign_in_again() {
    let (mut world, admin) = World::with_admin();
    let laptop = remembered(&mut world);
    let revoke = Request::RevokeDevice { account: name("alice"), device: LAPTOP };
    assert_eq!(world.ask(admin, revoke), Ok(Answer::Done));
    assert_eq!(world.closed.get(&laptop), Some(&CloseCode::DEVICE_REVOKED));
    for _ in 0..2 {
        let again = world.connect_with(LAPTOP, HOME);
        world.send(again, Request::SignInByDevice { account: name("alice") });
        assert_eq!(world.closed.get(&again), Some(&CloseCode::DEVICE_REVOKED));
        let again = world.connect_with(LAPTOP, HOME);
        world.send(again, Request::SignIn { account: name("alice"), password: password("alice"), remember: true });
        assert_eq!(world.closed.get(&again), Some(&CloseCode::DEVICE_REVOKED));
        let guesses = world.connect_with(LAPTOP, HOME);
        assert_eq!(world.try_sign_in(guesses, "alice", "a guess"), Err(Refusal::WrongCredentials));
        world.restart();
    }
    world.sign_in("alice");
}

#[test]
fn one_accounts_revoked_device_is_still_anothers() {
    let mut world = World::new();
    let alice = remembered(&mut world);
    world.register("bob");
    let bob = world.connect_with(LAPTOP, HOME);
    world.ask(bob, Request::SignIn { account: name("bob"), password: password("bob"), remember: true }).unwrap();
    world.send(alice, Request::RevokeDevice { account: name("alice"), device: LAPTOP });
    assert_eq!(world.closed.get(&alice), Some(&CloseCode::DEVICE_REVOKED));
    assert_eq!(world.closed.get(&bob), None);
    world.restart();
    let bob = world.connect_with(LAPTOP, HOME);
    assert!(matches!(by_device(&mut world, bob, "bob"), Ok(Answer::Welcome { .. })));
}

#[test]
fn a_new_password_of_ones_own_ends_the_other_sessions_and_what_other_devices_know() {
    let mut world = World::new();
    let laptop = remembered(&mut world);
    let other = world.connect_with(DeviceId([78; 32]), HOME);
    world.ask(other, Request::SignIn { account: name("alice"), password: password("alice"), remember: true }).unwrap();
    let change = Request::SetPassword { account: name("alice"), password: password("new"), keep_sessions: false };
    assert_eq!(world.ask(laptop, change), Ok(Answer::Done));
    assert_eq!((world.closed.get(&laptop), world.closed.get(&other)), (None, Some(&CloseCode::PASSWORD_CHANGED)));
    world.restart();
    let laptop = world.connect_with(LAPTOP, HOME);
    assert!(by_device(&mut world, laptop, "alice").is_ok(), "the device at which it was changed");
    let other = world.connect_with(DeviceId([78; 32]), HOME);
    assert_eq!(by_device(&mut world, other, "alice"), Err(Refusal::UnknownDevice));
    assert!(world.try_sign_in(other, "alice", "new").is_ok());
}

#[test]
fn an_administrators_reset_ends_every_session_unless_told_otherwise() {
    let (mut world, admin) = World::with_admin();
    let laptop = remembered(&mut world);
    let reset = |keep_sessions| Request::SetPassword { account: name("alice"), password: password("new"), keep_sessions };
    assert_eq!(world.ask(admin, reset(true)), Ok(Answer::Done));
    assert_eq!(world.closed.get(&laptop), None);
    assert_eq!(world.ask(admin, reset(false)), Ok(Answer::Done));
    assert_eq!((world.closed.get(&laptop), world.closed.get(&admin)), (Some(&CloseCode::PASSWORD_CHANGED), None));
    let laptop = world.connect_with(LAPTOP, HOME);
    assert_eq!(by_device(&mut world, laptop, "alice"), Err(Refusal::UnknownDevice));
}

#[test]
fn whoever_signs_in_while_the_password_changes_needs_the_new_one() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    world.slow_store = Some(Default::default());
    let thief = world.connect();
    let sign_in = Request::SignIn { account: name("alice"), password: password("alice"), remember: true };
    world.send(admin, Request::SetPassword { account: name("alice"), password: password("new"), keep_sessions: false });
    let asked = world.send(thief, sign_in);
    while world.store_one() {}
    assert!(!matches!(world.answer(thief, asked), Some(Ok(_))));
    world.slow_store = None;
    let again = world.connect();
    assert_eq!(world.try_sign_in(again, "alice", "alice"), Err(Refusal::WrongCredentials));
}

#[test]
fn the_list_of_devices_says_which_are_here_and_from_where() {
    let (mut world, admin) = World::with_admin();
    let laptop = remembered(&mut world);
    let find = |listed: Vec<Device>| listed.into_iter().find(|device| device.device == LAPTOP).unwrap();
    let here = find(devices(&mut world, admin, "alice"));
    assert!(here.connected && here.remembered && here.address.is_some());
    world.gone(laptop);
    let gone = find(devices(&mut world, admin, "alice"));
    assert_eq!((gone.connected, gone.last_seen), (false, world.now.wall));
}

#[test]
fn a_member_sees_and_revokes_only_their_own_devices() {
    let mut world = World::new();
    let laptop = remembered(&mut world);
    let bob = world.register("bob");
    assert!(!devices(&mut world, laptop, "alice").is_empty());
    assert_eq!(world.ask(bob, Request::ListDevices { account: name("alice"), after: None }), Err(Refusal::AdminOnly));
    let revoke = Request::RevokeDevice { account: name("alice"), device: LAPTOP };
    assert_eq!(world.ask(bob, revoke.clone()), Err(Refusal::AdminOnly));
    let unknown = Request::RevokeDevice { account: name("alice"), device: DeviceId([1; 32]) };
    assert_eq!(world.ask(laptop, unknown), Err(Refusal::NoSuchDevice));
    world.send(laptop, revoke);
    assert_eq!(world.closed.get(&laptop), Some(&CloseCode::DEVICE_REVOKED));
}

#[test]
fn a_device_that_is_revoked_while_it_signs_in_does_not_get_in() {
    let (mut world, admin) = World::with_admin();
    let laptop = remembered(&mut world);
    world.gone(laptop);
    let laptop = world.connect_with(LAPTOP, HOME);
    world.slow_store = Some(Default::default());
    let asked = world.send(laptop, Request::SignInByDevice { account: name("alice") });
    world.send(admin, Request::RevokeDevice { account: name("alice"), device: LAPTOP });
    assert!(world.waiting_work().unwrap().starts_with("LookUp"), "it is known when it is looked up");
    while world.store_one() {}
    assert_eq!(world.answer(laptop, asked), Some(Err(Refusal::UnknownDevice)));
}

#[test]
fn a_device_that_the_account_is_to_forget_is_not_let_in_ahead_of_that() {
    let (mut world, admin) = World::with_admin();
    let laptop = remembered(&mut world);
    world.gone(laptop);
    let laptop = world.connect_with(LAPTOP, HOME);
    world.slow_store = Some(Default::default());
    let asked = world.send(laptop, Request::SignInByDevice { account: name("alice") });
    world.send(admin, Request::SetPassword { account: name("Alice"), password: password("new"), keep_sessions: false });
    while world.store_one() {}
    assert_eq!(world.answer(laptop, asked), Some(Err(Refusal::Busy)));
    let again = world.send(laptop, Request::SignInByDevice { account: name("alice") });
    while world.store_one() {}
    assert_eq!(world.answer(laptop, again), Some(Err(Refusal::UnknownDevice)));
}

#[test]
fn a_device_that_is_here_was_last_seen_now_and_one_that_has_gone_when_it_went() {
    let mut world = World::new();
    let laptop = remembered(&mut world);
    let alice = world.sign_in("alice");
    world.pass(Duration::from_secs(60));
    let went = world.now.wall;
    world.gone(laptop);
    world.pass(Duration::from_secs(60));
    let seen: Vec<_> = devices(&mut world, alice, "alice").iter().map(|device| (device.connected, device.last_seen)).collect();
    assert!(seen.contains(&(true, world.now.wall)) && seen.contains(&(false, went)), "{seen:?}");
}

#[test]
fn an_administrators_reset_is_asked_for_also_at_the_computer_where_they_made_it() {
    let (mut world, _) = World::with_admin();
    let alice = remembered(&mut world);
    world.gone(alice);
    let admin = world.connect_with(LAPTOP, HOME);
    world.try_sign_in(admin, "admin", "admin").unwrap();
    world.ask(admin, Request::SetPassword { account: name("alice"), password: password("new"), keep_sessions: false }).unwrap();
    let laptop = world.connect_with(LAPTOP, HOME);
    assert_eq!(by_device(&mut world, laptop, "alice"), Err(Refusal::UnknownDevice));
}
