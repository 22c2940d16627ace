//! Datagrams in and out, many in one call of the system where it has such calls.

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "recvmmsg and sendmmsg have no safe wrapper; this module holds nothing else")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
mod portable;

use core::fmt;
use core::net::SocketAddr;
use std::boxed::Box;
use std::io;
use std::vec::Vec;

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(not(target_os = "linux"))]
use self::portable as system;
use super::socket::UdpSocket;
use super::windows::{passes_by, too_large};
use crate::limits::DATAGRAM_BYTES_MAX;

/// Datagrams in one batch. A turn receives one batch and sends one, so that neither direction starves the other.
pub const BATCH: usize = 256;

/// One byte more than the largest datagram, so that a larger one shows.
pub(super) const SLOT_BYTES: usize = DATAGRAM_BYTES_MAX + 1;

/// What became of one [`ReceiveBatch::receive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Datagrams in the batch now.
    pub datagrams: usize,
    /// Nothing is waiting any more: mio reports the socket when something comes. Otherwise mio stays silent, and the owner has to
    /// receive again of its own accord.
    pub drained: bool,
}

/// Where a received datagram came from, and its bytes in its slot.
pub(super) type Head = (SocketAddr, usize);

/// One batch of received datagrams. Its memory is allocated once.
pub struct ReceiveBatch {
    slots: Box<[u8]>,
    heads: Vec<Head>,
    too_large: u64,
}

impl ReceiveBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self { slots: std::vec![0; BATCH * SLOT_BYTES].into_boxed_slice(), heads: Vec::with_capacity(BATCH), too_large: 0 }
    }

    /// Forgets the batch before and receives up to [`BATCH`] datagrams that are waiting. Datagrams larger than
    /// [`DATAGRAM_BYTES_MAX`] are dropped and counted.
    ///
    /// # Errors
    /// The system's, when it failed before anything was received; nothing waiting is no error. The owner may simply go on, but an
    /// error that repeats itself means that the socket is lost.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<Received> {
        self.receive_by(socket, system::receive)
    }

    fn receive_by(
        &mut self,
        socket: &UdpSocket,
        receive: fn(&UdpSocket, &mut [u8], &mut Vec<Head>) -> io::Result<bool>,
    ) -> io::Result<Received> {
        self.heads.clear();
        let mut passed_by = 0;
        while self.heads.len() < BATCH {
            let free = self.slots.get_mut(self.heads.len() * SLOT_BYTES..).unwrap_or_default();
            match receive(socket, free, &mut self.heads) {
                Ok(true) => {}
                Ok(false) => return Ok(self.received(true)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(self.received(true)),
                Err(error) if passes_by(&error) && passed_by < BATCH => {
                    passed_by += 1;
                    self.too_large += u64::from(too_large(&error));
                }
                Err(error) if self.heads.is_empty() => return Err(error),
                // An error that lasts comes again on the next call, with nothing to hand over before it.
                Err(_) => break,
            }
        }
        Ok(self.received(false))
    }

    fn received(&mut self, drained: bool) -> Received {
        let fitting = self.heads.iter().filter(|&&(_, bytes)| bytes <= DATAGRAM_BYTES_MAX).count();
        self.too_large += (self.heads.len() - fitting) as u64;
        Received { datagrams: fitting, drained }
    }

    /// The batch: who sent it, and the datagram, which may be decrypted in place.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        self.slots.chunks_exact_mut(SLOT_BYTES).zip(&self.heads).filter_map(|(slot, &(from, bytes))| {
            let datagram = slot.get_mut(..bytes)?;
            (bytes <= DATAGRAM_BYTES_MAX).then_some((from, datagram))
        })
    }

    /// Datagrams dropped so far because they were larger than any of ours can be.
    pub const fn too_large(&self) -> u64 {
        self.too_large
    }
}

impl Default for ReceiveBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ReceiveBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveBatch").field("datagrams", &self.heads.len()).field("too_large", &self.too_large).finish_non_exhaustive()
    }
}

/// What became of one [`SendBatch::flush`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendReport {
    /// Datagrams that the system took.
    pub sent: usize,
    /// Datagrams that it refused twice, and those that were pushed into a full outbox: lost, as if by the network.
    pub skipped: usize,
    /// The socket's send buffer is full and the rest waits in the outbox: register for writability, and flush again then.
    pub blocked: bool,
}

/// A datagram in the outbox.
#[derive(Debug)]
pub(super) struct Departure {
    /// Where it goes.
    pub(super) to: SocketAddr,
    pub(super) datagram: Vec<u8>,
}

/// Up to [`BATCH`] datagrams that leave together. Its memory is allocated when it is first needed, and stays.
pub struct SendBatch {
    /// The datagrams, and behind them memory for more.
    departures: Vec<Departure>,
    /// Datagrams that were pushed.
    pushed: usize,
    /// Those of them that are done with.
    gone: usize,
    skipped: usize,
}

impl SendBatch {
    /// An empty outbox.
    pub fn new() -> Self {
        Self { departures: Vec::with_capacity(BATCH), pushed: 0, gone: 0, skipped: 0 }
    }

    /// Adds a datagram. One that does not fit, because the outbox is full or it is larger than [`DATAGRAM_BYTES_MAX`], is lost and
    /// counted as skipped in the next report.
    pub fn push(&mut self, to: SocketAddr, datagram: &[u8]) {
        if let Some(place) = self.place(to, datagram.len()) {
            place.clear();
            place.extend_from_slice(datagram);
        }
    }

    /// The same without a copy: the datagram's memory becomes the outbox's, and some of the outbox's takes its place.
    pub fn swap(&mut self, to: SocketAddr, datagram: &mut Vec<u8>) {
        if let Some(place) = self.place(to, datagram.len()) {
            core::mem::swap(place, datagram);
        }
    }

    fn place(&mut self, to: SocketAddr, bytes: usize) -> Option<&mut Vec<u8>> {
        if self.is_full() || bytes > DATAGRAM_BYTES_MAX {
            self.skipped += 1;
            return None;
        }
        if self.departures.len() == self.pushed {
            self.departures.push(Departure { to, datagram: Vec::with_capacity(DATAGRAM_BYTES_MAX) });
        }
        let departure = self.departures.get_mut(self.pushed)?;
        departure.to = to;
        self.pushed += 1;
        Some(&mut departure.datagram)
    }

    /// Whether nothing more fits before a [`SendBatch::flush`].
    pub const fn is_full(&self) -> bool {
        self.pushed >= BATCH
    }

    /// Whether nothing waits.
    pub const fn is_empty(&self) -> bool {
        self.pushed == self.gone
    }

    /// Forgets what waits.
    pub const fn clear(&mut self) {
        self.pushed = 0;
        self.gone = 0;
    }

    /// Sends what waits, in the order it was pushed. A destination that the system refuses is tried once more, because the refusal
    /// may be old news about another datagram, and then skipped: it never stops the others.
    pub fn flush(&mut self, socket: &UdpSocket) -> SendReport {
        self.flush_by(socket, system::send)
    }

    fn flush_by(&mut self, socket: &UdpSocket, send: fn(&UdpSocket, &[Departure]) -> io::Result<usize>) -> SendReport {
        let mut report = SendReport { skipped: core::mem::take(&mut self.skipped), ..SendReport::default() };
        let mut refused_before = false;
        while let Some(waiting) = self.departures.get(self.gone..self.pushed).filter(|waiting| !waiting.is_empty()) {
            match send(socket, waiting) {
                Ok(sent) => {
                    self.gone += sent;
                    report.sent += sent;
                    refused_before = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    report.blocked = true;
                    return report;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if !refused_before => refused_before = true,
                Err(_) => {
                    self.gone += 1;
                    report.skipped += 1;
                    refused_before = false;
                }
            }
        }
        self.clear();
        report
    }
}

impl Default for SendBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SendBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendBatch").field("waiting", &(self.pushed - self.gone)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
