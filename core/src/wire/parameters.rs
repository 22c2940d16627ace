//! What the two sides tell each other inside the handshake: number, length, value, so that later versions can add.

use alloc::vec::Vec;

use super::datagram::ConnectionId;
use super::reader::{Malformed, Reader};
use super::varint;

/// Odd numbers must be understood, even ones may be skipped.
const CONNECTION_ID: u64 = 1;
const SUITE: u64 = 3;
const RESET_TOKEN: u64 = 4;
const PREVIOUS: u64 = 6;
const RENEWAL_SECRET: u64 = 8;

/// What a client shows to get new keys for a session: told by the handshake that made the keys it has, so a first message that was
/// recorded is worth nothing once the keys have changed.
pub type RenewalSecret = [u8; 16];

/// What the client says in the first Noise message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientParameters {
    /// By which number it wants to be addressed.
    pub connection_id: ConnectionId,
    /// The ciphers it can use, most wanted first.
    pub suites: Vec<u8>,
    /// The session that it wants new keys for: the server's number of it and its present secret.
    pub previous: Option<(ConnectionId, RenewalSecret)>,
}

/// What the server says in the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerParameters {
    /// By which number it wants to be addressed.
    pub connection_id: ConnectionId,
    /// The cipher it chose.
    pub suite: u8,
    /// Proves, after a restart, that it is this server that does not know the session any more.
    pub reset_token: [u8; 16],
    /// What the client has to show for its next keys.
    pub renewal_secret: RenewalSecret,
}

fn write(number: u64, value: &[u8], out: &mut Vec<u8>) {
    varint::write(number, out);
    varint::write(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Calls `take` with each parameter, which ascend; it says whether it knew the number, and then has read all of the value.
fn read<'a>(bytes: &'a [u8], mut take: impl FnMut(u64, &mut Reader<'a>) -> Result<bool, Malformed>) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let mut before = None;
    while !reader.is_empty() {
        let number = reader.varint()?;
        let mut value = Reader::new(reader.counted()?);
        let known = take(number, &mut value)?;
        if before >= Some(number) || (known && !value.is_empty()) || (!known && number & 1 == 1) {
            return Err(Malformed);
        }
        before = Some(number);
    }
    Ok(())
}

impl ClientParameters {
    /// The bytes for the handshake.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write(CONNECTION_ID, &self.connection_id.0.to_le_bytes(), &mut out);
        write(SUITE, &self.suites, &mut out);
        if let Some((previous, secret)) = self.previous {
            write(PREVIOUS, &[&previous.0.to_le_bytes()[..], &secret].concat(), &mut out);
        }
        out
    }

    /// Reads them.
    ///
    /// # Errors
    /// [`Malformed`], also for a critical parameter that is unknown and for a missing one.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (mut connection_id, mut suites, mut previous) = (None, None, None);
        read(bytes, |number, value| {
            match number {
                CONNECTION_ID => connection_id = Some(ConnectionId(value.u32()?)),
                SUITE => suites = Some(value.take_rest().to_vec()),
                PREVIOUS => previous = Some((ConnectionId(value.u32()?), value.array()?)),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { connection_id: connection_id.ok_or(Malformed)?, suites: suites.ok_or(Malformed)?, previous })
    }
}

impl ServerParameters {
    /// The bytes for the handshake.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write(CONNECTION_ID, &self.connection_id.0.to_le_bytes(), &mut out);
        write(SUITE, &[self.suite], &mut out);
        write(RESET_TOKEN, &self.reset_token, &mut out);
        write(RENEWAL_SECRET, &self.renewal_secret, &mut out);
        out
    }

    /// Reads them.
    ///
    /// # Errors
    /// [`Malformed`], also for a critical parameter that is unknown and for a missing one.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (mut connection_id, mut suite, mut reset_token, mut renewal_secret) = (None, None, None, None);
        read(bytes, |number, value| {
            match number {
                CONNECTION_ID => connection_id = Some(ConnectionId(value.u32()?)),
                SUITE => suite = Some(value.u8()?),
                RESET_TOKEN => reset_token = Some(value.array()?),
                RENEWAL_SECRET => renewal_secret = Some(value.array()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            connection_id: connection_id.ok_or(Malformed)?,
            suite: suite.ok_or(Malformed)?,
            reset_token: reset_token.ok_or(Malformed)?,
            renewal_secret: renewal_secret.ok_or(Malformed)?,
        })
    }
}

/// What both sides mix into the handshake, so that it fails if anybody tampered with the choice of version:
/// the version they speak, the versions the server speaks, and the client's nonce.
pub fn prologue(version: u16, server_versions: &[u16], nonce: [u8; 8]) -> Vec<u8> {
    let mut prologue = b"belfry".to_vec();
    prologue.extend_from_slice(&version.to_le_bytes());
    for version in server_versions {
        prologue.extend_from_slice(&version.to_le_bytes());
    }
    prologue.extend_from_slice(&nonce);
    prologue
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let client = ClientParameters { connection_id: ConnectionId(7), suites: vec![1, 2], previous: Some((ConnectionId(8), [5; 16])) };
        assert_eq!(ClientParameters::decode(&client.encode()), Ok(client));
        let server = ServerParameters { connection_id: ConnectionId(7), suite: 1, reset_token: [9; 16], renewal_secret: [5; 16] };
        assert_eq!(ServerParameters::decode(&server.encode()), Ok(server));
    }

    #[test]
    fn what_both_sides_mix_into_the_handshake_has_golden_bytes() {
        assert_eq!(prologue(2, &[1, 0x0203], *b"abcdefgh"), b"belfry\x02\x00\x01\x00\x03\x02abcdefgh");
    }

    #[test]
    fn an_unknown_parameter_is_skipped_unless_it_is_critical() {
        let client = ClientParameters { connection_id: ConnectionId(7), suites: vec![1], previous: None };
        let mut bytes = client.encode();
        write(20, b"later", &mut bytes);
        assert_eq!(ClientParameters::decode(&bytes), Ok(client));
        write(21, b"later", &mut bytes);
        assert_eq!(ClientParameters::decode(&bytes), Err(Malformed));
    }

    #[test]
    fn a_parameter_said_twice_out_of_order_or_with_more_than_its_value_is_refused() {
        let parameter = |number, value: &[u8]| {
            let mut bytes = Vec::new();
            write(number, value, &mut bytes);
            bytes
        };
        let is_read = |written: &[&[u8]]| ClientParameters::decode(&written.concat()).is_ok();
        let (connection_id, suites) = (parameter(CONNECTION_ID, &[7, 0, 0, 0]), parameter(SUITE, &[1, 2]));
        assert!(is_read(&[&connection_id, &suites]));
        assert!(!is_read(&[&suites, &connection_id]));
        assert!(!is_read(&[&connection_id, &connection_id, &suites]));
        assert!(!is_read(&[&parameter(CONNECTION_ID, &[7, 0, 0, 0, 0]), &suites]));
    }

    #[test]
    fn every_truncation_is_refused() {
        let server = ServerParameters { connection_id: ConnectionId(7), suite: 1, reset_token: [9; 16], renewal_secret: [5; 16] }.encode();
        for length in 0..server.len() {
            assert_eq!(ServerParameters::decode(&server[..length]), Err(Malformed), "{length} bytes");
        }
    }
}
