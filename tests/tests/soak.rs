//! Random lives, many of them; `scripts/soak` lives through more.

use std::thread;

use belfry_tests::soak::live;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|typed| typed.parse().ok()).unwrap_or(default)
}

/// Lives through a seed, now and then twice: the second time must tell the same story.
fn look(seed: u64, twice_every: u64) -> Option<String> {
    let first = match live(seed) {
        Ok(first) => first,
        Err(wrong) => return Some(wrong),
    };
    if seed.is_multiple_of(twice_every) && live(seed).as_ref() != Ok(&first) {
        return Some(format!("seed {seed}: the second life was another one"));
    }
    None
}

#[test]
fn every_life_ends_well() {
    let (first, seeds) = (number("BELFRY_SOAK_FIRST", 0), number("BELFRY_SOAK_SEEDS", 2000));
    let twice_every = number("BELFRY_SOAK_TWICE_EVERY", 10).max(1);
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    (first + worker..first + seeds).step_by(threads as usize).filter_map(|seed| look(seed, twice_every)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("panics are caught in each life")).collect()
    });
    println!("{seeds} lives from seed {first}");
    assert!(failures.is_empty(), "{} of {seeds} lives from seed {first}:\n{}", failures.len(), failures.join("\n"));
}
