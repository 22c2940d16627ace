//! One program per profile: a second start raises the window of the first.
//!
//! The first start holds a lock on a file of the profile folder, which the operating system gives back however the program ends, and
//! listens on a port of this computer that only it knows: the port and a secret stand in the file. A profile belongs to one person, so
//! several people on one terminal server do not meet.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::{Ipv4Addr, UdpSocket};
use std::thread;
use std::time::Duration;

use super::files::Folder;

/// How long a second start waits for the first to say that it has heard.
const PATIENCE: Duration = Duration::from_millis(500);

/// Tries of a second start: datagrams within one computer are rarely lost, and never long.
const TRIES: u32 = 4;

const SECRET_BYTES: usize = 16;

/// What a start turned out to be.
#[derive(Debug)]
pub enum InstanceStart {
    /// The first: keep this as long as the program runs.
    First(Instance),
    /// The program runs already. `heard` says whether it has answered and shows its window.
    Second {
        /// Whether it answered.
        heard: bool,
    },
}

/// The place of the one running program.
#[derive(Debug)]
pub struct Instance {
    /// Locked as long as this lives.
    _lock: File,
    socket: UdpSocket,
    secret: [u8; SECRET_BYTES],
}

/// Takes the place of the running program, or wakes the one that has it.
///
/// # Errors
/// The profile folder or the computer's own network cannot be used.
pub fn start(folder: &Folder) -> io::Result<InstanceStart> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(folder.path().join("running.lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(InstanceStart::Second { heard: wake(folder)? }),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    // A file of its own: Windows lets nobody read a locked one.
    let mut running = options.open(folder.path().join("running"))?;
    running.set_len(0)?;
    running.rewind()?;
    let mut content = socket.local_addr()?.port().to_be_bytes().to_vec();
    content.extend(secret);
    running.write_all(&content)?;
    Ok(InstanceStart::First(Instance { _lock: lock, socket, secret }))
}

impl Instance {
    /// Calls `raise` for each second start, on a thread of its own.
    ///
    /// # Errors
    /// The system has no thread or socket to give.
    pub fn on_second_start(&self, raise: impl Fn() + Send + 'static) -> io::Result<()> {
        let (socket, secret) = (self.socket.try_clone()?, self.secret);
        thread::Builder::new().name("second-start".into()).spawn(move || {
            let mut heard = [0; SECRET_BYTES + 1];
            loop {
                match socket.recv_from(&mut heard) {
                    Ok((length, from)) if heard.get(..length) == Some(&secret) => {
                        raise();
                        // Whoever asked goes on without the answer, too.
                        let _ = socket.send_to(&secret, from);
                    }
                    Ok(_) => {}
                    // Windows reports here that nobody heard an answer, or that the datagram was longer.
                    Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted) => {}
                    Err(_) => return,
                }
            }
        })?;
        Ok(())
    }
}

/// Whether the running program has answered.
fn wake(folder: &Folder) -> io::Result<bool> {
    let mut running = Vec::new();
    File::open(folder.path().join("running"))?.read_to_end(&mut running)?;
    let Some((port, secret)) = running.split_first_chunk::<2>() else { return Ok(false) };
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect((Ipv4Addr::LOCALHOST, u16::from_be_bytes(*port)))?;
    for _ in 0..TRIES {
        socket.send(secret)?;
        let mut answer = [0; SECRET_BYTES + 1];
        if let Ok(length) = socket.recv(&mut answer)
            && answer.get(..length) == Some(secret)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path().join("profile")).unwrap();
        (dir, folder)
    }

    #[test]
    fn a_second_start_raises_the_first() {
        let (_dir, folder) = folder();
        let InstanceStart::First(instance) = start(&folder).unwrap() else { panic!("the first start") };
        let (raised, raises) = mpsc::channel();
        instance.on_second_start(move || raised.send(()).unwrap()).unwrap();
        assert!(matches!(start(&folder).unwrap(), InstanceStart::Second { heard: true }));
        assert_eq!(raises.recv_timeout(Duration::from_secs(5)), Ok(()));
    }

    #[test]
    fn the_place_is_free_again_after_the_first_has_ended() {
        let (_dir, folder) = folder();
        drop(start(&folder).unwrap());
        assert!(matches!(start(&folder).unwrap(), InstanceStart::First(_)));
    }

    #[test]
    fn two_profiles_do_not_meet() {
        let ((_one_dir, one), (_other_dir, other)) = (folder(), folder());
        let _one = start(&one).unwrap();
        assert!(matches!(start(&other).unwrap(), InstanceStart::First(_)));
    }
}
