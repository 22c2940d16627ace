//! Finding the server and shaking hands: HELLO0, RETRY, HELLO, RESPONSE.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::api::{Config, Outdated, Trust};
use crate::connection::{Established, Side};
use crate::crypto::{Initiator, NO_SITE_KEY, PublicKey, Suite};
use crate::limits::{HANDSHAKE_TIMEOUT, HELLO_RETRY_MIN, REJECTED_MAX};
use crate::rng::{self, Random, Rng};
use crate::time::Instant;
use crate::wire::CloseCode;
use crate::wire::datagram::{ConnectionId, Datagram, Hello, Hello0, Reject, Response, Retry, VERSION};
use crate::wire::parameters::{ClientParameters, RenewalSecret, ServerParameters, prologue};

/// Addresses that are asked at once; whoever answers first is the server.
const ASKED_AT_ONCE_MAX: usize = 8;

/// The pause between two tries, but for the first two: from half of it to half as much again, or a house that begins at one moment would
/// also ask again at one moment.
const PAUSE: Duration = Duration::from_secs(1);

/// Tries of a HELLO before asking for a new cookie.
const HELLO_TRIES_MAX: u32 = 4;

/// One attempt to connect.
#[derive(Debug)]
pub(super) struct Dialer {
    nonce: [u8; 8],
    connection_id: ConnectionId,
    stage: DialStage,
    /// The session that is to have new keys: the server's number of it, and the secret that goes with its present ones.
    renews: Option<(ConnectionId, RenewalSecret)>,
    give_up_at: Instant,
    next_try_at: Instant,
    tries: u32,
    /// Whom to send the stage's datagram now.
    due: VecDeque<SocketAddr>,
}

#[derive(Debug)]
enum DialStage {
    /// Wants a cookie.
    Asking,
    /// Has sent the first Noise message.
    Greeting { server: SocketAddr, key: PublicKey, hello: Vec<u8>, initiator: Box<Initiator> },
}

/// What came of an attempt.
#[derive(Debug)]
pub(super) enum Dialed {
    /// The keys are agreed.
    Connected(Contact),
    /// The server has none of the pinned keys.
    KeyChanged(Option<PublicKey>),
    /// No version in common.
    Version(Outdated),
    /// The server does not want us now.
    Rejected { code: CloseCode, retry_in: Duration },
    /// Nobody answers.
    Unreachable,
}

/// A server that has proven its key.
#[derive(Debug)]
pub(super) struct Contact {
    pub(super) established: Established,
    pub(super) server: SocketAddr,
    pub(super) key: PublicKey,
    /// By which number we are addressed.
    pub(super) connection_id: ConnectionId,
    pub(super) reset_token: [u8; 16],
    /// What has to be shown for the next keys.
    pub(super) renewal_secret: RenewalSecret,
    /// These are new keys for the session that we had.
    pub(super) renewed: bool,
}

impl Dialer {
    /// Makes a new connection.
    pub(super) fn new(config: &Config, now: Instant, rng: &mut Rng) -> Self {
        let connection_id = fresh_connection_id(rng);
        Self::with_connection_id(config, connection_id, None, now, rng)
    }

    /// Makes new keys for a connection by which we are addressed as `session`, and the server as the number in `renews`.
    pub(super) fn renewing(
        config: &Config,
        connection_id: ConnectionId,
        renews: (ConnectionId, RenewalSecret),
        now: Instant,
        rng: &mut Rng,
    ) -> Self {
        Self::with_connection_id(config, connection_id, Some(renews), now, rng)
    }

    fn with_connection_id(
        config: &Config,
        connection_id: ConnectionId,
        renews: Option<(ConnectionId, RenewalSecret)>,
        now: Instant,
        rng: &mut Rng,
    ) -> Self {
        let mut nonce = [0; 8];
        rng.fill_bytes(&mut nonce);
        Self {
            nonce,
            connection_id,
            renews,
            stage: DialStage::Asking,
            give_up_at: now + HANDSHAKE_TIMEOUT,
            next_try_at: now + HELLO_RETRY_MIN,
            tries: 1,
            due: asked(config),
        }
    }

    /// Whether it is only about new keys for a connection that is there.
    pub(super) const fn is_renewal(&self) -> bool {
        self.renews.is_some()
    }

    /// A datagram outside of connections has arrived.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &Datagram<'_>,
        config: &Config,
        quickest: Suite,
        rng: &mut Rng,
    ) -> Option<Dialed> {
        match datagram {
            Datagram::Retry(retry) if retry.nonce == self.nonce && matches!(self.stage, DialStage::Asking) => {
                self.on_retry(now, from, retry, config, quickest, rng)
            }
            Datagram::Response(response) if response.to == self.connection_id => self.on_response(from, response),
            Datagram::Reject(reject) if reject.nonce == self.nonce => Some(on_reject(reject, rng)),
            _ => None,
        }
    }

    fn on_retry(
        &mut self,
        now: Instant,
        from: SocketAddr,
        retry: &Retry,
        config: &Config,
        quickest: Suite,
        rng: &mut Rng,
    ) -> Option<Dialed> {
        if !config.servers.contains(&from) {
            return None;
        }
        let offered = retry.key.map(PublicKey);
        let key = match &config.trust {
            Trust::FirstUse => offered?,
            Trust::Pinned(keys) => match keys.iter().find(|key| retry.key_ids.contains(&key.id())) {
                Some(&key) => key,
                None => return Some(Dialed::KeyChanged(offered)),
            },
        };
        if !retry.versions.contains(&VERSION) {
            return Some(Dialed::Version(Outdated::among(&retry.versions, VERSION)));
        }
        if self.renews.is_none() {
            // A server that has answered an earlier HELLO of ours has a session under its number, with other keys.
            self.connection_id = fresh_connection_id(rng);
        }
        let suites = Suite::offer(quickest).map(Suite::number).to_vec();
        let parameters = ClientParameters { connection_id: self.connection_id, suites, previous: self.renews };
        let prologue = prologue(VERSION, &retry.versions, self.nonce);
        let (initiator, noise) = Initiator::start(rng, &config.device, &key, &NO_SITE_KEY, &prologue, &parameters.encode()).ok()?;
        let mut hello = Vec::new();
        Hello { from: self.connection_id, nonce: self.nonce, cookie: retry.cookie, noise: &noise }.encode(&mut hello);
        self.stage = DialStage::Greeting { server: from, key, hello, initiator: Box::new(initiator) };
        self.tries = 1;
        self.next_try_at = now + HELLO_RETRY_MIN;
        self.due = [from].into();
        None
    }

    fn on_response(&mut self, from: SocketAddr, response: &Response<'_>) -> Option<Dialed> {
        let DialStage::Greeting { server, key, initiator, .. } = &mut self.stage else { return None };
        if *server != from {
            return None;
        }
        // A forged answer opens nothing and changes nothing: the true one may still come.
        let (payload, split) = initiator.finish(response.noise).ok()?;
        let parameters = ServerParameters::decode(&payload).ok()?;
        let (sealing, opening) = split.keys(Suite::from_number(parameters.suite)?);
        Some(Dialed::Connected(Contact {
            established: Established { side: Side::Client, remote: parameters.connection_id, sealing, opening },
            server: *server,
            key: *key,
            connection_id: self.connection_id,
            reset_token: parameters.reset_token,
            renewal_secret: parameters.renewal_secret,
            renewed: self.renews.is_some_and(|(remote, _)| remote == parameters.connection_id),
        }))
    }

    /// Time passed.
    pub(super) fn handle_timeout(&mut self, now: Instant, config: &Config, rng: &mut Rng) -> Option<Dialed> {
        if now >= self.give_up_at {
            return Some(Dialed::Unreachable);
        }
        if now < self.next_try_at {
            return None;
        }
        self.tries += 1;
        self.next_try_at = now + PAUSE / 2 + rng::up_to(rng, PAUSE);
        match &self.stage {
            DialStage::Greeting { server, .. } if self.tries <= HELLO_TRIES_MAX => self.due = [*server].into(),
            _ => {
                self.stage = DialStage::Asking;
                self.due = asked(config);
            }
        }
        None
    }

    /// Writes the next datagram; whom it is for, or `None` when there is nothing to send now.
    pub(super) fn poll_transmit(&mut self, out: &mut Vec<u8>) -> Option<SocketAddr> {
        let to = self.due.pop_front()?;
        match &self.stage {
            DialStage::Asking => Hello0 { nonce: self.nonce, send_key: true, versions: [VERSION].to_vec() }.encode(out),
            DialStage::Greeting { hello, .. } => {
                out.clear();
                out.extend_from_slice(hello);
            }
        }
        Some(to)
    }

    pub(super) fn deadline(&self) -> Instant {
        self.next_try_at.min(self.give_up_at)
    }
}

/// A number by which a server is to address a session of ours; zero stands for none.
fn fresh_connection_id(rng: &mut Rng) -> ConnectionId {
    ConnectionId(rng.next_u32().max(1))
}

fn asked(config: &Config) -> VecDeque<SocketAddr> {
    config.servers.iter().copied().take(ASKED_AT_ONCE_MAX).collect()
}

fn on_reject(reject: &Reject, rng: &mut Rng) -> Dialed {
    if reject.code == CloseCode::VERSION {
        return Dialed::Version(Outdated::Unknown);
    }
    let jitter = Duration::from_millis(u64::from(reject.jitter_millis));
    let pause = Duration::from_millis(u64::from(reject.retry_after_millis)) + rng::up_to(rng, jitter);
    // Nobody has proven to have said it: whoever sees our nonce pass by could keep us away for weeks.
    Dialed::Rejected { code: reject.code, retry_in: pause.min(REJECTED_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::from_seed;

    fn pause_after(retry_after_millis: u32, jitter_millis: u32) -> Duration {
        let reject = Reject { to: ConnectionId(1), nonce: [1; 8], code: CloseCode::RATE_LIMITED, retry_after_millis, jitter_millis };
        match on_reject(&reject, &mut from_seed([1; 32])) {
            Dialed::Rejected { retry_in, .. } => retry_in,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_servers_pause_is_kept_and_a_forged_one_is_not_for_ever() {
        assert_eq!(pause_after(2000, 0), Duration::from_secs(2));
        assert!((2000..=4000).contains(&pause_after(2000, 2000).as_millis()));
        for [retry_after, jitter] in [[u32::MAX, 0], [0, u32::MAX], [u32::MAX; 2]] {
            assert!(pause_after(retry_after, jitter) <= REJECTED_MAX);
        }
        assert_eq!(pause_after(u32::MAX, 0), REJECTED_MAX);
    }
}
