//! Passwords and their argon2id hashes, computed on a thread of their own: one takes tens of milliseconds, which is an age to
//! everybody else's datagrams.

use std::fmt;
use std::sync::mpsc;
use std::thread::JoinHandle;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{CustomizedPasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use belfry_core::chat::{Password, Refusal};

use crate::limits::PASSWORDS_WAITING_MAX;

/// The asker's number for a password job; the answer carries the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PasswordTicket(pub u64);

/// What every new hash is salted with; a new one each time.
pub type Salt = [u8; 16];

/// One password to look at.
#[derive(Clone, Debug)]
pub struct PasswordJob {
    /// Whose answer it is.
    pub ticket: PasswordTicket,
    /// What to do.
    pub work: PasswordWork,
}

/// What to do with a password.
#[derive(Clone, Debug)]
pub enum PasswordWork {
    /// Make a hash of it to store.
    Hash {
        /// The password.
        password: Password,
        /// Fresh random bytes.
        salt: Salt,
    },
    /// See whether it is the right one.
    Verify {
        /// The password.
        password: Password,
        /// The stored hash in PHC form. `None` for an account that does not exist: that takes as long and is always wrong.
        hash: Option<String>,
    },
}

/// What became of a password job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordDone {
    /// The job's ticket.
    pub ticket: PasswordTicket,
    /// What came of it.
    pub result: Result<PasswordOutcome, Refusal>,
}

/// What came of a password job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordOutcome {
    /// The hash in PHC form.
    Hashed(String),
    /// It is the right password.
    Right,
    /// It is not.
    Wrong,
}

/// How much work a hash is.
#[derive(Clone, Debug)]
pub struct Cost(Params);

impl Cost {
    /// What an attacker with the database must pay for each guess: 19 MiB and two passes, the least that OWASP recommends for
    /// argon2id, and about 25 ms here.
    pub const STANDARD: Self = Self(Params::DEFAULT);

    /// `memory_kib` KiB of memory (at least 8), `passes` passes (at least 1). For tests, which cannot wait.
    ///
    /// # Errors
    /// When argon2 does not allow such numbers.
    pub fn new(memory_kib: u32, passes: u32) -> Result<Self, argon2::Error> {
        Params::new(memory_kib, passes, 1, None).map(Self)
    }
}

/// Makes and verifies hashes.
#[derive(Clone, Debug)]
pub struct Hasher {
    cost: Cost,
    nobodys: Option<PasswordHash>,
}

impl Hasher {
    /// A hasher whose new hashes cost `cost`.
    pub fn new(cost: Cost) -> Self {
        let mut hasher = Self { cost, nobodys: None };
        hasher.nobodys = hasher.hash(b"nobody", &[0; 16]).ok();
        hasher
    }

    /// Does one job. The password is wiped when this returns.
    pub fn run(&self, job: PasswordJob) -> PasswordDone {
        let PasswordJob { ticket, work } = job;
        let result = match work {
            PasswordWork::Hash { password, salt } => match self.hash(password.as_str().as_bytes(), &salt) {
                Ok(hash) => Ok(PasswordOutcome::Hashed(hash.to_string())),
                Err(error) => {
                    tracing::error!(%error, "a password could not be hashed");
                    Err(Refusal::Busy)
                }
            },
            PasswordWork::Verify { password, hash } => Ok(match self.is_right(&password, hash.as_deref()) {
                true => PasswordOutcome::Right,
                false => PasswordOutcome::Wrong,
            }),
        };
        PasswordDone { ticket, result }
    }

    fn hash(&self, password: &[u8], salt: &Salt) -> Result<PasswordHash, argon2::password_hash::Error> {
        Argon2::default().hash_password_with_params(password, salt, self.cost.0.clone())
    }

    fn is_right(&self, password: &Password, hash: Option<&str>) -> bool {
        let stored = hash.and_then(|hash| match PasswordHash::new(hash) {
            Ok(stored) => Some(stored),
            Err(error) => {
                tracing::error!(%error, "a stored password hash cannot be read; that account cannot sign in until it is given a new password");
                None
            }
        });
        let is_somebodys = stored.is_some();
        let Some(expected) = stored.as_ref().or(self.nobodys.as_ref()) else {
            return false;
        };
        let matches = Argon2::default().verify_password(password.as_str().as_bytes(), expected).is_ok();
        matches && is_somebodys
    }
}

/// The queue of passwords is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many passwords are waiting")
    }
}

/// The thread that computes hashes, seen from the thread that asks.
#[derive(Debug)]
pub struct Worker {
    jobs: Option<mpsc::SyncSender<PasswordJob>>,
    done: mpsc::Receiver<PasswordDone>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread. `wake` is called on it after each answer.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(hasher: Hasher, wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (jobs, jobs_there) = mpsc::sync_channel(PASSWORDS_WAITING_MAX);
        let (done_there, done) = mpsc::channel();
        let thread = std::thread::Builder::new().name("passwords".into()).spawn(move || {
            for job in jobs_there {
                if done_there.send(hasher.run(job)).is_err() {
                    return;
                }
                wake();
            }
        })?;
        Ok(Self { jobs: Some(jobs), done, thread: Some(thread) })
    }

    /// Hands in a job.
    ///
    /// # Errors
    /// [`Full`]; the job is dropped and its password wiped.
    pub fn try_submit(&self, job: PasswordJob) -> Result<(), Full> {
        self.jobs.as_ref().ok_or(Full)?.try_send(job).map_err(|_| Full)
    }

    /// The next answer that is ready.
    pub fn try_receive(&self) -> Option<PasswordDone> {
        self.done.try_recv().ok()
    }
}

impl Drop for Worker {
    /// Lets go of the answers first, so that the thread stops after the password it is at.
    fn drop(&mut self) {
        self.jobs = None;
        let (_, nothing) = mpsc::channel();
        self.done = nothing;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> Hasher {
        Hasher::new(Cost::new(8, 1).unwrap())
    }

    fn password(typed: &str) -> Password {
        Password::new(typed).unwrap()
    }

    fn run(hasher: &Hasher, work: PasswordWork) -> PasswordOutcome {
        hasher.run(PasswordJob { ticket: PasswordTicket(1), work }).result.unwrap()
    }

    fn hashed(hasher: &Hasher, typed: &str) -> String {
        match run(hasher, PasswordWork::Hash { password: password(typed), salt: [7; 16] }) {
            PasswordOutcome::Hashed(hash) => hash,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_right_password_is_right_and_any_other_wrong() {
        let hasher = hasher();
        let hash = hashed(&hasher, "correct horse");
        for (typed, expected) in [("correct horse", PasswordOutcome::Right), ("correct hors", PasswordOutcome::Wrong)] {
            assert_eq!(run(&hasher, PasswordWork::Verify { password: password(typed), hash: Some(hash.clone()) }), expected, "{typed}");
        }
    }

    #[test]
    fn nobodys_password_is_always_wrong() {
        let hasher = hasher();
        assert_eq!(run(&hasher, PasswordWork::Verify { password: password("nobody"), hash: None }), PasswordOutcome::Wrong);
    }

    #[test]
    fn a_damaged_hash_is_wrong() {
        let hasher = hasher();
        let hash = Some(String::from("$argon2id$nonsense"));
        assert_eq!(run(&hasher, PasswordWork::Verify { password: password("nobody"), hash }), PasswordOutcome::Wrong);
    }

    #[test]
    fn a_hash_names_its_algorithm_and_cost() {
        assert!(hashed(&hasher(), "x").starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert_eq!((Cost::STANDARD.0.m_cost(), Cost::STANDARD.0.t_cost(), Cost::STANDARD.0.p_cost()), (19_456, 2, 1));
    }

    #[test]
    fn a_hash_of_another_cost_is_still_verified() {
        let hash = hashed(&Hasher::new(Cost::new(16, 2).unwrap()), "x");
        assert_eq!(run(&hasher(), PasswordWork::Verify { password: password("x"), hash: Some(hash) }), PasswordOutcome::Right);
    }

    #[test]
    fn the_thread_answers_and_wakes() {
        let (wake, woken) = mpsc::channel();
        let worker = Worker::spawn(hasher(), move || wake.send(()).unwrap()).unwrap();
        worker
            .try_submit(PasswordJob { ticket: PasswordTicket(9), work: PasswordWork::Verify { password: password("x"), hash: None } })
            .unwrap();
        woken.recv().unwrap();
        assert_eq!(worker.try_receive(), Some(PasswordDone { ticket: PasswordTicket(9), result: Ok(PasswordOutcome::Wrong) }));
    }
}
