//! Being found: an answer to those who look for servers on the local network, smaller than the question and sparing.

use alloc::string::String;
use core::net::SocketAddr;

use super::Endpoint;
use super::greet::VERSIONS;
use crate::time::Instant;
use crate::wire::discover::{Discover, Here};

/// What a server says of itself to those who look for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// What it is called: the computer's name.
    pub name: String,
    /// The version of its program.
    pub program: String,
}

impl Endpoint {
    /// Answers those who look for servers from now on, or no longer.
    pub fn announce(&mut self, announcement: Option<Announcement>) {
        self.announcement = announcement;
    }

    pub(super) fn on_discover(&mut self, now: Instant, from: SocketAddr, discover: Discover) -> bool {
        if self.announcement.is_none() || !self.admission.here(now, from.ip()) {
            return false;
        }
        let Some(announcement) = self.announcement.clone() else { return false };
        let Announcement { name, program } = &announcement;
        let here = Here { nonce: discover.nonce, key: self.config.identity.public().0, versions: VERSIONS.to_vec(), name, program };
        self.reply(from, |out| here.encode(out));
        true
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::super::{Config, Output};
    use super::*;
    use crate::crypto::KeyPair;
    use crate::limits::{DISCOVER_BYTES, HERES_PER_SECOND};
    use crate::rng::from_seed;
    use crate::wire::datagram::{Datagram, decode};

    fn endpoint() -> Endpoint {
        let mut rng = from_seed([1; 32]);
        let config = Config { identity: KeyPair::generate(&mut rng), retired: Vec::new() };
        Endpoint::new(config, rng, Instant::START)
    }

    fn announced() -> Endpoint {
        let mut endpoint = endpoint();
        endpoint.announce(Some(Announcement { name: "tower".into(), program: "0.1.0".into() }));
        endpoint
    }

    /// The answer to a question from the computer with this number.
    fn asked(endpoint: &mut Endpoint, now: Instant, host: u32) -> Option<Vec<u8>> {
        let mut question = Vec::new();
        Discover { nonce: [7; 8] }.encode(&mut question);
        let from = SocketAddr::from((host.to_be_bytes(), 40_000));
        endpoint.handle_datagram(now, from, &mut question);
        let mut answer = Vec::new();
        (endpoint.poll(now, &mut answer) == Output::Transmit { to: from }).then_some(answer)
    }

    #[test]
    fn whoever_looks_is_told_name_key_and_version_in_fewer_bytes() {
        let mut endpoint = announced();
        let answer = asked(&mut endpoint, Instant::START, 1).unwrap();
        assert!(answer.len() < DISCOVER_BYTES);
        let Ok(Datagram::Here(here)) = decode(&answer) else { panic!("{answer:?}") };
        assert_eq!((here.nonce, here.name, here.program), ([7; 8], "tower", "0.1.0"));
        assert_eq!(here.key, endpoint.config.identity.public().0);
    }

    #[test]
    fn a_server_that_is_not_to_be_found_keeps_silent() {
        assert_eq!(asked(&mut endpoint(), Instant::START, 1), None);
    }

    #[test]
    fn one_address_is_answered_twice_a_second_and_all_together_only_so_often() {
        let mut endpoint = announced();
        assert!(asked(&mut endpoint, Instant::START, 1).is_some());
        assert!(asked(&mut endpoint, Instant::START + Duration::from_millis(499), 1).is_none());
        assert!(asked(&mut endpoint, Instant::START + Duration::from_millis(500), 1).is_some());
        let later = Instant::START + Duration::from_secs(60);
        let answered = (2..1000).filter(|&host| asked(&mut endpoint, later, host).is_some()).count() as u64;
        assert_eq!(answered, HERES_PER_SECOND);
    }

    #[test]
    fn an_answer_is_not_answered() {
        let mut endpoint = announced();
        let mut answer = asked(&mut endpoint, Instant::START, 1).unwrap();
        endpoint.handle_datagram(Instant::START, SocketAddr::from(([192, 0, 2, 9], 1)), &mut answer);
        assert!(matches!(endpoint.poll(Instant::START, &mut Vec::new()), Output::Wait(_)));
    }
}
