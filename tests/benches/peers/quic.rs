//! QUIC by quinn: TLS 1.3, one stream in both directions a connection, one write a message.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream, ServerConfig, TransportConfig};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;
use tokio::task::LocalSet;

use crate::{Ask, COMMAND_BYTES, Clients, fan_out_body, ready};

const NAME: &str = "localhost";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Idle connections stay, as they do elsewhere.
fn transport() -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport.max_idle_timeout(None);
    Arc::new(transport)
}

pub(crate) fn serve() {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut config = ServerConfig::with_single_cert(vec![certificate.clone()], key).unwrap();
    config.transport_config(transport());
    LocalSet::new().block_on(&runtime(), async move {
        let endpoint = Endpoint::server(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let certificate: String = certificate.iter().map(|byte| format!("{byte:02x}")).collect();
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
    let bytes = (0..certificate.len()).step_by(2).map(|at| u8::from_str_radix(&certificate[at..at + 2], 16).unwrap());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(bytes.collect::<Vec<_>>())).unwrap();
    let mut config = ClientConfig::with_root_certificates(Arc::new(roots)).unwrap();
    config.transport_config(transport());
    let runtime = runtime();
    let endpoint = {
        let _inside = runtime.enter();
        let mut endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        endpoint.set_default_client_config(config);
        endpoint
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
