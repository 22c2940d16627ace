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

/// Asked now and then: one short call every two seconds costs nothing that could be measured, and needs no window.
#[cfg(windows)]
#[allow(unsafe_code, reason = "the state of the session has no safe wrapper")]
mod system {
    use std::ptr::null_mut;
    use std::thread;
    use std::time::Duration;

    use windows_sys::Win32::System::RemoteDesktop::{WTSFreeMemory, WTSINFOEXW, WTSQuerySessionInformationW, WTSSessionInfoEx};

    const PAUSE: Duration = Duration::from_secs(2);
    /// WTS_CURRENT_SESSION.
    const THIS_SESSION: u32 = u32::MAX;
    /// WTSActive: somebody is connected.
    const ACTIVE: i32 = 0;
    /// WTS_SESSIONSTATE_LOCK.
    const LOCKED: i32 = 0;

    pub(super) fn watch(hear: &impl Fn(bool)) {
        let mut before = false;
        loop {
            let now = is_locked();
            if now != before {
                hear(now);
            }
            before = now;
            thread::sleep(PAUSE);
        }
    }

    /// Where the system does not say (Wine), the screen is taken for open.
    fn is_locked() -> bool {
        let (mut buffer, mut bytes) = (null_mut::<u16>(), 0);
        // SAFETY: both out-parameters outlive the call; the buffer is the system's, read below and given back.
        let told = unsafe { WTSQuerySessionInformationW(null_mut(), THIS_SESSION, WTSSessionInfoEx, &raw mut buffer, &raw mut bytes) };
        if told == 0 || buffer.is_null() {
            return false;
        }
        let whole = usize::try_from(bytes).is_ok_and(|bytes| bytes >= size_of::<WTSINFOEXW>());
        // SAFETY: the system has filled in as many bytes as it says, which is checked to be the whole structure; its level 1 is what
        // was asked for, and the buffer may lie at any address, hence the unaligned reading.
        let state = whole.then(|| unsafe { buffer.cast::<WTSINFOEXW>().read_unaligned().Data.WTSInfoExLevel1 });
        // SAFETY: the buffer came from the call above and is not used any more.
        unsafe { WTSFreeMemory(buffer.cast()) };
        state.is_some_and(|state| state.SessionFlags == LOCKED || state.SessionState != ACTIVE)
    }
}

#[cfg(not(any(windows, target_os = "linux")))]
mod system {
    pub(super) fn watch(_hear: &impl Fn(bool)) {}
}
