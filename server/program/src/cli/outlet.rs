//! Standard output behind a queue: a reader that stands still holds up what is printed, but not who prints it from being stopped.

use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::session::Wake;
use crate::ending::{Ending, Outcome};
use crate::output;

/// Lines that wait for the reader. Beyond that nothing more is taken from the server, which keeps it.
const LINES_MAX: usize = 1000;

/// How long a command that is stopped waits for its reader to take what was printed before.
const LAST_LINES_PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct OutletState {
    lines: VecDeque<String>,
    /// A line is being written.
    writing: bool,
    /// Nobody waits for the reader any more.
    released: bool,
    /// Why nothing can be written.
    failed: Option<Ending>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<OutletState>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, OutletState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, condition: impl FnMut(&mut OutletState) -> bool) -> MutexGuard<'_, OutletState> {
        self.changed.wait_while(self.lock(), condition).unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way to standard output.
#[derive(Clone, Debug)]
pub(super) struct Outlet(Arc<Shared>);

impl Outlet {
    /// Opens it: lines are written by a thread of its own, which says through `waker` when the reader has gone.
    pub(super) fn open(waker: Sender<Wake>) -> Self {
        Self::to(waker, |line: &str| output::line(line))
    }

    fn to(waker: Sender<Wake>, write: impl Fn(&str) -> Outcome + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let outlet = Self(shared.clone());
        // Not joined: it may be waiting for a reader that never comes when the command ends.
        std::thread::spawn(move || {
            loop {
                let mut state = shared.wait_while(|state| state.lines.is_empty());
                let Some(line) = state.lines.pop_front() else { continue };
                state.writing = true;
                drop(state);
                let written = write(&line);
                let mut state = shared.lock();
                state.writing = false;
                if let Err(ending) = written {
                    state.failed = Some(ending.clone());
                    state.lines.clear();
                    shared.changed.notify_all();
                    let _ = waker.send(Wake::OutputFailed(ending));
                    return;
                }
                shared.changed.notify_all();
            }
        });
        outlet
    }

    /// Prints a line once there is room for it in the queue; never again after [`Outlet::release`].
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(super) fn print(&self, line: String) -> Outcome {
        let mut state = self.0.wait_while(|state| state.lines.len() >= LINES_MAX && !state.released && state.failed.is_none());
        match &state.failed {
            Some(ending) => return Err(ending.clone()),
            None if state.released => {}
            None => state.lines.push_back(line),
        }
        self.0.changed.notify_all();
        Ok(())
    }

    /// The command is to end: nobody waits for the reader any more.
    pub(super) fn release(&self) {
        self.0.lock().released = true;
        self.0.changed.notify_all();
    }

    /// Gives the reader a moment to take what was printed.
    pub(super) fn finish(self) {
        let unwritten = |state: &mut OutletState| (state.writing || !state.lines.is_empty()) && state.failed.is_none();
        let _ = self.0.changed.wait_timeout_while(self.0.lock(), LAST_LINES_PATIENCE, unwritten);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn lines_come_out_in_order() {
        let (waker, _wakes) = mpsc::channel();
        let (seen, lines) = mpsc::channel();
        let outlet = Outlet::to(waker, move |line: &str| {
            let _ = seen.send(line.to_owned());
            Ok(())
        });
        for n in 0..3 * LINES_MAX {
            outlet.print(n.to_string()).unwrap();
        }
        outlet.finish();
        assert!(lines.try_iter().eq((0..3 * LINES_MAX).map(|n| n.to_string())));
    }

    #[test]
    fn a_reader_that_stands_still_holds_nobody_who_is_to_end() {
        let (waker, _wakes) = mpsc::channel();
        let (_stuck, never) = mpsc::channel::<()>();
        let never = Mutex::new(never);
        let outlet = Outlet::to(waker, move |_: &str| {
            let _ = never.lock().unwrap().recv();
            Ok(())
        });
        let printing = outlet.clone();
        let printer = std::thread::spawn(move || (0..2 * LINES_MAX).try_for_each(|n| printing.print(n.to_string())));
        outlet.release();
        assert_eq!(printer.join().unwrap(), Ok(()));
        assert!(outlet.0.lock().lines.len() <= LINES_MAX);
    }

    #[test]
    fn a_reader_that_has_gone_wakes_the_command() {
        let (waker, wakes) = mpsc::channel();
        let outlet = Outlet::to(waker, |_: &str| Err(Ending::quiet(crate::ending::Exit::Done)));
        outlet.print("one".into()).unwrap();
        assert!(matches!(wakes.recv(), Ok(Wake::OutputFailed(_))));
        assert_eq!(outlet.print("two".into()), Err(Ending::quiet(crate::ending::Exit::Done)));
    }
}
