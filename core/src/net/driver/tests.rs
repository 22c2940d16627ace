use core::net::Ipv4Addr;
use std::collections::VecDeque;
use std::net::UdpSocket;
use std::sync::mpsc::RecvTimeoutError;

use super::*;
use crate::chat::Password;
use crate::client::{Credentials, Proof, Start, Ticket, Trust};
use crate::crypto::KeyPair;
use crate::time::UnixMillis;
use crate::wire::datagram::{self, Datagram, Retry};

const PATIENCE: Duration = Duration::from_secs(10);

/// Sends `burst` numbered datagrams to its peer at every [`Command::Wake`], reports the length of whatever arrives as a ticket that
/// is lost, its only deadline as having caught up, and closes when told to.
struct Bell {
    peer: SocketAddr,
    burst: u8,
    to_send: VecDeque<Vec<u8>>,
    to_say: VecDeque<Update>,
    deadline: Option<Instant>,
}

impl Bell {
    fn start(peer: SocketAddr, burst: u8, deadline: Option<Duration>) -> (Handle, Receiver<Update>) {
        start(move |now| Self { peer, burst, to_send: VecDeque::new(), to_say: VecDeque::new(), deadline: deadline.map(|wait| now + wait) })
            .unwrap()
    }
}

impl DrivenMachine for Bell {
    fn handle_datagram(&mut self, _now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        assert_eq!(from, self.peer);
        self.to_say.push_back(Update::Lost { ticket: Ticket(datagram.len() as u64) });
    }

    fn handle_timeout(&mut self, now: Instant) {
        assert!(self.deadline.is_some_and(|at| at <= now));
        self.deadline = None;
        self.to_say.push_back(Update::CaughtUp);
    }

    fn handle_command(&mut self, _now: Instant, command: Command) {
        match command {
            Command::Wake => self.to_send.extend((0..self.burst).map(|number| std::vec![number; 40])),
            Command::Ask { ticket, .. } => self.to_say.push_back(Update::Lost { ticket }),
            Command::Close => self.to_say.push_back(Update::Closed),
            _ => {}
        }
    }

    fn poll(&mut self, _now: Instant, datagram: &mut Vec<u8>) -> Output {
        assert!(datagram.is_empty());
        if let Some(bytes) = self.to_send.pop_front() {
            datagram.extend(bytes);
            return Output::Transmit { to: self.peer };
        }
        self.to_say.pop_front().map_or(Output::Wait(self.deadline), Output::Update)
    }
}

fn peer() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn datagrams_go_out_and_answers_come_in() {
    let (peer, address) = peer();
    let (handle, updates) = Bell::start(address, 1, None);
    for round in 1..=3 {
        handle.send(Command::Wake).unwrap();
        let mut datagram = [1; 64];
        let (bytes, from) = peer.recv_from(&mut datagram).unwrap();
        assert_eq!((bytes, &datagram[..40]), (40, &[0; 40][..]));
        peer.send_to(&datagram[..round], from).unwrap();
        assert_eq!(updates.recv_timeout(PATIENCE).unwrap(), Update::Lost { ticket: Ticket(round as u64) });
    }
}

#[test]
fn more_than_one_batch_leaves_in_order() {
    let (peer, address) = peer();
    let (handle, updates) = Bell::start(address, 200, None);
    handle.send(Command::Wake).unwrap();
    handle.send(Command::Wake).unwrap();
    handle.send(Command::Ask { ticket: Ticket(1), request: crate::chat::Request::Sync }).unwrap();
    // The machine sends before it speaks.
    assert_eq!(updates.recv_timeout(PATIENCE).unwrap(), Update::Lost { ticket: Ticket(1) });
    // Two batches are more than an ordinary receive buffer holds, so only the first must be there.
    for number in 0..200 {
        let mut datagram = [0; 64];
        assert_eq!(peer.recv(&mut datagram).unwrap(), 40);
        assert_eq!(datagram[0], number);
    }
}

#[test]
fn a_deadline_is_kept() {
    let (_peer, address) = peer();
    let (_handle, updates) = Bell::start(address, 0, Some(Duration::from_millis(30)));
    assert_eq!(updates.recv_timeout(PATIENCE).unwrap(), Update::CaughtUp);
}

#[test]
fn commands_are_taken_in_order_however_many() {
    let (_peer, address) = peer();
    let (handle, updates) = Bell::start(address, 0, None);
    let tickets = 0..3 * COMMANDS_WAITING_MAX as u64;
    for ticket in tickets.clone().map(Ticket) {
        handle.send(Command::Ask { ticket, request: crate::chat::Request::Sync }).unwrap();
    }
    for ticket in tickets.map(Ticket) {
        assert_eq!(updates.recv_timeout(PATIENCE).unwrap(), Update::Lost { ticket });
    }
}

#[test]
fn dropping_the_last_handle_says_goodbye() {
    let (peer, address) = peer();
    let (handle, updates) = Bell::start(address, 1, None);
    let clone = handle.clone();
    drop(handle);
    clone.send(Command::Wake).unwrap();
    let (_, from) = peer.recv_from(&mut [0; 64]).unwrap();
    // Once it has told what came by the socket, the thread has no word of its owner's left to find, and waits.
    peer.send_to(&[0; 7], from).unwrap();
    assert_eq!(updates.recv_timeout(PATIENCE).unwrap(), Update::Lost { ticket: Ticket(7) });
    drop(clone);
    assert_eq!(updates.recv_timeout(PATIENCE).unwrap(), Update::Closed);
    assert_eq!(updates.recv_timeout(PATIENCE).unwrap_err(), RecvTimeoutError::Disconnected);
}

#[test]
fn a_client_that_has_closed_takes_no_commands() {
    let (_peer, address) = peer();
    let (handle, updates) = Bell::start(address, 0, None);
    handle.send(Command::Close).unwrap();
    assert_eq!(updates.iter().collect::<Vec<_>>(), [Update::Closed]);
    assert_eq!(stopped_within_patience(&handle), Ok(()));
}

#[test]
fn an_owner_that_stops_listening_ends_the_client() {
    let (_peer, address) = peer();
    let (handle, updates) = Bell::start(address, 0, None);
    drop(updates);
    assert_eq!(stopped_within_patience(&handle), Ok(()));
}

/// Makes the machine speak again and again until the thread has ended.
fn stopped_within_patience(handle: &Handle) -> Result<(), ()> {
    let deadline = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < deadline {
        if handle.send(Command::Ask { ticket: Ticket(0), request: crate::chat::Request::Sync }) == Err(Stopped) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Err(())
}

/// The next datagram that a server's socket gets, and from where.
fn heard<'a>(peer: &UdpSocket, buffer: &'a mut [u8]) -> (Datagram<'a>, SocketAddr) {
    let (bytes, from) = peer.recv_from(buffer).unwrap();
    (datagram::decode(&buffer[..bytes]).unwrap(), from)
}

#[test]
fn the_real_client_is_given_datagrams_and_time_and_commands() {
    let (peer, address) = peer();
    let (handle, updates) = spawn(Config {
        servers: std::vec![address],
        trust: Trust::FirstUse,
        device: KeyPair::generate(&mut from_seed([1; 32])),
        credentials: Credentials {
            account: "ada".parse().unwrap(),
            proof: Proof::Password { password: Password::new("correct horse").unwrap(), register: false, remember: false },
        },
        start: Start::Now,
        shows_notices: true,
    })
    .unwrap();
    let mut buffer = [0; 2000];
    let (first, _) = heard(&peer, &mut buffer);
    assert!(matches!(first, Datagram::Hello0(_)));
    // Nobody has answered in time.
    let (second, from) = heard(&peer, &mut buffer);
    let Datagram::Hello0(hello) = second else { panic!("{second:?}") };
    let key = KeyPair::generate(&mut from_seed([2; 32])).public();
    let retry = Retry { nonce: hello.nonce, cookie: [7; 16], key_ids: std::vec![key.id()], key: Some(key.0), versions: hello.versions };
    let mut answer = Vec::new();
    retry.encode(&mut answer);
    peer.send_to(&answer, from).unwrap();
    // One more question may have been on its way.
    assert!((0..5).any(|_| matches!(heard(&peer, &mut buffer).0, Datagram::Hello(hello) if hello.cookie == [7; 16])));
    handle.send(Command::Close).unwrap();
    assert!(core::iter::from_fn(|| updates.recv_timeout(PATIENCE).ok()).any(|update| update == Update::Closed));
}

#[test]
fn whoever_speaks_to_a_client_that_has_stopped_is_told_in_a_sentence() {
    assert!(Stopped.to_string().ends_with('.'));
}

#[test]
fn the_sooner_of_two_deadlines_counts_and_one_that_there_is_before_none() {
    let (sooner, later) = (secs(1), secs(2));
    assert_eq!(
        [soonest(sooner, later), soonest(later, sooner), soonest(None, later), soonest(later, None)],
        [sooner, sooner, later, later]
    );
    assert_eq!(soonest(None, None), None);
}

fn at(instant_secs: u64, wall_secs: u64) -> Now {
    Now { instant: Instant::from_micros(instant_secs * 1_000_000), wall: UnixMillis(wall_secs * 1000) }
}

fn secs(instant_secs: u64) -> Option<Instant> {
    Some(Instant::from_micros(instant_secs * 1_000_000))
}

#[test]
fn waking_as_asked_is_no_suspend() {
    assert!(!slept(at(100, 1000), secs(124), at(124, 1024)));
    assert!(!slept(at(100, 1000), secs(124), at(129, 1029)), "just as late as a busy computer may be");
    assert!(!slept(at(100, 1000), secs(124), at(101, 1006)), "just as far ahead");
    assert!(!slept(at(100, 1000), None, at(4000, 4900)));
    assert!(!slept(at(100, 1000), secs(3), at(101, 1001)), "a deadline long past is not a long sleep");
}

#[test]
fn waking_far_too_late_is_a_suspend() {
    assert!(slept(at(100, 1000), secs(124), at(130, 1030)));
}

#[test]
fn a_wall_clock_that_ran_ahead_is_a_suspend() {
    assert!(slept(at(100, 1000), secs(124), at(101, 1010)));
    assert!(slept(at(100, 1000), None, at(101, 1010)));
}

#[test]
fn a_wall_clock_that_was_set_back_is_none() {
    assert!(!slept(at(100, 1000), secs(124), at(124, 0)));
}
