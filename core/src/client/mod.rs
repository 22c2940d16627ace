//! The client's machine: finds the server, proves its identity, signs in, catches up, keeps an outbox, reconnects. No socket.

mod api;
mod converse;
mod dial;
mod positions;
mod requests;
#[cfg(test)]
mod tests;
pub mod transfer;
mod watching;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

pub use api::{Command, Config, Credentials, Failure, Interruption, Knowledge, Mark, Outdated, Proof, Start, Ticket, Trust, Update};
use dial::{Contact, Dialed, Dialer};
use positions::Positions;
use requests::Requests;
use watching::Watching;

use crate::chat::{AccountName, CommonPast, Event, Notice, NoticeId, Refusal, Request, Role, Timeline};
use crate::connection::{self, Connection};
use crate::crypto::{Suite, is_same_token};
use crate::limits::{
    ANSWER_PATIENCE, FILE_WINDOW_BYTES, IDENTITIES_MAX, KEY_LIFE, KEY_RETRY, RECONNECT_MAX, RECONNECT_MIN, VERSION_RETRY_MAX,
    VERSION_RETRY_MIN,
};
use crate::rng::{self, Rng};
use crate::time::Instant;
use crate::wire::CloseCode;
use crate::wire::datagram::{self, ConnectionId, Datagram, NoSession};
use crate::wire::parameters::RenewalSecret;

/// A valid NO_SESSION starts a handshake at most this often: its token may have been overheard.
const REDIAL_AFTER: Duration = Duration::from_secs(10);

/// What the client wants from its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send the datagram in the buffer.
    Transmit {
        /// To here.
        to: SocketAddr,
    },
    /// Take note.
    Update(Update),
    /// Nothing more before this instant, unless something else happens first.
    Wait(Option<Instant>),
}

/// The client's machine.
///
/// After each change ([`Client::handle_datagram`], [`Client::handle_timeout`], [`Client::handle_command`]) its owner calls
/// [`Client::poll`] until it says [`Output::Wait`].
#[derive(Debug)]
pub struct Client {
    config: Config,
    rng: Rng,
    quickest_suite: Suite,
    /// A handshake that is under way.
    dialer: Option<Dialer>,
    /// The connection, if there is one. It stays while a new one is being made.
    link: Option<Link>,
    /// A connection that is over but for its last word.
    parting: Option<Link>,
    /// When to dial next, if neither.
    dial_at: Option<Instant>,
    redialed_at: Option<Instant>,
    /// Attempts in a row that led nowhere, or to a session that was soon over.
    attempts: u32,
    /// When a session will have lasted long enough for the attempts before it to be forgotten.
    steady_at: Option<Instant>,
    /// What the server said of its pause.
    pause: Option<Duration>,
    stop: Option<Stop>,
    /// How often registering was asked for; more than once means that it may have got through without its answer getting back.
    register_tries: u32,
    was_signed_in: bool,
    requests: Requests,
    /// The timeline of everything that has a number and is known here.
    timeline: Option<Timeline>,
    positions: Positions,
    /// Open notices as last told, so that each change is told once.
    notices: BTreeMap<NoticeId, Notice>,
    /// When to ask for a sign of life, because a request has not been answered.
    impatient_at: Option<Instant>,
    /// Receipts that the server was too busy to note: they are given again when pages are asked for again.
    put_off: Vec<Request>,
    /// When to ask for pages again, because the server was busy.
    fetch_at: Option<Instant>,
    /// When to report again which notices have reached this program, because the server could not note it.
    report_at: Option<Instant>,
    /// Nobody is at this computer.
    away: bool,
    watching: Watching,
    /// When to say the next time at the earliest that somebody is writing.
    typing_at: Instant,
    updates: VecDeque<Update>,
}

/// A connection to the server.
#[derive(Debug)]
struct Link {
    connection: Connection,
    server: SocketAddr,
    connection_id: ConnectionId,
    remote: ConnectionId,
    reset_token: [u8; 16],
    renewal_secret: RenewalSecret,
    /// When to make new keys.
    renew_at: Instant,
    /// When that was last tried.
    renewal_tried_at: Option<Instant>,
    signed_in: bool,
    caught_up: bool,
    syncing: bool,
    entrance: Entrance,
    reporting: Reporting,
    /// Blocks of files may come.
    takes_files: bool,
}

/// How the server learns which notices have reached this program: at first from its own word, and once that has been noted, from the
/// transport's acknowledgements alone.
#[derive(Debug, Default)]
struct Reporting {
    state: ReportingState,
    /// Told before acknowledgements count, and not reported yet.
    unreported: BTreeSet<NoticeId>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ReportingState {
    /// What is open has not been told as a whole yet, or the report was refused.
    #[default]
    Silent,
    /// A report is on its way.
    Reporting,
    /// What is acknowledged has reached this program: the server knows that.
    Acknowledging,
}

/// What is kept from the first word of the server until one is signed in: no number means anything before its timeline is known.
#[derive(Debug, Default)]
struct Entrance {
    /// What was told meanwhile: the channels do not wait for each other.
    early: Vec<Event>,
    bytes: usize,
    /// More was told than is kept.
    overflowed: bool,
    /// The server's welcome, which has told of another timeline.
    welcome: Option<Welcome>,
    /// How far is still true what was known, as far as the server has told.
    shared: Vec<CommonPast>,
}

/// What signing in was answered with.
#[derive(Debug)]
struct Welcome {
    account: AccountName,
    role: Role,
    timeline: Timeline,
}

/// The client is stopping or has stopped.
#[derive(Debug)]
enum Stop {
    /// Says goodbye, then tells the owner this.
    Leaving(Box<Update>),
    Stopped,
}

impl Client {
    /// A client that begins to connect at once.
    pub fn new(config: Config, mut rng: Rng, now: Instant) -> Self {
        let positions = Positions::new(config.start.clone());
        let timeline = if let Start::After(known) = &config.start { known.timeline } else { None };
        Self {
            dialer: Some(Dialer::new(&config, now, &mut rng)),
            requests: Requests::new(&mut rng),
            quickest_suite: Suite::default(),
            config,
            rng,
            link: None,
            parting: None,
            dial_at: None,
            redialed_at: None,
            attempts: 0,
            steady_at: None,
            pause: None,
            stop: None,
            register_tries: 0,
            was_signed_in: false,
            timeline,
            positions,
            notices: BTreeMap::new(),
            impatient_at: None,
            put_off: Vec::new(),
            fetch_at: None,
            report_at: None,
            away: false,
            watching: Watching::default(),
            typing_at: now,
            updates: VecDeque::new(),
        }
    }

    /// This cipher is the quickest on this computer; otherwise [`Suite::default`] is taken for it.
    pub const fn set_quickest_suite(&mut self, suite: Suite) {
        self.quickest_suite = suite;
    }

    /// The world sent a datagram. It is decrypted in place.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        match datagram::decode(datagram) {
            Ok(Datagram::Protected(head)) => {
                if let Some(link) = self.link.as_mut().filter(|link| link.connection_id == head.to) {
                    link.connection.handle_datagram(now, head, datagram, &mut self.rng);
                }
            }
            Ok(Datagram::NoSession(no_session)) => self.on_no_session(now, &no_session),
            Ok(other) => {
                let dialed = self
                    .dialer
                    .as_mut()
                    .and_then(|dialer| dialer.handle(now, from, &other, &self.config, self.quickest_suite, &mut self.rng));
                if let Some(dialed) = dialed {
                    self.on_dialed(now, dialed);
                }
            }
            Err(_) => {}
        }
        self.settle(now);
    }

    /// Time passed. All datagrams that arrived until `now` must have been handled before.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(link) = &mut self.link {
            link.connection.handle_timeout(now);
        }
        if self.dial_at.is_some_and(|at| at <= now) {
            self.dial(now);
        }
        self.renew_keys(now);
        if self.report_at.take_if(|at| *at <= now).is_some() {
            self.begin_reporting();
        }
        self.fetch_at.take_if(|at| *at <= now);
        self.updates.extend(self.watching.due_lists(now).map(Update::Lists));
        if self.impatient_at.is_some_and(|at| at <= now) {
            // A server that was restarted has acknowledged the request and forgotten it; asked for a sign of life it says so.
            self.impatient_at = None;
            if let Some(link) = &mut self.link {
                link.connection.ping();
            }
        }
        if let Some(dialed) = self.dialer.as_mut().and_then(|dialer| dialer.handle_timeout(now, &self.config, &mut self.rng)) {
            self.on_dialed(now, dialed);
        }
        self.settle(now);
    }

    /// The owner wants something.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Wake => match &mut self.link {
                Some(link) => link.connection.ping(),
                // Also when an attempt is under way: it may be about to give up, and wait for long.
                None if self.stop.is_none() => {
                    self.attempts = 0;
                    self.dial(now);
                }
                None => {}
            },
            Command::Close => self.leave(now, Update::Closed),
            Command::Typing { to } => self.say_typing(now, to),
            Command::Away(away) => self.set_away(away),
            Command::Watch(whom) => self.watching.set(whom),
            asking => self.ask(asking),
        }
        self.settle(now);
    }

    /// What to do next. Called until it says [`Output::Wait`].
    pub fn poll(&mut self, now: Instant, out: &mut Vec<u8>) -> Output {
        if let Some(update) = self.updates.pop_front() {
            return Output::Update(update);
        }
        if let Some(to) = self.dialer.as_mut().and_then(|dialer| dialer.poll_transmit(out)) {
            return Output::Transmit { to };
        }
        if let Some(mut link) = self.parting.take()
            && link.connection.poll_transmit(now, &mut self.rng, out)
        {
            return Output::Transmit { to: link.server };
        }
        if let Some(link) = &mut self.link
            && link.connection.poll_transmit(now, &mut self.rng, out)
        {
            return Output::Transmit { to: link.server };
        }
        // Saying the last word may have ended it.
        if self.link.as_ref().is_some_and(|link| link.connection.is_over()) {
            self.settle(now);
            if let Some(update) = self.updates.pop_front() {
                return Output::Update(update);
            }
        }
        Output::Wait(self.deadline())
    }

    fn deadline(&self) -> Option<Instant> {
        let connection = self.link.as_ref().and_then(|link| link.connection.next_timeout()).map(|(at, _)| at);
        let dialer = self.dialer.as_ref().map(Dialer::deadline);
        let renewal = self.link.as_ref().filter(|_| self.may_renew_keys()).map(|link| link.renew_at);
        let lists = self.watching.deadline();
        [connection, dialer, self.dial_at, renewal, self.report_at, self.impatient_at, self.fetch_at, lists].into_iter().flatten().min()
    }

    fn dial(&mut self, now: Instant) {
        self.dial_at = None;
        self.dialer = Some(Dialer::new(&self.config, now, &mut self.rng));
    }

    fn on_dialed(&mut self, now: Instant, dialed: Dialed) {
        let is_renewal = self.dialer.take().is_some_and(|dialer| dialer.is_renewal());
        match dialed {
            Dialed::Connected(contact) => self.on_connected(now, contact),
            // New keys can be had later, and nobody outside can end a connection by answering for the server.
            _ if is_renewal => {}
            Dialed::KeyChanged(offered) => self.fail(now, Failure::KeyChanged { offered }),
            // A connection that is still there goes on; it will notice by itself if nobody is at its other end.
            _ if self.link.is_some() => {}
            Dialed::Rejected { code, retry_in } => {
                self.pause = Some(retry_in);
                self.wait(now, Interruption::ClosedByServer(code.0));
            }
            Dialed::Version(outdated) => self.wait(now, Interruption::Version(outdated)),
            Dialed::Unreachable => self.wait(now, Interruption::Unreachable),
        }
    }

    fn on_connected(&mut self, now: Instant, contact: Contact) {
        let Contact { established, server, key, connection_id, reset_token, renewal_secret, renewed } = contact;
        let renew_at = now + self.key_life();
        if let Some(link) = self.link.as_mut().filter(|_| renewed) {
            link.connection.change_keys(now, established.sealing, established.opening);
            (link.renewal_secret, link.renew_at) = (renewal_secret, renew_at);
            return;
        }
        if self.link.take().is_some() {
            self.forget_answers();
            self.updates.push_back(Update::Disconnected { why: Interruption::Restarted, retry_in: Duration::ZERO });
        }
        let first_use = matches!(self.config.trust, Trust::FirstUse);
        // From now on this key and no other, also for a client whose owner remembers nothing.
        self.config.trust = Trust::Pinned([key].to_vec());
        self.updates.push_back(Update::ServerKey { key, first_use });
        let remote = established.remote;
        let connection = Connection::new(established, now, &mut self.rng);
        self.link = Some(Link {
            connection,
            server,
            connection_id,
            remote,
            reset_token,
            renewal_secret,
            renew_at,
            renewal_tried_at: None,
            signed_in: false,
            caught_up: false,
            syncing: false,
            entrance: Entrance::default(),
            reporting: Reporting::default(),
            takes_files: false,
        });
        self.ask_to_sign_in();
    }

    /// Neither a handshake nor a goodbye is under way.
    const fn may_renew_keys(&self) -> bool {
        self.dialer.is_none() && self.stop.is_none()
    }

    /// Starts a handshake for new keys when the old ones are old, or have protected enough.
    fn renew_keys(&mut self, now: Instant) {
        let may_renew = self.may_renew_keys();
        let Some(link) = self.link.as_mut().filter(|_| may_renew) else { return };
        let is_worn = link.connection.wants_new_keys() && link.renewal_tried_at.is_none_or(|at| now.since(at) >= KEY_RETRY);
        if now >= link.renew_at || is_worn {
            (link.renew_at, link.renewal_tried_at) = (now + KEY_RETRY, Some(now));
            self.dialer = Some(Dialer::renewing(&self.config, link.connection_id, (link.remote, link.renewal_secret), now, &mut self.rng));
        }
    }

    /// The life of a key: an hour, give or take a tenth, so that clients that came together do not renew together.
    fn key_life(&mut self) -> Duration {
        KEY_LIFE * 9 / 10 + rng::up_to(&mut self.rng, KEY_LIFE / 5)
    }

    fn on_no_session(&mut self, now: Instant, no_session: &NoSession) {
        let Some(link) = &self.link else { return };
        if link.remote != no_session.to || !is_same_token(&link.reset_token, &no_session.token) {
            return;
        }
        if matches!(self.stop, Some(Stop::Leaving(_))) {
            self.link = None;
            self.finish();
        } else if self.dialer.is_none() && self.redialed_at.is_none_or(|at| now.since(at) >= REDIAL_AFTER) {
            self.redialed_at = Some(now);
            self.dial(now);
        }
    }

    /// Deals with what the connection has to say, then gives it what waits to be asked.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.link.as_mut().and_then(|link| link.connection.poll_event()) {
            self.on_event(now, event);
        }
        if self.stop.is_some() {
            return;
        }
        self.catch_up();
        if let Some(link) = &mut self.link {
            while let Some((channel, body)) = self.requests.next(link.signed_in) {
                // Gone means that the connection is closing: everything is asked again on the next.
                if link.connection.send(channel, body.into()).is_err() {
                    break;
                }
            }
            if link.takes_files != self.requests.awaits_files() {
                link.takes_files = self.requests.awaits_files();
                link.connection.set_file_window(if link.takes_files { FILE_WINDOW_BYTES } else { 0 });
            }
        }
        self.watch_answers(now);
    }

    /// Sees to it that nobody waits for an answer from a server that does not know the question any more.
    fn watch_answers(&mut self, now: Instant) {
        if self.link.is_none() || !self.requests.is_waiting() {
            self.impatient_at = None;
        } else if self.impatient_at.is_none() {
            self.impatient_at = Some(now + ANSWER_PATIENCE);
        }
    }

    fn on_event(&mut self, now: Instant, event: connection::Event) {
        match event {
            connection::Event::Message { channel, body, .. } => self.on_message(now, channel, &body),
            // A client asks to be told of nothing.
            connection::Event::Delivered(_) => {}
            connection::Event::Resync(channel) => self.on_resync(channel),
            connection::Event::GoAway { retry_after, jitter } => {
                self.pause = Some(retry_after + rng::up_to(&mut self.rng, jitter));
            }
            connection::Event::KeyAnnounced(key) => {
                if let Trust::Pinned(keys) = &mut self.config.trust {
                    keys.retain(|known| *known != key);
                    keys.insert(0, key);
                    keys.truncate(IDENTITIES_MAX);
                }
                self.updates.push_back(Update::NewServerKey { key });
            }
            connection::Event::Silent => self.on_link_lost(now, Interruption::Silent),
            connection::Event::Closed(code) => match code {
                CloseCode::REPLACED => self.on_dismissed(now, Failure::Replaced),
                CloseCode::USER_LOCKED => self.on_dismissed(now, Failure::Expelled),
                CloseCode::DEVICE_REVOKED => self.on_dismissed(now, Failure::Revoked),
                CloseCode::PASSWORD_CHANGED => self.on_dismissed(now, Failure::PasswordChanged),
                CloseCode::VERSION => self.on_link_lost(now, Interruption::Version(Outdated::Unknown)),
                CloseCode::GOING_AWAY => self.on_link_lost(now, Interruption::GoingAway),
                other => self.on_link_lost(now, Interruption::ClosedByServer(other.0)),
            },
            connection::Event::Ended => {
                if self.stop.is_none() {
                    self.on_link_lost(now, Interruption::Silent);
                }
                self.link = None;
                self.finish();
            }
        }
    }

    fn on_link_lost(&mut self, now: Instant, why: Interruption) {
        self.parting = self.link.take();
        self.forget_answers();
        // The server may still have the session and renew its keys: none of its numbers would be those of a connection that begins.
        self.dialer.take_if(|dialer| dialer.is_renewal());
        if matches!(self.stop, Some(Stop::Leaving(_))) {
            self.finish();
        } else if self.stop.is_none() && self.dialer.is_none() {
            self.wait(now, why);
        } else if self.stop.is_none() {
            self.updates.push_back(Update::Disconnected { why, retry_in: Duration::ZERO });
        }
    }

    /// Waits before the next attempt: for as long as the server asked, longer and longer, or until somebody may have updated something.
    fn wait(&mut self, now: Instant, why: Interruption) {
        if self.steady_at.take().is_some_and(|at| at <= now) {
            self.attempts = 0;
        }
        let longest = RECONNECT_MIN.saturating_mul(1 << self.attempts.min(16)).min(RECONNECT_MAX);
        let retry_in = match (self.pause.take(), why) {
            (_, Interruption::Version(_)) => VERSION_RETRY_MIN + rng::up_to(&mut self.rng, VERSION_RETRY_MAX - VERSION_RETRY_MIN),
            (Some(pause), _) => pause,
            // It was there a moment ago: ask at once, then less and less often.
            (None, Interruption::Silent) if self.attempts == 0 => Duration::ZERO,
            (None, _) => rng::up_to(&mut self.rng, longest),
        };
        self.attempts = self.attempts.saturating_add(1);
        self.dial_at = Some(now + retry_in);
        self.updates.push_back(Update::Disconnected { why, retry_in });
    }

    fn forget_answers(&mut self) {
        self.positions.on_disconnected();
        self.watching.end();
        self.fetch_at = None;
        for asked in self.requests.on_lost(None) {
            if let requests::Origin::Owner(ticket) = asked.origin {
                self.updates.push_back(Update::Lost { ticket });
            }
        }
    }

    /// The server has said goodbye for good. Its goodbye is no end that a goodbye of our own would wait for.
    fn on_dismissed(&mut self, now: Instant, failure: Failure) {
        self.parting = self.link.take();
        self.forget_answers();
        self.fail(now, failure);
    }

    fn fail(&mut self, now: Instant, failure: Failure) {
        self.leave(now, Update::Failed(failure));
    }

    /// Says goodbye if anybody hears it, then stops with this as the last word to the owner.
    fn leave(&mut self, now: Instant, last: Update) {
        if self.stop.is_some() {
            return;
        }
        self.stop = Some(Stop::Leaving(Box::new(last)));
        self.dialer = None;
        self.dial_at = None;
        match &mut self.link {
            Some(link) => link.connection.close(now, CloseCode::NO_ERROR),
            None => self.finish(),
        }
    }

    fn finish(&mut self) {
        if let Some(Stop::Leaving(last)) = self.stop.take() {
            self.updates.push_back(*last);
            self.stop = Some(Stop::Stopped);
        }
    }

    fn ask_to_sign_in(&mut self) {
        let Credentials { account, proof } = self.config.credentials.clone();
        let request = match proof {
            Proof::Password { password, register: true, remember } => {
                self.register_tries += 1;
                Request::Register { account, password, remember }
            }
            Proof::Password { password, register: false, remember } => Request::SignIn { account, password, remember },
            Proof::Device => Request::SignInByDevice { account },
        };
        self.requests.push(request, requests::Origin::SignIn);
    }

    /// Whether a refusal to sign in may be over soon, so that one who was signed in before should try again.
    fn is_passing(refusal: Refusal) -> bool {
        matches!(refusal, Refusal::Busy | Refusal::TooManyRequests | Refusal::StoreFailed | Refusal::DiskFull)
    }
}
