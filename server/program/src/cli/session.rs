//! One person's connection while a command runs: connect, sign in, ask and wait.
//!
//! The only place that turns what the client's machine reports into answers, sentences and exit codes.

use belfry_core::net::InWords;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use belfry_core::chat::{AccountName, Answer, Refusal, Request, Seq};
use belfry_core::client::{self, Command, Credentials, Failure, Interruption, Proof, Start, Ticket, Update};
use belfry_core::crypto::KeyPair;
use belfry_core::net::{self, Handle};
use belfry_core::rng;

use super::password;
use super::pin::{Pin, server_name};
use crate::config::{ConnectionArgs, Login, PasswordSurroundings};
use crate::ending::{Ending, Outcome};

/// How long a connected server may take over one answer: a page from the disk or a password hash takes much less.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait for the goodbye to be said; the server notices a silent leaving by itself, only later.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(1);

/// Everything that can wake a command.
#[derive(Debug)]
pub(crate) enum Wake {
    /// The client's machine has something to say.
    Update(Update),
    /// The network thread has ended.
    NetworkEnded,
    /// Ctrl+C or a polite kill.
    Interrupted,
    /// A line was typed or read; its bytes may be anything.
    Line(Vec<u8>),
    /// A line was interrupted; it has not been handed in and can be had back.
    LineKept,
    /// Something was typed that is not UTF-8; the line is not handed in yet.
    Unreadable,
    /// No more lines come.
    InputEnded,
    /// Lines cannot be read.
    InputFailed(std::io::Error),
    /// Nobody reads standard output any more, or it cannot be written.
    OutputFailed(Ending),
}

/// One person's connection.
#[derive(Debug)]
pub(crate) struct Session {
    handle: Handle,
    wakes: Receiver<Wake>,
    waker: Sender<Wake>,
    server: String,
    pin: Pin,
    tickets: u64,
    patience: Option<Duration>,
    give_up_at: Option<Instant>,
    connected: bool,
    answer_patience: Duration,
    interruption: Option<Interruption>,
    /// Why the client has stopped.
    ended: Option<Ending>,
    account: AccountName,
    /// The account was disabled, or the session ended, by an administrator.
    put_out: bool,
}

/// Signs in, does `work`, and says goodbye however the work ended.
///
/// # Errors
/// Wrong usage, no connection, a refused signing in, or what the work comes to.
pub(crate) fn with<T>(args: &ConnectionArgs, work: impl FnOnce(&mut Session) -> Outcome<T>) -> Outcome<T> {
    signed_in(args, false, || Ok(()), |session, ()| work(session))
}

/// The same for a command that reads something before it connects, from standard input perhaps: behind the password, which is its first
/// line where `--password-stdin` says so.
///
/// # Errors
/// As for [`with`], and what the reading comes to.
pub(crate) fn with_input<I, T>(
    args: &ConnectionArgs,
    input: impl FnOnce() -> Outcome<I>,
    work: impl FnOnce(&mut Session, I) -> Outcome<T>,
) -> Outcome<T> {
    signed_in(args, false, input, work)
}

/// The same for a command that shows notices to a person, so that the ledger may say that they have arrived.
///
/// # Errors
/// As for [`with`].
pub(crate) fn with_notices<T>(args: &ConnectionArgs, work: impl FnOnce(&mut Session) -> Outcome<T>) -> Outcome<T> {
    signed_in(args, true, || Ok(()), |session, ()| work(session))
}

fn signed_in<I, T>(
    args: &ConnectionArgs,
    shows_notices: bool,
    input: impl FnOnce() -> Outcome<I>,
    work: impl FnOnce(&mut Session, I) -> Outcome<T>,
) -> Outcome<T> {
    let connection = understand(args)?;
    let pin = Pin::read(&connection)?;
    let password = password::own(connection.password.clone(), connection.user.as_str())?;
    let credentials =
        Credentials { account: connection.user.clone(), proof: Proof::Password { password, register: false, remember: false } };
    let input = input()?;
    Session::connect(&connection, pin, credentials, shows_notices)?.conclude(|session| work(session, input))
}

/// The same for an account that is made first.
///
/// # Errors
/// As for [`with`].
pub(crate) fn with_new_account<T>(args: &ConnectionArgs, work: impl FnOnce(&mut Session) -> Outcome<T>) -> Outcome<T> {
    let connection = understand(args)?;
    // A name that is there may be one that nobody is given today.
    AccountName::new(connection.user.as_str()).map_err(Ending::usage)?;
    let pin = Pin::read(&connection)?;
    let password = password::new(connection.password.clone(), connection.user.as_str())?;
    let credentials =
        Credentials { account: connection.user.clone(), proof: Proof::Password { password, register: true, remember: false } };
    Session::connect(&connection, pin, credentials, false)?.conclude(work)
}

fn understand(args: &ConnectionArgs) -> Outcome<Login> {
    args.understand(&PasswordSurroundings::read("BELFRY_PASSWORD"))
}

impl Session {
    fn connect(connection: &Login, pin: Pin, credentials: Credentials, shows_notices: bool) -> Outcome<Self> {
        let server = server_name(connection);
        let servers = connection.server.resolve().map_err(|error| {
            Ending::unreachable(format_args!(
                "The server at {server} cannot be found: {}. Check the name, or give the address.",
                InWords(&error)
            ))
        })?;
        // A key of its own for every process: two commands of one person at the same time must not replace each other.
        let seed =
            net::os_seed().map_err(|error| Ending::refused(format_args!("This computer gives no random numbers: {}.", InWords(&error))))?;
        let device = KeyPair::generate(&mut rng::from_seed(seed));
        let account = credentials.account.clone();
        let config = client::Config { servers, trust: pin.trust(), device, credentials, start: Start::Now, shows_notices };
        let (handle, updates) = net::spawn(config)
            .map_err(|error| Ending::unreachable(format_args!("No network socket could be opened: {}.", InWords(&error))))?;
        let (waker, wakes) = mpsc::channel();
        forward(updates, waker.clone());
        let mut session = Self {
            handle,
            wakes,
            waker,
            server,
            pin,
            tickets: 0,
            patience: Some(connection.patience),
            give_up_at: Some(Instant::now() + connection.patience),
            connected: false,
            answer_patience: ANSWER_PATIENCE,
            interruption: None,
            ended: None,
            account,
            put_out: false,
        };
        session.wait(None, |update| matches!(update, Update::SignedIn { .. }).then_some(()), |_| {})?;
        Ok(session)
    }

    fn conclude<T>(mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        let outcome = work(&mut self);
        self.close();
        outcome
    }

    /// The account as the server writes its name.
    pub(crate) const fn account(&self) -> &AccountName {
        &self.account
    }

    /// Waits out lost connections from now on, however long they last.
    pub(crate) const fn wait_out_interruptions(&mut self) {
        self.patience = None;
        self.give_up_at = None;
    }

    /// Gives up earlier on an answer that does not come.
    pub(crate) const fn expect_answers_within(&mut self, patience: Duration) {
        self.answer_patience = patience;
    }

    /// How long an answer may take.
    pub(crate) const fn answers_within(&self) -> Duration {
        self.answer_patience
    }

    /// Signed in, and the connection is not lost.
    pub(crate) const fn is_connected(&self) -> bool {
        self.connected
    }

    /// The client has stopped; nothing can be asked any more.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// An administrator, oneself perhaps, has disabled the account.
    pub(crate) const fn was_put_out(&self) -> bool {
        self.put_out
    }

    /// For other threads, to wake this one.
    pub(crate) fn waker(&self) -> Sender<Wake> {
        self.waker.clone()
    }

    /// Makes Ctrl+C and a polite kill arrive as [`Wake::Interrupted`] instead of ending the process.
    pub(crate) fn catch_interrupts(&self) -> Outcome {
        self.catch_interrupts_and(|| {})
    }

    /// The same, and does `also` at once, on a thread of its own.
    pub(crate) fn catch_interrupts_and(&self, also: impl Fn() + Send + 'static) -> Outcome {
        let waker = self.waker();
        ctrlc::set_handler(move || {
            also();
            let _ = waker.send(Wake::Interrupted);
        })
        .map_err(|error| Ending::refused(format_args!("Ctrl+C cannot be caught: {error}.")))
    }

    /// A number for the next thing that is asked.
    pub(crate) const fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// Hands the client's machine a command.
    pub(crate) fn send(&mut self, command: Command) -> Outcome {
        if self.handle.send(command).is_ok() {
            return Ok(());
        }
        // The client has stopped: its last update, which is on its way, says why.
        let until = Instant::now() + GOODBYE_PATIENCE;
        while self.next(Some(until))?.is_some() {}
        Err(self.network_ended())
    }

    /// Asks and waits for the answer.
    pub(crate) fn ask(&mut self, request: Request) -> Outcome<Answer> {
        self.ask_meanwhile(request, |_| {})
    }

    /// Asks for something that is only done, and waits until it is.
    pub(crate) fn ask_done(&mut self, request: Request) -> Outcome {
        match self.ask(request)? {
            Answer::Done => Ok(()),
            _ => Err(Ending::unexpected()),
        }
    }

    /// Asks and waits for the answer; `None` when the server refuses for this reason.
    pub(crate) fn ask_or(&mut self, request: Request, reason: Refusal) -> Outcome<Option<Answer>> {
        let asked = self.ticket();
        self.send(Command::Ask { ticket: asked, request })?;
        let pick = |update: &Update| match update {
            Update::Answered { answer, .. } => Some(Some(answer.clone())),
            Update::Refused { ticket, refusal } if *ticket == asked && *refusal == reason => Some(None),
            _ => None,
        };
        self.reply(asked, pick, |_| {})
    }

    /// Asks and waits for the answer; what else comes in the meantime goes to `other`.
    pub(crate) fn ask_meanwhile(&mut self, request: Request, other: impl FnMut(Update)) -> Outcome<Answer> {
        let ticket = self.ticket();
        self.send(Command::Ask { ticket, request })?;
        self.answer(ticket, other)
    }

    /// Waits for the answer to something that was sent with this ticket.
    pub(crate) fn answer(&mut self, asked: Ticket, other: impl FnMut(Update)) -> Outcome<Answer> {
        self.reply(asked, |update| if let Update::Answered { answer, .. } = update { Some(answer.clone()) } else { None }, other)
    }

    /// Waits until the post with this ticket is stored; says its place in the conversation.
    pub(crate) fn posted(&mut self, asked: Ticket) -> Outcome<Seq> {
        self.reply(asked, |update| if let Update::Posted { seq, .. } = update { Some(*seq) } else { None }, |_| {})
    }

    fn reply<T>(&mut self, asked: Ticket, mut pick: impl FnMut(&Update) -> Option<T>, other: impl FnMut(Update)) -> Outcome<T> {
        let until = Instant::now() + self.answer_patience;
        self.wait(
            Some(until),
            |update| match update {
                Update::Posted { ticket, .. } | Update::Answered { ticket, .. } if *ticket == asked => pick(update).map(Ok),
                Update::Refused { ticket, refusal } if *ticket == asked => Some(pick(update).ok_or_else(|| Ending::from(*refusal))),
                Update::Lost { ticket } if *ticket == asked => Some(Err(Ending::unreachable(
                    "The connection was lost before the answer came: it may or may not be done. Look before trying again.",
                ))),
                _ => None,
            },
            other,
        )?
    }

    /// Waits for the update that `pick` takes; the others go to `other`.
    fn wait<T>(&mut self, until: Option<Instant>, mut pick: impl FnMut(&Update) -> Option<T>, mut other: impl FnMut(Update)) -> Outcome<T> {
        loop {
            match self.next(until)? {
                Some(Wake::Update(update)) => match pick(&update) {
                    Some(picked) => return Ok(picked),
                    None => other(update),
                },
                Some(Wake::Interrupted) => {
                    // Also for the owner, which may want to leave in order.
                    let _ = self.waker.send(Wake::Interrupted);
                    return Err(Ending::unreachable("Interrupted before the answer came."));
                }
                // Lines are read only while the owner waits for them.
                Some(_) => {}
                None => {
                    return Err(Ending::unreachable(format_args!(
                        "The server at {} has not answered for {} seconds: it may or may not be done.",
                        self.server,
                        self.answer_patience.as_secs()
                    )));
                }
            }
        }
    }

    /// The next thing that happens; `None` at the given time.
    ///
    /// # Errors
    /// The client has stopped, or there has been no connection for too long.
    pub(crate) fn next(&mut self, until: Option<Instant>) -> Outcome<Option<Wake>> {
        let deadline = [until, self.give_up_at].into_iter().flatten().min();
        let wake = match deadline {
            None => self.wakes.recv().map_err(|_| self.network_ended())?,
            Some(deadline) => match self.wakes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(wake) => wake,
                Err(RecvTimeoutError::Timeout) if self.give_up_at == Some(deadline) => return Err(self.cannot_be_reached()),
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(self.network_ended()),
            },
        };
        match &wake {
            Wake::Update(update) => self.note(update)?,
            Wake::NetworkEnded => {
                let ending = self.network_ended();
                return Err(self.stop(ending));
            }
            _ => {}
        }
        Ok(Some(wake))
    }

    /// Keeps up with the state of the connection.
    fn note(&mut self, update: &Update) -> Outcome {
        match update {
            Update::ServerKey { key, .. } => {
                if let Err(ending) = self.pin.proven(&self.server, *key) {
                    return Err(self.stop(ending));
                }
            }
            Update::NewServerKey { key } => self.pin.announced(&self.server, *key),
            Update::SignedIn { account, .. } => {
                self.account = account.clone();
                self.give_up_at = None;
                self.connected = true;
            }
            // The machine would try again in some minutes; whoever has typed a command is to know now.
            Update::Disconnected { why: Interruption::Version(outdated), .. } => return Err(self.stop(Ending::refused(outdated))),
            Update::Disconnected { why, .. } => {
                self.interruption = Some(*why);
                self.connected = false;
                if let (None, Some(patience)) = (self.give_up_at, self.patience) {
                    self.give_up_at = Some(Instant::now() + patience);
                }
            }
            Update::Failed(failure) => {
                self.put_out = matches!(failure, Failure::Expelled);
                return Err(self.stop(self.pin.failed(&self.server, failure)));
            }
            _ => {}
        }
        Ok(())
    }

    fn cannot_be_reached(&self) -> Ending {
        match self.interruption {
            None | Some(Interruption::Unreachable) => {
                Ending::unreachable(format_args!("The server at {} cannot be reached: nothing answers there.", self.server))
            }
            Some(why) => Ending::unreachable(format_args!("The server at {} cannot be reached: {why}.", self.server)),
        }
    }

    /// The first reason is the one to report, however often it is asked for.
    fn stop(&mut self, ending: Ending) -> Ending {
        self.ended.get_or_insert(ending).clone()
    }

    fn network_ended(&self) -> Ending {
        self.ended.clone().unwrap_or_else(|| Ending::unreachable(format_args!("The connection to {} has ended.", self.server)))
    }

    /// Says goodbye, so that the server shows this person as gone at once.
    fn close(mut self) {
        if self.has_ended() || self.handle.send(Command::Close).is_err() {
            return;
        }
        self.wait_out_interruptions();
        let until = Instant::now() + GOODBYE_PATIENCE;
        while let Ok(Some(wake)) = self.next(Some(until)) {
            if matches!(wake, Wake::Update(Update::Closed)) {
                return;
            }
        }
    }
}

/// Joins the updates with the other things that can wake a command.
fn forward(updates: Receiver<Update>, waker: Sender<Wake>) {
    std::thread::spawn(move || {
        for update in updates {
            if waker.send(Wake::Update(update)).is_err() {
                return;
            }
        }
        let _ = waker.send(Wake::NetworkEnded);
    });
}
