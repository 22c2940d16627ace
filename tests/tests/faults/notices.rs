//! Notices alone: how soon they are on the screen although the network is bad.

use std::time::Duration;

use belfry_core::connection::{Event, Side};
use belfry_core::wire::Channel;
use belfry_tests::pair::Pair;
use belfry_tests::weather::Weather;

use crate::transfer::percentile;

const MS: Duration = Duration::from_millis(1);

/// From submitting a notice to its delivery, shortest first; one at a time, `apart` from each other.
pub(crate) fn latencies(weather: Weather, count: usize, apart: Duration, seed: u64) -> Vec<Duration> {
    let mut pair = Pair::new(weather, seed);
    pair.run_for(Duration::from_secs(1));
    let mut took = Vec::new();
    for _ in 0..count {
        pair.send(Side::Server, Channel::Notice, vec![7; 100]);
        let submitted = pair.now;
        let heard = |pair: &Pair| pair.client.events.iter().any(|event| matches!(event, Event::Message { .. }));
        assert!(pair.run_until(submitted + Duration::from_secs(60), heard), "a notice is lost");
        took.push(pair.now.since(submitted));
        pair.client.events.clear();
        pair.run_until(submitted + apart, |_| false);
    }
    took.sort_unstable();
    took
}

pub(crate) fn check(name: &str, weather: Weather, apart: Duration, p99: Duration, p999: Duration) {
    let took = latencies(weather, 3000, apart, 1);
    let found = (percentile(&took, 10), percentile(&took, 1));
    println!("{name}: notices p50 {:?}, p99 {:?} (line {p99:?}), p99.9 {:?} (line {p999:?})", percentile(&took, 500), found.0, found.1);
    assert!(found.0 <= p99 && found.1 <= p999, "{name}: {found:?}");
}

#[test]
fn a_fifth_lost_and_100_ms_each_way() {
    let weather = Weather { loss: 0.2, delay: 100 * MS, ..Weather::clear() };
    check("20 % and 100 ms, a notice every 2 s", weather, 2000 * MS, 600 * MS, 1500 * MS);
    // One that is lost holds up the next ones, because notices keep their order.
    check("20 % and 100 ms, a notice every 500 ms", weather, 500 * MS, 600 * MS, 2000 * MS);
}
