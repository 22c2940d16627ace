//! The thread that writes the log: whoever logs hands a line over and goes on, and where nobody reads what is written, lines are dropped
//! and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use super::LogFormat;
use super::repeats::Repeats;

/// Lines that wait to be written: a second of a very busy log. Further ones are dropped.
const LINES_WAITING_MAX: usize = 4096;

/// A longer line is dropped, too: 16 MiB wait at most, and an ordinary line has 200 bytes.
const LINE_BYTES_MAX: usize = 4096;

/// How often it is looked whether something is to be said that nobody logs.
const TICK: Duration = Duration::from_secs(1);

/// How long a server that ends waits for its last lines to be written.
const LAST_LINES_WITHIN: Duration = Duration::from_secs(1);

enum ToLog {
    Line(Vec<u8>),
    /// Everything before it has been written once its other end is gone.
    Flush(SyncSender<()>),
}

/// Where lines are handed over; never waits.
#[derive(Clone)]
pub(super) struct LogWriter {
    lines: SyncSender<ToLog>,
    dropped: Arc<AtomicU64>,
}

impl LogWriter {
    /// Writes to `out` from now on, on a thread of its own that ends with the process.
    ///
    /// # Errors
    /// The operating system's, when it has no thread to give.
    pub(super) fn start(out: Box<dyn Write + Send>, format: LogFormat, repeats: Arc<Repeats>) -> io::Result<Self> {
        let (lines, waiting) = sync_channel(LINES_WAITING_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let thread = LogThread { out, waiting, dropped: Arc::clone(&dropped), format };
        thread::Builder::new().name("log".into()).spawn(move || thread.run(&repeats))?;
        Ok(Self { lines, dropped })
    }

    /// Waits for a moment until what was logged is written; not for a reader that stands still.
    pub(super) fn finish(&self) {
        let end = Instant::now() + LAST_LINES_WITHIN;
        let (done, written) = sync_channel(1);
        let mut message = ToLog::Flush(done);
        while let Err(TrySendError::Full(again)) = self.lines.try_send(message) {
            if Instant::now() >= end {
                return;
            }
            message = again;
            thread::sleep(Duration::from_millis(10));
        }
        let _ = written.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
}

impl Write for LogWriter {
    /// One line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line.len() > LINE_BYTES_MAX || self.lines.try_send(ToLog::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The thread's side.
struct LogThread {
    out: Box<dyn Write + Send>,
    waiting: Receiver<ToLog>,
    dropped: Arc<AtomicU64>,
    format: LogFormat,
}

impl LogThread {
    fn run(mut self, repeats: &Repeats) {
        let mut told = Instant::now();
        loop {
            match self.waiting.recv_timeout(TICK) {
                Ok(ToLog::Line(line)) => self.write(&line),
                Ok(ToLog::Flush(done)) => drop(done),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if told.elapsed() >= TICK {
                told = Instant::now();
                repeats.tell(told);
            }
        }
    }

    /// Waits for as long as the reader does. Where there is none any more, nobody misses the line.
    fn write(&mut self, line: &[u8]) {
        let _ = self.out.write_all(line).and_then(|()| self.out.flush());
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let line = self.about_dropped(dropped);
            let _ = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush());
        }
    }

    /// Not by way of the log: there may be no room for it.
    fn about_dropped(&self, lines: u64) -> String {
        let (at, target) = (format!("{:.6}", jiff::Timestamp::now()), "belfry::log");
        let said = "lines of the log were dropped: whoever reads it was too slow, or they were too long";
        match self.format {
            LogFormat::Text => format!("{at}  WARN {target}: {said} lines={lines}\n"),
            LogFormat::Json => {
                format!("{}\n", serde_json::json!({"timestamp": at, "level": "WARN", "message": said, "lines": lines, "target": target}))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;

    /// A reader that stands still until it is let go.
    #[derive(Clone, Default)]
    struct Reader {
        state: Arc<Mutex<State>>,
        changed: Arc<Condvar>,
    }

    #[derive(Default)]
    struct State {
        reads: bool,
        read: Vec<u8>,
    }

    impl Reader {
        fn read_on(&self) {
            self.state.lock().unwrap().reads = true;
            self.changed.notify_all();
        }

        fn read(&self) -> String {
            String::from_utf8(self.state.lock().unwrap().read.clone()).unwrap()
        }
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.changed.wait_while(self.state.lock().unwrap(), |state| !state.reads).unwrap();
            state.read.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn started(format: LogFormat) -> (Reader, LogWriter) {
        let reader = Reader::default();
        let writer = LogWriter::start(Box::new(reader.clone()), format, Arc::default()).unwrap();
        (reader, writer)
    }

    #[test]
    fn a_reader_that_stands_still_keeps_nobody_waiting_and_is_told_what_it_has_missed() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let (reader, mut writer) = started(format);
            let all = 3 * LINES_WAITING_MAX;
            for n in 0..all {
                writer.write_all(format!("line {n}\n").as_bytes()).unwrap();
            }
            writer.write_all(&[b'x'; LINE_BYTES_MAX + 1]).unwrap();
            reader.read_on();
            writer.finish();
            let read = reader.read();
            let kept = read.lines().filter(|line| line.starts_with("line ")).count();
            assert!((LINES_WAITING_MAX..=LINES_WAITING_MAX + 1).contains(&kept), "{kept}");
            let dropped = all + 1 - kept;
            let said = match format {
                LogFormat::Text => format!("lines={dropped}\n"),
                LogFormat::Json => format!("\"lines\":{dropped},"),
            };
            assert!(read.contains(&said), "{dropped}: {}", read.lines().nth(1).unwrap());
        }
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_stands_still() {
        let (_reader, mut writer) = started(LogFormat::Text);
        for _ in 0..2 * LINES_WAITING_MAX {
            writer.write_all(b"line\n").unwrap();
        }
        let begun = Instant::now();
        writer.finish();
        assert!(begun.elapsed() < 5 * LAST_LINES_WITHIN);
    }
}
