//! What is around the server and changes without its doing: the networks that the computer is in, the room on
//! its disk. Looked at on a thread of its own,
//! because the operating system may take its time to say.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::{io, thread};

use belfry_core::net::own_links;
use belfry_core::source::Links;

use crate::heap::Heap;
use crate::limits::SURROUNDINGS_EVERY;

/// Free room is told in steps of this.
const DISK_GRAIN_BYTES: u64 = 16 * 1024 * 1024;

/// How things are around the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The networks that are reached without a router.
    pub links: Links,
    /// Bytes that are free where the database is, to the nearest 16 MiB below; nothing where the operating system does not say.
    pub disk_free_bytes: Option<u64>,
}

impl Surroundings {
    /// How they are now.
    pub(crate) fn look(data: &Path) -> Self {
        // Coarsely, so that it is news only now and then.
        let disk_free_bytes = fs4::available_space(data).ok().map(|free| free & !(DISK_GRAIN_BYTES - 1));
        Self { links: own_links(), disk_free_bytes }
    }
}

/// The thread that looks. It ends by itself once this is dropped: a disk that hangs must not hold up the server's end.
#[derive(Debug)]
pub(crate) struct Watch {
    _stop: Sender<()>,
}

impl Watch {
    /// Tells of every change from `known` on. `tell` says whether it has taken the news; what it has not is told again.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(data: PathBuf, known: Surroundings, tell: impl Fn(Surroundings) -> bool + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = channel();
        thread::Builder::new().name("surroundings".into()).spawn(move || watch(&data, known, &stopped, tell))?;
        Ok(Self { _stop: stop })
    }
}

fn watch(data: &Path, mut known: Surroundings, stopped: &Receiver<()>, tell: impl Fn(Surroundings) -> bool) {
    let mut heap = Heap::default();
    while stopped.recv_timeout(SURROUNDINGS_EVERY) == Err(RecvTimeoutError::Timeout) {
        heap.look();
        let now = Surroundings::look(data);
        if now != known && tell(now.clone()) {
            known = now;
        }
    }
}
