//! Networks as others describe them: netcode's simulator, str0m's presets, a trace of Wi-Fi, and the reordering that slowed quinn.

use std::time::Duration;

use belfry_core::client::Start;
use belfry_core::connection::{Event, Side};
use belfry_core::wire::Channel;
use belfry_tests::pair::Pair;
use belfry_tests::weather::{Bottleneck, Burst, Overtake, Stalls, Weather};
use belfry_tests::world::World;

use crate::notices;
use crate::seeds;
use crate::transfer::{Pattern, Transfer};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// netcode's simulator: everything is overtaken by everything, and what comes twice comes a second apart.
fn netcode(loss: f64, duplicate: f64) -> Weather {
    Weather { loss, duplicate, duplicate_delay: SECOND, scatter: 500 * MS, ..Weather::clear() }
}

#[test]
fn netcodes_simulator_connects_and_delivers_nothing_twice() {
    for (loss, duplicate) in [(0.05, 0.10), (0.25, 0.25)] {
        for seed in 0..seeds(2) {
            let mut world = World::new(netcode(loss, duplicate), seed);
            for name in ["alice", "bob"] {
                world.join(name, true, Start::Now);
            }
            let start = world.now;
            assert!(world.run_until(120 * SECOND, |world| world.people.iter().all(|person| person.caught_up() > 0)), "seed {seed}");
            println!("netcode {loss} {duplicate}, seed {seed}: both in after {:?}", world.now.since(start));
            let said: Vec<_> = (0..50).map(|number| format!("line {number}")).collect();
            for words in &said {
                world.say(0, words.clone());
                world.run_for(100 * MS);
            }
            assert!(world.run_until(60 * SECOND, |world| world.people.iter().all(|person| person.texts().len() >= 50)), "seed {seed}");
            world.run_for(5 * SECOND);
            assert!(world.people.iter().all(|person| person.texts() == said), "seed {seed}: {:?}", world.people[1].texts());
        }
    }
}

fn preset(delay: u64, jitter: u64, good: f64, bad: f64, bottleneck: Option<(u64, u64)>) -> Weather {
    Weather {
        delay: Duration::from_millis(delay),
        jitter: Duration::from_millis(jitter),
        burst: Some(Burst { good, bad }),
        bottleneck: bottleneck.map(|(mbit, queue_bytes)| Bottleneck { bytes_per_second: mbit * 125_000, queue_bytes }),
        ..Weather::clear()
    }
}

macro_rules! presets {
    ($($name:ident $delay:literal $jitter:literal, $good:literal $bad:literal, $bottleneck:expr, $p99:literal $p999:literal;)*) => {
        $(#[test]
        fn $name() {
            let weather = preset($delay, $jitter, $good, $bad, $bottleneck);
            notices::check(stringify!($name), weather, 500 * MS, Duration::from_millis($p99), Duration::from_millis($p999));
        })*
    };
}

// A burst is counted in datagrams, so what a probe repeats is in the same burst as often as not; hence the last three.
presets! {
    wifi 5 2, 200.0 2.0, Some((100, 200_000)), 60 300;
    wifi_lossy 15 10, 40.0 2.0, Some((50, 200_000)), 300 1000;
    wifi_congested 10 20, 20.0 2.0, Some((5, 30_000)), 300 1500;
    cellular 50 15, 100.0 2.0, None, 300 1000;
    satellite 600 30, 100.0 3.0, None, 2500 5000;
    congested 80 40, 20.0 2.0, None, 800 5000;
}

/// Ten minutes of Wi-Fi as it was traced: 4 ms, every 33 s nothing for 100 to 250 ms, 0.12 % lost; a message every 20 ms for ten minutes.
#[test]
fn wifi_with_delay_spikes() {
    let stalls = Stalls { every: 33 * SECOND, shortest: 100 * MS, longest: 250 * MS };
    let weather = Weather { loss: 0.0012, delay: 2 * MS, stalls: Some(stalls), ..Weather::clear() };
    let mut pair = Pair::new(weather, 1);
    for number in 0..30_000u32 {
        pair.send(Side::Server, Channel::Chat, [&number.to_le_bytes()[..], &[7; 1000]].concat());
        pair.run_for(20 * MS);
    }
    pair.run_for(5 * SECOND);
    assert!(pair.client.events.iter().all(|event| matches!(event, Event::Message { .. })));
    assert_eq!(pair.client.messages(Channel::Chat).len(), 30_000);
    let (stats, lost) = (pair.server.connection.stats(), pair.server.link.counters().lost);
    println!("spikes: {} packets, {lost} lost, {} taken for full; {stats:?}", pair.server.sent, stats.congestions);
    assert!(pair.server.sent - 30_000 - stats.packets_lost <= 300, "less than 1 % sent twice for nothing");
    assert!(stats.spurious_losses <= 300 && stats.congestions <= lost, "{stats:?}");
}

/// The same under bulk, where a spike holds a whole window.
#[test]
fn wifi_with_delay_spikes_under_bulk() {
    let stalls = Stalls { every: 5 * SECOND, shortest: 100 * MS, longest: 250 * MS };
    let bottleneck = Some(Bottleneck { bytes_per_second: 1_000_000, queue_bytes: 400_000 });
    let weather = Weather { delay: 2 * MS, stalls: Some(stalls), bottleneck, ..Weather::clear() };
    let measured = Transfer { pattern: Pattern::Bulk, weather, time: 20 * SECOND, seed: 1 }.run();
    measured.tell("spikes under bulk", 1_000_000);
    assert!(measured.spurious * 100 < measured.packets, "{measured:?}");
    assert!(measured.goodput > 850_000.0, "{}", measured.goodput);
}

/// quinn#2710 and #2711: `delay 5ms reorder 25% 50%` left it 15 % of what it had without.
#[test]
fn a_quarter_that_overtakes() {
    let bottleneck = Some(Bottleneck { bytes_per_second: 4_000_000, queue_bytes: 200_000 });
    let clean = Weather { delay: 5 * MS, bottleneck, ..Weather::clear() };
    let goodput = |weather: Weather| {
        let measured = Transfer { pattern: Pattern::Bulk, weather, time: 5 * SECOND, seed: 1 }.run();
        measured.tell("a quarter overtakes", 4_000_000);
        measured.goodput
    };
    let before = goodput(clean);
    let after = goodput(Weather { overtake: Some(Overtake { share: 0.25, correlation: 0.5 }), ..clean });
    let evenly = goodput(Weather { overtake: Some(Overtake { share: 0.25, correlation: 0.0 }), ..clean });
    println!(
        "a quarter overtakes: {:.0} % and, uncorrelated, {:.0} % of the clean goodput",
        100.0 * after / before,
        100.0 * evenly / before
    );
    assert!(after >= 0.75 * before && evenly >= 0.75 * before);
}
