//! The one thread that owns the store: it takes all that waits into one batch, so that many share one sync to disk. Beside it, where the
//! database is on a disk, a thread that only reads lists and one that only searches: nobody's message waits for these, and no list for a search.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use super::job::{Aside, WorkKind};
use super::reading::Reading;
use super::{Done, Job, Store};
use crate::limits::JOBS_WAITING_MAX;

/// Jobs that may be waiting, in work, or answered and not yet fetched. The next one is not taken: the server is busy and says so.
pub const UNANSWERED_MAX: usize = 4096;

/// Lists and searches that may be unanswered: as many as the hub lets wait of anything. They are counted for themselves, so that whatever
/// is stored never waits until they are fewer.
const READING_MAX: usize = JOBS_WAITING_MAX;

/// Jobs in one batch: after 512 the sync is shared by so many that more would only make the first ones wait longer.
const BATCH_JOBS_MAX: usize = 512;

/// What follows from messages and nobody waits for is done when nothing has come for this long.
const SETTLED_WITHIN: Duration = Duration::from_millis(500);

/// Batches that the latency is the median of.
const LATENCIES_MAX: usize = 64;

/// Why a job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Too many are unanswered: refuse whoever asked, or ask again later.
    Full,
    /// The thread has ended, and not because it was told to: the server must stop.
    Stopped,
}

/// The store on a thread of its own. Dropped without [`StoreWorker::stop`], the thread finishes what was submitted and ends by itself.
#[derive(Debug)]
pub struct StoreWorker {
    jobs: Sender<(Instant, Job)>,
    batches: Receiver<Batch>,
    thread: JoinHandle<()>,
    aside: Option<[Reading; 2]>,
    /// Answers of a batch that was fetched, still to be handed out.
    done: VecDeque<Done>,
    /// When those were handed in whose answers were not fetched yet, oldest first.
    unanswered: VecDeque<Instant>,
    reading: usize,
    latencies: VecDeque<Duration>,
    stopped: bool,
}

#[derive(Debug)]
struct Batch {
    done: Vec<Done>,
    /// How long the batch's middle job has waited for its commit.
    latency: Duration,
}

impl StoreWorker {
    /// Starts the threads. They call `wake` after each batch and each search, once the answers can be fetched, and once more when they
    /// end.
    ///
    /// # Errors
    /// The operating system's, when it has no thread to give.
    pub fn spawn(store: Store, wake: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let wake = Arc::new(wake);
        let readers = store.reader().and_then(|lists| Ok(lists.zip(store.reader()?)));
        let aside = match readers {
            Ok(Some((lists, searches))) => {
                Some([Reading::spawn("lists", lists, Arc::clone(&wake))?, Reading::spawn("search", searches, Arc::clone(&wake))?])
            }
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(
                    "the database cannot be opened more than once, so lists and searches wait for messages being stored: {error}"
                );
                None
            }
        };
        let wake = move || wake();
        // How many wait in it is counted in front of it.
        let (jobs, to_do) = channel();
        let (answers, batches) = channel();
        let side = StoreThread { to_do, answers: Some(answers), wake };
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || side.run(store))?;
        Ok(Self {
            jobs,
            batches,
            thread,
            aside,
            done: VecDeque::new(),
            unanswered: VecDeque::new(),
            reading: 0,
            latencies: VecDeque::with_capacity(LATENCIES_MAX),
            stopped: false,
        })
    }

    /// Hands a job in. It is answered exactly once, in the order of handing in; lists and searches in an order of their own.
    ///
    /// # Errors
    /// [`NotTaken`]; then the job is gone and will not be answered.
    pub fn try_submit(&mut self, job: Job) -> Result<(), NotTaken> {
        // The thread lets go of its answers a moment before it lets go of the jobs.
        if self.stopped {
            return Err(NotTaken::Stopped);
        }
        match (&self.aside, job.work.kind()) {
            (Some([lists, searches]), WorkKind::ReadsAside(aside)) => {
                if self.reading >= READING_MAX {
                    return Err(NotTaken::Full);
                }
                let reading = match aside {
                    Aside::Lists => lists,
                    Aside::Searches => searches,
                };
                reading.jobs.send(job).map_err(|_| NotTaken::Stopped)?;
                self.reading += 1;
            }
            _ => {
                if self.unanswered.len() >= UNANSWERED_MAX {
                    return Err(NotTaken::Full);
                }
                let now = Instant::now();
                self.jobs.send((now, job)).map_err(|_| NotTaken::Stopped)?;
                self.unanswered.push_back(now);
            }
        }
        Ok(())
    }

    /// The next answer, if there is one.
    pub fn try_recv(&mut self) -> Option<Done> {
        for reading in self.aside.iter().flatten() {
            match reading.found.try_recv() {
                Ok(found) => {
                    self.reading -= 1;
                    return Some(found);
                }
                Err(TryRecvError::Disconnected) => self.stopped = true,
                Err(TryRecvError::Empty) => {}
            }
        }
        while self.done.is_empty() {
            match self.batches.try_recv() {
                Ok(batch) => self.fetched(batch),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => {
                    self.stopped = true;
                    return None;
                }
            }
        }
        self.unanswered.pop_front();
        self.done.pop_front()
    }

    /// Whether the thread was found to have ended although nobody stopped it: known after [`StoreWorker::try_recv`] has found nothing more.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Jobs handed in whose answers were not fetched yet, but for lists and searches.
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Lists and searches handed in whose answers were not fetched yet.
    pub fn reading(&self) -> usize {
        self.reading
    }

    /// How long a job waits from being handed in until its commit is on disk: the median of the last batches; but if the oldest one that
    /// is not answered has waited longer, that, because a disk that hangs ends no batch. `None` before the first job.
    pub fn latency(&self) -> Option<Duration> {
        let mut latencies: Vec<_> = self.latencies.iter().copied().collect();
        latencies.sort_unstable();
        let median = latencies.get(latencies.len() / 2).copied();
        median.max(self.unanswered.front().map(Instant::elapsed))
    }

    /// Finishes what was handed in but for lists and searches, closes the store and waits for that. Gives the answers that nobody has
    /// fetched.
    pub fn stop(self) -> Vec<Done> {
        let Self { jobs, batches, thread, aside, done, .. } = self;
        let mut rest: Vec<Done> = done.into();
        // First: whoever closes the database last clears its log away, and that is the store.
        for Reading { jobs, found, thread } in aside.into_iter().flatten() {
            drop((jobs, found));
            if thread.join().is_err() {
                tracing::error!("the thread for lists or searches has stopped unexpectedly");
            }
        }
        drop(jobs);
        // Ends when the thread has let go of its end.
        for batch in batches {
            rest.extend(batch.done);
        }
        if thread.join().is_err() {
            tracing::error!("the database thread has stopped unexpectedly");
        }
        rest
    }

    fn fetched(&mut self, batch: Batch) {
        if self.latencies.len() == LATENCIES_MAX {
            self.latencies.pop_front();
        }
        self.latencies.push_back(batch.latency);
        self.done.extend(batch.done);
    }
}

/// The thread's side.
struct StoreThread<W: Fn()> {
    to_do: Receiver<(Instant, Job)>,
    /// `Some` until the end.
    answers: Option<Sender<Batch>>,
    wake: W,
}

impl<W: Fn()> StoreThread<W> {
    fn run(self, mut store: Store) {
        loop {
            let first = match self.next(&store) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => {
                    store.settle();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut arrivals = vec![first.0];
            let mut jobs = vec![first.1];
            while jobs.len() < BATCH_JOBS_MAX
                && let Ok((arrival, job)) = self.to_do.try_recv()
            {
                arrivals.push(arrival);
                jobs.push(job);
            }
            let done = store.apply(jobs);
            let latency = arrivals.get(arrivals.len() / 2).map_or(Duration::ZERO, Instant::elapsed);
            // Nobody listens any more when the owner has dropped its end; what was handed in is stored all the same.
            let _ = self.answers.as_ref().map(|answers| answers.send(Batch { done, latency }));
            (self.wake)();
            store.settle_what_is_due();
        }
        if let Err(error) = store.close() {
            tracing::error!("the database could not be closed cleanly: {error}");
        }
    }

    /// The next job. Nobody is in a hurry when none comes for a while.
    fn next(&self, store: &Store) -> Result<(Instant, Job), RecvTimeoutError> {
        match store.wants_to_settle() {
            true => self.to_do.recv_timeout(SETTLED_WITHIN),
            false => self.to_do.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }
}

/// Also when the thread panics: the owner wakes and finds that nobody answers any more, rather than waiting for ever.
impl<W: Fn()> Drop for StoreThread<W> {
    fn drop(&mut self) {
        self.answers = None;
        (self.wake)();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use belfry_core::chat::{Answer, SearchText};

    use crate::limits::SEARCH_WITHIN;

    use super::super::fixture::{LOBBY, add, job, post, posted, say};
    use super::super::{JobTicket, List, MessageJob, Outcome, Target, Work};
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn with_anna() -> (Store, belfry_core::chat::AccountId) {
        let mut store = Store::open_in_memory().unwrap();
        let anna = add(&mut store, "anna");
        (store, anna)
    }

    #[test]
    fn every_job_is_answered_once_and_in_order() {
        let (store, anna) = with_anna();
        let (wake, woken) = mpsc::channel();
        let mut worker = StoreWorker::spawn(store, move || wake.send(()).unwrap_or_default()).unwrap();
        for n in 1..=1000 {
            worker.try_submit(job(n, 1, post(anna, n, Target::Room(LOBBY), "x"))).unwrap();
        }
        let mut seqs = Vec::new();
        while seqs.len() < 1000 {
            woken.recv_timeout(PATIENCE).unwrap();
            while let Some(done) = worker.try_recv() {
                assert_eq!(done.ticket, JobTicket(seqs.len() as u64 + 1));
                seqs.push(posted(done.result).0.seq.0);
            }
        }
        assert!(seqs.iter().copied().eq(1..=1000));
        assert_eq!((worker.unanswered(), worker.is_stopped()), (0, false));
        assert!(worker.latency().is_some());
    }

    #[test]
    fn what_waits_becomes_one_batch() {
        let (store, _) = with_anna();
        let (wake, woken) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let mut worker = StoreWorker::spawn(store, move || {
            wake.send(()).unwrap_or_default();
            let _ = gate.lock().unwrap().recv();
        })
        .unwrap();
        worker.try_submit(job(0, 1, Work::Size)).unwrap();
        woken.recv_timeout(PATIENCE).unwrap();
        for n in 1..=BATCH_JOBS_MAX as u64 + 1 {
            worker.try_submit(job(n, 1, Work::Size)).unwrap();
        }
        for expected in [1, BATCH_JOBS_MAX, 1] {
            let batch = worker.batches.recv_timeout(PATIENCE).unwrap();
            assert_eq!(batch.done.len(), expected);
            go.send(()).unwrap();
        }
    }

    #[test]
    fn a_full_queue_takes_nothing_until_answers_are_fetched() {
        let (store, _) = with_anna();
        let (wake, woken) = mpsc::channel();
        let mut worker = StoreWorker::spawn(store, move || wake.send(()).unwrap_or_default()).unwrap();
        for n in 0..UNANSWERED_MAX as u64 {
            worker.try_submit(job(n, 1, Work::Size)).unwrap();
        }
        assert_eq!(worker.try_submit(job(9, 1, Work::Size)), Err(NotTaken::Full));
        woken.recv_timeout(PATIENCE).unwrap();
        assert!(worker.try_recv().is_some());
        worker.try_submit(job(9, 1, Work::Size)).unwrap();
    }

    #[test]
    fn stopping_finishes_what_was_handed_in_and_leaves_no_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut store = Store::open(&path).unwrap();
        let anna = add(&mut store, "anna");
        let mut worker = StoreWorker::spawn(store, || ()).unwrap();
        for n in 1..=2000 {
            worker.try_submit(job(n, 1, post(anna, n, Target::Room(LOBBY), "x"))).unwrap();
        }
        let rest = worker.stop();
        assert!(rest.iter().map(|done| done.ticket.0).eq(1..=2000));
        assert!(rest.iter().all(|done| done.result.is_ok()));
        assert!(!path.with_extension("db-wal").exists());
    }

    #[test]
    fn a_search_and_what_is_stored_do_not_wait_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("belfry.db")).unwrap();
        let anna = add(&mut store, "anna");
        say(&mut store, anna, 3);
        let (wake, woken) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let mut worker = StoreWorker::spawn(store, move || {
            let store = thread::current().name() == Some("store");
            wake.send(store).unwrap_or_default();
            if store {
                let _ = gate.lock().unwrap().recv();
            }
        })
        .unwrap();
        // The store's thread is held up behind this job.
        worker.try_submit(job(1, 1, Work::Size)).unwrap();
        assert!(woken.recv_timeout(PATIENCE).unwrap());
        assert_eq!(worker.try_recv().unwrap().ticket, JobTicket(1));
        let text = SearchText::new("hello").unwrap();
        let search = Work::Message(MessageJob::Search { account: anna, text, within: None, before: None, limit: 9 });
        worker.try_submit(job(2, 1, search)).unwrap();
        assert!(!woken.recv_timeout(PATIENCE).unwrap());
        let found = worker.try_recv().unwrap();
        assert!(matches!(&found.result, Ok(Outcome::Read(Answer::Found(found))) if found.hits.len() == 3), "{found:?}");
        assert_eq!((found.ticket, worker.unanswered(), worker.reading(), worker.is_stopped()), (JobTicket(2), 0, 0, false));
        drop(go);
        assert!(worker.stop().is_empty());
        assert!(!folder.path().join("belfry.db-wal").exists());
    }

    #[test]
    fn however_many_lists_wait_there_is_room_for_what_is_said_and_they_are_bounded_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("belfry.db")).unwrap();
        let anna = add(&mut store, "anna");
        let (go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let (wake, woken) = mpsc::channel();
        let mut worker = StoreWorker::spawn(store, move || match thread::current().name() {
            Some("lists") => drop(gate.lock().unwrap().recv()),
            _ => wake.send(()).unwrap_or_default(),
        })
        .unwrap();
        let list = || Work::List(List::Everybody { after: None });
        for n in 0..READING_MAX as u64 {
            worker.try_submit(job(n, 1, list())).unwrap();
        }
        assert_eq!((worker.try_submit(job(1, 1, list())), worker.reading()), (Err(NotTaken::Full), READING_MAX));
        worker.try_submit(job(2, 1, post(anna, 1, Target::Room(LOBBY), "x"))).unwrap();
        woken.recv_timeout(PATIENCE).unwrap();
        while worker.unanswered() > 0 {
            worker.try_recv().unwrap();
        }
        drop(go);
        worker.stop();
    }

    #[test]
    fn a_disk_that_hangs_is_seen_while_it_hangs() {
        let (store, _) = with_anna();
        let (wake, woken) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let mut worker = StoreWorker::spawn(store, move || {
            wake.send(()).unwrap_or_default();
            let _ = gate.lock().unwrap().recv();
        })
        .unwrap();
        worker.try_submit(job(0, 1, Work::Size)).unwrap();
        woken.recv_timeout(PATIENCE).unwrap();
        while worker.try_recv().is_some() {}
        let before = worker.latency().unwrap();
        assert!(before > Duration::ZERO);
        // The thread stands still with this one before it.
        worker.try_submit(job(1, 1, Work::Size)).unwrap();
        assert_eq!(worker.unanswered(), 1);
        let since = Instant::now();
        while since.elapsed() <= 2 * before {
            std::hint::spin_loop();
        }
        assert!(worker.latency().unwrap() > before);
        drop(go);
        worker.stop();
    }

    #[test]
    fn a_list_does_not_wait_for_searches_and_a_dear_one_ends_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("belfry.db")).unwrap();
        let anna = add(&mut store, "anna");
        // All that makes a search dear: the same letters everywhere, and the phrase nowhere.
        let text = format!("{}b{}", "a".repeat(8000), "a".repeat(8000));
        let jobs = (1..=200).map(|n| job(n, n, post(anna, n, Target::Room(LOBBY), &text))).collect();
        assert!(store.apply(jobs).iter().all(|done| done.result.is_ok()));
        let (wake, woken) = mpsc::channel();
        let mut worker = StoreWorker::spawn(store, move || wake.send(()).unwrap_or_default()).unwrap();
        let search = SearchText::new(format!("{}b{}b", "a".repeat(120), "a".repeat(100))).unwrap();
        for n in 0..6 {
            let talk = MessageJob::Search { account: anna, text: search.clone(), within: None, before: None, limit: 100 };
            worker.try_submit(job(n, 1, Work::Message(talk))).unwrap();
        }
        worker.try_submit(job(99, 1, Work::List(List::Everybody { after: None }))).unwrap();
        let (mut order, begun) = (Vec::new(), Instant::now());
        while order.len() < 7 {
            woken.recv_timeout(PATIENCE).unwrap();
            while let Some(done) = worker.try_recv() {
                match done.result.unwrap() {
                    Outcome::Read(Answer::Found(found)) => assert!(found.hits.is_empty()),
                    other => assert!(matches!(other, Outcome::People(_))),
                }
                order.push(done.ticket.0);
            }
        }
        assert!(order.iter().position(|&ticket| ticket == 99).unwrap() <= 1, "{order:?}");
        assert!(begun.elapsed() < 6 * SEARCH_WITHIN + PATIENCE / 4, "{:?}", begun.elapsed());
        worker.stop();
    }

    #[test]
    fn a_thread_that_ends_by_itself_is_noticed() {
        let (store, _) = with_anna();
        let (wake, woken) = mpsc::channel();
        let mut worker = StoreWorker::spawn(store, move || {
            wake.send(()).unwrap_or_default();
            if !thread::panicking() {
                panic!("the test's own");
            }
        })
        .unwrap();
        worker.try_submit(job(1, 1, Work::Size)).unwrap();
        for _ in 0..2 {
            woken.recv_timeout(PATIENCE).unwrap();
        }
        assert!(worker.try_recv().is_some());
        assert!(worker.try_recv().is_none() && worker.is_stopped());
        assert_eq!(worker.try_submit(job(2, 1, Work::Size)), Err(NotTaken::Stopped));
    }

    #[test]
    fn the_latency_is_the_median_of_the_last_batches() {
        let (store, _) = with_anna();
        let mut worker = StoreWorker::spawn(store, || ()).unwrap();
        let mut after = |seconds: u64| {
            worker.fetched(Batch { done: Vec::new(), latency: Duration::from_secs(seconds) });
            worker.latency().map(|latency| latency.as_secs())
        };
        assert_eq!([9, 1, 5].map(&mut after), [Some(9), Some(9), Some(5)]);
        assert!((0..LATENCIES_MAX).all(|_| after(7).is_some()));
        assert_eq!(worker.latencies, [Duration::from_secs(7); LATENCIES_MAX]);
    }

    #[test]
    fn a_thread_that_reads_and_ends_by_itself_is_noticed_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("belfry.db")).unwrap();
        let (wake, woken) = mpsc::channel();
        let mut worker = StoreWorker::spawn(store, move || {
            wake.send(()).unwrap_or_default();
            if thread::current().name() == Some("lists") && !thread::panicking() {
                panic!("the test's own");
            }
        })
        .unwrap();
        worker.try_submit(job(1, 1, Work::List(List::Everybody { after: None }))).unwrap();
        for _ in 0..2 {
            woken.recv_timeout(PATIENCE).unwrap();
        }
        assert!(worker.try_recv().is_some());
        assert!(worker.try_recv().is_none() && worker.is_stopped());
    }
}
