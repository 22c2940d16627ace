//! What the worker has answered is on the disk: looked at there, and not in the memory of whoever has answered.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use belfry_core::chat::{AccountId, Refusal};
use rusqlite::Connection;
use tempfile::TempDir;

use super::fixture::{LOBBY, add, job, post, posted};
use super::{Done, JobTicket, Store, StoreWorker, Target};

const PATIENCE: Duration = Duration::from_secs(20);

/// A store on a disk, and somebody in it.
fn with_anna(folder: &TempDir) -> (Store, AccountId) {
    let mut store = Store::open(&folder.path().join("belfry.db")).unwrap();
    let anna = add(&mut store, "anna");
    (store, anna)
}

fn spawn(store: Store) -> (StoreWorker, Receiver<()>) {
    let (wake, woken) = mpsc::channel();
    (StoreWorker::spawn(store, move || wake.send(()).unwrap_or_default()).unwrap(), woken)
}

/// Messages in a copy of the files as they lie there now: what a computer without power would find when it has some again.
fn messages_in_a_copy(folder: &Path) -> u64 {
    let copy = tempfile::tempdir().unwrap();
    for file in ["belfry.db", "belfry.db-wal"] {
        let _ = fs::copy(folder.join(file), copy.path().join(file));
    }
    let connection = Connection::open(copy.path().join("belfry.db")).unwrap();
    connection.query_row("SELECT count(*) FROM messages", [], |row| super::column::number(row, 0)).unwrap()
}

/// The next answer, without waiting to be woken: as early as there is one.
fn next(worker: &mut StoreWorker) -> Done {
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        match worker.try_recv() {
            Some(done) => return done,
            None => assert!(std::time::Instant::now() < until, "no answer"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn what_is_answered_is_in_the_files_however_few_share_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let (store, anna) = with_anna(&folder);
    let (mut worker, _woken) = spawn(store);
    let mut said = 0;
    // Many alone, then some together.
    for together in [1; 20].into_iter().chain([2, 3, 50]) {
        for _ in 0..together {
            said += 1;
            worker.try_submit(job(said, 1, post(anna, said, Target::Room(LOBBY), "hello"))).unwrap();
        }
        for _ in 0..together {
            let seq = posted(next(&mut worker).result).0.seq.0;
            assert!(messages_in_a_copy(folder.path()) >= seq, "message {seq} of a batch of {together} at most");
        }
    }
    worker.stop();
}

#[test]
fn what_cannot_be_committed_is_answered_as_not_stored_however_few_share_a_batch() {
    for together in [1, 2, 50] {
        let folder = tempfile::tempdir().unwrap();
        let (store, anna) = with_anna(&folder);
        // Nothing is wrong with any message until the transaction is to end: then one is missing what it leans on.
        let trap = "CREATE TABLE whole (id INTEGER PRIMARY KEY);
            CREATE TABLE part (of INTEGER REFERENCES whole (id) DEFERRABLE INITIALLY DEFERRED);
            CREATE TRIGGER trap AFTER INSERT ON messages BEGIN INSERT INTO part VALUES (1); END;";
        store.connection.execute_batch(trap).unwrap();
        let (mut worker, _woken) = spawn(store);
        for n in 1..=together {
            worker.try_submit(job(n, 1, post(anna, n, Target::Room(LOBBY), "hello"))).unwrap();
        }
        for n in 1..=together {
            let done = next(&mut worker);
            assert_eq!((done.ticket, done.result), (JobTicket(n), Err(Refusal::StoreFailed)), "one of {together}");
        }
        worker.stop();
        assert_eq!(messages_in_a_copy(folder.path()), 0);
    }
}
