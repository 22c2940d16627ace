//! What is asked while an answer is waited for, and that nothing is while none is.

use super::*;
use crate::limits::{ANSWER_PATIENCE, KEEPALIVE, KEEPALIVE_JITTER};

#[test]
fn who_waits_for_an_answer_asks_for_a_sign_of_life_long_before_the_next_keepalive() {
    let mut wire = Wire::new();
    // Signing in has been asked for and acknowledged, and nobody answers: a server that was killed and restarted knows nothing of it.
    wire.run_for(Duration::from_secs(1));
    let connection = |wire: &Wire| wire.client.link.as_ref().map(|link| link.connection.is_idle());
    assert_eq!(connection(&wire), Some(true), "all that was sent has arrived");
    let mut heard = wire.endpoint.stats().datagrams_received;
    let quiet = KEEPALIVE - KEEPALIVE_JITTER - Duration::from_secs(1);
    let mut waited = Duration::ZERO;
    while waited + ANSWER_PATIENCE < quiet {
        wire.run_for(ANSWER_PATIENCE + Duration::from_millis(100));
        waited += ANSWER_PATIENCE + Duration::from_millis(100);
        let now = wire.endpoint.stats().datagrams_received;
        assert!(now > heard, "silent after {waited:?}");
        heard = now;
    }
}

#[test]
fn who_waits_for_nothing_says_nothing_until_the_next_keepalive() {
    let mut wire = Wire::signed_in(config(false, false));
    // What was said last is acknowledged within a moment.
    wire.run_for(SECOND);
    wire.sent.clear();
    wire.run_for(KEEPALIVE - KEEPALIVE_JITTER - 3 * SECOND);
    assert_eq!(wire.sent, []);
}
