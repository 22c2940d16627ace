//! New keys for a connection that goes on.

use alloc::format;

use super::*;
use crate::limits::KEY_RETRY;

#[test]
fn keys_that_have_protected_so_much_are_changed_at_once_and_not_at_the_next_hour() {
    let mut wire = Wire::new();
    wire.run_for(Duration::from_secs(1));
    wire.wear_keys(1000);
    wire.run_for(Duration::from_secs(60));
    assert_eq!(wire.endpoint.stats().key_changes, 0, "there is some left");
    for changes in [1, 2] {
        wire.wear_keys(0);
        wire.run_for(Duration::from_secs(60));
        assert_eq!(wire.endpoint.stats().key_changes, changes);
    }
    assert_eq!(wire.endpoint.stats().handshakes, 1, "the session goes on");
}

#[test]
fn new_keys_that_cannot_be_had_are_asked_for_again_after_a_pause() {
    let mut wire = Wire::new();
    wire.run_for(Duration::from_secs(1));
    wire.wear_keys(0);
    wire.client.link.as_mut().unwrap().renewal_tried_at = Some(wire.now);
    wire.run_for(KEY_RETRY - Duration::from_secs(1));
    assert_eq!(wire.endpoint.stats().key_changes, 0);
    wire.run_for(Duration::from_secs(30));
    assert_eq!(wire.endpoint.stats().key_changes, 1);
}

#[test]
fn a_connection_that_is_lost_while_its_keys_are_renewed_begins_anew() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.passes = Passes::Nothing;
    wire.age_keys();
    wire.command(Command::Wake);
    wire.run_for(6 * SECOND);
    assert_eq!(wire.interruptions(), [(Interruption::Silent, Duration::ZERO)]);
    // The server has not missed anybody yet, and would renew the keys of the connection that it has.
    wire.passes = Passes::Everything;
    wire.run_for(2 * SECOND);
    assert!(matches!(wire.welcome(), Request::SignIn { .. }));
    assert!(wire.news().iter().any(|update| matches!(update, Update::SignedIn { .. })));
    wire.run_for(10 * SECOND);
    assert_eq!(wire.interruptions(), [], "they understand each other");
}

#[test]
fn a_key_lives_for_an_hour_give_or_take_a_tenth() {
    let mut client = Wire::new().client;
    let lives: Vec<_> = (0..1000).map(|_| client.key_life()).collect();
    let (shortest, longest) = (*lives.iter().min().unwrap(), *lives.iter().max().unwrap());
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    assert!(minutes(54) <= shortest && shortest < minutes(55), "{shortest:?}");
    assert!(minutes(65) < longest && longest <= minutes(66), "{longest:?}");
}

#[test]
fn old_keys_that_cannot_be_renewed_are_tried_again_a_minute_after_the_last_time() {
    let mut wire = Wire::signed_in(config(false, false));
    let began = wire.now;
    wire.passes = Passes::NoHandshake;
    wire.age_keys();
    wire.run_for(KEY_RETRY - SECOND);
    let tried = wire.asked_for_cookies();
    assert_eq!(tried.first().map(|(at, _)| *at), Some(began));
    assert!(tried.iter().all(|(_, nonce)| *nonce == tried[0].1), "that was one attempt");
    wire.run_for(2 * SECOND);
    assert_eq!(wire.asked_for_cookies().get(tried.len()).map(|(at, _)| *at), Some(began + KEY_RETRY));
    assert_eq!(wire.interruptions(), [], "the old ones do");
}

#[test]
fn who_says_goodbye_needs_no_new_keys() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.passes = Passes::Nothing;
    wire.command(Command::Close);
    wire.age_keys();
    wire.run_for(10 * SECOND);
    assert_eq!(wire.asked_for_cookies(), []);
    assert_eq!(wire.news(), [Update::Closed]);
}

#[test]
fn a_server_that_does_not_know_the_session_any_more_answers_a_renewal_with_a_new_one() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.restart_server();
    wire.age_keys();
    wire.run_for(SECOND);
    assert_eq!(wire.interruptions(), [(Interruption::Restarted, Duration::ZERO)]);
    assert!(matches!(wire.welcome(), Request::SignIn { .. }));
}

#[test]
fn nobody_ends_a_connection_by_answering_a_renewal_for_the_server() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.passes = Passes::NoHandshake;
    wire.age_keys();
    wire.run_for(SECOND);
    let nonce = wire.asked_for_cookies()[0].1;
    wire.forge(strangers_retry(nonce, datagram::VERSION));
    wire.run_for(60 * SECOND);
    assert_eq!(wire.news(), []);
    wire.command(Command::Ask { ticket: Ticket(1), request: Request::Status });
    assert_eq!(wire.all_asked(), [Request::Status]);
}

#[test]
fn the_key_that_a_server_announces_is_trusted_first_and_the_others_still() {
    let mut client = Wire::new().client;
    let key = |n| crate::crypto::PublicKey([n; 32]);
    client.config.trust = Trust::Pinned([key(1)].to_vec());
    let mut trusted_after = |announced| {
        client.on_event(Instant::START, connection::Event::KeyAnnounced(key(announced)));
        assert_eq!(client.updates.pop_front(), Some(Update::NewServerKey { key: key(announced) }));
        match &client.config.trust {
            Trust::Pinned(keys) => keys.iter().map(|key| key.0[0]).collect::<Vec<_>>(),
            Trust::FirstUse => panic!("anybody is trusted"),
        }
    };
    assert_eq!(trusted_after(2), [2, 1]);
    assert_eq!(trusted_after(2), [2, 1]);
    assert_eq!(trusted_after(1), [1, 2]);
    for announced in 3..6 {
        trusted_after(announced);
    }
    assert_eq!(trusted_after(6), [6, 5, 4, 3], "as many as a server may have");
}

#[test]
fn a_session_and_its_next_keys_use_aes_where_both_computers_are_quick_at_it() {
    use Suite::{Aes256Gcm, ChaCha20Poly1305};
    for (here, there, used) in [
        (Aes256Gcm, Aes256Gcm, Aes256Gcm),
        (Aes256Gcm, ChaCha20Poly1305, ChaCha20Poly1305),
        (ChaCha20Poly1305, Aes256Gcm, ChaCha20Poly1305),
    ] {
        let mut wire = Wire::new();
        wire.client.set_quickest_suite(here);
        wire.endpoint.set_quickest_suite(there);
        wire.run_for(SECOND);
        wire.welcome();
        let suites = |wire: &Wire| {
            let link = wire.client.link.as_ref().unwrap();
            [Aes256Gcm, ChaCha20Poly1305].map(|suite| format!("{:?}", link.connection).contains(&format!("suite: {suite:?}")))
        };
        let expected = [Aes256Gcm, ChaCha20Poly1305].map(|suite| suite == used);
        assert_eq!(suites(&wire), expected, "{here:?} {there:?}");
        wire.run_for(2 * 3600 * SECOND);
        assert!(wire.client.link.as_ref().unwrap().connection.stats().key_changes > 0);
        assert_eq!(suites(&wire), expected, "{here:?} {there:?}, after two hours");
    }
}
