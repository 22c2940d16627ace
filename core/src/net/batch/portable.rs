//! Datagrams in and out one by one, for systems without calls for many.

use std::io;
use std::vec::Vec;

use super::{Departure, Head, SLOT_BYTES};
use crate::net::socket::UdpSocket;

/// Receives one datagram into the first of the free slots and notes its head. There may always be more.
pub(super) fn receive(socket: &UdpSocket, free: &mut [u8], heads: &mut Vec<Head>) -> io::Result<bool> {
    let slot = free.get_mut(..SLOT_BYTES).unwrap_or_default();
    let (bytes, from) = socket.recv_from(slot)?;
    heads.push((from, bytes));
    Ok(true)
}

/// Sends the first of the waiting datagrams and says how many that were.
pub(super) fn send(socket: &UdpSocket, waiting: &[Departure]) -> io::Result<usize> {
    let Some(first) = waiting.first() else { return Ok(0) };
    socket.send_to(&first.datagram, first.to)?;
    Ok(1)
}
