//! The weather: what one direction of a bad network does to datagrams, as a machine of its own.
//!
//! Pure and seeded: it knows no clock and no socket, and the same seed with the same datagrams at the same instants tells the same
//! story. The simulated world and the chaos relay both send their datagrams through it.

use core::ops::AddAssign;
use core::time::Duration;

use belfry_core::rng::{Random, Rng, below, from_seed};
use belfry_core::time::Instant;

/// What happens to datagrams. Probabilities are from 0 (never) to 1 (always).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// A datagram is lost, each by itself.
    pub loss: f64,
    /// Datagrams are lost in bursts besides.
    pub burst: Option<Burst>,
    /// A datagram arrives twice.
    pub duplicate: f64,
    /// A datagram is held back for [`Weather::reorder_delay`], so that those behind it overtake.
    pub reorder: f64,
    /// See [`Weather::reorder`].
    pub reorder_delay: Duration,
    /// One to three bits of a datagram are flipped.
    pub corrupt: f64,
    /// A datagram loses its end.
    pub truncate: f64,
    /// How long every datagram is on its way.
    pub delay: Duration,
    /// Up to this much longer, evenly spread. By itself it keeps the order: the network is a queue that is slow at times.
    pub jitter: Duration,
    /// A bottleneck, if any.
    pub bottleneck: Option<Bottleneck>,
    /// Larger datagrams vanish without a word.
    pub mtu: Option<usize>,
}

/// Losses that come in bursts, after Gilbert and Elliott: two states, and the length of a stay in either is geometric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// Datagrams between two bursts, on average; at least 1.
    pub good: f64,
    /// Datagrams lost in one burst, on average; at least 1.
    pub bad: f64,
}

/// A slow link with a queue before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bottleneck {
    /// What passes; at least 1.
    pub bytes_per_second: u64,
    /// What may wait; a datagram beyond it is lost.
    pub queue_bytes: u64,
}

impl Weather {
    /// Everything arrives at once, whole and in order.
    pub const fn clear() -> Self {
        Self {
            loss: 0.0,
            burst: None,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_delay: Duration::ZERO,
            corrupt: 0.0,
            truncate: 0.0,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            bottleneck: None,
            mtu: None,
        }
    }

    /// An office with Wi-Fi: short delays that vary, a short burst of losses now and then.
    pub const fn office() -> Self {
        Self {
            loss: 0.001,
            burst: Some(Burst { good: 2000.0, bad: 2.0 }),
            delay: Duration::from_millis(2),
            jitter: Duration::from_millis(3),
            bottleneck: Some(Bottleneck { bytes_per_second: 12_500_000, queue_bytes: 200_000 }),
            mtu: Some(1472),
            ..Self::clear()
        }
    }

    /// Everything goes wrong at once, and all of it often; a transport that copes with this copes.
    pub const fn storm() -> Self {
        Self {
            loss: 0.20,
            duplicate: 0.05,
            reorder: 0.10,
            reorder_delay: Duration::from_millis(20),
            corrupt: 0.01,
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(5),
            ..Self::clear()
        }
    }
}

/// What has happened so far, in datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sent into the link.
    pub offered: u64,
    /// Come out of it, duplicates included.
    pub delivered: u64,
    /// Lost, by themselves or in a burst.
    pub lost: u64,
    /// Lost because they were too large.
    pub too_large: u64,
    /// Lost because the queue before the bottleneck was full.
    pub overflowed: u64,
    /// Arrived twice.
    pub duplicated: u64,
    /// Held back.
    pub reordered: u64,
    /// Had bits flipped.
    pub corrupted: u64,
    /// Lost their end.
    pub truncated: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.offered += other.offered;
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.too_large += other.too_large;
        self.overflowed += other.overflowed;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.corrupted += other.corrupted;
        self.truncated += other.truncated;
    }
}

/// One direction of a network.
#[derive(Debug)]
pub struct Link {
    weather: Weather,
    rng: Rng,
    /// Within a burst of losses.
    in_burst: bool,
    /// When the bottleneck is done with everything it has taken, in nanoseconds: a small datagram takes less than a microsecond.
    busy_until_nanos: u64,
    /// No datagram that keeps the order arrives before this.
    newest_arrival: Instant,
    counters: Counters,
}

impl Link {
    /// A link without a past.
    pub fn new(weather: Weather, seed: u64) -> Self {
        let mut bytes = [0; 32];
        for (byte, part) in bytes.iter_mut().zip(seed.to_le_bytes()) {
            *byte = part;
        }
        Self {
            weather,
            rng: from_seed(bytes),
            in_burst: false,
            busy_until_nanos: 0,
            newest_arrival: Instant::START,
            counters: Counters::default(),
        }
    }

    /// Changes the weather. What is on its way has left already.
    pub const fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// What has happened so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// A datagram is sent. Says when and in what shape it arrives: not at all, once, or twice. `now` never goes back; of
    /// datagrams that arrive at the same instant, the one that was sent first arrives first.
    pub fn carry(&mut self, now: Instant, datagram: &[u8]) -> Vec<(Instant, Vec<u8>)> {
        self.counters.offered += 1;
        if self.weather.mtu.is_some_and(|mtu| datagram.len() > mtu) {
            self.counters.too_large += 1;
            return Vec::new();
        }
        let burst = self.burst_takes();
        if self.chance(self.weather.loss) || burst {
            self.counters.lost += 1;
            return Vec::new();
        }
        let Some(departure) = self.pass_bottleneck(now, datagram.len()) else {
            self.counters.overflowed += 1;
            return Vec::new();
        };
        let mut arrivals = vec![self.arrive(departure, datagram)];
        if self.chance(self.weather.duplicate) {
            self.counters.duplicated += 1;
            arrivals.push(self.arrive(departure, datagram));
        }
        arrivals
    }

    /// Moves between good and bad times, and says whether these are bad.
    fn burst_takes(&mut self) -> bool {
        let Some(burst) = self.weather.burst else {
            self.in_burst = false;
            return false;
        };
        let stay = if self.in_burst { burst.bad } else { burst.good };
        if self.chance(1.0 / stay) {
            self.in_burst = !self.in_burst;
        }
        self.in_burst
    }

    /// When the datagram has passed the bottleneck; `None` when there is no room for it to wait.
    fn pass_bottleneck(&mut self, now: Instant, bytes: usize) -> Option<Instant> {
        let Some(Bottleneck { bytes_per_second, queue_bytes }) = self.weather.bottleneck else { return Some(now) };
        let rate = u128::from(bytes_per_second.max(1));
        let now_nanos = now.as_micros().saturating_mul(1000);
        let waiting_nanos = self.busy_until_nanos.saturating_sub(now_nanos);
        if u128::from(waiting_nanos) * rate / 1_000_000_000 > u128::from(queue_bytes) {
            return None;
        }
        let takes_nanos = u64::try_from(bytes as u128 * 1_000_000_000 / rate).unwrap_or(u64::MAX);
        self.busy_until_nanos = self.busy_until_nanos.max(now_nanos).saturating_add(takes_nanos);
        Some(Instant::from_micros(self.busy_until_nanos.div_ceil(1000)))
    }

    fn arrive(&mut self, departure: Instant, datagram: &[u8]) -> (Instant, Vec<u8>) {
        let mut arrived = datagram.to_vec();
        if self.chance(self.weather.corrupt) && !arrived.is_empty() {
            self.counters.corrupted += 1;
            self.flip_bits(&mut arrived);
        }
        if self.chance(self.weather.truncate) && !arrived.is_empty() {
            self.counters.truncated += 1;
            arrived.truncate(below(&mut self.rng, arrived.len() as u64) as usize);
        }
        let jitter_micros = self.weather.jitter.as_micros() as u64;
        let jitter = Duration::from_micros(below(&mut self.rng, jitter_micros.saturating_add(1)));
        let mut at = departure + self.weather.delay + jitter;
        if self.chance(self.weather.reorder) {
            self.counters.reordered += 1;
            at = at + self.weather.reorder_delay;
        } else {
            at = at.max(self.newest_arrival);
            self.newest_arrival = at;
        }
        self.counters.delivered += 1;
        (at, arrived)
    }

    /// Flips one to three different bits, as many as there are.
    fn flip_bits(&mut self, datagram: &mut [u8]) {
        let bits = datagram.len() as u64 * 8;
        let first = below(&mut self.rng, bits);
        for step in 0..=below(&mut self.rng, 3) {
            let bit = (first + step * 5) % bits;
            if let Some(byte) = datagram.get_mut((bit / 8) as usize) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// Throws the dice.
    fn chance(&mut self, probability: f64) -> bool {
        // 53 bits are what a double holds exactly.
        let dice = (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        dice < probability
    }
}

#[cfg(test)]
mod tests {
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
    fn the_weather_can_change() {
        let mut link = Link::new(Weather { loss: 1.0, ..Weather::clear() }, 1);
        assert_eq!(link.carry(at(0), b"x").len(), 0);
        link.set_weather(Weather::clear());
        assert_eq!(link.carry(at(0), b"x").len(), 1);
    }
}
