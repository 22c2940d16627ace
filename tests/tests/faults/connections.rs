//! The connection table of Valve's GameNetworkingSockets: eighteen networks, each under bulk and under a game's pattern.

use std::time::Duration;

use belfry_tests::weather::{Bottleneck, Weather};

use crate::transfer::{Pattern, Transfer};

const KILO: u64 = 1000;

/// How long the application goes on.
const TIME: Duration = Duration::from_secs(10);

/// What a game offers: 4000 bytes every 30 ms.
const GAME_RATE: u64 = 4000 * 1000 / 30;

/// What must come through of what is offered, in percent.
const fn line_of(loss: u32) -> u32 {
    if loss <= 2 { 85 } else { 50 }
}

/// Bytes a second, loss and reordering in percent, times in milliseconds; the lag is that of each way.
struct Row {
    rate: u64,
    loss: u32,
    lag: u64,
    reorder: u32,
    reorder_lag: u64,
}

impl Row {
    fn weather(&self) -> Weather {
        Weather {
            loss: f64::from(self.loss) / 100.0,
            delay: Duration::from_millis(self.lag),
            reorder: f64::from(self.reorder) / 100.0,
            reorder_delay: Duration::from_millis(self.reorder_lag),
            // A fifth of a second waits before it, as in an ordinary router.
            bottleneck: Some(Bottleneck { bytes_per_second: self.rate, queue_bytes: (self.rate / 5).max(30_000) }),
            ..Weather::clear()
        }
    }
}

/// The lines: how much of the rate must come through in bulk, and how soon 99 of 100 notices must be there meanwhile.
fn check(name: &str, row: Row, bulk: u32, notices: Duration) {
    let mut failures = Vec::new();
    for (pattern, seed) in [(Pattern::Bulk, 1), (Pattern::Game, 2)] {
        let measured = Transfer { pattern, weather: row.weather(), time: TIME, seed }.run();
        let offered = if pattern == Pattern::Game { row.rate.min(GAME_RATE) } else { row.rate };
        measured.tell(&format!("{name}, {pattern:?}"), offered);
        // A game that offers less than the link carries has no excuse that bulk has.
        let line = if pattern == Pattern::Game { line_of(row.loss) } else { bulk };
        if measured.goodput < offered as f64 * f64::from(line) / 100.0 {
            failures.push(format!("{pattern:?}: {:.0} of {offered} B/s is less than {line} %", measured.goodput));
        }
        if measured.p99() > notices {
            failures
                .push(format!("{pattern:?}: the slowest notices but one in a hundred took {:?}, more than {notices:?}", measured.p99()));
        }
    }
    assert!(failures.is_empty(), "{name}: {failures:#?}");
}

macro_rules! rows {
    ($($name:ident $rate:expr, $loss:literal, $lag:literal, $reorder:literal, $reorder_lag:literal, $bulk:expr, $notices:literal;)*) => {
        $(#[test]
        fn $name() {
            let row = Row { rate: $rate, loss: $loss, lag: $lag, reorder: $reorder, reorder_lag: $reorder_lag };
            check(stringify!($name), row, $bulk, Duration::from_millis($notices));
        })*
    };
}

// One has a lower line for bulk than the others of its loss. With a third held back by 40 ms the window, which is never taken back without a
// loss, grows until the link's queue is full, and what the queue drops is missing from a message until it has come again.
rows! {
    at_128k_with_10_percent_loss_and_50_ms 128 * KILO, 10, 50, 2, 50, line_of(10), 1000;
    at_1m_with_5_percent_loss_and_10_ms 1000 * KILO, 5, 10, 1, 10, line_of(5), 1000;
    at_2m_with_30_percent_reordered 2000 * KILO, 0, 50, 30, 40, 65, 1000;
    at_64k_with_20_percent_loss_and_100_ms 64 * KILO, 20, 100, 4, 50, line_of(20), 1500;
    at_1m_with_20_percent_loss_and_100_ms 1000 * KILO, 20, 100, 4, 10, line_of(20), 1500;
    at_1m_on_wifi 1000 * KILO, 2, 5, 2, 1, line_of(2), 1000;
    at_2m_on_a_lan 2000 * KILO, 0, 0, 0, 0, line_of(0), 1000;
    at_128k_with_20_percent_loss_and_100_ms 128 * KILO, 20, 100, 4, 40, line_of(20), 1500;
    at_500k_with_20_percent_loss_and_100_ms 500 * KILO, 20, 100, 4, 30, line_of(20), 1500;
    at_64k_on_a_clean_way 64 * KILO, 0, 0, 0, 0, line_of(0), 1000;
    at_128k_on_a_clean_way 128 * KILO, 0, 0, 0, 0, line_of(0), 1000;
    at_256k_on_a_clean_way 256 * KILO, 0, 0, 0, 0, line_of(0), 1000;
    at_500k_on_a_clean_way 500 * KILO, 0, 0, 0, 0, line_of(0), 1000;
    at_1m_on_a_clean_way 1000 * KILO, 0, 0, 0, 0, line_of(0), 1000;
    at_64k_with_1_percent_loss_and_25_ms 64 * KILO, 1, 25, 1, 10, line_of(1), 1000;
    at_1m_with_1_percent_loss_and_25_ms 1000 * KILO, 1, 25, 1, 10, line_of(1), 1000;
    at_64k_with_5_percent_loss_and_50_ms 64 * KILO, 5, 50, 2, 50, line_of(5), 1000;
    at_1m_with_5_percent_loss_and_50_ms 1000 * KILO, 5, 50, 2, 10, line_of(5), 1000;
}
