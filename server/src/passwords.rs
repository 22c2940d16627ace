//! Passwords and their argon2id hashes, computed on threads of their own: one takes tens of milliseconds, which is an age to everybody
//! else's datagrams. Each thread has one block of memory for it, which is used again while others wait, then wiped and given back.

use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt as PhcSalt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use belfry_core::chat::{Password, Refusal};
use zeroize::Zeroize;

use crate::limits::{HASHES_AT_ONCE, HASHES_AT_ONCE_MAX, PASSWORDS_WAITING_MAX};

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
    /// It is the right password, by a hash that was made of it as it was typed; this is one of it as it is prepared today.
    RightAsTyped(String),
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
pub struct Hasher {
    cost: Cost,
    nobodys: Option<PasswordHash>,
    /// What argon2 works in: 19 MiB, there while passwords wait. To have it anew takes the system a few milliseconds.
    memory: Vec<Block>,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("cost", &self.cost).finish_non_exhaustive()
    }
}

/// With memory of its own.
impl Clone for Hasher {
    fn clone(&self) -> Self {
        Self { cost: self.cost.clone(), nobodys: self.nobodys.clone(), memory: Vec::new() }
    }
}

/// Why there is no hash.
type HashError = argon2::password_hash::Error;

impl Hasher {
    /// A hasher whose new hashes cost `cost`.
    pub fn new(cost: Cost) -> Self {
        let mut hasher = Self { cost, nobodys: None, memory: Vec::new() };
        hasher.nobodys = hasher.hash(b"nobody", &[0; 16]).ok();
        hasher.rest();
        hasher
    }

    /// Does one job. The password is wiped when this returns.
    pub fn run(&mut self, job: PasswordJob) -> PasswordDone {
        let PasswordJob { ticket, work } = job;
        let result = match work {
            PasswordWork::Hash { password, salt } => match self.hash(password.prepared().as_bytes(), &salt) {
                Ok(hash) => Ok(PasswordOutcome::Hashed(hash.to_string())),
                Err(error) => {
                    tracing::error!(%error, "a password could not be hashed");
                    Err(Refusal::Busy)
                }
            },
            PasswordWork::Verify { password, hash } => Ok(self.verify(&password, hash.as_deref())),
        };
        PasswordDone { ticket, result }
    }

    /// Nobody waits: what was computed with is wiped and given back.
    pub fn rest(&mut self) {
        self.memory.zeroize();
        self.memory = Vec::new();
    }

    fn hash(&mut self, password: &[u8], salt: &Salt) -> Result<PasswordHash, HashError> {
        let params = self.cost.0.clone();
        let hash = self.compute(Algorithm::Argon2id, Version::V0x13, &params, password, salt, Params::DEFAULT_OUTPUT_LEN)?;
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(PhcSalt::new(salt)?),
            hash: Some(hash),
        })
    }

    /// The only place where argon2 works, in the memory that is there.
    fn compute(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: &Params,
        password: &[u8],
        salt: &[u8],
        bytes: usize,
    ) -> Result<Output, HashError> {
        let blocks = params.block_count();
        if self.memory.len() < blocks {
            self.memory.try_reserve_exact(blocks - self.memory.len()).map_err(|_| HashError::OutOfMemory)?;
            self.memory.resize(blocks, Block::default());
        }
        let mut buffer = [0; Output::MAX_LENGTH];
        let out = buffer.get_mut(..bytes).ok_or(HashError::OutputSize)?;
        let memory = self.memory.get_mut(..blocks).unwrap_or_default();
        Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(password, salt, out, memory)?;
        Ok(Output::new(out)?)
    }

    /// Whether a stored hash is this password's. Outputs are compared in constant time.
    fn matches(&mut self, password: &[u8], expected: &PasswordHash) -> Result<bool, HashError> {
        let (Some(salt), Some(output)) = (&expected.salt, &expected.hash) else { return Ok(false) };
        let algorithm = Algorithm::try_from(expected.algorithm.as_str())?;
        let version = expected.version.map_or(Ok(Version::default()), Version::try_from)?;
        let params = Params::try_from(expected)?;
        Ok(self.compute(algorithm, version, &params, password, salt, output.len())? == *output)
    }

    fn verify(&mut self, password: &Password, hash: Option<&str>) -> PasswordOutcome {
        let stored = hash.and_then(|hash| match PasswordHash::new(hash) {
            Ok(stored) => Some(stored),
            Err(error) => {
                tracing::error!(%error, "a stored password hash cannot be read; that account cannot sign in until it is given a new password");
                None
            }
        });
        let is_somebodys = stored.is_some();
        let Some(expected) = stored.or_else(|| self.nobodys.clone()) else { return PasswordOutcome::Wrong };
        let mut is_of = |password: &str| {
            self.matches(password.as_bytes(), &expected).unwrap_or_else(|error| {
                tracing::error!(%error, "a stored password hash cannot be computed; that account cannot sign in until it is given a new password");
                false
            })
        };
        let prepared = password.prepared();
        if is_of(&prepared) {
            return if is_somebodys { PasswordOutcome::Right } else { PasswordOutcome::Wrong };
        }
        // Hashes of 0.1.0 are of what was typed. Whose account it is makes no difference to how long this takes.
        if *prepared == password.as_str() || !is_of(password.as_str()) || !is_somebodys {
            return PasswordOutcome::Wrong;
        }
        // Its salt was random, and only this account has it.
        let salt = expected.salt.as_ref().and_then(|salt| salt.first_chunk().copied());
        match salt.map(|salt| self.hash(prepared.as_bytes(), &salt)) {
            Some(Ok(hash)) => PasswordOutcome::RightAsTyped(hash.to_string()),
            _ => PasswordOutcome::Right,
        }
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

/// The threads that compute hashes, seen from the thread that asks.
#[derive(Debug)]
pub struct PasswordWorker {
    jobs: Option<mpsc::SyncSender<PasswordJob>>,
    done: mpsc::Receiver<PasswordDone>,
    threads: Vec<JoinHandle<()>>,
}

impl PasswordWorker {
    /// Starts the threads, one for each core and at most [`HASHES_AT_ONCE_MAX`]. `wake` is called on them after each answer.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(hasher: Hasher, wake: impl Fn() + Send + Clone + 'static) -> std::io::Result<Self> {
        let (jobs, to_do) = mpsc::sync_channel(PASSWORDS_WAITING_MAX);
        let to_do = Arc::new(Mutex::new(to_do));
        let (done_there, done) = mpsc::channel();
        let cores = std::thread::available_parallelism().map_or(HASHES_AT_ONCE, NonZero::get);
        let threads = (0..cores.min(HASHES_AT_ONCE_MAX)).map(|_| {
            let side = PasswordThread { to_do: Arc::clone(&to_do), done: done_there.clone(), hasher: hasher.clone(), wake: wake.clone() };
            std::thread::Builder::new().name("passwords".into()).spawn(move || side.run())
        });
        let threads = threads.collect::<Result<_, _>>()?;
        Ok(Self { jobs: Some(jobs), done, threads })
    }

    /// How many passwords it may be handed before it has answered one: one for each thread, and one more so that none waits for the loop
    /// to hand it the next.
    pub fn at_once(&self) -> usize {
        self.threads.len() + 1
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

impl Drop for PasswordWorker {
    /// Lets go of the answers first, so that the threads stop after the password they are at.
    fn drop(&mut self) {
        self.jobs = None;
        let (_, nothing) = mpsc::channel();
        self.done = nothing;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A thread's side.
struct PasswordThread<W: Fn()> {
    to_do: Arc<Mutex<mpsc::Receiver<PasswordJob>>>,
    done: mpsc::Sender<PasswordDone>,
    hasher: Hasher,
    wake: W,
}

impl<W: Fn()> PasswordThread<W> {
    fn run(mut self) {
        while let Some(job) = self.next() {
            if self.done.send(self.hasher.run(job)).is_err() {
                return;
            }
            (self.wake)();
        }
    }

    /// The next password; a thread that has to wait for it gives its memory back first.
    fn next(&mut self) -> Option<PasswordJob> {
        // One of them waits in the channel and the others for it. A thread that panicked has left the channel as it was.
        let waits = self.to_do.try_lock().map_or(Err(mpsc::TryRecvError::Empty), |jobs| jobs.try_recv());
        match waits {
            Ok(job) => return Some(job),
            Err(mpsc::TryRecvError::Disconnected) => return None,
            Err(mpsc::TryRecvError::Empty) => self.hasher.rest(),
        }
        self.to_do.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
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

    fn run(hasher: &mut Hasher, work: PasswordWork) -> PasswordOutcome {
        hasher.run(PasswordJob { ticket: PasswordTicket(1), work }).result.unwrap()
    }

    fn hashed(hasher: &mut Hasher, typed: &str) -> String {
        match run(hasher, PasswordWork::Hash { password: password(typed), salt: [7; 16] }) {
            PasswordOutcome::Hashed(hash) => hash,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_right_password_is_right_and_any_other_wrong() {
        let mut hasher = hasher();
        let hash = hashed(&mut hasher, "correct horse");
        for (typed, expected) in [("correct horse", PasswordOutcome::Right), ("correct hors", PasswordOutcome::Wrong)] {
            assert_eq!(run(&mut hasher, PasswordWork::Verify { password: password(typed), hash: Some(hash.clone()) }), expected, "{typed}");
        }
    }

    #[test]
    fn a_password_is_right_from_every_keyboard() {
        let mut hasher = hasher();
        let hash = hashed(&mut hasher, "Zoë\u{a0}1");
        for typed in ["Zoë 1", "Zoe\u{308} 1", "Zoë\u{3000}1"] {
            assert_eq!(
                run(&mut hasher, PasswordWork::Verify { password: password(typed), hash: Some(hash.clone()) }),
                PasswordOutcome::Right,
                "{typed:?}"
            );
        }
    }

    #[test]
    fn a_hash_of_0_1_0_is_right_for_what_was_typed_then_and_is_renewed() {
        let mut hasher = hasher();
        let typed = "Zoe\u{308} 1";
        let before = hasher.hash(typed.as_bytes(), &[7; 16]).unwrap().to_string();
        let verify = |typed: &str, hash: &str| PasswordWork::Verify { password: password(typed), hash: Some(hash.to_owned()) };
        let PasswordOutcome::RightAsTyped(renewed) = run(&mut hasher, verify(typed, &before)) else { panic!() };
        for typed in [typed, "Zoë 1"] {
            assert_eq!(run(&mut hasher, verify(typed, &renewed)), PasswordOutcome::Right, "{typed:?}");
        }
        assert_eq!(run(&mut hasher, verify("Zoë 2", &before)), PasswordOutcome::Wrong);
    }

    #[test]
    fn nobodys_password_is_always_wrong() {
        let mut hasher = hasher();
        assert_eq!(run(&mut hasher, PasswordWork::Verify { password: password("nobody"), hash: None }), PasswordOutcome::Wrong);
    }

    #[test]
    fn a_damaged_hash_is_wrong() {
        let mut hasher = hasher();
        let hash = Some(String::from("$argon2id$nonsense"));
        assert_eq!(run(&mut hasher, PasswordWork::Verify { password: password("nobody"), hash }), PasswordOutcome::Wrong);
    }

    #[test]
    fn a_hash_names_its_algorithm_and_cost() {
        assert!(hashed(&mut hasher(), "x").starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert_eq!((Cost::STANDARD.0.m_cost(), Cost::STANDARD.0.t_cost(), Cost::STANDARD.0.p_cost()), (19_456, 2, 1));
    }

    #[test]
    fn a_hash_of_another_cost_is_still_verified() {
        let hash = hashed(&mut Hasher::new(Cost::new(16, 2).unwrap()), "x");
        assert_eq!(run(&mut hasher(), PasswordWork::Verify { password: password("x"), hash: Some(hash) }), PasswordOutcome::Right);
    }

    #[test]
    fn the_memory_is_used_again_while_others_wait_and_given_back_when_nobody_does() {
        let mut hasher = hasher();
        let dear = hashed(&mut Hasher::new(Cost::new(64, 1).unwrap()), "x");
        hashed(&mut hasher, "x");
        let first = hasher.memory.as_ptr();
        for _ in 0..5 {
            hashed(&mut hasher, "y");
        }
        assert_eq!((hasher.memory.as_ptr(), hasher.memory.capacity()), (first, 8));
        assert_eq!(run(&mut hasher, PasswordWork::Verify { password: password("x"), hash: Some(dear) }), PasswordOutcome::Right);
        assert_eq!(hasher.memory.capacity(), 64);
        hasher.rest();
        assert_eq!(hasher.memory.capacity(), 0);
        assert!(hasher.clone().memory.is_empty());
    }

    #[test]
    fn several_passwords_are_looked_at_at_a_time_and_each_is_answered_once() {
        let (wake, woken) = mpsc::channel();
        let worker = PasswordWorker::spawn(hasher(), move || wake.send(()).unwrap()).unwrap();
        assert!((2..=HASHES_AT_ONCE_MAX + 1).contains(&worker.at_once()));
        for number in 0..20 {
            let work = PasswordWork::Verify { password: password("x"), hash: None };
            worker.try_submit(PasswordJob { ticket: PasswordTicket(number), work }).unwrap();
        }
        let answered = (0..20).map(|_| {
            woken.recv().unwrap();
            worker.try_receive().unwrap().ticket.0
        });
        assert!(answered.collect::<std::collections::BTreeSet<_>>().into_iter().eq(0..20));
    }

    #[test]
    fn the_thread_answers_and_wakes() {
        let (wake, woken) = mpsc::channel();
        let worker = PasswordWorker::spawn(hasher(), move || wake.send(()).unwrap()).unwrap();
        worker
            .try_submit(PasswordJob { ticket: PasswordTicket(9), work: PasswordWork::Verify { password: password("x"), hash: None } })
            .unwrap();
        woken.recv().unwrap();
        assert_eq!(worker.try_receive(), Some(PasswordDone { ticket: PasswordTicket(9), result: Ok(PasswordOutcome::Wrong) }));
    }
}
