//! Devices: signing in without the password, the list, and revoking one.

use std::net::{IpAddr, Ipv4Addr};

use belfry_core::chat::{Answer, Device, DeviceId, Refusal, Request};
use belfry_core::connection::CloseCode;
use belfry_core::endpoint::PeerId;

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
    match world.ask(asker, Request::ListDevices { account: name(account) }) {
        Ok(Answer::Devices(devices)) => devices,
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
fn a_disabled_account_is_not_entered_by_device_either() {
    let (mut world, admin) = World::with_admin();
    remembered(&mut world);
    world.ask(admin, Request::SetDisabled { account: name("alice"), disabled: true }).unwrap();
    let laptop = world.connect_with(LAPTOP, HOME);
    assert_eq!(by_device(&mut world, laptop, "alice"), Err(Refusal::AccountDisabled));
}

#[test]
fn a_revoked_device_is_out_at_once_and_cannot_connect_again() {
    let (mut world, admin) = World::with_admin();
    let laptop = remembered(&mut world);
    let stranger = world.connect_with(LAPTOP, HOME);
    let revoke = Request::RevokeDevice { account: name("alice"), device: LAPTOP };
    assert_eq!(world.ask(admin, revoke), Ok(Answer::Done));
    for peer in [laptop, stranger] {
        assert_eq!(world.closed.get(&peer), Some(&CloseCode::DEVICE_REVOKED));
    }
    let again = world.connect_with(LAPTOP, HOME);
    assert_eq!(world.closed.get(&again), Some(&CloseCode::DEVICE_REVOKED));
    world.restart();
    let again = world.connect_with(LAPTOP, HOME);
    assert_eq!(world.closed.get(&again), Some(&CloseCode::DEVICE_REVOKED));
    world.sign_in("alice");
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
    assert_eq!(world.ask(bob, Request::ListDevices { account: name("alice") }), Err(Refusal::AdminOnly));
    let revoke = Request::RevokeDevice { account: name("alice"), device: LAPTOP };
    assert_eq!(world.ask(bob, revoke.clone()), Err(Refusal::AdminOnly));
    let unknown = Request::RevokeDevice { account: name("alice"), device: DeviceId([1; 32]) };
    assert_eq!(world.ask(laptop, unknown), Err(Refusal::NoSuchDevice));
    world.send(laptop, revoke);
    assert_eq!(world.closed.get(&laptop), Some(&CloseCode::DEVICE_REVOKED));
}
