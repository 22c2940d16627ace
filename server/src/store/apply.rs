//! A batch of jobs in one transaction: each job alone may fail, and none is answered before all are on disk.
//!
//! A batch that is done and not committed keeps its answers to itself ([`Uncommitted`]), so nobody can be told too early by mistake.

use std::path::{Path, PathBuf};
use std::time::Duration;

use belfry_core::chat::{AccountName, Answer, ContentHash, Refusal, Timeline};
use belfry_core::time::UnixMillis;
use rusqlite::{Connection, OpenFlags};

use crate::limits::SEARCH_WITHIN;

use super::column::number;
use super::error::Trouble;
use super::job::{Aside, WorkKind};
use super::messages::PostContent;
use super::retention::Bounds;
use super::settling::{Forgetting, Unsettled};
use super::time_limit::{self, TimeLimit};
use super::{
    DatabaseSize, Done, Job, JobTicket, Lock, NamedAccount, Opening, Outcome, StoreError, Work, accounts, alterations, audience, audit,
    devices, export, files, groups, ledger, ledger_page, lists, messages, notice_changes, notices, open, plans, profiles, reached,
    retention, rooms, screens, set_back, sharing, sign_in, timelines,
};

const BEGIN_WRITING: &str = "BEGIN IMMEDIATE";
const BEGIN_READING: &str = "BEGIN";
const COMMIT: &str = "COMMIT";
const GIVE_UP: &str = "ROLLBACK";
const SAVEPOINT: &str = "SAVEPOINT job";
const UNDO: &str = "ROLLBACK TO job";
const RELEASE: &str = "RELEASE job";
const BYTES: &str = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";

/// The database, with one owner.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    /// Where it is, if it is on a disk.
    pub(super) path: Option<PathBuf>,
    pub(super) unsettled: Unsettled,
    pub(super) forgetting: Forgetting,
    /// Held for as long as the database is open; dropped after it.
    _lock: Option<Lock>,
}

/// The same database once more, for jobs that only read and may take long.
#[derive(Debug)]
pub(super) struct StoreReader {
    connection: Connection,
}

/// A batch that is done and not on disk yet: only [`Store::commit`] gives its answers away.
#[derive(Debug)]
#[must_use = "nobody is answered before the commit"]
pub struct Uncommitted {
    tickets: Vec<JobTicket>,
    done: Result<Vec<Done>, StoreError>,
}

impl StoreReader {
    /// Does a job. It sees everything that has been committed.
    pub(super) fn answer(&mut self, job: Job) -> Done {
        let ticket = job.ticket;
        let _time_limit = time_for(&job.work).map(TimeLimit::begin);
        let answered = self.connection.transaction().map_err(StoreError::from).and_then(|transaction| alone(&transaction, job));
        let result = answered.unwrap_or_else(|error| {
            tracing::error!("a list or a search failed: {error}");
            Err(error.refusal())
        });
        Done { ticket, result }
    }
}

/// How long a job may take that is done beside the store's own.
fn time_for(work: &Work) -> Option<Duration> {
    match work.kind() {
        WorkKind::ReadsAside(Aside::Searches) => Some(SEARCH_WITHIN),
        _ => None,
    }
}

impl Store {
    /// Opens the database at `path`, or makes it; its folder must exist. Older files are brought forward. Beside it lie `….lock` and,
    /// while it is open, SQLite's own `…-wal` and `…-shm`.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read and written, another server has it, it is damaged, or it is not ours or newer than we are;
    /// then the file is as it was before.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_locked(Lock::take(path)?)
    }

    /// Opens the database that is locked, as [`Store::open`] does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_locked(lock: Lock) -> Result<Self, StoreError> {
        let path = lock.database().to_owned();
        Self::with(open::on_disk(&path)?, Some(path), Some(lock))
    }

    /// Makes a database that is gone when it is dropped.
    ///
    /// # Errors
    /// [`StoreError`] when there is no memory for it.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        Self::with(open::in_memory()?, None, None)
    }

    /// Opens a database in memory that outlives this store as long as another one of the same name is open: what a process that dies
    /// leaves behind, without a disk. A new one is made if there is none.
    ///
    /// # Errors
    /// [`StoreError`] when there is no memory for it.
    pub fn open_in_shared_memory(name: &str) -> Result<Self, StoreError> {
        Self::with(open::in_shared_memory(name)?, None, None)
    }

    fn with(connection: Connection, path: Option<PathBuf>, lock: Option<Lock>) -> Result<Self, StoreError> {
        let unsettled = Unsettled::found(&connection)?;
        Ok(Self { connection, path, unsettled, forgetting: Forgetting::default(), _lock: lock })
    }

    /// Another way in for those who only read; `None` for a database in memory, which has but one.
    pub(super) fn reader(&self) -> Result<Option<StoreReader>, StoreError> {
        let Some(path) = self.path.as_deref() else { return Ok(None) };
        let mut connection = open::for_reading(path)?;
        time_limit::teach(&mut connection)?;
        Ok(Some(StoreReader { connection }))
    }

    /// Reads what the hub has to know before the first job.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn opening(&mut self) -> Result<Opening, StoreError> {
        Ok(Opening {
            accounts: accounts::count(&self.connection)?,
            rooms: rooms::all(&self.connection)?,
            closed_rooms_differ: rooms::closed_differ(&self.connection)?,
            templates: plans::templates(&self.connection)?,
            schedules: plans::schedules(&self.connection)?,
            reminders: notice_changes::reminders(&self.connection)?,
            newest: set_back::newest(&self.connection)?,
            timeline: timelines::present(&self.connection)?,
        })
    }

    /// Every content that should be on the disk.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn contents(&self) -> Result<Vec<ContentHash>, StoreError> {
        files::all(&self.connection)
    }

    /// Whether somebody has ever signed in to the account of that name.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn was_here(&self, name: &AccountName) -> Result<bool, StoreError> {
        accounts::was_here(&self.connection, name)
    }

    /// From here on numbers may be given a second time: begins the timeline `new`, which no database had before. `replaced` is the database
    /// that this one comes in the place of, if there is one: of its timelines, clients may know, too. It need not be whole.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn begin_timeline(&mut self, new: Timeline, replaced: Option<&Path>) -> Result<(), StoreError> {
        let of_other = |path| open::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|other| timelines::all(&other));
        let others = replaced.and_then(|path| of_other(path).ok()).unwrap_or_default();
        timelines::begin(&mut self.connection, new, others)
    }

    /// Does the jobs in their order and answers them in the same. All share one transaction: when this returns, what is answered with
    /// `Ok` is on disk. A job that is refused has changed nothing and does not disturb the others; when the transaction itself fails,
    /// every job is answered with [`Refusal::StoreFailed`] or [`Refusal::DiskFull`] and the log says why.
    pub fn apply(&mut self, jobs: Vec<Job>) -> Vec<Done> {
        let batch = self.begin(jobs);
        self.commit(batch)
    }

    /// The first half of [`Store::apply`]: everything but the commit. A batch that was begun before and never committed is undone.
    pub fn begin(&mut self, jobs: Vec<Job>) -> Uncommitted {
        if !self.connection.is_autocommit() {
            self.undo();
        }
        let tickets = jobs.iter().map(|job| job.ticket).collect();
        Uncommitted { tickets, done: self.batch(jobs) }
    }

    /// The second half of [`Store::apply`]: puts the batch on disk, and only then answers it.
    pub fn commit(&mut self, batch: Uncommitted) -> Vec<Done> {
        let Uncommitted { tickets, done } = batch;
        let committed = done.and_then(|done| {
            if !done.is_empty() {
                self.connection.prepare_cached(COMMIT)?.execute([])?;
            }
            Ok(done)
        });
        committed.unwrap_or_else(|error| {
            self.undo();
            tracing::error!(jobs = tickets.len(), "a transaction failed and nothing of it is stored: {error}");
            tickets.into_iter().map(|ticket| Done { ticket, result: Err(error.refusal()) }).collect()
        })
    }

    /// Ends a transaction that is open as if it had never been. Where SQLite has done so itself, as on a full disk, there is none.
    fn undo(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch(GIVE_UP)
        {
            tracing::error!("a transaction could not be rolled back: {error}");
        }
        // It may have settled what was there before it.
        match Unsettled::found(&self.connection) {
            Ok(found) => self.unsettled = found,
            Err(error) => tracing::error!("it could not be read what the index has to follow: {error}"),
        }
    }

    /// Whether something follows from what was stored that [`Store::settle`] would do.
    pub(super) fn wants_to_settle(&self) -> bool {
        self.unsettled.is_open()
    }

    /// Settles what follows from the messages that were stored, if that is enough to be worth it while others come.
    pub(super) fn settle_what_is_due(&mut self) {
        if self.unsettled.is_due() {
            self.settle();
        }
    }

    /// Settles what follows from the messages that were stored. Nobody waits for it: when it fails it is done later.
    pub(super) fn settle(&mut self) {
        let settled = self.connection.prepare_cached(BEGIN_WRITING).and_then(|mut begin| begin.execute([])).map_err(StoreError::from);
        let settled = settled.and_then(|_| self.unsettled.settle(&self.connection, &mut self.forgetting)).and_then(|()| {
            self.connection.prepare_cached(COMMIT)?.execute([])?;
            Ok(())
        });
        match settled {
            Ok(()) => self.unsettled = Unsettled::default(),
            Err(error) => {
                self.undo();
                self.unsettled.put_off();
                tracing::error!("the index of messages could not follow; it is tried again with the next message: {error}");
            }
        }
    }

    /// Closes the database with nothing left in its log. Dropping it is as safe, but nobody hears what went wrong.
    ///
    /// # Errors
    /// [`StoreError`] when the log could not be carried over; it is carried over when the database is opened again.
    pub fn close(self) -> Result<(), StoreError> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.connection.close().map_err(|(_, error)| error.into())
    }

    fn batch(&mut self, jobs: Vec<Job>) -> Result<Vec<Done>, StoreError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let writes = jobs.iter().any(|job| job.work.kind() == WorkKind::Writes);
        // A batch that only reads takes no lock and syncs nothing.
        self.connection.prepare_cached(if writes { BEGIN_WRITING } else { BEGIN_READING })?.execute([])?;
        let mut done = Vec::with_capacity(jobs.len());
        for job in jobs {
            let ticket = job.ticket;
            let result = alone(&self.connection, job)?;
            if let Ok(Outcome::Posted(posted)) = &result {
                self.unsettled.note(posted);
            }
            if self.unsettled.is_full() {
                self.unsettled.settle(&self.connection, &mut self.forgetting)?;
                self.unsettled = Unsettled::default();
            }
            done.push(Done { ticket, result });
        }
        Ok(done)
    }
}

/// One job of a batch; the outer error means that the whole batch is lost.
fn alone(connection: &Connection, job: Job) -> Result<Result<Outcome, Refusal>, StoreError> {
    let undoes = job.work.kind() == WorkKind::Writes;
    if undoes {
        connection.prepare_cached(SAVEPOINT)?.execute([])?;
    }
    let result = perform(connection, job.at, job.work);
    if undoes {
        if result.is_err() {
            if connection.is_autocommit() {
                // SQLite has undone the whole transaction, as it does on a full disk. Another statement would be a transaction of its own.
                let Err(Trouble::Failed(error)) = result else {
                    return Err(StoreError::contradiction("a transaction ended by itself"));
                };
                return Err(error);
            }
            connection.prepare_cached(UNDO)?.execute([])?;
        }
        connection.prepare_cached(RELEASE)?.execute([])?;
    }
    Ok(result.map_err(|trouble| match trouble {
        Trouble::Refused(refusal) => refusal,
        Trouble::Failed(error) => {
            tracing::error!("a database job failed: {error}");
            error.refusal()
        }
    }))
}

fn perform(connection: &Connection, at: UnixMillis, work: Work) -> Result<Outcome, Trouble> {
    match work {
        Work::Find { name } => Ok(NamedAccount { account: accounts::find(connection, &name)? }.into()),
        Work::LookUp { name, device, source } => sign_in::look_up(connection, &name, device, source),
        Work::RenewHash { account, from, to } => accounts::renew_hash(connection, account, &from, &to),
        Work::AddAccount { name, password_hash, role } => accounts::add(connection, at, &name, &password_hash, role),
        Work::SetPassword { account, password_hash, remembered } => {
            accounts::set_password(connection, &account, &password_hash, remembered)
        }
        Work::SetRole { account, role } => accounts::set_role(connection, &account, role),
        Work::SetDisabled { account, disabled } => accounts::set_disabled(connection, &account, disabled),
        Work::SignIn { account, visitor } => sign_in::enter(connection, at, account, visitor),
        Work::Overview { account } => sign_in::overview(connection, at, account),
        Work::Seen { account, device } => {
            devices::seen(connection, at, account, device)?;
            accounts::seen(connection, at, account)
        }
        Work::Post { account, post, to, text, reply_to } => {
            messages::post(connection, at, account, post, to, PostContent { text, reply_to, file: None })
        }
        Work::File(job) => sharing::perform(connection, at, job),
        Work::FetchAfter { account, conversation, after, limit } => messages::after(connection, account, conversation, after, limit),
        Work::FetchBefore { account, of, before, limit } => messages::before(connection, account, &of, before, limit),
        Work::SendNotice { author, draft } => {
            let end = draft.expires_after_ms.map(|after| UnixMillis(at.0.saturating_add(after)));
            notices::send(connection, at, end, author, &draft)
        }
        Work::Occur(occurrence) => plans::occur(connection, at, occurrence),
        Work::Preview { author, audience } => audience::preview(connection, author, &audience),
        Work::Receipt { account, device, notice, revision, receipt } => {
            ledger::note(connection, at, ledger::ReceivingDevice { account, device }, notice, revision, receipt)
        }
        Work::ListNotices { before, limit } => notices::list(connection, at, before, limit),
        Work::Ledger { notice, view, after, limit } => ledger_page::read(connection, at, notice, &view, after.as_ref(), limit),
        Work::Size => {
            let bytes = connection.prepare_cached(BYTES)?.query_row([], |row| number(row, 0))?;
            Ok(DatabaseSize { messages: messages::count(connection)?, bytes }.into())
        }
        Work::ChangeNotice { notice, change } => notice_changes::change(connection, at, notice, change),
        Work::ReadNotice { notice } => Ok(Box::new(notices::with_people(connection, at, notice)?).into()),
        Work::FetchNotice { account, notice } => Ok(Outcome::Read(Answer::Notice(notices::as_seen_by(connection, at, account, notice)?))),
        Work::Reached { deliveries } => reached::note(connection, at, deliveries),
        Work::Screens { reports } => screens::note(connection, at, reports),
        Work::Queued { deliveries } => reached::queued(connection, at, deliveries),
        Work::AddSchedule { author, next_at, draft } => plans::schedule(connection, author, next_at, draft),
        Work::Unschedule(schedule) => plans::remove_schedule(connection, schedule),
        Work::SaveTemplate(template) => plans::save_template(connection, &template),
        Work::RemoveTemplate { name } => plans::remove_template(connection, &name),
        Work::AddToGroup { group, members } => groups::add(connection, &group, &members),
        Work::RemoveFromGroup { group, members } => groups::remove(connection, &group, &members),
        Work::ListDevices { account, after } => devices::of(connection, &account, after),
        Work::RevokeDevice { account, device } => devices::revoke(connection, at, &account, device),
        Work::UnlessItStopsNotices(work) => plans::unless_it_stops_any(connection, |connection| perform(connection, at, *work)),
        Work::Audited { entry, work } => {
            let outcome = perform(connection, at, *work)?;
            audit::note(connection, at, entry, &outcome)?;
            Ok(outcome)
        }
        Work::ReadAudit { before, limit } => audit::read(connection, before, limit),
        Work::Tidy { messages_before, messages_kept, rooms_differ, notices_before, audit_before, bite } => {
            let bounds = Bounds { messages_before, messages_kept, rooms_differ, notices_before, audit_before };
            retention::tidy(connection, at, &bounds, bite)
        }
        Work::SetClockBack { from } => Ok(set_back::set_back(connection, at, from)?.into()),
        Work::Exportable { account, all, room, after } => export::list(connection, account, all, room.as_ref(), after),
        Work::SetProfile { account, changes } => profiles::set(connection, &account, changes),
        Work::Room(job) => rooms::perform(connection, at, job),
        Work::Message(talk) => alterations::perform(connection, at, talk),
        Work::List(list) => lists::read(connection, at, list),
        Work::ExportPage { account, all, conversation, after, limit } => export::page(connection, account, all, conversation, after, limit),
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountId, Seq};

    use super::super::fixture::{LOBBY, add, ask, direct, each_store, job, notice_to, overview, post, post_to, posted, say, sent, sign_in};
    use super::super::{List, MessageJob, Target};
    use super::*;

    fn size(store: &mut Store) -> (u64, u64) {
        let Ok(Outcome::Size(DatabaseSize { messages, bytes })) = ask(store, 1, Work::Size) else { panic!() };
        (messages, bytes)
    }

    #[test]
    fn a_batch_of_a_hundred_posts_is_numbered_without_gaps() {
        each_store(|store| {
            let anna = add(store, "anna");
            let jobs = (1..=100).map(|n| job(n, 1, post(anna, n, Target::Room(LOBBY), "x"))).collect();
            let done = store.apply(jobs);
            for (n, done) in (1..=100).zip(done) {
                assert_eq!((done.ticket, posted(done.result).0.seq), (JobTicket(n), Seq(n)));
            }
        });
    }

    #[test]
    fn a_refused_job_in_a_batch_changes_nothing_and_the_others_are_stored() {
        each_store(|store| {
            let (anna, bob) = (add(store, "anna"), add(store, "bob"));
            let done = store.apply(vec![
                job(1, 1, post(anna, 1, Target::Room(LOBBY), "first")),
                job(2, 1, notice_to(anna, 1, &["bob", "nobody"])),
                job(3, 1, post(anna, 2, Target::Room(LOBBY), "second")),
            ]);
            assert_eq!(done[1].result, Err(Refusal::UnknownAccount));
            assert_eq!(posted(done[0].result.clone()).0.seq, Seq(1));
            assert_eq!(posted(done[2].result.clone()).0.seq, Seq(2));
            assert!(overview(store, 2, bob).1.is_empty());
            assert_eq!(sent(ask(store, 2, notice_to(anna, 1, &["bob"]))).0.id.0, 1);
        });
    }

    #[test]
    fn a_job_sees_what_earlier_jobs_of_its_batch_have_done() {
        each_store(|store| {
            let anna = add(store, "anna");
            let done = store.apply(vec![
                job(1, 1, post(anna, 1, Target::Room(LOBBY), "x")),
                job(2, 1, post(anna, 1, Target::Room(LOBBY), "x")),
                job(3, 1, Work::Size),
            ]);
            assert!(posted(done[1].result.clone()).2);
            assert!(matches!(done[2].result, Ok(Outcome::Size(DatabaseSize { messages: 1, .. }))));
        });
    }

    #[test]
    fn when_the_commit_fails_every_job_is_refused_and_nothing_is_stored() {
        each_store(|store| {
            let anna = add(store, "anna");
            // A promise that is only looked at when the transaction ends, broken by the second post.
            store
                .connection
                .execute_batch(
                    "CREATE TABLE promises (account INTEGER REFERENCES accounts DEFERRABLE INITIALLY DEFERRED);
                     CREATE TRIGGER broken AFTER INSERT ON messages WHEN NEW.seq = 2 BEGIN INSERT INTO promises VALUES (99); END;",
                )
                .unwrap();
            let done = store.apply((1..=3).map(|n| job(n, 1, post(anna, n, Target::Room(LOBBY), "x"))).collect());
            let lost: Vec<_> = (1..=3).map(|n| (JobTicket(n), Err(Refusal::StoreFailed))).collect();
            assert_eq!(done.into_iter().map(|done| (done.ticket, done.result)).collect::<Vec<_>>(), lost);
            assert_eq!(size(store).0, 0);
            assert_eq!(posted(post_to(store, anna, 1, Target::Room(LOBBY))).0.seq, Seq(1));
        });
    }

    #[test]
    fn a_batch_that_was_never_committed_has_never_been() {
        each_store(|store| {
            let anna = add(store, "anna");
            let given_up = store.begin(vec![job(1, 1, post(anna, 1, Target::Room(LOBBY), "lost"))]);
            drop(given_up);
            let done = store.apply(vec![job(2, 1, post(anna, 2, Target::Room(LOBBY), "kept"))]);
            assert_eq!(posted(done.into_iter().next().unwrap().result).0.seq, Seq(1));
            assert_eq!(size(store).0, 1);
        });
    }

    #[test]
    fn what_is_not_committed_is_gone_with_the_process_and_what_is_committed_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut store = Store::open(&path).unwrap();
        let anna = add(&mut store, "anna");
        let batch = store.begin(vec![job(1, 1, post(anna, 1, Target::Room(LOBBY), "committed"))]);
        assert!(store.commit(batch).iter().all(|done| done.result.is_ok()));
        let batch = store.begin(vec![job(2, 1, post(anna, 2, Target::Room(LOBBY), "too late"))]);
        drop(store);
        drop(batch);
        assert_eq!(size(&mut Store::open(&path).unwrap()).0, 1);
    }

    #[test]
    fn a_full_disk_refuses_and_what_was_stored_before_stays() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, anna, 1);
            let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
            let limit = |store: &Store, pages: i64| {
                store.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
            };
            limit(store, pages);
            let text = "x".repeat(16_000);
            let done = store.apply((2..=20).map(|n| job(n, 1, post(anna, n, Target::Room(LOBBY), &text))).collect());
            let stored = done.iter().filter(|done| done.result.is_ok()).count() as u64;
            assert!(done.iter().any(|done| done.result == Err(Refusal::DiskFull)));
            assert_eq!(size(store).0, 1 + stored);
            limit(store, i64::from(u32::MAX) - 2);
            assert_eq!(posted(ask(store, 1, post(anna, 99, Target::Room(LOBBY), &text))).0.seq, Seq(2 + stored));
        });
    }

    #[test]
    fn a_batch_that_only_reads_needs_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut store = Store::open(&path).unwrap();
        let anna = add(&mut store, "anna");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert_eq!(overview(&mut store, 1, anna).0.len(), 1);
    }

    #[test]
    fn nothing_to_do_is_done_at_once() {
        each_store(|store| assert!(store.apply(Vec::new()).is_empty()));
    }

    #[test]
    fn the_size_counts_messages_of_all_conversations() {
        each_store(|store| {
            let (anna, _bob) = (add(store, "anna"), add(store, "bob"));
            say(store, anna, 3);
            post_to(store, anna, 9, direct("bob")).unwrap();
            let (messages, bytes) = size(store);
            assert_eq!(messages, 4);
            assert!(bytes >= 4096);
        });
    }

    #[test]
    fn everything_is_there_again_after_closing_and_opening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut store = Store::open(&path).unwrap();
        let (anna, bob) = (add(&mut store, "anna"), add(&mut store, "bob"));
        post_to(&mut store, anna, 1, direct("bob")).unwrap();
        sent(ask(&mut store, 1, notice_to(anna, 1, &["bob"])));
        let before = (store.opening().unwrap(), overview(&mut store, 2, bob));
        store.close().unwrap();
        let mut store = Store::open(&path).unwrap();
        assert_eq!((store.opening().unwrap(), overview(&mut store, 2, bob)), before);
        assert!(posted(post_to(&mut store, anna, 1, direct("bob"))).2);
        drop(store);
        assert_eq!(overview(&mut Store::open(&path).unwrap(), 2, bob), before.1);
    }

    #[test]
    fn signing_in_notes_when_and_reading_the_same_does_not() {
        each_store(|store| {
            let anna = add(store, "anna");
            let last_seen = |store: &mut Store| accounts::stored(&store.connection, anna).unwrap().last_seen;
            overview(store, 5, anna);
            assert_eq!(last_seen(store), None);
            sign_in(store, 6, anna);
            assert_eq!(last_seen(store), Some(UnixMillis(6)));
        });
    }

    #[test]
    fn a_search_has_an_end_and_a_list_has_none() {
        let text = belfry_core::chat::SearchText::new("word").unwrap();
        let search = MessageJob::Search { account: AccountId(1), text, within: None, before: None, limit: 9 };
        assert_eq!(time_for(&Work::Message(search)), Some(SEARCH_WITHIN));
        assert_eq!(time_for(&Work::List(List::Everybody { after: None })), None);
    }

    #[test]
    fn a_store_that_is_closed_leaves_nothing_in_its_log_also_while_somebody_else_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let mut store = Store::open(&path).unwrap();
        add(&mut store, "anna");
        let reader = store.reader().unwrap();
        store.close().unwrap();
        assert_eq!(std::fs::metadata(path.with_extension("db-wal")).unwrap().len(), 0);
        drop(reader);
    }
}
