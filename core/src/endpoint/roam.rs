//! People move: another port behind a router, from wire to Wi-Fi, another address after the lease ran out. A connection follows once
//! whoever is at the new address has proven to be the peer; until then everything goes to the old one (RFC 9000 §9).

use alloc::boxed::Box;
use core::net::SocketAddr;
use core::time::Duration;

use super::peers::{Peer, PeerStage};
use super::{Endpoint, PeerId};
use crate::limits::{MOVES_APART_MIN, PATH_CHALLENGE_BYTES, PATH_CHALLENGES_MAX};
use crate::rng::{Random, Rng};
use crate::time::Instant;

/// The pause between two challenges.
const CHALLENGES_APART: Duration = Duration::from_millis(300);

/// Somewhere else that a connection's newest packet came from.
#[derive(Debug)]
pub(super) struct Candidate {
    address: SocketAddr,
    challenge: [u8; 8],
    tries: u32,
    /// When to ask again.
    next_at: Instant,
    /// When it has had its chance and another address may have one.
    until: Instant,
    /// Bytes that have come from there and that nothing was sent for: whoever forges a sender gets it no more than they have spent
    /// (RFC 9000 §9.3.1, where it is three times as many).
    credit: usize,
}

/// Whether a connection is on its way somewhere else.
#[derive(Debug)]
pub(super) enum Roaming {
    /// Its newest packet came from there, which is not proven.
    Perhaps(Candidate),
    /// It has moved lately, and does not move again at once.
    Moved(Instant),
}

impl Roaming {
    fn is_over(&self, now: Instant) -> bool {
        match self {
            Self::Perhaps(candidate) => now >= candidate.until,
            Self::Moved(at) => now.since(*at) >= MOVES_APART_MIN,
        }
    }
}

impl Candidate {
    /// The address to challenge and with what, if it is time to.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(SocketAddr, [u8; 8])> {
        if now < self.next_at || self.tries >= PATH_CHALLENGES_MAX {
            return None;
        }
        self.credit = self.credit.checked_sub(PATH_CHALLENGE_BYTES)?;
        self.tries += 1;
        self.next_at = now + CHALLENGES_APART;
        Some((self.address, self.challenge))
    }

    /// When to ask again; an address that has been asked often enough, or for all that has come from there, is waited for without a
    /// deadline.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (self.tries < PATH_CHALLENGES_MAX && self.credit >= PATH_CHALLENGE_BYTES).then_some(self.next_at)
    }
}

impl Peer {
    /// Where its newest packet came from, if that is somewhere else and not proven.
    pub(super) fn candidate(&mut self) -> Option<&mut Candidate> {
        match self.roaming.as_deref_mut()? {
            Roaming::Perhaps(candidate) => Some(candidate),
            Roaming::Moved(_) => None,
        }
    }

    /// An authentic packet of so many bytes has come from `from`. Whether the connection has moved there.
    pub(super) fn note_source(&mut self, now: Instant, from: SocketAddr, newest: bool, bytes: usize, rng: &mut Rng) -> bool {
        let proof = self.connection.take_path_proof();
        if self.roaming.as_ref().is_some_and(|roaming| roaming.is_over(now)) {
            self.roaming = None;
        }
        if from == self.address || !matches!(self.stage, PeerStage::Confirmed) {
            return false;
        }
        if let Some(Roaming::Perhaps(candidate)) = self.roaming.as_deref_mut()
            && candidate.address == from
        {
            candidate.credit = candidate.credit.saturating_add(bytes);
            if proof != Some(candidate.challenge) {
                return false;
            }
            self.roaming = Some(Box::new(Roaming::Moved(now)));
            let before = core::mem::replace(&mut self.address, from);
            self.connection.on_moved(before.ip() != from.ip());
            return true;
        }
        // An older packet says where the peer was, not where it is; a replayed one was dropped before.
        if newest && self.roaming.is_none() {
            let mut challenge = [0; 8];
            rng.fill_bytes(&mut challenge);
            let until = now + CHALLENGES_APART * PATH_CHALLENGES_MAX;
            let candidate = Candidate { address: from, challenge, tries: 0, next_at: now, until, credit: bytes };
            self.roaming = Some(Box::new(Roaming::Perhaps(candidate)));
        }
        false
    }
}

impl Endpoint {
    /// A connection is somewhere else: its new address counts from now on.
    pub(super) fn on_moved(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        self.stats.moves += 1;
        self.admission.remove_peer(peer.source);
        peer.source = self.admission.add_peer(peer.address.ip());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_micros(1_000_000);

    fn elsewhere(credit: usize) -> Candidate {
        let address = SocketAddr::from(([192, 0, 2, 9], 5000));
        Candidate { address, challenge: [7; 8], tries: 0, next_at: START, until: START + CHALLENGES_APART * PATH_CHALLENGES_MAX, credit }
    }

    #[test]
    fn an_address_is_asked_so_often_and_at_such_distances() {
        let mut candidate = elsewhere(100 * PATH_CHALLENGE_BYTES);
        let challenged = Some((candidate.address, candidate.challenge));
        for turn in 0..PATH_CHALLENGES_MAX {
            let at = START + CHALLENGES_APART * turn;
            assert_eq!(candidate.deadline(), Some(at));
            assert_eq!(candidate.take_due(at - Duration::from_micros(1)), None, "turn {turn}");
            assert_eq!(candidate.take_due(at), challenged, "turn {turn}");
            assert_eq!(candidate.take_due(at), None, "turn {turn}");
        }
        assert_eq!((candidate.deadline(), candidate.take_due(START + Duration::from_secs(60))), (None, None));
    }

    #[test]
    fn an_address_is_sent_no_more_than_has_come_from_it() {
        let mut candidate = elsewhere(PATH_CHALLENGE_BYTES + PATH_CHALLENGE_BYTES - 1);
        assert!(candidate.deadline().is_some() && candidate.take_due(START).is_some());
        assert_eq!((candidate.deadline(), candidate.take_due(START + CHALLENGES_APART)), (None, None), "a byte is missing");
        candidate.credit += 1;
        assert!(candidate.deadline().is_some() && candidate.take_due(START + CHALLENGES_APART).is_some());
    }
}
