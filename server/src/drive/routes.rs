//! Several sockets, and which of them a client speaks to.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use belfry_core::limits::PEERS_MAX;

/// Which socket a client speaks to, because it listens only to answers from there. Needed when there are several.
///
/// Addresses can be forged, so it forgets: of two generations the older goes when the younger is full. Whoever is forgotten is
/// known again from its next datagram.
#[derive(Default)]
pub(super) struct Routes {
    young: BTreeMap<SocketAddr, usize>,
    old: BTreeMap<SocketAddr, usize>,
}

impl Routes {
    pub(super) fn note(&mut self, from: SocketAddr, socket: usize) {
        if self.young.len() >= PEERS_MAX && !self.young.contains_key(&from) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(from, socket);
    }

    pub(super) fn find(&self, to: SocketAddr) -> Option<usize> {
        self.young.get(&to).or_else(|| self.old.get(&to)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> SocketAddr {
        SocketAddr::from((n.to_be_bytes(), 40_000))
    }

    #[test]
    fn a_client_is_answered_from_the_socket_it_speaks_to_even_after_a_flood_of_forged_addresses() {
        let mut routes = Routes::default();
        routes.note(address(0), 1);
        for n in 1..=PEERS_MAX as u32 {
            routes.note(address(n), 0);
        }
        assert_eq!(routes.find(address(0)), Some(1));
    }

    #[test]
    fn what_is_known_of_addresses_is_bounded() {
        let mut routes = Routes::default();
        for n in 0..3 * PEERS_MAX as u32 {
            routes.note(address(n), 0);
        }
        assert!(routes.young.len() + routes.old.len() <= 2 * PEERS_MAX);
    }
}
