//! The folder: `contents/ab/ab…` for what is whole, `contents/incoming/ACCOUNT-HASH.part` for what is on its way.
//!
//! A part is synced at every [`SYNCED_EVERY`] bytes before more is written behind them. So of a part that is found, whatever has happened to
//! the computer, all that lies before the last such place but one is as it was written, and the upload goes on from there. A content has its
//! name only when it is whole, verified and on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use belfry_core::chat::{AccountId, Block, ContentHash, Refusal};

use super::{ContentDone, ContentJob, ContentOutcome, ContentWork, ScanVerdict, UploadKey};
use crate::files;
use crate::limits::{UPLOADS_KEPT, UPLOADS_OPEN_MAX};

/// Bytes of a part between two syncs: as much as is sent again when the server was killed.
const SYNCED_EVERY: u64 = 4 * 1024 * 1024;

/// Bytes that are read at a time to hash what is there.
const READ_BYTES: usize = 256 * 1024;

const INCOMING: &str = "incoming";
const PART: &str = "part";

/// The folder, with one owner.
#[derive(Debug)]
pub struct Contents {
    folder: PathBuf,
    open: BTreeMap<UploadKey, UnfinishedContent>,
    /// What is whole and verified waits for somebody's word before it has its name.
    asks: bool,
    asked: BTreeSet<UploadKey>,
}

/// What has come of a content.
#[derive(Debug)]
struct UnfinishedContent {
    file: File,
    hasher: blake3::Hasher,
    length: u64,
}

/// What was found in the folder that nobody refers to, and what is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Contents that were removed.
    pub removed: u64,
    /// Contents that should be there and are not.
    pub missing: u64,
}

impl Contents {
    /// The folder at `path`, which is made with the first upload.
    pub fn at(path: &Path) -> Self {
        Self { folder: path.to_owned(), open: BTreeMap::new(), asks: false, asked: BTreeSet::new() }
    }

    /// From now on what is whole has its name only after [`Self::decide`].
    pub(super) const fn ask_about_all(&mut self) {
        self.asks = true;
    }

    /// What is whole may have its name, or may not.
    pub(super) fn decide(&mut self, upload: UploadKey, verdict: ScanVerdict) -> Result<ContentOutcome, Refusal> {
        self.asked.remove(&upload);
        match verdict {
            ScanVerdict::Passed => {
                self.name(upload)?;
                Ok(ContentOutcome::Written { upto: upload.bytes, complete: true })
            }
            ScanVerdict::Refused => {
                let part = self.part_of(upload);
                tracing::warn!(account = upload.account.0, hash = %upload.hash, "the file scanner has refused a file");
                if let Err(error) = fs::remove_file(&part) {
                    tracing::error!(path = %part.display(), %error, "a file that the scanner has refused cannot be removed");
                }
                Err(Refusal::FileForbidden)
            }
            // What has come stays for a day, and is looked at when it is sent again.
            ScanVerdict::Unknown => Err(Refusal::FileUnscanned),
        }
    }

    /// Does a job.
    pub fn answer(&mut self, job: ContentJob) -> ContentDone {
        let ContentJob { ticket, work } = job;
        ContentDone { ticket, result: self.perform(work) }
    }

    fn perform(&mut self, work: ContentWork) -> Result<ContentOutcome, Refusal> {
        match work {
            ContentWork::Begin(upload) => self.begin(upload),
            ContentWork::Write { upload, offset, block } => self.write(upload, offset, &block),
            ContentWork::Pause(upload) => {
                self.open.remove(&upload);
                Ok(ContentOutcome::Done)
            }
            ContentWork::Read { hash, offset, length } => self.read(hash, offset, length),
            ContentWork::Remove(hashes) => {
                for hash in hashes {
                    self.remove(hash);
                }
                self.forget_old_parts();
                Ok(ContentOutcome::Done)
            }
        }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a content lies.
    pub fn path_of(&self, hash: ContentHash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(name.get(..2).unwrap_or_default()).join(name)
    }

    pub(super) fn part_of(&self, UploadKey { account: AccountId(account), hash, .. }: UploadKey) -> PathBuf {
        self.folder.join(INCOMING).join(format!("{account}-{hash}.{PART}"))
    }

    fn begin(&mut self, upload: UploadKey) -> Result<ContentOutcome, Refusal> {
        if let Some(open) = self.open.get(&upload) {
            return Ok(ContentOutcome::Begun { from: open.length });
        }
        let same = |other: &UploadKey| (other.account, other.hash) == (upload.account, upload.hash);
        if self.open.len() >= UPLOADS_OPEN_MAX || self.asked.iter().any(same) {
            return Err(Refusal::Busy);
        }
        let path = self.part_of(upload);
        let unfinished = UnfinishedContent::open(&path, upload.bytes).map_err(|error| failed("an upload cannot begin", &path, &error))?;
        let from = unfinished.length;
        // The same content said to be longer or shorter would write into the same part.
        self.open.retain(|other, _| (other.account, other.hash) != (upload.account, upload.hash));
        self.open.insert(upload, unfinished);
        Ok(ContentOutcome::Begun { from })
    }

    fn write(&mut self, upload: UploadKey, offset: u64, block: &Block) -> Result<ContentOutcome, Refusal> {
        let open = self.open.get_mut(&upload).ok_or(Refusal::BadRequest)?;
        if offset.saturating_add(block.length()) > upload.bytes {
            return Err(Refusal::BeyondTheEnd);
        }
        if offset < open.length {
            return Ok(ContentOutcome::Written { upto: open.length, complete: false });
        }
        if offset > open.length {
            return Err(Refusal::BadRequest);
        }
        if let Err(error) = open.append(block) {
            // What is there stays, and is looked at anew when the upload goes on.
            self.open.remove(&upload);
            return Err(failed("an upload cannot be written", &self.part_of(upload), &error));
        }
        let upto = open.length;
        if upto < upload.bytes {
            return Ok(ContentOutcome::Written { upto, complete: false });
        }
        self.finish(upload)?;
        Ok(ContentOutcome::Written { upto, complete: true })
    }

    /// Gives a content its name, if it is what it should be and nobody has to be asked.
    fn finish(&mut self, upload: UploadKey) -> Result<(), Refusal> {
        let part = self.part_of(upload);
        let Some(UnfinishedContent { file, hasher, .. }) = self.open.remove(&upload) else { return Err(Refusal::BadRequest) };
        if *hasher.finalize().as_bytes() != upload.hash.0 {
            drop(file);
            let _ = fs::remove_file(&part);
            return Err(Refusal::ContentDiffers);
        }
        let synced = file.sync_all();
        drop(file);
        synced.map_err(|error| failed("a file that has come cannot be kept", &part, &error))?;
        if self.asks {
            self.asked.insert(upload);
            return Ok(());
        }
        self.name(upload)
    }

    fn name(&self, upload: UploadKey) -> Result<(), Refusal> {
        let (part, name) = (self.part_of(upload), self.path_of(upload.hash));
        let named = (|| {
            files::create_folder(files::folder_of(&name))?;
            // Where somebody else has sent the same, one takes the other's place.
            fs::rename(&part, &name)?;
            files::sync_folder_of(&name)?;
            files::sync_folder_of(files::folder_of(&name))
        })();
        named.map_err(|error: io::Error| failed("a file that has come cannot be kept", &name, &error))
    }

    fn read(&self, hash: ContentHash, offset: u64, length: u64) -> Result<ContentOutcome, Refusal> {
        let path = self.path_of(hash);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let read = (|| {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut bytes)
        })();
        match read {
            Ok(()) => Block::new(bytes).map(ContentOutcome::Read).ok_or(Refusal::BeyondTheEnd),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::error!(path = %path.display(), "the content of a file is missing");
                Err(Refusal::FileGone)
            }
            Err(error) => Err(failed("a file cannot be read", &path, &error)),
        }
    }

    fn remove(&self, hash: ContentHash) {
        let path = self.path_of(hash);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(path = %path.display(), %error, "a content that nobody refers to cannot be removed");
            }
            _ => {}
        }
    }

    /// Removes what has come of uploads with which nobody has gone on for [`UPLOADS_KEPT`].
    fn forget_old_parts(&self) {
        let is_old = |path: &Path| {
            let written = fs::metadata(path).and_then(|found| found.modified());
            written.is_ok_and(|written| SystemTime::now().duration_since(written).unwrap_or(Duration::ZERO) > UPLOADS_KEPT)
        };
        let is_open = |path: &Path| self.open.keys().any(|&upload| self.part_of(upload) == path);
        for path in entries(&self.folder.join(INCOMING)) {
            if path.extension().is_some_and(|ending| ending == PART) && is_old(&path) && !is_open(&path) {
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// Before the first job: removes contents that are not among `known`, which a server that was killed has left, and old parts. What is
    /// in the folder and is none of these is left alone.
    pub fn sweep(&self, known: &BTreeSet<ContentHash>) -> Swept {
        let mut found = BTreeSet::new();
        let mut swept = Swept::default();
        for path in entries(&self.folder).filter(|path| path.is_dir()).flat_map(|folder| entries(&folder).collect::<Vec<_>>()) {
            let Some(hash) = path.file_name().and_then(|name| name.to_str()?.parse::<ContentHash>().ok()) else { continue };
            if known.contains(&hash) {
                found.insert(hash);
            } else {
                self.remove(hash);
                swept.removed += 1;
            }
        }
        self.forget_old_parts();
        swept.missing = (known.len() - found.len()) as u64;
        swept
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

/// What a person is told of a disk that fails; the log has the rest.
fn failed(what: &str, path: &Path, error: &io::Error) -> Refusal {
    tracing::error!(path = %path.display(), %error, "{what}");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refusal::DiskFull,
        _ => Refusal::FilesFailed,
    }
}

impl UnfinishedContent {
    /// What is there of a part, as far as it can be relied on; an empty one if there is none.
    fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        files::create_folder(files::folder_of(path))?;
        let mut file = files::open_or_create(path)?;
        let written = file.metadata()?.len();
        // At the place itself it may have been killed while it synced.
        let sound = written.saturating_sub(1) / SYNCED_EVERY * SYNCED_EVERY;
        let length = if sound < bytes { sound } else { 0 };
        file.set_len(length)?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
        Ok(Self { file, hasher, length })
    }

    fn append(&mut self, block: &Block) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.length))?;
        let mut rest = block.bytes();
        while !rest.is_empty() {
            let room = SYNCED_EVERY - self.length % SYNCED_EVERY;
            let (now, later) = rest.split_at(rest.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.file.write_all(now)?;
            self.hasher.update(now);
            self.length += now.len() as u64;
            if self.length.is_multiple_of(SYNCED_EVERY) {
                self.file.sync_data()?;
            }
            rest = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::block_length_at;

    use super::*;
    use crate::contents::ContentTicket;

    fn content(bytes: u64) -> Vec<u8> {
        (0..bytes).map(|at| (at * 31 % 251) as u8).collect()
    }

    fn upload(account: u64, content: &[u8]) -> UploadKey {
        let hash = ContentHash(*blake3::hash(content).as_bytes());
        UploadKey { account: AccountId(account), hash, bytes: content.len() as u64 }
    }

    fn ask(contents: &mut Contents, work: ContentWork) -> Result<ContentOutcome, Refusal> {
        contents.answer(ContentJob { ticket: ContentTicket(1), work }).result
    }

    fn begin(contents: &mut Contents, upload: UploadKey) -> u64 {
        match ask(contents, ContentWork::Begin(upload)) {
            Ok(ContentOutcome::Begun { from }) => from,
            other => panic!("{other:?}"),
        }
    }

    /// Sends blocks from `from` until so many bytes are there; what the last one came to.
    fn send(contents: &mut Contents, upload: UploadKey, content: &[u8], from: u64, upto: u64) -> Result<ContentOutcome, Refusal> {
        let mut offset = from;
        loop {
            let length = block_length_at(offset, upto);
            let block = Block::new(content[offset as usize..(offset + length) as usize].to_vec()).unwrap();
            let written = ask(contents, ContentWork::Write { upload, offset, block });
            offset += length;
            if offset >= upto || written.is_err() {
                return written;
            }
        }
    }

    fn read(contents: &mut Contents, hash: ContentHash, bytes: u64) -> Result<Vec<u8>, Refusal> {
        let mut whole = Vec::new();
        while (whole.len() as u64) < bytes {
            let (offset, length) = (whole.len() as u64, block_length_at(whole.len() as u64, bytes));
            match ask(contents, ContentWork::Read { hash, offset, length })? {
                ContentOutcome::Read(block) => whole.extend_from_slice(block.bytes()),
                other => panic!("{other:?}"),
            }
        }
        Ok(whole)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            entries(folder).flat_map(|entry| if entry.is_dir() { entries(&entry).collect() } else { vec![entry] }).collect();
        names.sort();
        names.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_was_sent_is_kept_once_and_read_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut contents = Contents::at(folder.path());
        let content = content(150_000);
        for account in [1, 2] {
            let upload = upload(account, &content);
            assert_eq!(begin(&mut contents, upload), 0, "whoever sends it sends all of it");
            let done = send(&mut contents, upload, &content, 0, upload.bytes);
            assert_eq!(done, Ok(ContentOutcome::Written { upto: upload.bytes, complete: true }));
            assert_eq!(names(folder.path()), [upload.hash.to_string()]);
            assert_eq!(read(&mut contents, upload.hash, upload.bytes), Ok(content.clone()));
        }
    }

    #[test]
    fn what_is_not_what_was_announced_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut contents = Contents::at(folder.path());
        let good = content(100_000);
        let mut other = good.clone();
        other[99_999] ^= 1;
        let upload = upload(1, &good);
        begin(&mut contents, upload);
        assert_eq!(send(&mut contents, upload, &other, 0, upload.bytes), Err(Refusal::ContentDiffers));
        assert_eq!(names(folder.path()), [""; 0]);
        assert_eq!(read(&mut contents, upload.hash, 1), Err(Refusal::FileGone));
        begin(&mut contents, upload);
        assert!(send(&mut contents, upload, &good, 0, upload.bytes).is_ok(), "and may be sent again");
    }

    #[test]
    fn a_lying_size_gets_nobody_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let mut contents = Contents::at(folder.path());
        let content = content(100_000);
        let shorter = UploadKey { bytes: 60_000, ..upload(1, &content) };
        begin(&mut contents, shorter);
        assert_eq!(send(&mut contents, shorter, &content, 0, 60_000), Err(Refusal::ContentDiffers));
        begin(&mut contents, shorter);
        let block = Block::new(content[..20_000].to_vec()).unwrap();
        assert_eq!(ask(&mut contents, ContentWork::Write { upload: shorter, offset: 50_000, block }), Err(Refusal::BeyondTheEnd));
        let longer = UploadKey { bytes: 100_001, ..shorter };
        begin(&mut contents, longer);
        let upto = 100_000;
        assert_eq!(send(&mut contents, longer, &content, 0, upto), Ok(ContentOutcome::Written { upto, complete: false }));
    }

    #[test]
    fn a_block_comes_behind_what_is_there_and_one_that_is_there_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut contents = Contents::at(folder.path());
        let content = content(100_000);
        let upload = upload(1, &content);
        let write = |contents: &mut Contents, offset: u64, length: usize| {
            let block = Block::new(content[offset as usize..offset as usize + length].to_vec()).unwrap();
            ask(contents, ContentWork::Write { upload, offset, block })
        };
        assert_eq!(write(&mut contents, 0, 10), Err(Refusal::BadRequest), "nobody has begun");
        begin(&mut contents, upload);
        let so_far = |upto| Ok(ContentOutcome::Written { upto, complete: false });
        assert_eq!(write(&mut contents, 0, 1000), so_far(1000));
        assert_eq!(write(&mut contents, 0, 1000), so_far(1000));
        assert_eq!(write(&mut contents, 2000, 1000), Err(Refusal::BadRequest));
        assert_eq!(begin(&mut contents, upload), 1000, "begun again it goes on where it was");
        assert!(send(&mut contents, upload, &content, 1000, upload.bytes).is_ok());
    }

    #[test]
    fn after_a_break_it_goes_on_from_what_was_synced_whatever_became_of_the_rest() {
        let content = content(2 * SYNCED_EVERY + 1000);
        let upload = upload(1, &content);
        for (written, torn, from) in [
            (10_000, 0, 0),
            (SYNCED_EVERY, 0, 0),
            (SYNCED_EVERY + 1, 0, SYNCED_EVERY),
            (2 * SYNCED_EVERY, 0, SYNCED_EVERY),
            (SYNCED_EVERY + 500_000, 100_000, SYNCED_EVERY),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let mut contents = Contents::at(folder.path());
            begin(&mut contents, upload);
            send(&mut contents, upload, &content, 0, written).unwrap();
            let part = contents.part_of(upload);
            drop(contents);
            // What a power cut makes of what was not synced.
            let file = File::options().write(true).open(&part).unwrap();
            file.set_len(written - torn).unwrap();
            file.set_len(written).unwrap();
            let mut contents = Contents::at(folder.path());
            assert_eq!(begin(&mut contents, upload), from, "{written}");
            let done = send(&mut contents, upload, &content, from, upload.bytes);
            assert_eq!(done, Ok(ContentOutcome::Written { upto: upload.bytes, complete: true }), "{written}");
            assert_eq!(read(&mut contents, upload.hash, upload.bytes), Ok(content.clone()));
        }
    }

    #[test]
    fn what_nobody_refers_to_goes_at_the_start_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let mut contents = Contents::at(folder.path());
        let kept: Vec<_> = [1000, 2000, 3000].map(content).into();
        for content in &kept {
            let upload = upload(1, content);
            begin(&mut contents, upload);
            send(&mut contents, upload, content, 0, upload.bytes).unwrap();
        }
        let hash = |content: &Vec<u8>| upload(1, content).hash;
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let known = BTreeSet::from([hash(&kept[0]), hash(&content(9))]);
        assert_eq!(contents.sweep(&known), Swept { removed: 2, missing: 1 });
        assert_eq!(names(folder.path()), [hash(&kept[0]).to_string(), "notes.txt".to_owned()]);
        assert_eq!(ask(&mut contents, ContentWork::Remove(vec![hash(&kept[0]), hash(&kept[1])])), Ok(ContentOutcome::Done));
        assert_eq!(names(folder.path()), ["notes.txt"]);
    }

    #[test]
    fn a_part_that_nobody_goes_on_with_goes_after_a_day_and_one_that_is_open_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut contents = Contents::at(folder.path());
        let (old, open, new) = (content(1000), content(2000), content(3000));
        let long_ago = SystemTime::now() - UPLOADS_KEPT - Duration::from_secs(60);
        for content in [&old, &open, &new] {
            let upload = upload(1, content);
            begin(&mut contents, upload);
            send(&mut contents, upload, content, 0, 500).unwrap();
        }
        for (content, is_old, is_open) in [(&old, true, false), (&open, true, true), (&new, false, false)] {
            let upload = upload(1, content);
            if is_old {
                File::options().write(true).open(contents.part_of(upload)).unwrap().set_modified(long_ago).unwrap();
            }
            if !is_open {
                ask(&mut contents, ContentWork::Pause(upload)).unwrap();
            }
        }
        ask(&mut contents, ContentWork::Remove(vec![])).unwrap();
        let is_there = [&old, &open, &new].map(|content| contents.part_of(upload(1, content)).exists());
        assert_eq!(is_there, [false, true, true]);
    }

    #[test]
    fn so_many_uploads_are_open_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut contents = Contents::at(folder.path());
        let key = |account| upload(account, &[1; 100]);
        for account in 0..UPLOADS_OPEN_MAX as u64 {
            begin(&mut contents, key(account));
        }
        let one_more = key(UPLOADS_OPEN_MAX as u64);
        assert_eq!(ask(&mut contents, ContentWork::Begin(one_more)), Err(Refusal::Busy));
        ask(&mut contents, ContentWork::Pause(key(0))).unwrap();
        begin(&mut contents, one_more);
    }
}
