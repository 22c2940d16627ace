//! The system ends programs by a signal, as at the end of a session: the server is to hear of it as when the person ends this one.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Calls `on_end` on a thread of its own when the program is to end. Where signals cannot be caught the system ends it at once, as any other.
pub fn watch(on_end: impl Fn() + Send + 'static) {
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
    let _ = std::thread::Builder::new().name("signals".into()).spawn(move || signals.forever().for_each(|_| on_end()));
}
