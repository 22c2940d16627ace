//! QUIC by quinn: TLS 1.3, one stream in both directions a connection, one write a message.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use belfry_tests::load::quic::{self, NAME, runtime};
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::task::LocalSet;

use crate::{Ask, COMMAND_BYTES, Clients, fan_out_body, ready};

pub(crate) fn serve() {
    LocalSet::new().block_on(&runtime().unwrap(), async move {
        let (endpoint, certificate) = quic::server().unwrap();
        ready(endpoint.local_addr().unwrap(), &certificate);
        let everybody: Everybody = Rc::default();
        while let Some(incoming) = endpoint.accept().await {
            let everybody = Rc::clone(&everybody);
            tokio::task::spawn_local(async move {
                let connection = incoming.await.unwrap();
                let (send, receive) = connection.accept_bi().await.unwrap();
                let send = Rc::new(Mutex::new(send));
                everybody.borrow_mut().push(Rc::clone(&send));
                attend(send, receive, everybody).await;
            });
        }
    });
}

type Everybody = Rc<RefCell<Vec<Rc<Mutex<SendStream>>>>>;

async fn attend(send: Rc<Mutex<SendStream>>, mut receive: RecvStream, everybody: Everybody) {
    let mut command = [0; COMMAND_BYTES];
    loop {
        receive.read_exact(&mut command).await.unwrap();
        match Ask::decode(&command) {
            Ask::Echo => send.lock().await.write_all(&command).await.unwrap(),
            Ask::Deliver { count, bytes } => {
                let body = vec![7; bytes as usize];
                for _ in 0..count {
                    send.lock().await.write_all(&body).await.unwrap();
                }
            }
            Ask::Arrived { .. } => {}
            Ask::FanOut => {
                let body = fan_out_body();
                let all = everybody.borrow().clone();
                for send in all {
                    send.lock().await.write_all(&body).await.unwrap();
                }
            }
        }
    }
}

struct Lines {
    runtime: Runtime,
    endpoint: Endpoint,
    server: SocketAddr,
    lines: Vec<(Connection, SendStream, RecvStream)>,
    buffer: Vec<u8>,
}

pub(crate) fn clients(server: SocketAddr, certificate: &str) -> Box<dyn Clients> {
    let runtime = runtime().unwrap();
    let endpoint = {
        let _inside = runtime.enter();
        quic::client(certificate, None).unwrap()
    };
    Box::new(Lines { runtime, endpoint, server, lines: Vec::new(), buffer: vec![0; 64 * 1024] })
}

impl Clients for Lines {
    fn connect(&mut self) {
        let (endpoint, server) = (&self.endpoint, self.server);
        let line = self.runtime.block_on(async {
            let connection = endpoint.connect(server, NAME).unwrap().await.unwrap();
            let (send, receive) = connection.open_bi().await.unwrap();
            (connection, send, receive)
        });
        self.lines.push(line);
    }

    fn ask(&mut self, who: usize, ask: Ask) {
        let (_, send, _) = &mut self.lines[who];
        self.runtime.block_on(send.write_all(&ask.encode())).unwrap();
    }

    fn receive(&mut self, who: usize, mut bytes: usize) {
        let (_, _, receive) = &mut self.lines[who];
        let buffer = &mut self.buffer;
        self.runtime.block_on(async {
            while bytes > 0 {
                let room = bytes.min(buffer.len());
                bytes -= receive.read(&mut buffer[..room]).await.unwrap().unwrap();
            }
        });
    }

    fn rest(&mut self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }
}
