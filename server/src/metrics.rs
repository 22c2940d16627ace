//! Metrics for Prometheus: a responder on a loopback address, with a thread for each of a few readers, so that none keeps another one waiting.
//! It knows nothing but the numbers that the loop hands it.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
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

/// Readers at a time. One more, and the one who came first is sent away: a reader that knows what it wants has its answer by then.
const READERS_MAX: usize = 16;

/// Where readers come in.
pub(crate) struct MetricsListener {
    listener: TcpListener,
    address: SocketAddr,
}

/// A responder at work.
pub(crate) struct MetricsServer {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl MetricsListener {
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

    /// Answers readers with what `ask` says at that moment and the size of the database.
    ///
    /// # Errors
    /// The operating system's, when it has no thread to give.
    pub(crate) fn serve(self, ask: impl Fn() -> Option<Snapshot> + Send + Sync + 'static, database: PathBuf) -> io::Result<MetricsServer> {
        let Self { listener, address } = self;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let answer: Arc<Handler> = Arc::new(move |stream| answer(stream, &ask, &database));
        let thread = thread::Builder::new().name("metrics".into()).spawn(move || {
            let mut readers = Readers::default();
            for stream in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                // Whoever breaks off has only themselves to tell.
                let _ = stream.and_then(|stream| readers.take(stream, &answer));
            }
            readers.send_away();
        })?;
        Ok(MetricsServer { address, stop, thread })
    }
}

/// How a reader is answered.
type Handler = dyn Fn(TcpStream) -> io::Result<()> + Send + Sync;

/// The readers of the moment, in the order in which they came.
#[derive(Default)]
struct Readers(VecDeque<(TcpStream, JoinHandle<()>)>);

impl Readers {
    fn take(&mut self, stream: TcpStream, answer: &Arc<Handler>) -> io::Result<()> {
        self.0.retain(|(_, thread)| !thread.is_finished());
        if self.0.len() >= READERS_MAX
            && let Some((first, thread)) = self.0.pop_front()
        {
            let _ = first.shutdown(Shutdown::Both);
            // It has nothing to wait for any more.
            let _ = thread.join();
        }
        let (line, answer) = (stream.try_clone()?, Arc::clone(answer));
        let thread = thread::Builder::new().name("reader".into()).spawn(move || {
            let (line, _) = (stream.try_clone(), answer(stream));
            // The other handle on it is let go of only when the next reader comes.
            let _ = line.and_then(|line| line.shutdown(Shutdown::Both));
        })?;
        self.0.push_back((line, thread));
        Ok(())
    }

    fn send_away(self) {
        for (line, thread) in self.0 {
            let _ = line.shutdown(Shutdown::Both);
            let _ = thread.join();
        }
    }
}

impl MetricsServer {
    /// Lets go of the address.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // The thread waits for a reader; this is the last one.
        if TcpStream::connect_timeout(&self.address, READER_PATIENCE).is_ok() && self.thread.join().is_err() {
            tracing::error!("the metrics thread has stopped unexpectedly");
        }
    }
}

fn answer(mut stream: TcpStream, ask: &impl Fn() -> Option<Snapshot>, database: &Path) -> io::Result<()> {
    stream.set_write_timeout(Some(READER_PATIENCE))?;
    let plain = "text/plain; charset=utf-8";
    let line = request_line(&mut stream)?;
    let request = line.as_deref().and_then(HttpRequest::read);
    let (status, kind, body) = match request {
        None => ("400 Bad HttpRequest", plain, "That is no request.\n".to_owned()),
        Some(HttpRequest { method, .. }) if !matches!(method, "GET" | "HEAD") => {
            ("405 Method Not Allowed", plain, "Only GET and HEAD.\n".to_owned())
        }
        Some(HttpRequest { path: "/metrics", .. }) => match ask() {
            Some(snapshot) => ("200 OK", "text/plain; version=0.0.4; charset=utf-8", text(&snapshot, bytes_on_disk(database))),
            None => ("503 Service Unavailable", plain, "The server does not answer, or is stopping.\n".to_owned()),
        },
        Some(_) => ("404 Not Found", plain, "Ask for /metrics.\n".to_owned()),
    };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    // Whoever asks for the head wants to know what there would be (RFC 9110 §9.3.2).
    if request.is_some_and(|request| request.method == "HEAD") { Ok(()) } else { stream.write_all(body.as_bytes()) }
}

/// What a reader wants.
#[derive(Clone, Copy)]
struct HttpRequest<'a> {
    method: &'a str,
    /// Without what stands behind a question mark, and without scheme and host where it has them (RFC 9112 §3.2).
    path: &'a str,
}

impl<'a> HttpRequest<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (method, rest) = line.split_once(' ')?;
        let (target, version) = rest.split_once(' ')?;
        if method.is_empty() || !version.starts_with("HTTP/1.") {
            return None;
        }
        let path = match target.split_once("://") {
            Some(("http", place)) => place.find('/').and_then(|slash| place.get(slash..)).unwrap_or("/"),
            _ => target,
        };
        Some(Self { method, path: path.split(['?', '#']).next().unwrap_or_default() })
    }
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
    let Snapshot { observed, transport, headcount, files, .. } = snapshot;
    let gauges = [
        ("connections", "Established connections.", transport.connections),
        ("sessions", "Signed-in sessions.", headcount.sessions),
        ("people_online", "Accounts with at least one session.", headcount.people_online),
        ("accounts", "Accounts.", headcount.accounts),
        ("reassembling_bytes", "Bytes of messages that have been received in part.", transport.reassembling_bytes),
        ("queued_bytes", "Bytes queued or sent that clients have not acknowledged.", transport.queued_bytes),
        ("store_jobs_waiting", "Database jobs waiting or in progress.", snapshot.jobs_waiting),
        ("file_uploads", "Files that are being sent to the server.", files.uploads),
        ("disk_free_bytes", "Free bytes on the disk of the database; 0 where the system does not say.", snapshot.disk_free_bytes),
        ("database_bytes", "Size of the database and its write-ahead log in bytes.", database_bytes),
    ];
    let counters = [
        ("datagrams_received_total", "Datagrams received.", transport.datagrams_received),
        ("datagrams_sent_total", "Datagrams sent.", transport.datagrams_sent),
        (
            "datagrams_dropped_total",
            "Datagrams dropped: malformed, undecryptable, over a limit or of no known connection.",
            transport.datagrams_dropped,
        ),
        (
            "handshakes_displaced_total",
            "Unconfirmed connections dropped because too many came from one address.",
            transport.provisional_ended,
        ),
        ("queues_dropped_total", "Send queues dropped because too many bytes were unacknowledged in all.", transport.queues_dropped),
        (
            "reassemblies_ended_total",
            "Connections closed because too many bytes had been received in part in all.",
            transport.reassemblies_ended,
        ),
        ("packets_lost_total", "Packets declared lost and retransmitted.", transport.packets_lost),
        ("handshakes_total", "Handshakes completed.", transport.handshakes),
        ("sign_ins_total", "Sessions that signed in.", observed.signed_in),
        ("sign_ins_refused_total", "Sign-ins and registrations refused.", observed.sign_ins_refused),
        (
            "sessions_expelled_total",
            "Sessions ended because the account was locked, the device revoked or the password changed.",
            observed.expelled,
        ),
        ("never_signed_in_total", "Connections closed because nobody signed in in time.", observed.never_signed_in),
        ("undecodable_total", "Client messages that could not be decoded; each closed its connection.", observed.undecodable),
        ("files_received_total", "Files received whole and verified.", files.received),
        (
            "files_failed_total",
            "Files whose upload ended because it differed from what was announced, or was refused or not written.",
            files.failed,
        ),
        ("file_received_bytes_total", "Bytes of files received and written.", files.received_bytes),
        ("file_sent_bytes_total", "Bytes of files read for clients that fetch them.", files.fetched_bytes),
        ("store_failures_total", "Database jobs that failed.", observed.store_failures),
    ];
    let seconds = [
        (
            "rtt_median_seconds",
            "Median round-trip time over connections.",
            u64::try_from(transport.rtt_median.as_micros()).unwrap_or(u64::MAX),
        ),
        (
            "store_latency_median_seconds",
            "Median time from a database job's arrival to its commit, or the age of the oldest one waiting if that is longer.",
            snapshot.store_latency_micros,
        ),
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

    fn responder(snapshot: Option<Snapshot>) -> MetricsServer {
        let listener = MetricsListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        listener.serve(move || snapshot, PathBuf::from("nowhere")).unwrap()
    }

    fn said(responder: &MetricsServer, request: &[u8]) -> String {
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
    fn a_query_and_a_host_in_the_request_change_nothing_and_a_head_has_no_body() {
        let responder = responder(Some(Snapshot::default()));
        for target in ["/metrics?format=text", "/metrics?", "http://localhost:9411/metrics", "/metrics?a=/b"] {
            let said = said(&responder, format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes());
            assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("belfry_accounts 0"), "{target}: {said}");
        }
        for target in ["/metricsx", "/metrics/", "http://localhost", "/?/metrics"] {
            assert!(said(&responder, format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()).starts_with("HTTP/1.1 404 "), "{target}");
        }
        let head = said(&responder, b"HEAD /metrics HTTP/1.1\r\n\r\n");
        let whole = said(&responder, b"GET /metrics HTTP/1.1\r\n\r\n");
        assert!(head.ends_with("\r\n\r\n") && whole.starts_with(&head), "{head}");
        assert!(said(&responder, b"PUT /metrics HTTP/1.1\r\n\r\n").contains("\r\nAllow: GET, HEAD\r\n"));
        responder.stop();
    }

    #[test]
    fn however_many_readers_say_nothing_the_next_one_is_served_at_once() {
        let responder = responder(Some(Snapshot::default()));
        let _silent: Vec<_> = (0..4 * READERS_MAX).map(|_| TcpStream::connect(responder.address).unwrap()).collect();
        let begun = Instant::now();
        assert!(said(&responder, b"GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200 "));
        responder.stop();
        assert!(begun.elapsed() < READER_PATIENCE, "nobody waits for those who say nothing");
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
        assert!(MetricsListener::bind("0.0.0.0:0".parse().unwrap()).is_err());
    }
}
