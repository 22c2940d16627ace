//! The border between the network's thread and the window's: commands down, updates up, plain values both ways.

mod border;
mod desk;
mod translate;

use std::io;
use std::sync::mpsc::Receiver;

use belfry_core::client::{Config, Update};
use belfry_core::net::{self, Handle};

pub use belfry_core::net::Stopped;
pub use border::{AskId, Down, OwnId, Up};
pub use desk::{DeskAsk, DeskNews};

/// The window's end: tells the network's thread what to do. Dropping the last one says goodbye, as [`Down::Quit`] does.
#[derive(Clone, Debug)]
pub struct Link {
    handle: Handle,
    /// The number of the outbox whose messages it sends.
    outbox: u64,
}

/// What is heard, for the thread that hands it to the window; it ends after [`Up::Closed`] or [`Up::Failed`].
///
/// Whoever drops it stops listening, and the connection ends.
#[derive(Debug)]
pub struct Updates {
    receiver: Receiver<Update>,
}

impl Link {
    /// Starts to connect, on a thread of its own. Own messages go out under this outbox's number.
    ///
    /// # Errors
    /// The system has no socket, thread or randomness to give.
    pub fn open(config: Config, outbox: u64) -> io::Result<(Self, Updates)> {
        let (handle, receiver) = net::spawn(config)?;
        Ok((Self { handle, outbox }, Updates { receiver }))
    }

    /// Tells the network's thread something; it is done in the order it was told.
    ///
    /// # Errors
    /// [`Stopped`]: the connection has ended for good, and [`Updates`] has said or is about to say why.
    pub fn tell(&self, down: Down) -> Result<(), Stopped> {
        self.handle.send(translate::down(down, self.outbox))
    }
}

impl Iterator for Updates {
    type Item = Up;

    /// Waits for the next one.
    fn next(&mut self) -> Option<Up> {
        loop {
            if let Some(up) = translate::up(self.receiver.recv().ok()?) {
                return Some(up);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use belfry_core::chat::{AccountName, Password};
    use belfry_core::client::{Credentials, Proof, Start, Trust};
    use belfry_core::crypto::KeyPair;
    use belfry_core::rng::from_seed;

    use super::*;

    /// Nobody answers there.
    fn silence(socket: &UdpSocket) -> Config {
        let proof = Proof::Password { password: Password::new("correct horse").unwrap(), register: false, remember: true };
        let credentials = Credentials { account: AccountName::new("anna").unwrap(), proof };
        Config {
            servers: vec![socket.local_addr().unwrap()],
            trust: Trust::FirstUse,
            device: KeyPair::generate(&mut from_seed([1; 32])),
            site_key: [0; 32],
            credentials,
            start: Start::Now,
            shows_notices: true,
        }
    }

    #[test]
    fn quitting_ends_the_updates_even_when_the_server_never_answered() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (link, updates) = Link::open(silence(&socket), 1).unwrap();
        link.tell(Down::Quit).unwrap();
        assert_eq!(updates.last(), Some(Up::Closed));
    }
}
