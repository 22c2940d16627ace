//! What Windows reports about datagrams that this socket never asked about, and how to pass it by.
//!
//! After sending to a port that nobody listens on, Windows makes the next *receive* fail, on a socket that everybody else uses too.
//! The switches are set where the system knows them (Wine knows only one), and the errors are passed by in any case.

use std::io;

/// WSAEMSGSIZE: the datagram was larger than the buffer; its rest is lost.
const TOO_LARGE: i32 = 10040;
/// WSAENETRESET: the time to live of an earlier datagram expired on its way.
const NET_RESET: i32 = 10052;
/// WSAECONNRESET: nobody listens where an earlier datagram went.
const CONNECTION_RESET: i32 = 10054;

/// Whether a failed receive says something about one datagram only, so that receiving simply goes on. The numbers are Windows' own
/// and mean nothing elsewhere.
pub(super) fn passes_by(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted || matches!(error.raw_os_error(), Some(TOO_LARGE | NET_RESET | CONNECTION_RESET))
}

/// Whether a failed receive is a datagram larger than the buffer.
pub(super) fn too_large(error: &io::Error) -> bool {
    error.raw_os_error() == Some(TOO_LARGE)
}

/// Asks Windows not to report unreachable destinations on this socket.
#[cfg(windows)]
#[allow(unsafe_code, reason = "WSAIoctl has no safe wrapper for these two switches")]
pub(super) fn ignore_unreachable(socket: &socket2::Socket) {
    use std::os::windows::io::AsRawSocket;

    use windows_sys::Win32::Networking::WinSock::{SIO_UDP_CONNRESET, SIO_UDP_NETRESET, SOCKET, WSAIoctl};

    for switch in [SIO_UDP_CONNRESET, SIO_UDP_NETRESET] {
        let off: i32 = 0;
        let mut returned: u32 = 0;
        // SAFETY: the socket is open for the whole call, `off` and `returned` outlive it and have the sizes named, no output buffer
        // is offered, and without an OVERLAPPED the call finishes before it returns. A refusal needs no answer: `passes_by` copes.
        unsafe {
            WSAIoctl(
                socket.as_raw_socket() as SOCKET,
                switch,
                (&raw const off).cast(),
                size_of::<i32>() as u32,
                core::ptr::null_mut(),
                0,
                &raw mut returned,
                core::ptr::null_mut(),
                None,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_windows_says_about_one_datagram_is_passed_by() {
        for code in [10040, 10052, 10054] {
            assert!(passes_by(&io::Error::from_raw_os_error(code)), "{code}");
        }
    }

    #[test]
    fn what_it_says_about_the_socket_is_not_passed_by() {
        // WSAENOTSOCK, WSAENETDOWN, and EBADF of Linux.
        for code in [10038, 10050, 9] {
            assert!(!passes_by(&io::Error::from_raw_os_error(code)), "{code}");
        }
    }

    #[test]
    fn an_interrupted_receive_is_tried_again() {
        assert!(passes_by(&io::ErrorKind::Interrupted.into()));
    }

    #[test]
    fn only_one_of_them_is_a_datagram_too_large() {
        assert!(too_large(&io::Error::from_raw_os_error(10040)));
        assert!(!too_large(&io::Error::from_raw_os_error(10054)));
    }
}
