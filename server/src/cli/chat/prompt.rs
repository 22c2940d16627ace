//! The line at the bottom of the terminal where a person types.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor, ExternalPrinter};

use crate::cli::session::Wake;
use crate::cli::{Ending, Outcome};

/// How often a prompt that is to end is told so: it may have been between two lines.
const WAKE_INTERVAL: Duration = Duration::from_millis(50);

/// The editor of the line.
pub(super) struct Prompt {
    editor: Editor<(), MemHistory>,
}

impl Prompt {
    /// An editor on this process' terminal.
    pub(super) fn open() -> Outcome<Self> {
        let config = Config::builder().auto_add_history(true).build();
        let history = MemHistory::with_config(&config);
        Editor::with_history(config, history).map(|editor| Self { editor }).map_err(|error| unusable(&error))
    }

    /// Prints above the line without disturbing what is being typed.
    pub(super) fn printer(&mut self) -> Outcome<impl ExternalPrinter + Send + use<>> {
        self.editor.create_external_printer().map_err(|error| unusable(&error))
    }

    /// Asks for a line with each prompt that comes and hands it on, until the prompts end or the person has had enough.
    pub(super) fn run(&mut self, prompts: &Receiver<String>, waker: &Sender<Wake>, finished: &AtomicBool) {
        while let Ok(prompt) = prompts.recv() {
            let (wake, last) = match self.editor.readline(&prompt) {
                Ok(line) => (Wake::Line(line.into_bytes()), false),
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => (Wake::InputEnded, true),
                Err(error) => (Wake::InputFailed(std::io::Error::other(error.to_string())), true),
            };
            if waker.send(wake).is_err() || last {
                break;
            }
        }
        finished.store(true, Ordering::SeqCst);
    }
}

/// Ends a prompt that still waits for a line, so that it gives the terminal back as it found it.
pub(super) fn end(finished: &AtomicBool) {
    while !finished.load(Ordering::SeqCst) {
        interrupt();
        std::thread::sleep(WAKE_INTERVAL);
    }
}

/// The editor takes this signal as Ctrl+C; between two lines it is this program's own handler that hears it.
#[cfg(unix)]
fn interrupt() {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGINT);
}

/// There is no such signal here: the person ends the line, as the last printed sentence asks.
#[cfg(not(unix))]
const fn interrupt() {}

/// What to add to a last sentence: how to leave, where the line cannot be ended from here.
pub(super) const LEAVE: &str = if cfg!(unix) { "" } else { " Press Enter to leave." };

pub(super) fn unusable(error: &ReadlineError) -> Ending {
    Ending::refused(format_args!("The terminal cannot be used: {error}."))
}
