//! The second implementation, in Python, as the process tests run it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::{Finished, Process};

/// How to get what it needs.
const REMEDY: &str = "on Debian and Ubuntu `apt-get install python3-cryptography`, elsewhere `python3 -m pip install cryptography`; \
                      BELFRY_PYTHON names another interpreter than python3, and scripts/test finds or makes one";

/// A Python that has the package `cryptography`: the one that `BELFRY_PYTHON` names, or `python3`.
///
/// `None`, with a loud remark, when there is none and nobody has to care.
///
/// # Panics
/// There is none, and this is CI (`CI=true`).
pub fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PYTHON.get_or_init(|| {
        let python = PathBuf::from(std::env::var_os("BELFRY_PYTHON").unwrap_or_else(|| "python3".into()));
        let tried = Command::new(&python).args(["-c", "import cryptography"]).stdin(Stdio::null()).output();
        let what = match tried {
            Ok(tried) if tried.status.success() => return Some(python),
            Ok(tried) => String::from_utf8_lossy(&tried.stderr).lines().last().unwrap_or("it says nothing").to_owned(),
            Err(error) => error.to_string(),
        };
        let remark = format!("{} cannot run the Python peer ({what}): {REMEDY}", python.display());
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{remark}");
        // Past the capture of a passing test's output.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("SKIPPED: {remark}\n").as_bytes());
        None
    });
    found.as_deref()
}

/// A program of `tests/interop` with these arguments.
pub fn script(python: &Path, name: &str, arguments: &[&str]) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name);
    let mut command = Command::new(python);
    // What it compiles stays out of the source tree; what it prints is text whatever the surroundings say.
    command.args(["-B", "-X", "utf8"]).arg(file).args(arguments);
    command
}

/// Somebody who speaks through the Python peer.
#[derive(Clone, Debug)]
pub struct PythonPerson {
    python: &'static Path,
    server: String,
    name: String,
}

impl PythonPerson {
    /// Somebody who has an account from now on; their password is their name's secret.
    pub fn register(python: &'static Path, server: SocketAddr, name: &str) -> Self {
        let person = Self { python, server: server.to_string(), name: name.to_owned() };
        // Registering is a by-product of any command.
        person.run_with(&["--register"], &["history"]).done();
        person
    }

    fn command(&self, options: &[&str], command: &[&str]) -> Command {
        let password = format!("{}'s secret", self.name);
        let who = ["--server", &self.server, "--user", &self.name, "--password", &password];
        script(self.python, "belfry_peer.py", &[&who, options, command].concat())
    }

    /// Runs a command to its end.
    pub fn run(&self, command: &[&str]) -> Finished {
        self.run_with(&[], command)
    }

    /// The same with options of its own.
    pub fn run_with(&self, options: &[&str], command: &[&str]) -> Finished {
        Process::run(&mut self.command(options, command))
    }

    /// `listen`, connected, until the process is dropped.
    pub fn listen(&self, options: &[&str], more: &[&str]) -> Process {
        let mut listener = Process::start(&mut self.command(options, &[&["listen", "600"], more].concat()));
        listener.event(|event| event["event"] == "connected");
        listener
    }
}
