//! Asking a network, or certain addresses, which servers are there. For owners with a thread to spare: it waits.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::string::String;
use std::time::Instant;
use std::vec::Vec;

use super::socket::natural;
use crate::crypto::PublicKey;
use crate::limits::DATAGRAM_BYTES_MAX;
use crate::wire::datagram::{self, Datagram};
use crate::wire::discover::Discover;

/// The question is asked again after these: broadcasts are not repeated by any network.
const REPEAT_AFTER: [Duration; 3] = [Duration::ZERO, Duration::from_millis(600), Duration::from_millis(1300)];

/// Answers that are looked at: a network with more servers is not one, but somebody who makes them up.
const FOUND_MAX: usize = 256;

/// A server that answered. Whatever it says of itself may be a lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundServer {
    /// Where the answer came from.
    pub address: SocketAddr,
    /// Which key it says it has.
    pub key: PublicKey,
    /// What it says it is called.
    pub name: String,
    /// Which version of the program it says it runs.
    pub version: String,
    /// How it was found.
    pub by: FoundBy,
}

/// How a server was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundBy {
    /// The network's directory of services knew it (DNS-SD, RFC 6763).
    DnsSd,
    /// It answered at its port.
    Probe,
}

impl fmt::Display for FoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DnsSd => "dns-sd",
            Self::Probe => "probe",
        })
    }
}

/// The address of everybody on the networks of this computer, at `port`.
pub const fn everybody(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::BROADCAST), port)
}

/// Asks at `targets` for `within` and hands each server that answers to `found`, once for each address and key.
///
/// # Errors
/// There is no socket, or none of the targets can be asked.
pub fn probe(targets: &[SocketAddr], nonce: [u8; 8], within: Duration, mut found: impl FnMut(FoundServer)) -> io::Result<()> {
    let sockets = Sockets::open(targets)?;
    let mut question = Vec::new();
    Discover { nonce }.encode(&mut question);
    let began = Instant::now();
    let mut known: Vec<FoundServer> = Vec::new();
    for (asked, at) in REPEAT_AFTER.into_iter().enumerate() {
        if at > within {
            break;
        }
        let sent =
            targets.iter().map(|&target| sockets.send(&question, target)).fold(None, |sent: Option<io::Result<()>>, one| match sent {
                Some(Ok(())) => sent,
                _ => Some(one),
            });
        if asked == 0 {
            sent.unwrap_or_else(|| Err(io::ErrorKind::InvalidInput.into()))?;
        }
        let until = REPEAT_AFTER.get(asked + 1).map_or(within, |&next| next.min(within));
        while known.len() < FOUND_MAX
            && let Some(left) = until.checked_sub(began.elapsed()).filter(|left| !left.is_zero())
        {
            for answer in sockets.receive(nonce, left)? {
                if !known.contains(&answer) {
                    known.push(answer.clone());
                    found(answer);
                }
            }
        }
    }
    Ok(())
}

/// A socket for each family that is asked.
struct Sockets {
    v4: Option<std::net::UdpSocket>,
    v6: Option<std::net::UdpSocket>,
}

/// How long one family is listened to while the other may have something.
const TURN: Duration = Duration::from_millis(50);

impl Sockets {
    fn open(targets: &[SocketAddr]) -> io::Result<Self> {
        let mut sockets = Self { v4: None, v6: None };
        if targets.iter().any(SocketAddr::is_ipv4) {
            let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.set_broadcast(true)?;
            sockets.v4 = Some(socket);
        }
        if targets.iter().any(SocketAddr::is_ipv6) {
            sockets.v6 = Some(std::net::UdpSocket::bind((core::net::Ipv6Addr::UNSPECIFIED, 0))?);
        }
        Ok(sockets)
    }

    fn send(&self, question: &[u8], target: SocketAddr) -> io::Result<()> {
        let socket = if target.is_ipv4() { &self.v4 } else { &self.v6 };
        socket.as_ref().map_or_else(|| Err(io::ErrorKind::Unsupported.into()), |socket| socket.send_to(question, target).map(drop))
    }

    /// Waits for answers for at most about `left`.
    fn receive(&self, nonce: [u8; 8], left: Duration) -> io::Result<Vec<FoundServer>> {
        let mut answers = Vec::new();
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        for socket in [&self.v4, &self.v6].into_iter().flatten() {
            socket.set_read_timeout(Some(left.min(TURN)))?;
            match socket.recv_from(&mut buffer) {
                Ok((bytes, from)) => answers.extend(read(buffer.get(..bytes).unwrap_or_default(), natural(from), nonce)),
                // Nothing came, or somebody's computer says that nobody is there: others may be.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock
                            | io::ErrorKind::TimedOut
                            | io::ErrorKind::Interrupted
                            | io::ErrorKind::ConnectionRefused
                            | io::ErrorKind::ConnectionReset
                    ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(answers)
    }
}

fn read(bytes: &[u8], address: SocketAddr, nonce: [u8; 8]) -> Option<FoundServer> {
    match datagram::decode(bytes) {
        Ok(Datagram::Here(here)) if here.nonce == nonce => Some(FoundServer {
            address,
            key: PublicKey(here.key),
            name: here.name.into(),
            version: here.program.into(),
            by: FoundBy::Probe,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::wire::discover::Here;

    #[test]
    fn whoever_answers_the_question_is_found_once_and_nobody_else() {
        let server = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = server.local_addr().unwrap();
        let answering = std::thread::spawn(move || {
            let mut buffer = [0; 2000];
            let (bytes, from) = server.recv_from(&mut buffer).unwrap();
            let Ok(Datagram::Discover(question)) = datagram::decode(&buffer[..bytes]) else { panic!() };
            for nonce in [question.nonce, question.nonce, [0; 8]] {
                let mut answer = vec![];
                Here { nonce, key: [nonce[0]; 32], versions: vec![1], name: "tower", program: "0.1.0" }.encode(&mut answer);
                server.send_to(&answer, from).unwrap();
            }
            server.send_to(b"nonsense", from).unwrap();
        });
        let mut found = Vec::new();
        probe(&[address], [9; 8], Duration::from_millis(400), |answer| found.push(answer)).unwrap();
        answering.join().unwrap();
        assert_eq!(
            found,
            [FoundServer { address, key: PublicKey([9; 32]), name: "tower".into(), version: "0.1.0".into(), by: FoundBy::Probe }]
        );
    }

    #[test]
    fn asking_nobody_is_a_mistake() {
        assert!(probe(&[], [9; 8], Duration::from_millis(1), |_| {}).is_err());
    }

    #[test]
    fn one_target_that_can_be_asked_is_enough() {
        let server = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        // Nobody can send to port 0.
        let (good, bad) = (server.local_addr().unwrap(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let is_asked = |targets: &[SocketAddr]| probe(targets, [9; 8], Duration::ZERO, |_| {}).is_ok();
        assert_eq!([is_asked(&[good, bad]), is_asked(&[bad, good]), is_asked(&[bad, bad])], [true, true, false]);
    }

    #[test]
    fn the_question_is_asked_once_at_once_and_not_again_after_the_end() {
        for within in [Duration::ZERO, Duration::from_micros(1)] {
            let server = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            probe(&[server.local_addr().unwrap()], [9; 8], within, |_| {}).unwrap();
            server.set_nonblocking(true).unwrap();
            let questions = core::iter::from_fn(|| server.recv(&mut [0; 2000]).ok()).count();
            assert_eq!(questions, 1, "within {within:?}");
        }
    }

    #[test]
    fn the_ways_of_finding_have_names_of_their_own() {
        assert_eq!([FoundBy::DnsSd, FoundBy::Probe].map(|by| std::format!("{by}")), ["dns-sd", "probe"]);
    }
}
