//! How far a file has come: a bar for whoever sits at a terminal, objects for a script, nothing for anybody else.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use belfry_core::chat::FileName;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::ending::Outcome;
use crate::output;
use crate::sentence::visible;

/// A script hears at most this often how far a file is.
const OBJECT_EVERY: Duration = Duration::from_secs(1);

/// What is told of how far a file has come.
pub(super) struct TransferProgress<'a> {
    name: &'a FileName,
    bytes: u64,
    bar: Option<ProgressBar>,
    /// When a script is told next, if one listens.
    object_at: Option<Instant>,
}

#[derive(Serialize)]
struct ProgressObject<'a> {
    event: &'static str,
    name: &'a str,
    bytes: u64,
    done: u64,
}

impl<'a> TransferProgress<'a> {
    /// Nothing has come yet of a file of so many bytes.
    pub(super) fn of(name: &'a FileName, bytes: u64, json: bool) -> Self {
        let shows = !json && std::io::stderr().is_terminal();
        let bar = shows.then(|| {
            let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(5));
            let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(visible(name.as_str()));
            bar
        });
        Self { name, bytes, bar, object_at: json.then(Instant::now) }
    }

    /// So many bytes are there.
    pub(super) fn at(&mut self, done: u64) -> Outcome {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
        if self.object_at.is_some_and(|at| at <= Instant::now()) {
            self.object_at = Some(Instant::now() + OBJECT_EVERY);
            output::json(&ProgressObject { event: "progress", name: self.name.as_str(), bytes: self.bytes, done })?;
        }
        Ok(())
    }
}

impl Drop for TransferProgress<'_> {
    /// The bar goes: what is said next begins its own line.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
