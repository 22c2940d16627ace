//! Sockets and real time: the only part of this package that knows either.
//!
//! [`UdpSocket`] is the socket with the options that matter, [`Inbox`] and [`Outbox`] move datagrams through it many at a time,
//! [`Clock`] reads both clocks once a turn, and [`spawn`] runs a client's machine on a thread of its own. A server's owner writes
//! its own loop of the same parts.
//!
//! Nothing here decides anything about the conversation: whatever arrives is handed to a machine, whatever a machine says is done.

mod batch;
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "recvmmsg and sendmmsg have no safe wrapper; this module holds nothing else")]
mod batch_linux;
#[cfg(any(test, not(target_os = "linux")))]
mod batch_portable;
mod clock;
mod discover;
mod driver;
mod in_words;
mod line;
#[cfg(feature = "discovery")]
mod networks;
mod resolve;
#[cfg(feature = "discovery")]
pub mod search;
mod socket;
mod windows;

pub use batch::{BATCH, Inbox, Outbox, Received, SendReport};
pub use clock::Clock;
pub use discover::{Found, FoundBy, everybody, probe};
pub use driver::{COMMANDS_WAITING_MAX, Handle, Stopped, spawn};
pub use in_words::InWords;
#[cfg(feature = "discovery")]
pub use networks::own_links;
pub use resolve::{InvalidAddress, PORT, ServerAddress};
pub use socket::UdpSocket;

use std::io;

/// A seed from the operating system's random generator, for [`crate::rng::from_seed`].
///
/// # Errors
/// The operating system has none to give.
pub fn os_seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seeds_differ() {
        assert_ne!(os_seed().unwrap(), os_seed().unwrap());
    }
}
