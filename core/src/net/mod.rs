//! Sockets and real time: the only part of this package that knows either.
//!
//! [`UdpSocket`] is the socket with the options that matter, [`ReceiveBatch`] and [`SendBatch`] move datagrams through it many at a time,
//! [`Clock`] reads both clocks once a turn, and [`spawn`] runs a client's machine on a thread of its own. A server's owner writes
//! its own loop of the same parts.
//!
//! Nothing here decides anything about the conversation: whatever arrives is handed to a machine, whatever a machine says is done.

mod batch;
mod client_socket;
mod clock;
mod discover;
mod driver;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "malloc_trim has no safe wrapper; this module holds nothing else")]
mod heap_glibc;
mod in_words;
#[cfg(feature = "discovery")]
mod networks;
mod resolve;
#[cfg(feature = "discovery")]
pub mod search;
mod socket;
mod windows;

pub use batch::{BATCH, ReceiveBatch, Received, SendBatch, SendReport};
pub use clock::Clock;
pub use discover::{FoundBy, FoundServer, everybody, probe};
pub use driver::{COMMANDS_WAITING_MAX, Handle, Stopped, spawn};
pub use in_words::InWords;
#[cfg(feature = "discovery")]
pub use networks::own_links;
pub use resolve::{InvalidAddress, PORT, ServerAddress};
pub use socket::{SocketBuffer, UdpSocket};

use std::io;

use crate::crypto::Suite;

/// A seed from the operating system's random generator, for [`crate::rng::from_seed`].
///
/// # Errors
/// The operating system has none to give.
pub fn os_seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    Ok(seed)
}

/// The cipher that this computer's processor is quickest at: AES-256-GCM where it has instructions for AES and for its checksum.
pub fn quickest_suite() -> Suite {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let knows_aes = std::is_x86_feature_detected!("aes") && std::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    let knows_aes = std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    let knows_aes = false;
    if knows_aes { Suite::Aes256Gcm } else { Suite::ChaCha20Poly1305 }
}

/// Gives memory that is free back to the system, where the allocator keeps it until it is told: glibc's gives back the end of its heap only,
/// and one small thing that lives on behind a flood holds all of it.
pub fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    heap_glibc::trim();
}

/// What this process has in memory, in bytes, where the system says so at no cost: on Linux.
pub fn resident_bytes() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        // In kilobytes, unlike `statm`, whose pages are as large as the system's.
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
        kilobytes.checked_mul(1024)
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seeds_differ() {
        assert_ne!(os_seed().unwrap(), os_seed().unwrap());
    }
}
