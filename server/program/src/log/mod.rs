//! The server's log: standard error, or files, as text or as JSON, with a level that can change while it runs.

mod filter;
mod repeats;
mod writer;

use std::io::Write;
use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

pub(crate) use self::filter::understand;
use self::repeats::{Repeats, Summing};
use self::writer::LogWriter;
use crate::ending::{Ending, Outcome};
use crate::output;

/// In what form the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One object a line.
    Json,
}

/// A log that has begun.
pub(crate) struct Log {
    writer: LogWriter,
    level: Level,
}

/// Changes how much is logged.
#[derive(Clone)]
pub(crate) struct Level {
    handle: reload::Handle<EnvFilter, Registry>,
}

/// Begins to log to standard error, in colours where they are wanted.
///
/// # Errors
/// Wrong usage when `filter` is none.
pub(crate) fn begin(filter: &str, format: LogFormat) -> Outcome<Log> {
    let stderr = std::io::stderr();
    let colours = output::colours_are_wanted(&stderr);
    begin_to(Box::new(stderr), colours, filter, format)
}

/// Begins to log to `out`, on a thread of its own.
///
/// # Errors
/// Wrong usage when `filter` is none.
pub(crate) fn begin_to(out: Box<dyn Write + Send>, colours: bool, filter: &str, format: LogFormat) -> Outcome<Log> {
    let cannot = |error: &dyn std::fmt::Display| Ending::refused(format_args!("The log cannot be written: {error}."));
    let (filter, handle) = reload::Layer::new(understand(filter).map_err(Ending::usage)?);
    let repeats = Arc::new(Repeats::default());
    let writer = LogWriter::start(out, format, Arc::clone(&repeats)).map_err(|error| cannot(&error))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer.clone());
    let lines = match format {
        LogFormat::Text => lines.with_ansi(colours).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    let begun = tracing_subscriber::registry().with(filter).with(Summing(repeats)).with(lines).try_init();
    begun.map_err(|error| cannot(&error))?;
    Ok(Log { writer, level: Level { handle } })
}

impl Log {
    /// What changes how much is logged.
    pub(crate) fn level(&self) -> Level {
        self.level.clone()
    }

    /// Waits for a moment until what was logged is written.
    pub(crate) fn finish(&self) {
        self.writer.finish();
    }
}

impl Level {
    /// Logs so much from now on.
    ///
    /// # Errors
    /// Wrong usage when `filter` is none; then all is as before.
    pub(crate) fn set(&self, filter: &str) -> Outcome {
        let filter = understand(filter).map_err(Ending::usage)?;
        self.handle.reload(filter).map_err(|error| Ending::refused(format_args!("The log's level cannot be changed: {error}.")))
    }
}
