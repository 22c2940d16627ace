//! The keys that servers have proven before: trusted on first use, compared ever after.
//!
//! `known_servers` in the profile folder holds one `HOST:PORT KEY` a line; empty lines and lines that begin with `#` are the owner's. A file that
//! is not understood to its end is refused as a whole: what cannot be read might be the line that matters.

use belfry_core::net::InWords;
use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::path::PathBuf;

use belfry_core::chat::is_blank;
use belfry_core::crypto::PublicKey;
use belfry_core::net::ServerAddress;
use belfry_core::text_file::{self, NotText};
use belfry_server::files;

/// The folder that remembers servers.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    dir: PathBuf,
}

/// Why the profile is of no use; displays as a sentence.
#[derive(Debug)]
pub(crate) enum ProfileError {
    /// It is no text in UTF-8.
    NotText {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: NotText,
    },
    /// A line is not `HOST:PORT KEY`.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// It is a link, or behind one, and where that leads is nothing: the keys are somewhere else, not none.
    LeadsNowhere {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// The operating system said no.
    Io {
        /// What could not be read or written.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText { path, why } => {
                write!(f, "{} {why}; save it as UTF-8. No server is trusted until then.", path.display())
            }
            Self::Damaged { path, line } => write!(
                f,
                "Line {line} of {} is damaged: write HOST:PORT KEY there, or remove the line; no server is trusted until then.",
                path.display()
            ),
            Self::LeadsNowhere { link, to } => write!(
                f,
                "{} is a link to {}, which is not there: bring back what it leads to, or remove the link. No server is trusted until then.",
                link.display(),
                to.display()
            ),
            Self::Io { path, error } => {
                let what = if error.kind() == io::ErrorKind::ResourceBusy {
                    "End that, or set BELFRY_PROFILE to another folder."
                } else {
                    "Set BELFRY_PROFILE to a folder that this user may write to, or put it right."
                };
                write!(f, "{} cannot be used: {}. {what}", path.display(), InWords(error))
            }
        }
    }
}

impl Profile {
    /// The profile in this folder, which need not exist yet.
    pub(crate) const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The file with the keys.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.join("known_servers")
    }

    /// The key that the server (`HOST:PORT`) is remembered by.
    ///
    /// # Errors
    /// [`ProfileError`]; a damaged line anywhere counts, because the server's own line may be the damaged one.
    pub(crate) fn known(&self, server: &str) -> Result<Option<PublicKey>, ProfileError> {
        find(&self.read()?, server).map_err(|line| ProfileError::Damaged { path: self.path(), line })
    }

    /// Remembers the server by this key unless it is remembered by one already; says by which key it is remembered now.
    ///
    /// # Errors
    /// [`ProfileError`]; the file is as it was before.
    pub(crate) fn remember(&self, server: &str, key: PublicKey) -> Result<PublicKey, ProfileError> {
        self.write(server, key, false)
    }

    /// Remembers the server by this key from now on, whatever it was remembered by.
    ///
    /// # Errors
    /// [`ProfileError`]; the file is as it was before.
    pub(crate) fn replace(&self, server: &str, key: PublicKey) -> Result<PublicKey, ProfileError> {
        self.write(server, key, true)
    }

    fn write(&self, server: &str, key: PublicKey, instead: bool) -> Result<PublicKey, ProfileError> {
        // What leads nowhere is told as that.
        self.read()?;
        files::create_folder(&self.dir).map_err(|error| ProfileError::Io { path: self.dir.clone(), error })?;
        let lock_path = self.dir.join("known_servers.lock");
        // Held until the end: another command that remembers a server at the same time reads what this one wrote.
        let _lock = files::lock(&lock_path, files::LOCK_PATIENCE).map_err(|error| ProfileError::Io { path: lock_path, error })?;
        let mut content = self.read()?;
        if let Some(known) = find(&content, server).map_err(|line| ProfileError::Damaged { path: self.path(), line })? {
            if !instead {
                return Ok(known);
            }
            let other = |line: &&str| entry(line).ok().flatten().is_none_or(|(name, _)| !is_same(&name, server));
            content = content.lines().filter(other).flat_map(|line| [line, "\n"]).collect();
        }
        if !content.is_empty() && !content.ends_with('\n') {
            content.push('\n');
        }
        let _ = writeln!(content, "{} {key}", server.to_lowercase());
        files::replace(&self.path(), content.as_bytes()).map_err(|error| ProfileError::Io { path: self.path(), error })?;
        Ok(key)
    }

    fn read(&self) -> Result<String, ProfileError> {
        match fs::read(self.path()) {
            Ok(content) => match text_file::read(&content) {
                Ok(text) => Ok(text),
                Err(why) => Err(ProfileError::NotText { path: self.path(), why }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => match files::leads_nowhere(&self.path()) {
                Some((link, to)) => Err(ProfileError::LeadsNowhere { link, to }),
                None => Ok(String::new()),
            },
            Err(error) => Err(ProfileError::Io { path: self.path(), error }),
        }
    }
}

/// The server's key in the file's text, or the number of the first damaged line.
fn find(content: &str, server: &str) -> Result<Option<PublicKey>, usize> {
    let mut found = None;
    for (line, number) in content.lines().zip(1..) {
        let Some((name, key)) = entry(line).map_err(|Damaged| number)? else { continue };
        if is_same(&name, server) {
            // Two keys for one server: nobody knows which of the two was meant.
            if found.is_some_and(|found| found != key) {
                return Err(number);
            }
            found = Some(key);
        }
    }
    Ok(found)
}

/// A line that is neither an entry nor the owner's.
struct Damaged;

/// What a line says; nothing for an empty one and a remark.
fn entry(line: &str) -> Result<Option<(ServerAddress, PublicKey)>, Damaged> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (name, key) = line.split_once(char::is_whitespace).ok_or(Damaged)?;
    // A character that nobody sees would make another server of this one, and of the right one an unknown one.
    if name.chars().any(is_blank) {
        return Err(Damaged);
    }
    let (name, key) = (name.parse().map_err(|_| Damaged)?, key.trim().parse().map_err(|_| Damaged)?);
    Ok(Some((name, key)))
}

/// Whether an entry is this server's (`HOST:PORT`), however it is written.
fn is_same(entry: &ServerAddress, server: &str) -> bool {
    server.parse::<ServerAddress>().is_ok_and(|server| {
        let host = |address: &ServerAddress| address.host.to_lowercase();
        (host(entry), entry.port) == (host(&server), server.port)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the profile says of tower:7411 when this is in its file.
    fn told(content: &[u8]) -> Result<Option<PublicKey>, String> {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::new(dir.path().to_owned());
        fs::write(profile.path(), content).unwrap();
        let known = profile.known("tower:7411").map_err(|error| error.to_string());
        // What is not understood is not written to either, and nothing else is believed instead.
        if known.is_err() {
            assert!(profile.remember("tower:7411", key(9)).is_err());
            assert_eq!(fs::read(profile.path()).unwrap(), content);
        }
        known
    }

    #[test]
    fn whatever_an_editor_makes_of_the_file_the_key_is_the_one_that_stands_there() {
        let line = format!("tower:7411 {}", key(1));
        for content in [
            line.clone(),
            format!("\u{feff}{line}\n"),
            format!("\u{feff}# mine\r\n\r\n{line}\r\n"),
            format!("  {line}  \t\n"),
            format!("  # mine\n\tTOWER:7411\t \t{}\u{a0}\n", key(1)),
            format!("tower {}\n", key(1)),
            format!("{line}\n{line}\n"),
        ] {
            assert_eq!(told(content.as_bytes()), Ok(Some(key(1))), "{content:?}");
            let utf16: Vec<u8> = format!("\u{feff}{content}").encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert_eq!(told(&utf16).is_ok(), !content.starts_with('\u{feff}'), "{content:?} in UTF-16");
        }
    }

    #[test]
    fn a_damaged_file_never_means_that_there_is_no_key() {
        let line = format!("tower:7411 {}", key(1));
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for (content, said) in [
            (format!("other:1 {}\n\u{feff}{line}\n", key(2)).into_bytes(), "Line 2 of"),
            (format!("\u{200b}{line}\n").into_bytes(), "Line 1 of"),
            (format!("tow\u{ad}er:7411 {}\n", key(1)).into_bytes(), "Line 1 of"),
            (format!("tower:7411\n{}\n", key(1)).into_bytes(), "Line 1 of"),
            (format!("tower:7411 {}x\n", key(1)).into_bytes(), "Line 1 of"),
            (format!("tower:7411 {} yes\n", key(1)).into_bytes(), "Line 1 of"),
            (format!("tower;7411 {}\n", key(1)).into_bytes(), "Line 1 of"),
            (format!("{line}\ntower:7411 {}\n", key(2)).into_bytes(), "Line 2 of"),
            (utf16(&line), "UTF-16"),
            ([b"# K\xf6ln\n", line.as_bytes()].concat(), "not UTF-8 in line 1"),
        ] {
            let told = told(&content).unwrap_err();
            assert!(told.contains(said) && told.to_lowercase().contains("no server is trusted"), "{told}");
        }
    }

    #[test]
    fn a_server_that_announced_a_new_key_is_remembered_by_it_and_the_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::new(dir.path().to_owned());
        for (server, byte) in [("tower:7411", 1), ("mill:7411", 2)] {
            profile.remember(server, PublicKey([byte; 32])).unwrap();
        }
        profile.replace("Tower:7411", PublicKey([3; 32])).unwrap();
        assert_eq!(profile.known("tower:7411").unwrap(), Some(PublicKey([3; 32])));
        assert_eq!(profile.known("mill:7411").unwrap(), Some(PublicKey([2; 32])));
    }

    fn key(byte: u8) -> PublicKey {
        PublicKey([byte; 32])
    }

    fn profile() -> (tempfile::TempDir, Profile) {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::new(dir.path().join("profile"));
        (dir, profile)
    }

    #[test]
    fn a_server_is_not_known_before_it_is_remembered() {
        let (_dir, profile) = profile();
        assert_eq!(profile.known("tower:7411").unwrap(), None);
        assert_eq!(profile.remember("tower:7411", key(1)).unwrap(), key(1));
        assert_eq!(profile.known("Tower:7411").unwrap(), Some(key(1)));
        assert_eq!(profile.known("tower:7412").unwrap(), None);
    }

    #[test]
    fn a_server_is_known_by_every_spelling_of_its_address() {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::new(dir.path().to_owned());
        fs::write(profile.path(), format!("[::ffff:127.0.0.1]:7411 {}\n", key(1))).unwrap();
        for written in ["127.0.0.1:7411", "[::FFFF:7f00:1]:7411", "127.0.0.01", "127.1"] {
            assert_eq!(profile.known(written).unwrap(), Some(key(1)), "{written}");
        }
        assert_eq!(profile.remember("127.0.0.1:7411", key(2)).unwrap(), key(1));
    }

    #[test]
    fn a_remembered_key_is_never_replaced() {
        let (_dir, profile) = profile();
        profile.remember("tower:7411", key(1)).unwrap();
        assert_eq!(profile.remember("tower:7411", key(2)).unwrap(), key(1));
        assert_eq!(profile.known("tower:7411").unwrap(), Some(key(1)));
    }

    #[test]
    fn the_owners_remarks_and_a_missing_last_line_break_are_kept() {
        let (_dir, profile) = profile();
        profile.remember("a:1", key(1)).unwrap();
        let written = format!("# mine\n\na:1 {}", key(1));
        fs::write(profile.path(), &written).unwrap();
        profile.remember("b:2", key(2)).unwrap();
        assert_eq!(fs::read_to_string(profile.path()).unwrap(), format!("{written}\nb:2 {}\n", key(2)));
    }

    #[test]
    fn a_damaged_line_is_named_and_the_file_kept() {
        let (_dir, profile) = profile();
        profile.remember("a:1", key(1)).unwrap();
        let damaged = format!("a:1 {}\nb:2 nonsense\n", key(1));
        fs::write(profile.path(), &damaged).unwrap();
        let error = profile.known("a:1").unwrap_err().to_string();
        assert!(error.contains("Line 2 of") && error.contains("known_servers"), "{error}");
        assert!(profile.remember("c:3", key(3)).is_err());
        assert_eq!(fs::read_to_string(profile.path()).unwrap(), damaged);
    }

    #[test]
    fn commands_that_remember_at_the_same_time_lose_nothing() {
        let (_dir, profile) = profile();
        std::thread::scope(|scope| {
            for n in 0..16u8 {
                let profile = &profile;
                scope.spawn(move || profile.remember(&format!("host{n}:1"), key(n)).unwrap());
            }
        });
        for n in 0..16u8 {
            assert_eq!(profile.known(&format!("host{n}:1")).unwrap(), Some(key(n)));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_behind_a_link_is_read_and_written_there_and_a_link_that_leads_nowhere_never_means_that_there_is_no_key() {
        use std::os::unix::fs::symlink;
        let (dir, profile) = profile();
        profile.remember("tower:7411", key(1)).unwrap();
        let elsewhere = dir.path().join("elsewhere");
        fs::rename(profile.path(), &elsewhere).unwrap();
        symlink(&elsewhere, profile.path()).unwrap();
        profile.remember("mill:7411", key(2)).unwrap();
        assert!(profile.path().is_symlink() && fs::read_to_string(&elsewhere).unwrap().contains("mill:7411"));
        fs::remove_file(&elsewhere).unwrap();
        symlink(dir.path().join("nowhere"), dir.path().join("folder")).unwrap();
        for profile in [profile, Profile::new(dir.path().join("folder"))] {
            for said in [profile.known("tower:7411").unwrap_err(), profile.remember("tower:7411", key(3)).unwrap_err()] {
                let said = said.to_string();
                assert!(said.contains(" is a link to ") && said.contains("No server is trusted"), "{said}");
            }
        }
        assert!(!elsewhere.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, profile) = profile();
        profile.remember("a:1", key(1)).unwrap();
        assert_eq!(fs::metadata(profile.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
