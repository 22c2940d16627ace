//! People move: another port behind a router, from wire to Wi-Fi, another address after the lease ran out. A connection follows once
//! whoever is at the new address has proven to be the peer; until then everything goes to the old one (RFC 9000 §9).

use core::net::SocketAddr;
use core::time::Duration;

use super::peers::{Peer, Stage};
use super::{Endpoint, PeerId};
use crate::limits::{MOVES_APART_MIN, PATH_CHALLENGES_MAX};
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
    /// When to ask again, or to give up.
    next_at: Instant,
}

impl Candidate {
    /// The address to challenge and with what, if it is time to.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(SocketAddr, [u8; 8])> {
        if now < self.next_at || self.tries >= PATH_CHALLENGES_MAX {
            return None;
        }
        self.tries += 1;
        self.next_at = now + CHALLENGES_APART;
        Some((self.address, self.challenge))
    }

    /// When to ask again; an address that has been asked often enough is waited for without a deadline.
    pub(super) fn deadline(&self) -> Option<Instant> {
        (self.tries < PATH_CHALLENGES_MAX).then_some(self.next_at)
    }

    fn is_given_up(&self, now: Instant) -> bool {
        self.tries >= PATH_CHALLENGES_MAX && now >= self.next_at
    }
}

impl Peer {
    /// An authentic packet has come from `from`. The address that the connection has left for it, if it has.
    pub(super) fn note_source(&mut self, now: Instant, from: SocketAddr, newest: bool, rng: &mut Rng) -> Option<SocketAddr> {
        let proof = self.connection.take_path_proof();
        if self.candidate.as_ref().is_some_and(|candidate| candidate.is_given_up(now)) {
            self.candidate = None;
        }
        if from == self.address || !matches!(self.stage, Stage::Confirmed) {
            return None;
        }
        if let Some(candidate) = &self.candidate
            && candidate.address == from
        {
            if proof != Some(candidate.challenge) {
                return None;
            }
            self.candidate = None;
            self.moved_at = Some(now);
            let before = core::mem::replace(&mut self.address, from);
            self.connection.on_moved(before.ip() != from.ip());
            return Some(before);
        }
        // An older packet says where the peer was, not where it is; a replayed one was dropped before.
        if newest && self.candidate.is_none() && self.moved_at.is_none_or(|at| now.since(at) >= MOVES_APART_MIN) {
            let mut challenge = [0; 8];
            rng.fill_bytes(&mut challenge);
            self.candidate = Some(alloc::boxed::Box::new(Candidate { address: from, challenge, tries: 0, next_at: now }));
        }
        None
    }
}

impl Endpoint {
    /// A connection has left `before`: its address counts from now on.
    pub(super) fn on_moved(&mut self, now: Instant, id: PeerId, before: SocketAddr) {
        let Some(peer) = self.peers.get(id) else { return };
        self.stats.moves += 1;
        self.admission.remove_peer(before.ip());
        self.admission.add_peer(now, peer.address.ip());
    }
}
