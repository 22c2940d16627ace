//! Servers that people would pick instead, each as lean as it goes, and the smallest clients of their protocols.

pub(super) mod irc;
pub(super) mod mqtt;
pub(super) mod nats;
pub(super) mod stream;
pub(super) mod xmpp;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::server::{Server, folder, free_address};

/// How often either end of an idle connection says something.
const KEEP_ALIVE_SECONDS: u64 = 15;

/// Debian puts servers where only root looks.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/// How one of them is started.
struct Recipe {
    program: &'static str,
    /// Its file of settings, from its folder and its address.
    settings: fn(&Path, SocketAddr) -> String,
    /// What it is told beside the file.
    arguments: fn(&Path) -> Vec<String>,
}

/// Starts one in a folder of its own.
fn start(recipe: &Recipe, log: Stdio) -> io::Result<Server> {
    let (folder, address) = (folder()?, free_address()?);
    // prosody wants this ending, and nobody else minds.
    let settings = folder.path().join("settings.cfg.lua");
    fs::write(&settings, (recipe.settings)(folder.path(), address))?;
    let mut command = Command::new(installed(recipe.program)?);
    command.args((recipe.arguments)(&settings)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).current_dir(folder.path());
    Server::start_tcp(command, address, folder)
}

fn installed(program: &str) -> io::Result<PathBuf> {
    let found = FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.is_file());
    found.ok_or_else(|| io::Error::other(format!("{program} is not installed; scripts/bench-peers says how")))
}
