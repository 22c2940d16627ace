//! Metrics for Prometheus: a responder for one reader at a time, on a loopback address, on a thread of its own. It knows nothing but
//! the numbers that the loop hands it.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::observe::Snapshot;

/// A reader's whole request; a larger one is not looked at.
const REQUEST_BYTES_MAX: usize = 4096;

/// A reader has this long to ask and to take the answer: it is on this computer.
const READER_PATIENCE: Duration = Duration::from_secs(2);

/// Where readers come in.
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

/// A responder at work.
pub(crate) struct Responder {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Listener {
    /// Listens at a loopback address.
    ///
    /// # Errors
    /// The operating system's, and [`io::ErrorKind::InvalidInput`] for any other address.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no loopback address"));
        }
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it really listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers readers, one after the other, with what `ask` says at that moment and the size of the database.
    ///
    /// # Errors
    /// The operating system's, when it has no thread to give.
    pub(crate) fn serve(self, ask: impl Fn() -> Option<Snapshot> + Send + 'static, database: PathBuf) -> io::Result<Responder> {
        let Self { listener, address } = self;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new().name("metrics".into()).spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                // Whoever breaks off has only themselves to tell.
                let _ = stream.and_then(|stream| answer(stream, &ask, &database));
            }
        })?;
        Ok(Responder { address, stop, thread })
    }
}

impl Responder {
    /// Lets go of the address.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // The thread waits for a reader; this is the last one.
        if TcpStream::connect_timeout(&self.address, READER_PATIENCE).is_ok() && self.thread.join().is_err() {
            tracing::error!("the metrics' thread has ended by itself");
        }
    }
}

fn answer(mut stream: TcpStream, ask: &impl Fn() -> Option<Snapshot>, database: &Path) -> io::Result<()> {
    stream.set_write_timeout(Some(READER_PATIENCE))?;
    let (status, kind, body) = match request_line(&mut stream)?.as_deref() {
        Some("GET /metrics HTTP/1.1" | "GET /metrics HTTP/1.0") => match ask() {
            Some(snapshot) => ("200 OK", "text/plain; version=0.0.4; charset=utf-8", text(&snapshot, bytes_on_disk(database))),
            None => ("503 Service Unavailable", "text/plain; charset=utf-8", "The server is stopping.\n".to_owned()),
        },
        Some(line) if line.starts_with("GET ") => ("404 Not Found", "text/plain; charset=utf-8", "Ask for /metrics.\n".to_owned()),
        Some(_) => ("405 Method Not Allowed", "text/plain; charset=utf-8", "Only GET.\n".to_owned()),
        None => ("400 Bad Request", "text/plain; charset=utf-8", "That is no request.\n".to_owned()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// The request's first line, once the whole head is here: closing a socket with unread bytes would take the answer away.
fn request_line(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let end = Instant::now() + READER_PATIENCE;
    let mut head = Vec::with_capacity(512);
    let mut piece = [0; 512];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > REQUEST_BYTES_MAX {
            return Ok(None);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece)? {
            0 => return Ok(None),
            bytes => head.extend_from_slice(piece.get(..bytes).unwrap_or_default()),
        }
    }
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    Ok(String::from_utf8(line.to_vec()).ok())
}

/// The database with its log of changes; 0 for what cannot be seen.
fn bytes_on_disk(database: &Path) -> u64 {
    let length = |path: &Path| path.metadata().map_or(0, |file| file.len());
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    length(database) + length(Path::new(&log))
}

/// The metrics in Prometheus' text form.
fn text(snapshot: &Snapshot, database_bytes: u64) -> String {
    let Snapshot { observed, transport, attendance, .. } = snapshot;
    let gauges = [
        ("connections", "Connections with proven keys.", transport.connections),
        ("sessions", "Signed-in sessions.", attendance.sessions),
        ("people_online", "Accounts with at least one session.", attendance.people_online),
        ("accounts", "Accounts.", attendance.accounts),
        ("reassembling_bytes", "Bytes that wait for what is missing of their messages.", transport.reassembling_bytes),
        ("store_jobs_waiting", "Jobs that the database has not answered.", snapshot.jobs_waiting),
        ("database_bytes", "Bytes of the database and its log of changes on the disk.", database_bytes),
    ];
    let counters = [
        ("datagrams_received_total", "Datagrams received.", transport.datagrams_received),
        ("datagrams_sent_total", "Datagrams sent.", transport.datagrams_sent),
        ("datagrams_dropped_total", "Datagrams that were nothing to anybody.", transport.datagrams_dropped),
        (
            "handshakes_displaced_total",
            "Connections given up unconfirmed because there were too many from the same place.",
            transport.provisional_ended,
        ),
        ("reassemblies_ended_total", "Connections ended because all together held too much unfinished.", transport.reassemblies_ended),
        ("packets_lost_total", "Packets declared lost and sent again.", transport.packets_lost),
        ("handshakes_total", "Handshakes completed.", transport.handshakes),
        ("sign_ins_total", "Sessions that signed in.", observed.signed_in),
        ("sign_ins_refused_total", "Tries to sign in or register that were refused.", observed.sign_ins_refused),
        ("sessions_expelled_total", "Sessions ended by an administrator's act.", observed.expelled),
        ("never_signed_in_total", "Connections on which nobody signed in in time.", observed.never_signed_in),
        ("undecodable_total", "Messages that were none.", observed.undecodable),
        ("store_failures_total", "Answers of the database that say it failed.", observed.store_failures),
    ];
    let seconds = [
        (
            "rtt_median_seconds",
            "Median round-trip time over connections.",
            u64::try_from(transport.rtt_median.as_micros()).unwrap_or(u64::MAX),
        ),
        ("store_latency_median_seconds", "Median time from a job's arrival to its commit.", snapshot.store_latency_micros),
    ];
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, kind: &str, value: &dyn std::fmt::Display| {
        let _ = write!(text, "# HELP belfry_{name} {help}\n# TYPE belfry_{name} {kind}\nbelfry_{name} {value}\n");
    };
    for (name, help, value) in gauges {
        metric(name, help, "gauge", &value);
    }
    for (name, help, value) in counters {
        metric(name, help, "counter", &value);
    }
    for (name, help, micros) in seconds {
        metric(name, help, "gauge", &format_args!("{}.{:06}", micros / 1_000_000, micros % 1_000_000));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn responder(snapshot: Option<Snapshot>) -> Responder {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        listener.serve(move || snapshot, PathBuf::from("nowhere")).unwrap()
    }

    fn said(responder: &Responder, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(responder.address).unwrap();
        stream.write_all(request).unwrap();
        let mut said = String::new();
        let _ = stream.read_to_string(&mut said);
        said
    }

    #[test]
    fn a_reader_is_told_how_things_are() {
        let snapshot = Snapshot { store_latency_micros: 1_500_042, jobs_waiting: 7, ..Snapshot::default() };
        let responder = responder(Some(snapshot));
        let said = said(&responder, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
        assert!(said.contains("# TYPE belfry_store_jobs_waiting gauge\nbelfry_store_jobs_waiting 7\n"), "{said}");
        assert!(said.contains("\nbelfry_store_latency_median_seconds 1.500042\n"), "{said}");
        responder.stop();
    }

    #[test]
    fn anything_else_is_refused_and_the_next_reader_served() {
        let responder = responder(Some(Snapshot::default()));
        let long = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &[b'x'; 2 * REQUEST_BYTES_MAX]].concat();
        for (request, status) in
            [(&b"GET / HTTP/1.1\r\n\r\n"[..], "404"), (b"POST /metrics HTTP/1.1\r\n\r\n", "405"), (b"\xff\xfe\r\n\r\n", "400")]
        {
            assert!(said(&responder, request).starts_with(&format!("HTTP/1.1 {status} ")));
        }
        said(&responder, &long);
        assert!(said(&responder, b"GET /metrics HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 "));
        responder.stop();
    }

    #[test]
    fn a_reader_that_says_nothing_keeps_the_others_waiting_for_a_moment_only() {
        let responder = responder(Some(Snapshot::default()));
        let _silent = TcpStream::connect(responder.address).unwrap();
        assert!(said(&responder, b"GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
        responder.stop();
    }

    #[test]
    fn a_server_that_does_not_answer_is_said_to_be_stopping() {
        let responder = responder(None);
        assert!(said(&responder, b"GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 503 "));
        responder.stop();
    }

    #[test]
    fn other_computers_are_not_listened_to() {
        assert!(Listener::bind("0.0.0.0:0".parse().unwrap()).is_err());
    }
}
