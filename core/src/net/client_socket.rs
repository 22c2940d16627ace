//! A client's socket with its batches, replaced by a new one when it is lost.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use mio::{Interest, Registry, Token};

use super::batch::{ReceiveBatch, SendBatch};
use super::socket::UdpSocket;
use crate::time::Instant;

/// Receive errors in a row after which the socket counts as lost.
const ERRORS_MAX: u32 = 64;

/// How long to wait before opening a new socket, doubling with every loss …
const REOPEN_MIN: Duration = Duration::from_millis(100);
/// … up to here, until something is received.
const REOPEN_MAX: Duration = Duration::from_secs(10);

/// The client's way to the network.
///
/// Without a socket, datagrams are lost as on any bad network, and the client's machine draws its own conclusions.
pub(super) struct ClientSocket {
    registry: Registry,
    token: Token,
    socket: Option<UdpSocket>,
    received: ReceiveBatch,
    unsent: SendBatch,
    /// mio has reported the socket readable, and it has not been drained since: mio reports each change once.
    readable: bool,
    errors: u32,
    reopen_delay: Duration,
    reopen_at: Option<Instant>,
}

impl ClientSocket {
    /// A client with an open socket, reported as `token`.
    pub(super) fn open(registry: Registry, token: Token) -> io::Result<Self> {
        let mut client = Self {
            registry,
            token,
            socket: None,
            received: ReceiveBatch::new(),
            unsent: SendBatch::new(),
            readable: false,
            errors: 0,
            reopen_delay: REOPEN_MIN,
            reopen_at: None,
        };
        client.connect()?;
        Ok(client)
    }

    fn connect(&mut self) -> io::Result<()> {
        let mut socket = UdpSocket::bind_client()?;
        self.registry.register(&mut socket, self.token, Interest::READABLE)?;
        self.socket = Some(socket);
        self.readable = true;
        self.errors = 0;
        self.reopen_at = None;
        Ok(())
    }

    /// mio has something to say about the socket.
    pub(super) const fn wake(&mut self) {
        self.readable = true;
    }

    /// Whether there may be something to receive without mio saying so.
    pub(super) const fn is_readable(&self) -> bool {
        self.readable
    }

    /// When a new socket is to be tried, if there is none.
    pub(super) const fn reopen_at(&self) -> Option<Instant> {
        self.reopen_at
    }

    /// Opens a new socket if it is time for one, and receives one batch.
    pub(super) fn receive(&mut self, now: Instant) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        if self.reopen_at.is_some_and(|at| at <= now) && self.connect().is_err() {
            self.lose(now);
        }
        if self.readable && self.receive_batch(now) { Some(self.received.iter_mut()) } else { None }.into_iter().flatten()
    }

    fn receive_batch(&mut self, now: Instant) -> bool {
        let Some(socket) = &self.socket else { return false };
        match self.received.receive(socket) {
            Ok(received) => {
                self.readable = !received.drained;
                self.errors = 0;
                if received.datagrams > 0 {
                    self.reopen_delay = REOPEN_MIN;
                }
                true
            }
            Err(_) => {
                self.fail(now);
                false
            }
        }
    }

    fn fail(&mut self, now: Instant) {
        self.errors += 1;
        if self.errors >= ERRORS_MAX {
            self.lose(now);
        }
    }

    fn lose(&mut self, now: Instant) {
        if let Some(mut socket) = self.socket.take() {
            // The socket is dropped in any case, and the system forgets what it was registered for.
            let _ = self.registry.deregister(&mut socket);
        }
        self.readable = false;
        self.reopen_at = Some(now + self.reopen_delay);
        self.reopen_delay = (self.reopen_delay * 2).min(REOPEN_MAX);
    }

    /// Adds a datagram to those that leave together, and says whether the batch is full.
    pub(super) fn push(&mut self, to: SocketAddr, datagram: &[u8]) -> bool {
        self.unsent.push(to, datagram);
        self.unsent.is_full()
    }

    /// Sends the batch. A client sends so little that waiting for a full send buffer is not worth it: what does not fit is lost, as
    /// in a full router.
    pub(super) fn flush(&mut self) {
        if let Some(socket) = &self.socket {
            self.unsent.flush(socket);
        }
        self.unsent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::BATCH;
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    fn client() -> (mio::Poll, ClientSocket) {
        let poll = mio::Poll::new().unwrap();
        let client = ClientSocket::open(poll.registry().try_clone().unwrap(), Token(0)).unwrap();
        (poll, client)
    }

    #[test]
    fn a_few_errors_change_nothing() {
        let (_poll, mut client) = client();
        (1..ERRORS_MAX).for_each(|_| client.fail(at(0)));
        assert!(client.socket.is_some());
        assert_eq!(client.reopen_at(), None);
    }

    #[test]
    fn a_receive_without_error_forgives_those_before() {
        let (_poll, mut client) = client();
        (1..ERRORS_MAX).for_each(|_| client.fail(at(0)));
        assert_eq!(client.receive(at(0)).count(), 0);
        client.fail(at(0));
        assert!(client.socket.is_some());
    }

    #[test]
    fn a_lost_socket_is_replaced_after_a_while() {
        let (_poll, mut client) = client();
        (0..ERRORS_MAX).for_each(|_| client.fail(at(0)));
        assert!(client.socket.is_none() && !client.is_readable());
        assert_eq!(client.reopen_at(), Some(at(100)));
        assert_eq!(client.receive(at(99)).count(), 0);
        assert!(client.socket.is_none());
        assert_eq!(client.receive(at(100)).count(), 0);
        assert!(client.socket.is_some());
        assert_eq!(client.reopen_at(), None);
    }

    #[test]
    fn the_wait_for_a_new_socket_doubles_up_to_its_limit() {
        let (_poll, mut client) = client();
        let waits: std::vec::Vec<_> = (0..9)
            .map(|_| {
                client.lose(at(0));
                client.reopen_at().unwrap().since(at(0)).as_millis()
            })
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    }

    fn told(client: &ClientSocket, datagrams: usize) {
        let port = client.socket.as_ref().unwrap().local_addr().unwrap().port();
        let from = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        (0..datagrams).for_each(|_| assert_eq!(from.send_to(b"x", ("127.0.0.1", port)).unwrap(), 1));
    }

    #[test]
    fn who_has_received_a_full_batch_asks_on_without_being_told_to() {
        let (_poll, mut client) = client();
        told(&client, BATCH + 3);
        assert_eq!((client.receive(at(0)).count(), client.is_readable()), (BATCH, true));
        assert_eq!((client.receive(at(0)).count(), client.is_readable()), (3, false));
        told(&client, 1);
        assert_eq!(client.receive(at(0)).count(), 0, "not before mio has said so");
        client.wake();
        assert_eq!((client.receive(at(0)).count(), client.is_readable()), (1, false));
    }

    #[test]
    fn the_wait_for_a_new_socket_is_short_again_only_after_something_was_received() {
        let (_poll, mut client) = client();
        let wait = |client: &mut ClientSocket, now| {
            client.lose(now);
            client.reopen_at().unwrap().since(now).as_millis()
        };
        assert_eq!([wait(&mut client, at(0)), wait(&mut client, at(0))], [100, 200]);
        assert_eq!(client.receive(at(200)).count(), 0);
        assert_eq!(wait(&mut client, at(200)), 400, "a socket that nothing came by may be as good as none");
        assert_eq!(client.receive(at(600)).count(), 0);
        told(&client, 1);
        client.wake();
        assert_eq!(client.receive(at(600)).count(), 1);
        assert_eq!(wait(&mut client, at(600)), 100);
    }

    #[test]
    fn sending_without_a_socket_loses_the_datagram() {
        let (_poll, mut client) = client();
        client.lose(at(0));
        client.push(([127, 0, 0, 1], 9).into(), b"lost");
        client.flush();
        assert!(client.unsent.is_empty());
    }
}
