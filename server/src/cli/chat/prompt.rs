//! The line at the bottom of the terminal where a person types.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, ExternalPrinter, Helper};

use crate::cli::session::Wake;
use crate::cli::{Ending, Outcome};

/// How often a prompt that is to end is told so: it may have been between two lines.
const WAKE_INTERVAL: Duration = Duration::from_millis(50);

/// What stands in the line now. The editor asks for a hint after each change, and gives none of a line away that was interrupted.
#[derive(Default)]
struct Draft(RefCell<String>);

impl Hinter for Draft {
    type Hint = String;

    fn hint(&self, line: &str, _: usize, _: &Context<'_>) -> Option<String> {
        line.clone_into(&mut self.0.borrow_mut());
        None
    }
}

impl Completer for Draft {
    type Candidate = String;
}
impl Highlighter for Draft {}
impl Validator for Draft {}
impl Helper for Draft {}

/// The editor of the line.
pub(super) struct Prompt {
    editor: Editor<Draft, MemHistory>,
}

impl Prompt {
    /// An editor on this process' terminal.
    pub(super) fn open() -> Outcome<Self> {
        let config = Config::builder().auto_add_history(true).build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history).map_err(|error| unusable(&error))?;
        editor.set_helper(Some(Draft::default()));
        Ok(Self { editor })
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
                Err(ReadlineError::Interrupted) if self.keep_draft() => (Wake::LineKept, false),
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

impl Prompt {
    /// Keeps what stood in an interrupted line where Arrow up finds it; whether something did.
    fn keep_draft(&mut self) -> bool {
        let draft = self.editor.helper().map(|draft| draft.0.take()).unwrap_or_default();
        // What cannot be kept is no reason to leave: the line still stands on the screen.
        !draft.trim().is_empty() && self.editor.add_history_entry(draft).is_ok()
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
