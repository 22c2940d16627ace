//! A thread beside the store's that only reads: lists on one, searches on another.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::{io, thread};

use super::apply::StoreReader;
use super::{Done, Job};

/// A thread that reads what may take long.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) jobs: Sender<Job>,
    pub(super) found: Receiver<Done>,
    pub(super) thread: JoinHandle<()>,
}

impl Reading {
    pub(super) fn spawn(name: &str, reader: StoreReader, wake: Arc<impl Fn() + Send + Sync + 'static>) -> io::Result<Self> {
        // How many wait in it is counted in front of it.
        let (jobs, to_do) = channel();
        let (answers, found) = channel();
        let side = ReadingThread { to_do, answers: Some(answers), wake: move || wake() };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || side.run(reader))?;
        Ok(Self { jobs, found, thread })
    }
}

/// The side of a thread that reads.
struct ReadingThread<W: Fn()> {
    to_do: Receiver<Job>,
    /// `Some` until the end.
    answers: Option<Sender<Done>>,
    wake: W,
}

impl<W: Fn()> ReadingThread<W> {
    fn run(self, mut reader: StoreReader) {
        while let Ok(job) = self.to_do.recv() {
            let found = reader.answer(job);
            // Whatever else waits changes nothing, so nobody misses it.
            if self.answers.as_ref().is_none_or(|answers| answers.send(found).is_err()) {
                return;
            }
            (self.wake)();
        }
    }
}

/// Also when the thread panics: the owner wakes and finds that nobody answers any more.
impl<W: Fn()> Drop for ReadingThread<W> {
    fn drop(&mut self) {
        self.answers = None;
        (self.wake)();
    }
}
