//! Round-trip time (RFC 9002 §5, RFC 6298).

use core::time::Duration;

use crate::limits::{
    ACK_DELAY_MAX, LOSS_DELAY_MIN, LOSS_EIGHTHS_OF_RTT, PROBE_TIMEOUT_INITIAL, PROBE_TIMEOUT_MIN, ROUND_TRIP_MAX, TIMER_GRANULARITY,
};

/// What is known of the path's round-trip time. Every packet number is sent once, so every sample is unambiguous.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rtt {
    /// Smoothed, variation, smallest, latest; none before the first sample.
    known: Option<Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    smoothed: Duration,
    variation: Duration,
    smallest: Duration,
    latest: Duration,
}

/// What a resting connection keeps, in microseconds; zeros when nothing is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RestingRtt {
    pub(super) smoothed: u32,
    pub(super) variation: u32,
    pub(super) smallest: u32,
}

impl Rtt {
    pub(super) fn park(&self) -> RestingRtt {
        let micros = |duration: Duration| u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
        self.known.map_or_else(RestingRtt::default, |known| RestingRtt {
            smoothed: micros(known.smoothed).max(1),
            variation: micros(known.variation),
            smallest: micros(known.smallest),
        })
    }

    pub(super) fn resume(resting: RestingRtt) -> Self {
        let duration = |micros: u32| Duration::from_micros(micros.into());
        let known = (resting.smoothed > 0).then(|| Known {
            smoothed: duration(resting.smoothed),
            variation: duration(resting.variation),
            smallest: duration(resting.smallest),
            latest: duration(resting.smoothed),
        });
        Self { known }
    }

    /// Takes a sample: `latest` from sending to hearing of it, of which the peer says it kept `ack_delay` to itself.
    ///
    /// A longer sample than [`ROUND_TRIP_MAX`] is a sleep of one side and says no more about the path than that. Returns what the
    /// round trip took without that delay, as far as it is believed.
    pub(super) fn sample(&mut self, latest: Duration, ack_delay: Duration) -> Duration {
        let latest = latest.min(ROUND_TRIP_MAX);
        let Some(known) = &mut self.known else {
            self.known = Some(Known { smoothed: latest, variation: latest / 2, smallest: latest, latest });
            return latest;
        };
        known.latest = latest;
        known.smallest = known.smallest.min(latest);
        let ack_delay = ack_delay.min(ACK_DELAY_MAX);
        // The peer's word is believed only as far as it does not contradict the smallest sample.
        let adjusted = if latest >= known.smallest + ack_delay { latest.saturating_sub(ack_delay) } else { latest };
        known.variation = (known.variation * 3 + known.smoothed.abs_diff(adjusted)) / 4;
        known.smoothed = (known.smoothed * 7 + adjusted) / 8;
        adjusted
    }

    /// The path is another one now: nothing that was measured holds.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }

    /// The smoothed round-trip time; `None` before the first sample.
    pub(super) fn smoothed(&self) -> Option<Duration> {
        self.known.map(|known| known.smoothed)
    }

    /// The longer of the smoothed and the latest round-trip time.
    pub(super) fn longest(&self) -> Duration {
        self.known.map_or(PROBE_TIMEOUT_INITIAL, |known| known.smoothed.max(known.latest))
    }

    /// How long after it was sent a packet counts as lost when a later one was acknowledged, on a path that keeps the order.
    pub(super) fn loss_delay(&self) -> Duration {
        (self.longest() * LOSS_EIGHTHS_OF_RTT / 8).max(LOSS_DELAY_MIN)
    }

    /// How long to wait for any acknowledgement before probing, before back-off.
    pub(super) fn probe_timeout(&self) -> Duration {
        self.known.map_or(PROBE_TIMEOUT_INITIAL, |known| {
            (known.smoothed + (known.variation * 4).max(TIMER_GRANULARITY) + ACK_DELAY_MAX).max(PROBE_TIMEOUT_MIN)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_sample_sets_everything() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.probe_timeout(), PROBE_TIMEOUT_INITIAL);
        rtt.sample(20 * MS, Duration::ZERO);
        assert_eq!(rtt.smoothed(), Some(20 * MS));
        assert_eq!(rtt.probe_timeout(), 20 * MS + 40 * MS + ACK_DELAY_MAX);
    }

    #[test]
    fn the_peers_delay_is_taken_out_of_a_sample() {
        let mut rtt = Rtt::default();
        rtt.sample(20 * MS, Duration::ZERO);
        rtt.sample(45 * MS, 25 * MS);
        assert_eq!(rtt.smoothed(), Some(20 * MS));
    }

    #[test]
    fn a_delay_that_would_undercut_the_smallest_sample_is_not_believed() {
        let mut rtt = Rtt::default();
        rtt.sample(20 * MS, Duration::ZERO);
        rtt.sample(28 * MS, 25 * MS);
        assert_eq!(rtt.smoothed(), Some(21 * MS));
    }

    #[test]
    fn a_fast_path_is_not_probed_faster_than_the_floor() {
        let mut rtt = Rtt::default();
        for _ in 0..50 {
            rtt.sample(Duration::from_micros(100), Duration::ZERO);
        }
        assert_eq!(rtt.probe_timeout(), PROBE_TIMEOUT_MIN);
        assert_eq!(rtt.loss_delay(), LOSS_DELAY_MIN);
    }

    #[test]
    fn smoothed_and_variation_follow_rfc_9002() {
        let mut rtt = Rtt::default();
        rtt.sample(20 * MS, Duration::ZERO);
        // variation = (3 × 10 + |20 - 28|) / 4 = 9.5, smoothed = (7 × 20 + 28) / 8 = 21.
        rtt.sample(28 * MS, Duration::ZERO);
        assert_eq!(rtt.smoothed(), Some(21 * MS));
        assert_eq!(rtt.probe_timeout(), 21 * MS + 38 * MS + ACK_DELAY_MAX);
        // (3 × 9.5 + |21 - 13|) / 4 = 9.125, (7 × 21 + 13) / 8 = 20.
        rtt.sample(13 * MS, Duration::ZERO);
        assert_eq!((rtt.smoothed(), rtt.probe_timeout()), (Some(20 * MS), 20 * MS + Duration::from_micros(36_500) + ACK_DELAY_MAX));
    }

    #[test]
    fn a_loss_shows_after_nine_eighths_of_the_longer_of_smoothed_and_latest() {
        let mut rtt = Rtt::default();
        assert_eq!((rtt.longest(), rtt.loss_delay()), (PROBE_TIMEOUT_INITIAL, PROBE_TIMEOUT_INITIAL * 9 / 8));
        rtt.sample(80 * MS, Duration::ZERO);
        assert_eq!((rtt.longest(), rtt.loss_delay()), (80 * MS, 90 * MS));
        rtt.sample(160 * MS, Duration::ZERO);
        assert_eq!((rtt.longest(), rtt.loss_delay()), (160 * MS, 180 * MS));
        rtt.sample(8 * MS, Duration::ZERO);
        assert_eq!(rtt.longest(), rtt.smoothed().unwrap());
    }

    #[test]
    fn a_rest_forgets_nothing_but_the_latest_sample_and_another_path_everything() {
        let mut rtt = Rtt::default();
        assert_eq!(Rtt::resume(rtt.park()).smoothed(), None);
        for sample in [20, 28, 12] {
            rtt.sample(sample * MS, Duration::ZERO);
        }
        let mut rested = Rtt::resume(rtt.park());
        assert_eq!((rested.smoothed(), rested.probe_timeout()), (rtt.smoothed(), rtt.probe_timeout()));
        assert_eq!(Some(rested.longest()), rtt.smoothed());
        // The smallest bounds what is believed of a delay: 12 ms and 8 are 20.
        assert_eq!((rested.sample(19 * MS, 8 * MS), rested.sample(20 * MS, 8 * MS)), (19 * MS, 12 * MS));
        rtt.forget();
        assert_eq!((rtt.smoothed(), rtt.probe_timeout()), (None, PROBE_TIMEOUT_INITIAL));
    }

    #[test]
    fn even_no_round_trip_time_at_all_is_known_after_a_rest() {
        let mut rtt = Rtt::default();
        rtt.sample(Duration::ZERO, Duration::ZERO);
        assert_eq!(Rtt::resume(rtt.park()).smoothed(), Some(Duration::from_micros(1)), "zero stands for nothing known");
    }
}
