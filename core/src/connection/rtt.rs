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
    smoothed: u32,
    variation: u32,
    smallest: u32,
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
}
