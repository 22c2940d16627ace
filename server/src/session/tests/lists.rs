//! Who hears that there is something else to be listed.

use std::time::Duration;

use belfry_core::chat::{Answer, Event, GroupName, ListVersions, Presentity, Request, Role, RoomName};
use belfry_core::endpoint::PeerId;

use super::world::{World, name, password};
use crate::limits::LISTS_INTERVAL;

const LISTS: &[Presentity] = &[Presentity::Lists];

fn watch(world: &mut World, peer: PeerId, whom: &[Presentity]) -> ListVersions {
    match world.ask(peer, Request::Watch { whom: whom.to_vec(), since: 0 }) {
        Ok(Answer::Watching { lists, .. }) => lists,
        other => panic!("{other:?}"),
    }
}

fn told(world: &mut World, peer: PeerId) -> Vec<ListVersions> {
    world
        .events(peer)
        .into_iter()
        .filter_map(|event| if let Event::Lists { versions, .. } = event { Some(versions) } else { None })
        .collect()
}

fn make(world: &mut World, admin: PeerId, account: &str) {
    world.ask(admin, Request::AddUser { account: name(account), password: password("anybody"), role: Role::Member }).unwrap();
}

#[test]
fn who_shows_lists_hears_what_kind_has_changed_and_who_shows_none_hears_nothing() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    watch(&mut world, bob, &[Presentity::Everyone]);
    let before = watch(&mut world, alice, LISTS);
    assert_eq!((before.accounts, before.rooms), (2, 0), "alice and bob");
    make(&mut world, admin, "carol");
    world.pass(LISTS_INTERVAL);
    assert_eq!(told(&mut world, alice), [ListVersions { accounts: 3, ..before }]);
    world.ask(admin, Request::CreateRoom { room: RoomName::new("attic").unwrap(), private: false }).unwrap();
    world.pass(LISTS_INTERVAL);
    assert_eq!(told(&mut world, alice), [ListVersions { accounts: 3, rooms: 1, ..before }]);
    assert_eq!(told(&mut world, bob), []);
    watch(&mut world, alice, &[]);
    make(&mut world, admin, "dora");
    world.pass(LISTS_INTERVAL);
    assert_eq!(told(&mut world, alice), []);
    assert_eq!(watch(&mut world, alice, LISTS).accounts, 4, "and is told when they look again");
}

#[test]
fn of_groups_and_notices_only_administrators_hear() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    watch(&mut world, admin, LISTS);
    watch(&mut world, alice, LISTS);
    world.pass(LISTS_INTERVAL);
    let group = GroupName::new("wardens").unwrap();
    world.ask(admin, Request::AddToGroup { group, members: vec![name("alice")] }).unwrap();
    world.pass(LISTS_INTERVAL);
    assert_eq!(told(&mut world, admin).last().map(|versions| versions.groups), Some(1));
    assert_eq!(told(&mut world, alice), []);
}

#[test]
fn many_changes_are_told_together() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    watch(&mut world, alice, LISTS);
    for n in 0..20 {
        make(&mut world, admin, &format!("person {n}"));
    }
    world.pass(LISTS_INTERVAL * 3);
    let told = told(&mut world, alice);
    assert!(told.len() <= 2, "{told:?}");
    assert_eq!(told.last().map(|versions| versions.accounts), Some(21));
}

#[test]
fn what_is_refused_changes_no_list() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    watch(&mut world, alice, LISTS);
    world.ask(admin, Request::AddUser { account: name("alice"), password: password("anybody"), role: Role::Member }).unwrap_err();
    world.pass(Duration::from_secs(5));
    assert_eq!(told(&mut world, alice), []);
}
