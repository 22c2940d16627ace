//! The store's thread and its disk in the world. A batch is begun, then committed, then heard of, and the process may die between any two.

use std::sync::atomic::{AtomicU64, Ordering};

use belfry_server::store::{Done, Job, Opening, Store, Uncommitted};

/// The store of whatever process runs, and the disk that outlives it.
#[derive(Debug)]
pub(super) struct Desk {
    /// The process's own.
    store: Option<Store>,
    /// The name of the disk, and what keeps it while nobody else does.
    disk: String,
    _keeper: Store,
    waiting: Vec<Job>,
    /// The thread has something to do, or soon will.
    busy: bool,
    batch: Option<Uncommitted>,
    /// Batches that are committed and not heard of.
    unheard: usize,
}

fn open(disk: &str) -> Store {
    Store::open_in_shared_memory(disk).expect("a database in memory")
}

impl Desk {
    /// A disk that no other world in this process has, after another process has done one job on it.
    pub(super) fn new(first: Job) -> Self {
        static DISKS: AtomicU64 = AtomicU64::new(0);
        let disk = format!("world-{}", DISKS.fetch_add(1, Ordering::Relaxed));
        let keeper = open(&disk);
        let mut desk = Self { store: None, disk, _keeper: keeper, waiting: Vec::new(), busy: false, batch: None, unheard: 0 };
        desk.open();
        desk.take(first);
        desk.close();
        desk
    }

    /// A process starts: what it finds.
    pub(super) fn open(&mut self) -> Opening {
        self.store.get_or_insert_with(|| open(&self.disk)).opening().expect("what was stored can be read")
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
        self.batch = None;
        self.waiting.clear();
        (self.busy, self.unheard) = (false, 0);
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
