//! Connections become signed-in sessions here. Bytes come in from the connections and are decoded once; what the hub decides goes
//! back as bytes for connections, and as jobs for the store and the password thread.

mod allowances;
mod authentication;
mod backpressure;
mod failures;
mod outgoing;
mod password_checks;
mod password_queue;
mod request_loads;
mod signed_in;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use belfry_core::chat::{AccountId, DeviceId, FromClient, MayAsk, NoticeId, RateClass, Refusal, Request, ServerStatus, decode_from_client};
use belfry_core::connection::{Body, DeliveryTag, Tally};
use belfry_core::endpoint::PeerId;
use belfry_core::rng::Rng;
use belfry_core::source::Links;
use belfry_core::time::{Instant, Now};
use belfry_core::wire::{Channel, CloseCode};

pub(crate) use self::signed_in::SignedIn;

use self::authentication::SignInStep;
use self::backpressure::Backlog;
use self::failures::Failures;
use self::password_queue::PasswordQueue;
use self::request_loads::RequestLoads;
use crate::contents::{ContentDone, ContentJob};
use crate::hub::{FileCounts, Headcount, Hub, ReplyTo, Rules, SessionId};
use crate::limits::{ANSWERS_TO_A_STRANGER_MAX, REQUESTS_WAITING_PER_SESSION_MAX, SIGN_IN_WITHIN};
use crate::observe::Observed;
use crate::passwords::PasswordJob;
use crate::store::{Done, Job, JobTicket};

/// Outputs that the queue keeps room for while there are none.
const IDLE_OUTPUTS: usize = 1024;

/// What is to be done for the sessions.
#[derive(Clone, Debug)]
pub(crate) enum Output {
    /// Send a message to a client.
    Send {
        peer: PeerId,
        channel: Channel,
        /// Encoded once, and shared by all who get the same.
        body: Body,
        /// The number of the request that it answers.
        answers: Option<u32>,
    },
    /// End a connection and tell its client why. The session is forgotten already.
    Close { peer: PeerId, why: CloseCode },
    /// Say with [`Sessions::handle_room`] when little waits to be acknowledged on this connection.
    Watch { peer: PeerId },
    /// So many bytes of files may be on their way on this connection.
    FileWindow { peer: PeerId, bytes: u64 },
    /// Hand this to the folder of contents; the answer comes to [`Sessions::handle_content`].
    Content(ContentJob),
    /// Hand this to the store; the answer comes to [`Sessions::handle_done`].
    Store(Job),
    /// Hand this to the password thread; the answer comes to [`Sessions::handle_password`].
    Password(PasswordJob),
}

/// Where a session is.
#[derive(Debug)]
enum SignInState {
    /// Nobody has signed in yet.
    Stranger,
    /// This request is trying to, and has come so far.
    SigningIn(Box<(ReplyTo, SignInStep)>),
    /// This account has.
    Inside(AccountId),
}

/// One client's connection.
#[derive(Debug)]
struct ClientSession {
    peer: PeerId,
    address: SocketAddr,
    state: SignInState,
    /// What matters until somebody has signed in.
    newcomer: Option<Box<Newcomer>>,
}

// There is one for everybody who is here.
const _: () = assert!(size_of::<ClientSession>() <= 64);

/// Somebody who has not signed in yet.
#[derive(Debug)]
struct Newcomer {
    device: DeviceId,
    failures: u32,
    /// Answers that they were given.
    answered: u32,
}

/// Whose password is being checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PasswordOf {
    Session(SessionId),
    Hub(JobTicket),
}

/// Every session, and the hub behind them.
#[derive(Debug)]
pub(crate) struct Sessions {
    hub: Hub,
    /// Boxed, because a map whose keys only grow is half empty.
    sessions: BTreeMap<SessionId, Box<ClientSession>>,
    by_peer: BTreeMap<PeerId, SessionId>,
    loads: RequestLoads,
    last_session: u64,
    sign_in_by: BTreeSet<(Instant, SessionId)>,
    failures: Failures,
    links: Links,
    password_queue: PasswordQueue,
    backlog: Backlog,
    /// What messages are made from.
    tally: Tally,
    rng: Rng,
    observed: Observed,
    outputs: VecDeque<Output>,
}

impl Sessions {
    /// No session, in front of `hub`. `rng` salts new passwords.
    pub(crate) fn new(hub: Hub, rng: Rng) -> Self {
        Self {
            hub,
            sessions: BTreeMap::new(),
            by_peer: BTreeMap::new(),
            loads: RequestLoads::default(),
            last_session: 0,
            sign_in_by: BTreeSet::new(),
            failures: Failures::default(),
            links: Links::default(),
            password_queue: PasswordQueue::default(),
            backlog: Backlog::default(),
            tally: Tally::default(),
            rng,
            observed: Observed::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The server is on these links from now on: failures from there are counted address by address. So much of its disk is free.
    pub(crate) fn set_surroundings(&mut self, links: Links, disk_free_bytes: Option<u64>) {
        self.links = links;
        self.hub.set_disk_free(disk_free_bytes);
    }

    /// The numbers of the transport in the status that is answered next.
    pub(crate) fn set_transport_status(&mut self, status: ServerStatus) {
        self.hub.set_transport_status(status);
    }

    /// Messages are made from this from now on, so that they count until they are acknowledged.
    pub(crate) fn set_tally(&mut self, tally: Tally) {
        self.tally = tally;
    }

    /// So many passwords are handed out at a time.
    pub(crate) const fn set_hashes_at_once(&mut self, at_once: usize) {
        self.password_queue.set_at_once(at_once);
    }

    /// A client has connected, from a device that its handshake has proven. Somebody must sign in within [`SIGN_IN_WITHIN`].
    pub(crate) fn handle_connected(&mut self, now: Now, peer: PeerId, device: DeviceId, address: SocketAddr) {
        self.last_session += 1;
        let session = SessionId(self.last_session);
        self.by_peer.insert(peer, session);
        self.sign_in_by.insert((now.instant + SIGN_IN_WITHIN, session));
        let newcomer = Some(Box::new(Newcomer { device, failures: 0, answered: 0 }));
        let known = ClientSession { peer, address, state: SignInState::Stranger, newcomer };
        self.sessions.insert(session, Box::new(known));
    }

    /// A client has sent a message; so many bytes wait for it to be acknowledged.
    pub(crate) fn handle_message(&mut self, now: Now, peer: PeerId, channel: Channel, body: &[u8], queued: u64) {
        let Some(&session) = self.by_peer.get(&peer) else { return };
        self.note_queued(now, session, queued);
        let newcomer = self.sessions.get(&session).and_then(|known| known.newcomer.as_ref());
        if newcomer.is_some_and(|newcomer| newcomer.answered >= ANSWERS_TO_A_STRANGER_MAX) {
            self.close(now, session, CloseCode::RATE_LIMITED);
            return self.drain(now);
        }
        match decode_from_client(body) {
            Ok(FromClient { id, request }) => {
                let to = ReplyTo { session, id, channel };
                if let Err(refusal) = self.admit(now, to, request) {
                    self.reply(to, Err(refusal));
                }
            }
            Err(error) => {
                if let Some(from) = self.sessions.get(&session).map(|known| known.address) {
                    self.observed.undecodable_message(session, from, &error);
                }
                self.close(now, session, CloseCode::PROTOCOL_VIOLATION);
            }
        }
        self.drain(now);
    }

    /// Lets a request through to the hub or to signing in, or says why not.
    fn admit(&mut self, now: Now, to: ReplyTo, request: Request) -> Result<(), Refusal> {
        let Some(known) = self.sessions.get(&to.session) else { return Ok(()) };
        let account = match known.state {
            SignInState::Stranger => None,
            SignInState::SigningIn(_) if request.rule().may_ask == MayAsk::Stranger => return Err(Refusal::Busy),
            SignInState::SigningIn(_) => None,
            SignInState::Inside(id) => Some(id),
        };
        let role = match account {
            Some(id) => Some(self.hub.account(id).ok_or(Refusal::AccountDisabled)?.role),
            None => None,
        };
        let rule = request.rule();
        rule.may_ask.check(role)?;
        if rule.channel != to.channel {
            return Err(Refusal::BadRequest);
        }
        if !self.loads.of(now.instant, to.session).allowances.take(now.instant, rule.rate, &self.hub.rules().rates) {
            return Err(if rule.rate == RateClass::Post { Refusal::Busy } else { Refusal::TooManyRequests });
        }
        request.check_written()?;
        let to = ReplyTo { channel: request.answer_channel(), ..to };
        match account {
            Some(_) => self.pass_or_park(now, to, request),
            None => {
                self.begin_sign_in(now, to, request);
                Ok(())
            }
        }
    }

    /// Hands a request to the hub, with the role that its person has now.
    fn pass(&mut self, now: Now, to: ReplyTo, request: Request) -> Result<(), Refusal> {
        let Some(known) = self.sessions.get(&to.session) else { return Ok(()) };
        let SignInState::Inside(account) = known.state else { return Err(Refusal::SignInFirst) };
        let role = self.hub.account(account).ok_or(Refusal::AccountDisabled)?.role;
        request.rule().may_ask.check(Some(role))?;
        let load = self.loads.of(now.instant, to.session);
        if load.waiting >= REQUESTS_WAITING_PER_SESSION_MAX {
            return Err(Refusal::Busy);
        }
        load.waiting += 1;
        self.hub.handle(now, &SignedIn::new(account, role), to, request);
        Ok(())
    }

    /// A client's machine has got what was sent with this tag.
    pub(crate) fn handle_delivered(&mut self, now: Now, peer: PeerId, tag: DeliveryTag) {
        if let Some(&session) = self.by_peer.get(&peer) {
            self.hub.delivered(now, session, NoticeId(tag.id), tag.version);
            self.drain(now);
        }
    }

    /// A connection is over.
    pub(crate) fn handle_gone(&mut self, now: Now, peer: PeerId) {
        if let Some(session) = self.by_peer.remove(&peer) {
            self.sessions.remove(&session);
            self.leave_backlog(session);
            self.forget_password_of(session);
            self.hub.ended(now, session);
            self.drain(now);
        }
    }

    /// The store has answered.
    pub(crate) fn handle_done(&mut self, now: Now, done: Done) {
        if matches!(done.result, Err(Refusal::StoreFailed | Refusal::DiskFull)) {
            self.observed.store_failure();
        }
        self.hub.handle_done(now, done);
        self.drain(now);
    }

    /// The folder of contents has answered.
    pub(crate) fn handle_content(&mut self, now: Now, done: ContentDone) {
        self.hub.handle_content(now, done);
        self.drain(now);
    }

    /// Time passed.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        while let Some(&(at, session)) = self.sign_in_by.first()
            && at <= now.instant
        {
            self.sign_in_by.remove(&(at, session));
            match self.sessions.get(&session).map(|known| &**known) {
                Some(ClientSession { state: SignInState::Stranger, address, .. }) => {
                    self.observed.sign_in_awaited_in_vain(session, *address);
                    self.close(now, session, CloseCode::AUTH_REQUIRED);
                }
                // Waiting for us is no fault of theirs.
                Some(ClientSession { state: SignInState::SigningIn(_), .. }) => {
                    self.sign_in_by.insert((now.instant + SIGN_IN_WITHIN, session));
                }
                Some(ClientSession { state: SignInState::Inside(_), .. }) | None => {}
            }
        }
        self.loads.forget_resting(now.instant, &self.hub.rules().rates);
        self.hub.handle_timeout(now);
        self.drain(now);
    }

    /// The server stops: what is to be stored of that follows as jobs.
    pub(crate) fn stop(&mut self, now: Now) {
        self.hub.stop(now);
        self.drain(now);
    }

    /// The rules have changed.
    pub(crate) fn set_rules(&mut self, now: Now, rules: Rules) {
        self.hub.set_rules(now, rules);
        self.drain(now);
    }

    /// The rules have changed while the server runs.
    pub(crate) fn reload_rules(&mut self, now: Now, rules: Rules) {
        self.hub.reload_rules(now, rules);
        self.drain(now);
    }

    /// What to do next, until there is nothing more.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // A storm's room is given back.
            self.outputs.shrink_to(IDLE_OUTPUTS);
        }
        output
    }

    /// [`poll`](Self::poll) would give something.
    pub(crate) fn has_outputs(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn deadline(&self, now: Now) -> Option<Instant> {
        [self.sign_in_by.first().map(|&(at, _)| at), self.loads.deadline(), self.hub.deadline(now)].into_iter().flatten().min()
    }

    /// How many are here.
    pub(crate) fn headcount(&self) -> Headcount {
        self.hub.headcount()
    }

    /// What has happened to files.
    pub(crate) fn file_counts(&self) -> FileCounts {
        self.hub.file_counts()
    }

    /// Counters.
    pub(crate) const fn observed(&self) -> Observed {
        self.observed
    }

    /// A message of ours could not be sent to this connection because its channel does not take it. Whoever asked for it is told so.
    pub(crate) fn note_unsendable(&mut self, peer: PeerId, channel: Channel, answers: Option<u32>) {
        let session = self.by_peer.get(&peer).copied();
        self.observed.unsendable_message(session);
        if let (Some(session), Some(id)) = (session, answers) {
            self.reply(ReplyTo { session, id, channel }, Err(Refusal::TooMany));
        }
    }

    /// Ends a session from this side.
    fn close(&mut self, now: Now, session: SessionId, why: CloseCode) {
        self.forget(session, why);
        self.hub.ended(now, session);
    }

    /// Ends a session that the hub has forgotten or will be told of.
    fn forget(&mut self, session: SessionId, why: CloseCode) {
        if let Some(known) = self.sessions.remove(&session) {
            self.by_peer.remove(&known.peer);
            self.leave_backlog(session);
            self.forget_password_of(session);
            self.outputs.push_back(Output::Close { peer: known.peer, why });
        }
    }
}

#[cfg(test)]
mod tests;
