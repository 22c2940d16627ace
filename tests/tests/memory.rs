//! What a client that is connected and says nothing costs the server in heap.
//!
//! What belongs to the server is what its end gives back.

use std::time::Duration;

use belfry_core::client::{Start, Update};
use belfry_tests::crowd::Crowd;
use belfry_tests::weather::Weather;
use belfry_tests::world::World;

/// The bound; a resting client is to cost an eighth of it one day.
const BYTES_MAX: usize = 4096;

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

fn signed_in() -> usize {
    const PEOPLE: usize = 100;
    let mut world = World::new(Weather::clear(), 3);
    for person in 0..PEOPLE {
        world.join(&format!("person {person}"), true, Start::Now);
    }
    let all_in = |world: &World| world.people.iter().all(|person| person.updates.contains(&Update::CaughtUp));
    assert!(world.run_until(Duration::from_secs(60), all_in), "everybody signs in");
    world.run_for(IDLE);
    let many = freed_by(|| world.kill_server());
    // The same accounts, but nobody is there.
    for person in 0..PEOPLE {
        world.kill(person);
    }
    world.start_server();
    (many - freed_by(|| world.kill_server())) / PEOPLE
}

#[test]
fn an_idle_client_costs_the_server_less_than_four_kibibytes() {
    let connection = connections();
    let whole = signed_in();
    println!("an idle client costs the endpoint {connection} bytes of heap, and the whole server {whole}");
    assert!(connection <= BYTES_MAX, "an idle connection holds {connection} bytes");
    assert!(whole <= BYTES_MAX, "an idle client that has signed in holds {whole} bytes");
}
