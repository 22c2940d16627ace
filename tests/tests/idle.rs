//! What a client that says nothing but that it is there makes the server do: one answer, at once, from memory that is there.

use std::collections::BTreeSet;
use std::time::Duration;

use belfry_core::endpoint::Output;
use belfry_core::time::Instant;
use belfry_tests::crowd::{Crowd, address_of};

/// Long enough for everybody to rest, and for many signs of life.
const IDLE: Duration = Duration::from_secs(300);

/// A crowd at rest.
fn at_rest(callers: usize) -> Crowd {
    let mut crowd = Crowd::connected(callers, 1);
    crowd.run_for(IDLE);
    crowd
}

/// The next datagram that a caller sends, once its time has come.
fn next_of(crowd: &mut Crowd, caller: usize) -> (Instant, Vec<u8>) {
    let mut datagram = Vec::new();
    let connection = crowd.callers[caller].connection().expect("it is connected");
    let (at, _) = connection.next_timeout().expect("a client shows itself now and then");
    connection.handle_timeout(at);
    let mut rng = belfry_tests::pair::seeded(7);
    assert!(crowd.callers[caller].poll_transmit(at, &mut rng, &mut datagram), "it shows itself");
    (at, datagram)
}

#[test]
fn a_sign_of_life_is_answered_without_a_byte_of_memory_and_leaves_no_deadline_behind() {
    let mut crowd = at_rest(3);
    let mut out = Vec::with_capacity(2048);
    let Output::Wait(wakes) = crowd.endpoint.poll(crowd.now, &mut out) else { panic!("it rests") };
    for caller in 0..3 {
        let (at, mut ping) = next_of(&mut crowd, caller);
        let before = crowd.endpoint.stats().datagrams_sent;
        let mut after = None;
        let counted = allocation_counter::measure(|| {
            crowd.endpoint.handle_datagram(at, address_of(caller), &mut ping);
            assert_eq!(crowd.endpoint.poll(at, &mut out), Output::Transmit { to: address_of(caller) });
            after = Some(crowd.endpoint.poll(at, &mut out));
        });
        assert_eq!((counted.count_total, counted.bytes_total), (0, 0), "caller {caller}");
        assert_eq!(after, Some(Output::Wait(wakes)), "the next look is when it was");
        assert_eq!(crowd.endpoint.stats().datagrams_sent, before + 1);
    }
}

#[test]
fn an_idle_house_is_looked_after_once_a_second_at_most_however_many_are_in_it() {
    let mut crowd = at_rest(400);
    let mut out = Vec::new();
    let (until, mut looks) = (crowd.now + Duration::from_secs(60), BTreeSet::new());
    // Nobody shows itself any more, and the server has not noticed yet.
    while let Output::Wait(Some(at)) = crowd.endpoint.poll(crowd.now, &mut out)
        && at < until
    {
        crowd.now = at;
        looks.insert(at.as_micros());
        crowd.endpoint.handle_timeout(at);
    }
    assert!(!looks.is_empty() && looks.iter().all(|at| at % 1_000_000 == 0), "{looks:?}");
}
