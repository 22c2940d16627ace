//! How long a client waits before it tries again, and what makes it try at once or never.

use super::*;
use crate::limits::{RECONNECT_MAX, RECONNECT_MIN, STEADY_AFTER};

/// The server falls silent, and what the client says to that.
fn silence(wire: &mut Wire) -> Duration {
    wire.passes = Passes::Nothing;
    wire.command(Command::Wake);
    wire.run_for(5 * SECOND);
    wire.passes = Passes::Everything;
    match wire.interruptions().first() {
        Some((Interruption::Silent, retry_in)) => *retry_in,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_pauses_of_who_reaches_nobody_double_up_to_half_a_minute_and_are_drawn_by_lot() {
    // The longest pause that any of thirty clients made, by its place in the row.
    let mut longest = [Duration::ZERO; 9];
    for seed in 0..30 {
        let mut client = Client::new(config(false, false), from_seed([seed; 32]), Instant::START);
        for (attempt, longest) in longest.iter_mut().enumerate() {
            client.wait(Instant::START, Interruption::Unreachable);
            let Some(Update::Disconnected { retry_in, .. }) = client.updates.pop_front() else { panic!("nobody is told") };
            assert_eq!(client.dial_at, Some(Instant::START + retry_in));
            assert!(retry_in <= RECONNECT_MAX.min(RECONNECT_MIN * (1 << attempt)), "{attempt}: {retry_in:?}");
            *longest = retry_in.max(*longest);
        }
    }
    for (attempt, longest) in longest.into_iter().enumerate() {
        assert!(longest > RECONNECT_MAX.min(RECONNECT_MIN * (1 << attempt)) * 4 / 5, "{attempt}: {longest:?}");
    }
}

#[test]
fn a_server_that_falls_silent_is_asked_at_once_the_first_time_and_after_a_session_that_lasted() {
    let mut wire = Wire::signed_in(config(false, false));
    assert_eq!(silence(&mut wire), Duration::ZERO);
    wire.run_for(SECOND);
    wire.welcome();
    wire.run_for(STEADY_AFTER - 10 * SECOND);
    let again = silence(&mut wire);
    assert!(Duration::ZERO < again && again <= 2 * RECONNECT_MIN, "{again:?}: it may be about to fall silent for good");
    wire.run_for(2 * SECOND);
    wire.welcome();
    wire.run_for(STEADY_AFTER);
    assert_eq!(silence(&mut wire), Duration::ZERO);
}

#[test]
fn a_server_that_cannot_be_reached_is_not_asked_at_once() {
    let mut wire = Wire::new();
    wire.passes = Passes::Nothing;
    wire.run_for(11 * SECOND);
    assert!(matches!(wire.interruptions()[..], [(Interruption::Unreachable, pause)] if pause > Duration::ZERO));
}

#[test]
fn a_server_that_stops_is_given_the_time_that_it_asks_for() {
    let mut pauses = Vec::new();
    for seed in 0..30 {
        let mut client = Client::new(config(false, false), from_seed([seed; 32]), Instant::START);
        client.on_event(Instant::START, connection::Event::GoAway { retry_after: 5 * SECOND, jitter: 2 * SECOND });
        client.wait(Instant::START, Interruption::GoingAway);
        let Some(Update::Disconnected { retry_in, .. }) = client.updates.pop_front() else { panic!("nobody is told") };
        pauses.push(retry_in);
    }
    let (shortest, longest) = (*pauses.iter().min().unwrap(), *pauses.iter().max().unwrap());
    assert!(5 * SECOND <= shortest && shortest < 5500 * MILLI, "{shortest:?}");
    assert!(6500 * MILLI < longest && longest <= 7 * SECOND, "{longest:?}");
}

#[test]
fn who_is_woken_up_tries_at_once_however_long_it_was_to_wait() {
    let mut wire = Wire::new();
    wire.passes = Passes::Nothing;
    wire.run_for(200 * SECOND);
    wire.client.wait(wire.now, Interruption::Unreachable);
    wire.client.dial_at = Some(wire.now + RECONNECT_MAX);
    wire.client.dialer = None;
    wire.passes = Passes::Everything;
    wire.command(Command::Wake);
    assert!(wire.client.link.is_some());
}

#[test]
fn a_client_that_has_stopped_stays_so() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.command(Command::Close);
    wire.run_for(10 * SECOND);
    assert_eq!(wire.news(), [Update::Closed]);
    wire.sent.clear();
    wire.command(Command::Wake);
    wire.command(Command::Close);
    wire.run_for(100 * SECOND);
    assert_eq!((wire.news(), wire.sent.len()), (Vec::new(), 0));
    assert_eq!(wire.client.deadline(), None);
}

#[test]
fn a_connection_that_ends_while_another_is_made_already_is_not_waited_for() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.passes = Passes::NoHandshake;
    wire.forge(wire.no_session());
    wire.endpoint.close(wire.now, wire.peer.unwrap(), CloseCode::IDLE);
    assert_eq!(wire.interruptions(), [(Interruption::ClosedByServer(CloseCode::IDLE.0), Duration::ZERO)]);
    assert_eq!(wire.client.dial_at, None);
    wire.passes = Passes::Everything;
    wire.run_for(2 * SECOND);
    assert!(matches!(wire.welcome(), Request::SignIn { .. }));
}
