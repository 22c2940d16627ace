//! A client's behaviour that only shows from inside or against a server that says exactly this now.

mod asking;
mod dialing;
mod keys;
mod notices;
mod reconnecting;
mod signing_in;
mod timelines;
mod waiting;

use alloc::collections::VecDeque;
use core::net::SocketAddr;

use super::*;
use crate::chat::{self, AccountName, Answer, Event, FromClient, FromServer, Page, Password, Request, Role, Timeline};
use crate::crypto::KeyPair;
use crate::endpoint::{self, Endpoint, PeerId};
use crate::rng::from_seed;
use crate::time::UnixMillis;
use crate::wire::Channel;

/// A client and a server's end, and a test in place of what is behind that: it answers, or does not.
struct Wire {
    now: Instant,
    client: Client,
    endpoint: Endpoint,
    identity: KeyPair,
    passes: Passes,
    peer: Option<PeerId>,
    /// What the server was asked and the test has not looked at.
    asked: VecDeque<FromClient>,
    /// What the owner was told and the test has not looked at.
    heard: Vec<Update>,
    /// When the client sent which datagram, whether it passed or not.
    sent: Vec<(Instant, Vec<u8>)>,
}

/// What gets through to the server. What it says to the client gets through unless nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passes {
    Everything,
    /// No more than what asks for a cookie, and connections.
    NoHello,
    /// Connections that are there.
    NoHandshake,
    Nothing,
}

impl Passes {
    fn lets(self, datagram: &[u8]) -> bool {
        match datagram::decode(datagram) {
            Ok(Datagram::Hello0(_)) => matches!(self, Self::Everything | Self::NoHello),
            Ok(Datagram::Hello(_)) => self == Self::Everything,
            _ => self != Self::Nothing,
        }
    }
}

const SERVER: ([u8; 4], u16) = ([192, 0, 2, 1], 7411);
const HOME: ([u8; 4], u16) = ([192, 0, 2, 7], 5000);
const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

fn anna() -> AccountName {
    AccountName::new("anna").unwrap()
}

fn password_of_anna() -> Password {
    Password::new("secret enough").unwrap()
}

fn config(register: bool, remember: bool) -> Config {
    Config {
        servers: [SERVER.into()].to_vec(),
        trust: Trust::FirstUse,
        device: KeyPair::generate(&mut from_seed([3; 32])),
        credentials: Credentials { account: anna(), proof: Proof::Password { password: password_of_anna(), register, remember } },
        start: Start::Now,
        shows_notices: true,
    }
}

impl Wire {
    fn new() -> Self {
        Self::with(config(false, false))
    }

    fn with(config: Config) -> Self {
        let now = Instant::from_micros(1_000_000_000);
        let identity = KeyPair::generate(&mut from_seed([6; 32]));
        Self {
            now,
            client: Client::new(config, from_seed([4; 32]), now),
            endpoint: Endpoint::new(endpoint::Config { identity: identity.clone(), retired: Vec::new() }, from_seed([5; 32]), now),
            identity,
            passes: Passes::Everything,
            peer: None,
            asked: VecDeque::new(),
            heard: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// A client that is signed in and in no conversation.
    fn signed_in(config: Config) -> Self {
        let mut wire = Self::with(config);
        wire.run_for(SECOND);
        wire.welcome();
        wire.heard.clear();
        wire.sent.clear();
        wire
    }

    /// Answers whatever was asked to sign in.
    fn welcome(&mut self) -> Request {
        let request =
            self.answer(Ok(Answer::Welcome { account: anna(), role: Role::Member, now: UnixMillis(0), timeline: Timeline::FIRST }));
        self.tell(Channel::Chat, Event::Conversations(Page { entries: Vec::new(), more: false }));
        request
    }

    /// A server that was killed and started again: it knows its identity and nobody's connection.
    fn restart_server(&mut self) {
        let identity = self.identity.clone();
        let config = endpoint::Config { identity, retired: Vec::new() };
        self.endpoint = Endpoint::new(config, from_seed([7; 32]), self.now);
        self.peer = None;
        self.asked.clear();
    }

    fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        let mut out = Vec::new();
        let mut in_vain = 0;
        loop {
            let mut quiet = true;
            let client = loop {
                match self.client.poll(self.now, &mut out) {
                    Output::Update(update) => self.heard.push(update),
                    Output::Transmit { to } => {
                        assert_eq!(to, SocketAddr::from(SERVER));
                        quiet = false;
                        self.sent.push((self.now, out.clone()));
                        if self.passes.lets(&out) {
                            self.endpoint.handle_datagram(self.now, HOME.into(), &mut out);
                        }
                    }
                    Output::Wait(at) => break at,
                }
            };
            let endpoint = loop {
                match self.endpoint.poll(self.now, &mut out) {
                    endpoint::Output::Event(event) => self.on_server_event(event),
                    endpoint::Output::Transmit { .. } => {
                        quiet = false;
                        if self.passes != Passes::Nothing {
                            self.client.handle_datagram(self.now, SERVER.into(), &mut out);
                        }
                    }
                    endpoint::Output::Wait(at) => break at,
                }
            };
            if quiet {
                in_vain = if client.is_some_and(|at| at <= self.now) { in_vain + 1 } else { 0 };
                assert!(in_vain < 10, "the client wants to be woken at once, again and again, and does nothing");
                match [client, endpoint].into_iter().flatten().min().filter(|&at| at <= until) {
                    Some(at) => self.now = self.now.max(at),
                    None => break self.now = until,
                }
                self.endpoint.handle_timeout(self.now);
                self.client.handle_timeout(self.now);
            }
        }
    }

    fn on_server_event(&mut self, event: endpoint::Event) {
        match event {
            endpoint::Event::Connected { peer, .. } => self.peer = Some(peer),
            endpoint::Event::Message { body, .. } => self.asked.push_back(chat::decode_from_client(&body).unwrap()),
            endpoint::Event::Delivered { .. } | endpoint::Event::Room { .. } | endpoint::Event::Gone { .. } => {}
        }
    }

    /// The next thing that the server was asked and that the test has not looked at.
    fn next_asked(&mut self) -> Option<FromClient> {
        self.run_for(MILLI);
        self.asked.pop_front()
    }

    fn all_asked(&mut self) -> Vec<Request> {
        self.run_for(MILLI);
        self.asked.drain(..).map(|asked| asked.request).collect()
    }

    /// Answers the next thing that the server was asked, on the channel where the answer belongs.
    #[track_caller]
    fn answer(&mut self, result: Result<Answer, Refusal>) -> Request {
        let FromClient { id, request } = self.next_asked().expect("something was asked");
        self.say(request.answer_channel(), &FromServer::Reply { id, result });
        request
    }

    fn tell(&mut self, channel: Channel, event: Event) {
        self.say(channel, &FromServer::Event(event));
    }

    fn say(&mut self, channel: Channel, message: &FromServer) {
        let body = chat::encode(message).unwrap();
        self.endpoint.send(self.peer.unwrap(), channel, body.into()).unwrap();
        self.run_for(MILLI);
    }

    fn command(&mut self, command: Command) {
        self.client.handle_command(self.now, command);
        self.run_for(MILLI);
    }

    /// What the owner was told since it was looked at the last time.
    fn news(&mut self) -> Vec<Update> {
        self.run_for(MILLI);
        core::mem::take(&mut self.heard)
    }

    /// The interruptions that the owner was told of.
    fn interruptions(&mut self) -> Vec<(Interruption, Duration)> {
        let interruption = |update| if let Update::Disconnected { why, retry_in } = update { Some((why, retry_in)) } else { None };
        self.news().into_iter().filter_map(interruption).collect()
    }

    /// Somebody in the server's place sends the client this.
    fn forge(&mut self, mut datagram: Vec<u8>) {
        self.client.handle_datagram(self.now, SERVER.into(), &mut datagram);
        self.run_for(MILLI);
    }

    /// When the client asked for cookies, and with which nonces.
    fn asked_for_cookies(&self) -> Vec<(Instant, [u8; 8])> {
        let nonce = |(at, sent): &(Instant, Vec<u8>)| match datagram::decode(sent) {
            Ok(Datagram::Hello0(hello)) => Some((*at, hello.nonce)),
            _ => None,
        };
        self.sent.iter().filter_map(nonce).collect()
    }

    /// The server's word that it does not know the session, as it would say it itself.
    fn no_session(&self) -> Vec<u8> {
        let link = self.client.link.as_ref().unwrap();
        let mut out = Vec::new();
        NoSession { to: link.remote, token: link.reset_token }.encode(&mut out);
        out
    }

    /// The key is old from now on.
    fn age_keys(&mut self) {
        self.client.link.as_mut().unwrap().renew_at = self.now;
    }

    fn wear_keys(&mut self, left: u64) {
        self.client.link.as_mut().unwrap().connection.wear_keys(left);
    }
}

/// Somebody's answer to who asks for a cookie, with a key that is not the server's.
fn strangers_retry(nonce: [u8; 8], version: u16) -> Vec<u8> {
    retry(&KeyPair::generate(&mut from_seed([66; 32])), nonce, version)
}

/// An answer of the server itself.
fn servers_retry(wire: &Wire, nonce: [u8; 8], version: u16) -> Vec<u8> {
    retry(&wire.identity, nonce, version)
}

fn retry(identity: &KeyPair, nonce: [u8; 8], version: u16) -> Vec<u8> {
    let key = identity.public();
    let mut out = Vec::new();
    let retry = datagram::Retry { nonce, cookie: [0; 16], key_ids: [key.id()].to_vec(), key: Some(key.0), versions: [version].to_vec() };
    retry.encode(&mut out);
    out
}

#[test]
fn a_client_that_nobody_has_answered_says_goodbye_at_once() {
    let Wire { now, mut client, .. } = Wire::new();
    client.handle_command(now, Command::Close);
    let mut out = Vec::new();
    assert_eq!(client.poll(now, &mut out), Output::Update(Update::Closed));
}
