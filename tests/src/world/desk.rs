//! The store's thread and its disk in the world. A batch is begun, then committed, then heard of, and the process may die between any two.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use belfry_core::chat::Timeline;
use belfry_server::contents::Contents;
use belfry_server::store::{self, Done, Job, Opening, Store, Uncommitted};

/// The store of whatever process runs, and the disk that outlives it.
#[derive(Debug)]
pub(super) struct Desk {
    /// The process's own.
    store: Option<Store>,
    disk: Disk,
    /// Keeps what is in memory while nobody else does.
    _keeper: Option<Store>,
    waiting: Vec<Job>,
    /// The thread has something to do, or soon will.
    busy: bool,
    batch: Option<Uncommitted>,
    /// Batches that are committed and not heard of.
    unheard: usize,
    /// What files hold: the folder outlives the process that has it open. Made when something is first kept in it.
    folder: Option<tempfile::TempDir>,
    contents: Option<Contents>,
}

/// Where the database is.
#[derive(Debug)]
enum Disk {
    /// In memory, under this name, until the desk is gone.
    Memory(String),
    /// In a file: only there is a backup made of it and put back.
    File(PathBuf),
}

fn open(disk: &Disk) -> Store {
    match disk {
        Disk::Memory(name) => Store::open_in_shared_memory(name),
        Disk::File(path) => Store::open(path),
    }
    .expect("a database")
}

impl Desk {
    /// A disk that no other world in this process has, after another process has done one job on it.
    pub(super) fn new(first: Job) -> Self {
        static DISKS: AtomicU64 = AtomicU64::new(0);
        let name = format!("world-{}", DISKS.fetch_add(1, Ordering::Relaxed));
        let keeper = Store::open_in_shared_memory(&name).expect("a database in memory");
        Self::on(Disk::Memory(name), Some(keeper), first)
    }

    /// The same on a real disk.
    pub(super) fn in_file(path: PathBuf, first: Job) -> Self {
        Self::on(Disk::File(path), None, first)
    }

    fn on(disk: Disk, keeper: Option<Store>, first: Job) -> Self {
        let mut desk = Self {
            store: None,
            disk,
            _keeper: keeper,
            waiting: Vec::new(),
            busy: false,
            batch: None,
            unheard: 0,
            folder: None,
            contents: None,
        };
        desk.open();
        desk.take(first);
        desk.close();
        desk
    }

    /// A process starts: what it finds.
    pub(super) fn open(&mut self) -> Opening {
        let store = self.store.get_or_insert_with(|| open(&self.disk));
        if let Some(folder) = &self.folder {
            let known = store.contents().expect("what was stored can be read");
            Contents::at(folder.path()).sweep(&known.into_iter().collect());
        }
        store.opening().expect("what was stored can be read")
    }

    /// The process's folder of contents.
    pub(super) fn contents(&mut self) -> &mut Contents {
        let folder = self.folder.get_or_insert_with(|| tempfile::tempdir().expect("a folder"));
        self.contents.get_or_insert_with(|| Contents::at(folder.path()))
    }

    /// A job is handed in. Whether the thread was at rest.
    pub(super) fn take(&mut self, job: Job) -> bool {
        self.waiting.push(job);
        !core::mem::replace(&mut self.busy, true)
    }

    /// Does what waits as one batch, and commits nothing yet.
    pub(super) fn begin(&mut self) {
        let jobs = core::mem::take(&mut self.waiting);
        self.batch = self.store.as_mut().map(|store| store.begin(jobs));
    }

    /// Commits what was begun.
    pub(super) fn commit(&mut self) -> Vec<Done> {
        self.busy = !self.waiting.is_empty();
        let Some((store, batch)) = self.store.as_mut().zip(self.batch.take()) else { return Vec::new() };
        self.unheard += 1;
        store.commit(batch)
    }

    pub(super) const fn has_more(&self) -> bool {
        self.busy
    }

    /// The server has heard of a batch.
    pub(super) const fn heard(&mut self) {
        self.unheard -= 1;
    }

    pub(super) const fn is_before_commit(&self) -> bool {
        self.batch.is_some()
    }

    pub(super) const fn is_after_commit(&self) -> bool {
        self.unheard > 0
    }

    /// The process dies: what was not handed to the disk is gone.
    pub(super) fn crash(&mut self) {
        self.store = None;
        self.contents = None;
        self.batch = None;
        self.waiting.clear();
        (self.busy, self.unheard) = (false, 0);
    }

    /// Copies the database as `belfry backup` does.
    pub(super) fn back_up(&self, to: &Path) {
        let Disk::File(path) = &self.disk else { panic!("this world has no disk") };
        store::copy(path, to).expect("a copy").finish().expect("a backup");
    }

    /// Nobody has it open: puts a backup into the place of the database as `belfry restore` does.
    pub(super) fn restore(&mut self, backup: &Path, timeline: Timeline) {
        let Disk::File(path) = &mut self.disk else { panic!("this world has no disk") };
        let new = path.with_file_name(format!("of timeline {}", timeline.0));
        fs::copy(backup, &new).expect("a copy");
        let mut restored = Store::open(&new).expect("a database");
        restored.begin_timeline(timeline, Some(path)).expect("a timeline begins");
        restored.close().expect("a database closes");
        *path = new;
    }

    /// The process ends as it should: what was handed in is still done.
    pub(super) fn close(&mut self) {
        self.commit();
        if let Some(mut store) = self.store.take() {
            store.apply(core::mem::take(&mut self.waiting));
            store.close().expect("a database in memory closes");
        }
        (self.busy, self.unheard) = (false, 0);
    }
}
