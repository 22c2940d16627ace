//! Belfry's own clients: core's machine, as the command line and the tray run it, each behind a socket and an address of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;

use belfry_core::chat::{
    AccountName, Answer, Audience, NoticeDraft, Place, Presentity, Receipt, Request, RoomName, SearchText, Severity, Text,
};
use belfry_core::client::{Client, Command, Config, Credentials, Output, Proof, Start, Ticket, Trust, Update};
use belfry_core::crypto::KeyPair;
use belfry_core::net::{UdpSocket, os_seed, quickest_suite};
use belfry_core::rng::from_seed;
use belfry_core::time::Instant;
use mio::event::Source;
use mio::{Interest, Registry, Token};

use super::crowd::{Kind, Line, Tools};
use super::history::Sought;
use super::house::{AUTHOR, name, room};

/// As many hits as a window shows.
const HITS_SHOWN: u32 = 50;

/// What clients do with a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screen {
    /// It reaches the program, and nobody is there.
    Dark,
    /// It is shown at once, and that is reported.
    Lit,
}

/// One client.
pub(super) struct BelfryLine {
    socket: UdpSocket,
    client: Client,
    account: AccountName,
    screen: Screen,
    deadline: Option<Instant>,
    was_connected: bool,
    is_away: bool,
    /// When it looked for something.
    asked: Instant,
}

/// The client of this number, with the key that its account knows. The first one writes notices; the others show them, and look at everybody
/// where windows are shown.
pub(super) fn open(
    server: SocketAddr,
    number: usize,
    device: KeyPair,
    screen: Screen,
    looks: bool,
    now: Instant,
) -> io::Result<BelfryLine> {
    // An address each: admission lets only so many in from one.
    let [_, a, b, c] = u32::try_from(number + 1).unwrap_or(u32::MAX).to_be_bytes();
    let socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::new(127, 1 + a, b, c), 0)))?;
    let account = name(number);
    let config = Config {
        servers: vec![server],
        trust: Trust::FirstUse,
        device,
        credentials: Credentials { account: account.clone(), proof: Proof::Device },
        start: Start::Now,
        shows_notices: number != AUTHOR,
    };
    let mut client = Client::new(config, from_seed(os_seed()?), now);
    client.set_quickest_suite(quickest_suite());
    if looks && number != AUTHOR {
        client.handle_command(now, Command::Watch(vec![Presentity::Everyone]));
    }
    Ok(BelfryLine { socket, client, account, screen, deadline: None, was_connected: false, is_away: false, asked: now })
}

impl BelfryLine {
    /// Does what the machine wants.
    fn drain(&mut self, now: Instant, tools: &mut Tools) {
        self.deadline = loop {
            tools.buffer.clear();
            match self.client.poll(now, &mut tools.buffer) {
                Output::Transmit { to } => {
                    tools.outbox.push(to, &tools.buffer);
                    if tools.outbox.is_full() {
                        self.flush(tools);
                    }
                }
                Output::Update(update) => self.on_update(now, update, tools),
                Output::Wait(until) => break until,
            }
        };
        self.flush(tools);
    }

    fn flush(&self, tools: &mut Tools) {
        let sent = tools.outbox.flush(&self.socket).sent;
        // What the system has no room for is lost, as by a network.
        tools.outbox.clear();
        tools.heard.sent.fetch_add(sent as u64, Ordering::Relaxed);
    }

    fn on_update(&mut self, now: Instant, update: Update, tools: &mut Tools) {
        match update {
            Update::CaughtUp => tools.connected = !std::mem::replace(&mut self.was_connected, true),
            Update::Message { message, .. } if message.from != self.account => tools.heard.deliver(message.text.as_str().as_bytes()),
            Update::Notice(notice) => {
                tools.heard.deliver(notice.body.as_str().as_bytes());
                if self.screen == Screen::Lit {
                    self.client.handle_command(now, Command::Receipt { notice: notice.id, receipt: Receipt::Visible });
                }
            }
            Update::Presence(_) => tools.heard.hear(),
            Update::Posted { .. } => tools.taken += 1,
            Update::Answered { answer: Answer::Found(_), .. } => tools.heard.answer(self.asked),
            Update::Progress { notice, progress } => {
                let people = if self.screen == Screen::Lit { progress.visible } else { progress.reached };
                tools.heard.progress(notice.0, people);
            }
            Update::Refused { refusal, .. } => tools.heard.complain(format!("{} was refused: {refusal}", self.account)),
            Update::Disconnected { .. } if self.was_connected => {
                tools.heard.lost.fetch_add(1, Ordering::Relaxed);
            }
            Update::Failed(failure) => tools.heard.complain(format!("{} has stopped: {failure}", self.account)),
            _ => {}
        }
    }
}

impl Line for BelfryLine {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket.register(registry, token, Interest::READABLE)
    }

    fn ready(&mut self, tools: &mut Tools) {
        let now = tools.heard.now();
        loop {
            let received = tools.inbox.receive(&self.socket);
            for (from, datagram) in tools.inbox.iter_mut() {
                tools.heard.received.fetch_add(1, Ordering::Relaxed);
                self.client.handle_datagram(now, from, datagram);
            }
            match received {
                Ok(received) if !received.drained => {}
                Ok(_) => break,
                Err(error) => break tools.heard.complain(format!("{} cannot receive: {error}", self.account)),
            }
        }
        self.drain(now, tools);
    }

    fn due(&mut self, tools: &mut Tools) {
        let now = tools.heard.now();
        self.client.handle_timeout(now);
        self.drain(now, tools);
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn say(&mut self, kind: Kind, body: &str, tools: &mut Tools) {
        let now = tools.heard.now();
        let text = Text::new(body).expect("digits and letters are text");
        let command = match kind {
            Kind::Chat { room: 0 } => Command::Post { ticket: Ticket(0), to: Place::lobby(), text, reply_to: None },
            Kind::Chat { room: number } => {
                let name = RoomName::new(&room(number)).expect("it was made with this name");
                Command::Post { ticket: Ticket(0), to: Place::Room(name), text, reply_to: None }
            }
            Kind::Notice => {
                let draft = NoticeDraft::new(Severity::Info, text, vec![Audience::Everyone]);
                Command::SendNotice { ticket: Ticket(0), draft }
            }
        };
        self.client.handle_command(now, command);
        self.drain(now, tools);
    }

    fn search(&mut self, sought: Sought, tools: &mut Tools) {
        self.asked = tools.heard.now();
        let text = SearchText::new(sought.text()).expect("it is short");
        let request = Request::Search { text, place: None, before: None, limit: HITS_SHOWN };
        self.client.handle_command(self.asked, Command::Ask { ticket: Ticket(0), request });
        self.drain(self.asked, tools);
    }

    fn stir(&mut self, tools: &mut Tools) {
        let now = tools.heard.now();
        self.is_away = !self.is_away;
        self.client.handle_command(now, Command::Away(self.is_away));
        self.drain(now, tools);
    }
}
