//! NATS as far as it is needed here, and nats-server. Rooms are subjects; who speaks to one is asked not to hear it.

use std::io;
use std::process::Stdio;

use super::stream::{Dialect, Sense, line};
use super::{KEEP_ALIVE_SECONDS, Recipe};
use crate::load::server::Server;

const NATS_SERVER: Recipe = Recipe {
    program: "nats-server",
    settings: |_, address| {
        format!(
            "host: \"{}\"\nport: {}\nping_interval: \"{KEEP_ALIVE_SECONDS}s\"\nping_max: 4\nmax_connections: 100000\nlog_file: \"/dev/null\"\n",
            address.ip(),
            address.port()
        )
    },
    arguments: |settings| vec!["-c".to_owned(), settings.display().to_string()],
};

/// Starts nats-server.
pub(in crate::load) fn nats_server(log: Stdio) -> io::Result<Server> {
    super::start(&NATS_SERVER, log)
}

/// A client.
pub(in crate::load) struct Nats {
    room: usize,
    subscribed: bool,
}

/// The client of this number, which hears this room.
pub(in crate::load) fn client(_number: usize, room: usize) -> Nats {
    Nats { room, subscribed: false }
}

impl Dialect for Nats {
    fn greet(&mut self, out: &mut Vec<u8>) {
        let subject = subject(self.room);
        out.extend(b"CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"lang\":\"load\",\"version\":\"1\",\"protocol\":1}\r\n");
        out.extend(format!("SUB {subject} 1\r\nPING\r\n").into_bytes());
    }

    fn hear<'a>(&mut self, input: &'a [u8], out: &mut Vec<u8>) -> (usize, Sense<'a>) {
        let Some((line, bytes)) = line(input) else { return (0, Sense::Partial) };
        if line.starts_with(b"MSG ") {
            let length = line.rsplit(|&byte| byte == b' ').next().and_then(|length| str::from_utf8(length).ok()?.parse::<usize>().ok());
            let Some(length) = length else { return (bytes, Sense::Wrong(line)) };
            // Behind the message there is another end of a line.
            return match input.get(bytes..bytes + length + 2) {
                Some(message) => (bytes + length + 2, Sense::Delivered(&message[..length])),
                None => (0, Sense::Partial),
            };
        }
        let sense = match line {
            b"PING" => {
                out.extend(b"PONG\r\n");
                Sense::Noise
            }
            b"PONG" if !self.subscribed => {
                self.subscribed = true;
                Sense::Connected
            }
            b"PONG" => Sense::Taken,
            _ if line.starts_with(b"-ERR") => Sense::Wrong(line),
            _ => Sense::Noise,
        };
        (bytes, sense)
    }

    /// Nobody says that a message was taken, but the server answers in order.
    fn say(&mut self, room: usize, body: &str, out: &mut Vec<u8>) {
        out.extend(format!("PUB {} {}\r\n{body}\r\nPING\r\n", subject(room), body.len()).into_bytes());
    }
}

fn subject(room: usize) -> String {
    format!("room.{room}")
}

#[cfg(test)]
mod tests {
    use super::super::stream::tests::senses;
    use super::*;

    #[test]
    fn a_client_subscribes_and_hears_and_answers() {
        let mut client = client(7, 0);
        let said = b"INFO {}\r\nPONG\r\nPING\r\nMSG room.0 1 7\r\nhey\r\nho\r\nPONG\r\nMSG room.0 1 3\r\nhe";
        let (senses, out) = senses(&mut client, said);
        assert_eq!(senses, [Sense::Noise, Sense::Connected, Sense::Noise, Sense::Delivered(b"hey\r\nho"), Sense::Taken]);
        assert_eq!(out, b"PONG\r\n");
    }
}
