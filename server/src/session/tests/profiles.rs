//! Who says what of whom, and who hears of it.

use belfry_core::chat::{Answer, DisplayName, Event, PersonProfile, Presentity, ProfileChange, ProfileLine, Refusal, Request, StatusText};
use belfry_core::endpoint::PeerId;
use belfry_core::limits::PROFILE_CHANGES_MAX;

use super::world::{World, name};
use crate::hub::{Profiles, Registration, Rules};
use crate::limits::{LISTS_INTERVAL, PROFILES_PER_EVENT};

fn status(said: &str) -> ProfileChange {
    ProfileChange::Status(Some(StatusText::new(said).unwrap()))
}

fn display(said: &str) -> ProfileChange {
    ProfileChange::Display(Some(DisplayName::new(said).unwrap()))
}

fn say(world: &mut World, who: PeerId, of: &str, changes: Vec<ProfileChange>) -> Result<Answer, Refusal> {
    world.ask(who, Request::SetProfile { account: name(of), changes })
}

fn profile(world: &mut World, asker: PeerId, of: &str) -> PersonProfile {
    match world.ask(asker, Request::Who { after: None }) {
        Ok(Answer::People(people)) => people.entries.into_iter().find(|person| person.account == name(of)).unwrap().profile,
        other => panic!("{other:?}"),
    }
}

#[test]
fn people_say_things_of_themselves_and_administrators_of_everybody() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    assert_eq!(say(&mut world, alice, "ALICE", vec![display("Alice Hill"), status("at lunch")]), Ok(Answer::Done));
    assert_eq!(say(&mut world, alice, "bob", vec![status("asleep")]), Err(Refusal::AdminOnly));
    assert_eq!(say(&mut world, admin, "bob", vec![display("Bob Moor")]), Ok(Answer::Done));
    let expected = PersonProfile {
        display: Some(DisplayName::new("Alice Hill").unwrap()),
        status: Some(StatusText::new("at lunch").unwrap()),
        ..PersonProfile::default()
    };
    assert_eq!(profile(&mut world, bob, "alice"), expected);
    assert_eq!(profile(&mut world, alice, "bob").display, Some(DisplayName::new("Bob Moor").unwrap()));
    assert_eq!(say(&mut world, admin, "nobody", vec![]), Err(Refusal::UnknownAccount));
    assert_eq!(say(&mut world, alice, "alice", vec![status("x"); PROFILE_CHANGES_MAX + 1]), Err(Refusal::TooMany));
}

#[test]
fn where_profiles_are_closed_people_say_what_they_are_doing_and_nothing_else() {
    let (mut world, admin) = World::with_admin();
    let alice = world.register("alice");
    let rules = Rules { profiles: Profiles::Closed, ..Rules::with_registration(Registration::Open) };
    world.sessions.set_rules(world.now, rules);
    let line = |said: &str| Some(ProfileLine::new(said).unwrap());
    for change in [display("Alice Hill"), ProfileChange::Department(line("Board")), ProfileChange::Telephone(line("1"))] {
        assert_eq!(say(&mut world, alice, "alice", vec![status("x"), change.clone()]), Err(Refusal::AdminOnly));
        assert_eq!(say(&mut world, admin, "alice", vec![change]), Ok(Answer::Done));
    }
    assert_eq!(say(&mut world, alice, "alice", vec![status("at lunch")]), Ok(Answer::Done));
    assert_eq!(profile(&mut world, alice, "alice").status, Some(StatusText::new("at lunch").unwrap()));
}

#[test]
fn few_changed_profiles_are_told_as_they_are_and_many_as_a_list_that_changed() {
    let (mut world, admin) = World::with_admin();
    let (alice, bob) = (world.register("alice"), world.register("bob"));
    let Ok(Answer::Watching { lists, .. }) = world.ask(bob, Request::Watch { whom: vec![Presentity::Lists], since: 0 }) else { panic!() };
    let told = |world: &mut World| -> Vec<_> {
        world.pass(LISTS_INTERVAL);
        let events = world.events(bob).into_iter();
        events.filter(|event| matches!(event, Event::Lists { .. } | Event::Profiles { .. })).collect()
    };
    say(&mut world, alice, "alice", vec![status("at lunch")]).unwrap();
    let events = told(&mut world);
    let [Event::Profiles { since, changes, upto }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((*since, *upto, changes.len()), (lists.accounts, lists.accounts + 1, 1));
    assert_eq!((&changes[0].account, &changes[0].profile.status), (&name("alice"), &Some(StatusText::new("at lunch").unwrap())));
    for n in 0..=PROFILES_PER_EVENT + 1 {
        say(&mut world, admin, "alice", vec![status(&format!("busy {n}"))]).unwrap();
    }
    let events = told(&mut world);
    assert!(
        matches!(events.last(), Some(Event::Lists { versions, .. }) if versions.accounts == upto + PROFILES_PER_EVENT as u64 + 2),
        "{events:?}"
    );
}
