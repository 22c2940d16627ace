//! How many messages a second the store makes durable, and what that costs: `cargo bench -p belfry-tests --bench store`.
//!
//! Closed loop: each sender hands in its next message when the last one is stored. The database lies in a folder made below
//! `BELFRY_BENCH_DIR`, or below the system's folder for temporary files, which must be on a real disk for the numbers to mean anything.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use belfry_core::chat::{AccountId, AccountName, PostId, Role, Text};
use belfry_core::time::UnixMillis;
use belfry_server::store::{AccountAdded, Job, JobTicket, Outcome, Posted, Store, StoreWorker, Target, Work};

const REPETITIONS: usize = 3;
const RUN: Duration = Duration::from_secs(5);
/// Before the measurement: the write-ahead log grows to its length.
const WARM_UP: Duration = Duration::from_secs(3);
const TEXT_BYTES: usize = 100;
const NOTICE_AUDIENCE: usize = 10_000;

fn main() {
    let base = std::env::var_os("BELFRY_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    println!("database below {}, texts of {TEXT_BYTES} bytes, {REPETITIONS} runs of {RUN:?} each, medians", base.display());
    println!("the disk alone: writing 4 KiB over and syncing takes {:.3} ms at the median", millis(sync_time(&base)));
    println!(
        "{:>8} {:>12} {:>16} {:>12} {:>10} {:>10} {:>17}",
        "senders", "messages/s", "messages/commit", "CPU µs/msg", "p50 ms", "p99 ms", "worker's p50 ms"
    );
    for senders in [1, 50] {
        let mut runs: Vec<_> = (0..REPETITIONS).map(|_| closed_loop(&base, senders)).collect();
        let mut median = |of: fn(&Figures) -> f64| {
            runs.sort_by(|a, b| of(a).total_cmp(&of(b)));
            of(&runs[REPETITIONS / 2])
        };
        println!(
            "{senders:>8} {:>12.0} {:>16.1} {:>12.1} {:>10.3} {:>10.3} {:>17.3}",
            median(|run| run.per_second),
            median(|run| run.per_commit),
            median(|run| run.cpu_micros),
            median(|run| run.p50),
            median(|run| run.p99),
            median(|run| run.worker)
        );
    }
    println!("a notice to {NOTICE_AUDIENCE} people: {:.1} ms until it is stored", millis(notice(&base)));
}

struct Figures {
    per_second: f64,
    per_commit: f64,
    /// Of this whole process: the store's thread and the loop that feeds it.
    cpu_micros: f64,
    p50: f64,
    p99: f64,
    worker: f64,
}

fn closed_loop(base: &Path, senders: u64) -> Figures {
    let folder = tempfile::tempdir_in(base).unwrap();
    let (store, accounts) = with_accounts(folder.path(), senders);
    let room = Target::Room(belfry_core::chat::ConversationId(1));
    let text = Text::new("x".repeat(TEXT_BYTES)).unwrap();
    let me = thread::current();
    let commits = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&commits);
    let wake = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        me.unpark();
    };
    let mut worker = StoreWorker::spawn(store, wake).unwrap();

    let mut handed_in = vec![Instant::now(); accounts.len()];
    let mut counters = vec![0_u64; accounts.len()];
    let mut submit = |worker: &mut StoreWorker, sender: usize, handed_in: &mut [Instant]| {
        counters[sender] += 1;
        let post = PostId { outbox: 1, counter: counters[sender] };
        let work = Work::Post { account: accounts[sender], post, to: room.clone(), text: text.clone(), reply_to: None };
        handed_in[sender] = Instant::now();
        worker.try_submit(Job { ticket: JobTicket(sender as u64), at: UnixMillis(1), work }).unwrap();
    };
    for sender in 0..accounts.len() {
        submit(&mut worker, sender, &mut handed_in);
    }

    let begun = Instant::now();
    let mut latencies = Vec::new();
    let mut measured_since = None;
    loop {
        let elapsed = begun.elapsed();
        if elapsed >= WARM_UP && measured_since.is_none() {
            latencies.clear();
            measured_since = Some((Instant::now(), cpu_time(), commits.load(Ordering::Relaxed)));
        }
        if elapsed >= WARM_UP + RUN {
            break;
        }
        let mut any = false;
        while let Some(done) = worker.try_recv() {
            any = true;
            assert!(matches!(done.result, Ok(Outcome::Posted(Posted { repeated: false, .. }))));
            let sender = usize::try_from(done.ticket.0).unwrap();
            latencies.push(handed_in[sender].elapsed());
            submit(&mut worker, sender, &mut handed_in);
        }
        if !any {
            thread::park_timeout(Duration::from_millis(100));
        }
    }
    let (since, cpu, commits_before) = measured_since.unwrap();
    let took = since.elapsed();
    let cpu = cpu_time().saturating_sub(cpu);
    let commits = commits.load(Ordering::Relaxed) - commits_before;
    let worker_median = worker.latency().unwrap();
    worker.stop();
    latencies.sort_unstable();
    let count = latencies.len();
    Figures {
        per_second: count as f64 / took.as_secs_f64(),
        per_commit: count as f64 / commits as f64,
        cpu_micros: cpu.as_secs_f64() * 1e6 / count as f64,
        p50: millis(latencies[count / 2]),
        p99: millis(latencies[count * 99 / 100]),
        worker: millis(worker_median),
    }
}

fn notice(base: &Path) -> Duration {
    use belfry_core::chat::{Audience, Label, NoticeDraft, Severity};
    let folder = tempfile::tempdir_in(base).unwrap();
    let (mut store, accounts) = with_accounts(folder.path(), NOTICE_AUDIENCE as u64);
    let draft = NoticeDraft {
        post: PostId { outbox: 1, counter: 1 },
        answers: vec![Label::acknowledge()],
        ..NoticeDraft::new(Severity::Info, Text::new("The canteen is closed today.").unwrap(), vec![Audience::Everyone])
    };
    let work = Work::SendNotice { author: accounts[0], draft };
    let begun = Instant::now();
    let done = store.apply(vec![Job { ticket: JobTicket(1), at: UnixMillis(1), work }]);
    assert!(done[0].result.is_ok());
    begun.elapsed()
}

fn with_accounts(folder: &Path, count: u64) -> (Store, Vec<AccountId>) {
    let mut store = Store::open(&folder.join("belfry.db")).unwrap();
    let jobs = (0..count).map(|n| {
        let name = AccountName::new(&format!("person {n}")).unwrap();
        Job {
            ticket: JobTicket(n),
            at: UnixMillis(1),
            work: Work::AddAccount { name, password_hash: "hash".to_owned(), role: Role::Member },
        }
    });
    let done = store.apply(jobs.collect());
    let accounts = done.into_iter().map(|done| match done.result {
        Ok(Outcome::AccountAdded(AccountAdded { account })) => account,
        other => panic!("{other:?}"),
    });
    (store, accounts.collect())
}

fn sync_time(base: &Path) -> Duration {
    let mut file = tempfile::tempfile_in(base).unwrap();
    let block = [1_u8; 4096];
    let sync = |file: &mut File| {
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(&block).unwrap();
        file.sync_data().unwrap();
    };
    sync(&mut file);
    let mut times: Vec<_> = (0..200)
        .map(|_| {
            let begun = Instant::now();
            sync(&mut file);
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// What the process has used so far, in the kernel's ticks of 10 ms; zero where there is no /proc.
fn cpu_time() -> Duration {
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else { return Duration::ZERO };
    // After the name in parentheses: the 12th and 13th fields are the ticks in user mode and in the kernel.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
