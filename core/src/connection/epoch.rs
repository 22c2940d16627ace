//! The keys of two neighbouring epochs: a connection outlives its keys.
//!
//! The client makes a new handshake now and then and changes to its keys at once; the server changes when the first datagram under
//! them arrives. Packet numbers go on, so the parity bit in the head is all that tells the keys apart.

use super::active::Active;
use crate::crypto::{DataKey, Opener};
use crate::time::Instant;

/// Packets under one key after which a client asks for new ones: half of what AES-GCM may protect (RFC 9001 §6.6).
const PACKETS_PER_KEY_MAX: u64 = 1 << 22;

/// Round trips' worth of probe timeouts for which the old key still opens what was late.
const OLD_KEY_PROBE_TIMEOUTS: u32 = 3;

/// What opens arriving datagrams.
#[derive(Debug)]
pub(super) struct Epochs {
    /// The parity of the epoch in use.
    parity: bool,
    current: Opener,
    other: Other,
    opened: u64,
    sealed_before: u64,
}

/// What datagrams of the other parity are.
#[derive(Debug)]
enum Other {
    Nothing,
    /// Of the epoch before, until then.
    Before(Opener, Instant),
    /// Of the epoch that a handshake has prepared.
    Next(Opener, DataKey),
}

impl Epochs {
    pub(super) const fn new(opening: DataKey) -> Self {
        Self { parity: false, current: Opener::new(opening), other: Other::Nothing, opened: 0, sealed_before: 0 }
    }

    pub(super) const fn parity(&self) -> bool {
        self.parity
    }

    /// Forgets the old key when its time is over.
    pub(super) fn rest(&mut self, now: Instant) {
        self.current.rest();
        if matches!(self.other, Other::Before(_, until) if until <= now) {
            self.other = Other::Nothing;
        }
    }
}

/// What a resting connection keeps of its keys.
#[derive(Debug)]
pub(super) struct RestingEpochs {
    parity: bool,
    current: Opener,
    opened: u64,
    sealed_before: u64,
}

impl Epochs {
    /// No change of keys is under way.
    pub(super) const fn can_rest(&self) -> bool {
        matches!(self.other, Other::Nothing)
    }

    pub(super) fn park(mut self) -> RestingEpochs {
        self.current.rest();
        RestingEpochs { parity: self.parity, current: self.current, opened: self.opened, sealed_before: self.sealed_before }
    }

    pub(super) fn resume(resting: RestingEpochs) -> Self {
        let RestingEpochs { parity, current, opened, sealed_before } = resting;
        Self { parity, current, other: Other::Nothing, opened, sealed_before }
    }
}

impl Active {
    /// Opens a datagram of this parity; a first one under prepared keys puts them into use.
    pub(super) fn open<'a>(&mut self, now: Instant, parity: bool, number: u64, head: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let opener = if parity == self.epochs.parity {
            &self.epochs.current
        } else {
            match &self.epochs.other {
                Other::Before(opener, until) if now < *until => opener,
                Other::Next(opener, _) => opener,
                Other::Before(..) | Other::Nothing => return None,
            }
        };
        let payload = opener.open(number, head, sealed).ok()?;
        if parity == self.epochs.parity {
            self.epochs.opened = self.epochs.opened.saturating_add(1);
        } else if matches!(self.epochs.other, Other::Next(..))
            && let Other::Next(opener, sealing) = core::mem::replace(&mut self.epochs.other, Other::Nothing)
        {
            self.change(now, sealing, opener);
        }
        Some(payload)
    }

    fn change(&mut self, now: Instant, sealing: DataKey, opener: Opener) {
        let until = now + self.rtt.probe_timeout().saturating_mul(OLD_KEY_PROBE_TIMEOUTS);
        let before = core::mem::replace(&mut self.epochs.current, opener);
        self.epochs.other = Other::Before(before, until);
        self.epochs.parity = !self.epochs.parity;
        self.epochs.opened = 0;
        self.epochs.sealed_before = self.sealer.next_number();
        self.sealer.replace_key(sealing);
        self.stats.key_changes += 1;
    }

    /// The client's handshake for new keys is done: uses them from now on.
    pub(super) fn change_keys(&mut self, now: Instant, sealing: DataKey, opening: DataKey) {
        self.change(now, sealing, Opener::new(opening));
        // Shows the server that we have them, too.
        self.ping_pending = true;
    }

    /// The server's handshake for new keys is done: uses them as soon as the client does.
    pub(super) fn prepare_keys(&mut self, sealing: DataKey, opening: DataKey) {
        self.epochs.other = Other::Next(Opener::new(opening), sealing);
    }

    /// Keys are prepared that the client has not used yet.
    pub(super) fn has_prepared_keys(&self) -> bool {
        matches!(self.epochs.other, Other::Next(..))
    }

    #[cfg(test)]
    pub(super) fn wear_keys(&mut self, left: u64) {
        self.epochs.opened = PACKETS_PER_KEY_MAX - left;
    }

    /// The keys have protected so much that they should be changed.
    pub(super) fn wants_new_keys(&self) -> bool {
        let sealed = self.sealer.next_number().saturating_sub(self.epochs.sealed_before);
        sealed.max(self.epochs.opened) >= PACKETS_PER_KEY_MAX
    }
}
