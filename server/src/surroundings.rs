//! What is around the server and changes without its doing: the networks that the computer is in. Looked at on a thread of its own,
//! because the operating system may take its time to say.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::{io, thread};

use belfry_core::net::own_links;
use belfry_core::source::Links;

use crate::limits::SURROUNDINGS_EVERY;

/// How things are around the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The networks that are reached without a router.
    pub links: Links,
}

impl Surroundings {
    /// How they are now.
    pub(crate) fn look() -> Self {
        Self { links: own_links() }
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
    pub(crate) fn start(known: Surroundings, tell: impl Fn(Surroundings) -> bool + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = channel();
        thread::Builder::new().name("surroundings".into()).spawn(move || watch(known, &stopped, tell))?;
        Ok(Self { _stop: stop })
    }
}

fn watch(mut known: Surroundings, stopped: &Receiver<()>, tell: impl Fn(Surroundings) -> bool) {
    while stopped.recv_timeout(SURROUNDINGS_EVERY) == Err(RecvTimeoutError::Timeout) {
        let now = Surroundings::look();
        if now != known && tell(now.clone()) {
            known = now;
        }
    }
}
