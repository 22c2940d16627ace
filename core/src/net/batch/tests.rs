use core::cell::Cell;
use core::net::Ipv4Addr;
use std::string::String;
use std::time::{Duration, Instant};

use super::*;

std::thread_local! {
    /// How often the system that a test has made up was called.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// How the two implementations are called.
struct System {
    receive: fn(&UdpSocket, &mut [u8], &mut Vec<Head>) -> io::Result<bool>,
    send: fn(&UdpSocket, &[Departure]) -> io::Result<usize>,
}

const SYSTEMS: [System; 2] =
    [System { receive: system::receive, send: system::send }, System { receive: portable::receive, send: portable::send }];

fn at_loopback() -> UdpSocket {
    UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

impl System {
    /// Everything that arrives until `wanted` datagrams have, in order; gives up after five seconds.
    fn receive_all(&self, inbox: &mut ReceiveBatch, socket: &UdpSocket, wanted: usize) -> Vec<(SocketAddr, Vec<u8>)> {
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut arrived = Vec::new();
        while arrived.len() < wanted && Instant::now() < deadline {
            inbox.receive_by(socket, self.receive).unwrap();
            arrived.extend(inbox.iter_mut().map(|(from, datagram)| (from, datagram.to_vec())));
        }
        arrived
    }
}

#[test]
fn a_full_batch_arrives_whole_and_in_order() {
    for system in SYSTEMS {
        let (from, to) = (at_loopback(), at_loopback());
        let mut outbox = SendBatch::new();
        for number in 0..BATCH {
            outbox.push(to.local_addr().unwrap(), std::format!("datagram {number}").as_bytes());
        }
        assert!(outbox.is_full());
        assert_eq!(outbox.flush_by(&from, system.send), SendReport { sent: BATCH, skipped: 0, blocked: false });
        assert!(outbox.is_empty());
        let arrived = system.receive_all(&mut ReceiveBatch::new(), &to, BATCH);
        let expected: Vec<_> =
            (0..BATCH).map(|number| (from.local_addr().unwrap(), std::format!("datagram {number}").into_bytes())).collect();
        assert_eq!(arrived, expected);
    }
}

#[test]
fn one_call_receives_one_batch_and_the_next_call_the_rest() {
    for system in SYSTEMS {
        let (from, to) = (at_loopback(), at_loopback());
        for _ in 0..BATCH + 3 {
            from.send_to(b"x", to.local_addr().unwrap()).unwrap();
        }
        let mut inbox = ReceiveBatch::new();
        assert_eq!(inbox.receive_by(&to, system.receive).unwrap(), Received { datagrams: BATCH, drained: false });
        assert_eq!(inbox.receive_by(&to, system.receive).unwrap(), Received { datagrams: 3, drained: true });
        assert_eq!(inbox.receive_by(&to, system.receive).unwrap(), Received { datagrams: 0, drained: true });
        assert_eq!(inbox.iter_mut().count(), 0);
    }
}

#[test]
fn the_system_is_not_asked_again_when_it_has_said_that_there_is_no_more() {
    fn three_and_no_more(_: &UdpSocket, _: &mut [u8], heads: &mut Vec<Head>) -> io::Result<bool> {
        CALLS.set(CALLS.get() + 1);
        heads.extend([(([127, 0, 0, 1], 1).into(), 0); 3]);
        Ok(false)
    }
    let mut inbox = ReceiveBatch::new();
    assert_eq!(inbox.receive_by(&at_loopback(), three_and_no_more).unwrap(), Received { datagrams: 3, drained: true });
    assert_eq!(CALLS.take(), 1);
}

#[test]
fn sizes_are_kept_up_to_the_limit() {
    for system in SYSTEMS {
        let (from, to) = (at_loopback(), at_loopback());
        let mut outbox = SendBatch::new();
        for bytes in [0, 1, 1300, DATAGRAM_BYTES_MAX] {
            outbox.push(to.local_addr().unwrap(), &std::vec![7; bytes]);
        }
        assert_eq!(outbox.flush_by(&from, system.send).sent, 4);
        let arrived = system.receive_all(&mut ReceiveBatch::new(), &to, 4);
        assert_eq!(arrived.iter().map(|(_, datagram)| datagram.len()).collect::<Vec<_>>(), [0, 1, 1300, DATAGRAM_BYTES_MAX]);
    }
}

#[test]
fn an_oversized_datagram_is_dropped_and_counted_and_its_neighbours_are_not() {
    for system in SYSTEMS {
        let (from, to) = (at_loopback(), at_loopback());
        for datagram in [&b"before"[..], &[7; DATAGRAM_BYTES_MAX + 1], &[7; 5000], b"after"] {
            from.send_to(datagram, to.local_addr().unwrap()).unwrap();
        }
        let mut inbox = ReceiveBatch::new();
        let arrived = system.receive_all(&mut inbox, &to, 2);
        assert_eq!(arrived.iter().map(|(_, datagram)| &datagram[..]).collect::<Vec<_>>(), [&b"before"[..], b"after"]);
        assert_eq!(inbox.too_large(), 2);
    }
}

/// How long each datagram is that goes to the first of two.
const LENGTHS: [usize; 14] = [1200, 1200, 1200, 700, 1200, 1200, 1300, 1300, 0, 40, 40, 41, 1200, 1200];

#[test]
fn datagrams_to_one_address_arrive_as_they_were_pushed_whatever_their_lengths() {
    for system in SYSTEMS {
        let (from, to, other) = (at_loopback(), at_loopback(), at_loopback());
        let mut outbox = SendBatch::new();
        let mut datagrams: Vec<Vec<u8>> = LENGTHS.iter().zip(0..).map(|(&bytes, number)| std::vec![number; bytes]).collect();
        // More than one piece holds.
        datagrams.extend((0..120).map(|number| std::vec![number; 1200]));
        for (number, datagram) in datagrams.iter().enumerate() {
            outbox.swap(to.local_addr().unwrap(), &mut datagram.clone());
            if number % 13 == 5 {
                outbox.push(other.local_addr().unwrap(), b"between");
            }
        }
        assert_eq!(outbox.flush_by(&from, system.send), SendReport { sent: datagrams.len() + 10, skipped: 0, blocked: false });
        let arrived = system.receive_all(&mut ReceiveBatch::new(), &to, datagrams.len());
        assert_eq!(arrived.into_iter().map(|(_, datagram)| datagram).collect::<Vec<_>>(), datagrams);
        let between = system.receive_all(&mut ReceiveBatch::new(), &other, 10);
        assert!(between.iter().all(|(_, datagram)| datagram == b"between"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn neighbours_of_one_address_and_one_length_leave_in_one_piece_the_last_of_which_may_be_shorter() {
    let [here, there]: [SocketAddr; 2] = [([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into()];
    for (waiting, pieces) in [
        (&[(here, 100)][..], 1),
        (&[(here, 100), (here, 100), (here, 100)], 3),
        (&[(here, 100), (here, 100), (there, 100)], 2),
        (&[(here, 100), (here, 100), (here, 99), (here, 99)], 3),
        (&[(here, 100), (here, 101)], 1),
        (&[(here, 100), (here, 0)], 1),
        (&[(here, 0), (here, 0)], 1),
        (&[(here, 1200); 100], 54),
        (&[(here, 100); 100], 64),
    ] {
        let departures: Vec<_> = waiting.iter().map(|&(to, bytes)| Departure { to, datagram: std::vec![0; bytes] }).collect();
        assert_eq!(system::in_one_piece(&departures), pieces, "{waiting:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_system_that_refuses_a_piece_is_given_datagrams_one_by_one_from_then_on() {
    let (from, to) = (at_loopback(), at_loopback());
    // Nobody can send to port 0, which looks the same.
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut outbox = SendBatch::new();
    assert!(from.takes_segments());
    [nowhere, nowhere].into_iter().chain([to.local_addr().unwrap(); 3]).for_each(|to| outbox.push(to, b"x"));
    assert_eq!(outbox.flush(&from), SendReport { sent: 3, skipped: 2, blocked: false });
    assert!(!from.takes_segments());
    assert_eq!(SYSTEMS[0].receive_all(&mut ReceiveBatch::new(), &to, 3).len(), 3);
}

#[test]
fn what_does_not_fit_the_outbox_is_counted() {
    let (from, to) = (at_loopback(), at_loopback());
    let mut outbox = SendBatch::new();
    outbox.push(to.local_addr().unwrap(), &[0; DATAGRAM_BYTES_MAX + 1]);
    for _ in 0..=BATCH {
        outbox.push(to.local_addr().unwrap(), b"x");
    }
    assert_eq!(outbox.flush(&from), SendReport { sent: BATCH, skipped: 2, blocked: false });
}

#[test]
fn a_bad_destination_stops_nobody_else() {
    for system in SYSTEMS {
        let (from, to) = (at_loopback(), at_loopback());
        let good = to.local_addr().unwrap();
        // Nobody can send to port 0, nor without permission to everybody, nor over IPv4 to an IPv6 address.
        let bad: [SocketAddr; 3] = [([127, 0, 0, 1], 0).into(), ([255; 4], 9).into(), "[::1]:9".parse().unwrap()];
        let mut outbox = SendBatch::new();
        for (number, bad) in bad.into_iter().enumerate() {
            outbox.push(good, &[number as u8]);
            outbox.push(bad, b"lost");
        }
        outbox.push(good, &[3]);
        assert_eq!(outbox.flush_by(&from, system.send), SendReport { sent: 4, skipped: 3, blocked: false });
        let arrived = system.receive_all(&mut ReceiveBatch::new(), &to, 4);
        assert_eq!(arrived.concat_datagrams(), [0, 1, 2, 3]);
    }
}

#[test]
fn a_port_where_nobody_listens_stops_nobody_else() {
    for system in SYSTEMS {
        let (from, to) = (at_loopback(), at_loopback());
        let deserted = at_loopback().local_addr().unwrap();
        let mut outbox = SendBatch::new();
        for number in 0..4 {
            outbox.push(deserted, b"lost");
            outbox.push(to.local_addr().unwrap(), &[number]);
            assert!(!outbox.flush_by(&from, system.send).blocked);
        }
        assert_eq!(system.receive_all(&mut ReceiveBatch::new(), &to, 4).concat_datagrams(), [0, 1, 2, 3]);
    }
}

#[test]
fn an_ipv4_peer_of_a_dual_stack_socket_has_an_ipv4_address_both_ways() {
    for system in SYSTEMS {
        let both = UdpSocket::bind_client().unwrap();
        let there = SocketAddr::from((Ipv4Addr::LOCALHOST, both.local_addr().unwrap().port()));
        let v4 = at_loopback();
        v4.send_to(b"hello", there).unwrap();
        let arrived = system.receive_all(&mut ReceiveBatch::new(), &both, 1);
        assert_eq!(arrived, [(v4.local_addr().unwrap(), b"hello".to_vec())]);

        let mut outbox = SendBatch::new();
        outbox.push(arrived[0].0, b"and back");
        assert_eq!(outbox.flush_by(&both, system.send).sent, 1);
        assert_eq!(system.receive_all(&mut ReceiveBatch::new(), &v4, 1), [(there, b"and back".to_vec())]);
    }
}

#[test]
fn a_full_send_buffer_keeps_the_rest_in_order() {
    fn one_then_blocked(socket: &UdpSocket, waiting: &[Departure]) -> io::Result<usize> {
        if waiting.len() == 1 { Err(io::ErrorKind::WouldBlock.into()) } else { portable::send(socket, waiting) }
    }
    let (from, to) = (at_loopback(), at_loopback());
    let mut outbox = SendBatch::new();
    for number in 0..3 {
        outbox.push(to.local_addr().unwrap(), &[number]);
    }
    assert_eq!(outbox.flush_by(&from, one_then_blocked), SendReport { sent: 2, skipped: 0, blocked: true });
    assert!(!outbox.is_empty());
    assert_eq!(std::format!("{outbox:?}"), "SendBatch { waiting: 1, .. }");
    assert_eq!(outbox.flush(&from), SendReport { sent: 1, skipped: 0, blocked: false });
    let system = &SYSTEMS[0];
    assert_eq!(system.receive_all(&mut ReceiveBatch::new(), &to, 3).concat_datagrams(), [0, 1, 2]);
}

#[test]
fn an_error_about_one_datagram_is_passed_by_and_one_that_lasts_is_reported() {
    fn resets(_: &UdpSocket, _: &mut [u8], _: &mut Vec<Head>) -> io::Result<bool> {
        CALLS.set(CALLS.get() + 1);
        Err(io::Error::from_raw_os_error(10054))
    }
    fn large_then_done(_: &UdpSocket, _: &mut [u8], heads: &mut Vec<Head>) -> io::Result<bool> {
        if heads.is_empty() {
            heads.push((([127, 0, 0, 1], 1).into(), 0));
            Err(io::Error::from_raw_os_error(10040))
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
    let socket = at_loopback();
    let mut inbox = ReceiveBatch::new();
    assert_eq!(inbox.receive_by(&socket, resets).unwrap_err().raw_os_error(), Some(10054));
    assert_eq!(CALLS.take(), BATCH as u32 + 1, "as many as may be about one datagram each, and one more");
    assert_eq!(inbox.receive_by(&socket, large_then_done).unwrap(), Received { datagrams: 1, drained: true });
    assert_eq!(inbox.too_large(), 1);
}

#[test]
fn what_came_before_an_error_is_handed_over_first() {
    fn one_then_lost(_: &UdpSocket, _: &mut [u8], heads: &mut Vec<Head>) -> io::Result<bool> {
        CALLS.set(CALLS.get() + 1);
        if CALLS.get() > 1 {
            return Err(io::ErrorKind::NetworkDown.into());
        }
        heads.push((([127, 0, 0, 1], 1).into(), 0));
        Ok(true)
    }
    let socket = at_loopback();
    let mut inbox = ReceiveBatch::new();
    assert_eq!(inbox.receive_by(&socket, one_then_lost).unwrap(), Received { datagrams: 1, drained: false });
    assert_eq!(inbox.iter_mut().count(), 1);
    assert_eq!(inbox.receive_by(&socket, one_then_lost).unwrap_err().kind(), io::ErrorKind::NetworkDown);
}

#[test]
fn what_is_interrupted_or_refused_once_is_sent_all_the_same() {
    fn interrupted_again_and_again(socket: &UdpSocket, waiting: &[Departure]) -> io::Result<usize> {
        CALLS.set(CALLS.get() + 1);
        if !CALLS.get().is_multiple_of(4) { Err(io::ErrorKind::Interrupted.into()) } else { portable::send(socket, waiting) }
    }
    fn refused_every_other_time(socket: &UdpSocket, waiting: &[Departure]) -> io::Result<usize> {
        CALLS.set(CALLS.get() + 1);
        if !CALLS.get().is_multiple_of(2) { Err(io::ErrorKind::ConnectionRefused.into()) } else { portable::send(socket, waiting) }
    }
    for send in [interrupted_again_and_again, refused_every_other_time] {
        CALLS.set(0);
        let (from, to) = (at_loopback(), at_loopback());
        let mut outbox = SendBatch::new();
        for number in 0..3 {
            outbox.push(to.local_addr().unwrap(), &[number]);
        }
        assert_eq!(outbox.flush_by(&from, send), SendReport { sent: 3, skipped: 0, blocked: false });
        assert_eq!(SYSTEMS[0].receive_all(&mut ReceiveBatch::new(), &to, 3).concat_datagrams(), [0, 1, 2]);
    }
}

#[test]
fn both_boxes_can_be_printed_without_their_contents() {
    let printed: String = std::format!("{:?} {:?}", ReceiveBatch::new(), SendBatch::new());
    assert_eq!(printed, "ReceiveBatch { datagrams: 0, too_large: 0, .. } SendBatch { waiting: 0, .. }");
}

trait Concatenated {
    fn concat_datagrams(&self) -> Vec<u8>;
}

impl Concatenated for Vec<(SocketAddr, Vec<u8>)> {
    fn concat_datagrams(&self) -> Vec<u8> {
        self.iter().flat_map(|(_, datagram)| datagram.iter().copied()).collect()
    }
}
