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

    /// How long the old key still opens what was late.
    pub(super) const fn old_key_until(&self) -> Option<Instant> {
        match self.other {
            Other::Before(_, until) => Some(until),
            Other::Nothing | Other::Next(..) => None,
        }
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
    /// So many datagrams were opened in its sleep.
    opened: u32,
}

/// How much the key in use has protected.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyWear {
    pub(super) opened: u64,
    pub(super) sealed_before: u64,
}

impl RestingEpochs {
    pub(super) const fn parity(&self) -> bool {
        self.parity
    }

    /// Opens a datagram of this parity. The other one is nobody's while a connection rests.
    pub(super) fn open<'a>(&mut self, parity: bool, number: u64, head: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let opened = (parity == self.parity).then(|| self.current.open_resting(number, head, sealed))?.ok()?;
        self.opened = self.opened.saturating_add(1);
        Some(opened)
    }
}

impl Epochs {
    /// No change of keys is under way.
    pub(super) const fn can_rest(&self) -> bool {
        matches!(self.other, Other::Nothing)
    }

    pub(super) const fn wear(&self) -> KeyWear {
        KeyWear { opened: self.opened, sealed_before: self.sealed_before }
    }

    pub(super) fn park(mut self) -> RestingEpochs {
        self.current.rest();
        RestingEpochs { parity: self.parity, current: self.current, opened: 0 }
    }

    pub(super) fn resume(resting: RestingEpochs, wear: KeyWear) -> Self {
        let RestingEpochs { parity, current, opened } = resting;
        let opened = wear.opened + u64::from(opened);
        Self { parity, current, other: Other::Nothing, opened, sealed_before: wear.sealed_before }
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
            self.epochs.opened += 1;
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

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use crate::connection::peer::Peer;
    use crate::connection::tests::established;
    use crate::connection::{Established, Side, Verdict};
    use crate::rng::from_seed;
    use crate::wire::frame::{self, Frame};

    const MS: Duration = Duration::from_millis(1);
    const TICK: Duration = Duration::from_micros(1);
    const AUTHENTIC: Verdict = Verdict::Authentic { newest: true };

    /// What another handshake between the two gives: to the one side, to the other.
    fn new_keys(of: Side) -> (Established, Established) {
        let [client, server] = established(&mut from_seed([8; 32]));
        if of == Side::Client { (client, server) } else { (server, client) }
    }

    #[test]
    fn a_server_changes_its_keys_when_the_client_has() {
        let mut peer = Peer::facing(Side::Server);
        let (new, own) = new_keys(Side::Server);
        assert!(!peer.connection.has_prepared_keys());
        peer.connection.prepare_keys(new.sealing, new.opening);
        assert!(peer.connection.has_prepared_keys());
        assert_eq!(peer.says(frame::encode_ping), AUTHENTIC);
        assert_eq!(peer.waits(25 * MS).iter().map(|heard| heard.epoch).collect::<alloc::vec::Vec<_>>(), [false]);
        assert_eq!(peer.connection.stats().key_changes, 0);
        assert!(peer.connection.has_prepared_keys());

        let late = [(); 3].map(|()| peer.seals(frame::encode_ping));
        peer.changes_keys(own);
        assert_eq!(peer.says(frame::encode_ping), AUTHENTIC);
        assert_eq!(peer.connection.stats().key_changes, 1);
        assert!(!peer.connection.has_prepared_keys());
        let changed = peer.now;
        assert!(peer.hears().iter().all(|heard| heard.epoch), "what leaves is under the new ones, too");

        // Three probe timeouts of 300 ms.
        let [soon, last, too_late] = late;
        assert_eq!(peer.hands(soon), Verdict::Authentic { newest: false });
        peer.now = changed + 900 * MS - TICK;
        assert_eq!(peer.hands(last), Verdict::Authentic { newest: false });
        peer.now = changed + 900 * MS;
        assert_eq!(peer.hands(too_late), Verdict::Forged);
        assert_eq!(peer.says(frame::encode_ping), AUTHENTIC);
    }

    #[test]
    fn a_client_changes_its_keys_at_once_and_says_so() {
        let mut peer = Peer::facing(Side::Client);
        assert_eq!(peer.hears().len(), 1);
        let late = peer.seals(frame::encode_ping);
        let (new, own) = new_keys(Side::Client);
        peer.connection.change_keys(peer.now, new.sealing, new.opening);
        peer.changes_keys(own);
        let heard = peer.hears();
        assert!(heard[0].epoch);
        assert_eq!(heard[0].frames(), [Frame::Ping]);
        assert_eq!(peer.connection.stats().key_changes, 1);
        assert_eq!(peer.hands(late), AUTHENTIC, "the server has not heard of it yet");
        assert_eq!(peer.says(frame::encode_ping), AUTHENTIC);
    }

    #[test]
    fn a_connection_does_not_rest_with_keys_that_are_not_in_use_yet_and_forgets_the_old_ones_when_it_does() {
        let mut peer = Peer::facing(Side::Server);
        let (new, own) = new_keys(Side::Server);
        peer.connection.prepare_keys(new.sealing, new.opening);
        peer.says(frame::encode_ping);
        peer.waits(10_000 * MS);
        assert!(!peer.connection.is_parked());
        let late = peer.seals(frame::encode_ping);
        peer.changes_keys(own);
        assert_eq!(peer.says(frame::encode_ping), AUTHENTIC);
        peer.waits(10_000 * MS);
        assert!(peer.connection.is_parked());
        assert_eq!(peer.hands(late), Verdict::Forged);
        assert_eq!(peer.says(frame::encode_ping), AUTHENTIC);
    }

    #[test]
    fn keys_are_to_be_changed_after_four_million_packets() {
        let mut peer = Peer::facing(Side::Client);
        assert!(!peer.connection.wants_new_keys());
        peer.active().epochs.opened = (1 << 22) - 1;
        assert!(!peer.connection.wants_new_keys());
        peer.says(frame::encode_ping);
        assert!(peer.connection.wants_new_keys());
        let (new, own) = new_keys(Side::Client);
        peer.connection.change_keys(peer.now, new.sealing, new.opening);
        peer.changes_keys(own);
        assert!(!peer.connection.wants_new_keys());
    }
}
