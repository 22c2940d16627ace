//! The thread that moves files: what it does in one turn is bounded, so that each transfer gets its share and a job never waits for long.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use belfry_core::chat::{ContentHash, Refusal, Request};
use belfry_core::client::transfer::{DownloadStep, FileDownload, FileUpload, UploadStep};
use belfry_core::client::{Command, Ticket, Update};
use belfry_core::disk::{FetchedPart, FileTrouble, PartPlace, SentFile, lock_own};
use belfry_core::net::Clock;
use belfry_core::time::Instant;

use super::{FIRST_TICKET, FetchOrder, FoundFile, Line, SendOrder, TransferEvent, TransferJob, TransferKey, TransferState};

/// Files that are fetched at once; the others wait for their turn. They are sent one after the other, in the order they were written.
const FETCHED_AT_ONCE_MAX: usize = 3;

/// What one transfer does in one turn: blocks that are read, asked for or written.
const STEPS_PER_TURN: usize = 32;

/// How often it is told how far a transfer is.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// Jobs that are taken in one turn.
const JOBS_PER_TURN: usize = 64;

/// When a transfer is to be looked after again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Again {
    Now,
    At(Instant),
    WhenHeard,
}

/// How far a transfer is, how fast it goes, and what was told of it.
#[derive(Debug, Default)]
struct Meter {
    told: Option<TransferState>,
    told_at: Option<(Instant, u64)>,
    rate: u64,
}

impl Meter {
    /// What is to be told now, if anything is.
    fn measure(&mut self, now: Instant, state: TransferState) -> Option<TransferState> {
        let TransferState::Running { done, .. } = state else {
            self.told_at = None;
            let news = self.told.as_ref() != Some(&state);
            self.told = Some(state.clone());
            return news.then_some(state);
        };
        let (before, done_before) = *self.told_at.get_or_insert((now, done));
        let since = now.since(before);
        let begins = !matches!(self.told, Some(TransferState::Running { .. }));
        if since < TELL_EVERY && !begins {
            return None;
        }
        if since >= TELL_EVERY {
            let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(1);
            let lately = done.saturating_sub(done_before).saturating_mul(1000) / millis;
            // As much of what it was as of what it is: a number that can be read.
            self.rate = if self.rate == 0 { lately } else { self.rate / 2 + lately / 2 };
            self.told_at = Some((now, done));
        }
        let state = TransferState::Running { done, rate: self.rate };
        self.told = Some(state.clone());
        Some(state)
    }
}

struct OutboundFile {
    order: SendOrder,
    paused: bool,
    file: Option<SentFile>,
    hash: Option<ContentHash>,
    upload: Option<FileUpload>,
    /// Bytes that the server had when it was heard last.
    done: u64,
    meter: Meter,
}

struct InboundFile {
    order: FetchOrder,
    part: Option<FetchedPart>,
    download: Option<FileDownload>,
    meter: Meter,
}

/// What a turn has come to for one transfer.
struct TransferTurn {
    state: TransferState,
    again: Again,
}

impl TransferTurn {
    const fn of(state: TransferState, again: Again) -> Self {
        Self { state, again }
    }

    fn failed(why: impl ToString) -> Self {
        Self::of(TransferState::Failed(why.to_string()), Again::WhenHeard)
    }

    /// Nothing more is to be done.
    const fn is_over(&self) -> bool {
        matches!(self.state, TransferState::Stored(_) | TransferState::Saved(_) | TransferState::Failed(_))
    }
}

/// The connection, and the tickets under which it is asked.
struct Asker {
    line: Option<Line>,
    last: u64,
}

impl Asker {
    const fn ticket(&mut self) -> Ticket {
        self.last += 1;
        Ticket(self.last)
    }

    /// Asks; where the connection has ended, all that was asked is asked anew on the next one.
    fn ask(&mut self, ticket: Ticket, request: Request) {
        if !self.line.as_ref().is_some_and(|line| line(Command::Ask { ticket, request })) {
            self.line = None;
        }
    }
}

impl OutboundFile {
    fn turn(&mut self, now: Instant, asker: &mut Asker, tell: &impl Fn(TransferEvent)) -> TransferTurn {
        match self.go_on(now, asker, tell) {
            Ok(turn) => turn,
            Err(trouble) => TransferTurn::failed(trouble),
        }
    }

    fn go_on(&mut self, now: Instant, asker: &mut Asker, tell: &impl Fn(TransferEvent)) -> Result<TransferTurn, FileTrouble> {
        if asker.line.is_none() {
            return Ok(self.rest(false));
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(SentFile::open(&self.order.path)?),
        };
        let Some(hash) = self.hash else {
            for _ in 0..STEPS_PER_TURN {
                let Some(hash) = file.hash_on()? else { continue };
                if self.order.hash.is_some_and(|before| before != hash) {
                    return Err(FileTrouble::Changed(self.order.path.clone()));
                }
                self.hash = Some(hash);
                tell(TransferEvent::Hashed(self.order.ticket, hash));
                break;
            }
            return Ok(TransferTurn::of(TransferState::Reading, Again::Now));
        };
        let upload = self.upload.get_or_insert_with(|| FileUpload::new(self.order.to.clone(), self.order.room, hash, file.bytes()));
        for _ in 0..STEPS_PER_TURN {
            let ticket = asker.ticket();
            self.done = upload.upto();
            match upload.poll(now, ticket) {
                UploadStep::Ask(request) => asker.ask(ticket, request),
                UploadStep::Send { offset, length } => {
                    asker.ask(ticket, Request::SendBlock { hash, offset, block: file.block(offset, length)? });
                }
                UploadStep::Wait(at) => {
                    let running = TransferState::Running { done: self.done, rate: 0 };
                    return Ok(TransferTurn::of(running, at.map_or(Again::WhenHeard, Again::At)));
                }
                UploadStep::Done => return Ok(TransferTurn::of(TransferState::Stored(hash), Again::WhenHeard)),
                UploadStep::Differs if !file.is_as_it_was() => return Err(FileTrouble::Changed(self.order.path.clone())),
                UploadStep::Differs if upload.try_anew(now) => {}
                UploadStep::Differs => return Ok(TransferTurn::failed(Refusal::ContentDiffers)),
                UploadStep::Failed(refusal) => return Ok(TransferTurn::failed(refusal)),
            }
        }
        Ok(TransferTurn::of(TransferState::Running { done: self.done, rate: 0 }, Again::Now))
    }

    /// What is on its way is not waited for.
    fn rest(&mut self, paused: bool) -> TransferTurn {
        self.upload = None;
        let done = self.done;
        TransferTurn::of(if paused { TransferState::Paused { done } } else { TransferState::Waiting { done } }, Again::WhenHeard)
    }
}

impl InboundFile {
    fn place(&self) -> PartPlace {
        PartPlace::Near { folder: self.order.folder.clone(), name: self.order.name.clone() }
    }

    fn turn(&mut self, now: Instant, asker: &mut Asker) -> TransferTurn {
        match self.go_on(now, asker) {
            Ok(turn) => turn,
            Err(trouble) => TransferTurn::failed(trouble),
        }
    }

    fn go_on(&mut self, now: Instant, asker: &mut Asker) -> Result<TransferTurn, FileTrouble> {
        if asker.line.is_none() {
            return Ok(self.rest(false));
        }
        let attachment = &self.order.attachment;
        if self.part.is_none() {
            self.part = Some(FetchedPart::open(self.place(), attachment, lock_own)?);
        }
        let Some(part) = &mut self.part else { return Ok(self.rest(false)) };
        let download = self.download.get_or_insert_with(|| FileDownload::new(attachment.file, attachment.bytes, part.length()));
        for _ in 0..STEPS_PER_TURN {
            let ticket = asker.ticket();
            match download.poll(now, ticket) {
                DownloadStep::Ask(request) => asker.ask(ticket, request),
                DownloadStep::Take(block) => part.append(&block)?,
                DownloadStep::Wait(at) => {
                    let running = TransferState::Running { done: part.length(), rate: 0 };
                    return Ok(TransferTurn::of(running, at.map_or(Again::WhenHeard, Again::At)));
                }
                DownloadStep::Done => {
                    let whole = self.part.take().map(FetchedPart::finish).transpose()?;
                    return Ok(whole.map_or_else(
                        || TransferTurn::failed(FileTrouble::Differs),
                        |path| TransferTurn::of(TransferState::Saved(path), Again::WhenHeard),
                    ));
                }
                DownloadStep::Failed(refusal) => {
                    part.leave_nothing_empty();
                    return Ok(TransferTurn::failed(refusal));
                }
            }
        }
        Ok(TransferTurn::of(TransferState::Running { done: part.length(), rate: 0 }, Again::Now))
    }

    /// What is on its way is not waited for.
    fn rest(&mut self, paused: bool) -> TransferTurn {
        self.download = None;
        let done = self.part.as_ref().map_or(0, FetchedPart::length);
        TransferTurn::of(if paused { TransferState::Paused { done } } else { TransferState::Waiting { done } }, Again::WhenHeard)
    }

    /// Nobody wants it: what an earlier run has left goes, too.
    fn discard(mut self) {
        let part = self.part.take().or_else(|| FetchedPart::open(self.place(), &self.order.attachment, lock_own).ok());
        part.into_iter().for_each(FetchedPart::discard);
    }
}

/// Everything that the thread owns.
pub(super) struct TransferWorker<T> {
    clock: Clock,
    asker: Asker,
    sent: Vec<OutboundFile>,
    fetched: Vec<InboundFile>,
    tell: T,
}

impl<T: Fn(TransferEvent)> TransferWorker<T> {
    pub(super) fn new(tell: T) -> Self {
        let asker = Asker { line: None, last: FIRST_TICKET };
        Self { clock: Clock::start(), asker, sent: Vec::new(), fetched: Vec::new(), tell }
    }

    /// Works until nobody sends jobs any more.
    pub(super) fn run(mut self, jobs: &Receiver<TransferJob>) {
        loop {
            let now = self.clock.now().instant;
            let job = match self.turn(now) {
                Again::Now => jobs.try_recv().map_err(|error| match error {
                    TryRecvError::Empty => RecvTimeoutError::Timeout,
                    TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                }),
                Again::At(at) => jobs.recv_timeout(at.since(now)),
                Again::WhenHeard => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match job {
                Ok(job) => std::iter::once(job).chain(jobs.try_iter().take(JOBS_PER_TURN)).for_each(|job| self.handle(job)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn handle(&mut self, job: TransferJob) {
        match job {
            TransferJob::Connect(line) => {
                self.asker.line = line;
                self.sent.iter_mut().for_each(|sent| sent.upload = None);
                self.fetched.iter_mut().for_each(|fetched| fetched.download = None);
            }
            TransferJob::Heard(update) => self.hear(update),
            TransferJob::Look { place, paths } => {
                for path in paths {
                    let found = SentFile::open(&path).map(|file| FoundFile { name: file.name(), bytes: file.bytes(), path });
                    (self.tell)(TransferEvent::Looked {
                        place: place.clone(),
                        found: found.map_err(|trouble| trouble.by_name().to_string()),
                    });
                }
            }
            TransferJob::Send(order) => {
                if !self.sent.iter().any(|sent| sent.order.ticket == order.ticket) {
                    self.sent.push(OutboundFile {
                        order,
                        paused: false,
                        file: None,
                        hash: None,
                        upload: None,
                        done: 0,
                        meter: Meter::default(),
                    });
                }
            }
            TransferJob::Fetch(order) => {
                if !self.fetched.iter().any(|fetched| fetched.order.attachment.file == order.attachment.file) {
                    self.fetched.push(InboundFile { order, part: None, download: None, meter: Meter::default() });
                }
            }
            TransferJob::Pause(key) => self.pause(key, true),
            TransferJob::Resume(key) => self.pause(key, false),
            TransferJob::Cancel(TransferKey::Sent(ticket)) => self.sent.retain(|sent| sent.order.ticket != ticket),
            TransferJob::Cancel(TransferKey::Fetched(file)) => {
                if let Some(at) = self.fetched.iter().position(|fetched| fetched.order.attachment.file == file) {
                    self.fetched.remove(at).discard();
                }
            }
            TransferJob::Forget => {
                self.sent.clear();
                self.fetched.clear();
            }
        }
    }

    fn hear(&mut self, update: Update) {
        let now = self.clock.now().instant;
        if self.sent.iter_mut().filter_map(|sent| sent.upload.as_mut()).any(|upload| upload.handle_update(now, &update)) {
            return;
        }
        let mut unheard = update;
        for download in self.fetched.iter_mut().filter_map(|fetched| fetched.download.as_mut()) {
            match download.handle_update(now, unheard) {
                Some(update) => unheard = update,
                None => return,
            }
        }
    }

    /// What has come stays, and what is on its way is not waited for.
    fn pause(&mut self, key: TransferKey, paused: bool) {
        match key {
            TransferKey::Sent(ticket) => {
                for sent in self.sent.iter_mut().filter(|sent| sent.order.ticket == ticket) {
                    sent.paused = paused;
                }
            }
            TransferKey::Fetched(file) => {
                for fetched in self.fetched.iter_mut().filter(|fetched| fetched.order.attachment.file == file) {
                    fetched.order.paused = paused;
                }
            }
        }
    }

    /// Goes on with what may go on.
    fn turn(&mut self, now: Instant) -> Again {
        let mut again = Again::WhenHeard;
        let Self { asker, sent, fetched, tell, .. } = self;
        let mut going = 0;
        sent.retain_mut(|sent| {
            let may_go = !sent.paused && going == 0;
            going += usize::from(may_go);
            let turn = if may_go { sent.turn(now, asker, tell) } else { sent.rest(sent.paused) };
            let over = turn.is_over();
            // Where one is over, another has its turn.
            again = again.min(if over { Again::Now } else { turn.again });
            let news = sent.meter.measure(now, turn.state);
            news.into_iter().for_each(|state| tell(TransferEvent::State(TransferKey::Sent(sent.order.ticket), state)));
            !over
        });
        going = 0;
        fetched.retain_mut(|fetched| {
            let may_go = !fetched.order.paused && going < FETCHED_AT_ONCE_MAX;
            going += usize::from(may_go);
            let turn = if may_go { fetched.turn(now, asker) } else { fetched.rest(fetched.order.paused) };
            let over = turn.is_over();
            // Where one is over, another has its turn.
            again = again.min(if over { Again::Now } else { turn.again });
            let news = fetched.meter.measure(now, turn.state);
            news.into_iter().for_each(|state| tell(TransferEvent::State(TransferKey::Fetched(fetched.order.attachment.file), state)));
            !over
        });
        again
    }
}

#[cfg(test)]
mod tests;
