//! Whether the screen is locked, or nobody is connected to the session: then nobody sees a popup.

use std::io;
use std::thread;

/// Calls `hear` whenever the screen is locked (`true`) or opened again, on a thread of its own. At the start it is taken for open:
/// somebody has just started the program.
///
/// # Errors
/// The system has no thread to give.
pub fn watch(hear: impl Fn(bool) + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("session".into()).spawn(move || system::watch(&hear))?;
    Ok(())
}

/// Every desktop's screen saver tells the session's bus when it locks the screen.
#[cfg(target_os = "linux")]
mod system {
    use std::pin::Pin;

    use zbus::export::futures_core::Stream as _;
    use zbus::message::Type;
    use zbus::{Connection, MatchRule, MessageStream};

    const SAVERS: [&str; 4] = ["org.freedesktop.ScreenSaver", "org.gnome.ScreenSaver", "org.mate.ScreenSaver", "org.cinnamon.ScreenSaver"];

    pub(super) fn watch(hear: &impl Fn(bool)) {
        // Without a session bus there is no desktop that could be locked.
        let _ = pollster::block_on(listen(hear));
    }

    async fn listen(hear: &impl Fn(bool)) -> zbus::Result<()> {
        let bus = Connection::session().await?;
        let rule = MatchRule::builder().msg_type(Type::Signal).member("ActiveChanged")?.build();
        let mut signals = MessageStream::for_match_rule(rule, &bus, None).await?;
        while let Some(signal) = std::future::poll_fn(|cx| Pin::new(&mut signals).poll_next(cx)).await {
            let signal = signal?;
            let by_saver = signal.header().interface().is_some_and(|interface| SAVERS.contains(&interface.as_str()));
            if by_saver && let Ok(locked) = signal.body().deserialize::<bool>() {
                hear(locked);
            }
        }
        Ok(())
    }
}

/// Windows tells the window of the icon (`windows_messages.rs`).
#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn watch(_hear: &impl Fn(bool)) {}
}
