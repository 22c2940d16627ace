//! The thread that gives a client's machine its socket and its clock.

use core::net::SocketAddr;
use core::time::Duration;
use std::fmt;
use std::io;
use std::string::ToString;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread;
use std::vec::Vec;

use mio::{Events, Poll, Token, Waker};

use super::client_socket::ClientSocket;
use super::clock::Clock;
use crate::client::{Client, Command, Config, Output, Update};
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::rng::from_seed;
use crate::time::{Instant, Now};

/// Commands that wait for the thread at one time. The thread never waits for its owner, so a sender that finds the queue full is
/// held up for a moment only; what waits for the *server* is bounded by the machine's outbox.
pub const COMMANDS_WAITING_MAX: usize = 1024;

/// Commands taken in one turn.
const COMMANDS_PER_TURN: usize = 256;

/// Waking up this much later than asked, or finding that the wall clock ran this much further than the monotonic one, means that
/// the computer slept.
const LATENESS_MAX: Duration = Duration::from_secs(5);

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// Starts a client on a thread of its own, and gives the owner's end of both directions.
///
/// Updates wait for the owner without a bound: a bounded queue would hold up acknowledgements and timers of a connection that is
/// fine. What fills it is bounded by what the owner asked for, because history comes a page at a time and on demand; an owner only
/// has to keep reading. The updates end after [`Update::Closed`] or [`Update::Failed`], and so does the thread.
///
/// When the last handle is dropped, or the owner stops listening to updates, the client says goodbye as for [`Command::Close`].
///
/// # Errors
/// The system has no socket, thread or randomness to give.
pub fn spawn(config: Config) -> io::Result<(Handle, Receiver<Update>)> {
    let rng = from_seed(super::os_seed()?);
    start(move |now| {
        let mut client = Client::new(config, rng, now);
        client.set_quickest_suite(super::quickest_suite());
        client
    })
}

/// The owner's way to tell a running client something. Clones speak to the same client.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<SharedHandle>,
}

/// The client has stopped and takes no more commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The connection has ended; connect again.")
    }
}

impl std::error::Error for Stopped {}

impl Handle {
    /// Tells the client something. Commands are taken in the order they were sent.
    ///
    /// # Errors
    /// [`Stopped`]: the client has said its last update, or is about to.
    pub fn send(&self, command: Command) -> Result<(), Stopped> {
        let commands = self.shared.commands.as_ref().ok_or(Stopped)?;
        commands.send(command).map_err(|_| Stopped)?;
        self.shared.waker.wake().map_err(|_| Stopped)
    }
}

/// What all clones of a handle share.
#[derive(Debug)]
struct SharedHandle {
    /// Taken only when the last handle goes.
    commands: Option<SyncSender<Command>>,
    /// The thread holds it too: a waker that is gone before the thread has woken wakes nobody.
    waker: Arc<Waker>,
}

impl Drop for SharedHandle {
    fn drop(&mut self) {
        // In this order: the thread that wakes must find the queue ended.
        self.commands = None;
        let _ = self.waker.wake();
    }
}

/// What the thread needs of a machine: the client's, or a simpler one in a test.
trait DrivenMachine {
    fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]);
    fn handle_timeout(&mut self, now: Instant);
    fn handle_command(&mut self, now: Instant, command: Command);
    fn poll(&mut self, now: Instant, datagram: &mut Vec<u8>) -> Output;
}

impl DrivenMachine for Client {
    fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        self.handle_datagram(now, from, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn handle_command(&mut self, now: Instant, command: Command) {
        self.handle_command(now, command);
    }

    fn poll(&mut self, now: Instant, datagram: &mut Vec<u8>) -> Output {
        self.poll(now, datagram)
    }
}

fn start<M: DrivenMachine + 'static>(machine: impl FnOnce(Instant) -> M + Send + 'static) -> io::Result<(Handle, Receiver<Update>)> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
    let waker_held = Arc::clone(&waker);
    let socket = ClientSocket::open(poll.registry().try_clone()?, SOCKET)?;
    let (commands_in, commands) = sync_channel(COMMANDS_WAITING_MAX);
    let (updates, updates_out) = channel();
    thread::Builder::new().name("belfry-client".to_string()).spawn(move || {
        let clock = Clock::start();
        let machine = machine(clock.now().instant);
        Driver { clock, machine, socket, commands, updates, closing: false, over: false, datagram: Vec::with_capacity(DATAGRAM_BYTES_MAX) }
            .run(poll);
        drop(waker_held);
    })?;
    Ok((Handle { shared: Arc::new(SharedHandle { commands: Some(commands_in), waker }) }, updates_out))
}

/// What the machine wants after one turn.
enum Next {
    /// To be asked on at once.
    More,
    /// Nothing before this instant.
    Wait(Option<Instant>),
}

struct Driver<M> {
    clock: Clock,
    machine: M,
    socket: ClientSocket,
    commands: Receiver<Command>,
    updates: Sender<Update>,
    /// Nobody is there any more, and the machine has been told to close.
    closing: bool,
    /// The machine has said its last update.
    over: bool,
    datagram: Vec<u8>,
}

impl<M: DrivenMachine> Driver<M> {
    /// Turns until the machine is done. A turn takes everything in at one instant, datagrams before timers, so that an
    /// acknowledgement that has arrived is not mistaken for one that is late; then carries out what the machine says.
    fn run(mut self, mut poll: Poll) {
        let mut events = Events::with_capacity(8);
        let mut now = self.clock.now();
        let mut deadline = None;
        loop {
            for (from, datagram) in self.socket.receive(now.instant) {
                self.machine.handle_datagram(now.instant, from, datagram);
            }
            if deadline.is_some_and(|at| at <= now.instant) {
                self.machine.handle_timeout(now.instant);
            }
            let more_commands = self.take_commands(now.instant);
            let next = self.drain(now.instant);
            let until = match next {
                Next::Wait(_) if self.over => return,
                Next::Wait(at) => {
                    deadline = at;
                    if more_commands || self.socket.is_readable() { Some(now.instant) } else { soonest(at, self.socket.reopen_at()) }
                }
                Next::More => Some(now.instant),
            };
            let asleep = self.clock.now();
            match poll.poll(&mut events, until.map(|until| until.since(asleep.instant))) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Without waiting there is no going on; the end of the updates tells the owner.
                Err(_) => return,
            }
            if events.iter().any(|event| event.token() == SOCKET) {
                self.socket.wake();
            }
            now = self.clock.now();
            if slept(asleep, until, now) {
                self.machine.handle_command(now.instant, Command::Wake);
            }
        }
    }

    /// Hands over commands that wait, and says whether there may be more of them.
    fn take_commands(&mut self, now: Instant) -> bool {
        for _ in 0..COMMANDS_PER_TURN {
            match self.commands.try_recv() {
                Ok(command) => self.machine.handle_command(now, command),
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) => {
                    self.close(now);
                    return false;
                }
            }
        }
        true
    }

    fn close(&mut self, now: Instant) {
        if !self.closing {
            self.closing = true;
            self.machine.handle_command(now, Command::Close);
        }
    }

    /// Carries out what the machine says, up to one batch of datagrams.
    fn drain(&mut self, now: Instant) -> Next {
        let next = loop {
            self.datagram.clear();
            match self.machine.poll(now, &mut self.datagram) {
                Output::Transmit { to } => {
                    if self.socket.push(to, &self.datagram) {
                        break Next::More;
                    }
                }
                Output::Update(update) => {
                    self.over |= matches!(update, Update::Closed | Update::Failed(_));
                    if self.updates.send(update).is_err() {
                        self.close(now);
                    }
                }
                Output::Wait(at) => break Next::Wait(at),
            }
        };
        self.socket.flush();
        next
    }
}

fn soonest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

/// Whether the computer slept between falling asleep and waking, when waking was asked for at `until`. Windows' monotonic clock
/// counts sleep, so waking is late; Linux' does not, so the wall clock is ahead. A wall clock that was set looks the same and costs
/// one probe.
fn slept(before: Now, until: Option<Instant>, after: Now) -> bool {
    let late = until.is_some_and(|until| after.instant.since(until.max(before.instant)) > LATENESS_MAX);
    let by_wall = Duration::from_millis(after.wall.0.saturating_sub(before.wall.0));
    late || by_wall > after.instant.since(before.instant) + LATENESS_MAX
}

#[cfg(test)]
mod tests;
