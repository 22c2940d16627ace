//! A client over TCP: bytes in, bytes out; what they mean is its dialect's.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use belfry_core::time::Instant;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::load::crowd::{CrowdThread, Kind, Line, Lines, Tools};
use crate::load::heard::Heard;

/// What a client has understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::load) enum Sense<'a> {
    /// Not a whole sentence yet.
    Partial,
    /// Nothing that matters here.
    Noise,
    /// It is signed in and hears its room.
    Connected,
    /// A message.
    Delivered(&'a [u8]),
    /// A message of its own was taken.
    Taken,
    /// Something is wrong; the sentence.
    Wrong(&'a [u8]),
}

/// A protocol, as far as a client needs it that hears one room and speaks.
pub(in crate::load) trait Dialect {
    /// What opens the conversation.
    fn greet(&mut self, out: &mut Vec<u8>);
    /// The first sentence of the input: how many bytes it has, and what it says. Answers go to `out`.
    fn hear<'a>(&mut self, input: &'a [u8], out: &mut Vec<u8>) -> (usize, Sense<'a>);
    /// Says something to a room so that it is heard that it was taken.
    fn say(&mut self, room: usize, body: &str, out: &mut Vec<u8>);
    /// Says that it is there, where that is the client's business.
    fn keep_alive(&mut self, _out: &mut Vec<u8>) {}
}

/// One client.
pub(super) struct StreamLine<D> {
    number: usize,
    stream: TcpStream,
    dialect: D,
    /// What has come and is not a whole sentence.
    input: Vec<u8>,
    /// What the system had no room for.
    output: Vec<u8>,
    greeted: bool,
    keep_alive_at: Option<Instant>,
}

/// Starts a thread with clients of this dialect, made by their number and that of the room they are in: one of their own, or all in one.
pub(in crate::load) fn start<D: Dialect + Send + 'static>(
    heard: Arc<Heard>,
    connecting_max: usize,
    server: SocketAddr,
    make: fn(usize, usize) -> D,
    rooms: bool,
) -> io::Result<CrowdThread> {
    let open = move |number| {
        let stream = TcpStream::connect(server)?;
        Ok(StreamLine {
            number,
            stream,
            dialect: make(number, if rooms { number } else { 0 }),
            input: Vec::new(),
            output: Vec::new(),
            greeted: false,
            keep_alive_at: None,
        })
    };
    Lines::start(heard, connecting_max, Box::new(open))
}

impl<D: Dialect> StreamLine<D> {
    fn receive(&mut self, tools: &mut Tools) {
        loop {
            match self.stream.read(&mut tools.buffer) {
                Ok(0) => return self.lose(tools, "the server has closed the connection"),
                Ok(bytes) => self.input.extend_from_slice(&tools.buffer[..bytes]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.lose(tools, &error.to_string()),
            }
            self.understand(tools);
        }
    }

    fn understand(&mut self, tools: &mut Tools) {
        let mut begin = 0;
        loop {
            let (bytes, sense) = self.dialect.hear(&self.input[begin..], &mut self.output);
            match sense {
                Sense::Partial => break,
                Sense::Noise => {}
                Sense::Connected => {
                    tools.connected = true;
                    self.keep_alive_at = Some(tools.heard.now() + Duration::from_secs(super::KEEP_ALIVE_SECONDS));
                }
                Sense::Delivered(body) => tools.heard.deliver(body),
                Sense::Taken => tools.taken += 1,
                Sense::Wrong(what) => {
                    tools.heard.complain(format!("client {} hears: {}", self.number, String::from_utf8_lossy(what)));
                }
            }
            begin += bytes;
        }
        self.input.drain(..begin);
    }

    fn write(&mut self, tools: &mut Tools) {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(bytes) => drop(self.output.drain(..bytes)),
                Err(error) if error.kind() == ErrorKind::WouldBlock || error.kind() == ErrorKind::NotConnected => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.lose(tools, &error.to_string()),
            }
        }
    }

    fn lose(&mut self, tools: &Tools, why: &str) {
        self.output.clear();
        self.keep_alive_at = None;
        tools.heard.lost.fetch_add(1, Ordering::Relaxed);
        tools.heard.complain(format!("client {} has lost its connection: {why}", self.number));
    }
}

impl<D: Dialect> Line for StreamLine<D> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    fn ready(&mut self, tools: &mut Tools) {
        if !self.greeted {
            if let Ok(Some(error)) = self.stream.take_error() {
                return self.lose(tools, &error.to_string());
            }
            if self.stream.peer_addr().is_err() {
                return;
            }
            self.greeted = true;
            if let Err(error) = self.stream.set_nodelay(true) {
                return self.lose(tools, &error.to_string());
            }
            self.dialect.greet(&mut self.output);
        }
        self.receive(tools);
        self.write(tools);
    }

    fn due(&mut self, tools: &mut Tools) {
        let now = tools.heard.now();
        if let Some(at) = self.keep_alive_at.filter(|at| *at <= now) {
            self.keep_alive_at = Some(at + Duration::from_secs(super::KEEP_ALIVE_SECONDS));
            self.dialect.keep_alive(&mut self.output);
            self.write(tools);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.keep_alive_at
    }

    fn say(&mut self, kind: Kind, body: &str, tools: &mut Tools) {
        match kind {
            Kind::Chat { room } => self.dialect.say(room, body, &mut self.output),
            Kind::Notice => tools.heard.complain("this server knows no notices".to_owned()),
        }
        self.write(tools);
    }
}

/// The first line of the input without its end, and how many bytes it has with it.
pub(super) fn line(input: &[u8]) -> Option<(&[u8], usize)> {
    let end = input.iter().position(|&byte| byte == b'\n')?;
    let line = &input[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a dialect makes of an input that comes whole, and of every beginning of it: nothing of a sentence that is not whole.
    pub(in crate::load::peers) fn senses<'a>(dialect: &mut impl Dialect, mut input: &'a [u8]) -> (Vec<Sense<'a>>, Vec<u8>) {
        let (mut senses, mut out) = (Vec::new(), Vec::new());
        loop {
            let (bytes, sense) = dialect.hear(input, &mut out);
            if sense == Sense::Partial {
                assert!(bytes == 0, "of what is not whole nothing is taken");
                return (senses, out);
            }
            senses.push(sense);
            input = &input[bytes..];
        }
    }

    #[test]
    fn a_line_ends_where_it_ends() {
        assert_eq!(line(b"PING\r\nPONG"), Some((&b"PING"[..], 6)));
        assert_eq!(line(b"PING"), None);
    }
}
