//! IRC (RFC 2812) as far as it is needed here, and ngircd. Rooms are channels; who speaks to one does not hear it.

use std::io;
use std::process::Stdio;

use super::stream::{Dialect, Sense, line};
use super::{KEEP_ALIVE_SECONDS, Recipe};
use crate::load::server::Server;

const NGIRCD: Recipe = Recipe {
    program: "ngircd",
    settings: |_, address| {
        format!(
            "[Global]\nName = irc.load.test\nInfo = load\nListen = {}\nPorts = {}\nServerUID = root\nServerGID = root\nMotdPhrase = none\n\
             [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxNickLength = 16\nMaxPenaltyTime = 0\n\
             PingTimeout = {KEEP_ALIVE_SECONDS}\nPongTimeout = 60\n[Options]\nDNS = no\nIdent = no\nPAM = no\n",
            address.ip(),
            address.port()
        )
    },
    arguments: |settings| vec!["-n".to_owned(), "-f".to_owned(), settings.display().to_string()],
};

/// Starts ngircd.
pub(in crate::load) fn ngircd(log: Stdio) -> io::Result<Server> {
    super::start(&NGIRCD, log)
}

/// A client.
pub(in crate::load) struct Irc {
    number: usize,
    room: usize,
}

/// The client of this number, which hears this room.
pub(in crate::load) fn client(number: usize, room: usize) -> Irc {
    Irc { number, room }
}

impl Dialect for Irc {
    fn greet(&mut self, out: &mut Vec<u8>) {
        let number = self.number;
        out.extend(format!("NICK c{number}\r\nUSER c{number} 0 * :load\r\n").into_bytes());
    }

    fn hear<'a>(&mut self, input: &'a [u8], out: &mut Vec<u8>) -> (usize, Sense<'a>) {
        let Some((line, bytes)) = line(input) else { return (0, Sense::Partial) };
        if let Some(token) = line.strip_prefix(b"PING ") {
            out.extend(b"PONG ");
            out.extend(token);
            out.extend(b"\r\n");
            return (bytes, Sense::Noise);
        }
        let mut words = line.splitn(4, |&byte| byte == b' ').skip(1);
        let (command, _, rest) = (words.next().unwrap_or_default(), words.next(), words.next().unwrap_or_default());
        let sense = match command {
            b"001" => {
                out.extend(format!("JOIN {}\r\n", channel(self.room)).into_bytes());
                Sense::Noise
            }
            // The end of the names: one is in the channel.
            b"366" => Sense::Connected,
            b"PRIVMSG" => Sense::Delivered(rest.strip_prefix(b":").unwrap_or(rest)),
            b"PONG" => Sense::Taken,
            [b'4' | b'5', _, _] if command != b"422" => Sense::Wrong(line),
            _ if line.starts_with(b"ERROR") => Sense::Wrong(line),
            _ => Sense::Noise,
        };
        (bytes, sense)
    }

    /// Nobody says that a message was taken, but the server answers in order.
    fn say(&mut self, room: usize, body: &str, out: &mut Vec<u8>) {
        out.extend(format!("PRIVMSG {} :{body}\r\nPING x\r\n", channel(room)).into_bytes());
    }
}

fn channel(room: usize) -> String {
    format!("#room{room}")
}

#[cfg(test)]
mod tests {
    use super::super::stream::tests::senses;
    use super::*;

    #[test]
    fn a_client_joins_and_hears_and_answers() {
        let mut client = client(7, 0);
        let said = b":s 001 c7 :Welcome\r\nPING :s\r\n:s 366 c7 #room0 :End\r\n:c1!u@h PRIVMSG #room0 :hey you\r\n:s PONG s :x\r\n:s 4";
        let (senses, out) = senses(&mut client, said);
        assert_eq!(senses, [Sense::Noise, Sense::Noise, Sense::Connected, Sense::Delivered(b"hey you"), Sense::Taken]);
        assert_eq!(out, b"JOIN #room0\r\nPONG :s\r\n");
    }
}
