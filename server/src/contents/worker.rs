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
}

impl ContentWorker {
    /// Starts it. `wake` is called on it after each answer.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(mut contents: Contents, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (jobs, to_do) = mpsc::sync_channel::<ContentJob>(CONTENT_JOBS_MAX);
        let (done_there, done) = mpsc::channel();
        let thread = std::thread::Builder::new().name("contents".into()).spawn(move || {
            for job in to_do {
                if done_there.send(contents.answer(job)).is_err() {
                    return;
                }
                wake();
            }
        })?;
        Ok(Self { jobs: Some(jobs), done, thread: Some(thread) })
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
    pub fn try_receive(&self) -> Option<ContentDone> {
        self.done.try_recv().ok()
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
