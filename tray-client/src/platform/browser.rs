//! Opening a link in the person's browser, and a folder.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::scene::links;

/// Opens a web address; anything else is nothing that a click may start.
///
/// # Errors
/// It is no web address, or the system has no program for it.
pub fn open(address: &str) -> io::Result<()> {
    if links(address) != [address] {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut command = if cfg!(windows) { Command::new("rundll32.exe") } else { Command::new("xdg-open") };
    if cfg!(windows) {
        command.arg("url.dll,FileProtocolHandler");
    }
    let mut child = command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Somebody has to wait for it, or it stays in the list of processes.
    std::thread::Builder::new().name("browser".into()).spawn(move || child.wait())?;
    Ok(())
}

/// Shows a file in the system's program for folders. Nothing is opened.
///
/// # Errors
/// The system has no program for it.
pub fn show_in_folder(path: &Path) -> io::Result<()> {
    let mut command = show_command(path);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    std::thread::Builder::new().name("folder".into()).spawn(move || child.wait())?;
    Ok(())
}

/// The folder with the file selected. No path of Windows has a quotation mark in it; `explorer` reads no other quoting.
#[cfg(windows)]
fn show_command(path: &Path) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut command = Command::new("explorer.exe");
    command.raw_arg(format!("/select,\"{}\"", path.display()));
    command
}

#[cfg(not(windows))]
fn show_command(path: &Path) -> Command {
    let mut command = Command::new("xdg-open");
    command.arg(path.parent().unwrap_or(path));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_opened() {
        for address in ["/bin/sh", "file:///etc/passwd", "https://a.b c", "--help", ""] {
            assert_eq!(open(address).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{address:?}");
        }
    }
}
