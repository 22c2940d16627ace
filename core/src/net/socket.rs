//! The UDP socket of either end.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
#[cfg(target_os = "linux")]
use core::sync::atomic::{AtomicBool, Ordering};
use std::io;

use mio::{Interest, Registry, Token, event};
use socket2::{Domain, Protocol, Socket, Type};

/// What is asked for as receive buffer. When a notice has gone to everybody, everybody acknowledges at once; Linux' usual 208 KiB
/// hold 256 small datagrams, Windows' 64 KiB fewer, these hold 20,000.
const RECEIVE_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// What a server asks for as send buffer: a notice to thousands leaves in one go.
const SEND_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A nonblocking UDP socket that speaks IPv4 and IPv6, to be waited for with mio.
///
/// Addresses go in and come out in their natural form: an IPv4 peer of an IPv6 socket has an IPv4 address here.
#[derive(Debug)]
pub struct UdpSocket {
    inner: mio::net::UdpSocket,
    ipv6: bool,
    receive_buffer_bytes: usize,
    send_buffer_bytes: usize,
    /// The system has not refused yet to cut one piece into datagrams.
    #[cfg(target_os = "linux")]
    takes_segments: AtomicBool,
}

/// What was asked for as a socket's buffer, and what the system gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketBuffer {
    /// In bytes.
    pub asked: usize,
    /// In bytes as they are asked for: Linux gives, and reports, twice as many for its own bookkeeping ([socket(7)], `SO_RCVBUF`).
    ///
    /// [socket(7)]: https://man7.org/linux/man-pages/man7/socket.7.html
    pub granted: usize,
}

impl SocketBuffer {
    const fn new(asked: usize, reported: usize) -> Self {
        Self { asked, granted: if cfg!(target_os = "linux") { reported / 2 } else { reported } }
    }

    /// The system gave less than it was asked for.
    pub const fn is_short(self) -> bool {
        self.granted < self.asked
    }
}

impl UdpSocket {
    /// A server's socket at `address`. `[::]` means every address of the computer, IPv4 too; where there is no IPv6, it means
    /// `0.0.0.0`.
    ///
    /// # Errors
    /// [`io::ErrorKind::AddrInUse`] when any other socket has the port: it is never shared. Else whatever the system says.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        Self::open(natural(address), Some(SEND_BUFFER_BYTES))
    }

    /// A client's socket: every address of the computer, at a port that the system chooses, because several people may share one
    /// computer.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn bind_client() -> io::Result<Self> {
        Self::open(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)), None)
    }

    fn open(address: SocketAddr, send_buffer: Option<usize>) -> io::Result<Self> {
        open_or_without_ipv6(address, |address| Self::open_exactly(address, send_buffer))
    }

    fn open_exactly(address: SocketAddr, send_buffer: Option<usize>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            socket.set_only_v6(false)?;
        }
        // A smaller buffer than asked for is still a socket; what came of it is for the owner to report.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        if let Some(bytes) = send_buffer {
            let _ = socket.set_send_buffer_size(bytes);
        }
        #[cfg(windows)]
        super::windows::ignore_unreachable(&socket);
        socket.bind(&address.into())?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            ipv6: address.is_ipv6(),
            receive_buffer_bytes: socket.recv_buffer_size()?,
            send_buffer_bytes: socket.send_buffer_size()?,
            inner: mio::net::UdpSocket::from_std(socket.into()),
            #[cfg(target_os = "linux")]
            takes_segments: AtomicBool::new(true),
        })
    }

    /// Where the socket is bound.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// The send buffer that the system granted.
    pub const fn send_buffer_bytes(&self) -> usize {
        self.send_buffer_bytes
    }

    /// What the system gave of the receive buffer that was asked for, in bytes of the latter: whether it gave all of it.
    pub const fn receive_buffer(&self) -> SocketBuffer {
        SocketBuffer::new(RECEIVE_BUFFER_BYTES, self.receive_buffer_bytes)
    }

    /// The same of a server's send buffer.
    pub const fn send_buffer(&self) -> SocketBuffer {
        SocketBuffer::new(SEND_BUFFER_BYTES, self.send_buffer_bytes)
    }

    /// Receives one datagram: its length, cut to the buffer's, and its sender.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when none is waiting.
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (bytes, from) = self.inner.recv_from(buffer)?;
        Ok((bytes, natural(from)))
    }

    /// Sends one datagram.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when the send buffer is full.
    pub fn send_to(&self, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.inner.send_to(datagram, self.reachable(to))
    }

    /// The form of `to` that this socket can send to.
    pub(super) fn reachable(&self, to: SocketAddr) -> SocketAddr {
        match natural(to) {
            SocketAddr::V4(v4) if self.ipv6 => SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0).into(),
            other => other,
        }
    }

    /// Whether several datagrams to one address may leave in one piece.
    #[cfg(target_os = "linux")]
    pub(super) fn takes_segments(&self) -> bool {
        self.takes_segments.load(Ordering::Relaxed)
    }

    /// They may not: the system has refused one.
    #[cfg(target_os = "linux")]
    pub(super) fn give_up_segments(&self) {
        self.takes_segments.store(false, Ordering::Relaxed);
    }

    #[cfg(target_os = "linux")]
    pub(super) const fn inner(&self) -> &mio::net::UdpSocket {
        &self.inner
    }
}

/// An address as people write it: an IPv4 address that arrived in IPv6 clothes takes them off.
pub(super) fn natural(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}

/// Opens at `address`; where that is `[::]` and there is no IPv6, at `0.0.0.0`.
fn open_or_without_ipv6<T>(address: SocketAddr, open: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    match open(address) {
        Err(error) if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && lacks_ipv6(&error) => {
            open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        }
        opened => opened,
    }
}

/// Whether binding `[::]` failed for want of IPv6, rather than because of the port.
fn lacks_ipv6(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

impl event::Source for UdpSocket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.inner.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.inner.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.inner.deregister(registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }

    #[test]
    fn a_port_in_use_is_refused() {
        let first = UdpSocket::bind(loopback()).unwrap();
        let second = UdpSocket::bind(first.local_addr().unwrap());
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_port_in_use_on_every_address_is_refused() {
        let first = UdpSocket::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))).unwrap();
        let again = UdpSocket::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, first.local_addr().unwrap().port())));
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn what_the_system_granted_is_known() {
        let socket = UdpSocket::bind(loopback()).unwrap();
        let granted = socket2::SockRef::from(&socket.inner);
        assert_eq!(socket.receive_buffer_bytes, granted.recv_buffer_size().unwrap());
        assert_eq!(socket.send_buffer_bytes(), granted.send_buffer_size().unwrap());
    }

    #[test]
    fn a_buffer_is_short_where_the_system_gave_less_than_it_was_asked_for() {
        let socket = UdpSocket::bind(loopback()).unwrap();
        let plain = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        for (asked, is_short) in [(16 * 1024, false), (1 << 30, true)] {
            // Linux gives nobody a gigabyte who just asks for it; Windows does.
            let _ = plain.set_recv_buffer_size(asked);
            let buffer = SocketBuffer::new(asked, plain.recv_buffer_size().unwrap());
            assert_eq!(buffer.is_short(), is_short && cfg!(target_os = "linux"), "{buffer:?}");
        }
        for buffer in [socket.receive_buffer(), socket.send_buffer()] {
            assert!(buffer.granted > 0 && (buffer.is_short() || buffer.granted >= buffer.asked), "{buffer:?}");
        }
    }

    #[test]
    fn an_address_that_is_not_this_computers_is_refused_and_no_other_taken_for_it() {
        for address in ["192.0.2.77:0", "[2001:db8::77]:0"] {
            let refused = UdpSocket::bind(address.parse().unwrap()).unwrap_err();
            assert_ne!(refused.kind(), io::ErrorKind::AddrInUse, "{address}");
        }
    }

    #[test]
    fn without_ipv6_every_address_means_every_one_of_ipv4_at_the_same_port() {
        let without_ipv6 = |address: SocketAddr| match address {
            SocketAddr::V4(_) => Ok(address),
            SocketAddr::V6(_) => Err(io::Error::from_raw_os_error(97)),
        };
        let opened = |written: &str| open_or_without_ipv6(written.parse().unwrap(), without_ipv6).ok();
        assert_eq!(opened("[::]:7411"), Some("0.0.0.0:7411".parse().unwrap()));
        assert_eq!(opened("[2001:db8::1]:7411"), None);
        assert_eq!(opened("192.0.2.1:7411"), Some("192.0.2.1:7411".parse().unwrap()));
    }

    #[test]
    fn an_ipv4_address_is_dressed_for_a_socket_of_both_kinds_and_for_no_other() {
        let address: SocketAddr = "192.0.2.7:7411".parse().unwrap();
        for socket in [UdpSocket::bind_client().unwrap(), UdpSocket::bind(loopback()).unwrap()] {
            let reached = socket.reachable(address);
            assert_eq!((reached.is_ipv6(), natural(reached)), (socket.local_addr().unwrap().is_ipv6(), address));
        }
    }

    #[test]
    fn a_socket_is_waited_for_as_it_was_registered_last_and_no_longer_than_that() {
        let mut poll = mio::Poll::new().unwrap();
        let mut socket = UdpSocket::bind(loopback()).unwrap();
        let there = socket.local_addr().unwrap();
        let reported = |poll: &mut mio::Poll| {
            let mut events = mio::Events::with_capacity(8);
            poll.poll(&mut events, Some(core::time::Duration::ZERO)).unwrap();
            events.iter().map(mio::event::Event::token).collect::<std::vec::Vec<_>>()
        };
        poll.registry().register(&mut socket, Token(1), Interest::READABLE).unwrap();
        assert_eq!(reported(&mut poll), []);
        poll.registry().reregister(&mut socket, Token(2), Interest::READABLE | Interest::WRITABLE).unwrap();
        assert_eq!(reported(&mut poll), [Token(2)]);
        poll.registry().deregister(&mut socket).unwrap();
        socket.send_to(b"x", there).unwrap();
        assert_eq!(reported(&mut poll), []);
    }

    #[test]
    fn a_client_leaves_the_send_buffer_alone() {
        let client = UdpSocket::bind_client().unwrap();
        let untouched = std::net::UdpSocket::bind(loopback()).unwrap();
        assert_eq!(client.send_buffer_bytes(), socket2::SockRef::from(&untouched).send_buffer_size().unwrap());
    }

    #[test]
    fn an_idle_socket_would_block() {
        let socket = UdpSocket::bind(loopback()).unwrap();
        assert_eq!(socket.recv_from(&mut [0; 16]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn an_ipv4_address_is_the_same_in_both_clothes() {
        let plain = SocketAddr::from(([192, 0, 2, 7], 7411));
        assert_eq!(natural("[::ffff:192.0.2.7]:7411".parse().unwrap()), plain);
        assert_eq!(natural(plain), plain);
    }

    #[test]
    fn an_ipv6_address_keeps_its_interface() {
        let local: SocketAddr = SocketAddrV6::new("fe80::1".parse().unwrap(), 7411, 0, 3).into();
        assert_eq!(natural(local), local);
    }

    #[test]
    fn only_a_missing_ipv6_leads_to_ipv4() {
        assert!(lacks_ipv6(&io::Error::from_raw_os_error(97)));
        assert!(!lacks_ipv6(&io::ErrorKind::AddrInUse.into()));
        assert!(!lacks_ipv6(&io::ErrorKind::PermissionDenied.into()));
    }
}
