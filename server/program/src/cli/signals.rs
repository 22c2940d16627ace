//! What the operating system tells a server: stop, or read the configuration again.

use crate::ending::{Ending, Outcome};

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Ctrl+C, a polite kill, the console's closing.
    Stop,
    /// SIGHUP.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no such signal elsewhere"))]
    Reload,
}

/// Calls `on_signal` on a thread of its own for every signal, until it says that it wants no more.
#[cfg(unix)]
pub(super) fn watch(mut on_signal: impl FnMut(Signal) -> bool + Send + 'static) -> Outcome {
    use belfry_core::net::InWords;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let cannot = |error: std::io::Error| Ending::refused(format_args!("Signals cannot be caught: {}.", InWords(&error)));
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(cannot)?;
    let watcher = std::thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if !on_signal(if signal == SIGHUP { Signal::Reload } else { Signal::Stop }) {
                return;
            }
        }
    });
    watcher.map(drop).map_err(cannot)
}

/// Calls `on_signal` on a thread of its own for every signal.
#[cfg(not(unix))]
pub(super) fn watch(mut on_signal: impl FnMut(Signal) -> bool + Send + 'static) -> Outcome {
    ctrlc::set_handler(move || {
        on_signal(Signal::Stop);
    })
    .map_err(|error| Ending::refused(format_args!("Ctrl+C cannot be caught: {error}.")))
}
