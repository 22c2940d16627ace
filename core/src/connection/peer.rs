//! The other end of a connection, played by a test: it says what it likes when it likes, and sees what leaves and when.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::active::Active;
use super::tests::established;
use super::{Connection, Established, Event, Side, Verdict};
use crate::crypto::{Opener, ReplayWindow, Sealer};
use crate::rng::{Rng, from_seed};
use crate::time::Instant;
use crate::wire::datagram::{self, ConnectionId, Datagram, PROTECTED_HEAD_BYTES, ProtectedHead};
use crate::wire::frame::{self, Frame};

/// A test that faces a connection.
pub(super) struct Peer {
    pub(super) connection: Connection,
    pub(super) now: Instant,
    pub(super) rng: Rng,
    sealer: Sealer,
    opener: Opener,
    epoch: bool,
    seen: ReplayWindow,
}

/// A datagram that the connection has sent.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) at: Instant,
    pub(super) number: u64,
    /// The whole datagram's.
    pub(super) bytes: usize,
    pub(super) epoch: bool,
    frames: Vec<u8>,
}

impl Heard {
    /// What is in it besides padding.
    pub(super) fn frames(&self) -> Vec<Frame<'_>> {
        frame::decode(&self.frames).map(Result::unwrap).filter(|frame| *frame != Frame::Padding).collect()
    }

    /// The bodies of its DATA frames.
    pub(super) fn data(&self) -> Vec<&[u8]> {
        let frames = frame::decode(&self.frames).map(Result::unwrap);
        frames.filter_map(|frame| if let Frame::Data(data) = frame { Some(data.bytes) } else { None }).collect()
    }

    /// How long after this.
    pub(super) fn after(&self, since: Instant) -> Duration {
        self.at.since(since)
    }
}

impl Peer {
    /// Faces a connection of this side, at a time when the clock has run for a day.
    pub(super) fn facing(side: Side) -> Self {
        let (now, mut rng) = (Instant::START + Duration::from_secs(86_400), from_seed([7; 32]));
        let [client, server] = established(&mut rng);
        let (faced, own) = match side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        let Established { sealing, opening, .. } = own;
        let connection = Connection::new(faced, now, &mut rng);
        let (sealer, opener) = (Sealer::new(sealing, 0), Opener::new(opening));
        Self { connection, now, rng, sealer, opener, epoch: false, seen: ReplayWindow::new(0) }
    }

    /// The connection from inside, awake.
    pub(super) fn active(&mut self) -> &mut Active {
        self.connection.active()
    }

    /// A datagram with these frames, not sent yet.
    pub(super) fn seals(&mut self, frames: impl FnOnce(&mut Vec<u8>)) -> (ProtectedHead, Vec<u8>) {
        let head = ProtectedHead { to: ConnectionId(7), epoch: self.epoch, number: self.sealer.next_number() as u32 };
        let mut out = Vec::new();
        head.encode(&mut out);
        frames(&mut out);
        self.sealer.seal(&mut out, PROTECTED_HEAD_BYTES).unwrap();
        (head, out)
    }

    /// A datagram arrives at the connection.
    pub(super) fn hands(&mut self, (head, mut datagram): (ProtectedHead, Vec<u8>)) -> Verdict {
        self.connection.handle_datagram(self.now, head, &mut datagram, &mut self.rng)
    }

    /// Says these frames; the datagram arrives at once.
    pub(super) fn says(&mut self, frames: impl FnOnce(&mut Vec<u8>)) -> Verdict {
        let sealed = self.seals(frames);
        self.hands(sealed)
    }

    /// Acknowledges these packets, newest first, at once.
    pub(super) fn acknowledges(&mut self, ranges: &[(u64, u64)]) {
        self.acknowledges_after(ranges, Duration::ZERO);
    }

    /// The same, and says to have kept it for so long.
    pub(super) fn acknowledges_after(&mut self, ranges: &[(u64, u64)], kept: Duration) {
        self.says(|out| frame::encode_ack(ranges.iter().copied(), kept, out));
    }

    /// What leaves now.
    pub(super) fn hears(&mut self) -> Vec<Heard> {
        let (mut heard, mut out) = (vec![], vec![]);
        while self.connection.poll_transmit(self.now, &mut self.rng, &mut out) {
            heard.push(self.reads(&mut out));
            assert!(heard.len() < 1000, "it does not stop");
        }
        heard
    }

    /// Opens a datagram of the connection's.
    pub(super) fn reads(&mut self, datagram: &mut [u8]) -> Heard {
        let Ok(Datagram::Protected(head)) = datagram::decode(datagram) else { panic!("a protected datagram") };
        let (bytes, number) = (datagram.len(), self.seen.expand(head.number));
        let (clear, sealed) = datagram.split_at_mut(PROTECTED_HEAD_BYTES);
        let frames = self.opener.open(number, clear, sealed).unwrap().to_vec();
        self.seen.mark(number);
        Heard { at: self.now, number, bytes, epoch: head.epoch, frames }
    }

    /// Says nothing for so long. What leaves in that time; the connection is woken whenever it wants to be.
    pub(super) fn waits(&mut self, time: Duration) -> Vec<Heard> {
        let until = self.now + time;
        let mut heard = self.hears();
        let mut turns = 0;
        while let Some((at, _)) = self.connection.next_timeout().filter(|(at, _)| *at <= until) {
            turns += 1;
            assert!(turns < 1000, "it spins");
            self.now = self.now.max(at);
            self.connection.handle_timeout(self.now);
            heard.extend(self.hears());
        }
        self.now = until;
        heard
    }

    /// Answers a PING after so long, so that the connection knows the round trip.
    pub(super) fn is_so_far_away(&mut self, round_trip: Duration) {
        self.connection.ping();
        let asked = self.hears().last().expect("a PING").number;
        self.now = self.now + round_trip;
        self.acknowledges(&[(asked, asked)]);
        assert_eq!(self.connection.round_trip(), Some(round_trip));
    }

    /// Has new keys, which the caller gives the connection: the frames from now on are under them.
    pub(super) fn changes_keys(&mut self, own: Established) {
        self.epoch = !self.epoch;
        self.sealer.replace_key(own.sealing);
        self.opener = Opener::new(own.opening);
    }

    /// What happened.
    pub(super) fn events(&mut self) -> Vec<Event> {
        core::iter::from_fn(|| self.connection.poll_event()).collect()
    }
}
