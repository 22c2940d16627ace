//! Starting with the system, for this person only.

use std::io;
use std::path::Path;

/// Whether this program starts with the system.
///
/// # Errors
/// The system cannot be asked.
pub fn is_on() -> io::Result<bool> {
    system::is_on()
}

/// Starts `program` with the system from now on, or not any more.
///
/// # Errors
/// The system does not let it be changed.
pub fn set(program: &Path, on: bool) -> io::Result<()> {
    if on { system::switch_on(program) } else { system::switch_off() }
}

/// The XDG autostart specification: a desktop entry in the person's autostart folder.
#[cfg(not(windows))]
mod system {
    use std::path::{Path, PathBuf};
    use std::{fs, io};

    fn entry() -> io::Result<PathBuf> {
        let dirs = directories::BaseDirs::new().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(dirs.config_dir().join("autostart").join("belfry-tray.desktop"))
    }

    pub(super) fn is_on() -> io::Result<bool> {
        entry()?.try_exists()
    }

    pub(super) fn switch_on(program: &Path) -> io::Result<()> {
        let entry = entry()?;
        if let Some(folder) = entry.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(entry, super::desktop_entry(program)?)
    }

    pub(super) fn switch_off() -> io::Result<()> {
        match fs::remove_file(entry()?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The person's own list of programs in the registry, written by the system's own tool.
#[cfg(windows)]
mod system {
    use std::io;
    use std::os::windows::process::CommandExt as _;
    use std::path::Path;
    use std::process::{Command, Stdio};

    const LIST: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";
    const NAME: &str = "Belfry";

    /// No console window flashes up.
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;

    fn reg(arguments: &[&str]) -> io::Result<bool> {
        let mut command = Command::new("reg.exe");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).creation_flags(CREATE_NO_WINDOW);
        Ok(command.status()?.success())
    }

    fn done(success: bool) -> io::Result<()> {
        if success { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    pub(super) fn is_on() -> io::Result<bool> {
        reg(&["query", LIST, "/v", NAME])
    }

    pub(super) fn switch_on(program: &Path) -> io::Result<()> {
        let program = program.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        done(reg(&["add", LIST, "/v", NAME, "/t", "REG_SZ", "/d", &format!("\"{program}\""), "/f"])?)
    }

    pub(super) fn switch_off() -> io::Result<()> {
        if is_on()? { done(reg(&["delete", LIST, "/v", NAME, "/f"])?) } else { Ok(()) }
    }
}

/// A desktop entry (Desktop Entry Specification 1.5); the program's path is quoted as its `Exec` key wants it.
#[cfg(not(windows))]
fn desktop_entry(program: &Path) -> io::Result<String> {
    let program = program.to_str().filter(|path| !path.contains(char::is_control)).ok_or(io::ErrorKind::InvalidInput)?;
    let mut quoted = String::new();
    for c in program.chars() {
        match c {
            // Once for the quotes, and once more because a value of a key is unescaped before.
            '\\' => quoted.push_str(r"\\\\"),
            '"' | '`' | '$' => quoted.extend([r"\\", c.encode_utf8(&mut [0; 4])]),
            '%' => quoted.push_str("%%"),
            _ => quoted.push(c),
        }
    }
    Ok(format!("[Desktop Entry]\nType=Application\nName=Belfry\nComment=Chat and notices\nExec=\"{quoted}\"\nTerminal=false\n"))
}

#[cfg(test)]
#[cfg(not(windows))]
mod tests {
    use super::*;

    #[track_caller]
    fn check(program: &str, exec: &str) {
        let entry = desktop_entry(Path::new(program)).unwrap();
        assert!(entry.lines().any(|line| line == format!("Exec={exec}")), "{entry}");
    }

    #[test]
    fn a_path_is_quoted_as_a_desktop_entry_wants_it() {
        check("/usr/bin/belfry-tray", "\"/usr/bin/belfry-tray\"");
        check("/opt/my programs/belfry-tray", "\"/opt/my programs/belfry-tray\"");
        check("/a$b\\c/100%", r#""/a\\$b\\\\c/100%%""#);
    }

    #[test]
    fn a_path_with_a_line_break_cannot_start_with_the_system() {
        assert!(desktop_entry(Path::new("/a\nb")).is_err());
    }
}
