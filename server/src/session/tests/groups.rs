//! Groups: who may make them, and whom a notice to one reaches.

use belfry_core::chat::{Answer, Audience, GroupName, Page, Preview, Refusal, Request};
use belfry_core::endpoint::PeerId;

use super::notices::{draft, notices, send};
use super::world::{World, name};
use crate::limits::GROUP_MEMBERS_PER_REQUEST_MAX;

fn nurses() -> GroupName {
    "nurses".parse().unwrap()
}

fn add(world: &mut World, admin: PeerId, members: &[&str]) -> Result<Answer, Refusal> {
    world.ask(admin, Request::AddToGroup { group: nurses(), members: members.iter().map(|member| name(member)).collect() })
}

fn members(world: &mut World, admin: PeerId) -> Result<Vec<String>, Refusal> {
    match world.ask(admin, Request::GroupMembers { group: nurses(), after: None })? {
        Answer::People(Page { entries: people, more: false }) => Ok(people.iter().map(|person| person.account.to_string()).collect()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_notice_to_a_group_and_to_one_of_its_members_reaches_each_once() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob, carol) = (world.register("alice"), world.register("bob"), world.register("carol"));
    assert_eq!(add(&mut world, admin, &["alice", "BOB"]), Ok(Answer::Done));
    send(&mut world, admin, draft(vec![Audience::Group(nurses()), Audience::Account(name("bob"))]));
    let counts = [alice, bob, carol].map(|peer| notices(&mut world, peer).len());
    assert_eq!(counts, [1, 1, 0]);
}

#[test]
fn a_group_changes_and_outlives_a_restart() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    world.register("bob");
    add(&mut world, admin, &["alice", "bob"]).unwrap();
    let leave = Request::RemoveFromGroup { group: nurses(), members: vec![name("alice")], confirmed: false };
    assert_eq!(world.ask(admin, leave), Ok(Answer::Done));
    assert_eq!(members(&mut world, admin), Ok(vec!["bob".to_owned()]));
    world.restart();
    let admin = world.sign_in("admin");
    assert_eq!(members(&mut world, admin), Ok(vec!["bob".to_owned()]));
    assert_eq!(world.ask(admin, Request::RemoveFromGroup { group: nurses(), members: vec![], confirmed: false }), Ok(Answer::Done));
    assert_eq!(members(&mut world, admin), Err(Refusal::UnknownGroup));
}

#[test]
fn a_group_is_refused_with_the_reason() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    assert_eq!(add(&mut world, alice, &["alice"]), Err(Refusal::AdminOnly));
    assert_eq!(add(&mut world, admin, &["nobody"]), Err(Refusal::UnknownAccount));
    assert_eq!(add(&mut world, admin, &vec!["alice"; GROUP_MEMBERS_PER_REQUEST_MAX + 1]), Err(Refusal::TooMany));
    let dissolve = Request::RemoveFromGroup { group: nurses(), members: vec![], confirmed: false };
    assert_eq!(world.ask(admin, dissolve), Err(Refusal::UnknownGroup));
}

#[test]
fn a_preview_counts_who_is_here_who_was_and_who_never_was() {
    let (mut world, admin) = World::with_admin();
    let (_alice, bob) = (world.register("alice"), world.register("bob"));
    world.gone(bob);
    let password = super::world::password("x");
    world.ask(admin, Request::AddUser { account: name("carol"), password, role: belfry_core::chat::Role::Member }).unwrap();
    let preview = world.ask(admin, Request::PreviewNotice { audience: vec![Audience::Everyone] });
    assert_eq!(preview, Ok(Answer::Preview(Preview { people: 3, online: 1, offline: 1, never: 1, everyone: true })));
    let nobody = world.ask(admin, Request::PreviewNotice { audience: vec![] });
    assert_eq!(nobody, Err(Refusal::EmptyAudience));
}
