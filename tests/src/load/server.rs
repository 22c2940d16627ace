//! The process that is measured: started in a folder of its own, ended by its number, never longer there than the run may take.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether it does.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How a run ends that has taken too long.
const EXIT_TOO_LONG: i32 = 3;

/// What is to be ended in any case. One server runs at a time.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

struct Running {
    child: Child,
    /// Removed with everything in it when this is dropped.
    _folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that is measured; ended when dropped.
pub(super) struct Server {
    pub(super) process: u32,
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts it; its files are in `folder`, which goes with it.
    pub(super) fn start(mut command: Command, address: SocketAddr, folder: TempDir) -> io::Result<Self> {
        let child = command.spawn().map_err(|error| io::Error::new(error.kind(), format!("{:?}: {error}", command.get_program())))?;
        let process = child.id();
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(Running { child, _folder: folder });
        Ok(Self { process, address })
    }

    /// The same with a server that takes TCP connections at this address as soon as it can.
    pub(super) fn start_tcp(command: Command, address: SocketAddr, folder: TempDir) -> io::Result<Self> {
        let server = Self::start(command, address, folder)?;
        wait_until(|| server.is_running(), || TcpStream::connect(address).ok())?;
        Ok(server)
    }

    /// It has not ended by itself.
    pub(super) fn is_running(&self) -> bool {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_mut().is_some_and(|running| matches!(running.child.try_wait(), Ok(None)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end();
    }
}

/// Asks again and again until there is an answer, as long as a server that starts may take.
pub(super) fn wait_until<T>(is_running: impl Fn() -> bool, ask: impl Fn() -> Option<T>) -> io::Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Some(answer) => return Ok(answer),
            None if Instant::now() > until || !is_running() => {
                return Err(io::Error::other("the server does not listen; --log FILE keeps what it says"));
            }
            None => thread::sleep(LOOK_AGAIN),
        }
    }
}

fn end() {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// Ends this process and the server, wherever they are, when the time is over.
pub(super) fn end_after(limit: Duration) {
    thread::spawn(move || {
        thread::sleep(limit);
        eprintln!("belfry-load: not done after {} s, so it ends", limit.as_secs());
        end();
        std::process::exit(EXIT_TOO_LONG);
    });
}

/// A TCP address of this computer that nobody listens at.
pub(super) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// A folder for a server's files, below the one that the variable `BELFRY_BENCH_DIR` names, or the system's for temporary files.
pub(super) fn folder() -> io::Result<TempDir> {
    let base = std::env::var_os("BELFRY_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    tempfile::Builder::new().prefix("belfry-load-").tempdir_in::<&Path>(base.as_ref())
}
