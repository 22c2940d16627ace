//! Datagrams in and out with recvmmsg and sendmmsg, which save 15 to 30 % of the time of one call each, and out in one piece for each receiver.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::ptr;
use std::io;
use std::os::fd::AsRawFd;
use std::vec::Vec;

use libc::{cmsghdr, iovec, mmsghdr, msghdr, sockaddr_in, sockaddr_in6};
use socket2::SockAddr;

use super::{Departure, Head, SLOT_BYTES};
use crate::net::socket::{UdpSocket, natural};

/// Datagrams in one call: more saves next to nothing, and preparing the call for them costs time even when one is waiting.
const PER_CALL: usize = 64;

/// Bytes that the system takes in one piece: no more than an IP packet holds, with some room for heads.
const PIECE_BYTES_MAX: usize = 65_000;

/// Receives up to [`PER_CALL`] waiting datagrams into the free slots, notes their heads, and says whether there may be more.
pub(super) fn receive(socket: &UdpSocket, free: &mut [u8], heads: &mut Vec<Head>) -> io::Result<bool> {
    let mut names = [NO_NAME; PER_CALL];
    let mut parts = [NO_PART; PER_CALL];
    let mut messages = [NO_MESSAGE; PER_CALL];
    let mut prepared = 0;
    for (((slot, name), part), message) in free.chunks_exact_mut(SLOT_BYTES).zip(&mut names).zip(&mut parts).zip(&mut messages) {
        *part = iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: SLOT_BYTES };
        message.msg_hdr.msg_namelen = size_of::<sockaddr_in6>() as u32;
        message.msg_hdr.msg_name = ptr::from_mut(name).cast();
        message.msg_hdr.msg_iov = part;
        message.msg_hdr.msg_iovlen = 1;
        prepared += 1;
    }
    // SAFETY: the first `prepared` messages point to names, parts and slots that are alive, exclusively ours and of the sizes given;
    // the descriptor is open as long as `socket` is borrowed; a null timeout is allowed.
    let received = unsafe { libc::recvmmsg(socket.inner().as_raw_fd(), messages.as_mut_ptr(), prepared, 0, ptr::null_mut()) };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for (message, name) in messages.iter().zip(&names).take(received) {
        // Every sender of an IP socket has an IP address; were there another, a length beyond every limit drops the datagram.
        heads.push(match address(name) {
            Some(from) => (natural(from), message.msg_len as usize),
            None => (([0; 4], 0).into(), SLOT_BYTES),
        });
    }
    // The system stops before it has filled all where nothing more is there: another call would only be told so.
    Ok(received == prepared as usize)
}

/// The address that the kernel has written.
fn address(name: &sockaddr_in6) -> Option<SocketAddr> {
    match i32::from(name.sin6_family) {
        libc::AF_INET6 => {
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(name.sin6_port), name.sin6_flowinfo, name.sin6_scope_id).into())
        }
        libc::AF_INET => {
            // SAFETY: of this family it is the other structure, which is smaller, not more strictly aligned, and valid whatever its bits are.
            let name = unsafe { &*ptr::from_ref(name).cast::<sockaddr_in>() };
            Some(SocketAddrV4::new(Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr)), u16::from_be(name.sin_port)).into())
        }
        _ => None,
    }
}

/// Sends up to [`PER_CALL`] of the waiting datagrams and says how many of them, from the first on, the system took. The error is
/// always the first one's.
///
/// Neighbours that go to one address leave in one piece, which the system or the card cuts ([udp(7)], `UDP_SEGMENT`): the way through the system is
/// most of what a datagram costs, and is gone once.
///
/// [udp(7)]: https://man7.org/linux/man-pages/man7/udp.7.html
pub(super) fn send(socket: &UdpSocket, waiting: &[Departure]) -> io::Result<usize> {
    let mut names: [Option<SockAddr>; PER_CALL] = [const { None }; PER_CALL];
    let mut parts = [NO_PART; PER_CALL];
    let mut cuts = [NO_CUT; PER_CALL];
    let mut messages = [NO_MESSAGE; PER_CALL];
    let mut carried = [0; PER_CALL];
    let mut prepared = 0;
    let mut rest = waiting.get(..PER_CALL).unwrap_or(waiting);
    let mut free = &mut parts[..];
    for (((name, cut), message), carried) in names.iter_mut().zip(&mut cuts).zip(&mut messages).zip(&mut carried) {
        let Some(first) = rest.first() else { break };
        *carried = if socket.takes_segments() { in_one_piece(rest) } else { 1 };
        let (piece, behind) = rest.split_at(*carried);
        let (segments, free_behind) = free.split_at_mut(*carried);
        for (segment, departure) in segments.iter_mut().zip(piece) {
            *segment = iovec { iov_base: departure.datagram.as_ptr().cast_mut().cast(), iov_len: departure.datagram.len() };
        }
        let name = name.insert(socket.reachable(first.to).into());
        message.msg_hdr.msg_namelen = name.len();
        message.msg_hdr.msg_name = name.as_ptr().cast_mut().cast();
        message.msg_hdr.msg_iov = segments.as_mut_ptr();
        message.msg_hdr.msg_iovlen = *carried as _;
        if *carried > 1 {
            *cut = Cut::every(first.datagram.len());
            message.msg_hdr.msg_control = ptr::from_mut(cut).cast();
            // SAFETY: it computes, and nothing else.
            message.msg_hdr.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<u16>() as u32) } as _;
        }
        (rest, free) = (behind, free_behind);
        prepared += 1;
    }
    // SAFETY: the first `prepared` messages point to names, parts, datagrams and control messages that are alive and of the sizes given, and the
    // kernel only reads them; the descriptor is open as long as `socket` is borrowed.
    let sent = unsafe { libc::sendmmsg(socket.inner().as_raw_fd(), messages.as_mut_ptr(), prepared, 0) };
    match usize::try_from(sent) {
        Ok(sent) => Ok(carried.iter().take(sent).sum()),
        Err(_) => {
            let error = io::Error::last_os_error();
            // The card or the way there cannot do it. The same datagrams are tried again, one by one.
            if carried.first().is_some_and(|&carried| carried > 1)
                && matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EIO | libc::EMSGSIZE | libc::EOPNOTSUPP))
            {
                socket.give_up_segments();
            }
            Err(error)
        }
    }
}

/// How many of these, from the first on, can leave in one piece: to one address, all of one length but for the last, which may be shorter.
pub(super) fn in_one_piece(waiting: &[Departure]) -> usize {
    let Some(first) = waiting.first().filter(|first| !first.datagram.is_empty()) else { return 1 };
    let fit = (PIECE_BYTES_MAX / first.datagram.len()).clamp(1, PER_CALL);
    let mut taken = 1;
    for pair in waiting.windows(2).take(fit - 1) {
        let [before, next] = pair else { break };
        let fits = next.to == first.to && before.datagram.len() == first.datagram.len();
        if !fits || next.datagram.is_empty() || next.datagram.len() > first.datagram.len() {
            break;
        }
        taken += 1;
    }
    taken
}

/// The control message that says into what a piece is to be cut.
#[repr(C)]
struct Cut {
    header: cmsghdr,
    bytes: u16,
    /// Up to the border that the system wants behind it.
    padding: [u16; 3],
}

impl Cut {
    /// A cut behind every so many bytes.
    const fn every(bytes: usize) -> Self {
        let mut cut = NO_CUT;
        // SAFETY: it computes, and nothing else.
        cut.header.cmsg_len = unsafe { libc::CMSG_LEN(size_of::<u16>() as u32) } as _;
        cut.header.cmsg_level = libc::SOL_UDP;
        cut.header.cmsg_type = libc::UDP_SEGMENT;
        cut.bytes = bytes as u16;
        cut
    }
}

// SAFETY: a control message is integers, for which zeros are a value.
const NO_CUT: Cut = unsafe { core::mem::zeroed() };

// SAFETY: an address is integers, of which zeros are a value.
const NO_NAME: sockaddr_in6 = unsafe { core::mem::zeroed() };

const NO_PART: iovec = iovec { iov_base: ptr::null_mut(), iov_len: 0 };

// SAFETY: a message header is integers and pointers, for which zeros mean zero and null.
const NO_MESSAGE: mmsghdr = mmsghdr { msg_hdr: unsafe { core::mem::zeroed::<msghdr>() }, msg_len: 0 };
