//! Plain TCP without Nagle's delay and without encryption: a server on epoll, blocking clients.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use crate::{Ask, COMMAND_BYTES, Clients, fan_out_body, ready};

const LISTENER: Token = Token(usize::MAX);

struct Line {
    stream: mio::net::TcpStream,
    command: Vec<u8>,
    body: Vec<u8>,
    left: u32,
    /// Bytes of the current message that the system has taken.
    begun: usize,
}

impl Line {
    /// One write a message, as a program does that has one to send.
    fn deliver(&mut self) {
        while self.left > 0 {
            match self.stream.write(&self.body[self.begun..]) {
                Ok(bytes) => self.begun += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("{error}"),
            }
            if self.begun == self.body.len() {
                self.begun = 0;
                self.left -= 1;
            }
        }
    }

    /// The next whole command.
    fn command(&mut self) -> Option<Ask> {
        let have = self.command.len();
        self.command.resize(COMMAND_BYTES, 0);
        match self.stream.read(&mut self.command[have..]) {
            Ok(bytes) => self.command.truncate(have + bytes),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.command.truncate(have);
                return None;
            }
            Err(error) => panic!("{error}"),
        }
        if self.command.len() < COMMAND_BYTES {
            return None;
        }
        let ask = Ask::decode(&self.command);
        self.command.clear();
        Some(ask)
    }
}

pub(crate) fn serve() {
    let mut listener = mio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let mut poll = Poll::new().unwrap();
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE).unwrap();
    ready(listener.local_addr().unwrap(), "-");
    let mut lines: BTreeMap<usize, Line> = BTreeMap::new();
    let mut events = Events::with_capacity(1024);
    loop {
        poll.poll(&mut events, None).unwrap();
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true).unwrap();
                    let number = lines.len();
                    poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE).unwrap();
                    lines.insert(number, Line { stream, command: Vec::new(), body: Vec::new(), left: 0, begun: 0 });
                }
                continue;
            }
            let mut fan_out = false;
            let line = lines.get_mut(&event.token().0).unwrap();
            if event.is_readable() {
                while let Some(ask) = line.command() {
                    match ask {
                        Ask::Echo => line.stream.write_all(&ask.encode()).unwrap(),
                        Ask::Deliver { count, bytes } => (line.left, line.body) = (count, vec![7; bytes as usize]),
                        Ask::Arrived { .. } => {}
                        Ask::FanOut => fan_out = true,
                    }
                }
            }
            line.deliver();
            if fan_out {
                let body = fan_out_body();
                for line in lines.values_mut() {
                    line.stream.write_all(&body).unwrap();
                }
            }
        }
    }
}

struct Lines {
    server: SocketAddr,
    lines: Vec<TcpStream>,
    buffer: Vec<u8>,
}

pub(crate) fn clients(server: SocketAddr, _: &str) -> Box<dyn Clients> {
    Box::new(Lines { server, lines: Vec::new(), buffer: vec![0; 64 * 1024] })
}

impl Clients for Lines {
    fn connect(&mut self) {
        let line = TcpStream::connect(self.server).unwrap();
        line.set_nodelay(true).unwrap();
        self.lines.push(line);
    }

    fn ask(&mut self, who: usize, ask: Ask) {
        self.lines[who].write_all(&ask.encode()).unwrap();
    }

    fn receive(&mut self, who: usize, mut bytes: usize) {
        while bytes > 0 {
            let room = bytes.min(self.buffer.len());
            bytes -= self.lines[who].read(&mut self.buffer[..room]).unwrap();
        }
    }

    fn rest(&mut self, time: Duration) {
        thread::sleep(time);
    }
}
