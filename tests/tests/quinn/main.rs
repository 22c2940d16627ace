//! Counterparts of quinn-proto's own tests, by their names; docs/TESTING.md says which of them have none and why.

mod acknowledgements;
mod delivery;
mod handshake;
mod path;

use std::time::Duration;

use belfry_core::connection::Side;
use belfry_core::wire::Channel;
use belfry_tests::pair::Pair;
use belfry_tests::weather::Weather;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A quiet network of ten milliseconds.
fn near() -> Weather {
    Weather { delay: 10 * MS, ..Weather::clear() }
}

fn dark() -> Weather {
    Weather { loss: 1.0, ..near() }
}

/// A pair that knows its round trip and rests.
fn warm() -> Pair {
    let mut pair = Pair::new(near(), 1);
    for side in [Side::Client, Side::Server] {
        pair.send(side, Channel::Chat, *b"warm");
    }
    pair.run_for(SECOND);
    pair.client.events.clear();
    pair.server.events.clear();
    pair
}
