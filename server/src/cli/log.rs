//! The server's log: standard error, as text or as JSON, with a level that can change while it runs.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, reload};

use super::{Ending, Outcome};
use crate::config::LogFormat;

/// Changes how much is logged.
pub(crate) struct Level {
    handle: reload::Handle<EnvFilter, Registry>,
}

/// Begins to log to standard error, in colours on a terminal only.
///
/// # Errors
/// Wrong usage when `filter` is none.
pub(super) fn begin(filter: &str, format: LogFormat) -> Outcome<Level> {
    begin_to(BoxMakeWriter::new(std::io::stderr), std::io::stderr().is_terminal(), filter, format)
}

/// Begins to log to `writer`.
///
/// # Errors
/// Wrong usage when `filter` is none.
pub(crate) fn begin_to(writer: BoxMakeWriter, colours: bool, filter: &str, format: LogFormat) -> Outcome<Level> {
    let (filter, handle) = reload::Layer::new(understand(filter)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(colours).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    let begun = tracing_subscriber::registry().with(filter).with(lines).try_init();
    begun.map_err(|error| Ending::refused(format_args!("The log cannot be written: {error}.")))?;
    Ok(Level { handle })
}

impl Level {
    /// Logs so much from now on.
    ///
    /// # Errors
    /// Wrong usage when `filter` is none; then all is as before.
    pub(super) fn set(&self, filter: &str) -> Outcome {
        let filter = understand(filter)?;
        self.handle.reload(filter).map_err(|error| Ending::refused(format_args!("The log's level cannot be changed: {error}.")))
    }
}

fn understand(filter: &str) -> Outcome<EnvFilter> {
    EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse(filter).map_err(|error| {
        Ending::usage(format_args!("\"{filter}\" does not say how much to log: {error}. Write error, warn, info, debug or trace."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_understood_alone_and_by_part() {
        for filter in ["error", "trace", "info,belfry_server=debug", "belfry_server::store=trace"] {
            assert!(understand(filter).is_ok(), "{filter}");
        }
        assert!(understand("belfry_server=loud").is_err());
    }
}
