use super::*;

const MANY: u64 = 100_000;

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

/// Sends many numbered datagrams, 100 µs apart.
fn send_many(weather: Weather, seed: u64) -> (Counters, Vec<(Instant, Vec<u8>)>) {
    let mut link = Link::new(weather, seed);
    let arrivals = (0..MANY).flat_map(|number| link.carry(at(number * 100), &number.to_le_bytes())).collect();
    (link.counters(), arrivals)
}

#[track_caller]
fn about(count: u64, expected: f64) {
    let share = count as f64 / MANY as f64;
    assert!((share - expected).abs() < 0.01 * expected.sqrt(), "{share} instead of {expected}");
}

#[test]
fn in_clear_weather_everything_arrives_at_once_and_as_it_was() {
    let (counters, arrivals) = send_many(Weather::clear(), 1);
    let expected: Vec<_> = (0..MANY).map(|number| (at(number * 100), number.to_le_bytes().to_vec())).collect();
    assert!(arrivals == expected);
    assert_eq!(counters, Counters { offered: MANY, delivered: MANY, ..Counters::default() });
}

#[test]
fn the_same_seed_tells_the_same_story() {
    assert!(send_many(Weather::storm(), 7) == send_many(Weather::storm(), 7));
}

#[test]
fn another_seed_tells_another() {
    assert!(send_many(Weather::storm(), 7).1 != send_many(Weather::storm(), 8).1);
}

#[test]
fn a_storm_rages_as_announced() {
    let (counters, arrivals) = send_many(Weather::storm(), 3);
    about(counters.lost, 0.20);
    about(counters.duplicated, 0.80 * 0.05);
    about(counters.reordered, 0.84 * 0.10);
    about(counters.corrupted, 0.84 * 0.01);
    assert_eq!(counters.delivered, arrivals.len() as u64);
    assert_eq!(counters.offered, counters.delivered - counters.duplicated + counters.lost);
}

#[test]
fn bursts_have_the_lengths_they_were_given() {
    let weather = Weather { burst: Some(Burst { good: 90.0, bad: 10.0 }), ..Weather::clear() };
    let (counters, arrivals) = send_many(weather, 3);
    about(counters.lost, 0.10);
    let numbers: Vec<u64> = arrivals.iter().map(|(_, bytes)| u64::from_le_bytes(bytes[..].try_into().unwrap())).collect();
    let bursts = numbers.windows(2).filter(|pair| pair[1] - pair[0] > 1).count() as f64;
    let mean = counters.lost as f64 / bursts;
    assert!((9.0..11.0).contains(&mean), "{mean}");
}

#[test]
fn corrupting_flips_a_few_bits_and_nothing_else() {
    let mut link = Link::new(Weather { corrupt: 1.0, ..Weather::clear() }, 5);
    for bytes in [1, 2, 40, 1200] {
        for _ in 0..100 {
            let sent = vec![0xA5; bytes];
            let arrived = &link.carry(at(0), &sent)[0].1;
            assert_eq!(arrived.len(), bytes);
            let flipped: u32 = sent.iter().zip(arrived).map(|(a, b)| (a ^ b).count_ones()).sum();
            assert!((1..=3).contains(&flipped), "{flipped} of {bytes} bytes");
        }
    }
}

#[test]
fn truncating_leaves_a_shorter_beginning() {
    let mut link = Link::new(Weather { truncate: 1.0, ..Weather::clear() }, 5);
    let sent: Vec<u8> = (0..100).collect();
    for _ in 0..100 {
        let arrived = &link.carry(at(0), &sent)[0].1;
        assert!(arrived.len() < sent.len() && sent.starts_with(arrived));
    }
}

#[test]
fn an_empty_datagram_survives_corruption() {
    let mut link = Link::new(Weather { corrupt: 1.0, truncate: 1.0, ..Weather::clear() }, 5);
    assert_eq!(link.carry(at(0), b""), [(at(0), Vec::new())]);
}

#[test]
fn only_datagrams_larger_than_the_mtu_vanish() {
    let mut link = Link::new(Weather { mtu: Some(1200), ..Weather::clear() }, 1);
    assert_eq!(link.carry(at(0), &[0; 1200]).len(), 1);
    assert_eq!(link.carry(at(0), &[0; 1201]).len(), 0);
    assert_eq!(link.counters().too_large, 1);
}

#[test]
fn jitter_delays_within_its_bounds_and_keeps_the_order() {
    let (delay, jitter) = (Duration::from_millis(2), Duration::from_millis(5));
    let (_, arrivals) = send_many(Weather { delay, jitter, ..Weather::clear() }, 4);
    assert!(arrivals.is_sorted_by_key(|&(arrival, _)| arrival));
    for (number, (arrival, _)) in (0..).zip(&arrivals) {
        let took = arrival.since(at(number * 100));
        assert!(took >= delay && took <= delay + jitter, "{took:?}");
    }
}

#[test]
fn a_datagram_held_back_is_overtaken() {
    let reorder_delay = Duration::from_millis(1);
    let (counters, arrivals) = send_many(Weather { reorder: 0.1, reorder_delay, ..Weather::clear() }, 4);
    about(counters.reordered, 0.1);
    let late = (0..).zip(&arrivals).filter(|(number, (arrival, _))| arrival.since(at(number * 100)) == reorder_delay).count();
    assert_eq!(late as u64, counters.reordered);
    assert!(!arrivals.is_sorted_by_key(|&(arrival, _)| arrival));
}

#[test]
fn a_bottleneck_lets_through_its_rate() {
    let bottleneck = Some(Bottleneck { bytes_per_second: 1_000_000, queue_bytes: u64::MAX });
    let mut link = Link::new(Weather { bottleneck, ..Weather::clear() }, 1);
    for number in 1..=10 {
        assert_eq!(link.carry(at(0), &[0; 1000])[0].0, at(number * 1000));
    }
    assert_eq!(link.carry(at(50_000), &[0; 1000])[0].0, at(51_000), "an idle link starts afresh");
}

#[test]
fn a_full_queue_loses_the_newest() {
    let bottleneck = Some(Bottleneck { bytes_per_second: 1_000_000, queue_bytes: 2500 });
    let mut link = Link::new(Weather { bottleneck, ..Weather::clear() }, 1);
    let arrived: usize = (0..10).map(|_| link.carry(at(0), &[0; 1000]).len()).sum();
    assert_eq!((arrived, link.counters().overflowed), (3, 7));
    assert_eq!(link.carry(at(1000), &[0; 1000]).len(), 1, "there is room again");
}

#[test]
fn chosen_datagrams_are_lost() {
    let (counters, arrivals) = send_many(Weather { lose: Some((2, 7)), ..Weather::clear() }, 1);
    assert_eq!(counters.lost, 6);
    let first: Vec<u8> = arrivals.iter().take(3).map(|(_, bytes)| bytes[0]).collect();
    assert_eq!(first, [0, 7, 8]);
}

#[test]
fn losses_and_damages_come_in_short_runs_only() {
    let (counters, arrivals) = send_many(Weather { loss: 0.3, run_max: Some(3), ..Weather::clear() }, 3);
    assert!((0.25..0.30).contains(&(counters.lost as f64 / MANY as f64)), "{}", counters.lost);
    let numbers: Vec<u64> = arrivals.iter().map(|(_, bytes)| u64::from_le_bytes(bytes[..].try_into().unwrap())).collect();
    assert_eq!(numbers.windows(2).map(|pair| pair[1] - pair[0] - 1).max(), Some(3));
}

#[test]
fn a_scattered_datagram_is_overtaken_within_bounds() {
    let (_, arrivals) = send_many(Weather { scatter: Duration::from_millis(5), ..Weather::clear() }, 4);
    assert!(!arrivals.is_sorted_by_key(|&(arrival, _)| arrival));
    assert!((0..).zip(&arrivals).all(|(number, (arrival, _))| arrival.since(at(number * 100)) <= Duration::from_millis(5)));
}

#[test]
fn a_copy_comes_later_and_keeps_nobody_waiting() {
    let (counters, arrivals) = send_many(Weather { duplicate: 0.1, duplicate_delay: Duration::from_secs(1), ..Weather::clear() }, 4);
    about(counters.duplicated, 0.1);
    let mut seen = std::collections::BTreeSet::new();
    for (arrival, bytes) in arrivals {
        let number = u64::from_le_bytes(bytes[..].try_into().unwrap());
        let late = arrival.since(at(number * 100));
        assert!(if seen.insert(number) { late.is_zero() } else { late <= Duration::from_secs(1) }, "{number}: {late:?}");
    }
}

#[test]
fn correlated_jitter_changes_slowly() {
    let jitter = Duration::from_millis(100);
    let steps = |jitter_correlation| {
        let (_, arrivals) = send_many(Weather { jitter, jitter_correlation, ..Weather::clear() }, 4);
        arrivals.windows(2).map(|pair| pair[1].0.since(pair[0].0).as_micros()).filter(|&step| step > 10_000).count()
    };
    assert!(steps(0.9) * 10 < steps(0.1), "{} and {}", steps(0.9), steps(0.1));
}

#[test]
fn who_overtakes_is_not_delayed() {
    let (delay, overtake) = (Duration::from_millis(5), Some(Overtake { share: 0.25, correlation: 0.5 }));
    let (counters, arrivals) = send_many(Weather { delay, overtake, ..Weather::clear() }, 4);
    let early = (0..).zip(&arrivals).filter(|(number, (arrival, _))| arrival.since(at(number * 100)).is_zero()).count() as u64;
    assert_eq!(early, counters.reordered);
    // As netem's: correlated dice are seldom far from the middle.
    assert!((MANY / 20..MANY / 4).contains(&early), "{early}");
}

#[test]
fn what_waited_for_a_stall_arrives_together() {
    let ms = Duration::from_millis;
    let (_, arrivals) =
        send_many(Weather { stalls: Some(Stalls { every: ms(500), shortest: ms(50), longest: ms(100) }), ..Weather::clear() }, 4);
    assert!(arrivals.is_sorted_by_key(|&(arrival, _)| arrival));
    let gaps: Vec<Duration> = arrivals.windows(2).map(|pair| pair[1].0.since(pair[0].0)).filter(|&gap| gap > ms(1)).collect();
    assert!((12..25).contains(&gaps.len()), "{gaps:?}");
    assert!(gaps.iter().all(|gap| (ms(50)..=ms(101)).contains(gap)), "{gaps:?}");
}

#[test]
fn the_weather_can_change() {
    let mut link = Link::new(Weather { loss: 1.0, ..Weather::clear() }, 1);
    assert_eq!(link.carry(at(0), b"x").len(), 0);
    link.set_weather(Weather::clear());
    assert_eq!(link.carry(at(0), b"x").len(), 1);
}
