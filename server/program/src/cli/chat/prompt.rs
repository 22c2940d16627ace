//! The line at the bottom of the terminal where a person types.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, ExternalPrinter, Helper};

use super::lines;
use crate::cli::session::Wake;
use crate::ending::{Ending, Outcome};

/// How often a prompt that is to end is told so: it may have been between two lines.
const WAKE_INTERVAL: Duration = Duration::from_millis(50);

/// How long the last lines may take to reach the screen.
const LAST_LINES_PATIENCE: Duration = Duration::from_millis(200);

/// What stands in the line now, and before which of its bytes the cursor does. The editor asks for a hint after each change and for
/// colours after each movement, and gives none of a line away that was interrupted.
#[derive(Default)]
pub(super) struct Draft(RefCell<(String, usize)>);

impl Draft {
    fn note(&self, line: &str, cursor: usize) {
        let mut draft = self.0.borrow_mut();
        line.clone_into(&mut draft.0);
        draft.1 = cursor;
    }
}

impl Hinter for Draft {
    type Hint = String;

    fn hint(&self, line: &str, cursor: usize, _: &Context<'_>) -> Option<String> {
        self.note(line, cursor);
        None
    }
}

impl Completer for Draft {
    type Candidate = String;
}
impl Highlighter for Draft {
    fn highlight_char(&self, line: &str, cursor: usize, _: CmdKind) -> bool {
        self.note(line, cursor);
        false
    }
}
impl Validator for Draft {}
impl Helper for Draft {}

/// Where a person types.
pub(super) enum Prompt {
    /// With an editor, on a terminal whose cursor can be moved.
    Edited(Box<Edited>),
    /// Line by line, as the terminal hands them over: Emacs' shell and its like are "dumb" terminals.
    Plain,
}

/// The editor, and what it needs around it.
pub(super) struct Edited {
    editor: Editor<Draft, MemHistory>,
    /// Ends when everything is printed.
    printing: Receiver<Infallible>,
    /// Dropped last: it gives the terminal back.
    _terminal: Terminal,
}

/// What comes is printed with this.
pub(super) enum Printer {
    /// Above the line, without disturbing what is being typed.
    Above(Sender<String>),
    /// Wherever the terminal is.
    Here,
}

impl ExternalPrinter for Printer {
    fn print(&mut self, message: String) -> rustyline::Result<()> {
        match self {
            Self::Above(queue) => queue.send(message).map_err(|_| std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()),
            Self::Here => {
                let mut out = std::io::stdout().lock();
                Ok(out.write_all(message.as_bytes()).and_then(|()| out.flush())?)
            }
        }
    }
}

impl Prompt {
    /// A prompt on this process' terminal, and how to print beside it.
    pub(super) fn open() -> Outcome<(Self, Printer)> {
        let config = Config::builder().auto_add_history(true).build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history).map_err(|error| unusable(&error))?;
        // On a terminal that the editor cannot edit on, it cannot print above the line either.
        let Ok(mut printer) = editor.create_external_printer() else { return Ok((Self::Plain, Printer::Here)) };
        editor.set_helper(Some(Draft::default()));
        // The editor takes one message at a time, and none between two lines: whoever prints must not wait for it, or the next line would
        // be waited for by both.
        let (queue, messages) = mpsc::channel::<String>();
        let (until_printed, printing) = mpsc::channel();
        std::thread::spawn(move || {
            let _until_printed: Sender<Infallible> = until_printed;
            messages.into_iter().try_for_each(|message| printer.print(message))
        });
        Ok((Self::Edited(Box::new(Edited { editor, printing, _terminal: Terminal::keep_everything() })), Printer::Above(queue)))
    }

    /// Lets what was printed last reach the screen; whoever prints has to be gone.
    pub(super) fn finish(self) {
        if let Self::Edited(edited) = self {
            let _ = edited.printing.recv_timeout(LAST_LINES_PATIENCE);
        }
    }

    /// Asks for a line with each prompt that comes and hands it on, until the prompts end or the person has had enough.
    pub(super) fn run(&mut self, prompts: &Receiver<String>, waker: &Sender<Wake>, finished: &AtomicBool) {
        match self {
            Self::Edited(edited) => edit(&mut edited.editor, prompts, waker),
            Self::Plain => read(prompts, waker.clone()),
        }
        finished.store(true, Ordering::SeqCst);
    }
}

fn edit(editor: &mut Editor<Draft, MemHistory>, prompts: &Receiver<String>, waker: &Sender<Wake>) {
    let mut begun = (String::new(), String::new());
    // A terminal that has typed one byte in another encoding types others, and Arrow up brings the line back.
    let mut other_encoding = false;
    while let Ok(prompt) = prompts.recv() {
        let (left, right) = core::mem::take(&mut begun);
        let (wake, last) = match editor.readline_with_initial(&prompt, (&left, &right)) {
            Ok(line) if other_encoding => (Wake::Line(as_typed(&line)), false),
            Ok(line) => (Wake::Line(line.into_bytes()), false),
            Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                other_encoding = true;
                begun = with_unreadable(editor);
                forget_pending();
                (Wake::Unreadable, false)
            }
            Err(ReadlineError::Interrupted) if keep_draft(editor) => (Wake::LineKept, false),
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => (Wake::InputEnded, true),
            Err(error) => (Wake::InputFailed(std::io::Error::other(error.to_string())), true),
        };
        if waker.send(wake).is_err() || last {
            break;
        }
    }
}

fn read(prompts: &Receiver<String>, waker: Sender<Wake>) {
    let (permit, permissions) = mpsc::channel();
    // Not joined: it may be waiting for a line that never comes when the chat ends.
    std::thread::spawn(move || lines::read(std::io::stdin().lock(), &permissions, &waker));
    // No prompt is shown: what comes would stand behind it.
    while prompts.recv().is_ok() {
        let _ = permit.send(());
    }
}

/// What stands in the line for a byte that is not UTF-8, where it was typed.
pub(super) const UNREADABLE: char = char::REPLACEMENT_CHARACTER;

/// The line that the editor has given up because of such a byte, before and behind the cursor: it goes on with it, so that what is typed
/// after the byte is never said alone.
fn with_unreadable(editor: &Editor<Draft, MemHistory>) -> (String, String) {
    let (line, cursor) = editor.helper().map(|draft| draft.0.take()).unwrap_or_default();
    let (left, right) = line.split_at_checked(cursor).unwrap_or((&line, ""));
    (format!("{left}{UNREADABLE}"), right.to_owned())
}

/// The line with a byte that is no UTF-8 wherever one was typed.
fn as_typed(line: &str) -> Vec<u8> {
    line.split(UNREADABLE).map(str::as_bytes).collect::<Vec<_>>().join(&0xff)
}

/// Takes what the terminal holds: the editor has lost what it had read beyond that byte, and the end of a paste is no line of its own.
#[cfg(unix)]
fn forget_pending() {
    let _ = nix::sys::termios::tcflush(std::io::stdin(), nix::sys::termios::FlushArg::TCIFLUSH);
}

/// A console types no bytes.
#[cfg(not(unix))]
const fn forget_pending() {}

/// Keeps what stood in an interrupted line where Arrow up finds it; whether something did.
fn keep_draft(editor: &mut Editor<Draft, MemHistory>) -> bool {
    let (draft, _) = editor.helper().map(|draft| draft.0.take()).unwrap_or_default();
    // What cannot be kept is no reason to leave: the line still stands on the screen.
    !draft.trim().is_empty() && editor.add_history_entry(draft).is_ok()
}

/// The terminal between two lines. The editor sets it for each line and gives it back after it as it was; what is pasted meanwhile would be
/// echoed, edited and cut by the terminal itself. So it is set once for the whole chat, and given back at its end.
#[cfg(unix)]
pub(super) struct Terminal(Option<nix::sys::termios::Termios>);

#[cfg(unix)]
impl Terminal {
    fn keep_everything() -> Self {
        use nix::sys::termios::{InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, tcgetattr, tcsetattr};

        let Ok(found) = tcgetattr(std::io::stdin()) else { return Self(None) };
        let mut between = found.clone();
        between.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::IEXTEN);
        between.input_flags.remove(InputFlags::ICRNL | InputFlags::INLCR | InputFlags::IGNCR);
        for (which, value) in [(SpecialCharacterIndices::VMIN, 1), (SpecialCharacterIndices::VTIME, 0)] {
            if let Some(character) = between.control_chars.get_mut(which as usize) {
                *character = value;
            }
        }
        Self(tcsetattr(std::io::stdin(), SetArg::TCSADRAIN, &between).is_ok().then_some(found))
    }
}

#[cfg(unix)]
impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(found) = &self.0 {
            // A terminal that is gone needs nothing back.
            let _ = nix::sys::termios::tcsetattr(std::io::stdin(), nix::sys::termios::SetArg::TCSADRAIN, found);
        }
    }
}

/// A console keeps what is pasted until it is read, whoever reads it.
#[cfg(not(unix))]
pub(super) struct Terminal;

#[cfg(not(unix))]
impl Terminal {
    const fn keep_everything() -> Self {
        Self
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
