//! Each fuzz target over its seeds and some thousand changed ones. `scripts/fuzz` goes on where this ends.

use std::panic::{AssertUnwindSafe, catch_unwind};

use belfry_tests::fuzzing::{mutate, target};
use belfry_tests::pair::seeded;

/// Runs one target; says which inputs failed, all of them at once, in hexadecimal.
fn check(name: &str) {
    let target = target(name).expect("it exists");
    let seeds = target.corpus();
    let number = |variable, otherwise| std::env::var(variable).map_or(otherwise, |number| number.parse().expect("a number"));
    let mut rng = seeded(number("BELFRY_FUZZ_SEED", 1));
    let times = number("BELFRY_FUZZ_TIMES", 1) as usize;
    let changed = (0..target.inputs * times).map(|_| mutate(&mut rng, &seeds));
    let mut failures = Vec::new();
    for input in seeds.iter().cloned().chain(changed) {
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            failures.push(input);
        }
    }
    failures.sort_by_key(Vec::len);
    let written: Vec<String> = failures.iter().map(|input| input.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    assert!(failures.is_empty(), "{name}: {} inputs fail, the shortest first:\n{}", failures.len(), written.join("\n"));
}

macro_rules! targets {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            check($name);
        })*

        #[test]
        fn every_target_is_run_here() {
            let named = [$($name),*];
            assert!(belfry_tests::fuzzing::TARGETS.iter().all(|target| named.contains(&target.name)));
        }
    };
}

targets! {
    datagram_heads_have_one_spelling "datagram_heads"
    frames_have_one_spelling "frames"
    acknowledged_ranges_descend_apart_from_each_other "ack_ranges"
    handshake_parameters_have_one_spelling "parameters"
    words_that_are_read_can_be_written "codec"
    names_and_texts_stay_as_they_are "texts"
    what_is_joined_is_what_was_cut "reassembly"
    an_endpoint_keeps_its_promises_among_strangers "endpoint"
    a_client_bears_a_server_that_lost_its_mind "client"
    two_connections_keep_their_promises_whatever_they_do "session_pair"
}
