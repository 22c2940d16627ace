//! The loop that gives the machine its sockets, its clock and its two threads: sleep until something wakes us, hand it in, do what
//! the machine says, sleep again.

mod routes;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread::{self, Thread};
use std::time::Duration;

use belfry_core::chat::Refusal;
use belfry_core::limits::DATAGRAM_BYTES_MAX;
use belfry_core::net::{Clock, ReceiveBatch, SendBatch, UdpSocket};
use belfry_core::time::{Instant, Now};
use mio::{Events, Interest, Poll, Token, Waker};

use self::routes::Routes;
use crate::contents::{ContentDone, ContentJob, ContentWorker};
use crate::hub::Rules;
use crate::machine::{Input, Machine, Measured, Output};
use crate::observe::Snapshot;
use crate::passwords::{PasswordDone, PasswordWorker};
use crate::store::{self, Job, NotTaken, StoreWorker};
use crate::surroundings::Surroundings;

/// A socket that could not be read is tried again after this long …
const RECEIVE_RETRY: Duration = Duration::from_millis(100);
/// … and is given up after this many failures in a row: ten seconds.
const RECEIVE_FAILURES_MAX: u32 = 100;

/// How long a server that stops waits for a send buffer to have room for its goodbyes.
const GOODBYE_PATIENCE: Duration = Duration::from_millis(200);

/// After a turn of which nothing came, arrivals gather for so long before the loop looks again. What comes then is acknowledgements, a datagram of
/// each who was told something, and to wake up costs more than to take one. Nobody waits longer for it than a timer's step, and whoever rings the bell
/// is heard at once. Windows' step is fifteen of these.
const GATHERING: Option<Duration> = if cfg!(windows) { None } else { Some(Duration::from_millis(1)) };

/// Timers wait for datagrams that have arrived already, one of which may be what a timer waits for, but no longer than this: a flood must not
/// stop them.
const TIMERS_PATIENCE: Duration = Duration::from_millis(10);

/// The events that one sleep brings at most: a socket each and the waker.
const EVENTS_MAX: usize = 64;

/// Everything that can wake the loop. This list is complete.
#[derive(Clone, Copy, Debug)]
enum WakeReason {
    /// The socket of this number may have datagrams.
    Datagrams(usize),
    /// The store may have answered.
    Stored,
    /// The folder of contents may have answered.
    Content,
    /// The password thread may have answered.
    Password,
    /// The machine asked to be woken at this instant.
    Deadline(Instant),
    /// Somebody may have given an order.
    Orders,
}

/// What a running server can be told from outside.
#[derive(Debug)]
pub enum Order {
    /// Stop: everybody is told, and what was handed in is stored.
    Stop,
    /// From now on these rules hold.
    Rules(Rules),
    /// What is around the server has changed.
    Surroundings(Surroundings),
    /// Say how things are.
    Snapshot(SyncSender<Snapshot>),
}

/// Orders that wait to be read: a few readers of metrics, a reload and a stop are all there can be at a time.
pub(crate) const ORDERS_WAITING_MAX: usize = 32;

/// Why the loop ended by itself.
#[derive(Debug)]
pub(crate) enum DriveError {
    /// A socket cannot be read any more.
    Socket {
        /// Where it was bound.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// The store's thread has ended.
    StoreEnded,
    /// The thread of what files hold has ended.
    ContentsEnded,
    /// The operating system cannot wait for us.
    Wait(io::Error),
}

/// What other threads wake the loop with.
#[derive(Clone, Debug)]
pub(crate) struct Bell {
    waker: Arc<Waker>,
    /// The loop's, which may be letting datagrams gather.
    thread: Thread,
}

impl Bell {
    /// A bell for the loop that waits with `poll` on this thread.
    pub(crate) fn new(poll: &Poll) -> io::Result<Self> {
        Ok(Self { waker: Arc::new(Waker::new(poll.registry(), WAKER)?), thread: thread::current() })
    }

    /// Something is ready.
    pub(crate) fn ring(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "the event loop cannot be woken");
        }
        self.thread.unpark();
    }
}

/// Sockets have the tokens before it.
const WAKER: Token = Token(usize::MAX);

/// A socket with what waits on either side of it.
struct BoundSocket {
    socket: UdpSocket,
    address: SocketAddr,
    outbox: SendBatch,
    /// The poll has reported it readable, and it has not been drained since: each change is reported once.
    readable: bool,
    /// The send buffer is full; the poll reports when it is not any more.
    blocked: bool,
    failures: u32,
    retry_at: Option<Instant>,
}

/// The loop and all it holds.
/// The threads that work for the loop.
pub(crate) struct Workers {
    pub(crate) store: StoreWorker,
    pub(crate) contents: ContentWorker,
    pub(crate) passwords: PasswordWorker,
}

/// The loop.
pub(crate) struct EventLoop {
    poll: Poll,
    events: Events,
    orders: Receiver<Order>,
    clock: Clock,
    machine: Machine,
    sockets: Vec<BoundSocket>,
    routes: Routes,
    inbox: ReceiveBatch,
    datagram: Vec<u8>,
    store: StoreWorker,
    /// Jobs that the store has no room for yet. The hub bounds them.
    to_store: VecDeque<Job>,
    contents: ContentWorker,
    passwords: PasswordWorker,
    deadline: Option<Instant>,
    wakes: Vec<WakeReason>,
    /// Of the datagrams and timers of the turn before nothing came: there was nothing to send or to store.
    gathers: bool,
}

impl EventLoop {
    /// A loop that waits for `sockets` and whoever has a bell for `poll`.
    ///
    /// # Errors
    /// When the operating system cannot wait for them.
    pub(crate) fn new(
        poll: Poll,
        orders: Receiver<Order>,
        clock: Clock,
        machine: Machine,
        sockets: Vec<(UdpSocket, SocketAddr)>,
        Workers { store, contents, passwords }: Workers,
    ) -> io::Result<Self> {
        let mut bound = Vec::with_capacity(sockets.len());
        for (index, (mut socket, address)) in sockets.into_iter().enumerate() {
            poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
            // What came before the registration is not reported.
            bound.push(BoundSocket {
                socket,
                address,
                outbox: SendBatch::new(),
                readable: true,
                blocked: false,
                failures: 0,
                retry_at: None,
            });
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS_MAX),
            orders,
            clock,
            machine,
            sockets: bound,
            routes: Routes::default(),
            inbox: ReceiveBatch::new(),
            datagram: Vec::with_capacity(DATAGRAM_BYTES_MAX),
            store,
            to_store: VecDeque::new(),
            contents,
            passwords,
            deadline: None,
            wakes: Vec::new(),
            gathers: false,
        })
    }

    /// Runs until it is ordered to stop and everybody has been told, and everything handed to the store is on the disk.
    ///
    /// # Errors
    /// [`DriveError`]; everybody has been told then, too, as far as that was possible.
    pub(crate) fn run(mut self) -> Result<(), DriveError> {
        let ended = loop {
            match self.turn() {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break Ok(()),
                Err(error) => {
                    let now = self.clock.now();
                    self.machine.handle(now, Input::Stop);
                    let _ = self.drain(now);
                    break Err(error);
                }
            }
        };
        self.say_goodbye();
        self.finish_storing();
        self.store.stop();
        ended
    }

    /// One turn, the last one when the machine has finished.
    fn turn(&mut self) -> Result<ControlFlow<()>, DriveError> {
        self.sleep().map_err(DriveError::Wait)?;
        let now = self.clock.now();
        self.collect_wakes(now.instant);
        let mut wakes = std::mem::take(&mut self.wakes);
        self.gathers = !wakes.is_empty() && wakes.iter().all(|wake| matches!(wake, WakeReason::Datagrams(_) | WakeReason::Deadline(_)));
        for wake in wakes.drain(..) {
            match wake {
                WakeReason::Datagrams(index) => self.receive(now, index)?,
                WakeReason::Stored => self.take_stored(now)?,
                WakeReason::Content => {
                    while let Some(done) = self.contents.try_receive() {
                        self.machine.handle(now, Input::Content(done));
                    }
                    if self.contents.is_stopped() {
                        return Err(DriveError::ContentsEnded);
                    }
                }
                WakeReason::Password => {
                    while let Some(done) = self.passwords.try_receive() {
                        self.machine.handle(now, Input::Password(done));
                    }
                }
                WakeReason::Deadline(at) => {
                    let drained = !self.sockets.iter().any(|bound| bound.readable);
                    if is_time_for_timers(drained, now.instant.since(at)) {
                        self.machine.handle(now, Input::Timeout);
                    }
                }
                WakeReason::Orders => self.follow_orders(now),
            }
        }
        self.wakes = wakes;
        self.drain(now)
    }

    /// Lets what has arrived gather where that is worth it, then waits.
    fn sleep(&mut self) -> io::Result<()> {
        let readable = self.sockets.iter().any(|bound| bound.readable);
        let mut now = self.clock.now().instant;
        if let Some(gathering) = GATHERING
            && self.gathers
            && !readable
            && self.deadline.is_none_or(|at| now < at)
        {
            thread::park_timeout(gathering);
            now = self.clock.now().instant;
        }
        let until = self.sockets.iter().filter_map(|bound| bound.retry_at).chain(self.deadline).min();
        let timeout = if readable { Some(Duration::ZERO) } else { until.map(|at| at.since(now)) };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// What woke us: datagrams first, because one of them may be what a timer is waiting for.
    fn collect_wakes(&mut self, now: Instant) {
        let mut rung = false;
        for event in &self.events {
            rung |= event.token() == WAKER;
            if let Some(bound) = self.sockets.get_mut(event.token().0) {
                bound.readable |= event.is_readable();
                if event.is_writable() && bound.blocked {
                    bound.blocked = false;
                    let _ = self.poll.registry().reregister(&mut bound.socket, event.token(), Interest::READABLE);
                }
            }
        }
        for (index, bound) in self.sockets.iter_mut().enumerate() {
            if bound.retry_at.is_some_and(|at| at <= now) {
                bound.retry_at = None;
                bound.readable = true;
            }
            if bound.readable {
                self.wakes.push(WakeReason::Datagrams(index));
            }
        }
        if rung {
            self.wakes.extend([WakeReason::Stored, WakeReason::Content, WakeReason::Password, WakeReason::Orders]);
        }
        if let Some(at) = self.deadline.take_if(|at| *at <= now) {
            self.wakes.push(WakeReason::Deadline(at));
        }
    }

    fn follow_orders(&mut self, now: Now) {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Stop => self.machine.handle(now, Input::Stop),
                Order::Rules(rules) => self.machine.handle(now, Input::Reload(rules)),
                Order::Surroundings(surroundings) => self.machine.handle(now, Input::Surroundings(surroundings)),
                // Whoever asked may have gone.
                Order::Snapshot(reply) => drop(reply.try_send(self.snapshot())),
            }
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            observed: self.machine.observed(),
            transport: self.machine.transport(),
            headcount: self.machine.headcount(),
            files: self.machine.file_counts(),
            store_latency_micros: self.measured().store_latency_micros,
            disk_free_bytes: self.machine.disk_free_bytes().unwrap_or(0),
            jobs_waiting: (self.store.unanswered() + self.store.reading() + self.to_store.len()) as u64,
        }
    }

    /// Takes one batch from a socket.
    fn receive(&mut self, now: Now, index: usize) -> Result<(), DriveError> {
        let several = self.sockets.len() > 1;
        let Some(bound) = self.sockets.get_mut(index) else { return Ok(()) };
        match self.inbox.receive(&bound.socket) {
            Ok(received) => {
                bound.readable = !received.drained;
                bound.failures = 0;
                for (from, bytes) in self.inbox.iter_mut() {
                    if several {
                        self.routes.note(from, index);
                    }
                    self.machine.handle(now, Input::Datagram { from, bytes });
                }
                Ok(())
            }
            Err(error) if bound.failures < RECEIVE_FAILURES_MAX => {
                bound.failures += 1;
                bound.readable = false;
                bound.retry_at = Some(now.instant + RECEIVE_RETRY);
                if bound.failures == 1 {
                    tracing::warn!(%error, address = %bound.address, "a socket cannot be read; trying again");
                }
                Ok(())
            }
            Err(error) => Err(DriveError::Socket { address: bound.address, error }),
        }
    }

    fn take_stored(&mut self, now: Now) -> Result<(), DriveError> {
        let mut any = false;
        while let Some(done) = self.store.try_recv() {
            any = true;
            self.machine.handle(now, Input::Stored(done));
        }
        if any {
            self.machine.set_measured(self.measured());
        }
        if self.store.is_stopped() { Err(DriveError::StoreEnded) } else { self.feed_store() }
    }

    fn measured(&self) -> Measured {
        Measured {
            receive_buffer_bytes: self.sockets.first().map_or(0, |bound| bound.socket.receive_buffer().granted as u64),
            store_latency_micros: self.store.latency().map_or(0, |latency| u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)),
        }
    }

    /// Hands jobs to the store in their order while it has room.
    fn feed_store(&mut self) -> Result<(), DriveError> {
        while self.store.unanswered() < store::UNANSWERED_MAX
            && let Some(job) = self.to_store.pop_front()
        {
            let ticket = job.ticket;
            match self.store.try_submit(job) {
                Ok(()) => {}
                Err(NotTaken::Stopped) => return Err(DriveError::StoreEnded),
                Err(NotTaken::Full) => {
                    let done = store::Done { ticket, result: Err(Refusal::Busy) };
                    self.machine.handle(self.clock.now(), Input::Stored(done));
                }
            }
        }
        Ok(())
    }

    /// Does what the machine says until it waits or has finished. A store that has ended does not keep the rest from being sent.
    fn drain(&mut self, now: Now) -> Result<ControlFlow<()>, DriveError> {
        let mut fed = Ok(());
        let finished = loop {
            // With its datagram in the hand it would be too late to find that there is no room for it.
            if self.sockets.iter().any(|bound| bound.blocked && bound.outbox.is_full()) {
                break ControlFlow::Continue(());
            }
            let output = self.machine.poll(now, &mut self.datagram);
            self.gathers &= matches!(output, Output::Wait(_));
            match output {
                Output::Transmit { to } => self.transmit(to),
                Output::Store(job) => {
                    self.to_store.push_back(job);
                    fed = fed.and_then(|()| self.feed_store());
                }
                Output::Content(job) => {
                    if let Err(ContentJob { ticket, .. }) = self.contents.try_submit(job) {
                        self.machine.handle(now, Input::Content(ContentDone { ticket, result: Err(Refusal::Busy) }));
                    }
                }
                Output::Password(job) => {
                    let ticket = job.ticket;
                    if self.passwords.try_submit(job).is_err() {
                        self.machine.handle(now, Input::Password(PasswordDone { ticket, result: Err(Refusal::Busy) }));
                    }
                }
                Output::Wait(until) => {
                    self.deadline = until;
                    break ControlFlow::Continue(());
                }
                Output::Finished => break ControlFlow::Break(()),
            }
        };
        for index in 0..self.sockets.len() {
            self.flush(index);
        }
        fed.map(|()| finished)
    }

    fn transmit(&mut self, to: SocketAddr) {
        let known = if self.sockets.len() > 1 { self.routes.find(to) } else { None };
        let index = known.unwrap_or(0);
        if let Some(bound) = self.sockets.get_mut(index) {
            bound.outbox.swap(to, &mut self.datagram);
            if bound.outbox.is_full() {
                self.flush(index);
            }
        }
    }

    fn flush(&mut self, index: usize) {
        let Some(bound) = self.sockets.get_mut(index).filter(|bound| !bound.blocked && !bound.outbox.is_empty()) else { return };
        let report = bound.outbox.flush(&bound.socket);
        if report.skipped > 0 {
            tracing::debug!(datagrams = report.skipped, "the operating system refused datagrams");
        }
        if report.blocked {
            let both = Interest::READABLE | Interest::WRITABLE;
            // Where that fails, the next flush finds out for itself.
            bound.blocked = self.poll.registry().reregister(&mut bound.socket, Token(index), both).is_ok();
        }
    }

    /// Waits a moment for goodbyes that a full send buffer holds up.
    fn say_goodbye(&mut self) {
        let end = self.clock.now().instant + GOODBYE_PATIENCE;
        while self.sockets.iter().any(|bound| !bound.outbox.is_empty()) {
            let now = self.clock.now().instant;
            if now >= end || self.poll.poll(&mut self.events, Some(end.since(now))).is_err() {
                return;
            }
            for index in 0..self.sockets.len() {
                if let Some(bound) = self.sockets.get_mut(index) {
                    bound.blocked = false;
                }
                self.flush(index);
            }
        }
    }

    /// Hands over what the store had no room for. Whoever waits for an answer has been told goodbye; it is on the disk all the same,
    /// and is recognised when it is sent again.
    fn finish_storing(&mut self) {
        while !self.to_store.is_empty() {
            while self.store.try_recv().is_some() {}
            if self.store.is_stopped() || self.feed_store().is_err() {
                return;
            }
            if !self.to_store.is_empty() && self.poll.poll(&mut self.events, Some(RECEIVE_RETRY)).is_err() {
                return;
            }
        }
    }
}

/// Whether timers that are late by so much may fire, or wait until the sockets are drained. The machine asks for them again.
fn is_time_for_timers(drained: bool, late: Duration) -> bool {
    drained || late >= TIMERS_PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_wait_for_what_has_arrived_but_not_for_a_flood() {
        let tick = Duration::from_micros(1);
        for (drained, late, fire) in [
            (true, Duration::ZERO, true),
            (false, Duration::ZERO, false),
            (false, TIMERS_PATIENCE - tick, false),
            (false, TIMERS_PATIENCE, true),
        ] {
            assert_eq!(is_time_for_timers(drained, late), fire, "{drained} {late:?}");
        }
    }
}
