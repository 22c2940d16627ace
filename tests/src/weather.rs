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
    /// Of losses by themselves and of damaged datagrams, no more than so many come in a row.
    pub run_max: Option<u32>,
    /// Datagrams from this number to that one are lost, counted from 1 as they are sent.
    pub lose: Option<(u64, u64)>,
    /// A second copy comes up to this much later, evenly spread.
    pub duplicate_delay: Duration,
    /// Up to this much longer, evenly spread, each datagram by itself: they overtake each other.
    pub scatter: Duration,
    /// How much each datagram's jitter is like that of the one before, from 0 to 1.
    pub jitter_correlation: f64,
    /// Now and then a datagram is not delayed at all.
    pub overtake: Option<Overtake>,
    /// Now and then nothing gets through for a while; then all of it arrives together.
    pub stalls: Option<Stalls>,
}

/// Datagrams that skip the delay, as netem's `reorder` lets them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overtake {
    /// How many do.
    pub share: f64,
    /// How much the dice of each are like those of the one before, from 0 to 1.
    pub correlation: f64,
}

/// A radio that is busy with something else at times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stalls {
    /// From the end of one to the beginning of the next; half of it is certain, the rest evenly spread around it.
    pub every: Duration,
    /// How short one may be.
    pub shortest: Duration,
    /// How long one may be.
    pub longest: Duration,
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
            run_max: None,
            lose: None,
            duplicate_delay: Duration::ZERO,
            scatter: Duration::ZERO,
            jitter_correlation: 0.0,
            overtake: None,
            stalls: None,
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
    /// Losses and damages in a row.
    run: u32,
    /// The last dice of what is correlated, from 0 to 1.
    last_jitter: f64,
    last_overtake: f64,
    /// Nothing gets through from the first of these instants to the second.
    stall: Option<(Instant, Instant)>,
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
            run: 0,
            last_jitter: 0.5,
            last_overtake: 0.5,
            stall: None,
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
        let chosen = self.weather.lose.is_some_and(|(from, to)| (from..=to).contains(&self.counters.offered));
        if self.mishap(self.weather.loss) || burst || chosen {
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
            let later = self.up_to(self.weather.duplicate_delay);
            let newest = self.newest_arrival;
            let (at, copy) = self.arrive(departure, datagram);
            // One that comes so much later keeps nobody waiting.
            if !self.weather.duplicate_delay.is_zero() {
                self.newest_arrival = newest;
            }
            arrivals.push((at + later, copy));
        }
        arrivals
    }

    /// Throws the dice for a loss or a damage, which may come only so often in a row.
    fn mishap(&mut self, probability: f64) -> bool {
        if probability == 0.0 {
            return false;
        }
        let happens = self.chance(probability) && self.weather.run_max.is_none_or(|most| self.run < most);
        if happens {
            self.run += 1;
        } else {
            self.run = 0;
        }
        happens
    }

    /// A time from nothing to `longest`.
    fn up_to(&mut self, longest: Duration) -> Duration {
        if longest.is_zero() {
            return longest;
        }
        Duration::from_micros(below(&mut self.rng, (longest.as_micros() as u64).saturating_add(1)))
    }

    /// Dice from 0 to 1 that are partly the last ones.
    fn correlated(rng: &mut Rng, correlation: f64, last: &mut f64) -> f64 {
        *last = correlation * *last + (1.0 - correlation) * dice(rng);
        *last
    }

    /// When what would arrive at `at` does, if the radio is busy then.
    fn wait_for_stall(&mut self, at: Instant) -> Instant {
        let Some(stalls) = self.weather.stalls else { return at };
        loop {
            match self.stall {
                Some((from, _)) if at < from => return at,
                Some((_, until)) if at < until => return until,
                last => {
                    let start = last.map_or(at, |(_, until)| until) + stalls.every / 2 + self.up_to(stalls.every);
                    let length = stalls.shortest + self.up_to(stalls.longest.saturating_sub(stalls.shortest));
                    self.stall = Some((start, start + length));
                }
            }
        }
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
        if self.mishap(self.weather.corrupt) && !arrived.is_empty() {
            self.counters.corrupted += 1;
            self.flip_bits(&mut arrived);
        }
        if self.chance(self.weather.truncate) && !arrived.is_empty() {
            self.counters.truncated += 1;
            arrived.truncate(below(&mut self.rng, arrived.len() as u64) as usize);
        }
        let jitter = if self.weather.jitter_correlation > 0.0 {
            let share = Self::correlated(&mut self.rng, self.weather.jitter_correlation, &mut self.last_jitter);
            self.weather.jitter.mul_f64(share)
        } else {
            self.up_to(self.weather.jitter)
        };
        let mut at = departure + self.weather.delay + jitter;
        self.counters.delivered += 1;
        if let Some(Overtake { share, correlation }) = self.weather.overtake
            && Self::correlated(&mut self.rng, correlation, &mut self.last_overtake) < share
        {
            self.counters.reordered += 1;
            return (departure, arrived);
        }
        if self.chance(self.weather.reorder) {
            self.counters.reordered += 1;
            at = at + self.weather.reorder_delay;
        } else if !self.weather.scatter.is_zero() {
            at = at + self.up_to(self.weather.scatter);
        } else {
            at = self.wait_for_stall(at).max(self.newest_arrival);
            self.newest_arrival = at;
        }
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
        dice(&mut self.rng) < probability
    }
}

/// From 0 to 1, evenly.
fn dice(rng: &mut Rng) -> f64 {
    // 53 bits are what a double holds exactly.
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests;
