//! A server with a folder of its own, and people with profiles of their own who run commands.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Finished, Process, belfry, texts};

/// The administrator's password on servers that tests start.
pub const ADMIN_PASSWORD: &str = "the administrator's secret";

/// A running server; killed when dropped.
pub struct Server {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// The link that it prints for people.
    pub link: String,
    folder: TempDir,
}

impl Server {
    /// A server on the loopback interface with an empty folder; its administrator has [`ADMIN_PASSWORD`].
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// The same, with arguments or variables of one's own.
    pub fn start_with(change: impl FnOnce(&mut Command)) -> Self {
        Self::start_at("127.0.0.1:0", change)
    }

    /// The same, on another address.
    pub fn start_at(listen: &str, change: impl FnOnce(&mut Command)) -> Self {
        Self::start_in_at(TempDir::new().expect("a folder"), listen, change)
    }

    /// The same, in the folder of one that has stopped.
    pub fn start_in(folder: TempDir, change: impl FnOnce(&mut Command)) -> Self {
        Self::start_in_at(folder, "127.0.0.1:0", change)
    }

    fn start_in_at(folder: TempDir, listen: &str, change: impl FnOnce(&mut Command)) -> Self {
        let (process, address, link) = serve(&folder.path().join("data"), listen, change);
        Self { process, address, link, folder }
    }

    /// A server on a copy of this data folder, whose administrator's password is the one that stands in it.
    pub fn start_from(data: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let copy = folder.path().join("data");
        fs::create_dir(&copy).expect("a folder");
        for file in fs::read_dir(data).expect("a data folder") {
            let file = file.expect("a file");
            fs::copy(file.path(), copy.join(file.file_name())).expect("it can be copied");
        }
        let (process, address, link) = serve(&copy, "127.0.0.1:0", change);
        Self { process, address, link, folder }
    }

    /// Stops it politely and starts it on the same folder and port.
    #[cfg(unix)]
    pub fn restart(self) -> Self {
        self.restart_after(|| {})
    }

    /// Stops it politely, lets something be done to its folder and starts it there on the same port.
    #[cfg(unix)]
    pub fn restart_after(self, act: impl FnOnce()) -> Self {
        let address = self.address.to_string();
        let (_, folder) = self.stop();
        act();
        Self::start_in_at(folder, &address, |_| {})
    }

    /// Kills it in the middle of whatever it does, and starts it on the same folder and port.
    pub fn crash_and_restart(&mut self) {
        self.process.kill();
        let (process, ..) = serve(&self.data(), &self.address.to_string(), |_| {});
        self.process = process;
    }

    /// Kills it and starts one with another identity and nobody in it on the same port.
    pub fn replace(&mut self) {
        self.process.kill();
        let (process, ..) = serve(&self.folder.path().join("other"), &self.address.to_string(), |_| {});
        self.process = process;
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to read its configuration again.
    #[cfg(unix)]
    pub fn reload(&self) {
        self.process.hang_up();
    }

    /// What it says next that has these words in it.
    pub fn says(&mut self, words: &str) -> String {
        self.process.line_with(words)
    }

    /// Stops it politely and says how it ended.
    #[cfg(unix)]
    pub fn stop(self) -> (Finished, TempDir) {
        self.process.terminate();
        (self.process.finish(), self.folder)
    }

    /// Somebody who speaks to it from this address: its own, or a relay's.
    pub fn person_at(&self, address: SocketAddr, name: &str) -> Person {
        let password = if name == "admin" { ADMIN_PASSWORD.to_owned() } else { format!("{name}'s secret") };
        let profile = self.folder.path().join(format!("profile of {name}"));
        Person { name: name.to_owned(), password, server: address.to_string(), profile }
    }

    /// Somebody who has no account yet.
    pub fn stranger(&self, name: &str) -> Person {
        self.person_at(self.address, name)
    }

    /// The first administrator.
    pub fn admin(&self) -> Person {
        self.stranger("admin")
    }

    /// Somebody with an account.
    pub fn person(&self, name: &str) -> Person {
        let person = self.stranger(name);
        person.register();
        person
    }
}

/// Starts a server and waits until it is ready.
fn serve(data: &Path, listen: &str, change: impl FnOnce(&mut Command)) -> (Process, SocketAddr, String) {
    let mut command = belfry(["serve", "--listen", listen, "--data"]);
    command.arg(data).env("BELFRY_ADMIN_PASSWORD", ADMIN_PASSWORD);
    change(&mut command);
    let mut process = Process::start(&mut command);
    let address = process.line_with("listening on ")["listening on ".len()..].parse().expect("an address");
    let link = process.line_with("join ")["join ".len()..].to_owned();
    (process, address, link)
}

/// Somebody with a profile of their own, for whom commands run.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub name: String,
    /// Its password.
    pub password: String,
    /// What the commands are told as `--server`.
    pub server: String,
    profile: PathBuf,
}

impl Person {
    /// The same person at another computer, which has a name.
    pub fn at(&self, computer: &str) -> Self {
        Self { profile: self.profile.with_extension(computer), ..self.clone() }
    }

    /// A command of theirs.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = belfry(arguments.iter().copied());
        command
            .env("BELFRY_SERVER", &self.server)
            .env("BELFRY_USER", &self.name)
            .env("BELFRY_PASSWORD", &self.password)
            .env("BELFRY_PROFILE", &self.profile);
        command
    }

    /// Starts a command.
    pub fn start(&self, arguments: &[&str]) -> Process {
        Process::start(&mut self.command(arguments))
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        Process::run(&mut self.command(arguments))
    }

    /// Makes their account.
    pub fn register(&self) {
        assert_eq!(self.run(&["register"]).done(), format!("registered {}\n", self.name));
    }

    /// Says something in the lobby; its sequence number.
    pub fn say(&self, text: &str) -> u64 {
        self.run(&["send", "--room", "lobby", "--", text]).done().trim().parse().expect("a number")
    }

    /// `listen --json`, connected.
    pub fn listen(&self) -> Process {
        self.listen_with(&[])
    }

    /// The same with more arguments.
    pub fn listen_with(&self, more: &[&str]) -> Process {
        let mut listener = self.start(&[&["listen", "--json"], more].concat());
        let first = listener.event(|_| true);
        assert_eq!(first["event"], "connected");
        listener
    }

    /// The texts of the newest messages in the lobby.
    pub fn history(&self, limit: usize) -> Vec<String> {
        texts(&self.run(&["history", "--room", "lobby", "--json", "--limit", &limit.to_string()]).objects())
    }
}
