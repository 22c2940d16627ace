//! The handshake's datagrams: when they are sent, and who is believed.

use super::*;
use crate::limits::HANDSHAKE_TIMEOUT;
use crate::wire::datagram::{Reject, Response, VERSION};

/// When the client sent its datagrams of a kind, in milliseconds after `start`.
fn times(wire: &Wire, start: Instant, kind: fn(&Datagram<'_>) -> bool) -> Vec<u128> {
    let of_kind = |(_, sent): &&(Instant, Vec<u8>)| kind(&datagram::decode(sent).unwrap());
    wire.sent.iter().filter(of_kind).map(|(at, _)| at.since(start).as_millis()).collect()
}

/// Also looks at the client when nothing is to be done.
fn run_with_a_look_now_and_then(wire: &mut Wire, time: Duration) {
    for _ in 0..time.as_millis() / 50 {
        wire.run_for(50 * MILLI);
        wire.client.handle_timeout(wire.now);
    }
}

/// Whether the pauses between these times are half a second to one and a half, and not all the same.
fn are_about_a_second(times: &[u128]) -> bool {
    let pauses: Vec<_> = times.windows(2).map(|two| two[1] - two[0]).collect();
    pauses.iter().all(|pause| (500..=1550).contains(pause)) && pauses.iter().any(|pause| *pause != pauses[0])
}

#[test]
fn a_server_that_says_nothing_is_asked_after_three_tenths_of_a_second_and_then_about_every_second() {
    let mut wire = Wire::new();
    let start = wire.now;
    wire.passes = Passes::Nothing;
    run_with_a_look_now_and_then(&mut wire, HANDSHAKE_TIMEOUT);
    let asked = times(&wire, start, |datagram| matches!(datagram, Datagram::Hello0(_)));
    assert!(asked.starts_with(&[0, 300]) && are_about_a_second(&asked[1..]) && (8..=16).contains(&asked.len()), "{asked:?}");
    assert!(matches!(wire.interruptions()[..], [(Interruption::Unreachable, _)]));
}

#[test]
fn a_greeting_is_repeated_so_often_and_then_another_session_is_asked_for() {
    let mut wire = Wire::new();
    let start = wire.now;
    wire.passes = Passes::NoHello;
    run_with_a_look_now_and_then(&mut wire, 5 * SECOND);
    let greeted = times(&wire, start, |datagram| matches!(datagram, Datagram::Hello(_)));
    let asked = times(&wire, start, |datagram| matches!(datagram, Datagram::Hello0(_)));
    let (first, second) = greeted.split_at(4);
    assert!(first.starts_with(&[0, 300]) && are_about_a_second(&first[1..]), "{greeted:?}");
    assert_eq!((asked.len(), asked[1], second[1] - second[0]), (2, second[0], 300), "{greeted:?} {asked:?}");
    assert!((500..=1550).contains(&(second[0] - first[3])), "{greeted:?}");
    let mut sessions: Vec<_> = wire.sent.iter().filter_map(|(_, sent)| connection_id_of(sent)).collect();
    sessions.dedup();
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert!(sessions.iter().all(|connection_id| connection_id.0 != 0), "0 stands for none");
}

fn connection_id_of(sent: &[u8]) -> Option<ConnectionId> {
    match datagram::decode(sent) {
        Ok(Datagram::Hello(hello)) => Some(hello.from),
        _ => None,
    }
}

#[test]
fn an_answer_for_another_session_is_not_ours() {
    let mut wire = Wire::new();
    wire.passes = Passes::NoHello;
    let start = wire.now;
    wire.run_for(SECOND);
    // The server hears the greeting, and the number in the head of its answer is changed on the way.
    let (_, mut hello) = wire.sent.iter().find(|(_, sent)| connection_id_of(sent).is_some()).unwrap().clone();
    let connection_id = connection_id_of(&hello).unwrap();
    wire.endpoint.handle_datagram(start, HOME.into(), &mut hello);
    let mut answer = Vec::new();
    assert!(matches!(wire.endpoint.poll(start, &mut answer), endpoint::Output::Transmit { .. }));
    let Ok(Datagram::Response(response)) = datagram::decode(&answer) else { panic!("no answer") };
    let mut changed = Vec::new();
    Response { to: ConnectionId(connection_id.0 ^ 1), noise: response.noise }.encode(&mut changed);
    wire.forge(changed);
    assert!(wire.client.link.is_none());
    wire.forge(answer);
    assert!(wire.client.link.is_some());
}

#[test]
fn a_server_that_turns_us_away_is_asked_again_when_it_said() {
    let mut wire = Wire::new();
    wire.passes = Passes::Nothing;
    wire.run_for(100 * MILLI);
    let nonce = wire.asked_for_cookies()[0].1;
    let reject = |nonce| {
        let mut out = Vec::new();
        Reject { to: ConnectionId(1), nonce, code: CloseCode::SERVER_FULL, retry_after_millis: 7000, jitter_millis: 0 }.encode(&mut out);
        out
    };
    wire.forge(reject([!nonce[0]; 8]));
    assert_eq!(wire.interruptions(), [], "that was for somebody else");
    wire.forge(reject(nonce));
    assert_eq!(wire.interruptions(), [(Interruption::ClosedByServer(CloseCode::SERVER_FULL.0), 7 * SECOND)]);
    wire.passes = Passes::Everything;
    wire.run_for(6900 * MILLI);
    assert!(wire.client.link.is_none());
    wire.run_for(100 * MILLI);
    assert!(wire.client.link.is_some());
}

#[test]
fn a_connection_goes_on_when_the_server_that_denied_it_cannot_be_reached() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.passes = Passes::NoHandshake;
    wire.forge(wire.no_session());
    wire.run_for(HANDSHAKE_TIMEOUT + SECOND);
    assert!(!wire.asked_for_cookies().is_empty(), "it was looked into");
    assert_eq!(wire.news(), []);
    wire.command(Command::Ask { ticket: Ticket(1), request: Request::Status });
    assert_eq!(wire.all_asked(), [Request::Status]);
}

#[test]
fn a_server_that_was_restarted_as_another_version_is_told_once_the_connection_to_it_is_silent() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.passes = Passes::NoHandshake;
    wire.forge(wire.no_session());
    let nonce = wire.asked_for_cookies()[0].1;
    wire.forge(servers_retry(&wire, nonce, VERSION + 1));
    wire.run_for(SECOND);
    assert_eq!(wire.interruptions(), [], "nobody has proven to have said it, and the connection is there");
    wire.passes = Passes::Nothing;
    let mut told = Vec::new();
    while told.is_empty() && wire.now.since(Instant::START) < 10 * KEY_LIFE {
        wire.run_for(SECOND);
        told = wire.interruptions();
    }
    assert_eq!(told, [(Interruption::Silent, Duration::ZERO)]);
    let nonce = wire.asked_for_cookies().last().unwrap().1;
    wire.forge(servers_retry(&wire, nonce, VERSION + 1));
    wire.run_for(MILLI);
    assert!(matches!(wire.interruptions()[..], [(Interruption::Version(Outdated::Client), _)]));
}

#[test]
fn who_overheard_a_denial_makes_us_shake_hands_every_ten_seconds_at_most() {
    let mut wire = Wire::signed_in(config(false, false));
    wire.passes = Passes::NoHandshake;
    let start = wire.now;
    let mut attempts = Vec::new();
    for second in 0..25 {
        wire.run_for((start + second * SECOND).since(wire.now));
        wire.forge(wire.no_session());
        if let Some((at, nonce)) = wire.asked_for_cookies().pop()
            && wire.client.dialer.is_some()
        {
            attempts.push(at.since(start));
            // Each attempt is soon over, but not the connection.
            let mut out = Vec::new();
            Reject { to: ConnectionId(1), nonce, code: CloseCode::SERVER_FULL, retry_after_millis: 0, jitter_millis: 0 }.encode(&mut out);
            wire.forge(out);
        }
    }
    assert_eq!(attempts, [Duration::ZERO, 10 * SECOND, 20 * SECOND]);
}
