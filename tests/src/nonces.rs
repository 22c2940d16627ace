//! A witness beside the network: no key ever seals two datagrams with one number.

use std::collections::BTreeSet;

use belfry_core::wire::datagram::{self, Datagram};

/// What a datagram's nonce and key can be told by from outside: the way it goes, who sends it, the receiver's number for the session, the
/// parity of its keys' epoch, and the packet number.
type Sealed = (bool, u64, u32, bool, u32);

/// The numbers that were used.
#[derive(Debug, Default)]
pub struct Nonces {
    seen: BTreeSet<Sealed>,
    repeated: Option<Sealed>,
}

impl Nonces {
    /// A machine sends a datagram: to the server or from it. `sender` tells the server's processes apart, and a client's connections: one
    /// that slept through two restarts may go on with a session whose number the present process has given to somebody else.
    ///
    /// Numbers go on when keys change, and sessions of one process have different ones, because a client takes a new one for each HELLO.
    /// So a repetition is a nonce used twice.
    pub fn note(&mut self, to_server: bool, sender: u64, bytes: &[u8]) {
        let Ok(Datagram::Protected(head)) = datagram::decode(bytes) else { return };
        let sealed = (to_server, sender, head.to.0, head.epoch, head.number);
        if !self.seen.insert(sealed) {
            self.repeated.get_or_insert(sealed);
        }
    }

    /// The first that was used twice.
    pub fn repeated(&self) -> Option<impl core::fmt::Debug> {
        self.repeated
    }
}
