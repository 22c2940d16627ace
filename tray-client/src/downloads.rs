//! Files that are fetched, and where those are that were: on the disk, so that another run goes on with them and finds them again.

use std::io;
use std::path::{Path, PathBuf};

use belfry_core::chat::{AccountName, Attachment, FileId, FileName};
use serde::{Deserialize, Serialize};

use crate::platform::files::Folder;
use crate::transfer::FetchOrder;

const FILE: &str = "downloads.toml";

/// Files of which it is known where they were saved; the oldest are forgotten first.
const SAVED_MAX: usize = 500;

/// One file of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DownloadLine {
    server: String,
    account: String,
    file: u64,
    /// As its sender called it.
    name: String,
    bytes: u64,
    blake3: String,
    /// Where it goes, and as what.
    folder: PathBuf,
    save_as: String,
    #[serde(default)]
    paused: bool,
    /// Where it is, since it is whole.
    saved: Option<PathBuf>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct DownloadList {
    #[serde(default)]
    files: Vec<DownloadLine>,
}

/// A file of the list, as it was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownDownload {
    /// It is to be fetched.
    Order(FetchOrder),
    /// It is there.
    Saved(Attachment, PathBuf),
}

/// The list of a profile; files of every account that was used in it.
#[derive(Debug)]
pub struct Downloads {
    folder: Folder,
    files: Vec<DownloadLine>,
}

impl Downloads {
    /// The list of this profile. One that cannot be read is begun anew: the files themselves stay where they are.
    pub fn open(folder: &Folder) -> Self {
        let written = folder.read(FILE).ok().flatten();
        let list: DownloadList = written.and_then(|written| toml::from_str(&written).ok()).unwrap_or_default();
        Self { folder: folder.clone(), files: list.files }
    }

    /// A file is to be fetched.
    ///
    /// # Errors
    /// The disk does not take it; the file is fetched all the same, and not gone on with in another run.
    pub fn keep(&mut self, server: &str, account: &AccountName, order: &FetchOrder) -> io::Result<()> {
        let FetchOrder { attachment, folder, name, paused } = order;
        self.files.retain(|line| !(line.is_of(server, account) && line.file == attachment.file.0));
        self.files.push(DownloadLine {
            server: server.into(),
            account: account.to_string(),
            file: attachment.file.0,
            name: attachment.name.as_str().into(),
            bytes: attachment.bytes,
            blake3: attachment.hash.to_string(),
            folder: folder.clone(),
            save_as: name.as_str().into(),
            paused: *paused,
            saved: None,
        });
        self.write()
    }

    /// The person has stopped it, or wants it to go on.
    ///
    /// # Errors
    /// As of [`Self::keep`].
    pub fn pause(&mut self, server: &str, account: &AccountName, file: FileId, paused: bool) -> io::Result<()> {
        self.change(server, account, file, |line| line.paused = paused)
    }

    /// It is whole, and here.
    ///
    /// # Errors
    /// As of [`Self::keep`].
    pub fn saved(&mut self, server: &str, account: &AccountName, file: FileId, path: &Path) -> io::Result<()> {
        self.change(server, account, file, |line| line.saved = Some(path.to_owned()))
    }

    /// It is not fetched any more.
    ///
    /// # Errors
    /// As of [`Self::keep`].
    pub fn forget(&mut self, server: &str, account: &AccountName, file: FileId) -> io::Result<()> {
        self.files.retain(|line| !(line.is_of(server, account) && line.file == file.0));
        self.write()
    }

    /// Nothing of what this person has fetched, or fetches, is known here any more. The files stay where they are.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn forget_all(&mut self, server: &str, account: &AccountName) -> io::Result<()> {
        self.files.retain(|line| !line.is_of(server, account));
        self.write()
    }

    /// What this person fetches from this server, and has fetched.
    pub fn known(&self, server: &str, account: &AccountName) -> Vec<KnownDownload> {
        self.files.iter().filter(|line| line.is_of(server, account)).filter_map(DownloadLine::read).collect()
    }

    fn change(&mut self, server: &str, account: &AccountName, file: FileId, change: impl Fn(&mut DownloadLine)) -> io::Result<()> {
        self.files.iter_mut().filter(|line| line.is_of(server, account) && line.file == file.0).for_each(change);
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        let mut beyond = self.files.iter().filter(|line| line.saved.is_some()).count().saturating_sub(SAVED_MAX);
        self.files.retain(|line| {
            let goes = beyond > 0 && line.saved.is_some();
            beyond -= usize::from(goes);
            !goes
        });
        let list = DownloadList { files: self.files.clone() };
        self.folder.write(FILE, toml::to_string(&list).map_err(io::Error::other)?)
    }
}

impl DownloadLine {
    fn is_of(&self, server: &str, account: &AccountName) -> bool {
        self.server.eq_ignore_ascii_case(server) && AccountName::known(&self.account).is_ok_and(|name| name.key() == account.key())
    }

    fn read(&self) -> Option<KnownDownload> {
        let attachment = Attachment {
            file: FileId(self.file),
            name: FileName::known(&self.name).ok()?,
            bytes: self.bytes,
            hash: self.blake3.parse().ok()?,
        };
        Some(match &self.saved {
            Some(path) => KnownDownload::Saved(attachment, path.clone()),
            None => KnownDownload::Order(FetchOrder {
                attachment,
                folder: self.folder.clone(),
                name: FileName::known(&self.save_as).ok()?,
                paused: self.paused,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::ContentHash;

    use super::*;

    fn me() -> AccountName {
        AccountName::new("me").unwrap()
    }

    fn order(file: u64) -> FetchOrder {
        let name = FileName::new("plan.pdf").unwrap();
        let attachment = Attachment { file: FileId(file), name: name.clone(), bytes: 9, hash: ContentHash([7; 32]) };
        FetchOrder { attachment, folder: "/tmp/downloads".into(), name, paused: false }
    }

    #[test]
    fn what_is_fetched_is_gone_on_with_in_another_run_as_it_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path().join("profile")).unwrap();
        let mut downloads = Downloads::open(&folder);
        for file in 1..=4 {
            downloads.keep("lan-host", &me(), &order(file)).unwrap();
        }
        downloads.pause("lan-host", &me(), FileId(2), true).unwrap();
        downloads.saved("lan-host", &me(), FileId(3), Path::new("/tmp/downloads/plan (2).pdf")).unwrap();
        downloads.forget("lan-host", &me(), FileId(4)).unwrap();
        let known = Downloads::open(&folder).known("LAN-host", &me());
        let saved = KnownDownload::Saved(order(3).attachment, "/tmp/downloads/plan (2).pdf".into());
        assert_eq!(known, [KnownDownload::Order(order(1)), KnownDownload::Order(FetchOrder { paused: true, ..order(2) }), saved]);
        assert_eq!(downloads.known("lan-host", &AccountName::new("other").unwrap()), []);
        assert_eq!(downloads.known("elsewhere", &me()), []);
    }

    #[test]
    fn the_oldest_of_many_saved_files_are_forgotten_and_none_that_is_on_its_way() {
        let dir = tempfile::tempdir().unwrap();
        let mut downloads = Downloads::open(&Folder::open(dir.path().join("profile")).unwrap());
        downloads.keep("lan-host", &me(), &order(0)).unwrap();
        let line = |file| DownloadLine { file, saved: Some("/tmp/x".into()), ..downloads.files[0].clone() };
        let lines: Vec<_> = (1..=SAVED_MAX as u64 + 2).map(line).collect();
        downloads.files.extend(lines);
        downloads.pause("lan-host", &me(), FileId(0), true).unwrap();
        let numbers: Vec<_> = downloads.files.iter().map(|line| line.file).collect();
        assert_eq!((numbers.len(), &numbers[..3]), (SAVED_MAX + 1, &[0, 3, 4][..]));
    }

    #[test]
    fn a_list_that_cannot_be_read_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path().join("profile")).unwrap();
        folder.write(FILE, "files = nonsense").unwrap();
        assert_eq!(Downloads::open(&folder).known("lan-host", &me()), []);
    }
}
