//! The command that looks at each new file before anybody can have it: a program with the file as its only argument, never a shell.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{ContentTicket, UploadKey};
use crate::limits::{SCANS_AT_ONCE_MAX, SCANS_WAITING_MAX};

/// How often it is looked whether the command has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the command needs of the server's surroundings to find its own files, and no more: a password may stand among the rest.
const SURROUNDINGS: [&str; 6] = ["PATH", "HOME", "TMPDIR", "SystemRoot", "TEMP", "ProgramData"];

/// What the command says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanVerdict {
    /// It may be had.
    Passed,
    /// It may not.
    Refused,
    /// The command could not be run, took too long, or has said neither.
    Unknown,
}

/// A file that has come whole, and waits to be looked at.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    pub(super) ticket: ContentTicket,
    pub(super) upload: UploadKey,
    pub(super) path: PathBuf,
}

/// Looks at files, a few at once, each on a thread that waits for the command.
#[derive(Debug)]
pub(super) struct Scanner {
    program: PathBuf,
    within: Duration,
    running: usize,
    waiting: VecDeque<Scan>,
}

impl Scanner {
    /// Looks by this program, which has so long for a file.
    pub(super) const fn new(program: PathBuf, within: Duration) -> Self {
        Self { program, within, running: 0, waiting: VecDeque::new() }
    }

    /// Looks at a file as soon as its turn comes. Gives it back where too many wait.
    pub(super) fn look<T: From<(Scan, ScanVerdict)> + Send + 'static>(&mut self, scan: Scan, tell: &mpsc::SyncSender<T>) -> Option<Scan> {
        if self.waiting.len() >= SCANS_WAITING_MAX {
            return Some(scan);
        }
        self.waiting.push_back(scan);
        self.go_on(tell);
        None
    }

    /// One has been looked at.
    pub(super) fn ended<T: From<(Scan, ScanVerdict)> + Send + 'static>(&mut self, tell: &mpsc::SyncSender<T>) {
        self.running -= 1;
        self.go_on(tell);
    }

    fn go_on<T: From<(Scan, ScanVerdict)> + Send + 'static>(&mut self, tell: &mpsc::SyncSender<T>) {
        while self.running < SCANS_AT_ONCE_MAX
            && let Some(scan) = self.waiting.pop_front()
        {
            self.running += 1;
            let (program, within, tell_it, unseen) = (self.program.clone(), self.within, tell.clone(), scan.clone());
            let looking = thread::Builder::new().name("scan".into()).spawn(move || {
                let verdict = run(&program, &scan.path, within);
                // Nobody listens any more when the server ends: the file is looked at when it is sent again.
                let _ = tell_it.send(T::from((scan, verdict)));
            });
            if let Err(error) = looking {
                tracing::error!(%error, "the file scanner cannot be run");
                // The owner's own queue may be full of blocks; it must not wait for itself.
                self.running -= usize::from(tell.try_send(T::from((unseen, ScanVerdict::Unknown))).is_err());
            }
        }
    }
}

/// Runs the command: 0 lets a file pass, 1 does not, all else says nothing of it.
fn run(program: &Path, file: &Path, within: Duration) -> ScanVerdict {
    let surroundings = SURROUNDINGS.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut command = Command::new(program);
    command.arg(file).env_clear().envs(surroundings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let unknown = |why: &dyn std::fmt::Display| {
        tracing::error!(scanner = %program.display(), "a file could not be looked at, and is not kept: {why}");
        ScanVerdict::Unknown
    };
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return unknown(&crate::files::InWords(&error)),
    };
    let end = Instant::now() + within;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return match status.code() {
                    Some(0) => ScanVerdict::Passed,
                    Some(1) => ScanVerdict::Refused,
                    _ => unknown(&status),
                };
            }
            Ok(None) if Instant::now() < end => thread::sleep(LOOK_EVERY),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return unknown(&format_args!("it took longer than {} seconds", within.as_secs()));
            }
            Err(error) => return unknown(&crate::files::InWords(&error)),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program that does this with the file's path as `$1`.
    fn program(folder: &Path, does: &str) -> PathBuf {
        let path = folder.join("scanner");
        std::fs::write(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn zero_lets_pass_one_refuses_and_all_else_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it is; $(rm) \"me\"");
        std::fs::write(&file, "x").unwrap();
        let within = Duration::from_secs(20);
        for (does, verdict) in [
            ("exit 0", ScanVerdict::Passed),
            ("exit 1", ScanVerdict::Refused),
            ("exit 2", ScanVerdict::Unknown),
            ("kill -9 $$", ScanVerdict::Unknown),
            ("[ $# = 1 ] && [ -f \"$1\" ] && exit 1", ScanVerdict::Refused),
            ("[ -z \"$CARGO_MANIFEST_DIR\" ] && [ -n \"$PATH\" ] && exit 1", ScanVerdict::Refused),
        ] {
            assert_eq!(run(&program(folder.path(), does), &file, within), verdict, "{does}");
        }
        assert_eq!(run(&folder.path().join("nothing"), &file, within), ScanVerdict::Unknown);
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        assert_eq!(run(&program(folder.path(), "exec sleep 60"), folder.path(), Duration::from_millis(50)), ScanVerdict::Unknown);
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
