//! The largest requests there are, over the real transport.

use std::time::Duration;

use belfry_core::chat::{AccountName, Answer, GroupName, Refusal, Request};
use belfry_core::client::{Command, Start, Update};
use belfry_tests::weather::Weather;
use belfry_tests::world::{World, name};

const SECOND: Duration = Duration::from_secs(1);

/// The administrator, who is here.
fn administrator() -> (World, usize) {
    let mut world = World::new(Weather::office(), 1);
    let admin = world.join("admin", false, Start::Now);
    assert!(world.run_until(30 * SECOND, |world| world.people[admin].is_caught_up()));
    (world, admin)
}

/// What becomes of a request.
fn ask(world: &mut World, admin: usize, request: Request) -> Result<Answer, Refusal> {
    let asked = world.ticket(admin);
    world.command(admin, Command::Ask { ticket: asked, request });
    let outcome = |world: &World| {
        world.people[admin].updates.iter().find_map(|update| match update {
            Update::Answered { ticket, answer } if *ticket == asked => Some(Ok(answer.clone())),
            Update::Refused { ticket, refusal } if *ticket == asked => Some(Err(*refusal)),
            _ => None,
        })
    };
    assert!(world.run_until(30 * SECOND, |world| outcome(world).is_some()), "nobody has said what became of it");
    outcome(world).expect("it is there")
}

/// So many people with names as long as they may be.
fn people(count: usize) -> Vec<AccountName> {
    (0..count).map(|number| name(&format!("{}{number:04}", "塔".repeat(28)))).collect()
}

#[test]
fn a_request_that_is_larger_than_any_message_is_refused_and_the_next_one_answered() {
    let (mut world, admin) = administrator();
    let group = GroupName::new("everybody").expect("a good name");
    let request = Request::AddToGroup { group, members: people(1000) };
    assert_eq!(ask(&mut world, admin, request), Err(Refusal::TooMany));
    assert!(matches!(ask(&mut world, admin, Request::Status), Ok(Answer::Status(_))));
}
