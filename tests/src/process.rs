//! The real program as the process tests run it: servers and commands are processes with folders of their own, on ports that the
//! system chooses. Nothing waits without a deadline, and every process ends with the test that started it.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

#[cfg(unix)]
use nix::sys::signal::{Signal, kill};
use serde_json::Value;

mod python;
mod server;

pub use python::{PythonPerson, python, script};
pub use server::{ADMIN_PASSWORD, Person, Server};

/// How long anything may take that is not about time: programs without optimisation on a busy computer are slow.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often a process that is about to end is asked whether it has.
const POLL: Duration = Duration::from_millis(5);

/// How the prompt of the chat in the lobby ends: once it is on the screen, keys are for the chat.
pub const PROMPT: &str = "lobby> ";

/// The program, beside the tests where cargo builds it.
///
/// # Panics
/// It has not been built, or its sources have changed since.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("a test knows where it is");
        // target/debug/deps/process-1234 → target/debug/belfry
        let folder = test.ancestors().nth(2).expect("cargo puts tests two folders deep");
        let program = folder.join(format!("belfry{}", std::env::consts::EXE_SUFFIX));
        let built = fs::metadata(&program).and_then(|data| data.modified());
        let built = built.unwrap_or_else(|_| panic!("{} is missing: run `cargo build` first", program.display()));
        // cargo's own list of what the program was made from.
        let sources = fs::read_to_string(folder.join("belfry.d")).unwrap_or_default();
        let newer = sources.split_whitespace().skip(1).find(|file| fs::metadata(file).is_ok_and(|data| data.modified().unwrap() > built));
        if let Some(file) = newer {
            panic!("{} is older than {file}: run `cargo build` first", program.display());
        }
        program
    })
}

/// A command line of the program, without anything of the surroundings that could change what it does.
pub fn belfry<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BELFRY_") {
            command.env_remove(name);
        }
    }
    command.env_remove("CARGO").env("TZ", "UTC").args(arguments);
    command
}

/// A process that is running; killed when dropped.
pub struct Process {
    what: String,
    child: Child,
    input: Option<Box<dyn Write + Send>>,
    lines: Receiver<String>,
    complaints: Option<JoinHandle<String>>,
    /// Lines that have been read.
    read: Vec<String>,
}

/// How a process has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The exit code; `None` when a signal has ended it.
    pub code: Option<i32>,
    /// Everything it has said on standard output.
    pub out: String,
    /// Everything it has said on standard error.
    pub err: String,
}

impl Process {
    /// Starts it with pipes for its input and its output.
    pub fn start(command: &mut Command) -> Self {
        let what = format!("{:?}", command.get_args().collect::<Vec<_>>());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let input = child.stdin.take();
        let (out, mut err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        let complaints = thread::spawn(move || {
            let mut said = Vec::new();
            let _ = err.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        Self {
            what,
            child,
            input: input.map(|input| Box::new(input) as _),
            lines: lines(out, None),
            complaints: Some(complaints),
            read: Vec::new(),
        }
    }

    /// Starts it on a terminal, which types what is written and shows both what is typed and what is said.
    #[cfg(unix)]
    pub fn start_on_terminal(command: &mut Command) -> Self {
        Self::start_on_terminal_called(command, "xterm")
    }

    /// The same, on a terminal that says that it is of this kind.
    #[cfg(unix)]
    pub fn start_on_terminal_called(command: &mut Command, kind: &str) -> Self {
        let what = format!("{:?} on a terminal", command.get_args().collect::<Vec<_>>());
        let terminal = nix::pty::openpty(None, None).expect("a terminal");
        let side = || Stdio::from(terminal.slave.try_clone().expect("a terminal"));
        let child = command.env("TERM", kind).stdin(side()).stdout(side()).stderr(side()).spawn().expect("the program starts");
        let screen = fs::File::from(terminal.master);
        let keyboard = screen.try_clone().expect("a terminal");
        Self { what, child, input: Some(Box::new(keyboard)), lines: lines(screen, Some(PROMPT)), complaints: None, read: Vec::new() }
    }

    /// Starts it without an input and waits for its end.
    pub fn run(command: &mut Command) -> Finished {
        let mut process = Self::start(command);
        process.end_input();
        process.finish()
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line on standard output; `None` at its end.
    pub fn line(&mut self) -> Option<String> {
        self.line_within(PATIENCE)
    }

    fn line_within(&mut self, patience: Duration) -> Option<String> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => {
                self.read.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.give_up("has not said what was waited for"),
        }
    }

    /// Reads up to the first line with these words in it.
    pub fn line_with(&mut self, words: &str) -> String {
        loop {
            match self.line() {
                Some(line) if line.contains(words) => return line,
                Some(_) => {}
                None => self.give_up("has ended before it said what was waited for"),
            }
        }
    }

    /// Reads up to the first event (a line of JSON) that pleases.
    pub fn event(&mut self, pleases: impl Fn(&Value) -> bool) -> Value {
        self.event_within(PATIENCE, pleases)
    }

    /// The same with a limit that is the subject of the test.
    pub fn event_within(&mut self, limit: Duration, pleases: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + limit;
        loop {
            let Some(line) = self.line_within(deadline.saturating_duration_since(Instant::now())) else {
                self.give_up("has ended before it said what was waited for")
            };
            let event = json(&line);
            if pleases(&event) {
                return event;
            }
        }
    }

    /// Every event that has been read.
    pub fn already(&self) -> Vec<Value> {
        self.read.iter().map(|line| json(line)).collect()
    }

    /// Every event up to and with the first message of this text.
    pub fn events_until_message(&mut self, text: &str) -> Vec<Value> {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &Value| event["text"] != text) {
            events.push(self.event(|_| true));
        }
        events
    }

    /// Writes to its standard input. What it no longer wants to read is lost.
    pub fn write(&mut self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    /// Writes to its standard input what may be in any encoding.
    pub fn write_bytes(&mut self, bytes: &[u8]) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(bytes);
        }
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Asks it to end, as Ctrl+C or the service manager does.
    #[cfg(unix)]
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Asks it to read its configuration again.
    #[cfg(unix)]
    pub fn hang_up(&self) {
        self.signal(Signal::SIGHUP);
    }

    /// Its computer falls asleep.
    #[cfg(unix)]
    pub fn suspend(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Its computer wakes up.
    #[cfg(unix)]
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    #[cfg(unix)]
    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("process numbers are small");
        let _ = kill(nix::unistd::Pid::from_raw(id), signal);
    }

    /// Ends it without a chance to say or store anything.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        while self.line().is_some() {}
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                _ => self.give_up("does not end"),
            }
        };
        let out = self.read.iter().map(|line| format!("{line}\n")).collect();
        Finished { code: status.code(), out, err: self.complaints() }
    }

    fn complaints(&mut self) -> String {
        self.complaints.take().and_then(|reader| reader.join().ok()).unwrap_or_default()
    }

    fn give_up(&mut self, why: &str) -> ! {
        self.kill();
        let complaints = self.complaints();
        let from = self.read.len().saturating_sub(20);
        panic!("{} {why}; its last lines: {:#?}; its standard error:\n{complaints}", self.what, &self.read[from..]);
    }
}

/// Reads lines as they come; what ends like this counts as one, too. A terminal ends with an error when its last user is gone.
fn lines(out: impl Read + Send + 'static, prompt: Option<&'static str>) -> Receiver<String> {
    let (line, lines) = channel();
    thread::spawn(move || {
        let mut said = Vec::new();
        for byte in BufReader::new(out).bytes().map_while(Result::ok) {
            said.push(byte);
            let complete = byte == b'\n' || prompt.is_some_and(|prompt| said.ends_with(prompt.as_bytes()));
            if complete && line.send(text(&mut said)).is_err() {
                return;
            }
        }
        if !said.is_empty() {
            let _ = line.send(text(&mut said));
        }
    });
    lines
}

/// A line without its end.
fn text(said: &mut Vec<u8>) -> String {
    let line = String::from_utf8_lossy(said).trim_end_matches(['\r', '\n']).to_owned();
    said.clear();
    line
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Finished {
    /// Its output, if it did what it should without a complaint.
    pub fn done(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "it said {:?}", self.out);
        self.out
    }

    /// The same as JSON, an object for each line.
    pub fn objects(self) -> Vec<Value> {
        self.done().lines().map(json).collect()
    }

    /// What it complains of, if it ends with this code and nothing but one sentence.
    pub fn refused(self, code: i32) -> String {
        let sentence = self.err.strip_prefix("belfry: ").and_then(|said| said.strip_suffix('\n')).unwrap_or("");
        let one_sentence = !sentence.is_empty() && !sentence.contains('\n');
        assert!(self.code == Some(code) && self.out.is_empty() && one_sentence, "{self:#?}");
        sentence.to_owned()
    }
}

/// Asks again until it is so: what a process was told to do is done soon, not at once.
///
/// # Panics
/// It is not so within [`PATIENCE`].
pub fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(POLL);
    }
}

/// A line of JSON.
pub fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?} is no JSON: {error}"))
}

/// The texts of the messages among these objects.
pub fn texts(objects: &[Value]) -> Vec<String> {
    objects.iter().filter_map(|object| object["text"].as_str()).map(ToOwned::to_owned).collect()
}

/// What is in a folder.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    paths.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect()
}
