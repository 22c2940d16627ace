//! What administrators may do, and when they stop being ones.

use belfry_core::chat::{Answer, Page, Refusal, Request, Role};
use belfry_core::wire::CloseCode;

use super::world::{World, name, password};

fn set_role(who: &str, role: Role) -> Request {
    Request::SetRole { account: name(who), role, confirmed: false }
}

fn set_disabled(who: &str, disabled: bool) -> Request {
    Request::SetDisabled { account: name(who), disabled, confirmed: false }
}

#[test]
fn a_member_may_do_nothing_of_it() {
    let mut world = World::new();
    let alice = world.register("alice");
    for request in [
        Request::AddUser { account: name("x"), password: password("x"), role: Role::Admin },
        Request::ListUsers { after: None },
        Request::SetPassword { account: name("x"), password: password("x"), keep_sessions: false },
        set_role("alice", Role::Admin),
        set_disabled("alice", true),
        Request::ListNotices { before: None, text: None },
        Request::Status,
    ] {
        assert_eq!(world.ask(alice, request), Err(Refusal::AdminOnly));
    }
}

#[test]
fn an_account_that_an_administrator_made_signs_in() {
    let (mut world, admin) = World::with_admin();
    let add = Request::AddUser { account: name("bob"), password: password("bob"), role: Role::Member };
    assert_eq!(world.ask(admin, add.clone()), Ok(Answer::Done));
    assert_eq!(world.ask(admin, add), Err(Refusal::NameTaken));
    world.sign_in("bob");
}

#[test]
fn a_disabled_accounts_sessions_end_at_once_and_it_cannot_come_back() {
    let (mut world, admin) = World::with_admin();
    let sessions = [world.register("alice"), world.sign_in("alice")];
    assert_eq!(world.ask(admin, set_disabled("alice", true)), Ok(Answer::Done));
    for peer in sessions {
        assert_eq!(world.closed.get(&peer), Some(&CloseCode::USER_LOCKED));
    }
    let peer = world.connect();
    assert_eq!(world.try_sign_in(peer, "alice", "guess"), Err(Refusal::WrongCredentials), "nobody learns it without the password");
    assert_eq!(world.try_sign_in(peer, "alice", "alice"), Err(Refusal::AccountDisabled));
    assert_eq!(world.ask(admin, set_disabled("alice", false)), Ok(Answer::Done));
    world.sign_in("alice");
}

#[test]
fn an_account_that_is_disabled_while_it_signs_in_does_not_get_in() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.gone(alice);
    world.slow_store = Some(Default::default());
    let alice = world.connect();
    let id = world.send(alice, Request::SignIn { account: name("alice"), password: password("alice"), remember: false });
    world.send(admin, set_disabled("alice", true));
    // The hash is read before the change, and what she comes back to after it.
    while world.store_one() {}
    assert_eq!(world.answer(alice, id), Some(Err(Refusal::AccountDisabled)));
}

#[test]
fn an_account_that_is_disabled_just_after_it_signed_in_is_put_out() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.slow_store = Some(Default::default());
    world.gone(alice);
    let alice = world.connect();
    world.send(alice, Request::SignIn { account: name("alice"), password: password("alice"), remember: false });
    assert!(world.store_one(), "the note that she left");
    assert!(world.store_one(), "her hash");
    world.send(admin, set_disabled("alice", true));
    while world.store_one() {}
    assert_eq!(world.closed.get(&alice), Some(&CloseCode::USER_LOCKED));
}

#[test]
fn the_last_administrator_cannot_be_demoted_or_disabled() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    assert_eq!(world.ask(admin, set_role("admin", Role::Member)), Err(Refusal::LastAdmin));
    assert_eq!(world.ask(admin, set_disabled("admin", true)), Err(Refusal::LastAdmin));
    assert_eq!(world.ask(admin, set_role("alice", Role::Admin)), Ok(Answer::Done));
    assert_eq!(world.ask(admin, set_disabled("alice", true)), Ok(Answer::Done));
    assert_eq!(world.ask(admin, set_role("admin", Role::Member)), Err(Refusal::LastAdmin), "a disabled one does not count");
}

#[test]
fn two_administrators_who_demote_each_other_at_once_leave_one() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.ask(admin, set_role("alice", Role::Admin)).unwrap();
    world.slow_store = Some(Default::default());
    let first = world.send(admin, set_role("alice", Role::Member));
    let second = world.send(alice, set_role("admin", Role::Member));
    while world.store_one() {}
    assert_eq!(world.answer(admin, first), Some(Ok(Answer::Done)));
    assert_eq!(world.answer(alice, second), Some(Err(Refusal::LastAdmin)));
}

#[test]
fn a_demoted_administrator_loses_the_right_at_the_next_request() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    world.ask(admin, set_role("alice", Role::Admin)).unwrap();
    assert!(world.ask(alice, Request::Status).is_ok());
    world.ask(admin, set_role("alice", Role::Member)).unwrap();
    assert_eq!(world.ask(alice, Request::Status), Err(Refusal::AdminOnly));
}

#[test]
fn everybody_may_change_their_own_password() {
    let mut world = World::new();
    let alice = world.register("alice");
    let change = Request::SetPassword { account: name("Alice"), password: password("new"), keep_sessions: false };
    assert_eq!(world.ask(alice, change), Ok(Answer::Done));
    let peer = world.connect();
    assert_eq!(world.try_sign_in(peer, "alice", "alice"), Err(Refusal::WrongCredentials));
    assert!(world.try_sign_in(peer, "alice", "new").is_ok());
}

#[test]
fn an_administrator_may_change_any_password() {
    let (mut world, admin) = World::with_admin();
    world.register("alice");
    let change = |who| Request::SetPassword { account: name(who), password: password("new"), keep_sessions: false };
    assert_eq!(world.ask(admin, change("nobody")), Err(Refusal::UnknownAccount));
    assert_eq!(world.ask(admin, change("alice")), Ok(Answer::Done));
    let peer = world.connect();
    assert!(world.try_sign_in(peer, "alice", "new").is_ok());
}

#[test]
fn the_status_says_which_program_it_is_and_counts_people_sessions_and_messages() {
    let (mut world, admin) = World::with_admin();
    let (alice, started_at) = (world.register("alice"), world.now.wall);
    let post = world.post(belfry_core::chat::Place::lobby(), "hello");
    world.ask(alice, post).unwrap();
    world.sign_in("alice");
    match world.ask(admin, Request::Status) {
        Ok(Answer::Status(status)) => {
            assert_eq!((status.accounts, status.people_online, status.sessions), (2, 2, 3));
            assert_eq!((status.version.as_str(), status.started_at), (env!("CARGO_PKG_VERSION"), started_at));
            assert!(status.messages == 1 && status.database_bytes > 0, "{status:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_list_of_accounts_shows_roles_and_who_is_shut_out() {
    let (mut world, admin) = World::with_admin();
    world.register("bob");
    world.ask(admin, set_disabled("bob", true)).unwrap();
    match world.ask(admin, Request::ListUsers { after: None }) {
        Ok(Answer::Users(Page { entries: users, more: false })) => {
            let lines: Vec<_> = users.iter().map(|user| (user.name.as_str(), user.role, user.disabled)).collect();
            assert_eq!(lines, [("admin", Role::Admin, false), ("bob", Role::Member, true)]);
        }
        other => panic!("{other:?}"),
    }
}
