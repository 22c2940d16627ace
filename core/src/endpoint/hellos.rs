//! First messages that wait for their handshake. One costs as much as a thousand other datagrams, and when a house comes back at once there
//! are ten thousand: done one after the other as they come, nobody would look at the socket for seconds, and what those who are in already
//! say would be lost there.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::admission::HelloHash;
use crate::crypto::AddressProven;
use crate::limits::{HANDSHAKES_AT_ONCE, HELLOS_WAITING_MAX};
use crate::time::Instant;
use crate::wire::datagram::{ConnectionId, Hello};

/// Those that wait, in their order.
#[derive(Debug, Default)]
pub(super) struct Hellos {
    waiting: VecDeque<WaitingHello>,
    /// The same.
    known: BTreeSet<HelloHash>,
    /// Handshakes since the owner last had nothing more to do.
    done: usize,
}

/// One of them, from an address that is proven.
#[derive(Debug)]
pub(super) struct WaitingHello {
    pub(super) proven: AddressProven,
    pub(super) hash: HelloHash,
    since: Instant,
    from: ConnectionId,
    nonce: [u8; 8],
    cookie: [u8; 16],
    noise: Vec<u8>,
}

impl WaitingHello {
    pub(super) fn message(&self) -> Hello<'_> {
        Hello { from: self.from, nonce: self.nonce, cookie: self.cookie, noise: &self.noise }
    }
}

impl Hellos {
    /// Whether one that has just come need not wait.
    pub(super) fn may_pass(&mut self) -> bool {
        let may = self.waiting.is_empty() && self.done < HANDSHAKES_AT_ONCE;
        self.done += usize::from(may);
        may
    }

    /// The owner has nothing more to do, and looks what has come.
    pub(super) const fn look_up(&mut self) {
        self.done = 0;
    }

    /// One waits from here on; whether there is room for it. Where there is none its client says it again in a second.
    pub(super) fn join(&mut self, now: Instant, proven: AddressProven, hash: HelloHash, hello: &Hello<'_>) -> bool {
        if self.waiting.len() >= HELLOS_WAITING_MAX {
            return false;
        }
        if self.known.insert(hash) {
            let &Hello { from, nonce, cookie, noise } = hello;
            self.waiting.push_back(WaitingHello { proven, hash, since: now, from, nonce, cookie, noise: noise.to_vec() });
        }
        true
    }

    /// Whether this one waits already: whoever has no answer yet says it again.
    pub(super) fn is_waiting(&self, hash: &HelloHash) -> bool {
        self.known.contains(hash)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The one whose turn it is.
    pub(super) fn take(&mut self) -> Option<WaitingHello> {
        let hello = self.waiting.pop_front()?;
        self.known.remove(&hello.hash);
        if self.waiting.is_empty() {
            self.waiting.shrink_to_fit();
        }
        Some(hello)
    }

    /// When it is somebody's turn: at once, as soon as it has been looked what else has come.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|hello| hello.since)
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;
    use crate::crypto::Cookies;
    use crate::rng::from_seed;

    const NOW: Instant = Instant::from_micros(1_000_000_000);

    /// The first message with this number joins.
    fn joins(hellos: &mut Hellos, number: u32) -> bool {
        let mut cookies = Cookies::new(&mut from_seed([1; 32]), NOW);
        let (from, nonce) = (SocketAddr::from(([192, 0, 2, 1], 5000)), [7; 8]);
        let cookie = cookies.mint(NOW, from, nonce);
        let proven = cookies.check(NOW, from, nonce, &cookie).unwrap();
        let mut hash = [0; 16];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        hellos.join(NOW, proven, hash, &Hello { from: ConnectionId(number), nonce, cookie, noise: b"e, es, s, ss" })
    }

    #[test]
    fn so_many_pass_until_it_has_been_looked_what_else_has_come() {
        let mut hellos = Hellos::default();
        let passed = |hellos: &mut Hellos| (0..100).filter(|_| hellos.may_pass()).count();
        assert_eq!(passed(&mut hellos), HANDSHAKES_AT_ONCE);
        hellos.look_up();
        assert_eq!(passed(&mut hellos), HANDSHAKES_AT_ONCE);
        hellos.look_up();
        assert!(joins(&mut hellos, 1));
        assert_eq!(passed(&mut hellos), 0, "nobody passes one that waits");
    }

    #[test]
    fn those_who_wait_have_their_turn_in_their_order_and_each_once_however_often_they_ask() {
        let mut hellos = Hellos::default();
        assert_eq!(hellos.deadline(), None);
        let many = HANDSHAKES_AT_ONCE as u32 + 1;
        for number in (0..many).chain(0..many) {
            assert!(joins(&mut hellos, number));
        }
        assert_eq!(hellos.deadline(), Some(NOW));
        assert_eq!(hellos.len(), many as usize);
        let turns: Vec<_> = core::iter::from_fn(|| hellos.take()).map(|hello| hello.message().from.0).collect();
        assert_eq!(turns, (0..many).collect::<Vec<_>>());
        assert_eq!(hellos.deadline(), None);
        assert!(joins(&mut hellos, 0), "what was answered may come again");
        assert!(hellos.take().is_some_and(|hello| !hellos.is_waiting(&hello.hash)));
    }

    #[test]
    fn more_than_there_is_room_for_do_not_wait() {
        let mut hellos = Hellos::default();
        let max = HELLOS_WAITING_MAX as u32;
        assert!((0..max).all(|number| joins(&mut hellos, number)));
        assert!(!joins(&mut hellos, max));
        hellos.take();
        assert!(joins(&mut hellos, max));
    }
}
