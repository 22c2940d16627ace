//! What this computer has heard, in a small database beside the settings: so that the window is full at once, and reading back works without
//! the server.
//!
//! It is a cache: the server has everything that lies here, and a file that is damaged, of another form or in use elsewhere costs a question
//! to the server and nothing else. One thread owns the file while the program runs; what is to be written and looked up goes to it by value,
//! what was found comes back by value. The only room of the tray client that knows SQL.

mod file;
mod store;
mod trim;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use belfry_core::chat::Message;
use belfry_core::client::Ticket;

use crate::model::{Lookup, Memory, MemoryChange};
use file::CacheError;
use store::CacheStore;

pub use store::CacheOwner;

/// The file beside the settings.
pub const FILE: &str = "cache.db";

/// Messages in one answer: several screens full, as many as the server gives.
const PAGE_MESSAGES: u32 = 100;

/// Jobs that wait for the file. When it is full, what is to be written stays with the model until later, and what is to be looked up is asked of
/// the server.
const JOBS_MAX: usize = 64;

/// What the thread that owns the file is to do, in this order.
enum CacheJob {
    Write(Vec<MemoryChange>),
    LookUp(Lookup),
    Prove(String),
    Forget,
}

/// What was found in answer to a question.
#[derive(Debug)]
pub struct CacheAnswer {
    /// How often the cache had turned to somebody when it was asked: an answer that is about somebody else is not believed.
    pub turn: u64,
    /// The number of the question.
    pub ticket: Ticket,
    /// The messages, oldest first; none where they are not remembered.
    pub messages: Vec<Message>,
}

/// Where what was found goes.
type Deliver = Arc<dyn Fn(CacheAnswer) + Send + Sync>;

/// The file, or that there is none.
enum CacheFile {
    Nowhere,
    Here(Box<CacheStore>),
    /// On its thread; it comes back when nobody sends jobs any more.
    There(SyncSender<CacheJob>, JoinHandle<Option<Box<CacheStore>>>),
}

/// What is remembered on this computer.
pub struct Cache {
    path: PathBuf,
    answer: Deliver,
    place: CacheFile,
    turn: u64,
}

impl Cache {
    /// The cache in this folder; without one where the file cannot be had. `answer` is called on the cache's own thread.
    pub fn open(folder: &Path, answer: impl Fn(CacheAnswer) + Send + Sync + 'static) -> Self {
        Self::with_limits(folder, trim::LIMITS, answer)
    }

    fn with_limits(folder: &Path, limits: trim::Limits, answer: impl Fn(CacheAnswer) + Send + Sync + 'static) -> Self {
        // What it was before there was a database. The server has all of that.
        let _ = std::fs::remove_file(folder.join("memory"));
        let path = folder.join(FILE);
        let place =
            file::open(&path).map_or(CacheFile::Nowhere, |connection| CacheFile::Here(Box::new(CacheStore::new(connection, limits))));
        Self { path, answer: Arc::new(answer), place, turn: 0 }
    }

    /// From now on it is about this owner. What is remembered of them, as soon as everything of the one before is written.
    pub fn turn_to(&mut self, owner: &CacheOwner) -> Option<Memory> {
        self.turn += 1;
        let mut store = self.take_back()?;
        let memory = match store.turn_to(owner) {
            Ok(memory) => memory,
            Err(_) => {
                // Damaged further in than opening it looks.
                drop(store);
                store = self.begin_anew()?;
                store.turn_to(owner).ok()?
            }
        };
        self.go(store);
        memory
    }

    /// How often it has turned to somebody.
    pub const fn turn(&self) -> u64 {
        self.turn
    }

    /// Writes down what has become worth remembering.
    ///
    /// # Errors
    /// There is too much to do: it is to be tried again.
    pub fn write(&self, news: Vec<MemoryChange>) -> Result<(), Vec<MemoryChange>> {
        match self.send(CacheJob::Write(news)) {
            Err(CacheJob::Write(news)) => Err(news),
            _ => Ok(()),
        }
    }

    /// Looks for messages, and answers. Whether it will.
    pub fn look_up(&self, lookup: Lookup) -> bool {
        matches!(&self.place, CacheFile::There(jobs, _) if jobs.try_send(CacheJob::LookUp(lookup)).is_ok())
    }

    /// The server has proven this identity; what is remembered belongs to it.
    pub fn prove(&self, key: String) {
        // Unsaid, it costs what is remembered at the next start.
        let _ = self.send(CacheJob::Prove(key));
    }

    /// Forgets everything of this owner, and remembers nothing more of them until [`Self::turn_to`].
    pub fn forget(&mut self) {
        let unsaid = self.send(CacheJob::Forget).is_err();
        let store = self.take_back();
        if let Some(mut store) = store
            && (!unsaid || store.forget().is_ok())
        {
            self.place = CacheFile::Here(store);
        }
    }

    /// Everything that was given to it is on the disk when this returns.
    pub fn close(&mut self) {
        drop(self.take_back());
    }

    /// What is not sent because there is no file is not missed.
    fn send(&self, job: CacheJob) -> Result<(), CacheJob> {
        let CacheFile::There(jobs, _) = &self.place else { return Ok(()) };
        match jobs.try_send(job) {
            Err(TrySendError::Full(job)) => Err(job),
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
        }
    }

    fn take_back(&mut self) -> Option<Box<CacheStore>> {
        match std::mem::replace(&mut self.place, CacheFile::Nowhere) {
            CacheFile::Nowhere => None,
            CacheFile::Here(store) => Some(store),
            CacheFile::There(jobs, thread) => {
                drop(jobs);
                thread.join().ok().flatten()
            }
        }
    }

    fn begin_anew(&self) -> Option<Box<CacheStore>> {
        file::remove(&self.path).ok()?;
        Some(Box::new(CacheStore::new(file::open(&self.path).ok()?, trim::LIMITS)))
    }

    fn go(&mut self, store: Box<CacheStore>) {
        let (jobs, waiting) = sync_channel(JOBS_MAX);
        let (answer, path, turn) = (self.answer.clone(), self.path.clone(), self.turn);
        let tell = move |ticket, messages| answer(CacheAnswer { turn, ticket, messages });
        let started = thread::Builder::new().name("cache".into()).spawn(move || work(store, &waiting, &tell, &path));
        // Without a thread there is no cache: what it would have known the server does.
        self.place = started.map_or(CacheFile::Nowhere, |thread| CacheFile::There(jobs, thread));
    }
}

/// The thread's life. A file that fails is given up for this run: what it holds is older than what the model believes it to be. It is as it
/// was after the last job, and says so at the next start; one that is damaged goes.
fn work(
    mut store: Box<CacheStore>,
    jobs: &Receiver<CacheJob>,
    tell: &impl Fn(Ticket, Vec<Message>),
    path: &Path,
) -> Option<Box<CacheStore>> {
    while let Ok(job) = jobs.recv() {
        let done = match job {
            CacheJob::Write(news) => store.write(&news),
            CacheJob::Prove(key) => store.prove(&key),
            CacheJob::Forget => store.forget(),
            CacheJob::LookUp(lookup) => {
                let found = store.look_up(lookup);
                let (messages, done) = found.map_or_else(|trouble| (Vec::new(), Err(trouble)), |messages| (messages, Ok(())));
                tell(lookup.ticket, messages);
                done
            }
        };
        if let Err(trouble) = done {
            drop(store);
            if matches!(trouble, CacheError::Damaged) {
                // What cannot be removed is looked at again at the next start.
                let _ = file::remove(path);
            }
            answer_nothing(jobs, tell);
            return None;
        }
    }
    Some(store)
}

/// Whoever waits for an answer is told that there is none.
fn answer_nothing(jobs: &Receiver<CacheJob>, tell: &impl Fn(Ticket, Vec<Message>)) {
    while let Ok(job) = jobs.recv() {
        if let CacheJob::LookUp(lookup) = job {
            tell(lookup.ticket, Vec::new());
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests;
