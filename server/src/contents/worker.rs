//! The thread that owns the folder of contents while the server runs: nothing on the loop waits for a disk.

use std::sync::mpsc;
use std::thread::JoinHandle;

use super::{ContentDone, ContentJob, Contents};
use crate::limits::CONTENT_JOBS_MAX;

/// The thread, seen from the one that asks.
#[derive(Debug)]
pub struct ContentWorker {
    jobs: Option<mpsc::SyncSender<ContentJob>>,
    done: mpsc::Receiver<ContentDone>,
    thread: Option<JoinHandle<()>>,
    stopped: bool,
}

/// The thread's side.
struct ContentThread<W: Fn()> {
    contents: Contents,
    /// `Some` until the end.
    answers: Option<mpsc::Sender<ContentDone>>,
    wake: W,
}

impl<W: Fn()> ContentThread<W> {
    fn run(mut self, to_do: &mpsc::Receiver<ContentJob>) {
        for job in to_do {
            let done = self.contents.answer(job);
            if self.answers.as_ref().is_none_or(|answers| answers.send(done).is_err()) {
                return;
            }
            (self.wake)();
        }
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
    /// Starts it. `wake` is called on it after each answer, and once more when it ends.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(contents: Contents, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (jobs, to_do) = mpsc::sync_channel::<ContentJob>(CONTENT_JOBS_MAX);
        let (done_there, done) = mpsc::channel();
        let there = ContentThread { contents, answers: Some(done_there), wake };
        let thread = std::thread::Builder::new().name("contents".into()).spawn(move || there.run(&to_do))?;
        Ok(Self { jobs: Some(jobs), done, thread: Some(thread), stopped: false })
    }

    /// Hands in a job; gives it back when too many wait.
    ///
    /// # Errors
    /// The job, which was not taken.
    pub fn try_submit(&self, job: ContentJob) -> Result<(), ContentJob> {
        match &self.jobs {
            Some(jobs) => jobs.try_send(job).map_err(|error| match error {
                mpsc::TrySendError::Full(job) | mpsc::TrySendError::Disconnected(job) => job,
            }),
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
        self.jobs = None;
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
        let mut worker = ContentWorker::spawn(Contents::at(folder.path()), move || {
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
}
