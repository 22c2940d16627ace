//! The thread that owns the folder of contents while the server runs: nothing on the loop waits for a disk, nor for the command that looks at
//! files.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

use belfry_core::chat::Refusal;

use super::scanner::{Scan, Scanner};
use super::{ContentDone, ContentJob, ContentOutcome, ContentWork, Contents, ScanVerdict};
use crate::limits::{CONTENT_JOBS_MAX, SCAN_WITHIN};

/// What the thread is told.
#[derive(Debug)]
enum ContentOrder {
    Job(ContentJob),
    Looked(Scan, ScanVerdict),
    End,
}

impl From<(Scan, ScanVerdict)> for ContentOrder {
    fn from((scan, verdict): (Scan, ScanVerdict)) -> Self {
        Self::Looked(scan, verdict)
    }
}

/// The thread, seen from the one that asks.
#[derive(Debug)]
pub struct ContentWorker {
    jobs: Option<mpsc::SyncSender<ContentOrder>>,
    done: mpsc::Receiver<ContentDone>,
    thread: Option<JoinHandle<()>>,
    stopped: bool,
}

/// The thread's side.
struct ContentThread<W: Fn()> {
    contents: Contents,
    scanner: Option<Scanner>,
    /// For the threads that look at files.
    looked: mpsc::SyncSender<ContentOrder>,
    /// `Some` until the end.
    answers: Option<mpsc::Sender<ContentDone>>,
    wake: W,
}

impl<W: Fn()> ContentThread<W> {
    fn run(mut self, to_do: &mpsc::Receiver<ContentOrder>) {
        for order in to_do {
            let done = match order {
                ContentOrder::Job(job) => self.perform(job),
                ContentOrder::Looked(Scan { ticket, upload, .. }, verdict) => {
                    if let Some(scanner) = &mut self.scanner {
                        scanner.ended(&self.looked);
                    }
                    Some(ContentDone { ticket, result: self.contents.decide(upload, verdict) })
                }
                ContentOrder::End => return,
            };
            let Some(done) = done else { continue };
            if self.answers.as_ref().is_none_or(|answers| answers.send(done).is_err()) {
                return;
            }
            (self.wake)();
        }
    }

    /// Does a job; its answer comes later where a file has to be looked at first.
    fn perform(&mut self, job: ContentJob) -> Option<ContentDone> {
        let upload = if let ContentWork::Write { upload, .. } = &job.work { Some(*upload) } else { None };
        let done = self.contents.answer(job);
        let (Some(scanner), Some(upload), Ok(ContentOutcome::Written { complete: true, .. })) = (&mut self.scanner, upload, &done.result)
        else {
            return Some(done);
        };
        let scan = Scan { ticket: done.ticket, upload, path: self.contents.part_of(upload) };
        scanner.look(scan, &self.looked).map(|_| {
            let unlooked = self.contents.decide(upload, ScanVerdict::Unknown);
            ContentDone { ticket: done.ticket, result: unlooked.and(Err(Refusal::Busy)) }
        })
    }
}

impl<W: Fn()> Drop for ContentThread<W> {
    /// The owner is woken once more, also when the thread ends by itself.
    fn drop(&mut self) {
        self.answers = None;
        (self.wake)();
    }
}

impl ContentWorker {
    /// Starts it, with a program that looks at each new file, if there is one. `wake` is called on it after each answer, and once more when it
    /// ends.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(contents: Contents, scanner: Option<PathBuf>, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        Self::within(contents, scanner.map(|program| Scanner::new(program, SCAN_WITHIN)), wake)
    }

    fn within(mut contents: Contents, scanner: Option<Scanner>, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        if scanner.is_some() {
            contents.ask_about_all();
        }
        let (jobs, to_do) = mpsc::sync_channel::<ContentOrder>(CONTENT_JOBS_MAX);
        let (done_there, done) = mpsc::channel();
        let there = ContentThread { contents, scanner, looked: jobs.clone(), answers: Some(done_there), wake };
        let thread = std::thread::Builder::new().name("contents".into()).spawn(move || there.run(&to_do))?;
        Ok(Self { jobs: Some(jobs), done, thread: Some(thread), stopped: false })
    }

    /// Hands in a job; gives it back when too many wait.
    ///
    /// # Errors
    /// The job, which was not taken.
    pub fn try_submit(&self, job: ContentJob) -> Result<(), ContentJob> {
        match &self.jobs {
            Some(jobs) => match jobs.try_send(ContentOrder::Job(job)) {
                Err(mpsc::TrySendError::Full(ContentOrder::Job(job)) | mpsc::TrySendError::Disconnected(ContentOrder::Job(job))) => {
                    Err(job)
                }
                _ => Ok(()),
            },
            None => Err(job),
        }
    }

    /// The next answer that is ready.
    pub fn try_receive(&mut self) -> Option<ContentDone> {
        self.done.try_recv().inspect_err(|error| self.stopped |= *error == mpsc::TryRecvError::Disconnected).ok()
    }

    /// Whether the thread was found to have ended although nobody stopped it: known after [`ContentWorker::try_receive`] has found nothing more.
    pub const fn is_stopped(&self) -> bool {
        self.stopped
    }
}

impl Drop for ContentWorker {
    /// What was handed in is done first: it is written, or read for nobody.
    fn drop(&mut self) {
        // The threads that look at files hold ends of the queue, too: it is told.
        let _ = self.jobs.take().map(|jobs| jobs.send(ContentOrder::End));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use belfry_core::chat::{AccountId, ContentHash};

    use super::super::{ContentTicket, ContentWork, UploadKey};
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_thread_that_ends_by_itself_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (wake, woken) = mpsc::channel();
        let mut worker = ContentWorker::spawn(Contents::at(folder.path()), None, move || {
            wake.send(()).unwrap_or_default();
            if !std::thread::panicking() {
                panic!("the test's own");
            }
        })
        .unwrap();
        let upload = UploadKey { account: AccountId(1), hash: ContentHash([7; 32]), bytes: 9 };
        worker.try_submit(ContentJob { ticket: ContentTicket(1), work: ContentWork::Pause(upload) }).unwrap();
        for _ in 0..2 {
            woken.recv_timeout(PATIENCE).unwrap();
        }
        assert!(worker.try_receive().is_some() && !worker.is_stopped());
        assert!(worker.try_receive().is_none() && worker.is_stopped());
    }
    #[cfg(unix)]
    #[test]
    fn nobody_can_have_a_file_before_it_was_looked_at_and_nobody_ever_one_that_was_refused() {
        use std::os::unix::fs::PermissionsExt as _;

        use belfry_core::chat::Block;

        let folder = tempfile::tempdir().unwrap();
        let (program, go) = (folder.path().join("scanner"), folder.path().join("go"));
        // It waits for a word, and refuses what has "virus" in it.
        let script = format!("#!/bin/sh\nwhile [ ! -e {} ]; do sleep 0.05; done\n! grep -q virus \"$1\"\n", go.display());
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (wake, woken) = mpsc::channel();
        let contents = Contents::at(&folder.path().join("contents"));
        let mut worker = ContentWorker::spawn(contents, Some(program), move || wake.send(()).unwrap_or_default()).unwrap();
        let upload = |bytes: &[u8]| UploadKey {
            account: AccountId(1),
            hash: ContentHash(*blake3::hash(bytes).as_bytes()),
            bytes: bytes.len() as u64,
        };
        let mut answers = Vec::new();
        for (ticket, content) in [(1, &b"harmless"[..]), (3, b"a virus")] {
            let (upload, block) = (upload(content), Block::new(content.to_vec()).unwrap());
            for (ticket, work) in [(ticket, ContentWork::Begin(upload)), (ticket + 1, ContentWork::Write { upload, offset: 0, block })] {
                worker.try_submit(ContentJob { ticket: ContentTicket(ticket), work }).unwrap();
            }
        }
        let read = |ticket, content: &[u8]| {
            let work = ContentWork::Read { hash: upload(content).hash, offset: 0, length: content.len() as u64 };
            ContentJob { ticket: ContentTicket(ticket), work }
        };
        worker.try_submit(read(5, b"harmless")).unwrap();
        // The same again meanwhile waits for what comes of it.
        worker.try_submit(ContentJob { ticket: ContentTicket(6), work: ContentWork::Begin(upload(b"harmless")) }).unwrap();
        let mut receive = |worker: &mut ContentWorker, count: usize| {
            while answers.len() < count {
                match worker.try_receive() {
                    Some(ContentDone { ticket, result }) => answers.push((ticket.0, result)),
                    None => woken.recv_timeout(PATIENCE).unwrap(),
                }
            }
            std::mem::take(&mut answers)
        };
        let begun = Ok(ContentOutcome::Begun { from: 0 });
        let before = receive(&mut worker, 4);
        assert_eq!(before, [(1, begun.clone()), (3, begun), (5, Err(Refusal::FileGone)), (6, Err(Refusal::Busy))]);
        std::fs::write(&go, "").unwrap();
        let mut after = receive(&mut worker, 2);
        after.sort_by_key(|(ticket, _)| *ticket);
        assert_eq!(after, [(2, Ok(ContentOutcome::Written { upto: 8, complete: true })), (4, Err(Refusal::FileForbidden))]);
        for (ticket, content) in [(7, &b"harmless"[..]), (8, b"a virus")] {
            worker.try_submit(read(ticket, content)).unwrap();
        }
        let had = receive(&mut worker, 2);
        assert!(matches!(&had[..], [(7, Ok(ContentOutcome::Read(_))), (8, Err(Refusal::FileGone))]), "{had:?}");
    }
}
