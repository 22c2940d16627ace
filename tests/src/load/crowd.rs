//! Many clients on one thread: their sockets, their timers, what they are told to say.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use belfry_core::net::{ReceiveBatch, SendBatch};
use belfry_core::time::Instant;
use mio::{Events, Poll, Registry, Token, Waker};

use super::heard::Heard;
use super::history::Sought;

/// The token of what wakes a thread that waits; clients have the numbers from 0.
const WAKER: Token = Token(usize::MAX);

/// A thread looks for orders at least this often.
const NAP_MAX: Duration = Duration::from_millis(500);

/// Clients opened in one turn, between which those that are open are attended.
const OPENED_PER_TURN: usize = 64;

/// What a client says, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message to a room of this number.
    Chat { room: usize },
    /// A notice to everybody.
    Notice,
}

/// A client that says one thing after the other, as fast as it is told that they have been taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Talk {
    pub(super) kind: Kind,
    pub(super) bytes: usize,
    /// Messages that may be unacknowledged at one time.
    pub(super) window: u64,
    /// Messages still to be said.
    pub(super) left: u64,
    /// Nothing more is said from then on.
    pub(super) until: Instant,
}

/// What a thread of clients is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// Connect the clients of these numbers, counted in such steps.
    Connect { first: usize, end: usize, step: usize },
    /// A client says one message of so many bytes.
    Say { who: usize, kind: Kind, bytes: usize },
    /// A client says one message after the other.
    Talk { who: usize, talk: Talk },
    /// A client looks for something; only those of Belfry can.
    Search { who: usize, sought: Sought },
    /// Nobody is at a client's computer any more, or somebody is again; only those of Belfry tell.
    Stir { who: usize },
}

/// Clients of one peer on one thread.
pub(super) trait Crowd {
    /// Does what it is told.
    fn obey(&mut self, order: Order);
    /// Waits at most so long for something to come, and attends to it.
    fn turn(&mut self, at_most: Duration);
}

/// Wakes a thread of clients that waits.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// A thread of clients, from outside. It ends when this is dropped.
pub(super) struct CrowdThread {
    orders: Option<Sender<Order>>,
    wake: Wake,
    thread: Option<JoinHandle<()>>,
}

impl CrowdThread {
    /// Starts it with a crowd that is made there.
    pub(super) fn start<C: Crowd>(wake: Wake, make: impl FnOnce() -> C + Send + 'static) -> io::Result<Self> {
        let (sender, orders) = channel();
        let thread = thread::Builder::new().name("clients".to_owned()).spawn(move || attend(make(), &orders))?;
        Ok(Self { orders: Some(sender), wake, thread: Some(thread) })
    }

    pub(super) fn tell(&self, order: Order) {
        if let Some(orders) = &self.orders {
            orders.send(order).expect("clients go on until they are dropped");
            (self.wake)();
        }
    }
}

impl Drop for CrowdThread {
    fn drop(&mut self) {
        self.orders = None;
        (self.wake)();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn attend(mut crowd: impl Crowd, orders: &Receiver<Order>) {
    loop {
        loop {
            match orders.try_recv() {
                Ok(order) => crowd.obey(order),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
        }
        crowd.turn(NAP_MAX);
    }
}

/// Those who talk on, by their number.
#[derive(Default)]
pub(super) struct Talks {
    talks: BTreeMap<usize, Talk>,
}

impl Talks {
    /// One begins: what it says at once.
    pub(super) fn begin(&mut self, who: usize, mut talk: Talk) -> Option<(Talk, u64)> {
        let first = talk.window.min(talk.left);
        talk.left -= first;
        self.talks.insert(who, talk);
        Some((talk, first))
    }

    /// So many of its messages were taken: what it says now.
    pub(super) fn go_on(&mut self, who: usize, taken: u64, now: Instant) -> Option<(Talk, u64)> {
        let talk = self.talks.get_mut(&who)?;
        if now >= talk.until {
            talk.left = 0;
        }
        let next = taken.min(talk.left);
        talk.left -= next;
        (next > 0).then_some((*talk, next))
    }
}

/// What the clients of a thread share.
pub(super) struct Tools {
    pub(super) heard: Arc<Heard>,
    pub(super) inbox: ReceiveBatch,
    pub(super) outbox: SendBatch,
    pub(super) buffer: Vec<u8>,
    /// Messages of the client that is attended to which were taken.
    pub(super) taken: u64,
    /// It has become connected.
    pub(super) connected: bool,
}

/// One client over a socket of its own.
pub(super) trait Line {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()>;
    /// Its socket has something, or room for something.
    fn ready(&mut self, tools: &mut Tools);
    /// Its deadline is over.
    fn due(&mut self, tools: &mut Tools);
    /// When it wants to be asked although nothing has come.
    fn deadline(&self) -> Option<Instant>;
    fn say(&mut self, kind: Kind, body: &str, tools: &mut Tools);
    fn search(&mut self, sought: Sought, tools: &mut Tools) {
        tools.heard.complain(format!("nobody here can look for anything, nor for a {sought:?} text"));
    }
    fn stir(&mut self, tools: &mut Tools) {
        tools.heard.complain("nobody here tells whether somebody is at the computer".to_owned());
    }
}

/// Makes the client of this number.
pub(super) type Open<L> = Box<dyn FnMut(usize) -> io::Result<L> + Send>;

/// A crowd of [`Line`]s.
pub(super) struct Lines<L> {
    poll: Poll,
    events: Events,
    open: Open<L>,
    /// By the client's number.
    lines: BTreeMap<usize, L>,
    deadlines: BTreeSet<(Instant, usize)>,
    /// The deadline of each line as it stands there.
    noted: BTreeMap<usize, Instant>,
    /// Clients to be opened.
    waiting: VecDeque<usize>,
    /// Clients that are open and not connected.
    connecting: usize,
    /// … of which there may be so many.
    connecting_max: usize,
    talks: Talks,
    tools: Tools,
}

impl<L: Line + 'static> Lines<L> {
    /// Starts a thread with such clients, of which so many may be about to connect at one time.
    pub(super) fn start(heard: Arc<Heard>, connecting_max: usize, open: Open<L>) -> io::Result<CrowdThread> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let wake: Wake = Arc::new(move || {
            let _ = waker.wake();
        });
        CrowdThread::start(wake, move || Self {
            poll,
            events: Events::with_capacity(1024),
            open,
            lines: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            noted: BTreeMap::new(),
            waiting: VecDeque::new(),
            connecting: 0,
            connecting_max,
            talks: Talks::default(),
            tools: Tools {
                heard,
                inbox: ReceiveBatch::new(),
                outbox: SendBatch::new(),
                buffer: vec![0; 64 * 1024],
                taken: 0,
                connected: false,
            },
        })
    }

    fn open_some(&mut self) {
        for _ in 0..OPENED_PER_TURN {
            if self.connecting >= self.connecting_max {
                return;
            }
            let Some(who) = self.waiting.pop_front() else { return };
            let opened = (self.open)(who).and_then(|mut line| line.register(self.poll.registry(), Token(who)).map(|()| line));
            match opened {
                Ok(line) => {
                    self.connecting += 1;
                    self.lines.insert(who, line);
                    self.with(who, |line, tools| line.due(tools));
                }
                Err(error) => self.tools.heard.complain(format!("client {who} has no socket: {error}")),
            }
        }
    }

    /// Lets a client do something, and sees to what comes of it.
    fn with(&mut self, who: usize, act: impl FnOnce(&mut L, &mut Tools)) {
        let Some(line) = self.lines.get_mut(&who) else { return };
        act(line, &mut self.tools);
        if std::mem::take(&mut self.tools.connected) {
            self.connecting = self.connecting.saturating_sub(1);
            self.tools.heard.connected.fetch_add(1, Ordering::Release);
        }
        let taken = std::mem::take(&mut self.tools.taken);
        let deadline = line.deadline();
        if self.noted.get(&who).copied() != deadline {
            if let Some(before) = self.noted.remove(&who) {
                self.deadlines.remove(&(before, who));
            }
            if let Some(at) = deadline {
                self.noted.insert(who, at);
                self.deadlines.insert((at, who));
            }
        }
        if taken > 0 {
            self.tools.heard.acknowledged.fetch_add(taken, Ordering::Release);
            let next = self.talks.go_on(who, taken, self.tools.heard.now());
            self.talk(who, next);
        }
    }

    fn talk(&mut self, who: usize, next: Option<(Talk, u64)>) {
        let Some((talk, messages)) = next else { return };
        self.with(who, |line, tools| {
            for _ in 0..messages {
                let body = tools.heard.stamped(talk.bytes);
                line.say(talk.kind, &body, tools);
            }
        });
    }
}

impl<L: Line + 'static> Crowd for Lines<L> {
    fn obey(&mut self, order: Order) {
        match order {
            Order::Connect { first, end, step } => self.waiting.extend((first..end).step_by(step)),
            Order::Say { who, kind, bytes } => self.with(who, |line, tools| {
                let body = tools.heard.stamped(bytes);
                line.say(kind, &body, tools);
            }),
            Order::Talk { who, talk } => {
                let first = self.talks.begin(who, talk);
                self.talk(who, first);
            }
            Order::Search { who, sought } => self.with(who, |line, tools| line.search(sought, tools)),
            Order::Stir { who } => self.with(who, |line, tools| line.stir(tools)),
        }
    }

    fn turn(&mut self, at_most: Duration) {
        self.open_some();
        let may_open = !self.waiting.is_empty() && self.connecting < self.connecting_max;
        let soonest = self.deadlines.first().map(|&(at, _)| at.since(self.tools.heard.now()));
        let wait = if may_open { Duration::ZERO } else { soonest.map_or(at_most, |wait| wait.min(at_most)) };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Err(error) => return self.tools.heard.complain(format!("nothing can be waited for: {error}")),
        }
        let woken: Vec<_> = self.events.iter().map(|event| event.token()).filter(|&token| token != WAKER).collect();
        for Token(who) in woken {
            self.with(who, |line, tools| line.ready(tools));
        }
        let now = self.tools.heard.now();
        while let Some(&(at, who)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            self.deadlines.remove(&(at, who));
            self.noted.remove(&who);
            self.with(who, |line, tools| line.due(tools));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Instant = Instant::from_micros(1000);

    fn talk(left: u64, window: u64) -> Talk {
        Talk { kind: Kind::Chat { room: 0 }, bytes: 120, window, left, until: AT }
    }

    fn said(next: Option<(Talk, u64)>) -> u64 {
        next.map_or(0, |(_, messages)| messages)
    }

    #[test]
    fn whoever_talks_has_no_more_unacknowledged_than_the_window_and_says_no_more_than_asked() {
        let mut talks = Talks::default();
        assert_eq!(said(talks.begin(7, talk(5, 3))), 3);
        assert_eq!(said(talks.go_on(7, 1, Instant::START)), 1);
        assert_eq!(said(talks.go_on(7, 3, Instant::START)), 1);
        assert_eq!(said(talks.go_on(7, 1, Instant::START)), 0);
        assert_eq!(said(talks.go_on(8, 1, Instant::START)), 0);
    }

    #[test]
    fn whoever_talks_falls_silent_when_the_time_is_over() {
        let mut talks = Talks::default();
        assert_eq!(said(talks.begin(7, talk(5, 1))), 1);
        assert_eq!(said(talks.go_on(7, 1, AT)), 0);
        assert_eq!(said(talks.go_on(7, 1, Instant::START)), 0);
    }
}
