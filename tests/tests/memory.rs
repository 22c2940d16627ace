//! What a client that is connected and says nothing costs the server in heap, and what of a flood stays when it is over.
//!
//! What belongs to the server is what its end gives back.

use std::time::Duration;

use belfry_core::chat::{Place, Request};
use belfry_core::client::{Command, Start};
use belfry_tests::crowd::Crowd;
use belfry_tests::weather::Weather;
use belfry_tests::world::World;

/// The bounds of a connection, and of all that there is for a client.
const CONNECTION_BYTES_MAX: usize = 680;
const CLIENT_BYTES_MAX: usize = 1024;

/// What a flood may leave behind: queues keep some room, and who was here lately is known.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Long enough for all that was busy to rest and for every client to have shown many times that it is there.
const IDLE: Duration = Duration::from_secs(600);

/// What ending something gives back to the heap, in bytes.
fn freed_by<T>(end: impl FnOnce() -> T) -> usize {
    let counted = allocation_counter::measure(|| drop(end()));
    usize::try_from(-counted.bytes_current).expect("an end takes nothing")
}

fn connections() -> usize {
    const CALLERS: usize = 1000;
    let mut crowd = Crowd::connected(CALLERS, 1);
    crowd.run_for(IDLE);
    assert_eq!(crowd.endpoint.stats().connections, CALLERS as u64, "everybody is still connected");
    let empty = Crowd::new(2);
    let (many, none) = (crowd.endpoint, empty.endpoint);
    (freed_by(|| many) - freed_by(|| none)) / CALLERS
}

/// What a house of so many people costs after they have come back from a restart and have rested.
fn house_of(people: usize) -> usize {
    let mut world = World::new(Weather::clear(), 3);
    for person in 0..people {
        world.join(&format!("person {person}"), true, Start::Now);
    }
    let come = |world: &World, times| world.people.iter().all(|person| person.caught_up() == times);
    assert!(world.run_until(Duration::from_secs(60), |world| come(world, 1)), "everybody signs in");
    world.kill_server();
    world.start_server();
    assert!(world.run_until(Duration::from_secs(120), |world| come(world, 2)), "everybody comes back");
    world.run_for(IDLE);
    freed_by(|| world.kill_server())
}

/// One client more: what queues keep of their room is not counted for each.
fn signed_in() -> usize {
    (house_of(300) - house_of(100)) / 200
}

#[test]
fn an_idle_client_costs_the_server_a_kibibyte_at_most() {
    let connection = connections();
    let whole = signed_in();
    println!("an idle client costs the endpoint {connection} bytes of heap, and the whole server {whole}");
    assert!(connection <= CONNECTION_BYTES_MAX, "an idle connection holds {connection} bytes");
    assert!(whole <= CLIENT_BYTES_MAX, "an idle client that has signed in holds {whole} bytes");
}

/// What the server holds after people came so often and asked for so much each time, with a network that brought none of it back to them,
/// and went without a word.
fn held_after(visits: usize, questions: usize) -> usize {
    const PEOPLE: usize = 20;
    let mut world = World::new(Weather::clear(), 4);
    let writer = world.join("writer", true, Start::Now);
    for _ in 0..20 {
        world.say(writer, "x".repeat(8000));
    }
    assert!(world.run_until(Duration::from_secs(30), |world| world.people[writer].posted().len() == 20), "all is said");
    world.kill(writer);
    let mut most = 0;
    for visit in 0..visits {
        let came: Vec<_> = (0..PEOPLE).map(|n| world.join(&format!("person {n}"), visit == 0, Start::Now)).collect();
        let all_in = |world: &World| came.iter().all(|&person| world.people[person].caught_up() > 0);
        assert!(world.run_until(Duration::from_secs(60), all_in), "everybody signs in");
        for &person in &came {
            world.set_weather_of(person, Weather { loss: 1.0, ..Weather::clear() });
            world.set_weather_up(person, Weather::clear());
            for _ in 0..questions {
                let (ticket, request) = (world.ticket(person), Request::FetchBefore { place: Place::lobby(), before: None, limit: 500 });
                world.command(person, Command::Ask { ticket, request });
            }
        }
        world.run_for(Duration::from_secs(1));
        most = most.max(world.server().map_or(0, |server| server.transport().queued_bytes));
        came.iter().for_each(|&person| world.kill(person));
        world.run_for(IDLE);
    }
    assert!(questions == 0 || most > 2_000_000, "it was a flood: {most} bytes waited to be acknowledged");
    assert_eq!(world.server().map(|server| server.headcount().sessions), Some(0), "nobody is left");
    freed_by(|| world.kill_server())
}

#[test]
fn what_the_server_held_for_a_flood_is_given_back_when_it_is_over_however_often_it_comes() {
    let before = held_after(1, 0);
    let (once, thrice) = (held_after(1, 400), held_after(3, 400));
    println!("without a flood {before} bytes are held, after one {once}, after three {thrice}");
    assert!(once < before + KEPT_BYTES_MAX && thrice < before + KEPT_BYTES_MAX, "{before} bytes, then {once}, then {thrice}");
}
